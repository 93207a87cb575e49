"""What is known of a value before it is computed: its dtype and its shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, SupportsIndex, TypeAlias, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.record import record
from symgraph.graph.refusal import short
from symgraph.graph.sizes import Dim, Shape, as_shape, product

__all__ = [
    "TensorType",
    "TupleType",
    "Type",
    "as_count",
    "as_dtype",
    "as_integer",
    "broadcast_shapes",
    "normalize_axis",
]

DType: TypeAlias = "np.dtype[Any]"


@record
class TensorType:
    """dtype and shape of an array.

    Examples
    --------
    >>> TensorType.of(("n", 3), "float32")
    float32[n, 3]
    """

    dtype: DType
    shape: Shape

    @classmethod
    def of(cls, shape: object, dtype: object = "float64") -> TensorType:
        """A type from anything that names a shape and a dtype."""
        return cls(as_dtype(dtype), as_shape(shape))

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """Number of elements."""
        return product(self.shape)

    @property
    def inexact(self) -> bool:
        """Whether values of this type have derivatives (floating or complex)."""
        return self.dtype.kind in "fc"

    def with_shape(self, shape: Shape) -> TensorType:
        """The same dtype in another shape."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: object) -> TensorType:
        """The same shape in another dtype."""
        return TensorType(as_dtype(dtype), self.shape)

    def __repr__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


@record
class TupleType:
    """The type of an operation with several results; ``Item`` takes one of them."""

    items: tuple[TensorType, ...]

    def __repr__(self) -> str:
        return f"({', '.join(map(repr, self.items))})"


Type: TypeAlias = "TensorType | TupleType"


@lru_cache(maxsize=256)
def _dtype(value: object) -> DType:
    return np.dtype(value)  # pyright: ignore[reportCallIssue, reportArgumentType]


def as_dtype(value: object) -> DType:
    """A NumPy dtype of the numeric kinds: bool, integers, floats, complex.

    Raises
    ------
    DTypeError
        For any other dtype (object, string, datetime, structured).
    """
    try:
        dtype = _dtype(value)
    except (TypeError, ValueError):
        raise DTypeError("not a dtype", expected="a NumPy dtype", got=short(value)) from None
    if dtype.kind not in "biufc":
        raise DTypeError(
            f"arrays of dtype {dtype} cannot stand in a graph",
            expected="a boolean, integer, floating or complex dtype",
            got=str(dtype),
        )
    # The native one, which is the same object wherever it comes from.
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def _broadcast_dims(dims: Sequence[Dim], shapes: Sequence[Shape], what: str) -> Dim:
    found: Dim = 1
    for dim in dims:
        if isinstance(dim, int) and dim == 1:
            continue
        if isinstance(found, int) and found == 1:
            found = dim
        elif found != dim:
            symbolic = not (isinstance(dim, int) and isinstance(found, int))
            raise ShapeError(
                f"{what}: shapes do not broadcast",
                expected="equal sizes, or 1",
                got=f"{' and '.join(map(_shape_text, shapes))}: {found} against {dim}",
                hint="two different symbolic sizes never broadcast against each other; "
                "give both the same name if they are equal"
                if symbolic
                else "add an axis with x[:, None], or reduce with keepdims=True",
            )
    return found


def _shape_text(shape: Shape) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: Shape, what: str = "broadcasting") -> Shape:
    """NumPy's broadcasting; two different symbolic sizes do not broadcast.

    Raises
    ------
    ShapeError
        If the shapes do not fit; the message begins with `what`.

    Examples
    --------
    >>> broadcast_shapes(as_shape(("n", 1)), as_shape(3))
    (n, 3)
    """
    first = shapes[0] if shapes else ()
    if all(shape == first for shape in shapes):
        return first
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple([_broadcast_dims(dims, shapes, what) for dims in zip(*padded, strict=True)])


def as_integer(value: object, what: str) -> int:
    """A Python integer of what counts as one.

    Raises
    ------
    DTypeError
        For anything else, a float with an integer's value included.
    """
    try:
        return cast("SupportsIndex", value).__index__()
    except (AttributeError, TypeError):
        raise DTypeError(
            f"{what} must be an integer", expected="an integer", got=short(value)
        ) from None


MOST_PARTS = 1_000_000


def as_count(value: object, what: str) -> int:
    """How many operations or arrays are built, each a node of its own.

    Raises
    ------
    DTypeError
        Unless it is an integer.
    ShapeError
        For a negative one, or more than anybody means.
    """
    count = as_integer(value, what)
    if not 0 <= count <= MOST_PARTS:
        raise ShapeError(what, expected=f"from 0 to {MOST_PARTS}", got=str(count))
    return count


def normalize_axis(axis: object, ndim: int, what: str) -> int:
    """A non-negative axis.

    Raises
    ------
    ShapeError
        If there is no such axis.
    DTypeError
        If `axis` is not an integer.
    """
    try:
        index = cast("SupportsIndex", axis).__index__()
    except (AttributeError, TypeError):
        raise DTypeError(
            f"{what}: an axis must be an integer", expected="an integer", got=short(axis)
        ) from None
    assert isinstance(index, int)
    if not -ndim <= index < ndim:
        raise ShapeError(
            f"{what}: there is no axis {index}",
            expected=f"-{ndim} <= axis < {ndim}" if ndim else "no axis: the array is 0-d",
            got=f"axis={index}",
        )
    return index % ndim
