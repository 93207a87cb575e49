"""The table of what exists is read off what exists."""

import pytest

import symgraph as sg
from symgraph.notebook.coverage import coverage, markdown


@pytest.fixture(scope="module")
def rows():
    return coverage(sg)


def test_the_goal_is_reached(rows):
    differentiable = [row for row in rows if row.differentiable]
    assert len(differentiable) >= 260
    loops = ["cond", "scan", "signal.lfilter"]  # batched by the transform itself
    assert [row.name for row in differentiable if not row.batched] in ([], loops)


def test_both_modes_come_together(rows):
    assert [row.name for row in rows if row.forward != row.reverse] == []


def test_kinds_dtypes_and_conventions_are_those_of_the_operations(rows):
    by_name = {row.name: row for row in rows}
    assert len(by_name) == len(rows)
    assert by_name["sin"].kind == "element-wise"
    assert by_name["sum"].kind == "linear"
    assert by_name["linalg.cholesky"].kind == "structured"
    assert by_name["nn.gelu"].kind in ("composed", "element-wise")
    assert "complex128" in by_name["exp"].dtypes
    assert "complex128" not in by_name["hypot"].dtypes
    assert not by_name["floor_divide"].differentiable
    assert not by_name["argmax"].differentiable
    assert by_name["maximum"].convention == "At a tie each gets half the derivative"
    assert "acos" not in by_name
    assert by_name["stats.gamma"].differentiable
    assert by_name["stats.gamma"].batched
    assert by_name["stats.gamma"].convention.startswith("pdf, logpdf")


def test_the_table_has_one_line_for_each(rows):
    table = markdown(rows).splitlines()
    assert len(table) == len(rows) + 2
    assert {line.replace(r"\|", "").count("|") for line in table} == {7}
