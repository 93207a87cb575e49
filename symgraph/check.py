"""Derivatives compared with numerical ones of the graph as it was written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np

from symgraph.differences import Differences, Slope
from symgraph.differentiate import jvp, vjp
from symgraph.emit.document import CAUTION, MOST, ROUNDINGS
from symgraph.errors import DerivativeError, InputError
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph, flatten_nodes
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, placeholder, topological
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.graph.side import GRADIENT_OF
from symgraph.graph.tree import flatten, unflatten
from symgraph.graph.types import TensorType, as_dtype, as_integer
from symgraph.ops.bodies import stand_ins
from symgraph.pipeline import Options, prepare

__all__ = [
    "CheckReport",
    "CheckRow",
    "GradientEntry",
    "check_function",
    "check_gradients",
    "gradient_entries",
]

ELEMENTS = 50
"""Elements of one gradient that are compared; of more, these are sampled."""

Mode = Literal["jvp", "vjp"]
Array = np.ndarray[Any, Any]


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
    """The comparison of one derivative.

    Attributes
    ----------
    name : str
        The variable, or the output.
    error : float
        Largest difference.
    index : tuple of int
        The worst element.
    exact, difference : complex
        The derivative there, and the numerical one.
    tolerance : float
        What the difference may be there, from the error of the numerical method.
    what : str
        Which derivative: ``gradient by``, ``jvp of``, ``vjp by``.
    method : str
        ``complex step``, ``differences`` or ``transpose``.
    """

    name: str
    error: float
    index: tuple[int, ...]
    exact: complex
    difference: complex
    tolerance: float
    what: str = "gradient by"
    method: str = "differences"

    @property
    def ok(self) -> bool:
        """Whether the derivative agrees."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        place = f", worst at {list(self.index)}" if self.index else ""
        return (
            f"{self.what} {self.name}: error {self.error:.1e}{place}: {self.exact:.10g}, "
            f"by {self.method} {self.difference:.10g}"
            f"{'' if self.ok else f'  FAILED (tolerance {self.tolerance:.1e})'}"
        )


@record
class CheckReport:
    """What a check found; prints as a table.

    Attributes
    ----------
    rows : list of CheckRow
    """

    rows: list[CheckRow]

    @property
    def ok(self) -> bool:
        """Whether every derivative agrees; true if there is none."""
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> CheckRow | None:
        """The row whose error is largest for its tolerance."""
        return max(self.rows, key=lambda row: row.error / row.tolerance, default=None)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if not self.rows:
            return "no gradient to compare"
        return "\n".join([*map(str, self.rows), "passed" if self.ok else "FAILED"])


def _row(name: str, what: str, index: tuple[int, ...], exact: Any, slope: Slope) -> CheckRow:
    """The comparison of a derivative along one direction with the numerical one, at its worst."""
    exact = np.asarray(exact)
    with np.errstate(all="ignore"):
        error = np.abs(exact - slope.values)
        size = np.max(np.abs(slope.values), initial=np.max(np.abs(exact), initial=1.0))
        precision = _precision(exact)
        allowed = np.minimum(CAUTION * slope.errors, MOST * size) + ROUNDINGS * precision * size
        excess = np.where(np.isfinite(error), error / allowed, np.inf)
    if not exact.size:
        return CheckRow(name, 0.0, (), 0.0, 0.0, float(ROUNDINGS * precision), what, slope.method)
    worst = np.unravel_index(int(np.argmax(excess)), exact.shape)
    place = tuple([int(i) for i in worst])
    difference = float(error[place]) if np.isfinite(error[place]) else np.inf
    return CheckRow(
        name,
        difference,
        index or place,
        exact[place].item(),
        slope.values[place].item(),
        float(allowed[place]),
        what,
        slope.method,
    )


def _precision(array: Array) -> float:
    return float(np.finfo(cast("np.dtype[np.floating[Any]]", array.dtype)).eps)


def _by_elements(name: str, what: str, numeric: Differences, by: Node, gradient: Array) -> CheckRow:
    """The comparison of a gradient of the one scalar output, at the worst of its elements."""
    point = np.asarray(numeric.point[by])
    indices: list[tuple[int, ...]] = list(np.ndindex(point.shape))
    if len(indices) > ELEMENTS:
        picked = np.random.default_rng(0).choice(len(indices), ELEMENTS, replace=False)
        indices = [indices[i] for i in picked]
    size = np.max(np.abs(gradient), initial=0.0)
    rows: list[CheckRow] = []
    for index in indices:
        step = np.zeros(point.shape)
        step[index] = 1.0
        (slope,) = numeric.along({by: step})
        # The gradient of a real value by a complex variable: its real part goes with a real step.
        exact = cast("Array", np.asarray(np.real(gradient))[(*index, ...)])
        precision = _precision(exact)
        floor = np.maximum(slope.errors, size * precision)
        rows.append(_row(name, what, index, exact, Slope(slope.values, floor, slope.method)))
    empty = CheckRow(name, 0.0, (), 0.0, 0.0, 1.0, what)
    return max(rows, key=lambda row: row.error / row.tolerance, default=empty)


