"""Laws of moving elements: broadcasts, transposes, reshapes, sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symgraph.graph.node import Node, constant, make
from symgraph.graph.sizes import Dim, Size, product
from symgraph.graph.types import DType, broadcast_shapes
from symgraph.ops.create import Arange
from symgraph.ops.elementwise import AsType, Where, zeros_like
from symgraph.ops.index import GetItem
from symgraph.ops.indices import Mark, Range
from symgraph.ops.join import Concatenate
from symgraph.ops.kinds import Elementwise
from symgraph.ops.reduce import BroadcastTo, Mean, Reduction, Sum, count
from symgraph.ops.shape import ExpandDims, Reshape, Squeeze, Transpose
from symgraph.simplify.common import (
    HEADROOM,
    is_known_factor,
    is_number,
    is_op,
    scalar,
    unaxed,
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


@rewrite("sum", "mean", keeps="accurate", examples=(lambda x: (-x).sum(), lambda x: (-x).mean()))
def sum_of_negative(node: Node) -> Node | None:
    """sum(-x) = -sum(x)."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or x.dtype != node.dtype or not is_op(x, "negative"):
        return None
    return -make(node.op, *x.inputs)


def _multiple_reduced(node: Node) -> tuple[Node | None, Node, bool]:
    """The factor or divisor of what is summed, the sum without it, and whether it divides."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or not is_op(x, "multiply", "divide"):
        return None, node, False
    a, b = x.inputs
    if _summed(a, node) and _constant_along(b, node):
        return _reduced(b, node), make(node.op, a), is_op(x, "divide")
    if is_op(x, "multiply") and _summed(b, node) and _constant_along(a, node):
        return _reduced(a, node), make(node.op, b), False
    return None, node, False


@rewrite(
    "sum",
    "mean",
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda v: (3.0 * v).sum(), lambda v: (v / 7.0).mean(), lambda v: (0.1 * v).sum()),
)
def sum_of_known_multiple(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x), sum(x / c) = sum(x) / c for c made of numbers and sizes."""
    scale, total, divides = _multiple_reduced(node)
    if scale is None or scale.ndim or not is_known_factor(scale):
        return None
    return total / scale if divides else scale * total


@rewrite(
    "sum",
    "mean",
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda A, u: (A / np.exp(u)).sum(0),),
)
def sum_of_quotient_by_exp(node: Node) -> Node | None:
    """sum(x / exp(y)) = sum(x) / exp(y) where y is constant along the axes: never zero."""
    scale, total, divides = _multiple_reduced(node)
    if scale is None or not divides or not is_op(scale, "exp"):
        return None
    return total / scale


@rewrite(
    "sum", "mean", keeps="real", examples=(lambda a, v: (a * v).sum(), lambda a, v: (v / a).mean())
)
def sum_of_multiple(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x), sum(x / c) = sum(x) / c where c is constant along the axes."""
    scale, total, divides = _multiple_reduced(node)
    if scale is None:
        return None
    return total / scale if divides else scale * total


def _summed(x: Node, node: Node) -> bool:
    """Whether an operand has the whole shape that is summed."""
    return x.shape == node.inputs[0].shape and x.dtype == node.dtype


def _constant_along(c: Node, node: Node) -> bool:
    """Whether a factor is the same along every axis that is summed."""
    assert isinstance(node.op, Sum | Mean)
    x = node.inputs[0]
    lead = x.ndim - c.ndim
    return (
        c.dtype == node.dtype
        and bool(node.op.axes)
        and all(
            axis < lead or (c.shape[axis - lead] == 1 and x.shape[axis] != 1)
            for axis in node.op.axes
        )
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


@rewrite(
    "sum",
    keeps="accurate",
    examples=(
        lambda u, A: np.broadcast_to(u, A.shape).sum(),
        lambda u, A: np.broadcast_to(u, A.shape).sum(0),
        lambda a, x: np.broadcast_to(a, x.shape).sum(),
    ),
)
def sum_of_broadcast(node: Node) -> Node | None:
    """sum(broadcast(x)) = n * sum(x)."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    # The number of elements may be too large for half precision.
    if not isinstance(x.op, BroadcastTo) or node.dtype.char not in "fd":
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


