"""Constant folding: what is known is computed once."""

from __future__ import annotations

from math import frexp, isfinite
from typing import Any

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import Node, constant, make
from symgraph.graph.op import Op
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Size
from symgraph.graph.types import TupleType
from symgraph.ops.create import eye
from symgraph.ops.elementwise import AsType, where
from symgraph.ops.reduce import BroadcastTo
from symgraph.simplify.common import (
    factor,
    is_moderate,
    is_op,
    number,
    scalar,
    unbroadcast,
)
from symgraph.simplify.rule import rewrite
from symgraph.simplify.uses import uses_of

_SMALL = 16
_MOST_STEPS = 4
_MOST_ELEMENTS = 10**7


def _may_fold(op: Op) -> bool:
    # A number that is broadcast is known as a number.
    return not isinstance(op, (Constant, Placeholder, SizeValue, BroadcastTo))


@rewrite(
    _may_fold,
    keeps="bitwise",
    examples=(
        lambda: constant(2.0) * constant(3.0),
        lambda: constant(1.0) / constant(0.0),
        lambda: constant(2.0) < constant(3.0),
        lambda: constant(np.arange(3.0)).sum(),
        lambda: constant(np.ones(3)).max(),
        lambda: np.negative(constant(0.0)),
        lambda: np.linalg.det(constant(np.diag([2.0, 3.0]))),
        lambda: np.linalg.slogdet(constant(np.diag([-2.0, 3.0])))[0],
        lambda: np.outer(constant(np.arange(9.0)), constant(np.arange(9.0))).sum(),
        lambda: np.max(eye(4) * constant(2.0)),
        lambda: apply("sort", constant(np.array([3.0, np.nan, 1.0]))),
    ),
)
def fold(node: Node) -> Node | None:
    """op(constants) = constant, unless it is larger than what it is made from."""
    if not node.inputs or isinstance(node.result_type, TupleType):
        return None
    made_from = _known_elements(node, _MOST_STEPS)
    if made_from is None:
        return None
    size = node.size
    assert isinstance(size, int)
    least = _SMALL if all(isinstance(i.op, Constant) for i in node.inputs) else 1
    if size > max(least, made_from):
        return None
    try:
        result = np.asarray(interpret([node], {})[0])
    except (ArithmeticError, ImportError, LookupError, TypeError, ValueError):
        return None  # What NumPy refuses is refused when it is called, in NumPy's words.
    return constant(result) if result.dtype == node.dtype else None


def _known_elements(node: Node, steps: int) -> int | None:
    """How many elements the constants have that a node is made of; ``None`` if not only of them."""
    if isinstance(node.op, Constant):
        return node.op.value.size
    if not steps or isinstance(node.op, (Placeholder, SizeValue)):
        return None
    if not isinstance(node.result_type, TupleType):
        size = 1
        for dim in node.result_type.shape:
            if isinstance(dim, Size):
                return None
            size *= dim
        if size > _MOST_ELEMENTS:
            return None
    most = 0
    for operand in node.inputs:
        known = _known_elements(operand, steps - 1)
        if known is None:
            return None
        most = max(most, known)
    return most


def _safe(value: Any) -> bool:
    """Finite and normal: nothing overflows or loses digits."""
    with np.errstate(all="ignore"):
        size = np.abs(value)
        return bool(np.isfinite(size)) and bool(size >= np.finfo(np.asarray(value).dtype).tiny)


@rewrite(
    AsType,
    operands=("size",),
    keeps="bitwise",
    examples=(lambda v: constant(v.shape[0]).astype("float64"),),
)
def size_as_float(node: Node) -> Node | None:
    """A size in another dtype is that size."""
    (x,) = node.inputs
    if not isinstance(x.op, SizeValue) or node.dtype != np.float64:
        return None
    return make(SizeValue(x.op.size, node.dtype))


@rewrite(
    "multiply",
    operands=(
        "multiply",
        "broadcast_to",
    ),
    keeps="accurate",
    rounds=True,
    examples=(lambda x: 3.0 * (0.7 * x),),
)
def gather_factors(node: Node) -> Node | None:
    """a * (b * x) = (a * b) * x for numbers and sizes a and b whose product is safe."""
    outer, inner, base = _two_factors(node)
    if outer is None or inner is None:
        return None
    if number(outer) is not None and number(inner) is not None:
        with np.errstate(all="ignore"):
            value = number(outer) * number(inner)
        return scalar(value, node) * base if _safe(value) else None
    return (outer * inner) * base if is_moderate(node.dtype, outer, inner) else None


