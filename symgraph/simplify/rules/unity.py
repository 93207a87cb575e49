"""Functions and quotients less the value that they have at 0, in every spelling with numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.common import is_op, number
from symgraph.simplify.flat import flat_product
from symgraph.simplify.match import split_multiple
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite
from symgraph.simplify.rules.differences import is_longer, known_difference
from symgraph.simplify.rules.formulas import beside_one
from symgraph.simplify.rules.steps import are_floats, one_and
from symgraph.simplify.rules.vectors import leg_quotient

Sides = tuple[Pattern, Pattern]

_ONE_SOMEWHERE = ("exp", "exp2", "cos", "cosh", "tanh", "sqrt", "cbrt", "hypot", "power", "pow1p")
"""Functions whose difference from one is a law of its own."""
_WITH_LAWS = ("exp", "sqrt", "cbrt", "log", "sin", "cos", "tan", "arctan")
"""Functions whose differences are laws of their own."""


def _multiple(node: Node) -> tuple[float, Node] | None:
    """A number times or under a node; a number alone is a multiple of None."""
    if is_op(node, "multiply"):
        for c, x in (node.inputs, node.inputs[::-1]):
            value = number(c)
            if value is not None and x.shape == node.shape and x.dtype == node.dtype:
                return float(value), x
    return None


@rewrite(
    "add",
    "subtract",
    operands=("multiply",),
    keeps="accurate",
    examples=(
        lambda x: 0.5 - 0.5 * np.cos(x),
        lambda x: 2.0 * np.exp(x) - 2.0,
        lambda x: 0.5 * np.exp(x) - 0.5 * np.exp(-x),
    ),
)
def number_outwards(node: Node) -> Node | None:
    """c * f(x) - c = c * (f(x) - 1), c * f(x) - c * f(y) = c * (f(x) - f(y)) for a number c."""
    if node.dtype.kind != "f":
        return None
    first, second = map(_multiple, node.inputs)
    if first is not None and second is not None:
        (c, x), (d, y) = first, second
        if abs(c) != abs(d) or x.op.name != y.op.name or not is_op(x, *_WITH_LAWS):
            return None
        minus = (c == d) == is_op(node, "subtract")
        return c * (x - y if minus else x + y)
    for found, other, place in ((first, node.inputs[1], 0), (second, node.inputs[0], 1)):
        value = number(other)
        if found is None or value is None or abs(value) != abs(found[0]) or value == 0:
            continue
        c, x = found
        if abs(c) == 1 or not is_op(x, *_ONE_SOMEWHERE):
            return None
        sign = (1 if value == c else -1) * (1 if is_op(node, "add") else -1)
        if place == 1 and is_op(node, "subtract"):
            return -c * (x + float(sign))
        return c * (x + 1.0 if sign > 0 else x - 1.0)
    return None


@rewrite(
    "subtract",
    operands=("divide",),
    keeps="accurate",
    headroom=1,
    examples=(lambda x, y: np.log(x) / y - np.log(x + 2.0) / y,),
)
def difference_over_one_divisor(node: Node) -> Node | None:
    """f(x) / z - f(y) / z = (f(x) - f(y)) / z where the difference has a law of its own."""
    first, second = node.inputs
    if not (is_op(first, "divide") and is_op(second, "divide")) or node.dtype.kind != "f":
        return None
    (x, z), (y, other) = first.inputs, second.inputs
    if z is not other or not are_floats(node, x, y, z):
        return None
    known = [number(top) == 1 for top in (x, y)]
    alike = x.op.name == y.op.name and is_op(x, *_WITH_LAWS)
    beside = any(known) and is_op(y if known[0] else x, *_ONE_SOMEWHERE)
    return (x - y) / z if alike or beside else None


@rewrite(
    "subtract",
    operands=("divide",),
    keeps="accurate",
    headroom=2,
    examples=(
        lambda x, y: 1.0 / (x + y) - (x / (x + y)) / (x + y),
        lambda x, y, z: z / (x + y) - ((z * x) / (x + y)) / (x + y),
    ),
)
def slope_of_share(node: Node) -> Node | None:
    """a / z - (a * x / z) / z = a * (1 - x / z) / z where z - x is known."""
    first, second = node.inputs
    if not (is_op(first, "divide") and is_op(second, "divide")) or node.dtype.kind != "f":
        return None
    (a, z), (share, other) = first.inputs, second.inputs
    if z is not other or not is_op(share, "divide") or share.inputs[1] is not z:
        return None
    x = _beside(share.inputs[0], a)
    if x is None or not are_floats(node, a, x, z):
        return None
    gap = known_difference(x, z)
    less = None if gap is None else _quotient(x, z, gap)
    if less is None:
        return None
    return -less / z if number(a) == 1 else a * (-less / z)


def _beside(product: Node, a: Node) -> Node | None:
    """The other factor of a product with a."""
    if number(a) == 1:
        return product
    if not is_op(product, "multiply"):
        return None
    for factor, x in (product.inputs, product.inputs[::-1]):
        if factor is a:
            return x
    return None


@rewrite(
    "add",
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(
        lambda x: x / (x + 1.0) - 1.0,
        lambda x, y: 1.0 - x / (x + y),
        lambda x: 1.0 / (1.0 + np.square(x)) - 1.0,
    ),
)
def quotient_less_one(node: Node) -> Node | None:
    """a / b - 1 = (a - b) / b where a - b is known."""
    found = beside_one(node, "divide")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    quotient, sign, _ = found
    a, b = quotient.inputs
    gap = known_difference(a, b)
    if gap is None or not are_floats(node, gap, b):
        return None
    result = _quotient(a, b, gap)
    return None if result is None else result if sign > 0 else -result


def _quotient(a: Node, b: Node, gap: Node) -> Node | None:
    """(a - b) / b, unless both overflow where their quotient is 1."""
    if number(gap) is not None:
        return gap / b
    _, base = split_multiple(gap)
    if is_op(base, "square"):
        return leg_quotient(gap, b)
    if base.inputs and not is_op(base, *_BOUNDED):
        return None
    return gap / b if is_longer(a, b) else -apply("part_of_sum", -gap, a)


_BOUNDED = ("sin", "cos", "tanh", "sqrt", "cbrt", "log", "log1p", "sigmoid", "where", "divide")


@rewrite(
    "add",
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(
        lambda x: 1.0 / np.sqrt(1.0 + x) - 1.0,
        lambda x: 1.0 - 1.0 / np.hypot(x, 1.0),
        lambda x: 1.0 / np.square(1.0 + x) - 1.0,
    ),
)
def inverse_less_one(node: Node) -> Node | None:
    """1 / sqrt(1 + x) - 1 = (1 + x)**-0.5 - 1, 1 / (1 + x)**2 - 1 = (1 + x)**-2 - 1."""
    found = beside_one(node, "divide")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    quotient, sign, _ = found
    one, f = quotient.inputs
    if number(one) != 1 or not are_floats(node, f, *f.inputs):
        return None
    if is_op(f, "hypot") and any(number(leg) == 1 for leg in f.inputs):
        leg = f.inputs[0 if number(f.inputs[1]) == 1 else 1]
        x, exponent = apply("square", leg), -0.5
    elif is_op(f, "sqrt", "square"):
        x, exponent = one_and(f.inputs[0]), -0.5 if is_op(f, "sqrt") else -2.0
    else:
        return None
    if x is None or not are_floats(node, x):
        return None
    result = apply("pow1pm1", x, exponent)
    return result if sign > 0 else -result


@rewrite(
    "add",
    "subtract",
    operands=("tanh",),
    keeps="accurate",
    examples=(lambda x: 1.0 - np.tanh(x), lambda x: np.tanh(x) + 1.0),
)
def one_and_tanh(node: Node) -> Node | None:
    """1 - tanh(x) = 2 * sigmoid(-2 * x), 1 + tanh(x) = 2 * sigmoid(2 * x)."""
    found = beside_one(node, "tanh")
    if found is None or node.dtype.kind != "f":
        return None
    value, sign, one = found
    result = 2.0 * apply("sigmoid", (2.0 * sign * one) * value.inputs[0])
    return result if one > 0 else -result


@rewrite(
    "multiply",
    operands=("multiply",),
    keeps="accurate",
    examples=(lambda x: 2.0 * apply("sigmoid", x) * (2.0 * apply("sigmoid", -x)),),
)
def one_less_and_plus_tanh(node: Node) -> Node | None:
    """(2 * sigmoid(x)) * (2 * sigmoid(-x)) = 1 / cosh(x / 2)**2."""
    if node.dtype.kind != "f":
        return None
    powers = flat_product(node, deep=True)
    if powers is None or powers.number != 4 or len(powers.factors) != 2:
        return None
    (first, one), (second, other) = powers.factors
    if not one == other == 1 or not (is_op(first, "sigmoid") and is_op(second, "sigmoid")):
        return None
    (x,), (y,) = first.inputs, second.inputs
    (c, base), (d, same) = split_multiple(x), split_multiple(y)
    if c != -d or base is not same or not are_floats(node, base):
        return None
    return apply("sech2", 0.5 * (x if c > 0 else y))


_LESS_ONE: Mapping[str, Callable[[Node], Node]] = {
    "cos": lambda x: apply("tan", x) * apply("tan", 0.5 * x),
    "cosh": lambda x: -(apply("tanh", x) * apply("tanh", 0.5 * x)),
    "tanh": lambda x: 2.0 / apply("expm1", 2.0 * x),
}


@rewrite(
    "add",
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(
        lambda x: 1.0 / np.cos(x) - 1.0,
        lambda x: 1.0 - 1.0 / np.cosh(x),
        lambda x: 1.0 / np.tanh(x) - 1.0,
    ),
)
def inverse_function_less_one(node: Node) -> Node | None:
    """1 / cos(x) - 1 = tan(x) * tan(x / 2), 1 - 1 / cosh(x) = tanh(x) * tanh(x / 2)."""
    found = beside_one(node, "divide")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    quotient, sign, _ = found
    one, f = quotient.inputs
    if number(one) != 1 or f.op.name not in _LESS_ONE or f.inputs[0].dtype != node.dtype:
        return None
    result = _LESS_ONE[f.op.name](f.inputs[0])
    return result if sign > 0 else -result


@equation(keeps="accurate")
def tangent(x: Pattern) -> Sides:
    """sin(x) / cos(x) = tan(x)."""
    return p.sin(x) / p.cos(x), p.tan(x)


@equation(keeps="accurate")
def half_tangent(x: Pattern) -> Sides:
    """(1 - cos(x)) / sin(x) = tan(x / 2)."""
    return 1 / p.sin(x) - 1 / p.tan(x), p.tan(0.5 * x)
