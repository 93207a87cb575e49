"""What each strictness promises at NaN, infinities and zeros of either sign."""

import itertools

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.simplify import RULES
from symgraph.testing import same_bits, scalar_case

NAN, INF = np.nan, np.inf
EDGES = np.array(
    [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 2.5, -3.5, 5e-324, -5e-324, 1e-200, 1.7e308]
)

# Whole functions ---------------------------------------------------------------------------------

FORMULAS = {
    "x / x": lambda x: x / x,
    "0 * x": lambda x: 0.0 * x,
    "x - x": lambda x: x - x,
    "x + 0": lambda x: x + 0.0,
    "0 - x": lambda x: 0.0 - x,
    "x * 1": lambda x: x * 1.0,
    "x * -1": lambda x: x * -1.0,
    "-(-x)": lambda x: np.negative(-x),
    "x / -x": lambda x: x / -x,
    "sqrt(x**2)": lambda x: np.sqrt(x**2),
    "sqrt(x)**2": lambda x: np.sqrt(x) ** 2,
    "log(exp(x))": lambda x: np.log(np.exp(x)),
    "exp(log(x))": lambda x: np.exp(np.log(x)),
    "log(1 + exp(x))": lambda x: np.log(1 + np.exp(x)),
    "1 / (1 / x)": lambda x: 1 / (1 / x),
    "x**3": lambda x: x**3,
    "x**0.5": lambda x: x**0.5,
    "abs(-x)": lambda x: abs(-x),
    "maximum(x, x)": lambda x: np.maximum(x, x),
    "where(x > 0, x, x)": lambda x: np.where(x > 0, x, x),
    "where(x > 0, x, 0) * x": lambda x: np.where(x > 0, x, 0.0) * x,
    "(x + 1) - 1": lambda x: (x + 1.0) - 1.0,
    "(x * 3) / 3": lambda x: (x * 3.0) / 3.0,
    "a sum of exponentials": lambda x: np.log(np.sum(np.exp(x))),
}


def compiled(formula, strictness):
    x = sg.placeholder("x", ("n",))
    return sg.function([x], formula(x), strictness=strictness)


def quiet(function, *args):
    with np.errstate(all="ignore"):
        return np.asarray(function(*args))


@pytest.mark.parametrize("name", FORMULAS)
def test_bitwise(name):
    """Each bit is NumPy's, of zeros, infinities and NaN."""
    formula = FORMULAS[name]
    found = quiet(compiled(formula, "bitwise"), EDGES)
    assert same_bits(quiet(formula, EDGES), found)


@pytest.mark.parametrize("name", FORMULAS)
def test_bitwise_gradients(name):
    """Reverse mode as it is written, and as it is compiled."""
    x = sg.placeholder("x", ("n",))
    slope = sg.grad(np.sum(FORMULAS[name](x)), x, unconnected="zero")
    found = quiet(sg.function([x], slope, strictness="bitwise"), EDGES)
    assert same_bits(quiet(interpret, [slope], {x: EDGES}, {"n": EDGES.size})[0], found)


