"""Loops of a recording, one after the other and in each other, become loops of the source again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph import tape

RNG = np.random.default_rng(5)


def leaf(data):
    return tape.tensor(np.asarray(data, float), requires_grad=True)


def descent_on_a_recurrence():
    W = w = leaf(np.eye(2) * 0.5)
    x = RNG.normal(size=(6, 2))
    for _ in range(5):
        h = tape.zeros(2)
        for row in x:
            h = np.tanh(h @ w + row)
        loss = (h**2).sum()
        w = w - 0.1 * tape.grad(loss, w, create_graph=True)
    return loss, [W], 4


def epochs_of_batches():
    X, y = RNG.normal(size=(20, 3)), RNG.normal(size=20)
    w = start = leaf(np.zeros(3))
    for _ in range(4):
        for i in range(0, 20, 5):
            rows = X[i : i + 5]
            w = w - 0.1 * (rows.T @ (rows @ w - y[i : i + 5]))
    return (w**2).sum(), [start], 2


def three_levels():
    a = s = leaf(0.2)
    for _ in range(4):
        for _ in range(4):
            for k in range(4):
                s = np.sin(s + 0.1 * k) + a
            s = s * 0.9
        s = np.cos(s)
    return s, [a], 3


def one_after_the_other():
    X, W, V = leaf(RNG.normal(size=(8, 3))), leaf(np.eye(3) * 0.4), leaf(np.eye(3) * 0.3)
    h, ys, total = tape.zeros(3), [], 0.0
    for t in range(8):
        h = np.tanh(X[t] + h @ W)
    for _ in range(7):
        h = np.tanh(h @ V)
        ys.append(h)
    for y in ys:
        total = total + (y**2).sum()
    return total + np.stack(ys).mean(), [X, W, V], 3


def two_rounds_back():
    a, b = x, y = leaf(1.0), leaf(0.5)
    for _ in range(15):
        x, y = x * 0.9 + 0.2 * y, x
    return x + y, [a, b], 1


def parts_of_the_state():
    p, z = leaf([1.5, 1.0, 3.0, 1.0]), leaf([1.0, 1.0])
    start = z
    for _ in range(30):
        x, y = z
        z = z + 0.01 * np.stack([p[0] * x - p[1] * x * y, p[3] * x * y - p[2] * y])
    return z.sum(), [p, start], 1


def rows_in_every_order():
    x, total = leaf(RNG.normal(size=(20, 2))), 0.0
    for i in range(10):
        total = total + x[2 * i, 1] * np.sin(x[19 - i, 0]) - x[i + 1, 0] * i
    return total, [x], 1


def assigned_rows():
    W, H = leaf(np.eye(2) * 0.4), tape.zeros(9, 2)
    H[0] = np.array([1.0, 2.0])
    for t in range(1, 9):
        H[t] = np.tanh(H[t - 1].clone() @ W)
    return H.sum(), [W], 1


def one_index_of_two_counters():
    X, W, h = leaf(RNG.normal(size=(40, 2))), leaf(np.eye(2) * 0.4), tape.zeros(2)
    for e in range(4):
        for t in range(5):
            h = np.tanh(h @ W + X[8 * e + t])
        h = h * 0.5
    return h.sum(), [X, W], 2


def minibatches():
    X, y, w = leaf(RNG.normal(size=(20, 3))), leaf(RNG.normal(size=20)), leaf(np.zeros(3))
    start = w
    for _ in range(4):
        for t in range(5):
            rows, wanted = X[t * 4 : (t + 1) * 4], y[t * 4 : (t + 1) * 4]
            w = w - 0.1 * rows.T @ (rows @ w - wanted)
    return w.sum(), [X, y, start], 2


def a_first_round_apart():
    X, w, velocity = leaf(RNG.normal(size=(20, 3))), leaf(np.zeros(3)), 0.0
    start = w
    for _ in range(5):
        for i in range(0, 20, 4):
            velocity = 0.9 * velocity + X[i : i + 4].T @ (X[i : i + 4] @ w - 1.0)
            w = w - 0.1 * velocity
    return w.sum(), [X, start], 3


def windows_and_columns():
    X, s = leaf(RNG.normal(size=(3, 14))), 0.0
    for t in range(10):
        s = s * 0.9 + np.sin(X[:, t : t + 5]).sum() * X[1, 12 - t] + X[:, t].max()
    return s + s, [X], 1


def any_rows():
    X, s = leaf(RNG.normal(size=(6, 2))), leaf(0.1)
    start = s
    for t, k in enumerate([3, 1, 4, 1, 5, 2, 0, 5, 3, 2]):
        s = s * X[t % 3, 0] + X[k, t % 2] * X[t // 2].sum()
    return s, [X, start], 1


def pairs_above_the_diagonal():
    x, s = leaf(RNG.normal(size=6)), 0.0
    for i in range(6):
        for j in range(i):
            s = s + np.exp(-((x[i] - x[j]) ** 2))
    return s, [x], 1


def columns_in_the_outer_loop():
    X, W, h = leaf(RNG.normal(size=(5, 4, 2))), leaf(np.eye(2) * 0.4), tape.zeros(2)
    for e in range(4):
        for t in range(5):
            h = np.tanh(h @ W + X[t, e]) * X[4 - t, :, 0].mean()
        h = h * 0.5
    return h.sum(), [X, W], 2


@pytest.mark.parametrize(
    "program",
    [
        one_index_of_two_counters,
        minibatches,
        a_first_round_apart,
        windows_and_columns,
        any_rows,
        pairs_above_the_diagonal,
        columns_in_the_outer_loop,
        descent_on_a_recurrence,
        epochs_of_batches,
        three_levels,
        one_after_the_other,
        two_rounds_back,
        parts_of_the_state,
        rows_in_every_order,
        assigned_rows,
    ],
    ids=lambda program: program.__name__,
)
def test_loops_are_found(program):
    y, leaves, loops = program()
    f = tape.function(y, leaves)
    assert f.source.count("    for ") == loops
    check(y, leaves)


def check(y, leaves):
    f = tape.function(y, leaves, wrt=leaves)
    value, slopes = f(*[tensor.detach().numpy() for tensor in leaves])
    flat = tape.function(y, leaves, roll=False)
    other = [tensor.detach().numpy() * 1.01 + 0.01 for tensor in leaves]
    np.testing.assert_allclose(f(*other)[0], flat(*other), 1e-8, 1e-10)
    expected = tape.grad(y, leaves, retain_graph=True)
    np.testing.assert_allclose(value, y.item(), 1e-9)
    for slope, gradient in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(slope, gradient.numpy(), 1e-7, 1e-9)


def test_assigned_rows_are_written_in_place():
    y, leaves, _ = assigned_rows()
    assert ".copy()" not in tape.function(y, leaves).source.split("    for ")[1]


def test_unequal_weights_are_no_loop():
    layers = [leaf(RNG.normal(size=(3, 3)) * 0.5) for _ in range(6)]
    h = np.ones(3)
    for W in layers:
        h = np.tanh(h @ W)
    assert "    for " not in tape.function(h.sum(), layers).source


STEPS = {
    "product": lambda s, k, W, X: (np.tanh(s[0] @ W), s[1]),
    "row": lambda s, k, W, X: (s[0] + 0.3 * X[k], s[1]),
    "last row": lambda s, k, W, X: (s[0] * X[5 - k] * 0.5, s[1]),
    "data": lambda s, k, W, X: (s[0] * 0.9 + DATA[k] * 0.1, s[1]),
    "number": lambda s, k, W, X: (s[0] * (1 / (k + 1)) + 0.1, s[1]),
    "swap": lambda s, k, W, X: (s[1], s[0]),
    "mix": lambda s, k, W, X: (0.5 * s[0] + 0.3 * s[1], s[0]),
    "stretch": lambda s, k, W, X: (s[0] + X[k // 2 : k // 2 + 2].sum(axis=0) * 0.1, s[1]),
    "part of a stretch": lambda s, k, W, X: (s[0] * X[k // 2 : k // 2 + 3, 1] * 0.5, s[1]),
    "column": lambda s, k, W, X: (s[0] * X[:3, k % 3], s[1] + 0.1 * X[k, k % 3]),
    "element": lambda s, k, W, X: (s[0] + s[0][0] * s[1][2] * 0.1 * X[1], s[1]),
    "set": lambda s, k, W, X: (s[0].at[k % 3].set(s[1][0]), s[1]),
}
DATA = RNG.normal(size=(6, 3))
programs = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(programs, programs, st.integers(4, 6), st.sampled_from([1, 4]), st.booleans())
def test_random_loops(inner, outer, rounds, epochs, keep):
    W, X = leaf(np.cos(np.arange(9.0)).reshape(3, 3) * 0.3), leaf(DATA * 0.5 + 0.2)
    state, kept = (X[0], tape.tensor(DATA[1])), []
    for e in range(epochs):
        for k in range(rounds):
            for name in inner:
                state = STEPS[name](state, k, W, X)
            if keep:
                kept.append(state[0])
        for name in outer:
            state = STEPS[name](state, e, W, X)
    y = (state[0] * np.array([1.0, 2.0, 3.0])).sum() + state[1].sum()
    y = y + np.stack(kept)[1:].sum() if keep else y
    used = [t for t in (W, X) if tape.grad(y, t, retain_graph=True, allow_unused=True) is not None]
    check(y, used)
