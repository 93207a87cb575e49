"""Comparisons, logic, bits, and questions about a value: the derivative is 0."""

from __future__ import annotations

import numpy as np

from symgraph.ops.facts import Facts
from symgraph.ops.kinds import elementwise

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
