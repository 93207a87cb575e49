"""Eigenvalues and eigenvectors of symmetric matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, TupleType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.diagonals import diagonal, tril, triu
from symgraph.ops.kinds import Example, Structured
from symgraph.ops.linalg.cholesky import hermitian, positive_definite
from symgraph.ops.linalg.operands import (
    adjoint,
    check_square,
    columns_by,
    cubes,
    floating,
    inverse_gaps,
    mirrored,
    real_dtype,
    real_part,
    results,
)


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Node
    eigenvectors: Node


@record
class Eigh(OnTrailingAxes, Structured):
    """Eigenvalues and eigenvectors of a symmetric matrix, of which one triangle is read."""

    upper: bool = False
    name: ClassVar[str] = "eigh"

    def infer(self, *types: TensorType) -> Type:
        """A vector and a matrix for each matrix."""
        (a,) = types
        check_square(a, "eigh")
        return TupleType((TensorType(real_dtype(a.dtype), a.shape[:-1]), a))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.eigh``."""
        return call("np.linalg.eigh", *args, UPLO='"U"' if self.upper else "")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``diag(M)`` and ``V (M / gaps)`` with ``M = V^H da V``.

        Equal eigenvalues do not mix their vectors: these have no derivative there.
        """
        tangent = tangents[0]
        assert tangent is not None
        values, vectors = results(node)
        inner = adjoint(vectors) @ mirrored(tangent, self.upper) @ vectors
        mixing = inner * inverse_gaps(values)
        return real_part(diagonal(inner, 0, -2, -1)), vectors @ mixing

    def work(self, node: Node) -> float:
        """Many factorisations."""
        return 300.0

    def flops(self, node: Node) -> Dim:
        """``9 n**3``, about (Golub and Van Loan, Matrix Computations, 8.3)."""
        return cubes(node.inputs[0], 9)


@record
class EigValsH(OnTrailingAxes, Structured):
    """Eigenvalues of a symmetric matrix, of which one triangle is read."""

    upper: bool = False
    name: ClassVar[str] = "eigvalsh"

    def infer(self, *types: TensorType) -> Type:
        """A vector for each matrix."""
        (a,) = types
        check_square(a, "eigvalsh")
        return TensorType(real_dtype(a.dtype), a.shape[:-1])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.eigvalsh``."""
        return call("np.linalg.eigvalsh", *args, UPLO='"U"' if self.upper else "")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``diag(V^H da V)``."""
        tangent = tangents[0]
        assert tangent is not None
        _, vectors = results(make(Eigh(self.upper), node.inputs[0]))
        inner = adjoint(vectors) @ mirrored(tangent, self.upper) @ vectors
        return real_part(diagonal(inner, 0, -2, -1))

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The triangle that is read of ``V diag(ct) V^T``, what is beside its diagonal twice."""
        (a,) = node.inputs
        if a.dtype.kind == "c":
            return None
        _, vectors = results(make(Eigh(self.upper), a))
        full = columns_by(vectors, cotangent) @ adjoint(vectors)
        return (triu(full) + triu(full, 1) if self.upper else tril(full) + tril(full, -1),)

    def work(self, node: Node) -> float:
        """Many factorisations."""
        return 300.0

    def flops(self, node: Node) -> Dim:
        """``4 n**3 / 3``, for the tridiagonal form."""
        return cubes(node.inputs[0], 4, 3)


@of_numpy(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues and eigenvectors of symmetric matrices, as ``np.linalg.eigh``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n). Only one triangle is read.
    UPLO : {"L", "U"}
        Which one.

    Returns
    -------
    EighResult
        ``eigenvalues`` ascending and ``eigenvectors`` as columns.

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    Where eigenvalues are equal (up to the rounding of LAPACK), their vectors have no derivative,
    and what comes out leaves their mixing out: it is right for what does not depend on the choice
    of the vectors within such a group, as projectors onto it and symmetric functions of its
    eigenvalues. It is not for functions of the matrix, ``V f(w) V^T``: their derivatives mix
    (of the square root use `sqrtm`, of the exponential `expm`). Complex vectors turn so that each
    stays at a right angle to its change.
    """
    return EighResult(*results(make(Eigh(_reads_upper(UPLO)), floating(a, "eigh", real=False))))


def _reads_upper(uplo: str) -> bool:
    if uplo.upper() not in ("L", "U"):
        raise UnsupportedError("UPLO", expected="'L' or 'U'", got=repr(uplo))
    return uplo.upper() == "U"


@of_numpy(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of symmetric matrices in ascending order, as ``np.linalg.eigvalsh``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n). Only one triangle is read.
    UPLO : {"L", "U"}
        Which one.

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    Equal eigenvalues share their derivative as their vectors happen to lie: it is right for
    symmetric functions of them, as their sum.
    """
    return make(EigValsH(_reads_upper(UPLO)), floating(a, "eigvalsh", real=False))


def _projectors(x: Any) -> Any:
    """What does not depend on the phases of eigenvectors."""
    w, v = np.linalg.eigh(x)
    return w, (v * np.exp(-w)[..., None, :]) @ v.conj().mT


EXAMPLES: dict[str, list[Example]] = {
    "eigh": [
        Example(_projectors, (hermitian(3, 3),)),
        Example(_projectors, (positive_definite(3, 3) + 0.0j,)),
        Example(lambda x: tuple(np.linalg.eigh(x)), (positive_definite(3, 3),)),
        Example(lambda x: tuple(np.linalg.eigh(x, "U")), (positive_definite(2, 3, 3),)),
        Example(np.linalg.eigvalsh, (positive_definite(3, 3).astype(np.float32),)),
    ],
    "eigvalsh": [
        Example(np.linalg.eigvalsh, (hermitian(2, 3, 3),)),
        Example(np.linalg.eigvalsh, (positive_definite(2, 3, 3),)),
        Example(lambda x: eigvalsh(x, UPLO="U"), (np.array([[1, 2], [0, 1]]),)),
        Example(lambda x: eigvalsh(x, UPLO="U"), (positive_definite(3, 3),)),
        # Equal eigenvalues, of which the sum is taken.
        Example(lambda x: np.linalg.eigvalsh(x).sum(), (np.eye(3),)),
    ],
}
