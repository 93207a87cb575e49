"""Compiled functions: what a call takes, gives, refuses; how they travel and show themselves."""

import concurrent.futures
import copy
import inspect
import itertools
import multiprocessing
import pickle
import traceback
from typing import Any, NamedTuple

import numpy as np
import pytest

import symgraph as sg


class Params(NamedTuple):
    w: Any
    b: Any


@pytest.fixture
def f():
    x, y, w = sg.placeholder("x", ("n", 3)), sg.placeholder("y", "n"), sg.placeholder("w", 3)
    loss = np.mean((x @ w - y) ** 2)
    return sg.function([x, y, w], [loss, sg.grad(loss, w)])


def data(n=4):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 3)), rng.standard_normal(n), rng.standard_normal(3)


def by_hand(x, y, w):
    residual = x @ w - y
    return np.mean(residual**2), 2 * residual @ x / len(y)


# What is refused -------------------------------------------------------------------------------

X, Y, W = data()


@pytest.mark.parametrize(
    ("args", "keywords", "says"),
    [
        ((X[0], Y, W), {}, ["x", "number of dimensions", "(n, 3)", "(3,)"]),
        ((X[:, :2], Y, W), {}, ["x", "wrong shape", "(n, 3)", "(4, 2)"]),
        ((X, Y[:2], W), {}, ["y", "n = 4", "x fixed", "(2,)"]),
        ((X * 1j, Y, W), {}, ["x", "wrong dtype", "float64", "complex128"]),
        ((X.astype(object), Y, W), {}, ["x", "wrong dtype", "object"]),
        ((None, Y, W), {}, ["x", "got:      NoneType", "np.asarray(x, dtype=np.float64)"]),
        ((X * 1j, Y, W), {}, ["x", "complex128", "x.real"]),
        ((X.astype("U5"), Y, W), {}, ["x", "wrong dtype"]),
        ((X.astype("datetime64[s]"), Y, W), {}, ["x", "wrong dtype", "datetime64"]),
        ((np.ma.array(X), Y, W), {}, ["x", "masked", "filled"]),
        ((X, [[1], [2, 3]], W), {}, ["y", "not an array"]),
        ((None, Y, W), {}, ["x", "wrong dtype"]),
        ((X, "abcd", W), {}, ["y", "wrong dtype"]),
        ((X, Y), {}, ["missing w"]),
        ((), {}, ["missing x, y, w", "nothing"]),
        ((X, Y, W, W), {}, ["too many", "3: x, y, w", "4"]),
        ((X, Y), {"v": W}, ["no argument 'v'", "x, y, w"]),
        ((X, Y, W), {"x": X}, ["'x' twice"]),
        ((sg.placeholder("z"), Y, W), {}, ["x is a node"]),
        ((np.longdouble(1) * X, Y, W), {}, ["x", "wrong dtype"]),
    ],
)
def test_wrong_arguments(f, args, keywords, says):
    with pytest.raises(sg.InputError) as error:
        f(*args, **keywords)
    for words in says:
        assert words in str(error.value)
    assert __file__ in str(error.value)
    assert "test_wrong_arguments" not in str(error.value.where)


def test_float64_is_not_rounded_to_float32():
    x = sg.placeholder("x", 2, "float32")
    f = sg.function([x], x * 2)
    with pytest.raises(sg.InputError, match="astype"):
        f(np.ones(2))
    assert f([1.5, 2.5]).dtype == np.float32  # Python's numbers are weak
    assert f(np.ones(2, "float16")).dtype == np.float32


@pytest.mark.parametrize("value", [None, 1.5, "1", 1j, np.nan, [1], np.float64(1.0), 2**70])
def test_what_is_no_integer(value):
    k = sg.placeholder("k", (), "int64")
    with pytest.raises(sg.InputError, match="argument k"):
        sg.function([k], k + 1)(value)


