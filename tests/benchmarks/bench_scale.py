"""Graphs of 10⁴ and 10⁵ operations, stage by stage: is every stage linear?

``python -m tests.benchmarks.bench_scale [--sizes N N ...] [GRAPH ...]``

The figures to reach: ten times the nodes take at most twelve times as long in every stage, and
10⁵ nodes less than 15 s in all. Each graph and size runs in a process of its own.
"""

import argparse
import gc
import json
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import symgraph as sg
from tests.benchmarks.harness import Stopwatch, quantity, table

STAGES = ("build", "differentiate", "compile", "call", "pickle", "free")


def chain(x: Any, count: int) -> Any:
    """Apply one function to the result of another, `count` times."""
    for _ in range(count):
        x = np.sin(x)
    return x


def total(x: Any, count: int) -> Any:
    """Add up terms of three operations each: a shift, a sine, the addition."""
    result = x
    for i in range(count // 3):
        result = result + np.sin(x + float(i))
    return result


def diamonds(x: Any, count: int) -> Any:
    """Split the value in two and join it again: 2 ** (count / 3) paths, as many nodes as asked."""
    for _ in range(count // 3):
        x = np.sin(x) + np.cos(x)
    return x


GRAPHS: dict[str, Callable[[Any, int], Any]] = {
    "chain": chain,
    "total": total,
    "diamonds": diamonds,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each graph, or, as the process itself, one sample."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graphs", metavar="GRAPH", nargs="*", default=list(GRAPHS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**4, 10**5])
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.once:
        print(json.dumps(_once(GRAPHS[options.graphs[0]], options.sizes[0])))
        return
    for graph in options.graphs:
        print(_report(graph, [_in_a_fresh_process(graph, size) for size in options.sizes]))
        print()


def _report(graph: str, samples: list[dict[str, float]]) -> str:
    """Lay out the stages; the last column is the largest size over the smallest."""
    head = [graph, *(f"{sample['count']:.0f}" for sample in samples), "ratio"]
    rows = []
    for stage in (*STAGES, "in all"):
        times = [sample[stage] for sample in samples]
        rows.append([stage, *map(quantity, times), f"{times[-1] / times[0]:.1f}"])
    memory = [sample["megabytes"] for sample in samples]
    rows.append(["memory", *(f"{m:.0f} MB" for m in memory), f"{memory[-1] / memory[0]:.1f}"])
    return table(head, rows)


def _in_a_fresh_process(graph: str, size: int) -> dict[str, float]:
    """Run one sample where no other has grown the heap or filled a cache."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_scale", graph]
    command += ["--sizes", str(size), "--once"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _once(graph: Callable[[Any, int], Any], count: int) -> dict[str, float]:
    """Time each stage once."""
    watch = Stopwatch()
    x = sg.placeholder("x")
    y = graph(x, count)
    watch.lap("build")
    value, gradient = sg.value_and_grad(y, x)
    watch.lap("differentiate")
    function = sg.function([x], [value, gradient])
    watch.lap("compile")
    function(0.5)
    watch.lap("call")
    pickle.loads(pickle.dumps(function))
    watch.lap("pickle")
    del x, y, value, gradient, function
    gc.collect()
    watch.lap("free")

    # Kilobytes on Linux, bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    in_all = sum(watch.seconds.values())
    return watch.seconds | {"in all": in_all, "count": count, "megabytes": peak}


if __name__ == "__main__":
    main()
