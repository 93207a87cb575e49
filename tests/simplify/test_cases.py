"""Rewrites as text: a line before, a line after, a blank line."""

from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from symgraph.simplify import simplify

NAMES = {
    "np": np,
    "sg": sg,
    "x": sg.placeholder("x", "n"),
    "y": sg.placeholder("y", "n"),
    "w": sg.placeholder("w", "n", "float32"),
    "v": sg.placeholder("v", 3),
    "A": sg.placeholder("A", (3, 3)),
    "B": sg.placeholder("B", (3, 3)),
}
NAMES["n"] = NAMES["x"].shape[0]


def read():
    """All cases with their places."""
    for path in sorted(Path(__file__).with_name("cases").glob("*.txt")):
        for text in path.read_text(encoding="utf-8").strip().split("\n\n"):
            before, after = text.splitlines()
            yield pytest.param(before, after, id=f"{path.stem}: {before}")


@pytest.mark.parametrize(("before", "after"), list(read()))
def test_case(before, after):
    expected = eval(after, NAMES)
    (result,) = simplify([eval(before, NAMES)]).outputs
    assert result is simplify([expected]).outputs[0]
