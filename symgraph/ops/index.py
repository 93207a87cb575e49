"""Indexing, and its transpose: adding to the elements that an index takes.

``x[...]`` is `GetItem` (a view), `Select` (a view at positions that are nodes) or `Gather` (a
copy).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Constant, scalar_code
from symgraph.graph.links import Link
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, product
from symgraph.graph.types import TensorType, Type, broadcast_shapes, normalize_axis
from symgraph.ops.arrange import moveaxis
from symgraph.ops.batching import in_front
from symgraph.ops.create import Arange
from symgraph.ops.elementwise import astype, zeros_like
from symgraph.ops.indices import (
    Index,
    Mark,
    Range,
    index_label,
    index_links,
    index_requirements,
    index_texts,
    indexed_shape,
    keeps_all,
    parse,
    place_of_arrays,
    repeats,
    separated,
)
from symgraph.ops.kinds import Example, Linear, any_node
from symgraph.ops.shape import (
    ExpandDims,
    expand_dims,
    normalize_axis_list,
    ravel,
    shape_text,
)

__all__ = ["compress", "flip", "fliplr", "flipud", "take", "take_along_axis"]

# Taking ----------------------------------------------------------------------------------------


@record
class Taking(Linear):
    """``x[index]``."""

    index: Index
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The shape that the index leaves."""
        x, *arrays = types
        return x.with_shape(indexed_shape(self.index, x.shape, [t.shape for t in arrays]))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Positions and slices lie inside the array."""
        return index_requirements(self.index, types[0].shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The subscript."""
        texts = index_texts(self.index, [arg.text for arg in args[1:]], scope)
        depth = 1 + max(arg.depth for arg in args)
        return Code(f"{args[0].at_least(15)}[{', '.join(texts)}]", depth=depth)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Zeros with the cotangent added where the elements were taken."""
        x, *arrays = node.inputs
        if keeps_all(self.index):
            return (make(self, cotangent),)
        return (scattered(x, self.index, cotangent, arrays),)

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """Slices and positions that are known now."""
        return index_links(self.index, node.inputs[0].shape, node.inputs[1:], node.shape)

    @property
    def label(self) -> str:
        """The name with the index as it is written."""
        return f"{self.name}[{index_label(self.index)}]"

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """All rows at the same positions, or each at its own."""
        x, *arrays = operands
        rank, place = _common_rank(node, 1), place_of_arrays(self.index)
        if not any(mapped[1:]):
            result = taken(x, (Range(), *self.index), arrays)
            return moveaxis(result, rank, 0) if separated(self.index) else result
        arrays = _spread_arrays(arrays, mapped[1:], rank)
        if not mapped[0]:
            return moveaxis(taken(x, self.index, arrays), place, 0)
        result = taken(x, (Mark.ARRAY, *self.index), [_row_numbers(size, rank), *arrays])
        return moveaxis(result, _block(1, rank), _block(1 + place, rank))


@record
class GetItem(Taking):
    """Positions and slices that are known now."""

    name: ClassVar[str] = "getitem"
    views: ClassVar[tuple[int, ...]] = (0,)

    @property
    def suffix(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The positions, where there is nothing but positions."""
        if not all(isinstance(item, int) and item >= 0 for item in self.index):
            return ""
        return "".join([f"_{item}" for item in self.index])


@record
class Select(Taking):
    """Single positions that are nodes: NumPy takes a view, as of integers."""

    name: ClassVar[str] = "select"
    views: ClassVar[tuple[int, ...]] = (0,)


@record
class Gather(Taking):
    """Index arrays."""

    name: ClassVar[str] = "gather"

    def work(self, node: Node) -> float:
        """Random access."""
        return 4.0


# Of stacks ---------------------------------------------------------------------------------------


def _common_rank(node: Node, first: int) -> int:
    """How many axes the index arrays, the operands from `first` on, have together."""
    return max([array.ndim for array in node.inputs[first:]], default=0)


def _spread_arrays(arrays: Sequence[Node], mapped: Sequence[bool], rank: int) -> list[Node]:
    pairs = zip(arrays, mapped, strict=True)
    return [in_front(array, rank) if is_mapped else array for array, is_mapped in pairs]


def _row_numbers(size: Dim, rank: int) -> Node:
    """The positions along the batch, in front of the axes of index arrays."""
    numbers = make(Arange(0, size, 1, np.dtype(np.int64)))
    return expand_dims(numbers, _block(1, rank))


