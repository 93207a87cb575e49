"""Reductions, order statistics and windows: conventions, corners, and many arguments."""

import itertools

import numpy as np
import pytest

import symgraph as sg
from symgraph.errors import SymgraphError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import placeholder

RNG = np.random.default_rng(5)


def run(function, *arrays):
    """The value in a graph, and in one of symbolic sizes, of a function of arrays."""
    nodes = [placeholder(f"x{i}", np.shape(a), np.asarray(a).dtype) for i, a in enumerate(arrays)]
    with np.errstate(all="ignore"):
        return interpret([function(*nodes)], dict(zip(nodes, arrays, strict=True)))[0]


def slope(function, x):
    node = placeholder("x", np.shape(x))
    with np.errstate(all="ignore"):
        return sg.function([node], sg.grad(function(node), node))(np.asarray(x, float))


# Many arguments --------------------------------------------------------------------------------

ARRAYS = {
    "cube": RNG.normal(size=(2, 3, 2)),
    "single": RNG.normal(size=(2, 3, 2)).astype(np.float32),
    "whole": RNG.integers(-3, 4, (2, 3, 2)),
    "flags": RNG.normal(size=(2, 3, 2)) > 0,
    "empty": np.ones((2, 0, 3)),
    "scalar": np.array(1.5),
    "complex": RNG.normal(size=(2, 3, 2)) * (1 - 2j),
    "gaps": np.where(RNG.normal(size=(2, 3, 2)) > 1, np.nan, 0.5),
}
OVER_AXES = "sum prod mean var std max min ptp median any all count_nonzero".split()
OVER_AXES += "nansum nanprod nanmean nanmax nanmin nanmedian nanvar nanstd".split()
ALONG_AXIS = "argmax argmin cumsum cumprod nancumsum nancumprod sort argsort".split()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("name", OVER_AXES + ALONG_AXIS)
def test_every_axis_and_dtype_gives_what_numpy_gives(name, kind):
    array, function = ARRAYS[kind], getattr(np, name)
    axes = [None, *range(-array.ndim, array.ndim)]
    options = [{}]
    if name in OVER_AXES:
        axes += [a for a in [(), (0, -1), (2, 0, 1)] if all(i < array.ndim for i in a)]
        axes = axes if array.ndim else [None]
        options = [{}, {"keepdims": True}]
    for axis, more in itertools.product(axes, options):
        try:
            expected = function(array, axis=axis, **more)
        except (TypeError, ValueError, IndexError):
            continue  # NumPy has no such reduction of this array
        refused = SymgraphError if kind in ("empty", "complex") else ()
        try:
            found = run(lambda x, a=axis, m=more: function(x, axis=a, **m), array)
        except refused:
            continue
        assert np.shape(found) == np.shape(expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# Conventions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        # The permutation taken keeps the order of equal elements.
        (lambda x: np.sort(x)[0], [2.0, 1.0, 1.0], [0, 1, 0]),
        (lambda x: np.sort(x)[1], [2.0, 1.0, 1.0], [0, 0, 1]),
        (np.median, [1.0, 1.0, 1.0], [0, 1, 0]),
        (np.median, [3.0, 1.0, 2.0, 9.0], [0.5, 0, 0.5, 0]),
        (lambda x: np.quantile(x, 0.25), [4.0, 1.0, 3.0, 2.0], [0, 0.25, 0, 0.75]),
        (lambda x: np.quantile(x, 1.0, method="lower"), [4.0, 1.0], [1, 0]),
        (lambda x: sg.top_k(x, 1)[0][0], [1.0, 5.0, 5.0], [0, 1, 0]),
        # The first to reach the record has it.
        (lambda x: np.maximum.accumulate(x)[-1], [1.0, 5.0, 5.0], [0, 1, 0]),
        # NaN is left out, and gets nothing.
        (np.nansum, [1.0, np.nan, 2.0], [1, 0, 1]),
        (np.nanmean, [1.0, np.nan, 2.0], [0.5, 0, 0.5]),
        (np.nanmax, [2.0, np.nan, 2.0], [0.5, 0, 0.5]),
        (np.nanvar, [1.0, np.nan, 3.0], [-1, 0, 1]),
        (np.nanstd, [1.0, np.nan, 1.0], [0, 0, 0]),
        (np.nanprod, [2.0, np.nan, 3.0], [3, 0, 2]),
        (np.nanmedian, [2.0, np.nan, 3.0, 9.0], [0, 0, 1, 0]),
        (lambda x: np.nanquantile(x, 0.5), [2.0, np.nan, 3.0], [0.5, 0, 0.5]),
        (lambda x: np.nancumsum(x)[-1], [2.0, np.nan, 3.0], [1, 0, 1]),
        (lambda x: np.std(x, where=[True, False, True]), [2.0, 7.0, 2.0], [0, 0, 0]),
        # Zeros lose nothing.
        (lambda x: np.cumprod(x)[-1], [0.0, 2.0, 3.0], [6, 0, 0]),
        (lambda x: np.cumprod(x).sum(), [2.0, 0.0, 0.0], [1, 2, 0]),
        # Outside of the points, and at one of them.
        (lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 3.0, 1.0]).sum(), [-1, 1, 3], [0, -2, 0]),
    ],
)
def test_derivatives_at_ties_nan_and_zeros(function, x, expected):
    np.testing.assert_allclose(slope(function, x), expected, atol=1e-15)


