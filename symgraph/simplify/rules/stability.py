"""Formulas that overflow or cancel, and what to compute instead."""

from __future__ import annotations

import math

import numpy as np

from symgraph.graph.leaves import SizeValue
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import AsType
from symgraph.ops.linalg.norm import Norm
from symgraph.ops.normalised import LogSoftmax, LogSumExp, Softmax
from symgraph.ops.reduce import Mean, Sum, count, reduced_shape
from symgraph.ops.reduce_order import Max
from symgraph.simplify.common import is_op, number, scalar, unbroadcast
from symgraph.simplify.facts import bounds
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite

Sides = tuple[Pattern, Pattern]

# Exponentials and logarithms of one variable -----------------------------------------------------


@equation(keeps="accurate")
def log_one_plus(x: Pattern) -> Sides:
    """log(1 + x) = log1p(x)."""
    return p.log(1 + x), p.log1p(x)


@equation(keeps="accurate")
def log2_one_plus(x: Pattern) -> Sides:
    """log2(1 + x) = log1p(x) / log(2)."""
    return p.log2(1 + x), p.log1p(x) * math.log2(math.e)


@equation(keeps="accurate")
def log10_one_plus(x: Pattern) -> Sides:
    """log10(1 + x) = log1p(x) / log(10)."""
    return p.log10(1 + x), p.log1p(x) * math.log10(math.e)


@equation(keeps="accurate")
def log1p_exp(x: Pattern) -> Sides:
    """log1p(exp(x)) = softplus(x)."""
    return p.log1p(p.exp(x)), p.softplus(x)


@equation(keeps="accurate")
def exp_minus_one(x: Pattern) -> Sides:
    """exp(x) - 1 = expm1(x)."""
    return p.exp(x) - 1, p.expm1(x)


@equation(keeps="accurate")
def exp_log1p(x: Pattern) -> Sides:
    """log1p(expm1(x)) = x."""
    return p.log1p(p.expm1(x)), x


@equation(keeps="accurate")
def log_exp(x: Pattern) -> Sides:
    """log(exp(x)) = x."""
    return p.log(p.exp(x)), x


@equation(keeps="accurate")
def log_of_product(x: Pattern, y: Pattern) -> Sides:
    """log(exp(x) * exp(y)) = x + y."""
    return p.log(p.exp(x) * p.exp(y)), x + y


@equation(keeps="accurate")
def log_of_quotient(x: Pattern, y: Pattern) -> Sides:
    """log(exp(x) / exp(y)) = x - y."""
    return p.log(p.exp(x) / p.exp(y)), x - y


@equation(keeps="accurate")
def log2_exp2(x: Pattern) -> Sides:
    """log2(exp2(x)) = x."""
    return p.log2(p.exp2(x)), x


@equation(keeps="accurate")
def log_one_minus_exp(x: Pattern) -> Sides:
    """log(-expm1(x)) = log1mexp(x)."""
    return p.log(-p.expm1(x)), p.log1mexp(x)


@equation(keeps="accurate")
def log1p_minus_exp(x: Pattern) -> Sides:
    """log1p(-exp(x)) = log1mexp(x)."""
    return p.log1p(-p.exp(x)), p.log1mexp(x)


# The logistic function ---------------------------------------------------------------------------


@equation(keeps="accurate")
def logistic(x: Pattern) -> Sides:
    """1 / (1 + exp(-x)) = sigmoid(x)."""
    return 1 / (1 + p.exp(-x)), p.sigmoid(x)


@equation(keeps="accurate")
def logistic_quotient(x: Pattern) -> Sides:
    """exp(x) / (1 + exp(x)) = sigmoid(x)."""
    return p.exp(x) / (1 + p.exp(x)), p.sigmoid(x)


@equation(keeps="accurate")
def exp_times_sigmoid(x: Pattern) -> Sides:
    """exp(x) * sigmoid(-x) = sigmoid(x)."""
    return p.exp(x) * p.sigmoid(-x), p.sigmoid(x)


