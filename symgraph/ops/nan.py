"""Reductions of the elements that are not NaN.

NumPy puts a number in the place of NaN and reduces; so do these, and simplification sees it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from symgraph.graph.node import Node, as_node
from symgraph.graph.record import record
from symgraph.ops.calls import of_numpy, over_axes
from symgraph.ops.cumulative import cumprod
from symgraph.ops.elementwise import astype, isnan, logical_and, where
from symgraph.ops.elementwise.parts import real_dtype
from symgraph.ops.kinds import Example
from symgraph.ops.reduce import CUBE, counted, cumsum, mean, normalize_axes, sum
from symgraph.ops.reduce_moments import prod, std, var
from symgraph.ops.reduce_order import Extreme, ExtremeFrom, argmax, argmin, extreme

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _without_nan(a: Any, filler: float) -> Node:
    node = as_node(a)
    return where(isnan(node), filler, node) if node.type.inexact else node


def _valid(a: Any, mask: Any) -> Any:
    """Which elements are numbers, of those that a mask lets count."""
    node = as_node(a)
    if not node.type.inexact:
        return mask
    numbers = ~isnan(node)
    return numbers if mask is True else logical_and(numbers, mask)


# Sums and products -----------------------------------------------------------------------------


@over_axes(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Sum over axes with 0 in the place of NaN, as ``np.nansum``."""
    numbers = _without_nan(a, 0.0)
    return sum(numbers, axis, dtype, keepdims=keepdims, initial=initial, where=where)


@over_axes(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Product over axes with 1 in the place of NaN, as ``np.nanprod``."""
    numbers = _without_nan(a, 1.0)
    return prod(numbers, axis, dtype, keepdims=keepdims, initial=initial, where=where)


@of_numpy(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Cumulative sum with 0 in the place of NaN, as ``np.nancumsum``."""
    return cumsum(_without_nan(a, 0.0), axis, dtype)


@of_numpy(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Cumulative product with 1 in the place of NaN, as ``np.nancumprod``."""
    return cumprod(_without_nan(a, 1.0), axis, dtype)


# Moments ---------------------------------------------------------------------------------------


@over_axes(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    """Mean over axes of the elements that are not NaN, as ``np.nanmean``; NaN if there is none."""
    return mean(a, axis, dtype, keepdims=keepdims, where=_valid(a, where))


def _spread(
    function: Any, a: Any, axis: Any, ddof: Any, correction: Any, mask: Any, **keywords: Any
) -> Node:
    valid = _valid(a, mask)
    found = function(a, axis, ddof=ddof, correction=correction, where=valid, **keywords)
    node = as_node(a)
    if not node.type.inexact:
        return found
    # NumPy: NaN where there are too few elements, though the sum of squares be not 0.
    axes = normalize_axes(axis, node.ndim, "nanvar")
    number = counted(valid, node, axes, bool(keywords["keepdims"]))
    if keywords["dtype"] is None:
        found = astype(found, real_dtype(node.dtype))  # whatever the dtype of mean=
    return where(number > (ddof if correction is None else correction), found, np.nan)


@over_axes(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Variance over axes of the elements that are not NaN, as ``np.nanvar``."""
    keywords: Any = {"dtype": dtype, "keepdims": keepdims, "mean": mean}
    return _spread(var, a, axis, ddof, correction, where, **keywords)


@over_axes(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Standard deviation over axes of the elements that are not NaN, as ``np.nanstd``."""
    keywords: Any = {"dtype": dtype, "keepdims": keepdims, "mean": mean}
    return _spread(std, a, axis, ddof, correction, where, **keywords)


# Extremes --------------------------------------------------------------------------------------


@record
class NanMax(Extreme):
    """The maximum over axes of the elements that are not NaN: NaN is equal to nothing."""

    name: ClassVar[str] = "nanmax"


@record
class NanMin(Extreme):
    """The minimum over axes of the elements that are not NaN."""

    name: ClassVar[str] = "nanmin"


@record
class NanMaxFrom(ExtremeFrom):
    """The maximum of a number and of the elements along axes that are not NaN."""

    name: ClassVar[str] = "nanmax_from"
    numpy: ClassVar[str] = "nanmax"


@record
class NanMinFrom(ExtremeFrom):
    """The minimum of a number and of the elements along axes that are not NaN."""

    name: ClassVar[str] = "nanmin_from"
    numpy: ClassVar[str] = "nanmin"


@over_axes(np.nanmax)
def nanmax(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """Maximum over axes of the elements that are not NaN, as ``np.nanmax``; split among ties."""
    return extreme(NanMax, NanMaxFrom, a, axis, keepdims, initial, where)


@over_axes(np.nanmin)
def nanmin(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """Minimum over axes of the elements that are not NaN, as ``np.nanmin``; split among ties."""
    return extreme(NanMin, NanMinFrom, a, axis, keepdims, initial, where)


@of_numpy(np.nanargmax)
def nanargmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Position of the first maximum that is not NaN, as ``np.nanargmax``.

    0 where there is nothing but NaN, which NumPy refuses.
    """
    return argmax(_without_nan(a, -np.inf), axis, keepdims=keepdims)


@of_numpy(np.nanargmin)
def nanargmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Position of the first minimum that is not NaN, as ``np.nanargmin``; 0 if there is none."""
    return argmin(_without_nan(a, np.inf), axis, keepdims=keepdims)


# Examples for the tests ------------------------------------------------------------------------

_GAPS = np.where(np.abs(CUBE) > 0.9, np.nan, CUBE)
_WHOLE = np.arange(6).reshape(2, 3)


def _everywhere(function: Any) -> list[Example]:
    """With NaN, with integers, and with neither, where there is a derivative to test."""
    return [
        Example(lambda x: function(x, axis=1), (CUBE,)),
        Example(lambda x: function(x, axis=-1), (_GAPS,)),
        Example(function, (_GAPS.astype(np.float32),)),
        Example(lambda x: function(x, axis=0), (_WHOLE,)),
    ]


_OF_NUMPY = [
    np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin,
    np.nanargmax, np.nanargmin, np.nancumsum, np.nancumprod,
]  # fmt: skip

EXAMPLES: dict[str, list[Example]] = {
    **{function.__name__: _everywhere(function) for function in _OF_NUMPY},
    "nanspread": [
        Example(lambda x: np.nanvar(x, axis=1, ddof=1, keepdims=True), (_GAPS,)),
        Example(lambda x: np.nanmax(x, axis=1, initial=0.1, where=CUBE < 0.9), (_GAPS,)),
        Example(lambda x: np.nanmin(x, axis=0, initial=0.9), (_GAPS,)),
        Example(lambda x: np.nansum(x, axis=0, initial=0.1, where=CUBE < 0.5), (_GAPS,)),
    ],
}
