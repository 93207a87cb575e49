"""Convolutions, as machine learning means them: correlations of windows with kernels.

The windows are copied once, with what a kernel covers along one axis and the positions along the
last, so that the copy and the matrix product both run along memory, and the product is the
result as it is returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.sizes import Dim, Size, product
from symgraph.ops.kinds import Example
from symgraph.ops.nn.common import arrays, called, documented, function
from symgraph.ops.padding import pad
from symgraph.ops.products import array, matmul
from symgraph.ops.shape import expand_dims, items_of, reshape, shape_text, swapaxes, transpose
from symgraph.ops.windows import window_sum, windows_of


def per_axis(value: Any, count: int, what: str) -> tuple[int, ...]:
    """One number for each spatial axis, from one for all or a tuple.

    Raises
    ------
    ShapeError
        If there are more or fewer, or one is below 1.
    """
    items = items_of(value)
    items = items * count if len(items) == 1 else items
    if len(items) != count or any(not isinstance(item, int) or item < 1 for item in items):
        raise ShapeError(what, expected=f"a positive integer, or {count} of them", got=repr(value))
    return tuple(items)


def padding_pairs(
    padding: Any, shape: Sequence[Dim], spans: Sequence[Dim], steps: Sequence[int], what: str
) -> list[tuple[Dim, Dim]]:
    """How many zeros stand before and behind each spatial axis.

    Parameters
    ----------
    padding : int, sequence of (int or pair), "same" or "valid"
        ``"same"``: as many windows as elements, divided by the step and rounded up.
    shape, spans, steps
        Of the spatial axes, of the windows along them, and between windows.
    """
    if padding == "valid":
        return [(0, 0)] * len(shape)
    if padding == "same":
        return [_same(*numbers, what) for numbers in zip(shape, spans, steps, strict=True)]
    items = items_of(padding)
    items = items * len(shape) if len(items) == 1 else items
    pairs = [tuple(items_of(item)) for item in items]
    pairs = [pair * 2 if len(pair) == 1 else pair for pair in pairs]
    numbers = [number for pair in pairs for number in pair]
    if len(numbers) != 2 * len(shape) or any(not isinstance(n, int) or n < 0 for n in numbers):
        raise ShapeError(
            f"{what}: padding",
            expected=f"'same', 'valid', a number, or {len(shape)} numbers or pairs",
            got=repr(padding),
        )
    return [(before, after) for before, after in pairs]


def _same(dim: Dim, span: Dim, step: int, what: str) -> tuple[Dim, Dim]:
    total = ((dim + step - 1) // step - 1) * step + span - dim
    if isinstance(total, Size) and step > 1:
        raise UnsupportedError(
            f"{what}: padding='same' with stride {step} along an axis of size {dim}",
            hint="declare the size as a number, or give the padding in numbers",
        )
    total = max(total, 0) if isinstance(total, int) else total
    return total // 2, total - total // 2


def padded(x: Any, pairs: Sequence[tuple[Dim, Dim]], value: float = 0.0) -> Any:
    """`x` with a border around its last axes."""
    if all(width == 0 for pair in pairs for width in pair):
        return x
    widths = [(0, 0)] * (x.ndim - len(pairs)) + list(pairs)
    return pad(x, widths, constant_values=value)


def _columns(x: Any, kernel: Sequence[Dim], steps: Sequence[int], gaps: Sequence[int]) -> Any:
    """``(batch, channels, *kernel, *positions)``."""
    rank = len(kernel)
    windows = called(windows_of(x, range(2, 2 + rank), kernel, steps, gaps), "windows")
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    return transpose(windows, order)


def _checked(what: str, rank: int, x: Any, weight: Any, bias: Any, groups: int) -> None:
    for name, value in (("input", x), ("weight", weight)):
        if value.ndim != rank + 2:
            raise ShapeError(
                f"{what}: the {name} needs {rank + 2} axes",
                expected="(batch, channels, ...) and (out channels, in channels / groups, ...)",
                got=f"{shape_text(x.shape)} and {shape_text(weight.shape)}",
            )
    if bias is not None and bias.ndim != 1:
        raise ShapeError(f"{what}: the bias must be a vector", got=shape_text(bias.shape))
    if not isinstance(groups, int) or groups < 1:
        raise ShapeError(f"{what}: groups", expected="a positive integer", got=repr(groups))


def _with_bias(y: Any, bias: Any) -> Any:
    """Before the positions are taken apart: it is added in place to the product."""
    if bias is None:
        return y
    return y + (expand_dims(bias, 1) if y.ndim == 3 else reshape(bias, (*y.shape[1:-1], 1)))


def _convolve(
    rank: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    what = f"conv{rank}d"
    x, weight, *rest = arrays(x, weight, *([] if bias is None else [bias]))
    bias = rest[0] if rest else None
    _checked(what, rank, x, weight, bias, groups)
    steps = per_axis(stride, rank, f"{what}: stride")
    gaps = per_axis(dilation, rank, f"{what}: dilation")
    out, inner, *kernel = weight.shape
    batch, channels = x.shape[:2]
    if channels != inner * groups or out % groups != 0:
        raise ShapeError(
            f"{what}: the channels do not fit",
            expected=f"{inner * groups} channels of the input, and output channels that "
            f"{groups} divides",
            got=f"input {shape_text(x.shape)}, weight {shape_text(weight.shape)}, groups={groups}",
        )
    spans = [gap * (size - 1) + 1 for gap, size in zip(gaps, kernel, strict=True)]
    x = padded(x, padding_pairs(padding, x.shape[2:], spans, steps, what))
    columns = _columns(x, kernel, steps, gaps)
    places = columns.shape[2 + rank :]
    share = () if groups == 1 else (groups,)
    columns = reshape(columns, (batch, *share, inner * product(kernel), product(places)))
    called(columns, "columns")
    rows = reshape(weight, (*share, out // groups, inner * product(kernel)))
    result = _with_bias(matmul(rows, columns), bias)
    return reshape(result, (batch, out, *places))


_PARAMETERS = """

    Parameters
    ----------
    input : array_like
        Shape ``(batch, channels, {axes})``.
    weight : array_like
        Shape ``(out channels, channels / groups, {axes})``.
    bias : array_like, optional
        One number for each output channel.
    stride, dilation : int or tuple of int, optional
        Between windows, and between the positions of a window.
    padding : int, tuple of (int or pair), "same" or "valid"
        Zeros around the input; ``"same"`` gives as many windows as there are elements, divided
        by the stride and rounded up, with the odd zero at the end.
    groups : int, optional
        Channels are divided into so many groups, each with kernels of its own.

    Raises
    ------
    ShapeError
        If the channels do not fit, or a kernel is longer than its axis.
