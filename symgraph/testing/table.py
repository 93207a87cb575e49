"""The table of rules, with law, class, proof and accuracy."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.simplify.common import Headroom
from symgraph.simplify.rule import RULES, Rule
from symgraph.testing.proofs import prove
from symgraph.testing.regions import Region, regions
from symgraph.testing.sides import scalar_case

__all__ = ["RuleTable", "rule_table"]


@record
class RuleRow:
    """A rule in the table: its law, class and proof, and what it does to the digits.

    Attributes
    ----------
    name, law, keeps, proof : str
    headroom : str
        What operands must stay clear of at the ends of the range.
    region : Region or None
        The region that loses most, where the rule is a formula of scalars.
    """

    name: str
    law: str
    keeps: str
    proof: str
    headroom: str
    region: Region | None


@dataclass(frozen=True)
class RuleTable:
    """Rules with their laws, classes, proofs and accuracy; prints as text, shows as HTML."""

    rows: list[RuleRow]

    def _cells(self) -> list[list[str]]:
        return [
            [
                row.name,
                row.law,
                row.keeps,
                row.proof,
                row.headroom,
                ""
                if row.region is None
                else f"{row.region.average_before:.1f} -> {row.region.average_after:.1f}, "
                f"{row.region.worst_before:.1f} -> {row.region.worst_after:.1f}",
            ]
            for row in self.rows
        ]

    def __str__(self) -> str:
        cells = [_HEAD, *self._cells()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(_HEAD))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(text)}</th>" for text in _HEAD)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._cells()
        )
        return f"<table><tr>{head}</tr>{body}</table>"


_HEAD = [
    "rule",
    "law",
    "keeps",
    "shown by",
    "clear of the ends",
    "bits of error, average and worst, where it loses most",
]


@public
def rule_table(rules: Sequence[Rule] | None = None, *, accuracy: bool = False) -> RuleTable:
    """The rules with their laws, what they keep, and how each is shown.

    Parameters
    ----------
    rules : sequence of Rule, optional
        By default all of the library's.
    accuracy : bool, optional
        Also measure the bits of error by region: some seconds for each formula.

    Examples
    --------
    >>> from symgraph.simplify import RULES
    >>> print(rule_table([rule for rule in RULES if rule.name == "odd"]))
    rule  law                                keeps     shown by ...
    odd   op(-x) = -op(x) for odd functions  accurate  SymPy
    """
    rows: list[RuleRow] = []
    for rule in RULES if rules is None else rules:
        proofs = [prove(rule, number) or "random arrays" for number in range(len(rule.examples))]
        found: list[Region] = []
        case = scalar_case(rule) if accuracy and rule.keeps == "accurate" else None
        if case is not None:
            rng = np.random.default_rng(zlib.crc32(rule.name.encode()))
            found = regions(*case, rng, rule.headroom)
        worst = max(found, key=lambda region: region.lost, default=None)
        rows.append(
            RuleRow(
                rule.name,
                rule.law,
                rule.keeps,
                ", ".join(dict.fromkeys(proofs)),
                _headroom(rule.headroom),
                worst,
            )
        )
    return RuleTable(rows)


def _headroom(headroom: Headroom) -> str:
    if headroom == "half":
        return "half of the range"
    return f"{headroom} powers of two" if headroom > 1 else "the last power of two" * headroom