@pytest.mark.parametrize(
    ("dtype", "value"), [("int8", 200), ("uint8", -1), ("int64", 2**63), ("bool", 1), ("bool", 0.0)]
)
def test_python_integers_out_of_range(dtype, value):
    k = sg.placeholder("k", (), dtype)
    with pytest.raises(sg.InputError, match="k"):
        sg.function([k], k)(value)


def test_nothing_is_computed_if_the_last_argument_is_wrong(monkeypatch):
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    f = sg.function([x, y], x + y)

    def no(*args):
        raise AssertionError("computed")

    monkeypatch.setattr(f, "_function", no)
    with pytest.raises(sg.InputError):
        f(np.ones(3), np.ones(2))


def test_two_arguments_of_one_name_are_told_apart_by_position():
    first, second = sg.placeholder("x"), sg.placeholder("x")
    f = sg.function([first, second], first - second)
    assert f(3.0, 1.0) == 2.0
    with pytest.raises(sg.InputError, match="several arguments named 'x'"):
        f(x=3.0)


@pytest.mark.parametrize(
    ("shapes", "good", "bad"),
    [
        (["2 * n + 1"], [(5,)], [(4,)]),
        (["n * n"], [(9,)], [(8,)]),
        (["n // 2"], [(3,)], []),
        (["n * m", "m"], [(6,), (3,)], [(7,), (3,)]),
        ([("n", "n + 1")], [(2, 3)], [(2, 2)]),
        ([("n", "n")], [(2, 2)], [(2, 3)]),
        (["n - 3"], [(0,)], []),
        ([("n + m", "n - m"), "n"], [(5, 1), (3,)], [(5, 2), (3,)]),
    ],
)
def test_sizes_that_are_expressions(shapes, good, bad):
    inputs = [sg.placeholder(f"x{i}", shape) for i, shape in enumerate(shapes)]
    f = sg.function(inputs, [x.sum() for x in inputs])
    assert [int(v) for v in f(*map(np.ones, good))] == [np.prod(shape) for shape in good]
    if bad:
        with pytest.raises(sg.InputError, match=r"cannot be its size|size n differs"):
            f(*map(np.ones, bad))


def test_an_argument_that_is_too_short():
    x = sg.placeholder("x", "n")
    f = sg.function([x], x[3:] - x[:-3])
    assert f(np.arange(5.0)).tolist() == [3, 3]
    assert f(np.arange(3.0)).shape == (0,)
    with pytest.raises(sg.InputError, match="n - 3 >= 0"):
        f(np.arange(2.0))


def test_no_argument_fixes_a_size():
    x = sg.placeholder("x", "n * m")
    with pytest.raises(sg.InputError, match="no argument fixes"):
        sg.function([x], x.reshape("n", "m"))


# What is taken ---------------------------------------------------------------------------------


def test_by_position_and_by_name(f):
    expected = by_hand(X, Y, W)
    for found in (f(X, Y, W), f(X, Y, w=W), f(w=W, y=Y, x=X)):
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1])


VARIANTS = {
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a)) if a.ndim == 2 else tuple(a),
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "byte-swapped": lambda a: a.astype(">f8"),
    "subclass": lambda a: a.view(type("Mine", (np.ndarray,), {})),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), offset=1).reshape(a.shape),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_arrays_of_every_kind(f, variant):
    expected = by_hand(X, Y, W)
    found = f(*[VARIANTS[variant](a) for a in (X, Y, W)])
    np.testing.assert_allclose(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1])
    assert type(found[1]) is np.ndarray


def test_read_only_arguments_and_arguments_that_stay_as_they_are(f):
    arrays = data()
    before = [a.copy() for a in arrays]
    for array in arrays:
        array.flags.writeable = False
    f(*arrays)
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_nan_and_infinity_are_data(f):
    x = X.copy()
    x[0, 0] = np.nan
    assert np.isnan(f(x, Y, W)[0])


def test_integers_and_booleans_to_float_graphs(f):
    x, y, w = np.arange(12).reshape(4, 3), np.array([True, False, True, True]), [1, 2, 3]
    expected = by_hand(x, y.astype(float), np.array(w))
    found = f(x, y, w)
    np.testing.assert_allclose(found[0], expected[0])
    assert found[1].dtype == np.float64


