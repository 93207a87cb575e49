"""Rewrite a graph to a fixed point, bottom up, without recursion, in linear time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_not

from symgraph.errors import SymgraphError
from symgraph.graph.collect import without_collection
from symgraph.graph.graph import rebuild
from symgraph.graph.node import Node
from symgraph.graph.op import Op
from symgraph.graph.record import record, with_fields
from symgraph.graph.registry import apply
from symgraph.graph.side import FACTS, ORIGINS, Origin, origin_as, set_origin
from symgraph.graph.types import TupleType
from symgraph.ops.kinds import Elementwise
from symgraph.simplify.rule import Rule, Stage, Table, rules_for
from symgraph.simplify.uses import Uses, following

__all__ = ["Firing", "Simplified", "fitted", "simplify"]


@record
class Firing:
    """One rewrite that happened."""

    rule: Rule
    before: Node
    after: Node
    origin: Origin | None


@dataclass
class Simplified:
    """The result of `simplify`.

    Attributes
    ----------
    outputs : list of Node
    mapping : dict
        From every node met to what stands in its place.
    firings : list of Firing
    """

    outputs: list[Node]
    mapping: dict[Node, Node] = field(default_factory=dict[Node, Node])
    firings: list[Firing] = field(default_factory=list[Firing])


@without_collection
def simplify(
    outputs: Sequence[Node],
    strictness: str = "accurate",
    rules: Sequence[Rule] | None = None,
    stage: Stage = "graph",
    without: frozenset[str] = frozenset(),
) -> Simplified:
    """Rewrite until no rule applies.

    Parameters
    ----------
    outputs : sequence of Node
    strictness : {"bitwise", "accurate", "real"}
    rules : sequence of Rule, optional
        Instead of all.
    stage : {"graph", "numpy"}, optional
        Which rules: the laws, or the idioms of NumPy after lowering.
    without : frozenset of str, optional
        Names of rules that are not used.

    Raises
    ------
    SymgraphError
        If rules undo each other; it names them.
    """
    table = rules_for(strictness, stage, rules, without)
    result = Simplified(list(outputs))
    final = result.mapping
    pending: dict[Node, Rule] = {}
    twins = _Twins(strictness)
    # A node without a target is yet to be looked at; one with a target waits for its value.
    stack: list[tuple[Node, Node | None]] = [(node, None) for node in reversed(outputs)]
    with origin_as(None), following(Uses(outputs, final)):
        while stack:
            node, target = stack[-1]
            if target is not None:
                final[node] = final[target]
                pending.pop(node, None)
            elif node not in final:
                missing = [(i, None) for i in reversed(node.inputs) if i not in final]
                if missing:
                    stack += missing
                    continue
                fired = len(result.firings)
                after = _step(node, final, table, pending, result.firings)
                if len(result.firings) > fired and result.firings[-1].origin is None:
                    result.firings[-1] = _located(result.firings[-1], stack)
                after = twins.first(node) if after is None else after
                if after is not None:
                    stack[-1] = (node, after)
                    stack.append((after, None))
                    continue
                final[node] = node
            stack.pop()
    result.outputs = [final[node] for node in outputs]
    return result


def _located(firing: Firing, stack: Sequence[tuple[Node, Node | None]]) -> Firing:
    """A firing at what has no line of its own, with the line of what waits for it."""
    waiting = (ORIGINS.get(node) for node, _ in reversed(stack[-_MOST_WAITING:]))
    origin = next((found for found in waiting if found is not None), None)
    return firing if origin is None else with_fields(firing, origin=origin)


_MOST_WAITING = 16


_SAME_BITS = frozenset(("add", "multiply", "equal", "not_equal"))


class _Twins:
    """What is the same but for the order of two operands: the one that was met first stands."""

    def __init__(self, strictness: str) -> None:
        self._exact = strictness == "bitwise"
        self._met: dict[tuple[Op, int, int], Node] = {}
        self._mirrors: dict[Node, Node] = {}

    def first(self, node: Node) -> Node | None:
        """The one that was met before this one; ``None`` if that is itself."""
        op = node.op
        if type(op).mirrored is not Op.mirrored and not self._exact:
            return self._mirror(node)
        if not isinstance(op, Elementwise) or not op.facts.commutative or len(node.inputs) != 2:
            return None
        if self._exact and op.name not in _SAME_BITS and node.dtype.kind not in "biu":
            return None  # maximum(0.0, -0.0) is either
        low, high = sorted(map(id, node.inputs))
        first = self._met.setdefault((op, low, high), node)
        return None if first is node else _with_facts(first, node)

    def _mirror(self, node: Node) -> Node | None:
        mirrored = node.op.mirrored(node)
        if mirrored is None:
            return None
        first = self._mirrors.get(node)
        if first is None:
            self._mirrors[mirrored] = node
            return None
        return _with_facts(first, node)


def _step(
    node: Node,
    final: dict[Node, Node],
    table: Table,
    pending: dict[Node, Rule],
    firings: list[Firing],
) -> Node | None:
    """What takes the place of a node whose operands are final; ``None`` if nothing does."""
    inputs = [final[operand] for operand in node.inputs]
    if any(map(is_not, inputs, node.inputs)):
        return _with_facts(rebuild(node, inputs), node)
    rules = table.of(node)
    if not rules:
        return None
    origin = ORIGINS.get(node)
    set_origin(origin)
    for rule in rules:
        after = rule.apply(node)
        if after is None or after is node:
            continue
        after = fitted(after, node)
        if after is None or after is node:
            continue
        _guard(node, after, rule, pending)
        pending[node] = rule
        firings.append(Firing(rule, node, after, origin))
        return _with_facts(after, node)
    return None


def _with_facts(after: Node, node: Node) -> Node:
    """The replacement: of it is known what users stated of the value that it has."""
    stated = FACTS.get(node)
    if stated:
        FACTS[after] = stated | (FACTS.get(after) or frozenset())
    return after


MOST_PENDING = 10_000
"""How many rewrites may wait for each other: far more than any law needs."""


def _guard(node: Node, after: Node, rule: Rule, pending: Mapping[Node, Rule]) -> None:
    """Refuse a rewrite that leads back to what is being rewritten, or on without end."""
    endless = len(pending) > MOST_PENDING
    if after not in pending and not endless:
        return
    recent = list(pending.items())
    if not endless:
        recent = recent[next(i for i, (waiting, _) in enumerate(recent) if waiting is after) :]
    names = {rule.name, *[some.name for _, some in recent[-_MOST_NAMES:]]}
    raise SymgraphError(
        f"rewrites {'never end' if endless else 'undo each other'}: {', '.join(sorted(names))}",
        got=f"{node!r:.200} and {after!r:.200}",
        hint="this is a defect of symgraph: please report it",
    )


_MOST_NAMES = 8


def fitted(after: Node, node: Node) -> Node | None:
    """The replacement in the type of what it replaces; ``None`` if it has another."""
    wanted = node.result_type
    if after.result_type == wanted:
        return after
    if isinstance(wanted, TupleType) or isinstance(after.result_type, TupleType):
        return None
    if after.dtype != wanted.dtype:
        return None
    return apply("broadcast_to", after, wanted.shape)
