"""Error functions next to the ends of their ranges, and gamma functions at neighbours."""

from __future__ import annotations

from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation

Sides = tuple[Pattern, Pattern]


@equation(keeps="accurate")
def one_less_erf(x: Pattern) -> Sides:
    """1 - erf(x) = erfc(x)."""
    return 1 - p.erf(x), p.erfc(x)


@equation(keeps="accurate")
def one_plus_erf(x: Pattern) -> Sides:
    """1 + erf(x) = erfc(-x)."""
    return 1 + p.erf(x), p.erfc(-x)


@equation(keeps="accurate")
def one_less_erfc(x: Pattern) -> Sides:
    """1 - erfc(x) = erf(x)."""
    return 1 - p.erfc(x), p.erf(x)


@equation(keeps="accurate")
def log_of_half_erfc(x: Pattern) -> Sides:
    """log(erfc(x) / 2) without underflow, and without loss next to 1."""
    return p.log(0.5 * p.erfc(x)), p.log_half_erfc(x)


@equation(keeps="accurate")
def neighbours_of_gammaln(x: Pattern) -> Sides:
    """gammaln(x + 1) - gammaln(x) = log(abs(x))."""
    return p.gammaln(x + 1) - p.gammaln(x), p.log(p.absolute(x))


@equation(keeps="accurate")
def neighbours_of_digamma(x: Pattern) -> Sides:
    """digamma(x + 1) - digamma(x) = 1 / x."""
    return p.digamma(x + 1) - p.digamma(x), 1 / x
