"""More functions less what they are next to 0, and logarithms of functions that are 1 there.

The series are those of Taylor, and end as in `removable`.
"""

from __future__ import annotations

import math

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.elementwise.arithmetic import REAL, absolute, sqrt, square
from symgraph.ops.elementwise.choice import where
from symgraph.ops.elementwise.exponential import exp, expm1, log, log1p
from symgraph.ops.elementwise.extremes import maximum, minimum
from symgraph.ops.elementwise.neighbours import log_quotient
from symgraph.ops.elementwise.removable import (
    SINH_LESS_X,
    X_COSH_LESS_SINH,
    X_LESS_SIN,
    coefficients,
    log1p_less_x,
    polynomial,
)
from symgraph.ops.elementwise.stable import sech2, spherical_j1, sqrt1pm1
from symgraph.ops.elementwise.steps import log_sinh, pow1pm1, squared_component
from symgraph.ops.elementwise.trigonometric import arctan, cos, cosh, hypot, sin, sinh, tan, tanh
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import elementwise

# Cubes of the argument next to 0 ------------------------------------------------------------------

SIN_LESS_X_COS = coefficients(lambda k: (-1) ** k * (2 * k + 2) / math.factorial(2 * k + 3), 1.5**2)
X_LESS_ARCTAN = coefficients(lambda k: (-1) ** k / (2 * k + 3), 0.1716)


def _cube_times(series: tuple[float, ...], x: Node) -> Node:
    y = square(x)
    return x * (y * polynomial(series, y))


def _sin_less_x_cos(x: Node) -> Node:
    near = absolute(x) < 1.5
    inside = _cube_times(SIN_LESS_X_COS, where(near, x, 0.0))
    return where(near, inside, sin(x) - x * cos(x))


sin_less_x_cos = elementwise(
    "sin_less_x_cos",
    dtypes=REAL,
    partials=(lambda r, x: x * sin(x),),
    formula="sin(x) - x * cos(x)",
    facts=Facts(odd=True),
    cost=25.0,
    decompose=_sin_less_x_cos,
    why="next to 0 the difference cancels: its series there",
    doc="``sin(x) - x * cos(x)``, accurate next to 0.",
)


def _tan_less_x(x: Node) -> Node:
    near = absolute(x) < 1.5
    small = where(near, x, 0.0)
    return where(near, _cube_times(SIN_LESS_X_COS, small) / cos(small), tan(x) - x)


tan_less_x = elementwise(
    "tan_less_x",
    dtypes=REAL,
    partials=(lambda r, x: square(tan(x)),),
    formula="tan(x) - x",
    facts=Facts(odd=True),
    cost=30.0,
    domain=(-1.2, 1.2),
    decompose=_tan_less_x,
    why="next to 0 the difference cancels: a series there",
    doc="``tan(x) - x``, accurate next to 0.",
)


def _x_less_tanh(x: Node) -> Node:
    near = absolute(x) < 1.5
    small = where(near, x, 0.0)
    return where(near, _cube_times(X_COSH_LESS_SINH, small) / cosh(small), x - tanh(x))


x_less_tanh = elementwise(
    "x_less_tanh",
    dtypes=REAL,
    partials=(lambda r, x: square(tanh(x)),),
    formula="x - tanh(x)",
    facts=Facts(odd=True),
    cost=30.0,
    decompose=_x_less_tanh,
    why="next to 0 the difference cancels: a series there",
    doc="``x - tanh(x)``, accurate next to 0.",
)


def _x_less_arctan(x: Node) -> Node:
    near = absolute(x) < 1.0
    small = where(near, x, 0.0)
    # The tangent of half the angle, in which the series converges faster.
    t = small / (1.0 + sqrt(1.0 + square(small)))
    y = square(t)
    inside = 2.0 * (t * (y * (1.0 / (1.0 - y) + polynomial(X_LESS_ARCTAN, y))))
    return where(near, inside, x - arctan(x))


x_less_arctan = elementwise(
    "x_less_arctan",
    dtypes=REAL,
    partials=(lambda r, x: squared_component(x, 1.0),),
    formula="x - atan(x)",
    facts=Facts(odd=True),
    cost=30.0,
    decompose=_x_less_arctan,
    why="next to 0 the difference cancels: a series there",
    doc="``x - arctan(x)``, accurate next to 0.",
)

# Squares of the argument next to 0 ----------------------------------------------------------------


def _one_less_sinc(x: Node) -> Node:
    near = absolute(x) < 1.5
    y = square(where(near, x, 0.0))
    far = where(near, 2.0, x)
    return where(near, y * polynomial(X_LESS_SIN, y), (far - sin(far)) / far)


one_less_sinc = elementwise(
    "one_less_sinc",
    dtypes=REAL,
    partials=(lambda r, x: spherical_j1(x),),
    formula="1 - sin(x) / x",
    facts=Facts(even=True),
    cost=20.0,
    domain=(0.1, 6.0),
    decompose=_one_less_sinc,
    why="next to 0 the terms cancel: a series there",
    doc="``1 - sin(x) / x``, accurate next to 0, where it is 0.",
)


