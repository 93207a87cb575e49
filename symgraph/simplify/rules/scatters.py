"""Laws of what is added at positions, and of masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.sizes import product
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.create import Arange
from symgraph.ops.elementwise import Where, zeros_like
from symgraph.ops.reduce import BroadcastTo, Sum
from symgraph.ops.shape import Reshape
from symgraph.simplify.common import (
    is_number,
    is_op,
    scalar,
    unaxed,
)
from symgraph.simplify.rule import rewrite


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
