"""Evaluate a graph operation by operation: constant folding, and the tests' reference.

The text that an operation emits is its meaning, so evaluation runs that text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from symgraph.graph.code import HELPERS, Scope, atom, tuple_text
from symgraph.graph.leaves import Constant, Item, Placeholder, SizeValue
from symgraph.graph.node import Node, make, topological
from symgraph.graph.op import Op
from symgraph.graph.sizes import Dim, Shape, dim_names, evaluate
from symgraph.graph.types import TensorType, TupleType, Type

__all__ = ["direct", "evaluate_node", "interpret", "stand_in"]


class _LocalScope:
    """The emitter's side of an operation's text, for a single expression."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {"np": np, "__name__": __name__}
        self.sizes: set[str] = set()
        self.count = 0

    def dim(self, dim: Dim) -> str:
        if isinstance(dim, int):
            return str(dim)
        self.sizes |= dim.names
        return dim.render({name: f"size_{name}" for name in dim.names})

    def shape(self, shape: Shape) -> str:
        return tuple_text([self.dim(dim) for dim in shape])

    def helper(self, name: str) -> str:
        exec(HELPERS[name], self.globals)
        return name

    def imports(self, module: str) -> str:
        root = module.split(".", maxsplit=1)[0]
        import_module(module)
        self.globals[root] = import_module(root)
        return module

    def fresh(self, name: str) -> str:
        self.count += 1
        return f"{name}_{self.count}"

    def release(self, name: str) -> None:
        """Every name is given once."""

    def body(
        self, inputs: Sequence[Node], outputs: Sequence[Node], args: Sequence[str]
    ) -> tuple[list[str], list[str]]:
        texts = dict(zip(inputs, args, strict=True))
        lines: list[str] = []
        self._write(outputs, texts, lines)
        return lines, [texts[node] for node in outputs]

    def round(
        self, inputs: Sequence[Node], outputs: Sequence[Node], args: Sequence[str], carries: range
    ) -> tuple[list[str], list[str], list[int]]:
        lines, sources = self.body(inputs, outputs, args)
        return lines, sources, []

    def _write(self, outputs: Sequence[Node], texts: dict[Node, str], lines: list[str]) -> None:
        for node in topological(outputs, stop=texts.__contains__):
            if node in texts:
                continue
            simpler = node.op.decompose(*node.inputs)
            if simpler is not None:
                self._write([simpler], texts, lines)
                texts[node] = texts[simpler]
                continue
            name = texts[node] = self.fresh("v")
            if isinstance(node.op, Constant):
                self.globals[name] = node.op.value[()]
            elif isinstance(node.op, SizeValue):
                lines.append(f"{name} = np.{node.dtype.name}({self.dim(node.op.size)})")
            else:
                lines += statements(node, name, [texts[i] for i in node.inputs], self)


_STAND_IN = "stand-in"


def stand_in(number: int, type_: Type) -> Node:
    """A placeholder for the operand of this number, the same whenever it is asked for."""
    assert isinstance(type_, TensorType)
    return make(Placeholder(f"a{number}", type_, (_STAND_IN, number, 0)))


def statements(node: Node, target: str, args: Sequence[str], scope: Scope) -> list[str]:
    """Statements that assign a node's value, a tuple where it has several, to `target`."""
    op, kind = node.op, node.result_type
    codes = [atom(arg) for arg in args]
    if op.mutates:
        in_place = op.in_place(node, 0, target, codes, scope)
        return [f"{target} = {args[0]}.copy()", in_place or ""]
    several = isinstance(kind, TupleType)
    targets = [f"{target}_{i}" for i in range(len(kind.items))] if several else [target]
    block = op.block(node, targets, args, scope)
    if block is None:
        return [f"{target} = {op.code(node, codes, scope).text}"]
    return [*block, f"{target} = {tuple_text(targets)}"] if several else block


