"""Jacobians and Hessians: trees, modes, intermediate nodes, sizes, errors."""

import numpy as np
import pytest

import symgraph as sg

RNG = np.random.default_rng(0)
A = RNG.standard_normal((2, 3))
X = RNG.standard_normal(3)


def differences(function, x, step=1e-6):
    """Central differences, element by element of x."""
    columns = []
    for place in np.ndindex(x.shape):
        moved = np.zeros_like(x)
        moved[place] = step
        columns.append((function(x + moved) - function(x - moved)) / (2 * step))
    return np.moveaxis(np.array(columns), 0, -1).reshape(*np.shape(columns[0]), *x.shape)


@pytest.mark.parametrize("mode", ["forward", "reverse", None])
def test_trees_on_both_sides(mode):
    a, x = sg.placeholder("a", (2, 3)), sg.placeholder("x", 3)
    ys = {"y": np.tanh(a @ x), "s": (np.sum(x**2), a.T * x[:, None])}
    jacobians = sg.jacobian(ys, [a, x], mode=mode, unconnected="zero")
    assert jacobians["y"][0].shape == (2, 2, 3)
    assert jacobians["s"][1][1].shape == (3, 2, 3)
    values = sg.function([a, x], jacobians)(A, X)
    functions = {
        "y": lambda a, x: np.tanh(a @ x),
        "s": (lambda a, x: np.sum(x**2), lambda a, x: a.T * x[:, None]),
    }
    for found, function in [
        (values["y"], functions["y"]),
        (values["s"][0], functions["s"][0]),
        (values["s"][1], functions["s"][1]),
    ]:
        by_a = differences(lambda v, f=function: f(v, X), A)
        by_x = differences(lambda v, f=function: f(A, v), X)
        np.testing.assert_allclose(found[0], by_a, atol=1e-8)
        np.testing.assert_allclose(found[1], by_x, atol=1e-8)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_hessian_of_a_tree_is_symmetric(mode):
    w, b = sg.placeholder("w", (2, 3)), sg.placeholder("b", 2)
    loss = np.sum(np.sin(w @ sg.constant(X) + b) ** 2) + np.sum(w[:, 0] * b)
    hessian = sg.hessian(loss, {"w": w, "b": b}, mode=mode)
    found = sg.function([w, b], hessian)(A, X[:2])
    assert found["w"]["w"].shape == (2, 3, 2, 3)
    np.testing.assert_allclose(found["w"]["b"], np.moveaxis(found["b"]["w"], 0, -1), atol=1e-12)
    gradient = sg.function([w, b], sg.grad(loss, {"w": w, "b": b}))
    by_b = differences(lambda v: gradient(A, v)["w"], X[:2])
    np.testing.assert_allclose(found["w"]["b"], by_b, atol=1e-8)


def test_third_derivative_and_mixtures():
    x = sg.placeholder("x", ("n",))
    cube = np.sum(x**3) + x[0] * x[1] ** 2
    third = sg.function([x], sg.jacobian(sg.hessian(cube, x), x))(X)
    wanted = np.zeros((3, 3, 3))
    wanted[range(3), range(3), range(3)] = 6
    for place in [(0, 1, 1), (1, 0, 1), (1, 1, 0)]:
        wanted[place] += 2
    np.testing.assert_allclose(third, wanted, atol=1e-12)
    batched = sg.vmap(lambda v: sg.hessian(np.sum(np.sin(v)), v))(sg.constant(A))
    np.testing.assert_allclose(
        sg.function([], batched)(), np.stack([np.diag(-np.sin(row)) for row in A])
    )


def test_intermediate_nodes_and_unconnected():
    x, z = sg.placeholder("x", 3), sg.placeholder("z", 2)
    h = np.exp(x)
    jacobian = sg.jacobian(h[:2] * h[1:], h)
    wanted = [[np.exp(X[1]), np.exp(X[0]), 0], [0, np.exp(X[2]), np.exp(X[1])]]
    np.testing.assert_allclose(sg.function([x], jacobian)(X), wanted)
    with pytest.raises(sg.DisconnectedError, match="z"):
        sg.jacobian(h, [x, z])
    assert sg.function([x], sg.jacobian(h, [x, z], unconnected="zero")[1])(X).shape == (3, 2)


def test_sizes_choose_the_mode_and_empty_arrays_work():
    x, tall = sg.placeholder("x", 2), sg.placeholder("tall", (50, 2))
    forward = sg.jacobian(np.tanh(tall @ x), x)
    assert forward.shape == (50, 2)
    empty = sg.placeholder("e", ("n",))
    function = sg.function(
        [empty], [sg.jacobian(np.exp(empty), empty), sg.hessian(np.sum(empty**2), empty)]
    )
    for value in function(np.zeros(0)):
        assert value.shape == (0, 0)
    scalar = sg.placeholder("s")
    found = sg.function([scalar], [sg.jacobian(scalar**2, scalar), sg.hessian(scalar**3, scalar)])
    assert found(2.0) == [4.0, 12.0]


def test_tangents_and_cotangents_in_the_form_of_the_nodes():
    a, x = sg.placeholder("a", 3), sg.placeholder("x", 3)
    t = {"x": sg.placeholder("tx", 3), "a": sg.placeholder("ta", 3)}
    product = sg.jvp({"y": a * x, "z": a + x}, {"a": a, "x": x}, t)
    found = sg.function([a, x, *t.values()], product)(X, 2 * X, 1 + X, X)
    np.testing.assert_allclose(found["y"], X * (1 + X) + 2 * X * X)
    np.testing.assert_allclose(found["z"], 1 + 2 * X)
    with pytest.raises(sg.ShapeError, match="one tangent is needed"):
        sg.jvp(a * x, {"a": a, "x": x}, {"a": X})


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x, k, c: sg.jacobian(x, k), sg.DerivativeError),
        (lambda x, k, c: sg.jacobian(c * x, c), sg.DerivativeError),
        (lambda x, k, c: sg.jacobian(x * 2, x, mode="backward"), sg.DerivativeError),
        (lambda x, k, c: sg.hessian(x * 2, x), sg.DerivativeError),
        (lambda x, k, c: sg.jacobian(3.0, x), sg.InputError),
    ],
)
def test_errors(call, error):
    with pytest.raises(error):
        call(
            sg.placeholder("x", 3),
            sg.placeholder("k", 3, "int64"),
            sg.placeholder("c", 3, "complex128"),
        )
