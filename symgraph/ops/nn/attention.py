"""Attention and embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.node import constant
from symgraph.ops.elementwise import sqrt, where
from symgraph.ops.index import take
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.nn.activations import softmax
from symgraph.ops.nn.common import array_of, arrays, function, positions_along
from symgraph.ops.products import array, matmul
from symgraph.ops.shape import expand_dims, reshape, shape_text, swapaxes


def _masked(scores: Any, mask: Any, is_causal: bool) -> Any:
    # Finite, so that a row without a key gives the mean and not NaN; exp() makes it 0.
    lowest = -(10.0 ** int(np.log10(np.finfo(scores.dtype).max)))
    if is_causal:
        rows, columns = (positions_along(n, any_node(scores)) for n in scores.shape[-2:])
        scores = where(expand_dims(rows, 1) >= columns, scores, lowest)
    if mask is None:
        return scores
    allowed = array_of(mask)
    return where(allowed, scores, lowest) if allowed.dtype.kind == "b" else scores + allowed


@function
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    *,
    is_causal: bool = False,
    scale: Any = None,
) -> Any:
    """``softmax(query @ key.mT * scale) @ value``.

    As ``torch.nn.functional.scaled_dot_product_attention``; Vaswani et al. 2017, arXiv:1706.03762.

    Parameters
    ----------
    query : array_like
        Shape ``(..., queries, features)``.
    key : array_like
        Shape ``(..., keys, features)``.
    value : array_like
        Shape ``(..., keys, values)``.
    mask : array_like, optional
        Broadcast against ``(..., queries, keys)``. Booleans: true where a query may see a key; a
        query that sees none gets the mean of all values. Numbers: added to the scores.
    is_causal : bool, optional
        Whether a query sees the keys up to its own position only.
    scale : float or node, optional
        By default one over the root of the number of features.

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> q, k = placeholder("q", ("b", 8, "n", 16)), placeholder("k", ("b", 8, "m", 16))
    >>> scaled_dot_product_attention(q, k, k).shape
    (b, 8, n, 16)
    """
    queries, keys, values = arrays(query, key, value)
    if min(queries.ndim, keys.ndim, values.ndim) < 2:
        raise ShapeError("attention needs two axes: positions and features")
    if scale is None:
        features = queries.shape[-1]
        scale = (
            features**-0.5
            if isinstance(features, int)
            else 1.0 / sqrt(constant(features, queries.dtype))
        )
    scores = matmul(queries * scale, swapaxes(keys, -1, -2))
    return matmul(softmax(_masked(scores, mask, is_causal)), values)


def _heads(x: Any, count: int) -> Any:
    """``(..., positions, features)`` to ``(..., heads, positions, features / heads)``."""
    features = x.shape[-1]
    if features % count != 0:
        raise ShapeError(f"attention: {features} features in {count} heads", got=str(x.shape))
    return swapaxes(reshape(x, (*x.shape[:-1], count, features // count)), -2, -3)


def _projected(x: Any, weight: Any, bias: Any) -> Any:
    y = matmul(x, weight)
    return y if bias is None else y + bias


@function
def multi_head_attention(
    query: Any,
    key: Any,
    value: Any,
    query_weight: Any,
    key_weight: Any,
    value_weight: Any,
    output_weight: Any,
    num_heads: int,
    *,
    query_bias: Any = None,
    key_bias: Any = None,
    value_bias: Any = None,
    output_bias: Any = None,
    mask: Any = None,
    is_causal: bool = False,
) -> Any:
    """Attention in several heads between projections, as ``torch.nn.MultiheadAttention``.

    Parameters
    ----------
    query, key, value : array_like
        Shape ``(..., positions, features)``.
    query_weight, key_weight, value_weight, output_weight : array_like
        Matrices that features are multiplied with from the right, ``x @ weight``.
    num_heads : int
        Must divide the projected features.
    query_bias, key_bias, value_bias, output_bias : array_like, optional
        Added to the projections.
    mask, is_causal : optional
        As for `scaled_dot_product_attention`, for shape ``(..., heads, queries, keys)``.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    q, k, v = (
        _heads(_projected(array_of(x), weight, bias), num_heads)
        for x, weight, bias in (
            (query, query_weight, query_bias),
            (key, key_weight, key_bias),
            (value, value_weight, value_bias),
        )
    )
    found = swapaxes(scaled_dot_product_attention(q, k, v, mask, is_causal=is_causal), -2, -3)
    joined = reshape(found, (*found.shape[:-2], found.shape[-2] * found.shape[-1]))
    return _projected(joined, output_weight, output_bias)


