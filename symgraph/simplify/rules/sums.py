"""Laws of sums and other reductions."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Size
from symgraph.ops.reduce import BroadcastTo, Mean, Reduction, Sum, count
from symgraph.ops.shape import Reshape, Squeeze, Transpose
from symgraph.simplify.common import (
    HEADROOM,
    is_known_factor,
    is_op,
    number,
    scalar,
)
from symgraph.simplify.facts import bounds
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.shifts import constant_along, without_axes
from symgraph.simplify.uses import uses_of


@rewrite("sum", "mean", keeps="accurate", examples=(lambda x: (-x).sum(), lambda x: (-x).mean()))
def sum_of_negative(node: Node) -> Node | None:
    """sum(-x) = -sum(x)."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or x.dtype != node.dtype or not is_op(x, "negative"):
        return None
    return -make(node.op, *x.inputs)


def _multiple_reduced(node: Node) -> tuple[Node | None, Node, bool]:
    """The factor or divisor of what is summed, the sum without it, and whether it divides."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or not is_op(x, "multiply", "divide"):
        return None, node, False
    a, b = x.inputs
    if _summed(a, node) and _constant_along(b, node):
        return _reduced(b, node), make(node.op, a), is_op(x, "divide")
    if is_op(x, "multiply") and _summed(b, node) and _constant_along(a, node):
        return _reduced(a, node), make(node.op, b), False
    return None, node, False


@rewrite(
    "sum",
    "mean",
    operands=("multiply", "divide"),
    keeps="accurate",
    examples=(lambda v: (3.0 * v).sum(), lambda A: (A / -0.7).mean(axis=1)),
)
def sum_of_large_multiple(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x) for numbers c from 1 up, of either sign; sum(x / c) up to 1."""
    scale, total, divides = _multiple_reduced(node)
    value = None if scale is None else number(scale)
    if scale is None or scale.ndim or value is None or not np.isfinite(value) or value == 0:
        return None
    # No sum of x overflows where that of c * x does not, and none loses digits next to 0.
    if divides:
        return total / scale if abs(value) <= 1 else None
    return scale * total if abs(value) >= 1 else None


@rewrite(
    "sum",
    "mean",
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda v: (v / 7.0).mean(), lambda v: (0.1 * v).sum(), lambda v: (v / v.size).sum()),
)
def sum_of_known_multiple(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x), sum(x / c) = sum(x) / c for c made of numbers and sizes."""
    scale, total, divides = _multiple_reduced(node)
    if scale is None or scale.ndim or not is_known_factor(scale):
        return None
    return total / scale if divides else scale * total


@rewrite(
    "sum",
    "mean",
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda A, u: (A / np.exp(u)).sum(0),),
)
def sum_of_quotient_by_exp(node: Node) -> Node | None:
    """sum(x / exp(y)) = sum(x) / exp(y) where y is constant along the axes: never zero."""
    scale, total, divides = _multiple_reduced(node)
    if scale is None or not divides or not is_op(scale, "exp"):
        return None
    return total / scale


@rewrite(
    "sum", "mean", keeps="real", examples=(lambda a, v: (a * v).sum(), lambda a, v: (v / a).mean())
)
def sum_of_multiple(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x), sum(x / c) = sum(x) / c where c is constant along the axes."""
    scale, total, divides = _multiple_reduced(node)
    if scale is None:
        return None
    return total / scale if divides else scale * total


@rewrite(
    "sum",
    operands=("multiply", "divide"),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    examples=(
        lambda a, v: (a * v).sum(),
        lambda a, A: (A / a).sum(axis=1),
    ),
)
def scale_of_sum(node: Node) -> Node | None:
    """sum(c * x) = c * sum(x), sum(x / c) = sum(x) / c for 0-d c: once, not for each element."""
    scale, total, divides = _multiple_reduced(node)
    (x,) = node.inputs
    if scale is None or scale.ndim or len(uses_of(x)) > 1 or node.dtype.kind != "f":
        return None
    return total / scale if divides else scale * total


def _summed(x: Node, node: Node) -> bool:
    """Whether an operand has the whole shape that is summed."""
    return x.shape == node.inputs[0].shape and x.dtype == node.dtype


def _constant_along(c: Node, node: Node) -> bool:
    """Whether a factor is the same along every axis that is summed."""
    assert isinstance(node.op, Sum | Mean)
    return c.dtype == node.dtype and constant_along(c, node.inputs[0], node.op.axes)


def _reduced(c: Node, node: Node) -> Node:
    """The factor without the axes that are summed, as it broadcasts against the sum."""
    assert isinstance(node.op, Sum | Mean)
    return without_axes(c, node.inputs[0].ndim, node.op.axes, node.op.keepdims)


