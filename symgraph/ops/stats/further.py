"""Further distributions of one variable, standardised to loc 0 and scale 1.

Formulas: Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions" (1994, 1995);
Johnson, Kemp and Kotz, "Univariate Discrete Distributions" (2005). Parameterised as in SciPy.
"""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.create import ones_like
from symgraph.ops.elementwise import (
    absolute,
    exp,
    expm1,
    log,
    log1mexp,
    log1p,
    logaddexp,
    sigmoid,
    softplus,
    sqrt,
    square,
    tanh,
    where,
)
from symgraph.ops.kinds import Example
from symgraph.ops.special.bessel import i0e
from symgraph.ops.special.cumulative import cosm1
from symgraph.ops.special.entropy import logit, xlog1py, xlogy
from symgraph.ops.special.error import log_ndtr, ndtr, ndtri_exp
from symgraph.ops.special.gamma import (
    betainc,
    betaincc,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    zeta,
)
from symgraph.ops.stats.common import Continuous, Discrete, example, positive

__all__ = [
    "betabinom",
    "betaprime",
    "chi",
    "f",
    "fisk",
    "gennorm",
    "gumbel_l",
    "halflogistic",
    "invgauss",
    "invweibull",
    "loguniform",
    "lomax",
    "maxwell",
    "nakagami",
    "powerlaw",
    "rayleigh",
    "skewnorm",
    "truncnorm",
    "vonmises",
    "zipf",
]

_LOG_2, _LOG_PI = float(np.log(2.0)), float(np.log(np.pi))
_LOG_2PI = _LOG_2 + _LOG_PI


# Of squares of normal variables -------------------------------------------------------------------

chi = Continuous(
    "chi",
    "df",
    lambda y, df: (
        xlogy(df - 1.0, y) - 0.5 * square(y) - gammaln(0.5 * df) - (0.5 * _LOG_2) * (df - 2.0)
    ),
    lambda y, df: gammainc(0.5 * df, 0.5 * square(y)),
    lambda y, df: gammaincc(0.5 * df, 0.5 * square(y)),
    low=0.0,
    inner=1.0,
    ppf=lambda q, df: sqrt(2.0 * gammaincinv(0.5 * df, q)),
    isf=lambda q, df: sqrt(2.0 * gammainccinv(0.5 * df, q)),
)
rayleigh = Continuous(
    "rayleigh",
    "",
    lambda y: log(y) - 0.5 * square(y),
    lambda y: -expm1(-0.5 * square(y)),
    lambda y: exp(-0.5 * square(y)),
    low=0.0,
    inner=1.0,
    logcdf=lambda y: log1mexp(-0.5 * square(y)),
    logsf=lambda y: -0.5 * square(y),
    ppf=lambda q: sqrt(-2.0 * log1p(-q)),
    isf=lambda q: sqrt(-2.0 * log(q)),
)
maxwell = Continuous(
    "maxwell",
    "",
    lambda y: 2.0 * log(y) - 0.5 * square(y) + 0.5 * (_LOG_2 - _LOG_PI),
    lambda y: gammainc(1.5, 0.5 * square(y)),
    lambda y: gammaincc(1.5, 0.5 * square(y)),
    low=0.0,
    inner=1.0,
    ppf=lambda q: sqrt(2.0 * gammaincinv(1.5, q)),
    isf=lambda q: sqrt(2.0 * gammainccinv(1.5, q)),
)
nakagami = Continuous(
    "nakagami",
    "nu",
    lambda y, nu: _LOG_2 + nu * log(nu) - gammaln(nu) + xlogy(2.0 * nu - 1.0, y) - nu * square(y),
    lambda y, nu: gammainc(nu, nu * square(y)),
    lambda y, nu: gammaincc(nu, nu * square(y)),
    low=0.0,
    inner=1.0,
    ppf=lambda q, nu: sqrt(gammaincinv(nu, q) / nu),
    isf=lambda q, nu: sqrt(gammainccinv(nu, q) / nu),
)


