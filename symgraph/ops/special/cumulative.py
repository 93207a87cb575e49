"""Distribution functions under SciPy's old names, functions of degrees, powers of ten."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.elementwise import LN10, exp, floor, log1p, sin, square, where
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import NoDerivative
from symgraph.ops.special.common import ABOVE_ZERO, PROBABILITY, SQRT_PI, special
from symgraph.ops.special.entropy import xlog1py, xlogy
from symgraph.ops.special.gamma import gammaln

__all__ = [
    "bdtr",
    "bdtrc",
    "chdtr",
    "chdtrc",
    "chdtri",
    "cosdg",
    "cosm1",
    "cotdg",
    "exp10",
    "fdtr",
    "fdtrc",
    "fdtri",
    "gdtr",
    "gdtrc",
    "nbdtr",
    "nbdtrc",
    "pdtr",
    "pdtrc",
    "sindg",
    "stdtr",
    "stdtrit",
    "tandg",
]

_POSITIVE = (0.4, 4.0)
_NOT_NEGATIVE = Limit(0.0, np.inf, 1.0)
_DEGREE = float(np.pi / 180.0)


def _density(shape: Node, x: Node) -> Node:
    """Of the gamma distribution."""
    return exp(xlogy(shape - 1.0, x) - x - gammaln(shape))


chdtr = special(
    "chdtr",
    arity=2,
    partials=(
        NoDerivative("the degrees of freedom of chdtr"),
        lambda r, v, x: 0.5 * _density(0.5 * v, 0.5 * x),
    ),
    formula="lowergamma(x / 2, y / 2) / gamma(x / 2)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    accuracy=2e-14,
)
chdtrc = special(
    "chdtrc",
    arity=2,
    partials=(
        NoDerivative("the degrees of freedom of chdtrc"),
        lambda r, v, x: -0.5 * _density(0.5 * v, 0.5 * x),
    ),
    formula="uppergamma(x / 2, y / 2) / gamma(x / 2)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    accuracy=2e-14,
)
gdtr = special(
    "gdtr",
    arity=3,
    partials=(
        lambda r, a, b, x: x * _density(b, a * x),
        NoDerivative("the parameter b of gdtr"),
        lambda r, a, b, x: a * _density(b, a * x),
    ),
    formula="lowergamma(y, x * z) / gamma(y)",
    domain=_POSITIVE,
    limits=(_NOT_NEGATIVE, ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    accuracy=5e-14,
)
gdtrc = special(
    "gdtrc",
    arity=3,
    partials=(
        lambda r, a, b, x: -x * _density(b, a * x),
        NoDerivative("the parameter b of gdtrc"),
        lambda r, a, b, x: -a * _density(b, a * x),
    ),
    formula="uppergamma(y, x * z) / gamma(y)",
    domain=_POSITIVE,
    limits=(_NOT_NEGATIVE, ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    accuracy=5e-13,
)
pdtr = special(
    "pdtr",
    arity=2,
    partials=(None, lambda r, k, m: -_density(floor(k) + 1.0, m)),
    domain=((0.1, 5.0), _POSITIVE),
    limits=(_NOT_NEGATIVE, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    doc="Distribution function of the Poisson distribution, as ``scipy.special.pdtr``; a step "
    "in `k`.",
)
pdtrc = special(
    "pdtrc",
    arity=2,
    partials=(None, lambda r, k, m: _density(floor(k) + 1.0, m)),
    domain=((0.1, 5.0), _POSITIVE),
    limits=(_NOT_NEGATIVE, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    doc="One minus `pdtr`, as ``scipy.special.pdtrc``.",
)


def _student_density(r: Node, df: Node, t: Node) -> Node:
    half = 0.5 * (df + 1.0)
    tail = half * log1p(square(t) / df)
    return exp(gammaln(half) - gammaln(0.5 * df) - tail) / (SQRT_PI * df**0.5)


stdtr = special(
    "stdtr",
    arity=2,
    partials=(NoDerivative("the degrees of freedom of stdtr"), _student_density),
    domain=(_POSITIVE, (-3.0, 3.0)),
    limits=(ABOVE_ZERO, None),
    bounds=(0.0, 1.0),
)


def _beta_log(a: Node, b: Node) -> Node:
    return gammaln(a) + gammaln(b) - gammaln(a + b)


def _binomial_slope(r: Node, k: Node, n: Node, p: Node) -> Node:
    """The derivative of the distribution function by p: ``-n`` times a probability of n - 1."""
    whole = floor(k)
    inside = (whole >= 0) & (whole < n)
    k, n = where(inside, whole, 0.0), where(inside, n, 1.0)
    log_density = xlogy(k, p) + xlog1py(n - k - 1.0, -p) - _beta_log(k + 1.0, n - k)
    return where(inside, -exp(log_density), 0.0)


def _negative_binomial_slope(r: Node, k: Node, n: Node, p: Node) -> Node:
    whole = floor(k)
    return exp(xlogy(n - 1.0, p) + xlog1py(whole, -p) - _beta_log(n, whole + 1.0))


def _variance_ratio_density(r: Node, d1: Node, d2: Node, x: Node) -> Node:
    ratio = d1 * x / d2
    log_density = xlogy(0.5 * d1 - 1.0, ratio) - 0.5 * (d1 + d2) * log1p(ratio)
    return d1 / d2 * exp(log_density - _beta_log(0.5 * d1, 0.5 * d2))


_COUNTS = ((0.1, 4.9), (6.0, 6.0), (0.1, 0.9))
_DEGREES = (NoDerivative("the degrees of freedom"), NoDerivative("the degrees of freedom"))

bdtr = special(
    "bdtr",
    arity=3,
    partials=(None, NoDerivative("the number of trials of bdtr"), _binomial_slope),
    kinds="fif",
    domain=_COUNTS,
    limits=(_NOT_NEGATIVE, _NOT_NEGATIVE, Limit(0.0, 1.0, 0.5)),
    bounds=(0.0, 1.0),
    cost=100.0,
    doc="Distribution function of the binomial distribution, as ``scipy.special.bdtr``; a step in "
    "`k`.",
)
bdtrc = special(
    "bdtrc",
    arity=3,
    partials=(
        None,
        NoDerivative("the number of trials of bdtrc"),
        lambda r, k, n, p: -_binomial_slope(r, k, n, p),
    ),
    kinds="fif",
    domain=_COUNTS,
    limits=(_NOT_NEGATIVE, _NOT_NEGATIVE, Limit(0.0, 1.0, 0.5)),
    bounds=(0.0, 1.0),
    cost=100.0,
    doc="One minus `bdtr`, as ``scipy.special.bdtrc``.",
)
nbdtr = special(
    "nbdtr",
    arity=3,
    partials=(
        None,
        NoDerivative("the number of successes of nbdtr"),
        _negative_binomial_slope,
    ),
    kinds="iif",
    domain=((0, 4), (1, 6), (0.1, 0.9)),
    limits=(_NOT_NEGATIVE, ABOVE_ZERO, Limit(0.0, 1.0, 0.5)),
    bounds=(0.0, 1.0),
    cost=100.0,
    doc="Distribution function of the negative binomial distribution, as ``scipy.special.nbdtr``.",
)
nbdtrc = special(
    "nbdtrc",
    arity=3,
    partials=(
        None,
        NoDerivative("the number of successes of nbdtrc"),
        lambda r, k, n, p: -_negative_binomial_slope(r, k, n, p),
    ),
    kinds="iif",
    domain=((0, 4), (1, 6), (0.1, 0.9)),
    limits=(_NOT_NEGATIVE, ABOVE_ZERO, Limit(0.0, 1.0, 0.5)),
    bounds=(0.0, 1.0),
    cost=100.0,
    doc="One minus `nbdtr`, as ``scipy.special.nbdtrc``.",
)
fdtr = special(
    "fdtr",
    arity=3,
    partials=(*_DEGREES, _variance_ratio_density),
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    cost=100.0,
)
fdtrc = special(
    "fdtrc",
    arity=3,
    partials=(*_DEGREES, lambda r, d1, d2, x: -_variance_ratio_density(r, d1, d2, x)),
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, ABOVE_ZERO, _NOT_NEGATIVE),
    bounds=(0.0, 1.0),
    cost=100.0,
)
fdtri = special(
    "fdtri",
    arity=3,
    partials=(
        *_DEGREES,
        lambda r, d1, d2, y: 1.0 / _variance_ratio_density(r, d1, d2, r),
    ),
    domain=(_POSITIVE, _POSITIVE, (0.1, 0.9)),
    limits=(ABOVE_ZERO, ABOVE_ZERO, PROBABILITY),
    cost=500.0,
)
chdtri = special(
    "chdtri",
    arity=2,
    partials=(
        NoDerivative("the degrees of freedom of chdtri"),
        lambda r, v, y: -2.0 / _density(0.5 * v, 0.5 * r),
    ),
    domain=(_POSITIVE, (0.1, 0.9)),
    limits=(ABOVE_ZERO, PROBABILITY),
    cost=500.0,
)
stdtrit = special(
    "stdtrit",
    arity=2,
    partials=(
        NoDerivative("the degrees of freedom of stdtrit"),
        lambda r, df, p: 1.0 / _student_density(r, df, r),
    ),
    domain=(_POSITIVE, (0.1, 0.9)),
    limits=(ABOVE_ZERO, PROBABILITY),
    cost=500.0,
)

# Elementary ---------------------------------------------------------------------------------------

exp10 = special(
    "exp10",
    partials=(lambda r, x: LN10 * r,),
    formula="10**x",
    limits=(Limit(-np.inf, 30.0, 0.0),),
    cost=15.0,
)
cosm1 = special(
    "cosm1",
    partials=(lambda r, x: -sin(x),),
    formula="cos(x) - 1",
    facts=Facts(even=True),
    bounds=(-2.0, 0.0),
    cost=10.0,
)
sindg = special(
    "sindg",
    partials=(lambda r, x: _DEGREE * cosdg(x),),
    formula="sin(x * pi / 180)",
    facts=Facts(odd=True),
    domain=(-170.0, 170.0),
    bounds=(-1.0, 1.0),
    accuracy=1e-13,
    cost=10.0,
)
cosdg = special(
    "cosdg",
    partials=(lambda r, x: -_DEGREE * sindg(x),),
    formula="cos(x * pi / 180)",
    facts=Facts(even=True),
    domain=(-170.0, 170.0),
    bounds=(-1.0, 1.0),
    accuracy=1e-13,
    cost=10.0,
)
tandg = special(
    "tandg",
    partials=(lambda r, x: _DEGREE * (1.0 + square(r)),),
    formula="tan(x * pi / 180)",
    facts=Facts(odd=True),
    domain=(-80.0, 80.0),
    limits=(Limit(-89.0, 89.0, 0.0),),
    cost=15.0,
)
cotdg = special(
    "cotdg",
    partials=(lambda r, x: -_DEGREE * (1.0 + square(r)),),
    formula="cot(x * pi / 180)",
    facts=Facts(odd=True),
    domain=(10.0, 170.0),
    limits=(Limit(1.0, 179.0, 90.0),),
    cost=15.0,
)
