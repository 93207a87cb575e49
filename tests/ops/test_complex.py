"""Complex values through the whole compiler: JAX's convention, differences, simplification."""

import numpy as np
import pytest

import symgraph as sg

Z = np.array([0.7 - 1.3j, -0.4 + 0.2j, 1.1 + 0.6j])
W = np.array([0.3 + 0.8j, -1.2 - 0.5j, 0.9 - 0.1j])

LOSSES = {
    "abs2": lambda z, w: np.sum(np.abs(z) ** 2),
    "holomorphic": lambda z, w: np.real(np.sum(np.exp(z) * np.sin(w) / (1 + z * z))),
    "imag": lambda z, w: np.sum(np.imag(z * np.conj(w) ** 3)),
    "angle": lambda z, w: np.sum(np.angle(z * w) ** 2),
    "powers": lambda z, w: np.abs(np.prod(np.sqrt(z) ** w)),
    "logarithms": lambda z, w: np.sum(np.abs(np.log1p(np.expm1(z)) + np.log10(w) * np.tanh(w))),
    "sign": lambda z, w: np.sum(np.real(np.sign(z) * w)),
    "product": lambda z, w: np.abs(np.vdot(z, w)) + np.real(z @ w),
    "index": lambda z, w: np.abs(np.concatenate([z, w])[1:5].reshape(2, 2).mean(axis=0)).sum(),
    "inverse functions": lambda z, w: np.sum(np.real(np.arctan(z) + np.arcsinh(w) * np.arccosh(z))),
    "softplus-like": lambda z, w: np.sum(np.abs(np.log(1 + np.exp(z)) - 1 / (1 + np.exp(-w)))),
    "cancelling": lambda z, w: np.sum(np.abs(np.exp(z) - 1 + np.sqrt(w * w) + np.sqrt(1 + z * z))),
    "squares": lambda z, w: np.sum((z.real**2 + z.imag**2) * np.abs(w * w.conj())),
}


def nodes():
    return sg.placeholder("z", 3, "complex128"), sg.placeholder("w", 3, "complex128")


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradient_is_d_by_x_minus_i_d_by_y(loss):
    z, w = nodes()
    value = loss(z, w)
    f = sg.function([z, w], [value, sg.grad(value, [z, w], unconnected="zero")])
    got, gradients = f(Z, W)
    np.testing.assert_allclose(got, loss(Z, W), rtol=1e-13)
    for gradient, which in zip(gradients, range(2), strict=True):
        for k in range(3):

            def moved(t, which=which, k=k):
                args = [Z.copy(), W.copy()]
                args[which][k] += t
                return loss(*args)

            h = 1e-5
            by_x = (moved(h) - moved(-h)) / (2 * h)
            by_y = (moved(1j * h) - moved(-1j * h)) / (2 * h)
            assert gradient.dtype == np.complex128
            np.testing.assert_allclose(gradient[k], by_x - 1j * by_y, rtol=1e-6, atol=1e-8)


def test_real_variables_through_complex_values():
    x, y = sg.placeholder("x"), sg.placeholder("y")
    loss = np.abs(np.exp(1j * x) * (x + 1j * y)) ** 2
    one = [sg.constant(1.0), sg.constant(0.0)]
    f = sg.function([x, y], [loss, sg.grad(loss, [x, y]), sg.hvp(loss, [x, y], one)])
    value, gradient, second = f(0.6, -1.7)
    np.testing.assert_allclose(value, 0.6**2 + 1.7**2)
    np.testing.assert_allclose(gradient, [1.2, -3.4])
    np.testing.assert_allclose(second, [2.0, 0.0], atol=1e-12)
    assert {node.dtype for node in sg.grad(loss, [x, y])} == {np.dtype(float)}


def test_single_precision_stays():
    z = sg.placeholder("z", 3, "complex64")
    loss = np.sum(np.abs(np.sin(z) * 2.0) ** 2)
    assert loss.dtype == np.float32
    assert sg.grad(loss, z).dtype == np.complex64


def test_conventions_at_zero():
    z = sg.placeholder("z", (), "complex128")
    for value in (np.abs(z), np.angle(z), np.real(np.sign(z))):
        assert sg.function([z], sg.grad(value, z))(0j) == (1 if value.op.name == "real" else 0)


def test_parts_are_written_as_attributes_and_share_no_memory_with_the_caller():
    z, _ = nodes()
    f = sg.function([z], [z.real, z.imag, z.conj()])
    assert "z.real" in f.source
    assert "z.imag" in f.source
    assert "np.conj(z)" in f.source
    real, imag, conj = f(Z)
    assert not any(np.shares_memory(a, Z) for a in (real, imag, conj))
    assert sg.conj(sg.conj(z)) is z
    assert z.real.real is z.real
    assert z.real.conj() is z.real


def test_what_has_no_meaning_for_complex_numbers_is_refused():
    z, _ = nodes()
    for call in (sg.nn.sigmoid, sg.nn.softplus, np.hypot, np.cbrt, np.isposinf, np.real_if_close):
        with pytest.raises((sg.DTypeError, sg.UnsupportedError)):
            call(z, z) if call is np.hypot else call(z)
    with pytest.raises(sg.DerivativeError):
        sg.grad(np.sum(z), z)
