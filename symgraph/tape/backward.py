"""Backward: the reverse pass over what was recorded.

A recording of a structure that is met again is differentiated as a graph and compiled once; the
cut between forward and backward is at the recorded values, so nothing is computed a second time.
Where recordings never repeat, and where hooks or second derivatives want to see every cotangent,
the same rules are applied operation by operation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from symgraph.compile import compile_graph
from symgraph.errors import DerivativeError
from symgraph.graph.graph import Graph, replace
from symgraph.graph.leaves import Constant, Item
from symgraph.graph.node import Node, make, placeholder, topological
from symgraph.graph.types import TensorType, TupleType
from symgraph.pipeline import Options
from symgraph.tape.holder import wrap
from symgraph.tape.mode import set_grad_enabled
from symgraph.tape.perform import check_shape
from symgraph.tape.tensor import Tensor
from symgraph.tape.values import (
    DATA,
    KINDS,
    LEAF,
    Template,
    Value,
    data_value,
    kind_number,
    location_of,
    stand_in_of,
)
from symgraph.transforms.local import reverse
from symgraph.transforms.vjp import pull_back

__all__ = ["backward", "gradients"]

MOST_COMPILED = 2000
"""Values of a recording that is compiled; a longer one is walked operation by operation."""
MOST_STRUCTURES = 256
"""Compiled structures that are kept."""
PATIENCE = 16
"""Structures that may be met for the first time in a row before new ones are compiled only when
they are met again."""


# The recording -----------------------------------------------------------------------------------


def recorded(roots: Sequence[Value]) -> list[Value]:
    """The values that a gradient passes through on its way from the roots, operands first."""
    found = set(roots)
    stack = list(roots)
    while stack:
        for value in stack.pop().inputs:
            if value.active and value not in found:
                found.add(value)
                stack.append(value)
    return sorted(found, key=_number)


def _number(value: Value) -> int:
    return value.number


def structure(order: Sequence[Value]) -> tuple[list[int], dict[Value, int]]:
    """What recordings of one structure have in common, and the places of all values."""
    places: dict[Value, int] = {}
    key: list[int] = []
    for value in order:
        step = value.step
        if step is None:
            continue
        if value.spent:
            raise _spent()
        key.append(step.number)
        for operand in value.inputs:
            place = places.get(operand)
            if place is None:
                place = places[operand] = len(places)
                key.append(operand.mark if operand.step is None or not operand.active else DATA)
                key.append(operand.kind)
            key.append(place)
        places[value] = len(places)
    return key, places


def nodes_for(values: Sequence[Value], leaf: Callable[[Value, int], Node]) -> list[Node]:
    """A node for each value; `leaf` makes those of leaves and data."""
    nodes: dict[Value, Node] = {}
    for place, value in enumerate(values):
        if value.step is None or not value.active:
            known = value.extra if value.mark < LEAF else None
            nodes[value] = make(known) if isinstance(known, Constant) else leaf(value, place)
        else:
            nodes[value] = make(value.step.op, *[nodes[operand] for operand in value.inputs])
    return [nodes[value] for value in values]


# Compiled ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Compiled:
    """The gradients of one structure.

    Attributes
    ----------
    function : callable
        From data and cotangents to gradients.
    reads : list of int
        Places of the values whose data it takes.
    leaves : list of int
        Places of the leaves whose gradients it gives; the others have none.
    single : bool
        Whether it gives one gradient, which then comes alone.
    """

    function: Callable[..., Any]
    reads: list[int]
    leaves: list[int]
    single: bool


class _Structures:
    """What was compiled, by structure; the oldest are forgotten."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.known: OrderedDict[Any, Compiled | None] = OrderedDict()
        self.strangers = 0

    def get(self, key: Any, compile_: Callable[[], Compiled]) -> Compiled | None:
        """The compiled gradients; ``None`` if the structure is not worth compiling yet."""
        found = self.known.get(key)
        if found is not None:
            self.strangers = 0
            return found
        with self.lock:
            if key not in self.known and self.strangers >= PATIENCE:
                self._remember(key, None)
                return None
            self.strangers += key not in self.known
            found = compile_()
            self._remember(key, found)
            return found

    def _remember(self, key: Any, found: Compiled | None) -> None:
        self.known[key] = found
        while len(self.known) > MOST_STRUCTURES:
            self.known.popitem(last=False)


