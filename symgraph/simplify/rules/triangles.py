"""Laws of triangles, and of cumulative sums, which fill one beside what stands on a diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

import numpy as np

from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.ops.contract import contract
from symgraph.ops.create import Tri
from symgraph.ops.delta import delta
from symgraph.ops.diagonals import Triangle
from symgraph.ops.index import GetItem
from symgraph.ops.indices import Range
from symgraph.ops.reduce import CumSum, broadcast_to, cumsum
from symgraph.simplify.common import is_number
from symgraph.simplify.facts import Fact, states
from symgraph.simplify.rule import rewrite
from symgraph.simplify.structure import may_be_delta, structure

__all__: list[str] = []


def _ones(like: Node) -> Node:
    n = like.shape[0]
    return delta(constant(np.ones((), like.dtype)), "", "ii", {"i": n})


@rewrite(
    "cumsum",
    operands=("delta", "diag", "eye", "constant"),
    keeps="accurate",
    examples=(
        lambda v: cumsum(_ones(v), axis=1),
        lambda v: cumsum(np.diag(v), axis=0),
        lambda A: cumsum(delta(A, "ab", "abab", dict(zip("ab", A.shape, strict=True))), axis=3),
    ),
)
def cumsum_of_delta(node: Node) -> Node | None:
    """cumsum(d_ij * x_i, j) = x_i * (i <= j)."""
    assert isinstance(node.op, CumSum)
    return _summed(node.inputs[0], node.op.axis, backwards=False)


@rewrite(
    "getitem",
    operands=("cumsum",),
    keeps="accurate",
    examples=(lambda v: cumsum(np.diag(v)[:, ::-1], axis=1)[:, ::-1],),
)
def reversed_cumsum_of_delta(node: Node) -> Node | None:
    """The sums from the end, of d_ij * x_i along j: x_i * (i >= j)."""
    (sums,) = node.inputs
    axis = _flipped(node)
    if axis is None or not isinstance(sums.op, CumSum) or sums.op.axis != axis:
        return None
    (turned,) = sums.inputs
    return _summed(turned.inputs[0], axis, backwards=True) if _flipped(turned) == axis else None


def _flipped(node: Node) -> int | None:
    """The axis that runs backwards in a slice of the whole."""
    if not isinstance(node.op, GetItem):
        return None
    index: Sequence[object] = node.op.index
    axes = [i for i, entry in enumerate(index) if entry == Range(None, None, -1)]
    whole = all(isinstance(e, Range) and e.whole for i, e in enumerate(index) if i not in axes)
    return axes[0] if len(axes) == 1 and whole else None


def _summed(x: Node, axis: int, *, backwards: bool) -> Node | None:
    known = structure(x) if may_be_delta(x) else None
    if known is None or x.dtype.kind != "f":
        return None
    letter = known.outer[axis]
    places = [i for i, c in enumerate(known.outer) if c == letter]
    size = known.sizes[letter]
    if len(places) < 2 or any(known.starts[i] != 0 or x.shape[i] != size for i in places):
        return None
    other = next(c for c in ascii_letters if c not in known.outer)
    outer = known.outer[:axis] + other + known.outer[axis + 1 :]
    triangle = make(Tri(size, size, 0, x.dtype))
    pairs = [(letter + other if backwards else other + letter, triangle)]
    if not is_number(known.core, 1) or known.inner:
        pairs.insert(0, (known.inner, known.core))
    wanted = {c for text, _ in pairs for c in text}
    inner = "".join([c for c in dict.fromkeys(outer) if c in wanted])
    core = contract(pairs, inner)
    return delta(core, inner, outer, {**known.sizes, other: size}, x.shape, known.starts)


@rewrite(
    "triangle",
    keeps="accurate",
    examples=(
        lambda A: np.tril(np.triu(A)),
        lambda A: np.tril(np.triu(A), -1),
        lambda A, v: np.triu(np.tril(A) / np.exp(v)),
        lambda A: np.tril(np.tril(A)),
    ),
)
def triangle_of_triangle(node: Node) -> Node | None:
    """tril(U) = diag(diagonal(U)), tril(U, -1) = 0, tril(L) = L for a triangular U and L."""
    (x,) = node.inputs
    assert isinstance(node.op, Triangle)
    if node.ndim != 2 or x.shape[0] != x.shape[1] or node.dtype.kind != "f":
        return None
    sides: tuple[Fact, Fact] = ("lower_triangular", "upper_triangular")
    same, other = sides if node.op.side == "tril" else sides[::-1]
    beside = -node.op.k if node.op.side == "tril" else node.op.k
    if beside <= 0 and states(x, same):
        return x
    if beside < 0 or not states(x, other):
        return None
    if beside:
        return broadcast_to(constant(np.zeros((), node.dtype)), node.shape)
    return apply("diag", apply("diagonal", x))
