"""Patterns: formulas with holes, and their canonical form.

``p.log(1 + p.exp(x))`` is a pattern. In the canonical form sums and products are flat: a sum is its
terms with their signs, a product a number and factors with exponents, quotients and integer powers
among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

from symgraph.graph.record import record

__all__ = [
    "COMMUTATIVE",
    "PRODUCTS",
    "SUMS",
    "Call",
    "Pattern",
    "PatternLike",
    "Product",
    "Sum",
    "Value",
    "Variable",
    "as_pattern",
    "canonical",
    "p",
]


class Pattern:
    """A formula with holes; Python's operators make larger ones."""

    __slots__ = ()

    def __add__(self, other: PatternLike) -> Pattern:
        return Call("add", (self, as_pattern(other)))

    def __radd__(self, other: PatternLike) -> Pattern:
        return Call("add", (as_pattern(other), self))

    def __sub__(self, other: PatternLike) -> Pattern:
        return Call("subtract", (self, as_pattern(other)))

    def __rsub__(self, other: PatternLike) -> Pattern:
        return Call("subtract", (as_pattern(other), self))

    def __mul__(self, other: PatternLike) -> Pattern:
        return Call("multiply", (self, as_pattern(other)))

    def __rmul__(self, other: PatternLike) -> Pattern:
        return Call("multiply", (as_pattern(other), self))

    def __truediv__(self, other: PatternLike) -> Pattern:
        return Call("divide", (self, as_pattern(other)))

    def __rtruediv__(self, other: PatternLike) -> Pattern:
        return Call("divide", (as_pattern(other), self))

    def __neg__(self) -> Pattern:
        return Call("negative", (self,))

    def __pow__(self, other: int) -> Pattern:
        return Call("power", (self, as_pattern(other)))


PatternLike: TypeAlias = "Pattern | float"


@record
class Variable(Pattern):
    """Matches any node, and the same node wherever it stands again."""

    name: str
    constant: bool = False
    """Whether it must be a number."""


@record
class Value(Pattern):
    """Matches a number of this value, broadcast or not, of any dtype."""

    value: float


@record
class Call(Pattern):
    """Matches an operation."""

    name: str
    args: tuple[Pattern, ...]


@record
class Sum(Pattern):
    """Terms with their signs."""

    terms: tuple[tuple[int, Pattern], ...]


@record
class Product(Pattern):
    """A number and factors with their exponents."""

    number: float
    factors: tuple[tuple[Pattern, int], ...]


class _Functions:
    """``p.exp(x)``: any operation by its name."""

    def __getattr__(self, name: str) -> Callable[..., Pattern]:
        return lambda *args: Call(name, tuple([as_pattern(arg) for arg in args]))


p = _Functions()
"""Patterns of operations by their names."""


def as_pattern(value: PatternLike) -> Pattern:
    """A number as the pattern that it matches."""
    return value if isinstance(value, Pattern) else Value(value)


@lru_cache(maxsize=1024)
def canonical(pattern: Pattern) -> Pattern:
    """The pattern with its sums and products flat."""
    if not isinstance(pattern, Call):
        return pattern
    if pattern.name in SUMS and pattern.name != "negative":
        return Sum(tuple(_terms(pattern, 1)))
    if pattern.name in PRODUCTS:
        value, powers = 1.0, dict[Pattern, int]()
        for factor, exponent in _factors(pattern, 1):
            if isinstance(factor, Value):
                value *= factor.value**exponent
            else:
                powers[factor] = powers.get(factor, 0) + exponent
        # Variables last: by then another factor may have bound them.
        factors = sorted(powers.items(), key=lambda f: isinstance(f[0], Variable))
        return Product(value, tuple(factors))
    return Call(pattern.name, tuple([canonical(arg) for arg in pattern.args]))


def _terms(pattern: Pattern, sign: int) -> Iterator[tuple[int, Pattern]]:
    if isinstance(pattern, Call) and pattern.name in SUMS:
        signs = (sign, -sign) if pattern.name == "subtract" else (sign, sign)
        if pattern.name == "negative":
            signs = (-sign,)
        for arg, s in zip(pattern.args, signs, strict=True):
            yield from _terms(arg, s)
    else:
        yield sign, canonical(pattern)


def _factors(pattern: Pattern, exponent: int) -> Iterator[tuple[Pattern, int]]:
    if not isinstance(pattern, Call) or pattern.name not in PRODUCTS:
        yield canonical(pattern), exponent
        return
    first = pattern.args[0]
    if pattern.name == "negative":
        yield Value(-1.0), 1
        yield from _factors(first, exponent)
    elif pattern.name == "power":
        second = pattern.args[1]
        assert isinstance(second, Value)
        yield from _factors(first, exponent * int(second.value))
    elif pattern.name == "square":
        yield from _factors(first, 2 * exponent)
    else:
        yield from _factors(first, exponent)
        yield from _factors(pattern.args[1], exponent if pattern.name == "multiply" else -exponent)


SUMS = frozenset(("add", "subtract", "negative"))
PRODUCTS = frozenset(("multiply", "divide", "negative", "square", "power"))

COMMUTATIVE = frozenset(("logaddexp", "hypot", "maximum", "minimum"))
