"""What PyTorch has and NumPy spells otherwise, in terms of NumPy's operations.

Names that mean something else in NumPy are in the module `twofold`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.registry import BUILDERS

__all__ = ["NAMES", "Ranked", "argsort", "axis_of", "pieces", "sizes_of_parts"]


class Ranked(NamedTuple):
    """What ``x.max(dim=1)``, ``x.sort(dim=1)`` and ``x.topk(3)`` give."""

    values: Any
    indices: Any


def _do(name: str, *args: Any, **keywords: Any) -> Any:
    return BUILDERS[name](*args, **keywords)


def axis_of(x: Any, dim: int) -> int:
    """An axis counted from the front."""
    return dim % max(int(x.ndim), 1)


def _at(x: Any, dim: int, index: Any) -> Any:
    return x[(*[slice(None)] * axis_of(x, dim), index)]


# Parts of a tensor -----------------------------------------------------------------------------


def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    if not x.ndim:
        return _do("reshape", x, -1)
    start, end = axis_of(x, start_dim), axis_of(x, end_dim)
    shape = cast("tuple[int, ...]", x.shape)
    middle = int(np.prod(shape[start : end + 1]))
    return _do("reshape", x, (*shape[:start], middle, *shape[end + 1 :]))


def pieces(x: Any, sizes: Sequence[int], dim: int) -> tuple[Any, ...]:
    """Stretches of given lengths along an axis."""
    stops = np.cumsum(sizes).tolist()
    return tuple([_at(x, dim, slice(stop - n, stop)) for n, stop in zip(sizes, stops, strict=True)])


def sizes_of_parts(length: int, size: int) -> list[int]:
    """The lengths of parts of one size; the last may be shorter."""
    return [min(size, length - begin) for begin in range(0, length, size)] or [0]


def _chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    length = x.shape[axis_of(x, dim)]
    return pieces(x, sizes_of_parts(length, max(-(-length // chunks), 1)), dim)


def _select(x: Any, dim: int, index: int) -> Any:
    return _at(x, dim, index)


def _narrow(x: Any, dim: int, start: int, length: int) -> Any:
    return _at(x, dim, slice(start, start + length))


def _unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    return tuple([_at(x, dim, i) for i in range(x.shape[axis_of(x, dim)])])


def _unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    axis = axis_of(x, dimension)
    windows = _do("sliding_window_view", x, size, axis=axis)
    return _at(windows, axis, slice(None, None, step))


def _index_select(x: Any, dim: int, index: Any) -> Any:
    return _do("take", x, index, axis=dim)


def _gather(x: Any, dim: int, index: Any) -> Any:
    own = axis_of(x, dim)
    near = tuple([slice(None) if i == own else slice(n) for i, n in enumerate(index.shape)])
    x = x if index.shape == x.shape else x[near]
    return _do("take_along_axis", x, index, axis=dim)


def _places(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """Where `scatter` writes: the positions of `index`, with the one along `dim` from it."""
    plain = np.asarray(index.numpy() if hasattr(index, "numpy") else index)
    places: list[Any] = list(np.indices(plain.shape))
    places[axis_of(x, dim)] = plain
    return tuple(places)


def _part(src: Any, index: Any) -> Any:
    sizes = cast("tuple[int, ...]", index.shape)
    return src[tuple([slice(n) for n in sizes])] if getattr(src, "ndim", 0) else src


def _scatter(x: Any, dim: int, index: Any, src: Any = None, *, value: Any = None) -> Any:
    source = value if src is None else _part(src, index)
    return x.at[_places(x, dim, index)].set(source)


def _scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    return x.at[_places(x, dim, index)].add(_part(src, index))


def _index_add(x: Any, dim: int, index: Any, source: Any) -> Any:
    return x.at[(*[slice(None)] * axis_of(x, dim), index)].add(source)


def _masked_fill(x: Any, mask: Any, value: Any) -> Any:
    return _do("where", mask, value, x)


def _masked_select(x: Any, mask: Any) -> Any:
    return _do("broadcast_to", x, np.broadcast_shapes(x.shape, mask.shape))[mask]


def _argwhere(x: Any) -> Any:
    return np.argwhere(x)


def _expand_as(x: Any, other: Any) -> Any:
    return _do("broadcast_to", x, other.shape)


def _unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Any:
    axis, shape = axis_of(x, dim), cast("tuple[int, ...]", x.shape)
    return _do("reshape", x, (*shape[:axis], *sizes, *shape[axis + 1 :]))


def _index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    return x.at[(*[slice(None)] * axis_of(x, dim), index)].set(value)


def _diag_embed(x: Any) -> Any:
    return x[..., None] * np.eye(x.shape[-1], dtype=x.dtype)


def _where(condition: Any, *values: Any) -> Any:
    return _do("where", condition, *values) if values else np.nonzero(condition)


def _unique(x: Any, sorted: bool = True, **words: Any) -> Any:
    if words.keys() - {"return_inverse", "return_counts", "axis", "dim"}:
        raise UnsupportedError(f"unique: {', '.join(words)}")
    words["axis"] = words.pop("dim", words.get("axis"))
    unique: Callable[..., Any] = np.unique
    return unique(np.asarray(x.detach() if hasattr(x, "detach") else x), **words)


def _bucketize(x: Any, boundaries: Any, *, right: bool = False) -> Any:
    return _do("searchsorted", boundaries, x, side="right" if right else "left")


def _clone(x: Any) -> Any:
    return x.clone()


def _numel(x: Any) -> int:
    return x.numel()


# Order -------------------------------------------------------------------------------------------


def argsort(x: Any, *args: Any, descending: bool = False, **words: Any) -> Any:
    """The places of the elements in order."""
    axis = words.pop("dim", words.pop("axis", args[0] if args else -1))
    words.pop("stable", None)
    if not descending:
        return _do("argsort", x, axis, **words)
    turned = _do("flip", x, axis)
    order = _do("argsort", turned, axis, kind="stable")
    return _do("flip", x.shape[axis] - 1 - order, axis)


def _topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Ranked:
    order = _at_most(argsort(x, dim=dim, descending=largest), k, dim)
    return Ranked(_do("take_along_axis", x, order, axis=dim), order)


def _at_most(x: Any, k: int, dim: int) -> Any:
    return _at(x, dim, slice(k))


def _msort(x: Any) -> Any:
    return _do("sort", x, 0)


def _kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Ranked:
    place = _at(argsort(x, dim=dim), dim, slice(k - 1, k))
    value = _do("take_along_axis", x, place, axis=dim)
    both = (value, place) if keepdim else (_do("squeeze", value, dim), _do("squeeze", place, dim))
    return Ranked(*both)


class Bounds(NamedTuple):
    """What ``x.aminmax()`` gives."""

    min: Any
    max: Any


def _aminmax(x: Any, *, dim: int | None = None, keepdim: bool = False) -> Bounds:
    return Bounds(*[_do(name, x, axis=dim, keepdims=keepdim) for name in ("min", "max")])


# Arithmetic --------------------------------------------------------------------------------------


def _scaled(name: str) -> Callable[..., Any]:
    def operate(x: Any, other: Any, *, alpha: Any = 1) -> Any:
        return _do(name, x, other if alpha == 1 else other * alpha)

    return operate


def _div(x: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    quotient = _do("divide", x, other)
    if rounding_mode is None:
        return quotient
    if rounding_mode not in ("floor", "trunc"):
        raise UnsupportedError(f"div: rounding_mode={rounding_mode!r}", expected="floor or trunc")
    return _do("floor_divide", x, other) if rounding_mode == "floor" else _do("trunc", quotient)


def _rsqrt(x: Any) -> Any:
    return 1 / _do("sqrt", x)


def _frac(x: Any) -> Any:
    return x - _do("trunc", x)


def _round(x: Any, decimals: int = 0) -> Any:
    return _do("round", x, decimals) if decimals else _do("rint", x)


def _and_mean(name: str) -> Callable[..., Any]:
    """``std_mean`` and ``var_mean``: these names are PyTorch's only, so they divide by n - 1."""

    def operate(
        x: Any, dim: Any = None, *, unbiased: bool = True, correction: Any = None,
        keepdim: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        freedom = int(unbiased) if correction is None else correction
        words = {"axis": dim, "keepdims": keepdim}
        return _do(name, x, ddof=freedom, **words), _do("mean", x, **words)

    return operate


def _logcumsumexp(x: Any, dim: int) -> Any:
    return _do("ufunc_accumulate", np.logaddexp, x, dim)


def _cholesky_solve(x: Any, factor: Any, upper: bool = False) -> Any:
    return _do("cho_solve", (factor, not upper), x)


def _lerp(x: Any, end: Any, weight: Any) -> Any:
    return x + weight * (end - x)


def _addcmul(x: Any, first: Any, second: Any, *, value: Any = 1) -> Any:
    return x + value * first * second


def _addcdiv(x: Any, first: Any, second: Any, *, value: Any = 1) -> Any:
    return x + value * first / second


def _addmm(x: Any, first: Any, second: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _do("matmul", first, second)
    scaled = x if beta == 1 else beta * x
    return scaled + (product if alpha == 1 else alpha * product)


def _norm(x: Any, p: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    if dim is None:
        x, dim = _do("reshape", x, -1), -1
    axis: Any = tuple(cast("list[int]", dim)) if isinstance(dim, list) else dim
    p = 2 if p in (None, "fro") else p
    return _do("vector_norm", x, ord=p, axis=axis, keepdims=keepdim)


def _dist(x: Any, other: Any, p: Any = 2) -> Any:
    return _norm(x - other, p)


def _cdist(x: Any, other: Any, p: Any = 2) -> Any:
    return _norm(x[..., :, None, :] - other[..., None, :, :], p, -1)


def _cosine_similarity(x: Any, other: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    product = _do("sum", x * other, axis=dim)
    lengths = _do("maximum", _norm(x, 2, dim), eps) * _do("maximum", _norm(other, 2, dim), eps)
    return product / lengths


def _logdet(x: Any) -> Any:
    sign, value = _do("slogdet", x)
    return _do("where", sign > 0, value, np.nan)


def _clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    if max is None and min is not None:
        return _do("clip_low", x, min)
    return _do("clip_high", x, max) if min is None and max is not None else _do("clip", x, min, max)


def _clamp_max(x: Any, max: Any) -> Any:
    return _do("clip_high", x, max)


def _tensordot(a: Any, b: Any, axes: Any = 2, *, dims: Any = None) -> Any:
    return _do("tensordot", a, b, axes if dims is None else dims)


def _einsum(subscripts: str, *operands: Any) -> Any:
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(cast("list[Any]", operands[0]))
    return _do("einsum", subscripts, *operands)


def _special(name: str) -> Callable[..., Any]:
    def operate(x: Any, *others: Any) -> Any:
        return _do(name, x, *others)

    return operate


def _transpose(x: Any, *axes: Any) -> Any:
    """Two axes are exchanged, as in PyTorch."""
    return _do("swapaxes", x, *axes) if len(axes) == 2 else _do("transpose", x, *axes)


NAMES: dict[str, Callable[..., Any]] = {
    "add": _scaled("add"),
    "addcdiv": _addcdiv,
    "addcmul": _addcmul,
    "addmm": _addmm,
    "aminmax": _aminmax,
    "argsort": argsort,
    "argwhere": _argwhere,
    "baddbmm": _addmm,
    "bucketize": _bucketize,
    "cdist": _cdist,
    "cholesky_solve": _cholesky_solve,
    "chunk": _chunk,
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp,
    "clone": _clone,
    "cosine_similarity": _cosine_similarity,
    "diag_embed": _diag_embed,
    "dist": _dist,
    "div": _div,
    "einsum": _einsum,
    "expand_as": _expand_as,
    "flatten": _flatten,
    "frac": _frac,
    "gather": _gather,
    "ger": _special("outer"),
    "index_add": _index_add,
    "index_fill": _index_fill,
    "index_select": _index_select,
    "inverse": _special("inv"),
    "kthvalue": _kthvalue,
    "lerp": _lerp,
    "lgamma": _special("gammaln"),
    "logcumsumexp": _logcumsumexp,
    "logdet": _logdet,
    "masked_fill": _masked_fill,
    "masked_select": _masked_select,
    "msort": _msort,
    "narrow": _narrow,
    "norm": _norm,
    "numel": _numel,
    "round": _round,
    "rsqrt": _rsqrt,
    "scatter": _scatter,
    "scatter_add": _scatter_add,
    "select": _select,
    "std_mean": _and_mean("std"),
    "sub": _scaled("subtract"),
    "tensordot": _tensordot,
    "topk": _topk,
    "transpose": _transpose,
    "unbind": _unbind,
    "unflatten": _unflatten,
    "unfold": _unfold,
    "unique": _unique,
    "var_mean": _and_mean("var"),
    "where": _where,
}
"""By PyTorch's name; each is a function, and a method of tensors."""
