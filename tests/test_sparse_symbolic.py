"""Sparse derivatives whose sizes are symbolic: one pattern, right for every size."""

import numpy as np
import pytest
import scipy.sparse

import symgraph as sg
from symgraph.graph.links import Place, along, fixed, regrouped
from symgraph.graph.sizes import as_dim
from symgraph.transforms.affine import Known, Unsolved, solve
from tests.test_sparse import brusselator, laplacian, rosenbrock

RNG = np.random.default_rng(0)
N, M = as_dim("n"), as_dim("m")
KERNEL = np.array([1.0, -2.0, 0.5])


def coupled(x):
    return x[0] * np.sum(np.exp(x)) + np.sum(x**3)


def poisson(u):
    inner = u[1:-1, 1:-1]
    return u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inner**2


def windows(x, size):
    return np.lib.stride_tricks.sliding_window_view(x, size)


JACOBIANS = {
    # function, shape; entries for sizes n (and m), where it is known how many there are
    "element-wise": (lambda x: np.sin(x), ("n", "m"), lambda n, m: n * m),
    "scalar": (lambda x: x * x, (), lambda n, m: 1),
    "ring": (lambda u: np.roll(u, 1) + np.roll(u, -1) - 2 * u, ("n",), lambda n, m: 3 * n),
    "brusselator": (brusselator, (2, "n", "n"), lambda n, m: 12 * n**2),
    "ring of rings": (laplacian, ("n", "m"), lambda n, m: 5 * n * m),
    "poisson": (poisson, ("n", "m"), lambda n, m: 5 * (n - 2) * (m - 2)),
    "differences": (lambda x: np.diff(x) ** 2, ("n",), lambda n, m: 2 * (n - 1)),
    "ends": (lambda u: np.concatenate([u[:1], np.diff(u, 2), u[-1:]]), ("n",), None),
    "matrix": (lambda x: x @ np.ones((3, 2)), ("n", 3), lambda n, m: 6 * n),
    "matrices": (lambda x: np.ones((4, 3, 2)) @ x, (4, 2, "n"), lambda n, m: 24 * n),
    "strides": (lambda x: x[::2] ** 2, ("n",), lambda n, m: (n + 1) // 2),
    "pairs": (lambda x: np.prod(x.reshape(-1, 2), axis=1), ("2 * n",), lambda n, m: 2 * n),
    "padding": (lambda x: np.pad(x, 2) * 1.5, ("n",), lambda n, m: n),
    "means": (lambda x: np.mean(x * x, axis=1), ("n", 3), lambda n, m: 3 * n),
    "kernel": (lambda x: np.convolve(x**2, KERNEL, "valid"), ("n",), lambda n, m: 3 * (n - 2)),
    "set": (lambda x: x.at[1:].set(0.0) * np.sum(x), ("n",), None),
    "scatter": (lambda x: x.at[1:].add(x[:-1] ** 2), ("n",), lambda n, m: 2 * n - 1),
    "flat": (lambda x: np.sin(x.ravel()).reshape(x.shape) * x, ("n", "m"), lambda n, m: n * m),
    "sums of windows": (lambda x: np.sum(windows(x, 3) ** 2, axis=-1), ("n",), None),
    "norms of windows": (
        lambda x: np.linalg.norm(windows(x, 3), axis=-1),
        ("n",),
        lambda n, m: 3 * (n - 2),
    ),
    "cumsum": (lambda x: np.cumsum(x**2), ("n",), lambda n, m: n * n),
    "cumsum of rows": (lambda x: np.cumsum(x**2, axis=1), ("n", 3), lambda n, m: 9 * n),
    "sorted rows": (lambda x: np.sort(x, axis=1) * x, (3, "n"), lambda n, m: 3 * n**2),
    "choice": (lambda x: np.where(x > 0, np.log(np.abs(x)), x**2), ("n",), lambda n, m: n),
    "diagonal": (lambda x: np.diag(x) @ sg.ones(x.shape), ("n",), lambda n, m: n),
    "triangle": (lambda x: np.triu(x) ** 2, ("n", "n"), lambda n, m: n * n),
    "interleaved": (lambda x: np.stack([x, x**2], axis=1).ravel(), ("n",), lambda n, m: 2 * n),
    "mirror": (lambda x: x[::-1] * x, ("n",), None),
    "gather": (lambda x: x[:, [2, 0, 1]] * x, ("n", 3), None),
    "copies": (lambda x: np.repeat(x, 2) * np.tile(x, 2), ("n",), None),
    "outer": (lambda x: np.outer(x[:2], x), ("n",), None),
    "gram": (lambda x: x.T @ x, ("n", "m"), None),
}
HESSIANS = {
    "rosenbrock": (rosenbrock, ("n",), lambda n, m: 3 * n - 2),
    "arrow": (coupled, ("n",), lambda n, m: 3 * n - 2),
    "separate": (lambda x: np.sum(x[::2] ** 3) + np.sum(np.sin(x[1::2])), ("n",), None),
    "dense": (lambda x: np.log(np.sum(np.exp(x))), ("n",), lambda n, m: n * n),
    "least squares": (lambda x: np.sum((np.ones((4, 3)) @ x) ** 2), (3, "n"), lambda n, m: 9 * n),
    "trace": (lambda x: np.trace(x @ x), ("n", "n"), None),
    "grid": (lambda x: np.sum((x[1:, 1:] - x[:-1, 1:]) ** 4 + x[1:, :-1] ** 3), ("n", "m"), None),
}
CASES = [(name, *case, False) for name, case in JACOBIANS.items()]
CASES += [(name, *case, True) for name, case in HESSIANS.items()]


def both(function, shape, second, unconnected="raise"):
    """Compiled: the sparse derivative and the dense one."""
    x = sg.placeholder("x", shape)
    y = function(x)
    sparse, dense = (sg.sparse_hessian, sg.hessian) if second else (sg.sparse_jacobian, sg.jacobian)
    return (
        sg.function([x], sparse(y, x, unconnected=unconnected)),
        sg.function([x], dense(y, x, unconnected=unconnected)),
    )


def filled(shape, n, m):
    sizes = [d if isinstance(d, int) else eval(d, {"n": n, "m": m}) for d in shape]
    return RNG.standard_normal(sizes)


def agree(found, wanted, size):
    """Whether entries, added up, are the dense derivative."""
    assert len(found.data) == len(found.rows) == len(found.cols)
    if not size or not wanted.size:
        assert not len(found.data)
        return
    wanted = np.reshape(wanted, (-1, size))
    assert np.all(found.rows >= 0)
    assert np.all(found.cols >= 0)
    np.testing.assert_allclose(found.to_scipy(wanted.shape).toarray(), wanted, 1e-12, 1e-12)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(("name", "function", "shape", "count", "second"), CASES)
def test_every_size_gives_the_dense_derivative(name, function, shape, count, second):
    sparse, dense = both(function, shape, second)
    valid = 0
    for n, m in [(0, 2), (1, 1), (2, 3), (3, 0), (3, 4), (4, 2), (7, 5)]:
        x = filled(shape, n, m)
        try:
            wanted = np.asarray(dense(x))
            found = sparse(x)
        except ValueError:  # too small, for one of them or for NumPy
            assert min(n, m) < 3
            continue
        valid += 1
        agree(found, wanted, x.size)
        if count is not None and min(n, m) > 2:
            assert len({*zip(found.rows, found.cols, strict=True)}) == count(n, m)
            assert len(found.data) == count(n, m)
    assert valid >= 2


def test_the_source_is_what_a_person_writes():
    sparse, _ = both(rosenbrock, ("n",), True)
    body = [line for line in sparse.source.split("):\n")[1].splitlines() if "#" not in line]
    assert len(body) < 16
    assert "np.arange(n - 1)" in sparse.source
    assert "@" not in sparse.source
    assert len(sparse(np.ones(1000)).data) == 2998


@pytest.mark.parametrize("format", ["csr", "csc"])
def test_compressed_formats_are_scipys(format):
    x = sg.placeholder("x", "n")
    f = sg.function([x], sg.sparse_hessian(coupled(x), x, format=format))
    dense = sg.function([x], sg.hessian(coupled(x), x))
    for n in (1, 2, 6):
        value = RNG.standard_normal(n)
        theirs = getattr(scipy.sparse, f"{format}_array")(dense(value))
        found = f(value)
        np.testing.assert_array_equal(found.indices, theirs.indices)
        np.testing.assert_array_equal(found.indptr, theirs.indptr)
        np.testing.assert_allclose(found.data, theirs.data)


def test_trees_by_trees():
    a, b = sg.placeholder("a", "n"), sg.placeholder("b", ("n", 2))
    outputs, wrt = {"u": a[:, None] * b, "v": (np.sum(b), a[1:])}, [a, b]
    tree = sg.sparse_jacobian(outputs, wrt, unconnected="zero")
    dense = sg.jacobian(outputs, wrt, unconnected="zero")
    assert tree.keys() == dense.keys()
    blocks = [(tree["u"], dense["u"]), *zip(tree["v"], dense["v"], strict=True)]
    pairs = [pair for rows in blocks for pair in zip(*rows, strict=True)]
    shapes = [(6, 3), (6, 6), (1, 3), (1, 6), (2, 3), (2, 6)]
    values = sg.function([a, b], pairs)(np.ones(3), RNG.standard_normal((3, 2)))
    for (found, wanted), shape in zip(values, shapes, strict=True):
        np.testing.assert_allclose(found.to_scipy(shape).toarray(), np.reshape(wanted, shape))


def test_a_hessian_by_several_variables_has_its_blocks():
    a, b = sg.placeholder("a", "n"), sg.placeholder("b")
    loss = b**2 * np.sum(a**3)
    tree = sg.sparse_hessian(loss, {"a": a, "b": b})
    dense = sg.hessian(loss, {"a": a, "b": b})
    pairs = [(tree[i][j], dense[i][j]) for i in "ab" for j in "ab"]
    values = sg.function([a, b], pairs)(np.arange(4.0), 3.0)
    for (found, wanted), shape in zip(values, [(4, 4), (4, 1), (1, 4), (1, 1)], strict=True):
        np.testing.assert_allclose(found.to_scipy(shape).toarray(), np.reshape(wanted, shape))


def test_sizes_that_are_too_small_are_an_error():
    x = sg.placeholder("x", "n")
    f = sg.function([x], sg.sparse_jacobian(np.roll(x, 3), x).data)
    assert len(f(np.ones(3))) == 3
    with pytest.raises(sg.InputError, match="n - 3 >= 0"):
        f(np.ones(2))


# Programs at random ------------------------------------------------------------------------------


def unary(rng, x):
    choices = [np.sin, np.square, lambda v: 3 * v, lambda v: np.where(v > 0, v * 2, v**3)]
    return choices[rng.integers(len(choices))](x)


def moved(rng, x):
    """Elements taken, put elsewhere, joined, added up along one axis."""
    axis, a = int(rng.integers(x.ndim)), int(rng.integers(1, 3))
    front = (slice(None),) * axis
    after, before = (*front, slice(a, None)), (*front, slice(None, -a))
    choices = [
        lambda: x[after],
        lambda: x[before],
        lambda: np.roll(x, int(rng.integers(-2, 3)), axis=axis),
        lambda: np.pad(x, [(1, 2) if i == axis else (0, 0) for i in range(x.ndim)]),
        lambda: np.flip(x, axis),
        lambda: x[*front, ::2],
        lambda: np.concatenate([x[after], x[before]], axis),
        lambda: np.concatenate([x, unary(rng, x)], axis),
        lambda: np.sum(x, axis, keepdims=True),
        lambda: x.ravel(),
        lambda: x.T,
        lambda: x.at[*front, :a].set(0.5),
        lambda: x.at[after].add(x[before]),
        lambda: np.diff(x, axis=axis),
        lambda: np.repeat(x, 2, axis),
        lambda: np.cumsum(x, axis),
        lambda: np.sort(x, axis),
        lambda: np.stack([x, unary(rng, x)], axis),
        lambda: np.tensordot(np.arange(6.0).reshape(2, 3), np.stack([x, x**2, x]), 1),
    ]
    return choices[rng.integers(len(choices))]()


def program(rng):
    def function(x):
        pool = [x]
        for _ in range(rng.integers(2, 6)):
            a, b = (pool[i] for i in rng.integers(len(pool), size=2))
            kind = rng.random()
            if kind < 0.3:
                found = unary(rng, a)
            elif kind < 0.75 or a.shape != b.shape:
                found = moved(rng, a)
            else:
                found = a * b
            pool += [found] if found.ndim < 4 else []
        return unary(rng, pool[-1])

    shapes = [("n",), ("n", "m"), ("n", 3), (2, "n")]
    return function, shapes[rng.integers(len(shapes))]


@pytest.mark.parametrize("seed", range(40))
def test_programs_at_random(seed):
    function, shape = program(rng := np.random.default_rng(seed))
    second = bool(rng.random() < 0.25)
    whole = (lambda x: np.sum(function(x) ** 2)) if second else function
    sparse, dense = both(whole, shape, second, "zero")
    valid = 0
    for n, m in [(0, 1), (1, 3), (2, 2), (3, 1), (5, 0), (9, 8)]:
        x = filled(shape, n, m)
        try:
            wanted = np.asarray(dense(x))
            found = sparse(x)
        except ValueError:
            assert (n, m) != (9, 8)
            continue
        valid += 1
        agree(found, wanted, x.size)
    assert valid


# What it stands on -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "dim", "follows"),
    [
        ([], N, True),
        ([], N - 1, False),
        ([N - 1], N * M - M, True),
        ([N - M], 2 * N - M, True),
        ([], N - 2 * (N // 2), True),
        ([], 2 * (N // 2) - N + 1, True),
        ([], 2 * (N // 2) - N, False),
        ([-(N % 3)], 3 * (N // 3) - N, True),
    ],
)
def test_what_follows_from_facts(facts, dim, follows):
    assert Known(facts).proves(dim) is follows


def test_equations_of_places():
    t, u, v = along(0), along(1), along(2)
    lengths = {0: N, 1: N - 1, 2: N}
    found = solve([t.plus(u, -1).plus(fixed(-1))], lengths, Known([]))
    assert found is not None
    assert t.replaced(found.values) == u.plus(fixed(1))
    assert solve([Place(1, ((0, 2), (2, -2)))], lengths, Known([])) is None
    # m * a + b, of digits: both are equal.
    digits = {0: N, 1: M, 2: N, 3: M}
    both = Place(0, ((0, M), (1, 1), (2, -M), (3, -1)))
    found = solve([both], digits, Known([]))
    assert found is not None
    assert len(found.lengths) == 2
    with pytest.raises(Unsolved):
        solve([t.plus(v, 2).plus(u, 3)], lengths, Known([]))


def test_an_assumption_is_noted():
    known = Known([])
    assert known.decide(N - 3)
    assert list(known.assumed) == [N - 3]
    with pytest.raises(Unsolved):
        known.decide(N - M)
    with pytest.raises(Unsolved):
        known.strictly().decide(N - 7)


@pytest.mark.parametrize(
    ("before", "after"),
    [((4, 6), (8, 3)), ((2, 3, 4), (24,)), ((6,), (1, 2, 1, 3)), ((12, 1), (3, 4)), ((1, 1), ())],
)
def test_regrouped_places_are_those_of_reshape(before, after):
    link = regrouped(before, after)
    for at in np.ndindex(*link.lengths):
        values = {i: fixed(t) for i, t in enumerate(at)}
        first, second = (
            tuple([place.replaced(values).start for place in places])
            for places in (link.source, link.target)
        )
        assert np.ravel_multi_index(first, before) == np.ravel_multi_index(second, after)
    assert regrouped((4, 6), (3, 8)) is None
