"""Derivatives against JAX's, for every call that both understand.

JAX is no dependency of the tests: without the extra ``bench`` this file is skipped.
"""

import types
from functools import partial

import numpy as np
import pytest

from symgraph.errors import DerivativeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, constant, placeholder, topological
from symgraph.graph.registry import BUILDERS
from symgraph.graph.tree import flatten
from symgraph.transforms.vjp import vjp
from tests.ops.test_every_op import EXAMPLES

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", val=True)
jnp = jax.numpy

SPACES = [jnp, jnp.linalg, jnp.fft, jax.scipy.special, jax.scipy.linalg, jax.nn, jax.lax]

OTHERWISE = {
    "clip": "half to each at a bound; ours counts a bound as inside",
    "relu6": "the same",
    "log1mexp": "of the negated argument",
    "sign": "without a derivative for complex numbers, too; that of z / |z| is ours",
    "rtol": "its pseudo-inverse that truncates has a derivative that differences do not confirm",
    "einsum_path": "another path, whose length the example uses",
}
"""What JAX defines otherwise, or where it has another convention at a kink."""

SYMMETRISED = {"cholesky", "eigh", "eigvalsh", "cho_factor", "hermitian"}
"""JAX reads both triangles of these; NumPy and we read one."""

KINKS = {"norm", "vector_norm"}
"""In these the slope of JAX's ``abs`` at 0 is 1; ours is 0 everywhere."""


def spelled(call):
    """The names of functions and keywords in a call."""
    if isinstance(call, partial):
        return spelled(call.func) | call.keywords.keys()
    if not hasattr(call, "__code__"):
        return {call.__name__}
    keywords = [name for const in call.__code__.co_consts if type(const) is tuple for name in const]
    return {call.__name__, *call.__code__.co_names, *keywords}


def translated(call):
    """The same call of JAX's functions, or ``None``."""
    if isinstance(call, types.FunctionType) and call.__name__ == "<lambda>":
        names = set(call.__code__.co_names) & call.__globals__.keys()
        values = {name: call.__globals__[name] for name in names}
        theirs = {name: jnp if v is np else translated(v) for name, v in values.items()}
        if any(value is None for value in theirs.values()):
            return None
        return types.FunctionType(
            call.__code__,
            {**call.__globals__, **theirs},
            "call",
            call.__defaults__,
            call.__closure__,
        )
    if isinstance(call, partial):
        function = translated(call.func)
        return function and partial(function, *call.args, **call.keywords)
    name = getattr(call, "__name__", "")
    known = BUILDERS.get(name) is call or str(getattr(call, "__module__", "")).startswith("numpy")
    if not (known or isinstance(call, np.ufunc)) or name in OTHERWISE:
        return None
    return next((f for space in SPACES if callable(f := getattr(space, name, None))), None)


def real_leaves(tree):
    return [leaf for leaf in flatten(tree)[0] if np.asarray(leaf).dtype.kind == "f"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_cotangents(example):
    call = translated(example.call)
    if call is None or spelled(example.call) & OTHERWISE.keys():
        pytest.skip("not a call of NumPy's functions alone, or defined otherwise")
    args = [
        np.asarray(a, {"f": np.float64, "c": np.complex128}.get(np.asarray(a).dtype.kind))
        for a in example.args
    ]
    places = [i for i, a in enumerate(args) if a.dtype.kind in "fc" and np.all(np.isfinite(a))]
    inputs = [placeholder(f"x{i}", a.shape, a.dtype) for i, a in enumerate(args)]
    outputs = [
        node
        for node in flatten(example.call(*inputs))[0]
        if isinstance(node, Node) and node.type.inexact
    ]
    wrt = [inputs[i] for i in places]
    if not outputs or not set(topological(outputs)) & set(wrt):
        pytest.skip("no derivative")

    def theirs(*moved):
        full = list(args)
        for i, value in zip(places, moved, strict=True):
            full[i] = value
        found = [jnp.asarray(leaf) for leaf in jax.tree_util.tree_leaves(call(*full))]
        return [leaf for leaf in found if leaf.dtype.kind in "fc"]

    rng = np.random.default_rng(0)
    cotangents = [rng.standard_normal(node.shape).astype(node.dtype) for node in outputs]
    cotangents = [c * np.exp(1j) if c.dtype.kind == "c" else c for c in cotangents]
    try:
        values, pull_back = jax.vjp(theirs, *[args[i] for i in places])
        if [v.shape for v in values] != [node.shape for node in outputs]:
            pytest.skip("JAX gives other shapes")
        seeds = [jnp.asarray(c, v.dtype) for c, v in zip(cotangents, values, strict=True)]
        wanted = pull_back(seeds)
    except Exception as error:  # noqa: BLE001 - whatever JAX does not do is not compared
        pytest.skip(f"JAX: {type(error).__name__}")
    try:
        ours = vjp(outputs, wrt, [constant(c) for c in cotangents], unconnected="zero")
    except DerivativeError:
        pytest.skip("no closed form by a parameter, and it says so")
    with np.errstate(all="ignore"):
        found = interpret([*outputs, *ours], dict(zip(inputs, args, strict=True)))
    points = [*[None] * len(values), *[args[i] for i in places]]
    for got, right, point in zip(found, [*values, *wanted], points, strict=True):
        got, right = np.asarray(got), np.asarray(right)
        if spelled(example.call) & SYMMETRISED and got.ndim > 1 and got.shape[-1] == got.shape[-2]:
            got, right = (x + np.swapaxes(x, -1, -2).conj() for x in (got, right))
        # JAX's derivative of a norm or a deviation at zero is NaN; ours is the subgradient 0.
        defined = ~np.isnan(right)
        if point is not None and spelled(example.call) & KINKS:
            defined &= point != 0
        single = right.dtype == np.float32
        rtol = 1e-5 if single else 1e-7
        np.testing.assert_allclose(got[defined], right[defined], rtol=rtol, atol=1e-9)
