"""Sums of products over named indices, and the order in which several factors are multiplied.

An einsum that is a product, a sum, a transpose or a matrix product becomes that, so that equal
values are one node and the emitted code calls BLAS; the rest is an operation of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.amounts import nbytes
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, Shape, dim_names, evaluate, product
from symgraph.graph.sizes import product as product_of
from symgraph.graph.types import TensorType, Type
from symgraph.ops.create import arange
from symgraph.ops.diagonals import Diagonal
from symgraph.ops.elementwise import logical_and, where
from symgraph.ops.kinds import Multilinear, promote
from symgraph.ops.products import matmul
from symgraph.ops.reduce import broadcast_to, sum
from symgraph.ops.shape import (
    expand_dims,
    reshape,
    shape_text,
    squeeze,
    transpose,
)

__all__: list[str] = []  # `symgraph.ops.einsum` holds the functions


@record
class Einsum(Multilinear):
    """Sums of products over named indices.

    Attributes
    ----------
    operands : tuple of str
        A letter for each axis of each operand; equal letters have equal sizes.
    output : str
        The letters of the result, each once; all others are summed over.
    """

    operands: tuple[str, ...]
    output: str
    name: ClassVar[str] = "einsum"

    def infer(self, *types: TensorType) -> Type:
        """The sizes of the output's letters."""
        sizes = label_sizes(self.operands, types)
        dtype = promote([t.dtype for t in types])
        return TensorType(dtype, tuple([sizes[label] for label in self.output]))

    @property
    def subscripts(self) -> str:
        """As ``np.einsum`` takes it."""
        return f"{','.join(self.operands)}->{self.output}"

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.vecdot`` or ``np.tensordot`` where it is one, for they call BLAS."""
        if len(self.operands) == 2:
            first, second = self.operands
            if first == second == f"{self.output}{first[-1]}" and node.dtype.kind == "f":
                return call("np.vecdot", *args)  # it conjugates the first operand
            axes = _tensordot_axes(first, second, self.output)
            if axes:
                return call("np.tensordot", *args, axes=axes)
        return call("np.einsum", f'"{self.subscripts}"', *args)

    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        """An einsum of the cotangent with the other operands.

        An index that stands in this operand alone is broadcast, a repeated one is a diagonal.
        """
        labels = self.operands[operand]
        others = [
            (text, x)
            for i, (text, x) in enumerate(zip(self.operands, node.inputs, strict=True))
            if i != operand
        ]
        unique = "".join(dict.fromkeys(labels))
        known = set(self.output).union(*[text for text, _ in others])
        present = "".join([label for label in unique if label in known])
        result = contract([(self.output, cotangent), *others], present)
        missing = tuple([i for i, label in enumerate(unique) if label not in known])
        dims = dict(zip(labels, node.inputs[operand].shape, strict=True))
        result = broadcast_to(expand_dims(result, missing), tuple([dims[i] for i in unique]))
        return result if unique == labels else _on_diagonal(result, labels, dims)

    def letters(self, node: Node) -> tuple[Sequence[str], str]:
        """Its own."""
        return self.operands, self.output

    @property
    def label(self) -> str:
        """The name with the subscripts."""
        return f"einsum[{self.subscripts}]"

    def work(self, node: Node) -> float:
        """A guess: the sizes decide."""
        return 10.0

    def flops(self, node: Node) -> Dim:
        """Multiplications for each combination of letters, and an addition if some are summed."""
        sizes = label_sizes(self.operands, [x.type for x in node.inputs])
        steps = len(self.operands) - 1 + (len(sizes) > len(self.output))
        return steps * product(sizes.values())

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Equal letters."""
        labels, x = self.operands[operand], node.inputs[operand]
        axes = [labels.find(label) for label in self.output]
        found = [
            axis if axis >= 0 and x.shape[axis] == dim else None
            for axis, dim in zip(axes, node.shape, strict=True)
        ]
        return tuple(found)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """One more letter, in front of those of the mapped operands."""
        used = set(self.output).union(*self.operands)
        letter = next(label for label in reversed(ascii_letters) if label not in used)
        pairs = [
            (letter + labels if is_mapped else labels, x)
            for labels, is_mapped, x in zip(self.operands, mapped, operands, strict=True)
        ]
        return contract(pairs, letter + self.output)


