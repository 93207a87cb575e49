"""Convolution and correlation of sequences."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, subscript
from symgraph.graph.links import Link, along, fixed
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Size
from symgraph.graph.types import TensorType, Type
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import arange
from symgraph.ops.einsum import einsum
from symgraph.ops.index import flip, getitem
from symgraph.ops.kinds import Example, Multilinear, promote
from symgraph.ops.padding import pad
from symgraph.ops.shape import expand_dims, nonnegative, surely_nonnegative

__all__ = ["convolve", "correlate"]


_MOST_DIAGONALS = 32


@record
class Convolve(Multilinear):
    """``sum(a[k - j] * v[j])``, or with `v` reversed ``sum(a[k + j] * v[j])``.

    `v` is no longer than `a`, but in mode "full", where it does not matter.
    """

    mode: str
    reversed: bool = False
    name: ClassVar[str] = "convolve"

    def infer(self, *types: TensorType) -> Type:
        """As many places as the sequences overlap in the mode."""
        for t in types:
            if t.ndim != 1 or t.shape[0] == 0:
                raise ShapeError("convolve takes sequences that are not empty", got=repr(t))
        (n,), (m,) = (t.shape for t in types)
        lengths = {"full": n + m - 1, "same": n, "valid": n - m + 1}
        return TensorType(promote([t.dtype for t in types]), (lengths[self.mode],))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """No sequence is empty, and the first is the longer one."""
        (n,), (m,) = (t.shape for t in types)
        return nonnegative(m - 1, n - 1 if self.mode == "full" else n - m)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.convolve`` or ``np.correlate``, which conjugates."""
        mode = f'"{self.mode}"'
        if not self.reversed:
            return call("np.convolve", *args, mode="" if self.mode == "full" else mode)
        if node.dtype.kind == "c":
            turned = subscript(args[1], "::-1")
            return call("np.convolve", args[0], turned, mode="" if self.mode == "full" else mode)
        return call("np.correlate", *args, mode="" if self.mode == "valid" else mode)

    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        """Again a convolution, with the other sequence reversed."""
        a, v = node.inputs
        if self.mode == "valid":
            if operand == 0:
                return make(Convolve("full", not self.reversed), cotangent, v)
            found = make(Convolve("valid", True), a, cotangent)
            return found if self.reversed else flip(found)
        if self.mode == "same":
            cotangent = pad(cotangent, self._border(v.shape[0]))
        if operand == 0:
            return make(Convolve("valid", not self.reversed), cotangent, v)
        found = make(Convolve("valid", True), cotangent, a)
        return flip(found) if self.reversed else found

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """A diagonal for each element of the second sequence, if there are only some."""
        (n,), (m,), (size,) = node.inputs[0].shape, node.inputs[1].shape, node.shape
        if not isinstance(m, int) or m > _MOST_DIAGONALS:
            return None
        left, _ = self._border(m)
        first = {"full": 0, "same": int(left), "valid": m - 1}[self.mode]
        found: list[Link] = []
        for j in range(m):
            lengths: dict[str, Dim] = {"full": n, "same": n - abs(j - first), "valid": size}
            start = max(0, first - j)
            a, v = along(0, start), fixed(m - 1 - j if self.reversed else j)
            places = ((a,), (v,))
            factor = (node.inputs[1 - operand], places[1 - operand])
            target = (along(0, start + j - first),)
            found.append(Link((lengths[self.mode],), places[operand], target, (factor,)))
        return found

    def _border(self, m: Dim) -> tuple[Dim, Dim]:
        """How much of the full convolution "same" leaves out on each side."""
        return (m - 1) // 2, m - 1 - (m - 1) // 2

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Windows of the first sequence times the second."""
        a, v = operands
        m = node.inputs[1].shape[0]
        left, right = {
            "full": (m - 1, m - 1),
            "same": self._border(m)[::-1],
            "valid": (0, 0),
        }[self.mode]
        padded = pad(a, [(0, 0)] * mapped[0] + [(left, right)])
        index = expand_dims(as_node(arange(node.shape[0])), 1) + arange(m)
        windows = getitem(padded, (..., index))
        factors = v if self.reversed else flip(v, -1)
        labels = ["bij" if mapped[0] else "ij", "bj" if mapped[1] else "j"]
        return einsum(f"{labels[0]},{labels[1]}->bi", windows, factors)

    def work(self, node: Node) -> float:
        """A multiplication for each pair."""
        m = node.inputs[1].shape[0]
        return 0.5 * m if isinstance(m, int) else 10.0

    def flops(self, node: Node) -> Dim:
        """A multiplication and an addition for each pair that meets."""
        a, v = node.inputs
        longer = a if self.mode == "full" else node
        return 2 * longer.size * v.size


_MODES = ("full", "same", "valid")


def _sequences(a: Any, v: Any, mode: Any, what: str) -> tuple[Node, Node, bool]:
    """The sequences, and whether the second is the longer one."""
    if mode not in _MODES:
        raise UnsupportedError(
            f"{what}: mode", expected=", ".join(map(repr, _MODES)), got=repr(mode)
        )
    first, second = as_node(a), as_node(v)
    first, second = (expand_dims(x, 0) if x.ndim == 0 else x for x in (first, second))
    if first.ndim != 1 or second.ndim != 1:
        raise ShapeError(f"{what} takes sequences", got=f"{first.type!r} and {second.type!r}")
    (n,), (m,) = first.shape, second.shape
    return first, second, mode != "full" and _is_longer(m, n, what)


def _is_longer(m: Dim, n: Dim, what: str) -> bool:
    """Whether a size is the larger one; a symbolic size is taken to be larger than a number."""
    if isinstance(m, Size) and isinstance(n, Size):
        if not surely_nonnegative(m - n) and not surely_nonnegative(n - m):
            raise UnsupportedError(
                f"{what}: which sequence is the longer one, of {n} and of {m}?",
                hint='mode="full" does not ask, and may be sliced',
            )
        return n != m and surely_nonnegative(m - n)
    return isinstance(m, Size) or (isinstance(n, int) and m > n)


@of_numpy(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """The convolution of two sequences, as ``np.convolve``.

    Parameters
    ----------
    a, v : array_like
        One-dimensional, not empty. Where it matters which is the longer one, a symbolic size is
        taken to be larger than a number, which a call checks.
    mode : {"full", "same", "valid"}
        All places where they overlap, as many as the longer one has, or where they overlap wholly.

    Raises
    ------
    ShapeError, UnsupportedError
        If a sequence is empty or has several dimensions; if it matters which is the longer one,
        and both sizes are symbolic.
    """
    first, second, longer = _sequences(a, v, mode, "convolve")
    if longer:
        first, second = second, first
    return make(Convolve(mode), first, second)


@of_numpy(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The correlation of two sequences, `v` conjugated, as ``np.correlate``; as `convolve`."""
    first, second, longer = _sequences(a, v, mode, "correlate")
    second = apply("conjugate", second) if second.dtype.kind == "c" else second
    if longer:
        return flip(make(Convolve(mode, True), second, first))
    return make(Convolve(mode, True), first, second)


# Examples for the tests ------------------------------------------------------------------------

_A = np.array([0.5, -1.0, 2.0, 3.0, 0.25])
_V = np.array([1.0, 0.5, -2.0, 4.0])

EXAMPLES: dict[str, list[Example]] = {
    "convolve": [
        *[Example(lambda a, v, m=mode: np.convolve(a, v, m), (_A, _V)) for mode in _MODES],
        *[Example(lambda a, v, m=mode: np.convolve(a, v, m), (_V[:3], _A)) for mode in _MODES],
        Example(np.convolve, (_A.astype(np.float32), np.float32(2.0))),
        Example(np.convolve, (np.arange(3), np.arange(4))),
    ],
    "correlate": [
        *[Example(lambda a, v, m=mode: np.correlate(a, v, m), (_A, _V)) for mode in _MODES],
        *[Example(lambda a, v, m=mode: np.correlate(a, v, m), (_V, _A)) for mode in _MODES],
        Example(lambda a, v: np.convolve(a * 1j, v, "same"), (_A, _V[:3])),
    ],
}
