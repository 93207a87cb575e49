"""Cholesky factorisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.diagonals import tril
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.linalg.operands import adjoint, check_square, cubes, floating, mirrored
from symgraph.ops.linalg.solve import solve, turned
from symgraph.ops.products import array


@record
class Cholesky(OnTrailingAxes, Structured):
    """The lower triangular L with ``L @ L.T`` equal to a positive definite matrix.

    Of a complex one ``L @ L.conj().T``.
    """

    name: ClassVar[str] = "cholesky"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        check_square(types[0], "cholesky")
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.cholesky``, which reads the lower triangle."""
        return call("np.linalg.cholesky", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``L phi(L^-1 S L^-H)``, where phi takes the lower triangle and halves the diagonal.

        S is Hermitian with the tangent's lower triangle: NumPy reads no other. (Murray 2016,
        Differentiation of the Cholesky decomposition, arXiv:1602.07527.)
        """
        tangent = tangents[0]
        assert tangent is not None
        inner = solve(node, adjoint(solve(node, mirrored(tangent))))
        return node @ (0.5 * (tril(inner) + tril(inner, -1)))

    def work(self, node: Node) -> float:
        """A third of a matrix product, by columns."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """``n**3 / 3``."""
        return cubes(node.inputs[0], 1, 3)


@builder(np.linalg.cholesky)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Cholesky factor of a positive definite matrix, as ``np.linalg.cholesky``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n). Only its lower triangle is read (with `upper` its upper one), so the
        derivative by the other elements is 0.
    upper : bool, optional
        Whether the result is upper triangular.

    Raises
    ------
    ShapeError
        If it is not square.
    """
    if not any_node(a):
        return np.linalg.cholesky(a, upper=upper)  # pyright: ignore[reportUnknownVariableType]
    node = floating(a, "cholesky", real=False)
    check_square(node.type, "cholesky")
    if upper:
        return adjoint(make(Cholesky(), adjoint(node)))
    return make(Cholesky(), node)


# Examples for the tests ------------------------------------------------------------------------


def positive_definite(*shape: int) -> Any:
    """Matrices with well separated eigenvalues."""
    factor = array(*shape)
    return np.matmul(factor, factor.mT) + np.diag(np.arange(1.0, shape[-1] + 1))


def hermitian(*shape: int) -> Any:
    """Complex ones."""
    factor = turned(array(*shape))
    return np.matmul(factor, factor.conj().mT) + np.diag(np.arange(1.0, shape[-1] + 1))


EXAMPLES: dict[str, list[Example]] = {
    "cholesky": [
        Example(np.linalg.cholesky, (positive_definite(3, 3),)),
        Example(np.linalg.cholesky, (positive_definite(2, 3, 3),)),
        Example(np.linalg.cholesky, (positive_definite(2, 2).astype(np.float32),)),
        Example(lambda x: cholesky(x, upper=True), (positive_definite(3, 3),)),
        Example(np.linalg.cholesky, (np.array([[4]]),)),
        Example(np.linalg.cholesky, (np.zeros((0, 0)),)),
        Example(np.linalg.cholesky, (hermitian(2, 3, 3),)),
        Example(lambda x: cholesky(x, upper=True), (hermitian(3, 3),)),
    ],
}