@record
class EinsumOfOne(Einsum):
    """The einsum of one operand, of which NumPy gives a view where nothing is summed."""

    views: ClassVar[tuple[int, ...]] = (0,)

    def allocated(self, node: Node) -> Dim:
        """None where nothing is summed."""
        return nbytes(node.type) if set(self.operands[0]) - set(self.output) else 0


def _on_diagonal(value: Node, labels: str, dims: dict[str, Dim]) -> Node:
    """A value of the letters, each once, on the diagonals of those that are repeated."""
    mask: Node | None = None
    repeated: list[int] = []
    for place, label in enumerate(labels):
        first = labels.index(label)
        if first == place:
            continue
        repeated.append(place)
        index = as_node(arange(dims[label]))
        row, column = (
            expand_dims(index, tuple([i for i in range(len(labels)) if i != own]))
            for own in (first, place)
        )
        equal = row == column
        mask = equal if mask is None else logical_and(mask, equal)
    return where(mask, expand_dims(value, tuple(repeated)), 0.0)


def label_sizes(operands: Sequence[str], types: Sequence[TensorType]) -> dict[str, Dim]:
    """The size of every letter.

    Raises
    ------
    ShapeError
        If a letter stands for two sizes, neither of which is 1.
    """
    sizes: dict[str, Dim] = {}
    for labels, type_ in zip(operands, types, strict=True):
        for label, dim in zip(labels, type_.shape, strict=True):
            known = sizes.get(label, 1)
            if known == 1:
                sizes[label] = dim
            elif dim != known and dim != 1:
                raise ShapeError(
                    f"einsum: the index {label} stands for two sizes",
                    expected=f"{known} everywhere",
                    got=" and ".join(shape_text(t.shape) for t in types)
                    + f" for {','.join(operands)}",
                )
    return sizes


def _roles(first: str, second: str, output: str) -> tuple[str, str, str, str]:
    """Letters of two operands: in both and the result, summed over, left alone, right alone."""
    both = [label for label in first if label in second]
    batch = "".join([label for label in output if label in both])
    contracted = "".join([label for label in both if label not in output])
    left = "".join([label for label in output if label in first and label not in second])
    right = "".join([label for label in output if label in second and label not in first])
    return batch, contracted, left, right


def _tensordot_axes(first: str, second: str, output: str) -> str:
    """Source of ``axes=`` of the tensordot that this einsum is, or nothing."""
    shared = [label for label in first if label in second]
    rest = [label for label in first + second if label not in shared]
    simple = len(set(first)) == len(first) and len(set(second)) == len(second)
    if not simple or not shared or "".join(rest) != output:
        return ""
    if first.endswith("".join(shared)) and second.startswith("".join(shared)):
        return str(len(shared))
    places = [[labels.index(label) for label in shared] for labels in (first, second)]
    return f"({places[0]}, {places[1]})"


def contract(operands: Sequence[tuple[str, Node]], output: str) -> Node:
    """The einsum of nodes with letters for their axes, as the operations that it amounts to."""
    if len(operands) > 2:
        return _in_pairs(list(operands), output)
    if len(operands) == 1:
        return _single(*operands[0], output)
    # What one operand alone decides comes first: its diagonals, and its own sums.
    reduced: list[tuple[str, Node]] = []
    for (labels, node), (other, _) in zip(operands, reversed(operands), strict=True):
        kept = "".join([i for i in dict.fromkeys(labels) if i in other or i in output])
        reduced.append((kept, _single(labels, node, kept)))
    (first, a), (second, b) = reduced
    batch, contracted, left, right = _roles(first, second, output)
    if not contracted:
        return _aligned(first, a, output) * _aligned(second, b, output)
    if not left and not right:
        a, b = _permuted(first, a, batch + contracted), _permuted(second, b, batch + contracted)
        a, b = (_grouped(x, len(batch), (len(contracted),)) for x in (a, b))
        if not batch:
            return matmul(a, b)
        labels = batch + contracted[0]
        return _permuted(batch, make(Einsum((labels, labels), batch), a, b), output)
    if left and right and output.index(right[0]) < output.index(left[0]):
        (first, a), (second, b), left, right = (second, b), (first, a), right, left
    if not batch and max(map(len, (contracted, left, right))) > 1:
        free = [i for i in first + second if i not in contracted]
        product = make(Einsum((first, second), "".join(free)), a, b)
        return _permuted("".join(free), product, output)
    return _permuted(
        batch + left + right,
        _matrix_product(
            _permuted(first, a, batch + left + contracted),
            _permuted(second, b, batch + contracted + right),
            *map(len, (batch, left, right)),
        ),
        output,
    )


