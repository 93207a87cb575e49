"""Computes hidden, product_2.

forward(x, w)

    argument   dtype    shape
    x          float64  (n, 3)
    w          float64  (3, h)

    result     dtype    shape
    hidden     float64  (n, h)
    product_2  float64  ()

backward(saved, d_hidden, cotangent_1)

    argument     dtype    shape
    d_hidden     float64  (n, h)
    cotangent_1  float64  ()

    result       dtype    shape
    d_w          float64  (3, h)
    d_x          float64  (n, 3)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def forward(x, w):
    # hidden = np.tanh(x @ w)
    product = x @ w
    hidden = np.tanh(product)
    # return sg.forward_backward([x, w], {"hidden": hidden, "norm": np.sum(hidden**2)...
    flat_hidden = hidden.ravel()
    product_2 = flat_hidden @ flat_hidden
    # gradient of: hidden = np.tanh(x @ w)
    exp = np.exp(-2 * np.abs(product))
    ratio = 4 * exp / (1 + exp) ** 2
    return hidden.copy(), product_2, (x, w, hidden, ratio)


def backward(saved, d_hidden, cotangent_1):
    x, w, hidden, ratio = saved
    # gradient of: hidden = np.tanh(x @ w)
    d_hidden_2 = d_hidden + cotangent_1 * (2 * hidden)
    product = d_hidden_2 * ratio
    d_w = x.T @ product
    d_x = product @ w.T
    return d_w, d_x


def _results(*arguments):
    *values, saved = forward(*arguments)
    gradients = backward(saved, *[np.ones_like(v) for v in values])
    return [sum([np.sum(v) for v in values]), *gradients]


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    h = 4
    x = rng.standard_normal((n, 3))
    w = rng.standard_normal((3, h))
    arguments = [x, w]
    results = _results(*arguments)
    good = True
    gradients = [("w", 1, results[1], 0), ("x", 0, results[2], 0)]
    for name, place, gradient, which in gradients:
        direction = rng.standard_normal(np.shape(gradient))
        values = []
        for step in (1e-6, -1e-6):
            shifted = list(arguments)
            shifted[place] = arguments[place] + step * direction
            values.append(_results(*shifted)[which])
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
