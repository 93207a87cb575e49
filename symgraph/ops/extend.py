"""Arrays rolled, repeated and tiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.links import Link, along
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Shape, Size
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes
from symgraph.ops.index import getitem
from symgraph.ops.kinds import Example, Linear, any_node
from symgraph.ops.shape import (
    expand_dims,
    items_of,
    nonnegative,
    ravel,
    reshape,
    surely_nonnegative,
    with_dim,
)

__all__ = ["repeat", "roll", "tile"]

# Roll, repeat, tile ----------------------------------------------------------------------------


@record
class Roll(AlongAxes, Linear):
    """Elements moved along axes; what leaves one end enters at the other."""

    shifts: tuple[Dim, ...]
    axes: tuple[int, ...]
    name: ClassVar[str] = "roll"
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.roll``."""
        if len(self.axes) == 1:
            axis = str(self.axes[0]) if node.ndim > 1 else ""
            return call("np.roll", args[0], scope.dim(self.shifts[0]), axis=axis)
        return call("np.roll", args[0], scope.shape(self.shifts), axis=str(self.axes))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Moved back."""
        return (make(Roll(tuple([-shift for shift in self.shifts]), self.axes), cotangent),)

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """Along each axis two pieces."""
        return rolled_links(node.shape, self.shifts, self.axes)

    def work(self, node: Node) -> float:
        """A copy."""
        return 0.6


def rolled_links(shape: Shape, shifts: Sequence[Dim], axes: Sequence[int]) -> list[Link]:
    """Where elements go that are moved along axes."""
    places = tuple(map(along, range(len(shape))))
    found = [Link(shape, places, places)]
    for shift, axis in zip(shifts, axes, strict=True):
        size = shape[axis]
        if isinstance(size, int) and isinstance(shift, int):
            shift = shift % size if size else 0
        low = shift if surely_nonnegative(shift) else size + shift
        pieces = [(0, low, size - low), (size - low, 0, low)]
        found = [
            Link(
                with_dim(link.lengths, axis, length),
                (*link.source[:axis], along(axis, source), *link.source[axis + 1 :]),
                (*link.target[:axis], along(axis, target), *link.target[axis + 1 :]),
                holds=(*link.holds, *nonnegative(low, size - low)),
            )
            for link in found
            for source, target, length in pieces
            if not (isinstance(length, int) and length == 0)
        ]
    return found


@builder(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved along axes, round the end, as ``np.roll``.

    Parameters
    ----------
    a : array_like
    shift : int or tuple of int
        By how many places; may be a symbolic size.
    axis : int or tuple of int, optional
        By default the array counts as one-dimensional, and keeps its shape.
    """
    if not any_node(a, shift):
        return np.roll(a, shift, axis)
    node = as_node(a)
    if axis is None:
        return reshape(roll(ravel(node), shift, 0), node.shape)
    shifts, items = items_of(shift), items_of(axis)
    if any(isinstance(value, Node) for value in shifts):
        raise UnsupportedError(
            "roll: a shift that is a node", hint="np.take(x, (np.arange(n) - shift) % n, axis)"
        )
    count = max(len(shifts), len(items))
    if {len(shifts), len(items)} - {1, count}:
        raise ShapeError("roll: shifts and axes differ in number", got=f"{shift} and {axis}")
    moved: dict[int, Dim] = {}
    for i in range(count):
        place = normalize_axis(items[i % len(items)], node.ndim, "roll")
        amount = shifts[i % len(shifts)]
        moved[place] = moved.get(place, 0) + (amount if isinstance(amount, Size) else int(amount))
    kept = {place: amount for place, amount in moved.items() if amount != 0}
    return make(Roll(tuple(kept.values()), tuple(kept)), node) if kept else node


