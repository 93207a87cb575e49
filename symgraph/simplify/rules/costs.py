"""Laws that pay by sizes: the order of products, and factors where the arrays are small."""

from __future__ import annotations

from typing import NamedTuple

from symgraph.graph.amounts import at_most
from symgraph.graph.node import Node, make
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.ops.elementwise import exp
from symgraph.ops.products import MatMul
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import is_op, number
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.deltas import identity_like
from symgraph.simplify.uses import users_of

_SIZABLE = 16
"""Symbolic sizes from here up decide what is cheaper: below, all is cheap."""


def _cheaper(after: Dim, before: Dim) -> bool:
    """Whether one cost is below another, for all symbolic sizes that are worth it."""
    return at_most(after + 1, before, least=_SIZABLE)


def _plain(node: Node) -> bool:
    """Whether it is a product of matrices, or of one and a vector, all of one floating dtype."""
    a, b = node.inputs
    return (
        node.dtype.kind == "f"
        and a.dtype == b.dtype
        and 1 <= a.ndim <= 2
        and 1 <= b.ndim <= 2
        and a.ndim + b.ndim > 2
    )


def _turned(node: Node) -> Node:
    """The transpose of a matrix."""
    return node.inputs[0] if isinstance(node.op, Transpose) else make(Transpose((1, 0)), node)


def _product_parts(node: Node) -> tuple[Node, Node] | None:
    """A and B of A @ B, also where it stands there transposed."""
    below = node.inputs[0] if isinstance(node.op, Transpose) else node
    if node.ndim != 2 or not is_op(below, "matmul") or not _plain(below):
        return None
    a, b = below.inputs
    if a.ndim != 2 or b.ndim != 2:
        return None
    return (a, b) if below is node else (_turned(b), _turned(a))


def _all_vectors(users: list[Node | None]) -> bool:
    """Whether all users multiply by vectors."""
    return all(
        user is not None and is_op(user, "matmul") and any(x.ndim == 1 for x in user.inputs)
        for user in users
    )


def _steps(a: Node, b: Node) -> Dim:
    return (a.size if a.ndim < 2 else a.shape[0] * a.shape[1]) * (b.shape[1] if b.ndim == 2 else 1)


@rewrite(
    "matmul",
    operands=("matmul", "transpose"),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, B, v: (A @ B) @ v,
        lambda A, B, v: v @ (A @ B),
        lambda A, B, v: (A @ B).T @ v,
        lambda A, u, v: u @ (A @ A.T),
    ),
)
def order_of_products(node: Node) -> Node | None:
    """(A @ B) @ C = A @ (B @ C), in the cheaper order, where A @ B is not needed itself."""
    if not _plain(node):
        return None
    x, y = node.inputs
    for left, whole in ((True, x), (False, y)):
        parts = _product_parts(whole)
        if parts is None:
            continue
        users = users_of(whole)
        count = max(1, len(users))
        if count > 1 and not _all_vectors(users):
            continue
        a, b = parts
        if left:
            inner = make(MatMul(), b, y)
            after, own = _steps(b, y) + _steps(a, inner), _steps(x, y)
        else:
            inner = make(MatMul(), x, a)
            after, own = _steps(x, a) + _steps(inner, b), _steps(x, y)
        if _cheaper(count * after, _steps(a, b) + count * own):
            return make(MatMul(), a, inner) if left else make(MatMul(), inner, b)
    return None


# Scaled rows and columns --------------------------------------------------------------------------


class _Scaled(NamedTuple):
    """A matrix times or over a vector, along an axis."""

    whole: Node
    part: Node
    axis: int
    divides: bool

    def applied(self, y: Node) -> Node:
        return y / self.part if self.divides else self.part * y


def _scaled(node: Node) -> _Scaled | None:
    """X, a vector, and the axis along which it scales X, also if that is transposed."""
    below = node.inputs[0] if isinstance(node.op, Transpose) else node
    divides = is_op(below, "divide")
    if node.ndim != 2 or not (divides or is_op(below, "multiply")):
        return None
    for whole, part in (below.inputs, below.inputs[::-1])[: 1 if divides else 2]:
        if whole.shape != below.shape or not whole.dtype == part.dtype == below.dtype:
            continue
        found = _vector(part, below)
        if found is not None and below is node:
            return _Scaled(whole, *found, divides)
        if found is not None:
            vector, axis = found
            return _Scaled(_turned(whole), vector, 1 - axis, divides)
    return None


