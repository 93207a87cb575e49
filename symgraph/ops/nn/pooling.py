"""Pooling: maximum and mean of windows.

The positions of a window are copied in front of all other axes: a reduction over the first axis
is many times faster in NumPy than one over short last axes.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.sizes import Dim, Size, product
from symgraph.graph.types import DType
from symgraph.ops.arrange import moveaxis
from symgraph.ops.elementwise import where
from symgraph.ops.index import take
from symgraph.ops.kinds import Example
from symgraph.ops.nn.common import array_of, called, documented, function
from symgraph.ops.nn.convolution import padded, padding_pairs, per_axis
from symgraph.ops.products import array
from symgraph.ops.reduce import mean
from symgraph.ops.reduce_order import max
from symgraph.ops.shape import reshape, shape_text, swapaxes, transpose
from symgraph.ops.windows import windows_of


def _in_front(x: Any, sizes: Sequence[Dim], steps: Sequence[int], gaps: Sequence[int]) -> Any:
    """The windows along the last axes, their positions along one new first axis."""
    rank, first = len(sizes), x.ndim - len(sizes)
    windows = called(windows_of(x, range(first, x.ndim), sizes, steps, gaps), "windows")
    order = (*range(x.ndim, x.ndim + rank), *range(x.ndim))
    stacked = reshape(transpose(windows, order), (product(sizes), *windows.shape[: x.ndim]))
    return called(stacked, "stacked")


def _enough_axes(x: Any, rank: int, what: str) -> None:
    if x.ndim < rank:
        raise ShapeError(f"{what} needs {rank} axes", got=shape_text(x.shape))


def _rounded_up(
    shape: Sequence[Dim],
    pairs: Sequence[tuple[Dim, Dim]],
    spans: Sequence[int],
    steps: Sequence[int],
    what: str,
) -> list[int]:
    """How much more border a last window needs that begins inside, but ends beyond."""
    more: list[int] = []
    for dim, (before, after), span, step in zip(shape, pairs, spans, steps, strict=True):
        if isinstance(dim, Size) or isinstance(before, Size) or isinstance(after, Size):
            raise UnsupportedError(
                f"{what}: ceil_mode along an axis of size {dim}",
                hint="declare the size as a number",
            )
        count = -(-(before + dim + after - span) // step)
        count -= count * step >= before + dim
        more.append(builtins.max(count * step + span - (before + dim + after), 0))
    return more


def _max_pool(
    rank: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> Any:
    what = f"max_pool{rank}d"
    values = array_of(x)
    _enough_axes(values, rank, what)
    sizes = per_axis(kernel_size, rank, f"{what}: kernel_size")
    steps = sizes if stride is None else per_axis(stride, rank, f"{what}: stride")
    gaps = per_axis(dilation, rank, f"{what}: dilation")
    spans = [gap * (size - 1) + 1 for gap, size in zip(gaps, sizes, strict=True)]
    shape = values.shape[values.ndim - rank :]
    pairs = padding_pairs(padding, shape, spans, steps, what)
    if ceil_mode:
        more = _rounded_up(shape, pairs, spans, steps, what)
        pairs = [(a, b + extra) for (a, b), extra in zip(pairs, more, strict=True)]
    if any(width for pair in pairs for width in pair) and values.dtype.kind != "f":
        raise UnsupportedError(f"{what}: padding of integers", hint="x.astype(float)")
    return max(_in_front(padded(values, pairs, -np.inf), sizes, steps, gaps), axis=0)


def _avg_pool(
    rank: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    count_include_pad: bool,
    ceil_mode: bool,
) -> Any:
    what = f"avg_pool{rank}d"
    values = array_of(x)
    _enough_axes(values, rank, what)
    sizes = per_axis(kernel_size, rank, f"{what}: kernel_size")
    steps = sizes if stride is None else per_axis(stride, rank, f"{what}: stride")
    shape, ones = values.shape[values.ndim - rank :], (1,) * rank
    pairs = padding_pairs(padding, shape, sizes, steps, what)
    more = _rounded_up(shape, pairs, sizes, steps, what) if ceil_mode else [0] * rank
    wider = [(a, b + extra) for (a, b), extra in zip(pairs, more, strict=True)]
    result = mean(_in_front(padded(values, wider), sizes, steps, ones), axis=0)
    # What is beyond the border never counts, and the border not always.
    counted = pairs if count_include_pad else [(0, 0)] * rank
    if counted == wider or all(width == 0 for pair in wider for width in pair):
        return result
    if any(not isinstance(dim, int) for dim in shape):
        raise UnsupportedError(
            f"{what}: count_include_pad=False along axes of symbolic size",
            hint="declare the sizes as numbers",
        )
    border = [(a - c, b - d) for (a, b), (c, d) in zip(wider, counted, strict=True)]
    whole = [c + dim + d for dim, (c, d) in zip(shape, counted, strict=True)]
    inside: Any = padded(np.ones(whole, values.dtype), border)
    return result / mean(_in_front(inside, sizes, steps, ones), axis=0)


def _adaptive(rank: int, x: Any, output_size: Any, reduce: Callable[..., Any], what: str) -> Any:
    values = array_of(x)
    _enough_axes(values, rank, what)
    counts = per_axis(output_size, rank, f"{what}: output_size")
    lead, shape = values.shape[: values.ndim - rank], values.shape[values.ndim - rank :]
    if all(count == 1 for count in counts):
        return reduce(values, axis=tuple(range(-rank, 0)), keepdims=True)
    if any(dim % count != 0 for dim, count in zip(shape, counts, strict=True)):
        return _of_uneven_parts(values, counts, reduce, what)
    apart = [d for dim, count in zip(shape, counts, strict=True) for d in (count, dim // count)]
    axes = tuple(range(len(lead) + 1, len(lead) + 2 * rank, 2))
    return reduce(reshape(values, (*lead, *apart)), axis=axes)


def _of_uneven_parts(
    values: Any, counts: Sequence[int], reduce: Callable[..., Any], what: str
) -> Any:
    """Window i of n goes from ``floor(i * length / n)`` to ``ceil((i + 1) * length / n)``."""
    first = values.ndim - len(counts)
    bounds: list[tuple[Any, Any]] = []
    for length, count in zip(values.shape[first:], counts, strict=True):
        if isinstance(length, Size):
            raise UnsupportedError(
                f"{what}: {count} windows of an axis of size {length}",
                expected=f"a size that {count} divides, as {count} * n",
                hint="declare the size as a number",
            )
        steps = np.arange(count + 1) * length
        bounds.append((steps[:-1] // count, -(-steps[1:] // count)))
    return (_uneven_max if reduce is max else _uneven_mean)(values, bounds, first)


def _uneven_mean(values: Any, bounds: Sequence[tuple[Any, Any]], first: int) -> Any:
    """A product with a matrix of shares along each axis."""
    found: Any = values
    dtype: DType = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    for axis, (starts, ends) in enumerate(bounds, first):
        places = np.arange(int(ends[-1]))
        inside = (places >= starts[:, None]) & (places < ends[:, None])
        shares = (inside / (ends - starts)[:, None]).astype(dtype)
        last = axis == values.ndim - 1
        turned = found if last else swapaxes(found, axis, -1)
        found = called(turned @ shares.T, "pooled")
        found = found if last else swapaxes(found, axis, -1)
    return found


def _uneven_max(values: Any, bounds: Sequence[tuple[Any, Any]], first: int) -> Any:
    """All windows are copied as long as the longest; what is beyond their end does not count."""
    rank = len(bounds)
    inside: Any = np.ones((1,) * (2 * rank), bool)
    for place, (starts, ends) in enumerate(bounds):
        positions = starts[:, None] + np.arange(np.max(ends - starts))
        shape = [1] * (2 * rank)
        shape[place], shape[rank + place] = positions.shape
        inside = inside & (positions < ends[:, None]).reshape(shape)
        found = take(values, np.minimum(positions, ends[-1] - 1), first + place)
        # The positions within the windows go behind all axes.
        values = called(moveaxis(found, first + place + 1, -1), "windows")
    return max(where(inside, values, _least(values.dtype)), axis=tuple(range(-rank, 0)))


def _least(dtype: DType) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


_POOL = """ The last axes are pooled.

    Parameters
    ----------
    input : array_like
        Shape ``(..., {axes})``.
    kernel_size : int or tuple of int
        Of the windows.
    stride : int or tuple of int, optional
        Between windows; by default their size.
    padding : int, tuple of (int or pair), "same" or "valid"
        {border}
    ceil_mode : bool, optional
        Whether a last window that begins inside counts, though it ends beyond; of that no more
        than what is inside.

    Raises
    ------
    ShapeError
        If a window is longer than its axis.
