"""SymPy expressions as nodes, and element-wise graphs of scalars as SymPy expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symgraph.errors import InputError, UnsupportedError
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import ArrayLike, Node, as_node, topological
from symgraph.graph.side import NAMES
from symgraph.graph.types import DType, as_dtype
from symgraph.ops.formula import load_sympy, to_node
from symgraph.ops.kinds import Elementwise

__all__ = ["from_sympy", "to_sympy"]


def from_sympy(expr: Any, env: Mapping[Any, ArrayLike]) -> Node:
    """The node of a SymPy expression.

    Parameters
    ----------
    expr : sympy.Expr or sympy.logic.boolalg.Boolean
        Its functions act element by element, so that arrays may stand for its symbols.
        Subexpressions that it shares are shared; ``sympy.Function("name")(x)`` calls the operation
        of that name.
    env : mapping
        What each symbol stands for, by the symbol, by its name, or for any other subexpression.

    Returns
    -------
    Node

    Raises
    ------
    InputError
        If `expr` is no SymPy expression of numbers.
    UnsupportedError
        If a symbol is not in `env`, or a function has no counterpart.

    Examples
    --------
    >>> import sympy, symgraph as sg
    >>> a, b = sympy.symbols("a b")
    >>> x = sg.placeholder("x", "n")
    >>> y = sg.from_sympy(a * sympy.exp(-b**2), {"a": 2.0, b: x})
    >>> sg.function([x], y)(np.array([0.0, 1.0]))
    array([2.        , 0.73575888])
    """
    sympy = load_sympy()
    try:
        expr = sympy.sympify(expr, strict=True)
    except sympy.SympifyError:
        expr = None
    kinds = (sympy.Expr, sympy.logic.boolalg.Boolean)
    if not isinstance(expr, kinds) or getattr(expr, "is_Matrix", False):
        raise InputError(
            "from_sympy takes an expression of numbers",
            expected="a SymPy expression",
            got=type(expr).__name__,
            hint="matrices have no counterpart here: use sg.matmul and its like",
        )
    nodes: dict[Any, Node] = {symbol: as_node(value) for symbol, value in env.items()}
    return to_node(expr, nodes, _common(nodes))


def _common(nodes: Mapping[Any, Node]) -> DType:
    """The dtype of what is a number alone: that of the nodes, if it is inexact."""
    dtypes = [node.dtype for node in nodes.values() if node.type.inexact]
    return as_dtype(np.result_type(*dtypes)) if dtypes else as_dtype(np.float64)


def to_sympy(node: Node) -> Any:
    """The SymPy expression of an element-wise graph of scalars.

    A placeholder becomes a symbol of its name, real unless it is complex.

    Raises
    ------
    UnsupportedError
        For an operation that is not element-wise, which it names, or a value that is no scalar.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> to_sympy(sg.exp(-(x**2)) / 2.0)
    exp(-x**2)/2
    """
    values: dict[Node, Any] = {}
    names: dict[str, Node] = {}
    for part in topological([node]):
        if part.shape != ():
            raise UnsupportedError(
                "to_sympy: a value is not a scalar",
                expected="shape ()",
                got=f"{_called(part)}: {part.type}",
                hint="only element-wise graphs of scalars have a SymPy expression",
            )
        values[part] = _expression(part, [values[operand] for operand in part.inputs])
        if isinstance(part.op, Placeholder) and names.setdefault(part.op.name_, part) is not part:
            raise UnsupportedError(f"to_sympy: two placeholders are called {part.op.name_}")
    return values[node]


def _called(node: Node) -> str:
    return NAMES.get(node) or node.op.label


def _expression(node: Node, args: list[Any]) -> Any:
    sympy = load_sympy()
    op = node.op
    if isinstance(op, Placeholder):
        kind = {"b": {}, "i": {"integer": True}, "u": {"integer": True, "nonnegative": True},
                "f": {"real": True}, "c": {}}[op.type.dtype.kind]  # fmt: skip
        return sympy.Symbol(op.name_, **kind)
    if isinstance(op, Constant):
        return _number(op.value.item())
    if isinstance(op, SizeValue):
        return sympy.sympify(op.size if isinstance(op.size, int) else op.size.to_sympy())
    if isinstance(op, Elementwise) and op.formula:
        if op.name.startswith("logical_"):
            connective = getattr(sympy, op.name[8:].capitalize())
            return connective(*map(_condition, args))
        return op.sympy_formula.xreplace(dict(zip(op.symbols, args, strict=True)))
    if op.name == "where":
        condition, first, second = args
        return sympy.Piecewise((first, _condition(condition)), (second, True))
    if op.name in ("stop_gradient", "broadcast_to", "reshape"):
        return args[0]
    if op.name == "astype":
        return _converted(node, args[0])
    raise UnsupportedError(
        f"to_sympy: {op.label} has no SymPy formula",
        hint="only element-wise graphs of scalars have a SymPy expression",
    )


def _number(value: Any) -> Any:
    """Exact where a float is a short decimal: 0.5 is a half, and 1e-3 stays a float."""
    sympy = load_sympy()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return sympy.Integer(int(value))
    if isinstance(value, float) and np.isfinite(value) and (value * 64).is_integer():
        return sympy.Rational(*value.as_integer_ratio())
    return sympy.sympify(value)


def _condition(value: Any) -> Any:
    sympy = load_sympy()
    is_truth = isinstance(value, sympy.logic.boolalg.Boolean)
    return value if is_truth and not value.is_Symbol else sympy.Ne(value, 0)


def _converted(node: Node, value: Any) -> Any:
    sympy = load_sympy()
    kind = node.dtype.kind
    if isinstance(value, sympy.logic.boolalg.Boolean) and kind != "b":
        return sympy.Piecewise((1, value), (0, True))
    if kind in "iu" and node.inputs[0].dtype.kind == "f":
        return sympy.sign(value) * sympy.floor(sympy.Abs(value))
    return sympy.Ne(value, 0) if kind == "b" else value
