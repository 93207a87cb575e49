"""``x.at[index]``: an array with the elements at an index set, multiplied, or made extreme.

Where an index array repeats a position, every value counts, as with ``np.add.at``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.leaves import Constant
from symgraph.graph.links import Link, along
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.ops.create import Arange, ones_like
from symgraph.ops.elementwise import (
    divide,
    full_like,
    maximum,
    minimum,
    power,
    reciprocal,
    where,
    zeros_like,
)
from symgraph.ops.index import Changing, IndexAdd, inexact_pair, taken
from symgraph.ops.indices import Mark, Range, indexed_shape, parse, region_of, repeats
from symgraph.ops.kinds import Example, Linear, Structured, weak_nodes
from symgraph.ops.shape import expand_dims, reshape, shape_text

__all__ = []

# Operations ------------------------------------------------------------------------------------


@record
class IndexSet(Changing, Linear):
    """``base[index] = values``; of repeated positions the last value stays."""

    name: ClassVar[str] = "index_set"
    linear: ClassVar[tuple[int, ...] | None] = (0, 1)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Zero where values were set; the values get it where they stayed."""
        zero = constant(np.zeros((), cotangent.dtype))
        arrays = node.inputs[2:]
        others = make(self, cotangent, zero, *arrays)
        own = self.region(node, cotangent)
        if self.repeated(node):
            order = _numbers(own)
            base = apply("broadcast_to", constant(0), cotangent.shape)
            last = self.region(node, make(self, base, order, *arrays))
            own = where(last == order, own, zero)
        return inexact_pair(node, others, own)

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """Of the base what lies outside a box."""
        box = region_of(self.index, node.shape)
        if operand or box is None:
            return None
        found: list[Link] = []
        for axis, (low, high) in enumerate(box):
            for start, stop in ((0, low), (high, node.shape[axis])):
                runs = [*box[:axis], (start, stop), *[(0, dim) for dim in node.shape[axis + 1 :]]]
                lengths = tuple([last - first for first, last in runs])
                if not any(isinstance(length, int) and length == 0 for length in lengths):
                    places = tuple([along(i, first) for i, (first, _) in enumerate(runs)])
                    found.append(Link(lengths, places, places))
        return found


def _numbers(like: Node) -> Node:
    """0, 1, 2 … in the shape of `like`."""
    return reshape(make(Arange(0, like.size, 1, np.dtype(np.int64))), like.shape)


@record
class IndexMultiply(Changing, Structured):
    """``base[index] *= values``; repeated positions multiply each time."""

    name: ClassVar[str] = "index_multiply"
    symbol: ClassVar[str] = "*"
    ufunc: ClassVar[str] = "multiply"

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """The product rule."""
        base, _, *arrays = node.inputs
        total: Node | None = None
        if tangents[0] is not None:
            kind = self if self.repeated(node) else IndexSet(self.index)
            factors = make(kind, full_like(base, 1), node.inputs[1], *arrays)
            total = tangents[0] * factors
        if tangents[1] is not None:
            change = self.region(node, base) * tangents[1]
            if self.repeated(node):
                change = change * self._others(node)
            start = zeros_like(base) if total is None else total
            total = make(IndexAdd(self.index), start, change, *arrays)
        return total

    def _others(self, node: Node) -> Node:
        """For each value, the product of the others at the same position.

        Division would lose it where the value is zero, so zeros are multiplied by themselves:
        one by its sum, two by ``(s**2 - s2) / 2`` of their sum and sum of squares. That has the
        right derivatives, too; of three zeros only the first two derivatives are kept.
        """
        arrays, values = node.inputs[2:], self.spread(node)
        zero, one = (constant(np.full((), v, values.dtype)) for v in (0, 1))
        is_zero = values == 0
        nonzero = where(is_zero, one, values)
        product = self.region(node, make(self, full_like(node, 1), nonzero, *arrays))

        def of_others(terms: Node) -> Node:
            start = apply("broadcast_to", constant(np.zeros((), terms.dtype)), node.shape)
            return self.region(node, make(IndexAdd(self.index), start, terms, *arrays)) - terms

        zeros = where(is_zero, values, zero)
        count, total = of_others(is_zero.astype(np.int64)), of_others(zeros)
        pairs = (total * total - of_others(zeros * zeros)) * 0.5
        several = where(count == 1, total, where(count == 2, pairs, zero))
        return product / nonzero * where(count == 0, one, several)