"""


_MAX_BORDER = """Around the input, never taken; at a tie the derivative is split evenly.
    dilation : int or tuple of int, optional
        Between the positions of a window."""
_MEAN_BORDER = """Zeros around the input.
    count_include_pad : bool, optional
        Whether the zeros count in the means."""


@function
@documented(_POOL.format(axes="length", border=_MAX_BORDER))
def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Maximum of windows along an axis, as ``torch.nn.functional.max_pool1d``."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


@function
@documented(_POOL.format(axes="height, width", border=_MAX_BORDER))
def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Maximum of windows along two axes, as ``torch.nn.functional.max_pool2d``."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


@function
@documented(_POOL.format(axes="depth, height, width", border=_MAX_BORDER))
def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Maximum of windows along three axes, as ``torch.nn.functional.max_pool3d``."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)


@function
@documented(_POOL.format(axes="length", border=_MEAN_BORDER))
def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    count_include_pad: bool = True,
    ceil_mode: bool = False,
) -> Any:
    """Mean of windows along an axis, as ``torch.nn.functional.avg_pool1d``."""
    return _avg_pool(1, input, kernel_size, stride, padding, count_include_pad, ceil_mode)


@function
@documented(_POOL.format(axes="height, width", border=_MEAN_BORDER))
def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    count_include_pad: bool = True,
    ceil_mode: bool = False,
) -> Any:
    """Mean of windows along two axes, as ``torch.nn.functional.avg_pool2d``."""
    return _avg_pool(2, input, kernel_size, stride, padding, count_include_pad, ceil_mode)


@function
@documented(_POOL.format(axes="depth, height, width", border=_MEAN_BORDER))
def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    count_include_pad: bool = True,
    ceil_mode: bool = False,
) -> Any:
    """Mean of windows along three axes, as ``torch.nn.functional.avg_pool3d``."""
    return _avg_pool(3, input, kernel_size, stride, padding, count_include_pad, ceil_mode)


_ADAPTIVE = """ The last axes are pooled.

    Parameters
    ----------
    input : array_like
        Shape ``(..., {axes})``.
    output_size : int or tuple of int
        How many windows there are; 1 pools the whole axis.

    Raises
    ------
    UnsupportedError
        If an axis of symbolic size cannot be divided evenly.

    Notes
    -----
    Where the sizes do not divide, neighbouring windows overlap by an element, as in PyTorch.
