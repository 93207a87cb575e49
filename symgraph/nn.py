"""Activations and losses: ``sg.nn``.

Examples
--------
>>> import symgraph as sg
>>> logits, labels = sg.placeholder("logits", ("n", 3)), sg.placeholder("labels", "n", "int64")
>>> sg.nn.cross_entropy(logits, labels).shape
()
"""

from symgraph.ops.nn import (
    cross_entropy,
    gelu,
    log_sigmoid,
    log_softmax,
    logsumexp,
    mse,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
)

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
