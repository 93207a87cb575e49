"""Losses of classes: cross entropy, and minus the log-probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.node import as_node
from symgraph.graph.registry import builder
from symgraph.graph.types import normalize_axis
from symgraph.ops import normalised
from symgraph.ops.elementwise import where
from symgraph.ops.index import take
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.nn.common import documented, function, positions_along, reduced
from symgraph.ops.reduce import sum
from symgraph.ops.shape import expand_dims, shape_text

_CLASSES = """

    Parameters
    ----------
    {scores}
    labels : array_like
        Integers: the class of each row, in the shape of the scores without `axis`. Floating
        values: probabilities (one-hot rows, say) in the shape of the scores.
    axis : int, optional
        That of the classes.
    weight : array_like, optional
        One number for each class, by which its losses are multiplied. A mean over integer labels
        is divided by the sum of their weights, as in PyTorch.
    ignore_index : int, optional
        A label whose rows do not count: their losses are 0.{more}
    reduction : {{"mean", "sum", "none"}}
        What becomes of the losses of the rows.

    Raises
    ------
    ShapeError
        If the labels do not fit the scores, or the weights the classes.
    DTypeError
        If the labels are boolean or complex, or `ignore_index` is given with probabilities.
"""


@builder()
@documented(
    _CLASSES.format(
        scores="""logits : array_like
        Unnormalised log-probabilities of the classes along `axis`.""",
        more="""
    label_smoothing : float, optional
        This share of each row's probability is spread evenly over all classes; Szegedy et al.
        2016, arXiv:1512.00567.""",
    )
    + """
    Examples
    --------
    >>> float(cross_entropy(np.zeros((2, 4)), np.array([3, 0])).round(4))
    1.3863
"""
)
def cross_entropy(
    logits: Any,
    labels: Any,
    axis: int = -1,
    *,
    weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """Cross entropy of labels under ``softmax(logits)``, as ``torch...cross_entropy``."""
    scores, target = _both(logits, labels)
    place = normalize_axis(axis, scores.ndim, "cross_entropy")
    if not 0 <= label_smoothing <= 1:
        raise DTypeError(
            "cross_entropy: label_smoothing", expected="0 to 1", got=repr(label_smoothing)
        )
    rows = _Rows("cross_entropy", target, scores, place, weight, ignore_index)
    log_p = normalised.log_softmax(scores, place)
    losses = rows.losses(log_p)
    if label_smoothing:
        spread = rows.kept(sum(rows.weighted(log_p), axis=place) / scores.shape[place])
        losses = (1.0 - label_smoothing) * losses - label_smoothing * spread
    return rows.reduced(losses, reduction)


@function
@documented(
    _CLASSES.format(
        scores="""log_probabilities : array_like
        Of the classes along `axis`, as `log_softmax` gives them.""",
        more="",
    )
)
def nll(
    log_probabilities: Any,
    labels: Any,
    axis: int = -1,
    *,
    weight: Any = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of the labels, as ``torch...nll_loss``."""
    scores, target = _both(log_probabilities, labels)
    place = normalize_axis(axis, scores.ndim, "nll")
    rows = _Rows("nll", target, scores, place, weight, ignore_index)
    return rows.reduced(rows.losses(scores), reduction)


def _both(first: Any, second: Any) -> tuple[Any, Any]:
    """Two arrays, or two nodes, that keep their dtypes."""
    if any_node(first, second):
        return as_node(first), as_node(second)
    return np.asarray(first), np.asarray(second)


