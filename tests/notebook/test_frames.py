"""The strip of pictures that shows backpropagation."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import symgraph as sg
from symgraph.notebook.frames import frames


def texts(svg):
    return [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_values_then_gradients():
    x, w = sg.placeholder("x"), sg.placeholder("w")
    loss = np.tanh(w * x) ** 2
    strip = frames(loss, {x: 2.0, w: 0.5})
    y = np.tanh(1.0)
    slope = 2 * y * (1 - y**2)
    assert len(strip) == 7  # the function, three operations down, three up
    assert f"{y**2:.3g}" not in texts(strip.pictures[2][1])
    assert f"{y**2:.3g}" in texts(strip.pictures[3][1])
    last = texts(strip.pictures[-1][1])
    assert f"0.5, ∇ {2 * slope:.3g}" in last
    assert f"↑ {0.5 * slope:.3g}" in last
    assert strip._repr_html_().count("<img") == 7


def test_a_value_that_is_used_twice():
    x = sg.placeholder("x")
    last = texts(frames(x * x, {x: 3.0}).pictures[-1][1])
    assert last.count("↑ 3") == 2
    assert "3, ∇ 6" in last


def test_arrays_and_several_steps_a_picture():
    x = sg.placeholder("x", ("n", 2))
    strip = frames(np.sum(np.sin(x) * 2.0), {x: np.ones((3, 2))}, every=2)
    assert len(strip) == 5
    assert "3 × 2 numbers, ∇ 3 × 2 numbers" in texts(strip.pictures[-1][1])
    with pytest.raises(sg.DerivativeError):
        frames(x, {x: np.ones((3, 2))})
