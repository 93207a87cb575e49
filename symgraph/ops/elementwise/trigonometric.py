"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.elementwise.arithmetic import EPSILON, MOST_EXPONENT, sqrt
from symgraph.ops.elementwise.choice import full_like, where
from symgraph.ops.facts import Facts, Limit
from symgraph.ops.kinds import elementwise

sin = elementwise(
    "sin",
    ufunc=np.sin,
    partials=(lambda r, x: cos(x),),
    formula="sin(x)",
    facts=Facts(odd=True),
    cost=7.0,
    bounds=(-1.0, 1.0),
)
cos = elementwise(
    "cos",
    ufunc=np.cos,
    partials=(lambda r, x: -sin(x),),
    formula="cos(x)",
    facts=Facts(even=True),
    cost=7.0,
    bounds=(-1.0, 1.0),
)
tan = elementwise(
    "tan",
    ufunc=np.tan,
    partials=(lambda r, x: 1.0 + r * r,),
    formula="tan(x)",
    facts=Facts(odd=True),
    cost=10.0,
    domain=(-1.2, 1.2),
)
arcsin = elementwise(
    "arcsin",
    ufunc=np.arcsin,
    partials=(lambda r, x: 1.0 / sqrt((1.0 - x) * (1.0 + x)),),
    formula="asin(x)",
    facts=Facts(odd=True),
    cost=7.0,
    domain=(-0.9, 0.9),
    limits=(Limit(-1.0, 1.0, 0.0),),
)
arccos = elementwise(
    "arccos",
    ufunc=np.arccos,
    partials=(lambda r, x: -1.0 / sqrt((1.0 - x) * (1.0 + x)),),
    formula="acos(x)",
    cost=7.0,
    domain=(-0.9, 0.9),
    limits=(Limit(-1.0, 1.0, 0.0),),
)
arctan = elementwise(
    "arctan",
    ufunc=np.arctan,
    partials=(lambda r, x: 1.0 / (1.0 + x * x),),
    formula="atan(x)",
    facts=Facts(odd=True),
    cost=8.0,
)
arctan2 = elementwise(
    "arctan2",
    ufunc=np.arctan2,
    partials=(
        lambda r, x, y: y / (x * x + y * y),
        lambda r, x, y: -x / (x * x + y * y),
    ),
    formula="atan2(x, y)",
    cost=15.0,
    domain=(0.2, 3.0),
)
sinh = elementwise(
    "sinh",
    ufunc=np.sinh,
    partials=(lambda r, x: cosh(x),),
    formula="sinh(x)",
    facts=Facts(odd=True, inverse="arcsinh"),
    cost=6.0,
    limits=(Limit(-MOST_EXPONENT, MOST_EXPONENT, 0.0),),
)
cosh = elementwise(
    "cosh",
    ufunc=np.cosh,
    partials=(lambda r, x: sinh(x),),
    formula="cosh(x)",
    facts=Facts(even=True),
    cost=6.0,
    limits=(Limit(-MOST_EXPONENT, MOST_EXPONENT, 0.0),),
    bounds=(1.0, np.inf),
)
tanh = elementwise(
    "tanh",
    ufunc=np.tanh,
    partials=(lambda r, x: 1.0 - r * r,),
    formula="tanh(x)",
    facts=Facts(odd=True, inverse="arctanh"),
    cost=1.4,
    bounds=(-1.0, 1.0),
)


def _arcsinh_slope(r: Node, x: Node) -> Node:
    return 1.0 / (sqrt(1.0 + x * x) if x.dtype.kind == "c" else hypot(x, 1.0))


arcsinh = elementwise(
    "arcsinh",
    ufunc=np.arcsinh,
    partials=(_arcsinh_slope,),
    formula="asinh(x)",
    facts=Facts(odd=True, inverse="sinh"),
    cost=12.0,
)
arccosh = elementwise(
    "arccosh",
    ufunc=np.arccosh,
    partials=(lambda r, x: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)),),
    formula="acosh(x)",
    cost=12.0,
    domain=(1.2, 4.0),
    limits=(Limit(1.0, np.inf, 2.0),),
)
arctanh = elementwise(
    "arctanh",
    ufunc=np.arctanh,
    partials=(lambda r, x: 1.0 / ((1.0 - x) * (1.0 + x)),),
    formula="atanh(x)",
    facts=Facts(odd=True, inverse="tanh"),
    cost=10.0,
    domain=(-0.9, 0.9),
    limits=(Limit(-1.0 + EPSILON, 1.0 - EPSILON, 0.0),),
)


def _hypot_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return max([min(abs(low), abs(high)) if low * high > 0 else 0.0 for low, high in b]), np.inf


hypot = elementwise(
    "hypot",
    ufunc=np.hypot,
    partials=(lambda r, x, y: _norm_partial(x, r), lambda r, x, y: _norm_partial(y, r)),
    formula="sqrt(x**2 + y**2)",
    facts=Facts(commutative=True),
    cost=13.0,
    doc="``sqrt(x1**2 + x2**2)`` without overflow. The derivative at (0, 0) is 0.",
    bounds=_hypot_bounds,
)


def _norm_partial(x: Node, r: Node) -> Node:
    return x / where(r == 0, 1.0, r)


_DEGREE = float(np.pi / 180.0)


def _scaled(name: str, ufunc: np.ufunc, factor: float, formula: str) -> Any:
    """A multiplication by a constant under NumPy's name."""
    return elementwise(
        name,
        ufunc=ufunc,
        partials=(lambda r, x: full_like(r, factor),),
        formula=formula,
        facts=Facts(odd=True),
        cost=0.6,
    )


deg2rad = _scaled("deg2rad", np.deg2rad, _DEGREE, "x * pi / 180")
radians = _scaled("radians", np.radians, _DEGREE, "x * pi / 180")
rad2deg = _scaled("rad2deg", np.rad2deg, 1.0 / _DEGREE, "x * 180 / pi")
degrees = _scaled("degrees", np.degrees, 1.0 / _DEGREE, "x * 180 / pi")
