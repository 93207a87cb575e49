"""Derivatives against textbooks: a line of symgraph, a line of NumPy, a blank line.

The numbers agree, and nothing is built that the second line does not build: no identity, no array
of zeros to write into, no one-hot product, no loop.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg

N, M = 4, 3
NODES = {
    "x": sg.placeholder("x", "n"),
    "v": sg.placeholder("v", "n"),
    "w": sg.placeholder("w", "n"),
    "y": sg.placeholder("y", "m"),
    "A": sg.placeholder("A", ("n", "n")),
    "P": sg.placeholder("P", ("n", "n")),
    "B": sg.placeholder("B", ("m", "n")),
    "X": sg.placeholder("X", ("m", "n")),
}
SIZES = {"n": N, "m": M}
RNG = np.random.default_rng(3)
VALUES = {
    name: RNG.standard_normal([SIZES[str(dim)] for dim in node.shape])
    for name, node in NODES.items()
}
VALUES["P"] = VALUES["P"] @ VALUES["P"].T / 4 + np.eye(N) + 0.1 * VALUES["A"]
VALUES["y"] = np.abs(VALUES["y"])


def softmax(x):
    return np.exp(x) / np.sum(np.exp(x))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


DERIVATIVES = {
    "J": partial(sg.jacobian, unconnected="zero"),
    "H": sg.hessian,
    "G": sg.grad,
    "np": np,
    "sg": sg,
}
TEXTBOOK = {"np": np, "p": softmax, "s": sigmoid, **SIZES}
BUILT = ("np.eye", "np.diag(", "np.zeros", "np.arange", "np.add.at", "np.einsum", "for ")


def read():
    text = Path(__file__).with_name("closed_forms.txt").read_text(encoding="utf-8")
    for case in text.strip().split("\n\n"):
        before, after = case.splitlines()
        yield pytest.param(before, after, id=before)


CASES = list(read())


def test_there_are_many():
    assert len(CASES) >= 40


@pytest.mark.parametrize(("derivative", "textbook"), CASES)
def test_closed_form(derivative, textbook):
    node = eval(derivative, {**DERIVATIVES, **NODES})
    f = sg.function(list(NODES.values()), node)
    found = f(*VALUES.values())
    wanted = eval(textbook, {**TEXTBOOK, **VALUES})
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    body = f.source.split("import numpy as np")[1]
    assert [part for part in BUILT if part in body and part not in textbook] == []