def _block(start: int, count: int) -> tuple[int, ...]:
    return tuple(range(start, start + count))


def taken(node: Node, index: Index, arrays: Sequence[Node]) -> Node:
    """``node[index]`` by the operation that fits."""
    if arrays:
        kind = Gather if any(array.ndim for array in arrays) else Select
        return make(kind(index), node, *arrays)
    if all(entry == Range() for entry in index):
        return node
    if all(entry in (Range(), Mark.NEW_AXIS) for entry in index):
        axes = tuple([i for i, entry in enumerate(index) if entry is Mark.NEW_AXIS])
        return make(ExpandDims(axes), node)
    return make(GetItem(index), node)


@builder()
def getitem(x: Any, key: Any) -> Any:
    """``x[key]``: integers, slices, ``None``, ``...``, integer arrays and nodes, as in NumPy.

    Parameters
    ----------
    x : array_like
    key : index
        Positions and bounds may be symbolic sizes; a slice of an axis of symbolic size must lie
        inside it, which a call checks. A mask must be known now.

    Raises
    ------
    ShapeError
        If an index is out of bounds, or there are too many.
    DTypeError
        If an index is no integer.
    UnsupportedError
        For a mask or a slice bound that is known only when the function runs.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x", ("n", 3))
    >>> getitem(x, (slice(1, None), -1)).shape, x[:, [0, 2]].shape
    ((n - 1,), (n, 2))
    """
    if not any_node(x, key):
        return np.asarray(x)[key]
    node = as_node(x)
    index, arrays = parse(key, node.shape)
    return taken(node, index, arrays)


# Changing --------------------------------------------------------------------------------------


