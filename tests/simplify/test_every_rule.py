"""Every rule does what its class promises, on its own examples."""

import functools
import inspect
import itertools
import math
import zlib

import mpmath
import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import placeholder, topological
from symgraph.ops.kinds import ELEMENTWISE
from symgraph.simplify import RULES
from symgraph.simplify.driver import fitted

FLOATS = ("float64", "float32")
INTEGERS = ("int64", "int32", "int8", "uint8")
SHAPES = {"symbolic": ("n",), "vector": (3,), "empty": (0,), "scalar": (), "matrix": (2, 3)}
SIZES = {"n": 16}

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -3.0, 1e-5, 1e10, -1e15, 2.0**53, 5e-324, -1e-310, 1e-300]
EXTREME = [1e308, -1.7e308, np.inf, -np.inf, np.nan]

PARAMETERS = [
    pytest.param(rule, i, id=f"{rule.name}-{i}")
    for rule in RULES
    for i in range(len(rule.examples))
]
examples = pytest.mark.parametrize(("rule", "number"), PARAMETERS)


def kind_of(name, shape, dtype):
    """What a parameter of an example stands for."""
    vector = ("n",) if shape == ("n",) else (3,)
    floats = dtype if np.dtype(dtype).kind in "fc" else "float64"
    return {
        **dict.fromkeys("xyz", (dtype, shape)),
        **dict.fromkeys("abc", (dtype, ())),
        **dict.fromkeys("uv", (dtype, vector)),
        **dict.fromkeys("AB", (floats, (vector[0], vector[0]))),
        "m": ("bool", shape),
        "k": ("int64", vector),
    }[name]


def left_side(rule, number, shape=("n",), dtype="float64"):
    """Placeholders and the node of an example; ``None`` where it cannot be built so."""
    build = rule.examples[number]
    names = list(inspect.signature(build).parameters)
    nodes = []
    for name in names:
        kind, dims = kind_of(name, shape, dtype)
        nodes.append(placeholder(name, dims, kind))
    try:
        return nodes, build(*nodes)
    except (sg.SymgraphError, TypeError, OverflowError):
        return None


def pairs(rule, number, dtypes=FLOATS):
    """Every way to build an example on which the rule fires."""
    for shape, dtype in itertools.product(SHAPES.values(), dtypes):
        found = left_side(rule, number, shape, dtype)
        if found is None:
            continue
        nodes, before = found
        if before.op.name not in rule.roots:
            continue
        after = rule.apply(before)
        after = None if after is None else fitted(after, before)
        if after is not None and after is not before:
            yield nodes, before, after


def generator(rule, number):
    return np.random.default_rng(zlib.crc32(rule.name.encode()) + number)


