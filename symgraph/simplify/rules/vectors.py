"""Squares of legs under roots, logarithms and quotients: they overflow where hypotenuses do not."""

from __future__ import annotations

import math

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.flat import flat_product
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite

Sides = tuple[Pattern, Pattern]


def _leg(term: Node) -> Node | None:
    """x of x**2, with numbers and other squares as factors."""
    value = number(term)
    if value is not None:
        return _root(float(value), term) if 0 < value < np.inf else None
    powers = flat_product(term, deep=True)
    if powers is None or powers.number <= 0 or len(powers.factors) != 1:
        return None
    ((base, exponent),) = powers.factors
    if exponent != 2 or base.dtype != term.dtype:
        return None
    return base if powers.number == 1 else _root(powers.number, term) * base


def _root(value: float, like: Node) -> Node:
    root = math.sqrt(value)
    exact = root * root == value
    return scalar(root, like) if exact else apply("sqrt", scalar(value, like))


def _legs(total: Node) -> tuple[Node, Node] | None:
    """The legs whose squares are the two terms of a sum."""
    if not is_op(total, "add") or total.dtype.kind != "f":
        return None
    legs = [_leg(term) for term in total.inputs]
    a, b = legs
    if a is None or b is None or (number(a) is not None and number(b) is not None):
        return None
    return (a, b) if a.dtype == b.dtype == total.dtype else None


@rewrite(
    "sqrt",
    operands=("add",),
    keeps="accurate",
    examples=(
        lambda x: np.sqrt(1.0 + 0.25 * np.square(x)),
        lambda x: np.sqrt(3.0 * np.square(x) + 2.0),
    ),
)
def root_of_multiples_of_squares(node: Node) -> Node | None:
    """sqrt(a * x**2 + b * y**2) = hypot(sqrt(a) * x, sqrt(b) * y) for numbers a and b."""
    legs = _legs(node.inputs[0])
    return None if legs is None else apply("hypot", *legs)


@rewrite(
    "add",
    "subtract",
    operands=("hypot",),
    keeps="accurate",
    examples=(lambda x: np.hypot(x, 2.0) - 2.0, lambda x: 3.0 - np.hypot(3.0, x)),
)
def hypot_less_number(node: Node) -> Node | None:
    """hypot(x, c) - c = x * (x / (hypot(x, c) + c)) for a number c > 0."""
    if node.dtype.kind != "f":
        return None
    sign = 1 if is_op(node, "add") else -1
    for root, other, first, second in ((*node.inputs, 1, sign), (*node.inputs[::-1], sign, 1)):
        value = number(other)
        if value is None or not is_op(root, "hypot"):
            continue
        c = -first * second * float(value)
        for leg, known in (root.inputs, root.inputs[::-1]):
            if c > 0 and number(known) == c and leg.dtype == node.dtype:
                result = apply("hypot_plus", scalar(-c, node), leg)
                return result if first > 0 else -result
    return None


@rewrite(
    "divide",
    operands=("hypot",),
    keeps="accurate",
    examples=(lambda x, y: x / np.hypot(x, y),),
)
def leg_by_hypotenuse(node: Node) -> Node | None:
    """x / hypot(x, y) is the cosine of an angle."""
    x, h = node.inputs
    if not is_op(h, "hypot") or node.dtype.kind != "f":
        return None
    for leg, other in (h.inputs, h.inputs[::-1]):
        if leg is x and leg.dtype == other.dtype == node.dtype and number(leg) is None:
            return apply("unit_component", leg, other)
    return None


@rewrite(
    "divide",
    operands=("add",),
    keeps="accurate",
    examples=(
        lambda x, y: x / (np.square(x) + np.square(y)),
        lambda x: x / (1.0 + np.square(x)),
        lambda x: np.square(x) / (np.square(x) + 4.0),
    ),
)
def leg_by_squares(node: Node) -> Node | None:
    """x / (x**2 + y**2) = x / hypot(x, y) / hypot(x, y), x**2 / (x**2 + y**2) likewise."""
    return leg_quotient(*node.inputs)


def leg_quotient(x: Node, total: Node) -> Node | None:
    """x or x**2 over x**2 + y**2."""
    if is_op(x, "negative"):
        positive = leg_quotient(x.inputs[0], total)
        return None if positive is None else -positive
    legs = _legs(total) if x.dtype == total.dtype and number(x) is None else None
    if legs is None:
        return None
    for leg, other in (legs, legs[::-1]):
        if leg is x:
            return apply("leg_over_squares", leg, other)
        if is_op(x, "square") and x.inputs[0] is leg:
            return apply("squared_component", leg, other)
    return None


@rewrite(
    "log",
    operands=("add", "hypot"),
    keeps="accurate",
    examples=(
        lambda x, y: np.log(np.square(x) + np.square(y)),
        lambda x, y: np.log(np.hypot(x, y)),
        lambda x: np.log(np.hypot(x, 1.0)),
    ),
)
def log_of_squares(node: Node) -> Node | None:
    """log(x**2 + y**2) = 2 * log(hypot(x, y))."""
    (x,) = node.inputs
    if node.dtype.kind != "f" or x.dtype != node.dtype:
        return None
    legs = _legs(x) if is_op(x, "add") else tuple(x.inputs) if is_op(x, "hypot") else None
    if legs is None or any(leg.dtype != node.dtype for leg in legs):
        return None
    whole = is_op(x, "add")
    for leg, one in (legs, legs[::-1]):
        if number(one) == 1:
            result = apply("log1p_square", leg)
            return result if whole else 0.5 * result
    result = apply("log_hypot", *legs)
    return 2.0 * result if whole else result


@equation(keeps="accurate")
def log_of_one_and_square(x: Pattern) -> Sides:
    """log(1 + x**2) without overflow."""
    return p.log1p(p.square(x)), p.log1p_square(x)


@rewrite(
    "subtract",
    operands=("unit_component",),
    keeps="accurate",
    examples=(lambda x, y: 1.0 - apply("unit_component", x, y),),
)
def one_less_cosine(node: Node) -> Node | None:
    """1 - x / hypot(x, y) = (hypot(x, y) - x) / hypot(x, y)."""
    one, x = node.inputs
    if number(one) != 1 or not is_op(x, "unit_component") or node.dtype.kind != "f":
        return None
    leg, other = x.inputs
    if not leg.dtype == other.dtype == node.dtype:
        return None
    return apply("one_less_component", leg, other)


@rewrite(
    "subtract",
    operands=("square",),
    keeps="accurate",
    stage="numpy",
    examples=(lambda x, y: np.square(x) - np.square(y), lambda x: 1.0 - np.square(x)),
)
def difference_of_squares(node: Node) -> Node | None:
    """x**2 - y**2 = (x - y) * (x + y)."""
    if node.dtype.kind != "f":
        return None
    first, second = node.inputs
    if is_op(first.inputs[0] if first.inputs else first, "cosh") and is_op(second, "square"):
        return None  # next to a hyperbolic sine nothing is gained
    a, b = [
        side.inputs[0] if is_op(side, "square") else _whole_root(side) for side in (first, second)
    ]
    if a is None or b is None or not a.dtype == b.dtype == node.dtype:
        return None
    return (a - b) * (a + b)


def _whole_root(node: Node) -> Node | None:
    value = number(node)
    if value is None or not 0 < value < np.inf:
        return None
    root = math.sqrt(value)
    return scalar(root, node) if root.is_integer() else None
