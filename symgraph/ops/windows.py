"""Windows that slide along axes, and the sum that undoes them: what convolution and pooling use.

Windows are a view of the array, so a convolution is one copy and one matrix product. Their
transpose adds each position of the window to a slice: as many additions of arrays as the window
has positions, however large the array is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.code import Scope, call
from symgraph.graph.evaluate import interpret
from symgraph.graph.links import Link, along, fixed
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import builder
from symgraph.graph.sizes import Dim, Shape, Size, as_dim
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.kinds import Example, Linear, any_node
from symgraph.ops.shape import items_of, nonnegative, shape_text, trim_colons

__all__ = ["sliding_window_view"]

_NAMES = ("i", "j", "k", "l")
_INDENT = "    "
_MOST_POSITIONS = 64


@record
class _Sliding(Linear):
    """What windows and their transpose share.

    Attributes
    ----------
    axes : tuple of int
        Those along which the windows slide, each once.
    sizes : tuple of size
        Positions in a window along each of them.
    steps : tuple of int
        How far apart windows begin.
    gaps : tuple of int
        How far apart the positions of a window are.
    """

    axes: tuple[int, ...]
    sizes: tuple[Dim, ...]
    steps: tuple[int, ...]
    gaps: tuple[int, ...]

    @property
    def spans(self) -> tuple[Dim, ...]:
        """From the first to the last position of a window, both included."""
        return tuple([gap * (k - 1) + 1 for k, gap in zip(self.sizes, self.gaps, strict=True)])

    def windowed(self, shape: Shape) -> Shape:
        """The shape of the windows of an array."""
        dims = list(shape)
        for axis, span, step in zip(self.axes, self.spans, self.steps, strict=True):
            dims[axis] = (dims[axis] - span) // step + 1
        return (*dims, *self.sizes)

    def fitting(self, shape: Shape) -> tuple[Dim, ...]:
        """What must not be negative for a window to lie inside the array.

        Raises
        ------
        ShapeError
            If a window is known to be longer than its axis.
        """
        pairs = list(zip(self.axes, self.spans, strict=True))
        for axis, span in pairs:
            room = shape[axis] - span
            if isinstance(room, int) and room < 0:
                raise ShapeError(
                    f"a window of {span} along axis {axis} of size {shape[axis]}",
                    expected=f"at most {shape[axis]}",
                    got=f"windows {shape_text(self.spans)}, shape {shape_text(shape)}",
                )
        return nonnegative(*[shape[axis] - span for axis, span in pairs])

    def moved(self) -> tuple[int, ...]:
        """The axes in an array with one more axis in front."""
        return tuple([axis + 1 for axis in self.axes])


@record
class Windows(_Sliding):
    """All windows of an array; their own axes come last."""

    name: ClassVar[str] = "windows"
    views: ClassVar[tuple[int, ...]] = (0,)
    readonly: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> Type:
        """The number of windows along each axis, and then their sizes."""
        self.fitting(types[0].shape)
        return types[0].with_shape(self.windowed(types[0].shape))

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """A window lies inside the array."""
        return self.fitting(types[0].shape)

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str]:
        """NumPy's function; steps and gaps are steps of a slice of what it gives."""
        x, (target,) = node.inputs[0], targets
        one = len(self.axes) == 1
        spans = scope.dim(self.spans[0]) if one else scope.shape(self.spans)
        axis = "" if x.ndim == 1 else str(self.axes[0]) if one else str(self.axes)
        view = call("np.lib.stride_tricks.sliding_window_view", args[0], spans, axis=axis)
        steps = [1] * x.ndim
        for place, step in zip(self.axes, self.steps, strict=True):
            steps[place] = step
        entries = [f"::{step}" if step > 1 else ":" for step in [*steps, *self.gaps]]
        lines = [f"{target} = {view}"]
        if set(entries) != {":"}:
            lines.append(f"{target} = {target}[{', '.join(trim_colons(entries))}]")
        return lines

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Every window added to where it was taken."""
        shape = node.inputs[0].shape
        return (make(WindowSum(self.axes, self.sizes, self.steps, self.gaps, shape), cotangent),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Each position of a window by itself, if there are only some."""
        rank = node.inputs[0].ndim
        counts = [size for size in self.sizes if isinstance(size, int)]
        apart = len(counts) == len(self.sizes) and prod(counts) <= _MOST_POSITIONS
        if apart:
            inside = list(product(*[[fixed(i) for i in range(count)] for count in counts]))
        else:
            inside = [tuple([along(rank + i) for i in range(len(self.sizes))])]
        found: list[Link] = []
        for places in inside:
            source = [along(i) for i in range(rank)]
            for axis, step, gap, place in zip(
                self.axes, self.steps, self.gaps, places, strict=True
            ):
                source[axis] = along(axis, step=step).plus(place, gap)
            target = (*map(along, range(rank)), *places)
            lengths = (*node.shape[:rank], *[1 if apart else d for d in node.shape[rank:]])
            found.append(Link(lengths, tuple(source), target))
        return found

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself along the next axes."""
        return make(Windows(self.moved(), self.sizes, self.steps, self.gaps), operands[0])


@record
class WindowSum(_Sliding):
    """Zeros in a shape, with windows added where they belong."""

    shape: Shape
    name: ClassVar[str] = "window_sum"

    def infer(self, *types: TensorType) -> Type:
        """The shape that the windows were taken from."""
        wanted = self.windowed(self.shape)
        if types[0].shape != wanted:
            raise ShapeError(
                "window_sum: these are not the windows of such an array",
                expected=shape_text(wanted),
                got=shape_text(types[0].shape),
            )
        return types[0].with_shape(self.shape)

    def requirements(self, *types: TensorType) -> tuple[Dim, ...]:
        """A window lies inside the array."""
        return self.fitting(self.shape)

    def block(
        self, node: Node, targets: Sequence[str], args: Sequence[str], scope: Scope
    ) -> list[str]:
        """A loop over the positions of a window, which adds slices."""
        counts = self.windowed(self.shape)
        indices = [scope.fresh(_NAMES[i % len(_NAMES)]) for i in range(len(self.axes))]
        places = [":"] * len(self.shape)
        for n, axis in enumerate(self.axes):
            places[axis] = self._slice(indices[n], n, counts[axis], scope)
        dtype = f", dtype=np.{node.dtype.name}" if node.dtype != np.float64 else ""
        lines = [f"{targets[0]} = np.zeros({scope.shape(self.shape)}{dtype})"]
        for depth, (index, size) in enumerate(zip(indices, self.sizes, strict=True)):
            lines.append(f"{_INDENT * depth}for {index} in range({scope.dim(size)}):")
        symbol = "=" if self._apart() else "+="
        part = f"{targets[0]}[{', '.join(trim_colons(places))}]"
        lines.append(
            f"{_INDENT * len(indices)}{part} {symbol} {args[0]}[..., {', '.join(indices)}]"
        )
        for index in indices:
            scope.release(index)
        return lines

    def _slice(self, index: str, n: int, count: Dim, scope: Scope) -> str:
        step, gap = self.steps[n], self.gaps[n]
        start = index if gap == 1 else f"{gap} * {index}"
        stop = (count - 1) * step + 1
        return f"{start} : {start} + {scope.dim(stop)}" + (f" : {step}" if step > 1 else "")

    def _apart(self) -> bool:
        """Whether no two windows overlap."""
        spans = zip(self.steps, self.spans, strict=True)
        return all(isinstance(span, int) and step >= span for step, span in spans)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The windows of the cotangent."""
        return (make(Windows(self.axes, self.sizes, self.steps, self.gaps), cotangent),)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself along the next axes."""
        return make(
            WindowSum(self.moved(), self.sizes, self.steps, self.gaps, (size, *self.shape)),
            operands[0],
        )

    def work(self, node: Node) -> float:
        """One addition for each position of a window."""
        return float(np.prod([size if isinstance(size, int) else 3 for size in self.sizes]))

    def flops(self, node: Node) -> Dim:
        """An addition for each position of a window."""
        return node.inputs[0].size


def windows_of(
    x: Any, axes: Sequence[int], sizes: Sequence[Dim], steps: Sequence[int], gaps: Sequence[int]
) -> Any:
    """Windows with steps and gaps; a view of an array, or a node."""
    op = Windows(tuple(axes), tuple(sizes), tuple(steps), tuple(gaps))
    if any_node(x):
        return make(op, as_node(x))
    view = np.lib.stride_tricks.sliding_window_view(x, op.spans, axis=tuple(axes))  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]
    index = [slice(None)] * np.ndim(x)
    for axis, step in zip(axes, steps, strict=True):
        index[axis] = slice(None, None, step)
    return view[(*index, *[slice(None, None, gap) for gap in gaps])]  # pyright: ignore[reportUnknownVariableType]


def window_sum(
    windows: Any,
    axes: Sequence[int],
    sizes: Sequence[Dim],
    steps: Sequence[int],
    gaps: Sequence[int],
    shape: Sequence[Dim],
) -> Any:
    """Zeros in a shape, with windows, their own axes last, added where they belong."""
    op = WindowSum(tuple(axes), tuple(sizes), tuple(steps), tuple(gaps), tuple(shape))
    result = make(op, as_node(windows))
    return result if any_node(windows) else interpret([result], {})[0]


@builder(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """All windows of a shape, as ``np.lib.stride_tricks.sliding_window_view``.

    Parameters
    ----------
    x : array_like
    window_shape : size or tuple of sizes
        May be symbolic.
    axis : int or tuple of int, optional
        The axes along which windows slide, one for each size; by default all axes.

    Returns
    -------
    Node
        The windows' own axes come last.

    Raises
    ------
    ShapeError
        If sizes and axes differ in number, or a window is longer than its axis.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> sliding_window_view(placeholder("x", ("n", 7)), 3, axis=1).shape
    (n, 5, 3)
    """
    if not any_node(x, window_shape):
        return np.lib.stride_tricks.sliding_window_view(x, window_shape, axis=axis)  # pyright: ignore[reportUnknownVariableType]
    node = as_node(x)
    sizes = [_window_size(size) for size in items_of(window_shape)]
    axes = list(range(node.ndim)) if axis is None else items_of(axis)
    axes = [normalize_axis(item, node.ndim, "sliding_window_view") for item in axes]
    if len(axes) != len(sizes):
        raise ShapeError(
            "sliding_window_view: one size is needed for each axis",
            expected=f"{len(axes)} sizes for axis={axis}",
            got=f"window_shape={window_shape}",
        )
    if len(set(axes)) == len(axes):
        ones = (1,) * len(axes)
        return make(Windows(tuple(axes), tuple(sizes), ones, ones), node)
    for place, size in zip(axes, sizes, strict=True):  # along one axis twice: windows of windows
        node = make(Windows((place,), (size,), (1,), (1,)), node)
    return node


def _window_size(value: Any) -> Dim:
    if isinstance(value, Node):
        raise DTypeError(
            "sliding_window_view: a size that is a node", expected="an integer or a size"
        )
    size = value if isinstance(value, Size) else as_dim(value)
    if isinstance(size, int) and size == 0:
        raise ShapeError("sliding_window_view: a window of no positions", got=str(value))
    return size


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.sin(np.arange(20.0) * 1.7).reshape(4, 5)
_VECTOR = _MATRIX[0]


def _taken(*fields: Any) -> Example:
    return Example(lambda x: windows_of(x, *fields), (_MATRIX,))


EXAMPLES: dict[str, list[Example]] = {
    "sliding_window_view": [
        Example(lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), (_VECTOR,)),
        Example(lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 3)), (_MATRIX,)),
        Example(
            lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=0),
            (_MATRIX.astype(np.float32),),
        ),
        Example(
            lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(-1, -1)),
            (_MATRIX,),
        ),
    ],
    "windows": [
        _taken((0, 1), (2, 2), (2, 1), (1, 3)),
        _taken((1,), (2,), (2,), (1,)),
        _taken((1, 0), (1, 2), (3, 2), (1, 2)),
    ],
}
