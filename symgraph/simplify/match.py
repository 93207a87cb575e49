"""Patterns that are formulas: matched up to order, grouping, signs and spelling.

``p.log(1 + p.exp(x))`` is a pattern. Sums match whatever the order and grouping of their terms and
however a sign is written (``a - b``, ``a + -b``, ``-1 * b``); products likewise, with quotients and
integer powers as exponents. At the root a part of a sum or product may match: the rest is put back.

A variable stands for a node times a number, so ``exp(-x)`` matches every ``exp(y)``.
At most `LIMIT` terms or factors of a node are looked at, so the work for a node is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from weakref import ref

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.simplify.common import number, scalar, unbroadcast

__all__ = [
    "LIMIT",
    "Match",
    "Pattern",
    "Variable",
    "admission",
    "instantiate",
    "match",
    "p",
    "rewriter",
    "roots",
]

LIMIT = 8


class Pattern:
    """A formula with holes; Python's operators make larger ones."""

    __slots__ = ()

    def __add__(self, other: PatternLike) -> Pattern:
        return Call("add", (self, _pattern(other)))

    def __radd__(self, other: PatternLike) -> Pattern:
        return Call("add", (_pattern(other), self))

    def __sub__(self, other: PatternLike) -> Pattern:
        return Call("subtract", (self, _pattern(other)))

    def __rsub__(self, other: PatternLike) -> Pattern:
        return Call("subtract", (_pattern(other), self))

    def __mul__(self, other: PatternLike) -> Pattern:
        return Call("multiply", (self, _pattern(other)))

    def __rmul__(self, other: PatternLike) -> Pattern:
        return Call("multiply", (_pattern(other), self))

    def __truediv__(self, other: PatternLike) -> Pattern:
        return Call("divide", (self, _pattern(other)))

    def __rtruediv__(self, other: PatternLike) -> Pattern:
        return Call("divide", (_pattern(other), self))

    def __neg__(self) -> Pattern:
        return Call("negative", (self,))

    def __pow__(self, other: int) -> Pattern:
        return Call("power", (self, _pattern(other)))


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
        return lambda *args: Call(name, tuple([_pattern(arg) for arg in args]))


p = _Functions()
"""Patterns of operations by their names."""


def _pattern(value: PatternLike) -> Pattern:
    return value if isinstance(value, Pattern) else Value(value)


# Canonical patterns ------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def canonical(pattern: Pattern) -> Pattern:
    """The pattern with its sums and products flat."""
    if not isinstance(pattern, Call):
        return pattern
    if pattern.name in _SUMS and pattern.name != "negative":
        return Sum(tuple(_terms(pattern, 1)))
    if pattern.name in _PRODUCTS:
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
    if isinstance(pattern, Call) and pattern.name in _SUMS:
        signs = (sign, -sign) if pattern.name == "subtract" else (sign, sign)
        if pattern.name == "negative":
            signs = (-sign,)
        for arg, s in zip(pattern.args, signs, strict=True):
            yield from _terms(arg, s)
    else:
        yield sign, canonical(pattern)


def _factors(pattern: Pattern, exponent: int) -> Iterator[tuple[Pattern, int]]:
    if not isinstance(pattern, Call) or pattern.name not in _PRODUCTS:
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


_SUMS = frozenset(("add", "subtract", "negative"))
_PRODUCTS = frozenset(("multiply", "divide", "negative", "square", "power"))


# Flat sums and products of nodes -----------------------------------------------------------------


def _signed_terms(node: Node, deep: bool) -> list[tuple[int, Node]] | None:
    """Terms of a sum with their signs, of the two operands or all; ``None`` if too many."""
    terms: list[tuple[int, Node]] = []
    stack = [(1, node, True)]
    while stack:
        sign, term, opened = stack.pop()
        name = term.op.name
        if name == "negative":
            stack.append((-sign, term.inputs[0], opened))
        elif name in ("add", "subtract") and opened:
            x, y = term.inputs
            stack += [(-sign if name == "subtract" else sign, y, deep), (sign, x, deep)]
        else:
            terms.append((sign, term))
        if len(terms) + len(stack) > LIMIT:
            return None
    return terms


