"""Matrices whose rows or columns are all the same, or multiples of one, and their transposes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.registry import apply
from symgraph.ops.linalg.solve import Solve
from symgraph.ops.products import MatMul
from symgraph.ops.reduce import BroadcastTo, Sum
from symgraph.ops.shape import ExpandDims, Squeeze, Transpose
from symgraph.simplify.common import is_op, unbroadcast
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.deltas import identity_like


class _Repeated(NamedTuple):
    """A vector or matrix that is the same along some of its axes."""

    core: Node
    """Without these axes."""
    varies: tuple[bool, ...]
    """Along which axes it is not."""


def _repeated(node: Node) -> _Repeated | None:
    core = unbroadcast(node)
    if core is node or core.dtype != node.dtype or node.ndim > 2:
        return None
    lead = node.ndim - core.ndim
    kept = [i for i in range(core.ndim) if core.shape[i] == node.shape[lead + i]]
    dropped = tuple([i for i in range(core.ndim) if i not in kept])
    varies = tuple([i - lead in kept for i in range(node.ndim)])
    if all(varies):
        return None
    return _Repeated(make(Squeeze(dropped), core) if dropped else core, varies)


def _sum(x: Node, axis: int) -> Node:
    return make(Sum((axis,)), x)


@rewrite(
    "matmul",
    operands=("broadcast_to",),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, c: np.broadcast_to(c, A.T.shape) @ A,
        lambda A, u: A @ np.broadcast_to(u[:1], A.T.shape),
        lambda A, u: np.broadcast_to(u, A.T.shape) @ A,
        lambda A, v: A @ np.broadcast_to(v[:, None], A.T.shape),
        lambda A, c: A @ np.broadcast_to(c, A.shape[1:]),
    ),
)
def product_with_repeated(node: Node) -> Node | None:
    """A @ B with equal rows in A is one row, with equal columns the sums of the rows of B."""
    a, b = node.inputs
    if node.dtype.kind != "f" or a.ndim > 2 or b.ndim > 2 or not a.dtype == b.dtype == node.dtype:
        return None
    left, right = _repeated(a), _repeated(b)
    row: Node | None
    column: Node | None
    if left is not None and not left.varies[-1]:
        row, column = _sum(b, 0), left.core
    elif right is not None and not right.varies[0]:
        row, column = right.core, _sum(a, a.ndim - 1)
    elif left is not None:
        row, column = make(MatMul(), left.core, b), None
    elif right is not None:
        row, column = None, make(MatMul(), a, right.core)
    else:
        return None
    return _outer(row, column, node)


def _outer(row: Node | None, column: Node | None, node: Node) -> Node:
    """The product of what varies along the columns, and what along the rows, in their place."""
    if column is not None and column.ndim and node.ndim == 2:
        column = apply("expand_dims", column, 1)
    whole = column if row is None else row if column is None else column * row
    assert whole is not None
    return whole if whole.shape == node.shape else make(BroadcastTo(node.shape), whole)


@rewrite(
    "solve",
    operands=("broadcast_to",),
    keeps="accurate",
    examples=(
        lambda A, v: apply(
            "solve", np.sin(A) + 32.0 * identity_like(A), np.broadcast_to(v[:, None], A.shape)
        ),
    ),
)
def solve_for_equal_columns(node: Node) -> Node | None:
    """solve(A, B) with equal columns in B has equal columns."""
    a, b = node.inputs
    found = _repeated(b) if a.ndim == 2 and node.op == Solve() else None
    if found is None or found.varies != (True, False) or a.dtype != node.dtype:
        return None
    return make(BroadcastTo(node.shape), apply("expand_dims", make(node.op, a, found.core), 1))


@rewrite(
    "transpose",
    operands=("broadcast_to",),
    keeps="bitwise",
    examples=(
        lambda A, u: np.broadcast_to(u, A.shape).T,
        lambda A, v: np.broadcast_to(v[:, None], A.shape).T,
    ),
)
def transpose_of_repeated(node: Node) -> Node | None:
    """broadcast(x).T = broadcast(x.T) of a vector."""
    (x,) = node.inputs
    found = _repeated(x) if x.ndim == 2 and node.op == Transpose((1, 0)) else None
    if found is None or found.core.ndim != 1:
        return None
    core = apply("expand_dims", found.core, 1) if found.varies[1] else found.core
    return make(BroadcastTo(node.shape), core)


def outer_parts(node: Node) -> tuple[Node, Node] | None:
    """The vectors along the rows and columns of ``u[:, None] * v``, also where that is turned."""
    if isinstance(node.op, Transpose) and node.ndim == 2:
        found = outer_parts(node.inputs[0])
        return None if found is None else (found[1], found[0])
    if not is_op(node, "multiply") or node.ndim != 2:
        return None
    for column, row in (node.inputs, node.inputs[::-1]):
        if not isinstance(column.op, ExpandDims) or column.op.axes != (1,) or column.ndim != 2:
            continue
        if isinstance(row.op, ExpandDims) and row.op.axes == (0,):
            (row,) = row.inputs
        if row.ndim == 1:
            return column.inputs[0], row
    return None


@rewrite(
    "transpose",
    operands=("multiply",),
    keeps="bitwise",
    examples=(lambda u, v: (u[:, None] * v[None]).T, lambda u, v: (u * v[:, None]).T),
)
def transpose_of_outer(node: Node) -> Node | None:
    """(u[:, None] * v).T = v[:, None] * u."""
    found = outer_parts(node) if node.op == Transpose((1, 0)) else None
    if found is None:
        return None
    column, row = found
    return apply("expand_dims", column, 1) * row


@rewrite(
    "matmul",
    operands=("multiply", "transpose"),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    examples=(
        lambda A, u, v: (v[:, None] * u) @ np.sin(u),
        lambda A, u, v: (u[:, None] * v).T @ np.sin(u),
        lambda u, v: v @ (v[:, None] * u[None]),
    ),
)
def outer_times_vector(node: Node) -> Node | None:
    """(u[:, None] * v) @ w = u * (v @ w), w @ (u[:, None] * v) = (w @ u) * v."""
    a, b = node.inputs
    left = b.ndim == 1
    if node.ndim != 1 or node.dtype.kind != "f" or a.dtype != b.dtype:
        return None
    found = outer_parts(a if left else b)
    if found is None or not all(x.dtype == node.dtype for x in found):
        return None
    column, row = found
    return column * make(MatMul(), row, b) if left else make(MatMul(), a, column) * row


@rewrite(
    "sum",
    operands=("multiply",),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda u, v: (u[:, None] * v).sum(),
        lambda u, v: (u[:, None] * v).sum(axis=0),
        lambda u, v: (u * v[:, None]).sum(axis=1),
    ),
)
def sum_of_outer(node: Node) -> Node | None:
    """sum(u[:, None] * v) = sum(u) * sum(v), or along one axis."""
    (x,) = node.inputs
    found = outer_parts(x)
    assert isinstance(node.op, Sum)
    if found is None or node.op.keepdims or node.dtype.kind != "f":
        return None
    parts = [
        _sum(part, 0) if axis in node.op.axes else part
        for axis, part in enumerate(found)
        if part.dtype == node.dtype
    ]
    return parts[0] * parts[1] if len(parts) == 2 else None
