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

COMPOSED = [
    sp.sinc(X) * sp.frac(Y + 3),
    sp.LambertW(X) + sp.zeta(X + 2) + sp.li(Y + 2),
    sp.factorial(X) + sp.binomial(X + 3, 2) + sp.RisingFactorial(X, Y) + sp.FallingFactorial(X, 2),
    sp.uppergamma(X, Y) - sp.lowergamma(X, Y),
    sp.Si(X) + sp.Ci(Y) + sp.Shi(X) + sp.Chi(Y),
    sp.fresnels(X) + sp.fresnelc(Y),
    sp.airyai(X) + sp.airyaiprime(Y) + sp.airybi(X) + sp.airybiprime(Y),
    sp.Derivative(sp.sin(X * Y), X) + sp.Integral(sp.exp(-X * Y), (X, 0, 1)),
]


def values(node, inputs, *arrays):
    return sg.function(inputs, node)(*arrays)


@pytest.mark.parametrize("expression", EXPRESSIONS + COMPOSED, ids=str)
def test_from_sympy_is_lambdify(expression):
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    node = sg.from_sympy(expression, {X: x, "y": y})
    ours = values(node, [x, y], POINTS, POINTS[::-1].copy())
    pairs = zip(POINTS, POINTS[::-1], strict=True)
    exact = [float(expression.doit().subs({X: a, Y: b}).evalf()) for a, b in pairs]
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
    [
        (X + Y, "symbol y"),
        (sp.elliptic_pi(X, X / 2), "elliptic_pi"),
        (sp.Integral(sp.exp(sp.sin(X)), (X, 0, 1)), "Integral"),
        (sp.Sum(X**Y, (Y, 0, sp.oo)), "oo is no size"),
        (sp.IndexedBase("b")[0], "array b"),
        (sp.MatrixSymbol("M", 2, 2)[0, 0], "array M"),
    ],
    ids=str,
)
def test_what_has_no_counterpart_is_named(expression, part):
    with pytest.raises(sg.UnsupportedError, match=part):
        sg.from_sympy(expression, {X: sg.placeholder("x")})


@pytest.mark.parametrize("what", ["x + 1", sp.Lambda(X, X), [None], None, sp.Matrix], ids=repr)
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


# Sums and matrices ------------------------------------------------------------------------------


I, J, K, N, M = sp.symbols("i j k n m", integer=True)
U, V, W = (sp.IndexedBase(name) for name in "UVW")
ARRAYS = {
    "U": np.array([0.5, -1.0, 2.0, 0.25, 1.5]),
    "V": np.array([1.5, 0.5, -0.75]),
    "W": np.arange(15.0).reshape(5, 3) / 7 - 1,
}
SUMS = [
    sp.Sum((U[I] - X) ** 2, (I, 0, N - 1)) / N,
    sp.Sum(100 * (U[I + 1] - U[I] ** 2) ** 2 + (1 - U[I]) ** 2, (I, 0, N - 2)),
    sp.Sum(W[I, J] * U[I] * V[J], (J, 0, M - 1), (I, 0, N - 1)),
    sp.Sum(W[I, J] * U[I] * V[J], (I, 0, N - 1), (J, 0, M - 1)),
    sp.Sum(sp.log(sp.Sum(sp.exp(X * W[I, J]), (J, 0, M - 1))), (I, 0, N - 1)),
    sp.Sum(sp.Sum(W[K, J] * V[J], (J, 0, M - 1)) * U[K] * K, (K, 1, N - 1)),
    sp.Sum(1 / sp.Abs(U[I] - U[J]), (J, 0, I - 1), (I, 1, N - 1)),
    sp.Sum(U[I] * U[J] * X ** (J - I), (J, I, N - 1), (I, 0, N - 1)),
    sp.Sum(U[N - 1 - I] * U[I] * (I + 1), (I, 0, N - 1)) + U[0] * U[N - 1] + W[2, 1],
    sp.Sum(U[2 * I] * V[2 - I], (I, 0, 2)),
    sp.Sum(W[I, I] * V[I], (I, 0, M - 1)),
    sp.Sum(U[sp.Mod(I + 1, N)] * U[I], (I, 0, N - 1)),
    sp.Sum(X**K / sp.factorial(K), (K, 0, 30)) + sp.Sum(10**K, (K, 0, 25)) / 10**25,
    sp.Product(U[I] + X, (I, 1, N - 2)) * sp.Product(X, (I, 1, 4)),
    sp.Sum(X, (I, 0, N - 1), (J, 0, M - 1)) + sp.Sum(U[I], (I, 0, N - 1), (J, 2, M)),
    sp.Sum(N * U[I] + M, (I, 0, 4)),
]


