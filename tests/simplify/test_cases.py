"""Rewrites as text: a line before, a line after, a blank line."""

from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from symgraph.plan.lower import lower
from symgraph.simplify import simplify

NAMES = {
    "np": np,
    "sg": sg,
    "x": sg.placeholder("x", "n"),
    "y": sg.placeholder("y", "n"),
    "w": sg.placeholder("w", "n", "float32"),
    "C": sg.placeholder("C", ("n", 2), "float32"),
    "v": sg.placeholder("v", 3),
    "A": sg.placeholder("A", (3, 3)),
    "B": sg.placeholder("B", (3, 3)),
}
NAMES["n"] = NAMES["x"].shape[0]


def read(folder=""):
    """All cases with their places."""
    for path in sorted((Path(__file__).with_name("cases") / folder).glob("*.txt")):
        for text in path.read_text(encoding="utf-8").strip().split("\n\n"):
            before, after = text.splitlines()
            yield pytest.param(before, after, id=f"{path.stem}: {before}")


@pytest.mark.parametrize(("before", "after"), list(read()))
def test_case(before, after):
    expected = eval(after, NAMES)
    (result,) = simplify([eval(before, NAMES)]).outputs
    assert result is simplify([expected]).outputs[0]


@pytest.mark.parametrize(("before", "after"), list(read("numpy")))
def test_case_as_numpy_is_told(before, after):
    lowered, _ = lower(simplify([eval(before, NAMES)]).outputs)
    (result,) = simplify(lowered, stage="numpy").outputs
    assert result is eval(after, NAMES)


def test_products_for_powers_share_their_parts():
    x = NAMES["x"]
    graph = simplify([x**2, x**3, x**6, x**-3], "real").outputs
    powers = simplify(graph, "real", stage="numpy").outputs
    cube = np.square(x) * x
    expected = [np.square(x), cube, np.square(cube), 1 / np.square(x) / x]
    assert all(a is b for a, b in zip(powers, expected, strict=True))


def test_a_mask_as_numbers_hides_what_is_large():
    A = NAMES["A"]
    total = sg.function([A], np.sum(A * (1 - sg.eye(3))))
    assert total(0.1 + 1e17 * np.eye(3)) == pytest.approx(0.6, rel=1e-15)


def test_gradients_read_as_one_writes_them():
    x, y = NAMES["x"], NAMES["y"]
    loss = np.sum(np.sqrt(x**2 + 3)) + np.sum(x * np.log(x)) + np.mean(np.maximum(y, 1.0))
    source = sg.function([x, y], sg.grad(loss, [x, y])).source
    assert not any(part in source for part in ("0.5 /", "x / x", "np.where"))
