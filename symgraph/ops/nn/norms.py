"""Normalisation over axes: by mean and variance, or by the mean square alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.elementwise import astype, sqrt, square
from symgraph.ops.kinds import Example, Structured, any_node
from symgraph.ops.nn.common import array_of, function
from symgraph.ops.products import array
from symgraph.ops.reduce import mean, normalize_axes
from symgraph.ops.shape import expand_dims, reshape, shape_text


@record
class Standardize(Structured):
    """``(x - mean) / sqrt(variance + eps)`` over axes; without mean where it is not centered."""

    axes: tuple[int, ...]
    eps: float
    centered: bool = True
    name: ClassVar[str] = "standardize"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def _mean(self, value: Node) -> Node:
        return mean(value, axis=self.axes, keepdims=True)

    def _parts(self, x: Node) -> tuple[Node, Node]:
        """What is normalised, and the factor that does it."""
        part = x - self._mean(x) if self.centered else x
        return part, 1.0 / sqrt(self._mean(square(part)) + self.eps)

    def decompose(self, *inputs: Node) -> Node | None:
        """The centered values times the factor."""
        part, factor = self._parts(inputs[0])
        return part * factor

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """``(t - mean(t) - y mean(y t)) / sqrt(variance + eps)``."""
        tangent = tangents[0]
        assert tangent is not None
        _, factor = self._parts(node.inputs[0])
        change = tangent - self._mean(tangent) if self.centered else tangent
        return factor * (change - node * self._mean(node * tangent))

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The same: the Jacobian is symmetric."""
        return (self.jvp(node, [cotangent]),)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself over the next axes."""
        axes = tuple([axis + 1 for axis in self.axes])
        return make(Standardize(axes, self.eps, self.centered), operands[0])

    def work(self, node: Node) -> float:
        """Four passes."""
        return 4.0

    def flops(self, node: Node) -> Dim:
        """Mean and difference, square, sum and quotient."""
        return (5 if self.centered else 3) * node.size


def _standardized(x: Any, axis: Any, eps: float, what: str, centered: bool = True) -> Any:
    node = as_node(x)
    if node.dtype.kind == "c":
        raise DTypeError(f"{what} of complex values", expected="a real dtype", got=str(node.dtype))
    if not node.type.inexact:
        node = astype(node, np.float64)
    axes = normalize_axes(axis, node.ndim, what)
    result = make(Standardize(axes, float(eps), centered), node)
    return result if any_node(x) else interpret([result], {})[0]


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


@function
def standardize(x: Any, axis: Any = -1, epsilon: float = 1e-5) -> Any:
    """``(x - mean) / sqrt(variance + epsilon)`` over axes, as ``jax.nn.standardize``.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
    epsilon : float, optional

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    return _standardized(x, axis, epsilon, "standardize")


@function
def layer_norm(
    x: Any, weight: Any = None, bias: Any = None, *, axis: Any = -1, eps: float = 1e-5
) -> Any:
    """Standardised over the last axis, or over those given, then scaled and shifted.

    As ``torch.nn.functional.layer_norm``, with axes in place of their sizes; Ba et al. 2016,
    arXiv:1607.06450.

    Parameters
    ----------
    x : array_like
    weight, bias : array_like, optional
        Broadcast against `x`.
    axis : int or tuple of int, optional
    eps : float, optional
        Added to the variance.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> layer_norm(placeholder("x", ("n", 3)), placeholder("w", 3), placeholder("b", 3)).shape
    (n, 3)
    """
    return _affine(_standardized(x, axis, eps, "layer_norm"), weight, bias)


@function
def rms_norm(x: Any, weight: Any = None, *, axis: Any = -1, eps: float = 1e-6) -> Any:
    """``x / sqrt(mean(x^2) + eps)`` over axes, then scaled, as ``torch...rms_norm``.

    Zhang and Sennrich 2019, arXiv:1910.07467.

    Parameters
    ----------
    x : array_like
    weight : array_like, optional
        Broadcast against `x`.
    axis : int or tuple of int, optional
    eps : float, optional
    """
    return _affine(_standardized(x, axis, eps, "rms_norm", centered=False), weight, None)


def _per_channel(value: Any, ndim: int, axis: int) -> Any:
    """A vector with axes of size one, so that it lies along `axis` of an array."""
    if value is None:
        return None
    vector = array_of(value)
    if vector.ndim != 1:
        raise ShapeError("one number is needed for each channel", got=shape_text(vector.shape))
    return expand_dims(vector, tuple([i for i in range(ndim) if i != axis]))


@function
def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    *,
    axis: int = 1,
    eps: float = 1e-5,
) -> Any:
    """Each channel standardised, then scaled and shifted, as ``torch...batch_norm``.

    Ioffe and Szegedy 2015, arXiv:1502.03167. Running statistics are not updated here: they are
    numbers that the caller keeps.

    Parameters
    ----------
    x : array_like
    running_mean, running_var : array_like, optional
        Statistics of the channels, to be used in evaluation; without them those of `x` are.
    weight, bias : array_like, optional
        One number for each channel.
    axis : int, optional
        That of the channels.
    eps : float, optional
        Added to the variance.

    Raises
    ------
    ShapeError
        If one of the two statistics is given alone, or what is given is no vector.
    """
    values = array_of(x)
    place = normalize_axis(axis, values.ndim, "batch_norm")
    center, spread, factor, shift = (
        _per_channel(value, values.ndim, place)
        for value in (running_mean, running_var, weight, bias)
    )
    if (center is None) != (spread is None):
        raise ShapeError("batch_norm needs both running_mean and running_var, or neither")
    if center is None:
        others = tuple([i for i in range(values.ndim) if i != place])
        return _affine(_standardized(x, others, eps, "batch_norm"), factor, shift)
    scale = 1.0 / sqrt(spread + eps)
    return _affine((values - center) * (scale if factor is None else factor * scale), None, shift)


