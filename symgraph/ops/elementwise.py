"""Element-wise operations: one call of `elementwise` each.

Partials are declared where SymPy's derivative would be slow to get, or unusable in floating
point; the tests prove each against the derivative of the formula. Partials take the result
first, then the operands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import DTypeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, infix, method
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.types import TensorType, Type, as_dtype, broadcast_shapes
from symgraph.ops.kinds import Facts, Linear, any_node, elementwise, promote, weak_nodes

LN2, LN10 = float(np.log(2.0)), float(np.log(10.0))


def zeros_like(node: Node) -> Node:
    """Zeros of the dtype and shape of a node."""
    return full_like(node, 0)


def full_like(node: Node, value: complex) -> Node:
    """One value in the dtype and shape of a node."""
    scalar = constant(np.asarray(value, dtype=node.dtype))
    return scalar if node.ndim == 0 else _broadcast(scalar, node)


def _broadcast(scalar: Node, like: Node) -> Node:
    return apply("broadcast_to", scalar, like.shape)


def mask_times(mask: Node, value: Node) -> Node:
    """``value`` where `mask` is true and zero elsewhere, infinities included."""
    return make(WHERE, mask, value, constant(np.zeros((), value.dtype)))


# Arithmetic ------------------------------------------------------------------------------------

add = elementwise(
    "add",
    ufunc=np.add,
    symbol="+",
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: full_like(y, 1)),
    formula="x + y",
    facts=Facts(commutative=True, associative=True, unit=0.0),
    cost=0.3,
)
subtract = elementwise(
    "subtract",
    ufunc=np.subtract,
    symbol="-",
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: full_like(y, -1)),
    formula="x - y",
    facts=Facts(unit=0.0, unit_right_only=True),
    cost=0.3,
)
multiply = elementwise(
    "multiply",
    ufunc=np.multiply,
    symbol="*",
    partials=(lambda r, x, y: y, lambda r, x, y: x),
    formula="x * y",
    facts=Facts(commutative=True, associative=True, unit=1.0, absorbing=0.0),
    cost=0.3,
)
divide = elementwise(
    "divide",
    ufunc=np.divide,
    symbol="/",
    partials=(lambda r, x, y: 1.0 / y, lambda r, x, y: -r / y),
    formula="x / y",
    facts=Facts(unit=1.0, unit_right_only=True),
    cost=0.6,
    domain=(0.5, 3.0),
)
negative = elementwise(
    "negative",
    ufunc=np.negative,
    symbol="-",
    partials=(lambda r, x: full_like(x, -1),),
    formula="-x",
    facts=Facts(involution=True, odd=True),
    cost=0.3,
)
reciprocal = elementwise(
    "reciprocal",
    ufunc=np.reciprocal,
    partials=(lambda r, x: -r * r,),
    formula="1 / x",
    facts=Facts(odd=True),
    cost=0.6,
    domain=(0.5, 3.0),
)


def _power_base(r: Node, x: Node, y: Node) -> Node:
    if isinstance(y.op, Constant) and y.ndim == 0:
        exponent = y.op.value[()]
        if exponent == 1:
            return full_like(x, 1)
        if exponent == 2:
            return 2.0 * x if x.dtype.kind == "f" else 2 * x
        return y * x ** constant(np.asarray(exponent - 1, y.dtype))
    # y * x ** (y - 1) is 0 * inf where x = y = 0.
    return where(y == 0, 0.0, y) * x ** where(y == 0, 1.0, y - 1.0)


def _power_exponent(r: Node, x: Node, y: Node) -> Node:
    # 0 where x = 0, also of x**y * log(x) with y > 0; NaN where x < 0, as it should be.
    return where(x == 0, 0.0, r * log(where(x == 0, 1.0, x)))


power = elementwise(
    "power",
    ufunc=np.power,
    symbol="**",
    partials=(_power_base, _power_exponent),
    formula="x**y",
    facts=Facts(unit=1.0, unit_right_only=True),
    cost=20.0,
    domain=(0.5, 3.0),
)
square = elementwise(
    "square",
    ufunc=np.square,
    text=lambda x: infix("**", x, Code("2", literal=True)),
    partials=(lambda r, x: 2.0 * x if x.dtype.kind == "f" else 2 * x,),
    formula="x**2",
    facts=Facts(even=True),
    cost=0.3,
)
sqrt = elementwise(
    "sqrt",
    ufunc=np.sqrt,
    partials=(lambda r, x: 0.5 / r,),
    formula="sqrt(x)",
    cost=0.9,
    domain=(0.1, 4.0),
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
floor_divide = elementwise(
    "floor_divide",
    ufunc=np.floor_divide,
    symbol="//",
    partials=(None, None),
    formula="floor(x / y)",
    cost=5.0,
    domain=(0.5, 3.0),
)
remainder = elementwise(
    "remainder",
    ufunc=np.remainder,
    symbol="%",
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: -floor(x / y)),
    formula="x - y * floor(x / y)",
    cost=8.0,
    domain=(0.5, 3.0),
)
absolute = elementwise(
    "absolute",
    ufunc=np.absolute,
    partials=(lambda r, x: sign(x),),
    formula="Abs(x)",
    facts=Facts(even=True, idempotent=True),
    cost=0.3,
    doc="Absolute value, as ``np.abs``. The derivative at 0 is 0.",
)
sign = elementwise(
    "sign",
    ufunc=np.sign,
    partials=(None,),
    formula="sign(x)",
    facts=Facts(odd=True, idempotent=True),
    cost=0.6,
    doc="Sign, as ``np.sign``. The derivative is 0.",
)

# Exponentials and logarithms -------------------------------------------------------------------

exp = elementwise(
    "exp",
    ufunc=np.exp,
    partials=(lambda r, x: r,),
    formula="exp(x)",
    facts=Facts(inverse="log"),
    cost=0.7,
)
exp2 = elementwise(
    "exp2",
    ufunc=np.exp2,
    partials=(lambda r, x: LN2 * r,),
    formula="2**x",
    facts=Facts(inverse="log2"),
    cost=1.5,
)
expm1 = elementwise(
    "expm1",
    ufunc=np.expm1,
    partials=(lambda r, x: exp(x),),
    formula="exp(x) - 1",
    facts=Facts(inverse="log1p"),
    cost=4.0,
)
log = elementwise(
    "log",
    ufunc=np.log,
    partials=(lambda r, x: 1.0 / x,),
    formula="log(x)",
    facts=Facts(inverse="exp"),
    cost=0.9,
    domain=(0.1, 4.0),
)
log2 = elementwise(
    "log2",
    ufunc=np.log2,
    partials=(lambda r, x: (1.0 / LN2) / x,),
    formula="log(x) / log(2)",
    facts=Facts(inverse="exp2"),
    cost=4.0,
    domain=(0.1, 4.0),
)
log10 = elementwise(
    "log10",
    ufunc=np.log10,
    partials=(lambda r, x: (1.0 / LN10) / x,),
    formula="log(x) / log(10)",
    cost=5.0,
    domain=(0.1, 4.0),
)
log1p = elementwise(
    "log1p",
    ufunc=np.log1p,
    partials=(lambda r, x: 1.0 / (1.0 + x),),
    formula="log(1 + x)",
    facts=Facts(inverse="expm1"),
    cost=5.0,
    domain=(-0.5, 3.0),
)
logaddexp = elementwise(
    "logaddexp",
    ufunc=np.logaddexp,
    # exp(x - r) would lose the digits that r = x + small has lost.
    partials=(lambda r, x, y: sigmoid(x - y), lambda r, x, y: sigmoid(y - x)),
    formula="log(exp(x) + exp(y))",
    facts=Facts(commutative=True, associative=True),
    cost=17.0,
)
sigmoid = elementwise(
    "sigmoid",
    dtypes=np.exp,
    partials=(lambda r, x: r * sigmoid(-x),),
    formula="1 / (1 + exp(-x))",
    cost=3.0,
    decompose=lambda x: exp(minimum(x, 0.0)) / (1.0 + exp(-absolute(x))),
    doc="Logistic function ``1 / (1 + exp(-x))``, without overflow and accurate in both tails.",
)
softplus = elementwise(
    "softplus",
    dtypes=np.exp,
    partials=(lambda r, x: sigmoid(x),),
    formula="log(1 + exp(x))",
    cost=6.0,
    decompose=lambda x: maximum(x, 0.0) + log1p(exp(-absolute(x))),
    doc="``log(1 + exp(x))``, without overflow and accurate in both tails.",
)

# Trigonometric and hyperbolic functions --------------------------------------------------------

sin = elementwise(
    "sin",
    ufunc=np.sin,
    partials=(lambda r, x: cos(x),),
    formula="sin(x)",
    facts=Facts(odd=True),
    cost=7.0,
)
cos = elementwise(
    "cos",
    ufunc=np.cos,
    partials=(lambda r, x: -sin(x),),
    formula="cos(x)",
    facts=Facts(even=True),
    cost=7.0,
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
)
arccos = elementwise(
    "arccos",
    ufunc=np.arccos,
    partials=(lambda r, x: -1.0 / sqrt((1.0 - x) * (1.0 + x)),),
    formula="acos(x)",
    cost=7.0,
    domain=(-0.9, 0.9),
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
)
cosh = elementwise(
    "cosh",
    ufunc=np.cosh,
    partials=(lambda r, x: sinh(x),),
    formula="cosh(x)",
    facts=Facts(even=True),
    cost=6.0,
)
tanh = elementwise(
    "tanh",
    ufunc=np.tanh,
    partials=(lambda r, x: 1.0 - r * r,),
    formula="tanh(x)",
    facts=Facts(odd=True, inverse="arctanh"),
    cost=1.4,
)
arcsinh = elementwise(
    "arcsinh",
    ufunc=np.arcsinh,
    partials=(lambda r, x: 1.0 / hypot(x, 1.0),),
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
)
arctanh = elementwise(
    "arctanh",
    ufunc=np.arctanh,
    partials=(lambda r, x: 1.0 / ((1.0 - x) * (1.0 + x)),),
    formula="atanh(x)",
    facts=Facts(odd=True, inverse="tanh"),
    cost=10.0,
    domain=(-0.9, 0.9),
)
hypot = elementwise(
    "hypot",
    ufunc=np.hypot,
    partials=(lambda r, x, y: _norm_partial(x, r), lambda r, x, y: _norm_partial(y, r)),
    formula="sqrt(x**2 + y**2)",
    facts=Facts(commutative=True),
    cost=13.0,
    doc="``sqrt(x1**2 + x2**2)`` without overflow. The derivative at (0, 0) is 0.",
)


def _norm_partial(x: Node, r: Node) -> Node:
    return x / where(r == 0, 1.0, r)


# What stability rules put in the place of formulas that cancel or overflow ----------------------

log1mexp = elementwise(
    "log1mexp",
    dtypes=np.exp,
    partials=(lambda r, x: exp(x) / expm1(x),),
    formula="log(1 - exp(x))",
    cost=9.0,
    domain=(-3.0, -0.1),
    # Either form cancels where the other does not (Mächler 2012, "Accurately computing
    # log(1 - exp(-|a|))").
    decompose=lambda x: where(
        x > -LN2, log(-expm1(maximum(x, -1.0))), log1p(-exp(minimum(x, -0.5)))
    ),
    doc="``log(1 - exp(x))`` for x < 0, accurate next to 0 and in the tail.",
)


def _logcosh(x: Node) -> Node:
    size = absolute(x)
    # Next to 0 the two terms of the other form cancel.
    near = 0.5 * log1p(square(sinh(minimum(size, 1.0))))
    return where(size < 1.0, near, (size - LN2) + log1p(exp(-2.0 * size)))


logcosh = elementwise(
    "logcosh",
    dtypes=np.exp,
    partials=(lambda r, x: tanh(x),),
    formula="log(cosh(x))",
    facts=Facts(even=True),
    cost=20.0,
    decompose=_logcosh,
    doc="``log(cosh(x))``, without overflow and accurate next to 0.",
)


def _sech2(x: Node) -> Node:
    e = exp(-2.0 * absolute(x))
    return 4.0 * e / square(1.0 + e)


sech2 = elementwise(
    "sech2",
    dtypes=np.exp,
    partials=(lambda r, x: -2.0 * r * tanh(x),),
    formula="1 / cosh(x)**2",
    facts=Facts(even=True),
    cost=3.0,
    decompose=_sech2,
    doc="``1 / cosh(x)**2 = 1 - tanh(x)**2``, without overflow and accurate in the tails.",
)


def _sqrt1pm1(x: Node) -> Node:
    root = sqrt(1.0 + x)
    # The quotient is inf / inf at infinity; for large x nothing cancels.
    return where(x < 1.0, minimum(x, 1.0) / (root + 1.0), root - 1.0)


sqrt1pm1 = elementwise(
    "sqrt1pm1",
    dtypes=np.sqrt,
    partials=(lambda r, x: 0.5 / sqrt(1.0 + x),),
    formula="sqrt(1 + x) - 1",
    cost=4.0,
    domain=(-0.5, 3.0),
    decompose=_sqrt1pm1,
    doc="``sqrt(1 + x) - 1``, accurate next to 0.",
)


def _hypot1m1(x: Node) -> Node:
    size = absolute(x)
    root = hypot(x, 1.0)
    # The product overflows for large x, where nothing cancels.
    near = size * (minimum(size, 1.0) / (root + 1.0))
    return where(size < 1.0, near, root - 1.0)


hypot1m1 = elementwise(
    "hypot1m1",
    dtypes=np.sqrt,
    partials=(lambda r, x: x / hypot(x, 1.0),),
    formula="sqrt(x**2 + 1) - 1",
    facts=Facts(even=True),
    cost=18.0,
    decompose=_hypot1m1,
    doc="``sqrt(x**2 + 1) - 1``, without overflow and accurate next to 0.",
)


def _unless_zero(x: Node) -> Node:
    return where(x == 0, 1.0, x)


spherical_j0 = elementwise(
    "spherical_j0",
    dtypes=np.sin,
    partials=(lambda r, x: -spherical_j1(x),),
    formula="sin(x) / x",
    facts=Facts(even=True),
    cost=12.0,
    domain=(0.1, 6.0),
    decompose=lambda x: where(x == 0, 1.0, sin(x) / _unless_zero(x)),
    doc="``sin(x) / x``, and 1 at 0; the first spherical Bessel function.",
)

_J1_SERIES = tuple(
    [(-0.5) ** k / (math.factorial(k) * math.prod(range(1, 2 * k + 4, 2))) for k in range(9)]
)
"""Coefficients of ``spherical_j1(x) / x`` in x**2; the next is 1e-18 of the first at x = 1."""


def _spherical_j1(x: Node) -> Node:
    small = square(minimum(absolute(x), 1.0))
    series = _J1_SERIES[-1] * small
    for coefficient in _J1_SERIES[-2:0:-1]:
        series = (series + coefficient) * small
    far = where(absolute(x) < 1.0, 1.0, x)
    # Next to 0 sin(x) / x and cos(x) cancel.
    return where(absolute(x) < 1.0, x * (series + _J1_SERIES[0]), (sin(far) / far - cos(far)) / far)


spherical_j1 = elementwise(
    "spherical_j1",
    dtypes=np.sin,
    partials=(lambda r, x: where(x == 0, 1.0 / 3.0, spherical_j0(x) - 2.0 * r / _unless_zero(x)),),
    formula="sin(x) / x**2 - cos(x) / x",
    facts=Facts(odd=True),
    cost=30.0,
    domain=(0.5, 6.0),
    decompose=_spherical_j1,
    doc="``sin(x) / x**2 - cos(x) / x``, and 0 at 0: minus the derivative of `spherical_j0`.",
)

# Comparisons, logic, rounding: the derivative is 0 ---------------------------------------------

_NO_DERIVATIVE: tuple[None, None] = (None, None)

equal = elementwise(
    "equal",
    ufunc=np.equal,
    symbol="==",
    partials=_NO_DERIVATIVE,
    formula="Eq(x, y)",
    facts=Facts(commutative=True),
    cost=0.2,
)
not_equal = elementwise(
    "not_equal",
    ufunc=np.not_equal,
    symbol="!=",
    partials=_NO_DERIVATIVE,
    formula="Ne(x, y)",
    facts=Facts(commutative=True),
    cost=0.2,
)
less = elementwise(
    "less", ufunc=np.less, symbol="<", partials=_NO_DERIVATIVE, formula="x < y", cost=0.2
)
less_equal = elementwise(
    "less_equal",
    ufunc=np.less_equal,
    symbol="<=",
    partials=_NO_DERIVATIVE,
    formula="x <= y",
    cost=0.2,
)
greater = elementwise(
    "greater", ufunc=np.greater, symbol=">", partials=_NO_DERIVATIVE, formula="x > y", cost=0.2
)
greater_equal = elementwise(
    "greater_equal",
    ufunc=np.greater_equal,
    symbol=">=",
    partials=_NO_DERIVATIVE,
    formula="x >= y",
    cost=0.2,
)
logical_and = elementwise(
    "logical_and",
    ufunc=np.logical_and,
    partials=_NO_DERIVATIVE,
    formula="And(Ne(x, 0), Ne(y, 0))",
    facts=Facts(commutative=True, associative=True),
    cost=0.3,
)
logical_or = elementwise(
    "logical_or",
    ufunc=np.logical_or,
    partials=_NO_DERIVATIVE,
    formula="Or(Ne(x, 0), Ne(y, 0))",
    facts=Facts(commutative=True, associative=True),
    cost=0.3,
)
logical_not = elementwise(
    "logical_not", ufunc=np.logical_not, partials=(None,), formula="Eq(x, 0)", cost=0.3
)
bitwise_and = elementwise(
    "bitwise_and",
    ufunc=np.bitwise_and,
    symbol="&",
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True, idempotent=True),
    cost=0.3,
)
bitwise_or = elementwise(
    "bitwise_or",
    ufunc=np.bitwise_or,
    symbol="|",
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True, unit=0.0, idempotent=True),
    cost=0.3,
)
bitwise_xor = elementwise(
    "bitwise_xor",
    ufunc=np.bitwise_xor,
    symbol="^",
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True, unit=0.0),
    cost=0.3,
)
invert = elementwise(
    "invert", ufunc=np.invert, symbol="~", partials=(None,), facts=Facts(involution=True), cost=0.3
)
isnan = elementwise("isnan", ufunc=np.isnan, partials=(None,), formula="Ne(x, x)", cost=0.3)
isinf = elementwise("isinf", ufunc=np.isinf, partials=(None,), formula="Eq(Abs(x), oo)", cost=0.3)
isfinite = elementwise(
    "isfinite", ufunc=np.isfinite, partials=(None,), formula="Abs(x) < oo", cost=0.3
)
floor = elementwise(
    "floor",
    ufunc=np.floor,
    partials=(None,),
    formula="floor(x)",
    facts=Facts(idempotent=True),
    cost=0.4,
)
ceil = elementwise(
    "ceil",
    ufunc=np.ceil,
    partials=(None,),
    formula="ceiling(x)",
    facts=Facts(idempotent=True),
    cost=0.4,
)
trunc = elementwise(
    "trunc",
    ufunc=np.trunc,
    partials=(None,),
    formula="sign(x) * floor(Abs(x))",
    facts=Facts(idempotent=True),
    cost=0.4,
)
rint = elementwise("rint", ufunc=np.rint, partials=(None,), facts=Facts(idempotent=True), cost=0.4)
heaviside = elementwise(
    "heaviside",
    ufunc=np.heaviside,
    partials=(None, lambda r, x, y: (x == 0).astype(y.dtype)),
    formula="Heaviside(x, y)",
    cost=4.5,
)

# Choice ----------------------------------------------------------------------------------------


def _tie_share(first: Node, second: Node) -> Node:
    """1 where `first` is the larger, a half at a tie, 0 elsewhere."""
    for value, other, turned in ((second, first, False), (first, second, True)):
        if isinstance(value.op, Constant) and value.ndim == 0 and np.isfinite(value.op.value):
            # The difference with a finite constant is never inf - inf.
            gap = other if value.op.value == 0 else other - value
            # Exact, and several times faster than np.heaviside(gap, 0.5).
            return 0.5 - 0.5 * sign(gap) if turned else 0.5 * sign(gap) + 0.5
    larger = (first > second).astype(promote([first.dtype, second.dtype]))
    return where(first == second, 0.5, larger)


maximum = elementwise(
    "maximum",
    ufunc=np.maximum,
    partials=(lambda r, x, y: _tie_share(x, y), lambda r, x, y: _tie_share(y, x)),
    formula="Max(x, y)",
    facts=Facts(commutative=True, associative=True, idempotent=True),
    cost=0.5,
    doc="The larger of two values, as ``np.maximum``; at a tie each gets half the derivative.",
)
minimum = elementwise(
    "minimum",
    ufunc=np.minimum,
    partials=(lambda r, x, y: _tie_share(y, x), lambda r, x, y: _tie_share(x, y)),
    formula="Min(x, y)",
    facts=Facts(commutative=True, associative=True, idempotent=True),
    cost=0.5,
    doc="The smaller of two values, as ``np.minimum``; at a tie each gets half the derivative.",
)


def _share_without_nan(first: Node, second: Node) -> Node:
    share = where(isnan(second), 1.0, _tie_share(first, second))
    return where(isnan(first), 0.0, share)


fmax = elementwise(
    "fmax",
    ufunc=np.fmax,
    partials=(lambda r, x, y: _share_without_nan(x, y), lambda r, x, y: _share_without_nan(y, x)),
    formula="Max(x, y)",
    facts=Facts(commutative=True, associative=True, idempotent=True),
    cost=1.0,
    doc="The larger of two values that is not NaN, as ``np.fmax``; at a tie a half each.",
)
fmin = elementwise(
    "fmin",
    ufunc=np.fmin,
    partials=(
        lambda r, x, y: _share_without_nan(-x, -y),
        lambda r, x, y: _share_without_nan(-y, -x),
    ),
    formula="Min(x, y)",
    facts=Facts(commutative=True, associative=True, idempotent=True),
    cost=1.0,
    doc="The smaller of two values that is not NaN, as ``np.fmin``; at a tie a half each.",
)
relu = elementwise(
    "relu",
    dtypes=np.positive,
    text=lambda x: call("np.maximum", x, "0.0"),
    partials=(lambda r, x: (x > 0).astype(r.dtype),),
    formula="Max(x, 0)",
    facts=Facts(idempotent=True),
    cost=0.5,
    doc="``maximum(x, 0)`` with the derivative 0 at 0.",
)


@record
class Where(Linear):
    """``where(condition, x, y)``: linear in x and y, and it masks: 0 * inf never happens."""

    name: ClassVar[str] = "where"
    linear: ClassVar[tuple[int, ...] | None] = (1, 2)

    def infer(self, *types: TensorType) -> Type:
        """Broadcast shape, common dtype of the two values."""
        shape = broadcast_shapes(*[t.shape for t in types], what="where")
        return TensorType(promote([types[1].dtype, types[2].dtype]), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.where``."""
        return call("np.where", *args)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent where each was taken, zero elsewhere."""
        mask = node.inputs[0]
        zero = constant(np.zeros((), cotangent.dtype))
        return make(self, mask, cotangent, zero), make(self, mask, zero, cotangent)

    def work(self, node: Node) -> float:
        """A random mask defeats the branch predictor."""
        return 4.5


WHERE = Where()


@builder(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of `x` where the condition is true, of `y` elsewhere.

    The derivative is that of the branch taken; an infinity or NaN in the other never reaches it.

    Parameters
    ----------
    condition, x, y : array_like
        Broadcast against each other.

    Raises
    ------
    UnsupportedError
        With the condition alone: the shape of the result would depend on its values.
    """
    if x is None or y is None:
        raise UnsupportedError(
            "where(condition) alone: the shape of the result depends on values",
            hint="where(condition, x, y) with both values",
        )
    if not any_node(condition, x, y):
        return cast("Any", np.where(condition, x, y))
    mask = as_node(condition)
    first, second = weak_nodes((x, y), "where")
    return make(WHERE, mask if mask.dtype.kind == "b" else mask != 0, first, second)


