"""How much there is of something: elements, bytes and steps, as polynomials in the sizes."""

from __future__ import annotations

from collections.abc import Iterable

from symgraph.graph.sizes import Dim, Size, product
from symgraph.graph.types import TensorType, Type

__all__ = ["at_most", "elements", "greatest", "logarithm", "nbytes"]


def _arrays(kind: Type) -> tuple[TensorType, ...]:
    return (kind,) if isinstance(kind, TensorType) else kind.items


def elements(kind: Type) -> Dim:
    """The number of elements of a result, or of several together."""
    total: Dim = 0
    for item in _arrays(kind):
        total = total + product(item.shape)
    return total


def nbytes(kind: Type) -> Dim:
    """The memory that a result takes, or several together."""
    total: Dim = 0
    for item in _arrays(kind):
        total = total + product(item.shape) * item.dtype.itemsize
    return total


SYMBOLIC_LOGARITHM = 20
"""That of a million, which a symbolic length counts as: no polynomial is a logarithm."""


def logarithm(length: Dim) -> int:
    """Binary logarithm, rounded up and at least 1: the rounds of a sort or a binary search."""
    return max(1, (length - 1).bit_length()) if isinstance(length, int) else SYMBOLIC_LOGARITHM


def at_most(a: Dim, b: Dim, least: int = 1) -> bool:
    """Whether ``a <= b`` for all sizes from `least` up; false where that is not seen at once.

    Examples
    --------
    >>> from symgraph.graph.sizes import as_dim
    >>> n, m = as_dim("n"), as_dim("m")
    >>> at_most(n + m, 2 * n * m), at_most(n, m)
    (True, False)
    """
    gap = b - a
    if isinstance(gap, int):
        return gap >= 0
    # Where every name is `least` and what it has beyond that, no coefficient may be negative.
    total: Dim = 0
    for monomial, coefficient in gap.terms:
        term: Dim = coefficient
        for atom, power in monomial:
            one = Size((((((atom, 1),), 1)),))
            factor = one + least if isinstance(atom, str) else one
            for _ in range(power):
                term = term * factor
        total = total + term
    return total >= 0 if isinstance(total, int) else all(c >= 0 for _, c in total.terms)


def greatest(dims: Iterable[Dim]) -> tuple[Dim, ...]:
    """Those of some sizes that no other of them exceeds for all sizes from 1 up."""
    kept: list[Dim] = []
    for dim in dict.fromkeys(dims):
        if any(at_most(dim, other) for other in kept):
            continue
        kept = [other for other in kept if not at_most(other, dim)]
        kept.append(dim)
    return tuple(kept)
