"""Laws of Kronecker deltas: two axes that run together are one index.

Identities, diagonal matrices and what a Jacobian begins with are deltas. A product, sum, transpose
or broadcast is a sum of products over named indices: there a delta renames an index and is gone.
What zeros leave zero acts on the diagonals alone, and what is linear takes the terms of a sum apart
where one of them is a delta.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from string import ascii_letters
from typing import NamedTuple

import numpy as np

from symgraph.graph.evaluate import evaluate_node
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.graph.types import DType
from symgraph.ops.contract import Einsum, contract
from symgraph.ops.create import Eye
from symgraph.ops.delta import Delta, aligned, delta
from symgraph.ops.diagonals import Diag, Diagonal
from symgraph.ops.elementwise import Where
from symgraph.ops.kinds import ELEMENTWISE
from symgraph.ops.reduce import Mean, Sum, broadcast_to, count
from symgraph.ops.shape import ExpandDims, Squeeze, Transpose, squeeze
from symgraph.simplify.common import is_number, is_op, number
from symgraph.simplify.rule import rewrite


class Structure(NamedTuple):
    """A delta: the array on the diagonals, a letter for each of its axes and of the result's."""

    core: Node
    inner: str
    outer: str


def structure(node: Node) -> Structure | None:
    """What is known of a node that is a delta."""
    op = node.op
    if isinstance(op, Delta):
        return Structure(node.inputs[0], op.inner, op.outer)
    if isinstance(op, Diag) and op.k == 0:
        return Structure(node.inputs[0], "a", "aa")
    if _is_identity(node):
        return Structure(constant(np.ones((), node.dtype)), "", "aa")
    return None


_MOST_ELEMENTS = 10_000


def _is_identity(node: Node) -> bool:
    op = node.op
    if isinstance(op, Eye):
        return op.k == 0 and op.rows == op.columns
    if not isinstance(op, Constant) or node.ndim != 2 or op.value.size > _MOST_ELEMENTS:
        return False
    rows, columns = op.value.shape
    return (
        rows == columns > 1 and bool(op.value[0, 0] == 1) and np.array_equal(op.value, np.eye(rows))
    )


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
    """

    operands: tuple[Sequence[str | None], ...]
    output: Sequence[str]


def _letters(node: Node, start: int = 0) -> list[str]:
    return list(ascii_letters[start : start + node.ndim])


def _stretched(node: Node, operand: Node, output: Sequence[str]) -> list[str | None]:
    """Letters of an operand that is broadcast to the result."""
    lead = node.ndim - operand.ndim
    return [
        None if dim == 1 and node.shape[lead + i] != 1 else output[lead + i]
        for i, dim in enumerate(operand.shape)
    ]


def _of_product(node: Node) -> Contraction:
    output = _letters(node)
    return Contraction(tuple([_stretched(node, x, output) for x in node.inputs]), output)


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
    output = [*batch, *rows, *columns]

    def lead(x: Node) -> list[str | None]:
        shape = x.shape[: max(x.ndim - 2, 0)]
        names = batch[len(batch) - len(shape) :]
        sizes = node.shape[len(batch) - len(shape) :]
        return [
            None if dim == 1 and size != 1 else name
            for dim, size, name in zip(shape, sizes, names, strict=False)
        ]

    left = [*lead(a), *rows, inner]
    right = [*lead(b), inner, *columns]
    return Contraction((left, right), output)


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
}


class _Classes:
    """Letters that deltas have made one."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, letter: str) -> str:
        while letter in self.parent:
            letter = self.parent[letter]
        return letter

    def unite(self, first: str, second: str) -> None:
        first, second = self.find(first), self.find(second)
        if first != second:
            self.parent[second] = first


def renamed(node: Node, contraction: Contraction) -> Node | None:
    """The contraction without the deltas among its operands; ``None`` if there is none."""
    found = [structure(x) for x in node.inputs]
    if not any(found) or node.dtype.kind not in "fc":
        return None
    classes, sizes = _Classes(), dict(zip(contraction.output, node.shape, strict=True))
    places: list[dict[str, str]] = []
    for x, letters, known in zip(node.inputs, contraction.operands, found, strict=True):
        sizes |= {c: dim for c, dim in zip(letters, x.shape, strict=True) if c is not None}
        own: dict[str, str] = {}
        for letter, c in zip(letters, known.outer if known else (), strict=False):
            if letter is not None:
                classes.unite(own.setdefault(c, letter), letter)
        places.append(own)
    pairs: list[tuple[str, Node]] = []
    for x, letters, known, own in zip(
        node.inputs, contraction.operands, found, places, strict=True
    ):
        named = [own.get(c) for c in known.inner] if known else letters
        value = known.core if known else x
        pair = _without_repeats([c and classes.find(c) for c in named], value)
        if number(pair[1]) != 1 or pair[0]:
            pairs.append(pair)
    output = [classes.find(c) for c in contraction.output]
    core, inner = _contracted(pairs, output, node.dtype)
    present = {c for letters, _ in pairs for c in letters}
    every = {classes.find(c) for letters in contraction.operands for c in letters if c is not None}
    for letter in sorted(every - present - set(output)):
        core = constant(sizes[letter], node.dtype) * core
    return delta(core, inner, "".join(output), sizes)


def _without_repeats(letters: Sequence[str | None], x: Node) -> tuple[str, Node]:
    """The diagonals of axes with equal letters, without axes that have no letter."""
    dropped = tuple([i for i, c in enumerate(letters) if c is None])
    kept = [c for c in letters if c is not None]
    x = squeeze(x, dropped) if dropped else x
    while len(set(kept)) < len(kept):
        second = next(i for i, c in enumerate(kept) if c in kept[:i])
        first = kept.index(kept[second])
        x = apply("diagonal", x, 0, first, second)
        kept = [c for i, c in enumerate(kept) if i not in (first, second)] + [kept[second]]
    return "".join(kept), x


def _contracted(
    pairs: Sequence[tuple[str, Node]], output: Sequence[str], dtype: DType
) -> tuple[Node, str]:
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
    outer = next(iter(found.values())).outer
    if any(s.outer != outer or node.inputs[i].shape != node.shape for i, s in found.items()):
        return None
    if not _keeps_zeros(node, list(found)):
        return None
    pairs: list[tuple[str, Node]] = []
    for i, x in enumerate(node.inputs):
        known = found.get(i)
        if known is not None:
            pairs.append((known.inner, known.core))
        else:
            pairs.append(_without_repeats(_stretched(node, x, outer), x))
    inner = "".join([c for c in dict.fromkeys(outer) if any(c in text for text, _ in pairs)])
    core = make(node.op, *[aligned(x, letters, inner) for letters, x in pairs])
    return delta(core, inner, outer, dict(zip(outer, node.shape, strict=True)))


# Sums with deltas ---------------------------------------------------------------------------------

_LINEAR: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("divide", "sum", "transpose", "expand_dims", "squeeze"), (0,)),
    "broadcast_to": (0,),
    "diagonal": (0,),
    "multiply": (0, 1),
    "matmul": (0, 1),
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
