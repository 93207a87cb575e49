"""The cross product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.arrange import moveaxis
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.kinds import Example, Multilinear, promote, weak_nodes
from symgraph.ops.products import array
from symgraph.ops.shape import shape_text

__all__ = ["cross"]


@record
class Cross(OnTrailingAxes, Multilinear):
    """``a x b`` of the vectors of length 3 along the last axes."""

    name: ClassVar[str] = "cross"
    core: ClassVar[tuple[int, ...]] = (1, 1)

    def infer(self, *types: TensorType) -> Type:
        """Vectors behind the broadcast batch."""
        a, b = types
        if a.shape[-1:] != (3,) or b.shape[-1:] != (3,):
            raise ShapeError(
                "cross: vectors have three components",
                expected="3 along the axis",
                got=f"{shape_text(a.shape)} and {shape_text(b.shape)}",
                hint="in the plane: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]",
            )
        what = f"cross of {shape_text(a.shape)} and {shape_text(b.shape)}"
        return TensorType(
            promote([a.dtype, b.dtype]), broadcast_shapes(a.shape, b.shape, what=what)
        )

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.cross``."""
        return call("np.cross", *args)

    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        """``ct . (a x b)`` is ``a . (b x ct)`` and ``b . (ct x a)``."""
        a, b = node.inputs
        return make(self, b, cotangent) if operand == 0 else make(self, cotangent, a)

    def work(self, node: Node) -> float:
        """A few passes."""
        return 5.0

    def flops(self, node: Node) -> Dim:
        """Two multiplications and a subtraction for each element."""
        return 3 * node.size


@of_numpy(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Cross product of vectors of length 3, as ``np.cross``.

    Parameters
    ----------
    a, b : array_like
        Broadcast against each other.
    axisa, axisb, axisc : int, optional
        The axis of the components in `a`, in `b` and in the result.
    axis : int, optional
        All three.

    Raises
    ------
    ShapeError
        If there are not three components (NumPy has deprecated two).
    """
    first, second = weak_nodes([a, b], "cross")
    if axis is not None:
        axisa = axisb = axisc = axis
    last = [moveaxis(x, i, -1) if x.ndim else x for x, i in ((first, axisa), (second, axisb))]
    return moveaxis(make(Cross(), *last), -1, axisc)


@builder(np.linalg.cross, name="linalg.cross")
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Cross product of vectors of length 3, as ``np.linalg.cross``."""
    return cross(x1, x2, axis=axis)


EXAMPLES: dict[str, list[Example]] = {
    "cross": [
        Example(np.cross, (array(3), array(3, shift=1.0))),
        Example(np.cross, (array(2, 1, 3), array(4, 3, shift=1.0))),
        Example(lambda a, b: np.cross(a, b, 0, 1), (array(3, 2), array(2, 3, shift=1.0))),
        Example(lambda a, b: np.cross(a, b, axis=0), (array(3, 2), array(3, 2, shift=1.0))),
        Example(np.cross, (np.array([1, 2, 3]), array(3).astype(np.float32))),
        Example(np.cross, (np.zeros((0, 3)), array(3))),
        Example(np.cross, (array(3) * 1j, array(2, 3) - 2j)),
    ],
    "linalg.cross": [
        Example(lambda a, b: linalg_cross(a, b, axis=0), (array(3, 2), array(3, 2, shift=1.0)))
    ],
}
