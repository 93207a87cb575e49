"""Laws of Kronecker deltas: two axes that run together are one index.

Identities, diagonal matrices and what a Jacobian begins with are deltas. A product, sum, transpose
or broadcast is a sum of products over named indices: there a delta renames an index and is gone.
What zeros leave zero acts on the diagonals alone, and what is linear takes the terms of a sum apart
where one of them is a delta.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgraph.graph.evaluate import evaluate_node
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.sizes import Dim
from symgraph.ops.contract import Einsum
from symgraph.ops.create import Eye
from symgraph.ops.delta import Delta, aligned, delta
from symgraph.ops.diagonals import Diagonal
from symgraph.ops.elementwise import Where, zeros_like
from symgraph.ops.index import IndexAdd, flip
from symgraph.ops.indices import Range
from symgraph.ops.join import Concatenate
from symgraph.ops.kinds import Elementwise
from symgraph.ops.reduce import Mean, Sum, broadcast_to, count
from symgraph.ops.shape import Transpose, squeeze
from symgraph.simplify.common import is_number, is_op, number
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.factoring import is_smaller
from symgraph.simplify.rules.scatters import rows_of
from symgraph.simplify.structure import (
    CONTRACTIONS,
    is_delta,
    may_be_delta,
    named_axes,
    of_scatter,
    renamed,
    stretched,
    structure,
    turned_delta,
    window_of,
)

DELTAS = ("delta", "diag", "eye", "constant", "index_add")
"""The operations whose results may be deltas."""


_TURNED = ("multiply", "expand_dims", "squeeze", "sum", "matmul", "einsum")


def identity_like(like: Node) -> Node:
    """The identity of the size of a matrix."""
    return make(Eye(like.shape[0], like.shape[0], 0, like.dtype))


def unit(like: Node) -> Node:
    """The derivative of a vector by itself."""
    n = like.shape[0]
    return delta(constant(np.ones((), like.dtype)), "", "ii", {"i": n})


@rewrite(
    *CONTRACTIONS,
    operands=DELTAS,
    keeps="accurate",
    examples=(
        lambda A: unit(A) @ A,
        lambda A: A @ identity_like(A),
        lambda v: unit(v) * v,
        lambda v, A: A @ np.diag(v),
        lambda u, v: np.diag(u) @ np.diag(v),
        lambda u, v: np.diag(u) @ v,
        lambda v, A: A * np.diag(v),
        lambda v: np.diag(v)[None, :, None],
        lambda v: np.diag(v).sum(0, keepdims=True),
        lambda v: np.diag(v).T,
        lambda v: np.diagonal(np.diag(v)),
        lambda v: np.broadcast_to(np.diag(v), (2, v.shape[0], v.shape[0])),
        lambda A, B: make(Einsum(("ij", "jk", "ik"), "ki"), A, unit(A), B),
        lambda v: unit(v)[1:],
        lambda v: make(Delta("ab", "aba", (v.shape[0],) * 3), unit(v)),
        lambda v, u: zeros_like(v).at[1:].add(u[1:]) * v,
        lambda v: zeros_like(v).at[2].add(v[0])[2],
        lambda A, v: zeros_like(A).at[rows_of(A), rows_of(A)].add(v) @ A,
        lambda A, v: np.diag(v)[rows_of(A), rows_of(A)],
        lambda v: np.diag(v)[:, -2],
        lambda v, A: zeros_like(A).at[1:, :-1].add(np.diag(v[1:])),
        lambda v, A: np.diag(v[1:], 1) @ A,
        lambda v: np.pad(np.diag(v), ((0, 0), (1, 2))),
    ),
)
def index_of_delta(node: Node) -> Node | None:
    """sum(j, d_ij * x_jk) = x_ik: a delta renames an index."""
    if not any(map(may_be_delta, node.inputs)):
        return None
    contraction = CONTRACTIONS[node.op.name](node)
    return None if contraction is None else renamed(node, contraction)


@rewrite(
    *_TURNED,
    operands=("getitem", "constant"),
    keeps="accurate",
    examples=(
        lambda A: A @ unit(A)[::-1],
        lambda A, v: A * np.diag(v)[::-1],
        lambda v: np.diag(v)[:, ::-1].sum(0, keepdims=True),
    ),
)
def delta_turned(node: Node) -> Node | None:
    """x @ flip(d) = flip(x) @ d: the other factors run backwards, and what is left of the index."""
    contraction = CONTRACTIONS[node.op.name](node)
    if contraction is None:
        return None
    for place, (x, letters) in enumerate(zip(node.inputs, contraction.operands, strict=True)):
        found = turned_delta(x)
        if found is None:
            continue
        straight, axes = found
        turned = {letters[axis] for axis in axes} - {None}
        inputs = list(node.inputs)
        for i, (other, own) in enumerate(zip(node.inputs, contraction.operands, strict=True)):
            again = [axis for axis, c in enumerate(own) if c in turned]
            if i == place:
                inputs[i] = straight
                again = [axis for axis in again if axis not in axes]
            elif again and (is_delta(other) or turned_delta(other)):
                return None
            inputs[i] = as_node(flip(inputs[i], again)) if again else inputs[i]
        result = make(node.op, *inputs)
        back = [axis for axis, c in enumerate(contraction.output) if c in turned]
        return flip(result, back) if back else result
    return None


@rewrite("mean", operands=DELTAS, keeps="accurate", examples=(lambda v: np.diag(v).mean(0),))
def mean_of_delta(node: Node) -> Node | None:
    """mean(d) = sum(d) / n."""
    assert isinstance(node.op, Mean)
    (x,) = node.inputs
    if structure(x) is None or x.dtype != node.dtype:
        return None
    return make(Sum(node.op.axes, node.op.keepdims), x) / count(x.shape, node.op.axes)


@rewrite(
    "delta",
    "diag",
    operands=("broadcast_to",),
    keeps="accurate",
    examples=(
        lambda a: np.diag(broadcast_to(a, (3,))),
        lambda v: make(Delta("ab", "abb", (2, *v.shape * 2)), broadcast_to(v, (2, *v.shape))),
    ),
)
def delta_of_repeated(node: Node) -> Node | None:
    """What is the same all along a diagonal is no vector."""
    known = structure(node)
    assert known is not None
    core = known.core
    if not is_op(core, "broadcast_to"):
        return None
    (x,) = core.inputs
    letters = stretched(core.shape, x, known.inner)
    short = tuple([i for i, c in enumerate(letters) if c is None])
    inner = "".join([c for c in letters if c is not None])
    if len(inner) == len(known.inner):
        return None
    x = squeeze(x, short) if short else x
    return delta(x, inner, known.outer, known.sizes, node.shape, known.starts)


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
    lambda op: isinstance(op, Elementwise) and op.name != "multiply",
    "where",
    "astype",
    operands=DELTAS,
    keeps="accurate",
    examples=(
        lambda v: np.sin(np.diag(v)),
        lambda u, v: np.diag(u) - np.diag(v),
        lambda v, A: np.diag(v) / np.exp(A),
        lambda v, A: np.where(A > 0.5, np.diag(v), 0.0),
        lambda v: unit(v) + np.diag(v),
    ),
)
def on_diagonals(node: Node) -> Node | None:
    """f(d * x) = d * f(x) where f(0) = 0."""
    if not any(map(may_be_delta, node.inputs)):
        return None
    if is_op(node, "add", "subtract") and any(is_number(x, 0) for x in node.inputs):
        return None  # a term of zeros vanishes
    found = {i: s for i, x in enumerate(node.inputs) if (s := structure(x)) is not None}
    if not found or node.dtype.kind not in "fc" or 0 in node.shape:
        return None  # what has no elements is as much a delta as anything: there is no end of it
    small = [i for i in found if node.inputs[i].shape != node.shape]
    if small and _keeps_zeros(node, list(found)):
        whole = {i: broadcast_to(node.inputs[i], node.shape) for i in small}
        return make(node.op, *[whole.get(i, x) for i, x in enumerate(node.inputs)])
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
            for axis, c in enumerate(stretched(node.shape, x, outer))
        ]
        pairs.append(named_axes(x, axes, (0,) * x.ndim))
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
    "convolve": (0, 1),
    "index_add": (1,),
}
"""Operands in which an operation is linear."""
_MOST_TERMS = 8


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
    operands=("add", "subtract", "negative", "index_add"),
    keeps="accurate",
    examples=(
        lambda v, a: zeros_like(v).at[0].add(a).at[1].add(v[1]) * v,
        lambda A, B: (A + unit(A)) @ B,
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
        if x.dtype != node.dtype or 0 in x.shape:
            continue
        chain = _last_apart(x)
        if chain is not None and is_op(node, "multiply", "divide"):
            return _taken_apart(node, place, chain[0]) + _taken_apart(node, place, chain[1])
        if not is_op(x, "add", "subtract", "negative"):
            continue
        if is_op(node, "index_add") and not is_number(node.inputs[0], 0):
            continue
        if not any(is_delta(term) for term in _terms(x)):
            continue
        if is_op(node, "multiply", "divide") and all(map(_is_known, _terms(x))):
            # A mask as numbers: (1 - d) * y is not y - d * y, whose sum cancels what d hides.
            continue
        if not is_op(x, "negative") or is_op(x.inputs[0], "add", "subtract"):
            return make(x.op, *[_taken_apart(node, place, term) for term in x.inputs])
    return None


def _is_known(term: Node) -> bool:
    """Whether a term is a number, or a delta of one."""
    known = structure(term)
    return number(term if known is None else known.core) is not None


def _taken_apart(node: Node, place: int, term: Node) -> Node:
    """The operation on one of the terms of an operand."""
    inputs = list(node.inputs)
    inputs[place] = broadcast_to(term, inputs[place].shape)
    part = make(node.op, *inputs)
    if part.dtype != node.dtype:  # the sum was wider than this term
        inputs[place] = inputs[place].astype(node.dtype)
        part = make(node.op, *inputs)
    return part


def _last_apart(node: Node) -> tuple[Node, Node] | None:
    """What was put into zeros last, and all before it, if there is more than one."""
    if not isinstance(node.op, IndexAdd):
        return None
    inner, added, *arrays = node.inputs
    if arrays or is_number(inner, 0) or not is_smaller(_scattered(node), node.size):
        return None
    return (inner, make(node.op, zeros_like(inner), added)) if _of_zeros(inner) else None


def _scattered(node: Node) -> Dim:
    """How many elements are put into zeros; if they fill the array, it is a matter of its own."""
    total: Dim = 0
    while isinstance(node.op, IndexAdd):
        total += node.inputs[1].size
        node = node.inputs[0]
    return total


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
    near = [x for operand in node.inputs for x in (operand, *operand.inputs)]
    if not any(map(may_be_delta, near)):
        return None
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
    operands=(*DELTAS, "add", "subtract", "negative"),
    keeps="accurate",
    examples=(lambda v, A: A.at[1:, 1:].add(np.diag(v[1:])),),
)
def add_delta(node: Node) -> Node | None:
    """add_at(x, i, d) = x + add_at(0, i, d) for slices i."""
    base, values, *arrays = node.inputs
    if arrays or is_number(base, 0) or base.dtype != values.dtype:
        return None
    if not any(map(is_delta, _terms(values))):
        return None  # what is not taken apart afterwards would be added back
    assert isinstance(node.op, IndexAdd)
    if window_of(node.op.index, node.shape) is None:
        return None
    return base + make(node.op, zeros_like(base), values)


@rewrite(
    "concatenate",
    operands=DELTAS,
    keeps="accurate",
    examples=(lambda v: make(Concatenate(0), unit(v), zeros_like(unit(v))),),
)
def joined_deltas(node: Node) -> Node | None:
    """concatenate(d, 0) = add_at(0, i, d)."""
    assert isinstance(node.op, Concatenate)
    if not any(map(is_delta, node.inputs)) or node.dtype.kind not in "fc":
        return None
    if not all(is_delta(x) or is_number(x, 0) for x in node.inputs):
        return None
    axis, start = node.op.axis, 0
    total: Node | None = None
    for x in node.inputs:
        stop = start + x.shape[axis]
        if is_delta(x) and x.dtype == node.dtype:
            index = [Range(start, stop) if i == axis else Range() for i in range(node.ndim)]
            term = make(IndexAdd(tuple(index)), zeros_like(node), x)
            total = term if total is None else total + term
        start = stop
    return total


@rewrite(
    "diagonal",
    keeps="bitwise",
    examples=(
        lambda A: np.diagonal(np.exp(A)),
        lambda A, B: np.diagonal(A - B),
        lambda u, v: np.diagonal(u[:, None] * v),
        lambda A: np.diagonal(A.T),
    ),
)
def diagonal_inwards(node: Node) -> Node | None:
    """diagonal(op(x, y)) = op(diagonal(x), diagonal(y)), diagonal(A.T) = diagonal(A)."""
    (x,) = node.inputs
    assert isinstance(node.op, Diagonal)
    if x.shape[-1] != x.shape[-2] or node.op.offset:
        return None
    if isinstance(x.op, Transpose):
        last = (x.ndim - 1, x.ndim - 2)
        turned = x.op.axes == (*range(x.ndim - 2), *last)
        return make(node.op, *x.inputs) if turned else None
    if not isinstance(x.op, Elementwise) and not isinstance(x.op, Where):
        return None
    return make(x.op, *[_own_diagonal(y, x) for y in x.inputs])


def _own_diagonal(y: Node, whole: Node) -> Node:
    """What an operand contributes to the diagonal, however it is broadcast."""
    if y.ndim < 2:
        return y
    rows, columns = (dim == 1 for dim in y.shape[-2:])
    if rows or columns:
        axes = (y.ndim - 2,) * rows + (y.ndim - 1,) * (columns and not (rows and y.ndim > 2))
        return squeeze(y, axes) if whole.shape[-1] != 1 else make(Diagonal(), y)
    return make(Diagonal(), y)


@rewrite(
    "index_add",
    operands=("index_add",),
    keeps="accurate",
    examples=(
        lambda A, a, b: zeros_like(A).at[0].add(zeros_like(A[0]).at[0].add(a).at[1].add(b)),
        lambda A, a: A.at[0].add(zeros_like(A[0]).at[1].add(a)),
    ),
)
def scatters_apart(node: Node) -> Node | None:
    """add_at(x, i, add_at(y, j, v)) = add_at(x, i, y) + add_at(0, i, add_at(0, j, v))."""
    base, values, *arrays = node.inputs
    if arrays or not isinstance(values.op, IndexAdd):
        return None
    inner, added, *positions = values.inputs
    if positions or not _of_zeros(inner) or not base.dtype == values.dtype == node.dtype:
        return None
    empty = is_number(inner, 0)
    if empty and is_number(base, 0):
        return None
    alone = make(values.op, zeros_like(inner), added)
    placed = make(node.op, zeros_like(node), alone)
    contraction = of_scatter(placed)
    placed = None if contraction is None else renamed(placed, contraction)
    if placed is None:
        return None
    return (base if empty else make(node.op, base, inner)) + placed


@rewrite(
    "add",
    operands=("index_add",),
    keeps="accurate",
    examples=(lambda v, u, a: v + zeros_like(v).at[0].add(a).at[1:].add(u[1:]),),
)
def chain_into(node: Node) -> Node | None:
    """x + add_at(add_at(0, i, v), j, w) = add_at(add_at(x, i, v), j, w)."""
    for x, chain in (node.inputs, node.inputs[::-1]):
        if not isinstance(chain.op, IndexAdd) or x.type != node.type or chain.type != node.type:
            continue
        inner, *rest = chain.inputs
        if len(rest) == 1 and not is_number(inner, 0) and _of_zeros(inner):
            return make(chain.op, x + inner, *rest)
    return None


def _of_zeros(node: Node) -> bool:
    """Whether a node is zeros with slices and single elements added."""
    for _ in range(_MOST_TERMS):
        if not isinstance(node.op, IndexAdd):
            return is_number(node, 0)
        node, _, *arrays = node.inputs
        if arrays:
            return False
    return False
