"""What is known of values, and the rewrites that follow."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import topological
from symgraph.simplify.facts import bounds

x = sg.placeholder("x", "n")
A, b = sg.placeholder("A", (4, 4)), sg.placeholder("b", 4)
positive = sg.assume(sg.placeholder("p", "n"), "positive")
LOWER = sg.assume(sg.placeholder("L", (4, 4)), "lower_triangular")
UPPER = sg.assume(sg.placeholder("U", (4, 4)), "upper_triangular")
TURNED = sg.assume(sg.placeholder("Q", (4, 4)), "orthogonal")
EVEN = sg.assume(sg.placeholder("S", (4, 4)), "symmetric")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.sqrt(positive**2), positive),
        (abs(positive * positive + np.exp(x)), np.square(positive) + np.exp(x)),
        (np.maximum(sg.nn.relu(x), 0), sg.nn.relu(x)),
        (np.minimum(np.tanh(x), 2.0), np.tanh(x)),
        (EVEN.T, EVEN),
        ((A.T @ A).T, A.T @ A),
        (np.linalg.inv(TURNED), TURNED.T),
        (np.linalg.inv(A) @ b, np.linalg.solve(A, b)),
        (np.trace(A @ EVEN), np.sum(A * EVEN)),
    ],
)
def test_rewrites(before, after):
    assert sg.simplify(before) is sg.simplify(after)


@pytest.mark.parametrize(("matrix", "side"), [(LOWER, np.tril), (UPPER, np.triu)])
def test_triangular_systems(matrix, side):
    values = side(np.arange(16.0).reshape(4, 4) % 7 + 1)
    node = np.linalg.solve(matrix, b)
    names = {n.op.name for n in topological([sg.simplify(node)])}
    assert "solve" not in names
    found = sg.function([matrix, b], node)(values, np.arange(4.0))
    np.testing.assert_allclose(values @ found, np.arange(4.0), atol=1e-12)


def test_log_of_a_determinant_beyond_the_range():
    large = sg.placeholder("M", (200, 200))
    f = sg.function([large], np.log(np.linalg.det(large)))
    assert f(100 * np.eye(200)) == pytest.approx(200 * np.log(100))
    assert np.isnan(f(np.diag([-1.0, *[1.0] * 199])))


def test_bounds():
    assert bounds(np.tanh(x)) == (-1, 1)
    assert bounds(positive)[0] == 0
    assert bounds(x) == (-np.inf, np.inf)


def test_what_can_be_assumed():
    with pytest.raises(sg.InputError, match="no such fact"):
        sg.assume(sg.placeholder("y"), "pretty")
    with pytest.raises(sg.InputError, match="square matrix"):
        sg.assume(sg.placeholder("y", 3), "symmetric")
