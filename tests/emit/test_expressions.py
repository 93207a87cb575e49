"""Emitted expressions mean what the graph means: precedence, powers, comparisons, signs."""

import ast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph.emit.layout import broken
from symgraph.graph.code import atom, call, infix, prefix
from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import scalar_code

X = sg.placeholder("x", 3)
Y = sg.placeholder("y", 3)
K = sg.placeholder("k", 3, "int64")
FLOATS = [-2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.inf, -np.inf, 1e300, 7]

arithmetic = st.sampled_from(
    [
        np.add,
        np.subtract,
        np.multiply,
        np.divide,
        np.power,
        np.maximum,
        np.floor_divide,
        np.remainder,
    ]
)
unary = st.sampled_from([np.negative, np.abs, np.exp, np.sqrt, np.square, np.reciprocal])
compare = st.sampled_from([np.less, np.less_equal, np.equal, np.not_equal, np.greater])
bits = st.sampled_from([np.bitwise_and, np.bitwise_or, np.bitwise_xor])


def numbers():
    leaf = st.one_of(st.sampled_from([X, Y, K]), st.sampled_from(FLOATS).map(sg.constant))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda f, a, b: f(a, b), arithmetic, inner, inner),
            st.builds(lambda f, a: f(a), unary, inner),
            st.builds(lambda a, n: a ** float(n), inner, st.integers(-3, 3)),
            st.builds(lambda n, a: float(n) ** a, st.integers(-3, 3), inner),
            st.builds(
                lambda c, a, b, x, y: np.where(c(a, b), x, y), compare, inner, inner, inner, inner
            ),
        ),
        max_leaves=12,
    )


def truths():
    return st.recursive(
        st.builds(lambda c, a, b: c(a, b), compare, numbers(), numbers()),
        lambda inner: st.one_of(
            st.builds(lambda f, a, b: f(a, b), bits, inner, inner),
            st.builds(lambda c, a, b: c(a, b), compare, inner, inner),
            st.builds(lambda a: ~a, inner),
        ),
        max_leaves=6,
    )


def check(node, strictness):
    if not isinstance(node, sg.Node):
        return
    given_ = {
        X: np.array([-1.5, 0.0, 2.0]),
        Y: np.array([0.5, -0.0, -3.0]),
        K: np.array([-2, 0, 3]),
    }
    f = sg.function([X, Y, K], [node], strictness=strictness)
    note(f.source)
    ast.parse(f.source)
    assert max(map(len, f.source.splitlines())) <= 88
    with np.errstate(all="ignore"):
        try:
            (expected,) = interpret([node], given_)
        except ValueError:
            return  # integers to negative integer powers: NumPy refuses
        (found,) = f(*given_.values())
    assert found.dtype == node.dtype
    if strictness == "bitwise":
        np.testing.assert_array_equal(found, expected)
    else:
        finite = np.isfinite(np.asarray(expected))  # elsewhere a closer answer is allowed
        np.testing.assert_allclose(
            found[finite] if found.ndim else found,
            np.asarray(expected)[finite] if found.ndim else expected,
            rtol=1e-6,
        )


some = settings(max_examples=100, suppress_health_check=list(HealthCheck))


@some
@given(numbers())
def test_numbers_bit_for_bit(node):
    check(node, "bitwise")


@some
@given(truths())
def test_truths_bit_for_bit(node):
    check(node, "bitwise")


ATOMS = st.one_of(
    st.sampled_from("xy").map(atom),
    st.sampled_from([np.float64(2), np.float64(-2), np.int64(-3), np.float64(0.5)]).map(
        scalar_code
    ),
)


@st.composite
def codes(draw, depth=4):
    """A `Code`, and its value."""
    space = {"x": -1.5, "y": 0.75, "abs": abs}
    kind = draw(st.integers(0, 3)) if depth else 0
    if kind == 0:
        code = draw(ATOMS)
        return code, eval(code.text, space)
    if kind == 1:
        inner, value = draw(codes(depth=depth - 1))
        return prefix("-", inner), -value
    if kind == 2:
        inner, value = draw(codes(depth=depth - 1))
        return call("abs", inner), abs(value)
    symbol = draw(st.sampled_from(["+", "-", "*", "/", "**", "%", "<", "=="]))
    (left, a), (right, b) = draw(codes(depth=depth - 1)), draw(codes(depth=depth - 1))
    try:
        value = eval(f"a {symbol} b", {"a": a, "b": b})
    except (ArithmeticError, ValueError, TypeError):
        return left, a
    if isinstance(value, complex):
        return left, a
    return infix(symbol, left, right), value


@settings(max_examples=200)
@given(codes())
def test_text_has_the_parentheses_that_keep_the_meaning(pair):
    code, value = pair
    found = eval(code.text, {"x": -1.5, "y": 0.75, "abs": abs})
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda x, y: sg.constant(-2.0) ** x, "(-2) ** x"),
        (lambda x, y: -(x**2), "-(x**2)|-x**2"),
        (lambda x, y: (-x) ** 3.0, "(-x) ** 3"),
        (lambda x, y: x - (y - x), "x - (y - x)"),
        (lambda x, y: x / (y / x), "x / (y / x)"),
        (lambda x, y: (x < y) < (y < x), "(x < y) < (y < x)"),
        (lambda x, y: (x < y) & (y < x), "(x < y) & (y < x)"),
        (lambda x, y: ~(x < y), "~(x < y)|x >= y"),
        (lambda x, y: x ** (y**x), "x ** y**x"),
        (lambda x, y: (x**y) ** x, "(x**y) ** x"),
        (lambda x, y: x ** (-y), "x**-y"),
        (lambda x, y: (x + y) * (x - y), "(x + y) * (x - y)"),
    ],
)
def test_texts(build, text):
    x, y = sg.placeholder("x", 3), sg.placeholder("y", 3)
    source = sg.function([x, y], build(x, y), strictness="bitwise").source
    assert any(f"return {choice}\n" in source for choice in text.split("|")), source


def test_nothing_is_nested_too_deep_for_the_parser():
    x = sg.placeholder("x", 3)
    y = x
    for _ in range(300):
        y = 1.0 / (1.0 + y)
    f = sg.function([x], y, strictness="bitwise")
    assert f([1.0, 2.0, 3.0]).shape == (3,)
    assert max(map(len, f.source.splitlines())) <= 88


def test_a_long_formula_in_brackets_stays_a_number():
    where = [f"np.where({name}, {name * 3}, 0.0)" for name in ("greater_greater", "less_less_less")]
    lines = broken(f"scattered[0] += 3 * ({' + '.join(where)})", "    ")
    assert lines == [
        "    scattered[0] += 3 * (",
        f"        {where[0]}",
        f"        + {where[1]}",
        "    )",
    ]
