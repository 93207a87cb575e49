"""More functions at two arguments whose difference is known, and functions less their value at 0.

These are tried after the laws of `stability`, which have functions of their own for what they know.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.facts import bounds
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite
from symgraph.simplify.rules.differences import is_longer, known_difference, over, stepped
from symgraph.simplify.rules.formulas import beside_one

Sides = tuple[Pattern, Pattern]


def are_floats(node: Node, *parts: Node) -> bool:
    """Whether parts have the floating dtype of the whole: integers wrap before."""
    return node.dtype.kind == "f" and all(part.dtype == node.dtype for part in parts)


# Powers and roots ---------------------------------------------------------------------------------


def _inverse_root(node: Node) -> tuple[Node, Node] | None:
    """x and sqrt(x) of 1 / sqrt(x)."""
    if (
        not is_op(node, "divide")
        or number(node.inputs[0]) != 1
        or not is_op(node.inputs[1], "sqrt")
    ):
        return None
    return node.inputs[1].inputs[0], node.inputs[1]


@rewrite(
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(lambda x: 1.0 / np.sqrt(x) - 1.0 / np.sqrt(x + 1.0),),
)
def difference_of_inverse_roots(node: Node) -> Node | None:
    """1 / sqrt(a) - 1 / sqrt(b) = (b - a) / (r + s) / r / s, r and s the roots, b - a known."""
    first, second = map(_inverse_root, node.inputs)
    if first is None or second is None or node.dtype.kind != "f":
        return None
    (a, r), (b, s) = first, second
    gap = known_difference(b, a)
    if gap is None or not gap.dtype == r.dtype == s.dtype == node.dtype:
        return None
    return gap / (r + s) / r / s


@equation(keeps="accurate")
def cube_root_less_one(x: Pattern) -> Sides:
    """cbrt(1 + x) - 1 without cancellation next to 0."""
    return p.cbrt(1 + x) - 1, p.cbrt1pm1(x)


@rewrite(
    "add",
    "subtract",
    operands=("sqrt",),
    keeps="accurate",
    examples=(lambda x: np.sqrt(x + 9.0) - 3.0, lambda x: 2.0 - np.sqrt(4.0 - x)),
)
def root_less_number(node: Node) -> Node | None:
    """sqrt(a) - c = (a - c**2) / (sqrt(a) + c) for a number c > 0 where a - c**2 is known."""
    sign = 1 if is_op(node, "add") else -1
    for root, other, first, second in ((*node.inputs, 1, sign), (*node.inputs[::-1], sign, 1)):
        value = number(other)
        if value is None or not is_op(root, "sqrt") or node.dtype.kind != "f":
            continue
        (x,) = root.inputs
        c = -second * first * float(value)
        if not 0 < c < np.inf or not are_floats(node, x, root):
            continue
        gap = known_difference(x, scalar(0, x), -(Fraction(c) ** 2))
        if gap is None or not are_floats(node, gap):
            continue
        quotient = apply("sqrt_difference", scalar(c * c, x), gap)
        return quotient if first == 1 else -quotient
    return None


@rewrite(
    "subtract",
    operands=("sqrt", "divide"),
    keeps="accurate",
    examples=(
        lambda x: np.sqrt((1.0 + x) / (1.0 - x)) - 1.0,
        lambda x: np.sqrt(1.0 + x) / np.sqrt(1.0 - x) - 1.0,
    ),
)
def root_of_quotient_less_one(node: Node) -> Node | None:
    """sqrt(a / b) - 1 = (a - b) / b / (sqrt(a / b) + 1) where a - b is known."""
    found = beside_one(node, "sqrt", "divide")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    root, sign, _ = found
    parts = [root.inputs[0]] if is_op(root, "sqrt") else root.inputs
    if is_op(root, "sqrt"):
        sides = parts[0].inputs if is_op(parts[0], "divide") else ()
    else:
        sides = [x.inputs[0] for x in parts if is_op(x, "sqrt")]
    if len(sides) != 2 or not are_floats(node, *sides):
        return None
    a, b = sides
    gap = known_difference(a, b)
    if gap is None or not are_floats(node, gap):
        return None
    result = over(gap / b, root + 1.0)
    return result if sign > 0 else -result


@rewrite(
    "subtract",
    operands=("hypot",),
    keeps="accurate",
    examples=(lambda x: np.hypot(x, 3.0) - np.hypot(x, 2.0),),
)
def difference_of_hypotenuses(node: Node) -> Node | None:
    """hypot(x, c) - hypot(x, d) = (c - d) * (c + d) / (hypot(x, c) + hypot(x, d)) for numbers."""
    first, second = node.inputs
    if not (is_op(first, "hypot") and is_op(second, "hypot")) or node.dtype.kind != "f":
        return None
    for leg, c in (first.inputs, first.inputs[::-1]):
        for other, d in (second.inputs, second.inputs[::-1]):
            value, less = number(c), number(d)
            if leg is not other or value is None or less is None or leg.dtype != node.dtype:
                continue
            if not (1e-9 < abs(value) < 1e9 and 1e-9 < abs(less) < 1e9):
                continue
            gap = Fraction(float(value)) ** 2 - Fraction(float(less)) ** 2
            if 4 * abs(gap) > Fraction(float(value)) ** 2:
                return float(gap) / (first + second)
    return None


@rewrite(
    "subtract",
    operands=("square", "power", "multiply"),
    keeps="accurate",
    examples=(
        lambda x, y: np.square(x + y) - np.square(x),
        lambda x: np.square(1.0 + x) - 1.0,
        lambda x, y: (x + y) ** 4 - x**4,
        lambda x: (x + 1.0) * np.square(x + 1.0) - 1.0,
    ),
)
def difference_of_powers(node: Node) -> Node | None:
    """a**2 - b**2 = (a - b) * (a + b), and so on to the fourth power, where a - b is known."""
    if node.dtype.kind != "f":
        return None
    first, second = map(_whole_power, node.inputs)
    k = (first or second or (node, 0))[1]
    a, b = [_base(side, found, k) for side, found in zip(node.inputs, (first, second), strict=True)]
    if a is None or b is None:
        return None
    gap = known_difference(a, b)
    if gap is None or not a.dtype == b.dtype == gap.dtype == node.dtype:
        return None
    return gap * _cofactor(a, b, k)


def _whole_power(node: Node) -> tuple[Node, int] | None:
    """Base and exponent of a power from 2 to 4."""
    if is_op(node, "square"):
        return node.inputs[0], 2
    if is_op(node, "multiply"):
        for x, y in (node.inputs, node.inputs[::-1]):
            if is_op(x, "square") and x.inputs[0] is y:
                return y, 3
    if is_op(node, "power"):
        value = number(node.inputs[1])
        return (node.inputs[0], int(value)) if value is not None and value == 4 else None
    return None


def _base(node: Node, found: tuple[Node, int] | None, k: int) -> Node | None:
    """What a side is the k-th power of."""
    if found is not None:
        return found[0] if found[1] == k else None
    value = number(node)
    if value is None or not 0 < value < 2.0**52 or not k:
        return None
    root = round(float(value) ** (1 / k))
    return scalar(root, node) if root**k == value else None


def _cofactor(a: Node, b: Node, k: int) -> Node:
    """(a**k - b**k) / (a - b)."""
    if k == 2:
        return a + b
    if k == 4:
        return (apply("square", a) + apply("square", b)) * (a + b)
    return a * (a + b) + apply("square", b)


@rewrite(
    "subtract",
    operands=("power",),
    keeps="accurate",
    examples=(lambda x, y: (x + 1.0) ** y - x**y,),
)
def difference_of_any_powers(node: Node) -> Node | None:
    """a**p - b**p without cancellation, where a - b is known."""
    first, second = node.inputs
    if not (is_op(first, "power") and is_op(second, "power")) or node.dtype.kind != "f":
        return None
    (a, exponent), (b, other) = first.inputs, second.inputs
    if exponent is not other and (number(exponent) is None or number(exponent) != number(other)):
        return None
    gap = known_difference(a, b)
    if gap is None or not a.dtype == b.dtype == gap.dtype == exponent.dtype == node.dtype:
        return None
    return stepped("pow_step", a, b, gap, exponent)


# Powers next to one -------------------------------------------------------------------------------

_LARGE = 6.0
"""An exponent that enlarges the rounding error of its base by more than two bits."""


def one_and(node: Node) -> Node | None:
    """x of 1 + x."""
    if not is_op(node, "add", "subtract") or not are_floats(node, *node.inputs):
        return None
    x, y = node.inputs
    if number(x) == 1:
        return y if is_op(node, "add") else -y
    return x if is_op(node, "add") and number(y) == 1 else None


@rewrite(
    "power",
    operands=("add", "subtract"),
    keeps="accurate",
    examples=(lambda x, y: (1.0 + x) ** y, lambda x: (1.0 - x) ** 20),
)
def power_of_one_plus(node: Node) -> Node | None:
    """(1 + x)**y without the rounding error of 1 + x, for unknown or large y."""
    base, exponent = node.inputs
    value = number(exponent)
    if node.dtype.kind != "f" or (value is not None and abs(value) < _LARGE):
        return None
    x = one_and(base) if base.dtype == exponent.dtype == node.dtype else None
    return None if x is None else apply("pow1p", x, exponent)


@rewrite(
    "add",
    "subtract",
    operands=("power", "pow1p", "exp2"),
    keeps="accurate",
    examples=(
        lambda x, y: apply("pow1p", x, y) - 1.0,
        lambda x: 1.0 - (1.0 - x) ** 1.5,
        lambda x, y: x**y - 1.0,
        lambda x: np.exp2(x) - 1.0,
    ),
)
def power_less_one(node: Node) -> Node | None:
    """x**y - 1 and (1 + x)**y - 1 without cancellation where the power is next to 1."""
    found = beside_one(node, "power", "pow1p", "exp2")
    if found is None or found[1] == found[2] or node.dtype.kind != "f":
        return None
    power, sign, _ = found
    if not all(operand.dtype == node.dtype for operand in power.inputs):
        return None
    if is_op(power, "pow1p"):
        result = apply("pow1pm1", *power.inputs)
    elif is_op(power, "exp2"):
        result = apply("pow_less_one", scalar(2, node), *power.inputs)
    else:
        x = one_and(power.inputs[0])
        exponent = power.inputs[1]
        result = (
            apply("pow_less_one", *power.inputs) if x is None else apply("pow1pm1", x, exponent)
        )
    return result if sign > 0 else -result


# Exponentials, hyperbolic functions, and logarithms of other bases --------------------------------


@rewrite(
    "subtract",
    operands=("exp",),
    keeps="accurate",
    examples=(lambda x, y: np.exp(x) - np.exp(y), lambda x, y: np.exp(x + y) - np.exp(x)),
)
def difference_of_exponentials_of_two(node: Node) -> Node | None:
    """exp(a) - exp(b) = exp(b) * expm1(a - b) where a is next to b."""
    first, second = node.inputs
    if not (is_op(first, "exp") and is_op(second, "exp")) or node.dtype.kind != "f":
        return None
    (a,), (b,) = first.inputs, second.inputs
    if not a.dtype == b.dtype == node.dtype:
        return None
    gap = known_difference(a, b)
    step = None if gap is None else stepped("exp_step", a, b, gap)
    return apply("exp_difference", a, b) if step is None else step


@rewrite(
    "subtract",
    operands=("sin", "cos"),
    keeps="accurate",
    headroom=1,
    examples=(
        lambda x, y: np.sin(x + y) - np.sin(x - y),
        lambda x: np.cos(x - 0.25) - np.cos(x + 0.25),
    ),
)
def difference_about_a_centre(node: Node) -> Node | None:
    """sin(x + y) - sin(x - y) = 2 * cos(x) * sin(y), and the same of cosines."""
    first, second = node.inputs
    if first.op is not second.op or not is_op(first, "sin", "cos") or node.dtype.kind != "f":
        return None
    (a,), (b,) = first.inputs, second.inputs
    gap, total = known_difference(a, b), known_difference(a, -b)
    if gap is None or total is None or not gap.dtype == total.dtype == node.dtype:
        return None
    half = apply("sin", 0.5 * gap)
    middle = 0.5 * total
    if is_op(first, "sin"):
        return 2.0 * (apply("cos", middle) * half)
    return -2.0 * (apply("sin", middle) * half)


_BASES = {"log2": math.log2(math.e), "log10": math.log10(math.e)}


@rewrite(
    "subtract",
    operands=("log2", "log10", "multiply"),
    keeps="accurate",
    examples=(lambda x: np.log2(x + 3.0) - np.log2(x), lambda x: np.log10(x + 3.0) - np.log10(x)),
)
def difference_of_logarithms_of_base(node: Node) -> Node | None:
    """log2(a) - log2(b) = log1p((a - b) / b) / log(2) where a - b is known; log10 likewise."""
    first, second = map(_of_base, node.inputs)
    if first is None or second is None or node.dtype.kind != "f":
        return None
    (unit, a, plus), (other, b, more) = first, second
    if abs(unit - other) > 1e-15 * abs(unit):
        return None
    gap = known_difference(a, b, plus - more)
    if gap is None or not a.dtype == b.dtype == gap.dtype == node.dtype:
        return None
    if plus or more:
        return unit * (_natural(a, plus) - _natural(b, more))
    result = stepped("log_difference", a, b, gap)
    return None if result is None else unit * result


def _of_base(node: Node) -> tuple[float, Node, int] | None:
    """The unit and the argument of a multiple of a logarithm, less 1 where that is of 1 + x."""
    if node.op.name in _BASES:
        return _BASES[node.op.name], node.inputs[0], 0
    if not is_op(node, "multiply"):
        return None
    for c, x in (node.inputs, node.inputs[::-1]):
        value = number(c)
        if value is not None and x.op.name in (*_BASES, "log1p"):
            unit = float(value) * _BASES.get(x.op.name, 1.0)
            return unit, x.inputs[0], int(is_op(x, "log1p"))
    return None


def _natural(x: Node, plus: int) -> Node:
    return apply("log1p" if plus else "log", x)


@rewrite(
    "log",
    operands=("divide",),
    keeps="accurate",
    examples=(
        lambda x: np.log((x + 1.0) / x),
        lambda x: np.log(x / (x + 2.0)),
        lambda x, y: np.log((x + y) / x),
    ),
)
def logarithm_of_quotient_next_to_one(node: Node) -> Node | None:
    """log(a / b) = log1p((a - b) / b) where a - b is known."""
    (quotient,) = node.inputs
    if not is_op(quotient, "divide") or node.dtype.kind != "f":
        return None
    a, b = quotient.inputs
    gap = known_difference(a, b)
    if gap is None or not a.dtype == b.dtype == gap.dtype == node.dtype:
        return None
    longer = is_longer(a, b)
    base, step = (b, gap) if longer else (a, -gap)
    if bounds(base)[0] < 0 or bounds(step)[0] < 0:
        if number(gap) is None:
            result = apply("log1p_quotient", step, base)
            return result if longer else -result
        # A quotient of two negative numbers has a logarithm as well.
        base, step = apply("absolute", base), apply("where", base < 0.0, -step, step)
    result = apply("log_difference", base, step)
    return result if longer else -result
