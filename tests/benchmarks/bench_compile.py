"""A three-layer MLP from nothing to its first gradient, after import, in fresh processes.

``python -m tests.benchmarks.bench_compile [--rounds N]``

The figure to reach is 0.1 s in all (stretch 0.05), without SymPy. The sizes are the benchmark's
small ones, so that the time is the compiler's; a last row gives the computation at the large ones.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence

import symgraph as sg
from tests.benchmarks.harness import Stopwatch, quantity, table
from tests.benchmarks.models import MODELS

STAGES = ("build", "differentiate", "compile", "first call", "in all", "second call", "large call")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print medians over processes, or, as the process itself, one sample."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.once:
        print(json.dumps(_once()))
    else:
        _report([_in_a_fresh_process() for _ in range(options.rounds)])


def _report(samples: list[dict[str, float]]) -> None:
    """Print a row for each stage."""
    rows = [[stage, quantity(statistics.median(s[stage] for s in samples))] for stage in STAGES]
    print(table(("three-layer MLP", "median"), rows))
    print(f"sympy loaded: {'yes' if any(s['sympy'] for s in samples) else 'no'}")


def _in_a_fresh_process() -> dict[str, float]:
    """Run one cold sample."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_compile", "--once"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _once() -> dict[str, float]:
    """Time each stage once, cold."""
    model = next(m for m in MODELS if m.name == "three-layer MLP")
    values = tuple(model.arguments(model.small).values())
    large = tuple(model.arguments(model.large).values())

    watch = Stopwatch()
    arguments = model.placeholders()
    loss = model.loss(*arguments.values())
    watch.lap("build")
    value, gradients = sg.value_and_grad(loss, [arguments[name] for name in model.wrt])
    watch.lap("differentiate")
    function = sg.function(list(arguments.values()), [value, *gradients])
    watch.lap("compile")
    function(*values)
    watch.lap("first call")
    in_all = sum(watch.seconds.values())
    function(*values)
    watch.lap("second call")
    function(*large)
    watch.lap("large call")
    return watch.seconds | {"in all": in_all, "sympy": "sympy" in sys.modules}


if __name__ == "__main__":
    main()
