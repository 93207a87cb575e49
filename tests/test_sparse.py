"""Sparse derivatives: exact patterns, formulas where elements only move, colours elsewhere."""

import numpy as np
import pytest
import scipy.sparse

import symgraph as sg
from symgraph.sparse import _numbers
from symgraph.transforms.colouring import (
    colour_acyclic,
    colour_columns,
    colour_star,
    readable,
    trees,
)
from symgraph.transforms.sparsity import closed_entries, pattern

RNG = np.random.default_rng(0)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def laplacian(u):
    shifted = [np.roll(u, shift, axis) for shift in (1, -1) for axis in (0, 1)]
    return sum(shifted) - 4 * u


def brusselator(w):
    u, v = w[0], w[1]
    return np.stack([1 + u**2 * v - 4.4 * u + laplacian(u), 3.4 * u - u**2 * v + 10 * laplacian(v)])


BAND = np.triu(np.tril(RNG.standard_normal((8, 8)), 1), -1)

CLOSED = {
    # function, shape, number of entries, whether it is the Hessian that is meant
    "rosenbrock": (rosenbrock, (9,), 25, True),
    "brusselator": (brusselator, (2, 4, 5), 2 * 20 * 6, False),
    "element-wise": (lambda x: np.sin(x) * x.T, (3, 3), 15, False),
    "arrow": (lambda x: x[0] * np.sum(np.exp(x)) + np.sum(x**3), (6,), 16, True),
    "blocks": (lambda x: np.sum(x, axis=1) ** 2, (4, 3), 12, False),
    "stencil": (
        lambda x: np.sum((x[1:-1, 1:-1] - x[2:, 1:-1]) ** 4 + x[1:-1, 2:] ** 3),
        (4, 5),
        None,  # as many as the dense one has
        True,
    ),
    "choice": (lambda x: np.where(x > 0, np.log(x), x**2)[::2], (7,), 4, False),
    "padding": (lambda x: np.pad(x, 2) * np.arange(9.0) * 0.5, (5,), 5, False),
    "gather": (lambda x: x[np.array([3, 0, 0, 2])] * x[:1], (4,), 6, False),
    "scatter": (
        lambda x: np.zeros(3) + x[:3].at[np.array([0, 0, 1])].add(x[2:] ** 2),
        (5,),
        6,
        False,
    ),
    "known band": (lambda x: BAND @ np.tanh(x), (8,), 22, False),
    "energy of a band": (lambda x: x @ (BAND @ x) + np.sum(x**3), (8,), 22, True),
    "stack of bands": (lambda x: (BAND[None] @ x[None, :, None]).ravel(), (8,), 64, False),
    "layer": (lambda x: np.tanh(x @ np.ones((3, 2))), (20, 3), 120, False),
    "scalars": (lambda x: x * x, (), 1, False),
    "empty": (lambda x: x[:0] * 2.0, (3,), 0, False),
    "linear": (lambda x: 3.0 * x[::-1], (4,), 4, False),
    "constant": (lambda x: x[1:] * 0 + 1.0, (4,), 3, False),
}


def both(name, format="coo"):
    function, shape, count, second = CLOSED[name]
    x = sg.placeholder("x", shape)
    y = function(x)
    sparse = (sg.sparse_hessian if second else sg.sparse_jacobian)(y, x, format=format)
    dense = sg.hessian(y, x) if second else sg.jacobian(y, x)
    found, wanted = sg.function([x], [sparse, dense])(RNG.standard_normal(shape))
    size = int(np.prod(shape))
    return found, np.reshape(wanted, (-1, size)) if size else wanted, count


@pytest.mark.parametrize("name", CLOSED)
def test_entries_are_those_of_the_dense_derivative(name):
    found, wanted, count = both(name)
    matrix = found.to_scipy(wanted.shape)
    assert len({*zip(found.rows, found.cols, strict=True)}) == len(found.data)
    np.testing.assert_allclose(matrix.toarray(), wanted, rtol=1e-13, atol=1e-13)
    assert len(found.data) == (np.count_nonzero(wanted) if count is None else count)


@pytest.mark.parametrize("format", ["csr", "csc"])
def test_compressed_formats_are_scipys(format):
    found, wanted, _ = both("rosenbrock", format)
    theirs = getattr(scipy.sparse, f"{format}_array")(wanted)
    np.testing.assert_array_equal(found.indices, theirs.indices)
    np.testing.assert_array_equal(found.indptr, theirs.indptr)
    np.testing.assert_allclose(found.to_scipy(wanted.shape, format).toarray(), wanted)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.stack([np.linalg.norm(x[i : i + 3]) for i in range(6)]),
        lambda x: np.cumsum(x[:3] ** 2),
        lambda x: np.concatenate([np.sort(x[:4]), np.outer(x[4:6], x[6:]).ravel()]),
    ],
)
def test_colours_where_more_than_moves(function):
    x = sg.placeholder("x", 8)
    y = function(x)
    assert closed_entries(y, x) is None
    value = RNG.standard_normal(8)
    found, dense = sg.function([x], [sg.sparse_jacobian(y, x), sg.jacobian(y, x)])(value)
    np.testing.assert_allclose(found.to_scipy(dense.shape).toarray(), dense, rtol=1e-13, atol=1e-14)


def test_norms_of_windows_take_three_products():
    x = sg.placeholder("x", 60)
    y = np.stack([np.linalg.norm(x[i : i + 3]) for i in range(58)])
    rows, columns = pattern(y, x)
    assert len(rows) == 3 * 58
    assert colour_columns(rows, columns, 60).max() == 2


