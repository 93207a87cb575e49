"""Sums, products, powers: what an expert would not write down."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import sqrt
from symgraph.ops.elementwise import square as ew_square
from symgraph.ops.reduce import Sum
from symgraph.simplify.common import (
    factor,
    is_known_factor,
    is_number,
    is_op,
    number,
    scalar,
)
from symgraph.simplify.facts import bounds
from symgraph.simplify.flat import factor_named
from symgraph.simplify.rule import rewrite


def _negated(node: Node, whole: Node) -> Node | None:
    """b of -b, where converting b to the dtype of the whole commutes with the sign."""
    if not is_op(node, "negative"):
        return None
    # -b of a small or unsigned integer wraps before it is converted.
    return node.inputs[0] if node.dtype.kind in "fc" or node.dtype == whole.dtype else None


@rewrite(
    "add",
    operands=("negative",),
    keeps="bitwise",
    examples=(lambda x, y: x + -y, lambda x, y: -x + y),
)
def add_negative(node: Node) -> Node | None:
    """a + (-b) = a - b."""
    x, y = node.inputs
    for a, b in ((x, _negated(y, node)), (y, _negated(x, node))):
        if b is not None:
            return a - b
    return None


@rewrite(
    "add",
    operands=("constant", "broadcast_to", "multiply", "divide"),
    keeps="bitwise",
    examples=(lambda x: -1.0 + x, lambda x, y: -2.0 / y + x, lambda x, y: -2.0 * y + x),
)
def add_negative_multiple(node: Node) -> Node | None:
    """-c + x = x - c, -c / a + x = x - c / a, -c * a + x = x - c * a for a number c > 0."""
    x, y = node.inputs
    opposite = _positive(x) if node.dtype.kind == "f" and _positive(y) is None else None
    return None if opposite is None else y - opposite


def _positive(node: Node) -> Node | None:
    """-x of a negative number, or of what has one for its first factor or above the line."""
    known = node.inputs[0] if is_op(node, "multiply", "divide") else node
    value = number(known)
    if value is None or known.dtype.kind != "f" or not value < 0:
        return None
    if known is node:
        return scalar(-value, node)
    return make(node.op, scalar(-value, known), node.inputs[1])


@rewrite("subtract", operands=("negative",), keeps="bitwise", examples=(lambda x, y: x - -y,))
def subtract_negative(node: Node) -> Node | None:
    """a - (-b) = a + b."""
    x, y = node.inputs
    b = _negated(y, node)
    return None if b is None else x + b


@rewrite("negative", operands=("subtract",), keeps="accurate", examples=(lambda x, y: -(x - y),))
def negative_difference(node: Node) -> Node | None:
    """-(a - b) = b - a (up to the sign of a zero)."""
    (x,) = node.inputs
    return x.inputs[1] - x.inputs[0] if is_op(x, "subtract") else None


@rewrite(
    "multiply",
    "divide",
    operands=("negative",),
    keeps="bitwise",
    examples=(
        lambda x, y: -x * y,
        lambda x, y: x * -y,
        lambda x, y: -x * -y,
        lambda x, y: -x / y,
        lambda x, y: x / -y,
        lambda x, y: -x / -y,
    ),
)
def sign_outwards(node: Node) -> Node | None:
    """(-a) * b = -(a * b), (-a) / b = -(a / b)."""
    if node.dtype.kind != "f":
        return None
    signs = [is_op(i, "negative") and i.dtype.kind == "f" for i in node.inputs]
    if not any(signs):
        return None
    a, b = [i.inputs[0] if sign else i for i, sign in zip(node.inputs, signs, strict=True)]
    result = a * b if is_op(node, "multiply") else a / b
    return result if all(signs) else -result


@rewrite("multiply", operands=("divide",), keeps="accurate", examples=(lambda x, y: x * (1 / y),))
def times_reciprocal(node: Node) -> Node | None:
    """a * (1 / b) = a / b."""
    x, y = node.inputs
    if node.dtype.kind != "f":
        return None
    for a, b in ((x, y), (y, x)):
        if is_op(b, "divide") and is_number(b.inputs[0], 1) and number(a) is None:
            if b.ndim == 0 and a.ndim > 0:
                continue
            return a / b.inputs[1]
    return None


@rewrite("add", keeps="bitwise", examples=(lambda x: x + x,))
def double(node: Node) -> Node | None:
    """x + x = 2 * x."""
    x, y = node.inputs
    return scalar(2, node) * x if x is y and node.dtype.kind == "f" else None


@rewrite("multiply", keeps="bitwise", examples=(lambda u: u * u,))
def square(node: Node) -> Node | None:
    """x * x = x**2."""
    x, y = node.inputs
    return ew_square(x) if x is y and node.dtype.kind == "f" and node.ndim else None


@rewrite("multiply", keeps="accurate", examples=(lambda a: a * a,))
def square_of_number(node: Node) -> Node | None:
    """x * x = x**2 of a number, of which Python's power is not always the same."""
    x, y = node.inputs
    return ew_square(x) if x is y and node.dtype.kind == "f" and not node.ndim else None


