"""Pseudo-inverse and least squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, subscript
from symgraph.graph.leaves import float_text
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.arrange import moveaxis
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import zeros
from symgraph.ops.elementwise import astype, where
from symgraph.ops.kinds import Example, Structured, any_node, promote
from symgraph.ops.linalg.cholesky import hermitian, positive_definite
from symgraph.ops.linalg.operands import (
    adjoint,
    check_matrix,
    check_square,
    conjugate,
    floating,
    mirrored,
    real_part,
    singular,
)
from symgraph.ops.linalg.rank import MatrixRank
from symgraph.ops.linalg.solve import regular, turned
from symgraph.ops.linalg.svd import svd, svdvals
from symgraph.ops.products import array
from symgraph.ops.reduce import sum
from symgraph.ops.reduce_order import max
from symgraph.ops.shape import expand_dims, shape_text, squeeze, surely_nonnegative

__all__ = ["lstsq", "pinv"]


_DEFAULT: Any = getattr(np, "_NoValue")  # noqa: B009 - NumPy's own mark, which has no public name


def _text(value: Any, what: str) -> str:
    """Source of a tolerance, which must be a number."""
    if value is None:
        return "None"
    if any_node(value) or np.ndim(value):
        raise UnsupportedError(f"{what}: the tolerance must be a number", got=repr(value))
    return float_text(float(value))


@record
class Pinv(OnTrailingAxes, Structured):
    """The pseudo-inverse; singular values below `rtol` times the largest count as 0.

    `rtol` is source: empty for NumPy's default of this function, 1e-15.
    """

    rtol: str = ""
    hermitian: bool = False
    name: ClassVar[str] = "pinv"

    def infer(self, *types: TensorType) -> Type:
        """The transposed shape."""
        (a,) = types
        return a.with_shape((*a.shape[:-2], a.shape[-1], a.shape[-2]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.pinv``."""
        hermitian = "True" if self.hermitian else ""
        return call("np.linalg.pinv", *args, rtol=self.rtol, hermitian=hermitian)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``-P da P + P P^H da^H (1 - a P) + (1 - P a) da^H P^H P``, where the rank stays.

        (Golub and Pereyra 1973, SIAM Journal on Numerical Analysis 10.)
        """
        tangent = tangents[0]
        assert tangent is not None
        (a,), p = node.inputs, node
        if self.hermitian:
            a, tangent = mirrored(a), mirrored(tangent)
        if _cuts(self.rtol):
            return _cut_change(a, tangent, float(self.rtol))
        change = -(p @ tangent @ p)
        back = adjoint(tangent)
        # A square matrix may be singular: then both terms count.
        left = p @ (adjoint(p) @ back)
        change = change + left - (left @ a) @ p
        right = (back @ adjoint(p)) @ p
        return change + right - p @ (a @ right)

    def work(self, node: Node) -> float:
        """As a decomposition into singular values."""
        return 500.0

    def flops(self, node: Node) -> Dim:
        """The singular vectors, and a product."""
        a = node.inputs[0]
        return singular(a, 8, 20)


_ROUNDING = 1e-6
"""A tolerance below it only tells which singular values are rounding errors of 0."""


def _cuts(rtol: str) -> bool:
    """Whether singular values may be left out that are not 0."""
    return rtol not in ("", "None") and float(rtol) > _ROUNDING


def _cut_change(a: Node, tangent: Node, rtol: float) -> Node:
    """The tangent of the pseudo-inverse of the largest singular values alone.

    It is ``a^H g(a a^H)``, with g(w) = 1/w of what is kept and 0 of the rest. In the vectors u the
    function g changes by ``(g_i - g_j) / (w_i - w_j)`` times the change of its argument (Daleckii
    and Krein 1965); vectors that belong to no singular value have w = 0. The vectors v are not
    needed, whose phases no vanishing singular value determines.
    """
    u, s, _ = svd(a, full_matrices=False)
    left = adjoint(u)
    kept, w = s > rtol * max(s, axis=-1, keepdims=True), s * s
    g = where(kept, 1.0 / where(kept, w, 1.0), 0.0)
    g_i, g_j = expand_dims(g, -1), expand_dims(g, -2)
    mixed = expand_dims(kept, -1) != expand_dims(kept, -2)
    gap = where(mixed, expand_dims(w, -1) - expand_dims(w, -2), 1.0)
    slope = where(mixed, (g_i - g_j) / gap, -g_i * g_j)
    change = tangent @ adjoint(a)
    rows = left @ (change + adjoint(change))
    inside = rows @ u
    changed = u @ (slope * inside) @ left
    if not surely_nonnegative(a.shape[-1] - a.shape[-2]):
        outside = u @ (g_i * g_i * (rows - inside @ left))
        changed = changed + outside + adjoint(outside)
    return adjoint(tangent) @ (u * g_j) @ left + adjoint(a) @ changed


@of_numpy(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _DEFAULT) -> Any:
    """Pseudo-inverse of matrices, as ``np.linalg.pinv``.

    Parameters
    ----------
    a : array_like
        Shape (..., m, n).
    rcond, rtol : float, optional
        Singular values below this fraction of the largest count as 0: 1e-15 by default; with
        ``rtol=None`` the precision times the larger size. The two are one.
    hermitian : bool, optional
        Whether the matrix is Hermitian, of which the lower triangle is read.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions; if a Hermitian matrix is not square.
    UnsupportedError
        If the tolerance is not a number.

    Notes
    -----
    The derivative is that of matrices of the same rank: where the rank changes there is none,
    and the pseudo-inverse is not continuous. With a tolerance above 1e-6 the singular values
    that it leaves out may be other than 0; it takes the singular vectors then.

    Examples
    --------
    >>> import symgraph as sg
    >>> sg.linalg.pinv(sg.placeholder("a", ("n", "m"))).shape
    (m, n)
    """
    if rcond is not None and rtol is not _DEFAULT:
        raise UnsupportedError("pinv: rcond and rtol are the same", got=f"{rcond} and {rtol}")
    node, given = floating(a, "pinv", real=False), as_node(a)
    check_matrix(node.type, "pinv")
    if 0 in given.shape[-2:] and not given.type.inexact:
        return zeros((*given.shape[:-2], given.shape[-1], given.shape[-2]), given.dtype)
    if hermitian:
        check_square(node.type, "pinv")
    known = rcond if rtol is _DEFAULT else rtol
    text = "" if known is None and rtol is _DEFAULT else _text(known, "pinv")
    return make(Pinv(text, bool(hermitian)), node)


class LstsqResult(NamedTuple):
    """Solution, sums of squared residuals, rank, and singular values."""

    x: Node
    residuals: Node
    rank: Node
    s: Node


@record
class Lstsq(Structured):
    """The shortest x for which ``|a x - b|`` is least."""

    rcond: str = "None"
    name: ClassVar[str] = "lstsq"

    def infer(self, *types: TensorType) -> Type:
        """The columns of `a` by those of `b`."""
        a, b = types
        if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
            raise ShapeError(
                "lstsq: the shapes do not fit",
                expected="a matrix (m, n) and b of shape (m,) or (m, k)",
                got=f"{shape_text(a.shape)} and {shape_text(b.shape)}",
                hint="stacks of matrices: sg.linalg.pinv(a) @ b",
            )
        return TensorType(promote([a.dtype, b.dtype]), (a.shape[1], *b.shape[1:]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.lstsq``, of which the solution is taken."""
        rcond = "" if self.rcond == "None" else self.rcond
        return subscript(call("np.linalg.lstsq", *args, rcond=rcond), "0")

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``P (db - da x) + P P^H da^H r + (1 - P a) da^H P^H x``, with the residual r."""
        a, b = node.inputs
        change, right = tangents
        p = make(Pinv(self.rcond), a)
        if change is not None and _cuts(self.rcond):
            moved = _cut_change(a, change, float(self.rcond)) @ b
            return moved if right is None else moved + p @ right
        if change is None:
            assert right is not None
            return p @ right
        inside = -(change @ node) if right is None else right - change @ node
        residual = b - a @ node
        kernel = adjoint(change) @ (adjoint(p) @ node)
        moved = inside + adjoint(p) @ (adjoint(change) @ residual) - a @ kernel
        return p @ moved + kernel

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Right sides of one matrix are columns; stacks of matrices have pseudo-inverses."""
        a, b = operands
        if mapped[0]:
            vector = node.inputs[1].ndim == 1
            p = make(Pinv(self.rcond), a)
            return squeeze(p @ expand_dims(b, -1), -1) if vector else p @ b
        columns = moveaxis(b, 0, -1)
        flat = columns.reshape((b.shape[1], -1))
        x = make(self, a, flat)
        return moveaxis(x.reshape((x.shape[0], *columns.shape[1:])), -1, 0)

    def work(self, node: Node) -> float:
        """As a decomposition into singular values."""
        return 500.0

    def flops(self, node: Node) -> Dim:
        """The singular vectors, and products with the right sides."""
        a = node.inputs[0]
        return singular(a, 6, 20) + 4 * a.shape[0] * node.size


