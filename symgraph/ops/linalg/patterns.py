"""Matrices made of few numbers, by SciPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.node import Node, as_node
from symgraph.graph.sizes import Dim
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.at import at
from symgraph.ops.calls import evaluated
from symgraph.ops.create import arange, zeros
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, promote
from symgraph.ops.linalg.operands import conjugate
from symgraph.ops.products import array
from symgraph.ops.shape import expand_dims, ravel

__all__ = ["block_diag", "circulant", "hankel", "toeplitz"]


@evaluated()
def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal of a matrix of zeros, as ``scipy.linalg.block_diag``.

    Parameters
    ----------
    *arrs : array_like
        Shape (..., m, n) each; what has fewer dimensions is a row. The other axes broadcast.

    Raises
    ------
    DTypeError
        If there is none.

    Examples
    --------
    >>> block_diag(np.ones((1, 2)), 3.0)
    array([[1., 1., 0.],
           [0., 0., 3.]])
    """
    if not arrs:
        raise DTypeError("block_diag needs at least one matrix")
    blocks = [as_node(x) for x in arrs]
    blocks = [expand_dims(x, tuple(range(2 - x.ndim))) if x.ndim < 2 else x for x in blocks]
    batch = broadcast_shapes(*[x.shape[:-2] for x in blocks], what="block_diag")
    heights, widths = ([x.shape[axis] for x in blocks] for axis in (-2, -1))
    dtype = promote([x.dtype for x in blocks])
    result = as_node(zeros((*batch, _total(heights), _total(widths)), dtype))
    row: Dim = 0
    column: Dim = 0
    for block, height, width in zip(blocks, heights, widths, strict=True):
        place = (..., slice(row, row + height), slice(column, column + width))
        result = at(result)[place].set(block.astype(dtype))
        row, column = row + height, column + width
    return result


def _total(sizes: list[Dim]) -> Dim:
    total: Dim = 0
    for size in sizes:
        total = total + size
    return total


def _vector(x: Any, what: str) -> Node:
    node = as_node(x)
    if node.ndim > 1:
        raise ShapeError(f"{what} takes vectors", expected="one dimension", got=repr(node.type))
    return ravel(node)


def _grid(rows: Dim, columns: Dim) -> tuple[Node, Node]:
    return expand_dims(as_node(arange(rows)), 1), as_node(arange(columns))


@evaluated()
def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix that is constant along its diagonals, as ``scipy.linalg.toeplitz``.

    Parameters
    ----------
    c : array_like
        First column, shape (m,).
    r : array_like, optional
        First row, shape (n,), of which the first element is not read; by default the conjugate
        of `c`.

    Raises
    ------
    ShapeError
        If one is not a vector.
    """
    column = _vector(c, "toeplitz")
    row = _vector(conjugate(column) if r is None else r, "toeplitz")
    numbers = concatenate([row[:0:-1], column])
    down, across = _grid(column.shape[0], row.shape[0])
    return numbers[down - across + (row.shape[0] - 1)]


@evaluated()
def hankel(c: Any, r: Any = None) -> Any:
    """The matrix that is constant along its antidiagonals, as ``scipy.linalg.hankel``.

    Parameters
    ----------
    c : array_like
        First column, shape (m,).
    r : array_like, optional
        Last row, shape (n,), of which the first element is not read; zeros by default.

    Raises
    ------
    ShapeError
        If one is not a vector.
    """
    column = _vector(c, "hankel")
    row = _vector(zeros_like(column) if r is None else r, "hankel")
    down, across = _grid(column.shape[0], row.shape[0])
    return concatenate([column, row[1:]])[down + across]


@evaluated()
def circulant(c: Any) -> Any:
    """The matrix whose columns are a vector moved round, as ``scipy.linalg.circulant``.

    Parameters
    ----------
    c : array_like
        First column, shape (n,).

    Raises
    ------
    ShapeError
        If it is not a vector.
    """
    column = _vector(c, "circulant")
    down, across = _grid(column.shape[0], column.shape[0])
    return column[(down - across) % column.shape[0]]


# Examples for the tests ------------------------------------------------------------------------


def _blocks(x: Any, y: Any) -> Any:
    """What `block_diag` is for matrices."""
    return np.concatenate(
        [
            np.pad(x, ((0, 0), (0, y.shape[1]))),
            np.pad(y, ((0, 0), (x.shape[1], 0))),
        ]
    )


def _by_diagonals(c: Any, r: Any) -> Any:
    return np.array(
        [[c[i - j] if i >= j else r[j - i] for j in range(len(r))] for i in range(len(c))]
    )


EXAMPLES: dict[str, list[Example]] = {
    "block_diag": [
        Example(block_diag, (array(2, 3), array(1, 2)), _blocks),
        Example(
            block_diag,
            (array(2), np.float64(2.0)),
            lambda x, y: _blocks(x[None], np.full((1, 1), y)),
        ),
        Example(
            lambda x, y: block_diag(x, y)[..., 2:, 3:],
            (array(2, 2, 3), array(2, 1, 1).astype(np.float32)),
            lambda x, y: y + 0.0 * x[..., :1, :1],
        ),
    ],
    "toeplitz": [
        Example(toeplitz, (array(4), array(3, shift=1.0)), _by_diagonals),
        Example(toeplitz, (array(3).astype(np.float32),), lambda c: _by_diagonals(c, c)),
    ],
    "hankel": [
        Example(
            hankel,
            (array(3), array(2)),
            lambda c, r: np.array([[c[0], c[1]], [c[1], c[2]], [c[2], r[1]]]),
        ),
        Example(hankel, (array(2),), lambda c: np.array([[c[0], c[1]], [c[1], 0.0]])),
    ],
    "circulant": [
        Example(circulant, (array(4),), lambda c: np.stack([np.roll(c, i) for i in range(4)], 1)),
    ],
}
