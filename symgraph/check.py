"""Gradients compared with differences of the graph as it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.side import GRADIENT_OF

__all__ = ["CheckReport", "CheckRow", "GradientEntry", "check_gradients", "gradient_entries"]

ELEMENTS = 50
"""Elements of one gradient that are compared; more are sampled."""


@record
class GradientEntry:
    """That one output is the gradient of a value by an input.

    Attributes
    ----------
    output, input : int
        Positions.
    value : int or None
        Position of the value among the outputs, if it is one.
    of : Node
        The value: a gradient does not keep alive what it is the gradient of.
    """

    output: int
    input: int
    value: int | None
    of: Node


@record
class CheckRow:
    """The comparison of one gradient.

    Attributes
    ----------
    name : str
        The variable.
    error : float
        Largest difference, relative to the largest element of the gradient.
    index : tuple of int
        The worst element.
    exact, difference : float
        The gradient there, and the difference quotient.
    """

    name: str
    error: float
    index: tuple[int, ...]
    exact: complex
    difference: complex


@record
class CheckReport:
    """What `Function.check` found; prints as a table.

    Attributes
    ----------
    rows : list of CheckRow
    tolerance : float
    """

    rows: list[CheckRow]
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees; true if there is none."""
        return all(row.error <= self.tolerance for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if not self.rows:
            return "no gradient to compare"
        lines = [
            f"gradient by {row.name}: error {row.error:.1e}, worst at {list(row.index)}: "
            f"{row.exact:.10g}, by differences {row.difference:.10g}"
            for row in self.rows
        ]
        return "\n".join(
            [*lines, "passed" if self.ok else f"FAILED (tolerance {self.tolerance:g})"]
        )


def gradient_entries(graph: Graph) -> list[GradientEntry]:
    """Which outputs are gradients of what by which input."""
    positions = {node: i for i, node in enumerate(graph.inputs)}
    outputs = {node: i for i, node in reversed(list(enumerate(graph.outputs)))}
    found: list[GradientEntry] = []
    used: set[int] = set()
    for place, node in enumerate(graph.outputs):
        for entry in GRADIENT_OF.get(node) or ():
            by, value = entry.by(), None if entry.value is None else entry.value()
            if (
                by is not None
                and by in positions
                and value is not None
                and value.shape == ()
                and positions[by] not in used
            ):
                found.append(GradientEntry(place, positions[by], outputs.get(value), value))
                used.add(positions[by])
                break
    return found


def check_gradients(
    graph: Graph,
    entries: Sequence[GradientEntry],
    arguments: Sequence[Any],
    run: Callable[..., Sequence[Any]],
) -> CheckReport:
    """Compare gradients with central differences.

    The differences are of the user's own graph, evaluated node by node, so that a wrong rewrite
    shows as well as a wrong derivative.

    Parameters
    ----------
    graph : Graph
        As the user wrote it.
    entries : sequence of GradientEntry
    arguments : sequence of array
        The point.
    run : callable
        The compiled function.

    Returns
    -------
    CheckReport
    """
    results = run(*arguments)
    single = any(np.asarray(a).dtype in (np.float32, np.complex64) for a in arguments)
    rows: list[CheckRow] = []
    for entry in entries:
        rows.append(
            _row(graph, entry.of, entry, arguments, np.asarray(results[entry.output]), single)
        )
    return CheckReport(rows, 2e-2 if single else 1e-5)


def _row(
    graph: Graph,
    value: Node,
    entry: GradientEntry,
    arguments: Sequence[Any],
    gradient: np.ndarray[Any, Any],
    single: bool,
) -> CheckRow:
    point = np.asarray(arguments[entry.input])
    indices: list[tuple[int, ...]] = list(np.ndindex(point.shape))
    if len(indices) > ELEMENTS:
        picked = np.random.default_rng(0).choice(len(indices), ELEMENTS, replace=False)
        indices = [indices[i] for i in picked]
    scale = max(1.0, float(np.max(np.abs(gradient), initial=0.0)))
    worst = CheckRow(graph.inputs[entry.input].op.label, 0.0, (), 0.0, 0.0)
    for index in indices:
        difference = _difference(graph, value, entry.input, arguments, index, single)
        exact = gradient[index].item()
        # The gradient of a real value by a complex variable: its real part goes with a real step.
        error = abs(exact.real - difference) / scale
        if not error <= worst.error:
            worst = CheckRow(worst.name, float(error), index, exact, difference)
    return worst


def _difference(
    graph: Graph,
    value: Node,
    place: int,
    arguments: Sequence[Any],
    index: tuple[int, ...],
    single: bool,
) -> float:
    values: list[float] = []
    base = np.asarray(arguments[place])
    step = (1e-2 if single else 1e-6) * max(1.0, abs(complex(base[index])))
    for sign in (1.0, -1.0):
        shifted = base.copy()
        shifted[index] += sign * step
        point = dict(zip(graph.inputs, arguments, strict=True))
        point[graph.inputs[place]] = shifted[()]
        values.append(float(interpret([value], point)[0]))
    return (values[0] - values[1]) / (2 * step)
