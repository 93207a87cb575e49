"""Evenly spaced numbers between values that may be nodes, and the numbers of places in a grid."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, Size, as_dim, as_shape
from symgraph.graph.types import TensorType, Type, as_dtype, broadcast_shapes
from symgraph.ops.arrange import moveaxis
from symgraph.ops.batching import in_front
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import Tri, arange
from symgraph.ops.elementwise import astype, clip, power, remainder
from symgraph.ops.join import stack
from symgraph.ops.kinds import Example, Linear, weak_nodes
from symgraph.ops.reduce import broadcast_to, sum
from symgraph.ops.shape import expand_dims, nonnegative, shape_text

__all__ = [
    "diag_indices",
    "geomspace",
    "indices",
    "ix_",
    "linspace",
    "logspace",
    "ravel_multi_index",
    "tri",
    "tril_indices",
    "triu_indices",
    "unravel_index",
]

# Evenly spaced ---------------------------------------------------------------------------------


@record
class LinSpace(Linear):
    """So many numbers from the first operand to the second, along a new first axis."""

    num: Dim
    endpoint: bool = True
    name: ClassVar[str] = "linspace"
    linear: ClassVar[tuple[int, ...] | None] = None

    def infer(self, *types: TensorType) -> Type:
        """The ends broadcast against each other; a floating dtype."""
        shape = broadcast_shapes(*[t.shape for t in types], what="linspace")
        dtype = np.result_type(*[t.dtype for t in types], 1.0)
        return TensorType(dtype if dtype.kind in "fc" else np.dtype(float), (self.num, *shape))

    def flops(self, node: Node) -> Dim:
        """A multiplication and an addition."""
        return 2 * node.size

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Not a negative number of numbers."""
        return nonnegative(self.num)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linspace``."""
        endpoint = "" if self.endpoint else "False"
        return call("np.linspace", *args, scope.dim(self.num), endpoint=endpoint)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """To each end its share of every number."""
        steps = as_node(arange(self.num))
        gaps: Dim = self.num - 1 if self.endpoint else self.num
        if isinstance(gaps, int):
            gaps = max(gaps, 1)
        share = expand_dims(astype(steps, node.dtype) / gaps, tuple(range(1, node.ndim)))
        stop = cotangent * share
        return sum(cotangent - stop, axis=0), sum(stop, axis=0)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself, with the batch behind the new axis; then in front of it."""
        ends = [
            in_front(x, node.ndim - 1) if stack else x
            for x, stack in zip(operands, mapped, strict=True)
        ]
        return moveaxis(make(self, *ends), 1, 0)


def _count(num: Any, what: str) -> Dim:
    if isinstance(num, Node):
        raise UnsupportedError(
            f"{what}: the shape of the result would depend on a value",
            hint="num=x.shape[0] takes sizes",
        )
    return as_dim(num)


