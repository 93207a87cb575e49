"""What the functions of linear algebra ask of their operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, product
from symgraph.graph.types import DType, TensorType, TupleType
from symgraph.ops.diagonals import tril, triu
from symgraph.ops.elementwise import absolute, astype, where
from symgraph.ops.reduce import sum
from symgraph.ops.shape import expand_dims, shape_text, surely_nonnegative, swapaxes


def floating(x: Any, what: str, *, real: bool = True) -> Node:
    """A node of a floating dtype that LAPACK has; integers are converted, as NumPy does.

    Raises
    ------
    DTypeError
        For float16, for complex values where the function takes real ones.
    """
    node = as_node(x)
    if not node.type.inexact:
        return astype(node, np.float64)
    if node.dtype == np.float16:
        raise DTypeError(f"{what}: linear algebra has no float16", hint="x.astype(np.float32)")
    if real and node.dtype.kind == "c":
        raise DTypeError(f"{what} of complex values", expected="a real dtype", got=str(node.dtype))
    return node


def cubes(a: Node, times: int, per: int = 1) -> Dim:
    """``times * n**3 / per`` for each of a stack of square matrices."""
    n = a.shape[-1]
    return product(a.shape[:-2]) * (times * n * n * n // per)


def singular(a: Node, mixed: int, cubic: int) -> Dim:
    """``mixed * l * k**2 + cubic * k**3`` for each of a stack of matrices, of sizes l >= k."""
    longer, k = _lengths(a)
    return product(a.shape[:-2]) * (k * k * (mixed * longer + cubic * k))


def reflections(a: Node) -> Dim:
    """``2 * k**2 * (l - k / 3)`` for each of a stack of matrices, of sizes l >= k."""
    longer, k = _lengths(a)
    return product(a.shape[:-2]) * (2 * k * k * (3 * longer - k) // 3)


def _lengths(a: Node) -> tuple[Dim, Dim]:
    rows, columns = a.shape[-2:]
    k = smaller(rows, columns)
    return (rows if k == columns else columns), k


def check_square(type_: TensorType, what: str) -> None:
    """Raise `ShapeError` unless the last two sizes are equal."""
    if type_.ndim < 2 or type_.shape[-1] != type_.shape[-2]:
        raise ShapeError(
            f"{what}: the matrix is not square",
            expected="shape (..., n, n)",
            got=shape_text(type_.shape),
        )


def check_matrix(type_: TensorType, what: str) -> None:
    """Raise `ShapeError` unless there are two dimensions."""
    if type_.ndim < 2:
        raise ShapeError(
            f"{what} of {shape_text(type_.shape)}", expected="a matrix, shape (..., m, n)"
        )


def smaller(rows: Dim, columns: Dim) -> Dim:
    """The smaller of two sizes; `columns` where they do not tell, which a call must check.

    The operation's `requirements` are then ``nonnegative(rows - columns)``.
    """
    return rows if surely_nonnegative(columns - rows) else columns


def results(node: Node) -> Any:
    """A node, or its results as a tuple if they are several."""
    kind = node.result_type
    if isinstance(kind, TupleType):
        return tuple([make(Item(i), node) for i in range(len(kind.items))])
    return node


# Small matrix algebra for the derivatives ------------------------------------------------------


def real_dtype(dtype: DType) -> DType:
    """The dtype of absolute values."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def conjugate(x: Node) -> Node:
    """The complex conjugate; `x` itself if it is real."""
    return apply("conjugate", x) if x.dtype.kind == "c" else x


def real_part(x: Node) -> Node:
    """The real part; `x` itself if it is real."""
    return apply("real", x) if x.dtype.kind == "c" else x


def adjoint(x: Node) -> Node:
    """The conjugate transpose of matrices."""
    return swapaxes(conjugate(x), -1, -2)


def mirrored(x: Node, upper: bool = False) -> Node:
    """The Hermitian matrix of which `x` has one triangle; the diagonal's real part counts."""
    read, beside = (triu, 1) if upper else (tril, -1)
    strict = read(x, beside)
    if x.dtype.kind != "c":
        return read(x) + swapaxes(strict, -1, -2)
    return strict + adjoint(strict) + on_diagonal(real_part(x))


def on_diagonal(x: Node) -> Node:
    """The matrices' diagonals, zeros elsewhere."""
    return tril(triu(x))


def columns_by(x: Node, factors: Node) -> Node:
    """The columns of matrices times numbers."""
    return x * expand_dims(factors, -2)


def inverse_or_zero(x: Node, bound: Node) -> Node:
    """``1 / x``, and 0 where rounding cannot tell x, which is not negative, from 0."""
    zero = x <= bound
    return where(zero, 0.0, 1.0 / where(zero, 1.0, x))


def rounding_of(values: Node) -> Node:
    """How much of a spectrum may be rounding: the precision times the sum of all magnitudes.

    This is what LAPACK's eigenvalues and singular values are good for.
    """
    return sum(absolute(values), axis=-1, keepdims=True) * float(np.finfo(values.dtype).eps)


def inverse_gaps(values: Node) -> Node:
    """The matrix of ``1 / (w_j - w_i)``, with 0 for values that rounding cannot tell apart.

    Within such a group the vectors are not determined, and what does not depend on their choice
    does not depend on these elements: the infinities would cancel, and their rounding errors
    would not.
    """
    gaps = expand_dims(values, -2) - expand_dims(values, -1)
    equal = absolute(gaps) <= expand_dims(rounding_of(values), -1)
    return where(equal, 0.0, 1.0 / where(equal, 1.0, gaps))
