"""Laws of inverses, solutions and determinants, by which side is transposed and what is shared."""

from __future__ import annotations

import numpy as np

from symgraph.graph.amounts import at_most
from symgraph.graph.leaves import Item
from symgraph.graph.node import Node, make
from symgraph.graph.registry import apply
from symgraph.ops.linalg.det import Slogdet
from symgraph.ops.linalg.solve import Solve
from symgraph.ops.linalg.triangular import TriangularSolve
from symgraph.ops.products import MatMul
from symgraph.ops.shape import Transpose, swapaxes
from symgraph.simplify.common import is_op, number, scalar, unbroadcast
from symgraph.simplify.facts import bounds, states
from symgraph.simplify.flat import flat_product
from symgraph.simplify.rule import rewrite
from symgraph.simplify.rules.algebra import undivided
from symgraph.simplify.rules.deltas import identity_like
from symgraph.simplify.structure import structure
from symgraph.simplify.uses import users_of


def _regular(A: Node) -> Node:
    """A matrix that is far from one without an inverse, for examples."""
    return apply("sin", A) + 32.0 * identity_like(A)


def _is_turned(node: Node) -> bool:
    """Whether a node is the transpose of a matrix, or of each of a stack."""
    axes = node.op.axes if isinstance(node.op, Transpose) else ()
    return len(axes) > 1 and axes == (*range(len(axes) - 2), len(axes) - 1, len(axes) - 2)


def _turned(node: Node) -> Node:
    return node.inputs[0] if _is_turned(node) else swapaxes(node, -1, -2)


def _inv(A: Node) -> Node:
    return apply("inv", A)


def _det(A: Node) -> Node:
    return apply("det", _regular(A))


# Inverses -----------------------------------------------------------------------------------------


def _by_factor(A: Node) -> Node:
    """The inverse of a matrix by its Cholesky factor, as the gradient of that asks for it."""
    turned = apply("cholesky", A @ A.T + 32.0 * identity_like(A)).T
    half = make(TriangularSolve(), turned, identity_like(A))
    return make(TriangularSolve(), turned, half.T)


@rewrite("triangular_solve", operands=("transpose",), keeps="accurate", examples=(_by_factor,))
def inverse_by_factor(node: Node) -> Node | None:
    """solve(L.T, solve(L.T, c * I).T) = c * inv(A) for the Cholesky factor L of a symmetric A."""
    turned, right = node.inputs
    inner = right.inputs[0] if _is_turned(right) else right
    if not _is_turned(turned) or not is_op(turned.inputs[0], "cholesky") or node.ndim != 2:
        return None
    if not is_op(inner, "triangular_solve") or inner is right or inner.inputs[0] is not turned:
        return None
    known = structure(inner.inputs[1])
    (A,) = turned.inputs[0].inputs
    if known is None or known.outer != "aa" or not states(A, "symmetric"):
        return None
    if number(known.core) is None or node.dtype.kind != "f":
        return None
    return known.core * apply("inv", A)


@rewrite(
    "inv",
    operands=("inv", "transpose"),
    keeps="accurate",
    examples=(
        lambda A: _inv(_inv(_regular(A))),
        lambda A: _inv(_regular(A).T),
    ),
)
def inverse_of_inverse(node: Node) -> Node | None:
    """inv(inv(A)) = A where there is an inverse, inv(A.T) = inv(A).T."""
    (x,) = node.inputs
    if _is_turned(x):
        return _turned(make(node.op, x.inputs[0]))
    return x.inputs[0] if is_op(x, "inv") else None


@rewrite(
    "solve",
    operands=("inv",),
    keeps="accurate",
    examples=(
        lambda A, v: apply("solve", _inv(_regular(A)), v),
        lambda A, B: apply("solve", _inv(_regular(A)).T, B),
    ),
)
def solve_of_inverse(node: Node) -> Node | None:
    """solve(inv(A), b) = A @ b where there is an inverse."""
    a, b = node.inputs
    turned = _is_turned(a)
    inverse = a.inputs[0] if turned else a
    if node.op != Solve() or not is_op(inverse, "inv") or a.ndim != 2 or b.ndim > 2:
        return None
    (matrix,) = inverse.inputs
    if not matrix.dtype == b.dtype == node.dtype:
        return None
    return make(MatMul(), _turned(matrix) if turned else matrix, b)


# Solutions that are multiplied --------------------------------------------------------------------


def _solution(node: Node) -> tuple[Node, Node] | None:
    """A and B of solve(A, B), real, of one matrix, that only one product takes."""
    if not is_op(node, "solve") or node.op != Solve() or node.dtype.kind != "f":
        return None
    a, b = node.inputs
    if a.ndim != 2 or b.ndim > 2 or not a.dtype == b.dtype == node.dtype:
        return None
    return None if len(users_of(node)) > 1 else (a, b)


