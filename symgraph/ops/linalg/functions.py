"""Functions of matrices: exponential, logarithm, square root.

NumPy has none of them. What is emitted are short functions of NumPy, by scaling and squaring and
by Newton's method; the square root of a Hermitian matrix is written by its eigenvalues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import ShapeError
from symgraph.graph.code import HELPERS, Code, Scope, call
from symgraph.graph.node import Node, make
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.batching import OnTrailingAxes, stacked
from symgraph.ops.calls import evaluated
from symgraph.ops.elementwise import astype, sqrt, zeros_like
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Example, Structured, promote
from symgraph.ops.linalg.cholesky import hermitian, positive_definite
from symgraph.ops.linalg.eigh import Eigh
from symgraph.ops.linalg.operands import (
    adjoint,
    check_square,
    columns_by,
    conjugate,
    cubes,
    floating,
    mirrored,
    real_part,
    results,
)
from symgraph.ops.linalg.solve import turned
from symgraph.ops.products import array
from symgraph.ops.shape import expand_dims, swapaxes

__all__ = ["cosm", "expm", "expm_frechet", "logm", "sinm", "sqrtm"]

_EXPM = '''
def expm(a):
    """Matrix exponential: Padé approximant of degree 13, scaling and squaring (Higham 2005)."""
    norm = np.abs(a).sum(axis=-2).max(axis=-1, initial=0.0)
    halvings = np.maximum(np.frexp(norm / 5.4)[1], 0)[..., None, None]
    a = a * np.exp2(-halvings).astype(norm.dtype)
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a6 @ (a6 + 16380.0 * a4 + 40840800.0 * a2)
    odd += 33522128640.0 * a6 + 10559470521600.0 * a4
    odd += 1187353796428800.0 * a2 + 32382376266240000.0 * eye
    even = a6 @ (182.0 * a6 + 960960.0 * a4 + 1323241920.0 * a2)
    even += 670442572800.0 * a6 + 129060195264000.0 * a4
    even += 7771770303897600.0 * a2 + 64764752532480000.0 * eye
    odd = a @ odd
    result = np.linalg.solve(even - odd, even + odd)
    for done in range(halvings.max(initial=0)):
        result = np.where(done < halvings, result @ result, result)
    return result
'''

_SQRTM = '''
def sqrtm(a):
    """Principal square root of a matrix: scaled Newton iteration in product form (Higham 2008)."""
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    ratio, root = a, a
    for _ in range(50):
        scale = np.exp(np.linalg.slogdet(ratio)[1] / (-2 * max(a.shape[-1], 1)))
        # Close to the end scaling would only disturb.
        distance = np.abs(ratio - eye).max(axis=(-2, -1), initial=0.0)
        scale = np.where(distance < 0.1, 1.0, scale).astype(distance.dtype)[..., None, None]
        inverse = np.linalg.inv(ratio) / scale**2
        root = 0.5 * scale * (root + root @ inverse)
        ratio = 0.5 * (eye + 0.5 * (scale**2 * ratio + inverse))
        if not np.any(distance > np.sqrt(np.finfo(distance.dtype).eps)):
            break
    return root
'''

_LOGM = '''
def logm(a):
    """Principal logarithm of a matrix: square roots, then a Padé approximant of degree 7."""
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    factor = 1.0
    for _ in range(60):
        if not np.any(np.abs(a - eye).sum(axis=-2) > 0.25):
            break
        a = sqrtm(a)
        factor *= 2.0
    points, weights = np.polynomial.legendre.leggauss(7)
    rest = a - eye
    terms = [
        weight * np.linalg.solve(eye + (0.5 + 0.5 * point) * rest, rest)
        for point, weight in zip(points.tolist(), weights.tolist())
    ]
    return 0.5 * factor * sum(terms)
'''

HELPERS.update(expm=_EXPM, sqrtm=_SQRTM, logm=_LOGM)
_HELPERS = {"expm": ("expm",), "sqrtm": ("sqrtm",), "logm": ("sqrtm", "logm")}


@record
class MatrixFunction(OnTrailingAxes, Structured):
    """An analytic function of a square matrix."""

    function: str
    name: ClassVar[str] = "matrix_function"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        check_square(types[0], self.function)
        return types[0]

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """A function that the module holds."""
        names = [scope.helper(name) for name in _HELPERS[self.function]]
        return call(names[-1], *args)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The Fréchet derivative."""
        (tangent,) = tangents
        assert tangent is not None
        return make(Frechet(self.function), node.inputs[0], tangent)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The Fréchet derivative at the transpose."""
        return (make(Frechet(self.function), swapaxes(node.inputs[0], -1, -2), cotangent),)

    def work(self, node: Node) -> float:
        """Some twenty products."""
        return 300.0

    def flops(self, node: Node) -> Dim:
        """``20 n**3``, about: some products, a solution, and squares or roots."""
        return cubes(node.inputs[0], 20)


@record
class Frechet(Structured):
    """The derivative of a function of a matrix in a direction.

    It is the upper right block of ``f([[a, e], [0, a]])`` (Mathias 1996), and so are all further
    derivatives, each of a matrix of twice the size.
    """

    function: str
    name: ClassVar[str] = "frechet"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        return types[0]

    def flops(self, node: Node) -> Dim:
        """Those of the function of a matrix twice as large."""
        return cubes(node.inputs[0], 160)

    def decompose(self, *inputs: Node) -> Node | None:
        """A block of the function of the block matrix."""
        a, direction = inputs
        n = a.shape[-1]
        return make(MatrixFunction(self.function), _blocks(a, direction))[..., :n, n:]

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The derivative of the function of the block matrix, or itself in another direction."""
        (a, direction), (change, turn) = node.inputs, tangents
        n = a.shape[-1]
        if change is None:
            assert turn is not None
            return make(self, a, turn)
        moved = _blocks(change, zeros_like(change) if turn is None else turn)
        return make(self, _blocks(a, direction), moved)[..., :n, n:]

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """Itself at the transpose; by `a` the two diagonal blocks of that of the block matrix."""
        a, direction = node.inputs
        n = a.shape[-1]
        block = swapaxes(_blocks(a, direction), -1, -2)
        back = make(self, block, _blocks(zeros_like(a), cotangent))
        straight = make(self, swapaxes(a, -1, -2), cotangent)
        return back[..., :n, :n] + back[..., n:, n:], straight

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself, of the stacks."""
        return make(self, *stacked(operands, mapped, size))


def _blocks(a: Node, corner: Node) -> Node:
    """``[[a, corner], [0, a]]``."""
    upper = concatenate([a, corner], axis=-1)
    return concatenate([upper, concatenate([zeros_like(a), a], axis=-1)], axis=-2)


# The square root of a Hermitian matrix ----------------------------------------------------------


@record
class HermitianRoot(OnTrailingAxes, Structured):
    """The square root of a Hermitian matrix, of which the lower triangle is read."""

    name: ClassVar[str] = "hermitian_root"

    def infer(self, *types: TensorType) -> Type:
        """The same type."""
        check_square(types[0], "sqrtm")
        return types[0]

    def decompose(self, *inputs: Node) -> Node | None:
        """By eigenvalues."""
        values, vectors = results(make(Eigh(), *inputs))
        return columns_by(vectors, sqrt(values)) @ adjoint(vectors)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The dS with ``S dS + dS S = da``: it needs no gaps between eigenvalues."""
        tangent = tangents[0]
        assert tangent is not None
        return make(Lyapunov(), node, mirrored(tangent))

    def work(self, node: Node) -> float:
        """As eigenvalues and vectors."""
        return 300.0

    def flops(self, node: Node) -> Dim:
        """Those of the eigenvectors, and a product."""
        return cubes(node.inputs[0], 11)


