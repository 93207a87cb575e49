"""Sums that are one product once they are multiplied out: of quotients, and of squares."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.common import is_op, unbroadcast
from symgraph.simplify.flat import TERM_NAMES, terms_of
from symgraph.simplify.match import split_multiple, times
from symgraph.simplify.pattern import SUMS
from symgraph.simplify.polynomials import (
    Polynomial,
    Term,
    added,
    expanded,
    multiplied,
    of_term,
    written,
)
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.differences import known_difference


@rewrite(
    "add",
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(
        lambda x: x / (x - 1.0) - (x + 1.0) / x,
        lambda x: 1.0 / (x - 1.0) - 2.0 / x + 1.0 / (x + 1.0),
        lambda x, y: 1.0 / y - (y - x) / y / y,
    ),
)
def sum_of_quotients(node: Node) -> Node | None:
    """a / b - c / d = (a * d - b * c) / b / d where a * d - b * c is a number or a variable."""
    if sum(is_op(term, "divide") for _, term in terms_of(node)) < 2:
        return None
    total = expanded(node, node.dtype) if node.dtype.kind == "f" else None
    if total is None or not total:
        return None
    if len(total) == 1:
        (term,) = total.values()
        below = any(k < 0 for _, k in term.factors)
        return written(term, node) if below and sum(abs(k) for _, k in term.factors) <= 3 else None
    most: dict[Node, int] = {}
    for term in total.values():
        for base, k in term.factors:
            if k < 0:
                most[base] = max(most.get(base, 0), -k)
    if not any(base.op.name in SUMS for base in most):
        return None
    above = _over_one_divisor(total, most, node)
    if above is None or len(above) != 1:
        return None
    (term,) = above.values()
    # A product could overflow where the quotients do not.
    if sum(abs(k) for _, k in term.factors) > 1:
        return None
    result = written(term, node)
    for base, k in most.items():
        for _ in range(k):
            result = None if result is None else result / base
    return result


def _over_one_divisor(total: Polynomial, most: dict[Node, int], node: Node) -> Polynomial | None:
    """The total times the powers of the divisors."""
    above: Polynomial = {}
    sums: dict[Node, Polynomial] = {}
    for base in most:
        known = expanded(base, node.dtype)
        if known is None:
            return None
        sums[base] = known
    for term in total.values():
        exponents = dict(term.factors)
        left = tuple([(base, k) for base, k in term.factors if base not in most])
        part: Polynomial | None = of_term(Term(term.number, left))
        for base, k in most.items():
            if part is not None:
                part = multiplied(part, sums[base], k + exponents.get(base, 0))
        if part is None:
            return None
        above = added(above, part)
    return above


@rewrite(
    "add",
    "subtract",
    operands=("multiply",),
    keeps="accurate",
    examples=(
        lambda x, y: y * (1.0 - x) - y * (1.0 + x),
        lambda x, y: (x + y) * np.exp(x) - x * np.exp(x),
    ),
)
def difference_of_multiples(node: Node) -> Node | None:
    """c * a - c * b = c * (a - b) where a - b is known, for sums a and b."""
    first, second = node.inputs
    if not (is_op(first, "multiply") and is_op(second, "multiply")) or node.dtype.kind != "f":
        return None
    minus = is_op(node, "subtract")
    for c, a in (first.inputs, first.inputs[::-1]):
        for other, b in (second.inputs, second.inputs[::-1]):
            if c is not other or not (is_op(a, *SUMS) or is_op(b, *SUMS)):
                continue
            gap = known_difference(a, b if minus else -b)
            if gap is not None and c.dtype == gap.dtype == node.dtype:
                return c * gap
    return None


# Perfect squares ----------------------------------------------------------------------------------


@rewrite(
    "add",
    "subtract",
    keeps="accurate",
    examples=(
        lambda x, y: np.square(x) - 2.0 * x * y + np.square(y),
        lambda x: np.square(x) + 2.0 * x + 1.0,
        lambda x: np.exp(2.0 * x) - 2.0 * np.exp(x) + 1.0,
    ),
)
def perfect_square(node: Node) -> Node | None:
    """a**2 - 2 * a * b + b**2 = (a - b)**2, exp(2 * x) counting as a square."""
    if node.dtype.kind != "f" or not any(is_op(x, *SUMS) for x in node.inputs):
        return None
    if TERM_NAMES.of(node).isdisjoint(("square", "power", "exp")):
        return None
    names = [term.op.name for _, term in terms_of(node)]
    if len(names) != 3 or sum(name in _ROOTED for name in names) < 2:
        return None
    total = expanded(node, node.dtype)
    if total is None or len(total) != 3:
        return None
    terms = [*total.values()]
    for cross in terms:
        roots = [_root(term, node) for term in terms if term is not cross]
        if roots[0] is None or roots[1] is None:
            continue
        both = multiplied(of_term(roots[0]), of_term(roots[1]), 1)
        if both is None or len(both) != 1:
            continue
        ((key, product),) = both.items()
        if key != frozenset(cross.factors) or abs(cross.number) != 2 * abs(product.number):
            continue
        a, b = [written(root, node) for root in roots if root is not None]
        if a is None or b is None:
            return None
        return apply("square", a + b if cross.number * product.number > 0 else a - b)
    return None


_ROOTED = ("square", "power", "exp", "multiply", "divide", "constant", "broadcast_to")
"""What the square of something may be, by name: two of the three terms are."""


def _root(term: Term, like: Node) -> Term | None:
    """What a term is the square of, as far as that is exact."""
    if term.number <= 0:
        return None
    top, below = isqrt(term.number.numerator), isqrt(term.number.denominator)
    if top**2 != term.number.numerator or below**2 != term.number.denominator:
        return None
    factors: list[tuple[Node, int]] = []
    for base, k in term.factors:
        if k % 2 == 0:
            factors.append((base, k // 2))
        elif is_op(base, "exp") and unbroadcast(base.inputs[0]).dtype == like.dtype:
            by, x = split_multiple(base.inputs[0])
            factors.append((apply("exp", times(0.5 * by, x)), k))
        else:
            return None
    return Term(Fraction(top, below), tuple(factors))
