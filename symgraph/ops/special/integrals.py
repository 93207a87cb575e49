"""Exponential, trigonometric, Fresnel and elliptic integrals; dilogarithm; Lambert's W.

Derivatives: DLMF 6.2, 7.2, 8.19, 19.4, 25.12, 4.13.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import builder
from symgraph.graph.types import DType
from symgraph.ops.elementwise import (
    absolute,
    cos,
    exp,
    full_like,
    log1p,
    maximum,
    several,
    sin,
    sinc,
    square,
    where,
)
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Example, NoDerivative, any_node
from symgraph.ops.special.common import ABOVE_ZERO, special
from symgraph.ops.special.entropy import exprel
from symgraph.ops.special.hypergeometric import hyp2f1

__all__ = [
    "ellipe",
    "ellipk",
    "exp1",
    "expi",
    "expn",
    "fresnel",
    "lambertw",
    "shichi",
    "sici",
    "spence",
]

_POSITIVE = (0.3, 4.0)

expi = special(
    "expi",
    partials=(lambda r, x: exp(x) / x,),
    formula="Ei(x)",
    domain=_POSITIVE,
    limits=(Limit(1e-150, 80.0, 1.0),),
)
exp1 = special(
    "exp1",
    partials=(lambda r, x: -exp(-x) / x,),
    formula="expint(1, x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO,),
)


def _expn_slope(r: Node, n: Node, x: Node) -> Node:
    # E_0(x) = exp(-x) / x; SciPy has no order below.
    lowest = -exp(-x) * (1.0 + x) / square(x)
    return where(n == 0, lowest, -expn(maximum(n - 1, 0), x))


expn = special(
    "expn",
    arity=2,
    partials=(NoDerivative("the order of expn"), _expn_slope),
    formula="expint(x, y)",
    kinds="if",
    domain=((0.0, 4.0), _POSITIVE),
    limits=(Limit(0.0, 1e6, 1.0), ABOVE_ZERO),
    cost=100.0,
)
sici = several(
    "scipy.special.sici",
    lambda r, x: sinc(x / np.pi),
    lambda r, x: cos(x) / x,
    doc="Sine and cosine integrals ``Si, Ci``.",
)
shichi = several(
    "scipy.special.shichi",
    # sinh(x) / x without its 0 / 0.
    lambda r, x: exp(-x) * exprel(2.0 * x),
    lambda r, x: (0.5 * exp(x) + 0.5 * exp(-x)) / x,
    doc="Hyperbolic sine and cosine integrals ``Shi, Chi``.",
)
fresnel = several(
    "scipy.special.fresnel",
    lambda r, x: sin((np.pi / 2.0) * square(x)),
    lambda r, x: cos((np.pi / 2.0) * square(x)),
    doc="Fresnel integrals ``S, C``.",
)


_DILOGARITHM = tuple([(-1.0) ** k / (k + 1.0) for k in range(20)])
"""Coefficients of ``log1p(u) / u``; the next is 1e-17 of the first at u = 1/8."""


def _spence_slope(r: Node, x: Node) -> Node:
    u = x - 1.0
    near = where(absolute(u) < 0.125, u, 0.0)
    series = full_like(x, _DILOGARITHM[-1])
    for coefficient in _DILOGARITHM[-2::-1]:
        series = series * near + coefficient
    # The quotient is 0 / 0 at 1, and its derivatives cancel next to it.
    far = where(absolute(u) < 0.125, 1.0, u)
    return where(absolute(u) < 0.125, -series, -log1p(far) / far)


spence = special(
    "spence",
    partials=(_spence_slope,),
    formula="polylog(2, 1 - x)",
    domain=(0.1, 1.9),
    limits=(Limit(0.0, 1e150, 1.0),),
    doc="Dilogarithm, ``Li2(1 - x)``, as ``scipy.special.spence``.",
)
ellipk = special(
    "ellipk",
    partials=(lambda r, m: (np.pi / 8.0) * hyp2f1(1.5, 1.5, 2.0, m),),
    formula="elliptic_k(x)",
    domain=(-2.0, 0.9),
    limits=(Limit(-1e100, 1.0 - 1e-15, 0.0),),
    accuracy=1e-14,
)
ellipe = special(
    "ellipe",
    partials=(lambda r, m: (-np.pi / 8.0) * hyp2f1(0.5, 1.5, 2.0, m),),
    formula="elliptic_e(x)",
    domain=(-2.0, 0.9),
    limits=(Limit(-1e100, 1.0, 0.0),),
    accuracy=1e-14,
)


def _lambertw_dtype(z: DType, k: DType) -> DType:
    return np.dtype(np.complex128)


_lambertw = special(
    "lambertw",
    arity=2,
    dtypes=_lambertw_dtype,
    partials=(lambda r, z, k: exp(-r) / (1.0 + r), None),
    kinds="fi",
    domain=((0.2, 3.0), (0.0, 0.0)),
    cost=300.0,
)


@builder(name="lambertw")
def lambertw(z: Any, k: Any = 0) -> Any:
    """Lambert's W function, complex, as ``scipy.special.lambertw``; ``.real`` where it is real.

    Parameters
    ----------
    z : array_like
    k : array_like of int, optional
        The branch.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> w = sg.special.lambertw(x).real
    >>> float(sg.function([x], sg.grad(w, x))(0.0))
    1.0
    """
    return _lambertw(z, as_node(k)) if any_node(z, k) else _lambertw(z, k)


# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.array([[0.5, 2.5, 1.3], [3.0, 1.125, 0.7]])

EXAMPLES: dict[str, list[Example]] = {
    "sici": [Example(sici, (_VALUES,)), Example(sici, (_VALUES.astype(np.float32),))],
    "shichi": [Example(shichi, (_VALUES,))],
    "fresnel": [Example(fresnel, (_VALUES,)), Example(lambda x: fresnel(-x)[1], (_VALUES,))],
    "lambertw": [
        Example(lambda x: lambertw(x).real, (_VALUES,)),
        Example(lambda x: lambertw(x * -0.1, -1), (_VALUES,)),
    ],
}
