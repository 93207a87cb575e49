"""Backpropagation as a strip of pictures: values on their way down, gradients on their way up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant
from symgraph.notebook.picture import Picture, PictureEdge, PictureNode
from symgraph.notebook.pictures import drawn_nodes, picture_of
from symgraph.notebook.svg import img_tag, render
from symgraph.notebook.views import Viewable, graph_of
from symgraph.transforms.local import differentiable_operands, reverse
from symgraph.transforms.vjp import check_scalar, pull_back

__all__ = ["Frames", "frames"]


@dataclass(frozen=True, slots=True)
class Frames:
    """Pictures of one graph, with what is known of it after each step.

    Attributes
    ----------
    pictures : tuple of (str, str)
        A caption and an SVG document each.
    """

    pictures: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        return "\n".join([caption for caption, _ in self.pictures])

    def _repr_html_(self) -> str:
        cells = [
            f'<div style="display:inline-block;vertical-align:top;margin:0 14px 14px 0">'
            f'<div style="font-size:90%">{escape(caption)}</div>{img_tag(svg, caption)}</div>'
            for caption, svg in self.pictures
        ]
        return f"<div>{''.join(cells)}</div>"


def frames(value: Viewable, at: Mapping[Node, Any], every: int = 1) -> Frames:
    """The way of backpropagation through a scalar, step by step.

    Parameters
    ----------
    value : Node or Graph
        A scalar.
    at : mapping
        Numbers for the placeholders.
    every : int, optional
        How many operations go from one picture to the next.

    Returns
    -------
    Frames
        First forward: the values that are known stand on the arrows. Then backward: on the
        arrows what flows up along them, in the boxes the gradients (∇) that it adds up to.

    Raises
    ------
    DerivativeError
        If the value is not a scalar.

    Examples
    --------
    >>> import symgraph as sg
    >>> x, y = sg.placeholder("x"), sg.placeholder("y")
    >>> print(frames(x * y + y, {x: 2.0, y: 3.0}))
    the function
    forward: * gives 6
    forward: + gives 9
    backward: from + up
    backward: from * up
    """
    graph = graph_of(value)
    loss = check_scalar(graph.outputs[0])
    drawn = drawn_nodes(graph)
    numbers = dict(zip(graph.nodes, interpret(graph.nodes, at), strict=True))
    smooth = [node for node in drawn if node.type.inexact]
    found = pull_back([loss], [constant(np.ones((), loss.dtype))], smooth)
    slopes = {node: ct for node, ct in zip(smooth, found, strict=True) if ct is not None}
    evaluated = interpret(list(slopes.values()), at)
    totals = dict(zip(slopes, evaluated, strict=True))
    strip = _Strip(picture_of(graph), drawn, numbers, totals, _flows(drawn, slopes, at))
    steps = [node for node in drawn if node.inputs]
    return strip.run(graph, steps, every)


def _flows(
    drawn: Sequence[Node], slopes: Mapping[Node, Node], at: Mapping[Node, Any]
) -> dict[tuple[Node, int], Any]:
    """What flows up each arrow: the part that one operation adds to an operand's gradient."""
    places: list[tuple[Node, int]] = []
    parts: list[Node] = []
    for node in drawn:
        wanted = [i for i in differentiable_operands(node) if node.inputs[i] in slopes]
        if node not in slopes or not wanted:
            continue
        for i, part in zip(wanted, reverse(node, slopes[node], wanted, pull_back), strict=True):
            if part is not None:
                places.append((node, i))
                parts.append(part)
    return dict(zip(places, interpret(parts, at), strict=True))


class _Strip:
    """The pictures of one graph."""

    def __init__(
        self,
        picture: Picture,
        drawn: Sequence[Node],
        numbers: Mapping[Node, Any],
        totals: Mapping[Node, Any],
        flows: Mapping[tuple[Node, int], Any],
    ) -> None:
        self.drawn = drawn
        self.numbers, self.totals, self.flows = numbers, totals, flows
        self.node_of = {box.id: node for box, node in zip(picture.nodes, drawn, strict=True)}
        # Every box stands in one place in all pictures: it has room for what will be known of it.
        boxes = [
            replace(box, room=self._known(self.node_of[box.id]), pill=box.kind == "input")
            for box in picture.nodes
        ]
        self.picture = replace(picture, nodes=tuple(boxes), labelled=True)

    def run(self, graph: Graph, steps: Sequence[Node], every: int) -> Frames:
        """All pictures."""
        leaves = {node for node in self.drawn if not node.inputs}
        labels = {self.node_of[box.id]: box.label.partition(" = ")[0] for box in self.picture.nodes}
        pictures = [("the function", render(self.picture))]
        for end in range(every, len(steps) + every, every):
            known = leaves | set(steps[:end])
            last = steps[min(end, len(steps)) - 1]
            caption = f"forward: {labels[last]} gives {short(self.numbers[last])}"
            pictures.append((caption, self._draw(known, set(), set())))
        back = [node for node in reversed(steps) if node in self.totals]
        everything = set(self.drawn)
        for end in range(every, len(back) + every, every):
            passed = set(back[:end])
            reached = {graph.outputs[0]} | {u for node in passed for u in node.inputs}
            caption = f"backward: from {labels[back[min(end, len(back)) - 1]]} up"
            pictures.append((caption, self._draw(everything, passed, reached)))
        return Frames(tuple(pictures))

    def _draw(self, known: set[Node], passed: set[Node], reached: set[Node]) -> str:
        boxes = [self._box(box, known, reached) for box in self.picture.nodes]
        seen: dict[Node, int] = {}
        edges = [self._edge(edge, known, passed, seen) for edge in self.picture.edges]
        return render(replace(self.picture, nodes=tuple(boxes), edges=tuple(edges)))

    def _box(self, box: PictureNode, known: set[Node], reached: set[Node]) -> PictureNode:
        node = self.node_of[box.id]
        detail = short(self.numbers[node]) if node in known else ""
        if node in reached and node in self.totals:
            text = self._known(node)
            return replace(box, detail=text, kind="gradient", output=False, foldable=False)
        if node not in known:
            return replace(box, detail="", kind="not yet", output=False, foldable=False)
        return replace(box, detail=detail, foldable=False)

    def _known(self, node: Node) -> str:
        value = short(self.numbers[node])
        return f"{value}, ∇ {short(self.totals[node])}" if node in self.totals else value

    def _edge(
        self, edge: PictureEdge, known: set[Node], passed: set[Node], seen: dict[Node, int]
    ) -> PictureEdge:
        source, target = self.node_of[edge.source], self.node_of[edge.target]
        shown = [i for i, u in enumerate(target.inputs) if not _is_number(u)]
        place = seen.get(target, 0)
        seen[target] = place + 1
        flow = self.flows.get((target, shown[place])) if place < len(shown) else None
        if target in passed and flow is not None:
            return replace(edge, label=f"↑ {short(flow)}")
        return replace(edge, label=short(self.numbers[source]) if source in known else "")


def _is_number(node: Node) -> bool:
    return isinstance(node.op, Constant) and node.ndim == 0


def short(value: Any) -> str:
    """A number, a few numbers, or how many there are.

    Examples
    --------
    >>> short(np.float64(1 / 3)), short(np.array([1.0, 2.5])), short(np.ones((3, 4)))
    ('0.333', '[1, 2.5]', '3 × 4 numbers')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array.item():.3g}"
    if array.size <= 3:
        return f"[{', '.join([f'{v:.3g}' for v in array.ravel().tolist()])}]"
    return f"{' × '.join(map(str, array.shape))} numbers"
