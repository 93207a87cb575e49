"""Kronecker deltas in a graph: which nodes are some, and what becomes of them in a contraction.

A product, sum, transpose, broadcast, slice is a sum of products over named indices. A delta among
its operands makes two indices one, up to a shift, and is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_letters
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Shape, Size
from symgraph.graph.types import DType, broadcast_shapes
from symgraph.ops.contract import Einsum, contract
from symgraph.ops.create import Arange, Eye
from symgraph.ops.delta import Delta, cut, delta, without_repeats
from symgraph.ops.diagonals import Diag, Diagonal
from symgraph.ops.index import Gather, GetItem, IndexAdd
from symgraph.ops.indices import Index, Mark, Range, place_of_arrays
from symgraph.ops.padding import Pad
from symgraph.ops.reduce import Sum
from symgraph.ops.reduce_order import any_dim_is_zero
from symgraph.ops.shape import ExpandDims, Squeeze, Transpose, squeeze
from symgraph.simplify.common import is_number, is_op, number, turned_axes, unaxed


class Structure(NamedTuple):
    """A delta.

    Attributes
    ----------
    core : Node
        What stands on the diagonals.
    inner, outer : str
        A letter for each axis of it, and of the result.
    starts : tuple of size
        Where along each axis of the result the letter begins.
    sizes : dict
        How far each letter runs.
    """

    core: Node
    inner: str
    outer: str
    starts: Shape
    sizes: Mapping[str, Dim]


def structure(node: Node) -> Structure | None:
    """What is known of a node that is a delta."""
    op = node.op
    if isinstance(op, Delta):
        return Structure(node.inputs[0], op.inner, op.outer, op.places, op.sizes)
    if isinstance(op, Diag):
        starts = (max(-op.k, 0), max(op.k, 0))
        return Structure(node.inputs[0], "a", "aa", starts, {"a": node.inputs[0].shape[0]})
    if isinstance(op, Eye):
        starts = (max(-op.k, 0), max(op.k, 0))
        length = _least([op.rows - starts[0], op.columns - starts[1]])
        return None if length is None else Structure(_one(node), "", "aa", starts, {"a": length})
    if _is_identity(node):
        return Structure(_one(node), "", "aa", (0, 0), {"a": node.shape[0]})
    return _placed(node)


def _placed(node: Node) -> Structure | None:
    """What is put into zeros: there nothing runs together, but it begins somewhere."""
    contraction = of_scatter(node) if isinstance(node.op, IndexAdd) else None
    if contraction is None:
        return None
    values, axes, (letters,) = node.inputs[1], contraction.output, contraction.operands
    dropped = tuple([i for i, c in enumerate(letters) if c is None])
    return Structure(
        squeeze(values, dropped) if dropped else values,
        "".join([c for c in letters if c is not None]),
        "".join(axes),
        tuple(contraction.places),
        {c: contraction.lengths[c] for c in axes},
    )


def may_be_delta(node: Node) -> bool:
    """Whether it is worth a closer look: every sum and product is asked."""
    op = node.op
    if isinstance(op, Constant):
        return op.value.ndim == 2
    return isinstance(op, Delta | Diag | Eye | IndexAdd)


def is_delta(node: Node) -> bool:
    """Whether axes of a node run together."""
    known = structure(node) if may_be_delta(node) else None
    return known is not None and len(set(known.outer)) < len(known.outer)


def _one(like: Node) -> Node:
    return constant(np.ones((), like.dtype))


def _least(dims: Sequence[Dim]) -> Dim | None:
    """The least of some sizes, if it is known which that is."""
    for dim in dims:
        differences = [other - dim for other in dims]
        if all(isinstance(d, int) and d >= 0 for d in differences):
            return dim
    return None


_MOST_ELEMENTS = 10_000


def _is_identity(node: Node) -> bool:
    """Whether a node is the identity matrix as an array."""
    op = node.op
    return isinstance(op, Constant) and _are_identity(op.value)


def _are_identity(values: Any) -> bool:
    if values.ndim != 2 or values.size > _MOST_ELEMENTS:
        return False
    rows, columns = values.shape
    one = rows == columns > 1 and bool(values[0, 0] == 1)
    return one and np.array_equal(values, np.eye(rows))


def turned_delta(node: Node) -> tuple[Node, set[int]] | None:
    """The delta of which a node is a view that runs backwards along some axes."""
    if isinstance(node.op, Constant):
        if node.ndim != 2 or not _are_identity(node.op.value[:, ::-1]):
            return None
        (size, _), one = node.shape, constant(np.ones((), node.dtype))
        return delta(one, "", "aa", {"a": size}), {1}
    axes = turned_axes(node)
    return (node.inputs[0], axes) if axes and is_delta(node.inputs[0]) else None


# Sums of products over named indices --------------------------------------------------------------


class Contraction(NamedTuple):
    """A sum of products over named indices.

    Attributes
    ----------
    operands : tuple of sequence
        For each operand its letters; ``None`` for an axis of size one, stretched or dropped.
    output : sequence of str
        The letters of the result.
    shifts : sequence of size
        By how much an index of the (one) operand is further than its letter.
    places : sequence of size
        By how much an index of the result is.
    lengths : mapping
        How far letters run whose length no axis of an operand or the result shows.
    """

    operands: tuple[Sequence[str | None], ...]
    output: Sequence[str]
    shifts: Sequence[Dim] = ()
    places: Sequence[Dim] = ()
    lengths: Mapping[str, Dim] = {}


def _letters(node: Node, start: int = 0) -> list[str]:
    return list(ascii_letters[start : start + node.ndim])


def stretched(shape: Shape, operand: Node, output: Sequence[str]) -> list[str | None]:
    """Letters of an operand that is broadcast to a shape."""
    lead = len(shape) - operand.ndim
    return [
        None if dim == 1 and shape[lead + i] != 1 else output[lead + i]
        for i, dim in enumerate(operand.shape)
    ]


def _of_product(node: Node) -> Contraction:
    output = _letters(node)
    return Contraction(tuple([stretched(node.shape, x, output) for x in node.inputs]), output)


def _of_transpose(node: Node) -> Contraction:
    assert isinstance(node.op, Transpose)
    letters = _letters(node)
    return Contraction((letters,), [letters[axis] for axis in node.op.axes])


def _of_new_axes(node: Node) -> Contraction:
    assert isinstance(node.op, ExpandDims)
    output = _letters(node)
    return Contraction(([c for i, c in enumerate(output) if i not in node.op.axes],), output)


def _of_squeeze(node: Node) -> Contraction:
    assert isinstance(node.op, Squeeze)
    axes, letters = node.op.axes, _letters(node.inputs[0])
    kept = [c for i, c in enumerate(letters) if i not in axes]
    return Contraction(([None if i in axes else c for i, c in enumerate(letters)],), kept)


def _of_sum(node: Node) -> Contraction:
    assert isinstance(node.op, Sum)
    axes, letters = node.op.axes, _letters(node.inputs[0])
    fresh = ascii_letters[len(letters) :]
    output = [
        fresh[i] if i in axes else c
        for i, c in enumerate(letters)
        if node.op.keepdims or i not in axes
    ]
    return Contraction((letters,), output)


def _of_matmul(node: Node) -> Contraction:
    a, b = node.inputs
    batch = list(ascii_letters[: max(a.ndim, b.ndim, 2) - 2])
    row, inner, column = ascii_letters[len(batch) : len(batch) + 3]
    rows, columns = [row] * (a.ndim > 1), [column] * (b.ndim > 1)

    def lead(x: Node) -> list[str | None]:
        shape = x.shape[: max(x.ndim - 2, 0)]
        sizes = node.shape[len(batch) - len(shape) :]
        return [
            None if dim == 1 and size != 1 else name
            for dim, size, name in zip(shape, sizes, batch[len(batch) - len(shape) :], strict=False)
        ]

    left, right = [*lead(a), *rows, inner], [*lead(b), inner, *columns]
    return Contraction((left, right), [*batch, *rows, *columns])


def _of_einsum(node: Node) -> Contraction:
    assert isinstance(node.op, Einsum)
    return Contraction(tuple([list(text) for text in node.op.operands]), list(node.op.output))


def _of_diagonal(node: Node) -> Contraction | None:
    assert isinstance(node.op, Diagonal)
    (x,) = node.inputs
    if node.op.offset or x.shape[-1] != x.shape[-2]:
        return None
    letters = _letters(x)
    letters[-1] = letters[-2]
    return Contraction((letters,), letters[:-1])


class _Window(NamedTuple):
    """What an index of slices and positions takes of an array."""

    axes: list[str]
    """A letter for each axis of the array."""
    region: list[str]
    """A letter for each axis of what is taken."""
    starts: list[Dim]
    lengths: dict[str, Dim]


def window_of(index: Index, shape: Shape, arrays: Sequence[Node] = ()) -> _Window | None:
    """``None`` if there are steps, or index arrays that do not run upwards one by one."""
    letters = iter(ascii_letters)
    found = _Window([], [], [], {})
    common = broadcast_shapes(*[array.shape for array in arrays])
    shared = [next(letters) for _ in common]
    found.lengths.update(zip(shared, common, strict=True))
    given = iter(arrays)
    for entry in index:
        letter = next(letters)
        if entry is Mark.NEW_AXIS:
            found.region.append(letter)
            continue
        if entry is Mark.ELLIPSIS:
            continue
        size = shape[len(found.axes)]
        length: Dim
        if isinstance(entry, Range):
            if entry.step != 1:
                return None
            start, length = entry.bounds(size)[0], entry.length(size)
            found.region.append(letter)
        elif entry is Mark.ARRAY:
            run = _run(next(given))
            if run is None:
                return None
            start, axis, length = run
            letter = shared[axis]
        else:
            assert not isinstance(entry, Mark)
            ahead = isinstance(entry, Size) or entry >= 0
            start, length = entry if ahead else size + entry, 1
        found.axes.append(letter)
        found.starts.append(start)
        found.lengths[letter] = length
    for size in shape[len(found.axes) :]:
        letter = next(letters)
        found.axes.append(letter)
        found.region.append(letter)
        found.starts.append(0)
        found.lengths[letter] = size
    place = place_of_arrays(index)
    found.region[place:place] = shared
    return found


def _run(array: Node) -> tuple[Dim, int, Dim] | None:
    """Where consecutive positions begin, along which axis (from the end), and how many."""
    long = [i for i, dim in enumerate(array.shape) if dim != 1]
    inner = unaxed(array)
    if not isinstance(inner.op, Arange) or inner.op.step != 1 or len(long) != 1:
        return None
    start = inner.op.start
    if isinstance(start, int) and start < 0:
        return None
    return start, long[0] - array.ndim, inner.shape[0]


def _of_index(node: Node) -> Contraction | None:
    assert isinstance(node.op, GetItem | Gather)
    x, *arrays = node.inputs
    window = window_of(node.op.index, x.shape, arrays)
    if window is None:
        return None
    return Contraction((window.axes,), window.region, window.starts, (), window.lengths)


def of_scatter(node: Node) -> Contraction | None:
    """Of the values; what they are added to must be zeros."""
    assert isinstance(node.op, IndexAdd)
    base, values, *arrays = node.inputs
    window = window_of(node.op.index, node.shape, arrays) if is_number(base, 0) else None
    if window is None or not set(window.region) <= set(window.axes):
        return None
    region = tuple([window.lengths[c] for c in window.region])
    letters = stretched(region, values, window.region)
    return Contraction((letters,), window.axes, (), window.starts, window.lengths)


def _of_pad(node: Node) -> Contraction | None:
    assert isinstance(node.op, Pad)
    if not is_number(node.inputs[1], 0):
        return None
    letters = _letters(node)
    lengths = dict(zip(letters, node.inputs[0].shape, strict=True))
    return Contraction((letters,), letters, (), [before for before, _ in node.op.widths], lengths)


def _of_delta(node: Node) -> Contraction | None:
    known = structure(node)
    if known is None:
        return None
    return Contraction((list(known.inner),), list(known.outer), (), known.starts, known.sizes)


CONTRACTIONS: dict[str, Callable[[Node], Contraction | None]] = {
    "multiply": _of_product,
    "broadcast_to": _of_product,
    "transpose": _of_transpose,
    "expand_dims": _of_new_axes,
    "squeeze": _of_squeeze,
    "sum": _of_sum,
    "matmul": _of_matmul,
    "einsum": _of_einsum,
    "diagonal": _of_diagonal,
    "getitem": _of_index,
    "gather": _of_index,
    "index_add": of_scatter,
    "pad": _of_pad,
    "delta": _of_delta,
    "diag": _of_delta,
}

Key: TypeAlias = "str | tuple[int, str]"
"""A letter of the contraction, or one of the delta at a place among the operands."""


class _Indices:
    """Indices that deltas have made one, up to a shift; and how far all of them run."""

    def __init__(self) -> None:
        self.parent: dict[Key, tuple[Key, Dim]] = {}
        self.lengths: dict[Key, Dim] = {}
        self.windows: dict[Key, tuple[Dim, Dim]] = {}
        self.inside: list[tuple[str, Dim, Dim]] = []
        """Letters of what an index takes: where it begins on an axis, and how long that is."""

    def find(self, key: Key) -> tuple[Key, Dim]:
        """The index that stands for all, and how much further than it this one is."""
        further: Dim = 0
        while key in self.parent:
            key, step = self.parent[key]
            further = further + step
        return key, further

    def unite(self, first: Key, second: Key, further: Dim) -> bool:
        """Let the first be so much further than the second; false if that cannot be."""
        (a, from_a), (b, from_b) = self.find(first), self.find(second)
        distance = from_b + further - from_a
        if a == b:
            return distance == 0
        self.parent[a] = (b, distance)
        return True

    def settle(self, inside: bool) -> bool:
        """Find the window of each class; false if it is not known which bounds count.

        If deltas lie `inside` the letters their own bounds are all that count.
        """
        bounds: dict[Key, list[tuple[Dim, Dim]]] = {}
        bounded = {self.find(key)[0] for key in self.lengths if isinstance(key, tuple)}
        for key, length in self.lengths.items():
            root, further = self.find(key)
            if inside and isinstance(key, str) and root in bounded:
                continue
            bounds.setdefault(root, []).append((0 - further, length - further))
        for letter, start, size in self.inside:
            root, further = self.find(letter)
            own = (0 - further, self.lengths[letter] - further)
            whole = (own[0] - start, own[0] - start + size)
            if own != whole and own in bounds[root]:
                bounds[root] = [pair for pair in bounds[root] if pair != whole]
        for root, pairs in bounds.items():
            low = _least([0 - start for start, _ in pairs])
            high = _least([stop for _, stop in pairs])
            if low is None or high is None:
                return False
            length = high + low
            if isinstance(length, int) and length < 1 and length not in self.lengths.values():
                return False
            if not isinstance(length, int) and all(b - a != length for a, b in pairs):
                return False  # it could be negative
            self.windows[root] = (0 - low, length)
        return True

    def window(self, key: Key) -> tuple[Key, Dim, Dim]:
        """The class of an index, where its window begins for this one, and its length."""
        root, further = self.find(key)
        start, length = self.windows[root]
        return root, start + further, length


def _index_deltas(
    contraction: Contraction, operands: Sequence[Node], found: Sequence[Structure | None]
) -> _Indices | None:
    indices = _Indices()
    indices.lengths.update(contraction.lengths)
    for place, (x, letters, known) in enumerate(
        zip(operands, contraction.operands, found, strict=True)
    ):
        shifts = contraction.shifts or (0,) * x.ndim
        for axis, letter in enumerate(letters):
            if letter is None:
                continue
            indices.lengths.setdefault(letter, x.shape[axis])
            if contraction.shifts:
                indices.inside.append((letter, shifts[axis], x.shape[axis]))
            if known is not None:
                own = (place, known.outer[axis])
                indices.lengths[own] = known.sizes[known.outer[axis]]
                if not indices.unite(own, letter, shifts[axis] - known.starts[axis]):
                    return None
    return indices


def renamed(node: Node, contraction: Contraction) -> Node | None:
    """The contraction without the deltas among its operands; ``None`` if there is none."""
    operands = node.inputs[1:] if is_op(node, "index_add") else node.inputs
    operands = operands[: len(contraction.operands)]
    found = [structure(x) for x in operands]
    if not any(found) or node.dtype.kind not in "fc":
        return None
    cores = [x if known is None else known.core for x, known in zip(operands, found, strict=True)]
    if any(any_dim_is_zero(core.shape) for core in cores):
        return None
    indices = _index_deltas(contraction, operands, found)
    if indices is None:
        return None
    for letter, dim in zip(contraction.output, node.shape, strict=True):
        indices.lengths.setdefault(letter, dim)
    if not indices.settle(not contraction.shifts):
        return None
    names: dict[Key, str] = {}
    lengths: dict[str, Dim] = {}

    def named(key: Key) -> tuple[str, Dim, Dim]:
        root, start, length = indices.window(key)
        name = names.setdefault(root, ascii_letters[len(names)])
        lengths[name] = length
        return name, start, length

    output = [named(c) for c in contraction.output]
    pairs: list[tuple[str, Node]] = []
    for place, (x, letters, known) in enumerate(
        zip(operands, contraction.operands, found, strict=True)
    ):
        keys: list[Key | None] = list(letters)
        value, shifts = x, contraction.shifts or (0,) * x.ndim
        if known is not None:
            used = {known.outer[i] for i, c in enumerate(letters) if c is not None}
            keys = [(place, c) if c in used else None for c in known.inner]
            value, shifts = known.core, (0,) * known.core.ndim
        pair = named_axes(value, [None if k is None else named(k) for k in keys], shifts)
        if number(pair[1]) != 1 or pair[0]:
            pairs.append(pair)
    letters = "".join([name for name, _, _ in output])
    core, inner = _contracted(pairs, letters, node.dtype)
    every = {named(c)[0] for group in contraction.operands for c in group if c is not None}
    for name in sorted(every - set(letters).union(*[text for text, _ in pairs])):
        core = constant(lengths[name], node.dtype) * core
    places = contraction.places or (0,) * node.ndim
    starts = tuple([start + p for (_, start, _), p in zip(output, places, strict=True)])
    return delta(core, inner, letters, lengths, node.shape, starts)


def named_axes(
    x: Node, axes: Sequence[tuple[str, Dim, Dim] | None], shifts: Sequence[Dim]
) -> tuple[str, Node]:
    """The window of an array that counts, its diagonals, and a letter for each axis."""
    dropped = tuple([i for i, axis in enumerate(axes) if axis is None])
    x = squeeze(x, dropped) if dropped else x
    kept = [(*axis, s) for axis, s in zip(axes, shifts, strict=True) if axis is not None]
    x = cut(x, [start + s for _, start, _, s in kept], [length for _, _, length, _ in kept])
    return without_repeats([name for name, _, _, _ in kept], x)


def _contracted(pairs: Sequence[tuple[str, Node]], output: str, dtype: DType) -> tuple[Node, str]:
    """The product of what is left, and the letters of its axes."""
    if not pairs:
        return constant(np.ones((), dtype)), ""
    inner = "".join([c for c in dict.fromkeys(output) if any(c in letters for letters, _ in pairs)])
    core = contract(pairs, inner)
    return (core if core.dtype == dtype else apply("astype", core, dtype)), inner
