"""Equations between places, solved for all sizes at once, or not at all.

What is known of sizes is that some of them are not negative (the sizes of arrays, and what
operations require); a comparison that does not follow is taken to come out as it does for large
sizes, and noted, so that a call with smaller ones is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from symgraph.graph.links import Place, fixed
from symgraph.graph.sizes import Dim, Size, as_product, dim_names

__all__ = ["Known", "Solution", "Unsolved", "bounds", "solve"]

_NUMBERS = count(1000)


def _fresh() -> int:
    """A parameter that is no other."""
    return next(_NUMBERS)


class Unsolved(Exception):  # noqa: N818 - the answer "not this way", no error of the user's
    """A comparison or an equation that cannot be decided for all sizes."""


_LARGE = 64


class Known:
    """What is known of sizes.

    Parameters
    ----------
    facts : iterable of size
        What is not negative.
    """

    def __init__(self, facts: Iterable[Dim]) -> None:
        self.least: dict[str, int] = {}
        self.facts: list[Dim] = []
        self.exact: set[tuple[Dim, int]] = set()
        self.assumed: dict[Dim, None] = {}
        self.strict = False
        self._proved: dict[Dim, bool] = {}
        self._longer: dict[tuple[Dim, ...], Known] = {}
        for fact in facts:
            self._learn(fact)

    def _learn(self, fact: Dim) -> None:
        if isinstance(fact, int) or fact in self.facts:
            return
        self.facts.append(fact)
        self._proved.clear()
        self._longer.clear()
        terms = dict(fact.terms)
        start = terms.pop((), 0)
        if len(terms) != 1:
            return
        ((monomial, factor),) = terms.items()
        (atom, power) = monomial[0]
        if len(monomial) != 1 or power != 1:
            return
        if isinstance(atom, str):
            if factor > 0:
                self.least[atom] = max(self.least.get(atom, 0), -(start // factor))
        elif atom.symbol == "%" and factor < 0 and start == 0 and isinstance(atom.denominator, int):
            self.exact.add((atom.numerator, atom.denominator))

    def running(self, lengths: Iterable[Dim]) -> Known:
        """With the facts that these lengths are not 0: elsewhere there is nothing to know."""
        key = tuple(dict.fromkeys([length for length in lengths if not isinstance(length, int)]))
        if key not in self._longer:
            longer = [length - 1 for length in key]
            found = self
            if not all(self.proves(length) for length in longer):
                found = Known([*self.facts, *longer])
                found.assumed, found.strict = self.assumed, self.strict
            self._longer[key] = found
        return self._longer[key]

    def strictly(self) -> Known:
        """The same facts, to be asked what follows from them and nothing else."""
        found = Known(self.facts)
        found.strict = True
        return found

    def assume(self, dims: Iterable[Dim]) -> None:
        """Note what must not be negative when the function is called."""
        for dim in dims:
            if not self.proves(dim):
                self.assumed[dim] = None
                self._learn(dim)

    def proves(self, dim: Dim) -> bool:
        """Whether a size is not negative wherever the facts hold."""
        if isinstance(dim, int):
            return dim >= 0
        answer = self._proved.get(dim)
        if answer is None:
            answer = self._proved[dim] = self._follows(dim, self.least) or any(
                self._follows(dim - fact, self.least) for fact in self.facts
            )
        return answer

    def decide(self, dim: Dim) -> bool:
        """Whether a size is not negative: by proof, else for all large sizes, which is noted.

        Raises
        ------
        Unsolved
            If it depends on which size is the larger.
        """
        if self.proves(dim):
            return True
        if self.proves(-dim - 1):
            return False
        if self.strict:
            raise Unsolved(str(dim))
        large = dict.fromkeys(dim_names(dim), _LARGE)
        for answer, said in ((True, dim), (False, -dim - 1)):
            if self._follows(said, large):
                self.assume([said])
                return answer
        raise Unsolved(str(dim))

    def greater(self, a: Dim, b: Dim) -> Dim:
        """The greater one of two sizes."""
        return a if self.decide(a - b) else b

    def smaller(self, a: Dim, b: Dim) -> Dim:
        """The smaller one of two sizes."""
        return b if self.decide(a - b) else a

    def same(self, a: Dim, b: Dim) -> bool:
        """Whether two sizes are surely equal."""
        return a == b or (self.proves(a - b) and self.proves(b - a))

    def _follows(self, dim: Dim, least: Mapping[str, int]) -> bool:
        """Whether no coefficient is negative, where names are counted from their least value."""
        dim = self._without_quotients(dim)
        if isinstance(dim, int):
            return dim >= 0
        total: Dim = 0
        for monomial, coefficient in dim.terms:
            term: Dim = coefficient
            for atom, power in monomial:
                one = as_product(((atom, power),), 1)
                if isinstance(atom, str):
                    one = (as_product(((atom, 1),), 1) + least.get(atom, 0)) ** power
                term = term * one
            total = total + term
        return total >= 0 if isinstance(total, int) else all(c >= 0 for _, c in total.terms)

    def _without_quotients(self, dim: Dim) -> Dim:
        """A multiple, or less, of a size, without ``a // 3`` and ``a % 3``."""
        while isinstance(dim, Size):
            found = next(
                (
                    (monomial, place)
                    for monomial, _ in dim.terms
                    for place, (atom, power) in enumerate(monomial)
                    if not isinstance(atom, str)
                    and power == 1
                    and isinstance(atom.denominator, int)
                ),
                None,
            )
            if found is None:
                return dim
            monomial, place = found
            atom = monomial[place][0]
            assert not isinstance(atom, str)
            assert isinstance(atom.denominator, int)
            factor = dict(dim.terms)[monomial]
            others = as_product((*monomial[:place], *monomial[place + 1 :]), 1)
            rest = dim - as_product(monomial, factor)
            by, top = atom.denominator, atom.numerator
            slack = 0 if (top, by) in self.exact else by - 1
            if atom.symbol == "%":
                dim = rest + (0 if factor > 0 else others * (factor * slack))
            else:
                dim = rest * by + others * factor * (top - (slack if factor > 0 else 0))
        return dim


