"""``import symgraph`` over ``import numpy``: whole processes, medians of interleaved pairs.

``python -m tests.benchmarks.bench_import [--rounds N] [--modules N]``

The figure to reach is 1.5, with neither SymPy nor SciPy loaded; exits 1 if either is.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.harness import quantity, table

UNWANTED = ("sympy", "scipy", "matplotlib", "IPython")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the times, the dearest modules, and what should not have been loaded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--modules", type=int, default=10)
    options = parser.parse_args(arguments)
    print(_times(options.rounds))
    print()
    print(_dearest_modules(options.modules))
    loaded = _loaded_unwanted()
    print(f"\nloaded though unwanted: {', '.join(loaded) or 'none'}")
    return 1 if loaded else 0


def _times(rounds: int) -> str:
    """Compare whole processes, and what is above an empty one."""
    statements = {"nothing": "pass", "numpy": "import numpy", "symgraph": "import symgraph"}
    for statement in statements.values():
        _process_seconds(statement)  # writes the bytecode, and fills the disk's cache
    samples: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            samples[name].append(_process_seconds(statement))
    rows = []
    for name, times in samples.items():
        ratio = statistics.median(a / b for a, b in zip(times, samples["numpy"], strict=True))
        rows.append([name, quantity(statistics.median(times)), f"{ratio:.2f}"])
    return table(("import", "process", "over numpy"), rows)


def _process_seconds(statement: str) -> float:
    """Time a Python process that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def _dearest_modules(count: int) -> str:
    """List symgraph's modules, and others beyond NumPy's, by the time they take themselves."""
    of_numpy = {module for module, _ in _import_times("import numpy")}
    times = [row for row in _import_times("import symgraph") if row[0] not in of_numpy]
    times.sort(key=lambda row: -row[1])
    rows = [[module, quantity(microseconds * 1e-6)] for module, microseconds in times[:count]]
    return table(("module beyond numpy's", "itself"), rows)


def _import_times(statement: str) -> list[tuple[str, int]]:
    """Ask the interpreter for every import's own time in microseconds."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    rows = [line.removeprefix("import time:").split("|") for line in report.splitlines()[1:]]
    return [(module.strip(), int(own)) for own, _, module in rows]


def _loaded_unwanted() -> list[str]:
    """Name the optional packages that importing symgraph brought with it."""
    code = f"import sys, symgraph; print(*(m for m in {UNWANTED!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.split()


if __name__ == "__main__":
    sys.exit(main())
