"""What follows from signs and from what is not zero: comparisons, quotients, choices."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node, constant
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.facts import assume, bounds, states
from symgraph.simplify.rule import rewrite

# Comparisons --------------------------------------------------------------------------------------


@rewrite(
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    keeps="bitwise",
    examples=(
        lambda x: np.exp(x) < 0.0,
        lambda x: np.tanh(x) > 1.5,
        lambda x: np.sin(x) >= 2.0,
        lambda x: np.cosh(x) != 0.0,
        lambda x: np.square(x) == -1.0,
    ),
)
def comparison_beyond_bounds(node: Node) -> Node | None:
    """x < c is false where x is nowhere below c: also for NaN, of which all but != is false."""
    x, y = node.inputs
    if x.dtype != y.dtype or x.dtype.kind != "f":
        return None
    (low, high), (other_low, other_high) = bounds(x), bounds(y)
    if not np.isfinite([low, high, other_low, other_high]).any():
        return None
    if is_op(node, "less", "less_equal"):
        (low, high), (other_low, other_high) = (other_low, other_high), (low, high)
    if is_op(node, "equal", "not_equal"):
        never = high < other_low or other_high < low
    else:
        strict = node.op.name in ("less", "greater")
        never = high <= other_low if strict else high < other_low
    return constant(is_op(node, "not_equal")) if never else None


@rewrite(
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    operands=("constant", "broadcast_to"),
    keeps="accurate",
    examples=(
        lambda x: assume(x, "positive") > 0.0,
        lambda x: assume(x, "negative") <= 0.0,
        lambda x: assume(x, "nonzero") == 0.0,
    ),
)
def comparison_of_nonzero(node: Node) -> Node | None:
    """x > 0 for positive x; x == 0 for no x that is stated not to be zero."""
    for x, y, turned in ((*node.inputs, False), (*node.inputs[::-1], True)):
        limit = number(y)
        if limit is None or limit != 0 or x.dtype.kind != "f" or not states(x, "nonzero"):
            continue
        if is_op(node, "equal", "not_equal"):
            return constant(is_op(node, "not_equal"))
        low, high = bounds(x)
        if low < 0 < high:
            return None
        return constant(is_op(node, "greater", "greater_equal") == ((low >= 0) is not turned))
    return None


# Quotients ----------------------------------------------------------------------------------------


@rewrite(
    "sign",
    keeps="accurate",
    examples=(
        lambda x: np.sign(assume(x, "positive")),
        lambda x: np.sign(-np.square(assume(x, "nonzero"))),
    ),
)
def sign_of_known(node: Node) -> Node | None:
    """sign(x) = 1 for positive x, -1 for negative x."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or not states(x, "nonzero"):
        return None
    low, high = bounds(x)
    return scalar(1, node) if low >= 0 else scalar(-1, node) if high <= 0 else None


@rewrite(
    "square",
    "absolute",
    operands=("sign",),
    keeps="accurate",
    examples=(
        lambda x: np.square(np.sign(assume(x, "nonzero"))),
        lambda x: np.abs(np.sign(assume(x, "nonzero"))),
    ),
)
def size_of_sign(node: Node) -> Node | None:
    """sign(x)**2 = abs(sign(x)) = 1 for x other than 0."""
    (x,) = node.inputs
    known = is_op(x, "sign") and node.dtype.kind == "f" and states(x, "nonzero")
    return scalar(1, node) if known else None


def _without(product: Node, factor: Node) -> Node | None:
    """The other factor of a product of two."""
    if is_op(product, "multiply"):
        for one, other in (product.inputs, product.inputs[::-1]):
            if one is factor:
                return other
    return None


@rewrite(
    "divide",
    keeps="accurate",
    examples=(
        lambda x: assume(x, "nonzero") / x,
        lambda x, y: (assume(x, "nonzero") * y) / x,
        lambda x, y: assume(x, "nonzero") / (x * y),
    ),
)
def cancel_nonzero(node: Node) -> Node | None:
    """x / x = 1, (x * y) / x = y, x / (x * y) = 1 / y for x other than 0."""
    x, y = node.inputs
    if node.dtype.kind != "f" or not x.dtype == y.dtype == node.dtype:
        return None
    if x is y:
        return scalar(1, node) if states(x, "nonzero") else None
    rest = _without(x, y)
    if rest is not None and states(y, "nonzero"):
        return rest
    rest = _without(y, x)
    return 1.0 / rest if rest is not None and states(x, "nonzero") else None


@rewrite(
    "multiply",
    operands=("divide",),
    keeps="accurate",
    examples=(lambda x, y: (y / assume(x, "nonzero")) * x,),
)
def divided_and_multiplied(node: Node) -> Node | None:
    """(y / x) * x = y for x other than 0."""
    for x, quotient in (node.inputs, node.inputs[::-1]):
        if is_op(quotient, "divide") and quotient.inputs[1] is x and node.dtype.kind == "f":
            return quotient.inputs[0] if states(x, "nonzero") else None
    return None
