"""Reductions over axes, and broadcasting, which is the transpose of the sum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.code import Code, Scope, call, method
from symgraph.graph.leaves import Constant
from symgraph.graph.links import Link, everywhere, fixed
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Shape, as_shape
from symgraph.graph.types import DType, TensorType, Type, broadcast_shapes, normalize_axis
from symgraph.ops.batching import AlongAxes, broadcast_apart, in_front
from symgraph.ops.calls import of_numpy, over_axes
from symgraph.ops.elementwise import astype, where
from symgraph.ops.facts import sign_bounds
from symgraph.ops.kinds import Example, Linear, any_node, promote
from symgraph.ops.shape import expand_dims, normalize_axis_list, reshape, shape_text, transpose

__all__ = ["average", "broadcast_to", "cumsum", "mean", "sum"]


def normalize_axes(axis: Any, ndim: int, what: str) -> tuple[int, ...]:
    """Sorted non-negative axes; ``None`` means all of them."""
    if axis is None or (ndim == 0 and axis in (0, -1)):
        return tuple(range(ndim))  # NumPy reduces a 0-d array over an axis that it has not
    return tuple(sorted(normalize_axis_list(axis, ndim, what)))


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """The shape after a reduction."""
    if keepdims:
        return tuple([1 if i in axes else dim for i, dim in enumerate(shape)])
    return tuple([dim for i, dim in enumerate(shape) if i not in axes])


def axis_text(axes: tuple[int, ...], ndim: int) -> str:
    """Source of ``axis=``; empty for all axes."""
    if len(axes) == ndim:
        return ""
    return str(axes[0]) if len(axes) == 1 else str(axes)


def unreduced(value: Node, like: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """A reduced value with axes of size one, so that it broadcasts against what was reduced."""
    leading = axes == tuple(range(len(axes)))  # broadcasting adds axes in front by itself
    return value if keepdims or leading else expand_dims(value, axes)


def spread(value: Node, like: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """A reduced value broadcast back over the axes that were reduced."""
    return broadcast_to(unreduced(value, like, axes, keepdims), like.shape)


_FILLERS = {"0.0": "np.zeros", "1.0": "np.ones"}


@record
class BroadcastTo(Linear):
    """NumPy's broadcasting to a given shape."""

    shape: Shape
    name: ClassVar[str] = "broadcast_to"
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)
    readonly: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The shape asked for, if the operand broadcasts to it."""
        result = broadcast_shapes(types[0].shape, self.shape, what="broadcast_to")
        if result != self.shape:
            raise ShapeError(
                "broadcast_to: the array does not broadcast to this shape",
                expected=str(self.shape),
                got=str(types[0].shape),
            )
        return types[0].with_shape(self.shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """A view; ``np.full`` for a number."""
        if args[0].literal:
            dtype = f"np.{node.dtype.name}" if node.dtype != np.float64 else ""
            one = len(self.shape) == 1
            shape = scope.dim(self.shape[0]) if one else scope.shape(self.shape)
            if args[0].text in _FILLERS:
                return call(_FILLERS[args[0].text], shape, dtype=dtype)
            return call("np.full", shape, args[0], dtype=dtype)
        return call("np.broadcast_to", args[0], scope.shape(self.shape))

    def is_blank(self, node: Node) -> bool:
        """Zeros, ones, or another number throughout."""
        return isinstance(node.inputs[0].op, Constant)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The sum over what was repeated."""
        return (sum_to(cotangent, node.inputs[0].shape),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Each element to all its copies."""
        own, places = node.inputs[0].shape, everywhere(self.shape)
        last = places[len(places) - len(own) :]
        source = [fixed(0) if dim == 1 else place for dim, place in zip(own, last, strict=True)]
        return [Link(self.shape, tuple(source), places)]

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Axes of size one between the batch and those that are repeated."""
        return broadcast_to(in_front(operands[0], node.ndim), (size, *self.shape))

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Those that are not repeated."""
        x = node.inputs[0]
        return broadcast_apart(node, x, x.ndim, node.ndim)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of the operand."""
        return operands[0]


@builder(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    """An array repeated to a shape, as ``np.broadcast_to``.

    Parameters
    ----------
    array : array_like
    shape : size or tuple of sizes
        May hold symbolic sizes.

    Raises
    ------
    ShapeError
        If the array does not broadcast to it.
    """
    wanted = as_shape(shape)
    if not any_node(array, *wanted):
        return np.broadcast_to(array, wanted)  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]
    node = as_node(array)
    return node if node.shape == wanted else make(BroadcastTo(wanted), node)


def sum_to(node: Node, shape: Shape) -> Node:
    """The sum that undoes broadcasting from `shape`: only over axes that were repeated."""
    if node.shape == shape:
        return node
    extra = node.ndim - len(shape)
    repeated = [
        i + extra
        for i, dim in enumerate(shape)
        if isinstance(dim, int) and dim == 1 and node.shape[i + extra] != 1
    ]
    if repeated and not extra:
        return sum(node, axis=tuple(repeated), keepdims=True)
    if extra and not repeated:
        return sum(node, axis=tuple(range(extra)))
    total = sum(node, axis=(*range(extra), *repeated))
    return expand_dims(total, tuple([i - extra for i in repeated]))


def count(shape: Shape, axes: tuple[int, ...]) -> Dim:
    """How many elements a reduction takes together."""
    total: Dim = 1
    for axis in axes:
        total = total * shape[axis]
    return total


@lru_cache(maxsize=256)
def _numpy_dtype(name: str, dtype: DType) -> DType:
    """The dtype of the result of a function of NumPy."""
    return getattr(np, name)(np.ones(1, dtype)).dtype


@record
class Reduction(AlongAxes):
    """What all reductions share: axes, and whether they stay as axes of size one."""

    axes: tuple[int, ...]
    keepdims: bool = False
    passes: ClassVar[int] = 1
    """Operations for each element of the operand."""

    def infer(self, *types: TensorType) -> Type:
        """The other axes; NumPy's dtype (small integers add up in the platform integer)."""
        (x,) = types
        dtype = _numpy_dtype(self.name, x.dtype)
        return TensorType(dtype, reduced_shape(x.shape, self.axes, self.keepdims))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """NumPy's method of this name, or the function where there is none."""
        axis = axis_text(self.axes, node.inputs[0].ndim)
        keepdims = "True" if self.keepdims else ""
        rest = {"axis": axis, **self.keywords(), "keepdims": keepdims}
        if hasattr(np.ndarray, self.name) and not args[0].literal:
            # It does without the function's dispatch: half a microsecond.
            return method(args[0], self.name, **rest)
        return call(f"np.{self.name}", *args, **rest)

    def keywords(self) -> dict[str, str]:
        """Further arguments as source."""
        return {}

    def work(self, node: Node) -> float:
        """For each element of the operand, not of the result."""
        return 10.0

    def flops(self, node: Node) -> Dim:
        """So many for each element of the operand."""
        return self.passes * node.inputs[0].size

    def spread(self, value: Node, like: Node) -> Node:
        """A result with axes of size one, so that it broadcasts against the operand."""
        return unreduced(value, like, self.axes, self.keepdims)


def reduce(kind: type[Reduction], a: Any, axis: Any, keepdims: bool) -> Node:
    """The reduction of `a` over the axes that the user gave."""
    node = as_node(a)
    return make(kind(normalize_axes(axis, node.ndim, kind.name), bool(keepdims)), node)


# Sum and mean ----------------------------------------------------------------------------------


@record
class Sum(Reduction, Linear):
    """The sum over axes."""

    name: ClassVar[str] = "sum"
    analytic: ClassVar[bool] = True

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent repeated over the axes."""
        return (spread(cotangent, node.inputs[0], self.axes, self.keepdims),)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Of one sign where the terms are."""
        return sign_bounds(operands[0])

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """Where any of the terms is."""
        (mask,) = masks
        if mask is None or not mask.ndim:
            return mask
        whole = broadcast_to(mask, node.inputs[0].shape)
        return apply("any", whole, axis=self.axes, keepdims=self.keepdims)


def masked(a: Any, mask: Any, filler: Any, what: str) -> Node:
    """`a` with a filler where the mask of a reduction is false.

    Raises
    ------
    DTypeError
        If the mask is not boolean.
    ShapeError
        If the mask does not broadcast to the array.
    """
    node = as_node(a)
    if mask is True:
        return node
    if as_node(mask).dtype.kind != "b":
        raise DTypeError(
            f"{what}: where= must be boolean",
            got=as_node(mask).dtype.name,
            hint="compare, as in where=weights != 0",
        )
    result = where(mask, node, filler)
    if result.shape != node.shape:
        raise ShapeError(
            f"{what}: where= does not broadcast to the array",
            expected=shape_text(node.shape),
            got=shape_text(as_node(mask).shape),
        )
    return astype(result, node.dtype)


def started(initial: Any, dtype: DType, what: str) -> Node:
    """Where a reduction begins, in the dtype of its result, which it does not change.

    Raises
    ------
    ShapeError
        If `initial` is not one number.
    DTypeError
        If there is no such number of this dtype.
    """
    if isinstance(initial, Node):
        node = astype(initial, dtype)
    else:
        try:
            value = np.empty((), dtype)
            value[()] = (
                initial  # which truncates as NumPy's reductions do, and refuses what they do
            )
            node = constant(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise DTypeError(
                f"{what}: initial={initial!r} is no {dtype}",
                got=str(error),
                hint="convert the array with .astype() first, or give dtype=",
            ) from None
    if node.ndim:
        raise ShapeError(f"{what}: initial= must be one number", got=shape_text(node.shape))
    return node


def concluded(total: Node, dtype: Any) -> Node:
    """A result in the dtype that was asked for: NumPy adds small integers up in it."""
    return total if dtype is None else astype(total, dtype)


@over_axes(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Sum over axes, as ``np.sum``.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    node = masked(a, where, 0, "sum")
    if dtype is not None:
        node = astype(node, dtype)
    axes = normalize_axes(axis, node.ndim, "sum")
    total = node if not axes and node.type.inexact else make(Sum(axes, bool(keepdims)), node)
    total = concluded(total, dtype)
    if initial is None:
        return total
    return concluded(total + started(initial, total.dtype, "sum"), dtype)


@record
class Mean(Reduction, Linear):
    """The mean over axes."""

    name: ClassVar[str] = "mean"
    shift: ClassVar[str] = "added"
    analytic: ClassVar[bool] = True

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent divided by the count, repeated over the axes."""
        x = node.inputs[0]
        share = cotangent / count(x.shape, self.axes)
        return (spread(share, x, self.axes, self.keepdims),)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Of one sign where the elements are."""
        return sign_bounds(operands[0])

    def decompose(self, *inputs: Node) -> Node | None:
        """The sum divided by the count: ``np.mean`` takes two microseconds to say the same."""
        (x,) = inputs
        if x.dtype.char not in "fdFD":
            return None
        return make(Sum(self.axes, self.keepdims), x) / count(x.shape, self.axes)


@over_axes(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    """Mean over axes, as ``np.mean``; of no elements it is NaN.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    node = as_node(a)
    if dtype is not None:
        node = astype(node, dtype)
    axes = normalize_axes(axis, node.ndim, "mean")
    if where is not True:
        node = node if node.type.inexact else astype(node, np.float64)
        total = sum(node, axes, keepdims=keepdims, where=where)
        share = total / astype(counted(where, node, axes, bool(keepdims)), node.dtype)
        return concluded(share, dtype)
    if not axes and node.type.inexact:
        return node
    return concluded(make(Mean(axes, bool(keepdims)), node), dtype)


def counted(mask: Any, like: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """How many elements of an array a mask lets count."""
    flags = broadcast_to(astype(mask, bool), like.shape)
    return sum(flags, axes, keepdims=keepdims)


@of_numpy(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    """Mean with weights, as ``np.average``.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        All axes by default.
    weights : array_like, optional
        Of the shape of `a`, or of the axes `axis` alone, in their order.
    returned : bool
        Whether to return the sum of the weights as well.
    keepdims : bool, optional
        Whether the axes stay, with size one.

    Returns
    -------
    average : Node
    sum_of_weights : Node
        Of the same shape; only with `returned`.

    Raises
    ------
    ShapeError
        If the weights do not fit.
    """
    values = as_node(a)
    axes = normalize_axes(axis, values.ndim, "average")
    if weights is None:
        result = mean(values, axes, keepdims=keepdims)
        total = as_node(count(values.shape, axes))
    else:
        factors = as_node(weights)
        if factors.shape != values.shape:
            factors = _along_axes(factors, values, axis)
        if values.dtype.kind not in "fc":  # NumPy averages integers in double precision
            factors = astype(factors, promote([factors.dtype, np.dtype(np.float64)]))
        dtype = promote([values.dtype, factors.dtype])
        total = sum(factors, axis=axes, dtype=dtype, keepdims=keepdims)
        result = sum(values * factors, axis=axes, keepdims=keepdims) / total
    if not returned:
        return result
    return result, broadcast_to(astype(total, result.dtype), result.shape)


def _along_axes(factors: Node, values: Node, axis: Any) -> Node:
    """Weights of some axes, broadcast along the others."""
    order = (
        range(values.ndim) if axis is None else normalize_axis_list(axis, values.ndim, "average")
    )
    expected = tuple([values.shape[i] for i in order])
    if axis is None or factors.shape != expected:
        raise ShapeError(
            "average: the weights do not fit",
            expected=f"{shape_text(values.shape)}, or the sizes of the axes",
            got=f"weights {shape_text(factors.shape)}, axis={axis}",
        )
    sorted_axes = tuple(sorted(order))
    factors = transpose(factors, [list(order).index(i) for i in sorted_axes])
    others = tuple([i for i in range(values.ndim) if i not in sorted_axes])
    return broadcast_to(expand_dims(factors, others), values.shape)


# Cumulative sum --------------------------------------------------------------------------------


@record
class CumSum(AlongAxes, Linear):
    """Sums of the leading elements along an axis."""

    axis: int
    name: ClassVar[str] = "cumsum"
    analytic: ClassVar[bool] = True
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)

    def infer(self, *types: TensorType) -> Type:
        """The same shape; the dtype of a sum."""
        return types[0].with_dtype(_numpy_dtype("sum", types[0].dtype))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.cumsum``."""
        return call("np.cumsum", *args, axis=str(self.axis) if node.ndim > 1 else "")

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Sums of the trailing elements."""
        return (apply("flip", make(self, apply("flip", cotangent, self.axis)), self.axis),)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Of one sign where the terms are."""
        return sign_bounds(operands[0])

    def work(self, node: Node) -> float:
        """A chain of additions."""
        return 2.0


@builder(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Cumulative sum, as ``np.cumsum``.

    Parameters
    ----------
    a : array_like
    axis : int, optional
        By default over all elements in C order.
    dtype : data-type, optional
        Of the result.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    if not any_node(a):
        return np.cumsum(a, axis=axis, dtype=dtype)
    node = as_node(a)
    if dtype is not None:
        node = astype(node, dtype)
    if axis is None:
        node, axis = reshape(node, -1), 0
    return concluded(make(CumSum(normalize_axis(axis, node.ndim, "cumsum")), node), dtype)


# Examples for the tests ------------------------------------------------------------------------

CUBE = np.sin(np.arange(24.0)).reshape(2, 3, 4)
EMPTY = np.ones((0, 3))
FLAGS = np.array([[True, False], [True, True]])


def axes_examples(function: Any, *empty: Example) -> list[Example]:
    """A reduction over every kind of axes."""
    return [
        Example(function, (CUBE,)),
        Example(lambda x: function(x, axis=1), (CUBE,)),
        Example(lambda x: function(x, axis=(0, -1)), (CUBE,)),
        Example(lambda x: function(x, axis=-1, keepdims=True), (CUBE.astype(np.float32),)),
        Example(lambda x: function(x, axis=(0, 1), keepdims=True), (CUBE,)),
        Example(function, (np.float64(2.5),)),
        Example(lambda x: function(x, axis=1), (EMPTY,)),
        *empty,
    ]


EXAMPLES: dict[str, list[Example]] = {
    "broadcast_to": [
        Example(lambda x: np.broadcast_to(x, (2, 3)), (np.arange(3.0),)),
        Example(lambda x: np.broadcast_to(x, (2, 3)), (np.ones((2, 1), np.float32),)),
        Example(lambda x: np.broadcast_to(x, (4, 2, 3)), (np.ones((1, 3)),)),
        Example(lambda x: np.broadcast_to(x, (0, 2)), (np.float64(2.0),)),
    ],
    "sum": [
        *axes_examples(np.sum, Example(np.sum, (EMPTY,))),
        Example(lambda x: x.sum(axis=0), (FLAGS,)),
        Example(lambda x: np.sum(x, axis=()), (CUBE,)),
        Example(lambda x: np.sum(x, dtype=np.float32), (np.arange(3, dtype=np.int8),)),
        Example(lambda x: np.sum(x, axis=1, initial=2.5, where=CUBE > 0), (CUBE,)),
        Example(np.add.reduce, (CUBE,)),
    ],
    "mean": [
        *axes_examples(np.mean),
        Example(np.mean, (np.arange(4),)),
        Example(lambda x: np.mean(x, axis=0), (FLAGS,)),
        Example(lambda x: np.mean(x, axis=(), dtype=np.float32), (CUBE,)),
        Example(lambda x: np.mean(x, axis=0, keepdims=True, where=CUBE[0, 0, 0] != CUBE), (CUBE,)),
        Example(lambda x: np.mean(x, axis=1, where=FLAGS), (FLAGS * 3,)),
    ],
    "average": [
        Example(lambda x: np.average(x, axis=1), (CUBE,)),
        Example(lambda x, w: np.average(x, axis=1, weights=w), (CUBE, np.array([1.0, 2.0, 4.0]))),
        Example(lambda x, w: np.average(x, weights=w), (CUBE, np.exp(CUBE))),
        Example(lambda x: np.average(x, axis=(0, 2), returned=True), (CUBE,)),
        Example(
            lambda x, w: np.average(x, axis=(2, 0), weights=w, returned=True, keepdims=True),
            (CUBE, np.exp(CUBE[:, 0].T)),
        ),
        Example(lambda x, w: np.average(x, 1, w), (FLAGS * 3, np.arange(1, 3))),
    ],
    "cumsum": [
        Example(np.cumsum, (np.arange(4.0),)),
        Example(np.cumsum, (CUBE,)),
        Example(lambda x: np.cumsum(x, axis=1), (CUBE,)),
        Example(lambda x: x.cumsum(axis=0), (EMPTY,)),
        Example(lambda x: np.cumsum(x, axis=-1), (FLAGS,)),
    ],
}
