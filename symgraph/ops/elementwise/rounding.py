"""Rounding, steps and remainders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import float_text
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.types import TensorType, Type, as_integer
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.elementwise.arithmetic import NOT_ZERO
from symgraph.ops.elementwise.choice import full_like, where, zeros_like
from symgraph.ops.elementwise.comparison import isfinite
from symgraph.ops.facts import Facts
from symgraph.ops.kinds import Example, Linear, Structured, any_node, elementwise

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

fmod = elementwise(
    "fmod",
    ufunc=np.fmod,
    partials=(lambda r, x, y: full_like(x, 1), lambda r, x, y: -trunc(x / y)),
    formula="x - y * sign(x / y) * floor(Abs(x / y))",
    cost=8.0,
    domain=(0.5, 3.0),
    limits=(None, NOT_ZERO),
    doc="Remainder with the sign of the first operand, as ``np.fmod``.",
)
ldexp = elementwise(
    "ldexp",
    ufunc=np.ldexp,
    partials=(lambda r, x, i: ldexp(full_like(x, 1), i), None),
    formula="x * 2**y",
    kinds="fi",
    domain=((-3.0, 3.0), (0.0, 6.0)),
    cost=3.0,
    doc="``x1 * 2**x2`` with integers `x2`, as ``np.ldexp``.",
)
nextafter = elementwise(
    "nextafter",
    ufunc=np.nextafter,
    partials=(lambda r, x, y: full_like(x, 1), None),
    cost=5.0,
    doc="The next number in the direction of the second operand, as ``np.nextafter``.\n\n"
    "The derivative by `x1` is 1.",
)
spacing = elementwise("spacing", ufunc=np.spacing, partials=(None,), cost=5.0)
fix = elementwise(
    "fix",
    numpy=np.fix,
    dtypes=np.trunc,
    partials=(None,),
    formula="sign(x) * floor(Abs(x))",
    facts=Facts(idempotent=True),
    cost=1.0,
    doc="Rounded towards zero, as ``np.fix``. The derivative is 0.",
)


@record
class Round(OnTrailingAxes, Linear):
    """Rounded to decimals, half to even: a step, so that no derivative passes."""

    decimals: int = 0
    name: ClassVar[str] = "round"
    core: ClassVar[tuple[int, ...]] = (0,)
    linear: ClassVar[tuple[int, ...] | None] = ()

    def infer(self, *types: TensorType) -> Type:
        """The same shape."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.round``."""
        return call("np.round", *args, *[str(self.decimals)] if self.decimals else [])

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """No operand varies."""
        return ()


@builder(np.round, np.around)
def round(a: Any, decimals: int = 0) -> Any:
    """Rounded to decimals, half to even, as ``np.round``. The derivative is 0.

    Parameters
    ----------
    a : array_like
    decimals : int, optional
        Before the point where negative.

    Raises
    ------
    UnsupportedError
        For booleans.
    """
    if not any_node(a):
        return cast("Any", np.round(a, decimals))
    node = as_node(a)
    if node.dtype.kind == "b":
        raise UnsupportedError("round of booleans", hint="x.astype(float)")
    places = as_integer(decimals, "round: decimals")
    return node if node.dtype.kind in "iu" and places >= 0 else make(Round(places), node)


@record
class NanToNum(OnTrailingAxes, Structured):
    """NaN and infinities replaced by numbers."""

    nan: float = 0.0
    posinf: float | None = None
    neginf: float | None = None
    name: ClassVar[str] = "nan_to_num"
    core: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.nan_to_num``."""
        return call(
            "np.nan_to_num",
            *args,
            nan="" if self.nan == 0 else float_text(self.nan),
            posinf="" if self.posinf is None else float_text(self.posinf),
            neginf="" if self.neginf is None else float_text(self.neginf),
        )

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The tangent where the operand is finite, part by part."""
        (x,), (tangent,) = node.inputs, tangents
        assert tangent is not None
        if x.dtype.kind != "c":
            return where(isfinite(x), tangent, zeros_like(tangent))
        real, imag = apply("real", x), apply("imag", x)
        zero = zeros_like(real)
        kept = where(isfinite(real), apply("real", tangent), zero)
        return kept + 1j * where(isfinite(imag), apply("imag", tangent), zero)


@builder(np.nan_to_num)
def nan_to_num(
    x: Any,
    copy: bool = True,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Any:
    """NaN and infinities replaced by numbers, as ``np.nan_to_num``.

    The derivative is 1 where `x` is finite, and 0 elsewhere.

    Parameters
    ----------
    x : array_like
    copy : bool, optional
        Accepted as NumPy does; values are immutable, so it makes no difference.
    nan, posinf, neginf : float, optional
        What stands in their places; by default 0 and the largest numbers of the dtype.

    Raises
    ------
    UnsupportedError
        If a replacement is a node.
    """
    if any_node(nan, posinf, neginf):
        raise UnsupportedError(
            "nan_to_num: a replacement that is a node", hint="np.where(np.isnan(x), value, x)"
        )
    if not any_node(x):
        return np.nan_to_num(x, copy, nan, posinf, neginf)
    node = as_node(x)
    if not node.type.inexact:
        return node
    if any(np.ndim(v) for v in (nan, posinf, neginf) if v is not None):
        raise UnsupportedError(
            "nan_to_num: a replacement of several numbers", hint="np.where(np.isnan(x), values, x)"
        )
    high, low = [None if v is None else float(v) for v in (posinf, neginf)]
    return make(NanToNum(float(nan), high, low), node)


# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.array([[1.25, -2.5, 0.35], [7.0, -0.125, 155.75]])
_EDGES = np.array([[0.0, np.nan, 1.0], [np.inf, -np.inf, -3.0]])

EXAMPLES: dict[str, list[Example]] = {
    "round": [
        Example(np.round, (_VALUES,)),
        Example(lambda x: round(x, 1) + round(x, decimals=-1), (_VALUES.astype(np.float32),)),
        Example(lambda x: round(x, -1) + round(x), (np.array([14, 15, 25]),)),
        Example(lambda x: x * round(x, 1), (_VALUES,)),
    ],
    "nan_to_num": [
        Example(np.nan_to_num, (_EDGES,)),
        Example(lambda x: np.nan_to_num(x, nan=1.5, posinf=9.0, neginf=-2), (_EDGES,)),
        Example(np.nan_to_num, (_EDGES.astype(np.float32),)),
        Example(lambda x: np.nan_to_num(x) ** 2, (_VALUES,)),
        Example(lambda x: np.nan_to_num(x) ** 2, (_VALUES + 1j,)),
        Example(np.nan_to_num, (np.arange(3),)),
    ],
}
