"""Linear algebra by the names of ``np.linalg``: ``sg.linalg``.

Examples
--------
>>> import symgraph as sg
>>> a = sg.placeholder("a", ("n", "n"))
>>> sg.linalg.slogdet(a @ a.T).logabsdet.shape
()
"""

from symgraph.ops.linalg import (
    cholesky,
    det,
    diagonal,
    eigh,
    eigvalsh,
    inv,
    matmul,
    matrix_norm,
    matrix_power,
    matrix_transpose,
    multi_dot,
    norm,
    outer,
    slogdet,
    solve,
    tensordot,
    trace,
    vecdot,
    vector_norm,
)

__all__ = [
    "cholesky",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "slogdet",
    "solve",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
