"""What gradients leave behind: signs inside moves, moves that undo one another, one-by-one sums."""

from __future__ import annotations

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, make
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.index import GetItem, IndexAdd, flip
from symgraph.ops.indices import Range
from symgraph.ops.padding import Pad
from symgraph.ops.reduce import Reduction
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import (
    HEADROOM,
    factor,
    is_known_factor,
    is_moderate,
    is_number,
    is_op,
    number,
    scalar,
    turned_axes,
    unbroadcast,
)
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.repeats import outer_parts
from symgraph.simplify.uses import uses_of


def _alone(node: Node) -> bool:
    """Whether a node is there for one other only."""
    return len(uses_of(node)) <= 1


# Signs --------------------------------------------------------------------------------------------


_MOVED = ("negative", "multiply", "divide", "add", "subtract")
_MOST_STEPS = 4


@rewrite(
    "squeeze",
    "reshape",
    "transpose",
    operands=_MOVED,
    keeps="bitwise",
    examples=(
        lambda A: (-A.sum(0, keepdims=True)).squeeze(0),
        lambda A, B: (-(A.T @ B)).T,
        lambda A, a: (a * A.sum(1, keepdims=True)).squeeze(1),
        lambda u, a: (u[:, None] / a).squeeze(1),
        lambda u, A: (A.sum(1, keepdims=True) * (2.0 * A[:, :1].sum(1, keepdims=True))).squeeze(1),
        lambda A, B, a: (A.T / a - A.T @ B).T,
    ),
)
def move_inwards(node: Node) -> Node | None:
    """squeeze(c * x + y) = c * squeeze(x) + squeeze(y), where x and y can be asked instead."""
    (x,) = node.inputs
    if not is_op(x, *_MOVED) or outer_parts(x) is not None or not _takes(x, node, _MOST_STEPS):
        return None
    return make(x.op, *[make(node.op, y) if y.ndim else y for y in x.inputs])


def _takes(node: Node, move: Node, steps: int) -> bool:
    """Whether a value can be computed as it is wanted after a move, at no cost."""
    if is_op(node, *_MOVED) and steps and _alone(node):
        large = [y for y in node.inputs if y.ndim]
        fits = all(y.shape == node.shape for y in large)
        if is_op(move, "transpose") and outer_parts(node) is not None:
            return True
        # Transposes of all operands would be moved out again.
        stays = is_op(move, "transpose") and len(large) > 1 and not any(map(_turns, large))
        return bool(large) and fits and not stays and all(_takes(y, move, steps - 1) for y in large)
    if is_op(move, "transpose"):
        # A product takes it only from an operand: others would hand it back to the sum.
        turned = is_op(node, "matmul") and any(is_op(y, "transpose") for y in node.inputs)
        return node.ndim == 2 and (turned or is_op(node, "transpose"))
    kept = isinstance(node.op, Reduction) and node.op.keepdims
    return kept or is_op(node, "squeeze", "reshape", "expand_dims")


def _turns(node: Node) -> bool:
    """Whether nothing is left of the transpose of a value."""
    turned = is_op(node, "matmul") and any(is_op(x, "transpose") for x in node.inputs)
    return turned or is_op(node, "transpose", *_MOVED)


@rewrite(
    "add",
    "subtract",
    operands=("multiply", "divide"),
    keeps="bitwise",
    stage="numpy",
    examples=(
        lambda x, y: x + -2.0 * y,
        lambda x, y: -3.0 / y + x,
        lambda x, k: x - (-1.0) * k,
        lambda x, y, a: x + (-2.0 / a) * y,
    ),
)
def sign_of_multiple(node: Node) -> Node | None:
    """a + (-2) * b = a - 2 * b, as one writes it."""
    x, y = node.inputs
    if node.dtype.kind != "f":
        return None
    add = is_op(node, "add")
    for a, b in ((x, y), (y, x)) if add else ((x, y),):
        opposite = _opposite(b) if _alone(b) else None
        if opposite is not None:
            result = a - opposite if add else a + opposite
            return result if result.type == node.type else None
    return None


@rewrite(
    "index_add",
    operands=("multiply",),
    keeps="bitwise",
    stage="numpy",
    examples=(lambda u, a: u.at[0].add(-2.0 * a),),
)
def sign_of_added(node: Node) -> Node | None:
    """x[i] += -2 * y is x[i] -= 2 * y."""
    base, values, *index = node.inputs
    opposite = _opposite(values) if _alone(values) and values.dtype == node.dtype else None
    if opposite is None or is_number(base, 0):
        return None
    return make(node.op, base, -opposite, *index) if opposite.dtype == node.dtype else None