@rewrite(
    "power",
    operands=(
        "constant",
        "broadcast_to",
    ),
    keeps="accurate",
    domain="positive",
    examples=(
        lambda x: x**0,
        lambda x: x**2,
        lambda x: x**-1,
        lambda x: x**0.5,
        lambda x: (1.0 + np.square(x)) ** -0.5,
    ),
)
def small_powers(node: Node) -> Node | None:
    """x**2, x**-1, x**0.5, x**-0.5, x**0 by multiplication, division and square root."""
    x, y = node.inputs
    exponent = number(y)
    if exponent is None or node.dtype != x.dtype or node.dtype.kind != "f":
        return None
    if exponent == 2:
        return ew_square(x)
    if exponent == -1:
        return scalar(1, node) / x
    if exponent == 0.5:
        return sqrt(x)
    if exponent == -0.5 and bounds(x)[0] > 0:  # -0.0 and -inf have other roots than powers
        return scalar(1, node) / sqrt(x)
    return scalar(1, node) if exponent == 0 else None


@rewrite(
    "square",
    operands=(
        "negative",
        "absolute",
    ),
    keeps="bitwise",
    examples=(lambda x: np.square(-x), lambda x: np.square(abs(x))),
)
def square_even(node: Node) -> Node | None:
    """(-x)**2 = x**2, abs(x)**2 = x**2."""
    (x,) = node.inputs
    if not is_op(x, "negative", "absolute") or x.inputs[0].dtype.kind != "f":
        return None
    return ew_square(x.inputs[0])


@rewrite(
    "add",
    "subtract",
    operands=("multiply",),
    keeps="accurate",
    # The sum is at most twice the larger term, and where c is above 1 smaller than those before.
    headroom=1,
    examples=(lambda u, v: 3.0 * u - 3.0 * v, lambda u, v: 0.1 * u + -0.1 * v),
)
def common_known_factor(node: Node) -> Node | None:
    """c * x + c * y = c * (x + y) for c made of numbers and sizes."""
    scale, _ = factor(node.inputs[0])
    return _common(node) if scale is not None and is_known_factor(scale) else None


@rewrite(
    "add",
    "subtract",
    operands=("multiply",),
    keeps="real",
    examples=(lambda a, u, v: a * u - a * v,),
)
def common_factor(node: Node) -> Node | None:
    """a * x + a * y = a * (x + y), a * x + (-a) * y = a * (x - y) for 0-d a."""
    return _common(node)


def _common(node: Node) -> Node | None:
    x, y = node.inputs
    if node.ndim == 0:
        return None
    (a, first), (b, second) = factor(x), factor(y)
    if a is None or b is None or not first.dtype == second.dtype == node.dtype:
        return None
    add = is_op(node, "add")
    if a is b:
        return a * (first + second if add else first - second)
    if not _opposite(a, b):
        return None
    if _is_negative(a):
        return b * (second - first if add else -(first + second))
    return a * (first - second if add else first + second)


