"""What is known of values before they are computed: bounds, and what a user states."""

from __future__ import annotations

from math import inf
from typing import Literal, TypeAlias, get_args

from symgraph.errors import InputError
from symgraph.graph.leaves import Constant, Item, SizeValue
from symgraph.graph.node import Node
from symgraph.graph.op import Op
from symgraph.graph.side import FACTS
from symgraph.graph.types import TupleType
from symgraph.ops.diagonals import Triangle
from symgraph.simplify.common import is_op, number

__all__ = ["Fact", "assume", "bounds", "states"]

Fact: TypeAlias = Literal[
    "positive",
    "nonnegative",
    "negative",
    "symmetric",
    "lower_triangular",
    "upper_triangular",
    "orthogonal",
]
_SIGNS = {"positive": (0.0, inf), "nonnegative": (0.0, inf), "negative": (-inf, 0.0)}
_MOST_STEPS = 6


def assume(node: Node, *facts: Fact) -> Node:
    """State what is known of a value, for the rewrites that follow from it.

    Parameters
    ----------
    node : Node
        Often a placeholder. The statement is about the value, wherever it stands in a graph.
    *facts : str
        ``positive``, ``nonnegative`` or ``negative`` elements; a matrix that is ``symmetric``,
        ``lower_triangular``, ``upper_triangular`` or ``orthogonal``. They are not checked when a
        function is called: with other values its result is wrong.

    Returns
    -------
    Node
        The same.

    Raises
    ------
    InputError
        If there is no such fact, or a fact of matrices is stated of something else.

    Examples
    --------
    >>> import numpy as np, symgraph as sg
    >>> x = sg.assume(sg.placeholder("x"), "positive")
    >>> sg.simplify(np.sqrt(x**2)) is x
    True
    """
    for fact in facts:
        if fact not in get_args(Fact):
            raise InputError(
                "assume: no such fact", expected=", ".join(get_args(Fact)), got=repr(fact)
            )
        if fact not in _SIGNS and (node.ndim < 2 or node.shape[-1] != node.shape[-2]):
            raise InputError(f"assume: {fact}", expected="a square matrix", got=repr(node))
        FACTS[node] = (FACTS.get(node) or frozenset()) | {fact}
    return node


def states(node: Node, fact: Fact) -> bool:
    """Whether a user stated a fact of a node, or it follows from what the node is."""
    if fact in (FACTS.get(node) or ()):
        return True
    op = node.op
    if isinstance(op, Triangle):
        upper = op.side == "triu"
        return fact == ("upper_triangular" if upper else "lower_triangular") and (
            op.k >= 0 if upper else op.k <= 0
        )
    if isinstance(op, Item) and op.index == 0 and is_op(node.inputs[0], "qr"):
        return fact == "orthogonal"
    if is_op(node, "cholesky"):
        return fact == "lower_triangular"
    if is_op(node, "transpose") and node.ndim == 2:
        turned: dict[str, Fact] = {
            "lower_triangular": "upper_triangular",
            "upper_triangular": "lower_triangular",
        }
        return turned.get(fact, fact) in (FACTS.get(node.inputs[0]) or ())
    return fact == "symmetric" and _is_gram(node)


def _is_gram(node: Node) -> bool:
    """Whether a node is ``A.T @ A`` or ``A @ A.T``."""
    if not is_op(node, "matmul") or node.ndim != 2:
        return False
    a, b = node.inputs
    return any(is_op(x, "transpose") and x.inputs[0] is y for x, y in ((a, b), (b, a)))


def bounds(node: Node, steps: int = _MOST_STEPS) -> tuple[float, float]:
    """Between what values every element lies, as far as operations and statements tell."""
    stated = FACTS.get(node)
    if stated:
        for fact, pair in _SIGNS.items():
            if fact in stated:
                return pair
    value = number(node)
    if isinstance(node.op, SizeValue):
        return 0.0, inf
    if isinstance(node.op, Constant):
        if value is None or value.dtype.kind not in "biuf":
            return -inf, inf
        return float(value), float(value)
    op = node.op
    if not steps or isinstance(node.result_type, TupleType) or type(op).bounds is Op.bounds:
        return -inf, inf
    return op.bounds([bounds(operand, steps - 1) for operand in node.inputs])
