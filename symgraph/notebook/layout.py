"""A layered drawing of a directed acyclic graph, from plain data to plain data.

Boxes with a size and edges go in; centres and curves come out. Every edge points
downward, no two boxes overlap, and no edge crosses a box. The same input gives the
same drawing.

Examples
--------
>>> drawing = lay_out([Box("x", 40, 20), Box("y", 40, 20)], [("x", "y")])
>>> drawing.centres["x"].x == drawing.centres["y"].x
True
>>> drawing.centres["x"].y < drawing.centres["y"].y
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from symgraph.notebook.layout_coordinates import Gaps, assign_coordinates
from symgraph.notebook.layout_layers import LayeredGraph, assign_layers, split_long_edges
from symgraph.notebook.layout_order import order_layers
from symgraph.notebook.layout_routes import Frame, Point, Route, Router

__all__ = ["Box", "Drawing", "Point", "Route", "Spacing", "lay_out"]

# How many dummies a drawing may have, at all and for each box: they are what takes the time.
DUMMIES = (8_000, 4)


@dataclass(frozen=True, slots=True)
class Box:
    """A box to place.

    Attributes
    ----------
    id
        A name of its own.
    width, height
        Its size.
    """

    id: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Spacing:
    """The free space in a drawing, in the unit of the boxes' sizes.

    Attributes
    ----------
    boxes
        Between neighbours in a layer.
    edges
        Between an edge and what it passes.
    layers
        Between layers; more where edges go far to the side.
    parts
        Between parts that no edge joins.
    """

    boxes: float = 22.0
    edges: float = 14.0
    layers: float = 30.0
    parts: float = 36.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where everything stands; the origin is the top left corner.

    Attributes
    ----------
    width, height
        The size of the whole.
    centres
        The centre of each box, by its id.
    routes
        The curve of each edge, in the order in which the edges were given.
    """

    width: float
    height: float
    centres: dict[str, Point]
    routes: tuple[Route, ...]


def lay_out(
    boxes: Sequence[Box],
    edges: Sequence[tuple[str, str]],
    spacing: Spacing | None = None,
) -> Drawing:
    """Draw a directed acyclic graph in layers, edges downward.

    Parameters
    ----------
    boxes
        What to place. Ties in the drawing are decided by this order.
    edges
        Pairs of ids, source first. The same pair may occur more than once.
    spacing
        The free space; by default that of `Spacing`.

    Returns
    -------
    Drawing
        Centres and curves.

    Raises
    ------
    ValueError
        If two boxes share an id, an edge names no box, or the edges form a cycle.
    """
    spacing = spacing or Spacing()
    index = _index(boxes, edges)
    ends = [(index[source], index[target]) for source, target in edges]
    parts = [_draw_part(boxes, members, ends, spacing) for members in _parts(len(boxes), ends)]
    corners, width, height = _shelve([(part.width, part.height) for part in parts], spacing.parts)
    centres: dict[str, Point] = {}
    routes: dict[int, Route] = {}
    for part, corner in zip(parts, corners, strict=True):
        for v, centre in part.centres.items():
            centres[boxes[v].id] = centre.moved(corner)
        for number, points in part.routes.items():
            routes[number] = Route(*edges[number], tuple(point.moved(corner) for point in points))
    ordered = {box.id: centres[box.id] for box in boxes}
    return Drawing(width, height, ordered, tuple(routes[i] for i in range(len(edges))))