def _opposite(node: Node) -> Node | None:
    """-x of what has a negative number for a factor, or above the line."""
    if not is_op(node, "multiply", "divide") or node.dtype.kind != "f":
        return None
    for i, known in enumerate(node.inputs[:1] if is_op(node, "divide") else node.inputs):
        value = number(known)
        rest = node.inputs[1 - i]
        if is_op(known, "divide") and not known.ndim and is_op(node, "multiply"):
            share = _opposite(known)
            if share is not None and rest.shape == node.shape:
                return make(node.op, *[share if x is known else x for x in node.inputs])
        if value is None or known.dtype.kind != "f" or not value < 0:
            continue
        if rest.shape != node.shape:
            return None
        if value == -1 and is_op(node, "multiply"):
            return rest
        return make(node.op, *[scalar(-value, known) if x is known else x for x in node.inputs])
    return None


# Moves that undo one another ----------------------------------------------------------------------


@rewrite("getitem", keeps="bitwise", examples=(lambda u: u[::-1][::-1], lambda A: A[:, ::-1][::-1]))
def turned_twice(node: Node) -> Node | None:
    """x[::-1][::-1] = x."""
    (x,) = node.inputs
    outer, inner = turned_axes(node), turned_axes(x)
    if outer is None or inner is None:
        return None
    (y,) = x.inputs
    index = tuple([Range(step=-1) if i in outer ^ inner else Range() for i in range(y.ndim)])
    return make(GetItem(index), y) if outer ^ inner else y


@rewrite(
    "transpose",
    "pad",
    operands=("getitem",),
    keeps="bitwise",
    examples=(lambda A: A[::-1].T, lambda u: np.pad(u[::-1], (1, 2))),
)
def turned_outwards(node: Node) -> Node | None:
    """transpose(flip(x)) = flip(transpose(x)), pad(flip(x)) = flip(pad(x))."""
    x, *value = node.inputs
    axes, op = turned_axes(x), node.op
    if not axes:
        return None
    if isinstance(op, Transpose):
        return flip(make(op, *x.inputs), [op.axes.index(axis) for axis in sorted(axes)])
    assert isinstance(op, Pad)
    widths = tuple([(b, a) if i in axes else (a, b) for i, (a, b) in enumerate(op.widths)])
    return flip(make(Pad(widths), *x.inputs, *value), sorted(axes))


@rewrite(
    "divide",
    operands=("multiply",),
    keeps="accurate",
    headroom=1,
    examples=(
        lambda u: (u * np.full(u.shape, 2.0)) / np.full(u.shape, 2.0),
        lambda A: A * np.array([1.0, 2.0, 2.0]) * A / np.array([1.0, 2.0, 2.0]),
    ),
)
def known_weights(node: Node) -> Node | None:
    """(x * C) / C = x for an array C of ones and twos."""
    top, bottom = node.inputs
    if not isinstance(bottom.op, Constant) or not bottom.ndim:
        return None
    if not np.isin(bottom.op.value, (1, 2)).all():
        return None
    path: list[tuple[Node, int]] = []
    while is_op(top, "multiply") and top.type == node.type and len(path) < _DEPTH:
        for i, weights in enumerate(top.inputs):
            rest = top.inputs[1 - i]
            if weights is bottom and rest.type == node.type:
                for outer, place in reversed(path):
                    rest = make(
                        outer.op, *[rest if j == place else x for j, x in enumerate(outer.inputs)]
                    )
                return rest
        place = next((i for i, x in enumerate(top.inputs) if is_op(x, "multiply")), None)
        if place is None:
            return None
        path.append((top, place))
        top = top.inputs[place]
    return None


_DEPTH = 4


@rewrite(
    "conjugate",
    operands=("multiply",),
    keeps="accurate",
    examples=(lambda z, x: np.conj(np.conj(z) * x), lambda z: np.conj(np.conj(z) * (2 * z))),
)
def conjugate_of_product(node: Node) -> Node | None:
    """conj(conj(x) * y) = x * conj(y)."""
    (x,) = node.inputs
    if not any(is_op(operand, "conjugate") or _has_conjugate(operand) for operand in x.inputs):
        return None
    parts = [apply("conjugate", y) if y.dtype.kind == "c" else y for y in x.inputs]
    return make(x.op, *parts)


def _has_conjugate(node: Node) -> bool:
    return is_op(node, "multiply") and any(is_op(x, "conjugate") for x in node.inputs)


# Quotients ----------------------------------------------------------------------------------------


