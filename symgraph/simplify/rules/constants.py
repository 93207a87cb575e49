"""Constant folding: what is known is computed once."""

from __future__ import annotations

import numpy as np

from symgraph.graph.evaluate import evaluate_node
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant
from symgraph.graph.sizes import Size
from symgraph.graph.types import TupleType
from symgraph.ops.kinds import ELEMENTWISE
from symgraph.simplify.common import is_op, number, scalar, unbroadcast
from symgraph.simplify.rule import rewrite

_FOLDED = (
    *ELEMENTWISE,
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


@rewrite(*_FOLDED, keeps="bitwise")
def fold(node: Node) -> Node | None:
    """op(constants) = constant."""
    if not node.inputs or isinstance(node.result_type, TupleType):
        return None
    if not all(isinstance(i.op, Constant) for i in node.inputs):
        return None
    if any(isinstance(d, Size) for d in node.shape):
        return None
    largest = max(i.op.value.size for i in node.inputs if isinstance(i.op, Constant))
    if int(np.prod(node.shape)) > max(largest, 16):
        return None
    values = [i.op.value[()] for i in node.inputs if isinstance(i.op, Constant)]
    result = np.asarray(evaluate_node(node, values, {}))
    return constant(result) if result.dtype == node.dtype else None


def _safe(value: object) -> bool:
    """Finite and normal: nothing overflows or loses digits."""
    with np.errstate(all="ignore"):
        size = np.abs(value)
        return bool(np.isfinite(size)) and bool(size >= np.finfo(np.asarray(value).dtype).tiny)


def factor(node: Node) -> tuple[Node | None, Node]:
    """A 0-d factor and the rest of a product; ``None`` if there is no factor."""
    if is_op(node, "multiply") and node.dtype.kind == "f":
        x, y = node.inputs
        first, second = unbroadcast(x), unbroadcast(y)
        if first.ndim == 0 and second.ndim > 0 and first.dtype == node.dtype:
            return first, y
        if second.ndim == 0 and first.ndim > 0 and second.dtype == node.dtype:
            return second, x
        if number(x) is not None and first.dtype == node.dtype:
            return first, y
        if number(y) is not None and second.dtype == node.dtype:
            return second, x
    return None, node


@rewrite("multiply", keeps="accurate")
def gather_factors(node: Node) -> Node | None:
    """a * (b * x) = (a * b) * x for scalars a and b."""
    outer, rest = factor(node)
    if outer is None:
        return None
    inner, base = factor(unbroadcast(rest) if rest.shape == node.shape else rest)
    if inner is None or base.shape != node.shape:
        return None
    if number(outer) is not None and number(inner) is not None:
        with np.errstate(all="ignore"):
            value = number(outer) * number(inner)
        return scalar(value, node) * base if _safe(value) else None
    return (outer * inner) * base


@rewrite("multiply", keeps="accurate")
def gather_quotient(node: Node) -> Node | None:
    """a * (x / b) = (a / b) * x for scalars a and b."""
    outer, rest = factor(node)
    if outer is None or not is_op(rest, "divide"):
        return None
    x, y = rest.inputs
    bottom = unbroadcast(y)
    if bottom.ndim or x.shape != node.shape or x.ndim == 0:
        return None
    return (outer / bottom) * x


@rewrite("divide", keeps="accurate")
def quotient_of_multiple(node: Node) -> Node | None:
    """(a * x) / b = (a / b) * x for scalars a and b."""
    x, y = node.inputs
    bottom = unbroadcast(y)
    if bottom.ndim or node.ndim == 0 or node.dtype.kind != "f":
        return None
    outer, base = factor(x)
    if outer is None or base.shape != node.shape:
        return None
    return (outer / bottom) * base


@rewrite("multiply", keeps="accurate")
def scalars_together(node: Node) -> Node | None:
    """c1 * (c2 / n) = (c1 * c2) / n."""
    if node.ndim:
        return None
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if number(a) is not None and is_op(b, "divide") and number(b.inputs[0]) is not None:
            with np.errstate(all="ignore"):
                value = number(a) * number(b.inputs[0])
            if _safe(value):
                return scalar(value, node) / b.inputs[1]
    return None


@rewrite("negative", keeps="bitwise")
def negative_of_multiple(node: Node) -> Node | None:
    """-(c * x) = (-c) * x, -(c / x) = (-c) / x."""
    (x,) = node.inputs
    if is_op(x, "multiply", "divide") and node.dtype.kind == "f":
        a, b = x.inputs
        if number(a) is not None:
            value = scalar(-number(a), a)
            return value * b if is_op(x, "multiply") else value / b
        if number(b) is not None:
            value = scalar(-number(b), b)
            return a * value if is_op(x, "multiply") else a / value
        scale, base = factor(x)
        if scale is not None and is_op(scale, "divide") and number(scale.inputs[0]) is not None:
            return -scale * base
    return None


@rewrite("where", keeps="bitwise")
def known_condition(node: Node) -> Node | None:
    """where(true, a, b) = a, where(c, a, a) = a."""
    mask, a, b = node.inputs
    if a is b:
        return a
    known = number(mask)
    if known is None:
        return None
    return a if known else b
