"""How operands become nodes: NumPy's dtypes, and Python's numbers, which adapt to the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError, UnsupportedError
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.size_numbers import SizeNumber, Symbolic
from symgraph.graph.sizes import Size
from symgraph.graph.types import DType, as_dtype

__all__ = [
    "any_node",
    "library_ufunc",
    "loop_dtypes",
    "promote",
    "weak_constant",
    "weak_kind",
    "weak_nodes",
]


def library_ufunc(path: str) -> np.ufunc:
    """A ufunc by the full name that it has in a library.

    Raises
    ------
    UnsupportedError
        If there is no such library, or its version has no such function.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnsupportedError(
            f"{path} is needed here: {error}", hint='pip install "symgraph[scipy]", or a newer one'
        ) from None


@lru_cache(maxsize=4096)
def _resolve(ufunc: np.ufunc, dtypes: tuple[Any, ...]) -> tuple[DType, ...] | None:
    try:
        return ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    except TypeError:
        return None


def loop_dtypes(ufunc: np.ufunc, dtypes: tuple[Any, ...], what: str) -> tuple[DType, ...]:
    """The dtypes NumPy computes in; ``int``, ``float``, ``complex`` stand for weak scalars.

    Raises
    ------
    DTypeError
        If NumPy has no loop for them.
    """
    found = _resolve(ufunc, dtypes)
    if found is None:
        raise DTypeError(
            f"{what}: not defined for these dtypes",
            got=" and ".join(getattr(d, "name", None) or d.__name__ for d in dtypes),
            hint="convert with .astype()",
        )
    return found


def promote(dtypes: Sequence[DType]) -> DType:
    """NumPy's common dtype."""
    return as_dtype(np.result_type(*dtypes))


def any_node(*values: Any) -> bool:
    """Whether a node is among the values or in lists of them."""
    for value in values:
        if isinstance(value, Node | Symbolic):
            return True
        if isinstance(value, list | tuple) and any_node(*value):
            return True
    return False


_WEAK = (int, float, complex)


def weak_kind(value: object) -> type | None:
    """The type of a Python number that adapts to other operands; ``None`` for anything else."""
    kind = type(value)
    if kind is Size:
        return int
    if kind is SizeNumber:
        return cast("SizeNumber", value).kind
    return kind if kind in _WEAK else None


def weak_nodes(args: Sequence[Any], what: str) -> list[Node]:
    """Nodes for arguments of one kind; Python scalars adapt to the dtype of the others."""
    weak = [weak_kind(arg) for arg in args]
    if all(weak) or not any(weak):
        return [as_node(arg) for arg in args]
    nodes = [None if kind else as_node(arg) for kind, arg in zip(weak, args, strict=True)]
    zeros = {int: 0, float: 0.0, complex: 0j}
    # result_type looks at the kind of a Python scalar only; a Size has no value to show it.
    parts = [
        n.dtype if n is not None else zeros[k or int] for k, n in zip(weak, nodes, strict=True)
    ]
    common = as_dtype(np.result_type(*parts))
    return [
        weak_constant(arg, common, what) if node is None else node
        for arg, node in zip(args, nodes, strict=True)
    ]


def weak_constant(value: Any, dtype: DType, what: str) -> Node:
    """A Python number in the dtype that it adapts to; `what` is the operation."""
    if isinstance(value, SizeNumber):
        node = value.as_node()
        return node if node.dtype == dtype else apply("astype", node, dtype)
    if isinstance(value, Size):
        return constant(value, dtype)
    if value and value == value and not issubclass(type(value), complex):
        # nan and the two zeros, also as parts of complex numbers, are no cache keys.
        cached = _cached_scalar
    else:
        cached = _cached_scalar.__wrapped__
    try:
        return cached(cast("type[Any]", type(value)), value, dtype)
    except OverflowError:
        if what in _COMPARISONS and -(2**63) <= value < 2**64:
            return constant(value)  # NumPy compares Python integers of any size exactly
        if what in _COMPARISONS and dtype.kind in "iu":
            return constant(np.inf if value > 0 else -np.inf)
        raise DTypeError(
            f"{what}: the Python integer {value} is out of bounds for {dtype}",
            hint=f"convert the {dtype} operand with .astype() first",
        ) from None


@lru_cache(maxsize=512)
def _cached_scalar(kind: type, value: Any, dtype: DType) -> Node:
    with np.errstate(over="ignore"):
        return make(Constant(np.asarray(value, dtype=dtype)))


_COMPARISONS = frozenset("less less_equal greater greater_equal equal not_equal".split())
