"""Rewrites are data: a law, what it keeps, where it applies, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import Any, Literal, TypeAlias

from symgraph.errors import InputError
from symgraph.graph.node import Node, constant
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.simplify.common import Headroom
from symgraph.simplify.equations import rewriter
from symgraph.simplify.flat import PART_NAMES, TERM_NAMES
from symgraph.simplify.heads import Within, admission, roots, within
from symgraph.simplify.match import instantiate
from symgraph.simplify.pattern import Pattern, Variable

__all__ = ["RULES", "Keeps", "Rule", "Stage", "equation", "rewrite", "rules_for"]

Keeps = Literal["bitwise", "accurate", "real"]
Stage = Literal["graph", "numpy"]
Domain = Literal["real", "positive"]
Root: TypeAlias = "str | type[Op] | Callable[[Any], bool]"
"""An operation by its name, its class, or a question that is asked of it."""
# One form for each number of operands, so that the types of lambda's parameters are known.
Example: TypeAlias = (
    Callable[[], Any]
    | Callable[[Any], Any]
    | Callable[[Any, Any], Any]
    | Callable[[Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any], Any]
)

_LEVELS: dict[str, tuple[str, ...]] = {
    "bitwise": ("bitwise",),
    "accurate": ("bitwise", "accurate"),
    "real": ("bitwise", "accurate", "real"),
}


@record
class Rule:
    """A rewrite.

    Attributes
    ----------
    name : str
    law : str
        In mathematics, the first line of the docstring.
    keeps : {"bitwise", "accurate", "real"}
        The same bits; equal as real functions and at least as close; or equal up to conditions.
    roots : tuple of str, class or callable
        The operations that it rewrites: names, classes, or what says yes to an operation.
    apply : callable
        From a node to what takes its place, or ``None``.
    stage : {"graph", "numpy"}
        Whether it holds for the graph, or is how NumPy is best told the same.
    examples : tuple of callable
        Left sides: functions of placeholders that build a node on which the rule fires. The names
        of the parameters say what they are: x, y, z have one shape; a, b, c are 0-d; u, v are
        vectors and A, B matrices; m is a mask; k holds positions.
    headroom : int or "half"
        Binary orders of magnitude by which the right side may overflow or underflow sooner: what
        an "accurate" rule promises, it promises where the operands and what the left side computes
        of them stay clear of both ends of the range by so much (see `headroom_of`). ``"half"``
        where it multiplies two operands that the left side does not.
    admits : callable, optional
        Whether it can fire, from the names of the operands' operations; it is asked once for all
        nodes that look alike from there.
    within : Within, optional
        Names that it must meet among the terms and factors of a node; also asked once.
    domain : {"real", "positive"}
        What its variables are assumed to be where it is proved.
    rounds : bool
        Whether it computes with the numbers of the formula, and so rounds: 3.0 * (0.7 * x).
    """

    name: str
    law: str
    keeps: Keeps
    roots: tuple[Root, ...]
    apply: Callable[[Node], Node | None]
    stage: Stage = "graph"
    examples: tuple[Example, ...] = ()
    headroom: Headroom = 0
    admits: Callable[[tuple[str, ...]], bool] | None = None
    domain: Domain = "real"
    rounds: bool = False
    within: Within | None = None

    def begins(self, op: Op) -> bool:
        """Whether it rewrites an operation."""
        return any(_is_root(root, op) for root in self.roots)


def _is_root(root: Root, op: Op) -> bool:
    if isinstance(root, str):
        return op.name == root
    return isinstance(op, root) if isinstance(root, type) else root(op)


RULES: list[Rule] = []
"""Every rule, in the order in which those of one root are tried."""


@public
def rewrite(
    *roots: Root,
    keeps: Keeps,
    stage: Stage = "graph",
    examples: Sequence[Example] = (),
    headroom: Headroom = 0,
    operands: Sequence[str] = (),
    domain: Domain = "real",
    rounds: bool = False,
) -> Callable[[Callable[[Node], Node | None]], Callable[[Node], Node | None]]:
    """Make a function a rule for the operations `roots`; its docstring is the law.

    If `operands` are named, one of the node's operands must be one of these operations. The
    others are as in `Rule`, which the function has as its attribute ``rule``.
    """
    wanted = frozenset(operands)

    def holds(names: tuple[str, ...]) -> bool:
        return not wanted.isdisjoint(names)

    admits = holds if wanted else None

    def register(function: Callable[[Node], Node | None]) -> Callable[[Node], Node | None]:
        law = (function.__doc__ or "").strip().split("\n")[0].rstrip(".")
        given = tuple(examples)
        rule = Rule(
            function.__name__,
            law,
            keeps,
            roots,
            function,
            stage,
            given,
            headroom,
            admits,
            domain,
            rounds,
        )
        RULES.append(rule)
        return function

    return register


@public
def equation(
    *,
    keeps: Keeps,
    stage: Stage = "graph",
    when: Callable[[dict[str, Node]], bool] | None = None,
    headroom: Headroom = 0,
) -> Callable[[Callable[..., tuple[Pattern, Pattern]]], Callable[..., tuple[Pattern, Pattern]]]:
    """Make a function a rule: from pattern variables to the two sides of its docstring's law.

    A parameter called ``c`` or ``c<digit>`` stands for a number only.

    Parameters
    ----------
    keeps : {"bitwise", "accurate", "real"}
    stage : {"graph", "numpy"}, optional
        As in `Rule`.
    when : callable, optional
        Whether it holds for what the variables stand for.
    headroom : int or "half", optional
        As in `Rule`.
    """

    def register(
        function: Callable[..., tuple[Pattern, Pattern]],
    ) -> Callable[..., tuple[Pattern, Pattern]]:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        left, right = function(*[Variable(name, name[0] == "c") for name in names])
        law = (function.__doc__ or "").strip().split("\n")[0].rstrip(".")
        rule = Rule(
            function.__name__,
            law,
            keeps,
            roots(left),
            rewriter(left, right, when),
            stage,
            (_example(left, names),),
            headroom,
            admission(left),
            within=within(left),
        )
        RULES.append(rule)
        return function

    return register


def _example(left: Pattern, names: Sequence[str]) -> Example:
    """The left side as a function of placeholders; numbers are 3."""
    free = [name for name in names if name[0] != "c"]

    def example(*nodes: Node) -> Node:
        numbers = {name: constant(3.0) for name in names if name[0] == "c"}
        return instantiate(left, {**numbers, **dict(zip(free, nodes, strict=True))}, nodes[0])

    kind = Parameter.POSITIONAL_OR_KEYWORD
    example.__signature__ = Signature([Parameter(name, kind) for name in free])
    return example


class Table:
    """The rules of one strictness and stage, by what a node looks like."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._named: dict[str, list[int]] = {}
        self._general: list[int] = []
        for i, rule in enumerate(self._rules):
            names = [root for root in rule.roots if isinstance(root, str)]
            if len(names) < len(rule.roots):
                self._general.append(i)
            for name in names:
                self._named.setdefault(name, []).append(i)
        self._by_root: dict[str, list[Rule]] = {}
        self._found: dict[tuple[str, ...], _Found] = {}

    def of(self, node: Node) -> tuple[Rule, ...]:
        """The rules that may fire at a node, in order."""
        key = (node.op.name, *[operand.op.name for operand in node.inputs])
        found = self._found.get(key)
        if found is None:
            found = _Found(self._of(node.op, key[1:]))
            # Concatenations of many operands all look different.
            if len(key) <= _MOST_OPERANDS:
                self._found[key] = found
        return found.of(node) if found.looks_within else found.rules

    def _of(self, op: Op, operands: tuple[str, ...]) -> tuple[Rule, ...]:
        by_root = self._by_root.get(op.name)
        if by_root is None:
            # Operations may be declared after the rules.
            general = [i for i in self._general if self._rules[i].begins(op)]
            places = sorted({*self._named.get(op.name, ()), *general})
            by_root = self._by_root[op.name] = [self._rules[i] for i in places]
        return tuple([rule for rule in by_root if rule.admits is None or rule.admits(operands)])