def test_empty_arrays():
    x = sg.placeholder("x", ("n", 3))
    f = sg.function([x], [x.sum(axis=0), x * 2, x.T])
    total, doubled, turned = f(np.zeros((0, 3)))
    assert total.tolist() == [0, 0, 0]
    assert doubled.shape == (0, 3)
    assert turned.shape == (3, 0)
    assert f(np.zeros((0, 3)).tolist() or np.zeros((0, 3)))[0].tolist() == [0, 0, 0]
    assert sg.function([sg.placeholder("v", "n")], [])([]) == []


@pytest.mark.parametrize("value", [2, 2.0, True, np.float64(2), np.float32(2), np.array(2.0),
                                   np.int64(2), np.array(2)])  # fmt: skip
def test_scalars(value):
    s = sg.placeholder("s")
    result = sg.function([s], s + 1)(value)
    assert type(result) is np.float64
    assert result == float(value) + 1


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint64", "float16", "float32", "complex64", "complex128"]
)
def test_every_dtype_comes_through(dtype):
    s, v = sg.placeholder("s", (), dtype), sg.placeholder("v", "n", dtype)
    f = sg.function([s, v], [s, v, v[0]])
    scalar, array, first = f(np.ones((), dtype), np.ones(3, dtype))
    assert type(scalar) is type(first) is np.dtype(dtype).type
    assert array.dtype == dtype


# What comes back -------------------------------------------------------------------------------


def view_like(x, v):
    y = x + 1.0
    return {
        "identity": (x, v),
        "twice": (x, x, y, y),
        "transposed": (x.T, y.T, y),
        "strided": (x[::2], y[::2], y[1:], y),
        "reshaped": (x.reshape(-1), y.reshape(-1), y, np.ravel(x)),
        "axes": (x[:, None], np.expand_dims(y, 0), np.swapaxes(y, 0, 1), np.squeeze(y[:, None])),
        "flipped": (np.flip(x, 0), np.flip(y), y),
        "broadcast": (np.broadcast_to(v, (4, 6)), np.broadcast_to(y, (2, 4, 6)), y),
        "split": (*np.split(x, 2, axis=1), *np.split(y, 2), y),
        "stacked": (np.stack([y, x]), np.concatenate([x, y]), y),
        "diagonal": (np.diagonal(x), np.diagonal(y), y),
        "cast": (x.astype("float64"), y.astype("float64"), y),
        "constants": (sg.constant(np.arange(50.0)), sg.constant(np.arange(50.0)), x),
        "uniform": (sg.constant(np.ones(50)), sg.constant(np.zeros(3)), x.sum(axis=0) * 0.0),
        "constant view": (sg.constant(np.arange(50.0))[::2], sg.constant(np.arange(4.0))[1:]),
        "unchanged": (x + 0.0, x * 1.0, np.negative(-x), x.T.T),
        "where": (np.where(x > 0, x, x), np.maximum(x, x)),
        "row": (x[0], y[0], y[0], y[1], y),
        "0-d": (x[0, 0], y[0, 0], y.sum(), y),
    }


CASES = list(view_like(sg.placeholder("x", (4, 6)), sg.placeholder("v", 6)))


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_the_callers_own(case):
    x, v = sg.placeholder("x", (4, 6)), sg.placeholder("v", 6)
    outputs = view_like(x, v)[case]
    f = sg.function([x, v], outputs)
    args = np.arange(24.0).reshape(4, 6), np.arange(6.0)
    constants = [c for c in f._function.__globals__.values() if isinstance(c, np.ndarray)]
    first, second = f(*args), f(*args)
    kept = [copy.copy(value) for value in first]
    assert isinstance(first, tuple)
    for value, node in zip(first, outputs, strict=True):
        assert value.shape == node.shape
        assert value.dtype == node.dtype
        if node.ndim == 0:
            assert isinstance(value, np.generic)
        else:
            assert type(value) is np.ndarray
            assert value.flags.writeable
    arrays = [value for value in (*first, *second) if np.ndim(value)]
    for one, other in itertools.combinations([*arrays, *args, *constants], 2):
        if any(one is a for a in arrays) or any(other is a for a in arrays):
            assert not np.shares_memory(one, other)
    for value in arrays:
        value[...] = 77
    for value, wanted in zip(f(*args), kept, strict=True):
        np.testing.assert_array_equal(value, wanted)


