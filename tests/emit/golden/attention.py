"""Computes loss, d_q, d_k, d_v.

loss_and_grad(q, k, v, target)

    argument  dtype    shape
    q         float64  (n, 64)
    k         float64  (m, 64)
    v         float64  (m, e)
    target    float64  (n, e)

    result    dtype    shape
    loss      float64  ()
    d_q       float64  (n, 64)
    d_k       float64  (m, 64)
    d_v       float64  (m, e)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loss_and_grad(q, k, v, target):
    n = q.shape[0]
    e = v.shape[1]
    # p = sg.nn.softmax(q @ k.T / np.sqrt(q.shape[1]), axis=1)
    product = 0.125 * (q @ k.T)
    exp = np.exp(product - product.max(axis=1, keepdims=True))
    p = exp / exp.sum(axis=1, keepdims=True)
    # loss = np.mean((p @ v - target) ** 2)
    difference = p @ v - target
    flat_difference = difference.ravel()
    loss = flat_difference @ flat_difference / (e * n)
    # gradient of: loss = np.mean((p @ v - target) ** 2)
    difference *= np.float64(2.0) / (e * n)
    d_p = difference @ v.T
    # gradient of: p = sg.nn.softmax(q @ k.T / np.sqrt(q.shape[1]), axis=1)
    product_2 = 0.125 * (p * (d_p - (p * d_p).sum(axis=1, keepdims=True)))
    d_q = product_2 @ k
    d_k = product_2.T @ q
    # gradient of: loss = np.mean((p @ v - target) ** 2)
    d_v = p.T @ difference
    return loss, d_q, d_k, d_v


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    m = 4
    e = 3
    q = rng.standard_normal((n, 64))
    k = rng.standard_normal((m, 64))
    v = rng.standard_normal((m, e))
    target = rng.standard_normal((n, e))
    arguments = [q, k, v, target]
    results = loss_and_grad(*arguments)
    good = True
    gradients = [
        ("q", 0, results[1], 0),
        ("k", 1, results[2], 0),
        ("v", 2, results[3], 0),
    ]
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