class _Found:
    """The rules for operations of certain names, by what lies below those."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.looks_within = any(rule.within is not None for rule in rules)
        self._known: dict[tuple[frozenset[str], frozenset[str]], tuple[Rule, ...]] = {}

    def of(self, node: Node) -> tuple[Rule, ...]:
        key = terms, factors = TERM_NAMES.of(node), PART_NAMES.of(node)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = tuple(
                [r for r in self.rules if r.within is None or r.within.holds(terms, factors)]
            )
        return known


_MOST_KNOWN = 1024
_MOST_OPERANDS = 4
_TABLES: dict[tuple[str, Stage, frozenset[str]], tuple[list[Rule], Table]] = {}


def rules_for(
    strictness: str,
    stage: Stage,
    rules: Sequence[Rule] | None = None,
    without: frozenset[str] = frozenset(),
) -> Table:
    """The rules that a strictness allows, of one stage or among those that are given.

    Those whose names are in `without` are left out.
    """
    levels = _LEVELS[strictness]
    if rules is not None:
        return Table([r for r in rules if r.keeps in levels and r.name not in without])
    known = _TABLES.get((strictness, stage, without))
    if known is not None and known[0] == RULES:
        return known[1]
    some = [r for r in RULES if r.keeps in levels and r.stage == stage and r.name not in without]
    table = Table(some)
    _TABLES[strictness, stage, without] = ([*RULES], table)
    return table


def known_rules(names: Collection[str]) -> frozenset[str]:
    """Names of rules, all of which exist.

    Raises
    ------
    InputError
        If one does not, or `names` is one text.
    """
    if isinstance(names, str):
        raise InputError("rules are named in a list", expected=f"[{names!r}]", got=repr(names))
    for name in names:
        rule_named(name)
    return frozenset(names)


def rule_named(name: str) -> Rule:
    """The rule of that name; of several the one that was declared last.

    Raises
    ------
    InputError
        If there is none.
    """
    for found in reversed(RULES):
        if found.name == name:
            return found
    near = get_close_matches(str(name), [some.name for some in RULES], cutoff=0.4)
    raise InputError(
        "no rule has this name",
        expected=" or ".join(near) or "a name of symgraph.simplify.RULES",
        got=repr(name),
        hint="f.explain() names the rules that fired; symgraph.simplify.RULES holds all",
    )
