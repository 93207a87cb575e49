"""What is known of a shape, and functions that are spelled with the operations on shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import product
from symgraph.graph.types import broadcast_shapes
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.shape import expand_dims, normalize_axis_list, swapaxes, transpose

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "copy",
    "matrix_transpose",
    "moveaxis",
    "ndim",
    "permute_dims",
    "result_type",
    "shape",
    "size",
]

# What is known of a shape -----------------------------------------------------------------------


@builder(np.shape)
def shape(a: Any) -> Any:
    """The sizes of the dimensions, as ``np.shape``; symbolic ones as `Size`."""
    return a.shape if isinstance(a, Node) else as_node(a).shape if any_node(a) else np.shape(a)


@builder(np.ndim)
def ndim(a: Any) -> int:
    """The number of dimensions, as ``np.ndim``."""
    return as_node(a).ndim if any_node(a) else np.ndim(a)


@builder(np.size)
def size(a: Any, axis: Any = None) -> Any:
    """The number of elements, of all axes or of some, as ``np.size``."""
    if not any_node(a):
        return np.size(a, axis)
    dims = as_node(a).shape
    if axis is None:
        return product(dims)
    return product([dims[i] for i in normalize_axis_list(axis, len(dims), "size")])


@builder(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype that NumPy computes in, as ``np.result_type``."""
    known = [a.dtype if isinstance(a, Node) else a for a in arrays_and_dtypes]
    return np.result_type(*known)


@builder(np.copy)
def copy(a: Any) -> Any:
    """The node itself: values are immutable. A copy of an array."""
    return as_node(a) if any_node(a) else np.copy(a)


# Axes exchanged and added -----------------------------------------------------------------------


@builder()
def permute_dims(a: Any, axes: Any = None) -> Any:
    """Permuted axes: the Array API's name of `transpose`."""
    return transpose(a, axes)


@builder(np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    if not any_node(x):
        return np.matrix_transpose(x)
    node = as_node(x)
    if node.ndim < 2:
        raise ShapeError("matrix_transpose needs two dimensions", got=repr(node.type))
    return swapaxes(node, -1, -2)


@builder(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places, the others in their order, as ``np.moveaxis``.

    Parameters
    ----------
    a : array_like
    source, destination : int or tuple of int
        Where the axes are and where they go.
    """
    if not any_node(a):
        return np.moveaxis(a, source, destination)
    node = as_node(a)
    origins = normalize_axis_list(source, node.ndim, "moveaxis: source")
    goals = normalize_axis_list(destination, node.ndim, "moveaxis: destination")
    if len(origins) != len(goals):
        raise ShapeError(
            "moveaxis: source and destination differ in length", got=f"{source} and {destination}"
        )
    order = [axis for axis in range(node.ndim) if axis not in origins]
    for goal, origin in sorted(zip(goals, origins, strict=True)):
        order.insert(goal, origin)
    return transpose(node, tuple(order))


def _at_least(arrays: Sequence[Any], places: Sequence[Sequence[int]]) -> Any:
    """Each array with the new axes that `places` lists for its number of dimensions."""
    results: list[Any] = []
    for array in arrays:
        node = as_node(array)
        missing = places[node.ndim] if node.ndim < len(places) else ()
        results.append(expand_dims(node, tuple(missing)))
    return results[0] if len(results) == 1 else tuple(results)


@builder(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Scalars with one axis, as ``np.atleast_1d``; a tuple for several arguments."""
    return _at_least(arys, [(0,)]) if any_node(*arys) else np.atleast_1d(*arys)


@builder(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """At least two axes, new ones first, as ``np.atleast_2d``; a tuple for several arguments."""
    return _at_least(arys, [(0, 1), (0,)]) if any_node(*arys) else np.atleast_2d(*arys)


@builder(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """At least three axes, as ``np.atleast_3d``; a tuple for several arguments."""
    places = [(0, 1, 2), (0, 2), (2,)]
    return _at_least(arys, places) if any_node(*arys) else np.atleast_3d(*arys)


@builder(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> Any:
    """Every array broadcast against the others, as ``np.broadcast_arrays``."""
    if not any_node(*args):
        return np.broadcast_arrays(*args)
    nodes = [as_node(arg) for arg in args]
    wanted = broadcast_shapes(*[node.shape for node in nodes], what="broadcast_arrays")
    return tuple([apply("broadcast_to", node, wanted) for node in nodes])


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.arange(24.0).reshape(2, 3, 4) / 7 - 1

EXAMPLES: dict[str, list[Example]] = {
    "axes": [
        Example(lambda x: np.moveaxis(x, (0, 1), (-1, 0)), (_CUBE,)),
        Example(np.matrix_transpose, (_CUBE * 1j,)),
        Example(lambda x: np.astype(x, np.result_type(x, np.complex64)), (_CUBE,)),
        Example(np.atleast_2d, (np.arange(3.0),)),
        Example(np.atleast_3d, (np.arange(3.0),)),
    ],
}
