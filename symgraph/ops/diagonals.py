"""Diagonals and triangles of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.links import Link, along
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type, as_integer, normalize_axis
from symgraph.ops.arrange import moveaxis
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.create import Arange
from symgraph.ops.index import IndexAdd, scattered
from symgraph.ops.indices import Mark, Range
from symgraph.ops.kinds import Example, Linear, any_node
from symgraph.ops.shape import nonnegative, ravel

__all__ = ["diag", "diagflat", "diagonal", "trace", "tril", "triu"]


@record
class Triangle(OnTrailingAxes, Linear):
    """The elements on one side of a diagonal, zeros elsewhere."""

    side: str
    k: int = 0
    name: ClassVar[str] = "triangle"
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        if types[0].ndim < 2:
            raise ShapeError(f"{self.side} needs two dimensions", got=repr(types[0]))
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.tril`` or ``np.triu``."""
        return call(f"np.{self.side}", *args, *[str(self.k)] * bool(self.k))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Itself."""
        return (make(self, cotangent),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Each element to its own place, times 0 or 1."""
        places = tuple(map(along, range(node.ndim)))
        ones = apply("broadcast_to", constant(np.ones((), node.dtype)), node.shape[-2:])
        mask = (make(self, ones), places[-2:])
        return [Link(node.shape, places, places, (mask,))]

    def work(self, node: Node) -> float:
        """A mask and a choice."""
        return 3.0


def _triangle(m: Any, k: int, side: str) -> Any:
    node = as_node(m)
    if node.ndim == 1:  # NumPy's mask of a vector's length broadcasts against it
        node = apply("broadcast_to", node, (node.shape[0], node.shape[0]))
    return make(Triangle(side, as_integer(k, f"{side}: k")), node)


