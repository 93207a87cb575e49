"""The inverse of a matrix."""

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
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.linalg.operands import check_square, cubes, floating
from symgraph.ops.linalg.solve import regular, turned


@record
class Inv(OnTrailingAxes, Structured):
    """The inverse."""

    name: ClassVar[str] = "inv"
    analytic: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        check_square(types[0], "inv")
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.inv``."""
        return call("np.linalg.inv", *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``-a^-1 da a^-1``."""
        tangent = tangents[0]
        assert tangent is not None
        return -(node @ tangent @ node)

    def work(self, node: Node) -> float:
        """As a factorisation and a product."""
        return 60.0

    def flops(self, node: Node) -> Dim:
        """``2 n**3``."""
        return cubes(node.inputs[0], 2)


@builder(np.linalg.inv)
def inv(a: Any) -> Any:
    """Inverse of a square matrix, as ``np.linalg.inv``; `solve` is faster and more accurate.

    Parameters
    ----------
    a : array_like
        Shape (..., n, n).

    Raises
    ------
    ShapeError
        If it is not square.
    """
    if not any_node(a):
        return np.linalg.inv(a)  # pyright: ignore[reportUnknownVariableType]
    return make(Inv(), floating(a, "inv", real=False))


EXAMPLES: dict[str, list[Example]] = {
    "inv": [
        Example(np.linalg.inv, (regular(3, 3),)),
        Example(np.linalg.inv, (regular(2, 3, 3),)),
        Example(np.linalg.inv, (regular(2, 2).astype(np.float32),)),
        Example(np.linalg.inv, (np.array([[2]]),)),
        Example(np.linalg.inv, (turned(regular(2, 3, 3)),)),
    ],
}
