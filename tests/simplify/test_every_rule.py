"""Every rule does what its class promises, on its own examples."""

import functools
import itertools
import zlib

import numpy as np
import pytest

import symgraph as sg
from symgraph.errors import UnsupportedError
from symgraph.exact import exact
from symgraph.graph.evaluate import evaluate_node, interpret
from symgraph.graph.node import topological
from symgraph.measure import errors_of
from symgraph.simplify import RULES
from symgraph.simplify.common import HEADROOM, headroom_of
from symgraph.testing import as_stated, left_side, prove, regions, rewritten, same_bits, scalar_case

# The variance of nothing.
pytestmark = pytest.mark.filterwarnings("ignore:Degrees of freedom")

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


def pairs(rule, number, dtypes=FLOATS):
    """Every way to build an example on which the rule fires."""
    for shape, dtype in itertools.product(SHAPES.values(), dtypes):
        found = left_side(rule, number, shape, dtype)
        if found is None:
            continue
        nodes, before = found
        after = rewritten(rule, before)
        if after is not None:
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
    clear = headroom_of(headroom, dtype) if headroom else 0
    low, high = info.minexp + clear, info.maxexp - clear
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
        values[node] = as_stated(node, values[node])
    return values


def ordinary(nodes, rng, sizes=SIZES):
    """Values where most functions are defined and nothing is near the end of the range."""
    values = {}
    for node in nodes:
        shape = tuple(sizes.get(str(d), d) for d in node.shape)
        if node.dtype.kind == "f":
            values[node] = rng.uniform(0.1, 0.9, shape).astype(node.dtype)
        elif node.op.name_ == "k":
            values[node] = rng.integers(0, 3, shape)
        else:
            values[node] = rng.choice(pool(node.dtype, False), shape)
        values[node] = as_stated(node, values[node])
    return values


def run(node, values, sizes=SIZES):
    with np.errstate(all="ignore"):
        return np.asarray(interpret([node], values, sizes)[0])


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


def test_what_was_computed_in_the_wider_of_two_dtypes_still_is():
    for rule, number in [parameter.values for parameter in PARAMETERS]:
        for dtypes in ("float64", "float32"), ("float32", "float64"):
            found = left_side(rule, number, ("n",), *dtypes)
            if found is None or len(found[0]) < 2 or found[1].dtype != np.float64:
                continue
            nodes, before = found
            after = rewritten(rule, before)
            wide, right = left_side(rule, number)
            if after is None or right.ndim != before.ndim:
                continue
            values = ordinary(nodes, generator(rule, number))
            wanted = run(right, dict(zip(wide, values.values(), strict=True)))
            old, new = [np.abs(run(side, values) - wanted) for side in (before, after)]
            ok = np.isfinite(old)
            room = 4 * np.max(old, initial=0, where=ok) + 1e-13 * np.maximum(1, np.abs(wanted))
            assert np.all(new[ok] <= room[ok]), (rule.name, before, after)


# Accuracy, against as many digits as it takes -----------------------------------------------------

ROOM = 1.01
"""Units in the last place."""


def errors_at(nodes, before, after, points):
    """Errors of the two sides at many points of scalars."""
    values = {node: np.stack([np.asarray(point[node]) for point in points]) for node in nodes}
    found = errors_of(before, after, values)
    return values, found


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
        at = list(points(nodes, rng, rule.headroom))
        if _grows(before):
            at = [point for point in at if all(abs(value) <= 1e4 for value in point.values())]
        values, found = errors_at(nodes, before, after, at)
        # Where no digit was right, as of sin(x + 0.5) - sin(x) at 1e38, none can be lost.
        finite = found.defined & (found.before < 2.0 ** np.finfo(dtype).nmant)
        limit = found.before + ROOM
        if dtype == "float32" or rule.name == "squared_sinc":
            # NumPy's own functions of single precision are off by two units, and a square doubles
            # the error of what is squared: one bit, counted from what is right to half a unit.
            limit = np.minimum(limit + 1, 2 * np.maximum(found.before, 0.5) + 1)
        worse = finite & ~(found.after <= limit)
        assert not worse.any(), (before, after, {n: v[worse] for n, v in values.items()})


