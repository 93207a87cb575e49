"""The driver: fixed points, its guard, its record, its cost."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph.explanation import Explanation
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph
from symgraph.graph.node import constant
from symgraph.graph.record import with_fields
from symgraph.pipeline import Options, prepare, wishes
from symgraph.simplify import RULES, Rule, simplify

LEVELS = ("bitwise", "accurate", "real")


def rule(name, root, apply, keeps="bitwise"):
    return Rule(name, "a law", keeps, (root,), apply)


def test_rules_that_undo_each_other_are_named():
    there = rule("there", "sin", lambda node: np.cos(node.inputs[0]))
    back = rule("back", "cos", lambda node: np.sin(node.inputs[0]))
    with pytest.raises(sg.SymgraphError, match="undo each other: back, there"):
        simplify([np.sin(sg.placeholder("x"))], rules=[there, back])


def test_a_rule_that_never_ends_is_named():
    grows = rule("grows", "sin", lambda node: np.sin(node.inputs[0] + 1.0))
    with pytest.raises(sg.SymgraphError, match="never end: grows"):
        simplify([np.sin(sg.placeholder("x"))], rules=[grows])


def test_firings_are_recorded_and_explained():
    x = sg.placeholder("x")
    result = simplify([np.sin(np.negative(-x))])
    assert [f.rule.name for f in result.firings] == ["involution"]
    text = str(Explanation(3, 2, result.firings))
    assert "involution (bitwise): op(op(x)) = x" in text
    assert "test_driver.py" in text


@pytest.mark.parametrize(("strictness", "expected"), [("bitwise", 3), ("accurate", 2), ("real", 1)])
def test_strictness(strictness, expected):
    x = sg.placeholder("x")
    results = [x - x, x + 0.0, x * 1.0]
    changed = simplify(results, strictness).outputs
    assert sum(a is b for a, b in zip(changed, results, strict=True)) == expected - 1


def test_only_the_rules_given():
    x = sg.placeholder("x")
    node = np.negative(-x) + 0.0
    (only,) = [r for r in RULES if r.name == "involution"]
    assert simplify([node], rules=[only]).outputs[0] is x + 0.0


def test_a_name_survives_a_rewrite():
    x = sg.placeholder("x", 3)
    node = (x + x).named("twice")
    prepared = prepare([np.sin(node) * node], Options())
    names = wishes(Graph([x], np.sin(node) * node), prepared.image)
    assert names[2.0 * x] == "twice"


def test_a_gradient_keeps_its_name():
    x = sg.placeholder("x", 3)
    loss = (3.0 * x * x).sum()
    gradient = sg.grad(loss, x)
    prepared = prepare([gradient], Options())
    assert "d_x" in wishes(Graph([x], gradient), prepared.image).values()


def test_origins_survive():
    x = sg.placeholder("x", 3)
    (result,) = simplify([np.exp(np.negative(-x)) * 2.0]).outputs
    listing = Graph([x], result)
    assert "test_driver.py" in str(Explanation(0, 0, simplify([np.negative(-x)]).firings))
    assert listing.outputs[0] is result


# Random graphs ------------------------------------------------------------------------------------

UNARY = [np.sin, np.cos, np.tanh, np.negative, np.abs, np.square, np.exp, np.floor, np.arctan]
BINARY = [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum]
SHAPES = [
    lambda x: x.T,
    lambda x: np.broadcast_to(x.sum(0), (3, 3)),
    lambda x: np.broadcast_to(x.mean(1, keepdims=True), (3, 3)),
    lambda x: x.ravel().reshape(3, 3),
    lambda x: x[None].squeeze(0),
    lambda x: x @ x,
    lambda x: x[::-1],
    lambda x: np.concatenate([x[:1], x[1:]]),
    lambda x: x.at[0].add(1.0),
    lambda x: np.where(x > 0, x, 0.0),
    lambda x: x.astype(np.float32).astype(np.float64),
]
CONSTANTS = [0.0, 1.0, -1.0, 2.0, 0.5, 3.0]


@st.composite
def graphs(draw):
    """A random graph over (3, 3) matrices."""
    x, y = sg.placeholder("x", (3, 3)), sg.placeholder("y", (3, 3))
    nodes = [x, y]
    for _ in range(draw(st.integers(1, 12))):
        first = nodes[draw(st.integers(0, len(nodes) - 1))]
        kind = draw(st.integers(0, 3))
        if kind == 0:
            nodes.append(draw(st.sampled_from(UNARY))(first))
        elif kind == 1:
            nodes.append(draw(st.sampled_from(SHAPES))(first))
        elif kind == 2:
            nodes.append(draw(st.sampled_from(BINARY))(first, draw(st.sampled_from(CONSTANTS))))
        else:
            second = nodes[draw(st.integers(0, len(nodes) - 1))]
            nodes.append(draw(st.sampled_from(BINARY))(first, second))
    return x, y, nodes[-1]


@settings(max_examples=150)
@given(graphs(), st.sampled_from(LEVELS))
def test_twice_is_once(graph, strictness):
    _, _, node = graph
    once = simplify([node], strictness).outputs
    again = simplify(once, strictness)
    assert again.outputs[0] is once[0]
    assert not again.firings


@settings(max_examples=150)
@given(graphs(), st.sampled_from(LEVELS), st.integers(0, 2**32 - 1))
def test_simplified_is_unsimplified(graph, strictness, seed):
    x, y, node = graph
    rng = np.random.default_rng(seed)
    values = {x: rng.uniform(0.5, 1.5, (3, 3)), y: rng.uniform(0.5, 1.5, (3, 3))}
    with np.errstate(all="ignore"):
        (first,) = interpret([node], values)
        (second,) = interpret(simplify([node], strictness).outputs, values)
        nudged = {n: v * (1 + 1e-14) for n, v in values.items()}
        (near,) = interpret([node], nudged)
    if strictness == "bitwise":
        np.testing.assert_array_equal(second, first)
        return
    # Where the graph itself is ill-conditioned, or not defined, nothing is promised.
    ok = np.isfinite(first) & np.isfinite(near)
    with np.errstate(invalid="ignore"):
        ok &= np.abs(near - first) <= 1e-10 * np.abs(first) + 1e-12
    np.testing.assert_allclose(second[ok], first[ok], rtol=1e-7, atol=1e-9)


# Cost ---------------------------------------------------------------------------------------------


def chain(size):
    x = node = sg.placeholder("x")
    for i in range(size):
        node = (np.sin(node), node + x, node * 0.5, -node)[i % 4]
    return node


def terms(size):
    x = node = sg.placeholder("x")
    for i in range(size):
        node = node + x * (1.5 + i)
    return node


def diamond(size):
    node = sg.placeholder("x")
    for _ in range(size // 2):
        node = np.sin(node) * np.cos(node)
    return node


BUILDERS = [chain, terms, diamond]


@pytest.mark.parametrize("build", BUILDERS)
def test_linear_in_rule_calls(build):
    def count(size):
        calls = Counter()

        def counted(some):
            def apply(node):
                calls["all"] += 1
                return some.apply(node)

            return with_fields(some, apply=apply)

        graph_rules = [counted(some) for some in RULES if some.stage == "graph"]
        simplify([build(size)], rules=graph_rules)
        return calls["all"]

    assert count(10_000) <= 11 * count(1_000)


@pytest.mark.parametrize("build", BUILDERS)
def test_many_nodes(build):
    """A hundred thousand go through every stage in the tests of scale."""
    node = build(30_000)
    result = simplify([node])
    assert result.outputs[0].result_type == node.result_type


def test_constant_of_another_dtype_does_not_change_the_type():
    k = sg.placeholder("k", 3, "int32")
    node = k * constant(np.int64(1))
    assert simplify([node]).outputs[0].dtype == np.int64


def test_derivatives_of_no_differences():
    x, t = sg.placeholder("x"), sg.placeholder("t")
    slope = sg.grad(np.sum(np.sin(np.diff(np.ravel(x)))), x)
    f = sg.function([x, t], [slope, sg.jvp(slope, x, t)])
    assert f(1.0, 2.0) == [0.0, 0.0]


def test_a_vector_of_one_times_an_outer_product_of_one():
    v, a, b = sg.placeholder("v", 1), sg.placeholder("a", (1, 1)), sg.placeholder("b", (1, 1))
    found = sg.function([v, a, b], v @ (a * b))(np.full(1, 2.0), np.full((1, 1), 3.0), np.eye(1))
    assert found.tolist() == [6.0]
