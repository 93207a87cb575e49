"""What the statements of our modules mean on nodes: writes, loops and branches as operations."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import SymgraphError, UnsupportedError
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Size
from symgraph.graph.tree import flatten
from symgraph.implicit import fixed_point
from symgraph.ops.branches import cond
from symgraph.ops.create import arange
from symgraph.ops.cumulative import Recurrence
from symgraph.ops.kinds import any_node
from symgraph.ops.loops import scan
from symgraph.ops.windows import WindowSum

__all__ = ["OPERATORS"]

OPERATORS: dict[str, tuple[str, str]] = {
    "Add": ("add", "add"),
    "Sub": ("subtract", "sub"),
    "Mult": ("multiply", "mul"),
    "FloorDiv": ("floor_divide", "floordiv"),
    "Mod": ("remainder", "mod"),
    "Pow": ("power", "pow"),
    "Div": ("divide", "truediv"),
    "MatMult": ("matmul", "matmul"),
    "BitAnd": ("bitwise_and", "and_"),
    "BitOr": ("bitwise_or", "or_"),
    "BitXor": ("bitwise_xor", "xor"),
    "LShift": ("left_shift", "lshift"),
    "RShift": ("right_shift", "rshift"),
    "Eq": ("equal", "eq"),
    "NotEq": ("not_equal", "ne"),
    "Lt": ("less", "lt"),
    "LtE": ("less_equal", "le"),
    "Gt": ("greater", "gt"),
    "GtE": ("greater_equal", "ge"),
}
"""Operators by the names of their syntax: the ufunc, and the function of Python's ``operator``."""

_OF_SIZES = {"Add", "Sub", "Mult", "FloorDiv", "Mod", "Pow"}
_CHANGES = {"minimum": "min", "maximum": "max"}


def operate(name: str, first: Any, second: Any) -> Any:
    """An operator; of sizes a size where that exists, and otherwise a number of the graph."""
    ufunc, plain = OPERATORS[name]
    function: Callable[[Any, Any], Any] = getattr(operator, plain)
    pair = (first, second)
    if not any(isinstance(value, Size) for value in pair):
        return function(first, second)
    if name in _OF_SIZES and all(isinstance(value, Size) or type(value) is int for value in pair):
        return function(first, second)
    return apply(ufunc, first, second)


def number(kind: Any, value: Any) -> Any:
    """``np.float64(value)`` and its like, also of sizes."""
    return constant(value, kind) if isinstance(value, Size | Node) else kind(value)


def array(items: Any, **keywords: Any) -> Any:
    """``np.array(items)``, also of lists with nodes."""
    if not any(isinstance(leaf, Node) for leaf in flatten(items)[0]):
        return np.array(items, **keywords)
    return constant(as_node(items), keywords.get("dtype"))


def augmented(name: str, old: Any, value: Any) -> Any:
    """What ``old op= value`` leaves in `old`."""
    new = operate(name, old, value)
    is_array = isinstance(old, Node | np.ndarray)
    dtype: Any = cast("Any", old).dtype if is_array else None
    if dtype is not None and new.dtype != dtype:
        return new.astype(dtype)
    return new


def changed(name: str, old: Any, index: Any, value: Any) -> Node:
    """What ``old[index] op= value`` leaves in `old`; a plain assignment has no name."""
    change = as_node(old).at[index]
    if name in ("Add", "Sub", "Mult"):
        return getattr(change, OPERATORS[name][0])(value)
    return change.set(operate(name, change.get(), value) if name else value)


def accumulated(ufunc: str, old: Any, index: Any, value: Any) -> Node:
    """What ``np.<ufunc>.at(old, index, value)`` leaves in `old`."""
    return getattr(as_node(old).at[index], _CHANGES.get(ufunc, ufunc))(value)


def part(array: Any, index: Any) -> Any:
    """``array[index]``, also where the array is known and the index is not."""
    if isinstance(array, np.ndarray) and any_node(index):
        return apply("getitem", array, index)
    return cast("Any", array)[index]


