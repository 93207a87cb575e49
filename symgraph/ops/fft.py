"""Discrete Fourier transforms: two linear operations, from which NumPy's functions are made.

The transform of complex arrays is its own transpose. That of real ones gives half of the spectrum;
its transpose is its inverse, in which the half that is left out counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.amounts import logarithm
from symgraph.graph.code import Code, Scope, call
from symgraph.graph.links import Link
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.sizes import Dim, Shape, as_dim, product
from symgraph.graph.types import TensorType, Type, normalize_axis
from symgraph.ops.batching import AlongAxes
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import arange
from symgraph.ops.elementwise import astype, where
from symgraph.ops.extend import rolled_links
from symgraph.ops.kinds import Discrete, Example, Linear, any_node
from symgraph.ops.padding import pad
from symgraph.ops.products import array
from symgraph.ops.reduce import axis_text, normalize_axes
from symgraph.ops.shape import normalize_axis_list, surely_nonnegative, with_dim

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

_F = TypeVar("_F", bound=Callable[..., Any])

_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _complex_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.complex64 if dtype in (np.float32, np.complex64) else np.complex128)


def _real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32 if dtype in (np.float32, np.complex64) else np.float64)


def _written(
    op: Fft | Rfft | Irfft, base: str, node: Node, operand: Code, scope: Scope, default: Shape
) -> Code:
    """The function of one axis, of the last two, or of several; defaults are left out."""
    ndim, count = node.ndim, len(op.axes)
    norm = "" if op.norm == "backward" else f'"{op.norm}"'
    known = op.sizes == default
    if count == 1:
        size = "" if known else scope.dim(op.sizes[0])
        axis = "" if op.axes[0] == ndim - 1 else str(op.axes[0])
        return call(f"np.fft.{base}", operand, n=size, axis=axis, norm=norm)
    sizes = "" if known else scope.shape(op.sizes)
    if op.axes == (ndim - 2, ndim - 1):
        return call(f"np.fft.{base}2", operand, s=sizes, norm=norm)
    axes = "" if known and op.axes == tuple(range(ndim)) else str(op.axes)
    return call(f"np.fft.{base}n", operand, s=sizes, axes=axes, norm=norm)


def resized(x: Node, axes: Sequence[int], sizes: Sequence[Dim]) -> Node:
    """The transpose of cutting and padding: padding and cutting."""
    for axis, size in zip(axes, sizes, strict=True):
        length = x.shape[axis]
        if length == size:
            continue
        if surely_nonnegative(length - size):
            x = x[(*[slice(None)] * axis, slice(0, size))]
        elif surely_nonnegative(size - length):
            x = pad(x, [(0, size - length if i == axis else 0) for i in range(x.ndim)])
        else:
            raise UnsupportedError(
                f"the derivative of a transform of length {length} along an axis of {size}",
                expected="sizes that tell which is larger",
                hint="cut or pad the array first: x[:n], np.pad(x, (0, n - m))",
            )
    return x


def _sized(x: TensorType, axes: Sequence[int], sizes: Sequence[Dim]) -> Shape:
    shape = x.shape
    for axis, size in zip(axes, sizes, strict=True):
        shape = with_dim(shape, axis, size)
    return shape


@record
class Fft(AlongAxes, Linear):
    """The transform to frequencies along axes, or back, in complex numbers."""

    axes: tuple[int, ...]
    sizes: Shape
    norm: str = "backward"
    inverse: bool = False
    name: ClassVar[str] = "fft"

    def infer(self, *types: TensorType) -> Type:
        """The new sizes, complex."""
        (x,) = types
        return TensorType(_complex_dtype(x.dtype), _sized(x, self.axes, self.sizes))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.fft.fft`` or its like."""
        shape = node.inputs[0].shape
        default = tuple([shape[axis] for axis in self.axes])
        return _written(self, "ifft" if self.inverse else "fft", node, args[0], scope, default)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """Itself: the matrix is symmetric."""
        (x,) = node.inputs
        return (resized(make(self, cotangent), self.axes, _at(x.shape, self.axes)),)

    def work(self, node: Node) -> float:
        """Some logarithm of the length."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """Those of the fast algorithm, of complex numbers."""
        return 5 * node.size * _rounds(self.sizes)


def _rounds(sizes: Shape) -> int:
    total = 0
    for size in sizes:
        total += logarithm(size)
    return total


def _at(shape: Shape, axes: Sequence[int]) -> Shape:
    return tuple([shape[axis] for axis in axes])


@record
class Rfft(AlongAxes, Linear):
    """The transform of real arrays: of the last of the axes, only frequencies from 0 up."""

    axes: tuple[int, ...]
    sizes: Shape
    norm: str = "backward"
    name: ClassVar[str] = "rfft"

    def infer(self, *types: TensorType) -> Type:
        """Half of the last size, and one."""
        (x,) = types
        sizes = (*self.sizes[:-1], self.sizes[-1] // 2 + 1)
        return TensorType(_complex_dtype(x.dtype), _sized(x, self.axes, sizes))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.fft.rfft`` or its like."""
        return _written(self, "rfft", node, args[0], scope, _at(node.inputs[0].shape, self.axes))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The inverse of the conjugate, where what stands for two frequencies counts half."""
        (x,) = node.inputs
        weights = _multiplicity(self.sizes[-1], self.axes[-1], node)
        inverse = Irfft(self.axes, self.sizes, _OPPOSITE[self.norm])
        back = make(inverse, apply("conjugate", cotangent) / weights)
        return (resized(back, self.axes, _at(x.shape, self.axes)),)

    def work(self, node: Node) -> float:
        """Some logarithm of the length."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """Half of those of complex numbers."""
        points = product(_sized(node.inputs[0].type, self.axes, self.sizes))
        return 5 * points * _rounds(self.sizes) // 2


@record
class Irfft(AlongAxes, Linear):
    """The real array whose transform has the given frequencies from 0 up along the last axis."""

    axes: tuple[int, ...]
    sizes: Shape
    norm: str = "backward"
    name: ClassVar[str] = "irfft"

    def infer(self, *types: TensorType) -> Type:
        """The sizes, real."""
        (x,) = types
        return TensorType(_real_dtype(x.dtype), _sized(x, self.axes, self.sizes))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.fft.irfft`` or its like."""
        given = _at(node.inputs[0].shape, self.axes)
        return _written(self, "irfft", node, args[0], scope, (*given[:-1], 2 * (given[-1] - 1)))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The conjugate of the transform, where what stands for two frequencies counts twice."""
        (x,) = node.inputs
        spectrum = make(Rfft(self.axes, self.sizes, _OPPOSITE[self.norm]), cotangent)
        weights = _multiplicity(self.sizes[-1], self.axes[-1], spectrum)
        back = apply("conjugate", spectrum) * weights
        return (resized(back, self.axes, _at(x.shape, self.axes)),)

    def work(self, node: Node) -> float:
        """Some logarithm of the length."""
        return 20.0

    def flops(self, node: Node) -> Dim:
        """Half of those of complex numbers."""
        return 5 * node.size * _rounds(self.sizes) // 2


def _multiplicity(length: Dim, axis: int, like: Node) -> Node:
    """How many frequencies of a real transform of that length each kept one stands for."""
    k = as_node(arange(like.shape[axis]))
    alone = (k == 0) | (2 * k == length)
    weights = astype(where(alone, 1.0, 2.0), _real_dtype(like.dtype))
    return apply("expand_dims", weights, tuple(range(1, like.ndim - axis)))


# What NumPy's functions take -------------------------------------------------------------------


def _operand(a: Any, what: str, *, real: bool = False) -> Node:
    node = as_node(a)
    if real and node.dtype.kind == "c":
        raise UnsupportedError(f"{what} of complex values", hint=f"np.fft.{what[1:]}(x)")
    if not node.ndim:
        raise ShapeError(f"{what} of a scalar", expected="at least one dimension")
    if node.dtype == np.float16:
        return astype(node, np.float32)
    return node if node.type.inexact else astype(node, np.float64)


def _as_given(x: Any, result: Node) -> Node:
    """NumPy's real transform of one axis gives half precision back."""
    return astype(result, np.float16) if as_node(x).dtype == np.float16 else result