@dataclass(slots=True)
class _Powers:
    """A number times nodes to integer powers."""

    number: float
    factors: list[tuple[Node, int]]


def _powers(node: Node, deep: bool) -> _Powers | None:
    """The factors of a product; ``None`` if too many."""
    result = _Powers(1.0, [])
    stack = [(node, 1, True)]
    steps = 0
    while stack:
        factor, exponent, opened = stack.pop()
        name, value = factor.op.name, number(factor)
        if value is not None and factor is not node:
            if not _add_number(result, value, exponent):
                return None
        elif name == "negative":
            result.number *= -1 if exponent % 2 else 1
            stack.append((factor.inputs[0], exponent, opened))
        elif opened and name in ("multiply", "divide"):
            x, y = factor.inputs
            stack += [(y, exponent if name == "multiply" else -exponent, deep), (x, exponent, deep)]
        elif name == "square":
            stack.append((factor.inputs[0], 2 * exponent, opened and deep))
        elif name == "power" and (k := _small(factor.inputs[1])) is not None:
            stack.append((factor.inputs[0], k * exponent, opened and deep))
        else:
            _add_factor(result.factors, factor, exponent)
        steps += 1
        if len(result.factors) + len(stack) > LIMIT or steps > 8 * LIMIT:
            return None  # also for x * x * x ..., which is one factor, however long
    return result


def _add_factor(factors: list[tuple[Node, int]], factor: Node, exponent: int) -> None:
    for i, (other, power) in enumerate(factors):
        # x / x is not 1 where x is 0.
        if other is factor and power * exponent > 0:
            factors[i] = (factor, power + exponent)
            return
    factors.append((factor, exponent))


def _small(node: Node) -> int | None:
    value = number(node)
    if value is not None and value in (-3, -2, -1, 2, 3):
        return int(value)
    return None


def _add_number(result: _Powers, value: Any, exponent: int) -> bool:
    if value.dtype.kind not in "iuf" or value == 0 or not np.isfinite(value):
        return False
    try:
        result.number *= float(value) ** exponent
    except OverflowError:
        return False
    return result.number != 0 and abs(result.number) < 1e300


# Matching ----------------------------------------------------------------------------------------


@record
class Match:
    """What a variable stands for: a number times a node."""

    number: float
    base: Node
    node: Node | None = None
    """The product, where it exists as a node."""


Bindings: TypeAlias = dict[str, Match]


def _multiple(node: Node, by: float = 1.0) -> Match:
    """A node as number times node; `by` comes on top."""
    whole, factor = node, by
    while True:
        name = node.op.name
        if name == "negative":
            factor, node = -factor, node.inputs[0]
            continue
        if name in ("multiply", "divide"):
            x, y = node.inputs
            a, b = number(x), number(y)
            value, rest = (a, y) if a is not None and name == "multiply" else (b, x)
            if value is not None and _exact(value) and rest.shape == node.shape:
                factor = factor * float(value) if name == "multiply" else factor / float(value)
                node = rest
                continue
        return Match(factor, node, whole if by == 1 else None)


def _exact(value: Any) -> bool:
    """A power of two of moderate size: scaling by it commutes with rounding."""
    if value.dtype.kind not in "iuf" or value == 0 or not np.isfinite(value):
        return False
    return bool(abs(np.frexp(float(value))[0]) == 0.5) and 1e-9 < abs(value) < 1e9


def _bind(variable: Variable, node: Node, by: float, found: Bindings) -> Iterator[Bindings]:
    new = _multiple(node, by)
    if variable.constant and number(node) is None:
        return
    old = found.get(variable.name)
    if old is None:
        yield {**found, variable.name: new}
    elif old.number == new.number and unbroadcast(old.base) is unbroadcast(new.base):
        yield found


