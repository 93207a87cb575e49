"""Groups of columns: one product with the sum of a group gives the entries of all of them.

Greedy, the columns with most neighbours first (A. H. Gebremedhin, F. Manne, A. Pothen, What color
is your Jacobian?, 2005; acyclic colourings: A. H. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen,
New acyclic and star coloring algorithms with application to computing Hessians, 2007).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Substitution", "colour_acyclic", "colour_columns", "colour_star", "readable", "trees"]

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
    near = _neighbours(rows, columns, count)
    chosen: list[int] = [-1] * count
    for vertex in sorted(range(count), key=lambda v: -len(near[v])):
        taken = _taken(vertex, near, chosen)
        colour = 0
        while colour in taken:
            colour += 1
        chosen[vertex] = colour
    return np.array(chosen, np.int64)


def _neighbours(rows: Indices, columns: Indices, count: int) -> list[list[int]]:
    near: list[list[int]] = [[] for _ in range(count)]
    pairs: list[tuple[int, int]] = list(zip(rows.tolist(), columns.tolist(), strict=True))
    for row, column in pairs:
        if row != column:
            near[row].append(column)
    return near


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


def colour_acyclic(rows: Indices, columns: Indices, count: int) -> Indices:
    """An acyclic colouring of a symmetric pattern: fewer colours still than a star colouring.

    Neighbours differ, and no cycle has only two colours. Then the entries between two colours are
    the edges of trees, and follow from the leaves on, each by a difference.

    Parameters
    ----------
    rows, columns, count
        As of `colour_star`.

    Examples
    --------
    >>> band = np.array([0, 1, 1, 2, 2, 3]), np.array([1, 0, 2, 1, 3, 2])
    >>> colour_acyclic(*band, 4).max() + 1, colour_star(*band, 4).max() + 1
    (np.int64(2), np.int64(3))
    """
    near = _neighbours(rows, columns, count)
    chosen: list[int] = [-1] * count
    forest = _Forest()
    for vertex in sorted(range(count), key=lambda v: -len(near[v])):
        around = [other for other in near[vertex] if chosen[other] >= 0]
        taken = {chosen[other] for other in around}
        colour = 0
        while colour in taken or forest.closes(around, chosen, colour):
            colour += 1
        chosen[vertex] = colour
        for other in around:
            forest.join(vertex, other, (colour, chosen[other]))
    return np.array(chosen, np.int64)


class _Forest:
    """Which vertices hang together by edges between two colours: disjoint sets."""

    def __init__(self) -> None:
        self.above: dict[tuple[int, int, int], int] = {}

    def root(self, vertex: int, colours: tuple[int, int]) -> int:
        """The vertex that stands for the tree."""
        low, high = sorted(colours)
        while (above := self.above.get((low, high, vertex), vertex)) != vertex:
            further = self.above.get((low, high, above), above)
            self.above[low, high, vertex] = further
            vertex = further
        return vertex

    def join(self, a: int, b: int, colours: tuple[int, int]) -> None:
        """Make one tree of two."""
        low, high = sorted(colours)
        self.above[low, high, self.root(a, colours)] = self.root(b, colours)

    def closes(self, around: list[int], chosen: list[int], colour: int) -> bool:
        """Whether a vertex of this colour would stand between two vertices of one tree."""
        roots = [(chosen[v], self.root(v, (colour, chosen[v]))) for v in around]
        return len(set(roots)) < len(roots)


class Substitution(NamedTuple):
    """Entries of a symmetric matrix as differences of running sums over products.

    The sum of ``signs * products[colours, vertices]`` up to ``last``, less that up to ``first``,
    is the entry in a row and a column, but for the sign ``factors``.
    """

    vertices: Indices
    colours: Indices
    signs: Indices
    first: Indices
    last: Indices
    factors: Indices
    rows: Indices
    columns: Indices


def trees(rows: Indices, columns: Indices, colours: Indices) -> Substitution:
    """How the entries between two colours follow, of an acyclic colouring.

    In the order in which a walk comes to the vertices of a tree, those below an edge are a run.
    What the product of the other colour gives at a vertex is the sum of the entries at its edges,
    so an entry is the sum over the run below it with signs that alternate.
    """
    walk = _Walk(colours.tolist(), _neighbours(rows, columns, len(colours)))
    for start, own in enumerate(walk.near):
        for colour in sorted({walk.shade[v] for v in own}):
            if (start, colour) not in walk.done:
                walk.tree(start, colour)
    met, edges = (np.array(group, np.int64) for group in (walk.met, walk.edges))
    return Substitution(*met.reshape(-1, 3).T, *edges.reshape(-1, 5).T)


class _Walk:
    """Walks through the trees between two colours."""

    def __init__(self, shade: list[int], near: list[list[int]]) -> None:
        self.shade, self.near = shade, near
        self.done: set[tuple[int, int]] = set()
        self.met: list[tuple[int, int, int]] = []
        self.edges: list[tuple[int, int, int, int, int]] = []

    def tree(self, start: int, colour: int) -> None:
        """One tree from one of its vertices on, with the other colour of its edges."""
        both = self.shade[start] + colour
        # Vertex, the one before it, sign; and where its run began, once it is walked through.
        stack = [(start, -1, 1, -1)]
        while stack:
            vertex, before, sign, first = stack.pop()
            if first >= 0:
                self.edges.append((first, len(self.met), sign, vertex, before))
                continue
            other = both - self.shade[vertex]
            self.done.add((vertex, other))
            if before >= 0:
                stack.append((vertex, before, sign, len(self.met)))
                self.met.append((vertex, other, sign))
            for after in self.near[vertex]:
                if after != before and self.shade[after] == other:
                    stack.append((after, vertex, -sign, -1))
