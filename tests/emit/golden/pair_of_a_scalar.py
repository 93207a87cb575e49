"""Computes loss.

forward(x, w)

    argument  dtype    shape
    x         float64  (n, 3)
    w         float64  (3,)

    result    dtype    shape
    loss      float64  ()

backward(saved, d_loss=1.0)

    argument  dtype    shape
    d_loss    float64  ()

    result    dtype    shape
    d_w       float64  (3,)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def forward(x, w):
    n = x.shape[0]
    # loss = np.mean(np.exp(x @ w))
    product = x @ w
    loss = np.exp(product).sum() / n
    return loss, (x, product)


def backward(saved, d_loss=1.0):
    x, product = saved
    n = x.shape[0]
    # gradient of: loss = np.mean(np.exp(x @ w))
    d_w = x.T @ (d_loss / n * np.exp(product))
    return d_w


def _results(*arguments):
    *values, saved = forward(*arguments)
    gradients = backward(saved, *[np.ones_like(v) for v in values])
    return [sum([np.sum(v) for v in values]), gradients]


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    x = rng.standard_normal((n, 3))
    w = rng.standard_normal((3,))
    arguments = [x, w]
    results = _results(*arguments)
    good = True
    gradients = [("w", 1, results[1], 0)]
    for name, place, gradient, which in gradients:
        direction = rng.standard_normal(np.shape(gradient))
        values = []
        for step in (1e-6, -1e-6):
            shifted = list(arguments)
            shifted[place] = arguments[place] + step * direction
            values.append(_results(*shifted)[which])
        difference = (values[0] - values[1]) / (2 * 1e-6)
        exact = np.real(np.sum(gradient * direction))
        scale = max(1.0, abs(exact), abs(values[0]))
        error = abs(difference - exact) / scale
        print(f"gradient by {name}: relative error {error:.1e}")
        good = good and bool(error <= 1e-6)
    print("passed" if good else "FAILED")
    return good


if __name__ == "__main__":
    import sys

    if sys.argv[1:] != ["--check"]:
        sys.exit(f"usage: python {sys.argv[0]} --check")
    sys.exit(0 if _check() else 1)