def _matrix_product(a: Node, b: Node, batch: int, left: int, right: int) -> Node:
    """``a @ b`` of stacks of matrices, whose rows and columns may be several axes each."""
    inner = a.ndim - batch - left
    rows, columns = a.shape[batch : batch + left], b.shape[batch + inner :]
    a = _grouped(a, batch, (left, inner) if left or batch else (inner,))
    b = _grouped(b, batch, (inner, right) if right or batch else (inner,))
    product = matmul(a, b)
    wanted = (*product.shape[:batch], *rows, *columns)
    unit = tuple([batch + i for i, count in enumerate((left, right)) if batch and not count])
    product = squeeze(product, unit) if unit else product
    return product if product.shape == wanted else reshape(product, wanted)


def _grouped(node: Node, lead: int, groups: tuple[int, ...]) -> Node:
    """One axis for so many axes in turn, behind the leading ones; a new one for none."""
    if all(count == 1 for count in groups):
        return node
    dims: list[Dim] = list(node.shape[:lead])
    place = lead
    for count in groups:
        dims.append(product_of(node.shape[place : place + count]))
        place += count
    missing = tuple([lead + i for i, count in enumerate(groups) if not count])
    node = expand_dims(node, missing) if missing else node
    return node if node.ndim == len(dims) else reshape(node, tuple(dims))


_TYPICAL_SIZE = 64
"""Of a symbolic size, where the order of products is planned."""


def stand_in(shape: Shape) -> Any:
    """An array of this shape that takes no memory."""
    sizes = [evaluate(dim, dict.fromkeys(dim_names(dim), _TYPICAL_SIZE)) for dim in shape]
    return np.broadcast_to(np.float64(0), [max(size, 1) for size in sizes])


def _path(texts: Sequence[str], shapes: Sequence[Shape], output: str) -> list[tuple[int, ...]]:
    """Which operands to contract in turn: NumPy's plan, exhaustive for a few operands."""
    stand_ins = [stand_in(shape) for shape in shapes]
    method = "optimal" if len(texts) <= _FEW else "greedy"
    # The second part is a limit of memory, which would make NumPy give up on pairs.
    steps: Any = np.einsum_path(
        f"{','.join(texts)}->{output}", *stand_ins, optimize=(method, 2**62)
    )[0]
    return steps[1:]


_FEW = 5


def _needed(labels: str, later: str) -> str:
    """The letters that something later has, too."""
    return "".join([label for label in dict.fromkeys(labels) if label in later])


def _in_pairs(operands: list[tuple[str, Node]], output: str) -> Node:
    """Several operands, two at a time, in an order that keeps what comes between small."""
    texts, nodes = zip(*operands, strict=True)
    for step in _path(texts, [node.shape for node in nodes], output):
        result, *factors = [operands.pop(place) for place in sorted(step, reverse=True)][::-1]
        while factors:
            factor = factors.pop(0)
            later = "".join([labels for labels, _ in (*factors, *operands)])
            kept = _needed(result[0] + factor[0], output + later) if later else output
            result = kept, contract([result, factor], kept)
        operands.append(result)
    return contract(operands, output)


def _single(labels: str, node: Node, output: str) -> Node:
    if labels in (2 * labels[:1], 2 * output) and labels:
        diagonal = make(Diagonal(), node)
        return diagonal if output else sum(diagonal)
    if len(set(labels)) < len(labels):
        return make(EinsumOfOne((labels,), output), node)
    axes = tuple([i for i, label in enumerate(labels) if label not in output])
    kept = "".join([label for label in labels if label in output])
    return _permuted(kept, sum(node, axis=axes) if axes else node, output)


def _permuted(labels: str, node: Node, wanted: str) -> Node:
    return transpose(node, tuple([labels.index(label) for label in wanted])) if wanted else node


def _aligned(labels: str, node: Node, output: str) -> Node:
    """The axes in the output's order, with axes of size one where broadcasting needs them."""
    wanted = "".join([label for label in output if label in labels])
    if not wanted:
        return node
    tail = output[output.index(wanted[0]) :]
    missing = tuple([i for i, label in enumerate(tail) if label not in labels])
    return expand_dims(_permuted(labels, node, wanted), missing)
