"""Jacobians of recordings: against the static graph's, compiled once, recorded within a tape."""

import numpy as np
import pytest

import symgraph as sg
from symgraph import tape
from symgraph.tape import backward as passes

X, W = np.arange(6.0).reshape(2, 3) / 5 + 0.1, np.cos(np.arange(12.0)).reshape(3, 4)


def layer(x, w):
    h = np.tanh(x @ w)
    return h * h + h


def recorded():
    x, w, other = tape.Variable(X), tape.Variable(W), tape.Variable(1.0)
    with tape.GradientTape(persistent=True) as t:
        y = layer(x, w)
    return t, y, x, w, other


def test_all_rows_at_once():
    t, y, x, w, other = recorded()
    nodes = sg.placeholder("x", (2, 3)), sg.placeholder("w", (3, 4))
    expected = sg.function(nodes, sg.jacobian(layer(*nodes), list(nodes)))(X, W)
    found = t.jacobian(y, {"x": x, "w": w, "other": other})
    np.testing.assert_allclose(found["x"].numpy(), expected[0], 1e-12, 1e-15)
    np.testing.assert_allclose(found["w"].numpy(), expected[1], 1e-12, 1e-15)
    assert found["other"] is None
    assert t.jacobian(y, other, unconnected_gradients="zero").shape == (2, 4)
    each = t.batch_jacobian(y, x).numpy()
    np.testing.assert_allclose(each, [expected[0][i, :, i] for i in range(2)], 1e-12, 1e-15)
    assert t.batch_jacobian(y, w[:2], unconnected_gradients="zero").shape == (2, 4, 4)
    np.testing.assert_array_equal(t.jacobian(x, x).numpy().reshape(6, 6), np.eye(6))
    with pytest.raises(sg.ShapeError, match="batches of one size"):
        t.batch_jacobian(y, w)
    with pytest.raises(sg.InputError, match="one target"):
        t.jacobian([y, y], x)


def test_a_structure_is_compiled_once(monkeypatch):
    calls = []
    compile_ = passes.compile_graph
    monkeypatch.setattr(
        passes, "compile_graph", lambda *a, **k: calls.append(1) or compile_(*a, **k)
    )
    passes.STRUCTURES.known.clear()
    monkeypatch.setattr(passes.STRUCTURES, "strangers", 0)  # whatever ran before
    for _ in range(3):
        t, y, x, _, _ = recorded()
        t.jacobian(y, x)
    assert len(calls) == 1


def test_derivatives_of_jacobians():
    x = tape.Variable([1.0, 2.0])
    with tape.GradientTape() as outer:
        with tape.GradientTape() as inner:
            y = x**3
        total = (inner.jacobian(y, x) ** 2).sum()
    np.testing.assert_allclose(outer.gradient(total, x).numpy(), [36, 36 * 8])


def test_what_is_too_long_to_be_compiled_goes_row_by_row(monkeypatch):
    expected = [g.numpy() for g in recorded_jacobian()]
    monkeypatch.setattr("symgraph.tape.jacobians.MOST_COMPILED", 1)
    for found, value in zip(recorded_jacobian(), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), value, 1e-12, 1e-15)
    t, y, x, _, _ = recorded()
    with pytest.raises(sg.DerivativeError, match="too long"):
        t.batch_jacobian(y, x)


def recorded_jacobian():
    t, y, x, w, _ = recorded()
    return t.jacobian(y, [x, w])


def test_what_was_overwritten_is_not_used():
    t, y, x, w, _ = recorded()
    w.assign_add(1.0)
    with pytest.raises(sg.DerivativeError, match="overwritten in place"):
        t.jacobian(y, x)
