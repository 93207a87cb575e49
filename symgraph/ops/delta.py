"""Kronecker deltas: arrays that are zero off the diagonals of some of their axes.

An identity, a diagonal matrix, the Jacobian of an element-wise function: each is a smaller array
and the knowledge of which axes run together. Off the diagonals there is nothing, so that infinities
and NaNs of a factor never reach there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, Shape
from symgraph.graph.types import DType, TensorType, Type
from symgraph.ops.contract import contract
from symgraph.ops.create import Arange, Eye
from symgraph.ops.diagonals import Diag
from symgraph.ops.index import IndexAdd
from symgraph.ops.indices import Index, Mark, Range, place_of_arrays
from symgraph.ops.kinds import Example, Linear
from symgraph.ops.reduce import broadcast_to
from symgraph.ops.shape import Transpose, expand_dims, shape_text, transpose

__all__: list[str] = []


@record
class Delta(Linear):
    """The operand on the diagonals of axes with equal letters, zero elsewhere.

    ``Delta("i", "ii")`` of a vector is a diagonal matrix, ``Delta("", "ii")`` of 1 the identity,
    ``Delta("", "abab")`` of 1 the derivative of a matrix by itself. A letter that the operand does
    not have repeats it.

    Attributes
    ----------
    inner : str
        A letter for each axis of the operand, each once.
    outer : str
        A letter for each axis of the result.
    shape : tuple of size
        Of the result; equal letters have equal sizes.
    """

    inner: str
    outer: str
    shape: Shape
    name: ClassVar[str] = "delta"

    def infer(self, *types: TensorType) -> Type:
        """The shape of the result, which the operand's letters must fit."""
        sizes = dict(zip(self.outer, self.shape, strict=True))
        if types[0].shape != tuple([sizes[letter] for letter in self.inner]):
            raise ShapeError(
                f"delta {self.inner}->{self.outer}: the operand does not fit",
                expected=shape_text([sizes[letter] for letter in self.inner]),
                got=shape_text(types[0].shape),
            )
        return types[0].with_shape(self.shape)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The diagonals, summed over letters that the operand does not have."""
        return (contract([(self.outer, cotangent)], self.inner),)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """One more letter on both sides."""
        letter = next(label for label in reversed(ascii_letters) if label not in self.outer)
        shape = (size, *self.shape)
        return make(Delta(letter + self.inner, letter + self.outer, shape), *operands)

    def decompose(self, *inputs: Node) -> Node | None:
        """``np.eye``, ``np.diag``, or zeros with the operand put on the diagonals."""
        (x,) = inputs
        repeated = [c for c in dict.fromkeys(self.outer) if self.outer.count(c) > 1]
        if len(self.outer) == 2 and len(repeated) == 1:
            if self.inner:
                return make(Diag(), x)
            rows, columns = self.shape
            eye = make(Eye(rows, columns, 0, x.dtype))
            return eye if _is_one(x) else x * eye
        sizes = dict(zip(self.outer, self.shape, strict=True))
        index: Index = tuple([Mark.ARRAY if c in repeated else Range() for c in self.outer])
        places = {c: _positions(sizes[c], repeated.index(c), len(repeated)) for c in repeated}
        place = place_of_arrays(index)
        others = [c for c in self.outer if c not in repeated]
        region = "".join([*others[:place], *repeated, *others[place:]])
        zeros = broadcast_to(constant(np.zeros((), x.dtype)), self.shape)
        arrays = [places[c] for c in self.outer if c in repeated]
        return make(IndexAdd(index), zeros, aligned(x, self.inner, region), *arrays)

    @property
    def label(self) -> str:
        """The name with the letters."""
        return f"delta[{self.inner}->{self.outer}]"


def _is_one(x: Node) -> bool:
    return isinstance(x.op, Constant) and x.ndim == 0 and bool(x.op.value == 1)


def _positions(size: Dim, axis: int, ndim: int) -> Node:
    """0, 1, 2 ... along one of some axes."""
    numbers = make(Arange(0, size, 1, np.dtype(np.int64)))
    return expand_dims(numbers, tuple([i for i in range(ndim) if i != axis]))


def aligned(x: Node, letters: str, wanted: str) -> Node:
    """The axes in the wanted order, of size one where a letter is missing; none in front."""
    order = [letters.index(c) for c in wanted if c in letters]
    if order != sorted(order):
        x = _permuted(x, order)
    first = next((i for i, c in enumerate(wanted) if c in letters), len(wanted))
    missing = [i for i, c in enumerate(wanted[first:]) if c not in letters]
    return expand_dims(x, tuple(missing)) if missing else x


def _permuted(x: Node, axes: Sequence[int]) -> Node:
    """Transposed, in one step with what a transpose gave."""
    if isinstance(x.op, Transpose):
        inner = x.op.axes
        (x,), axes = x.inputs, [inner[i] for i in axes]
    return transpose(x, tuple(axes))


def delta(core: Node, inner: str, outer: str, sizes: Mapping[str, Dim]) -> Node:
    """The operand on the diagonals of axes with equal letters, in one canonical form.

    Parameters
    ----------
    core : Node
    inner, outer : str
        Letters for its axes, and for those of the result.
    sizes : mapping
        The size of every letter.

    Returns
    -------
    Node
        A `Delta`, or a broadcast where no letter repeats.
    """
    # Axes of size one run along with none.
    names = iter(ascii_letters)
    fresh: dict[str, str] = {}
    text = ""
    for letter in outer:
        if letter not in fresh:
            fresh[letter] = name = next(names)
        else:
            name = next(names) if sizes[letter] == 1 else fresh[letter]
        text += name
    shape = tuple([sizes[letter] for letter in outer])
    given = [fresh[letter] for letter in inner]
    order = tuple(sorted(range(len(given)), key=lambda i: text.index(given[i])))
    core = _permuted(core, order) if order != tuple(range(len(order))) else core
    kept = "".join([given[i] for i in order])
    if len(set(text)) == len(text):
        return broadcast_to(aligned(core, kept, text), shape)
    return make(Delta(kept, text, shape), core)


def identity(shape: Shape, dtype: DType) -> Node:
    """The derivative of an array by itself: shape + shape."""
    letters = ascii_letters[: len(shape)]
    sizes = dict(zip(letters, shape, strict=True))
    return delta(constant(np.ones((), dtype)), "", letters + letters, sizes)


# Examples for the tests ------------------------------------------------------------------------


def _example(inner: str, outer: str, core: Any, **sizes: int) -> Example:
    """Beside a loop over all positions."""

    def reference(x: Any) -> Any:
        result = np.zeros([sizes[c] for c in outer], x.dtype)
        for place in np.ndindex(*sizes.values()):
            at = dict(zip(sizes, place, strict=True))
            result[tuple([at[c] for c in outer])] = x[tuple([at[c] for c in inner])]
        return result

    return Example(lambda x: delta(as_node(x), inner, outer, sizes), (core,), reference)


_CUBE = np.arange(1.0, 25.0).reshape(2, 3, 4)

EXAMPLES: dict[str, list[Example]] = {
    "delta": [
        _example("i", "ii", _CUBE[0, 0], i=4),
        _example("", "ii", np.float64(2.5), i=3),
        _example("ij", "jij", _CUBE[0], i=3, j=4),
        _example("ij", "ijij", _CUBE[0].astype(np.float32), i=3, j=4),
        _example("ac", "abcb", _CUBE[0, :2], a=2, c=4, b=3),
        _example("", "abab", np.float64(1.0), a=2, b=3),
        _example("ai", "aii", _CUBE[0], a=3, i=4),
        _example("a", "bab", _CUBE[0, 0], a=4, b=2),
        _example("i", "ii", _CUBE[0, 0, :0], i=0),
        _example("i", "iai", _CUBE[0, 0], a=1, i=4),
    ]
}
