"""Scalar operations that users declare by a SymPy formula."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.errors import InputError
from symgraph.graph.node import Node, make, placeholder, topological
from symgraph.graph.refusal import public
from symgraph.graph.registry import BUILDERS, apply, builder_named
from symgraph.graph.types import DType, as_dtype
from symgraph.ops import kinds
from symgraph.ops.formula import load_sympy, recognise, to_node

__all__ = ["elementwise"]


@public
def elementwise(name: str, formula: Callable[..., Any]) -> Callable[..., Any]:
    """Make a new scalar operation out of a SymPy formula.

    Its value, its derivatives of any order, its LaTeX and its emitted source follow from the
    formula. ``log(1 + exp(x))`` and its like are recognised, and computed without overflow.

    Parameters
    ----------
    name : str
        A Python identifier that no operation has.
    formula : callable
        From SymPy symbols, one for each operand, to a SymPy expression.

    Returns
    -------
    callable
        Takes nodes, arrays and numbers, broadcast against each other. Integers are computed with
        as float64.

    Raises
    ------
    InputError
        If the name is taken or is no identifier, or the formula is none. The same declaration may
        be made again, as when a notebook's cell is run twice.
    UnsupportedError
        If the formula has a function without a counterpart here.

    Notes
    -----
    Nodes pickle such an operation by its name: where they are loaded, it must be declared before.
    A compiled function needs no declaration for its source, and a pickled one none but for its
    graph.

    Examples
    --------
    >>> import symgraph as sg
    >>> import sympy as sp
    >>> mish = sg.elementwise("mish", lambda x: x * sp.tanh(sp.log(1 + sp.exp(x))))
    >>> float(mish(1000.0))
    1000.0
    >>> x = sg.placeholder("x")
    >>> f = sg.function([x], sg.grad(mish(x), x))
    >>> round(float(f(0.5)), 6)
    0.886424
    """
    arity = _arity(name, formula)
    symbols, expression = _expression(formula, arity)
    if FORMULAS.get(name) == expression:
        return BUILDERS[name]
    if builder_named(name) is not None:
        raise InputError(f"an operation called {name} exists", hint="choose another name")
    stable = recognise(expression)

    def expand(*operands: Node) -> Node:
        dtype = _dtype(*[x.dtype for x in operands])
        xs = [x if x.dtype == dtype else apply("astype", x, dtype) for x in operands]
        result = to_node(stable, dict(zip(symbols, xs, strict=True)), dtype)
        result = result if result.dtype == dtype else apply("astype", result, dtype)
        shape = make(kinds.ELEMENTWISE[name], *operands).shape
        return result if result.shape == shape else apply("broadcast_to", result, shape)

    # A function without a counterpart is an error here, not where the operation is first used.
    sample = [placeholder(f"x{i}") for i in range(arity)]
    trial = to_node(stable, dict(zip(symbols, sample, strict=True)), np.dtype(np.float64))
    FORMULAS[name] = expression
    return kinds.elementwise(
        name,
        dtypes=_dtype,
        arity=arity,
        formula=lambda *_: expression,
        cost=sum(node.op.work(node) for node in topological([trial])),
        decompose=expand,
        doc=f"``{expression}``, element by element, on nodes and arrays.",
    )


FORMULAS: dict[str, Any] = {}
"""The SymPy formula of every operation that a user has declared, by name."""


def _arity(name: str, formula: Callable[..., Any]) -> int:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise InputError("the name of an operation", expected="an identifier", got=repr(name))
    if not callable(formula):
        raise InputError(
            f"{name}: the formula", expected="a function of SymPy symbols", got=repr(formula)
        )
    parameters = list(inspect.signature(formula).parameters.values())
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or any(p.kind not in plain for p in parameters):
        raise InputError(
            f"{name}: the formula must have one plain parameter for each operand",
            got=str(inspect.signature(formula)),
        )
    return len(parameters)


def _expression(formula: Callable[..., Any], arity: int) -> tuple[Sequence[Any], Any]:
    """The symbols and the expression that the formula makes of them."""
    sympy = load_sympy()
    symbols = sympy.symbols(f"x0:{arity}", real=True)
    try:
        expression = sympy.sympify(formula(*symbols), strict=True)
    except sympy.SympifyError as error:
        raise InputError("the formula gives no SymPy expression", got=str(error)) from None
    if not isinstance(expression, sympy.Expr):
        raise InputError(
            "the formula gives no number",
            expected="a SymPy expression",
            got=f"{type(expression).__name__}: {expression}",
            hint="sympy.Piecewise((1, condition), (0, True)) makes a number of a condition",
        )
    strangers = sorted(map(str, expression.free_symbols - set(symbols)))
    if strangers:
        raise InputError(
            f"the formula contains {', '.join(strangers)}",
            expected="its own parameters only",
            hint="make it another parameter, or a number",
        )
    return symbols, expression


def _dtype(*dtypes: DType) -> DType:
    common = as_dtype(np.result_type(*dtypes))
    return common if common.kind in "fc" else as_dtype(np.float64)
