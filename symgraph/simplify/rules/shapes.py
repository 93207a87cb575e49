"""Laws of moving elements: broadcasts, transposes, reshapes, sums."""

from __future__ import annotations

from symgraph.graph.node import Node, constant, make
from symgraph.graph.sizes import Size
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.elementwise import Where
from symgraph.ops.kinds import ELEMENTWISE
from symgraph.ops.reduce import BroadcastTo, Mean, Sum, count
from symgraph.ops.shape import ExpandDims, Reshape, Squeeze, Transpose
from symgraph.simplify.common import is_op, number, scalar, unbroadcast
from symgraph.simplify.rule import rewrite


@rewrite(*ELEMENTWISE, "where", keeps="bitwise")
def broadcast_operand(node: Node) -> Node | None:
    """op(broadcast(x), y) = op(x, y) where y has the shape of the result."""
    inputs = [unbroadcast(i) for i in node.inputs]
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return None
    smaller = list(node.inputs)
    for i, x in enumerate(inputs):
        trial = [*smaller[:i], x, *smaller[i + 1 :]]
        if broadcast_shapes(*[t.shape for t in trial]) == node.shape:
            smaller = trial
    if all(a is b for a, b in zip(smaller, node.inputs, strict=True)):
        # Nothing else has the shape: compute on the small operands and broadcast the result.
        shape = broadcast_shapes(*[x.shape for x in inputs])
        return (
            make(BroadcastTo(node.shape), make(node.op, *inputs)) if shape != node.shape else None
        )
    return make(node.op, *smaller)


@rewrite("broadcast_to", keeps="bitwise")
def broadcast_twice(node: Node) -> Node | None:
    """broadcast(broadcast(x)) = broadcast(x)."""
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    return make(node.op, *x.inputs) if isinstance(x.op, BroadcastTo) else None


@rewrite("broadcast_to", keeps="bitwise")
def broadcast_of_new_axes(node: Node) -> Node | None:
    """broadcast(expand_dims(x)) = broadcast(x) where only leading axes were added."""
    (x,) = node.inputs
    if isinstance(x.op, ExpandDims):
        (y,) = x.inputs
        if x.op.axes == tuple(range(x.ndim - y.ndim)):
            return make(node.op, y)
    return None


@rewrite("transpose", keeps="bitwise")
def transpose_twice(node: Node) -> Node | None:
    """transpose(transpose(x, p), q) = transpose(x, p[q])."""
    (x,) = node.inputs
    assert isinstance(node.op, Transpose)
    axes = node.op.axes
    if isinstance(x.op, Transpose):
        inner = x.op.axes
        axes, x = tuple([inner[i] for i in axes]), x.inputs[0]
    if axes == tuple(range(x.ndim)):
        return x
    return make(Transpose(axes), x) if x is not node.inputs[0] else None


@rewrite("reshape", "squeeze", "expand_dims", keeps="bitwise")
def reshape_twice(node: Node) -> Node | None:
    """reshape(reshape(x)) = reshape(x)."""
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    if is_op(x, "reshape", "squeeze", "expand_dims"):
        (y,) = x.inputs
        if y.shape == node.shape:
            return y
        if is_op(node, "reshape") or is_op(x, "reshape"):
            return make(Reshape(node.shape), y)
    return None


@rewrite("expand_dims", "squeeze", "reshape", keeps="bitwise")
def reshape_of_broadcast_scalar(node: Node) -> Node | None:
    """reshape(broadcast(c)) = broadcast(c) for 0-d c."""
    (x,) = node.inputs
    base = unbroadcast(x)
    if base is not x and base.ndim == 0:
        return make(BroadcastTo(node.shape), base)
    return None


@rewrite("transpose", keeps="bitwise")
def transpose_of_broadcast_scalar(node: Node) -> Node | None:
    """transpose(broadcast(c)) = broadcast(c) for 0-d c."""
    return reshape_of_broadcast_scalar(node)


