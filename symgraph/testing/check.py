"""A rule as a whole: that it fires, keeps the type, and what it promises."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgraph.errors import SymgraphError
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node
from symgraph.graph.refusal import public
from symgraph.graph.sizes import evaluate
from symgraph.measure import doubles
from symgraph.simplify.driver import simplify
from symgraph.simplify.rule import Rule
from symgraph.testing.proofs import Proof, prove
from symgraph.testing.regions import Region, regions
from symgraph.testing.sides import as_stated, left_side, rewritten, scalar_case
from symgraph.transforms.vjp import grad

__all__ = ["RuleCheck", "check_rule", "same_bits"]


@dataclass
class RuleCheck:
    """What `check_rule` found; prints as text, and is true if nothing is wrong.

    Attributes
    ----------
    rule : Rule
    proofs : list of str
        For each example how its law was shown.
    regions : list of Region
        Accuracy of the examples that are formulas of scalars.
    problems : list of str
    """

    rule: Rule
    proofs: list[Proof] = field(default_factory=list[Proof])
    regions: list[Region] = field(default_factory=list[Region])
    problems: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        """Whether the rule keeps its promise."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    @property
    def worst(self) -> Region | None:
        """The region that loses most, or wins least."""
        return max(self.regions, key=lambda region: region.lost, default=None)

    def __str__(self) -> str:
        shown = ", ".join(sorted(set(self.proofs))) or "nothing"
        lines = [f"{self.rule.name}: {self.rule.law} ({self.rule.keeps}; by {shown})"]
        if self.worst is not None:
            lines.append(f"  {self.worst}")
        lines += [f"  FAILED: {problem}" for problem in self.problems]
        return "\n".join(lines)

    __repr__ = __str__


@public
def check_rule(rule: Rule, *, accuracy: bool = True, seed: int = 0) -> RuleCheck:
    """Try a rewrite on its own examples: that it fires, keeps the type, and what it promises.

    * ``bitwise``: the same bits for random values, huge and tiny ones, NaN, infinities and zeros
      of either sign.
    * ``accurate``: no region of an operand loses more than a bit, in the worst case or on
      average, against mpmath; sums and products of arrays are equal up to rounding.
    * ``real``: equal up to rounding at ordinary values.

    Of all three the law is proved by SymPy where it can (see `prove`), and gradients of both
    sides agree. Together with all other rules, of which it must be one, it must come to an end.

    Parameters
    ----------
    rule : Rule
    accuracy : bool, optional
        Whether to measure accuracy by region, which takes most of the time.
    seed : int, optional

    Returns
    -------
    RuleCheck

    Examples
    --------
    >>> from symgraph.simplify import RULES
    >>> bool(check_rule(next(rule for rule in RULES if rule.name == "involution")))
    True
    """
    result = RuleCheck(rule)
    rng = np.random.default_rng(zlib.crc32(rule.name.encode()) + seed)
    if not rule.examples:
        result.problems.append("it has no examples")
    for number in range(len(rule.examples)):
        sides = [side for shape in (("n",), ()) for side in _sides(rule, number, shape)]
        if not sides:
            result.problems.append(f"example {number}: it does not fire")
            continue
        for nodes, before, after in sides:
            result.problems += _compared(rule, nodes, before, after, rng)
        try:
            result.proofs.append(prove(rule, number) or "random arrays")
        except AssertionError as error:
            result.problems.append(f"example {number}: {error}")
        result.problems += _cycles(sides[0][1])
        case = scalar_case(rule, number) if accuracy and rule.keeps == "accurate" else None
        if case is not None:
            result.regions += regions(*case, rng, rule.headroom)
    result.problems += [f"loses more than a bit: {r}" for r in result.regions if r.lost > 1]
    return result


def _cycles(before: Node) -> list[str]:
    """Whether the library's rules take back what the rule does."""
    try:
        simplify([before], "real")
    except SymgraphError as error:
        return [error.args[0].splitlines()[0]]
    return []


def _sides(rule: Rule, number: int, shape: Any) -> Iterator[tuple[list[Node], Node, Node]]:
    for dtype in ("float64", "float32", "int64", "bool", "complex128"):
        found = left_side(rule, number, shape, dtype)
        after = None if found is None else rewritten(rule, found[1])
        if found is not None and after is not None:
            yield *found, after


SIZES = {"n": 16}
_SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -3.0, 1e10, 5e-324, 1e308, np.inf, -np.inf, np.nan)


def _values(nodes: Sequence[Node], rng: np.random.Generator, special: bool) -> dict[Node, Any]:
    """Ordinary values, or everything that floats can be."""
    values: dict[Node, Any] = {}
    for node in nodes:
        shape = tuple([evaluate(dim, SIZES) for dim in node.shape])
        if node.dtype.kind in "fc" and special:
            drawn = doubles(rng, int(np.prod(shape)), "float64").reshape(shape)
            odd = rng.choice(_SPECIAL, shape)
            with np.errstate(all="ignore"):
                values[node] = np.where(rng.uniform(size=shape) < 0.5, odd, drawn).astype(
                    node.dtype
                )
        elif node.dtype.kind in "fc":
            values[node] = rng.uniform(0.1, 0.9, shape).astype(node.dtype)
        else:
            high = 2 if node.dtype.kind == "b" else 3
            values[node] = rng.integers(0, high, shape).astype(node.dtype)
        values[node] = as_stated(node, values[node])
    return values


def _run(node: Node, values: Mapping[Node, Any]) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(interpret([node], values, SIZES)[0])


@public
def same_bits(first: Any, second: Any) -> bool:
    """Equal, with the signs of zeros; NaNs in the same places."""
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    if first.dtype.kind not in "fc":
        return bool(np.array_equal(first, second))
    nan = np.isnan(first)
    if not np.array_equal(nan, np.isnan(second)):
        return False
    return bool(first[~nan].tobytes() == second[~nan].tobytes())


def _compared(
    rule: Rule, nodes: Sequence[Node], before: Node, after: Node, rng: np.random.Generator
) -> list[str]:
    """What is wrong with the values and gradients of two sides."""
    if after.result_type != before.result_type:
        return [f"the type {before.result_type} becomes {after.result_type}"]
    if rule.keeps == "bitwise":
        for _ in range(5):
            values = _values(nodes, rng, special=True)
            if not same_bits(_run(before, values), _run(after, values)):
                return [f"bits differ: {before!r} and {after!r}"]
    values = _values(nodes, rng, special=False)
    first, second = _run(before, values), _run(after, values)
    tolerance = 1e-4 if first.dtype in (np.float32, np.complex64) else 1e-11
    ok = np.isfinite(first)
    if not np.allclose(second[ok], first[ok], rtol=tolerance, atol=tolerance):
        return [f"values differ: {before!r} and {after!r}"]
    wrt = [node for node in nodes if node.dtype == np.float64]
    if not wrt or before.dtype != np.float64:
        return []
    slopes = [
        grad(side.sum() if side.ndim else side, wrt, unconnected="zero") for side in (before, after)
    ]
    for one, other in zip(*slopes, strict=True):
        a, b = _run(one, values), _run(other, values)
        ok = np.isfinite(a)
        if not np.allclose(b[ok], a[ok], rtol=1e-9, atol=1e-9):
            return [f"gradients differ: of {before!r} and {after!r}"]
    return []
