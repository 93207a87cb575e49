"""Differences of one function at two variables that may be close: each an operation of its own.

They are tried after those whose arguments have a known difference (`differences`, `steps`).
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite

Sides = tuple[Pattern, Pattern]

_DIFFERENCES = {
    "sqrt": "sqrt_between",
    "log": "log_ratio",
    "sigmoid": "sigmoid_difference",
    "tanh": "tanh_difference",
    "softplus": "softplus_difference",
    "cosh": "cosh_difference",
    "tan": "tan_between",
    "arctan": "arctan_between",
}


@rewrite(
    "subtract",
    operands=tuple(_DIFFERENCES),
    keeps="accurate",
    headroom=1,
    examples=(
        lambda x, y: np.sqrt(x) - np.sqrt(y),
        lambda x, y: np.log(x) - np.log(y),
        lambda x, y: apply("sigmoid", x) - apply("sigmoid", y),
        lambda x, y: apply("softplus", x) - apply("softplus", y),
        lambda x, y: np.cosh(x) - np.cosh(y),
        lambda x, y: np.tanh(x) - np.tanh(y),
        lambda x, y: np.tan(x) - np.tan(y),
        lambda x, y: np.arctan(x) - np.arctan(y),
    ),
)
def difference_at_two_arguments(node: Node) -> Node | None:
    """f(x) - f(y) without cancellation where x is next to y."""
    first, second = node.inputs
    if first.op is not second.op or node.dtype.kind != "f":
        return None
    (x,), (y,) = first.inputs, second.inputs
    if not _are_alike(node, x, y):
        return None
    name = _DIFFERENCES.get(first.op.name)
    return None if name is None else apply(name, x, y)


def _are_alike(node: Node, x: Node, y: Node) -> bool:
    """Whether arguments have the shape of the whole: else their functions are fewer than those."""
    return x.type == y.type == node.type and number(x) is None and number(y) is None


@rewrite(
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(lambda x, y: 1.0 / x - 1.0 / y, lambda x, y: 3.0 / x - 3.0 / y),
)
def difference_of_two_reciprocals(node: Node) -> Node | None:
    """c / x - c / y = c * (1 / x - 1 / y) without cancellation where x is next to y."""
    first, second = node.inputs
    if not (is_op(first, "divide") and is_op(second, "divide")) or node.dtype.kind != "f":
        return None
    (top, x), (other, y) = first.inputs, second.inputs
    value = number(top)
    if value is None or number(other) != value or not 2.0**-9 < abs(value) < 2.0**9:
        return None
    if not _are_alike(node, x, y):
        return None
    result = apply("reciprocal_difference", x, y)
    return result if value == 1 else value * result


@rewrite(
    "subtract",
    operands=("sqrt",),
    keeps="accurate",
    examples=(lambda x: np.sqrt(x) - 3.0, lambda x: 1.0 - np.sqrt(x)),
)
def root_less_any_number(node: Node) -> Node | None:
    """sqrt(x) - c = (x - c**2) / (sqrt(x) + c) where x is next to c**2, for a number c > 0."""
    if node.dtype.kind != "f":
        return None
    for root, other, turned in ((*node.inputs, False), (*node.inputs[::-1], True)):
        value = number(other)
        if value is None or not is_op(root, "sqrt") or root.inputs[0].type != node.type:
            continue
        exact = Fraction(float(value)) ** 2 if np.isfinite(value) and value > 0 else None
        if exact is None or Fraction(float(node.dtype.type(float(exact)))) != exact:
            continue
        result = apply("sqrt_between", root.inputs[0], scalar(float(exact), node))
        return -result if turned else result
    return None


# Logarithms of quotients --------------------------------------------------------------------------


@equation(keeps="accurate")
def log_of_odds(x: Pattern) -> Sides:
    """log(x / (1 - x)) without rounding the quotient next to 1."""
    return p.log(x / (1 - x)), p.log_odds(x)


@equation(keeps="accurate")
def log_of_inverse_odds(x: Pattern) -> Sides:
    """log((1 - x) / x) = -log(x / (1 - x))."""
    return p.log((1 - x) / x), -p.log_odds(x)


@equation(keeps="accurate")
def log_of_inverse_less_one(x: Pattern) -> Sides:
    """log(1 / x - 1) = -log(x / (1 - x))."""
    return p.log(1 / x - 1), -p.log_odds(x)


@equation(keeps="accurate")
def log_odds_of_logs(x: Pattern) -> Sides:
    """log(x) - log(1 - x) = log(x / (1 - x))."""
    return p.log(x) - p.log1p(-x), p.log_odds(x)


@rewrite(
    "log",
    operands=("divide",),
    keeps="accurate",
    examples=(lambda x, y: np.log(x / y), lambda x: np.log(x / 3.0)),
)
def logarithm_of_any_quotient(node: Node) -> Node | None:
    """log(x / y) = log1p((x - y) / y) where x is next to y."""
    (quotient,) = node.inputs
    if not is_op(quotient, "divide") or node.dtype.kind != "f" or quotient.type != node.type:
        return None
    x, y = quotient.inputs
    value = number(y)
    if value is not None and abs(math.frexp(float(value))[0]) == 0.5:
        return None  # the quotient is exact
    if x.type != node.type or y.dtype != node.dtype or number(x) is not None:
        return None
    return apply("log_quotient", x, y) if value is not None or y.type == node.type else None


@rewrite("log", operands=("multiply",), keeps="bitwise", examples=(lambda x, y: np.log(x * y),))
def logarithm_of_two_factors(node: Node) -> Node | None:
    """log(x * y) has 1 / x and 1 / y for derivatives."""
    (whole,) = node.inputs
    if not is_op(whole, "multiply") or node.dtype.kind != "f" or whole.type != node.type:
        return None
    x, y = whole.inputs
    return apply("log_product", x, y) if _are_alike(node, x, y) else None


# Quotients of differences -------------------------------------------------------------------------


@equation(keeps="accurate", headroom=1)
def slope_of_root(x: Pattern, y: Pattern) -> Sides:
    """(sqrt(x) - sqrt(y)) / (x - y) = 1 / (sqrt(x) + sqrt(y))."""
    return p.sqrt_between(x, y) / (x - y), 1 / (p.sqrt(x) + p.sqrt(y))


@equation(keeps="accurate", headroom=1)
def slope_of_reciprocal(x: Pattern, y: Pattern) -> Sides:
    """(1 / x - 1 / y) / (x - y) = -1 / x / y."""
    return p.reciprocal_difference(x, y) / (x - y), -1 / x / y


@equation(keeps="accurate", headroom=1)
def slope_of_exponential(x: Pattern, y: Pattern) -> Sides:
    """(exp(x) - exp(y)) / (x - y) by the larger of the two exponentials."""
    mean = p.relative_exp(-p.absolute(x - y))
    return p.exp_difference(x, y) / (x - y), p.exp(p.maximum(x, y)) * mean
