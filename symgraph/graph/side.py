"""What stands beside a node: names, the user's line, what it is the gradient of.

None of it is meaning: equal expressions from two lines are one node.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import local
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from weakref import ref

from symgraph.errors import Location, user_location

if TYPE_CHECKING:
    from symgraph.graph.node import Node

__all__ = [
    "GRADIENT_OF",
    "NAMES",
    "ORIGINS",
    "FACTS",
    "GradientOf",
    "NOTES",
    "STEPS",
    "Origin",
    "SideTable",
    "current_origin",
    "note_gradient",
    "origin_as",
    "origin_at",
    "set_origin",
]

_T = TypeVar("_T")


class SideTable(Generic[_T]):
    """A mapping from nodes, by identity, that does not keep them alive."""

    forgetters: list[Callable[[int, None], object]] = []  # noqa: RUF012 - of all tables
    """What drops the entry of a node that died: bound methods, for there are many nodes."""

    def __init__(self) -> None:
        self._values: dict[int, _T] = {}
        SideTable.forgetters.append(self._values.pop)

    def get(self, node: Node) -> _T | None:
        """The entry of `node`, or ``None``."""
        return self._values.get(id(node))

    def __setitem__(self, node: Node, value: _T) -> None:
        self._values[id(node)] = value

    def in_order(self, nodes: Sequence[Node]) -> list[Node]:
        """Nodes in the order in which they were entered."""
        wanted = {id(node): node for node in nodes}
        return [wanted[key] for key in list(self._values) if key in wanted]

    def setdefault(self, node: Node, value: _T) -> _T:
        """Enter `value` unless there is an entry; returns the entry."""
        return self._values.setdefault(id(node), value)


class Origin(NamedTuple):
    """Where a node comes from."""

    location: Location
    gradient: bool = False
    """Whether it was derived from what the user wrote there."""


NAMES: SideTable[str] = SideTable()
ORIGINS: SideTable[Origin] = SideTable()
STEPS: SideTable[bool] = SideTable()
"""The nodes that another node of their own line was made of."""


FACTS: SideTable[frozenset[str]] = SideTable()
"""What a user states of the value of a node."""
NOTES: SideTable[str] = SideTable()
"""Why a node is as it is, for a comment in the emitted source: the reason of a branch."""


class GradientOf(NamedTuple):
    """That a node is the derivative of one value by another.

    The references are weak: a gradient may be the very node it is taken by.
    """

    value: ref[Node] | None
    by: ref[Node]


GRADIENT_OF: SideTable[tuple[GradientOf, ...]] = SideTable()


def note_gradient(gradient: Node, by: Node, value: Node | None, first: bool = False) -> None:
    """Remember what a cotangent belongs to: the emitter names it after that."""
    entry = GradientOf(None if value is None else ref(value), ref(by))
    known = GRADIENT_OF.get(gradient) or ()
    if first:
        GRADIENT_OF[gradient] = (entry, *known)
    elif len(known) < _MOST_NOTES:
        GRADIENT_OF[gradient] = (*known, entry)


_MOST_NOTES = 8


class _Current(local):
    origin: Origin | None = None


_current = _Current()


def current_origin() -> Origin | None:
    """The origin that a new node gets: what a pass set, or else the user's line."""
    if _current.origin is not None:
        return _current.origin
    location = user_location()
    return None if location is None else origin_at(location)


@lru_cache(maxsize=4096)
def origin_at(location: Location, gradient: bool = False) -> Origin:
    """The origin of a line; one object for all its nodes, which pickle it once."""
    return Origin(location, gradient)


@contextmanager
def origin_as(origin: Origin | None) -> Generator[None]:
    """Give new nodes this origin for the length of a block."""
    before = _current.origin
    _current.origin = origin
    try:
        yield
    finally:
        _current.origin = before


def set_origin(origin: Origin | None) -> None:
    """Give new nodes this origin from here on; for loops inside `origin_as`."""
    _current.origin = origin
