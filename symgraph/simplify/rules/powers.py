"""Powers with known exponents, as NumPy computes them fast."""

from __future__ import annotations

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.ops.elementwise import absolute, sqrt, square
from symgraph.simplify.common import number, scalar
from symgraph.simplify.facts import bounds
from symgraph.simplify.flat import flat_product
from symgraph.simplify.rule import rewrite

_FEW = 16
"""Elements below which another call costs more than NumPy's slow powers of negative numbers."""
_LONGEST = 16


def _exponent(node: Node) -> float | None:
    """The known exponent of a power of floats."""
    x, y = node.inputs
    known = number(y)
    same = node.dtype == x.dtype and node.dtype.kind == "f" and node.shape == x.shape
    return float(known) if known is not None and same else None


@rewrite(
    "power",
    operands=("constant", "broadcast_to"),
    keeps="accurate",
    stage="numpy",
    domain="positive",
    examples=(
        lambda x: x**3,
        lambda x: x**4,
        lambda x: x**-2,
        lambda x: x**-3,
        lambda x: x**1.5,
        lambda x: x**2.5,
        lambda x: x**-0.5,
        lambda x: x**-1.5,
        lambda x: x**-2.5,
    ),
)
def short_powers(node: Node) -> Node | None:
    """x**3 = x**2 * x, x**4 = (x**2)**2, x**-3 = 1 / x**2 / x, x**1.5 = x * sqrt(x)."""
    # Nothing on the way leaves the range while the power is in it.
    x, one = node.inputs[0], scalar(1, node)
    match _exponent(node):
        case 3.0:
            return square(x) * x
        case 4.0:
            return square(square(x))
        case -2.0:
            return square(one / x)
        case -3.0:
            return one / square(x) / x
        case 1.5:
            return x * sqrt(x)
        case 2.5:
            return square(x) * sqrt(x)
        case -0.5:
            return one / sqrt(x)
        case -1.5:
            return one / x / sqrt(x)
        case -2.5:
            return one / square(x) / sqrt(x)
        case _:
            return None


_MOST_REPEATED = 8
"""Factors up to which squares of squares lose less than a bit on one product after another."""


@rewrite(
    "multiply",
    operands=("multiply", "square"),
    keeps="accurate",
    stage="numpy",
    examples=(lambda x: x * x * x * x * x, lambda x: x * x * x * x * x * x * x * x),
)
def repeated_factor(node: Node) -> Node | None:
    """x * x * x * x = (x**2)**2, x * x * x * x * x = (x**2)**2 * x: in fewest products."""
    powers = flat_product(node, deep=True) if node.dtype.kind == "f" else None
    if powers is None or powers.number != 1 or len(powers.factors) != 1:
        return None
    ((x, k),) = powers.factors
    if not 4 <= k <= _MOST_REPEATED or x.type != node.type:
        return None
    return _chain(x, k)


@rewrite(
    "power",
    operands=("constant", "broadcast_to"),
    keeps="real",
    stage="numpy",
    examples=(lambda x: x**5, lambda x: x**6, lambda x: x**15, lambda x: x**-3),
)
def power_by_multiplications(node: Node) -> Node | None:
    """x**k = x * x * ... in fewest products, up to 16: fast, at the price of some last bits."""
    known = _exponent(node)
    if known is None or not known.is_integer() or not 2 < abs(known) <= _LONGEST:
        return None
    x = node.inputs[0]
    return _chain(x if known > 0 else scalar(1, node) / x, int(abs(known)))


def _chain(x: Node, k: int) -> Node:
    """``x**k``; powers of one graph share their parts, because equal nodes are one node."""
    if k == 1:
        return x
    if k == 15:  # The first exponent for which squares and products by x are not the fewest.
        fifth = _chain(x, 5)
        return square(fifth) * fifth
    return square(_chain(x, k // 2)) if k % 2 == 0 else _chain(x, k - 1) * x


@rewrite(
    "power",
    operands=("constant", "broadcast_to"),
    keeps="accurate",
    stage="numpy",
    examples=(lambda x: x**6, lambda x: x**5, lambda x: x**-3),
)
def power_of_size(node: Node) -> Node | None:
    """x**k = abs(x)**k for even k, copysign(abs(x)**k, x) for odd: NumPy is fast where x >= 0."""
    known = _exponent(node)
    if known is None or not known.is_integer() or abs(known) > np.iinfo(np.int32).max:
        return None
    x, k = node.inputs
    few = isinstance(node.size, int) and node.size < _FEW
    if few or known in (0.0, 1.0, 2.0) or bounds(x)[0] >= 0:
        return None
    size = absolute(x) ** k
    return size if known % 2 == 0 else apply("copysign", size, x)
