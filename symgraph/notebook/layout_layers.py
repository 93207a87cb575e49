"""Which layer each box of a drawing stands on, and the trunks of its long edges.

First half of a layered drawing (Sugiyama, Tagawa and Toda, 1981). Vertices are
integers here; `layout` translates to and from the caller's names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

Adjacency = Sequence[Sequence[int]]


@dataclass(slots=True)
class LayeredGraph:
    """A graph whose every edge joins neighbouring layers.

    Vertices below ``boxes`` are boxes, the others dummies: points that a long
    edge passes through.

    Attributes
    ----------
    boxes
        Number of boxes.
    layer
        Layer of each vertex, 0 on top.
    layers
        The vertices of each layer, from left to right.
    up, down
        Neighbours of each vertex in the layer above and below.
    trunk
        First dummy of each box; that of ``d`` layers further down is ``trunk + d``.
    detours
        Edges that would need too many dummies, drawn round the outside.
    """

    boxes: int
    layer: list[int]
    layers: list[list[int]]
    up: list[list[int]]
    down: list[list[int]]
    trunk: list[int]
    detours: list[tuple[int, int]]

    def is_dummy(self, vertex: int) -> bool:
        """Say whether a vertex only carries an edge through its layer."""
        return vertex >= self.boxes

    def passed(self, source: int, target: int) -> range:
        """Give the dummies that the edge passes through, from the top."""
        first = self.trunk[source]
        return range(first, first + self.layer[target] - self.layer[source] - 1)


def topological_order(preds: Adjacency, succs: Adjacency) -> list[int]:
    """Order vertices so that every edge points forward.

    Raises
    ------
    ValueError
        If the graph has a cycle.
    """
    waiting = [len(sources) for sources in preds]
    ready = deque(v for v, count in enumerate(waiting) if count == 0)
    order: list[int] = []
    while ready:
        v = ready.popleft()
        order.append(v)
        for w in succs[v]:
            waiting[w] -= 1
            if waiting[w] == 0:
                ready.append(w)
    if len(order) < len(preds):
        raise ValueError(
            "expected a graph without cycles, got one in which "
            f"{len(preds) - len(order)} of {len(preds)} boxes are on or below a cycle"
        )
    return order


def assign_layers(preds: Adjacency, succs: Adjacency) -> list[int]:
    """Give each vertex a layer: longest path from the top, then short edges.

    A vertex is moved down as long as that shortens the drawing's lines: always
    for a source (it comes to stand just above its highest consumer), and for an
    operation whose operand has to be carried down in any case.
    """
    order = topological_order(preds, succs)
    layer = [0] * len(order)
    for v in order:
        below = layer[v] + 1
        for w in succs[v]:
            layer[w] = max(layer[w], below)
    reach = _Reach(layer, succs)
    travels = _private_feeders(order, preds, succs)
    # A second pass sees the trunks that the first has lengthened.
    for _ in range(2):
        for v in reversed(order):
            if succs[v]:
                low = min(layer[w] for w in succs[v]) - 1
                for u in preds[v]:
                    if not travels[u]:
                        low = min(low, reach.without(u, v))
                if low > layer[v]:
                    layer[v] = low
                    reach.moved(v, preds[v])
    return layer


def _private_feeders(order: Sequence[int], preds: Adjacency, succs: Adjacency) -> list[bool]:
    """Mark vertices that serve one consumer and rest on nothing shared: they move with it."""
    marks = [False] * len(order)
    for v in order:
        marks[v] = len(succs[v]) == 1 and all(marks[u] for u in preds[v])
    return marks


class _Reach:
    """How far down each vertex's trunk goes: the two lowest of its consumers."""

    def __init__(self, layer: list[int], succs: Adjacency) -> None:
        self._layer = layer
        self._first = [-1] * len(layer)
        self._owner = [-1] * len(layer)
        self._second = [-1] * len(layer)
        for u, consumers in enumerate(succs):
            for v in consumers:
                self._record(u, v)

    def without(self, source: int, consumer: int) -> int:
        """Give the lowest layer that the source serves besides this consumer."""
        if self._owner[source] == consumer:
            return self._second[source]
        return self._first[source]

    def moved(self, consumer: int, sources: Sequence[int]) -> None:
        """Take note that the consumer now stands further down."""
        for u in sources:
            self._record(u, consumer)

    def _record(self, u: int, v: int) -> None:
        level = self._layer[v]
        if self._owner[u] == v:
            self._first[u] = level
        elif level > self._first[u]:
            self._second[u] = self._first[u]
            self._first[u], self._owner[u] = level, v
        elif level > self._second[u]:
            self._second[u] = level


def split_long_edges(layer: Sequence[int], succs: Adjacency, budget: int) -> LayeredGraph:
    """Lead every long edge through one dummy a layer, shared by all edges of one source.

    Parameters
    ----------
    layer
        The layer of each vertex.
    succs
        The distinct consumers of each vertex.
    budget
        How many dummies the drawing can afford. The longest edges beyond that
        become detours: a chain and its gradient need quadratically many.
    """
    boxes = len(layer)
    limit = _longest_span_within(budget, layer, succs)
    graph = LayeredGraph(
        boxes=boxes,
        layer=list(layer),
        layers=[[] for _ in range(max(layer, default=-1) + 1)],
        up=[[] for _ in range(boxes)],
        down=[[] for _ in range(boxes)],
        trunk=[boxes] * boxes,
        detours=[],
    )
    for u in range(boxes):
        near = [v for v in succs[u] if layer[v] - layer[u] <= limit]
        graph.detours.extend((u, v) for v in succs[u] if layer[v] - layer[u] > limit)
        _grow_trunk(graph, u, max((layer[v] for v in near), default=0))
        for v in near:
            stem = graph.passed(u, v)
            _link(graph, stem[-1] if stem else u, v)
    for v, level in enumerate(graph.layer):
        graph.layers[level].append(v)
    return graph


def _grow_trunk(graph: LayeredGraph, source: int, lowest: int) -> None:
    graph.trunk[source] = len(graph.layer)
    above = source
    for level in range(graph.layer[source] + 1, lowest):
        dummy = len(graph.layer)
        graph.layer.append(level)
        graph.up.append([])
        graph.down.append([])
        _link(graph, above, dummy)
        above = dummy


def _link(graph: LayeredGraph, upper: int, lower: int) -> None:
    graph.down[upper].append(lower)
    graph.up[lower].append(upper)


def _longest_span_within(budget: int, layer: Sequence[int], succs: Adjacency) -> int:
    """Find the longest span that edges may have for all trunks to fit the budget."""
    spans = [sorted({layer[v] - layer[u] for v in succs[u]}) for u in range(len(layer))]
    candidates = sorted({span for group in spans for span in group})
    low, high = 0, len(candidates) - 1
    # Binary search: the number of dummies grows with the span that is allowed.
    while low < high:
        middle = (low + high + 1) // 2
        if _dummies(spans, candidates[middle]) <= budget:
            low = middle
        else:
            high = middle - 1
    return candidates[low] if candidates else 1


def _dummies(spans: Sequence[Sequence[int]], limit: int) -> int:
    return sum(max((s for s in group if s <= limit), default=1) - 1 for group in spans)
