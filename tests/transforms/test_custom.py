"""Derivatives of one's own: one rule, both modes, any order, batches, source and pickles."""

import pickle

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import topological

X, T = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -1.0])


def logaddexp_of(rule):
    def value(x, y):
        return np.log(np.exp(x) + np.exp(y))

    rules = {
        "jvp": lambda r, args, t: np.exp(args[0] - r) * t[0] + np.exp(args[1] - r) * t[1],
        "vjp": lambda r, args, ct: (np.exp(args[0] - r) * ct, np.exp(args[1] - r) * ct),
    }
    return sg.custom_derivative(value, **{name: rules[name] for name in rule.split("+")})


@pytest.mark.parametrize("rule", ["jvp", "vjp", "jvp+vjp"])
def test_one_rule_gives_both_modes_and_both_orders(rule):
    function = logaddexp_of(rule)
    report = sg.check_gradients(lambda x, y: np.sum(function(x, y * x) * y), (X, X[::-1]), order=2)
    assert report.ok, str(report)


def test_trees_several_results_and_integers():
    @sg.custom_derivative(
        vjp=lambda r, args, ct: ({"w": ct[0] * args[1] + 2 * args[0]["w"] * ct[1].sum()}, None)
    )
    def pair(p, k):
        return [p["w"] * k, np.sum(p["w"] ** 2)]

    assert pair({"w": X}, 3)[1] == pytest.approx(np.sum(X**2))
    report = sg.check_gradients(
        lambda w, k: np.prod(pair({"w": w}, k)[0]) * pair({"w": w}, k)[1], (X, 2), order=2
    )
    assert report.ok, str(report)


def test_the_rule_is_what_is_used_and_the_source_is_plain():
    x = sg.placeholder("x", "n")
    lazy = sg.custom_derivative(np.sin, vjp=lambda r, args, ct: 7.0 * ct)
    f = sg.function([x], [np.sum(lazy(x)), sg.grad(np.sum(lazy(x)), x), sg.jvp(lazy(x), x)])
    for g in (f, pickle.loads(pickle.dumps(f))):
        value, backward, forward = g(X)
        assert value == pytest.approx(np.sum(np.sin(X)))
        np.testing.assert_array_equal(backward, [7, 7, 7])
        np.testing.assert_array_equal(forward, [7, 7, 7])
        assert not g.check(X).ok
    assert "np.sin(x)" in f.source
    assert "custom" not in f.source


@pytest.mark.parametrize("rule", ["jvp", "vjp"])
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_batches_keep_the_rule(rule, axes):
    function = sg.custom_derivative(
        lambda x, y: x * np.sum(y),
        **{
            "jvp": {"jvp": lambda r, a, t: 2 * t[0] * np.sum(a[1]) + a[0] * np.sum(t[1])},
            "vjp": {"vjp": lambda r, a, ct: (2 * ct * np.sum(a[1]), np.sum(ct * a[0]) + 0 * a[1])},
        }[rule],
    )
    shapes = [(4, 3) if axis == 0 else (3,) for axis in axes]
    x, y = sg.placeholder("x", shapes[0]), sg.placeholder("y", shapes[1])
    whole = sg.vmap(function, in_axes=axes)(x, y)
    assert any(node.op.name == "custom" for node in topological([whole]))
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(shape) for shape in shapes]
    tangents = [rng.standard_normal(shape) for shape in shapes]
    found = sg.function([x, y], [*sg.grad(np.sum(whole), [x, y]), sg.jvp(whole, [x, y], tangents)])
    d_x, d_y, forward = found(*values)
    rows = [
        v if axis == 0 else np.broadcast_to(v, (4, 3)) for v, axis in zip(values, axes, strict=True)
    ]
    t = [
        v if axis == 0 else np.broadcast_to(v, (4, 3))
        for v, axis in zip(tangents, axes, strict=True)
    ]
    total = rows[1].sum(axis=1, keepdims=True)
    each_x = np.broadcast_to(2 * total, (4, 3))
    each_y = np.broadcast_to(rows[0].sum(axis=1, keepdims=True), (4, 3))
    np.testing.assert_allclose(d_x, each_x if axes[0] == 0 else each_x.sum(axis=0))
    np.testing.assert_allclose(d_y, each_y if axes[1] == 0 else each_y.sum(axis=0))
    np.testing.assert_allclose(
        forward, 2 * t[0] * total + rows[0] * t[1].sum(axis=1, keepdims=True)
    )


def test_a_traced_graph_takes_a_rule():
    graph = sg.trace(lambda x: np.abs(x), sg.spec(3))
    smooth = sg.custom_derivative(graph, vjp=lambda r, args, ct: ct * np.tanh(10 * args[0]))
    x = sg.placeholder("x", 3)
    found = sg.function([x], sg.grad(np.sum(smooth(x)), x))(X)
    np.testing.assert_allclose(found, np.tanh(10 * X))


def test_cotangents_are_clipped_where_the_node_stands():
    x = sg.placeholder("x", 3)
    hidden = sg.clip_gradient(np.sin(x), 0.5)
    loss = np.sum(hidden**2) + 3 * hidden[0]
    d_x, forward, curvature = sg.function(
        [x], [sg.grad(loss, x), sg.jvp(loss, x), sg.hvp(loss, x, T)]
    )(X)
    ct = 2 * np.sin(X) + [3, 0, 0]
    np.testing.assert_allclose(d_x, np.clip(ct, -0.5, 0.5) * np.cos(X))
    assert forward == pytest.approx(np.sum(ct * np.cos(X)))
    inside = np.abs(ct) < 0.5
    np.testing.assert_allclose(
        curvature,
        (inside * 2 * np.cos(X) ** 2 - np.clip(ct, -0.5, 0.5) * np.sin(X)) * T,
    )


def test_the_whole_cotangent_is_scaled_once():
    x = sg.placeholder("x", "n")
    hidden = sg.clip_gradient(x * 1.0, norm=2.0)
    gradient = sg.grad(np.sum(hidden * T.sum() * 5) + hidden @ hidden, x)
    raw = 2 * X + 5 * T.sum()
    found = sg.function([x], gradient)(X)
    np.testing.assert_allclose(found, raw * 2 / np.linalg.norm(raw))


X3 = sg.placeholder("x", 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sg.custom_derivative(np.sin), sg.InputError, "jvp= or vjp="),
        (lambda: sg.clip_gradient(X3), sg.InputError, "limit or norm="),
        (lambda: sg.cotangent_map(X3, np.sum), sg.ShapeError, r"\(3,\)"),
        (
            lambda: sg.custom_derivative(lambda y: y * X3, vjp=lambda r, a, ct: ct)(X3 * 2.0),
            sg.InputError,
            "uses x from around it",
        ),
        (
            lambda: sg.custom_derivative(np.add, vjp=lambda r, a, ct: (ct,))(X3, X3),
            sg.ShapeError,
            "number of derivatives",
        ),
    ],
)
def test_what_is_no_rule_is_an_error(call, error, words):
    with pytest.raises(error, match=words):
        call()
