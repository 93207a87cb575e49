"""The matrix product, with NumPy's cases for vectors and batches, and products of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.code import Code, Scope, infix
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Shape
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.batching import broadcast_apart, in_front
from symgraph.ops.facts import product_bounds, sign_bounds
from symgraph.ops.kinds import Example, Multilinear, any_node, promote
from symgraph.ops.reduce import sum
from symgraph.ops.shape import Transpose, expand_dims, ravel, reshape, shape_text, squeeze, swapaxes

__all__ = ["matmul", "matvec", "outer", "vdot", "vecdot", "vecmat"]


@record
class MatMul(Multilinear):
    """``a @ b``: of matrices, of vectors, and of stacks of matrices with broadcasting."""

    name: ClassVar[str] = "matmul"

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Of one sign where all products are."""
        return sign_bounds(product_bounds([sign_bounds(b) for b in operands]))

    def infer(self, *types: TensorType) -> Type:
        """Rows of `a` by columns of `b`, behind the broadcast batch."""
        a, b = types
        if not a.ndim or not b.ndim:
            raise ShapeError(
                "matmul of a scalar",
                expected="at least one dimension each",
                got=f"{shape_text(a.shape)} @ {shape_text(b.shape)}",
                hint="a * b",
            )
        if a.shape[-1] != (b.shape[-2] if b.ndim > 1 else b.shape[0]):
            raise ShapeError(
                "matmul: the inner sizes differ",
                expected=f"{a.shape[-1]} as the {'rows' if b.ndim > 1 else 'length'} of the second",
                got=f"{shape_text(a.shape)} @ {shape_text(b.shape)}",
                hint=_hint(a, b),
            )
        what = f"matmul of {shape_text(a.shape)} and {shape_text(b.shape)}"
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2], what=what)
        rows = a.shape[-2:-1] if a.ndim > 1 else ()
        columns = b.shape[-1:] if b.ndim > 1 else ()
        return TensorType(promote([a.dtype, b.dtype]), (*batch, *rows, *columns))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The operator."""
        return infix("@", *args)

    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        """``ct @ b.T`` and ``a.T @ ct``; the caller sums over batches that were broadcast."""
        a, b = node.inputs
        if a.ndim == b.ndim == 1:
            return cotangent * (b if operand == 0 else a)
        return _left(a, b, cotangent) if operand == 0 else _right(a, b, cotangent)

    def mirrored(self, node: Node) -> Node | None:
        """``v @ a.T`` of ``a @ v``, ``a.T @ v`` of ``v @ a`` for a vector v."""
        a, b = node.inputs
        if node.ndim != 1 or a.ndim + b.ndim != 3 or a.dtype != b.dtype:
            return None
        matrix = a if a.ndim == 2 else b
        turned = matrix.inputs[0] if isinstance(matrix.op, Transpose) else swapaxes(matrix, 0, 1)
        return make(self, b, turned) if matrix is a else make(self, turned, a)

    def letters(self, node: Node) -> tuple[Sequence[str], str]:
        """Rows by columns, behind the letters of the batch."""
        a, b = node.inputs
        batch = ascii_letters[3:][: max(a.ndim, b.ndim, 2) - 2]
        rows, columns = "a" * (a.ndim > 1), "b" * (b.ndim > 1)
        first = batch[len(batch) - max(a.ndim - 2, 0) :] + rows + "c"
        second = batch[len(batch) - max(b.ndim - 2, 0) :] + "c" + columns
        return (first, second), batch + rows + columns

    def work(self, node: Node) -> float:
        """Two operations for each inner element, at some 20 a nanosecond."""
        inner = node.inputs[0].shape[-1]
        return 0.1 * inner if isinstance(inner, int) else 10.0

    def flops(self, node: Node) -> Dim:
        """A multiplication and an addition for each inner element of each element."""
        return 2 * node.size * node.inputs[0].shape[-1]

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Rows of the first, columns of the second, and the batch."""
        x, other = node.inputs[operand], node.inputs[1 - operand]
        ranks = [max(a.ndim - 2, 0) for a in node.inputs]
        found = list(broadcast_apart(node, x, ranks[operand], max(ranks)))
        if x.ndim > 1:
            found[-2 if operand == 0 and other.ndim > 1 else -1] = x.ndim - 2 + operand
        return tuple(found)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """One product: a stack of vectors is a matrix, beside stacks of matrices one of columns."""
        (a, b), (first, second) = operands, node.inputs
        if second.ndim == 1 and mapped[1]:
            if not mapped[0] and first.ndim <= 2:
                return make(self, b, swapaxes(a, 0, 1) if first.ndim == 2 else a)
            if first.ndim == 1:
                return apply("einsum", "zi,zi->z", a, b) if mapped[0] else make(self, b, a)
            columns = expand_dims(in_front(b, first.ndim - 1), -1)
            return squeeze(make(self, a, columns), -1)
        if first.ndim == 1 and mapped[0]:
            if not mapped[1] and second.ndim <= 2:
                return make(self, a, b)
            rows = expand_dims(in_front(a, second.ndim - 1), -2)
            return squeeze(make(self, rows, b), -2)
        rank = max(first.ndim, second.ndim)
        return make(
            self,
            *[
                in_front(x, rank) if is_mapped and x.ndim > 2 else x
                for x, is_mapped in zip(operands, mapped, strict=True)
            ],
        )


