"""Powers next to one, and differences of functions at two arguments: each without cancellation.

Each has a form for where its formula cancels, and is that formula elsewhere; next to where they
meet both are right to a bit or two.
"""

from __future__ import annotations

import math

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node
from symgraph.ops.elementwise.arithmetic import (
    REAL,
    TINY,
    absolute,
    cbrt,
    power,
    square,
)
from symgraph.ops.elementwise.choice import where
from symgraph.ops.elementwise.comparison import isinf, logical_and, logical_or
from symgraph.ops.elementwise.exponential import exp, expm1, log, log1p, sigmoid
from symgraph.ops.elementwise.extremes import maximum, minimum
from symgraph.ops.elementwise.stable import log1mexp
from symgraph.ops.elementwise.trigonometric import hypot, sinh, tanh
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import elementwise
from symgraph.ops.promotion import promote

# Powers -------------------------------------------------------------------------------------------


def _is_positive_number(x: Node) -> bool:
    return isinstance(x.op, Constant) and not x.ndim and bool(x.op.value > 0)


def _pow_less_one(x: Node, y: Node) -> Node:
    if _is_positive_number(x):
        exponent = y * log(x)
        near = absolute(exponent) < 0.5
    else:
        exponent = y * log(where(x > 0.0, x, 1.0))
        near = logical_and(x > 0.0, absolute(exponent) < 0.5)
    return where(near, expm1(where(near, exponent, 0.0)), x**y - 1.0)


pow_less_one = elementwise(
    "pow_less_one",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: y * x ** (y - 1.0),
        lambda r, x, y: where(x == 0, 0.0, power(x, y) * log(where(x == 0, 1.0, x))),
    ),
    formula="x**y - 1",
    cost=45.0,
    domain=(0.5, 3.0),
    decompose=_pow_less_one,
    why="the difference cancels where the power is next to 1",
    doc="``x**y - 1``, accurate where the power is next to 1.",
    limits=(Limit(TINY, np.inf, 1.0), None),
)


def _pow1p(x: Node, y: Node) -> Node:
    # One to an infinite power is one.
    near = logical_and(absolute(x) < 0.25, x != 0.0)
    return where(near, exp(y * log1p(where(near, x, 0.0))), (1.0 + x) ** y)


pow1p = elementwise(
    "pow1p",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: y * pow1p(x, y - 1.0), lambda r, x, y: r * log1p(x)),
    formula="(1 + x)**y",
    cost=45.0,
    domain=(-0.5, 2.0),
    decompose=_pow1p,
    why="a large power enlarges the rounding error of 1 + x",
    doc="``(1 + x)**y``, accurate for small x and large y.",
    limits=(Limit(-1.0 + 2.0**-20, np.inf, 1.0), None),
)


def _pow1pm1(x: Node, y: Node) -> Node:
    exponent = y * log1p(where(x > -1.0, x, 0.0))
    near = logical_or(absolute(x) < 0.25, absolute(exponent) < 0.5)
    near = logical_and(logical_and(x > -1.0, x != 0.0), near)
    return where(near, expm1(where(near, exponent, 0.0)), (1.0 + x) ** y - 1.0)


pow1pm1 = elementwise(
    "pow1pm1",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: y * pow1p(x, y - 1.0),
        lambda r, x, y: pow1p(x, y) * log1p(x),
    ),
    formula="(1 + x)**y - 1",
    cost=50.0,
    domain=(-0.5, 2.0),
    decompose=_pow1pm1,
    why="the difference cancels where the power is next to 1",
    doc="``(1 + x)**y - 1``, accurate for small x: compound interest.",
    limits=(Limit(-1.0 + 2.0**-20, np.inf, 1.0), None),
)


def _cbrt1pm1(x: Node) -> Node:
    near = absolute(x) < 0.5
    small = where(near, x, 0.0)
    root = cbrt(1.0 + small)
    return where(near, small / (square(root) + root + 1.0), cbrt(1.0 + x) - 1.0)


