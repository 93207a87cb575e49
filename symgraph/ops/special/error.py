"""The error function and the normal distribution: erf and its kin, ndtr and its kin.

Derivatives: DLMF 7.2, 7.10; Owen's T: D. B. Owen, Ann. Math. Statist. 27 (1956).
"""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import absolute, exp, full_like, log, log1p, square, where
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import elementwise
from symgraph.ops.special.common import (
    ABOVE_ZERO,
    INSIDE_ONE,
    PROBABILITY,
    SQRT_2,
    SQRT_PI,
    special,
)

__all__ = [
    "dawsn",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfi",
    "erfinv",
    "log_ndtr",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "owens_t",
    "voigt_profile",
    "wofz",
]

_PEAK = 2.0 / SQRT_PI
_DENSITY = 1.0 / (SQRT_2 * SQRT_PI)

erf = special(
    "erf",
    partials=(lambda r, x: _PEAK * exp(-square(x)),),
    formula="erf(x)",
    facts=Facts(odd=True),
    cost=8.0,
    bounds=(-1.0, 1.0),
)
erfc = special(
    "erfc",
    partials=(lambda r, x: -_PEAK * exp(-square(x)),),
    formula="erfc(x)",
    cost=10.0,
    bounds=(0.0, 2.0),
)
erfi = special(
    "erfi",
    partials=(lambda r, x: _PEAK * exp(square(x)),),
    formula="erfi(x)",
    facts=Facts(odd=True),
    domain=(-2.0, 2.0),
    limits=(Limit(-9.0, 9.0, 0.0),),
)
erfinv = special(
    "erfinv",
    partials=(lambda r, x: (SQRT_PI / 2.0) * exp(square(r)),),
    formula="erfinv(x)",
    facts=Facts(odd=True, inverse="erf"),
    domain=(-0.9, 0.9),
    limits=(INSIDE_ONE,),
)
erfcinv = special(
    "erfcinv",
    partials=(lambda r, x: (-SQRT_PI / 2.0) * exp(square(r)),),
    formula="erfinv(1 - x)",
    domain=(0.1, 1.9),
    limits=(Limit(1e-300, 2.0 - 1e-15, 1.0),),
)

_FAR = 25.0
_TERMS = 8
"""Beyond `_FAR` this many terms of the asymptotic series are exact."""


def _tail(x: Node, sign: float) -> Node:
    """The sum over k > 0 of ``(2 k - 1)!! (sign / (2 x**2))**k`` for large x."""
    far = where(absolute(x) < _FAR, _FAR, x)
    u = (0.5 * sign) / square(far)
    series = full_like(x, 1.0)
    for k in range(_TERMS, 1, -1):
        series = 1.0 + (2.0 * k - 1.0) * u * series
    return u * series


def _erfcx_slope(r: Node, x: Node) -> Node:
    # The two terms cancel in the right tail.
    near = 2.0 * x * r - _PEAK
    return near if x.dtype.kind == "c" else where(x < _FAR, near, _PEAK * _tail(x, -1.0))


erfcx = special(
    "erfcx",
    partials=(_erfcx_slope,),
    formula="exp(x**2) * erfc(x)",
    limits=(Limit(-9.0, np.inf, 0.0),),
)


def _log_half_erfc(x: Node) -> Node:
    far = x > 1.0
    large = where(far, x, 1.0)
    near = where(x > 0.0, log(0.5 * erfc(x)), log1p(-0.5 * erfc(-x)))
    return where(far, log(0.5 * erfcx(large)) - square(large), near)


log_half_erfc = elementwise(
    "log_half_erfc",
    dtypes=np.log,
    partials=(lambda r, x: -_PEAK / erfcx(x),),
    formula="log(erfc(x) / 2)",
    cost=30.0,
    decompose=_log_half_erfc,
    why="for large x the function underflows, and for small x the logarithm is next to 0",
    doc="``log(erfc(x) / 2)``, without underflow: `scipy.special.log_ndtr` of another scale.",
)


def _dawsn_slope(r: Node, x: Node) -> Node:
    near = 1.0 - 2.0 * x * r
    return near if x.dtype.kind == "c" else where(absolute(x) < _FAR, near, -_tail(x, 1.0))


