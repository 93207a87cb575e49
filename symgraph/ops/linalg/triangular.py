"""Systems with a factor that is known: SciPy's names, in NumPy's functions.

NumPy has no routine for triangles and none that keeps a factorisation: what is emitted is
``np.linalg.solve`` of the triangle, whose own factorisation is exact but takes the time of a full
one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import apply
from symgraph.ops.calls import evaluated
from symgraph.ops.diagonals import diagonal, tril, triu
from symgraph.ops.kinds import Example
from symgraph.ops.linalg.cholesky import cholesky, hermitian, positive_definite
from symgraph.ops.linalg.operands import adjoint, check_square, mirrored
from symgraph.ops.linalg.solve import regular, solve, turned
from symgraph.ops.products import array
from symgraph.ops.shape import expand_dims, squeeze, swapaxes

__all__ = ["cho_factor", "cho_solve", "lu_factor", "lu_solve", "solve_triangular"]

_TRANSPOSITIONS: dict[Any, int] = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def _transposed(a: Node, trans: Any, what: str) -> Node:
    kind = _TRANSPOSITIONS.get(trans)
    if kind is None:
        raise UnsupportedError(
            f"{what}: trans", expected="0, 1, 2, 'N', 'T' or 'C'", got=repr(trans)
        )
    if kind == 0:
        return a
    return adjoint(a) if kind == 2 else swapaxes(a, -1, -2)


@evaluated()
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """Solution x of ``a @ x = b`` for a triangular matrix, as ``scipy.linalg.solve_triangular``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n). Only one triangle is read, so the derivative by the other is 0.
    b : array_like
        Shape (n,) for a vector, otherwise (..., n, k).
    trans : {0, 1, 2, "N", "T", "C"}, optional
        Whether the matrix is transposed, or transposed and conjugated, after its triangle is
        read.
    lower : bool, optional
        Which triangle is read; by default the upper one.
    unit_diagonal : bool, optional
        Whether the diagonal is not read either: it is 1.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    UnsupportedError
        If `trans` is none of these.

    Notes
    -----
    Emitted as ``np.linalg.solve`` of the triangle: NumPy has no other.
    """
    node = as_node(a)
    check_square(node.type, "solve_triangular")
    if unit_diagonal:
        triangle = tril(node, -1) if lower else triu(node, 1)
        triangle = triangle + apply("eye", node.shape[-1], dtype=triangle.dtype)
    else:
        triangle = tril(node) if lower else triu(node)
    return solve(_transposed(triangle, trans, "solve_triangular"), as_node(b))


@evaluated()
def cho_factor(a: Any, lower: bool = False) -> tuple[Node, bool]:
    """Cholesky factor for `cho_solve`, as ``scipy.linalg.cho_factor``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n), positive definite; one triangle is read.
    lower : bool, optional
        Which one, and which one the factor fills; its other one is 0.

    Returns
    -------
    c : Node
    lower : bool
    """
    return cholesky(as_node(a), upper=not lower), bool(lower)


@evaluated()
def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """Solution of ``a @ x = b`` from the Cholesky factor of `a`, as ``scipy.linalg.cho_solve``.

    Parameters
    ----------
    c_and_lower : (array_like, bool)
        The factor and whether it is the lower one; its other triangle is not read.
    b : array_like
        Shape (n,) for a vector, otherwise (..., n, k).

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    factor, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    triangle, right = as_node(factor), as_node(b)
    # One vector for a stack of matrices: after the first system it is a stack of columns.
    column = right.ndim == 1 and triangle.ndim > 2
    inner = solve_triangular(triangle, expand_dims(right, -1) if column else right, first, lower)
    found = solve_triangular(triangle, inner, second, lower)
    return squeeze(found, -1) if column else found


class LUFactor(NamedTuple):
    """What `lu_solve` takes: the matrix itself."""

    matrix: Node


@evaluated()
def lu_factor(a: Any) -> LUFactor:
    """A matrix for `lu_solve`, as ``scipy.linalg.lu_factor``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).

    Returns
    -------
    LUFactor
        It holds the matrix: NumPy factorises in each ``np.linalg.solve`` and keeps nothing. Put
        right sides that are known together into one `lu_solve`, as columns.
    """
    node = as_node(a)
    check_square(node.type, "lu_factor")
    return LUFactor(node)


@evaluated()
def lu_solve(lu_and_piv: LUFactor, b: Any, trans: Any = 0) -> Any:
    """Solution of ``a @ x = b`` for a matrix from `lu_factor`, as ``scipy.linalg.lu_solve``.

    Parameters
    ----------
    lu_and_piv : LUFactor
    b : array_like
        Shape (n,) for a vector, otherwise (..., n, k).
    trans : {0, 1, 2}, optional
        Whether the matrix is transposed, or transposed and conjugated.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    UnsupportedError
        If `trans` is none of these.
    """
    return solve(_transposed(lu_and_piv.matrix, trans, "lu_solve"), as_node(b))