STRUCTURES = _Structures()


def _compile(values: Sequence[Value], roots: Sequence[int], leaves: Sequence[int]) -> Compiled:
    nodes = nodes_for(values, placeholder_for)
    seeds = [placeholder(f"ct{i}", nodes[r].shape, nodes[r].dtype) for i, r in enumerate(roots)]
    found = pull_back([nodes[root] for root in roots], seeds, [nodes[leaf] for leaf in leaves])
    pairs = [(leaf, ct) for leaf, ct in zip(leaves, found, strict=True) if ct is not None]
    return compiled(values, nodes, dict(pairs), seeds)


def compiled(
    values: Sequence[Value], nodes: Sequence[Node], found: dict[int, Node], seeds: Sequence[Node]
) -> Compiled:
    """Derivatives by the values at some places as a function of recorded data."""
    cut: dict[Node, Node] = {}
    place_of: dict[Node, int] = {}
    for place, (value, node) in enumerate(zip(values, nodes, strict=True)):
        if node in cut or isinstance(node.op, Constant):
            continue
        if value.step is None or not value.active:
            cut[node] = node
        elif isinstance(node.result_type, TensorType):
            cut[node] = placeholder_for(value, place)
        else:
            continue
        place_of[cut[node]] = place
    outputs = replace(list(found.values()), cut)
    reads = [node for node in topological(outputs) if node in place_of]
    function = compile_graph(
        Graph([*reads, *seeds], outputs), name="backward", options=Options("accurate")
    )
    return Compiled(
        function.__wrapped__,
        [place_of[node] for node in reads],
        list(found),
        len(found) == 1,
    )


def placeholder_for(value: Value, place: int) -> Node:
    """Stands for the data of a value."""
    type_ = KINDS[value.kind]
    assert isinstance(type_, TensorType)
    return placeholder(f"v{place}", type_.shape, type_.dtype)


# Operation by operation ------------------------------------------------------------------------


def _template(
    value: Value, wanted: tuple[int, ...], given: tuple[bool, ...]
) -> tuple[Template, tuple[int, ...]]:
    """The reverse rule of a step as a template over its operands, its result and cotangents."""
    step = value.step
    assert step is not None
    known = step.backward.get((wanted, given))
    if known is not None:
        return known
    node, count = step.node, len(step.operands)
    kind = node.result_type
    types = kind.items if isinstance(kind, TupleType) else (kind,)
    seeds = [
        _stand_in(count + 1 + i, type_) if there else None
        for i, (type_, there) in enumerate(zip(types, given, strict=True))
    ]
    cotangent = seeds if isinstance(kind, TupleType) else seeds[0]
    found = reverse(node, cotangent, wanted, pull_back)
    there = [seed for seed in seeds if seed is not None]
    inputs = list(dict.fromkeys([*step.operands, node, *there]))
    template = Template(inputs, [ct for ct in found if ct is not None])
    known = template, tuple([i for i, ct in zip(wanted, found, strict=True) if ct is not None])
    step.backward[wanted, given] = known
    return known


def _stand_in(place: int, type_: TensorType) -> Node:
    return stand_in_of(place, kind_number(type_))