@record
class Changing(Op):
    """The first operand with the elements at an index changed by the second.

    Operands: base, values (broadcast to the shape of ``base[index]``), index arrays.
    """

    index: Index
    mutates: ClassVar[bool] = True
    symbol: ClassVar[str] = ""
    ufunc: ClassVar[str] = ""

    def infer(self, *types: TensorType) -> Type:
        """The type of the base."""
        base, values, *arrays = types
        region = indexed_shape(self.index, base.shape, [t.shape for t in arrays])
        what = f"{self.name} of values with shape {shape_text(values.shape)}"
        if broadcast_shapes(values.shape, region, what=what) != region:
            raise ShapeError(
                f"{what} does not fit",
                expected=f"at most {shape_text(region)}",
                got=shape_text(values.shape),
            )
        casting = "same_kind" if self.symbol or self.ufunc else "unsafe"
        if not np.can_cast(values.dtype, base.dtype, casting) or (
            values.dtype.kind == "c" and base.dtype.kind != "c"
        ):
            raise DTypeError(
                f"{self.name}: values of {values.dtype} cannot be put into {base.dtype}",
                expected=str(base.dtype),
                got=str(values.dtype),
                hint="x.astype(...).at[...]",
            )
        return base

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Positions and slices lie inside the array."""
        return index_requirements(self.index, types[0].shape)

    def in_place(
        self, node: Node, operand: int, target: str, args: Sequence[Code], scope: Scope
    ) -> str | None:
        """An assignment, or ``np.add.at`` and its like where positions may repeat."""
        if operand != 0:
            return None
        texts = index_texts(self.index, [arg.text for arg in args[2:]], scope)
        values, place = self._values_text(node, args[1]), f"{target}[{', '.join(texts)}]"
        if self.ufunc and self.repeated(node):
            if self.ufunc == "add" and node.inputs[1].op.name == "negative" and values[:1] == "-":
                less = _without_brackets(values[1:])
                return f"np.subtract.at({target}, {_index_argument(texts)}, {less})"
            return f"np.{self.ufunc}.at({target}, {_index_argument(texts)}, {values})"
        return self.assignment(node, place, values)

    def _values_text(self, node: Node, values: Code) -> str:
        op = node.inputs[1].op
        # A Python number is weak: where it is computed with, only in its own dtype.
        computed = self.symbol or self.ufunc
        if not isinstance(op, Constant) or op.value.ndim:
            return values.text
        weak = bool(computed) and op.value.dtype != node.dtype
        return values.text if weak else scalar_code(op.value[()]).text

    def assignment(self, node: Node, place: str, values: str) -> str:
        """The statement where no position repeats."""
        if self.ufunc and not self.symbol:
            return f"{place} = np.{self.ufunc}({place}, {values})"
        return f"{place} {self.symbol}= {values}"

    def repeated(self, node: Node) -> bool:
        """Whether a position may occur twice."""
        base, _, *arrays = node.inputs
        return repeats(self.index, base.shape, arrays)

    def region(self, node: Node, of: Node) -> Node:
        """The elements of another array at the index of `node`."""
        return taken(of, self.index, node.inputs[2:])

    def spread(self, node: Node) -> Node:
        """The values, broadcast to the shape of what they change."""
        return apply("broadcast_to", node.inputs[1], self.region(node, node).shape)

    def work(self, node: Node) -> float:
        """A copy, and random access."""
        return 4.0

    def flops(self, node: Node) -> Dim:
        """One for each element that changes by arithmetic."""
        if not self.ufunc:
            return 0
        base, _, *arrays = node.inputs
        return product(indexed_shape(self.index, base.shape, [array.shape for array in arrays]))

    @property
    def label(self) -> str:
        """The name with the index as it is written."""
        return f"{self.name}[{index_label(self.index)}]"

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """All rows at the same positions, or each at its own."""
        base, values, *arrays = operands
        rank, place = _common_rank(node, 2), place_of_arrays(self.index)
        region = self.region(node, node).ndim
        if not mapped[0]:
            base = apply("broadcast_to", base, (size, *base.shape))
        values = in_front(values if mapped[1] else expand_dims(values, 0), region)
        if not any(mapped[2:]):
            if separated(self.index):
                values = moveaxis(values, 0, rank)
            return make(type(self)((Range(), *self.index)), base, values, *arrays)
        arrays = [_row_numbers(size, rank), *_spread_arrays(arrays, mapped[2:], rank)]
        values = moveaxis(values, _block(1 + place, rank), _block(1, rank))
        return make(type(self)((Mark.ARRAY, *self.index)), base, values, *arrays)


def scattered(like: Node, index: Index, values: Node, arrays: Sequence[Node]) -> Node:
    """Zeros in the type of a node, with values added at an index, which broadcasts them."""
    while values.op.name == "broadcast_to":
        (values,) = values.inputs
    return make(IndexAdd(index), zeros_like(like), values, *arrays)


def _index_argument(texts: Sequence[str]) -> str:
    """An index as an argument: ``i``, ``(i, j)``, ``np.s_[:, i]``."""
    if any(":" in text.split("(")[0] or text == "..." for text in texts):
        return f"np.s_[{', '.join(texts)}]"
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def inexact_pair(node: Node, first: Node, second: Node) -> Sequence[Node | None]:
    """Cotangents of base and values; none for values that are integers."""
    return first, second if node.inputs[1].type.inexact else None


@record
class IndexAdd(Changing, Linear):
    """``base[index] += values``; repeated positions add up."""

    name: ClassVar[str] = "index_add"
    linear: ClassVar[tuple[int, ...] | None] = (0, 1)
    symbol: ClassVar[str] = "+"
    ufunc: ClassVar[str] = "add"

    def assignment(self, node: Node, place: str, values: str) -> str:
        """To zeros nothing need be added."""
        if is_zeros(node.inputs[0]):
            return f"{place} = {values}"
        if node.inputs[1].op.name == "negative" and values.startswith("-"):
            return f"{place} -= {_without_brackets(values[1:])}"
        return f"{place} += {values}"

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent itself, and what the index takes of it."""
        return inexact_pair(node, cotangent, self.region(node, cotangent))


