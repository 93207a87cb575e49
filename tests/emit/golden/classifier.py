"""Computes loss, d_w1, d_b1, d_w2 and more.

loss_and_grad(x, labels, w1, b1, w2, b2)

    argument  dtype    shape
    x         float64  (n, 64)
    labels    int64    (n,)
    w1        float64  (64, 32)
    b1        float64  (32,)
    w2        float64  (32, 10)
    b2        float64  (10,)

    result    dtype    shape
    loss      float64  ()
    d_w1      float64  (64, 32)
    d_b1      float64  (32,)
    d_w2      float64  (32, 10)
    d_b2      float64  (10,)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loss_and_grad(x, labels, w1, b1, w2, b2):
    n = x.shape[0]
    # hidden = np.maximum(x @ w1 + b1, 0)
    product = x @ w1
    product += b1
    hidden = np.maximum(product, 0.0)
    # log_p = sg.nn.log_softmax(hidden @ w2 + b2, axis=1)
    product_2 = hidden @ w2
    product_2 += b2
    product_2 -= product_2.max(axis=1, keepdims=True)
    exp_product_2 = np.exp(product_2)
    total = exp_product_2.sum(axis=1, keepdims=True)
    log_p = np.subtract(product_2, np.log(total), out=product_2)
    arange = np.arange(n)
    # loss = -np.mean(np.take_along_axis(log_p, labels[:, None], axis=1))
    loss = -(log_p[arange[:, None], labels[:, None]].sum() / n)
    # gradient of: log_p = sg.nn.log_softmax(hidden @ w2 + b2, axis=1)
    exp_product_2 /= total
    scattered = exp_product_2 / n
    scattered[arange[:, None], labels[:, None]] -= np.float64(1.0) / n
    d_hidden = scattered @ w2.T
    # gradient of: hidden = np.maximum(x @ w1 + b1, 0)
    product_3 = d_hidden * (0.5 * np.sign(product) + 0.5)
    d_w1 = x.T @ product_3
    d_b1 = product_3.sum(axis=0)
    # gradient of: log_p = sg.nn.log_softmax(hidden @ w2 + b2, axis=1)
    d_w2 = hidden.T @ scattered
    d_b2 = scattered.sum(axis=0)
    return loss, d_w1, d_b1, d_w2, d_b2


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
    x = rng.standard_normal((n, 64))
    labels = rng.integers(0, 2, (n,)).astype(np.int64)
    w1 = rng.standard_normal((64, 32))
    b1 = rng.standard_normal((32,))
    w2 = rng.standard_normal((32, 10))
    b2 = rng.standard_normal((10,))
    arguments = [x, labels, w1, b1, w2, b2]
    results = loss_and_grad(*arguments)
    good = True
    gradients = [
        ("w1", 2, results[1], 0),
        ("b1", 3, results[2], 0),
        ("w2", 4, results[3], 0),
        ("b2", 5, results[4], 0),
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
