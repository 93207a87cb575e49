"""Tensors as matrices: their inverse and their systems."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.node import as_node
from symgraph.graph.sizes import product
from symgraph.ops.calls import of_numpy
from symgraph.ops.kinds import Example
from symgraph.ops.linalg.inv import inv
from symgraph.ops.linalg.solve import regular, solve, turned
from symgraph.ops.products import array
from symgraph.ops.shape import normalize_axis_list, ravel, reshape, shape_text, transpose

__all__ = ["tensorinv", "tensorsolve"]


@of_numpy(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Inverse of a tensor as a linear map of tensors, as ``np.linalg.tensorinv``.

    Parameters
    ----------
    a : array_like
        The sizes of the first `ind` axes have the same product as those of the others.
    ind : int, optional
        How many axes are the result's.

    Returns
    -------
    Node
        Shape ``a.shape[ind:] + a.shape[:ind]``.

    Raises
    ------
    ShapeError
        If the products differ, or `ind` is not positive.
    """
    node = as_node(a)
    if ind <= 0:
        raise ShapeError("tensorinv: ind must be positive", got=str(ind))
    rows, columns = node.shape[:ind], node.shape[ind:]
    matrix = reshape(node, (product(rows), product(columns)))
    return reshape(inv(matrix), (*columns, *rows))


@of_numpy(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x for which ``np.tensordot(a, x, x.ndim)`` is b, as ``np.linalg.tensorsolve``.

    Parameters
    ----------
    a : array_like
        Shape ``b.shape + x.shape``.
    b : array_like
    axes : sequence of int, optional
        Axes of `a` to move to its end first.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    left, right = as_node(a), as_node(b)
    if axes is not None:
        last = normalize_axis_list(axes, left.ndim, "tensorsolve")
        left = transpose(left, (*[i for i in range(left.ndim) if i not in last], *last))
    if left.shape[: right.ndim] != right.shape:
        raise ShapeError(
            "tensorsolve: the right side does not fit",
            expected=f"the first sizes of {shape_text(left.shape)}",
            got=shape_text(right.shape),
        )
    # NumPy's slice from -0 of as many dimensions on both sides is the whole shape.
    unknown = left.shape[right.ndim :] if right.ndim < left.ndim else left.shape
    matrix = reshape(left, (product(right.shape), product(unknown)))
    return reshape(solve(matrix, ravel(right)), unknown)


EXAMPLES: dict[str, list[Example]] = {
    "tensorinv": [
        Example(np.linalg.tensorinv, (np.reshape(regular(4, 4), (2, 2, 4)),)),
        Example(lambda x: tensorinv(x, 1), (np.reshape(regular(4, 4), (4, 2, 2)),)),
    ],
    "tensorsolve": [
        Example(
            np.linalg.tensorsolve,
            (turned(np.reshape(regular(4, 4), (2, 2, 4))), turned(array(2, 2))),
        ),
        Example(np.linalg.tensorsolve, (np.reshape(regular(4, 4), (2, 2, 4)), array(2, 2))),
        Example(
            lambda a, b: tensorsolve(a, b, axes=(0,)),
            (np.reshape(regular(4, 4), (4, 2, 2)), array(2, 2)),
        ),
    ],
}
