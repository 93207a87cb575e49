"""Loops found again in a recording: equal rounds become one `sg.scan`.

A recording lists what happened; a recurrence of a hundred steps is a hundred copies of its body.
Rounds are the same if they do the same operations on operands that stand in the same relation:
values of their own round, of the round before, from before the loop, or the next row of an array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np

from symgraph.graph.node import Node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.ops.indices import Range
from symgraph.ops.join import Stack
from symgraph.pipeline import assigned_by
from symgraph.tape.values import Step, Value, location_of

__all__ = ["Loop", "assigned_name", "find_loop", "is_row"]

FEWEST = 4
"""Rounds that are worth a loop."""
LONGEST = 400
"""Operations of one round."""


@record
class Loop:
    """A stretch of a recording that repeats itself.

    Attributes
    ----------
    start : int
        Place of the first value of the first round.
    period, rounds : int
        Values in a round, and rounds.
    operands : tuple of tuple
        For each value of a round and each of its operands ``("inner", place)``,
        ``("carry", place)``, ``("fixed", value)`` or ``("row", number)``.
    starts : dict
        For each place that is carried from round to round the value before the first.
    rows : tuple of tuple of Value
        For each row its values, one for each round.
    """

    start: int
    period: int
    rounds: int
    operands: tuple[tuple[tuple[str, Any], ...], ...]
    starts: dict[int, Value]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def stop(self) -> int:
        """Place after the last round."""
        return self.start + self.period * self.rounds

    def build(
        self,
        order: Sequence[Value],
        node_of: Callable[[Value], Node],
        needed: Sequence[Value],
        columns: Sequence[int],
    ) -> tuple[dict[Value, Node], dict[int, Node]]:
        """The loop as a scan.

        Parameters
        ----------
        order : sequence of Value
            In which the loop was found.
        node_of : callable
            Nodes of what is computed outside.
        needed : sequence of Value
            What is needed of it afterwards.
        columns : sequence of int
            Places of a round of which all rounds are needed.

        Returns
        -------
        found : dict
            Nodes of what is needed.
        stacked : dict
            Arrays of all rounds for the columns.
        """
        first = order[self.start : self.start + self.period]
        carried = list(self.starts)
        places = {value: i for i, value in enumerate(order[self.start : self.stop])}
        last = (self.rounds - 1) * self.period
        wanted: list[int] = list(columns)
        for value in needed:
            place = places[value]
            kept = place >= last and place - last in self.starts
            if not kept and place % self.period not in wanted:
                wanted.append(place % self.period)
        names = _names([first[c] for c in carried])

        def body(carry: dict[str, Any], rows: Sequence[Any]) -> tuple[Any, Any]:
            known: list[Any] = []
            before: list[Node] = [carry[name] for name in names]
            for value, uses in zip(first, self.operands, strict=True):
                inputs: list[Node] = []
                for kind, what in uses:
                    if kind == "inner":
                        inputs.append(known[what])
                    elif kind == "carry":
                        inputs.append(before[carried.index(what)])
                    elif kind == "row":
                        inputs.append(cast("Node", rows[what]))
                    else:
                        inputs.append(node_of(what))
                known.append(make(cast("Step", value.step).op, *inputs))
            after = {name: known[c] for c, name in zip(carried, names, strict=True)}
            return after, tuple([known[place] for place in wanted])

        starts = [node_of(self.starts[c]) for c in carried]
        init = dict(zip(names, starts, strict=True))
        rows = tuple([_stacked(values, node_of) for values in self.rows])
        final, stacked = apply("scan", body, init, rows, self.rounds)
        ends = dict(zip(carried, [final[name] for name in names], strict=True))
        found: dict[Value, Node] = {}
        for value in needed:
            round_, place = divmod(places[value], self.period)
            if round_ == self.rounds - 1 and place in ends:
                found[value] = ends[place]
            else:
                found[value] = stacked[wanted.index(place)][round_]
        return found, {place: stacked[wanted.index(place)] for place in columns}

    def column(self, value: Value, order: Sequence[Value]) -> int | None:
        """The place of a round whose values of all rounds a value is the stack of."""
        step = value.step
        if step is None or step.op != Stack(0) or len(value.inputs) != self.rounds:
            return None
        inside = order[self.start : self.start + self.period]
        place = next((i for i, u in enumerate(inside) if u is value.inputs[0]), None)
        if place is None:
            return None
        rows = order[self.start + place : self.stop : self.period]
        return place if all(u is v for u, v in zip(value.inputs, rows, strict=True)) else None


def assigned_name(value: Value) -> str:
    """The variable of the line that made a value, if there is one."""
    location = location_of(value.line)
    return assigned_by(location.text) if location is not None else ""


def _names(values: Sequence[Value]) -> list[str]:
    names: list[str] = []
    for i, value in enumerate(values):
        name = assigned_name(value)
        names.append(name if name and name not in names else f"{name or 'value'}_{i}")
    return names


def _stacked(values: Sequence[Value], node_of: Callable[[Value], Node]) -> Node:
    """The rows of all rounds as one array: a stretch of what they were taken of, or constants."""
    part = _part(values[0])
    if part is not None:
        base, place = part
        return node_of(base)[place : place + len(values)]
    return constant(np.stack([np.asarray(value.data) for value in values]))


def _part(value: Value) -> tuple[Value, int] | None:
    """What a value is a row of, and which: ``x[3]``."""
    step = value.step
    if step is None or len(value.inputs) != 1:
        return None
    index = getattr(step.op, "index", None)
    if step.op.name != "getitem" or not isinstance(index, tuple):
        return None
    first, *rest = cast("tuple[Any, ...]", index)
    whole = all(part == Range() for part in rest)
    return (value.inputs[0], first) if whole and type(first) is int and first >= 0 else None


def is_row(value: Value) -> bool:
    """Whether a value is a row taken out of an array."""
    return _part(value) is not None


# Finding ---------------------------------------------------------------------------------------


def find_loop(order: Sequence[Value], fixed: Callable[[Value], bool]) -> Loop | None:
    """The longest stretch of equal rounds.

    Parameters
    ----------
    order : sequence of Value
        Computed values, operands first, without rows that are taken out of arrays.
    fixed : callable
        Values that are arguments, and so cannot be rows of a constant.
    """
    if len(order) < 2 * FEWEST:
        return None
    finder = _Finder(order, fixed)
    best: tuple[int, int, int] | None = None  # start, stop and period
    covered = 0
    for period in range(1, min(len(order) // FEWEST, LONGEST) + 1):
        same = finder.numbers[:-period] == finder.numbers[period:]
        if _longest(same)[1] // period + 1 < FEWEST:
            continue
        for i in np.flatnonzero(same):
            same[i] = finder.alike(int(i), period)
        start, length = _longest(same)
        rounds = length // period + 1
        if rounds >= FEWEST and rounds * period > covered:
            best, covered = (start, start + length + period, period), rounds * period
    if best is None:
        return None
    start, stop, period = best
    # The operands of the first round are what the loop starts with: they relate to nothing.
    for begin in range(max(0, start - period), start + period):
        found = finder.loop(begin, period, (stop - begin) // period)
        if found is not None:
            return found
    return None


def _longest(same: Any) -> tuple[int, int]:
    """Start and length of the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    if not edges.size:
        return 0, 0
    starts, stops = edges[::2], edges[1::2]
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best] - starts[best])


