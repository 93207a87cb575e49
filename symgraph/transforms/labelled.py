"""Arrays whose axes belong to parameters: read at places that run, multiplied, summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any, NamedTuple

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.links import Place
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.ops.contract import contract
from symgraph.ops.create import Arange
from symgraph.transforms.local import scale

__all__ = ["Labelled", "added", "multiplied", "numbers", "read", "spread", "summed"]


class Labelled(NamedTuple):
    """A value, and for each of its axes the parameter that it belongs to, each once."""

    letters: tuple[int, ...]
    node: Node


def read(node: Node, places: Sequence[Place], lengths: Mapping[int, Dim]) -> Labelled:
    """The elements of an array at places that run; the array may broadcast to their number."""
    while node.op.name == "broadcast_to":
        (node,) = node.inputs
    own = list(places[len(places) - node.ndim :])
    for i, dim in enumerate(node.shape):
        if isinstance(dim, int) and dim == 1:
            own[i] = Place(0)
    index: list[Any] = []
    turned: list[Any] = []
    letters: list[tuple[int, ...]] = []
    for place, dim in zip(own, node.shape, strict=True):
        if not place.steps:
            index.append(place.start)
            continue
        entry = _slice(place, dim, lengths)
        if entry is None:
            return _gathered(node, own, lengths)
        index.append(entry[0])
        turned.append(slice(None, None, -1) if entry[1] else slice(None))
        letters.append(tuple([p for p, _ in _slowest_first(place, lengths)]))
    node = _taken(_taken(node, index), turned)
    if any(len(group) > 1 for group in letters):
        node = apply("reshape", node, tuple([lengths[p] for group in letters for p in group]))
    return _diagonal([p for group in letters for p in group], node)


def _taken(node: Node, index: Sequence[Any]) -> Node:
    if all(isinstance(entry, slice) and entry == slice(None) for entry in index):
        return node
    return node[tuple(index)]


def _slowest_first(place: Place, lengths: Mapping[int, Dim]) -> list[tuple[int, Dim]]:
    """The parameters of mixed radices, if that is what they are, else in any order."""
    left, found = list(place.steps), list[tuple[int, Dim]]()
    stride: Dim = 1
    while left:
        item = next((item for item in left if item[1] == stride), None)
        if item is None:
            return list(place.steps)
        left.remove(item)
        found.append(item)
        stride = stride * lengths[item[0]]
    return found[::-1]


def _slice(place: Place, dim: Dim, lengths: Mapping[int, Dim]) -> tuple[Any, bool] | None:
    """A slice, and whether to turn it round; ``None`` if a place runs otherwise."""
    if len(place.steps) > 1:
        total: Dim = 1
        for parameter, step in reversed(_slowest_first(place, lengths)):
            if step != total:
                return None
            total = total * lengths[parameter]
        return (_range(place.start, place.start + total, dim), False)
    [(parameter, step)] = list(place.steps)
    length = lengths[parameter]
    if not isinstance(step, int):
        return None
    first = place.start if step > 0 else place.start + step * (length - 1)
    by = abs(step)
    if by == 1:
        return _range(first, first + length, dim), step < 0
    stop = None if (dim - first + by - 1) // by == length else first + by * (length - 1) + 1
    return slice(None if first == 0 else first, stop, by), step < 0


def _range(start: Dim, stop: Dim, dim: Dim) -> slice[Any, Any, Any]:
    return slice(None if start == 0 else start, None if stop == dim else stop)


def _gathered(node: Node, places: Sequence[Place], lengths: Mapping[int, Dim]) -> Labelled:
    letters = tuple(dict.fromkeys([p for place in places for p in place.parameters]))
    index = tuple([numbers(place, letters, lengths) for place in places])
    return Labelled(letters, node[index])


def numbers(place: Place, letters: Sequence[int], lengths: Mapping[int, Dim]) -> Node:
    """The positions themselves, with an axis for each of some parameters (of size one or more)."""
    total: Any = None
    start: Dim = place.start
    for parameter, step in place.steps:
        length = lengths[parameter]
        if total is None and isinstance(step, int) and step > 0:
            # The start goes into the first range.
            run = make(Arange(start, start + step * (length - 1) + 1, step, _INT))
            if step != 1:
                run = make(Arange(start, start + step * length, step, _INT))
            start = 0
        else:
            run = make(Arange(0, length, 1, _INT))
            run = run if step == 1 else run * step
        later = len(letters) - 1 - list(letters).index(parameter)
        run = apply("expand_dims", run, tuple(range(1, 1 + later))) if later else run
        total = run if total is None else total + run
    if total is None:
        return constant(start, np.int64)
    return total + start if not isinstance(start, int) or start else total


_INT = np.dtype(np.int64)


def _diagonal(letters: list[int], node: Node) -> Labelled:
    """With each letter once."""
    while len(set(letters)) < len(letters):
        second = next(i for i, c in enumerate(letters) if c in letters[:i])
        letter = letters[second]
        first = letters.index(letter)
        node = apply("diagonal", node, 0, first, second)
        letters = [c for i, c in enumerate(letters) if i not in (first, second)] + [letter]
    return Labelled(tuple(letters), node)


def _aligned(value: Labelled, order: Sequence[int]) -> Node:
    """The axes in an order, of size one where a letter is missing; none in front."""
    letters, node = value
    places = [letters.index(c) for c in order if c in letters]
    if places != sorted(places):
        node = apply("transpose", node, tuple(places))
    first = next((i for i, c in enumerate(order) if c in letters), len(order))
    missing = tuple([i for i, c in enumerate(order[first:]) if c not in letters])
    return apply("expand_dims", node, missing) if missing else node


def _together(values: Sequence[Labelled]) -> tuple[int, ...]:
    longest = sorted(values, key=lambda value: -len(value.letters))
    return tuple(dict.fromkeys([c for value in longest for c in value.letters]))


def multiplied(value: Labelled, factor: Labelled) -> Labelled:
    """The product, zero where one is masked out."""
    order = _together([value, factor])
    return Labelled(order, scale(_aligned(value, order), _aligned(factor, order)))


def added(a: Labelled, b: Labelled) -> Labelled:
    """The sum."""
    order = _together([a, b])
    return Labelled(order, _aligned(a, order) + _aligned(b, order))


def masked(value: Labelled, mask: Labelled, choose: Any) -> Labelled:
    """A value where a mask holds."""
    order = _together([value, mask])
    return Labelled(order, choose(_aligned(mask, order), _aligned(value, order)))


def _is_one(value: Labelled) -> bool:
    op = value.node.op
    return isinstance(op, Constant) and not value.letters and bool(op.value == 1)


def summed(values: Sequence[Labelled], kept: Sequence[int], lengths: Mapping[int, Dim]) -> Labelled:
    """The product of some values, summed over all parameters that are not kept."""
    parts = [value for value in values if not _is_one(value)] or [values[0]]
    order = _together(parts)
    gone = [p for p in lengths if p not in kept]
    if not any(p in order for p in gone):
        result = parts[0]
        for part in parts[1:]:
            result = multiplied(result, part)
    else:
        text = {c: ascii_letters[i] for i, c in enumerate(order)}
        operands = [("".join([text[c] for c in part.letters]), part.node) for part in parts]
        left = tuple([c for c in order if c in kept])
        result = Labelled(left, contract(operands, "".join([text[c] for c in left])))
    times: Dim = 1
    for p in gone:
        times = times if p in order else times * lengths[p]
    if isinstance(times, int) and times == 1:
        return result
    return Labelled(result.letters, result.node * constant(times, result.node.dtype))


def spread(value: Labelled, order: Sequence[int], lengths: Mapping[int, Dim]) -> Node:
    """As an array with an axis for each of some parameters."""
    shape = tuple([lengths[p] for p in order])
    return apply("broadcast_to", _aligned(value, order), shape)
