"""Drawings: nothing overlaps, edges go down, the same input gives the same drawing."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.notebook.layout import Box, Drawing, Spacing, lay_out
from symgraph.notebook.layout_layers import assign_layers, split_long_edges
from symgraph.notebook.layout_order import count_crossings, order_layers

Edges = list[tuple[str, str]]


def boxes(count, width=60.0, height=30.0):
    return [Box(f"n{i}", width, height) for i in range(count)]


def named(pairs):
    return [(f"n{u}", f"n{v}") for u, v in pairs]


def chain(count):
    return boxes(count), named(pairwise(range(count)))


def chain_with_gradient(count):
    """Every value of a chain is used again on the way back: the longest edges there are."""
    back = [(i, count - 1 - i) for i in range(count // 2 - 1)]
    return boxes(count), named([*pairwise(range(count)), *back])


def layered(count, pairs, budget=100_000):
    preds = [[u for u, v in pairs if v == w] for w in range(count)]
    succs = [[v for u, v in pairs if u == w] for w in range(count)]
    return split_long_edges(assign_layers(preds, succs), succs, budget)


@st.composite
def graphs(draw):
    count = draw(st.integers(0, 24))
    sizes = st.tuples(st.floats(10, 120), st.floats(10, 50))
    drawn = [Box(f"n{i}", *draw(sizes)) for i in range(count)]
    if count < 2:
        return drawn, []
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    pairs = draw(st.lists(ends.filter(lambda e: e[0] != e[1]).map(sorted), max_size=50))
    return drawn, named(pairs)


def check(drawn: list[Box], edges: Edges, drawing: Drawing):
    spans = {box.id: _corners(box, drawing) for box in drawn}
    for left, top, right, bottom in spans.values():
        assert left >= -1e-6
        assert top >= -1e-6
        assert right <= drawing.width + 1e-6
        assert bottom <= drawing.height + 1e-6
    for a, b in combinations(spans.values(), 2):
        assert not _overlap(a, b), (a, b)
    assert [(route.source, route.target) for route in drawing.routes] == edges
    for route in drawing.routes:
        _check_route(route, spans, drawing)


def _check_route(route, spans, drawing):
    points = route.points
    assert len(points) % 3 == 1
    assert len(points) >= 4
    assert all(a.y <= b.y + 1e-6 for a, b in pairwise(points)), "an edge goes up"
    source, target = spans[route.source], spans[route.target]
    assert source[0] <= points[0].x <= source[2]
    assert points[0].y == pytest.approx(source[3], abs=1e-4)
    assert target[0] <= points[-1].x <= target[2]
    assert points[-1].y == pytest.approx(target[1], abs=1e-4)
    assert all(-1e-6 <= p.x <= drawing.width + 1e-6 for p in points)
    others = [s for name, s in spans.items() if name not in (route.source, route.target)]
    for x, y in _samples(points):
        assert not any(l < x < r and t < y < b for l, t, r, b in others), "an edge crosses a box"


def _samples(points):
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        for step in range(9):
            t = step / 8
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield (
                sum(w * p.x for w, p in zip(weights, (a, b, c, d), strict=True)),
                sum(w * p.y for w, p in zip(weights, (a, b, c, d), strict=True)),
            )


def _corners(box, drawing):
    x, y = drawing.centres[box.id]
    return x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2


def _overlap(a, b):
    apart = a[2] <= b[0] + 1e-6 or b[2] <= a[0] + 1e-6 or a[3] <= b[1] + 1e-6 or b[3] <= a[1] + 1e-6
    return not apart


@given(graphs())
def test_nothing_overlaps_and_edges_go_down(graph):
    check(*graph, lay_out(*graph))


@settings(max_examples=25)
@given(graphs())
def test_same_input_same_drawing(graph):
    assert lay_out(*graph) == lay_out(*graph)


@pytest.mark.parametrize(
    ("count", "pairs"),
    [
        (0, []),
        (1, []),
        (2, [(0, 1), (0, 1), (0, 1)]),
        (5, []),
        (6, [(0, 1), (2, 3), (2, 4)]),
        (40, [(0, i) for i in range(1, 40)]),
        (40, [(i, 39) for i in range(39)]),
        (42, [(0, i) for i in range(1, 41)] + [(i, 41) for i in range(1, 41)]),
        (9, [(u, v) for u in range(3) for v in range(3, 6)] + [(u, 8) for u in range(8)]),
    ],
    ids=["empty", "one", "parallel", "isolated", "parts", "fan-out", "fan-in", "both", "dense"],
)
def test_shapes(count, pairs):
    check(boxes(count), named(pairs), lay_out(boxes(count), named(pairs)))


def test_chain_with_gradient_is_sound_with_detours(monkeypatch):
    monkeypatch.setattr("symgraph.notebook.layout.DUMMIES", (40, 0))
    drawn, edges = chain_with_gradient(40)
    check(drawn, edges, lay_out(drawn, edges))


def test_long_chain_is_a_straight_column():
    drawing = lay_out(*chain(1_500))
    assert len({round(centre.x, 6) for centre in drawing.centres.values()}) == 1
    assert all(len(route.points) == 4 for route in drawing.routes)


def test_sources_stand_just_above_their_consumer():
    # 0 → 1 → 2 → 3, and 4 is first used by 3.
    assert assign_layers([[], [0], [1], [2, 4], []], [[1], [2], [3], [], [3]]) == [0, 1, 2, 3, 2]


def test_operand_that_is_carried_anyway_brings_its_operation_along():
    # 0 → 1 → 2 → 3, 4 = f(0), 3 uses 4 and 0: f(0) is computed where it is used.
    layer = assign_layers([[], [0], [1], [2, 4, 0], [0]], [[1, 4, 3], [2], [3], [], [3]])
    assert layer == [0, 1, 2, 3, 2]


def test_long_edges_of_one_source_share_their_dummies():
    graph = layered(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 3), (0, 4), (0, 5)])
    assert len(graph.layer) - graph.boxes == 4


def test_edges_beyond_the_budget_become_detours():
    graph = layered(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5), (1, 3)], budget=2)
    assert graph.detours == [(0, 5)]
    assert len(graph.layer) - graph.boxes == 1


@pytest.mark.parametrize("depth", [2, 5])
def test_a_tree_has_no_crossings(depth):
    pairs = [(i // 2, i) for i in range(2, 2**depth)]
    shuffled = sorted(((u - 1, v - 1) for u, v in pairs), key=lambda e: (e[1] * 7) % 11)
    graph = layered(2**depth - 1, shuffled)
    assert count_crossings(graph, order_layers(graph)[0]) == 0


def test_trunks_are_straight():
    pairs = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)]
    route = lay_out(boxes(6), named(pairs)).routes[-1]
    ends = route.points[::3]
    assert any(b.x == a.x and b.y - a.y > 200 for a, b in pairwise(ends))


def test_arrows_into_a_box_stay_apart():
    routes = lay_out(boxes(2), named([(0, 1), (0, 1)])).routes
    assert abs(routes[0].points[-1].x - routes[1].points[-1].x) >= 8


def test_spacing_is_kept():
    drawing = lay_out(boxes(3), named([(0, 1), (0, 2)]), Spacing(boxes=50.0, layers=70.0))
    centres = drawing.centres
    assert abs(centres["n1"].x - centres["n2"].x) >= 110
    assert centres["n1"].y - centres["n0"].y >= 100


@pytest.mark.parametrize(
    ("drawn", "edges", "message"),
    [
        (boxes(2), [("n0", "n1"), ("n1", "n0")], "2 of 2 boxes are on or below a cycle"),
        (boxes(1), [("n0", "n0")], "cycle"),
        (boxes(1), [("n0", "m")], "names 'm', which is no box"),
        (boxes(1) * 2, [], "got 'n0' more than once"),
    ],
)
def test_errors_name_what_is_wrong(drawn, edges, message):
    with pytest.raises(ValueError, match=message):
        lay_out(drawn, edges)
