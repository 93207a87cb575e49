"""Parts of arrays: rows, stretches, and grids of positions along one axis.

What a loop takes in turn, row after row or stretch after stretch, is one array with the rounds as
an axis of its own: ``X[4 * t : 4 * t + 4]`` is a row of ``X.reshape(5, 4)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np

from symgraph.graph.node import constant
from symgraph.graph.registry import apply
from symgraph.ops.indices import Range

__all__ = [
    "WHOLE",
    "Grid",
    "data_of",
    "in_pieces",
    "part_of",
    "rows_in_turn",
    "shape_after",
    "taken",
]

WHOLE = Range()
"""All of an axis."""


class Grid(NamedTuple):
    """Positions along one axis, which becomes as many as there are `steps`.

    Attributes
    ----------
    start : int
    steps : tuple of range or tuple of int
        What each new axis adds to the first position.
    """

    start: int
    steps: tuple[Sequence[int], ...]

    def positions(self) -> Any:
        """All of them, as an array."""
        found: Any = np.array(self.start)
        for step in self.steps:
            found = found[..., None] + np.array(step)
        return found


def part_of(index: Sequence[Any], shape: Sequence[Any]) -> tuple[Any, ...] | None:
    """The rows and stretches that a static index takes along the leading axes, if that is all."""
    rows: list[Any] = []
    for part, length in zip(index, shape, strict=False):
        if type(part) is int and part >= 0:
            rows.append(part)
        elif part == WHOLE:
            rows.append(WHOLE)
        elif isinstance(part, Range) and part.step > 0:
            count = cast("int", part.length(length))
            first = cast("int", part.bounds(length)[0])
            rows.append(Grid(first, (range(0, count * part.step, part.step),)))
            if not count:
                return None
        else:
            return None
    if len(index) > len(shape):
        return None
    while rows and rows[-1] == WHOLE:
        rows.pop()
    return tuple(rows) or None


def rows_in_turn(rows: Sequence[Any]) -> Grid | None:
    """Rows, or stretches of one length, one after the other as a grid."""
    if any(type(row) is not int and not isinstance(row, Grid) for row in rows):
        return None
    grids = [row if isinstance(row, Grid) else Grid(row, ()) for row in rows]
    first = grids[0]
    if any(grid.steps != first.steps for grid in grids):
        return None
    starts = [grid.start - first.start for grid in grids]
    step = starts[1]
    even = range(0, step * len(starts), step) if step else ()
    steps = even if starts == list(even) else tuple(starts)
    return Grid(first.start, (steps, *first.steps))


def in_pieces(starts: Sequence[int]) -> tuple[int, int]:
    """How long the evenly spaced pieces are in which numbers come, and where the second begins.

    The first one may be the end of a piece. One piece of all where there are none.
    """
    gaps = [b - a for a, b in pairwise(starts)]
    common = max(set(gaps), key=gaps.count)
    ends = [i + 1 for i, gap in enumerate(gaps) if gap != common]
    length = ends[1] - ends[0] if len(ends) > 1 else len(starts)
    even = ends and all(end == ends[0] + k * length for k, end in enumerate(ends))
    if not even or ends[0] > length or (len(starts) - ends[0]) % length:
        return len(starts), 0
    return length, ends[0] % length


def shape_after(shape: Sequence[Any], rows: Sequence[Any]) -> tuple[Any, ...]:
    """The shape of a part."""
    found: list[Any] = []
    for row, length in zip(rows, shape, strict=False):
        if isinstance(row, Grid):
            found += [len(step) for step in row.steps]
        elif row is WHOLE:
            found.append(length)
    return (*found, *shape[len(rows) :])


def taken(array: Any, rows: Sequence[Any], position: Callable[[Any], Any]) -> Any:
    """A part of an array or node; `position` gives the index for a row that is no number."""
    key: list[Any] = []
    grids: list[tuple[int, Grid]] = []
    axis = 0
    for row, length in zip(rows, array.shape, strict=False):
        if isinstance(row, Grid):
            plain = len(row.steps) == 1 and isinstance(row.steps[0], range)
            key.append(_slice(row, length) if plain else slice(None))
            if not plain:
                grids.append((axis, row))
        elif row is WHOLE:
            key.append(slice(None))
        else:
            key.append(row if type(row) is int else position(row))
            axis -= 1
        axis += 1
    while key and isinstance(key[-1], slice) and key[-1] == slice(None):
        key.pop()
    array = array[tuple(key)] if key else array
    for axis, grid in reversed(grids):
        array = _spread(array, axis, grid)
    return array


def _slice(grid: Grid, length: int) -> slice:
    (steps,) = grid.steps
    first, last = grid.start + steps[0], grid.start + steps[-1]
    step = steps[1] - first + grid.start if len(steps) > 1 else 1
    if (first, last, step) == (0, length - 1, 1):
        return slice(None)
    stop = last + (1 if step > 0 else -1)
    return slice(first or None, stop if 0 <= stop < length else None, step if step != 1 else None)


def _spread(array: Any, axis: int, grid: Grid) -> Any:
    """The positions of a grid in the place of one axis."""
    counts = [len(steps) for steps in grid.steps]
    every = [
        steps.step if isinstance(steps, range) and steps.step > 0 else 0 for steps in grid.steps
    ]
    lead = [slice(None)] * axis
    if all(every) and all(
        a == n * b for a, n, b in zip(every, counts[1:], every[1:], strict=False)
    ):
        # Stretches that follow one another.
        total = int(np.prod(counts))
        flat = Grid(grid.start, (range(0, total * every[-1], every[-1]),))
        cut = _slice(flat, array.shape[axis])
        array = array if cut == slice(None) else array[(*lead, cut)]
        shape = array.shape
        return apply("reshape", array, (*shape[:axis], *counts, *shape[axis + 1 :]))
    if all(every) and len(every) == 2:
        width = (counts[1] - 1) * every[1] + 1
        windows = apply("sliding_window_view", array, width, axis=axis)
        if axis < len(array.shape) - 1:
            windows = apply("moveaxis", windows, -1, axis + 1)
        first = Grid(grid.start, (grid.steps[0],))
        cut = _slice(first, windows.shape[axis])
        thin = slice(None, None, every[1]) if every[1] > 1 else slice(None)
        return windows[(*lead, cut, thin)]
    return apply("take", array, constant(grid.positions()), axis=axis)


def data_of(array: Any, rows: Sequence[Any]) -> Any:
    """A part of an array that is known."""
    for axis in reversed(range(len(rows))):
        row = rows[axis]
        if row is not WHOLE:
            array = np.take(array, row.positions() if isinstance(row, Grid) else row, axis)
    return array
