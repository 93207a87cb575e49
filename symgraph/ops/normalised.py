"""logsumexp, softmax and log_softmax: operations of their own, written out in one way.

The three share ``top = max(x)``, ``shift = x - top``, ``e = exp(shift)`` and ``s = sum(e)``, so a
loss and its gradient compute each once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.batching import AlongAxes
from symgraph.ops.calls import evaluated
from symgraph.ops.elementwise import (
    absolute,
    astype,
    exp,
    fmax,
    isfinite,
    log,
    minimum,
    sign,
    stop_gradient,
    where,
)
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.reduce import CUBE, broadcast_to, normalize_axes, reduced_shape, sum, unreduced
from symgraph.ops.reduce_order import first_of_none, max
from symgraph.ops.shape import reshape, squeeze

__all__: list[str] = []  # they stand in `sg.special` and `sg.nn`


def _pieces(x: Node, axes: tuple[int, ...]) -> tuple[Node, Node, Node, Node]:
    """``top``, ``x - top``, its exponentials and their sum; scalars if all axes are reduced."""
    keepdims = len(axes) < x.ndim
    top = max(x, axis=axes, keepdims=keepdims, initial=first_of_none(x, axes, -np.inf))
    shift = x - top
    e = exp(shift)
    return top, shift, e, sum(e, axis=axes, keepdims=keepdims)


@record
class _Normalised(AlongAxes, Structured):
    """A result of the operand's shape, normalised over axes."""

    axes: tuple[int, ...]

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def work(self, node: Node) -> float:
        """An exponential, and three passes."""
        return 2.0

    def flops(self, node: Node) -> Dim:
        """Maximum, difference, exponential, sum, and what the sum does."""
        return 5 * node.size

    def _sum(self, value: Node) -> Node:
        return sum(value, axis=self.axes, keepdims=len(self.axes) < value.ndim)


@record
class Softmax(_Normalised):
    """``exp(x) / sum(exp(x))`` over axes."""

    name: ClassVar[str] = "softmax"
    shift: ClassVar[str] = "nothing"

    def decompose(self, *inputs: Node) -> Node | None:
        """``e / s``."""
        _, _, e, total = _pieces(inputs[0], self.axes)
        return e / total

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Probabilities."""
        return 0.0, 1.0

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The tangent less its mean under the probabilities, times them."""
        tangent = tangents[0]
        assert tangent is not None
        return node * (tangent - self._sum(node * tangent))

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The same: the Jacobian is symmetric."""
        return (node * (cotangent - self._sum(node * cotangent)),)


@record
class LogSoftmax(_Normalised):
    """``x - log(sum(exp(x)))`` over axes."""

    name: ClassVar[str] = "log_softmax"
    shift: ClassVar[str] = "nothing"

    def decompose(self, *inputs: Node) -> Node | None:
        """``shift - log(s)``."""
        _, shift, _, total = _pieces(inputs[0], self.axes)
        return shift - log(total)

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Logarithms of probabilities."""
        return -np.inf, 0.0

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The tangent less its mean under the probabilities."""
        tangent = tangents[0]
        assert tangent is not None
        return tangent - self._sum(make(Softmax(self.axes), node.inputs[0]) * tangent)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The cotangent less its sum times the probabilities."""
        return (cotangent - make(Softmax(self.axes), node.inputs[0]) * self._sum(cotangent),)