def rows_of(matrix: Node) -> Node:
    """The positions of the rows of a matrix."""
    return make(Arange(0, matrix.shape[0], 1, np.dtype(np.int64)))


def _scatter(node: Node, whole: Node) -> Sequence[Node] | None:
    """Values and positions of what is added to zeros of the type of the whole."""
    if not is_op(node, "index_add") or node.type != whole.type:
        return None
    return node.inputs[1:] if is_number(node.inputs[0], 0) else None


def _into(node: Node) -> Node | None:
    """A sum or difference with a scatter, as a scatter into the other term."""
    x, y = node.inputs
    add = is_op(node, "add")
    for a, b in ((x, y), (y, x)):
        parts = _scatter(b, node)
        if parts is None or a.type != node.type or a.op is b.op:
            continue
        values, *arrays = parts
        if values.dtype != node.dtype or node.dtype.kind == "b":
            continue
        if add or b is y:
            return make(b.op, a, values if add else -values, *arrays)
        return make(b.op, -a, values, *arrays)
    return None


@rewrite(
    "add",
    "subtract",
    operands=("index_add",),
    keeps="accurate",
    examples=(
        lambda u, a: u + zeros_like(u).at[0].add(a),
        lambda u, a: u - zeros_like(u).at[0].add(a),
        lambda A, k, v: A - zeros_like(A).at[rows_of(A), k].add(v),
        lambda u, a: zeros_like(u).at[0].add(a) - u,
    ),
)
def add_into(node: Node) -> Node | None:
    """x + add_at(0, i, v) = add_at(x, i, v) where no position repeats."""
    if all(_is_distinct(i.inputs[2:]) for i in node.inputs if is_op(i, "index_add")):
        return _into(node)
    return None


def _is_distinct(arrays: Sequence[Node]) -> bool:
    """Whether index arrays surely name no position twice: one of them counts."""
    total = product(broadcast_shapes(*[array.shape for array in arrays]))
    return total == 1 or any(
        isinstance(unaxed(array).op, Arange) and array.size == total for array in arrays
    )


@rewrite(
    "add", "subtract", keeps="real", examples=(lambda u, k, v: u + zeros_like(u).at[k].add(v),)
)
def add_repeatedly_into(node: Node) -> Node | None:
    """x + add_at(0, i, v) = add_at(x, i, v)."""
    # One after the other into a large x, small values are lost that together are not.
    return _into(node)


@rewrite("index_add", keeps="accurate", examples=(lambda u: u.at[0].add(0.0),))
def scatter_of_zeros(node: Node) -> Node | None:
    """add_at(x, i, 0) = x."""
    return node.inputs[0] if is_number(node.inputs[1], 0) else None


@rewrite(
    "sum",
    keeps="accurate",
    examples=(
        lambda A, k, v: zeros_like(A).at[rows_of(A), k].add(v).sum(1),
        lambda A, k, a: zeros_like(A).at[rows_of(A), k].add(a).sum(1, keepdims=True),
    ),
)
def sum_of_scatter(node: Node) -> Node | None:
    """The sum along the axis of a scatter, one value a row, is that value."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if not is_op(x, "index_add") or x.ndim != 2 or node.op.axes != (1,):
        return None
    zeros, values, *index = x.inputs
    if not is_number(zeros, 0) or len(index) != 2 or not _each_row_once(index, x):
        return None
    shape = broadcast_shapes(index[0].shape, index[1].shape)
    if values.dtype != node.dtype or broadcast_shapes(values.shape, shape) != shape:
        return None
    row = values if values.shape == shape else make(BroadcastTo(shape), values)
    wanted = (x.shape[0], 1) if node.op.keepdims else x.shape[:1]
    return row if row.shape == wanted else make(Reshape(wanted), row)


def _each_row_once(index: Sequence[Node], x: Node) -> bool:
    """Whether the first index runs through the rows, and the second has one column for each."""
    rows = unaxed(index[0])
    if not isinstance(rows.op, Arange) or rows.op.start != 0 or rows.op.step != 1:
        return False
    shape = broadcast_shapes(index[0].shape, index[1].shape)
    return rows.shape == x.shape[:1] and shape[:1] == rows.shape and product(shape) == rows.size


@rewrite(
    "multiply",
    operands=("where",),
    keeps="accurate",
    examples=(lambda m, x, y: np.where(m, x, 0.0) * y,),
)
def mask_outwards(node: Node) -> Node | None:
    """where(c, g, 0) * h = where(c, g * h, 0)."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if (
            isinstance(a.op, Where)
            and a.inputs[1].dtype == node.dtype
            and is_number(a.inputs[2], 0)
        ):
            mask, g, _ = a.inputs
            return make(Where(), mask, g * b, scalar(0, node))
    return None


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


