"""Factors and terms that stand apart in a product or sum and belong together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from symgraph.graph.leaves import SizeValue
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.ops.linalg.norm import Norm
from symgraph.ops.reduce import Sum
from symgraph.simplify.common import HEADROOM, is_op, number, scalar, unbroadcast
from symgraph.simplify.flat import FACTOR_NAMES, factor_named, flat_product
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.algebra import undivided
from symgraph.simplify.uses import uses_of

_DEEPEST = 4
Exchange: TypeAlias = "Callable[[Node], Node | None]"


def _exchanged(
    node: Node, part: Callable[[Node], Node | None], deep: int = _DEEPEST
) -> Node | None:
    """A product with another factor in the place of the first for which `part` has one."""
    found = part(node)
    if found is not None or not deep or not is_op(node, "multiply", "divide", "negative"):
        return found
    places = range(2 if is_op(node, "multiply") else 1)
    for place in places:
        inner = node.inputs[place]
        if inner.shape != node.shape or inner.dtype != node.dtype:
            continue
        if len(uses_of(inner)) > 1 and part(inner) is None:
            continue
        changed = _exchanged(inner, part, deep - 1)
        if changed is not None:
            return make(node.op, *[changed if i == place else x for i, x in enumerate(node.inputs)])
    return None


@rewrite(
    "multiply",
    operands=("multiply", "divide", "power", "negative"),
    keeps="accurate",
    domain="positive",
    examples=(
        lambda x: x**-1.5 * x,
        lambda x, y: (y * (0.5 * x**-1.5)) * x,
        lambda x, y: x * (y * -(x**-2.5)),
    ),
)
def power_beside_its_base(node: Node) -> Node | None:
    """x**c * x = x**(c + 1) for a number c < -1 that is not an integer."""
    if node.dtype.kind != "f" or _POWERS.isdisjoint(FACTOR_NAMES.of(node)):
        return None
    for base, rest in (node.inputs, node.inputs[::-1]):
        if rest.type != node.type or base.type != node.type:
            continue

        def raised(x: Node, base: Node = base) -> Node | None:
            if not is_op(x, "power") or x.inputs[0] is not base:
                return None
            exponent = number(x.inputs[1])
            if exponent is None or exponent.dtype.kind != "f" or exponent % 1 == 0:
                return None
            more = exponent + 1
            # With other exponents what is beside the power on the way could leave the range.
            fits = more < 0 and more - 1 == exponent
            return base ** scalar(more, x.inputs[1]) if fits else None

        found = _exchanged(rest, raised)
        if found is not None:
            return found
    return None


_POWERS = frozenset(("power", "/power"))


def _without_factor(node: Node, x: Node, left: int = 2 * _DEEPEST) -> Node | None:
    """A product without one of its factors x; ``None`` if there is none."""
    if node is x:
        return scalar(1, node)
    if not left or not is_op(node, "multiply", "negative"):
        return None
    for i, part in enumerate(node.inputs):
        rest = _without_factor(part, x, left - 1) if part.type == node.type else None
        if rest is not None:
            return make(node.op, *[rest if i == j else y for j, y in enumerate(node.inputs)])
    return None


def _times_number(node: Node) -> tuple[Node | None, Node]:
    """A number and the rest of a product; ``None`` if there is no number."""
    if is_op(node, "multiply"):
        for c, x in (node.inputs, node.inputs[::-1]):
            if number(c) is not None and x.type == node.type:
                return unbroadcast(c), x
    return None, node


@rewrite(
    "multiply",
    "divide",
    operands=("multiply", "divide", "square", "negative"),
    keeps="accurate",
    stage="numpy",
    headroom=HEADROOM,
    examples=(
        lambda x, y: x * (y / x / x),
        lambda x, y: (2.0 * x) * (y * (3.0 / np.square(x))),
        lambda x, y: (y * x) / np.square(x),
        lambda x: (2.0 * x) / np.square(x),
    ),
)
def factor_over_its_square(node: Node) -> Node | None:
    """x * (y / x**2) = y / x: neither is defined at 0."""
    if node.dtype.kind != "f":
        return None
    if is_op(node, "divide"):
        top, below = node.inputs
        if not is_op(below, "square") or below.dtype != node.dtype or top.type != node.type:
            return None
        (x,) = below.inputs
        rest = _without_factor(top, x)
        return None if rest is None or (rest / x).type != node.type else rest / x
    if not any(factor_named(operand, _DIVIDED, _DEEPEST) for operand in node.inputs):
        return None
    for base, rest in (node.inputs, node.inputs[::-1]):
        c, x = _times_number(base)
        if number(x) is not None or rest.type != node.type:
            continue
        found = _exchanged(rest, partial(_once_less, x=x))
        if found is not None and found.type == node.type:
            return found if c is None else c * found
    return None


_DIVIDED = frozenset(("divide",))


def _once_less(node: Node, x: Node) -> Node | None:
    """What is divided by x twice, divided by it once."""
    if not is_op(node, "divide"):
        return None
    top, below = node.inputs
    if is_op(below, "square") and below.inputs[0] is x:
        return top / x
    return top if below is x and undivided(top, x) is not None else None


# Numbers ------------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """A number among the factors of a product."""

    value: Node
    above: bool
    """Whether it is what something is divided into."""
    put: Callable[[Node | None], Node] | None
    """The product with another in its place, or without it; ``None`` if it stands alone."""


def _number_in(node: Node, deep: int = _DEEPEST) -> _Found | None:
    if node.dtype.kind != "f" or not is_op(node, "multiply", "divide"):
        return None
    a, b = node.inputs
    times = is_op(node, "multiply")
    for value, rest in ((a, b), (b, a)) if times else ():
        if number(value) is not None and rest.shape == node.shape and rest.dtype == node.dtype:
            return _Found(unbroadcast(value), False, partial(_times, x=rest))
    if not times and number(a) is not None and number(a) != 1 and a.dtype == node.dtype:
        return _Found(unbroadcast(a), True, partial(_over, x=b))
    for place in range(2 if times else 1) if deep else ():
        inner = node.inputs[place]
        if _is_used(inner) or inner.dtype != node.dtype:
            continue
        found = _number_in(inner, deep - 1)
        if found is not None:
            return _Found(found.value, found.above, partial(_put, node, place, found))
    return None


def _put(node: Node, place: int, found: _Found, value: Node | None) -> Node:
    assert found.put is not None
    changed = found.put(value)
    return make(node.op, *[changed if i == place else x for i, x in enumerate(node.inputs)])


def _over(value: Node | None, x: Node) -> Node:
    return (scalar(1, x) if value is None else value) / x


def _is_used(node: Node) -> bool:
    return number(node) is None and len(uses_of(node)) > 1


def _times(value: Node | None, x: Node) -> Node:
    if value is None or number(value) == 1:
        return x
    return -x if number(value) == -1 else value * x


@rewrite(
    "divide",
    keeps="accurate",
    examples=(lambda v: constant(v.shape[0], v.dtype) / constant(v.shape[0], v.dtype),),
)
def size_by_itself(node: Node) -> Node | None:
    """n / n = 1 for a size n: of nothing there is no mean."""
    a, b = node.inputs
    same = isinstance(a.op, SizeValue) and a is b
    return scalar(1, node) if same and node.dtype.kind == "f" else None


# Terms --------------------------------------------------------------------------------------------


def _bases(node: Node) -> set[int] | None:
    """What are the factors of a product, but for numbers; ``None`` if they are many."""
    found: set[int] = set()
    stack = [node]
    for _ in range(_MOST_FACTORS):
        if not stack:
            return found
        part = stack.pop()
        if is_op(part, "multiply", "square", "negative"):
            stack += part.inputs
        elif number(part) is None:
            found.add(id(part))
    return None


_MOST_FACTORS = 12


@rewrite(
    "add",
    "subtract",
    operands=("multiply", "square", "negative"),
    keeps="accurate",
    headroom=1,
    rounds=True,
    examples=(
        lambda x: -x - x,
        lambda x: 2.0 * x + x,
        lambda x: np.square(x) + x * (2.0 * x),
        lambda x, y: x * (3.0 * y) - (0.5 * x) * y,
    ),
)
def like_terms(node: Node) -> Node | None:
    """a * x + b * x = (a + b) * x for numbers a and b."""
    x, y = node.inputs
    if node.dtype.kind != "f" or not x.type == y.type == node.type:
        return None
    bases = _bases(x)
    if not bases or bases != _bases(y):
        return None
    first, second = flat_product(x, deep=True), flat_product(y, deep=True)
    if first is None or second is None or dict(first.factors) != dict(second.factors):
        return None
    total = first.number + (second.number if is_op(node, "add") else -second.number)
    if total == 0 or not np.isfinite(total):
        return None
    for term, powers in ((x, first), (y, second)):
        if powers.number == 1:
            return _times(scalar(total, node), term)
    found = _number_in(x)
    if found is None or found.put is None:
        return None
    rest = found.put(None)
    # More than one number stands among the factors of the others.
    known = flat_product(rest, deep=True)
    return _times(scalar(total, node), rest) if known is not None and known.number == 1 else None


# Norms --------------------------------------------------------------------------------------------


@rewrite(
    "square",
    operands=("norm",),
    keeps="accurate",
    examples=(
        lambda u: np.square(np.linalg.norm(u)),
        lambda A: np.square(np.linalg.norm(A, axis=1, keepdims=True)),
    ),
)
def square_of_norm(node: Node) -> Node | None:
    """norm(x)**2 = sum(x**2)."""
    (x,) = node.inputs
    if type(x.op) is not Norm or x.inputs[0].dtype != node.dtype or node.dtype.kind != "f":
        return None
    return make(Sum(x.op.axes, x.op.keepdims), apply("square", x.inputs[0]))