@rewrite("sum", "mean", keeps="bitwise")
def sum_of_negative(node: Node) -> Node | None:
    """sum(-x) = -sum(x)."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or not is_op(x, "negative"):
        return None
    return -make(node.op, *x.inputs)


@rewrite("sum", "mean", keeps="accurate")
def sum_of_multiple(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x), sum(x / c) = sum(x) / c where c is constant along the axes."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or not is_op(x, "multiply", "divide"):
        return None
    a, b = x.inputs
    if _summed(a, node) is not None and _constant_along(b, node):
        return make(x.op, make(node.op, a), _reduced(b, node))
    if is_op(x, "multiply") and _summed(b, node) is not None and _constant_along(a, node):
        return make(x.op, _reduced(a, node), make(node.op, b))
    return None


def _summed(x: Node, node: Node) -> Node | None:
    """The operand itself, if it has the whole shape that is summed."""
    return x if x.shape == node.inputs[0].shape and x.dtype == node.dtype else None


def _constant_along(c: Node, node: Node) -> bool:
    """Whether a factor is the same along every axis that is summed."""
    assert isinstance(node.op, Sum | Mean)
    x = node.inputs[0]
    lead = x.ndim - c.ndim
    return c.dtype == node.dtype and bool(node.op.axes) and all(
        axis < lead or (c.shape[axis - lead] == 1 and x.shape[axis] != 1)
        for axis in node.op.axes
    )


def _reduced(c: Node, node: Node) -> Node:
    """The factor without the axes that are summed, as it broadcasts against the sum."""
    assert isinstance(node.op, Sum | Mean)
    if node.op.keepdims:
        return c
    lead = node.inputs[0].ndim - c.ndim
    gone = tuple([axis - lead for axis in node.op.axes if axis >= lead])
    if not gone:
        return c
    if isinstance(c.op, ExpandDims) and c.op.axes == gone:
        return c.inputs[0]
    return make(Squeeze(gone), c)


@rewrite("sum", keeps="accurate")
def sum_of_broadcast(node: Node) -> Node | None:
    """sum(broadcast(x)) = n * sum(x)."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if not isinstance(x.op, BroadcastTo) or node.dtype.kind != "f":
        return None
    (y,) = x.inputs
    lead = x.ndim - y.ndim
    repeated = tuple([a for a in node.op.axes if a < lead or (y.shape[a - lead] != x.shape[a])])
    if not repeated:
        return None
    rest = tuple([a - lead for a in node.op.axes if a not in repeated])
    factor = (
        constant(count(x.shape, repeated), node.dtype)
        if isinstance(count(x.shape, repeated), Size)
        else scalar(count(x.shape, repeated), node)
    )
    inner = y
    if rest:
        inner = make(Sum(rest, True), y)
    result = factor * inner
    if result.ndim == 0:
        return make(BroadcastTo(node.shape), result) if node.ndim else result
    shape = tuple([1 if a in node.op.axes else x.shape[a] for a in range(x.ndim)])
    if result.shape != shape:
        kept = (1,) * lead + result.shape
        result = make(BroadcastTo(shape), make(Reshape(kept), result) if lead else result)
    if not node.op.keepdims:
        result = make(Squeeze(node.op.axes), result)
    return result


@rewrite("add", keeps="accurate")
def add_into(node: Node) -> Node | None:
    """x + add_at(0, i, v) = add_at(x, i, v)."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if is_op(b, "index_add") and number(b.inputs[0]) == 0 and a.shape == node.shape:
            if a.dtype == node.dtype:
                return make(b.op, a, *b.inputs[1:])
    return None


@rewrite("subtract", keeps="accurate")
def subtract_from_scatter(node: Node) -> Node | None:
    """add_at(0, i, v) - x = add_at(-x, i, v); x - add_at(0, i, v) = add_at(x, i, -v)."""
    x, y = node.inputs
    if is_op(x, "index_add") and number(x.inputs[0]) == 0 and y.shape == node.shape:
        return make(x.op, -y, *x.inputs[1:])
    if is_op(y, "index_add") and number(y.inputs[0]) == 0 and x.shape == node.shape:
        base, values, *rest = y.inputs
        return make(y.op, x, -values, *rest)
    return None


@rewrite("index_add", keeps="accurate")
def scatter_of_zeros(node: Node) -> Node | None:
    """add_at(x, i, 0) = x."""
    return node.inputs[0] if number(node.inputs[1]) == 0 else None


@rewrite("sum", keeps="accurate")
def sum_of_scatter(node: Node) -> Node | None:
    """The sum along the axis of a scatter, one value a row, is that value."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if not is_op(x, "index_add") or number(x.inputs[0]) != 0 or x.ndim != 2 or node.op.axes != (1,):
        return None
    values, *index = x.inputs[1:]
    rows = [i for i in index if is_op(unaxed(i), "arange")]
    if len(index) != 2 or not rows or index[0] is not rows[0]:
        return None
    row = unaxed(index[0])
    if row.shape != x.shape[:1] or index[1].ndim != index[0].ndim:
        return None
    per_row = count(index[1].shape, tuple(range(1, index[1].ndim)))
    if per_row != 1 or values.ndim > 2:
        return None
    shape = (x.shape[0], 1)
    column = values if values.shape == shape else make(BroadcastTo(shape), values)
    return column if node.op.keepdims else make(Squeeze((1,)), column)


def unaxed(node: Node) -> Node:
    """What new axes were added to."""
    while is_op(node, "expand_dims", "reshape"):
        (node,) = node.inputs
    return node


@rewrite("multiply", keeps="bitwise")
def mask_outwards(node: Node) -> Node | None:
    """where(c, g, 0) * h = where(c, g * h, 0)."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if isinstance(a.op, Where) and number(a.inputs[2]) == 0:
            mask, g, _ = a.inputs
            return make(Where(), mask, g * b, scalar(0, node))
    return None