def test_a_function_of_nothing():
    f = sg.function([], [sg.constant(2.0) + 1, sg.constant([1, 2])])
    value, array = f()
    assert type(value) is np.float64
    assert value == 3
    assert array.dtype == np.int64


def test_a_function_that_gives_nothing():
    x = sg.placeholder("x", "n")
    assert sg.function([x], [])(np.ones(2)) == []
    assert sg.function([x], {})(np.ones(2)) == {}


def test_outputs_without_arithmetic():
    x, k = sg.placeholder("x", ("n", 3)), sg.placeholder("k", (), "int64")
    f = sg.function([x, k], [k, k, x > 0, sg.constant(x.shape[0]), sg.constant(True)])
    found = f(np.ones((2, 3)), 5)
    assert [type(v) for v in found] == [np.int64, np.int64, np.ndarray, np.int64, np.bool_]
    assert found[3] == 2


def test_unused_arguments_are_checked_all_the_same():
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    f = sg.function([x, y], x * 2)
    with pytest.raises(sg.InputError):
        f(np.ones(2), np.ones(3))


def test_two_thousand_arguments():
    inputs = [sg.placeholder(f"p{i}") for i in range(2000)]
    total = sum(inputs[i] * inputs[i - 1] for i in range(2000))
    f = sg.function(inputs, [total, *sg.grad(total, inputs)])
    values = np.arange(2000.0)
    found = f(*values)
    assert found[0] == np.sum(values * np.roll(values, 1))
    np.testing.assert_array_equal(found[1:], np.roll(values, 1) + np.roll(values, -1))
    assert sg.function(inputs, total)(**{f"p{i}": 1.0 for i in range(2000)}) == 2000


# Trees -----------------------------------------------------------------------------------------


def test_trees_go_in_and_come_out():
    params = {"layers": [Params(sg.placeholder("w", (3, 2)), sg.placeholder("b", 2))], "s": (
        sg.placeholder("s"),)}  # fmt: skip
    x = sg.placeholder("x", ("n", 3))
    loss = np.sum((x @ params["layers"][0].w + params["layers"][0].b) ** 2) * params["s"][0]
    f = sg.function([params, x], {"loss": loss, "grad": sg.grad(loss, params)})
    given = {"s": (2.0,), "layers": [Params(np.ones((3, 2)), np.zeros(2))]}
    found = f(given, np.ones((5, 3)))
    assert list(found) == ["loss", "grad"]
    assert isinstance(found["grad"]["layers"][0], Params)
    assert found["grad"]["layers"][0].w.shape == (3, 2)
    assert type(found["grad"]["s"]) is tuple
    assert found["loss"] == 2 * 5 * 2 * 9
    plain = {"layers": [(np.ones((3, 2)), np.zeros(2))], "s": [2.0]}
    assert f(plain, np.ones((5, 3)))["loss"] == found["loss"]


@pytest.mark.parametrize(
    "wrong", [{"w": 1.0}, {"w": 1.0, "b": 2.0, "c": 3.0}, [1.0, 2.0], 3.0, {"w": {}, "b": 1.0}]
)
def test_trees_of_another_form_are_refused(wrong):
    tree = {"w": sg.placeholder("w"), "b": sg.placeholder("b")}
    f = sg.function([tree], tree["w"] + tree["b"])
    with pytest.raises(sg.InputError):
        f(wrong)


