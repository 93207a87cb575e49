"""Equations as rewrites: from ``left = right`` to the function that rules apply.

At the root a part of a sum or product may match too: the rest is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.simplify.flat import FACTOR_NAMES, Powers, terms_of
from symgraph.simplify.heads import factor_heads, heads, loose_heads
from symgraph.simplify.match import (
    Bindings,
    assignments,
    divisions,
    instantiate,
    match_call,
    times,
    value,
)
from symgraph.simplify.pattern import (
    COMMUTATIVE,
    SUMS,
    Call,
    Pattern,
    Product,
    Sum,
    Variable,
    canonical,
)

__all__ = ["rewriter"]


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
    turns = pattern.name in COMMUTATIVE

    def apply_rule(node: Node) -> Node | None:
        if not turns:
            for names, operand in zip(wanted, node.inputs, strict=False):
                if names is not None and operand.op.name not in names:
                    return None
        if node.dtype.kind != "f":
            return None
        for found in match_call(pattern, node, {}):
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


_OPEN_SUM = frozenset(SUMS)


def _sum_rewriter(pattern: Sum, build: Build) -> Callable[[Node], Node | None]:
    # Any term is a variable: what is found by its name says which one to look for.
    pattern = Sum(tuple(sorted(pattern.terms, key=lambda term: isinstance(term[1], Variable))))
    union = _union([part for _, part in pattern.terms])
    open_names = None if union is None else union | _OPEN_SUM

    def apply_rule(node: Node) -> Node | None:
        # A match lies in both operands: one that lies in one was found there.
        x, y = node.inputs
        if open_names is not None and (y.op.name not in open_names or x.op.name not in open_names):
            return None
        if node.dtype.kind != "f":
            return None
        return _rewrite_sum(pattern, build, node)

    return apply_rule


def _lacks(part: Pattern, terms: Sequence[tuple[int, Node]]) -> bool:
    """Whether none of the terms can be a part of the pattern, as far as names tell."""
    some = loose_heads(part)
    if some is None:
        return False
    if not isinstance(part, Product):
        return all(term.op.name not in some for _, term in terms)
    factors = factor_heads(part)
    return not any(
        term.op.name in some and not any(map(FACTOR_NAMES.of(term).isdisjoint, factors))
        for _, term in terms
    )


def _rewrite_sum(pattern: Sum, build: Build, node: Node) -> Node | None:
    terms = terms_of(node)
    if len(terms) < len(pattern.terms):
        return None
    if any(_lacks(part, terms) for _, part in pattern.terms):
        return None
    for sign, found, used in assignments(pattern, terms, {}):
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
        if tree.op.name not in SUMS:
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


def _product_rewriter(pattern: Product, build: Build) -> Callable[[Node], Node | None]:
    def apply_rule(node: Node) -> Node | None:
        if node.dtype.kind != "f":
            return None
        for rest, found in divisions(pattern, node, {}, whole=False):
            # More than one factor beside it could overflow where the whole does not.
            if len(rest.factors) > 1 or any(e not in (1, -1) for _, e in rest.factors):
                continue
            built = build(found, node)
            if built is not None:
                return _put_back(rest, built)
        return None

    return apply_rule


def _put_back(rest: Powers, built: Node) -> Node:
    result = times(rest.number, built)
    for factor, exponent in rest.factors:
        result = apply("multiply" if exponent == 1 else "divide", result, factor)
    return result
