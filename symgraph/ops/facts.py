"""Facts that operations declare: of algebra, of domains, and of where results are zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.registry import apply

__all__ = [
    "NOT_NEGATIVE",
    "UNBOUNDED",
    "Bounds",
    "Facts",
    "Limit",
    "Limits",
    "both",
    "either",
    "power_bounds",
    "product_bounds",
    "sign_bounds",
    "union_bounds",
]


@record
class Facts:
    """Algebraic facts of an element-wise operation; the rules that follow are written once."""

    commutative: bool = False
    associative: bool = False
    unit: float | None = None
    """``op(x, unit) = x``."""
    unit_right_only: bool = False
    absorbing: float | None = None
    """``op(x, absorbing) = absorbing`` for every finite x."""
    idempotent: bool = False
    """``op(x, x) = x``, or ``op(op(x)) = op(x)`` with one operand."""
    involution: bool = False
    """``op(op(x)) = x``."""
    inverse: str = ""
    """``op(inverse(x)) = x`` wherever the inverse is defined."""
    even: bool = False
    odd: bool = False
    analytic: bool = True
    """Whether NumPy's complex function, where there is one, is the analytic continuation."""
    zeros: tuple[int, ...] = ()
    """Operands that make the result zero where they are; follows from `odd` and `absorbing`."""


@record
class Limit:
    """Where an operand must lie for the value to be finite, and not to warn.

    Attributes
    ----------
    low, high : float
        The ends of the interval, which belong to it.
    safe : float
        A value inside.
    mirrored : bool
        Whether the interval of the opposite numbers will do as well.
    sharp : bool
        Whether nothing else will do: who computes it there warns anyway.
    """

    low: float
    high: float
    safe: float
    mirrored: bool = False
    sharp: bool = False

    def holds(self, low: float, high: float) -> bool:
        """Whether all values between two bounds lie inside."""
        if self.low <= low and high <= self.high:
            return True
        return self.mirrored and self.low <= -high and -low <= self.high


Limits: TypeAlias = "Sequence[Limit | None] | Callable[[Sequence[Node]], Sequence[Limit | None]]"
"""For each operand its limit, or the function of the operands that tells."""
Bounds: TypeAlias = (
    "tuple[float, float] | Callable[[Sequence[tuple[float, float]]], tuple[float, float]]"
)
"""Between what values the result lies, or the function that tells it from those of the operands."""

UNBOUNDED = (-np.inf, np.inf)
NOT_NEGATIVE = (0.0, np.inf)


def sign_bounds(b: tuple[float, float]) -> tuple[float, float]:
    """Of sums and means, which rounding takes beyond the bounds of the terms, but not beyond 0."""
    return (0.0 if b[0] >= 0 else -np.inf, 0.0 if b[1] <= 0 else np.inf)


def product_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of products of two: by signs, and between the corners where all are finite."""
    (low, high), (other_low, other_high) = b
    if np.isfinite([low, high, other_low, other_high]).all():
        corners = [x * y for x in (low, high) for y in (other_low, other_high)]
        return min(corners), max(corners)
    if min(low, other_low) >= 0:
        return low * other_low if low and other_low else 0.0, np.inf
    if (low >= 0 and other_high <= 0) or (high <= 0 and other_low >= 0):
        return -np.inf, 0.0
    return NOT_NEGATIVE if max(high, other_high) <= 0 else UNBOUNDED


def power_bounds(b: tuple[float, float]) -> tuple[float, float]:
    """Of products of many numbers that lie between two bounds."""
    low, high = b
    if low < 0:
        return UNBOUNDED
    return 1.0 if low >= 1 else 0.0, 1.0 if high <= 1 else np.inf


def union_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of elements of all operands together."""
    return min([low for low, _ in b]), max([high for _, high in b])


def both(*masks: Node | None) -> Node | None:
    """Where all of the masks hold; ``None``, which stands for everywhere, says nothing."""
    total: Node | None = None
    for mask in masks:
        if total is None or (mask is not None and _parts(total) <= _parts(mask)):
            total = mask if mask is not None else total
        elif mask is not None and not _parts(mask) <= _parts(total):
            total = apply("logical_and", total, mask)
    return total


def either(*masks: Node | None) -> Node | None:
    """Where one of the masks holds; ``None``, which stands for everywhere, if one is missing."""
    total: Node | None = None
    for mask in masks:
        if mask is None:
            return None
        if total is None or _parts(mask) <= _parts(total):
            total = mask
        elif not _parts(total) <= _parts(mask):
            total = apply("logical_or", total, mask)
    return total


def _parts(mask: Node) -> set[Node]:
    """The conditions that a mask asks for together."""
    found: set[Node] = set()
    stack = [mask]
    while stack and len(found) < _MOST_PARTS:
        part = stack.pop()
        if part.op.name == "logical_and":
            stack += part.inputs
        else:
            found.add(part)
    return found | set(stack)


_MOST_PARTS = 8
