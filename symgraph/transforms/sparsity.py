"""Which elements of a Jacobian are not zero, and, where only elements move, what they are.

The walk goes forward, node by node, with the entries (row, column) of the node's Jacobian. What an
operation does to them follows from its kind: element-wise operations keep rows and multiply by
partials; where elements only move, the operation itself, run on the numbers of the elements, says
where each comes from; where its transpose only moves elements (sums, scatters, joins), the
transpose does. Of anything else every result depends on every column of its operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np

from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import Item, Placeholder
from symgraph.graph.node import Node, constant, make, placeholder, topological
from symgraph.graph.registry import apply
from symgraph.graph.types import TupleType
from symgraph.ops.elementwise import AsType, Where, mask_times
from symgraph.ops.kinds import Elementwise, Linear
from symgraph.transforms.affine import Unsolved
from symgraph.transforms.blocks import flat_place
from symgraph.transforms.families import Family, families, known_of
from symgraph.transforms.labelled import spread
from symgraph.transforms.local import differentiable_operands, partial, scale
from symgraph.transforms.vjp import varying

__all__ = ["Entries", "closed_entries", "pattern"]

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Entries:
    """Entries of the Jacobian of a flattened value by a flattened variable.

    Attributes
    ----------
    rows, columns : array of int
    value : Node or None
        One number for all of them, or a vector; ``None`` where only the pattern is asked for.
    """

    rows: Indices
    columns: Indices
    value: Node | None

    def picked(self, positions: Indices, rows: Indices) -> Entries:
        """Some of the entries, in other rows."""
        return Entries(rows, self.columns[positions], pick(self.value, positions))


def pick(value: Node | None, positions: Indices) -> Node | None:
    """Elements of a vector at known positions, as a slice if they are one."""
    if value is None or not value.ndim:
        return value
    if len(positions) == value.shape[0] and is_range(positions) and not positions[:1].any():
        return value
    return value[as_index(positions)]


def is_range(positions: Indices) -> bool:
    """Whether positions follow one another."""
    return bool(np.all(np.diff(positions) == 1))


def as_index(positions: Indices) -> Any:
    """A slice, if there is one that means the same; else the positions."""
    if not len(positions):
        return slice(0, 0)
    step = int(positions[1] - positions[0]) if len(positions) > 1 else 1
    if step > 0 and np.all(np.diff(positions) == step):
        return slice(int(positions[0]), int(positions[-1]) + 1, step if step > 1 else None)
    return positions


def length_of(node: Node) -> int:
    """The number of elements, of a node whose sizes are numbers."""
    return prod(cast("tuple[int, ...]", node.shape))


def closed_entries(y: Node, x: Node) -> list[Entries] | None:
    """The entries with their values; ``None`` where they are no formulas."""
    walk = _Walk(y, x, closed=True)
    return walk.run() if walk.is_closed() else _of_families(y, x, closed=True)


def pattern(y: Node, x: Node) -> tuple[Indices, Indices]:
    """Rows and columns of the entries that may not be zero, in the order of rows."""
    walk = _Walk(y, x, closed=False)
    keys = _united(walk.run(), walk.columns)
    if walk.mixed:
        # It took for dense what may be so along some axes only.
        others = _of_families(y, x, closed=False)
        keys = keys if others is None else np.intersect1d(keys, _united(others, walk.columns))
    return keys // max(walk.columns, 1), keys % max(walk.columns, 1)


def _of_families(y: Node, x: Node, *, closed: bool) -> list[Entries] | None:
    """What links say, of which products with other arrays are a part; ``None`` if not all."""
    try:
        found = families(y, x, known_of([y, x]), closed=closed)
    except Unsolved:
        return None
    return None if found is None else [_listed(entry, y, x) for entry in found]


def _listed(entry: Family, y: Node, x: Node) -> Entries:
    """All entries of a family whose sizes are numbers."""
    grid = np.indices(cast("tuple[int, ...]", entry.lengths))
    rows, columns = (
        sum([step * grid[p] for p, step in place.steps], np.full(grid.shape[1:], place.start))
        for place in (flat_place(entry.rows, y.shape), flat_place(entry.columns, x.shape))
    )
    value = None
    if entry.value is not None:
        value = entry.value.node
        if entry.value.letters:
            order = range(len(entry.lengths))
            value = apply("ravel", spread(entry.value, order, entry.numbered()))
    return Entries(np.ravel(rows), np.ravel(columns), value)


def _united(entries: Sequence[Entries], columns: int) -> Indices:
    keys = [e.rows * columns + e.columns for e in entries]
    return np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)


class _Walk:
    """One walk from a variable to a value."""

    def __init__(self, y: Node, x: Node, *, closed: bool) -> None:
        self.y, self.x, self.closed = y, x, closed
        self.order = topological([y], stop=lambda node: node is x)
        self.vary = varying(self.order, [x])
        self.moves: dict[tuple[Node, int], _Move | None] = {}
        self.columns = length_of(x)
        self.mixed = False

    def is_closed(self) -> bool:
        """Whether every operation between is element-wise or moves elements."""
        for node in self.order:
            if node not in self.vary or node is self.x:
                continue
            if isinstance(node.result_type, TupleType) or isinstance(node.op, Item):
                return False
            if node.dtype.kind == "c":
                return False
            if isinstance(node.op, Elementwise | Where | AsType):
                continue
            if any(self.move(node, i) is None for i in self._operands(node)):
                return False
        return True

    def _operands(self, node: Node) -> list[int]:
        return [i for i in differentiable_operands(node) if node.inputs[i] in self.vary]

    def run(self) -> list[Entries]:
        """The entries of the value."""
        one = constant(np.ones((), self.x.dtype)) if self.closed else None
        everything = np.arange(self.columns)
        known: dict[Node, list[Entries]] = {self.x: [Entries(everything, everything, one)]}
        for node in self.order:
            if node in known or node not in self.vary:
                continue
            found: list[Entries] = []
            for i in self._operands(node):
                found += self._through(node, i, known[node.inputs[i]])
            known[node] = _merged(found, self.columns)
        return known.get(self.y, [])

    def _through(self, node: Node, operand: int, entries: Sequence[Entries]) -> list[Entries]:
        if isinstance(node.op, Elementwise | Where | AsType):
            source = node.inputs[operand]
            if source.shape != node.shape:
                places = np.broadcast_to(_numbered(source), cast("Any", node.shape))
                entries = _Move(np.ravel(places), forward=True).of(entries)
            return [self._scaled(node, operand, e) for e in entries]
        move = None if isinstance(node.result_type, TupleType) else self.move(node, operand)
        if move is not None:
            return move.of(entries)
        if isinstance(node.op, Item):
            return list(entries) if not self.closed else []
        return self._dense(node, entries)

    def _dense(self, node: Node, entries: Sequence[Entries]) -> list[Entries]:
        self.mixed = True
        columns: Indices = np.unique(np.concatenate([e.columns for e in entries]))
        kind = node.result_type
        types = kind.items if isinstance(kind, TupleType) else (kind,)
        most = max([prod(cast("Any", t.shape)) for t in types], default=0)
        grid = np.meshgrid(np.arange(most), columns, indexing="ij")
        return [Entries(grid[0].ravel(), grid[1].ravel(), None)]

    def _scaled(self, node: Node, operand: int, entries: Entries) -> Entries:
        value = entries.value
        if value is None or isinstance(node.op, AsType):
            return entries
        if isinstance(node.op, Where):
            mask = node.inputs[0] if operand == 1 else apply("logical_not", node.inputs[0])
            whole = pick(_flat(mask, node), entries.rows)
            many = apply("broadcast_to", value, (len(entries.rows),))
            return Entries(entries.rows, entries.columns, mask_times(cast("Node", whole), many))
        slope = partial(node, operand)
        if slope.ndim:
            slope = cast("Node", pick(_flat(slope, node), entries.rows))
        while slope.op.name == "broadcast_to" and not slope.inputs[0].ndim:
            (slope,) = slope.inputs
        return Entries(entries.rows, entries.columns, scale(value, slope))

    def move(self, node: Node, operand: int) -> _Move | None:
        """Where an operation puts the elements of an operand; ``None`` if it does more."""
        key = (node, operand)
        if key not in self.moves:
            self.moves[key] = _moved(node, operand)
        return self.moves[key]


def _numbered(node: Node) -> Indices:
    """The numbers of the elements, in the shape of a node."""
    shape: Any = node.shape
    numbers: Indices = np.arange(length_of(node))
    return np.reshape(numbers, shape)


def _flat(value: Node, like: Node) -> Node:
    """A value broadcast to the shape of a node, as a vector; one number stays one."""
    base = value
    while base.op.name == "broadcast_to":
        (base,) = base.inputs
    if not base.ndim:
        return apply("broadcast_to", base, (length_of(like),))
    return apply("ravel", apply("broadcast_to", value, like.shape))


class _Move:
    """From positions of a result to positions of an operand (`forward`), or the other way."""

    def __init__(self, positions: Indices, *, forward: bool) -> None:
        self.positions, self.forward = positions, forward

    def of(self, entries: Sequence[Entries]) -> list[Entries]:
        """The entries of the result from those of the operand."""
        return [self._forwards(e) if self.forward else self._backwards(e) for e in entries]

    def _backwards(self, entries: Entries) -> Entries:
        rows = self.positions[entries.rows]
        kept = np.flatnonzero(rows >= 0)
        return entries.picked(kept, rows[kept])

    def _forwards(self, entries: Entries) -> Entries:
        order = np.argsort(entries.rows, kind="stable")
        known = entries.rows[order]
        begin = np.searchsorted(known, self.positions, "left")
        counts = np.searchsorted(known, self.positions, "right") - begin
        rows = np.repeat(np.arange(len(self.positions)), counts)
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return entries.picked(order[np.repeat(begin, counts) + offsets], rows)


def _moved(node: Node, operand: int) -> _Move | None:
    op = node.op
    if not isinstance(op, Linear):
        return None
    if op.moves and operand == 0:
        source = node.inputs[0]
        numbered = placeholder("numbers", source.shape, np.int64)
        moved = make(op, numbered, *node.inputs[1:])
        return _probed(moved, numbered, forward=True)
    seed = placeholder("numbers", node.shape, node.dtype)
    back = dict(zip(op.positions(node), op.transpose(node, seed), strict=True))[operand]
    if back is None or not _only_moves(back, seed):
        return None
    return _probed(back, seed, forward=False)


def _only_moves(node: Node, seed: Node) -> bool:
    inside = {seed}
    for inner in topological([node]):
        if any(operand in inside for operand in inner.inputs):
            op = inner.op
            if not isinstance(op, Linear) or not op.moves or inner.inputs[0] not in inside:
                return False
            inside.add(inner)
    return node in inside


def _probed(node: Node, seed: Node, *, forward: bool) -> _Move | None:
    """Where every element comes from, found by moving the numbers 1, 2, ...: 0 is from nowhere."""
    if any(isinstance(n.op, Placeholder) and n is not seed for n in topological([node])):
        return None  # positions that are known only when the function runs
    (found,) = interpret([node], {seed: (1 + _numbered(seed)).astype(seed.dtype)[()]})
    return _Move(np.ravel(found).astype(np.int64) - 1, forward=forward)


def _merged(entries: Sequence[Entries], columns: int) -> list[Entries]:
    """Entries in the same places added up; as a pattern, every place once."""
    if entries and entries[0].value is None:
        if len(entries) == 1:
            return list(entries)
        keys = _united(entries, columns)
        return [Entries(keys // columns, keys % columns, None)]
    found: dict[tuple[bytes, bytes], Entries] = {}
    for e in entries:
        if not len(e.rows):
            continue
        key = (e.rows.tobytes(), e.columns.tobytes())
        before = found.get(key)
        if before is not None and before.value is not None and e.value is not None:
            e = Entries(e.rows, e.columns, before.value + e.value)
        found[key] = e
    return list(found.values())