def _vector(part: Node, whole: Node) -> tuple[Node, int] | None:
    """A factor of a matrix as a vector, and the axis along which it lies."""
    rows, columns = whole.shape
    if part.shape in ((columns,), (1, columns)) and rows != 1:
        return part if part.ndim == 1 else part.reshape(columns), 1
    if part.shape == (rows, 1) and columns != 1:
        is_column = is_op(part, "expand_dims") and part.inputs[0].ndim == 1
        return part.inputs[0] if is_column else part.reshape(rows), 0
    return None


@rewrite(
    "matmul",
    operands=("multiply", "divide", "transpose"),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, u, v: (A * u) @ v,
        lambda A, u, v: (u[:, None] * A) @ v,
        lambda A, u, v: (A * u).T @ v,
        lambda A, u, v: v @ (A * u),
        lambda A, u, v: (A / u) @ v,
    ),
)
def scaled_matrix_times_vector(node: Node) -> Node | None:
    """(X * s) @ w = X @ (s * w), (s[:, None] * X) @ w = s * (X @ w), if that alone needs X * s."""
    x, y = node.inputs
    if not _plain(node) or x.ndim == y.ndim:
        return None
    left = y.ndim == 1
    found = _scaled(x if left else y)
    if found is None or not _all_vectors(users_of(x if left else y)):
        return None
    if left:
        inner = found.axis == 1
        return found.whole @ found.applied(y) if inner else found.applied(found.whole @ y)
    return found.applied(x) @ found.whole if found.axis == 0 else found.applied(x @ found.whole)


@rewrite(
    "matmul",
    operands=("solve",),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, B, v: apply("solve", A + 32.0 * identity_like(A), B) @ v,
        lambda A, B, v: apply("solve", A + 32.0 * identity_like(A), B.T) @ v,
    ),
)
def solution_times_vector(node: Node) -> Node | None:
    """solve(A, B) @ v = solve(A, B @ v), if vectors are all that solve(A, B) is multiplied by."""
    x, v = node.inputs
    if not is_op(x, "solve") or not _plain(node) or v.ndim != 1 or len(users_of(x)) > 1:
        return None
    a, b = x.inputs
    if a.ndim != 2 or not a.dtype == b.dtype == node.dtype:
        return None
    return make(x.op, a, b @ v)


# Small terms --------------------------------------------------------------------------------------

_ROUNDING = ("matmul", "exp", "log", "log1p", "expm1", "tanh", "sqrt", "sin", "cos", "square")


def _is_rounded(node: Node) -> bool:
    """Whether a node was computed with a rounding error, whatever its operands are."""
    while is_op(node, "multiply", "divide", "negative"):
        rest = [x for x in node.inputs if number(x) is None]
        if len(rest) != 1:
            return len(rest) == 2
        # A multiple of a power of two adds no error, and keeps that of the rest.
        (node,) = rest
    return is_op(node, *_ROUNDING)


@rewrite(
    "add",
    "subtract",
    operands=("add", "subtract"),
    keeps="accurate",
    headroom=1,
    examples=(
        lambda A, u, c: (exp(A) - u) - c,
        lambda A, u, v: (exp(A) + u) - v,
        lambda A, u, v: (exp(A) - u) + v,
    ),
)
def small_terms_first(node: Node) -> Node | None:
    """(a - b) - c = a - (b + c) where b + c is a smaller array, and a is rounded itself."""
    x, c = node.inputs
    if not is_op(x, "add", "subtract") or node.dtype.kind != "f" or x.type != node.type:
        return None
    a, b = x.inputs
    if a.type != node.type or not a.dtype == b.dtype == c.dtype or not _is_rounded(a):
        return None
    if len([user for user in users_of(x) if user is not None]) > 1:
        return None
    minus, later = is_op(x, "subtract"), is_op(node, "subtract")
    small = b + c if minus == later else b - c
    if not _cheaper(small.size, node.size):
        return None
    return a - small if minus else a + small
