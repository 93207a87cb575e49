"""Functions less what they are next to 0, in sums and quotients, and logarithms next to 1."""

from __future__ import annotations

from symgraph.simplify.pattern import Pattern, p
from symgraph.simplify.rule import equation

Sides = tuple[Pattern, Pattern]

# Terms that cancel next to 0 ----------------------------------------------------------------------


@equation(keeps="accurate")
def tangent_less_x(x: Pattern) -> Sides:
    """tan(x) - x without cancellation next to 0."""
    return p.tan(x) - x, p.tan_less_x(x)


@equation(keeps="accurate")
def x_less_hyperbolic_tangent(x: Pattern) -> Sides:
    """x - tanh(x) without cancellation next to 0."""
    return x - p.tanh(x), p.x_less_tanh(x)


@equation(keeps="accurate")
def x_less_arctangent(x: Pattern) -> Sides:
    """x - arctan(x) without cancellation next to 0."""
    return x - p.arctan(x), p.x_less_arctan(x)


@equation(keeps="accurate")
def sine_less_x_cosine(x: Pattern) -> Sides:
    """sin(x) - x * cos(x) without cancellation next to 0."""
    return p.sin(x) - x * p.cos(x), p.sin_less_x_cos(x)


@equation(keeps="accurate")
def bessel_by_hand(x: Pattern) -> Sides:
    """sin(x) / x**2 - cos(x) / x = spherical_j1(x)."""
    return p.spherical_j0(x) / x - p.cos(x) / x, p.spherical_j1(x)


@equation(keeps="accurate")
def sinc_beside_one(x: Pattern) -> Sides:
    """1 - sin(x) / x without cancellation next to 0."""
    return 1 - p.spherical_j0(x), p.one_less_sinc(x)


@equation(keeps="accurate")
def relative_tanh_beside_one(x: Pattern) -> Sides:
    """1 - tanh(x) / x without cancellation next to 0."""
    return 1 - p.tanh(x) / x, p.one_less_tanhc(x)


@equation(keeps="accurate")
def relative_arctan_beside_one(x: Pattern) -> Sides:
    """1 - arctan(x) / x without cancellation next to 0."""
    return 1 - p.arctan(x) / x, p.one_less_arctanc(x)


@equation(keeps="accurate")
def hyperbolic_cotangent(x: Pattern) -> Sides:
    """cosh(x) / sinh(x) = 1 / tanh(x)."""
    return p.cosh(x) / p.sinh(x), 1 / p.tanh(x)


@equation(keeps="accurate")
def langevin_by_hand(x: Pattern) -> Sides:
    """1 / tanh(x) - 1 / x without cancellation next to 0."""
    return 1 / p.tanh(x) - 1 / x, p.langevin(x)


@equation(keeps="accurate")
def x_by_tanh_beside_one(x: Pattern) -> Sides:
    """x / tanh(x) - 1 = x * (1 / tanh(x) - 1 / x)."""
    return x / p.tanh(x) - 1, x * p.langevin(x)


@equation(keeps="accurate", headroom=64)
def inverse_less_cotangent(x: Pattern) -> Sides:
    """1 / x - 1 / tan(x) = (tan(x) - x) / x / tan(x)."""
    return 1 / x - 1 / p.tan(x), p.tan_less_x(x) / x / p.tan(x)


@equation(keeps="accurate", headroom=64)
def cosecant_less_inverse(x: Pattern) -> Sides:
    """1 / sin(x) - 1 / x = (x - sin(x)) / x / sin(x)."""
    return 1 / p.sin(x) - 1 / x, p.x_less_sin(x) / x / p.sin(x)


@equation(keeps="accurate")
def tangent_less_sine(x: Pattern) -> Sides:
    """tan(x) - sin(x) = 2 * tan(x) * sin(x / 2)**2."""
    return p.tan(x) - p.sin(x), 2 * (p.tan(x) * p.square(p.sin(0.5 * x)))


@equation(keeps="accurate")
def secant_less_cosine(x: Pattern) -> Sides:
    """1 / cos(x) - cos(x) = sin(x) * tan(x)."""
    return 1 / p.cos(x) - p.cos(x), p.sin(x) * p.tan(x)


@equation(keeps="accurate")
def cosh_less_cosine(x: Pattern) -> Sides:
    """cosh(x) - cos(x) = 2 * (sinh(x / 2)**2 + sin(x / 2)**2)."""
    squares = p.square(p.sinh(0.5 * x)) + p.square(p.sin(0.5 * x))
    return p.cosh(x) - p.cos(x), 2 * squares