def by_loops(part, bound):
    """The value of a sum, term by term."""
    if isinstance(part, sp.Sum | sp.Product):
        *inner, (symbol, first, last) = part.limits
        body = part.func(part.function, *inner) if inner else part.function
        steps = range(int(first.subs(bound)), int(last.subs(bound)) + 1)
        terms = [by_loops(body, {**bound, symbol: step}) for step in steps]
        return sum(terms) if isinstance(part, sp.Sum) else np.prod(terms)
    if isinstance(part, sp.Indexed):
        return ARRAYS[str(part.base)][tuple([int(index.subs(bound)) for index in part.indices])]
    if not part.args:
        return float(part.subs(bound))
    return float(part.func(*[by_loops(a, bound) if a.free_symbols else a for a in part.args]))


@pytest.mark.parametrize("expression", SUMS, ids=str)
@pytest.mark.parametrize("symbolic", [True, False])
def test_sums_are_over_whole_arrays(expression, symbolic):
    shapes = {"U": ("n",), "V": ("m",), "W": ("n", "m")}
    if not symbolic:
        expression = expression.subs({N: 5, M: 3})
        shapes = {name: array.shape for name, array in ARRAYS.items()}
    inputs = [sg.placeholder(name, shape) for name, shape in shapes.items()]
    x = sg.placeholder("x")
    node = sg.from_sympy(expression, {X: x, U: inputs[0], "V": inputs[1], "W": inputs[2]})
    f = sg.function([*inputs, x], [node, sg.grad(node, inputs, unconnected="zero")])
    value, _ = f(*ARRAYS.values(), 0.75)
    np.testing.assert_allclose(value, by_loops(expression, {N: 5, M: 3, X: 0.75}), rtol=1e-12)
    assert "for " not in f.source.split("def ")[1]
    f.check(*ARRAYS.values(), 0.75)


def test_sums_keep_the_axes_of_arrays_that_stand_for_symbols():
    x, u = sg.placeholder("x", (2, 4)), sg.placeholder("u", "n")
    node = sg.from_sympy(sp.Sum(X * U[I] + Y, (I, 0, N - 1)), {X: x, Y: 1.0, U: u})
    points = np.arange(8.0).reshape(2, 4)
    np.testing.assert_allclose(
        sg.function([x, u], node)(points, ARRAYS["U"]), points * ARRAYS["U"].sum() + 5
    )


@pytest.mark.parametrize(
    "expression",
    [
        sp.Sum(U[I + 1], (I, 0, N - 1)),
        sp.Sum(U[I - 1], (I, 0, N - 1)),
        sp.Sum(U[2 - I], (I, 0, 3)),
        sp.Sum(W[I], (I, 0, N - 1)),
    ],
    ids=str,
)
def test_an_index_stays_in_its_array(expression):
    env = {U: sg.placeholder("u", "n"), W: sg.placeholder("w", ("n", 3))}
    with pytest.raises(sg.ShapeError, match=r"out of the array|indices"):
        sg.from_sympy(expression, env)


