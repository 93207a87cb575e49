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


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
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
        values = []
        for step in (1e-6, -1e-6):
            shifted = list(arguments)
            shifted[place] = arguments[place] + step * direction
            values.append(loss_and_grad(*shifted)[which])
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