def _norm(norm: Any, what: str) -> str:
    if norm not in (None, *_OPPOSITE):
        raise UnsupportedError(
            f"{what}: norm", expected="'backward', 'ortho' or 'forward'", got=repr(norm)
        )
    return norm or "backward"


def _one(x: Node, n: Any, axis: int, what: str, *, spectrum: bool = False) -> tuple[Any, Any]:
    """Axis and length, each in a tuple."""
    axes = (normalize_axis(axis, x.ndim, what),)
    given = x.shape[axes[0]]
    length = as_dim(n) if n is not None else 2 * (given - 1) if spectrum else given
    return axes, _positive((length,), what)


def _several(x: Node, s: Any, axes: Any, what: str, *, spectrum: bool = False) -> tuple[Any, Any]:
    """Axes and their lengths, by NumPy's rules."""
    if axes is None:
        count = x.ndim if s is None else len(s)
        axes = tuple(range(x.ndim - count, x.ndim))
    known = normalize_axis_list(axes, x.ndim, what)
    if not known:
        raise ShapeError(f"{what} along no axis", expected="at least one")
    given = _at(x.shape, known)
    if s is None:
        last = 2 * (given[-1] - 1) if spectrum else given[-1]
        return known, _positive((*given[:-1], last), what)
    if len(s) != len(known):
        raise ShapeError(f"{what}: one size for each axis", got=f"s={s}, axes={axes}")
    sizes = [size if n == -1 else as_dim(n) for n, size in zip(s, given, strict=True)]
    return known, _positive(tuple(sizes), what)


