"""The same elements in another shape: reshape, transpose, axes of size one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, attribute, call, method, subscript, tuple_text
from symgraph.graph.links import Link, everywhere, regrouped
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, Shape, Size, as_dim, product
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes, next_axes
from symgraph.ops.kinds import Example, Linear, any_node

__all__ = [
    "expand_dims",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "transpose",
]


def items_of(value: Any) -> list[Any]:
    """What a list or tuple holds, or the one value."""
    return list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else [value]


def normalize_axis_list(axis: Any, ndim: int, what: str) -> tuple[int, ...]:
    """Non-negative axes in the order given.

    Raises
    ------
    ShapeError
        If there is no such axis, or one is given twice.
    """
    axes = tuple([normalize_axis(item, ndim, what) for item in items_of(axis)])
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{what}: an axis is given twice", got=f"axis={axis}")
    return axes


def with_dim(shape: Shape, axis: int, dim: Dim) -> Shape:
    """A shape with another size for one axis."""
    return (*shape[:axis], dim, *shape[axis + 1 :])


def shape_text(shape: Sequence[Dim]) -> str:
    """A shape as a message shows it."""
    return tuple_text([str(dim) for dim in shape])


def surely_nonnegative(dim: Dim) -> bool:
    """Whether a size cannot be negative, because no coefficient is."""
    if isinstance(dim, int):
        return dim >= 0
    atoms = [atom for monomial, _ in dim.terms for atom, _ in monomial]
    return all(coefficient >= 0 for _, coefficient in dim.terms) and all(
        isinstance(atom, str) or atom.symbol == "%" or surely_nonnegative(atom.numerator)
        for atom in atoms
    )


def nonnegative(*dims: Dim) -> tuple[Dim, ...]:
    """Those of some sizes that a call must check: the ones not known to be non-negative.

    Raises
    ------
    ShapeError
        If one is a negative number.
    """
    for dim in dims:
        if isinstance(dim, int) and dim < 0:
            raise ShapeError("a size cannot be negative", got=str(dim))
    return tuple(dict.fromkeys([dim for dim in dims if not surely_nonnegative(dim)]))


# Reshape ---------------------------------------------------------------------------------------


@record
class Reshape(Linear):
    """The elements in C order in another shape."""

    shape: Shape
    name: ClassVar[str] = "reshape"
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The new shape, if it has as many elements, which for symbolic sizes a call checks."""
        total, wanted = types[0].size, product(self.shape)
        if wanted != total and isinstance(wanted, int) and isinstance(total, int):
            raise _different(types[0].shape, self.shape)
        return types[0].with_shape(self.shape)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """Nothing may be left over: ``-(n % 3)`` of ``reshape(-1, 3)``."""
        total, wanted = types[0].size, product(self.shape)
        if wanted == total:
            return ()
        for i, dim in enumerate(self.shape):
            known = product([*self.shape[:i], *self.shape[i + 1 :]])
            if isinstance(dim, Size) and known != 0 and dim == total // known:
                return (*nonnegative(known - 1), -(total % known))
        return (wanted - total, total - wanted)

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The method; ``np.reshape`` for a scalar, which may be a Python number."""
        before = node.inputs[0].shape
        if not before:
            return call("np.reshape", args[0], scope.shape(self.shape))
        alike = len(before) == len(self.shape) and _differing(before, self.shape) == 1
        if alike and product(before) != 0:
            return args[0]  # one size written differently: what is required says that it is one
        if len(self.shape) == 1:
            return method(args[0], "ravel")
        if not self.shape:
            return method(args[0], "reshape", "()")
        return method(args[0], "reshape", *[scope.dim(dim) for dim in self.shape])

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Back to the operand's shape."""
        return (_reshaped(cotangent, node.inputs[0].shape),)

    def links(self, node: Node, operand: int) -> Sequence[Link] | None:
        """In the same order, if the sizes have common parts."""
        found = regrouped(node.inputs[0].shape, self.shape)
        return None if found is None else [found]

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """Equal sizes at either end: what is between them is rearranged alone."""
        before = node.inputs[0].shape
        found: list[int | None] = [None] * node.ndim
        for axis, (dim, own) in enumerate(zip(before, self.shape, strict=False)):
            if dim != own:
                break
            found[axis] = axis
        for axis, (dim, own) in enumerate(zip(before[::-1], self.shape[::-1], strict=False)):
            if dim != own:
                break
            found[-1 - axis] = len(before) - 1 - axis
        return tuple(found)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """The same for every row."""
        return _reshaped(operands[0], (size, *self.shape))


