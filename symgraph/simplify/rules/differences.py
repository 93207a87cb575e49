"""Differences of one function at two arguments whose own difference is known exactly.

``sqrt(a) - sqrt(b)`` cancels where a is close to b; ``(a - b) / (sqrt(a) + sqrt(b))`` does not, if
a - b is a term or a number once what a and b share is gone. Each law is one function below.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.registry import apply
from symgraph.graph.side import NOTES
from symgraph.ops.reduce import Mean
from symgraph.ops.reduce_moments import Var
from symgraph.simplify.common import is_op, number, unbroadcast
from symgraph.simplify.flat import flat_product, flat_sum
from symgraph.simplify.match import split_multiple
from symgraph.simplify.pattern import SUMS, Pattern, p
from symgraph.simplify.polynomials import difference, expanded, of_number, written
from symgraph.simplify.rule import equation, rewrite

Sides = tuple[Pattern, Pattern]


def noted(node: Node, why: str) -> Node:
    """The node, with a reason for the reader of the emitted source."""
    NOTES.setdefault(node, why)
    return node


def known_difference(a: Node, b: Node, offset: int | Fraction = 0) -> Node | None:
    """a - b + offset, if terms cancel and one term or number is left; ``None`` otherwise."""
    if a.dtype != b.dtype or a.dtype.kind != "f":
        return None
    first, second = expanded(a, a.dtype), expanded(b, a.dtype)
    if first is None or second is None:
        return None
    left = difference(difference(first, second), of_number(-Fraction(offset)))
    if len(left) != 1 or len(first) + len(second) + (offset != 0) <= 1:
        return None
    (term,) = left.values()
    return written(term, a)


def _two(node: Node, name: str) -> tuple[Node, Node, Node] | None:
    """Arguments a and b of f(a) - f(b), and what a - b is."""
    first, second = node.inputs
    if not (is_op(first, name) and is_op(second, name)) or node.dtype.kind != "f":
        return None
    (a,), (b,) = first.inputs, second.inputs
    gap = known_difference(a, b)
    if gap is None or not a.dtype == b.dtype == gap.dtype == node.dtype:
        return None
    return a, b, gap


def is_longer(a: Node, b: Node) -> bool:
    """Whether a has more terms than b, so that a is b and a step, and not b a step less than a.

    ``(x + y) - y`` is not x where y is large.
    """
    terms = [flat_sum(unbroadcast(side), deep=True) or [] for side in (a, b)]
    return len(terms[0]) >= len(terms[1])


def is_sum_of(a: Node, b: Node, gap: Node) -> bool:
    """Whether a was computed from b and the gap, and not from what either has beside the other."""
    wanted = flat_sum(unbroadcast(a), deep=True) or []
    terms = [(sign, id(term)) for sign, term in wanted]
    parts = [*(flat_sum(unbroadcast(b), deep=True) or []), *(flat_sum(gap, deep=True) or [])]
    return sorted(terms) == sorted([(sign, id(unbroadcast(term))) for sign, term in parts])


def stepped(name: str, a: Node, b: Node, gap: Node, *more: Node) -> Node | None:
    """f(a) - f(b) by an operation that takes one argument, and the step to the other.

    The other one is computed again from these two: so it must be nothing else than their sum.
    """
    value = number(gap)
    if value is not None:
        forward = value > 0
    elif is_sum_of(a, b, gap):
        forward = True
    elif is_sum_of(b, a, -gap):
        forward = False
    elif is_op(a, *SUMS) and is_op(b, *SUMS):
        forward = is_longer(a, b)
    else:
        return None
    return apply(name, b, gap, *more) if forward else -apply(name, a, -gap, *more)


def _by_step(node: Node, name: str) -> Node | None:
    found = _two(node, name)
    return None if found is None else stepped(f"{name}_difference", *found)


def over(gap: Node, divisor: Node) -> Node:
    """A quotient that is 0 where both are 0, and infinite where both are infinite."""
    if number(gap) is not None:
        return gap / divisor
    ends = np.finfo(divisor.dtype)
    # No root is as near to the ends of the range as these.
    guarded = apply("clip", divisor, float(ends.tiny), float(ends.max))
    return gap / noted(guarded, "the quotient would be NaN where both terms are 0, or one infinite")


@rewrite(
    "subtract",
    operands=("sqrt",),
    keeps="accurate",
    examples=(
        lambda x: np.sqrt(x + 3.0) - np.sqrt(x),
        lambda x, y: np.sqrt(x + y) - np.sqrt(x),
    ),
)
def difference_of_roots(node: Node) -> Node | None:
    """sqrt(a) - sqrt(b) = (a - b) / (sqrt(a) + sqrt(b)) where a - b is known."""
    found = _two(node, "sqrt")
    if found is None:
        return None
    gap = found[2]
    first, second = node.inputs
    a, b, _ = found
    if number(gap) is None and (is_sum_of(a, b, gap) or is_sum_of(b, a, -gap)):
        return stepped("sqrt_difference", a, b, gap)
    return over(gap, first + second)


@rewrite(
    "subtract",
    operands=("cbrt",),
    keeps="accurate",
    examples=(
        lambda x: np.cbrt(x + 1.0) - np.cbrt(x),
        lambda x, y: np.cbrt(x + y) - np.cbrt(x),
    ),
)
def difference_of_cube_roots(node: Node) -> Node | None:
    """cbrt(a) - cbrt(b) = (a - b) / (cbrt(a)**2 + cbrt(a * b) + cbrt(b)**2), a - b known."""
    found = _two(node, "cbrt")
    if found is None:
        return None
    if number(found[2]) is None:
        return stepped("cbrt_difference", *found)
    r, s = node.inputs
    total = apply("square", r) + r * s + apply("square", s)
    return found[2] / total


@rewrite(
    "subtract",
    operands=("sin",),
    keeps="accurate",
    examples=(lambda x: np.sin(x + 0.25) - np.sin(x), lambda x, y: np.sin(x + y) - np.sin(x)),
)
def difference_of_sines(node: Node) -> Node | None:
    """sin(a) - sin(b) = 2 * cos((a + b) / 2) * sin((a - b) / 2) where a - b is known."""
    return _by_step(node, "sin")


@rewrite(
    "subtract",
    operands=("cos",),
    keeps="accurate",
    examples=(lambda x: np.cos(x + 0.25) - np.cos(x), lambda x, y: np.cos(x + y) - np.cos(x)),
)
def difference_of_cosines(node: Node) -> Node | None:
    """cos(a) - cos(b) = -2 * sin((a + b) / 2) * sin((a - b) / 2) where a - b is known."""
    return _by_step(node, "cos")


@rewrite(
    "subtract",
    operands=("tan",),
    keeps="accurate",
    examples=(lambda x: np.tan(x + 0.25) - np.tan(x), lambda x, y: np.tan(x + y) - np.tan(x)),
)
def difference_of_tangents(node: Node) -> Node | None:
    """tan(a) - tan(b) = sin(a - b) / (cos(a) * cos(b)) where a - b is known."""
    return _by_step(node, "tan")


@rewrite(
    "subtract",
    operands=("arctan",),
    keeps="accurate",
    examples=(
        lambda x: np.arctan(x + 1.0) - np.arctan(x),
        lambda x, y: np.arctan(x + y) - np.arctan(x),
    ),
)
def difference_of_arctangents(node: Node) -> Node | None:
    """arctan(a) - arctan(b) = arctan2(a - b, 1 + a * b) where a - b is known."""
    found = _two(node, "arctan")
    if found is None:
        return None
    a, b, gap = found
    if number(gap) is None:
        return apply("arctan_difference", b, gap)
    return apply("arctan2", gap, 1.0 + a * b)


def _logarithm(node: Node) -> tuple[Node, int] | None:
    """The argument of a logarithm less 0 or 1, and that number."""
    if is_op(node, "log"):
        return node.inputs[0], 0
    return (node.inputs[0], 1) if is_op(node, "log1p") else None


def _are_opposite(a: Node, b: Node) -> bool:
    (c, x), (d, y) = split_multiple(a), split_multiple(b)
    return c == -d and unbroadcast(x) is unbroadcast(y)


@rewrite(
    "subtract",
    operands=("log", "log1p"),
    keeps="accurate",
    examples=(
        lambda x: np.log(x + 3.0) - np.log(x),
        lambda x: np.log1p(x) - np.log(x),
        lambda x: np.log(x) - np.log1p(x),
    ),
)
def difference_of_logarithms(node: Node) -> Node | None:
    """log(a) - log(b) = log1p((a - b) / b) where a - b is known."""
    first, second = [_logarithm(operand) for operand in node.inputs]
    if first is None or second is None or node.dtype.kind != "f":
        return None
    (a, plus), (b, more) = first, second
    if plus and more and _are_opposite(a, b):
        return None  # that is an inverse hyperbolic tangent
    gap = known_difference(a, b, plus - more)
    if gap is None or not a.dtype == b.dtype == gap.dtype == node.dtype:
        return None
    if more == plus:
        return stepped("log_difference", *([a + 1.0, b + 1.0] if more else [a, b]), gap)
    if plus and not more:
        return apply("log_difference", b, gap)
    # 1 + b, which a step of -1 would take back to what is left of b.
    return -apply("log_difference", a + 1.0 if plus else a, -gap)


@rewrite(
    "subtract",
    operands=("exp",),
    keeps="accurate",
    examples=(lambda x: np.exp(x + 0.25) - np.exp(x),),
)
def difference_of_shifted_exponentials(node: Node) -> Node | None:
    """exp(a) - exp(b) = exp(b) * expm1(a - b) where a - b is a number less than 1."""
    found = _two(node, "exp")
    if found is None:
        return None
    value = number(found[2])
    # With a large difference one factor could overflow where the other underflows.
    if value is None or abs(value) >= 1:
        return None
    return node.inputs[1] * apply("expm1", found[2])


def _reciprocal_step(a: Node, b: Node, gap: Node) -> Node | None:
    """1 / a - 1 / b of a sum and a part of it."""
    if is_sum_of(b, a, gap):
        return apply("reciprocal_step", a, gap)
    return -apply("reciprocal_step", b, -gap) if is_sum_of(a, b, -gap) else None


@rewrite(
    "subtract",
    operands=("divide",),
    keeps="accurate",
    examples=(
        lambda x: 1.0 / x - 1.0 / (x + 3.0),
        lambda x: 1.0 / (x + 1.0) - 1.0 / x,
        lambda x, y: 2.0 / x - 2.0 / (x + y),
    ),
)
def difference_of_reciprocals(node: Node) -> Node | None:
    """c / a - c / b = c * ((b - a) / b) / a where b - a is known, for a number c."""
    first, second = node.inputs
    if not (is_op(first, "divide") and is_op(second, "divide")) or node.dtype.kind != "f":
        return None
    (top, a), (other, b) = first.inputs, second.inputs
    value = number(top)
    if value is None or number(other) != value or not a.dtype == b.dtype == node.dtype:
        return None
    gap = known_difference(b, a)
    if gap is None:
        return None
    if number(gap) is None:
        step = _reciprocal_step(a, b, gap)
        if step is not None:
            return value * step if value != 1 else step
    # The quotient first: the product of a and b, or gap / a, may overflow.
    ratio = gap / b if number(gap) is not None else apply("finite_ratio", gap, b)
    return value * ratio / a if value != 1 else ratio / a


# A root and the square under it -------------------------------------------------------------------


@rewrite(
    "subtract",
    "add",
    operands=("sqrt", "hypot"),
    keeps="accurate",
    headroom=1,
    examples=(
        lambda x, y: np.sqrt(x * x - y) - x,
        lambda x, y: x + np.sqrt(x * x + 4.0 * y),
        lambda x: np.hypot(x, 1.0) - x,
        lambda x: x - np.hypot(x, 1.0),
        lambda x: np.sqrt((x - 1.0) * (x + 1.0)) - x,
        lambda x, y: -0.5 * x - np.sqrt(np.square(0.5 * x) + y),
    ),
)
def root_beside_its_square(node: Node) -> Node | None:
    """x + sqrt(x**2 + d) = d / (sqrt(x**2 + d) - x) where x is negative."""
    if node.dtype.kind != "f":
        return None
    minus = is_op(node, "subtract")
    for place in (0, 1):
        root, term = node.inputs[place], node.inputs[1 - place]
        # Beside a number there is nothing to choose: those are laws of their own.
        if not is_op(root, "sqrt", "hypot") or number(term) is not None:
            continue
        if not root.dtype == term.dtype == node.dtype:
            continue
        result = _root_plus(root, -term if minus else term, term)
        if result is not None and result.dtype == node.dtype:
            return -result if minus and place == 1 else result
    return None


def _has_square(x: Node, term: Node) -> bool:
    """Whether the square of a sum is one of the terms, and not only multiplied out."""
    return any(
        is_op(part, "square") and unbroadcast(part.inputs[0]) is unbroadcast(term)
        for _, part in flat_sum(x, deep=True) or []
    )


def _is_within(x: Node, term: Node) -> bool:
    """Whether the first factor of a term, or that itself, is a part of sums and products."""
    powers = flat_product(term, deep=True)
    wanted = [unbroadcast(term)]
    if powers is not None and powers.factors:
        wanted.append(unbroadcast(powers.factors[0][0]))
    stack = [x]
    for _ in range(_MOST_PARTS):
        if not stack:
            return False
        part = unbroadcast(stack.pop())
        if any(part is some for some in wanted):
            return True
        if is_op(part, "multiply", "divide", "square", "power", "negative", *SUMS):
            stack += part.inputs
    return True


_MOST_PARTS = 24


def _root_plus(root: Node, signed: Node, term: Node) -> Node | None:
    """A root plus a signed term, if the root is over the square of the term."""
    if is_op(root, "sqrt"):
        (x,) = root.inputs
        if not _is_within(x, term):
            return None
        rest = known_difference(x, apply("square", term))
        if rest is None or not (number(rest) is not None or is_op(x, "add", "subtract")):
            return None  # a product under the root does not cancel, as a sum of squares would
        if is_op(term, *SUMS) and not _has_square(x, term):
            return None
        return apply("root_plus", signed, rest)
    for leg, other in (root.inputs, root.inputs[::-1]):
        if unbroadcast(leg) is unbroadcast(term):
            return apply("hypot_plus", signed, other)
    return None


@equation(keeps="accurate")
def inverse_sinh(x: Pattern) -> Sides:
    """log(x + hypot(x, 1)) = arcsinh(x)."""
    return p.log(p.hypot_plus(x, 1)), p.arcsinh(x)


@equation(keeps="accurate")
def inverse_cosh(x: Pattern) -> Sides:
    """log(x + sqrt(x**2 - 1)) = arccosh(x) wherever the left side is real and x positive."""
    return p.log(p.root_plus(x, -1)), p.arccosh(x)


# A function and its first terms -------------------------------------------------------------------


@equation(keeps="accurate")
def x_less_sine(x: Pattern) -> Sides:
    """x - sin(x) without cancellation next to 0."""
    return x - p.sin(x), p.x_less_sin(x)


@equation(keeps="accurate")
def hyperbolic_sine_less_x(x: Pattern) -> Sides:
    """sinh(x) - x without cancellation next to 0."""
    return p.sinh(x) - x, p.sinh_less_x(x)


@equation(keeps="accurate")
def exponential_less_two_terms(x: Pattern) -> Sides:
    """exp(x) - 1 - x without cancellation next to 0."""
    return p.expm1(x) - x, p.expm1_less_x(x)


@equation(keeps="accurate")
def exponential_less_sum(x: Pattern) -> Sides:
    """exp(x) - (1 + x) without cancellation next to 0."""
    return p.exp(x) - (1 + x), p.expm1_less_x(x)


@rewrite(
    "subtract",
    operands=("exp",),
    keeps="accurate",
    examples=(
        lambda x, y: np.exp(x + y) - (x + y + 1.0),
        lambda x, y: 1.0 + x - y - np.exp(x - y),
    ),
)
def exponential_less_long_sum(node: Node) -> Node | None:
    """exp(s) - (1 + s) for a sum s whose terms are not grouped."""
    for place in (0, 1):
        power, total = node.inputs[place], node.inputs[1 - place]
        if not is_op(power, "exp") or not is_op(total, "add", "subtract"):
            continue
        (s,) = power.inputs
        gap = known_difference(total, s) if s.type == node.type == total.type else None
        if gap is not None and number(gap) == 1:
            result = apply("expm1_less_x", s)
            return -result if place else result
    return None


@equation(keeps="accurate")
def logarithm_less_x(x: Pattern) -> Sides:
    """log(1 + x) - x without cancellation next to 0."""
    return p.log1p(x) - x, p.log1p_less_x(x)


@equation(keeps="accurate")
def relative_exponential(x: Pattern) -> Sides:
    """(exp(x) - 1) / x = relative_exp(x), 1 at 0."""
    return p.expm1(x) / x, p.relative_exp(x)


@equation(keeps="accurate")
def inverse_relative_exponential(x: Pattern) -> Sides:
    """x / (exp(x) - 1) = inverse_relative_exp(x), 1 at 0."""
    return x / p.expm1(x), p.inverse_relative_exp(x)


@equation(keeps="accurate")
def log_of_one_plus_inverse(x: Pattern) -> Sides:
    """log(1 + 1 / x) without overflow for small x."""
    return p.log1p(1 / x), p.log1p_inverse(x)


@equation(keeps="accurate")
def sum_of_exponentials_less_two(x: Pattern) -> Sides:
    """exp(x) + exp(-x) - 2 = 4 * sinh(x / 2)**2."""
    return p.exp(x) + p.exp(-x) - 2, 4 * p.square(p.sinh(0.5 * x))


@equation(keeps="accurate")
def twice_cosh_less_two(x: Pattern) -> Sides:
    """2 * cosh(x) - 2 = 4 * sinh(x / 2)**2."""
    return 2 * p.cosh(x) - 2, 4 * p.square(p.sinh(0.5 * x))


@equation(keeps="accurate")
def root_of_three_squares(x: Pattern, y: Pattern, z: Pattern) -> Sides:
    """sqrt(x**2 + y**2 + z**2) = hypot(hypot(x, y), z)."""
    return p.sqrt(x * x + y * y + z * z), p.hypot(p.hypot(x, y), z)


@equation(keeps="accurate")
def square_of_root(x: Pattern) -> Sides:
    """sqrt(x)**2 = x wherever the root is defined."""
    return p.square(p.sqrt(x)), x


# Moments ------------------------------------------------------------------------------------------


@rewrite(
    "subtract",
    operands=("mean",),
    keeps="accurate",
    examples=(
        lambda A: np.mean(np.square(A), axis=0) - np.square(np.mean(A, axis=0)),
        lambda x: np.square(x).mean() - np.square(x.mean()),
    ),
)
def variance(node: Node) -> Node | None:
    """mean(x**2) - mean(x)**2 = mean((x - mean(x))**2)."""
    first, second = node.inputs
    if not is_op(second, "square") or not isinstance(first.op, Mean):
        return None
    (mean,) = second.inputs
    if mean.op != first.op or not is_op(first.inputs[0], "square"):
        return None
    (x,) = first.inputs[0].inputs
    if mean.inputs[0] is not x or x.dtype != node.dtype or x.dtype.kind != "f":
        return None
    return make(Var(first.op.axes, first.op.keepdims), x)
