"""Distributions at the edges of their support and of their parameters, against SciPy."""

import numpy as np
import pytest
import scipy.stats

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import placeholder
from symgraph.ops.stats.common import Continuous, Discrete

SHAPES = {
    "lognorm": [(0.5,), (-1.0,)],
    "t": [(2.5,), (1e10,), (-1.0,)],
    "gamma": [(1.0,), (0.5,), (2.5,), (-0.5,)],
    "chi2": [(2.0,), (0.5,), (-1.0,)],
    "invgamma": [(2.5,)],
    "beta": [(1.0, 1.0), (0.5, 3.0), (-1.0, 2.0)],
    "weibull_min": [(1.0,), (2.5,)],
    "pareto": [(2.5,)],
    "poisson": [(2.5,), (0.0,)],
    "bernoulli": [(0.3,), (0.0,), (1.0,)],
    "binom": [(6.0, 0.3), (6.0, 1.0), (0.0, 0.5)],
    "geom": [(0.3,), (1.0,)],
    "nbinom": [(2.5, 0.3), (5.0, 1.0)],
    "chi": [(2.5,), (1.0,)],
    "nakagami": [(0.7,)],
    "f": [(2.5, 3.5)],
    "betaprime": [(2.5, 0.7)],
    "invweibull": [(2.5,)],
    "lomax": [(2.5,)],
    "fisk": [(2.5,)],
    "invgauss": [(0.7,)],
    "powerlaw": [(1.7,), (1.0,)],
    "loguniform": [(0.25, 6.0)],
    "truncnorm": [(-1.0, 2.0), (3.0, 6.5), (-np.inf, 0.5), (-np.inf, np.inf)],
    "gennorm": [(1.5,)],
    "skewnorm": [(2.0,), (-3.0,)],
    "vonmises": [(2.5,)],
    "betabinom": [(6.0, 0.7, 2.5)],
    "zipf": [(2.5,)],
}
AT_INFINITY = ("rayleigh", "invgauss")
"""The density at infinity is NaN, as SciPy's formula of most distributions is."""
POINTS = np.array([-np.inf, -5.0, -1.0, 0.0, 1e-300, 0.25, 1.0, 1.5, 2.0, 6.0, 7.0, 30.0, np.inf])
ALL = [getattr(sg.stats, name) for name in sg.stats.__all__]
UNIVARIATE = [d for d in ALL if isinstance(d, Continuous | Discrete)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("distribution", UNIVARIATE, ids=lambda d: d.name)
def test_values_at_and_outside_the_edges(distribution):
    x = placeholder("x", POINTS.shape)
    ends = [(0.0, 1.0), (2.0, 2.5), (0.0, -1.0), (0.0, 0.0)]
    ends = [(0.0,), (2.0,)] if isinstance(distribution, Discrete) else ends
    for shape in SHAPES.get(distribution.name, [()]):
        for end in ends:
            values = [np.float64(v) for v in (*shape, *end)]
            nodes = [placeholder(f"p{i}") for i in range(len(values))]
            calls = [getattr(distribution, m)(x, *nodes) for m in distribution.methods]
            found = interpret(calls, dict(zip([x, *nodes], [POINTS, *values], strict=True)))
            for method, got in zip(distribution.methods, found, strict=True):
                theirs = getattr(getattr(scipy.stats, distribution.name), method)
                wanted = theirs(POINTS, *values)
                # SciPy's logarithms are those of rounded probabilities; it underflows first.
                wanted = np.where((wanted == 0) & (np.abs(got) < 1e-8), got, wanted)
                wanted = np.where(np.isneginf(wanted) & (got < -700), got, wanted)
                # Where SciPy's own formula overflows, or takes infinity from infinity.
                known = ~np.isnan(wanted) | (POINTS != 1e-300)
                known &= (
                    ~np.isnan(got) | (np.inf != POINTS) | (distribution.name not in AT_INFINITY)
                )
                wanted = np.where(known, wanted, got)
                np.testing.assert_allclose(got, wanted, rtol=1e-8, err_msg=f"{method} {values}")


@pytest.mark.parametrize(
    ("call", "at", "slope"),
    [
        (sg.stats.expon.logpdf, [-1.0, 0.0, 2.0], [0, -1, -1]),
        (sg.stats.uniform.logpdf, [-1.0, 0.0, 1.0, 2.0], [0, 0, 0, 0]),
        (sg.stats.uniform.cdf, [-1.0, 0.0, 1.0, 2.0], [0, 1, 1, 0]),
        (lambda x: sg.stats.gamma.logpdf(x, 1.0), [-1.0, 0.0, 2.0], [0, -1, -1]),
        (lambda x: sg.stats.beta.pdf(x, 2.0, 2.0), [-1.0, 0.25, 2.0], [0, 3, 0]),
        (lambda x: sg.stats.lognorm.pdf(x, 1.0), [-1.0, 0.0], [0, 0]),
        (sg.stats.halfnorm.logcdf, [-1.0], [0]),
        (sg.stats.cauchy.logpdf, [1e200, -1e200], [-2e-200, 2e-200]),
        (sg.stats.norm.logcdf, [-1e3, 40.0], [1000.0009999980001, 0]),
    ],
)
def test_derivatives_at_and_outside_the_edges(call, at, slope):
    x = placeholder("x", "n")
    f = sg.function([x], sg.grad(np.sum(call(x)), x))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(f(np.array(at)), slope, rtol=1e-12)


def test_the_source_of_a_normal_density_is_what_one_would_write():
    x, mu, sigma = placeholder("x", "n"), placeholder("mu"), placeholder("sigma")
    source = sg.function([x, mu, sigma], sg.stats.norm.logpdf(x, mu, sigma)).source
    assert "where" not in source
    assert "scipy" not in source


def test_float32_stays_float32():
    x, k = placeholder("x", 3, "float32"), placeholder("k", 3, "int64")
    for distribution in UNIVARIATE:
        shapes = SHAPES.get(distribution.name, [()])[0]
        variable = k if isinstance(distribution, Discrete) else x
        shapes = [x, *shapes[1:]] if shapes else [x]
        assert distribution.pmf(k, *shapes).dtype == "float32" if variable is k else True
        assert getattr(distribution, distribution.methods[1])(variable, *shapes).dtype == "float32"


def test_a_distribution_that_remembers_its_parameters():
    x = placeholder("x", 3)
    assert sg.stats.norm(2.0, 3.0).logpdf(x) is sg.stats.norm.logpdf(x, loc=2.0, scale=3.0)
    np.testing.assert_allclose(sg.stats.norm(2.0, scale=3.0).cdf(2.0), 0.5)
    for wrong in ({"mu": 1}, {"scale": 1, "loc": 2, "s": 3}):
        with pytest.raises(sg.InputError, match="loc=0, scale=1"):
            sg.stats.norm.logpdf(x, **wrong)
    with pytest.raises(sg.InputError, match="expected: a, loc"):
        sg.stats.gamma.logpdf(x)
    with pytest.raises(AttributeError, match=r"scipy\.stats\.norm"):
        sg.stats.norm.rvs(x)