def _differing(first: Shape, second: Shape) -> int:
    return sum(a != b for a, b in zip(first, second, strict=True))


def _different(before: Shape, after: Shape) -> ShapeError:
    return ShapeError(
        "reshape: the number of elements differs",
        expected=f"{product(before)} elements, as in {shape_text(before)}",
        got=f"{shape_text(after)}: {product(after)} elements",
        hint="-1 stands for the size that follows from the others",
    )


def _reshaped(node: Node, shape: Shape) -> Node:
    if node.shape == shape:
        return node
    if not shape:
        return make(Squeeze(tuple(range(node.ndim))), node)
    return make(Reshape(shape), node)


def _infer_shape(before: Shape, shape: Any) -> Shape:
    """The shape asked for, with the size that -1 stands for."""
    single = isinstance(shape, str) or not hasattr(shape, "__iter__")
    items: list[Any] = [shape] if single else list(shape)
    free = [i for i, item in enumerate(items) if _is_minus_one(item)]
    dims: list[Dim] = [1 if i in free else as_dim(item) for i, item in enumerate(items)]
    total, known = product(before), product(dims)
    if not free:
        if known != total:
            raise _different(before, tuple(dims))
        return tuple(dims)
    if len(free) > 1 or (isinstance(known, int) and known == 0):
        raise ShapeError(
            "reshape: the size that -1 stands for does not follow",
            expected="one -1 beside sizes that are not 0",
            got=str(shape),
        )
    rest = total % known
    if isinstance(rest, int) and rest != 0:
        raise ShapeError(
            f"reshape: {total} elements cannot be split into groups of {known}", got=str(shape)
        )
    dims[free[0]] = total // known
    return tuple(dims)


def _is_minus_one(item: Any) -> bool:
    return not isinstance(item, str | Size) and hasattr(item, "__index__") and item == -1


@builder(np.reshape)
def reshape(a: Any, shape: Any, order: Any = "C") -> Any:
    """The elements in another shape, as ``np.reshape``.

    Parameters
    ----------
    a : array_like
    shape : size or tuple of sizes
        May hold symbolic sizes. One may be -1: it follows from the others.
    order : {"C", "F"}
        Whether the last or the first index changes fastest.

    Raises
    ------
    ShapeError
        If the number of elements differs.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x", ("n", 6))
    >>> reshape(x, (-1, 2, 3)).shape, reshape(x, -1).shape
    ((n, 2, 3), (6 * n,))
    """
    if not any_node(a, shape):
        return np.reshape(a, shape, order=order)
    node = as_node(a)
    wanted = _infer_shape(node.shape, shape)
    if order == "C":
        return _reshaped(node, wanted)
    if order != "F":
        raise UnsupportedError(
            f"reshape: order={order!r} depends on how the array lies in memory",
            expected="order='C' or order='F'",
        )
    return transpose(_reshaped(transpose(node), wanted[::-1]))


