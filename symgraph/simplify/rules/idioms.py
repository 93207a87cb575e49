"""How NumPy is best told the same: fewer calls and fewer arrays."""

from __future__ import annotations

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.index import Changing, is_zeros
from symgraph.ops.kinds import Elementwise
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import Transpose
from symgraph.ops.statistics import BinCount
from symgraph.simplify.common import is_number, is_op, number, scalar
from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation, rewrite
from symgraph.simplify.rules.constants import fold


@rewrite("sum", keeps="accurate", stage="numpy", examples=(lambda x, y: (x * y).sum(),))
def scalar_product(node: Node) -> Node | None:
    """sum(x * y) = x @ y over all axes: without the array of products."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    # In single precision the pairwise sum is worth its time.
    if not is_op(x, "square", "multiply") or x.dtype != np.float64 or not x.ndim:
        return None
    first, second = x.inputs[0], x.inputs[-1]
    if len(node.op.axes) != x.ndim or node.op.keepdims or not first.type == second.type == x.type:
        return None
    if x.ndim > 1:
        # The order of the elements does not matter: a transpose need not be written out.
        if isinstance(first.op, Transpose) and first.op == second.op:
            first, second = first.inputs[0], second.inputs[0]
        first, second = apply("ravel", first), apply("ravel", second)
    return apply("matmul", first, second)


@rewrite(
    Elementwise,
    operands=("constant",),
    keeps="bitwise",
    stage="numpy",
    examples=(lambda: np.sqrt(constant(9.0)), lambda: constant(2.0) * constant(0.1)),
)
def number_of_numbers(node: Node) -> Node | None:
    """op(numbers) = number, also where an expansion brought them in."""
    known = all(isinstance(x.op, Constant) and not x.ndim for x in node.inputs)
    return fold(node) if known else None


@rewrite(
    "multiply",
    keeps="accurate",
    stage="numpy",
    examples=(lambda x, y: (1 / x) * y, lambda x, y: y * (1 / x)),
)
def scaled_by_reciprocal(node: Node) -> Node | None:
    """(1 / n) * x = x / n: one rounding instead of two; until here the factor could be moved."""
    for inverse, x in (node.inputs, node.inputs[::-1]):
        if is_op(inverse, "divide") and number(inverse.inputs[0]) == 1:
            divided = x / inverse.inputs[1]
            return divided if divided.type == node.type else None
    return None


@rewrite(
    "index_add",
    keeps="bitwise",
    stage="numpy",
    examples=(lambda u, a: u.at[0].add(-2.0 / a),),
)
def subtract_at(node: Node) -> Node | None:
    """x[i] += -c / n is x[i] -= c / n: the quotient is shared, and it is how one writes it."""
    base, values, *index = node.inputs
    if not is_op(values, "divide"):
        return None
    top, bottom = values.inputs
    known = number(top)
    if known is None or known >= 0 or values.dtype.kind != "f":
        return None
    return make(node.op, base, -(scalar(-known, top) / bottom), *index)


@rewrite(
    "index_add",
    operands=("constant",),
    keeps="bitwise",
    stage="numpy",
    examples=(lambda x: zeros_like(x).at[[0, 1, 0]].add(x[[0, 0, 1]]),),
)
def bins(node: Node) -> Node | None:
    """zeros.at[i].add(v) = bincount(i, v) of known positions: NumPy's faster sum by numbers."""
    base, values, *arrays = node.inputs
    if len(arrays) != 1 or node.ndim != 1 or not is_zeros(base):
        return None
    positions, length = arrays[0].op, node.shape[0]
    if not isinstance(positions, Constant) or not isinstance(length, int):
        return None
    numbers = positions.value
    if values.shape != numbers.shape or not values.dtype == node.dtype == np.float64:
        return None
    if numbers.ndim != 1 or not numbers.size or numbers.min() < 0:
        return None
    assert isinstance(node.op, Changing)
    # Where no position is taken twice an assignment does.
    return make(BinCount(length), arrays[0], values) if node.op.repeated(node) else None