@equation(keeps="accurate")
def one_minus_sigmoid(x: Pattern) -> Sides:
    """1 - sigmoid(x) = sigmoid(-x)."""
    return 1 - p.sigmoid(x), p.sigmoid(-x)


@equation(keeps="accurate")
def log_sigmoid(x: Pattern) -> Sides:
    """log(sigmoid(x)) = -softplus(-x)."""
    return p.log(p.sigmoid(x)), -p.softplus(-x)


@equation(keeps="accurate")
def log1p_minus_sigmoid(x: Pattern) -> Sides:
    """log1p(-sigmoid(x)) = -softplus(x)."""
    return p.log1p(-p.sigmoid(x)), -p.softplus(x)


@equation(keeps="accurate")
def softplus_by_hand(x: Pattern) -> Sides:
    """max(x, 0) + softplus(-abs(x)) = softplus(x)."""
    return p.maximum(x, 0) + p.softplus(-p.absolute(x)), p.softplus(x)


@equation(keeps="accurate")
def softplus_of_relu(x: Pattern) -> Sides:
    """relu(x) + softplus(-abs(x)) = softplus(x)."""
    return p.relu(x) + p.softplus(-p.absolute(x)), p.softplus(x)


@equation(keeps="accurate")
def softplus_of_clip(x: Pattern) -> Sides:
    """clip(x, 0) + softplus(-abs(x)) = softplus(x)."""
    return p.clip_low(x, 0) + p.softplus(-p.absolute(x)), p.softplus(x)


# Logarithms of sums of exponentials --------------------------------------------------------------


@equation(keeps="accurate")
def log_of_two(x: Pattern, y: Pattern) -> Sides:
    """log(exp(x) + exp(y)) = logaddexp(x, y)."""
    return p.log(p.exp(x) + p.exp(y)), p.logaddexp(x, y)


@equation(keeps="accurate")
def log_of_three(x: Pattern, y: Pattern, z: Pattern) -> Sides:
    """log(exp(x) + exp(y) + exp(z)) = logaddexp(logaddexp(x, y), z)."""
    return p.log(p.exp(x) + p.exp(y) + p.exp(z)), p.logaddexp(p.logaddexp(x, y), z)


@equation(keeps="accurate")
def logaddexp_zero(x: Pattern) -> Sides:
    """logaddexp(0, x) = softplus(x)."""
    return p.logaddexp(0, x), p.softplus(x)


@rewrite("log", keeps="accurate", examples=(lambda A: np.log(np.sum(np.exp(A), axis=0)),))
def log_of_sum(node: Node) -> Node | None:
    """log(sum(exp(x))) = logsumexp(x)."""
    return _of_sum(unbroadcast(node.inputs[0]))


@rewrite(
    "log",
    operands=("mean", "divide", "multiply", "broadcast_to"),
    keeps="accurate",
    examples=(
        lambda A: np.log(np.mean(np.exp(A), axis=0)),
        lambda v: np.log(np.sum(np.exp(v)) / v.shape[0]),
        lambda A: np.log(3.0 * np.sum(np.exp(A), axis=1, keepdims=True)),
    ),
)
def log_of_mean(node: Node) -> Node | None:
    """log(mean(exp(x))) = logsumexp(x) - log(n), log(c * sum(exp(x))) likewise for c > 0."""
    found = _sum_and_scale(unbroadcast(node.inputs[0]))
    if found is None or found[0].dtype != node.dtype:
        return None
    total, scale, divides = found
    result = _of_sum(total)
    if result is None or not bounds(scale)[0] >= 0 or number(scale) in (0, np.inf):
        return None
    logarithm = apply("log", make(AsType(node.dtype), scale))
    return result - logarithm if divides else result + logarithm


