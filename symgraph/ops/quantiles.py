"""Median, quantile and percentile: order statistics, and values between two of them.

The derivative is that of the elements taken; of equal elements, those that a stable sort puts
there. Every method of NumPy says where to take them by one number, which `_place` computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Constant, scalar_code
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, Size
from symgraph.graph.types import DType, TensorType, Type
from symgraph.ops.calls import of_numpy
from symgraph.ops.elementwise import astype, isnan
from symgraph.ops.index import take, take_along_axis
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.reduce import (
    CUBE,
    axis_text,
    broadcast_to,
    count,
    normalize_axes,
    reduced_shape,
)
from symgraph.ops.reduce_order import any_dim_is_zero, count_nonzero
from symgraph.ops.shape import expand_dims, reshape, squeeze, transpose
from symgraph.ops.sorting import ArgSort

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]

# Which elements are taken ----------------------------------------------------------------------

# Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996): the continuous methods differ
# in two parameters, alpha and beta.
_PARAMETERS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1.0 / 3.0, 1.0 / 3.0),
    "normal_unbiased": (3.0 / 8.0, 3.0 / 8.0),
}

# The others, from q and the number of elements to the places before and behind, and the share of
# the latter. They are steps: q has no derivative.
_Steps = Callable[[Any, Any], tuple[Any, Any, Any]]


def _one(place: Any) -> tuple[Any, Any, Any]:
    return place, place, 0.0


def _midpoint(q: Any, n: Any) -> tuple[Any, Any, Any]:
    place = (n - 1) * q
    return np.floor(place), np.ceil(place), 0.5


def _averaged(q: Any, n: Any) -> tuple[Any, Any, Any]:
    place = n * q - 1
    first = np.floor(place)
    return first, first + 1, np.where(place == first, 0.5, 1.0)


def _closest(q: Any, n: Any) -> tuple[Any, Any, Any]:
    place = n * q - 1.5
    first = np.floor(place)
    return _one(np.where(np.logical_and(place == first, first % 2 == 1), first, first + 1))


_STEPS: dict[str, _Steps] = {
    "inverted_cdf": lambda q, n: _one(np.ceil(n * q - 1)),
    "averaged_inverted_cdf": _averaged,
    "closest_observation": _closest,
    "lower": lambda q, n: _one(np.floor((n - 1) * q)),
    "higher": lambda q, n: _one(np.ceil((n - 1) * q)),
    "midpoint": _midpoint,
    "nearest": lambda q, n: _one(np.rint((n - 1) * q)),
}

_TAKEN = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")
"""Methods whose results are elements, in their dtype."""


def _place(method: str, q: Any, n: Any) -> tuple[Any, Any, Any]:
    """The places before and behind a quantile, and how far it is from the one to the other.

    Arrays if `q` and the number of elements `n` are known, nodes otherwise.
    """
    if method in _STEPS:
        first, second, share = _STEPS[method](q, n)
    else:
        alpha, beta = _PARAMETERS[method]
        place = (n - 1) * q if method == "linear" else n * q + (alpha + q * (1 - alpha - beta)) - 1
        first = np.floor(place)
        second, share = first + 1, place - first
    last = n - 1
    first, second = (np.maximum(np.minimum(p, last), 0).astype(np.int64) for p in (first, second))
    return first, second, share


def _slope(method: str, n: Any) -> Any:
    """The derivative of the place by q; ``None`` where it is a step."""
    if method in _STEPS:
        return None
    alpha, beta = _PARAMETERS[method]
    return n + (1 - alpha - beta)


def _at(rows: Node, order: Node, places: Any) -> Node:
    """The elements of each row that stand at places of its order, or at one place."""
    if not places.ndim:
        positions = order[..., places]
        if rows.ndim == 1:
            return rows[positions]
        return squeeze(take_along_axis(rows, expand_dims(positions, -1), axis=-1), -1)
    if places.ndim == 1:
        positions = take(order, places, axis=-1)
    else:
        positions = take_along_axis(order, places, axis=-1)
    return take_along_axis(rows, positions, axis=-1)


@record
class Quantile(Structured):
    """Values below which a share of the elements lies, along axes.

    Operands: the array, and the shares, a scalar or a vector.
    """

    axes: tuple[int, ...]
    method: str = "linear"
    keepdims: bool = False
    name: ClassVar[str] = "quantile"

    def infer(self, *types: TensorType) -> Type:
        """The axes of the shares, and the other axes of the array; NumPy's dtype."""
        x, q = types
        if q.ndim > 1:
            raise ShapeError(f"{self.name}: q must be a scalar or a vector", got=repr(q))
        if any_dim_is_zero([x.shape[i] for i in self.axes]):
            raise ShapeError(f"{self.name} of no elements", got=f"shape {x.shape}")
        shape = (*q.shape, *reduced_shape(x.shape, self.axes, self.keepdims))
        taken = x.dtype.kind != "b" and (self.method in _TAKEN or q.dtype.kind in "iu")
        return TensorType(x.dtype if taken else self._dtype(x, q), shape)

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The other axes of the array, behind that of the shares."""
        x, q = node.inputs
        if operand:
            return (0, *[None] * (result.ndim - 1)) if q.ndim else (None,) * result.ndim
        every = [None if i in self.axes else i for i in range(x.ndim)]
        kept = every if self.keepdims else [i for i in every if i is not None]
        return (*[None] * q.ndim, *kept)

    def _dtype(self, x: TensorType, q: TensorType) -> DType:
        # A scalar float64 is a Python float to NumPy's quantile, and takes the array's dtype.
        share: Any = np.full((1,), 0.5, q.dtype) if q.ndim else q.dtype.type(0.5)
        return np.quantile(np.ones(1, x.dtype), share).dtype

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """NumPy's function of this name."""
        op = node.inputs[1].op
        # A scalar is weak, as a Python number is.
        q = scalar_code(op.value[()]) if isinstance(op, Constant) and not op.value.ndim else args[1]
        method = "" if self.method == "linear" else f'"{self.method}"'
        return call(
            f"np.{self.name}", args[0], q, **self._axis(node), method=method, **self._keepdims()
        )

    def _axis(self, node: Node) -> dict[str, str]:
        return {"axis": axis_text(self.axes, node.inputs[0].ndim)}

    def _keepdims(self) -> dict[str, str]:
        return {"keepdims": "True"} if self.keepdims else {}

    def _rows(self, x: Node) -> Node:
        """The axes flattened into one, behind the others."""
        kept = tuple([i for i in range(x.ndim) if i not in self.axes])
        if kept + self.axes != tuple(range(x.ndim)):
            x = transpose(x, kept + self.axes)
        if len(self.axes) == 1:
            return x
        lead = x.shape[: len(kept)]
        return reshape(x, (*lead, count(x.shape, tuple(range(len(kept), x.ndim)))))

    def _count(self, rows: Node) -> Any:
        """How many elements of a row count."""
        length = rows.shape[-1]
        return as_node(length) if isinstance(length, Size) else length

    def _moved(self, node: Node, found: Node, several: bool) -> Node:
        """Rows, with an axis of shares behind them if there are several, as the result has them."""
        if several:
            axes = tuple(range(found.ndim))
            found = transpose(found, (axes[-1], *axes[:-1]))
        found = found if found.shape == node.shape else reshape(found, node.shape)
        return found if found.dtype == node.dtype else astype(found, node.dtype)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The same mean of the tangents of the elements taken; for q the gap between them."""
        x, q = node.inputs
        rows = self._rows(x)
        order = make(ArgSort(rows.ndim - 1, stable=True), rows)
        n = self._count(rows)
        # One place for all rows, if they are equally long.
        single = not q.ndim and (not isinstance(n, Node) or not n.ndim)
        shares: Any = q.op.value if isinstance(q.op, Constant) else q
        shares = shares if single else shares.reshape(-1)
        first, second, share = _place(self.method, shares, n)
        terms: list[Node] = []
        if tangents[0] is not None:
            terms.append(_between(self._rows(tangents[0]), order, first, second, share))
        slope = _slope(self.method, n)
        if tangents[1] is not None and slope is not None:
            gap = _at(rows, order, second) - _at(rows, order, first)
            change = tangents[1] if single else reshape(tangents[1], -1)
            terms.append(gap * (slope * change))
        if not terms:
            return None
        total = terms[0] if len(terms) == 1 else terms[0] + terms[1]
        return self._moved(node, total, several=not single)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Of the next axes; for shares of its own each row is sorted here."""
        x, q = operands
        inner = type(self)(tuple([i + 1 for i in self.axes]), self.method, self.keepdims)
        if not mapped[0]:
            return reshape(make(self, x, reshape(q, -1)), (size, *node.shape))
        if not mapped[1]:
            found = make(inner, x, q)
            return transpose(found, (1, 0, *range(2, found.ndim))) if q.ndim else found
        rows = inner._rows(x)
        order = make(ArgSort(rows.ndim - 1, stable=True), rows)
        shares = reshape(q, (size, *(1,) * (rows.ndim - 2), -1))
        first, second, share = _place(self.method, shares, inner._count(rows))
        lead = (*rows.shape[:-1], shares.shape[-1])
        first, second = (broadcast_to(places, lead) for places in (first, second))
        found = _between(astype(rows, node.dtype), order, first, second, share)
        found = transpose(found, (0, found.ndim - 1, *range(1, found.ndim - 1)))
        return reshape(found, (size, *node.shape))

    def work(self, node: Node) -> float:
        """A partition of the operand."""
        return 100.0

    def flops(self, node: Node) -> Dim:
        """A selection from the operand, on average."""
        return 3 * node.inputs[0].size


