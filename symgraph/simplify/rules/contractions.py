"""Sums of products as the products of matrices and vectors that they are."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

import numpy as np

from symgraph.graph.amounts import at_most
from symgraph.graph.node import Node, make
from symgraph.graph.sizes import Shape
from symgraph.ops.contract import contract
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import ExpandDims, Squeeze, Transpose
from symgraph.simplify.common import is_op, unbroadcast
from symgraph.simplify.rule import rewrite
from symgraph.simplify.uses import uses_of


def _lettered(x: Node, shape: Shape) -> tuple[str, Node] | None:
    """A factor of a product of this shape without the axes along which it is broadcast.

    With letters for the others; ``None`` if there is nothing left.
    """
    lead = len(shape) - x.ndim
    ones = tuple([i for i, dim in enumerate(x.shape) if dim == 1 != shape[lead + i]])
    letters = "".join([ascii_letters[lead + i] for i in range(x.ndim) if i not in ones])
    if not letters:
        return None
    return letters, _squeezed(x, ones)


def _squeezed(x: Node, ones: tuple[int, ...]) -> Node:
    """A node without some of its axes of size 1."""
    if not ones:
        return x
    added = x.op.axes if isinstance(x.op, ExpandDims) else ()
    return x.inputs[0] if added == ones else make(Squeeze(ones), x)


def _sums_fast(node: Node) -> bool:
    """Whether products of matrices may take the place of a sum.

    In single precision a pairwise sum, which NumPy has along the last axis, is worth its time.
    """
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if x.dtype != node.dtype or not node.op.axes:
        return False
    return x.dtype == np.float64 or (x.dtype == np.float32 and x.ndim - 1 not in node.op.axes)


def _contracted(node: Node, factors: Sequence[tuple[str, Node]]) -> Node | None:
    """The sum of a product of factors with letters for their axes."""
    assert isinstance(node.op, Sum)
    axes = node.op.axes
    known = "".join([labels for labels, _ in factors])
    letters = ascii_letters[: node.inputs[0].ndim]
    output = "".join([i for a, i in enumerate(letters) if i in known and a not in axes])
    if len(output) + len(axes) < len(letters):
        return None
    product = contract(factors, output)
    return make(ExpandDims(axes), product) if node.op.keepdims else product


_MOST_FACTORS = 6


def _parts(x: Node) -> dict[str, Node] | None:
    """The factors of a product by the letters of their axes; ``None`` if they are too many.

    Factors with the same axes are one, and those without any stand under no letter.
    """
    parts: dict[str, Node] = {}
    stack = [x]
    for _ in range(2 * _MOST_FACTORS):
        if not stack:
            return parts
        factor = stack.pop()
        if is_op(factor, "multiply") and factor.ndim and (factor is x or len(uses_of(factor)) < 2):
            stack += factor.inputs[::-1]
            continue
        found = _lettered(factor, x.shape)
        labels, part = ("", unbroadcast(factor)) if found is None else found
        if part.dtype != x.dtype or (found is None and part.ndim):
            return None
        parts[labels] = parts[labels] * part if labels in parts else part
    return None


@rewrite(
    "sum",
    operands=("multiply",),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    examples=(
        lambda A, u, v: (u[:, None] * A * v).sum(),
        lambda A, u, v: (u[:, None] * A * v).sum(axis=0),
        lambda A, B, u: (A * u[:, None] * B).sum(axis=0),
    ),
)
def sum_of_several_products(node: Node) -> Node | None:
    """sum(a[:, None] * B * c) = a @ (B @ c), in the cheapest order."""
    (x,) = node.inputs
    if not _sums_fast(node) or not any(is_op(factor, "multiply") for factor in x.inputs):
        return None
    parts = _parts(x)
    if parts is None:
        return None
    scale = parts.pop("", None)
    if len(parts) < 2:
        return None
    full = ascii_letters[: x.ndim]
    assert isinstance(node.op, Sum)
    summed = {full[axis] for axis in node.op.axes}
    # Something must leave the product: an axis of a factor, or a factor that is not summed.
    if len(parts) == 2 and not all(summed <= set(labels) for labels in parts):
        return None
    product = _contracted(node, list(parts.items()))
    return product if product is None or scale is None else scale * product


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
    if not _sums_fast(node):
        return None
    a, b = (_lettered(factor, x.shape) for factor in x.inputs)
    if a is None or b is None or not a[1].dtype == b[1].dtype == x.dtype:
        return None
    summed = {ascii_letters[axis] for axis in node.op.axes}
    first, second = set(a[0]), set(b[0])
    common = first & second
    if not summed <= common or len(first | second) == len(summed):
        return None
    # In a stack of products each must be one of matrices, or the last axis that of both.
    is_stack = first != common != second or (first == second and summed == {a[0][-1]})
    if common != summed and not is_stack:
        return None
    inner = "".join(sorted(summed))
    if common == summed and a[0].startswith(inner) and b[0].endswith(inner):
        a, b = b, a  # without a transpose
    return _contracted(node, [a, b])


def _turned(labels: str, x: Node) -> tuple[str, Node]:
    """A factor without its transpose."""
    if not isinstance(x.op, Transpose):
        return labels, x
    return "".join([labels[x.op.axes.index(i)] for i in range(x.ndim)]), x.inputs[0]


@rewrite(
    "sum",
    operands=("matmul",),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    examples=(
        lambda A, B: (A @ B).sum(axis=0),
        lambda A, B: (A @ B).sum(axis=1, keepdims=True),
        lambda A, B: (A @ B).sum(),
        lambda A, B: (A[:, :, None] @ B[:, None, :]).sum(axis=0),
    ),
)
def sum_of_matrix_product(node: Node) -> Node | None:
    """sum(A @ B, axis=0) = sum(A, axis=0) @ B: without a product of matrices."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    a, b = x.inputs
    if a.ndim != x.ndim or b.ndim != x.ndim or x.ndim > 3 or not _sums_fast(node):
        return None
    if a.shape[:-2] != b.shape[:-2] or len(uses_of(x)) > 1 or not a.dtype == b.dtype == x.dtype:
        return None
    over_stack = any(axis < x.ndim - 2 for axis in node.op.axes)
    if over_stack and not at_most(a.size + b.size, x.size, least=2):
        return None  # NumPy would copy the operands for one product of all
    batch, (rows, columns, inner) = ascii_letters[: x.ndim - 2], ascii_letters[x.ndim - 2 :][:3]
    first, second = _turned(batch + rows + inner, a), _turned(batch + inner + columns, b)
    if a.shape[-1] == 1:  # an outer product
        first = batch + rows, _squeezed(a, (x.ndim - 1,))
        second = batch + columns, _squeezed(b, (x.ndim - 2,))
    return _contracted(node, [first, second])
