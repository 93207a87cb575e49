"""Formulas of one operation and a number that cancel, overflow or underflow.

They are rewrites rather than equations where sums are concerned: sums are the commonest nodes, and
a look at the two operands is cheaper than a pattern.
"""

from __future__ import annotations

from functools import reduce
from operator import mul

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import softplus
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.flat import flat_product
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite
from symgraph.simplify.uses import uses_of

Sides = tuple[Pattern, Pattern]

# Exponentials and logarithms -------------------------------------------------------------------


@equation(keeps="accurate")
def root_of_exponential(x: Pattern) -> Sides:
    """sqrt(exp(x)) = exp(x / 2)."""
    return p.sqrt(p.exp(x)), p.exp(0.5 * x)


@rewrite("divide", keeps="accurate", examples=(lambda x: 1.0 / np.exp(x),))
def inverse_of_exponential(node: Node) -> Node | None:
    """1 / exp(x) = exp(-x), unless exp(x) is needed itself."""
    top, below = node.inputs
    if not is_op(below, "exp") or number(top) != 1 or below.inputs[0].dtype != node.dtype:
        return None
    if len(uses_of(below)) > 1:
        return None
    return apply("exp", -below.inputs[0])


@rewrite("divide", operands=("divide",), keeps="accurate", examples=(lambda x, y: 1.0 / (x / y),))
def inverse_of_quotient(node: Node) -> Node | None:
    """1 / (x / y) = y / x, -1 / (x / y) = -(y / x)."""
    top, below = node.inputs
    if not is_op(below, "divide") or number(top) not in (1, -1) or node.dtype.kind != "f":
        return None
    x, y = below.inputs
    if not x.dtype == y.dtype == node.dtype:
        return None
    return y / x if number(top) == 1 else -(y / x)


@equation(keeps="accurate")
def log_of_square(x: Pattern) -> Sides:
    """log(x**2) = 2 * log(abs(x))."""
    return p.log(p.square(x)), 2 * p.log(p.absolute(x))


@equation(keeps="accurate")
def log_of_root(x: Pattern) -> Sides:
    """log(sqrt(x)) = log(x) / 2."""
    return p.log(p.sqrt(x)), 0.5 * p.log(x)


@equation(keeps="accurate")
def log_of_inverse(x: Pattern) -> Sides:
    """log(1 / x) = -log(x)."""
    return p.log(1 / x), -p.log(x)


@equation(keeps="accurate")
def log_of_twice_cosh(x: Pattern) -> Sides:
    """log(2 * cosh(x)) = logaddexp(x, -x)."""
    return p.log(2 * p.cosh(x)), p.logaddexp(x, -x)


@equation(keeps="accurate")
def log_of_sech2(x: Pattern) -> Sides:
    """log(1 / cosh(x)**2) = -2 * logcosh(x)."""
    return p.log(p.sech2(x)), -2 * p.logcosh(x)


@rewrite(
    "add",
    "subtract",
    keeps="accurate",
    examples=(
        lambda x: softplus(x) - x,
        lambda x: x + softplus(-x),
        lambda x: x - softplus(x),
    ),
)
def softplus_reflected(node: Node) -> Node | None:
    """softplus(x) - x = softplus(-x), softplus(-x) + x = softplus(x)."""
    a, b = node.inputs
    if not is_op(a, "softplus"):
        a, b = b, a
    if not is_op(a, "softplus") or node.type != a.inputs[0].type:
        return None
    (x,) = a.inputs
    if is_op(node, "add"):
        return apply("softplus", b) if is_op(x, "negative") and x.inputs[0] is b else None
    if x is not b:
        return None
    turned = apply("softplus", -x)
    return turned if node.inputs[0] is a else -turned


@rewrite("subtract", keeps="accurate", examples=(lambda x, y: np.logaddexp(x, y) - x,))
def logaddexp_less_one(node: Node) -> Node | None:
    """logaddexp(x, y) - x = softplus(y - x)."""
    a, x = node.inputs
    if not is_op(a, "logaddexp") or not any(x is operand for operand in a.inputs):
        return None
    first, second = a.inputs
    if not first.dtype == second.dtype == node.dtype:
        return None
    return apply("softplus", (second if x is first else first) - x)


# One and a function ----------------------------------------------------------------------------


def beside_one(node: Node, *names: str) -> tuple[Node, int, int] | None:
    """x, and the signs of f(x) and of 1 in the sum of the two, for f among `names`."""
    a, b = node.inputs
    sign = 1 if is_op(node, "add") else -1
    if is_op(a, *names) and (value := number(b)) is not None and abs(value) == 1:
        return a, 1, sign if value > 0 else -sign
    if is_op(b, *names) and (value := number(a)) is not None and abs(value) == 1:
        return b, sign, 1 if value > 0 else -1
    return None


def _signed(sign: int, node: Node) -> Node:
    return node if sign > 0 else -node


