"""Counts of bins, covariance and correlation coefficients."""
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.code import Code, Scope, call, method
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, as_node, make
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Size, as_dim
from symgraph.graph.types import TensorType, Type
from symgraph.ops.arrange import atleast_2d
from symgraph.ops.batching import stacked
from symgraph.ops.calls import of_numpy
from symgraph.ops.create import arange
from symgraph.ops.diagonals import diag
from symgraph.ops.elementwise import astype, clip, maximum, sqrt
from symgraph.ops.index import take
from symgraph.ops.join import concatenate
from symgraph.ops.kinds import Discrete, Example, Linear
from symgraph.ops.products import matmul
from symgraph.ops.reduce import average, sum
from symgraph.ops.shape import expand_dims, ravel, reshape, shape_text, squeeze

__all__ = ["bincount", "corrcoef", "cov"]

# Bins ------------------------------------------------------------------------------------------


@record
class _BinCount(Op):
    """How often, or with which sum of weights, each number below a length occurs."""

    length: Dim

    def infer(self, *types: TensorType) -> Type:
        """A number for each bin; weights are added up as float64."""
        if types[0].ndim != 1 or any(t.shape != types[0].shape for t in types):
            raise ShapeError(
                "bincount takes a sequence, and as many weights",
                got=" and ".join([shape_text(t.shape) for t in types]),
            )
        dtype = np.dtype(np.intp if len(types) == 1 else np.float64)
        return TensorType(dtype, (self.length,))

    def code(self, node: Node, args: Sequence[Code], scope: Scope) -> Code:
        """``np.bincount``; a larger number than was promised does not fit the shape."""
        weights = args[1] if len(args) > 1 else ""
        length = scope.dim(self.length)
        result = call("np.bincount", args[0], weights=weights, minlength=length)
        if isinstance(node.inputs[0].op, Constant):
            return result
        return method(result, "reshape", length)

    def batch(self, node: Node, operands: Sequence[Node], mapped: Sequence[bool], size: Dim) -> Any:
        """Each row has bins of its own, which are counted together."""
        x, *weights = stacked(operands, mapped, size)
        rows = expand_dims(as_node(arange(size)) * self.length, 1)
        flat = [ravel(rows + x), *[ravel(w) for w in weights]]
        return reshape(make(type(self)(size * self.length), *flat), (size, self.length))

    def work(self, node: Node) -> float:
        """Random access."""
        return 3.0

    def flops(self, node: Node) -> Dim:
        """An addition for each number."""
        return node.inputs[0].size


@record
class Occurrences(_BinCount, Discrete):
    """How often each number occurs."""

    name: ClassVar[str] = "bincount"


@record
class BinCount(_BinCount, Linear):
    """The sum of the weights of each number."""

    name: ClassVar[str] = "weighted_bincount"

    linear: ClassVar[tuple[int, ...] | None] = (1,)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """To each weight the cotangent of its bin."""
        x, weights = node.inputs
        return (astype(take(cotangent, x), weights.dtype),)


