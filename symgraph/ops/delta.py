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
from symgraph.ops.diagonals import Diag, diagonal
from symgraph.ops.index import GetItem, IndexAdd
from symgraph.ops.indices import Index, Mark, Range, place_of_arrays
from symgraph.ops.kinds import Example, Linear
from symgraph.ops.reduce import broadcast_to
from symgraph.ops.shape import Transpose, expand_dims, shape_text, squeeze, transpose

__all__: list[str] = []


@record
class Delta(Linear):
    """The operand on the diagonals of axes with equal letters, zero elsewhere.

    ``Delta("i", "ii")`` of a vector is a diagonal matrix, ``Delta("", "ii")`` of 1 the identity,
    ``Delta("", "abab")`` of 1 the derivative of a matrix by itself. A letter that the operand does
    not have repeats it. A diagonal may begin anywhere: so does that of the derivative of ``x[1:]``.

    Attributes
    ----------
    inner : str
        A letter for each axis of the operand, each once.
    outer : str
        A letter for each axis of the result.
    shape : tuple of size
        Of the result.
    starts : tuple of size
        Where along each axis of the result its letter begins; all at 0 by default.
    lengths : tuple of size
        How far each letter runs, in the order of `outer`; by default over the whole axis.
    """

    inner: str
    outer: str
    shape: Shape
    starts: Shape = ()
    lengths: Shape = ()
    name: ClassVar[str] = "delta"

    def infer(self, *types: TensorType) -> Type:
        """The shape of the result, which the operand's letters must fit."""
        sizes = self.sizes
        if types[0].shape != tuple([sizes[letter] for letter in self.inner]):
            raise ShapeError(
                f"delta {self.inner}->{self.outer}: the operand does not fit",
                expected=shape_text([sizes[letter] for letter in self.inner]),
                got=shape_text(types[0].shape),
            )
        return types[0].with_shape(self.shape)

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0

    @property
    def sizes(self) -> dict[str, Dim]:
        """How far each letter runs."""
        letters = dict.fromkeys(self.outer)
        if self.lengths:
            return dict(zip(letters, self.lengths, strict=True))
        return dict(zip(self.outer, self.shape, strict=True))

    @property
    def places(self) -> Shape:
        """Where along each axis its letter begins."""
        return self.starts or (0,) * len(self.outer)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The diagonals, summed over letters that the operand does not have."""
        sizes = self.sizes
        runs = [sizes[c] for c in self.outer]
        letters, x = without_repeats(self.outer, cut(cotangent, self.places, runs))
        return (contract([(letters, x)], self.inner),)

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Equal letters that run over a whole axis."""
        sizes = self.sizes
        found = [
            self.inner.index(letter) if letter in self.inner and sizes[letter] == dim else None
            for letter, dim in zip(self.outer, self.shape, strict=True)
        ]
        return tuple(found)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """One more letter on both sides."""
        letter = next(label for label in reversed(ascii_letters) if label not in self.outer)
        starts = (0, *self.starts) if self.starts else ()
        lengths = (size, *self.lengths) if self.lengths else ()
        shape = (size, *self.shape)
        op = Delta(letter + self.inner, letter + self.outer, shape, starts, lengths)
        return make(op, *operands)

    def decompose(self, *inputs: Node) -> Node | None:
        """``np.eye``, ``np.diag``, or zeros with the operand put on the diagonals."""
        (x,) = inputs
        matrix = self._as_matrix(x)
        return self._as_scatter(x) if matrix is None else matrix

    def _as_matrix(self, x: Node) -> Node | None:
        """One diagonal of a matrix, from one side to another."""
        if len(self.outer) != 2 or self.outer[0] != self.outer[1]:
            return None
        (rows, columns), (row, column) = self.shape, self.places
        k = column - row
        length = self.sizes[self.outer[0]]
        if not isinstance(k, int) or not (row == 0 or column == 0):
            return None
        if self.inner or not _is_finite(x):  # 0 * inf is not 0
            square = rows == columns == length + abs(k)
            x = x if self.inner else broadcast_to(x, (length,))
            return make(Diag(k), x) if square else None
        if length not in (rows + min(k, 0), columns - max(k, 0)):
            return None
        eye = make(Eye(rows, columns, k, x.dtype))
        return eye if _is_one(x) else x * eye

    def _as_scatter(self, x: Node) -> Node:
        sizes, places = self.sizes, self.places
        repeated = [c for c in dict.fromkeys(self.outer) if self.outer.count(c) > 1]
        axes = list(zip(self.outer, places, self.shape, strict=True))
        index: Index = tuple(
            [Mark.ARRAY if c in repeated else _range(p, sizes[c], dim) for c, p, dim in axes]
        )
        place = place_of_arrays(index)
        others = [c for c in self.outer if c not in repeated]
        region = "".join([*others[:place], *repeated, *others[place:]])
        zeros = broadcast_to(constant(np.zeros((), x.dtype)), self.shape)
        arrays = [
            _positions(p, sizes[c], repeated.index(c), len(repeated))
            for c, p, _ in axes
            if c in repeated
        ]
        return make(IndexAdd(index), zeros, aligned(x, self.inner, region), *arrays)

    @property
    def label(self) -> str:
        """The name with the letters, and where they begin."""
        where = f" at {shape_text(self.starts)}" if self.starts else ""
        return f"delta[{self.inner}->{self.outer}{where}]"


