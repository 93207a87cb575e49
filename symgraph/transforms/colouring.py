"""Groups of columns, no two of which share a row: one product gives all entries of a group.

Greedy, the columns with most neighbours first (A. H. Gebremedhin, F. Manne, A. Pothen, What color
is your Jacobian?, 2005).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["colour_columns"]

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
