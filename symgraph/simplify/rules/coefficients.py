"""Numbers among the factors of a product: one, where the fewest elements are, or none."""

from __future__ import annotations

from math import isfinite, log2

from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.simplify.common import HEADROOM, headroom_of, is_op, number, scalar
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.factoring import is_smaller
from symgraph.simplify.uses import uses_of

_MOST_STEPS = 8


@record
class _Multiple:
    """A value as a number times `rest`, or divided by it.

    `work` are the elements that it takes as it stands, `left` those of `rest`; `shared` says that
    others want `rest` as well.
    """

    number: float
    rest: Node
    below: bool = False
    numbers: int = 0
    work: Dim = 0
    left: Dim = 0
    shared: bool = False


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
    if node.dtype.kind != "f":
        return None
    found = _multiple(node, _MOST_STEPS)
    if not found.numbers or not _is_moderate(found.number, node):
        return None
    result, work = _placed(found, node)
    if result.type != node.type:
        return None
    cheaper = found.shared and found.number == 1
    return result if cheaper or is_smaller(work, found.work) else None


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
            return _Multiple(value, y, True, 1, node.size)
        inner = _operand(other, steps)
        value = inner.number / value if divided else inner.number * value
        work = inner.work + node.size
        return _Multiple(
            value, inner.rest, inner.below, inner.numbers + 1, work, inner.left, inner.shared
        )
    return _combined(node, _operand(x, steps), _operand(y, steps), divided) or opaque


def _number(node: Node, like: Node) -> float | None:
    value = number(node)
    if value is None or node.dtype != like.dtype or not _is_moderate(float(value), like):
        return None
    return float(value)


def _combined(node: Node, a: _Multiple, b: _Multiple, divided: bool) -> _Multiple | None:
    """The product or quotient of two values."""
    if divided:
        if a.below or b.below:
            return None
        value, rest = a.number / b.number, a.rest / b.rest
    else:
        value = a.number * b.number
        if a.below and b.below:
            return None
        if a.below or b.below:
            rest = b.rest / a.rest if a.below else a.rest / b.rest
        else:
            rest = a.rest * b.rest
    numbers, work, left = a.numbers + b.numbers, a.work + b.work, a.left + b.left
    shared = a.shared or b.shared
    return _Multiple(value, rest, False, numbers, work + node.size, left + rest.size, shared)


def _operand(node: Node, steps: int) -> _Multiple:
    """An operand that is there for this product only, or whose number is gone for all."""
    opaque = _Multiple(1.0, node)
    users = uses_of(node)
    if len(users) <= 1:
        found = _multiple(node, steps - 1)
        return found if found.numbers else opaque
    found = _multiple(node, min(steps - 1, 2))
    if not found.numbers:
        return opaque
    if not all(user is not None and _undone(user, node, found.number) for user in users):
        return opaque
    return _Multiple(found.number, found.rest, found.below, found.numbers, 0, 0, True)


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


def _placed(found: _Multiple, like: Node) -> tuple[Node, Dim]:
    """A multiple with its number where the fewest elements are, and what it takes."""
    rest, value = found.rest, scalar(found.number, like)
    if found.below:
        return value / rest, rest.size
    work = found.left
    if found.number in (1, -1):
        return (rest, work) if found.number == 1 else (-rest, work + rest.size)
    path: list[tuple[Node, int]] = []
    place = rest
    while is_op(place, "multiply", "divide"):
        choices = place.inputs[:1] if is_op(place, "divide") else place.inputs
        smaller = [i for i, x in enumerate(choices) if is_smaller(x.size, place.size)]
        if not smaller:
            break
        path.append((place, smaller[0]))
        place = choices[smaller[0]]
    work += place.size
    place = value * place
    for outer, i in reversed(path):
        x, y = outer.inputs
        a, b = (place, y) if i == 0 else (x, place)
        place = a * b if is_op(outer, "multiply") else a / b
    return place, work
