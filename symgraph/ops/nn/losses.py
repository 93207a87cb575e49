"""Losses, and similarities.

``reduction`` says what becomes of the losses of the rows: their mean, their sum, or themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply, builder
from symgraph.ops.arrange import broadcast_arrays
from symgraph.ops.elementwise import (
    absolute,
    clip,
    exp,
    log,
    minimum,
    relu,
    softplus,
    sqrt,
    square,
    where,
)
from symgraph.ops.kinds import Example, elementwise
from symgraph.ops.nn.classes import cross_entropy, nll
from symgraph.ops.nn.common import (
    array_of,
    arrays,
    documented,
    function,
    reduced,
    same_shape,
)
from symgraph.ops.products import array
from symgraph.ops.reduce import sum
from symgraph.ops.shape import expand_dims

_PAIR = """

    Parameters
    ----------
    {names} : array_like
        Of one shape: a target that would broadcast is mostly a mistake.{more}
    reduction : {{"mean", "sum", "none"}}
        What becomes of the losses.

    Raises
    ------
    ShapeError
        If the shapes differ.
"""


def _paired(names: str = "prediction, target", more: str = "") -> Any:
    """The part of the docstring that losses of two arrays share."""
    more = "".join([f"\n    {line}" for line in more.splitlines()])
    return documented(_PAIR.format(names=names, more=more))


def _pair(what: str, first: Any, second: Any) -> list[Any]:
    pair = arrays(first, second)
    same_shape(what, *pair)
    return pair


# Distances ---------------------------------------------------------------------------------------


@builder()
@_paired()
def mse(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Squared error, as ``torch...mse_loss``."""
    first, second = _pair("mse", prediction, target)
    return reduced((first - second) ** 2, reduction, "mse")


