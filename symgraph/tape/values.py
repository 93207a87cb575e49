"""What a tape records: values, each made by one operation from others.

A value is to a recording what a node is to a graph, and has its data as well. Values of one
structure (operations and types) share everything else: a `Step` is one operation on operands of
given types, compiled once; a `Template` is what a call of a builder comes down to.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from types import CodeType
from typing import Any, cast
from weakref import ref

import numpy as np

from symgraph.errors import PACKAGE_FOLDER, Location
from symgraph.graph.evaluate import direct, stand_in
from symgraph.graph.leaves import Constant, Item
from symgraph.graph.node import Node, constant, is_masked, make, masked_refusal, topological
from symgraph.graph.op import Op
from symgraph.graph.types import TensorType, Type
from symgraph.transforms.local import differentiable_operands

__all__ = [
    "KINDS",
    "Step",
    "Storage",
    "Template",
    "Value",
    "constant_value",
    "kind_of",
    "step_of",
    "user_line",
]

# Types by number, so that comparing and hashing them costs nothing ------------------------------

KINDS: list[Type] = []
"""The type of each number."""
_NUMBERS: dict[Type, int] = {}
_ARRAYS: dict[tuple[Any, Any], int] = {}


def kind_number(type_: Type) -> int:
    """The number of a type."""
    number = _NUMBERS.get(type_)
    if number is None:
        KINDS.append(type_)
        number = _NUMBERS.setdefault(type_, KINDS.index(type_))
    return number


def kind_of(array: Any) -> int:
    """The number of an array's type."""
    key = (array.dtype, array.shape)
    number = _ARRAYS.get(key)
    if number is None:
        number = _ARRAYS[key] = kind_number(TensorType.of(array.shape, array.dtype))
    return number


# The user's lines ---------------------------------------------------------------------------------

Line = tuple[CodeType, int]
_OURS: dict[str, bool] = {}
_NUMPY_FOLDER = os.sep + "numpy" + os.sep


def user_line() -> Line | None:
    """Where in the user's code this is called, as code and position: a line costs more."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        file = frame.f_code.co_filename
        ours = _OURS.get(file)
        if ours is None:
            ours = _OURS[file] = file.startswith(PACKAGE_FOLDER) or _NUMPY_FOLDER in file
        if not ours:
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return None


def location_of(line: Line | None) -> Location | None:
    """The file and line of a position in code."""
    if line is None:
        return None
    code, position = line
    for start, end, number in code.co_lines():
        if start <= position < end and number is not None:
            return Location(code.co_filename, number)
    return Location(code.co_filename, code.co_firstlineno)


# Values -------------------------------------------------------------------------------------------


class Storage:
    """What shares one piece of memory, and how often that was overwritten."""

    __slots__ = ("line", "version")

    def __init__(self) -> None:
        self.version = 0
        self.line: Line | None = None

    def written(self, line: Line | None) -> None:
        """Note a change, and where the user made it."""
        self.version += 1
        self.line = line


_COUNTER = itertools.count()
DATA, LEAF = -1, -2
"""Marks of values without operands: plain data, and what a gradient is wanted for. Constants have
numbers of their own below these."""


class Value:
    """One value of a recording; it never changes, although its memory may be overwritten.

    Attributes
    ----------
    data : array or scalar
        A tuple for an operation with several results; ``None`` once backward has passed.
    kind : int
        Number of its type.
    step : Step or None
        The operation; ``None`` for leaves, data and constants.
    inputs : tuple of Value
        Its operands.
    active : bool
        Whether a gradient may have to pass through it.
    number : int
        In the order of creation, so that operands come before their users.
    line : code and position, or None
        Where the user wrote it.
    """

    storage: Storage | None = None
    version = 0
    spent = False
    rewritten = False
    """Whether it stands for memory that was overwritten."""
    mark = DATA
    tensor: ref[Any] | None = None
    """Of a leaf: what the gradient is for."""
    extra: Any = None
    """Hooks of its gradient, and whether it is to be kept."""

    def __init__(
        self,
        data: Any,
        kind: int,
        step: Step | None = None,
        inputs: tuple[Value, ...] = (),
        active: bool = False,
        line: Line | None = None,
    ) -> None:
        self.data = data
        self.kind = kind
        self.step = step
        self.inputs = inputs
        self.active = active
        self.line = line
        self.number = next(_COUNTER)

    def shared(self) -> Storage:
        """The memory's record of changes."""
        if self.storage is None:
            self.storage = Storage()
        return self.storage

    def after_write(self, memory: Any) -> Value:
        """The value that stands for the same memory after it was overwritten.

        Gradients pass it unchanged to what this value came from; the operation that made this one
        may need what was overwritten, and backward will see that.
        """
        storage = self.shared()
        fresh = Value(memory, self.kind, active=self.active, line=self.line)
        if self.step is not None:
            same = _unchanged(self.kind)
            fresh.step = same.steps[0][0]
            again = self.rewritten  # in a row the first is enough
            fresh.rewritten = True
            fresh.inputs = self.inputs if again else (self, *same.constants)
        fresh.storage, fresh.version = storage, storage.version
        fresh.mark, fresh.tensor = self.mark, self.tensor
        return fresh

    @property
    def overwritten(self) -> bool:
        """Whether the memory holds something else by now."""
        return self.storage is not None and self.storage.version != self.version


_CONSTANTS: dict[Constant, Value] = {}


