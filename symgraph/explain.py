"""What happened to a graph on its way to source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symgraph.graph.code import LEVELS, Code, atom, attribute, call, infix, prefix
from symgraph.graph.graph import Graph
from symgraph.graph.leaves import SizeValue
from symgraph.graph.node import Node, apply_view
from symgraph.graph.record import record
from symgraph.graph.side import NAMES, ORIGINS, Origin
from symgraph.ops.kinds import Elementwise
from symgraph.simplify import Firing

__all__ = ["Explanation", "Rewrite"]


@record
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
    graph : Graph or None
        What was compiled, as the user wrote it, gradients included.
    """

    before: int = 0
    after: int = 0
    rewrites: list[Rewrite] = field(default_factory=list[Rewrite])
    source: str = ""
    graph: Graph | None = None

    @classmethod
    def of(
        cls,
        before: int,
        after: int,
        firings: Sequence[Firing],
        source: str,
        graph: Graph | None = None,
    ) -> Explanation:
        """From the simplifier's record."""
        known: dict[tuple[Node, int], Code] = {}
        places = {origin: _where(origin) for origin in {f.origin for f in firings}}
        rows = [
            Rewrite(
                f.rule.name,
                f.rule.law,
                _code(f.before, _DEPTH, known).text,
                _code(f.after, _DEPTH, known).text,
                places[f.origin],
            )
            for f in firings
        ]
        return cls(before, after, rows, source, graph)

    @property
    def notes(self) -> list[str]:
        """What operations have to say of themselves: a loop where there is no batched form."""
        nodes = [] if self.graph is None else self.graph.nodes
        return list(dict.fromkeys([_noted(node) for node in nodes if node.op.note]))

    @property
    def summary(self) -> str:
        """How many nodes there were and are, in one line."""
        plural = "" if len(self.rewrites) == 1 else "s"
        fired = f"{len(self.rewrites)} rewrite{plural}"
        return f"{self.before} nodes as written, {self.after} after {fired}"

    def __str__(self) -> str:
        lines = [self.summary, *self.notes]
        for row in self.rewrites:
            lines += [f"{row.rule}: {row.law}", f"  {row.before}", f"  -> {row.after}"]
            if row.where:
                lines.append(f"  at {row.where}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return apply_view("explanation", self)


def _where(origin: Origin | None) -> str:
    """The user's line; its file without folders, which differ from machine to machine."""
    if origin is None:
        return ""
    location = origin.location
    file = location.file.replace("\\", "/").rsplit("/", 1)[-1]
    place = "" if location.in_notebook else f"{file}:{location.line}"
    shown = ": ".join(filter(None, (place, location.text)))
    return f"gradient of {shown}" if origin.gradient else shown


def _noted(node: Node) -> str:
    where = _where(ORIGINS.get(node))
    return f"{node.op.note} ({where})" if where else node.op.note


_DEPTH = 3


def _code(node: Node, depth: int, known: dict[tuple[Node, int], Code]) -> Code:
    """The node as an expression, cut off a few operations below."""
    found = known.get((node, depth))
    if found is None:
        found = known[node, depth] = _written(node, depth, known)
    return found


def _written(node: Node, depth: int, known: dict[tuple[Node, int], Code]) -> Code:
    op = node.op
    if isinstance(op, SizeValue):
        return atom(str(op.size))
    if not node.inputs or NAMES.get(node):
        return atom(NAMES.get(node) or op.label)
    if not depth:
        return atom("…")
    args = [_code(operand, depth - 1, known) for operand in node.inputs]
    symbol = op.symbol if isinstance(op, Elementwise) else "@" if op.name == "matmul" else ""
    if symbol in LEVELS and len(args) == 2:
        return infix(symbol, *args)
    if symbol in ("-", "~") and len(args) == 1:
        return prefix(symbol, *args)
    if op.name == "transpose" and op.label.endswith("[axes=(1, 0)]"):
        return attribute(args[0], "T")
    # The attributes as further arguments: sum(x, axes=(0,)).
    attributes = op.label.removeprefix(op.name).removeprefix("[").removesuffix("]")
    return call(op.name, *args, *([attributes] if attributes else []))
