"""The order of the vertices within each layer: few crossings, found by sweeps.

Weighted medians with transposition of neighbours (Gansner, Koutsofios, North and
Vo, "A technique for drawing directed graphs", 1993).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from symgraph.notebook.layout_layers import LayeredGraph

Positions = list[int]


# Beyond this many vertices an improvement is no longer seen, but waited for.
_SMALL = 1_200


def order_layers(graph: LayeredGraph) -> list[list[list[int]]]:
    """Find orders of the layers in which few edges cross.

    Several starting orders (operands first or consumers first, from left or from
    right) are improved; those that end with the fewest crossings are given.

    Returns
    -------
    list
        Different orders, as many crossings in each; there is at least one.
    """
    small = len(graph.layer) <= _SMALL
    rounds = 16 if small else max(2, min(8, 20_000 // len(graph.layer)))
    tied: list[list[list[int]]] = []
    fewest = -1
    for start in _starting_orders(graph, mirrored=small):
        order, crossings = _improve(graph, start, rounds)
        if not tied or crossings < fewest:
            tied, fewest = [order], crossings
        elif crossings == fewest and order not in tied:
            tied.append(order)
    return tied


def _starting_orders(graph: LayeredGraph, *, mirrored: bool) -> Iterator[list[list[int]]]:
    upward = [v for layer in reversed(graph.layers) for v in layer]
    downward = [v for layer in graph.layers for v in layer]
    for step in (1, -1) if mirrored else (1,):
        yield _depth_first(graph, upward, graph.up, step)
        yield _depth_first(graph, downward, graph.down, step)


def count_crossings(graph: LayeredGraph, layers: Sequence[Sequence[int]]) -> int:
    """Count the pairs of edges that cross, for a given order of each layer."""
    position = _positions(graph, layers)
    total = 0
    for layer in layers:
        seen: list[int] = []
        for v in layer:
            ends = sorted(position[w] for w in graph.down[v])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                seen.insert(bisect_right(seen, end), end)
    return total


def _positions(graph: LayeredGraph, layers: Sequence[Sequence[int]]) -> Positions:
    position = [0] * len(graph.layer)
    for layer in layers:
        for index, v in enumerate(layer):
            position[v] = index
    return position


def _depth_first(
    graph: LayeredGraph, starts: Sequence[int], neighbours: Sequence[Sequence[int]], step: int
) -> list[list[int]]:
    """Fill the layers in depth-first order, so that what belongs together stands together."""
    layers: list[list[int]] = [[] for _ in graph.layers]
    seen = [False] * len(graph.layer)
    for start in starts:
        stack = [start]
        while stack:
            v = stack.pop()
            if seen[v]:
                continue
            seen[v] = True
            layers[graph.layer[v]].append(v)
            stack.extend(neighbours[v][::-step])
    return layers


def _improve(
    graph: LayeredGraph, layers: list[list[int]], rounds: int
) -> tuple[list[list[int]], int]:
    """Sweep down and up until nothing is gained; give the best order and its crossings."""
    position = _positions(graph, layers)
    best = [layer[:] for layer in layers]
    fewest = count_crossings(graph, layers)
    idle = 0
    for turn in range(rounds):
        if fewest == 0 or idle == 4:
            break
        downward = turn % 2 == 0
        _sweep(graph, layers, position, downward=downward, flip_ties=turn % 4 >= 2)
        _transpose(graph, layers, position, swap_ties=turn % 4 in (1, 2))
        crossings = count_crossings(graph, layers)
        if crossings < fewest:
            best, fewest, idle = [layer[:] for layer in layers], crossings, 0
        else:
            idle += 1
    return best, fewest


def _sweep(
    graph: LayeredGraph,
    layers: list[list[int]],
    position: Positions,
    *,
    downward: bool,
    flip_ties: bool,
) -> None:
    """Sort each layer by the medians of its neighbours in the layer before it."""
    fixed_side = graph.up if downward else graph.down
    for layer in layers[1:] if downward else layers[-2::-1]:
        movable = [v for v in layer if fixed_side[v]]
        key = {v: _weighted_median(sorted(position[w] for w in fixed_side[v])) for v in movable}
        if flip_ties:
            movable.reverse()
        movable.sort(key=key.__getitem__)
        queue = iter(movable)
        # A vertex with no neighbour on that side keeps its place.
        layer[:] = [next(queue) if fixed_side[v] else v for v in layer]
        for index, v in enumerate(layer):
            position[v] = index


def _weighted_median(places: Sequence[int]) -> float:
    """Take the median; of two middle places, lean to the side that is packed closer."""
    count = len(places)
    middle = count // 2
    if count % 2 == 1:
        return places[middle]
    if count == 2:
        return (places[0] + places[1]) / 2
    left = places[middle - 1] - places[0]
    right = places[-1] - places[middle]
    if left + right == 0:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * right + places[middle] * left) / (left + right)


def _transpose(
    graph: LayeredGraph, layers: list[list[int]], position: Positions, *, swap_ties: bool
) -> None:
    """Swap neighbours wherever that saves crossings, until none does (or six times).

    Swapping what neither saves nor costs, once, leads out of a dead end.
    """
    active = set(range(len(layers)))
    for attempt in range(6):
        if not active:
            return
        least = 0 if swap_ties and attempt == 0 else 1
        changed = [i for i in sorted(active) if _transpose_layer(graph, layers[i], position, least)]
        active = {j for i in changed for j in (i - 1, i, i + 1) if 0 <= j < len(layers)}


def _transpose_layer(
    graph: LayeredGraph, layer: list[int], position: Positions, least: int
) -> bool:
    """Swap neighbours that save at least so many crossings; say whether there were any."""
    ups = [sorted([position[w] for w in graph.up[v]]) for v in layer]
    downs = [sorted([position[w] for w in graph.down[v]]) for v in layer]
    changed = False
    for i in range(len(layer) - 1):
        j = i + 1
        if _saved(ups[i], ups[j]) + _saved(downs[i], downs[j]) >= least:
            layer[i], layer[j] = layer[j], layer[i]
            ups[i], ups[j] = ups[j], ups[i]
            downs[i], downs[j] = downs[j], downs[i]
            changed = True
    if changed:
        for index, v in enumerate(layer):
            position[v] = index
    return changed


def _saved(left: Sequence[int], right: Sequence[int]) -> int:
    """Count the crossings that swapping two neighbours saves on one side."""
    if len(left) * len(right) <= 4:
        return sum((x > y) - (x < y) for x in left for y in right)
    short, long, sign = (left, right, 1) if len(left) <= len(right) else (right, left, -1)
    return sign * sum(bisect_left(long, x) - (len(long) - bisect_right(long, x)) for x in short)
