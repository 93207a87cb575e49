"""The curves of the edges, once every vertex has its place.

Between two layers an edge is one cubic curve with vertical ends; through a layer it
runs straight. So it stays clear of the boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from symgraph.notebook.layout_layers import LayeredGraph

# An arrow keeps this share of a box's width from its corners, and this distance from the next.
_MARGIN = 0.16
_ARROW_GAP = 10.0
# Places that differ by less are the same on any screen.
_SAME = 0.01


class Point(NamedTuple):
    """A point of the plane; y grows downward."""

    x: float
    y: float

    def moved(self, by: Point) -> Point:
        """Give the point, moved by a vector."""
        return Point(self.x + by.x, self.y + by.y)


@dataclass(frozen=True, slots=True)
class Route:
    """The curve of an edge.

    Attributes
    ----------
    source, target
        The ids of its ends.
    points
        The start, then two control points and an end for each cubic curve.
    """

    source: str
    target: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the layers and the vertices of one part stand.

    Attributes
    ----------
    x
        The centre of each vertex.
    sizes
        Width and height of each box.
    tops, heights
        Of each layer.
    gap
        Between edges that run side by side.
    """

    x: Sequence[float]
    sizes: Sequence[tuple[float, float]]
    tops: Sequence[float]
    heights: Sequence[float]
    gap: float

    @property
    def y(self) -> list[float]:
        """The middle of each layer."""
        return [top + height / 2 for top, height in zip(self.tops, self.heights, strict=True)]

    @property
    def height(self) -> float:
        """The height of the whole part."""
        return self.tops[-1] + self.heights[-1]

    def bottom(self, level: int) -> float:
        """Give the lower end of a layer."""
        return self.tops[level] + self.heights[level]


class Router:
    """Leads the edges of one part from box to box.

    Attributes
    ----------
    width
        The width of the part, with the lanes of the detours on its right.
    """

    def __init__(self, graph: LayeredGraph, frame: Frame, edges: Sequence[tuple[int, int]]) -> None:
        self._graph = graph
        self._frame = frame
        self._edges = edges
        self._middles = frame.y
        right = max(
            [frame.x[v] + size[0] / 2 for v, size in enumerate(frame.sizes)] + list(frame.x)
        )
        self._lanes, self.width = _lanes(graph, right, frame.gap)
        self._far = set(graph.detours)
        self._leaving = [self._port_below(u, v) for u, v in edges]
        self._entering = self._ports_above()

    def route(self, number: int) -> tuple[Point, ...]:
        """Give the points of one edge's curve."""
        u, v = self._edges[number]
        frame, layer = self._frame, self._graph.layer
        start, end = self._leaving[number], self._entering[number]
        path = _Path(Point(start, self._middles[layer[u]] + frame.sizes[u][1] / 2))
        path.down_to(frame.bottom(layer[u]))
        for x, first, last in self._passages(u, v):
            path.bend_to(Point(x, frame.tops[first]))
            path.down_to(frame.bottom(last))
        path.bend_to(Point(end, frame.tops[layer[v]]))
        path.down_to(self._middles[layer[v]] - frame.sizes[v][1] / 2)
        return tuple(path.points)

    def _passages(self, u: int, v: int) -> list[tuple[float, int, int]]:
        """Give the x of each straight passage, with the first and last layer it goes through."""
        layer = self._graph.layer
        if (u, v) in self._far:
            return [(self._lanes[u], layer[u] + 1, layer[v] - 1)]
        passages: list[tuple[float, int, int]] = []
        for dummy in self._graph.passed(u, v):
            x = self._frame.x[dummy]
            # A straight run of a trunk is one passage.
            if passages and abs(passages[-1][0] - x) < _SAME:
                passages[-1] = (passages[-1][0], passages[-1][1], layer[dummy])
            else:
                passages.append((x, layer[dummy], layer[dummy]))
        return passages

    def _next_x(self, u: int, v: int) -> float:
        """Give the x that an edge heads for when it leaves its source."""
        passages = self._passages(u, v)
        return passages[0][0] if passages else self._frame.x[v]

    def _last_x(self, number: int) -> float:
        """Give the x from which an edge comes when it enters its target."""
        passages = self._passages(*self._edges[number])
        return passages[-1][0] if passages else self._leaving[number]

    def _port_below(self, u: int, v: int) -> float:
        return self._clamp(self._next_x(u, v), u)

    def _clamp(self, x: float, box: int) -> float:
        reach = self._frame.sizes[box][0] * (0.5 - _MARGIN)
        return min(max(x, self._frame.x[box] - reach), self._frame.x[box] + reach)

    def _ports_above(self) -> list[float]:
        """Choose where each edge enters: straight below where it comes from, arrows apart."""
        arriving: dict[int, list[tuple[float, int]]] = {}
        for number, (_, v) in enumerate(self._edges):
            arriving.setdefault(v, []).append((self._last_x(number), number))
        ports = [0.0] * len(self._edges)
        for v, arrivals in arriving.items():
            arrivals.sort()
            wishes = [self._clamp(x, v) for x, _ in arrivals]
            reach = self._frame.sizes[v][0] * (0.5 - _MARGIN)
            for (_, number), x in zip(
                arrivals, _spread(wishes, self._frame.x[v], reach), strict=True
            ):
                ports[number] = x
        return ports