dawsn = special(
    "dawsn",
    partials=(_dawsn_slope,),
    formula="sqrt(pi) / 2 * exp(-x**2) * erfi(x)",
    facts=Facts(odd=True),
)
wofz = special(
    "wofz",
    partials=(lambda r, x: 1j * _PEAK - 2.0 * x * r,),
    doc="Faddeeva function ``exp(-z**2) * erfc(-i z)``, complex, as ``scipy.special.wofz``.",
)
ndtr = special(
    "ndtr",
    partials=(lambda r, x: _DENSITY * exp(-0.5 * square(x)),),
    formula="erfc(-x / sqrt(2)) / 2",
    cost=15.0,
    bounds=(0.0, 1.0),
)
log_ndtr = special(
    "log_ndtr",
    # The quotient of density and distribution, without the underflow of either.
    partials=(lambda r, x: (2.0 * _DENSITY) / erfcx(x * (-1.0 / SQRT_2)),),
    formula="log(erfc(-x / sqrt(2)) / 2)",
)
ndtri = special(
    "ndtri",
    partials=(lambda r, x: (1.0 / _DENSITY) * exp(0.5 * square(r)),),
    formula="sqrt(2) * erfinv(2 * x - 1)",
    facts=Facts(inverse="ndtr"),
    domain=(0.1, 0.9),
    limits=(PROBABILITY,),
)
ndtri_exp = special(
    "ndtri_exp",
    partials=(lambda r, x: (0.5 / _DENSITY) * erfcx(r * (-1.0 / SQRT_2)),),
    formula="sqrt(2) * erfinv(2 * exp(x) - 1)",
    facts=Facts(inverse="log_ndtr"),
    domain=(-3.0, -0.1),
    limits=(Limit(-1e300, -1e-15, -1.0),),
)


def _owens_t_height(r: Node, h: Node, a: Node) -> Node:
    return (-0.5 * _DENSITY) * exp(-0.5 * square(h)) * erf(a * h * (1.0 / SQRT_2))


def _owens_t_slope(r: Node, h: Node, a: Node) -> Node:
    whole = 1.0 + square(a)
    return exp(-0.5 * square(h) * whole) / (2.0 * np.pi * whole)


owens_t = special(
    "owens_t",
    arity=2,
    partials=(_owens_t_height, _owens_t_slope),
    doc="Owen's T function, as ``scipy.special.owens_t``.",
)


def _voigt_slopes(r: Node, x: Node, sigma: Node, gamma: Node) -> tuple[Node, Node]:
    """The derivative of the Faddeeva function at the point of the profile, and that point."""
    z = (x + 1j * gamma) / (SQRT_2 * sigma)
    return 2.0 * (1j / SQRT_PI - z * wofz(z)), z


def _voigt_by_x(r: Node, x: Node, sigma: Node, gamma: Node) -> Node:
    slope, _ = _voigt_slopes(r, x, sigma, gamma)
    return apply("real", slope) * (0.5 / SQRT_PI) / square(sigma)


def _voigt_by_gamma(r: Node, x: Node, sigma: Node, gamma: Node) -> Node:
    slope, _ = _voigt_slopes(r, x, sigma, gamma)
    return apply("imag", slope) * (-0.5 / SQRT_PI) / square(sigma)


def _voigt_by_sigma(r: Node, x: Node, sigma: Node, gamma: Node) -> Node:
    slope, z = _voigt_slopes(r, x, sigma, gamma)
    return -(r + apply("real", slope * z) * _DENSITY / sigma) / sigma


voigt_profile = special(
    "voigt_profile",
    arity=3,
    partials=(_voigt_by_x, _voigt_by_sigma, _voigt_by_gamma),
    domain=((-3.0, 3.0), (0.5, 2.0), (0.5, 2.0)),
    limits=(None, ABOVE_ZERO, ABOVE_ZERO),
    cost=100.0,
    doc="Voigt profile, the convolution of a normal and a Cauchy density, as "
    "``scipy.special.voigt_profile``.",
)
