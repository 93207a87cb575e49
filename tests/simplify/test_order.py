"""A formula becomes the same whatever the order and grouping of its terms and factors."""

import random

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.node import topological

x, y, z = (sg.placeholder(name, "n") for name in "xyz")
ORDERS = 12


class Written:
    """Sums and products in an order and a grouping by chance."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def _grouped(self, parts, join, undo):
        """Parts ``(value, sign)``, joined two neighbours at a time."""
        parts = list(parts)
        self._random.shuffle(parts)
        while len(parts) > 1:
            i = self._random.randrange(len(parts) - 1)
            (a, sign), (b, other) = parts[i : i + 2]
            parts[i : i + 2] = [(join(a, b) if sign == other else undo(a, b), sign)]
        return parts[0]

    def sum(self, *plus, minus=()):
        parts = [(term, 1) for term in plus] + [(term, -1) for term in minus]
        value, sign = self._grouped(parts, lambda a, b: a + b, lambda a, b: a - b)
        return value if sign > 0 else -value

    def product(self, *times, over=()):
        parts = [(factor, 1) for factor in times] + [(factor, -1) for factor in over]
        value, sign = self._grouped(parts, lambda a, b: a * b, lambda a, b: a / b)
        return value if sign > 0 else 1 / value


def square(w, value):
    return w.product(value(), value())


def both(w):
    return w.sum(x, z)


def twice(w, sign=1):
    return w.product(2.0 * sign, x)


FORMULAS = {
    "log(1 + exp(x))": lambda w: np.log(w.sum(1.0, np.exp(twice(w)))),
    "exp(x) / (1 + exp(x))": lambda w: w.product(
        np.exp(both(w)), over=[w.sum(1.0, np.exp(both(w)))]
    ),
    "sqrt(x**2 + 1) - 1": lambda w: w.sum(
        np.sqrt(w.sum(square(w, lambda: twice(w)), 1.0)), minus=[1.0]
    ),
    "sqrt((x + z)**2)": lambda w: np.sqrt(square(w, lambda: both(w))),
    "1 - tanh(x)**2": lambda w: w.sum(1.0, minus=[square(w, lambda: np.tanh(twice(w)))]),
    "exp(x) - 1 - x": lambda w: w.sum(np.exp(twice(w)), minus=[1.0, twice(w)]),
    "exp(x) + exp(-x) - 2": lambda w: w.sum(np.exp(x), np.exp(-x), minus=[2.0]),
    "tanh": lambda w: w.product(
        w.sum(np.exp(twice(w)), minus=[np.exp(twice(w, -1))]),
        y,
        over=[w.sum(np.exp(twice(w)), np.exp(twice(w, -1)))],
    ),
    "log of three": lambda w: np.log(w.sum(np.exp(x), np.exp(y), np.exp(z))),
    "three squares": lambda w: np.sqrt(w.sum(*[square(w, lambda v=v: v) for v in (x, y, z)])),
    "arcsinh": lambda w: np.log(w.sum(both(w), np.sqrt(w.sum(1.0, square(w, lambda: both(w)))))),
    "(1 - cos(x)) / x**2": lambda w: w.product(w.sum(1.0, minus=[np.cos(x)]), over=[x, x]),
    "sqrt(x + 1) - sqrt(x)": lambda w: w.sum(np.sqrt(w.sum(x, 1.0)), minus=[np.sqrt(x)]),
    "cross entropy": lambda w: w.sum(
        w.product(y, np.log(1 / w.sum(1.0, np.exp(-x)))),
        w.product(w.sum(1.0, minus=[y]), np.log(w.sum(1.0, minus=[1 / w.sum(1.0, np.exp(-x))]))),
    ),
}
PLAIN = {"add", "subtract", "multiply", "divide", "negative", "square", "constant", "placeholder"}


def functions(node):
    """Names of the functions that are computed, each as often as it is."""
    return sorted(n.op.name for n in topological([sg.simplify(node)]) if n.op.name not in PLAIN)


@pytest.mark.parametrize("name", FORMULAS)
def test_order_and_grouping(name):
    found = [functions(FORMULAS[name](Written(seed))) for seed in range(ORDERS)]
    assert all(names == found[0] for names in found), found


@pytest.mark.parametrize("strictness", ["bitwise", "accurate"])
def test_what_differs_by_the_order_of_two_operands_is_one_node(strictness):
    node = sg.simplify(np.sin(x + y) * np.cos(y + x) + (y + x), strictness=strictness)
    assert sum(n.op.name == "add" for n in topological([node])) == 2


def test_the_larger_of_two_zeros_is_not_turned_in_bitwise():
    node = np.maximum(x, y) - np.maximum(y, x)
    assert sg.simplify(node, strictness="bitwise") is node
    assert len(topological([sg.simplify(node, strictness="accurate")])) == 4
