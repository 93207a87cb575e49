"""Integrals of samples by the names of ``scipy.integrate``."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.sizes import Dim
from symgraph.graph.types import normalize_axis
from symgraph.ops.arrange import moveaxis
from symgraph.ops.calls import evaluated
from symgraph.ops.create import full
from symgraph.ops.differences import diff
from symgraph.ops.elementwise import astype
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example
from symgraph.ops.reduce import cumsum, sum
from symgraph.ops.shape import shape_text

__all__ = ["cumulative_trapezoid", "romb", "simpson"]


def _samples(y: Any, x: Any, dx: Any, axis: Any, what: str) -> tuple[Node, Any, int]:
    """The samples along the last axis, their distances, and which axis it was."""
    node = as_node(y)
    place = normalize_axis(axis, node.ndim, what)
    rows = moveaxis(node, place, -1)
    rows = rows if rows.type.inexact else astype(rows, np.float64)
    if x is None:
        return rows, dx, place
    points = as_node(x)
    along = points if points.ndim == 1 else moveaxis(points, axis, -1)
    if points.ndim not in (1, node.ndim) or along.shape[-1] != rows.shape[-1]:
        raise ShapeError(
            f"{what}: the coordinates do not fit the samples",
            expected=f"one dimension, or the shape {shape_text(node.shape)} of the samples",
            got=shape_text(points.shape),
        )
    return rows, diff(along, axis=-1), place


@evaluated()
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """The area up to each sample by the trapezoidal rule.

    As ``scipy.integrate.cumulative_trapezoid``.

    Parameters
    ----------
    y : array_like
    x : array_like, optional
        The coordinates of the samples: of one dimension, or of those of `y`.
    dx : scalar, optional
        Their distance, if there are no coordinates.
    axis : int, optional
    initial : 0 or None
        What stands in front, so that there are as many areas as samples.

    Raises
    ------
    ShapeError
        If the coordinates do not fit the samples.
    UnsupportedError
        For another value in front.
    """
    if initial is not None and initial != 0:
        raise UnsupportedError(
            "cumulative_trapezoid: initial", expected="0 or None", got=repr(initial)
        )
    rows, widths, place = _samples(y, x, dx, axis, "cumulative_trapezoid")
    found = cumsum(widths * (rows[..., 1:] + rows[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        found = concatenate([full((*found.shape[:-1], 1), initial, dtype=found.dtype), found], -1)
    return moveaxis(found, -1, place)


@evaluated()
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under samples by Simpson's rule, as ``scipy.integrate.simpson``.

    Of an even number of samples the last interval is that under the parabola through the last
    three (Cartwright 2017, Journal of Mathematical Sciences and Mathematics Education 12).

    Parameters
    ----------
    y : array_like
        How many samples there are along the axis must be known.
    x : array_like, optional
        The coordinates of the samples: of one dimension, or of those of `y`.
    dx : scalar, optional
        Their distance, if there are no coordinates.
    axis : int, optional

    Raises
    ------
    ShapeError
        If there are no samples; if the coordinates do not fit.
    UnsupportedError
        If the number of samples is symbolic.
    """
    rows, widths, _ = _samples(y, x, dx, axis, "simpson")
    count = _known(rows.shape[-1], "simpson")
    if count < 1:
        raise ShapeError("simpson of no samples", got=shape_text(rows.shape))
    if count == 2:
        last = widths if x is None else widths[..., -1]
        return 0.5 * last * (rows[..., 0] + rows[..., 1])
    used = count - (count % 2 == 0)
    start, middle, end = (rows[..., i : used - 2 + i : 2] for i in range(3))
    if x is None:
        found = sum(start + 4.0 * middle + end, axis=-1) * (widths / 3.0)
        first, second = widths, widths
    else:
        left, right = widths[..., 0 : used - 1 : 2], widths[..., 1 : used - 1 : 2]
        both, ratio = left + right, left / right
        weighted = start * (2.0 - 1.0 / ratio) + end * (2.0 - ratio)
        weighted = weighted + middle * (both * both / (left * right))
        found = sum(both / 6.0 * weighted, axis=-1)
        first, second = (widths[..., -2], widths[..., -1]) if count > 2 else (0.0, 0.0)
    if used == count:
        return found
    both = first + second
    ahead = second * (2.0 * second + 3.0 * first) / (6.0 * both)
    behind = second * (second + 3.0 * first) / (6.0 * first)
    before = second * second * second / (6.0 * first * both)
    return found + ahead * rows[..., -1] + behind * rows[..., -2] - before * rows[..., -3]


@evaluated()
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """The area under ``2**k + 1`` samples by Romberg's rule, as ``scipy.integrate.romb``.

    Parameters
    ----------
    y : array_like
    dx : scalar, optional
        The distance of the samples.
    axis : int, optional
    show : bool
        Printing is not supported.

    Raises
    ------
    ShapeError
        For another number of samples.
    UnsupportedError
        If the number of samples is symbolic; with `show`.
    """
    if show:
        raise UnsupportedError("romb: show= prints values, which a node does not have")
    rows, width, _ = _samples(y, None, dx, axis, "romb")
    gaps = _known(rows.shape[-1], "romb") - 1
    if gaps < 1 or gaps & (gaps - 1):
        raise ShapeError("romb: the number of samples", expected="2**k + 1", got=str(gaps + 1))
    ends = (rows[..., 0] + rows[..., -1]) * 0.5
    table: list[Node] = []
    step = gaps
    while step:
        inside = sum(rows[..., step:-1:step], axis=-1) if step < gaps else None
        area = (ends if inside is None else ends + inside) * (width * float(step))
        line = [area]
        for k, coarse in enumerate(table, 1):
            line.append(line[-1] + (line[-1] - coarse) / (4.0**k - 1.0))
        table = line
        step //= 2
    return table[-1]


def _known(count: Dim, what: str) -> int:
    if not isinstance(count, int):
        raise UnsupportedError(
            f"{what}: how many samples there are must be known now, not {count}",
            hint="np.trapezoid takes any number",
        )
    return count


# Examples for the tests ------------------------------------------------------------------------

_Y = np.sin(np.arange(18.0)).reshape(3, 6)
_POINTS = np.array([0.0, 0.5, 0.75, 1.5, 1.75, 2.5])


def _example(function: Callable[..., Any], operands: Sequence[Any], **keywords: Any) -> Example:
    def call(*args: Any) -> Any:
        return function(*args, **keywords)

    def expected(*args: Any) -> Any:
        return getattr(import_module("scipy.integrate"), function.__name__)(*args, **keywords)

    return Example(call, tuple(operands), expected)


EXAMPLES: dict[str, list[Example]] = {
    "integrate": [
        _example(cumulative_trapezoid, (_Y, _POINTS), initial=0),
        _example(cumulative_trapezoid, (_Y,), axis=0, dx=0.5),
        _example(simpson, (_Y, _POINTS)),
        _example(simpson, (_Y[:, :5],), dx=0.5),
        _example(simpson, (_Y,), dx=0.5),
        _example(romb, (_Y[:, :5],), dx=0.5),
    ],
}
