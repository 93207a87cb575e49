"""What PyTorch has and NumPy spells otherwise, in terms of NumPy's operations.

Where a name means something else in NumPy, NumPy's meaning holds, unless PyTorch's keyword
(``dim=``, ``descending=``, ``unbiased=``) says which is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.registry import BUILDERS

__all__ = ["NAMES"]


class Ranked(NamedTuple):
    """What ``x.sort(dim=1)`` and ``x.topk(3)`` give: the elements and where they were."""

    values: Any
    indices: Any


def _do(name: str, *args: Any, **keywords: Any) -> Any:
    return BUILDERS[name](*args, **keywords)


def _axis(x: Any, dim: int) -> int:
    return dim % max(int(x.ndim), 1)


def _at(x: Any, dim: int, index: Any) -> Any:
    return x[(*[slice(None)] * _axis(x, dim), index)]


# Parts of a tensor -----------------------------------------------------------------------------


def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    if not x.ndim:
        return _do("reshape", x, -1)
    start, end = _axis(x, start_dim), _axis(x, end_dim)
    shape = cast("tuple[int, ...]", x.shape)
    middle = int(np.prod(shape[start : end + 1]))
    return _do("reshape", x, (*shape[:start], middle, *shape[end + 1 :]))


def _pieces(x: Any, sizes: Sequence[int], dim: int) -> tuple[Any, ...]:
    stops = np.cumsum(sizes).tolist()
    return tuple([_at(x, dim, slice(stop - n, stop)) for n, stop in zip(sizes, stops, strict=True)])


def _even(length: int, size: int) -> list[int]:
    return [min(size, length - begin) for begin in range(0, length, size)] or [0]


def _chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    length = x.shape[_axis(x, dim)]
    return _pieces(x, _even(length, max(-(-length // chunks), 1)), dim)


def _split(x: Any, indices_or_sections: Any, axis: int | None = None, **words: Any) -> Any:
    if "dim" in words or "split_size_or_sections" in words:
        dim = words.pop("dim", 0 if axis is None else axis)
        if words:
            raise UnsupportedError(f"split: {', '.join(words)}")
        sizes = indices_or_sections
        if isinstance(sizes, int):
            sizes = _even(x.shape[_axis(x, dim)], sizes)
        return _pieces(x, sizes, dim)
    sections = indices_or_sections
    if axis is None and isinstance(sections, int) and sections**2 != x.shape[0]:
        raise UnsupportedError(
            "split: the number of parts, as in NumPy, or the size of each, as in PyTorch?",
            hint=f"split(x, {sections}, axis=0) for {sections} parts, split(x, {sections}, dim=0) "
            "for parts of that size",
        )
    return _do("split", x, sections, 0 if axis is None else axis)


def _select(x: Any, dim: int, index: int) -> Any:
    return _at(x, dim, index)


def _narrow(x: Any, dim: int, start: int, length: int) -> Any:
    return _at(x, dim, slice(start, start + length))


def _unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    return tuple([_at(x, dim, i) for i in range(x.shape[_axis(x, dim)])])


def _unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    axis = _axis(x, dimension)
    windows = _do("sliding_window_view", x, size, axis=axis)
    return _at(windows, axis, slice(None, None, step))


def _index_select(x: Any, dim: int, index: Any) -> Any:
    return _do("take", x, index, axis=dim)


def _gather(x: Any, dim: int, index: Any) -> Any:
    own = _axis(x, dim)
    near = tuple([slice(None) if i == own else slice(n) for i, n in enumerate(index.shape)])
    x = x if index.shape == x.shape else x[near]
    return _do("take_along_axis", x, index, axis=dim)


def _places(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """Where `scatter` writes: the positions of `index`, with the one along `dim` from it."""
    plain = np.asarray(index.numpy() if hasattr(index, "numpy") else index)
    places: list[Any] = list(np.indices(plain.shape))
    places[_axis(x, dim)] = plain
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
    return x.at[(*[slice(None)] * _axis(x, dim), index)].add(source)


def _masked_fill(x: Any, mask: Any, value: Any) -> Any:
    return _do("where", mask, value, x)


def _masked_select(x: Any, mask: Any) -> Any:
    return _do("broadcast_to", x, np.broadcast_shapes(x.shape, mask.shape))[mask]


def _nonzero(x: Any, as_tuple: bool = True) -> Any:
    return np.nonzero(x) if as_tuple else np.argwhere(x)


def _argwhere(x: Any) -> Any:
    return np.argwhere(x)


# Order -------------------------------------------------------------------------------------------


def _sort(x: Any, *args: Any, descending: bool | None = None, **words: Any) -> Any:
    if descending is None and "dim" not in words:
        return _do("sort", x, *args, **words)
    axis = args[0] if args else words.pop("dim", -1)
    words.pop("stable", None)
    order = _argsort(x, dim=axis, descending=bool(descending))
    return Ranked(_do("take_along_axis", x, order, axis=axis), order)


def _argsort(x: Any, *args: Any, descending: bool = False, **words: Any) -> Any:
    axis = words.pop("dim", words.pop("axis", args[0] if args else -1))
    words.pop("stable", None)
    if not descending:
        return _do("argsort", x, axis, **words)
    turned = _do("flip", x, axis)
    order = _do("argsort", turned, axis, kind="stable")
    return _do("flip", x.shape[axis] - 1 - order, axis)


def _topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Ranked:
    order = _at_most(_argsort(x, dim=dim, descending=largest), k, dim)
    return Ranked(_do("take_along_axis", x, order, axis=dim), order)


def _at_most(x: Any, k: int, dim: int) -> Any:
    return _at(x, dim, slice(k))


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
    return _do("clip", x, min, max)


def _clamp_max(x: Any, max: Any) -> Any:
    return _do("clip", x, None, max)


def _tensordot(a: Any, b: Any, axes: Any = 2, *, dims: Any = None) -> Any:
    return _do("tensordot", a, b, axes if dims is None else dims)


def _repeat(x: Any, *repeats: Any, **words: Any) -> Any:
    if len(repeats) < 2 or words:
        return _do("repeat", x, *repeats, **words)
    if len(repeats) == 2:
        raise UnsupportedError(
            "repeat: a number and an axis, as in NumPy, or a number for each axis, as in PyTorch?",
            hint=f"repeat({repeats[0]}, axis={repeats[1]}), or tile({repeats})",
        )
    return _do("tile", x, repeats)


def _einsum(subscripts: str, *operands: Any) -> Any:
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(cast("list[Any]", operands[0]))
    return _do("einsum", subscripts, *operands)


def _special(name: str) -> Callable[..., Any]:
    def operate(x: Any, *others: Any) -> Any:
        return _do(name, x, *others)

    return operate


NAMES: dict[str, Callable[..., Any]] = {
    "add": _scaled("add"),
    "addcdiv": _addcdiv,
    "addcmul": _addcmul,
    "addmm": _addmm,
    "argsort": _argsort,
    "argwhere": _argwhere,
    "baddbmm": _addmm,
    "cdist": _cdist,
    "chunk": _chunk,
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp,
    "cosine_similarity": _cosine_similarity,
    "dist": _dist,
    "div": _div,
    "einsum": _einsum,
    "flatten": _flatten,
    "frac": _frac,
    "gather": _gather,
    "ger": _special("outer"),
    "index_add": _index_add,
    "index_select": _index_select,
    "inverse": _special("inv"),
    "lerp": _lerp,
    "lgamma": _special("gammaln"),
    "logdet": _logdet,
    "masked_fill": _masked_fill,
    "masked_select": _masked_select,
    "narrow": _narrow,
    "nonzero": _nonzero,
    "norm": _norm,
    "repeat": _repeat,
    "rsqrt": _rsqrt,
    "scatter": _scatter,
    "scatter_add": _scatter_add,
    "select": _select,
    "sort": _sort,
    "split": _split,
    "sub": _scaled("subtract"),
    "tensordot": _tensordot,
    "topk": _topk,
    "unbind": _unbind,
    "unfold": _unfold,
}
"""By PyTorch's name; each is a function, and a method of tensors."""
