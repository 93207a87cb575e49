"""A user's own rules: declared, checked, used, switched off."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.simplify import RULES, p
from symgraph.simplify import rule as named
from symgraph.testing import check_rule, rule_table


@pytest.fixture
def own_rules():
    before = list(RULES)
    yield
    RULES[:] = before


@pytest.mark.usefixtures("own_rules")
def test_a_rule_of_ones_own():
    @sg.equation(keeps="accurate")
    def own_double(x):
        """sinh(x) * cosh(x) = sinh(2 * x) / 2."""
        return p.sinh(x) * p.cosh(x), 0.5 * p.sinh(2 * x)

    mine = named("own_double")
    result = check_rule(mine)
    assert result, result
    assert result.proofs == ["50 digits at points"]
    x = sg.placeholder("x")
    node = np.sinh(x) * np.cosh(x)
    assert sg.simplify(node, rules=[mine]) is 0.5 * np.sinh(2.0 * x)
    assert sg.simplify({"y": node}, without=["own_double"])["y"] is node


@pytest.mark.usefixtures("own_rules")
def test_a_wrong_rule_does_not_pass():
    @sg.equation(keeps="accurate")
    def own_mistake(x):
        """exp(x) * exp(x) = exp(x)."""
        return p.square(p.exp(x)), p.exp(x)

    result = check_rule(named("own_mistake"))
    assert not result
    assert "differ" in str(result)


@pytest.mark.usefixtures("own_rules")
def test_a_rule_that_loses_digits_does_not_pass():
    @sg.equation(keeps="accurate")
    def own_step_back(x):
        """expm1(x) = exp(x) - 1."""
        return p.expm1(x), p.exp(x) - 1

    result = check_rule(named("own_step_back"))
    assert any("loses more than a bit" in problem for problem in result.problems)
    assert any("undo each other" in problem for problem in result.problems)


def test_names_of_rules_and_levels_exist():
    x = sg.placeholder("x")
    with pytest.raises(sg.InputError, match="no rule"):
        sg.simplify(x, without=["nothing"])
    with pytest.raises(sg.InputError, match="strictness"):
        sg.simplify(x, strictness="wild")


def test_table():
    table = rule_table([named("log_one_plus"), named("transpose_twice")], accuracy=True)
    first, second = table.rows
    assert (first.keeps, first.proof) == ("accurate", "SymPy")
    assert first.region is not None
    assert second.proof == "random arrays"
    assert "log(1 + x) = log1p(x)" in str(table)
    assert table._repr_html_().count("<tr>") == 3
