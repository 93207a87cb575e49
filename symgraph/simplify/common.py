"""What rules ask of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph.leaves import Constant, SizeValue
from symgraph.graph.node import Node, constant, make
from symgraph.ops.reduce import BroadcastTo

__all__ = ["is_op", "number", "scalar", "unbroadcast"]


def is_op(node: Node, *names: str) -> bool:
    """Whether a node applies one of these operations."""
    return node.op.name in names


def unbroadcast(node: Node) -> Node:
    """What a node is a broadcast of."""
    while isinstance(node.op, BroadcastTo):
        (node,) = node.inputs
    return node


def number(node: Node) -> Any:
    """The value of a 0-d constant, broadcast or not; ``None`` for anything else."""
    node = unbroadcast(node)
    if isinstance(node.op, Constant) and node.ndim == 0:
        return node.op.value[()]
    return None


def scalar(value: Any, like: Node) -> Node:
    """A 0-d constant of a node's dtype."""
    with np.errstate(all="ignore"):
        return constant(np.asarray(value, dtype=like.dtype))


def is_constant(node: Node) -> bool:
    """Whether the value is known, or a size."""
    return isinstance(node.op, Constant | SizeValue)


def remake(node: Node, *inputs: Node) -> Node:
    """The operation of a node on other operands."""
    return make(node.op, *inputs)
