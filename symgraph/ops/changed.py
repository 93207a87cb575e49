"""What NumPy changes in place, as functions that give new arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.node import as_node
from symgraph.graph.registry import apply, builder
from symgraph.graph.types import normalize_axis
from symgraph.ops.create import arange
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.shape import expand_dims, ravel, reshape, shape_text

__all__ = ["fill_diagonal", "put_along_axis"]


@builder()
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> Any:
    """`arr` with values at one position along an axis for each element of `indices`.

    What ``np.put_along_axis`` does in place, as a new array.

    Parameters
    ----------
    arr : array_like
    indices : array_like of int
        As many dimensions as `arr`; the other axes broadcast.
    values : array_like
        Broadcast to the shape of `indices`.
    axis : int or None
        ``None``: `arr` counts as one-dimensional, but keeps its shape.

    Examples
    --------
    >>> put_along_axis(np.zeros((2, 2)), np.array([[1], [0]]), 5.0, axis=1)
    array([[0., 5.],
           [5., 0.]])
    """
    if not any_node(arr, indices, values):
        result = np.array(arr)
        np.put_along_axis(result, np.asarray(indices), values, axis)
        return result
    node, places = as_node(arr), as_node(indices)
    if axis is None:
        return reshape(put_along_axis(ravel(node), places, values, 0), node.shape)
    place = normalize_axis(axis, node.ndim, "put_along_axis")
    if places.ndim != node.ndim:
        raise ShapeError(
            "put_along_axis: array and indices must have as many dimensions",
            expected=f"{node.ndim} dimensions",
            got=str(places.ndim),
        )
    key: list[Any] = []
    for i, length in enumerate(node.shape):
        others = tuple([j for j in range(node.ndim) if j != i])
        key.append(places if i == place else expand_dims(as_node(arange(length)), others))
    return apply("at", node)[tuple(key)].set(values)


@builder()
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> Any:
    """`a` with values on its main diagonal: ``np.fill_diagonal`` with a new array as its result.

    Parameters
    ----------
    a : array_like
        At least two-dimensional; if it has more dimensions, all sizes are equal.
    val : array_like
        One value, or one for each element of the diagonal.
    wrap : False
        Not supported.

    Examples
    --------
    >>> fill_diagonal(np.zeros((2, 3)), 1.0)
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    if wrap:
        raise UnsupportedError("fill_diagonal: wrap=True", hint="x.at[rows, columns].set(values)")
    if not any_node(a, val):
        result = np.array(a)
        np.fill_diagonal(result, val)
        return result
    node = as_node(a)
    if node.ndim < 2 or (node.ndim > 2 and len(set(node.shape)) > 1):
        raise ShapeError(
            "fill_diagonal", expected="a matrix, or equal sizes", got=shape_text(node.shape)
        )
    sizes = list(node.shape)
    fixed = [dim for dim in sizes if isinstance(dim, int)]
    if len(set(sizes)) > 1 and len(fixed) < len(sizes):
        raise UnsupportedError(f"fill_diagonal of {shape_text(node.shape)}: how long is it?")
    length = min(fixed) if fixed else sizes[0]
    return apply("at", node)[(arange(length),) * node.ndim].set(val)


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.sin(np.arange(12.0) * 1.3).reshape(3, 4)
_VECTOR = np.array([0.5, -1.0, 2.0])
_PLACES = np.array([[1], [3], [0]])


def _put(x: Any, i: Any, v: Any) -> Any:
    result = np.array(x)
    np.put_along_axis(result, i, v, 1)
    return result


def _filled(x: Any, v: Any) -> Any:
    result = np.array(x)
    np.fill_diagonal(result, v)
    return result


EXAMPLES: dict[str, list[Example]] = {
    "changed": [
        Example(
            lambda x, v: put_along_axis(x, _PLACES, v, 1),
            (_MATRIX, _PLACES / 7),
            lambda x, v: _put(x, _PLACES, v),
        ),
        Example(fill_diagonal, (_MATRIX, _VECTOR), _filled),
        Example(lambda x: fill_diagonal(x, 0.0), (_MATRIX[:, :3],), lambda x: _filled(x, 0.0)),
    ],
}
