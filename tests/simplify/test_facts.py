"""What is known of values, and the rewrites that follow."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import topological
from symgraph.simplify.facts import bounds, states

x = sg.placeholder("x", "n")
A, b = sg.placeholder("A", (4, 4)), sg.placeholder("b", 4)
positive = sg.assume(sg.placeholder("p", "n"), "positive")
LOWER = sg.assume(sg.placeholder("L", (4, 4)), "lower_triangular")
UPPER = sg.assume(sg.placeholder("U", (4, 4)), "upper_triangular")
TURNED = sg.assume(sg.placeholder("Q", (4, 4)), "orthogonal")
NOT_ZERO = sg.assume(sg.placeholder("z", "n"), "nonzero")
STACK = sg.placeholder("T", (3, 4, 4))
EYE = sg.eye(4)
FACTOR = np.linalg.cholesky(A)
c = sg.placeholder("c", 4)
DIAGONAL = sg.assume(sg.placeholder("D", (4, 4)), "diagonal")
DEFINITE = sg.assume(sg.placeholder("K", (4, 4)), "positive_definite")
EVEN = sg.assume(sg.placeholder("S", (4, 4)), "symmetric")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.sqrt(positive**2), positive),
        (np.sqrt(4.0 * (x * x)), 2.0 * abs(x)),
        (np.sqrt(x**2 * positive**2) / positive, abs(x * positive) / positive),
        (np.sqrt(x**2 / np.square(b[0])), abs(x / b[0])),
        (np.sqrt(x**4), np.square(x)),
        (abs(positive * positive + np.exp(x)), np.square(positive) + np.exp(x)),
        (np.maximum(sg.nn.relu(x), 0), sg.nn.relu(x)),
        (np.minimum(np.tanh(x), 2.0), np.tanh(x)),
        (EVEN.T, EVEN),
        ((A.T @ A).T, A.T @ A),
        (np.linalg.inv(TURNED), TURNED.T),
        (np.linalg.inv(A) @ b, np.linalg.solve(A, b)),
        (np.trace(A @ EVEN), np.sum(A * EVEN)),
        ((A.T @ EVEN @ A).T, A.T @ EVEN @ A),
        (np.linalg.solve(EYE + A.T @ A, b).T, np.linalg.solve(EYE + A.T @ A, b)),
        (np.linalg.solve(DIAGONAL, b), b / np.diagonal(DIAGONAL)),
        (np.linalg.solve(np.diag(c), A), A / c[:, None]),
        (np.linalg.inv(np.diag(c)), np.diag(1 / c)),
        (np.linalg.solve(TURNED, b), TURNED.T @ b),
        (np.linalg.det(LOWER), np.prod(np.diagonal(LOWER))),
        (np.linalg.slogdet(FACTOR)[1], np.sum(np.log(abs(np.diagonal(FACTOR))))),
        (np.linalg.slogdet(DEFINITE)[0], sg.constant(1.0)),
        (np.linalg.slogdet(TURNED)[1], sg.constant(0.0)),
        (np.log(np.linalg.det(DEFINITE)), np.linalg.slogdet(DEFINITE)[1]),
        (np.floor(np.rint(x) * 2 - 3), np.rint(x) * 2 - 3),
        (np.linalg.inv(A).T @ b, np.linalg.solve(A.T, b)),
        ((2.0 * np.linalg.inv(A)) @ b, np.linalg.solve(A, 2.0 * b)),
        (np.linalg.inv(A) @ np.linalg.inv(EVEN) @ b, np.linalg.solve(A, np.linalg.solve(EVEN, b))),
        (b @ (np.linalg.inv(A) / 3.0), np.linalg.solve(A.T, b / 3.0)),
        (np.linalg.inv(STACK) @ STACK[:, :, :1], np.linalg.solve(STACK, STACK[:, :, :1])),
        (np.log10(np.linalg.det(DEFINITE)), np.log10(np.e) * np.linalg.slogdet(DEFINITE)[1]),
        (np.log(abs(np.linalg.det(np.linalg.inv(A).T))), -np.linalg.slogdet(A)[1]),
        (np.diag(A @ EVEN), np.sum(A * EVEN, axis=1)),
        (np.trace(A @ A + 2.0 * EVEN), np.sum(np.sum(A * A.T, axis=1) + 2.0 * np.diag(EVEN))),
        (np.diagonal(np.exp(A - b[:, None])), np.exp(np.diagonal(A) - b)),
        ((A + A.T).T, A + A.T),
        ((b[:, None] * b).T, b[:, None] * b),
        ((A.T * b @ A).T, A.T * b @ A),
        ((A / b) @ c, A @ (c / b)),
        (np.log(np.prod(np.exp(A), axis=0)), np.sum(A, axis=0)),
        (np.log(np.prod(np.tanh(x) ** 2)), np.sum(np.log(np.tanh(x) ** 2))),
        (abs(np.sum(np.exp(x))), np.sum(np.exp(x))),
        (abs(np.concatenate([positive, np.exp(x)])), np.concatenate([positive, np.exp(x)])),
        (np.fabs(np.exp(A) @ np.square(b)), np.exp(A) @ np.square(b)),
        (abs(np.sin(x) * np.cos(x) + 1.0), np.sin(x) * np.cos(x) + 1.0),
        (np.clip(sg.nn.softmax(x), 0, 1), sg.nn.softmax(x)),
        (np.where(positive > 0, positive, 0.0), positive),
        (np.where(np.exp(x) < 0, 0.0, x), x),
        (np.sign(positive) * x, x),
        (NOT_ZERO / NOT_ZERO * x, x),
        (x * NOT_ZERO / NOT_ZERO, x),
        (x / NOT_ZERO * NOT_ZERO, x),
        (2.0 * NOT_ZERO / (x * (2.0 * NOT_ZERO)), 1.0 / x),
        (np.sign(NOT_ZERO) ** 2 + x, 1.0 + x),
        (np.where(NOT_ZERO == 0, 1.0, NOT_ZERO), NOT_ZERO),
        (np.max(A + b[:, None], axis=1), np.max(A, axis=1) + b),
        (np.min(3.0 - A), 3.0 - np.max(A)),
        (np.max(np.exp(b) * A, axis=0), np.max(A, axis=0) * np.exp(b)),
        (np.max(A / -2.0, axis=1), np.min(A, axis=1) * -0.5),
        (sg.nn.softmax(A - A.max(1, keepdims=True) + 2.0, axis=1), sg.nn.softmax(A, axis=1)),
        (np.var(3.0 - x), np.var(x)),
        (np.max(np.broadcast_to(b[:, None], (4, 3)), axis=1), b),
        (np.sort(np.broadcast_to(b, (3, 4)), axis=0), np.broadcast_to(b, (3, 4))),
        (np.roll(np.broadcast_to(b, (3, 4)), 1, 0), np.broadcast_to(b, (3, 4))),
    ],
)
def test_rewrites(before, after):
    assert sg.simplify(before) is sg.simplify(after)


@pytest.mark.parametrize(
    ("matrix", "definite", "known"),
    [
        (A.T @ A, False, True),
        (A @ A.T + 0.1 * EYE, True, True),
        (FACTOR @ FACTOR.T, True, True),
        (np.linalg.inv(DEFINITE), True, True),
        (DEFINITE + 3.0 * (A @ A.T), True, True),
        (DEFINITE - A @ A.T, False, False),
        (A @ DEFINITE @ A.T, False, True),
        (np.diag(np.exp(c)), True, True),
        (np.diag(c), False, False),
        (A.T @ (np.exp(b)[:, None] * A), False, True),
        (-2.0 * DEFINITE, False, False),
        (EVEN, False, False),
    ],
)
def test_definite_matrices(matrix, definite, known):
    for node in (matrix, sg.simplify(matrix)):
        assert states(node, "positive_definite") is definite
        assert states(node, "positive_semidefinite") is known
        assert states(node, "symmetric")


@pytest.mark.parametrize(
    ("matrix", "facts"),
    [
        (LOWER @ FACTOR, {"lower_triangular"}),
        (np.linalg.inv(UPPER), {"upper_triangular"}),
        (LOWER.T, {"upper_triangular"}),
        (LOWER + UPPER, set()),
        (LOWER * UPPER, {"lower_triangular", "upper_triangular", "diagonal", "symmetric"}),
        (2.0 * LOWER, {"lower_triangular"}),
        (1.0 / LOWER, set()),
        (np.exp(EVEN) * EVEN, {"symmetric"}),
        (np.exp(EVEN) * A, set()),
        (np.linalg.inv(TURNED) @ TURNED, {"orthogonal"}),
        (2.0 * TURNED, set()),
    ],
)
def test_facts_of_matrices(matrix, facts):
    names = ("lower_triangular", "upper_triangular", "diagonal", "symmetric", "orthogonal")
    assert {fact for fact in names if states(matrix, fact)} == facts


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


def test_kernels_are_symmetric_and_share_one_matrix():
    points = sg.placeholder("X", ("n", 2))
    y = sg.placeholder("y", "n")
    distances = np.sum((points[:, None] - points[None]) ** 2, axis=-1)
    kernel = np.exp(-0.5 * distances) + 0.1 * sg.eye(points.shape[0])
    assert states(sg.simplify(kernel), "symmetric")
    assert not states(np.exp(points[:, None, 0] - points[None, :, 1]), "symmetric")
    assert not states(np.sum(points[:, None] - points[None], axis=-1), "symmetric")
    fit = 0.5 * y @ np.linalg.inv(kernel) @ y + 0.5 * np.linalg.slogdet(kernel)[1]
    names = [n.op.name for n in topological([sg.simplify(fit)])]
    assert names.count("solve") == 1
    assert "transpose" not in names


def test_what_is_stated_of_a_value_outlives_its_form():
    kernel = sg.assume(A.T @ A + np.log(1 + np.exp(c)) * 1.0, "positive_definite")
    node = sg.simplify(np.log(np.linalg.det(kernel)))
    assert "where" not in {n.op.name for n in topological([node])}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.mean(c + A, axis=0), np.mean(A, axis=0) + c),
        (np.mean(c[:, None] - A, axis=1), c + np.mean(-A, axis=1)),
        (sg.nn.logsumexp(A + b[:, None], axis=1), sg.nn.logsumexp(A, axis=1) + b),
        (sg.nn.softmax(A + b), sg.nn.softmax(A + b)),
        (sg.nn.softmax(A + b, axis=0), sg.nn.softmax(A, axis=0)),
        (np.std(x - np.sum(A)), np.std(x)),
        (np.var(np.broadcast_to(b, (3, 4)), axis=0), sg.zeros_like(b)),
    ],
)
def test_what_is_constant_along_the_axes(before, after):
    found, wanted = sg.simplify([before, after], strictness="real")
    assert found is wanted


def test_facts_that_do_not_hold():
    """Near misses of the rules above."""
    for node in (
        np.max(A + b, axis=1),
        np.max(c[:, None] * A, axis=1),
        x / x,
        np.sign(np.exp(x)),
        abs(1.0 / np.tanh(x)),
        np.where(x != 0, x, 1.0),
        sg.nn.softmax(x + np.sum(b)),
        abs(np.cumsum(np.sin(x)) + 1.0),
        np.sort(np.broadcast_to(b, (3, 4)), axis=1),
    ):
        assert sg.simplify(node) is node


def test_bounds():
    assert bounds(np.tanh(x)) == (-1, 1)
    assert bounds(positive)[0] == 0
    assert bounds(x) == (-np.inf, np.inf)


INNER = [x, positive, -positive, np.tanh(x), np.exp(x), 1.0 + np.square(x), np.sin(x) - 1.0]
OUTER = [
    *(np.exp, np.square, abs, np.fabs, np.negative, np.sum, np.mean, np.max, np.var, np.prod),
    *(np.cumsum, np.cumprod, np.sort, np.linalg.norm, sg.nn.softmax, sg.nn.log_softmax),
    *(np.maximum.accumulate, lambda v: v**-2, lambda v: v**3, lambda v: 1.0 / v, lambda v: v @ v),
    *(lambda v: v * positive, lambda v: v * np.cos(x), lambda v: positive / v),
    *(lambda v: np.concatenate([v, positive]), lambda v: np.stack([v, np.sin(x)])),
]
SPECIAL = np.array([0.0, -0.0, 1e-320, -1e-320, 0.7, -2.5, 1.0, 1e200, -1e308, np.inf, -np.inf])


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
@pytest.mark.parametrize("outer", OUTER)
def test_values_lie_within_bounds(outer):
    """Also at the ends of the range; what is NaN is not bounded by anything."""
    rng = np.random.default_rng(3)
    for inner in INNER:
        node = outer(inner)
        low, high = bounds(node)
        for values in (SPECIAL, np.zeros(0), *rng.normal(size=(5, 3)), rng.choice(SPECIAL, 4)):
            if not values.size and node.op.name in ("max", "softmax", "log_softmax"):
                continue
            at = {x: values, positive: np.maximum(abs(values[::-1]), 5e-324)}
            with np.errstate(all="ignore"):
                found = np.asarray(interpret([node], at, {"n": values.size})[0])
            known = found[~np.isnan(found)]
            assert np.all((low <= known) & (known <= high)), (node, values)


def test_what_can_be_assumed():
    with pytest.raises(sg.InputError, match="no such fact"):
        sg.assume(sg.placeholder("y"), "pretty")
    with pytest.raises(sg.InputError, match="square matrix"):
        sg.assume(sg.placeholder("y", 3), "symmetric")


@pytest.mark.parametrize(
    "node",
    [
        np.linalg.inv(sg.constant(np.diag([1.0, 2.0]) + 0.5)),
        np.fft.fft(sg.constant(np.arange(4.0))),
        np.linalg.eigh(sg.constant(np.ones((2, 2))))[0],
        sg.constant(-0.0) * sg.constant(1.0),
        np.outer(sg.constant(np.arange(20.0)), sg.constant(np.arange(20.0))).sum(axis=0),
    ],
)
def test_what_is_made_of_constants_is_computed_once(node):
    found = sg.simplify(node)
    assert found.op.name == "constant"
    expected = interpret([node], {})[0]
    assert found.op.value.tobytes() == np.asarray(expected).tobytes()


def test_what_is_larger_than_its_constants_is_left():
    long = sg.constant(np.arange(100.0))
    assert sg.simplify(np.outer(long, long)).op.name != "constant"


def test_what_numpy_refuses_is_refused_when_it_is_called():
    f = sg.function([b], np.linalg.inv(sg.constant(np.ones((4, 4)))) + b)
    with pytest.raises(np.linalg.LinAlgError):
        f(np.ones(4))


def test_the_inverse_of_a_unitary_matrix_takes_the_conjugate():
    z, value = sg.placeholder("z", (2, 2), complex), np.array([[1, 2j], [3, 1 + 1j]])
    inverse = sg.function([z], np.linalg.inv(np.linalg.qr(z)[0]))
    np.testing.assert_allclose(inverse(value), np.linalg.inv(np.linalg.qr(value)[0]), atol=1e-14)


def test_a_solution_for_half_precision_is_that_of_the_product():
    a, b = sg.placeholder("a", (2, 2)), sg.placeholder("b", 2, "float16")
    product = sg.function([a, b], np.linalg.inv(a) @ b)
    np.testing.assert_allclose(product(2 * np.eye(2), np.ones(2, "float16")), [0.5, 0.5])
