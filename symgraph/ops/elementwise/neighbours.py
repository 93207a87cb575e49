"""Differences of one function at two arguments, without cancellation where these are close.

The difference of two doubles next to each other is exact (Sterbenz), so nothing is lost before the
function is taken. Each is its formula elsewhere.
"""

from __future__ import annotations

import math

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.elementwise.arithmetic import absolute, sign, sqrt, square
from symgraph.ops.elementwise.choice import where
from symgraph.ops.elementwise.comparison import logical_and, logical_or
from symgraph.ops.elementwise.exponential import LN2, exp, expm1, log, log1p, sigmoid, softplus
from symgraph.ops.elementwise.extremes import maximum, minimum
from symgraph.ops.elementwise.stable import logcosh, sech2
from symgraph.ops.elementwise.steps import softmax_of_two
from symgraph.ops.elementwise.trigonometric import arctan, arctanh, cos, cosh, sin, sinh, tan, tanh
from symgraph.ops.facts import Facts
from symgraph.ops.kinds import elementwise


def _are_within(factor: float, x: Node, y: Node) -> Node:
    """Whether both are positive, finite, and neither is that many times the other."""
    return logical_and(x < factor * y, y < factor * x)


def _step(x: Node, y: Node) -> Node:
    """``x - y``, and 0 for two equal infinities."""
    return where(x == y, 0.0, x - y)


def _sqrt_between(x: Node, y: Node) -> Node:
    near = _are_within(4.0, x, y)
    r, s = sqrt(x), sqrt(y)
    return where(near, (x - y) / where(near, r + s, 1.0), r - s)


sqrt_between = elementwise(
    "sqrt_between",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: 0.5 / sqrt(x), lambda r, x, y: -0.5 / sqrt(y)),
    formula="sqrt(x) - sqrt(y)",
    cost=6.0,
    domain=(0.1, 3.0),
    decompose=_sqrt_between,
    why="the roots cancel where the arguments are close",
    doc="``sqrt(x) - sqrt(y)``, accurate where x is next to y.",
)


def _reciprocal_difference(x: Node, y: Node) -> Node:
    size = absolute(x - y)
    near = logical_and(size < 0.5 * absolute(x), size < 0.5 * absolute(y))
    return where(near, (y - x) / where(near, x, 1.0) / where(near, y, 1.0), 1.0 / x - 1.0 / y)


reciprocal_difference = elementwise(
    "reciprocal_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: -1.0 / x / x, lambda r, x, y: 1.0 / y / y),
    formula="1 / x - 1 / y",
    cost=6.0,
    domain=(0.1, 3.0),
    decompose=_reciprocal_difference,
    why="the reciprocals cancel where the arguments are close",
    doc="``1 / x - 1 / y``, accurate where x is next to y.",
)


def _log_quotient(x: Node, y: Node) -> Node:
    quotient = x / y
    near = logical_and(quotient > 0.5, quotient < 2.0)
    return where(
        near,
        log1p(where(near, x - y, 0.0) / where(near, y, 1.0)),
        log(where(near, 1.0, quotient)),
    )


log_quotient = elementwise(
    "log_quotient",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: 1.0 / x, lambda r, x, y: -1.0 / y),
    formula="log(x / y)",
    cost=12.0,
    domain=(0.1, 4.0),
    decompose=_log_quotient,
    why="next to 1 the logarithm enlarges the rounding error of the quotient",
    doc="``log(x / y)``, accurate where x is next to y.",
)


log_product = elementwise(
    "log_product",
    dtypes=np.logaddexp,
    arity=2,
    # Those of the formula have a factor above and below the line.
    partials=(lambda r, x, y: 1.0 / x, lambda r, x, y: 1.0 / y),
    formula="log(x * y)",
    facts=Facts(commutative=True),
    cost=4.0,
    domain=(0.1, 4.0),
    decompose=lambda x, y: log(x * y),
    doc="``log(x * y)``.",
)


def _log_mean_exp(x: Node, y: Node) -> Node:
    high, size = maximum(x, y), absolute(_step(x, y))
    near = size < 1.0
    half = 0.5 * where(near, size, 0.0)
    return high + where(near, logcosh(half) - half, log1p(exp(-size)) - LN2)


log_mean_exp = elementwise(
    "log_mean_exp",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: softmax_of_two(x, y), lambda r, x, y: softmax_of_two(y, x)),
    formula="log((exp(x) + exp(y)) / 2)",
    facts=Facts(commutative=True),
    cost=25.0,
    decompose=_log_mean_exp,
    why="the logarithm of 2 cancels where the arguments are small",
    doc="``log((exp(x) + exp(y)) / 2)``, without overflow and accurate next to 0.",
)


log1p_quotient = elementwise(
    "log1p_quotient",
    dtypes=np.logaddexp,
    arity=2,
    # Those of the formula have a factor above and below the line.
    partials=(lambda r, x, y: 1.0 / (x + y), lambda r, x, y: -(x / y / (x + y))),
    formula="log(1 + x / y)",
    cost=4.0,
    domain=(0.1, 4.0),
    decompose=lambda x, y: log1p(x / y),
    doc="``log1p(x / y)``.",
)


def _log_odds(x: Node) -> Node:
    near = absolute(x - 0.5) < 0.25
    far = where(near, 0.25, x)
    return where(near, 2.0 * arctanh(2.0 * where(near, x, 0.5) - 1.0), log(far) - log1p(-far))


