"""The larger and the smaller of values: maximum, minimum, clip, relu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.graph.code import call
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import builder
from symgraph.ops.elementwise.arithmetic import NOT_NEGATIVE
from symgraph.ops.elementwise.choice import where
from symgraph.ops.elementwise.comparison import isnan, logical_and, logical_or
from symgraph.ops.elementwise.rounding import heaviside
from symgraph.ops.facts import Facts
from symgraph.ops.kinds import any_node, elementwise, promote


def _tie_share(first: Node, second: Node) -> Node:
    """1 where `first` is the larger, a half at a tie, 0 elsewhere."""
    for value, other, turned in ((second, first, False), (first, second, True)):
        if isinstance(value.op, Constant) and value.ndim == 0 and np.isfinite(value.op.value):
            # The difference with a finite constant is never inf - inf.
            gap = other if value.op.value == 0 else other - value
            return heaviside(-gap if turned else gap, 0.5)
    larger = (first > second).astype(promote([first.dtype, second.dtype]))
    return where(first == second, 0.5, larger)


def _larger_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return max(b[0][0], b[1][0]), max(b[0][1], b[1][1])


def _smaller_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(b[0][0], b[1][0]), min(b[0][1], b[1][1])


def _clip_bounds(b: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return _smaller_bounds((_larger_bounds(b), b[2]))


maximum = elementwise(
    "maximum",
    ufunc=np.maximum,
    partials=(lambda r, x, y: _tie_share(x, y), lambda r, x, y: _tie_share(y, x)),
    formula="Max(x, y)",
    facts=Facts(analytic=False, commutative=True, associative=True, idempotent=True),
    cost=0.5,
    doc="The larger of two values, as ``np.maximum``; at a tie each gets half the derivative.",
    bounds=_larger_bounds,
)
minimum = elementwise(
    "minimum",
    ufunc=np.minimum,
    partials=(lambda r, x, y: _tie_share(y, x), lambda r, x, y: _tie_share(x, y)),
    formula="Min(x, y)",
    facts=Facts(analytic=False, commutative=True, associative=True, idempotent=True),
    cost=0.5,
    doc="The smaller of two values, as ``np.minimum``; at a tie each gets half the derivative.",
    bounds=_smaller_bounds,
)


def _share_without_nan(first: Node, second: Node) -> Node:
    share = where(isnan(second), 1.0, _tie_share(first, second))
    return where(isnan(first), 0.0, share)


fmax = elementwise(
    "fmax",
    ufunc=np.fmax,
    partials=(lambda r, x, y: _share_without_nan(x, y), lambda r, x, y: _share_without_nan(y, x)),
    formula="Max(x, y)",
    facts=Facts(analytic=False, commutative=True, associative=True, idempotent=True),
    cost=1.0,
    doc="The larger of two values that is not NaN, as ``np.fmax``; at a tie a half each.",
)
fmin = elementwise(
    "fmin",
    ufunc=np.fmin,
    partials=(
        lambda r, x, y: _share_without_nan(-x, -y),
        lambda r, x, y: _share_without_nan(-y, -x),
    ),
    formula="Min(x, y)",
    facts=Facts(analytic=False, commutative=True, associative=True, idempotent=True),
    cost=1.0,
    doc="The smaller of two values that is not NaN, as ``np.fmin``; at a tie a half each.",
)
relu = elementwise(
    "relu",
    dtypes=np.positive,
    text=lambda x: call("np.maximum", x, "0.0"),
    out=True,
    partials=(lambda r, x: (x > 0).astype(r.dtype),),
    formula="Max(x, 0)",
    facts=Facts(idempotent=True),
    cost=0.5,
    doc="``maximum(x, 0)`` with the derivative 0 at 0.",
    bounds=NOT_NEGATIVE,
)


def _bool_partial(condition: Node, r: Node) -> Node:
    return condition.astype(r.dtype)


_clip = elementwise(
    "clip",
    dtypes=lambda x, low, high: promote([x, low, high]),
    arity=3,
    text=lambda x, low, high: call("np.clip", x, low, high),
    out=True,
    partials=(
        lambda r, x, low, high: _bool_partial(logical_and(x >= low, x <= high), r),
        lambda r, x, low, high: _bool_partial(logical_and(x < low, low <= high), r),
        lambda r, x, low, high: _bool_partial(logical_or(x > high, low > high), r),
    ),
    formula="Min(Max(x, y), z)",
    cost=1.0,
    bounds=_clip_bounds,
)
_clip_low = elementwise(
    "clip_low",
    dtypes=lambda x, low: promote([x, low]),
    arity=2,
    text=lambda x, low: call("np.maximum", x, low),
    out=True,
    partials=(
        lambda r, x, low: _bool_partial(x >= low, r),
        lambda r, x, low: _bool_partial(x < low, r),
    ),
    formula="Max(x, y)",
    cost=0.5,
    bounds=_larger_bounds,
)
_clip_high = elementwise(
    "clip_high",
    dtypes=lambda x, high: promote([x, high]),
    arity=2,
    text=lambda x, high: call("np.minimum", x, high),
    out=True,
    partials=(
        lambda r, x, high: _bool_partial(x <= high, r),
        lambda r, x, high: _bool_partial(x > high, r),
    ),
    formula="Min(x, y)",
    cost=0.5,
    bounds=_smaller_bounds,
)


@builder(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Limit values to an interval, as ``np.clip``.

    A bound itself belongs to the inside: the derivative there is that of `a`.

    Parameters
    ----------
    a : array_like
    a_min, a_max : array_like, optional
        Bounds; ``None`` for none. ``min=`` and ``max=`` are the same.
    """
    low = a_min if min is None else min
    high = a_max if max is None else max
    if not any_node(a, low, high):
        return np.clip(a, low, high)
    result = as_node(a)
    if low is not None and high is not None:
        return _clip(result, low, high)
    if low is not None:
        return _clip_low(result, low)
    return result if high is None else _clip_high(result, high)