@builder(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    """All elements in one dimension, as ``np.ravel``.

    Parameters
    ----------
    a : array_like
    order : {"C", "F"}
    """
    return reshape(a, -1, order) if any_node(a) else np.ravel(a, order=order)


# Transpose -------------------------------------------------------------------------------------


@record
class Transpose(Linear):
    """Permuted axes: axis i of the result is axis ``axes[i]`` of the operand."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "transpose"
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)
    free: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The sizes permuted."""
        (x,) = types
        if sorted(self.axes) != list(range(x.ndim)):
            raise ShapeError(
                "transpose: the axes are no permutation",
                expected=f"each of 0 … {x.ndim - 1} once",
                got=str(self.axes),
            )
        return x.with_shape(tuple([x.shape[i] for i in self.axes]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``x.T``, ``x.mT``, ``x.swapaxes(0, 1)`` or ``x.transpose(1, 2, 0)``."""
        axes, last = self.axes, len(self.axes) - 1
        if axes == tuple(range(last, -1, -1)):
            return attribute(args[0], "T")
        moved = [i for i, axis in enumerate(axes) if i != axis]
        if moved == [last - 1, last]:
            return attribute(args[0], "mT")
        if len(moved) == 2:
            return method(args[0], "swapaxes", *map(str, moved))
        return method(args[0], "transpose", *map(str, axes))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The inverse permutation."""
        return (_permuted(cotangent, inverse_permutation(self.axes)),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Axes exchanged."""
        places = everywhere(node.inputs[0].shape)
        return [Link(node.inputs[0].shape, places, tuple([places[i] for i in self.axes]))]

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The permutation."""
        return self.axes

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """The batch stays in front."""
        return make(Transpose((0, *next_axes(self.axes))), *operands)


def inverse_permutation(axes: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes another."""
    return tuple(sorted(range(len(axes)), key=lambda i: axes[i]))


def _permuted(node: Node, axes: tuple[int, ...]) -> Node:
    return node if axes == tuple(range(node.ndim)) else make(Transpose(axes), node)


@builder(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """Permuted axes, as ``np.transpose``; all reversed by default.

    Parameters
    ----------
    a : array_like
    axes : tuple of int, optional
        Axis i of the result is axis ``axes[i]`` of `a`.

    Raises
    ------
    ShapeError
        If `axes` is not a permutation.
    """
    if not any_node(a):
        return np.transpose(a, axes)
    node = as_node(a)
    if axes is None:
        return _permuted(node, tuple(range(node.ndim))[::-1])
    order = normalize_axis_list(axes, node.ndim, "transpose")
    if len(order) != node.ndim:
        raise ShapeError(
            "transpose: one axis is needed for each dimension",
            expected=f"{node.ndim} axes",
            got=str(axes),
        )
    return _permuted(node, order)


@builder(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged, as ``np.swapaxes``."""
    if not any_node(a):
        return np.swapaxes(a, axis1, axis2)
    node = as_node(a)
    first, second = (normalize_axis(axis, node.ndim, "swapaxes") for axis in (axis1, axis2))
    axes = list(range(node.ndim))
    axes[first], axes[second] = second, first
    return _permuted(node, tuple(axes))


# Axes of size one ------------------------------------------------------------------------------


@record
class Squeeze(AlongAxes, Linear):
    """Without some axes of size one."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "squeeze"
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The other axes."""
        (x,) = types
        for axis in self.axes:
            if x.shape[axis] != 1:
                raise ShapeError(
                    f"squeeze: axis {axis} has size {x.shape[axis]}",
                    expected="size 1",
                    got=shape_text(x.shape),
                )
        return x.with_shape(tuple([d for i, d in enumerate(x.shape) if i not in self.axes]))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``x[0]`` where a scalar is left, the method otherwise."""
        if node.ndim == 0:
            return subscript(args[0], *["0"] * len(self.axes))
        text = str(self.axes[0]) if len(self.axes) == 1 else str(self.axes)
        return method(args[0], "squeeze", axis=text)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The axes inserted again."""
        return (expand_dims(cotangent, self.axes),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """The other axes."""
        places = everywhere(node.inputs[0].shape)
        kept = tuple([place for i, place in enumerate(places) if i not in self.axes])
        return [Link(node.inputs[0].shape, places, kept)]


@builder(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Without axes of size one, as ``np.squeeze``.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int, optional
        By default every axis whose size is known to be 1.

    Raises
    ------
    ShapeError
        If a given axis has another size, or a symbolic one.
    """
    if not any_node(a):
        return np.squeeze(a, axis=axis)
    node = as_node(a)
    if axis is None:
        axes = tuple([i for i, dim in enumerate(node.shape) if dim == 1])
    else:
        axes = tuple(sorted(normalize_axis_list(axis, node.ndim, "squeeze")))
    return make(Squeeze(axes), node) if axes else node


@record
class ExpandDims(AlongAxes, Linear):
    """With new axes of size one at these places of the result."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "expand_dims"
    moves: ClassVar[bool] = True
    views: ClassVar[tuple[int, ...]] = (0,)
    free: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """Ones at the new places."""
        dims = list(types[0].shape)
        for axis in self.axes:
            dims.insert(axis, 1)
        return types[0].with_shape(tuple(dims))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``x[:, None]``; a scalar may be a Python number, which cannot be indexed."""
        if node.inputs[0].ndim == 0:
            return call("np.reshape", args[0], tuple_text(["1"] * node.ndim))
        entries = ["None" if i in self.axes else ":" for i in range(node.ndim)]
        return subscript(args[0], *trim_colons(entries))

    def apart(self, node: Node, operand: int, result: TensorType) -> tuple[int | None, ...]:
        """The old ones."""
        old = iter(range(node.ndim))
        return tuple([None if axis in self.axes else next(old) for axis in range(node.ndim)])

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The axes removed again."""
        return (make(Squeeze(self.axes), cotangent),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """The new axes have one place."""
        places = everywhere(node.shape)
        kept = tuple([place for i, place in enumerate(places) if i not in self.axes])
        return [Link(node.shape, kept, places)]


def trim_colons(entries: Sequence[str]) -> list[str]:
    """An index as a person writes it: no colons at the end, ``...`` for many at the start.

    Examples
    --------
    >>> trim_colons([":", "None", ":"]), trim_colons([":", ":", "0"]), trim_colons([":", ":"])
    ([':', 'None'], ['...', '0'], [':'])
    """
    if "..." in entries:  # it would stand for what is left out
        return list(entries)
    kept = list(entries)
    while len(kept) > 1 and kept[-1] == ":":
        kept.pop()
    leading = next((i for i, entry in enumerate(kept) if entry != ":"), 0)
    if leading > 1 and len(kept) == len(entries):
        kept[:leading] = ["..."]
    return kept


@builder(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """With new axes of size one, as ``np.expand_dims``.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int
        Where they stand in the result.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> expand_dims(placeholder("x", ("n", 3)), (0, -1)).shape
    (1, n, 3, 1)
    """
    if not any_node(a):
        return np.expand_dims(a, axis)
    node = as_node(a)
    axes = normalize_axis_list(axis, node.ndim + len(items_of(axis)), "expand_dims")
    return make(ExpandDims(tuple(sorted(axes))), node) if axes else node


# Examples for the tests ------------------------------------------------------------------------

_CUBE = np.arange(24.0).reshape(2, 3, 4) / 7 - 1
_MATRIX = _CUBE[0]

EXAMPLES: dict[str, list[Example]] = {
    "reshape": [
        Example(lambda x: np.reshape(x, (4, 6)), (_CUBE,)),
        Example(lambda x: x.reshape(-1), (_CUBE,)),
        Example(lambda x: x.reshape(3, -1, order="F"), (_CUBE,)),
        Example(lambda x: x.reshape(-1, 3), (np.zeros((0, 3)),)),
        Example(lambda x: np.reshape(x, (1, 1)), (np.float64(2.5),)),
        Example(lambda x: x.reshape(()), (np.ones((1, 1), np.float32),)),
        Example(lambda x: x.T.reshape(2, 6), (_MATRIX,)),
        Example(lambda x: np.ravel(x, order="F"), (_MATRIX,)),
    ],
    "transpose": [
        Example(lambda x: x.T, (_CUBE,)),
        Example(lambda x: np.transpose(x, (2, 0, 1)), (_CUBE,)),
        Example(lambda x: np.transpose(x, (0, -1, 1)), (_CUBE,)),
        Example(lambda x: np.swapaxes(x, 0, 1), (_CUBE.astype(np.float32),)),
        Example(lambda x: x.T, (np.arange(3.0),)),
    ],
    "squeeze": [
        Example(np.squeeze, (np.arange(3.0).reshape(1, 3, 1),)),
        Example(lambda x: np.squeeze(x, axis=-1), (np.arange(3.0).reshape(1, 3, 1),)),
        Example(np.squeeze, (np.ones((1, 1)),)),
    ],
    "expand_dims": [
        Example(lambda x: np.expand_dims(x, 1), (np.arange(3.0),)),
        Example(lambda x: np.expand_dims(x, (0, -1)), (_MATRIX,)),
        Example(lambda x: np.expand_dims(x, (0, 1)), (np.float64(2.0),)),
        Example(lambda x: x[..., None], (_CUBE,)),
    ],
}
