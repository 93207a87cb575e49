"""Determinant, and its sign and logarithm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, TupleType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.linalg.inv import inv
from symgraph.ops.linalg.operands import check_square, cubes, floating, real_dtype, real_part
from symgraph.ops.linalg.solve import regular, turned
from symgraph.ops.reduce import sum
from symgraph.ops.shape import expand_dims, swapaxes


def _log_tangent(a: Node, tangent: Node) -> Node:
    """``trace(a^-1 da)``."""
    return sum(swapaxes(inv(a), -1, -2) * tangent, axis=(-2, -1))


def _times_inverse(cotangent: Node, a: Node) -> Node:
    """``ct a^-T``."""
    spread = expand_dims(cotangent, (-2, -1)) if cotangent.ndim else cotangent
    return spread * swapaxes(inv(a), -1, -2)


@record
class Det(OnTrailingAxes, Structured):
    """The determinant."""

    name: ClassVar[str] = "det"

    def infer(self, *types: TensorType) -> Type:
        """A number for each matrix."""
        check_square(types[0], "det")
        return types[0].with_shape(types[0].shape[:-2])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.det``."""
        return call("np.linalg.det", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``det(a) trace(a^-1 da)`` (Jacobi's formula)."""
        tangent = tangents[0]
        assert tangent is not None
        return node * _log_tangent(node.inputs[0], tangent)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``ct det(a) a^-T``."""
        return (_times_inverse(cotangent * node, node.inputs[0]),)

    def work(self, node: Node) -> float:
        """A factorisation."""
        return 1000.0

    def flops(self, node: Node) -> Dim:
        """Those of the factorisation, ``2 n**3 / 3``."""
        return cubes(node.inputs[0], 2, 3)


@builder(np.linalg.det)
def det(a: Any) -> Any:
    """Determinant, as ``np.linalg.det``; `slogdet` neither overflows nor underflows.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    The derivative uses the inverse: at a singular matrix it raises NumPy's ``LinAlgError``.
    """
    return make(Det(), floating(a, "det", real=False)) if any_node(a) else np.linalg.det(a)


class SlogdetResult(NamedTuple):
    """Sign of a determinant and logarithm of its absolute value."""

    sign: Node
    logabsdet: Node


@record
class Slogdet(OnTrailingAxes, Structured):
    """Sign of the determinant, and logarithm of its absolute value."""

    name: ClassVar[str] = "slogdet"

    def infer(self, *types: TensorType) -> Type:
        """Two numbers for each matrix."""
        check_square(types[0], "slogdet")
        item = types[0].with_shape(types[0].shape[:-2])
        return TupleType((item, item.with_dtype(real_dtype(item.dtype))))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.slogdet``."""
        return call("np.linalg.slogdet", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``trace(a^-1 da)``; a real sign does not change, a complex one turns."""
        tangent = tangents[0]
        assert tangent is not None
        change = _log_tangent(node.inputs[0], tangent)
        if change.dtype.kind != "c":
            return None, change
        return make(Item(0), node) * (1j * apply("imag", change)), real_part(change)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``ct a^-T``; of complex matrices by the forward rule."""
        if node.inputs[0].dtype.kind == "c":
            return None
        log = cotangent[1]
        return (None if log is None else _times_inverse(log, node.inputs[0]),)

    def work(self, node: Node) -> float:
        """A factorisation."""
        return 1000.0

    def flops(self, node: Node) -> Dim:
        """Those of the factorisation, ``2 n**3 / 3``."""
        return cubes(node.inputs[0], 2, 3)


@builder(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Sign and logarithm of the absolute value of a determinant, as ``np.linalg.slogdet``.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).

    Returns
    -------
    SlogdetResult
        ``sign`` and ``logabsdet``; the derivative of a real sign is 0.

    Raises
    ------
    ShapeError
        If it is not square.
    """
    if not any_node(a):
        return np.linalg.slogdet(a)
    both = make(Slogdet(), floating(a, "slogdet", real=False))
    return SlogdetResult(make(Item(0), both), make(Item(1), both))


EXAMPLES: dict[str, list[Example]] = {
    "det": [
        Example(np.linalg.det, (regular(3, 3),)),
        Example(np.linalg.det, (regular(2, 3, 3),)),
        Example(np.linalg.det, (regular(2, 2).astype(np.float32),)),
        Example(np.linalg.det, (np.array([[2, 1], [1, 2]]),)),
        Example(np.linalg.det, (np.zeros((0, 0)),)),
        Example(np.linalg.det, (turned(regular(2, 3, 3)),)),
    ],
    "slogdet": [
        Example(lambda x: tuple(np.linalg.slogdet(x)), (regular(3, 3),)),
        Example(lambda x: tuple(np.linalg.slogdet(-x)), (regular(2, 3, 3),)),
        Example(lambda x: np.linalg.slogdet(x)[1], (regular(2, 2).astype(np.float32),)),
        Example(lambda x: np.linalg.slogdet(x).logabsdet, (regular(2, 2),)),
        Example(lambda x: tuple(np.linalg.slogdet(x)), (turned(regular(2, 3, 3)),)),
        Example(lambda x: np.linalg.slogdet(x)[1], (turned(regular(2, 2)).astype(np.complex64),)),
    ],
}