def _match(pattern: Pattern, node: Node, found: Bindings) -> Iterator[Bindings]:
    """All ways in which a node is the pattern."""
    if isinstance(pattern, Variable):
        yield from _bind(pattern, node, 1.0, found)
    elif isinstance(pattern, Value):
        value = number(node)
        if value is not None and value == pattern.value:
            yield found
    elif isinstance(pattern, Sum):
        for sign, bindings in _match_sum(pattern, node, found):
            if sign == 1:
                yield bindings
    elif isinstance(pattern, Product):
        yield from _match_product(pattern, node, found)
    else:
        assert isinstance(pattern, Call)
        yield from _match_call(pattern, node, found)


def _match_call(pattern: Call, node: Node, found: Bindings) -> Iterator[Bindings]:
    node = unbroadcast(node)
    if node.op.name != pattern.name:
        # 1 / exp(y) is another spelling of exp(-y).
        if pattern.name == "exp" and node.op.name == "divide":
            x, y = node.inputs
            if y.op.name == "exp" and number(x) == 1:
                yield from _match(pattern.args[0], apply("negative", y.inputs[0]), found)
        return
    if len(pattern.args) != len(node.inputs):
        return
    yield from _match_all(pattern.args, node.inputs, found)
    if pattern.name in _COMMUTATIVE:
        yield from _match_all(pattern.args, node.inputs[::-1], found)


_COMMUTATIVE = frozenset(("logaddexp", "hypot", "maximum", "minimum"))


def _match_all(
    patterns: Sequence[Pattern], nodes: Sequence[Node], found: Bindings
) -> Iterator[Bindings]:
    if not patterns:
        yield found
        return
    for bindings in _match(patterns[0], nodes[0], found):
        yield from _match_all(patterns[1:], nodes[1:], bindings)


def _match_sum(pattern: Sum, node: Node, found: Bindings) -> Iterator[tuple[int, Bindings]]:
    """Ways in which a node is the pattern or its negative, every term of it."""
    if node.op.name not in _SUMS or any(map(_TERMS.of(node).isdisjoint, _term_heads(pattern))):
        return
    shallow = _signed_terms(node, deep=False)
    deep = _signed_terms(node, deep=True) if len(pattern.terms) > 2 else None
    for terms in (shallow, deep):
        if terms is not None and len(terms) == len(pattern.terms):
            for sign, bindings, _ in _assign(pattern, terms, found):
                yield sign, bindings


def _assign(
    pattern: Sum, terms: Sequence[tuple[int, Node]], found: Bindings
) -> Iterator[tuple[int, Bindings, tuple[int, ...]]]:
    """Ways to find the pattern's terms among those of a node, or all of them negated."""
    for sign in (1, -1):
        for bindings, used in _choose(pattern.terms, terms, sign, found, ()):
            yield sign, bindings, used


def _choose(
    wanted: Sequence[tuple[int, Pattern]],
    terms: Sequence[tuple[int, Node]],
    sign: int,
    found: Bindings,
    used: tuple[int, ...],
) -> Iterator[tuple[Bindings, tuple[int, ...]]]:
    if not wanted:
        yield found, used
        return
    (wanted_sign, part), *others = wanted
    for i, (term_sign, term) in enumerate(terms):
        if i in used:
            continue
        relative = sign * wanted_sign * term_sign
        for bindings in _match_term(part, term, relative, found):
            yield from _choose(others, terms, sign, bindings, (*used, i))


def _match_term(part: Pattern, term: Node, sign: int, found: Bindings) -> Iterator[Bindings]:
    """Ways in which sign times a term is a part of the pattern."""
    if isinstance(part, Value):
        value = number(term)
        if value is not None and value == sign * part.value:
            yield found
    elif isinstance(part, Variable):
        yield from _bind(part, term, float(sign), found)
    elif isinstance(part, Product):
        for rest, bindings in _factors_of(part, term, found, whole=True):
            if rest.number == sign:
                yield bindings
    elif sign == 1:
        yield from _match(part, term, found)


def _match_product(pattern: Product, node: Node, found: Bindings) -> Iterator[Bindings]:
    """Ways in which a node is the pattern, every factor of it."""
    if len(pattern.factors) == 1 and pattern.factors[0][1] == 1:
        part = pattern.factors[0][0]
        if isinstance(part, Variable):
            yield from _bind(part, node, 1.0 / pattern.number, found)
            return
    for rest, bindings in _factors_of(pattern, node, found, whole=True):
        if rest.number == 1:
            yield bindings