cbrt1pm1 = elementwise(
    "cbrt1pm1",
    dtypes=REAL,
    partials=(lambda r, x: 1.0 / (3.0 * square(cbrt(1.0 + x))),),
    formula="sign(1 + x) * Abs(1 + x)**Rational(1, 3) - 1",
    cost=40.0,
    domain=(-0.5, 3.0),
    decompose=_cbrt1pm1,
    why="the difference cancels next to 0",
    doc="``cbrt(1 + x) - 1``, accurate next to 0.",
)


def _pow_step(b: Node, d: Node, y: Node) -> Node:
    # The quotient by the smaller of the two does not cancel.
    near = logical_and(b > 2.0 * absolute(d), b <= float(np.finfo(b.dtype).max))
    base = where(near, b, 1.0)
    small = base**y * expm1(y * log1p(where(near, d, 0.0) / base))
    return where(near, small, (b + d) ** y - b**y)


pow_step = elementwise(
    "pow_step",
    dtypes=lambda b, d, y: promote([b, d, y]),
    arity=3,
    partials=(
        lambda r, b, d, y: y * pow_step(b, d, y - 1.0),
        lambda r, b, d, y: y * (b + d) ** (y - 1.0),
        lambda r, b, d, y: (b + d) ** y * log(b + d) - b**y * log(b),
    ),
    formula="(x + y)**z - x**z",
    cost=100.0,
    domain=(0.5, 2.0),
    decompose=_pow_step,
    why="the difference of powers cancels for a small step",
    doc="``(b + d)**y - b**y``, accurate for small d.",
)

# Exponentials -------------------------------------------------------------------------------------


def _exp_difference(x: Node, y: Node) -> Node:
    step = x - y
    near = absolute(step) < 1.0
    return where(near, exp(y) * expm1(where(near, step, 0.0)), exp(x) - exp(y))


exp_difference = elementwise(
    "exp_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: exp(x), lambda r, x, y: -exp(y)),
    formula="exp(x) - exp(y)",
    cost=8.0,
    decompose=_exp_difference,
    why="the difference cancels where the arguments are close",
    doc="``exp(x) - exp(y)``, accurate where x is next to y.",
)


def _exp_step(b: Node, d: Node) -> Node:
    near = absolute(d) < 1.0
    return where(near, exp(b) * expm1(where(near, d, 0.0)), exp(b + d) - exp(b))


exp_step = elementwise(
    "exp_step",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, b, d: r, lambda r, b, d: exp(b + d)),
    formula="exp(x + y) - exp(x)",
    cost=8.0,
    decompose=_exp_step,
    why="the difference cancels for a small step",
    doc="``exp(b + d) - exp(b)``, accurate for small d.",
)

# Logarithms ---------------------------------------------------------------------------------------


def _log_ratio(x: Node, y: Node) -> Node:
    quotient = x / y
    near = logical_and(quotient > 0.5, quotient < 2.0)
    other = where(near, y, 1.0)
    return where(near, log1p(where(near, x - y, 0.0) / other), log(x) - log(y))


log_ratio = elementwise(
    "log_ratio",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: 1.0 / x, lambda r, x, y: -1.0 / y),
    formula="log(x) - log(y)",
    cost=12.0,
    domain=(0.1, 4.0),
    decompose=_log_ratio,
    why="the difference of logarithms cancels where the arguments are close",
    doc="``log(x) - log(y)``, accurate where x is next to y.",
)


def _logsubexp(x: Node, y: Node) -> Node:
    return where(x == y, -np.inf, x + log1mexp(y - x))


logsubexp = elementwise(
    "logsubexp",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: -1.0 / expm1(y - x),
        lambda r, x, y: -1.0 / expm1(x - y),
    ),
    formula="log(exp(x) - exp(y))",
    cost=20.0,
    domain=((2.0, 5.0), (-3.0, 1.9)),
    decompose=_logsubexp,
    why="nothing is left of equal exponentials, be they 0",
    doc="``log(exp(x) - exp(y))`` without overflow.",
)


