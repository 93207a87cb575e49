"""Sums of products as the products of matrices and vectors that they are."""

from __future__ import annotations

from string import ascii_letters

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.sizes import Shape
from symgraph.ops.contract import contract
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import ExpandDims, Squeeze
from symgraph.simplify.rule import rewrite


def _lettered(x: Node, shape: Shape) -> tuple[str, Node] | None:
    """A factor of a product of this shape without the axes along which it is broadcast.

    With letters for the others; ``None`` if there is nothing left.
    """
    lead = len(shape) - x.ndim
    ones = tuple([i for i, dim in enumerate(x.shape) if dim == 1 != shape[lead + i]])
    letters = "".join([ascii_letters[lead + i] for i in range(x.ndim) if i not in ones])
    if not letters:
        return None
    if not ones:
        return letters, x
    added = x.op.axes if isinstance(x.op, ExpandDims) else ()
    return letters, x.inputs[0] if added == ones else make(Squeeze(ones), x)


@rewrite(
    "sum",
    operands=("multiply",),
    keeps="accurate",
    stage="numpy",
    examples=(
        lambda u, A: (u[:, None] * A).sum(axis=0),
        lambda u, A: (A * u).sum(axis=1, keepdims=True),
        lambda A, B: (A[:, :, None] * B[:, None, :]).sum(axis=0),
        lambda A, B: (A[:, None] * B[None, :, :]).sum(axis=2),
    ),
)
def sum_of_products(node: Node) -> Node | None:
    """sum(a[:, None] * B, axis=0) = a @ B: by the axes that each factor has."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    axes = node.op.axes
    # In single precision a pairwise sum, which NumPy has along the last axis, is worth its time.
    if x.dtype != np.float64 and (x.dtype != np.float32 or x.ndim - 1 in axes):
        return None
    a, b = (_lettered(factor, x.shape) for factor in x.inputs)
    if a is None or b is None or not a[1].dtype == b[1].dtype == x.dtype == node.dtype:
        return None
    summed = {ascii_letters[axis] for axis in axes}
    if not summed or set(a[0]) & set(b[0]) != summed or len(set(a[0] + b[0])) == len(summed):
        return None
    output = "".join([i for i in ascii_letters[: x.ndim] if i in a[0] + b[0] and i not in summed])
    if len(output) + len(summed) < x.ndim:
        return None
    inner = "".join(sorted(summed))
    if a[0].startswith(inner) and b[0].endswith(inner):
        a, b = b, a  # without a transpose
    product = contract([a, b], output)
    return make(ExpandDims(axes), product) if node.op.keepdims else product