def test_derivatives_of_a_product_of_zeros_of_any_order():
    x = placeholder("x", 3)
    mixed = sg.grad(sg.grad(sg.grad(np.cumprod(x)[-1], x)[0], x)[1], x)
    np.testing.assert_array_equal(sg.function([x], mixed)(np.zeros(3)), [0, 0, 1])


def test_a_quantile_moves_with_its_share():
    q = placeholder("q")
    f = sg.function([q], sg.grad(np.quantile(sg.constant([5.0, 1.0, 2.0]), q), q))
    assert [float(f(v)) for v in (0.25, 0.75)] == [2.0, 6.0]


# Corners ---------------------------------------------------------------------------------------


def test_more_bins_than_promised_are_an_error_not_a_longer_array():
    x = placeholder("x", "n", int)
    f = sg.function([x], np.bincount(x, minlength=3))
    np.testing.assert_array_equal(f(np.array([2, 0, 2])), [1, 0, 2])
    with pytest.raises(ValueError, match="reshape"):
        f(np.array([3]))


def test_the_shorter_sequence_must_be_the_one_that_is_known():
    a = placeholder("a", "n")
    f = sg.function([a], np.convolve(a, [1.0, 2.0, 3.0], "valid"))
    np.testing.assert_array_equal(f(np.ones(4)), [6, 6])
    with pytest.raises(sg.InputError):
        f(np.ones(2))


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
def test_gradients_of_copied_borders_at_symbolic_sizes(mode):
    x, c = placeholder("x", ("n", 2)), placeholder("c", ("m", 2))
    padded = np.pad(x, ((2, 3), (0, 0)), mode=mode)
    f = sg.function([x, c], sg.vjp(padded, x, sg.broadcast_to(c[: x.shape[0] + 5], padded.shape)))
    cotangent, array = RNG.normal(size=(9, 2)), RNG.normal(size=(4, 2))
    tangent = RNG.normal(size=(4, 2))
    moved = np.pad(tangent, ((2, 3), (0, 0)), mode=mode)
    np.testing.assert_allclose(np.sum(f(array, cotangent) * tangent), np.sum(moved * cotangent))


@pytest.mark.parametrize("method", ["linear", "hazen", "nearest", "averaged_inverted_cdf"])
def test_quantiles_of_symbolic_and_of_missing_elements(method):
    x = placeholder("x", ("n", 4))
    q = np.linspace(0, 1, 7)
    array = np.where(RNG.normal(size=(3, 4)) > 0.8, np.nan, RNG.normal(size=(3, 4)))
    f = sg.function([x], [np.nanquantile(x, q, axis=1, method=method), np.sort(x, axis=0)])
    values, ordered = f(array)
    np.testing.assert_allclose(values, np.nanquantile(array, q, axis=1, method=method))
    np.testing.assert_array_equal(ordered, np.sort(array, axis=0))


def test_the_largest_of_the_smallest_integers():
    x = np.array([-128, 127, 0, -128], np.int8)
    np.testing.assert_array_equal(sg.top_k(x, 2).indices, [1, 2])
    np.testing.assert_array_equal(run(lambda a: sg.top_k(a, 3).indices, x), [1, 2, 0])
    np.testing.assert_array_equal(
        run(lambda a: sg.top_k(a, 2).values, x.view(np.uint8)), [128, 128]
    )
