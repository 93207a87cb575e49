"""Choices in random chains of operations: what was not taken never shows in a derivative."""

import warnings

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import replace
from symgraph.graph.node import topological

POINT = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 900.0])
OTHER = np.array([0.0, 1.5, -1.0, 2.0, 0.0, -3.0, 0.25])


def condition(rng, x, y, depth=2):
    """A random mask; the same ones come back often."""
    pick = rng.integers(8 if depth else 5)
    if pick < 5:
        return [x > 0, x != 0, x <= 1.0, y > 0, y * x < 0.3][pick]
    a, b = condition(rng, x, y, depth - 1), condition(rng, x, y, depth - 1)
    return [a & b, a | b, ~a][pick - 5]


def chain(rng, x, y, depth, shared=None):
    """A random element-wise formula, singular somewhere, with choices in it and values shared."""
    shared = [] if shared is None else shared
    if shared and rng.integers(5) == 0:
        return shared[rng.integers(len(shared))]
    shared.append(_link(rng, x, y, depth, shared))
    return shared[-1]


def _link(rng, x, y, depth, shared):
    if depth == 0:
        return [x, y, x - 0.25, x * y + 0.1][rng.integers(4)]
    a = chain(rng, x, y, depth - 1, shared)
    pick = rng.integers(14)
    if pick < 7:
        function = [np.sqrt, np.log, np.exp, np.reciprocal, np.arcsin, np.sin, np.log1p][pick]
        return function(a)
    if pick == 7:
        return a ** [1.5, -1.0, 3][rng.integers(3)]
    b = chain(rng, x, y, depth - 1, shared)
    mask = condition(rng, x, y)
    return [
        lambda: a * b,
        lambda: a / b,
        lambda: np.where(mask, a, b),
        lambda: np.where(mask, a, 0.0) + b,
        lambda: np.maximum(a, rng.uniform()),
        lambda: np.clip(a, -rng.uniform(), 1.0 + rng.uniform()) * np.where(mask, b, 1.0),
    ][pick - 8]()


def taken(node, values, i, choices=("where", "maximum", "clip")):
    """The formula of one element with every choice made."""
    mapping = {}
    for inner in topological([node]):
        operands = [mapping.get(x, x) for x in inner.inputs]
        at = [np.broadcast_to(values[x], POINT.shape)[i] for x in inner.inputs]
        name = inner.op.name
        if name in choices and name == "where":
            mapping[inner] = operands[1 if at[0] else 2]
        elif name in choices and name == "maximum":
            mapping[inner] = operands[0] if at[0] >= at[1] else operands[1]
        elif name in choices and name == "clip":
            inside = at[1] <= at[0] <= at[2]
            mapping[inner] = operands[0 if inside else (1 if at[0] < at[1] else 2)]
        elif inner.inputs:
            mapping[inner] = replace([inner], dict(zip(inner.inputs, operands, strict=True)))[0]
    return mapping.get(node, node)


def derivatives(loss, x):
    """The gradient, and the diagonal of the Hessian in both orders of the modes."""
    gradient = sg.vjp(loss, x, unconnected="zero")
    over = sg.jvp(gradient, x, unconnected="zero")
    twice = sg.vjp(gradient, x, unconnected="zero")
    forward = sg.jvp(sg.jvp(loss, x, unconnected="zero"), x, unconnected="zero")
    return [gradient, over, twice, forward]


@pytest.mark.parametrize("seed", range(32))
def test_derivatives_are_those_of_the_branch_taken(seed):
    x, y = sg.placeholder("x", POINT.shape), sg.placeholder("y", POINT.shape)
    value = np.broadcast_to(chain(np.random.default_rng(seed), x, y, 4), POINT.shape)
    order = topological([value])
    with np.errstate(all="ignore"):
        known = dict(zip(order, interpret(order, {x: POINT, y: OTHER}), strict=True))
        found = np.array(sg.function([x, y], derivatives(value, x))(POINT, OTHER))
        defined, wanted = [], []
        for i in np.flatnonzero(np.isfinite(known[value])):
            branch = np.broadcast_to(taken(value, known, i), POINT.shape)
            nodes = derivatives(branch, x)
            one = np.array(interpret(nodes, {x: POINT, y: OTHER}))[:, i]
            if not np.all(np.isfinite(one)):
                continue
            np.testing.assert_allclose(found[:, i], one, rtol=1e-8, atol=1e-9)
            steps = topological([*nodes, taken(value, known, i, choices=("where",))])
            at = interpret(steps, {x: POINT, y: OTHER})
            if all(np.isfinite(np.broadcast_to(step, POINT.shape)[i]) for step in at):
                defined.append(i)
                wanted.append(one)
    if len(defined) > 1:
        quiet(seed, defined, np.array(wanted).T)