def _range(start: Dim, length: Dim, size: Dim) -> Range:
    """The slice of a window."""
    stop = start + length
    return Range(None if start == 0 else start, None if stop == size else stop)


def cut(x: Node, starts: Sequence[Dim], lengths: Sequence[Dim]) -> Node:
    """A window of an array."""
    ranges = [
        _range(start, length, dim)
        for start, length, dim in zip(starts, lengths, x.shape, strict=True)
    ]
    if all(r.whole for r in ranges):
        return x
    return make(GetItem(tuple(ranges)), x)


def _is_one(x: Node) -> bool:
    return isinstance(x.op, Constant) and x.ndim == 0 and bool(x.op.value == 1)


def _is_finite(x: Node) -> bool:
    """Whether a number is known not to be infinite or NaN; others are taken not to be."""
    return not isinstance(x.op, Constant) or x.ndim > 0 or bool(np.isfinite(x.op.value))


def _positions(start: Dim, length: Dim, axis: int, ndim: int) -> Node:
    """Consecutive numbers along one of some axes."""
    numbers = make(Arange(start, start + length, 1, np.dtype(np.int64)))
    return expand_dims(numbers, tuple([i for i in range(ndim) if i != axis]))


def without_repeats(letters: Sequence[str], x: Node) -> tuple[str, Node]:
    """The diagonals of axes with equal letters, which come last."""
    kept = list(letters)
    while len(set(kept)) < len(kept):
        second = next(i for i, c in enumerate(kept) if c in kept[:i])
        first = kept.index(kept[second])
        x = diagonal(x, 0, first, second)
        kept = [c for i, c in enumerate(kept) if i not in (first, second)] + [kept[second]]
    return "".join(kept), x


def aligned(x: Node, letters: str, wanted: str) -> Node:
    """The axes in the wanted order, of size one where a letter is missing; none in front."""
    order = [letters.index(c) for c in wanted if c in letters]
    if order != sorted(order):
        x = transpose(x, tuple(order))
    first = next((i for i, c in enumerate(wanted) if c in letters), len(wanted))
    missing = [i for i, c in enumerate(wanted[first:]) if c not in letters]
    return expand_dims(x, tuple(missing)) if missing else x


def _permuted(x: Node, axes: Sequence[int]) -> Node:
    """Transposed, in one step with what a transpose gave."""
    if isinstance(x.op, Transpose):
        inner = x.op.axes
        (x,), axes = x.inputs, [inner[i] for i in axes]
    return transpose(x, tuple(axes))


