"""What happened to a graph on its way to source."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from symgraph.graph.side import Origin
from symgraph.simplify import Firing

__all__ = ["Explanation", "Rewrite"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One rewrite that fired.

    Attributes
    ----------
    rule, law : str
        The rule's name and the law that it applies.
    before, after : str
        The node and what took its place.
    where : str
        The user's line.
    """

    rule: str
    law: str
    before: str
    after: str
    where: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rewrites of one compilation; prints as text, shows as HTML.

    Attributes
    ----------
    before, after : int
        Number of nodes.
    rewrites : list of Rewrite
    source : str
    """

    before: int = 0
    after: int = 0
    rewrites: list[Rewrite] = field(default_factory=list[Rewrite])
    source: str = ""

    @classmethod
    def of(
        cls, before: int, after: int, firings: Sequence[Firing], source: str
    ) -> Explanation:
        """From the simplifier's record."""
        rows = [
            Rewrite(
                f.rule.name, f.rule.law, repr(f.before), repr(f.after), _where(f.origin)
            )
            for f in firings
        ]
        return cls(before, after, rows, source)

    def __str__(self) -> str:
        lines = [f"{self.before} nodes as written, {self.after} after {len(self.rewrites)} rewrites"]
        for row in self.rewrites:
            lines += [f"{row.rule}: {row.law}", f"  {row.before}", f"  -> {row.after}"]
            if row.where:
                lines.append(f"  at {row.where}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{html.escape(row.rule)}</b>: {html.escape(row.law)}<br>"
            f"<code>{html.escape(row.before)}</code> → <code>{html.escape(row.after)}</code>"
            f"<br><small>{html.escape(row.where)}</small></li>"
            for row in self.rewrites
        )
        return (
            f"<p>{self.before} nodes as written, {self.after} after "
            f"{len(self.rewrites)} rewrites</p><ol>{items}</ol>"
        )


def _where(origin: Origin | None) -> str:
    return "" if origin is None else origin.location.describe()