@rewrite(
    "sum",
    keeps="accurate",
    examples=(
        lambda u, A: np.broadcast_to(u, A.shape).sum(),
        lambda u, A: np.broadcast_to(u, A.shape).sum(0),
        lambda a, x: np.broadcast_to(a, x.shape).sum(),
        lambda A: np.broadcast_to(A[:, None], (A.shape[0], 2, A.shape[1])).sum(0),
    ),
)
def sum_of_broadcast(node: Node) -> Node | None:
    """sum(broadcast(x)) = n * sum(x), or broadcast(sum(x)) along other axes."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    # The number of elements may be too large for half precision.
    if not isinstance(x.op, BroadcastTo) or node.dtype.char not in "fd":
        return None
    (y,) = x.inputs
    lead = x.ndim - y.ndim
    repeated = tuple([a for a in node.op.axes if a < lead or (y.shape[a - lead] != x.shape[a])])
    rest = tuple([a - lead for a in node.op.axes if a not in repeated])
    factor = (
        constant(count(x.shape, repeated), node.dtype)
        if isinstance(count(x.shape, repeated), Size)
        else scalar(count(x.shape, repeated), node)
    )
    inner = y
    if rest:
        inner = make(Sum(rest, True), y)
    result = factor * inner if repeated else inner
    if result.ndim == 0:
        return make(BroadcastTo(node.shape), result) if node.ndim else result
    shape = tuple([1 if a in node.op.axes else x.shape[a] for a in range(x.ndim)])
    if result.shape != shape:
        kept = (1,) * lead + result.shape
        result = make(BroadcastTo(shape), make(Reshape(kept), result) if lead else result)
    if not node.op.keepdims:
        result = make(Squeeze(node.op.axes), result)
    return result


@rewrite("sum", "mean", "max", "min", keeps="bitwise", examples=(lambda u: u[:, None].max(1),))
def reduction_over_ones(node: Node) -> Node | None:
    """sum(x) = squeeze(x) over axes of size 1."""
    (x,) = node.inputs
    assert isinstance(node.op, Reduction)
    axes = node.op.axes
    if not axes or any(x.shape[axis] != 1 for axis in axes) or x.dtype != node.dtype:
        return None
    return x if node.op.keepdims else make(Squeeze(axes), x)


@rewrite(
    "sum", "max", "min", keeps="real", examples=(lambda A: A.sum(0).sum(), lambda A: A.max(1).max())
)
def reduce_twice(node: Node) -> Node | None:
    """sum(sum(x)) = sum(x) over the axes of both."""
    # The sums in between may overflow in one order and not in the other.
    (x,) = node.inputs
    assert isinstance(node.op, Reduction)
    if x.op.name != node.op.name or not isinstance(x.op, Reduction) or x.dtype != node.dtype:
        return None
    if x.op.keepdims != node.op.keepdims:
        return None
    if x.op.keepdims:
        axes = tuple(sorted({*x.op.axes, *node.op.axes}))
        return make(type(node.op)(axes, True), *x.inputs)
    places = [i for i in range(x.inputs[0].ndim) if i not in x.op.axes]
    outer = [places[axis] for axis in node.op.axes]
    return make(type(node.op)(tuple(sorted([*x.op.axes, *outer])), False), *x.inputs)


@rewrite("sum", keeps="accurate", examples=(lambda A: A.T.sum(), lambda A: A.T.sum(0)))
def sum_of_transpose(node: Node) -> Node | None:
    """sum(A.T) = sum(A) over the same axes."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if not isinstance(x.op, Transpose) or node.op.keepdims:
        return None
    inner = x.op.axes
    left = [axis for i, axis in enumerate(inner) if i not in node.op.axes]
    if left != sorted(left):
        return None
    return make(Sum(tuple(sorted([inner[axis] for axis in node.op.axes]))), *x.inputs)


# Products over axes -------------------------------------------------------------------------------


def _sum_of_logarithms(node: Node, x: Node) -> Node:
    (product,) = node.inputs
    assert isinstance(product.op, Reduction)
    return make(Sum(product.op.axes, product.op.keepdims), make(node.op, x))


@rewrite(
    "log",
    "log2",
    "log10",
    operands=("prod",),
    keeps="accurate",
    examples=(
        lambda A: np.log(np.prod(apply("sigmoid", A), axis=1)),
        lambda A: np.log10((1.0 + np.exp(A)).prod()),
        lambda A: np.log(np.prod(np.exp(A), axis=0)),
    ),
)
def logarithm_of_product(node: Node) -> Node | None:
    """log(prod(x)) = sum(log(x)) for factors all up to 1, or all from 1; of exp(x) the sum."""
    (product,) = node.inputs
    if not is_op(product, "prod"):
        return None
    (x,) = product.inputs
    if x.dtype != node.dtype or x.dtype.kind != "f":
        return None
    low, high = bounds(x)
    # Logarithms of one sign do not cancel; and those of exponentials are exact.
    one_sign = low >= 1 or (low >= 0 and high <= 1)
    known = is_op(x, "exp") and is_op(node, "log")
    return _sum_of_logarithms(node, x) if one_sign or known else None


@rewrite(
    "log",
    "log2",
    "log10",
    operands=("prod",),
    keeps="real",
    examples=(lambda A: np.log(np.prod(np.square(A), axis=1)),),
)
def logarithm_of_positive_product(node: Node) -> Node | None:
    """log(prod(x)) = sum(log(x)) for x >= 0: where it is next to 0 the sum cancels."""
    (product,) = node.inputs
    if not is_op(product, "prod"):
        return None
    (x,) = product.inputs
    if x.dtype != node.dtype or x.dtype.kind != "f":
        return None
    return _sum_of_logarithms(node, x) if bounds(x)[0] >= 0 else None
