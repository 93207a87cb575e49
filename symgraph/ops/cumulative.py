"""Products and extremes of the leading elements along an axis, and linear recurrences."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import arange
from symgraph.ops.diagonals import tril
from symgraph.ops.elementwise import astype, where
from symgraph.ops.facts import power_bounds
from symgraph.ops.index import take_along_axis
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, Structured
from symgraph.ops.reduce import CUBE, EMPTY, FLAGS, broadcast_to, concluded, cumsum
from symgraph.ops.shape import expand_dims, ravel, shape_text, swapaxes, with_dim

__all__ = ["cumprod", "cumulative_prod", "cumulative_sum"]


def _slice(node: Node, axis: int, start: int | None, stop: int | None) -> Node:
    return node[(*[slice(None)] * axis, slice(start, stop))]


def _filled(like: Node, axis: int, value: Any) -> Node:
    """One value along an axis, and as many as there are along the others."""
    return broadcast_to(constant(value, like.dtype), with_dim(like.shape, axis, 1))


def _behind(node: Node, axis: int, first: Any) -> Node:
    """Each element in the place of the next, and a number in the first place."""
    return _slice(concatenate([_filled(node, axis, first), node], axis), axis, None, -1)


def _ahead(node: Node, axis: int) -> Node:
    """Each element in the place of the one before, and zero in the last place."""
    return _slice(concatenate([node, _filled(node, axis, 0)], axis), axis, 1, None)


# Linear recurrence -----------------------------------------------------------------------------


@record
class Recurrence(AlongAxes, Structured):
    """``h[k] = a[k] * h[k - 1] + b[k]`` along an axis, beginning with ``h[0] = b[0]``.

    Backwards ``h[k - 1] = a[k] * h[k] + b[k - 1]``: the transpose.
    """

    axis: int
    backwards: bool = False
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    name: ClassVar[str] = "recurrence"

    def infer(self, *types: TensorType) -> Type:
        """The common type."""
        a, b = types
        if a.shape != b.shape or a.dtype != b.dtype:
            raise ShapeError("recurrence: the operands differ in type", got=f"{a} and {b}")
        return b

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str] | None:
        """A loop over the axis."""
        (h,), (a, b), k = targets, args, scope.fresh("k")
        before = ":, " * self.axis
        size, last = node.shape[self.axis], f"{before}{k} - 1"
        if self.backwards:
            loop, into, from_ = f"range({scope.dim(size - 1)}, 0, -1)", last, f"{before}{k}"
        else:
            loop, into, from_ = f"range(1, {scope.dim(size)})", f"{before}{k}", last
        return [
            f"{h} = {b}.copy()",
            f"for {k} in {loop}:",
            f"    {h}[{into}] += {a}[{before}{k}] * {h}[{from_}]",
        ]

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The recurrence with the same factors, of what the tangents add at each step."""
        a, _ = node.inputs
        da, db = tangents
        added = None
        if da is not None:
            added = _ahead(da * node, self.axis) if self.backwards else da * self._before(node)
        if db is not None:
            added = db if added is None else added + db
        return make(self, a, added) if added is not None else None

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The recurrence run the other way."""
        a, _ = node.inputs
        sums = make(Recurrence(self.axis, not self.backwards), a, cotangent)
        first, second = (sums, node) if self.backwards else (node, sums)
        return self._before(first) * second, sums

    def _before(self, node: Node) -> Node:
        return _behind(node, self.axis, 0)

    def matrix(self, factors: Node) -> Node:
        """What takes `b` along the last axis to the result: ``a[j + 1] * ... * a[k]`` at k, j."""
        n = factors.shape[-1]
        index = as_node(arange(n))
        later = expand_dims(index, 1) > index
        found = tril(make(CumProd(factors.ndim - 1), where(later, expand_dims(factors, -1), 1)))
        return swapaxes(found, -1, -2) if self.backwards else found

    def work(self, node: Node) -> float:
        """A loop in Python."""
        return 100.0

    def flops(self, node: Node) -> Dim:
        """A multiplication and an addition."""
        return 2 * node.size


# Product ---------------------------------------------------------------------------------------


@record
class CumProd(AlongAxes, Structured):
    """Products of the leading elements along an axis."""

    axis: int
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    name: ClassVar[str] = "cumprod"

    def infer(self, *types: TensorType) -> Type:
        """The same shape; the dtype of a product."""
        return types[0].with_dtype(np.prod(np.ones(1, types[0].dtype)).dtype)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.cumprod``."""
        return call("np.cumprod", *args, axis=str(self.axis) if node.ndim > 1 else "")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The product rule, step by step: dividing the product would lose it at zeros."""
        tangent = tangents[0]
        assert tangent is not None
        return make(Recurrence(self.axis), node.inputs[0], _behind(node, self.axis, 1) * tangent)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """As of the whole product."""
        return power_bounds(operands[0])

    def work(self, node: Node) -> float:
        """A chain of multiplications."""
        return 2.0


def _along(a: Any, axis: Any, dtype: Any, what: str) -> tuple[Node, int]:
    """The array and the axis of a cumulative function."""
    node = as_node(a)
    if dtype is not None:
        node = astype(node, dtype)
    if axis is None:
        return ravel(node), 0
    return node, normalize_axis(axis, node.ndim, what)


@of_numpy(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Cumulative product, as ``np.cumprod``.

    Its derivatives of every order are right at zeros. Gradients are computed in a loop over the
    axis: ratios of products fail at zeros and where a product underflows, and products of longer
    and longer pieces (a parallel scan) where one of them overflows. Jacobians are triangles of
    running products.

    Parameters
    ----------
    a : array_like
    axis : int, optional
        By default over all elements in C order.
    dtype : data-type, optional
        Of the result.
    """
    node, place = _along(a, axis, dtype, "cumprod")
    return concluded(make(CumProd(place), node), dtype)


