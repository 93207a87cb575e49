"""Arrays padded, rolled, repeated and tiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, tuple_text
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Size
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes, in_front
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.index import IndexAdd, getitem
from symgraph.ops.indices import Index, Mark, Range, index_array
from symgraph.ops.kinds import Example, Linear, any_node
from symgraph.ops.shape import expand_dims, items_of, nonnegative, ravel, reshape, with_dim

__all__ = ["pad", "repeat", "roll", "tile"]

# Pad -------------------------------------------------------------------------------------------

_Widths = tuple[tuple[Dim, Dim], ...]


def _widths_text(widths: _Widths, scope: Scope) -> str:
    if all(pair == widths[0] for pair in widths):
        before, after = widths[0]
        return scope.dim(before) if before == after else scope.shape(widths[0])
    return tuple_text([scope.shape(pair) for pair in widths])


def _padded(types: Sequence[TensorType], widths: _Widths) -> TensorType:
    (x, *_) = types
    nonnegative(*[width for pair in widths for width in pair])
    dims = zip(x.shape, widths, strict=True)
    return x.with_shape(tuple([before + dim + after for dim, (before, after) in dims]))


@record
class Pad(Linear):
    """The first operand in the middle, the second, a scalar, around it."""

    widths: tuple[tuple[Dim, Dim], ...]
    name: ClassVar[str] = "pad"
    linear: ClassVar[tuple[int, ...] | None] = (0, 1)

    def infer(self, *types: TensorType) -> Type:
        """The widths are added to the sizes."""
        return _padded(types, self.widths)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """No width is negative."""
        return nonnegative(*[width for pair in self.widths for width in pair])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.pad``."""
        value = "" if args[1].text in ("0", "0.0") else args[1]
        return call("np.pad", args[0], _widths_text(self.widths, scope), constant_values=value)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The middle; for the value, the sum of what is around it."""
        inner = node.inputs[0].shape
        middle = getitem(
            cotangent,
            tuple(
                [
                    slice(before, before + dim)
                    for (before, _), dim in zip(self.widths, inner, strict=True)
                ]
            ),
        )
        around = make(self, zeros_like(node.inputs[0]), constant(np.ones((), cotangent.dtype)))
        return middle, apply("sum", cotangent * around)

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """No border in front; a value for each row is chosen by a mask."""
        x, value = operands
        widths = ((0, 0), *self.widths)
        if not mapped[0]:
            x = apply("broadcast_to", x, (size, *x.shape))
        if not mapped[1]:
            return make(Pad(widths), x, value)
        inner = node.inputs[0]
        inside = apply("broadcast_to", constant(np.array(True)), inner.shape)
        mask = make(self, inside, constant(np.array(False)))
        padded = make(Pad(widths), x, constant(np.zeros((), x.dtype)))
        return apply("where", mask, padded, in_front(value, node.ndim))


@record
class PadCopies(Linear):
    """Padded with copies of elements: ``edge``, ``reflect``, ``symmetric`` or ``wrap``."""

    widths: tuple[tuple[int, int], ...]
    mode: str
    name: ClassVar[str] = "pad_copies"

    def infer(self, *types: TensorType) -> Type:
        """The widths are added to the sizes."""
        for dim, pair in zip(types[0].shape, self.widths, strict=True):
            if isinstance(dim, int) and dim == 0 and any(pair):
                raise ShapeError(f"pad: an empty axis cannot be extended with mode {self.mode!r}")
        return _padded(types, self.widths)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """What is copied must exist."""
        dims = zip(types[0].shape, self.widths, strict=True)
        return nonnegative(*[dim - 1 for dim, pair in dims if any(pair)])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.pad`` with its mode."""
        return call("np.pad", args[0], _widths_text(self.widths, scope), mode=f'"{self.mode}"')

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Each copy's cotangent added to where it came from, axis by axis."""
        shape = node.inputs[0].shape
        for axis, (dim, pair) in enumerate(zip(shape, self.widths, strict=True)):
            if not any(pair):
                continue
            if isinstance(dim, Size):
                raise UnsupportedError(
                    f"the derivative of pad with mode {self.mode!r} along an axis of size {dim}",
                    hint="declare the size as a number, or build the copies with np.concatenate",
                )
            mode: Any = self.mode
            source = np.pad(np.arange(dim), pair, mode=mode)
            start = apply(
                "broadcast_to",
                constant(np.zeros((), cotangent.dtype)),
                with_dim(cotangent.shape, axis, dim),
            )
            index: Index = tuple(
                [Mark.ARRAY if i == axis else Range() for i in range(cotangent.ndim)]
            )
            cotangent = make(IndexAdd(index), start, cotangent, index_array(source))
        return (cotangent,)

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """No border in front."""
        return make(PadCopies(((0, 0), *self.widths), self.mode), *operands)


