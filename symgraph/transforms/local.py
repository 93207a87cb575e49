"""Forward and reverse rule of one node, derived from the one fact that its operation declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import DerivativeError
from symgraph.graph.leaves import Constant, Item
from symgraph.graph.node import Node, constant, make, placeholder
from symgraph.graph.registry import apply
from symgraph.graph.types import DType, TensorType, TupleType
from symgraph.ops.elementwise import WHERE, Where, is_zero, mask_times, zeros_like
from symgraph.ops.facts import both
from symgraph.ops.kinds import (
    ControlFlow,
    Discrete,
    Elementwise,
    Linear,
    Multilinear,
    Structured,
    Walk,
)
from symgraph.ops.reduce import sum_to
from symgraph.transforms.masks import is_tame, support

__all__ = ["add_up", "differentiable_operands", "fit", "partial", "scale"]


def _constant_value(node: Node) -> complex | None:
    while node.op.name == "broadcast_to":
        (node,) = node.inputs
    if isinstance(node.op, Constant) and node.ndim == 0:
        return node.op.value.item()
    return None


def fit(value: Node, type_: TensorType) -> Node:
    """A cotangent or tangent in the dtype and shape of what it belongs to.

    Sums undo broadcasting, only where the graph shows that it happened; a value that is too
    small (a constant partial) is broadcast.
    """
    if value.shape != type_.shape:
        value = sum_to(value, type_.shape) if value.ndim >= len(type_.shape) else value
        value = apply("broadcast_to", value, type_.shape)
    if value.dtype != type_.dtype:
        if value.dtype.kind == "c" and type_.dtype.kind != "c":
            value = apply("real", value)
        value = apply("astype", value, type_.dtype)
    return value


def scale(value: Node, factor: Node) -> Node:
    """``value * factor``, zero wherever one is masked out, also if the other is not finite."""
    known = _constant_value(factor)
    if known == 1:
        return value
    if known == -1:
        return -value
    if _constant_value(value) == 1:
        return _as_wide(factor, value.dtype)
    for masked, other in ((value, factor), (factor, value)):
        if not isinstance(masked.op, Where):
            continue
        mask, first, second = masked.inputs
        if is_zero(second):
            return mask_times(mask, scale(first, other))
        if is_zero(first):
            product = scale(second, other)
            return make(WHERE, mask, constant(np.zeros((), product.dtype)), product)
    first, second = support(value), support(factor)
    first = first if first is None or not is_tame(factor) else None
    second = second if second is None or not is_tame(value) else None
    mask = both(first, second)
    if mask is None:
        return _product(value, factor)
    value = value if first is None else _unmasked(value, mask)
    factor = factor if second is None else _unmasked(factor, mask)
    return mask_times(mask, _product(value, factor))


def _as_wide(factor: Node, dtype: DType) -> Node:
    """A factor of 1 in the dtype of the 1; a real one times a complex factor is complex."""
    whole = factor.dtype.kind == "c" and dtype.kind != "c"
    return factor if whole or factor.dtype == dtype else factor.astype(dtype)


def _unmasked(value: Node, mask: Node) -> Node:
    """A value without a factor that is the mask as numbers, where it is to be masked anyway."""
    if value.op.name == "astype" and value.inputs[0] is mask:
        return constant(np.ones((), value.dtype))
    if value.op.name == "multiply":
        for one, other in (value.inputs, value.inputs[::-1]):
            if one.op.name == "astype" and one.inputs[0] is mask and other.type == value.type:
                return other
    return value


def _product(value: Node, factor: Node) -> Node:
    if _constant_value(value) == 1:
        return _as_wide(factor, value.dtype)
    if factor.op.name == "divide":
        # The division last: where the divisor was broadcast, it can wait for the sum.
        top, bottom = factor.inputs
        if bottom.ndim < value.ndim or bottom.shape != factor.shape:
            return _product(value, top) / bottom
    return value * factor if _constant_value(factor) is None else factor * value


def add_up(terms: Sequence[Node]) -> Node:
    """The sum of contributions, first to last."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def differentiable_operands(node: Node) -> tuple[int, ...]:
    """Positions of the operands through which a derivative can pass."""
    op = node.op
    if isinstance(op, Discrete):
        return ()
    if isinstance(op, Linear):
        positions: Sequence[int] = op.positions(node)
    elif isinstance(op, Elementwise) and op.partials is not None:
        positions = [i for i, rule in enumerate(op.partials) if rule is not None]
    else:
        positions = range(len(node.inputs))
    return tuple([i for i in positions if _inexact(node.inputs[i])])


def _inexact(node: Node) -> bool:
    kind = node.result_type
    if isinstance(kind, TupleType):
        return any(item.inexact for item in kind.items)
    return kind.inexact


def partial(node: Node, operand: int) -> Node:
    """The derivative of an element-wise node by one of its operands."""
    op = node.op
    assert isinstance(op, Elementwise)
    if op.partials is None:
        op.partials = op.derive_partials()
    rule = op.partials[operand]
    if rule is None:
        return zeros_like(node)
    wide = [_in_dtype_of(node, i) for i in range(len(node.inputs))]
    found = rule(node, *wide)
    # What only multiplies the cotangent takes its dtype by itself.
    return next((x for x, y in zip(node.inputs, wide, strict=True) if y is found), found)


def _in_dtype_of(node: Node, operand: int) -> Node:
    """An operand in the dtype of the result, as NumPy's loops compute with it.

    ``-y`` of an unsigned integer, its square, or ``1 / y`` in half precision would be others.
    """
    op, x = node.op, node.inputs[operand]
    assert isinstance(op, Elementwise)
    number = not op.kinds or op.kinds[operand] == "f"
    narrow = x.dtype != node.dtype and np.can_cast(x.dtype, node.dtype)
    return x.astype(node.dtype) if number and narrow and node.type.inexact else x


