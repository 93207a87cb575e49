"""Horizontal coordinates of ordered layers, with straight edges.

Brandes and Koepf, "Fast and simple horizontal coordinate assignment" (2001): four
times align each vertex with a median neighbour, wherever no straight trunk is
crossed, pack the resulting blocks, and take the mean of the two middle results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from symgraph.notebook.layout_layers import LayeredGraph

Candidates = list[list[int]]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Free space between horizontal neighbours.

    Attributes
    ----------
    boxes
        Between two boxes.
    edges
        Beside an edge that passes through the layer.
    """

    boxes: float
    edges: float


def assign_coordinates(graph: LayeredGraph, widths: Sequence[float], gaps: Gaps) -> list[float]:
    """Give each vertex the x of its centre; neighbours in a layer never overlap.

    Parameters
    ----------
    graph
        The graph, its layers in their final order.
    widths
        The width of each box. Dummies have none.
    gaps
        The space to leave between neighbours.
    """
    separation = _separations(graph, widths, gaps)
    position = [0] * len(graph.layer)
    for layer in graph.layers:
        for index, v in enumerate(layer):
            position[v] = index
    above, below = _aligning_neighbours(graph, position)
    crossed = _edges_across_trunks(graph, position)
    results: list[list[float]] = []
    for downward in (True, False):
        for rightward in (True, False):
            root = _align(
                graph, above if downward else below, position, crossed, downward, rightward
            )
            blocks = _Blocks(graph, root, separation)
            results.append(blocks.pack(rightward=rightward))
    x = _balance(results, graph, widths)
    _settle(graph, x, separation)
    return x


def _separations(graph: LayeredGraph, widths: Sequence[float], gaps: Gaps) -> list[float]:
    """Give the distance of each vertex's centre from that of its left neighbour."""
    separation = [0.0] * len(graph.layer)
    for layer in graph.layers:
        for left, right in pairwise(layer):
            gap = gaps.edges if graph.is_dummy(left) or graph.is_dummy(right) else gaps.boxes
            room = sum(widths[v] for v in (left, right) if not graph.is_dummy(v)) / 2
            separation[right] = room + gap
    return separation


def _aligning_neighbours(
    graph: LayeredGraph, position: Sequence[int]
) -> tuple[Candidates, Candidates]:
    """Give the one or two neighbours above and below that each vertex wants to stand under.

    A trunk follows itself, and an operation follows the operand that was computed
    rather than a parameter beside it, so that the main path is straight.
    """
    above: Candidates = []
    below: Candidates = []
    for v, (up, down) in enumerate(zip(graph.up, graph.down, strict=True)):
        computed = [u for u in up if graph.up[u]] or up
        above.append(_middle(computed, position))
        stem = [w for w in down if graph.is_dummy(w)] if graph.is_dummy(v) else []
        beside_path = not up and any(graph.up[u] for w in down for u in graph.up[w])
        below.append([] if beside_path else _middle(stem or down, position))
    return above, below


