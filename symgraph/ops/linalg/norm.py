"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.types import TensorType, Type
from symgraph.ops.arrange import moveaxis
from symgraph.ops.calls import of_numpy
from symgraph.ops.elementwise import absolute, where
from symgraph.ops.facts import NOT_NEGATIVE
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.linalg.operands import conjugate, floating, real_dtype, real_part
from symgraph.ops.linalg.solve import regular, turned
from symgraph.ops.linalg.svd import svdvals
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
from symgraph.ops.shape import expand_dims, normalize_axis_list, squeeze


@record
class Norm(Reduction, Structured):
    """The square root of the sum of squares over axes; where it is 0 its derivative is 0."""

    name: ClassVar[str] = "norm"

    @property
    def order(self) -> float:
        """What NumPy calls ``ord``."""
        return 2

    def infer(self, *types: TensorType) -> Type:
        """The other axes, real."""
        shape = reduced_shape(types[0].shape, self.axes, self.keepdims)
        return TensorType(real_dtype(types[0].dtype), shape)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Never negative."""
        return NOT_NEGATIVE

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.linalg.norm``, which takes at most two axes, or all."""
        if not self.axes:
            return call("np.abs", *args)
        axis = axis_text(self.axes, node.inputs[0].ndim)
        vectors = axis and len(self.axes) > 2 if self.order == 2 else len(self.axes) > 1
        name = "vector_norm" if vectors else "norm"
        keepdims = "True" if self.keepdims else ""
        ord = "" if self.order == 2 else str(self.order)
        return call(f"np.linalg.{name}", *args, ord=ord, axis=axis, keepdims=keepdims)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The component of the tangent along x."""
        tangent = tangents[0]
        assert tangent is not None
        products = real_part(conjugate(node.inputs[0]) * tangent)
        return sum(products, self.axes, keepdims=self.keepdims) / _not_zero(node)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``ct x / norm``."""
        x = node.inputs[0]
        return (self.spread(cotangent / _not_zero(node), x) * conjugate(x),)


@record
class PowerNorm(Norm):
    """``sum(|x|**p) ** (1 / p)`` over axes; where it is 0 its derivative is 0."""

    p: float = 3.0
    name: ClassVar[str] = "power_norm"

    @property
    def order(self) -> float:
        """What NumPy calls ``ord``."""
        return int(self.p) if self.p.is_integer() else self.p

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``sum((|x| / norm)**(p - 1) * sign(x) * dx)``."""
        tangent = tangents[0]
        assert tangent is not None
        products = real_part(self._slope(node) * tangent)
        return sum(products, self.axes, keepdims=self.keepdims)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``ct (|x| / norm)**(p - 1) * sign(x)``."""
        return (self.spread(cotangent, node.inputs[0]) * self._slope(node),)

    def _slope(self, node: Node) -> Node:
        x = node.inputs[0]
        share = absolute(x) / self.spread(_not_zero(node), x)
        # Of the given power where that is a whole number: a product then.
        return share ** (self.order - 1) * conjugate(apply("sign", x))


def _not_zero(node: Node) -> Node:
    # Where the norm is 0 so is x: any divisor but 0 gives the derivative 0.
    return where(node == 0, 1.0, node)