class Solution:
    """Parameters as places in those that are left, and how far these run."""

    def __init__(self, lengths: Mapping[int, Dim]) -> None:
        self.lengths: dict[int, Dim] = dict(lengths)
        self.values: dict[int, Place] = {}

    def put(self, parameter: int, place: Place) -> None:
        """Replace a parameter."""
        one = {parameter: place}
        self.values = {p: value.replaced(one) for p, value in self.values.items()}
        self.values[parameter] = place
        del self.lengths[parameter]

    def narrow(self, parameter: int, low: Dim, high: Dim, known: Known) -> bool:
        """Let a parameter run from `low` to before `high` only; false if nothing is left."""
        if known.proves(low - high) or not known.decide(high - low):
            return False
        if low == 0 and high == self.lengths[parameter]:
            return True
        if high - low == 1:
            self.put(parameter, fixed(low))
            return True
        inner = _fresh()
        self.lengths[inner] = high - low
        self.put(parameter, Place(low, ((inner, 1),)))
        return True


def solve(equations: Sequence[Place], lengths: Mapping[int, Dim], known: Known) -> Solution | None:
    """All values of the parameters for which some places are 0; ``None`` if there are none.

    Parameters
    ----------
    equations : sequence of Place
    lengths : mapping
        How far each parameter runs, from 0; at least to 1.
    known : Known

    Raises
    ------
    Unsolved
        If the values are no box, or it cannot be decided for all sizes.
    """
    if any(isinstance(e.start, int) and e.start and not e.steps for e in equations):
        return None
    found = Solution(lengths)
    known = known.running(lengths.values())
    for parameter, length in lengths.items():
        if isinstance(length, int) and length == 1:
            found.put(parameter, fixed(0))
    pending = list(equations)
    while pending:
        later: list[Place] = []
        progress = False
        for equation in pending:
            equation = equation.replaced(found.values)
            answer = _step(equation, found, known)
            if answer is False:
                return None
            if answer is None:
                later.append(equation)
                continue
            progress = True
            if answer is not True:
                later += answer
        if later and not progress:
            raise Unsolved(str(later))
        pending = later
    return found


def _step(equation: Place, found: Solution, known: Known) -> bool | list[Place] | None:
    """One step: true or what is left to solve, false if it cannot hold, ``None`` if not yet."""
    if not equation.steps:
        return _constant(equation.start, known)
    if _put_whole(equation, found, known):
        return True
    if len(equation.steps) == 1:
        return _fixed(equation, found, known)
    if len(equation.steps) == 2:
        answer = _pair(equation, found, known)
        if answer is not None:
            return answer
    return _split(equation, found, known)


def _constant(start: Dim, known: Known) -> bool:
    if isinstance(start, int):
        return start == 0
    if known.same(start, 0):
        return True
    if known.decide(start - 1) or known.decide(-start - 1):
        return False
    raise Unsolved(str(start))


