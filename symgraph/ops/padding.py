"""Arrays with a border."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, tuple_text
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Size
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import in_front
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import arange
from symgraph.ops.elementwise import astype, floor, rint, zeros_like
from symgraph.ops.index import IndexAdd, flip, getitem, is_zeros
from symgraph.ops.indices import Index, Mark, Range, index_array
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, Linear
from symgraph.ops.quantiles import median
from symgraph.ops.reduce import broadcast_to, mean, sum
from symgraph.ops.reduce_order import max, min
from symgraph.ops.shape import expand_dims, nonnegative, swapaxes, with_dim

__all__ = ["pad"]

# Pad -------------------------------------------------------------------------------------------

_Widths = tuple[tuple[Dim, Dim], ...]


def _widths_text(widths: _Widths, scope: Scope) -> str:
    if all(pair == widths[0] for pair in widths):
        before, after = widths[0]
        return scope.dim(before) if before == after else scope.shape(widths[0])
    return tuple_text([scope.shape(pair) for pair in widths])


def _padded(types: Sequence[TensorType], widths: _Widths) -> TensorType:
    (x, *_) = types
    nonnegative(*[width for pair in widths for width in pair])
    dims = zip(x.shape, widths, strict=True)
    return x.with_shape(tuple([before + dim + after for dim, (before, after) in dims]))


@record
class Pad(Linear):
    """The first operand in the middle, the second, a scalar, around it."""

    widths: tuple[tuple[Dim, Dim], ...]
    name: ClassVar[str] = "pad"
    linear: ClassVar[tuple[int, ...] | None] = (0, 1)

    def infer(self, *types: TensorType) -> Type:
        """The widths are added to the sizes."""
        return _padded(types, self.widths)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """No width is negative."""
        return nonnegative(*[width for pair in self.widths for width in pair])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.pad``."""
        value = "" if is_zeros(node.inputs[1]) else args[1]
        return call("np.pad", args[0], _widths_text(self.widths, scope), constant_values=value)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The middle; for the value, the sum of what is around it."""
        inner = node.inputs[0].shape
        middle = getitem(
            cotangent,
            tuple(
                [
                    slice(before, before + dim)
                    for (before, _), dim in zip(self.widths, inner, strict=True)
                ]
            ),
        )
        around = make(self, zeros_like(node.inputs[0]), constant(np.ones((), cotangent.dtype)))
        return middle, apply("sum", cotangent * around)

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """No border in front; a value for each row is chosen by a mask."""
        x, value = operands
        widths = ((0, 0), *self.widths)
        if not mapped[0]:
            x = apply("broadcast_to", x, (size, *x.shape))
        if not mapped[1]:
            return make(Pad(widths), x, value)
        inner = node.inputs[0]
        inside = apply("broadcast_to", constant(np.array(True)), inner.shape)
        mask = make(self, inside, constant(np.array(False)))
        padded = make(Pad(widths), x, constant(np.zeros((), x.dtype)))
        return apply("where", mask, padded, in_front(value, node.ndim))


@record
class PadCopies(Linear):
    """Padded with copies of elements: ``edge``, ``reflect``, ``symmetric`` or ``wrap``."""

    widths: tuple[tuple[int, int], ...]
    mode: str
    odd: bool = False
    name: ClassVar[str] = "pad_copies"

    def infer(self, *types: TensorType) -> Type:
        """The widths are added to the sizes."""
        for dim, pair in zip(types[0].shape, self.widths, strict=True):
            if isinstance(dim, int) and dim == 0 and any(pair):
                raise ShapeError(f"pad: an empty axis cannot be extended with mode {self.mode!r}")
        return _padded(types, self.widths)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """What is copied must exist."""
        dims = zip(types[0].shape, self.widths, strict=True)
        return nonnegative(*[dim - 1 for dim, pair in dims if any(pair)])

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.pad`` with its mode."""
        odd = '"odd"' if self.odd else ""
        widths = _widths_text(self.widths, scope)
        return call("np.pad", args[0], widths, mode=f'"{self.mode}"', reflect_type=odd)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Each copy's cotangent added to where it came from, axis by axis."""
        shape = node.inputs[0].shape
        for axis, (dim, pair) in enumerate(zip(shape, self.widths, strict=True)):
            if not any(pair):
                continue
            if isinstance(dim, Size):
                cotangent = self._onto_slices(cotangent, axis, dim)
            elif self.odd:
                cotangent = self._onto_all(cotangent, axis, dim)
            else:
                cotangent = self._onto_positions(cotangent, axis, dim)
        return (cotangent,)

    def _onto_positions(self, cotangent: Node, axis: int, dim: int) -> Node:
        mode: Any = self.mode
        source = np.pad(np.arange(dim), self.widths[axis], mode=mode)
        shape = with_dim(cotangent.shape, axis, dim)
        start = broadcast_to(constant(np.zeros((), cotangent.dtype)), shape)
        index: Index = tuple([Mark.ARRAY if i == axis else Range() for i in range(cotangent.ndim)])
        return make(IndexAdd(index), start, cotangent, index_array(source))

    def _onto_all(self, cotangent: Node, axis: int, dim: int) -> Node:
        """By the matrix of the border: an odd reflection takes the edges twice."""
        mode: Any = self.mode
        widths = (self.widths[axis], (0, 0))
        matrix = np.pad(np.eye(dim, dtype=cotangent.dtype), widths, mode=mode, reflect_type="odd")
        last = cotangent.ndim - 1
        return swapaxes(swapaxes(cotangent, axis, last) @ constant(matrix), axis, last)

    def _onto_slices(self, cotangent: Node, axis: int, dim: Size) -> Node:
        """Of a symbolic size, which a call checks to be large enough for each width."""
        if self.odd:
            raise UnsupportedError(
                f"the derivative of an odd reflection along an axis of size {dim}",
                hint="declare the size as a number",
            )
        left, right = self.widths[axis]
        places: dict[str, tuple[Any, Any]] = {
            "edge": (slice(0, 1), slice(dim - 1, dim)),
            "reflect": (slice(1, left + 1), slice(dim - 1 - right, dim - 1)),
            "symmetric": (slice(0, left), slice(dim - right, dim)),
            "wrap": (slice(dim - left, dim), slice(0, right)),
        }
        lead = (slice(None),) * axis
        result = cotangent[(*lead, slice(left, left + dim))]
        borders = (slice(0, left), slice(left + dim, None))
        for place, border, width in zip(places[self.mode], borders, (left, right), strict=True):
            if not width:
                continue
            part = cotangent[(*lead, border)]
            if self.mode == "edge":
                part = sum(part, axis, keepdims=True)
            elif self.mode != "wrap":
                part = flip(part, axis)
            result = result.at[(*lead, place)].add(part)
        return result

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """No border in front."""
        return make(PadCopies(((0, 0), *self.widths), self.mode, self.odd), *operands)


