"""Rank and condition of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import float_text
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.kinds import Discrete, Example, any_node
from symgraph.ops.linalg.inv import inv
from symgraph.ops.linalg.norm import norm
from symgraph.ops.linalg.operands import check_matrix, check_square, floating, singular
from symgraph.ops.linalg.solve import regular
from symgraph.ops.linalg.svd import svdvals
from symgraph.ops.products import array

__all__ = ["cond", "matrix_rank"]


@record
class MatrixRank(OnTrailingAxes, Discrete):
    """How many singular values are not 0. `tol` and `rtol` are source, empty for the default."""

    tol: str = ""
    rtol: str = ""
    hermitian: bool = False
    name: ClassVar[str] = "matrix_rank"

    def infer(self, *types: TensorType) -> Type:
        """An integer for each matrix."""
        return TensorType(np.dtype(np.int64), types[0].shape[:-2])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.matrix_rank``."""
        hermitian = "True" if self.hermitian else ""
        rtol = "" if self.rtol == "None" else self.rtol
        return call("np.linalg.matrix_rank", *args, tol=self.tol, hermitian=hermitian, rtol=rtol)

    def work(self, node: Node) -> float:
        """As the singular values."""
        return 2000.0

    def flops(self, node: Node) -> Dim:
        """As the singular values."""
        return singular(node.inputs[0], 2, 2)


@of_numpy(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Rank of matrices by their singular values, as ``np.linalg.matrix_rank``; no derivative.

    Parameters
    ----------
    A : array_like
        Shape (..., m, n); less than two dimensions count as a row.
    tol, rtol : float, optional
        What counts as 0, absolutely or as a fraction of the largest: by default the precision
        times the larger size.
    hermitian : bool, optional
        Whether the matrix is Hermitian, of which the lower triangle is read.

    Raises
    ------
    UnsupportedError
        If a tolerance is not a number.
    """
    node = floating(A, "matrix_rank", real=False)
    if node.ndim < 2:
        return as_node((node != 0).any().astype(np.int64))
    if hermitian:
        check_square(node.type, "matrix_rank")
    return make(MatrixRank(_number_text(tol), _number_text(rtol), bool(hermitian)), node)


def _number_text(value: Any) -> str:
    if value is None:
        return ""
    if any_node(value) or np.ndim(value):
        raise UnsupportedError("matrix_rank: the tolerance must be a number", got=repr(value))
    return float_text(float(value))


@of_numpy(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Condition number of matrices, as ``np.linalg.cond``.

    Parameters
    ----------
    x : array_like
        Shape (..., m, n); square unless p is None, 2 or -2.
    p : {None, 2, -2, "fro", "nuc", 1, -1, inf, -inf}, optional
        The norm: with None or 2 the largest singular value over the smallest, with -2 the
        inverse of that.

    Raises
    ------
    ShapeError
        If it is not a matrix.
    UnsupportedError
        For other norms.

    Notes
    -----
    For a singular matrix the values of p None and 2 are infinite, those of the other norms an
    error of NumPy's ``inv``.
    """
    node = floating(x, "cond", real=False)
    check_matrix(node.type, "cond")
    if p is None or p in (2, -2):
        s = svdvals(node)
        first, last = s[..., 0], s[..., -1]
        return last / first if p == -2 else first / last
    axes = (-2, -1)
    return norm(node, p, axes) * norm(inv(node), p, axes)


# Examples for the tests ------------------------------------------------------------------------

EXAMPLES: dict[str, list[Example]] = {
    "matrix_rank": [
        Example(np.linalg.matrix_rank, (array(2, 3, 3),)),
        Example(lambda x: np.linalg.matrix_rank(x, tol=10.0), (regular(3, 3),)),
        Example(lambda x: np.linalg.matrix_rank(x @ x.T, hermitian=True), (array(3, 2),)),
        Example(lambda x: np.linalg.matrix_rank(x, rtol=0.5), (array(3, 2).astype(np.float32),)),
        Example(np.linalg.matrix_rank, (np.zeros(3),)),
    ],
    "cond": [
        Example(np.linalg.cond, (regular(3, 3),)),
        Example(lambda x: np.linalg.cond(x, -2), (array(2, 3, 2),)),
        Example(lambda x: np.linalg.cond(x, 1), (regular(2, 3, 3),)),
        Example(lambda x: np.linalg.cond(x, "nuc"), (regular(3, 3),)),
        Example(lambda x: np.linalg.cond(x, "fro"), (regular(2, 2).astype(np.float32),)),
    ],
}