def test_a_dict_names_the_arguments():
    x, y = sg.placeholder("inner x"), sg.placeholder("inner y")
    f = sg.function({"x": x, "y": y}, x - y)
    assert f(3.0, 1.0) == f(y=1.0, x=3.0) == f(3.0, y=1.0) == 2.0
    with pytest.raises(sg.InputError, match="missing y"):
        f(x=1.0)


def test_one_placeholder_is_one_argument():
    x = sg.placeholder("x", "n")
    f = sg.function(x, x * 2)
    assert f(np.ones(2)).tolist() == f(x=[1.0, 1.0]).tolist() == [2, 2]


def test_a_graph_is_compiled_as_it_is():
    def model(x, y):
        return {"sum": x + y}

    f = sg.function(sg.trace(model, sg.spec(3), np.zeros(3)))
    assert f(np.ones(3), y=np.ones(3))["sum"].tolist() == [2, 2, 2]


# How functions travel --------------------------------------------------------------------------


def test_pickle_and_copies(f):
    expected = f(X, Y, W)
    for again in (pickle.loads(pickle.dumps(f)), copy.copy(f), copy.deepcopy(f)):
        found = again(X, Y, W)
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])
        assert again.source == f.source
        assert again.check(X, Y, W).ok


def run_there(f, args):
    return f(*args)


def test_another_process():
    x = sg.placeholder("x", ("n", 3))
    big = sg.constant(np.random.default_rng(0).standard_normal((3, 4000)))
    value = np.sum((x @ big) ** 2)
    f = sg.function([x], [value, sg.grad(value, x)])
    pair = sg.forward_backward([x], value, wrt=x)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        there = pool.submit(run_there, f, (X,)).result()
        saved = pool.submit(run_there, pair.forward, (X,)).result()
    here = f(X)
    assert there[0] == here[0] == saved[0]
    np.testing.assert_array_equal(there[1], here[1])


def test_many_threads(f):
    arguments = [data(n) for n in range(1, 9)]
    expected = [f(*args) for args in arguments]

    def work(number):
        for _ in range(100):
            value, gradient = f(*arguments[number])
            assert value == expected[number][0]
            np.testing.assert_array_equal(gradient, expected[number][1])
            gradient[:] = np.nan
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


# How they show themselves ----------------------------------------------------------------------


def test_source_and_traceback(f):
    assert inspect.getsource(f._function) in f.source
    assert inspect.getsource(f).startswith("def ")
    assert list(inspect.signature(f).parameters) == ["x", "y", "w"]
    assert "<Function" in repr(f)
    x = sg.placeholder("x", ("n", "n"))
    solve = sg.function([x], np.linalg.inv(x) * 2.0)
    try:
        solve(np.zeros((2, 2)))
    except np.linalg.LinAlgError:
        text = traceback.format_exc()
        assert "<symgraph" in text
        assert "np.linalg.inv(x)" in text


def test_lines_show_after_pickling(f):
    assert inspect.getsource(pickle.loads(pickle.dumps(f))._function) in f.source


def test_trusted(f):
    assert f.trusted(X, Y, W)[0] == f(X, Y, W)[0]


def test_check(f):
    report = f.check(X, Y, W)
    assert report.ok
    assert bool(report)
    assert "gradient by w" in str(report)
    assert "passed" in str(report)


def test_check_finds_a_wrong_gradient(f, monkeypatch):
    right = f._function
    monkeypatch.setattr(f, "_function", lambda *args: (right(*args)[0], right(*args)[1] * 1.01))
    report = f.check(X, Y, W)
    assert not report.ok
    assert "FAILED" in str(report)


def test_check_knows_what_a_gradient_is_of():
    def make():
        x, y = sg.placeholder("x", 3), sg.placeholder("y", 3)
        first, second = np.sum(np.sin(x)), np.sum(x**2 * y)
        return sg.function([x, y], [sg.grad(first, x), sg.grad(second, y), first])

    f = make()
    for function in (f, pickle.loads(pickle.dumps(f))):
        report = function.check(np.ones(3), np.ones(3))
        assert [row.name for row in report.rows] == ["x", "y"]
        assert report.ok