@functools.cache
def pool(dtype, extreme, headroom=0):
    """Values to choose from: edges, and doubles by exponent."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([True, False])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = [0, 1, 2, 3, 7, info.max, info.max - 1]
        return np.array([*values, info.min, info.min + 1][: 9 if info.min else 7], dtype)
    info = np.finfo(dtype)
    # Twice: what is squared or multiplied must stay as far from the ends as its factors.
    low, high = info.minexp + 2 * headroom, info.maxexp - 2 * headroom
    exponents = np.random.default_rng(5).integers(low, high, 40)
    with np.errstate(all="ignore"):
        spread = np.ldexp(np.linspace(0.5, 1, 40, endpoint=False), exponents).astype(dtype)
        edges = np.array(EDGES + (EXTREME if extreme else []), dtype)
    if headroom:
        edges = edges[(abs(edges) < 2.0 ** min(high, 60)) & (abs(edges) > 2.0 ** max(low, -60))]
    return np.concatenate([edges, spread, -spread])


def values_for(nodes, rng, extreme=False, headroom=0):
    values = {}
    for node in nodes:
        shape = tuple(SIZES.get(str(d), d) for d in node.shape)
        if node.op.name_ == "k":
            values[node] = rng.integers(0, 3, shape)
        else:
            values[node] = rng.choice(pool(node.dtype, extreme, headroom), shape)
    return values


def ordinary(nodes, rng):
    """Values where most functions are defined and nothing is near the end of the range."""
    values = {}
    for node in nodes:
        shape = tuple(SIZES.get(str(d), d) for d in node.shape)
        if node.dtype.kind == "f":
            values[node] = rng.uniform(0.1, 0.9, shape).astype(node.dtype)
        elif node.op.name_ == "k":
            values[node] = rng.integers(0, 3, shape)
        else:
            values[node] = rng.choice(pool(node.dtype, False), shape)
    return values


def run(node, values):
    with np.errstate(all="ignore"):
        return np.asarray(interpret([node], values, SIZES)[0])


def test_every_rule_has_examples():
    assert [rule.name for rule in RULES if not rule.examples] == []


def test_every_rule_has_a_law_and_a_name_of_its_own():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule.law for rule in RULES)


@examples
def test_fires_and_keeps_the_type(rule, number):
    found = list(pairs(rule, number, FLOATS + INTEGERS + ("bool", "complex128")))
    assert found
    for _, before, after in found:
        assert after.result_type == before.result_type


def same_bits(first, second):
    """Equal, with the signs of zeros; NaNs in the same places."""
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    if first.dtype.kind not in "fc":
        return np.array_equal(first, second)
    nan = np.isnan(first)
    if not np.array_equal(nan, np.isnan(second)):
        return False
    return first[~nan].tobytes() == second[~nan].tobytes()


@examples
def test_bitwise(rule, number):
    if rule.keeps != "bitwise":
        pytest.skip("promises less")
    rng = generator(rule, number)
    dtypes = FLOATS + INTEGERS + ("bool", "complex128")
    for nodes, before, after in pairs(rule, number, dtypes):
        for _ in range(10):
            values = values_for(nodes, rng, extreme=True)
            assert same_bits(run(before, values), run(after, values)), (before, after, values)


@examples
def test_exact_in_integers(rule, number):
    """No rule of any class changes an overflow, a division or a logical operation."""
    rng = generator(rule, number)
    for nodes, before, after in pairs(rule, number, (*INTEGERS, "bool")):
        if before.type.inexact:
            continue
        for _ in range(10):
            values = values_for(nodes, rng)
            assert same_bits(run(before, values), run(after, values)), (before, after, values)


@examples
def test_equal_at_ordinary_values(rule, number):
    """Real functions are equal, also for empty arrays and symbolic sizes."""
    rng = generator(rule, number)
    for nodes, before, after in pairs(rule, number, FLOATS + INTEGERS):
        for _ in range(5):
            values = ordinary(nodes, rng)
            first, second = run(before, values), run(after, values)
            assert first.dtype == second.dtype
            tolerance = 2e-5 if first.dtype == np.float32 else 1e-13
            # What overflows is not defined; the classes decide about it elsewhere.
            ok = np.isfinite(first)
            np.testing.assert_allclose(second[ok], first[ok], rtol=tolerance, atol=tolerance)


# Accuracy, against as many digits as it takes -----------------------------------------------------

_MP = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "power": lambda x, y: x**y if y or x else mpmath.mpf(1),
    "square": lambda x: x * x,
    "absolute": abs,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "arcsin": mpmath.asin,
    "arctan": mpmath.atan,
    "maximum": max,
    "minimum": min,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "clip_low": max,
    "where": lambda m, x, y: x if m else y,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "logaddexp": lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
}


def _is_scalar_formula(nodes, node):
    return bool(nodes) and not any(n.ndim for n in topological([node]))


class UndefinedError(Exception):
    """The expression has no real value there."""


DIGITS = (60, 180, 1500)
"""The last is enough for 1 - cos(5e-324): what is added to 1 has 648 zeros before its digits."""


def exact(node, values):
    """The value of a 0-d element-wise expression in exact arithmetic.

    With more digits until two results agree. A zero, or no value at all, may come of digits that
    were lost: both are believed only of the last.
    """
    found = None
    for digits in DIGITS:
        with mpmath.workdps(digits):
            last, found = found, _at_precision(node, values)
            if found and last and abs(found - last) <= abs(found) * mpmath.mpf(10) ** -30:
                return found
    if found is None:
        raise UndefinedError
    return found


def _at_precision(node, values):
    """The same with the digits of now; ``None`` where there is no finite real value."""
    known = {}
    for n in topological([node]):
        if isinstance(n.op, Placeholder):
            known[n] = mpmath.mpf(float(values[n]))
        elif isinstance(n.op, Constant) and n.ndim == 0:
            known[n] = mpmath.mpf(float(n.op.value))
        elif isinstance(n.op, SizeValue):
            known[n] = mpmath.mpf(SIZES["n"])
        else:
            function = _MP.get(n.op.name) or getattr(mpmath, n.op.name, None)
            if function is None or n.op.name not in {*_MP, *ELEMENTWISE}:
                pytest.skip(f"no exact {n.op.name}")
            try:
                known[n] = function(*[known[i] for i in n.inputs])
            except (ZeroDivisionError, ValueError, OverflowError):
                return None
            if not isinstance(known[n], mpmath.mpf) or not mpmath.isfinite(known[n]):
                return None
    return known[node]


def error(computed, true, dtype):
    """In units of the last place of the true value."""
    if not np.isfinite(computed):
        return mpmath.inf
    with np.errstate(all="ignore"):
        place = np.spacing(np.abs(dtype.type(true)))
    return abs(mpmath.mpf(float(computed)) - true) / mpmath.mpf(float(place))


def scalar_case(rule, number, dtype):
    """The two sides on scalars of one dtype; ``None`` where they are no formulas of scalars."""
    found = left_side(rule, number, (), dtype)
    if found is None or not _is_scalar_formula(*found) or found[1].dtype != dtype:
        return None
    nodes, before = found
    after = rule.apply(before) if before.op.name in rule.roots else None
    return None if after is None else (nodes, before, after)


ROOM = {"float64": 1.01, "float32": 2.01}
"""Units in the last place: a bit. NumPy's own functions of single precision are off by two."""