def _middle(vertices: Sequence[int], position: Sequence[int]) -> list[int]:
    row = sorted(vertices, key=position.__getitem__)
    return row[(len(row) - 1) // 2 : len(row) // 2 + 1]


def _edges_across_trunks(graph: LayeredGraph, position: Sequence[int]) -> set[tuple[int, int]]:
    """Find the edges that cross a trunk (conflicts of type 1): they have to bend."""
    crossed: set[tuple[int, int]] = set()
    for upper, lower in pairwise(graph.layers):
        left, start = -1, 0
        for index, v in enumerate(lower):
            inner = graph.is_dummy(v) and graph.is_dummy(graph.up[v][0])
            if not inner and index < len(lower) - 1:
                continue
            right = position[graph.up[v][0]] if inner else len(upper)
            for w in lower[start : index + 1]:
                for u in graph.up[w]:
                    outside = not left <= position[u] <= right
                    if outside and not (graph.is_dummy(u) and graph.is_dummy(w)):
                        crossed.add((u, w))
            left, start = right, index + 1
    return crossed


def _align(
    graph: LayeredGraph,
    candidates: Candidates,
    position: Sequence[int],
    crossed: set[tuple[int, int]],
    downward: bool,
    rightward: bool,
) -> list[int]:
    """Join vertices into vertical blocks; give the first vertex of each vertex's block."""
    root = list(range(len(position)))
    taken = [False] * len(position)
    sign = 1 if rightward else -1
    for layer in graph.layers if downward else reversed(graph.layers):
        frontier = -len(position)
        for v in layer[::sign]:
            for w in candidates[v][::sign]:
                edge = (w, v) if downward else (v, w)
                if not taken[w] and sign * position[w] > frontier and edge not in crossed:
                    taken[w] = True
                    root[v] = root[w]
                    frontier = sign * position[w]
                    break
    return root


class _Blocks:
    """Blocks of vertices that share their x, with the distances that they have to keep."""

    def __init__(
        self, graph: LayeredGraph, root: Sequence[int], separation: Sequence[float]
    ) -> None:
        self._graph = graph
        self._root = root
        self._rights: dict[int, list[tuple[int, float]]] = {r: [] for r in root}
        self._lefts: dict[int, list[tuple[int, float]]] = {r: [] for r in self._rights}
        for layer in graph.layers:
            for left, right in pairwise(layer):
                self._rights[root[left]].append((root[right], separation[right]))
                self._lefts[root[right]].append((root[left], separation[right]))
        self._pulls = self._edges_that_bend()

    def _edges_that_bend(self) -> dict[int, list[int]]:
        pulls: dict[int, list[int]] = {r: [] for r in self._rights}
        for u, lowers in enumerate(self._graph.down):
            for v in lowers:
                a, b = self._root[u], self._root[v]
                if a != b:
                    pulls[a].append(b)
                    pulls[b].append(a)
        return pulls

    def pack(self, *, rightward: bool) -> list[float]:
        """Place the blocks side by side, from the left or from the right end."""
        ahead, behind = (self._rights, self._lefts) if rightward else (self._lefts, self._rights)
        order = self._order(ahead, behind)
        x = dict.fromkeys(order, 0.0)
        for block in order:
            for other, distance in ahead[block]:
                x[other] = max(x[other], x[block] + distance)
        # Close the gaps: against the packing direction, then with it.
        self._pull(reversed(order), ahead, x, 1.0)
        self._pull(order, behind, x, -1.0)
        sign = 1.0 if rightward else -1.0
        return [sign * x[r] for r in self._root]

    def _pull(
        self,
        order: Iterable[int],
        limits: dict[int, list[tuple[int, float]]],
        x: dict[int, float],
        sign: float,
    ) -> None:
        for block in order:
            pulls = self._pulls[block]
            if not pulls:
                continue
            here = x[block]
            wish = sign * (_towards_median(here, [x[other] for other in pulls]) - here)
            if wish > 0:
                room = (sign * (x[other] - here) - gap for other, gap in limits[block])
                x[block] = here + sign * max(0.0, min(wish, min(room, default=wish)))

    @staticmethod
    def _order(
        ahead: dict[int, list[tuple[int, float]]], behind: dict[int, list[tuple[int, float]]]
    ) -> list[int]:
        waiting = {block: len(others) for block, others in behind.items()}
        order = [block for block, count in waiting.items() if count == 0]
        for block in order:
            for other, _ in ahead[block]:
                waiting[other] -= 1
                if waiting[other] == 0:
                    order.append(other)
        return order


def _balance(
    results: Sequence[Sequence[float]], graph: LayeredGraph, widths: Sequence[float]
) -> list[float]:
    """Shift the four results to the narrowest one; take the mean of the middle two."""
    half = [w / 2 for w in widths] + [0.0] * (len(graph.layer) - graph.boxes)
    ends = [
        (
            min(a - h for a, h in zip(x, half, strict=True)),
            max(a + h for a, h in zip(x, half, strict=True)),
        )
        for x in results
    ]
    low, high = min(ends, key=lambda pair: pair[1] - pair[0])
    # Results 0 and 2 were packed from the left, 1 and 3 from the right.
    shifts = [low - a if i % 2 == 0 else high - b for i, (a, b) in enumerate(ends)]
    columns = zip(*results, strict=True)
    balanced: list[float] = []
    for column in columns:
        places = sorted(a + shift for a, shift in zip(column, shifts, strict=True))
        balanced.append((places[1] + places[2]) / 2)
    return balanced


def _towards_median(here: float, places: Sequence[float]) -> float:
    """Give the nearest place with the least total distance: straight edges stay straight."""
    row = sorted(places)
    if not row:
        return here
    return min(max(here, row[(len(row) - 1) // 2]), row[len(row) // 2])


def _settle(graph: LayeredGraph, x: list[float], separation: Sequence[float]) -> None:
    """Move single boxes towards their neighbours where there is room; trunks stay straight."""
    for layers in (graph.layers, graph.layers[::-1]):
        for layer in layers:
            for index, v in _boxes_of(graph, layer):
                wish = _towards_median(x[v], [x[w] for w in graph.up[v] + graph.down[v]])
                if wish < x[v] and index > 0:
                    wish = min(x[v], max(wish, x[layer[index - 1]] + separation[v]))
                elif wish > x[v] and index + 1 < len(layer):
                    right = layer[index + 1]
                    wish = max(x[v], min(wish, x[right] - separation[right]))
                x[v] = wish


def _boxes_of(graph: LayeredGraph, layer: Sequence[int]) -> Iterator[tuple[int, int]]:
    for index, v in enumerate(layer):
        if not graph.is_dummy(v):
            yield index, v
