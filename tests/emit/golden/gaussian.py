"""Computes loglik, d_mean, d_log_sigma.

loglik_and_grad(x, mean, log_sigma)

    argument     dtype    shape
    x            float64  (n, d)
    mean         float64  (d,)
    log_sigma    float64  (d,)

    result       dtype    shape
    loglik       float64  ()
    d_mean       float64  (d,)
    d_log_sigma  float64  (d,)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loglik_and_grad(x, mean, log_sigma):
    n = x.shape[0]
    # z = (x - mean) / np.exp(log_sigma)
    difference = x - mean
    exp = np.exp(log_sigma)
    # gradient of: z = (x - mean) / np.exp(log_sigma)
    d_mean = difference.sum(axis=0) / exp / exp
    # z = (x - mean) / np.exp(log_sigma)
    z = np.divide(difference, exp, out=difference)
    # loglik = np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))
    squared = np.square(z, out=z)
    # gradient of: z = (x - mean) / np.exp(log_sigma)
    d_log_sigma = squared.sum(axis=0) - n
    # loglik = np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))
    squared += 2 * (log_sigma + 0.9189385332046727)
    loglik = -0.5 * squared.sum()
    return loglik, d_mean, d_log_sigma


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
    return loglik_and_grad(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    d = 4
    x = rng.standard_normal((n, d))
    mean = rng.standard_normal((d,))
    log_sigma = rng.standard_normal((d,))
    arguments = [x, mean, log_sigma]
    results = loglik_and_grad(*arguments)
    good = True
    gradients = [("mean", 1, results[1], 0), ("log_sigma", 2, results[2], 0)]
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