A, B = sp.MatrixSymbol("A", 3, 3), sp.MatrixSymbol("B", 3, 3)
C = sp.MatrixSymbol("c", 3, 1)
MATRICES = {
    A: np.array([[2.0, 0.5, -1.0], [0.25, 3.0, 1.0], [0.0, -0.5, 1.5]]),
    B: np.array([[1.0, 2.0, 0.0], [-1.0, 0.5, 0.25], [2.0, 1.0, -3.0]]),
    C: np.array([0.5, -2.0, 1.0]),
}
MATRIX_EXPRESSIONS = [
    A * C,
    C.T * A * C,
    A.T * B - 2 * X * A,
    A.inv() * C,
    A**2 + A**-2,
    sp.Trace(A * B) + sp.Determinant(A) * X + A[0, 1] + C[2, 0],
    sp.HadamardProduct(A, B) + sp.HadamardPower(A, 2),
    sp.Identity(3) + sp.ZeroMatrix(3, 3) - A + sp.OneMatrix(3, 3),
    A.applyfunc(sp.sin) * B.applyfunc(lambda t: t**2 + X),
    sp.KroneckerProduct(A, B),
    A[0:2, 1:3],
    sp.BlockMatrix([[A, B], [B, A]]),
    sp.DiagMatrix(C) * A,
    (A + B).T + sp.Adjoint(A),
    sp.Sum(A[I, I] * C[I, 0], (I, 0, 2)),
    sp.Matrix([[X, X**2], [sp.sin(X), 1]]),
    sp.Matrix([[A[0, 0], A[1, 2]]]) * X,
    sp.Array([[[X, 1], [2, X]], [[X, X], [0, 0]]]),
    sp.SparseMatrix(2, 2, {(0, 1): X}),
    sp.hessian(X**3 * sp.sin(X * Y), [X, Y]).subs(Y, 2),
    sp.Matrix(0, 3, []),
]


def explicit(expression):
    """Its elements, by SymPy alone."""
    expression = expression.doit()
    if isinstance(expression, sp.MatrixExpr):
        expression = expression.as_explicit()
    elements = {m[i, j]: value.reshape(3, -1)[i, j] for m, value in MATRICES.items()
                for i in range(3) for j in range(m.shape[1])}  # fmt: skip
    whole = {m: sp.Matrix(value.reshape(3, -1)) for m, value in MATRICES.items()}

    def number(part):
        return float(part.subs(elements).subs(whole).doit().subs(X, 0.75).evalf())

    if not hasattr(expression, "shape"):
        return number(expression)
    flat = [number(part) for part in sp.flatten(expression)]
    return np.reshape(np.array(flat), expression.shape)


@pytest.mark.parametrize("expression", MATRIX_EXPRESSIONS, ids=str)
def test_matrices(expression):
    inputs = [sg.placeholder(m.name, value.shape) for m, value in MATRICES.items()]
    x = sg.placeholder("x")
    node = sg.from_sympy(expression, {**dict(zip(MATRICES, inputs, strict=True)), X: x})
    wanted = explicit(expression)
    assert node.shape == np.shape(wanted)
    value = sg.function([*inputs, x], node)(*MATRICES.values(), 0.75)
    np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12)


def test_matrices_of_symbolic_size():
    x, w = sg.placeholder("x", ("n", 4)), sg.placeholder("w", 4)
    data, weights = sp.MatrixSymbol("x", N, 4), sp.MatrixSymbol("w", 4, 1)
    node = sg.from_sympy(sp.Trace(data.T * data) + (data * weights)[0, 0] / N, {"x": x, "w": w})
    X4, w4 = np.arange(8.0).reshape(2, 4), np.array([1.0, -1.0, 2.0, 0.5])
    assert sg.function([x, w], node)(X4, w4) == (X4 * X4).sum() + (X4 @ w4)[0] / 2
    with pytest.raises(sg.ShapeError, match="another shape"):
        sg.from_sympy(sp.MatrixSymbol("x", 3, 3), {"x": w})


def test_matrices_are_written_as_nested_lists():
    x = sg.placeholder("x")
    turn = sp.Matrix([[sp.cos(X), -sp.sin(X)], [sp.sin(X), sp.cos(X)]])
    f = sg.function([x], sg.from_sympy(turn, {X: x}))
    assert "np.array([[cos_x, -sin_x], [sin_x, cos_x]])" in f.source


def test_trees_come_back_in_their_form():
    x = sg.placeholder("x")
    got = sg.from_sympy({"a": X + 1, "b": [X, sp.Matrix([X, 2])]}, {X: x})
    assert got["a"] is x + 1
    assert got["b"][0] is x
    assert got["b"][1].shape == (2, 1)


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
        (lambda x: sp.elliptic_pi(x, x / 2), sg.UnsupportedError),
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
