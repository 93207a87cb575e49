"""Sorted arrays, the permutations that sort them, and positions in sorted arrays.

A derivative is that of the permutation taken. Among equal elements it is the one that keeps their
order.
"""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.amounts import logarithm
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, Shape, Size
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.elementwise import invert, negative, where
from symgraph.ops.index import take, take_along_axis
from symgraph.ops.kinds import Discrete, Example, Structured, any_node, weak_nodes
from symgraph.ops.reduce_order import count_nonzero
from symgraph.ops.shape import expand_dims, ravel, shape_text

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "lexsort",
    "partition",
    "searchsorted",
    "sort",
    "top_k",
]

_INDEX = np.dtype(np.intp)

# Permutations ----------------------------------------------------------------------------------


@record
class _Permutation(AlongAxes, Discrete):
    """Positions along an axis, each once."""

    axis: int
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)

    def infer(self, *types: TensorType) -> Type:
        """An integer for each element."""
        return types[0].with_dtype(_INDEX)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """NumPy's function of this name."""
        axis = str(self.axis) if self.axis != node.ndim - 1 else ""
        return call(f"np.{self.name}", *args, *self.more(), axis=axis, **self.keywords())

    def more(self) -> list[str]:
        """Further positional arguments as source."""
        return []

    def keywords(self) -> dict[str, str]:
        """Further arguments as source."""
        return {}

    def work(self, node: Node) -> float:
        """Comparisons."""
        return 50.0

    def flops(self, node: Node) -> Dim:
        """Comparisons: as a sort."""
        return node.size * logarithm(node.shape[self.axis])


@record
class ArgSort(_Permutation):
    """The positions of the elements in ascending order."""

    stable: bool = False
    name: ClassVar[str] = "argsort"

    def keywords(self) -> dict[str, str]:
        """Whether equal elements keep their order."""
        return {"stable": "True"} if self.stable else {}


@record
class ArgPartition(_Permutation):
    """Positions that put some elements where sorting would, the smaller ones before them."""

    kth: tuple[int, ...]
    name: ClassVar[str] = "argpartition"

    def more(self) -> list[str]:
        """The places that are right."""
        return [str(self.kth[0]) if len(self.kth) == 1 else str(self.kth)]

    def flops(self, node: Node) -> Dim:
        """Comparisons of a selection, on average."""
        return 3 * node.size


def _along(a: Any, axis: Any, what: str) -> tuple[Node, int]:
    node = as_node(a)
    if axis is None:
        return ravel(node), 0
    return node, normalize_axis(axis, node.ndim, what)


def _is_stable(kind: Any, order: Any, stable: Any, what: str) -> bool:
    if order is not None:
        raise UnsupportedError(f"{what}: order=", expected="no structured array", got=repr(order))
    if kind not in (None, "quicksort", "heapsort", "mergesort", "stable"):
        raise UnsupportedError(f"{what}: kind", expected="'stable' or 'quicksort'", got=repr(kind))
    return bool(stable) or kind in ("mergesort", "stable")


@of_numpy(np.argsort)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """The positions of the elements in ascending order, as ``np.argsort``.

    Parameters
    ----------
    a : array_like
    axis : int or None
        ``None``: `a` counts as one-dimensional.
    kind : {"quicksort", "stable"}, optional
        All kinds but "stable" may exchange equal elements.
    order : None
        There are no structured arrays here.
    stable : bool, optional
        The same as ``kind="stable"``.
    """
    stays = _is_stable(kind, order, stable, "argsort")
    node, place = _along(a, axis, "argsort")
    return make(ArgSort(place, stays), node)


def _places(kth: Any, length: Dim, what: str) -> tuple[int, ...]:
    if any_node(kth):
        raise UnsupportedError(f"{what}: kth must be known now", hint="np.sort(x)[k] takes nodes")
    places = [int(k) for k in np.atleast_1d(kth)]
    if isinstance(length, Size):
        return tuple(places)
    if any(not -length <= k < length for k in places):
        raise ShapeError(f"{what}: kth is out of bounds", expected=f"below {length}", got=str(kth))
    return tuple([k % length for k in places])