def _sum_and_scale(node: Node) -> tuple[Node, Node, bool] | None:
    """A sum, the number or size beside it, and whether that divides."""
    if isinstance(node.op, Mean):
        (x,) = node.inputs
        size = constant(count(x.shape, node.op.axes))
        return make(Sum(node.op.axes, node.op.keepdims), x), size, True
    if not is_op(node, "divide", "multiply"):
        return None
    total, scale = node.inputs
    if is_op(node, "multiply") and isinstance(scale.op, Sum):
        total, scale = scale, total
    scale = unbroadcast(scale)
    known = isinstance(scale.op, SizeValue) or number(scale) is not None
    return (total, scale, is_op(node, "divide")) if known else None


def _of_sum(total: Node) -> Node | None:
    """The logarithm of a sum of exponentials."""
    if not isinstance(total.op, Sum) or not is_op(total.inputs[0], "exp") or not total.op.axes:
        return None
    (x,) = total.inputs[0].inputs
    same = x.dtype == total.dtype and x.dtype.kind == "f"
    return make(LogSumExp(total.op.axes, total.op.keepdims), x) if same else None


def _is_top(node: Node, x: Node, axes: tuple[int, ...]) -> bool:
    """Whether a node is the maximum of x over these axes."""
    while is_op(node, "broadcast_to", "reshape", "squeeze", "expand_dims"):
        (node,) = node.inputs
    return isinstance(node.op, Max) and node.op.axes == axes and node.inputs[0] is x


@rewrite(
    "add",
    keeps="accurate",
    examples=(lambda A: np.max(A) + apply("logsumexp", A - np.max(A)),),
)
def shifted_logsumexp(node: Node) -> Node | None:
    """max(x) + logsumexp(x - max(x)) = logsumexp(x)."""
    for top, rest in (node.inputs, node.inputs[::-1]):
        total = unbroadcast(rest)
        if isinstance(total.op, LogSumExp) and is_op(total.inputs[0], "subtract"):
            x, shift = total.inputs[0].inputs
            if _is_top(shift, x, total.op.axes) and _is_top(top, x, total.op.axes):
                return make(total.op, x)
    return None


def _shift(x: Node, axes: tuple[int, ...]) -> Node:
    """x without its own maximum subtracted."""
    if is_op(x, "subtract") and _is_top(x.inputs[1], x.inputs[0], axes):
        return x.inputs[0]
    return x


def _reduced(node: Node) -> tuple[Node, Node]:
    """What a node is a broadcast of, and the reduction to which that adds axes."""
    node = total = unbroadcast(node)
    while is_op(node, "expand_dims", "reshape"):
        (node,) = node.inputs
    return total, node


def _aligned(total: Node, x: Node, axes: tuple[int, ...]) -> bool:
    """Whether a reduction of x over these axes meets every element of x with its own."""
    if total.ndim == 0:
        return len(axes) == x.ndim
    added = (1,) * (x.ndim - total.ndim)  # in front, where broadcasting puts them
    return (*added, *total.shape) == reduced_shape(x.shape, axes, True)


@rewrite(
    "divide",
    keeps="accurate",
    examples=(lambda A: np.exp(A) / np.sum(np.exp(A), axis=1, keepdims=True),),
)
def softmax(node: Node) -> Node | None:
    """exp(x) / sum(exp(x)) = softmax(x)."""
    x, (total, y) = node.inputs[0], _reduced(node.inputs[1])
    if not is_op(x, "exp") or not isinstance(y.op, Sum) or y.inputs[0] is not x:
        return None
    if not _aligned(total, x, y.op.axes):
        return None
    return make(Softmax(y.op.axes), _shift(x.inputs[0], y.op.axes))


@rewrite(
    "subtract",
    keeps="accurate",
    examples=(lambda A: A - apply("logsumexp", A, axis=1, keepdims=True),),
)
def log_softmax(node: Node) -> Node | None:
    """x - logsumexp(x) = log_softmax(x)."""
    x, (total, y) = node.inputs[0], _reduced(node.inputs[1])
    if not isinstance(y.op, LogSumExp) or y.inputs[0] is not x:
        return None
    if not _aligned(total, x, y.op.axes):
        return None
    return make(LogSoftmax(y.op.axes), _shift(x, y.op.axes))


