"""Six models: a loss in NumPy, and its value and gradient as an expert writes them by hand.

A `loss` is made of NumPy functions only, so that it runs on arrays and on symgraph's nodes alike.
A `hand` is what it competes with: shared intermediates, in-place where the operand is dead, a
factor applied where the array is smallest, sums of squares as dot products, no pass over an array
that algebra saves. It names its gradients, as emitted code does, so that lines compare.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import symgraph as sg

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class Model:
    """A loss, its hand-written rival, and arguments for both.

    Attributes
    ----------
    loss
        Takes the arguments by position in the order of `shapes`; gives a scalar.
    hand
        Takes the same; gives the value, then a gradient for each name in `wrt`.
    shapes
        The arguments' shapes, in which a name stands for a size.
    small, large
        What the names stand for.
    spellings
        The same loss written in other ways; the first is `loss`.
    draw
        Arguments that are not normally distributed: from a generator, a shape and the sizes.
    """

    name: str
    loss: Callable[..., Any]
    hand: Callable[..., tuple[Any, ...]]
    wrt: tuple[str, ...]
    shapes: Mapping[str, Shape]
    small: Mapping[str, int]
    large: Mapping[str, int]
    spellings: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    draw: Mapping[str, Callable[..., np.ndarray]] = field(default_factory=dict)

    def arguments(self, sizes: Mapping[str, int], seed: int = 0) -> dict[str, np.ndarray]:
        """Draw arguments of the given sizes, the same ones for the same seed."""
        rng = np.random.default_rng(seed)
        arguments = {}
        for name, shape in self.shapes.items():
            concrete = tuple(sizes[n] if isinstance(n, str) else n for n in shape)
            draw = self.draw.get(name, _normal)
            arguments[name] = np.asarray(draw(rng, concrete, sizes))
        return arguments

    def placeholders(self) -> dict[str, Any]:
        """Declare the arguments to symgraph, with symbolic sizes."""
        example = self.arguments(self.small)
        return {
            name: sg.placeholder(name, shape, dtype=str(example[name].dtype))
            for name, shape in self.shapes.items()
        }

    def emitted(self, loss: Callable[..., Any] | None = None) -> Any:
        """Compile value and gradient of the loss, or of another spelling of it."""
        arguments = self.placeholders()
        value = (loss or self.loss)(*arguments.values())
        value, gradients = sg.value_and_grad(value, [arguments[name] for name in self.wrt])
        return sg.function(list(arguments.values()), [value, *gradients])


def _normal(rng: np.random.Generator, shape: tuple[int, ...], _: object) -> np.ndarray:
    """Draw with the spread of a network's weights: products keep their size."""
    return rng.standard_normal(shape) / np.sqrt(shape[0] if len(shape) > 1 else 1.0)


def _data(rng: np.random.Generator, shape: tuple[int, ...], _: object) -> np.ndarray:
    return rng.standard_normal(shape)


def _coin(rng: np.random.Generator, shape: tuple[int, ...], _: object) -> np.ndarray:
    return rng.integers(0, 2, shape).astype(np.float64)


def _labels(
    rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]
) -> np.ndarray:
    return rng.integers(0, sizes["classes"], shape)


# Linear regression


def linear_loss(x, y, w, b):
    return np.mean((x @ w + b - y) ** 2)


def linear_hand(x, y, w, b):
    residual = x @ w + b - y
    value = residual @ residual / len(y)
    factor = 2 / len(y)
    d_w = factor * (residual @ x)
    d_b = factor * residual.sum()
    return value, d_w, d_b


# Logistic regression: labels 0 and 1


def logistic_loss(x, y, w, b):
    z = x @ w + b
    return np.mean(np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - y * z)


def logistic_logaddexp(x, y, w, b):
    z = x @ w + b
    return np.mean(np.logaddexp(0, z) - y * z)


def logistic_softplus(x, y, w, b):
    z = x @ w + b
    return np.mean(sg.nn.softplus(z) - y * z)


def logistic_naive(x, y, w, b):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_hand(x, y, w, b):
    z = x @ w + b
    softplus = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)
    value = (softplus.sum() - y @ z) / len(y)
    # The sigmoid is exp(z - softplus(z)), which overflows nowhere.
    d_z = (np.exp(z - softplus) - y) / len(y)
    d_w = d_z @ x
    d_b = d_z.sum()
    return value, d_w, d_b


