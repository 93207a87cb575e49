"""Reductions by order and by truth: max, min, argmax, argmin, any, all, count_nonzero."""

from __future__ import annotations

import builtins
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import InputError, ShapeError
from symgraph.graph.code import Code, Scope, call, method
from symgraph.graph.leaves import Constant, scalar_code
from symgraph.graph.node import Node, as_node, make, topological
from symgraph.graph.record import record, with_fields
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, may_be_zero
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes, next_axes
from symgraph.ops.calls import of_numpy, over_axes
from symgraph.ops.elementwise import astype, where
from symgraph.ops.kinds import Discrete, Example, Structured
from symgraph.ops.reduce import (
    CUBE,
    EMPTY,
    FLAGS,
    Reduction,
    axes_examples,
    axis_text,
    masked,
    normalize_axes,
    reduce,
    reduced_shape,
    started,
    sum,
    unreduced,
)
from symgraph.ops.shape import reshape

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "max",
    "min",
    "ptp",
]

# Maximum and minimum ---------------------------------------------------------------------------


@record
class Extreme(Reduction, Structured):
    """Maximum or minimum over axes; the derivative is split evenly among ties."""

    def infer(self, *types: TensorType) -> Type:
        """The same dtype; of no elements there is none."""
        (x,) = types
        shape = reduced_shape(x.shape, self.axes, self.keepdims)
        empty = any_dim_is_zero([x.shape[i] for i in self.axes])
        if empty and not any_dim_is_zero(shape):
            raise ShapeError(
                f"{self.name} of no elements",
                expected="at least one element along the axes",
                got=f"shape {x.shape}, axis={self.axes}",
            )
        return TensorType(x.dtype, shape)

    def _ties(self, node: Node, keepdims: bool) -> tuple[Node, Node]:
        """Where the operand is the extreme, and how often."""
        x = node.inputs[0]
        mask = x == self.spread(node, x)
        ties = count_nonzero(mask, axis=self.axes, keepdims=keepdims)
        return mask, ties if node.dtype == np.float64 else astype(ties, node.dtype)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of the elements."""
        return operands[0]

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The mean of the tangents at the ties."""
        tangent = tangents[0]
        assert tangent is not None
        mask, ties = self._ties(node, self.keepdims)
        return sum(where(mask, tangent, 0.0), axis=self.axes, keepdims=self.keepdims) / ties

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The cotangent, divided among the ties."""
        mask, ties = self._ties(node, self.keepdims)
        return (where(mask, self.spread(cotangent / ties, node.inputs[0]), 0.0),)


def any_dim_is_zero(dims: Sequence[Dim]) -> bool:
    """Whether a size is known to be 0."""
    return 0 in [dim for dim in dims if isinstance(dim, int)]


@record
class Max(Extreme):
    """The maximum over axes."""

    name: ClassVar[str] = "max"
    shift: ClassVar[str] = "added"


@record
class Min(Extreme):
    """The minimum over axes."""

    name: ClassVar[str] = "min"
    shift: ClassVar[str] = "added"


@record
class ExtremeFrom(AlongAxes, Structured):
    """The extreme of a number (``initial=``) and of the elements along axes, which may be none."""

    axes: tuple[int, ...]
    keepdims: bool = False
    numpy: ClassVar[str]
    """NumPy's name for it."""

    def infer(self, *types: TensorType) -> Type:
        """The same dtype."""
        return TensorType(types[0].dtype, reduced_shape(types[0].shape, self.axes, self.keepdims))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """NumPy's method of this name, or the function where there is none."""
        rest = {
            "axis": axis_text(self.axes, node.inputs[0].ndim),
            "keepdims": "True" if self.keepdims else "",
            "initial": args[1],
        }
        if isinstance(start := node.inputs[1].op, Constant):
            rest["initial"] = scalar_code(start.value[()])  # the array decides on the dtype
        if hasattr(np.ndarray, self.numpy) and not args[0].literal:
            return method(args[0], self.numpy, **rest)
        return call(f"np.{self.numpy}", args[0], **rest)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The mean of the tangents at the ties, the number among them."""
        x, start = node.inputs
        of_x, of_start = tangents
        mask, first = x == unreduced(node, x, self.axes, self.keepdims), node == start
        ties = count_nonzero(mask, axis=self.axes, keepdims=self.keepdims) + first
        total = 0.0 if of_start is None else where(first, of_start, 0.0)
        if of_x is not None:
            taken = where(mask, of_x, 0.0)
            total = total + sum(taken, axis=self.axes, keepdims=self.keepdims)
        return total / astype(ties, node.dtype)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of the elements and of the number together."""
        lows, highs = zip(*operands, strict=True)
        return builtins.min(lows), builtins.max(highs)

    def work(self, node: Node) -> float:
        """For each element of the operand."""
        return 10.0

    def flops(self, node: Node) -> Dim:
        """A comparison for each element of the operand."""
        return node.inputs[0].size

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Along the next axes, from one number: NumPy takes no more."""
        x, start = operands
        if mapped[1]:
            return None
        return make(with_fields(self, axes=next_axes(self.axes)), x, start)


@record
class MaxFrom(ExtremeFrom):
    """The maximum of a number and of the elements along axes."""

    name: ClassVar[str] = "max_from"
    numpy: ClassVar[str] = "max"


@record
class MinFrom(ExtremeFrom):
    """The minimum of a number and of the elements along axes."""

    name: ClassVar[str] = "min_from"
    numpy: ClassVar[str] = "min"


def extreme(
    kind: type[Extreme],
    start_at: type[ExtremeFrom],
    a: Any,
    axis: Any,
    keepdims: Any,
    initial: Any,
    mask: Any,
) -> Node:
    if initial is None and mask is not True:
        raise InputError(
            f"{kind.name}: with where= there may be no element", hint="give initial= as well"
        )
    node = as_node(a)
    if initial is None:
        return reduce(kind, node, axis, keepdims)
    start = started(initial, node.dtype, kind.name)
    axes = normalize_axes(axis, node.ndim, kind.name)
    return make(start_at(axes, bool(keepdims)), masked(node, mask, start, kind.name), start)


class _Taken(local):
    extremes: frozenset[tuple[tuple[Dim, ...], tuple[int, ...]]] = frozenset()


_taken = _Taken()


@contextmanager
def taken_anyway(outputs: Sequence[Node]) -> Generator[None]:
    """Let `first_of_none` know of what shapes and axes a graph takes extremes by itself.

    Where there is no element it refuses, and so may what is put in its place.
    """
    before = _taken.extremes
    _taken.extremes = before | {
        (node.inputs[0].shape, node.op.axes)
        for node in topological(outputs)
        if isinstance(node.op, Extreme)
    }
    try:
        yield
    finally:
        _taken.extremes = before


def first_of_none(x: Node, axes: Sequence[int], value: float) -> float | None:
    """The ``initial=`` of a reduction that must have a value where a symbolic size is 0."""
    if (x.shape, tuple(axes)) in _taken.extremes:
        return None
    return value if builtins.any(may_be_zero(x.shape[axis]) for axis in axes) else None


@over_axes(np.max, np.amax)
def max(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """Maximum over axes, as ``np.max``; the derivative is split evenly among ties.

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it and no `initial`.
    """
    return extreme(Max, MaxFrom, a, axis, keepdims, initial, where)


@over_axes(np.min, np.amin)
def min(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """Minimum over axes, as ``np.min``; the derivative is split evenly among ties.

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it and no `initial`.
    """
    return extreme(Min, MinFrom, a, axis, keepdims, initial, where)


amax = builder(name="amax")(max)
amin = builder(name="amin")(min)


@over_axes(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Maximum less minimum over axes, as ``np.ptp``."""
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


