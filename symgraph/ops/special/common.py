"""What the families of special functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from symgraph.errors import DTypeError
from symgraph.graph.node import Node
from symgraph.graph.types import DType, as_dtype
from symgraph.ops.facts import Limit
from symgraph.ops.kinds import Declared, elementwise

__all__ = ["ABOVE_ZERO", "INSIDE_ONE", "PROBABILITY", "SQRT_2", "SQRT_PI", "floating", "special"]

SQRT_PI, SQRT_2 = float(np.sqrt(np.pi)), float(np.sqrt(2.0))

ABOVE_ZERO = Limit(1e-150, 1e150, 1.0)
INSIDE_ONE = Limit(-1.0 + 1e-15, 1.0 - 1e-15, 0.0)
PROBABILITY = Limit(1e-300, 1.0 - 1e-15, 0.5)


def special(name: str, doc: str = "", **declared: Unpack[Declared]) -> Callable[..., Any]:
    """Declare a function of ``scipy.special`` under its own name; see `elementwise`."""
    declared.setdefault("ufunc", f"scipy.special.{name}")
    declared.setdefault("cost", 40.0)
    return elementwise(name, doc, **declared)


def floating(*dtypes: DType) -> DType:
    """The common dtype of real numbers, which is float64 for integers.

    Raises
    ------
    DTypeError
        For complex numbers.
    """
    common = as_dtype(np.result_type(*dtypes))
    if common.kind == "c":
        raise DTypeError("a function of real numbers", expected="a floating dtype", got=str(common))
    return common if common.kind == "f" else as_dtype(np.float64)


def whole(value: Node, n: Node) -> Node:
    """An index as a factor: in the dtype of the value that it multiplies."""
    return n.astype(value.dtype) if n.dtype.kind in "iu" else n
