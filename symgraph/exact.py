"""The value of a graph in as many digits as it takes, by mpmath.

Each element-wise operation is computed from its SymPy formula, or by mpmath's function of the same
meaning; everything else runs its own NumPy text on arrays of mpmath's numbers. So the answer is
that of the graph as real functions: nothing overflows, and what cancels is computed again with
more digits until two results agree.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.evaluate import bind_sizes, evaluate_node
from symgraph.graph.leaves import Constant, Item, Placeholder, SizeValue
from symgraph.graph.node import Node, topological
from symgraph.graph.sizes import evaluate
from symgraph.graph.types import TupleType
from symgraph.ops.elementwise import AsType, StopGradient, Where
from symgraph.ops.kinds import Elementwise

__all__ = ["exact", "is_pointwise", "mpmath"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_SPANS = (4.0, 20.0, 80.0, 330.0, 900.0)
"""Decimal exponents of what is computed with, rounded up to one of these."""

GROWING = frozenset(("exp", "exp2", "expm1", "sinh", "cosh", "logaddexp", "sigmoid", "softplus"))
"""Operations whose results have exponents as large as their operands are."""


def digits_for(span: float) -> tuple[int, int, int]:
    """Precisions to try where numbers lie between 10**-span and 10**span.

    ``log(1 + x) - x`` has the digits of x**2, which 1 + x holds only from twice the span on; with
    less, two precisions may agree on what is wrong.
    """
    return int(30 + 2.5 * span), int(60 + 5 * span), int(200 + 10 * span)


_AGREE = 25
"""Decimal digits in which two results must agree."""

_MOST_BITS = 4096
"""The magnitude, as a power of two, beyond which an exponential or a sine is not computed: its
result would have more digits than memory."""


@lru_cache(maxsize=1)
def mpmath() -> Any:
    """mpmath, which comes with SymPy; untyped, and loaded when it is first asked for."""
    return import_module("mpmath")


# Functions of one element ------------------------------------------------------------------------

_SAME = (
    "exp log sqrt sin cos tan sinh cosh tanh expm1 log1p hypot atan2 floor ceil sign erf erfc gamma"
).split()
_RENAMED = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
}
_PLAIN: dict[str, Any] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": getattr(operator, "truediv"),  # noqa: B009 - its stub is only partly typed
    "negative": operator.neg,
    "absolute": abs,
    "maximum": max,
    "minimum": min,
}
_CHEAP = frozenset(
    (
        *_PLAIN,
        "square",
        "reciprocal",
        "relu",
        "sqrt",
        "log",
        "log1p",
        "sign",
        "hypot",
        "clip_low",
        "clip_high",
    )
)


def _digamma(x: Any) -> Any:
    mp = mpmath()
    if not x > 0:
        return mp.psi(0, x) if x == mp.floor(x) else _digamma(1 - x) - mp.pi * mp.cot(mp.pi * x)
    ahead = _ahead(x, 4)
    return mp.psi(0, x + ahead) - mp.fsum([1 / (x + k) for k in range(ahead)])


def _gammaln(x: Any) -> Any:
    mp = mpmath()
    if not x > 0:
        return mp.re(mp.loggamma(x))  # of the absolute value of gamma
    ahead = _ahead(x, 2)
    return mp.loggamma(x + ahead) - mp.log(mp.fprod([x + k for k in range(ahead)]))


def _ahead(x: Any, part: int) -> int:
    """How far to go along the recurrence, to where Stirling's series needs few terms.

    Thousands of digits next to 1 take mpmath, which goes less far, a hundred times as long.
    """
    return max(0, mpmath().mp.prec // part - int(min(x, mpmath().mp.prec)))


_FURTHER: dict[str, Callable[[Any], Any]] = {"digamma": _digamma, "gammaln": _gammaln}


@lru_cache(maxsize=512)
def _function(op: Elementwise) -> Callable[..., Any]:
    """The operation on arrays of mpmath's numbers; NaN where it has no finite real value."""
    mp = mpmath()
    if op.name in _PLAIN:
        plain = _PLAIN[op.name]
    elif op.name in _FURTHER:
        plain = _FURTHER[op.name]
    elif op.name in _SAME or op.name in _RENAMED:
        plain = getattr(mp, _RENAMED.get(op.name, op.name))
    else:
        plain = _from_formula(op)
    bounded = op.name not in _CHEAP
    limit = mp.mpf(2) ** _MOST_BITS

    def one(*args: Any) -> Any:
        if bounded and any(isinstance(a, mp.mpf) and abs(a) > limit for a in args):
            return mp.nan
        try:
            found = plain(*args)
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            return mp.nan
        if found is True or found is False:
            return found
        if isinstance(found, int | float):
            found = mp.mpf(found)
        return found if isinstance(found, mp.mpf) and mp.isfinite(found) else mp.nan

    return np.frompyfunc(one, op.arity, 1)