def _factors_of(
    pattern: Product, node: Node, found: Bindings, *, whole: bool
) -> Iterator[tuple[_Powers, Bindings]]:
    """Ways to find the pattern's factors in a node, and what is left."""
    for deep in (False, True):
        powers = _powers(node, deep)
        if powers is None or len(powers.factors) < len(pattern.factors):
            continue
        powers.number /= pattern.number
        for rest, bindings in _divide(pattern.factors, powers, found):
            if not whole or not rest.factors:
                yield rest, bindings


def _divide(
    wanted: Sequence[tuple[Pattern, int]], powers: _Powers, found: Bindings
) -> Iterator[tuple[_Powers, Bindings]]:
    if not wanted:
        yield powers, found
        return
    (part, exponent), *others = wanted
    for i, (factor, power) in enumerate(powers.factors):
        if power * exponent <= 0 or abs(power) < abs(exponent):
            continue
        left = [*powers.factors[:i], *powers.factors[i + 1 :]]
        if power != exponent:
            left.insert(i, (factor, power - exponent))
        for scale, bindings in _match_factor(part, factor, found):
            rest = _Powers(powers.number * scale**exponent, left)
            yield from _divide(others, rest, bindings)


def _match_factor(part: Pattern, factor: Node, found: Bindings) -> Iterator[tuple[float, Bindings]]:
    """Ways in which a factor is a number times a part of the pattern."""
    old = found.get(part.name) if isinstance(part, Variable) else None
    if old is not None:
        new = _multiple(factor)
        if unbroadcast(new.base) is unbroadcast(old.base):
            yield new.number / old.number, found
    elif isinstance(part, Sum):
        for sign, bindings in _match_sum(part, factor, found):
            yield float(sign), bindings
    else:
        for bindings in _match(part, factor, found):
            yield 1.0, bindings


def match(pattern: Pattern, node: Node) -> Iterator[dict[str, Node]]:
    """The ways in which a node is a pattern: from the variables to what they stand for.

    Parameters
    ----------
    pattern : Pattern
    node : Node
    """
    for found in _match(canonical(pattern), node, {}):
        yield {name: value(bound) for name, bound in found.items()}


# Building ----------------------------------------------------------------------------------------


def value(bound: Match) -> Node:
    """The node that a variable stands for."""
    if bound.node is not None:
        return bound.node
    return _times(bound.number, bound.base)


def _times(factor: float, node: Node) -> Node:
    if factor == 1:
        return node
    return apply("negative", node) if factor == -1 else apply("multiply", factor, node)


def instantiate(pattern: Pattern, found: dict[str, Node], like: Node) -> Node:
    """The pattern with nodes for its variables; numbers take the dtype of `like`."""
    if isinstance(pattern, Variable):
        return found[pattern.name]
    if isinstance(pattern, Value):
        return scalar(pattern.value, like)
    assert isinstance(pattern, Call)
    args: list[Any] = [
        arg.value if isinstance(arg, Value) else instantiate(arg, found, like)
        for arg in pattern.args
    ]
    return apply(pattern.name, *args)


# Rules -------------------------------------------------------------------------------------------


def heads(pattern: Pattern) -> frozenset[str] | None:
    """Names of operations at which a pattern can begin; ``None`` for any."""
    if isinstance(pattern, Variable):
        return None
    if isinstance(pattern, Value):
        return frozenset(("constant", "broadcast_to"))
    if isinstance(pattern, Sum):
        return frozenset(_SUMS)
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
        parts = [_loose_heads(part) for _, part in pattern.terms]
        return lambda names: _can_hold(parts, names, _SUMS)
    if isinstance(pattern, Product):
        parts = [heads(part) for part, _ in pattern.factors]
        return lambda names: _can_hold(parts, names, _PRODUCTS)
    assert isinstance(pattern, Call)
    wanted = [heads(arg) for arg in pattern.args]
    return lambda names: (
        _in_order(wanted, names)
        or (pattern.name in _COMMUTATIVE and _in_order(wanted, names[::-1]))
    )


