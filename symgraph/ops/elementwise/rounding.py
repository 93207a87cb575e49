"""Rounding, steps and remainders."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.ops.elementwise.arithmetic import NOT_ZERO
from symgraph.ops.elementwise.choice import full_like
from symgraph.ops.facts import Facts
from symgraph.ops.kinds import elementwise

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


def _where_reached(x: Node, y: Node) -> Node:
    return x >= 0


heaviside = elementwise(
    "heaviside",
    ufunc=np.heaviside,
    partials=(None, lambda r, x, y: (x == 0).astype(y.dtype)),
    formula="Heaviside(x, y)",
    cost=4.5,
    mask=_where_reached,
)

# Choice ----------------------------------------------------------------------------------------


floor_divide = elementwise(
    "floor_divide",
    ufunc=np.floor_divide,
    symbol="//",
    partials=(None, None),
    formula="floor(x / y)",
    cost=5.0,
    domain=(0.5, 3.0),
    limits=(None, NOT_ZERO),
)
remainder = elementwise(
    "remainder",
    ufunc=np.remainder,
    symbol="%",
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: -floor(x / y)),
    formula="x - y * floor(x / y)",
    cost=8.0,
    domain=(0.5, 3.0),
    limits=(None, NOT_ZERO),
)
