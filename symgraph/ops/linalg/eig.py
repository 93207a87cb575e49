"""Eigenvalues and eigenvectors of general matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np

from symgraph.graph.code import Code, Scope, atom, call, method
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.types import DType, TensorType, TupleType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.diagonals import diagonal
from symgraph.ops.elementwise import absolute
from symgraph.ops.index import take_along_axis
from symgraph.ops.kinds import Example, Structured
from symgraph.ops.linalg.operands import (
    check_square,
    conjugate,
    cubes,
    floating,
    inverse_gaps,
    results,
)
from symgraph.ops.linalg.solve import regular, solve
from symgraph.ops.reduce import sum
from symgraph.ops.reduce_order import argmax
from symgraph.ops.shape import expand_dims, swapaxes

__all__ = ["eig", "eigvals"]


class EigResult(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Node
    eigenvectors: Node


def complex_dtype(dtype: DType) -> DType:
    """The complex dtype of the same precision."""
    return np.dtype(np.complex64 if dtype in (np.float32, np.complex64) else np.complex128)


@record
class Eig(OnTrailingAxes, Structured):
    """Eigenvalues and eigenvectors, complex."""

    name: ClassVar[str] = "eig"

    def infer(self, *types: TensorType) -> Type:
        """A vector and a matrix for each matrix."""
        (a,) = types
        check_square(a, "eig")
        found = a.with_dtype(complex_dtype(a.dtype))
        return TupleType((found.with_shape(a.shape[:-1]), found))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.eig``, whose results are real where no eigenvalue happens to be complex."""
        found = call("np.linalg.eig", *args)
        a = node.inputs[0]
        if a.dtype.kind == "c":
            return found
        return atom(f"[part.astype(np.{complex_dtype(a.dtype).name}) for part in {found.text}]")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``diag(M)`` and ``V (M / gaps)`` with ``M = V^-1 da V``, kept in LAPACK's form.

        That is of length 1, with a real component where it is largest.
        """
        tangent = tangents[0]
        assert tangent is not None
        values, vectors = results(node)
        inner = solve(vectors, tangent @ vectors)
        free = vectors @ (inner * inverse_gaps(values))
        longer = apply("real", sum(conjugate(vectors) * free, axis=-2, keepdims=True))
        place = argmax(absolute(vectors), axis=-2, keepdims=True)
        here, moved = (take_along_axis(x, place, axis=-2) for x in (vectors, free))
        turned = 1j * apply("imag", moved / here)
        return diagonal(inner, 0, -2, -1), free - vectors * (longer + turned)

    def work(self, node: Node) -> float:
        """Many factorisations."""
        return 1000.0

    def flops(self, node: Node) -> Dim:
        """``25 n**3``, about (Golub and Van Loan, Matrix Computations, 7.5)."""
        return cubes(node.inputs[0], 25)


@record
class EigVals(OnTrailingAxes, Structured):
    """Eigenvalues, complex."""

    name: ClassVar[str] = "eigvals"

    def infer(self, *types: TensorType) -> Type:
        """A vector for each matrix."""
        (a,) = types
        check_square(a, "eigvals")
        return a.with_dtype(complex_dtype(a.dtype)).with_shape(a.shape[:-1])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.eigvals``, which is real where no eigenvalue happens to be complex."""
        found = call("np.linalg.eigvals", *args)
        if node.inputs[0].dtype.kind == "c":
            return found
        return method(found, "astype", f"np.{node.dtype.name}")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``diag(V^-1 da V)``."""
        tangent = tangents[0]
        assert tangent is not None
        _, vectors = results(make(Eig(), node.inputs[0]))
        return diagonal(solve(vectors, tangent @ vectors), 0, -2, -1)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``V^-T diag(ct) V^T``."""
        _, vectors = results(make(Eig(), node.inputs[0]))
        rows = swapaxes(vectors, -1, -2)
        return (solve(rows, expand_dims(cotangent, -1) * rows),)

    def work(self, node: Node) -> float:
        """Many factorisations."""
        return 500.0

    def flops(self, node: Node) -> Dim:
        """``10 n**3``, about (Golub and Van Loan, Matrix Computations, 7.5)."""
        return cubes(node.inputs[0], 10)


@of_numpy(np.linalg.eig)
def eig(a: Any) -> Any:
    """Eigenvalues and eigenvectors of square matrices, as ``np.linalg.eig``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).

    Returns
    -------
    EigResult
        ``eigenvalues``, in no order, and ``eigenvectors`` as columns of length 1. Both are
        always complex: NumPy gives real ones where all eigenvalues happen to be real, which no
        static dtype can say. For symmetric matrices there is `eigh`.

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    Where eigenvalues are equal, or equal up to rounding, their vectors have no derivative, and
    what comes out leaves their mixing out. Without a basis of eigenvectors the derivative is
    infinite, or an error of NumPy's ``solve``.
    """
    return EigResult(*results(make(Eig(), floating(a, "eig", real=False))))


@of_numpy(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """Eigenvalues of square matrices, always complex, as ``np.linalg.eigvals``; see `eig`."""
    return make(EigVals(), floating(a, "eigvals", real=False))


# Examples for the tests ------------------------------------------------------------------------


def _complex(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """NumPy's results, complex whatever the eigenvalues are."""

    def reference(x: Any) -> Any:
        dtype = complex_dtype(np.asarray(x).dtype)
        found: Any = function(x)
        if not isinstance(found, tuple):
            return found.astype(dtype)
        parts: list[Any] = list(cast("tuple[Any, ...]", found))
        return tuple([part.astype(dtype) for part in parts])

    return reference


_TURNING = regular(3, 3) + np.array([[0.0, 2.0, 0.0], [-2.0, 0.0, 1.0], [0.0, 0.0, 4.0]])
_REAL = np.array([[1.0, 0.3, 0.1], [0.2, 3.0, 0.4], [0.5, 0.1, 2.0]])
_COMPLEX = regular(2, 3, 3) * np.exp(1j * np.arange(3.0))

EXAMPLES: dict[str, list[Example]] = {
    "eig": [
        Example(lambda x: tuple(eig(x)), (x,), _complex(np.linalg.eig))
        for x in (_TURNING, _COMPLEX, _REAL, _TURNING.astype(np.float32))
    ],
    "eigvals": [
        Example(eigvals, (x,), _complex(np.linalg.eigvals))
        for x in (_TURNING, _COMPLEX, _COMPLEX.astype(np.complex64), np.array([[2, 1], [1, 1]]))
    ],
}