def _opposite(a: Node, b: Node) -> bool:
    """Whether a = -b is seen at once."""
    if number(a) is not None and number(b) is not None:
        return bool(number(a) == -number(b))
    if is_op(a, "negative") or is_op(b, "negative"):
        return (is_op(a, "negative") and a.inputs[0] is b) or (
            is_op(b, "negative") and b.inputs[0] is a
        )
    if is_op(a, "divide") and is_op(b, "divide") and a.inputs[1] is b.inputs[1]:
        top, other = number(a.inputs[0]), number(b.inputs[0])
        return top is not None and other is not None and bool(top == -other)
    return False


def _is_negative(a: Node) -> bool:
    if is_op(a, "divide"):
        return _is_negative(a.inputs[0])
    value = number(a)
    return is_op(a, "negative") or (value is not None and bool(value < 0))


_MOST_FACTORS = 4


def undivided(node: Node, by: Node, instead: Node | None = None) -> Node | None:
    """A product or quotient without one division, or with another divisor in its place."""
    path: list[tuple[Node, int]] = []
    while not (is_op(node, "divide") and node.inputs[1] is by):
        if len(path) == _MOST_FACTORS or not is_op(node, "multiply", "divide"):
            return None
        choices = node.inputs[:1] if is_op(node, "divide") else node.inputs
        inner = [i for i, x in enumerate(choices) if is_op(x, "multiply", "divide")]
        place = next((i for i in inner if _divided(choices[i], by)), inner[0] if inner else None)
        if place is None:
            return None
        path.append((node, place))
        node = node.inputs[place]
    node = node.inputs[0] if instead is None else node.inputs[0] / instead
    for outer, place in reversed(path):
        node = make(outer.op, *[node if i == place else x for i, x in enumerate(outer.inputs)])
    return node


def _divided(node: Node, by: Node) -> bool:
    return is_op(node, "divide") and node.inputs[1] is by


@rewrite(
    "multiply",
    operands=("exp",),
    keeps="accurate",
    examples=(
        lambda x, y: (y / np.exp(x)) * np.exp(x),
        lambda A, v: (A / np.exp(v)).sum(0) * np.exp(v),
        lambda x, y: (y * (y / np.exp(x))) * np.exp(x),
    ),
)
def cancel_positive(node: Node) -> Node | None:
    """(a / exp(x)) * exp(x) = a, sum(a / exp(x)) * exp(x) = sum(a)."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if not is_op(b, "exp"):
            continue
        rest = undivided(a, b)
        if rest is not None and rest.type == node.type:
            return rest
        if isinstance(a.op, Sum) and is_op(a.inputs[0], "divide") and a.shape == b.shape:
            top, bottom = a.inputs[0].inputs
            leading = a.op.axes == tuple(range(top.ndim - b.ndim)) and not a.op.keepdims
            if bottom is b and leading and top.shape == a.inputs[0].shape:
                return make(a.op, top)
    return None


_EXPM1 = frozenset(("expm1",))


@rewrite(
    "multiply",
    operands=("exp",),
    keeps="accurate",
    headroom=64,  # it is 0 where exp(x) is subnormal
    examples=(
        lambda x, y: (y / np.expm1(x) / np.expm1(x)) * np.exp(x),
        lambda x, y: np.exp(x) * (y * (y / np.expm1(x))),
    ),
)
def exponential_beside_expm1(node: Node) -> Node | None:
    """(a / expm1(x)) * exp(x) = -(a / expm1(-x))."""
    for a, b in (node.inputs, node.inputs[::-1]):
        if not is_op(b, "exp") or b.inputs[0].dtype != node.dtype:
            continue
        if not factor_named(a, _EXPM1, _MOST_FACTORS + 1):
            continue
        (x,) = b.inputs
        found = undivided(a, apply("expm1", x), apply("expm1", -x))
        if found is not None and found.type == node.type:
            return -found
    return None
