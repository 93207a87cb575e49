"""Groups of columns: one product with the sum of a group gives the entries of all of them.

Greedy, the columns with most neighbours first (A. H. Gebremedhin, F. Manne, A. Pothen, What color
is your Jacobian?, 2005).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["colour_columns", "colour_star", "readable"]

Indices = np.ndarray[Any, np.dtype[np.int64]]


def colour_columns(rows: Indices, columns: Indices, count: int) -> Indices:
    """A colour for each column, such that columns of one colour have no row in common.

    Parameters
    ----------
    rows, columns : array of int
        Of the entries.
    count : int
        The number of columns.

    Examples
    --------
    >>> colour_columns(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 2, 2]), 3)
    array([1, 0, 1])
    """
    in_row: dict[int, list[int]] = {}
    in_column: dict[int, list[int]] = {column: [] for column in range(count)}
    pairs: list[tuple[int, int]] = list(zip(rows.tolist(), columns.tolist(), strict=True))
    for row, column in pairs:
        in_row.setdefault(row, []).append(column)
        in_column[column].append(row)
    degree = [sum([len(in_row[row]) for row in members]) for members in in_column.values()]
    chosen: list[int] = [-1] * count
    for column in sorted(range(count), key=lambda c: -degree[c]):
        taken = {chosen[other] for row in in_column[column] for other in in_row[row]}
        colour = 0
        while colour in taken:
            colour += 1
        chosen[column] = colour
    return np.array(chosen, np.int64)


def colour_star(rows: Indices, columns: Indices, count: int) -> Indices:
    """A star colouring of a symmetric pattern: fewer colours, as every entry stands there twice.

    Neighbours differ, and no path of four vertices has only two colours. Then of each pair of
    entries (i, j) and (j, i) at least one is alone in its row among the columns of its colour.

    Parameters
    ----------
    rows, columns : array of int
        Of the entries, those of both triangles.
    count : int
        The number of rows and of columns.

    Examples
    --------
    >>> arrow = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 2, 0, 0])
    >>> colour_star(*arrow, 3), colour_columns(*arrow, 3)
    (array([0, 1, 1]), array([0, 1, 2]))
    """
    near: list[list[int]] = [[] for _ in range(count)]
    pairs: list[tuple[int, int]] = list(zip(rows.tolist(), columns.tolist(), strict=True))
    for row, column in pairs:
        if row != column:
            near[row].append(column)
    chosen: list[int] = [-1] * count
    for vertex in sorted(range(count), key=lambda v: -len(near[v])):
        taken = _taken(vertex, near, chosen)
        colour = 0
        while colour in taken:
            colour += 1
        chosen[vertex] = colour
    return np.array(chosen, np.int64)


def _taken(vertex: int, near: list[list[int]], chosen: list[int]) -> set[int]:
    """The colours that would give a vertex that of a neighbour, or a path of two colours."""
    around = [chosen[other] for other in near[vertex] if chosen[other] >= 0]
    taken = set(around)
    for middle in near[vertex]:
        # A neighbour without a colour may get that of another one later.
        free = chosen[middle] < 0 or around.count(chosen[middle]) > 1
        for end in near[middle]:
            if end == vertex or chosen[end] < 0:
                continue
            if free or any(chosen[v] == chosen[middle] for v in near[end] if v != middle):
                taken.add(chosen[end])
    return taken


def readable(rows: Indices, columns: Indices, colours: Indices) -> np.ndarray[Any, np.dtype[Any]]:
    """Which entries are alone in their row among the columns of their colour."""
    keys = rows * (int(colours.max(initial=0)) + 1) + colours[columns]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse] == 1
