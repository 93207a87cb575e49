"""Where no derivative exists, what is shared, and what is refused: reductions and products."""

import numpy as np
import pytest
import scipy.special

from symgraph.compile import function
from symgraph.differentiate import grad
from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import constant, placeholder, topological
from symgraph.ops import normalised
from symgraph.ops.linalg import names as linalg
from symgraph.ops.nn import names as nn
from symgraph.transforms.vjp import vjp


def value(node, **arrays):
    by_name = {n.op.name_: n for n in topological([node]) if n.op.name == "placeholder"}
    with np.errstate(all="ignore"):
        return interpret([node], {by_name[k]: v for k, v in arrays.items() if k in by_name})[0]


def gradient(function, x, cotangent=1.0):
    node = placeholder("x", np.shape(x), np.asarray(x).dtype)
    y = function(node)
    ct = constant(np.broadcast_to(np.asarray(cotangent, y.dtype), y.shape))
    return value(vjp(y, node, ct), x=x)


TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, -1.0]])


def test_max_splits_evenly_among_ties():
    np.testing.assert_array_equal(
        gradient(lambda x: np.max(x, axis=1), TIES),
        [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]],
    )


def test_min_splits_evenly_among_ties():
    np.testing.assert_array_equal(
        gradient(lambda x: np.min(x, axis=1, keepdims=True), TIES.astype(np.float32)),
        np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0.5, 0.5]], np.float32),
    )


@pytest.mark.parametrize(
    "of_none",
    [
        lambda x: np.max(x, axis=0, initial=0.5),
        lambda x: np.nanmin(x, initial=2, keepdims=True, where=x > 0),
        lambda x: np.log(np.sum(np.exp(x), axis=0)),
        lambda x: np.exp(x) / np.sum(np.exp(x), axis=0),
    ],
)
@pytest.mark.parametrize("rows", [0, 3])
def test_what_numpy_gives_of_no_elements(of_none, rows):
    x = placeholder("x", ("n", 3))
    y = of_none(x)
    f = function([x], [y, vjp(y, x, np.ones(y.shape) if isinstance(y.shape[0], int) else y)])
    with np.errstate(all="ignore"):
        found, slope = f(TIES[:rows])
        np.testing.assert_allclose(found, of_none(TIES[:rows]), rtol=1e-14)
    assert slope.shape == (rows, 3)


def test_the_number_that_max_starts_at_is_a_tie_as_well():
    np.testing.assert_array_equal(
        gradient(lambda x: np.max(x, axis=1, initial=2.0), TIES),
        [[0, 0.5, 0.5], [0.25, 0.25, 0.25], [0, 0, 0]],
    )


@pytest.mark.parametrize("x", [np.zeros(3), np.full(3, 2.5), np.zeros((2, 3))])
def test_std_of_equal_values_and_norm_of_zeros_have_derivative_zero(x):
    np.testing.assert_array_equal(gradient(np.std, x), np.zeros_like(x))
    np.testing.assert_array_equal(gradient(np.linalg.norm, 0 * x), np.zeros_like(x))


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
        ([2.0, 0.0, 4.0], [0.0, 8.0, 0.0]),
        ([0.0, 0.0, 4.0], [0.0, 0.0, 0.0]),
        ([0.0], [1.0]),
        ([1e-200, 1e200, 5.0], [5e200, 5e-200, 1.0]),
    ],
)
def test_gradient_of_prod_at_zeros(x, expected):
    np.testing.assert_allclose(gradient(np.prod, np.array(x)), expected, rtol=1e-14)


INFINITE = np.array(
    [[0.0, -np.inf], [-np.inf, -np.inf], [1.0, np.inf], [np.nan, np.inf], [700.0, 800.0]]
)


def test_logsumexp_of_infinities_is_scipys():
    x = placeholder("x", (5, 2))
    got = value(normalised.logsumexp(x, axis=1), x=INFINITE)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got, scipy.special.logsumexp(INFINITE, axis=1), rtol=1e-15)


def test_softmax_of_infinities_is_scipys():
    x = placeholder("x", (5, 2))
    with np.errstate(all="ignore"):
        wanted = scipy.special.softmax(INFINITE, axis=1)
    np.testing.assert_allclose(value(normalised.softmax(x, axis=1), x=INFINITE), wanted)


def test_log_softmax_of_infinities_is_scipys_or_nan_for_the_whole_row():
    x = placeholder("x", (5, 2))
    got = value(normalised.log_softmax(x, axis=1), x=INFINITE)
    with np.errstate(all="ignore"):
        wanted = scipy.special.log_softmax(INFINITE, axis=1)
    wanted[2] = np.nan  # SciPy: (-inf, nan)
    np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_softmax_and_its_kin_share_their_pieces():
    x = placeholder("x", ("n", 10))
    written = [
        node.op.decompose(x)
        for node in (nn.softmax(x), nn.log_softmax(x), nn.logsumexp(x, keepdims=True))
    ]
    names = [node.op.name for node in topological(written)]
    for name in ("max", "subtract", "exp", "sum", "log"):
        wanted = 2 if name == "subtract" else 1
        assert names.count(name) == wanted, name


