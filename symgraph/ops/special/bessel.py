"""Bessel functions and their kin, of real order and argument; Airy functions.

Derivatives by the argument: DLMF 10.6, 10.29, 10.51, 11.4. By the order they have no closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.errors import InputError
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import builder, builder_named
from symgraph.graph.types import as_integer
from symgraph.ops.calls import evaluated
from symgraph.ops.elementwise import absolute, exp, full_like, maximum, several, sign, sqrt, where
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import Example, NoDerivative, any_node, elementwise, library_ufunc
from symgraph.ops.special.common import ABOVE_ZERO, SQRT_PI, floating, special
from symgraph.ops.special.entropy import xlogy
from symgraph.ops.special.gamma import gammaln

__all__ = [
    "airy",
    "bei",
    "beip",
    "ber",
    "berp",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "ivp",
    "j0",
    "j1",
    "jn",
    "jv",
    "jve",
    "jvp",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kei",
    "keip",
    "ker",
    "kerp",
    "kn",
    "kv",
    "kve",
    "kvp",
    "modstruve",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
    "struve",
    "y0",
    "y1",
    "yn",
    "yv",
    "yve",
    "yvp",
]

_AWAY = (0.4, 5.0)
_MODERATE = Limit(-80.0, 80.0, 0.0)

_FAR = 100.0
_TERMS = 10
"""Beyond `_FAR`, and four times the square of the order, so many terms are exact."""


def _decaying(near: Node, v: Node | float, x: Node, sign_: float, even: bool) -> Node:
    """The slope of ``exp(-x) I_v(x)`` (`sign_` -1) or ``exp(x) K_v(x)`` (1), given that near 0.

    Far out its terms cancel; there it is that of the asymptotic series, DLMF 10.40.
    """
    squared = 4.0 * v * v
    size = absolute(x)
    far = size > _FAR + squared
    u = 1.0 / where(far, size, _FAR + squared)
    series = full_like(x, _TERMS + 0.5)
    for k in range(_TERMS, 0, -1):
        factor = (squared - (2.0 * k - 1.0) ** 2) * (sign_ / (8.0 * k))
        series = (k - 0.5) + factor * u * series
    scale = (np.pi / 2.0) ** 0.5 if sign_ > 0 else (2.0 * np.pi) ** -0.5
    slope = -scale * u * sqrt(u) * series
    return where(far, sign(x) * slope if even else slope, near)


# Of orders 0 and 1 --------------------------------------------------------------------------------

j0 = special(
    "j0",
    partials=(lambda r, x: -j1(x),),
    formula="besselj(0, x)",
    facts=Facts(even=True),
    bounds=(-1.0, 1.0),
)
j1 = special(
    "j1",
    partials=(lambda r, x: 0.5 * (j0(x) - jv(2.0, x)),),
    formula="besselj(1, x)",
    facts=Facts(odd=True),
    bounds=(-1.0, 1.0),
)
y0 = special(
    "y0",
    partials=(lambda r, x: -y1(x),),
    formula="bessely(0, x)",
    domain=_AWAY,
    limits=(ABOVE_ZERO,),
)
y1 = special(
    "y1",
    partials=(lambda r, x: 0.5 * (y0(x) - yv(2.0, x)),),
    formula="bessely(1, x)",
    domain=_AWAY,
    limits=(ABOVE_ZERO,),
)
i0 = elementwise(
    "i0",
    numpy=np.i0,
    dtypes=floating,
    partials=(lambda r, x: i1(x),),
    formula="besseli(0, x)",
    facts=Facts(even=True),
    limits=(_MODERATE,),
    cost=40.0,
    doc="Modified Bessel function of order 0, as ``np.i0`` and ``scipy.special.i0``.",
)
i1 = special(
    "i1",
    partials=(lambda r, x: 0.5 * (i0(x) + iv(2.0, x)),),
    formula="besseli(1, x)",
    facts=Facts(odd=True),
    limits=(_MODERATE,),
)
i0e = special(
    "i0e",
    partials=(lambda r, x: _decaying(i1e(x) - sign(x) * r, 0.0, x, -1.0, even=True),),
    formula="exp(-Abs(x)) * besseli(0, x)",
    facts=Facts(even=True),
    doc="``exp(-abs(x)) * i0(x)``, as ``scipy.special.i0e``. The derivative at 0 is 0.",
)
i1e = special(
    "i1e",
    partials=(
        lambda r, x: _decaying(
            0.5 * (i0e(x) + ive(2.0, x)) - sign(x) * r, 1.0, x, -1.0, even=False
        ),
    ),
    formula="exp(-Abs(x)) * besseli(1, x)",
    facts=Facts(odd=True),
)
k0 = special(
    "k0",
    partials=(lambda r, x: -k1(x),),
    formula="besselk(0, x)",
    domain=_AWAY,
    limits=(ABOVE_ZERO,),
)
k1 = special(
    "k1",
    partials=(lambda r, x: -0.5 * (k0(x) + kv(2.0, x)),),
    formula="besselk(1, x)",
    domain=_AWAY,
    limits=(ABOVE_ZERO,),
)
k0e = special(
    "k0e",
    partials=(lambda r, x: _decaying(r - k1e(x), 0.0, x, 1.0, even=False),),
    formula="exp(x) * besselk(0, x)",
    domain=_AWAY,
    limits=(ABOVE_ZERO,),
)
k1e = special(
    "k1e",
    partials=(lambda r, x: _decaying(r - 0.5 * (k0e(x) + kve(2.0, x)), 1.0, x, 1.0, even=False),),
    formula="exp(x) * besselk(1, x)",
    domain=_AWAY,
    limits=(ABOVE_ZERO,),
)

# Of real order ------------------------------------------------------------------------------------


def _of_order(
    name: str, slope: Callable[[Node, Node, Node], Node], formula: str, kinds: str = "ff"
) -> Any:
    return special(
        name,
        arity=2,
        partials=(NoDerivative(f"the order of {name}"), slope),
        formula=formula,
        kinds=kinds,
        domain=((0.5, 3.0), _AWAY),
        limits=(Limit(0.0, 10.0, 0.0), Limit(1e-10, 80.0, 1.0)),
        cost=200.0,
        accuracy=5e-14,
    )


jv = _of_order("jv", lambda r, v, x: 0.5 * (jv(v - 1.0, x) - jv(v + 1.0, x)), "besselj(x, y)")
yv = _of_order("yv", lambda r, v, x: 0.5 * (yv(v - 1.0, x) - yv(v + 1.0, x)), "bessely(x, y)")
iv = _of_order("iv", lambda r, v, x: 0.5 * (iv(v - 1.0, x) + iv(v + 1.0, x)), "besseli(x, y)")
kv = _of_order("kv", lambda r, v, x: -0.5 * (kv(v - 1.0, x) + kv(v + 1.0, x)), "besselk(x, y)")
ive = _of_order(
    "ive",
    lambda r, v, x: _decaying(
        0.5 * (ive(v - 1.0, x) + ive(v + 1.0, x)) - sign(x) * r, v, x, -1.0, even=False
    ),
    "exp(-Abs(y)) * besseli(x, y)",
)
kve = _of_order(
    "kve",
    lambda r, v, x: _decaying(r - 0.5 * (kve(v - 1.0, x) + kve(v + 1.0, x)), v, x, 1.0, even=False),
    "exp(y) * besselk(x, y)",
)
yn = _of_order("yn", lambda r, n, x: 0.5 * (yn(n - 1, x) - yn(n + 1, x)), "bessely(x, y)", "if")
kn = _of_order("kn", lambda r, n, x: -0.5 * (kn(n - 1, x) + kn(n + 1, x)), "besselk(x, y)", "if")


jve = _of_order("jve", lambda r, v, x: 0.5 * (jve(v - 1.0, x) - jve(v + 1.0, x)), "besselj(x, y)")
yve = _of_order("yve", lambda r, v, x: 0.5 * (yve(v - 1.0, x) - yve(v + 1.0, x)), "bessely(x, y)")


def _derivative_of(letter: str, sign_: float, outer: float) -> Any:
    """SciPy's ``jvp``, ``yvp``, ``ivp``, ``kvp``: derivatives of any order by the argument."""

    def function(v: Any, z: Any, n: int = 1) -> Any:
        order = as_integer(n, f"{letter}vp: n")
        if order < 0:
            raise InputError(f"{letter}vp: n", expected="not negative", got=str(n))
        base, total = builder_named(f"{letter}v"), 0.0
        assert base is not None
        for i in range(order + 1):
            total = total + (math.comb(order, i) * sign_**i) * base(v - order + 2 * i, z)
        return total * (outer / 2.0) ** order

    function.__name__ = function.__qualname__ = f"{letter}vp"
    function.__doc__ = (
        f"Derivative of order n of `{letter}v`, as ``scipy.special.{letter}vp``.\n\n"
        "Parameters\n----------\nv, z : array_like\nn : int, optional\n    Not negative.\n"
    )
    return evaluated(name=f"{letter}vp")(function)


