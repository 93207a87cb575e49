"""Roots and fixed points: values, derivatives of both modes and orders, batches, errors."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.optimize

import symgraph as sg

RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((3, 3)) * 0.3 + 3 * np.eye(3), RNG.standard_normal(3)


def cubic(x, a, b):
    return a @ x + x**3 - b


def spiral(x, a, b):
    return np.tanh(0.1 * a @ x + b)


def bodies(state, params):
    first = state["u"] ** 2 + params["k"] * state["v"][0] - 2.0
    return {"u": first, "v": state["v"] * 3.0 - np.array([1.0, 2.0]) * state["u"]}


POINTS = {
    "vector": (lambda a, b: sg.root(cubic, b * 0.0, a, b), (A, B)),
    "scalar": (lambda a: sg.root(lambda x, a: x**3 + x - a, 1.0, a) * a, (2.0,)),
    "tree": (
        lambda k: sg.root(bodies, {"u": 1.0, "v": np.ones(2)}, {"k": k})["v"],
        (1.5,),
    ),
    "matrix": (lambda a: sg.root(lambda x: x @ x - a, np.eye(3) * 2.0), (A,)),
    "fixed point": (lambda a, b: sg.fixed_point(spiral, np.zeros(3), a, b), (A, B)),
    "babylonian": (lambda a: sg.fixed_point(lambda x: 0.5 * (x + a / x), 1.0), (3.0,)),
}


@pytest.mark.parametrize("name", POINTS)
def test_derivatives_are_right_at_both_orders(name):
    function, point = POINTS[name]
    report = sg.check_gradients(function, point, order=2)
    assert report.ok, str(report)


def test_values_are_those_of_scipy():
    a, b = sg.placeholder("a", ("n", "n")), sg.placeholder("b", "n")
    f = sg.function([a, b], sg.root(cubic, b * 0.0, a, b))
    wanted = scipy.optimize.root(lambda x: cubic(x, A, B), np.zeros(3), tol=1e-14).x
    np.testing.assert_allclose(f(A, B), wanted, rtol=1e-12)
    np.testing.assert_allclose(sg.root(cubic, np.zeros(3), A, B), wanted, rtol=1e-12)
    assert f(np.ones((0, 0)), np.ones(0)).shape == (0,)
    single = sg.root(lambda x, b: x * x - b, np.ones(2, "f4"), np.array([4, 9], "f4"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, [2, 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("solve", "axes"), [("root", (0, 0)), ("root", (None, 0)), ("fixed_point", (0, 0))]
)
def test_batches_are_solved_at_once(solve, axes):
    def one(a, b):
        if solve == "root":
            return sg.root(cubic, np.zeros(3), a, b)
        return sg.fixed_point(spiral, np.zeros(3), a, b)

    values = [
        np.stack([v, 1.1 * v]) if axis == 0 else v for v, axis in zip((A, B), axes, strict=True)
    ]
    nodes = [sg.placeholder(name, v.shape) for name, v in zip("ab", values, strict=True)]
    x = sg.vmap(one, in_axes=axes)(*nodes)
    found = sg.function(nodes, [x, *sg.grad(np.sum(x**2), nodes)])(*values)
    a, b = sg.placeholder("a", (3, 3)), sg.placeholder("b", 3)
    single = one(a, b)
    f = sg.function([a, b], [single, *sg.grad(np.sum(single**2), [a, b])])
    rows = [
        [v[i] if axis == 0 else v for v, axis in zip(values, axes, strict=True)] for i in (0, 1)
    ]
    wanted = [np.stack(parts) for parts in zip(*[f(*row) for row in rows], strict=True)]
    wanted[1:] = [w if axis == 0 else w.sum(0) for w, axis in zip(wanted[1:], axes, strict=True)]
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_the_start_has_no_derivative_and_the_jacobian_is_that_of_the_theorem():
    x0, b = sg.placeholder("x0", 3), sg.placeholder("b", 3)
    x = sg.root(lambda x, b: x**3 - b, x0, b)
    start, theirs = sg.function([x0, b], [sg.grad(np.sum(x), x0), sg.jacobian(x, b)])(
        np.ones(3), np.array([1.0, 8.0, 27.0])
    )
    np.testing.assert_array_equal(start, np.zeros(3))
    np.testing.assert_allclose(theirs, np.diag([1 / 3, 1 / 12, 1 / 27]), rtol=1e-12)


@pytest.mark.parametrize("solve", ["root", "fixed_point"])
def test_the_exported_file_is_plain_and_says_when_it_does_not_converge(solve, tmp_path):
    a = sg.placeholder("a")
    if solve == "root":
        x = sg.root(lambda x, a: x**2 + a, 1.0, a)
    else:
        x = sg.fixed_point(lambda x, a: -a * x + 1.0, 2.0, a)
    f = sg.function([a], [x, sg.grad(x, a)], name="solve")
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match=f"{solve}: no convergence"):
        f(1.0)
    path = tmp_path / "solve.py"
    f.export(path)
    code = "import solve\ntry:\n    solve.solve(1.0)\nexcept RuntimeError as e:\n    print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{solve}: no convergence in")
    assert "symgraph" not in path.read_text().split('"""')[2]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sg.root(np.sum, np.ones(2)), sg.ShapeError, "shapes of the unknown"),
        (lambda: sg.root(lambda x: [x, x], np.ones(2)), sg.DTypeError, "form of the unknown"),
        (lambda: sg.fixed_point(np.cos, 1.0, max_steps=0), sg.InputError, "max_steps"),
        (lambda: sg.fixed_point(np.cos, 1.0, tol=-1.0), sg.InputError, "tol"),
        (lambda: sg.root(np.cos, 1j), sg.DTypeError, "one real dtype"),
    ],
)
def test_what_is_no_equation_is_an_error(call, error, words):
    with pytest.raises(error, match=words):
        call()
