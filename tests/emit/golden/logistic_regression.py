"""Computes loss, d_w, d_b.

loss_and_grad(x, y, w, b)

    argument  dtype    shape
    x         float64  (n, d)
    y         float64  (n,)
    w         float64  (d,)
    b         float64  ()

    result    dtype    shape
    loss      float64  ()
    d_w       float64  (d,)
    d_b       float64  ()

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loss_and_grad(x, y, w, b):
    n = x.shape[0]
    # z = x @ w + b
    z = x @ w + b
    # loss = np.mean(np.logaddexp(0, z) - y * z)
    exp = np.exp(-np.abs(z))
    loss = (np.maximum(z, 0.0) + np.log1p(exp) - y * z).sum() / n
    # gradient of: z = x @ w + b
    difference = np.exp(np.minimum(z, 0.0)) / (1 + exp) - y
    d_w = x.T @ difference / n
    d_b = difference.sum() / n
    return loss, d_w, d_b


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
    return loss_and_grad(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    d = 4
    x = rng.standard_normal((n, d))
    y = rng.standard_normal((n,))
    w = rng.standard_normal((d,))
    b = np.float64(rng.standard_normal())
    arguments = [x, y, w, b]
    results = loss_and_grad(*arguments)
    good = True
    gradients = [("w", 2, results[1], 0), ("b", 3, results[2], 0)]
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