def constant_value(op: Constant) -> Value:
    """The value of a constant, one for all recordings: its number is part of their structure."""
    known = _CONSTANTS.get(op)
    if known is None:
        known = Value(op.value[()], kind_of(op.value))
        known.mark = -3 - len(_CONSTANTS)
        known.extra = op
        known = _CONSTANTS.setdefault(op, known)
    return known


# Steps -----------------------------------------------------------------------------------------


class Step:
    """One operation on operands of given types.

    Attributes
    ----------
    number : int
        Stands for the operation and the types in the key of a structure.
    kinds : tuple of int
        Numbers of the operands' types.
    node : Node
        The operation on stand-ins.
    run : callable
        From the operands' data to the result's.
    several : bool
        Whether the result is a tuple.
    """

    def __init__(self, op: Op, kinds: tuple[int, ...]) -> None:
        self.op = op
        self.kinds = kinds
        self.operands = [stand_in_of(i, kind) for i, kind in enumerate(kinds)]
        self.node = make(op, *self.operands)
        self.kind = kind_number(self.node.result_type)
        self.several = not isinstance(self.node.result_type, TensorType)
        self.views = op.views
        result = self.node.result_type
        smooth = not isinstance(result, TensorType) or result.inexact
        self.differentiable = frozenset(differentiable_operands(self.node) if smooth else ())
        self.number = len(_STEPS)
        self.backward: dict[Any, Any] = {}

    @cached_property
    def run(self) -> Callable[..., Any]:
        """The operation as a function of data."""
        if isinstance(self.op, Item):
            index = self.op.index

            def pick(several: Any) -> Any:
                return several[index]

            return pick
        return direct(self.operands, [self.node])


class _Several(Op):
    """Stands for an operand that is a tuple."""

    name = "several"

    def __init__(self, type_: Type) -> None:
        self.type = type_

    def infer(self, *types: TensorType) -> Type:
        return self.type


_STAND_INS: dict[tuple[int, int], Node] = {}


def stand_in_of(place: int, kind: int) -> Node:
    """A node that stands for an operand of this type."""
    known = _STAND_INS.get((place, kind))
    if known is None:
        type_ = KINDS[kind]
        single = isinstance(type_, TensorType)
        known = stand_in(place, type_) if single else make(_Several(type_))
        known = _STAND_INS.setdefault((place, kind), known)
    return known


_STEPS: dict[tuple[Any, ...], Step] = {}


def step_of(op: Op, kinds: tuple[int, ...]) -> Step:
    """The step of an operation on operands of these types."""
    key = (op, kinds)
    step = _STEPS.get(key)
    if step is None:
        step = _STEPS.setdefault(key, Step(op, kinds))
    return step


class Template:
    """A small graph that is run again and again: what one call of a builder means.

    Parameters
    ----------
    inputs : sequence of Node
        Its arguments: any nodes, which are not computed.
    outputs : sequence of Node
    """

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        places = {node: i for i, node in enumerate(inputs)}
        self.constants: list[Value] = []
        order = [n for n in topological(outputs, stop=places.__contains__) if n not in places]
        for node in order:
            if isinstance(node.op, Constant):
                places[node] = len(inputs) + len(self.constants)
                self.constants.append(constant_value(node.op))
        self.steps: list[tuple[Step, tuple[int, ...]]] = []
        for node in order:
            if node not in places:
                kinds = tuple([kind_number(operand.result_type) for operand in node.inputs])
                self.steps.append(
                    (step_of(node.op, kinds), tuple([places[operand] for operand in node.inputs]))
                )
                places[node] = len(places)
        self.results = [places[node] for node in outputs]
        self.kinds = [kind_number(node.result_type) for node in outputs]
        given = {node: i for i, node in enumerate(inputs)}
        used = set(topological(outputs, stop=given.__contains__))
        self.needed = [i for i, node in enumerate(inputs) if node in used]
        self.sources = [_source(node, given) for node in outputs]

    @cached_property
    def run(self) -> Callable[..., Any]:
        """All of it as a function of data, which gives a tuple if there are several results."""
        return direct(self.inputs, self.outputs)

    def record(self, values: Sequence[Value], line: Line | None) -> list[Value]:
        """Run it step by step, and record each step that a gradient may pass through."""
        slots = [*values, *self.constants]
        for step, places in self.steps:
            inputs = tuple([slots[place] for place in places])
            active = False
            for i, value in enumerate(inputs):
                if value.active and i in step.differentiable:
                    active = True
                    break
            data = step.run(*[value.data for value in inputs])
            slots.append(
                Value(data, step.kind, step, inputs, True, line)
                if active
                else Value(data, step.kind)
            )
        return [slots[place] for place in self.results]

    def compute(self, values: Sequence[Value]) -> list[Value]:
        """Run it without recording."""
        data = self.run(*[value.data for value in values])
        if len(self.results) == 1:
            return [Value(data, self.kinds[0])]
        return [Value(item, kind) for item, kind in zip(data, self.kinds, strict=True)]


@cache
def _unchanged(kind: int) -> Template:
    """A value times one."""
    node = stand_in_of(0, kind)
    return Template([node], [node * constant(np.ones((), node.dtype))])


def _source(node: Node, inputs: dict[Node, int]) -> int | None:
    """The argument whose memory a result may share."""
    while node not in inputs and node.op.views:
        node = node.inputs[node.op.views[0]]
    return inputs.get(node)


def data_value(array: Any) -> Value:
    """A value for an array that the user gave."""
    if type(array) is not np.ndarray:
        if is_masked(array):
            raise masked_refusal()
        array = np.asarray(array)[()] if np.ndim(array) == 0 else np.asarray(array)
    return Value(array, kind_of(cast("Any", array)))
