"""Matching of patterns up to order, grouping, signs and spelling.

Sums match whatever the order and grouping of their terms and however a sign is written (``a - b``,
``a + -b``, ``-1 * b``); products likewise, with quotients and integer powers as exponents.

A variable stands for a node times a number, so ``exp(-x)`` matches every ``exp(y)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.simplify.common import number, scalar, unbroadcast
from symgraph.simplify.flat import TERM_NAMES, Powers, flat_product, flat_sum
from symgraph.simplify.heads import term_heads
from symgraph.simplify.pattern import (
    COMMUTATIVE,
    SUMS,
    Call,
    Pattern,
    Product,
    Sum,
    Value,
    Variable,
    canonical,
)

__all__ = [
    "Bindings",
    "Match",
    "assignments",
    "divisions",
    "instantiate",
    "match",
    "match_call",
    "split_multiple",
    "times",
    "value",
]


@record
class Match:
    """What a variable stands for: a number times a node."""

    number: float
    base: Node
    node: Node | None = None
    """The product, where it exists as a node."""


Bindings: TypeAlias = dict[str, Match]


def _multiple(node: Node, by: float = 1.0) -> Match:
    """A node as number times node; `by` comes on top."""
    whole, factor = node, by
    while True:
        name = node.op.name
        if name == "negative":
            factor, node = -factor, node.inputs[0]
            continue
        if name in ("multiply", "divide"):
            x, y = node.inputs
            a, b = number(x), number(y)
            value, rest = (a, y) if a is not None and name == "multiply" else (b, x)
            if value is not None and _exact(value) and rest.shape == node.shape:
                factor = factor * float(value) if name == "multiply" else factor / float(value)
                node = rest
                continue
        return Match(factor, node, whole if by == 1 else None)


def split_multiple(node: Node) -> tuple[float, Node]:
    """A node as a power of two, with its sign, times another node."""
    found = _multiple(node)
    return found.number, found.base


def _exact(value: Any) -> bool:
    """A power of two of moderate size: scaling by it commutes with rounding."""
    if value.dtype.kind not in "iuf" or value == 0 or not np.isfinite(value):
        return False
    return bool(abs(np.frexp(float(value))[0]) == 0.5) and 1e-9 < abs(value) < 1e9


def _bind(variable: Variable, node: Node, by: float, found: Bindings) -> Iterator[Bindings]:
    new = _multiple(node, by)
    if variable.constant and number(node) is None:
        return
    old = found.get(variable.name)
    if old is None:
        yield {**found, variable.name: new}
    elif old.number == new.number and unbroadcast(old.base) is unbroadcast(new.base):
        yield found


def _match(pattern: Pattern, node: Node, found: Bindings) -> Iterator[Bindings]:
    """All ways in which a node is the pattern."""
    if isinstance(pattern, Variable):
        yield from _bind(pattern, node, 1.0, found)
    elif isinstance(pattern, Value):
        value = number(node)
        if value is not None and value == pattern.value:
            yield found
    elif isinstance(pattern, Sum):
        for sign, bindings in _match_sum(pattern, node, found):
            if sign == 1:
                yield bindings
    elif isinstance(pattern, Product):
        yield from _match_product(pattern, node, found)
    else:
        assert isinstance(pattern, Call)
        yield from match_call(pattern, node, found)


def match_call(pattern: Call, node: Node, found: Bindings) -> Iterator[Bindings]:
    """All ways in which a node is an operation of a pattern."""
    node = unbroadcast(node)
    if node.op.name != pattern.name:
        # 1 / exp(y) is another spelling of exp(-y).
        if pattern.name == "exp" and node.op.name == "divide":
            x, y = node.inputs
            if y.op.name == "exp" and number(x) == 1:
                yield from _match(pattern.args[0], apply("negative", y.inputs[0]), found)
        return
    if len(pattern.args) != len(node.inputs):
        return
    yield from _match_all(pattern.args, node.inputs, found)
    if pattern.name in COMMUTATIVE:
        yield from _match_all(pattern.args, node.inputs[::-1], found)


def _match_all(
    patterns: Sequence[Pattern], nodes: Sequence[Node], found: Bindings
) -> Iterator[Bindings]:
    if not patterns:
        yield found
        return
    for bindings in _match(patterns[0], nodes[0], found):
        yield from _match_all(patterns[1:], nodes[1:], bindings)


def _match_sum(pattern: Sum, node: Node, found: Bindings) -> Iterator[tuple[int, Bindings]]:
    """Ways in which a node is the pattern or its negative, every term of it."""
    if node.op.name not in SUMS or any(map(TERM_NAMES.of(node).isdisjoint, term_heads(pattern))):
        return
    shallow = flat_sum(node, deep=False)
    deep = flat_sum(node, deep=True) if len(pattern.terms) > 2 else None
    for terms in (shallow, deep):
        if terms is not None and len(terms) == len(pattern.terms):
            for sign, bindings, _ in assignments(pattern, terms, found):
                yield sign, bindings


def assignments(
    pattern: Sum, terms: Sequence[tuple[int, Node]], found: Bindings
) -> Iterator[tuple[int, Bindings, tuple[int, ...]]]:
    """Ways to find the pattern's terms among those of a node, or all of them negated."""
    for sign in (1, -1):
        for bindings, used in _choose(pattern.terms, terms, sign, found, ()):
            yield sign, bindings, used


