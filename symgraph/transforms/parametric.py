"""The entries of a Jacobian whose sizes are symbolic: values, rows and columns, from the sizes.

Where the values are formulas they stand in families; else they are read from products with groups
of columns or rows that have nothing in common. Along an axis that stays as it is, or moves by a few
places, few groups do for every size; along any other there are as many as elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np

from symgraph.graph.links import Place, along, everywhere
from symgraph.graph.node import Node, constant, make, topological
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Shape, Size, dim_names, evaluate, product
from symgraph.graph.types import TupleType
from symgraph.ops.checked import checked
from symgraph.ops.create import Arange, Eye
from symgraph.transforms.affine import Known, Unsolved
from symgraph.transforms.blocks import Block, blocks, flat_numbers, flat_place, surely_apart
from symgraph.transforms.families import Family, families, known_of
from symgraph.transforms.jvp import jvp
from symgraph.transforms.labelled import numbers, read
from symgraph.transforms.vjp import vjp
from symgraph.transforms.vmap import vmap

__all__ = ["Found", "by_products", "coordinates", "is_symbolic"]


class Found(NamedTuple):
    """Values with their rows and columns in the flattened output and variable."""

    data: Node
    rows: Node
    columns: Node


def is_symbolic(y: Node, x: Node) -> bool:
    """Whether a size between a variable and a value is symbolic."""
    for node in (x, *topological([y], stop=lambda node: node is x)):
        kind = node.result_type
        for item in kind.items if isinstance(kind, TupleType) else (kind,):
            if any(isinstance(dim, Size) for dim in item.shape):
                return True
    return False


def coordinates(y: Node, x: Node) -> Found:
    """The entries of the Jacobian of `y` by `x`."""
    known = known_of([y, x])
    found = _closed(y, x, known)
    if found is None:
        return by_products(y, x)
    return _guarded(found, known)


def _guarded(found: Found, known: Known) -> Found:
    """Nodes that say what they take for granted, beside what their operations say themselves."""
    nodes: list[Node] = []
    for node in found:
        own = known_of([node])
        holds = [dim for dim in [*known.facts, *known.assumed] if not own.proves(dim)]
        nodes.append(checked(node, *holds))
    return Found(*nodes)


def _closed(y: Node, x: Node, known: Known) -> Found | None:
    try:
        entries = families(y, x, known, closed=True)
        if entries is None:
            return None
        found = blocks(entries, (*y.shape, *x.shape), known)
    except Unsolved:
        return None
    values = [(block.data(y.dtype), block.size) for block in found]
    return _written(found, values, y, x)


def _written(found: Sequence[Block], values: Sequence[tuple[Node, Dim]], y: Node, x: Node) -> Found:
    rows = [flat_numbers(flat_place(b.rows, y.shape), b.lengths) for b in found]
    columns = [flat_numbers(flat_place(b.columns, x.shape), b.lengths) for b in found]
    runs: list[tuple[Node, Dim]] = []
    for value, size in values:
        if runs and runs[-1][0] is value and not value.ndim:
            size = runs.pop()[1] + size
        runs.append((value, size))
    data = [
        apply("ravel" if value.ndim else "broadcast_to", value, *[(size,)] * (not value.ndim))
        for value, size in runs
    ]
    nothing = (np.zeros(0, y.dtype), np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Found(
        *[
            constant(empty) if not parts else parts[0] if len(parts) == 1
            else apply("concatenate", parts)
            for parts, empty in zip((data, rows, columns), nothing, strict=True)
        ]
    )  # fmt: skip


# Products --------------------------------------------------------------------------------------


def by_products(y: Node, x: Node) -> Found:
    """The entries of the Jacobian of `y` by `x`, read from products with groups of directions."""
    known = known_of([y, x])
    found = _pattern(y, x, known)
    forward = _Groups([(b.rows, b.columns) for b in found], x)
    reverse = _Groups([(b.columns, b.rows) for b in found], y)
    if _more(reverse.count, forward.count):
        products, groups, pairs = forward.products(y, _pushed(y, x)), forward, False
    else:
        products, groups, pairs = reverse.products(x, _pulled(y, x)), reverse, True
    values: list[tuple[Node, Dim]] = []
    for block in found:
        sides = (block.columns, block.rows) if pairs else (block.rows, block.columns)
        values.append((groups.entries(products, *sides, block.lengths), block.size))
    return _guarded(_written(found, values, y, x), known)


def _pattern(y: Node, x: Node, known: Known) -> list[Block]:
    """Where entries may be, each place once: of what is read twice the sum would be wrong.

    Where that cannot be told for all sizes: everywhere, but along the axes that stay as they are.
    """
    shape = (*y.shape, *x.shape)
    try:
        entries = cast("list[Family]", families(y, x, known, closed=False))
    except Unsolved:
        return [_everywhere(y, x, None)]
    try:
        found = blocks(entries, shape, known)
        if surely_apart(found, known):
            return found
    except Unsolved:
        pass
    return [_everywhere(y, x, entries)]


def _everywhere(y: Node, x: Node, entries: Sequence[Family] | None) -> Block:
    """All places, but along axes of the variable that run along with one of the value."""
    places = list(everywhere((*y.shape, *x.shape)))
    rows, columns = places[: y.ndim], places[y.ndim :]
    free = set(range(y.ndim))
    for axis, dim in enumerate(x.shape if entries is not None else ()):
        for other in sorted(free):
            pairs = [(e.rows[other], e.columns[axis]) for e in entries or ()]
            if y.shape[other] == dim and all(row == column for row, column in pairs):
                columns[axis] = rows[other]
                free.remove(other)
                break
    order = dict.fromkeys([p for place in (*rows, *columns) for p in place.parameters])
    names = {p: along(i) for i, p in enumerate(order)}
    lengths = dict(enumerate((*y.shape, *x.shape)))
    return Block(
        tuple([lengths[p] for p in order]),
        tuple([place.replaced(names) for place in rows]),
        tuple([place.replaced(names) for place in columns]),
        (),
    )


def _more(a: Dim, b: Dim) -> bool:
    large = dict.fromkeys(dim_names(a) | dim_names(b), 1000)
    return evaluate(a, large) >= evaluate(b, large)


def _pushed(y: Node, x: Node) -> Callable[[Node], Node]:
    return lambda seed: jvp(y, x, seed, unconnected="zero")


def _pulled(y: Node, x: Node) -> Callable[[Node], Node]:
    return lambda seed: vjp(y, x, seed, unconnected="zero")


class _Groups:
    """Groups of elements of a node by which directions are taken, axis by axis.

    `period` has for each axis the number of groups: every so many elements are in one, as the
    entries of a line are no further apart; its size, if every element is one by itself.
    """

    def __init__(
        self, sides: Sequence[tuple[Sequence[Place], Sequence[Place]]], like: Node
    ) -> None:
        self.like = like
        self.period: list[Dim] = [_period(sides, a, like.shape[a]) for a in range(like.ndim)]

    @property
    def count(self) -> Dim:
        """How many there are."""
        return product(self.period)

    def products(self, other: Node, linear: Callable[[Node], Node]) -> Node:
        """What a linear map makes of all groups; one axis for each axis of the node, in front."""
        seeds = constant(np.ones((), self.like.dtype))
        rank = self.like.ndim
        for axis, (period, dim) in enumerate(zip(self.period, self.like.shape, strict=True)):
            if period == 1:
                continue
            group = _groups(period, dim, self.like.dtype)
            gaps = [i for i in range(2 * rank) if i not in (axis, rank + axis)]
            seeds = seeds * apply("expand_dims", group, tuple(gaps))
        shape: Shape = (self.count, *self.like.shape)
        whole = apply("broadcast_to", seeds, (*self.period, *self.like.shape))
        found = vmap(linear)(apply("reshape", whole, shape))
        return apply("reshape", found, (*self.period, *other.shape))

    def entries(
        self,
        products: Node,
        across: Sequence[Place],
        own: Sequence[Place],
        lengths: Sequence[Dim],
    ) -> Node:
        """The entries of a block: in the product of the group of each, where it stands there."""
        runs = dict(enumerate(lengths))
        letters = range(len(lengths))
        if all(
            period in (1, dim) for period, dim in zip(self.period, self.like.shape, strict=True)
        ):
            places = [
                Place(0) if period == 1 else place
                for place, period in zip(own, self.period, strict=True)
            ]
            value = read(products, (*places, *across), runs)
            order = tuple(sorted(value.letters))
            node = apply("transpose", value.node, tuple([value.letters.index(p) for p in order]))
            missing = tuple([p for p in letters if p not in order])
            node = apply("expand_dims", node, missing) if missing else node
            return apply("broadcast_to", node, tuple(lengths))
        index = [
            numbers(place, letters, runs) % period if period != 1 else constant(0)
            for place, period in zip(own, self.period, strict=True)
        ]
        index += [numbers(place, letters, runs) for place in across]
        return apply("broadcast_to", products[tuple(index)], tuple(lengths))


def _groups(period: Dim, dim: Dim, dtype: np.dtype[np.generic]) -> Node:
    """For each group which elements of an axis are in it."""
    if period == dim:
        return make(Eye(dim, dim, 0, dtype))
    first, second = (make(Arange(0, size, 1, np.dtype(np.int64))) for size in (period, dim))
    return (apply("expand_dims", first, 1) == second % period).astype(dtype)


def _period(sides: Sequence[tuple[Sequence[Place], Sequence[Place]]], axis: int, dim: Dim) -> Dim:
    """How many groups an axis takes: as many as entries can stand side by side."""
    best = dim
    ranks = {len(across) for across, _ in sides}
    for other in range(min(ranks, default=0)):
        gaps: set[int] = set()
        for across, own in sides:
            gap = own[axis].plus(across[other], -1)
            if gap.steps or not isinstance(gap.start, int):
                break
            gaps.add(gap.start)
        else:
            span = max(gaps, default=0) - min(gaps, default=0) + 1
            if not isinstance(best, int) or span < best:
                best = span
    return best
