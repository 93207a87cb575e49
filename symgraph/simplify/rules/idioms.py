"""How NumPy is best told the same: fewer calls and fewer arrays."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.ops.reduce import Sum
from symgraph.simplify.common import is_op
from symgraph.simplify.rule import rewrite


@rewrite("sum", keeps="accurate", stage="numpy", examples=(lambda x, y: (x * y).sum(),))
def scalar_product(node: Node) -> Node | None:
    """sum(x * y) = x @ y over all axes: without the array of products."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    # In single precision the pairwise sum is worth its time.
    if not is_op(x, "square", "multiply") or x.dtype != np.float64 or not x.ndim:
        return None
    first, second = x.inputs[0], x.inputs[-1]
    if len(node.op.axes) != x.ndim or node.op.keepdims or not first.type == second.type == x.type:
        return None
    if x.ndim > 1:
        first, second = apply("ravel", first), apply("ravel", second)
    return apply("matmul", first, second)
