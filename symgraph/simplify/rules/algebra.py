"""Sums, products, powers: what an expert would not write down."""

from __future__ import annotations

from symgraph.graph.node import Node
from symgraph.ops.elementwise import square as ew_square
from symgraph.simplify.common import is_op, number, scalar
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.constants import factor


@rewrite("add", keeps="bitwise")
def add_negative(node: Node) -> Node | None:
    """a + (-b) = a - b."""
    x, y = node.inputs
    if is_op(y, "negative"):
        return x - y.inputs[0]
    if is_op(x, "negative"):
        return y - x.inputs[0]
    return None


@rewrite("subtract", keeps="bitwise")
def subtract_negative(node: Node) -> Node | None:
    """a - (-b) = a + b."""
    x, y = node.inputs
    return x + y.inputs[0] if is_op(y, "negative") else None


@rewrite("negative", keeps="accurate")
def negative_difference(node: Node) -> Node | None:
    """-(a - b) = b - a (up to the sign of a zero)."""
    (x,) = node.inputs
    return x.inputs[1] - x.inputs[0] if is_op(x, "subtract") else None


@rewrite("multiply", "divide", keeps="bitwise")
def sign_outwards(node: Node) -> Node | None:
    """(-a) * b = -(a * b), (-a) / b = -(a / b)."""
    x, y = node.inputs
    if is_op(x, "negative") and is_op(y, "negative"):
        a, b = x.inputs[0], y.inputs[0]
        return a * b if is_op(node, "multiply") else a / b
    if is_op(x, "negative"):
        a = x.inputs[0]
        return -(a * y) if is_op(node, "multiply") else -(a / y)
    if is_op(y, "negative"):
        b = y.inputs[0]
        return -(x * b) if is_op(node, "multiply") else -(x / b)
    return None


@rewrite("multiply", keeps="accurate")
def times_reciprocal(node: Node) -> Node | None:
    """a * (1 / b) = a / b."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if is_op(b, "divide") and number(b.inputs[0]) == 1 and number(a) is None:
            if b.ndim == 0 and a.ndim > 0:
                continue
            return a / b.inputs[1]
    return None


@rewrite("add", keeps="bitwise")
def double(node: Node) -> Node | None:
    """x + x = 2 * x."""
    x, y = node.inputs
    return scalar(2, node) * x if x is y and node.dtype.kind == "f" else None


@rewrite("multiply", keeps="bitwise")
def square(node: Node) -> Node | None:
    """x * x = x**2."""
    x, y = node.inputs
    return ew_square(x) if x is y and node.dtype.kind == "f" else None


@rewrite("power", keeps="accurate")
def small_powers(node: Node) -> Node | None:
    """x**2, x**0.5, x**-1, x**3 by multiplication, square root and division."""
    x, y = node.inputs
    exponent = number(y)
    if exponent is None or node.dtype != x.dtype or node.dtype.kind != "f":
        return None
    if exponent == 2:
        return ew_square(x)
    if exponent == 3:
        return ew_square(x) * x
    if exponent == -1:
        return scalar(1, node) / x
    if exponent == 0:
        return scalar(1, node)
    return None


@rewrite("square", keeps="bitwise")
def square_even(node: Node) -> Node | None:
    """(-x)**2 = x**2, abs(x)**2 = x**2."""
    (x,) = node.inputs
    return (
        ew_square(x.inputs[0]) if is_op(x, "negative", "absolute") and x.dtype.kind == "f" else None
    )


@rewrite("add", "subtract", keeps="accurate")
def common_factor(node: Node) -> Node | None:
    """a * x + a * y = a * (x + y), a * x + (-a) * y = a * (x - y) for 0-d a."""
    x, y = node.inputs
    if node.ndim == 0:
        return None
    (a, first), (b, second) = factor(x), factor(y)
    if a is None or b is None:
        return None
    add = is_op(node, "add")
    if a is b:
        return a * (first + second if add else first - second)
    if _opposite(a, b):
        if _is_negative(a):
            return b * (second - first if add else -(first + second))
        return a * (first - second if add else first + second)
    return None


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


@rewrite("multiply", keeps="accurate")
def cancel_positive(node: Node) -> Node | None:
    """(a / exp(x)) * exp(x) = a."""
    x, y = node.inputs
    for a, b in ((x, y), (y, x)):
        if is_op(a, "divide") and a.inputs[1] is b and is_op(b, "exp"):
            return a.inputs[0]
    return None
