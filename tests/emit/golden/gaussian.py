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
    z = difference
    z /= exp
    # loglik = np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))
    squared_z = z**2
    # gradient of: z = (x - mean) / np.exp(log_sigma)
    d_log_sigma = squared_z.sum(axis=0) - n
    # loglik = np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))
    squared_z *= -0.5
    squared_z -= log_sigma
    squared_z -= 0.9189385332046727
    loglik = squared_z.sum()
    return loglik, d_mean, d_log_sigma


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
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
        values = []
        for step in (1e-6, -1e-6):
            shifted = list(arguments)
            shifted[place] = arguments[place] + step * direction
            values.append(loglik_and_grad(*shifted)[which])
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