jvp = _derivative_of("j", -1.0, 1.0)
yvp = _derivative_of("y", -1.0, 1.0)
ivp = _derivative_of("i", 1.0, 1.0)
kvp = _derivative_of("k", 1.0, -1.0)


@builder(name="jn")
def jn(v: Any, z: Any) -> Any:
    """Bessel function of the first kind, as ``scipy.special.jn``: `jv`."""
    return jv(v, z)


def _power_term(v: Node, x: Node) -> Node:
    return exp(xlogy(v, 0.5 * x) - gammaln(v + 1.5)) / SQRT_PI


struve = _of_order(
    "struve",
    lambda r, v, x: 0.5 * (struve(v - 1.0, x) - struve(v + 1.0, x) + _power_term(v, x)),
    "",
)
modstruve = _of_order(
    "modstruve",
    lambda r, v, x: 0.5 * (modstruve(v - 1.0, x) + modstruve(v + 1.0, x) + _power_term(v, x)),
    "",
)

# Spherical ----------------------------------------------------------------------------------------


def _spherical(letter: str, below: float, above: float) -> Any:
    """``(2 n + 1) f'_n = below n f_(n-1) + above (n + 1) f_(n+1)``."""
    name = f"spherical_{letter}n"

    def slope(r: Node, n: Node, z: Node) -> Node:
        order = n.astype(r.dtype)
        # The factor n drops the function of order -1.
        lower, upper = apply_(maximum(n - 1, 0), z), apply_(n + 1, z)
        total = (below * order) * lower + (above * (order + 1.0)) * upper
        return total / (2.0 * order + 1.0)

    apply_ = special(
        name,
        arity=2,
        # SciPy computes the other three in double precision.
        dtypes=lambda n, z: floating(z) if letter == "k" else np.dtype(np.float64),
        partials=(NoDerivative(f"the order of {name}"), slope),
        kinds="if",
        domain=((0.0, 3.0), _AWAY),
        limits=(Limit(0.0, 10.0, 0.0), Limit(1e-10, 80.0, 1.0)),
        cost=300.0,
    )

    def function(n: Any, z: Any, derivative: bool = False) -> Any:
        if not any_node(n, z):
            return library_ufunc(f"scipy.special.{name}")(n, z, derivative)
        order, value = as_node(n), as_node(z)
        result = apply_(order, value)
        return slope(result, order, value) if derivative else result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"Spherical Bessel function {letter}_n, as ``scipy.special.{name}``.\n\n"
        "Parameters\n----------\nn : array_like of int\n    The order, not negative.\n"
        "z : array_like\nderivative : bool, optional\n    Whether its derivative.\n"
    )
    return builder(name=name)(function)


