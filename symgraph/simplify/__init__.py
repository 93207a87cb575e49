"""Rules that fold, tidy and stabilise, and the driver that applies them."""

from symgraph.simplify import rules as _rules
from symgraph.simplify.driver import Firing, Simplified, simplify
from symgraph.simplify.rule import RULES, Rule, rewrite

__all__ = ["RULES", "Firing", "Rule", "Simplified", "rewrite", "simplify"]

assert _rules
