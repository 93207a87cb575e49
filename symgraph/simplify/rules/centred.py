"""Deviations from a mean sum to nothing: gradients through a mean need no second one."""

from __future__ import annotations

import numpy as np

from symgraph.graph.leaves import SizeValue
from symgraph.graph.node import Node
from symgraph.graph.op import Op
from symgraph.graph.types import DType
from symgraph.ops.reduce import BroadcastTo, Mean, Sum
from symgraph.ops.shape import ExpandDims, Squeeze, Transpose
from symgraph.simplify.common import is_op, unbroadcast
from symgraph.simplify.rule import rewrite

_DEEPEST = 8
_MOST_PARTS = 64


def _mean_axes(m: Node, x: Node) -> tuple[int, ...]:
    """The axes over which m is the mean of x, if it stands against x where it was taken."""
    m = unbroadcast(m)
    added: tuple[int, ...] = ()
    if isinstance(m.op, ExpandDims):
        added, (m,) = m.op.axes, m.inputs
    if is_op(m, "divide"):
        m, size = m.inputs
        size = unbroadcast(size)
        axes = m.op.axes if isinstance(m.op, Sum) else ()
        if not isinstance(size.op, SizeValue) or _count(x, axes) != size.op.size:
            return ()
    elif not isinstance(m.op, Mean):
        return ()
    assert isinstance(m.op, Sum | Mean)
    if m.inputs[0] is not x:
        return ()
    axes = m.op.axes
    leading = axes == tuple(range(len(axes)))
    fits = not added if m.op.keepdims else added == axes if added else leading
    return axes if fits else ()


def _count(x: Node, axes: tuple[int, ...]) -> object:
    return x.shape[axes[0]] if len(axes) == 1 else None


class _Search:
    """Whether elements sum to zero along an axis, and the differences from means it rests on."""

    def __init__(self, dtype: DType) -> None:
        self.roots: set[Node] = set()
        self._dtype = dtype

    def centred(self, node: Node, axis: int, left: int = _DEEPEST) -> bool:
        """Whether the sum along an axis is zero."""
        if not left or axis < 0 or axis >= node.ndim:
            return False
        op, operands = node.op, node.inputs
        if is_op(node, "subtract"):
            x, m = operands
            # In fewer digits the mean is not that of the sum beside it.
            same = x.type == node.type and x.dtype == self._dtype
            if same and axis in _mean_axes(m, x):
                self.roots.add(node)
                return True
        if is_op(node, "add", "subtract"):
            return all(x.shape == node.shape and self.centred(x, axis, left - 1) for x in operands)
        if is_op(node, "negative"):
            return self.centred(operands[0], axis, left - 1)
        if is_op(node, "multiply", "divide"):
            pairs = [operands] if is_op(node, "divide") else [operands, operands[::-1]]
            return any(
                x.shape == node.shape and _is_constant(c, node, axis)
                and self.centred(x, axis, left - 1)
                for x, c in pairs
            )  # fmt: skip
        if is_op(node, "matmul"):
            return self._product(node, axis, left)
        inner = _axis_before(op, axis, node)
        return inner is not None and self.centred(operands[0], inner, left - 1)

    def _product(self, node: Node, axis: int, left: int) -> bool:
        a, b = node.inputs
        if a.ndim > 2 or b.ndim > 2:
            return False
        if axis == 0 and a.ndim == 2:
            return self.centred(a, 0, left - 1)
        return b.ndim == 2 and self.centred(b, 1, left - 1)

    def vanishes(self, node: Node, left: int = _DEEPEST) -> bool:
        """Whether a term has the sum of such differences for a factor."""
        if not left:
            return False
        if isinstance(node.op, Sum | Mean):
            return any(self.centred(node.inputs[0], axis) for axis in node.op.axes)
        if is_op(node, "multiply"):
            return any(self.vanishes(x, left - 1) for x in node.inputs)
        through = ("negative", "divide", "broadcast_to", "expand_dims", "squeeze", "reshape")
        return is_op(node, *through) and self.vanishes(node.inputs[0], left - 1)


def _is_constant(c: Node, node: Node, axis: int) -> bool:
    """Whether an operand is the same along an axis of the result."""
    c = unbroadcast(c)
    place = axis - (node.ndim - c.ndim)
    return place < 0 or (c.shape[place] == 1 and node.shape[axis] != 1)


def _axis_before(op: Op, axis: int, node: Node) -> int | None:
    """Where an axis of the result is in the operand of what only moves elements."""
    match op:
        case Transpose():
            return op.axes[axis]
        case ExpandDims():
            return None if axis in op.axes else axis - sum(i < axis for i in op.axes)
        case Squeeze():
            kept = [i for i in range(node.inputs[0].ndim) if i not in op.axes]
            return kept[axis]
        case BroadcastTo():
            (x,) = node.inputs
            place = axis - (node.ndim - x.ndim)
            return place if place >= 0 and x.shape[place] == node.shape[axis] else None
        case _:
            return None


def _carries(node: Node, roots: set[Node]) -> bool:
    """Whether a NaN or infinity among what the roots are made of is one in this value, too."""
    stack, met, missing = [node], set[Node](), set(roots)
    while stack and missing and len(met) < _MOST_PARTS:
        part = stack.pop()
        if part in met:
            continue
        met.add(part)
        missing.discard(part)
        through = ("add", "subtract", "multiply", "negative", "matmul", "transpose")
        moved = ("broadcast_to", "expand_dims", "squeeze", "reshape")
        if is_op(part, *through, *moved):
            stack += part.inputs
        elif is_op(part, "divide"):
            stack.append(part.inputs[0])
    return not missing


@rewrite(
    "add",
    "subtract",
    operands=(
        *("sum", "mean", "multiply", "divide", "negative"),
        *("broadcast_to", "expand_dims", "squeeze", "reshape"),
    ),
    keeps="accurate",
    examples=(
        lambda u, c: c * (u - u.mean()) - c * (u - u.mean()).sum(),
        lambda A: (A - A.mean(0)) - (A - A.mean(0)).mean(0),
        lambda A, B: (A - A.mean(0)) @ B.T + np.sum((A - A.mean(0)) @ B.T / 3.0, axis=0),
        lambda A: (A - A.mean(1)[:, None]) - (A - A.mean(1)[:, None]).mean(1, keepdims=True),
    ),
)
def sum_of_deviations(node: Node) -> Node | None:
    """y + c * sum(x - mean(x)) = y, where y is made of x - mean(x)."""
    if node.dtype.kind != "f":
        return None
    first, second = node.inputs
    for kept, term in ((first, second), (second, first)):
        if kept.type != node.type or term.dtype != node.dtype:
            continue
        search = _Search(node.dtype)
        if not search.vanishes(term) or not _carries(kept, search.roots):
            continue
        return -kept if kept is second and is_op(node, "subtract") else kept
    return None
