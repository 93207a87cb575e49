"""Exponential, trigonometric, Fresnel and elliptic integrals; dilogarithm; Lambert's W.

Derivatives: DLMF 6.2, 7.2, 8.19, 19.4, 25.12, 4.13.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from symgraph.errors import UnsupportedError
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
    sqrt,
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
    "ellipeinc",
    "ellipk",
    "ellipkinc",
    "ellipkm1",
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
    partials=(lambda r, m: _ellipk_slope(m),),
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


def _ellipk_slope(m: Node) -> Node:
    return (np.pi / 8.0) * hyp2f1(1.5, 1.5, 2.0, m)


def _ellipkm1_slope(r: Node, p: Node) -> Node:
    # In terms of p = 1 - m where that is small, and m has lost it.
    small = p < 0.5
    near = where(small, p, 0.5)
    left = (ellipe(1.0 - near) / near - r) / (1.0 - near)
    return where(small, -0.5 * left, -_ellipk_slope(1.0 - where(small, 0.5, p)))


ellipkm1 = special(
    "ellipkm1",
    partials=(_ellipkm1_slope,),
    formula="elliptic_k(1 - x)",
    domain=(0.05, 2.5),
    limits=(ABOVE_ZERO,),
    accuracy=1e-14,
)


def _root(phi: Node, m: Node) -> Node:
    return sqrt(1.0 - m * square(sin(phi)))


def _ellipeinc_slope(r: Node, phi: Node, m: Node) -> Node:
    # (E - F) / (2 m), whose terms cancel next to 0: there by a series in m of trapezoids.
    near = absolute(m) < 1e-2
    safe = where(near, 1.0, m)
    return where(near, _ellipeinc_series(phi, m), (r - ellipkinc(phi, m)) / (2.0 * safe))


def _sine_integrals(phi: Node, count: int) -> list[Node]:
    """The integrals of ``sin(t)**(2 k)`` from 0 to phi, for k = 0 to count."""
    found, sine, cosine = [phi], sin(phi), cos(phi)
    power = sine
    for k in range(1, count + 1):
        found.append(((2.0 * k - 1.0) * found[-1] - power * cosine) / (2.0 * k))
        power = power * square(sine)
    return found


def _binomials(exponent: float, count: int) -> list[float]:
    """Coefficients of ``(1 - x)**exponent``."""
    found = [1.0]
    for k in range(count):
        found.append(found[-1] * (k - exponent) / (k + 1.0))
    return found


def _ellipeinc_series(phi: Node, m: Node) -> Node:
    near = where(absolute(m) < 1e-2, m, 0.0)
    integrals, factors = _sine_integrals(phi, 7), _binomials(0.5, 7)
    total = full_like(near * phi, 0.0)
    for k in range(7, 0, -1):
        total = total * near + (factors[k] * k) * integrals[k]
    return total


def _ellipkinc_slope(r: Node, phi: Node, m: Node) -> Node:
    near = absolute(m) < 1e-2
    small, safe = where(near, m, 0.0), where(near, 0.5, m)
    integrals, factors = _sine_integrals(phi, 7), _binomials(-0.5, 7)
    series = full_like(small * phi, 0.0)
    for k in range(7, 0, -1):
        series = series * small + (factors[k] * k) * integrals[k]
    rest = 1.0 - safe
    turned = sin(2.0 * phi) / (4.0 * rest * _root(phi, safe))
    closed = ellipeinc(phi, safe) / (2.0 * safe * rest) - r / (2.0 * safe) - turned
    return where(near, series, closed)


ellipkinc = special(
    "ellipkinc",
    arity=2,
    partials=(lambda r, phi, m: 1.0 / _root(phi, m), _ellipkinc_slope),
    formula="elliptic_f(x, y)",
    domain=((-1.4, 1.4), (-0.9, 0.9)),
    limits=(None, Limit(-1e100, 1.0 - 1e-15, 0.0)),
    cost=150.0,
    accuracy=1e-14,
)
ellipeinc = special(
    "ellipeinc",
    arity=2,
    partials=(lambda r, phi, m: _root(phi, m), _ellipeinc_slope),
    formula="elliptic_e(x, y)",
    domain=((-1.4, 1.4), (-0.9, 0.9)),
    limits=(None, Limit(-1e100, 1.0, 0.0)),
    cost=150.0,
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


@builder(name="_lambertw")
def _called_by_scipy(z: Any, k: Any, tol: float) -> Any:
    """The ufunc that SciPy's ``lambertw``, a function of Python, calls."""
    if tol != 1e-8:
        raise UnsupportedError(f"lambertw: tol={tol}", expected="the default, 1e-8")
    return lambertw(z, k)


# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.array([[0.5, 2.5, 1.3], [3.0, 1.125, 0.7]])

EXAMPLES: dict[str, list[Example]] = {
    "sici": [Example(sici, (_VALUES,)), Example(sici, (_VALUES.astype(np.float32),))],
    "shichi": [Example(shichi, (_VALUES,))],
    "fresnel": [Example(fresnel, (_VALUES,)), Example(lambda x: fresnel(-x)[1], (_VALUES,))],
    "lambertw": [
        Example(lambda x: lambertw(x).real, (_VALUES,)),
        Example(lambda x: lambertw(x * -0.1, -1), (_VALUES,)),
        Example(lambda x: import_module("scipy.special").lambertw(x).real, (_VALUES,)),
    ],
}
