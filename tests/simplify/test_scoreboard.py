"""Naive formulas that overflow, cancel or divide zero by zero: value and derivatives, by mpmath."""

import math
import re
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.simplify import simplify
from tests.simplify.scoreboard import SCOREBOARD, exact, tables

README = Path(__file__).parents[2] / "README.md"


OTHERS = {
    "log(1 - x)": lambda m, x: m.log(1 - x),
    "log2(x + 1)": lambda m, x: m.log2(x + 1),
    "log10(x + 1)": lambda m, x: m.log10(x + 1),
    "1 - exp(x)": lambda m, x: 1 - m.exp(x),
    "1 - exp(-3 x)": lambda m, x: 1 - m.exp(-3 * x),
    "log(exp(-x) + 1)": lambda m, x: m.log(m.exp(-x) + 1),
    "1 / (1 + 1 / exp(x))": lambda m, x: 1 / (1 + 1 / m.exp(x)),
    "3 / (1 + exp(x))": lambda m, x: 3 / (1 + m.exp(x)),
    "x / (1 + exp(-x))": lambda m, x: x / (1 + m.exp(-x)),
    "exp(2 x) / (1 + exp(2 x))": lambda m, x: m.exp(2 * x) / (1 + m.exp(2 * x)),
    "log of three": lambda m, x: m.log(m.exp(x) + m.exp(2 * x) + m.exp(-x)),
    "log(exp(x) * exp(x + 1))": lambda m, x: m.log(m.exp(x) * m.exp(x + 1)),
    "(cos(x) - 1) / x**2": lambda m, x: (m.cos(x) - 1) / x**2,
    "(1 - cos(x)) / x": lambda m, x: (1 - m.cos(x)) / x,
    "(1 - cos(x)) / sin(x)": lambda m, x: (1 - m.cos(x)) / m.sin(x),
    "1 - cos(x)": lambda m, x: 1 - m.cos(x),
    "sin(x) / x": lambda m, x: m.sin(x) / x,
    "1 + x**2 under a root, less 1": lambda m, x: m.sqrt(1 + x**2) - 1,
    "sqrt(x**2 + 9)": lambda m, x: m.sqrt(x**2 + 9),
    "sqrt(1 + x) - 1": lambda m, x: m.sqrt(1 + x) - 1,
    "1 - sqrt(1 - x)": lambda m, x: 1 - m.sqrt(1 - x),
    "sqrt(x + 1) - sqrt(x)": lambda m, x: m.sqrt(x + 1) - m.sqrt(x),
    "sqrt(x) - sqrt(x - 2)": lambda m, x: m.sqrt(x) - m.sqrt(x - 2),
    "1 / x - 1 / (x + 1)": lambda m, x: 1 / x - 1 / (x + 1),
    "log(x + 1) - log(x)": lambda m, x: m.log(x + 1) - m.log(x),
    "log(cosh(2 x))": lambda m, x: m.log(m.cosh(2 * x)),
    "1 - tanh(x) * tanh(x)": lambda m, x: 1 - m.tanh(x) * m.tanh(x),
    "1 / cosh(x)**2": lambda m, x: 1 / m.cosh(x) ** 2,
    "(1 - tanh(x)) * (1 + tanh(x))": lambda m, x: (1 - m.tanh(x)) * (1 + m.tanh(x)),
    "log(1 - exp(-x))": lambda m, x: m.log(1 - m.exp(-x)),
    "sinh": lambda m, x: (m.exp(x) - m.exp(-x)) / 2,
    "tanh": lambda m, x: (m.exp(x) - m.exp(-x)) / (m.exp(x) + m.exp(-x)),
    "tanh by the logistic function": lambda m, x: 2 / (1 + m.exp(-2 * x)) - 1,
    "(exp(x) - 1) / x": lambda m, x: (m.exp(x) - 1) / x,
    "x / (exp(x) - 1)": lambda m, x: x / (m.exp(x) - 1),
    "exp(x) - 2 + exp(-x)": lambda m, x: m.exp(x) - 2 + m.exp(-x),
    "exp(x) - 1 - x": lambda m, x: m.exp(x) - 1 - x,
    "x - sin(x)": lambda m, x: x - m.sin(x),
    "log(1 + x) - x": lambda m, x: m.log(1 + x) - x,
    "sin(x + 1/128) - sin(x)": lambda m, x: m.sin(x + 0.0078125) - m.sin(x),
    "1 / (x + 1) - 1 / x": lambda m, x: 1 / (x + 1) - 1 / x,
    "sqrt(x**2 + 1) - x": lambda m, x: m.sqrt(x**2 + 1) - x,
    "sqrt(x**2 + x) - x": lambda m, x: m.sqrt(x**2 + x) - x,
    "log(1 + 1 / x)": lambda m, x: m.log(1 + 1 / x),
    "arcsinh": lambda m, x: m.log(x + m.sqrt(x * x + 1)),
    "arctanh": lambda m, x: 0.5 * m.log((1 + x) / (1 - x)),
    "(1 + x)**0.3 - 1": lambda m, x: (1 + x) ** 0.3 - 1,
    "(1 + x)**2 - 1": lambda m, x: (1 + x) ** 2 - 1,
    "1 / (1 + x) - 1": lambda m, x: 1 / (1 + x) - 1,
    "1 / sqrt(1 + x) - 1": lambda m, x: 1 / m.sqrt(1 + x) - 1,
    "sqrt(9 + x) - 3": lambda m, x: m.sqrt(9 + x) - 3,
    "sqrt(4 + x**2) - 2": lambda m, x: m.sqrt(4 + x**2) - 2,
    "1 / cos(x) - 1": lambda m, x: 1 / m.cos(x) - 1,
    "log(1 + x**2)": lambda m, x: m.log(1 + x**2),
    "log(x / (x + 1))": lambda m, x: m.log(x / (x + 1)),
    "log(2 + 3 exp(x))": lambda m, x: m.log(2 + 3 * m.exp(x)),
    "log(exp(x) - 1)": lambda m, x: m.log(m.exp(x) - 1),
    "0.5 exp(x) - 0.5 exp(-x)": lambda m, x: 0.5 * m.exp(x) - 0.5 * m.exp(-x),
    "(exp(x) - 1) / (exp(x) + 1)": lambda m, x: (m.exp(x) - 1) / (m.exp(x) + 1),
    "1 - tanh(x)": lambda m, x: 1 - m.tanh(x),
}