@record
class LogSumExp(AlongAxes, Structured):
    """``log(sum(exp(x)))`` over axes."""

    axes: tuple[int, ...]
    keepdims: bool = False
    name: ClassVar[str] = "logsumexp"
    shift: ClassVar[str] = "added"

    def infer(self, *types: TensorType) -> Type:
        """The other axes."""
        (x,) = types
        return x.with_shape(reduced_shape(x.shape, self.axes, self.keepdims))

    def decompose(self, *inputs: Node) -> Node | None:
        """``log(s) + top``.

        Where top is infinite the shift is NaN and top itself is the answer: fmax takes it. It
        never takes it elsewhere, since s is at least 1.
        """
        (x,) = inputs
        top, _, _, total = _pieces(x, self.axes)
        result = fmax(log(total) + top, top)
        if len(self.axes) == x.ndim:
            return reshape(result, reduced_shape(x.shape, self.axes, self.keepdims))
        return result if self.keepdims or not self.axes else squeeze(result, self.axes)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The mean of the tangent under the probabilities."""
        tangent = tangents[0]
        assert tangent is not None
        weighted = make(Softmax(self.axes), node.inputs[0]) * tangent
        return sum(weighted, axis=self.axes, keepdims=self.keepdims)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The cotangent times the probabilities."""
        x = node.inputs[0]
        return (unreduced(cotangent, x, self.axes, self.keepdims) * make(Softmax(self.axes), x),)

    def work(self, node: Node) -> float:
        """For each element of the operand."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """Maximum, difference, exponential and sum, for each element of the operand."""
        return 4 * node.inputs[0].size


def _applied(op: Structured, node: Node, *args: Any) -> Any:
    result = make(op, node)
    return result if any_node(*args) else interpret([result], {})[0]


def _operand(x: Any, what: str) -> Node:
    node = as_node(x)
    if node.dtype.kind == "c":
        raise DTypeError(f"{what} of complex values", expected="a real dtype", got=str(node.dtype))
    return node if node.type.inexact else astype(node, np.float64)


@builder()
def softmax(x: Any, axis: Any = None) -> Any:
    """``exp(x) / sum(exp(x))`` over axes, as ``scipy.special.softmax``; nothing overflows.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        All axes by default, as in SciPy; `sg.nn.softmax` takes the last.

    Raises
    ------
    ShapeError
        If there is no such axis.

    Notes
    -----
    A row that holds +inf or NaN, or nothing but -inf, is NaN.
    """
    node = _operand(x, "softmax")
    return _applied(Softmax(normalize_axes(axis, node.ndim, "softmax")), node, x)


@builder()
def log_softmax(x: Any, axis: Any = None) -> Any:
    """Logarithm of `softmax`, as ``scipy.special.log_softmax``: right where that underflows.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        All axes by default, as in SciPy; `sg.nn.log_softmax` takes the last.

    Raises
    ------
    ShapeError
        If there is no such axis.

    Notes
    -----
    A row that holds +inf or NaN, or nothing but -inf, is NaN. (SciPy gives -inf for the finite
    elements beside +inf.)
    """
    node = _operand(x, "log_softmax")
    return _applied(LogSoftmax(normalize_axes(axis, node.ndim, "log_softmax")), node, x)


@builder()
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """``log(sum(b * exp(a)))`` over axes, as ``scipy.special.logsumexp``; nothing overflows.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        All axes by default, as in SciPy; `sg.nn.logsumexp` takes the last.
    b : array_like, optional
        Factors, which broadcast against `a` and may be negative or 0.
    keepdims : bool, optional
        Whether the axes stay, with size one.
    return_sign : bool, optional
        Whether to return the sign of the sum as well. Without, a negative sum gives NaN.

    Returns
    -------
    Node, or tuple of two with `return_sign`

    Raises
    ------
    ShapeError
        If there is no such axis.

    Notes
    -----
    A row of -inf gives -inf and one with +inf gives +inf. The error is a few units in the last
    place of the larger of 1 and the result.
    """
    node = _operand(a, "logsumexp")
    axes = normalize_axes(axis, node.ndim, "logsumexp")
    if b is None and not return_sign:
        return _applied(LogSumExp(axes, bool(keepdims)), node, a)
    factors = as_node(1.0 if b is None else b).astype(node.dtype)
    shape = broadcast_shapes(node.shape, factors.shape, what="logsumexp")
    node, factors = broadcast_to(node, shape), broadcast_to(factors, shape)
    axes = normalize_axes(axis, node.ndim, "logsumexp")
    found = _signed(node, factors, axes, bool(keepdims), bool(return_sign))
    return tuple(found) if return_sign else found[0]


@evaluated(name="signed_logsumexp")
def _signed(
    node: Any, factors: Any, axes: tuple[int, ...], keepdims: bool, with_sign: bool
) -> list[Any]:
    # The largest of the terms that count decides the shift, of which nothing depends.
    counting = where(factors == 0, -np.inf, node)
    first = first_of_none(node, axes, -np.inf)
    top = stop_gradient(max(counting, axis=axes, keepdims=True, initial=first))
    top = where(isfinite(top), top, 0.0)
    # Terms that do not count may be large: they must not become 0 * inf.
    most = float(np.log(np.finfo(node.dtype).max)) - 1.0
    shifted = where(factors == 0, minimum(node - top, most), node - top)
    total = sum(factors * exp(shifted), axis=axes, keepdims=keepdims)
    found = log(absolute(total) if with_sign else total)
    found = found + (top if keepdims else reshape(top, total.shape))
    return [found, sign(total)] if with_sign else [found]


# Examples for the tests ------------------------------------------------------------------------


def _plain_softmax(x: Any, axis: Any = None) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=axis is not None)


def _plain_logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


EXAMPLES: dict[str, list[Example]] = {
    "softmax": [
        Example(softmax, (CUBE,), _plain_softmax),
        Example(lambda x: softmax(x, axis=1), (CUBE,), lambda x: _plain_softmax(x, 1)),
        Example(lambda x: softmax(x, (0, 2)), (CUBE,), lambda x: _plain_softmax(x, (0, 2))),
        Example(softmax, (np.arange(3),), _plain_softmax),
        Example(lambda x: softmax(x, -1), (np.ones((0, 3)),), lambda x: _plain_softmax(x, -1)),
        Example(
            lambda x: softmax(x, axis=-1),
            (CUBE.astype(np.float32),),
            lambda x: _plain_softmax(x, -1),
        ),
    ],
    "log_softmax": [
        Example(log_softmax, (CUBE,), lambda x: np.log(_plain_softmax(x))),
        Example(lambda x: log_softmax(x, 1), (CUBE,), lambda x: np.log(_plain_softmax(x, 1))),
        Example(log_softmax, (np.float64(2.0),), lambda x: 0.0 * x),
    ],
    "logsumexp of factors": [
        Example(
            lambda x, b: logsumexp(x, 1, b),
            (CUBE, np.exp(CUBE[:, :1])),
            lambda x, b: np.log(np.sum(b * np.exp(x), axis=1)),
        ),
        Example(
            lambda x, b: logsumexp(x + 800.0, axis=(0, 2), b=b, keepdims=True, return_sign=True),
            (CUBE, 2.0 * CUBE - 0.75),
            lambda x, b: (
                np.log(abs(np.sum(b * np.exp(x), axis=(0, 2), keepdims=True))) + 800.0,
                np.sign(np.sum(b * np.exp(x), axis=(0, 2), keepdims=True)),
            ),
        ),
    ],
    "logsumexp": [
        Example(logsumexp, (CUBE,), _plain_logsumexp),
        Example(lambda x: logsumexp(x, axis=1), (CUBE,), lambda x: _plain_logsumexp(x, 1)),
        Example(
            lambda x: logsumexp(x, axis=(0, 1), keepdims=True),
            (CUBE,),
            lambda x: _plain_logsumexp(x, (0, 1), True),
        ),
        Example(
            lambda x: logsumexp(x, keepdims=True),
            (CUBE,),
            lambda x: _plain_logsumexp(x, None, True),
        ),
        Example(logsumexp, (np.float64(2.0),), lambda x: x),
    ],
}
