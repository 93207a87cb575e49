"""Discrete cosine and sine transforms by SciPy's names, made of NumPy's Fourier transforms.

Each type is the Fourier transform of an extension of the sequence (Rao and Yip, "Discrete Cosine
Transform", 1990); SciPy's conventions of scale.
"""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.types import normalize_axis
from symgraph.ops.arrange import moveaxis
from symgraph.ops.calls import evaluated
from symgraph.ops.create import arange, zeros_like
from symgraph.ops.elementwise import astype, exp, imag, real, sqrt, where
from symgraph.ops.fft import fft, irfft, resized, rfft
from symgraph.ops.index import flip
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example
from symgraph.ops.shape import items_of

__all__ = ["dct", "dctn", "dst", "dstn", "idct", "idctn", "idst", "idstn"]

_ROOT_2 = float(np.sqrt(2.0))
_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}
_PARAMETERS = """

    Parameters
    ----------
    x : array_like
        Real or complex.
    type : {1, 2, 3, 4}, optional
    n : size, optional
        Points along the axis: what is longer is cut, what is shorter ends in zeros.
    axis : int, optional
        By default the last one.
    norm : {"backward", "ortho", "forward"}, optional
    overwrite_x, workers : optional
        Make no difference: nodes are immutable.
    orthogonalize : bool, optional
        Whether the ends are scaled so that "ortho" is orthogonal; by default with "ortho" alone.

    Raises
    ------
    UnsupportedError
        For another type or norm.
    ShapeError
        If there is no such axis.
    """


_F = TypeVar("_F", bound=Callable[..., Any])


def _documented(function: _F) -> _F:
    function.__doc__ = f"{function.__doc__}{_PARAMETERS}"
    return function


def _wave(n: Any, step: float, shift: float, like: Node) -> Node:
    """``exp(1j * pi * step * (k + shift) / n)`` of the numbers k from 0."""
    places = arange(n) + shift if shift else arange(n)
    return astype(
        exp(1j * (places * (np.pi * step) / n)),
        np.complex64 if like.dtype == np.float32 else np.complex128,
    )


def _alternating(x: Node) -> Node:
    return where(arange(x.shape[-1]) % 2 == 0, x, -x)


def _cosines(x: Node, kind: int) -> Node:
    """The transform along the last axis of real values, without any scale."""
    n = x.shape[-1]
    if kind == 1:
        return real(rfft(concatenate([x, x[..., -2:0:-1]], axis=-1)))
    if kind == 2:
        both = rfft(concatenate([x, flip(x, -1)], axis=-1))[..., :n]
        return real(both * _wave(n, -0.5, 0.0, x))
    if kind == 3:
        return irfft(x * _wave(n, 0.5, 0.0, x), 2 * n)[..., :n] * astype(as_node(2 * n), x.dtype)
    turned = fft(x * _wave(n, -0.5, 0.0, x), 2 * n)[..., :n]
    return 2.0 * real(turned * _wave(n, -0.5, 0.5, x))


def _sines(x: Node, kind: int) -> Node:
    if kind == 1:
        none = zeros_like(x[..., :1])
        odd = concatenate([none, x, none, -flip(x, -1)], axis=-1)
        return -imag(rfft(odd))[..., 1 : x.shape[-1] + 1]
    if kind == 2:
        return flip(_cosines(_alternating(x), 2), -1)
    return _alternating(_cosines(flip(x, -1), kind))


def _scaled(x: Node, ends: tuple[int, ...], factor: float) -> Node:
    """Some elements of the last axis times a number."""
    places = arange(x.shape[-1])
    for end in ends:
        x = where(places == (end if end >= 0 else x.shape[-1] + end), x * factor, x)
    return x


def _one(
    sines: bool, x: Any, kind: Any, n: Any, axis: Any, norm: Any, orthogonalize: Any, inverse: bool
) -> Node:
    name = ("i" if inverse else "") + ("dst" if sines else "dct")
    if kind not in _INVERSE:
        raise UnsupportedError(f"{name}: type", expected="1, 2, 3 or 4", got=repr(kind))
    if norm not in (None, "backward", "ortho", "forward"):
        raise UnsupportedError(
            f"{name}: norm", expected="'backward', 'ortho' or 'forward'", got=repr(norm)
        )
    node = as_node(x)
    if node.dtype.kind == "c":
        parts = [
            _one(sines, part, kind, n, axis, norm, orthogonalize, inverse)
            for part in (real(node), imag(node))
        ]
        return parts[0] + 1j * parts[1]
    if node.dtype.kind != "f" or node.dtype.itemsize < 4:
        node = astype(node, np.float32 if node.dtype == np.float16 else np.float64)
    place = normalize_axis(axis, node.ndim, name)
    if n is not None:
        node = resized(node, (place,), (n,))
    rows = moveaxis(node, place, -1)
    kind = _INVERSE[kind] if inverse else kind
    orthogonal = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
    # The ends that count once in the extension, of the operand and of the result.
    before = {1: () if sines else (0, -1), 3: (-1,) if sines else (0,)}.get(kind, ())
    after = {1: () if sines else (0, -1), 2: (-1,) if sines else (0,)}.get(kind, ())
    rows = _scaled(rows, before, _ROOT_2) if orthogonal else rows
    found = _sines(rows, kind) if sines else _cosines(rows, kind)
    found = _scaled(found, after, 1.0 / _ROOT_2) if orthogonal else found
    points = rows.shape[-1] if kind != 1 else rows.shape[-1] + (1 if sines else -1)
    divided = (norm or "backward") == ("backward" if inverse else "forward")
    if divided or norm == "ortho":
        period = astype(as_node(2 * points), node.dtype)
        found = found / (period if divided else sqrt(period))
    return moveaxis(found, -1, place)


