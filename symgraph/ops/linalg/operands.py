"""What the functions of linear algebra ask of their operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.node import Node, as_node
from symgraph.graph.types import TensorType
from symgraph.ops.elementwise import astype
from symgraph.ops.shape import shape_text


def floating(x: Any, what: str, *, real: bool = True) -> Node:
    """A node of a floating dtype that LAPACK has; integers are converted, as NumPy does.

    Raises
    ------
    DTypeError
        For float16, for complex values where the function takes real ones.
    """
    node = as_node(x)
    if not node.type.inexact:
        return astype(node, np.float64)
    if node.dtype == np.float16:
        raise DTypeError(f"{what}: linear algebra has no float16", hint="x.astype(np.float32)")
    if real and node.dtype.kind == "c":
        raise DTypeError(f"{what} of complex values", expected="a real dtype", got=str(node.dtype))
    return node


def check_square(type_: TensorType, what: str) -> None:
    """Raise `ShapeError` unless the last two sizes are equal."""
    if type_.ndim < 2 or type_.shape[-1] != type_.shape[-2]:
        raise ShapeError(
            f"{what}: the matrix is not square",
            expected="shape (..., n, n)",
            got=shape_text(type_.shape),
        )