"""


@function
@documented(_PARAMETERS.format(axes="length"))
def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Correlation with kernels along one axis, as ``torch.nn.functional.conv1d``."""
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


@function
@documented(_PARAMETERS.format(axes="height, width"))
def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Correlation with kernels along two axes, as ``torch.nn.functional.conv2d``."""
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


@function
@documented(_PARAMETERS.format(axes="depth, height, width"))
def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Correlation with kernels along three axes, as ``torch.nn.functional.conv3d``."""
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


# Transposed --------------------------------------------------------------------------------------


def _convolve_transposed(
    rank: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    what = f"conv_transpose{rank}d"
    x, weight, *rest = arrays(x, weight, *([] if bias is None else [bias]))
    bias = rest[0] if rest else None
    _checked(what, rank, x, weight, bias, groups)
    steps = per_axis(stride, rank, f"{what}: stride")
    gaps = per_axis(dilation, rank, f"{what}: dilation")
    channels, out, *kernel = weight.shape
    batch, *places = (x.shape[0], *x.shape[2:])
    if x.shape[1] != channels or channels % groups != 0:
        raise ShapeError(
            f"{what}: the channels do not fit",
            expected=f"{channels} channels of the input, which {groups} divides",
            got=f"input {shape_text(x.shape)}, weight {shape_text(weight.shape)}, groups={groups}",
        )
    share = () if groups == 1 else (groups,)
    rows = reshape(weight, (*share, channels // groups, out * product(kernel)))
    columns = reshape(x, (batch, *share, channels // groups, product(places)))
    columns = matmul(swapaxes(rows, -1, -2), columns)
    windows = reshape(columns, (batch, groups * out, *kernel, *places))
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    more = _added(output_padding, [max(s, g) for s, g in zip(steps, gaps, strict=True)], what)
    # The windows leave less than a step over; what is more, which the dilation allows, is empty.
    empty = [max(extra - step + 1, 0) for extra, step in zip(more, steps, strict=True)]
    dims = [
        (n - 1) * step + gap * (size - 1) + 1 + extra - none
        for n, step, gap, size, extra, none in zip(
            places, steps, gaps, kernel, more, empty, strict=True
        )
    ]
    axes = range(2, 2 + rank)
    y = window_sum(
        transpose(windows, order), axes, kernel, steps, gaps, (batch, groups * out, *dims)
    )
    if any(empty):
        y = padded(y, [(0, none) for none in empty])
        dims = [dim + none for dim, none in zip(dims, empty, strict=True)]
    borders = padding_pairs(padding, places, kernel, steps, what)
    cut = [slice(before, dim - after) for (before, after), dim in zip(borders, dims, strict=True)]
    y = y[(slice(None), slice(None), *cut)]
    return y if bias is None else y + expand_dims(bias, tuple(range(1, rank + 1)))


def _added(output_padding: Any, bounds: Sequence[int], what: str) -> list[int]:
    """How many elements are added at the end of each axis."""
    items = items_of(output_padding)
    items = items * len(bounds) if len(items) == 1 else items
    if len(items) != len(bounds) or any(
        not isinstance(item, int) or not 0 <= item < bound
        for item, bound in zip(items, bounds, strict=True)
    ):
        raise ShapeError(
            f"{what}: output_padding",
            expected=f"numbers from 0 to below the stride or the dilation, {tuple(bounds)}",
            got=repr(output_padding),
        )
    return items


_TRANSPOSED = """ Each element adds its multiple of a kernel to the result: the transpose
    of the convolution by its input.

    Parameters
    ----------
    input : array_like
        Shape ``(batch, channels, {axes})``.
    weight : array_like
        Shape ``(channels, out channels / groups, {axes})``.
    bias : array_like, optional
        One number for each output channel.
    stride, dilation : int or tuple of int, optional
        Between the kernels in the result, and between the elements of a kernel.
    padding : int, or tuple of (int or pair)
        What is cut off the result on every side.
    output_padding : int or tuple of int
        What the result has more at the end of each axis; less than the stride or
        the dilation.
    groups : int, optional
        Channels are divided into so many groups, each with kernels of its own.

    Raises
    ------
    ShapeError
        If the channels or the padding do not fit.
"""


@function
@documented(_TRANSPOSED.format(axes="length"))
def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """As ``torch.nn.functional.conv_transpose1d``."""
    return _convolve_transposed(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@function
@documented(_TRANSPOSED.format(axes="height, width"))
def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """As ``torch.nn.functional.conv_transpose2d``."""
    return _convolve_transposed(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@function
@documented(_TRANSPOSED.format(axes="depth, height, width"))
def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """As ``torch.nn.functional.conv_transpose3d``."""
    return _convolve_transposed(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


# Examples for the tests --------------------------------------------------------------------------


def _naive(x: Any, w: Any, stride: int = 1, gap: int = 1, groups: int = 1) -> Any:
    """The sum that defines a convolution, one element of the result after another."""
    out, inner, *kernel = w.shape
    reach = [gap * (k - 1) for k in kernel]
    counts = [(n - r - 1) // stride + 1 for n, r in zip(x.shape[2:], reach, strict=True)]
    y = np.zeros((len(x), out, *counts), np.result_type(x, w))
    for place in np.ndindex(*counts):
        cut = tuple(
            slice(stride * p, stride * p + r + 1, gap) for p, r in zip(place, reach, strict=True)
        )
        for channel in range(out):
            first = channel * groups // out * inner
            part = x[(slice(None), slice(first, first + inner), *cut)] * w[channel]
            y[(slice(None), channel, *place)] = part.sum(axis=tuple(range(1, part.ndim)))
    return y


def _naive_transposed(x: Any, w: Any, stride: int = 1, gap: int = 1, groups: int = 1) -> Any:
    channels, inner, *kernel = w.shape
    reach = [gap * (k - 1) + 1 for k in kernel]
    dims = [(n - 1) * stride + r for n, r in zip(x.shape[2:], reach, strict=True)]
    y = np.zeros((len(x), inner * groups, *dims), np.result_type(x, w))
    for place in np.ndindex(*x.shape[2:]):
        cut = tuple(
            slice(stride * p, stride * p + r, gap) for p, r in zip(place, reach, strict=True)
        )
        for channel in range(channels):
            first = channel * groups // channels * inner
            value = x[(slice(None), channel, *place)]
            value = value.reshape((-1,) + (1,) * (len(kernel) + 1))
            y[(slice(None), slice(first, first + inner), *cut)] += value * w[channel]
    return y


def _bordered(x: Any, *pairs: tuple[int, int]) -> Any:
    return np.pad(x, [(0, 0), (0, 0), *pairs])


_IMAGE, _KERNEL, _BIAS = array(2, 2, 5, 4), array(3, 2, 2, 3, shift=1.0), array(3)
_SIGNAL, _FILTER = array(2, 4, 7), array(4, 2, 3, shift=2.0)
_VOLUME, _CUBE = array(1, 2, 3, 3, 2), array(2, 2, 2, 2, 1, shift=1.0)

EXAMPLES: dict[str, list[Example]] = {
    "nn.conv2d": [
        Example(conv2d, (_IMAGE, _KERNEL), _naive),
        Example(
            conv2d,
            (_IMAGE, _KERNEL, _BIAS),
            lambda x, w, b: _naive(x, w) + b[:, None, None],
        ),
        Example(
            lambda x, w: conv2d(x, w, stride=2, padding=(1, 2)),
            (_IMAGE, _KERNEL),
            lambda x, w: _naive(_bordered(x, (1, 1), (2, 2)), w, stride=2),
        ),
        Example(
            lambda x, w: conv2d(x, w, padding="same", dilation=2),
            (_IMAGE.astype(np.float32), _KERNEL.astype(np.float32)),
            lambda x, w: _naive(_bordered(x, (1, 1), (2, 2)), w, gap=2),
        ),
        Example(
            lambda x, w: conv2d(x, w, stride=2, padding="same"),
            (_IMAGE, _KERNEL),
            lambda x, w: _naive(_bordered(x, (0, 1), (0, 1)), w, stride=2),
        ),
        Example(
            lambda x, w: conv2d(x, w, groups=2),
            (_IMAGE, array(4, 1, 2, 2)),
            lambda x, w: _naive(x, w, groups=2),
        ),
        Example(conv2d, (_IMAGE, array(3, 2, 1, 1)), _naive),
    ],
    "nn.conv1d": [
        Example(
            lambda x, w: conv1d(x, w, padding=((2, 0),), groups=2),
            (_SIGNAL, _FILTER),
            lambda x, w: _naive(_bordered(x, (2, 0)), w, groups=2),
        ),
        Example(conv1d, (_SIGNAL[:0], array(2, 4, 3)), _naive),
    ],
    "nn.conv3d": [Example(conv3d, (_VOLUME, _CUBE), _naive)],
    "nn.conv_transpose1d": [
        Example(
            lambda x, w: conv_transpose1d(x, w, stride=3, padding=1, output_padding=2, groups=2),
            (_SIGNAL, _FILTER),
            lambda x, w: _bordered(_naive_transposed(x, w, 3, groups=2), (0, 2))[..., 1:-1],
        ),
        Example(
            lambda x, w: conv_transpose1d(x, w, dilation=2),
            (_SIGNAL.astype(np.float32), _FILTER.astype(np.float32)),
            lambda x, w: _naive_transposed(x, w, gap=2),
        ),
    ],
    "nn.conv_transpose2d": [
        Example(
            lambda x, w, b: conv_transpose2d(x, w, b, stride=2),
            (_IMAGE, array(2, 3, 2, 3), _BIAS),
            lambda x, w, b: _naive_transposed(x, w, 2) + b[:, None, None],
        )
    ],
    "nn.conv_transpose3d": [Example(conv_transpose3d, (_VOLUME, _CUBE), _naive_transposed)],
}