def _without_brackets(text: str) -> str:
    """An expression without the brackets round the whole of it."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 and text[0] == "(" else text
    return text


def is_zeros(node: Node) -> bool:
    """Whether a node is a scalar zero, broadcast or not."""
    while node.op.name == "broadcast_to":
        (node,) = node.inputs
    return isinstance(node.op, Constant) and node.ndim == 0 and not node.op.value


# Functions -------------------------------------------------------------------------------------


@builder(np.take)
def take(a: Any, indices: Any, axis: Any = None, *, mode: Any = "raise") -> Any:
    """Elements at positions along an axis, as ``np.take``.

    Parameters
    ----------
    a : array_like
    indices : array_like of int
    axis : int, optional
        By default `a` counts as one-dimensional.
    mode : {"raise", "wrap", "clip"}
        What is done with positions outside the axis.
    """
    if not any_node(a, indices):
        return np.take(a, indices, axis=axis, mode=mode)
    node = as_node(a)
    if axis is None:
        node, axis = ravel(node), 0
    place = normalize_axis(axis, node.ndim, "take")
    if mode not in ("raise", "wrap", "clip"):
        raise UnsupportedError("take: mode", expected="'raise', 'wrap' or 'clip'", got=repr(mode))
    if isinstance(indices, slice):
        raise DTypeError("take: positions must be integers", got="a slice", hint="x[a:b]")
    if as_node(indices).dtype.kind == "b":
        indices = astype(as_node(indices), np.intp)  # no mask: positions 0 and 1
    if mode == "wrap":
        indices = apply("remainder", indices, node.shape[place])
    elif mode == "clip":
        indices = apply("clip", indices, 0, node.shape[place] - 1)
    return getitem(node, (*[slice(None)] * place, indices))


@record
class TakeAlongAxis(Linear):
    """One position along an axis for each element of the result."""

    axis: int
    name: ClassVar[str] = "take_along_axis"
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The other axes broadcast."""
        x, positions = types
        if x.ndim != positions.ndim:
            raise ShapeError(
                "take_along_axis: array and indices must have as many dimensions",
                expected=f"{x.ndim} dimensions",
                got=f"{positions.ndim}",
            )
        if positions.dtype.kind not in "iu":
            raise DTypeError("take_along_axis: indices must be integers", got=repr(positions))
        shapes = [list(t.shape) for t in types]
        for dims in shapes:
            dims[self.axis] = 1
        shape = list(broadcast_shapes(*map(tuple, shapes), what="take_along_axis"))
        shape[self.axis] = positions.shape[self.axis]
        return x.with_shape(tuple(shape))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.take_along_axis``."""
        return call("np.take_along_axis", *args, axis=str(self.axis))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Zeros with the cotangent added where the elements were taken."""
        x, positions = node.inputs
        index = (Mark.ARRAY,) * x.ndim
        return (scattered(x, index, cotangent, self._positions(x, positions)),)

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The other axes."""
        return tuple([None if i == self.axis else i for i in range(result.ndim)])

    def _positions(self, x: Node, positions: Node) -> list[Node]:
        """Index arrays for all axes that say the same."""
        arrays = [_along(x, i) for i in range(x.ndim)]
        arrays[self.axis] = positions
        return arrays

    def decompose(self, *inputs: Node) -> Node | None:
        """A subscript: NumPy's function builds the same index arrays, more slowly."""
        x, positions = inputs
        others = [
            (a, b)
            for i, (a, b) in enumerate(zip(x.shape, positions.shape, strict=True))
            if i != self.axis
        ]
        if any(a != b for a, b in others):
            return None
        return taken(x, (Mark.ARRAY,) * x.ndim, self._positions(x, positions))

    def work(self, node: Node) -> float:
        """Random access."""
        return 8.0

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Along the next axis; what is not mapped broadcasts."""
        x, positions = (
            operand if is_mapped else expand_dims(operand, 0)
            for operand, is_mapped in zip(operands, mapped, strict=True)
        )
        return make(TakeAlongAxis(self.axis + 1), x, positions)


def _along(node: Node, axis: int) -> Node:
    """The positions along an axis, with the rank of the node."""
    positions = make(Arange(0, node.shape[axis], 1, np.dtype(np.int64)))
    return expand_dims(positions, tuple([i for i in range(node.ndim) if i != axis]))


@builder(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """Elements at one position along an axis for each element of `indices`.

    As ``np.take_along_axis``: what ``argsort`` or ``argmax`` found is what it takes.

    Parameters
    ----------
    arr : array_like
    indices : array_like of int
        As many dimensions as `arr`; the other axes broadcast.
    axis : int or None
        ``None``: `arr` counts as one-dimensional.
    """
    if not any_node(arr, indices):
        return np.take_along_axis(arr, indices, axis=axis)
    node = as_node(arr)
    if axis is None:
        node, axis = ravel(node), 0
    place = normalize_axis(axis, node.ndim, "take_along_axis")
    return make(TakeAlongAxis(place), node, as_node(indices))


@builder(np.compress)
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """Slices where a mask that is known now is true, as ``np.compress``."""
    if not any_node(condition, a):
        return np.compress(condition, a, axis=axis)
    if any_node(condition):
        raise UnsupportedError(
            "compress: the shape of the result would depend on the values of the condition",
            hint="np.where(condition, x, 0) keeps the shape",
        )
    if np.ndim(condition) != 1:
        raise ShapeError("compress: the condition", expected="one dimension", got=repr(condition))
    return take(a, np.flatnonzero(condition), axis)


@builder(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """Elements in reverse order along some axes, or all, as ``np.flip``."""
    if not any_node(m):
        return np.flip(m, axis)
    node = as_node(m)
    turned = range(node.ndim) if axis is None else normalize_axis_list(axis, node.ndim, "flip")
    back = slice(None, None, -1)
    return getitem(node, tuple([back if i in turned else slice(None) for i in range(node.ndim)]))


@builder(np.flipud)
def flipud(m: Any) -> Any:
    """Rows in reverse order."""
    return flip(m, 0) if any_node(m) else np.flipud(m)


@builder(np.fliplr)
def fliplr(m: Any) -> Any:
    """Columns in reverse order."""
    return flip(m, 1) if any_node(m) else np.fliplr(m)


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.arange(24.0).reshape(2, 3, 4) / 7 - 1
_MATRIX = _CUBE[0]
_VECTOR = np.array([0.5, -1.0, 2.0, 3.0])
_ROWS = np.array([2, 0, 2])
_COLUMNS = np.array([1, -1, 1])

EXAMPLES: dict[str, list[Example]] = {
    "getitem": [
        Example(lambda x: x[1], (_MATRIX,)),
        Example(lambda x: x[-1, 2], (_MATRIX,)),
        Example(lambda x: x[1:], (_VECTOR,)),
        Example(lambda x: x[:-1], (_VECTOR.astype(np.float32),)),
        Example(lambda x: x[::-1], (_VECTOR,)),
        Example(lambda x: x[::2, None, 3:0:-2], (_MATRIX,)),
        Example(lambda x: x[..., 1:3], (_CUBE,)),
        Example(lambda x: x[5:], (_VECTOR,)),
        Example(lambda x: x[:, :0], (_MATRIX,)),
        Example(lambda x: x[()], (np.float64(2.0),)),
        Example(lambda x: np.flip(x, (0, -1)), (_CUBE,)),
    ],
    "select": [
        Example(lambda x, i: x[i], (_MATRIX, np.int64(1))),
        Example(lambda x, i: x[0, :, i], (_CUBE, np.int64(-1))),
        Example(lambda x, i: x[i, 1:], (_CUBE, np.int64(0))),
    ],
    "gather": [
        Example(lambda x, i: x[i], (_MATRIX, _ROWS)),
        Example(lambda x, i: x[:, i], (_MATRIX, _COLUMNS)),
        Example(lambda x, i, j: x[i, j], (_MATRIX, _ROWS[:, None], _COLUMNS)),
        Example(lambda x, i: x[0, :, i], (_CUBE, _ROWS)),
        Example(lambda x, i: x[:, 0, i], (_CUBE, _ROWS)),
        Example(lambda x: x[[True, False, True]], (_MATRIX,)),
        Example(lambda x: x[[0, 2, 2], 1:], (_MATRIX,)),
        Example(lambda x: x[[]], (_VECTOR,)),
        Example(lambda x, i: np.take(x, i, axis=1), (_MATRIX, _COLUMNS)),
        Example(lambda x, i: np.take(x, i, mode="wrap"), (_MATRIX, np.array([[13, -1]]))),
        Example(lambda x, i: np.take(x, i, mode="clip"), (_MATRIX, np.array([[13, -1]]))),
    ],
    "take_along_axis": [
        Example(lambda x, i: np.take_along_axis(x, i, axis=1), (_MATRIX, _ROWS[:, None])),
        Example(
            lambda x, i: np.take_along_axis(x, i, axis=0),
            (_MATRIX, np.array([[0, 0, 1, 2], [0, 2, 2, 2]])),
        ),
        Example(lambda x, i: np.take_along_axis(x, i, axis=-1), (_MATRIX, _ROWS[None, :])),
        Example(lambda x, i: np.take_along_axis(x, i, axis=None), (_MATRIX, _ROWS)),
    ],
}
