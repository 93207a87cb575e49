"""Linear interpolation between samples."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError
from symgraph.graph.amounts import logarithm
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.batching import stacked
from symgraph.ops.calls import of_numpy
from symgraph.ops.elementwise import absolute, astype, clip, logical_and, where
from symgraph.ops.index import take, take_along_axis
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.reduce_order import count_nonzero
from symgraph.ops.shape import expand_dims, reshape, shape_text
from symgraph.ops.sorting import argsort, searchsorted

__all__ = ["interp"]


class _Piece(NamedTuple):
    """Where values lie between the points beside them."""

    positions: Node
    share: Node
    """Of the later point, between 0 and 1."""
    gap: Node
    inside: Node


@record
class Interp(Structured):
    """The broken line through points, and its end values outside.

    Operands: where, the points' places in ascending order, their values.
    """

    name: ClassVar[str] = "interp"

    def infer(self, *types: TensorType) -> Type:
        """A value for each place; NumPy computes in double precision."""
        x, xp, fp = types
        if xp.ndim != 1 or xp.shape != fp.shape:
            raise ShapeError(
                "interp: places and values of the points do not fit",
                expected="one dimension, and the same size",
                got=f"xp {shape_text(xp.shape)}, fp {shape_text(fp.shape)}",
            )
        if xp.shape[0] == 0:
            raise ShapeError("interp needs at least one point")
        return TensorType(np.dtype("complex128" if fp.dtype.kind == "c" else "float64"), x.shape)

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Each place by itself, of all points."""
        return tuple(range(result.ndim)) if operand == 0 else (None,) * result.ndim

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.interp``."""
        return call("np.interp", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The slope times the tangent of the place, and what moving the two points adds."""
        x, xp, fp = _in_double(node, node.inputs)
        piece = _piece(x, xp, (xp[0], xp[-1]), searchsorted(xp, x, side="right"), take)
        before, after = take(fp, piece.positions - 1), take(fp, piece.positions)
        slope = where(piece.inside, (after - before) / piece.gap, 0.0)
        total: Node | None = None
        for tangent, factor in ((tangents[2], None), (tangents[1], -slope)):
            if tangent is not None:
                first = take(tangent, piece.positions - 1)
                moved = first + piece.share * (take(tangent, piece.positions) - first)
                moved = moved if factor is None else moved * factor
                total = moved if total is None else total + moved
        if tangents[0] is not None:
            moved = slope * tangents[0]
            total = moved if total is None else total + moved
        return None if total is None else astype(total, node.dtype)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself through given points; through points of each row's own it is written out."""
        if not mapped[1] and not mapped[2]:
            return make(self, *operands)
        x, xp, fp = _in_double(node, stacked(operands, mapped, size))
        rows = reshape(x, (size, node.size))
        passed = count_nonzero(expand_dims(xp, 1) <= expand_dims(rows, -1), axis=-1)
        piece = _piece(rows, xp, (xp[:, :1], xp[:, -1:]), passed, _take_rows)
        before, after = (_take_rows(fp, piece.positions - k) for k in (1, 0))
        result = before + piece.share * (after - before)
        return reshape(result, (size, *node.shape))

    def work(self, node: Node) -> float:
        """A binary search for each value."""
        return 30.0

    def flops(self, node: Node) -> Dim:
        """A binary search for each value, and a line."""
        return node.size * (logarithm(node.inputs[1].shape[0]) + 5)


def _take_rows(rows: Node, positions: Node) -> Node:
    return take_along_axis(rows, positions, -1)


def _in_double(node: Node, operands: Sequence[Node]) -> list[Node]:
    """The operands as NumPy computes with them."""
    dtypes = (np.float64, np.float64, node.dtype)
    return [astype(x, dtype) for x, dtype in zip(operands, dtypes, strict=True)]


def _piece(
    x: Node, xp: Node, ends: tuple[Node, Node], passed: Node, pick: Callable[[Node, Node], Node]
) -> _Piece:
    """The piece of the line that each value lies on, from how many points it has passed."""
    last = xp.shape[-1] - 1
    positions = clip(passed, 1, last)  # of a single point 0: both ends of the piece are that
    start, stop = pick(xp, positions - 1), pick(xp, positions)
    gap = where(stop == start, 1.0, stop - start)
    inside = logical_and(x >= ends[0], x <= ends[1])
    return _Piece(positions, clip((x - start) / gap, 0.0, 1.0), gap, inside)


@of_numpy(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """The broken line through points, as ``np.interp``.

    It has derivatives by all of `x`, `xp` and `fp`; at a point, that of the piece behind it.

    Parameters
    ----------
    x : array_like
        Where.
    xp, fp : array_like
        Places, in ascending order, and values of the points.
    left, right : scalar, optional
        The values outside; by default those of the first and the last point.
    period : scalar, optional
        With it `xp` need not be in order, and there is no outside.

    Raises
    ------
    ShapeError, DTypeError
        If places and values differ in size; for complex places.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> slope = sg.function([x], sg.grad(interp(x, [0.0, 1.0, 3.0], [0.0, 1.0, 0.0]), x))
    >>> float(slope(2.0))
    -0.5
    """
    places, points, values = as_node(x), as_node(xp), as_node(fp)
    if "c" in (places.dtype.kind, points.dtype.kind):
        raise DTypeError("interp at complex places", expected="real x and xp")
    if period is not None:
        period = _period(period)
        places, points = (astype(x, np.float64) % period for x in (places, points))
        order = argsort(points, stable=True)
        points, values = take(points, order), take(values, order)
        points = concatenate([points[-1:] - period, points, points[:1] + period])
        values = concatenate([values[-1:], values, values[:1]])
    result = make(Interp(), places, points, values)
    if period is None and left is not None:
        result = where(places < points[0], left, result)
    if period is None and right is not None:
        result = where(places > points[-1], right, result)
    return result


def _period(period: Any) -> Any:
    if any_node(period):
        return absolute(astype(as_node(period), np.float64))
    if period == 0:
        raise InputError("interp: the period must not be 0")
    return float(abs(period))


# Examples for the tests ------------------------------------------------------------------------

_X = np.array([[-0.5, 0.2, 0.9], [1.7, 2.6, 9.0]])
_XP = np.array([0.0, 0.5, 1.25, 3.0])
_FP = np.array([1.0, -1.0, 0.5, 2.0])

EXAMPLES: dict[str, list[Example]] = {
    "interp": [
        Example(np.interp, (_X, _XP, _FP)),
        Example(lambda x: np.interp(x, _XP, _FP, left=-1.0, right=0.0), (_X,)),
        Example(lambda x: np.interp(x, _XP, _FP), (np.float64(0.3),)),
        Example(np.interp, (_X[:, 0].astype(np.float32), _XP, _FP.astype(np.float32))),
        Example(lambda x, f: np.interp(x, [0.4, 2.9, 1.1], f, period=3.0), (_X, _FP[:3])),
        Example(
            lambda x, f: np.interp(x, [0.4, 2.9], f, period=-0.7),
            (_X.astype(np.float32), _FP[:2].astype(np.float32)),
        ),
        Example(lambda x, f: np.interp(x, [0.4], f), (_X, _FP[:1])),
        Example(np.interp, (np.arange(3), np.arange(0, 6, 2), np.arange(3))),
    ],
}