def _two_factors(node: Node) -> tuple[Node | None, Node | None, Node]:
    """The scalars a and b and the rest x of a * (b * x)."""
    outer, rest = factor(node)
    if outer is None:
        return None, None, node
    inner, base = factor(unbroadcast(rest) if rest.shape == node.shape else rest)
    if base.shape != node.shape or base.dtype != node.dtype:
        return None, None, node
    return outer, inner, base


@rewrite(
    "multiply",
    operands=(
        "multiply",
        "broadcast_to",
    ),
    keeps="real",
    examples=(lambda a, b, x: a * (b * x),),
)
def gather_scalars(node: Node) -> Node | None:
    """a * (b * x) = (a * b) * x for 0-d a and b."""
    outer, inner, base = _two_factors(node)
    return None if outer is None or inner is None or node.ndim == 0 else (outer * inner) * base


@rewrite("multiply", operands=("divide",), keeps="accurate", examples=(lambda v: 3.0 * (v / 7.0),))
def gather_quotient(node: Node) -> Node | None:
    """a * (x / b) = (a / b) * x for numbers and sizes a and b."""
    outer, rest = factor(node)
    if outer is None or not is_op(rest, "divide"):
        return None
    x, y = rest.inputs
    bottom = unbroadcast(y)
    if bottom.ndim or x.shape != node.shape or x.ndim == 0 or x.dtype != node.dtype:
        return None
    return (outer / bottom) * x if is_moderate(node.dtype, outer, bottom) else None


@rewrite("divide", keeps="accurate", examples=(lambda v: (3.0 * v) / 7.0,))
def quotient_of_multiple(node: Node) -> Node | None:
    """(a * x) / b = (a / b) * x for numbers and sizes a and b."""
    x, y = node.inputs
    bottom = unbroadcast(y)
    if bottom.ndim or node.ndim == 0 or node.dtype.kind != "f":
        return None
    outer, base = factor(x)
    if outer is None or base.shape != node.shape or base.dtype != node.dtype:
        return None
    return (outer / bottom) * base if is_moderate(node.dtype, outer, bottom) else None


@rewrite("multiply", operands=("divide",), keeps="accurate", examples=(lambda a: 3.0 * (7.0 / a),))
def scalars_together(node: Node) -> Node | None:
    """c1 * (c2 / n) = (c1 * c2) / n."""
    if node.ndim or node.dtype.kind != "f":
        return None
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if number(a) is not None and is_op(b, "divide") and number(b.inputs[0]) is not None:
            with np.errstate(all="ignore"):
                value = number(a) * number(b.inputs[0])
            if value.dtype == node.dtype and _safe(value):
                return scalar(value, node) / b.inputs[1]
    return None


@rewrite(
    "negative",
    operands=(
        "multiply",
        "divide",
    ),
    keeps="bitwise",
    examples=(lambda x: -(2.0 * x), lambda x: -(3.0 / x), lambda x: -(x / 3.0)),
)
def negative_of_multiple(node: Node) -> Node | None:
    """-(c * x) = (-c) * x, -(c / x) = (-c) / x."""
    (x,) = node.inputs
    if not is_op(x, "multiply", "divide") or node.dtype.kind != "f":
        return None
    if x.ndim and len(uses_of(x)) > 1:
        return None  # -(c * x) of what is there is as cheap, and reads as what it is
    a, b = x.inputs
    times = is_op(x, "multiply")
    if number(a) is not None and a.dtype.kind == "f":
        value = scalar(-number(a), a)
        return value * b if times else value / b
    if number(b) is not None and b.dtype.kind == "f":
        value = scalar(-number(b), b)
        return a * value if times else a / value
    scale, base = factor(x)
    if scale is not None and is_op(scale, "divide") and number(scale.inputs[0]) is not None:
        return -scale * base
    return None


def _is_power_of_two(value: float) -> bool:
    return isfinite(value) and abs(frexp(value)[0]) == 0.5


@rewrite("divide", keeps="bitwise", examples=(lambda x: x / 4.0, lambda x: x / -0.5))
def divide_by_power_of_two(node: Node) -> Node | None:
    """x / 2**k = x * 2**-k, which is exact."""
    x, y = node.inputs
    value = number(y)
    if value is None or node.dtype.kind != "f" or not x.dtype == y.dtype == node.dtype:
        return None
    if number(x) is not None or not _is_power_of_two(float(value)) or not _safe(value):
        return None
    return scalar(1 / value, node) * x if _safe(1 / value) else None


@rewrite(
    "where", keeps="bitwise", examples=(lambda x, y: where(True, x, y), lambda m, x: where(m, x, x))
)
def known_condition(node: Node) -> Node | None:
    """where(true, a, b) = a, where(c, a, a) = a."""
    mask, a, b = node.inputs
    if a is b:
        return a
    known = number(mask)
    if known is None:
        return None
    return a if known else b
