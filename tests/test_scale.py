"""Large graphs: every stage, without recursion, and freed at the end."""

import gc
import pickle
import sys
import weakref

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import _TABLE, topological
from symgraph.simplify import simplify


def chain(x, count):
    for _ in range(count):
        x = np.sin(x)
    return x


def left_deep(x, count):
    total = x
    for i in range(count):
        total = total + float(i % 7)
    return total


def python_sum(x, count):
    return sum(np.cos(x * float(i % 11)) for i in range(count))


def products(x, count):
    for _ in range(count):
        x = x * x
    return x


def diamonds(x, count):
    for _ in range(count // 3):
        x = np.sin(x) + np.cos(x)
    return x


def arrays(x, count):
    for _ in range(count // 2):
        x = np.tanh(x) * 0.9
    return np.sum(x)


def reference(build, value, count):
    with np.errstate(all="ignore"):
        return float(build(np.asarray(value, float), count))


CASES = [
    (chain, 100_000),
    (python_sum, 100_000),
    (left_deep, 30_000),
    (products, 10_000),
    (diamonds, 30_000),
    (arrays, 6_000),
]


@pytest.mark.parametrize(("build", "count"), CASES, ids=[build.__name__ for build, _ in CASES])
def test_every_stage(build, count):
    gc.collect()
    before = len(_TABLE)
    limit = sys.getrecursionlimit()
    watched = stages(build, count)
    gc.collect()
    assert watched() is None
    assert len(_TABLE) <= before + 1000  # caches of constants keep some
    assert sys.getrecursionlimit() == limit


def stages(build, count):
    """Everything that can be done to a graph; returns a weak reference to its result."""
    vector = build is arrays
    x = sg.placeholder("x", "n" if vector else ())
    value = np.array([0.3, 0.5]) if vector else 0.7
    y = build(x, count)
    gradient = sg.grad(y, x)
    f = sg.function([x], [y, gradient])
    found = f(value)
    np.testing.assert_allclose(found[0], reference(build, value, count), rtol=1e-9)
    if count <= 30_000:
        moved = [reference(build, np.asarray(value) + s, count) for s in (1e-6, -1e-6)]
        slope = (moved[0] - moved[1]) / 2e-6
        np.testing.assert_allclose(np.sum(found[1]), slope, rtol=1e-5, atol=1e-5)
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(again(value)[1], found[1])
    assert pickle.loads(pickle.dumps(y)) is y
    return weakref.ref(y)


def test_pairs_and_other_transforms_of_a_long_chain():
    x, t = sg.placeholder("x"), sg.placeholder("t")
    y = chain(x, 5000)
    pair = sg.forward_backward([x], y, wrt=x)
    value, saved = pair.forward(0.5)
    gradient = pair.backward(saved)
    pushed = sg.function([x, t], sg.jvp(y, x, t))
    assert value == reference(chain, 0.5, 5000)
    np.testing.assert_allclose(pushed(0.5, 1.0), gradient, rtol=1e-9)
    assert len(str(sg.Graph([x], y)).splitlines()) == 5002


def test_a_wide_node_and_many_outputs():
    inputs = [sg.placeholder(f"p{i}", "n") for i in range(2000)]
    joined = np.stack(inputs)
    loss = np.sum(joined**2)
    f = sg.function(inputs, [loss, *sg.grad(loss, inputs)])
    found = f(*[np.full(2, float(i)) for i in range(2000)])
    assert found[0] == 2 * sum(float(i) ** 2 for i in range(2000))
    assert found[1500].tolist() == [2998.0, 2998.0]


def test_a_product_of_many_factors():
    x = y = sg.placeholder("x")
    for i in range(500):
        y = y * (x + float(i))
    outputs = [y, sg.grad(y, x)]
    result = simplify(outputs, stage="numpy").outputs
    assert len(topological(result)) <= len(topological(outputs))


def test_an_expression_that_no_statement_holds():
    """More terms than CPython's parser takes in one chain (2 990)."""
    inputs = [sg.placeholder(f"p{i}") for i in range(5000)]
    f = sg.function(inputs, sum(inputs))
    assert f(*[1.0] * 5000) == 5000.0
