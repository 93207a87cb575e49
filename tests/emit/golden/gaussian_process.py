"""Computes loss, d_length, d_noise.

gaussian_process(x, y, length, noise)

    argument  dtype    shape
    x         float64  (n,)
    y         float64  (n,)
    length    float64  ()
    noise     float64  ()

    result    dtype    shape
    loss      float64  ()
    d_length  float64  ()
    d_noise   float64  ()

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def solve_triangular(a, b, lower=False):
    """Solve a triangular system with columns b by substitution, 64 rows at a time."""
    n = a.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.empty((*batch, *b.shape[-2:]), np.result_type(a, b))
    starts = range(0, n, 64)
    for start in starts if lower else reversed(starts):
        rows = slice(start, start + 64)
        known = slice(0, start) if lower else slice(start + 64, n)
        rest = b[..., rows, :] - a[..., rows, known] @ x[..., known, :]
        x[..., rows, :] = np.linalg.solve(a[..., rows, rows], rest)
    return x


def gaussian_process(x, y, length, noise):
    n = x.shape[0]
    # distances = (x[:, None] - x) / length
    distances = (x[:, None] - x) / length
    # covariance = np.exp(-0.5 * distances**2) + (0.1 + noise**2) * sg.eye(x.shape[0])
    exp = -0.5 * distances**2
    np.exp(exp, out=exp)
    covariance = exp + (0.1 + noise**2) * np.eye(n)
    # factor = sg.linalg.cho_factor(covariance, lower=True)
    factor = np.linalg.cholesky(covariance)
    # weights = sg.linalg.cho_solve(factor, y)
    triangular_solve = solve_triangular(factor, y[:, None], lower=True)
    triangular_solve_2 = solve_triangular(factor.T, triangular_solve)
    weights = triangular_solve_2.squeeze(axis=1)
    # loss = 0.5 * y @ weights + np.sum(np.log(np.diagonal(factor[0])))
    diagonal_factor = np.diagonal(factor)
    loss = 0.5 * (y @ weights) + np.log(diagonal_factor).sum()
    # gradient of: weights = sg.linalg.cho_solve(factor, y)
    triangular_solve_3 = solve_triangular(factor, (0.5 * y)[:, None], lower=True)
    # gradient of: factor = sg.linalg.cho_factor(covariance, lower=True)
    product = factor.T @ solve_triangular(factor.T, triangular_solve_3)
    product_2 = product @ triangular_solve.T
    product_3 = factor.T @ triangular_solve_2 @ triangular_solve_3.T
    difference = factor.T / diagonal_factor - product_2 - product_3
    difference *= 0.5
    plus = np.tril(difference, -1) + np.tril(difference)
    triangular_solve_4 = solve_triangular(factor.T, plus)
    triangular_solve_5 = solve_triangular(factor.T, triangular_solve_4.T)
    triangle = np.tril(triangular_solve_5.T, -1)
    triangle_2 = np.tril(triangular_solve_5)
    # gradient of: covariance = np.exp(-0.5 * distances**2) + (0.1 + noise**2) * sg.e...
    d_noise = (np.diagonal(triangle) + np.diagonal(triangle_2)).sum() * (2 * noise)
    # gradient of: factor = sg.linalg.cho_factor(covariance, lower=True)
    d_covariance = np.add(triangle, triangle_2, out=triangle)
    # gradient of: covariance = np.exp(-0.5 * distances**2) + (0.1 + noise**2) * sg.e...
    d_distances = -(d_covariance * exp * distances)
    # gradient of: distances = (x[:, None] - x) / length
    d_length = -(d_distances.ravel() @ distances.ravel() / length)
    return loss, d_length, d_noise


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
    return gaussian_process(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    x = rng.standard_normal((n,))
    y = rng.standard_normal((n,))
    length = np.float64(rng.standard_normal())
    noise = np.float64(rng.standard_normal())
    arguments = [x, y, length, noise]
    results = gaussian_process(*arguments)
    good = True
    gradients = [("length", 2, results[1], 0), ("noise", 3, results[2], 0)]
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
