"""Laws of products with structure: outer products, scaled rows, inverses of what is special."""

from __future__ import annotations

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.kinds import Elementwise
from symgraph.ops.linalg.inv import Inv
from symgraph.ops.linalg.solve import Solve
from symgraph.ops.shape import Transpose, expand_dims, swapaxes
from symgraph.simplify.common import HEADROOM, is_known_factor, is_number, is_op
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.deltas import identity_like
from symgraph.simplify.rules.scatters import add_into, rows_of
from symgraph.simplify.rules.shapes import transpose_twice
from symgraph.simplify.structure import structure


@rewrite(
    Elementwise,
    "where",
    operands=("constant",),
    keeps="bitwise",
    examples=(lambda A: A * constant(np.full((1, 1), 2.5)),),
)
def one_element(node: Node) -> Node | None:
    """op([[c]], x) = op(c, x) where x has the shape of the result."""
    if not any(map(_is_one_element, node.inputs)):
        return None
    inputs = [
        constant(x.op.value.reshape(())) if isinstance(x.op, Constant) and _is_one_element(x) else x
        for x in node.inputs
    ]
    if broadcast_shapes(*[x.shape for x in inputs]) != node.shape:
        return None
    return make(node.op, *inputs)


def _is_one_element(x: Node) -> bool:
    return isinstance(x.op, Constant) and x.op.value.ndim > 0 and x.op.value.size == 1


# Scaled rows --------------------------------------------------------------------------------------


def _scaled(node: Node) -> tuple[Node, Node] | None:
    """A product of a whole array and a smaller one that is repeated, but no number."""
    if not is_op(node, "multiply"):
        return None
    for whole, part in (node.inputs, node.inputs[::-1]):
        if whole.shape == node.shape and part.ndim and _is_part(part, node):
            return whole, part
    return None


def _is_part(part: Node, node: Node) -> bool:
    """Whether an operand is repeated, so that it has fewer elements."""
    lead = node.ndim - part.ndim
    shorter = any(dim == 1 and node.shape[lead + i] != 1 for i, dim in enumerate(part.shape))
    return shorter or any(dim != 1 for dim in node.shape[:lead])


@rewrite(
    "multiply",
    operands=("multiply",),
    keeps="accurate",
    headroom="half",
    examples=(lambda u, v, A: (A * u) * v, lambda u, v, A: u[:, None] * (v[:, None] * A)),
)
def gather_rows(node: Node) -> Node | None:
    """(A * u) * v = A * (u * v) where the product of u and v is the smaller array."""
    outer = _scaled(node)
    inner = None if outer is None else _scaled(outer[0])
    if outer is None or inner is None or node.dtype.kind != "f":
        return None
    (_, last), (whole, first) = outer, inner
    if not whole.dtype == first.dtype == last.dtype:
        return None
    small = first * last
    return whole * small if _is_part(small, node) else None


@rewrite(
    "divide",
    operands=("multiply",),
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda u, A: (A * u) / 7.0,),
)
def quotient_of_rows(node: Node) -> Node | None:
    """(A * u) / c = A * (u / c) for c made of numbers and sizes."""
    x, y = node.inputs
    inner = _scaled(x)
    if inner is None or y.ndim or not is_known_factor(y) or node.dtype.kind != "f":
        return None
    whole, part = inner
    return whole * (part / y) if part.dtype == y.dtype == node.dtype else None


@rewrite(
    "add",
    "subtract",
    operands=("multiply",),
    keeps="accurate",
    headroom=1,
    examples=(lambda u, v, A: A * u + A * v, lambda u, v, A: u * A - A * v),
)
def common_rows(node: Node) -> Node | None:
    """A * u + A * v = A * (u + v) where the sum of u and v is the smaller array."""
    x, y = node.inputs
    if not x.type == y.type == node.type or node.dtype.kind != "f":
        return None
    first, second = _scaled(x), _scaled(y)
    if first is None or second is None or first[0] is not second[0]:
        return None
    (whole, u), (_, v) = first, second
    if not whole.dtype == u.dtype == v.dtype:
        return None
    small = make(node.op, u, v)
    return whole * small if _is_part(small, node) else None