@rewrite(
    "log",
    keeps="accurate",
    examples=(lambda A: np.log(apply("softmax", A, axis=1)),),
)
def log_of_softmax(node: Node) -> Node | None:
    """log(softmax(x)) = log_softmax(x)."""
    (x,) = node.inputs
    return make(LogSoftmax(x.op.axes), x.inputs[0]) if isinstance(x.op, Softmax) else None


@rewrite(
    "exp",
    keeps="accurate",
    examples=(lambda A: np.exp(apply("log_softmax", A, axis=1)),),
)
def exp_of_log_softmax(node: Node) -> Node | None:
    """exp(log_softmax(x)) = softmax(x)."""
    (x,) = node.inputs
    return make(Softmax(x.op.axes), x.inputs[0]) if isinstance(x.op, LogSoftmax) else None


@rewrite(
    "sum",
    operands=("softmax",),
    keeps="accurate",
    examples=(lambda A: np.sum(apply("softmax", A, axis=1), axis=1),),
)
def sum_of_softmax(node: Node) -> Node | None:
    """sum(softmax(x)) = 1."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if not isinstance(x.op, Softmax) or x.op.axes != node.op.axes or x.dtype != node.dtype:
        return None
    return apply("broadcast_to", scalar(1, node), node.shape)


# Roots -------------------------------------------------------------------------------------------


@equation(keeps="accurate")
def root_of_square(x: Pattern) -> Sides:
    """sqrt(x**2) = abs(x)."""
    return p.sqrt(x * x), p.absolute(x)


@equation(keeps="accurate")
def root_of_squares(x: Pattern, y: Pattern) -> Sides:
    """sqrt(x**2 + y**2) = hypot(x, y)."""
    return p.sqrt(x * x + y * y), p.hypot(x, y)


@equation(keeps="accurate")
def root_of_square_plus_one(x: Pattern) -> Sides:
    """sqrt(x**2 + 1) = hypot(x, 1)."""
    return p.sqrt(x * x + 1), p.hypot(x, 1)


def _positive_number(found: dict[str, Node]) -> bool:
    value = number(found["c"])
    return value is not None and bool(value > 0)


@equation(keeps="accurate", when=_positive_number)
def root_of_square_plus_number(x: Pattern, c: Pattern) -> Sides:
    """sqrt(x**2 + c) = hypot(x, sqrt(c)) for a number c > 0."""
    return p.sqrt(x * x + c), p.hypot(x, p.sqrt(c))


@rewrite("sqrt", keeps="accurate", examples=(lambda A: np.sqrt(np.sum(np.square(A), axis=1)),))
def root_of_sum_of_squares(node: Node) -> Node | None:
    """sqrt(sum(x**2)) = norm(x), whose derivative at 0 is 0."""
    total = unbroadcast(node.inputs[0])
    if isinstance(total.op, Sum) and is_op(total.inputs[0], "square") and total.op.axes:
        x = total.inputs[0].inputs[0]
        return make(Norm(total.op.axes, total.op.keepdims), x) if x.dtype.kind == "f" else None
    return None


@equation(keeps="accurate")
def root_minus_one(x: Pattern) -> Sides:
    """sqrt(1 + x) - 1 = sqrt1pm1(x)."""
    return p.sqrt(1 + x) - 1, p.sqrt1pm1(x)


@equation(keeps="accurate")
def hypot_minus_one(x: Pattern) -> Sides:
    """hypot(x, 1) - 1 = hypot1m1(x)."""
    return p.hypot(x, 1) - 1, p.hypot1m1(x)


@equation(keeps="accurate")
def sign_by_quotient(x: Pattern) -> Sides:
    """x / abs(x) = sign(x)."""
    return x / p.absolute(x), p.sign(x)


# Trigonometric and hyperbolic functions ----------------------------------------------------------


@equation(keeps="accurate")
def versine(x: Pattern) -> Sides:
    """1 - cos(x) = 2 * sin(x / 2)**2."""
    return 1 - p.cos(x), 2 * p.square(p.sin(0.5 * x))


@equation(keeps="accurate")
def squared_sinc(x: Pattern) -> Sides:
    """sin(x)**2 / x**2 = spherical_j0(x)**2."""
    return p.square(p.sin(x)) / p.square(x), p.square(p.spherical_j0(x))


@equation(keeps="accurate")
def sinc(x: Pattern) -> Sides:
    """sin(x) / x = spherical_j0(x)."""
    return p.sin(x) / x, p.spherical_j0(x)


@equation(keeps="accurate")
def half_angle(x: Pattern) -> Sides:
    """sin(x)**2 / sin(2 * x) = tan(x) / 2."""
    return p.square(p.sin(x)) / p.sin(2 * x), 0.5 * p.tan(x)


@equation(keeps="accurate")
def log_of_cosh(x: Pattern) -> Sides:
    """log(cosh(x)) = logcosh(x)."""
    return p.log(p.cosh(x)), p.logcosh(x)


@equation(keeps="accurate")
def one_minus_tanh_squared(x: Pattern) -> Sides:
    """1 - tanh(x)**2 = sech2(x)."""
    return 1 - p.square(p.tanh(x)), p.sech2(x)


@equation(keeps="accurate")
def tanh_factors(x: Pattern) -> Sides:
    """(1 - tanh(x)) * (1 + tanh(x)) = sech2(x)."""
    return (1 - p.tanh(x)) * (1 + p.tanh(x)), p.sech2(x)


@equation(keeps="accurate")
def one_over_cosh_squared(x: Pattern) -> Sides:
    """1 / cosh(x)**2 = sech2(x)."""
    return 1 / p.square(p.cosh(x)), p.sech2(x)


@equation(keeps="accurate")
def difference_of_exponentials(x: Pattern) -> Sides:
    """exp(x) - exp(-x) = 2 * sinh(x)."""
    return p.exp(x) - p.exp(-x), 2 * p.sinh(x)


@equation(keeps="accurate")
def sum_of_exponentials(x: Pattern) -> Sides:
    """exp(x) + exp(-x) = 2 * cosh(x)."""
    return p.exp(x) + p.exp(-x), 2 * p.cosh(x)


@equation(keeps="accurate")
def tanh_by_quotient(x: Pattern) -> Sides:
    """sinh(x) / cosh(x) = tanh(x)."""
    return p.sinh(x) / p.cosh(x), p.tanh(x)


@equation(keeps="accurate")
def tanh_by_expm1(x: Pattern) -> Sides:
    """expm1(2 * x) / (exp(2 * x) + 1) = tanh(x)."""
    return p.expm1(2 * x) / (p.exp(2 * x) + 1), p.tanh(x)


@equation(keeps="accurate")
def tanh_by_sigmoid(x: Pattern) -> Sides:
    """2 * sigmoid(2 * x) - 1 = tanh(x)."""
    return 2 * p.sigmoid(2 * x) - 1, p.tanh(x)


@equation(keeps="accurate")
def inverse_tanh(x: Pattern) -> Sides:
    """log((1 + x) / (1 - x)) = 2 * arctanh(x)."""
    return p.log((1 + x) / (1 - x)), 2 * p.arctanh(x)


@equation(keeps="accurate")
def inverse_tanh_of_logs(x: Pattern) -> Sides:
    """log1p(x) - log1p(-x) = 2 * arctanh(x)."""
    return p.log1p(x) - p.log1p(-x), 2 * p.arctanh(x)


# Masks -------------------------------------------------------------------------------------------


@rewrite(
    "divide",
    operands=("where",),
    keeps="accurate",
    examples=(lambda m, x, y: np.where(m, x, 0.0) / y,),
)
def mask_out_of_quotient(node: Node) -> Node | None:
    """where(m, x, 0) / y = where(m, x / y, 0)."""
    masked, y = node.inputs
    if not is_op(masked, "where") or masked.shape != node.shape or node.dtype.kind != "f":
        return None
    mask, x, zero = masked.inputs
    return apply("where", mask, x.astype(masked.dtype) / y, zero) if number(zero) == 0 else None
