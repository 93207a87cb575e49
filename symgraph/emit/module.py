"""A whole module: docstring, imports, constants, helpers, functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgraph.emit.function import FunctionWriter, ModuleParts
from symgraph.emit.layout import WIDTH, assign, bracketed, broken, returned
from symgraph.emit.names import Names
from symgraph.emit.prologue import argument_names, size_prologue
from symgraph.errors import InputError
from symgraph.graph.code import Code, call, tuple_text
from symgraph.graph.leaves import Constant, scalar_code
from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.sizes import as_dim
from symgraph.graph.types import TensorType
from symgraph.plan.plan import Plan, variables
from symgraph.plan.updates import Update

__all__ = ["Emitted", "FunctionText", "Signature", "emit_backward", "emit_function", "emit_module"]

FEWEST_EVEN = 6
"""Evenly spaced integers that are written as a range."""
LITERAL = 32
"""Elements of a constant array that is written as numbers."""

ENCODED = 65_536
"""Bytes of a constant array that is written as hexadecimal text; a larger one is an argument."""


@record
class Signature:
    """What a function takes and gives, in the names of the source.

    Attributes
    ----------
    name : str
    arguments, results : list of (str, TensorType)
    shown : list of str
        The arguments as the definition has them.
    """

    name: str
    arguments: list[tuple[str, TensorType]]
    results: list[tuple[str, TensorType]]
    shown: list[str]
    changed: tuple[str, ...] = ()
    """Arguments that are changed in place."""


@dataclass
class FunctionText:
    """One function of a module."""

    signature: Signature
    lines: list[str]
    saved_sizes: list[str] = field(default_factory=list[str])
    """Symbolic sizes that come in ``saved``, because no array there has them."""
    kept: list[str] = field(default_factory=list[str])
    """Source of what is kept for backward."""


@dataclass
class Emitted:
    """The text of a module and what a caller must know of it.

    Attributes
    ----------
    source : str
    signatures : list of Signature
    extra : dict
        Constant arrays too large for text, by the name of the argument that takes them.
    """

    source: str
    signatures: list[Signature]
    extra: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict[str, Any])


def emit_function(
    parts: ModuleParts,
    name: str,
    plan: Plan,
    wishes: Mapping[Node, str],
    *,
    kept: int | None = None,
    saved_sizes: Sequence[str] = (),
    updates: Sequence[Update] = (),
) -> FunctionText:
    """Write one function of the inputs of a plan.

    Parameters
    ----------
    parts : ModuleParts
        What the module holds besides.
    name : str
        Of the function.
    plan : Plan
    wishes : mapping
        Names that nodes should have.
    kept : int, optional
        How many of the last outputs are returned together, as one tuple for `emit_backward`;
        it is returned even if it is empty. Without it there is no such tuple.
    saved_sizes : sequence of str, optional
        Symbolic sizes that go into that tuple as well.
    updates : sequence of Update, optional
        Arguments to change in place; what they need are the last outputs of the plan.

    Raises
    ------
    InputError
        If no argument fixes a symbolic size.
    """
    names = parts.names.child()
    pairs = list(zip(plan.inputs, argument_names(names, plan.inputs), strict=True))
    writer = _writer(parts, names, wishes, pairs)
    texts = writer.write(plan)
    sizes = [writer.dim(as_dim(size)) for size in saved_sizes]
    head, missing = size_prologue([pair for pair in pairs if pair[0].ndim], writer.sizes, "    ")
    if missing:
        raise InputError(
            f"no argument fixes the size {', '.join(missing)}",
            hint="declare a placeholder whose shape has this size by itself",
        )
    arguments = [*[text for _, text in pairs], *large_constants(parts).values()]
    own = len(texts) - (kept or 0) - len(updates)
    if updates:
        texts = _write_updates(writer, plan, texts, updates, [text for _, text in pairs])
    results = texts if kept is None else [*texts[:own], tuple_text([*texts[own:], *sizes])]
    shown = plan.outputs[:own]
    signature = Signature(
        name,
        [(text, node.type) for node, text in pairs],
        [(result_name(t, wishes, n), n.type) for t, n in zip(texts, shown, strict=False)],
        arguments,
        tuple([writer.codes[update.target].text for update in updates]),
    )
    lines = _definition(name, arguments, head, writer, results)
    return FunctionText(signature, lines, kept=texts[own:])


def _write_updates(
    writer: FunctionWriter,
    plan: Plan,
    texts: Sequence[str],
    updates: Sequence[Update],
    arguments: Sequence[str],
) -> list[str]:
    """Statements that change arguments, after all that reads them; what is left to return."""

    def hold(text: str, wish: str) -> str:
        # What is no variable yet might read an argument after it was changed.
        if text.isidentifier() and text not in arguments:
            return text
        name = writer.names.fresh(wish)
        writer.lines.extend(assign(name, Code(text), writer.indent))
        return name

    own = len(texts) - len(updates)
    results = [
        hold(text, writer.wishes.get(node, "result"))
        for text, node in zip(texts[:own], plan.outputs, strict=False)
    ]
    targets = {update.target for update in updates}
    statements: list[str] = []
    for update, text in zip(updates, texts[own:], strict=True):
        target = writer.codes[update.target].text
        read = {update.value, *variables(update.value, plan.inline)}
        if update.place is None or read & (targets - {update.target}):
            text = hold(text, f"new_{target}")
        statement = f"{target}[...] = {text}"
        if update.place is not None:
            args = [Code(text), Code(text)]
            node = update.node
            statement = node.op.in_place(node, update.place, target, args, writer) or statement
        statements.append(statement)
    for statement in statements:
        writer.lines.extend(broken(statement, writer.indent))
    return results


def emit_backward(
    parts: ModuleParts,
    name: str,
    plan: Plan,
    wishes: Mapping[Node, str],
    *,
    saved: Sequence[str],
    defaults: Mapping[Node, str],
) -> FunctionText:
    """Write a function whose first inputs come as one tuple.

    Parameters
    ----------
    parts, name, plan, wishes
        As for `emit_function`.
    saved : sequence of str
        Names for the inputs in the tuple, which are the first ones.
    defaults : mapping
        Default values of the other inputs.
    """
    names = Names([*parts.names.taken(), "saved"])
    rest = [wishes.get(node, node.op.label) for node in plan.inputs[len(saved) :]]
    inputs = [names.fresh(wish) for wish in (*saved, *rest)]
    pairs = list(zip(plan.inputs, inputs, strict=True))
    writer = _writer(parts, names, wishes, pairs)
    results = writer.write(plan)
    head, missing = size_prologue([pair for pair in pairs if pair[0].ndim], writer.sizes, "    ")
    unpacked = [*inputs[: len(saved)], *[writer.sizes[size] for size in missing]]
    arguments = ["saved", *large_constants(parts).values()]
    arguments += [
        f"{text}={defaults[node]}" if node in defaults else text
        for node, text in pairs[len(saved) :]
    ]
    signature = Signature(
        name,
        [(text, node.type) for node, text in pairs[len(saved) :]],
        [(result_name(t, wishes, n), n.type) for t, n in zip(results, plan.outputs, strict=True)],
        arguments,
    )
    lines = _definition(name, arguments, [*_unpack(unpacked), *head], writer, results)
    return FunctionText(signature, lines, missing)


def _writer(
    parts: ModuleParts,
    names: Names,
    wishes: Mapping[Node, str],
    pairs: Sequence[tuple[Node, str]],
) -> FunctionWriter:
    writer = FunctionWriter(parts, names, wishes)
    for node, text in pairs:
        writer.bind(node, text)
    return writer


def _definition(
    name: str,
    arguments: Sequence[str],
    head: Sequence[str],
    writer: FunctionWriter,
    results: Sequence[str],
) -> list[str]:
    first = bracketed(f"def {name}(", arguments, "):", "")
    last = returned(results, "    ") if results or not writer.lines else []
    return [*first, *head, *writer.lines, *last]


def _unpack(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    if len(names) == 1:
        return [f"    ({names[0]},) = saved"]
    one = f"    {', '.join(names)} = saved"
    if len(one) <= WIDTH:
        return [one]
    return ["    (", *[f"        {name}," for name in names], "    ) = saved"]


def result_name(text: str, wishes: Mapping[Node, str], node: Node) -> str:
    """A name for a result in the docstring."""
    base = text.removesuffix(".copy()").removesuffix("[()]")
    return base if base.isidentifier() else wishes.get(node, node.op.name)


def large_constants(parts: ModuleParts) -> dict[Node, str]:
    """Constants that become arguments."""
    return {
        node: name
        for node, name in parts.constants.items()
        if isinstance(node.op, Constant)
        and node.op.value.nbytes > ENCODED
        and not is_uniform(node.op.value)
    }


def emit_module(
    parts: ModuleParts, functions: Sequence[FunctionText], docstring: Sequence[str], tail: str = ""
) -> Emitted:
    """Put a module together.

    Parameters
    ----------
    parts : ModuleParts
    functions : sequence of FunctionText
    docstring : sequence of str
        Lines of the module's docstring.
    tail : str
        More source after the functions.
    """
    large = large_constants(parts)
    lines = ['"""' + docstring[0], *docstring[1:], '"""', ""]
    lines += ["import numpy as np", *[f"import {name}" for name in sorted(parts.imports)]]
    small = [(node, name) for node, name in parts.constants.items() if node not in large]
    if small:
        lines.append("")
        for node, name in small:
            lines += constant_lines(name, node)
    for source in parts.helpers.values():
        lines += ["", "", *source.strip("\n").split("\n")]
    for function in functions:
        lines += ["", "", *function.lines]
    if tail:
        lines += ["", "", *tail.strip("\n").split("\n")]
    extra = {name: node.op.value for node, name in large.items() if isinstance(node.op, Constant)}
    return Emitted("\n".join(lines) + "\n", [f.signature for f in functions], extra)


def constant_lines(name: str, node: Node) -> list[str]:
    """An assignment of a constant array."""
    assert isinstance(node.op, Constant)
    value = node.op.value
    even = even_numbers(value)
    if even is not None:
        ends = (even.stop,) if even.step == 1 and not even.start else (even.start, even.stop)
        each = () if even.step == 1 else (even.step,)
        return assign(name, call("np.arange", *[str(end) for end in (*ends, *each)]), "")
    if 0 < value.size <= LITERAL:
        return _literal(name, value)
    dtype = "" if value.dtype == np.float64 else f"np.{_scalar_name(value.dtype)}"
    if value.size == 0:
        return assign(name, call("np.zeros", str(value.shape), dtype=dtype), "")
    if is_uniform(value):
        one = scalar_code(value.flat[0]).text
        dtype = "" if value.dtype in (np.float64, np.int64, np.bool_) else dtype
        return assign(name, call("np.full", str(value.shape), one, dtype=dtype), "")
    return _encoded(name, value)


def _literal(name: str, value: np.ndarray[Any, Any]) -> list[str]:
    inferred = value.dtype in (np.float64, np.int64, np.bool_)
    dtype = "" if inferred else f"dtype=np.{_scalar_name(value.dtype)}"
    numbers = _nested(value)
    one = assign(name, call("np.array", numbers, *([dtype] if dtype else [])), "")
    if all(len(line) <= WIDTH for line in one):
        return one
    last = [f"    {dtype},"] if dtype else []
    return [f"{name} = np.array(", *_exploded(value, "    "), *last, ")"]


def _nested(array: Any) -> str:
    if array.ndim == 0:
        return scalar_code(array[()]).text
    return f"[{', '.join([_nested(item) for item in array])}]"


def _exploded(array: Any, indent: str) -> list[str]:
    """A nested list with a comma after it, on one line or with one item a line."""
    one = f"{indent}{_nested(array)},"
    # The outermost list is the only argument, perhaps, and then needs no comma to fit.
    if array.ndim == 0 or len(one) <= WIDTH:
        return [one]
    rows = [line for item in array for line in _exploded(item, indent + "    ")]
    return [f"{indent}[", *rows, f"{indent}],"]


def even_numbers(value: np.ndarray[Any, Any]) -> range | None:
    """The range that a list of integers is, if it is as long as that is worth saying."""
    if value.dtype != np.int64 or value.ndim != 1 or value.size < FEWEST_EVEN:
        return None
    first, second = value[:2].tolist()
    if first == second or not (np.diff(value) == second - first).all():
        return None
    return range(first, first + (second - first) * value.size, second - first)


def is_uniform(value: np.ndarray[Any, Any]) -> bool:
    """Whether all elements have the same bits, so that one number tells them all."""
    rows = value.reshape(-1).view(np.uint8).reshape(value.size, value.itemsize)
    return bool((rows[0] == rows[-1]).all() and (rows == rows[0]).all())


def _scalar_name(dtype: np.dtype[Any]) -> str:
    return "bool_" if dtype.kind == "b" else dtype.name


def _encoded(name: str, value: np.ndarray[Any, Any]) -> list[str]:
    little = value.astype(value.dtype.newbyteorder("<"))
    digits = little.tobytes().hex()
    lines = [f"{name} = np.frombuffer(", "    bytes.fromhex("]
    lines += [f'        "{row}"' for row in _rows(digits, WIDTH - 10)]
    lines += ["    ),", f'    dtype="{little.dtype.str}",', f").reshape({_shape(value.shape)})"]
    return lines


def _rows(text: str, width: int) -> list[str]:
    return [text[i : i + width] for i in range(0, len(text), width)]


def _shape(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
