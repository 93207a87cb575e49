"""Functions next to a point where their formula cancels, or divides zero by zero: series there.

The coefficients are those of the Taylor series (the tests derive them with SymPy). A series ends
where its next term is below 2**-56 of the first at the switch-over, and the switch-over is where
the formula has lost about a bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant
from symgraph.graph.types import DType
from symgraph.ops.elementwise.arithmetic import absolute, cbrt, sign, sqrt, square
from symgraph.ops.elementwise.choice import where
from symgraph.ops.elementwise.comparison import isinf, logical_and
from symgraph.ops.elementwise.exponential import exp, expm1, log, log1p
from symgraph.ops.elementwise.extremes import clip, maximum, minimum
from symgraph.ops.elementwise.parts import real
from symgraph.ops.elementwise.trigonometric import arctan2, cos, hypot, sin, sinh, tan, tanh
from symgraph.ops.kinds import Facts, elementwise

BOUND = 2.0**-56


def coefficients(term: Callable[[int], float], largest: float) -> tuple[float, ...]:
    """Those of a power series that count for arguments up to `largest`."""
    found = [term(0)]
    while abs(term(len(found))) * largest ** len(found) > BOUND * abs(found[0]):
        found.append(term(len(found)))
    return tuple(found)


def polynomial(series: tuple[float, ...], x: Node) -> Node:
    """By Horner's rule."""
    total = series[-1] * x + series[-2]
    for coefficient in series[-3::-1]:
        total = total * x + coefficient
    return total


def _unless(mask: Node, x: Node) -> Node:
    return where(mask, 1.0, x)


# (exp(x) - 1) / x and its derivatives -------------------------------------------------------------

RELATIVE_EXP1 = coefficients(lambda k: 1 / (math.factorial(k) * (k + 2)), 1.0)
RELATIVE_EXP2 = coefficients(lambda k: 1 / (math.factorial(k) * (k + 3)), 2.0)

relative_exp = elementwise(
    "relative_exp",
    dtypes=np.exp,
    partials=(lambda r, x: relative_exp1(x),),
    formula="(exp(x) - 1) / x",
    cost=6.0,
    domain=(0.1, 3.0),
    decompose=lambda x: where(x == 0, 1.0, expm1(x) / _unless(x == 0, x)),
    why="the quotient is 0 / 0 at 0",
    doc="``(exp(x) - 1) / x``, and 1 at 0: ``scipy.special.exprel`` by NumPy alone.",
)


def _relative_exp1(x: Node) -> Node:
    near = absolute(x) < 1.0
    far = _unless(near, x)
    series = polynomial(RELATIVE_EXP1, where(near, x, 0.0))
    return where(near, series, (exp(far) - expm1(far) / far) / far)


relative_exp1 = elementwise(
    "relative_exp1",
    dtypes=np.exp,
    partials=(lambda r, x: relative_exp2(x),),
    formula="((x - 1) * exp(x) + 1) / x**2",
    cost=20.0,
    domain=(0.3, 3.0),
    decompose=_relative_exp1,
    why="next to 0 the difference of exponentials cancels: its series there",
    doc="The derivative of `relative_exp`, ``((x - 1) * exp(x) + 1) / x**2``; 1/2 at 0.",
)


def _relative_exp2(x: Node) -> Node:
    near = absolute(x) < 2.0
    far = _unless(near, x)
    series = polynomial(RELATIVE_EXP2, where(near, x, 0.0))
    first = (exp(far) - expm1(far) / far) / far
    return where(near, series, (exp(far) - 2.0 * first) / far)


relative_exp2 = elementwise(
    "relative_exp2",
    dtypes=np.exp,
    partials=(lambda r, x: where(x == 0, 0.25, (exp(x) - 3.0 * r) / _unless(x == 0, x)),),
    formula="((x**2 - 2 * x + 2) * exp(x) - 2) / x**3",
    cost=30.0,
    domain=(0.5, 3.0),
    decompose=_relative_exp2,
    why="next to 0 the difference of exponentials cancels: its series there",
    doc="The second derivative of `relative_exp`; 1/3 at 0.",
)