def _loose_heads(part: Pattern) -> frozenset[str] | None:
    """As `heads`, with every spelling of a product."""
    return _PRODUCTS if isinstance(part, Product) else heads(part)


@lru_cache(maxsize=1024)
def _term_heads(pattern: Sum) -> tuple[frozenset[str], ...]:
    """For every term that is not just any node, the names of which its terms must have one."""
    found = [_loose_heads(part) for _, part in pattern.terms]
    return tuple([some for some in found if some is not None])


@lru_cache(maxsize=1024)
def _factor_heads(pattern: Product) -> tuple[frozenset[str], ...]:
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


def rewriter(
    left: Pattern, right: Pattern, when: Callable[[dict[str, Node]], bool] | None = None
) -> Callable[[Node], Node | None]:
    """The function from a node to what an equation puts in its place."""
    pattern = canonical(left)

    def build(found: Bindings, like: Node) -> Node | None:
        # What was computed in floats is not to be computed in integers, or in fewer digits.
        if any(bound.base.dtype != like.dtype for bound in found.values()):
            return None
        nodes = {name: value(bound) for name, bound in found.items()}
        return None if when is not None and not when(nodes) else instantiate(right, nodes, like)

    if isinstance(pattern, Sum):
        return _sum_rewriter(pattern, build)
    if isinstance(pattern, Product):
        return _product_rewriter(pattern, build)
    assert isinstance(pattern, Call)
    return _call_rewriter(pattern, build)


Build: TypeAlias = "Callable[[Bindings, Node], Node | None]"


def _call_rewriter(pattern: Call, build: Build) -> Callable[[Node], Node | None]:
    wanted = [heads(arg) for arg in pattern.args]
    turns = pattern.name in _COMMUTATIVE

    def apply_rule(node: Node) -> Node | None:
        if not turns:
            for names, operand in zip(wanted, node.inputs, strict=False):
                if names is not None and operand.op.name not in names:
                    return None
        if node.dtype.kind != "f":
            return None
        for found in _match_call(pattern, node, {}):
            built = build(found, node)
            if built is not None:
                return built
        return None

    return apply_rule


def _union(patterns: Sequence[Pattern]) -> frozenset[str] | None:
    names: set[str] = set()
    for pattern in patterns:
        some = heads(pattern)
        if some is None:
            return None
        names |= some
    return frozenset(names)


_OPEN_SUM = frozenset(_SUMS)


def _sum_rewriter(pattern: Sum, build: Build) -> Callable[[Node], Node | None]:
    union = _union([part for _, part in pattern.terms])
    open_names = None if union is None else union | _OPEN_SUM
    parts = _term_heads(pattern)

    def apply_rule(node: Node) -> Node | None:
        # A match lies in both operands: one that lies in one was found there.
        x, y = node.inputs
        if open_names is not None and (y.op.name not in open_names or x.op.name not in open_names):
            return None
        if node.dtype.kind != "f":
            return None
        names = _TERMS.of(node)
        for some in parts:
            if some.isdisjoint(names):
                return None
        return _rewrite_sum(pattern, build, node)

    return apply_rule


def _lacks(part: Pattern, terms: Sequence[tuple[int, Node]]) -> bool:
    """Whether none of the terms can be a part of the pattern, as far as names tell."""
    some = _loose_heads(part)
    if some is None:
        return False
    if not isinstance(part, Product):
        return all(term.op.name not in some for _, term in terms)
    factors = _factor_heads(part)
    return not any(
        term.op.name in some and not any(map(_FACTORS.of(term).isdisjoint, factors))
        for _, term in terms
    )


def _terms_of(node: Node) -> list[tuple[int, Node]]:
    """All terms of a sum, or those of its operands if they are too many."""
    return _signed_terms(node, deep=True) or _signed_terms(node, deep=False) or []


