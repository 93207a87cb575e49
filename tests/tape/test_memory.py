"""What shares memory with what, and whose gradient knows of a change: as in NumPy and PyTorch."""

import copy

import numpy as np
import pytest

import symgraph as sg
from symgraph import tape

SHOWN = {
    "x = zeros(3); v = x[0]; v += 1; x[1].fill_(4)": [1, 4, 0],
    "x = zeros(2, 2); x[0][1] += 2; x[1][0] = 7": [[0, 2], [7, 0]],
    "x = ones(1); y = x.view(()); y += 1; z = x.squeeze(); z += 1": [3],
    "x = ones(2, 2); d = x.diagonal(); d.mul_(3)": [[3, 1], [1, 3]],
    "x = ones(6); a = x.view(2, 3); b = a.t(); b[0, 0] = 9; a[1] *= 2": [9, 1, 1, 2, 2, 2],
    "x = ones(2); y = np.copy(x); y += 1; z = x.astype('float64'); z += 1": [1, 1],
    "x = ones(2); y = np.clip(x, None, None); y += 1; z = np.tile(x, 1); z *= 3": [1, 1],
    "x = ones(2, 2); y = x.t().reshape(-1); y[0] = 5": [[1, 1], [1, 1]],
    "x = zeros(()); x[()] = 3.0; x += 1": 4,
}


@pytest.mark.parametrize("program", SHOWN)
@pytest.mark.parametrize("recorded", [False, True])
def test_views_and_copies(program, recorded):
    def made(create):
        return lambda *size: create(*size, requires_grad=True) * 1 if recorded else create(*size)

    space = {"zeros": made(tape.zeros), "ones": made(tape.ones), "np": np}
    exec(program, space)
    np.testing.assert_array_equal(space["x"].numpy(), SHOWN[program])


def test_a_part_of_a_broadcast_array_cannot_be_changed():
    with pytest.raises(sg.DerivativeError, match="elements share memory"):
        tape.zeros(3, 1).expand(3, 2).add_(1)


def test_what_is_used_after_a_change_through_other_memory_is_not_out_of_date():
    x = tape.ones(3, requires_grad=True)
    x.data[0] = 5
    twin = x.detach()
    twin[1] = 2
    (x * x + x * twin).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [15, 6, 3])
    y = (x * x).sum()
    twin += 1
    with pytest.raises(sg.DerivativeError, match="overwritten in place"):
        y.backward()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_result_that_backward_needs_is_not_overwritten_unseen(create_graph):
    for write in ("y.detach()[0] = 5.0", "y.data.mul_(2)", "with tape.no_grad(): y[0] = 5.0"):
        x = tape.ones(3, requires_grad=True)
        y = x.exp()
        exec(write, {"y": y, "tape": tape})
        with pytest.raises(sg.DerivativeError, match="overwritten in place"):
            y.sum().backward(create_graph=create_graph)
        z = x * 3  # does not need its result
        exec(write, {"y": z, "tape": tape})
        (z * z).sum().backward(create_graph=create_graph)
        np.testing.assert_array_equal(x.grad.numpy(), 6 * z.detach().numpy())


def test_a_leaf_that_is_a_view_stays_a_leaf():
    whole = tape.arange(6.0)
    p = whole.view(2, 3).requires_grad_()
    with tape.no_grad():
        p[0] -= 1
        p.view(-1)[5] = 3
        whole[3] = 7
    (p * p).sum().backward()
    np.testing.assert_array_equal(p.grad.numpy(), 2 * np.array([[-1, 0, 1], [7, 4, 3]]))


def test_nothing_of_no_grad_is_recorded_later():
    x = tape.ones(2, requires_grad=True)
    with tape.no_grad():
        target = x.reshape(2)
    assert not target.requires_grad
    (x * target).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 1])


def test_gradients_are_added_where_they_are():
    x, y = (tape.ones(2, requires_grad=True) for _ in range(2))
    (x + y).sum().backward()
    first = x.grad
    first *= 10
    (x * 3).sum().backward()
    assert x.grad is first
    np.testing.assert_array_equal([x.grad.numpy(), y.grad.numpy()], [[13, 13], [1, 1]])
    h = x * 1
    h.register_hook(lambda g: None)
    (h.view(2) + y).backward(np.ones(2))
    y.grad.zero_()
    np.testing.assert_array_equal(x.grad.numpy(), [14, 14])
    with pytest.raises(sg.ShapeError, match="gradient has the shape"):
        x.grad = tape.ones(3)
    with pytest.raises(sg.InputError, match="tensor or None"):
        x.grad = 3.0


def test_copies_of_a_tensor():
    x = tape.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    both = copy.deepcopy({"a": x, "b": [x]})
    assert both["a"] is both["b"][0]
    assert both["a"].requires_grad
    both["a"].data[0] = 7
    np.testing.assert_array_equal(x.numpy(), [1, 2])
    np.testing.assert_array_equal(both["a"].grad.numpy(), [2, 4])
    y = (x * 2).detach_()
    assert not y.requires_grad


def test_recording_is_switched_for_good_and_for_generators():
    x = tape.ones(2, requires_grad=True)

    @tape.no_grad
    def plain():
        return (x * 2).requires_grad

    @tape.no_grad()
    def several():
        got = yield (x * 2).requires_grad
        try:
            yield got
        except KeyError:
            yield (x * 2).requires_grad

    generator = several()
    assert (plain(), next(generator), generator.send(5)) == (False, False, 5)
    assert tape.is_grad_enabled()
    assert generator.throw(KeyError()) is False
    tape.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    tape.set_grad_enabled(True)

    @tape.set_grad_enabled(False)
    def off():
        return tape.is_grad_enabled()

    assert (off(), tape.is_grad_enabled()) == (False, True)
    with tape.set_grad_enabled(False), tape.enable_grad():
        assert tape.is_grad_enabled()
    assert tape.is_grad_enabled()


@pytest.mark.parametrize(
    ("program", "kind", "text"),
    [
        ("x[0] = 'a'", sg.DTypeError, "not numeric"),
        ("x[0] = [1, 2]", sg.ShapeError, "another shape"),
        ("x[0] = 1j", sg.DTypeError, "float64"),
        ("x.view(2, 1)[0] = [1, 2, 3]", sg.ShapeError, "another shape"),
    ],
)
def test_what_cannot_be_assigned(program, kind, text):
    with pytest.raises(kind, match=text):
        exec(program, {"x": tape.ones(2)})
