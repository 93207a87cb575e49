"""What happened to a graph on its way to source."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Container, Mapping, Sequence
from functools import cached_property
from operator import is_
from typing import Any

from symgraph.graph.code import LEVELS, Code, atom, attribute, call, infix, prefix
from symgraph.graph.cost import Cost, cost_of
from symgraph.graph.graph import Graph, flatten_nodes
from symgraph.graph.leaves import Placeholder, SizeValue
from symgraph.graph.node import Node, apply_view, topological
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.graph.side import NAMES, ORIGINS, Origin
from symgraph.graph.sizes import Dim, dim_names, evaluate
from symgraph.ops.bodies import bodies_of
from symgraph.ops.kinds import Elementwise
from symgraph.pipeline import Options, Strictness, prepare
from symgraph.simplify import Firing, known_rules, simplify

__all__ = ["Explanation", "Rewrite", "explain"]


_GUESS = 1000
"""What a symbolic size counts as, where it is asked whether something is saved or spent."""


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
    keeps : {"bitwise", "accurate", "real"}
        What the law keeps.
    nodes : int
        How many nodes fewer there are below what took its place. A node that has other users
        counts as well: it stays in the graph.
    flops, bytes : int or Size
        What these nodes cost more than those that came: see `Cost`.
    """

    rule: str
    law: str
    before: str
    after: str
    where: str
    keeps: str = "bitwise"
    nodes: int = 0
    flops: Dim = 0
    bytes: Dim = 0

    @property
    def saved(self) -> str:
        """Nodes and cost saved, in words; empty if nothing changes."""
        saved: list[str] = []
        spent: list[str] = []
        for amount, unit in (self.nodes, "node"), (self.flops, "flop"), (self.bytes, "byte"):
            guess = evaluate(amount, dict.fromkeys(dim_names(amount), _GUESS))
            if guess:
                size = amount if guess > 0 else -amount
                text = f"{size} {unit}{'' if str(size) == '1' else 's'}"
                (saved if guess > 0 else spent).append(text)
        parts = [("saves", saved), ("costs", spent)]
        return "; ".join([f"{verb} {', '.join(texts)}" for verb, texts in parts if texts])


