"""Distributions of vectors: the normal and the Dirichlet distribution."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.node import Node, as_node
from symgraph.ops.create import eye
from symgraph.ops.diagonals import diag, diagonal
from symgraph.ops.elementwise import exp, log, square, where
from symgraph.ops.kinds import Example
from symgraph.ops.linalg.cholesky import cholesky
from symgraph.ops.linalg.triangular import solve_triangular
from symgraph.ops.reduce import sum
from symgraph.ops.shape import expand_dims, shape_text, squeeze
from symgraph.ops.special.entropy import xlogy
from symgraph.ops.special.gamma import gammaln
from symgraph.ops.stats.common import Distribution, floats

__all__ = ["dirichlet", "multivariate_normal"]


class _MultivariateNormal(Distribution):
    """Of vectors along the last axis of x."""

    methods = ("pdf", "logpdf")
    located = (("mean", 0.0), ("cov", 1.0))

    def _compute(self, method: str, x: Any, parameters: list[Any]) -> Any:
        given = [0.0 if parameters[0] is None else parameters[0], parameters[1]]
        value, mean, cov = floats([x, *given], self.name)
        # A number or a vector of numbers is one of one component, or of many, by the covariance.
        size = (cov.shape or mean.shape or (1,))[-1]
        if size == 1 and (not value.ndim or value.shape[-1] != 1):
            value = expand_dims(value, -1)
        matrix = _covariance(cov, size)
        if value.shape[-1:] != (size,) or mean.shape not in ((), (size,)):
            raise ShapeError(
                f"{self.name}: sizes differ",
                expected=f"x of shape (..., {size}) and a mean of shape ({size},)",
                got=f"{shape_text(value.shape)} and {shape_text(mean.shape)}",
            )
        found = _log_density(value - mean, cholesky(matrix), size)
        return exp(found) if method == "pdf" else found


def _covariance(cov: Node, size: Any) -> Node:
    if not cov.ndim:
        return cov * eye(size, dtype=cov.dtype)
    if cov.ndim == 1:
        return diag(cov)
    if cov.ndim > 2 or cov.shape[0] != cov.shape[1]:
        raise ShapeError(
            "multivariate_normal: the covariance",
            expected="a number, a vector or a square matrix",
            got=shape_text(cov.shape),
        )
    return cov


def _log_density(centered: Node, factor: Node, size: Any) -> Node:
    single = centered.ndim == 1
    columns = expand_dims(centered, -1)
    white = squeeze(solve_triangular(factor, columns, lower=True), -1) if single else None
    if white is None:
        flat = centered.reshape(-1, size)
        white = solve_triangular(factor, flat.T, lower=True).T.reshape(centered.shape)
    constant = as_node(size) * float(0.5 * np.log(2.0 * np.pi))
    log_root_det = sum(log(diagonal(factor)))
    distance = sum(square(white), axis=-1)
    return -0.5 * distance - log_root_det - constant.astype(factor.dtype)


class _Dirichlet(Distribution):
    """Of vectors that add up to one, along the first axis of x."""

    methods = ("pdf", "logpdf")

    def _compute(self, method: str, x: Any, parameters: list[Any]) -> Any:
        value, alpha = floats([x, *parameters], self.name)
        if alpha.ndim != 1 or not value.ndim or value.shape[0] != alpha.shape[0]:
            raise ShapeError(
                "dirichlet: sizes differ",
                expected="x of shape (k, ...) and alpha of shape (k,)",
                got=f"{shape_text(value.shape)} and {shape_text(alpha.shape)}",
            )
        powers = expand_dims(alpha - 1.0, tuple(range(1, value.ndim)))
        normaliser = sum(gammaln(alpha)) - gammaln(sum(alpha))
        outside = (value < 0) | (value > 1)
        inside = sum(xlogy(powers, where(outside, 0.5, value)), axis=0) - normaliser
        found = where(outside.any(axis=0), -np.inf, inside)
        found = where((alpha > 0).all(), found, np.nan)
        return exp(found) if method == "pdf" else found


multivariate_normal = _MultivariateNormal("multivariate_normal", "")
dirichlet = _Dirichlet("dirichlet", "alpha")

# Examples for the tests ------------------------------------------------------------------------

_X = np.sin(np.arange(8.0)).reshape(4, 2)
_MEAN, _COV = np.array([0.25, -0.5]), np.array([[2.0, 0.5], [0.5, 1.0]])
_SHARES = np.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]])
_ALPHA = np.array([2.0, 0.5, 1.5])


def _scipy(name: str, *args: Any) -> Any:
    return getattr(import_module("scipy.stats"), name).logpdf(*args)


EXAMPLES: dict[str, list[Example]] = {
    "multivariate_normal": [
        Example(
            lambda x, m, c: multivariate_normal.logpdf(x, m, c @ c.T),
            (_X, _MEAN, _COV),
            lambda x, m, c: _scipy("multivariate_normal", x, m, c @ c.T),
        ),
        Example(
            lambda x, m: multivariate_normal.pdf(x, m, _COV),
            (_X[0], _MEAN),
            lambda x, m: np.exp(_scipy("multivariate_normal", x, m, _COV)),
        ),
        Example(
            lambda x, c: multivariate_normal.logpdf(x, _MEAN, c),
            (_X, np.array([1.5, 0.5])),
            lambda x, c: _scipy("multivariate_normal", x, _MEAN, c),
        ),
        Example(
            lambda x, m, c: multivariate_normal.logpdf(x, mean=m, cov=c),
            (_X, _MEAN, np.float64(2.0)),
            lambda x, m, c: _scipy("multivariate_normal", x, m, c),
        ),
    ],
    "dirichlet": [
        Example(
            dirichlet.logpdf,
            (_SHARES, _ALPHA),
            lambda x, a: (
                np.sum((a - 1)[(slice(None), *[None] * (x.ndim - 1))] * np.log(x), 0)
                + _scipy("dirichlet", np.full(3, 1 / 3), a)
                - np.sum((a - 1) * np.log(1 / 3))
            ),
        ),
        Example(
            lambda x, a: dirichlet(a).pdf(x),
            (_SHARES[:, 0], _ALPHA),
        ),
    ],
}