X_COSH_LESS_SINH = coefficients(lambda k: (2 * k + 2) / math.factorial(2 * k + 3), 1.5**2)

inverse_relative_exp = elementwise(
    "inverse_relative_exp",
    dtypes=np.exp,
    partials=(lambda r, x: inverse_relative_exp1(x),),
    formula="x / (exp(x) - 1)",
    cost=6.0,
    domain=(0.1, 3.0),
    decompose=lambda x: where(x == 0, 1.0, x / expm1(_unless(x == 0, x))),
    why="the quotient is 0 / 0 at 0",
    doc="``x / (exp(x) - 1)``, and 1 at 0: the generating function of Bernoulli's numbers.",
)


def _inverse_relative_exp1(x: Node) -> Node:
    near = absolute(x) < 1.0
    small, far = where(near, x, 0.0), where(near, 1.0, x)
    inside = polynomial(RELATIVE_EXP1, small) * square(inverse_relative_exp(small))
    # The exponentials may overflow: the quotients are then 0.
    outside = far / expm1(far) * (1.0 / far + 1.0 / expm1(-far))
    return where(near, -inside, outside)


def _inverse_relative_exp2(r: Node, x: Node) -> Node:
    half = 0.5 * x
    near = absolute(half) < 1.0
    small, far = where(near, half, 0.0), where(near, 1.0, half)
    # It is even: neither exponential may overflow.
    far = where(real(far) < 0, -far, far) if x.dtype.kind == "c" else absolute(far)
    ratio = where(small == 0, 1.0, small / sinh(_unless(small == 0, small)))
    y = square(small)
    inside = 0.5 * (polynomial(X_COSH_LESS_SINH, y) * (square(ratio) * ratio))
    e = exp(-2.0 * far)
    outside = 2.0 * e / square(expm1(-2.0 * far)) * (far / tanh(far) - 1.0)
    return where(near, inside, outside)


inverse_relative_exp1 = elementwise(
    "inverse_relative_exp1",
    dtypes=np.exp,
    partials=(_inverse_relative_exp2,),
    formula="1 / (exp(x) - 1) - x * exp(x) / (exp(x) - 1)**2",
    cost=25.0,
    domain=(0.3, 3.0),
    decompose=_inverse_relative_exp1,
    why="next to 0 the two terms cancel: the series of the inverse there",
    doc="The derivative of `inverse_relative_exp`; -1/2 at 0.",
)

# A function less the first terms of its series ----------------------------------------------------

X_LESS_SIN = coefficients(lambda k: (-1) ** k / math.factorial(2 * k + 3), 1.5**2)
SINH_LESS_X = coefficients(lambda k: 1 / math.factorial(2 * k + 3), 2.0**2)
EXPM1_LESS_X = coefficients(lambda k: 1 / math.factorial(k + 2), 1.0)
LOG1P_LESS_X = coefficients(lambda k: 2 / (2 * k + 3), 1 / 9)


def _cubic(series: tuple[float, ...], end: float, function: Callable[[Node], Node]) -> Callable[
    [Node], Node
]:  # fmt: skip
    def expansion(x: Node) -> Node:
        near = absolute(x) < end
        small = where(near, x, 0.0)
        y = square(small)
        return where(near, small * (y * polynomial(series, y)), function(x))

    return expansion


x_less_sin = elementwise(
    "x_less_sin",
    dtypes=np.sin,
    partials=(lambda r, x: 2.0 * square(sin(0.5 * x)),),
    formula="x - sin(x)",
    facts=Facts(odd=True),
    cost=15.0,
    decompose=_cubic(X_LESS_SIN, 1.5, lambda x: x - sin(x)),
    why="next to 0 the difference cancels: its series there",
    doc="``x - sin(x)``, accurate next to 0.",
)
sinh_less_x = elementwise(
    "sinh_less_x",
    dtypes=np.sin,
    partials=(lambda r, x: 2.0 * square(sinh(0.5 * x)),),
    formula="sinh(x) - x",
    facts=Facts(odd=True),
    cost=15.0,
    decompose=_cubic(SINH_LESS_X, 2.0, lambda x: sinh(x) - x),
    why="next to 0 the difference cancels: its series there",
    doc="``sinh(x) - x``, accurate next to 0.",
)


