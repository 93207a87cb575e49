"""What exists, as a table: read off the operations, their examples and their docstrings."""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

import symgraph.ops
from symgraph.errors import DerivativeError, SymgraphError
from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, placeholder, topological
from symgraph.graph.op import Op
from symgraph.graph.registry import BUILDERS
from symgraph.graph.tree import flatten
from symgraph.ops.kinds import (
    ELEMENTWISE,
    ControlFlow,
    Discrete,
    Elementwise,
    Example,
    Linear,
    Multilinear,
    Structured,
)
from symgraph.ops.stats.common import Distribution
from symgraph.transforms.jvp import jvp
from symgraph.transforms.vjp import varying, vjp

__all__ = ["Coverage", "coverage", "markdown"]

_KINDS = {
    Elementwise: "element-wise",
    Linear: "linear",
    Multilinear: "multilinear",
    Structured: "structured",
    ControlFlow: "control flow",
    Discrete: "discrete",
}


@dataclass(slots=True)
class Coverage:
    """What is known of one public function.

    Attributes
    ----------
    name : str
        As it is written after ``sg.``; a distribution counts once.
    kind : str
        That of its operation; "composed" if it is spelled with others.
    forward, reverse, batched : bool
        Whether an example of it has a tangent, a cotangent, a batching rule.
    dtypes : set of str
        The inexact dtypes of its examples' results.
    convention : str
        What its docstring says of the derivative; of a distribution its methods.
    """

    name: str
    kind: str = ""
    forward: bool = False
    reverse: bool = False
    batched: bool = False
    dtypes: set[str] = field(default_factory=set[str])
    convention: str = ""

    @property
    def differentiable(self) -> bool:
        """Whether it has both modes."""
        return self.forward and self.reverse


def coverage(root: ModuleType) -> list[Coverage]:
    """One entry for each public function that builds nodes, aliases counted once.

    Parameters
    ----------
    root : module
        ``symgraph`` itself: its ``__all__``, and those of the namespaces in it.

    Examples
    --------
    >>> import symgraph as sg
    >>> [row] = [row for row in coverage(sg) if row.name == "special.erf"]
    >>> row.kind, row.differentiable, sorted(row.dtypes)
    ('element-wise', True, ['complex128', 'float32', 'float64'])
    """
    public = list(_public(root))
    observed = _observations({key[0] for key in map(_key, [f for _, f in public])})
    names: dict[int, str] = {}
    for name, function in public:
        own = name == _own_name(function)
        names[id(function)] = name if own else names.get(id(function), name)
    rows: list[Coverage] = []
    for name, function in public:
        calls = observed.get(_key(function))
        if calls and names[id(function)] == name:
            rows.append(_entry(name, function, calls))
    return rows


