"""Branches and loops: equal bodies are one operation, nothing leaks, errors say what is wrong."""

import pickle

import numpy as np
import pytest

from symgraph.compile import function
from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph
from symgraph.graph.node import placeholder, topological
from symgraph.ops.branches import cond
from symgraph.ops.loops import scan
from symgraph.transforms.vjp import grad


def running_sum(xs):
    return scan(lambda total, x: (total + x, total), 0.0, xs)


def test_equal_loops_are_one_node():
    x = placeholder("x", "n")
    first, second = running_sum(x), running_sum(x)
    assert first[0] is second[0]
    assert first[1] is second[1]


def test_equal_branches_are_one_node():
    x = placeholder("x", 3)
    made = [cond(x[0] > 0, lambda v: v * 2.0, lambda v: -v, x) for _ in range(2)]
    assert made[0] is made[1]


def test_what_does_not_change_is_computed_before_the_loop():
    x, w = placeholder("x", ("n", 3)), placeholder("w", 3)
    total, _ = scan(lambda c, row: (c + row @ np.exp(w), None), 0.0, x)
    outside = {node.op.name for node in topological([total])}
    assert "exp" in outside
    (loop,) = [node for node in topological([total]) if node.op.name == "scan"]
    assert "exp" not in {node.op.name for node in topological(loop.op.body.outputs)}


def test_a_loop_pickles():
    x = placeholder("x", 4)
    loaded = pickle.loads(pickle.dumps(Graph([x], list(running_sum(x)))))
    values = interpret(loaded.outputs, {loaded.inputs[0]: np.arange(4.0)})
    np.testing.assert_array_equal(values[0], 6.0)
    np.testing.assert_array_equal(values[1], [0, 0, 1, 3])


def test_symbolic_length_and_gradient():
    x = placeholder("x", "n")
    total, _ = scan(lambda c, v: (c * v + v, None), 1.0, x)
    (found,) = interpret([grad(total, x)], {x: np.array([2.0, 3.0])})
    # ((1 * a + a) * b + b): 2 b by a, 2 a + 1 by b
    np.testing.assert_allclose(found, [6.0, 5.0])


def test_functions_of_what_a_loop_gives_are_compiled():
    x = placeholder("x", "n")
    total, _ = scan(lambda c, v: (c * v + v, None), 1.0, x)
    found = function([x], np.log2(total * total + 0.5))(np.array([2.0, 3.0]))
    np.testing.assert_allclose(found, np.log2(15.0**2 + 0.5))


def test_number_of_rounds_without_arrays():
    x = placeholder("x")
    value, rows = scan(lambda c, _: (c * x, c), x, length=4)
    np.testing.assert_array_equal(interpret([value], {x: 2.0})[0], 32.0)
    np.testing.assert_array_equal(interpret([rows], {x: 2.0})[0], [2, 4, 8, 16])


def test_a_known_condition_calls_one_function():
    def never():
        raise AssertionError

    assert cond(True, lambda: 1.0, never) == 1.0


X, Y = placeholder("X", ("n", 3)), placeholder("Y", ("m", 3))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: cond(X > 0, lambda: 1.0, lambda: 2.0), ShapeError, ["scalar", "np.where"]),
        (lambda: cond(X[0, 0], lambda: 1.0, lambda: X), ShapeError, ["float64[n, 3]"]),
        (lambda: cond(X[0, 0], lambda: 1.0, lambda: 2), DTypeError, ["int64", "astype"]),
        (lambda: cond(X[0, 0], lambda: 1.0, lambda: (2.0,)), DTypeError, ["form"]),
        (lambda: scan(lambda c, x: (c, x), 0.0, (X, Y)), ShapeError, ["lengths differ", "m"]),
        (lambda: scan(lambda c, x: (x, None), 0.0, X), ShapeError, ["float64[3]"]),
        (lambda: scan(lambda c, x: (c + 1.0, x), 0, X), DTypeError, ["int64", "float64"]),
        (lambda: scan(lambda c, x: c, 0.0, X), DTypeError, ["pair"]),
        (lambda: scan(lambda c, x: (c, x), 0.0), ShapeError, ["number of rounds"]),
        (lambda: scan(lambda c, x: ((c, c), x), 0.0, X), DTypeError, ["form"]),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_so(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_only_the_branch_that_is_taken_is_computed():
    x, w = placeholder("x", 3), placeholder("w", (3, 3))
    before = np.sum(x)
    y = cond(before > 0, lambda: np.sum(np.linalg.inv(w) @ x), lambda: before * 2.0)
    outside = {node.op.name for node in topological([y])}
    assert "inv" not in outside
    assert "sum" in outside
    # A singular matrix would raise.
    values = {x: -np.ones(3), w: np.zeros((3, 3))}
    assert interpret([y], values)[0] == -6.0
    np.testing.assert_array_equal(interpret([grad(y, x)], values)[0], [2, 2, 2])


ROUNDS = {
    "set": lambda H, G, x, t: (H.at[t].set(x), G),
    "own row": lambda H, G, x, t: (H.at[t].set(np.tanh(H[t - 1]) + x), G),
    "shifted": lambda H, G, x, t: (H.at[1:].set(H[:-1]), G),
    "read after": lambda H, G, x, t: (H.at[t].set(x), G + H),
    "kept": lambda H, G, x, t: (H.at[t].set(x), H),
    "shared": lambda H, G, x, t: (H.at[t].add(x), H.at[t].add(x)),
    "view": lambda H, G, x, t: (H.at[t].set(x), H.at[t].set(x)[::-1]),
    "swapped": lambda H, G, x, t: (G.at[t].set(H[0]), H.at[t].set(x)),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_a_carry_that_a_round_changes(name):
    H, G, X = placeholder("H", (4, 2)), placeholder("G", (4, 2)), np.sin(np.arange(6.0))
    rows, places = X.reshape(3, 2), np.array([1, 3, 1])

    def round_(carry, row):
        after = ROUNDS[name](*carry, *row)
        return after, after[0].sum()

    (h, g), sums = scan(round_, (H, G), (rows, places))
    start = np.cos(np.arange(8.0)).reshape(4, 2), np.arange(8.0).reshape(4, 2)
    outputs = [h, g, sums]
    expected = interpret(outputs, dict(zip((H, G), start, strict=True)))
    kept = [array.copy() for array in start]
    f = function([H, G], outputs)
    for _ in range(2):
        for value, wanted in zip(f(*start), expected, strict=True):
            np.testing.assert_allclose(value, wanted)
        np.testing.assert_array_equal(start, kept)
    if name in ("set", "own row"):
        assert ".copy()" not in f.source.split("    for ")[1].split("return")[0]
