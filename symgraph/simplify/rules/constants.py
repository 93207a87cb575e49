"""Constant folding: what is known is computed once."""

from __future__ import annotations

from math import frexp, isfinite
from typing import Any

import numpy as np

from symgraph.graph.evaluate import evaluate_node
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant
from symgraph.graph.sizes import Size
from symgraph.graph.types import TupleType
from symgraph.ops.elementwise import where
from symgraph.ops.kinds import Elementwise
from symgraph.simplify.common import (
    factor,
    is_moderate,
    is_op,
    number,
    scalar,
    unbroadcast,
)
from symgraph.simplify.rule import rewrite

_FOLDED = (
    Elementwise,
    "astype",
    "where",
    "sum",
    "mean",
    "max",
    "min",
    "transpose",
    "reshape",
    "expand_dims",
    "squeeze",
    "getitem",
)
_SMALL = 16


@rewrite(
    *_FOLDED,
    operands=("constant",),
    keeps="bitwise",
    examples=(
        lambda: constant(2.0) * constant(3.0),
        lambda: constant(1.0) / constant(0.0),
        lambda: constant(2.0) < constant(3.0),
        lambda: constant(np.arange(3.0)).sum(),
        lambda: constant(np.ones(3)).max(),
    ),
)
def fold(node: Node) -> Node | None:
    """op(constants) = constant."""
    if not node.inputs or isinstance(node.result_type, TupleType):
        return None
    values = [i.op.value for i in node.inputs if isinstance(i.op, Constant)]
    size = node.size
    if len(values) < len(node.inputs) or isinstance(size, Size):
        return None
    if size > max(_SMALL, *[value.size for value in values]):
        return None
    result = np.asarray(evaluate_node(node, [value[()] for value in values], {}))
    return constant(result) if result.dtype == node.dtype else None


def _safe(value: Any) -> bool:
    """Finite and normal: nothing overflows or loses digits."""
    with np.errstate(all="ignore"):
        size = np.abs(value)
        return bool(np.isfinite(size)) and bool(size >= np.finfo(np.asarray(value).dtype).tiny)


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
