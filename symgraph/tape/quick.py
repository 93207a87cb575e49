"""The results of builders as tensors; the commonest calls by a shorter way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from symgraph.graph.refusal import in_our_words
from symgraph.graph.registry import BUILDERS
from symgraph.ops.kinds import any_node
from symgraph.tape.holder import Holder, View, wrap
from symgraph.tape.mode import MODE
from symgraph.tape.perform import LIFTED, Call, perform
from symgraph.tape.values import Step, Value, data_value, user_line

__all__ = ["apply"]


def apply(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The result of a builder as tensors."""
    try:
        return _applied(function, args, keywords)
    except Exception as error:
        in_our_words(error, function, args, keywords)
        raise


def _applied(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    quick = None if keywords else _quick_key(function, args)
    if quick is not None:
        key, values = quick
        run = _QUICK.get(key)
        if run is not None:
            return run(*values)
    elif LIFTED.current is not None and any_node(*args, *keywords.values()):
        return LIFTED.current.call(function, args, keywords)
    call, _, results = perform(function, args, keywords)
    tensors = [wrap(value) for value in results]
    for place, source in enumerate(call.template.sources):
        if source is not None:
            _note_view(tensors[place], call, place, source, function, args, keywords)
    if quick is not None:
        _learn(quick[0], call, len(quick[1]))
    return tensors[0] if call.form.kind is None and tensors else call.tree(tensors)


# Calls that come down to one operation on one or two values are most of them.

_QUICK: dict[Any, Callable[..., Any]] = {}


def _quick_key(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """What tells calls of one or two tensors, or of a tensor and an array or a number, apart.

    Arrays of integers or booleans may be what a shape depends on: those go the longer way.

    Returns
    -------
    tuple of key and values, or ``None``
    """
    count = len(args)
    if count == 1:
        if isinstance(args[0], Holder):
            first = args[0].now()
            return (function, first.kind), (first,)
    elif count == 2:
        left, right = args
        if isinstance(left, Holder):
            first = left.now()
            if isinstance(right, Holder):
                second = right.now()
                return (function, first.kind, second.kind), (first, second)
            kind = cast("Any", type(right))
            if kind is np.ndarray and right.dtype.kind in "fc":
                second = data_value(right)
                return (function, first.kind, second.kind), (first, second)
            if (kind is float or kind is int) and right:
                return (function, first.kind, kind, right), (first,)
        elif isinstance(right, Holder):
            kind = cast("Any", type(left))
            if kind is np.ndarray and left.dtype.kind in "fc":
                first, second = data_value(left), right.now()
                return (function, first.kind, second.kind), (first, second)
            if (kind is float or kind is int) and left:
                first = right.now()
                return (function, kind, left, first.kind), (first,)
    return None


def _learn(key: Any, call: Call, count: int) -> None:
    """Keep a call as a function of values, if it is one operation on them and constants."""
    template = call.template
    if len(template.steps) != 1 or call.form.kind is not None or template.sources[0] is not None:
        return
    step, places = template.steps[0]
    inexact = {i for i, node in enumerate(step.operands) if node.type.inexact}
    if step.several or not (step.differentiable >= inexact or not step.differentiable):
        return
    if len(_QUICK) >= MOST_QUICK:
        _QUICK.clear()
    if count == 2 and places == (0, 1):
        _QUICK[key] = _of_two(step)
    elif count == 1 and places == (0,):
        _QUICK[key] = _of_one(step)
    elif count == 1 and sorted(places) == [0, 1] and len(template.constants) == 1:
        _QUICK[key] = _with_constant(step, template.constants[0], places == (0, 1))


def _of_one(step: Step) -> Callable[[Value], Any]:
    smooth, kind, run = bool(step.differentiable), step.kind, step.run

    def perform_one(a: Value) -> Any:
        data = run(a.data)
        if smooth and a.active and MODE.recording:
            return wrap(Value(data, kind, step, (a,), True, user_line()))
        return wrap(Value(data, kind))

    return perform_one


def _of_two(step: Step) -> Callable[[Value, Value], Any]:
    smooth, kind, run = bool(step.differentiable), step.kind, step.run

    def perform_two(a: Value, b: Value) -> Any:
        data = run(a.data, b.data)
        if smooth and (a.active or b.active) and MODE.recording:
            return wrap(Value(data, kind, step, (a, b), True, user_line()))
        return wrap(Value(data, kind))

    return perform_two


def _with_constant(step: Step, other: Value, after: bool) -> Callable[[Value], Any]:
    smooth, kind, run = bool(step.differentiable), step.kind, step.run

    def perform_with(a: Value) -> Any:
        inputs = (a, other) if after else (other, a)
        data = run(inputs[0].data, inputs[1].data)
        if smooth and a.active and MODE.recording:
            return wrap(Value(data, kind, step, inputs, True, user_line()))
        return wrap(Value(data, kind))

    return perform_with


MOST_QUICK = 20_000


def _note_view(
    tensor: Holder,
    call: Call,
    place: int,
    source: int,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    keywords: dict[str, Any],
) -> None:
    """Remember that a result shares the memory of the operand at the place `source`."""
    operands = _tensors_in((args, keywords))
    if source >= len(operands):
        return
    base = operands[source]
    if base is None:
        return
    seen, memory = base.current(), tensor.memory
    arrays = isinstance(memory, np.ndarray) and isinstance(base.memory, np.ndarray)
    if arrays and not np.may_share_memory(cast("Any", memory), cast("Any", base.memory)):
        return  # reshaped where a view cannot be
    if tensor.held is seen and seen.active and not MODE.recording:
        tensor.put(Value(memory, seen.kind))
    if function.__name__ not in VIEWS:
        _on_its_own(tensor)
        return
    if tensor.held is not seen:
        tensor.share(seen)
    tensor.taken = View(base, seen, function, args, keywords, place)


VIEWS = frozenset(
    "array_split atleast_1d atleast_2d atleast_3d broadcast_arrays broadcast_to diagonal dsplit "
    "expand_dims flip fliplr flipud getitem hsplit imag matrix_transpose moveaxis permute_dims "
    "ravel real reshape rollaxis rot90 sliding_window_view split squeeze swapaxes transpose "
    "unstack vsplit".split()
)
"""NumPy's functions whose results share the memory of what they are given."""


def _on_its_own(tensor: Holder) -> None:
    """Memory of its own for what is a copy in NumPy, although a graph needs no operation for it."""
    held = tensor.held
    data: Any = held.data
    if type(data) is not np.ndarray:
        return
    copied = Value(np.array(data), held.kind)
    if held.active and held.step is not None:
        copied.step, copied.inputs, copied.active = held.step, held.inputs, True
        copied.line = held.line
    elif held.active:  # a leaf itself
        copied = apply(_MULTIPLY, (tensor, data.dtype.type(1)), {}).current()
    tensor.put(copied)


_MULTIPLY = inspect.unwrap(BUILDERS["multiply"])


def _tensors_in(value: Any) -> list[Holder | None]:
    """The operands of a call in order, ``None`` for arrays."""
    if isinstance(value, Holder):
        return [value]
    if isinstance(value, np.ndarray | np.generic):
        return [None]
    if isinstance(value, slice):
        cut = cast("Any", value)
        value = (cut.start, cut.stop, cut.step)
    if isinstance(value, dict):
        value = list(cast("dict[Any, Any]", value).values())
    if isinstance(value, list | tuple):
        return [found for item in cast("Sequence[Any]", value) for found in _tensors_in(item)]
    return []
