"""Complex numbers: real and imaginary parts, conjugate, angle.

They are linear over the reals only. Their transposes are those for the product ``Re(ct * t)`` of
cotangent and tangent, which makes the transpose of a holomorphic function the multiplication by
its derivative, not conjugated: JAX's convention. The gradient of a real value by ``z = x + i y``
is ``d/dx - i d/dy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.code import Code, Scope, attribute, call
from symgraph.graph.node import Node, as_node, constant, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply, builder
from symgraph.graph.types import DType, TensorType, Type
from symgraph.ops.batching import OnTrailingAxes
from symgraph.ops.elementwise.choice import full_like, where, zeros_like
from symgraph.ops.kinds import Example, Linear, any_node, elementwise, loop_dtypes


def real_dtype(dtype: DType) -> DType:
    """The dtype of the parts of numbers of `dtype`."""
    zero: Any = np.zeros((), dtype)
    return zero.real.dtype


class _Part(OnTrailingAxes, Linear):
    """The real or the imaginary part of complex numbers: a view."""

    views: ClassVar[tuple[int, ...]] = (0,)
    core: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The same shape."""
        return types[0].with_dtype(real_dtype(types[0].dtype))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """The attribute."""
        return attribute(args[0], self.name)


@record
class Real(_Part):
    """The real part."""

    name: ClassVar[str] = "real"

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """``Re(ct * Re t) = Re(ct * t)`` for a real cotangent."""
        return (apply("astype", cotangent, node.inputs[0].dtype),)


@record
class Imag(_Part):
    """The imaginary part."""

    name: ClassVar[str] = "imag"

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """``Re(ct * Im t) = Re(-i ct * t)`` for a real cotangent."""
        return (constant(np.asarray(-1j, node.inputs[0].dtype)) * cotangent,)


@record
class Conjugate(OnTrailingAxes, Linear):
    """The complex conjugate."""

    name: ClassVar[str] = "conjugate"
    core: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.conj``."""
        return call("np.conj", *args)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """``Re(ct * conj(t)) = Re(conj(ct) * t)``."""
        return (conjugate(cotangent),)


@builder(np.real)
def real(val: Any) -> Any:
    """Real part, as ``np.real``; of real values they themselves.

    Parameters
    ----------
    val : array_like
    """
    if not any_node(val):
        return np.real(val)
    node = as_node(val)
    return make(Real(), node) if node.dtype.kind == "c" else node


@builder(np.imag)
def imag(val: Any) -> Any:
    """Imaginary part, as ``np.imag``; of real values zeros.

    Parameters
    ----------
    val : array_like
    """
    if not any_node(val):
        return np.imag(val)
    node = as_node(val)
    return make(Imag(), node) if node.dtype.kind == "c" else zeros_like(node)


@builder()
def conjugate(x: Any) -> Any:
    """Complex conjugate, as ``np.conj``; of real values they themselves.

    Parameters
    ----------
    x : array_like
    """
    if not any_node(x):
        return np.conjugate(x)
    node = as_node(x)
    if node.dtype.kind == "b":
        return apply("astype", node, np.int8)  # the smallest type that NumPy's loops have
    if node.dtype.kind != "c":
        return node
    return node.inputs[0] if isinstance(node.op, Conjugate) else make(Conjugate(), node)


def _angle_slope(r: Node, x: Node) -> Node:
    if x.dtype.kind != "c":
        return zeros_like(x)
    away = where(x == 0, 1.0, x)
    return where(x == 0, full_like(x, 0), constant(np.asarray(-1j, x.dtype)) / away)


def _angle_dtype(dtype: DType) -> DType:
    # The imaginary part of real values is a Python 0 to NumPy, which makes integers of booleans.
    part = real_dtype(dtype) if dtype.kind != "b" else np.dtype(np.int64)
    return loop_dtypes(np.arctan2, (part, part), "angle")[-1]


_angle = elementwise(
    "angle",
    numpy=np.angle,
    dtypes=_angle_dtype,
    partials=(_angle_slope,),
    formula="arg(x)",
    cost=15.0,
)


@builder(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """The angle of complex numbers, as ``np.angle``: ``arctan2(imag, real)``.

    The derivative at 0 is 0.

    Parameters
    ----------
    z : array_like
    deg : bool, optional
        Whether in degrees.
    """
    if not any_node(z):
        return np.angle(z, deg)
    radians = _angle(z)
    return radians * (180.0 / np.pi) if deg else radians


@builder(np.isreal)
def isreal(x: Any) -> Any:
    """Where the imaginary part is 0, as ``np.isreal``."""
    return imag(x) == 0 if any_node(x) else cast("Any", np.isreal(x))


@builder(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Where the imaginary part is not 0, as ``np.iscomplex``."""
    return imag(x) != 0 if any_node(x) else cast("Any", np.iscomplex(x))


@builder(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex, as ``np.iscomplexobj``."""
    return as_node(x).dtype.kind == "c" if any_node(x) else np.iscomplexobj(x)


@builder(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex, as ``np.isrealobj``."""
    return not iscomplexobj(x)


@builder(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """Real values themselves, as ``np.real_if_close``.

    Raises
    ------
    UnsupportedError
        For complex values: the dtype of the result would depend on them.
    """
    if not any_node(a):
        return cast("Any", np.real_if_close(a, tol))
    node = as_node(a)
    if node.dtype.kind == "c":
        raise UnsupportedError(
            "real_if_close of complex values: the dtype of the result depends on values",
            hint="np.real(z) takes the real part",
        )
    return node


# Examples for the tests ------------------------------------------------------------------------

_Z = np.array([[1.0 + 2.0j, -0.5 - 1.0j, 3.0 - 0.25j], [-2.0 + 0.5j, 0.75 + 1.5j, -1.0 - 1.0j]])
_X = np.array([0.5, -2.0, 3.0])

EXAMPLES: dict[str, list[Example]] = {
    "real": [Example(np.real, (_Z,)), Example(np.real, (_X,)), Example(lambda z: z.real, (_Z,))],
    "imag": [Example(np.imag, (_Z,)), Example(np.imag, (_X,)), Example(lambda z: z.imag, (_Z,))],
    "conjugate": [
        Example(np.conj, (_Z,)),
        Example(np.conj, (_X,)),
        Example(lambda z: z.conj() * z + np.conj(np.conj(z)), (_Z.astype(np.complex64),)),
    ],
    "angle": [
        Example(np.angle, (_Z,)),
        Example(np.angle, (_X,)),
        Example(lambda z: np.angle(z, deg=True), (_Z,)),
        Example(np.angle, (_Z.astype(np.complex64),)),
    ],
    "sign of complex numbers": [Example(np.sign, (_Z,))],
    "abs of complex numbers": [
        Example(np.abs, (_Z,)),
        Example(lambda x, y: np.abs(x + 1j * y) ** 2, (_X, 2 * _X)),
    ],
    "from parts": [Example(lambda x, y: np.exp(x + 1j * y), (_X, _X[::-1]))],
    "isreal": [
        Example(lambda z: (np.isreal(z), np.iscomplex(z)), (_Z,)),
        Example(lambda z: (np.isreal(z), np.iscomplex(z)), (_X,)),
        Example(lambda z: np.real(z) * np.iscomplexobj(z) + np.isrealobj(z), (_Z,)),
    ],
    "real_if_close": [Example(np.real_if_close, (_X,))],
    "positive": [Example(np.positive, (_Z,))],
}