log_odds = elementwise(
    "log_odds",
    dtypes=np.log,
    partials=(lambda r, x: 1.0 / x / (1.0 - x),),
    formula="log(x / (1 - x))",
    cost=15.0,
    domain=(0.1, 0.9),
    decompose=_log_odds,
    why="next to 1/2 the logarithm enlarges the rounding error of the quotient",
    doc="``log(x / (1 - x))``, accurate next to 1/2: `scipy.special.logit` by NumPy alone.",
)


def _sigmoid_difference(x: Node, y: Node) -> Node:
    near = logical_or(absolute(_step(x, y)) < 0.0625, minimum(x, y) > 4.0)
    return where(near, _over_one_divisor(x, y), sigmoid(x) - sigmoid(y))


def _over_one_divisor(x: Node, y: Node) -> Node:
    """1 / (1 + exp(-x)) - 1 / (1 + exp(-y)), which does not cancel so."""
    step = _step(x, y)
    both = sigmoid(maximum(x, y)) * sigmoid(-minimum(x, y))
    return -sign(step) * both * expm1(-absolute(step))


sigmoid_difference = elementwise(
    "sigmoid_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: sigmoid(x) * sigmoid(-x),
        lambda r, x, y: -(sigmoid(y) * sigmoid(-y)),
    ),
    formula="1 / (1 + exp(-x)) - 1 / (1 + exp(-y))",
    cost=15.0,
    decompose=_sigmoid_difference,
    why="the difference cancels where the arguments are close, or both large",
    doc="``sigmoid(x) - sigmoid(y)``, accurate where x is next to y and where both are near 1.",
    bounds=(-1.0, 1.0),
)


def _tanh_difference(x: Node, y: Node) -> Node:
    large = logical_or(minimum(x, y) > 2.0, maximum(x, y) < -2.0)
    step = absolute(_step(x, y))
    # Nothing cancels where one argument is less than half of the other.
    close = minimum(0.5 * maximum(absolute(x), absolute(y)), 0.0625)
    near = logical_or(step < close, large)
    return where(near, 2.0 * _over_one_divisor(2.0 * x, 2.0 * y), tanh(x) - tanh(y))


tanh_difference = elementwise(
    "tanh_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: sech2(x), lambda r, x, y: -sech2(y)),
    formula="tanh(x) - tanh(y)",
    cost=18.0,
    decompose=_tanh_difference,
    why="the difference cancels where the arguments are close, or both large",
    doc="``tanh(x) - tanh(y)``, accurate where x is next to y and where both are near 1.",
    bounds=(-2.0, 2.0),
)


def _softplus_difference(x: Node, y: Node) -> Node:
    high, low, step = maximum(x, y), minimum(x, y), _step(x, y)
    size = absolute(step)
    near = size < 1.0
    inside = log1p(sigmoid(low) * expm1(where(near, size, 0.0)))
    large = low > 0.0
    # Both are nearly their arguments where these are large.
    outside = where(large, size, 0.0) + (
        softplus(where(large, -high, high)) - softplus(where(large, -low, low))
    )
    return sign(step) * where(near, inside, outside)


softplus_difference = elementwise(
    "softplus_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: sigmoid(x), lambda r, x, y: -sigmoid(y)),
    formula="log(1 + exp(x)) - log(1 + exp(y))",
    cost=25.0,
    decompose=_softplus_difference,
    why="the difference cancels where the arguments are close, or both large",
    doc="``softplus(x) - softplus(y)``, accurate where x is next to y.",
)


def _largest(x: Node) -> float:
    """Beyond it the exponential may overflow."""
    return math.floor(math.log(np.finfo(x.dtype).max))


def _cosh_difference(x: Node, y: Node) -> Node:
    a, b = absolute(x), absolute(y)
    near = logical_and(absolute(a - b) < 1.0, b < _largest(b))
    c, d = where(near, a, 0.0), where(near, b, 0.0)
    inside = 0.5 * expm1(c - d) * exp(d) * -expm1(-(c + d))
    return where(near, inside, cosh(x) - cosh(y))


cosh_difference = elementwise(
    "cosh_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: sinh(x), lambda r, x, y: -sinh(y)),
    formula="cosh(x) - cosh(y)",
    cost=40.0,
    decompose=_cosh_difference,
    why="the difference cancels where the arguments are close",
    doc="``cosh(x) - cosh(y)``, accurate where x is next to y or to -y.",
)


def _tan_between(x: Node, y: Node) -> Node:
    near = absolute(x - y) < 1.0
    return where(near, sin(x - y) / (cos(x) * cos(y)), tan(x) - tan(y))


tan_between = elementwise(
    "tan_between",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: 1.0 + square(tan(x)), lambda r, x, y: -(1.0 + square(tan(y)))),
    formula="tan(x) - tan(y)",
    cost=50.0,
    domain=(0.1, 1.2),
    decompose=_tan_between,
    why="the difference cancels where the arguments are close",
    doc="``tan(x) - tan(y)``, accurate where x is next to y.",
)


def _arctan_between(x: Node, y: Node) -> Node:
    near = logical_and(x * y >= 0.0, maximum(absolute(x), absolute(y)) < np.inf)
    a, b = where(near, x, 0.0), where(near, y, 0.0)
    # Over the size of y: the product could overflow.
    scale = maximum(absolute(b), 1.0)
    angle = arctan((a - b) / scale / (1.0 / scale + a * (b / scale)))
    return where(near, angle, arctan(x) - arctan(y))


arctan_between = elementwise(
    "arctan_between",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: 1.0 / (1.0 + x * x), lambda r, x, y: -1.0 / (1.0 + y * y)),
    formula="atan(x) - atan(y)",
    cost=30.0,
    decompose=_arctan_between,
    why="the difference cancels where the arguments have one sign",
    doc="``arctan(x) - arctan(y)``, accurate where x is next to y and where both are large.",
)