@of_numpy(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    """How often each number occurs, or the sum of its weights, as ``np.bincount``.

    Parameters
    ----------
    x : array_like of int
        One-dimensional, not negative.
    weights : array_like, optional
        Differentiable.
    minlength : size
        How many bins there are, if `x` is a node, whose values must be smaller: a call with a
        larger one is an error. If `x` is known it may need more, as in NumPy.

    Raises
    ------
    UnsupportedError
        If `x` is a node and `minlength` does not say how many bins there are.

    Examples
    --------
    >>> import symgraph as sg
    >>> x, w = sg.placeholder("x", "n", int), sg.placeholder("w", "n")
    >>> sums = sg.function([x, w], bincount(x, weights=w, minlength=3))
    >>> sums(np.array([2, 0, 2]), np.array([1.0, 0.5, 3.0]))
    array([0.5, 0. , 4. ])
    """
    numbers = as_node(x)
    if numbers.dtype.kind not in "iub":
        raise DTypeError("bincount takes integers", got=repr(numbers.type))
    length = as_dim(minlength)
    if isinstance(numbers.op, Constant):
        known = numbers.op.value
        if known.size and int(known.min()) < 0:
            raise InputError("bincount: a number is negative", got=str(known.min()))
        needed = int(known.max()) + 1 if known.size else 0
        length = max(length, needed) if isinstance(length, int) else length
    elif length == 0:
        raise UnsupportedError(
            "bincount: the shape of the result would depend on the values",
            hint="np.bincount(x, weights, minlength=count) with all values below count",
        )
    if weights is None:
        return make(Occurrences(length), numbers)
    values = as_node(weights)
    if values.dtype.kind == "c":
        raise DTypeError("bincount of complex weights", expected="real ones")
    return make(BinCount(length), numbers, values)


# Covariance ------------------------------------------------------------------------------------


def _variables(m: Any, rowvar: bool, dtype: Any) -> Node:
    """One variable in each row."""
    node = as_node(m)
    if node.ndim > 2:
        raise ShapeError("cov takes at most two dimensions", got=repr(node.type))
    node = astype(node, np.result_type(node.dtype, np.float64) if dtype is None else dtype)
    return atleast_2d(node) if rowvar or node.ndim < 2 else node.T


@of_numpy(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """The covariance matrix of variables, as ``np.cov``.

    Parameters
    ----------
    m : array_like
        One variable in each row.
    y : array_like, optional
        Further variables.
    rowvar : bool
        If false, variables are columns.
    bias : bool
        Whether to divide by the number of observations, not by one less.
    ddof : int, optional
        What is subtracted from that number; overrides `bias`.
    fweights, aweights : array_like, optional
        How often each observation occurs, and how much it weighs.
    dtype : data-type, optional
        Of the result.

    Raises
    ------
    ShapeError
        If there are more than two dimensions.
    """
    if ddof is not None and ddof != int(ddof):
        raise DTypeError("cov: ddof must be an integer", got=repr(ddof))
    if dtype is None:
        dtype = np.result_type(*[as_node(v).dtype for v in (m, y) if v is not None], np.float64)
    rows = _variables(m, rowvar, dtype)
    if y is not None:
        rows = concatenate([rows, _variables(y, rowvar, dtype)], axis=0)
    freedom = (0 if bias else 1) if ddof is None else int(ddof)
    weights: Node | None = None
    for given in (fweights, aweights):
        if given is not None:
            factor = astype(as_node(given), np.float64)
            weights = factor if weights is None else weights * factor
    if weights is None:
        centered = rows - average(rows, axis=1, keepdims=True)
        count: Any = rows.shape[1]
        divisor: Any = max(count - freedom, 0) if isinstance(count, int) else count - freedom
        weighted = centered
    else:
        centered = rows - average(rows, axis=1, weights=weights, keepdims=True)
        total = sum(weights)
        share = 1.0 if aweights is None else sum(weights * as_node(aweights)) / total
        divisor = total if freedom == 0 else total - freedom * share
        divisor = divisor if freedom < 2 else maximum(divisor, 0.0)
        weighted = centered * weights
    if weighted.dtype.kind == "c":
        weighted = apply("conjugate", weighted)
    if isinstance(divisor, Size):
        # One less than how many there are is not negative; NumPy limits what is.
        divisor = as_node(divisor) if freedom < 2 else maximum(as_node(divisor), 0)
    if isinstance(divisor, Node):
        divisor = astype(divisor, rows.dtype)
    return _without_ones(matmul(centered, weighted.T) / divisor)


def _without_ones(matrix: Node) -> Node:
    ones = tuple([i for i, dim in enumerate(matrix.shape) if dim == 1])
    return squeeze(matrix, ones) if ones else matrix


@of_numpy(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """The correlation coefficients of variables, as ``np.corrcoef``; parameters as of `cov`."""
    matrix = cov(x, y, rowvar, dtype=dtype)
    if not matrix.ndim:
        return matrix / matrix
    if matrix.ndim != 2:
        raise ShapeError("corrcoef of no observations", got=shape_text(matrix.shape))
    variances = diag(matrix)
    if matrix.dtype.kind == "c":
        variances = apply("real", variances)
    deviations = sqrt(variances)
    result = matrix / expand_dims(deviations, 1) / deviations
    # Rounding must not lead out of the interval; NumPy limits it as well.
    return result if result.dtype.kind == "c" else clip(result, -1, 1)


# Examples for the tests ------------------------------------------------------------------------

_MATRIX = np.sin(np.arange(12.0) * 1.3).reshape(3, 4)
_BINS = np.array([2, 0, 2, 3])

EXAMPLES: dict[str, list[Example]] = {
    "bincount": [
        Example(lambda x, w: np.bincount(x, w, 5), (_BINS, _MATRIX[0])),
        Example(lambda w: np.bincount(_BINS, weights=w), (_MATRIX[0].astype(np.float32),)),
        Example(lambda x: np.bincount(x, minlength=4), (_BINS,)),
        Example(lambda w: w + np.bincount(np.array([3, 3])), (_MATRIX[0],)),
    ],
    "cov": [
        Example(np.cov, (_MATRIX,)),
        Example(np.cov, (_MATRIX[0],)),
        Example(lambda x: np.cov(x, rowvar=False, bias=True), (_MATRIX.astype(np.float32),)),
        Example(lambda x, y: np.cov(x, y, ddof=0), (_MATRIX, _MATRIX[0] ** 2)),
        Example(
            lambda x, a: np.cov(x, fweights=[1, 2, 1, 3], aweights=a, dtype=np.float64),
            (_MATRIX, np.array([0.5, 1.0, 2.0, 1.5])),
        ),
        Example(lambda x: np.cov(x, fweights=[1, 2, 1, 3]), (_MATRIX,)),
    ],
    "corrcoef": [
        Example(np.corrcoef, (_MATRIX,)),
        Example(lambda x, y: np.corrcoef(x, y)[0, 1], (_MATRIX[0], _MATRIX[1])),
        Example(lambda x: np.corrcoef(x, rowvar=False)[0, 1:], (_MATRIX,)),
    ],
}