def _cumulative(function: Any, first: int, x: Any, axis: Any, dtype: Any, initial: bool) -> Node:
    what = "cumulative_prod" if first else "cumulative_sum"
    node = as_node(x)
    if axis is None and node.ndim != 1:
        raise ShapeError(
            f"{what}: an axis is needed", expected="axis=", got=f"shape {shape_text(node.shape)}"
        )
    place = 0 if axis is None else normalize_axis(axis, node.ndim, what)
    result = function(node, place, dtype)
    return concatenate([_filled(result, place, first), result], place) if initial else result


@of_numpy(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Cumulative sum along an axis, as ``np.cumulative_sum``.

    Parameters
    ----------
    x : array_like
    axis : int, optional
        Needed if there are several.
    dtype : data-type, optional
        Of the result.
    include_initial : bool
        Whether a zero stands in front.
    """
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


@of_numpy(np.cumulative_prod)
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Cumulative product along an axis, as ``np.cumulative_prod``; parameters as there."""
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


# Extremes --------------------------------------------------------------------------------------


@record
class CumExtreme(AlongAxes, Structured):
    """The extreme of the leading elements; the derivative is that of the first to reach it."""

    axis: int
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    ufunc: ClassVar[str] = ""
    beyond: ClassVar[str] = ""

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The method of the ufunc."""
        axis = str(self.axis) if self.axis else ""
        return call(f"np.{self.ufunc}.accumulate", *args, axis=axis)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The tangent at the position of the last record."""
        tangent = tangents[0]
        assert tangent is not None
        if node.shape[self.axis] == 0:
            return tangent
        x, axis = node.inputs[0], self.axis
        record_ = apply(self.beyond, _slice(x, axis, 1, None), _slice(node, axis, None, -1))
        others = tuple([i for i in range(node.ndim) if i != axis])
        index = expand_dims(as_node(arange(1, node.shape[axis])), others)
        found = where(record_, index, 0)
        found = concatenate([_filled(found, axis, 0), found], axis)
        return take_along_axis(tangent, make(CumMax(axis), found), axis)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of the elements."""
        return operands[0]

    def work(self, node: Node) -> float:
        """A chain of comparisons."""
        return 2.0


@record
class CumMax(CumExtreme):
    """The maximum of the leading elements along an axis."""

    name: ClassVar[str] = "cumulative_max"
    ufunc: ClassVar[str] = "maximum"
    beyond: ClassVar[str] = "greater"


@record
class CumMin(CumExtreme):
    """The minimum of the leading elements along an axis."""

    name: ClassVar[str] = "cumulative_min"
    ufunc: ClassVar[str] = "minimum"
    beyond: ClassVar[str] = "less"


def accumulated(kind: type[CumExtreme], a: Any, axis: int) -> Node:
    """The extremes of the leading elements along an axis."""
    node = as_node(a)
    if node.dtype.kind == "c":
        raise DTypeError(f"{kind.name}: complex values have no order", got=repr(node.type))
    return make(kind(normalize_axis(axis, node.ndim, kind.name)), node)


# Examples for the tests ------------------------------------------------------------------------

_ZEROS = np.array([[2.0, 0.0, -1.0, 0.5], [1.0, 3.0, 0.0, 0.0], [0.0, 2.0, 3.0, -1.0]])

EXAMPLES: dict[str, list[Example]] = {
    "cumprod": [
        Example(np.cumprod, (np.array([2.0, -0.5, 3.0]),)),
        Example(lambda x: np.cumprod(x, axis=1), (_ZEROS,)),
        Example(lambda x: x.cumprod(axis=0), (_ZEROS.astype(np.float32),)),
        Example(lambda x: np.cumprod(x, axis=-1), (CUBE,)),
        Example(lambda x: np.cumprod(x, axis=0), (EMPTY,)),
        Example(lambda x: np.cumprod(x, dtype=float), (FLAGS,)),
        Example(lambda x: np.cumprod(x * (1 + 1j)), (np.array([2.0, -0.5, 3.0]),)),
    ],
    "cumulative": [
        Example(lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (CUBE,)),
        Example(np.cumulative_sum, (np.arange(3),)),
        Example(lambda x: np.cumulative_prod(x, include_initial=True), (CUBE[0, 0],)),
    ],
    "cumulative_max": [
        Example(np.maximum.accumulate, (CUBE,)),
        Example(lambda x: np.maximum.accumulate(x, axis=2), (CUBE,)),
        Example(np.maximum.accumulate, (np.array([1, 3, 2, 4]),)),
        Example(np.maximum.accumulate, (EMPTY,)),
    ],
    "cumulative_min": [
        Example(lambda x: np.minimum.accumulate(x, axis=-1), (CUBE.astype(np.float32),)),
        Example(np.minimum.accumulate, (CUBE[0, 0],)),
    ],
}