def _index(boxes: Sequence[Box], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    index = {box.id: number for number, box in enumerate(boxes)}
    if len(index) < len(boxes):
        twice = next(box.id for number, box in enumerate(boxes) if index[box.id] != number)
        raise ValueError(f"expected boxes with different ids, got {twice!r} more than once")
    for source, target in edges:
        for end in (source, target):
            if end not in index:
                raise ValueError(f"edge ({source!r}, {target!r}) names {end!r}, which is no box")
    return index


def _parts(count: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Split the vertices into connected parts, each in ascending order."""
    around: list[list[int]] = [[] for _ in range(count)]
    for u, v in edges:
        around[u].append(v)
        around[v].append(u)
    part = [-1] * count
    parts: list[list[int]] = []
    for start in range(count):
        if part[start] >= 0:
            continue
        part[start] = len(parts)
        stack, members = [start], [start]
        while stack:
            for w in around[stack.pop()]:
                if part[w] < 0:
                    part[w] = len(parts)
                    stack.append(w)
                    members.append(w)
        parts.append(sorted(members))
    return parts


@dataclass(frozen=True, slots=True)
class _Part:
    """The drawing of one connected part, by vertex and edge number."""

    width: float
    height: float
    centres: dict[int, Point]
    routes: dict[int, tuple[Point, ...]]


def _draw_part(
    boxes: Sequence[Box],
    members: Sequence[int],
    edges: Sequence[tuple[int, int]],
    spacing: Spacing,
) -> _Part:
    local = {v: i for i, v in enumerate(members)}
    numbers = [n for n, (u, _) in enumerate(edges) if u in local]
    own = [(local[edges[n][0]], local[edges[n][1]]) for n in numbers]
    graph = _layered(len(members), own)
    sizes = [(boxes[v].width, boxes[v].height) for v in members]
    x = _place(graph, [width for width, _ in sizes], Gaps(spacing.boxes, spacing.edges))
    frame = _frame(graph, x, sizes, spacing)
    router = Router(graph, frame, own)
    points = {n: router.route(i) for i, n in enumerate(numbers)}
    centres = {v: Point(frame.x[i], frame.y[graph.layer[i]]) for v, i in local.items()}
    return _Part(router.width, frame.height, centres, points)


def _layered(count: int, edges: Sequence[tuple[int, int]]) -> LayeredGraph:
    preds: list[list[int]] = [[] for _ in range(count)]
    succs: list[list[int]] = [[] for _ in range(count)]
    for u, v in dict.fromkeys(edges):
        preds[v].append(u)
        succs[u].append(v)
    layer = assign_layers(preds, succs)
    fixed, per_box = DUMMIES
    return split_long_edges(layer, succs, fixed + per_box * count)


def _place(graph: LayeredGraph, widths: Sequence[float], gaps: Gaps) -> list[float]:
    """Order the layers and give each vertex its x; of equal orders take the shortest lines."""
    best: tuple[float, list[list[int]], list[float]] | None = None
    for order in order_layers(graph):
        graph.layers = order
        x = assign_coordinates(graph, widths, gaps)
        length = sum(abs(x[w] - x[v]) for v, lower in enumerate(graph.down) for w in lower)
        if best is None or length < best[0]:
            best = (length, order, x)
    if best is None:
        return []
    graph.layers = best[1]
    return best[2]


def _frame(
    graph: LayeredGraph,
    x: Sequence[float],
    sizes: Sequence[tuple[float, float]],
    spacing: Spacing,
) -> Frame:
    """Stack the layers, with more room between them where edges go far to the side."""
    left = min([x[v] - sizes[v][0] / 2 for v in range(graph.boxes)] + [x[v] for v in range(len(x))])
    centres = [a - left for a in x]
    heights = [
        max((sizes[v][1] for v in row if v < graph.boxes), default=0.0) for row in graph.layers
    ]
    tops = [0.0]
    for level, (upper, _) in enumerate(pairwise(graph.layers)):
        reach = max((abs(x[w] - x[v]) for v in upper for w in graph.down[v]), default=0.0)
        gap = spacing.layers * (1 + min(1.5, reach / 600))
        tops.append(tops[-1] + heights[level] + gap)
    return Frame(centres, sizes, tops, heights, spacing.edges)


def _shelve(sizes: Sequence[tuple[float, float]], gap: float) -> tuple[list[Point], float, float]:
    """Put the parts side by side, in as many rows as give a handy shape."""
    area = sum((width + gap) * (height + gap) for width, height in sizes)
    limit = max([sqrt(1.8 * area)] + [width for width, _ in sizes])
    corners: list[Point] = []
    left = top = bottom = right = 0.0
    for width, height in sizes:
        if left > 0 and left + width > limit:
            left, top = 0.0, bottom + gap
        corners.append(Point(left, top))
        right, bottom = max(right, left + width), max(bottom, top + height)
        left += width + gap
    return corners, right, bottom
