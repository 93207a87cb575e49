"""Shapes: symbolic sizes, text that a person would write, errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symgraph as sg
from symgraph.errors import DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import placeholder


def size(name):
    return placeholder("", name).shape[0]


N, M = size("n"), size("m")


def check(call, *args, shapes):
    """The call on placeholders of these shapes gives what NumPy gives, as does its source."""
    nodes = [placeholder(f"x{i}", shape) for i, shape in enumerate(shapes)]
    result = call(*nodes)
    expected = call(*args)
    for got in (
        interpret([result], dict(zip(nodes, args, strict=True)))[0],
        sg.function(nodes, result)(*args),
    ):
        np.testing.assert_array_equal(got, expected)
        assert got.shape == expected.shape
    return result


# Reshape ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "wanted", "result"),
    [
        (("n", 6), (-1, 2, 3), ("n", 2, 3)),
        (("n", 6), (-1,), ("6 * n",)),
        (("n", "m"), (-1,), ("n * m",)),
        (("n * m",), ("n", "m"), ("n", "m")),
        (("n * m",), ("m", -1), ("m", "n")),
        (("2 * n", 3), (2, -1), (2, "3 * n")),
        (("n",), (-1, 3), ("n // 3", 3)),
        ((6,), (-1, "n"), ("6 // n", "n")),
        (("n",), (1, "n", 1), (1, "n", 1)),
    ],
)
def test_reshape_of_symbolic_sizes(shape, wanted, result):
    node = sg.reshape(placeholder("x", shape), wanted)
    assert node.shape == placeholder("y", result).shape


def test_reshape_into_groups_is_checked_by_the_call():
    x = placeholder("x", "n")
    y = x.reshape(-1, 3)
    assert y.op.requirements(x.type) == (-(N % 3),)
    f = sg.function([x], y)
    np.testing.assert_array_equal(f(np.arange(6.0)), np.arange(6.0).reshape(-1, 3))
    assert f(np.zeros(0)).shape == (0, 3)
    with pytest.raises(sg.InputError):
        f(np.arange(7.0))


def test_reshape_in_fortran_order():
    check(lambda x: x.reshape(-1, 2, order="F"), np.arange(12.0).reshape(4, 3), shapes=[("n", 3)])


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((6,), (4, -1)),
        ((6,), (4,)),
        (("n",), ("m",)),
        ((0, 3), (0, -1)),
        ((6,), (-1, -1)),
        ((6,), (-2, 3)),
    ],
)
def test_reshape_refuses(shape, wanted):
    with pytest.raises(ShapeError):
        sg.reshape(placeholder("x", shape), wanted)


def test_reshape_keeps_what_has_the_shape():
    x = placeholder("x", ("n", 3))
    assert x.reshape(-1, 3) is x
    assert x.reshape("n", 3) is x
    with pytest.raises(UnsupportedError):
        x.reshape(-1, order="A")


# Axes ------------------------------------------------------------------------------------------


@given(st.permutations(range(4)))
def test_transpose_and_its_inverse(axes):
    x = placeholder("x", ("n", 2, 3, "m"))
    array = np.arange(120.0).reshape(4, 2, 3, 5)
    y = check(lambda x: np.transpose(x, axes), array, shapes=[x.shape])
    assert sg.transpose(y, np.argsort(axes).tolist()).shape == x.shape


@given(st.integers(-3, 2), st.integers(-3, 2))
def test_moveaxis_and_swapaxes(first, second):
    array = np.arange(24.0).reshape(2, 3, 4)
    check(lambda x: np.moveaxis(x, first, second), array, shapes=[("n", 3, "m")])
    check(lambda x: np.swapaxes(x, first, second), array, shapes=[("n", 3, "m")])


@pytest.mark.parametrize("axes", [(0,), (0, 0), (0, 2), (0, 1, 2), (0.5, 1)])
def test_bad_axes(axes):
    with pytest.raises((ShapeError, DTypeError)):
        sg.transpose(placeholder("x", (2, 3)), axes)


def test_squeeze_of_a_symbolic_size():
    x = placeholder("x", ("n", 1))
    assert np.squeeze(x).shape == (N,)
    with pytest.raises(ShapeError, match="size n"):
        np.squeeze(x, axis=0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: x.T, "x.T"),
        (lambda x: np.expand_dims(x, 1), "x[:, None]"),
        (lambda x: np.expand_dims(x, -1), "x[..., None]"),
        (lambda x: x.reshape(3, x.shape[0]), "x.reshape(3, n)"),
        (lambda x: x.ravel(), "x.ravel()"),
        (lambda x: np.concatenate([x, x]), "np.concatenate([x, x])"),
        (lambda x: np.concatenate([x, x], axis=1), "np.concatenate([x, x], axis=1)"),
        (lambda x: np.stack([x, x], axis=-1), "np.stack([x, x], axis=2)"),
        (lambda x: np.flip(x, 0), "x[::-1]"),
        (lambda x: np.pad(x, ((1, 1), (0, 0))), "np.pad(x, ((1, 1), (0, 0)))"),
        (lambda x: np.roll(x, 1, axis=0), "np.roll(x, 1, axis=0)"),
        (lambda x: x[1:, [0, 2]], "x[1:, "),
        (lambda x: x[..., -1], "x[:, -1]"),
        (lambda x: x[np.arange(2), [2, 0]], "x[np.arange(2), "),
        (lambda x: np.take(x, [[0], [2]], axis=1), "x[:, "),
        (lambda x: x[sg.arange(x.shape[0]), 0], "x[np.arange(n), 0]"),
    ],
)
def test_emitted_text(call, text):
    x = placeholder("x", ("n", 3))
    assert text in sg.function([x], call(x)).source


# Join and split --------------------------------------------------------------------------------


def test_concatenate_adds_symbolic_sizes():
    x = check(
        lambda x, y: np.concatenate([x, y[:1], x]),
        np.ones((2, 3)),
        np.zeros((4, 3)),
        shapes=[("n", 3), ("m", 3)],
    )
    assert x.shape == (2 * N + 1, 3)


def test_gradient_of_concatenate_takes_the_pieces():
    x, y = placeholder("x", "n"), placeholder("y", "m")
    weights = placeholder("w", "m + n")
    grads = sg.grad((np.concatenate([x, y]) * weights).sum(), [x, y])
    f = sg.function([x, y, weights], grads)
    gx, gy = f(np.zeros(2), np.zeros(3), np.arange(5.0))
    np.testing.assert_array_equal(gx, [0, 1])
    np.testing.assert_array_equal(gy, [2, 3, 4])


@given(st.integers(0, 9), st.integers(1, 5))
def test_array_split(length, count):
    array = np.arange(float(length))
    for symbolic in (False, True):
        x = placeholder("x", "n" if symbolic else length)
        pieces = np.array_split(x, count)
        expected = np.array_split(array, count)
        values = interpret(pieces, {x: array})
        assert [v.tolist() for v in values] == [e.tolist() for e in expected]


@given(st.integers(0, 6), st.lists(st.integers(-2, 8), max_size=4))
def test_split_at_any_positions(length, positions):
    array = np.arange(float(length))
    x = placeholder("x", length)
    values = interpret(np.split(x, positions), {x: array})
    expected = np.split(array, positions)
    assert [v.tolist() for v in values] == [e.tolist() for e in expected]


def test_split_of_a_symbolic_size_must_divide():
    x = placeholder("x", "n")
    first, second = np.split(x, 2)
    f = sg.function([x], [second, first])
    np.testing.assert_array_equal(f(np.arange(4.0))[0], [2, 3])
    with pytest.raises(sg.InputError):
        f(np.arange(5.0))
    assert [p.shape for p in np.split(placeholder("y", "2 * n"), 2)] == [(N,), (N,)]
    with pytest.raises(ShapeError, match="divide"):
        np.split(placeholder("z", 5), 2)
    with pytest.raises(UnsupportedError):
        np.split(x, [placeholder("i", (), int)])
    with pytest.raises(ShapeError):
        np.split(x, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.concatenate([x, x.T]),
        lambda x: np.concatenate([x, x[0]]),
        lambda x: np.concatenate([x, x], axis=2),
        lambda x: np.concatenate([x[0, 0], x[0, 0]]),
        lambda x: np.stack([x, x.T]),
        lambda x: np.vstack([x, x.T]),
        lambda x: np.reshape(x, ("n", 3)),
        lambda x: np.pad(x, ((1, 1), (1, 1), (1, 1))),
        lambda x: np.pad(x, -1),
        lambda x: np.roll(x, (1, 2, 3), axis=(0, 1)),
        lambda x: np.repeat(x, [1, 2], axis=1),
        lambda x: np.diagonal(x[0]),
        lambda x: np.squeeze(x, axis=1),
    ],
)
def test_shapes_that_do_not_fit(call):
    with pytest.raises(ShapeError):
        call(placeholder("x", (2, 3)))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, i: np.repeat(x, i),
        lambda x, i: np.tile(x, i),
        lambda x, i: np.roll(x, i),
        lambda x, i: np.pad(x, i),
        lambda x, i: np.pad(x, 1, mode="empty"),
        lambda x, i: sg.arange(i),
        lambda x, i: x[:i],
        lambda x, i: x[x > 0],
        lambda x, i: np.compress(x > 0, x),
        lambda x, i: sg.diagonal(sg.broadcast_to(x, (N, 3))),
    ],
)
def test_shapes_that_depend_on_values(call):
    with pytest.raises(UnsupportedError):
        call(placeholder("x", 3), placeholder("i", (), int))


def test_keywords_that_are_not_supported_raise():
    x = placeholder("x", 3)
    with pytest.raises(DTypeError):
        np.concatenate([x, x], out=np.zeros(6))
    with pytest.raises(InputError, match="casting must be one of"):
        np.concatenate([x, x], casting="nonsense")


# Symbolic widths and counts --------------------------------------------------------------------


def test_pad_by_symbolic_widths():
    x = placeholder("x", "n")
    y = placeholder("y", "m")
    result = sg.pad(x, (y.shape[0], 1)) + sg.pad(y, (0, x.shape[0] + 1))
    f = sg.function([x, y], result)
    np.testing.assert_array_equal(f(np.array([1.0, 2.0]), np.array([5.0])), [5, 1, 2, 0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.roll(x, 2, axis=0),
        lambda x: np.roll(x, -1),
        lambda x: np.repeat(x, 2, axis=0),
        lambda x: np.tile(x, (2, 1)),
        lambda x: np.tril(x @ x.T),
        lambda x: np.trace(x @ x.T),
        lambda x: np.diagonal(x @ x.T, 1),
        lambda x: np.diag(x[:, 0], -1),
        lambda x: np.vstack([x, x[:1]]),
        lambda x: np.pad(x, ((2, 0), (0, 1)), mode="edge"),
        lambda x: np.diff(x, axis=0),
    ],
)
def test_symbolic_sizes_and_their_gradients(call):
    array = np.arange(12.0).reshape(4, 3) / 5 - 1
    check(call, array, shapes=[("n", 3)])
    x, fixed = placeholder("x", ("n", 3)), placeholder("x", (4, 3))
    try:
        gradient = sg.grad((call(x) ** 2).sum(), x)
    except UnsupportedError:
        assert "pad" in sg.function([x], call(x)).source
        return
    known = sg.grad((call(fixed) ** 2).sum(), fixed)
    np.testing.assert_allclose(
        sg.function([x], gradient)(array), sg.function([fixed], known)(array), rtol=1e-14
    )


def test_filled_arrays_of_symbolic_shapes():
    x = placeholder("x", ("n", 3))
    n = x.shape[0]
    outputs = [
        sg.zeros((n, 2)),
        sg.ones("n"),
        sg.full((3, n), 1.5),
        sg.eye(n),
        sg.eye(n, 3, k=1),
        sg.arange(n),
        sg.arange(1, n + 1, 2),
        sg.arange(n - 1, -1, -1),
        np.zeros_like(x),
        sg.one_hot(sg.arange(n), 3),
        sg.arange(n, dtype="float32"),
    ]
    got = sg.function([x], outputs)(np.zeros((4, 3)))
    expected = [
        np.zeros((4, 2)),
        np.ones(4),
        np.full((3, 4), 1.5),
        np.eye(4),
        np.eye(4, 3, k=1),
        np.arange(4),
        np.arange(1, 5, 2),
        np.arange(3, -1, -1),
        np.zeros((4, 3)),
        np.eye(4, 3),
        np.arange(4, dtype="float32"),
    ]
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_array_equal(g, e)
        assert g.dtype == e.dtype


def test_arrays_give_arrays():
    assert isinstance(sg.arange(3), np.ndarray)
    assert isinstance(sg.zeros((2, 3)), np.ndarray)
    assert isinstance(sg.reshape(np.arange(4), (2, 2)), np.ndarray)
    assert isinstance(sg.concatenate([np.ones(1)]), np.ndarray)


def test_numpy_functions_that_need_a_known_size_name_ours():
    n = placeholder("x", "n").shape[0]
    with pytest.raises(TypeError, match=r"sg\.arange"):
        np.arange(n)
    with pytest.raises(TypeError, match=r"sg\.zeros"):
        np.zeros((n, 3))


def test_pad_with_a_node_has_its_gradient():
    x, v = placeholder("x", (2, 2)), placeholder("v")
    gx, gv = sg.grad((sg.pad(x, 1, constant_values=v) ** 2).sum(), [x, v])
    got = sg.function([x, v], [gx, gv])(np.ones((2, 2)), 0.5)
    np.testing.assert_array_equal(got[0], np.full((2, 2), 2.0))
    assert got[1] == 12.0