@rewrite(
    "matmul",
    operands=("transpose", "solve"),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, B, v: apply("solve", _regular(A), B).T @ v,
        lambda A, B: apply("solve", _regular(A).T, B).T @ B,
        lambda A, B, v: v @ apply("solve", _regular(A), B),
        lambda A, u, v: apply("solve", _regular(A).T, u) @ v,
        lambda A, u, v: u @ apply("solve", _regular(A).T, v),
    ),
)
def solve_for_the_smaller(node: Node) -> Node | None:
    """solve(A, B).T @ C = B.T @ solve(A.T, C) where C is no larger than B, nor more transposed."""
    x, y = node.inputs
    if x.ndim == y.ndim == 1:
        found = _between_vectors(x, y)
        return _between_vectors(y, x) if found is None else found
    if x.ndim == 2 and _is_turned(x) and y.ndim <= 2:
        found = _solution(x.inputs[0])
        if found is not None and y.dtype == node.dtype and _is_better(*found, y):
            a, b = found
            return make(MatMul(), _turned(b), make(Solve(), _turned(a), y))
    if x.ndim == 1 and y.ndim == 2:
        found = _solution(y)
        if found is not None and found[1].ndim == 2 and x.dtype == node.dtype:
            return make(MatMul(), make(Solve(), _turned(found[0]), x), found[1])
    return None


def _is_better(a: Node, b: Node, y: Node) -> bool:
    """Whether to solve for y with the transpose of a is less work than for b, or reads better."""
    columns = y.shape[1] if y.ndim == 2 else 1
    if not at_most(columns, b.shape[1], least=2):
        return False
    return columns != b.shape[1] or _is_turned(a) or states(a, "symmetric")


def _between_vectors(solved: Node, other: Node) -> Node | None:
    """solve(A.T, x) @ y = x @ solve(A, y)."""
    found = _solution(solved)
    if found is None or not _is_turned(found[0]) or other.dtype != solved.dtype:
        return None
    if is_op(other, "solve"):
        return None
    return make(MatMul(), found[1], make(Solve(), _turned(found[0]), other))


# Determinants -------------------------------------------------------------------------------------


@rewrite(
    "multiply",
    operands=("inv", "transpose"),
    keeps="accurate",
    headroom="half",
    examples=(
        lambda A, c: (c / _det(A)) * _det(A) * _inv(_regular(A)),
        lambda A, c: (c / _det(A)) * _det(A) * _inv(_regular(A)).T,
    ),
)
def determinant_beside_inverse(node: Node) -> Node | None:
    """(c / det(A)) * det(A) * inv(A) = c * inv(A): where there is an inverse, det(A) is not 0."""
    for scale, x in (node.inputs, node.inputs[::-1]):
        inverse = x.inputs[0] if _is_turned(x) else x
        c = unbroadcast(scale)
        if not is_op(inverse, "inv") or c.ndim or not is_op(c, "multiply"):
            continue
        for rest, det in (c.inputs, c.inputs[::-1]):
            if is_op(det, "det") and det.inputs[0] is inverse.inputs[0]:
                cancelled = undivided(rest, det)
                if cancelled is not None and cancelled.dtype == node.dtype:
                    return cancelled * x
    return None


_MOST_FACTORS = 6


@rewrite(
    "log",
    operands=("multiply", "divide"),
    keeps="accurate",
    examples=(
        lambda A, a: np.log(a * _det(A)),
        lambda A, B: np.log(_det(A) * _det(B)),
        lambda A, a: np.log(a * _det(A) ** -0.5),
        lambda A, a: np.log(np.exp(-np.square(a)) / np.sqrt(_det(A))),
    ),
)
def logarithm_beside_determinant(node: Node) -> Node | None:
    """log(c * det(A)) = log(abs(c)) + slogdet(A)[1] where the product is positive."""
    (x,) = node.inputs
    powers = flat_product(x, deep=True) if node.dtype.kind == "f" else None
    if powers is None or len(powers.factors) > _MOST_FACTORS or node.ndim:
        return None
    if not any(_has_determinant(f) for f, _ in powers.factors):
        return None
    if any(f.dtype != node.dtype for f, _ in powers.factors):
        return None
    total: Node | None = None
    sign: Node | None = None
    if powers.number != 1:
        total = apply("log", scalar(abs(powers.number), node))
    for factor, exponent in powers.factors:
        logarithm, own = _logarithm_and_sign(factor)
        if own is not None and exponent % 2:
            sign = own if sign is None else sign * own
        term = logarithm if abs(exponent) == 1 else float(abs(exponent)) * logarithm
        if total is None:
            total = term if exponent > 0 else -term
        else:
            total = total + term if exponent > 0 else total - term
    if powers.number < 0:
        sign = scalar(-1, node) if sign is None else -sign
    if sign is None or total is None:
        return total
    # The logarithm of a negative product is NaN, and stays so.
    return apply("where", sign < 0, scalar(np.nan, node), total)


def _logarithm_and_sign(x: Node) -> tuple[Node, Node | None]:
    """The logarithm of the size of a factor, and its sign if that is not known."""
    if is_op(x, "det"):
        parts = make(Slogdet(), x.inputs[0])
        positive = states(x.inputs[0], "positive_semidefinite")
        return make(Item(1), parts), None if positive else make(Item(0), parts)
    if is_op(x, "power") and (exponent := number(x.inputs[1])) is not None:
        logarithm, sign = _logarithm_and_sign(x.inputs[0])
        if float(exponent).is_integer():
            return float(exponent) * logarithm, sign if exponent % 2 else None
        return float(exponent) * apply("log", x.inputs[0]), None
    if bounds(x)[0] >= 0 or is_op(x, "sqrt"):
        return apply("log", x), None
    return apply("log", apply("absolute", x)), apply("sign", x)


def _has_determinant(x: Node) -> bool:
    root = is_op(x, "sqrt", "power")
    return is_op(x, "det") or (root and is_op(x.inputs[0], "det"))
