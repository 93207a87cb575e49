"""Families of entries put together, so that no place is named twice, and written down as arrays.

Families on one lattice (the pieces of a diagonal) become one; one that lies inside another is
added to it; where two others cross, one is cut. Whether they meet must follow for all sizes. Where
it does not (the corners of a ring, which at two or three elements fall on its diagonals) a place
may be named twice, and its values add up, as everywhere with coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from symgraph.graph.links import Place, along, fixed
from symgraph.graph.node import Node, constant
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Shape, product
from symgraph.transforms.affine import Known, Solution, Unsolved, bounds, solve
from symgraph.transforms.families import Family, family
from symgraph.transforms.labelled import Labelled, numbers, read, spread

__all__ = ["Block", "blocks", "flat_numbers", "flat_place", "surely_apart"]


@dataclass(frozen=True)
class Piece:
    """A value for a part of a block: where along each of its parameters, and how far."""

    places: tuple[Place, ...]
    lengths: tuple[Dim, ...]
    value: Labelled | None

    def moved(self, by: Sequence[Dim]) -> Piece:
        """Somewhere else."""
        places = [place.plus(fixed(d)) for place, d in zip(self.places, by, strict=True)]
        return replace(self, places=tuple(places))


@dataclass(frozen=True)
class Block:
    """Entries whose values are a sum of pieces."""

    lengths: tuple[Dim, ...]
    rows: tuple[Place, ...]
    columns: tuple[Place, ...]
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> Dim:
        """How many entries."""
        return product(self.lengths)

    def data(self, dtype: np.dtype[np.generic]) -> Node:
        """The values, one dimension for each parameter; a scalar if all are equal."""
        first, *others = sorted(self.pieces, key=lambda piece: not self._whole(piece))
        if self._whole(first):
            value = cast("Labelled", first.value)
            if not value.letters and not others:
                return value.node.astype(dtype)
            total = spread(value, range(len(self.lengths)), dict(enumerate(self.lengths)))
            total = total.astype(dtype)
        else:
            total = apply("broadcast_to", constant(np.zeros((), dtype)), self.lengths)
            others = self.pieces
        for piece in others:
            total = self._with(total, piece)
        return total

    def _whole(self, piece: Piece) -> bool:
        return piece.lengths == self.lengths and all(
            place == along(i) for i, place in enumerate(piece.places)
        )

    def _with(self, total: Node, piece: Piece) -> Node:
        value = cast("Labelled", piece.value)
        lengths = dict(enumerate(piece.lengths))
        plain = [place.parameters for place in piece.places]
        unit = all(step == 1 for place in piece.places for _, step in place.steps)
        order = [p for own in plain for p in own]
        if unit and order == sorted(set(order)) and all(len(own) < 2 for own in plain):
            index = tuple(
                [
                    slice(place.start, place.start + lengths[own[0]]) if own else place.start
                    for place, own in zip(piece.places, plain, strict=True)
                ]
            )
        else:
            index = tuple([numbers(place, range(len(lengths)), lengths) for place in piece.places])
        added = value.node if not value.letters else spread(value, range(len(lengths)), lengths)
        return total.at[index].add(added.astype(total.dtype))


def blocks(entries: Sequence[Family], shape: Shape, known: Known) -> list[Block]:
    """Families as blocks with no place in common, as far as that can be.

    Parameters
    ----------
    entries : sequence of Family
    shape : tuple of size
        That of the value, and behind it that of the variable.
    known : Known

    Raises
    ------
    Unsolved
        If a family names a place more than once.
    """
    strict = known.strictly()
    for entry in entries:
        _check_once(entry, strict)
    found: list[Block] = []
    for entry in _cut(list(entries), strict):
        piece = Piece(tuple(map(along, range(len(entry.lengths)))), entry.lengths, entry.value)
        _insert(found, Block(entry.lengths, entry.rows, entry.columns, (piece,)), shape, strict)
    return found


def surely_apart(found: Sequence[Block], known: Known) -> bool:
    """Whether no two blocks have a place in common, whatever the sizes."""
    strict = known.strictly()
    try:
        return all(
            _meeting(block, other, strict) is None
            for i, block in enumerate(found)
            for other in found[:i]
        )
    except Unsolved:
        return False


def _check_once(entry: Family, known: Known) -> None:
    met = _meeting(entry, entry, known)
    count = len(entry.lengths)
    if met is None:
        return
    for p in range(count):
        first, second = (along(q).replaced(met.values) for q in (p, p + count))
        if first != second:
            raise Unsolved("a family that names a place twice")


def _meeting(a: Family | Block, b: Family | Block, known: Known) -> Solution | None:
    """Where two families have places in common; the parameters of the second come later."""
    count = len(a.lengths)
    names = {i: along(count + i) for i in range(len(b.lengths))}
    equations = [
        first.plus(second.replaced(names), -1)
        for first, second in zip((*a.rows, *a.columns), (*b.rows, *b.columns), strict=True)
    ]
    return solve(equations, dict(enumerate((*a.lengths, *b.lengths))), known)


def _covers(met: Solution, lengths: Sequence[Dim], first: int) -> dict[int, Place] | None:
    """The parameters that are left, in those of a family that lies in them wholly."""
    back: dict[int, Place] = {}
    for i, length in enumerate(lengths):
        place = along(first + i).replaced(met.values)
        if isinstance(length, int) and length == 1 and not place.steps:
            continue
        if len(place.steps) != 1 or place.start != 0 or place.steps[0][1] != 1:
            return None
        (parameter,) = place.parameters
        if parameter in back or met.lengths[parameter] != length:
            return None
        back[parameter] = along(i)
    return back if back.keys() == met.lengths.keys() else None


def _cut(entries: list[Family], known: Known) -> list[Family]:
    """Families cut where they cross others, so that each part lies inside another or apart."""
    done: list[Family] = []
    pending = entries[::-1]
    while pending:
        entry = pending.pop()
        others = [*[(other, 0) for other in done], *[(other, 1) for other in pending]]
        # A line gives way to a diagonal, and what comes later to what was there.
        others = [other for other, later in others if _running(entry) + later <= _running(other)]
        parts = next((p for other in others if (p := _parts(entry, other, known))), None)
        if parts is None:
            done.append(entry)
        else:
            pending += parts[::-1]
        if len(done) + len(pending) > _MOST:
            return [*done, *pending]
    return done


_MOST = 200
"""Families, beyond which they are left as they are."""


def _running(entry: Family) -> int:
    """Along how many axes its places run."""
    return sum([bool(place.steps) for place in (*entry.rows, *entry.columns)])


def _skeleton(entry: Family | Block) -> tuple[object, ...]:
    return tuple([place.steps for place in (*entry.rows, *entry.columns)])


def _parts(entry: Family, other: Family, known: Known) -> list[Family] | None:
    """What is left of a family before and behind another one, and what lies in it."""
    if _skeleton(entry) == _skeleton(other):
        return None
    try:
        met = _meeting(entry, other, known)
        if met is None or _covers(met, entry.lengths, 0) is not None:
            return None
        if _covers(met, other.lengths, len(entry.lengths)) is not None:
            return None
        return _slabs(entry, met, known)
    except Unsolved:
        return None


def _slabs(entry: Family, met: Solution, known: Known) -> list[Family] | None:
    narrowed: list[tuple[int, Dim, Dim]] = []
    for p, length in enumerate(entry.lengths):
        place = along(p).replaced(met.values)
        if not place.steps:
            narrowed.append((p, place.start, place.start + 1))
            continue
        if len(place.steps) != 1 or place.steps[0][1] != 1:
            return None
        stop = place.start + met.lengths[place.parameters[0]]
        if place.start != 0 or stop != length:
            narrowed.append((p, place.start, stop))
    if len(narrowed) != 1:
        return None
    ((p, low, high),) = narrowed
    ends = [(0, low), (low, high), (high, entry.lengths[p])]
    if not all(known.proves(stop - start) for start, stop in ends):
        return None
    return [_between(entry, p, start, stop) for start, stop in ends if start != stop]


def _between(entry: Family, parameter: int, start: Dim, stop: Dim) -> Family:
    """The part of a family for some values of one parameter."""
    lengths = dict(enumerate(entry.lengths))
    lengths[parameter] = stop - start
    inner = {parameter: fixed(start) if stop - start == 1 else along(parameter, start)}
    values = None
    if entry.value is not None:
        letters, node = entry.value
        values = [read(node, [along(p).replaced(inner) for p in letters], lengths)]
    rows, columns = (
        [place.replaced(inner) for place in places] for places in (entry.rows, entry.columns)
    )
    return family(rows, columns, lengths, values)


def _insert(found: list[Block], block: Block, shape: Shape, known: Known) -> None:
    """Add a block to those that there are, as a part of one of them if it can be."""
    for i, other in enumerate(found):
        joined = _united(other, block, shape, known) or _within(other, block, known)
        joined = joined or _within(block, other, known)
        if joined is not None:
            del found[i]
            _insert(found, joined, shape, known)
            return
    found.append(block)


def _within(outer: Block, inner: Block, known: Known) -> Block | None:
    """The inner one as pieces of the outer one, if it lies inside it."""
    try:
        met = _meeting(outer, inner, known)
    except Unsolved:
        return None
    back = None if met is None else _covers(met, inner.lengths, len(outer.lengths))
    if met is None or back is None:
        return None
    at = [along(p).replaced(met.values).replaced(back) for p in range(len(outer.lengths))]
    pieces = [
        replace(
            piece,
            places=tuple([p.replaced(dict(enumerate(piece.places))) for p in at]),
        )
        for piece in inner.pieces
    ]
    return replace(outer, pieces=(*outer.pieces, *pieces))


def _united(a: Block, b: Block, shape: Shape, known: Known) -> Block | None:
    """Two boxes of one lattice as one, if they touch."""
    shifts = _shifts(a, b)
    if shifts is None:
        return None
    running = known.running([*a.lengths, *b.lengths])
    low: list[Dim] = []
    high: list[Dim] = []
    apart = 0
    for shift, first, second in zip(shifts, a.lengths, b.lengths, strict=True):
        if not (running.proves(first - shift) and running.proves(shift + second)):
            return None
        ends = _outer(shift, first, shift + second, running)
        if ends is None:
            return None
        low.append(ends[0])
        high.append(ends[1])
        apart += not (shift == 0 and first == second)
    if apart > 1 and not _overlap(shifts, a.lengths, b.lengths, running):
        return None
    start = dict(enumerate([along(p, first) for p, first in enumerate(low)]))
    pieces = [piece.moved([-first for first in low]) for piece in a.pieces]
    moved = [s - first for s, first in zip(shifts, low, strict=True)]
    pieces += [piece.moved(moved) for piece in b.pieces]
    joined = Block(
        tuple([stop - first for first, stop in zip(low, high, strict=True)]),
        tuple([place.replaced(start) for place in a.rows]),
        tuple([place.replaced(start) for place in a.columns]),
        tuple(pieces),
    )
    return joined if _inside(joined, shape, known) else None


def _inside(block: Block, shape: Shape, known: Known) -> bool:
    """Whether a block lies inside the matrix, even where one of its parts has nothing in it."""
    known = known.running(block.lengths)
    lengths = dict(enumerate(block.lengths))
    for place, dim in zip((*block.rows, *block.columns), shape, strict=True):
        ends = bounds(place, lengths, known)
        if ends is None or not (known.proves(ends[0]) and known.proves(dim - 1 - ends[1])):
            return False
    return True


def _outer(shift: Dim, first: Dim, second: Dim, known: Known) -> tuple[Dim, Dim] | None:
    """The smaller of 0 and a shift, the greater of two ends."""
    try:
        return known.smaller(0, shift), known.greater(first, second)
    except Unsolved:
        return None


def _overlap(shifts: Sequence[Dim], first: Shape, second: Shape, known: Known) -> bool:
    return all(
        known.proves(a - 1 - shift) and known.proves(shift + b - 1)
        for shift, a, b in zip(shifts, first, second, strict=True)
    )


def _shifts(a: Block, b: Block) -> list[Dim] | None:
    """How much further the parameters of a second block of the same lattice are."""
    if _skeleton(a) != _skeleton(b):
        return None
    pairs = list(zip((*a.rows, *a.columns), (*b.rows, *b.columns), strict=True))
    found: dict[int, Dim] = {}
    for first, second in pairs:
        if len(first.steps) == 1:
            ((parameter, step),) = first.steps
            gap = second.start - first.start
            rest = gap % step
            if not (isinstance(rest, int) and rest == 0):
                return None
            found.setdefault(parameter, gap // step)
    if len(found) < len(a.lengths):
        return None
    for first, second in pairs:
        moved = first.replaced({p: along(p, shift) for p, shift in found.items()})
        if moved.start != second.start:
            return None
    return [found[p] for p in range(len(a.lengths))]


# As arrays -------------------------------------------------------------------------------------


def flat_place(places: Sequence[Place], shape: Shape) -> Place:
    """The place in the flattened array."""
    result, stride = fixed(0), cast("Dim", 1)
    for place, dim in zip(places[::-1], shape[::-1], strict=True):
        result = result.plus(place, stride)
        stride = stride * dim
    return result


def flat_numbers(place: Place, lengths: Sequence[Dim]) -> Node:
    """The positions for all values of the parameters, the last running fastest."""
    steps = dict(place.steps)
    runs = [(steps.get(p, 0), length) for p, length in enumerate(lengths)]
    joined: list[tuple[Dim, Dim]] = []
    for step, length in runs:
        if joined and joined[-1][0] == step * length:
            joined[-1] = (step, joined[-1][1] * length)
        else:
            joined.append((step, length))
    moving = [i for i, (step, _) in enumerate(joined) if step != 0]
    total = product(lengths)
    if not moving:
        return apply("broadcast_to", constant(place.start, np.int64), (total,))
    inner = joined[moving[0] : moving[-1] + 1]
    sizes = dict(enumerate([length for _, length in inner]))
    short = Place.summed(place.start, [(i, step) for i, (step, _) in enumerate(inner)])
    found = numbers(short, range(len(inner)), sizes)
    found = apply("broadcast_to", found, tuple(sizes.values()))
    found = apply("ravel", found) if len(sizes) > 1 else found
    later = product([length for _, length in joined[moving[-1] + 1 :]])
    before = product([length for _, length in joined[: moving[0]]])
    found = found if later == 1 else apply("repeat", found, later)
    return found if before == 1 else apply("tile", found, before)
