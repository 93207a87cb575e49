"""The families of operations that are loaded when one of them is first asked for."""

from symgraph.ops import (
    assemble,
    changed,
    checked,
    choosing,
    correlation,
    cumulative,
    delta,
    differences,
    fft,
    interpolate,
    nan,
    padding,
    polynomials,
    quantiles,
    ranges,
    sorting,
    special,
    statistics,
    ufunc_methods,
    windows,
)
from symgraph.ops.linalg import names as linalg
from symgraph.ops.nn import names as nn
from symgraph.ops.stats import multivariate, univariate

__all__ = [
    "assemble",
    "changed",
    "checked",
    "choosing",
    "correlation",
    "cumulative",
    "delta",
    "differences",
    "fft",
    "interpolate",
    "linalg",
    "multivariate",
    "nan",
    "nn",
    "padding",
    "polynomials",
    "quantiles",
    "ranges",
    "sorting",
    "special",
    "statistics",
    "ufunc_methods",
    "univariate",
    "windows",
]