def _several(
    function: Callable[..., Any], x: Any, kind: Any, s: Any, axes: Any, **keywords: Any
) -> Any:
    node = as_node(x)
    if axes is None:
        count = node.ndim if s is None else len(items_of(s))
        axes = range(node.ndim - count, node.ndim)
    sizes = [None] * len(items_of(list(axes))) if s is None else items_of(s)
    for axis, size in zip(items_of(list(axes)), sizes, strict=True):
        node = function(node, kind, size, axis, **keywords)
    return node


@evaluated()
@_documented
def dct(
    x: Any,
    type: int = 2,
    n: Any = None,
    axis: int = -1,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    orthogonalize: Any = None,
) -> Any:
    """Discrete cosine transform, as ``scipy.fft.dct``."""
    return _one(False, x, type, n, axis, norm, orthogonalize, False)


@evaluated()
@_documented
def idct(
    x: Any,
    type: int = 2,
    n: Any = None,
    axis: int = -1,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    orthogonalize: Any = None,
) -> Any:
    """Inverse of `dct`, as ``scipy.fft.idct``."""
    return _one(False, x, type, n, axis, norm, orthogonalize, True)


@evaluated()
@_documented
def dst(
    x: Any,
    type: int = 2,
    n: Any = None,
    axis: int = -1,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    orthogonalize: Any = None,
) -> Any:
    """Discrete sine transform, as ``scipy.fft.dst``."""
    return _one(True, x, type, n, axis, norm, orthogonalize, False)


@evaluated()
@_documented
def idst(
    x: Any,
    type: int = 2,
    n: Any = None,
    axis: int = -1,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    orthogonalize: Any = None,
) -> Any:
    """Inverse of `dst`, as ``scipy.fft.idst``."""
    return _one(True, x, type, n, axis, norm, orthogonalize, True)


@evaluated()
def dctn(
    x: Any,
    type: int = 2,
    s: Any = None,
    axes: Any = None,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    *,
    orthogonalize: Any = None,
) -> Any:
    """`dct` along several axes, by default all, as ``scipy.fft.dctn``; parameters as there."""
    return _several(dct, x, type, s, axes, norm=norm, orthogonalize=orthogonalize)


@evaluated()
def idctn(
    x: Any,
    type: int = 2,
    s: Any = None,
    axes: Any = None,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    *,
    orthogonalize: Any = None,
) -> Any:
    """`idct` along several axes, by default all, as ``scipy.fft.idctn``; parameters as there."""
    return _several(idct, x, type, s, axes, norm=norm, orthogonalize=orthogonalize)


@evaluated()
def dstn(
    x: Any,
    type: int = 2,
    s: Any = None,
    axes: Any = None,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    *,
    orthogonalize: Any = None,
) -> Any:
    """`dst` along several axes, by default all, as ``scipy.fft.dstn``; parameters as there."""
    return _several(dst, x, type, s, axes, norm=norm, orthogonalize=orthogonalize)


@evaluated()
def idstn(
    x: Any,
    type: int = 2,
    s: Any = None,
    axes: Any = None,
    norm: Any = None,
    overwrite_x: bool = False,
    workers: Any = None,
    *,
    orthogonalize: Any = None,
) -> Any:
    """`idst` along several axes, by default all, as ``scipy.fft.idstn``; parameters as there."""
    return _several(idst, x, type, s, axes, norm=norm, orthogonalize=orthogonalize)


# Examples for the tests ------------------------------------------------------------------------

_X = np.sin(np.arange(15.0)).reshape(3, 5)


def _scipy(name: str, *args: Any, **keywords: Any) -> Callable[[Any], Any]:
    return lambda x: getattr(import_module("scipy.fft"), name)(x, *args, **keywords)


def _example(function: Callable[..., Any], x: Any, *args: Any, **keywords: Any) -> Example:
    return Example(
        lambda x: function(x, *args, **keywords),
        (x,),
        _scipy(function.__name__, *args, **keywords),
    )


EXAMPLES: dict[str, list[Example]] = {
    "cosine": [
        _example(dct, _X, 1, norm="ortho"),
        _example(dct, _X),
        _example(idct, _X, norm="ortho"),
        _example(dct, _X[0].astype(np.float32), 4),
    ],
    "sine": [
        _example(dst, _X, 1, axis=0),
        _example(idst, _X, norm="ortho"),
        _example(dst, _X[0], 4, n=4),
    ],
    "cosines": [_example(dctn, _X, norm="forward"), _example(idctn, _X, axes=(0,))],
    "sines": [_example(dstn, _X, norm="ortho"), _example(idstn, _X, 1)],
}
