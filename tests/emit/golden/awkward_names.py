"""Computes θ, d_class, a_b_c.

lambda_(class_, np_, _import_os)

    argument    dtype    shape
    class_      float64  (n,)
    np_         float64  (n,)
    _import_os  float64  (n,)

    result      dtype    shape
    θ           float64  ()
    d_class     float64  (n,)
    a_b_c       float64  (n,)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def lambda_(class_, np_, _import_os):
    # product = (first * second).named("a'b\nc")
    a_b_c = class_ * np_
    # loss = np.sum(product * third).named("θ")
    θ = a_b_c @ _import_os
    # gradient of: product = (first * second).named("a'b\nc")
    d_class = _import_os * np_
    return θ, d_class, a_b_c


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
    return lambda_(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    class_ = rng.standard_normal((n,))
    np_ = rng.standard_normal((n,))
    _import_os = rng.standard_normal((n,))
    arguments = [class_, np_, _import_os]
    results = lambda_(*arguments)
    good = True
    gradients = [("class_", 0, results[1], 0), ("_import_os", 2, results[2], 0)]
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
