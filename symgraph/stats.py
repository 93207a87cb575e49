"""Probability distributions by SciPy's names: ``sg.stats``.

Each has SciPy's parameters with their defaults, and of its methods ``pdf``, ``logpdf``, ``cdf``,
``logcdf``, ``sf``, ``logsf``, ``ppf`` and ``isf`` (``pmf`` and ``logpmf`` of integers) those that
have a formula. A density outside its support is 0, its logarithm -inf, and the derivative there 0;
a bound belongs to the inside. Parameters outside their range give NaN. The dtype is that of the
floating arguments: float32 stays float32, where SciPy computes in float64. SciPy itself is not
needed but for its special functions.

Examples
--------
>>> import symgraph as sg
>>> x, mu = sg.placeholder("x", "n"), sg.placeholder("mu")
>>> loss = -sg.stats.norm.logpdf(x, mu).sum()
>>> float(sg.function([x, mu], sg.grad(loss, mu))([1.0, 3.0], 1.0))
-2.0
"""

from symgraph.ops.stats.further import (
    betabinom,
    betaprime,
    chi,
    f,
    fisk,
    gennorm,
    gumbel_l,
    halflogistic,
    invgauss,
    invweibull,
    loguniform,
    lomax,
    maxwell,
    nakagami,
    powerlaw,
    rayleigh,
    skewnorm,
    truncnorm,
    vonmises,
    zipf,
)
from symgraph.ops.stats.multivariate import dirichlet, multivariate_normal
from symgraph.ops.stats.univariate import (
    bernoulli,
    beta,
    binom,
    cauchy,
    chi2,
    expon,
    gamma,
    geom,
    gumbel_r,
    halfcauchy,
    halfnorm,
    invgamma,
    laplace,
    logistic,
    lognorm,
    nbinom,
    norm,
    pareto,
    poisson,
    t,
    uniform,
    weibull_min,
)

__all__ = [
    "bernoulli",
    "beta",
    "betabinom",
    "betaprime",
    "binom",
    "cauchy",
    "chi",
    "chi2",
    "dirichlet",
    "expon",
    "f",
    "fisk",
    "gamma",
    "gennorm",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "halfcauchy",
    "halflogistic",
    "halfnorm",
    "invgamma",
    "invgauss",
    "invweibull",
    "laplace",
    "logistic",
    "lognorm",
    "loguniform",
    "lomax",
    "maxwell",
    "multivariate_normal",
    "nakagami",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "powerlaw",
    "rayleigh",
    "skewnorm",
    "t",
    "truncnorm",
    "uniform",
    "vonmises",
    "weibull_min",
    "zipf",
]
