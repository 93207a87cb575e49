"""Arrays put together from others, and taken apart: block, insert, delete, meshgrid, turns."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product as pairs_of
from typing import Any, cast

import numpy as np

from symgraph.errors import InputError, ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Size, as_shape, product
from symgraph.graph.types import as_count, as_integer, broadcast_shapes, normalize_axis
from symgraph.ops.arrange import moveaxis
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import arange, ones_like, zeros, zeros_like
from symgraph.ops.elementwise import astype
from symgraph.ops.index import flip, getitem, take
from symgraph.ops.join import concatenate, split, stack
from symgraph.ops.kinds import Example, any_node, promote
from symgraph.ops.reduce import broadcast_to
from symgraph.ops.reduce_order import any
from symgraph.ops.shape import (
    expand_dims,
    normalize_axis_list,
    ravel,
    reshape,
    shape_text,
    swapaxes,
    with_dim,
)

__all__ = [
    "apply_along_axis",
    "apply_over_axes",
    "block",
    "delete",
    "dsplit",
    "extract",
    "insert",
    "isin",
    "meshgrid",
    "resize",
    "rollaxis",
    "rot90",
    "unstack",
    "vander",
]


def _along(axis: int, item: Any) -> tuple[Any, ...]:
    return (*[slice(None)] * axis, item)


# Put together ----------------------------------------------------------------------------------


def _depth(arrays: Any) -> int:
    """How deeply lists are nested, which must be the same everywhere."""
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(item) for item in cast("list[Any]", arrays)}
    if len(depths) != 1:
        raise ShapeError(
            "block: lists must be nested equally deep and not be empty",
            got=f"depths {sorted(depths)}",
        )
    return 1 + depths.pop()


@of_numpy(np.block)
def block(arrays: Any) -> Any:
    """An array from nested lists of blocks, as ``np.block``.

    Parameters
    ----------
    arrays : nested list of array_like
        The innermost lists are joined along the last axis, those around them along the one before.

    Raises
    ------
    ShapeError
        If lists are nested differently, or blocks do not fit.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> a = placeholder("a", (2, 2))
    >>> block([[a, np.zeros((2, 1))], [np.ones((1, 3))]]).shape
    (3, 3)
    """
    deepest = _depth(arrays)
    leaves: list[Node] = []

    def collect(item: Any) -> None:
        for inner in cast("list[Any]", item) if isinstance(item, list) else ():
            collect(inner)
        if not isinstance(item, list):
            leaves.append(as_node(item))

    collect(arrays)
    ndim = max(deepest, *[leaf.ndim for leaf in leaves])
    found = iter([expand_dims(leaf, tuple(range(ndim - leaf.ndim))) for leaf in leaves])

    def joined(item: Any, depth: int) -> Node:
        if not isinstance(item, list):
            return next(found)
        parts = [joined(inner, depth - 1) for inner in cast("list[Any]", item)]
        return concatenate(parts, axis=-depth)

    return joined(arrays, deepest)


@of_numpy(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinate matrices from coordinate vectors, as ``np.meshgrid``.

    Parameters
    ----------
    *xi : array_like
        One-dimensional.
    copy : bool
        Makes no difference: values are immutable.
    sparse : bool
        Whether each has size one along the axes of the others.
    indexing : {"xy", "ij"}
        Whether the first two axes are exchanged.

    Returns
    -------
    tuple of Node
    """
    if indexing not in ("xy", "ij"):
        raise InputError("meshgrid: indexing", expected="'xy' or 'ij'", got=repr(indexing))
    ndim = len(xi)
    nodes: list[Node] = []
    for i, x in enumerate(xi):
        axis = 1 - i if indexing == "xy" and i < 2 and ndim > 1 else i
        others = tuple([j for j in range(ndim) if j != axis])
        nodes.append(expand_dims(ravel(as_node(x)), others))
    if sparse:
        return tuple(nodes)
    shape = broadcast_shapes(*[node.shape for node in nodes], what="meshgrid")
    return tuple([broadcast_to(node, shape) for node in nodes])