def _expm1_less_x(x: Node) -> Node:
    near = absolute(x) < 1.0
    small = where(near, x, 0.0)
    return where(near, square(small) * polynomial(EXPM1_LESS_X, small), expm1(x) - x)


expm1_less_x = elementwise(
    "expm1_less_x",
    dtypes=np.exp,
    partials=(lambda r, x: expm1(x),),
    formula="exp(x) - 1 - x",
    cost=15.0,
    decompose=_expm1_less_x,
    why="next to 0 the difference cancels: its series there",
    doc="``exp(x) - 1 - x``, accurate next to 0.",
)


def _log1p_less_x(x: Node) -> Node:
    near = absolute(x - 0.25) < 0.75
    small = where(near, x, 0.0)
    # log1p(x) = 2 artanh(r), whose series in r**2 converges faster than that in x.
    r = small / (2.0 + small)
    y = square(r)
    return where(near, r * (y * polynomial(LOG1P_LESS_X, y) - small), log1p(x) - x)


log1p_less_x = elementwise(
    "log1p_less_x",
    dtypes=np.log,
    partials=(lambda r, x: -(x / (1.0 + x)),),
    formula="log(1 + x) - x",
    cost=15.0,
    domain=(-0.5, 3.0),
    decompose=_log1p_less_x,
    why="next to 0 the difference cancels: its series there",
    doc="``log(1 + x) - x``, accurate next to 0.",
)


def _log1p_inverse(x: Node) -> Node:
    near = logical_and(x > 0.0, x < 1.0)
    return where(
        near,
        log1p(where(near, x, 1.0)) - log(where(near, x, 1.0)),
        log1p(1.0 / where(near, 1.0, x)),
    )


log1p_inverse = elementwise(
    "log1p_inverse",
    dtypes=np.log,
    partials=(lambda r, x: -((1.0 / x) / (1.0 + x)),),
    formula="log(1 + 1 / x)",
    cost=20.0,
    domain=(0.1, 4.0),
    decompose=_log1p_inverse,
    why="1 / x overflows next to 0, and the difference of logarithms cancels elsewhere",
    doc="``log(1 + 1 / x) = log(1 + x) - log(x)``, accurate for large and for small x.",
)


# Differences of one function at b + d and at b ----------------------------------------------------

reciprocal_step = elementwise(
    "reciprocal_step",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, b, d: -(r * (1.0 / b + 1.0 / (b + d))),
        lambda r, b, d: 1.0 / (b + d) / (b + d),
    ),
    formula="1 / x - 1 / (x + y)",
    cost=5.0,
    domain=(0.1, 3.0),
    # The quotient first: the product of both divisors, or d / b, may overflow.
    decompose=lambda b, d: finite_ratio(d, b + d) / b,
    doc="``1 / b - 1 / (b + d)``, accurate where d is small against b.",
)


def _far_below_one(dtype: DType) -> float:
    """A ratio far from underflow whose logarithm is most of what logarithms can be."""
    return float(f"1e-{int(0.65 * math.log10(np.finfo(dtype).max))}")


def _log_difference(b: Node, d: Node) -> Node:
    value = d.op.value if isinstance(d.op, Constant) and not d.ndim else None
    if value is not None and value != 0:
        less, size = (b, d) if value > 0 else (b + d, constant(-value))
    else:
        less, size = minimum(b, b + d), absolute(d)
    # The quotient by the smaller of the two does not cancel; it overflows where that is tiny.
    near = less > _far_below_one(less.dtype) * size
    growth = log1p(size / where(near, less, 1.0))
    signed = growth if size is d else -growth if value else sign(d) * growth
    return where(near, signed, log(b + d) - log(b))