@of_numpy(np.argpartition)
def argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    """Positions that put the elements `kth` where sorting would, as ``np.argpartition``.

    Parameters
    ----------
    a : array_like
    kth : int or sequence of int
        Known now. What is smaller comes before these elements, what is larger behind them.
    axis : int or None
        ``None``: `a` counts as one-dimensional.
    kind : {"introselect"}
        There is no other.
    order : None
        There are no structured arrays here.
    """
    if kind != "introselect":
        raise UnsupportedError("argpartition: kind", expected="'introselect'", got=repr(kind))
    _is_stable(None, order, None, "argpartition")
    node, place = _along(a, axis, "argpartition")
    return make(ArgPartition(place, _places(kth, node.shape[place], "argpartition")), node)


# Sorted ----------------------------------------------------------------------------------------


@record
class Sort(AlongAxes, Structured):
    """The elements in ascending order along an axis."""

    axis: int
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    name: ClassVar[str] = "sort"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.sort``."""
        axis = str(self.axis) if self.axis != node.ndim - 1 else ""
        return call("np.sort", *args, axis=axis)

    def _order(self, node: Node) -> Node:
        return make(ArgSort(self.axis, stable=True), node.inputs[0])

    def bounds(self, operands: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Those of the elements."""
        return operands[0]

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The tangent in the order of the elements."""
        return take_along_axis(tangents[0], self._order(node), self.axis)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The cotangent in the opposite order: the permutation that sorts a permutation undoes it.

        What is derived would add at positions that may repeat, for all that NumPy knows.
        """
        return (take_along_axis(cotangent, make(ArgSort(self.axis), self._order(node)), self.axis),)

    def work(self, node: Node) -> float:
        """Comparisons."""
        return 30.0

    def flops(self, node: Node) -> Dim:
        """Comparisons."""
        return node.size * logarithm(node.shape[self.axis])


