"""What `explain` says, of functions and of expressions."""

import pickle

import numpy as np
import pytest

import symgraph as sg

X = sg.placeholder("x", "n")


def test_a_rewrite_says_what_it_saves():
    (row,) = sg.explain(np.log(1 + X) * 2).rewrites
    assert (row.rule, row.keeps, row.nodes, str(row.flops)) == (
        "log_one_plus",
        "accurate",
        1,
        "-3 * n",
    )
    assert row.saved == "saves 1 node, 8 * n bytes; costs 3 * n flops"
    # What is gone may be far more than what the law shows.
    (row,) = sg.explain(0.0 * np.sum(np.sin(np.cos(X))), strictness="real").rewrites
    assert (row.nodes, str(row.flops)) == (4, "15 * n + 1")


def test_every_line_of_source_has_the_users_line():
    z = np.sin(X)
    loss = np.sum(z * z)
    f = sg.function([X], [loss, sg.grad(loss, X)])
    lines = dict(f.explain().lines)
    assert lines["    z = np.sin(x)"].endswith("z = np.sin(X)")
    gradient = next(where for line, where in lines.items() if line.startswith("    d_x ="))
    assert gradient.startswith("gradient of test_explanation.py")
    assert f.explain().costs[0].flops == f.graph.cost().flops


def test_an_explanation_travels():
    f = sg.function([X], np.log(1 + np.exp(X)) - 0.0)
    again = pickle.loads(pickle.dumps(f)).explain()
    assert (str(again), again.lines) == (str(f.explain()), f.explain().lines)
    assert "saves" in again._repr_html_()


def softplus(v, *_):
    return np.log(1 + np.exp(v))  # what is rewritten


OWN = sg.custom_derivative(lambda v: softplus(v), vjp=lambda y, args, ct: ct * args[0])
POINT = sg.placeholder("s")


@pytest.mark.parametrize(
    "node",
    [
        sg.scan(lambda c, _: (softplus(c), None), X, length=3)[0],
        sg.cond(POINT > 0, softplus, np.cos, POINT),
        sg.fixed_point(lambda v, s: 0.1 * softplus(v) * s, 1.0, POINT),
        sg.root(lambda v, s: v - 0.1 * softplus(v) * s, 1.0, POINT),
        sg.vmap(softplus)(sg.placeholder("M", ("n", 3))),
        OWN(X),
        sg.scan(lambda c, _: (sg.cond(c > 0, softplus, np.cos, c), None), POINT, length=3)[0],
    ],
)
def test_rewrites_inside_of_loops_branches_and_functions(node):
    compiled = sg.function(list(sg.explain(node).graph.inputs), node)
    assert "log1p" in compiled.source
    pair = sg.forward_backward(compiled.graph.inputs, node)
    for found in (compiled.explain(), sg.explain(node), pair.explain()):
        where = [row.where for row in found.rewrites if row.rule == "log_one_plus"]
        assert len(where) == 1
        assert where[0].endswith("return np.log(1 + np.exp(v))  # what is rewritten")


def test_what_has_no_line_shows_that_of_what_needs_it():
    # Of -(1 / n), which is the same node wherever it is written.
    loss = np.mean(np.log(1 + np.exp(-X)))
    rows = sg.function([X], [loss, sg.grad(loss, X)]).explain().rewrites
    assert "-(1.0 / n)" in [row.before for row in rows]
    assert all("test_explanation.py" in row.where for row in rows)


def test_two_expressions_are_the_same_or_not_shown_to_be():
    found = sg.explain(-np.log(1 / (1 + np.exp(-X))), np.log(1 + np.exp(-X)))
    assert found.agrees
    assert "softplus" in str(found)
    assert "backwards" in str(found)
    assert sg.explain(np.sin(X), np.cos(X)).agrees is False


def test_rules_are_switched_off_by_name():
    log = np.log(1 + X)
    for source in (
        sg.function([X], log, without=["log_one_plus"]).source,
        sg.forward_backward([X], log, without=["log_one_plus"]).source,
        sg.function(
            [X],
            sg.scan(lambda c, _: (np.log(1 + c), None), X, length=3)[0],
            without=["log_one_plus"],
        ).source,
    ):
        assert "log1p" not in source
        assert "np.log(1 + " in source
    with pytest.raises(sg.InputError, match="log_one_plus or"):
        sg.function([X], log, without=["log_oneplus"])
    with pytest.raises(sg.InputError, match="in a list"):
        sg.simplify(log, without="log_one_plus")