@function
def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Groups of channels standardised together, then each channel scaled and shifted.

    As ``torch...group_norm``; Wu and He 2018, arXiv:1803.08494.

    Parameters
    ----------
    x : array_like
        Shape ``(batch, channels, ...)``.
    num_groups : int
        Must divide the number of channels.
    weight, bias : array_like, optional
        One number for each channel.
    eps : float, optional
        Added to the variance.

    Raises
    ------
    ShapeError
        If the channels cannot be divided into so many groups.
    """
    values = array_of(x)
    if values.ndim < 2:
        raise ShapeError("group_norm: the axes are batch, channels, ...", got=str(values.shape))
    batch, channels, *rest = values.shape
    if channels % num_groups != 0:
        raise ShapeError(
            f"group_norm: {channels} channels cannot be divided into {num_groups} groups"
        )
    groups = reshape(values, (batch, num_groups, channels // num_groups, *rest))
    axes = tuple(range(2, values.ndim + 1))
    result = reshape(_standardized(groups, axes, eps, "group_norm"), values.shape)
    return _affine(result, *[_per_channel(value, values.ndim, 1) for value in (weight, bias)])


@function
def instance_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each channel of each example standardised on its own, as ``torch...instance_norm``.

    Ulyanov et al. 2016, arXiv:1607.08022.

    Parameters
    ----------
    x : array_like
        Shape ``(batch, channels, ...)``.
    weight, bias : array_like, optional
        One number for each channel.
    eps : float, optional
        Added to the variance.

    Raises
    ------
    ShapeError
        If there is no axis besides batch and channels.
    """
    values = array_of(x)
    if values.ndim < 3:
        raise ShapeError("instance_norm: the axes are batch, channels, ...", got=str(values.shape))
    result = _standardized(x, tuple(range(2, values.ndim)), eps, "instance_norm")
    return _affine(result, *[_per_channel(value, values.ndim, 1) for value in (weight, bias)])


@function
def dropout(x: Any, mask: Any, p: float = 0.5) -> Any:
    """``x / (1 - p)`` where a mask is true, 0 elsewhere, as ``torch...dropout`` in training.

    Parameters
    ----------
    x : array_like
    mask : array_like of bool
        What is kept: a graph has no random numbers, so the caller draws them,
        ``rng.random(x.shape) >= p``.
    p : float, optional
        Probability of an element to be dropped, below 1.
    """
    values = array_of(x)
    if not 0 <= p < 1:
        raise DTypeError("dropout: p", expected="a number with 0 <= p < 1", got=repr(p))
    kept = array_of(mask)
    return values * (kept.astype(values.dtype) * (1.0 / (1.0 - p)))


# Examples for the tests --------------------------------------------------------------------------

_X = array(2, 4, 3)
_W, _B = array(4, shift=1.0), array(4, shift=2.0)


def _plain(x: Any, axes: Any, eps: Any) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


EXAMPLES: dict[str, list[Example]] = {
    "nn.standardize": [
        Example(standardize, (_X,), lambda x: _plain(x, -1, 1e-5)),
        Example(
            lambda x: standardize(x, (0, 2), 1e-2),
            (_X.astype(np.float32),),
            lambda x: _plain(x, (0, 2), np.float32(1e-2)),
        ),
    ],
    "nn.layer_norm": [
        Example(
            layer_norm,
            (_X, _W[:3], _B[:3]),
            lambda x, w, b: _plain(x, -1, 1e-5) * w + b,
        ),
        Example(
            lambda x: layer_norm(x, axis=(1, 2), eps=0.1), (_X,), lambda x: _plain(x, (1, 2), 0.1)
        ),
    ],
    "nn.rms_norm": [
        Example(
            rms_norm,
            (_X, _W[:3]),
            lambda x, w: w * x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6),
        )
    ],
    "nn.batch_norm": [
        Example(
            lambda x, w, b: batch_norm(x, None, None, w, b),
            (_X, _W, _B),
            lambda x, w, b: _plain(x, (0, 2), 1e-5) * w[:, None] + b[:, None],
        ),
        Example(
            lambda x, w: batch_norm(x, w, np.exp(_B)),
            (_X, _W),
            lambda x, w: (x - w[:, None]) / np.sqrt(np.exp(_B)[:, None] + 1e-5),
        ),
        Example(
            lambda x, v, w: batch_norm(x, _W, v, w),
            (_X, np.exp(_B), _W),
            lambda x, v, w: (x - _W[:, None]) * (w / np.sqrt(v + 1e-5))[:, None],
        ),
    ],
    "nn.group_norm": [
        Example(
            lambda x, w, b: group_norm(x, 2, w, b),
            (_X, _W, _B),
            lambda x, w, b: (
                _plain(x.reshape(2, 2, 2, 3), (2, 3), 1e-5).reshape(x.shape) * w[:, None]
                + b[:, None]
            ),
        )
    ],
    "nn.instance_norm": [
        Example(
            instance_norm,
            (_X, _W, _B),
            lambda x, w, b: _plain(x, 2, 1e-5) * w[:, None] + b[:, None],
        )
    ],
    "nn.dropout": [
        Example(
            lambda x, m: dropout(x, m, 0.2), (_X, _X > 0.3), lambda x, m: np.where(m, x / 0.8, 0)
        ),
        Example(
            dropout,
            (_X.astype(np.float32), _X > 0.3),
            lambda x, m: np.where(m, x * np.float32(2), np.float32(0)),
        ),
    ],
}
