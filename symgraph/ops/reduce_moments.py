"""Reductions that are not linear: variance, standard deviation, product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.types import DType, TensorType, Type, as_dtype, broadcast_shapes
from symgraph.ops.batching import AlongAxes
from symgraph.ops.calls import over_axes
from symgraph.ops.create import arange
from symgraph.ops.elementwise import astype, maximum, sqrt, square, where
from symgraph.ops.facts import NOT_NEGATIVE, power_bounds
from symgraph.ops.kinds import Example, Structured
from symgraph.ops.reduce import (
    CUBE,
    EMPTY,
    Reduction,
    axes_examples,
    concluded,
    count,
    counted,
    masked,
    mean,
    normalize_axes,
    reduce,
    started,
    sum,
)
from symgraph.ops.reduce_order import count_nonzero
from symgraph.ops.shape import expand_dims, inverse_permutation, reshape, shape_text, transpose

__all__ = ["prod", "std", "var"]

# Variance and standard deviation ---------------------------------------------------------------


@record
class _Spread(Reduction, Structured):
    """Variance or standard deviation over axes."""

    ddof: int = 0
    passes: ClassVar[int] = 4

    def keywords(self) -> dict[str, str]:
        """Delta degrees of freedom, where there are some."""
        return {"ddof": str(self.ddof)} if self.ddof else {}

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Squares add up."""
        return NOT_NEGATIVE

    def _centered(self, node: Node) -> Node:
        # As one writes it, so that it is the difference that a graph may hold already.
        x, leading = node.inputs[0], self.axes == tuple(range(len(self.axes)))
        return x - mean(x, self.axes, keepdims=not leading)

    def _freedom(self, node: Node) -> Dim:
        """What the sum of squares is divided by; like NumPy's it is not negative."""
        freedom = count(node.inputs[0].shape, self.axes) - self.ddof
        return 0 if isinstance(freedom, int) and freedom < 0 else freedom


@record
class Var(_Spread):
    """The variance over axes."""

    name: ClassVar[str] = "var"
    shift: ClassVar[str] = "nothing"

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``2 sum((x - mean) * tangent) / freedom``: the mean's tangent sums to nothing."""
        tangent = tangents[0]
        assert tangent is not None
        products = sum(self._centered(node) * tangent, self.axes, keepdims=self.keepdims)
        return 2.0 * products / self._freedom(node)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``2 (x - mean) * cotangent / freedom``."""
        factor = 2.0 * cotangent / self._freedom(node)
        return (self.spread(factor, node.inputs[0]) * self._centered(node),)


@record
class Std(_Spread):
    """The standard deviation over axes; where it is 0 its derivative is 0."""

    name: ClassVar[str] = "std"
    shift: ClassVar[str] = "nothing"

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The tangent of the variance over twice the result."""
        tangent = tangents[0]
        assert tangent is not None
        products = sum(self._centered(node) * tangent, self.axes, keepdims=self.keepdims)
        return products / self._scale(node)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """``(x - mean) * cotangent / (freedom * std)``."""
        factor = cotangent / self._scale(node)
        return (self.spread(factor, node.inputs[0]) * self._centered(node),)

    def _scale(self, node: Node) -> Node:
        # Where the deviation is 0 so is x - mean: any divisor but 0 gives the derivative 0.
        return where(node == 0, 1.0, node) * self._freedom(node)


def _spread_of(
    kind: type[_Spread],
    a: Any,
    axis: Any,
    dtype: Any,
    ddof: Any,
    keepdims: Any,
    mask: Any,
    given: Any,
    correction: Any,
) -> Node:
    if correction is not None:
        if ddof != 0:
            raise InputError(f"{kind.name}: ddof and correction are one parameter", got="both")
        ddof = correction
    if not _finite(ddof):
        raise DTypeError(f"{kind.name}: ddof", expected="a finite number", got=repr(ddof))
    node = as_node(a)
    wanted = _result_dtype(kind.name, node.dtype, dtype)
    if dtype is not None:
        # A real array stays real, though complex numbers be asked for.
        real = wanted.kind == "c" and node.dtype.kind != "c"
        node = astype(node, np.dtype(f"f{wanted.itemsize // 2}") if real else wanted)
    axes = normalize_axes(axis, node.ndim, kind.name)
    node = node if node.type.inexact else astype(node, np.float64)
    if mask is True and given is None and ddof == int(ddof) and node.dtype.kind != "c":
        return astype(make(kind(axes, bool(keepdims), int(ddof)), node), wanted)
    node = masked(node, mask, 0, kind.name)  # what does not count may be NaN
    if given is not None:
        _check_mean(as_node(given), node, kind.name)
    else:
        given = sum(node, axes, keepdims=True) / astype(counted(mask, node, axes, True), node.dtype)
    variance = sum(_squared(node - given), axes, keepdims=bool(keepdims), where=mask)
    number = counted(mask, node, axes, bool(keepdims))
    variance = variance / astype(maximum(number - ddof, 0), variance.dtype)
    if kind is Var:
        return concluded(variance, dtype and wanted)
    positive = variance > 0
    deviation = where(positive, sqrt(where(positive, variance, 1.0)), variance)
    return concluded(deviation, dtype and wanted)


def _finite(value: Any) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False


def _result_dtype(what: str, given: DType, wanted: Any) -> DType:
    if wanted is not None:
        dtype = as_dtype(wanted)
        if dtype.kind not in "fc":
            raise DTypeError(
                f"{what}: dtype={dtype} would round the mean and the squares",
                expected="a floating or complex dtype",
                got=str(dtype),
                hint="convert the result with .astype()",
            )
        return dtype
    return given if given.kind in "fc" else np.dtype(np.float64)


