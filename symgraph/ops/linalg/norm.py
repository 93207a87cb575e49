"""Norms of vectors, and the Frobenius norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.types import TensorType, Type
from symgraph.ops.elementwise import absolute, where
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.linalg.operands import floating
from symgraph.ops.reduce import (
    CUBE,
    Reduction,
    axes_examples,
    axis_text,
    normalize_axes,
    reduced_shape,
    sum,
)
from symgraph.ops.reduce_order import max, min


@record
class Norm(Reduction, Structured):
    """The square root of the sum of squares over axes; where it is 0 its derivative is 0."""

    name: ClassVar[str] = "norm"

    def infer(self, *types: TensorType) -> Type:
        """The other axes."""
        return types[0].with_shape(reduced_shape(types[0].shape, self.axes, self.keepdims))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.norm``, which takes at most two axes, or all."""
        if not self.axes:
            return call("np.abs", *args)
        axis = axis_text(self.axes, node.inputs[0].ndim)
        name = "vector_norm" if axis and len(self.axes) > 2 else "norm"
        keepdims = "True" if self.keepdims else ""
        return call(f"np.linalg.{name}", *args, axis=axis, keepdims=keepdims)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The component of the tangent along x."""
        tangent = tangents[0]
        assert tangent is not None
        return sum(node.inputs[0] * tangent, self.axes, keepdims=self.keepdims) / _not_zero(node)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``ct x / norm``."""
        x = node.inputs[0]
        return (self.spread(cotangent / _not_zero(node), x) * x,)


def _not_zero(node: Node) -> Node:
    # Where the norm is 0 so is x: any divisor but 0 gives the derivative 0.
    return where(node == 0, 1.0, node)


@builder(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors, or Frobenius norm of matrices, as ``np.linalg.norm``.

    The derivative of the 2-norm and the Frobenius norm at 0 is 0.

    Parameters
    ----------
    x : array_like
    ord : {None, 2, 1, inf, -inf, "fro"}, optional
        For vectors a number; for matrices ``"fro"`` or nothing.
    axis : int or tuple of int, optional
        One axis for vectors, two for matrices; by default all of `x`.
    keepdims : bool, optional
        Whether the axes stay, with size one.

    Raises
    ------
    UnsupportedError
        For other norms.
    """
    if not any_node(x):
        return np.linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims)
    node = floating(x, "norm")
    axes = normalize_axes(axis, node.ndim, "norm")
    if ord is None or (len(axes) == 2 and ord == "fro"):
        return make(Norm(axes, bool(keepdims)), node)
    if len(axes) == 1:
        return _vector_norm(node, ord, axes, bool(keepdims))
    raise UnsupportedError(
        f"norm: ord={ord!r} for {len(axes)} axes",
        expected="'fro' or nothing for matrices, one axis for vectors",
        got=f"ord={ord!r}, axis={axis}",
        hint="vector norms of several axes: sg.linalg.vector_norm",
    )


def _vector_norm(node: Node, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Node:
    if ord == 2:
        return make(Norm(axes, keepdims), node)
    if ord == 1:
        return sum(absolute(node), axis=axes, keepdims=keepdims)
    if ord == np.inf:
        return max(absolute(node), axis=axes, keepdims=keepdims)
    if ord == -np.inf:
        return min(absolute(node), axis=axes, keepdims=keepdims)
    raise UnsupportedError(
        f"norm: ord={ord!r}",
        expected="1, 2, inf or -inf",
        hint="np.sum(np.abs(x) ** p) ** (1 / p)",
    )


@builder(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of vectors, over any axes, as ``np.linalg.vector_norm``.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool, optional
        Whether the axes stay, with size one.
    ord : {2, 1, inf, -inf}, optional

    Raises
    ------
    UnsupportedError
        For other norms.
    """
    if not any_node(x):
        return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    node = floating(x, "vector_norm")
    return _vector_norm(node, ord, normalize_axes(axis, node.ndim, "vector_norm"), bool(keepdims))


@builder(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Frobenius norm over the last two axes, as ``np.linalg.matrix_norm``.

    Raises
    ------
    UnsupportedError
        For other norms.
    """
    if not any_node(x):
        return np.linalg.matrix_norm(x, keepdims=keepdims, ord=ord)
    return norm(x, ord, (-2, -1), keepdims)


_VECTOR = np.array([3.0, -4.0, 1.0])

EXAMPLES: dict[str, list[Example]] = {
    "norm": [
        *axes_examples(np.linalg.norm),
        Example(lambda x: np.linalg.norm(x, "fro", (1, 2)), (CUBE,)),
        Example(lambda x: np.linalg.norm(x, 2), (_VECTOR,)),
        Example(lambda x: np.linalg.norm(x, 1), (_VECTOR,)),
        Example(lambda x: np.linalg.norm(x, np.inf, axis=0), (CUBE,)),
        Example(lambda x: np.linalg.norm(x, -np.inf, axis=0, keepdims=True), (CUBE,)),
        Example(np.linalg.norm, (np.arange(3),)),
    ],
    "vector_norm": [
        Example(lambda x: np.linalg.vector_norm(x, axis=(0, 1, 3)), (CUBE[..., None],)),
        Example(np.linalg.vector_norm, (CUBE,)),
        Example(lambda x: np.linalg.vector_norm(x, axis=(0, 2), ord=1), (CUBE,)),
    ],
    "matrix_norm": [Example(np.linalg.matrix_norm, (CUBE,))],
}
