"""What stability rules put in the place of formulas that cancel or overflow."""

from __future__ import annotations

import math

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.types import DType
from symgraph.ops.elementwise.arithmetic import REAL, TINY, absolute, sqrt, square
from symgraph.ops.elementwise.choice import where
from symgraph.ops.elementwise.exponential import LN2, exp, expm1, log, log1p
from symgraph.ops.elementwise.extremes import maximum, minimum
from symgraph.ops.elementwise.trigonometric import cos, hypot, sin, sinh, tanh
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import elementwise

log1mexp = elementwise(
    "log1mexp",
    dtypes=REAL,
    partials=(lambda r, x: exp(x) / expm1(x),),
    formula="log(1 - exp(x))",
    cost=9.0,
    domain=(-3.0, -0.1),
    # Either form cancels where the other does not (Mächler 2012, "Accurately computing
    # log(1 - exp(-|a|))").
    decompose=lambda x: where(
        x > -LN2, log(-expm1(maximum(x, -1.0))), log1p(-exp(minimum(x, -0.5)))
    ),
    why="either form cancels where the other does not",
    doc="``log(1 - exp(x))`` for x < 0, accurate next to 0 and in the tail.",
    limits=(Limit(-np.inf, -TINY, -1.0),),
)


def _logcosh(x: Node) -> Node:
    size = absolute(x)
    # Next to 0 the two terms of the other form cancel.
    near = 0.5 * log1p(square(sinh(minimum(size, 1.0))))
    return where(size < 1.0, near, (size - LN2) + log1p(exp(-2.0 * size)))


logcosh = elementwise(
    "logcosh",
    dtypes=REAL,
    partials=(lambda r, x: tanh(x),),
    formula="log(cosh(x))",
    facts=Facts(even=True),
    cost=20.0,
    decompose=_logcosh,
    why="next to 0 the terms of the other form cancel",
    doc="``log(cosh(x))``, without overflow and accurate next to 0.",
)


def _sech2(x: Node) -> Node:
    e = exp(-2.0 * absolute(x))
    return 4.0 * e / square(1.0 + e)


sech2 = elementwise(
    "sech2",
    dtypes=REAL,
    partials=(lambda r, x: -2.0 * r * tanh(x),),
    formula="1 / cosh(x)**2",
    facts=Facts(even=True),
    cost=3.0,
    decompose=_sech2,
    doc="``1 / cosh(x)**2 = 1 - tanh(x)**2``, without overflow and accurate in the tails.",
    bounds=(0.0, 1.0),
)


def _sqrt1pm1(x: Node) -> Node:
    root = sqrt(1.0 + x)
    # The quotient is inf / inf at infinity; for large x nothing cancels.
    return where(x < 1.0, minimum(x, 1.0) / (root + 1.0), root - 1.0)


sqrt1pm1 = elementwise(
    "sqrt1pm1",
    dtypes=REAL,
    partials=(lambda r, x: 0.5 / sqrt(1.0 + x),),
    formula="sqrt(1 + x) - 1",
    cost=4.0,
    domain=(-0.5, 3.0),
    decompose=_sqrt1pm1,
    why="next to 0 the difference cancels; the quotient is inf / inf at infinity",
    doc="``sqrt(1 + x) - 1``, accurate next to 0.",
    limits=(Limit(-1.0, np.inf, 0.0),),
)


def _hypot1m1(x: Node) -> Node:
    size = absolute(x)
    root = hypot(x, 1.0)
    # The product overflows for large x, where nothing cancels.
    near = size * (minimum(size, 1.0) / (root + 1.0))
    return where(size < 1.0, near, root - 1.0)


hypot1m1 = elementwise(
    "hypot1m1",
    dtypes=REAL,
    partials=(lambda r, x: x / hypot(x, 1.0),),
    formula="sqrt(x**2 + 1) - 1",
    facts=Facts(even=True),
    cost=18.0,
    decompose=_hypot1m1,
    why="next to 0 the difference cancels; the product overflows for large arguments",
    doc="``sqrt(x**2 + 1) - 1``, without overflow and accurate next to 0.",
)


def _unless_zero(x: Node) -> Node:
    return where(x == 0, 1.0, x)


spherical_j0 = elementwise(
    "spherical_j0",
    dtypes=REAL,
    partials=(lambda r, x: -spherical_j1(x),),
    formula="sin(x) / x",
    facts=Facts(even=True),
    cost=12.0,
    domain=(0.1, 6.0),
    decompose=lambda x: where(x == 0, 1.0, sin(x) / _unless_zero(x)),
    why="the quotient is 0 / 0 at 0",
    doc="``sin(x) / x``, and 1 at 0; the first spherical Bessel function.",
)

_J1_SERIES = tuple(
    [(-0.5) ** k / (math.factorial(k) * math.prod(range(1, 2 * k + 4, 2))) for k in range(9)]
)
"""Coefficients of ``spherical_j1(x) / x`` in x**2; the next is 1e-18 of the first at x = 1."""


def _spherical_j1(x: Node) -> Node:
    small = square(minimum(absolute(x), 1.0))
    series = _J1_SERIES[-1] * small
    for coefficient in _J1_SERIES[-2:0:-1]:
        series = (series + coefficient) * small
    far = where(absolute(x) < 1.0, 1.0, x)
    # Next to 0 sin(x) / x and cos(x) cancel.
    return where(absolute(x) < 1.0, x * (series + _J1_SERIES[0]), (sin(far) / far - cos(far)) / far)


spherical_j1 = elementwise(
    "spherical_j1",
    dtypes=REAL,
    partials=(lambda r, x: where(x == 0, 1.0 / 3.0, spherical_j0(x) - 2.0 * r / _unless_zero(x)),),
    formula="sin(x) / x**2 - cos(x) / x",
    facts=Facts(odd=True),
    cost=30.0,
    domain=(0.5, 6.0),
    decompose=_spherical_j1,
    why="next to 0 the difference cancels: its series there",
    doc="``sin(x) / x**2 - cos(x) / x``, and 0 at 0: minus the derivative of `spherical_j0`.",
)


def _sinc_slope(r: Node, x: Node) -> Node:
    if x.dtype.kind == "c":
        return where(x == 0, 0.0, (cos(np.pi * x) - r) / _unless_zero(x))
    return -np.pi * spherical_j1(np.pi * x)


def _sinc_dtype(dtype: DType) -> DType:
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


sinc = elementwise(
    "sinc",
    numpy=np.sinc,
    dtypes=_sinc_dtype,
    partials=(_sinc_slope,),
    formula="sin(pi * x) / (pi * x)",
    facts=Facts(even=True),
    cost=15.0,
    domain=(0.1, 2.0),
    doc="``sin(pi x) / (pi x)``, and 1 at 0, as ``np.sinc``.",
)