# Discrete reductions ---------------------------------------------------------------------------


@record
class Any_(Reduction, Discrete):  # noqa: N801 - Any is typing's
    """Whether one element is true."""

    name: ClassVar[str] = "any"


@record
class All(Reduction, Discrete):
    """Whether every element is true."""

    name: ClassVar[str] = "all"


@record
class CountNonzero(Reduction, Discrete):
    """How many elements are not zero."""

    name: ClassVar[str] = "count_nonzero"

    def infer(self, *types: TensorType) -> Type:
        """An integer."""
        shape = reduced_shape(types[0].shape, self.axes, self.keepdims)
        return TensorType(np.dtype(np.intp), shape)


@over_axes(np.any)
def any(a: Any, axis: Any = None, *, keepdims: Any = False, where: Any = True) -> Any:
    """Whether one element along the axes is true, as ``np.any``."""
    return reduce(Any_, masked(a, where, False, "any"), axis, keepdims)


@over_axes(np.all)
def all(a: Any, axis: Any = None, *, keepdims: Any = False, where: Any = True) -> Any:
    """Whether every element along the axes is true, as ``np.all``."""
    return reduce(All, masked(a, where, True, "all"), axis, keepdims)


@over_axes(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """How many elements along the axes are not zero, as ``np.count_nonzero``."""
    return reduce(CountNonzero, a, axis, keepdims)


@record
class _ArgExtreme(Discrete):
    """Position of an extreme along one axis, or among all elements."""

    axis: int | None
    keepdims: bool = False

    def infer(self, *types: TensorType) -> Type:
        """An integer for each place along the other axes."""
        (x,) = types
        axes = tuple(range(x.ndim)) if self.axis is None else (self.axis,)
        shape = reduced_shape(x.shape, axes, self.keepdims)
        empty = any_dim_is_zero([x.shape[i] for i in axes])
        if empty and not any_dim_is_zero(shape):
            raise ShapeError(f"{self.name} of no elements", got=f"shape {x.shape}")
        return TensorType(np.dtype(np.intp), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """NumPy's function of this name."""
        axis = "" if self.axis is None else str(self.axis)
        keepdims = "True" if self.keepdims else ""
        return call(f"np.{self.name}", *args, axis=axis, keepdims=keepdims)

    def work(self, node: Node) -> float:
        """For each element of the operand."""
        return 10.0

    def flops(self, node: Node) -> Dim:
        """A comparison for each element of the operand."""
        return node.inputs[0].size

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Along the next axis; the rows in one dimension, if it was of all elements."""
        (x,) = operands
        if self.axis is not None:
            return make(with_fields(self, axis=self.axis + 1), x)
        found = make(type(self)(1), reshape(x, (size, node.inputs[0].size)))
        return reshape(found, (size, *node.shape))


@record
class ArgMax(_ArgExtreme):
    """Position of the first maximum."""

    name: ClassVar[str] = "argmax"


@record
class ArgMin(_ArgExtreme):
    """Position of the first minimum."""

    name: ClassVar[str] = "argmin"


def _arg_extreme(kind: type[_ArgExtreme], a: Any, axis: Any, keepdims: bool) -> Node:
    node = as_node(a)
    place = None if axis is None else normalize_axis(axis, node.ndim, kind.name)
    return make(kind(place, bool(keepdims)), node)


@of_numpy(np.argmax)
def argmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Position of the first maximum along an axis, or in C order, as ``np.argmax``."""
    return _arg_extreme(ArgMax, a, axis, keepdims)


@of_numpy(np.argmin)
def argmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Position of the first minimum along an axis, or in C order, as ``np.argmin``."""
    return _arg_extreme(ArgMin, a, axis, keepdims)


# Examples for the tests ------------------------------------------------------------------------

_TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, -1.0]])

EXAMPLES: dict[str, list[Example]] = {
    "max": [
        *axes_examples(np.max),
        Example(lambda x: x.max(axis=1), (np.arange(6).reshape(2, 3),)),
        Example(lambda x: np.max(x, axis=0, initial=-0.2, where=CUBE < 0.5), (CUBE,)),
        Example(lambda x: np.max(x, axis=0, initial=1), (EMPTY,)),
    ],
    "min": [
        *axes_examples(np.min),
        Example(lambda x: np.amin(x, axis=0), (CUBE,)),
        Example(lambda x: np.min(x, keepdims=True, initial=0.1), (CUBE.astype(np.float32),)),
    ],
    "amax": [Example(lambda x: np.amax(x, axis=0), (CUBE,))],
    "ptp": [Example(lambda x: np.ptp(x, axis=1), (CUBE,))],
    "any": axes_examples(
        np.any,
        Example(np.any, (EMPTY,)),
        Example(lambda x: np.any(x, axis=0, where=FLAGS), (FLAGS,)),
    ),
    "all": axes_examples(
        np.all,
        Example(np.all, (EMPTY,)),
        Example(lambda x: np.all(x, axis=1, where=FLAGS), (FLAGS,)),
    ),
    "count_nonzero": axes_examples(np.count_nonzero, Example(np.count_nonzero, (EMPTY,))),
    "argmax": [
        Example(np.argmax, (CUBE,)),
        Example(lambda x: np.argmax(x, axis=-1), (_TIES,)),
        Example(lambda x: x.argmax(axis=0, keepdims=True), (_TIES.astype(np.float32),)),
        Example(lambda x: np.argmax(x, axis=1), (EMPTY,)),
    ],
    "argmin": [
        Example(np.argmin, (CUBE,)),
        Example(lambda x: np.argmin(x, axis=-1, keepdims=True), (_TIES,)),
    ],
}
