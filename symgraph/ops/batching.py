"""Batching rules that follow from one fact: which axes an operation works along.

A rule puts one axis in front. What works along axes that are attributes works along the next ones
then; what works on trailing axes does not notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from symgraph.graph.node import Node, make
from symgraph.graph.op import Op
from symgraph.graph.record import with_fields
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType

__all__ = ["AlongAxes", "OnTrailingAxes", "broadcast_apart", "in_front", "next_axes", "stacked"]


def broadcast_apart(
    result: Node | TensorType, operand: Node, rank: int, most: int
) -> tuple[int | None, ...]:
    """`Op.apart` where leading axes broadcast: so many of the operand, and of the result."""
    found: list[int | None] = [None] * result.ndim
    for axis in range(rank):
        place = axis + most - rank
        if operand.shape[axis] == result.shape[place]:
            found[place] = axis
    return tuple(found)


def in_front(stack: Node, ndim: int) -> Node:
    """A stack of arrays that broadcast to `ndim` dimensions, as a stack of such arrays."""
    missing = ndim - (stack.ndim - 1)
    if not missing:
        return stack
    return apply("expand_dims", stack, tuple(range(1, missing + 1)))


def stacked(operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> list[Node]:
    """Every operand as a stack: those that are not mapped are repeated."""
    return [
        operand if is_mapped else apply("broadcast_to", operand, (size, *operand.shape))
        for operand, is_mapped in zip(operands, mapped, strict=True)
    ]


def next_axes(axes: Iterable[int]) -> tuple[int, ...]:
    """The places of axes behind a new first one."""
    return tuple([axis + 1 for axis in axes])


class AlongAxes(Op):
    """Works along the axes that some of its attributes hold; further ones in front are a batch."""

    axis_fields: ClassVar[tuple[str, ...]] = ("axes",)
    """Attributes that are an axis, or a tuple of axes."""

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself along the next axes."""
        moved: dict[str, Any] = {}
        for name in self.axis_fields:
            axes: Any = getattr(self, name)
            moved[name] = axes + 1 if isinstance(axes, int) else next_axes(axes)
        return make(with_fields(self, **moved), *stacked(operands, mapped, size))

    def worked(self) -> set[int]:
        """The axes that its attributes hold."""
        found: set[int] = set()
        for name in self.axis_fields:
            axes: Any = getattr(self, name)
            found |= {axes} if isinstance(axes, int) else set(axes)
        return found

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The axes along which it does not work, where they all stay."""
        worked, x = self.worked(), node.inputs[operand]
        kept = [i for i in range(x.ndim) if i not in worked]
        if result.ndim == len(kept):
            return tuple(kept)
        if result.ndim != x.ndim:
            return (None,) * result.ndim
        return tuple([None if i in worked else i for i in range(x.ndim)])


class OnTrailingAxes(Op):
    """Works on so many trailing axes of each operand; those in front are a batch and broadcast."""

    core: ClassVar[tuple[int, ...]] = (2,)
    """For each operand how many."""

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself, with axes of length one behind the batch where an operand has fewer."""
        rank = max(x.ndim - core for x, core in zip(node.inputs, self.core, strict=True))
        return make(
            self,
            *[
                in_front(operand, rank + core) if is_mapped else operand
                for operand, is_mapped, core in zip(operands, mapped, self.core, strict=True)
            ],
        )

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The axes of the batch."""
        ranks = [x.ndim - core for x, core in zip(node.inputs, self.core, strict=True)]
        return broadcast_apart(result, node.inputs[operand], ranks[operand], max(ranks))
