"""Checks of rewrites, for the rules of the library and for a user's own."""

from symgraph.testing.check import RuleCheck, check_rule, same_bits
from symgraph.testing.proofs import prove
from symgraph.testing.regions import Region, regions
from symgraph.testing.sides import as_stated, left_side, rewritten, scalar_case
from symgraph.testing.table import RuleTable, rule_table

__all__ = [
    "Region",
    "RuleCheck",
    "RuleTable",
    "as_stated",
    "check_rule",
    "left_side",
    "prove",
    "regions",
    "rewritten",
    "rule_table",
    "same_bits",
    "scalar_case",
]
