"""Logarithms times their arguments, entropies, logit, losses, Box and Cox's transformation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import builder
from symgraph.ops.elementwise import (
    absolute,
    clip,
    exp,
    full_like,
    hypot,
    hypot1m1,
    log,
    log1p,
    sigmoid,
    square,
    where,
)
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Example
from symgraph.ops.nn.activations import log_sigmoid
from symgraph.ops.special.common import ABOVE_ZERO, PROBABILITY, special

__all__ = [
    "boxcox",
    "boxcox1p",
    "entr",
    "expit",
    "exprel",
    "huber",
    "inv_boxcox",
    "inv_boxcox1p",
    "kl_div",
    "log_expit",
    "logit",
    "powm1",
    "pseudo_huber",
    "rel_entr",
    "xlog1py",
    "xlogy",
]

_POSITIVE = (0.2, 3.0)


@builder()
def expit(x: Any) -> Any:
    """Logistic function, as ``scipy.special.expit``; accurate in both tails."""
    return sigmoid(x)


@builder()
def log_expit(x: Any) -> Any:
    """Logarithm of the logistic function, as ``scipy.special.log_expit``."""
    return log_sigmoid(x)


logit = special(
    "logit",
    partials=(lambda r, x: 1.0 / (x * (1.0 - x)),),
    formula="log(x / (1 - x))",
    domain=(0.1, 0.9),
    limits=(PROBABILITY,),
    cost=6.0,
)


def _quotient(x: Node, y: Node) -> Node:
    """``x / y``, and 0 where x is 0: there the function of y is 0."""
    return where(x == 0, 0.0, x / where(x == 0, 1.0, y))


xlogy = special(
    "xlogy",
    arity=2,
    partials=(lambda r, x, y: log(y), lambda r, x, y: _quotient(x, y)),
    formula="x * log(y)",
    domain=_POSITIVE,
    limits=(None, ABOVE_ZERO),
    cost=10.0,
    doc="``x * log(y)``, and 0 where x is 0, as ``scipy.special.xlogy``; there its derivative by y "
    "is 0.",
)
xlog1py = special(
    "xlog1py",
    arity=2,
    partials=(lambda r, x, y: log1p(y), lambda r, x, y: _quotient(x, 1.0 + y)),
    formula="x * log(1 + y)",
    domain=_POSITIVE,
    limits=(None, Limit(-1.0 + 1e-15, np.inf, 0.0)),
    cost=10.0,
    doc="``x * log1p(y)``, and 0 where x is 0, as ``scipy.special.xlog1py``; there its derivative "
    "by y is 0.",
)
entr = special(
    "entr",
    partials=(lambda r, x: -log(x) - 1.0,),
    formula="-x * log(x)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO,),
    cost=6.0,
)


def _log_ratio(x: Node, y: Node) -> Node:
    # The quotient is more accurate than the difference, unless it overflows or underflows.
    ratio = x / y
    fits = (ratio > 1e-30) & (ratio < 1e30)
    return where(fits, log(where(fits, ratio, 1.0)), log(x) - log(y))


rel_entr = special(
    "rel_entr",
    arity=2,
    partials=(lambda r, x, y: _log_ratio(x, y) + 1.0, lambda r, x, y: -x / y),
    formula="x * log(x / y)",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, ABOVE_ZERO),
    cost=10.0,
)
kl_div = special(
    "kl_div",
    arity=2,
    partials=(lambda r, x, y: _log_ratio(x, y), lambda r, x, y: 1.0 - x / y),
    formula="x * log(x / y) - x + y",
    domain=_POSITIVE,
    limits=(ABOVE_ZERO, ABOVE_ZERO),
    cost=10.0,
    accuracy=1e-13,
)
huber = special(
    "huber",
    arity=2,
    partials=(
        lambda r, delta, x: where(absolute(x) <= delta, 0.0, absolute(x) - delta),
        lambda r, delta, x: clip(x, -delta, delta),
    ),
    formula="Piecewise((y**2 / 2, Abs(y) <= x), (x * (Abs(y) - x / 2), True))",
    domain=((0.5, 3.0), (-5.0, 5.0)),
    cost=3.0,
)


def _pseudo_huber_width(r: Node, delta: Node, x: Node) -> Node:
    scaled = x / where(delta == 0, 1.0, delta)
    return delta * square(hypot1m1(scaled)) / hypot(scaled, 1.0)


pseudo_huber = special(
    "pseudo_huber",
    arity=2,
    partials=(
        _pseudo_huber_width,
        lambda r, delta, x: x / hypot(x / where(delta == 0, 1.0, delta), 1.0),
    ),
    formula="x**2 * (sqrt(1 + (y / x)**2) - 1)",
    domain=(_POSITIVE, (-4.0, 4.0)),
    cost=5.0,
    accuracy=1e-14,
)

# Differences that cancel -------------------------------------------------------------------------

_EXPREL_SLOPES = tuple([(k + 1.0) / math.factorial(k + 2) for k in range(18)])
"""Coefficients of the derivative of exprel; the next is 1e-18 of the first."""


def exprel_slope(r: Node, x: Node) -> Node:
    """The derivative of ``r = exprel(x)``: a series next to 0, where the closed form cancels."""
    small = where(absolute(x) < 1.0, x, 0.0)
    series = full_like(x, _EXPREL_SLOPES[-1])
    for coefficient in _EXPREL_SLOPES[-2::-1]:
        series = series * small + coefficient
    large = where(absolute(x) < 1.0, 1.0, x)
    # exp(x) overflows before r does; to the left it is what does not cancel.
    right = r * (1.0 - 1.0 / large) + 1.0 / large
    left = (exp(where(large < 0, large, 0.0)) - r) / large
    return where(absolute(x) < 1.0, series, where(large < 0, left, right))


exprel = special(
    "exprel",
    partials=(exprel_slope,),
    formula="(exp(x) - 1) / x",
    domain=(0.1, 3.0),
    limits=(Limit(-np.inf, 80.0, 0.0),),
    cost=8.0,
)
powm1 = special(
    "powm1",
    arity=2,
    partials=(lambda r, x, y: y * x ** (y - 1.0), lambda r, x, y: (r + 1.0) * log(x)),
    formula="x**y - 1",
    domain=(0.5, 3.0),
    limits=(ABOVE_ZERO, Limit(-2.0, 2.0, 0.0)),
    accuracy=1e-13,
)


def _boxcox_parameter(log_x: Node, parameter: Node) -> Node:
    # boxcox(x, p) = log(x) * exprel(p * log(x)), which does not divide by p.
    product = parameter * log_x
    return square(log_x) * exprel_slope(exprel(product), product)


boxcox = special(
    "boxcox",
    arity=2,
    partials=(
        lambda r, x, p: x ** (p - 1.0),
        lambda r, x, p: _boxcox_parameter(log(x), p),
    ),
    formula="(x**y - 1) / y",
    domain=(0.5, 3.0),
    limits=(ABOVE_ZERO, Limit(-1.0, 1.0, 0.0)),
    accuracy=1e-14,
)
boxcox1p = special(
    "boxcox1p",
    arity=2,
    partials=(
        lambda r, x, p: exp((p - 1.0) * log1p(x)),
        lambda r, x, p: _boxcox_parameter(log1p(x), p),
    ),
    formula="((1 + x)**y - 1) / y",
    domain=(0.5, 3.0),
    limits=(Limit(-1.0 + 1e-15, 1e150, 0.0), Limit(-1.0, 1.0, 0.0)),
    accuracy=1e-14,
)


def _inverse_slope(r: Node, y: Node, p: Node) -> Node:
    return exp((1.0 - p) * log(r))


def _inverse_parameter(r: Node, y: Node, p: Node) -> Node:
    # Implicitly: the derivative of boxcox by p over that by x, which is r**(p - 1).
    return -_boxcox_parameter(log(r), p) * exp((1.0 - p) * log(r))


inv_boxcox = special(
    "inv_boxcox",
    arity=2,
    partials=(_inverse_slope, _inverse_parameter),
    formula="(1 + x * y)**(1 / y)",
    domain=(0.5, 3.0),
    limits=(Limit(0.0, 80.0, 0.0), Limit(0.0, 1.0, 0.0)),
    accuracy=1e-14,
)
inv_boxcox1p = special(
    "inv_boxcox1p",
    arity=2,
    partials=(
        lambda r, y, p: _inverse_slope(r + 1.0, y, p),
        lambda r, y, p: _inverse_parameter(r + 1.0, y, p),
    ),
    formula="(1 + x * y)**(1 / y) - 1",
    domain=(0.5, 3.0),
    limits=(Limit(0.0, 80.0, 0.0), Limit(0.0, 1.0, 0.0)),
    accuracy=1e-14,
)

# Examples for the tests ------------------------------------------------------------------------

_VALUES = np.linspace(-3.0, 3.0, 5)

EXAMPLES: dict[str, list[Example]] = {
    "expit": [Example(expit, (_VALUES,), lambda x: 1 / (1 + np.exp(-x)))],
    "log_expit": [Example(log_expit, (_VALUES,), lambda x: -np.log1p(np.exp(-x)))],
}
