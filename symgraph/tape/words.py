"""PyTorch's names for NumPy's functions, and its keywords ``dim`` and ``keepdim``.

The operations are those of the registry; this is only what else they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NamedTuple

from symgraph.errors import UnsupportedError
from symgraph.graph.registry import BUILDERS, complete

__all__ = ["FUNCTIONS", "METHODS", "torch_words"]


def torch_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ``dim``, ``keepdim`` and ``input`` for ``axis``, ``keepdims`` and x."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if keywords:
            if "input" in keywords:
                args = (keywords.pop("input"), *args)
            keywords = {_KEYWORDS.get(name, name): value for name, value in keywords.items()}
        return function(*args, **keywords)

    return call


_KEYWORDS = {"dim": "axis", "keepdim": "keepdims", "dims": "axis", "correction": "ddof"}


class Extreme(NamedTuple):
    """What ``x.max(dim=1)`` gives: the elements and where they are."""

    values: Any
    indices: Any


def _extreme(name: str) -> Callable[..., Any]:
    """``max`` and ``min``: with ``dim=`` also the positions, as in PyTorch."""
    builder, position = BUILDERS[name], BUILDERS[f"arg{name}"]

    @wraps(builder)
    def call(x: Any, *args: Any, **keywords: Any) -> Any:
        if "dim" not in keywords:
            return builder(x, *args, **keywords)
        axis, keep = keywords.pop("dim"), keywords.pop("keepdim", False)
        if args or keywords:
            raise UnsupportedError(f"{name}: arguments besides dim= and keepdim=")
        return Extreme(builder(x, axis=axis, keepdims=keep), position(x, axis=axis, keepdims=keep))

    return call


def _moment(name: str) -> Callable[..., Any]:
    """``std`` and ``var``: PyTorch divides by n - 1, NumPy by n, so the words are kept apart."""
    builder = torch_words(BUILDERS[name])

    @wraps(builder)
    def call(x: Any, *args: Any, **keywords: Any) -> Any:
        if "dim" in keywords or "unbiased" in keywords:
            raise UnsupportedError(
                f"{name}: dim= means PyTorch's estimate, which divides by n - 1",
                hint=f"{name}(axis=..., ddof=1) for that, ddof=0 for NumPy's",
            )
        return builder(x, *args, **keywords)

    return call


def _clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """Between two bounds."""
    return BUILDERS["clip"](x, min, max)


def _gather(x: Any, dim: int, index: Any) -> Any:
    """Elements along a dimension by position."""
    return BUILDERS["take_along_axis"](x, index, axis=dim)


def _flatten(x: Any) -> Any:
    """One dimension."""
    return BUILDERS["reshape"](x, -1)


_CONSTRUCTORS = frozenset(
    "arange at cond einsum empty_like eye full full_like identity ndim ones ones_like scan shape "
    "size zeros zeros_like vmap".split()
)
_ALIASES = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bmm": "matmul",
    "cat": "concatenate",
    "concat": "concatenate",
    "conj": "conjugate",
    "div": "divide",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lt": "less",
    "mm": "matmul",
    "movedim": "moveaxis",
    "mul": "multiply",
    "mv": "matmul",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "permute_dims",
    "pow": "power",
    "round": "rint",
    "sub": "subtract",
    "true_divide": "divide",
    "unsqueeze": "expand_dims",
}

# Tensors have every operation as a function and as a method.
complete()

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: torch_words(builder) for name, builder in BUILDERS.items() if name.isidentifier()},
    **{name: torch_words(BUILDERS[other]) for name, other in _ALIASES.items()},
    **{name: _extreme(name) for name in ("max", "min")},
    **{name: _moment(name) for name in ("std", "var")},
    "clamp": _clamp,
    "flatten": _flatten,
    "gather": _gather,
}
"""Every operation by NumPy's and by PyTorch's name."""

METHODS = {name: function for name, function in FUNCTIONS.items() if name not in _CONSTRUCTORS}
"""Those that are methods of a tensor as well."""
for _name, _dtype in {
    "float": "float32",
    "double": "float64",
    "long": "int64",
    "int": "int32",
    "bool": "bool",
}.items():
    METHODS[_name] = partial(BUILDERS["astype"], dtype=_dtype)
