"""How many bits of a formula are right, as it is written and as it is compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias, cast

import numpy as np

from symgraph.differentiate import grad
from symgraph.errors import InputError
from symgraph.exact import exact, is_pointwise, mpmath
from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, as_node, placeholder, topological
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.graph.sizes import dim_names, evaluate
from symgraph.graph.types import DType, as_integer
from symgraph.pipeline import Options, Strictness, prepare
from symgraph.transforms import vjp as reverse

__all__ = ["AccuracyReport", "AccuracyRow", "Errors", "accuracy", "doubles", "errors_of"]

Range: TypeAlias = "tuple[float, float]"
Ranges: TypeAlias = "Range | Mapping[Any, Range] | None"

MOST_BITS = 64.0
"""The error of a result that is not finite where the right one is."""


# Points ------------------------------------------------------------------------------------------


def doubles(
    rng: np.random.Generator, count: int, dtype: Any = "float64", within: Range | None = None
) -> np.ndarray[Any, Any]:
    """Random floats by exponent, of both signs, from the smallest subnormal to the largest.

    Parameters
    ----------
    rng : numpy.random.Generator
    count : int
    dtype : data-type, optional
    within : (low, high), optional
        Where they should lie: then half of them are uniform in the interval, and half in the
        exponents. Without it half of them have exponents from -60 to 10, where most functions do
        what they are used for.

    Examples
    --------
    >>> values = doubles(np.random.default_rng(0), 1000)
    >>> bool(abs(values).min() < 1e-300), bool(abs(values).max() > 1e300)
    (True, True)
    """
    kind = np.dtype(dtype)
    info = np.finfo(kind)
    half = count // 2
    if within is None:
        exponents = np.concatenate(
            [
                rng.integers(info.minexp - info.nmant, info.maxexp, count - half),
                rng.integers(-60, 10, half),
            ]
        )
        sizes = np.ldexp(rng.uniform(1, 2, count), exponents)
        return (sizes * rng.choice([-1.0, 1.0], count)).astype(kind)
    low, high = [float(end) for end in within]
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise InputError("accuracy: a range", expected="two finite numbers, low <= high",
                         got=repr(within))  # fmt: skip
    even = low + (high - low) * rng.uniform(0, 1, half)
    if not np.isfinite(high - low):
        even = rng.uniform(0, 1, half) * high + rng.uniform(0, 1, half) * low
    places = rng.uniform(_place(low), _place(high), count - half)
    chosen = np.concatenate([_at_place(places), even])
    return np.clip(chosen, low, high).astype(kind)


def _place(value: float) -> float:
    """A double on a scale of exponents: its number among all doubles, in binades."""
    bits = int(np.float64(abs(value)).view(np.int64))
    return float(np.copysign(bits / 2.0**52, value))


def _at_place(places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    bits = (np.abs(places) * 2.0**52).astype(np.int64)
    return np.copysign(bits.view(np.float64), places)


# Errors ------------------------------------------------------------------------------------------


@dataclass
class Errors:
    """The errors of two computations of one value at many points.

    Attributes
    ----------
    before, after : array
        Units in the last place of the right value; infinite where a result is not finite.
    wanted : array
        The right values, NaN where there is none or it is out of the range of the dtype.
    found_before, found_after : array
    """

    before: np.ndarray[Any, Any]
    after: np.ndarray[Any, Any]
    wanted: np.ndarray[Any, Any]
    found_before: np.ndarray[Any, Any]
    found_after: np.ndarray[Any, Any]

    @property
    def defined(self) -> np.ndarray[Any, Any]:
        """Where there is a right value."""
        return ~np.isnan(self.wanted)


def bits(ulps: Any, dtype: Any = "float64") -> Any:
    """Bits of error: the logarithm of one and the units in the last place.

    As many as the dtype has where no digit is right, 64 where the result is not finite.
    """
    size = np.asarray(ulps, dtype=float)
    found = np.minimum(np.log2(1.0 + np.minimum(size, 1e300)), np.finfo(dtype).nmant + 1.0)
    return np.where(np.isfinite(size), found, MOST_BITS)


def _ulps(found: Any, wanted: Any, dtype: DType) -> float:
    """Distance in units of the last place of the right value."""
    if not np.isfinite(found):
        return float("inf")
    with np.errstate(all="ignore"):
        place = float(np.spacing(np.abs(dtype.type(wanted))))
    mp = mpmath()
    with mp.workdps(60):
        return float(abs(mp.mpf(float(found)) - wanted) / mp.mpf(place))


def errors_of(
    before: Node,
    after: Node,
    values: Mapping[Node, Any],
    sizes: Mapping[str, int] | None = None,
    meaning: Node | None = None,
) -> Errors:
    """Errors of two graphs against the real function that one of them stands for.

    Parameters
    ----------
    before, after : Node
    values : mapping
        Of the placeholders; arrays of points where the graph is a formula of scalars.
    sizes : mapping, optional
    meaning : Node, optional
        What is right; by default `before`.
    """
    right = before if meaning is None else meaning
    dtype = before.dtype
    with np.errstate(all="ignore"):
        first = np.asarray(interpret([before], values, sizes or _sizes(right, values))[0])
        second = np.asarray(interpret([after], values, sizes or _sizes(right, values))[0])
    (true,) = exact([right], values, sizes)
    shape = np.broadcast_shapes(first.shape, second.shape, true.shape)
    flat = [np.broadcast_to(array, shape).ravel() for array in (first, second, true)]
    count = flat[0].size
    old, new, wanted = (np.full(count, np.nan) for _ in range(3))
    largest = float(np.finfo(dtype).max)
    mp = mpmath()
    for i, (one, other, value) in enumerate(zip(*flat, strict=True)):
        if mp.isnan(value) or abs(value) > largest:
            continue
        wanted[i] = float(value)
        old[i], new[i] = _ulps(one, value, dtype), _ulps(other, value, dtype)
    return Errors(old, new, wanted, flat[0], flat[1])


def _sizes(node: Node, values: Mapping[Node, Any]) -> Mapping[str, int] | None:
    return {} if is_pointwise([node]) else None


# Report ------------------------------------------------------------------------------------------


@record
class AccuracyRow:
    """The errors of one value or gradient, in bits.

    Attributes
    ----------
    name : str
        ``value``, or ``d_<name>`` for a gradient.
    points : int
        Points at which there is a right value within the range of the dtype.
    average_before, average_after, worst_before, worst_after : float
        As written and as compiled; 1 bit is half of the digits' last place lost, 64 that the
        result is not finite.
    at_before, at_after : str
        Where the worst is: the inputs, what was computed, and what is right.
    lost : float
        The most by which the compiled form is worse than the written one at a point.
    at_lost : str
    """

    name: str
    points: int
    average_before: float
    average_after: float
    worst_before: float
    worst_after: float
    at_before: str
    at_after: str
    lost: float
    at_lost: str


@dataclass(frozen=True)
class AccuracyReport:
    """Bits of error before and after simplification; prints as text, shows as HTML.

    Attributes
    ----------
    rows : list of AccuracyRow
        The value, then the gradients if they were asked for.
    strictness : str
    """

    rows: list[AccuracyRow]
    strictness: str

    def __getitem__(self, name: str) -> AccuracyRow:
        """The row of that name."""
        return next(row for row in self.rows if row.name == name)

    def __str__(self) -> str:
        lines = [f"{'bits of error':<28}{'average':>8}{'worst':>8}   worst at"]
        for row in self.rows:
            for label, average, worst, where in _lines(row):
                lines.append(f"{label:<28}{average:>8.2f}{worst:>8.2f}   {where}")
            if row.lost > 1:
                lines.append(f"  worse by {row.lost:.1f} bits at {row.at_lost}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cells = [
            f"<tr><td>{escape(label)}</td><td>{average:.2f}</td><td>{worst:.2f}</td>"
            f'<td style="text-align: left"><code>{escape(where)}</code></td></tr>'
            for row in self.rows
            for label, average, worst, where in _lines(row)
        ]
        head = "".join(f"<th>{name}</th>" for name in ("bits of error", "average", "worst"))
        return (
            f'<table><tr>{head}<th style="text-align: left">worst at</th></tr>'
            f"{''.join(cells)}</table>"
        )


def _lines(row: AccuracyRow) -> Sequence[tuple[str, float, float, str]]:
    return (
        (f"{row.name}, as written", row.average_before, row.worst_before, row.at_before),
        (f"{row.name}, as compiled", row.average_after, row.worst_after, row.at_after),
    )


@dataclass
class _Collected:
    """The errors of one output at all points, with a text for every point."""

    errors: list[Errors]
    texts: list[Callable[[int], str]]

    def row(self, name: str) -> AccuracyRow:
        found = [
            (old, new, errors, text, i)
            for errors, text in zip(self.errors, self.texts, strict=True)
            for i, (old, new) in enumerate(
                zip(bits(errors.before), bits(errors.after), strict=True)
            )
            if errors.defined[i]
        ]
        if not found:
            nan = float("nan")
            return AccuracyRow(name, 0, nan, nan, nan, nan, "", "", 0.0, "")
        before = max(found, key=lambda f: f[0])
        after = max(found, key=lambda f: f[1])
        lost = max(found, key=lambda f: f[1] - f[0])
        return AccuracyRow(
            name,
            len(found),
            float(np.mean([f[0] for f in found])),
            float(np.mean([f[1] for f in found])),
            float(before[0]),
            float(after[1]),
            _described(before[2], before[3], before[4], after=False),
            _described(after[2], after[3], after[4], after=True),
            float(lost[1] - lost[0]),
            _described(lost[2], lost[3], lost[4], after=True),
        )


def _described(errors: Errors, text: Callable[[int], str], i: int, *, after: bool) -> str:
    found = (errors.found_after if after else errors.found_before)[i]
    return f"{text(i)}: {float(found):.6g}, right {errors.wanted[i]:.6g}"


# The public function -----------------------------------------------------------------------------


@public
def accuracy(
    function: Any,
    ranges: Ranges = None,
    *,
    gradients: bool = False,
    strictness: Strictness = "accurate",
    samples: int = 400,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> AccuracyReport:
    """Measure a formula: bits of error as it is written, and as it is compiled.

    The inputs are random doubles by exponent, of both signs, from subnormal to the largest. What
    is right is computed by mpmath from the formula as written, with more digits until the result
    is stable.

    Parameters
    ----------
    function : Node or callable
        A node, or a plain NumPy function of scalars, one for each parameter.
    ranges : (low, high), or mapping from names or placeholders to such pairs, optional
        Where the inputs lie; one pair is for all of them. By default anywhere.
    gradients : bool, optional
        Also of the derivative by each input (of the sum, where the value is an array).
    strictness : {"bitwise", "accurate", "real"}, optional
        Which rewrites are used.
    samples : int, optional
        How many points. Graphs of arrays are slower, and a quarter of the points is enough: every
        element is compared.
    sizes : mapping, optional
        Values of symbolic sizes; 4 for those that are not given.
    seed : int, optional

    Returns
    -------
    AccuracyReport

    Raises
    ------
    InputError
        If `function` has no real floating-point inputs and result, or a range is no interval.
    UnsupportedError
        If an operation has no value in more digits (linear algebra).

    Examples
    --------
    >>> report = accuracy(lambda x: np.exp(x) - 1, (1e-10, 1e-5))
    >>> bool(report["value"].worst_before > 20), bool(report["value"].worst_after < 2)
    (True, True)
    """
    node = _as_output(function)
    inputs = [n for n in topological([node]) if isinstance(n.op, Placeholder)]
    floats = [n for n in inputs if n.dtype.kind == "f"]
    if node.dtype.kind != "f" or not floats or any(n.dtype.kind == "c" for n in inputs):
        raise InputError("accuracy", expected="a real value of real inputs", got=repr(node))
    within = _ranges(ranges, inputs)
    total = node.sum() if node.ndim else node
    pairs: list[tuple[str, Node, Node]] = [("value", node, node)]
    if gradients:
        naive = cast("list[Node]", reverse.grad(total, floats, unconnected="zero"))
        ours = cast("list[Node]", grad(total, floats, unconnected="zero"))
        pairs += [
            (f"d_{by.op.label}", old, new) for by, old, new in zip(floats, naive, ours, strict=True)
        ]
    compiled = prepare([new for _, _, new in pairs], Options(strictness)).outputs
    rng = np.random.default_rng(as_integer(seed, "a seed"))
    rows: list[AccuracyRow] = []
    pointwise = is_pointwise([node])
    points = list(_points(rng, inputs, within, samples, sizes, pointwise))
    for (name, old, _), new in zip(pairs, compiled, strict=True):
        collected = _Collected([], [])
        for values, known in points:
            errors = errors_of(old, new, values, known)
            collected.errors.append(errors)
            collected.texts.append(_text(values, pointwise))
        rows.append(collected.row(name))
    return AccuracyReport(rows, strictness)


def _as_output(function: Any) -> Node:
    if isinstance(function, Node):
        return function
    if not callable(function):
        raise InputError("accuracy", expected="a node or a function", got=repr(function))
    names = list(inspect.signature(function).parameters)
    return as_node(function(*[placeholder(name) for name in names]))


def _ranges(ranges: Ranges, inputs: Sequence[Node]) -> dict[Node, Range]:
    if ranges is None:
        return {}
    if not isinstance(ranges, Mapping):
        return dict.fromkeys(inputs, ranges)
    found: dict[Node, Range] = {}
    for key, pair in ranges.items():
        named = [n for n in inputs if n is key or (isinstance(key, str) and n.op.label == key)]
        if not named:
            raise InputError(
                "accuracy: a range for what is no input",
                expected=", ".join(n.op.label for n in inputs),
                got=repr(key),
            )
        found[named[0]] = pair
    return found


def _points(
    rng: np.random.Generator,
    inputs: Sequence[Node],
    within: Mapping[Node, Range],
    samples: int,
    sizes: Mapping[str, int] | None,
    pointwise: bool,
) -> Any:
    """Values of the inputs, with the sizes: all points at once for a formula of scalars."""
    if pointwise:
        yield {n: _drawn(rng, n, (samples,), within.get(n)) for n in inputs}, {}
        return
    names = {name for n in inputs for dim in n.shape for name in dim_names(dim)}
    known = dict.fromkeys(names, _SIZE) | dict(sizes or {})
    for _ in range(max(1, samples // 4)):
        yield (
            {
                n: _drawn(rng, n, tuple([evaluate(d, known) for d in n.shape]), within.get(n))
                for n in inputs
            },
            known,
        )


_SIZE = 4


def _drawn(
    rng: np.random.Generator, node: Node, shape: tuple[int, ...], within: Range | None
) -> np.ndarray[Any, Any]:
    count = int(np.prod(shape))
    if node.dtype.kind == "f":
        return doubles(rng, count, node.dtype, within).reshape(shape)[()]
    if node.dtype.kind == "b":
        return (rng.uniform(size=shape) < 0.5)[()]
    low, high = (0, 3) if within is None else [int(end) for end in within]
    return rng.integers(low, high + 1, shape).astype(node.dtype)[()]


def _text(values: Mapping[Node, Any], pointwise: bool) -> Callable[[int], str]:
    """The inputs at the point of a number, as text; all of them where the inputs are arrays."""

    def text(i: int) -> str:
        parts = [
            f"{node.op.label} = {_shown(np.asarray(value)[i] if pointwise else np.asarray(value))}"
            for node, value in values.items()
        ]
        return ", ".join(parts)

    return text


def _shown(value: Any) -> str:
    if np.ndim(value) == 0:
        return f"{value.item():.17g}" if value.dtype.kind == "f" else str(value.item())
    return np.array2string(value, precision=6, separator=", ", threshold=8).replace("\n", "")
