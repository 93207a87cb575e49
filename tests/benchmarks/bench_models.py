"""Emitted value and gradient against hand-written NumPy: lines, and run time.

``python -m tests.benchmarks.bench_models [--spellings] [--source] [--rounds N] [MODEL ...]``

The figures to reach: at most 1.5 times the lines, at most 1.0 times the time. "Emitted" is the
emitted function itself, "checked" the same with the checks of its arguments. A MODEL is the
beginning of a name; ``--spellings`` adds the other ways to write each loss, ``--source`` prints
what was emitted.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.benchmarks.harness import count_lines, paired, quantity, table
from tests.benchmarks.models import MODELS, Model

HEAD = (
    "model",
    "lines by hand",
    "emitted",
    "ratio",
    "small by hand",
    "emitted",
    "checked",
    "large by hand",
    "emitted",
    "checked",
    "largest error",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", metavar="MODEL", nargs="*", default=[""])
    parser.add_argument("--spellings", action="store_true")
    parser.add_argument("--source", action="store_true")
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args(arguments)
    chosen = [m for m in MODELS if m.name.lower().startswith(tuple(map(str.lower, options.models)))]
    rows = []
    for model in chosen:
        for label, loss in _losses(model, options.spellings):
            function = model.emitted(loss)
            if options.source:
                print(f"# {label}\n{function.source}")
            rows.append(_row(label, model, function, options.rounds))
    print(table(HEAD, rows))


def _losses(model: Model, spellings: bool) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give the loss, and its other spellings if they are wanted."""
    yield model.name, model.loss
    if spellings:
        for spelling, loss in model.spellings.items():
            yield f"{model.name}, {spelling}", loss


def _row(label: str, model: Model, function: Any, rounds: int) -> list[str]:
    """Measure one function against its hand-written rival."""
    by_hand = count_lines(model.hand)
    emitted = count_lines(function.source)
    cells = [label, str(by_hand), str(emitted), f"{emitted / by_hand:.2f}"]
    error = 0.0
    for sizes in (model.small, model.large):
        values = tuple(model.arguments(sizes).values())
        error = max(error, _error(function(*values), model.hand(*values)))
        timings = paired(
            {
                "hand": lambda values=values: model.hand(*values),
                "emitted": lambda values=values: function.__wrapped__(*values),
                "checked": lambda values=values: function(*values),
            },
            rounds=rounds,
        )
        hand = timings["hand"]
        cells.append(quantity(hand.median))
        cells += [f"{timings[name].ratio_to(hand):.2f}" for name in ("emitted", "checked")]
    return [*cells, f"{error:.0e}"]


def _error(actual: Sequence[Any], expected: Sequence[Any]) -> float:
    """Find the largest difference, as a part of the largest entry of its array."""
    return max(
        float(np.max(np.abs(a - e)) / np.max(np.abs(e)))
        for a, e in zip(actual, expected, strict=True)
    )


if __name__ == "__main__":
    main()