log_difference = elementwise(
    "log_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, b, d: -reciprocal_step(b, d), lambda r, b, d: 1.0 / (b + d)),
    formula="log(x + y) - log(x)",
    cost=20.0,
    domain=(0.1, 4.0),
    decompose=_log_difference,
    why="the difference of logarithms cancels, and the quotient overflows for a tiny divisor",
    doc="``log(b + d) - log(b)``, accurate where d is small against b.",
)


def _sin_of_sum(b: Node, h: Node) -> Node:
    # The sum itself would be rounded.
    return sin(b) * cos(h) + cos(b) * sin(h)


def _cos_of_sum(b: Node, h: Node) -> Node:
    return cos(b) * cos(h) - sin(b) * sin(h)


sin_difference = elementwise(
    "sin_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, b, d: cos_difference(b, d), lambda r, b, d: cos(b + d)),
    formula="sin(x + y) - sin(x)",
    cost=40.0,
    decompose=lambda b, d: where(
        absolute(d) < 1.0, 2.0 * (sin(0.5 * d) * _cos_of_sum(b, 0.5 * d)), sin(b + d) - sin(b)
    ),
    why="the difference cancels for a small step",
    doc="``sin(b + d) - sin(b)``, accurate for small d.",
)
cos_difference = elementwise(
    "cos_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, b, d: -sin_difference(b, d), lambda r, b, d: -sin(b + d)),
    formula="cos(x + y) - cos(x)",
    cost=40.0,
    decompose=lambda b, d: where(
        absolute(d) < 1.0, -2.0 * (sin(0.5 * d) * _sin_of_sum(b, 0.5 * d)), cos(b + d) - cos(b)
    ),
    why="the difference cancels for a small step",
    doc="``cos(b + d) - cos(b)``, accurate for small d.",
)


def _tan_difference(b: Node, d: Node) -> Node:
    small = absolute(d) < 1.0
    return where(small, sin(d) / (cos(b) * cos(b + d)), tan(b + d) - tan(b))


tan_difference = elementwise(
    "tan_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, b, d: r * (tan(b + d) + tan(b)),
        lambda r, b, d: 1.0 + square(tan(b + d)),
    ),
    formula="tan(x + y) - tan(x)",
    cost=50.0,
    domain=(0.1, 0.7),
    decompose=_tan_difference,
    why="the difference cancels for a small step",
    doc="``tan(b + d) - tan(b)``, accurate for small d.",
)


def _sqrt_difference(b: Node, d: Node) -> Node:
    ends = np.finfo(b.dtype)
    # No root is as near to the ends of the range as these.
    return d / clip(sqrt(b + d) + sqrt(b), float(ends.tiny), float(ends.max))


sqrt_difference = elementwise(
    "sqrt_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, b, d: -0.5 * r / sqrt(b + d) / sqrt(b),
        lambda r, b, d: 0.5 / sqrt(b + d),
    ),
    formula="sqrt(x + y) - sqrt(x)",
    cost=8.0,
    domain=(0.1, 3.0),
    decompose=_sqrt_difference,
    why="the quotient would be NaN where both terms are 0, or one infinite",
    doc="``sqrt(b + d) - sqrt(b)``, accurate for small d.",
)

# Quotients of what may be infinite both -----------------------------------------------------------


finite_ratio = elementwise(
    "finite_ratio",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: 1.0 / y, lambda r, x, y: -(r / y)),
    formula="x / y",
    cost=3.0,
    domain=(0.1, 3.0),
    decompose=lambda x, y: where(isinf(x), 1.0, x / y),
    why="infinity by infinity is 1: the two differ by what is finite",
    doc="``x / y`` for x and y that differ by a finite number: 1 where both are infinite.",
)


