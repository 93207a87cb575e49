"""Logarithms and quotients of sums of exponentials with factors: mixtures, and other bases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.facts import bounds
from symgraph.simplify.flat import Powers, flat_product, terms_of
from symgraph.simplify.match import split_multiple
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite
from symgraph.simplify.rules.differences import noted

Sides = tuple[Pattern, Pattern]

_LOGARITHMS = {"log": 1.0, "log2": math.log2(math.e), "log10": math.log10(math.e)}


def _exponent(node: Node) -> Node | None:
    """x of exp(x), and of a power of a positive number."""
    if not is_op(node, "exp", "exp2", "power"):
        return None
    if any(operand.dtype != node.dtype for operand in node.inputs):
        return None
    if is_op(node, "exp"):
        return node.inputs[0]
    if is_op(node, "exp2"):
        return apply("log", scalar(2, node)) * node.inputs[0]
    if is_op(node, "power") and (base := number(node.inputs[0])) is not None and base > 0:
        return apply("log", scalar(base, node)) * node.inputs[1]
    return None


def _logarithm(term: Node) -> Node | None:
    """The logarithm of a product with exponentials, and factors that are nowhere negative."""
    value = number(term)
    if value is not None:
        return apply("log", scalar(value, term)) if 0 < value < np.inf else None
    powers = flat_product(term, deep=True)
    if powers is None or powers.number <= 0:
        return None
    total: Node | None = None
    rest: list[tuple[Node, int]] = []
    for factor, exponent in powers.factors:
        x = _exponent(factor)
        if x is None:
            if bounds(factor)[0] < 0:
                return None
            rest.append((factor, exponent))
            continue
        x = x if abs(exponent) == 1 else float(abs(exponent)) * x
        total = _plus(total, x, exponent)
    if total is None and rest:
        return None
    for factor, exponent in rest:
        part = apply("log", factor.astype(term.dtype))
        part = part if abs(exponent) == 1 else float(abs(exponent)) * part
        total = _plus(total, part, exponent)
    if total is None or powers.number == 1:
        return total
    return _times(total, powers.number)


@rewrite(
    "log",
    "log2",
    "log10",
    operands=("add", "subtract", "multiply", "divide"),
    keeps="accurate",
    examples=(
        lambda x: np.log(2.0 + 3.0 * np.exp(x)),
        lambda x, y: np.log(0.5 * np.exp(x) + 2.0 * np.exp(y)),
        lambda x, y: np.log(np.exp(x) - np.exp(-y)),
        lambda x, y: np.log10(2.0 * (np.exp(x) + np.exp(y))),
    ),
)
def log_of_exponential_terms(node: Node) -> Node | None:
    """log(a * exp(x) + b * exp(y) + ...) = logaddexp(x + log(a), y + log(b), ...)."""
    if node.dtype.kind != "f" or node.inputs[0].dtype != node.dtype:
        return None
    powers = flat_product(node.inputs[0], deep=False)
    if powers is None or powers.number <= 0 or len(powers.factors) != 1:
        return None
    ((total, exponent),) = powers.factors
    if abs(exponent) != 1 or not is_op(total, "add", "subtract"):
        return None
    result = _log_of_sum(terms_of(total), node)
    if result is None:
        return None
    if powers.number == 0.5 and exponent > 0 and is_op(result, "logaddexp"):
        return _in_base(node, apply("log_mean_exp", *result.inputs))
    result = result if exponent > 0 else -result
    if powers.number != 1:
        result = _times(result, powers.number)
    return _in_base(node, result)


def _is_known(node: Node) -> bool:
    """Whether a logarithm is that of a number."""
    return number(node.inputs[0] if is_op(node, "log") else node) is not None


def _log_of_sum(terms: Sequence[tuple[int, Node]], like: Node) -> Node | None:
    plus: list[Node] = []
    minus: list[Node] = []
    for sign, term in terms:
        found = _logarithm(term)
        if found is None or found.dtype != like.dtype:
            return None
        (plus if sign > 0 else minus).append(found)
    known = sum(map(_is_known, (*plus, *minus)))
    if not plus or len(minus) > 1 or len(plus) + len(minus) < 2 or known > 1:
        return None
    result = plus[0]
    for term in plus[1:]:
        result = apply("logaddexp", result, term)
    return apply("logsubexp", result, minus[0]) if minus else result


def _in_base(node: Node, natural: Node) -> Node:
    return natural if is_op(node, "log") else _LOGARITHMS[node.op.name] * natural


@rewrite(
    "log",
    "log2",
    "log10",
    operands=("multiply", "divide"),
    keeps="accurate",
    examples=(
        lambda x: np.log(0.5 * np.exp(x)),
        lambda x, y: np.log(np.exp(-np.square(x)) / abs(y)),
    ),
)
def log_of_exponential_product(node: Node) -> Node | None:
    """log(exp(x) * y) = x + log(y)."""
    if node.dtype.kind != "f" or node.inputs[0].dtype != node.dtype:
        return None
    powers = flat_product(node.inputs[0], deep=True)
    if powers is None:
        return None
    total: Node | None = None
    rest = Powers(powers.number, [])
    exact = True
    for factor, exponent in powers.factors:
        x = _exponent(factor)
        if x is None or x.dtype != node.dtype:
            rest.factors.append((factor.astype(node.dtype), exponent))
            continue
        exact = exact and _is_leaf(x)
        x = x if abs(exponent) == 1 else float(abs(exponent)) * x
        total = _plus(total, x, exponent)
    if total is None or (not rest.factors and rest.number <= 0):
        return None
    if rest.factors:
        # The sum cancels where the product is next to 1; so does an exponent that was rounded.
        if exact or any(bounds(factor)[0] < 0 for factor, _ in rest.factors) or rest.number < 0:
            return None
        total = total + apply("log", _product(rest))
    elif rest.number != 1:
        total = _times(total, rest.number)
    assert total is not None
    return _in_base(node, total)


def _times(logarithm: Node, value: float) -> Node:
    """The logarithm of a number times what has a logarithm."""
    known = apply("log", scalar(value, logarithm))
    return logarithm + known if value > 1 else logarithm - -known


def _is_leaf(node: Node) -> bool:
    return not split_multiple(node)[1].inputs


def _plus(total: Node | None, x: Node, sign: int) -> Node:
    if total is None:
        return x if sign > 0 else -x
    return total + x if sign > 0 else total - x


def _product(powers: Powers) -> Node:
    """Numbers and factors as one product."""
    top: Node | None = None
    for factor, exponent in powers.factors:
        if exponent > 0:
            part = factor if exponent == 1 else factor**exponent
            top = part if top is None else top * part
    if top is not None and powers.number != 1:
        top = powers.number * top
    for factor, exponent in powers.factors:
        if exponent < 0:
            part = factor if exponent == -1 else factor**-exponent
            top = (powers.number if top is None else top) / part
    assert top is not None
    return top


@rewrite(
    "add",
    "subtract",
    keeps="accurate",
    domain="positive",
    examples=(
        lambda x: np.log(x) + x / x,
        lambda x, a: x / a / x - a * np.log(x),
        lambda x, a: np.log1p(-x) + a * (1.0 - x) / (1.0 - x),
    ),
)
def slope_of_entropy(node: Node) -> Node | None:
    """log(x) + a * x / x = log(x) + a: where there is a logarithm, the gradient of x * log(x)."""
    for here, other in ((0, 1), (1, 0)):
        term = node.inputs[other]
        if not is_op(term, "divide", "multiply") or node.dtype.kind != "f":
            continue
        powers = flat_product(term, deep=True)
        if powers is None or any(x.dtype != node.dtype for x, _ in powers.factors):
            continue
        below = {factor for factor, exponent in powers.factors if exponent == -1}
        both = [factor for factor, exponent in powers.factors if exponent == 1 and factor in below]
        if not both or not any(_is_argument(both[0], t) for _, t in terms_of(node.inputs[here])):
            continue
        powers.factors = [pair for pair in powers.factors if pair[0] is not both[0]]
        rest = _product(powers) if powers.factors else scalar(powers.number, node)
        inputs = [node.inputs[here], rest][:: 1 if here == 0 else -1]
        result = inputs[0] + inputs[1] if is_op(node, "add") else inputs[0] - inputs[1]
        return result if result.type == node.type else None
    return None


def _is_argument(x: Node, term: Node) -> bool:
    """Whether a product has a logarithm of a value as a factor, which is positive therefore."""
    powers = flat_product(term, deep=True)
    for factor, _ in () if powers is None else powers.factors:
        if is_op(factor, *_LOGARITHMS) and factor.inputs[0] is x:
            return True
        if is_op(factor, "log1p"):
            (z,) = factor.inputs
            one = scalar(1, z)
            if x is (one - z.inputs[0] if is_op(z, "negative") else one + z):
                return True
    return False


_STABLE = ("sigmoid", "softmax", "cosh", "sinh", "exp", "expm1", "sech2")


@rewrite(
    "log2",
    "log10",
    operands=(*_STABLE, "negative"),
    keeps="accurate",
    examples=(lambda x: np.log2(apply("sigmoid", x)), lambda x: np.log10(-np.expm1(x))),
)
def log_in_another_base(node: Node) -> Node | None:
    """log2(f(x)) = log(f(x)) / log(2) where the natural logarithm of f(x) is a function."""
    (x,) = node.inputs
    inner = x.inputs[0] if is_op(x, "negative") else x
    if not is_op(inner, *_STABLE) or node.dtype.kind != "f":
        return None
    if any(part.dtype != node.dtype for part in (x, inner, *inner.inputs)):
        return None
    return _in_base(node, apply("log", x))


@rewrite(
    "log1p",
    keeps="accurate",
    examples=(lambda x: np.log1p(3.0 * np.exp(x)), lambda x: np.log1p(-np.exp2(x))),
)
def log_of_one_and_exponential(node: Node) -> Node | None:
    """log1p(a * exp(x)) = x + log(a) where the exponential overflows; log1p(-2**x) = log1mexp."""
    (x,) = node.inputs
    sign, term = (-1, x.inputs[0]) if is_op(x, "negative") else (1, x)
    if not is_op(term, "multiply", "divide", "power", "exp2") or term.dtype != node.dtype:
        return None
    powers = flat_product(term, deep=True)
    if powers is None or len(powers.factors) != 1 or node.dtype.kind != "f":
        return None
    ((factor, exponent),) = powers.factors
    natural = _exponent(factor)
    if natural is None or abs(exponent) != 1 or abs(math.log(abs(powers.number))) > 20:
        return None
    logarithm = _logarithm(term if powers.number > 0 else -term)
    if logarithm is None:
        return None
    if (sign > 0) == (powers.number > 0):
        large = logarithm > _OVERFLOWS[node.dtype.itemsize]
        small = apply("where", large, 0.0, x)
        return noted(
            apply("where", large, logarithm, apply("log1p", small)), "the exponential overflows"
        )
    near = logarithm > -math.log(2)
    return noted(
        apply(
            "where",
            near,
            apply("log", -apply("expm1", apply("where", near, logarithm, -1.0))),
            apply("log1p", apply("where", near, -0.5, x)),
        ),
        "either form cancels where the other does not",
    )


_OVERFLOWS = {8: 600.0, 4: 70.0, 2: 9.0}


@equation(keeps="accurate")
def log_of_expm1(x: Pattern) -> Sides:
    """log(exp(x) - 1) = x + log(1 - exp(-x))."""
    return p.log(p.expm1(x)), x + p.log1mexp(-x)


@equation(keeps="accurate")
def logarithm_of_sinh(x: Pattern) -> Sides:
    """log(sinh(x)) without overflow."""
    return p.log(p.sinh(x)), p.log_sinh(x)


# Quotients ----------------------------------------------------------------------------------------


@rewrite(
    "divide",
    operands=("exp",),
    keeps="accurate",
    examples=(lambda x, y: np.exp(x) / (np.exp(x) + np.exp(y)),),
)
def softmax_of_two_by_hand(node: Node) -> Node | None:
    """exp(x) / (exp(x) + exp(y)) without overflow."""
    top, below = node.inputs
    if not is_op(top, "exp") or not is_op(below, "add") or node.dtype.kind != "f":
        return None
    for own, other in (below.inputs, below.inputs[::-1]):
        if own is top and is_op(other, "exp"):
            (x,), (y,) = top.inputs, other.inputs
            if x.dtype == y.dtype == node.dtype:
                return apply("softmax_of_two", x, y)
    return None


@equation(keeps="accurate")
def log_of_softmax_of_two(x: Pattern, y: Pattern) -> Sides:
    """log(exp(x) / (exp(x) + exp(y))) = -softplus(y - x)."""
    return p.log(p.softmax_of_two(x, y)), -p.softplus(y - x)


@equation(keeps="accurate")
def exponential_by_cosh(x: Pattern) -> Sides:
    """exp(x) / (2 * cosh(x)) = sigmoid(2 * x)."""
    return p.exp(x) / (2 * p.cosh(x)), p.sigmoid(2 * x)


@equation(keeps="accurate", headroom=64)  # it is 0 where exp(x) is subnormal
def exponential_by_expm1(x: Pattern) -> Sides:
    """exp(x) / (exp(x) - 1) = -1 / (exp(-x) - 1)."""
    return p.exp(x) / p.expm1(x), -1 / p.expm1(-x)


@equation(keeps="accurate")
def tanh_of_half(x: Pattern) -> Sides:
    """(exp(x) - 1) / (exp(x) + 1) = tanh(x / 2)."""
    return p.expm1(x) * p.sigmoid(-x), p.tanh(0.5 * x)


@equation(keeps="accurate")
def odds_of_sigmoid(x: Pattern) -> Sides:
    """sigmoid(x) / sigmoid(-x) = exp(x)."""
    return p.sigmoid(x) / p.sigmoid(-x), p.exp(x)