def _positive(sizes: Shape, what: str) -> Shape:
    if any(isinstance(size, int) and size < 1 for size in sizes):
        raise ShapeError(
            f"{what}: the number of points must be positive", got=", ".join(map(str, sizes))
        )
    return sizes


_PARAMETERS = {
    "a": "array_like",
    "n": """size, optional
        Points along the axis: what is longer is cut, what is shorter ends in zeros.""",
    "axis": """int, optional
        By default the last one.""",
    "s": """sequence of sizes, optional
        Points along each of the axes; -1 leaves a size as it is.""",
    "axes": """sequence of int, optional
        By default the last ones, as many as `s` has, or all.""",
    "norm": """{"backward", "ortho", "forward"}, optional
        Which direction is divided by the number of points; with "ortho" both are, by its root.""",
}
_ERRORS = """Raises
    ------
    ShapeError
        If there is no such axis, or it is given twice, or has no point.
    UnsupportedError
        For another `norm`."""


def _transform(function: Callable[..., Any]) -> Callable[[_F], _F]:
    """As `of_numpy`; the parameters need no description of their own."""

    def register(build: _F) -> _F:
        lines = [f"{name} : {_PARAMETERS[name]}" for name in inspect.signature(build).parameters]
        text = "\n    ".join(["Parameters", "----------", *lines])
        summary, _, notes = (build.__doc__ or "").partition("\n\n")
        build.__doc__ = f"{summary}\n\n    {text}\n\n    {_ERRORS}\n\n{notes}".rstrip() + "\n    "
        return of_numpy(function)(build)

    return register


# One axis --------------------------------------------------------------------------------------


@_transform(np.fft.fft)
def fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Discrete Fourier transform along an axis, as ``np.fft.fft``."""
    x = _operand(a, "fft")
    return make(Fft(*_one(x, n, axis, "fft"), _norm(norm, "fft")), x)


@_transform(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `fft`, as ``np.fft.ifft``."""
    x = _operand(a, "ifft")
    return make(Fft(*_one(x, n, axis, "ifft"), _norm(norm, "ifft"), inverse=True), x)


