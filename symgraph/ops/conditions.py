"""Combinations of masks as truth tables: what must hold, whichever way it is written.

``~(a & b)``, ``~a | ~b`` and ``where`` inside ``where`` are the same condition of the same two
masks. A condition is the list of the masks that are no combination themselves, its atoms, and one
bit for each assignment of them; few atoms make one table a small integer.

An atom lies along some axes of the array that it is a condition of, wherever a reshape or transpose
has put it. Axes are counted from the last, so that broadcasting does not change them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.ops.kinds import Elementwise, Linear

__all__ = ["ALWAYS", "NEVER", "Condition", "Conditions"]

MOST_ATOMS = 8
"""In one condition: a table has two to the power of this many bits."""


class Condition(NamedTuple):
    """What some masks must be.

    Attributes
    ----------
    atoms : tuple of int
        Numbers of masks, ascending; each of them matters.
    table : int
        Bit j tells whether the condition holds where the i-th atom is bit i of j.
    """

    atoms: tuple[int, ...]
    table: int


class Atom(NamedTuple):
    """A mask, and the axes along which it lies; ``None`` for one of size one."""

    mask: Node
    axes: tuple[int | None, ...]


ALWAYS = Condition((), 1)
NEVER = Condition((), 0)

Cube = tuple[tuple[int, bool], ...]
"""Atoms and what they must be, all of them."""

_COMBINED = {
    "logical_and": "and",
    "bitwise_and": "and",
    "logical_or": "or",
    "bitwise_or": "or",
    "logical_not": "not",
    "invert": "not",
    "logical_xor": "xor",
    "bitwise_xor": "xor",
}
_TURNED = {"less": "greater", "less_equal": "greater_equal"}


class Conditions:
    """The conditions that the masks of a graph make.

    Every mask must stay alive as long as this.
    """

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self.written: dict[Condition, list[Node]] = {}
        self._keys: dict[Node, tuple[str | int, ...]] = {}
        self._numbers: dict[tuple[tuple[str | int, ...], tuple[int | None, ...]], int] = {}
        self._known: dict[Node, Condition] = {}
        self._combined: dict[tuple[str, Condition, Condition], Condition | None] = {}
        self._moved: dict[tuple[Condition, tuple[int | None, ...]], Condition] = {}

    def of(self, mask: Node) -> Condition:
        """What a mask of booleans asks for."""
        stack = [mask]
        while stack:
            node = stack[-1]
            if node not in self._known:
                kind = _kind(node)
                missing = [x for x in node.inputs if x not in self._known] if kind else []
                if missing:
                    stack += missing
                    continue
                found = self._known[node] = self._whole(node, kind)
                self.written.setdefault(found, []).append(node)
            stack.pop()
        return self._known[mask]

    def known(self, node: Node) -> Condition | None:
        """That of a mask which has been asked for."""
        return self._known.get(node)

    def _whole(self, node: Node, kind: str) -> Condition:
        if not kind:
            return self._atom(node)
        if kind == "constant":
            assert isinstance(node.op, Constant)
            return ALWAYS if node.op.value else NEVER
        parts = [self._known[x] for x in node.inputs]
        if kind == "moved":
            found = self._rearranged(node, parts[0])
        elif kind == "not":
            found = self.opposite(parts[0])
        else:
            found = self.combined(kind, *parts)
        return self._atom(node) if found is None else found

    def _rearranged(self, node: Node, condition: Condition) -> Condition | None:
        """Of a view: exactly the condition, or nothing."""
        ndim = node.inputs[0].ndim
        places: list[int | None] = [None] * ndim
        for place, axis in enumerate(node.op.apart(node, 0, node.type)):
            if axis is not None:
                places[axis] = place - node.ndim
        lost = {axis - ndim for axis, place in enumerate(places) if place is None}
        if any(lost.intersection(self.atoms[a].axes) for a in condition.atoms):
            return None
        return self.moved(condition, tuple(places))

    def _atom(self, node: Node) -> Condition:
        name, operands = node.op.name, [id(x) for x in node.inputs]
        if name in _TURNED:
            name, operands = _TURNED[name], operands[::-1]
        negated = name == "not_equal"
        if name in ("equal", "not_equal"):
            name, operands = "equal", sorted(operands)
        elif name not in _TURNED.values():
            name, operands = "", [id(node)]
        places = [None if dim == 1 else i - node.ndim for i, dim in enumerate(node.shape)]
        self._keys[node] = (name, *operands)
        number = self._number(Atom(node, tuple(places)))
        opposite = negated != (self.atoms[number].mask.op.name == "not_equal")
        return Condition((number,), 0b01 if opposite else 0b10)

    def _number(self, atom: Atom) -> int:
        number = self._numbers.setdefault((self._keys[atom.mask], atom.axes), len(self.atoms))
        if number == len(self.atoms):
            self.atoms.append(atom)
        return number

    def moved(self, condition: Condition, places: tuple[int | None, ...]) -> Condition:
        """The condition of another array, of whose axes the old ones become those at `places`.

        It holds wherever that of the old array may hold: atoms along lost axes are left out.
        """
        key = (condition, places)
        if key not in self._moved:
            numbers: dict[int, int] = {}
            for number in condition.atoms:
                mask, axes = self.atoms[number]
                onto = tuple([None if axis is None else places[axis] for axis in axes])
                long = {axis for axis in onto if axis is not None}
                if len(long) == sum(axis is not None for axis in axes):
                    numbers[number] = self._number(Atom(mask, onto))
            self._moved[key] = _renumbered(weaker(condition, numbers), numbers)
        return self._moved[key]

    # Algebra --------------------------------------------------------------------------------------

    def combined(self, kind: str, first: Condition, second: Condition) -> Condition | None:
        """By ``"and"``, ``"or"`` or ``"xor"``; ``None`` if there are too many atoms."""
        key = (kind, first, second)
        if key not in self._combined:
            atoms = tuple(sorted({*first.atoms, *second.atoms}))
            if len(atoms) > MOST_ATOMS:
                self._combined[key] = None
            else:
                a, b = _over(first, atoms), _over(second, atoms)
                table = a & b if kind == "and" else a | b if kind == "or" else a ^ b
                self._combined[key] = _reduced(Condition(atoms, table))
        return self._combined[key]

    def opposite(self, condition: Condition) -> Condition:
        """Where it does not hold."""
        return Condition(condition.atoms, condition.table ^ _full(len(condition.atoms)))

    def both(self, first: Condition, second: Condition) -> Condition:
        """That both hold; only the first, if there are too many atoms."""
        found = self.combined("and", first, second)
        return first if found is None else found

    def either(self, first: Condition, second: Condition) -> Condition:
        """That one holds; of what only one asks for some is left out, if there are too many."""
        found = self.combined("or", first, second)
        shared = {*first.atoms} & {*second.atoms}
        extra = sorted({*first.atoms, *second.atoms} - shared)
        while found is None:
            extra = extra[: len(extra) // 2]
            kept = {*shared, *extra}
            first, second = weaker(first, kept), weaker(second, kept)
            found = self.combined("or", first, second)
        return found

    def implies(self, first: Condition, second: Condition) -> bool:
        """Whether the second holds wherever the first does."""
        return first == second or self.combined("and", first, self.opposite(second)) == NEVER

    # As a mask ------------------------------------------------------------------------------------

    def mask(
        self, condition: Condition, image: Mapping[Node, Node], usable: Callable[[Node], bool]
    ) -> tuple[Node, bool]:
        """A mask, made of usable ones and their images, and what it must be.

        The condition is neither `ALWAYS` nor `NEVER`, and its atoms are usable.
        """
        turned = self.opposite(condition)
        for wanted, form in ((True, condition), (False, turned)):
            for written in self.written.get(form, ()):
                if written in image and usable(written):
                    return image[written], wanted
        covers = [cover(condition), cover(turned)]
        costs = [sum(map(len, cubes)) for cubes in covers]
        wanted = costs[0] <= costs[1]
        parts = [self._product(cube, image) for cube in covers[not wanted]]
        if len(parts) == 1 and not parts[0][1]:
            return parts[0][0], not wanted
        whole = [mask if holds else apply("logical_not", mask) for mask, holds in parts]
        return _chain("logical_or", whole), wanted

    def _placed(self, atom: int, image: Mapping[Node, Node]) -> Node:
        mask, axes = self.atoms[atom]
        return placed(image[mask], axes)

    def _product(self, cube: Cube, image: Mapping[Node, Node]) -> tuple[Node, bool]:
        """A mask for atoms of which all count, and what it must be."""
        holding = [self._placed(atom, image) for atom, wanted in cube if wanted]
        failing = [self._placed(atom, image) for atom, wanted in cube if not wanted]
        if not holding:
            return _chain("logical_or", failing), False
        outside = [apply("logical_not", _chain("logical_or", failing))] if failing else []
        return _chain("logical_and", [*holding, *outside]), True


def placed(mask: Node, axes: Sequence[int | None]) -> Node:
    """A mask whose axes lie where they shall, of size one between them."""
    if all(axis is None or axis == i - mask.ndim for i, axis in enumerate(axes)):
        return mask
    short = tuple([i for i, axis in enumerate(axes) if axis is None])
    mask = apply("squeeze", mask, short) if short else mask
    long = [axis for axis in axes if axis is not None]
    order = sorted(range(len(long)), key=lambda i: long[i])
    if order != list(range(len(long))):
        mask = apply("transpose", mask, tuple(order))
    missing = [axis for axis in range(min(long), 0) if axis not in long]
    return apply("expand_dims", mask, tuple(missing)) if missing else mask


def _chain(name: str, masks: Sequence[Node]) -> Node:
    return reduce(lambda a, b: apply(name, a, b), masks)


def _kind(node: Node) -> str:
    """How a mask is made of others; nothing if it is not."""
    if isinstance(node.op, Constant) and not node.ndim:
        return "constant"
    if not all(x.dtype.kind == "b" for x in node.inputs):
        return ""
    op = node.op
    if isinstance(op, Linear):
        return "moved" if op.moves and op.views else ""
    return _COMBINED.get(op.name, "") if isinstance(op, Elementwise) else ""


def weaker(condition: Condition, kept: Collection[int]) -> Condition:
    """What holds wherever the condition does, and asks for nothing but the atoms to keep."""
    gone = [i for i, atom in enumerate(condition.atoms) if atom not in kept]
    if not gone:
        return condition
    atoms, table = list(condition.atoms), condition.table
    for i in reversed(gone):
        low, high = _halves(table, i, len(atoms))
        del atoms[i]
        table = low | high
    return _reduced(Condition(tuple(atoms), table))


def difference(condition: Condition, atom: int) -> Condition:
    """Where an atom decides whether the condition holds."""
    place, count = condition.atoms.index(atom), len(condition.atoms)
    low, high = _halves(condition.table, place, count)
    others = (*condition.atoms[:place], *condition.atoms[place + 1 :])
    return _reduced(Condition(others, low ^ high))


def _renumbered(condition: Condition, numbers: Mapping[int, int]) -> Condition:
    onto = [numbers[atom] for atom in condition.atoms]
    atoms = tuple(sorted(set(onto)))
    if atoms == tuple(onto):
        return Condition(atoms, condition.table)
    places = [atoms.index(atom) for atom in onto]
    table = 0
    for j in range(1 << len(atoms)):
        old = sum((j >> place & 1) << i for i, place in enumerate(places))
        table |= (condition.table >> old & 1) << j
    return _reduced(Condition(atoms, table))


# Tables -------------------------------------------------------------------------------------------


def _full(count: int) -> int:
    return (1 << (1 << count)) - 1


def _halves(table: int, place: int, count: int) -> tuple[int, int]:
    """The tables of the other atoms, where this one is false and where it is true."""
    width = 1 << place
    block = (1 << width) - 1
    low = high = 0
    for i in range(1 << (count - 1 - place)):
        low |= (table >> (2 * i * width) & block) << (i * width)
        high |= (table >> ((2 * i + 1) * width) & block) << (i * width)
    return low, high


def _over(condition: Condition, atoms: tuple[int, ...]) -> int:
    """The table over more atoms."""
    table, own = condition.table, set(condition.atoms)
    for place, atom in enumerate(atoms):
        if atom in own:
            continue
        # Those before it are in the table already, in order.
        count = place + sum(a in own for a in atoms[place:])
        width = 1 << place
        block, wide = (1 << width) - 1, 0
        for i in range(1 << (count - place)):
            part = table >> (i * width) & block
            wide |= (part | part << width) << (2 * i * width)
        table = wide
    return table


def _reduced(condition: Condition) -> Condition:
    """Without atoms that do not matter."""
    atoms, table = list(condition.atoms), condition.table
    for i in reversed(range(len(atoms))):
        low, high = _halves(table, i, len(atoms))
        if low == high:
            del atoms[i]
            table = low
    return Condition(tuple(atoms), table)


def cover(condition: Condition) -> list[Cube]:
    """Products of atoms of which one holds wherever the condition does; none can be left out.

    The irredundant sum of products of S. Minato, "Fast generation of irredundant sum-of-products
    forms from binary decision diagrams", SASIMI 1992.

    Examples
    --------
    >>> cover(Condition((3, 5), 0b1110))
    [((3, True),), ((5, True),)]
    """
    atoms = condition.atoms
    products, _ = _cover(condition.table, condition.table, len(atoms))
    return [
        tuple([(atoms[i], wanted) for i, wanted in sorted(product.items())]) for product in products
    ]


def _cover(least: int, most: int, count: int) -> tuple[list[dict[int, bool]], int]:
    """Products between two tables, and their table."""
    if not least:
        return [], 0
    if most == _full(count):
        return [{}], most
    place, half = count - 1, 1 << (count - 1)
    block = (1 << half) - 1
    low, high = least & block, least >> half
    most_low, most_high = most & block, most >> half
    without, low_table = _cover(low & ~most_high, most_low, place)
    within, high_table = _cover(high & ~most_low, most_high, place)
    rest = (low & ~low_table) | (high & ~high_table)
    anywhere, table = _cover(rest, most_low & most_high, place)
    products = [
        *anywhere,
        *[{**product, place: False} for product in without],
        *[{**product, place: True} for product in within],
    ]
    return products, low_table | table | (high_table | table) << half
