"""Nodes: interned, immutable, collected, sent elsewhere; what they cannot answer."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import _TABLE
from symgraph.graph.side import NAMES, ORIGINS


def test_the_same_expression_is_the_same_node():
    x = sg.placeholder("x", ("n", 3))
    assert np.sin(x) + 1.0 is np.sin(x) + 1.0
    assert x.sum(axis=0) is np.sum(x, 0)
    assert x.sum(axis=0) is not x.sum(axis=1)
    assert x.T is x.transpose()


def test_two_placeholders_of_one_name_are_two_nodes():
    first, second = sg.placeholder("x"), sg.placeholder("x")
    assert first is not second
    assert first + 1 is not second + 1
    assert float(sg.function([first, second], first - second)(3.0, 1.0)) == 2.0


CONSTANTS = [
    1, 1.0, True, 1 + 0j, np.float32(1), np.int8(1), np.uint8(1), 0.0, -0.0, 0, False,
    complex(0, -0.0), complex(1, -0.0), np.nan, np.inf, -np.inf, [1.0], [[1.0]], [1], [True],
    np.zeros((0, 2)), np.zeros((2, 0)), np.float16(1),
]  # fmt: skip


def test_constants_that_python_takes_for_equal_are_different_nodes():
    nodes = [sg.constant(value) for value in CONSTANTS]
    assert len({id(node) for node in nodes}) == len(nodes)
    for node, value in zip(nodes, CONSTANTS, strict=True):
        assert sg.constant(value) is node
        assert node.op.value.tobytes() == np.asarray(value).tobytes()
        assert node.dtype == np.asarray(value).dtype


def test_weak_constants_that_python_takes_for_equal_are_different_nodes():
    z = sg.placeholder("z", (), "complex128")
    values = [complex(1, -0.0), complex(1, 0.0), 1.0, 1, complex(-0.0, 1), complex(0.0, 1)]
    for value in (*values, *reversed(values)):
        bits = (z * value).inputs[1].op.value
        assert bits.tobytes() == np.asarray(value, complex).tobytes()
    x = sg.placeholder("x")
    for value in (0.0, -0.0, 0, -0.0):
        bits = (x * value).inputs[1].op.value
        assert bits.tobytes() == np.asarray(value, float).tobytes()


def test_nan_is_equal_to_itself_here():
    x = sg.placeholder("x")
    assert x * np.nan is x * np.nan
    assert sg.constant(np.nan) is sg.constant(np.nan)


def test_a_constant_keeps_the_value_that_it_had():
    array = np.ones(3)
    node = sg.constant(array)
    array[:] = 7
    assert node.op.value.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        node.op.value[0] = 3


@pytest.mark.parametrize("value", ["text", object(), [[1], [2, 3]], None, 2**70, np.array("x")])
def test_what_is_no_constant(value):
    with pytest.raises(TypeError):
        sg.constant(value)


def test_dead_graphs_are_freed():
    gc.collect()
    before = len(_TABLE)
    x = sg.placeholder("x", 3)
    y = x
    for _ in range(1000):
        y = np.sin(y).named("s")
    gradient = sg.grad(y.sum(), x)
    watched = weakref.ref(y)
    assert len(_TABLE) > before + 2000
    del x, y, gradient
    gc.collect()
    assert watched() is None
    assert len(_TABLE) <= before + 5


def test_side_tables_forget_what_died():
    x = sg.placeholder("x")
    y = np.cos(x).named("gone")
    identity = id(y)
    assert NAMES._values[identity] == "gone"
    assert identity in ORIGINS._values
    del y
    gc.collect()
    assert identity not in NAMES._values
    assert identity not in ORIGINS._values


def test_reused_identities_do_not_bring_back_dead_nodes():
    x = sg.placeholder("x", 4)
    for number in range(2000):
        y = np.sin(x + float(number))
        assert y.inputs[0].inputs[1].op.value == number
        assert NAMES.get(y) is None
        y.named(f"y{number}")
        del y


def test_one_node_in_all_threads():
    x = sg.placeholder("x", 5)
    found = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def build(into):
        start.wait()
        for number in range(300):
            into.append(np.tanh(x * float(number)) + x)

    threads = [threading.Thread(target=build, args=(into,)) for into in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for nodes in zip(*found, strict=True):
        assert len({id(node) for node in nodes}) == 1


def test_nodes_are_immutable():
    x = sg.placeholder("x", 3)
    for name in ("op", "inputs", "shape", "other"):
        with pytest.raises(AttributeError):
            setattr(x, name, 1)
    with pytest.raises(AttributeError):
        del x.op
    with pytest.raises(TypeError):
        type(x)()
    assert copy.copy(x) is x
    assert copy.deepcopy([x])[0] is x


def test_pickling_gives_the_same_node_here():
    x = sg.placeholder("x", ("n", 2))
    y = (np.exp(x) * 2.0).named("y")
    assert pickle.loads(pickle.dumps(y)) is y
    parts = np.modf(x)
    assert pickle.loads(pickle.dumps(parts))[0] is parts[0]
    first, second = pickle.loads(pickle.dumps((y, x)))
    assert (first, second)[0] is y
    assert second is x


def test_pickling_to_another_process():
    x, twin = sg.placeholder("x", ("n", 2)), sg.placeholder("x", ("n", 2))
    y = (np.exp(x) * twin - np.nan).named("y")
    graph = sg.Graph([x, twin], {"y": y})
    code = (
        "import pickle, sys, symgraph as sg\n"
        "y, x, twin, graph = pickle.load(sys.stdin.buffer)\n"
        "assert x is not twin\n"
        "assert y.inputs[0].inputs[0].inputs[0] is x\n"
        "assert graph.inputs[0] is x and graph.inputs[1] is twin\n"
        "assert graph.output['y'] is y\n"
        "assert sg.placeholder('x', ('n', 2)) is not x\n"
        "assert graph.name(y) == 'y'\n"
        "sys.stdout.buffer.write(pickle.dumps((y, x, twin)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps((y, x, twin, graph)),
        capture_output=True, check=True,
    )  # fmt: skip
    back = pickle.loads(done.stdout)
    assert back[0] is y
    assert back[1] is x
    assert back[2] is twin


def test_a_pickled_node_outlives_its_graph():
    x = sg.placeholder("x", 3)
    data = pickle.dumps((np.sin(x), x))
    del x
    gc.collect()
    y, x = pickle.loads(data)
    assert y.inputs[0] is x
    np.testing.assert_array_equal(sg.function([x], y)(np.zeros(3)), np.zeros(3))


X = sg.placeholder("x", ("n", 3))
S = sg.placeholder("s")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bool(X), "np.where"),
        (lambda: X.sum() > 0 and 1, "np.where"),
        (lambda: not S, "np.where"),
        (lambda: float(S), "sg.function"),
        (lambda: int(S), "astype"),
        (lambda: complex(S), "astype"),
        (lambda: [1, 2][S], "index"),
        (lambda: range(S), "index"),
        (lambda: list(X), "symbolic"),
        (lambda: list(S), "0-d"),
        (lambda: len(X), "symbolic"),
        (lambda: np.array(X), "sg.function"),
        (lambda: np.array([X, X]), "np.stack"),
        (lambda: np.asarray(S), "sg.function"),
        (lambda: 1.0 in X, "any"),
        (lambda: X.__setitem__(0, 1), "at"),
        (lambda: np.add(X, 1, out=np.ones((2, 3))), "out"),
        (lambda: np.sum(X, out=np.ones(3), axis=0), "out"),
        (lambda: X.sum(axis=0, dtype="float32", foo=1), "foo"),
    ],
)
def test_what_python_asks_and_a_graph_cannot_answer(call, says):
    with pytest.raises(TypeError, match=says):
        call()


def test_in_place_operators_on_arrays():
    array = np.ones((2, 3))
    with pytest.raises(TypeError, match="x \\+ node"):
        array += X
    with pytest.raises(TypeError):
        array[0] = X


def test_in_place_operators_on_nodes_rebind_and_refuse_views():
    y = X
    y += 1.0
    assert y is X + 1.0
    view = X[0]
    with pytest.raises(TypeError, match="at"):
        view += 1.0


def test_unsupported_functions_say_so():
    for call in (
        lambda: np.subtract.accumulate(X),
        lambda: np.add.reduceat(X, [0, 1]),
        lambda: np.add(X, 1, where=np.ones((2, 3), bool)),
        lambda: np.unique(X),
        lambda: np.frompyfunc(abs, 1, 1)(X),
        lambda: np.busday_count(X, X),
    ):
        with pytest.raises((sg.UnsupportedError, TypeError)):
            call()


def test_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'foo'"):
        X.foo
    assert not hasattr(X, "__len__x")
    assert "sum" in dir(X)


def test_iteration_over_a_known_length():
    x = sg.placeholder("x", (2, "n"))
    first, second = x
    assert first is x[0]
    assert second is x[1]
    assert len(x) == 2


@pytest.mark.parametrize("name", ["", 3, None, b"x"])
def test_names_are_texts(name):
    with pytest.raises(TypeError):
        np.exp(X).named(name)


def test_repr_is_one_line():
    y = np.exp(X).named("y")
    for node in (X, y, y + 1, sg.constant(np.ones((30, 2))), sg.placeholder("a\nb", ())):
        assert "\n" not in repr(node)
