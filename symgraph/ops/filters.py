"""Convolutions in several dimensions and linear filters, by the names of ``scipy.signal``."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.sizes import Dim
from symgraph.graph.types import normalize_axis
from symgraph.ops.arrange import moveaxis
from symgraph.ops.calls import evaluated
from symgraph.ops.create import zeros
from symgraph.ops.einsum import einsum
from symgraph.ops.elementwise import astype, conjugate
from symgraph.ops.fft import fftn, ifftn, irfftn, rfftn
from symgraph.ops.index import flip
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, promote
from symgraph.ops.loops import scan
from symgraph.ops.padding import pad
from symgraph.ops.shape import (
    expand_dims,
    normalize_axis_list,
    shape_text,
    surely_nonnegative,
)
from symgraph.ops.windows import sliding_window_view

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve", "lfilter"]

_MODES = ("full", "same", "valid")
_BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


def _pair(in1: Any, in2: Any, what: str) -> tuple[Node, Node]:
    first, second = as_node(in1), as_node(in2)
    if first.ndim != second.ndim:
        raise ShapeError(
            f"{what}: arrays of the same number of dimensions",
            got=f"{shape_text(first.shape)} and {shape_text(second.shape)}",
        )
    return first, second


def _check_mode(mode: Any, what: str) -> None:
    if mode not in _MODES:
        raise UnsupportedError(f"{what}: mode", expected=", ".join(_MODES), got=repr(mode))


def _larger_first(first: Node, second: Node, mode: str, what: str) -> tuple[Node, Node]:
    """Where they overlap wholly, one of them is the larger along every axis."""
    if mode != "valid":
        return first, second
    gaps = [n - m for n, m in zip(first.shape, second.shape, strict=True)]
    if all(surely_nonnegative(gap) for gap in gaps):
        return first, second
    if all(surely_nonnegative(-gap) for gap in gaps):
        return second, first
    raise ShapeError(
        f"{what}: with mode='valid' one array must be the larger one along every axis",
        got=f"{shape_text(first.shape)} and {shape_text(second.shape)}",
    )


def _direct(
    first: Node,
    second: Node,
    mode: str,
    boundary: str,
    fill: Any,
    what: str,
    late: bool = False,
) -> Node:
    """Windows of the first, padded, times the second, reversed.

    Of two middle places that of an even size is the former one, or the latter one.
    """
    first, second = _larger_first(first, second, mode, what)
    if mode != "valid":
        # "same" is the middle of "full", of the size of the first.
        ends = [((m - 1) // 2, m - 1 - (m - 1) // 2) for m in second.shape]
        width = [
            (m - 1, m - 1) if mode == "full" else (few, more) if late else (more, few)
            for m, (few, more) in zip(second.shape, ends, strict=True)
        ]
        keywords = {"constant_values": fill} if boundary == "fill" else {}
        first = pad(first, width, _BOUNDARIES[boundary], **keywords)
    windows = sliding_window_view(first, second.shape)
    places, inside = ascii_uppercase[: first.ndim], ascii_lowercase[: first.ndim]
    return einsum(f"{places}{inside},{inside}->{places}", windows, flip(second))


_BOTH = """

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {{"full", "same", "valid"}}
        All places where they overlap; as many as `in1` has, around the middle; where they overlap
        wholly.
    {more}

    Raises
    ------
    ShapeError
        If the numbers of dimensions differ.
    UnsupportedError
        For another mode{other}.
    """


def _described(more: str, other: str = "") -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        function.__doc__ += _BOTH.format(more=more, other=other)
        return function

    return add


_METHOD = """method : {"auto", "direct", "fft"}
        How: with "fft" by Fourier transforms, else by products."""
_EDGES = """boundary : {"fill", "wrap", "symm"}
        What is beyond the edges: a value, the other side, or the mirror image.
    fillvalue : scalar
        The value."""


@evaluated(name="signal.convolve")
@_described(_METHOD, " or method")
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Convolution of two arrays, as ``scipy.signal.convolve``."""
    if method not in ("auto", "direct", "fft"):
        raise UnsupportedError(
            "convolve: method", expected="'auto', 'direct' or 'fft'", got=repr(method)
        )
    if method == "fft":
        return fftconvolve(in1, in2, mode)
    first, second = _pair(in1, in2, "convolve")
    _check_mode(mode, "convolve")
    return _direct(first, second, mode, "fill", 0, "convolve")


