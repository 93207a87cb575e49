"""Linear algebra where `test_every_op` does not reach: equal values, SciPy's answers, refusals."""

import numpy as np
import pytest
import scipy.linalg

import symgraph as sg
from symgraph.errors import InputError, ShapeError, SymgraphError, UnsupportedError

RNG = np.random.default_rng(11)


def gradient(function, *shape):
    """The gradient of the sum of a function of one array, as a function of arrays."""
    x = sg.placeholder("x", shape)
    return sg.function([x], sg.grad(np.sum(function(x)), x))


def along(function, at, direction, step=1e-4):
    """Differences of a function of arrays."""
    return (function(at + step * direction) - function(at - step * direction)) / (2 * step)


# Equal eigenvalues and singular values -----------------------------------------------------------

Q = np.linalg.qr(RNG.standard_normal((4, 4))).Q
WEIGHTS = RNG.standard_normal((4, 4))


def projector(x):
    """Onto the two largest eigenvalues."""
    v = np.linalg.eigh(x)[1][:, 2:]
    return WEIGHTS * (v @ v.mT)


@pytest.mark.parametrize("values", [(1.0, 1.0, 2.0, 2.0), (0.0, 0.0, 0.0, 5.0), (2.0,) * 4])
def test_sums_of_functions_of_equal_eigenvalues_have_their_gradient(values):
    a = (Q * np.array(values)) @ Q.T
    found = gradient(lambda x: np.sin(np.linalg.eigvalsh(x)), 4, 4)(a)
    wanted = (Q * np.cos(values)) @ Q.T
    np.testing.assert_allclose((found + found.T) / 2, wanted, atol=1e-13)


def test_a_projector_does_not_feel_equal_eigenvalues_on_one_side():
    a = (Q * np.array([1.0, 1.0, 2.0, 2.0])) @ Q.T
    direction = WEIGHTS + WEIGHTS.T
    found = gradient(projector, 4, 4)(a)
    wanted = along(lambda x: projector(x).sum(), a, direction)
    assert np.sum(found * direction) == pytest.approx(wanted, rel=1e-6)


def test_the_square_root_has_its_derivatives_at_the_identity():
    x, t = sg.placeholder("x", (3, 3)), WEIGHTS[:3, :3] + WEIGHTS[:3, :3].T
    root = sg.linalg.sqrtm(x, hermitian=True)
    first = sg.jvp(root, x, sg.constant(t))
    both = sg.function([x], [first, sg.jvp(first, x, sg.constant(t))])(4.0 * np.eye(3))
    np.testing.assert_allclose(both[0], t / 4, atol=1e-14)  # sqrt: 1/(2 sqrt 4), -1/(4 sqrt 4**3)
    np.testing.assert_allclose(both[1], -(t @ t) / 32, atol=1e-14)


def test_the_polar_factor_does_not_feel_equal_singular_values():
    def polar(x):
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        return WEIGHTS * (u @ vh)

    direction = RNG.standard_normal((4, 4))
    found = gradient(polar, 4, 4)(2.0 * Q)
    assert np.sum(found * direction) == pytest.approx(
        along(lambda x: polar(x).sum(), 2.0 * Q, direction), rel=1e-6
    )


@pytest.mark.parametrize("order", ["nuc", 2, "fro", 1, np.inf])
def test_norms_of_matrices_of_low_rank_have_finite_gradients(order):
    a = np.outer(np.arange(1.0, 5.0), np.ones(3))
    assert np.all(np.isfinite(gradient(lambda x: np.linalg.norm(x, order), 4, 3)(a)))


@pytest.mark.parametrize("order", [None, 1, 2, 3, 2.5, np.inf])
def test_the_gradient_of_a_norm_at_zero_is_zero(order):
    found = gradient(lambda x: np.linalg.norm(x, order), 3)(np.zeros(3))
    np.testing.assert_array_equal(found, np.zeros(3))


# SciPy's answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-8, 0.3, 3.0, 40.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_exponentials_and_their_derivatives_are_scipys(scale, dtype):
    a, e = (scale * RNG.standard_normal((5, 5)).astype(dtype) for _ in range(2))
    x = sg.placeholder("x", (5, 5), dtype)
    both = sg.function([x], [sg.linalg.expm(x), sg.jvp(sg.linalg.expm(x), x, sg.constant(e))])
    for found, wanted in zip(both(a), scipy.linalg.expm_frechet(a, e), strict=True):
        assert found.dtype == dtype
        size = np.abs(wanted).max()
        assert np.abs(found - wanted).max() <= 300 * np.finfo(dtype).eps * size * max(scale, 1)


@pytest.mark.parametrize("name", ["logm", "sqrtm"])
@pytest.mark.parametrize("condition", [1.0, 1e3, 1e7])
def test_roots_and_logarithms_are_scipys(name, condition):
    basis = RNG.standard_normal((5, 5))
    a = (basis * np.geomspace(1.0, condition, 5)) @ np.linalg.inv(basis)
    found, wanted = (getattr(module, name)(a) for module in (sg.linalg, scipy.linalg))
    assert np.abs(found - wanted.real).max() <= 1e-14 * condition * np.abs(wanted).max() + 1e-13


