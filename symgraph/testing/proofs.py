"""Proofs of laws: by SymPy, or to 50 digits at points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from math import e, log2, log10
from typing import Any, Literal, TypeAlias

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.exact import mpmath
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, topological
from symgraph.graph.refusal import public
from symgraph.ops.kinds import Elementwise
from symgraph.simplify.rule import Rule
from symgraph.testing.sides import as_stated, scalar_case

__all__ = ["MOST_OPERATIONS", "Proof", "prove"]


Proof: TypeAlias = Literal["SymPy", "50 digits at points", "random arrays"]

MOST_OPERATIONS = 5
"""SymPy's simplify takes minutes over longer formulas; those are compared at points alone."""

_POINTS = ("3/7", "-2/5", "9/4", "-7/3", "1/11")
"""Of both signs, inside and outside of the unit interval."""


@public
def prove(rule: Rule, number: int = 0) -> Proof | None:
    """How the law of an example is shown: by SymPy's simplification, or at points to 50 digits.

    Returns
    -------
    str or None
        ``None`` where the sides are no formulas of scalars, or an operation has no formula.

    Raises
    ------
    AssertionError
        If the sides differ at a point.
    """
    case = scalar_case(rule, number)
    if case is None:
        return None
    nodes, before, after = case
    sympy: Any = import_module("sympy")
    symbols = {node: sympy.Symbol(node.op.label, **{rule.domain: True}) for node in nodes}
    try:
        left, right = [_formula(side, symbols) for side in (before, after)]
    except UnsupportedError:
        return None
    difference = left - right
    if sympy.count_ops(difference) <= MOST_OPERATIONS and sympy.simplify(difference) == 0:
        return "SymPy"
    _compare_at_points(rule, left, right, symbols)
    return "50 digits at points"


def _formula(node: Node, symbols: Mapping[Node, Any]) -> Any:
    """A node as a SymPy expression from the formulas of its operations."""
    sympy: Any = import_module("sympy")
    rounded = {log2(e): 1 / sympy.log(2), log10(e): 1 / sympy.log(10)}
    known: dict[Node, Any] = dict(symbols)
    for n in topological([node]):
        if n in known:
            continue
        if isinstance(n.op, Constant) and n.ndim == 0 and np.isfinite(n.op.value):
            value = n.op.value.item()
            known[n] = (
                value if isinstance(value, bool) else rounded.get(value, sympy.Rational(value))
            )
        elif isinstance(n.op, Elementwise):
            names = dict(zip(n.op.symbols, [known[i] for i in n.inputs], strict=True))
            known[n] = n.op.sympy_formula.subs(names, simultaneous=True)
        elif n.op.name == "where":
            mask, first, second = [known[i] for i in n.inputs]
            known[n] = sympy.Piecewise((first, mask), (second, True))
        else:
            raise UnsupportedError(f"{n.op.name} has no formula")
    return known[node]


def _compare_at_points(rule: Rule, left: Any, right: Any, symbols: Mapping[Node, Any]) -> None:
    sympy: Any = import_module("sympy")
    tolerance = 1e-15 if rule.rounds else 1e-40
    compared = 0
    for i in range(len(_POINTS)):
        at: dict[Any, Any] = {}
        for k, (node, symbol) in enumerate(symbols.items()):
            number = sympy.Rational(_POINTS[(i + k) % len(_POINTS)])
            if node.dtype.kind == "f" and as_stated(node, float(number)) != float(number):
                number = -number
            at[symbol] = sympy.sympify((i + k) % 2 == 0) if node.dtype.kind == "b" else number
        one = _complex_value(left, at)
        # Where the left side is not real, nothing is claimed.
        if one is None or abs(one.imag) > 1e-45:
            continue
        other = _complex_value(right, at)
        assert other is not None, f"{rule.name}: no value at {at}"
        assert abs(one - other) <= tolerance * (1 + abs(one)), f"{rule.name}: differs at {at}"
        compared += 1
    assert compared, f"{rule.name}: its left side is real at no point"


def _complex_value(expression: Any, at: Mapping[Any, Any]) -> Any:
    """To 50 digits; ``None`` for a pole."""
    sympy: Any = import_module("sympy")
    value = sympy.N(expression.subs(at), 50)
    if not value.is_finite:
        return None
    with mpmath().workdps(60):
        return mpmath().mpc(*[mpmath().mpf(str(part)) for part in value.as_real_imag()])
