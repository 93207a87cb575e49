"""Laws that pay by sizes: the order of products, and factors where the arrays are small."""

from __future__ import annotations

from symgraph.graph.amounts import at_most
from symgraph.graph.node import Node, make
from symgraph.graph.sizes import Dim
from symgraph.ops.elementwise import exp
from symgraph.ops.products import MatMul
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import is_op, number
from symgraph.simplify.rule import rewrite
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


def _scaled(node: Node) -> tuple[Node, Node, int] | None:
    """X, a vector, and the axis along which it scales X, also if their product is transposed."""
    below = node.inputs[0] if isinstance(node.op, Transpose) else node
    if node.ndim != 2 or not is_op(below, "multiply"):
        return None
    for whole, part in (below.inputs, below.inputs[::-1]):
        if whole.shape != below.shape or not whole.dtype == part.dtype == below.dtype:
            continue
        rows, columns = below.shape
        if part.shape in ((columns,), (1, columns)) and rows != 1:
            axis, vector = 1, part if part.ndim == 1 else part.reshape(columns)
        elif part.shape == (rows, 1) and columns != 1:
            is_column = is_op(part, "expand_dims") and part.inputs[0].ndim == 1
            axis, vector = 0, part.inputs[0] if is_column else part.reshape(rows)
        else:
            continue
        return (whole, vector, axis) if below is node else (_turned(whole), vector, 1 - axis)
    return None


@rewrite(
    "matmul",
    operands=("multiply", "transpose"),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, u, v: (A * u) @ v,
        lambda A, u, v: (u[:, None] * A) @ v,
        lambda A, u, v: (A * u).T @ v,
        lambda A, u, v: v @ (A * u),
    ),
)
def scaled_matrix_times_vector(node: Node) -> Node | None:
    """(X * s) @ w = X @ (s * w), (s[:, None] * X) @ w = s * (X @ w), if that alone needs X * s."""
    x, y = node.inputs
    if not _plain(node) or x.ndim == y.ndim:
        return None
    found = _scaled(x if y.ndim == 1 else y)
    if found is None or not _all_vectors(users_of(x if y.ndim == 1 else y)):
        return None
    whole, part, axis = found
    if y.ndim == 1:
        return whole @ (part * y) if axis == 1 else part * (whole @ y)
    return (x * part) @ whole if axis == 0 else (x @ whole) * part


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