def quiet(seed, places, wanted):
    """At points where the formula is defined nothing is undefined on the way, in no derivative."""
    x, y = (sg.placeholder(name, len(places)) for name in "xy")
    value = np.broadcast_to(chain(np.random.default_rng(seed), x, y, 4), x.shape)
    mix = np.cos(np.arange(2 * len(places))).reshape(2, -1)
    loss = np.sum(np.tanh(mix @ value))
    hessian = sg.hessian(loss, x, unconnected="zero")
    alone = sg.hessian(np.sum(value), x, unconnected="zero")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole, diagonal = sg.function([x, y], [hessian, alone])(POINT[places], OTHER[places])
    assert np.all(np.isfinite(whole))
    np.testing.assert_allclose(diagonal, np.diag(wanted[1]), rtol=1e-8, atol=1e-9)


ROWS = np.array([[0.0, 4.0], [1.0, 9.0], [-1.0, 1.0]])
HALF_ROOT = [0, 1 / 4, 1 / 2, 1 / 6, 0, 1 / 2]
QUIET = {
    "root": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), HALF_ROOT),
    "logarithm": (
        lambda x: np.where(x > 1, np.log(x) * 2, x**2),
        [0, 1 / 2, 2, 2 / 9, -2, 2],
    ),
    "afterwards": (lambda x: np.sqrt(np.where(x > 0, x, 0.0)), HALF_ROOT),
    "clipped": (lambda x: np.log(np.clip(x, 0.5, 5.0)), [0, 1 / 4, 1, 0, 0, 1]),
    "nested": (
        lambda x: np.where(x > 0, np.where(x < 5, 1 / np.sqrt(5 - x), np.log(x)), 3.0),
        [0, 1 / 2, 1 / 16, 1 / 9, 0, 1 / 16],
    ),
    "norm": (
        lambda x: np.sqrt(np.sum(np.where(x > 0, x, 0.0) ** 2, axis=1)),
        [0, 1, 82**-0.5, 9 * 82**-0.5, 0, 1],
    ),
    "product": (lambda x: np.prod(np.where(x > 1, np.log(x), 2.0)), None),
    "several choices": (
        lambda x: np.select([x > 0, x < 0], [np.log(x), np.log(-x)], 0.0),
        [0, 1 / 4, 1, 1 / 9, -1, 1],
    ),
    "division by nothing": (
        lambda x: np.where(x > 9, x / 0.0, np.where(x > 9, 2.0 / x, x**2)),
        [0, 8, 2, 18, -2, 2],
    ),
    "a branch that cannot be": (
        lambda x: np.where(x > 0, np.where(~(x > 0), x / 0.0, np.log(x)), 1.0),
        [0, 1 / 4, 1, 1 / 9, 0, 1],
    ),
    "a condition for all": (
        lambda x: np.where(x[0, 1] > 9, np.sum(np.log(x) @ np.ones(2)), np.sum(x * x[0, 1])),
        [4, 18, 4, 4, 4, 4],
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_no_warning_for_what_is_not_taken(name):
    function, wanted = QUIET[name]
    x = sg.placeholder("x", (3, 2))
    loss = np.sum(function(x))
    gradient = sg.grad(loss, x)
    second = sg.jvp(gradient, x, unconnected="zero")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, first, curvature = sg.function([x], [loss, gradient, second])(ROWS)
    assert np.all(np.isfinite(curvature))
    if wanted is not None:
        np.testing.assert_allclose(first.ravel(), wanted, rtol=1e-15, atol=0)


HESSIANS = {
    "shared": lambda x: (
        np.where(x > 5, 1 / x, 0.0) + np.where(x < 0, 2 / x, np.where(x > 8, 1 / x, 0.0))
    ),
    "product": lambda x: np.where((x > 0) & ~(x > 8), np.log(x) * np.sqrt(x), x**2),
    "rows": lambda x: np.where(x[:, :1] > 0, np.sqrt(x[:, :1]), 0.0) * x,
    "columns": lambda x: np.tanh(np.where(x.T[0] > 0, np.log(x.T[0]), 1.0)[:, None] @ x[:1]),
    "several masks": lambda x: np.where((x > 0) | (x < -5), np.where(x < 8, x**-1.5, 0.0), x),
    "of what was chosen": lambda x: np.where(
        x < 0, 0.0, np.where(np.sqrt(np.where(x < 0, 1.0, x)) > 1.5, 1 / x, 0.0)
    ),
    "of what counts there": lambda x: np.where(x > 0, np.maximum(np.log(x), 0.5), 0.0),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_no_hessian_warns_for_what_is_not_taken(name):
    x = sg.placeholder("x", ROWS.shape)
    loss = np.sum(np.sin(HESSIANS[name](x)))
    gradient = sg.grad(loss, x)
    hessian = sg.hessian(loss, x)
    f = sg.function([x], [gradient, hessian])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here, found = f(ROWS)
    assert np.all(np.isfinite(here))
    for place in np.ndindex(ROWS.shape):
        step = np.zeros(ROWS.shape)
        step[place] = 1e-6 * (ROWS[place] != 0)
        with np.errstate(all="ignore"):
            change = f(ROWS + step)[0] - f(ROWS - step)[0]
        if step.any():
            np.testing.assert_allclose(found[place], change / 2e-6, rtol=1e-5, atol=1e-7)


def test_choices_that_are_none_are_not_written():
    x = sg.placeholder("x", 3)
    inner = np.where((x < 5) | ~(x > 0), np.where(~(x < 5), np.log(x), x), x**2)
    whole = np.where(x > 0, np.where(x > 0, inner, np.exp(x)), 0.0)
    lines = sg.function([x], whole).source.splitlines()
    code = "".join([line for line in lines if not line.strip().startswith("#")])
    assert code.count("np.where") == 2
    assert "log" not in code
    assert "exp" not in code


def test_masks_of_rows_reach_their_elements():
    x = sg.placeholder("x", (3, 2))
    gradient = sg.grad(np.sum(np.where(x[:, 0] > 0, np.sum(np.log(x), axis=1), 0.0)), x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sg.function([x], gradient)(ROWS)
    np.testing.assert_allclose(found, [[0, 0], [1, 1 / 9], [0, 0]], rtol=1e-15)


def test_what_needs_no_guard_has_none():
    """Values that cannot leave the domain, and those that are used unmasked as well."""
    x, m = sg.placeholder("x", "n"), sg.placeholder("m", "n", "bool")
    value = np.where(m, np.log(np.maximum(x, 1.0)) / np.cosh(np.tanh(x)), x**2)
    both = [np.where(m, np.log(x), 0.0), np.log(x)]
    for outputs in ([value], both):
        compiled = sg.function([x, m], outputs)
        body = [line for line in compiled.source.split("\n") if not line.lstrip().startswith("#")]
        assert "\n".join(body).count("np.where(") == 1


def test_batches_are_masked_too():
    x = sg.placeholder("x", (2, 3))

    def one(row):
        return sg.grad(np.sum(np.where(row > 0, np.sqrt(row), 0.0) ** 3), row)

    def second(row):
        return sg.jvp(one(row), row, unconnected="zero")

    value = np.array([[0.0, 4.0, -1.0], [1.0, 0.0, 9.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, again = sg.function([x], [sg.vmap(one)(x), sg.vmap(second)(x)])(value)
    taken = np.where(value > 0, value, 1.0)
    np.testing.assert_allclose(first, np.where(value > 0, 1.5 * taken**0.5, 0.0), rtol=1e-14)
    np.testing.assert_allclose(again, np.where(value > 0, 0.75 * taken**-0.5, 0.0), rtol=1e-13)


def test_a_mask_with_an_axis_more_guards_an_operand_of_lower_rank():
    x = sg.placeholder("x", (1, "m"))
    total = np.sum(np.nanstd(np.concatenate([x, x], 1), axis=0))
    found = sg.function([x], sg.grad(total, x))(np.array([[1.0, np.nan]]))
    np.testing.assert_array_equal(found, [[0.0, 0.0]])


def test_guard_of_a_mask_that_lies_along_other_axes():
    """The clip of a correlation masks a matrix; what is guarded is the vector of its deviations."""
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    slope = sg.function([x, y], sg.grad(np.corrcoef(x, y)[0, 1], x))
    a, b = np.array([0.5, -1.0, 2.0, 0.25]), np.array([1.0, 0.5, -2.0, 3.0])
    step = 1e-6 * np.eye(4)
    wanted = [np.corrcoef(a + s, b)[0, 1] - np.corrcoef(a - s, b)[0, 1] for s in step]
    np.testing.assert_allclose(slope(a, b), np.array(wanted) / 2e-6, rtol=1e-7, atol=1e-9)