@of_numpy(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Powers of a vector in columns, as ``np.vander``.

    Parameters
    ----------
    x : array_like
        One-dimensional.
    N : int, optional
        How many columns; by default as many as there are elements.
    increasing : bool
        Whether the powers grow from left to right.
    """
    node = as_node(x)
    if node.ndim != 1:
        raise ShapeError("vander takes a vector", got=repr(node.type))
    count = node.shape[0] if N is None else N
    if isinstance(count, Size | Node):
        raise UnsupportedError(
            f"vander: how many powers must be known now, not {count}",
            hint="N=3, or x[:, None] ** np.arange(n)",
        )
    count = as_count(count, "vander: how many powers")
    node = astype(node, promote([node.dtype, np.dtype(np.int64)]))
    powers = [ones_like(node)]
    if count == 0:
        return zeros_like(expand_dims(node, 1)[:, :0])
    for _ in range(count - 1):
        powers.append(powers[-1] * node if len(powers) > 1 else node)
    powers = powers[:count]
    return stack(powers if increasing else powers[::-1], axis=1)


# Taken apart, and turned -----------------------------------------------------------------------


@of_numpy(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """A tuple of the arrays along an axis, as ``np.unstack``.

    Raises
    ------
    UnsupportedError
        If the size of the axis is symbolic.
    """
    node = as_node(x)
    place = normalize_axis(axis, node.ndim, "unstack")
    length = node.shape[place]
    if isinstance(length, Size):
        raise UnsupportedError(
            f"unstack along an axis of size {length}", hint="sg.scan goes over an axis of any size"
        )
    return tuple([node[_along(place, i)] for i in range(length)])


@builder(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """The pieces along the third axis, as ``np.dsplit``."""
    return split(ary, indices_or_sections, 2)


@of_numpy(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by 90 degrees `k` times in the plane of two axes, as ``np.rot90``."""
    node = as_node(m)
    first, second = normalize_axis_list(tuple(axes), node.ndim, "rot90")
    turns = as_integer(k, "rot90: k") % 4
    if turns == 0:
        return node
    if turns == 2:
        return flip(node, (first, second))
    if turns == 1:
        return swapaxes(flip(node, second), first, second)
    return flip(swapaxes(node, first, second), second)


@of_numpy(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """An axis moved before another one, as ``np.rollaxis``; `np.moveaxis` is easier to read."""
    node = as_node(a)
    place = normalize_axis(axis, node.ndim, "rollaxis")
    goal = node.ndim if start == node.ndim else normalize_axis(start, node.ndim, "rollaxis: start")
    return moveaxis(node, place, goal - 1 if place < goal else goal)


# Longer and shorter ----------------------------------------------------------------------------


def _static(obj: Any, what: str) -> Any:
    if any_node(obj):
        raise UnsupportedError(
            f"{what}: the positions must be known now",
            hint="np.where(mask, x, 0) keeps the shape",
        )
    return obj


@of_numpy(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Values before positions that are known now, as ``np.insert``.

    Parameters
    ----------
    arr : array_like
    obj : int, slice or sequence of int
    values : array_like
        Broadcast to what is inserted, in the dtype of `arr`.
    axis : int, optional
        By default `arr` counts as one-dimensional.

    Raises
    ------
    UnsupportedError
        If the positions are nodes, or are several along an axis of symbolic size.
    """
    node = as_node(arr)
    if axis is None:
        node, axis = ravel(node), 0
    place = normalize_axis(axis, node.ndim, "insert")
    new = astype(as_node(values), node.dtype)
    new = expand_dims(new, tuple(range(node.ndim - new.ndim))) if new.ndim < node.ndim else new
    places: Any = _static(obj, "insert")
    length = node.shape[place]
    if hasattr(places, "__index__") and not np.ndim(places):
        if np.ndim(as_node(values)):
            new = moveaxis(new, 0, place)
        shape = with_dim(node.shape, place, new.shape[place])
        at = places.__index__()
        if isinstance(length, int) and not -length <= at <= length:
            raise ShapeError(f"insert at {at}", expected=f"-{length} <= index <= {length}")
        parts = [node[_along(place, slice(None, at))], broadcast_to(new, shape)]
        return concatenate([*parts, node[_along(place, slice(at, None))]], place)
    if isinstance(length, Size):
        raise UnsupportedError(
            f"insert at several positions of an axis of size {length}",
            hint="declare the size as a number",
        )
    # NumPy itself says what comes where, the new elements numbered behind the old ones.
    count = np.insert(np.zeros(length), places, 0).size - length
    source = np.insert(np.arange(length), places, np.arange(length, length + count))
    new = broadcast_to(new, with_dim(node.shape, place, count))
    return take(concatenate([node, new], place), source, place)


@of_numpy(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """Without the elements at positions that are known now, as ``np.delete``.

    Parameters
    ----------
    arr : array_like
    obj : int, slice, sequence of int or mask
    axis : int, optional
        By default `arr` counts as one-dimensional.

    Raises
    ------
    UnsupportedError
        If the positions are nodes, or are several along an axis of symbolic size.
    """
    node = as_node(arr)
    if axis is None:
        node, axis = ravel(node), 0
    place = normalize_axis(axis, node.ndim, "delete")
    length, gone = node.shape[place], _static(obj, "delete")
    if not isinstance(length, Size):
        return getitem(node, _along(place, np.delete(np.arange(length), gone)))
    if not hasattr(gone, "__index__") or np.ndim(gone):
        raise UnsupportedError(
            f"delete several elements of an axis of size {length}",
            hint="np.concatenate of slices, or declare the size as a number",
        )
    at = gone.__index__()
    parts = [node[_along(place, slice(None, at))]]
    if at != -1:
        parts.append(node[_along(place, slice(at + 1, None))])
    return concatenate(parts, place)


@of_numpy(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """The elements in C order, again and again, in another shape, as ``np.resize``.

    Parameters
    ----------
    a : array_like
    new_shape : size or tuple of sizes
    """
    node, shape = as_node(a), as_shape(new_shape)
    total = product(shape)
    if node.size == 0:
        return as_node(zeros(shape, node.dtype))
    if total == node.size:
        return reshape(node, shape)
    return reshape(take(ravel(node), as_node(arange(total)) % node.size), shape)


@of_numpy(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements where a mask that is known now is true, as ``np.extract``.

    Raises
    ------
    UnsupportedError
        If the mask is a node: the shape would depend on its values.
    """
    return take(ravel(as_node(arr)), np.flatnonzero(_static(condition, "extract")))


# Compared --------------------------------------------------------------------------------------


@of_numpy(np.isin)
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    """Whether each element is among others, as ``np.isin``.

    Parameters
    ----------
    element, test_elements : array_like
    assume_unique, kind : optional
        Make no difference to the result.
    invert : bool
        Whether it is not among them.
    """
    if kind not in (None, "sort", "table"):
        raise InputError("isin: kind", expected="None, 'sort' or 'table'", got=repr(kind))
    found = any(expand_dims(as_node(element), -1) == ravel(as_node(test_elements)), axis=-1)
    return ~found if invert else found


# Functions along axes --------------------------------------------------------------------------


@of_numpy(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """A function of vectors, applied along an axis, as ``np.apply_along_axis``.

    It is called for every vector. What it computes is the same for all of them, as in any graph.

    Raises
    ------
    UnsupportedError
        If another size is symbolic.
    """
    node = as_node(arr)
    rows = moveaxis(node, normalize_axis(axis, node.ndim, "apply_along_axis"), -1)
    lead = rows.shape[:-1]
    sizes = [dim for dim in lead if isinstance(dim, int)]
    if len(sizes) < len(lead):
        raise UnsupportedError(
            f"apply_along_axis over axes of sizes {shape_text(lead)}",
            hint="sg.vmap(func1d), which takes any size",
        )
    found = [
        as_node(func1d(rows[place], *args, **kwargs))
        for place in pairs_of(*[range(size) for size in sizes])
    ]
    if not found:
        raise ShapeError("apply_along_axis of no vectors", got=shape_text(node.shape))
    result = stack(found) if lead else found[0]
    inner = found[0].shape
    result = reshape(result, (*lead, *inner))
    behind = tuple(range(len(lead), len(lead) + len(inner)))
    place = normalize_axis(axis, node.ndim, "apply_along_axis")
    goals = tuple(range(place, place + len(inner)))
    return moveaxis(result, behind, goals)


@of_numpy(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """A reduction ``func(a, axis)`` over several axes in turn, as ``np.apply_over_axes``."""
    result = as_node(a)
    ndim = result.ndim
    for axis in cast("Sequence[Any]", axes if isinstance(axes, list | tuple) else [axes]):
        place = normalize_axis(axis, ndim, "apply_over_axes")
        reduced = as_node(func(result, place))
        result = reduced if reduced.ndim == ndim else expand_dims(reduced, place)
        if result.ndim != ndim:
            raise ShapeError("apply_over_axes: the function returns an array of another rank")
    return result


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.sin(np.arange(24.0) * 1.3).reshape(2, 3, 4)
_MATRIX = _CUBE[0]
_VECTOR = np.array([0.5, -1.0, 2.0, 3.0])


EXAMPLES: dict[str, list[Example]] = {
    "block": [
        Example(lambda x, y: np.block([[x, 2 * x], [y, y]]), (_MATRIX, _VECTOR)),
        Example(lambda x: np.block([x, 1.5, x]), (_VECTOR.astype(np.float32),)),
        Example(lambda x: np.block([[[x]], [[x]]]), (_MATRIX,)),
    ],
    "meshgrid": [
        Example(np.meshgrid, (_VECTOR, _VECTOR[:3])),
        Example(lambda x, y: np.meshgrid(x, y, [1.0, 2.0], indexing="ij"), (_VECTOR, _VECTOR[:2])),
        Example(lambda x, y: np.meshgrid(x, y, sparse=True), (_VECTOR, _VECTOR[:2])),
    ],
    "vander": [
        Example(np.vander, (_VECTOR,)),
        Example(lambda x: np.vander(x, 3, increasing=True), (_VECTOR.astype(np.float32),)),
        Example(lambda x: np.vander(x, 1), (np.arange(3),)),
    ],
    "turned": [
        *[Example(lambda x, k=k: np.rot90(x, k, axes=(0, 2)), (_CUBE,)) for k in range(-1, 3)],
        Example(lambda x: np.rollaxis(x, 2), (_CUBE,)),
        Example(lambda x: np.rollaxis(x, 0, 3), (_CUBE,)),
        Example(lambda x: np.unstack(x, axis=1)[2], (_CUBE,)),
        Example(lambda x: np.dsplit(x, 2)[1], (_CUBE,)),
    ],
    "insert": [
        Example(lambda x: np.insert(x, 1, 5.0), (_VECTOR,)),
        Example(lambda x, y: np.insert(x, 2, y, axis=1), (_MATRIX, _VECTOR[:3])),
        Example(lambda x, y: np.insert(x, [0, 2, 2], y, axis=0), (_MATRIX, _VECTOR)),
        Example(lambda x: np.insert(x, slice(1, 3), [7.0, 8.0]), (_VECTOR,)),
    ],
    "delete": [
        Example(lambda x: np.delete(x, 1, axis=1), (_MATRIX,)),
        Example(lambda x: np.delete(x, -1), (_VECTOR,)),
        Example(lambda x: np.delete(x, slice(None, None, 2), axis=0), (_MATRIX,)),
        Example(lambda x: np.delete(x, [0, 3]), (_VECTOR,)),
        Example(lambda x: np.extract([True, False, False, True], x), (_VECTOR,)),
    ],
    "resize": [
        Example(lambda x: np.resize(x, (3, 3)), (_VECTOR,)),
        Example(lambda x: np.resize(x, 5), (_MATRIX,)),
        Example(lambda x: np.resize(x, (4, 3)), (_MATRIX,)),
        Example(lambda x: np.resize(x, 2), (_VECTOR[:0],)),
    ],
    "compared": [
        Example(np.isin, (np.arange(6).reshape(2, 3), np.array([1, 4]))),
        Example(lambda x: np.isin(x, [1], invert=True), (np.arange(3),)),
    ],
    "along": [
        Example(lambda x: np.apply_along_axis(lambda v: np.sort(v)[1:], 1, x), (_CUBE,)),
        Example(lambda x: np.apply_along_axis(lambda v: v.sum(), -1, x), (_CUBE,)),
        Example(lambda x: np.apply_along_axis(np.diag, 0, x), (_MATRIX,)),
        Example(lambda x: np.apply_over_axes(np.sum, x, [0, 2]), (_CUBE,)),
    ],
}
