"""Indexing: random expressions against NumPy, symbolic sizes, changes at an index, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import constant, placeholder
from symgraph.ops.at import IndexMultiply, IndexSet
from symgraph.ops.index import Gather, GetItem, IndexAdd, Select
from symgraph.ops.indices import parse, repeats

SHAPE = (4, 3, 5)


def bounds(low, high):
    return st.one_of(st.none(), st.integers(low, high))


def slices():
    steps = st.one_of(st.none(), st.integers(-3, 3).filter(bool))
    return st.builds(slice, bounds(-7, 7), bounds(-7, 7), steps)


def positions(length):
    """Index arrays of small shapes that broadcast against each other."""
    shapes = st.sampled_from([(), (2,), (1,), (3, 1), (3, 2), (0,), (2, 0)])
    return st.builds(
        lambda shape, seed: np.random.default_rng(seed).integers(-length, length, shape),
        shapes,
        st.integers(0, 99),
    )


@st.composite
def keys(draw, advanced):
    items = []
    for length in SHAPE[: draw(st.integers(0, 3))]:
        if draw(st.booleans()) and draw(st.booleans()):
            items.append(None)
        choices = [st.integers(-length, length - 1), slices()]
        if advanced:
            choices += [positions(length), positions(length).map(lambda a: a.tolist())]
            choices.append(st.just(np.arange(length) % 2 == 0))
        items.append(draw(st.one_of(*choices)))
    used = sum(item is not None for item in items)
    if draw(st.booleans()):
        place = draw(st.integers(0, len(items)))
        # What stands behind the ellipsis counts from the end of the axes.
        tail = sum(item is not None for item in items[place:])
        if used == 3 or tail == 0:
            items.insert(place, Ellipsis)
    return tuple(items)


ARRAY = np.arange(60.0).reshape(SHAPE) + 0.5


def numpy_takes(key):
    try:
        return ARRAY[key]
    except IndexError:
        return None


@settings(max_examples=120, deadline=None)
@given(keys(advanced=False))
def test_basic_indices(key):
    expected = ARRAY[key]
    x = placeholder("x", SHAPE)
    y = x[key]
    (got,) = interpret([y], {x: ARRAY})
    assert y.shape == np.shape(expected) == np.shape(got)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=200, deadline=None)
@given(keys(advanced=True), st.booleans())
def test_advanced_indices(key, as_nodes):
    expected = numpy_takes(key)
    x = placeholder("x", SHAPE)
    if expected is None:
        with pytest.raises(ShapeError):
            x[key]
        return
    arrays = {}
    if as_nodes:
        items = []
        for item in key:
            node = item
            if isinstance(item, np.ndarray) and item.dtype.kind == "i":
                node = placeholder("i", item.shape, int)
                arrays[node] = item
            items.append(node)
        key = tuple(items)
    y = x[key]
    (got,) = interpret([y], {x: ARRAY, **arrays})
    assert y.shape == expected.shape == np.shape(got)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=120, deadline=None)
@given(keys(advanced=True), st.sampled_from(["set", "add", "multiply", "min", "max"]))
def test_changes_are_numpys_assignments(key, name):
    region = numpy_takes(key)
    if region is None:
        return
    values = np.random.default_rng(0).normal(size=region.shape)
    expected = ARRAY.copy()
    if name == "set":
        expected[key] = values
    else:
        ufunc = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}
        ufunc[name].at(expected, key, values)
    x, v = placeholder("x", SHAPE), placeholder("v", region.shape)
    y = getattr(x.at[key], name)(v)
    (got,) = interpret([y], {x: ARRAY, v: values})
    # Emitted with the index known, positions that do not repeat need no ufunc.at.
    for result in (got, sg.function([x, v], y)(ARRAY, values)):
        np.testing.assert_allclose(result, expected, rtol=1e-15)
        assert result.dtype == expected.dtype


@settings(max_examples=120, deadline=None)
@given(keys(advanced=True))
def test_positions_said_not_to_repeat_do_not(key):
    if numpy_takes(key) is None:
        return
    index, arrays = parse(key, SHAPE)
    taken = np.arange(60).reshape(SHAPE)[key]
    if not repeats(index, SHAPE, arrays):
        assert len(np.unique(taken)) == np.size(taken)
    elif len(arrays) == index_length(key):
        assert len(np.unique(taken)) < np.size(taken)


def index_length(key):
    """How many of the entries are arrays; -1 if a slice or a number stands beside them."""
    return len(key) if all(isinstance(k, list | np.ndarray) for k in key) else -1


@pytest.mark.parametrize(
    ("key", "once"),
    [
        ((np.arange(4), placeholder("y", 4, int)), True),
        ((sg.arange(placeholder("a", "n").shape[0]), placeholder("y", "n", int)), True),
        ((placeholder("y", 4, int),), False),
        ((placeholder("y", (), int),), True),
        ((placeholder("y", (1, 1), int),), True),
        ((np.arange(4)[:, None], np.arange(3)), True),
        ((np.arange(4)[:, None], placeholder("y", 2, int)), False),
        (([0, -4],), False),
        (([0, -1],), True),
        (([-1, -2],), True),
    ],
)
def test_what_is_known_to_repeat(key, once):
    index, arrays = parse(key, SHAPE)
    assert repeats(index, SHAPE, arrays) is not once


def test_a_negative_position_may_be_a_positive_one_of_a_symbolic_size():
    x = placeholder("x", "n")
    index, arrays = parse(([0, -1],), x.shape)
    assert repeats(index, x.shape, arrays)
    index, arrays = parse(([-2, -1],), x.shape)
    assert not repeats(index, x.shape, arrays)


# Symbolic sizes --------------------------------------------------------------------------------

SYMBOLIC = [
    (slice(1, None), "n - 1", 1),
    (slice(None, -1), "n - 1", 1),
    (slice(2, -1), "n - 3", 3),
    (slice(None, 2), 2, 2),
    (slice(-3, None), 3, 3),
    (slice(None, None, 2), "(n + 1) // 2", 0),
    (slice(1, None, 3), "(n + 1) // 3", 1),
    (slice(None, None, -1), "n", 0),
    (slice(-2, None, -1), "n - 1", 1),
    (slice(3, None, -1), 4, 4),
    (slice(None, 1, -2), "(n - 1) // 2", 2),
    (slice(0, None), "n", 0),
]


@pytest.mark.parametrize(("key", "length", "least"), SYMBOLIC)
def test_slices_of_a_symbolic_size(key, length, least):
    x = placeholder("x", ("n", 2))
    y = x[key]
    assert y.shape == placeholder("", (length, 2)).shape
    f = sg.function([x], y)
    for n in range(least, 8):
        array = np.arange(2.0 * n).reshape(n, 2)
        np.testing.assert_array_equal(f(array), array[key])
    if least:
        with pytest.raises(sg.InputError):
            f(np.zeros((least - 1, 2)))


@pytest.mark.parametrize("position", [0, 2, -1, -3])
def test_positions_of_a_symbolic_size(position):
    x = placeholder("x", "n")
    f = sg.function([x], x[position])
    array = np.arange(3.0)
    assert f(array) == array[position]
    with pytest.raises(sg.InputError):
        f(array[: (position if position >= 0 else -position - 1)])


def test_bounds_that_are_sizes():
    x, y = placeholder("x", "n"), placeholder("y", "m")
    m = y.shape[0]
    pieces = [x[:m], x[m:], x[-m:], x[:-m], x[m], x[m - 1 :]]
    f = sg.function([x, y], pieces)
    array = np.arange(5.0)
    expected = [array[:2], array[2:], array[-2:], array[:-2], array[2], array[1:]]
    for got, want in zip(f(array, np.zeros(2)), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(sg.InputError):
        f(array, np.zeros(5))  # x[5] of five


def test_gradient_by_slices_of_a_symbolic_size():
    x = placeholder("x", "n")
    loss = ((x[1:] - x[:-1]) ** 2).sum()
    got = sg.function([x], sg.grad(loss, x))(np.array([1.0, 3.0, 2.0]))
    np.testing.assert_array_equal(got, [-4.0, 6.0, -2.0])


def test_one_row_of_each_is_added_without_a_loop():
    x, y = placeholder("x", ("n", 3)), placeholder("y", "n", int)
    loss = x[sg.arange(x.shape[0]), y].sum()
    source = sg.function([x, y], sg.grad(loss, x)).source
    assert "[np.arange(n), y] = 1.0" in source
    assert ".at(" not in source


def test_embedding_rows_add_up():
    table, i = placeholder("table", ("n", 2)), placeholder("i", "k", int)
    f = sg.function([table, i], sg.grad((table[i] ** 2).sum(), table))
    got = f(np.ones((3, 2)), np.array([2, 0, 2]))
    np.testing.assert_array_equal(got, [[2, 2], [0, 0], [4, 4]])


# Kinds of operations ---------------------------------------------------------------------------


def test_which_operation_takes():
    x = placeholder("x", SHAPE)
    i, rows = placeholder("i", (), int), placeholder("rows", 2, int)
    assert isinstance(x[0].op, GetItem)
    assert isinstance(x[i].op, Select)
    assert isinstance(x[rows].op, Gather)
    assert x[:] is x
    assert x[...] is x
    assert x[0:4] is x
    assert x[1:2] is x[1:2:5]
    assert x[constant(1)] is x[1] is x[np.int64(1)]
    assert x[:, None] is np.expand_dims(x, 1)
    assert isinstance(x.at[0].add(1.0).op, IndexAdd)
    assert isinstance(x.at[0].set(1.0).op, IndexSet)
    assert isinstance(x.at[0].multiply(1.0).op, IndexMultiply)


def test_results_that_are_views_are_copied_for_the_caller():
    x, i = placeholder("x", (2, 3)), placeholder("i", (), int)
    array = np.zeros((2, 3))
    for result in sg.function([x, i], [x[0], x[i], x[::-1], x[:, None], x.T])(array, 1):
        assert not np.shares_memory(result, array)


# Changes ---------------------------------------------------------------------------------------


def run(node, **arrays):
    return interpret([node], arrays)[0]


def test_dtype_of_the_base_stays():
    x = placeholder("x", 3, "float32")
    assert x.at[0].set(1.5).dtype == np.float32
    assert x.at[0].add(np.float64(1.5)).dtype == np.float32
    assert x.at[:].add(np.ones(3)).dtype == np.float32
    k = placeholder("k", 3, int)
    (got,) = interpret([k.at[0].set(1.9)], {k: np.zeros(3, int)})
    np.testing.assert_array_equal(got, [1, 0, 0])
    for change in (
        lambda: k.at[0].add(1.5),
        lambda: k.at[:].add(1.5),
        lambda: k.at[k > 0].add(1.5),
        lambda: x.at[0].set(1j),
    ):
        with pytest.raises(DTypeError):
            change()


def test_the_operand_is_not_changed():
    x = placeholder("x", 3)
    array = np.zeros(3)
    array.flags.writeable = False
    got = sg.function([x], [x.at[0].set(1.0), x.at[[1, 1]].add(2.0)])(array)
    np.testing.assert_array_equal(got, [[1, 0, 0], [0, 4, 0]])


def test_values_with_leading_ones():
    x, v = placeholder("x", (2, 3)), placeholder("v", (1, 1, 3))
    y = x.at[0].set(v)
    (got,) = interpret([y], {x: np.zeros((2, 3)), v: np.ones((1, 1, 3))})
    np.testing.assert_array_equal(got, [[1, 1, 1], [0, 0, 0]])


def test_masks():
    x, mask = placeholder("x", (2, 3)), placeholder("mask", (2, 3), bool)
    array = np.arange(6.0).reshape(2, 3)
    picked = array > 2
    for name, expected in (
        ("set", np.where(picked, 9.0, array)),
        ("add", np.where(picked, array + 9.0, array)),
        ("multiply", np.where(picked, array * 9.0, array)),
        ("min", np.where(picked, np.minimum(array, 9.0), array)),
        ("max", np.where(picked, np.maximum(array, 9.0), array)),
    ):
        (got,) = interpret([getattr(x.at[mask], name)(9.0)], {x: array, mask: picked})
        np.testing.assert_array_equal(got, expected)
    rows = placeholder("rows", 2, bool)
    (got,) = interpret([x.at[rows].set(np.arange(3.0))], {x: array, rows: np.array([False, True])})
    np.testing.assert_array_equal(got, [[0, 1, 2], [0, 1, 2]])
    np.testing.assert_array_equal(interpret([x[picked]], {x: array})[0], array[picked])


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (3, ShapeError),
        (-3, ShapeError),
        ((0, 0, 0), ShapeError),
        (([0, 2],), ShapeError),
        ((..., ...), ShapeError),
        (slice(None, None, 0), ShapeError),
        ((np.ones(3, bool),), ShapeError),
        ((np.arange(2), np.arange(3)), ShapeError),
        (1.0, DTypeError),
        (slice(1.5), DTypeError),
        ("a", DTypeError),
        (placeholder("i", 2), DTypeError),
        (placeholder("m", 2, bool), UnsupportedError),
        (slice(placeholder("i", (), int), None), UnsupportedError),
        (True, UnsupportedError),
    ],
)
def test_errors(key, error):
    x = placeholder("x", (2, 3))
    with pytest.raises(error):
        x[key]
    if error is not UnsupportedError or not isinstance(key, sg.Node):
        with pytest.raises(error):
            x.at[key].set(0.0)


def test_errors_of_changes():
    x = placeholder("x", (2, 3))
    with pytest.raises(ShapeError):
        x.at[0].set(np.ones(2))
    with pytest.raises(ShapeError):
        x.at[:].set(np.ones((3, 3)))
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        x.at[x > 0].set(np.ones(6))
    with pytest.raises(ShapeError):
        x.at[placeholder("m", 3, bool)].set(0.0)
    with pytest.raises(DTypeError):
        x[0] = 1.0
    with pytest.raises(ShapeError):
        np.take_along_axis(x, np.zeros(2, int), axis=1)
    with pytest.raises(DTypeError):
        np.take_along_axis(x, x, axis=1)
    with pytest.raises(UnsupportedError):
        sg.take(x, [0], mode="bounce")


# Derivatives at the edges ----------------------------------------------------------------------


def test_of_repeated_positions_only_the_last_value_set_has_a_derivative():
    x, v, i = placeholder("x", 3), placeholder("v", 3), placeholder("i", 3, int)
    weights = np.array([1.0, 10.0, 100.0])
    gx, gv = sg.grad((x.at[i].set(v) * weights).sum(), [x, v])
    got = sg.function([x, v, i], [gx, gv])(np.zeros(3), np.zeros(3), np.array([1, 1, 2]))
    np.testing.assert_array_equal(got[0], [1, 0, 0])
    np.testing.assert_array_equal(got[1], [0, 10, 100])


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_products_with_zeros_have_right_second_derivatives(zeros):
    values = np.array([2.0, 3.0, -1.5, 4.0])
    values[:zeros] = 0.0
    v, fixed = placeholder("v", 4), np.array([0, 0, 0, 0])
    y = constant(np.ones(1)).at[fixed].multiply(v)[0]
    w = v[0] * v[1] * v[2] * v[3]
    direction = np.array([1.0, -2.0, 0.5, 3.0])
    for derivative in (lambda y: sg.grad(y, v), lambda y: sg.hvp(y, v, direction)):
        got, expected = sg.function([v], [derivative(y), derivative(w)])(values)
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)


def test_extremes_split_ties():
    x, v = placeholder("x", 2), placeholder("v", 3)
    y = x.at[np.array([0, 0, 1])].max(v).sum()
    gx, gv = sg.function([x, v], sg.grad(y, [x, v]))(np.array([1.0, 5.0]), np.array([1.0, 1.0, 0]))
    np.testing.assert_allclose(gx, [1 / 3, 1])
    np.testing.assert_allclose(gv, [1 / 3, 1 / 3, 0])
