"""Statements of one function: what the plan says, written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symgraph.emit.layout import WIDTH, assign, broken, comment
from symgraph.emit.names import Names, safe_name
from symgraph.errors import Location
from symgraph.graph.code import HELPERS, Code, atom, call, method, tuple_text
from symgraph.graph.leaves import Constant, Item, Placeholder, SizeValue, scalar_code
from symgraph.graph.node import Node, topological
from symgraph.graph.side import NOTES, ORIGINS, Origin
from symgraph.graph.sizes import Dim, Shape
from symgraph.graph.types import TupleType
from symgraph.ops.elementwise import Where
from symgraph.ops.kinds import Elementwise, loop_dtypes
from symgraph.plan.lower import lower, unwrap
from symgraph.plan.plan import Plan, Step, changed_carries, has_block, is_operator, make_plan
from symgraph.simplify import Firing, simplify

__all__ = ["FunctionWriter", "ModuleParts"]

LONGEST_RESULT = 70
"""Characters of an expression in a return statement."""


@dataclass
class ModuleParts:
    """What functions ask the module to hold.

    Attributes
    ----------
    strictness, without
        How the bodies of loops and branches are simplified: see `simplify`.
    names : Names
        Names at module level.
    locations : set of Location
        The user's lines that comments may show: an equal node may have been made elsewhere.
    imports : list of str
        Modules besides NumPy.
    helpers : dict
        Source of helper functions by name.
    constants : dict
        Constant arrays by node, with their names.
    origins : dict
        For each statement's lines where they come from.
    firings : list of Firing
        The rewrites in the bodies of loops and branches.
    """

    strictness: str = "accurate"
    without: frozenset[str] = frozenset()
    names: Names = field(default_factory=Names)
    locations: set[Location] = field(default_factory=set[Location])
    imports: list[str] = field(default_factory=list[str])
    helpers: dict[str, str] = field(default_factory=dict[str, str])
    constants: dict[Node, str] = field(default_factory=dict[Node, str])
    origins: dict[str, Origin] = field(default_factory=dict[str, Origin])
    firings: list[Firing] = field(default_factory=list[Firing])

    def note(self, firings: Iterable[Firing]) -> None:
        """Remember rewrites in a body; a body may be written more than once."""
        known = {(f.rule.name, f.before, f.after) for f in self.firings}
        self.firings += [f for f in firings if (f.rule.name, f.before, f.after) not in known]


class FunctionWriter:
    """Writes the statements of one plan; also the `Scope` that operations write into.

    Parameters
    ----------
    parts : ModuleParts
    names : Names
        Names taken in this function.
    wishes : mapping
        The names that nodes should have.
    indent : str
    """

    def __init__(
        self, parts: ModuleParts, names: Names, wishes: Mapping[Node, str], indent: str = "    "
    ) -> None:
        self.parts = parts
        self.names = names
        self.wishes = dict(wishes)
        self.indent = indent
        self.lines: list[str] = []
        self.codes: dict[Node, Code] = {}
        self.sizes: dict[str, str] = {}
        self.inline: set[Node] = set()
        self.items: dict[tuple[Node, int], Node] = {}
        self._origin: tuple[str, bool] | None = None
        self._noted: set[str] = set()
        self.lines_shown: set[Location] = parts.locations

    # What operations may ask -----------------------------------------------------------------

    def dim(self, dim: Dim) -> str:
        """Source of a size; names are bound at the head of the function."""
        if isinstance(dim, int):
            return str(dim)
        for name in sorted(dim.names):
            if name not in self.sizes:
                self.sizes[name] = self.names.fresh(name)
        return dim.render(self.sizes)

    def shape(self, shape: Shape) -> str:
        """Source of a tuple of sizes."""
        return tuple_text([self.dim(dim) for dim in shape])

    def helper(self, name: str) -> str:
        """A helper function at module level."""
        self.parts.helpers[name] = HELPERS[name]
        return name

    def imports(self, module: str) -> str:
        """Another module."""
        if module not in self.parts.imports:
            self.parts.imports.append(module)
        return module

    def fresh(self, name: str) -> str:
        """A variable that nothing else in the function has."""
        return self.names.fresh(name)

    def release(self, name: str) -> None:
        """Let another variable have a name that `fresh` gave."""
        self.names.release(name)

    def body(
        self, inputs: Sequence[Node], outputs: Sequence[Node], args: Sequence[str]
    ) -> tuple[list[str], list[str]]:
        """Statements of a branch, and the source of its results."""
        lines, sources, _ = self.round(inputs, outputs, args, range(0))
        return lines, sources

    def round(
        self, inputs: Sequence[Node], outputs: Sequence[Node], args: Sequence[str], carries: range
    ) -> tuple[list[str], list[str], list[int]]:
        """Statements of a round of a loop, the source of its results, and carries it changes."""
        inner = FunctionWriter(self.parts, self.names, self.wishes, indent="")
        inner.sizes = self.sizes
        inner.lines_shown = set()  # the loop's own line says it all
        for node, arg in zip(inputs, args, strict=True):
            inner.bind(node, arg)
        how, without = self.parts.strictness, self.parts.without
        first = simplify(unwrap(outputs)[0], how, without=without)
        last = simplify(lower(first.outputs)[0], how, stage="numpy", without=without)
        self.parts.note(first.firings + last.firings)
        carried = [inputs[i] for i in carries]
        owned = changed_carries(list(zip(carried, last.outputs, strict=False)), last.outputs)
        plan = make_plan(inputs, last.outputs, self.named, last=len(last.outputs), owned=owned)
        sources = inner.write(replace(plan, copied=set()))
        taken = {step.node.inputs[step.reuse] for step in plan.steps if step.reuse is not None}
        return inner.lines, sources, [i for i, carry in enumerate(carried) if carry in taken]

    def named(self, node: Node) -> bool:
        """Whether a node has a name to keep."""
        return node in self.wishes

    # Inputs ------------------------------------------------------------------------------------

    def bind(self, node: Node, name: str) -> None:
        """Let `name` stand for a node."""
        self.codes[node] = atom(name)

    # Statements --------------------------------------------------------------------------------

    def write(self, plan: Plan) -> list[str]:
        """All statements of a plan; returns the source of its outputs."""
        self.inline = plan.inline
        for node in topological(plan.outputs, stop=self.codes.__contains__):
            if isinstance(node.op, Item):
                self.items[node.inputs[0], node.op.index] = node
        self._name_from_the_start(plan)
        for step in plan.steps:
            self._comment(step.node)
            self._reasons(step.node)
            start = len(self.lines)
            self._statement(step)
            origin = ORIGINS.get(step.node)
            if origin is not None:
                self.parts.origins |= dict.fromkeys(self.lines[start:], origin)
        for node in plan.outputs:
            if node in plan.inline:
                self._comment(node)
                self._reasons(node)
                self._assign_long(node)
        return [self._output(node, place in plan.copied) for place, node in enumerate(plan.outputs)]

    def _name_from_the_start(self, plan: Plan) -> None:
        """Name variables that statements change after what they become."""
        fixed: set[Node] = set()  # what goes on under the name of another value
        chain: list[tuple[Node, Node]] = []
        for step in plan.steps:
            if step.reuse is None:
                continue
            start = step.node.inputs[step.reuse]
            if step.continues and start not in fixed and start not in self.wishes:
                chain.append((step.node, start))
            elif not self._is_renamed(step.node, start):
                fixed.add(step.node)
        for node, start in reversed(chain):
            if node in self.wishes:
                self.wishes[start] = self.wishes[node]
            elif not is_operator(node):
                self.wishes[start] = _SHORT_NAMES.get(node.op.name, node.op.name)

    def _is_renamed(self, node: Node, operand: Node) -> bool:
        """Whether a value in the memory of an operand has a name of its own.

        A name that the user gave stands for one value; what a round is handed keeps its name.
        """
        if isinstance(operand.op, Placeholder):
            return False
        if node.op.mutates and operand.op.mutates and node not in self.wishes:
            return False
        own = self.wishes.get(operand, "d_")
        return node in self.wishes or not (is_operator(node) and own.startswith("d_"))

    def _assign_long(self, node: Node) -> None:
        """Give a result a name if it is too long for the return statement."""
        if len(self._code(node).text) > LONGEST_RESULT:
            name = self.names.fresh("result")
            self._shorten(node, name)
            self.lines += assign(name, self._code(node), self.indent)
            self.bind(node, name)

    def _shorten(self, node: Node, target: str) -> list[Code]:
        """Name operands of a statement until it fits on a line; returns the operands' code."""
        count = len(node.inputs)
        args = [self._operand(node, i) for i in range(count)]
        inner: list[tuple[Node, int]] = [] if node.op.mutates else self._inside(node)
        lengths = {operand: len(self._code(operand).text) for operand, _ in inner}
        while inner and len(self.indent) + self._width(node, target, args) > WIDTH:
            longest, _ = max(inner, key=lambda pair: lengths[pair[0]])
            wish = self._wish(longest)
            self._shorten(longest, wish)
            name = self.names.fresh(wish)
            self.lines += assign(name, self._code(longest), self.indent)
            self.bind(longest, name)
            for operand, i in inner:
                if operand is longest:
                    args[i] = self._operand(node, i)
            inner = [pair for pair in inner if pair[0] not in self.codes]
        return [self._operand(node, i) for i in range(count)] if lengths else args

    def _inside(self, node: Node) -> list[tuple[Node, int]]:
        """The operations that stand inside a statement, those behind what is free among them.

        With the position of the operand that they are or are inside of.
        """
        found: list[tuple[Node, int]] = []
        stack = [(operand, i) for i, operand in enumerate(node.inputs)][::-1]
        while stack:
            operand, i = stack.pop()
            if operand in self.codes or operand not in self.inline or not operand.inputs:
                continue
            if operand.op.free:
                stack.extend([(part, i) for part in operand.inputs])
            else:
                found.append((operand, i))
        return found

    def _width(self, node: Node, target: str, args: Sequence[Code]) -> int:
        """Characters of the statement, roughly where it is not an expression."""
        if has_block(node) or node.op.mutates:
            return 0
        return len(target) + len(" = ") + len(node.op.code(node, args, self).text)

    def _comment(self, node: Node) -> None:
        origin = ORIGINS.get(node)
        if origin is None:
            return
        text = _line_text(origin) if origin.location in self.lines_shown else ""
        if not text or self._origin == (text, origin.gradient):
            return
        self._origin = (text, origin.gradient)
        self.lines.append(comment(f"gradient of: {text}" if origin.gradient else text, self.indent))

    def _reasons(self, node: Node) -> None:
        """Why a statement branches, once for each reason."""
        stack = [node]
        while stack:
            part = stack.pop()
            note = NOTES.get(part)
            if note and note not in self._noted:
                self._noted.add(note)
                self.lines.append(comment(note, self.indent))
            stack += [i for i in part.inputs if i in self.inline and i not in self.codes]

    def _statement(self, step: Step) -> None:
        node = step.node
        kind = node.result_type
        if isinstance(kind, TupleType):
            self._several(node, len(kind.items))
            return
        target = self._wish(node, changed=step.reuse is not None)
        args = self._shorten(node, target)
        if step.reuse is not None and self._overwrite(step, target, args):
            return
        if node.op.mutates:
            self._mutate(node, self.names.fresh(target), args)
            return
        name = self.names.fresh(target)
        block = node.op.block(node, [name], [arg.text for arg in args], self)
        if block is not None:
            self._write_block(block)
        else:
            code = node.op.code(node, args, self)
            if code.literal:
                code = call(f"np.{_scalar_type(node)}", code)
            self.lines += assign(name, code, self.indent)
        self.bind(node, name)

    def _write_block(self, block: Sequence[str]) -> None:
        for line in block:
            text = line.lstrip()
            self.lines += broken(text, self.indent + line[: -len(text)]) if text else [""]

    def _overwrite(self, step: Step, target: str, args: Sequence[Code]) -> bool:
        """Write the result into an operand's memory; whether the operation can."""
        node, operand = step.node, step.reuse or 0
        place = self.codes[node.inputs[operand]].text
        renamed = self._is_renamed(node, node.inputs[operand]) and not _is_called(place, target)
        statement = node.op.in_place(node, operand, place, args, self)
        code = node.op.into(node, place, args, self)
        if renamed and code is not None:
            name = self.names.fresh(target)
            self.lines += assign(name, code, self.indent)
            self.bind(node, name)
            return True
        if statement is None and code is None:
            return False
        if renamed:
            name = self.names.fresh(target)
            args = [self._operand(node, i) for i in range(len(node.inputs))]
            self.lines.append(f"{self.indent}{name} = {place}")
            statement = node.op.in_place(node, operand, name, args, self)
            place = name
        self.lines += broken(statement or str(code), self.indent)
        self.bind(node, place)
        return True

    def _mutate(self, node: Node, name: str, args: Sequence[Code]) -> None:
        base = node.inputs[0]
        fresh = base in self.inline and not base.op.views
        start = args[0] if fresh else method(args[0], "copy")
        if base.op.name == "broadcast_to" and base in self.inline:
            start = _filled(args[0])
        self.lines += assign(name, start, self.indent)
        statement = node.op.in_place(node, 0, name, [atom(name), *args[1:]], self)
        self.lines += broken(statement or "", self.indent)
        self.bind(node, name)

    def _several(self, node: Node, count: int) -> None:
        args = [self._operand(node, i) for i in range(len(node.inputs))]
        items = [self._item(node, i) for i in range(count)]
        targets = ["_" if item is None else self.names.fresh(self._wish(item)) for item in items]
        block = node.op.block(node, targets, [arg.text for arg in args], self)
        if block is not None:
            self._write_block(block)
        else:
            text = node.op.code(node, args, self)
            one = ", ".join(targets) if count > 1 else f"{targets[0]},"
            if len(one) > 60:
                name = self.names.fresh(node.op.name)
                self.lines += assign(name, text, self.indent)
                for i, item in enumerate(items):
                    if item is not None:
                        self.codes[item] = Code(f"{name}[{i}]")
                return
            self.lines += assign(one, text, self.indent)
        for item, target in zip(items, targets, strict=True):
            if item is not None:
                self.bind(item, target)

    def _item(self, node: Node, index: int) -> Node | None:
        return self.items.get((node, index))

    # Expressions -------------------------------------------------------------------------------

    def _operand(self, node: Node, position: int) -> Code:
        operand = node.inputs[position]
        if isinstance(operand.op, Constant | SizeValue):
            return self._leaf(node, position)
        code = self._code(operand)
        if code.literal and node.op.name != "astype" and not weak_is_safe(node, position):
            return call(f"np.{_scalar_type(operand)}", code)
        return code

    def _code(self, node: Node) -> Code:
        known = self.codes.get(node)
        if known is not None:
            return known
        # Only inlined nodes come here; the plan bounds how deep they nest.
        args = [self._operand(node, i) for i in range(len(node.inputs))]
        return node.op.code(node, args, self)

    def _leaf(self, node: Node, position: int) -> Code:
        """A constant or a size as an operand: a Python number wherever that is the same."""
        operand = node.inputs[position]
        if isinstance(operand.op, SizeValue):
            if weak_is_safe(node):
                return operand.op.code(operand, (), self)
            return call(f"np.{operand.dtype.name}", operand.op.code(operand, (), self))
        assert isinstance(operand.op, Constant)
        if operand.ndim:
            return self._array(operand)
        value = operand.op.value[()]
        if node.op.name == "broadcast_to" or weak_is_safe(node):
            return _number(node, value)
        if operand.dtype.kind == "b":
            return scalar_code(value)
        return call(f"np.{operand.dtype.name}", scalar_code(value))

    def _array(self, node: Node) -> Code:
        name = self.parts.constants.get(node)
        if name is None:
            name = self.names.fresh(self.wishes.get(node, "constant").upper())
            self.parts.names.fresh(name)
            self.parts.constants[node] = name
        return atom(name)

    def _output(self, node: Node, copied: bool) -> str:
        if isinstance(node.op, Constant):
            if node.ndim:
                return method(self._array(node), "copy").text
            return call(f"np.{_scalar_type(node)}", scalar_code(node.op.value[()])).text
        if isinstance(node.op, SizeValue):
            return call(f"np.{node.dtype.name}", node.op.code(node, (), self)).text
        code = self._code(node)
        if code.literal:
            return call(f"np.{_scalar_type(node)}", code).text
        if copied:
            return method(code, "copy").text
        if node.ndim == 0 and (node.op.views or isinstance(node.op, Where)):
            return f"{code.at_least(15)}[()]"
        return code.text

    # Names -------------------------------------------------------------------------------------

    def _wish(self, node: Node, changed: bool = False) -> str:
        """The name that a value should have; that of an operand is out of place if it `changed`."""
        wish = self.wishes.get(node)
        if wish is not None:
            return wish
        base = node.op.name
        if isinstance(node.op, Item):
            return node.inputs[0].op.variable(node.op.index)
        arrays = [operand for operand in node.inputs if operand in self.codes]
        if len(node.inputs) == 1 and len(arrays) == 1 and not changed:
            text = self.codes[arrays[0]].text
            prefix = _SHORT_PREFIXES.get(base, base)
            short = text.isidentifier() and len(text) <= 12 and not text.startswith(_NESTED)
            if node.op.suffix and short:
                return text + node.op.suffix
            if prefix and short:
                return f"{prefix}_{text}"
        return _SHORT_NAMES.get(base, base)