ALL = {name: formula for name, (formula, _) in SCOREBOARD.items()} | OTHERS

# Where there is no derivative, mpmath has none: the root of a square at 0 is a test of its own.
POINTS = [(name, at) for name, (_, points) in SCOREBOARD.items() for at in points if at]


def samples(name):
    """Doubles by exponent, of both signs; as large as exp is of interest."""
    rng = np.random.default_rng(20240229)
    exponents = np.concatenate([np.arange(-1070.0, 1020.0, 190.0), np.arange(-54.0, 12.0, 4.0)])
    sizes = 2.0**exponents * rng.uniform(1, 2, len(exponents))
    sizes = np.concatenate([sizes, [0.25, 0.5, 0.69, 0.7, 1.0, 2.0, 2 * np.pi, 4 * np.pi]])
    if any(word in name for word in ("exp", "tanh", "cosh", "log of", "sinh", "logistic")):
        sizes = sizes[sizes < 1500]
    # Beyond, the step is lost in x; and the slope of the other cancels.
    largest = {"sin(x + 1/128) - sin(x)": 1e3, "sqrt(x**2 + x) - x": 1e6}.get(name, np.inf)
    sizes = sizes[sizes < largest]
    return np.concatenate([sizes, -sizes])


def ulps(found, wanted):
    """The error in units of the last place; ``None`` where a double cannot be right."""
    if wanted is None or abs(wanted) > 1.7e308:
        return None
    if not math.isfinite(found):
        return math.inf
    with mpmath.workdps(60):
        return float(abs(mpmath.mpf(float(found)) - wanted) / math.ulp(float(wanted)))


def quiet(function, *args):
    with np.errstate(all="ignore"):
        return function(*args)


@pytest.mark.parametrize(("name", "at"), POINTS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_table(name, at, order):
    formula = ALL[name]
    x = sg.placeholder("x")
    y = formula(np, x)
    try:
        for _ in range(order):
            y = sg.grad(y, x)
    except sg.errors.DisconnectedError:
        assert exact(formula, at, order) == 0 or name == "log(exp(x))"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = float(sg.function([x], y)(at))
    wanted = float(exact(formula, at, order))
    assert math.isclose(value, wanted, rel_tol=1e-8, abs_tol=1e-320)


def test_the_table_of_the_readme(update_golden):
    text = README.read_text(encoding="utf-8")
    pattern = r"(?s)(?<=<!-- scoreboard -->\n).*?(?=<!-- /scoreboard -->)"
    if update_golden:
        text = re.sub(pattern, lambda match: tables(), text)
        README.write_text(text, encoding="utf-8", newline="\n")
    assert re.search(pattern, text).group() == tables()


@pytest.mark.parametrize("name", ALL)
def test_nowhere_worse(name):
    """At most one bit, and where the formula itself was bad, better."""
    formula = ALL[name]
    at = samples(name)
    x = sg.placeholder("x", ("n",))
    y = formula(np, x)
    before = quiet(interpret, [y], {x: at})[0]
    after = quiet(interpret, simplify([y]).outputs, {x: at})[0]
    for point, old, new in zip(at, before, after, strict=True):
        wanted = exact(formula, point)
        error = ulps(float(new), wanted)
        if error is not None:
            # Bits are the logarithm of one and the units in the last place: one more at most, where
            # what is right to half a unit has log2(1.5) of them.
            assert error <= 2 * max(ulps(float(old), wanted), 0.5) + 1, (point, old, new)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("order", [0, 1])
def test_sweep(name, order):
    """Right to eight digits wherever the result is a normal double."""
    formula = ALL[name]
    at = samples(name)
    x = sg.placeholder("x", ("n",))
    y = formula(np, x)
    if order == 1:
        y = sg.grad(np.sum(y), x)
    found = quiet(sg.function([x], y), at)
    for point, value in zip(at, np.broadcast_to(found, at.shape), strict=True):
        wanted = exact(formula, point, order)
        if wanted is not None and 1e-290 < abs(wanted) < 1e300:
            assert abs(value - wanted) <= 1e-8 * abs(wanted), (point, value, wanted)


@pytest.mark.parametrize("name", ALL)
def test_single_precision_stays(name):
    x = sg.placeholder("x", ("n",), dtype="float32")
    y = ALL[name](np, x)
    assert simplify([y]).outputs[0].type == y.type
    at = np.array([0.5, 0.25], np.float32)
    value = quiet(sg.function([x], y), at)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, quiet(ALL[name], np, at), rtol=1e-5)


