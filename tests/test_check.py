"""The checker of derivatives: it passes what is right and names what is wrong."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.differences import Differences

RNG = np.random.default_rng(0)
SQUARE = RNG.standard_normal((3, 3))
RIGHT = {
    "analytic": (lambda x, w: np.exp(x) @ w / np.sqrt(1 + x[:, 0] ** 2), (SQUARE, SQUARE[0])),
    "kinks": (lambda x: np.abs(x) * np.maximum(x, 0.3) + np.linalg.norm(x), SQUARE[1]),
    "factors": (lambda a: np.linalg.cholesky(a @ a.T + np.eye(3)), SQUARE),
    "by name": (lambda x, k: {"a": np.log(x) * k, "b": [x @ x]}, {"x": SQUARE[0] ** 2, "k": 2}),
    "trees": (lambda p: np.tanh(p["w"]) * p["b"], {"p": {"w": SQUARE, "b": 2.0}}),
    "single": (lambda x: np.log(x) * 3, np.ones(3, "f4")),
    "empty": (lambda x: np.sum(x**2), np.ones((0, 2))),
    "conditions": (lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x**3), SQUARE[2]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_pass_at_both_orders(name):
    function, point = RIGHT[name]
    report = sg.check_gradients(function, point, order=2)
    assert report.ok, str(report)
    assert len(report.rows) >= 6


def test_a_wrong_derivative_fails_and_its_worst_element_is_named():
    x = sg.placeholder("x", 4)
    report = sg.check_gradients(x * sg.stop_gradient(x[::-1]), {"x": np.array([1.0, 2, 30, 4])})
    assert not report
    assert not report.ok
    assert "vjp by x" in str(report)
    assert "FAILED" in str(report)
    wrong = sg.check_gradients(
        np.sum(x**2) + sg.stop_gradient(np.sum(7 * x[2:3])), {x: np.ones(4)}, modes=["vjp"]
    )
    assert wrong.worst.index == (2,)
    assert (wrong.worst.exact, wrong.worst.difference) == (2.0, pytest.approx(9.0))


def test_where_nothing_converges_it_does_not_pass():
    report = sg.check_gradients(lambda x: np.sum(x + sg.stop_gradient(np.sign(x))), np.zeros(2))
    assert not report.ok


def test_the_method_is_the_best_that_there_is():
    x = sg.placeholder("x", 3)
    for y, method in ((np.exp(x) @ x, "complex step"), (np.abs(x), "differences")):
        (slope,) = Differences([y], {x: np.ones(3)}).along({x: np.ones(3)})
        assert slope.method == method
        if method == "complex step":
            np.testing.assert_allclose(slope.values, 6 * np.e, rtol=1e-15)


def test_graphs_and_compiled_functions_are_checked():
    graph = sg.trace(lambda x, y: np.sum(x * np.sin(y)), sg.spec("n"), sg.spec("n"))
    assert sg.check_gradients(graph, (np.ones(3), np.arange(3.0))).ok
    compiled = sg.function(graph)
    assert sg.check_gradients(compiled, {"x": np.ones(3), "y": np.arange(3.0)}).ok


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((lambda x: x, np.ones(2), 3), sg.InputError, "order"),
        ((sg.placeholder("x", 2) * 2.0, {}, 1), sg.InputError, "no value for x"),
        ((sg.placeholder("x", 2) * 2.0, np.ones(2), 1), sg.InputError, "a dict"),
        ((lambda x: x > 0, np.ones(2), 1), sg.DerivativeError, "no real output"),
    ],
)
def test_what_cannot_be_checked_is_an_error(arguments, error, words):
    function, point, order = arguments
    with pytest.raises(error, match=words):
        sg.check_gradients(function, point, order=order)