@builder(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above diagonal `k`, as ``np.tril``."""
    return _triangle(m, k, "tril") if any_node(m) else np.tril(m, k)


@builder(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below diagonal `k`, as ``np.triu``."""
    return _triangle(m, k, "triu") if any_node(m) else np.triu(m, k)


@record
class Diagonal(OnTrailingAxes, Linear):
    """The diagonal of the matrices on the last two axes."""

    offset: int = 0
    name: ClassVar[str] = "diagonal"
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)
    readonly: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The length of the diagonal instead of the two sizes."""
        (x,) = types
        return x.with_shape((*x.shape[:-2], self._length(x)))

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Rows and columns that run together."""
        target = tuple(map(along, range(node.ndim)))
        row, column = max(-self.offset, 0), max(self.offset, 0)
        last = node.ndim - 1
        return [Link(node.shape, (*target[:-1], along(last, row), along(last, column)), target)]

    def _length(self, x: TensorType) -> Dim:
        rows, columns = x.shape[-2:]
        below, right = rows + min(self.offset, 0), columns - max(self.offset, 0)
        if isinstance(below, int) and isinstance(right, int):
            return max(min(below, right), 0)
        if rows == columns:
            return rows - abs(self.offset)
        raise UnsupportedError(
            f"the length of the diagonal of a matrix of {rows} rows and {columns} columns",
            hint="slice it to a square first: x[:n, :n]",
        )

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """The diagonal lies inside the matrix."""
        return nonnegative(self._length(types[0]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.diagonal``."""
        offset = str(self.offset) if self.offset else ""
        if node.ndim == 1:
            return call("np.diagonal", args[0], offset=offset)
        return call("np.diagonal", args[0], offset=offset, axis1="-2", axis2="-1")

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Zeros with the cotangent on the diagonal."""
        (x,) = node.inputs
        if node.ndim == 1 and x.shape[0] == x.shape[1] and self.offset == 0:
            return (make(Diag(0), cotangent),)
        index = (*[Range()] * (x.ndim - 2), Mark.ARRAY, Mark.ARRAY)
        return (scattered(x, index, cotangent, _places(node.shape[-1], self.offset)),)


def _places(length: Dim, offset: int) -> list[Node]:
    """Rows and columns of a diagonal."""
    return [
        make(Arange(start, length + start, 1, np.dtype(np.int64)))
        for start in (max(-offset, 0), max(offset, 0))
    ]


@builder(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonals of the matrices on two axes, along a new last axis, as ``np.diagonal``.

    Parameters
    ----------
    a : array_like
    offset : int
        Which diagonal: 0 the main one, above it positive.
    axis1, axis2 : int
        Rows and columns.
    """
    if not any_node(a):
        return np.diagonal(a, offset, axis1, axis2)
    node = as_node(a)
    rows, columns = (normalize_axis(axis, node.ndim, "diagonal") for axis in (axis1, axis2))
    if rows == columns:
        raise ShapeError("diagonal: the two axes must differ", got=f"{axis1} and {axis2}")
    return make(Diagonal(int(offset)), moveaxis(node, (rows, columns), (-2, -1)))


@builder(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """Sum of a diagonal, as ``np.trace``; parameters as of `diagonal`."""
    if not any_node(a):
        return np.trace(a, offset, axis1, axis2, dtype)
    return apply("sum", diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@record
class Diag(Linear):
    """A square matrix with a vector on a diagonal."""

    k: int = 0
    name: ClassVar[str] = "diag"
    moves: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """As many rows as elements, and those beside the diagonal."""
        length = types[0].shape[0] + abs(self.k)
        return types[0].with_shape((length, length))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.diag``."""
        return call("np.diag", args[0], *[str(self.k)] * bool(self.k))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The diagonal."""
        return (make(Diagonal(self.k), cotangent),)

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Rows and columns."""
        return (None, None) if self.k else (0, 0)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Zeros, with the rows put on the diagonals."""
        (v,) = operands
        length, (rows, _) = node.inputs[0].shape[0], node.shape
        zeros = apply("broadcast_to", constant(np.zeros((), v.dtype)), (size, rows, rows))
        return make(IndexAdd((Range(), Mark.ARRAY, Mark.ARRAY)), zeros, v, *_places(length, self.k))


@builder(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a vector on it, as ``np.diag``."""
    if not any_node(v):
        return np.diag(v, k)
    node = as_node(v)
    if node.ndim == 1:
        return make(Diag(int(k)), node)
    if node.ndim == 2:
        return diagonal(node, k)
    raise ShapeError("diag takes a vector or a matrix", got=repr(node.type))


@builder(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """A square matrix with all elements on a diagonal, as ``np.diagflat``."""
    return make(Diag(int(k)), ravel(as_node(v))) if any_node(v) else np.diagflat(v, k)


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.arange(24.0).reshape(2, 3, 4) / 7 - 1
_MATRIX = _CUBE[0]
_SQUARE = _MATRIX[:, 1:]

EXAMPLES: dict[str, list[Example]] = {
    "triangle": [
        Example(np.tril, (_CUBE,)),
        Example(lambda x: np.tril(x, -1), (_MATRIX.astype(np.float32),)),
        Example(lambda x: np.triu(x, 2), (_MATRIX,)),
        Example(np.triu, (_MATRIX[0],)),
    ],
    "diagonal": [
        Example(np.diagonal, (_SQUARE,)),
        Example(lambda x: np.diagonal(x, 1), (_MATRIX,)),
        Example(lambda x: np.diagonal(x, -2), (_MATRIX,)),
        Example(lambda x: np.diagonal(x, 9), (_MATRIX,)),
        Example(lambda x: np.diagonal(x, 0, 2, 1), (_CUBE,)),
        Example(lambda x: np.diagonal(x, 1, 0, 2), (_CUBE,)),
        Example(np.trace, (_MATRIX,)),
        Example(lambda x: np.trace(x, 1, 1, 2, dtype=np.float32), (_CUBE,)),
        Example(np.diag, (_SQUARE,)),
    ],
    "diag": [
        Example(np.diag, (_MATRIX[0],)),
        Example(lambda x: np.diag(x, -2), (_MATRIX[0],)),
        Example(np.diagflat, (_MATRIX,)),
    ],
}
