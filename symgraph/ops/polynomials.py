"""Polynomials by their coefficients, the highest power first, as NumPy's functions take them.

NumPy drops leading coefficients that are zero. Whether one is zero is not known in a graph, so the
shapes here are those of coefficients that do not vanish.
"""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import InputError, ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.sizes import Size
from symgraph.graph.types import as_count
from symgraph.ops.assemble import vander
from symgraph.ops.calls import of_numpy
from symgraph.ops.correlation import convolve
from symgraph.ops.create import arange, zeros, zeros_like
from symgraph.ops.elementwise import astype, sqrt
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, any_node
from symgraph.ops.linalg.pinv import lstsq
from symgraph.ops.reduce import sum
from symgraph.ops.shape import expand_dims

__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
]


def _coefficients(p: Any, function: str) -> Node:
    node = as_node(p)
    if node.ndim == 0:
        node = expand_dims(node, 0)
    if node.ndim != 1:
        raise ShapeError(
            f"{function} takes the coefficients of one polynomial",
            expected="one dimension",
            got=repr(node.type),
        )
    return node


@of_numpy(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The value of a polynomial by Horner's rule, as ``np.polyval``.

    Parameters
    ----------
    p : array_like
        Coefficients, the highest power first; how many there are must be known.
    x : array_like

    Raises
    ------
    UnsupportedError
        If the number of coefficients is symbolic.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> polyval(np.array([1.0, -2.0]), placeholder("x", ("n", 2))).shape
    (n, 2)
    """
    nodes, at = _coefficients(p, "polyval"), as_node(x)
    (count,) = nodes.shape
    if isinstance(count, Size):
        raise UnsupportedError(
            f"polyval: how many coefficients there are must be known now, not {count}",
            hint="p @ x[None] ** np.arange(n)[::-1, None]",
        )
    value = zeros_like(at) + nodes[0] if count else zeros_like(at)
    for i in range(1, count):
        value = value * at + nodes[i]
    return value


@of_numpy(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials, as ``np.polyadd``."""
    first, second = _of_one_length(a1, a2, "polyadd")
    return first + second


@of_numpy(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials, as ``np.polysub``."""
    first, second = _of_one_length(a1, a2, "polysub")
    return first - second


def _of_one_length(a1: Any, a2: Any, function: str) -> tuple[Node, Node]:
    first, second = _coefficients(a1, function), _coefficients(a2, function)
    longer = first.shape[0] - second.shape[0]
    if isinstance(longer, Size):
        raise UnsupportedError(
            f"{function}: which polynomial is longer must be known now",
            got=f"{first.shape[0]} and {second.shape[0]} coefficients",
        )
    if longer > 0:
        second = concatenate([zeros(longer, second.dtype), second])
    elif longer < 0:
        first = concatenate([zeros(-longer, first.dtype), first])
    return first, second


@of_numpy(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials, as ``np.polymul``."""
    first, second = (a if any_node(a) else np.poly1d(a).coef for a in (a1, a2))
    return convolve(_coefficients(first, "polymul"), _coefficients(second, "polymul"))


@of_numpy(np.polyder)
def polyder(p: Any, m: Any = 1) -> Any:
    """The derivative of a polynomial, as ``np.polyder``.

    Parameters
    ----------
    p : array_like
        Coefficients, the highest power first.
    m : int
        How often it is taken.
    """
    node = _coefficients(p, "polyder")
    for _ in range(_often(m, "polyder")):
        degree = node.shape[0] - 1
        node = node[:-1] * arange(degree, 0, -1)
    return node


@of_numpy(np.polyint)
def polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    """An antiderivative of a polynomial, as ``np.polyint``.

    Parameters
    ----------
    p : array_like
        Coefficients, the highest power first.
    m : int
        How often it is taken.
    k : array_like, optional
        The constants of integration, one for each time, or one for all; by default 0.
    """
    node, often = _coefficients(p, "polyint"), _often(m, "polyint")
    constants = _coefficients(zeros(often) if k is None else k, "polyint")
    given = constants.shape[0]
    if given not in (1, often) and not (isinstance(given, int) and given > often):
        raise ShapeError(
            "polyint: constants of integration", expected=f"1 or {often}", got=str(given)
        )
    for i in range(often):
        constant = constants[i if given != 1 else 0]
        node = concatenate([node / arange(node.shape[0], 0, -1), expand_dims(constant, 0)])
    return node


def _often(m: Any, function: str) -> int:
    return as_count(m, f"{function}: how often")


@of_numpy(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The coefficients of the polynomial with given real zeros, as ``np.poly``.

    Raises
    ------
    UnsupportedError
        For a matrix, complex zeros, or a symbolic number of them.
    """
    node = as_node(seq_of_zeros)
    node = expand_dims(node, 0) if node.ndim == 0 else node
    if node.ndim != 1 or node.dtype.kind == "c" or isinstance(node.shape[0], Size):
        raise UnsupportedError(
            "poly takes a known number of real zeros",
            got=repr(node.type),
            hint="np.poly(np.linalg.eigvalsh(A)) for a symmetric matrix",
        )
    node = astype(node, np.float64) if node.dtype.kind != "f" or node.dtype.itemsize < 4 else node
    none = zeros(1, node.dtype)
    found: Node = as_node(np.ones(1, node.dtype))
    for i in range(node.shape[0]):
        found = concatenate([found, none]) - node[i] * concatenate([none, found])
    return found


@of_numpy(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """The polynomial of least squares through points, as ``np.polyfit``.

    Parameters
    ----------
    x : array_like
        Shape (m,).
    y : array_like
        Shape (m,) or (m, k), a polynomial for each column.
    deg : int
        The highest power.
    rcond : float, optional
        What counts as 0 beside the largest singular value.
    full, cov : bool
        Residuals and covariances are not supported.
    w : array_like, optional
        Weights of the points, shape (m,).

    Returns
    -------
    Node
        Shape (deg + 1,) or (deg + 1, k), the highest power first.

    Raises
    ------
    UnsupportedError
        With ``full`` or ``cov``.
    """
    if full or cov:
        raise UnsupportedError(
            "polyfit: full= and cov= are not supported on nodes",
            hint="np.linalg.lstsq(np.vander(x, deg + 1), y)",
        )
    points, values = as_node(x) + 0.0, as_node(y) + 0.0
    if points.ndim != 1 or values.ndim not in (1, 2) or values.shape[0] != points.shape[0]:
        raise ShapeError(
            "polyfit: the points do not fit together",
            expected="x of shape (m,), y of shape (m,) or (m, k)",
            got=f"{points.type} and {values.type}",
        )
    if int(deg) < 0:
        raise InputError("polyfit: the degree", expected="0 or more", got=str(deg))
    powers = vander(points, int(deg) + 1)
    if w is not None:
        weights = as_node(w) + 0.0
        powers = powers * weights[:, None]
        values = values * (weights[:, None] if values.ndim == 2 else weights)
    scale = sqrt(sum(powers * powers, axis=0))
    found = lstsq(powers / scale, values, rcond)[0]
    return found / (scale[:, None] if found.ndim == 2 else scale)


_CUBIC = np.array([0.5, -1.0, 2.0, 0.75])
_LINE = np.array([1.5, -0.25])
_POINTS = np.array([[0.5, -1.5, 2.0], [0.25, 1.0, -0.75]])
_X = np.array([0.0, 0.5, 1.0, 2.0, 3.5])
_Y = np.array([[1.0, 0.5], [0.25, -1.0], [0.75, 2.0], [2.0, 1.0], [-1.0, 0.0]])

EXAMPLES: dict[str, list[Example]] = {
    "polyval": [
        Example(np.polyval, (_CUBIC, _POINTS)),
        Example(np.polyval, (_LINE.astype(np.float32), _POINTS.astype(np.float32))),
        Example(lambda x: np.polyval([1, 2, 3], x), (np.array([1, -2]),)),
        Example(lambda x: np.polyval([2.0], x), (_POINTS,)),
        Example(np.polyval, (_CUBIC.astype(np.complex128) * 1j, _POINTS)),
    ],
    "polyadd": [
        Example(np.polyadd, (_CUBIC, _LINE)),
        Example(np.polyadd, (_LINE, _CUBIC)),
        Example(np.polysub, (_LINE, _CUBIC)),
        Example(np.polysub, (_CUBIC, np.float64(2.0))),
    ],
    "polymul": [Example(np.polymul, (_CUBIC, _LINE)), Example(np.polymul, (_LINE, _CUBIC))],
    "polyder": [
        Example(np.polyder, (_CUBIC,)),
        Example(lambda p: np.polyder(p, 2), (_CUBIC,)),
        Example(lambda p: np.polyder(p, 0), (_LINE,)),
        Example(np.polyder, (np.array([3, 2, 1]),)),
    ],
    "polyint": [
        Example(np.polyint, (_CUBIC,)),
        Example(lambda p, k: np.polyint(p, 2, k), (_CUBIC, _LINE)),
        Example(lambda p: np.polyint(p, 3, 0.5), (_LINE,)),
        Example(lambda p: np.polyint(p, 0), (_LINE,)),
    ],
    "poly": [Example(np.poly, (_CUBIC,)), Example(np.poly, (np.array([1, 2, -3]),))],
    "polyfit": [
        Example(lambda x, y: np.polyfit(x, y, 2), (_X, _Y[:, 0])),
        Example(lambda x, y, w: np.polyfit(x, y, 1, w=w), (_X, _Y, 1 + _X)),
        Example(lambda x, y: np.polyfit(x, y, 0), (_X, _Y)),
    ],
}
"""One or more for each function of the family."""