def _pairs(value: Any, ndim: int, what: str) -> list[tuple[Any, Any]]:
    """NumPy's forms of a value for each side of each axis."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] = [(0, 0)] * ndim
        for axis, width in cast("dict[Any, Any]", value).items():
            (pairs[normalize_axis(axis, ndim, "pad")],) = _pairs(width, 1, what)
        return pairs
    if not isinstance(value, list | tuple):
        return [(value, value)] * ndim
    rows: list[Any] = list(cast("Sequence[Any]", value))
    if not any(isinstance(row, list | tuple | np.ndarray) for row in rows):
        rows = [rows]
    sides = [tuple(row) * (3 - len(row)) for row in rows]
    if len(sides) == 1:
        sides = sides * ndim
    if len(sides) != ndim or any(len(side) != 2 for side in sides):
        raise ShapeError(
            f"pad: {what} must be a number, a pair, or a pair for each of {ndim} axes",
            got=repr(cast("Any", value)),
        )
    return [(side[0], side[1]) for side in sides]


def _width(value: Any) -> Dim:
    if isinstance(value, Size):
        return value
    if isinstance(value, Node):
        raise UnsupportedError("pad: a width that is a node: the shape would depend on its value")
    if not hasattr(value, "__index__") or isinstance(value, bool):
        raise DTypeError("pad: a width must be an integer", got=repr(value))
    width = int(value)
    if width < 0:
        raise ShapeError("pad: a width cannot be negative", got=str(value))
    return width


_COPYING = ("edge", "reflect", "symmetric", "wrap")


@builder(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0) -> Any:
    """An array with a border, as ``np.pad``.

    Parameters
    ----------
    array : array_like
    pad_width : size, pair, pairs for each axis, or dict from axis to width
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
    constant_values : scalar, pair or pairs
        What stands in the border; the numbers may be nodes.

    Raises
    ------
    UnsupportedError
        For other modes.
    """
    if not any_node(array, pad_width, constant_values):
        extra: Any = {"constant_values": constant_values} if mode == "constant" else {}
        return np.pad(array, pad_width, mode=mode, **extra)
    node = as_node(array)
    widths = tuple(
        [(_width(before), _width(after)) for before, after in _pairs(pad_width, node.ndim, "width")]
    )
    if mode in _COPYING:
        return _pad_copies(node, widths, mode)
    if mode != "constant":
        raise UnsupportedError(
            f"pad: mode {mode!r} is not supported on nodes",
            expected=", ".join(map(repr, ("constant", *_COPYING))),
        )
    if isinstance(constant_values, Node) and constant_values.ndim == 0:
        return _pad_constant(node, widths, constant_values)
    values = _pairs(constant_values, node.ndim, "constant_values")
    if all(value is values[0][0] or value == values[0][0] for pair in values for value in pair):
        return _pad_constant(node, widths, values[0][0])
    for axis, (sides, numbers) in enumerate(zip(widths, values, strict=True)):
        for side, (width, number) in enumerate(zip(sides, numbers, strict=True)):
            one: list[tuple[Dim, Dim]] = [(0, 0)] * node.ndim
            one[axis] = (0, width) if side else (width, 0)
            node = _pad_constant(node, tuple(one), number)
    return node


def _pad_constant(node: Node, widths: _Widths, value: Any) -> Node:
    if all(width == 0 for pair in widths for width in pair):
        return node
    return make(Pad(widths), node, apply("astype", as_node(value), node.dtype))


def _pad_copies(node: Node, widths: _Widths, mode: str) -> Node:
    known = tuple([(a, b) for a, b in widths if isinstance(a, int) and isinstance(b, int)])
    if len(known) < len(widths):
        raise UnsupportedError(f"pad: mode {mode!r} needs widths that are known now")
    return make(PadCopies(known, mode), node) if any(map(any, known)) else node


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

    def work(self, node: Node) -> float:
        """A copy."""
        return 0.6


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
    "pad": [
        Example(lambda x: np.pad(x, 1), (_VECTOR,)),
        Example(lambda x: np.pad(x, ((1, 2), (0, 3))), (_MATRIX,)),
        Example(lambda x: np.pad(x, (2, 0), constant_values=1.5), (_VECTOR.astype(np.float32),)),
        Example(lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), (_MATRIX,)),
        Example(
            lambda x, v: pad(x, (1, 2), constant_values=v),
            (_VECTOR, np.float64(0.25)),
            lambda x, v: np.pad(x, (1, 2), constant_values=v),
        ),
    ],
    "pad_copies": [
        Example(lambda x: np.pad(x, 2, mode="edge"), (_VECTOR,)),
        Example(lambda x: np.pad(x, ((5, 0), (2, 3)), mode="reflect"), (_MATRIX,)),
        Example(lambda x: np.pad(x, (1, 6), mode="wrap"), (_VECTOR,)),
        Example(lambda x: np.pad(x, ((0, 0), (3, 1)), mode="symmetric"), (_MATRIX,)),
    ],
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