@rewrite(
    "heaviside",
    operands=("constant",),
    keeps="bitwise",
    stage="numpy",
    examples=(lambda x: np.heaviside(x, 0.5), lambda x: np.heaviside(-x, 0.5)),
)
def half_step(node: Node) -> Node | None:
    """heaviside(x, 1/2) = 1/2 sign(x) + 1/2: exact, and several times faster."""
    x, middle = node.inputs
    if not is_number(middle, 0.5) or x.dtype != node.dtype:
        return None
    half = scalar(0.5, node)
    if is_op(x, "negative"):
        return half - half * apply("sign", x.inputs[0])
    if is_op(x, "subtract") and number(x.inputs[0]) is not None:
        return half - half * apply("sign", x.inputs[1] - x.inputs[0])
    return half * apply("sign", x) + half


@rewrite(
    "absolute",
    "square",
    "hypot",
    operands=("negative",),
    keeps="accurate",
    stage="numpy",
    examples=(lambda x: np.abs(-x), lambda x: np.square(-x), lambda x, y: np.hypot(-x, y)),
)
def size_of_negative(node: Node) -> Node | None:
    """abs(-x) = abs(x), (-x)**2 = x**2, also where an expansion brought the sign in."""
    if any(x.dtype.kind != "f" for x in node.inputs):
        return None
    inputs = [x.inputs[0] if is_op(x, "negative") else x for x in node.inputs]
    changed = any(a is not b for a, b in zip(inputs, node.inputs, strict=True))
    return make(node.op, *inputs) if changed else None


@rewrite(
    "add",
    "subtract",
    operands=("negative",),
    keeps="bitwise",
    stage="numpy",
    examples=(lambda x, y: x + -y, lambda x, y: -x + y, lambda x, y: x - -y),
)
def sign_of_term(node: Node) -> Node | None:
    """x + -y = x - y, x - -y = x + y, also where an expansion brought the sign in."""
    x, y = node.inputs
    if node.dtype.kind != "f" or not x.dtype == y.dtype == node.dtype:
        return None
    if is_op(y, "negative"):
        (y,) = y.inputs
        return x - y if is_op(node, "add") else x + y
    return y - x.inputs[0] if is_op(node, "add") and is_op(x, "negative") else None


_MIRRORED = {
    "less": "greater",
    "greater": "less",
    "less_equal": "greater_equal",
    "greater_equal": "less_equal",
}


@rewrite(
    *_MIRRORED,
    operands=("negative",),
    keeps="bitwise",
    stage="numpy",
    examples=(lambda x: -x < 0.0, lambda x: -x >= 3.0),
)
def comparison_of_negative(node: Node) -> Node | None:
    """-x < c is x > -c for a number c."""
    x, c = node.inputs
    value = number(c)
    if not is_op(x, "negative") or value is None or x.dtype.kind != "f" or c.dtype != x.dtype:
        return None
    return apply(_MIRRORED[node.op.name], x.inputs[0], scalar(0 - value, x))


@equation(keeps="accurate", stage="numpy")
def slope_of_sigmoid(x: Pattern) -> tuple[Pattern, Pattern]:
    """sigmoid(x) * sigmoid(-x) = e / (1 + e)**2, e = exp(-abs(x)): one exponential for three."""
    e = p.exp(-p.absolute(x))
    both = p.exp(p.minimum(x, 0.0)) * p.exp(p.minimum(-x, 0.0))
    return both / p.square(1 + e), e / p.square(1 + e)


@rewrite(
    "matmul",
    operands=("matmul",),
    keeps="accurate",
    stage="numpy",
    examples=(lambda A, u, v: v @ (u @ A.T),),
)
def form_in_order(node: Node) -> Node | None:
    """y @ (x @ A) = x @ A @ y for vectors."""
    x, y = node.inputs
    if x.ndim != 1 or not is_op(y, "matmul") or y.ndim != 1 or y.inputs[0].ndim != 1:
        return None
    return None if is_op(x, "matmul") or y is x else make(node.op, y, x)
