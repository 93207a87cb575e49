"""How large the n-th derivative of a composition of depth d is, and what peers make of it.

``python -m tests.benchmarks.bench_orders``. Counted are the operations of the simplified graph; of
SymPy's derivative, after ``cse``; and of JAX's, the equations of the ``jaxpr`` with those inside
calls. Constants and arguments do not count. A column of a peer is empty where it is not installed
or has taken more than `PATIENCE` seconds for the order before.
"""

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import symgraph as sg
from symgraph.simplify import simplify
from tests.benchmarks.harness import table

DEPTHS = (1, 3, 6)
ORDERS = range(1, 7)
PATIENCE = 20.0


def composition(x: Any, depth: int, f: Any) -> Any:
    """A chain of `depth` functions, of NumPy's or another library's spelling."""
    links: tuple[Callable[[Any], Any], ...] = (
        lambda z: f.tanh(z),
        lambda z: f.exp(-z * z),
        lambda z: f.sin(z),
        lambda z: f.log(1 + z * z),
        lambda z: 1 / (1 + f.exp(-z)),
    )
    for i in range(depth):
        x = links[i % len(links)](x)
    return x


def ours(depth: int) -> Iterator[int]:
    """Operations of the derivatives, simplified."""
    x = sg.placeholder("x")
    y = composition(x, depth, np)
    for _ in ORDERS:
        y = sg.grad(y, x)
        nodes = simplify([y]).outputs[0]
        yield sum(bool(node.inputs) for node in sg.Graph([x], nodes).nodes)


def sympys(depth: int) -> Iterator[int]:
    """Operations of the derivatives with common subexpressions taken out."""
    sympy: Any = import_module("sympy")
    x = sympy.Symbol("x", real=True)
    y = composition(x, depth, sympy)
    for _ in ORDERS:
        y = y.diff(x)
        shared, (rest,) = sympy.cse(y)
        yield int(rest.count_ops() + sum(value.count_ops() for _, value in shared))


def jaxs(depth: int) -> Iterator[int]:
    """Equations of the derivatives."""
    jax: Any = import_module("jax")

    def function(x: Any) -> Any:
        return composition(x, depth, jax.numpy)

    def equations(jaxpr: Any) -> int:
        inner = [e.params[k] for e in jaxpr.eqns for k in ("jaxpr", "call_jaxpr") if k in e.params]
        return len(jaxpr.eqns) - len(inner) + sum(equations(getattr(j, "jaxpr", j)) for j in inner)

    for _ in ORDERS:
        function = jax.grad(function)
        yield equations(jax.make_jaxpr(function)(0.3).jaxpr)


def patiently(counts: Iterator[int]) -> list[str]:
    """The counts of all orders, as long as they do not take too long."""
    found: list[str] = []
    for _ in ORDERS:
        began = time.process_time()
        found.append(str(next(counts)))
        if time.process_time() - began > PATIENCE:
            break
    return found + [""] * (len(ORDERS) - len(found))


def main() -> None:
    """Print a table: depth and library by order."""
    rows = []
    for depth in DEPTHS:
        for name, counts in (("symgraph", ours), ("SymPy", sympys), ("JAX", jaxs)):
            here = name == "symgraph" or find_spec(name.lower()) is not None
            found = patiently(counts(depth)) if here else [""] * len(ORDERS)
            rows.append([f"depth {depth}, {name}", *found])
    print(table(("operations of the n-th derivative", *map(str, ORDERS)), rows))


if __name__ == "__main__":
    main()
