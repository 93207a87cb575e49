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
    # gradient of: hidden = np.tanh(x @ w)
    exp = -2 * np.abs(product)
    np.exp(exp, out=exp)
    # hidden = np.tanh(x @ w)
    hidden = np.tanh(product, out=product)
    # return sg.forward_backward([x, w], {"hidden": hidden, "norm": np.sum(hidden**2)...
    flat_hidden = hidden.ravel()
    product_2 = flat_hidden @ flat_hidden
    # gradient of: hidden = np.tanh(x @ w)
    ratio = 4 * exp / (1 + exp) ** 2
    return hidden.copy(), product_2, (x, w, hidden, ratio)


def backward(saved, d_hidden, cotangent_1):
    x, w, hidden, ratio = saved
    # gradient of: hidden = np.tanh(x @ w)
    d_hidden_2 = d_hidden + 2 * cotangent_1 * hidden
    d_hidden_2 *= ratio
    d_w = x.T @ d_hidden_2
    d_x = d_hidden_2 @ w.T
    return d_w, d_x


def _results(*arguments):
    *values, saved = forward(*arguments)
    gradients = backward(saved, *[np.ones_like(v) for v in values])
    return [sum([np.sum(v) for v in values]), *gradients]


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
    return _results(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
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
