"""SciPy's special functions, by family; leaf families first.

A derivative by a parameter or an order that has no closed form is a `DerivativeError`.
"""

from symgraph.ops.special import (
    bessel,
    cumulative,
    entropy,
    error,
    gamma,
    hypergeometric,
    integrals,
)

__all__ = [
    "bessel",
    "cumulative",
    "entropy",
    "error",
    "gamma",
    "hypergeometric",
    "integrals",
]
