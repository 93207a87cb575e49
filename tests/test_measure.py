"""Bits of error: what is sampled, what is right, and what the report says."""

import math

import mpmath
import numpy as np
import pytest

import symgraph as sg
from symgraph.exact import exact
from symgraph.measure import bits, doubles


def test_doubles_cover_the_range():
    values = np.abs(doubles(np.random.default_rng(0), 4000))
    assert values.min() < 1e-310
    assert values.max() > 1e305
    inside = doubles(np.random.default_rng(0), 400, within=(-2.0, 1e-3))
    assert inside.min() >= -2
    assert inside.max() <= 1e-3
    assert (np.abs(inside) < 1e-9).any()


@pytest.mark.parametrize("within", [(2.0, 1.0), (0.0, np.inf)])
def test_a_range_is_an_interval(within):
    with pytest.raises(sg.InputError, match="range"):
        sg.accuracy(lambda x: x + 1, within)


def test_as_many_digits_as_it_takes():
    """Two precisions may agree on what is wrong: log(1 + x) - x is -x to 100 digits."""
    x = sg.placeholder("x")
    at = np.array([1e-128, 1e-300, -1e-5])
    (found,) = exact([np.log(1 + x) - x], {x: at})
    with mpmath.workdps(700):
        wanted = [mpmath.log1p(mpmath.mpf(v)) - mpmath.mpf(v) for v in at]
    assert all(abs(a - b) <= 1e-20 * abs(b) for a, b in zip(found, wanted, strict=True))


def test_where_no_value_is_defined():
    x = sg.placeholder("x")
    (found,) = exact([np.log(x)], {x: np.array([-1.0, 0.0, 1.0])})
    assert [bool(mpmath.isnan(v)) for v in found] == [True, True, False]


def test_arrays_and_reductions():
    v = sg.placeholder("v", ("n",))
    (found,) = exact([np.log(np.sum(np.exp(v)))], {v: np.array([1000.0, 1000.0])})
    assert math.isclose(float(found), 1000 + math.log(2))


def test_bits():
    assert bits(0.0) == 0
    assert bits(1.0) == 1
    assert bits(np.inf) == 64
    assert bits(1e200) == 53


def test_report():
    report = sg.accuracy(lambda x: np.exp(x) - 1, (-1.0, 1.0), gradients=True, samples=60)
    row = report["value"]
    assert row.average_before > 10
    assert row.worst_after < 2
    assert report["d_x"].worst_after < 2
    assert "value, as compiled" in str(report)
    assert report._repr_html_().startswith("<table>")


def test_report_of_an_array():
    v = sg.placeholder("v", ("n",))
    report = sg.accuracy(np.log(np.sum(np.exp(v))), {"v": (-900.0, 900.0)}, samples=16)
    assert report["value"].worst_before == 64
    assert report["value"].worst_after < 2


def test_ranges_name_inputs():
    with pytest.raises(sg.InputError, match="no input"):
        sg.accuracy(lambda x: x + 1, {"y": (0.0, 1.0)})


def test_what_cannot_be_measured():
    with pytest.raises(sg.InputError):
        sg.accuracy(sg.placeholder("k", dtype="int64") + 1)