# Several variables and axes ----------------------------------------------------------------------

ROWS = np.array([[1000.0, 1001.0, 999.0], [-1000.0, -1001.0, -999.0], [0.0, 1.0, 2.0]])

LOGSUMEXP = [
    lambda a: np.log(np.sum(np.exp(a), axis=1)),
    lambda a: np.log(np.sum(np.exp(a), axis=1, keepdims=True)),
    lambda a: np.max(a, axis=1) + np.log(np.sum(np.exp(a - np.max(a, axis=1)[:, None]), axis=1)),
    lambda a: np.log(np.exp(a).sum(axis=0)),
    lambda a: np.log(np.sum(np.exp(a))),
]


@pytest.mark.parametrize("formula", LOGSUMEXP)
def test_logsumexp(formula):
    a = sg.placeholder("a", ("n", "k"))
    y = formula(a)
    assert any(f.rule.name == "log_of_sum" for f in simplify([y]).firings)
    value = sg.function([a], y)(ROWS)
    small = quiet(formula, ROWS / 1000)
    np.testing.assert_allclose(sg.function([a], y)(ROWS / 1000), small, rtol=1e-12)
    slope = sg.function([a], sg.grad(np.sum(y), a))(ROWS)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


SOFTMAX = [
    lambda a: np.exp(a) / np.sum(np.exp(a), axis=1, keepdims=True),
    lambda a: np.exp(a) / np.sum(np.exp(a), axis=1)[:, None],
    lambda a: np.exp(a - np.log(np.sum(np.exp(a), axis=1, keepdims=True))),
]


@pytest.mark.parametrize("formula", SOFTMAX)
def test_softmax(formula):
    a = sg.placeholder("a", ("n", "k"))
    value = sg.function([a], formula(a))(ROWS)
    np.testing.assert_allclose(value.sum(axis=1), 1.0)
    logarithm = np.log(formula(a))
    found = sg.function([a], logarithm)(ROWS * 10)
    assert np.isfinite(found).all()
    assert np.isfinite(sg.function([a], sg.grad(np.sum(logarithm), a))(ROWS * 10)).all()


def test_hypot():
    x, y = sg.placeholder("x"), sg.placeholder("y")
    r = np.sqrt(x**2 + y * y)
    assert math.isclose(sg.function([x, y], r)(3e200, 4e200), 5e200)
    slope = sg.function([x, y], sg.grad(r, [x, y]))
    assert [float(v) for v in slope(0.0, 0.0)] == [0, 0]
    np.testing.assert_allclose(slope(3e200, 4e200), [0.6, 0.8])


def test_norm_at_zero():
    v = sg.placeholder("v", ("n",))
    slope = sg.function([v], sg.grad(np.sqrt(np.sum(v * v)), v))
    np.testing.assert_array_equal(slope(np.zeros(3)), 0)
    np.testing.assert_allclose(slope(np.array([3.0, 4.0])), [0.6, 0.8])


def test_guarded_root():
    x = sg.placeholder("x")
    y = np.where(x > 0, np.sqrt(x), 0.0)
    for _ in range(2):
        y = sg.grad(y, x)
        assert quiet(sg.function([x], y), 0.0) == 0


def test_cross_entropy_of_logits():
    z, t = sg.placeholder("z", ("n",)), sg.placeholder("t", ("n",))
    q = 1 / (1 + np.exp(-z))
    loss = -np.mean(t * np.log(q) + (1 - t) * np.log(1 - q))
    at, target = np.array([800.0, -800.0, 0.5]), np.array([0.0, 1.0, 1.0])
    wanted = (1600 + np.log1p(np.exp(-0.5))) / 3
    assert math.isclose(sg.function([z, t], loss)(at, target), wanted)
    slope = sg.function([z, t], sg.grad(loss, z))(at, target)
    np.testing.assert_allclose(slope, [1 / 3, -1 / 3, (1 / (1 + np.exp(-0.5)) - 1) / 3])
