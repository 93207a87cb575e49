"""Rules that fold, tidy and stabilise, and the driver that applies them.

The package is also a function, ``sg.simplify(node)``: see `simplified`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from types import ModuleType
from typing import Any

from symgraph.errors import InputError
from symgraph.graph.graph import flatten_nodes
from symgraph.graph.tree import unflatten
from symgraph.simplify import rules as _rules
from symgraph.simplify.driver import Firing, Simplified, simplify
from symgraph.simplify.facts import assume
from symgraph.simplify.pattern import p
from symgraph.simplify.rule import RULES, Rule, equation, known_rules, rewrite, rule_named

__all__ = [
    "RULES",
    "Firing",
    "Rule",
    "Simplified",
    "assume",
    "equation",
    "known_rules",
    "p",
    "rewrite",
    "rule",
    "simplified",
    "simplify",
]

assert _rules


def rule(name: str) -> Rule:
    """The rule of that name; of several the one that was declared last.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> rule("log_one_plus").law
    'log(1 + x) = log1p(x)'
    """
    return rule_named(name)


def simplified(
    outputs: Any,
    *,
    strictness: str = "accurate",
    rules: Sequence[Rule] | None = None,
    without: Collection[str] = (),
) -> Any:
    """Nodes in the form that the compiler would give them: ``sg.simplify(node)``.

    Parameters
    ----------
    outputs : tree of Node
    strictness : {"bitwise", "accurate", "real"}, optional
        Which rules may be used: those that keep every bit; also those that are equal as real
        functions and at least as accurate; also those that drop conditions.
    rules : sequence of Rule, optional
        Instead of all.
    without : collection of str, optional
        Names of rules that are not to be used.

    Returns
    -------
    tree of Node
        In the same form.

    Raises
    ------
    InputError
        If a strictness or a rule does not exist, or a leaf is not a node.

    Examples
    --------
    >>> import numpy as np, symgraph as sg
    >>> x = sg.placeholder("x")
    >>> sg.simplify(np.log(1 + x)) is np.log1p(x)
    True
    >>> sg.simplify(np.log(1 + x), without=["log_one_plus"]) is np.log1p(x)
    False
    """
    if strictness not in ("bitwise", "accurate", "real"):
        raise InputError(
            "strictness", expected="'bitwise', 'accurate' or 'real'", got=repr(strictness)
        )
    nodes, form = flatten_nodes(outputs, "simplify")
    found = simplify(nodes, strictness, rules, without=known_rules(without))
    return unflatten(form, found.outputs)


class _CallableModule(ModuleType):
    """A package that is called like the function which it is named after."""

    def __call__(self, outputs: Any, **options: Any) -> Any:
        return simplified(outputs, **options)


sys.modules[__name__].__class__ = _CallableModule
