"""Constants in emitted modules: the same value and dtype, in text of bounded size."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import symgraph as sg
from symgraph.graph.leaves import scalar_code

SCALARS = [
    np.inf,
    -np.inf,
    np.nan,
    0.0,
    -0.0,
    1e-320,
    -5e-324,
    1.7976931348623157e308,
    0.1,
    1 / 3,
    1e22,
    1e16,
    123456789.0,
    -1.0,
    2**53 + 1.0,
    1,
    0,
    -1,
    2**62,
    -(2**63),
    np.uint64(2**63),
    np.uint64(2**64 - 1),
    True,
    False,
    np.int8(-128),
    np.uint8(255),
    np.int16(-1),
    np.float32(0.1),
    np.float32(1e-45),
    np.float32(3.4e38),
    np.float32(-0.0),
    np.float32(np.nan),
    np.float32(16777216),
    np.float16(0.1),
    np.float16(65504),
    np.float16(6e-8),
    np.float16(-np.inf),
    1j,
    -1j,
    1 + 0j,
    complex(1, -0.0),
    complex(-0.0, -0.0),
    complex(0.0, -1),
    complex(np.inf, np.nan),
    complex(np.nan, 1),
    -2 - 3j,
    np.complex64(0.1 + 0.2j),
    np.complex64(complex(-0.0, np.inf)),
]


def same(found, wanted):
    """Equal bits, up to which nan."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found, wanted)
    for part in ("real", "imag"):
        a, b = getattr(found, part), getattr(wanted, part)
        if a.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(a[~np.isnan(a)]), np.signbit(b[~np.isnan(b)]))


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars(value):
    f = sg.function([], [sg.constant(value)])
    same(f()[0], value)
    x = sg.placeholder("x", 3, np.asarray(value).dtype)
    ones = np.zeros(3, x.dtype)
    same(
        sg.function([x], np.where(x == x, sg.constant(value), x))(ones), np.full(3, value, x.dtype)
    )


@given(
    st.sampled_from(["float64", "float32", "float16"]).flatmap(
        lambda d: hnp.from_dtype(np.dtype(d), allow_nan=False)
    )
)
def test_every_float_is_written_with_all_its_digits(value):
    text = scalar_code(value).text
    same(value.dtype.type(eval(text, {"np": np})), value)


@given(hnp.from_dtype(np.dtype("complex128"), allow_nan=False))
def test_every_complex_number_keeps_both_parts(value):
    same(np.complex128(eval(scalar_code(value).text, {"np": np})), value)


@given(
    st.sampled_from([np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.less]),
    st.sampled_from([v for v in SCALARS if np.asarray(v).dtype.kind != "c"]),
    st.sampled_from(["float64", "float32", "float16", "int64", "int8", "bool"]),
    st.booleans(),
    st.sampled_from(["bitwise", "accurate"]),
)
@settings(max_examples=300)
def test_constants_as_operands(ufunc, value, dtype, first, strictness):
    """A constant node has its own dtype, also where a bare number would be weak."""
    constant = np.asarray(value)[()]
    args = np.array([0, 1, 3], dtype)
    x = sg.placeholder("x", 3, dtype)
    order = (lambda a, b: (a, b)) if first else (lambda a, b: (b, a))
    with np.errstate(all="ignore"):
        try:
            expected = ufunc(*order(args, constant))
        except (TypeError, ValueError):
            return
        node = ufunc(*order(x, sg.constant(constant)))
        found = sg.function([x], node, strictness=strictness)(args)
    assert found.dtype == expected.dtype == node.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-3 if found.dtype == "f2" else 1e-6)


@pytest.mark.parametrize("strictness", ["bitwise", "accurate"])
def test_numbers_that_python_takes_for_equal_stand_side_by_side(strictness):
    x = sg.placeholder("x", 2)
    values = [sg.constant(v) for v in (1, 1.0, True, 0.0, -0.0, np.float32(1), np.int8(1), 1 + 0j)]
    f = sg.function([x], [x * 0 + v for v in values] + values, strictness=strictness)
    for found, node in zip(f(np.zeros(2)), [x * 0 + v for v in values] + values, strict=True):
        assert found.dtype == node.dtype
    for found, node in zip(f(np.zeros(2))[len(values) :], values, strict=True):
        same(found, node.op.value)