@equation(keeps="accurate")
def sinh_less_sine(x: Pattern) -> Sides:
    """sinh(x) - sin(x) = (sinh(x) - x) + (x - sin(x))."""
    return p.sinh(x) - p.sin(x), p.sinh_less_x(x) + p.x_less_sin(x)


@equation(keeps="accurate")
def root_less_two_terms(x: Pattern) -> Sides:
    """sqrt(1 + x) - 1 - x / 2 without cancellation next to 0."""
    return p.sqrt1pm1(x) - 0.5 * x, p.sqrt1p_less_line(x)


@equation(keeps="accurate")
def root_less_sum(x: Pattern) -> Sides:
    """sqrt(1 + x) - (1 + x / 2) without cancellation next to 0."""
    return p.sqrt(1 + x) - (1 + 0.5 * x), p.sqrt1p_less_line(x)


@equation(keeps="accurate")
def entropy_beside_its_tangent(x: Pattern) -> Sides:
    """(1 + x) * log(1 + x) - x without cancellation next to 0."""
    return (1 + x) * p.log1p(x) - x, p.entropy_gap(x)


@equation(keeps="accurate")
def deviance_by_hand(x: Pattern, y: Pattern) -> Sides:
    """x * log(x / y) - x + y without cancellation where x is next to y."""
    return x * p.log_quotient(x, y) - x + y, p.deviance(x, y)


# Logarithms next to 1 -----------------------------------------------------------------------------


@equation(keeps="accurate")
def logarithm_of_cosine(x: Pattern) -> Sides:
    """log(cos(x)) without loss next to 0."""
    return p.log(p.cos(x)), p.log_cos(x)


@equation(keeps="accurate")
def logarithm_of_tanh(x: Pattern) -> Sides:
    """log(tanh(x)) without loss for large x."""
    return p.log(p.tanh(x)), p.log_tanh(x)


@equation(keeps="accurate")
def logarithm_of_relative_sinh(x: Pattern) -> Sides:
    """log(sinh(x) / x) without loss next to 0, and without overflow."""
    return p.log(p.sinh(x) / x), p.log_sinhc(x)


@equation(keeps="accurate")
def logaddexp_by_softplus(x: Pattern, y: Pattern) -> Sides:
    """x + log(1 + exp(y - x)) = logaddexp(x, y)."""
    return x + p.softplus(y - x), p.logaddexp(x, y)


@equation(keeps="accurate")
def logaddexp_about_maximum(x: Pattern, y: Pattern) -> Sides:
    """max(x, y) + logaddexp(x - max(x, y), y - max(x, y)) = logaddexp(x, y)."""
    top = p.maximum(x, y)
    return top + p.logaddexp(x - top, y - top), p.logaddexp(x, y)


@equation(keeps="accurate")
def log_of_one_and_quotient_of_squares(x: Pattern, y: Pattern) -> Sides:
    """log(1 + x**2 / y**2) = log(1 + (x / y)**2) without overflow."""
    return p.log1p(p.square(x) / p.square(y)), p.log1p_square(x / y)


# Angles and products ------------------------------------------------------------------------------


@equation(keeps="accurate")
def cosine_of_double(x: Pattern) -> Sides:
    """cos(x)**2 - sin(x)**2 = cos(2 * x)."""
    return p.square(p.cos(x)) - p.square(p.sin(x)), p.cos(2 * x)


@equation(keeps="accurate")
def cosine_of_double_by_one(x: Pattern) -> Sides:
    """2 * cos(x)**2 - 1 = cos(2 * x)."""
    return 2 * p.square(p.cos(x)) - 1, p.cos(2 * x)


@equation(keeps="accurate")
def cosine_of_double_by_tangent(x: Pattern) -> Sides:
    """(1 - tan(x)**2) / (1 + tan(x)**2) = cos(2 * x)."""
    return (1 - p.square(p.tan(x))) / (1 + p.square(p.tan(x))), p.cos(2 * x)


@equation(keeps="accurate")
def sine_of_double(x: Pattern) -> Sides:
    """sin(x) * cos(x) = sin(2 * x) / 2."""
    return p.sin(x) * p.cos(x), 0.5 * p.sin(2 * x)


