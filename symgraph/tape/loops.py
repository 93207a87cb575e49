"""Loops found again in a recording: equal rounds become one `sg.scan`, from the inside outwards.

A recording lists what happened; a recurrence of a hundred steps is a hundred copies of its body.
Rounds are the same if they do the same operations on operands that stand in the same relation:
values of their own round, of the round before, from before the loop, or the next row of an array.
A loop that was found is one item of the list from then on, so that loops of loops are found in
the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.record import record, with_fields
from symgraph.graph.types import TensorType, Type
from symgraph.tape.parts import WHOLE, Grid, data_of, in_pieces, part_of, rows_in_turn, shape_after
from symgraph.tape.values import KINDS, LEAF, Step, Value, kind_of

__all__ = ["Item", "Loop", "Outside", "Ref", "Slot", "listed", "rolled"]

FEWEST = 4
"""Rounds that are worth a loop."""
SMALLEST = 12
"""Operations, in all rounds, that are worth a loop."""
LONGEST = 1000
"""Items of one round."""
MEMORY = 3
"""Rounds that a value may be carried."""


class Outside:
    """What a list of items takes from elsewhere: an argument (the node), or a constant."""

    __slots__ = ("data", "node", "type")

    def __init__(self, type_: TensorType, data: Any, node: Any = None) -> None:
        self.type, self.data, self.node = type_, data, node


class Slot(NamedTuple):
    """Something that a round is given: ``carry``, ``fixed`` or ``row``, and which of them."""

    kind: str
    number: int


class Ref(NamedTuple):
    """A part of what an item gives.

    Attributes
    ----------
    base : int, Outside or Slot
        Place of an item, or what comes from elsewhere.
    path : tuple of int
        Of a loop: the place in its body whose values of all rounds are meant, and so on inwards.
    rows : tuple of int, Grid, Range or Slot
        Positions along the leading axes, those of the rounds first.
    front : int
        The axis of the part that comes first.
    """

    base: Any
    path: tuple[int, ...] = ()
    rows: tuple[Any, ...] = ()
    front: int = 0


@record
class Loop:
    """Equal rounds.

    Attributes
    ----------
    body : tuple of Item
        One round; its references are to its own places and to slots.
    rounds : int
    carried : tuple of Ref
        What each round hands to the next: values of its own, or what it was handed itself.
    fixed : int
        How many operands are the same in all rounds. The operands are in this order: what the
        carries start with, fixed ones, those of which every round takes the next row.
    """

    body: tuple[Item, ...]
    rounds: int
    carried: tuple[Ref, ...]
    fixed: int


@record
class Item:
    """An operation or a loop; `key` is the same number for those that do the same.

    The last `positions` operands are the row at which the operation changes the first one.
    """

    key: int
    uses: tuple[Ref, ...]
    value: Value
    loop: Loop | None = None
    positions: int = 0

    @property
    def weight(self) -> int:
        """Number of operations, in all rounds."""
        if self.loop is None:
            return 1
        return self.loop.rounds * sum(item.weight for item in self.loop.body)

    def type_at(self, path: tuple[int, ...]) -> Type:
        """Type of the result, or of the stacked results of a place in the body."""
        if self.loop is None:
            return KINDS[self.value.kind]
        inside = self.loop.body[path[0]].type_at(path[1:])
        single = isinstance(inside, TensorType)
        return inside.with_shape((self.loop.rounds, *inside.shape)) if single else inside


# From a recording to a list ------------------------------------------------------------------


def listed(
    order: Sequence[Value], roots: Sequence[Value], arguments: dict[Value, Any]
) -> tuple[list[Item], list[Ref], dict[Value, Ref]]:
    """The operations of a recording, references to its results, and to parts of arrays.

    Parameters
    ----------
    order : sequence of Value
        Computed values, operands first.
    roots : sequence of Value
    arguments : dict
        Nodes of values that are not computed.
    """
    refs: dict[Value, Ref] = {}
    outside: dict[Any, Outside] = {}

    def ref_of(value: Value) -> Ref:
        known = refs.get(value)
        if known is None:
            known = refs[value] = Ref(_outside(value, arguments.get(value), outside))
        return known

    items: list[Item] = []
    keys: dict[Any, int] = {}
    parts: dict[Value, Ref] = {}
    for value in order:
        part = _part(value)
        base = ref_of(value.inputs[0]) if part is not None else None
        if part is not None and base is not None and all(type(row) is int for row in base.rows):
            refs[value] = parts[value] = base._replace(rows=base.rows + part)
        else:
            step = cast("Step", value.step)
            refs[value] = Ref(len(items))
            uses = tuple([ref_of(operand) for operand in value.inputs])
            place = _place(value)
            what = (place and len(place), step.op.name, step.kinds) if place else step.number
            uses += tuple([Ref(_position(i, outside)) for i in place])
            items.append(Item(keys.setdefault(what, len(keys)), uses, value, positions=len(place)))
    return items, [ref_of(root) for root in roots], parts


def _outside(value: Value, node: Any, known: dict[Any, Outside]) -> Outside:
    """Equal constants are one, so that they are seen to be the same in every round."""
    type_ = KINDS[value.kind]
    assert isinstance(type_, TensorType)
    if node is not None:
        return known.setdefault(node, Outside(type_, None, node))
    constant = value.extra if value.mark < LEAF else None
    data: Any = constant.value if isinstance(constant, Constant) else np.asarray(value.data)
    return known.setdefault((value.kind, data.tobytes()), Outside(type_, data))


def _position(number: int, known: dict[Any, Outside]) -> Outside:
    return known.setdefault(number, Outside(TensorType.of((), np.int64), np.array(number)))


def _part(value: Value) -> tuple[Any, ...] | None:
    """Which rows and stretches of its operand a value is: ``x[3]``, ``x[3, 1]`` or ``x[2:5]``."""
    step = value.step
    if step is None or step.op.name != "getitem":
        return None
    type_ = KINDS[value.inputs[0].kind]
    index = getattr(step.op, "index", None)
    if not isinstance(type_, TensorType) or not isinstance(index, tuple):
        return None
    return part_of(cast("tuple[Any, ...]", index), type_.shape)


def _place(value: Value) -> tuple[int, ...]:
    """The row of its first operand that a value differs in, of ``x[3] = y``."""
    step = value.step
    index = getattr(step.op, "index", None) if step is not None else None
    if step is None or step.op.name != "index_set" or not isinstance(index, tuple):
        return ()
    parts = cast("tuple[Any, ...]", index)
    count = next((i for i, part in enumerate(parts) if type(part) is not int), len(parts))
    whole = all(part == WHOLE for part in parts[count:])
    return parts[:count] if count and whole and min(parts[:count]) >= 0 else ()


# Finding ---------------------------------------------------------------------------------------


def rolled(items: list[Item], roots: list[Ref]) -> tuple[list[Item], list[Ref]]:
    """The list with loops in the place of equal rounds."""
    finder = _Finder(items)
    period = 1
    while period <= min(len(finder.items) // FEWEST, LONGEST):
        found = finder.loops(period, roots)
        if found:
            roots = finder.put(found, roots)
            period = 0  # a loop that is one item may be a short round of another
        period += 1
    return finder.items, roots


class _Found(NamedTuple):
    start: int
    stop: int
    item: Item


class _Finder:
    """A list, and the relations between its items."""

    def __init__(self, items: list[Item]) -> None:
        self._known: dict[Any, int] = {}
        self._stacks: dict[Any, Outside] = {}
        self.cycle = self.first = 0
        self._set(items)

    def _set(self, items: list[Item]) -> None:
        self.items = items
        self.keys = np.array([item.key for item in items], dtype=np.int64)
        self.weights = np.array([item.weight for item in items], dtype=np.int64)

    def loops(self, period: int, roots: Sequence[Ref]) -> list[_Found]:
        """Stretches of equal rounds of one length."""
        found: list[_Found] = []
        least = (FEWEST - 1) * period
        for first, last in _runs(self.keys[:-period] == self.keys[period:], least):
            alike = np.array([self._alike(i, period) for i in range(first, last)], dtype=bool)
            for begin, end in _runs(alike, least - MEMORY * period):
                start = max(first + begin, found[-1].stop if found else 0)
                loop = self._longest(start, first + end + period, period, found, roots)
                if loop is not None:
                    found += self._cycles(loop, period)
        return found

    def _longest(
        self, start: int, stop: int, period: int, found: Sequence[_Found], roots: Sequence[Ref]
    ) -> _Found | None:
        # The operands of the first round are what the loop starts with: they relate to nothing.
        lowest = max(found[-1].stop if found else 0, start - MEMORY * period)
        best: _Found | None = None
        for begin in range(lowest, start + period):
            rounds = (stop - begin) // period
            weight = self.weights[begin : begin + period].sum() * rounds
            if rounds < FEWEST:
                break
            if weight < SMALLEST:
                continue  # what stands before the loop may be light
            if best is not None and begin + (best.stop - best.start) > stop:
                break  # fewer rounds
            if best is None or self._begins(begin, period):
                item = self._loop(begin, period, rounds)
                if item is not None and not self._tuples_leave(begin, item, roots):
                    best = _Found(begin, begin + period * rounds, item)
                    if self._begins(begin, period):
                        break
        return best

    def _loop(self, begin: int, period: int, rounds: int) -> Item | None:
        keys = self.keys[begin : begin + period * rounds].reshape(rounds, period)
        if not (keys == keys[0]).all():
            return None
        self.cycle, self.first = rounds, 0
        return _Rounds(self, begin, period, rounds).item()

    def _cycles(self, found: _Found, period: int) -> list[_Found]:
        """A loop in pieces if its constants come again and again: there is one around it."""
        rounds = (found.stop - found.start) // period
        self._loop(found.start, period, rounds)
        cycle, first = self.cycle, self.first
        if cycle < FEWEST or (rounds - first) % cycle or rounds // cycle < FEWEST:
            return [found]
        pieces: list[_Found] = []
        second = found.start + first * period
        head = self._loop(found.start, period, first) if first >= FEWEST else None
        if head is not None:
            pieces.append(_Found(found.start, second, head))
        for begin in range(second, found.stop, cycle * period):
            item = self._loop(begin, period, cycle)
            if item is None:
                return [found]
            pieces.append(_Found(begin, begin + cycle * period, item))
        return pieces

    def _begins(self, place: int, period: int) -> bool:
        """Whether rounds from a place on begin where the user's do: with the uppermost line."""
        second = self.items[place + period : place + 2 * period]
        lines = [item.value.line for item in second]
        first = lines[0]
        if first is None:
            return True
        return all(line is None or line[0] is not first[0] or line[1] >= first[1] for line in lines)

    def number(self, key: Any) -> int:
        """The key of a loop."""
        return -1 - self._known.setdefault(key, len(self._known))

    def recurs(self, rounds: int, first: int = 0) -> None:
        """Note after how many rounds something starts again, and where it does first."""
        if rounds < self.cycle or (rounds == self.cycle and first):
            self.cycle, self.first = rounds, first

    def stacked(self, series: Sequence[Ref]) -> Outside:
        """Constants as one array."""
        count = len(series)
        again = (c for c in range(1, count) if series[c] == series[0])
        cycles = (c for c in again if series[c:] == series[: count - c])
        self.recurs(next(cycles, count))
        return self.constant(np.stack([data_of(ref.base.data, ref.rows) for ref in series]))

    def constant(self, data: Any) -> Outside:
        """An array that was made here; equal ones are one."""
        type_ = KINDS[kind_of(data)]
        assert isinstance(type_, TensorType)
        return self._stacks.setdefault((type_, data.tobytes()), Outside(type_, data))

    def _tuples_leave(self, start: int, loop: Item, roots: Sequence[Ref]) -> bool:
        """Whether a result that is no array is used after the loop: it could not be stacked."""
        found = cast("Loop", loop.loop)
        stop = start + found.rounds * len(found.body)
        tuples = {
            place
            for place in range(start, stop)
            if self.items[place].loop is None
            and not isinstance(KINDS[self.items[place].value.kind], TensorType)
        }
        later = (ref for item in self.items[stop:] for ref in item.uses)
        return bool(tuples) and any(ref.base in tuples for refs in (later, roots) for ref in refs)

    def _alike(self, place: int, period: int) -> bool:
        """Whether an item and the one a round later have operands in the same relation."""
        pairs = zip(self.items[place].uses, self.items[place + period].uses, strict=True)
        return all(_related(u, v, period) for u, v in pairs)

    def put(self, found: Sequence[_Found], roots: Sequence[Ref]) -> list[Ref]:
        """Put loops into the list; gives the references to its results."""
        moved: list[Ref] = []
        fresh: list[Item] = []
        place = 0
        for start, stop, item in [*found, _Found(len(self.items), 0, self.items[-1])]:
            moved += [Ref(len(fresh) + i) for i in range(start - place)]
            fresh += self.items[place:start]
            if stop:
                loop = cast("Loop", item.loop)
                period = len(loop.body)
                moved += [
                    Ref(len(fresh), (i % period,), (i // period,)) for i in range(stop - start)
                ]
                fresh.append(item)
                place = stop

        def renewed(ref: Ref) -> Ref:
            if type(ref.base) is not int:
                return ref
            to = moved[ref.base]
            return Ref(to.base, to.path + ref.path, to.rows + ref.rows, ref.front)

        self._set(
            [with_fields(item, uses=tuple([renewed(ref) for ref in item.uses])) for item in fresh]
        )
        return [renewed(ref) for ref in roots]


def _runs(same: Any, least: int) -> Iterator[tuple[int, int]]:
    """Start and stop of the runs of true values that are long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if stop - start >= max(least, 1):
            yield start, stop


def _related(u: Ref, v: Ref, period: int) -> bool:
    """Whether an operand of one round may be to it what another is to the next."""
    moved = type(u.base) is int and type(v.base) is int and v.base - u.base == period
    if moved or u.base is v.base or (type(u.base) is int and u.base == v.base):
        return (u.path, len(u.rows), u.front) == (v.path, len(v.rows), v.front)
    return _is_constant(u) and _is_constant(v) and _shape_of(u) == _shape_of(v)


def _is_constant(ref: Ref) -> bool:
    return isinstance(ref.base, Outside) and ref.base.node is None and not ref.front


def _shape_of(ref: Ref) -> tuple[Any, ...]:
    return ref.base.type.dtype, shape_after(ref.base.type.shape, ref.rows)


class _Rounds:
    """Rounds that do the same operations, on their way to a loop."""

    def __init__(self, finder: _Finder, start: int, period: int, rounds: int) -> None:
        self.finder, self.items = finder, finder.items
        self.start, self.period, self.rounds = start, period, rounds
        self.carried: list[Ref] = []
        self.starts: list[Ref] = []
        self.fixed: list[Ref] = []
        self.rows: list[Ref] = []
        places = range(start, start + period * rounds)
        lines = [finder.items[place].value.line for place in places]
        self.one_line = lines == lines[:period] * rounds

    def item(self) -> Item | None:
        """The loop as an item, if every round is what the first two promise."""
        first = self.items[self.start : self.start + self.period]
        body: list[Item] = []
        for place, item in enumerate(first):
            uses: list[Ref] = []
            for k in range(len(item.uses)):
                begins = range(self.start, self.start + self.rounds * self.period, self.period)
                local = self._local([self.items[begin + place].uses[k] for begin in begins])
                if local is None:
                    return None
                uses.append(local)
            body.append(with_fields(item, uses=tuple(uses)))
        body = self._tightened(body)
        loop = Loop(tuple(body), self.rounds, tuple(self.carried), len(self.fixed))
        said = tuple([(item.key, item.uses) for item in body])
        key = self.finder.number((said, loop.rounds, loop.carried, loop.fixed, len(self.rows)))
        return Item(key, (*self.starts, *self.fixed, *self.rows), first[0].value, loop)

    def _tightened(self, body: list[Item]) -> list[Item]:
        """Let a row be only that part of it which is used, if that is one part."""
        uses = [ref for item in body for ref in item.uses]
        for number, row in enumerate(self.rows):
            slot = Slot("row", number)
            parts = {ref.rows for ref in uses if ref.base == slot}
            (part,) = parts if len(parts) == 1 else ((),)
            if part and all(slot not in ref.rows for ref in uses):
                before = row.front + len(cast("Grid", row.rows[-1]).steps) - 1
                self.rows[number] = row._replace(rows=row.rows + part[before:])
                body = [
                    with_fields(
                        item,
                        uses=tuple([Ref(slot) if u.base == slot else u for u in item.uses]),
                    )
                    for item in body
                ]
        return body

    def _local(self, series: Sequence[Ref]) -> Ref | None:
        """What a round sees of an operand whose references in all rounds are given."""
        last = series[-1]
        if self._inside(last):
            return self._moving(series)
        if any(self._inside(ref) for ref in series):
            return None
        if all(ref == last for ref in series):
            if last not in self.fixed:
                self.fixed.append(last)
            return Ref(Slot("fixed", self.fixed.index(last)))
        return self._row(series)

    def _inside(self, ref: Ref) -> bool:
        return type(ref.base) is int and ref.base >= self.start

    def _moving(self, series: Sequence[Ref]) -> Ref | None:
        """A value of the own round, or of one before."""
        last = series[-1]
        rounds, place = divmod(last.base - self.start, self.period)
        lag = self.rounds - 1 - rounds
        if lag > MEMORY or any(self._inside(ref) for ref in series[:lag]):
            return None
        depth = len(last.path)
        for r, ref in enumerate(series[lag:]):
            same = ref.rows[:depth] == last.rows[:depth] and len(ref.rows) == len(last.rows)
            moved = ref.base == self.start + place + r * self.period
            if not moved or ref.path != last.path or not same or ref.front:
                return None
        taken = self._rows_in_turn([ref.rows[depth:] for ref in series[lag:]], lag)
        if taken is None:
            return None
        rows, each = taken
        handed = Ref(place, last.path, last.rows[:depth])
        if not lag:
            return handed._replace(rows=handed.rows + rows)
        number = -1
        for r in reversed(range(lag)):
            before = series[r]
            kept = len(before.rows) - len(each[r])
            if before.rows[max(kept, 0) :] != each[r]:
                return None
            number = self._carry(handed, before._replace(rows=before.rows[:kept]))
            if number is None:
                return None
            handed = Ref(Slot("carry", number))
        return Ref(Slot("carry", number), (), rows)

    def _rows_in_turn(
        self, rows: Sequence[tuple[Any, ...]], lag: int
    ) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]] | None:
        """Positions in an array that moves with the rounds, some of which follow their number.

        Given from the round `lag` on; returned as the body sees them, and for all rounds.
        """
        if all(row == rows[0] for row in rows):
            return rows[0], [rows[0]] * self.rounds
        if any(type(part) is not int for row in rows for part in row):
            return None
        table = np.array(rows)
        step = table[1] - table[0]
        each = table[0] + step * np.arange(-lag, len(rows))[:, None]
        if (each[lag:] != table).any() or each.min() < 0:
            return None
        local: list[Any] = []
        for i, moves in enumerate(step.tolist()):
            if moves:
                local.append(self._positions(each[:, i]))
            else:
                local.append(int(table[0, i]))
        return tuple(local), [tuple(row) for row in each.tolist()]

    def _carry(self, handed: Ref, start: Ref) -> int | None:
        """The number of a carry, unless one that starts otherwise is known."""
        if handed in self.carried:
            number = self.carried.index(handed)
            return number if self.starts[number] == start else None
        if type(handed.base) is int:
            wanted = self._type(handed._replace(base=self.start + handed.base))
        else:
            wanted = self._type(self.starts[cast("Slot", handed.base).number])
        if wanted is None or wanted != self._type(start):
            return None
        self.carried.append(handed)
        self.starts.append(start)
        return len(self.carried) - 1

    def _type(self, ref: Ref) -> TensorType | None:
        base = ref.base
        type_ = self.items[base].type_at(ref.path) if type(base) is int else base.type
        if not isinstance(type_, TensorType):
            return None
        return type_.with_shape(shape_after(type_.shape, ref.rows)) if not ref.front else None

    def _row(self, series: Sequence[Ref]) -> Ref | None:
        """The next row of one array, or of the array of all constants."""
        first = series[0]
        if all(ref.base == first.base and ref.path == first.path for ref in series):
            columns = list(zip(*[ref.rows for ref in series], strict=True))
            varying = [i for i, column in enumerate(columns) if any(r != column[0] for r in column)]
            if not first.front and len(varying) == 1:
                return self._next_part(first, varying[0], columns[varying[0]])
            numbers = all(type(row) is int for i in varying for row in columns[i])
            if not first.front and numbers and self.one_line:
                rows: list[Any] = list(first.rows)
                for i in varying:
                    self.finder.recurs(*in_pieces(columns[i]))
                    rows[i] = self._positions(columns[i])
                fixed = self._local([first._replace(rows=())] * self.rounds)
                return None if fixed is None else fixed._replace(rows=tuple(rows))
        if not all(_is_constant(ref) and _shape_of(ref) == _shape_of(first) for ref in series):
            return None
        return self._row_slot(Ref(self.finder.stacked(series)))

    def _next_part(self, first: Ref, axis: int, rows: Sequence[Any]) -> Ref | None:
        """The next of some parts that differ along one axis."""
        grid = rows_in_turn(rows)
        if grid is None:
            return None
        if not isinstance(grid.steps[0], range):
            if not self.one_line:
                return None
            self.finder.recurs(*in_pieces(grid.steps[0]))
        before, after = first.rows[:axis], first.rows[axis + 1 :]
        kept = sum(type(row) is not int for row in before)
        inner = (WHOLE,) * (kept + len(grid.steps) - 1) if after else ()
        return self._row_slot(first._replace(rows=(*before, grid), front=kept), inner + after)

    def _positions(self, numbers: Any) -> Any:
        """The next of some numbers."""
        return self._row_slot(Ref(self.finder.constant(np.array(numbers)))).base

    def _row_slot(self, ref: Ref, rest: tuple[Any, ...] = ()) -> Ref:
        if ref not in self.rows:
            self.rows.append(ref)
        return Ref(Slot("row", self.rows.index(ref)), (), rest)
