"""Functions of neural networks: activations and losses, composed of other operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.node import as_node
from symgraph.graph.registry import builder
from symgraph.ops import normalised
from symgraph.ops.elementwise import relu, sigmoid, softplus, tanh
from symgraph.ops.index import take_along_axis
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.products import array
from symgraph.ops.reduce import mean, sum
from symgraph.ops.shape import expand_dims, shape_text

__all__ = [
    "cross_entropy",
    "gelu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "mse",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]


def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` over an axis, by default the last; nothing overflows.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it.
    """
    return normalised.softmax(x, axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Logarithm of `softmax`, by default over the last axis: right where that underflows.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it.
    """
    return normalised.log_softmax(x, axis)


def logsumexp(x: Any, axis: Any = -1, *, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` over an axis, by default the last; nothing overflows.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
    keepdims : bool, optional
        Whether the axis stays, with size one.

    Raises
    ------
    ShapeError
        If there is no such axis, or no element along it.
    """
    return normalised.logsumexp(x, axis, keepdims=keepdims)


@builder()
def silu(x: Any) -> Any:
    """``x * sigmoid(x)``, also called swish."""
    return x * sigmoid(x)


@builder()
def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, accurate in both tails."""
    return -softplus(-as_node(x) if any_node(x) else np.negative(x))


@builder()
def gelu(x: Any) -> Any:
    """Gaussian error linear unit by its tanh approximation, as ``jax.nn.gelu`` by default.

    ``0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))``; Hendrycks and Gimpel 2016,
    arXiv:1606.08415.
    """
    value = as_node(x) if any_node(x) else np.asarray(x)
    inner = float(np.sqrt(2.0 / np.pi)) * (value + 0.044715 * value * value * value)
    return 0.5 * value * (1.0 + tanh(inner))


# Losses ----------------------------------------------------------------------------------------


def _reduced(losses: Any, reduction: str, what: str) -> Any:
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    if reduction == "none":
        return losses
    raise UnsupportedError(
        f"{what}: reduction", expected="'mean', 'sum' or 'none'", got=repr(reduction)
    )


@builder()
def cross_entropy(logits: Any, labels: Any, axis: int = -1, *, reduction: str = "mean") -> Any:
    """Cross entropy of labels under ``softmax(logits)``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities of the classes along `axis`.
    labels : array_like
        Integers: the class of each row, in the shape of `logits` without `axis`. Floating
        values: probabilities (one-hot rows, say) in the shape of `logits`.
    axis : int, optional
        That of the classes.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the rows.

    Raises
    ------
    ShapeError
        If the labels do not fit the logits.
    DTypeError
        If the labels are boolean or complex.

    Examples
    --------
    >>> float(cross_entropy(np.zeros((2, 4)), np.array([3, 0])).round(4))
    1.3863
    """
    nodes = any_node(logits, labels)
    scores = as_node(logits) if nodes else np.asarray(logits)
    target = as_node(labels) if nodes else np.asarray(labels)
    log_p = normalised.log_softmax(scores, axis)
    if target.dtype.kind == "f":
        _check(target.shape == scores.shape, scores, target, "probabilities: the logits' shape")
        return _reduced(-sum(target * log_p, axis=axis), reduction, "cross_entropy")
    if target.dtype.kind not in "iu":
        raise DTypeError(
            "cross_entropy: the labels",
            expected="integers (classes) or floats (probabilities)",
            got=str(target.dtype),
        )
    place = axis % scores.ndim
    rows = scores.shape[:place] + scores.shape[place + 1 :]
    _check(target.shape == rows, scores, target, f"classes: shape {shape_text(rows)}")
    chosen = take_along_axis(log_p, expand_dims(target, place), axis=place)
    if reduction == "none":
        return -sum(chosen, axis=place)
    return -_reduced(chosen, reduction, "cross_entropy")


def _check(fits: bool, logits: Any, labels: Any, expected: str) -> None:
    if not fits:
        raise ShapeError(
            "cross_entropy: the labels do not fit the logits",
            expected=expected,
            got=f"labels {shape_text(labels.shape)}, logits {shape_text(logits.shape)}",
        )


@builder()
def mse(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Squared error.

    Parameters
    ----------
    prediction, target : array_like
        Of one shape: a target that would broadcast is mostly a mistake.
    reduction : {"mean", "sum", "none"}
        What becomes of the errors.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    nodes = any_node(prediction, target)
    first: Any = as_node(prediction) if nodes else np.asarray(prediction)
    second: Any = as_node(target) if nodes else np.asarray(target)
    if first.shape != second.shape:
        raise ShapeError(
            "mse: the shapes differ",
            got=f"{shape_text(first.shape)} and {shape_text(second.shape)}",
            hint="reshape one of them",
        )
    return _reduced((first - second) ** 2, reduction, "mse")


# Examples for the tests ------------------------------------------------------------------------

_LOGITS, _CLASSES = array(4, 3), np.array([0, 2, 2, 1])
_ONE_HOT = np.eye(3)[_CLASSES]


def _log_softmax(x: Any) -> Any:
    return x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))


def _cross_entropy(x: Any, labels: Any) -> Any:
    return -_log_softmax(x)[np.arange(len(labels)), labels].mean()


EXAMPLES: dict[str, list[Example]] = {
    "nn.softmax": [Example(softmax, (_LOGITS,), lambda x: np.exp(_log_softmax(x)))],
    "nn.log_softmax": [Example(log_softmax, (_LOGITS,), _log_softmax)],
    "nn.logsumexp": [
        Example(logsumexp, (_LOGITS,), lambda x: np.log(np.sum(np.exp(x), axis=-1))),
    ],
    "silu": [Example(silu, (_LOGITS,), lambda x: x / (1 + np.exp(-x)))],
    "log_sigmoid": [Example(log_sigmoid, (_LOGITS,), lambda x: -np.log1p(np.exp(-x)))],
    "gelu": [
        Example(gelu, (_LOGITS.astype(np.float32),)),
        Example(gelu, (_LOGITS,)),
    ],
    "cross_entropy": [
        Example(cross_entropy, (_LOGITS, _CLASSES), _cross_entropy),
        Example(
            cross_entropy,
            (_LOGITS, _ONE_HOT),
            lambda x, y: -(y * _log_softmax(x)).sum(axis=-1).mean(),
        ),
        Example(
            lambda x, y: cross_entropy(x, y, 0, reduction="sum"),
            (_LOGITS.T, _CLASSES),
            lambda x, y: 4 * _cross_entropy(x.T, y),
        ),
        Example(
            lambda x, y: cross_entropy(x, y, reduction="none"),
            (_LOGITS, _CLASSES),
            lambda x, y: -_log_softmax(x)[np.arange(4), y],
        ),
    ],
    "mse": [
        Example(mse, (_LOGITS, _LOGITS + 1), lambda x, y: ((x - y) ** 2).mean()),
        Example(
            lambda x, y: mse(x, y, reduction="none"),
            (_LOGITS, 2 * _LOGITS),
            lambda x, y: (x - y) ** 2,
        ),
    ],
}