def _hint(a: TensorType, b: TensorType) -> str:
    if a.ndim > 1 and b.ndim > 1 and a.shape[-1] == b.shape[-1]:
        return "the first times the transpose of the second, a @ b.mT, would fit"
    if a.ndim > 1 and a.shape[-2] == (b.shape[-2] if b.ndim > 1 else b.shape[0]):
        return "the transpose of the first times the second, a.mT @ b, would fit"
    return ""


def _left(a: Node, b: Node, ct: Node) -> Node:
    if b.ndim == 1:
        return expand_dims(ct, -1) * b
    if a.ndim > 1:
        return ct @ swapaxes(b, -1, -2)
    if b.ndim == 2:
        return b @ ct
    return sum(b * expand_dims(ct, -2), axis=-1)


def _right(a: Node, b: Node, ct: Node) -> Node:
    if a.ndim == 1:
        return expand_dims(a, 1) * expand_dims(ct, -2)
    if b.ndim > 2 or a.ndim == 2:
        return swapaxes(a, -1, -2) @ ct
    # One matrix for the whole stack: its rows are those of one tall matrix.
    rows = reshape(a, (-1, a.shape[-1]))
    return swapaxes(rows, 0, 1) @ reshape(ct, (-1, *b.shape[1:]) if b.ndim > 1 else -1)


