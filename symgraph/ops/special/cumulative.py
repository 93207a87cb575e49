"""Distribution functions under SciPy's old names, functions of degrees, powers of ten."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.elementwise import LN10, exp, floor, log1p, sin, square
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import NoDerivative
from symgraph.ops.special.common import ABOVE_ZERO, SQRT_PI, special
from symgraph.ops.special.entropy import xlogy
from symgraph.ops.special.gamma import gammaln

__all__ = [
    "chdtr",
    "chdtrc",
    "cosdg",
    "cosm1",
    "cotdg",
    "exp10",
    "gdtr",
    "gdtrc",
    "pdtr",
    "pdtrc",
    "sindg",
    "stdtr",
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