@record
class Lyapunov(Structured):
    """The x with ``s x + x s = q`` for a Hermitian positive definite s."""

    name: ClassVar[str] = "lyapunov"

    def infer(self, *types: TensorType) -> Type:
        """The type of q."""
        return types[1]

    def decompose(self, *inputs: Node) -> Node | None:
        """A division by the sums of eigenvalues, in the basis of the eigenvectors."""
        s, q = inputs
        values, vectors = results(make(Eigh(), s))
        sums = expand_dims(values, -1) + expand_dims(values, -2)
        return vectors @ ((adjoint(vectors) @ q @ vectors) / sums) @ adjoint(vectors)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Any:
        """The same equation with the right side ``dq - ds x - x ds``."""
        change, right = tangents
        if change is not None:
            moved = change @ node + node @ change
            right = -moved if right is None else right - moved
        assert right is not None
        return make(self, node.inputs[0], right)

    def vjp(self, node: Node, cotangent: Any) -> Sequence[Node | None] | None:
        """The solution w for the cotangent, of the transpose; ``-(w x^T + x^T w)`` by s."""
        w = make(self, conjugate(node.inputs[0]), cotangent)
        turned = swapaxes(node, -1, -2)
        return -(w @ turned + turned @ w), w

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Itself, of the stacks."""
        return make(self, *stacked(operands, mapped, size))

    def work(self, node: Node) -> float:
        """As eigenvalues and vectors."""
        return 300.0

    def flops(self, node: Node) -> Dim:
        """Those of the eigenvectors, and four products."""
        return cubes(node.inputs[0], 17)


@evaluated()
def expm(A: Any) -> Any:
    """Exponential of matrices, as ``scipy.linalg.expm``.

    Parameters
    ----------
    A : array_like
        Shape (..., n, n).

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    The emitted module holds a function of NumPy for it: scaling and squaring with the Padé
    approximant of degree 13 (Higham 2005, SIAM Journal on Matrix Analysis 26). Each derivative
    takes the exponential of a matrix of twice the size.

    Examples
    --------
    >>> import numpy as np
    >>> np.round(expm(np.array([[0.0, np.pi], [-np.pi, 0.0]])), 12) + 0.0
    array([[-1.,  0.],
           [ 0., -1.]])
    """
    return _function("expm", A)


@evaluated()
def expm_frechet(A: Any, E: Any) -> Any:
    """Exponential of matrices and its derivative in a direction, as ``scipy.linalg.expm_frechet``.

    Parameters
    ----------
    A, E : array_like
        Shape (..., n, n), the same for both.

    Returns
    -------
    expm_A, expm_frechet_AE : Node

    Raises
    ------
    ShapeError
        If they are not square, or differ in shape.
    """
    a, direction = (floating(x, "expm_frechet", real=False) for x in (A, E))
    if a.shape != direction.shape:
        raise ShapeError(
            "expm_frechet: the shapes differ", got=f"{a.type!r} and {direction.type!r}"
        )
    dtype = promote([a.dtype, direction.dtype])
    return expm(a), make(Frechet("expm"), astype(a, dtype), astype(direction, dtype))


@evaluated()
def cosm(A: Any) -> Any:
    """Cosine of matrices, as ``scipy.linalg.cosm``: by the exponential of ``i A``.

    Parameters
    ----------
    A : array_like
        Shape (..., n, n).

    Raises
    ------
    ShapeError
        If it is not square.
    """
    node = floating(A, "cosm", real=False)
    turned = expm(1j * node)
    return real_part(turned) if node.dtype.kind != "c" else 0.5 * (turned + expm(-1j * node))


@evaluated()
def sinm(A: Any) -> Any:
    """Sine of matrices, as ``scipy.linalg.sinm``: by the exponential of ``i A``.

    Parameters
    ----------
    A : array_like
        Shape (..., n, n).

    Raises
    ------
    ShapeError
        If it is not square.
    """
    node = floating(A, "sinm", real=False)
    turned = expm(1j * node)
    return apply("imag", turned) if node.dtype.kind != "c" else -0.5j * (turned - expm(-1j * node))


@evaluated()
def logm(A: Any) -> Any:
    """Principal logarithm of matrices, as ``scipy.linalg.logm``.

    Parameters
    ----------
    A : array_like
        Shape (..., n, n). No eigenvalue may be 0 or, for a real matrix, negative: the result of a
        real matrix is real.

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    The emitted module holds functions of NumPy for it: inverse scaling and squaring (Higham 2008,
    Functions of Matrices, 11.5). Each derivative takes the logarithm of a matrix of twice the
    size.
    """
    return _function("logm", A)


@evaluated()
def sqrtm(A: Any, *, hermitian: bool = False) -> Any:
    """Principal square root of matrices, as ``scipy.linalg.sqrtm``.

    Parameters
    ----------
    A : array_like
        Shape (..., n, n). No eigenvalue may be 0 or, for a real matrix, negative: the result of a
        real matrix is real.
    hermitian : bool, optional
        Whether the matrix is Hermitian and positive definite, of which the lower triangle is
        read. This is faster and more accurate, and needs no function in the emitted module; the
        value exists for semidefinite matrices too, the derivative does not.

    Raises
    ------
    ShapeError
        If it is not square.

    Notes
    -----
    In general by Newton's method (the product form of Denman and Beavers; Higham 2008, Functions
    of Matrices, 6.3); each derivative takes the root of a matrix of twice the size. Of
    Hermitian matrices by eigenvalues; their derivatives are right for equal eigenvalues too.
    """
    if not hermitian:
        return _function("sqrtm", A)
    node = floating(A, "sqrtm", real=False)
    return make(HermitianRoot(), node)


def _function(name: str, a: Any) -> Node:
    return make(MatrixFunction(name), floating(a, name, real=False))


# Examples for the tests ------------------------------------------------------------------------


def _by_eigenvalues(function: Any) -> Any:
    """The same function of a matrix that has a basis of eigenvectors."""

    def reference(a: Any) -> Any:
        w, v = np.linalg.eig(a.astype(complex))
        found = (v * function(w)[..., None, :]) @ np.linalg.inv(v)
        return (found if np.iscomplexobj(a) else found.real).astype(a.dtype)

    return reference


def _commutator(x: Any, e: Any) -> Any:
    """The derivative of any function f(a) = x in the direction ``a e - e a``."""
    return x @ e - e @ x


_SMALL, _ROTATED = array(2, 3, 3), positive_definite(3, 3) + np.triu(array(3, 3), 1)

EXAMPLES: dict[str, list[Example]] = {
    "expm": [
        Example(expm, (_SMALL,), _by_eigenvalues(np.exp)),
        Example(expm, (array(3, 3) * np.array([[[4.0]], [[0.1]]]),), _by_eigenvalues(np.exp)),
        Example(expm, (array(2, 2).astype(np.float32),), _by_eigenvalues(np.exp)),
        Example(expm, (np.zeros((0, 0)),), np.copy),
        Example(expm, (turned(array(2, 3, 3)),), _by_eigenvalues(np.exp)),
    ],
    "expm_frechet": [
        Example(
            lambda a, e: expm_frechet(a, a @ e - e @ a),
            (array(3, 3), array(3, 3, shift=1.0)),
            lambda a, e: (_by_eigenvalues(np.exp)(a), _commutator(_by_eigenvalues(np.exp)(a), e)),
        ),
    ],
    "cosm": [Example(cosm, (x,), _by_eigenvalues(np.cos)) for x in (_SMALL, 1j * _SMALL)],
    "sinm": [Example(sinm, (x,), _by_eigenvalues(np.sin)) for x in (_SMALL, 1j * _SMALL)],
    "logm": [
        Example(logm, (hermitian(2, 3, 3),), _by_eigenvalues(np.log)),
        Example(logm, (_ROTATED,), _by_eigenvalues(np.log)),
        Example(logm, (_ROTATED.astype(np.float32),), _by_eigenvalues(np.log)),
    ],
    "sqrtm": [
        Example(sqrtm, (hermitian(3, 3),), _by_eigenvalues(np.sqrt)),
        Example(
            lambda x: sqrtm(x, hermitian=True), (hermitian(2, 3, 3),), _by_eigenvalues(np.sqrt)
        ),
        Example(sqrtm, (_ROTATED,), _by_eigenvalues(np.sqrt)),
        Example(
            lambda x: sqrtm(x, hermitian=True),
            (positive_definite(2, 3, 3),),
            _by_eigenvalues(np.sqrt),
        ),
        # Equal eigenvalues, and a derivative that couples their vectors.
        Example(
            lambda x: sqrtm(2.0 * np.eye(3) + x @ x.mT, hermitian=True),
            (np.zeros((3, 3)),),
            lambda x: np.sqrt(2.0) * np.eye(3) + x,
        ),
    ],
}
