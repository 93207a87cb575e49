"""Optimisers on arrays, on nodes and on tensors: one rule, checked against the papers' formulas."""

import numpy as np
import pytest

import symgraph as sg
from symgraph import optim, tape
from symgraph.errors import InputError

CENTRE = np.array([1.0, -2.0, 0.5])
START = np.array([0.3, 0.1, -0.7])


def slope(w):
    return 2 * (w - CENTRE) + np.cos(w)


def by_hand(name, w, steps):
    """The algorithms as their papers (and PyTorch's pages) state them, one number at a time."""
    w, m, v = w.copy(), np.zeros(3), np.zeros(3)
    for t in range(1, steps + 1):
        g = slope(w)
        if name == "sgd":
            w -= 0.1 * g
        elif name == "momentum":
            m = 0.9 * m + g
            w -= 0.1 * m
        elif name == "nesterov":
            g = g + 0.01 * w
            m = 0.9 * m + g
            w -= 0.1 * (g + 0.9 * m)
        elif name in ("adam", "adamw"):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            if name == "adamw":
                w *= 1 - 0.1 * 0.01
            w -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        elif name == "rmsprop":
            v = 0.99 * v + 0.01 * g * g
            m = 0.5 * m + g / (np.sqrt(v) + 1e-8)
            w -= 0.1 * m
        elif name == "adagrad":
            v = v + g * g
            w -= 0.1 * g / (np.sqrt(v) + 1e-10)
    return w


RULES = {
    "sgd": (optim.sgd(0.1), lambda p: tape.optim.SGD(p, 0.1)),
    "momentum": (optim.sgd(0.1, 0.9), lambda p: tape.optim.SGD(p, 0.1, momentum=0.9)),
    "nesterov": (
        optim.sgd(0.1, 0.9, nesterov=True, weight_decay=0.01),
        lambda p: tape.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    ),
    "adam": (optim.adam(0.1), lambda p: tape.optim.Adam(p, 0.1)),
    "adamw": (optim.adamw(0.1), lambda p: tape.optim.AdamW(p, 0.1)),
    "rmsprop": (
        optim.rmsprop(0.1, momentum=0.5),
        lambda p: tape.optim.RMSprop(p, 0.1, momentum=0.5),
    ),
    "adagrad": (optim.adagrad(0.1), lambda p: tape.optim.Adagrad(p, 0.1)),
}


@pytest.mark.parametrize("name", RULES)
def test_arrays_nodes_and_tensors_follow_the_formula(name):
    rule, make = RULES[name]
    expected = by_hand(name, START, 4)
    params, state = {"w": START}, rule.init({"w": START})
    for _ in range(4):
        params, state = rule.update(params, {"w": slope(params["w"])}, state)
    np.testing.assert_allclose(params["w"], expected, 1e-12)

    w = sg.placeholder("w", 3)
    loss = np.sum((w - CENTRE) ** 2) + np.sum(np.sin(w))
    nodes = rule.init([w])
    step = sg.function(
        {"w": w, "state": nodes}, loss, updates=rule.updates([w], [sg.grad(loss, w)], nodes)
    )
    array, arrays = START.copy(), rule.init([START])
    for _ in range(4):
        step(array, arrays)
    np.testing.assert_allclose(array, expected, 1e-12)

    tensor = tape.tensor(START, requires_grad=True)
    optimizer = make([tensor])
    for _ in range(4):
        optimizer.zero_grad()
        (((tensor - CENTRE) ** 2).sum() + np.sin(tensor).sum()).backward()
        optimizer.step()
    np.testing.assert_allclose(tensor.numpy(), expected, 1e-12)
    assert tensor.version == 4


@pytest.mark.parametrize("name", RULES)
def test_float32_stays(name):
    rule, _ = RULES[name]
    params = [START.astype(np.float32)]
    new, state = rule.update(params, [params[0]], rule.init(params))
    assert new[0].dtype == np.float32
    assert all(leaf.dtype == np.float32 for slot in rule.slots for leaf in state[slot])
    w = sg.placeholder("w", 3, "float32")
    nodes, _ = rule.update([w], [w], rule.init([w]))
    assert nodes[0].dtype == np.float32


def test_a_schedule_in_a_step():
    w = sg.placeholder("w")
    rule = optim.sgd(optim.warmup(optim.exponential(1.0, 0.5), 2))
    state = rule.init([w])
    step = sg.function({"w": w, **state}, [], updates=rule.updates([w], [w * 0 + 1.0], state))
    value, count = np.zeros(()), np.zeros(())
    moved = []
    for _ in range(4):
        before = float(value)
        step(w=value, count=count)
        moved.append(before - float(value))
    np.testing.assert_allclose(moved, [0.0, 0.25, 0.25, 0.125])
    assert count == 4


def test_schedules():
    at = np.array([0.0, 5.0, 10.0, 15.0])
    np.testing.assert_allclose(optim.constant(0.1)(at), 0.1)
    np.testing.assert_allclose(optim.stepwise(1.0, 0.1, 10)(at), [1, 1, 0.1, 0.1])
    np.testing.assert_allclose(optim.cosine(1.0, 10, 0.2)(at), [1, 0.6, 0.2, 0.2])
    np.testing.assert_allclose(optim.warmup(2.0, 10)(at), [0, 1, 2, 2])


