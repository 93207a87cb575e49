"""Who needs a node: what a rule may ask that gives up a value for cheaper ones."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import local

from symgraph.graph.node import Node, topological
from symgraph.ops.shape import Transpose

__all__ = ["Uses", "following", "users_of", "uses_of"]


class Uses:
    """The users of nodes while a graph is rewritten, worked out when they are asked for.

    Parameters
    ----------
    outputs : sequence of Node
        Of the graph as it came.
    mapping : dict
        From its nodes to what stands in their place, in the order in which they were done.
    """

    def __init__(self, outputs: Sequence[Node], mapping: dict[Node, Node]) -> None:
        self._outputs, self._mapping = outputs, mapping
        self._users: dict[Node, list[Node | None]] | None = None
        self._sources: dict[Node, list[Node]] = {}
        self._done = 0

    def of(self, node: Node) -> list[Node | None]:
        """The nodes of the graph as it came that take it; ``None`` for an output."""
        if self._users is None:
            self._users = {}
            for user in topological(self._outputs):
                for operand in dict.fromkeys(user.inputs):
                    self._users.setdefault(operand, []).append(user)
            for output in self._outputs:
                self._users.setdefault(output, []).append(None)
        fresh = len(self._mapping) - self._done
        for source, now in islice(reversed(self._mapping.items()), fresh):
            self._sources.setdefault(now, []).append(source)
        self._done += fresh
        sources = self._sources.get(node, [node])
        return [user for source in sources for user in self._users.get(source, ())]


class _Current(local):
    uses: Uses | None = None


_current = _Current()


@contextmanager
def following(uses: Uses) -> Generator[None]:
    """Let `uses_of` answer for the graph that is rewritten in this block."""
    before, _current.uses = _current.uses, uses
    try:
        yield
    finally:
        _current.uses = before


def uses_of(node: Node) -> list[Node | None]:
    """The users of a node, as `Uses.of`; none are known outside of a simplification."""
    return [] if _current.uses is None else _current.uses.of(node)


def users_of(node: Node) -> list[Node | None]:
    """The users of a value and of its transpose, which is a view of it."""
    below = node.inputs[0] if isinstance(node.op, Transpose) else node
    found: list[Node | None] = []
    for user in [*uses_of(below), *(uses_of(node) if node is not below else [])]:
        if user is not None and isinstance(user.op, Transpose):
            found += uses_of(user)
        else:
            found.append(user)
    return list(dict.fromkeys(found))
