"""Laws of matrix products."""

from __future__ import annotations

from symgraph.graph.node import Node, make
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import is_op
from symgraph.simplify.rule import rewrite


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
