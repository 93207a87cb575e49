"""Replace operations that NumPy does not have by their expansions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symgraph.graph.graph import rebuild
from symgraph.graph.node import Node, topological
from symgraph.graph.op import Op
from symgraph.graph.side import NOTES, ORIGINS, origin_as, set_origin
from symgraph.ops.kinds import Elementwise

__all__ = ["lower", "unwrap"]


def lower(outputs: Sequence[Node]) -> tuple[list[Node], Mapping[Node, Node]]:
    """Expand until every operation has a text of its own.

    Expansions of related operations share their parts (softmax and logsumexp their maximum,
    exponentials and sum), because equal nodes are one node.

    Parameters
    ----------
    outputs : sequence of Node

    Returns
    -------
    outputs : list of Node
    image : mapping
        From every node met to what stands for it.
    """
    return _expanded(outputs, _may_expand)


def unwrap(outputs: Sequence[Node]) -> tuple[list[Node], Mapping[Node, Node]]:
    """As `lower`, of what only stands for a graph until derivatives are taken."""
    if not any(node.op.wraps for node in topological(outputs)):
        return list(outputs), {}
    return _expanded(outputs, lambda node: node.op.wraps)


def _expanded(
    outputs: Sequence[Node], expands: Callable[[Node], bool]
) -> tuple[list[Node], Mapping[Node, Node]]:
    image: dict[Node, Node] = {}
    with origin_as(None):
        for node in _expanded_order(outputs, expands):
            origin = ORIGINS.get(node)
            if origin is not None:
                set_origin(origin)
            expansion = node.op.decompose(*node.inputs) if expands(node) else None
            if expansion is not None:
                image[node] = image[expansion]
                if isinstance(node.op, Elementwise) and node.op.why:
                    NOTES[image[node]] = f"{node.op.name}: {node.op.why}"
                continue
            inputs = [image[operand] for operand in node.inputs]
            same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
            image[node] = node if same else rebuild(node, inputs)
    return [image[node] for node in outputs], image


def _may_expand(node: Node) -> bool:
    op = node.op
    if isinstance(op, Elementwise):
        return op.decomposed is not None
    return type(op).decompose is not Op.decompose


def _expanded_order(outputs: Sequence[Node], expands: Callable[[Node], bool]) -> list[Node]:
    """Topological order in which an expansion comes before the node that it stands for."""
    order: list[Node] = []
    done: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(node, False) for node in reversed(outputs)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
            continue
        if node in done:
            continue
        done.add(node)
        stack.append((node, True))
        expansion = None
        if expands(node):
            with origin_as(ORIGINS.get(node)):
                expansion = node.op.decompose(*node.inputs)
        needs = node.inputs if expansion is None else (expansion,)
        stack.extend([(operand, False) for operand in reversed(needs) if operand not in done])
    return order
