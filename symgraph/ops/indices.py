"""Index expressions as data: what ``x[...]`` means, its shape, its text, whether it repeats.

An index is a tuple of entries: a size (one position of an axis), a `Range` (a slice), or a
`Mark` for a new axis, for an index array (an operand of the operation), and for an ellipsis that
stands for no axis but separates index arrays, which NumPy looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.leaves import Constant
from symgraph.graph.links import Link, Place, along, fixed
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, Shape, Size
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.create import Arange
from symgraph.ops.kinds import any_node
from symgraph.ops.shape import (
    ExpandDims,
    nonnegative,
    shape_text,
    surely_nonnegative,
    trim_colons,
)


class DimScope(Protocol):
    """What writes sizes: a `Scope`, or the writer of a listing."""

    def dim(self, dim: Dim) -> str:
        """Source of a size."""
        ...


class Mark(Enum):
    """Entries of an index without a value of their own."""

    NEW_AXIS = "None"
    ARRAY = "array"
    ELLIPSIS = "..."


def _negative(dim: Dim) -> bool:
    """Whether a bound counts from the end: a negative number, or minus a size."""
    return dim < 0 if isinstance(dim, int) else all(c < 0 for _, c in dim.terms)


@record
class Range:
    """A slice, as the user wrote it; ``None`` for an end of the axis."""

    start: Dim | None = None
    stop: Dim | None = None
    step: int = 1

    def bounds(self, length: Dim) -> tuple[Dim, Dim]:
        """First position and the one before which it stops; at -1 it stops behind the first.

        NumPy clips slices to the axis. Where a symbolic size is involved the bounds are taken
        to lie inside it, which `requirements` makes a call check.
        """
        if isinstance(length, int) and not any_node(self.start, self.stop):
            low, high, _ = slice(self.start, self.stop, self.step).indices(length)
            return low, high
        forward = self.step > 0
        first: Dim = 0 if forward else length - 1
        last: Dim = length if forward else -1
        if self.start is not None:
            first = length + self.start if _negative(self.start) else self.start
        if self.stop is not None:
            last = length + self.stop if _negative(self.stop) else self.stop
        return first, last

    def length(self, length: Dim) -> Dim:
        """How many positions of an axis it takes."""
        first, last = self.bounds(length)
        span = last - first if self.step > 0 else first - last
        if isinstance(span, int):
            span = max(span, 0)
        return (span + (abs(self.step) - 1)) // abs(self.step)

    def requirements(self, length: Dim) -> tuple[Dim, ...]:
        """What must not be negative for the bounds to lie inside the axis."""
        if isinstance(length, int) and not any_node(self.start, self.stop):
            return ()
        if self.start is None and self.stop is None:
            return ()
        first, last = self.bounds(length)
        if self.step > 0:
            found: list[Dim] = [first, length - last]
            span = last - first
        else:
            found = [length - 1 - first, last + 1]
            span = first - last
        if not isinstance(span, int):
            found.append(span)
        return nonnegative(*found)

    @property
    def whole(self) -> bool:
        """Whether it takes the axis as it is."""
        return self == Range()

    def text(self, scope: DimScope) -> str:
        """As in a subscript.

        Examples
        --------
        ``1:``, ``:-1``, ``::2``, ``n - 1::-1``
        """
        start, stop = ("" if d is None else scope.dim(d) for d in (self.start, self.stop))
        return f"{start}:{stop}" + (f":{self.step}" if self.step != 1 else "")


Entry: TypeAlias = "Dim | Range | Mark"
Index: TypeAlias = "tuple[Entry, ...]"


# From what stands in brackets ------------------------------------------------------------------


def parse(key: Any, shape: Shape) -> tuple[Index, list[Node]]:
    """The index that `key` means for an array of this shape, and its index arrays.

    Raises
    ------
    ShapeError
        For too many indices, or one out of bounds.
    DTypeError
        For an index that is no integer.
    UnsupportedError
        For a mask or a slice bound that is known only when the function runs.
    """
    entries: list[Any] = []
    for item in cast("tuple[Any, ...]", key if isinstance(key, tuple) else (key,)):
        entries += _expand(item)
    entries = _fill(entries, shape)
    index: list[Entry] = []
    arrays: list[Node] = []
    axis = 0
    for item in entries:
        entry = item
        if isinstance(item, slice):
            entry = _range(cast("Any", item), shape[axis])
        elif isinstance(item, Node):
            arrays.append(_checked_array(item, shape[axis]))
            entry = Mark.ARRAY
        elif not isinstance(item, Mark):
            _check_position(item, shape[axis])
        index.append(entry)
        axis += entry not in _NO_AXIS
    if not arrays:
        index = [entry for entry in index if entry is not Mark.ELLIPSIS]
    return tuple(index), arrays


_NO_AXIS = (Mark.NEW_AXIS, Mark.ELLIPSIS)


def _expand(item: Any) -> list[Any]:
    """One item of a key: slices, sizes, marks, nodes of integers."""
    if item is None:
        return [Mark.NEW_AXIS]
    if item is Ellipsis:
        return [Mark.ELLIPSIS]
    if isinstance(item, slice | Size):
        return [item]
    if isinstance(item, bool | np.bool_):
        raise UnsupportedError("a single truth value as an index", hint="np.where(condition, x, 0)")
    if isinstance(item, int):
        return [item]
    node = item if isinstance(item, Node) else _as_index_node(item)
    if node.dtype.kind == "b":
        return _mask_positions(node)
    if node.dtype.kind not in "iu":
        raise DTypeError(
            "an index must be an integer",
            expected="integers, slices, None or ...",
            got=repr(node.type),
            hint="x[i.astype(int)]",
        )
    if isinstance(node.op, Constant) and node.ndim == 0:
        return [int(node.op.value)]
    return [node]


def _as_index_node(item: Any) -> Node:
    if any_node(item):
        return as_node(item)
    array = np.asarray(item)
    if array.size == 0 and isinstance(item, list):
        array = array.astype(np.intp)  # NumPy: an empty list is no float index
    return index_array(array)


def index_array(array: np.ndarray[Any, Any]) -> Node:
    """Known positions as a node; consecutive ones as ``np.arange``, which reads better."""
    if array.ndim == 1 and array.size > 2 and array.dtype.kind in "iu":
        first = int(array[0])
        if first >= 0 and bool(np.all(np.diff(array.astype(np.int64)) == 1)):
            return make(Arange(first, first + array.size, 1, np.dtype(array.dtype)))
    return constant(array)


def _mask_positions(node: Node) -> list[Any]:
    if not isinstance(node.op, Constant) or node.ndim == 0:
        raise UnsupportedError(
            "an index by a mask: the shape of the result depends on its values",
            hint="np.where(mask, x, 0) keeps the shape; x.at[mask].set(value) takes masks",
        )
    mask = node.op.value
    # What the mask's shape must be is checked here, where its axes are still together.
    return [_MaskAxis(mask.shape, i, index_array(p)) for i, p in enumerate(np.nonzero(mask))]


@record
class _MaskAxis:
    """The positions along one axis of a mask that is known now."""

    shape: tuple[int, ...]
    axis: int
    positions: Node


def _fill(entries: list[Any], shape: Shape) -> list[Any]:
    """Slices for the axes that are not mentioned, in place of the ellipsis or at the end."""
    dots = [i for i, entry in enumerate(entries) if entry is Mark.ELLIPSIS]
    if len(dots) > 1:
        raise ShapeError("an index can only hold one ellipsis (...)")
    used = len(entries) - sum(isinstance(entry, Mark) for entry in entries)
    missing = len(shape) - used
    if missing < 0:
        raise ShapeError(
            "too many indices",
            expected=f"at most {len(shape)} for shape {shape_text(shape)}",
            got=str(used),
        )
    place = dots[0] if dots else len(entries)
    rest = [slice(None)] * missing
    if dots and not missing and 0 < place < len(entries) - 1:
        rest = [Mark.ELLIPSIS]  # it separates index arrays all the same
    entries[place : place + len(dots)] = rest
    return _without_masks(entries, shape)


def _without_masks(entries: list[Any], shape: Shape) -> list[Any]:
    axis = 0
    for i, entry in enumerate(entries):
        if isinstance(entry, _MaskAxis):
            length = entry.shape[entry.axis]
            if shape[axis] != length:
                raise ShapeError(
                    f"a mask of length {length} on an axis of size {shape[axis]}",
                    expected=shape_text(shape),
                    got=shape_text(entry.shape),
                )
            entries[i] = entry.positions
        axis += not isinstance(entry, Mark)
    return entries


def _bound(value: Any, what: str) -> Dim | None:
    if value is None or isinstance(value, Size):
        return value
    if isinstance(value, Node):
        if isinstance(value.op, Constant) and value.ndim == 0 and value.dtype.kind in "iu":
            return int(value.op.value)
        raise UnsupportedError(
            f"a slice whose {what} is a node: the shape would depend on its value",
            hint="x[start + np.arange(count)] takes any start",
        )
    try:
        return value.__index__()
    except (AttributeError, TypeError):
        raise DTypeError(
            f"the {what} of a slice must be an integer",
            expected="an integer or a size",
            got=repr(value),
        ) from None


def _range(item: slice[Any, Any, Any], length: Dim) -> Range:
    """A slice with what is the default left out."""
    start, stop, step = (
        _bound(value, what)
        for value, what in ((item.start, "start"), (item.stop, "stop"), (item.step, "step"))
    )
    if isinstance(step, Size):
        raise UnsupportedError("a slice whose step is symbolic", expected="an integer step")
    step = 1 if step is None else step
    if step == 0:
        raise ShapeError("the step of a slice cannot be 0")
    if isinstance(length, int) and not any_node(start, stop):
        return _canonical(slice(start, stop, step), length)
    start, stop = _from_the_end(start, length), _from_the_end(stop, length)
    if step > 0:
        start = None if start == 0 else start
        stop = None if stop == length else stop
    elif start == length - 1 or (isinstance(start, int) and start == -1):
        start = None
    return Range(start, stop, step)


def _from_the_end(bound: Dim | None, length: Dim) -> Dim | None:
    """A bound that is a number less than a symbolic length, as that negative number."""
    short = bound - length if isinstance(bound, Size) else 0
    return short if isinstance(short, int) and short < 0 else bound


def _canonical(item: slice[Any, Any, Any], length: int) -> Range:
    first, last, step = item.indices(length)
    positions = range(first, last, step)
    if not positions:
        return Range(None, 0) if length else Range()
    if len(positions) == 1:
        step = 1
    start, stop = positions[0], positions[-1] + (1 if step > 0 else -1)
    if step > 0:
        begin = None if start == 0 else start
        # As written, where that is shorter: x[:-1], x[-3:].
        begin = item.start if begin is not None and _ends(item.start, length, start) else begin
        end = None if positions[-1] + step >= length else stop
        end = item.stop if end is not None and _ends(item.stop, length, stop) else end
        return Range(begin, end, step)
    begin = None if start == length - 1 else start
    return Range(begin, None if positions[-1] + step < 0 else stop, step)


def _ends(written: int | None, length: int, position: int) -> bool:
    """Whether a bound was written from the end, and means this position."""
    return written is not None and written < 0 and written + length == position


def _check_position(position: Dim, length: Dim) -> None:
    if not (isinstance(position, int) and isinstance(length, int)):
        return
    if not -length <= position < length:
        raise ShapeError(
            f"index {position} is out of bounds",
            expected=f"-{length} <= index < {length}" if length else "no index: the axis is empty",
            got=str(position),
        )


def _checked_array(node: Node, length: Dim) -> Node:
    if isinstance(node.op, Constant) and isinstance(length, int) and node.op.value.size:
        for position in (node.op.value.min(), node.op.value.max()):
            _check_position(int(position), length)
    return node


# Shapes ----------------------------------------------------------------------------------------


def separated(index: Index) -> bool:
    """Whether something stands between the index arrays: their axes then come first."""
    places = [i for i, entry in enumerate(index) if _advanced(entry)]
    return bool(places) and places[-1] - places[0] + 1 != len(places)


def _advanced(entry: Entry) -> bool:
    # Beside an index array a single position counts as one, too.
    return entry is Mark.ARRAY or isinstance(entry, int | Size)


def indexed_shape(index: Index, shape: Shape, arrays: Sequence[Shape]) -> Shape:
    """The shape of ``x[index]``."""
    common = broadcast_shapes(*arrays, what="index arrays") if arrays else ()
    result: list[Dim] = []
    axis = 0
    for entry in index:
        if entry is Mark.NEW_AXIS:
            result.append(1)
        elif isinstance(entry, Range):
            result.append(entry.length(shape[axis]))
        axis += entry not in _NO_AXIS
    place = place_of_arrays(index)
    result[place:place] = common
    return tuple(result)


def place_of_arrays(index: Index) -> int:
    """Where the axes that the index arrays have together stand in the result."""
    place = 0
    for entry in index:
        if separated(index) or _advanced(entry):
            break
        place += entry is Mark.NEW_AXIS or isinstance(entry, Range)
    return place


def index_requirements(index: Index, shape: Shape) -> tuple[Dim, ...]:
    """Sizes that must not be negative for positions and slices to lie inside the array."""
    found: list[Dim] = []
    axis = 0
    for entry in index:
        if isinstance(entry, Range):
            found += entry.requirements(shape[axis])
        elif isinstance(entry, int | Size):
            length = shape[axis]
            found += [length + entry] if _negative(entry) else [entry, length - 1 - entry]
        axis += entry not in _NO_AXIS
    return nonnegative(*found)


def keeps_all(index: Index) -> bool:
    """Whether an index only turns axes round or leaves them: it undoes itself."""
    return all(entry in (Range(), Range(step=-1)) for entry in index if entry is not Mark.ELLIPSIS)


def region_of(index: Index, shape: Shape) -> list[tuple[Dim, Dim]] | None:
    """Along each axis from where to where an index reaches; ``None`` if it leaves gaps."""
    found: list[tuple[Dim, Dim]] = []
    for entry in index:
        if isinstance(entry, Range) and entry.step == 1:
            found.append(entry.bounds(shape[len(found)]))
        elif isinstance(entry, int | Size):
            start = _from_front(fixed(entry), shape[len(found)]).start
            found.append((start, start + 1))
        elif entry is not Mark.NEW_AXIS:
            return None
    return found


_MOST_POSITIONS = 32
"""In index arrays, for each of which there is a link."""


def index_links(
    index: Index, shape: Shape, arrays: Sequence[Node], result: Shape
) -> list[Link] | None:
    """Where the elements of ``x[index]`` come from; ``None`` for positions that are not affine."""
    common = broadcast_shapes(*[array.shape for array in arrays], what="index arrays")
    begin = place_of_arrays(index)
    block = range(begin, begin + len(common))
    grid = _known_positions(arrays, common, block)
    if grid is None:
        return None
    found: list[Link] = []
    for places, positions in grid:
        target = dict(zip(block, places, strict=True))
        free = iter([i for i in range(len(result)) if i not in block])
        source: list[Place] = []
        for entry in index:
            if entry is Mark.NEW_AXIS:
                target[next(free)] = fixed(0)
            elif isinstance(entry, Range):
                axis = next(free)
                target[axis] = along(axis)
                source.append(along(axis, entry.bounds(shape[len(source)])[0], entry.step))
            elif entry is Mark.ARRAY:
                source.append(_from_front(positions.pop(0), shape[len(source)]))
            elif isinstance(entry, int | Size):
                source.append(_from_front(fixed(entry), shape[len(source)]))
        rows = tuple([target[i] for i in range(len(result))])
        lengths = tuple([dim if rows[i].steps else 1 for i, dim in enumerate(result)])
        found.append(Link(lengths, tuple(source), rows))
    return found


def _from_front(place: Place, length: Dim) -> Place:
    """A single position, counted from the front."""
    return place if place.steps or not _negative(place.start) else place.plus(fixed(length))


def _known_positions(
    arrays: Sequence[Node], shape: Shape, block: range
) -> list[tuple[list[Place], list[Place]]] | None:
    """Pairs of places: along the axes that index arrays share, and what each of them holds."""
    if all(isinstance(array.op, Constant) for array in arrays):
        values = np.broadcast_arrays(*[cast("Any", array.op).value for array in arrays])
        if arrays and values[0].size > _MOST_POSITIONS:
            return None
        return [
            ([fixed(i) for i in at], [fixed(int(value[at])) for value in values])
            for at in np.ndindex(cast("tuple[int, ...]", shape))
        ]
    held = [_range_along(array, block.stop - array.ndim) for array in arrays]
    known = [place for place in held if place is not None]
    return [([along(i) for i in block], known)] if len(known) == len(held) else None


def _range_along(array: Node, first: int) -> Place | None:
    """A range along one of the axes that index arrays share, of which it begins with `first`."""
    axis, base = 0, array
    if isinstance(array.op, ExpandDims):
        (base,) = array.inputs
        axis = min(set(range(array.ndim)) - set(array.op.axes), default=0)
    if not isinstance(base.op, Arange):
        return None
    start, step = base.op.start, base.op.step
    return fixed(start) if base.shape[0] == 1 else along(first + axis, start, step)


# Text ------------------------------------------------------------------------------------------


def index_texts(index: Index, arrays: Sequence[str], scope: DimScope) -> list[str]:
    """What stands in the brackets, item by item."""
    names = iter(arrays)
    texts: list[str] = []
    for entry in index:
        if isinstance(entry, Range):
            texts.append(entry.text(scope))
        elif isinstance(entry, Mark):
            texts.append(next(names) if entry is Mark.ARRAY else entry.value)
        else:
            texts.append(scope.dim(entry))
    return trim_colons(texts)


class _Plain:
    """Sizes by their own names, for listings."""

    def dim(self, dim: Dim) -> str:
        return str(dim)


def index_label(index: Index) -> str:
    """The index in a listing; a dot for an index array."""
    return ", ".join(index_texts(index, ["·"] * index.count(Mark.ARRAY), _Plain()))


# Repetition ------------------------------------------------------------------------------------


def repeats(index: Index, shape: Shape, arrays: Sequence[Node]) -> bool:
    """Whether an index may take one element twice.

    It does not if along each axis that the index arrays have together one of them is known to
    hold different values, and is constant along the others.
    """
    if not arrays:
        return False
    common = broadcast_shapes(*[node.shape for node in arrays], what="index arrays")
    axes = {i for i, dim in enumerate(common) if dim != 1}
    lengths = [shape[axis] for axis in _array_axes(index)]
    for node, length in zip(arrays, lengths, strict=True):
        axis = _distinct_axis(node, length)
        if axis is not None:
            axes.discard(axis + len(common))
    return bool(axes) and _constants_repeat(arrays, lengths)


def _array_axes(index: Index) -> list[int]:
    axes: list[int] = []
    axis = 0
    for entry in index:
        if entry is Mark.ARRAY:
            axes.append(axis)
        axis += entry not in _NO_AXIS
    return axes


def _distinct_axis(node: Node, length: Dim) -> int | None:
    """The only axis longer than 1, counted from the end, if all values along it differ."""
    if isinstance(node.op, ExpandDims):
        (inner,) = node.inputs
        axis = _distinct_axis(inner, length)
        if axis is None:
            return None
        kept = [i for i in range(node.ndim) if i not in node.op.axes]
        return kept[axis] - node.ndim
    long = [i for i, dim in enumerate(node.shape) if dim != 1]
    if len(long) != 1:
        return None
    if isinstance(node.op, Arange):
        # A position counted from the end may be one counted from the start.
        upward = node.op.step > 0 and surely_nonnegative(node.op.start)
        return long[0] - node.ndim if upward else None
    if isinstance(node.op, Constant) and not _constants_repeat([node], [length]):
        return long[0] - node.ndim
    return None


def _constants_repeat(arrays: Sequence[Node], lengths: Sequence[Dim]) -> bool:
    """Whether arrays that are known now repeat a position; true where they are not known."""
    values: list[Any] = []
    for node, length in zip(arrays, lengths, strict=True):
        if not isinstance(node.op, Constant):
            return True
        value = node.op.value.astype(np.int64)
        if value.size and value.min() < 0:
            if not isinstance(length, int):
                if value.max() >= 0:
                    return True  # -1 may be any of the others
            else:
                value = value % length
        values.append(value)
    rows = np.stack([value.ravel() for value in np.broadcast_arrays(*values)], axis=1)
    return len(np.unique(rows, axis=0)) < len(rows)