class _Rows:
    """The labels of rows, with the weights of their classes."""

    def __init__(
        self, what: str, target: Any, scores: Any, place: int, weight: Any, ignored: int | None
    ) -> None:
        self.what, self.place = what, place
        self.soft = target.dtype.kind == "f"
        if not self.soft and target.dtype.kind not in "iu":
            raise DTypeError(
                f"{what}: the labels",
                expected="integers (classes) or floats (probabilities)",
                got=str(target.dtype),
            )
        if self.soft and ignored is not None:
            raise DTypeError(f"{what}: ignore_index with probabilities", expected="integer labels")
        rows = scores.shape[:place] + scores.shape[place + 1 :]
        expected = "the shape of the predictions" if self.soft else f"classes: shape {rows}"
        if target.shape != (scores.shape if self.soft else rows):
            raise ShapeError(
                f"{what}: the labels do not fit the predictions",
                expected=expected,
                got=f"labels {shape_text(target.shape)}, predictions {shape_text(scores.shape)}",
            )
        self.counts = None if ignored is None else target != ignored
        self.target = target if ignored is None else where(self.counts, target, 0)
        self.weight: Any = weight if weight is None else _both(weight, scores)[0]
        if weight is not None and self.weight.shape != (scores.shape[place],):
            raise ShapeError(
                f"{what}: weight",
                expected=f"one for each class: ({scores.shape[place]},)",
                got=shape_text(self.weight.shape),
            )

    def weighted(self, log_p: Any) -> Any:
        """Log-probabilities, times the weight of their class."""
        if self.weight is None:
            return log_p
        return expand_dims(self.weight, tuple(range(1, log_p.ndim - self.place))) * log_p

    def kept(self, losses: Any) -> Any:
        """0 for rows that do not count."""
        return losses if self.counts is None else where(self.counts, losses, 0.0)

    def losses(self, log_p: Any) -> Any:
        """Minus the log-probability of a class, or its mean under probabilities of classes."""
        if self.soft:
            return -sum(self.target * self.weighted(log_p), axis=self.place)
        found = -log_p[_classes_at(self.target, self.place)]
        if self.weight is not None:
            found = take(self.weight, self.target) * found
        return self.kept(found)

    def reduced(self, losses: Any, reduction: str) -> Any:
        """The mean divides by the weights of the rows that count."""
        plain = self.soft or (self.weight is None and self.counts is None)
        if reduction != "mean" or plain:
            return reduced(losses, reduction, self.what)
        if self.weight is None:
            return sum(losses) / sum(self.counts)
        return sum(losses) / sum(self.kept(take(self.weight, self.target)))


def _classes_at(labels: Any, place: int) -> tuple[Any, ...]:
    """The index of one class for each row: the labels, and the rows' own positions."""
    rows, index = labels.shape, list[Any]()
    for axis, count in enumerate(rows):
        positions = positions_along(count, any_node(labels, count))
        index.append(expand_dims(positions, tuple(range(1, len(rows) - axis))))
    index.insert(place, labels)
    return tuple(index)


# Examples for the tests --------------------------------------------------------------------------

_LOGITS = np.sin(np.arange(12.0) * 1.7).reshape(4, 3) * 2
_LABELS, _WEIGHT = np.array([2, -1, 0, 2]), np.array([0.5, 2.0, 1.5])


def _plain(x: Any, w: Any) -> Any:
    log_p = x - np.log(np.exp(x).sum(-1, keepdims=True))
    losses = -w[_LABELS] * log_p[np.arange(4), _LABELS]
    kept = _LABELS >= 0
    smooth = -(w * log_p).mean(-1)
    return ((0.75 * losses + 0.25 * smooth) * kept).sum() / (w[_LABELS] * kept).sum()


EXAMPLES: dict[str, list[Example]] = {
    "nn.weighted": [
        Example(
            lambda x, w: cross_entropy(x, _LABELS, weight=w, ignore_index=-1, label_smoothing=0.25),
            (_LOGITS, _WEIGHT),
            _plain,
        ),
        Example(
            lambda x, y: nll(x, y, ignore_index=-1),
            (_LOGITS, _LABELS),
            lambda x, y: -(x[np.arange(4), y] * (y >= 0)).sum() / (y >= 0).sum(),
        ),
    ],
}