_STRUCTURES = {
    "gen": "general",
    "sym": "symmetric",
    "her": "hermitian",
    "pos": "positive definite",
}


@evaluated("linalg.solve")
def solve_as(a: Any, b: Any, *, assume_a: str | None = None, lower: bool = False) -> Any:
    """Solution x of ``a @ x = b``, as ``np.linalg.solve``, for a matrix of known structure.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).
    b : array_like
        Shape (n,) for a vector, otherwise (..., n, k).
    assume_a : str, optional
        SciPy's names: "general" ("gen"), "symmetric" ("sym"), "hermitian" ("her"), "positive
        definite" ("pos"), "upper triangular", "lower triangular", "diagonal". What the
        structure leaves out is not read, and the derivative by it is 0: only the diagonal is
        read of a diagonal matrix, one triangle of the others.
    lower : bool, optional
        Which triangle of a symmetric, Hermitian or positive definite matrix; by default the
        upper one.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    UnsupportedError
        For other structures.

    Examples
    --------
    >>> import symgraph as sg
    >>> a, b = sg.placeholder("a", ("n", "n")), sg.placeholder("b", "n")
    >>> sg.linalg.solve(a, b, assume_a="diagonal")
    <divide(b, diagonal(…)): float64[n]>
    """
    structure = _STRUCTURES.get(assume_a or "gen", assume_a)
    if structure == "general":
        return solve(a, b)
    matrix, right = as_node(a), as_node(b)
    check_square(matrix.type, "solve")
    if structure == "diagonal":
        numbers = diagonal(matrix, 0, -2, -1)
        return right / (numbers if right.ndim == 1 else expand_dims(numbers, -1))
    if structure in ("upper triangular", "lower triangular"):
        return solve_triangular(matrix, right, lower=structure.startswith("lower"))
    if structure in ("hermitian", "positive definite"):
        return solve(mirrored(matrix, not lower), right)
    if structure == "symmetric":
        read, beside = (tril, -1) if lower else (triu, 1)
        return solve(read(matrix) + swapaxes(read(matrix, beside), -1, -2), right)
    raise UnsupportedError(
        "solve: assume_a",
        expected="general, symmetric, hermitian, positive definite, upper triangular, "
        "lower triangular or diagonal",
        got=repr(assume_a),
    )


# Examples for the tests ------------------------------------------------------------------------


def _by_solve(change: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The system of a changed matrix."""

    def reference(a: Any, b: Any) -> Any:
        return solve(change(a), b)

    return reference


def _structured(structure: str, change: Callable[[Any], Any], lower: bool = False) -> Example:
    def call(a: Any, b: Any) -> Any:
        return solve_as(a, b, assume_a=structure, lower=lower)

    return Example(call, (regular(3, 3), array(3)), _by_solve(change))


def _symmetric(a: Any) -> Any:
    return np.tril(a) + np.tril(a, -1).mT


EXAMPLES: dict[str, list[Example]] = {
    "solve_triangular": [
        Example(
            lambda a, b: solve_triangular(a, b, lower=True),
            (regular(2, 3, 3), array(3)),
            _by_solve(np.tril),
        ),
        Example(
            lambda a, b: solve_triangular(a, b, "T"),
            (regular(3, 3).astype(np.float32), array(3, 2).astype(np.float32)),
            _by_solve(lambda a: np.triu(a).mT),
        ),
        Example(
            lambda a, b: solve_triangular(a, b, 1, True, True),
            (array(3, 3), array(4, 3, 2)),
            _by_solve(lambda a: np.tril(a, -1).mT + np.eye(3)),
        ),
    ],
    "cho_solve": [
        Example(
            lambda a, b: cho_solve(cho_factor(a), b),
            (hermitian(2, 3, 3), array(3)),
            np.linalg.solve,
        ),
        Example(
            lambda a, b: cho_solve(cho_factor(a, lower=True), b),
            (positive_definite(3, 3), array(3)),
            np.linalg.solve,
        ),
        Example(
            lambda a, b: cho_solve(cho_factor(a), b),
            (positive_definite(2, 3, 3), array(3, 2)),
            np.linalg.solve,
        ),
    ],
    "lu_solve": [
        Example(
            lambda a, b: lu_solve(lu_factor(a), b, 2),
            (turned(regular(3, 3)), array(3)),
            _by_solve(lambda a: a.conj().mT),
        ),
        Example(
            lambda a, b: lu_solve(lu_factor(a), b, 1),
            (regular(3, 3), array(3)),
            _by_solve(lambda a: a.mT),
        ),
    ],
    "linalg.solve": [
        _structured("gen", lambda a: a),
        _structured("sym", lambda a: _symmetric(a.mT)),
        _structured("pos", _symmetric, lower=True),
        _structured("upper triangular", np.triu),
        _structured("diagonal", lambda a: a * np.eye(3)),
        Example(
            lambda a, b: solve_as(a, b, assume_a="diagonal"),
            (regular(2, 3, 3), array(3, 2)),
            _by_solve(lambda a: a * np.eye(3)),
        ),
    ],
}