# A compiled function -----------------------------------------------------------------------------


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


def check_function(
    graph: Graph,
    entries: Sequence[GradientEntry],
    arguments: Sequence[Any],
    run: Callable[..., Sequence[Any]],
) -> CheckReport:
    """Compare the gradients that a compiled function gives with numerical ones.

    The reference is the user's own graph, evaluated node by node, so that a wrong rewrite shows
    as well as a wrong derivative.

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
    point = dict(zip(graph.inputs, arguments, strict=True))
    rows: list[CheckRow] = []
    for entry in entries:
        by = graph.inputs[entry.input]
        numeric = Differences([entry.of], point)
        gradient = np.asarray(results[entry.output])
        rows.append(_by_elements(by.op.label, "gradient by", numeric, by, gradient))
    return CheckReport(rows)


# Any function, any node -------------------------------------------------------------------------


@public
def check_gradients(
    function: Any,
    point: Any,
    *,
    order: int = 1,
    modes: Sequence[Mode] = ("jvp", "vjp"),
    seed: int = 0,
) -> CheckReport:
    """Compare derivatives of a function, or of nodes, with numerical ones at a point.

    The numerical ones are of the graph as it was written, by a complex step where every operation
    is analytic, by extrapolated differences elsewhere; the tolerances follow from the error of the
    method. The derivatives are those that `jvp` and `vjp` give, after every rewrite. With both
    modes, each is compared with the transpose of the other as well.

    Parameters
    ----------
    function : callable, Graph, or tree of Node
        A function of arrays, written with NumPy's functions; or outputs.
    point : tuple, dict or array
        For a callable its arguments: a tuple of them, a dict by name, or the only one. For nodes a
        dict from placeholders or their names to arrays; for a graph a tuple will do as well.
    order : {1, 2}
        Whether the derivatives of the gradient are compared, too.
    modes : sequence of {"jvp", "vjp"}
    seed : int
        Of the random directions.

    Returns
    -------
    CheckReport
        Prints as a table with the worst element of each; ``report.ok`` is the verdict.

    Raises
    ------
    InputError
        If the point does not give a value to every placeholder, or an option is unknown.
    DerivativeError
        If no real output depends on a real input.

    Examples
    --------
    >>> import symgraph as sg
    >>> report = sg.check_gradients(lambda x: np.sum(np.exp(x) * x), np.ones(3), order=2)
    >>> report.ok
    True
    """
    if order not in (1, 2) or not modes or not set(modes) <= {"jvp", "vjp"}:
        raise InputError(
            "check_gradients: an option is unknown",
            expected="order 1 or 2; modes 'jvp', 'vjp' or both",
            got=f"order={order!r}, modes={modes!r}",
        )
    outputs, values, names = _outputs_at(function, point)
    ys = [(name, y) for name, y in zip(names, outputs, strict=True) if y.dtype.kind == "f"]
    reached = set(topological([y for _, y in ys]))
    xs = [x for x in values if x in reached and x.dtype.kind == "f"]
    if not ys or not xs:
        raise DerivativeError("check_gradients: no real output depends on a real input")
    check = _Comparison(values, xs, modes, np.random.default_rng(as_integer(seed, "a seed")))
    check.compare([y for _, y in ys], [name for name, _ in ys], "")
    if order == 2:
        weights = [check.random_like(y) for _, y in ys]
        gradients = vjp([y for _, y in ys], xs, weights, unconnected="zero")
        check.compare(gradients, [f"gradient by {x.op.label}" for x in xs], "second ")
    return CheckReport(check.rows)


class _Comparison:
    """All comparisons at one point."""

    def __init__(
        self,
        point: Mapping[Node, Any],
        xs: Sequence[Node],
        modes: Sequence[Mode],
        rng: np.random.Generator,
    ) -> None:
        self.point, self.xs, self.modes, self.rng = dict(point), list(xs), modes, rng
        self.rows: list[CheckRow] = []

    def random_like(self, node: Node) -> Node:
        """A placeholder of a node's type, and in the point a random value for it."""
        (value,) = self._values([node])
        seed = placeholder(f"direction_{len(self.point)}", node.shape, node.dtype)
        self.point[seed] = np.asarray(self.rng.standard_normal(value.shape), node.dtype)[()]
        return seed

    def compare(self, ys: Sequence[Node], names: Sequence[str], order: str) -> None:
        """One order of derivatives in every mode."""
        tangents = [self.random_like(x) for x in self.xs]
        weights = [self.random_like(y) for y in ys]
        if len(ys) == 1 and not ys[0].ndim:  # then the numbers are those of the gradient
            self.point[weights[0]] = ys[0].dtype.type(1)
        pushed: list[Array] = []
        pulled: list[Array] = []
        if "jvp" in self.modes:
            nodes = jvp(list(ys), self.xs, tangents, unconnected="zero")
            pushed = self._values(prepare(nodes, Options()).outputs)
            direction = {x: self.point[t] for x, t in zip(self.xs, tangents, strict=True)}
            slopes = Differences(ys, self.point).along(direction)
            for name, exact, slope in zip(names, pushed, slopes, strict=True):
                self.rows.append(_row(name, f"{order}jvp of", (), exact, slope))
        if "vjp" in self.modes:
            nodes = vjp(list(ys), self.xs, weights, unconnected="zero")
            pulled = self._values(prepare(nodes, Options()).outputs)
            total = _weighted(ys, weights)
            numeric = Differences([total], self.point)
            for x, exact in zip(self.xs, pulled, strict=True):
                self.rows.append(_by_elements(x.op.label, f"{order}vjp by", numeric, x, exact))
        if pushed and pulled:
            given = [[self.point[seed] for seed in seeds] for seeds in (weights, tangents)]
            self.rows.append(_transposed(order, given[0], pushed, pulled, given[1]))

    def _values(self, nodes: Sequence[Node]) -> list[Array]:
        with np.errstate(all="ignore"):
            return [np.asarray(value) for value in interpret(nodes, self.point)]