def test_gradient_of_log_softmax_is_written_as_a_person_writes_it():
    x, ct = placeholder("x", ("n", 10)), placeholder("ct", ("n", 10))
    wanted = ct - nn.softmax(x) * np.sum(ct, axis=1, keepdims=True)
    assert vjp(nn.log_softmax(x), x, ct) is wanted


def test_gradients_of_matrix_products_are_written_as_a_person_writes_them():
    X, W, w = placeholder("X", ("n", 3)), placeholder("W", (3, "m")), placeholder("w", 3)
    ct, c = placeholder("ct", ("n", "m")), placeholder("c", "n")
    d_X, d_W = vjp(X @ W, [X, W], ct)
    assert d_X is ct @ W.T
    assert d_W is X.T @ ct
    d_X, d_w = vjp(X @ w, [X, w], c)
    assert d_X is c[:, None] * w or d_X is np.expand_dims(c, 1) * w
    assert d_w is X.T @ c


def test_einsum_that_is_a_matrix_product_is_one():
    a, b = placeholder("a", ("n", 3)), placeholder("b", (3, "m"))
    assert np.einsum("ij,jk->ik", a, b) is a @ b
    assert np.einsum("ij,jk", a, b) is a @ b
    assert np.einsum("ij,jk->ki", a, b) is b.T @ a.T
    assert np.einsum("ij->ji", a) is a.T
    assert np.einsum("ij,ij->ij", a, a) is a * a
    assert np.einsum("ij->j", a) is np.sum(a, axis=0)


def test_cholesky_reads_the_lower_triangle_and_so_does_its_derivative():
    a = np.array([[4.0, 9.0], [1.0, 3.0]])
    found = gradient(linalg.cholesky, a)
    assert found[0, 1] == 0
    lower = np.linalg.cholesky(a)
    np.testing.assert_allclose(value(linalg.cholesky(placeholder("a", (2, 2))), a=a), lower)


X, Y, N = placeholder("x", ("n", 3)), placeholder("y", ("m", 2)), placeholder("k", 3, "int64")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: X @ X, ShapeError, ["(n, 3) @ (n, 3)", "a @ b.mT"]),
        (lambda: X @ Y, ShapeError, ["(n, 3) @ (m, 2)"]),
        (lambda: X @ 2.0, ShapeError, ["scalar"]),
        (lambda: np.sum(X, axis=2), ShapeError, ["axis 2", "sum"]),
        (lambda: np.sum(X, axis=(0, 0)), ShapeError, ["twice"]),
        (lambda: np.sum(X, out=X), DTypeError, ["out", "not supported"]),
        (lambda: np.max(placeholder("e", (0, 3)), axis=0), ShapeError, ["no elements"]),
        (lambda: np.einsum("ij,jk", X, Y), ShapeError, ["index j", "(n, 3) and (m, 2)"]),
        (lambda: np.einsum("ijk->", X), ShapeError, ["one index is needed", "'ijk'"]),
        (lambda: np.einsum("ij->iij", X), ShapeError, ["twice"]),
        (lambda: np.einsum("...j->j", X), ShapeError, ["ellipsis"]),
        (lambda: np.tensordot(X, Y, 1), ShapeError, ["sizes along the axes"]),
        (lambda: np.linalg.inv(X), ShapeError, ["not square", "(n, 3)"]),
        (lambda: np.linalg.solve(X.T @ X, Y), ShapeError, ["3 rows"]),
        (lambda: np.linalg.norm(X, 3), UnsupportedError, ["ord=3"]),
        (lambda: np.var(X, ddof=1, correction=1), InputError, ["ddof"]),
        (lambda: nn.cross_entropy(X, N), ShapeError, ["(n,)", "labels (3,)"]),
        (lambda: nn.mse(X, N), ShapeError, ["(n, 3) and (3,)"]),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_so(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert "test_conventions.py" in str(caught.value)


def test_mixed_derivative_of_a_power_at_exponent_zero():
    """d/dy (y x^(y-1)) is 1/x there."""
    x, y = placeholder("x"), placeholder("y")
    (slope,) = vjp([x**y], [x])
    (mixed,) = vjp([slope], [y])
    assert interpret([mixed], {x: 2.0, y: 0.0}) == [0.5]
    assert interpret([slope], {x: 0.0, y: 0.0}) == [0.0]


def test_a_maximum_that_was_written_needs_no_initial_value():
    """Where a graph takes it of no element by itself, it refuses as NumPy does."""
    x = placeholder("x", ("n", "classes"))
    shifted = x - np.max(x, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    loss = np.sum(log_p[:, 0])
    written = function([x], [loss, grad(loss, x)])
    assert "initial" not in written.source
    assert written.source.count(" = np.exp(") == 1
    assert written(np.zeros((0, 3)))[1].shape == (0, 3)
    plain = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    assert function([x], plain)(np.zeros((2, 0))).shape == (2, 0)
    beside = function([x], [plain, np.max(x, axis=0)])
    assert beside(np.zeros((2, 0)))[0].shape == (2, 0)
