"""Rewrite a graph to a fixed point, bottom up, without recursion, in linear time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symgraph.errors import SymgraphError
from symgraph.graph.graph import rebuild
from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.side import ORIGINS, Origin, origin_as, set_origin
from symgraph.graph.types import TupleType
from symgraph.simplify.rule import Rule, Stage, rules_for

__all__ = ["Firing", "Simplified", "simplify"]


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


def simplify(
    outputs: Sequence[Node],
    strictness: str = "accurate",
    rules: Sequence[Rule] | None = None,
    stage: Stage = "graph",
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

    Raises
    ------
    SymgraphError
        If rules undo each other; it names them.
    """
    table = rules_for(strictness, stage, rules)
    result = Simplified(list(outputs))
    final = result.mapping
    pending: dict[Node, Rule] = {}
    stack: list[tuple[Node, Node | None, int]] = [(node, None, 0) for node in reversed(outputs)]
    with origin_as(None):
        while stack:
            node, target, stage = stack.pop()
            if stage == 2:
                assert target is not None
                final[node] = final[target]
                pending.pop(node, None)
                continue
            if node in final:
                continue
            if stage == 0:
                stack.append((node, None, 1))
                stack.extend([(i, None, 0) for i in reversed(node.inputs) if i not in final])
                continue
            after = _step(node, final, table, pending, result.firings)
            if after is None:
                final[node] = node
            else:
                stack.append((node, after, 2))
                stack.append((after, None, 0))
    result.outputs = [final[node] for node in outputs]
    return result


def _step(
    node: Node,
    final: dict[Node, Node],
    table: dict[str, list[Rule]],
    pending: dict[Node, Rule],
    firings: list[Firing],
) -> Node | None:
    """What takes the place of a node whose operands are final; ``None`` if nothing does."""
    inputs = [final[operand] for operand in node.inputs]
    if any(a is not b for a, b in zip(inputs, node.inputs, strict=True)):
        return rebuild(node, inputs)
    rules = table.get(node.op.name)
    if rules is None:
        return None
    origin = ORIGINS.get(node)
    set_origin(origin)
    for rule in rules:
        after = rule.apply(node)
        if after is None or after is node:
            continue
        fitted = _fitted(after, node)
        if fitted is None or fitted is node:
            continue
        if fitted in pending:
            names = {pending[fitted].name, rule.name, *[r.name for r in pending.values()][-8:]}
            raise SymgraphError(
                f"rewrites undo each other: {', '.join(sorted(names))}",
                got=f"{node!r} and {fitted!r}",
                hint="this is a defect of symgraph: please report it",
            )
        pending[node] = rule
        firings.append(Firing(rule, node, fitted, origin))
        return fitted
    return None


def _fitted(after: Node, node: Node) -> Node | None:
    """The replacement in the type of what it replaces; ``None`` if it has another."""
    wanted = node.result_type
    if after.result_type == wanted:
        return after
    if isinstance(wanted, TupleType) or isinstance(after.result_type, TupleType):
        return None
    if after.dtype != wanted.dtype:
        return None
    return apply("broadcast_to", after, wanted.shape)
