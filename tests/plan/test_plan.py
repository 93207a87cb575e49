"""What a plan decides: order, what stands inside what, which memory is written over."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import Node
from symgraph.plan.plan import Plan, make_plan
from symgraph.plan.residuals import choose_residuals


def plan_of(inputs: list[Node], outputs: list[Node]) -> Plan:
    """Plan a graph in which nothing has a name."""
    return make_plan(inputs, outputs, lambda node: False)


def reused(plan: Plan) -> list[str]:
    """Name the operations whose result is written over an operand."""
    return [step.node.op.name for step in plan.steps if step.reuse is not None]


def test_single_uses_stand_inside_and_shared_values_are_assigned() -> None:
    x = sg.placeholder("x", "n")
    shared = np.exp(x)
    plan = plan_of([x], [np.sin(x * 2.0 + 1.0), shared + 1.0, np.cos(shared)])
    assert shared not in plan.inline
    assert {node.op.name for node in plan.inline} == {"multiply", "add"}


def test_nesting_is_bounded() -> None:
    x = sg.placeholder("x", "n")
    y = x
    for _ in range(100):
        y = np.sin(y)
    assert 100 / 8 <= len(plan_of([x], [y]).steps) <= 100 / 3


def test_a_broadcast_operand_is_added_in_place() -> None:
    x, w, b = (
        sg.placeholder("x", ("n", "k")),
        sg.placeholder("w", ("k", "m")),
        sg.placeholder("b", "m"),
    )
    plan = plan_of([x, w, b], [np.tanh(x @ w + b)])
    assert reused(plan) == ["add", "tanh"]


def test_small_arrays_are_not_worth_a_statement() -> None:
    x, b = sg.placeholder("x", (3, 4)), sg.placeholder("b", 4)
    assert reused(plan_of([x, b], [np.tanh(np.sin(x) + b)])) == []


def test_other_uses_come_before_the_one_that_overwrites() -> None:
    x, s = sg.placeholder("x", ("n", "m")), sg.placeholder("s", "m")
    q = np.exp(x)
    plan = plan_of([x, s], [(-0.5 * q - s).sum(), q.sum(axis=0) - 1.0])
    order = [step.node.op.name for step in plan.steps]
    assert order.index("multiply") > order.index("subtract")
    assert reused(plan)[0] == "multiply"


def test_what_reads_one_of_several_results_stays_behind_what_makes_them() -> None:
    x, s = sg.placeholder("x", ("n", "m")), sg.placeholder("s", "m")
    q = np.exp(x)
    chosen = sg.cond(x[0, 0] > 0, np.sin, np.cos, x)
    plan = plan_of([x, s], [(-0.5 * q - s).sum(), np.cumsum(q + chosen, axis=0)])
    order = [step.node.op.name for step in plan.steps]
    assert order.index("cumsum") > order.index("cond")


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.T,
        lambda x: x[1:],
        lambda x: x.reshape(-1),
        lambda x: np.broadcast_to(x, (2, *x.shape)),
        lambda x: x,
    ],
)
def test_nothing_is_written_over_while_a_view_of_it_lives(view: object) -> None:
    x, b = sg.placeholder("x", ("n", 3)), sg.placeholder("b", 3)
    base = np.exp(x)
    outputs = [(base * 2.0 + b).sum(), view(base), view(x)]  # type: ignore[operator]
    f = sg.function([x, b], outputs)
    value, row = np.arange(12.0).reshape(4, 3) / 10, np.ones(3)
    total, first, second = f(value, row)
    np.testing.assert_allclose(total, (np.exp(value) * 2 + 1).sum())
    np.testing.assert_array_equal(first, view(np.exp(value)))  # type: ignore[operator]
    np.testing.assert_array_equal(second, view(value))  # type: ignore[operator]
    assert not np.shares_memory(second, value)
    assert first.flags.writeable
    assert second.flags.writeable


@pytest.mark.parametrize(
    "parts",
    [
        lambda x: np.split(x, [1])[1],
        lambda x: sg.cond(x[0, 0] > 0, lambda y: y, np.sin, x),
        lambda x: sg.scan(lambda y, _: (y, y), x, length=1)[0],
    ],
)
def test_nothing_is_written_over_that_one_of_several_results_is_a_view_of(parts: object) -> None:
    x, b = sg.placeholder("x", ("n", 3)), sg.placeholder("b", 3)
    plan = plan_of([x, b], [np.cos(np.exp(x) - b), np.cumsum(parts(np.exp(x)), 0)])  # type: ignore[operator]
    order = [step.node.op.name for step in plan.steps]
    assert "cos" in reused(plan)
    assert "subtract" not in reused(plan) or order.index("cumsum") < order.index("subtract")


def test_residuals_are_what_is_cheapest_to_keep() -> None:
    x, w, ct = (
        sg.placeholder("x", ("n", 3)),
        sg.placeholder("w", (3, 2)),
        sg.placeholder("ct", ("n", 2)),
    )
    h = np.tanh(x @ w)
    gradients = [x.T @ (ct * (1.0 - h * h)), (ct * (1.0 - h * h)) @ w.T]
    assert choose_residuals(gradients, [ct], [h]) == [] or {
        id(node) for node in choose_residuals(gradients, [ct], [h])
    } == {id(x), id(w), id(h)}


def test_nothing_is_written_over_that_the_return_statement_reads() -> None:
    x, u = sg.placeholder("x", ("n", "n")), sg.placeholder("u", "n")
    # In one line, so that no value takes its name from a variable.
    f = sg.function([x, u], np.exp(x) * u + (np.exp(x) * u + 3.0 * np.exp(x) * x))
    value, row = np.arange(4.0).reshape(2, 2), np.array([2.0, 3.0])
    e = np.exp(value)
    np.testing.assert_allclose(f(value, row), 2.0 * e * row + 3.0 * e * value)


def test_a_softmax_of_a_matrix_stays_in_its_memory() -> None:
    x, w = sg.placeholder("x", ("n", "k")), sg.placeholder("w", ("k", "m"))
    scores = x @ w
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    plan = plan_of([x, w], [p, p @ w.T])
    assert reused(plan) == ["subtract", "exp", "divide"]


def test_numpy_reuses_a_temporary_by_itself() -> None:
    x, y = sg.placeholder("x", ("n", "k")), sg.placeholder("y", ("n", "k"))
    e = np.exp(x)
    plan = plan_of([x, y], [np.sum(e, axis=0), x * y - e])
    assert reused(plan) == []


def test_residuals_are_no_views_and_no_detours() -> None:
    x, s, ct = (
        sg.placeholder("x", ("n", "k")),
        sg.placeholder("s", "k"),
        sg.placeholder("ct", ("n", "k")),
    )
    z = x / s
    kept = choose_residuals([np.exp(z).T @ ct, np.exp(z) * ct], [ct], [np.sum(z)])
    assert [id(node) for node in kept] == [id(np.exp(z))]


def test_filled_arrays_are_returned_as_they_are_but_once() -> None:
    x = sg.placeholder("x", "n")
    ones = sg.grad(np.sum(x), x)
    assert plan_of([x], [ones]).copied == set()
    assert plan_of([x], [ones, ones]).copied == {1}
    assert plan_of([x], [np.broadcast_to(x[0], x.shape)]).copied == {0}