@lru_cache(maxsize=2048)
def _compiled(op: Op, types: tuple[Type, ...]) -> Callable[..., Any]:
    """A function of the operands and of the sizes as keywords."""
    scope = _LocalScope()
    names = [f"a{i}" for i in range(len(types))]
    node = make(op, *[stand_in(i, t) for i, t in enumerate(types)])
    lines = [*statements(node, "result", names, scope), "return result"]
    body = "\n".join(f"    {line}" for line in lines)
    sizes = ", ".join(f"size_{name}" for name in sorted(scope.sizes))
    head = ", ".join([*names, f"*, {sizes}" if sizes else ""]).strip(", ")
    exec(f"def run({head}):\n{body}", scope.globals)
    function = scope.globals["run"]
    used = sorted(scope.sizes)

    def run(values: Sequence[Any], sizes: Mapping[str, int]) -> Any:
        return function(*values, **{f"size_{n}": sizes[n] for n in used})

    return run


def direct(inputs: Sequence[Node], outputs: Sequence[Node]) -> Callable[..., Any]:
    """A plain function that runs a graph of known sizes operation by operation.

    Parameters
    ----------
    inputs : sequence of Node
        Its arguments: any nodes, which are not computed.
    outputs : sequence of Node
        It returns a tuple of their values; the value alone if there is one.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x", 2)
    >>> direct([x], [x * 2.0])(np.ones(2))
    array([2., 2.])
    """
    scope = _LocalScope()
    names = [f"a{i}" for i in range(len(inputs))]
    lines, results = scope.body(inputs, outputs, names)
    result = results[0] if len(results) == 1 else tuple_text(results)
    body = "\n".join([f"    {line}" for line in (*lines, f"return {result}")])
    exec(f"def run({', '.join(names)}):\n{body}", scope.globals)
    return scope.globals["run"]


def evaluate_node(node: Node, operands: Sequence[Any], sizes: Mapping[str, int]) -> Any:
    """The value of one node from the values of its operands."""
    op = node.op
    if isinstance(op, Constant):
        return op.value[()]
    if isinstance(op, SizeValue):
        return op.dtype.type(evaluate(op.size, sizes))
    if isinstance(op, Item):
        return operands[0][op.index]
    # A decomposition might look below operands, whose values alone are known here.
    standing = [_leaf(number, operand) for number, operand in enumerate(node.inputs)]
    simpler = op.decompose(*standing)
    if simpler is not None:
        known = dict(zip(standing, operands, strict=True))
        return interpret([simpler], known, sizes)[0]
    types = tuple([operand.result_type for operand in node.inputs])
    with np.errstate(all="ignore"):
        return _compiled(op, types)(operands, sizes)


def _leaf(number: int, operand: Node) -> Node:
    kind = operand.result_type
    if isinstance(kind, TupleType):
        return operand
    # One stand-in of an outer operation may be that of the other operand here.
    stands = isinstance(operand.op, Placeholder) and operand.op.key[0] == _STAND_IN
    return stand_in(number, kind) if operand.inputs or stands else operand


def bind_sizes(values: Mapping[Node, Any]) -> dict[str, int]:
    """The symbolic sizes that plain names in the placeholders' shapes fix."""
    sizes: dict[str, int] = {}
    for node, value in values.items():
        for dim, length in zip(node.shape, np.shape(value), strict=True):
            if not isinstance(dim, int) and len(names := dim_names(dim)) == 1:
                (name,) = names
                if dim == name:
                    sizes[name] = length
    return sizes


def interpret(
    outputs: Sequence[Node], values: Mapping[Node, Any], sizes: Mapping[str, int] | None = None
) -> list[Any]:
    """The values of `outputs`, node by node, without compiling a function.

    Parameters
    ----------
    outputs : sequence of Node
    values : mapping
        Arrays for the placeholders (or for any other nodes).
    sizes : mapping, optional
        Values of the symbolic sizes; by default read off `values`.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x", "n")
    >>> interpret([x * 2.0], {x: np.arange(3.0)})
    [array([0., 2., 4.])]
    """
    known: dict[Node, Any] = dict(values)
    sizes = bind_sizes(values) if sizes is None else sizes
    for node in topological(outputs, stop=lambda n: n in known):
        if node not in known:
            known[node] = evaluate_node(node, [known[i] for i in node.inputs], sizes)
    return [known[node] for node in outputs]
