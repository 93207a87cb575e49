"""Convolution and correlation of sequences."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Collection, Sequence
from string import ascii_lowercase
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, subscript
from symgraph.graph.links import Link, Place, along, everywhere, fixed
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Shape, Size, product
from symgraph.graph.types import TensorType, Type, broadcast_shapes
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.einsum import einsum
from symgraph.ops.index import flip
from symgraph.ops.kinds import Example, Multilinear, promote
from symgraph.ops.padding import pad
from symgraph.ops.shape import expand_dims, nonnegative, surely_nonnegative
from symgraph.ops.windows import windows_of

__all__ = ["convolve", "correlate"]

_MOST_DIAGONALS = 32


@record
class Convolve(OnTrailingAxes, Multilinear):
    """``sum(a[k - j] * v[j])``, or with `v` reversed ``sum(a[k + j] * v[j])``.

    `v` is no longer than `a`, but in mode "full", where it does not matter. The sequences lie
    along the last axes; those in front are a batch and broadcast.
    """

    mode: str
    reversed: bool = False
    name: ClassVar[str] = "convolve"
    core: ClassVar[tuple[int, ...]] = (1, 1)

    def infer(self, *types: TensorType) -> Type:
        """As many places as the sequences overlap in the mode."""
        for t in types:
            if not t.ndim or t.shape[-1] == 0:
                raise ShapeError("convolve takes sequences that are not empty", got=repr(t))
        n, m = (t.shape[-1] for t in types)
        lengths: dict[str, Dim] = {"full": n + m - 1, "same": n, "valid": n - m + 1}
        batch = broadcast_shapes(*[t.shape[:-1] for t in types], what=self.name)
        return TensorType(promote([t.dtype for t in types]), (*batch, lengths[self.mode]))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """No sequence is empty, and the first is the longer one."""
        n, m = (t.shape[-1] for t in types)
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
            return found if self.reversed else flip(found, -1)
        if self.mode == "same":
            cotangent = _bordered(cotangent, *self._border(v.shape[-1]))
        if operand == 0:
            return make(Convolve("valid", not self.reversed), cotangent, v)
        found = make(Convolve("valid", True), cotangent, a)
        return flip(found, -1) if self.reversed else found

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """A diagonal for each element of the second sequence, if there are only some."""
        (n, m), size = (x.shape[-1] for x in node.inputs), node.shape[-1]
        if not isinstance(m, int) or m > _MOST_DIAGONALS:
            return None
        *batch, _ = everywhere(node.shape)
        runs = node.shape[:-1]
        outer = [_broadcast(batch, runs, x.shape[:-1]) for x in node.inputs]
        last = len(runs)
        first = self._shift(m)
        found: list[Link] = []
        for j in range(m):
            lengths: dict[str, Dim] = {"full": n, "same": n - abs(j - first), "valid": size}
            start = max(0, first - j)
            a, v = along(last, start), fixed(m - 1 - j if self.reversed else j)
            places = ((*outer[0], a), (*outer[1], v))
            factor = (node.inputs[1 - operand], places[1 - operand])
            target = (*batch, along(last, start + j - first))
            length = lengths[self.mode]
            found.append(Link((*runs, length), places[operand], target, (factor,)))
        return found

    def _border(self, m: Dim) -> tuple[Dim, Dim]:
        """How much of the full convolution "same" leaves out on each side."""
        return (m - 1) // 2, m - 1 - (m - 1) // 2

    def _shift(self, m: Dim) -> Any:
        """How much of the full convolution is left out in front."""
        return {"full": 0, "same": self._border(m)[0], "valid": m - 1}[self.mode]

    def decompose(self, *inputs: Node) -> Node | None:
        """Of stacks, for which NumPy has no function: windows of the first times the second."""
        a, v = inputs
        return None if a.ndim == v.ndim == 1 else self.of_windows(a, v)

    def of_windows(
        self, a: Node, v: Node, *, turned: bool = False, summed: Collection[int] = ()
    ) -> Node:
        """As the product of all windows of `a` with `v`.

        `turned` are these then, and not `v`; `summed` tells axes of the batch to sum over.
        """
        m = v.shape[-1]
        first = self._shift(m)
        behind = {"full": m - 1, "same": first, "valid": 0}[self.mode]
        windows = _windows(_bordered(a, m - 1 - first, behind), m)
        if not self.reversed:
            windows, v = (flip(windows, -1), v) if turned else (windows, flip(v, -1))
        batch = ascii_lowercase[: max(a.ndim, v.ndim) - 1]
        first, second = (batch[len(batch) - x.ndim + 1 :] for x in (a, v))
        kept = "".join([c for i, c in enumerate(batch) if i not in summed])
        return einsum(f"{first}YZ,{second}Z->{kept}Y", windows, v)

    def of_toeplitz(self, a: Node, v: Node) -> Node:
        """As the product of `a` with the matrix that has `v` along its diagonals."""
        n, m = a.shape[-1], v.shape[-1]
        size: Dim = {"full": n + m - 1, "same": n, "valid": n - m + 1}[self.mode]
        first = self._shift(m)
        border = (n - 1 - first, size - m + first)
        if self.reversed:
            matrix = flip(_windows(_bordered(v, *border[::-1]), n), -2)
        else:
            matrix = flip(_windows(_bordered(v, *border), n), -1)
        return einsum("...j,...ij->...i", a, matrix)

    def work(self, node: Node) -> float:
        """A multiplication for each pair."""
        m = node.inputs[1].shape[-1]
        return 0.5 * m if isinstance(m, int) else 10.0

    def flops(self, node: Node) -> Dim:
        """A multiplication and an addition for each pair that meets."""
        a, v = node.inputs
        longer = a if self.mode == "full" else node
        return 2 * product(node.shape[:-1]) * longer.shape[-1] * v.shape[-1]


def _bordered(x: Node, left: Dim, right: Dim) -> Node:
    """With so many zeros before and behind every sequence."""
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(left, right)])


def _windows(x: Node, size: Dim) -> Node:
    """All windows of every sequence."""
    return windows_of(x, (x.ndim - 1,), (size,), (1,), (1,))


def _broadcast(batch: Sequence[Place], runs: Shape, own: Shape) -> list[Place]:
    """The places of an operand along its leading axes, from those of the result."""
    lead = len(runs) - len(own)
    return [
        place if dim == run else fixed(0)
        for place, run, dim in zip(batch[lead:], runs[lead:], own, strict=True)
    ]


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

_ROWS = np.outer([1.0, -0.5], _A) + 0.25


def _stacks(mode: Any, *args: Any) -> Example:
    """Beside NumPy, sequence by sequence."""

    def one(a: Any, v: Any) -> Any:
        return np.convolve(a, v, mode)

    reference = np.vectorize(one, signature="(n),(m)->(k)")
    return Example(lambda a, v: make(Convolve(mode), as_node(a), as_node(v)), args, reference)


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
    "convolve stacks": [
        _stacks("full", _ROWS, _V),
        _stacks("same", _ROWS, _ROWS[:, None, :4]),
        _stacks("valid", _A, _ROWS[:, :2]),
    ],
}
