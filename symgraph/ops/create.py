"""Arrays without operands whose shapes may be symbolic: zeros, ones, arange, eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Shape, Size, as_dim, as_shape
from symgraph.graph.types import DType, TensorType, Type, as_dtype
from symgraph.ops.kinds import Discrete, Example, any_node
from symgraph.ops.shape import nonnegative

__all__ = [
    "arange",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "identity",
    "one_hot",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def dtype_text(dtype: DType) -> str:
    """Source of a dtype."""
    return "bool" if dtype.kind == "b" else f"np.{dtype.name}"


# arange ----------------------------------------------------------------------------------------


@record
class Arange(Discrete):
    """``start, start + step, ...`` below `stop`."""

    start: Dim
    stop: Dim
    step: int
    dtype: DType
    name: ClassVar[str] = "arange"

    def infer(self, *types: TensorType) -> Type:
        """As many elements as steps fit."""
        return TensorType(self.dtype, (self._length(),))

    def _length(self) -> Dim:
        span = self.stop - self.start if self.step > 0 else self.start - self.stop
        if isinstance(span, int):
            span = max(span, 0)
        return (span + (abs(self.step) - 1)) // abs(self.step)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """The bounds must stand in their order."""
        return nonnegative(self._length())

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.arange``."""
        first = self.start == 0 and self.step == 1
        bounds = [scope.dim(self.stop)] if first else [scope.dim(self.start), scope.dim(self.stop)]
        if self.step != 1:
            bounds.append(str(self.step))
        return call("np.arange", *bounds, dtype=_unless(self.dtype, np.int64))


def _unless(dtype: DType, default: Any) -> str:
    return "" if dtype == np.dtype(default) else dtype_text(dtype)


@builder()
def arange(start: Any, stop: Any = None, step: Any = 1, *, dtype: Any = None) -> Any:
    """Evenly spaced integers, as ``np.arange``, with bounds that may be symbolic sizes.

    Parameters
    ----------
    start, stop : number or Size
        With one bound, from 0 to it.
    step : int
    dtype : data-type, optional
        An integer dtype by default.

    Returns
    -------
    Node
        An array if no bound is a `Size`.

    Raises
    ------
    UnsupportedError
        If a bound is a node: the length would depend on its value.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> arange(placeholder("x", ("n", 3)).shape[0])
    <arange[start=0, stop=n, step=1, dtype=int64]: int64[n]>
    """
    if stop is None:
        start, stop = 0, start
    if any(isinstance(bound, Node) for bound in (start, stop, step)):
        raise UnsupportedError(
            "arange: the length of the result would depend on values",
            hint="sg.arange(x.shape[0]) takes sizes; start + sg.arange(count) takes any start",
        )
    if not any_node(start, stop):
        return np.arange(start, stop, step, dtype=dtype)
    if not hasattr(step, "__index__") or not step:
        raise DTypeError(
            "arange: with symbolic sizes the step must be an integer",
            expected="not 0",
            got=repr(step),
        )
    kind = as_dtype(np.int64 if dtype is None else dtype)
    bounds = [bound if isinstance(bound, Size) else int(bound) for bound in (start, stop)]
    return make(Arange(bounds[0], bounds[1], int(step), kind))


# Filled arrays ---------------------------------------------------------------------------------


def _shape_of(shape: Any) -> tuple[Shape, bool]:
    """Sizes, and whether one is symbolic."""
    dims = as_shape(shape)
    return dims, any(isinstance(dim, Size) for dim in dims)


@builder()
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """An array of one value, as ``np.full``; sizes may be symbolic and the value a node.

    Parameters
    ----------
    shape : size or tuple of sizes
    fill_value : array_like
        Broadcast to the shape.
    dtype : data-type, optional
        That of the value by default.

    Examples
    --------
    >>> full(("n", 2), 1.5).shape
    (n, 2)
    """
    dims, symbolic = _shape_of(shape)
    if not symbolic and not any_node(fill_value):
        return np.full(dims, fill_value, dtype=dtype)
    value = constant(fill_value) if dtype is None else constant(fill_value, as_dtype(dtype))
    return apply("broadcast_to", value, dims)


@builder()
def zeros(shape: Any, dtype: Any = "float64") -> Any:
    """Zeros, as ``np.zeros``; sizes may be symbolic."""
    return full(shape, 0, as_dtype(dtype))


@builder()
def ones(shape: Any, dtype: Any = "float64") -> Any:
    """Ones, as ``np.ones``; sizes may be symbolic."""
    return full(shape, 1, as_dtype(dtype))


