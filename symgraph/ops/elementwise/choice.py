"""Choice between two values, element by element; and constants in the form of a node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.elementwise.comparison import logical_not
from symgraph.ops.facts import both, either
from symgraph.ops.kinds import Linear, any_node, promote, weak_nodes


def zeros_like(node: Node) -> Node:
    """Zeros of the dtype and shape of a node."""
    return full_like(node, 0)


def full_like(node: Node, value: complex) -> Node:
    """One value in the dtype and shape of a node."""
    scalar = constant(np.asarray(value, dtype=node.dtype))
    return scalar if node.ndim == 0 else _broadcast(scalar, node)


def _broadcast(scalar: Node, like: Node) -> Node:
    return apply("broadcast_to", scalar, like.shape)


def is_zero(node: Node) -> bool:
    """Whether a node is the constant zero, broadcast or not."""
    while node.op.name == "broadcast_to":
        (node,) = node.inputs
    return isinstance(node.op, Constant) and node.ndim == 0 and node.op.value[()] == 0


def mask_times(mask: Node, value: Node) -> Node:
    """``value`` where `mask` is true and zero elsewhere, infinities included."""
    return make(WHERE, mask, value, constant(np.zeros((), value.dtype)))


@record
class Where(OnTrailingAxes, Linear):
    """``where(condition, x, y)``: linear in x and y, and it masks: 0 * inf never happens."""

    name: ClassVar[str] = "where"
    analytic: ClassVar[bool] = True
    core: ClassVar[tuple[int, ...]] = (0, 0, 0)
    linear: ClassVar[tuple[int, ...] | None] = (1, 2)

    def infer(self, *types: TensorType) -> Type:
        """Broadcast shape, common dtype of the two values."""
        shape = broadcast_shapes(*[t.shape for t in types], what="where")
        return TensorType(promote([types[1].dtype, types[2].dtype]), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.where``."""
        return call("np.where", *args)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent where each was taken, zero elsewhere."""
        mask = node.inputs[0]
        zero = constant(np.zeros((), cotangent.dtype))
        return make(self, mask, cotangent, zero), make(self, mask, zero, cotangent)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of the two values together."""
        (low, high), (other_low, other_high) = operands[1:]
        return min(low, other_low), max(high, other_high)

    def support(self, node: Node, masks: Sequence[Node | None]) -> Node | None:
        """The condition where the other value is zero; else it chooses between their supports."""
        condition, first, second = node.inputs
        if is_zero(second):
            return both(condition, masks[1])
        other = logical_not(condition)
        if is_zero(first):
            return both(other, masks[2])
        if masks[1] is None:
            return None if masks[2] is None else either(condition, masks[2])
        return either(masks[1], other if masks[2] is None else both(other, masks[2]))

    def work(self, node: Node) -> float:
        """A random mask defeats the branch predictor."""
        return 4.5


WHERE = Where()


@builder(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of `x` where the condition is true, of `y` elsewhere.

    The derivative is that of the branch taken; an infinity or NaN in the other never reaches it.

    Parameters
    ----------
    condition, x, y : array_like
        Broadcast against each other.

    Raises
    ------
    UnsupportedError
        With the condition alone: the shape of the result would depend on its values.
    """
    if x is None or y is None:
        raise UnsupportedError(
            "where(condition) alone: the shape of the result depends on values",
            hint="where(condition, x, y) with both values",
        )
    if not any_node(condition, x, y):
        return cast("Any", np.where(condition, x, y))
    mask = as_node(condition)
    first, second = weak_nodes((x, y), "where")
    return make(WHERE, mask if mask.dtype.kind == "b" else mask != 0, first, second)