SQUARES = ("versine", "squared_sinc")
"""A square doubles the error of what is squared: these need one unit more where nothing cancels."""


@examples
def test_accurate(rule, number):
    """Wherever the left side is defined and in range, the right side is as close within a bit."""
    if rule.keeps == "real":
        pytest.skip("promises less")
    cases = [(dtype, scalar_case(rule, number, dtype)) for dtype in FLOATS]
    if not any(case for _, case in cases):
        pytest.skip("not a formula of scalars")
    rng = generator(rule, number)
    for dtype, case in cases:
        if case is None:
            continue
        nodes, before, after = case
        room = ROOM[dtype] + (rule.name in SQUARES)
        largest = float(np.finfo(dtype).max)
        for values in points(nodes, rng, rule.headroom):
            if any(abs(v) > 1e4 for v in values.values()) and _grows(before):
                continue
            try:
                true = exact(before, values)
            except UndefinedError:
                continue
            if abs(true) > largest:
                continue
            with mpmath.workdps(60):
                first = error(run(before, values), true, before.dtype)
                second = error(run(after, values), true, before.dtype)
                assert second <= first + room, (before, after, values)


def points(nodes, rng, headroom, number=50):
    """Every edge in every place, then what chance brings."""
    for node in nodes:
        rest = values_for(nodes, rng, headroom=headroom)
        for edge in pool(node.dtype, False, headroom)[: len(EDGES)]:
            yield {**rest, node: np.asarray(edge)}
    for _ in range(number):
        yield values_for(nodes, rng, headroom=headroom)


def _grows(node):
    """Whether exact arithmetic would need numbers of millions of digits."""
    return any(n.op.name in ("exp", "exp2", "sinh", "cosh", "expm1") for n in topological([node]))


REDUCTIONS = ("sum", "mean", "matmul")


@examples
def test_accurate_sums(rule, number):
    """Sums and products: right sides stay finite and as close, relative to the sum of sizes."""
    if rule.keeps == "real" or not set(rule.roots) & {*REDUCTIONS, "add", "subtract", "multiply"}:
        pytest.skip("no sum")
    if scalar_case(rule, number, "float64"):
        pytest.skip("a formula of scalars, in test_accurate")
    rng = generator(rule, number)
    for nodes, before, after in pairs(rule, number, FLOATS):
        if before.dtype.kind != "f" or not nodes:
            continue
        for _ in range(20):
            values = {}
            for node, value in ordinary(nodes, rng).items():
                scale = np.ldexp(1.0, int(rng.integers(-20, 20)))
                sign = rng.choice([-1, 1], value.shape)
                large = value.dtype.kind == "f"
                values[node] = (value * scale * sign).astype(value.dtype) if large else value
            first, second = run(before, values), run(after, values)
            if not first.size:
                continue
            signed = _under_functions(before)
            sizes = {n: v if n in signed else np.abs(v) for n, v in values.items()}
            bound = np.abs(run(before, sizes)) + np.abs(first)
            ok = np.isfinite(first)
            room = (
                64 * np.finfo(first.dtype).eps * np.max(bound, initial=0, where=np.isfinite(bound))
            )
            assert np.all(np.abs(first[ok] - second[ok]) <= room), (before, after, values)