def markdown(rows: list[Coverage]) -> str:
    """The entries as a table."""
    lines = [
        "| function | kind | forward, reverse | batched | dtypes | convention |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        modes = "both" if row.differentiable else "—"
        batched = "yes" if row.batched else "—"
        dtypes = ", ".join(sorted(row.dtypes))
        text = row.convention.replace("|", r"\|")
        lines.append(f"| `{row.name}` | {row.kind} | {modes} | {batched} | {dtypes} | {text} |")
    return "\n".join(lines)


_Public: TypeAlias = "Callable[..., Any] | Distribution"


def _own_name(function: _Public) -> str:
    return function.name if isinstance(function, Distribution) else function.__name__


def _public(root: ModuleType) -> Iterator[tuple[str, _Public]]:
    spaces = [("", root)]
    for name in root.__all__:
        value = getattr(root, name)
        if isinstance(value, ModuleType):
            spaces.append((f"{name}.", value))
    for prefix, space in spaces:
        for name in space.__all__:
            value = getattr(space, name)
            if inspect.isfunction(value) or isinstance(value, Distribution):
                yield prefix + name, value


# Calls of functions, with what they gave ---------------------------------------------------------

_Key = tuple[Any, str]


def _key(function: _Public) -> _Key:
    """By the code: what a decorator made shares its code, and is told apart by its name."""
    if isinstance(function, Distribution):
        method = inspect.unwrap(getattr(function, function.methods[0]))
        return method.__code__, function.name
    code: Any = inspect.unwrap(function).__code__
    return code, function.__name__ if code.co_freevars else ""


def _observations(codes: set[Any]) -> dict[_Key, list[list[Node]]]:
    """For each function the results of its calls in the examples."""
    found: dict[_Key, list[list[Node]]] = {}

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "return" and frame.f_code in codes:
            held = frame.f_locals
            name = held.get("name") or getattr(held.get("op") or held.get("self"), "name", "")
            key = frame.f_code, name if frame.f_code.co_freevars else ""
            found.setdefault(key, []).append(_nodes(argument))

    for example in _examples():
        inputs = [
            placeholder(f"x{i}", np.shape(a), np.asarray(a).dtype)
            for i, a in enumerate(example.args)
        ]
        sys.setprofile(note)
        try:
            example.call(*inputs)
        finally:
            sys.setprofile(None)
    return found


def _nodes(result: Any) -> list[Node]:
    return [node for node in flatten(result)[0] if isinstance(node, Node)]


def _examples() -> Iterator[Example]:
    for info in pkgutil.walk_packages(symgraph.ops.__path__, "symgraph.ops."):
        for examples in getattr(import_module(info.name), "EXAMPLES", {}).values():
            yield from examples
            if info.name.startswith("symgraph.ops.stats."):
                # Composed of operations with examples of their own in every dtype.
                yield from [Example(e.call, tuple([_single(a) for a in e.args])) for e in examples]
    for name, op in ELEMENTWISE.items():
        for dtype in ("float64", "float32", "complex128"):
            kinds = {"f": dtype, "i": "int64", "b": "bool"}
            args = tuple([np.ones((), kinds[kind]) for kind in op.kinds or "f" * op.arity])
            if name in BUILDERS and _accepts(op, args):
                yield Example(BUILDERS[name], args)


def _single(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype == np.float64 else value


def _accepts(op: Elementwise, args: tuple[Any, ...]) -> bool:
    try:
        BUILDERS[op.name](*[placeholder("x", (), a.dtype) for a in args])
    except SymgraphError:
        return False
    return True


def _entry(name: str, function: _Public, calls: list[list[Node]]) -> Coverage:
    row = Coverage(name, convention=_convention(function))
    for results in calls:
        for node in results:
            kind = _kind(node)
            row.kind = kind if row.kind in ("", "composed") else row.kind
            order = topological([node])
            row.batched |= all(_has_batch(n) for n in order if n.inputs)
            if node.type.inexact:
                row.dtypes.add(node.dtype.name)
                if not row.differentiable:
                    _differentiate(row, node, order)
    return row


def _has_batch(node: Node) -> bool:
    # The results of one operation are taken apart by the transform itself.
    return isinstance(node.op, Item) or type(node.op).batch is not Op.batch


def _kind(node: Node) -> str:
    """Of the operation, if there is one only."""
    node = node.inputs[0] if isinstance(node.op, Item) else node
    if any(x.inputs for x in node.inputs):
        return "composed"
    return next((text for kind, text in _KINDS.items() if isinstance(node.op, kind)), "")


def _differentiate(row: Coverage, node: Node, order: list[Node]) -> None:
    for x in [n for n in order if not n.inputs and n.op.name == "placeholder" and n.type.inexact]:
        if node is x or node not in varying(order, [x]):
            continue
        try:
            row.reverse = bool(vjp(node, [x], unconnected="zero"))
            row.forward = jvp(node, [x], unconnected="zero") is not None
        except (DerivativeError, SymgraphError):
            continue
        return


_SENTENCE = re.compile(r"[^.;:`]*(?:`[^`]*`[^.;:`]*)*\bderivatives?\b[^.;:]*")
_SAYS = re.compile(r"\b(is|are|at|gets|has|have)\b")


def _convention(function: _Public) -> str:
    """The sentence of the docstring that says what the derivative is, if there is one."""
    if isinstance(function, Distribution):
        return ", ".join(function.methods)
    text = " ".join((function.__doc__ or "").replace("-----", "").split())
    for found in _SENTENCE.finditer(text):
        sentence = found.group().strip().removeprefix("Notes ")
        if _SAYS.search(sentence) and "optional" not in sentence:
            return sentence[:1].upper() + sentence[1:]
    return ""
