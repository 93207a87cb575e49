"""Where values are exactly zero: what a product must hide, 0 * inf is not NaN there.

A derivative that comes out of a choice (``where``, ``clip``, ``maximum``) is zero wherever another
branch was taken, and whatever a later product multiplies it by there is of no consequence, be it
infinite or NaN. So products of derivatives ask for the support of their factors.
"""

from __future__ import annotations

from math import inf

from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import Node
from symgraph.graph.op import Op
from symgraph.graph.side import SideTable
from symgraph.ops.elementwise import Where
from symgraph.ops.facts import UNBOUNDED
from symgraph.ops.kinds import Elementwise, Linear

__all__ = ["bounds", "is_tame", "support"]

_SUPPORT: SideTable[tuple[Node | None]] = SideTable()
_TAME: SideTable[bool] = SideTable()


def support(node: Node) -> Node | None:
    """A mask outside which a value is exactly zero, by its structure; ``None`` if none is known.

    The mask has the value's shape, or one that broadcasts to it.
    """
    stack = [node]
    while stack:
        current = stack[-1]
        if _SUPPORT.get(current) is None:
            op = current.op
            opaque = type(op).support is Op.support
            missing = [] if opaque else [x for x in current.inputs if _SUPPORT.get(x) is None]
            if missing:
                stack += missing
                continue
            masks = [] if opaque else [_known_support(x) for x in current.inputs]
            _SUPPORT[current] = (op.support(current, masks),)
        stack.pop()
    return _known_support(node)


def _known_support(node: Node) -> Node | None:
    known = _SUPPORT.get(node)
    return None if known is None else known[0]


def is_tame(node: Node) -> bool:
    """Whether element-wise operations leave a value finite, for finite and moderate operands.

    What comes out of a product of matrices, a sum or a factorisation is taken to be finite: an
    infinity there has spoilt its neighbours already.
    """
    stack = [node]
    while stack:
        current = stack[-1]
        if _TAME.get(current) is None:
            op = current.op
            local = isinstance(op, Elementwise | Where) or (isinstance(op, Linear) and op.moves)
            operands = current.inputs if local else ()
            missing = [x for x in operands if _TAME.get(x) is None]
            if missing:
                stack += missing
                continue
            _TAME[current] = all(map(_TAME.get, operands)) and is_total(current)
        stack.pop()
    return bool(_TAME.get(node))


def is_total(node: Node) -> bool:
    """Whether an operation is finite wherever its operands may lie; what is divided by a size is.

    Where the size is 0, a mean was taken over nothing: there are no elements to hide.
    """
    op = node.op
    if not isinstance(op, Elementwise):
        return not isinstance(op, Constant) or _is_finite(op)
    limits = op.limits(node.inputs)
    return all(
        limit is None or isinstance(operand.op, SizeValue) or limit.holds(*bounds(operand))
        for limit, operand in zip(limits, node.inputs, strict=bool(limits))
    )


def _is_finite(op: Constant) -> bool:
    value = op.value
    return value.dtype.kind not in "fc" or bool((abs(value) < inf).all())


_MOST_STEPS = 6


def bounds(node: Node, steps: int = _MOST_STEPS) -> tuple[float, float]:
    """Two values between which all elements lie, as far as a few operations tell."""
    op = node.op
    if isinstance(op, Constant):
        value = op.value
        if not value.size or value.dtype.kind not in "fiu" or not _is_finite(op):
            return UNBOUNDED
        return float(value.min()), float(value.max())
    if isinstance(op, SizeValue):
        return 0.0, inf
    if isinstance(op, Placeholder) or not steps:
        return UNBOUNDED
    if type(op).bounds is Op.bounds:
        return UNBOUNDED
    return op.bounds([bounds(operand, steps - 1) for operand in node.inputs])
