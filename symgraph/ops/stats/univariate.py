"""Distributions of one variable, standardised to loc 0 and scale 1.

Formulas: Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions" (1994); Johnson,
Kemp and Kotz, "Univariate Discrete Distributions" (2005). Parameterised as in SciPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.create import ones_like
from symgraph.ops.elementwise import (
    absolute,
    arctan,
    arctan2,
    exp,
    expm1,
    floor,
    log,
    log1mexp,
    log1p,
    sigmoid,
    square,
    tan,
    where,
)
from symgraph.ops.kinds import Example
from symgraph.ops.nn.activations import log_sigmoid
from symgraph.ops.special.cumulative import pdtr, pdtrc, stdtr, stdtrit
from symgraph.ops.special.entropy import logit, xlog1py, xlogy
from symgraph.ops.special.error import erf, erfc, log_ndtr, ndtr, ndtri
from symgraph.ops.special.gamma import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    poch,
)
from symgraph.ops.stats.common import Continuous, Discrete, Distribution, example, positive

__all__ = [
    "bernoulli",
    "beta",
    "binom",
    "cauchy",
    "chi2",
    "expon",
    "gamma",
    "geom",
    "gumbel_r",
    "halfcauchy",
    "halfnorm",
    "invgamma",
    "laplace",
    "logistic",
    "lognorm",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "t",
    "uniform",
    "weibull_min",
]

_LOG_ROOT_2PI = float(0.5 * np.log(2.0 * np.pi))
_LOG_2, _LOG_PI, _ROOT_2 = float(np.log(2.0)), float(np.log(np.pi)), float(np.sqrt(2.0))


def _log1p_square(y: Node) -> Node:
    """``log(1 + y**2)``, whose square must not overflow."""
    size = absolute(y)
    far = size > 1e10
    large = 2.0 * log(where(far, size, 1.0))
    return where(far, large, log1p(square(where(far, 0.0, y))))


def _log1mexp_negative(y: Node) -> Node:
    return log1mexp(-y)


def _halfnorm_log_tail(y: Node) -> Node:
    near = y < 1.0
    far = log_ndtr(-where(near, 1.0, y)) + _LOG_2
    return where(near, log1p(-erf(where(near, y, 0.0) / _ROOT_2)), far)


norm = Continuous(
    "norm",
    "",
    lambda y: -0.5 * square(y) - _LOG_ROOT_2PI,
    ndtr,
    lambda y: ndtr(-y),
    logcdf=log_ndtr,
    logsf=lambda y: log_ndtr(-y),
    ppf=ndtri,
    isf=lambda q: -ndtri(q),
)
halfnorm = Continuous(
    "halfnorm",
    "",
    lambda y: -0.5 * square(y) + (_LOG_2 - _LOG_ROOT_2PI),
    lambda y: erf(y / _ROOT_2),
    lambda y: erfc(y / _ROOT_2),
    low=0.0,
    logsf=_halfnorm_log_tail,
    ppf=lambda q: ndtri(0.5 + 0.5 * q),
    isf=lambda q: -ndtri(0.5 * q),
)
lognorm = Continuous(
    "lognorm",
    "s",
    lambda y, s: -0.5 * square(log(y) / s) - log(s * y) - _LOG_ROOT_2PI,
    lambda y, s: ndtr(log(y) / s),
    lambda y, s: ndtr(-log(y) / s),
    low=0.0,
    open=True,
    logcdf=lambda y, s: log_ndtr(log(y) / s),
    logsf=lambda y, s: log_ndtr(-log(y) / s),
    ppf=lambda q, s: exp(s * ndtri(q)),
    isf=lambda q, s: exp(-s * ndtri(q)),
)
uniform = Continuous(
    "uniform",
    "",
    lambda y: 0.0 * y,
    lambda y: y,
    lambda y: 1.0 - y,
    low=0.0,
    high=1.0,
    ppf=lambda q: q,
    isf=lambda q: 1.0 - q,
)
expon = Continuous(
    "expon",
    "",
    lambda y: -y,
    lambda y: -expm1(-y),
    lambda y: exp(-y),
    low=0.0,
    logcdf=_log1mexp_negative,
    logsf=lambda y: -y,
    ppf=lambda q: -log1p(-q),
    isf=lambda q: -log(q),
)


def _laplace_log_tail(y: Node) -> Node:
    """The logarithm of the distribution function."""
    left = y < 0
    below = where(left, y, 0.0) - _LOG_2
    return where(left, below, log1p(-0.5 * exp(-where(left, 0.0, y))))


def _laplace_tail(y: Node) -> Node:
    return where(y < 0, 0.5 * exp(-absolute(y)), 1.0 - 0.5 * exp(-absolute(y)))


def _laplace_inverse(q: Node) -> Node:
    left = q < 0.5
    below = log(2.0 * where(left, q, 0.5))
    return where(left, below, -log(2.0 * where(left, 0.5, 1.0 - q)))


def _cauchy_tail_inverse(q: Node) -> Node:
    """What is exceeded with probability q: the cotangent, from the nearer end."""
    left = q < 0.5
    tail = 1.0 / tan(np.pi * where(left, q, 1.0 - q))
    return where(left, tail, -tail)


def _halfcauchy_inverse(q: Node) -> Node:
    left = q < 0.5
    near = tan((0.5 * np.pi) * where(left, q, 0.25))
    return where(left, near, 1.0 / tan((0.5 * np.pi) * where(left, 0.25, 1.0 - q)))


def _t_inverse(q: Node, df: Node) -> Node:
    # SciPy's function has the wrong infinity there.
    none = q == 0
    return where(none, -np.inf, stdtrit(df, where(none, 0.5, q)))


laplace = Continuous(
    "laplace",
    "",
    lambda y: -absolute(y) - _LOG_2,
    _laplace_tail,
    lambda y: _laplace_tail(-y),
    logcdf=_laplace_log_tail,
    logsf=lambda y: _laplace_log_tail(-y),
    ppf=_laplace_inverse,
    isf=lambda q: -_laplace_inverse(q),
)
logistic = Continuous(
    "logistic",
    "",
    lambda y: -absolute(y) - 2.0 * log1p(exp(-absolute(y))),
    sigmoid,
    lambda y: sigmoid(-y),
    logcdf=log_sigmoid,
    logsf=lambda y: log_sigmoid(-y),
    ppf=logit,
    isf=lambda q: -logit(q),
)
cauchy = Continuous(
    "cauchy",
    "",
    lambda y: -_log1p_square(y) - _LOG_PI,
    lambda y: arctan2(1.0, -y) / np.pi,
    lambda y: arctan2(1.0, y) / np.pi,
    ppf=lambda q: -_cauchy_tail_inverse(q),
    isf=_cauchy_tail_inverse,
)
halfcauchy = Continuous(
    "halfcauchy",
    "",
    lambda y: -_log1p_square(y) + (_LOG_2 - _LOG_PI),
    lambda y: (2.0 / np.pi) * arctan(y),
    lambda y: (2.0 / np.pi) * arctan2(1.0, y),
    low=0.0,
    ppf=_halfcauchy_inverse,
    isf=lambda q: _cauchy_tail_inverse(0.5 * q),
)
gumbel_r = Continuous(
    "gumbel_r",
    "",
    lambda y: -y - exp(-y),
    lambda y: exp(-exp(-y)),
    lambda y: -expm1(-exp(-y)),
    logcdf=lambda y: -exp(-y),
    logsf=lambda y: log1mexp(-exp(-y)),
    ppf=lambda q: -log(-log(q)),
    isf=lambda q: -log(-log1p(-q)),
)
t = Continuous(
    "t",
    "df",
    lambda y, df: (
        log(poch(0.5 * df, 0.5))
        - 0.5 * log(df * np.pi)
        - 0.5 * (df + 1.0) * _log1p_square(y / df**0.5)
    ),
    lambda y, df: stdtr(df, y),
    lambda y, df: stdtr(df, -y),
    ppf=_t_inverse,
    isf=lambda q, df: -_t_inverse(q, df),
)
gamma = Continuous(
    "gamma",
    "a",
    lambda y, a: xlogy(a - 1.0, y) - y - gammaln(a),
    lambda y, a: gammainc(a, y),
    lambda y, a: gammaincc(a, y),
    low=0.0,
    inner=1.0,
    ppf=lambda q, a: gammaincinv(a, q),
    isf=lambda q, a: gammainccinv(a, q),
)
chi2 = Continuous(
    "chi2",
    "df",
    lambda y, df: xlogy(0.5 * df - 1.0, y) - 0.5 * y - gammaln(0.5 * df) - (0.5 * _LOG_2) * df,
    lambda y, df: gammainc(0.5 * df, 0.5 * y),
    lambda y, df: gammaincc(0.5 * df, 0.5 * y),
    low=0.0,
    inner=1.0,
    ppf=lambda q, df: 2.0 * gammaincinv(0.5 * df, q),
    isf=lambda q, df: 2.0 * gammainccinv(0.5 * df, q),
)
invgamma = Continuous(
    "invgamma",
    "a",
    lambda y, a: -(a + 1.0) * log(y) - gammaln(a) - 1.0 / y,
    lambda y, a: gammaincc(a, 1.0 / y),
    lambda y, a: gammainc(a, 1.0 / y),
    low=0.0,
    open=True,
    inner=1.0,
    ppf=lambda q, a: 1.0 / gammainccinv(a, q),
    isf=lambda q, a: 1.0 / gammaincinv(a, q),
)
beta = Continuous(
    "beta",
    "a b",
    lambda y, a, b: xlog1py(b - 1.0, -y) + xlogy(a - 1.0, y) - betaln(a, b),
    lambda y, a, b: betainc(a, b, y),
    lambda y, a, b: betaincc(a, b, y),
    low=0.0,
    high=1.0,
    ppf=lambda q, a, b: betaincinv(a, b, q),
    isf=lambda q, a, b: betainccinv(a, b, q),
)
weibull_min = Continuous(
    "weibull_min",
    "c",
    lambda y, c: log(c) + xlogy(c - 1.0, y) - y**c,
    lambda y, c: -expm1(-(y**c)),
    lambda y, c: exp(-(y**c)),
    low=0.0,
    inner=1.0,
    logcdf=lambda y, c: log1mexp(-(y**c)),
    logsf=lambda y, c: -(y**c),
    ppf=lambda q, c: (-log1p(-q)) ** (1.0 / c),
    isf=lambda q, c: (-log(q)) ** (1.0 / c),
)
pareto = Continuous(
    "pareto",
    "b",
    lambda y, b: log(b) - (b + 1.0) * log(y),
    lambda y, b: -expm1(-b * log(y)),
    lambda y, b: y ** (-b),
    low=1.0,
    inner=2.0,
    logsf=lambda y, b: -b * log(y),
    ppf=lambda q, b: exp(-log1p(-q) / b),
    isf=lambda q, b: q ** (-1.0 / b),
)

# Discrete -----------------------------------------------------------------------------------------


def _probability(p: Node) -> list[Node | None]:
    return [(p >= 0) & (p <= 1)]


def _trials(n: Node, p: Node) -> list[Node | None]:
    return [(n >= 0) & (n == floor(n)), *_probability(p)]


poisson = Discrete(
    "poisson",
    "mu",
    lambda k, mu: xlogy(k, mu) - gammaln(k + 1.0) - mu,
    pdtr,
    pdtrc,
    valid=lambda mu: [mu >= 0],
)
bernoulli = Discrete(
    "bernoulli",
    "p",
    lambda k, p: xlogy(k, p) + xlog1py(1.0 - k, -p),
    lambda k, p: 1.0 - p + 0.0 * k,
    lambda k, p: p + 0.0 * k,
    valid=_probability,
    high=ones_like,
)
binom = Discrete(
    "binom",
    "n p",
    lambda k, n, p: (
        gammaln(n + 1.0)
        - gammaln(k + 1.0)
        - gammaln(n - k + 1.0)
        + xlogy(k, p)
        + xlog1py(n - k, -p)
    ),
    lambda k, n, p: betaincc(k + 1.0, where(n > k, n - k, 1.0), p),
    lambda k, n, p: betainc(k + 1.0, where(n > k, n - k, 1.0), p),
    valid=_trials,
    high=lambda n, p: n,
)
geom = Discrete(
    "geom",
    "p",
    lambda k, p: xlog1py(k - 1.0, -p) + log(p),
    lambda k, p: -expm1(xlog1py(k, -p)),
    lambda k, p: exp(xlog1py(k, -p)),
    valid=lambda p: [(p > 0) & (p <= 1)],
    low=1.0,
    logsf=lambda k, p: xlog1py(k, -p),
)
nbinom = Discrete(
    "nbinom",
    "n p",
    lambda k, n, p: gammaln(n + k) - gammaln(k + 1.0) - gammaln(n) + xlogy(n, p) + xlog1py(k, -p),
    lambda k, n, p: betainc(n, k + 1.0, p),
    lambda k, n, p: betaincc(n, k + 1.0, p),
    valid=lambda n, p: [positive(n), (p > 0) & (p <= 1)],
)

# Examples for the tests ------------------------------------------------------------------------

_X = np.array([[1.3, 2.5, 0.6], [3.0, 1.125, 1.7]])
_K = np.array([[1, 0, 3], [2, 5, 1]])
_SHAPES: dict[str, tuple[Any, ...]] = {
    "lognorm": (np.array([0.5, 1.5, 0.9]),),
    "t": (np.array([2.5, 7.0, 1.3]),),
    "gamma": (np.array([2.5, 0.7, 1.3]),),
    "chi2": (np.array([2.5, 0.7, 3.3]),),
    "invgamma": (np.array([2.5, 0.7, 1.3]),),
    "beta": (np.array([2.5, 0.7, 1.3]), 1.7),
    "weibull_min": (np.array([2.5, 0.7, 1.3]),),
    "pareto": (np.array([2.5, 0.7, 1.3]),),
    "poisson": (np.array([2.5, 0.7, 1.3]),),
    "bernoulli": (np.array([0.5, 0.7, 0.3]),),
    "binom": (6.0, np.array([0.5, 0.7, 0.3])),
    "geom": (np.array([0.5, 0.7, 0.3]),),
    "nbinom": (2.5, np.array([0.5, 0.7, 0.3])),
}
_STEPS = ("binom",)
"""The first shape is an integer."""
_NO_DERIVATIVE = ("t", "gamma", "chi2", "invgamma", "beta", "nbinom")
"""Of their distribution functions, by the shape: the shapes are no operands of the examples."""


_INSIDE = {
    "uniform": _X / 4.0,
    "beta": _X / 4.0,
    "pareto": _X + 2.0,
    "bernoulli": _K * 0,
    "geom": _K + 1,
}


def _example(found: Distribution, method: str) -> Example:
    x = _INSIDE.get(found.name, _X if isinstance(found, Continuous) else _K)
    shapes = _SHAPES.get(found.name, ())
    fixed = method not in ("pdf", "logpdf", "pmf", "logpmf") and found.name in _NO_DERIVATIVE
    return example(found, method, x, shapes, len(shapes) if fixed else int(found.name in _STEPS))


EXAMPLES: dict[str, list[Example]] = {
    found.name: [_example(found, method) for method in (found.methods[1], "logcdf")]
    for found in (
        norm, halfnorm, lognorm, uniform, expon, laplace, logistic, cauchy, halfcauchy, gumbel_r,
        t, gamma, chi2, invgamma, beta, weibull_min, pareto,
        poisson, bernoulli, binom, geom, nbinom,
    )
}  # fmt: skip