def bounds(place: Place, lengths: Mapping[int, Dim], known: Known) -> tuple[Dim, Dim] | None:
    """The least and the greatest value; ``None`` if the sign of a step is not known."""
    low = high = place.start
    for parameter, step in place.steps:
        reach = step * (lengths[parameter] - 1)
        if known.proves(step):
            high = high + reach
        elif known.proves(-step):
            low = low + reach
        else:
            return None
    return low, high


def _put_whole(equation: Place, found: Solution, known: Known) -> bool:
    """Solve for a parameter whose value then lies in its range, whatever the others are."""
    for parameter, step in equation.steps:
        if step not in (1, -1):
            continue
        # step * p + rest = 0 with step 1 or -1
        rest = equation.plus(Place(0, ((parameter, step),)), -1)
        value = Place(0).plus(rest, -step)
        ends = bounds(value, found.lengths, known)
        if ends is None:
            continue
        low, high = ends
        if known.proves(low) and known.proves(found.lengths[parameter] - 1 - high):
            found.put(parameter, value)
            return True
    return False


def _exactly(a: Dim, b: Dim) -> Dim | None:
    """The quotient of two sizes; ``None`` if none is known, and false division is no answer."""
    rest = a % b
    return a // b if isinstance(rest, int) and rest == 0 else None


def _never(a: Dim, b: Dim) -> bool:
    """Whether a is no multiple of b, both numbers."""
    return isinstance(a, int) and isinstance(b, int) and a % b != 0


def _fixed(equation: Place, found: Solution, known: Known) -> bool:
    ((parameter, step),) = equation.steps
    value = _exactly(-equation.start, step)
    if value is None:
        if _never(equation.start, step):
            return False
        raise Unsolved(str(equation))
    if not known.decide(value) or not known.decide(found.lengths[parameter] - 1 - value):
        return False
    found.put(parameter, fixed(value))
    return True


def _pair(equation: Place, found: Solution, known: Known) -> bool | None:
    """``s * p + r * q + c = 0``, where one step divides the other."""
    (p, s), (q, r) = equation.steps
    if _exactly(r, s) is None:
        (p, s), (q, r) = (q, r), (p, s)
    ratio, start = _exactly(-r, s), _exactly(-equation.start, s)
    if ratio is None:
        return None
    if start is None:
        return False if _never(equation.start, s) and isinstance(r, int) else None
    if not isinstance(ratio, int):
        return None
    # p = ratio * q + start, which must lie between 0 and its last value.
    last = found.lengths[p] - 1
    low, high = (-start, last - start) if ratio > 0 else (start - last, start)
    by = abs(ratio)
    low, high = (low + by - 1) // by, high // by + 1
    if not found.narrow(q, known.greater(0, low), known.smaller(found.lengths[q], high), known):
        return False
    inner = found.values.get(q, Place(0, ((q, 1),)))
    found.put(p, Place(start).plus(inner, ratio))
    return True


def _split(equation: Place, found: Solution, known: Known) -> list[Place] | None:
    """``m * a + b = 0`` with ``-m < b < m``: then a and b are both 0."""
    for _, step in equation.steps:
        size = step if known.proves(step) else -step
        if not known.proves(size - 1):
            continue
        whole, rest = Place(0), Place(0)
        for parameter, other in equation.steps:
            ratio = _exactly(other, size)
            if ratio is None:
                rest = rest.plus(Place(0, ((parameter, 1),)), other)
            else:
                whole = whole.plus(Place(0, ((parameter, 1),)), ratio)
        if not rest.steps:
            ratio = _exactly(equation.start, size)
            if ratio is not None and size != 1:
                return [whole.plus(fixed(ratio))]
            continue
        for part in _starts(equation.start, size):
            b = rest.plus(fixed(equation.start - part * size))
            ends = bounds(b, found.lengths, known)
            if ends is None:
                continue
            low, high = ends
            if known.proves(low + size - 1) and known.proves(size - 1 - high):
                return [whole.plus(fixed(part)), b]
    return None


def _starts(start: Dim, size: Dim) -> list[Dim]:
    """Ways to share a start between multiples of a size and what is less."""
    whole = start // size
    if isinstance(whole, int) or not isinstance(size, Size):
        return [whole, whole + 1]
    return [0, *_nearest(start, size)]


def _nearest(start: Dim, size: Size) -> list[Dim]:
    """Quotients of the terms that are multiples of the size."""
    total: Dim = 0
    if isinstance(start, Size):
        for monomial, coefficient in start.terms:
            quotient = _exactly(as_product(monomial, coefficient), size)
            total = total + (quotient if quotient is not None else 0)
    return [total, total + 1, total - 1]
