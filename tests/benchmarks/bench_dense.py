"""Jacobians and Hessians as arrays, against JAX, autograd and CasADi.

``python -m tests.benchmarks.bench_dense [--rounds N]``

The times are of one call, over ours; above 1 a rival is slower. JAX is jitted, CasADi called with
arrays. Logistic regression has 500 rows; the perceptron's derivative is by its input. A rival that
is not installed, or cannot write the function, is left out.
"""

import argparse
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import symgraph as sg
from tests.benchmarks.harness import paired, quantity, table

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((500, 10))
LABELS = (RNG.random(500) < 0.5) * 1.0
INNER, OUTER = RNG.standard_normal((32, 20)) / 4, RNG.standard_normal((5, 32)) / 6


def logistic(w: Any, xp: Any) -> Any:
    z = xp.dot(ROWS, w)
    return xp.sum(xp.logaddexp(0.0, z) - LABELS * z)


def softmax(x: Any, xp: Any) -> Any:
    e = xp.exp(x - xp.max(x))
    return e / xp.sum(e)


def perceptron(x: Any, xp: Any) -> Any:
    return xp.dot(OUTER, xp.tanh(xp.dot(INNER, x)))


PROBLEMS: dict[str, tuple[Callable[[Any, Any], Any], str, int]] = {
    "logistic regression, Hessian": (logistic, "hessian", 10),
    "softmax of 50, Jacobian": (softmax, "jacobian", 50),
    "perceptron 20-32-5, Jacobian": (perceptron, "jacobian", 20),
}


def ours(function: Callable[[Any, Any], Any], kind: str, at: Any) -> Callable[[], Any]:
    """The compiled closed form."""
    x = sg.placeholder("x", at.shape)
    derivative = {"hessian": sg.hessian, "jacobian": sg.jacobian}[kind]
    f = sg.function([x], derivative(function(x, np), x))
    return lambda: f(at)


def jaxs(function: Callable[[Any, Any], Any], kind: str, at: Any) -> Callable[[], Any]:
    """Its own transformation, jitted."""
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    transform = jax.hessian if kind == "hessian" else jax.jacfwd
    f = jax.jit(transform(lambda x: function(x, jax.numpy)))
    return lambda: f(at).block_until_ready()


def autograds(function: Callable[[Any, Any], Any], kind: str, at: Any) -> Callable[[], Any]:
    """Its own transformation."""
    autograd: Any = import_module("autograd")
    numpy: Any = import_module("autograd.numpy")
    transform = autograd.hessian if kind == "hessian" else autograd.jacobian
    f = transform(lambda x: function(x, numpy))
    return lambda: f(at)


def casadis(function: Callable[[Any, Any], Any], kind: str, at: Any) -> Callable[[], Any]:
    """Its own derivative of an SX graph."""
    casadi: Any = import_module("casadi")

    class Spelled:
        """NumPy's names."""

        exp, tanh = staticmethod(casadi.exp), staticmethod(casadi.tanh)
        max, sum = staticmethod(casadi.mmax), staticmethod(casadi.sum1)
        dot = staticmethod(lambda a, b: casadi.mtimes(casadi.DM(a), b))
        logaddexp = staticmethod(lambda a, z: casadi.fmax(z, a) + casadi.log1p(
            casadi.exp(-casadi.fabs(z))))  # fmt: skip

    x = casadi.SX.sym("x", at.size)
    y = function(x, Spelled)
    entries = casadi.hessian(y, x)[0] if kind == "hessian" else casadi.jacobian(y, x)
    f = casadi.Function("f", [x], [entries])
    return lambda: f(at)


RIVALS = {"jax": jaxs, "autograd": autograds, "casadi": casadis}


def main() -> None:
    """Print our time, and the rivals' over it; the values are compared first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rows = []
    for title, (function, kind, size) in PROBLEMS.items():
        at = RNG.standard_normal(size)
        contenders = {"symgraph": ours(function, kind, at)}
        for name, rival in RIVALS.items():
            if find_spec(name) is not None:
                contenders[name] = rival(function, kind, at)
        wanted = contenders["symgraph"]()
        for name, call in contenders.items():
            np.testing.assert_allclose(
                np.asarray(call()), wanted, rtol=1e-8, atol=1e-9, err_msg=name
            )
        timings = paired(contenders, rounds=rounds)
        base = timings["symgraph"]
        over = [f"{timings[name].ratio_to(base):.1f}" if name in timings else "" for name in RIVALS]
        rows.append([title, quantity(base.median), *over])
    print(table(("a call", "symgraph", *RIVALS), rows))


if __name__ == "__main__":
    main()
