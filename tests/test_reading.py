"""What trace runs: exported modules read back, and users' functions with a NumPy of sizes."""

import importlib.util
import math

import numpy as np
import pytest

import symgraph as sg
from symgraph.errors import DTypeError, SymgraphError, UnsupportedError
from symgraph.graph.tree import flatten


def exported(compiled, folder, change=str):
    """The functions of the module that a compiled function writes."""
    path = folder / f"written_{len(list(folder.iterdir()))}.py"
    path.write_text(change(compiled.module()), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_back(compiled, folder):
    module = exported(compiled, folder)
    types = [argument.type for argument in compiled.compiled.arguments]
    return sg.trace(getattr(module, compiled.__name__), *types)


def recurrent(x, w):
    state, states = sg.scan(lambda h, row: (np.tanh(w @ h + row), h), np.zeros(3), x)
    return np.sum(state) + np.sum(states**2)


def branching(x, w):
    return np.sum(sg.cond(x[0, 0] > 0, lambda: w @ x[0], lambda: np.exp(x[1]) * 0.5))


def placed(x, w):
    y = x.at[1:, ::2].multiply(x[:-1, ::2]).at[0].set(w[0])
    return np.sum(y.at[np.array([1, 1, 0])].add(w).at[:, 2].max(0.3) ** 2)


def solved(x, w):
    return np.sum(sg.fixed_point(lambda v: 0.1 * np.sin(w @ v) + x[0], np.zeros(3)))


def filled(x, w):
    n = x.shape[0]
    return np.sum(sg.tri(n) @ x) + np.sum(np.cumprod(x, axis=0)) / n + n**2 * np.sum(np.sqrt(n) * w)


def windowed(x, w):
    part = np.lib.stride_tricks.sliding_window_view(x[:, 0], x.shape[0] // 2)
    return np.sum(part * part[::-1]) + np.sum(w)


@pytest.mark.parametrize("model", [recurrent, branching, placed, solved, filled, windowed])
def test_gradients_are_read_back_and_differentiated_again(model, tmp_path):
    x, w = sg.placeholder("x", ("n", 3)), sg.placeholder("w", (3, 3))
    value = model(x, w)
    slope = sg.grad(value, x, unconnected="zero")
    f = sg.function([x, w], [value, slope], name="f")
    graph = read_back(f, tmp_path)
    args = np.sin(np.arange(12.0)).reshape(4, 3), np.cos(np.arange(9.0)).reshape(3, 3)
    for found, wanted in zip(sg.function(graph)(*args), f(*args), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    again = sg.function(graph.input, sg.grad(np.sum(np.sin(graph.outputs[1])), graph.input[0]))
    second = sg.function([x, w], sg.grad(np.sum(np.sin(slope)), x, unconnected="zero"))
    np.testing.assert_allclose(again(*args), second(*args), rtol=1e-9, atol=1e-9)


def test_windows_and_recurrences_are_one_operation_again(tmp_path):
    x = sg.placeholder("x", ("n", "k"))
    value = np.sum(np.lib.stride_tricks.sliding_window_view(x, (2, 2)) ** 2)
    f = sg.function([x], sg.grad(value + np.sum(np.cumprod(x, axis=1)), x), name="f")
    names = {node.op.name for node in read_back(f, tmp_path).nodes}
    assert {"window_sum", "recurrence"} <= names
    assert "scan" not in names


def test_a_pair_is_read_and_composed_where_it_saves_sizes(tmp_path):
    x, w = sg.placeholder("x", ("n", 3)), sg.placeholder("w", 3)
    pair = sg.forward_backward([x, w], np.sum(np.cumsum(x @ w)) / x.shape[0], wrt=[w])
    module = exported(pair, tmp_path)

    def gradient(x, w):
        loss, saved = module.forward(x, w)
        return loss, module.backward(saved)

    f = sg.function(sg.trace(gradient, sg.spec(("n", 3)), sg.spec(3)))
    args = np.arange(12.0).reshape(4, 3), np.arange(3.0)
    loss, saved = pair.forward(*args)
    for found, wanted in zip(f(*args), (loss, *flatten(pair.backward(saved))[0]), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_changed_arguments_are_further_results(tmp_path):
    x, w = sg.placeholder("x", "n"), sg.placeholder("w", "n")
    f = sg.function([x, w], np.sum(x * w), updates={w: w - 0.5 * x, x: x * w}, name="f")
    graph = read_back(f, tmp_path)
    assert len(graph.outputs) == 3
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    found = {float(v.sum()) for v in sg.function(graph)(a, b)}
    assert found == {13.0, 6.5}


def test_an_exported_function_called_with_nodes_says_who_reads_it(tmp_path):
    x, y = sg.placeholder("x", ("n", 2)), sg.placeholder("y", 3)
    sized = sg.function([x], sg.grad(np.sum(x[1:] * x[:-1]), x), name="f")
    written = sg.function([y], y.at[0].set(1.0), name="f")
    for f, node in ((sized, x), (written, y)):
        with pytest.raises(DTypeError, match=r"sg\.trace\(function, \.\.\.\) reads"):
            exported(f, tmp_path).f(node)


EDITS = {
    "a view is written to": "    v = x[1:]\n    v *= 2.0\n    return x",
    "an alias is read": "    v = x\n    v[0] += 2.0\n    return v + x",
    "memory is read by its old name": "    y = 2 * x\n    v = np.exp(y, out=y)\n    return v + y",
    "an argument is written to": "    np.exp(x, out=x)\n    return x",
    "a statement of others": "    while True:\n        return x",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edited_modules_are_refused_rather_than_misread(edit, tmp_path):
    f = sg.function([x := sg.placeholder("x", "n")], np.exp(x), name="f")
    module = exported(f, tmp_path, lambda text: text.replace("    return np.exp(x)", edit))
    with pytest.raises(UnsupportedError):
        sg.trace(module.f, sg.spec("n"))


# Users' functions --------------------------------------------------------------------------------

LAST = ""


def helper(n, k=2):
    return np.full((n, k), 1.5) + np.arange(n)[:, None]


def uses_helpers(x):
    return x + helper(x.shape[0]) @ np.ones(2) + np.broadcast_to(2.0, x.shape[0]) + MATHS(0.0)


def counts(x):
    global LAST  # noqa: PLW0603 - what is tested
    LAST = "counted"
    return x


def calls_what_counts(x):
    return counts(x) + np.zeros(x.shape[0])


MATHS = math.cos


def test_numpy_takes_symbolic_sizes_in_users_functions():
    before = dict(globals())
    f = sg.function(sg.trace(uses_helpers, sg.spec("n")))
    np.testing.assert_array_equal(f(np.arange(3.0)), uses_helpers(np.arange(3.0)))
    assert all(globals()[name] is value for name, value in before.items())
    with pytest.raises(SymgraphError):
        uses_helpers(sg.placeholder("x", "n"))


def test_closures_see_it_and_recursion_ends():
    scale = np.eye

    def power(x, times):
        return x if times == 0 else power(scale(x.shape[0]) @ x, times - 1)

    graph = sg.trace(lambda x: power(x, 2) + np.prod(x.shape), sg.spec(("n", 2)))
    np.testing.assert_array_equal(sg.function(graph)(np.ones((3, 2))), np.full((3, 2), 7.0))


def test_functions_that_assign_globals_stay_themselves():
    sg.trace(calls_what_counts, sg.spec("n"))
    assert LAST == "counted"


def test_item_assignment_in_users_functions_is_still_an_error():
    def fill(x):
        y = np.zeros(x.shape[0])
        y[0] = x[0]
        return y

    with pytest.raises(DTypeError, match=r"x\.at\[index\]\.set"):
        sg.trace(fill, sg.spec("n"))
