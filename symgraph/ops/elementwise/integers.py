"""Integers: bits, shifts, greatest common divisor; they have no derivative."""

from __future__ import annotations

import numpy as np

from symgraph.ops.facts import Facts
from symgraph.ops.kinds import elementwise

_NO_DERIVATIVE: tuple[None, None] = (None, None)

bitwise_and = elementwise(
    "bitwise_and",
    ufunc=np.bitwise_and,
    symbol="&",
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True, idempotent=True),
    kinds="ii",
    cost=0.3,
)
bitwise_or = elementwise(
    "bitwise_or",
    ufunc=np.bitwise_or,
    symbol="|",
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True, unit=0.0, idempotent=True),
    kinds="ii",
    cost=0.3,
)
bitwise_xor = elementwise(
    "bitwise_xor",
    ufunc=np.bitwise_xor,
    symbol="^",
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True, unit=0.0),
    kinds="ii",
    cost=0.3,
)
invert = elementwise(
    "invert",
    ufunc=np.invert,
    symbol="~",
    kinds="i",
    partials=(None,),
    facts=Facts(involution=True),
    cost=0.3,
)

left_shift = elementwise(
    "left_shift",
    ufunc=np.left_shift,
    symbol="<<",
    partials=_NO_DERIVATIVE,
    kinds="ii",
    domain=((-9.0, 9.0), (0.0, 5.0)),
    cost=0.3,
)
right_shift = elementwise(
    "right_shift",
    ufunc=np.right_shift,
    symbol=">>",
    partials=_NO_DERIVATIVE,
    kinds="ii",
    domain=((-99.0, 99.0), (0.0, 5.0)),
    cost=0.3,
)
bitwise_count = elementwise(
    "bitwise_count",
    ufunc=np.bitwise_count,
    partials=(None,),
    kinds="i",
    domain=(-99.0, 99.0),
    cost=0.3,
)
gcd = elementwise(
    "gcd",
    ufunc=np.gcd,
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True),
    kinds="ii",
    domain=(1.0, 40.0),
    cost=30.0,
)
lcm = elementwise(
    "lcm",
    ufunc=np.lcm,
    partials=_NO_DERIVATIVE,
    facts=Facts(commutative=True, associative=True),
    kinds="ii",
    domain=(1.0, 40.0),
    cost=40.0,
)
