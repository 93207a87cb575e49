"""Which elements of an operand an element of a result takes: places that run with parameters.

A `Link` says it for a whole family of pairs at once, with sizes that may be symbolic: for all
values of some parameters, the element of the operand at one place, and that of the result at
another. Places are affine: along each axis a start, and a step for each parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, Shape

if TYPE_CHECKING:
    from symgraph.graph.node import Node

__all__ = ["Link", "Place", "along", "everywhere", "fixed", "regrouped"]


@record
class Place:
    """A position along one axis: ``start + step * t`` summed over parameters ``t``.

    Examples
    --------
    >>> Place(1, ((0, 2),)).replaced({0: Place(3, ((5, 1),))})
    Place(start=7, steps=((5, 2),))
    """

    start: Dim
    steps: tuple[tuple[int, Dim], ...] = ()

    @staticmethod
    def summed(start: Dim, terms: Sequence[tuple[int, Dim]]) -> Place:
        """The canonical form: each parameter once, in order, none with step 0."""
        steps: dict[int, Dim] = {}
        for parameter, step in terms:
            steps[parameter] = steps.get(parameter, 0) + step
        kept = [(p, s) for p, s in sorted(steps.items()) if not (isinstance(s, int) and s == 0)]
        return Place(start, tuple(kept))

    def plus(self, other: Place, times: Dim = 1) -> Place:
        """``self + times * other``."""
        terms = [*self.steps, *[(p, s * times) for p, s in other.steps]]
        return Place.summed(self.start + other.start * times, terms)

    def replaced(self, values: Mapping[int, Place]) -> Place:
        """With places for parameters."""
        if not any(p in values for p, _ in self.steps):
            return self
        result = Place(self.start)
        for parameter, step in self.steps:
            result = result.plus(values.get(parameter, along(parameter)), step)
        return result

    @property
    def parameters(self) -> list[int]:
        """Those that it runs with."""
        return [p for p, _ in self.steps]


@record
class Link:
    """Pairs of elements: of an operand, and of the result that it goes to.

    Attributes
    ----------
    lengths : tuple of size
        How far each parameter runs, from 0; the parameters are the numbers 0, 1, ...
    source, target : tuple of Place
        Along each axis of the operand, and of the result.
    factors : tuple of (Node, tuple of Place)
        Elements of other nodes by which it is multiplied on the way.
    holds : tuple of size
        What must not be negative for this to be so.
    """

    lengths: Shape
    source: tuple[Place, ...]
    target: tuple[Place, ...]
    factors: tuple[tuple[Node, tuple[Place, ...]], ...] = ()
    holds: tuple[Dim, ...] = ()

    def replaced(self, values: Mapping[int, Place], lengths: Sequence[Dim]) -> Link:
        """With places for parameters, and other lengths."""

        def moved(places: tuple[Place, ...]) -> tuple[Place, ...]:
            return tuple([place.replaced(values) for place in places])

        factors = tuple([(node, moved(places)) for node, places in self.factors])
        return Link(tuple(lengths), moved(self.source), moved(self.target), factors, self.holds)


def along(parameter: int, start: Dim = 0, step: Dim = 1) -> Place:
    """A place that runs with one parameter."""
    return Place(start, ((parameter, step),))


def fixed(start: Dim) -> Place:
    """A place that does not run."""
    return Place(start)


def everywhere(shape: Shape) -> tuple[Place, ...]:
    """All elements of an array, a parameter for each axis; of axes of size one the only place."""
    return tuple([fixed(0) if dim == 1 else along(i) for i, dim in enumerate(shape)])


def regrouped(before: Shape, after: Shape) -> Link | None:
    """The elements in C order in another shape; ``None`` if the sizes have no common parts.

    Examples
    --------
    >>> regrouped((4, 6), (8, 3)).lengths
    (4, 2, 3)
    """
    first, second = ([d for d in shape if d != 1] for shape in (before, after))
    rows = [_Side(dim) for dim in first]
    columns = [_Side(dim) for dim in second]
    lengths: list[Dim] = []
    i, j = len(rows) - 1, len(columns) - 1
    while i >= 0 and j >= 0:
        left, right = rows[i], columns[j]
        common = _common(left.rest, right.rest)
        if common is None:
            return None
        parameter = len(lengths)
        lengths.append(common)
        i -= left.take(parameter, common)
        j -= right.take(parameter, common)
    if i >= 0 or j >= 0:
        return None
    # Named in the order of the axes, so that the last runs fastest.
    order = {p: Place(0, ((len(lengths) - 1 - p, 1),)) for p in range(len(lengths))}
    sides = [iter([side.place.replaced(order) for side in group]) for group in (rows, columns)]
    source, target = (
        tuple([fixed(0) if dim == 1 else next(side) for dim in shape])
        for side, shape in zip(sides, (before, after), strict=True)
    )
    return Link(tuple(lengths[::-1]), source, target)


class _Side:
    """What is left of a size that is being split into parts, the fastest first."""

    def __init__(self, size: Dim) -> None:
        self.rest: Dim = size
        self.stride: Dim = 1
        self.place = fixed(0)

    def take(self, parameter: int, length: Dim) -> bool:
        """Split off one part; whether nothing is left."""
        self.place = self.place.plus(along(parameter), self.stride)
        self.stride = self.stride * length
        self.rest = _quotient(self.rest, length)
        return self.rest == 1


def _quotient(size: Dim, part: Dim) -> Dim:
    return 1 if size == part else size // part


def _common(a: Dim, b: Dim) -> Dim | None:
    """The part that two sizes have in common: the one that divides the other."""
    if a == b:
        return a
    for part, whole in ((a, b), (b, a)):
        if isinstance(part, int) and part == 0:
            return None
        rest = whole % part
        if isinstance(rest, int) and rest == 0:
            return part
    # n against 3, of an array whose n elements are known to be a multiple of 3.
    for part, whole in ((a, b), (b, a)):
        if isinstance(part, int) and not isinstance(whole, int):
            return part
    return None
