"""Arguments that a function changes in place: by which statement, and what that needs."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph.node import Node, topological
from symgraph.graph.record import record
from symgraph.ops.kinds import Elementwise

__all__ = ["Update", "plan_updates"]


@record
class Update:
    """One argument and its new value.

    Attributes
    ----------
    target : Node
        The placeholder.
    node : Node
        Its new value.
    place : int or None
        The operand of `node` that is the target, where an augmented assignment (``w -= d_w``)
        gives the new value; ``None`` where the value is computed and copied.
    """

    target: Node
    node: Node
    place: int | None = None

    @property
    def value(self) -> Node:
        """What the statement needs: the other operand, or the new value."""
        return self.node if self.place is None else self.node.inputs[1 - self.place]


def plan_updates(
    targets: Sequence[Node], new: Sequence[Node], outputs: Sequence[Node]
) -> list[Update]:
    """The statements that give arguments their new values.

    Parameters
    ----------
    targets, new : sequence of Node
        Placeholders and what they become.
    outputs : sequence of Node
        What else is computed: a value that is needed there cannot exist in the argument only.
    """
    if not targets:
        return []
    users: dict[Node, int] = {}
    for node in (*outputs, *new):
        users[node] = users.get(node, 0) + 1
    for node in topological([*outputs, *new]):
        for operand in node.inputs:
            users[operand] = users.get(operand, 0) + 1
    return [
        Update(target, node, _operand(target, node) if users[node] == 1 else None)
        for target, node in zip(targets, new, strict=True)
    ]


def _operand(target: Node, node: Node) -> int | None:
    if not isinstance(node.op, Elementwise) or node.result_type != target.result_type:
        return None
    for place in node.op.augmented:
        if node.inputs[place] is target:
            return place
    return None