@rewrite("sum", "mean", "max", "min", keeps="bitwise", examples=(lambda u: u[:, None].max(1),))
def reduction_over_ones(node: Node) -> Node | None:
    """sum(x) = squeeze(x) over axes of size 1."""
    (x,) = node.inputs
    assert isinstance(node.op, Reduction)
    axes = node.op.axes
    if not axes or any(x.shape[axis] != 1 for axis in axes) or x.dtype != node.dtype:
        return None
    return x if node.op.keepdims else make(Squeeze(axes), x)


@rewrite(
    "sum", "max", "min", keeps="real", examples=(lambda A: A.sum(0).sum(), lambda A: A.max(1).max())
)
def reduce_twice(node: Node) -> Node | None:
    """sum(sum(x)) = sum(x) over the axes of both."""
    # The sums in between may overflow in one order and not in the other.
    (x,) = node.inputs
    assert isinstance(node.op, Reduction)
    if x.op.name != node.op.name or not isinstance(x.op, Reduction) or x.dtype != node.dtype:
        return None
    if x.op.keepdims != node.op.keepdims:
        return None
    if x.op.keepdims:
        axes = tuple(sorted({*x.op.axes, *node.op.axes}))
        return make(type(node.op)(axes, True), *x.inputs)
    places = [i for i in range(x.inputs[0].ndim) if i not in x.op.axes]
    outer = [places[axis] for axis in node.op.axes]
    return make(type(node.op)(tuple(sorted([*x.op.axes, *outer])), False), *x.inputs)


@rewrite("mean", keeps="accurate", examples=(lambda u, A: np.broadcast_to(u, A.shape).mean(0),))
def mean_of_broadcast(node: Node) -> Node | None:
    """mean(broadcast(x)) = x over the axes that were repeated."""
    (x,) = node.inputs
    assert isinstance(node.op, Mean)
    if not isinstance(x.op, BroadcastTo) or x.dtype != node.dtype:
        return None
    (y,) = x.inputs
    lead = x.ndim - y.ndim
    repeated = [a for a in node.op.axes if a < lead or y.shape[a - lead] != x.shape[a]]
    if len(repeated) < len(node.op.axes) or not all(_surely_some(x.shape[a]) for a in repeated):
        return None
    kept = tuple([1 if a in repeated else d for a, d in enumerate(x.shape)])
    result = y if y.shape == kept else make(BroadcastTo(kept), y)
    return result if node.op.keepdims or not kept else make(Squeeze(node.op.axes), result)


def _surely_some(dim: Dim) -> bool:
    """Whether a size is known not to be 0: the mean of nothing is NaN."""
    return isinstance(dim, int) and dim > 0


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


@rewrite("sum", keeps="accurate", examples=(lambda A: A.T.sum(), lambda A: A.T.sum(0)))
def sum_of_transpose(node: Node) -> Node | None:
    """sum(A.T) = sum(A) over the same axes."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if not isinstance(x.op, Transpose) or node.op.keepdims:
        return None
    inner = x.op.axes
    left = [axis for i, axis in enumerate(inner) if i not in node.op.axes]
    if left != sorted(left):
        return None
    return make(Sum(tuple(sorted([inner[axis] for axis in node.op.axes]))), *x.inputs)


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