"""


@function
@documented(_ADAPTIVE.format(axes="length"))
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """Mean of equal parts of an axis, as ``torch...adaptive_avg_pool1d``."""
    return _adaptive(1, input, output_size, mean, "adaptive_avg_pool1d")


@function
@documented(_ADAPTIVE.format(axes="height, width"))
def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """Mean of equal parts of two axes, as ``torch...adaptive_avg_pool2d``."""
    return _adaptive(2, input, output_size, mean, "adaptive_avg_pool2d")


@function
@documented(_ADAPTIVE.format(axes="depth, height, width"))
def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """Mean of equal parts of three axes, as ``torch...adaptive_avg_pool3d``."""
    return _adaptive(3, input, output_size, mean, "adaptive_avg_pool3d")


@function
@documented(_ADAPTIVE.format(axes="length"))
def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """Maximum of equal parts of an axis, as ``torch...adaptive_max_pool1d``."""
    return _adaptive(1, input, output_size, max, "adaptive_max_pool1d")


@function
@documented(_ADAPTIVE.format(axes="height, width"))
def adaptive_max_pool2d(input: Any, output_size: Any) -> Any:
    """Maximum of equal parts of two axes, as ``torch...adaptive_max_pool2d``."""
    return _adaptive(2, input, output_size, max, "adaptive_max_pool2d")


@function
@documented(_ADAPTIVE.format(axes="depth, height, width"))
def adaptive_max_pool3d(input: Any, output_size: Any) -> Any:
    """Maximum of equal parts of three axes, as ``torch...adaptive_max_pool3d``."""
    return _adaptive(3, input, output_size, max, "adaptive_max_pool3d")


# Examples for the tests --------------------------------------------------------------------------


def _naive(
    x: Any, size: int, step: int, reduce: Callable[..., Any], rank: int = 2, gap: int = 1
) -> Any:
    lead, reach = x.ndim - rank, gap * (size - 1) + 1
    counts = [(n - reach) // step + 1 for n in x.shape[lead:]]
    y = np.zeros((*x.shape[:lead], *counts), x.dtype)
    for place in np.ndindex(*counts):
        cut = tuple([slice(step * p, step * p + reach, gap) for p in place])
        y[(..., *place)] = reduce(x[(..., *cut)], axis=tuple(range(-rank, 0)))
    return y


def _bordered(x: Any, value: float, rank: int = 2) -> Any:
    return np.pad(x, [(0, 0)] * (x.ndim - rank) + [(1, 1)] * rank, constant_values=value)


_IMAGE, _SIGNAL, _VOLUME = array(2, 2, 5, 4), array(2, 7), array(2, 3, 4, 2)
_INSIDE = np.pad(np.ones((5, 4)), 1)


def _uneven(x: Any, counts: tuple[int, int], reduce: Callable[..., Any]) -> Any:
    """By windows cut out one by one."""
    rows, columns = (
        [slice(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
        for size, n in zip(x.shape[-2:], counts, strict=True)
    )
    found = [[reduce(x[..., r, c], axis=(-2, -1)) for c in columns] for r in rows]
    return np.moveaxis(np.array(found), (0, 1), (-2, -1))


EXAMPLES: dict[str, list[Example]] = {
    "nn.max_pool2d": [
        Example(lambda x: max_pool2d(x, 2), (_IMAGE,), lambda x: _naive(x, 2, 2, np.max)),
        Example(
            lambda x: max_pool2d(x, 3, 1, padding=1),
            (_IMAGE.astype(np.float32),),
            lambda x: _naive(_bordered(x, -np.inf), 3, 1, np.max),
        ),
    ],
    "nn.max_pool1d": [
        Example(
            lambda x: max_pool1d(x, 2, stride=3, dilation=3),
            (_SIGNAL,),
            lambda x: _naive(x, 2, 3, np.max, rank=1, gap=3),
        )
    ],
    "nn.max_pool3d": [
        Example(lambda x: max_pool3d(x, 2, 1), (_VOLUME,), lambda x: _naive(x, 2, 1, np.max, 3))
    ],
    "nn.avg_pool2d": [
        Example(lambda x: avg_pool2d(x, 2), (_IMAGE,), lambda x: _naive(x, 2, 2, np.mean)),
        Example(
            lambda x: avg_pool2d(x, 3, 1, 1),
            (_IMAGE,),
            lambda x: _naive(_bordered(x, 0.0), 3, 1, np.mean),
        ),
        Example(
            lambda x: avg_pool2d(x, (3, 3), 2, 1, count_include_pad=False),
            (_IMAGE.astype(np.float32),),
            lambda x: (
                _naive(_bordered(x, 0.0), 3, 2, np.sum)
                / _naive(_INSIDE, 3, 2, np.sum).astype(np.float32)
            ),
        ),
    ],
    "nn.avg_pool1d": [
        Example(
            lambda x: avg_pool1d(x, 3, 2, "same"),
            (_SIGNAL,),
            lambda x: _naive(_bordered(x, 0.0, 1), 3, 2, np.mean, 1),
        )
    ],
    "nn.avg_pool3d": [
        Example(lambda x: avg_pool3d(x, 2), (_VOLUME,), lambda x: _naive(x, 2, 2, np.mean, 3))
    ],
    "nn.pools rounded up": [
        Example(
            lambda x: max_pool1d(x, 3, 2, ceil_mode=True),
            (_IMAGE[0, 0, :, :],),
            lambda x: np.stack([x[:, i : i + 3].max(1) for i in range(0, x.shape[1] - 1, 2)], 1),
        ),
        Example(
            lambda x: avg_pool1d(x, 3, 2, ceil_mode=True),
            (_IMAGE[0, 0, :, :],),
            lambda x: np.stack([x[:, i : i + 3].mean(1) for i in range(0, x.shape[1] - 1, 2)], 1),
        ),
    ],
    "nn.adaptive_avg_pool": [
        Example(
            lambda x: adaptive_avg_pool1d(x, 2), (_IMAGE,), lambda x: _naive(x, 2, 2, np.mean, 1)
        ),
        Example(
            lambda x: adaptive_avg_pool2d(x, (3, 4)),
            (_IMAGE[:1],),
            lambda x: _uneven(x, (3, 4), np.mean),
        ),
        Example(
            lambda x: adaptive_avg_pool2d(x, 1),
            (_IMAGE,),
            lambda x: x.mean((2, 3), keepdims=True),
        ),
        Example(
            lambda x: adaptive_avg_pool3d(x, (3, 2, 1)),
            (_VOLUME,),
            lambda x: x.reshape(2, 3, 2, 2, 2).mean((3, 4))[..., None],
        ),
    ],
    "nn.adaptive_max_pool": [
        Example(
            lambda x: adaptive_max_pool1d(x, 2), (_IMAGE,), lambda x: _naive(x, 2, 2, np.max, 1)
        ),
        Example(
            lambda x: adaptive_max_pool2d(x, (3, 4)),
            (_IMAGE[:1],),
            lambda x: _uneven(x, (3, 4), np.max),
        ),
        Example(
            lambda x: adaptive_max_pool2d(x, (5, 2)),
            (_IMAGE,),
            lambda x: np.maximum(x[..., ::2], x[..., 1::2]),
        ),
        Example(
            lambda x: adaptive_max_pool3d(x, 1),
            (_VOLUME,),
            lambda x: x.max((1, 2, 3), keepdims=True),
        ),
    ],
}
