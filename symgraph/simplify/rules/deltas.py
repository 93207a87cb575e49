"""Laws of Kronecker deltas: two axes that run together are one index.

Identities, diagonal matrices and what a Jacobian begins with are deltas. A product, sum, transpose
or broadcast is a sum of products over named indices: there a delta renames an index and is gone.
What zeros leave zero acts on the diagonals alone, and what is linear takes the terms of a sum apart
where one of them is a delta.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_letters
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from symgraph.graph.evaluate import evaluate_node
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Shape, Size
from symgraph.graph.types import DType
from symgraph.ops.contract import Einsum, contract
from symgraph.ops.create import Eye
from symgraph.ops.delta import Delta, aligned, cut, delta
from symgraph.ops.diagonals import Diag, Diagonal
from symgraph.ops.elementwise import Where, zeros_like
from symgraph.ops.index import GetItem, IndexAdd
from symgraph.ops.indices import Index, Mark, Range
from symgraph.ops.kinds import ELEMENTWISE
from symgraph.ops.reduce import Mean, Sum, broadcast_to, count
from symgraph.ops.shape import ExpandDims, Squeeze, Transpose, squeeze
from symgraph.simplify.common import is_number, is_op, number
from symgraph.simplify.rule import rewrite


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
    return None


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
    if not isinstance(op, Constant) or node.ndim != 2 or op.value.size > _MOST_ELEMENTS:
        return False
    rows, columns = op.value.shape
    one = rows == columns > 1 and bool(op.value[0, 0] == 1)
    return one and np.array_equal(op.value, np.eye(rows))


DELTAS = ("delta", "diag", "eye", "constant")
"""The operations whose results may be deltas."""


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


def _stretched(shape: Shape, operand: Node, output: Sequence[str]) -> list[str | None]:
    """Letters of an operand that is broadcast to a shape."""
    lead = len(shape) - operand.ndim
    return [
        None if dim == 1 and shape[lead + i] != 1 else output[lead + i]
        for i, dim in enumerate(operand.shape)
    ]


def _of_product(node: Node) -> Contraction:
    output = _letters(node)
    return Contraction(tuple([_stretched(node.shape, x, output) for x in node.inputs]), output)


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


def _window(index: Index, shape: Shape) -> _Window | None:
    """``None`` if there are steps or index arrays."""
    letters = iter(ascii_letters)
    found = _Window([], [], [], {})
    for entry in index:
        letter = next(letters)
        if entry is Mark.NEW_AXIS:
            found.region.append(letter)
            continue
        size = shape[len(found.axes)]
        if isinstance(entry, Range):
            if entry.step != 1:
                return None
            start, length = entry.bounds(size)[0], entry.length(size)
            found.region.append(letter)
        elif isinstance(entry, Mark):
            return None
        else:
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
    return found


def _of_index(node: Node) -> Contraction | None:
    assert isinstance(node.op, GetItem)
    window = _window(node.op.index, node.inputs[0].shape)
    if window is None:
        return None
    return Contraction((window.axes,), window.region, window.starts, (), window.lengths)


def _of_scatter(node: Node) -> Contraction | None:
    """Of the values; what they are added to must be zeros."""
    assert isinstance(node.op, IndexAdd)
    base, values, *arrays = node.inputs
    window = None if arrays or not is_number(base, 0) else _window(node.op.index, node.shape)
    if window is None or not set(window.region) <= set(window.axes):
        return None
    region = tuple([window.lengths[c] for c in window.region])
    letters = _stretched(region, values, window.region)
    return Contraction((letters,), window.axes, (), window.starts, window.lengths)


_CONTRACTIONS: dict[str, Callable[[Node], Contraction | None]] = {
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
    "index_add": _of_scatter,
}

Key: TypeAlias = "str | tuple[int, str]"
"""A letter of the contraction, or one of the delta at a place among the operands."""


class _Indices:
    """Indices that deltas have made one, up to a shift; and how far all of them run."""

    def __init__(self) -> None:
        self.parent: dict[Key, tuple[Key, Dim]] = {}
        self.lengths: dict[Key, Dim] = {}
        self.windows: dict[Key, tuple[Dim, Dim]] = {}

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

    def settle(self) -> bool:
        """Find the window of each class; false if it is not known which bounds count."""
        bounds: dict[Key, list[tuple[Dim, Dim]]] = {}
        for key, length in self.lengths.items():
            root, further = self.find(key)
            bounds.setdefault(root, []).append((0 - further, length - further))
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
    indices = _index_deltas(contraction, operands, found)
    if indices is None:
        return None
    for letter, dim in zip(contraction.output, node.shape, strict=True):
        indices.lengths.setdefault(letter, dim)
    if not indices.settle():
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
        pair = _named_axes(value, [None if k is None else named(k) for k in keys], shifts)
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


def _named_axes(
    x: Node, axes: Sequence[tuple[str, Dim, Dim] | None], shifts: Sequence[Dim]
) -> tuple[str, Node]:
    """The window of an array that counts, its diagonals, and a letter for each axis."""
    dropped = tuple([i for i, axis in enumerate(axes) if axis is None])
    x = squeeze(x, dropped) if dropped else x
    kept = [(*axis, s) for axis, s in zip(axes, shifts, strict=True) if axis is not None]
    x = cut(x, [start + s for _, start, _, s in kept], [length for _, _, length, _ in kept])
    return _without_repeats([name for name, _, _, _ in kept], x)


def _without_repeats(letters: Sequence[str], x: Node) -> tuple[str, Node]:
    """The diagonals of axes with equal letters."""
    kept = list(letters)
    while len(set(kept)) < len(kept):
        second = next(i for i, c in enumerate(kept) if c in kept[:i])
        first = kept.index(kept[second])
        x = apply("diagonal", x, 0, first, second)
        kept = [c for i, c in enumerate(kept) if i not in (first, second)] + [kept[second]]
    return "".join(kept), x


def _contracted(pairs: Sequence[tuple[str, Node]], output: str, dtype: DType) -> tuple[Node, str]:
    """The product of what is left, and the letters of its axes."""
    if not pairs:
        return constant(np.ones((), dtype)), ""
    inner = "".join([c for c in dict.fromkeys(output) if any(c in letters for letters, _ in pairs)])
    core = contract(pairs, inner)
    return (core if core.dtype == dtype else apply("astype", core, dtype)), inner


def identity_like(like: Node) -> Node:
    """The identity of the size of a matrix."""
    return make(Eye(like.shape[0], like.shape[0], 0, like.dtype))


def _unit(like: Node) -> Node:
    """The derivative of a vector by itself."""
    n = like.shape[0]
    return delta(constant(np.ones((), like.dtype)), "", "ii", {"i": n})


@rewrite(
    *_CONTRACTIONS,
    operands=DELTAS,
    keeps="accurate",
    examples=(
        lambda A: _unit(A) @ A,
        lambda A: A @ identity_like(A),
        lambda v: _unit(v) * v,
        lambda v, A: A @ np.diag(v),
        lambda u, v: np.diag(u) @ np.diag(v),
        lambda u, v: np.diag(u) @ v,
        lambda v, A: A * np.diag(v),
        lambda v: np.diag(v)[None, :, None],
        lambda v: np.diag(v).sum(0, keepdims=True),
        lambda v: np.diag(v).T,
        lambda v: np.diagonal(np.diag(v)),
        lambda v: np.broadcast_to(np.diag(v), (2, v.shape[0], v.shape[0])),
        lambda A, B: apply("einsum", "ij,jk,kl->il", A, _unit(A), B),
        lambda v: _unit(v)[1:],
        lambda v: np.diag(v)[:, -2],
        lambda v, A: zeros_like(A).at[1:, :-1].add(np.diag(v[1:])),
        lambda v, A: np.diag(v[1:], 1) @ A,
    ),
)
def index_of_delta(node: Node) -> Node | None:
    """sum(j, d_ij * x_jk) = x_ik: a delta renames an index."""
    contraction = _CONTRACTIONS[node.op.name](node)
    return None if contraction is None else renamed(node, contraction)


@rewrite("mean", operands=DELTAS, keeps="accurate", examples=(lambda v: np.diag(v).mean(0),))
def mean_of_delta(node: Node) -> Node | None:
    """mean(d) = sum(d) / n."""
    assert isinstance(node.op, Mean)
    (x,) = node.inputs
    if structure(x) is None or x.dtype != node.dtype:
        return None
    return make(Sum(node.op.axes, node.op.keepdims), x) / count(x.shape, node.op.axes)


# What keeps zeros ---------------------------------------------------------------------------------


def _keeps_zeros(node: Node, places: Sequence[int]) -> bool:
    """Whether the result is zero wherever these operands are."""
    others = [i for i in range(len(node.inputs)) if i not in places]
    known = [number(node.inputs[i]) for i in others]
    if isinstance(node.op, Where):
        return 0 not in places and all(is_number(node.inputs[i], 0) for i in others if i)
    if is_op(node, "divide") and list(places) == [0]:
        return True
    if any(value is None for value in known):
        return False
    values = dict(zip(others, known, strict=True))
    scalars = [values.get(i, x.dtype.type(0)) for i, x in enumerate(node.inputs)]
    small = make(node.op, *[constant(value) for value in scalars])
    return bool(evaluate_node(small, scalars, {}) == 0)


@rewrite(
    *[name for name in ELEMENTWISE if name != "multiply"],
    "where",
    "astype",
    operands=DELTAS,
    keeps="accurate",
    examples=(
        lambda v: np.sin(np.diag(v)),
        lambda u, v: np.diag(u) - np.diag(v),
        lambda v, A: np.diag(v) / np.exp(A),
        lambda v, A: np.where(A > 0.5, np.diag(v), 0.0),
        lambda v: _unit(v) + np.diag(v),
    ),
)
def on_diagonals(node: Node) -> Node | None:
    """f(d * x) = d * f(x) where f(0) = 0."""
    found = {i: s for i, x in enumerate(node.inputs) if (s := structure(x)) is not None}
    if not found or node.dtype.kind not in "fc":
        return None
    first = next(iter(found.values()))
    outer = first.outer
    if any(s[2:] != first[2:] or node.inputs[i].shape != node.shape for i, s in found.items()):
        return None
    if not _keeps_zeros(node, list(found)):
        return None
    pairs: list[tuple[str, Node]] = []
    for i, x in enumerate(node.inputs):
        known = found.get(i)
        if known is not None:
            pairs.append((known.inner, known.core))
            continue
        lead = node.ndim - x.ndim
        axes = [
            None if c is None else (c, first.starts[lead + axis], first.sizes[c])
            for axis, c in enumerate(_stretched(node.shape, x, outer))
        ]
        pairs.append(_named_axes(x, axes, (0,) * x.ndim))
    inner = "".join([c for c in dict.fromkeys(outer) if any(c in text for text, _ in pairs)])
    core = make(node.op, *[aligned(x, letters, inner) for letters, x in pairs])
    return delta(core, inner, outer, first.sizes, node.shape, first.starts)


# Sums with deltas ---------------------------------------------------------------------------------

_LINEAR: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("divide", "sum", "transpose", "expand_dims", "squeeze"), (0,)),
    "broadcast_to": (0,),
    "diagonal": (0,),
    "getitem": (0,),
    "multiply": (0, 1),
    "matmul": (0, 1),
    "index_add": (1,),
}
"""Operands in which an operation is linear."""
_MOST_TERMS = 16


def _terms(node: Node) -> Iterator[Node]:
    """The terms of a sum."""
    stack = [node]
    for _ in range(_MOST_TERMS):
        if not stack:
            return
        x = stack.pop()
        if is_op(x, "add", "subtract", "negative"):
            stack += x.inputs
        else:
            yield x


@rewrite(
    *_LINEAR,
    operands=("add", "subtract"),
    keeps="accurate",
    examples=(
        lambda A, B: (A + _unit(A)) @ B,
        lambda v, A: A * (np.diag(v) - A),
        lambda v, A: (A - np.diag(v)).sum(0),
        lambda v, A: zeros_like(A).at[1:, 1:].add(np.diag(v[1:]) + A[1:, 1:]),
    ),
)
def terms_apart(node: Node) -> Node | None:
    """(d + x) * y = d * y + x * y, and so with every operation that is linear."""
    for place in _LINEAR[node.op.name]:
        if place >= len(node.inputs) or node.dtype.kind not in "fc":
            continue
        x = node.inputs[place]
        if not is_op(x, "add", "subtract") or x.dtype != node.dtype:
            continue
        if is_op(node, "index_add") and not is_number(node.inputs[0], 0):
            continue
        if not any(structure(term) for term in _terms(x)):
            continue
        parts = [
            make(
                node.op,
                *[
                    broadcast_to(term, x.shape) if i == place else y
                    for i, y in enumerate(node.inputs)
                ],
            )
            for term in x.inputs
        ]
        return make(x.op, *parts)
    return None


def _signed_terms(node: Node) -> list[tuple[bool, Node]]:
    """The terms of a sum in order, and whether they are subtracted; few of them."""
    found: list[tuple[bool, Node]] = []
    stack = [(False, node)]
    while stack and len(stack) + len(found) <= _MOST_TERMS:
        minus, x = stack.pop()
        inside = is_op(x, "add", "subtract") and x.type == node.type
        if inside and any(y.shape == x.shape for y in x.inputs):
            stack += [(minus != is_op(x, "subtract"), x.inputs[1]), (minus, x.inputs[0])]
        else:
            found.append((minus, x))
    return [*found, *reversed(stack)]


@rewrite(
    "add",
    "subtract",
    operands=("add", "subtract"),
    keeps="accurate",
    examples=(
        lambda u, v, A: np.diag(u) + (A + np.diag(v)),
        lambda u, v, A: (A - np.diag(u)) - np.diag(v),
    ),
)
def deltas_together(node: Node) -> Node | None:
    """d * x + (y + d * z) = d * (x + z) + y."""
    terms = _signed_terms(node)
    groups: dict[Any, list[tuple[bool, Node]]] = {}
    for i, (minus, x) in enumerate(terms):
        known = structure(x) if x.type == node.type else None
        place = i if known is None else (known.outer, known.starts, *known.sizes.items())
        groups.setdefault(place, []).append((minus, x))
    if len(groups) == len(terms):
        return None
    total: Node | None = None
    for group in groups.values():
        for minus, x in _added(group):
            if total is None:
                total = -x if minus else x
            else:
                total = total - x if minus else total + x
    return total


def _added(group: Sequence[tuple[bool, Node]]) -> list[tuple[bool, Node]]:
    """Deltas of one form as one, which is subtracted if all are."""
    minus, total = group[0]
    for sign, x in group[1:]:
        total = total + x if sign == minus else total - x
    return [(minus, total)]


@rewrite(
    "index_add",
    operands=(*DELTAS, "add", "subtract"),
    keeps="accurate",
    examples=(lambda v, A: A.at[1:, 1:].add(np.diag(v[1:])),),
)
def add_delta(node: Node) -> Node | None:
    """add_at(x, i, d) = x + add_at(0, i, d) for slices i."""
    base, values, *arrays = node.inputs
    if arrays or is_number(base, 0) or base.dtype != values.dtype:
        return None
    if not any(structure(term) for term in _terms(values)):
        return None
    assert isinstance(node.op, IndexAdd)
    if _window(node.op.index, node.shape) is None:
        return None
    return base + make(node.op, zeros_like(base), values)