def _under_functions(node):
    """What functions are applied to that are not sums or products: sizes keep its sign."""
    kept = set()
    for n in topological([node]):
        if n.op.name in ("exp", "where"):
            kept.update(topological(n.inputs[:1]))
    return kept


# Derivatives --------------------------------------------------------------------------------------


@examples
def test_gradients_agree(rule, number):
    rng = generator(rule, number)
    for nodes, before, after in pairs(rule, number, ("float64",)):
        wrt = [node for node in nodes if node.dtype.kind == "f"]
        if not wrt or before.dtype.kind != "f":
            continue
        values = ordinary(nodes, rng)
        first, second = [
            sg.grad(side.sum() if side.ndim else side, wrt, unconnected="zero")
            for side in (before, after)
        ]
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(run(other, values), run(one, values), rtol=1e-11, atol=1e-11)


# Proofs -------------------------------------------------------------------------------------------

MOST_OPERATIONS = 5
"""SymPy's simplify takes minutes over longer formulas; those are compared at points alone."""

POINTS = ("3/7", "-2/5", "9/4", "-7/3", "1/11")
"""Of both signs, inside and outside of the unit interval."""


ROUNDED = ("gather_factors",)
"""These compute with the numbers of the formula, and round."""


def formula(node, symbols):
    """A node as a SymPy expression from the formulas of its operations."""
    import sympy

    rounded = {math.log2(math.e): 1 / sympy.log(2), math.log10(math.e): 1 / sympy.log(10)}
    known = {}
    for n in topological([node]):
        if n in symbols:
            known[n] = symbols[n]
        elif isinstance(n.op, Constant) and n.ndim == 0 and np.isfinite(n.op.value):
            value = float(n.op.value)
            known[n] = rounded.get(value, sympy.Rational(value))
        elif n.op.name in ELEMENTWISE and n.op.formula:
            names = dict(zip(n.op.symbols, [known[i] for i in n.inputs], strict=True))
            known[n] = n.op.sympy_formula.subs(names, simultaneous=True)
        else:
            pytest.skip(f"{n.op.name} has no formula")
    return known[node]


@examples
def test_sympy_proves_it(rule, number):
    """By simplification, or where SymPy finds no proof, by 50 digits at points."""
    import sympy

    case = scalar_case(rule, number, "float64")
    if case is None:
        pytest.skip("not a formula of scalars")
    nodes, before, after = case
    domain = {"positive": True} if rule.name in ("inverse", "small_powers") else {"real": True}
    symbols = {node: sympy.Symbol(node.op.name_, **domain) for node in nodes}
    left, right = formula(before, symbols), formula(after, symbols)
    difference = left - right
    if sympy.count_ops(difference) <= MOST_OPERATIONS and sympy.simplify(difference) == 0:
        return
    tolerance = 1e-15 if rule.name in ROUNDED else 1e-40
    compared = 0
    for i in range(len(POINTS)):
        rotated = itertools.islice(itertools.cycle(POINTS), i, None)
        at = {s: sympy.Rational(value) for s, value in zip(symbols.values(), rotated, strict=False)}
        one, other = [complex_value(side, at) for side in (left, right)]
        # Where the left side is not real, nothing is claimed.
        if one is not None and abs(mpmath.im(one)) < 1e-45:
            assert other is not None
            assert abs(one - other) <= tolerance * (1 + abs(one))
            compared += 1
    assert compared


def complex_value(expression, at):
    """To 50 digits; ``None`` for a pole."""
    import sympy

    value = sympy.N(expression.subs(at), 50)
    if not value.is_finite:
        return None
    with mpmath.workdps(60):
        return mpmath.mpc(*[mpmath.mpf(str(part)) for part in value.as_real_imag()])