def test_check_of_float32_and_without_gradients():
    x = sg.placeholder("x", 3, "float32")
    loss = np.sum(x**3)
    assert sg.function([x], [loss, sg.grad(loss, x)]).check(np.ones(3, "f4")).ok
    report = sg.function([x], loss).check(np.ones(3, "f4"))
    assert report.ok
    assert str(report) == "no gradient to compare"


# A flat vector ---------------------------------------------------------------------------------


def rosenbrock():
    p = {"a": sg.placeholder("a"), "b": sg.placeholder("b", 2)}
    scale = sg.placeholder("scale")
    loss = (1 - p["a"]) ** 2 + scale * np.sum((p["b"] - p["a"] ** 2) ** 2)
    return sg.function({"p": p, "scale": scale}, [loss, sg.grad(loss, p)])


def test_flat_minimises():
    optimize = pytest.importorskip("scipy.optimize")
    flat = rosenbrock().flat({"p": {"a": 0.0, "b": np.zeros(2)}}, scale=10.0)
    found = optimize.minimize(flat, flat.x0, jac=True)
    np.testing.assert_allclose(found.x, 1, atol=1e-5)
    tree = flat.tree(found.x)
    assert tree["p"]["b"].shape == (2,)


def test_flat_of_a_value_and_of_residuals():
    x = sg.placeholder("x", 2)
    assert sg.function([x], np.sum(x**2)).flat([np.ones(2)])([1, 2]) == 5.0
    np.testing.assert_array_equal(sg.function([x], x * 2).flat(np.ones(2))([1, 2]), [2, 4])


def test_flat_says_what_is_wrong():
    f = rosenbrock()
    with pytest.raises(sg.InputError, match="no gradient by scale"):
        f.flat({"p": {"a": 0.0, "b": np.zeros(2)}, "scale": 1.0})
    flat = f.flat({"p": {"a": 0.0, "b": np.zeros(2)}}, scale=1.0)
    with pytest.raises(sg.InputError, match="wrong length"):
        flat(np.zeros(4))


def test_strictness_is_one_of_three():
    x = sg.placeholder("x")
    with pytest.raises(sg.InputError, match="strictness") as error:
        sg.function([x], x, strictness="loose")
    assert error.value.where.file == __file__


def test_a_pair_of_a_graph():
    graph = sg.trace(lambda x, y: (x * y).sum(), x=sg.spec("n"), y=sg.spec("n"))
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    pair = sg.forward_backward(graph)
    value, saved = pair.forward(a, b)
    assert value == 13
    np.testing.assert_array_equal(pair.backward(saved), [b, a])
    one = sg.forward_backward(graph, wrt=graph.inputs[0])
    np.testing.assert_array_equal(one.backward(one.forward(a, b)[1]), b)


def test_a_pair_keeps_one_of_several_results():
    x = sg.placeholder("x", (3, 3))
    u, s, _ = np.linalg.svd(x)
    value = np.sum(s[0] * u[:, 0] ** 3)
    pair = sg.forward_backward([x], value, wrt=x)
    at = np.array([[2.0, 0.3, 0.1], [0.2, 1.0, 0.4], [0.5, 0.1, 0.5]])
    got, saved = pair.forward(at)
    wanted = sg.function([x], [value, sg.grad(value, x)])(at)
    np.testing.assert_allclose([got], wanted[:1])
    np.testing.assert_allclose(pair.backward(saved), wanted[1], rtol=1e-12)


def test_sizes_that_the_user_wrote_are_checked_where_nothing_is_left_to_cut():
    x = sg.placeholder("x", "n")
    for node in (np.imag(x[1:]), x[-1:] ** 0.0):
        f = sg.function([x], node)
        assert f(np.ones(2)).shape == (1,)
        with pytest.raises(sg.InputError, match="too short"):
            f(np.ones(0))