# Three-layer perceptron, softmax cross entropy, integer labels


def _mlp_logits(x, w1, b1, w2, b2, w3, b3):
    h1 = np.maximum(x @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    return h2 @ w3 + b3


def mlp_loss(x, labels, w1, b1, w2, b2, w3, b3):
    h1 = np.maximum(x @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    logits = h2 @ w3 + b3
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(np.take_along_axis(log_p, labels[:, None], axis=1))


def mlp_log_softmax(x, labels, w1, b1, w2, b2, w3, b3):
    log_p = sg.nn.log_softmax(_mlp_logits(x, w1, b1, w2, b2, w3, b3), axis=1)
    return -np.mean(np.take_along_axis(log_p, labels[:, None], axis=1))


def mlp_naive(x, labels, w1, b1, w2, b2, w3, b3):
    e = np.exp(_mlp_logits(x, w1, b1, w2, b2, w3, b3))
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.mean(np.log(np.take_along_axis(p, labels[:, None], axis=1)))


def mlp_hand(x, labels, w1, b1, w2, b2, w3, b3):
    n = len(labels)
    h1 = x @ w1
    h1 += b1
    np.maximum(h1, 0, out=h1)
    h2 = h1 @ w2
    h2 += b2
    np.maximum(h2, 0, out=h2)
    logits = h2 @ w3 + b3
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    norm = p.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    value = (np.log(norm).sum() - logits[rows, labels].sum()) / n
    d_logits = p / (norm * n)
    d_logits[rows, labels] -= 1 / n
    d_w3 = h2.T @ d_logits
    d_b3 = d_logits.sum(axis=0)
    d_h2 = d_logits @ w3.T
    d_h2 *= h2 > 0
    d_w2 = h1.T @ d_h2
    d_b2 = d_h2.sum(axis=0)
    d_h1 = d_h2 @ w2.T
    d_h1 *= h1 > 0
    d_w1 = x.T @ d_h1
    d_b1 = d_h1.sum(axis=0)
    return value, d_w1, d_b1, d_w2, d_b2, d_w3, d_b3


# Gaussian log-likelihood: independent columns


def gaussian_loss(x, mean, log_sigma):
    z = (x - mean) / np.exp(log_sigma)
    return np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))


def gaussian_hand(x, mean, log_sigma):
    n, d = x.shape
    precision = np.exp(-log_sigma)
    z = x - mean
    z *= precision
    squares = np.einsum("ij,ij->j", z, z)
    value = -0.5 * squares.sum() - n * (log_sigma.sum() + 0.5 * d * np.log(2 * np.pi))
    d_mean = precision * z.sum(axis=0)
    d_log_sigma = squares - n
    return value, d_mean, d_log_sigma


# Matrix factorisation


def factorisation_loss(u, v, r):
    return np.mean((u @ v.T - r) ** 2)


def factorisation_hand(u, v, r):
    error = u @ v.T
    error -= r
    value = np.vdot(error, error) / r.size
    factor = 2 / r.size
    d_u = factor * (error @ v)
    d_v = factor * (error.T @ u)
    return value, d_u, d_v


def weighted_factorisation_loss(u, v, r, weight):
    return np.sum(weight * (u @ v.T - r) ** 2) / np.sum(weight)


def weighted_factorisation_hand(u, v, r, weight):
    error = u @ v.T
    error -= r
    weighted = weight * error
    total = weight.sum()
    value = np.vdot(weighted, error) / total
    factor = 2 / total
    d_u = factor * (weighted @ v)
    d_v = factor * (weighted.T @ u)
    return value, d_u, d_v


# Attention


def attention_loss(q, k, v, target):
    scores = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return np.mean((p @ v - target) ** 2)


def attention_softmax(q, k, v, target):
    p = sg.nn.softmax(q @ k.T / np.sqrt(q.shape[1]), axis=1)
    return np.mean((p @ v - target) ** 2)


def attention_naive(q, k, v, target):
    e = np.exp(q @ k.T / np.sqrt(q.shape[1]))
    p = e / np.sum(e, axis=1, keepdims=True)
    return np.mean((p @ v - target) ** 2)