@rewrite(
    "multiply",
    operands=("divide",),
    keeps="accurate",
    examples=(lambda x, y, u: (u / (x / y)) * ((x / y) / y),),
)
def slope_of_log_ratio(node: Node) -> Node | None:
    """(c / (x / y)) * ((x / y) / y) = c / y: the gradient of log(x / y) by y."""
    for a, b in (node.inputs, node.inputs[::-1]):
        if not (is_op(a, "divide") and is_op(b, "divide")):
            continue
        ratio = a.inputs[1]
        if b.inputs[0] is not ratio or not is_op(ratio, "divide"):
            continue
        if ratio.inputs[1] is b.inputs[1]:
            result = a.inputs[0] / b.inputs[1]
            return result if result.type == node.type else None
    return None


@rewrite(
    "divide",
    operands=("divide",),
    keeps="accurate",
    examples=(lambda x, y, u: (u / (x / y)) / y,),
)
def slope_of_log_ratio_above(node: Node) -> Node | None:
    """(c / (x / y)) / y = c / x: the gradient of log(x / y) by x."""
    top, below = node.inputs
    if not is_op(top, "divide") or not is_op(top.inputs[1], "divide"):
        return None
    above, bottom = top.inputs[1].inputs
    if bottom is not below:
        return None
    result = top.inputs[0] / above
    return result if result.type == node.type else None


@rewrite(
    "divide",
    "multiply",
    operands=("multiply", "divide"),
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda x: 3.0 / (6.0 * x), lambda x, y: 6.0 * (y / (6.0 * x))),
)
def known_quotient(node: Node) -> Node | None:
    """a / (b * x) = (a / b) / x, a * (y / (b * x)) = (a / b) * (y / x) for known a and b."""
    for a, rest in (node.inputs, node.inputs[::-1]):
        top = number(a)
        if top is None or a.dtype != node.dtype or node.dtype.kind != "f" or not _alone(rest):
            continue
        below = rest
        if is_op(node, "multiply"):
            if not is_op(rest, "divide"):
                continue
            below = rest.inputs[1]
        elif a is not node.inputs[0]:
            continue
        for b, x in (below.inputs, below.inputs[::-1]) if is_op(below, "multiply") else ():
            bottom = number(b)
            if not bottom or b.dtype != node.dtype or x.shape != below.shape:
                continue
            if not is_moderate(node.dtype, a, b) or not _alone(below):
                continue
            ratio = scalar(top / bottom, node)
            found = ratio / x if below is rest else ratio * (rest.inputs[0] / x)
            return found if found.type == node.type else None
    return None


@rewrite(
    "sum",
    operands=("add", "subtract"),
    keeps="accurate",
    headroom=HEADROOM,
    stage="numpy",
    examples=(
        lambda A, u: (-0.5 * A - u).sum(),
        lambda A, u: (u + 2.0 * A).sum(1),
    ),
)
def exact_factor_of_sum(node: Node) -> Node | None:
    """sum(2**k * x + y) = 2**k * sum(x + 2**-k * y) where y is a smaller array."""
    (whole,) = node.inputs
    if whole.dtype.kind != "f" or node.dtype != whole.dtype or not _alone(whole):
        return None
    for place in (0, 1):
        large, small = whole.inputs[place], whole.inputs[1 - place]
        c, x = factor(large)
        value = None if c is None else number(c)
        if c is None or value is None or x.type != whole.type or small.dtype != whole.dtype:
            continue
        if small.shape == whole.shape or unbroadcast(small).ndim >= whole.ndim or not value:
            continue
        if abs(np.frexp(value)[0]) != 0.5 or value == 1 or not is_known_factor(c):
            continue
        if not _alone(large):
            continue
        parts = (x, scalar(1 / value, c) * small)
        total = make(whole.op, *(parts if place == 0 else parts[::-1]))
        return c * make(node.op, total)
    return None


# Sums of single elements --------------------------------------------------------------------------

_MOST = 32
"""Elements that are worth writing one by one."""


@rewrite(
    "index_add",
    keeps="accurate",
    examples=(
        lambda a, c: zeros_like(np.ones(2) * a).at[1].add(a).at[0].add(c),
        lambda a: zeros_like(np.ones(1) * a).at[0].add(a),
    ),
)
def filled_one_by_one(node: Node) -> Node | None:
    """zeros.at[0].add(a).at[1].add(b) = stack([a, b])."""
    length = node.shape[0] if node.ndim == 1 else None
    if not isinstance(length, int) or not 0 < length <= _MOST:
        return None
    found: dict[int, Node] = {}
    base = node
    while isinstance(base.op, IndexAdd) and len(base.inputs) == 2:
        place = base.op.index[0] if len(base.op.index) == 1 else None
        value = base.inputs[1]
        if not isinstance(place, int) or value.type != node.type.with_shape(()):
            return None
        if place % length in found:
            return None
        found[place % length] = value
        base = base.inputs[0]
    if len(found) < length or not is_number(base, 0):
        return None
    return apply("stack", [found[i] for i in range(length)])
