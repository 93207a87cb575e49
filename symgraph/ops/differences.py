"""Differences of neighbours, slopes of samples, and the area under them."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant
from symgraph.graph.types import as_count, normalize_axis
from symgraph.ops.calls import of_numpy
from symgraph.ops.elementwise import (
    absolute,
    astype,
    equal,
    greater,
    less,
    logical_and,
    not_equal,
    remainder,
    stop_gradient,
    subtract,
    where,
)
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example
from symgraph.ops.reduce import broadcast_to, cumsum, normalize_axes, sum
from symgraph.ops.shape import expand_dims, ravel, shape_text, with_dim

__all__ = ["diff", "ediff1d", "gradient", "trapezoid", "unwrap"]


def _slice(node: Node, axis: int, start: int | None, stop: int | None) -> Node:
    return node[(*[slice(None)] * axis, slice(start, stop))]


def _steps(node: Node, axis: int) -> Node:
    later, earlier = _slice(node, axis, 1, None), _slice(node, axis, None, -1)
    return not_equal(later, earlier) if node.dtype.kind == "b" else subtract(later, earlier)


@of_numpy(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, `n` times, as ``np.diff``.

    Parameters
    ----------
    a : array_like
    n : int
        How often.
    axis : int
    prepend, append : array_like, optional
        What stands before and behind; a scalar once.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> diff(placeholder("x", ("n", 3)), axis=0, append=0.0).shape
    (n, 3)
    """
    n = as_count(n, "diff: how often")
    node = as_node(a)
    if n == 0:
        return node  # as NumPy, which does not look at the rest
    place = normalize_axis(axis, node.ndim, "diff")
    parts = [node]
    if prepend is not None:
        parts.insert(0, _end(prepend, node, place))
    if append is not None:
        parts.append(_end(append, node, place))
    node = concatenate(parts, place)
    for _ in range(n):
        node = _steps(node, place)
    return node


def _end(value: Any, like: Node, axis: int) -> Node:
    node = as_node(value)
    return node if node.ndim else broadcast_to(node, with_dim(like.shape, axis, 1))


