"""Laws of matrix products."""

from __future__ import annotations

from symgraph.graph.node import Node, make
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import is_op
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.constants import factor


@rewrite("transpose", keeps="accurate")
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


@rewrite("matmul", keeps="accurate")
def negative_product(node: Node) -> Node | None:
    """(-A) @ B = -(A @ B) where that is smaller."""
    a, b = node.inputs
    for i, x in enumerate((a, b)):
        if is_op(x, "negative"):
            inputs = [a, b]
            inputs[i] = x.inputs[0]
            return -make(node.op, *inputs)
    return None


@rewrite("matmul", keeps="accurate")
def multiple_of_vector(node: Node) -> Node | None:
    """A @ (c * v) = c * (A @ v) for 0-d c."""
    a, b = node.inputs
    if node.dtype.kind != "f" or node.ndim > 1 or a.dtype != b.dtype:
        return None
    c, v = factor(b) if b.ndim == 1 else (None, b)
    if c is not None:
        return c * make(node.op, a, v)
    c, v = factor(a) if a.ndim == 1 else (None, a)
    return None if c is None else c * make(node.op, v, b)
