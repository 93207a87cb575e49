"""Laws that follow from the facts that operations declare."""

from __future__ import annotations

from symgraph.graph.node import Node
from symgraph.ops.kinds import ELEMENTWISE, Elementwise
from symgraph.simplify.common import number
from symgraph.simplify.rule import rewrite

_UNIT = tuple(
    n
    for n, op in ELEMENTWISE.items()
    if op.facts.unit is not None and n != "add" and n != "subtract"
)
_INVOLUTION = tuple(n for n, op in ELEMENTWISE.items() if op.facts.involution)
_IDEMPOTENT = tuple(n for n, op in ELEMENTWISE.items() if op.facts.idempotent)


def _facts(node: Node):
    assert isinstance(node.op, Elementwise)
    return node.op.facts


def _without_unit(node: Node) -> Node | None:
    facts = _facts(node)
    x, y = node.inputs
    if number(y) == facts.unit:
        return x
    if not facts.unit_right_only and number(x) == facts.unit:
        return y
    return None


@rewrite(*_UNIT, keeps="bitwise")
def unit(node: Node) -> Node | None:
    """op(x, unit) = x."""
    return _without_unit(node)


@rewrite("add", "subtract", keeps="accurate")
def zero_term(node: Node) -> Node | None:
    """x + 0 = x, x - 0 = x (up to the sign of a zero)."""
    return _without_unit(node)


@rewrite("subtract", keeps="accurate")
def subtract_from_zero(node: Node) -> Node | None:
    """0 - x = -x (up to the sign of a zero)."""
    x, y = node.inputs
    return -y if number(x) == 0 else None


@rewrite(*_INVOLUTION, keeps="bitwise")
def involution(node: Node) -> Node | None:
    """op(op(x)) = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is node.op else None


@rewrite(*_IDEMPOTENT, keeps="bitwise")
def idempotent(node: Node) -> Node | None:
    """op(op(x)) = op(x), op(x, x) = x."""
    if len(node.inputs) == 1:
        return node.inputs[0] if node.inputs[0].op is node.op else None
    return node.inputs[0] if node.inputs[0] is node.inputs[1] else None


@rewrite("multiply", keeps="bitwise")
def times_minus_one(node: Node) -> Node | None:
    """-1 * x = -x."""
    x, y = node.inputs
    if node.dtype.kind not in "fc":
        return None
    if number(x) == -1:
        return -y
    return -x if number(y) == -1 else None
