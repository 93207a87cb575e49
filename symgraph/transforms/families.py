"""Entries of Jacobians in families: rows and columns are places that run with parameters.

The walk goes forward, node by node, as that of `symgraph.transforms.sparsity`, but for all sizes
at once: what an operation does to the entries follows from its links, from its partials, or from
those of its transpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.leaves import Item, Placeholder
from symgraph.graph.links import Link, Place, along, everywhere
from symgraph.graph.node import Node, constant, placeholder, topological
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, TupleType
from symgraph.ops.elementwise import AsType, Where, mask_times
from symgraph.ops.kinds import Elementwise, Linear
from symgraph.transforms.affine import Known, Unsolved, solve
from symgraph.transforms.labelled import Labelled, added, masked, multiplied, read, summed
from symgraph.transforms.local import differentiable_operands, fit, partial
from symgraph.transforms.vjp import varying

__all__ = ["Family", "families", "known_of"]


@dataclass(frozen=True)
class Family:
    """Entries of a Jacobian, one for all values of its parameters 0, 1, ...

    Attributes
    ----------
    lengths : tuple of size
        How far each parameter runs.
    rows, columns : tuple of Place
        Along each axis of the value, and of the variable.
    value : Labelled or None
        ``None`` where only the pattern is asked for.
    """

    lengths: tuple[Dim, ...]
    rows: tuple[Place, ...]
    columns: tuple[Place, ...]
    value: Labelled | None

    @property
    def places(self) -> tuple[Place, ...]:
        """Those of the rows and of the columns."""
        return (*self.rows, *self.columns)

    def numbered(self) -> dict[int, Dim]:
        """The lengths by parameter."""
        return dict(enumerate(self.lengths))


def family(
    rows: Sequence[Place],
    columns: Sequence[Place],
    lengths: Mapping[int, Dim],
    values: Sequence[Labelled] | None,
) -> Family:
    """A family in canonical form: parameters in the order in which rows and columns name them.

    The values are multiplied, and summed over parameters that neither rows nor columns have.
    """
    order = dict.fromkeys([p for place in (*rows, *columns) for p in place.parameters])
    number = {p: i for i, p in enumerate(order)}
    names = {p: along(i) for p, i in number.items()}
    value = None
    if values is not None:
        letters, node = summed(values, list(order), lengths)
        value = Labelled(tuple([number[p] for p in letters]), node)
    return Family(
        tuple([lengths[p] for p in order]),
        tuple([place.replaced(names) for place in rows]),
        tuple([place.replaced(names) for place in columns]),
        value,
    )


def known_of(outputs: Iterable[Node]) -> Known:
    """What must hold of sizes for some nodes to exist."""
    facts: dict[Dim, None] = {}
    for node in topological(outputs):
        kind = node.result_type
        for item in kind.items if isinstance(kind, TupleType) else (kind,):
            facts |= dict.fromkeys(item.shape)
        if not isinstance(node.op, Placeholder) and node.inputs:
            types = [x.result_type for x in node.inputs]
            facts |= dict.fromkeys(node.op.requirements(*types))  # pyright: ignore[reportArgumentType]
    return Known([fact for fact in facts if not isinstance(fact, int)])


def families(y: Node, x: Node, known: Known, *, closed: bool) -> list[Family] | None:
    """The entries of the Jacobian of `y` by `x`, with their values if `closed`.

    ``None`` if a value is no formula in elements; never without values.

    Raises
    ------
    Unsolved
        If what an operation does to the entries cannot be decided for all sizes.
    """
    return _Walk(x, known, closed=closed).run(y)


def _start(x: Node, *, closed: bool) -> Family:
    places = everywhere(x.shape)
    one = Labelled((), constant(np.ones((), x.dtype)))
    return family(places, places, dict(enumerate(x.shape)), [one] if closed else None)


_MOST = 400
"""Families of entries of one node, beyond which they are no way to say it shortly."""


class _Walk:
    """One walk from a variable."""

    def __init__(
        self, x: Node, known: Known, *, closed: bool, inside: frozenset[type] = frozenset()
    ) -> None:
        self.x, self.known, self.closed = x, known, closed
        self.inside = inside  # the operations whose transposes are being walked through

    def run(self, y: Node) -> list[Family] | None:
        """The entries of a value."""
        order = topological([y], stop=lambda node: node is self.x)
        vary = varying(order, [self.x])
        found: dict[Node, list[Family]] = {self.x: [_start(self.x, closed=self.closed)]}
        for node in order:
            if node in found or node not in vary:
                continue
            entries = self._of(node, found)
            if entries is None:
                return None
            found[node] = together(entries)
            if len(found[node]) > _MOST:
                if self.closed:
                    return None
                raise Unsolved("too many families")
        return found.get(y, [])

    def _of(self, node: Node, found: Mapping[Node, list[Family]]) -> list[Family] | None:
        """The entries of a node from those of its operands."""
        kind = node.result_type
        if self.closed and not isinstance(kind, TupleType) and kind.dtype.kind == "c":
            return None  # what comes back from there is not the product of the slopes
        if isinstance(kind, TupleType):
            return []  # those of its items are asked for one by one
        whole = node.inputs[0] if isinstance(node.op, Item) else node
        entries: list[Family] = []
        for i in differentiable_operands(whole):
            if whole.inputs[i] in found:
                through = self._through(whole, i, found[whole.inputs[i]], kind)
                if through is None:
                    return None
                entries += through
        return entries

    def _through(
        self, node: Node, operand: int, entries: list[Family], kind: TensorType
    ) -> list[Family] | None:
        if isinstance(node.result_type, TupleType):
            return None if self.closed else self._along_dense(node, operand, entries, kind)
        if isinstance(node.op, Elementwise | Where | AsType):
            if node.inputs[operand].shape != node.shape:
                entries = self._along(_copies(node.inputs[operand], node), entries)
            return [self._scaled(node, operand, e) for e in entries]
        links = self._links(node, operand)
        if links is not None:
            return self._along(links, entries)
        return None if self.closed else self._along_dense(node, operand, entries, kind)

    def _along(self, links: Sequence[Link], entries: Sequence[Family]) -> list[Family]:
        found: list[Family] = []
        for link in links:
            self.known.assume(link.holds)
            found += [e for entry in entries if (e := linked(entry, link, self.known)) is not None]
        return together(found)

    def _scaled(self, node: Node, operand: int, entry: Family) -> Family:
        if entry.value is None or isinstance(node.op, AsType):
            return entry
        lengths = entry.numbered()
        if isinstance(node.op, Where):
            mask = node.inputs[0] if operand == 1 else apply("logical_not", node.inputs[0])
            whole = masked(entry.value, read(mask, entry.rows, lengths), mask_times)
            return replace(entry, value=whole)
        slope = read(partial(node, operand), entry.rows, lengths)
        return replace(entry, value=multiplied(entry.value, slope))

    def _links(self, node: Node, operand: int) -> Sequence[Link] | None:
        declared = node.op.links(node, operand)
        if declared is not None or type(node.op) in self.inside or not isinstance(node.op, Linear):
            return declared
        return self._transposed(node, node.op, operand)

    def _transposed(self, node: Node, op: Linear, operand: int) -> Sequence[Link] | None:
        """The links of what a cotangent goes through, the other way round."""
        seed = placeholder("cotangent", node.shape, node.dtype)
        try:
            back = dict(zip(op.positions(node), op.transpose(node, seed), strict=True))[operand]
        except UnsupportedError:
            return None
        if back is None:
            return None
        walk = _Walk(seed, self.known, closed=True, inside=self.inside | {type(op)})
        try:
            entries = walk.run(fit(back, node.inputs[operand].type))
        except Unsolved:
            return None
        return None if entries is None else [_reversed(entry) for entry in entries]

    def _along_dense(
        self, node: Node, operand: int, entries: list[Family], kind: TensorType
    ) -> list[Family]:
        """Every result depends on everything, but along axes that stay apart."""
        x = node.inputs[operand]
        source: list[Place] = [along(kind.ndim + i) for i in range(x.ndim)]
        target = list(everywhere(kind.shape))
        for axis, own in enumerate(node.op.apart(node, operand, kind)):
            if own is not None and x.shape[own] == kind.shape[axis]:
                source[own] = target[axis]
        link = Link((*kind.shape, *x.shape), tuple(source), tuple(target))
        return self._along([link], entries)


def _copies(operand: Node, node: Node) -> Sequence[Link]:
    """The links of broadcasting."""
    whole = apply("broadcast_to", operand, node.shape)
    return cast("Sequence[Link]", whole.op.links(whole, 0))


def _reversed(entry: Family) -> Link:
    value = cast("Labelled", entry.value)
    constant_one = not value.letters and getattr(value.node.op, "value", None) == 1
    factor = (value.node, tuple(map(along, value.letters)))
    return Link(entry.lengths, entry.rows, entry.columns, () if constant_one else (factor,))


def linked(entry: Family, link: Link, known: Known) -> Family | None:
    """The entries of a result, from those of the operand; ``None`` if there are none."""
    first = len(entry.lengths)
    names = {i: along(first + i) for i in range(len(link.lengths))}
    source, target = ([p.replaced(names) for p in places] for places in (link.source, link.target))
    equations = [row.plus(place, -1) for row, place in zip(entry.rows, source, strict=True)]
    found = solve(equations, dict(enumerate((*entry.lengths, *link.lengths))), known)
    if found is None:
        return None

    def moved(places: Iterable[Place]) -> list[Place]:
        return [place.replaced(found.values) for place in places]

    values = None
    if entry.value is not None:
        letters, node = entry.value
        values = [read(node, moved(map(along, letters)), found.lengths)]
        for factor, places in link.factors:
            at = moved([place.replaced(names) for place in places])
            values.append(read(factor, at, found.lengths))
    return family(moved(target), moved(entry.columns), found.lengths, values)


def together(entries: Sequence[Family]) -> list[Family]:
    """Families with the same places added up."""
    found: dict[object, Family] = {}
    for entry in entries:
        if any(isinstance(length, int) and length == 0 for length in entry.lengths):
            continue
        key = (entry.lengths, entry.rows, entry.columns)
        before = found.get(key)
        if before is not None and before.value is not None and entry.value is not None:
            entry = replace(entry, value=added(before.value, entry.value))
        found[key] = entry
    return list(found.values())