def _check_mean(given: Node, node: Node, what: str) -> None:
    if given.dtype.kind == "c" != node.dtype.kind:
        raise DTypeError(f"{what}: a complex mean= of real values", got=repr(given.type))
    if broadcast_shapes(given.shape, node.shape, what=what) != node.shape:
        raise ShapeError(
            f"{what}: mean= does not broadcast to the array",
            expected=shape_text(node.shape),
            got=shape_text(given.shape),
        )


def _squared(node: Node) -> Node:
    if node.dtype.kind != "c":
        return square(node)
    return square(apply("real", node)) + square(apply("imag", node))


@over_axes(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Variance over axes, as ``np.var``.

    Raises
    ------
    ShapeError, InputError
        If there is no such axis; for both `ddof` and `correction`.
    """
    return _spread_of(Var, a, axis, dtype, ddof, keepdims, where, mean, correction)


@over_axes(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Standard deviation over axes, as ``np.std``; where it is 0 its derivative is 0.

    Raises
    ------
    ShapeError, InputError
        If there is no such axis; for both `ddof` and `correction`.
    """
    return _spread_of(Std, a, axis, dtype, ddof, keepdims, where, mean, correction)


# Product ---------------------------------------------------------------------------------------


@record
class Prod(Reduction, Structured):
    """The product over axes."""

    name: ClassVar[str] = "prod"

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Of factors that are not negative; within the unit interval they stay there."""
        return power_bounds(operands[0])

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """Each tangent times the product of the others."""
        tangent = tangents[0]
        assert tangent is not None
        others = make(ProdOfOthers(self.axes), node.inputs[0])
        return sum(others * tangent, self.axes, keepdims=self.keepdims)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The cotangent times the product of the others."""
        x = node.inputs[0]
        return (self.spread(cotangent, x) * make(ProdOfOthers(self.axes), x),)


@record
class ProdOfOthers(AlongAxes, Structured):
    """For each element the product of all others along the axes, whatever is 0 among them."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "prod_of_others"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def decompose(self, *inputs: Node) -> Node | None:
        """The product without zeros, divided, where no other element is 0."""
        (x,) = inputs
        zero = x == 0
        rest = where(zero, 1.0, x)
        product = prod(rest, axis=self.axes, keepdims=True)
        zeros = count_nonzero(zero, axis=self.axes, keepdims=True)
        return where(zeros == zero, product / rest, 0.0)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """By the square array whose row i holds all elements, but 1 in place of element i.

        Dividing by an element, as the value does, would lose the terms in which it is 0.
        """
        tangent = tangents[0]
        assert tangent is not None
        x = node.inputs[0]
        kept = tuple([i for i in range(x.ndim) if i not in self.axes])
        order = (*kept, *self.axes)
        shape = tuple([x.shape[i] for i in order])
        length = count(x.shape, self.axes)
        lead = shape[: len(kept)]
        values, changes = (
            expand_dims(reshape(transpose(v, order), (*lead, length)), -2) for v in (x, tangent)
        )
        index = as_node(arange(length))
        own = expand_dims(index, 1) == index
        rows = where(own, 1.0, values)
        terms = make(ProdOfOthers((rows.ndim - 1,)), rows) * where(own, 0.0, changes)
        result = reshape(sum(terms, axis=-1), shape)
        return transpose(result, inverse_permutation(order))

    def work(self, node: Node) -> float:
        """Comparison, choice, product and division."""
        return 5.0

    def flops(self, node: Node) -> Dim:
        """A comparison, two products and a choice."""
        return 4 * node.size


@over_axes(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Product over axes, as ``np.prod``.

    Its derivatives of every order are right at zeros, any number of them.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    node = masked(a, where, 1, "prod")
    product = reduce(Prod, node if dtype is None else astype(node, dtype), axis, keepdims)
    product = concluded(product, dtype)
    if initial is None:
        return product
    return concluded(product * started(initial, product.dtype, "prod"), dtype)


# Examples for the tests ------------------------------------------------------------------------

_ZEROS = np.array([[2.0, 3.0, -1.0], [0.0, 3.0, 4.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]])

EXAMPLES: dict[str, list[Example]] = {
    "var": [
        *axes_examples(np.var),
        Example(lambda x: np.var(x, axis=1, ddof=1), (CUBE,)),
        Example(lambda x: np.var(x, axis=(0, 2), correction=2, keepdims=True), (CUBE,)),
        Example(np.var, (np.arange(4),)),
        Example(lambda x: np.var(x, axis=1, ddof=0.5, where=CUBE < 0.9), (CUBE,)),
        Example(lambda x: np.var(x * (1 + 0.5j), axis=0), (CUBE,)),
        Example(lambda x, m: np.var(x, mean=m), (CUBE, np.array([[[0.3]]]))),
    ],
    "std": [
        *axes_examples(np.std),
        Example(lambda x: np.std(x, axis=1, ddof=1), (CUBE,)),
        Example(lambda x: np.std(x, axis=0), (CUBE.reshape(6, 4),)),
        Example(lambda x: np.std(x, -1, ddof=1, keepdims=True, where=CUBE < 0.9), (CUBE,)),
    ],
    "prod": [
        *axes_examples(np.prod, Example(np.prod, (EMPTY,))),
        Example(lambda x: np.prod(x, axis=1), (_ZEROS,)),
        Example(lambda x: np.prod(x, axis=0), (_ZEROS,)),
        Example(lambda x: np.prod(x, dtype=np.float32), (np.arange(1, 4, dtype=np.int8),)),
        Example(lambda x: np.prod(x, axis=1, initial=3, where=_ZEROS != 3), (_ZEROS,)),
    ],
}
