"""``reduce``, ``accumulate`` and ``outer`` of ufuncs: the functions that they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.errors import DTypeError, UnsupportedError
from symgraph.graph.node import as_node
from symgraph.graph.registry import apply, builder
from symgraph.graph.types import as_dtype
from symgraph.ops.cumulative import CumExtreme, CumMax, CumMin, accumulated, cumprod
from symgraph.ops.elementwise import astype
from symgraph.ops.kinds import Example
from symgraph.ops.nan import nanmax, nanmin
from symgraph.ops.normalised import logsumexp
from symgraph.ops.promotion import weak_constant, weak_kind
from symgraph.ops.reduce import CUBE, FLAGS, cumsum, sum
from symgraph.ops.reduce_moments import prod
from symgraph.ops.reduce_order import all, any, max, min
from symgraph.ops.shape import expand_dims

__all__: list[str] = []  # they are methods of NumPy's ufuncs

_REDUCED: dict[str, Callable[..., Any]] = {
    "add": sum,
    "multiply": prod,
    "maximum": max,
    "minimum": min,
    "fmax": nanmax,
    "fmin": nanmin,
    "logical_and": all,
    "logical_or": any,
    "logaddexp": logsumexp,
}


def _extremes(kind: type[CumExtreme], logical: bool = False) -> Callable[..., Any]:
    def function(array: Any, axis: int) -> Any:
        return accumulated(kind, astype(array, bool) if logical else array, axis)

    return function


_ACCUMULATED: dict[str, Callable[..., Any]] = {
    "add": cumsum,
    "multiply": cumprod,
    "maximum": _extremes(CumMax),
    "minimum": _extremes(CumMin),
    "logical_or": _extremes(CumMax, logical=True),
    "logical_and": _extremes(CumMin, logical=True),
}


def _meant(table: dict[str, Callable[..., Any]], ufunc: np.ufunc, method: str) -> Any:
    function = table.get(ufunc.__name__)
    if function is None:
        raise UnsupportedError(
            f"np.{ufunc.__name__}.{method} cannot be recorded in a graph",
            expected=", ".join([f"np.{name}.{method}" for name in table]),
            hint="sg.scan computes any recurrence",
        )
    return function


def _given(what: str, out: Any, **keywords: Any) -> dict[str, Any]:
    """The keywords that a call gives, of those that are ``None`` by default."""
    if out is not None:
        raise DTypeError(f"{what}: out= is not supported on nodes", hint="write y = ... instead")
    return {name: value for name, value in keywords.items() if value is not None}


@builder()
def ufunc_call(
    ufunc: np.ufunc,
    *args: Any,
    dtype: Any = None,
    casting: Any = "same_kind",
    where: Any = True,
    **rest: Any,
) -> Any:
    """``np.add(x, y, dtype=np.float32)`` and its like: computed in that dtype.

    Raises
    ------
    UnsupportedError
        For ``where=``, which leaves elements as they lie in memory, and for other keywords.
    DTypeError
        If NumPy has no loop for the dtype.
    """
    if where is not True:
        rest["where"] = where
    if rest and ufunc.signature is None:
        raise UnsupportedError(
            f"np.{ufunc.__name__}: keyword {', '.join(rest)} is not supported on nodes",
            hint="np.where(mask, value, other) for where=, .astype() for signature=",
        )
    if dtype is None and casting == "same_kind":
        return apply(ufunc.__name__, *args, **rest)
    kinds = tuple([weak_kind(arg) or as_node(arg).dtype for arg in args])
    try:
        to = None if dtype is None else as_dtype(dtype)
        wanted = None if to is None else (None,) * ufunc.nin + (to,) * ufunc.nout
        given = (*kinds, *[None] * ufunc.nout)
        loop = ufunc.resolve_dtypes(given, signature=wanted, casting=casting)
    except TypeError as error:
        raise DTypeError(
            f"np.{ufunc.__name__}: not defined for dtype={dtype}, casting={casting!r}",
            got=str(error).splitlines()[0],
            hint="convert the operands with .astype()",
        ) from None
    return apply(
        ufunc.__name__,
        *[
            weak_constant(arg, to, ufunc.__name__) if weak_kind(arg) else astype(arg, to)
            for arg, to in zip(args, loop, strict=False)
        ],
        **rest,
    )


@builder()
def ufunc_reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """``np.add.reduce(array)`` and its like: along the first axis by default."""
    function = _meant(_REDUCED, ufunc, "reduce")
    mask = None if where is True else where
    given = _given(f"np.{ufunc.__name__}.reduce", out, dtype=dtype, initial=initial, where=mask)
    return function(array, axis, keepdims=keepdims, **given)


@builder()
def ufunc_accumulate(
    ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    """``np.add.accumulate(array)`` and its like: along the first axis by default."""
    function = _meant(_ACCUMULATED, ufunc, "accumulate")
    return function(array, axis, **_given(f"np.{ufunc.__name__}.accumulate", out, dtype=dtype))


@builder()
def ufunc_outer(ufunc: np.ufunc, A: Any, B: Any, out: Any = None) -> Any:
    """``np.multiply.outer(A, B)`` and its like: of all pairs of elements."""
    _given(f"np.{ufunc.__name__}.outer", out)
    first, second = as_node(A), as_node(B)
    behind = tuple(range(first.ndim, first.ndim + second.ndim))
    return apply(ufunc.__name__, expand_dims(first, behind), second)


# Examples for the tests ------------------------------------------------------------------------

EXAMPLES: dict[str, list[Example]] = {
    "ufunc_call": [
        Example(lambda x: np.exp(x, dtype=np.float32), (CUBE.astype(np.float32),)),
        Example(lambda x: np.add(x, 1, dtype=float, casting="same_kind"), (FLAGS.astype(int),)),
    ],
    "ufunc_reduce": [
        Example(np.add.reduce, (CUBE,)),
        Example(lambda x: np.multiply.reduce(x, axis=(0, 2), keepdims=True), (CUBE,)),
        Example(lambda x: np.fmax.reduce(x, axis=None), (CUBE,)),
        Example(lambda x: np.minimum.reduce(x, initial=0.2), (CUBE,)),
        Example(np.logical_and.reduce, (FLAGS,)),
        Example(lambda x: np.logaddexp.reduce(x, axis=1), (CUBE,)),
    ],
    "ufunc_accumulate": [
        Example(np.add.accumulate, (CUBE,)),
        Example(lambda x: np.multiply.accumulate(x, axis=1), (FLAGS,)),
        Example(np.logical_or.accumulate, (FLAGS,)),
        Example(np.logical_and.accumulate, (FLAGS.astype(float),)),
    ],
    "ufunc_outer": [
        Example(np.multiply.outer, (CUBE, CUBE[0, 0])),
        Example(np.subtract.outer, (CUBE[0, 0].astype(np.float32), np.float32(2.0))),
    ],
}