class _Finder:
    """The relations between the values of a recording."""

    def __init__(self, order: Sequence[Value], fixed: Callable[[Value], bool]) -> None:
        self.order = order
        self.fixed = fixed
        self.places = {value: i for i, value in enumerate(order)}
        self.numbers = np.array([cast("Step", value.step).number for value in order])

    def alike(self, place: int, period: int) -> bool:
        """Whether a value and the one a round later have operands in the same relation."""
        pairs = zip(self.order[place].inputs, self.order[place + period].inputs, strict=True)
        return all(self._related(u, v, place, period) for u, v in pairs)

    def _related(self, u: Value, v: Value, place: int, period: int) -> bool:
        if u is v:
            return True
        first, second = self.places.get(u), self.places.get(v)
        if first is not None and second is not None:
            return second - first == period and place - first <= 2 * period
        return first is None and second is None and self._next_row(u, v)

    def _next_row(self, u: Value, v: Value) -> bool:
        one, two = _part(u), _part(v)
        if one is not None and two is not None:
            return one[0] is two[0] and two[1] == one[1] + 1
        if one is not None or two is not None or self.fixed(u) or self.fixed(v):
            return False
        return u.kind == v.kind and not (u.active or v.active)

    def loop(self, start: int, period: int, rounds: int) -> Loop | None:
        """The loop of so many rounds from a place on, if it is one."""
        steps = self.numbers[start : start + period * rounds]
        if rounds < FEWEST or (steps.reshape(rounds, period) != steps[:period]).any():
            return None
        second = start + period
        operands: list[tuple[tuple[str, Any], ...]] = []
        rows: list[tuple[Value, ...]] = []
        starts: dict[int, Value] = {}
        for j in range(period):
            uses: list[tuple[str, Any]] = []
            for k, operand in enumerate(self.order[second + j].inputs):
                use = self._use(operand, self.order[start + j].inputs[k], start, period)
                if use is None:
                    return None
                kind, what = use
                if kind == "row":
                    series = [self.order[start + r * period + j].inputs[k] for r in range(rounds)]
                    what = len(rows)
                    rows.append(tuple(series))
                if kind == "carry":
                    before = self.order[start + j].inputs[k]
                    if starts.setdefault(what, before) is not before:
                        return None
                    if before.kind != self.order[start + what].kind:
                        return None
                uses.append((kind, what))
            operands.append(tuple(uses))
        found = Loop(start, period, rounds, tuple(operands), starts, tuple(rows))
        return found if self._holds(found) else None

    def _use(self, operand: Value, before: Value, start: int, period: int) -> Any:
        place = self.places.get(operand)
        if place is not None and place >= start:
            offset = place - start - period
            return ("inner", offset) if offset >= 0 else ("carry", offset + period)
        if operand is before:
            return ("fixed", operand)
        return ("row", -1) if self._next_row(before, operand) else None

    def _holds(self, loop: Loop) -> bool:
        """Whether every round is what the first two promise."""
        for r in range(loop.rounds):
            begin = loop.start + r * loop.period
            for j, uses in enumerate(loop.operands):
                inputs = self.order[begin + j].inputs
                for operand, (kind, what) in zip(inputs, uses, strict=True):
                    if not self._is(operand, kind, what, loop, r, begin):
                        return False
        return all(self._rows_follow(series) for series in loop.rows)

    def _is(self, operand: Value, kind: str, what: Any, loop: Loop, r: int, begin: int) -> bool:
        if kind == "inner":
            return operand is self.order[begin + what]
        if kind == "carry":
            return operand is (self.order[begin - loop.period + what] if r else loop.starts[what])
        return kind == "row" or operand is what

    def _rows_follow(self, series: Sequence[Value]) -> bool:
        return all(self._next_row(u, v) for u, v in pairwise(series))
