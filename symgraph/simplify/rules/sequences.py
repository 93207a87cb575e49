"""Convolutions and recurrences of deltas: what they do to one element is known.

A Jacobian begins with all unit vectors at once. What an operation along an axis makes of them is
a matrix: one of diagonals, or of running products.
"""

from __future__ import annotations

from string import ascii_letters

import numpy as np

from symgraph.graph.node import Node, as_node, make
from symgraph.ops.contract import Einsum
from symgraph.ops.correlation import Convolve
from symgraph.ops.cumulative import Recurrence
from symgraph.ops.delta import aligned
from symgraph.ops.elementwise import zeros_like
from symgraph.ops.index import GetItem
from symgraph.ops.indices import Range
from symgraph.ops.join import Concatenate
from symgraph.ops.reduce import Sum, broadcast_to
from symgraph.ops.shape import expand_dims, squeeze, with_dim
from symgraph.simplify.common import unbroadcast
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.deltas import DELTAS, unit
from symgraph.simplify.structure import may_be_delta, stretched, structure, turned_delta


@rewrite(
    "convolve",
    operands=(*DELTAS, "getitem"),
    keeps="accurate",
    examples=(
        lambda v: make(Convolve("same"), unit(v), v[:3]),
        lambda v: make(Convolve("valid", True), as_node(np.diag(v)), v[:2]),
        lambda v: make(Convolve("full"), v, unit(v)),
        lambda v: make(Convolve("valid"), v, as_node(np.diag(v)[:, ::-1])),
    ),
)
def convolution_of_delta(node: Node) -> Node | None:
    """convolve(d, v) = d @ toeplitz(v), convolve(a, d) = windows(a) @ d."""
    assert isinstance(node.op, Convolve)
    a, v = node.inputs
    if _ties(a, -1):
        return node.op.of_toeplitz(a, v)
    return node.op.of_windows(a, v, turned=True) if _ties(v, -1) else None


@rewrite(
    "sum",
    operands=("convolve",),
    keeps="accurate",
    examples=(lambda A, B: make(Convolve("valid", True), A, B[:, :2]).sum(0),),
)
def sum_of_convolutions(node: Node) -> Node | None:
    """sum(convolve(A, B), axis=0) = windows(A) @ B: the stack is summed over at once."""
    (x,) = node.inputs
    assert isinstance(x.op, Convolve)
    assert isinstance(node.op, Sum)
    axes = node.op.axes
    if x.ndim - 1 in axes or node.dtype != x.dtype:
        return None
    result = x.op.of_windows(*x.inputs, summed=axes)
    return expand_dims(result, axes) if node.op.keepdims else result


@rewrite(
    "recurrence",
    operands=(*DELTAS, "getitem"),
    keeps="accurate",
    examples=(
        lambda v: make(Recurrence(1), broadcast_to(v, (v.shape[0],) * 2), unit(v)),
        lambda v, A: make(Recurrence(0), A, as_node(np.diag(v)[::-1])),
    ),
)
def recurrence_of_delta(node: Node) -> Node | None:
    """recurrence(a, d) = tril(cumprod(a)) @ d, each column's product beginning at its delta."""
    assert isinstance(node.op, Recurrence)
    factors, added = node.inputs
    axis = node.op.axis
    if not _ties(added, axis):
        return _longer_recurrence(node, node.op)
    letters = ascii_letters[: node.ndim]
    own, before = letters[axis], ascii_letters[node.ndim]
    short = unbroadcast(factors)
    places = stretched(node.shape, short, letters)
    gone = tuple([i for i, c in enumerate(places) if c is None])
    short = squeeze(short, gone) if gone else short
    text = "".join([c for c in places if c is not None])
    others = text.replace(own, "")
    short = aligned(short, text, others + own)
    short = broadcast_to(short, (*[node.shape[letters.index(c)] for c in others], node.shape[axis]))
    texts = (others + own + before, letters.replace(own, before))
    return make(Einsum(texts, letters), node.op.matrix(short), added)


def _longer_recurrence(node: Node, op: Recurrence) -> Node | None:
    """recurrence(a, d[:-1]) = recurrence(concatenate(a, 0), d)[:-1], for a delta d."""
    factors, added = node.inputs
    if not isinstance(added.op, GetItem) or not _ties(added.inputs[0], op.axis):
        return None
    part = Range(1) if op.backwards else Range(None, -1)
    index = tuple([part if i == op.axis else Range() for i in range(node.ndim)])
    (whole,) = added.inputs
    if whole.shape[op.axis] != node.shape[op.axis] + 1 or make(GetItem(index), whole) is not added:
        return None
    short = unbroadcast(factors)
    short = expand_dims(short, tuple(range(node.ndim - short.ndim)))
    short = broadcast_to(short, with_dim(short.shape, op.axis, node.shape[op.axis]))
    end = zeros_like(make(GetItem((*index[: op.axis], Range(0, 1))), short))
    longer = make(Concatenate(op.axis), *([end, short] if op.backwards else [short, end]))
    return make(GetItem(index), make(op, broadcast_to(longer, whole.shape), whole))


def _ties(x: Node, axis: int) -> bool:
    """Whether an axis of a delta, or of one turned round, runs along with others."""
    turned = turned_delta(x)
    x = x if turned is None else turned[0]
    known = structure(x) if may_be_delta(x) else None
    return known is not None and known.outer.count(known.outer[axis]) > 1