class _Path:
    """A curve in the making."""

    def __init__(self, start: Point) -> None:
        self.points = [start]

    def down_to(self, y: float) -> None:
        """Go straight down."""
        here = self.points[-1]
        if y - here.y > 1e-6:
            self._straight(Point(here.x, y))

    def bend_to(self, end: Point) -> None:
        """Go to a point further down, with vertical tangents at both ends."""
        here = self.points[-1]
        if abs(end.x - here.x) < _SAME:
            self._straight(Point(here.x, end.y))
            return
        middle = (here.y + end.y) / 2
        self.points += [Point(here.x, middle), Point(end.x, middle), end]

    def _straight(self, end: Point) -> None:
        if len(self.points) >= 4 and all(abs(p.x - end.x) < _SAME for p in self.points[-4:]):
            del self.points[-3:]
        here = self.points[-1]
        third = (end.y - here.y) / 3
        self.points += [Point(end.x, here.y + third), Point(end.x, end.y - third), end]


def _spread(wishes: Sequence[float], centre: float, reach: float) -> list[float]:
    """Move ascending places apart, as little as needed, within reach of the centre."""
    if len(wishes) < 2:
        return list(wishes)
    gap = min(_ARROW_GAP, 2 * reach / (len(wishes) - 1))
    # Groups that are too close are merged and centred on the mean of their members' wishes.
    groups: list[tuple[float, int]] = []
    for wish in wishes:
        mean, count = wish, 1
        while groups and _too_close(groups[-1], (mean, count), gap):
            before, members = groups.pop()
            mean = (before * members + mean * count) / (members + count)
            count += members
        groups.append((mean, count))
    places = [mean + gap * (i - (n - 1) / 2) for mean, n in groups for i in range(n)]
    low, high = centre - reach, centre + reach
    for i, place in enumerate(places):
        places[i] = max(place, low + gap * i)
    for i in range(len(places)):
        places[-1 - i] = min(places[-1 - i], high - gap * i)
    return places


def _too_close(left: tuple[float, int], right: tuple[float, int], gap: float) -> bool:
    return right[0] - left[0] < gap * (left[1] + right[1]) / 2


def _lanes(graph: LayeredGraph, right: float, gap: float) -> tuple[dict[int, float], float]:
    """Give each source of detours a lane of its own, and the width of the part."""
    lowest: dict[int, int] = {}
    for u, v in graph.detours:
        lowest[u] = max(lowest.get(u, 0), graph.layer[v])
    # Inner lanes for the shorter ones: a detour then crosses none that it encloses.
    spans = sorted(lowest, key=lambda u: (lowest[u] - graph.layer[u], u))
    used: list[list[tuple[int, int]]] = []
    lanes: dict[int, float] = {}
    for u in spans:
        first, last = graph.layer[u], lowest[u]
        free = (i for i, lane in enumerate(used) if all(b <= first or last <= a for a, b in lane))
        number = next(free, len(used))
        if number == len(used):
            used.append([])
        used[number].append((first, last))
        lanes[u] = right + gap * (number + 1)
    return lanes, right + gap * len(used)


def straight_runs(points: Sequence[Point]) -> list[bool]:
    """Say of each cubic curve of a route whether it is a straight vertical line."""
    curves = zip(points[0::3], points[1::3], points[2::3], points[3::3], strict=False)
    return [all(abs(b.x - a.x) < _SAME for a, b in pairwise(curve)) for curve in curves]