def _between(rows: Node, order: Node, first: Any, second: Any, share: Any) -> Node:
    """``first + (second - first) * share`` of the elements at two places."""
    if not isinstance(share, Node):
        if not np.any(share):
            return _at(rows, order, first)
        share = constant(np.asarray(share, rows.dtype))
    share = astype(share, rows.dtype)
    start = _at(rows, order, first)
    return start + (_at(rows, order, second) - start) * share


@record
class Median(Quantile):
    """The middle element, or the mean of the two; the second operand is a half."""

    name: ClassVar[str] = "median"

    def _dtype(self, x: TensorType, q: TensorType) -> DType:
        return np.median(np.ones(1, x.dtype)).dtype

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """NumPy's function of this name."""
        return call(f"np.{self.name}", args[0], **self._axis(node), **self._keepdims())

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Of the next axes."""
        inner = type(self)(tuple([i + 1 for i in self.axes]), self.method, self.keepdims)
        return make(inner, operands[0], node.inputs[1])


@record
class NanQuantile(Quantile):
    """Of the elements that are not NaN."""

    name: ClassVar[str] = "nanquantile"

    def _count(self, rows: Node) -> Any:
        """NaN is sorted behind all numbers."""
        return count_nonzero(~isnan(rows), axis=-1, keepdims=True)


@record
class NanMedian(Median, NanQuantile):
    """The median of the elements that are not NaN."""

    name: ClassVar[str] = "nanmedian"


def _built(kind: type[Quantile], a: Any, q: Any, axis: Any, method: str, keepdims: Any) -> Node:
    x = as_node(a)
    if x.dtype.kind == "c" or (x.dtype.kind == "b" and not issubclass(kind, Median)):
        raise DTypeError(kind.name, expected="real numbers", got=str(x.dtype))
    if method not in _STEPS and method not in _PARAMETERS:
        raise UnsupportedError(
            f"{kind.name}: method",
            expected=", ".join(map(repr, [*_PARAMETERS, *_STEPS])),
            got=repr(method),
        )
    share = _share(q, x, kind.name, method)
    op = kind(normalize_axes(axis, x.ndim, kind.name), method, bool(keepdims))
    if share.ndim < 2:
        return make(op, x, share)
    found = make(op, x, reshape(share, -1))
    return reshape(found, (*share.shape, *found.shape[1:]))


def _share(q: Any, x: Node, what: str, method: str) -> Node:
    if not any_node(q):
        known = np.asarray(q)
        if not np.all((known >= 0) & (known <= 1)):
            raise InputError(f"{what}: q", expected="between 0 and 1", got=repr(q))
        if known.dtype.kind in "iu" and x.dtype.kind in "iu" and method == "linear":
            return constant(known)  # the first and the last element, in their dtype
        weak = known.ndim == 0 and x.dtype.kind == "f"
        return constant(known, x.dtype if weak else np.result_type(known, np.float64))
    node = as_node(q)
    return node if node.type.inexact else astype(node, np.float64)


def _refuse_weights(weights: Any, what: str) -> None:
    if weights is not None:
        raise UnsupportedError(
            f"{what}: weights= is not supported on nodes", hint="np.average takes weights"
        )


@of_numpy(np.median)
def median(
    a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """The middle element along axes, or the mean of the two, as ``np.median``.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        All axes by default.
    overwrite_input : bool
        Makes no difference: values are immutable.
    keepdims : bool, optional
        Whether the axes stay, with size one.

    Raises
    ------
    ShapeError, DTypeError
        If there is no such axis, or no element along it; for complex values.
    """
    return _built(Median, a, 0.5, axis, "linear", keepdims)


@of_numpy(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """`median` of the elements that are not NaN, as ``np.nanmedian``; parameters as there."""
    return _built(NanMedian, a, 0.5, axis, "linear", keepdims)


@of_numpy(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    weights: Any = None,
) -> Any:
    """The values below which shares `q` of the elements lie, as ``np.quantile``.

    The derivative is that of the elements taken. By `q` there is one where the method interpolates.

    Parameters
    ----------
    a : array_like
    q : array_like
        Between 0 and 1. Its axes are the first of the result.
    axis : int or tuple of int, optional
        All axes by default.
    overwrite_input : bool
        Makes no difference: values are immutable.
    method : str
        Any of NumPy's.
    keepdims : bool, optional
        Whether the axes stay, with size one.
    weights : None
        Not supported.

    Raises
    ------
    InputError
        If `q` is known and lies outside.
    ShapeError, DTypeError, UnsupportedError
        If there is no such axis, or no element along it; for complex values; for weights.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", 4)
    >>> slope = sg.function([x], sg.grad(quantile(x, 0.25), x))
    >>> slope(np.array([4.0, 1.0, 3.0, 2.0]))
    array([0.  , 0.25, 0.  , 0.75])
    """
    _refuse_weights(weights, "quantile")
    return _built(Quantile, a, q, axis, method, keepdims)


@of_numpy(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    weights: Any = None,
) -> Any:
    """`quantile` of the elements that are not NaN, as ``np.nanquantile``; parameters as there."""
    _refuse_weights(weights, "nanquantile")
    return _built(NanQuantile, a, q, axis, method, keepdims)


@of_numpy(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    weights: Any = None,
) -> Any:
    """`quantile` with `q` between 0 and 100, as ``np.percentile``; parameters as there."""
    _refuse_weights(weights, "percentile")
    return _built(Quantile, a, np.true_divide(q, 100), axis, method, keepdims)


@of_numpy(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    weights: Any = None,
) -> Any:
    """`percentile` of the elements that are not NaN, as ``np.nanpercentile``."""
    _refuse_weights(weights, "nanpercentile")
    return _built(NanQuantile, a, np.true_divide(q, 100), axis, method, keepdims)


# Examples for the tests ------------------------------------------------------------------------

_SHARES = np.array([0.1, 0.62, 0.9])
_GAPS = np.where(np.abs(CUBE) > 0.9, np.nan, CUBE)

EXAMPLES: dict[str, list[Example]] = {
    "median": [
        Example(np.median, (CUBE,)),
        Example(lambda x: np.median(x, axis=1), (CUBE,)),
        Example(lambda x: np.median(x, axis=(0, -1), keepdims=True), (CUBE.astype(np.float32),)),
        Example(np.median, (np.arange(5.0) ** 2,)),
        Example(np.median, (np.arange(4),)),
        Example(np.median, (np.float64(2.0),)),
        Example(lambda x: np.nanmedian(x, axis=-1), (_GAPS,)),
        Example(np.nanmedian, (_GAPS,)),
    ],
    "quantile": [
        Example(lambda x: np.quantile(x, 0.3), (CUBE,)),
        Example(lambda x: np.quantile(x, _SHARES, axis=1), (CUBE,)),
        Example(lambda x: np.quantile(x, [[0.0, 1.0]], axis=(0, 2), keepdims=True), (CUBE,)),
        Example(lambda x: np.quantile(x, 0.7, axis=-1), (CUBE.astype(np.float32),)),
        Example(lambda x, q: np.quantile(x, q, axis=-1), (CUBE, _SHARES)),
        Example(lambda x, q: np.quantile(x, q, method="weibull"), (CUBE, np.float64(0.3))),
        Example(lambda x: np.percentile(x, 40, axis=0), (CUBE,)),
        Example(lambda x: np.percentile(x, [10, 45.0]), (np.arange(7),)),
        *[
            Example(lambda x, m=method: np.quantile(x, _SHARES, axis=1, method=m), (CUBE,))
            for method in [*_PARAMETERS, *_STEPS]
        ],
    ],
    "nanquantile": [
        Example(lambda x: np.nanquantile(x, 0.3, axis=-1), (_GAPS,)),
        Example(lambda x, q: np.nanquantile(x, q, axis=(1, 2), keepdims=True), (_GAPS, _SHARES)),
        Example(lambda x: np.nanpercentile(x, [20.0, 80.0]), (_GAPS,)),
    ],
}