def _bool_partial(condition: Node, r: Node) -> Node:
    return condition.astype(r.dtype)


_clip = elementwise(
    "clip",
    dtypes=lambda x, low, high: promote([x, low, high]),
    arity=3,
    text=lambda x, low, high: call("np.clip", x, low, high),
    partials=(
        lambda r, x, low, high: _bool_partial(logical_and(x >= low, x <= high), r),
        lambda r, x, low, high: _bool_partial(logical_and(x < low, low <= high), r),
        lambda r, x, low, high: _bool_partial(logical_or(x > high, low > high), r),
    ),
    formula="Min(Max(x, y), z)",
    cost=1.0,
)
_clip_low = elementwise(
    "clip_low",
    dtypes=lambda x, low: promote([x, low]),
    arity=2,
    text=lambda x, low: call("np.maximum", x, low),
    partials=(
        lambda r, x, low: _bool_partial(x >= low, r),
        lambda r, x, low: _bool_partial(x < low, r),
    ),
    formula="Max(x, y)",
    cost=0.5,
)
_clip_high = elementwise(
    "clip_high",
    dtypes=lambda x, high: promote([x, high]),
    arity=2,
    text=lambda x, high: call("np.minimum", x, high),
    partials=(
        lambda r, x, high: _bool_partial(x <= high, r),
        lambda r, x, high: _bool_partial(x > high, r),
    ),
    formula="Min(x, y)",
    cost=0.5,
)