@function
@_paired()
def mae(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Absolute error, as ``torch...l1_loss``; at 0 its derivative is 0."""
    first, second = _pair("mae", prediction, target)
    return reduced(absolute(first - second), reduction, "mae")


def _huber(difference: Node, delta: Node) -> Node:
    size = absolute(difference)
    near = minimum(size, delta)
    return near * (size - 0.5 * near)


huber_loss = elementwise(
    "huber_loss",
    dtypes=np.logaddexp,  # of two operands, and always floating
    arity=2,
    partials=(
        lambda r, x, delta: clip(x, -delta, delta),
        lambda r, x, delta: relu(absolute(x) - delta),
    ),
    formula="Piecewise((x**2 / 2, Abs(x) <= y), (y * (Abs(x) - y / 2), True))",
    cost=3.0,
    domain=(0.1, 3.0),
    decompose=_huber,
)


@function
@_paired(more="delta : float, optional\n    Where the parabola ends.")
def huber(prediction: Any, target: Any, delta: float = 1.0, *, reduction: str = "mean") -> Any:
    """Half the squared error up to `delta`, and linear from there, as ``torch...huber_loss``.

    Huber 1964, Annals of Mathematical Statistics 35.
    """
    first, second = _pair("huber", prediction, target)
    return reduced(huber_loss(first - second, delta), reduction, "huber")


@function
@_paired(more="beta : float, optional\n    Where the parabola ends.")
def smooth_l1(prediction: Any, target: Any, beta: float = 1.0, *, reduction: str = "mean") -> Any:
    """`huber` divided by its parameter, as ``torch...smooth_l1_loss``; `mae` where that is 0."""
    first, second = _pair("smooth_l1", prediction, target)
    if isinstance(beta, int | float) and beta == 0:
        return reduced(absolute(first - second), reduction, "smooth_l1")
    return reduced(huber_loss(first - second, beta) / beta, reduction, "smooth_l1")


@function
@_paired("probability, target", "probability is that of 1; target is from 0 to 1.")
def binary_cross_entropy(
    probability: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """``-t log(p) - (1 - t) log(1 - p)``, as ``torch...binary_cross_entropy``.

    ``0 log(0)`` is 0; where a target has no probability the loss is infinite. The losses are
    multiplied by `weight`, which does not change the number that a mean divides by.
    """
    p, t = _pair("binary_cross_entropy", probability, target)
    losses = -apply("xlogy", t, p) - apply("xlog1py", 1.0 - t, -p)
    losses = losses if weight is None else weight * losses
    return reduced(losses, reduction, "binary_cross_entropy")


@function
@_paired("logits, target", "logits are log-odds of 1; target is from 0 to 1.")
def binary_cross_entropy_with_logits(
    logits: Any,
    target: Any,
    *,
    weight: Any = None,
    pos_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Binary cross entropy under ``sigmoid(logits)``: right where that rounds to 0 or 1.

    As ``torch...binary_cross_entropy_with_logits``, with its factor `pos_weight` for the share of
    1 in the loss. The losses are multiplied by `weight`.
    """
    x, t = _pair("binary_cross_entropy_with_logits", logits, target)
    # softplus(x) - t * x would lose the small losses of large logits.
    ones = t if pos_weight is None else pos_weight * t
    losses = (1.0 - t) * softplus(x) + ones * softplus(-x)
    losses = losses if weight is None else weight * losses
    return reduced(losses, reduction, "binary_cross_entropy_with_logits")


# Distributions -----------------------------------------------------------------------------------


@function
@_paired("log_predictions, targets", "Of logarithms of probabilities, and of probabilities.")
def kl_div(
    log_predictions: Any, targets: Any, *, log_target: bool = False, reduction: str = "mean"
) -> Any:
    """``t (log(t) - log(p))`` element by element, as ``torch...kl_div``.

    With `log_target` the targets are logarithms, too. ``"batchmean"`` divides the sum by the
    first size, which makes it the Kullback-Leibler divergence of the rows.
    """
    log_p, t = _pair("kl_div", log_predictions, targets)
    losses = exp(t) * (t - log_p) if log_target else apply("xlogy", t, t) - t * log_p
    if reduction == "batchmean":
        return sum(losses) / losses.shape[0]
    return reduced(losses, reduction, "kl_div")


@function
@_paired("mean, target, var", "var: the variances, or one for each row.")
def gaussian_nll(
    mean: Any,
    target: Any,
    var: Any,
    *,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    """``(log(var) + (target - mean)^2 / var) / 2``, as ``torch...gaussian_nll_loss``.

    Variances below `eps` count as `eps`; `full` adds ``log(2 pi) / 2``.
    """
    center, value, spread = arrays(mean, target, var)
    same_shape("gaussian_nll", center, value)
    if spread.ndim and spread.shape == center.shape[:-1]:
        spread = expand_dims(spread, -1)
    if spread.shape != (*center.shape[:-1], 1):
        same_shape("gaussian_nll", center, spread)
    spread = clip(spread, min=eps)
    losses = 0.5 * (log(spread) + square(value - center) / spread)
    if full:
        losses = losses + 0.5 * float(np.log(2 * np.pi))
    return reduced(losses, reduction, "gaussian_nll")


@function
@_paired("log_rate, target", "target: counts.")
def poisson_nll(
    log_rate: Any,
    target: Any,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """``exp(log_rate) - target * log_rate``, as ``torch...poisson_nll_loss``.

    Without `log_input` it takes the rate itself, ``rate - target * log(rate + eps)``; `full` adds
    Stirling's approximation of ``log(target!)`` for counts above 1.
    """
    x, t = _pair("poisson_nll", log_rate, target)
    losses = exp(x) - t * x if log_input else x - t * log(x + eps)
    if full:
        known = where(t > 1, t, 1.0)
        stirling = known * log(known) - known + 0.5 * log(2.0 * np.pi * known)
        losses = losses + where(t > 1, stirling, 0.0)
    return reduced(losses, reduction, "poisson_nll")


# Margins -----------------------------------------------------------------------------------------


@function
@_paired("scores, target", "target is -1 or 1.")
def hinge(scores: Any, target: Any, *, reduction: str = "mean") -> Any:
    """``max(1 - target * scores, 0)``, as ``optax.hinge_loss``; at its kink the slope is 0."""
    x, t = _pair("hinge", scores, target)
    return reduced(relu(1.0 - t * x), reduction, "hinge")


@function
@_paired("scores, target", "target is -1 or 1.")
def squared_hinge(scores: Any, target: Any, *, reduction: str = "mean") -> Any:
    """``max(1 - target * scores, 0)^2``."""
    x, t = _pair("squared_hinge", scores, target)
    return reduced(square(relu(1.0 - t * x)), reduction, "squared_hinge")


@function
def cosine_similarity(x1: Any, x2: Any, axis: int = -1, eps: float = 1e-8) -> Any:
    """Cosine of the angle between vectors along an axis, as ``torch...cosine_similarity``.

    Parameters
    ----------
    x1, x2 : array_like
        Broadcast against each other.
    axis : int, optional
    eps : float, optional
        A length below it counts as this.
    """
    first, second = arrays(x1, x2)
    axis = axis if axis < 0 else axis - max(first.ndim, second.ndim)
    if len({x.shape[axis] if x.ndim >= -axis else None for x in (first, second)}) > 1:
        first, second = broadcast_arrays(first, second)
    lengths = [sqrt(clip(sum(square(x), axis=axis), min=eps * eps)) for x in (first, second)]
    return sum(first * second, axis=axis) / (lengths[0] * lengths[1])


@function
def cosine_embedding(
    x1: Any, x2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    """``1 - cos`` where the target is 1, ``max(cos - margin, 0)`` elsewhere.

    As ``torch...cosine_embedding_loss``.

    Parameters
    ----------
    x1, x2 : array_like
        Vectors along the last axis.
    target : array_like
        1 or -1 for each pair.
    margin : float, optional
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.
    """
    cosine = cosine_similarity(x1, x2)
    near = array_of(target) > 0
    return reduced(where(near, 1.0 - cosine, relu(cosine - margin)), reduction, "cosine_embedding")


@function
def triplet_margin(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    *,
    reduction: str = "mean",
) -> Any:
    """``max(|a - p| - |a - n| + margin, 0)``, as ``torch...triplet_margin_loss``.

    Parameters
    ----------
    anchor, positive, negative : array_like
        Vectors along the last axis.
    margin : float, optional
    p : float, optional
        Order of the norm.
    eps : float, optional
        Added to the differences, so that equal vectors have a derivative.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.
    """
    a, near, far = arrays(anchor, positive, negative)
    gap = _distance(a, near, p, eps) - _distance(a, far, p, eps)
    return reduced(relu(gap + margin), reduction, "triplet_margin")


def _distance(first: Any, second: Any, p: float, eps: float) -> Any:
    return apply("norm", first - second + eps, p, -1)


# Examples for the tests --------------------------------------------------------------------------

_LOGITS, _CLASSES = array(4, 3), np.array([0, 2, 2, 1])
_ONE_HOT = np.eye(3)[_CLASSES]
_SHARE = np.exp(_LOGITS) / np.exp(_LOGITS).sum(axis=1, keepdims=True)
_OTHER, _SIGNS = array(4, 3, shift=1.0), np.where(array(4, 3) > 0, 1.0, -1.0)


def _log_softmax(x: Any) -> Any:
    return x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))


def _cross_entropy(x: Any, labels: Any) -> Any:
    return -_log_softmax(x)[np.arange(len(labels)), labels].mean()


def _plain_huber(x: Any) -> Any:
    return where(abs(x) <= 0.5, x * x / 2, abs(x) / 2 - 0.125)


def _cosine(x: Any, y: Any) -> Any:
    return (x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)


def _cosine_embedding(cosine: Any) -> Any:
    return (1 - cosine[0] + relu(cosine[1] - 0.1) + 1 - cosine[2] + relu(cosine[3] - 0.1)) / 4


EXAMPLES: dict[str, list[Example]] = {
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
        Example(
            lambda x, y: cross_entropy(x, y, label_smoothing=0.1),
            (_LOGITS, _CLASSES),
            lambda x, y: -((0.9 * np.eye(3)[y] + 0.1 / 3) * _log_softmax(x)).sum(-1).mean(),
        ),
    ],
    "nn.nll": [
        Example(nll, (_LOGITS, _CLASSES), lambda x, y: -x[np.arange(4), y].mean()),
        Example(nll, (_LOGITS, _ONE_HOT), lambda x, y: -(x * y).sum(-1).mean()),
    ],
    "mse": [
        Example(mse, (_LOGITS, _LOGITS + 1), lambda x, y: ((x - y) ** 2).mean()),
        Example(
            lambda x, y: mse(x, y, reduction="none"),
            (_LOGITS, 2 * _LOGITS),
            lambda x, y: (x - y) ** 2,
        ),
    ],
    "nn.mae": [Example(mae, (_LOGITS, _OTHER), lambda x, y: abs(x - y).mean())],
    "nn.huber": [
        Example(
            lambda x, y: huber(x, y, 0.5, reduction="none"),
            (_LOGITS, _OTHER),
            lambda x, y: _plain_huber(x - y),
        )
    ],
    "nn.smooth_l1": [
        Example(
            lambda x, y: smooth_l1(x, y, 0.5, reduction="sum"),
            (_LOGITS.astype(np.float32), _OTHER.astype(np.float32)),
            lambda x, y: (_plain_huber(x - y) / 0.5).sum(dtype=np.float32),
        )
    ],
    "nn.binary_cross_entropy": [
        Example(
            binary_cross_entropy,
            (_SHARE, _SHARE[::-1]),
            lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(),
        )
    ],
    "nn.binary_cross_entropy_with_logits": [
        Example(
            binary_cross_entropy_with_logits,
            (_LOGITS, _SHARE),
            lambda x, t: (np.log1p(np.exp(x)) - t * x).mean(),
        ),
        Example(
            lambda x, t: binary_cross_entropy_with_logits(x, t, pos_weight=3.0, reduction="sum"),
            (_LOGITS, _ONE_HOT),
            lambda x, t: (3 * t * np.log1p(np.exp(-x)) + (1 - t) * np.log1p(np.exp(x))).sum(),
        ),
    ],
    "nn.kl_div": [
        Example(
            lambda x, t: kl_div(x, t, reduction="batchmean"),
            (_LOGITS, _SHARE),
            lambda x, t: (t * (np.log(t) - x)).sum() / 4,
        ),
        Example(
            lambda x, t: kl_div(x, t, log_target=True),
            (_LOGITS, _OTHER),
            lambda x, t: (np.exp(t) * (t - x)).mean(),
        ),
    ],
    "nn.gaussian_nll": [
        Example(
            lambda x, t, v: gaussian_nll(x, t, v, full=True),
            (_LOGITS, _OTHER, _SHARE),
            lambda x, t, v: (0.5 * np.log(2 * np.pi * v) + (x - t) ** 2 / (2 * v)).mean(),
        )
    ],
    "nn.poisson_nll": [
        Example(
            lambda x, t: poisson_nll(x, t, full=True),
            (_LOGITS, _CLASSES[:, None] * np.array([1.0, 2.0, 3.0])),
            lambda x, t: (
                np.exp(x)
                - t * x
                + where(
                    t > 1, t * np.log(t + 1e-99) - t + np.log(6.283185307179586 * t + 1e-99) / 2, 0
                )
            ).mean(),
        ),
        Example(
            lambda x, t: poisson_nll(x, t, log_input=False),
            (_SHARE, _CLASSES[:, None] + np.ones(3)),
            lambda x, t: (x - t * np.log(x + 1e-8)).mean(),
        ),
    ],
    "nn.hinge": [Example(hinge, (_LOGITS, _SIGNS), lambda x, t: np.maximum(1 - t * x, 0).mean())],
    "nn.squared_hinge": [
        Example(
            squared_hinge,
            (2 * _LOGITS, -_SIGNS),
            lambda x, t: (np.maximum(1 - t * x, 0) ** 2).mean(),
        )
    ],
    "nn.cosine_similarity": [
        Example(cosine_similarity, (_LOGITS, _OTHER), _cosine),
        Example(
            lambda x, y: cosine_similarity(x, y, axis=0),
            (_LOGITS.T.astype(np.float32), _OTHER.T.astype(np.float32)),
            lambda x, y: _cosine(x.T, y.T),
        ),
    ],
    "nn.cosine_embedding": [
        Example(
            lambda x, y: cosine_embedding(x, y, np.array([1, -1, 1, -1]), 0.1),
            (_LOGITS, _OTHER),
            lambda x, y: _cosine_embedding(_cosine(x, y)),
        )
    ],
    "nn.triplet_margin": [
        Example(
            triplet_margin,
            (_LOGITS, _OTHER, -_LOGITS),
            lambda a, p, n: np.maximum(
                np.linalg.norm(a - p + 1e-6, axis=-1) - np.linalg.norm(a - n + 1e-6, axis=-1) + 1, 0
            ).mean(),
        )
    ],
}