class Explanation:
    """The rewrites of one compilation; prints as text, shows as HTML.

    It holds the nodes, and works out the rest when it is looked at.

    Attributes
    ----------
    before, after : int
        Number of nodes.
    count : int
        Number of rewrites.
    source : str
    graph : Graph or None
        What was compiled, as the user wrote it, gradients included.
    rewrites : list of Rewrite
        In order; of what was pickled before it was looked at, the first two hundred.
    costs : tuple of Cost, or None
        Of the graph as written, and of what the source computes.
    lines : list of (str, str)
        Each line of source with the user's line that it comes from.
    agrees : bool or None
        Of two expressions, whether the rewrites lead from one to the other.
    """

    def __init__(
        self,
        before: int = 0,
        after: int = 0,
        firings: Sequence[Firing] = (),
        source: str = "",
        graph: Graph | None = None,
        results: Sequence[Node] = (),
        origins: Mapping[str, Origin] | None = None,
        back: Sequence[Firing] = (),
        agrees: bool | None = None,
    ) -> None:
        self.before, self.after = before, after
        self.source, self.graph = source, graph
        self._firings, self._results = firings, results
        self._origins: Mapping[str, Origin] = origins or {}
        self._back, self.agrees = back, agrees
        self.count = len(firings) + len(back)

    @cached_property
    def rewrites(self) -> list[Rewrite]:
        """The rewrites that fired, in order."""
        return self._worked_out(self.count)

    def _worked_out(self, most: int) -> list[Rewrite]:
        known: dict[tuple[Node, int], Code] = {}
        firings = self._firings[:most]
        places = {origin: _where(origin) for origin in {f.origin for f in firings}}
        there = [_rewrite(firing, places[firing.origin], known) for firing in firings]
        back = self._back[::-1][: most - len(there)]
        return there + [_backwards(_rewrite(f, "", known)) for f in back]

    @cached_property
    def costs(self) -> tuple[Cost, Cost] | None:
        """The cost of the graph as written, and of what the source computes."""
        if self.graph is None or not self._results:
            return None
        return self.graph.cost(), cost_of(topological(self._results), self._results)

    @cached_property
    def lines(self) -> list[tuple[str, str]]:
        """Each line of source with the user's line that it comes from; empty if from none."""
        return [
            (line, _where(self._origins.get(line)) if line else "")
            for line in self.source.splitlines()
        ]

    def __reduce__(self) -> tuple[object, ...]:
        names = ("before", "after", "count", "source", "graph", "agrees", "lines")
        # What is worked out takes the place of the nodes, which rules of this process made.
        state = {name: getattr(self, name) for name in names}
        known = vars(self)
        few = self.count <= _MOST_PICKLED or "rewrites" in known
        state["rewrites"] = self.rewrites if few else self._worked_out(_MOST_PICKLED)
        small = self.before <= _LARGE or "costs" in known
        state["costs"] = self.costs if small else None
        return (Explanation, (), state)

    @property
    def notes(self) -> list[str]:
        """What operations have to say of themselves: a loop where there is no batched form."""
        nodes = [] if self.graph is None else self.graph.nodes
        return list(dict.fromkeys([_noted(node) for node in nodes if node.op.note]))

    @property
    def summary(self) -> str:
        """How many nodes there were and are, in one line."""
        count = self.count
        fired = f"{count} rewrite{'' if count == 1 else 's'}"
        if self.agrees is None:
            return f"{self.before} nodes as written, {self.after} after {fired}"
        if self.agrees:
            return f"the same by {fired}"
        return "not shown to be the same: the rules lead to two expressions"

    @property
    def cost_text(self) -> str:
        """The cost before and after, in one line; empty if it is not known."""
        if self.costs is None:
            return ""
        before, after = self.costs
        return f"{before.flops} flops as written, {after.flops} after"

    def __str__(self) -> str:
        lines = [self.summary, *filter(None, [self.cost_text]), *self.notes]
        for row in self.rewrites:
            lines += [
                f"{row.rule} ({row.keeps}): {row.law}",
                f"  {row.before}",
                f"  -> {row.after}",
            ]
            if row.saved:
                lines.append(f"  {row.saved}")
            if row.where:
                lines.append(f"  at {row.where}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Explanation: {self.summary}>"

    def _repr_html_(self) -> str:
        return apply_view("explanation", self)


# What nobody has looked at is worked out for a pickle only if it is little.
_MOST_PICKLED = 200
_LARGE = 5000


@public
def explain(
    value: Any,
    after: Any = None,
    *,
    strictness: Strictness = "accurate",
    without: Collection[str] = (),
) -> Explanation:
    """The rewrites of a compiled function, of nodes, or from one expression to another.

    Parameters
    ----------
    value : Function, ForwardBackward, or tree of Node
        Of what is compiled, the rewrites that fired; of nodes, those that would.
    after : tree of Node, optional
        Another expression: the rewrites lead from the first to the form that both have, and from
        there, backwards, to this one.
    strictness : {"accurate", "bitwise", "real"}, optional
        Of nodes: which rules may be used, as for `simplify`.
    without : collection of str, optional
        Of nodes: names of rules that are not used.

    Returns
    -------
    Explanation
        Prints as text, shows as HTML; ``agrees`` says whether two expressions have one form.

    Raises
    ------
    InputError
        If `value` is nothing of these, or there is no such rule.

    Examples
    --------
    >>> import numpy as np, symgraph as sg
    >>> x = sg.placeholder("x")
    >>> found = sg.explain(np.log(x + 1), np.log1p(x))
    >>> found.agrees, [row.rule for row in found.rewrites]
    (True, ['log_one_plus'])
    """
    if after is None and hasattr(value, "explain"):
        return value.explain()
    off = known_rules(without)
    nodes, _ = flatten_nodes(value, "explain")
    graph = _closed(nodes)
    if after is None:
        prepared = prepare(nodes, Options(strictness, off))
        firings = prepared.firings + _within(prepared.outputs, Options(strictness, off))
        count = len(topological(prepared.outputs))
        return Explanation(len(graph), count, firings, "", graph, prepared.outputs)
    first = simplify(nodes, strictness, without=off)
    others, _ = flatten_nodes(after, "explain")
    second = simplify(others, strictness, without=off)
    agrees = len(first.outputs) == len(second.outputs) and all(
        map(is_, first.outputs, second.outputs)
    )
    back = second.firings if agrees else ()
    return Explanation(
        len(graph),
        len(topological(others)),
        first.firings,
        graph=graph,
        results=others,
        back=back,
        agrees=agrees,
    )


def _within(outputs: Sequence[Node], options: Options) -> list[Firing]:
    """The rewrites in the bodies of loops and branches, and in those inside of them."""
    found: list[Firing] = []
    seen: set[Node] = set()
    waiting = [list(outputs)]
    while waiting:
        for node in topological(waiting.pop(), stop=seen.__contains__):
            if node in seen:
                continue
            seen.add(node)
            for body in bodies_of(node.op):
                prepared = prepare(body.outputs, options)
                found += prepared.firings
                waiting.append(prepared.outputs)
    return found


def _closed(outputs: Sequence[Node]) -> Graph:
    """The graph of some values, its inputs the placeholders that they need."""
    inputs = [node for node in topological(outputs) if isinstance(node.op, Placeholder)]
    return Graph(inputs, list(outputs))


def _backwards(row: Rewrite) -> Rewrite:
    """From the right side of a law to the left."""
    law = f"{row.law}, backwards"
    sides = row.after, row.before
    saved = -row.nodes, -row.flops, -row.bytes
    return Rewrite(row.rule, law, *sides, row.where, row.keeps, *saved)


def _rewrite(firing: Firing, where: str, known: dict[tuple[Node, int], Code]) -> Rewrite:
    gone, came = _difference(firing.before, firing.after)
    rule = firing.rule
    return Rewrite(
        rule.name,
        rule.law,
        _text(firing.before, known),
        _text(firing.after, known),
        where,
        rule.keeps,
        len(gone) - len(came),
        _flops(gone) - _flops(came),
        _bytes(gone) - _bytes(came),
    )


def _flops(nodes: Sequence[Node]) -> Dim:
    total: Dim = 0
    for node in nodes:
        total = total + node.op.flops(node)
    return total


def _bytes(nodes: Sequence[Node]) -> Dim:
    total: Dim = 0
    for node in nodes:
        total = total + node.op.allocated(node)
    return total


_LOOKED_AT = (16, 512)
"""Nodes below the two sides of a rewrite: a few mostly tell, and more than the last are not
looked at, so that the time for a rewrite is bounded."""


def _difference(before: Node, after: Node) -> tuple[list[Node], list[Node]]:
    """The operations that one expression has and the other has not."""
    gone, came = dict[Node, None](), dict[Node, None]()
    for limit in _LOOKED_AT:
        old, new = (_below(node, limit, {}) for node in (before, after))
        gone, came = _below(before, limit, new), _below(after, limit, old)
        # If all paths end in what both have, nothing further down differs.
        if all(node.inputs for node in (*gone, *came)) and max(len(gone), len(came)) < limit:
            break
    return [n for n in gone if n.inputs], [n for n in came if n.inputs]


def _below(root: Node, limit: int, known: Container[Node]) -> dict[Node, None]:
    """The nodes of an expression, at most so many, down to those that are known."""
    found: dict[Node, None] = {}
    queue = deque([root])
    while queue and len(found) < limit:
        node = queue.popleft()
        if node not in found and node not in known:
            found[node] = None
            queue.extend(node.inputs)
    return found


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


_DEPTHS = (5, 4, 3)
_WIDTH = 72


def _text(node: Node, known: dict[tuple[Node, int], Code]) -> str:
    """The node as an expression of one line, cut off where it would be longer."""
    texts = [_code(node, depth, known).text for depth in _DEPTHS]
    return next((text for text in texts if len(text) <= _WIDTH), texts[-1])


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
