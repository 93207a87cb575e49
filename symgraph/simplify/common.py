"""What rules ask of nodes."""

from __future__ import annotations

from math import isfinite, log2
from typing import Any, Literal, TypeAlias

import numpy as np

from symgraph.graph.leaves import Constant, SizeValue
from symgraph.graph.node import Node, constant
from symgraph.graph.types import DType
from symgraph.ops.index import GetItem
from symgraph.ops.indices import Mark, Range
from symgraph.ops.reduce import BroadcastTo

__all__ = [
    "HEADROOM",
    "Headroom",
    "factor",
    "headroom_of",
    "is_known_factor",
    "is_moderate",
    "is_number",
    "is_op",
    "number",
    "scalar",
    "turned_axes",
    "unaxed",
    "unbroadcast",
]


def is_op(node: Node, *names: str) -> bool:
    """Whether a node applies one of these operations."""
    return node.op.name in names


def unbroadcast(node: Node) -> Node:
    """What a node is a broadcast of."""
    while isinstance(node.op, BroadcastTo):
        (node,) = node.inputs
    return node


def unaxed(node: Node) -> Node:
    """What new axes were added to."""
    while is_op(node, "expand_dims", "reshape"):
        (node,) = node.inputs
    return node


def turned_axes(node: Node) -> set[int] | None:
    """The axes that an index reverses, if it does nothing else."""
    if not isinstance(node.op, GetItem) or node.ndim != node.inputs[0].ndim:
        return None
    if any(not isinstance(entry, Range) and entry is not Mark.ELLIPSIS for entry in node.op.index):
        return None
    places = [i for i, entry in enumerate(node.op.index) if entry is Mark.ELLIPSIS]
    entries = list(node.op.index)
    if places:
        entries[places[0] : places[0] + 1] = [Range()] * (node.ndim - len(entries) + 1)
    if any(entry not in (Range(), Range(step=-1)) for entry in entries):
        return None
    return {i for i, entry in enumerate(entries) if entry == Range(step=-1)}


def number(node: Node) -> Any:
    """The value of a 0-d constant, broadcast or not; ``None`` for anything else."""
    node = unbroadcast(node)
    if isinstance(node.op, Constant) and node.ndim == 0:
        return node.op.value[()]
    return None


def is_number(node: Node, value: float) -> bool:
    """Whether a node is this number, which may be broadcast."""
    found = number(node)
    return found is not None and bool(found == value)


def scalar(value: Any, like: Node) -> Node:
    """A 0-d constant of a node's dtype."""
    with np.errstate(all="ignore"):
        return constant(np.asarray(value, dtype=like.dtype))


def factor(node: Node) -> tuple[Node | None, Node]:
    """A 0-d factor and the rest of a product; ``None`` if there is no factor."""
    if not is_op(node, "multiply") or node.dtype.kind != "f":
        return None, node
    x, y = node.inputs
    for c, rest in ((x, y), (y, x)):
        small = unbroadcast(c)
        if small.ndim or small.dtype != node.dtype:
            continue
        if unbroadcast(rest).ndim or isinstance(small.op, Constant):
            return small, rest
    return None, node


_MOST_STEPS = 8
_SIZE_BITS = 48.0  # what a process can address


def _magnitude(node: Node, steps: int = _MOST_STEPS) -> float | None:
    """A bound of ``abs(log2(abs(value)))`` of a 0-d node; ``None`` if there is none."""
    node = unbroadcast(node)
    if isinstance(node.op, SizeValue):
        return _SIZE_BITS
    value = number(node)
    if value is not None:
        size = float(abs(value))
        return abs(log2(size)) if size and isfinite(size) else None
    if not steps or node.ndim or not is_op(node, "multiply", "divide", "negative"):
        return None
    parts = [_magnitude(operand, steps - 1) for operand in node.inputs]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def is_moderate(dtype: DType, *nodes: Node) -> bool:
    """Whether products and quotients of these known numbers and sizes stay finite and normal.

    A size may be 0: then there is nothing that it could spoil.
    """
    total = 0.0
    for node in nodes:
        bound = _magnitude(node)
        if bound is None:
            return False
        total += bound
    return total < -np.finfo(dtype).minexp - 2


Headroom: TypeAlias = "int | Literal['half']"
HEADROOM = 64
"""The binary orders of magnitude between which known factors lie."""


def headroom_of(headroom: Headroom, dtype: DType) -> int:
    """By how many powers of two values must stay clear of both ends of a dtype's range.

    At most half of the range; for ``"half"`` so many that the product of two values that stay
    clear is clear of the ends by `HEADROOM`.

    Examples
    --------
    >>> [headroom_of("half", np.dtype(kind)) for kind in ("float64", "float32", "float16")]
    [544, 96, 12]
    """
    most = int(np.finfo(dtype).maxexp)
    known = min(HEADROOM, most // 2)
    return (most + known) // 2 if headroom == "half" else min(headroom, known)


def is_known_factor(node: Node) -> bool:
    """Whether a 0-d node is made of numbers and sizes and lies within the headroom."""
    bound = _magnitude(node)
    if bound is None or node.dtype.kind != "f":
        return False
    return bound <= headroom_of(HEADROOM, node.dtype)
