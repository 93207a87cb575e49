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


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
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
