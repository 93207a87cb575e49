"""Graphs: inputs, walks, replacement, listing, trees."""

import collections
import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph, replace
from symgraph.graph.node import topological
from symgraph.graph.registry import apply
from symgraph.graph.tree import flatten, leaf_paths, tree_map, unflatten


class Pair(NamedTuple):
    first: Any
    second: Any


@pytest.fixture
def x():
    return sg.placeholder("x", ("n", 3))


def test_operands_come_before_their_users(x):
    y = np.sin(x) * np.cos(x) + np.sin(x)
    order = topological([y, x])
    assert len(order) == len(set(order)) == 5
    place = {node: i for i, node in enumerate(order)}
    for node in order:
        assert all(place[operand] < place[node] for operand in node.inputs)


def test_a_walk_stops_where_it_is_told(x):
    middle = np.sin(x)
    assert topological([middle + 1.0], stop=lambda node: node is middle)[0] is middle


def test_walks_are_not_quadratic_in_wide_nodes():
    parts = [sg.placeholder(f"p{i}", 1) for i in range(2000)]
    joined = sg.concatenate(parts)
    assert len(topological([joined, joined + 1.0])) == 2003


def test_inputs_are_checked(x):
    with pytest.raises(sg.InputError, match="must be a placeholder"):
        Graph([x * 2], x)
    with pytest.raises(sg.InputError, match="given 2 times"):
        Graph([x, x], x)
    with pytest.raises(sg.InputError, match="not among the inputs") as error:
        Graph([], x)
    assert "x" in error.value.expected
    with pytest.raises(sg.InputError, match=r"output \[b_0\]"):
        Graph([x], {"a": x, "b": [3.0]})


def test_listing(x):
    y = np.exp(x).named("y")
    text = str(Graph([x], [y + 1.0, y + np.nan]))
    lines = [line.split("#")[0].strip() for line in text.split("\n")]
    assert lines == [
        "x: float64[n, 3] = placeholder",
        "y: float64[n, 3] = exp(x)",
        "2: float64[n, 3] = add(y, 1.0)",
        "3: float64[n, 3] = add(y, nan)",
        "return %2, %3",
    ]
    assert "test_graph.py:" in text


def test_verify_and_size(x):
    graph = Graph([x], x.sum(axis=0) + 1)
    graph.verify()
    assert len(graph) == 4
    assert graph.size_names == ["n"]
    assert graph.users[x] == [graph.nodes[1]]


def test_replace_builds_only_what_depends(x):
    y, z = np.sin(x), np.cos(x)
    (changed, same) = replace([y * 2.0, z], {y: x})
    assert changed is x * 2.0
    assert same is z


def test_a_graph_pickles_in_its_form(x):
    graph = Graph({"x": x}, Pair(x * 2, [x]))
    again = pickle.loads(pickle.dumps(graph))
    assert again.output.first is x * 2
    assert isinstance(again.output, Pair)
    assert again.input_tree.keys == ("x",)


def test_interpret_runs_op_by_op(x):
    value = np.arange(6.0).reshape(2, 3)
    (found,) = interpret([(x * 2).sum(axis=1) / x.shape[0]], {x: value})
    np.testing.assert_array_equal(found, (value * 2).sum(axis=1) / 2)


def test_interpret_keeps_operands_apart_where_a_decomposition_holds_another(x):
    step = apply("reciprocal_step", x, np.negative(-x))
    (found,) = interpret([step], {x: np.full((2, 3), 4.0)})
    np.testing.assert_array_equal(found, np.full((2, 3), 0.125))


TREES = [
    3,
    None,
    [],
    {},
    [1, [2, (3,)], {"a": 4, "b": {}}],
    Pair(1, {"x": [2]}),
    collections.OrderedDict(b=1, a=2),
    ((), [[], 1]),
]


@pytest.mark.parametrize("tree", TREES)
def test_trees_come_back(tree):
    leaves, form = flatten(tree)
    again = unflatten(form, leaves)
    assert again == tree
    assert type(again) is type(tree)
    assert len(leaf_paths(form)) == form.leaves == len(leaves)
    assert hash(form) == hash(flatten(tree)[1])


def test_wrong_numbers_of_leaves():
    _, form = flatten([1, 2])
    with pytest.raises(sg.InputError, match="too few"):
        unflatten(form, [1])
    with pytest.raises(sg.InputError, match="too many"):
        unflatten(form, [1, 2, 3])


def test_tree_map():
    assert tree_map(lambda v: v + 1, {"a": [1, 2]}) == {"a": [2, 3]}


def test_a_name_cannot_break_the_listing():
    x = sg.placeholder("x\n\x1b[31m", "n")
    text = str(sg.Graph([x], (x * 2).named("a\nb")))
    assert len(text.splitlines()) == 3
    assert all(line.isprintable() for line in text.splitlines())
