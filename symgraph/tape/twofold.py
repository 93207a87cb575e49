"""Names that mean one thing in NumPy and another in PyTorch.

NumPy's words (``axis=``, ``keepdims=``, ``ddof=``) ask for NumPy's meaning, PyTorch's (``dim=``,
``keepdim=``, ``unbiased=``, ``descending=``) for PyTorch's. A call that says neither is refused:
``values, places = x.max(1)`` would unpack two rows where PyTorch gives two tensors. NumPy's own
functions, ``np.max(x, 1)``, always mean NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.registry import BUILDERS
from symgraph.tape.names import Ranked, argsort, axis_of, pieces, sizes_of_parts

__all__ = ["TWOFOLD"]


def _do(name: str, *args: Any, **keywords: Any) -> Any:
    return BUILDERS[name](*args, **keywords)


def _named(args: tuple[Any, ...], keywords: dict[str, Any], *names: str) -> dict[str, Any]:
    """All arguments by PyTorch's names, if a flag among them or a name shows that they are its."""
    flagged = any(type(arg) is bool for arg in args)
    if (flagged or keywords.keys() & {*names}) and len(args) <= len(names):
        return {**dict(zip(names, args, strict=False)), **keywords}
    return {}


def _rest(name: str, words: dict[str, Any]) -> None:
    """Raise if a call has both kinds of words."""
    if words:
        raise UnsupportedError(
            f"{name}: {', '.join(words)}= with PyTorch's words", expected="NumPy's or PyTorch's"
        )


def _neither(name: str, numpy: str, torch: str) -> UnsupportedError:
    return UnsupportedError(
        f"{name}: as in NumPy, or as in PyTorch?", hint=f"{numpy}; {torch} as in PyTorch"
    )


def _picked(x: Any, places: Any, axis: int, keep: bool) -> Ranked:
    """The elements at one place along an axis; their gradient goes there, as PyTorch's."""
    wide = _do("expand_dims", places, axis)
    values = _do("take_along_axis", x, wide, axis=axis)
    return Ranked(values, wide) if keep else Ranked(_do("squeeze", values, axis), places)


def _extreme(name: str) -> Callable[..., Any]:
    """``max`` and ``min``: of all, along an axis, along one with positions, of two tensors."""
    builder, position, both = BUILDERS[name], BUILDERS[f"arg{name}"], BUILDERS[f"{name}imum"]

    @wraps(builder)
    def call(x: Any, *args: Any, **keywords: Any) -> Any:
        if len(args) == 1 and not keywords and hasattr(args[0], "dtype"):
            return both(x, args[0])
        words = _named(args, keywords, "dim", "keepdim")
        if words.get("dim") is not None:
            axis, keep = words.pop("dim"), words.pop("keepdim", False)
            _rest(name, words)
            return _picked(x, position(x, axis=axis), axis, keep)
        if args and args[0] is not None:
            raise _neither(
                name, f"{name}(axis={args[0]})", f"{name}(dim={args[0]}), with the positions,"
            )
        return builder(x, *args, **keywords)

    return call