def _part_of_sum(x: Node, y: Node) -> Node:
    infinite = isinf(x)
    return where(infinite, 1.0 / (1.0 + y / where(infinite, x, 1.0)), x / (x + y))


part_of_sum = elementwise(
    "part_of_sum",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: y / (x + y) / (x + y),
        lambda r, x, y: -r / (x + y),
    ),
    formula="x / (x + y)",
    cost=6.0,
    domain=(0.1, 4.0),
    decompose=_part_of_sum,
    why="infinity by infinity is 1: the two differ by what is finite",
    doc="``x / (x + y)``, and 1 at infinite x.",
)

# Exponentials that overflow -----------------------------------------------------------------------


def _softmax_of_two(x: Node, y: Node) -> Node:
    near = maximum(absolute(x), absolute(y)) < -math.log(np.finfo(x.dtype).tiny) - 0.5
    a, b = exp(where(near, x, 0.0)), exp(where(near, y, 0.0))
    return where(near, a / (a + b), sigmoid(x - y))


softmax_of_two = elementwise(
    "softmax_of_two",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: r * softmax_of_two(y, x),
        lambda r, x, y: -r * softmax_of_two(y, x),
    ),
    formula="exp(x) / (exp(x) + exp(y))",
    cost=9.0,
    decompose=_softmax_of_two,
    why="large exponentials overflow; the difference of small arguments is rounded",
    doc="``exp(x) / (exp(x) + exp(y))``, without overflow.",
    bounds=(0.0, 1.0),
)

# Legs and hypotenuses -----------------------------------------------------------------------------

unit_component = elementwise(
    "unit_component",
    dtypes=np.logaddexp,
    arity=2,
    # Of the quotient as it is written, 1 / h and x**2 / h**3 cancel.
    partials=(
        lambda r, x, y: square(unit_component(y, x)) / hypot(x, y),
        lambda r, x, y: -(r * unit_component(y, x)) / hypot(x, y),
    ),
    formula="x / sqrt(x**2 + y**2)",
    cost=14.0,
    decompose=lambda x, y: x / hypot(x, y),
    domain=(0.1, 3.0),
    doc="``x / hypot(x, y)``, the cosine of the angle of ``(x, y)``.",
    bounds=(-1.0, 1.0),
)


def _one_less_component(x: Node, y: Node) -> Node:
    near = x > absolute(y)
    leg, other = where(near, x, 1.0), where(near, y, 0.0)
    h = hypot(leg, other)
    return where(near, other / h * (other / (h + leg)), 1.0 - x / hypot(x, y))


one_less_component = elementwise(
    "one_less_component",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: -square(unit_component(y, x)) / hypot(x, y),
        lambda r, x, y: unit_component(x, y) * unit_component(y, x) / hypot(x, y),
    ),
    formula="1 - x / sqrt(x**2 + y**2)",
    cost=30.0,
    domain=(0.1, 3.0),
    decompose=_one_less_component,
    why="the difference cancels where x is nearly the hypotenuse",
    doc="``1 - x / hypot(x, y)``, accurate where x is nearly the hypotenuse.",
    bounds=(0.0, 2.0),
)


def _far(x: Node, y: Node) -> Node:
    """Where squares overflow, or their sum underflows."""
    size = maximum(absolute(x), absolute(y))
    info = np.finfo(x.dtype)
    low, high = 2.0 ** (info.minexp // 2 + info.nmant), 2.0 ** (info.maxexp // 2 - 1)
    return logical_or(size < low, size > high)


def _leg_over_squares(x: Node, y: Node) -> Node:
    far = _far(x, y)
    a, b = where(far, 1.0, x), where(far, 0.0, y)
    return where(far, x / hypot(x, y) / hypot(x, y), a / (square(a) + square(b)))


leg_over_squares = elementwise(
    "leg_over_squares",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: (
            (unit_component(y, x) - unit_component(x, y))
            * (unit_component(y, x) + unit_component(x, y))
            / hypot(x, y)
            / hypot(x, y)
        ),
        lambda r, x, y: -2.0 * (r * (unit_component(y, x) / hypot(x, y))),
    ),
    formula="x / (x**2 + y**2)",
    cost=40.0,
    domain=(0.1, 3.0),
    decompose=_leg_over_squares,
    why="the squares overflow",
    doc="``x / (x**2 + y**2)``, without overflow.",
)