def attention_hand(q, k, v, target):
    scaled = q / np.sqrt(q.shape[1])
    p = scaled @ k.T
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    out = p @ v
    error = out - target
    value = np.vdot(error, error) / error.size
    d_out = (2 / error.size) * error
    d_v = p.T @ d_out
    d_scores = d_out @ v.T
    # The rows' sums of p * d_p, over the narrow arrays (as FlashAttention takes them).
    d_scores -= (d_out * out).sum(axis=1, keepdims=True)
    d_scores *= p
    d_q = d_scores @ k / np.sqrt(q.shape[1])
    d_k = d_scores.T @ scaled
    return value, d_q, d_k, d_v


MODELS = (
    Model(
        name="linear regression",
        loss=linear_loss,
        hand=linear_hand,
        wrt=("w", "b"),
        shapes={"x": ("n", "d"), "y": ("n",), "w": ("d",), "b": ()},
        small={"n": 20, "d": 3},
        large={"n": 100_000, "d": 20},
        draw={"x": _data},
    ),
    Model(
        name="logistic regression",
        loss=logistic_loss,
        hand=logistic_hand,
        wrt=("w", "b"),
        shapes={"x": ("n", "d"), "y": ("n",), "w": ("d",), "b": ()},
        small={"n": 20, "d": 3},
        large={"n": 100_000, "d": 20},
        spellings={
            "np.logaddexp": logistic_logaddexp,
            "sg.nn.softplus": logistic_softplus,
            "naive": logistic_naive,
        },
        draw={"x": _data, "y": _coin},
    ),
    Model(
        name="three-layer MLP",
        loss=mlp_loss,
        hand=mlp_hand,
        wrt=("w1", "b1", "w2", "b2", "w3", "b3"),
        shapes={
            "x": ("n", "d"),
            "labels": ("n",),
            "w1": ("d", "h1"),
            "b1": ("h1",),
            "w2": ("h1", "h2"),
            "b2": ("h2",),
            "w3": ("h2", "classes"),
            "b3": ("classes",),
        },
        small={"n": 8, "d": 6, "h1": 7, "h2": 5, "classes": 3},
        large={"n": 256, "d": 784, "h1": 512, "h2": 512, "classes": 10},
        spellings={"sg.nn.log_softmax": mlp_log_softmax, "naive": mlp_naive},
        draw={"x": _data, "labels": _labels},
    ),
    Model(
        name="Gaussian log-likelihood",
        loss=gaussian_loss,
        hand=gaussian_hand,
        wrt=("mean", "log_sigma"),
        shapes={"x": ("n", "d"), "mean": ("d",), "log_sigma": ("d",)},
        small={"n": 20, "d": 3},
        large={"n": 50_000, "d": 20},
        draw={"x": _data},
    ),
    Model(
        name="matrix factorisation",
        loss=factorisation_loss,
        hand=factorisation_hand,
        wrt=("u", "v"),
        shapes={"u": ("n", "k"), "v": ("m", "k"), "r": ("n", "m")},
        small={"n": 6, "m": 5, "k": 2},
        large={"n": 1000, "m": 800, "k": 20},
    ),
    Model(
        name="attention",
        loss=attention_loss,
        hand=attention_hand,
        wrt=("q", "k", "v"),
        shapes={"q": ("n", 64), "k": ("m", 64), "v": ("m", "e"), "target": ("n", "e")},
        small={"n": 5, "m": 6, "e": 4},
        large={"n": 512, "m": 512, "e": 64},
        spellings={"sg.nn.softmax": attention_softmax, "naive": attention_naive},
        draw={"q": _data, "k": _data, "v": _data},
    ),
    Model(
        name="weighted factorisation",
        loss=weighted_factorisation_loss,
        hand=weighted_factorisation_hand,
        wrt=("u", "v"),
        shapes={"u": ("n", "k"), "v": ("m", "k"), "r": ("n", "m"), "weight": ("n", "m")},
        small={"n": 6, "m": 5, "k": 2},
        large={"n": 1000, "m": 800, "k": 20},
        draw={"weight": _coin},
    ),
)
"""The six of the project's figures, and the factorisation of a matrix that is only partly known."""