def _pairs(value: Any, ndim: int, what: str) -> list[tuple[Any, Any]]:
    """NumPy's forms of a value for each side of each axis."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] = [(0, 0)] * ndim
        for axis, width in cast("dict[Any, Any]", value).items():
            (pairs[normalize_axis(axis, ndim, "pad")],) = _pairs(width, 1, what)
        return pairs
    if ndim == 0:
        return []
    if not isinstance(value, list | tuple):
        return [(value, value)] * ndim
    rows: list[Any] = list(cast("Sequence[Any]", value))
    if not any(isinstance(row, list | tuple | np.ndarray) for row in rows):
        rows = [rows]
    sides = [tuple(row) * (3 - len(row)) for row in rows]
    if len(sides) == 1:
        sides = sides * ndim
    if len(sides) != ndim or any(len(side) != 2 for side in sides):
        raise ShapeError(
            f"pad: {what} must be a number, a pair, or a pair for each of {ndim} axes",
            got=repr(cast("Any", value)),
        )
    return [(side[0], side[1]) for side in sides]


def _width(value: Any) -> Dim:
    if isinstance(value, Size):
        return value
    if isinstance(value, Node):
        raise UnsupportedError("pad: a width that is a node: the shape would depend on its value")
    if not hasattr(value, "__index__") or isinstance(value, bool):
        raise DTypeError("pad: a width must be an integer", got=repr(value))
    width = int(value)
    if width < 0:
        raise ShapeError("pad: a width cannot be negative", got=str(value))
    return width


_COPYING = ("edge", "reflect", "symmetric", "wrap")


def _is_zero(value: Any) -> bool:
    return isinstance(value, int) and value == 0


def _check_of_mode(mode: Any, constants: Any, ends: Any, length: Any, reflect: str) -> None:
    """Refuse a keyword that its mode does not look at, as NumPy does."""
    given = {
        "constant_values": (("constant",), not _is_zero(constants)),
        "end_values": (("linear_ramp",), not _is_zero(ends)),
        "stat_length": (tuple(_STATISTICS), length is not None),
        "reflect_type": (("reflect", "symmetric"), reflect != "even"),
    }
    for name, (modes, changed) in given.items():
        if changed and mode not in modes:
            raise UnsupportedError(
                f"pad: {name} says nothing in the mode {mode!r}",
                expected=f"mode {' or '.join(map(repr, modes))}",
                got=f"{name} with mode {mode!r}",
            )


@of_numpy(np.pad)
def pad(
    array: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Any:
    """An array with a border, as ``np.pad``.

    Parameters
    ----------
    array : array_like
    pad_width : size, pair, pairs for each axis, or dict from axis to width
    mode : str or callable
        Any of NumPy's but "empty".
    constant_values : scalar, pair or pairs
        What stands in the border; the numbers may be nodes.
    end_values : scalar, pair or pairs
        Where mode "linear_ramp" ends.
    stat_length : int, pair or pairs, optional
        Of how many elements at the edge "mean" and its like are taken; of all by default.
    reflect_type : {"even", "odd"}
        Whether "reflect" and "symmetric" mirror the values about that at the edge as well.

    Raises
    ------
    UnsupportedError
        For other modes.
    """
    node = as_node(array)
    widths = tuple(
        [(_width(before), _width(after)) for before, after in _pairs(pad_width, node.ndim, "width")]
    )
    if not widths:
        return node  # a 0-d array has no sides
    if reflect_type not in ("even", "odd"):
        raise UnsupportedError("pad: reflect_type", expected="'even' or 'odd'", got=reflect_type)
    _check_of_mode(mode, constant_values, end_values, stat_length, reflect_type)
    if mode in _COPYING:
        odd = reflect_type == "odd" and mode in ("reflect", "symmetric")
        return _pad_copies(node, widths, mode, odd)
    if mode in _STATISTICS:
        return _pad_statistic(node, widths, _STATISTICS[mode], stat_length)
    if mode == "linear_ramp":
        return _pad_ramp(node, widths, _pairs(end_values, node.ndim, "end_values"))
    if mode != "constant":
        raise UnsupportedError(
            f"pad: mode {mode!r} is not supported on nodes",
            expected=", ".join(map(repr, ("constant", "linear_ramp", *_COPYING, *_STATISTICS))),
        )
    if isinstance(constant_values, Node) and constant_values.ndim == 0:
        return _pad_constant(node, widths, constant_values)
    values = _pairs(constant_values, node.ndim, "constant_values")
    if all(value is values[0][0] or value == values[0][0] for pair in values for value in pair):
        return _pad_constant(node, widths, values[0][0])
    for axis, (sides, numbers) in enumerate(zip(widths, values, strict=True)):
        for side, (width, number) in enumerate(zip(sides, numbers, strict=True)):
            one: list[tuple[Dim, Dim]] = [(0, 0)] * node.ndim
            one[axis] = (0, width) if side else (width, 0)
            node = _pad_constant(node, tuple(one), number)
    return node


def _pad_constant(node: Node, widths: _Widths, value: Any) -> Node:
    if all(width == 0 for pair in widths for width in pair):
        return node
    if not isinstance(value, Node):
        value = constant(np.asarray(value).astype(node.dtype))
    return make(Pad(widths), node, apply("astype", as_node(value), node.dtype))


def _pad_copies(node: Node, widths: _Widths, mode: str, odd: bool) -> Node:
    known = tuple([(a, b) for a, b in widths if isinstance(a, int) and isinstance(b, int)])
    if len(known) < len(widths):
        raise UnsupportedError(f"pad: mode {mode!r} needs widths that are known now")
    return make(PadCopies(known, mode, odd), node) if any(map(any, known)) else node


# Borders that are computed, axis by axis: what an axis adds, the next one extends ----------------

_STATISTICS: dict[str, Callable[..., Any]] = {
    "mean": mean,
    "median": median,
    "maximum": max,
    "minimum": min,
}


def _with_border(
    node: Node, axis: int, widths: tuple[Dim, Dim], border: Callable[[Node, bool, Dim], Node]
) -> Node:
    """An array with what `border` makes of its elements in front, or behind, in so many places."""
    parts = [node]
    for behind, width in zip((False, True), widths, strict=True):
        if width != 0:
            part = border(node, behind, width)
            if node.dtype.kind in "iu" and part.dtype != node.dtype:
                part = rint(part)
            parts.insert(len(parts) if behind else 0, astype(part, node.dtype))
    return concatenate(parts, axis)


def _pad_statistic(node: Node, widths: _Widths, function: Any, lengths: Any) -> Node:
    counts = [(None, None)] * node.ndim
    if lengths is not None:
        counts = _pairs(lengths, node.ndim, "stat_length")
    for axis, (pair, count) in enumerate(zip(widths, counts, strict=True)):

        def border(x: Node, behind: bool, width: Dim, axis: int = axis, count: Any = count) -> Node:
            length, near = x.shape[axis], count[behind]
            if near is not None and not (isinstance(length, int) and near >= length):
                if near < 1:
                    raise ShapeError("pad: stat_length must be positive", got=str(near))
                edge = slice(-near, None) if behind else slice(None, near)
                x = x[(*[slice(None)] * axis, edge)]
            value = function(x, axis=axis, keepdims=True)
            return broadcast_to(value, with_dim(value.shape, axis, width))

        node = _with_border(node, axis, pair, border)
    return node


def _pad_ramp(node: Node, widths: _Widths, ends: Sequence[tuple[Any, Any]]) -> Node:
    for axis, (pair, end) in enumerate(zip(widths, ends, strict=True)):

        def border(x: Node, behind: bool, width: Dim, axis: int = axis, end: Any = end) -> Node:
            edge = x[(*[slice(None)] * axis, slice(-1, None) if behind else slice(None, 1))]
            whole = x.dtype.kind in "iu"
            edge = astype(edge, np.float64) if whole else edge
            goal = astype(as_node(end[behind]), edge.dtype)
            steps = as_node(arange(width - 1, -1, -1) if behind else arange(width))
            share = expand_dims(steps, tuple(range(1, x.ndim - axis))) / as_node(width)
            ramp = goal + (edge - goal) * astype(share, edge.dtype)
            return floor(ramp) if whole else ramp

        node = _with_border(node, axis, pair, border)
    return node


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.arange(12.0).reshape(3, 4) ** 1.5 / 7 - 1
_VECTOR = np.array([0.5, -1.0, 2.0, 3.0])

EXAMPLES: dict[str, list[Example]] = {
    "pad": [
        Example(lambda x: np.pad(x, 1), (_VECTOR,)),
        Example(lambda x: np.pad(x, ((1, 2), (0, 3))), (_MATRIX,)),
        Example(lambda x: np.pad(x, (2, 0), constant_values=1.5), (_VECTOR.astype(np.float32),)),
        Example(lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), (_MATRIX,)),
        Example(
            lambda x, v: pad(x, (1, 2), constant_values=v),
            (_VECTOR, np.float64(0.25)),
            lambda x, v: np.pad(x, (1, 2), constant_values=v),
        ),
    ],
    "pad_copies": [
        Example(lambda x: np.pad(x, 2, mode="edge"), (_VECTOR,)),
        Example(lambda x: np.pad(x.reshape(3, 4), ((5, 0), (2, 3)), mode="reflect"), (_MATRIX,)),
        Example(lambda x: np.pad(x.reshape(4), (1, 6), mode="wrap"), (_VECTOR,)),
        Example(lambda x: np.pad(x, ((0, 0), (3, 1)), mode="symmetric"), (_MATRIX,)),
        Example(lambda x: np.pad(x, ((2, 1), (0, 3)), mode="reflect"), (_MATRIX,)),
        Example(lambda x: np.pad(x, ((0, 0), (1, 4)), mode="wrap"), (_MATRIX,)),
        Example(lambda x: np.pad(x, 3, mode="reflect", reflect_type="odd"), (_VECTOR,)),
        Example(
            lambda x: np.pad(x, ((0, 2), (5, 1)), mode="symmetric", reflect_type="odd"), (_MATRIX,)
        ),
    ],
    "pad_computed": [
        Example(lambda x: np.pad(x, (2, 3), mode="linear_ramp"), (np.arange(4) + 5,)),
        Example(lambda x: np.pad(x, 2, mode="mean"), (_MATRIX,)),
        Example(lambda x: np.pad(x, (1, 2), mode="mean", stat_length=2), (np.arange(4),)),
        Example(lambda x: np.pad(x, ((0, 2), (1, 0)), mode="maximum"), (_MATRIX,)),
        Example(lambda x: np.pad(x, 1, mode="minimum", stat_length=((2, 1),)), (_MATRIX,)),
        Example(lambda x: np.pad(x, 1, mode="median"), (_MATRIX.astype(np.float32),)),
        Example(lambda x: np.pad(x, (2, 3), mode="linear_ramp", end_values=(1, -2)), (_MATRIX,)),
    ],
}
