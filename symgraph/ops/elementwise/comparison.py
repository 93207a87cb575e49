"""Comparisons, logic, and questions about a value: the derivative is 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import float_text
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import DType, TensorType, Type, broadcast_shapes
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.facts import Facts
from symgraph.ops.kinds import Discrete, Example, any_node, elementwise, weak_nodes

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
logical_xor = elementwise(
    "logical_xor",
    ufunc=np.logical_xor,
    partials=_NO_DERIVATIVE,
    formula="Xor(Ne(x, 0), Ne(y, 0))",
    facts=Facts(commutative=True, associative=True),
    cost=0.3,
)
isnan = elementwise("isnan", ufunc=np.isnan, partials=(None,), formula="Ne(x, x)", cost=0.3)
isinf = elementwise("isinf", ufunc=np.isinf, partials=(None,), formula="Eq(Abs(x), oo)", cost=0.3)
isfinite = elementwise(
    "isfinite", ufunc=np.isfinite, partials=(None,), formula="Abs(x) < oo", cost=0.3
)
signbit = elementwise("signbit", ufunc=np.signbit, partials=(None,), formula="x < 0", cost=0.3)


def _truth(dtype: DType) -> DType:
    if dtype.kind == "c":
        raise DTypeError("complex numbers have no order", hint="ask np.real(z) or np.isinf(z)")
    return np.dtype(bool)


isposinf = elementwise(
    "isposinf", numpy=np.isposinf, dtypes=_truth, partials=(None,), formula="Eq(x, oo)", cost=1.0
)
isneginf = elementwise(
    "isneginf", numpy=np.isneginf, dtypes=_truth, partials=(None,), formula="Eq(x, -oo)", cost=1.0
)


@record
class IsClose(OnTrailingAxes, Discrete):
    """``abs(a - b) <= atol + rtol * abs(b)``."""

    rtol: float = 1e-5
    atol: float = 1e-8
    equal_nan: bool = False
    name: ClassVar[str] = "isclose"
    core: ClassVar[tuple[int, ...]] = (0, 0)

    def infer(self, *types: TensorType) -> Type:
        """Booleans in the broadcast shape."""
        shape = broadcast_shapes(*[t.shape for t in types], what="isclose")
        return TensorType(np.dtype(bool), shape)

    def flops(self, node: Node) -> Dim:
        """Differences, sizes, a bound, and comparisons."""
        return 6 * node.size

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.isclose``."""
        return call(
            "np.isclose",
            *args,
            rtol="" if self.rtol == 1e-5 else float_text(self.rtol),
            atol="" if self.atol == 1e-8 else float_text(self.atol),
            equal_nan="True" if self.equal_nan else "",
        )


@builder(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Where two values are equal within a tolerance, as ``np.isclose``.

    Parameters
    ----------
    a, b : array_like
        Broadcast against each other.
    rtol, atol : float, optional
        ``abs(a - b) <= atol + rtol * abs(b)``.
    equal_nan : bool, optional
        Whether NaN is close to NaN.

    Raises
    ------
    UnsupportedError
        If a tolerance is a node.
    """
    if any_node(rtol, atol):
        raise UnsupportedError(
            "isclose: a tolerance that is a node", hint="write abs(a - b) <= atol + rtol * abs(b)"
        )
    if not any_node(a, b):
        return np.isclose(a, b, rtol, atol, equal_nan)
    first, second = weak_nodes((a, b), "isclose")
    return make(IsClose(float(rtol), float(atol), bool(equal_nan)), first, second)


@builder(np.allclose)
def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether all elements are equal within a tolerance, as ``np.allclose``; see `isclose`."""
    if not any_node(a, b, rtol, atol):
        return np.allclose(a, b, rtol, atol, equal_nan)
    return apply("all", isclose(a, b, rtol, atol, equal_nan))


@builder(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Whether two arrays have one shape and equal elements, as ``np.array_equal``.

    Parameters
    ----------
    a1, a2 : array_like
    equal_nan : bool, optional
        Whether NaN equals NaN.
    """
    if not any_node(a1, a2):
        return np.array_equal(a1, a2, equal_nan)
    first, second = as_node(a1), as_node(a2)
    if first.ndim != second.ndim:
        return constant(False)
    differ = [(a, b) for a, b in zip(first.shape, second.shape, strict=True) if a != b]
    if any(isinstance(a, int) and isinstance(b, int) for a, b in differ):
        return constant(False)
    if differ:
        raise ShapeError(
            "array_equal: it depends on sizes whether the shapes are equal",
            got=f"{first.shape} and {second.shape}",
            hint="give equal sizes one name",
        )
    same = first == second
    return apply("all", same | (isnan(first) & isnan(second)) if equal_nan else same)


@builder(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """Whether two arrays are equal when they broadcast, as ``np.array_equiv``."""
    if not any_node(a1, a2):
        return np.array_equiv(a1, a2)
    first, second = as_node(a1), as_node(a2)
    try:
        same = first == second
    except ShapeError:
        sizes = (*first.shape, *second.shape)
        if all(isinstance(size, int) for size in sizes):
            return constant(False)
        raise  # two symbolic sizes may be equal
    return apply("all", same)


# Examples for the tests ------------------------------------------------------------------------

_EDGES = np.array([[0.0, -0.0, 1.0], [np.inf, -np.inf, np.nan]])

EXAMPLES: dict[str, list[Example]] = {
    "questions": [
        Example(lambda x: (np.isposinf(x), np.isneginf(x), np.signbit(x)), (_EDGES,)),
        Example(lambda x: (np.isnan(x), np.isinf(x), np.isfinite(x)), (_EDGES + 0j,)),
    ],
    "isclose": [
        Example(np.isclose, (_EDGES, _EDGES[:, ::-1] + 1e-9)),
        Example(lambda x, y: np.isclose(x, y, 0, 0.5, equal_nan=True), (_EDGES, _EDGES[1])),
        Example(lambda x: np.isclose(x, 1.0, rtol=0.1, atol=0.0), (_EDGES,)),
        Example(np.isclose, (np.arange(3), np.array([0, 1, 3], np.float32))),
    ],
    "array_equiv": [
        Example(np.array_equiv, (_EDGES[:, :2], np.zeros(2))),
        Example(np.array_equiv, (_EDGES, np.zeros(2))),
        Example(np.array_equiv, (np.ones((2, 3)), np.ones(3))),
    ],
    "allclose": [
        Example(lambda x: np.allclose(x, x + 1e-9), (_EDGES[0],)),
        Example(lambda x: np.allclose(x, x, equal_nan=True), (_EDGES,)),
    ],
    "array_equal": [
        Example(np.array_equal, (_EDGES, _EDGES)),
        Example(lambda x: np.array_equal(x, x, equal_nan=True), (_EDGES,)),
        Example(lambda x: np.array_equal(x, x[0]), (_EDGES,)),
    ],
}