@of_numpy(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices, as ``np.linalg.norm``.

    Parameters
    ----------
    x : array_like
    ord : number, inf, -inf, "fro" or "nuc", optional
        Of vectors any number; of matrices 1, -1, 2, -2, inf, -inf, ``"fro"`` or ``"nuc"``.
        By default the square root of the sum of all squares.
    axis : int or tuple of int, optional
        One axis for vectors, two for matrices; by default all of `x`, which must then have one or
        two dimensions if `ord` is given.
    keepdims : bool, optional
        Whether the axes stay, with size one.

    Raises
    ------
    UnsupportedError
        For what is no norm of vectors or matrices.

    Notes
    -----
    The derivative at 0 is 0. Ties of 1, inf and 2 share the derivative evenly. The norms by
    singular values (2, -2, ``"nuc"``) have the derivative of `svdvals`.
    """
    node = floating(x, "norm", real=False)
    axes = tuple(range(node.ndim)) if axis is None else normalize_axis_list(axis, node.ndim, "norm")
    if ord is None:
        return make(Norm(tuple(sorted(axes)), bool(keepdims)), node)
    if len(axes) == 1:
        return _vector_norm(node, ord, axes, bool(keepdims))
    if len(axes) == 2:
        return _matrix_norm(node, ord, (axes[0], axes[1]), bool(keepdims))
    raise UnsupportedError(
        f"norm: ord={ord!r} for {len(axes)} axes",
        expected="one axis for vectors, two for matrices",
        got=f"ord={ord!r}, axis={axis}",
        hint="vector norms of several axes: sg.linalg.vector_norm",
    )


def _vector_norm(node: Node, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Node:
    axes = tuple(sorted(axes))
    if isinstance(ord, str) or any_node(ord):
        raise UnsupportedError(f"norm of vectors: ord={ord!r}", expected="a number")
    if ord == 2:
        return make(Norm(axes, keepdims), node)
    if ord == 1:
        return sum(absolute(node), axis=axes, keepdims=keepdims)
    if ord == np.inf:
        return max(absolute(node), axis=axes, keepdims=keepdims)
    if ord == -np.inf:
        return min(absolute(node), axis=axes, keepdims=keepdims)
    if ord == 0:
        return sum((node != 0).astype(real_dtype(node.dtype)), axis=axes, keepdims=keepdims)
    order = float(ord)
    if math.isnan(order):
        raise UnsupportedError("norm of vectors: ord", expected="a number", got="nan")
    return make(PowerNorm(axes, keepdims, order), node)


_EXTREMES = {1: max, -1: min, np.inf: max, -np.inf: min, 2: max, -2: min}


def _matrix_norm(node: Node, ord: Any, axes: tuple[int, int], keepdims: bool) -> Node:
    if isinstance(ord, str):
        if ord == "fro":
            return make(Norm(tuple(sorted(axes)), keepdims), node)
        reduction = sum if ord == "nuc" else None
    else:
        reduction = _EXTREMES.get(ord)
    if reduction is None:
        raise UnsupportedError(
            f"norm of matrices: ord={ord!r}",
            expected="1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'",
            hint="norms of the elements: sg.linalg.vector_norm",
        )
    if ord in ("nuc", 2, -2):
        values = reduction(svdvals(moveaxis(node, axes, (-2, -1))), axis=-1)
    else:
        rows, columns = axes if ord in (1, -1) else axes[::-1]
        sums = sum(absolute(node), axis=rows, keepdims=True)
        values = squeeze(reduction(sums, axis=columns, keepdims=True), axes)
    return expand_dims(values, axes) if keepdims else values


@of_numpy(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of vectors, over any axes, as ``np.linalg.vector_norm``.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool, optional
        Whether the axes stay, with size one.
    ord : number, inf or -inf, optional

    Raises
    ------
    UnsupportedError
        If `ord` is not a number.
    """
    node = floating(x, "vector_norm", real=False)
    return _vector_norm(node, ord, normalize_axes(axis, node.ndim, "vector_norm"), bool(keepdims))


@of_numpy(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of matrices on the last two axes, as ``np.linalg.matrix_norm``; see `norm`.

    Raises
    ------
    UnsupportedError
        For what is no norm of matrices.
    """
    return norm(x, ord, (-2, -1), keepdims)


_VECTOR = np.array([3.0, -4.0, 1.0])
_MATRICES = regular(2, 3, 3)

EXAMPLES: dict[str, list[Example]] = {
    "norm": [
        *axes_examples(np.linalg.norm),
        Example(lambda x: np.linalg.norm(x, "fro", (1, 2)), (CUBE,)),
        Example(lambda x: np.linalg.norm(x, 2), (_VECTOR,)),
        Example(lambda x: np.linalg.norm(x, 1), (_VECTOR,)),
        Example(lambda x: np.linalg.norm(x, np.inf, axis=0), (CUBE,)),
        Example(lambda x: np.linalg.norm(x, -np.inf, axis=0, keepdims=True), (CUBE,)),
        Example(np.linalg.norm, (np.arange(3),)),
        *[Example(partial(norm, ord=ord), (turned(_VECTOR),)) for ord in (None, 1, 3, np.inf)],
        *[Example(partial(norm, ord=ord), (turned(_MATRICES[0]),)) for ord in ("nuc", 2, "fro")],
        Example(lambda x: np.linalg.norm(x, 3), (_VECTOR,)),
        Example(lambda x: np.linalg.norm(x, 2.5, 1), (CUBE.astype(np.float32),)),
        Example(lambda x: np.linalg.norm(x, -2, axis=0), (_VECTOR,)),
        Example(lambda x: np.linalg.norm(x, 0, axis=0), (_VECTOR,)),
        *[
            Example(partial(norm, ord=ord, axis=axes, keepdims=keepdims), (_MATRICES,))
            for ord, axes, keepdims in (
                (1, (1, 2), False),
                (-1, (2, 1), True),
                (np.inf, (0, 2), False),
                (-np.inf, (1, 2), True),
                ("nuc", (1, 2), False),
                (2, (2, 1), True),
                (-2, (2, 0), False),
            )
        ],
    ],
    "vector_norm": [
        Example(lambda x: np.linalg.vector_norm(x, axis=(0, 1, 3)), (CUBE[..., None],)),
        Example(np.linalg.vector_norm, (CUBE,)),
        Example(lambda x: np.linalg.vector_norm(x, axis=(0, 2), ord=1), (CUBE,)),
        Example(lambda x: np.linalg.vector_norm(x, axis=(0, 1, 2), ord=4), (CUBE,)),
    ],
    "matrix_norm": [
        Example(np.linalg.matrix_norm, (CUBE,)),
        Example(lambda x: np.linalg.matrix_norm(x, ord=2), (_MATRICES,)),
    ],
}
