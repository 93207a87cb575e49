"""Graphs of recordings: operations as nodes, loops that were found as scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.side import STEPS, Origin, origin_as, origin_at
from symgraph.ops.at import at
from symgraph.ops.join import Stack
from symgraph.ops.kinds import Elementwise
from symgraph.ops.reduce import BroadcastTo
from symgraph.pipeline import assigned_by
from symgraph.tape.loops import Item, Loop, Outside, Ref, Slot
from symgraph.tape.parts import taken
from symgraph.tape.values import Step, Value, location_of

__all__ = ["Rebuilt", "assigned_name"]

Path = tuple[int, ...]


class Rebuilt:
    """The nodes of a list of items.

    Parameters
    ----------
    items : sequence of Item
    wanted : sequence of Ref
        What will be asked for with `node`.
    outer : callable
        Nodes of what is not in the list.

    Attributes
    ----------
    names : dict
        What loops give, by the variables of the user.
    """

    def __init__(
        self, items: Sequence[Item], wanted: Sequence[Ref], outer: Callable[[Any], Node]
    ) -> None:
        self._items, self._outer = items, outer
        self._nodes: list[Node | None] = []
        self._ends: list[dict[Ref, Node]] = []
        self._stacks: list[dict[Path, Node]] = []
        self._demanded: list[dict[Path, None]] = [{} for _ in items]
        self.names: dict[Node, str] = {}
        for item in items:
            for ref in item.uses:
                self._demand(ref)
        for ref in wanted:
            self._demand(ref)
        for item, paths in zip(items, self._demanded, strict=True):
            with origin_as(origin_of(item.value)):
                self._add(item, list(paths))

    def _demand(self, ref: Ref) -> None:
        """Let a loop stack what will be asked of it, unless that is what its last round gives."""
        if type(ref.base) is int and ref.path and self._end(ref) is None:
            self._demanded[ref.base][ref.path] = None

    def _end(self, ref: Ref) -> Ref | None:
        """The carry of a loop that a reference means, if it means what the last round gives."""
        loop = cast("Loop", self._items[ref.base].loop)
        if len(ref.rows) < len(ref.path) or ref.rows[0] != loop.rounds - 1:
            return None
        handed = Ref(ref.path[0], ref.path[1:], ref.rows[1 : len(ref.path)])
        return handed if handed in loop.carried else None

    def node(self, ref: Ref) -> Node:
        """The node that a reference means."""
        base, rows = ref.base, ref.rows
        if type(base) is not int:
            node = self._outer(base)
        elif not ref.path:
            node = cast("Node", self._nodes[base])
        else:
            end = self._end(ref)
            if end is not None:
                node, rows = self._ends[base][end], rows[len(ref.path) :]
            else:
                node = self._stacks[base][ref.path]
        node = taken(node, rows, self._outer) if rows else node
        return cast("Node", apply("moveaxis", node, ref.front, 0)) if ref.front else node

    def _add(self, item: Item, paths: list[Path]) -> None:
        if item.loop is not None:
            node = None
            ends, stacks = self._scan(item, item.loop, paths)
        else:
            ends, stacks = {}, {}
            step = cast("Step", item.value.step)
            node = self._column(step, item.uses)
            if node is None:
                node = _made(step, [self.node(ref) for ref in item.uses], item.positions)
        self._nodes.append(node)
        self._ends.append(ends)
        self._stacks.append(stacks)

    def _column(self, step: Step, uses: Sequence[Ref]) -> Node | None:
        """The rows of one array stacked again: a stretch of that array."""
        first, count = uses[0], len(uses)
        if not isinstance(step.op, Stack) or not first.rows or not first.path:
            return None
        begin = first.rows[-1]
        if type(begin) is not int:
            return None
        base = first._replace(rows=first.rows[:-1])
        if any(ref != first._replace(rows=(*base.rows, begin + i)) for i, ref in enumerate(uses)):
            return None
        if len(first.rows) < len(first.path) or any(self._end(ref) for ref in uses[:-1]):
            return None
        node = self.node(base)
        whole = begin == 0 and count == node.shape[0]
        node = node if whole else node[begin : begin + count]
        return node if step.op.axis == 0 else cast("Node", apply("moveaxis", node, 0, step.op.axis))

    def _scan(
        self, item: Item, loop: Loop, paths: list[Path]
    ) -> tuple[dict[Ref, Node], dict[Path, Node]]:
        operands = [self.node(ref) for ref in item.uses]
        first, second = len(loop.carried), len(loop.carried) + loop.fixed
        names = _names(loop)
        stacked = [Ref(path[0], path[1:]) for path in paths]
        inside: list[Rebuilt] = []

        def body(carry: dict[str, Node], rows: Sequence[Node]) -> tuple[Any, Any]:
            given = {
                "carry": [carry[name] for name in names],
                "fixed": operands[first:second],
                "row": list(rows),
            }

            def outer(base: Slot) -> Node:
                return given[base.kind][base.number]

            round_ = Rebuilt(loop.body, [*loop.carried, *stacked], outer)
            inside.append(round_)
            after = [round_.node(ref) for ref in loop.carried]
            return dict(zip(names, after, strict=True)), tuple([round_.node(r) for r in stacked])

        init = dict(zip(names, operands[:first], strict=True))
        rows = tuple(operands[second:])
        final, arrays = apply("scan", body, init, rows, loop.rounds)
        ends = dict(zip(loop.carried, [final[name] for name in names], strict=True))
        for ref, node in ends.items():
            if type(ref.base) is int and not ref.path:
                self.names[node] = assigned_name(loop.body[ref.base].value)
        for node in (*ends.values(), *arrays):
            STEPS[node] = True  # the loop's first line does not name what comes out of it
        return ends, dict(zip(paths, arrays, strict=True))


def _made(step: Step, operands: list[Node], positions: int) -> Node:
    """An operation; arrays of one number are that number where it makes no difference."""
    if positions:
        target, value, *places = operands
        if all(isinstance(place.op, Constant) for place in places):
            return make(step.op, target, value)
        return at(target)[tuple(places)].set(value)
    if isinstance(step.op, Elementwise):
        numbers = [node.inputs[0] if _is_number(node) else node for node in operands]
        node = make(step.op, *numbers)
        if node.result_type == step.node.result_type:
            return node
    return make(step.op, *operands)


def _is_number(node: Node) -> bool:
    return isinstance(node.op, BroadcastTo) and isinstance(node.inputs[0].op, Constant)


def outside_node(base: Outside) -> Node:
    """An argument, or a constant."""
    if base.node is None:
        data = base.data
        first = data[(0,) * data.ndim] if data.size else data
        same = data.ndim and data.size and data.tobytes() == first.tobytes() * data.size
        number = constant(first if same else data)
        base.node = apply("broadcast_to", number, data.shape) if same else number
    return base.node


def origin_of(value: Value) -> Origin | None:
    """Where the user wrote what made a value."""
    location = location_of(value.line)
    return None if location is None else origin_at(location)


def assigned_name(value: Value) -> str:
    """The variable of the line that made a value, if there is one."""
    location = location_of(value.line)
    targets = assigned_by(location.text) if location is not None else []
    return targets[0] if len(targets) == 1 else ""


def _names(loop: Loop) -> list[str]:
    names: list[str] = []
    for i, ref in enumerate(loop.carried):
        base, path = ref.base, ref.path
        body = loop.body
        while path:
            body, base, path = cast("Loop", body[base].loop).body, path[0], path[1:]
        name = assigned_name(body[base].value) if type(base) is int else "before"
        names.append(name if name and name not in names else f"{name or 'value'}_{i}")
    return names