_SHORT_NAMES = {
    "add": "plus",
    "subtract": "difference",
    "multiply": "product",
    "divide": "ratio",
    "matmul": "product",
    "negative": "minus",
    "absolute": "magnitude",
    "square": "squared",
    "power": "powered",
    "maximum": "larger",
    "minimum": "smaller",
    "sum": "total",
    "max": "largest",
    "max_from": "largest",
    "min": "smallest",
    "min_from": "smallest",
    "where": "chosen",
    "getitem": "part",
    "gather": "picked",
    "index_add": "scattered",
    "broadcast_to": "repeated",
    "concatenate": "joined",
    "reshape": "reshaped",
    "window_sum": "summed",
}
_SHORT_PREFIXES = {
    "negative": "minus",
    "absolute": "abs",
    "square": "squared",
    "reshape": "flat",
    "window_sum": "",  # none: the operand's name is long enough
}
_NESTED = tuple(f"{name}_" for name in ("exp", "log", "sum", "max", "minus", "abs", "squared"))


def _scalar_type(node: Node) -> str:
    return "bool" if node.dtype.kind == "b" else node.dtype.name


def _is_called(name: str, wish: str) -> bool:
    """Whether a variable has the name that was wished for it, or that with a number."""
    rest = name.removeprefix(safe_name(wish))
    return rest != name and rest.lstrip("_0123456789") == ""


