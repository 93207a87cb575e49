"""What follows from bounds, and from what is known of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, constant, make
from symgraph.graph.registry import apply
from symgraph.ops.diagonals import Diagonal
from symgraph.ops.linalg.det import Slogdet
from symgraph.ops.linalg.solve import Solve
from symgraph.ops.linalg.triangular import TriangularSolve
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import Transpose, swapaxes
from symgraph.simplify.common import (
    HEADROOM,
    factor,
    is_known_factor,
    is_op,
    number,
    unbroadcast,
)
from symgraph.simplify.facts import bounds, diagonal_of, states
from symgraph.simplify.flat import flat_product
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.deltas import identity_like
from symgraph.simplify.uses import uses_of


@rewrite(
    "absolute",
    "fabs",
    keeps="accurate",
    examples=(
        lambda x: abs(np.exp(x) + np.square(x)),
        lambda x: abs(np.sum(np.exp(x))),
        lambda x: np.fabs(np.exp(x)),
        lambda x: abs(-np.cosh(x)),
        lambda x: abs(np.hypot(x, 1.0)),
        lambda x: abs((x * np.exp(x)) * x),
    ),
)
def absolute_within_bounds(node: Node) -> Node | None:
    """abs(x) = x where x is nowhere negative, -x where it is nowhere positive."""
    (x,) = node.inputs
    if x.dtype.kind != "f":
        return None
    low, high = bounds(x)
    if low >= 0 or _is_even_product(x):
        return x
    return -x if high <= 0 else None


def _is_even_product(x: Node) -> bool:
    """Whether every factor that may be negative stands there twice."""
    powers = flat_product(x, deep=True) if is_op(x, "multiply", "divide") else None
    return (
        powers is not None
        and powers.number > 0
        and all(k % 2 == 0 or bounds(factor)[0] >= 0 for factor, k in powers.factors)
    )


@rewrite(
    "maximum",
    "minimum",
    "relu",
    "clip_low",
    "clip_high",
    "clip",
    keeps="accurate",
    examples=(
        lambda x: np.maximum(apply("relu", x), 0.0),
        lambda x: np.minimum(np.sin(x), 1.0),
        lambda x: apply("relu", np.square(x)),
        lambda x: np.clip(np.tanh(x), -1.0, 1.0),
    ),
)
def limit_within_bounds(node: Node) -> Node | None:
    """max(x, c) = x where x is nowhere below c, min(x, c) = x where it is nowhere above."""
    if node.dtype.kind != "f":
        return None
    if is_op(node, "relu"):
        return node.inputs[0] if bounds(node.inputs[0])[0] >= 0 else None
    if is_op(node, "clip"):
        x, *limits = node.inputs
        ends = [number(limit) for limit in limits]
        if None in ends or x.type != node.type:
            return None
        low, high = bounds(x)
        return x if ends[0] <= low and high <= ends[1] else None
    for x, c in (node.inputs, node.inputs[::-1]):
        limit = number(c)
        if limit is None or x.dtype != node.dtype:
            continue
        low, high = bounds(x)
        if low >= limit if is_op(node, "maximum", "clip_low") else high <= limit:
            return x
    return None


def _turned(node: Node) -> Node:
    """The transpose of a matrix, or of each of a stack."""
    return swapaxes(node, -1, -2)


def _is_turned(node: Node) -> bool:
    """Whether a node is the transpose of matrices, and of nothing else."""
    axes = node.op.axes if isinstance(node.op, Transpose) else ()
    return len(axes) > 1 and axes == (*range(len(axes) - 2), len(axes) - 1, len(axes) - 2)


def _inverse(node: Node) -> Node | None:
    """The matrix of which a node is the inverse."""
    if _is_turned(node) and is_op(node.inputs[0], "inv"):
        return _turned(node.inputs[0].inputs[0])
    return node.inputs[0] if is_op(node, "inv") else None


def _scaled_inverse(node: Node) -> tuple[Node | None, Callable[[Node], Node]]:
    """The same below a 0-d factor or divisor, and what that does to the other operand."""
    scale, rest = factor(node)
    if scale is not None and rest.type == node.type:
        return _inverse(rest), lambda b: scale * b
    if is_op(node, "divide") and node.dtype.kind == "f":
        top, below = node.inputs
        divisor = unbroadcast(below)
        if not divisor.ndim and divisor.dtype == top.dtype and top.type == node.type:
            return _inverse(top), lambda b: b / divisor
    return _inverse(node), lambda b: b


@rewrite(
    "matmul",
    operands=("inv", "transpose", "multiply", "divide"),
    keeps="accurate",
    examples=(
        lambda A, v: apply("inv", A + 32.0 * identity_like(A)) @ v,
        lambda A, B: apply("inv", A + 32.0 * identity_like(A)) @ B,
        lambda A, v: v @ apply("inv", A + 32.0 * identity_like(A)),
        lambda A, v: apply("inv", A + 32.0 * identity_like(A)).T @ v,
        lambda A, v, a: (a * apply("inv", A + 32.0 * identity_like(A))) @ v,
        lambda A, B: B @ (apply("inv", A + 32.0 * identity_like(A)) / 3.0),
    ),
)
def inverse_times(node: Node) -> Node | None:
    """inv(A) @ b = solve(A, b), b @ inv(A) = solve(A.T, b.T).T, also of stacks and multiples."""
    a, b = node.inputs
    left, scaled = _scaled_inverse(a)
    if left is not None:
        return apply("solve", left, scaled(b.astype(node.dtype)))
    right, scaled = _scaled_inverse(b)
    if right is None:
        return None
    a = a.astype(node.dtype)
    if a.ndim == 1:
        return apply("solve", _turned(right), scaled(a))
    return _turned(apply("solve", _turned(right), scaled(_turned(a))))


_LOGARITHMS = {"log": 1.0, "log2": math.log2(math.e), "log10": math.log10(math.e)}


@rewrite(
    *_LOGARITHMS,
    operands=("det", "absolute"),
    keeps="accurate",
    examples=(
        lambda A: np.log(np.linalg.det(A.T @ A)),
        lambda A: np.log(abs(np.linalg.det(A))),
        lambda A: np.log10(np.linalg.det(A.T @ A)),
    ),
)
def logarithm_of_determinant(node: Node) -> Node | None:
    """log(det(A)) = slogdet(A)[1] where the determinant is positive, log2 and log10 alike."""
    (x,) = node.inputs
    if is_op(x, "absolute"):
        (x,) = x.inputs
        positive = True
    else:
        positive = False
    below = positive and is_op(x, "divide") and number(x.inputs[0]) == 1
    if below:
        x = x.inputs[1]
    if not is_op(x, "det") or x.dtype.kind != "f":
        return None
    parts = make(Slogdet(), x.inputs[0])
    size = make(Item(1), parts)
    unit = _LOGARITHMS[node.op.name]
    size = size if unit == 1 else unit * size
    if positive or states(x.inputs[0], "positive_semidefinite"):
        return -size if below else size
    # The logarithm of a negative determinant is NaN, and stays so.
    return apply("where", make(Item(0), parts) < 0, constant(np.asarray(np.nan, x.dtype)), size)


@rewrite(
    "sum",
    operands=("diagonal",),
    keeps="accurate",
    examples=(lambda A, B: np.trace(A @ B), lambda A, B: np.trace(A.T @ B)),
)
def trace_of_product(node: Node) -> Node | None:
    """trace(A @ B) = sum(A * B.T), without the product."""
    (x,) = node.inputs
    if x.op != Diagonal() or not is_op(x.inputs[0], "matmul") or x.dtype != node.dtype:
        return None
    a, b = x.inputs[0].inputs
    if a.ndim != 2 or b.ndim != 2 or node.ndim or node.dtype.kind != "f":
        return None
    return make(Sum((0, 1)), a * make(Transpose((1, 0)), b))


@rewrite(
    "det",
    operands=("inv", "transpose"),
    keeps="accurate",
    examples=(
        lambda A: np.linalg.det(A.T),
        lambda A: np.linalg.det(apply("inv", A + 32.0 * identity_like(A))),
    ),
)
def determinant_of_inverse(node: Node) -> Node | None:
    """det(A.T) = det(A), det(inv(A)) = 1 / det(A)."""
    (a,) = node.inputs
    if _is_turned(a):
        return make(node.op, *a.inputs)
    known = is_op(a, "inv") and a.inputs[0].dtype == node.dtype
    return 1.0 / make(node.op, *a.inputs) if known else None


@rewrite(
    Item,
    operands=("slogdet",),
    keeps="accurate",
    examples=(
        lambda A: np.linalg.slogdet(A.T)[1],
        lambda A: np.linalg.slogdet(apply("inv", A + 32.0 * identity_like(A)))[1],
        lambda A: np.linalg.slogdet(apply("inv", A + 32.0 * identity_like(A)))[0],
    ),
)
def logarithm_of_inverse_determinant(node: Node) -> Node | None:
    """slogdet(A.T) = slogdet(A), slogdet(inv(A)) = (sign, -logarithm) of slogdet(A)."""
    assert isinstance(node.op, Item)
    (parts,) = node.inputs
    if not is_op(parts, "slogdet"):
        return None
    (a,) = parts.inputs
    if not _is_turned(a) and not (is_op(a, "inv") and a.dtype.kind == "f"):
        return None
    if a.inputs[0].dtype != a.dtype:
        return None
    result = make(node.op, make(parts.op, *a.inputs))
    return -result if node.op.index == 1 and is_op(a, "inv") else result


@rewrite(
    "diagonal",
    operands=("matmul",),
    keeps="accurate",
    examples=(lambda A, B: np.diagonal(A @ B), lambda A, B: np.diagonal(A.T @ B)),
)
def diagonal_of_product(node: Node) -> Node | None:
    """diagonal(A @ B) = sum(A * B.T, axis=1), without the product."""
    (x,) = node.inputs
    a, b = x.inputs
    if node.op != Diagonal() or node.dtype.kind != "f" or a.ndim != x.ndim or b.ndim != x.ndim:
        return None
    if a.shape[:-1] != (*b.shape[:-2], b.shape[-1]) or len(uses_of(x)) > 1:
        return None
    if not a.dtype == b.dtype == x.dtype:
        return None
    if x.ndim == 2 and any(user is not None and is_op(user, "sum") for user in uses_of(node)):
        return None  # a trace
    axes = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return make(Sum((x.ndim - 1,)), a * make(Transpose(axes), b))


@rewrite(
    "transpose",
    keeps="accurate",
    examples=(lambda A: (A.T @ A).T,),
)
def transpose_of_symmetric(node: Node) -> Node | None:
    """A.T = A for symmetric A."""
    (x,) = node.inputs
    return x if x.ndim == 2 and node.op == Transpose((1, 0)) and states(x, "symmetric") else None


@rewrite(
    "solve",
    keeps="accurate",
    examples=(
        lambda u: apply("solve", np.diag(2.0 + np.cos(u)), u),
        lambda u, A: apply("solve", np.diag(2.0 + np.cos(A[0])), A.T),
        lambda A, v: apply("solve", np.linalg.qr(A)[0], np.sin(v)),
    ),
)
def solve_of_diagonal(node: Node) -> Node | None:
    """solve(D, b) = b / d for a diagonal matrix, solve(Q, b) = Q.T @ b for an orthogonal one."""
    a, b = node.inputs
    if a.ndim != 2 or b.ndim > 2 or node.op != Solve() or not a.dtype == b.dtype == node.dtype:
        return None
    if states(a, "orthogonal"):
        return apply("matmul", make(Transpose((1, 0)), a), b)
    if not states(a, "diagonal"):
        return None
    numbers = _numbers(a)
    return b / (numbers if b.ndim == 1 else apply("expand_dims", numbers, -1))


def _numbers(a: Node) -> Node:
    """The diagonal."""
    built = diagonal_of(a)
    return make(Diagonal(), a) if built is None or not built.ndim else built


@rewrite("inv", keeps="accurate", examples=(lambda u: np.linalg.inv(np.diag(2.0 + np.cos(u))),))
def inverse_of_diagonal(node: Node) -> Node | None:
    """inv(diag(d)) = diag(1 / d)."""
    (a,) = node.inputs
    if a.ndim != 2 or a.dtype != node.dtype or not states(a, "diagonal"):
        return None
    return apply("diag", 1.0 / _numbers(a))


def _is_triangular(a: Node) -> bool:
    return a.ndim == 2 and any(states(a, f) for f in ("lower_triangular", "upper_triangular"))


@rewrite(
    "det",
    keeps="accurate",
    examples=(lambda A: np.linalg.det(np.tril(A)), lambda u: np.linalg.det(np.diag(u))),
)
def determinant_of_triangular(node: Node) -> Node | None:
    """det(L) = prod(diagonal(L)) for triangular L."""
    (a,) = node.inputs
    known = a.dtype == node.dtype and _is_triangular(a)
    return apply("prod", _numbers(a)) if known else None


@rewrite(
    Item,
    operands=("slogdet",),
    keeps="accurate",
    examples=(
        lambda A: np.linalg.slogdet(np.tril(A))[1],
        lambda A: np.linalg.slogdet(np.triu(A))[0],
        lambda A: np.linalg.slogdet(np.linalg.qr(A)[0])[1],
        lambda A: np.linalg.slogdet(A @ A.T + identity_like(A))[0],
    ),
)
def logarithm_of_known_determinant(node: Node) -> Node | None:
    """slogdet(L) from the diagonal of triangular L; (1, s) if definite, (s, 0) if orthogonal."""
    assert isinstance(node.op, Item)
    (a,) = node.inputs[0].inputs
    is_sign = node.op.index == 0
    if a.ndim != 2 or a.dtype != node.dtype or a.dtype.kind != "f":
        return None
    if states(a, "positive_definite" if is_sign else "orthogonal"):
        return constant(np.asarray(1.0 if is_sign else 0.0, node.dtype))
    if not _is_triangular(a):
        return None
    numbers = _numbers(a)
    return apply("prod", np.sign(numbers)) if is_sign else apply("sum", np.log(abs(numbers)))


@rewrite(
    "floor",
    "ceil",
    "rint",
    "trunc",
    keeps="bitwise",
    examples=(lambda x: np.floor(np.ceil(x)), lambda x: np.ceil(np.floor(x) - 2.0 * np.ceil(x))),
)
def round_of_integer(node: Node) -> Node | None:
    """floor(x) = ceil(x) = rint(x) = trunc(x) = x for integers."""
    (x,) = node.inputs
    return x if x.dtype == node.dtype and states(x, "integer") else None


@rewrite(
    "solve",
    keeps="accurate",
    examples=(lambda A, v: apply("solve", np.tril(A + 32.0 * identity_like(A)), v),),
)
def solve_of_triangular(node: Node) -> Node | None:
    """solve(L, b) by substitution for triangular L."""
    a, b = node.inputs
    if a.ndim != 2 or b.ndim > 2 or node.op != Solve():
        return None
    for lower in (True, False):
        if states(a, "lower_triangular" if lower else "upper_triangular"):
            columns = apply("expand_dims", b, -1) if b.ndim == 1 else b
            x = make(TriangularSolve(lower), a, columns)
            return apply("squeeze", x, -1) if b.ndim == 1 else x
    return None


@rewrite("inv", keeps="accurate", examples=(lambda A: np.linalg.inv(np.linalg.qr(A)[0]),))
def inverse_of_orthogonal(node: Node) -> Node | None:
    """inv(Q) = Q.T for orthogonal Q."""
    (x,) = node.inputs
    return make(Transpose((1, 0)), x) if x.ndim == 2 and states(x, "orthogonal") else None


@rewrite(
    "solve",
    keeps="accurate",
    headroom=HEADROOM,
    examples=(lambda A, v: apply("solve", A + 32.0 * identity_like(A), 0.5 * v),),
)
def known_multiple_of_solution(node: Node) -> Node | None:
    """solve(A, c * b) = c * solve(A, b) for c made of numbers and sizes: one factorisation."""
    a, b = node.inputs
    scale, rest = factor(b)
    if scale is None or rest.type != b.type or b.dtype != node.dtype or not is_known_factor(scale):
        return None
    return scale * make(node.op, a, rest)