def test_the_source_has_diagonals_and_no_products():
    x = sg.placeholder("x", 300)
    f = sg.function([x], sg.sparse_hessian(rosenbrock(x), x))
    assert all(len(line) < 89 for line in f.source.splitlines())
    assert "@" not in f.source
    assert len(f(np.ones(300)).data) == 898
    body = f.source.split("def ")[1]
    assert len([line for line in body.splitlines() if not line.lstrip().startswith("#")]) < 20


def test_a_colouring_is_one():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rows, columns = np.nonzero(rng.random((30, 20)) < 0.1)
        colours = colour_columns(rows, columns, 20)
        taken = [*zip(rows, colours[columns], strict=True)]
        assert len(set(taken)) == len(taken)


X, N = sg.placeholder("x", "n"), sg.placeholder("k", 3, "int64")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sg.sparse_jacobian(N, N), sg.DerivativeError, "int64"),
        (lambda: sg.sparse_jacobian(X, sg.placeholder("z", 2)), sg.DisconnectedError, "z"),
        (lambda: sg.sparse_jacobian(X, X, format="dia"), sg.InputError, "format"),
    ],
)
def test_what_has_no_sparse_derivative_is_an_error(call, error, words):
    with pytest.raises(error, match=words):
        call()


def symmetric_patterns():
    """Arrows, bands, grids and random symmetric patterns."""
    rng = np.random.default_rng(0)
    for n in (1, 4, 9, 25):
        arrow = np.eye(n, dtype=bool)
        arrow[0] = arrow[:, 0] = True
        band = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 2
        side = int(n**0.5)
        cell = np.stack(np.divmod(np.arange(n), side))
        grid = np.abs(cell[:, :, None] - cell[:, None]).sum(axis=0) <= 1
        noise = rng.random((n, n)) < 0.2
        yield from (arrow, band, grid, noise | noise.T | np.eye(n, dtype=bool))


@pytest.mark.parametrize("pattern", list(symmetric_patterns()))
def test_a_star_colouring_gives_every_entry(pattern):
    rows, columns = np.nonzero(pattern)
    count = len(pattern)
    colours = colour_star(rows, columns, count)
    scale = np.random.default_rng(1).random(count) + 0.5
    matrix = np.where(pattern, np.outer(scale, scale), 0.0)
    products = matrix @ np.equal.outer(colours, np.arange(colours.max() + 1))
    alone = readable(rows, columns, colours)
    i, j = np.where(alone, rows, columns), np.where(alone, columns, rows)
    np.testing.assert_allclose(products[i, colours[j]], matrix[rows, columns], rtol=1e-14)
    assert colours.max() <= colour_columns(rows, columns, count).max()


def test_a_hessian_with_an_arrow_takes_few_products():
    x = sg.placeholder("x", 40)
    loss = np.sum(np.sin(x[0] * x[1:] ** 2)) + x[0] ** 4 + np.log(np.sum(np.exp(x[:2])))
    at = np.random.default_rng(0).normal(size=40)
    found = sg.function([x], sg.sparse_hessian(loss, x))(at).to_scipy((40, 40)).toarray()
    np.testing.assert_allclose(found, sg.function([x], sg.hessian(loss, x))(at), atol=1e-12)


@pytest.mark.parametrize("pattern", list(symmetric_patterns()))
def test_an_acyclic_colouring_gives_every_entry_by_differences(pattern):
    rows, columns = np.nonzero(pattern)
    colours = colour_acyclic(rows, columns, len(pattern))
    weights = np.random.default_rng(1).random(len(pattern)) + 0.5
    matrix = np.where(pattern, np.outer(weights, weights), 0.0)
    products = matrix @ np.equal.outer(colours, np.arange(colours.max() + 1))
    found = trees(rows, columns, colours)
    terms = found.signs * products[found.vertices, found.colours]
    totals = np.concatenate([[0.0], np.cumsum(terms)])
    edges = found.factors * (totals[found.last] - totals[found.first])
    np.testing.assert_allclose(edges, matrix[found.rows, found.columns], atol=1e-12)
    assert 2 * len(edges) == len(rows) - np.count_nonzero(np.diag(pattern))
    diagonal = np.flatnonzero(np.diag(pattern))
    np.testing.assert_allclose(products[diagonal, colours[diagonal]], np.diag(matrix)[diagonal])
    assert colours.max() <= colour_star(rows, columns, len(pattern)).max()


def test_substitution_takes_two_products_for_a_tridiagonal_hessian():
    x = sg.placeholder("x", 9)
    loss = sum(np.linalg.norm(x[i : i + 2]) ** 3 for i in range(8))
    value = np.random.default_rng(0).normal(size=9)
    wanted = sg.function([x], sg.hessian(loss, x))(value)
    for substitution, products in ((False, 3), (True, 2)):
        f = sg.function([x], sg.sparse_hessian(loss, x, substitution=substitution))
        found = f(value)
        np.testing.assert_allclose(found.to_scipy((9, 9)).toarray(), wanted, atol=1e-14)
        assert len({*zip(found.rows, found.cols, strict=True)}) == len(found.data) == 25
        assert f"({products}, 9)" in f.source


@pytest.mark.parametrize(
    "places",
    [
        np.arange(30) % 7,
        np.repeat(np.arange(5), 6),
        np.tile(np.arange(4, 24, 2), 3),
        np.add.outer(np.arange(0, 40, 10), np.arange(5)).ravel(),
        np.tile(np.repeat(np.arange(4), 3), 5),
        np.arange(40)[::-1],
        RNG.permutation(40),
        np.concatenate([np.arange(9), np.arange(3, 20), np.arange(8)]),
    ],
)
def test_known_places_are_written_shortly_and_right(places):
    node = _numbers(places)
    assert node.dtype == np.int64
    np.testing.assert_array_equal(sg.function([], node)(), places)