def _from_formula(op: Elementwise) -> Callable[..., Any]:
    sympy: Any = import_module("sympy")
    if not op.formula:
        raise UnsupportedError(
            f"{op.name} has no formula, and so no value in more digits",
            hint="give the operation a formula",
        )
    return sympy.lambdify(op.symbols, op.sympy_formula, "mpmath")


# Graphs ------------------------------------------------------------------------------------------


def is_pointwise(outputs: Sequence[Node]) -> bool:
    """Whether the outputs are formulas of scalars, so that arrays may stand for their inputs."""
    return all(
        not isinstance(node.result_type, TupleType)
        and node.ndim == 0
        and isinstance(
            node.op,
            Elementwise | Where | AsType | StopGradient | Placeholder | Constant | SizeValue,
        )
        for node in topological(outputs)
    )


def _converted(value: Any) -> Any:
    """Floats as mpmath's numbers; integers and booleans as they are."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        raise UnsupportedError("complex values have no exact evaluation")
    if array.dtype.kind != "f":
        return array
    mp = mpmath()
    convert = np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)
    return np.asarray(convert(array), dtype=object)


def _applied(node: Node, operands: Sequence[Any], sizes: Mapping[str, int]) -> Any:
    op = node.op
    if isinstance(op, Elementwise) and any(np.asarray(x).dtype == object for x in operands):
        result = np.asarray(_function(op)(*operands), dtype=object)
        return result.astype(bool) if node.dtype.kind == "b" else result
    if isinstance(op, AsType) and np.asarray(operands[0]).dtype == object:
        if node.dtype.kind == "f":
            return operands[0]
        return np.asarray(operands[0]).astype(node.dtype)
    if isinstance(op, Item):
        return operands[0][op.index]
    simpler = None if isinstance(op, Elementwise) else op.decompose(*node.inputs)
    if simpler is not None:
        return _at_precision([simpler], dict(zip(node.inputs, operands, strict=True)), sizes)[0]
    try:
        result = evaluate_node(node, operands, sizes)
    except (TypeError, AttributeError) as error:
        raise UnsupportedError(f"{op.name} has no value in more digits", got=str(error)) from None
    if isinstance(node.result_type, TupleType):
        return result
    return _converted(result) if np.asarray(result).dtype != object else result


def _at_precision(
    outputs: Sequence[Node], values: Mapping[Node, Any], sizes: Mapping[str, int]
) -> list[Any]:
    """The outputs with the digits of now."""
    known: dict[Node, Any] = dict(values)
    for node in topological(outputs, stop=known.__contains__):
        if node in known:
            continue
        if isinstance(node.op, Constant):
            known[node] = _converted(node.op.value)
        elif isinstance(node.op, SizeValue):
            known[node] = _converted(node.op.dtype.type(evaluate(node.op.size, sizes)))
        else:
            known[node] = _applied(node, [known[i] for i in node.inputs], sizes)
    return [np.asarray(known[node], dtype=object) for node in outputs]


def _settled(last: Array, now: Array) -> Array:
    """Which elements two precisions agree on; a zero may be digits that were lost."""
    mp = mpmath()

    def agree(a: Any, b: Any) -> bool:
        if isinstance(b, bool | int | np.generic):
            return bool(a == b)
        if mp.isnan(a) or mp.isnan(b) or a == 0 or b == 0:
            return False
        return abs(a - b) <= abs(b) * mp.mpf(10) ** -_AGREE

    return np.asarray(np.frompyfunc(agree, 2, 1)(last, now), dtype=bool)


def exact(
    outputs: Sequence[Node], values: Mapping[Node, Any], sizes: Mapping[str, int] | None = None
) -> list[Array]:
    """The outputs as real functions: object arrays of mpmath's numbers, NaN where undefined.

    Parameters
    ----------
    outputs : sequence of Node
        Real; anything whose NumPy text runs on arrays of objects.
    values : mapping
        Arrays of doubles for the placeholders. Where the graph is a formula of scalars, arrays of
        any one shape may stand for them.
    sizes : mapping, optional
        Values of the symbolic sizes; by default read off `values`.

    Raises
    ------
    UnsupportedError
        If an operation has neither a formula nor a text that runs on objects (linear algebra).

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x")
    >>> float(exact([1 - np.cos(x)], {x: 1e-100})[0])
    5e-201
    """
    if is_pointwise(outputs):
        shapes = {np.shape(value) for value in values.values()}
        if len(shapes) == 1 and shapes != {()}:
            return _pointwise(outputs, values, sizes or {})
    given = {node: _converted(value) for node, value in values.items()}
    sizes = bind_sizes(values) if sizes is None else sizes
    grows = _grows(outputs)
    spans = [float(np.max(_span(value, grows), initial=0)) for value in values.values()]
    first, *more = digits_for(_rounded(max([_constant_span(outputs), *spans])))
    with mpmath().workdps(first):
        now = _at_precision(outputs, given, sizes)
    for digits in more:
        with mpmath().workdps(digits):
            last, now = now, _at_precision(outputs, given, sizes)
            if all(np.all(_settled(a, b)) for a, b in zip(last, now, strict=True)):
                break
    return now


def _span(value: Any, grows: bool = False) -> Array:
    """Decimal exponents of floats, without their signs; 0 for zero and for other kinds.

    If exponentials are taken of them, the exponents of those.
    """
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return np.zeros(array.shape)
    size = np.abs(np.asarray(array, dtype=np.float64))
    size = np.where((size > 0) & np.isfinite(size), size, 1.0)
    span = np.abs(np.log10(size))
    if not grows:
        return span
    # What is larger overflows: no number of digits would show what it cancels with.
    return np.where(size < _SPANS[-1] * 2, np.maximum(span, size / 2), _SPANS[1])


def _grows(outputs: Sequence[Node]) -> bool:
    return any(n.op.name in GROWING for n in topological(outputs))


def _constant_span(outputs: Sequence[Node]) -> float:
    constants = [n.op.value for n in topological(outputs) if isinstance(n.op, Constant)]
    return max([0.0, *[float(np.max(_span(value), initial=0)) for value in constants]])


def _rounded(span: float) -> float:
    return next(some for some in _SPANS if span <= some)


def _pointwise(
    outputs: Sequence[Node], values: Mapping[Node, Any], sizes: Mapping[str, int]
) -> list[Array]:
    """The same for arrays of points, those of one span together."""
    shape = np.shape(next(iter(values.values())))
    flat = {node: np.asarray(value).ravel() for node, value in values.items()}
    grows = _grows(outputs)
    spans = np.max([_span(value, grows) for value in flat.values()], axis=0)
    spans = np.maximum(spans, _constant_span(outputs))
    results = [np.empty(spans.size, dtype=object) for _ in outputs]
    below = -1.0
    for span in _SPANS:
        left = np.flatnonzero((spans > below) & (spans <= span))
        below = span
        _at_points(outputs, flat, sizes, left, digits_for(span), results)
    return [result.reshape(shape) for result in results]


def _at_points(
    outputs: Sequence[Node],
    flat: Mapping[Node, Array],
    sizes: Mapping[str, int],
    left: Array,
    precisions: Sequence[int],
    results: Sequence[Array],
) -> None:
    """Fill in the results at some points; only those that are not settled go on."""
    last: list[Array] | None = None
    for digits in precisions:
        if not left.size:
            return
        part = {node: _converted(value[left]) for node, value in flat.items()}
        with mpmath().workdps(digits):
            found = _at_precision(outputs, part, sizes)
            now = [np.broadcast_to(values, left.shape) for values in found]
            for result, values in zip(results, now, strict=True):
                result[left] = values
            if last is not None:
                pairs = zip(last, now, strict=True)
                done = np.all([_settled(a, b) for a, b in pairs], axis=0)
                left, now = left[~done], [values[~done] for values in now]
        last = now
