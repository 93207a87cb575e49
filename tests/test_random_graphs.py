"""Random programs: emitted, interpreted, simplified and differentiated, they agree.

A program is a list of steps over a pool of values. It runs on arrays and on nodes alike; on nodes
it is compiled. Its operations are smooth where derivatives are compared.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph
from symgraph.simplify import simplify

N, M = 3, 2
SHAPES = [(), ("n",), ("n", "m"), ("m", "n"), (1, "m"), ("n", 1), (2,)]
SIZES = {"n": N, "m": M}

SMOOTH = [np.sin, np.cos, np.tanh, np.exp, np.arctan, np.square, np.negative]
ROUGH = [np.abs, np.sign, np.floor, lambda x: np.maximum(x, 0.5), lambda x: np.clip(x, -1, 1)]
BINARY = [np.add, np.subtract, np.multiply, lambda x, y: x / (2.0 + y * y), np.hypot, np.logaddexp]
ROUGH_BINARY = [np.maximum, np.minimum, lambda x, y: np.where(x > y, x, y * 2), lambda x, y: x < y]


def reductions(x, draw):
    axis = draw(st.sampled_from([None, *range(-x.ndim, x.ndim)]))
    keep = draw(st.booleans())
    function = draw(st.sampled_from([np.sum, np.mean]))
    return lambda v: function(v, axis=axis, keepdims=keep)


def shapes(x, draw):
    choices = [
        lambda v: np.reshape(v, -1),
        np.transpose,
        lambda v: v[..., None],
        lambda v: v[None] * 1.5,
        lambda v: np.stack([v, v * 2]),
    ]
    if x.ndim:
        axis = draw(st.integers(0, x.ndim - 1))
        index = (slice(None),) * axis
        choices += [
            lambda v: np.flip(v, axis),
            lambda v: np.roll(v, 1, axis),
            lambda v: v[(*index, slice(1, None))],
            lambda v: v[(*index, slice(None, None, -1))],
            lambda v: v[(*index, 0)],
            lambda v: np.concatenate([v, np.cos(v)], axis),
            lambda v: np.cumsum(v, axis),
            lambda v: v.sum(axis, keepdims=True) + v,
            lambda v: np.broadcast_to(v, (2, *v.shape)),
        ]
    return draw(st.sampled_from(choices))


def products(pool, draw):
    x = draw(st.sampled_from(pool))
    choices = [(x, lambda v: np.sum(v * v))]
    if x.ndim == 2:
        choices += [(x, lambda v: v @ v.T), (x, lambda v: v.T @ v), (x, lambda v: np.tanh(v @ v.T))]
    if x.ndim == 1:
        choices += [(x, lambda v: v @ v), (x, lambda v: v[:, None] * v)]
    return draw(st.sampled_from(choices))


@st.composite
def programs(draw, smooth=True, dtypes=("float64",), length=8):
    """Inputs, and a function from arrays or nodes to a few results."""
    inputs = draw(st.lists(st.tuples(st.sampled_from(SHAPES), st.sampled_from(dtypes)),
                           min_size=1, max_size=3))  # fmt: skip
    nodes = [sg.placeholder(f"x{i}", shape, dtype) for i, (shape, dtype) in enumerate(inputs)]
    pool, steps = list(nodes), []
    for _ in range(draw(st.integers(1, length))):
        kind = draw(st.integers(0, 9))
        try:
            if kind <= 2:
                unary = SMOOTH if smooth else [*SMOOTH[:4], *ROUGH]
                places = [draw(st.integers(0, len(pool) - 1))]
                step = draw(st.sampled_from(unary))
            elif kind <= 5:
                places = [draw(st.integers(0, len(pool) - 1)) for _ in range(2)]
                step = draw(st.sampled_from(BINARY if smooth else [*BINARY[:4], *ROUGH_BINARY]))
            elif kind == 6:
                number = draw(st.sampled_from([2.0, 0.5, -1.0, 1, 0, 3]))
                places = [draw(st.integers(0, len(pool) - 1))]
                step = draw(st.sampled_from([lambda v, c=number: v * c, lambda v, c=number: c - v,
                                             lambda v, c=number: v + c]))  # fmt: skip
            elif kind == 7:
                places = [draw(st.integers(0, len(pool) - 1))]
                step = reductions(pool[places[0]], draw)
            elif kind == 8:
                places = [draw(st.integers(0, len(pool) - 1))]
                step = shapes(pool[places[0]], draw)
            else:
                chosen, step = products(pool, draw)
                places = [next(i for i, node in enumerate(pool) if node is chosen)]
            made = step(*[pool[i] for i in places])
        except (sg.ShapeError, sg.DTypeError):
            continue  # shapes or dtypes that do not fit: NumPy would refuse as well
        if made.ndim <= 3:
            pool.append(made)
            steps.append((places, step))
    picked = draw(st.lists(st.integers(0, len(pool) - 1), min_size=1, max_size=3))

    def run(*args):
        values = list(args)
        with np.errstate(all="ignore"):
            for places, step in steps:
                values.append(step(*[values[i] for i in places]))
        return [values[i] for i in picked]

    outputs = [pool[i] for i in picked]
    return nodes, outputs, run


def arguments(nodes, seed=0):
    rng = np.random.default_rng(seed)
    values = []
    for node in nodes:
        shape = [SIZES.get(str(dim), dim) for dim in node.shape]
        value = rng.uniform(-1.5, 1.5, shape)
        if node.dtype.kind in "iu":
            value = rng.integers(-3, 4, shape)
        if node.dtype.kind == "b":
            value = value > 0
        values.append(np.asarray(value, node.dtype)[()])
    return values


def close(found, expected, **keywords):
    loose = np.asarray(expected).dtype in (np.float32, np.complex64)
    keywords = {"rtol": 1e-4, "atol": 1e-4} if loose else {"rtol": 1e-9, "atol": 1e-9, **keywords}
    np.testing.assert_allclose(found, expected, **keywords)


def total(outputs):
    """One scalar of all outputs that have derivatives."""
    parts = [np.sum(np.sin(node)) for node in outputs if node.type.inexact]
    return sum(parts[1:], parts[0]) if parts else None


some = settings(max_examples=60, suppress_health_check=list(HealthCheck))
ANY = ("float64", "float32", "int64", "bool")


@pytest.mark.parametrize("strictness", ["accurate", "bitwise"])
def test_emitted_source_gives_what_numpy_gives(strictness):
    @some
    @given(programs(smooth=False, dtypes=ANY))
    def check(program):
        nodes, outputs, run = program
        f = sg.function(nodes, outputs, strictness=strictness)
        note(f.source)
        args = arguments(nodes)
        before = [np.copy(a) for a in args]
        expected = run(*args)
        found = f(*args)
        for value, wanted, node in zip(found, expected, outputs, strict=True):
            assert value.dtype == np.asarray(wanted).dtype == node.dtype
            assert np.shape(value) == np.shape(wanted)
            if node.dtype.kind in "biu":
                np.testing.assert_array_equal(value, wanted)
            else:
                close(value, wanted)
        arrays = [value for value in found if np.ndim(value)]
        for i, value in enumerate(arrays):
            assert value.flags.writeable
            assert not any(np.shares_memory(value, a) for a in [*args, *arrays[:i]])
            value[...] = 0
        for value, old in zip(args, before, strict=True):
            np.testing.assert_array_equal(value, old)
        for value, wanted in zip(f(*args), expected, strict=True):
            close(value, wanted)

    check()


@some
@given(programs(smooth=False, dtypes=ANY))
def test_interpreted_gives_what_numpy_gives(program):
    nodes, outputs, run = program
    args = arguments(nodes)
    Graph(nodes, outputs).verify()
    found = interpret(outputs, dict(zip(nodes, args, strict=True)))
    for value, wanted in zip(found, run(*args), strict=True):
        assert np.asarray(value).dtype == np.asarray(wanted).dtype
        close(value, wanted)


@some
@given(programs(smooth=False, dtypes=ANY), st.sampled_from(["bitwise", "accurate", "real"]))
def test_simplified_gives_the_same_and_simplifying_twice_changes_nothing(program, strictness):
    nodes, outputs, run = program
    once = simplify(outputs, strictness=strictness)
    args = arguments(nodes)
    found = interpret(once.outputs, dict(zip(nodes, args, strict=True)), SIZES)
    for node, now, value, wanted in zip(outputs, once.outputs, found, run(*args), strict=True):
        assert now.type == node.type
        close(value, wanted)
    twice = simplify(once.outputs, strictness=strictness)
    assert all(a is b for a, b in zip(once.outputs, twice.outputs, strict=True))


@some
@given(programs())
def test_gradients_agree_with_differences(program):
    nodes, outputs, run = program
    loss = total(outputs)
    gradients = sg.grad(loss, nodes, unconnected="zero")
    f = sg.function(nodes, [loss, *gradients])
    note(f.source)
    args = arguments(nodes)
    _, *found = f(*args)

    def value(*at):
        with np.errstate(all="ignore"):
            return sum(np.sum(np.sin(v)) for v in run(*at))

    rng = np.random.default_rng(1)
    for place, gradient in enumerate(found):
        assert np.shape(gradient) == np.shape(args[place])
        direction = rng.standard_normal(np.shape(gradient))
        values = []
        for step in (1e-5, -1e-5, 2e-5, -2e-5):
            moved = list(args)
            moved[place] = args[place] + step * direction
            values.append(value(*moved))
        slopes = (values[0] - values[1]) / 2e-5, (values[2] - values[3]) / 4e-5
        if abs(slopes[0] - slopes[1]) > 1e-6 * (1 + abs(slopes[0])):
            continue  # too steep for differences
        np.testing.assert_allclose(np.sum(gradient * direction), slopes[0], rtol=1e-4, atol=1e-4)


@some
@given(programs(smooth=False, dtypes=("float64", "float32")))
def test_forward_and_backward_are_adjoint(program):
    nodes, outputs, _ = program
    outputs = [node for node in outputs if node.type.inexact]
    if not outputs:
        return
    tangents = [sg.placeholder(f"t{i}", x.shape, x.dtype) for i, x in enumerate(nodes)]
    cotangents = [sg.placeholder(f"c{i}", y.shape, y.dtype) for i, y in enumerate(outputs)]
    pushed = sg.jvp(outputs, nodes, tangents, unconnected="zero")
    pulled = sg.vjp(outputs, nodes, cotangents, unconnected="zero")
    values = arguments(nodes), arguments(tangents, 1), arguments_like(outputs)
    everything = [*nodes, *tangents, *cotangents]
    f = sg.function(everything, [pushed, pulled])
    note(f.source)
    with np.errstate(all="ignore"):
        forward, backward = f(*values[0], *values[1], *values[2])
    left = sum(np.vdot(c, p) for c, p in zip(values[2], forward, strict=True))
    right = sum(np.vdot(t, p) for t, p in zip(values[1], backward, strict=True))
    single = any(node.dtype == np.float32 for node in nodes)
    np.testing.assert_allclose(left, right, rtol=1e-3 if single else 1e-8, atol=1e-3)


def arguments_like(outputs):
    rng = np.random.default_rng(2)
    found = []
    for node in outputs:
        shape = [evaluated(dim) for dim in node.shape]
        found.append(np.asarray(rng.standard_normal(shape), node.dtype)[()])
    return found


def evaluated(dim):
    from symgraph.graph.sizes import evaluate

    return evaluate(dim, SIZES)


@some
@given(programs(smooth=False))
def test_a_pair_gives_what_the_joint_function_gives(program):
    nodes, outputs, _ = program
    outputs = [node for node in outputs if node.type.inexact]
    reached = sg.Graph(nodes, outputs).placeholders
    if not outputs or not reached:
        return
    cotangents = [sg.placeholder(f"c{i}", y.shape, y.dtype) for i, y in enumerate(outputs)]
    joint = sg.function(
        [*nodes, *cotangents], [outputs, sg.vjp(outputs, reached, cotangents, unconnected="zero")]
    )
    pair = sg.forward_backward(nodes, outputs, wrt=reached)
    note(pair.source)
    args, seeds = arguments(nodes), arguments_like(outputs)
    with np.errstate(all="ignore"):
        expected, gradients = joint(*args, *seeds)
        found, saved = pair.forward(*args)
        for value, wanted in zip(found, expected, strict=True):
            close(value, wanted)
            if np.ndim(value):
                assert not any(np.shares_memory(value, kept) for kept in saved)
                value[...] = np.nan  # the caller's own: backward must not see it
        for _ in range(2):
            pulled = pair.backward(saved, seeds)
            for value, wanted in zip(pulled, gradients, strict=True):
                assert value.dtype == wanted.dtype
                close(value, wanted, rtol=1e-7, atol=1e-7)
                if np.ndim(value):
                    assert not any(np.shares_memory(value, k) for k in [*saved, *args, *seeds])
                    value[...] = np.nan
