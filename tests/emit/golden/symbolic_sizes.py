"""Computes value, d_a, d_b, d_grid.

value_and_grad(a, b, grid)

    argument  dtype    shape
    a         float64  (n,)
    b         float64  (m,)
    grid      float64  (n, 2 * m)

    result    dtype    shape
    value     float64  ()
    d_a       float64  (n,)
    d_b       float64  (m,)
    d_grid    float64  (n, 2 * m)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def value_and_grad(a, b, grid):
    n = a.shape[0]
    m = b.shape[0]
    # joined = np.concatenate([a, b])
    joined = np.concatenate([a, b])
    # flat = grid.reshape(-1)
    flat = grid.ravel()
    # value = np.sum(joined**2) / joined.shape[0] + np.mean(flat[1:] * flat[:-1])
    getitem_flat = flat[1:]
    getitem_flat_2 = flat[:-1]
    value = joined @ joined / (m + n) + getitem_flat @ getitem_flat_2 / (2 * m * n - 1)
    # gradient of: value = np.sum(joined**2) / joined.shape[0] + np.mean(flat[1:] * f...
    d_joined = np.float64(2.0) / (m + n) * joined
    # gradient of: joined = np.concatenate([a, b])
    d_a = d_joined[:n]
    d_b = d_joined[n:]
    # gradient of: value = np.sum(joined**2) / joined.shape[0] + np.mean(flat[1:] * f...
    d_flat = np.zeros(2 * m * n)
    d_flat[:-1] = getitem_flat / (2 * m * n - 1)
    # gradient of: flat = grid.reshape(-1)
    d_flat[1:] += getitem_flat_2 / (2 * m * n - 1)
    d_grid = d_flat.reshape(n, 2 * m)
    return value, d_a, d_b.copy(), d_grid


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
    return value_and_grad(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    m = 4
    a = rng.standard_normal((n,))
    b = rng.standard_normal((m,))
    grid = rng.standard_normal((n, 2 * m))
    arguments = [a, b, grid]
    results = value_and_grad(*arguments)
    good = True
    gradients = [
        ("a", 0, results[1], 0),
        ("b", 1, results[2], 0),
        ("grid", 2, results[3], 0),
    ]
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
