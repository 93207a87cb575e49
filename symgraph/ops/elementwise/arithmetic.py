"""Arithmetic, powers, absolute value and sign."""

from __future__ import annotations

import numpy as np

from symgraph.graph.code import Code, infix
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant
from symgraph.graph.registry import apply
from symgraph.ops.elementwise.choice import full_like, where
from symgraph.ops.kinds import Facts, elementwise

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
    return where(x == 0, 0.0, r * apply("log", where(x == 0, 1.0, x)))


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
    assignment="**= 2",
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