class _Walk:
    """One pass, operation by operation."""

    def __init__(self, create_graph: bool) -> None:
        self.recording = create_graph
        self.pending: dict[Value, Any] = {}

    def run(
        self, order: Sequence[Value], roots: Sequence[Value], seeds: Sequence[Value]
    ) -> dict[Value, Value]:
        """The cotangents of all leaves."""
        for root, seed in zip(roots, seeds, strict=True):
            self._add(root, seed)
        totals: dict[Value, Value] = {}
        for value in reversed(order):
            total = self.pending.pop(value, None)
            if total is None:
                continue
            if value.extra is not None and value.step is not None:
                total = _through_hooks(value, total)
            totals[value] = total
            if value.step is not None:
                self._hand_on(value, total)
        return totals

    def _add(self, value: Value, term: Value) -> None:
        before = self.pending.get(value)
        self.pending[value] = term if before is None else self._sum(before, term)

    def _sum(self, first: Value, second: Value) -> Value:
        if self.recording:
            return (wrap(first) + wrap(second)).current()
        return Value(first.data + second.data, first.kind)

    def _hand_on(self, value: Value, total: Any) -> None:
        step = value.step
        assert step is not None
        if value.spent:
            raise _spent()
        if isinstance(step.op, Item):
            several = value.inputs[0]
            slots = self.pending.setdefault(several, {})
            index = step.op.index
            slots[index] = total if index not in slots else self._sum(slots[index], total)
            return
        wanted = tuple(
            [i for i, u in enumerate(value.inputs) if u.active and i in step.differentiable]
        )
        kind = step.node.result_type
        if isinstance(kind, TupleType):
            given = tuple([i in total for i in range(len(kind.items))])
            seeds = [total[i] for i in range(len(kind.items)) if i in total]
        else:
            given, seeds = (True,), [total]
        template, places = _template(value, wanted, given)
        if not places:
            return
        operands = [*value.inputs, value, *seeds]
        needed = template.needed
        for i in needed:
            if i <= len(value.inputs):
                _check_data(operands[i], value)
        results = (
            template.record(operands, value.line)
            if self.recording and any(operand.active for operand in operands)
            else template.compute(operands)
        )
        for place, result in zip(places, results, strict=True):
            self._add(value.inputs[place], result)


def _through_hooks(value: Value, total: Value) -> Value:
    """The cotangent after the hooks of a tensor that is no leaf; kept if it asked for that."""
    for hook in list(value.extra.values()):
        changed = hook(wrap(total))
        if changed is not None:
            total = _like(changed, value).current()
    tensor = value.tensor() if value.tensor is not None else None
    if tensor is not None:
        tensor.grad = wrap(total)
    return total


def _like(gradient: Any, value: Value) -> Tensor:
    tensor = gradient if isinstance(gradient, Tensor) else wrap(data_value(gradient))
    type_ = KINDS[value.kind]
    assert isinstance(type_, TensorType)
    check_shape("a hook gave a gradient of another shape", type_.shape, tensor.shape)
    return tensor.to(type_.dtype)


# What may go wrong -----------------------------------------------------------------------------


def _check_data(value: Value, user: Value) -> None:
    if not value.overwritten:
        return
    storage = value.storage
    place = location_of(storage.line) if storage is not None else None
    made, used = location_of(value.line), location_of(user.line)
    read = made or used
    raise DerivativeError(
        "a value that backward needs was overwritten in place",
        expected=f"what it was when it was used{f', in {read.describe()}' if read else ''}",
        got=f"version {storage.version if storage else 0} instead of {value.version}",
        hint="change a copy, x.clone(), or run backward first",
        where=place,
    )


def _spent() -> DerivativeError:
    return DerivativeError(
        "a second backward pass through the same recording",
        expected="retain_graph=True in the first one",
        hint="y.backward(retain_graph=True) keeps what a second pass needs; or record again",
    )


# A pass ----------------------------------------------------------------------------------------


def gradients(
    outputs: Sequence[Tensor],
    seeds: Sequence[Any],
    wrt: Sequence[Value] | None,
    *,
    retain_graph: bool,
    create_graph: bool,
) -> dict[Value, Value]:
    """Cotangents of values for given cotangents of outputs.

    Parameters
    ----------
    outputs : sequence of Tensor
    seeds : sequence
        For each output a cotangent, or ``None`` for one.
    wrt : sequence of Value, optional
        All leaves by default. What the outputs do not depend on is missing in the answer.
    retain_graph, create_graph : bool
        As for `Tensor.backward`.
    """
    roots = [tensor.current() for tensor in outputs]
    starts = [_seed(tensor, seed) for tensor, seed in zip(outputs, seeds, strict=True)]
    for tensor, root in zip(outputs, roots, strict=True):
        if not root.active:
            raise DerivativeError(
                "a tensor without history has no gradient",
                expected="the result of operations on a tensor that requires a gradient",
                got=repr(tensor)[:60],
                hint="x.requires_grad_() before the operations, and not under no_grad",
            )
    order = recorded(roots)
    plain = not create_graph
    for value in order:
        if value.step is not None and (value.extra is not None or value.rewritten):
            plain = False  # what was overwritten twice is one node, and yet two values
    if wrt is not None:
        plain = plain and all(value.step is None for value in wrt)
    found = _compiled_pass(order, roots, starts) if plain else None
    if found is None:
        with set_grad_enabled(create_graph):
            found = _Walk(create_graph).run(order, roots, starts)
        if not create_graph:
            _own_memory(found, starts)
    if not retain_graph:
        for value in order:
            if value.step is not None:
                value.spent = True
                value.data = None
    if wrt is None:
        return {value: total for value, total in found.items() if value.step is None}
    return {value: found[value] for value in wrt if value in found}