def test_what_has_scipys_name_takes_arrays():
    a = 3 * np.eye(3) + WEIGHTS[:3, :3]
    b = np.arange(3.0)
    for lower in (False, True):
        np.testing.assert_allclose(
            sg.linalg.solve_triangular(a, b, lower=lower),
            scipy.linalg.solve_triangular(a, b, lower=lower),
        )
        factor = scipy.linalg.cho_factor(a @ a.T, lower=lower)
        np.testing.assert_allclose(
            sg.linalg.cho_solve(factor, b), scipy.linalg.cho_solve(factor, b)
        )
    for name in ("toeplitz", "hankel", "circulant"):
        np.testing.assert_array_equal(getattr(sg.linalg, name)(b), getattr(scipy.linalg, name)(b))


# Emitted source ----------------------------------------------------------------------------------


def test_a_module_holds_the_functions_that_numpy_lacks_under_names_that_nothing_else_has():
    expm = sg.placeholder("expm", (2, 2))
    f = sg.function([expm], sg.linalg.logm(sg.linalg.expm(expm)).named("sqrtm"))
    assert "scipy" not in f.source
    assert [f"def {name}(" in f.source for name in ("expm", "logm", "sqrtm")] == [True] * 3
    a = WEIGHTS[:2, :2] / 4
    np.testing.assert_allclose(f(expm=a), a, atol=1e-13)


def test_values_alone_are_decomposed_without_vectors():
    a = sg.placeholder("a", ("n", "n"))
    for call in ("eigvalsh(a)", "eigvals(a)", "svdvals(a)"):
        name = call.removesuffix("(a)")
        assert f"np.linalg.{call}" in sg.function([a], getattr(np.linalg, name)(a)).source


# Symbolic sizes, and what is refused -------------------------------------------------------------


def test_which_of_two_sizes_is_smaller_is_assumed_and_checked_in_the_call():
    a = sg.placeholder("a", ("n", "m"))
    f = sg.function([a], [np.linalg.svdvals(a), np.linalg.qr(a).R])
    tall = RNG.standard_normal((4, 3))
    np.testing.assert_allclose(f(tall)[0], np.linalg.svdvals(tall))
    with pytest.raises(InputError):
        f(tall.T)


X = sg.placeholder("X", (3, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.linalg.eigh(X, UPLO="M"),
        lambda: np.linalg.qr(X, mode="raw"),
        lambda: np.linalg.norm(X, 3),
        lambda: np.linalg.norm(X, "max"),
        lambda: np.linalg.norm(X[None], 2),
        lambda: np.linalg.norm(X[0], "fro"),
        lambda: np.linalg.cond(X[0]),
        lambda: np.linalg.lstsq(X[None], X[None]),
        lambda: np.linalg.lstsq(X, X[:2]),
        lambda: np.linalg.pinv(X, rcond=X[0, 0]),
        lambda: np.linalg.matrix_rank(X, tol=X[0]),
        lambda: np.linalg.svd(X[0]),
        lambda: np.linalg.tensorinv(X, 0),
        lambda: np.linalg.tensorsolve(X, X[:2]),
        lambda: np.cross(X[:, :2], X[:, :2]),
        lambda: sg.linalg.expm(X[:2]),
        lambda: sg.linalg.solve(X, X, assume_a="banded"),
        lambda: sg.linalg.solve_triangular(X, X, trans="H"),
        lambda: sg.linalg.block_diag(),
        lambda: sg.linalg.toeplitz(X),
    ],
)
def test_what_is_refused_says_why(call):
    with pytest.raises(SymgraphError):
        call()


def test_transforms_of_sizes_that_cannot_be_compared_have_no_derivative():
    x = sg.placeholder("x", "n")
    y = np.abs(np.fft.fft(x, x.shape[0] + 2)).sum()
    assert sg.grad(y, x).shape == x.shape
    m = sg.placeholder("y", "m").shape[0]
    with pytest.raises(UnsupportedError, match="tell which is larger"):
        sg.grad(np.abs(np.fft.fft(x, m)).sum(), x)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: np.fft.fft(X, norm="unitary"), UnsupportedError),
        (lambda: np.fft.rfft(X * 1j), UnsupportedError),
        (lambda: np.fft.fft(X[0, 0]), ShapeError),
        (lambda: np.fft.fft(X, n=0), ShapeError),
        (lambda: np.fft.fftn(X, axes=(0, 0)), ShapeError),
        (lambda: np.fft.fftn(X, s=(2,), axes=(0, 1)), ShapeError),
    ],
)
def test_transforms_that_are_refused(call, error):
    with pytest.raises(error):
        call()


@pytest.mark.parametrize("length", [5, 6])
def test_a_real_transform_and_its_inverse_are_the_identity_with_gradient_one(length):
    x = sg.placeholder("x", "n")
    y = np.fft.irfft(np.fft.rfft(x), x.shape[0])
    values = sg.function([x], [y, sg.grad(y @ np.fft.fftshift(y), x)])(np.arange(float(length)))
    np.testing.assert_allclose(values[0], np.arange(length), atol=1e-14)
    moved = np.fft.fftshift(np.arange(length)) + np.fft.ifftshift(np.arange(length))
    np.testing.assert_allclose(values[1], moved, atol=1e-13)
