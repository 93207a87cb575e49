"""What the functions of `sg.nn` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.registry import builder
from symgraph.graph.side import NAMES
from symgraph.ops.create import Arange
from symgraph.ops.kinds import any_node, weak_nodes
from symgraph.ops.reduce import mean, sum
from symgraph.ops.shape import shape_text

_F = TypeVar("_F", bound=Callable[..., Any])


def function(f: _F) -> _F:
    """Register a function of `sg.nn`; the prefix leaves the plain name to users' operations."""
    return builder(name=f"nn.{f.__name__}")(f)


def documented(text: str) -> Callable[[_F], _F]:
    """Add what several functions have in common to a docstring."""

    def add(f: _F) -> _F:
        f.__doc__ = f"{f.__doc__}{text}"
        return f

    return add


def arrays(*values: Any) -> list[Any]:
    """Nodes if one of the values is or holds one, arrays otherwise; numbers take their dtype."""
    if any_node(*values):
        return list(weak_nodes(values, "nn"))
    return [np.asarray(value) for value in values]


def array_of(value: Any) -> Any:
    """A node or an array."""
    return as_node(value) if any_node(value) else np.asarray(value)


def reduced(losses: Any, reduction: str, what: str) -> Any:
    """The mean or the sum of losses, or the losses."""
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    if reduction == "none":
        return losses
    raise UnsupportedError(
        f"{what}: reduction", expected="'mean', 'sum' or 'none'", got=repr(reduction)
    )


def same_shape(what: str, first: Any, second: Any) -> None:
    """Raise `ShapeError` unless two arrays have one shape: broadcasting is mostly a mistake."""
    if first.shape != second.shape:
        raise ShapeError(
            f"{what}: the shapes differ",
            got=f"{shape_text(first.shape)} and {shape_text(second.shape)}",
            hint="reshape one of them",
        )


def positions_along(count: Any, nodes: bool) -> Any:
    """The positions along an axis, as a node (never as an array of constants) or an array."""
    if not nodes:
        return np.arange(int(count))
    return make(Arange(0, count, 1, np.dtype(np.int64)))


def called(value: Any, name: str) -> Any:
    """`value`, with a name for the emitted source where it is a node without one."""
    if isinstance(value, Node):
        NAMES.setdefault(value, name)
    return value
