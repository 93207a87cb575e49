"""Arithmetic, powers, absolute value and sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.graph.code import Code, infix
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant
from symgraph.graph.registry import apply, builder
from symgraph.ops.elementwise.choice import full_like, where
from symgraph.ops.facts import (
    NOT_NEGATIVE,
    UNBOUNDED,
    Facts,
    Limit,
    product_bounds,
    sign_bounds,
)
from symgraph.ops.kinds import any_node, elementwise, loop_dtypes

TINY, EPSILON = float(np.finfo(float).smallest_subnormal), float(np.finfo(float).eps)
MOST_EXPONENT = 80.0
"""Exponentials of less do not overflow, not even in single precision."""
POSITIVE = Limit(TINY, np.inf, 1.0, sharp=True)
NOT_ZERO = Limit(TINY, np.inf, 1.0, mirrored=True, sharp=True)


def _quotient_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    # A divisor that may be 0 may be -0.0, and the quotient infinite with any sign.
    if b[1][0] <= 0 <= b[1][1]:
        return UNBOUNDED
    return sign_bounds(product_bounds([sign_bounds(pair) for pair in b]))


def _size_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    ((low, high),) = b
    return max(low, -high, 0.0), max(-low, high)


def _square_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    low, high = _size_bounds(b)
    return low * low, high * high


def _power_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    exponent = b[1][0]
    even = exponent == b[1][1] and np.isfinite(exponent) and exponent % 2 == 0
    return NOT_NEGATIVE if even or b[0][0] > 0 else UNBOUNDED


REAL = np.cbrt
"""The dtypes of a function of real numbers: those of a ufunc without complex loops."""

add = elementwise(
    "add",
    ufunc=np.add,
    symbol="+",
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: full_like(y, 1)),
    formula="x + y",
    facts=Facts(commutative=True, associative=True, unit=0.0),
    cost=0.3,
    bounds=lambda b: (b[0][0] + b[1][0], b[0][1] + b[1][1]),
)
subtract = elementwise(
    "subtract",
    ufunc=np.subtract,
    symbol="-",
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: full_like(y, -1)),
    formula="x - y",
    facts=Facts(unit=0.0, unit_right_only=True),
    cost=0.3,
    bounds=lambda b: (b[0][0] - b[1][1], b[0][1] - b[1][0]),
)
multiply = elementwise(
    "multiply",
    ufunc=np.multiply,
    symbol="*",
    partials=(lambda r, x, y: y, lambda r, x, y: x),
    formula="x * y",
    facts=Facts(commutative=True, associative=True, unit=1.0, absorbing=0.0),
    cost=0.3,
    bounds=product_bounds,
)
divide = elementwise(
    "divide",
    ufunc=np.divide,
    symbol="/",
    partials=(lambda r, x, y: 1.0 / y, lambda r, x, y: -r / y),
    formula="x / y",
    facts=Facts(unit=1.0, unit_right_only=True, zeros=(0,)),
    cost=0.6,
    domain=(0.5, 3.0),
    limits=(None, NOT_ZERO),
    bounds=_quotient_bounds,
)
negative = elementwise(
    "negative",
    ufunc=np.negative,
    symbol="-",
    partials=(lambda r, x: full_like(x, -1),),
    formula="-x",
    facts=Facts(involution=True, odd=True),
    cost=0.3,
    bounds=lambda b: (-b[0][1], -b[0][0]),
)
reciprocal = elementwise(
    "reciprocal",
    ufunc=np.reciprocal,
    partials=(lambda r, x: -r * r,),
    formula="1 / x",
    facts=Facts(odd=True),
    cost=0.6,
    domain=(0.5, 3.0),
    limits=(NOT_ZERO,),
)


def _power_base(r: Node, x: Node, y: Node) -> Node:
    if isinstance(y.op, Constant) and y.ndim == 0:
        exponent = y.op.value[()]
        if exponent == 1:
            return full_like(x, 1)
        if exponent == 2:
            return 2.0 * x if x.dtype.kind == "f" else 2 * x
        return y * x ** constant(np.asarray(exponent - 1, y.dtype))
    # y * x ** (y - 1) is 0 * inf where x = y = 0; elsewhere at y = 0 its derivative is 1 / x.
    return y * where((x == 0) & (y == 0), 1.0, x) ** (y - 1.0)


def _power_exponent(r: Node, x: Node, y: Node) -> Node:
    # 0 where x = 0, also of x**y * log(x) with y > 0; NaN where x < 0, as it should be.
    return where(x == 0, 0.0, r * apply("log", where(x == 0, 1.0, x)))


def _power_limits(xs: Sequence[Node]) -> Sequence[Limit | None]:
    base, exponent = (x.op.value if isinstance(x.op, Constant) and not x.ndim else None for x in xs)
    if base is not None:
        return (None, None) if base == 1 else (None, _POWERS if base > 0 else Limit(0.0, 0.0, 0.0))
    if exponent is None or exponent != np.floor(exponent):
        return (Limit(TINY, np.inf, 1.0), None)
    return (None if exponent >= 0 else NOT_ZERO, None)


_POWERS = Limit(-10.0, 10.0, 0.0)
"""Exponents with which few bases overflow."""


power = elementwise(
    "power",
    ufunc=np.power,
    symbol="**",
    partials=(_power_base, _power_exponent),
    formula="x**y",
    facts=Facts(unit=1.0, unit_right_only=True),
    cost=20.0,
    domain=(0.5, 3.0),
    limits=_power_limits,
    bounds=_power_bounds,
)
square = elementwise(
    "square",
    ufunc=np.square,
    text=lambda x: infix("**", x, Code("2", literal=True)),
    assignment="**= 2",
    partials=(lambda r, x: 2.0 * x if x.dtype.kind == "f" else 2 * x,),
    formula="x**2",
    facts=Facts(even=True),
    cost=0.3,
    bounds=_square_bounds,
)
sqrt = elementwise(
    "sqrt",
    ufunc=np.sqrt,
    partials=(lambda r, x: 0.5 / r,),
    formula="sqrt(x)",
    cost=0.9,
    domain=(0.1, 4.0),
    limits=(Limit(0.0, np.inf, 1.0),),
    bounds=NOT_NEGATIVE,
)
cbrt = elementwise(
    "cbrt",
    ufunc=np.cbrt,
    partials=(lambda r, x: 1.0 / (3.0 * r * r),),
    formula="sign(x) * Abs(x)**Rational(1, 3)",
    facts=Facts(odd=True),
    cost=15.0,
    domain=(0.1, 4.0),
)


def _absolute_slope(r: Node, x: Node) -> Node:
    if x.dtype.kind == "c":
        # The derivative is the real part of this times the tangent.
        return apply("conjugate", x) / where(r == 0, 1.0, r)
    return sign(x)


absolute = elementwise(
    "absolute",
    ufunc=np.absolute,
    partials=(_absolute_slope,),
    formula="Abs(x)",
    facts=Facts(analytic=False, even=True, idempotent=True),
    cost=0.3,
    doc="Absolute value, as ``np.abs``. The derivative at 0 is 0.",
    bounds=_size_bounds,
)
fabs = elementwise(
    "fabs",
    ufunc=np.fabs,
    partials=(lambda r, x: sign(x),),
    formula="Abs(x)",
    facts=Facts(even=True, idempotent=True),
    cost=0.3,
    doc="Absolute value of real numbers, as ``np.fabs``. The derivative at 0 is 0.",
    bounds=NOT_NEGATIVE,
)
_sign = elementwise(
    "sign",
    ufunc=np.sign,
    partials=(None,),
    formula="sign(x)",
    facts=Facts(analytic=False, odd=True, idempotent=True),
    cost=0.6,
    bounds=(-1.0, 1.0),
)


@builder(name="sign")
def sign(x: Any) -> Any:
    """Sign, as ``np.sign``: -1, 0 or 1, and ``z / abs(z)`` of complex numbers.

    The derivative is 0 for real numbers, and at 0.

    Parameters
    ----------
    x : array_like
    """
    if not any_node(x) or as_node(x).dtype.kind != "c":
        return _sign(x)
    node = as_node(x)
    size = absolute(node)
    return node / where(size == 0, 1.0, size)


copysign = elementwise(
    "copysign",
    ufunc=np.copysign,
    partials=(lambda r, x, y: sign(x) * copysign(1.0, y), None),
    formula="Abs(x) * (2 * Heaviside(y, 1) - 1)",
    cost=0.6,
    doc="The size of one value with the sign of another, as ``np.copysign``.\n\n"
    "The derivative by `x1` at 0 is 0, that by `x2` is 0.",
)
float_power = elementwise(
    "float_power",
    ufunc=np.float_power,
    partials=(_power_base, _power_exponent),
    formula="x**y",
    facts=Facts(unit=1.0, unit_right_only=True),
    cost=20.0,
    domain=(0.5, 3.0),
    limits=_power_limits,
)


@builder(name="positive")
def positive(x: Any) -> Any:
    """The values themselves, as ``np.positive``.

    Raises
    ------
    DTypeError
        For booleans.
    """
    if not any_node(x):
        return np.positive(x)
    node = as_node(x)
    loop_dtypes(np.positive, (node.dtype,), "positive")
    return node
