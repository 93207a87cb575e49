"""Calls of every family fed into each other: compiled, differentiated, and in a stack.

A link of a chain is an example of the registry whose first real operand is nudged by what came
before, so that it stays where the operation is defined.
"""

import numpy as np
import pytest

import symgraph as sg
from symgraph.errors import DerivativeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node
from symgraph.graph.tree import flatten
from tests.ops.test_every_op import EXAMPLES, central_differences, in_double, smooth_here

LINKS = 3
CHAINS = 150


def usable(example):
    """Real operands, the first of them neither empty nor large."""
    real = [np.asarray(a) for a in example.args if np.asarray(a).dtype.kind == "f"]
    return bool(real) and 0 < real[0].size < 100 and all(np.all(np.isfinite(a)) for a in real)


POOL = [in_double(p.values[0]) for p in EXAMPLES if usable(p.values[0])]


def chain(x, examples, phases):
    """A scalar: every link is moved a little by those before it, and all are summed."""
    total, moved = 0.0 * x[0], x
    for example, phase in zip(examples, phases, strict=True):
        args = [sg.constant(a) for a in example.args]
        place = next(i for i, a in enumerate(args) if a.dtype.kind == "f")
        given = example.args[place]
        nudge = np.take(moved, np.arange(given.size) % 3).reshape(given.shape)
        args[place] = given + 0.01 * np.tanh(nudge)
        found = [y for y in flatten(example.call(*args))[0] if isinstance(y, Node)]
        for y in found:
            if y.dtype.kind == "f" and y.size:
                total = total + np.sum(np.ravel(y) * np.cos(np.arange(y.size) + phase))
        moved = np.stack([total, np.sin(total), np.cos(total)])
    return total


@pytest.mark.parametrize("seed", range(CHAINS))
def test_a_chain(seed):
    rng = np.random.default_rng(seed)
    examples = [POOL[i] for i in rng.integers(0, len(POOL), LINKS)]
    phases = rng.uniform(0, 3, LINKS)
    at, tangent = rng.normal(size=(2, 3))
    x = sg.placeholder("x", 3)
    value = chain(x, examples, phases)
    try:
        gradient = sg.grad(value, x)
    except DerivativeError:
        pytest.skip("no closed form by the parameter of a special function")
    with np.errstate(all="ignore"):
        plain = interpret([value, gradient], {x: at})
        if not np.isfinite(plain[0]) or abs(plain[0]) > 1e6:
            pytest.skip("too large for differences")
        found = sg.function([x], [value, gradient])(at)
        for got, wanted in zip(found, plain, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8)
        single = "float32" in str(sg.Graph([x], value))
        stacked = sg.vmap(lambda row: chain(row, examples, phases))(x[None] + np.zeros((2, 1)))
        np.testing.assert_allclose(
            interpret([stacked], {x: at})[0], plain[0], rtol=1e-5 if single else 1e-9
        )
        if single or not smooth_here([value], [x], [at], [0], [tangent]):
            return
        (slope,) = central_differences([value], [x], [at], [0], [tangent], 1e-3)
        np.testing.assert_allclose(found[1] @ tangent, slope, rtol=1e-5, atol=1e-6)
