"""SymPy in and out, and operations that are declared by a formula."""

import pickle
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import sympy as sp

import symgraph as sg
from symgraph.ops.kinds import ELEMENTWISE

X, Y = sp.symbols("x y", real=True)
POINTS = np.array([0.3, 0.7, 1.4, 2.2])

EXPRESSIONS = [
    X + Y,
    X - 2 * Y,
    X / Y - X / 3,
    -X * Y,
    X**2 + Y ** sp.Rational(1, 3),
    1 / (1 + X**2) + X**-3,
    sp.sqrt(X) / sp.sqrt(Y),
    2**X + sp.pi * sp.E,
    sp.exp(-(X**2)) * sp.log(Y),
    sp.sin(X) * sp.cos(Y) + sp.tan(X),
    sp.asin(X / 3) + sp.acos(Y / 3) + sp.atan(X) + sp.atan2(X, Y),
    sp.sinh(X) + sp.cosh(Y) + sp.tanh(X) + sp.asinh(X) + sp.acosh(Y + 1) + sp.atanh(X / 3),
    sp.sec(X) + sp.csc(X) + sp.cot(Y),
    sp.Abs(X - 1) + sp.sign(Y - 1) + sp.floor(X) + sp.ceiling(Y),
    sp.Max(X, Y, 1) + sp.Min(X, Y, 1),
    sp.Mod(3 * X + sp.Rational(1, 7), Y),
    sp.Heaviside(X - 1),
    sp.Piecewise((X**2, X > 1), (sp.sin(Y), Y > 1), (3, True)),
    sp.Piecewise((1, sp.And(X > 0.5, Y < 2)), (0, True)),
    sp.Piecewise((1, sp.Or(X > 2, sp.Not(Y < 2))), (-1, True)),
]