def _one_less_tanhc(x: Node) -> Node:
    near = absolute(x) < 1.5
    small, far = where(near, x, 0.0), where(near, 2.0, x)
    y = square(small)
    inside = y * polynomial(X_COSH_LESS_SINH, y) / cosh(small)
    return where(near, inside, 1.0 - tanh(far) / far)


def _one_less_tanhc_slope(r: Node, x: Node) -> Node:
    near = absolute(x) < 1.0
    t = tanh(x)
    over = where(x == 0, 1.0, x)
    return where(near, square(t) - r, t / over - sech2(x)) / over


one_less_tanhc = elementwise(
    "one_less_tanhc",
    dtypes=REAL,
    partials=(_one_less_tanhc_slope,),
    formula="1 - tanh(x) / x",
    facts=Facts(even=True),
    cost=30.0,
    domain=(0.2, 4.0),
    decompose=_one_less_tanhc,
    why="next to 0 the terms cancel: a series there",
    doc="``1 - tanh(x) / x``, accurate next to 0, where it is 0.",
)


def _one_less_arctanc(x: Node) -> Node:
    near = absolute(x) < 1.0
    small, far = where(near, x, 0.0), where(near, 2.0, x)
    y = square(small / (1.0 + sqrt(1.0 + square(small))))
    inside = y * (1.0 + (1.0 - y) * polynomial(X_LESS_ARCTAN, y))
    return where(near, inside, 1.0 - arctan(far) / far)


def _one_less_arctanc_slope(r: Node, x: Node) -> Node:
    near = absolute(x) < 1.0
    over = where(x == 0, 1.0, x)
    inside = squared_component(x, 1.0) - r
    return where(near, inside, arctan(x) / over - 1.0 / hypot(x, 1.0) / hypot(x, 1.0)) / over


one_less_arctanc = elementwise(
    "one_less_arctanc",
    dtypes=REAL,
    partials=(_one_less_arctanc_slope,),
    formula="1 - atan(x) / x",
    facts=Facts(even=True),
    cost=30.0,
    domain=(0.2, 4.0),
    decompose=_one_less_arctanc,
    why="next to 0 the terms cancel: a series there",
    doc="``1 - arctan(x) / x``, accurate next to 0, where it is 0.",
)


sqrt1p_less_line = elementwise(
    "sqrt1p_less_line",
    dtypes=REAL,
    partials=(lambda r, x: 0.5 * pow1pm1(x, -0.5),),
    formula="sqrt(1 + x) - 1 - x / 2",
    cost=6.0,
    domain=(-0.5, 3.0),
    decompose=lambda x: -0.5 * square(sqrt1pm1(x)),
    doc="``sqrt(1 + x) - 1 - x / 2``, accurate next to 0.",
)


def _entropy_gap(x: Node) -> Node:
    near = absolute(x) < 1.0
    small = where(near, x, 0.0)
    inside = square(small) + (1.0 + small) * log1p_less_x(small)
    return where(near, inside, (1.0 + x) * log1p(x) - x)


entropy_gap = elementwise(
    "entropy_gap",
    dtypes=REAL,
    partials=(lambda r, x: log1p(x),),
    formula="(1 + x) * log(1 + x) - x",
    cost=25.0,
    domain=(-0.5, 3.0),
    decompose=_entropy_gap,
    why="next to 0 the terms cancel but for a square",
    doc="``(1 + x) * log(1 + x) - x``, accurate next to 0.",
    limits=(Limit(-1.0 + 2.0**-20, np.inf, 0.0),),
)


def _deviance(x: Node, y: Node) -> Node:
    near = absolute(x - y) < 0.5 * absolute(y)
    b = where(near, y, 1.0)
    inside = b * entropy_gap(where(near, x - y, 0.0) / b)
    return where(near, inside, x * log_quotient(x, y) - (x - y))


deviance = elementwise(
    "deviance",
    dtypes=np.logaddexp,
    arity=2,
    partials=(lambda r, x, y: log_quotient(x, y), lambda r, x, y: (y - x) / y),
    formula="x * log(x / y) - x + y",
    cost=50.0,
    domain=(0.1, 4.0),
    decompose=_deviance,
    why="where x is next to y the terms cancel but for a square",
    doc="``x * log(x / y) - x + y``, accurate where x is next to y: Poisson's deviance, halved.",
)

# Logarithms ---------------------------------------------------------------------------------------


def _log_cos(x: Node) -> Node:
    c = cos(x)
    near = c > 0.7
    inside = 0.5 * log1p(-square(sin(where(near, x, 0.0))))
    return where(near, inside, log(where(near, 1.0, c)))


