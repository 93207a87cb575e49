"""The names of linear algebra, from the files of this package.

Where ``np.linalg`` has a name that NumPy has too, with other axes, it is defined here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.node import as_node
from symgraph.graph.registry import builder
from symgraph.ops.arrange import matrix_transpose as _matrix_transpose
from symgraph.ops.diagonals import diagonal as _diagonal
from symgraph.ops.diagonals import trace as _trace
from symgraph.ops.einsum import tensordot
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.linalg.chain import multi_dot
from symgraph.ops.linalg.cholesky import cholesky
from symgraph.ops.linalg.cross import linalg_cross as cross
from symgraph.ops.linalg.det import det, slogdet
from symgraph.ops.linalg.eig import eig, eigvals
from symgraph.ops.linalg.eigh import eigh, eigvalsh
from symgraph.ops.linalg.functions import cosm, expm, expm_frechet, logm, sinm, sqrtm
from symgraph.ops.linalg.inv import inv
from symgraph.ops.linalg.norm import matrix_norm, norm, vector_norm
from symgraph.ops.linalg.patterns import block_diag, circulant, hankel, toeplitz
from symgraph.ops.linalg.pinv import lstsq, pinv
from symgraph.ops.linalg.qr import qr
from symgraph.ops.linalg.rank import cond, matrix_rank
from symgraph.ops.linalg.svd import polar, svd, svdvals
from symgraph.ops.linalg.tensors import tensorinv, tensorsolve
from symgraph.ops.linalg.triangular import (
    cho_factor,
    cho_solve,
    lu_factor,
    lu_solve,
    solve_triangular,
)
from symgraph.ops.linalg.triangular import solve_as as solve
from symgraph.ops.products import array, matmul, matrix_power, vecdot
from symgraph.ops.products import outer as _outer

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "cond",
    "cosm",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "expm_frechet",
    "hankel",
    "inv",
    "logm",
    "lstsq",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "polar",
    "qr",
    "sinm",
    "slogdet",
    "solve",
    "solve_triangular",
    "sqrtm",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "toeplitz",
    "trace",
    "vecdot",
    "vector_norm",
]


@builder(np.linalg.diagonal, name="linalg.diagonal")
def diagonal(x: Any, *, offset: int = 0) -> Any:
    """Diagonal over the last two axes, as ``np.linalg.diagonal``."""
    return _diagonal(x, offset, -2, -1) if any_node(x) else np.linalg.diagonal(x, offset=offset)


@builder(np.linalg.trace, name="linalg.trace")
def trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sum of the diagonal over the last two axes, as ``np.linalg.trace``."""
    if not any_node(x):
        return np.linalg.trace(x, offset=offset, dtype=dtype)
    return _trace(x, offset, -2, -1, dtype)


@builder(np.linalg.outer, name="linalg.outer")
def outer(x1: Any, x2: Any) -> Any:
    """All products of the elements of two vectors, as ``np.linalg.outer``.

    Raises
    ------
    ShapeError
        If one is no vector.
    """
    if not any_node(x1, x2):
        return np.linalg.outer(x1, x2)
    vectors = as_node(x1), as_node(x2)
    if [x.ndim for x in vectors] != [1, 1]:
        raise ShapeError("linalg.outer takes vectors", got=", ".join(str(x.type) for x in vectors))
    return _outer(*vectors)


@builder(np.linalg.matrix_transpose, name="linalg.matrix_transpose")
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged, as ``np.linalg.matrix_transpose``."""
    return _matrix_transpose(x) if any_node(x) else np.linalg.matrix_transpose(x)


EXAMPLES: dict[str, list[Example]] = {
    "linalg.diagonal": [Example(lambda x: np.linalg.diagonal(x, offset=1), (array(2, 3, 4),))],
    "linalg.trace": [Example(np.linalg.trace, (array(2, 3, 3),))],
    "linalg.outer": [Example(np.linalg.outer, (array(3), array(2)))],
    "linalg.matrix_transpose": [Example(np.linalg.matrix_transpose, (array(2, 3, 4),))],
}