def values(node, inputs, *arrays):
    return sg.function(inputs, node)(*arrays)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_from_sympy_is_lambdify(expression):
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    node = sg.from_sympy(expression, {X: x, "y": y})
    ours = values(node, [x, y], POINTS, POINTS[::-1].copy())
    pairs = zip(POINTS, POINTS[::-1], strict=True)
    exact = [float(expression.subs({X: a, Y: b}).evalf()) for a, b in pairs]
    np.testing.assert_allclose(ours, exact, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_there_and_back(expression):
    x, y = sg.placeholder("x"), sg.placeholder("y")
    env = {"x": x, "y": y}
    node = sg.from_sympy(expression, env)
    again = sg.from_sympy(node.to_sympy(), env)
    for a, b in zip(POINTS, POINTS[::-1], strict=True):
        args = ([x, y], a, b)
        np.testing.assert_allclose(values(again, *args), values(node, *args), rtol=1e-11)


@pytest.mark.parametrize(
    "name", sorted(n for n, op in ELEMENTWISE.items() if op.formula and op.dtypes is not np.conj)
)
def test_every_formula_comes_back(name):
    op = ELEMENTWISE[name]
    intervals = op.intervals()
    dtypes = {"f": float, "i": int, "b": bool}
    kinds = [dtypes[kind] for kind in op.kinds or "f" * op.arity]
    inputs = [sg.placeholder(f"x{i}", (), kind) for i, kind in enumerate(kinds)]
    node = sg.graph.node.make(op, *inputs)
    try:
        back = sg.from_sympy(node.to_sympy(), {p.op.name_: p for p in inputs})
    except sg.UnsupportedError as error:
        pytest.skip(error.summary)
    rng = np.random.default_rng(1)
    for _ in range(5):
        point = [kind(rng.uniform(*i)) for kind, i in zip(kinds, intervals, strict=True)]
        first, second = values(node, inputs, *point), values(back, inputs, *point)
        np.testing.assert_allclose(float(second), float(first), rtol=1e-7, atol=1e-12)


def test_sharing_stays():
    x = sg.placeholder("x")
    expression = X
    for _ in range(60):
        expression = sp.Mul(expression, expression + 1, evaluate=False)
    node = sg.from_sympy(expression, {"x": x})
    assert len(sg.Graph([x], node)) < 200


def test_any_subexpression_may_stand_for_a_node():
    f = sp.Function("f")
    x = sg.placeholder("x")
    assert sg.from_sympy(f(X) + 1, {f(X): x}) is x + 1


def test_types_are_kept():
    x = sg.placeholder("x", "n", "float32")
    assert sg.from_sympy(sp.pi * X**2 / 3 + 1, {X: x}).dtype == np.float32
    assert sg.from_sympy(sp.Piecewise((1, X > 0), (0, True)), {X: x}).dtype == np.float32
    assert sg.from_sympy(sp.pi, {}).dtype == np.float64


@pytest.mark.parametrize(
    ("expression", "part"),
    [(X + Y, "symbol y"), (sp.zeta(X), "zeta"), (sp.Integral(X, X), "Integral")],
    ids=str,
)
def test_what_has_no_counterpart_is_named(expression, part):
    with pytest.raises(sg.UnsupportedError, match=part):
        sg.from_sympy(expression, {X: sg.placeholder("x")})


@pytest.mark.parametrize("what", ["x + 1", sp.Matrix([X]), [X], None], ids=repr)
def test_only_expressions_are_taken(what):
    with pytest.raises(sg.InputError):
        sg.from_sympy(what, {X: sg.placeholder("x")})


def test_to_sympy_names_what_it_cannot():
    x = sg.placeholder("x", 3)
    with pytest.raises(sg.UnsupportedError, match="scalar"):
        sg.sum(x).to_sympy()


def test_to_sympy_refuses_two_of_one_name():
    with pytest.raises(sg.UnsupportedError, match="called x"):
        (sg.placeholder("x") + sg.placeholder("x")).to_sympy()


def test_names_are_symbols_and_never_code():
    name = "__import__('os').abort()"
    node = sg.placeholder(name) * 2.0
    (symbol,) = node.to_sympy().free_symbols
    assert symbol.name == name


# Declared operations ----------------------------------------------------------------------------


FORMULAS = {
    "t_mish": lambda x: x * sp.tanh(sp.log(1 + sp.exp(x))),
    "t_logistic": lambda x: 1 / (1 + sp.exp(-x)),
    "t_lisht": lambda x: x * sp.tanh(x),
    "t_bent": lambda x: (sp.sqrt(x**2 + 1) - 1) / 2 + x,
    "t_gauss": lambda x: sp.exp(-(x**2)),
    "t_relative": lambda x: sp.exp(x) - 1,
    "t_hinge": lambda x: sp.Max(0, 1 - x) ** 2,
    "t_huber": lambda x, d: sp.Piecewise(
        (x**2 / 2, sp.Abs(x) <= d), (d * (sp.Abs(x) - d / 2), True)
    ),
    "t_box": lambda x, y: sp.log(1 + x**2) * sp.sin(y) + sp.Abs(x * y),
    "t_three": lambda x, y, z: x**2 * y + sp.cos(z) / (1 + y**2),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_value_gradient_and_second_derivative(name):
    formula = FORMULAS[name]
    ours = sg.elementwise(name, formula)
    arity = formula.__code__.co_argcount
    symbols = sp.symbols(f"s:{arity}", real=True)
    inputs = [sg.placeholder(f"x{i}", "n") for i in range(arity)]
    y = ours(*inputs)
    first = sg.grad(sg.sum(y), inputs)
    second = sg.grad(sg.sum(first[0]), inputs[0], unconnected="zero")
    f = sg.function(inputs, [y, *first, second])
    rng = np.random.default_rng(3)
    points = [rng.uniform(0.2, 1.9, 6) for _ in inputs]
    exact = formula(*symbols)
    wanted = [exact, *[sp.diff(exact, s) for s in symbols], sp.diff(exact, symbols[0], 2)]
    for result, expression in zip(f(*points), wanted, strict=True):
        for i in range(6):
            at = {s: mpmath.mpf(p[i]) for s, p in zip(symbols, points, strict=True)}
            value = float(expression.subs(at).doit().evalf(25))
            np.testing.assert_allclose(result[i], value, rtol=1e-10, atol=1e-12)


def test_it_does_not_overflow():
    mish = sg.elementwise("t_mish", FORMULAS["t_mish"])
    x = sg.placeholder("x", "n")
    f = sg.function([x], [mish(x), sg.grad(sg.sum(mish(x)), x)])
    value, slope = f(np.array([-1e4, 1e4]))
    np.testing.assert_array_equal(value, [0.0, 1e4])
    np.testing.assert_array_equal(slope, [0.0, 1.0])


def test_it_takes_arrays_numbers_and_integers():
    gauss = sg.elementwise("t_gauss", FORMULAS["t_gauss"])
    assert gauss(0) == 1.0
    np.testing.assert_allclose(gauss(np.arange(3)), np.exp(-(np.arange(3.0) ** 2)))
    assert gauss(sg.placeholder("k", "n", "int32")).dtype == np.float64
    assert gauss(sg.placeholder("k", "n", "float32")).dtype == np.float32


def test_it_broadcasts():
    box = sg.elementwise("t_box", FORMULAS["t_box"])
    a, b = sg.placeholder("a", ("n", 1)), sg.placeholder("b", 4)
    assert box(a, b).shape == (a.shape[0], 4)
    second_only = sg.elementwise("t_second_only", lambda x, y: y + 0 * x)
    node = second_only(a, b)
    assert sg.function([a, b], node)(np.zeros((3, 1)), np.arange(4.0)).shape == (3, 4)


def test_steps_have_derivative_zero():
    step = sg.elementwise("t_step", lambda x: x * sp.floor(x) + sp.sign(x))
    x = sg.placeholder("x")
    gradient = sg.grad(step(x), x)
    assert sg.function([x], gradient)(2.5) == 2.0
    assert sg.function([x], sg.grad(gradient, x, unconnected="zero"))(2.5) == 0.0


def test_a_name_is_taken_once():
    sg.elementwise("t_once", lambda x: x + 1)
    sg.elementwise("t_once", lambda v: 1 + v)  # the same formula: a cell run twice
    with pytest.raises(sg.InputError, match="t_once exists"):
        sg.elementwise("t_once", lambda x: x + 2)
    with pytest.raises(sg.InputError, match="exp exists"):
        sg.elementwise("exp", lambda x: x)


@pytest.mark.parametrize("name", ["", "a b", "lambda", "x; import os", 3])
def test_a_name_is_an_identifier(name):
    with pytest.raises(sg.InputError):
        sg.elementwise(name, lambda x: x)


@pytest.mark.parametrize(
    ("formula", "error"),
    [
        (lambda x: x > 0, sg.InputError),
        (lambda x: x + Y, sg.InputError),
        (lambda *xs: xs[0], sg.InputError),
        (lambda: sp.pi, sg.InputError),
        (lambda x: "x", sg.InputError),
        ("x + 1", sg.InputError),
        (lambda x: sp.zeta(x), sg.UnsupportedError),
    ],
)
def test_a_formula_is_one(formula, error):
    with pytest.raises(error):
        sg.elementwise("t_never", formula)
    assert "t_never" not in ELEMENTWISE


def test_it_pickles_by_its_name():
    lisht = sg.elementwise("t_lisht", FORMULAS["t_lisht"])
    x = sg.placeholder("x")
    data = pickle.dumps(lisht(x))
    assert pickle.loads(data).op is lisht(x).op
    code = f"import pickle, symgraph; pickle.loads({data!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"declare it first" in result.stderr


def test_it_is_called_from_sympy():
    sg.elementwise("t_lisht", FORMULAS["t_lisht"])
    x = sg.placeholder("x")
    node = sg.from_sympy(sp.Function("t_lisht")(X), {X: x})
    assert node.op.name == "t_lisht"


def test_its_formula_is_shown():
    lisht = sg.elementwise("t_lisht", FORMULAS["t_lisht"])
    text = lisht(sg.placeholder("x")).to_latex()
    assert r"\operatorname{t\_lisht}(x) &= x \tanh" in text