@of_numpy(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Evenly spaced numbers between two values, as ``np.linspace``.

    Parameters
    ----------
    start, stop : array_like
        Broadcast against each other.
    num : size
        How many; may be symbolic.
    endpoint : bool
        Whether `stop` is the last of them.
    retstep : bool
        Whether to return their distance as well.
    dtype : data-type, optional
        A floating dtype.
    axis : int
        Where the new axis stands.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> linspace(0.0, placeholder("end"), 5).shape
    (5,)
    """
    first, last = weak_nodes((start, stop), "linspace")
    count = _count(num, "linspace")
    result = made = make(LinSpace(count, bool(endpoint)), first, last)
    if dtype is not None:
        if np.dtype(dtype).kind in "iu":
            raise UnsupportedError("linspace of integers", hint="np.floor(...).astype(int)")
        result = astype(result, dtype)
    result = moveaxis(result, 0, axis) if axis else result
    if not retstep:
        return result
    gaps = count - 1 if endpoint else count
    if isinstance(gaps, int) and gaps < 1:
        return result, as_node(np.nan)  # as NumPy, whatever the shape of the ends
    distance = astype(last, made.dtype) - astype(first, made.dtype)
    return result, distance / (as_node(gaps) if isinstance(gaps, Size) else gaps)


@of_numpy(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of `base` with evenly spaced exponents, as ``np.logspace``; parameters as there."""
    first, last, root = weak_nodes((start, stop, base), "logspace")
    if root.ndim:
        shape = broadcast_shapes(first.shape, last.shape, root.shape, what="logspace")
        first, last = broadcast_to(first, shape), broadcast_to(last, shape)
    result = power(root, linspace(first, last, num, endpoint))
    result = result if dtype is None else astype(result, dtype)
    return moveaxis(result, 0, axis) if axis else result


@of_numpy(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Numbers between two real values of one sign with one ratio, as ``np.geomspace``.

    Parameters as of `linspace`.

    Raises
    ------
    DTypeError
        For complex ends.
    """
    first, last = as_node(start), as_node(stop)  # numbers are arrays to NumPy here, not weak
    if "c" in (first.dtype.kind, last.dtype.kind):
        raise DTypeError("geomspace between complex values", expected="real ends")
    shares = linspace(as_node(0.0), 1.0, num, endpoint)
    ndim = max(first.ndim, last.ndim)
    floating = np.result_type(first.dtype, last.dtype, np.float64)  # NumPy's, of float32 as well
    shares = astype(expand_dims(shares, tuple(range(1, 1 + ndim))), floating)
    result = first * power(last / first, shares)
    result = result if dtype is None else astype(result, dtype)
    return moveaxis(result, 0, axis) if axis else result


# Places in a grid ------------------------------------------------------------------------------


def _order(order: Any, what: str) -> bool:
    if order not in ("C", "F"):
        raise InputError(f"{what}: order", expected="'C' or 'F'", got=repr(order))
    return order == "F"


@of_numpy(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    """The positions along each axis of the elements with these numbers, as ``np.unravel_index``.

    Parameters
    ----------
    indices : array_like of int
        Not negative and below the number of elements, which is not checked.
    shape : size or tuple of sizes
    order : {"C", "F"}
        Whether the last or the first index changes fastest.

    Returns
    -------
    tuple of Node
    """
    number = _integers(indices, "unravel_index")
    dims = as_shape(shape)
    found: list[Node] = []
    for i, dim in enumerate(dims if _order(order, "unravel_index") else dims[::-1]):
        last = i == len(dims) - 1
        found.append(number if last else number % dim)
        number = number if last else number // dim
    return tuple(found if order == "F" else found[::-1])


def _integers(value: Any, what: str) -> Node:
    node = as_node(value)
    if node.dtype.kind not in "iu":
        raise DTypeError(f"{what} takes integers", got=repr(node.type))
    return astype(node, np.intp)


@of_numpy(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """The numbers of the elements at positions along each axis, as ``np.ravel_multi_index``.

    Parameters
    ----------
    multi_index : tuple of array_like of int
    dims : tuple of sizes
    mode : {"raise", "wrap", "clip"}, or a tuple of them
        What is done with positions outside; "raise" does not check.
    order : {"C", "F"}
        Whether the last or the first index changes fastest.
    """
    shape = as_shape(dims)
    positions = [_integers(index, "ravel_multi_index") for index in multi_index]
    if len(positions) != len(shape):
        raise ShapeError(
            "ravel_multi_index: one index is needed for each axis",
            expected=str(len(shape)),
            got=str(len(positions)),
        )
    modes = cast("Any", mode if isinstance(mode, tuple) else (mode,) * len(shape))
    for i, (kind, dim) in enumerate(zip(modes, shape, strict=True)):
        if kind not in ("raise", "wrap", "clip"):
            raise InputError("ravel_multi_index: mode", got=repr(kind))
        if kind == "wrap":
            positions[i] = remainder(positions[i], dim)
        elif kind == "clip":
            positions[i] = clip(positions[i], 0, dim - 1)
    pairs: list[tuple[Any, Any]] = list(zip(positions, shape, strict=True))
    pairs = pairs[::-1] if _order(order, "ravel_multi_index") else pairs
    result, _ = pairs[0]
    for position, dim in pairs[1:]:
        result = result * dim + position
    return result


@of_numpy(np.ix_)
def ix_(*args: Any) -> Any:
    """Index arrays for the grid of some positions of each axis, as ``np.ix_``.

    Parameters
    ----------
    *args : array_like of int
        One-dimensional. A mask must be known now.
    """
    found: list[Node] = []
    for i, arg in enumerate(args):
        node = as_node(arg)
        if node.ndim != 1:
            raise ShapeError("ix_ takes one-dimensional arrays", got=repr(node.type))
        if node.dtype.kind == "b":
            if not isinstance(node.op, Constant):
                raise UnsupportedError(
                    "ix_ of a mask: how many positions depends on its values",
                    hint="np.where(mask, x, 0) keeps the shape",
                )
            node = as_node(np.flatnonzero(node.op.value))
        found.append(expand_dims(node, tuple([j for j in range(len(args)) if j != i])))
    return tuple(found)


@builder()
def indices(dimensions: Any, dtype: Any = int, sparse: bool = False) -> Any:
    """The positions along each axis of a grid, as ``np.indices``; sizes may be symbolic.

    Parameters
    ----------
    dimensions : tuple of sizes
    dtype : data-type
    sparse : bool
        Whether to return a tuple of arrays with size one along the other axes.
    """
    shape = as_shape(dimensions)
    if not any(isinstance(dim, Size) for dim in shape):
        return cast("Any", np.indices)(shape, dtype=dtype, sparse=sparse)
    found: list[Node] = []
    for i, dim in enumerate(shape):
        others = tuple([j for j in range(len(shape)) if j != i])
        found.append(expand_dims(astype(as_node(arange(dim)), dtype), others))
    if sparse:
        return tuple(found)
    return stack([broadcast_to(x, shape) for x in found])


@builder()
def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Any:
    """Ones at and below a diagonal, as ``np.tri``; sizes may be symbolic.

    Parameters
    ----------
    N, M : size
        Rows and columns; as many columns as rows by default.
    k : int
        The last diagonal with ones.
    dtype : data-type
    """
    rows = as_dim(N)
    columns = rows if M is None else as_dim(M)
    if isinstance(rows, int) and isinstance(columns, int):
        return np.tri(rows, columns, k, dtype)
    return make(Tri(rows, columns, int(k), as_dtype(dtype)))


def _known(*sizes: Any) -> list[Any]:
    if any(isinstance(size, Size | str | Node) for size in sizes):
        raise UnsupportedError(
            "indices of a triangle or a diagonal of symbolic size: how many there are is no size",
            hint="np.tril(x) and np.triu(x) keep the shape; sg.diagonal(x) takes symbolic sizes",
        )
    return list(sizes)


@builder()
def tril_indices(n: Any, k: int = 0, m: Any = None) -> Any:
    """Rows and columns of the lower triangle, as ``np.tril_indices``: arrays, for known sizes."""
    return np.tril_indices(*_known(n, k, m))


@builder()
def triu_indices(n: Any, k: int = 0, m: Any = None) -> Any:
    """Rows and columns of the upper triangle, as ``np.triu_indices``: arrays, for known sizes."""
    return np.triu_indices(*_known(n, k, m))


@builder()
def diag_indices(n: Any, ndim: int = 2) -> Any:
    """The positions of the main diagonal, as ``np.diag_indices``; the size may be symbolic."""
    return (arange(as_dim(n)),) * ndim


@of_numpy(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """`tril_indices` of the sizes of a matrix, as ``np.tril_indices_from``."""
    return _from(tril_indices, arr, k)


@of_numpy(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """`triu_indices` of the sizes of a matrix, as ``np.triu_indices_from``."""
    return _from(triu_indices, arr, k)


@of_numpy(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    """`diag_indices` of the size of an array of equal sizes, as ``np.diag_indices_from``."""
    shape = as_node(arr).shape
    if len(shape) < 2 or len(set(shape)) > 1:
        raise ShapeError("diag_indices_from", expected="equal sizes", got=shape_text(shape))
    return diag_indices(shape[0], len(shape))


def _from(function: Any, arr: Any, k: int) -> Any:
    shape = as_node(arr).shape
    if len(shape) != 2:
        raise ShapeError("the indices of a triangle", expected="a matrix", got=shape_text(shape))
    return function(shape[0], k=k, m=shape[1])


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.sin(np.arange(12.0) * 1.3).reshape(3, 4)
_NUMBERS = np.array([[3, 0], [7, 11]])

EXAMPLES: dict[str, list[Example]] = {
    "linspace": [
        Example(lambda x, y: np.linspace(x, y, 5), (np.float64(0.5), np.float64(2.0))),
        Example(lambda x: np.linspace(x, 1.0, 4, endpoint=False, axis=1), (_MATRIX,)),
        Example(lambda x, y: np.linspace(x, y, 3, retstep=True), (_MATRIX, _MATRIX[0])),
        Example(lambda x: np.linspace(0, x, 3), (np.float32(2.0),)),
        Example(lambda x: np.linspace(x, 2, 1), (np.int64(1),)),
        Example(lambda x: np.linspace(x, 2, np.size(x)), (_MATRIX[0],)),
        Example(lambda x: np.logspace(x, 1.0, 4, base=2.0), (_MATRIX,)),
        Example(lambda x: np.logspace(x, 1, 3, axis=-1), (_MATRIX[0],)),
        Example(lambda x, y: np.geomspace(x, y, 4), (np.float64(0.5), np.float64(3.0))),
        Example(lambda x: np.geomspace(x, x * 3, 3, endpoint=False), (_MATRIX[1],)),
    ],
    "numbers": [
        Example(lambda i: np.unravel_index(i, (3, 4)), (_NUMBERS,)),
        Example(lambda i: np.unravel_index(i, (2, 3, 2), order="F"), (_NUMBERS,)),
        Example(lambda i: np.ravel_multi_index((i % 3, i % 4), (3, 4)), (_NUMBERS,)),
        Example(
            lambda i: np.ravel_multi_index((i, i), (3, 4), mode=("wrap", "clip"), order="F"),
            (_NUMBERS,),
        ),
    ],
    "grids": [
        Example(lambda x: x * indices(np.shape(x))[0], (_MATRIX,)),
        Example(lambda x: x * indices(np.shape(x), float, sparse=True)[1], (_MATRIX,)),
        Example(lambda x: x * tri(*np.shape(x), k=1), (_MATRIX,)),
        Example(lambda x: x[tril_indices(3, -1, 4)], (_MATRIX,)),
        Example(lambda x: x[triu_indices(3)], (_MATRIX,)),
        Example(lambda x: x[diag_indices(3)], (_MATRIX,)),
        Example(lambda x, i: x[np.ix_(i, [True, False, True, True])], (_MATRIX, np.arange(2))),
        Example(lambda x: x[np.tril_indices_from(x)], (_MATRIX,)),
        Example(lambda x: x[np.triu_indices_from(x, 1)], (_MATRIX,)),
        Example(lambda x: x[np.diag_indices_from(x)], (_MATRIX[:, :3],)),
    ],
}