def delta(
    core: Node,
    inner: str,
    outer: str,
    sizes: Mapping[str, Dim],
    shape: Shape | None = None,
    starts: Shape | None = None,
) -> Node:
    """The operand on the diagonals of axes with equal letters, in one canonical form.

    Parameters
    ----------
    core : Node
    inner, outer : str
        Letters for its axes, and for those of the result.
    sizes : mapping
        How far every letter runs.
    shape, starts : tuple of size, optional
        Of the result, and where its letters begin: by default they run over all of it.

    Returns
    -------
    Node
        A `Delta`; where no letter repeats a broadcast, or zeros with the operand in them.
    """
    shape = shape or tuple([sizes[letter] for letter in outer])
    starts = starts or (0,) * len(outer)
    # Axes of size one run along with none.
    names = iter(ascii_letters)
    fresh: dict[str, str] = {}
    lengths: dict[str, Dim] = {}
    text = ""
    for letter in outer:
        if letter not in fresh:
            fresh[letter] = name = next(names)
        else:
            name = next(names) if sizes[letter] == 1 else fresh[letter]
        lengths[name] = sizes[letter]
        text += name
    given = [fresh[letter] for letter in inner]
    order = tuple(sorted(range(len(given)), key=lambda i: text.index(given[i])))
    core = _permuted(core, order) if order != tuple(range(len(order))) else core
    kept = "".join([given[i] for i in order])
    whole = all(lengths[c] == dim for c, dim in zip(text, shape, strict=True))
    if len(set(text)) < len(text):
        window = () if whole else tuple(lengths.values())
        return make(Delta(kept, text, shape, () if whole else starts, window), core)
    if whole:
        return broadcast_to(aligned(core, kept, text), shape)
    index: list[Dim | Range] = []
    for c, p, dim in zip(text, starts, shape, strict=True):
        single = lengths[c] == 1 and dim != 1
        index.append(p if single else _range(p, lengths[c], dim))
    gone = [c for c, entry in zip(text, index, strict=True) if not isinstance(entry, Range)]
    dropped = tuple([i for i, c in enumerate(kept) if c in gone])
    core = squeeze(core, dropped) if dropped else core
    kept, text = ("".join([c for c in letters if c not in gone]) for letters in (kept, text))
    core = aligned(core, kept, text)
    zeros = broadcast_to(constant(np.zeros((), core.dtype)), shape)
    return make(IndexAdd(tuple(index)), zeros, core)


def identity(shape: Shape, dtype: DType) -> Node:
    """The derivative of an array by itself: shape + shape."""
    letters = ascii_letters[: len(shape)]
    sizes = dict(zip(letters, shape, strict=True))
    return delta(constant(np.ones((), dtype)), "", letters + letters, sizes)


# Examples for the tests ------------------------------------------------------------------------


def _example(
    inner: str, outer: str, core: Any, window: Any = (None, None), **sizes: int
) -> Example:
    """Beside a loop over all positions."""
    shape, starts = window

    def reference(x: Any) -> Any:
        result = np.zeros(shape or [sizes[c] for c in outer], x.dtype)
        for place in np.ndindex(*sizes.values()):
            at = dict(zip(sizes, place, strict=True))
            where = [at[c] + p for c, p in zip(outer, starts or (0,) * len(outer), strict=True)]
            result[tuple(where)] = x[tuple([at[c] for c in inner])]
        return result

    return Example(lambda x: delta(as_node(x), inner, outer, sizes, *window), (core,), reference)


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
        _example("i", "ii", _CUBE[0, 0], ((5, 5), (1, 0)), i=4),
        _example("", "ii", np.float64(1.0), ((3, 4), (0, 1)), i=3),
        _example("i", "ii", _CUBE[0, 0], ((5, 7), (1, 2)), i=4),
        _example("ai", "aii", _CUBE[0], ((4, 6, 5), (1, 0, 1)), a=3, i=4),
        _example("ij", "ij", _CUBE[0], ((4, 4), (1, 0)), i=3, j=4),
    ]
}