@builder(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Limit values to an interval, as ``np.clip``.

    A bound itself belongs to the inside: the derivative there is that of `a`.

    Parameters
    ----------
    a : array_like
    a_min, a_max : array_like, optional
        Bounds; ``None`` for none. ``min=`` and ``max=`` are the same.
    """
    low = a_min if min is None else min
    high = a_max if max is None else max
    if not any_node(a, low, high):
        return np.clip(a, low, high)
    result = as_node(a)
    if low is not None and high is not None:
        return _clip(result, low, high)
    if low is not None:
        return _clip_low(result, low)
    return result if high is None else _clip_high(result, high)


# dtype and complex parts -----------------------------------------------------------------------


@record
class AsType(Linear):
    """Conversion of the dtype."""

    dtype: np.dtype[Any]
    name: ClassVar[str] = "astype"

    def infer(self, *types: TensorType) -> Type:
        """The same shape."""
        return types[0].with_dtype(self.dtype)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The method; Python's numbers have none."""
        if args[0].literal or (node.ndim == 0 and node.inputs[0].dtype.kind == "b"):
            return call(f"np.{self.dtype.name}", *args)
        dtype = "bool" if self.dtype.kind == "b" else f"np.{self.dtype.name}"
        return method(args[0], "astype", dtype)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Back to the operand's dtype."""
        return (astype(cotangent, node.inputs[0].dtype),)

    def work(self, node: Node) -> float:
        """A copy."""
        return 0.4


@builder(np.astype)
def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    """The values in another dtype.

    Parameters
    ----------
    x : array_like
    dtype : data-type
    copy : bool, optional
        Accepted as NumPy does; values are immutable, so it makes no difference.
    """
    wanted = as_dtype(dtype)
    if not any_node(x):
        return np.asarray(x).astype(wanted)
    node = as_node(x)
    if node.dtype == wanted:
        return node
    if node.dtype.kind == "c" and wanted.kind != "c":
        raise DTypeError(
            "a complex value cannot become real by astype",
            expected="a complex dtype",
            got=str(wanted),
            hint="np.real(x).astype(...)",
        )
    return make(AsType(wanted), node)


@record
class StopGradient(Linear):
    """The value itself, with derivative zero."""

    name: ClassVar[str] = "stop_gradient"
    linear: ClassVar[tuple[int, ...] | None] = ()
    views: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """Nothing to write."""
        return args[0]

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """No operand varies."""
        return ()

    def decompose(self, *inputs: Node) -> Node | None:
        """The operand: after differentiation the barrier has done its work."""
        return inputs[0]


@builder()
def stop_gradient(x: Any) -> Any:
    """`x`, treated as a constant by every derivative.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> f = sg.function([x], sg.grad(x * sg.stop_gradient(x), x))
    >>> float(f(3.0))
    3.0
    """
    return make(StopGradient(), as_node(x))
