"""Laws of distribution, where they cost least: common factors, and scales of products.

They hold for what is about to be written down, after every law that makes values more accurate:
none of those has to see through them.
"""

from __future__ import annotations

from collections.abc import Iterator

from symgraph.graph.amounts import at_most
from symgraph.graph.node import Node, make
from symgraph.graph.sizes import Dim
from symgraph.ops.products import MatMul
from symgraph.ops.shape import Transpose
from symgraph.simplify.common import (
    HEADROOM,
    is_known_factor,
    is_number,
    is_op,
    number,
    scalar,
    unbroadcast,
)
from symgraph.simplify.rule import rewrite
from symgraph.simplify.uses import users_of, uses_of

# Scales of products -------------------------------------------------------------------------------

_LARGE = 256
"""A symbolic size counts as more than any number up to this one: where it is not, little is lost,
for a product takes many times as long as a factor of its operands or its result."""


def is_smaller(a: Dim, b: Dim) -> bool:
    """Whether one number of elements is below another, for all symbolic sizes that are large."""
    return at_most(a, b, least=_LARGE) and not at_most(b, a, least=_LARGE)


def _scaled(node: Node) -> tuple[Node, Node, str] | None:
    """X, c and the operation of c * X and X / c, for 0-d c, also where that is transposed."""
    if isinstance(node.op, Transpose):
        found = _scaled(node.inputs[0])
        if found is None:
            return None
        x, c, name = found
        return make(node.op, x), c, name
    if not is_op(node, "multiply", "divide") or node.dtype.kind != "f":
        return None
    x, y = node.inputs
    for whole, part in ((x, y), (y, x))[: 2 if is_op(node, "multiply") else 1]:
        c = unbroadcast(part)
        if not c.ndim and c.dtype == whole.dtype and whole.type == node.type and whole.ndim:
            return whole, c, node.op.name
    return None


def _scale(node: Node, c: Node, name: str) -> Node:
    """A node with a scale, inside of its transpose: that is a view."""
    if isinstance(node.op, Transpose):
        return make(node.op, _scale(node.inputs[0], c, name))
    return c * node if name == "multiply" else node / c


def _best_place(a: Node, b: Node, result: Node, now: Node) -> Node | None:
    """What is smaller than all others and than where the scale is now; the result if as small."""
    best = now
    for place in (result, a, b):
        if is_smaller(place.size, best.size):
            best = place
    return None if best is now else best


def _is_only_multiplied(node: Node) -> bool:
    """Whether a value is taken by one product; or by several, and grows faster than its sides."""
    users = users_of(node)
    if len(users) < 2:
        return True
    return sum(not isinstance(dim, int) for dim in node.shape) > 1 and all(
        user is not None
        and is_op(user, "matmul")
        and _best_place(user.inputs[0], user.inputs[1], user, node) is not None
        for user in users
    )


def _rescaled(node: Node, known: bool) -> Node | None:
    """A product with the scale of an operand where the fewest elements are."""
    a, b = node.inputs
    for place, other in ((a, b), (b, a)):
        found = _scaled(place)
        if found is None or not _is_only_multiplied(place):
            continue
        x, c, name = found
        best = _best_place(a, b, node, place)
        if best is None or is_known_factor(c) != known:
            continue
        if best is other:
            other = _scale(other, c, name)
        product = make(MatMul(), x, other) if place is a else make(MatMul(), other, x)
        return _scale(product, c, name) if best is node else product
    return None


@rewrite(
    "matmul",
    operands=("multiply", "divide", "transpose"),
    keeps="accurate",
    stage="numpy",
    headroom=HEADROOM,
    examples=(
        lambda A, v: (0.3 * A) @ v,
        lambda A, v: (A * 3.0).T @ v,
        lambda u, v: (2.0 * u[:, None]) @ v[None, :1],
    ),
)
def known_scale_of_operand(node: Node) -> Node | None:
    """(c * A) @ B = c * (A @ B) = A @ (c * B), for c made of numbers and sizes: at the smallest."""
    return _rescaled(node, known=True)


@rewrite(
    "matmul",
    operands=("multiply", "divide", "transpose"),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    examples=(
        lambda A, c, v: (c * A) @ v,
        lambda A, c, v: v @ (A / c),
        lambda A, c, v: (A * c).T @ v,
    ),
)
def scale_of_operand(node: Node) -> Node | None:
    """(c * A) @ B = c * (A @ B) = A @ (c * B) for 0-d c: at the smallest of the three."""
    return _rescaled(node, known=False)