def _weighted(ys: Sequence[Node], weights: Sequence[Node]) -> Node:
    terms = [(y.astype(np.float64) * w).sum() for y, w in zip(ys, weights, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _transposed(
    order: str,
    weights: Sequence[Array],
    pushed: Sequence[Array],
    pulled: Sequence[Array],
    tangents: Sequence[Array],
) -> CheckRow:
    """<w, J t> = <Jᵀ w, t>."""
    left = [w.astype(float) * p for w, p in zip(weights, pushed, strict=True)]
    right = [p.astype(float) * t for p, t in zip(pulled, tangents, strict=True)]
    first, second = (float(sum([np.sum(part) for part in parts])) for parts in (left, right))
    size = 1.0 + float(sum([np.sum(np.abs(part)) for part in (*left, *right)]))
    precision = max(map(_precision, (*pushed, *pulled)))
    error = abs(first - second)
    error = error if np.isfinite(error) else np.inf
    return CheckRow(
        "jvp and vjp", error, (), first, second, 1e3 * precision * size, f"{order}products of",
        "transpose",
    )  # fmt: skip


def _outputs_at(function: Any, point: Any) -> tuple[list[Node], dict[Node, Any], list[str]]:
    """Outputs, a value for each placeholder, and names of the outputs."""
    graph = getattr(function, "graph", function)
    if not isinstance(graph, Graph) and callable(function) and not isinstance(function, Node):
        return _traced(function, point)
    if isinstance(graph, Graph):
        outputs, inputs = list(graph.outputs), list(graph.inputs)
        names = [graph.name(node) or f"output {i}" for i, node in enumerate(outputs)]
        if not isinstance(point, Mapping):
            several = isinstance(point, list | tuple) and len(inputs) != 1
            given: list[Any] = list(cast("Sequence[Any]", point)) if several else [point]
            if len(given) != len(inputs):
                raise InputError(
                    "check_gradients: the point has not one value for each input",
                    expected=str(len(inputs)),
                    got=str(len(given)),
                )
            point = dict(zip(inputs, given, strict=True))
    else:
        outputs = flatten_nodes(function, "output")[0]
        names = [f"output {i}" if len(outputs) > 1 else "the output" for i in range(len(outputs))]
        if not isinstance(point, Mapping):
            raise InputError(
                "check_gradients: the point of nodes is a dict",
                expected="{placeholder or name: array}",
                got=type(point).__name__,
            )
        inputs = [n for n in topological(outputs) if isinstance(n.op, Placeholder)]
    known = cast("Mapping[Any, Any]", point)
    values: dict[Node, Any] = {}
    for node in inputs:
        key = next((k for k in (node, node.op.label) if k in known), None)
        if key is None:
            raise InputError(f"check_gradients: the point has no value for {node.op.label}")
        values[node] = np.asarray(known[key], node.dtype)[()]
    return outputs, values, names


def _traced(
    function: Callable[..., Any], point: Any
) -> tuple[list[Node], dict[Node, Any], list[str]]:
    if isinstance(point, Mapping):
        arguments, keywords = (), dict(cast("Mapping[str, Any]", point))
    else:
        arguments = cast("tuple[Any, ...]", point) if isinstance(point, tuple) else (point,)
        keywords = {}
    known = list(inspect.signature(function).bind(*arguments, **keywords).arguments.items())
    # A parameter like *args is named once for all that it takes.
    names = [name for name, _ in known] if len(known) == len(arguments) + len(keywords) else []
    values: dict[Node, Any] = {}

    def node_of(name: str, value: Any) -> Any:
        leaves, form = flatten(value)
        arrays = [np.asarray(leaf) for leaf in leaves]
        nodes = stand_ins(name, value, [TensorType(as_dtype(a.dtype), a.shape) for a in arrays])
        values.update(zip(nodes, [a[()] for a in arrays], strict=True))
        return unflatten(form, nodes)

    given = [
        node_of(names[i] if names else f"argument_{i}", value) for i, value in enumerate(arguments)
    ]
    result = function(*given, **{name: node_of(name, value) for name, value in keywords.items()})
    outputs = flatten_nodes(result, "output")[0]
    labels = [f"output {i}" if len(outputs) > 1 else "the output" for i in range(len(outputs))]
    return outputs, values, labels