RNG = np.random.default_rng(0)
ARRAYS = {
    "one": np.array([0.1]),
    "few": np.array([[1.5, -0.0], [np.nan, np.inf]]),
    "integers": np.arange(-3, 4),
    "bytes": np.arange(7, dtype="uint8"),
    "booleans": np.array([True, False]),
    "complex": np.array([1 + 2j, complex(-0.0, np.nan)]),
    "halves": np.arange(5, dtype="float16") / 3,
    "three dimensions": RNG.standard_normal((2, 3, 4)),
    "thirty": RNG.standard_normal(30),
    "thirty-two small": np.arange(32).reshape(8, 4),
    "uniform": np.full((1000, 1000), 0.1),
    "uniform -0.0": np.full((50, 2), -0.0),
    "uniform nan": np.full(100, np.nan),
    "uniform bool": np.full(100, True),
    "uniform int8": np.full((4, 20), -128, "int8"),
    "ten thousand": RNG.standard_normal(10_000),
    "five thousand": RNG.standard_normal(5_000),
    "million": RNG.standard_normal(1_000_000),
    "many booleans": RNG.random(1000) > 0.5,
    "empty": np.zeros((0, 3)),
    "empty ints": np.zeros((3, 0), "int32"),
    "Fortran": np.asfortranarray(RNG.standard_normal((30, 40))),
    "big-endian": np.arange(100, dtype=">i4"),
    "strided": np.arange(200.0)[::2],
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays(kind, tmp_path):
    value = ARRAYS[kind]
    native = value.astype(value.dtype.newbyteorder("="))
    x = sg.placeholder("x", value.shape, native.dtype)
    node = sg.constant(value)
    f = sg.function([x], [node, np.where(x == x, node, x)])
    assert len(f.source) < 150_000
    assert max(map(len, f.source.splitlines())) <= 88
    for function in (f, pickle.loads(pickle.dumps(f))):
        found = function(np.zeros_like(native))
        same(found[0], native)
        same(found[1], native)
        assert found[0].flags.writeable
    # The file, with the large constants given as arguments.
    space = {"__name__": "exported"}
    f.export(tmp_path / "module.py")
    exec((tmp_path / "module.py").read_text(), space)
    extra = f.compiled.extra
    assert bool(extra) == (kind in ("ten thousand", "million"))
    same(space[f.__name__](np.zeros_like(native), **extra)[0], native)


def test_large_constants_in_pairs(tmp_path):
    weights = RNG.standard_normal((5, 3000))
    x = sg.placeholder("x", ("n", 5))
    pair = sg.forward_backward([x], np.tanh(x @ weights), wrt=x)
    values = RNG.standard_normal((2, 5))
    out, saved = pair.forward(values)
    cotangent = RNG.standard_normal(out.shape)
    expected = (cotangent * (1 - np.tanh(values @ weights) ** 2)) @ weights.T
    np.testing.assert_allclose(pair.backward(saved, cotangent), expected)
    assert len(pair.source) < 5000
    pair.export(tmp_path / "pair.py")


def test_constants_are_not_shared_between_calls_or_functions():
    table = sg.constant(np.arange(40.0))
    f, g = sg.function([], [table]), sg.function([], [table, table])
    f()[0][:] = 0
    first, second = g()
    first[:] = 1
    assert second[3] == f()[0][3] == 3


def test_combinations_of_weak_and_strong():
    """`x * 2.0` is weak where the user wrote a number, and strong where it was a NumPy scalar."""
    for dtype, other in itertools.product(
        ["float32", "int8", "float16"], [np.float64(2), np.int64(2)]
    ):
        x = sg.placeholder("x", 2, dtype)
        value = np.ones(2, dtype)
        assert sg.function([x], x * other)(value).dtype == (value * other).dtype
        assert sg.function([x], other * x + 1)(value).dtype == (other * value + 1).dtype
