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


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
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
        values = []
        for step in (1e-6, -1e-6):
            shifted = list(arguments)
            shifted[place] = arguments[place] + step * direction
            values.append(value_and_grad(*shifted)[which])
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