def _beta_below(a: Node, b: Node, part: Node, rest: Node) -> Node:
    """The incomplete beta function at ``part / (part + rest)``, from the nearer end."""
    small = part < rest
    below = betainc(a, b, 1.0 / (1.0 + where(small, rest, 1.0) / where(small, part, 1.0)))
    above = betaincc(b, a, 1.0 / (1.0 + where(small, 1.0, part) / where(small, 1.0, rest)))
    return where(small, below, above)


def _beta_above(a: Node, b: Node, part: Node, rest: Node) -> Node:
    return _beta_below(b, a, rest, part)


f = Continuous(
    "f",
    "dfn dfd",
    lambda y, m, n: (
        xlogy(0.5 * m - 1.0, y)
        + 0.5 * m * log(m / n)
        - 0.5 * (m + n) * log1p(m * y / n)
        - betaln(0.5 * m, 0.5 * n)
    ),
    lambda y, m, n: _beta_below(0.5 * m, 0.5 * n, m * y, n),
    lambda y, m, n: _beta_above(0.5 * m, 0.5 * n, m * y, n),
    low=0.0,
    inner=1.0,
)
betaprime = Continuous(
    "betaprime",
    "a b",
    lambda y, a, b: xlog1py(1.0 - a, 1.0 / y) - xlog1py(b + 1.0, y) - betaln(a, b),
    lambda y, a, b: _beta_below(a, b, y, ones_like(y)),
    lambda y, a, b: _beta_above(a, b, y, ones_like(y)),
    low=0.0,
    inner=1.0,
)


# Extremes and lifetimes ---------------------------------------------------------------------------

gumbel_l = Continuous(
    "gumbel_l",
    "",
    lambda y: y - exp(y),
    lambda y: -expm1(-exp(y)),
    lambda y: exp(-exp(y)),
    logcdf=lambda y: log1mexp(-exp(y)),
    logsf=lambda y: -exp(y),
    ppf=lambda q: log(-log1p(-q)),
    isf=lambda q: log(-log(q)),
)
invweibull = Continuous(
    "invweibull",
    "c",
    lambda y, c: log(c) - (c + 1.0) * log(y) - y ** (-c),
    lambda y, c: exp(-(y ** (-c))),
    lambda y, c: -expm1(-(y ** (-c))),
    low=0.0,
    open=True,
    inner=1.0,
    logcdf=lambda y, c: -(y ** (-c)),
    logsf=lambda y, c: log1mexp(-(y ** (-c))),
    ppf=lambda q, c: (-log(q)) ** (-1.0 / c),
    isf=lambda q, c: (-log1p(-q)) ** (-1.0 / c),
)
lomax = Continuous(
    "lomax",
    "c",
    lambda y, c: log(c) - (c + 1.0) * log1p(y),
    lambda y, c: -expm1(-c * log1p(y)),
    lambda y, c: exp(-c * log1p(y)),
    low=0.0,
    logcdf=lambda y, c: log1mexp(-c * log1p(y)),
    logsf=lambda y, c: -c * log1p(y),
    ppf=lambda q, c: expm1(-log1p(-q) / c),
    isf=lambda q, c: expm1(-log(q) / c),
)


def _fisk_log_density(y: Node, c: Node) -> Node:
    far = y > 1.0
    above = -(c + 1.0) * log(where(far, y, 1.0)) - 2.0 * softplus(-c * log(where(far, y, 1.0)))
    near = where(far, 1.0, y)
    return log(c) + where(far, above, xlogy(c - 1.0, near) - 2.0 * softplus(c * log(near)))


fisk = Continuous(
    "fisk",
    "c",
    _fisk_log_density,
    lambda y, c: sigmoid(c * log(y)),
    lambda y, c: sigmoid(-c * log(y)),
    low=0.0,
    inner=1.0,
    logcdf=lambda y, c: -softplus(-c * log(y)),
    logsf=lambda y, c: -softplus(c * log(y)),
    ppf=lambda q, c: exp(logit(q) / c),
    isf=lambda q, c: exp(-logit(q) / c),
)
halflogistic = Continuous(
    "halflogistic",
    "",
    lambda y: _LOG_2 - y - 2.0 * log1p(exp(-y)),
    lambda y: tanh(0.5 * y),
    lambda y: 2.0 * sigmoid(-y),
    low=0.0,
    logsf=lambda y: -y - log1p(0.5 * expm1(-y)),
)


