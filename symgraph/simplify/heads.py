"""At which operations a pattern can begin: what a rule is tried on, or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from symgraph.graph.record import record
from symgraph.simplify.pattern import (
    COMMUTATIVE,
    PRODUCTS,
    SUMS,
    Call,
    Pattern,
    Product,
    Sum,
    Value,
    Variable,
    canonical,
)

__all__ = ["admission", "factor_heads", "heads", "loose_heads", "roots", "term_heads"]


def heads(pattern: Pattern) -> frozenset[str] | None:
    """Names of operations at which a pattern can begin; ``None`` for any."""
    if isinstance(pattern, Variable):
        return None
    if isinstance(pattern, Value):
        return frozenset(("constant", "broadcast_to"))
    if isinstance(pattern, Sum):
        return frozenset(SUMS)
    if isinstance(pattern, Product):
        return _product_heads(pattern)
    assert isinstance(pattern, Call)
    also = ("broadcast_to", "divide") if pattern.name == "exp" else ("broadcast_to",)
    return frozenset((pattern.name, *also))


def _product_heads(pattern: Product) -> frozenset[str]:
    names = {"multiply", "divide", "negative"}
    if len(pattern.factors) == 1 and abs(pattern.factors[0][1]) > 1:
        names |= {"square", "power"}
    return frozenset(names)


def roots(pattern: Pattern) -> tuple[str, ...]:
    """Operations at which a rule for a pattern is tried."""
    pattern = canonical(pattern)
    if isinstance(pattern, Sum):
        return ("add", "subtract")
    if isinstance(pattern, Product):
        return tuple(sorted(_product_heads(pattern) - {"negative"}))
    assert isinstance(pattern, Call)
    return (pattern.name,)


def admission(pattern: Pattern) -> Callable[[tuple[str, ...]], bool]:
    """Whether a rule for a pattern can fire, from the names of the operands' operations."""
    pattern = canonical(pattern)
    if isinstance(pattern, Sum):
        parts = [loose_heads(part) for _, part in pattern.terms]
        return lambda names: _can_hold(parts, names, SUMS)
    if isinstance(pattern, Product):
        parts = [heads(part) for part, _ in pattern.factors]
        return lambda names: _can_hold(parts, names, PRODUCTS)
    assert isinstance(pattern, Call)
    wanted = [heads(arg) for arg in pattern.args]
    return lambda names: (
        _in_order(wanted, names) or (pattern.name in COMMUTATIVE and _in_order(wanted, names[::-1]))
    )


def loose_heads(part: Pattern) -> frozenset[str] | None:
    """As `heads`, with every spelling of a product."""
    return PRODUCTS if isinstance(part, Product) else heads(part)


@lru_cache(maxsize=1024)
def term_heads(pattern: Sum) -> tuple[frozenset[str], ...]:
    """For every term that is not just any node, the names of which its terms must have one."""
    found = [loose_heads(part) for _, part in pattern.terms]
    return tuple([some for some in found if some is not None])


@lru_cache(maxsize=1024)
def factor_heads(pattern: Product) -> tuple[frozenset[str], ...]:
    """The same of factors; names of divisors begin with a slash."""
    result: list[frozenset[str]] = []
    for part, exponent in pattern.factors:
        some = heads(part)
        if some is None:
            continue
        below = frozenset([f"/{name}" for name in some])
        # exp(-y) may stand there as 1 / exp(y).
        both = isinstance(part, Call) and part.name == "exp"
        result.append(some | below if both else some if exponent > 0 else below)
    return tuple(result)


@record
class Within:
    """Names that must be met below a node: of each set one.

    Attributes
    ----------
    terms : tuple of frozenset of str
        Of the operations of its terms.
    factors : tuple of frozenset of str
        Of those of the factors of its terms; names of divisors begin with a slash.
    """

    terms: tuple[frozenset[str], ...] = ()
    factors: tuple[frozenset[str], ...] = ()

    def holds(self, terms: frozenset[str], factors: frozenset[str]) -> bool:
        """Whether these names are enough."""
        return not any(map(terms.isdisjoint, self.terms)) and not any(
            map(factors.isdisjoint, self.factors)
        )


def within(pattern: Pattern) -> Within | None:
    """What a node must hold for a pattern, whatever its operands are called."""
    pattern = canonical(pattern)
    if isinstance(pattern, Sum):
        products = [part for _, part in pattern.terms if isinstance(part, Product)]
        factors = [some for product in products for some in factor_heads(product)]
        return Within(term_heads(pattern), tuple(factors))
    return Within((), factor_heads(pattern)) if isinstance(pattern, Product) else None


def _can_hold(
    parts: Sequence[frozenset[str] | None], names: tuple[str, ...], opened: frozenset[str]
) -> bool:
    """Whether every part can be found below operands of these names.

    An operand that is a sum itself holds terms that its name does not show.
    """
    if not opened.isdisjoint(names):
        return True
    return all(part is None or not part.isdisjoint(names) for part in parts)


def _in_order(wanted: Sequence[frozenset[str] | None], names: tuple[str, ...]) -> bool:
    return all(some is None or name in some for some, name in zip(wanted, names, strict=False))