spherical_jn = _spherical("j", 1.0, -1.0)
spherical_yn = _spherical("y", 1.0, -1.0)
spherical_in = _spherical("i", 1.0, 1.0)
spherical_kn = _spherical("k", -1.0, -1.0)

ber = special("ber", partials=(lambda r, x: berp(x),), domain=_AWAY, limits=(_MODERATE,))
bei = special("bei", partials=(lambda r, x: beip(x),), domain=_AWAY, limits=(_MODERATE,))
berp = special("berp", partials=(lambda r, x: -bei(x) - r / x,), domain=_AWAY, limits=(_MODERATE,))
beip = special("beip", partials=(lambda r, x: ber(x) - r / x,), domain=_AWAY, limits=(_MODERATE,))
ker = special("ker", partials=(lambda r, x: kerp(x),), domain=_AWAY, limits=(ABOVE_ZERO,))
kei = special("kei", partials=(lambda r, x: keip(x),), domain=_AWAY, limits=(ABOVE_ZERO,))
kerp = special("kerp", partials=(lambda r, x: -kei(x) - r / x,), domain=_AWAY, limits=(ABOVE_ZERO,))
keip = special("keip", partials=(lambda r, x: ker(x) - r / x,), domain=_AWAY, limits=(ABOVE_ZERO,))
airy = several(
    "scipy.special.airy",
    lambda r, x: r[1],
    lambda r, x: x * r[0],
    lambda r, x: r[3],
    lambda r, x: x * r[2],
    doc="Airy functions ``Ai, Ai', Bi, Bi'``.",
)

# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.array([[0.5, 2.5, 1.3], [3.0, 1.125, 0.7]])

EXAMPLES: dict[str, list[Example]] = {
    "airy": [
        Example(airy, (_VALUES - 1.5,)),
        Example(airy, (_VALUES.astype(np.float32),)),
    ],
    "jn": [Example(lambda x: jn(2, x), (_VALUES,))],
    "derivatives": [
        Example(
            lambda x, f=f, name=name: f(1.5, x, 2),
            (_VALUES,),
            lambda x, f=f, name=name: library_ufunc(f"scipy.special.{name}")(1.5, x, 2),
        )
        for name, f in (("jvp", jvp), ("yvp", yvp), ("ivp", ivp), ("kvp", kvp))
    ],
    "spherical": [
        Example(
            lambda x: spherical_jn(2, x, True),
            (_VALUES,),
            lambda x: library_ufunc("scipy.special.spherical_jn")(2, x, True),
        ),
    ],
}
