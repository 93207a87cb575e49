"""Systems with a factor that is known: SciPy's names, in NumPy's functions.

NumPy has no routine for triangles and none that keeps a factorisation. A triangular system is
emitted as a short function of NumPy that substitutes by blocks, a small one as ``np.linalg.solve``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import HELPERS, Code, Scope, call
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.ops.calls import evaluated
from symgraph.ops.diagonals import diagonal, tril, triu
from symgraph.ops.kinds import Example
from symgraph.ops.linalg.cholesky import Cholesky, cholesky, hermitian, positive_definite
from symgraph.ops.linalg.operands import adjoint, check_square, floating, mirrored
from symgraph.ops.linalg.solve import Solve, regular, solve, turned
from symgraph.ops.products import array
from symgraph.ops.shape import Transpose, expand_dims, squeeze, swapaxes

__all__ = ["cho_factor", "cho_solve", "lu_factor", "lu_solve", "solve_triangular"]

_BLOCK = 64
"""Rows up to which a whole factorisation costs no more than the calls of a substitution."""

HELPERS["solve_triangular"] = f'''
def solve_triangular(a, b, lower=False):
    """Solve a triangular system with columns b by substitution, {_BLOCK} rows at a time."""
    n = a.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.empty((*batch, *b.shape[-2:]), np.result_type(a, b))
    starts = range(0, n, {_BLOCK})
    for start in starts if lower else reversed(starts):
        rows = slice(start, start + {_BLOCK})
        known = slice(0, start) if lower else slice(start + {_BLOCK}, n)
        rest = b[..., rows, :] - a[..., rows, known] @ x[..., known, :]
        x[..., rows, :] = np.linalg.solve(a[..., rows, rows], rest)
    return x
'''

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


@record
class TriangularSolve(Solve):
    """``a^-1 b`` for a triangular matrix, with zeros in its other triangle, and columns b."""

    lower: bool = False
    name: ClassVar[str] = "triangular_solve"

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """A function that the module holds; of few rows ``np.linalg.solve``."""
        rows = node.inputs[0].shape[-1]
        if isinstance(rows, int) and rows <= _BLOCK:
            return super().code(node, args, scope)
        lower = "True" if self.lower else ""
        return call(scope.helper("solve_triangular"), *args, lower=lower)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``a^-1 (db - da x)``."""
        change, right = tangents
        if change is not None:
            moved = change @ node
            right = -moved if right is None else right - moved
        assert right is not None
        return make(self, node.inputs[0], right)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``w = a^-T ct`` for b, ``-w x^T`` for a."""
        transposed = swapaxes(node.inputs[0], -1, -2)
        w = make(TriangularSolve(not self.lower), transposed, cotangent)
        return -(w @ swapaxes(node, -1, -2)), w

    def work(self, node: Node) -> float:
        """As a product."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """``n**2`` for each column."""
        return node.inputs[0].shape[-1] * node.size


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
    The emitted module holds a function of NumPy that substitutes by blocks of 64 rows; fewer rows
    of a known number are a call of ``np.linalg.solve``.
    """
    node = floating(a, "solve_triangular", real=False)
    check_square(node.type, "solve_triangular")
    if unit_diagonal:
        triangle = tril(node, -1) if lower else triu(node, 1)
        triangle = triangle + apply("eye", node.shape[-1], dtype=triangle.dtype)
    else:
        triangle = _triangle(node, lower)
    matrix = _transposed(triangle, trans, "solve_triangular")
    right = floating(b, "solve_triangular", real=False)
    columns = expand_dims(right, -1) if right.ndim == 1 else right
    lower_now = bool(lower) == (_TRANSPOSITIONS[trans] == 0)
    x = make(TriangularSolve(lower_now), matrix, columns)
    return squeeze(x, -1) if right.ndim == 1 else x


def _triangle(a: Node, lower: bool) -> Node:
    """One triangle; a Cholesky factor is one already."""
    factor = a if lower else a.inputs[0] if isinstance(a.op, Transpose) else None
    if factor is not None and isinstance(factor.op, Cholesky):
        return a
    return tril(a) if lower else triu(a)


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
    "large": [
        Example(
            lambda a, b: solve_triangular(a, b, 1),
            (5.0 * np.eye(_BLOCK + 2) + array(_BLOCK + 2, _BLOCK + 2) / 9, array(_BLOCK + 2)),
            _by_solve(lambda a: np.triu(a).mT),
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