def _arctan_difference(b: Node, d: Node) -> Node:
    # Both sides of the quotient over the size of b: their products could overflow.
    scale, largest = maximum(absolute(b), 1.0), float(np.finfo(b.dtype).max)
    step = clip(d, -largest, largest)
    return arctan2(step / scale, 1.0 / scale + (b + step) * clip(b, -1.0, 1.0))


arctan_difference = elementwise(
    "arctan_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, b, d: -_over_both(d, b, d) * _over_both(2.0 * b + d, b, d),
        lambda r, b, d: 1.0 / (1.0 + square(b + d)),
    ),
    formula="atan(x + y) - atan(x)",
    cost=25.0,
    decompose=_arctan_difference,
    why="the difference cancels for a small step",
    doc="``arctan(b + d) - arctan(b)``, accurate for small d.",
)


def _cbrt_difference(b: Node, d: Node) -> Node:
    r, s = cbrt(b + d), cbrt(b)
    near = absolute(r - s) < 0.25 * absolute(r)
    total = square(r) + r * s + square(s)
    return where(near, d / where(near, total, 1.0), r - s)


cbrt_difference = elementwise(
    "cbrt_difference",
    dtypes=np.logaddexp,
    arity=2,
    partials=(
        lambda r, b, d: (
            -(r * (cbrt(b + d) + cbrt(b)) / square(cbrt(b)) / square(cbrt(b + d)) / 3.0)
        ),
        lambda r, b, d: 1.0 / (3.0 * square(cbrt(b + d))),
    ),
    formula="sign(x + y) * Abs(x + y)**Rational(1, 3) - sign(x) * Abs(x)**Rational(1, 3)",
    cost=50.0,
    domain=(0.1, 3.0),
    decompose=_cbrt_difference,
    why="the difference cancels for a small step",
    doc="``cbrt(b + d) - cbrt(b)``, accurate for small d.",
)


def _over_both(x: Node, b: Node, d: Node) -> Node:
    return x / hypot(1.0, b + d) / hypot(1.0, b)


# A root and the term whose square is under it -----------------------------------------------------


def _sum_with_root(t: Node, root: Node, other: Node, rest: Callable[[Node], Node]) -> Node:
    cancels = t < 0.0
    divisor = root - t
    if not isinstance(other.op, Constant):
        # Where the other term is infinite, so is the root: the quotient is to be infinite too.
        divisor = minimum(divisor, float(np.finfo(divisor.dtype).max))
    return where(cancels, rest(where(cancels, divisor, 1.0)), t + root)


def _root_of(t: Node, d: Node) -> Node:
    """``sqrt(t**2 + d)``, as a product where d is minus the square of a number."""
    if isinstance(d.op, Constant) and not d.ndim and d.op.value < 0:
        root = math.sqrt(-d.op.value)
        if Fraction(root) ** 2 == Fraction(-float(d.op.value)):
            return sqrt((t - root) * (t + root))
    return sqrt(square(t) + d)


def _root_plus(t: Node, d: Node) -> Node:
    return _sum_with_root(t, _root_of(t, d), d, lambda divisor: d / divisor)


root_plus = elementwise(
    "root_plus",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, t, d: r / _root_of(t, d), lambda r, t, d: 0.5 / _root_of(t, d)),
    formula="x + sqrt(x**2 + y)",
    cost=6.0,
    domain=(0.1, 3.0),
    decompose=_root_plus,
    why="the term and the root of its square cancel where the term is negative",
    doc="``t + sqrt(t**2 + d)``, accurate also for negative t: the roots of quadratics.",
)
hypot_plus = elementwise(
    "hypot_plus",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, t, y: r / hypot(t, y), lambda r, t, y: y / hypot(t, y)),
    formula="x + sqrt(x**2 + y**2)",
    cost=18.0,
    domain=(0.1, 3.0),
    # The square of y could overflow.
    decompose=lambda t, y: _sum_with_root(t, hypot(t, y), y, lambda divisor: y * (y / divisor)),
    why="the term and the root of its square cancel where the term is negative",
    doc="``t + hypot(t, y)``, accurate also for negative t.",
)