@evaluated(name="signal.correlate")
@_described(_METHOD, " or method")
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Correlation of two arrays, the second conjugated, as ``scipy.signal.correlate``."""
    return convolve(in1, _reversed(in2), mode, method)


@evaluated(name="signal.convolve2d")
@_described(_EDGES, " or boundary")
def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """Convolution of two matrices, as ``scipy.signal.convolve2d``."""
    first, second = _pair(in1, in2, "convolve2d")
    return _planar(first, second, mode, boundary, fillvalue, "convolve2d")


def _planar(
    first: Node, second: Node, mode: str, boundary: str, fill: Any, what: str, late: bool = False
) -> Node:
    _check_mode(mode, what)
    if first.ndim != 2:
        raise ShapeError(f"{what} takes matrices", got=shape_text(first.shape))
    if boundary not in _BOUNDARIES:
        raise UnsupportedError(
            f"{what}: boundary", expected=", ".join(_BOUNDARIES), got=repr(boundary)
        )
    return _direct(first, second, mode, boundary, fill, what, late)


@evaluated(name="signal.correlate2d")
@_described(_EDGES, " or boundary")
def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """Correlation of two matrices, the second conjugated, as ``scipy.signal.correlate2d``."""
    first, second = _pair(in1, in2, "correlate2d")
    if mode == "valid" and _larger_first(first, second, mode, "correlate2d")[0] is not first:
        # SciPy conjugates the smaller one.
        return flip(_planar(second, _reversed(first), mode, boundary, fillvalue, "correlate2d"))
    return _planar(first, _reversed(second), mode, boundary, fillvalue, "correlate2d", late=True)


def _reversed(x: Any) -> Node:
    node = flip(as_node(x))
    return conjugate(node) if node.dtype.kind == "c" else node


@evaluated(name="signal.fftconvolve")
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Convolution by Fourier transforms, as ``scipy.signal.fftconvolve``.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions; along the other axes they broadcast.
    mode : {"full", "same", "valid"}
        All places where they overlap; as many as `in1` has, around the middle; where they overlap
        wholly.
    axes : int or sequence of int, optional
        By default all.

    Raises
    ------
    ShapeError
        If the numbers of dimensions differ; if there is no such axis.
    UnsupportedError
        For another mode.
    """
    first, second = _pair(in1, in2, "fftconvolve")
    _check_mode(mode, "fftconvolve")
    along = tuple(range(first.ndim)) if axes is None else axes
    places = sorted(normalize_axis_list(along, first.ndim, "fftconvolve"))
    sizes = [first.shape[i] + second.shape[i] - 1 for i in places]
    whole = "c" in (first.dtype.kind, second.dtype.kind)
    there, back = (fftn, ifftn) if whole else (rfftn, irfftn)
    product = there(first, sizes, places) * there(second, sizes, places)
    found = back(product, sizes, places)
    dtype = promote([first.dtype, second.dtype])
    found = astype(found, dtype) if dtype.kind in "fc" else found
    if mode == "full":
        return found
    index: list[Any] = [slice(None)] * found.ndim
    larger, smaller = _larger_first(first, second, mode, "fftconvolve")
    for i in places:
        start: Dim = smaller.shape[i] - 1
        size = larger.shape[i] if mode == "same" else larger.shape[i] - start
        start = start // 2 if mode == "same" else start
        index[i] = slice(start, start + size)
    return found[tuple(index)]


