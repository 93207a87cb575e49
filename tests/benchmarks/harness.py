"""Paired timings, counted lines, printed tables."""

import ast
import contextlib
import gc
import inspect
import statistics
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Thunk = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """One contender's samples, CPU seconds a call; sample i of all contenders is one round."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def ratio_to(self, base: "Timing") -> float:
        """Median over rounds of own time by the base's: what drifts in a round cancels."""
        return statistics.median(a / b for a, b in zip(self.samples, base.samples, strict=True))


def paired(
    contenders: Mapping[str, Thunk], *, rounds: int = 31, sample_seconds: float = 0.01
) -> dict[str, Timing]:
    """Time callables against each other.

    Every round times each contender once, in an order that turns with the round, so that the
    machine's moods hit all alike. One sample is as many calls as fill `sample_seconds`: the same
    number for each, because a single call finds colder caches and pages than the mean of ten.
    Time is CPU time, without the garbage collector.
    """
    calls = max(_calibrate(thunk, sample_seconds) for thunk in contenders.values())
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    with _no_garbage_collection():
        for i in range(rounds):
            for k in range(len(names)):
                name = names[(i + k) % len(names)]
                samples[name].append(_sample(contenders[name], calls))
    return {name: Timing(tuple(values)) for name, values in samples.items()}


def _calibrate(thunk: Thunk, seconds: float) -> int:
    """Count the calls that fill a sample, to within a factor of two."""
    thunk()
    calls = 1
    while _sample(thunk, calls) * calls < seconds / 2:
        calls *= 2
    return calls


def _sample(thunk: Thunk, calls: int) -> float:
    """Time `calls` calls; the loop itself costs some 20 ns a call."""
    repeat = range(calls)
    start = time.process_time()
    for _ in repeat:
        thunk()
    return (time.process_time() - start) / calls


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Stopwatch:
    """Times of stages that follow one another, each taken once.

    >>> watch = Stopwatch()
    >>> watch.lap("nothing")
    >>> watch.seconds["nothing"] < 1
    True
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._mark = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage; the next one starts now."""
        now = time.perf_counter()
        self.seconds[stage] = now - self._mark
        self._mark = now


def count_lines(code: Callable[..., object] | str, function: str | None = None) -> int:
    """Count the lines of code in a function's body.

    Docstrings, comments and blank lines do not count; neither does the signature, which wraps
    by the length of names. A statement over three lines counts three.

    Parameters
    ----------
    code
        A function, or the text of a module.
    function
        Which of the module's functions; the first one unless given.

    Examples
    --------
    >>> count_lines('''
    ... def f(x):
    ...     "Twice."
    ...
    ...     # Why.
    ...     y = (
    ...         2 * x
    ...     )
    ...     return y
    ... ''')
    4
    """
    text = code if isinstance(code, str) else textwrap.dedent(inspect.getsource(code))
    body = _body(ast.parse(text), function)
    first = body[0].lineno
    lines = text.splitlines()[first - 1 : body[-1].end_lineno]
    return sum(1 for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _body(module: ast.Module, function: str | None) -> list[ast.stmt]:
    """Find a function's statements, without its docstring."""
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef) and function in (None, statement.name):
            has_docstring = ast.get_docstring(statement) is not None
            return statement.body[has_docstring:]
    raise LookupError(f"the module defines no function {function or ''}")


def quantity(seconds: float) -> str:
    """Write a time with a unit that suits it.

    >>> quantity(1.5e-6), quantity(0.0123), quantity(2.0)
    ('1.5 µs', '12.3 ms', '2.0 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.{1 if seconds < 100 * size else 0}f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out text in columns, the first to the left and the others to the right.

    >>> print(table(["model", "ratio"], [["linear", "0.9"]]))
    | model  | ratio |
    | ------ | ----: |
    | linear |   0.9 |
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (head, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Write one row."""
    rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join([cells[0].ljust(widths[0]), *rest]) + " |"
