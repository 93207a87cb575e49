"""Laws of choices: one ``where`` instead of several with the same condition."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.ops.elementwise import Where, is_zero, where
from symgraph.simplify.common import is_op
from symgraph.simplify.rule import rewrite


@rewrite(
    "where",
    operands=("where",),
    keeps="bitwise",
    examples=(
        lambda m, x, y, z: where(m, where(m, x, y), z),
        lambda m, x, y, z: where(m, x, where(m, y, z)),
    ),
)
def same_condition_inside(node: Node) -> Node | None:
    """where(m, where(m, a, b), c) = where(m, a, c)."""
    mask, first, second = node.inputs
    if isinstance(first.op, Where) and first.inputs[0] is mask:
        first = first.inputs[1]
    if isinstance(second.op, Where) and second.inputs[0] is mask:
        second = second.inputs[2]
    if first is node.inputs[1] and second is node.inputs[2]:
        return None
    if not first.dtype == second.dtype == node.dtype:
        return None
    return make(Where(), mask, first, second)


@rewrite(
    "where",
    operands=("where",),
    keeps="bitwise",
    examples=(
        lambda m, x, y: np.where(m, np.where(x > 0, np.where(m, y, 0.0), 0.0), 0.0),
        lambda m, x, y: np.where(m, 0.0, np.where(x > 0, 0.0, np.where(m, 0.0, y))),
    ),
)
def masked_already(node: Node) -> Node | None:
    """where(m, a, 0) = a where a is where(k, where(m, b, 0), 0); and where zeros come first."""
    mask = node.inputs[0]
    place = _not_zero(node)
    inner = node.inputs[place or 0]
    if place is None or inner.type != node.type:
        return None
    for _ in range(_MOST_STEPS):
        where = _not_zero(inner) if isinstance(inner.op, Where) else None
        if where is None:
            return None
        if inner.inputs[0] is mask:
            return node.inputs[place] if where == place else None
        inner = inner.inputs[where]
    return None


def _not_zero(choice: Node) -> int | None:
    """The operand that is not zero, if the other one is."""
    return next((3 - place for place in (2, 1) if is_zero(choice.inputs[place])), None)


_MOST_STEPS = 8


def _sum_of_one(a: Node, b: Node) -> Node | None:
    """a + b if one of them is zero."""
    if is_zero(a):
        return b
    return a if is_zero(b) else None


@rewrite(
    "add",
    operands=("where",),
    keeps="accurate",
    examples=(
        lambda m, x, y: np.where(m, x, 0.0) + np.where(m, y, 0.0),
        lambda m, x, y: np.where(m, x, 0.0) + np.where(m, 0.0, y),
    ),
)
def sum_of_choices(node: Node) -> Node | None:
    """where(m, a, b) + where(m, c, d) = where(m, a + c, b + d) if a or c, b or d is zero."""
    x, y = node.inputs
    if not (isinstance(x.op, Where) and isinstance(y.op, Where)) or x.inputs[0] is not y.inputs[0]:
        return None
    mask, a, b = x.inputs
    _, c, d = y.inputs
    if node.dtype.kind != "f" or any(part.dtype != node.dtype for part in (a, b, c, d)):
        return None
    if not x.shape == y.shape == node.shape:
        return None
    first, second = _sum_of_one(a, c), _sum_of_one(b, d)
    if first is None and second is None:
        return None
    return make(
        Where(), mask, a + c if first is None else first, b + d if second is None else second
    )


@rewrite(
    "negative",
    operands=("where",),
    keeps="accurate",
    examples=(lambda m, x: -np.where(m, x, 0.0), lambda m, x: -np.where(m, 0.0, x)),
)
def negative_of_choice(node: Node) -> Node | None:
    """-where(m, a, 0) = where(m, -a, 0)."""
    (chosen,) = node.inputs
    if not isinstance(chosen.op, Where):
        return None
    mask, a, b = chosen.inputs
    if node.dtype.kind != "f" or not a.dtype == b.dtype == node.dtype:
        return None
    if is_zero(b):
        return make(Where(), mask, -a, b)
    return make(Where(), mask, a, -b) if is_zero(a) else None


@rewrite(
    "logical_or",
    operands=("logical_and",),
    keeps="bitwise",
    examples=(
        lambda m, x: np.logical_or(m, np.logical_and(m, x > 0)),
        lambda m, x: np.logical_or(np.logical_and(x > 0, m), m),
    ),
)
def absorption(node: Node) -> Node | None:
    """a or (a and b) = a."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if is_op(b, "logical_and") and any(a is c for c in b.inputs) and a.dtype.kind == "b":
            return a
    return None


@rewrite(
    "logical_not",
    operands=("equal", "not_equal"),
    keeps="bitwise",
    examples=(lambda x, y: np.logical_not(x == y), lambda x, y: np.logical_not(x != y)),
)
def negated_equality(node: Node) -> Node | None:
    """not (a == b) = (a != b), with NaN as well."""
    (asked,) = node.inputs
    a, b = asked.inputs
    return a != b if is_op(asked, "equal") else a == b


@rewrite(
    "logical_or",
    operands=("equal",),
    keeps="bitwise",
    examples=(
        lambda x, y: np.logical_or(x == y, x > y),
        lambda x, y: np.logical_or(x < y, x == y),
        lambda x, y: np.logical_or(x == y, y > x),
    ),
)
def equal_or_larger(node: Node) -> Node | None:
    """(a == b) or (a > b) = (a >= b)."""
    for one, other in (node.inputs, node.inputs[::-1]):
        if not is_op(one, "equal") or not is_op(other, "greater", "less"):
            continue
        a, b = other.inputs
        if {a, b} == set(one.inputs):
            return a >= b if is_op(other, "greater") else a <= b
    return None
