"""Flat sums and products of nodes, whatever the order and grouping in which they were written.

At most `LIMIT` terms or factors of a node are looked at, so the work for a node is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np

from symgraph.graph.node import Node
from symgraph.simplify.common import number

__all__ = [
    "FACTOR_NAMES",
    "LIMIT",
    "PART_NAMES",
    "TERM_NAMES",
    "Powers",
    "factor_named",
    "flat_product",
    "flat_sum",
    "terms_of",
]

LIMIT = 8


def flat_sum(node: Node, deep: bool) -> list[tuple[int, Node]] | None:
    """Terms of a sum with their signs, of the two operands or all; ``None`` if too many."""
    terms: list[tuple[int, Node]] = []
    stack = [(1, node, True)]
    while stack:
        sign, term, opened = stack.pop()
        name = term.op.name
        if name == "negative":
            stack.append((-sign, term.inputs[0], opened))
        elif name in ("add", "subtract") and opened:
            x, y = term.inputs
            stack += [(-sign if name == "subtract" else sign, y, deep), (sign, x, deep)]
        else:
            terms.append((sign, term))
        if len(terms) + len(stack) > LIMIT:
            return None
    return terms


@dataclass(slots=True)
class Powers:
    """A number times nodes to integer powers."""

    number: float
    factors: list[tuple[Node, int]]


def flat_product(node: Node, deep: bool) -> Powers | None:
    """The factors of a product; ``None`` if too many."""
    result = Powers(1.0, [])
    stack = [(node, 1, True)]
    steps = 0
    while stack:
        factor, exponent, opened = stack.pop()
        name = factor.op.name
        value = number(factor) if name in ("constant", "broadcast_to") else None
        if value is not None and factor is not node:
            if not _add_number(result, value, exponent):
                return None
        elif name == "negative":
            result.number *= -1 if exponent % 2 else 1
            stack.append((factor.inputs[0], exponent, opened))
        elif opened and name in ("multiply", "divide"):
            x, y = factor.inputs
            if x is y and name == "multiply":
                stack.append((x, 2 * exponent, deep))
            else:
                below = exponent if name == "multiply" else -exponent
                stack += [(y, below, deep), (x, exponent, deep)]
        elif name == "square":
            stack.append((factor.inputs[0], 2 * exponent, opened and deep))
        elif name == "power" and (k := _small(factor.inputs[1])) is not None:
            stack.append((factor.inputs[0], k * exponent, opened and deep))
        else:
            _add_factor(result.factors, factor, exponent)
        steps += 1
        if len(result.factors) + len(stack) > LIMIT or steps > 4 * LIMIT:
            return None  # also for x * x * x ..., which is one factor, however long
    return result


def _add_factor(factors: list[tuple[Node, int]], factor: Node, exponent: int) -> None:
    for i, (other, power) in enumerate(factors):
        # x / x is not 1 where x is 0.
        if other is factor and power * exponent > 0:
            factors[i] = (factor, power + exponent)
            return
    factors.append((factor, exponent))


def _small(node: Node) -> int | None:
    value = number(node)
    if value is not None and value.dtype.kind != "c" and value in (-3, -2, -1, 2, 3):
        return int(value)
    return None


def _add_number(result: Powers, value: Any, exponent: int) -> bool:
    if value.dtype.kind not in "iuf" or value == 0 or not np.isfinite(value):
        return False
    try:
        result.number *= float(value) ** exponent
    except OverflowError:
        return False
    return result.number != 0 and abs(result.number) < 1e300


def terms_of(node: Node) -> list[tuple[int, Node]]:
    """All terms of a sum, or those of its operands if they are too many."""
    return flat_sum(node, deep=True) or flat_sum(node, deep=False) or []


def factor_named(node: Node, names: frozenset[str], deep: int) -> bool:
    """Whether a node has one of these names, or, at most so many products deep, a factor of it.

    What a rule asks first that would otherwise look at every factor, in vain for most products.
    """
    name = node.op.name
    if name in names:
        return True
    if not deep or name not in _PRODUCTS:
        return False
    return any(factor_named(operand, names, deep - 1) for operand in node.inputs)


_PRODUCTS = frozenset(("multiply", "divide", "negative"))


class _Names:
    """Names of the operations among the parts of the nodes that were asked for last."""

    def __init__(self, names: Callable[[Node], frozenset[str]]) -> None:
        self._names = names
        self._known: dict[int, tuple[ref[Node], frozenset[str]]] = {}

    def of(self, node: Node) -> frozenset[str]:
        known = self._known.get(id(node))
        if known is not None and known[0]() is node:
            return known[1]
        names = self._names(node)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[id(node)] = (ref(node), names)
        return names


def _factor_names(node: Node) -> frozenset[str]:
    powers = flat_product(node, deep=True) or flat_product(node, deep=False)
    factors = [] if powers is None else powers.factors
    return frozenset([f.op.name if exponent > 0 else f"/{f.op.name}" for f, exponent in factors])


def _term_names(node: Node) -> frozenset[str]:
    return frozenset([term.op.name for _, term in terms_of(node)])


def _part_names(node: Node) -> frozenset[str]:
    return frozenset[str]().union(*[FACTOR_NAMES.of(term) for _, term in terms_of(node)])


_MOST_KNOWN = 64

FACTOR_NAMES = _Names(_factor_names)
TERM_NAMES = _Names(_term_names)
PART_NAMES = _Names(_part_names)
"""Of the factors of all terms of a sum."""