def _squared_component(x: Node, y: Node) -> Node:
    far, long = _far(x, y), absolute(x) > absolute(y)
    a, b = square(where(far, 1.0, x)), square(where(far, 0.0, y))
    ratio = square(where(long, y, x) / where(far, where(long, x, y), 1.0))
    return where(far, where(long, 1.0, ratio) / (1.0 + ratio), a / (a + b))


squared_component = elementwise(
    "squared_component",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: 2.0 * (unit_component(x, y) * square(unit_component(y, x)) / hypot(x, y)),
        lambda r, x, y: -2.0 * (r * unit_component(y, x) / hypot(x, y)),
    ),
    formula="x**2 / (x**2 + y**2)",
    cost=40.0,
    domain=(0.1, 3.0),
    decompose=_squared_component,
    why="the squares overflow",
    doc="``x**2 / (x**2 + y**2)``, without overflow.",
    bounds=(0.0, 1.0),
)


def _log_hypot(x: Node, y: Node) -> Node:
    long, short = maximum(absolute(x), absolute(y)), minimum(absolute(x), absolute(y))
    near = logical_and(long > 0.5, long < 2.0)
    leg, other = where(near, long, 1.0), where(near, short, 0.0)
    # The difference from one, as a product, does not cancel.
    around = 0.5 * log1p((leg - 1.0) * (leg + 1.0) + square(other))
    return where(near, around, log(hypot(x, y)))


log_hypot = elementwise(
    "log_hypot",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, x, y: unit_component(x, y) / hypot(x, y),
        lambda r, x, y: unit_component(y, x) / hypot(x, y),
    ),
    formula="log(sqrt(x**2 + y**2))",
    facts=Facts(commutative=True),
    cost=40.0,
    domain=(0.1, 3.0),
    decompose=_log_hypot,
    why="the logarithm next to 1 loses what the root has rounded",
    doc="``log(hypot(x, y))``, accurate where the hypotenuse is next to 1.",
)


def _log1p_square(x: Node) -> Node:
    size = absolute(x)
    far = size > 2.0 ** (np.finfo(x.dtype).nmant // 2 + 2)
    return where(far, 2.0 * log(where(far, size, 1.0)), log1p(square(where(far, 0.0, x))))


log1p_square = elementwise(
    "log1p_square",
    dtypes=REAL,
    partials=(lambda r, x: 2.0 * (unit_component(x, 1.0) / hypot(x, 1.0)),),
    formula="log(1 + x**2)",
    facts=Facts(even=True),
    cost=6.0,
    decompose=_log1p_square,
    why="the square overflows",
    doc="``log(1 + x**2)``, without overflow.",
    bounds=(0.0, np.inf),
)

# Hyperbolic functions -----------------------------------------------------------------------------


def _log_sinh(x: Node) -> Node:
    far = x > 2.0
    large, small = where(far, x, 2.0), where(far, 1.0, x)
    return where(far, large + log(-0.5 * expm1(-2.0 * large)), log(sinh(small)))


log_sinh = elementwise(
    "log_sinh",
    dtypes=REAL,
    partials=(lambda r, x: 1.0 / tanh(x),),
    formula="log(sinh(x))",
    cost=20.0,
    domain=(0.1, 4.0),
    decompose=_log_sinh,
    why="the hyperbolic sine overflows",
    doc="``log(sinh(x))`` without overflow.",
    limits=(Limit(TINY, np.inf, 1.0),),
)
