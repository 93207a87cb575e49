"""`vmap` of functions and graphs: axes, trees, nesting, symbolic sizes, errors, fallback."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import make, topological
from symgraph.graph.record import record
from symgraph.ops.kinds import Structured

RNG = np.random.default_rng(0)
W = RNG.standard_normal((4, 3))
X = RNG.standard_normal((5, 3))


def run(inputs, outputs, *args):
    return sg.function(inputs, outputs)(*args)


def test_per_example_gradients_of_symbolic_many():
    x, y = sg.placeholder("x", ("n", 3)), sg.placeholder("y", ("n",))
    w = sg.placeholder("w", 3)
    each = sg.vmap(lambda x, y: sg.grad((np.tanh(x @ w) - y) ** 2, w))(x, y)
    assert each.shape == (x.shape[0], 3)
    target = X[:, 0]
    got = run([x, y, w], each, X, target, W[0])
    t = np.tanh(X @ W[0])
    np.testing.assert_allclose(got, (2 * (t - target) * (1 - t**2))[:, None] * X, rtol=1e-12)
    assert "for " not in sg.function([x, y, w], each).source


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_batch_may_be_any_axis(axis):
    stack = np.moveaxis(RNG.standard_normal((5, 4, 3)), 0, axis)
    s = sg.placeholder("s", stack.shape)
    for out in (0, 1, -1):
        node = sg.vmap(lambda m: np.exp(m) @ m.T, in_axes=axis, out_axes=out)(s)
        wanted = np.stack([np.exp(m) @ m.T for m in np.moveaxis(stack, axis, 0)], axis=out)
        np.testing.assert_allclose(run([s], node, stack), wanted, rtol=1e-12)


def test_trees_of_axes_and_results():
    w, x, b = sg.placeholder("w", (4, 3)), sg.placeholder("x", (3, 5)), sg.placeholder("b", 5)

    def layer(parameters, x):
        return {"z": parameters["w"] @ x + parameters["b"], "w": (parameters["w"] * 2,)}

    axes = ({"w": None, "b": 0}, 1)
    mapped = sg.vmap(layer, in_axes=axes, out_axes={"z": 1, "w": None})
    found = mapped({"w": w, "b": b}, x)
    assert found["w"][0] is w * 2
    got = run([w, x, b], found, W, X.T, X[:, 0])
    np.testing.assert_allclose(got["z"], W @ X.T + X[:, 0], rtol=1e-12)


def test_nested_and_inside_a_gradient():
    x, y = sg.placeholder("x", ("n", 3)), sg.placeholder("y", ("m", 3))
    kernel = sg.vmap(lambda a: sg.vmap(lambda b: np.exp(-np.sum((a - b) ** 2)))(y))(x)
    assert kernel.shape == (x.shape[0], y.shape[0])
    wanted = np.exp(-np.sum((X[:, None] - W[None]) ** 2, axis=-1))
    np.testing.assert_allclose(run([x, y], kernel, X, W), wanted, rtol=1e-12)
    gradient = run([x, y], sg.grad(np.sum(kernel), y), X, W)
    np.testing.assert_allclose(
        gradient, 2 * np.einsum("nm,nmk->mk", wanted, X[:, None] - W[None]), rtol=1e-10
    )


def test_only_what_depends_on_the_stack_is_batched():
    a, x = sg.placeholder("a", (3, 3)), sg.placeholder("x", ("n", 3))
    found = sg.vmap(lambda v: np.linalg.inv(a) @ v)(x)
    inverses = [node for node in topological([found]) if node.op.name == "inv"]
    assert len(inverses) == 1
    assert inverses[0] is np.linalg.inv(a)


def test_arrays_give_arrays_and_closures_give_nodes():
    got = sg.vmap(lambda v, s: v * s, in_axes=(0, None))(X, 2.0)
    np.testing.assert_array_equal(got, X * 2.0)
    w = sg.placeholder("w", 3)
    assert isinstance(sg.vmap(lambda v: v @ w)(X), sg.Node)


def test_a_graph_gets_a_batch_of_symbolic_size():
    graph = sg.trace(lambda w, x: np.tanh(w @ x), sg.spec((4, "batch")), sg.spec("batch"))
    batched = sg.vmap(graph, in_axes=(None, 0), out_axes=-1)
    assert [str(node.type) for node in batched.inputs] == [
        "float64[4, batch]",
        "float64[batch_2, batch]",
    ]
    got = sg.function(batched.input, batched.output)(W, X)
    np.testing.assert_allclose(got, np.tanh(W @ X.T), rtol=1e-12)
    known = sg.vmap(graph, in_axes=(None, 0), axis_size=5)
    assert known.outputs[0].shape == (5, 4)


def test_loops_and_branches():
    x = sg.placeholder("x", (5, 3))

    def powers(v):
        carry, rows = sg.scan(lambda c, e: (c * e, c + 1.0), v[0], v)
        return carry, rows, sg.cond(v[0] > 0, lambda u: u * 2.0, lambda u: u - 1.0, v)

    got = run([x], list(sg.vmap(powers)(x)), X)
    for i, v in enumerate(X):
        prefix = v[0] * np.concatenate([[1.0], np.cumprod(v)])
        np.testing.assert_allclose(got[0][i], prefix[-1], rtol=1e-12)
        np.testing.assert_allclose(got[1][i], prefix[:-1] + 1.0, rtol=1e-12)
        np.testing.assert_allclose(got[2][i], v * 2 if v[0] > 0 else v - 1)


@record
class Median(Structured):
    """An operation without a batched form."""

    name = "median"

    def infer(self, *types):
        return types[0].with_shape(())

    def code(self, node, args, scope):
        return args[0].__class__(f"np.median({args[0].text})")


def test_what_has_no_batched_form_is_a_loop_and_explain_says_so():
    x = sg.placeholder("x", ("n", 3))
    f = sg.function([x], sg.vmap(lambda v: make(Median(), v) * 2.0)(x))
    np.testing.assert_allclose(f(X), 2 * np.median(X, axis=1))
    assert "for " in f.source
    assert "median has no batched form: a loop over the batch" in str(f.explain())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, y: sg.vmap(np.add)(x, y), sg.ShapeError, "sizes along the mapped axes differ"),
        (lambda x, y: sg.vmap(np.exp, in_axes=None)(x), sg.InputError, "no argument is mapped"),
        (lambda x, y: sg.vmap(np.exp, in_axes=2)(x), sg.ShapeError, "axis 2"),
        (lambda x, y: sg.vmap(np.exp, out_axes=5)(x), sg.ShapeError, "axis 5"),
        (lambda x, y: sg.vmap(np.exp, in_axes=(0, 1))(x), sg.InputError, "in_axes"),
        (lambda x, y: sg.vmap(np.exp, out_axes=None)(x), sg.InputError, "depends on the stacks"),
        (lambda x, y: sg.vmap(3)(x), sg.InputError, "a function or a graph"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(sg.placeholder("x", ("n", 3)), sg.placeholder("y", (4, 3)))