def _rewrite_sum(pattern: Sum, build: Build, node: Node) -> Node | None:
    terms = _terms_of(node)
    if len(terms) < len(pattern.terms):
        return None
    if any(_lacks(part, terms) for _, part in pattern.terms):
        return None
    for sign, found, used in _assign(pattern, terms, {}):
        if len(used) < len(terms) and not _may_be_regrouped(pattern, node, used):
            continue
        built = build(found, node)
        if built is None:
            continue
        rest: Node | None = None
        for i, (s, term) in enumerate(terms):
            if i not in used:
                rest = _plus(rest, s, term)
        return _plus(rest, sign, built)
    return None


def _may_be_regrouped(pattern: Sum, node: Node, used: tuple[int, ...]) -> bool:
    """Whether the matched terms may be added before the rest.

    ``(a + 1) - y`` at ``a = -1`` is y without an error, and ``a + (1 - y)`` is not. So what the
    sum adds to a term of the rest first must have a rounding error of its own, as ``exp(x)`` has:
    that is as large as what the new order can bring.
    """
    rounded = {i: _is_rounded(part) for i, (_, part) in zip(used, pattern.terms, strict=True)}
    position = 0

    def kind(tree: Node) -> str:
        nonlocal position
        while tree.op.name == "negative":
            tree = tree.inputs[0]
        if tree.op.name not in _SUMS:
            position += 1
            found = rounded.get(position - 1)
            return "rest" if found is None else "rounded" if found else "exact"
        kinds = {kind(operand) for operand in tree.inputs}
        if kinds == {"rest", "exact"} or "unsafe" in kinds:
            return "unsafe"
        if "rest" in kinds and len(kinds) > 1:
            return "mixed"
        return "mixed" if "mixed" in kinds else "rounded" if "rounded" in kinds else kinds.pop()

    return kind(node) != "unsafe"


def _is_rounded(part: Pattern) -> bool:
    """Whether what matches was computed with a rounding error, whatever its variables are."""
    if isinstance(part, Product):
        return len(part.factors) > 1 or any(
            exponent != 1 or _is_rounded(factor) for factor, exponent in part.factors
        )
    return isinstance(part, Call) and part.name != "absolute"


def _plus(total: Node | None, sign: int, term: Node) -> Node:
    if total is None:
        return term if sign == 1 else apply("negative", term)
    return apply("add" if sign == 1 else "subtract", total, term)


class _Names:
    """Names of the operations among the parts of the nodes that were asked for last."""

    def __init__(self, names: Callable[[Node], frozenset[str]]) -> None:
        self._names = names
        self._known: dict[int, tuple[ref[Node], frozenset[str]]] = {}

    def of(self, node: Node) -> frozenset[str]:
        known = self._known.get(id(node))
        if known is not None and known[0]() is node:
            return known[1]
        names = self._names(node)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[id(node)] = (ref(node), names)
        return names


def _factor_names(node: Node) -> frozenset[str]:
    powers = _powers(node, deep=True) or _powers(node, deep=False)
    factors = [] if powers is None else powers.factors
    return frozenset([f.op.name if exponent > 0 else f"/{f.op.name}" for f, exponent in factors])


def _term_names(node: Node) -> frozenset[str]:
    return frozenset([term.op.name for _, term in _terms_of(node)])


_MOST_KNOWN = 64


def _product_rewriter(pattern: Product, build: Build) -> Callable[[Node], Node | None]:
    wanted = _factor_heads(pattern)

    def apply_rule(node: Node) -> Node | None:
        present = _FACTORS.of(node)
        for some in wanted:
            if some.isdisjoint(present):
                return None
        if node.dtype.kind != "f":
            return None
        for rest, found in _factors_of(pattern, node, {}, whole=False):
            # More than one factor beside it could overflow where the whole does not.
            if len(rest.factors) > 1 or any(e not in (1, -1) for _, e in rest.factors):
                continue
            built = build(found, node)
            if built is not None:
                return _put_back(rest, built)
        return None

    return apply_rule


_FACTORS = _Names(_factor_names)
_TERMS = _Names(_term_names)


def _put_back(rest: _Powers, built: Node) -> Node:
    result = _times(rest.number, built)
    for factor, exponent in rest.factors:
        result = apply("multiply" if exponent == 1 else "divide", result, factor)
    return result