@_transform(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Transform of a real array along an axis, frequencies from 0 up, as ``np.fft.rfft``."""
    x = _operand(a, "rfft", real=True)
    return make(Rfft(*_one(x, n, axis, "rfft"), _norm(norm, "rfft")), x)


@_transform(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `rfft`, as ``np.fft.irfft``; of m frequencies 2 m - 2 points by default.

    Notes
    -----
    An odd number of points must be given as `n`. The imaginary parts of the first frequency, and
    of the last for an even number, are not read: the derivative by them is 0.
    """
    x = _operand(a, "irfft")
    kind = Irfft(*_one(x, n, axis, "irfft", spectrum=True), _norm(norm, "irfft"))
    return _as_given(a, make(kind, x))


@_transform(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Real transform of an array that is the half of a Hermitian one, as ``np.fft.hfft``."""
    found = irfft(_conjugate(_operand(a, "hfft")), n, axis, _OPPOSITE[_norm(norm, "hfft")])
    return _as_given(a, found)


@_transform(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `hfft`, as ``np.fft.ihfft``."""
    x = _operand(a, "ihfft", real=True)
    return _conjugate(rfft(x, n, axis, _OPPOSITE[_norm(norm, "ihfft")]))


def _conjugate(x: Node) -> Node:
    return apply("conjugate", x) if x.dtype.kind == "c" else x


# Several axes ----------------------------------------------------------------------------------


@_transform(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Discrete Fourier transform along several axes, as ``np.fft.fftn``."""
    x = _operand(a, "fftn")
    return make(Fft(*_several(x, s, axes, "fftn"), _norm(norm, "fftn")), x)


@_transform(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Inverse of `fftn`, as ``np.fft.ifftn``."""
    x = _operand(a, "ifftn")
    return make(Fft(*_several(x, s, axes, "ifftn"), _norm(norm, "ifftn"), inverse=True), x)


@_transform(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Transform of a real array along several axes, the last one halved, as ``np.fft.rfftn``."""
    x = _operand(a, "rfftn", real=True)
    return make(Rfft(*_several(x, s, axes, "rfftn"), _norm(norm, "rfftn")), x)


@_transform(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Inverse of `rfftn`, as ``np.fft.irfftn``; an odd number of points must be given in `s`."""
    x = _operand(a, "irfftn")
    found = _several(x, s, axes, "irfftn", spectrum=True)
    result = make(Irfft(*found, _norm(norm, "irfftn")), x)
    return _as_given(a, result) if len(found[0]) == 1 else result


@_transform(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`fftn` along the last two axes, as ``np.fft.fft2``."""
    return fftn(a, s, axes, norm)


@_transform(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`ifftn` along the last two axes, as ``np.fft.ifft2``."""
    return ifftn(a, s, axes, norm)


@_transform(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`rfftn` along the last two axes, as ``np.fft.rfft2``."""
    return rfftn(a, s, axes, norm)


@_transform(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """`irfftn` along the last two axes, as ``np.fft.irfft2``."""
    return irfftn(a, s, axes, norm)


# Order of frequencies --------------------------------------------------------------------------


@record
class FftShift(AlongAxes, Linear):
    """The zero frequency moved to the middle of the axes, or back."""

    axes: tuple[int, ...]
    inverse: bool = False
    name: ClassVar[str] = "fftshift"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.fft.fftshift`` or ``np.fft.ifftshift``."""
        name = "ifftshift" if self.inverse else "fftshift"
        return call(f"np.fft.{name}", *args, axes=axis_text(self.axes, node.ndim))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The other one."""
        return (make(FftShift(self.axes, not self.inverse), cotangent),)

    def links(self, node: Node, operand: int) -> Sequence[Link]:
        """Moved along each axis by half its size."""
        halves = [(node.shape[axis] + self.inverse) // 2 for axis in self.axes]
        return rolled_links(node.shape, halves, self.axes)

    def work(self, node: Node) -> float:
        """A copy."""
        return 1.0

    def flops(self, node: Node) -> Dim:
        """None: it copies."""
        return 0


@of_numpy(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """The zero frequency moved to the middle, as ``np.fft.fftshift``.

    Parameters
    ----------
    x : array_like
    axes : int or sequence of int, optional
        All by default.
    """
    node = as_node(x)
    return make(FftShift(normalize_axes(axes, node.ndim, "fftshift")), node)


@of_numpy(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of `fftshift`, also of odd sizes, as ``np.fft.ifftshift``.

    Parameters
    ----------
    x : array_like
    axes : int or sequence of int, optional
        All by default.
    """
    node = as_node(x)
    return make(FftShift(normalize_axes(axes, node.ndim, "ifftshift"), inverse=True), node)


@record
class Frequencies(Discrete):
    """The frequencies of a transform of n points that are one apart."""

    n: Dim
    real: bool = False
    name: ClassVar[str] = "fftfreq"

    def infer(self, *types: TensorType) -> Type:
        """As many as the transform has."""
        return TensorType(np.dtype(np.float64), (self.n // 2 + 1 if self.real else self.n,))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.fft.fftfreq`` or ``np.fft.rfftfreq``."""
        return call(f"np.fft.{'rfftfreq' if self.real else 'fftfreq'}", scope.dim(self.n))

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """It has no operand that could be a stack."""
        return node


def _frequencies(n: Any, d: Any, *, real: bool) -> Any:
    if not any_node(n, d):
        function: Any = np.fft.rfftfreq if real else np.fft.fftfreq
        return function(n, d)
    (size,) = _positive((as_dim(n),), "fftfreq")
    found = make(Frequencies(size, real))
    return found / d if any_node(d) or d != 1 else found


@builder()
def fftfreq(n: Any, d: Any = 1.0) -> Any:
    """Frequencies of the results of `fft`, as ``np.fft.fftfreq``.

    Parameters
    ----------
    n : size
        Number of points, an int or symbolic.
    d : scalar, optional
        The distance of the points.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> sg.fft.fftfreq(x.shape[0], 0.1).shape
    (n,)
    """
    return _frequencies(n, d, real=False)


@builder()
def rfftfreq(n: Any, d: Any = 1.0) -> Any:
    """Frequencies of the results of `rfft`, as ``np.fft.rfftfreq``; parameters as of `fftfreq`."""
    return _frequencies(n, d, real=True)


# Examples for the tests ------------------------------------------------------------------------


def _numbers(*shape: int) -> Any:
    """Complex numbers without structure."""
    return array(*shape) + 1j * array(*shape, shift=0.5)


def _with(function: Callable[..., Any], **keywords: Any) -> Callable[[Any], Any]:
    return partial(function, **keywords)


_ONE: list[dict[str, Any]] = [
    {},
    {"axis": 0},
    {"n": 3},
    {"n": 8, "norm": "ortho"},
    {"norm": "forward", "axis": -2},
]
_MANY: list[dict[str, Any]] = [
    {},
    {"axes": (0,)},
    {"s": (3, 8), "axes": (0, 1)},
    {"axes": (1, 0), "norm": "ortho"},
    {"s": (-1, 3), "axes": (1, 0), "norm": "forward"},
]


def _examples(function: Callable[..., Any], keywords: Any, *operands: Any) -> list[Example]:
    return [Example(_with(function, **k), (x,)) for x in operands for k in keywords]


def _single(function: Callable[..., Any], x: Any) -> Example:
    kind = np.complex64 if np.iscomplexobj(x) else np.float32
    return Example(function, (x.astype(kind),))


_REAL, _COMPLEX = array(4, 5), _numbers(4, 5)

EXAMPLES: dict[str, list[Example]] = {
    "fft": [*_examples(fft, _ONE, _REAL, _COMPLEX), _single(fft, _COMPLEX), _single(fft, _REAL)],
    "ifft": [*_examples(ifft, _ONE, _COMPLEX), Example(np.fft.ifft, (np.arange(3),))],
    "rfft": [*_examples(rfft, _ONE, _REAL), _single(rfft, _REAL), Example(rfft, (array(1),))],
    "irfft": [
        *_examples(irfft, _ONE, _COMPLEX),
        _single(irfft, _COMPLEX),
        Example(irfft, (_REAL,)),
    ],
    "hfft": _examples(hfft, _ONE, _COMPLEX),
    "ihfft": _examples(ihfft, _ONE, _REAL),
    "fftn": [*_examples(fftn, _MANY, _COMPLEX), Example(np.fft.fftn, (array(2, 3, 2),))],
    "ifftn": _examples(ifftn, _MANY, _COMPLEX),
    "rfftn": [*_examples(rfftn, _MANY, _REAL), Example(np.fft.rfftn, (array(2, 3, 2),))],
    "irfftn": [*_examples(irfftn, _MANY, _COMPLEX), Example(np.fft.irfftn, (_numbers(2, 3, 2),))],
    "fft2": [Example(np.fft.fft2, (_numbers(2, 3, 4),)), Example(fft2, (np.zeros((0, 2, 3)),))],
    "ifft2": [Example(lambda x: ifft2(x, axes=(0, 1)), (_numbers(2, 3, 4),))],
    "rfft2": [Example(lambda x: rfft2(x, s=(3, 3)), (array(2, 3, 4),))],
    "irfft2": [Example(lambda x: irfft2(x, s=(2, 5)), (_numbers(2, 2, 3),))],
    "fftshift": [
        Example(np.fft.fftshift, (_REAL,)),
        Example(lambda x: fftshift(x, axes=1), (_COMPLEX,)),
        Example(lambda x: ifftshift(x, axes=(1,)), (_REAL.astype(np.float32),)),
        Example(np.fft.ifftshift, (np.arange(5),)),
    ],
    "fftfreq": [
        Example(lambda x: x * fftfreq(np.shape(x)[0]), (array(5),)),
        Example(lambda x: x * fftfreq(as_dim(4), 0.5), (array(4),), lambda x: x * fftfreq(4, 0.5)),
        Example(lambda x, d: x * rfftfreq(7, d), (array(4), np.float64(0.3))),
    ],
}