def test_clipping():
    grads = {"a": np.array([3.0, 0.0]), "b": np.array(4.0)}
    assert optim.global_norm(grads) == 5.0
    clipped = optim.clip_by_norm(grads, 1.0)
    np.testing.assert_allclose(clipped["a"], [0.6, 0.0])
    np.testing.assert_allclose(optim.clip_by_norm(grads, 10.0)["b"], 4.0)
    x = sg.placeholder("x", 2)
    f = sg.function([x], [*optim.clip_by_norm([x], 1.0), optim.clip_by_value(x, 0.5)])
    np.testing.assert_allclose(f(np.array([3.0, 4.0])), [[0.6, 0.8], [0.5, 0.5]])
    w = tape.tensor([0.0, 0.0], requires_grad=True)
    (w @ np.array([3.0, 4.0])).backward()
    assert tape.optim.clip_grad_norm_([w], 1.0).item() == 5.0
    np.testing.assert_allclose(w.grad.numpy(), [0.6, 0.8])


def test_lbfgs():
    def rosenbrock(w):
        x, y = w["x"], w["y"]
        value = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        return value, {"x": -2 * (1 - x) - 400 * x * (y - x**2), "y": 200 * (y - x**2)}

    best, value = optim.lbfgs(rosenbrock, {"x": np.float64(-1.0), "y": np.float64(2.0)})
    np.testing.assert_allclose([best["x"], best["y"], value], [1, 1, 0], atol=1e-6)
    w = tape.tensor([-1.0, 2.0], requires_grad=True)
    optimizer = tape.optim.LBFGS([w], max_iter=100)

    def closure():
        loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.numpy(), [1, 1], atol=1e-5)


def test_errors():
    with pytest.raises(sg.InputError, match="nesterov"):
        optim.sgd(0.1, nesterov=True)
    with pytest.raises(sg.InputError, match="not its state"):
        optim.sgd(0.1, 0.9).update([START], [START], {})
    with pytest.raises(sg.InputError, match="form of the parameters"):
        optim.sgd(0.1).update([START], START, {})
    with pytest.raises(sg.InputError, match="leaves that require"):
        tape.optim.SGD([tape.tensor([1.0])])


# Updates of arguments --------------------------------------------------------------------------


def test_updates_exchange_two_arrays():
    a, b = sg.placeholder("a", "n"), sg.placeholder("b", "n")
    f = sg.function([a, b], a, updates={a: b, b: a})
    first, second = np.zeros(2), np.ones(2)
    np.testing.assert_array_equal(f(first, second), [0, 0])
    np.testing.assert_array_equal([first, second], [[1, 1], [0, 0]])


def test_updates_are_augmented_assignments():
    w, g, m = sg.placeholder("w", 3), sg.placeholder("g", 3), sg.placeholder("m", 3)
    new_m = 0.9 * m + g
    f = sg.function([w, g, m], [], updates={w: w - 0.1 * new_m, m: new_m})
    assert "    w -= 0.1 * new_m\n    m[...] = new_m\n" in f.source
    assert "Changes w, m in place." in f.source


def test_updates_read_everything_first():
    w, v = sg.placeholder("w", 2), sg.placeholder("v", 2)
    f = sg.function([w, v], w * v, updates={w: w + v, v: v * w})
    first, second = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    np.testing.assert_array_equal(f(first, second), [3, 8])
    np.testing.assert_array_equal([first, second], [[4, 6], [3, 8]])


@pytest.mark.parametrize("value", [[1.0, 2.0], np.zeros(2, np.float32), np.zeros(3)])
def test_what_cannot_be_updated_is_refused(value):
    w = sg.placeholder("w", 2)
    with pytest.raises(sg.InputError, match="argument w"):
        sg.function([w], [], updates={w: w + 1.0})(value)


def test_updates_of_what_is_no_input_or_of_another_type():
    w, x = sg.placeholder("w", 2), sg.placeholder("x", 3)
    for updates, text in (({x: x}, "only inputs"), ({w: w.sum()}, "another type")):
        with pytest.raises(sg.InputError, match=text):
            sg.function([w], [], updates=updates)
    with pytest.raises(sg.InputError, match="not among the inputs"):
        sg.function([w], [], updates={w: w * x[0]})


BAD = {
    "betas": [None, (0.9,), (0.9, 1.0), (-0.1, 0.9), ("0.9", 0.9)],
    "eps": [-1e-8, None, np.nan],
    "weight_decay": [-1.0, True],
    "momentum": [-0.5, "0.9"],
    "alpha": [-0.1],
}
KEYWORDS = {
    "sgd": ("momentum", "weight_decay"),
    "adam": ("betas", "eps", "weight_decay"),
    "adamw": ("betas", "eps", "weight_decay"),
    "rmsprop": ("alpha", "eps", "momentum", "weight_decay"),
    "adagrad": ("eps", "weight_decay"),
}
CLASSES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}


@pytest.mark.parametrize("name", KEYWORDS)
def test_numbers_that_cannot_be_meant_are_refused_at_once(name):
    make = getattr(optim, name)
    for rate in (-0.1, None, "0.1", np.nan):
        with pytest.raises(InputError, match=f"{name}: learning_rate"):
            make(rate)
    for keyword in KEYWORDS[name]:
        for value in BAD[keyword]:
            with pytest.raises(InputError, match=f"{name}: {keyword}"):
                make(0.1, **{keyword: value})
            if name in CLASSES:
                w = tape.tensor([1.0], requires_grad=True)
                with pytest.raises(InputError, match=f"{name}: {keyword}"):
                    getattr(tape.optim, CLASSES[name])([w], 0.1, **{keyword: value})


def test_a_gradient_of_another_shape_is_refused():
    rule = optim.sgd(0.1)
    with pytest.raises(InputError, match="another shape"):
        rule.update([np.zeros(3)], [np.zeros((3, 3))], rule.init([np.zeros(3)]))
