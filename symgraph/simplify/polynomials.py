"""Sums and products multiplied out: numbers times products of whole powers, exactly.

What two terms share is known only then: ``(x - 1) * (x + 1)`` and ``x**2`` differ by a number.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.graph.types import DType
from symgraph.simplify.common import number, scalar, unbroadcast
from symgraph.simplify.pattern import SUMS

__all__ = [
    "Polynomial",
    "Term",
    "added",
    "difference",
    "expanded",
    "multiplied",
    "of_number",
    "of_term",
    "written",
]

Factors: TypeAlias = "tuple[tuple[Node, int], ...]"


class Term(NamedTuple):
    """A number times nodes with exponents, none of them 0, in the order in which they were met."""

    number: Fraction
    factors: Factors


Polynomial: TypeAlias = "dict[frozenset[tuple[Node, int]], Term]"

_MOST_TERMS = 12
_MOST_STEPS = 24
_MOST_POWER = 4
_MOST_DIGITS = 300
_LARGEST = 1e30


class _TooLongError(Exception):
    """It is no small polynomial."""


def expanded(node: Node, dtype: DType) -> Polynomial | None:
    """A node multiplied out; ``None`` if it has too many terms, or parts of another dtype.

    Below the line sums stay as they are: they are factors with negative exponents.
    """
    try:
        return _Expansion(dtype).of(node)
    except _TooLongError:
        return None


class _Expansion:
    def __init__(self, dtype: DType) -> None:
        self._dtype = dtype
        self._left = _MOST_STEPS

    def of(self, node: Node) -> Polynomial:
        """The polynomial; the steps bound the depth."""
        node = unbroadcast(node)
        self._left -= 1
        if node.dtype != self._dtype or self._left < 0:
            raise _TooLongError
        value = number(node)
        if value is not None:
            return _known(float(value))
        name = node.op.name
        if name == "negative":
            return _negative(self.of(node.inputs[0]))
        if name in ("add", "subtract"):
            first, second = [self.of(operand) for operand in node.inputs]
            return difference(first, second if name == "subtract" else _negative(second))
        if name == "multiply":
            return _product(*[self.of(operand) for operand in node.inputs])
        if name == "square":
            return _power(self.of(node.inputs[0]), 2)
        if name == "power" and (k := _whole(node.inputs[1])) is not None:
            base = self.of(node.inputs[0])
            return _power(base if k > 0 else _inverse(node.inputs[0], base), abs(k))
        if name == "divide":
            top, below = node.inputs
            return _product(self.of(top), _inverse(below, self.of(below)))
        return of_term(Term(Fraction(1), ((node, 1),)))


def of_term(term: Term) -> Polynomial:
    """One term alone."""
    return {frozenset(term.factors): term}


def of_number(value: Fraction) -> Polynomial:
    """A number alone."""
    return of_term(Term(value, ())) if value else {}


def _known(value: float) -> Polynomial:
    if not np.isfinite(value) or (value and not 1 / _LARGEST < abs(value) < _LARGEST):
        raise _TooLongError
    return of_number(Fraction(value))


def _whole(exponent: Node) -> int | None:
    value = number(exponent)
    if value is None or value.dtype.kind == "c" or value != np.rint(value) or not value:
        return None
    return int(value) if abs(value) <= _MOST_POWER else None


def _inverse(node: Node, known: Polynomial) -> Polynomial:
    if len(known) == 1:
        (term,) = known.values()
        return of_term(Term(1 / term.number, tuple([(base, -k) for base, k in term.factors])))
    node = unbroadcast(node)
    if node.op.name not in SUMS:
        raise _TooLongError
    return of_term(Term(Fraction(1), ((node, -1),)))


def _negative(some: Polynomial) -> Polynomial:
    return {key: Term(-term.number, term.factors) for key, term in some.items()}


def difference(first: Polynomial, second: Polynomial) -> Polynomial:
    """The difference, without terms that cancel."""
    result = dict(first)
    for key, term in second.items():
        _put(result, Term(-term.number, term.factors), key)
    return result


def added(first: Polynomial, second: Polynomial) -> Polynomial:
    """The sum, without terms that cancel."""
    return difference(first, _negative(second))


def _put(total: Polynomial, term: Term, key: frozenset[tuple[Node, int]]) -> None:
    met = total.get(key)
    value = term.number + (met.number if met is not None else 0)
    if value:
        total[key] = Term(value, term.factors if met is None else met.factors)
    else:
        total.pop(key, None)


def _product(first: Polynomial, second: Polynomial) -> Polynomial:
    if len(first) * len(second) > 2 * _MOST_TERMS:
        raise _TooLongError
    result: Polynomial = {}
    for term in first.values():
        for other in second.values():
            exponents = dict(term.factors)
            for base, k in other.factors:
                exponents[base] = exponents.get(base, 0) + k
            factors = tuple([(base, k) for base, k in exponents.items() if k])
            value = term.number * other.number
            if value.numerator.bit_length() + value.denominator.bit_length() > _MOST_DIGITS:
                raise _TooLongError
            _put(result, Term(value, factors), frozenset(factors))
    return result


def _power(some: Polynomial, exponent: int) -> Polynomial:
    result = some
    for _ in range(exponent - 1):
        result = _product(result, some)
    return result


def multiplied(some: Polynomial, by: Polynomial, times: int) -> Polynomial | None:
    """A polynomial times powers of another, multiplied out; ``None`` if that is too long."""
    try:
        for _ in range(times):
            some = _product(some, by)
    except _TooLongError:
        return None
    return some


def written(term: Term, like: Node) -> Node | None:
    """One term as a node; ``None`` if its number is not within the range of the dtype."""
    rounded = float(term.number)
    if not np.isfinite(np.asarray(rounded, like.dtype)):
        return None
    result: Node | None = None
    for base, k in term.factors:
        if k > 0:
            part = base if k == 1 else apply("square", base) if k == 2 else base**k
            result = part if result is None else result * part
    if result is None:
        result = scalar(rounded, like)
    elif term.number != 1:
        result = -result if term.number == -1 else scalar(rounded, like) * result
    for base, k in term.factors:
        for _ in range(-k):
            result = result / base
    return result