def _choose(
    wanted: Sequence[tuple[int, Pattern]],
    terms: Sequence[tuple[int, Node]],
    sign: int,
    found: Bindings,
    used: tuple[int, ...],
) -> Iterator[tuple[Bindings, tuple[int, ...]]]:
    if not wanted:
        yield found, used
        return
    (wanted_sign, part), *others = wanted
    for i, (term_sign, term) in enumerate(terms):
        if i in used:
            continue
        relative = sign * wanted_sign * term_sign
        for bindings in _match_term(part, term, relative, found):
            yield from _choose(others, terms, sign, bindings, (*used, i))


def _match_term(part: Pattern, term: Node, sign: int, found: Bindings) -> Iterator[Bindings]:
    """Ways in which sign times a term is a part of the pattern."""
    if isinstance(part, Value):
        value = number(term)
        if value is not None and value == sign * part.value:
            yield found
    elif isinstance(part, Variable):
        yield from _bind(part, term, float(sign), found)
    elif isinstance(part, Product):
        for rest, bindings in divisions(part, term, found, whole=True):
            if rest.number == sign:
                yield bindings
    elif sign == 1:
        yield from _match(part, term, found)


def _match_product(pattern: Product, node: Node, found: Bindings) -> Iterator[Bindings]:
    """Ways in which a node is the pattern, every factor of it."""
    if len(pattern.factors) == 1 and pattern.factors[0][1] == 1:
        part = pattern.factors[0][0]
        if isinstance(part, Variable):
            yield from _bind(part, node, 1.0 / pattern.number, found)
            return
    for rest, bindings in divisions(pattern, node, found, whole=True):
        if rest.number == 1:
            yield bindings


def divisions(
    pattern: Product, node: Node, found: Bindings, *, whole: bool
) -> Iterator[tuple[Powers, Bindings]]:
    """Ways to find the pattern's factors in a node, and what is left."""
    for deep in (False, True):
        powers = flat_product(node, deep)
        if powers is None or len(powers.factors) < len(pattern.factors):
            continue
        powers.number /= pattern.number
        for rest, bindings in _divide(pattern.factors, powers, found):
            if not whole or not rest.factors:
                yield rest, bindings


def _divide(
    wanted: Sequence[tuple[Pattern, int]], powers: Powers, found: Bindings
) -> Iterator[tuple[Powers, Bindings]]:
    if not wanted:
        yield powers, found
        return
    (part, exponent), *others = wanted
    parts = _parts_of(part, found)
    if parts is not None and (left := _without(powers, parts, exponent)) is not None:
        yield from _divide(others, left, found)
        return
    for i, (factor, power) in enumerate(powers.factors):
        if power * exponent <= 0 or abs(power) < abs(exponent):
            continue
        left = [*powers.factors[:i], *powers.factors[i + 1 :]]
        if power != exponent:
            left.insert(i, (factor, power - exponent))
        for scale, bindings in _match_factor(part, factor, found):
            rest = Powers(powers.number * scale**exponent, left)
            yield from _divide(others, rest, bindings)


def _parts_of(part: Pattern, found: Bindings) -> Powers | None:
    """The factors of what a variable stands for, if that is a product or a quotient."""
    old = found.get(part.name) if isinstance(part, Variable) else None
    if old is None or old.base.op.name not in ("multiply", "divide"):
        return None
    powers = flat_product(old.base, deep=True)
    if powers is not None:
        powers.number *= old.number
    return powers


def _without(powers: Powers, parts: Powers, exponent: int) -> Powers | None:
    """A product without a power of others, if these are among its factors."""
    left = (
        dict(powers.factors)
        if len({id(f) for f, _ in powers.factors}) == len(powers.factors)
        else {}
    )
    for factor, k in parts.factors:
        had, gone = left.get(factor, 0), k * exponent
        if had * gone <= 0 or abs(had) < abs(gone):
            return None
        left[factor] = had - gone
    rest = [(factor, power) for factor, power in left.items() if power]
    return Powers(powers.number / parts.number**exponent, rest)


def _match_factor(part: Pattern, factor: Node, found: Bindings) -> Iterator[tuple[float, Bindings]]:
    """Ways in which a factor is a number times a part of the pattern."""
    old = found.get(part.name) if isinstance(part, Variable) else None
    if old is not None:
        new = _multiple(factor)
        if unbroadcast(new.base) is unbroadcast(old.base):
            yield new.number / old.number, found
    elif isinstance(part, Sum):
        for sign, bindings in _match_sum(part, factor, found):
            yield float(sign), bindings
    else:
        for bindings in _match(part, factor, found):
            yield 1.0, bindings


def match(pattern: Pattern, node: Node) -> Iterator[dict[str, Node]]:
    """The ways in which a node is a pattern: from the variables to what they stand for.

    Parameters
    ----------
    pattern : Pattern
    node : Node
    """
    for found in _match(canonical(pattern), node, {}):
        yield {name: value(bound) for name, bound in found.items()}


def value(bound: Match) -> Node:
    """The node that a variable stands for."""
    if bound.node is not None:
        return bound.node
    return times(bound.number, bound.base)


def times(factor: float, node: Node) -> Node:
    """A number times a node, written as short as it can be."""
    if factor == 1:
        return node
    return apply("negative", node) if factor == -1 else apply("multiply", factor, node)


def instantiate(pattern: Pattern, found: dict[str, Node], like: Node) -> Node:
    """The pattern with nodes for its variables; numbers take the dtype of `like`."""
    if isinstance(pattern, Variable):
        return found[pattern.name]
    if isinstance(pattern, Value):
        return scalar(pattern.value, like)
    assert isinstance(pattern, Call)
    args: list[Any] = [
        arg.value if isinstance(arg, Value) else instantiate(arg, found, like)
        for arg in pattern.args
    ]
    return apply(pattern.name, *args)
