"""Sparse derivatives against CasADi, and JAX with colours found by hand.

``python -m tests.benchmarks.bench_sparse [--rounds N]``

Rosenbrock's Hessian (n = 300, with the gradient; n = 1 000 alone) and the Jacobian of the
Brusselator on a grid of 32 x 32. To reach: built in 50 ms, evaluated faster than CasADi (its own
call, and its buffer interface) and than three, respectively ten, jitted products of JAX.
A rival that is not installed is left out. Ours stands there twice: for one size, as the others,
and compiled for all sizes at once.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import symgraph as sg
from tests.benchmarks.harness import paired, quantity, table

GRID = 32
ALPHA = 10.0


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def brusselator(w: Any, xp: Any) -> Any:
    def laplacian(u: Any) -> Any:
        turned = [xp.roll(u, shift, axis) for shift in (1, -1) for axis in (0, 1)]
        return turned[0] + turned[1] + turned[2] + turned[3] - 4.0 * u

    u, v = w[0], w[1]
    first = 1.0 + u**2 * v - 4.4 * u + ALPHA * laplacian(u)
    return xp.stack([first, 3.4 * u - u**2 * v + ALPHA * laplacian(v)])


Contender = tuple[str, Callable[[], object], float]
"""A name, the evaluation, and the seconds that it took to build."""


def ours(problem: str, size: int, value: Any) -> Iterator[Contender]:
    """The compiled function; its build from the formula on. Once more for all sizes at once."""
    symbolic = (2, "n", "n") if problem == "brusselator" else ("n",)
    for name, shape in (("symgraph", value.shape), ("symgraph, any size", symbolic)):
        begin = time.perf_counter()
        x = sg.placeholder("x", shape)
        if problem == "brusselator":
            f = sg.function([x], sg.sparse_jacobian(brusselator(x, np), x).data)
        else:
            loss = rosenbrock(x)
            hessian = sg.sparse_hessian(loss, x).data
            outputs = [loss, sg.grad(loss, x), hessian] if problem == "with gradient" else hessian
            f = sg.function([x], outputs)
        yield name, lambda f=f: f(value), time.perf_counter() - begin


def casadis(problem: str, size: int, value: Any) -> Iterator[Contender]:
    """Its SX graph, called with an array and through buffers."""
    cs: Any = import_module("casadi")
    begin = time.perf_counter()
    if problem == "brusselator":
        x = cs.SX.sym("x", 2 * size)
        grids = [np.array(cs.vertsplit(half)).reshape(GRID, GRID) for half in cs.vertsplit(x, size)]
        flat = list(brusselator(grids, np).ravel())
        outputs = [cs.jacobian(cs.vertcat(*flat), x)]
    else:
        x = cs.SX.sym("x", size)
        loss = cs.sum1(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
        hessian, gradient = cs.hessian(loss, x)
        outputs = [loss, gradient, hessian] if problem == "with gradient" else [hessian]
    f = cs.Function("f", [x], outputs)
    seconds = time.perf_counter() - begin
    flat_value = np.ascontiguousarray(value.ravel())
    yield "CasADi", lambda: f(flat_value), seconds
    buffer, run = f.buffer()
    buffer.set_arg(0, memoryview(flat_value))
    results = [np.zeros(f.nnz_out(i)) for i in range(f.n_out())]
    for i, result in enumerate(results):
        buffer.set_res(i, memoryview(result))
    owners = (buffer, flat_value, results)  # the buffer holds addresses only

    def call() -> object:
        run()
        return owners

    yield "CasADi, buffers", call, seconds


def jaxs(problem: str, size: int, value: Any) -> Iterator[Contender]:
    """Products with the colours that a person sees: every third, every tenth column."""
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    begin = time.perf_counter()
    if problem == "brusselator":
        place = np.arange(2 * size).reshape(value.shape)
        half, row, column = np.unravel_index(place, value.shape)
        # Five neighbours, two species: a knight's pattern needs the grid to be a multiple of 5.
        colour = (row + 2 * column) % 5 + 5 * half
        seeds = np.stack([(colour == c).astype(float) for c in range(10)])

        def linear(x: Any, seed: Any) -> Any:
            return jax.jvp(lambda w: brusselator(w, jax.numpy), (x,), (seed,))[1]
    else:
        seeds = np.stack([(np.arange(size) % 3 == c).astype(float) for c in range(3)])

        def linear(x: Any, seed: Any) -> Any:
            return jax.jvp(jax.grad(rosenbrock), (x,), (seed,))[1]

    def products(x: Any) -> Any:
        found = jax.vmap(lambda seed: linear(x, seed))(seeds)
        return (*jax.value_and_grad(rosenbrock)(x), found) if problem == "with gradient" else found

    f = jax.jit(products)
    known = jax.numpy.asarray(value)
    jax.block_until_ready(f(known))
    yield "JAX, coloured", lambda: jax.block_until_ready(f(known)), time.perf_counter() - begin


RIVALS = {"casadi": casadis, "jax": jaxs}
PROBLEMS = [
    ("with gradient", 300, "Rosenbrock 300, value, gradient, Hessian"),
    ("hessian", 1000, "Rosenbrock 1 000, Hessian"),
    ("brusselator", GRID * GRID, "Brusselator 32 x 32, Jacobian"),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args(arguments)
    for _ in ours("with gradient", 4, np.zeros(4)):
        pass  # what is imported on first use is no part of a build
    for problem, size, title in PROBLEMS:
        shape = (2, GRID, GRID) if problem == "brusselator" else (size,)
        value = np.random.default_rng(0).uniform(1.0, 2.0, shape)
        found = list(ours(problem, size, value))
        for module, rival in RIVALS.items():
            if find_spec(module) is not None:
                found += rival(problem, size, value)
        timings = paired({name: run for name, run, _ in found}, rounds=options.rounds)
        base = timings["symgraph"]
        rows: list[list[str]] = []
        for name, _, built in found:
            timing = timings[name]
            ratio = f"{timing.ratio_to(base):.2f}"
            rows.append([name, quantity(built), quantity(timing.median), ratio])
        print(table((title, "built in", "a call", "by ours"), rows), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
