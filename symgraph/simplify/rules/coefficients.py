"""Numbers among the factors of a product: one, where the fewest elements are, or none."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log2
from typing import NamedTuple

from symgraph.graph.node import Node
from symgraph.simplify.common import HEADROOM, headroom_of, is_op, number, scalar
from symgraph.simplify.flat import factor_named
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.factoring import is_smaller
from symgraph.simplify.uses import uses_of

_MOST_STEPS = 6
_NUMBERS = frozenset(("constant", "broadcast_to"))


class _Product(NamedTuple):
    """A product or quotient that is yet to be built."""

    x: _Rest
    y: _Rest
    divided: bool

    def build(self) -> Node:
        x, y = [side.build() if isinstance(side, _Product) else side for side in (self.x, self.y)]
        return x / y if self.divided else x * y


_Rest = Node | _Product


class _Multiple(NamedTuple):
    """A value as a number times `rest`, or divided by it.

    `scaled` are the products and quotients that only the numbers are for, `uneven` says that
    some other of the operands has fewer elements, `shared` that others want `rest` as well.
    """

    number: float
    rest: _Rest
    below: bool = False
    numbers: int = 0
    scaled: tuple[Node, ...] = ()
    uneven: bool = False
    shared: bool = False

    def can_gain(self) -> bool:
        """Whether there are two numbers, a place with fewer elements for one, or another user."""
        return self.numbers > 1 or (self.numbers == 1 and (self.uneven or self.shared))


@rewrite(
    "multiply",
    "divide",
    operands=("multiply", "divide"),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    rounds=True,
    examples=(
        lambda x, y: (0.5 / x) * (2.0 * y),
        lambda x, y: (3.0 * x) * (5.0 * y),
        lambda x, a: a * (0.5 / x),
        lambda x, y, a: (3.0 * x) / (a * 7.0) * y,
    ),
)
def numbers_together(node: Node) -> Node | None:
    """(a / x) * (b * y) = (a * b) * (y / x) for numbers a and b: one, where least is multiplied."""
    if node.dtype.kind != "f" or not factor_named(node, _NUMBERS, _MOST_STEPS):
        return None
    found = _multiple(node, _MOST_STEPS)
    if not found.can_gain() or not _is_moderate(found.number, node):
        return None
    result, scaled = _placed(found, node)
    if result.type != node.type:
        return None
    cheaper = found.shared and found.number == 1
    return result if cheaper or _are_fewer(scaled, found.scaled) else None


def _are_fewer(some: Sequence[Node], others: Sequence[Node]) -> bool:
    """Whether some nodes have fewer elements than others."""
    if len({node.shape for node in (*some, *others)}) == 1:
        return len(some) < len(others)
    return is_smaller(sum([x.size for x in some], 0), sum([x.size for x in others], 0))


def _is_moderate(value: float, node: Node) -> bool:
    size = abs(value)
    if not size or not isfinite(size):
        return False
    return abs(log2(size)) <= headroom_of(HEADROOM, node.dtype) / 2


def _multiple(node: Node, steps: int) -> _Multiple:
    """Take the numbers out of the products and quotients that a node is made of."""
    opaque = _Multiple(1.0, node)
    if not steps or not is_op(node, "multiply", "divide") or node.dtype.kind != "f":
        return opaque
    x, y = node.inputs
    divided = is_op(node, "divide")
    for known, other in ((x, y), (y, x)):
        value = _number(known, node)
        if value is None or other.type != node.type:
            continue
        if divided and known is x:
            return _Multiple(value, y, True, 1, (node,))
        inner = _operand(other, steps)
        value = inner.number / value if divided else inner.number * value
        return inner._replace(number=value, numbers=inner.numbers + 1, scaled=(*inner.scaled, node))
    return _combined(node, _operand(x, steps), _operand(y, steps), divided) or opaque


def _number(node: Node, like: Node) -> float | None:
    value = number(node)
    if value is None or node.dtype != like.dtype or not _is_moderate(float(value), like):
        return None
    return float(value)


def _combined(node: Node, a: _Multiple, b: _Multiple, divided: bool) -> _Multiple | None:
    """The product or quotient of two values."""
    if (a.below or b.below) and (divided or (a.below and b.below)):
        return None
    value = a.number / b.number if divided else a.number * b.number
    rest = (
        _Product(b.rest, a.rest, True) if a.below else _Product(a.rest, b.rest, divided or b.below)
    )
    uneven = a.uneven or b.uneven or any(x.type != node.type for x in node.inputs)
    return _Multiple(
        value,
        rest,
        False,
        a.numbers + b.numbers,
        a.scaled + b.scaled,
        uneven,
        a.shared or b.shared,
    )


def _operand(node: Node, steps: int) -> _Multiple:
    """An operand that is there for this product only, or whose number is gone for all."""
    opaque = _Multiple(1.0, node)
    if not is_op(node, "multiply", "divide"):
        return opaque
    users = uses_of(node)
    if len(users) <= 1:
        found = _multiple(node, steps - 1)
        return found if found.numbers else opaque
    found = _multiple(node, min(steps - 1, 2))
    if not found.numbers:
        return opaque
    if not all(user is not None and _undone(user, node, found.number) for user in users):
        return opaque
    return _Multiple(found.number, found.rest, found.below, found.numbers, (), False, True)


def _undone(user: Node, node: Node, value: float) -> bool:
    """Whether a product of a value takes its number away again."""
    if not is_op(user, "multiply"):
        return False
    for other in user.inputs:
        if is_op(other, "multiply") and other is not node and len(uses_of(other)) <= 1:
            for known in other.inputs:
                if number(known) is not None and float(number(known)) * value == 1:
                    return True
    return False


def _placed(found: _Multiple, like: Node) -> tuple[Node, list[Node]]:
    """A multiple with its number where the fewest elements are, and what only that takes."""
    rest = found.rest.build() if isinstance(found.rest, _Product) else found.rest
    value = scalar(found.number, like)
    if found.below:
        return value / rest, [rest]
    if found.number in (1, -1):
        return (rest, []) if found.number == 1 else (-rest, [rest])
    path: list[tuple[Node, int]] = []
    place = rest
    while is_op(place, "multiply", "divide"):
        choices = place.inputs[:1] if is_op(place, "divide") else place.inputs
        smaller = [i for i, x in enumerate(choices) if _are_fewer([x], [place])]
        if not smaller:
            break
        path.append((place, smaller[0]))
        place = choices[smaller[0]]
    scaled = value * place
    result = scaled
    for outer, i in reversed(path):
        x, y = outer.inputs
        a, b = (result, y) if i == 0 else (x, result)
        result = a * b if is_op(outer, "multiply") else a / b
    return result, [scaled]
