"""Series next to removable singularities: their coefficients by SymPy, their seams by mpmath."""

import numpy as np
import pytest
import sympy

import symgraph as sg
from symgraph.graph.registry import apply
from symgraph.measure import errors_of
from symgraph.ops.elementwise import remainders, removable

X = sympy.Symbol("x")
SERIES = {
    "RELATIVE_EXP1": (sympy.exp(X) * (X - 1) + 1) / X**2,
    "RELATIVE_EXP2": (sympy.exp(X) * (X**2 - 2 * X + 2) - 2) / X**3,
    "X_LESS_SIN": (X - sympy.sin(X)) / X**3,
    "SINH_LESS_X": (sympy.sinh(X) - X) / X**3,
    "EXPM1_LESS_X": (sympy.exp(X) - 1 - X) / X**2,
    "SIN_LESS_X_COS": (sympy.sin(X) - X * sympy.cos(X)) / X**3,
    "X_COSH_LESS_SINH": (X * sympy.cosh(X) - sympy.sinh(X)) / X**3,
}
EVEN = ("X_LESS_SIN", "SINH_LESS_X", "SIN_LESS_X_COS", "X_COSH_LESS_SINH")


@pytest.mark.parametrize("name", SERIES)
def test_coefficients_are_those_of_taylor(name):
    known = getattr(remainders if name == "SIN_LESS_X_COS" else removable, name)
    step = 2 if name in EVEN else 1
    expanded = sympy.series(SERIES[name], X, 0, step * len(known)).removeO()
    wanted = [expanded.coeff(X, step * k) for k in range(len(known))]
    assert [float(c) for c in wanted] == pytest.approx(list(known), rel=2e-16)


# Where the series ends and the formula begins.
SEAMS = {
    "relative_exp": 0.0,
    "relative_exp1": 1.0,
    "relative_exp2": 2.0,
    "x_less_sin": 1.5,
    "sinh_less_x": 2.0,
    "expm1_less_x": 1.0,
    "log1p_less_x": 1.0,
    "log1p_inverse": 1.0,
    "sin_less_x_cos": 1.5,
    "tan_less_x": 1.1,
    "x_less_tanh": 1.5,
    "x_less_arctan": 1.0,
    "one_less_sinc": 1.5,
    "entropy_gap": 1.0,
    "log_cos": 0.8,
    "log_tanh": 0.5,
    "log_sinhc": 1.5,
    "langevin": 1.5,
    "langevin1": 1.5,
}


@pytest.mark.parametrize("name", SEAMS)
def test_both_sides_of_the_seam(name):
    x = sg.placeholder("x")
    node = apply(name, x)
    near = SEAMS[name] + np.concatenate([np.linspace(-0.4, 0.4, 20), [-1e-9, 1e-9, 1e-300]])
    small = 2.0 ** np.arange(-60.0, 0.0, 7)
    at = np.concatenate([near, small, [] if name == "log1p_inverse" else -small])
    found = errors_of(node, node, {x: at})
    assert found.before[found.defined].max() < 8


@pytest.mark.parametrize(
    ("name", "value"),
    [("relative_exp", 1), ("relative_exp1", 1 / 2), ("relative_exp2", 1 / 3), ("x_less_sin", 0)],
)
def test_at_the_singularity(name, value):
    x = sg.placeholder("x")
    assert float(sg.function([x], apply(name, x))(0.0)) == pytest.approx(value)


def test_derivatives_next_to_zero():
    """The slope of (exp(x) - 1) / x, of any order, without cancellation."""
    x = sg.placeholder("x")
    y = (np.exp(x) - 1) / x
    for order in range(1, 4):
        y = sg.grad(y, x)
        assert float(sg.function([x], y)(1e-9)) == pytest.approx(1 / (order + 1), rel=1e-7)


def test_the_source_says_why():
    x = sg.placeholder("x", "n")
    source = sg.function([x], (np.exp(x) - 1) / x).source
    assert "# relative_exp: the quotient is 0 / 0 at 0" in source