@rewrite(
    "multiply",
    keeps="accurate",
    examples=(lambda x: 0.5 * (1.0 + np.tanh(x)), lambda x: (1.0 - np.tanh(x)) * 0.5),
)
def half_of_one_and_tanh(node: Node) -> Node | None:
    """(1 + tanh(x)) / 2 = sigmoid(2 * x), (1 - tanh(x)) / 2 = sigmoid(-2 * x)."""
    for half, total in (node.inputs, node.inputs[::-1]):
        if not is_op(total, "add", "subtract") or number(half) != 0.5:
            continue
        found = beside_one(total, "tanh")
        if found is not None and node.dtype.kind == "f":
            value, sign, one = found
            return _signed(one, apply("sigmoid", (2.0 * sign * one) * value.inputs[0]))
    return None


@rewrite(
    "add", "subtract", keeps="accurate",
    examples=(lambda x: np.cosh(x) - 1.0, lambda x: 1.0 - np.cosh(x)),
)  # fmt: skip
def cosh_less_one(node: Node) -> Node | None:
    """cosh(x) - 1 = 2 * sinh(x / 2)**2."""
    found = beside_one(node, "cosh")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    half = apply("sinh", 0.5 * found[0].inputs[0])
    return _signed(found[1], 2.0 * apply("square", half))


@rewrite("add", keeps="accurate", examples=(lambda x: 1.0 + np.cos(x),))
def one_plus_cos(node: Node) -> Node | None:
    """1 + cos(x) = 2 * cos(x / 2)**2."""
    found = beside_one(node, "cos")
    if found is None or found[1] != found[2] or node.dtype.kind != "f":
        return None
    half = apply("cos", 0.5 * found[0].inputs[0])
    return _signed(found[1], 2.0 * apply("square", half))


_OTHER = {"cos": "sin", "sin": "cos"}


@rewrite(
    "subtract",
    keeps="accurate",
    examples=(
        lambda x: 1.0 - np.square(np.cos(x)),
        lambda x: 1.0 - np.square(np.sin(x)),
        lambda x: np.square(np.sin(x)) - 1.0,
    ),
)
def pythagoras(node: Node) -> Node | None:
    """1 - cos(x)**2 = sin(x)**2, 1 - sin(x)**2 = cos(x)**2."""
    found = beside_one(node, "square")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    (value,) = found[0].inputs
    if value.op.name not in _OTHER or value.inputs[0].dtype != node.dtype:
        return None
    other = apply(_OTHER[value.op.name], *value.inputs)
    return _signed(found[2], apply("square", other))


# Roots of products -----------------------------------------------------------------------------


@equation(keeps="accurate")
def root_of_product_of_squares(x: Pattern, y: Pattern) -> Sides:
    """sqrt(x**2 * y**2) = abs(x * y)."""
    return p.sqrt(x * x * y * y), p.absolute(x * y)


@equation(keeps="accurate")
def root_of_quotient_of_squares(x: Pattern, y: Pattern) -> Sides:
    """sqrt(x**2 / y**2) = abs(x / y)."""
    return p.sqrt(x * x / (y * y)), p.absolute(x / y)


@rewrite(
    "sqrt",
    operands=("multiply",),
    keeps="accurate",
    rounds=True,
    examples=(
        lambda x: np.sqrt(4.0 * np.square(x)),
        lambda x: np.sqrt(np.square(x) * 0.3),
        lambda x, y: np.sqrt((x * y * 2.0) * (x * y)),
    ),
)
def root_of_multiple_of_square(node: Node) -> Node | None:
    """sqrt(c * x**2 * y**2) = sqrt(c) * abs(x * y) for a number c > 0."""
    (product,) = node.inputs
    if product.dtype != node.dtype or node.dtype.kind != "f":
        return None
    powers = flat_product(product, deep=True)
    if powers is None or powers.number <= 0 or any(k != 2 for _, k in powers.factors):
        return None
    factors = [factor for factor, _ in powers.factors]
    if not factors or any(factor.type != node.type for factor in factors):
        return None
    size = apply("absolute", reduce(mul, factors))
    return size if powers.number == 1 else scalar(np.sqrt(powers.number), node) * size


@rewrite("sqrt", operands=("power",), keeps="accurate", examples=(lambda x: np.sqrt(x**4),))
def root_of_fourth_power(node: Node) -> Node | None:
    """sqrt(x**4) = x**2."""
    (power,) = node.inputs
    if not is_op(power, "power") or number(power.inputs[1]) != 4:
        return None
    x = power.inputs[0]
    return apply("square", x) if x.type == node.type and node.dtype.kind == "f" else None


# Quotients with the own size or root -----------------------------------------------------------


@rewrite("divide", keeps="accurate", examples=(lambda x: x / np.sqrt(x), lambda x: np.abs(x) / x))
def by_own_root_or_size(node: Node) -> Node | None:
    """x / sqrt(x) = sqrt(x), abs(x) / x = sign(x)."""
    x, y = node.inputs
    if node.dtype.kind != "f" or not x.dtype == y.dtype == node.dtype:
        return None
    if is_op(y, "sqrt") and y.inputs[0] is x:
        return y
    return apply("sign", y) if is_op(x, "absolute") and x.inputs[0] is y else None