@record
class _Extreme(Changing, Structured):
    """Shared by minimum and maximum."""

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Of what is the extreme; split evenly at ties."""
        base, _, *arrays = node.inputs
        kept, came = base == node, self.spread(node) == self.region(node, node)
        change = IndexAdd(self.index)
        zero = constant(np.zeros((), node.dtype))
        count = make(change, kept.astype(node.dtype), came.astype(node.dtype), *arrays)
        first = zeros_like(base) if tangents[0] is None else where(kept, tangents[0], zero)
        second = zero if tangents[1] is None else where(came, tangents[1], zero)
        return make(change, first, second, *arrays) / count


@record
class IndexMin(_Extreme):
    """``base[index] = minimum(base[index], values)``."""

    name: ClassVar[str] = "index_min"
    ufunc: ClassVar[str] = "minimum"


@record
class IndexMax(_Extreme):
    """``base[index] = maximum(base[index], values)``."""

    name: ClassVar[str] = "index_max"
    ufunc: ClassVar[str] = "maximum"


# How it is written -----------------------------------------------------------------------------


def _converted(node: Node, values: Node) -> Node:
    """The values in the dtype of the node, as an assignment converts them."""
    return apply("astype", values, node.dtype)


def _add(node: Node, values: Node) -> Node:
    return node + values


def _multiply(node: Node, values: Node) -> Node:
    return node * values


class Change:
    """``x.at[index]``: its methods give x with the elements at the index changed.

    NumPy's meaning of the assignment: values broadcast to the shape of ``x[index]`` and take the
    dtype of x. Where an index array repeats a position, every value counts (``np.add.at``);
    `set` keeps the last. A mask may be a node if the values are one scalar, or have the axes
    behind the mask's.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x", 3)
    >>> x.at[0].set(1.0).shape, x.at[x > 0].add(1.0).shape
    ((3,), (3,))
    """

    __slots__ = ("_key", "_node")

    def __init__(self, node: Node, key: Any) -> None:
        self._node = node
        self._key = key

    def __repr__(self) -> str:
        return f"<change of {self._node!r} at {self._key!r}>"

    def set(self, values: Any) -> Node:
        """``x[index] = values``."""
        return self._changed(IndexSet, _converted, values)

    def add(self, values: Any) -> Node:
        """``x[index] += values``."""
        return self._changed(IndexAdd, _add, values)

    def multiply(self, values: Any) -> Node:
        """``x[index] *= values``."""
        return self._changed(IndexMultiply, _multiply, values)

    def subtract(self, values: Any) -> Node:
        """``x[index] -= values``."""
        new = weak_nodes((self._node, values), "at")[1]
        return self._changed(IndexAdd, _add, -new)

    def divide(self, values: Any) -> Node:
        """``x[index] /= values``; repeated positions divide each time."""
        new = weak_nodes((self._node, values), "at")[1]
        once = self._computed(divide, new)
        return self._changed(IndexMultiply, _multiply, reciprocal(new)) if once is None else once

    def power(self, values: Any) -> Node:
        """``x[index] **= values``; repeated positions are raised each time."""
        new = weak_nodes((self._node, values), "at")[1]
        once = self._computed(power, new)
        if once is not None:
            return once
        exponents = Change(ones_like(self._node), self._key).multiply(new)
        return power(self._node, exponents)

    def get(self) -> Node:
        """``x[index]``."""
        return apply("getitem", self._node, self._key)

    def _computed(self, function: Callable[[Node, Node], Node], new: Node) -> Node | None:
        """With a function of the elements; ``None`` if one may be taken more than once."""
        if _mask_of(self._key) is not None:
            return self._changed(IndexSet, function, new)
        index, arrays = parse(self._key, self._node.shape)
        if repeats(index, self._node.shape, arrays):
            return None
        return self.set(function(taken(self._node, index, arrays), new))

    def min(self, values: Any) -> Node:
        """``x[index] = np.minimum(x[index], values)``."""
        return self._changed(IndexMin, minimum, values)

    def max(self, values: Any) -> Node:
        """``x[index] = np.maximum(x[index], values)``."""
        return self._changed(IndexMax, maximum, values)

    def _changed(
        self, kind: type[Changing], combine: Callable[[Node, Node], Node], values: Any
    ) -> Node:
        node = self._node
        new = weak_nodes((node, values), "at")[1]
        mask = _mask_of(self._key)
        if mask is not None:
            return _masked(node, mask, kind, combine(node, new), new)
        index, arrays = parse(self._key, node.shape)
        inputs = [node, new, *arrays]
        if not any(entry is not Mark.NEW_AXIS and entry != Range() for entry in index):
            # All of it: no statement needs to pick elements out.
            kind(index).infer(*[i.type for i in inputs])
            if Mark.NEW_AXIS in index:
                spread = apply("broadcast_to", new, taken(node, index, arrays).shape)
                new = reshape(spread, node.shape)
            whole = apply("broadcast_to", combine(node, new), node.shape)
            return apply("astype", whole, node.dtype)
        region = indexed_shape(index, node.shape, [array.shape for array in arrays])
        extra = new.ndim - len(region)
        if extra > 0 and all(dim == 1 for dim in new.shape[:extra]):
            inputs[1] = reshape(new, new.shape[extra:])  # NumPy drops them in an assignment
        return make(kind(index), *inputs)


def _mask_of(key: Any) -> Node | None:
    """The mask that is all of an index and known only when the function runs."""
    items = cast("tuple[Any, ...]", key if isinstance(key, tuple) else (key,))
    key = items[0] if len(items) == 1 else None
    if isinstance(key, Node) and key.dtype.kind == "b" and not isinstance(key.op, Constant):
        return key
    return None


def _masked(node: Node, mask: Node, kind: type[Changing], changed: Node, new: Node) -> Node:
    """``where(mask, changed, node)``, if the values do not run along the mask's elements."""
    behind = node.ndim - mask.ndim
    if behind < 0 or mask.shape != node.shape[: mask.ndim]:
        raise ShapeError(
            "a mask must have the leading axes of the array",
            expected=shape_text(node.shape),
            got=shape_text(mask.shape),
        )
    if new.ndim > behind:
        raise UnsupportedError(
            "values for each true element of a mask: how many depends on the mask",
            hint="np.where(mask, values, x) with values in the shape of x",
        )
    # The same errors for dtypes and shapes as with an index.
    kind((Range(),) * node.ndim).infer(node.type, new.type)
    condition = expand_dims(mask, tuple(range(mask.ndim, node.ndim)))
    return apply("astype", where(condition, changed, node), node.dtype)


