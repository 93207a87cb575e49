"""Linear systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, product
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.arrange import moveaxis
from symgraph.ops.batching import broadcast_apart, in_front
from symgraph.ops.kinds import Example, Structured, any_node, promote
from symgraph.ops.linalg.operands import check_square, cubes, floating
from symgraph.ops.products import array, matmul
from symgraph.ops.shape import expand_dims, reshape, shape_text, squeeze, swapaxes


@record
class Solve(Structured):
    """``a^-1 b`` by the factorisation of a."""

    name: ClassVar[str] = "solve"
    analytic: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """Sizes of b, behind the broadcast batch; one dimension of b is one vector (NumPy 2)."""
        a, b = types
        check_square(a, "solve")
        rows = b.shape[0] if b.ndim == 1 else b.shape[-2] if b.ndim else None
        if rows != a.shape[-1]:
            raise ShapeError(
                "solve: the right side does not fit the matrix",
                expected=f"{a.shape[-1]} rows, for the matrix {shape_text(a.shape)}",
                got=shape_text(b.shape),
                hint="only b of one dimension is a vector; b[..., None] makes columns of vectors",
            )
        what = f"solve of {shape_text(a.shape)} and {shape_text(b.shape)}"
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2], what=what)
        dtype = promote([a.dtype, b.dtype])
        return TensorType(dtype, (*batch, *b.shape[-2:]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.solve``."""
        return call("np.linalg.solve", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``a^-1 (db - da x)``."""
        a, b = node.inputs
        change, right = tangents
        vector = b.ndim == 1
        if change is not None:
            moved = _applied(change, node, vector)
            right = -moved if right is None else right - moved
        assert right is not None
        return _solved(a, right, vector)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``w = a^-T ct`` for b, ``-w x^T`` for a."""
        a, b = node.inputs
        vector = b.ndim == 1
        w = _solved(swapaxes(a, -1, -2), cotangent, vector)
        if vector:
            return -(expand_dims(w, -1) * expand_dims(node, -2)), w
        return -(w @ swapaxes(node, -1, -2)), w

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The batch; and columns of the right side."""
        core = min(node.inputs[1].ndim, 2)
        counts = [node.inputs[0].ndim - 2, node.inputs[1].ndim - core]
        own, most = node.inputs[operand], result.ndim - core
        found = broadcast_apart(result, own, counts[operand], most)
        return (*found[:-1], node.inputs[1].ndim - 1) if operand and core == 2 else found

    def work(self, node: Node) -> float:
        """As a factorisation."""
        return 30.0

    def flops(self, node: Node) -> Dim:
        """The factorisation, ``2 n**3 / 3``, and two triangular systems for each column."""
        a = node.inputs[0]
        return cubes(a, 2, 3) + 2 * a.shape[-1] * node.size

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Right sides for one matrix are columns beside each other."""
        (a, b), (first, second) = operands, node.inputs
        vector = second.ndim == 1
        if first.ndim == 2 and second.ndim <= 2 and not mapped[0]:
            columns = reshape(
                moveaxis(b, 0, -1), (first.shape[0], product(second.shape[1:]) * size)
            )
            result = reshape(make(self, a, columns), (*second.shape, size))
            return moveaxis(result, -1, 0)
        if vector and mapped[1]:
            columns = expand_dims(in_front(b, node.ndim), -1)
            return squeeze(make(self, a, columns), -1)
        rank = max(first.ndim, second.ndim)
        return make(
            self,
            in_front(a, rank) if mapped[0] else a,
            in_front(b, rank) if mapped[1] else b,
        )


def _solved(a: Node, right: Node, vector: bool) -> Node:
    """Solution for right sides that are vectors, or matrices; stacks of vectors are columns."""
    if not vector or right.ndim == 1:
        return make(Solve(), a, right)
    return squeeze(make(Solve(), a, expand_dims(right, -1)), -1)


def _applied(change: Node, x: Node, vector: bool) -> Node:
    if not vector or x.ndim == 1:
        return matmul(change, x)
    return squeeze(matmul(change, expand_dims(x, -1)), -1)


@builder(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """Solution x of ``a @ x = b``, as ``np.linalg.solve``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).
    b : array_like
        Shape (n,) for a vector, otherwise (..., n, k): NumPy 2's rule.

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> solve(placeholder("a", ("n", "n")), placeholder("b", ("n", 2))).shape
    (n, 2)
    """
    if not any_node(a, b):
        return np.linalg.solve(a, b)  # pyright: ignore[reportUnknownVariableType]
    return make(Solve(), floating(a, "solve", real=False), floating(b, "solve", real=False))


# Examples for the tests ------------------------------------------------------------------------


def regular(*shape: int) -> Any:
    """Matrices far from singular."""
    return array(*shape) + 3.0 * np.eye(shape[-1])


def turned(x: Any) -> Any:
    """Complex numbers of the same magnitudes."""
    angles = np.arange(int(x.shape[-1]))
    return x * np.exp(1j * angles)


EXAMPLES: dict[str, list[Example]] = {
    "solve": [
        Example(np.linalg.solve, (regular(3, 3), array(3))),
        Example(np.linalg.solve, (regular(3, 3), array(3, 2))),
        Example(np.linalg.solve, (regular(4, 3, 3), array(3))),
        Example(np.linalg.solve, (regular(4, 3, 3), array(3, 2))),
        Example(np.linalg.solve, (regular(3, 3), array(4, 3, 2))),
        Example(np.linalg.solve, (regular(1, 2, 2), array(4, 2, 1))),
        Example(np.linalg.solve, (regular(2, 2).astype(np.float32), array(2).astype(np.float32))),
        Example(np.linalg.solve, (np.array([[2, 1], [1, 3]]), array(2))),
        Example(np.linalg.solve, (np.zeros((0, 0)), np.zeros(0))),
        Example(np.linalg.solve, (turned(regular(3, 3)), array(3))),
        Example(np.linalg.solve, (regular(2, 3, 3), turned(array(3, 2)))),
    ],
}