@evaluated(name="signal.lfilter")
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """A rational filter along an axis, as ``scipy.signal.lfilter``: a loop over the samples.

    Parameters
    ----------
    b, a : array_like
        Coefficients of the numerator and of the denominator; how many must be known.
    x : array_like
    axis : int, optional
    zi : array_like, optional
        The state before, one number less along the axis than there are coefficients.

    Returns
    -------
    y : Node
    zf : Node
        The state behind; only with `zi`.

    Raises
    ------
    ShapeError
        If the coefficients are no vectors, or the state does not fit.
    UnsupportedError
        If the number of coefficients is symbolic.
    """
    above, below, samples = as_node(b), as_node(a), as_node(x)
    place = normalize_axis(axis, samples.ndim, "lfilter")
    order = _count(above, "b"), _count(below, "a")
    start = None if zi is None else as_node(zi)
    given = [above, below, samples] + ([] if start is None else [start])
    dtype = promote([node.dtype for node in given])
    dtype = dtype if dtype.kind in "fc" else np.dtype(np.float64)
    above, below = (astype(node, dtype) / astype(below[0], dtype) for node in (above, below))
    rows = moveaxis(astype(samples, dtype), place, 0)
    states = max(order) - 1
    above, below = (_extended(node, states + 1) for node in (above, below))
    kind = (states, *rows.shape[1:])
    first = zeros(kind, dtype)
    if start is not None:
        first = moveaxis(astype(start, dtype), place, 0)
        if first.ndim != len(kind) or first.shape[0] != states:
            raise ShapeError(
                "lfilter: zi", expected=f"{states} along the axis", got=shape_text(start.shape)
            )
        first = first + zeros(kind, dtype)
    shared = tuple(range(1, rows.ndim))

    def step(state: Node, sample: Node) -> tuple[Node, Node]:
        if not states:
            return state, above[0] * sample
        result = above[0] * sample + state[0]
        # Direct form II transposed: what each coefficient adds, moved up by one.
        moved = concatenate([state[1:], zeros((1, *kind[1:]), dtype)])
        later = expand_dims(above[1:], shared) * sample - expand_dims(below[1:], shared) * result
        return moved + later, result

    last, y = scan(step, first, rows)
    y = moveaxis(y, 0, place)
    return y if zi is None else (y, moveaxis(last, 0, place))


def _count(coefficients: Node, name: str) -> int:
    if coefficients.ndim != 1:
        raise ShapeError(f"lfilter: {name} is a vector", got=shape_text(coefficients.shape))
    count = coefficients.shape[0]
    if not isinstance(count, int):
        raise UnsupportedError(f"lfilter: the number of coefficients of {name}", got=str(count))
    return count


def _extended(coefficients: Node, count: int) -> Node:
    missing = count - _count(coefficients, "")
    return pad(coefficients, (0, missing)) if missing else coefficients


# Examples for the tests ------------------------------------------------------------------------

_X = np.sin(np.arange(12.0)).reshape(3, 4)
_K = np.array([[0.5, -1.0, 2.0], [0.25, 1.0, -0.5]])


def _example(function: Callable[..., Any], operands: Sequence[Any], **keywords: Any) -> Example:
    def call(*args: Any) -> Any:
        return function(*args, **keywords)

    def expected(*args: Any) -> Any:
        return getattr(import_module("scipy.signal"), function.__name__)(*args, **keywords)

    return Example(call, tuple(operands), expected)


def _from_state(b: Any, a: Any, x: Any, zi: Any) -> Any:
    return lfilter(b, a, x, 0, zi)


def _from_state_there(b: Any, a: Any, x: Any, zi: Any) -> Any:
    return import_module("scipy.signal").lfilter(b, a, x, 0, zi)


_STATES: Callable[..., Any] = _from_state
_STATES_THERE: Callable[..., Any] = _from_state_there

EXAMPLES: dict[str, list[Example]] = {
    "signal": [
        _example(convolve, (_X, _K), mode="same"),
        _example(correlate, (_X[0] + 1j, _K[0] * 1j), mode="valid"),
        _example(convolve2d, (_X, _K), boundary="symm"),
        _example(correlate2d, (_X.astype(np.float32), _K.astype(np.float32)), mode="same"),
        _example(fftconvolve, (_X, _K), mode="same"),
        _example(fftconvolve, (_X, _K[:1]), mode="valid", axes=1),
    ],
    "lfilter": [
        _example(lfilter, (_K[0], _K[1], _X)),
        Example(_STATES, (_K[0], _K[1, :2], _X, np.ones((2, 4))), _STATES_THERE),
    ],
}