def _filled(code: Code) -> Code:
    """A fresh array that may be written to."""
    return (
        code
        if code.parts[:1] in (("np.full(",), ("np.zeros(",), ("np.ones(",))
        else method(code, "copy")
    )


def _line_text(origin: Origin) -> str:
    # The line, not its file: a file's place, or a notebook cell's number, differ elsewhere.
    return origin.location.text


def _number(node: Node, value: Any) -> Code:
    """A Python number; an integer where an operator makes it a float anyway."""
    op = node.op
    value = _widened(node, value)
    if (
        isinstance(op, Elementwise)
        and op.symbol
        and issubclass(type(value), np.floating)
        and abs(float(value)) < 1e6
        and value == int(value)
        and not (value == 0 and np.signbit(value))
        and any(_is_float_array(operand) for operand in node.inputs)
    ):
        return scalar_code(np.int64(value))
    return scalar_code(value)


def _widened(node: Node, value: Any) -> Any:
    """The constant in double precision if `node` computes in another one than the constant's.

    The shortest digits of a number are those that tell it from others of its own precision.
    """
    dtypes = [operand.dtype for operand in node.inputs] if node.dtype.kind == "b" else [node.dtype]
    if value.dtype.itemsize > 8 or value.dtype.kind not in "fc" or set(dtypes) == {value.dtype}:
        return value
    return np.complex128(value) if value.dtype.kind == "c" else np.float64(value)


