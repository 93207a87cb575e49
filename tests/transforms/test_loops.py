"""Loops that are one, and what leaves them."""

import numpy as np
import pytest

import symgraph as sg


def filtered(log_q, y):
    """Give the sum of what a loop stacks."""

    def step(state, row):
        mean, spread = state
        spread = spread + np.exp(log_q)
        gain = spread / (spread + 1.0)
        error = row - mean
        return (mean + gain * error, (1.0 - gain) * spread), error**2

    _, errors = sg.scan(step, (sg.constant(0.0), sg.constant(1.0)), y)
    return np.sum(errors)


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_value_and_gradient_run_forward_once(weight):
    log_q, y = sg.placeholder("log_q"), sg.placeholder("y", "t")
    loss = weight * filtered(log_q, y)
    f = sg.function([log_q, y], sg.value_and_grad(loss, [log_q, y]))
    assert f.source.count("\n    for ") == 2
    values = np.float64(-0.3), np.sin(np.arange(6.0))
    f.check(*values)
    # The cotangent of each row is the same number: it is not stacked.
    assert "np.full" not in f.source
    assert "broadcast_to" not in f.source


def test_what_does_not_vary_is_computed_before():
    a, y = sg.placeholder("a"), sg.placeholder("y", "t")
    end, _ = sg.scan(lambda c, row: (c * np.tanh(c) * a + row, None), sg.constant(0.0), y)
    pair = sg.forward_backward([a, y], end**2, wrt=[a])
    _, saved = pair.forward(0.5, np.ones(3))
    (slope,) = pair.backward(saved)
    step = 1e-6
    more = pair.forward(0.5 + step, np.ones(3))[0] - pair.forward(0.5 - step, np.ones(3))[0]
    assert np.isclose(slope, more / (2 * step), rtol=1e-6)


def test_loops_that_need_one_another_stay_apart():
    x = sg.placeholder("x", "t")

    def run(rows):
        return sg.scan(lambda c, row: (c * 0.5 + 1.0, c * row), sg.constant(0.0), rows)[1]

    f = sg.function([x], run(run(x)))
    assert f.source.count("\n    for ") == 2
    first = np.array([0.0, 1.0, 1.5])
    assert np.allclose(f(np.arange(3.0)), first * first * np.arange(3.0))


def test_what_is_added_up_in_a_loop_is_added_in_place_and_is_the_callers():
    w, xs = sg.placeholder("w", 2), sg.placeholder("xs", ("n", 2))
    _, rows = sg.scan(lambda c, x: (c + np.sin(w * x), np.sin(w * x)), w, xs)
    f = sg.function([w, xs], sg.grad(np.sum(rows**2), w))
    assert "d_w += " in f.source
    assert f.source.count("carry") == 0  # what no one asks for, and what stays zero, is not there
    assert ".copy()" not in f.source
    start = np.ones(2)
    ends, _ = sg.scan(lambda c, x: ((c[0] + x, c[1] + c[0]), None), (w, w), xs)
    first, second = sg.function([w, xs], ends)(start, np.ones((0, 2)))
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, start)
    twice, _ = sg.scan(lambda c, x: ((c[0] + x,) * 2, None), (w, w), xs)
    first, second = sg.function([w, xs], twice)(start, np.ones((1, 2)))
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(second, [2, 2])