def windows_added(
    target: Any,
    windows: Any,
    sizes: tuple[Any, ...],
    axes: tuple[int, ...],
    gaps: tuple[int, ...],
    steps: tuple[int, ...],
) -> Node:
    """Zeros with windows added where they belong."""
    zeros, windows = as_node(target), as_node(windows)
    if zeros.op.name == "broadcast_to":
        (zeros,) = zeros.inputs
    if not isinstance(zeros.op, Constant) or zeros.op.value.any():
        raise UnsupportedError("windows that are added to what is not zero")
    shape = as_node(target).shape
    places = tuple([axis % len(shape) for axis in axes])
    return make(WindowSum(places, sizes, steps, gaps, shape), windows)


def recurrence(start: Any, factors: Any, axis: int, backwards: bool) -> Node:
    """``start[k] += factors[k] * start[k - 1]`` one after the other along an axis, either way."""
    return make(Recurrence(axis, backwards), as_node(factors), as_node(start))


def branch(
    test: Any, if_true: Callable[..., Any], if_false: Callable[..., Any], given: tuple[Any, ...]
) -> Any:
    """What an ``if`` statement binds, given the values of what it binds anew."""
    if isinstance(test, Node):
        return cond(test, lambda: if_true(*given), lambda: if_false(*given))
    return (if_true if test else if_false)(*given)


def loop(
    body: Callable[..., tuple[tuple[Any, ...], tuple[Any, ...]]],
    carried: tuple[Any, ...],
    stacked: tuple[Any, ...],
    arrays: tuple[Any, ...],
    bounds: tuple[Any, ...] | None,
    *,
    backwards: bool,
    counted: bool,
) -> tuple[Sequence[Any], Sequence[Any]]:
    """What a ``for`` statement leaves.

    Parameters
    ----------
    body : callable
        From what is carried, the number of the round and the rows of this round to the new
        carries and the rows to store.
    carried, stacked : tuple
        Names that are bound anew in each round, and arrays that a round fills one row of.
    arrays : tuple
        What rows are taken of.
    bounds : tuple or None
        Arguments of ``range``; by default the length of the arrays.
    backwards : bool
        Whether the last round comes first.
    counted : bool
        Whether the body uses the number of the round for more than taking and storing rows.
    """
    arrays = tuple([as_node(array) for array in arrays])
    start, stop, step = _range(bounds if bounds is not None else (arrays[0].shape[0],))
    if not counted:
        (carried, rows) = scan(
            lambda values, row: body(values, None, *row),
            carried,
            arrays,
            stop,
            backwards,
        )
        for target in stacked:
            if as_node(target).shape[0] != stop:
                raise UnsupportedError("a loop that fills only a part of an array")
        return carried, rows
    if not any(isinstance(bound, Size) for bound in (start, stop)):
        return _unrolled(body, carried, stacked, arrays, range(start, stop, step), backwards)
    if stacked or arrays:
        raise UnsupportedError("a loop of symbolic length that stores rows and counts as well")
    try:
        numbers = arange(start, stop, step)
        carried, _ = scan(body, carried, numbers, None, backwards)
    except SymgraphError as error:
        raise UnsupportedError(
            "a loop over a symbolic number of positions, which no operation stands for",
            got=f"range({start}, {stop})",
            hint="declare this size as a number",
        ) from error
    return carried, ()


def _range(bounds: tuple[Any, ...]) -> tuple[Any, Any, int]:
    if len(bounds) == 1:
        return 0, bounds[0], 1
    return bounds[0], bounds[1], bounds[2] if len(bounds) > 2 else 1


def _unrolled(
    body: Callable[..., tuple[tuple[Any, ...], tuple[Any, ...]]],
    carried: tuple[Any, ...],
    stacked: tuple[Any, ...],
    arrays: tuple[Any, ...],
    numbers: range,
    backwards: bool,
) -> tuple[Sequence[Any], Sequence[Any]]:
    filled: Sequence[Any] = stacked
    for i in reversed(numbers) if backwards else numbers:
        carried, rows = body(carried, i, *[array[i] for array in arrays])
        filled = [changed("", array, i, row) for array, row in zip(filled, rows, strict=True)]
    return carried, filled


def iterated(step: Callable[[Any], Any], start: Any, tolerance: float, most: int) -> Any:
    """What a loop ends at that repeats a step until nothing changes any more."""
    return fixed_point(step, start, tol=tolerance, max_steps=most)