ACCURATE = {
    # Not defined everywhere: so it stays.
    "x / x": [NAN, NAN, NAN, NAN, NAN, 1, 1, 1, 1, 1, 1, 1, 1],
    "0 * x": [NAN, NAN, NAN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "x - x": [NAN, NAN, NAN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    # Equal wherever the formula is defined, and without its overflow and underflow.
    "sqrt(x**2)": abs(EDGES),
    "log(exp(x))": EDGES,
    "x + 0": EDGES,
    "log(1 + exp(x))": [NAN, INF, 0, *np.logaddexp(0, EDGES[3:])],
}


@pytest.mark.parametrize("name", ACCURATE)
def test_accurate(name):
    found = quiet(compiled(FORMULAS[name], "accurate"), EDGES)
    np.testing.assert_allclose(found, ACCURATE[name], rtol=1e-15)


@pytest.mark.parametrize("name", FORMULAS)
def test_accurate_where_the_formula_has_a_value(name):
    """What is a number stays that number, up to the sign of a zero and what cancels."""
    formula = FORMULAS[name]
    at = EDGES[np.isfinite(EDGES) & (abs(EDGES) < 100) & (abs(EDGES) > 1e-3) | (EDGES == 0)]
    before, after = quiet(formula, at), quiet(compiled(formula, "accurate"), at)
    ok = np.isfinite(before)
    np.testing.assert_allclose(np.broadcast_to(after, ok.shape)[ok], before[ok], rtol=1e-14)


@pytest.mark.parametrize(("name", "value"), [("x / x", 1), ("0 * x", 0), ("x - x", 0)])
def test_real(name, value):
    """Conditions are dropped: also at NaN, infinities and zero."""
    found = quiet(compiled(FORMULAS[name], "real"), EDGES)
    np.testing.assert_array_equal(found, np.full(EDGES.shape, value))


# Rules -------------------------------------------------------------------------------------------

AT = {"f": (NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0), "b": (True, False), "i": (0, 1, 2)}

HIDES_NAN = {
    "cancel_positive": "of the factor that is gone",
    "mask_outwards": "of what the mask takes away",
    "mask_out_of_quotient": "of what the mask takes away",
    "root_of_squares": "hypot is infinite beside an infinity, as IEEE 754 has it",
    "root_of_three_squares": "hypot is infinite beside an infinity, as IEEE 754 has it",
}
"""Rules by which a NaN among the operands may be no longer seen."""

NOT_AT_INFINITY = {
    "difference_of_roots",
    "difference_of_reciprocals",
    "root_beside_its_square",
    "inverse_cosh",
    "log_of_inverse",
    "short_powers",
}
"""Rules that may give NaN for an infinite operand where the formula happened to have a limit."""


def outcomes():
    """Rule, operands and both values of every formula of scalars that promises to be accurate."""
    for rule in RULES:
        for number in range(len(rule.examples)):
            case = scalar_case(rule, number) if rule.keeps == "accurate" else None
            if case is None:
                continue
            nodes, before, after = case
            grid = itertools.product(*[AT[node.dtype.kind] for node in nodes])
            columns = [np.array(column) for column in zip(*grid, strict=True)]
            values = dict(zip(nodes, columns, strict=True))
            first, second = [
                np.broadcast_to(quiet(interpret, [side], values, {})[0], columns[0].shape)
                for side in (before, after)
            ]
            floats = np.array([c for c in columns if c.dtype.kind == "f"])
            yield rule.name, floats, first, second


@pytest.fixture(scope="module")
def at_the_edges():
    return list(outcomes())


def test_accurate_rules_keep_nan(at_the_edges):
    hidden = {
        name
        for name, at, before, after in at_the_edges
        if np.any(np.isnan(at).any(axis=0) & np.isnan(before) & ~np.isnan(after))
    }
    assert hidden == set(HIDES_NAN)


def test_accurate_rules_at_infinity(at_the_edges):
    """What was infinite or a limit is the same, if it is not lost."""
    lost = set()
    for name, at, before, after in at_the_edges:
        infinite = np.isinf(at).any(axis=0) & ~np.isnan(at).any(axis=0) & ~np.isnan(before)
        if np.isnan(after[infinite]).any():
            lost.add(name)
        both = infinite & ~np.isnan(after)
        np.testing.assert_allclose(after[both], before[both], rtol=1e-12, err_msg=name)
    assert lost == NOT_AT_INFINITY


def test_accurate_rules_at_zero(at_the_edges):
    """A zero stays one, of either sign; and no finite value becomes another."""
    for name, at, before, after in at_the_edges:
        finite = np.isfinite(at).all(axis=0) & np.isfinite(before)
        np.testing.assert_allclose(
            after[finite], before[finite], rtol=1e-12, atol=1e-300, err_msg=name
        )
