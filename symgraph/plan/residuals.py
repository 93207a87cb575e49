"""What forward saves for backward: nothing unused, nothing that is cheaper to compute again."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph.node import Node, topological
from symgraph.graph.types import TupleType
from symgraph.plan.plan import is_leaf

__all__ = ["choose_residuals"]

CHEAP = 0.6
"""Nanoseconds an element: reading a saved array costs about as much."""


def choose_residuals(
    outputs: Sequence[Node], cotangents: Sequence[Node], computed: Sequence[Node] = ()
) -> list[Node]:
    """The values of the forward pass that backward is given.

    Parameters
    ----------
    outputs : sequence of Node
        Results of backward.
    cotangents : sequence of Node
        The placeholders that only backward knows.
    computed : sequence of Node
        Outputs of forward, which exist in any case.

    Returns
    -------
    list of Node
        Placeholders and computed values, in the order in which the graph is listed.
    """
    order = topological(outputs)
    late: set[Node] = set(cotangents)
    for node in order:
        if any(operand in late for operand in node.inputs):
            late.add(node)
    frontier = {
        operand for node in order if node in late for operand in node.inputs if operand not in late
    }
    frontier |= {node for node in outputs if node not in late}
    early = set(topological(computed))
    saved = _without_cheap({node for node in frontier if not is_constant(node)}, early)
    saved = _split_tuples(saved)
    places = {node: i for i, node in enumerate(topological([*outputs, *computed]))}
    return sorted(saved, key=places.__getitem__)


def is_constant(node: Node) -> bool:
    """Whether a node is known without the arguments."""
    return is_leaf(node) and node.op.name != "placeholder"


def _without_cheap(saved: set[Node], early: set[Node]) -> set[Node]:
    """Replace what is a view, or cheap to compute from what exists, by its operands.

    Parameters
    ----------
    saved : set of Node
        Changed in place.
    early : set of Node
        What forward computes for its own outputs.
    """
    todo = list(saved)
    while todo:
        node = todo.pop()
        if node not in saved or not node.inputs or isinstance(node.result_type, TupleType):
            continue
        operands = [operand for operand in node.inputs if not is_constant(operand)]
        if not _cheap(node) or any(isinstance(o.result_type, TupleType) for o in operands):
            continue
        new = [operand for operand in dict.fromkeys(operands) if operand not in saved]
        # Arguments exist anyway, and a view keeps alive what it is a view of; one array that
        # forward has computed instead of another is no loss, and forward has less to do.
        kept = bool(node.op.views) or all(is_leaf(operand) for operand in operands)
        if not new or kept or (len(new) == 1 and new[0] in early):
            saved.discard(node)
            saved.update(new)
            todo.extend(new)
    return saved


def _cheap(node: Node) -> bool:
    return bool(node.op.views) or node.op.work(node) <= CHEAP


def _split_tuples(saved: set[Node]) -> set[Node]:
    return {node for node in saved if not isinstance(node.result_type, TupleType)}