@record
class Repeat(AlongAxes, Linear):
    """Each element so many times along an axis."""

    repeats: Dim
    axis: int
    name: ClassVar[str] = "repeat"
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The size multiplied."""
        (x,) = types
        return x.with_shape(with_dim(x.shape, self.axis, x.shape[self.axis] * self.repeats))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Not a negative number of times."""
        return nonnegative(self.repeats)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.repeat``."""
        axis = str(self.axis) if node.ndim > 1 else ""
        return call("np.repeat", args[0], scope.dim(self.repeats), axis=axis)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The sum over the repetitions."""
        shape = node.inputs[0].shape
        apart = reshape(cotangent, (*shape[: self.axis + 1], self.repeats, *shape[self.axis + 1 :]))
        return (apply("sum", apart, axis=self.axis + 1),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Each element to its copies, which follow one another."""
        shape = node.inputs[0].shape
        source = tuple(map(along, range(len(shape))))
        copy = along(self.axis, step=self.repeats).plus(along(len(shape)))
        target = (*source[: self.axis], copy, *source[self.axis + 1 :])
        return [Link((*shape, self.repeats), source, target)]

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0


@builder(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element several times, as ``np.repeat``.

    Parameters
    ----------
    a : array_like
    repeats : size, or array of int
        How often; an array must be known now, and the axis have a known size.
    axis : int, optional
        By default `a` counts as one-dimensional.

    Raises
    ------
    UnsupportedError
        If how often is known only when the function runs.
    """
    if not any_node(a, repeats):
        return np.repeat(a, repeats, axis)
    node = as_node(a)
    if axis is None:
        node, axis = ravel(node), 0
    place = normalize_axis(axis, node.ndim, "repeat")
    if isinstance(repeats, Node):
        raise UnsupportedError(
            "repeat: the shape of the result would depend on the values of repeats",
            hint="np.repeat(x, 3), or x[positions] with positions of a known shape",
        )
    if isinstance(repeats, Size):
        return make(Repeat(repeats, place), node)
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" and counts.size:
        raise DTypeError("repeat: repeats must be integers", got=repr(repeats))
    if counts.size == 1:
        return make(Repeat(int(counts.ravel()[0]), place), node)
    length = node.shape[place]
    if isinstance(length, Size) or counts.shape != (length,):
        raise ShapeError(
            "repeat: one number is needed for each element",
            expected=f"({length},)",
            got=str(counts.shape),
        )
    positions = np.repeat(np.arange(length), counts.astype(np.intp))
    return getitem(node, (*[slice(None)] * place, positions))


@record
class Tile(Linear):
    """The whole array several times along each axis."""

    reps: tuple[Dim, ...]
    name: ClassVar[str] = "tile"
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The sizes multiplied."""
        (x,) = types
        return x.with_shape(tuple([d * r for d, r in zip(x.shape, self.reps, strict=True)]))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Not a negative number of times."""
        return nonnegative(*self.reps)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.tile``."""
        reps = scope.dim(self.reps[0]) if len(self.reps) == 1 else scope.shape(self.reps)
        return call("np.tile", args[0], reps)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The sum over the copies."""
        pairs = zip(self.reps, node.inputs[0].shape, strict=True)
        apart = reshape(cotangent, tuple([dim for pair in pairs for dim in pair]))
        return (apply("sum", apart, axis=tuple(range(0, 2 * node.ndim, 2))),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Each element to its copies, the whole array apart."""
        shape = node.inputs[0].shape
        source = tuple(map(along, range(len(shape))))
        target = [
            place.plus(along(len(shape) + i), dim)
            for i, (place, dim) in enumerate(zip(source, shape, strict=True))
        ]
        return [Link((*shape, *self.reps), source, tuple(target))]

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Once along the batch."""
        return make(Tile((1, *self.reps)), *operands)


@builder(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """The whole array several times along each axis, as ``np.tile``.

    Parameters
    ----------
    A : array_like
    reps : size or tuple of sizes
        For the last axes; more than there are make new ones.
    """
    if not any_node(A, reps):
        return np.tile(A, reps)
    node = as_node(A)
    several = isinstance(reps, list | tuple | np.ndarray)
    items = list(cast("Sequence[Any]", reps)) if several else [reps]
    if any(isinstance(item, Node) for item in items):
        raise UnsupportedError("tile: the shape of the result would depend on the value of reps")
    counts: list[Dim] = [item if isinstance(item, Size) else int(item) for item in items]
    missing = len(counts) - node.ndim
    if missing > 0:
        node = expand_dims(node, tuple(range(missing)))
    counts = [1] * -missing + counts if missing < 0 else counts
    return make(Tile(tuple(counts)), node) if any(c != 1 for c in counts) else node


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.arange(12.0).reshape(3, 4) / 7 - 1
_ROW = np.array([[0.5, -1.0, 2.0, 3.0]])
_VECTOR = _ROW[0]

EXAMPLES: dict[str, list[Example]] = {
    "roll": [
        Example(lambda x: np.roll(x, 1), (_VECTOR,)),
        Example(lambda x: np.roll(x, -5), (_MATRIX,)),
        Example(lambda x: np.roll(x, (1, 2), axis=(0, -1)), (_MATRIX,)),
        Example(lambda x: np.roll(x, 2, axis=(0, 0)), (_MATRIX,)),
        Example(lambda x: np.roll(x, 3, axis=1), (_MATRIX[:, :0],)),
    ],
    "repeat": [
        Example(lambda x: np.repeat(x, 3), (_MATRIX,)),
        Example(lambda x: np.repeat(x, 2, axis=1), (_MATRIX,)),
        Example(lambda x: np.repeat(x, 0), (_VECTOR,)),
        Example(lambda x: np.repeat(x, [1, 0, 2, 1]), (_VECTOR,)),
    ],
    "tile": [
        Example(lambda x: np.tile(x, 2), (_VECTOR,)),
        Example(lambda x: np.tile(x, (2, 1, 3)), (_MATRIX,)),
        Example(lambda x: np.tile(x, 2), (_MATRIX,)),
        Example(lambda x: np.tile(x, (2, 2)), (np.float64(3.0),)),
    ],
}
