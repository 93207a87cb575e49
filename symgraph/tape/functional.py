"""``nn.functional`` in PyTorch's order of arguments, where `symgraph.nn` has another.

Everything else of that namespace is `symgraph.nn` by PyTorch's names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph import nn
from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.registry import BUILDERS
from symgraph.tape.create import rand_like
from symgraph.tape.mode import no_grad
from symgraph.tape.names import NAMES

__all__ = ["FUNCTIONAL", "RENAMED"]

RENAMED = {
    "cosine_embedding_loss": "cosine_embedding",
    "gaussian_nll_loss": "gaussian_nll",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "hardtanh": "hard_tanh",
    "l1_loss": "mae",
    "logsigmoid": "log_sigmoid",
    "mse_loss": "mse",
    "poisson_nll_loss": "poisson_nll",
    "smooth_l1_loss": "smooth_l1",
    "triplet_margin_loss": "triplet_margin",
}
"""What `symgraph.nn` calls otherwise; what comes after the tensors is given by name."""


def _do(name: str, *args: Any, **keywords: Any) -> Any:
    return BUILDERS[name](*args, **keywords)


def _linear(input: Any, weight: Any, bias: Any = None) -> Any:
    product = input @ weight.T
    return product if bias is None else product + bias


def _gelu(input: Any, approximate: str = "none") -> Any:
    return nn.gelu(input, approximate=approximate == "tanh")


def _softplus(input: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    """Exact everywhere, so that there is no threshold from which on it is the identity."""
    return nn.softplus(input) if beta == 1 else nn.softplus(input * beta) / beta


def _over(name: str) -> Callable[..., Any]:
    """``softmax`` and its like: without an axis PyTorch takes the first or the second one."""
    function = getattr(nn, name)

    def call(input: Any, dim: int | None = None) -> Any:
        if dim is None:
            dim = 0 if len(input.shape) in (0, 1, 3) else 1
        return function(input, dim)

    return call


# Normalisation ----------------------------------------------------------------------------------


def _trailing(input: Any, normalized_shape: Any) -> tuple[int, ...]:
    """The axes whose sizes PyTorch wants to hear."""
    sizes = tuple(np.atleast_1d(np.asarray(normalized_shape)).tolist())
    if not sizes or tuple(input.shape)[-len(sizes) :] != sizes:
        raise ShapeError(
            "normalized_shape is not that of the last axes",
            expected=str(tuple(input.shape)),
            got=str(sizes),
        )
    return tuple(range(-len(sizes), 0))


def _layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    axes = _trailing(input, normalized_shape)
    return nn.layer_norm(input, weight, bias, axis=axes, eps=eps)


def _rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Any:
    axes = _trailing(input, normalized_shape)
    least = float(np.finfo(input.dtype).eps) if eps is None else eps
    return nn.rms_norm(input, weight, axis=axes, eps=least)


def _batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """In training by the batch's own moments, which the running ones then follow."""
    if not training:
        return nn.batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    if running_mean is not None:
        axes = tuple([i for i in range(len(input.shape)) if i != 1])
        with no_grad():
            mean = _do("mean", input, axis=axes)
            var = _do("var", input, axis=axes, ddof=1)
            for kept, now in ((running_mean, mean), (running_var, var)):
                kept.copy_((1 - momentum) * kept + momentum * now)
    return nn.batch_norm(input, None, None, weight, bias, eps=eps)


def _instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    if running_mean is not None or running_var is not None or not use_input_stats:
        raise UnsupportedError("instance_norm: running moments")
    return nn.instance_norm(input, weight, bias, eps)


def _normalize(input: Any, p: Any = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    length = NAMES["norm"](input, p, dim, keepdim=True)
    return input / _do("maximum", length, eps)


def _dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Zeros in random places, by `tape.manual_seed`'s numbers."""
    if not training or p == 0:
        return input
    return nn.dropout(input, rand_like(input).numpy() >= p, p)


# Classes ------------------------------------------------------------------------------------------


def _of_classes(name: str) -> Callable[..., Any]:
    """``cross_entropy`` and ``nll_loss``: classes along the second axis of a batch."""
    function = getattr(nn, name)

    def call(
        input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, **words: Any
    ) -> Any:
        axis = min(1, len(input.shape) - 1)
        if len(target.shape) != len(input.shape):
            words["ignore_index"] = ignore_index
            _check_classes(target, input.shape[axis], ignore_index)
        return function(input, target, axis, weight=weight, **words)

    return call


def _check_classes(labels: Any, count: int, ignored: int | None = None) -> None:
    """Raise unless labels are classes: their values are known here."""
    found = np.asarray(labels)
    if found.dtype.kind not in "iu":
        raise DTypeError("labels of classes", expected="integers", got=str(found.dtype))
    outside = (found < 0) | (found >= count)
    wrong = found[outside if ignored is None else outside & (found != ignored)]
    if wrong.size:
        raise InputError(
            "a label that is no class", expected=f"0 to {count - 1}", got=str(wrong.flat[0])
        )


def _one_hot(input: Any, num_classes: int = -1) -> Any:
    indices = np.asarray(input)
    count = num_classes if num_classes >= 0 else int(indices.max(initial=-1)) + 1
    _check_classes(indices, count)
    return _do("astype", nn.one_hot(input, count), "int64")


# Shapes ---------------------------------------------------------------------------------------


def _pad(input: Any, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Any:
    """Before and after the last axis, then the one before it, and so on."""
    widths = [(0, 0)] * (len(input.shape) - len(pad) // 2)
    widths += [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if min(pad, default=0) < 0:
        raise UnsupportedError("pad: negative widths", hint="slices, x[..., 1:-1], cut off")
    if mode == "constant":
        return _do("pad", input, widths, constant_values=0 if value is None else value)
    known = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in known:
        raise UnsupportedError(f"pad: mode={mode!r}", expected=", ".join(["constant", *known]))
    return _do("pad", input, widths, mode=known[mode])


def _avg_pool(name: str) -> Callable[..., Any]:
    function = getattr(nn, name)

    def call(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Any:
        return function(input, kernel_size, stride, padding, count_include_pad, ceil_mode)

    return call


def _pairwise_distance(x1: Any, x2: Any, p: Any = 2.0, eps: float = 1e-6, **words: Any) -> Any:
    return NAMES["norm"](x1 - x2 + eps, p, -1, **words)


def _huber(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    return nn.huber(input, target, delta, reduction=reduction)


FUNCTIONAL: dict[str, Callable[..., Any]] = {
    **{name: _over(name) for name in ("softmax", "log_softmax", "softmin")},
    **{name: _avg_pool(name) for name in ("avg_pool1d", "avg_pool2d", "avg_pool3d")},
    "batch_norm": _batch_norm,
    "cosine_similarity": NAMES["cosine_similarity"],
    "cross_entropy": _of_classes("cross_entropy"),
    "dropout": _dropout,
    "gelu": _gelu,
    "huber_loss": _huber,
    "instance_norm": _instance_norm,
    "layer_norm": _layer_norm,
    "linear": _linear,
    "nll_loss": _of_classes("nll"),
    "normalize": _normalize,
    "one_hot": _one_hot,
    "pad": _pad,
    "pairwise_distance": _pairwise_distance,
    "rms_norm": _rms_norm,
    "softplus": _softplus,
}
"""By PyTorch's name."""
