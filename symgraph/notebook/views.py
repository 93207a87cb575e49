"""What the ways to look share: the graph of a value, and the names that its nodes go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, topological
from symgraph.graph.side import GRADIENT_OF, NAMES, ORIGINS
from symgraph.pipeline import assigned_names, wishes

if TYPE_CHECKING:
    from symgraph.compile import Function

__all__ = [
    "Viewable",
    "gradient_of",
    "graph_of",
    "graph_of_nodes",
    "is_gradient",
    "source_line",
    "source_names",
    "user_names",
]

Viewable: TypeAlias = "Node | Graph | Function"


def graph_of(value: Viewable) -> Graph:
    """The graph to look at: of a node, all that it needs."""
    if isinstance(value, Graph):
        return value
    return graph_of_nodes([value], {}) if isinstance(value, Node) else value.graph


def graph_of_nodes(outputs: Sequence[Node], names: Mapping[Node, str]) -> Graph:
    """The graph of some values, its inputs the placeholders that they need."""
    inputs = [node for node in topological(outputs) if isinstance(node.op, Placeholder)]
    return Graph(inputs, list(outputs) if len(outputs) > 1 else outputs[0], names)


def user_names(graph: Graph) -> dict[Node, str]:
    """The user's own names: of placeholders, given with ``named``, bound or assigned."""
    names = {**assigned_names(graph), **graph.names}
    for node in [*graph.inputs, *graph.nodes]:
        given = node.op.name_ if isinstance(node.op, Placeholder) else NAMES.get(node)
        if given:
            names[node] = given
    return names


def source_names(graph: Graph) -> dict[Node, str]:
    """The names in the emitted source: the user's, and ``d_<name>`` for gradients."""
    return {**user_names(graph), **wishes(graph, {})}


def is_gradient(node: Node) -> bool:
    """Whether differentiation made the node."""
    origin = ORIGINS.get(node)
    return origin is not None and origin.gradient


def gradient_of(node: Node) -> list[tuple[Node | None, Node]]:
    """The pairs (value, by) that the node is the gradient of, as far as they still exist."""
    found: list[tuple[Node | None, Node]] = []
    for entry in GRADIENT_OF.get(node) or ():
        value, by = None if entry.value is None else entry.value(), entry.by()
        if by is not None and value is not by:
            found.append((value, by))
    return found


def source_line(node: Node) -> str:
    """The user's line, without its file: a picture must be the same on every machine."""
    origin = ORIGINS.get(node)
    if origin is None or not origin.location.text:
        return ""
    return f"{'gradient of: ' if origin.gradient else ''}{origin.location.text}"
