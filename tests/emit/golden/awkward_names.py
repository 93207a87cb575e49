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


def _check(seed=0):
    """Compare every gradient with central differences on random inputs."""
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
        values = []
        for step in (1e-6, -1e-6):
            shifted = list(arguments)
            shifted[place] = arguments[place] + step * direction
            values.append(lambda_(*shifted)[which])
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
