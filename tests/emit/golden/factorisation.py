"""Computes loss, d_u, d_v.

loss_and_grad(u, v, ratings)

    argument  dtype    shape
    u         float64  (n, k)
    v         float64  (m, k)
    ratings   float64  (n, m)

    result    dtype    shape
    loss      float64  ()
    d_u       float64  (n, k)
    d_v       float64  (m, k)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loss_and_grad(u, v, ratings):
    n = u.shape[0]
    m = v.shape[0]
    # loss = np.mean((u @ v.T - ratings) ** 2)
    difference = u @ v.T - ratings
    flat_difference = difference.ravel()
    loss = flat_difference @ flat_difference / (m * n)
    # gradient of: loss = np.mean((u @ v.T - ratings) ** 2)
    difference *= np.float64(2.0) / (m * n)
    d_u = difference @ v
    d_v = difference.T @ u
    return loss, d_u, d_v


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
    k = 4
    m = 3
    u = rng.standard_normal((n, k))
    v = rng.standard_normal((m, k))
    ratings = rng.standard_normal((n, m))
    arguments = [u, v, ratings]
    results = loss_and_grad(*arguments)
    good = True
    gradients = [("u", 0, results[1], 0), ("v", 1, results[2], 0)]
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
