"""Symbolic sizes: one canonical form, and arithmetic that agrees with that of integers."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symgraph as sg
from symgraph.graph.sizes import Size, as_dim, as_shape, evaluate, product, solve

n, m, k = as_dim("n"), as_dim("m"), as_dim("k")
VALUES = st.fixed_dictionaries({name: st.integers(0, 9) for name in "nmk"})


@st.composite
def polynomials(draw):
    """A size and the Python function that computes it."""
    terms = draw(
        st.lists(st.tuples(st.integers(-4, 4), st.text("nmk", max_size=3)), min_size=1, max_size=4)
    )
    total = 0
    for coefficient, names in terms:
        term = coefficient
        for name in names:
            term = term * as_dim(name)
        total = total + term

    def at(values):
        result = 0
        for coefficient, names in terms:
            for name in names:
                coefficient *= values[name]
            result += coefficient
        return result

    return total, at


@given(polynomials(), polynomials(), VALUES)
def test_arithmetic_is_that_of_integers(first, second, values):
    (a, a_at), (b, b_at) = first, second
    x, y = a_at(values), b_at(values)
    assert evaluate(a, values) == x
    assert evaluate(a + b, values) == x + y
    assert evaluate(a - b, values) == x - y
    assert evaluate(a * b, values) == x * y
    assert evaluate(-a, values) == -x


@given(polynomials(), polynomials(), polynomials())
def test_equal_polynomials_have_one_form(first, second, third):
    a, b, c = first[0], second[0], third[0]
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a * b == b * a
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert hash((a + b) * c) == hash(c * b + c * a)


@given(polynomials(), polynomials(), VALUES)
def test_quotients_and_remainders_are_those_of_integers(first, second, values):
    (a, a_at), (b, b_at) = first, second
    if b_at(values) == 0:
        return
    assert evaluate(a // b, values) == a_at(values) // b_at(values)
    assert evaluate(a % b, values) == a_at(values) % b_at(values)


@given(polynomials(), st.integers(1, 6), VALUES)
def test_division_by_a_number(first, divisor, values):
    a, at = first
    assert evaluate(a // divisor, values) == at(values) // divisor
    assert evaluate(a % divisor, values) == at(values) % divisor


@given(polynomials(), polynomials())
def test_a_product_is_divided_exactly(first, second):
    a, b = first[0], second[0]
    if b == 0:
        return
    assert a * b // b == a
    assert a * b % b == 0


@given(polynomials())
def test_text_reads_back_as_the_same_size(first):
    a, _ = first
    if isinstance(a, Size):
        assert as_dim(str(a)) == a
        assert pickle.loads(pickle.dumps(a)) == a


@given(polynomials(), VALUES)
def test_rendered_source_computes_the_size(first, values):
    a, at = first
    if isinstance(a, Size):
        names = {name: f"size_{name}" for name in a.names}
        scope = {f"size_{name}": value for name, value in values.items()}
        assert eval(a.render(names), scope) == at(values)


@given(polynomials(), VALUES)
def test_sympy_agrees(first, values):
    a, at = first
    if isinstance(a, Size):
        expression = a.to_sympy()
        found = expression.subs({s: values[s.name] for s in expression.free_symbols})
        assert int(found) == at(values)


def test_sympy_knows_quotients():
    import sympy

    expression = (n // 2 + n % 3).to_sympy()
    (symbol,) = expression.free_symbols
    assert expression.subs(symbol, 7) == 4
    assert expression.func is sympy.Add


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (n + 1 + n, "2 * n + 1"),
        (n * m, "m * n"),
        (n * n - 1, "n**2 - 1"),
        (1 - n, "1 - n"),
        (n // 2, "n // 2"),
        ((n + 1) // 2 * 2, "2 * ((n + 1) // 2)"),
        (n % 4 + m, "m + n % 4"),
        ((4 * n + 3) // 2, "2 * n + 1"),
        ((4 * n + 3) % 2, "1"),
        (2 * n // n, "2"),
    ],
)
def test_text(size, text):
    assert sorted(str(size).split()) == sorted(text.split())
    assert as_dim(text) == size


def test_a_size_is_equal_to_its_text():
    assert n == "n"
    assert n != "m"
    assert n + 1 == "n + 1"
    assert n != 3
    assert {n: 1}[as_dim("n")] == 1


@pytest.mark.parametrize(
    ("size", "value", "known", "expected"),
    [
        (2 * n + 1, 7, {}, 3),
        (2 * n + 1, 6, {}, None),
        (n + 4, 2, {}, None),
        (n * n, 49, {}, 7),
        (n * n, 50, {}, None),
        (n * m, 12, {"m": 3}, 4),
        (n * m, 13, {"m": 3}, None),
        (n * m, 0, {"m": 0}, None),
        (n // 2, 3, {}, 6),
        (10 - n, 4, {}, 6),
        (n, 0, {}, 0),
    ],
)
def test_solve(size, value, known, expected):
    assert solve(size, "n", value, known) == expected


@given(polynomials(), VALUES)
def test_solve_finds_a_solution_of_what_rises(first, values):
    a = first[0] * first[0] + n  # rises with n wherever its other part does
    target = evaluate(a, values)
    found = solve(a, "n", target, {"m": values["m"], "k": values["k"]})
    if found is not None:
        assert evaluate(a, {**values, "n": found}) == target


@pytest.mark.parametrize(
    "value", [-1, 1.5, "n +", "n; import os", "__import__('os')", "n.real", "[n]", "", "1x", True,
              None, "n / 2", "n ** -1", "lambda: 3", "class"]
)  # fmt: skip
def test_what_is_no_size_is_refused(value):
    with pytest.raises(sg.ShapeError):
        as_dim(value)


def test_deeply_nested_text_is_refused_and_does_not_crash():
    with pytest.raises(sg.ShapeError):
        as_dim("(" * 5000 + "n" + ")" * 5000)


def test_zero_divisors_are_refused():
    with pytest.raises(sg.ShapeError):
        n // 0
    with pytest.raises(sg.ShapeError):
        n % 0


def test_a_symbolic_size_has_no_truth_and_no_value():
    with pytest.raises(TypeError):
        bool(n)
    with pytest.raises(TypeError, match="has no value until"):
        int(n)
    with pytest.raises(TypeError, match="quotient"):
        n / 2
    with pytest.raises(TypeError):
        range(n)


def test_shapes():
    assert as_shape(("n", 3, "2 * n")) == (n, 3, 2 * n)
    assert as_shape("n") == (n,)
    assert as_shape(()) == ()
    assert product(as_shape(("n", 3, "m"))) == 3 * n * m
    assert product(()) == 1


def test_numpy_integers_and_functions():
    import numpy as np

    assert np.int64(3) * n == 3 * n
    assert n + np.int8(1) == n + 1
    assert np.subtract(n, m) == n - m
    x = sg.placeholder("x", "n")
    for call, expected in [
        (lambda: np.sqrt(n), 2.0),
        (lambda: np.divide(1.0, n), 0.25),
        (lambda: np.float64(2) * n, 8.0),
        (lambda: x.sum() / n, 1.0),
    ]:
        assert sg.function([x], call())(np.ones(4)) == expected


NUMBERS = {
    "half": lambda n: 0.5 * n,
    "inverse": lambda n: 1 / n,
    "root": lambda n: n**0.5,
    "decay": lambda n: 0.9**n,
    "power of two": lambda n: 2**n,
    "unbiased": lambda n: (n - 1.0) / n,
    "nested": lambda n: 1 - (2.0 + n / 2.0) ** -1 / 3,
    "strong": lambda n: np.float64(0.5) * n,
    "a function of it": lambda n: np.sqrt(0.5 * n),
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64"])
def test_numbers_of_sizes_are_weak_as_for_known_sizes(name, dtype):
    number = NUMBERS[name]
    x = sg.placeholder("x", "n", dtype)
    values = np.arange(1, 6).astype(dtype)
    results = [x * number(x.shape[0]), number(x.shape[0]) + np.sum(x), sg.exp(number(x.shape[0]))]
    wanted = [values * number(5), number(5) + np.sum(values), np.exp(number(5))]
    for node, result, known in zip(results, sg.function([x], results)(values), wanted, strict=True):
        assert node.dtype == result.dtype == np.asarray(known).dtype
        np.testing.assert_allclose(result, known, rtol=1e-15 if result.itemsize == 8 else 5e-7)


def test_numbers_of_sizes_have_no_value_yet():
    n = sg.placeholder("x", "n").shape[0]
    assert repr(0.5 * n + 1) == "(0.5 * n) + 1"
    for ask in (bool, float, int, np.asarray):
        with pytest.raises(sg.DTypeError, match="no value until"):
            ask(0.5 * n)
    assert (0.5 * n > 3).dtype == bool
