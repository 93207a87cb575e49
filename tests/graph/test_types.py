"""Types: dtypes by NumPy's rules (NEP 50), shapes by its broadcasting."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import symgraph as sg
from symgraph.graph.types import as_dtype, broadcast_shapes, normalize_axis

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
UFUNCS = [
    np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.power,
    np.maximum, np.minimum, np.less, np.equal, np.logical_and, np.bitwise_and, np.arctan2,
    np.logaddexp, np.hypot,
]  # fmt: skip
UNARY = [np.negative, np.exp, np.sqrt, np.abs, np.sign, np.floor, np.square, np.isnan, np.sin]
WEAK = [True, 2, 2.0, 2j]


def outcome(call, *args):
    """The dtype of a result, or that there is none."""
    try:
        with np.errstate(all="ignore"):
            result = call(*args)
    except (TypeError, OverflowError):
        return "refused"
    return result.dtype


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_all_pairs_of_dtypes(ufunc):
    for first, second in itertools.product(DTYPES, repeat=2):
        expected = outcome(ufunc, np.ones(2, first), np.ones(2, second))
        a, b = sg.placeholder("a", 2, first), sg.placeholder("b", 2, second)
        assert outcome(ufunc, a, b) == expected, (first, second)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_python_numbers_are_weak(ufunc):
    for dtype, number in itertools.product(DTYPES, WEAK):
        for shape in ((), 2):
            array, node = np.ones(shape, dtype), sg.placeholder("a", shape, dtype)
            if shape == ():
                array = array[()]
            wanted = outcome(ufunc, array, number)
            assert outcome(ufunc, node, number) == wanted, (dtype, number, shape)
            wanted = outcome(ufunc, number, array)
            assert outcome(ufunc, number, node) == wanted, (number, dtype, shape)


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda u: u.__name__)
def test_one_operand(ufunc):
    for dtype in DTYPES:
        expected = outcome(ufunc, np.ones(2, dtype))
        assert outcome(ufunc, sg.placeholder("a", 2, dtype)) == expected, dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_scalars_and_arrays_are_not_weak(dtype):
    x = sg.placeholder("x", 3, "float32")
    value = np.ones(3, "float32")
    for other in (np.ones((), dtype)[()], np.ones(3, dtype)):
        assert (x * other).dtype == (value * other).dtype
        assert (other * x).dtype == (other * value).dtype


@pytest.mark.parametrize("value", [300, -1, 2**40])
def test_a_python_integer_out_of_bounds_is_refused_as_in_numpy(value):
    x = sg.placeholder("x", 3, "uint8")
    with pytest.raises(sg.DTypeError, match="out of bounds"):
        x + value
    with pytest.raises(OverflowError):
        np.ones(3, "uint8") + value


def test_emitted_source_computes_in_these_dtypes():
    for first, second in itertools.product(
        ["bool", "int8", "int64", "float32", "float64"], repeat=2
    ):
        a, b = sg.placeholder("a", 2, first), sg.placeholder("b", (), second)
        outputs = [a * b, a + 2, np.maximum(a, b), np.where(a > 0, a, b), a * sg.constant(2.0)]
        values = np.ones(2, first), np.ones((), second)[()]
        expected = [
            values[0] * values[1], values[0] + 2, np.maximum(*values),
            np.where(values[0] > 0, *values), values[0] * np.float64(2.0),
        ]  # fmt: skip
        for found, wanted in zip(sg.function([a, b], outputs)(*values), expected, strict=True):
            assert found.dtype == wanted.dtype, (first, second)


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4))
def test_shapes_broadcast_as_in_numpy(shapes):
    assert broadcast_shapes(*shapes.input_shapes) == shapes.result_shape


@given(st.lists(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), min_size=2, max_size=3))
def test_what_numpy_does_not_broadcast_is_refused(shapes):
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(sg.ShapeError):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == expected


def test_symbolic_sizes_broadcast_with_one_and_with_themselves_only():
    row, column = sg.placeholder("r", ("n", 1)), sg.placeholder("c", "m")
    assert (row * column).shape == ("n", "m")
    assert (row + row).shape == ("n", 1)
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "m")
    with pytest.raises(sg.ShapeError, match="n against m") as error:
        x + y
    assert "two different symbolic sizes" in str(error.value)
    assert __file__ in str(error.value)
    with pytest.raises(sg.ShapeError, match="n against 3"):
        x + np.ones(3)


@pytest.mark.parametrize("dtype", [object, "U3", "datetime64[s]", [("a", float)], "no such", "V4"])
def test_dtypes_that_cannot_stand_in_a_graph(dtype):
    with pytest.raises(sg.DTypeError):
        sg.placeholder("x", (), dtype)


def test_dtypes_are_native():
    assert as_dtype(">f8") == np.dtype("float64")
    assert as_dtype(">f8").isnative


def test_axes():
    assert normalize_axis(-1, 3, "sum") == 2
    assert normalize_axis(np.int8(1), 3, "sum") == 1
    with pytest.raises(sg.ShapeError, match="no axis 3"):
        normalize_axis(3, 3, "sum")
    with pytest.raises(sg.DTypeError):
        normalize_axis(1.0, 3, "sum")
    with pytest.raises(sg.ShapeError, match="0-d"):
        normalize_axis(0, 0, "sum")
