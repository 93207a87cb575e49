"""Formulas that overflow or cancel, and what to compute instead."""

from __future__ import annotations

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import expm1 as ew_expm1
from symgraph.ops.elementwise import log1p as ew_log1p
from symgraph.ops.elementwise import sigmoid as ew_sigmoid
from symgraph.ops.elementwise import softplus as ew_softplus
from symgraph.ops.reduce import Sum
from symgraph.simplify.common import is_op, number, unbroadcast
from symgraph.simplify.rule import rewrite


def _one_plus(node: Node) -> Node | None:
    """x of 1 + x."""
    if is_op(node, "add"):
        x, y = node.inputs
        if number(x) == 1:
            return y
        if number(y) == 1:
            return x
    return None


@rewrite("log", keeps="accurate")
def log_one_plus(node: Node) -> Node | None:
    """log(1 + x) = log1p(x)."""
    x = _one_plus(node.inputs[0])
    return None if x is None else ew_log1p(x)


@rewrite("log1p", keeps="accurate")
def log1p_exp(node: Node) -> Node | None:
    """log1p(exp(x)) = softplus(x)."""
    (x,) = node.inputs
    return ew_softplus(x.inputs[0]) if is_op(x, "exp") else None


@rewrite("subtract", keeps="accurate")
def exp_minus_one(node: Node) -> Node | None:
    """exp(x) - 1 = expm1(x)."""
    x, y = node.inputs
    return ew_expm1(x.inputs[0]) if is_op(x, "exp") and number(y) == 1 else None


@rewrite("divide", keeps="accurate")
def logistic(node: Node) -> Node | None:
    """1 / (1 + exp(-x)) = sigmoid(x)."""
    x, y = node.inputs
    inner = _one_plus(y)
    if inner is None or not is_op(inner, "exp"):
        return None
    if number(x) == 1:
        return ew_sigmoid(-inner.inputs[0])
    return ew_sigmoid(inner.inputs[0]) if x is inner else None


@rewrite("log", keeps="accurate")
def log_sigmoid(node: Node) -> Node | None:
    """log(sigmoid(x)) = -softplus(-x)."""
    (x,) = node.inputs
    return -ew_softplus(-x.inputs[0]) if is_op(x, "sigmoid") else None


@rewrite("log", keeps="accurate")
def log_exp(node: Node) -> Node | None:
    """log(exp(x)) = x."""
    (x,) = node.inputs
    return x.inputs[0] if is_op(x, "exp") else None


def _shift(x: Node) -> Node:
    """x without its own maximum subtracted."""
    if is_op(x, "subtract"):
        a, b = x.inputs
        b = unbroadcast(b)
        if is_op(b, "max") and b.inputs[0] is a:
            return a
    return x


@rewrite("divide", keeps="accurate")
def softmax(node: Node) -> Node | None:
    """exp(x) / sum(exp(x)) = softmax(x)."""
    x, y = node.inputs
    y = unbroadcast(y)
    if is_op(x, "exp") and isinstance(y.op, Sum) and y.op.keepdims and y.inputs[0] is x:
        return apply("softmax", _shift(x.inputs[0]), axis=y.op.axes)
    return None


@rewrite("subtract", keeps="accurate")
def log_softmax(node: Node) -> Node | None:
    """x - log(sum(exp(x))) = log_softmax(x)."""
    x, y = node.inputs
    y = unbroadcast(y)
    if is_op(y, "log") and isinstance(y.inputs[0].op, Sum) and y.inputs[0].op.keepdims:
        total = y.inputs[0]
        (e,) = total.inputs
        if is_op(e, "exp") and e.inputs[0] is x:
            return apply("log_softmax", _shift(x), axis=total.op.axes)
    return None


@rewrite("log", keeps="accurate")
def log_of_softmax(node: Node) -> Node | None:
    """log(softmax(x)) = log_softmax(x)."""
    (x,) = node.inputs
    if is_op(x, "softmax"):
        return apply("log_softmax", x.inputs[0], axis=x.op.axes)
    return None


@rewrite("add", keeps="accurate")
def softplus_by_hand(node: Node) -> Node | None:
    """max(x, 0) + softplus(-abs(x)) = softplus(x)."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        z = _positive_part(a)
        if z is not None and is_op(b, "softplus") and _is_minus_abs(b.inputs[0], z):
            return ew_softplus(z)
    return None


def _positive_part(node: Node) -> Node | None:
    """x of max(x, 0)."""
    if is_op(node, "relu"):
        return node.inputs[0]
    if is_op(node, "maximum", "clip_low"):
        x, y = node.inputs
        if number(y) == 0:
            return x
        if number(x) == 0 and is_op(node, "maximum"):
            return y
    return None


def _is_minus_abs(node: Node, x: Node) -> bool:
    if not is_op(node, "negative"):
        return False
    (inner,) = node.inputs
    return is_op(inner, "absolute") and inner.inputs[0] is x


@rewrite("logaddexp", keeps="accurate")
def logaddexp_zero(node: Node) -> Node | None:
    """logaddexp(0, x) = softplus(x)."""
    x, y = node.inputs
    if number(x) == 0:
        return ew_softplus(y)
    return ew_softplus(x) if number(y) == 0 else None