@equation(keeps="accurate")
def tangent_of_half(x: Pattern) -> Sides:
    """sin(x) / cos(x / 2)**2 = 2 * tan(x / 2)."""
    return p.sin(x) / p.square(p.cos(0.5 * x)), 2 * p.tan(0.5 * x)


@equation(keeps="accurate")
def cosh_and_sinh(x: Pattern) -> Sides:
    """cosh(x) + sinh(x) = exp(x)."""
    return p.cosh(x) + p.sinh(x), p.exp(x)


@equation(keeps="accurate")
def cosh_less_sinh(x: Pattern) -> Sides:
    """cosh(x) - sinh(x) = exp(-x)."""
    return p.cosh(x) - p.sinh(x), p.exp(-x)


@equation(keeps="accurate")
def squared_cosh_less_one(x: Pattern) -> Sides:
    """cosh(x)**2 - 1 = sinh(x)**2."""
    return p.square(p.cosh(x)) - 1, p.square(p.sinh(x))


@equation(keeps="accurate")
def root_of_sech2(x: Pattern) -> Sides:
    """sqrt(1 / cosh(x)**2) = 1 / cosh(x)."""
    return p.sqrt(p.sech2(x)), 1 / p.cosh(x)


@equation(keeps="accurate")
def expm1_over_exp(x: Pattern) -> Sides:
    """exp(-x) * (exp(x) - 1) = 1 - exp(-x)."""
    return p.exp(-x) * p.expm1(x), -p.expm1(-x)


@equation(keeps="accurate")
def exp_less_its_square(x: Pattern) -> Sides:
    """exp(x) - exp(x)**2 = -exp(x) * (exp(x) - 1)."""
    return p.exp(x) - p.square(p.exp(x)), -(p.exp(x) * p.expm1(x))


@equation(keeps="accurate")
def sigmoid_less_reflected(x: Pattern) -> Sides:
    """sigmoid(x) - sigmoid(-x) = tanh(x / 2)."""
    return p.sigmoid(x) - p.sigmoid(-x), p.tanh(0.5 * x)


@equation(keeps="accurate")
def sigmoid_less_half(x: Pattern) -> Sides:
    """sigmoid(x) - 1 / 2 = tanh(x / 2) / 2."""
    return p.sigmoid(x) - 0.5, 0.5 * p.tanh(0.5 * x)


@equation(keeps="accurate")
def inverse_sinh_of_root(x: Pattern) -> Sides:
    """log(x + sqrt(x**2 + 1)) = arcsinh(x)."""
    return p.log(p.root_plus(x, 1)), p.arcsinh(x)


# Inverse functions next to the ends of their domains ----------------------------------------------


@equation(keeps="accurate")
def arccosine_next_to_one(x: Pattern) -> Sides:
    """arccos(1 - x) = 2 * arctan2(sqrt(x), sqrt(2 - x))."""
    return p.arccos(1 - x), 2 * p.arctan2(p.sqrt(x), p.sqrt(2 - x))


@equation(keeps="accurate")
def inverse_cosh_next_to_one(x: Pattern) -> Sides:
    """arccosh(1 + x) = 2 * arcsinh(sqrt(x / 2))."""
    return p.arccosh(1 + x), 2 * p.arcsinh(p.sqrt(0.5 * x))


@equation(keeps="accurate")
def inverse_cosh_of_inverse(x: Pattern) -> Sides:
    """arccosh(1 / x) = 2 * arcsinh(sqrt((1 - x) / (2 * x)))."""
    return p.arccosh(1 / x), 2 * p.arcsinh(p.sqrt(0.5 * (1 - x) / x))


@equation(keeps="accurate")
def inverse_sech(x: Pattern) -> Sides:
    """log((1 + sqrt(1 - x**2)) / x) = arccosh(1 / x)."""
    inverse = 2 * p.arcsinh(p.sqrt(0.5 * (1 - x) / x))
    return p.log((1 + p.sqrt(1 - p.square(x))) / x), inverse


@equation(keeps="accurate", headroom=1)
def inverse_csch(x: Pattern) -> Sides:
    """log((1 + sqrt(1 + x**2)) / x) = arcsinh(1 / x)."""
    return p.log((1 + p.hypot(x, 1)) / x), p.arcsinh(1 / x)


@equation(keeps="accurate")
def arcsine_of_root(x: Pattern) -> Sides:
    """arcsin(sqrt(x)) = arctan2(sqrt(x), sqrt(1 - x))."""
    return p.arcsin(p.sqrt(x)), p.arctan2(p.sqrt(x), p.sqrt(1 - x))