@of_numpy(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Least-squares solution of ``a @ x = b``, as ``np.linalg.lstsq``.

    Parameters
    ----------
    a : array_like
        Shape (m, n).
    b : array_like
        Shape (m,) or (m, k).
    rcond : float, optional
        Singular values below this fraction of the largest count as 0; by default the precision
        times the larger size.

    Returns
    -------
    LstsqResult
        ``x``, ``residuals``, ``rank``, ``s``. The residuals' shape is static: one for each column
        of `b` where there are more rows than columns, else none; NumPy leaves them out also
        where the rank is deficient.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    UnsupportedError
        If the tolerance is not a number.

    Notes
    -----
    The derivative is that of matrices of the same rank, as of `pinv`.

    Examples
    --------
    >>> import symgraph as sg
    >>> a, b = sg.placeholder("a", ("n", 3)), sg.placeholder("b", "n")
    >>> sg.linalg.lstsq(a, b).x.shape
    (3,)
    """
    left, right = (floating(x, "lstsq", real=False) for x in (a, b))
    tolerance = _text(rcond, "lstsq")
    x = make(Lstsq(tolerance), left, right)
    left = astype(left, x.dtype)
    rank = make(MatrixRank(rtol=tolerance), left).astype(np.int32)
    return LstsqResult(x, _residuals(left, right, x), rank, svdvals(left))


def _residuals(a: Node, b: Node, x: Node) -> Node:
    rows, columns = a.shape
    rest = b - a @ x
    squares = real_part(conjugate(rest) * rest)
    total = sum(squares, axis=0, keepdims=b.ndim == 1)
    return total[:0] if surely_nonnegative(columns - rows) else total


# Examples for the tests ------------------------------------------------------------------------


_TALL = array(4, 2)


def _of_rank_one(x: Any, y: Any, b: Any) -> Any:
    """The rank stays when the factors change."""
    return lstsq(np.outer(x, y), b, rcond=1e-8)[0]


EXAMPLES: dict[str, list[Example]] = {
    "pinv": [
        Example(np.linalg.pinv, (_TALL,)),
        Example(pinv, (regular(2, 3, 3),)),
        Example(pinv, (_TALL.T.astype(np.float32),)),
        Example(lambda x: pinv(x, hermitian=True), (positive_definite(3, 3),)),
        Example(lambda x: pinv(x @ x.T, rtol=1e-8), (_TALL,)),
        Example(lambda x: pinv(x, rtol=0.5), (_TALL,)),
        Example(lambda x: pinv(x, rtol=0.5, hermitian=True), (hermitian(3, 3),)),
        Example(lambda x: pinv(x, rtol=None), (np.array([[1.0, 2]]),)),
        Example(pinv, (np.zeros((0, 3)),)),
        Example(pinv, (turned(_TALL),)),
        Example(lambda x: pinv(x, hermitian=True), (hermitian(3, 3),)),
    ],
    "lstsq": [
        Example(lambda a, b: tuple(lstsq(a, b)), (_TALL, array(4, shift=1.0))),
        Example(lambda a, b: tuple(lstsq(a, b)), (_TALL, array(4, 3, shift=1.0))),
        Example(lambda a, b: lstsq(a, b, 1e-9)[0], (_TALL.T, array(2))),
        Example(lambda a, b: tuple(lstsq(a, b)), (turned(_TALL), array(4, 2))),
        Example(lambda a, b: lstsq(a, b)[0], (_TALL.T, turned(array(2)))),
        Example(lambda a, b: lstsq(a, b, 0.6)[0], (turned(array(3, 3)), array(3))),
        Example(_of_rank_one, (array(3), array(2), array(3, shift=1.0))),
        Example(
            lambda a, b: lstsq(a, b)[0],
            (_TALL.astype(np.float32), array(4).astype(np.float32)),
        ),
    ],
}