class At:
    """``x.at``: takes an index in brackets."""

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getitem__(self, key: Any) -> Change:
        return Change(self._node, key)

    def __repr__(self) -> str:
        return f"<at of {self._node!r}>"


@builder()
def at(x: Any) -> At:
    """``at(x)[index].set(v)``, ``add``, ``multiply``, ``divide`` and so on: x with a change."""
    return At(as_node(x))


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.arange(24.0).reshape(2, 3, 4) / 7 - 1
_MATRIX = _CUBE[0]
_VECTOR = np.array([0.5, -1.0, 2.0, 3.0])
_ROWS = np.array([2, 0, 2])
_COLUMNS = np.array([1, -1, 1])


def _changed(name: str, key: Any, base: Any, values: Any) -> Example:
    """``x.at[key].<name>(values)`` beside NumPy's statement."""

    def reference(x: Any, v: Any) -> Any:
        result = np.array(x)
        if name == "set":
            result[key] = v
        else:
            ufunc = {"min": "minimum", "max": "maximum"}.get(name, name)
            getattr(np, ufunc).at(result, key, v)
        return result

    return Example(lambda x, v: getattr(at(x)[key], name)(v), (base, values), reference)


_KEYS_AND_VALUES: list[tuple[Any, Any, Any]] = [
    (slice(1, None), _MATRIX, np.ones((2, 4)) / 3),
    ((0, slice(None, None, -2)), _MATRIX, _VECTOR[:2]),
    (_ROWS, _MATRIX, _CUBE[1]),
    ((slice(None), _COLUMNS), _MATRIX, _CUBE[1, :, :3]),
    ((np.arange(3), _ROWS), _MATRIX, _VECTOR[:3]),
    (np.array([1, 1, 1]), _VECTOR, np.array([0.0, 2.0, -1.5])),
    (np.array([], dtype=np.int64), _VECTOR, np.zeros(0)),
    (np.array([[0], [0]]), _VECTOR.astype(np.float32), np.float32(1.5)),
    (Ellipsis, _MATRIX, _VECTOR),
]

EXAMPLES: dict[str, list[Example]] = {
    f"index_{name}": [_changed(name, *case) for case in _KEYS_AND_VALUES]
    for name in ("set", "add", "subtract", "multiply", "min", "max")
} | {
    "index_divide": [_changed("divide", key, x, v + 4) for key, x, v in _KEYS_AND_VALUES],
    "index_power": [_changed("power", key, x + 4, v + 0.3) for key, x, v in _KEYS_AND_VALUES],
    "index_get": [Example(lambda x: at(x)[1:].get(), (_VECTOR,), lambda x: x[1:])],
}