def _is_float_array(node: Node) -> bool:
    return node.type.inexact and not isinstance(node.op, Constant | SizeValue)


def weak_is_safe(node: Node, number: int | None = None) -> bool:
    """Whether Python numbers for the 0-d constants of `node` give the same dtypes.

    Another operand may be written as a number, too.

    ``x32 * 2.0`` is float32; if the constant is a float64, the product must be one.
    """
    op = node.op
    weak = {"b": np.dtype(bool), "i": int, "u": int, "f": float, "c": complex}
    kinds = tuple(
        [
            weak[operand.dtype.kind]
            if (operand.ndim == 0 and isinstance(operand.op, Constant | SizeValue)) or i == number
            else operand.dtype
            for i, operand in enumerate(node.inputs)
        ]
    )
    if isinstance(op, Elementwise) and op.loops is not None:
        plain = tuple([operand.dtype for operand in node.inputs])
        try:
            return loop_dtypes(op.loops, kinds, op.name) == loop_dtypes(op.loops, plain, op.name)
        except TypeError:
            return False
    if isinstance(op, Elementwise | Where):
        zero: dict[Any, complex] = {int: 0, float: 0.0, complex: 0j}
        values = [zero.get(k, k) for k in kinds]
        if isinstance(op, Where):
            values = values[1:]
        if all(k in zero for k in kinds[-len(values) :]):
            return node.dtype in (np.float64, np.int64, np.complex128)
        return np.result_type(*values) == node.dtype
    return False
