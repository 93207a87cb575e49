"""Laws of moving elements: broadcasts, transposes, reshapes."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.types import DType, broadcast_shapes
from symgraph.ops.elementwise import AsType
from symgraph.ops.index import GetItem
from symgraph.ops.indices import Mark, Range
from symgraph.ops.join import Concatenate
from symgraph.ops.kinds import Elementwise
from symgraph.ops.reduce import BroadcastTo, Reduction
from symgraph.ops.shape import ExpandDims, Reshape, Squeeze, Transpose
from symgraph.simplify.common import (
    is_op,
    unbroadcast,
)
from symgraph.simplify.rule import rewrite


@rewrite(
    Elementwise,
    "where",
    operands=("broadcast_to",),
    keeps="bitwise",
    examples=(
        lambda u, A: np.broadcast_to(u, A.shape) + A,
        lambda a, u: np.exp(np.broadcast_to(a, u.shape)),
    ),
)
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


@rewrite(
    Elementwise,
    "where",
    operands=("expand_dims",),
    keeps="bitwise",
    examples=(lambda u, v: u[:, None] + v[None], lambda A, u: np.exp(A) * u[None]),
)
def leading_axis_of_operand(node: Node) -> Node | None:
    """op(x[None], y) = op(x, y) where y has as many axes."""
    inputs = list(node.inputs)
    for i, x in enumerate(inputs):
        if not isinstance(x.op, ExpandDims) or x.op.axes != tuple(range(len(x.op.axes))):
            continue
        if any(y.ndim == node.ndim for j, y in enumerate(inputs) if j != i):
            inputs[i] = x.inputs[0]
            return make(node.op, *inputs)
    return None


@rewrite(
    "broadcast_to",
    keeps="bitwise",
    examples=(lambda a, u, A: np.broadcast_to(np.broadcast_to(a, u.shape), A.shape),),
)
def broadcast_twice(node: Node) -> Node | None:
    """broadcast(broadcast(x)) = broadcast(x)."""
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    return make(node.op, *x.inputs) if isinstance(x.op, BroadcastTo) else None


@rewrite(
    "broadcast_to",
    keeps="bitwise",
    examples=(
        lambda u, A: np.broadcast_to(u[None], A.shape),
        lambda u, A: np.broadcast_to(u.reshape(1, *u.shape), A.shape),
    ),
)
def broadcast_of_new_axes(node: Node) -> Node | None:
    """broadcast(expand_dims(x)) = broadcast(x) where only leading axes were added."""
    (x,) = node.inputs
    if is_op(x, "expand_dims", "reshape"):
        (y,) = x.inputs
        if x.shape == (*(1,) * (x.ndim - y.ndim), *y.shape):
            return make(node.op, y)
    return None


@rewrite("transpose", keeps="bitwise", examples=(lambda A: A.T.T,))
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


@rewrite(
    "reshape",
    "squeeze",
    "expand_dims",
    keeps="bitwise",
    examples=(
        lambda A: A.ravel().reshape(A.shape),
        lambda A: A.reshape(-1, 1).ravel(),
        lambda u: np.squeeze(u[:, None], 1),
    ),
)
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


@rewrite(
    "expand_dims",
    "squeeze",
    "reshape",
    keeps="bitwise",
    examples=(lambda a, u: np.broadcast_to(a, u.shape)[None],),
)
def reshape_of_broadcast_scalar(node: Node) -> Node | None:
    """reshape(broadcast(c)) = broadcast(c) for 0-d c."""
    (x,) = node.inputs
    base = unbroadcast(x)
    if base is not x and base.ndim == 0:
        return make(BroadcastTo(node.shape), base)
    return None


@rewrite("transpose", keeps="bitwise", examples=(lambda a, A: np.broadcast_to(a, A.shape).T,))
def transpose_of_broadcast_scalar(node: Node) -> Node | None:
    """transpose(broadcast(c)) = broadcast(c) for 0-d c."""
    return reshape_of_broadcast_scalar(node)


# Chains of axes -----------------------------------------------------------------------------------


@rewrite("expand_dims", keeps="bitwise", examples=(lambda u: u[None][:, :, None],))
def expand_twice(node: Node) -> Node | None:
    """expand_dims(expand_dims(x)) = expand_dims(x) with all the axes."""
    (x,) = node.inputs
    if not isinstance(x.op, ExpandDims) or not isinstance(node.op, ExpandDims):
        return None
    places = [i for i in range(node.ndim) if i not in node.op.axes]
    inner = [places[axis] for axis in x.op.axes]
    return make(ExpandDims(tuple(sorted([*node.op.axes, *inner]))), *x.inputs)


@rewrite(
    "squeeze",
    keeps="bitwise",
    examples=(lambda A: A.sum((0, 1), keepdims=True).squeeze(0).squeeze(0),),
)
def squeeze_twice(node: Node) -> Node | None:
    """squeeze(squeeze(x)) = squeeze(x) of all the axes."""
    (x,) = node.inputs
    if not isinstance(x.op, Squeeze) or not isinstance(node.op, Squeeze):
        return None
    places = [i for i in range(x.inputs[0].ndim) if i not in x.op.axes]
    outer = [places[axis] for axis in node.op.axes]
    return make(Squeeze(tuple(sorted([*x.op.axes, *outer]))), *x.inputs)


@rewrite("squeeze", keeps="bitwise", examples=(lambda A: A.sum(1, keepdims=True).squeeze(1),))
def squeeze_of_kept(node: Node) -> Node | None:
    """squeeze(sum(x, keepdims=True)) = sum(x) over the same axes."""
    (x,) = node.inputs
    assert isinstance(node.op, Squeeze)
    if not isinstance(x.op, Reduction) or not is_op(x, "sum", "mean", "prod", "max", "min"):
        return None
    if not x.op.keepdims or x.op.axes != node.op.axes:
        return None
    return make(type(x.op)(x.op.axes, False), *x.inputs)


@rewrite(
    "squeeze",
    keeps="bitwise",
    examples=(lambda u: np.broadcast_to(u, (1, 2, *u.shape)).squeeze(0),),
)
def squeeze_of_broadcast(node: Node) -> Node | None:
    """squeeze(broadcast(x)) = broadcast(squeeze(x))."""
    (x,) = node.inputs
    assert isinstance(node.op, Squeeze)
    if not isinstance(x.op, BroadcastTo):
        return None
    (y,) = x.inputs
    lead = x.ndim - y.ndim
    inner = tuple([axis - lead for axis in node.op.axes if axis >= lead])
    small = make(Squeeze(inner), y) if inner else y
    return small if small.shape == node.shape else make(BroadcastTo(node.shape), small)


@rewrite("broadcast_to", keeps="bitwise", examples=(lambda u: np.broadcast_to(u, (1, *u.shape)),))
def broadcast_over_ones(node: Node) -> Node | None:
    """broadcast(x) = expand_dims(x) where every new axis has size 1."""
    (x,) = node.inputs
    lead = node.ndim - x.ndim
    if x.ndim == 0 or not lead or node.shape != (*(1,) * lead, *x.shape):
        return None
    return make(ExpandDims(tuple(range(lead))), x)


# Transposes ---------------------------------------------------------------------------------------


@rewrite(
    Elementwise,
    "where",
    operands=("transpose",),
    keeps="bitwise",
    examples=(lambda A, B: A.T + B.T,),
)
def transposes_outwards(node: Node) -> Node | None:
    """op(A.T, B.T) = op(A, B).T."""
    permuted = [x for x in node.inputs if isinstance(x.op, Transpose) and x.ndim == node.ndim]
    if len(set(permuted)) < 2 or len({x.op for x in permuted}) > 1:
        return None
    if any(x not in set(permuted) and unbroadcast(x).ndim for x in node.inputs):
        return None
    inputs = [x.inputs[0] if x in set(permuted) else unbroadcast(x) for x in node.inputs]
    return make(permuted[0].op, make(node.op, *inputs))


@rewrite("transpose", keeps="bitwise", examples=(lambda A, a: np.exp(A.T * a).T,))
def transpose_through(node: Node) -> Node | None:
    """op(A.T, c).T = op(A, c) for 0-d c."""
    trail: list[tuple[Node, int]] = []
    x = node.inputs[0]
    while isinstance(x.op, Elementwise) and len(trail) < _MOST_STEPS:
        large = [i for i, operand in enumerate(x.inputs) if operand.ndim]
        if len(large) != 1:
            return None
        trail.append((x, large[0]))
        x = x.inputs[large[0]]
    if not trail or not isinstance(x.op, Transpose) or not isinstance(node.op, Transpose):
        return None
    if tuple([x.op.axes[i] for i in node.op.axes]) != tuple(range(node.ndim)):
        return None
    (x,) = x.inputs
    for outer, i in reversed(trail):
        x = make(outer.op, *[x if j == i else operand for j, operand in enumerate(outer.inputs)])
    return x


_MOST_STEPS = 8


# Nothing to do ------------------------------------------------------------------------------------


@rewrite("getitem", keeps="bitwise", examples=(lambda u: make(GetItem((Range(),)), u),))
def whole_range(node: Node) -> Node | None:
    """x[:] = x."""
    (x,) = node.inputs
    assert isinstance(node.op, GetItem)
    if x.shape != node.shape or not all(_is_whole(e) for e in node.op.index):
        return None
    return x


def _is_whole(entry: object) -> bool:
    if entry is Mark.ELLIPSIS:
        return True
    return isinstance(entry, Range) and entry.start in (None, 0) and entry.step == 1


@rewrite("concatenate", keeps="bitwise", examples=(lambda u: make(Concatenate(0), u),))
def concatenate_one(node: Node) -> Node | None:
    """concatenate([x]) = x."""
    return node.inputs[0] if len(node.inputs) == 1 else None


@rewrite(
    "astype",
    keeps="bitwise",
    examples=(lambda k: make(AsType(k.dtype), k), lambda m: m.astype(np.int8).astype(float)),
)
def astype_twice(node: Node) -> Node | None:
    """astype(astype(x, a), b) = astype(x, b) where a holds every value of x."""
    (x,) = node.inputs
    if x.dtype == node.dtype:
        return x
    if not isinstance(x.op, AsType):
        return None
    (y,) = x.inputs
    if not _holds_all(y.dtype, x.dtype):
        return None
    return y if y.dtype == node.dtype else make(node.op, y)


def _holds_all(small: DType, large: DType) -> bool:
    """Whether a dtype has every value of another."""
    if small.kind == "b":
        return large.kind in "biuf"
    if small.kind in "iu" and large.kind == "f":
        return small.itemsize * 8 <= np.finfo(large).nmant + 1
    return np.can_cast(small, large, "safe")