@of_numpy(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of the flattened array, as ``np.ediff1d``.

    Parameters
    ----------
    ary : array_like
    to_end, to_begin : array_like, optional
        What stands behind and before the differences.
    """
    node = ravel(as_node(ary))
    parts = [astype(ravel(as_node(p)), node.dtype) for p in (to_begin,) if p is not None]
    parts.append(_steps(node, 0))
    parts += [astype(ravel(as_node(p)), node.dtype) for p in (to_end,) if p is not None]
    return concatenate(parts)


@of_numpy(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Angles without jumps, as ``np.unwrap``; the derivative is that of the angles.

    Parameters
    ----------
    p : array_like
    discont : float, optional
        What is smaller is no jump; by default half the period.
    axis : int
    period : float

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> unwrap(placeholder("x", ("n", 3)), axis=0).shape
    (n, 3)
    """
    node = as_node(p)
    if np.ndim(period):
        raise DTypeError("unwrap: period must be one number", got=shape_text(np.shape(period)))
    place = normalize_axis(axis, node.ndim, "unwrap")
    steps = diff(node, axis=place)
    whole = np.result_type(steps.dtype, period).kind in "iu"
    half = period // 2 if whole else period / 2
    turned = remainder(steps + half, period) - half
    if not whole or period % 2 == 0:  # a step of half the period keeps its sign
        turned = where(logical_and(equal(turned, -half), greater(steps, 0)), half, turned)
    small = less(absolute(steps), period / 2 if discont is None else discont)
    change = stop_gradient(where(small, 0, turned - steps))
    later = _slice(node, place, 1, None) + cumsum(change, place)
    return concatenate([astype(_slice(node, place, None, 1), later.dtype), later], place)


# Slopes ----------------------------------------------------------------------------------------


@of_numpy(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes of samples by central differences, as ``np.gradient``.

    Parameters
    ----------
    f : array_like
    *varargs : scalar or array_like, optional
        The distance of the samples, or their coordinates: one for all axes, or one for each.
    axis : int or tuple of int, optional
        All axes by default.
    edge_order : {1, 2}
        Of the one-sided differences at the ends.

    Returns
    -------
    node, or tuple of node
        One for each axis, if there are several.

    Raises
    ------
    ShapeError
        If there are fewer samples than the differences need, or coordinates.
    """
    node = as_node(f)
    node = node if node.type.inexact else astype(node, np.float64)
    if axis is None:
        axes: Sequence[int] = range(node.ndim)
    else:
        items = cast("Any", axis if isinstance(axis, tuple) else (axis,))
        axes = [normalize_axis(i, node.ndim, "gradient") for i in items]
    if edge_order not in (1, 2):
        raise UnsupportedError("gradient: edge_order", expected="1 or 2", got=repr(edge_order))
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise ShapeError(
            "gradient: one distance is needed for all axes, or one for each",
            expected=f"1 or {len(axes)}",
            got=str(len(spacings)),
        )
    # In the dtype of f, whatever that of the coordinates.
    found = [
        astype(_slopes(node, i, h, edge_order), node.dtype)
        for i, h in zip(axes, spacings, strict=True)
    ]
    return found[0] if len(axes) == 1 else tuple(found)


def _gaps(spacing: Any, f: Node, axis: int) -> Node:
    """The distances of the samples along an axis; one, if they are known to be equal."""
    given = as_node(spacing)
    if not given.ndim:
        weak = not isinstance(spacing, Node | np.ndarray | np.generic)
        return astype(given, f.dtype) if weak or not given.type.inexact else given
    if given.shape != (f.shape[axis],):
        raise ShapeError(
            "gradient: one coordinate is needed for each sample",
            expected=f"({f.shape[axis]},)",
            got=shape_text(given.shape),
        )
    gaps = _steps(given if given.type.inexact else astype(given, np.float64), 0)
    if isinstance(given.op, Constant):
        known: Any = np.diff(given.op.value)
        return gaps if np.any(known != known[0]) else constant(known[0], gaps.dtype)
    return gaps


def _slopes(f: Node, axis: int, spacing: Any, order: int) -> Node:
    length = f.shape[axis]
    if isinstance(length, int) and length < order + 1:
        raise ShapeError(
            f"gradient: {length} samples along axis {axis}", expected=f"at least {order + 1}"
        )
    gaps = _gaps(spacing, f, axis)
    if not gaps.ndim:
        middle = (_slice(f, axis, 2, None) - _slice(f, axis, None, -2)) / (2 * gaps)
        first = second = last = last_but_one = gaps
    else:
        middle = _between(f, axis, gaps)
        first, last = gaps[0], gaps[-1]
        second, last_but_one = (gaps[1], gaps[-2]) if order == 2 else (first, last)
    if order == 1:
        start = (_slice(f, axis, 1, 2) - _slice(f, axis, 0, 1)) / first
        stop = (_slice(f, axis, -1, None) - _slice(f, axis, -2, -1)) / last
    else:
        start = _one_sided([_slice(f, axis, i, i + 1) for i in range(3)], first, second)
        places = [(-1, None), (-2, -1), (-3, -2)]
        stop = -_one_sided([_slice(f, axis, i, j) for i, j in places], last, last_but_one)
    return concatenate([start, middle, stop], axis)


def _between(f: Node, axis: int, gaps: Node) -> Node:
    """The slopes at inner samples at different distances."""
    behind = tuple(range(1, f.ndim - axis))
    left, right = (expand_dims(g, behind) for g in (gaps[:-1], gaps[1:]))
    both = left + right
    before, here, after = (_slice(f, axis, i, j) for i, j in ((None, -2), (1, -1), (2, None)))
    return (
        -right / (left * both) * before
        + (right - left) / (left * right) * here
        + left / (right * both) * after
    )


def _one_sided(values: Sequence[Node], near: Node, far: Node) -> Node:
    """The slope at the first of three samples, from the two gaps behind it."""
    both = near + far
    return (
        -(near + both) / (near * both) * values[0]
        + both / (near * far) * values[1]
        - near / (far * both) * values[2]
    )


@of_numpy(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under samples along an axis, by the trapezoidal rule, as ``np.trapezoid``.

    Parameters
    ----------
    y : array_like
    x : array_like, optional
        The coordinates of the samples: of one dimension, or of those of `y`.
    dx : scalar
        Their distance, if there are no coordinates.
    axis : int
    """
    node = as_node(y)
    place = normalize_axis(axis, node.ndim, "trapezoid")
    if x is None:
        widths: Any = dx
    else:
        points = as_node(x)
        widths = _steps(points, 0 if points.ndim == 1 else normalize_axis(axis, points.ndim, "x"))
        if points.ndim == 1:
            widths = expand_dims(widths, tuple(range(1, node.ndim - place)))
    heights = _slice(node, place, 1, None) + _slice(node, place, None, -1)
    areas = widths * heights / 2.0
    if areas.ndim != node.ndim or areas.shape[place] != heights.shape[place]:
        raise ShapeError(
            "trapezoid: the coordinates do not fit the samples",
            expected=f"one dimension, or the shape {shape_text(node.shape)} of the samples",
            got=shape_text(as_node(dx if x is None else x).shape),
        )
    return sum(areas, normalize_axes(place, node.ndim, "trapezoid"))


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.sin(np.arange(24.0) * 1.3).reshape(2, 3, 4)
_MATRIX = _CUBE[0]
_POINTS = np.array([0.0, 1.0, 2.5, 3.3])
_FLAGS = np.array([True, False, False, True])

EXAMPLES: dict[str, list[Example]] = {
    "diff": [
        Example(lambda x: np.diff(x, 2, axis=0), (_MATRIX,)),
        Example(np.diff, (_FLAGS,)),
        Example(lambda x: np.diff(x, 3, prepend=0.5, append=1), (_MATRIX.astype(np.float32),)),
        Example(lambda x, y: np.diff(x, axis=0, append=y), (_MATRIX, _MATRIX[:2])),
        Example(lambda x: np.diff(x, 0), (_MATRIX,)),
        Example(lambda x, y: np.ediff1d(x, to_begin=y, to_end=[1, 2]), (_MATRIX, _POINTS)),
        Example(np.ediff1d, (_MATRIX,)),
    ],
    "unwrap": [
        Example(np.unwrap, (np.array([0.0, 3.5, -3.0, 0.5, 7.0, 7.5, -np.pi]),)),
        Example(lambda x: np.unwrap(x, 1.5, axis=0, period=2.0), (_MATRIX * 3,)),
        Example(lambda x: np.unwrap(x, period=4), (np.array([0, 1, 3, 1, 6]),)),
        Example(lambda x: np.unwrap(x, period=5), (np.array([0, 3, 1, 6]),)),
    ],
    "gradient": [
        Example(np.gradient, (_POINTS,)),
        Example(np.gradient, (_CUBE[:, :, :2],)),
        Example(lambda x, h: np.gradient(x, h, axis=1), (_MATRIX, np.float64(0.3))),
        Example(lambda x, p: np.gradient(x, p, axis=1), (_MATRIX, _POINTS)),
        Example(lambda x, p: np.gradient(x, p, edge_order=2), (_MATRIX[0], _POINTS)),
        Example(lambda x: np.gradient(x, 2, edge_order=2), (_MATRIX.astype(np.float32),)),
        Example(lambda x: np.gradient(x, [1.0, 2.0, 3.0, 4.0], axis=-1), (_MATRIX,)),
        Example(lambda x: np.gradient(x, 1.5, _POINTS), (_MATRIX,)),
        Example(np.gradient, (np.arange(4) ** 2,)),
    ],
    "trapezoid": [
        Example(np.trapezoid, (_MATRIX,)),
        Example(lambda x, p: np.trapezoid(x, p, axis=1), (_MATRIX, _POINTS)),
        Example(lambda x: np.trapezoid(x, dx=0.5, axis=0), (_MATRIX.astype(np.float32),)),
        Example(lambda x: np.trapezoid(x, np.cos(x), axis=1), (_CUBE,)),
    ],
}