def _own_memory(found: dict[Value, Value], seeds: Sequence[Value]) -> None:
    """Copy gradients that are views, or the same array as another one: each may be changed."""
    taken = {id(seed.data) for seed in seeds}
    for value, total in found.items():
        data: Any = total.data if value.step is None else None
        if type(data) is np.ndarray:
            if data.base is not None or id(data) in taken:
                found[value] = Value(np.array(data), total.kind)
            taken.add(id(data))


def _compiled_pass(
    order: Sequence[Value], roots: Sequence[Value], seeds: Sequence[Value]
) -> dict[Value, Value] | None:
    if len(order) > MOST_COMPILED:
        return None
    key, places = structure(order)
    if any(root not in places for root in roots):
        return None  # a leaf itself: nothing to compile
    ends = tuple([places[root] for root in roots])
    table = list(places)

    def compile_() -> Compiled:
        leaves = [i for i, value in enumerate(table) if value.mark == LEAF and value.step is None]
        return _compile(table, ends, leaves)

    known = STRUCTURES.get((tuple(key), ends), compile_)
    if known is None:
        return None
    results = run_compiled(known, order, table, [seed.data for seed in seeds])
    return {
        table[place]: Value(data, table[place].kind)
        for place, data in zip(known.leaves, results, strict=True)
    }


def run_compiled(
    known: Compiled, order: Sequence[Value], table: Sequence[Value], seeds: Sequence[Any]
) -> Sequence[Any]:
    """The derivatives for the data that a recording holds."""
    for place in known.reads:
        if table[place].storage is not None and table[place].overwritten:
            _check_data(table[place], _user(table[place], order))
    results = known.function(*[table[place].data for place in known.reads], *seeds)
    return (results,) if known.single else results


def _user(value: Value, order: Sequence[Value]) -> Value:
    """The first value that was computed from another."""
    return next(v for v in order if any(operand is value for operand in v.inputs))


_ONES: dict[int, Value] = {}


def _seed(tensor: Tensor, gradient: Any) -> Value:
    root = tensor.current()
    type_ = KINDS[root.kind]
    assert isinstance(type_, TensorType)
    if gradient is None:
        known = _ONES.get(root.kind)
        if known is not None:
            return known
        if tensor.numel() != 1:
            raise DerivativeError(
                "the gradient of a tensor that is not a scalar",
                expected="one element",
                got=f"shape {tensor.shape}",
                hint="reduce it first, y.sum().backward(); or y.backward(gradient)",
            )
        known = _ONES[root.kind] = Value(np.ones(type_.shape, type_.dtype)[()], root.kind)
        return known
    start = gradient if isinstance(gradient, Tensor) else wrap(data_value(np.asarray(gradient)))
    check_shape("the gradient to start with has the wrong shape", type_.shape, start.shape)
    return start.to(type_.dtype).current()


def backward(
    tensor: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add gradients to the leaves; see `Tensor.backward`."""
    wrt = None if inputs is None else [leaf.current() for leaf in inputs]
    found = gradients(
        [tensor],
        [gradient],
        wrt,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
    )
    for value, total in found.items():
        leaf = value.tensor() if value.tensor is not None else None
        if leaf is not None:
            _accumulate(leaf, wrap(total), create_graph)


def _accumulate(leaf: Tensor, total: Tensor, create_graph: bool) -> None:
    for hook in list((leaf.hooks or {}).values()):
        changed = hook(total)
        if changed is not None:
            total = changed if isinstance(changed, Tensor) else wrap(data_value(changed))
    before = leaf.grad
    if before is None:
        leaf.grad = total
    elif create_graph or before.requires_grad or before.dtype != total.dtype:
        with set_grad_enabled(create_graph):
            leaf.grad = before + total
    else:
        memory = before.writable()
        np.add(memory, total.array_now(), out=memory)
        before.written()
