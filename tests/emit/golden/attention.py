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
    product = 0.125 * q @ k.T
    product -= product.max(axis=1, keepdims=True, initial=-np.inf)
    exp = np.exp(product, out=product)
    p = np.divide(exp, exp.sum(axis=1, keepdims=True), out=exp)
    # loss = np.mean((p @ v - target) ** 2)
    difference = p @ v - target
    flat_difference = difference.ravel()
    loss = flat_difference @ flat_difference / (e * n)
    # gradient of: loss = np.mean((p @ v - target) ** 2)
    difference *= np.float64(2.0) / (e * n)
    d_p = difference @ v.T
    # gradient of: p = sg.nn.softmax(q @ k.T / np.sqrt(q.shape[1]), axis=1)
    d_p -= np.vecdot(p, d_p)[:, None]
    # gradient of: loss = np.mean((p @ v - target) ** 2)
    d_v = p.T @ difference
    # gradient of: p = sg.nn.softmax(q @ k.T / np.sqrt(q.shape[1]), axis=1)
    d_p *= p
    d_q = 0.125 * (d_p @ k)
    d_k = 0.125 * (d_p.T @ q)
    return loss, d_q, d_k, d_v


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