def _invgauss_gap(y: Node, mu: Node) -> Node:
    return sqrt(y) / mu - 1.0 / sqrt(y)


def _invgauss_log_tail(y: Node, mu: Node) -> Node:
    return 2.0 / mu + log_ndtr(-sqrt(y) / mu - 1.0 / sqrt(y))


def _invgauss_logsf(y: Node, mu: Node) -> Node:
    above = log_ndtr(-_invgauss_gap(y, mu))
    # Far out both are -inf.
    lost = above == -np.inf
    return above + log1mexp(where(lost, -1.0, _invgauss_log_tail(y, mu) - above))


invgauss = Continuous(
    "invgauss",
    "mu",
    lambda y, mu: -0.5 * _LOG_2PI - 1.5 * log(y) - square(y / mu - 1.0) / (2.0 * y),
    lambda y, mu: ndtr(_invgauss_gap(y, mu)) + exp(_invgauss_log_tail(y, mu)),
    lambda y, mu: ndtr(-_invgauss_gap(y, mu)) - exp(_invgauss_log_tail(y, mu)),
    low=0.0,
    open=True,
    inner=1.0,
    logcdf=lambda y, mu: logaddexp(log_ndtr(_invgauss_gap(y, mu)), _invgauss_log_tail(y, mu)),
    logsf=_invgauss_logsf,
)

# On an interval -----------------------------------------------------------------------------------

powerlaw = Continuous(
    "powerlaw",
    "a",
    lambda y, a: log(a) + xlogy(a - 1.0, y),
    lambda y, a: y**a,
    lambda y, a: -expm1(xlogy(a, y)),
    low=0.0,
    high=1.0,
    logcdf=lambda y, a: xlogy(a, y),
    ppf=lambda q, a: q ** (1.0 / a),
    isf=lambda q, a: exp(log1p(-q) / a),
)
loguniform = Continuous(
    "loguniform",
    "a b",
    lambda y, a, b: -log(y) - log(log(b / a)),
    lambda y, a, b: log(y / a) / log(b / a),
    lambda y, a, b: log(b / y) / log(b / a),
    inner=1.0,
    valid=lambda a, b: [positive(a), b > a],
    bounds=lambda a, b: (a, b),
    ppf=lambda q, a, b: a * (b / a) ** q,
    isf=lambda q, a, b: b * (a / b) ** q,
)


def _log_mass(a: Node, b: Node) -> Node:
    """The logarithm of the normal probability between two values, from the nearer tail."""
    turned = a > 0
    left, right = where(turned, -b, a), where(turned, -a, b)
    below, above = log_ndtr(left), log_ndtr(right)
    crossing = right > 0
    gap = where(left == right, 0.0, where(crossing, -1.0, below - above))
    apart = above + log1mexp(gap)
    around = log1p(-ndtr(where(crossing, left, -1.0)) - ndtr(where(crossing, -right, -1.0)))
    return where(crossing, around, apart)


def _truncnorm_logcdf(y: Node, a: Node, b: Node) -> Node:
    return _log_mass(a, y) - _log_mass(a, b)


def _truncnorm_logsf(y: Node, a: Node, b: Node) -> Node:
    return _log_mass(y, b) - _log_mass(a, b)


def _truncnorm_ppf(q: Node, a: Node, b: Node) -> Node:
    turned, mass = a > 0, _log_mass(a, b)
    p = where(turned, log1p(-q), log(q))
    found = ndtri_exp(logaddexp(log_ndtr(where(turned, -b, a)), p + mass))
    return where(turned, -found, found)


