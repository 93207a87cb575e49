"""Names for the emitted source: the user's where there is one, made safe and unique."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

from symgraph.graph.code import HELPERS

__all__ = ["Names", "safe_name"]

RESERVED = frozenset(
    {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "np", "scipy", "sys", "saved", "_check"}
)
LONGEST = 40


def safe_name(text: str) -> str:
    """An identifier that reads like `text`.

    Examples
    --------
    >>> [safe_name(t) for t in ("learning rate", "2x", "class", "θ", "a'); import os", "")]
    ['learning_rate', 'v_2x', 'class_', 'θ', 'a_import_os', 'v']
    """
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\W+", "_", text)
    if text.startswith("__"):
        text = text.lstrip("_")
    text = (text.rstrip("_") if not text.isidentifier() or len(text) > 1 else text)[:LONGEST]
    if not text.isidentifier():
        text = f"v_{text}".rstrip("_")
    if not text.isidentifier() or not text.strip("_"):
        text = "v"
    return f"{text}_" if text in RESERVED or text in HELPERS else text


class Names:
    """The names taken in one scope.

    Examples
    --------
    >>> names = Names()
    >>> names.fresh("x"), names.fresh("x"), names.fresh("np")
    ('x', 'x_2', 'np_')
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def fresh(self, wish: str) -> str:
        """A name like `wish` that is not taken, and is from now on."""
        base = safe_name(wish)
        name = base
        number = self._next.get(base, 2)
        while name in self._taken:
            name = f"{base}_{number}"
            number += 1
            self._next[base] = number
        self._taken.add(name)
        return name

    def release(self, name: str) -> None:
        """Let a name be taken again: what it stood for is over."""
        self._taken.discard(name)
        self._next.clear()

    def taken(self) -> frozenset[str]:
        """The names taken so far."""
        return frozenset(self._taken)

    def child(self) -> Names:
        """The names of a scope inside this one."""
        return Names(self._taken)
