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
    exp = np.exp(x @ w)
    loss = exp.sum() / n
    return loss, (x, exp)


def backward(saved, d_loss=1.0):
    x, exp = saved
    n = x.shape[0]
    # gradient of: loss = np.mean(np.exp(x @ w))
    d_w = x.T @ (d_loss / n * exp)
    return d_w


def _results(*arguments):
    *values, saved = forward(*arguments)
    gradients = backward(saved, *[np.ones_like(v) for v in values])
    return [sum([np.sum(v) for v in values]), gradients]


def _slope(value, *given):
    """The derivative of value(step, *given) by step at 0, and what it may be off by.

    Central differences, the step smaller each time, extrapolated (Ridders, 1982).
    """
    step, row = 0.0625, []
    best, doubt = np.nan, np.inf
    for _ in range(9):
        ahead = np.asarray(value(step, *given))
        behind = np.asarray(value(-step, *given))
        noise = 4 * np.finfo(ahead.dtype).eps * (np.abs(ahead) + np.abs(behind)) / step
        before, row = row, [(ahead - behind) / (2 * step)]
        for k, coarse in enumerate(before, 1):
            finer = row[-1] + (row[-1] - coarse) / (16.0**k - 1)
            error = np.maximum(np.abs(finer - row[-1]), np.abs(finer - coarse)) + noise
            best = np.where(error < doubt, finer, best)
            doubt = np.where(error < doubt, error, doubt)
            row.append(finer)
        step /= 4
    return best, doubt


def _value_at(step, arguments, place, direction, which):
    shifted = list(arguments)
    shifted[place] = arguments[place] + step * direction
    return _results(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
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
        difference, doubt = _slope(_value_at, arguments, place, direction, which)
        exact = np.real(np.sum(gradient * direction))
        error = abs(difference - exact)
        scale = max(1.0, abs(exact), np.sum(np.abs(gradient * direction)))
        tolerance = min(20.0 * doubt, 0.001 * scale)
        tolerance += 10000 * np.finfo(float).eps * scale
        print(f"gradient by {name}: error {error:.1e}")
        good = good and bool(error <= tolerance)
    print("passed" if good else "FAILED")
    return good


if __name__ == "__main__":
    import sys

    if sys.argv[1:] != ["--check"]:
        sys.exit(f"usage: python {sys.argv[0]} --check")
    sys.exit(0 if _check() else 1)
