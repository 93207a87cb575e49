"""Singular values and vectors, and what follows from them: rank and condition."""

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
from symgraph.ops.calls import evaluated, of_numpy
from symgraph.ops.diagonals import diagonal
from symgraph.ops.elementwise import absolute, sign
from symgraph.ops.index import flip, take_along_axis
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, Structured
from symgraph.ops.linalg.eigh import eigh
from symgraph.ops.linalg.operands import (
    adjoint,
    check_matrix,
    check_square,
    columns_by,
    floating,
    inverse_gaps,
    inverse_or_zero,
    mirrored,
    real_dtype,
    real_part,
    results,
    rounding_of,
    singular,
    smaller,
)
from symgraph.ops.linalg.solve import regular, turned
from symgraph.ops.products import array
from symgraph.ops.shape import expand_dims, nonnegative
from symgraph.ops.sorting import argsort

__all__ = ["polar", "svd", "svdvals"]


class SVDResult(NamedTuple):
    """Left singular vectors as columns, singular values descending, right ones as rows."""

    U: Node
    S: Node
    Vh: Node


class _Singular(OnTrailingAxes, Structured):
    """What both operations have in common."""

    def lengths(self, a: TensorType) -> tuple[Dim, Dim, Dim]:
        """Rows, columns, and the smaller of them."""
        rows, columns = a.shape[-2:]
        return rows, columns, smaller(rows, columns)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Where the sizes do not tell, there are no fewer rows than columns."""
        rows, columns, least = self.lengths(types[0])
        return nonnegative(rows - columns) if least == columns else ()

    def values_type(self, a: TensorType) -> TensorType:
        """The type of the singular values."""
        return TensorType(real_dtype(a.dtype), (*a.shape[:-2], self.lengths(a)[2]))


@record
class Svd(_Singular):
    """``a = U @ diag(S) @ Vh`` with orthonormal columns of U and rows of Vh."""

    full_matrices: bool = False
    name: ClassVar[str] = "svd"

    def infer(self, *types: TensorType) -> Type:
        """Thin or square factors."""
        (a,) = types
        rows, columns, least = self.lengths(a)
        left, right = (rows, columns) if self.full_matrices else (least, least)
        batch = a.shape[:-2]
        return TupleType(
            (
                a.with_shape((*batch, rows, left)),
                self.values_type(a),
                a.with_shape((*batch, right, columns)),
            )
        )

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.svd``."""
        return call("np.linalg.svd", *args, full_matrices="" if self.full_matrices else "False")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The antisymmetric rotations of both sets of vectors, from ``P = U^H da V``.

        Half their sum is ``(P + P^H)_ij / (s_j - s_i)``, half their difference
        ``(P - P^H)_ij / (s_i + s_j)``: only the sum feels that singular values are equal. What
        `U` and `V` do not span adds ``(1 - U U^H) da V / S``, and the same for `V`. (Townsend
        2016, Differentiating the singular value decomposition; Wan and Zhang,
        arXiv:1909.02659, for complex matrices.)
        """
        tangent = tangents[0]
        assert tangent is not None
        left, s, right = results(node)
        rows, columns, least = self.lengths(node.inputs[0].type)
        u, v = left[..., :, :least], adjoint(right)[..., :, :least]
        inner = adjoint(u) @ tangent @ v
        both = (inner + adjoint(inner)) * inverse_gaps(s)
        bound, sums = rounding_of(s), expand_dims(s, -1) + expand_dims(s, -2)
        apart = (inner - adjoint(inner)) * inverse_or_zero(sums, expand_dims(bound, -1))
        inverse = inverse_or_zero(s, bound)
        turned_u = u @ (0.5 * (both + apart))
        turned_v = v @ (0.5 * (both - apart))
        if least != rows:
            turned_u = turned_u + _outside(u, columns_by(tangent @ v, inverse))
        if least != columns:
            turned_v = turned_v + _outside(v, columns_by(adjoint(tangent) @ u, inverse))
        if self.full_matrices:
            turned_u = _completed(turned_u, left, least, rows)
            turned_v = _completed(turned_v, adjoint(right), least, columns)
        return turned_u, real_part(diagonal(inner, 0, -2, -1)), adjoint(turned_v)

    def work(self, node: Node) -> float:
        """Many factorisations."""
        return 500.0

    def flops(self, node: Node) -> Dim:
        """``6 l k**2 + 20 k**3``, about, of sizes l >= k (Trefethen and Bau, lecture 31)."""
        return singular(node.inputs[0], 6, 20)


def _outside(basis: Node, x: Node) -> Node:
    """The part of `x` that the columns of `basis` do not span."""
    return x - basis @ (adjoint(basis) @ x)


def _completed(turned: Node, basis: Node, known: Dim, length: Dim) -> Node:
    """Derivative of a whole basis from that of its first columns: the others turn least."""
    if known == length:
        return turned
    first, rest = basis[..., :, :known], basis[..., :, known:]
    return concatenate([turned, -(first @ (adjoint(turned) @ rest))], axis=-1)


@record
class SvdVals(_Singular):
    """The singular values, in descending order."""

    name: ClassVar[str] = "svdvals"

    def infer(self, *types: TensorType) -> Type:
        """A vector for each matrix."""
        return self.values_type(types[0])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.svdvals``."""
        return call("np.linalg.svdvals", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``diag(U^H da V)``, real."""
        tangent = tangents[0]
        assert tangent is not None
        u, _, vh = results(make(Svd(), node.inputs[0]))
        return real_part(diagonal(adjoint(u) @ tangent @ adjoint(vh), 0, -2, -1))

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``U^* diag(ct) V^T``."""
        u, _, vh = results(make(Svd(), node.inputs[0]))
        factor = adjoint(columns_by(u, cotangent))
        return (_transposed(adjoint(vh) @ factor),)

    def work(self, node: Node) -> float:
        """Many factorisations."""
        return 200.0

    def flops(self, node: Node) -> Dim:
        """``2 l k**2 + 2 k**3``, about, of sizes l >= k (Trefethen and Bau, lecture 31)."""
        return singular(node.inputs[0], 2, 2)


def _transposed(x: Node) -> Node:
    axes = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return x.transpose(axes)


@of_numpy(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Singular value decomposition, as ``np.linalg.svd``.

    Parameters
    ----------
    a : array_like
        Shape (..., m, n). Where m and n are symbolic and do not tell which is smaller, n is,
        and a call checks it: of wide matrices decompose the transpose.
    full_matrices : bool, optional
        Whether U and Vh are square.
    compute_uv : bool, optional
        Whether the vectors are wanted; otherwise the result is that of `svdvals`.
    hermitian : bool, optional
        Whether the matrix is Hermitian, of which the lower triangle is read.

    Returns
    -------
    SVDResult
        ``U``, ``S``, ``Vh``.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.

    Notes
    -----
    Singular vectors are determined up to a sign (complex: a phase), and for equal singular values
    up to a rotation: those have derivatives only in what does not depend on the choice, which
    is what comes out (``U @ Vh``, projectors, any function of the singular values symmetric in
    equal ones). Vectors that belong to no singular value, of ``full_matrices=True``, turn as
    little as they can.

    Examples
    --------
    >>> import symgraph as sg
    >>> u, s, vh = sg.linalg.svd(sg.placeholder("a", ("n", 2)), full_matrices=False)
    >>> u.shape, s.shape, vh.shape
    ((n, 2), (2,), (2, 2))
    """
    node = _matrix(a, "svd", hermitian)
    if not compute_uv:
        return make(SvdVals(), node)
    if hermitian:
        return _of_eigenvectors(node)
    return SVDResult(*results(make(Svd(bool(full_matrices)), node)))


def _of_eigenvectors(a: Node) -> SVDResult:
    """As NumPy makes it: eigenvectors by descending magnitude, with the signs of the values."""
    values, vectors = eigh(a)
    order = flip(argsort(absolute(values)), -1)
    values = take_along_axis(values, order, -1)
    u = take_along_axis(vectors, expand_dims(order, -2), -1)
    return SVDResult(u, absolute(values), adjoint(columns_by(u, sign(values))))


def _matrix(a: Any, what: str, hermitian: bool) -> Node:
    node = floating(a, what, real=False)
    check_matrix(node.type, what)
    if hermitian:
        check_square(node.type, what)
    return mirrored(node) if hermitian else node


@of_numpy(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """Singular values in descending order, as ``np.linalg.svdvals``.

    Parameters
    ----------
    x : array_like
        Shape (..., m, n); sizes as of `svd`.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.

    Notes
    -----
    The derivative of a single value is determined where it is simple and not 0; that of their
    sum, of their squares and of their maximum by the conventions of those.
    """
    return make(SvdVals(), _matrix(x, "svdvals", False))


@evaluated()
def polar(a: Any, side: str = "right") -> Any:
    """Polar decomposition, as ``scipy.linalg.polar``.

    Parameters
    ----------
    a : array_like
        Shape (..., m, n).
    side : {"right", "left"}
        Whether ``a = u @ p`` or ``a = p @ u``.

    Returns
    -------
    u : Node
        Orthonormal columns, or rows.
    p : Node
        Positive semidefinite.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    UnsupportedError
        For another side.

    Notes
    -----
    The derivatives are right for equal singular values too; that of `u` needs them not to be 0.
    """
    if side not in ("right", "left"):
        raise UnsupportedError("polar: side", expected="'right' or 'left'", got=repr(side))
    left, s, right = results(make(Svd(), _matrix(a, "polar", False)))
    basis = adjoint(right) if side == "right" else left
    return left @ right, columns_by(basis, s) @ adjoint(basis)


# Examples for the tests ------------------------------------------------------------------------


def _invariants(x: Any) -> Any:
    """What does not depend on the choice of singular vectors."""
    u, s, vh = svd(x, full_matrices=False)
    return s, u @ vh, (u * np.exp(-s)[..., None, :]) @ vh


def _complement(x: Any) -> Any:
    """The projector onto what the columns do not span."""
    u = np.linalg.svd(x).U[..., :, 2:]
    return u @ u.conj().mT


def _row_complement(x: Any) -> Any:
    vh = np.linalg.svd(x).Vh[..., 2:, :]
    return vh.mT @ vh


def _by_root(x: Any) -> Any:
    """The polar decomposition by the square root of ``x^T x``."""
    w, v = np.linalg.eigh(x.mT @ x)
    p = (v * np.sqrt(w)[..., None, :]) @ v.mT
    return x @ np.linalg.inv(p), p


_TALL, _STACK = array(4, 2), regular(2, 3, 3)

EXAMPLES: dict[str, list[Example]] = {
    "svd": [
        Example(lambda x: tuple(np.linalg.svd(x, full_matrices=False)), (_TALL,)),
        Example(lambda x: tuple(np.linalg.svd(x)), (_STACK,)),
        Example(_invariants, (_TALL,)),
        Example(lambda x: _invariants(np.reshape(x, (2, 4))), (array(8),)),
        Example(_invariants, (_STACK.astype(np.float32),)),
        Example(_invariants, (np.zeros((2, 0, 0)),)),
        Example(_invariants, (turned(_TALL),)),
        Example(lambda x: _invariants(np.reshape(x, (2, 4))), (turned(array(8)),)),
        Example(_invariants, (turned(_STACK),)),
        Example(_complement, (turned(_TALL),)),
        Example(_complement, (_TALL,)),
        Example(lambda x: _row_complement(np.reshape(x, (2, 3))), (array(6),)),
        Example(lambda x: np.linalg.svd(x, compute_uv=False), (np.array([[1, 2], [3, 5]]),)),
        Example(lambda x: np.linalg.svd(x, hermitian=True).S, (_STACK[0] + _STACK[0].T,)),
    ],
    "polar": [
        Example(polar, (_STACK,), _by_root),
        Example(polar, (_TALL,), _by_root),
        Example(
            lambda x: polar(x, "left"),
            (_STACK,),
            lambda x: tuple([part.mT for part in _by_root(x.mT)]),
        ),
    ],
    "svdvals": [
        Example(np.linalg.svdvals, (array(2, 3, 2),)),
        Example(np.linalg.svdvals, (turned(array(3, 2)),)),
        Example(lambda x: np.linalg.svdvals(np.reshape(x, (2, 3))), (array(6),)),
    ],
}
