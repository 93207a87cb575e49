"""From the tape to a graph, and loops found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph import tape

RNG = np.random.default_rng(0)


def recurrent(rows, steps, keep=False):
    W = tape.tensor(np.eye(3) * 0.5, requires_grad=True)
    U = tape.tensor(np.full((2, 3), 0.1), requires_grad=True)
    h, loss, states = tape.zeros(3), 0.0, []
    for t in range(steps):
        h = np.tanh(h @ W + rows[t] @ U)
        loss = loss + (h**2).sum()
        states.append(h)
    return W, U, (np.stack(states).sum() if keep else loss)


@pytest.mark.parametrize("keep", [False, True])
def test_a_recurrence_is_a_loop_again(keep):
    rows = RNG.normal(size=(100, 2))
    W, U, loss = recurrent(rows, 100, keep)
    f = tape.function(loss, [W, U], wrt=[W, U])
    statements = [line for line in f.source.splitlines() if "# " not in line]
    assert sum("np.tanh" in line for line in statements) <= 3
    value, slopes = f(W.numpy(), U.numpy())
    loss.backward()
    np.testing.assert_allclose(value, loss.item())
    for slope, tensor in zip(slopes, (W, U), strict=True):
        np.testing.assert_allclose(slope, tensor.grad.numpy(), 1e-10)


def test_rows_of_an_argument():
    X = tape.tensor(RNG.normal(size=(12, 2)), requires_grad=True)
    W, U, loss = recurrent(X, 12)
    f = tape.function(loss, {"X": X, "W": W, "U": U})
    assert "in X:" in f.source
    np.testing.assert_allclose(f(X.numpy(), W.numpy(), U.numpy()), loss.item())


def test_steps_that_differ_stay_apart():
    x = tape.tensor(1.5, requires_grad=True)
    y = x
    for k in range(6):
        y = y * x if k % 3 else np.sin(y)
    f = tape.function(y, [x], wrt=x)
    value, slope = f(1.5)
    y.backward()
    np.testing.assert_allclose([value, slope], [y.item(), x.grad.item()])


def test_a_loop_with_numbers_that_change():
    x = tape.tensor(0.3, requires_grad=True)
    y = x
    for k in range(20):
        y = y * 0.5 + x * (k * 0.1)
    f = tape.function(y, [x])
    assert "for" in f.source
    np.testing.assert_allclose(f(0.3), y.item())


def test_after_backward_the_graph_is_still_there():
    x, data = tape.tensor([2.0], requires_grad=True), tape.tensor([5.0])
    y = (3 * x**2 + data * x).sum()
    y.backward()
    np.testing.assert_allclose(tape.function(y, [x])([2.0]), y.item())
    f = tape.function(y, [x, data])
    assert [a.op.label for a in f.graph.inputs] == ["x", "data"]
    np.testing.assert_allclose(f([1.0], [2.0]), 5.0)
    assert isinstance(tape.graph(y), sg.Graph)


def test_refusals():
    x, z = tape.tensor([2.0], requires_grad=True), tape.tensor([1.0])
    y = x * 2
    with pytest.raises(sg.DisconnectedError, match="input z"):
        tape.graph(y, [x, z])
    with pytest.raises(sg.InputError, match="one output"):
        tape.function(y, [x], wrt=x)
    with pytest.raises(sg.InputError, match="not among"):
        tape.function(y.sum(), [x], wrt=z)
    with pytest.raises(sg.InputError, match="is a tensor"):
        tape.graph(1.0)


OPERATIONS = {
    "sin": lambda a, b: np.sin(a),
    "product": lambda a, b: a * b,
    "mean": lambda a, b: (a + 2 * b) / 3,
    "decay": lambda a, b: a * np.exp(-b * b),
    "shift": lambda a, b: a - 0.25,
}


def run(program, x, real):
    """A program with branches and loops that depend on values."""
    a, b = x, x * 0.5
    for name, repeats in program:
        for _ in range(repeats):
            a, b = OPERATIONS[name](a, b), a
            if real(a) > 1.0:
                a = a * 0.5
            elif real(a) < -1.0:
                break
    return a + b


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(1, 6)), max_size=5),
    st.floats(-1.5, 1.5),
)
def test_random_programs_against_the_complex_step(program, start):
    expected = run(program, complex(start, 1e-30), np.real).imag / 1e-30
    x = tape.tensor(start, requires_grad=True)
    y = run(program, x, float)
    f = tape.function(y, [x], wrt=x)
    y.backward()
    np.testing.assert_allclose(x.grad.item(), expected, 1e-9, 1e-12)
    value, slope = f(start)
    np.testing.assert_allclose([value, slope], [y.item(), expected], 1e-9, 1e-12)
