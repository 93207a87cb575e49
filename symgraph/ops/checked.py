"""A value that is only right for sizes that are large enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from symgraph.graph.code import Code, Scope
from symgraph.graph.links import Link, along
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.kinds import Example, Linear
from symgraph.ops.shape import nonnegative

__all__ = ["checked"]


@record
class Checked(OnTrailingAxes, Linear):
    """The operand; a call checks that some sizes are not negative."""

    holds: tuple[Dim, ...]
    name: ClassVar[str] = "checked"
    core: ClassVar[tuple[int, ...]] = (0,)
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)
    free: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """What must hold."""
        return nonnegative(*self.holds)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """Nothing: the check comes before."""
        return args[0]

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Itself."""
        return (make(self, cotangent),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Each element to itself."""
        places = tuple(map(along, range(node.ndim)))
        return [Link(node.shape, places, places)]


def checked(value: Node, *holds: Dim) -> Node:
    """A value, and sizes that must not be negative when it is computed.

    Raises
    ------
    ShapeError
        If one is a negative number.
    """
    found = nonnegative(*holds)
    return make(Checked(found), value) if found else value


# Examples for the tests ------------------------------------------------------------------------

EXAMPLES: dict[str, list[Example]] = {
    "checked": [
        Example(lambda x: make(Checked((1,)), as_node(x)), (np.arange(3.0),), lambda x: x),
    ]
}
