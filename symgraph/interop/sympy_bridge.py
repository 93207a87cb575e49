"""Expressions of SymPy as nodes, and element-wise graphs of scalars as SymPy expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symgraph.errors import InputError, UnsupportedError
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import ArrayLike, Node, as_node, topological
from symgraph.graph.refusal import public
from symgraph.graph.side import NAMES
from symgraph.graph.sizes import as_dim, dim_names
from symgraph.graph.tree import tree_map
from symgraph.graph.types import DType, as_dtype
from symgraph.interop.sympy_arrays import Reader
from symgraph.ops.formula import load_sympy
from symgraph.ops.kinds import Elementwise

__all__ = ["from_sympy", "to_sympy"]


@public
def from_sympy(expr: Any, env: Mapping[Any, ArrayLike]) -> Any:
    """The node of a SymPy expression, or those of a tree of expressions.

    Parameters
    ----------
    expr : sympy.Expr, sympy.MatrixBase, sympy.NDimArray, or sympy.logic.boolalg.Boolean
        Its functions act element by element, so that arrays may stand for its symbols.
        Subexpressions that it shares are shared; ``sympy.Function("name")(x)`` calls the operation
        of that name. A sum or a product over ``x[i]`` becomes one over a whole array, where ``i``
        runs from 0 as in NumPy. Lists, tuples and dicts of expressions come back in their form.
    env : mapping
        What each symbol stands for, by the symbol, by its name, or for any other subexpression. A
        symbol that is not in it but has the name of a symbolic size is that size.

    Returns
    -------
    Node
        Of shape ``()`` for an expression, ``(r, c)`` for a matrix of so many rows and columns,
        after the shape that the arrays in it have together.

    Raises
    ------
    InputError
        If `expr` is nothing of SymPy's.
    ShapeError
        If an index runs out of its array, or a matrix has another shape than its symbol.
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

    A sum of squares, and a matrix:

    >>> i, n, data = sympy.Symbol("i"), sympy.Symbol("n"), sympy.IndexedBase("data")
    >>> mean = sympy.Sum(data[i] ** 2, (i, 0, n - 1)) / n
    >>> f = sg.function([x], sg.from_sympy(mean, {"data": x}))
    >>> print(f.source.splitlines()[-1].strip())
    return x @ x / n
    >>> t = sg.placeholder("t")
    >>> turn = sympy.Matrix([[sympy.cos(a), -sympy.sin(a)], [sympy.sin(a), sympy.cos(a)]])
    >>> sg.from_sympy(turn, {a: t}).shape
    (2, 2)
    """
    nodes: dict[Any, Node] = {symbol: as_node(value) for symbol, value in env.items()}
    names = set[str]().union(*[dim_names(d) for node in nodes.values() for d in node.shape])
    sizes = {name: as_dim(name) for name in sorted(names)}
    return tree_map(lambda leaf: _read(leaf, nodes, sizes), expr)


def _read(expr: Any, nodes: Mapping[Any, Node], sizes: Mapping[str, Any]) -> Node:
    sympy = load_sympy()
    given = type(expr).__name__
    try:
        expr = sympy.sympify(expr, strict=True)
    except sympy.SympifyError:
        expr = None
    kinds = (sympy.Expr, sympy.logic.boolalg.Boolean, sympy.matrices.MatrixBase, sympy.NDimArray)
    if not isinstance(expr, kinds) or isinstance(expr, sympy.Lambda):
        raise InputError(
            "from_sympy takes expressions of SymPy",
            expected="a SymPy expression, a matrix, or a list or dict of them",
            got=given,
        )
    return Reader(nodes, sizes, _common(nodes), _rank(expr, nodes)).read(expr)


def _rank(expr: Any, nodes: Mapping[Any, Node]) -> int:
    """Of the arrays that stand for symbols of numbers, which broadcast against each other."""
    ranks, stack, seen = [0], [expr], dict[int, Any]()
    while stack:
        part = stack.pop()
        if id(part) in seen or isinstance(part, load_sympy().IndexedBase):
            continue
        seen[id(part)] = part  # SymPy's own walks take shared parts as often as they are shared
        found = nodes.get(part, nodes.get(part.name)) if part.is_Symbol else None
        if found is not None:
            ranks.append(found.ndim)
        stack += part.args
    return max(ranks)


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
