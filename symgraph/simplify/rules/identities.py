"""Laws that follow from the facts that operations declare."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import isfinite

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.op import Op
from symgraph.graph.registry import apply
from symgraph.ops.facts import Facts
from symgraph.ops.kinds import Elementwise
from symgraph.simplify.common import is_number, is_op, number, scalar
from symgraph.simplify.facts import bounds
from symgraph.simplify.rule import rewrite

_NOTHING = Facts()


def having(*facts: str, but: Collection[str] = ()) -> Callable[[Op], bool]:
    """Whether an operation declares one of these facts, and has none of the names."""

    def asked(op: Op) -> bool:
        if not isinstance(op, Elementwise) or op.name in but:
            return False
        # A unit of 0 is a fact as well.
        return any(getattr(op.facts, fact) != getattr(_NOTHING, fact) for fact in facts)

    return asked


def _facts(node: Node) -> Facts:
    assert isinstance(node.op, Elementwise)
    return node.op.facts


def _without_unit(node: Node) -> Node | None:
    facts = _facts(node)
    x, y = node.inputs
    if facts.unit is None:
        return None
    if is_number(y, facts.unit):
        return x
    if not facts.unit_right_only and is_number(x, facts.unit):
        return y
    return None


@rewrite(
    having("unit", but=("add", "subtract")),
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="bitwise",
    examples=(lambda x: x * 1, lambda x: 1 * x, lambda x: x / 1, lambda x: x**1, lambda k: k | 0),
)
def unit(node: Node) -> Node | None:
    """op(x, unit) = x."""
    # A complex product has zeros of its own: (inf + 0j) * (1 + 0j) is NaN.
    return None if node.dtype.kind == "c" else _without_unit(node)


@rewrite(
    "multiply",
    "divide",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="accurate",
    examples=(lambda x: x.astype(complex) * 1,),
)
def complex_unit(node: Node) -> Node | None:
    """z * 1 = z, z / 1 = z for complex z."""
    return _without_unit(node) if node.dtype.kind == "c" else None


@rewrite(
    "add",
    "subtract",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="bitwise",
    examples=(lambda x: x - 0.0, lambda x: x + -0.0),
)
def exact_zero_term(node: Node) -> Node | None:
    """x - 0 = x, x + -0.0 = x, n + 0 = n for integers."""
    x, y = node.inputs
    if node.dtype.kind in "iub":
        return _without_unit(node)
    if node.dtype.kind != "f":
        return None
    for a, zero in ((x, y), (y, x)) if is_op(node, "add") else ((x, y),):
        if is_number(zero, 0) and bool(np.signbit(number(zero))) == is_op(node, "add"):
            return a
    return None


@rewrite(
    "add",
    "subtract",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="accurate",
    examples=(lambda x: x + 0, lambda x: 0 + x),
)
def zero_term(node: Node) -> Node | None:
    """x + 0 = x, x - 0 = x (up to the sign of a zero)."""
    return _without_unit(node)


@rewrite(
    "subtract",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="accurate",
    examples=(lambda x: 0 - x,),
)
def subtract_from_zero(node: Node) -> Node | None:
    """0 - x = -x (up to the sign of a zero)."""
    x, y = node.inputs
    return -y if is_number(x, 0) and y.dtype == node.dtype else None


@rewrite(
    having("involution"),
    keeps="bitwise",
    examples=(lambda x: np.negative(-x), lambda m: ~~m),
)
def involution(node: Node) -> Node | None:
    """op(op(x)) = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is node.op else None


@rewrite(
    having("idempotent"),
    keeps="bitwise",
    examples=(
        lambda x: abs(abs(x)),
        lambda x: np.floor(np.floor(x)),
        lambda x: np.maximum(x, x),
        lambda x: np.minimum(x, x),
        lambda k: k & k,
        lambda m: m | m,
    ),
)
def idempotent(node: Node) -> Node | None:
    """op(op(x)) = op(x), op(x, x) = x."""
    first = node.inputs[0]
    if len(node.inputs) == 1:
        return first if first.op is node.op else None
    return first if first is node.inputs[1] else None


@rewrite(
    "multiply",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="bitwise",
    examples=(lambda x: -1.0 * x, lambda x: x * -1.0),
)
def times_minus_one(node: Node) -> Node | None:
    """-1 * x = -x."""
    x, y = node.inputs
    if node.dtype.kind != "f" or x.dtype != y.dtype:
        return None
    if is_number(x, -1):
        return -y
    return -x if is_number(y, -1) else None