def _median(x: Any, *args: Any, **keywords: Any) -> Any:
    words = _named(args, keywords, "dim", "keepdim")
    if words.get("dim") is not None:
        axis, keep = words.pop("dim"), words.pop("keepdim", False)
        _rest("median", words)
        middle = [slice(None)] * axis_of(x, axis)
        return _picked(x, argsort(x, axis)[(*middle, (x.shape[axis] - 1) // 2)], axis, keep)
    if not keywords and (args or not np.prod(x.shape) % 2):
        raise _neither(
            "median of an even number of elements" if not args else "median",
            f"median(axis={args[0] if args else None})",
            "median(dim=...), the smaller of the two in the middle,",
        )
    return _do("median", x, *args, **keywords)


def _moment(name: str) -> Callable[..., Any]:
    """``std`` and ``var``: PyTorch divides by n - 1, NumPy by n."""
    builder = BUILDERS[name]

    @wraps(builder)
    def call(x: Any, *args: Any, **keywords: Any) -> Any:
        order = ("dim", "unbiased", "keepdim")
        words = _named(args, keywords, *order[bool(args) and type(args[0]) is bool :])
        if words:
            args, keywords = (), words
            for torch, numpy in (("dim", "axis"), ("keepdim", "keepdims")):
                if torch in keywords:
                    keywords[numpy] = keywords.pop(torch)
        if "unbiased" in keywords:
            keywords["correction"] = int(bool(keywords.pop("unbiased")))
        said = {"ddof", "correction"} if words else {"axis", "ddof", "correction", "keepdims"}
        if not keywords.keys() & said:
            raise UnsupportedError(
                f"{name}: divided by n, as in NumPy, or by n - 1, as in PyTorch?",
                hint=f"{name}(..., correction=1) for PyTorch's, correction=0 for NumPy's",
            )
        return builder(x, *args, **keywords)

    return call


def _sort(x: Any, *args: Any, **keywords: Any) -> Any:
    words = _named(args, keywords, "dim", "descending")
    if words:
        axis, descending = words.pop("dim", -1), words.pop("descending", False)
        words.pop("stable", None)
        _rest("sort", words)
        order = argsort(x, dim=axis, descending=bool(descending))
        return Ranked(_do("take_along_axis", x, order, axis=axis), order)
    if not keywords.keys() & {"axis", "kind"}:
        axis = args[0] if args else -1
        raise _neither("sort", f"sort(axis={axis})", f"sort(dim={axis}), with the positions,")
    return _do("sort", x, *args, **keywords)


def _split(x: Any, *args: Any, **keywords: Any) -> Any:
    words = _named(args, keywords, "split_size_or_sections", "dim")
    if words:
        dim, sizes = words.pop("dim", 0), words.pop("split_size_or_sections", None)
        sizes = words.pop("indices_or_sections", sizes)
        _rest("split", words)
        if isinstance(sizes, int):
            sizes = sizes_of_parts(x.shape[axis_of(x, dim)], sizes)
        return pieces(x, sizes, dim)
    sections = args[0] if args else keywords.get("indices_or_sections")
    named = len(args) > 1 or "axis" in keywords
    if not named and (not isinstance(sections, int) or sections**2 != x.shape[0]):
        raise _neither(
            "split, the number of parts or the size of each",
            f"split(x, {sections}, axis=0) for parts or where to cut",
            f"split(x, {sections}, dim=0) for sizes",
        )
    return _do("split", x, *args, **keywords)


def _repeat(x: Any, *repeats: Any, **keywords: Any) -> Any:
    if len(repeats) < 2 or keywords:
        return _do("repeat", x, *repeats, **keywords)
    if len(repeats) == 2:
        raise _neither(
            "repeat, a number and an axis or a number for each axis",
            f"repeat({repeats[0]}, axis={repeats[1]})",
            f"tile({repeats})",
        )
    return _do("tile", x, repeats)


def _nonzero(x: Any, *, as_tuple: bool | None = None) -> Any:
    if as_tuple is None:
        raise _neither(
            "nonzero, an array for each axis or one of positions",
            "nonzero(as_tuple=True)",
            "nonzero(as_tuple=False)",
        )
    return np.nonzero(x) if as_tuple else np.argwhere(x)


def _meshgrid(*xs: Any, indexing: str | None = None, **keywords: Any) -> Any:
    if len(xs) == 1 and isinstance(xs[0], list | tuple):
        xs = tuple(cast("list[Any]", xs[0]))
    if indexing is None and len(xs) > 1:
        raise _neither("meshgrid", "meshgrid(..., indexing='xy')", "indexing='ij'")
    return _do("meshgrid", *xs, indexing=indexing or "ij", **keywords)


def _cross(x: Any, other: Any, *args: Any, **keywords: Any) -> Any:
    if "dim" in keywords:
        keywords["axis"] = keywords.pop("dim")
    earlier = 3 in tuple(x.shape)[:-1] and np.ndim(other) == len(x.shape)
    if not args and not keywords and earlier:
        raise _neither("cross", "cross(..., axis=-1)", "dim=0, the first axis of size 3,")
    return _do("cross", x, other, *args, **keywords)


def _indices(name: str) -> Callable[..., Any]:
    def call(row: int, *args: Any, **keywords: Any) -> Any:
        if "col" in keywords or "offset" in keywords:
            col = args[0] if args else keywords.pop("col", row)
            offset = keywords.pop("offset", 0)
            _rest(name, keywords)
            return np.stack(_do(name, row, offset, col))
        if args:
            raise _neither(name, f"{name}({row}, k={args[0]})", f"{name}({row}, col={args[0]})")
        return _do(name, row, **keywords)

    return call


TWOFOLD: dict[str, Callable[..., Any]] = {
    "cross": _cross,
    "max": _extreme("max"),
    "median": _median,
    "meshgrid": _meshgrid,
    "min": _extreme("min"),
    "nonzero": _nonzero,
    "repeat": _repeat,
    "sort": _sort,
    "split": _split,
    "std": _moment("std"),
    "tril_indices": _indices("tril_indices"),
    "triu_indices": _indices("triu_indices"),
    "var": _moment("var"),
}
"""By name; each is a function, and those with an operand are methods of tensors."""