def _outer(node: Node) -> tuple[Node, Node] | None:
    """Column and row of an outer product of vectors."""
    if not is_op(node, "multiply") or node.ndim != 2:
        return None
    for column, row in (node.inputs, node.inputs[::-1]):
        if column.shape == (node.shape[0], 1) and row.shape in (
            node.shape[1:],
            (1, node.shape[1]),
        ):
            return column, row
    return None


def _flat(node: Node) -> Node:
    """A row or a column as a vector."""
    if is_op(node, "expand_dims") and node.inputs[0].ndim == 1:
        return node.inputs[0]
    return node if node.ndim == 1 else node.reshape(node.size)


@rewrite(
    "matmul",
    operands=("multiply",),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda u, v, A: (u[:, None] * v) @ A,
        lambda u, v, A: A @ (u[:, None] * v),
        lambda u, v: (u[:, None] * v) @ u,
    ),
)
def outer_product_times(node: Node) -> Node | None:
    """(u * v.T) @ A = u * (v.T @ A), A @ (u * v.T) = (A @ u) * v.T."""
    a, b = node.inputs
    if not a.ndim <= 2 >= b.ndim or node.dtype.kind not in "fc" or a.dtype != b.dtype:
        return None
    found = _outer(a)
    if found is not None:
        column, row = found
        inner = _flat(row) @ b
        return column * inner if b.ndim == 2 else _flat(column) * inner
    found = _outer(b)
    if found is None:
        return None
    column, row = found
    inner = a @ _flat(column)
    return expand_dims(inner, 1) * row if a.ndim == 2 else inner * _flat(row)


@rewrite(
    "matmul",
    operands=("multiply",),
    keeps="accurate",
    headroom="half",
    stage="numpy",
    examples=(lambda A, u, B: (A.T * u) @ B,),
)
def weighted_product(node: Node) -> Node | None:
    """(A.T * u) @ B = A.T @ (u[:, None] * B)."""
    x, b = node.inputs
    if x.ndim != 2 or b.ndim != 2 or not is_op(x, "multiply") or node.dtype.kind != "f":
        return None
    for a, u in (x.inputs, x.inputs[::-1]):
        if isinstance(a.op, Transpose) and u.shape == (x.shape[1],) and a.shape == x.shape:
            return a @ (expand_dims(u, 1) * b) if a.dtype == u.dtype == b.dtype else None
    return None


# Inverses -----------------------------------------------------------------------------------------


@rewrite("solve", keeps="accurate", examples=(lambda A: make(Solve(), A, identity_like(A)),))
def solve_for_identity(node: Node) -> Node | None:
    """solve(A, I) = inv(A)."""
    a, b = node.inputs
    known = structure(b)
    if known is None or known.outer != "aa" or a.dtype != node.dtype:
        return None
    inverse = make(Inv(), a)
    return inverse if is_number(known.core, 1) else inverse * known.core


@rewrite(
    "inv",
    operands=("transpose",),
    keeps="accurate",
    # Where a matrix is nearly singular no two ways to invert it agree.
    examples=(lambda A: make(Inv(), (A + 32.0 * identity_like(A)).T),),
)
def inverse_of_transpose(node: Node) -> Node | None:
    """inv(A.T) = inv(A).T."""
    (x,) = node.inputs
    assert isinstance(x.op, Transpose)
    axes = x.op.axes
    if axes[:-2] != tuple(range(len(axes) - 2)) or axes[-1] > axes[-2]:
        return None
    return swapaxes(make(Inv(), *x.inputs), -1, -2)


# What lowering leaves -----------------------------------------------------------------------------


@rewrite("transpose", keeps="bitwise", stage="numpy", examples=(lambda A: A.T.T,))
def lowered_transposes(node: Node) -> Node | None:
    """transpose(transpose(x, p), q) = transpose(x, p[q]), of what operations were expanded to."""
    return transpose_twice(node)


@rewrite(
    "add",
    "subtract",
    operands=("index_add",),
    keeps="accurate",
    stage="numpy",
    examples=(lambda A, v: A + zeros_like(A).at[rows_of(A), rows_of(A)].add(v),),
)
def lowered_scatters(node: Node) -> Node | None:
    """x + add_at(0, i, v) = add_at(x, i, v), of what operations were expanded to."""
    return add_into(node)
