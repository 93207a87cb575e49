"""QR factorisation."""

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
from symgraph.ops.diagonals import tril
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, Structured
from symgraph.ops.linalg.operands import (
    adjoint,
    check_matrix,
    floating,
    on_diagonal,
    reflections,
    results,
    smaller,
)
from symgraph.ops.linalg.solve import regular, solve, turned
from symgraph.ops.products import array
from symgraph.ops.shape import nonnegative, swapaxes

__all__ = ["qr"]


class QRResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Node
    R: Node


@record
class Qr(OnTrailingAxes, Structured):
    """``a = Q @ R``; with ``mode="r"`` R alone."""

    mode: str = "reduced"
    name: ClassVar[str] = "qr"

    def infer(self, *types: TensorType) -> Type:
        """Both factors, or one."""
        (a,) = types
        rows, columns = a.shape[-2:]
        inner = rows if self.mode == "complete" else smaller(rows, columns)
        r = a.with_shape((*a.shape[:-2], inner, columns))
        return r if self.mode == "r" else TupleType((a.with_shape((*a.shape[:-1], inner)), r))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Where the sizes do not tell, there are no fewer rows than columns."""
        rows, columns = types[0].shape[-2:]
        return nonnegative(rows - columns) if smaller(rows, columns) == columns else ()

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.qr``."""
        return call("np.linalg.qr", *args, mode="" if self.mode == "reduced" else f'"{self.mode}"')

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """Q turns by the antisymmetric W whose lower triangle is that of ``Q^H da R^-1``.

        ``dR = Q^H da - W R``; what the columns do not span adds ``(1 - Q Q^H) da R^-1`` to dQ.
        A wide matrix is factorised by its first columns. (Walter and Lehmann 2012,
        arXiv:1001.1654.)
        """
        tangent = tangents[0]
        assert tangent is not None
        (a,) = node.inputs
        rows, columns = a.shape[-2:]
        least = smaller(rows, columns)
        q, r = results(make(Qr(), a) if self.mode == "r" else node)
        basis, triangle = q[..., :, :least], r[..., :least, :least]
        moved = _divided(tangent[..., :, :least], triangle)
        inner = adjoint(basis) @ moved
        lower = tril(inner, -1)
        turn = lower - adjoint(lower)
        if inner.dtype.kind == "c":
            turn = turn + on_diagonal(inner - adjoint(inner)) / 2
        changed = adjoint(basis) @ tangent - turn @ r[..., :least, :]
        if self.mode == "r":
            return changed
        turned = basis @ turn
        if rows != least:
            turned = turned + moved - basis @ inner
        if self.mode == "complete" and rows != least:
            rest = q[..., :, least:]
            turned = concatenate([turned, -(basis @ (adjoint(turned) @ rest))], axis=-1)
            below = r[..., least:, :]
            changed = concatenate([changed, below - below], axis=-2)
        return turned, changed

    def work(self, node: Node) -> float:
        """A few factorisations."""
        return 60.0

    def flops(self, node: Node) -> Dim:
        """Householder reflections: ``2 k**2 (l - k / 3)`` of sizes l >= k, and as many for Q."""
        return (1 if self.mode == "r" else 2) * reflections(node.inputs[0])


def _divided(x: Node, triangle: Node) -> Node:
    """``x r^-1``."""
    return swapaxes(solve(swapaxes(triangle, -1, -2), swapaxes(x, -1, -2)), -1, -2)


@of_numpy(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """QR factorisation, as ``np.linalg.qr``.

    Parameters
    ----------
    a : array_like
        Shape (..., m, n). Where m and n are symbolic and do not tell which is smaller, n is,
        and a call checks it.
    mode : {"reduced", "complete", "r"}
        Whether Q has min(m, n) or m columns; "r" gives R alone.

    Returns
    -------
    QRResult, or Node for ``mode="r"``
        ``Q``, ``R``.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    UnsupportedError
        For ``mode="raw"``, which is LAPACK's own storage.

    Notes
    -----
    The derivative needs R (its first columns, for a wide matrix) to be invertible: otherwise it
    raises NumPy's ``LinAlgError``. The columns of a complete Q that no column of `a` determines
    turn as little as they can.

    Examples
    --------
    >>> import symgraph as sg
    >>> q, r = sg.linalg.qr(sg.placeholder("a", ("n", 2)))
    >>> q.shape, r.shape
    ((n, 2), (2, 2))
    """
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError("qr: mode", expected="'reduced', 'complete' or 'r'", got=repr(mode))
    node = floating(a, "qr", real=False)
    check_matrix(node.type, "qr")
    found = results(make(Qr(mode), node))
    return found if mode == "r" else QRResult(*found)


# Examples for the tests ------------------------------------------------------------------------


def _complement(x: Any) -> Any:
    """The projector onto what the columns do not span."""
    q = np.linalg.qr(x, "complete").Q[..., :, 2:]
    return q @ q.conj().mT


_TALL = array(4, 2)

EXAMPLES: dict[str, list[Example]] = {
    "qr": [
        Example(lambda x: tuple(np.linalg.qr(x)), (_TALL,)),
        Example(lambda x: tuple(np.linalg.qr(x)), (regular(2, 3, 3),)),
        Example(lambda x: tuple(np.linalg.qr(np.reshape(x, (2, 3)))), (array(6),)),
        Example(lambda x: tuple(np.linalg.qr(x)), (regular(2, 2).astype(np.float32),)),
        Example(lambda x: np.linalg.qr(x, mode="r"), (array(2, 3, 2),)),
        Example(lambda x: tuple(np.linalg.qr(x, "complete")), (regular(3, 3),)),
        Example(lambda x: np.linalg.qr(x, "complete").R, (_TALL,)),
        Example(_complement, (_TALL,)),
        Example(np.linalg.qr, (np.zeros((0, 0)),)),
        Example(lambda x: tuple(np.linalg.qr(x)), (turned(_TALL),)),
        Example(lambda x: tuple(np.linalg.qr(np.reshape(x, (2, 3)))), (turned(array(6)),)),
        Example(_complement, (turned(_TALL),)),
        Example(lambda x: np.linalg.qr(x).R, (np.array([[1, 2], [3, 5]]),)),
    ],
}