def _sign_removed(x: Node) -> Node | None:
    """x of -x, c * x of (-c) * x and x / c of x / (-c), in a floating dtype."""
    if x.dtype.kind != "f" or not is_op(x, "negative", "multiply", "divide"):
        return None
    if is_op(x, "negative"):
        return x.inputs[0]
    for place, operand in enumerate(x.inputs):
        value = number(operand)
        if value is not None and value < 0:
            operands = [*x.inputs]
            operands[place] = scalar(-value, operand)
            return apply(x.op.name, *operands)
    return None


@rewrite(
    having("even"),
    operands=("negative", "absolute", "multiply", "divide"),
    keeps="accurate",
    examples=(
        lambda x: np.cos(-x),
        lambda x: np.cosh(abs(x)),
        lambda x: abs(-x),
        lambda x: np.cosh(-2.0 * x),
    ),
)
def even(node: Node) -> Node | None:
    """op(-x) = op(x), op(abs(x)) = op(x) for even functions."""
    (x,) = node.inputs
    opposite = x.inputs[0] if is_op(x, "absolute") and x.dtype.kind == "f" else _sign_removed(x)
    return None if opposite is None or opposite.dtype != x.dtype else make(node.op, opposite)


@rewrite(
    having("odd", but=("negative",)),
    operands=("negative", "multiply", "divide"),
    keeps="accurate",
    examples=(lambda x: np.sin(-x), lambda x: np.tanh(-x), lambda x: np.sinh(x / -3.0)),
)
def odd(node: Node) -> Node | None:
    """op(-x) = -op(x) for odd functions."""
    x = _sign_removed(node.inputs[0])
    return None if x is None else -make(node.op, x)


@rewrite(
    # The logarithm of an exponential belongs to the rules of stability.
    having("inverse", but=("log", "log1p")),
    keeps="accurate",
    domain="positive",
    examples=(
        lambda x: np.exp(np.log(x)),
        lambda x: np.expm1(np.log1p(x)),
        lambda x: np.sinh(np.arcsinh(x)),
        lambda x: np.arctanh(np.tanh(x)),
    ),
)
def inverse(node: Node) -> Node | None:
    """op(inverse(x)) = x wherever the inverse is defined."""
    (x,) = node.inputs
    if x.op.name != _facts(node).inverse or node.dtype.kind != "f":
        return None
    return x.inputs[0]


_POSITIVE = ("exp", "exp2", "square", "absolute", "sigmoid", "softplus", "cosh", "hypot")


@rewrite("absolute", keeps="bitwise", examples=(lambda x: abs(np.exp(x)), lambda x: abs(x * x)))
def absolute_of_positive(node: Node) -> Node | None:
    """abs(x) = x where x is nowhere negative."""
    (x,) = node.inputs
    if x.dtype.kind != "f":
        return None
    if is_op(x, "multiply") and x.inputs[0] is x.inputs[1]:
        return x
    return x if is_op(x, *_POSITIVE) else None


@rewrite(
    "multiply",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="bitwise",
    examples=(lambda k: k * 0,),
)
def times_zero_exact(node: Node) -> Node | None:
    """n * 0 = 0 for integers and booleans."""
    if node.dtype.kind not in "iub":
        return None
    return scalar(0, node) if any(is_number(i, 0) for i in node.inputs) else None


@rewrite(
    "multiply",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="real",
    examples=(lambda x: x * 0.0,),
)
def times_zero(node: Node) -> Node | None:
    """x * 0 = 0 for finite x."""
    return scalar(0, node) if any(is_number(i, 0) for i in node.inputs) else None


@rewrite("subtract", keeps="bitwise", examples=(lambda k: k - k,))
def subtract_self_exact(node: Node) -> Node | None:
    """n - n = 0 for integers."""
    x, y = node.inputs
    return scalar(0, node) if x is y and node.dtype.kind in "iu" else None


@rewrite("subtract", keeps="accurate", examples=(lambda x: np.tanh(x) - np.tanh(x),))
def subtract_self_bounded(node: Node) -> Node | None:
    """f(x) - f(x) = 0 where f is bounded."""
    x, y = node.inputs
    return scalar(0, node) if x is y and all(map(isfinite, bounds(x))) else None


@rewrite("subtract", keeps="real", examples=(lambda x: x - x,))
def subtract_self(node: Node) -> Node | None:
    """x - x = 0 for finite x."""
    x, y = node.inputs
    return scalar(0, node) if x is y else None


@rewrite("divide", keeps="real", examples=(lambda x: x / x,))
def divide_self(node: Node) -> Node | None:
    """x / x = 1 for finite x other than 0."""
    x, y = node.inputs
    return scalar(1, node) if x is y else None