truncnorm = Continuous(
    "truncnorm",
    "a b",
    lambda y, a, b: -0.5 * square(y) - 0.5 * _LOG_2PI - _log_mass(a, b),
    lambda y, a, b: exp(_truncnorm_logcdf(y, a, b)),
    lambda y, a, b: exp(_truncnorm_logsf(y, a, b)),
    inner=0.0,
    valid=lambda a, b: [b > a],
    bounds=lambda a, b: (a, b),
    logcdf=_truncnorm_logcdf,
    logsf=_truncnorm_logsf,
    ppf=_truncnorm_ppf,
)

# Relatives of the normal distribution -------------------------------------------------------------


def _gennorm_cdf(y: Node, beta: Node) -> Node:
    tail = 0.5 * gammaincc(1.0 / beta, absolute(y) ** beta)
    return where(y < 0, tail, 1.0 - tail)


gennorm = Continuous(
    "gennorm",
    "beta",
    lambda y, beta: log(0.5 * beta) - gammaln(1.0 / beta) - absolute(y) ** beta,
    _gennorm_cdf,
    lambda y, beta: _gennorm_cdf(-y, beta),
)


skewnorm = Continuous(
    "skewnorm",
    "a",
    lambda y, a: _LOG_2 - 0.5 * _LOG_2PI - 0.5 * square(y) + log_ndtr(a * y),
    valid=lambda a: [],
)
vonmises = Continuous(
    "vonmises",
    "kappa",
    lambda y, kappa: kappa * cosm1(y) - _LOG_2PI - log(i0e(kappa)),
)

# Discrete -----------------------------------------------------------------------------------------

betabinom = Discrete(
    "betabinom",
    "n a b",
    lambda k, n, a, b: (
        -log(n + 1.0) - betaln(n - k + 1.0, k + 1.0) + betaln(k + a, n - k + b) - betaln(a, b)
    ),
    valid=lambda n, a, b: [n >= 0, positive(a), positive(b)],
    high=lambda n, a, b: n,
)
zipf = Discrete(
    "zipf",
    "a",
    lambda k, a: -a * log(k) - log(zeta(a, 1.0)),
    lambda k, a: 1.0 - zeta(a, k + 1.0) / zeta(a, 1.0),
    lambda k, a: zeta(a, k + 1.0) / zeta(a, 1.0),
    valid=lambda a: [a > 1],
    low=1.0,
)

# Examples for the tests ------------------------------------------------------------------------

_X = np.array([[1.3, 2.5, 0.6], [3.0, 1.125, 1.7]])
_SHAPE = np.array([2.5, 0.7, 1.3])

EXAMPLES: dict[str, list[Example]] = {
    found.name: [example(found, found.methods[1], _X, shapes)]
    for found, *shapes_given in (
        (chi, _SHAPE), (rayleigh,), (maxwell,), (nakagami, _SHAPE), (f, _SHAPE, 3.5),
        (betaprime, _SHAPE, 3.5), (gumbel_l,), (invweibull, _SHAPE), (lomax, _SHAPE),
        (fisk, _SHAPE), (halflogistic,), (invgauss, _SHAPE), (gennorm, _SHAPE),
        (skewnorm, _SHAPE), (vonmises, _SHAPE),
    )
    for shapes in [tuple(shapes_given)]
} | {
    "powerlaw": [example(powerlaw, "logpdf", _X / 4.0, (_SHAPE,))],
    "loguniform": [example(loguniform, "logpdf", _X, (np.array([0.25, 0.5, 0.125]), 6.5))],
    "truncnorm": [
        example(truncnorm, "logpdf", _X - 1.0, (np.array([-2.0, -1.5, -1.0]), 2.75)),
        example(truncnorm, "logcdf", _X - 1.0, (np.array([-2.0, -1.5, -1.0]), 2.75)),
    ],
    "betabinom": [example(betabinom, "logpmf", np.array([1, 0, 3]), (6.0, _SHAPE, 1.5), 1)],
    "zipf": [example(zipf, "logpmf", np.array([1, 2, 5]), (_SHAPE + 1.5,))],
}  # fmt: skip
