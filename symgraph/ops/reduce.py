"""Reductions over axes, and broadcasting, which is the transpose of the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Shape, as_shape
from symgraph.graph.types import TensorType, Type, broadcast_shapes, normalize_axis
from symgraph.ops.kinds import Linear, any_node


def normalize_axes(axis: Any, ndim: int, what: str) -> tuple[int, ...]:
    """Sorted non-negative axes; ``None`` means all of them."""
    if axis is None:
        return tuple(range(ndim))
    items = axis if isinstance(axis, list | tuple) else (axis,)
    axes = [normalize_axis(item, ndim, what) for item in items]  # pyright: ignore[reportUnknownVariableType]
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{what}: an axis is given twice", got=f"axis={axis}")
    return tuple(sorted(axes))


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


def spread(value: Node, like: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """A reduced value broadcast back over the axes that were reduced."""
    if not keepdims:
        value = apply("expand_dims", value, axes) if axes else value
    return broadcast_to(value, like.shape)


@dataclass(frozen=True, slots=True)
class BroadcastTo(Linear):
    """NumPy's broadcasting to a given shape."""

    shape: Shape
    name: ClassVar[str] = "broadcast_to"
    views: ClassVar[tuple[int, ...]] = (0,)

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
            return call("np.full", scope.shape(self.shape), args[0], dtype=dtype)
        return call("np.broadcast_to", args[0], scope.shape(self.shape))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The sum over what was repeated."""
        return (sum_to(cotangent, node.inputs[0].shape),)


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
        return np.broadcast_to(array, wanted)  # pyright: ignore[reportArgumentType]
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
    node = sum(node, axis=tuple(range(extra)))
    return sum(node, axis=tuple([i - extra for i in repeated]), keepdims=True)


@dataclass(frozen=True, slots=True)
class Sum(Linear):
    """The sum over axes."""

    axes: tuple[int, ...]
    keepdims: bool = False
    name: ClassVar[str] = "sum"

    def infer(self, *types: TensorType) -> Type:
        """Small integers add up in the platform integer, as in NumPy."""
        (x,) = types
        dtype = x.dtype if x.inexact else np.sum(np.zeros(1, x.dtype)).dtype
        return TensorType(dtype, reduced_shape(x.shape, self.axes, self.keepdims))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.sum``."""
        axis = axis_text(self.axes, node.inputs[0].ndim)
        return call("np.sum", *args, axis=axis, keepdims="True" if self.keepdims else "")

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent repeated over the axes."""
        return (spread(cotangent, node.inputs[0], self.axes, self.keepdims),)

    def work(self, node: Node) -> float:
        """For each element of the operand, not of the result."""
        return 10.0


@builder(np.sum)
def sum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """Sum over axes, as ``np.sum``.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        All axes by default.
    dtype : data-type, optional
        Of the result.
    keepdims : bool, optional

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    if not any_node(a):
        return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims)
    node = as_node(a)
    if dtype is not None:
        node = apply("astype", node, dtype)
    axes = normalize_axes(axis, node.ndim, "sum")
    if not axes and node.type.inexact:
        return node
    return make(Sum(axes, bool(keepdims)), node)


def count(shape: Shape, axes: tuple[int, ...]) -> Dim:
    """How many elements a reduction takes together."""
    total: Dim = 1
    for axis in axes:
        total = total * shape[axis]
    return total
