"""Patterns: every spelling of a formula, and nothing else."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import topological
from symgraph.simplify import simplify
from symgraph.simplify.flat import LIMIT
from symgraph.simplify.heads import roots
from symgraph.simplify.match import instantiate, match
from symgraph.simplify.pattern import Variable, p

X, Y = Variable("x"), Variable("y")
C = Variable("c", constant=True)

x, y, z = (sg.placeholder(name) for name in "xyz")
v = sg.placeholder("v", ("n",))
single = sg.placeholder("s", dtype="float32")

MATCHES = [
    (p.log(1 + X), np.log(x + 1), {"x": x}),
    (p.log(1 + X), np.log(1 - x), {"x": -x}),
    (p.log(1 + X), np.log(1 + single), {"x": single}),
    (p.exp(-X), np.exp(x), {"x": -x}),
    (p.exp(-X), np.exp(-1 * x), {"x": x}),
    (p.exp(-X), 1 / np.exp(x), {"x": x}),
    (p.exp(X) - 1, -1 + np.exp(x), {"x": x}),
    (p.exp(X) - 1, np.exp(x) + -1, {"x": x}),
    (p.exp(X) - 1, np.exp(v) - np.ones(1).sum(), {"x": v}),
    (X * X, x**2, {"x": x}),
    (X * X, np.square(x), {"x": x}),
    (p.square(X), x * x, {"x": x}),
    (X**2, x * x, {"x": x}),
    (1 / X, 1 / y, {"x": y}),
    (p.sqrt(X * X + Y * Y), np.sqrt(x**2 + np.square(y)), {"x": x, "y": y}),
    (p.exp(X) / (1 + p.exp(X)), np.exp(z) / (np.exp(z) + 1), {"x": z}),
    (p.sin(X) / X, np.sin(2 * x) / (2 * x), {"x": 2 * x}),
    (p.hypot(X, 1), np.hypot(1.0, x), {"x": x}),
    (p.exp(X) + p.exp(Y) + p.exp(X), np.exp(x) + (np.exp(y) + np.exp(x)), {"x": x, "y": y}),
    (p.sqrt(X + C), np.sqrt(3 + x), {"x": x, "c": None}),
]


@pytest.mark.parametrize(("pattern", "node", "wanted"), MATCHES)
def test_match(pattern, node, wanted):
    found = next(match(pattern, node))
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert value is None or found[name] is value


MISSES = [
    (p.log(1 + X), np.log(2 + x)),
    (p.log(1 + X), np.log1p(x)),
    (X * X, x * y),
    (p.exp(X) - 1, 1 - np.exp(x)),
    (p.exp(X) / (1 + p.exp(X)), np.exp(x) / (1 + np.exp(y))),
    (p.sqrt(X + C), np.sqrt(x + y)),
    (p.exp(X) + p.exp(Y), np.exp(x) + np.exp(y) + np.exp(z)),
]


@pytest.mark.parametrize(("pattern", "node"), MISSES)
def test_no_match(pattern, node):
    assert list(match(pattern, node)) == []


def test_instantiate_keeps_the_dtype():
    built = instantiate(1 / (X + 2.5), {"x": single}, single)
    assert built.dtype == np.float32
    assert instantiate(C * 0 + 1, {"c": single}, single).dtype == np.float32


def test_roots():
    assert roots(p.log(1 + X)) == ("log",)
    assert set(roots(p.exp(X) - 1)) == {"add", "subtract"}
    assert {"multiply", "divide"} <= set(roots(p.sin(X) / X))


def fired(node):
    return [firing.rule.name for firing in simplify([node]).firings]


@pytest.mark.parametrize(
    "node",
    [
        x + np.exp(z) - 1 + y,
        x + np.exp(z) + y - 1,
        (np.exp(z) + x) + (y + np.exp(z)) - 1,
        x - (1 - np.exp(z)),
        -1 + (x - y + np.exp(z)),
    ],
)
def test_part_of_a_sum(node):
    """What is beside the matched terms is put back."""
    assert "exp_minus_one" in fired(node)
    names = [a for a in (x, y, z) if a in set(topological([node]))]
    values = {x: 0.3, y: -1.7, z: 1e-3}
    args = [values[a] for a in names]
    simpler = sg.function(names, node)
    exact = sg.function(names, node, strictness="bitwise")
    assert abs(simpler(*args) - exact(*args)) < 1e-15


@pytest.mark.parametrize(
    ("node", "at"),
    [
        (x + 1 - 1 / (1 + np.exp(-z)), (-1.0, -40.0)),
        (x - 1 + np.exp(z), (1.0, -40.0)),
        ((np.exp(z) + y) + (x - 1), (1.0, -40.0)),
        (np.exp(z) - (1 + x), (-1.0, -40.0)),
        (x + 1 - np.cos(z), (-1.0, 1.5707963267948966)),
    ],
)
def test_what_may_cancel_is_not_regrouped(node, at):
    """A number that may cancel with the rest without an error stays with it."""
    values = {x: at[0], y: 0.0, z: at[1]}
    names = [a for a in (x, y, z) if a in set(topological([node]))]
    got, exact = (
        sg.function(names, node, strictness=strictness)(*[values[a] for a in names])
        for strictness in ("accurate", "bitwise")
    )
    assert got == pytest.approx(exact, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    "node",
    [y / (1 + np.exp(-x)), 3 / (np.exp(-x) + 1), -1 / (1 + np.exp(-x)), y * (1 / (1 + np.exp(x)))],
)
def test_part_of_a_product(node):
    assert "logistic" in fired(node)


def test_shapes_and_broadcasting():
    node = np.exp(v) - np.ones(()) + x
    simpler = simplify([node]).outputs[0]
    assert simpler.type == node.type
    assert "exp_minus_one" in fired(node)


def test_long_sums_are_left_alone():
    """The work for a node is bounded."""
    terms = [sg.placeholder(f"t{i}") for i in range(3 * LIMIT)]
    total = np.exp(x)
    for term in terms:
        total = total + term
    assert "exp_minus_one" not in fired(total - 1)


def test_long_chain():
    total = x
    for i in range(20_000):
        total = total + (x if i % 2 else y)
    assert simplify([total]).outputs[0] is not None
