"""What is constant along the axes that an operation works along: added, as a factor, or alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgraph.graph.node import Node, make
from symgraph.graph.op import Op
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.ops.reduce import BroadcastTo, Reduction
from symgraph.ops.reduce_order import Extreme, Max, Min
from symgraph.ops.shape import ExpandDims, Squeeze
from symgraph.simplify.common import HEADROOM, factor, is_known_factor, is_op, number
from symgraph.simplify.facts import bounds
from symgraph.simplify.rule import rewrite


def axes_of(op: Op) -> tuple[int, ...]:
    """The axes that an operation works along."""
    axes: Any = getattr(op, "axes", ())
    return axes


def constant_along(c: Node, x: Node, axes: tuple[int, ...]) -> bool:
    """Whether an operand is the same along every axis of what it broadcasts to."""
    lead = x.ndim - c.ndim
    return (
        c.dtype == x.dtype
        and bool(axes)
        and all(axis < lead or (c.shape[axis - lead] == 1 and x.shape[axis] != 1) for axis in axes)
    )


def without_axes(c: Node, ndim: int, axes: tuple[int, ...], keepdims: bool) -> Node:
    """What is constant along the axes of an array, as it broadcasts against its reduction."""
    if keepdims:
        return c
    lead = ndim - c.ndim
    gone = tuple([axis - lead for axis in axes if axis >= lead])
    if not gone:
        return c
    if isinstance(c.op, ExpandDims) and c.op.axes == gone:
        return c.inputs[0]
    return make(Squeeze(gone), c)


class _Shifted(NamedTuple):
    """``sign * x + c_sign * c``, where c is constant along the axes."""

    x: Node
    sign: int
    c: Node
    c_sign: int


def _shifted(node: Node) -> _Shifted | None:
    return _sum_with_constant(node.inputs[0], axes_of(node.op))


def _sum_with_constant(whole: Node, axes: tuple[int, ...]) -> _Shifted | None:
    if not is_op(whole, "add", "subtract") or whole.dtype.kind != "f":
        return None
    a, b = whole.inputs
    minus = -1 if is_op(whole, "subtract") else 1
    if a.type == whole.type and constant_along(b, whole, axes):
        return _Shifted(a, 1, b, minus)
    if b.type == whole.type and constant_along(a, whole, axes):
        return _Shifted(b, minus, a, 1)
    return None


def _some(x: Node, axes: tuple[int, ...]) -> bool:
    """Whether there is an element along the axes, as far as is known."""
    return all(x.shape[axis] != 0 for axis in axes)


def _turned(op: Op, sign: int) -> Op:
    """The operation of which that of ``sign * x`` is sign times the result."""
    if sign > 0 or not isinstance(op, Extreme):
        return op
    return (Min if isinstance(op, Max) else Max)(op.axes, op.keepdims)


def _moved_out(node: Node) -> Node | None:
    """op(x + c) = op(x) + c."""
    found = _shifted(node)
    if found is None or not _some(found.x, axes_of(node.op)):
        return None
    keepdims: bool = getattr(node.op, "keepdims", False)
    c = without_axes(found.c, found.x.ndim, axes_of(node.op), keepdims)
    if isinstance(node.op, Extreme) or found.sign > 0:
        rest = make(_turned(node.op, found.sign), found.x)
        if found.sign < 0:
            return c - rest
    else:
        rest = make(node.op, -found.x)
    return rest + c if found.c_sign > 0 else rest - c


@rewrite(
    "max",
    "min",
    operands=("add", "subtract"),
    keeps="accurate",
    examples=(
        lambda v, a: np.max(v + a),
        lambda A, u: np.min(A - u[:, None], axis=1),
        lambda A, u: np.max(u - A, axis=0, keepdims=True),
    ),
)
def extreme_of_shifted(node: Node) -> Node | None:
    """max(x + c) = max(x) + c, max(c - x) = c - min(x) for c constant along the axes."""
    # Rounding keeps the order, so not a bit is lost.
    return _moved_out(node)


def _is_average(op: Op) -> bool:
    return op.shift == "added" and not isinstance(op, Extreme)


def _ignores_shifts(op: Op) -> bool:
    return op.shift == "nothing"


@rewrite(
    _is_average,
    operands=("add", "subtract"),
    keeps="real",
    examples=(
        lambda v, a: (v + a).mean(),
        lambda v: (v - 3.0).mean(),
        lambda A, u: (u[:, None] - A).mean(axis=1),
        lambda A, u: apply("logsumexp", A + u[:, None], axis=1),
    ),
)
def average_of_shifted(node: Node) -> Node | None:
    """mean(x + c) = mean(x) + c, logsumexp(x + c) = logsumexp(x) + c, c constant along the axes."""
    return _moved_out(node)


def _unshifted(node: Node) -> tuple[Node, Node] | None:
    """op(x) of op(x + c), and c."""
    found = _shifted(node)
    if found is None:
        return None
    even = is_op(node, "var", "std")
    return make(node.op, found.x if found.sign > 0 or even else -found.x), found.c


def _is_made_of(c: Node, x: Node, axes: tuple[int, ...]) -> bool:
    """Whether c is a finite number, or a NaN or an infinity in it shows in x as well."""
    value = number(c)
    if value is not None:
        return bool(np.isfinite(value))
    while is_op(c, "negative", "expand_dims", "reshape", "squeeze", "broadcast_to"):
        (c,) = c.inputs
    return is_op(c, *_SHOW_ALL) and c.inputs[0] is x and axes_of(c.op) == axes


_SHOW_ALL = ("max", "min", "mean", "sum", "logsumexp", "norm", "median")


@rewrite(
    _ignores_shifts,
    operands=("add", "subtract", "multiply"),
    keeps="accurate",
    examples=(
        lambda v: np.var(v - 3.0),
        lambda A: apply("softmax", A - np.mean(A, axis=1, keepdims=True), axis=1),
        lambda A: np.std(np.max(A) - A),
        lambda A: apply("softmax", 0.5 * (A - np.max(A, axis=1, keepdims=True)), axis=1),
    ),
)
def known_shift(node: Node) -> Node | None:
    """softmax(x + c) = softmax(x), var(k * (x + c)) = var(k * x) for c a number or made of x."""
    scale, inner = factor(node.inputs[0])
    if scale is not None:
        axes = axes_of(node.op)
        scaled = _sum_with_constant(inner, axes) if is_known_factor(scale) else None
        if scaled is None or not _is_made_of(scaled.c, scaled.x, axes):
            return None
        return make(node.op, scale * (scaled.x if scaled.sign > 0 else -scaled.x))
    found = _unshifted(node)
    shifted = _shifted(node)
    if found is None or shifted is None:
        return None
    return found[0] if _is_made_of(found[1], shifted.x, axes_of(node.op)) else None


@rewrite(
    _ignores_shifts,
    operands=("multiply", "divide"),
    keeps="accurate",
    headroom=HEADROOM,
    examples=(
        lambda A: apply("softmax", 0.125 * (A - np.max(A, axis=1, keepdims=True)), axis=1),
        lambda A: apply("log_softmax", (np.max(A, axis=0) - A) / 3.0, axis=0),
        lambda v: np.var(2.0 * (v - v.mean())),
    ),
)
def known_shift_of_multiple(node: Node) -> Node | None:
    """softmax(a * (x + c)) = softmax(a * x) for a number a, where c is a number or made of x."""
    (whole,) = node.inputs
    for place in (0, 1) if is_op(whole, "multiply") else (0,):
        inner, a = whole.inputs[place], whole.inputs[1 - place]
        if number(a) is None or not is_known_factor(a) or inner.type != whole.type:
            continue
        shifted = _shifted(make(node.op, inner))
        if shifted is None or not _is_made_of(shifted.c, shifted.x, axes_of(node.op)):
            continue
        x = shifted.x if shifted.sign > 0 else -shifted.x
        return make(node.op, make(whole.op, *[x if i == place else a for i in (0, 1)]))
    return None


@rewrite(
    _ignores_shifts,
    operands=("add", "subtract"),
    keeps="real",
    examples=(
        lambda v, a: np.var(v - a),
        lambda A, u: apply("softmax", A - u[:, None], axis=1),
        lambda A, u: apply("log_softmax", u + A, axis=0),
    ),
)
def shift_without_effect(node: Node) -> Node | None:
    """softmax(x + c) = softmax(x), var(x + c) = var(x) for finite c constant along the axes."""
    found = _unshifted(node)
    return None if found is None else found[0]


@rewrite(
    "max",
    "min",
    operands=("multiply", "divide", "negative"),
    keeps="accurate",
    examples=(
        lambda v: np.max(3.0 * v),
        lambda v: np.min(v / -7.0),
        lambda A: np.max(-A, axis=1),
        lambda A, u: np.max(A * np.exp(u[:, None]), axis=1),
    ),
)
def extreme_of_multiple(node: Node) -> Node | None:
    """max(c * x) = c * max(x) for c >= 0, c * min(x) for c <= 0, constant along the axes."""
    (whole,) = node.inputs
    assert isinstance(node.op, Extreme)
    axes = node.op.axes
    if whole.dtype.kind != "f" or not axes:
        return None
    if is_op(whole, "negative"):
        return -make(_turned(node.op, -1), *whole.inputs)
    for x, c in (whole.inputs, whole.inputs[::-1]):
        sign = _sign(c)
        if x.type == whole.type and constant_along(c, whole, axes) and sign:
            rest = make(_turned(node.op, sign), x)
            c = without_axes(c, x.ndim, axes, node.op.keepdims)
            return rest * c if is_op(whole, "multiply") else rest / c
        if is_op(whole, "divide"):
            break
    return None


def _sign(c: Node) -> int:
    """1 of a factor that is nowhere negative, -1 if nowhere positive; 0 if not known."""
    low, high = bounds(c)
    return 1 if low >= 0 else -1 if high <= 0 else 0


# What is constant itself --------------------------------------------------------------------------


def _repeated(x: Node, axes: tuple[int, ...]) -> Node | None:
    """What is repeated along all of the axes, with axes of size one there; of some elements."""
    if not isinstance(x.op, BroadcastTo) or not axes:
        return None
    (y,) = x.inputs
    lead = x.ndim - y.ndim
    if any(axis >= lead and y.shape[axis - lead] == x.shape[axis] for axis in axes):
        return None
    if not all(_surely_some(x.shape[axis]) for axis in axes):
        return None
    kept = tuple([1 if axis in axes else dim for axis, dim in enumerate(x.shape)])
    return y if y.shape == kept else make(BroadcastTo(kept), y)


def _surely_some(dim: Dim) -> bool:
    """Whether a size is known not to be 0: of nothing there is no mean and no maximum."""
    return isinstance(dim, int) and dim > 0


@rewrite(
    "mean",
    "max",
    "min",
    operands=("broadcast_to",),
    keeps="accurate",
    examples=(
        lambda u, A: np.broadcast_to(u, A.shape).mean(0),
        lambda u: np.broadcast_to(u[:, None], (*u.shape, 4)).max(axis=1, keepdims=True),
    ),
)
def reduction_of_repeated(node: Node) -> Node | None:
    """mean(broadcast(x)) = max(broadcast(x)) = x over the axes that were repeated."""
    assert isinstance(node.op, Reduction)
    x = node.inputs[0]
    value = _repeated(x, node.op.axes) if x.dtype == node.dtype else None
    if value is None or node.op.keepdims:
        return value
    return make(Squeeze(node.op.axes), value)


@rewrite(
    "sort",
    "roll",
    operands=("broadcast_to",),
    keeps="bitwise",
    examples=(
        lambda u: np.sort(np.broadcast_to(u[:, None], (*u.shape, 4))),
        lambda u, A: np.roll(np.broadcast_to(u, A.shape), 1, axis=0),
    ),
)
def order_of_repeated(node: Node) -> Node | None:
    """sort(broadcast(x)) = roll(broadcast(x)) = broadcast(x) along the axes that were repeated."""
    x = node.inputs[0]
    axis: Any = getattr(node.op, "axis", None)
    axes = axes_of(node.op) if axis is None else (axis,)
    if not isinstance(x.op, BroadcastTo) or not axes:
        return None
    (y,) = x.inputs
    lead = x.ndim - y.ndim
    new = all(a < lead or y.shape[a - lead] != x.shape[a] for a in axes)
    return x if new else None


@rewrite(
    "var",
    "std",
    operands=("broadcast_to",),
    keeps="real",
    examples=(lambda u: np.var(np.broadcast_to(u[:, None], (*u.shape, 4)), axis=1),),
)
def spread_of_repeated(node: Node) -> Node | None:
    """var(broadcast(x)) = 0 over the axes that were repeated, for finite x."""
    assert isinstance(node.op, Reduction)
    value = _repeated(node.inputs[0], node.op.axes)
    if value is None or getattr(node.op, "ddof", 0) != 0:
        return None
    return apply("zeros_like", value if node.op.keepdims else make(Squeeze(node.op.axes), value))