@function
def embedding(input: Any, weight: Any) -> Any:
    """Rows of a table, as ``torch.nn.functional.embedding``.

    Parameters
    ----------
    input : array_like of int
        Which rows.
    weight : array_like
        The table, with two axes.

    Raises
    ------
    DTypeError
        If the rows are no integers.
    """
    rows, table = array_of(input), array_of(weight)
    if rows.dtype.kind not in "iu":
        raise DTypeError("embedding: which rows", expected="integers", got=str(rows.dtype))
    if table.ndim != 2:
        raise ShapeError("embedding: the table needs two axes", got=shape_text(table.shape))
    return take(table, rows, axis=0)


# Examples for the tests --------------------------------------------------------------------------

_Q, _K, _V = array(2, 3, 4), array(2, 5, 4, shift=1.0), array(2, 5, 2, shift=2.0)
_MASK = array(3, 5) > -0.5


def _plain(q: Any, k: Any, v: Any, mask: Any = None, scale: float = 0.5) -> Any:
    e = np.exp(np.einsum("...qd,...kd->...qk", q, k) * scale)
    e = e if mask is None else e * mask
    return np.einsum("...qk,...kd->...qd", e / e.sum(-1, keepdims=True), v).astype(q.dtype)


def _plain_heads(x: Any, wq: Any, wo: Any) -> Any:
    parts = [
        _plain(x @ wq[:, i : i + 2], x @ wq[:, i : i + 2], x @ wq[:, i : i + 2], scale=2**-0.5)
        for i in (0, 2)
    ]
    return np.concatenate(parts, axis=-1) @ wo


EXAMPLES: dict[str, list[Example]] = {
    "nn.scaled_dot_product_attention": [
        Example(scaled_dot_product_attention, (_Q, _K, _V), _plain),
        Example(
            lambda q, k, v: scaled_dot_product_attention(q, k, v, _MASK),
            (_Q, _K, _V),
            lambda q, k, v: _plain(q, k, v, _MASK),
        ),
        Example(
            lambda q, k, v: scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3),
            tuple([x.astype(np.float32) for x in (_Q, _K, _V)]),
            lambda q, k, v: _plain(q, k, v, np.tri(3, 5), 0.3),
        ),
        Example(
            lambda q, k, v: scaled_dot_product_attention(q, k, v, np.where(_MASK, 0.5, -np.inf)),
            (_Q, _K, _V),
            lambda q, k, v: _plain(q, k, v, _MASK),
        ),
    ],
    "nn.multi_head_attention": [
        Example(
            lambda x, w, o: multi_head_attention(x, x, x, w, w, w, o, 2),
            (_Q, array(4, 4), array(4, 3)),
            _plain_heads,
        ),
        Example(
            lambda x, w, b: multi_head_attention(
                x, x, x, w, w, w, w, 1, query_bias=b, key_bias=b, value_bias=b, output_bias=b
            ),
            (_Q, array(4, 4), array(4, shift=1.0)),
            lambda x, w, b: _plain(x @ w + b, x @ w + b, x @ w + b) @ w + b,
        ),
    ],
    "nn.embedding": [
        Example(embedding, (np.array([[2, 0], [2, 1]]), array(3, 4)), lambda i, w: w[i])
    ],
}
