"""Arrays joined and split: concatenate and split transpose into each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.leaves import Constant, Item, scalar_code
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, Size
from symgraph.graph.types import (
    TensorType,
    TupleType,
    Type,
    as_count,
    as_dtype,
    as_integer,
    normalize_axis,
)
from symgraph.ops.arrange import atleast_1d, atleast_2d, atleast_3d
from symgraph.ops.batching import AlongAxes
from symgraph.ops.elementwise import astype
from symgraph.ops.facts import union_bounds
from symgraph.ops.index import getitem
from symgraph.ops.kinds import Example, Linear, any_node, promote
from symgraph.ops.shape import (
    Reshape,
    expand_dims,
    nonnegative,
    ravel,
    shape_text,
    with_dim,
)

__all__ = [
    "append",
    "array_split",
    "column_stack",
    "concatenate",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "vsplit",
    "vstack",
]


def _slice(node: Node, axis: int, start: Dim, stop: Dim) -> Node:
    return getitem(node, (*[slice(None)] * axis, slice(start, stop)))


# Join ------------------------------------------------------------------------------------------


@record
class Concatenate(AlongAxes, Linear):
    """Arrays one behind the other along an axis."""

    axis: int
    name: ClassVar[str] = "concatenate"
    analytic: ClassVar[bool] = True
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    linear: ClassVar[tuple[int, ...] | None] = None

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of all operands together."""
        return union_bounds(operands)

    def infer(self, *types: TensorType) -> Type:
        """The sizes along the axis add up; the others must be equal."""
        first = types[0]
        total: Dim = 0
        for t in types:
            if t.ndim != first.ndim or with_dim(t.shape, self.axis, 0) != with_dim(
                first.shape, self.axis, 0
            ):
                raise ShapeError(
                    f"concatenate along axis {self.axis}: the other sizes differ",
                    expected=f"as {shape_text(first.shape)}",
                    got=shape_text(t.shape),
                )
            total = total + t.shape[self.axis]
        shape = with_dim(first.shape, self.axis, total)
        return TensorType(promote([t.dtype for t in types]), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.concatenate([a, b], axis=1)``."""
        return _listed("np.concatenate", args, self.axis)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """To each array its piece."""
        pieces: list[Node] = []
        start: Dim = 0
        for operand in node.inputs:
            stop = start + operand.shape[self.axis]
            pieces.append(_slice(cotangent, self.axis, start, stop))
            start = stop
        return pieces

    def work(self, node: Node) -> float:
        """A copy."""
        return 0.5

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0


def _as_list(arg: Code, operand: Node) -> Code | None:
    """The list in a row that is written where it is used."""
    if isinstance(operand.op, Stack) and arg.text.startswith("np.array("):
        return Code(arg.text[len("np.array(") : -1], depth=arg.depth)
    return None


def _listed(function: str, args: Sequence[Code], axis: int) -> Code:
    """A call with a list of arrays."""
    texts = f"[{', '.join([arg.text for arg in args])}]"
    inner = call(function, texts, axis=str(axis) if axis else "")
    return Code(inner.text, depth=1 + max(arg.depth for arg in args), parts=inner.parts)


@builder(np.concatenate)
def concatenate(
    arrays: Any, axis: Any = 0, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    """Arrays joined along an axis, as ``np.concatenate``.

    Parameters
    ----------
    arrays : sequence of array_like
        All of one shape, but for the axis.
    axis : int or None
        ``None``: each counts as one-dimensional.
    dtype : data-type, optional
        Of the result; by default the common one.
    casting : str, optional
        Which conversions to it are allowed.

    Raises
    ------
    ShapeError
        If the other sizes differ.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x, y = placeholder("x", ("n", 3)), placeholder("y", ("m", 3))
    >>> concatenate([x, y]).shape
    (m + n, 3)
    """
    if not any_node(arrays):
        return np.concatenate(arrays, axis=axis, dtype=dtype, casting=casting)
    nodes = _nodes(arrays, "concatenate")
    if axis is None:
        nodes, axis = [ravel(node) for node in nodes], 0
    if nodes[0].ndim == 0:
        raise ShapeError("concatenate: 0-d arrays cannot be joined", hint="np.stack([...])")
    place = normalize_axis(axis, nodes[0].ndim, "concatenate")
    joined = make(Concatenate(place), *nodes) if len(nodes) > 1 else nodes[0]
    return _converted(joined, dtype, casting, nodes)


def _converted(node: Node, dtype: Any, casting: Any, parts: Sequence[Node]) -> Node:
    wanted = node.dtype if dtype is None else as_dtype(dtype)
    for part in parts:
        if not np.can_cast(part.dtype, wanted, casting):
            raise DTypeError(
                f"joined arrays of {part.dtype} do not become {wanted} with casting={casting!r}",
                hint="convert them with .astype()",
            )
    return astype(node, wanted)


def _nodes(arrays: Any, what: str) -> list[Node]:
    nodes = [as_node(array) for array in arrays]
    if not nodes:
        raise ShapeError(f"{what} needs at least one array")
    return nodes


@record
class Stack(AlongAxes, Linear):
    """Arrays of one shape along a new axis."""

    axis: int
    name: ClassVar[str] = "stack"
    analytic: ClassVar[bool] = True
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    linear: ClassVar[tuple[int, ...] | None] = None

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of all operands together."""
        return union_bounds(operands)

    def infer(self, *types: TensorType) -> Type:
        """The common shape with the new axis."""
        first = types[0]
        for t in types:
            if t.shape != first.shape:
                raise ShapeError(
                    "stack: the shapes differ",
                    expected=f"all {shape_text(first.shape)}",
                    got=shape_text(t.shape),
                )
        shape = (*first.shape[: self.axis], len(types), *first.shape[self.axis :])
        return TensorType(promote([t.dtype for t in types]), shape)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.stack([a, b], axis=1)``; scalars, and lists of them, are an array already."""
        if node.ndim == 1:
            numbers = node.dtype.name in ("float64", "int64")  # the dtypes of Python's numbers
            items = [
                scalar_code(operand.op.value[()])
                if numbers and isinstance(operand.op, Constant) and operand.dtype == node.dtype
                else arg
                for operand, arg in zip(node.inputs, args, strict=True)
            ]
            exact = numbers or not any(arg.literal for arg in args)
            return _listed("np.array" if exact else "np.stack", items, 0)
        lists = [_as_list(arg, operand) for operand, arg in zip(node.inputs, args, strict=True)]
        rows = [row for row in lists if row]
        if self.axis == 0 and len(rows) == len(lists):
            return _listed("np.array", rows, 0)
        return _listed("np.stack", args, self.axis)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """To each array its piece."""
        before = [slice(None)] * self.axis
        return [getitem(cotangent, (*before, i)) for i in range(len(node.inputs))]

    def work(self, node: Node) -> float:
        """A copy."""
        return 0.5

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0


@builder(np.stack)
def stack(arrays: Any, axis: int = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Arrays of one shape joined along a new axis, as ``np.stack``.

    Parameters
    ----------
    arrays : sequence of array_like
        May hold nested lists of nodes and numbers.
    axis : int
        Where the new axis stands in the result.
    dtype : data-type, optional
        Of the result; by default the common one.
    casting : str, optional
        Which conversions to it are allowed.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    if not any_node(arrays):
        return np.stack(arrays, axis=axis, dtype=dtype, casting=casting)
    nodes = _nodes(arrays, "stack")
    stacked = make(Stack(normalize_axis(axis, nodes[0].ndim + 1, "stack")), *nodes)
    return _converted(stacked, dtype, casting, nodes)


@builder(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Arrays joined row by row, as ``np.vstack``."""
    if not any_node(tup):
        return np.vstack(tup, dtype=dtype, casting=casting)
    rows = [atleast_2d(as_node(array)) for array in tup]
    return concatenate(rows, dtype=dtype, casting=casting)


@builder(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Arrays joined column by column (1-D arrays end to end), as ``np.hstack``."""
    if not any_node(tup):
        return np.hstack(tup, dtype=dtype, casting=casting)
    nodes = [atleast_1d(as_node(array)) for array in tup]
    axis = 0 if nodes and nodes[0].ndim == 1 else 1
    return concatenate(nodes, axis, dtype=dtype, casting=casting)


@builder(np.dstack)
def dstack(tup: Any) -> Any:
    """Arrays joined along the third axis, as ``np.dstack``."""
    if not any_node(tup):
        return np.dstack(tup)
    return concatenate([atleast_3d(as_node(array)) for array in tup], axis=2)


@builder(np.column_stack)
def column_stack(tup: Any) -> Any:
    """1-D arrays as the columns of a matrix, as ``np.column_stack``."""
    if not any_node(tup):
        return np.column_stack(tup)
    nodes = [as_node(array) for array in tup]
    columns = [node if node.ndim > 1 else expand_dims(atleast_1d(node), 1) for node in nodes]
    return concatenate(columns, axis=1)


@builder(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Values behind an array, as ``np.append``; both flattened without an axis."""
    if not any_node(arr, values):
        return np.append(arr, values, axis)
    return concatenate([as_node(arr), as_node(values)], axis)


# Split -----------------------------------------------------------------------------------------


@record
class Split(AlongAxes, Linear):
    """The pieces of these sizes along an axis."""

    sizes: tuple[Dim, ...]
    axis: int
    name: ClassVar[str] = "split"
    analytic: ClassVar[bool] = True
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    views: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """One type for each piece."""
        (x,) = types
        return TupleType(
            tuple([x.with_shape(with_dim(x.shape, self.axis, size)) for size in self.sizes])
        )

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """No piece has a negative size, and nothing is left over."""
        total: Dim = 0
        for size in self.sizes:
            total = total + size
        return nonnegative(*self.sizes, total - types[0].shape[self.axis])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.split`` into equal parts, or at positions."""
        axis = str(self.axis) if self.axis else ""
        if len(set(self.sizes)) == 1 and len(self.sizes) > 1:
            return call("np.split", args[0], str(len(self.sizes)), axis=axis)
        positions: list[str] = []
        total: Dim = 0
        for size in self.sizes[:-1]:
            total = total + size
            positions.append(scope.dim(total))
        return call("np.split", args[0], f"[{', '.join(positions)}]", axis=axis)

    def transpose(self, node: Node, cotangent: Any) -> Sequence[Node | None]:
        """The pieces joined again."""
        joined, shape = concatenate(list(cotangent), self.axis), node.inputs[0].shape
        # The sum of the pieces' sizes may not look like the size that they are pieces of.
        return (joined if joined.shape == shape else make(Reshape(shape), joined),)


def _pieces(node: Node, sizes: Sequence[Dim], axis: int) -> list[Node]:
    if len(sizes) == 1:
        return [node]
    several = make(Split(tuple(sizes), axis), node)
    return [make(Item(i), several) for i in range(len(sizes))]


@builder(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """The pieces of an array along an axis, as ``np.split``.

    Parameters
    ----------
    ary : array_like
    indices_or_sections : int, or sequence of sizes
        How many equal pieces, or the positions where the later pieces begin. A symbolic size is
        checked to divide evenly when the function is called.
    axis : int

    Returns
    -------
    list of Node

    Raises
    ------
    ShapeError
        If the size is known not to divide evenly.
    """
    return _split(ary, indices_or_sections, axis, np.split)


@builder(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """As `split`, but the first pieces may be one longer than the last."""
    return _split(ary, indices_or_sections, axis, np.array_split)


def _split(ary: Any, where: Any, axis: int, function: Any) -> Any:
    if not any_node(ary, where):
        return function(ary, where, axis=axis)
    node = as_node(ary)
    if node.ndim == 0:
        raise ShapeError("a 0-d array cannot be split")
    place = normalize_axis(axis, node.ndim, function.__name__)
    length = node.shape[place]
    if hasattr(where, "__len__"):
        return _split_at(node, [_position(p) for p in where], place)
    count = _count(where)
    if function is np.array_split:
        sizes = [(length - i + (count - 1)) // count for i in range(count)]
    else:
        left = length % count
        if isinstance(left, int) and left:
            raise ShapeError(
                f"split: {length} elements do not divide into {count} equal pieces",
                hint="np.array_split allows pieces of different sizes",
            )
        sizes = [length // count] * count
    return _pieces(node, sizes, place)


def _count(sections: Any) -> int:
    if isinstance(sections, Node | Size):
        raise UnsupportedError("split: how many pieces must be known now", got=repr(sections))
    count = as_count(sections, "split: the number of pieces")
    if not count:
        raise ShapeError("split: the number of pieces must be positive", got="0")
    return count


def _position(position: Any) -> Dim:
    if isinstance(position, Node):
        raise UnsupportedError(
            "split: a position that is a node: the shapes would depend on its value",
            hint="np.where(np.arange(n) < position, x, 0) keeps the shape",
        )
    return position if isinstance(position, Size) else as_integer(position, "split: a position")


def _split_at(node: Node, positions: Sequence[Dim], axis: int) -> list[Node]:
    bounds: list[Dim] = [0, *positions, node.shape[axis]]
    sizes = [later - earlier for earlier, later in pairwise(bounds)]
    if any(isinstance(size, int) and size < 0 for size in (*sizes, *positions)):
        # Positions outside the axis or out of order: NumPy takes the slices all the same.
        stops: list[Dim | None] = [*positions, None]
        return [
            getitem(node, (*[slice(None)] * axis, slice(start, stop)))
            for start, stop in zip([0, *positions], stops, strict=True)
        ]
    return _pieces(node, sizes, axis)


@builder(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """The pieces along the first axis."""
    if any_node(ary) and as_node(ary).ndim < 2:
        raise ShapeError(
            "vsplit needs two dimensions", got=repr(as_node(ary).type), hint="np.split"
        )
    return split(ary, indices_or_sections, 0)


@builder(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """The pieces along the second axis, or the only one."""
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.arange(12.0).reshape(3, 4) / 7 - 1
_ROW = np.array([[0.5, -1.0, 2.0, 3.0]])
_VECTOR = _ROW[0]

EXAMPLES: dict[str, list[Example]] = {
    "concatenate": [
        Example(lambda x, y: np.concatenate([x, y]), (_MATRIX, _ROW)),
        Example(lambda x, y: np.concatenate([x, y, x], axis=-1), (_MATRIX, _MATRIX[:, :0])),
        Example(lambda x, y: np.concatenate((x, y), axis=None), (_MATRIX, _ROW)),
        Example(lambda x, y: np.concatenate([x, y]), (_VECTOR.astype(np.float32), _VECTOR)),
        Example(lambda x, y: np.vstack([x, y], dtype=np.float32), (_MATRIX, _VECTOR)),
        Example(lambda x, y: np.hstack([x, y]), (_VECTOR, _VECTOR[:2])),
        Example(lambda x, y: np.hstack([x, y]), (_MATRIX, _MATRIX[:, 1:])),
        Example(lambda x, y: np.dstack([x, y]), (_VECTOR, _VECTOR * 2)),
        Example(lambda x, y: np.column_stack([x, y]), (_VECTOR[:3], _MATRIX)),
        Example(np.append, (_MATRIX, np.float64(2.0))),
    ],
    "stack": [
        Example(lambda x, y: np.stack([x, y], dtype=np.complex128), (_VECTOR, _VECTOR + 1)),
        Example(lambda x, y: np.stack([x, y]), (_VECTOR, _VECTOR + 1)),
        Example(lambda x, y: np.stack([x, y], axis=-1), (_MATRIX, _MATRIX * 2)),
        Example(lambda x, y: np.stack([x, 1.5, y]), (np.float64(0.5), np.float64(-2.0))),
        Example(lambda x, y: np.stack([x, y]), (np.float32(0.5), np.float32(-2.0))),
    ],
    "split": [
        Example(lambda x: np.split(x, 2, axis=1)[1], (_MATRIX,)),
        Example(lambda x: np.split(x, [1, 3])[0], (_VECTOR,)),
        Example(lambda x: np.multiply(*np.split(x, 2)), (_VECTOR,)),
        Example(lambda x: np.split(x, [3, 1, 9])[2], (_VECTOR,)),
        Example(lambda x: np.array_split(x, 3)[0], (_VECTOR,)),
        Example(lambda x: np.array_split(x, 6)[5], (_VECTOR,)),
        Example(lambda x: np.hsplit(x, [1])[1], (_MATRIX,)),
    ],
}