@builder(np.matmul, np.linalg.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    """Matrix product, as ``np.matmul`` and ``@``: of matrices, vectors, and stacks of matrices.

    Parameters
    ----------
    x1, x2 : array_like
        A vector counts as a row on the left and as a column on the right, and that axis is then
        removed; all axes but the last two broadcast.

    Raises
    ------
    ShapeError
        If the inner sizes differ, or one is a scalar.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> X, w = placeholder("X", ("n", 3)), placeholder("w", 3)
    >>> (X @ w).shape, (X.T @ X).shape
    ((n,), (3, 3))
    """
    if not any_node(x1, x2):
        return np.matmul(x1, x2)
    return make(MatMul(), as_node(x1), as_node(x2))


@builder(np.outer)
def outer(a: Any, b: Any) -> Any:
    """All products of the elements of two arrays, which are flattened, as ``np.outer``."""
    if not any_node(a, b):
        return np.outer(a, b)
    return expand_dims(ravel(as_node(a)), 1) * ravel(as_node(b))


@builder(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Sum of the products of all elements, those of `a` conjugated, as ``np.vdot``.

    Raises
    ------
    ShapeError
        If the numbers of elements differ.
    """
    if not any_node(a, b):
        return np.vdot(a, b)  # pyright: ignore[reportUnknownVariableType]
    return matmul(ravel(_conjugate(as_node(a))), ravel(as_node(b)))


def _conjugate(node: Node) -> Node:
    return apply("conjugate", node) if node.dtype.kind == "c" else node


@builder(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """Scalar products along the last axis, those of `x1` conjugated, as ``np.vecdot``.

    Raises
    ------
    ShapeError
        If the lengths differ.
    """
    if not any_node(x1, x2):
        return np.vecdot(x1, x2, axis=axis)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    first, second = as_node(x1), as_node(x2)
    if not first.ndim or not second.ndim:
        raise ShapeError("vecdot of a scalar", got=f"{first.type!r} and {second.type!r}")
    if axis != -1:
        first, second = (apply("moveaxis", x, axis, -1) for x in (first, second))
    if first.shape[-1] != second.shape[-1]:
        raise ShapeError(
            "vecdot: the lengths differ",
            got=f"{shape_text(first.shape)} and {shape_text(second.shape)}",
        )
    first = _conjugate(first)
    if first.ndim == second.ndim == 1:
        return matmul(first, second)
    return apply("einsum", "...i,...i->...", first, second)


@builder()
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, stacks of both broadcast, as ``np.matvec`` of NumPy 2.2."""
    if not any_node(x1, x2):
        return np.einsum("...ij,...j->...i", x1, x2)
    _check_core(as_node(x1).shape[-1:], as_node(x2).shape[-1:], "matvec")
    return apply("einsum", "...ij,...j->...i", x1, x2)


@builder()
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors, conjugated, times matrices, as ``np.vecmat`` of NumPy 2.2."""
    if not any_node(x1, x2):
        return np.einsum("...i,...ij->...j", np.conjugate(x1), x2)
    _check_core(as_node(x1).shape[-1:], as_node(x2).shape[-2:-1], "vecmat")
    return apply("einsum", "...i,...ij->...j", _conjugate(as_node(x1)), x2)


def _check_core(first: Shape, second: Shape, what: str) -> None:
    """Sizes that are summed over do not broadcast, as those of einsum would."""
    if first != second:
        raise ShapeError(
            f"{what}: the sizes that are summed over differ",
            got=f"{shape_text(first)} and {shape_text(second)}",
        )


@builder(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """A square matrix times itself, by repeated squaring, as ``np.linalg.matrix_power``.

    Parameters
    ----------
    a : array_like
    n : int
        May be negative: powers of the inverse.

    Raises
    ------
    ShapeError, DTypeError
        If the matrix is not square; if `n` is no integer.
    """
    if not any_node(a):
        return np.linalg.matrix_power(a, n)
    if not isinstance(n, int):
        raise DTypeError("matrix_power: the exponent must be an integer", got=repr(n))
    square = as_node(a)
    if square.ndim < 2 or square.shape[-1] != square.shape[-2]:
        raise ShapeError("matrix_power: the matrix is not square", got=repr(square.type))
    if n == 0:
        identity = as_node(apply("eye", square.shape[-1], dtype=square.dtype))
        return apply("broadcast_to", identity, square.shape)
    if n < 0:
        square, n = apply("inv", square), -n
    result: Node | None = None
    while n:
        if n % 2:
            result = square if result is None else result @ square
        n //= 2
        square = square @ square if n else square
    return result


# Examples for the tests ------------------------------------------------------------------------


def array(*shape: int, shift: float = 0.0) -> Any:
    """An array without structure."""
    return np.sin(np.arange(float(np.prod(shape))) * 1.7 + shift).reshape(shape)


_PAIRS = [
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((1, 2, 3), (5, 3, 4)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]

EXAMPLES: dict[str, list[Example]] = {
    "matmul": [
        *[Example(np.matmul, (array(*a), array(*b, shift=1.0))) for a, b in _PAIRS],
        Example(lambda x, y: x @ y, (array(2, 3).astype(np.float32), array(3))),
        Example(lambda x: x @ x, (np.arange(4).reshape(2, 2),)),
        Example(lambda x: x.T @ x, (array(3, 2),)),
    ],
    "outer": [
        Example(np.outer, (array(3), array(2))),
        Example(np.outer, (array(2, 2), np.float64(2.0))),
    ],
    "vdot": [Example(np.vdot, (array(2, 3), array(3, 2)))],
    "vecdot": [
        Example(vecdot, (array(3), array(3, shift=1.0))),
        Example(vecdot, (array(2, 3), array(4, 1, 3))),
        Example(
            lambda x, y: np.vecdot(x, y, axis=0),  # pyright: ignore[reportCallIssue, reportUnknownLambdaType]
            (array(3, 2), array(3, 2)),
        ),
    ],
    "matvec": [Example(matvec, (array(2, 1, 2, 3), array(4, 3)))],
    "vecmat": [Example(vecmat, (array(4, 2), array(2, 3)))],
    "matrix_power": [
        Example(lambda x: np.linalg.matrix_power(x, 5), (array(3, 3),)),
        Example(lambda x: np.linalg.matrix_power(x, 0), (array(2, 3, 3),)),
        Example(lambda x: np.linalg.matrix_power(x, -2), (array(2, 2) + 2 * np.eye(2),)),
    ],
}
