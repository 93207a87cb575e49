"""Laws of matrix products."""

from __future__ import annotations

from symgraph.graph.node import Node, make
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import HEADROOM, factor, is_known_factor, is_op
from symgraph.simplify.rule import rewrite


@rewrite("transpose", keeps="accurate", examples=(lambda A, B: (A.T @ B).T,))
def transposed_product(node: Node) -> Node | None:
    """(A.T @ B).T = B.T @ A."""
    (x,) = node.inputs
    if not is_op(x, "matmul") or x.ndim != 2:
        return None
    a, b = x.inputs
    if a.ndim != 2 or b.ndim != 2:
        return None
    if isinstance(a.op, Transpose) or isinstance(b.op, Transpose):
        return make(x.op, make(Transpose((1, 0)), b), make(Transpose((1, 0)), a))
    return None


@rewrite("matmul", keeps="accurate", examples=(lambda A, B: -A @ B, lambda A, v: A @ -v))
def negative_product(node: Node) -> Node | None:
    """(-A) @ B = -(A @ B), A @ (-B) = -(A @ B)."""
    for i, x in enumerate(node.inputs):
        if is_op(x, "negative") and x.dtype.kind in "fc":
            inputs = list(node.inputs)
            inputs[i] = x.inputs[0]
            return -make(node.op, *inputs)
    return None


def _scaled_vector(node: Node) -> tuple[Node | None, Node]:
    """The factor of a vector in a product, and the product without it."""
    a, b = node.inputs
    if node.dtype.kind != "f" or node.ndim > 1 or a.dtype != b.dtype:
        return None, node
    for i, x in ((1, b), (0, a)):
        scale, vector = factor(x) if x.ndim == 1 else (None, x)
        if scale is not None and vector.type == x.type:
            return scale, make(node.op, *((a, vector) if i else (vector, b)))
    return None, node


@rewrite(
    "matmul",
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda A, v: A @ (3.0 * v), lambda A, u: (0.1 * u) @ A),
)
def known_multiple_of_vector(node: Node) -> Node | None:
    """A @ (c * v) = c * (A @ v) for c made of numbers and sizes."""
    scale, product = _scaled_vector(node)
    return scale * product if scale is not None and is_known_factor(scale) else None


@rewrite("matmul", keeps="real", examples=(lambda A, a, v: A @ (a * v),))
def multiple_of_vector(node: Node) -> Node | None:
    """A @ (c * v) = c * (A @ v) for 0-d c."""
    scale, product = _scaled_vector(node)
    return None if scale is None else scale * product