# Forward ---------------------------------------------------------------------------------------


def forward(node: Node, tangents: Sequence[Any], push_forward: Walk) -> Any:
    """Tangent of a node from those of its operands, ``None`` where one is zero.

    Where results or operands are several, their tangents are lists with ``None`` for zero.
    `push_forward` is the walk over a whole graph, for the bodies of branches and loops.
    """
    op = node.op
    if isinstance(op, Item):
        return tangents[0][op.index]
    if isinstance(op, Elementwise):
        return _forward_elementwise(node, tangents)
    if isinstance(op, Linear):
        return _forward_linear(node, op, tangents)
    if isinstance(op, Multilinear):
        terms = [
            make(op, *node.inputs[:i], fit(tangent, node.inputs[i].type), *node.inputs[i + 1 :])
            for i, tangent in enumerate(tangents)
            if tangent is not None
        ]
        return add_up(terms) if terms else None
    if isinstance(op, Structured):
        return op.jvp(node, tangents)
    if isinstance(op, ControlFlow):
        return op.jvp(node, tangents, push_forward)
    raise DerivativeError(
        f"{op.name} has no derivative", hint="sg.stop_gradient(x) treats a value as constant"
    )


def _forward_elementwise(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    terms = [
        scale(tangent, partial(node, i))
        for i, tangent in enumerate(tangents)
        if tangent is not None
    ]
    return fit(add_up(terms), node.type) if terms else None


def _forward_linear(node: Node, op: Linear, tangents: Sequence[Node | None]) -> Any:
    positions = op.positions(node)
    if all(tangents[i] is None for i in positions):
        return None
    inputs = list(node.inputs)
    for i in positions:
        tangent = tangents[i]
        inputs[i] = zeros_like(inputs[i]) if tangent is None else tangent
    result = make(op, *inputs)
    kind = node.result_type
    if isinstance(kind, TupleType):
        return [make(Item(i), result) for i in range(len(kind.items))]
    return result


# Reverse ---------------------------------------------------------------------------------------


def reverse(
    node: Node, cotangent: Any, wanted: Sequence[int], pull_back: Walk
) -> list[Node | None]:
    """Cotangents of the operands at the positions `wanted`.

    Where a node has several results `cotangent` is a list with ``None`` for zero. `pull_back` is
    the walk over a whole graph, which transposes the forward rules of structured operations.
    """
    op = node.op
    if isinstance(op, Elementwise):
        products = [scale(cotangent, partial(node, i)) for i in wanted]
        # A factor 1 is dropped: what is left may be smaller than the result.
        whole = [apply("broadcast_to", product, node.shape) for product in products]
        return [fit(product, node.inputs[i].type) for product, i in zip(whole, wanted, strict=True)]
    if isinstance(op, Linear):
        if isinstance(cotangent, list):
            cotangent = _without_gaps(node, cast("list[Node | None]", cotangent))
        found = dict(zip(op.positions(node), op.transpose(node, cotangent), strict=True))
        return [_fitted(found[i], node.inputs[i]) for i in wanted]
    if isinstance(op, Multilinear):
        return [fit(op.transpose(node, i, cotangent), node.inputs[i].type) for i in wanted]
    if isinstance(op, Structured):
        declared = op.vjp(node, cotangent)
        if declared is not None:
            return [_fitted(declared[i], node.inputs[i]) for i in wanted]
        return _transposed_forward(node, op, cotangent, wanted, pull_back)
    if isinstance(op, ControlFlow):
        found = op.vjp(node, cotangent, wanted, pull_back)
        return [_fitted(ct, node.inputs[i]) for ct, i in zip(found, wanted, strict=True)]
    raise DerivativeError(
        f"{op.name} has no derivative", hint="sg.stop_gradient(x) treats a value as constant"
    )


def _fitted(value: Node | None, operand: Node) -> Node | None:
    return None if value is None else fit(value, operand.type)


def _without_gaps(node: Node, cotangents: Sequence[Node | None]) -> Any:
    kind = node.result_type
    assert isinstance(kind, TupleType)
    zero = [constant(np.zeros((), item.dtype)) for item in kind.items]
    return [
        apply("broadcast_to", z, item.shape) if ct is None else ct
        for ct, z, item in zip(cotangents, zero, kind.items, strict=True)
    ]


def _transposed_forward(
    node: Node, op: Structured, cotangent: Any, wanted: Sequence[int], pull_back: Walk
) -> list[Node | None]:
    """The reverse rule of a structured operation: its forward rule, walked backwards.

    The forward rule is linear in the tangents, so its derivative by them does not depend on
    them, and the ordinary reverse walk transposes it.
    """
    tangents: list[Node | None] = [None] * len(node.inputs)
    for i in wanted:
        operand = node.inputs[i]
        tangents[i] = placeholder(f"tangent_{i}", operand.shape, operand.dtype)
    results = op.jvp(node, tangents)
    several = isinstance(results, list | tuple)
    pairs: Iterable[tuple[Any, Any]] = (
        zip(cast("Sequence[Any]", results), cotangent, strict=True)
        if several
        else [(results, cotangent)]
    )
    known = [(r, ct) for r, ct in pairs if r is not None and ct is not None]
    leaves = [tangents[i] for i in wanted]
    found = pull_back(
        [r for r, _ in known],
        [ct for _, ct in known],
        [leaf for leaf in leaves if leaf is not None],
    )
    return list(found)