def points(nodes, rng, headroom, number=50):
    """Every edge in every place, then what chance brings."""
    for node in nodes:
        rest = values_for(nodes, rng, headroom=headroom)
        for edge in pool(node.dtype, False, headroom)[: len(EDGES)]:
            yield {**rest, node: as_stated(node, np.asarray(edge))}
    for _ in range(number):
        yield values_for(nodes, rng, headroom=headroom)


@examples
@pytest.mark.parametrize("dtype", FLOATS)
def test_no_region_is_worse_by_more_than_a_bit(rule, number, dtype):
    """Neither the worst error of a region nor its average grows by more than a bit."""
    case = None if rule.keeps == "real" else scalar_case(rule, number, dtype)
    if case is None:
        pytest.skip("promises less, or is not a formula of scalars")
    nodes, before, after = case
    for region in regions(nodes, before, after, generator(rule, number), rule.headroom):
        assert region.lost <= 1, region


def _grows(node):
    """Whether exact arithmetic needs thousands of digits for large values."""
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


@examples
def test_headroom(rule, number):
    """Arrays up to the ends of the range, but for the headroom: as close as the left side."""
    products = set(rule.roots) & {*REDUCTIONS, "add", "subtract", "multiply", "divide"}
    if rule.keeps == "real" or scalar_case(rule, number, "float64") or not products:
        pytest.skip("promises less, is no sum, or a formula of scalars, in test_accurate")
    rng = generator(rule, number)
    checked = 0
    for dtype in FLOATS:
        found = left_side(rule, number, (3,), dtype)
        after = None if found is None else rewritten(rule, found[1])
        if found is None or after is None or found[1].dtype != dtype:
            continue
        nodes, before = found
        if _grows(before) and not rule.headroom:
            pytest.skip("exponentials are their own measure")
        info = np.finfo(dtype)
        clear = headroom_of(rule.headroom, info.dtype)
        for _ in range(20):
            values = up_to_the_ends(nodes, rng, clear)
            # Of what is subtracted, too, the sizes are added.
            bound = magnitude(before, values)
            room = min(clear, HEADROOM) + 1
            low, high = info.tiny * 2.0**room, info.max / 2.0**room
            if not np.all((bound == 0) | ((bound > low) & (bound < high))):
                continue
            try:
                (right,) = exact([before], values, SMALL)
            except UnsupportedError:
                pytest.skip("no value in more digits")
            first, second = [run(side, values, SMALL) for side in (before, after)]
            place = np.spacing(np.maximum(bound, info.tiny))
            old, new = [np.abs(side - right) / place for side in (first, second)]
            checked += 1
            assert np.max(new, initial=0) <= 2 * np.max(old, initial=0.5) + 1, (before, after)
    assert checked or not rule.headroom


SMALL = {"n": 3}


def up_to_the_ends(nodes, rng, clear):
    """Arrays whose elements have nearly one exponent, which is anything, and often the largest."""
    values = ordinary(nodes, rng, SMALL)
    for node, value in values.items():
        if node.dtype.kind == "f":
            info = np.finfo(node.dtype)
            low, high = info.minexp + clear + 4, info.maxexp - clear - 4
            exponent = rng.choice([low, high, rng.integers(low, high), 0])
            sizes = np.ldexp(value, exponent + rng.integers(-2, 3, value.shape))
            values[node] = (sizes * rng.choice([-1, 1], value.shape)).astype(node.dtype)
    return values


def magnitude(node, values):
    """The value where no term has a sign, and all are added."""
    known = {}
    signed = _under_functions(node)
    for n in topological([node]):
        inputs = [known[i] for i in n.inputs]
        if n in values:
            known[n] = values[n]
        elif n.op.name in ("add", "subtract"):
            known[n] = np.abs(inputs[0]) + np.abs(inputs[1])
        else:
            with np.errstate(all="ignore"):
                known[n] = evaluate_node(n, inputs, SMALL)
        if n not in signed and known[n].dtype.kind == "f":
            known[n] = np.abs(known[n])
    return known[node]


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


@examples
def test_its_law_is_shown(rule, number):
    """By SymPy's simplification, or where that finds no proof, by 50 digits at points."""
    if prove(rule, number) is None:
        pytest.skip("no formulas of scalars: arrays at random")