log_cos = elementwise(
    "log_cos",
    dtypes=REAL,
    partials=(lambda r, x: -tan(x),),
    formula="log(cos(x))",
    facts=Facts(even=True),
    cost=25.0,
    domain=(-1.2, 1.2),
    decompose=_log_cos,
    why="next to 0 the logarithm loses what the cosine has rounded",
    doc="``log(cos(x))``, accurate next to 0.",
)


def _log_tanh(x: Node) -> Node:
    far = x > 0.5
    large = where(far, x, 1.0)
    e = exp(-2.0 * large)
    return where(far, log1p(-2.0 * e / (1.0 + e)), log(tanh(where(far, 0.5, x))))


log_tanh = elementwise(
    "log_tanh",
    dtypes=REAL,
    partials=(lambda r, x: 2.0 / sinh(2.0 * x),),
    formula="log(tanh(x))",
    cost=25.0,
    domain=(0.1, 4.0),
    decompose=_log_tanh,
    why="for large arguments the logarithm loses what the hyperbolic tangent has rounded",
    doc="``log(tanh(x))``, accurate for large x.",
)


def _log_sinhc(x: Node) -> Node:
    size = absolute(x)
    near = size < 1.5
    y = square(minimum(size, 1.5))
    far, middle = where(near, 2.0, size), where(size < 20.0, maximum(size, 1.0), 1.0)
    outside = where(size < 20.0, log(sinh(middle) / middle), log_sinh(far) - log(far))
    return where(near, log1p(y * polynomial(SINH_LESS_X, y)), outside)


log_sinhc = elementwise(
    "log_sinhc",
    dtypes=REAL,
    partials=(lambda r, x: langevin(x),),
    formula="log(sinh(x) / x)",
    facts=Facts(even=True),
    cost=30.0,
    domain=(0.1, 4.0),
    decompose=_log_sinhc,
    why="next to 0 the logarithm loses what the quotient has rounded, and far out it overflows",
    doc="``log(sinh(x) / x)``, accurate next to 0, without overflow.",
)

# coth(x) - 1 / x ----------------------------------------------------------------------------------


def _x_over_sinh(x: Node) -> Node:
    return where(x == 0, 1.0, x / sinh(where(x == 0, 1.0, x)))


def _langevin(x: Node) -> Node:
    near = absolute(x) < 1.5
    small, far = where(near, x, 0.0), where(near, 2.0, x)
    inside = small * polynomial(X_COSH_LESS_SINH, square(small)) * _x_over_sinh(small)
    return where(near, inside, 1.0 / tanh(far) - 1.0 / far)


langevin = elementwise(
    "langevin",
    dtypes=REAL,
    partials=(lambda r, x: langevin1(x),),
    formula="cosh(x) / sinh(x) - 1 / x",
    facts=Facts(odd=True),
    cost=40.0,
    domain=(0.3, 4.0),
    decompose=_langevin,
    why="next to 0 the terms cancel, and both are infinite at 0: a series there",
    doc="``1 / tanh(x) - 1 / x``, and 0 at 0: the function of Langevin.",
    bounds=(-1.0, 1.0),
)


def _csch2(x: Node) -> Node:
    e = exp(-2.0 * absolute(x))
    return 4.0 * e / square(expm1(-2.0 * absolute(x)))


def _langevin1(x: Node) -> Node:
    near = absolute(x) < 1.5
    small, far = where(near, x, 0.0), where(near, 2.0, x)
    ratio = _x_over_sinh(small)
    inside = polynomial(SINH_LESS_X, square(small)) * (ratio * (1.0 + ratio))
    return where(near, inside, 1.0 / far / far - _csch2(far))


def _langevin2(x: Node) -> Node:
    near = absolute(x) < 1.5
    small, far = where(near, x, 0.0), where(near, 2.0, x)
    y, ratio = square(small), _x_over_sinh(small)
    slope = tuple([2.0 * k * c for k, c in enumerate(SINH_LESS_X)][1:])
    first = polynomial(slope, y) * (ratio * (1.0 + ratio))
    fall = polynomial(X_COSH_LESS_SINH, y) * square(ratio)
    inside = small * (first - polynomial(SINH_LESS_X, y) * (1.0 + 2.0 * ratio) * fall)
    return where(near, inside, 2.0 * (_csch2(far) / tanh(far) - 1.0 / far / far / far))


langevin1 = elementwise(
    "langevin1",
    dtypes=REAL,
    partials=(lambda r, x: _langevin2(x),),
    formula="1 / x**2 - 1 / sinh(x)**2",
    facts=Facts(even=True),
    cost=50.0,
    domain=(0.5, 4.0),
    decompose=_langevin1,
    why="next to 0 the terms cancel, and both are infinite at 0: a series there",
    doc="The derivative of `langevin`, ``1 / x**2 - 1 / sinh(x)**2``; 1/3 at 0.",
    bounds=(0.0, 1.0),
)