@rewrite(
    "multiply",
    "divide",
    operands=("matmul",),
    keeps="accurate",
    stage="numpy",
    headroom="half",
    examples=(
        lambda u, v, c: c * (u[:, None] @ v[None, :]),
        lambda u, v: (u[:, None] @ v[None, :]) / 8.0,
        lambda u, v: (u[:, None] @ v[None, :]) * 0.3,
    ),
)
def scale_of_product(node: Node) -> Node | None:
    """c * (A @ B) = (c * A) @ B where A has fewer elements: exact for powers of two."""
    found = _scaled(node)
    if found is None:
        return None
    product, c, name = found
    if not is_op(product, "matmul") or len(uses_of(product)) > 1:
        return None
    a, b = product.inputs
    best = _best_place(a, b, product, product)
    if best is None:
        return None
    if best is a:
        return make(MatMul(), _scale(a, c, name), b)
    return make(MatMul(), a, _scale(b, c, name))


# Common factors -----------------------------------------------------------------------------------


def _factors(node: Node) -> Iterator[tuple[Node, Node | None]]:
    """Each factor of a product that nothing else needs, and the other one; else the node alone."""
    if is_op(node, "multiply") and len(uses_of(node)) < 2:
        x, y = node.inputs
        yield x, y
        yield y, x
    else:
        yield node, None


def _sum(a: Node | None, b: Node | None, node: Node) -> Node:
    """The sum or difference of what a common factor leaves; one of nothing."""
    one = scalar(1, node)
    left, right = (one if part is None else part for part in (a, b))
    plus = is_op(node, "add")
    known = number(left), number(right)
    if known[0] is not None and known[1] is not None:
        return scalar(known[0] + known[1] if plus else known[0] - known[1], node)
    return left + right if plus else left - right


@rewrite(
    "add",
    "subtract",
    operands=("multiply",),
    keeps="accurate",
    stage="numpy",
    headroom=1,
    examples=(
        lambda x, a, b: a * x + b * x,
        lambda x, y, z: x * y - z * x,
        lambda x, c: x - c * x,
        lambda A, u, v: A * u + A * v,
    ),
)
def factor_out(node: Node) -> Node | None:
    """a * x + b * x = (a + b) * x: no product cancels what the other one rounded."""
    if node.dtype.kind != "f":
        return None
    first, second = node.inputs
    for x, a in _factors(first):
        for other, b in _factors(second):
            if x is not other or (a is None and b is None):
                continue
            if any(part is not None and part.dtype != node.dtype for part in (x, a, b)):
                continue
            rest = _sum(a, b, node)
            # With both products one operation goes away; with one, the sum must be small.
            whole = a is not None and b is not None
            if is_number(rest, 1):
                return x
            if whole or is_smaller(rest.size, node.size):
                in_front = whole and x is first.inputs[0]
                return x * rest if in_front else rest * x
    return None


@rewrite(
    "add",
    "subtract",
    operands=("divide",),
    keeps="accurate",
    stage="numpy",
    headroom=1,
    examples=(lambda x, y, z: x / z + y / z, lambda x, y, c: x / c - y / c),
)
def common_divisor(node: Node) -> Node | None:
    """x / z + y / z = (x + y) / z."""
    first, second = node.inputs
    if node.dtype.kind != "f" or not (is_op(first, "divide") and is_op(second, "divide")):
        return None
    (x, z), (y, other) = first.inputs, second.inputs
    if z is not other or any(len(uses_of(term)) > 1 for term in node.inputs):
        return None
    if not x.dtype == y.dtype == z.dtype == node.dtype:
        return None
    return (x + y if is_op(node, "add") else x - y) / z


_FEW = 3
"""Columns below which a product is about as fast as the sum of two matrices."""


@rewrite(
    "add",
    "subtract",
    operands=("matmul",),
    keeps="accurate",
    stage="numpy",
    headroom=1,
    examples=(lambda A, u, v: A @ u + A @ v, lambda A, u, v: A @ u - A @ v),
)
def common_operand(node: Node) -> Node | None:
    """A @ B + A @ C = A @ (B + C), A @ C + B @ C = (A + B) @ C: one product instead of two."""
    first, second = node.inputs
    if node.dtype.kind != "f" or not (is_op(first, "matmul") and is_op(second, "matmul")):
        return None
    if any(len(uses_of(term)) > 1 for term in node.inputs):
        return None
    (a, b), (c, d) = first.inputs, second.inputs
    if len({x.dtype for x in (a, b, c, d)}) > 1:
        return None
    plus = is_op(node, "add")
    if a is c and b.shape == d.shape and _pays(a, 0):
        return make(MatMul(), a, b + d if plus else b - d)
    if b is d and a.shape == c.shape and _pays(b, b.ndim - 1):
        return make(MatMul(), a + c if plus else a - c, b)
    return None


def _pays(shared: Node, axis: int) -> bool:
    """Whether a product by a matrix takes far longer than the sum of what it is multiplied by."""
    if shared.ndim < 2:
        return False
    dim = shared.shape[shared.ndim - 2 if axis == 0 else axis]
    return not isinstance(dim, int) or dim >= _FEW