@builder(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """One value in the shape and dtype of `a`, as ``np.full_like``.

    Parameters
    ----------
    a : array_like
    fill_value : array_like
    dtype : data-type, optional
        Instead of that of `a`.
    shape : size or tuple of sizes, optional
        Instead of that of `a`.
    """
    if not any_node(a, fill_value, shape):
        return np.full_like(a, fill_value, dtype=dtype, shape=shape)
    like = as_node(a)
    wanted = like.dtype if dtype is None else as_dtype(dtype)
    dims = like.shape if shape is None else as_shape(shape)
    return apply("broadcast_to", constant(fill_value, wanted), dims)


@builder(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Zeros in the shape and dtype of `a`, as ``np.zeros_like``."""
    return full_like(a, 0, dtype, shape=shape)


@builder(np.ones_like)
def ones_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Ones in the shape and dtype of `a`, as ``np.ones_like``."""
    return full_like(a, 1, dtype, shape=shape)


@builder(np.empty_like)
def empty_like(prototype: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Zeros in the shape and dtype of `prototype`: a graph has no uninitialised memory."""
    return full_like(prototype, 0, dtype, shape=shape)


@record
class Eye(Discrete):
    """Ones on one diagonal of a matrix, zeros elsewhere."""

    rows: Dim
    columns: Dim
    k: int
    dtype: DType
    name: ClassVar[str] = "eye"

    def infer(self, *types: TensorType) -> Type:
        """A matrix."""
        return TensorType(self.dtype, (self.rows, self.columns))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.eye``."""
        columns = "" if self.columns == self.rows else scope.dim(self.columns)
        return call(
            "np.eye",
            scope.dim(self.rows),
            *[columns] * bool(columns),
            k=str(self.k) if self.k else "",
            dtype=_unless(self.dtype, np.float64),
        )


@record
class Tri(Discrete):
    """Ones at and below one diagonal of a matrix, zeros above."""

    rows: Dim
    columns: Dim
    k: int
    dtype: DType
    name: ClassVar[str] = "tri"

    def infer(self, *types: TensorType) -> Type:
        """A matrix."""
        return TensorType(self.dtype, (self.rows, self.columns))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.tri``."""
        return call(
            "np.tri",
            scope.dim(self.rows),
            *[scope.dim(self.columns)] * (self.columns != self.rows),
            k=str(self.k) if self.k else "",
            dtype=_unless(self.dtype, np.float64),
        )


@builder()
def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = "float64") -> Any:
    """Ones on one diagonal of a matrix, as ``np.eye``; sizes may be symbolic.

    Parameters
    ----------
    N, M : size
        Rows and columns; as many columns as rows by default.
    k : int
        Which diagonal: 0 the main one, above it positive.
    dtype : data-type

    Examples
    --------
    >>> eye("n").shape
    (n, n)
    """
    rows = as_dim(N)
    columns = rows if M is None else as_dim(M)
    kind = as_dtype(dtype)
    if isinstance(rows, int) and isinstance(columns, int):
        return np.eye(rows, columns, k, dtype=kind)
    return make(Eye(rows, columns, int(k), kind))


@builder()
def identity(n: Any, dtype: Any = "float64") -> Any:
    """The identity matrix, as ``np.identity``; the size may be symbolic."""
    return eye(n, dtype=dtype)


@builder()
def one_hot(indices: Any, depth: Any, dtype: Any = "float64") -> Any:
    """Rows of an identity matrix: 1 where the position is the index, 0 elsewhere.

    Parameters
    ----------
    indices : array_like of int
        An index outside ``0 … depth - 1`` gives a row of zeros.
    depth : size
        Length of the new last axis.
    dtype : data-type

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    count = as_dim(depth)
    positions = arange(count)
    if not any_node(indices, positions):
        hot = np.asarray(indices)[..., None] == positions
        return hot.astype(as_dtype(dtype))
    return apply("astype", apply("expand_dims", indices, -1) == positions, as_dtype(dtype))


# Examples for the tests ------------------------------------------------------------------------

EXAMPLES: dict[str, list[Example]] = {
    "arange": [
        Example(lambda x: x + arange(np.shape(x)[0]), (np.zeros(4),)),
        Example(lambda x: x[: arange(1, np.shape(x)[0] + 1, 2).shape[0]], (np.arange(5.0),)),
    ],
    "tri": [
        Example(
            lambda x: x * make(Tri(2, 3, 1, np.dtype(np.float64))),
            (np.ones((2, 3)),),
            lambda x: x * np.tri(2, 3, 1),
        ),
    ],
    "eye": [
        # With sizes that are known sg.eye gives an array: the operation is for symbolic ones.
        Example(
            lambda x: x * make(Eye(2, 3, 1, np.dtype(np.float64))),
            (np.ones((2, 3)),),
            lambda x: x * np.eye(2, 3, k=1),
        ),
        Example(lambda x: x * identity(np.shape(x)[0]), (np.ones((3, 3)),)),
    ],
    "full_like": [
        Example(lambda x: x + np.full_like(x, 2.5), (np.ones((2, 3), np.float32),)),
        Example(lambda x: x * np.zeros_like(x), (np.ones((2, 0)),)),
        Example(lambda x: x * np.ones_like(x, dtype=np.int64), (np.ones((2, 3)),)),
    ],
    "one_hot": [
        Example(lambda x: x * one_hot(np.array([0, 2]), 3), (np.ones((2, 3)),)),
    ],
}
