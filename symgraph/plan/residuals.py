"""What forward saves for backward: nothing unused, nothing that is cheaper to compute again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, topological
from symgraph.graph.types import TupleType
from symgraph.plan.plan import is_leaf

__all__ = ["choose_residuals"]

CHEAP = 0.7
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
    fixed = _without_arguments(order)
    early = set(topological(computed))
    saved = {_base(node) for node in frontier if node not in fixed}
    saved -= fixed
    kept = set(computed)
    candidates = [node for node in reversed(topological([*outputs, *saved])) if node in saved]
    shared = Counter(
        array
        for node in candidates
        for array in _recipe(node, saved, early, fixed) or ()
        if not is_leaf(array)
    )
    for node in candidates:
        needed = _recipe(node, saved, early, fixed)
        # One array for another saves nothing, unless it exists or stands for several.
        if needed is not None and all(is_leaf(x) or x in kept or shared[x] > 1 for x in needed):
            saved.discard(node)
            saved |= needed
    places = {node: i for i, node in enumerate(topological([*outputs, *computed]))}
    return sorted(saved, key=places.__getitem__)


def _base(node: Node) -> Node:
    """What a value is only a view of: backward looks at it in the same way."""
    while node.op.views and len(node.inputs) == 1 and not isinstance(node.op, Item):
        (base,) = node.inputs
        if isinstance(base.result_type, TupleType):
            break
        node = base
    return node


def _without_arguments(order: Sequence[Node]) -> set[Node]:
    """The nodes that are known, up to sizes, without the arguments: backward makes its own."""
    fixed: set[Node] = set()
    for node in order:
        if node.op.name != "placeholder" and all(operand in fixed for operand in node.inputs):
            fixed.add(node)
    return fixed


def _recipe(node: Node, saved: set[Node], early: set[Node], fixed: set[Node]) -> set[Node] | None:
    """What must be saved instead, if a value is cheaper to compute again than to keep.

    Parameters
    ----------
    node : Node
    saved : set of Node
        What is saved so far, the node included.
    early : set of Node
        What forward computes for its own outputs.
    fixed : set of Node
        What needs no argument.

    Returns
    -------
    set of Node or None
        ``None`` if it should be kept.
    """
    needed: set[Node] = set()
    cost = 0.0
    stack = [node]
    while stack:
        current = stack.pop()
        if current in fixed or (current in saved and current is not node):
            continue
        if is_leaf(current):
            needed.add(current)  # an argument: it exists anyway
            continue
        cost += 0.0 if current.op.views else current.op.work(current)
        # One of several results is kept itself: all of them together are no array.
        if cost > CHEAP or isinstance(current.op, Item):
            if current is node or current not in early:
                return None
            cost -= current.op.work(current)
            needed.add(current)
            continue
        stack.extend(current.inputs)
    # One array that forward has computed, for another, may be no loss; two would be.
    return needed if sum(not is_leaf(item) for item in needed) <= 1 else None
