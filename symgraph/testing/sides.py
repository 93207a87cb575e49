"""The two sides of a rule, from its examples."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from symgraph.errors import SymgraphError
from symgraph.exact import is_pointwise
from symgraph.graph.node import Node, placeholder
from symgraph.graph.refusal import public
from symgraph.graph.side import FACTS
from symgraph.simplify.driver import fitted
from symgraph.simplify.rule import Rule

__all__ = ["as_stated", "left_side", "rewritten", "scalar_case"]


def _kind_of(name: str, shape: Any, dtype: str) -> tuple[Any, Any]:
    """dtype and shape of what a parameter of an example stands for."""
    vector = ("n",) if shape == ("n",) else (3,)
    floats = dtype if np.dtype(dtype).kind in "fc" else "float64"
    return {
        **dict.fromkeys("xyz", (dtype, shape)),
        **dict.fromkeys("abc", (dtype, ())),
        **dict.fromkeys("uv", (dtype, vector)),
        **dict.fromkeys("AB", (floats, (vector[0], vector[0]))),
        "m": ("bool", shape),
        "k": ("int64", vector),
    }[name]


@public
def left_side(
    rule: Rule, number: int = 0, shape: Any = ("n",), dtype: str = "float64", *others: str
) -> tuple[list[Node], Node] | None:
    """Placeholders and the node of an example; ``None`` where it cannot be built so.

    Parameters
    ----------
    rule : Rule
    number : int
        Which of its examples.
    shape : shape
        Of x, y, z; the other parameters have shapes of their own (see `Rule`).
    dtype, *others : str
        Parameters take them in turn.
    """
    build: Any = rule.examples[number]
    nodes: list[Node] = []
    for name, given in zip(inspect.signature(build).parameters, cycle((dtype, *others))):
        kind, dims = _kind_of(name, shape, given)
        nodes.append(placeholder(name, dims, kind))
    try:
        return nodes, build(*nodes)
    except (SymgraphError, TypeError, OverflowError):
        return None


_STATED: dict[str, Callable[[Any], Any]] = {
    "positive": lambda x: x > 0,
    "nonnegative": lambda x: x >= 0,
    "negative": lambda x: x < 0,
    "nonzero": lambda x: np.isfinite(x) & (x != 0),
}


@public
def as_stated(node: Node, values: Any) -> Any:
    """Values for a placeholder, with another in the place of those that break what is stated."""
    stated = FACTS.get(node) or frozenset()
    array = np.asarray(values)
    for fact, holds in _STATED.items():
        if fact in stated:
            array = np.where(holds(array), array, array.dtype.type(-1 if fact == "negative" else 1))
    return array


@public
def rewritten(rule: Rule, node: Node) -> Node | None:
    """What a rule puts in the place of a node, in its type; ``None`` if it does not fire."""
    if not rule.begins(node.op):
        return None
    after = rule.apply(node)
    after = None if after is None else fitted(after, node)
    return None if after is node else after


@public
def scalar_case(
    rule: Rule, number: int = 0, dtype: str = "float64"
) -> tuple[list[Node], Node, Node] | None:
    """Operands and both sides on scalars; ``None`` where they are no formulas of scalars."""
    found = left_side(rule, number, (), dtype)
    if found is None or not found[0] or not is_pointwise([found[1]]):
        return None
    after = rewritten(rule, found[1]) if found[1].dtype == dtype else None
    return None if after is None or not is_pointwise([after]) else (*found, after)
