"""What each strictness promises at NaN, infinities and zeros of either sign."""

import itertools

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.simplify import RULES
from symgraph.testing import as_stated, same_bits, scalar_case

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
    "log_of_squares": "hypot is infinite beside an infinity, as IEEE 754 has it",
    "mask_outwards": "of what the mask takes away",
    "mask_out_of_quotient": "of what the mask takes away",
    "root_of_squares": "hypot is infinite beside an infinity, as IEEE 754 has it",
    "root_of_three_squares": "hypot is infinite beside an infinity, as IEEE 754 has it",
    "subtract_self_bounded": "of the value that is gone",
}
"""Rules by which a NaN among the operands may be no longer seen: one on which nothing depends."""

NOT_AT_INFINITY = {
    "inverse_cosh": "x + sqrt(x**2 - 1) is negative below -1, and -0.0 at -inf",
    "log_of_inverse": "1 / x is negative below 0, and -0.0 at -inf",
    "short_powers": "negative numbers have no roots; IEEE 754 has pow(-inf, 1.5) = inf",
}
"""Rules that give NaN for an infinite operand next to which the formula has no value anywhere."""

# Numbers in the place of a NaN, and as near to an infinity as a double and a root can be.
NUMBERS = (-3.5, -1.0, -1e-3, 1e-3, 0.5, 1.0, 2.5)
NEAR = (1e100, 1e150)


def outcomes():
    """Rule, operands and both values of every formula of scalars that promises to be accurate."""
    for rule in RULES:
        for number in range(len(rule.examples)):
            case = scalar_case(rule, number) if rule.keeps == "accurate" else None
            if case is None:
                continue
            nodes, before, after = case
            grid = itertools.product(*[AT[node.dtype.kind] for node in nodes])
            columns = [
                as_stated(node, np.array(column))
                for node, column in zip(nodes, zip(*grid, strict=True), strict=True)
            ]

            def at(side, columns, nodes=nodes):
                values = dict(zip(nodes, columns, strict=True))
                return np.broadcast_to(quiet(interpret, [side], values, {})[0], columns[0].shape)

            yield rule.name, columns, at, before, after


@pytest.fixture(scope="module")
def at_the_edges():
    return list(outcomes())


def floats(columns):
    return np.array([c for c in columns if c.dtype.kind == "f"])


def instead(columns, asked, value):
    """The operands with a number where something is asked of them."""
    return [np.where(asked(c), value(c), c) if c.dtype.kind == "f" else c for c in columns]


def test_accurate_rules_keep_nan(at_the_edges):
    """But for those that no number could have any influence in the place of."""
    found = set()
    for name, columns, at, before, after in at_the_edges:
        now = at(after, columns)
        hidden = np.isnan(floats(columns)).any(axis=0) & np.isnan(at(before, columns))
        hidden &= ~np.isnan(now)
        if not hidden.any():
            continue
        found.add(name)
        for number in NUMBERS:
            value = at(before, instead(columns, np.isnan, lambda _, number=number: number))
            # Beside an infinity the formula itself may be inf / inf.
            ok = hidden & ~np.isnan(value)
            assert ok.any()
            np.testing.assert_allclose(now[ok], value[ok], rtol=1e-15, err_msg=name)
    assert found == set(HIDES_NAN)


def test_accurate_rules_at_infinity(at_the_edges):
    """What was infinite or a limit is the same, and lost only where it is a limit of nothing."""
    found = set()
    for name, columns, at, before, after in at_the_edges:
        old, new = at(before, columns), at(after, columns)
        infinite = np.isinf(floats(columns)).any(axis=0) & ~np.isnan(floats(columns)).any(axis=0)
        infinite &= ~np.isnan(old)
        lost = infinite & np.isnan(new)
        if lost.any():
            found.add(name)
        for size in NEAR if lost.any() else ():
            near = at(before, instead(columns, np.isinf, lambda c, size=size: np.sign(c) * size))
            assert np.isnan(near[lost]).all(), name
        both = infinite & ~np.isnan(new)
        np.testing.assert_allclose(new[both], old[both], rtol=1e-12, err_msg=name)
    assert found == set(NOT_AT_INFINITY)


def test_accurate_rules_at_zero(at_the_edges):
    """A zero stays one, of either sign; and no finite value becomes another."""
    for name, columns, at, before, after in at_the_edges:
        old, new = at(before, columns), at(after, columns)
        finite = np.isfinite(floats(columns)).all(axis=0) & np.isfinite(old)
        np.testing.assert_allclose(new[finite], old[finite], rtol=1e-12, atol=1e-300, err_msg=name)
