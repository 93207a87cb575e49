"""Corners of NumPy's keywords and dtypes: what it gives, or an error that says what to do."""

from contextlib import nullcontext

import numpy as np
import pytest

import symgraph as sg
from symgraph.errors import SymgraphError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, placeholder
from symgraph.graph.tree import flatten

X = np.array([[1.5, -2.0, 0.25], [3.0, 0.5, -1.0]])
N = np.array([[1, -2, 3], [4, 0, -1]], np.int32)
FLAGS = X > 0
HALF = X.astype(np.float16)

SAME = [
    # dtype= decides the dtype of the result, also where NumPy widens small integers.
    (lambda x: np.sum(x, dtype="int32"), N),
    (lambda x: np.sum(x, axis=0, dtype=bool), N),
    (lambda x: np.cumsum(x, dtype="int16"), N),
    (lambda x: np.cumprod(x, axis=1, dtype="int32"), X),
    (lambda x: np.prod(x, dtype="int32"), N),
    (lambda x: np.mean(x, dtype=int), X),
    (lambda x: np.var(x, dtype=complex), X),
    (lambda x: np.nansum(x, dtype="int32"), N),
    (lambda x: np.trace(x, dtype="int32"), X),
    # initial= does not.
    (lambda x: np.sum(x, initial=0.5), N),
    (lambda x: np.sum(x, initial=np.float64(0.5)), X.astype(np.float32)),
    (lambda x: np.max(x, initial=1.75), N),
    (lambda x: np.min(x, axis=0, initial=np.int64(1)), FLAGS),
    (lambda x: np.prod(x, initial=np.float64(2), where=x > 0), X.astype(np.float32)),
    (lambda x: np.std(x, mean=np.mean(X)), HALF),
    (lambda x: np.nanstd(x, mean=np.mean(X)), HALF),
    (lambda x: np.sum(x, axis=0), np.float64(2.0)),
    (lambda x: np.average(x, axis=0, weights=np.ones(x.shape, np.float32)), FLAGS),
    (lambda x: np.average(x, weights=FLAGS), X.astype(np.complex64)),
    # Elements taken keep their dtype.
    (lambda x: np.quantile(x, 0.3, method="lower"), N),
    (lambda x: np.quantile(x, [0.3, 0.6], axis=1, method="nearest"), HALF),
    (lambda x: np.quantile(x, 1), N),
    (lambda x: np.nan_to_num(x, nan=np.nan, posinf=np.inf), X),
    (np.conj, FLAGS),
    (np.square, np.True_),
    (lambda x: np.square(np.isreal(x)), FLAGS),
    (np.sinc, N.astype(np.int8)),
    (np.angle, FLAGS),
    (np.angle, N.astype(np.uint8)),
    # Shapes at the border of what NumPy defines.
    (lambda x: x.reshape(-1, 4), np.ones((0, 3))),
    (lambda x: np.diff(x, n=0, prepend=1.0), X),
    (lambda x: np.rollaxis(x, 1, -1), X),
    (lambda x: np.take(x, [True, False, True]), X),
    (lambda x: np.linalg.tensorsolve(x, x), X[:1, 0]),
    (lambda x: np.insert(x, np.array([1, 2]), 0.0), X),
    (lambda x: np.einsum("ij,jk", x, np.ones((1, 2), bool)), FLAGS),
    (lambda x: np.einsum("ij,kk->i", x, np.ones((2, 2), np.int32)), N),
    (np.vander, X[0, :0]),
    (lambda x: np.gradient(x, np.array([0.0, 1.0, 3.0]), axis=1), HALF),
    (lambda x: np.pad(x, 1), np.float64(1.0)),
    # Keywords at their defaults, and dtype= of ufuncs.
    (lambda x: np.add(x, 1, out=None, where=True, casting="same_kind", order="K"), X),
    (lambda x: np.exp(x, dtype=np.float32), HALF),
    (lambda x: np.multiply(x, 2, dtype=float), N),
    (lambda x: np.copy(x, order="F") + np.zeros_like(x, order="C", device=None), X),
    (lambda x: np.concatenate([x, x], casting="same_kind", out=None), X),
    (lambda x: np.sum(x, 1, None, None, True), X),
    (lambda x: divmod(7, x), X),
    (lambda x: np.zeros(x.nbytes // x.itemsize) + x.ravel(), X),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("call", "array"), SAME)
def test_the_same_call_gives_the_same(call, array):
    node = placeholder("x", np.shape(array), np.asarray(array).dtype)
    found, wanted = flatten(call(node))[0], flatten(call(array))[0]
    for got, right in zip(interpret(found, {node: array}), wanted, strict=True):
        assert (np.shape(got), np.asarray(got).dtype) == (np.shape(right), np.asarray(right).dtype)
        np.testing.assert_allclose(got, right, rtol=1e-6)


REFUSED = [
    (lambda x: np.sum(x, initial=1j), "initial"),
    (lambda x: np.max(x.astype(int), initial=np.inf), "initial"),
    (lambda x: np.sum(x, where=x), "boolean"),
    (lambda x: np.var(x, dtype=int), "dtype"),
    (lambda x: np.std(x, ddof=np.nan), "finite"),
    (lambda x: np.piecewise(x, [x > 0], [np.ones(3)]), "np.where"),
    (lambda x: np.unwrap(x, period=[1.0, 2.0]), "one number"),
    (lambda x: np.std(x[0], mean=x), "mean"),
    (lambda x: np.var(x, mean=1j), "complex"),
    (lambda x: np.triu(x, k=1.5), "integer"),
    (lambda x: np.round(x, None), "integer"),
    (lambda x: np.fft.fftn(x, s=3), "iterable"),
    (lambda x: np.vecmat(x, x), "sizes"),
    (lambda x: np.trapezoid(x[0], x=x), "coordinates"),
    (lambda x: np.stack([x], dtype=int), "astype"),
    (lambda x: np.split(x, np.ones((2, 2), int)), "NumPy refuses"),
    (lambda x: np.add(x, 1, where=x > 0), "np.where"),
    (lambda x: np.exp(x, dtype=int), "astype"),
    (lambda x: np.nan_to_num(x, nan=[1.0, 2.0, 3.0]), "np.where"),
    (lambda x: f"{x:.2f}", "format"),
    (lambda x: x.sum(0, None, None, True, 0, True, 1), "argument"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_is_not_taken_is_an_error_that_says_so(call, message):
    with pytest.raises(SymgraphError, match=message):
        call(placeholder("x", X.shape))


def test_arrays_of_sizes_that_may_be_equal_are_not_called_different():
    x, y = placeholder("x", ("n", 1)), placeholder("y", ("n", "n"))
    with pytest.raises(SymgraphError, match="depends on sizes"):
        np.array_equal(x, y)


def test_what_numpy_calls_in_its_own_functions_takes_nodes():
    x = placeholder("x", 3, bool)
    assert isinstance(np.nanmean(np.ones(3, int), where=x), Node)  # it passes np._NoValue on


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "float16", "float32"])
@pytest.mark.parametrize("function", [np.arctan2, np.hypot, np.divide, np.power, np.logaddexp])
def test_a_derivative_beside_a_narrow_operand_is_computed_in_the_dtype_of_the_result(
    function, dtype
):
    x, y = placeholder("x", 3), placeholder("y", 3, dtype)
    point, other = np.array([1.25, 2.0, 3.5]), np.array([100, 1, 3]).astype(dtype)
    other[0] = other[0] if function is np.arctan2 else 5
    for call in (lambda a, b: function(a, b), lambda a, b: function(b, a)):
        found = sg.function([x, y], sg.grad(np.sum(call(x, y)), x))(point, other)
        wide = other.astype(float)
        with np.errstate(all="ignore"):
            slope = (call(point + 1e-6, wide) - call(point - 1e-6, wide)) / 2e-6
        np.testing.assert_allclose(found, slope, rtol=1e-8, atol=1e-9)


def test_a_covariance_of_symbolic_size_keeps_its_dtype():
    x = placeholder("x", (2, "n"))
    array = np.sin(np.arange(8.0)).reshape(2, 4)
    for more in ({"dtype": "float32"}, {"ddof": 9}, {"bias": True}):
        with np.errstate(all="ignore"), pytest.warns() if "ddof" in more else nullcontext():
            wanted = np.cov(array, **more)
        found = interpret([np.cov(x, **more)], {x: array})[0]
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