@of_numpy(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """The elements in ascending order along an axis, as ``np.sort``.

    The derivative is that of the permutation taken; equal elements keep their order.

    Parameters
    ----------
    a : array_like
    axis : int or None
        ``None``: `a` counts as one-dimensional.
    kind, stable : optional
        Equal elements are all one to the result.
    order : None
        There are no structured arrays here.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", 3)
    >>> smallest = sg.function([x], sg.grad(sort(x)[0], x))
    >>> smallest(np.array([2.0, 0.5, 1.0]))
    array([0., 1., 0.])
    """
    _is_stable(kind, order, stable, "sort")
    node, place = _along(a, axis, "sort")
    return make(Sort(place), node)


@of_numpy(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    """The elements `kth` where sorting would put them, as ``np.partition``.

    The order of the elements beside them is that of `argpartition`, whose parameters these are;
    NumPy leaves it open.
    """
    node, place = _along(a, axis, "partition")
    return take_along_axis(node, argpartition(node, kth, place, kind, order), place)


class TopK(NamedTuple):
    """What `top_k` gives."""

    values: Any
    indices: Any


@builder()
def top_k(x: Any, k: int, axis: int = -1, *, largest: bool = True) -> TopK:
    """The `k` largest elements along an axis, in descending order, and their positions.

    Parameters
    ----------
    x : array_like
    k : int
        Known now.
    axis : int
    largest : bool
        If false, the smallest in ascending order.

    Returns
    -------
    values : Node
        A NumPy array if `x` is one.
    indices : Node
        Of equal elements the first comes first. NaN is never among the largest, if there are
        enough others.

    Raises
    ------
    ShapeError
        If there are not so many.

    Examples
    --------
    >>> top_k(np.array([2.0, 5.0, 3.0]), 2).indices
    array([1, 2])
    """
    array = as_node(x) if any_node(x) else np.asarray(x)
    if any_node(k) or not hasattr(k, "__index__"):
        raise UnsupportedError("top_k: how many must be known now", got=repr(k))
    place = normalize_axis(axis, array.ndim, "top_k")
    length = array.shape[place]
    if k < 0 or (isinstance(length, int) and k > length):
        raise ShapeError(f"top_k of {length} elements", expected=f"at most {length}", got=str(k))
    turned: Any = array
    if largest:
        # Minus the smallest integer is itself, and unsigned ones have no sign: ~x has neither gap.
        turned = negative(array) if array.dtype.kind == "f" else invert(array)
    order = np.argsort(turned, axis=place, stable=True)
    indices = order[(*[slice(None)] * place, slice(0, int(k)))]
    return TopK(np.take_along_axis(array, indices, place), indices)


@record
class LexSort(AlongAxes, Discrete):
    """The positions in the order of several keys, the last of which counts first."""

    axis: int
    axis_fields: ClassVar[tuple[str, ...]] = ("axis",)
    name: ClassVar[str] = "lexsort"

    def infer(self, *types: TensorType) -> Type:
        """An integer for each element of a key."""
        for key in types:
            if key.shape != types[0].shape:
                raise ShapeError(
                    "lexsort: the keys differ in shape",
                    expected=f"all {shape_text(types[0].shape)}",
                    got=shape_text(key.shape),
                )
        return types[0].with_dtype(_INDEX)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.lexsort``."""
        axis = str(self.axis) if self.axis != node.ndim - 1 else ""
        return call("np.lexsort", f"[{', '.join([arg.text for arg in args])}]", axis=axis)

    def work(self, node: Node) -> float:
        """Comparisons, for each key."""
        return 50.0

    def flops(self, node: Node) -> Dim:
        """Comparisons, for each key."""
        return len(node.inputs) * node.size * logarithm(node.shape[self.axis])


@of_numpy(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """The positions in the order of several keys, as ``np.lexsort``.

    Parameters
    ----------
    keys : sequence of array_like
        All of one shape. The last decides; among its equal elements the one before it, and so on.
    axis : int
    """
    nodes = [as_node(key) for key in keys]
    if not nodes:
        raise ShapeError("lexsort needs at least one key")
    return make(LexSort(normalize_axis(axis, nodes[0].ndim, "lexsort")), *nodes)


# Positions in sorted arrays --------------------------------------------------------------------


def _beside(tables: Node, ndim: int) -> Node:
    """Sorted values of each row of a batch, broadcast against `ndim` axes of what is sought."""
    return expand_dims(tables, tuple(range(1, 1 + ndim)))


@record
class SearchSorted(Discrete):
    """Where values would stand in a sorted array."""

    side: str = "left"
    name: ClassVar[str] = "searchsorted"

    def infer(self, *types: TensorType) -> Type:
        """A position for each value."""
        return _positions(types[0], types[1].shape, self.name)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.searchsorted``."""
        return call("np.searchsorted", *args, side='"right"' if self.side == "right" else "")

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """In one array itself; in a stack of arrays how many elements stand before each value."""
        a, v = operands
        if not mapped[0]:
            return make(self, a, v)
        value = expand_dims(v, -1)
        row = _beside(a, node.ndim)
        return count_nonzero(row <= value if self.side == "right" else row < value, axis=-1)

    def work(self, node: Node) -> float:
        """A binary search for each value."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """A binary search for each value."""
        return node.size * logarithm(node.inputs[0].shape[0])


def _positions(table: TensorType, shape: Shape, what: str) -> TensorType:
    if table.ndim != 1:
        raise ShapeError(f"{what}: the sorted values must be one-dimensional", got=repr(table))
    return TensorType(_INDEX, shape)


@of_numpy(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Where values would stand in a sorted array, as ``np.searchsorted``.

    Parameters
    ----------
    a : array_like
        One-dimensional, in ascending order (after `sorter`).
    v : array_like
    side : {"left", "right"}
        Before or behind equal elements.
    sorter : array_like of int, optional
        A permutation that sorts `a`.
    """
    if side not in ("left", "right"):
        raise UnsupportedError("searchsorted: side", expected="'left' or 'right'", got=repr(side))
    table, values = weak_nodes((a, v), "searchsorted")
    if sorter is not None:
        table = take(table, sorter)
    return make(SearchSorted(side), table, values)


@record
class Digitize(Discrete):
    """The number of the bin of each value, between monotonic bounds."""

    right: bool = False
    name: ClassVar[str] = "digitize"

    def infer(self, *types: TensorType) -> Type:
        """A number for each value."""
        return _positions(types[1], types[0].shape, self.name)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.digitize``."""
        return call("np.digitize", *args, right="True" if self.right else "")

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Between given bounds itself; otherwise how many of the bounds have been passed."""
        x, bins = operands
        if not mapped[1]:
            return make(self, x, bins)
        value = expand_dims(x, -1)
        row = _beside(bins, node.ndim)
        up, down = (row < value, row >= value) if self.right else (row <= value, row > value)
        ascending = row[..., 0] <= row[..., -1]
        return where(ascending, count_nonzero(up, axis=-1), count_nonzero(down, axis=-1))

    def work(self, node: Node) -> float:
        """A binary search for each value."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """A binary search for each value."""
        return node.size * logarithm(node.inputs[1].shape[0])


@of_numpy(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The number of the bin of each value, as ``np.digitize``.

    Parameters
    ----------
    x : array_like
    bins : array_like
        Bounds, one-dimensional, ascending or descending.
    right : bool
        Whether a bin holds its right bound instead of its left one.
    """
    values, bounds = weak_nodes((x, bins), "digitize")
    if values.dtype.kind == "c":
        raise DTypeError("digitize: complex values have no order", got=repr(values.type))
    return make(Digitize(bool(right)), values, bounds)


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.sin(np.arange(24.0) * 1.7).reshape(2, 3, 4)
_VECTOR = np.array([0.5, -1.0, 2.0, 3.0])
_GRID = np.array([-2.0, -0.4, 0.1, 0.1, 1.5])
_WHOLE = np.array([[3, 1, 2, 1], [0, 5, 5, 0]])


def _largest(x: Any, k: int) -> tuple[Any, Any]:
    order: Any = np.argsort(-x, axis=-1, stable=True)[..., :k]
    return np.take_along_axis(x, order, -1), order


EXAMPLES: dict[str, list[Example]] = {
    "sort": [
        Example(np.sort, (_VECTOR,)),
        Example(np.sort, (_CUBE,)),
        Example(lambda x: np.sort(x, axis=1), (_CUBE.astype(np.float32),)),
        Example(lambda x: np.sort(x, axis=None, kind="stable"), (_CUBE,)),
        Example(np.sort, (_WHOLE,)),
        Example(np.sort, (np.ones((0, 3)),)),
        Example(lambda x: np.sort(x * (1 + 2j)), (_VECTOR,)),
    ],
    "argsort": [
        Example(np.argsort, (_CUBE,)),
        Example(lambda x: x.argsort(axis=0), (_CUBE,)),
        Example(lambda x: np.argsort(x, axis=None, stable=True), (_WHOLE,)),
        Example(lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), (_CUBE,)),
    ],
    "partition": [
        Example(lambda x: np.partition(x, 2, axis=1)[:, 2], (_CUBE,)),
        Example(lambda x: np.partition(x, (1, -1))[..., 1::2], (_CUBE,)),
        Example(lambda x: np.partition(x, 3, axis=None)[3], (_CUBE,)),
        Example(lambda x: x[np.argpartition(x, 2)][2], (_VECTOR,)),
    ],
    "top_k": [
        Example(lambda x: top_k(x, 2), (_CUBE,), lambda x: _largest(x, 2)),
        Example(lambda x: top_k(x, 3), (_WHOLE,), lambda x: _largest(x, 3)),
        Example(
            lambda x: top_k(x, 1, axis=1, largest=False)[0],
            (_CUBE,),
            lambda x: np.min(x, axis=1, keepdims=True),
        ),
    ],
    "lexsort": [
        Example(lambda x, y: np.lexsort((x, y)), (_WHOLE[0], _WHOLE[1])),
        Example(lambda x, y: np.lexsort((x, y), axis=0), (_WHOLE, _WHOLE[::-1])),
    ],
    "searchsorted": [
        Example(np.searchsorted, (_GRID, _CUBE)),
        Example(lambda a, v: np.searchsorted(a, v, side="right"), (_GRID, np.float64(0.1))),
        Example(lambda v: np.searchsorted(_VECTOR, v, sorter=np.argsort(_VECTOR)), (_GRID,)),
        Example(lambda a: np.searchsorted(a, 1), (np.arange(4.0, dtype=np.float32),)),
    ],
    "digitize": [
        Example(np.digitize, (_CUBE, _GRID)),
        Example(lambda x, b: np.digitize(x, b, right=True), (_GRID, _GRID[::-1])),
    ],
}
