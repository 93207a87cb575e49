"""Checks of rewrites, for the rules of the library and for a user's own."""

from __future__ import annotations

import inspect
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from math import e, log2, log10
from typing import Any, Literal, TypeAlias

import numpy as np

from symgraph.errors import SymgraphError, UnsupportedError
from symgraph.exact import GROWING, is_pointwise, mpmath
from symgraph.graph.evaluate import interpret
from symgraph.graph.leaves import Constant
from symgraph.graph.node import Node, placeholder, topological
from symgraph.graph.record import record
from symgraph.graph.sizes import evaluate
from symgraph.measure import Errors, bits, doubles, errors_of
from symgraph.ops.kinds import Elementwise
from symgraph.simplify.common import Headroom, headroom_of
from symgraph.simplify.driver import fitted, simplify
from symgraph.simplify.rule import RULES, Rule
from symgraph.transforms.vjp import grad

__all__ = [
    "Region",
    "RuleCheck",
    "RuleTable",
    "check_rule",
    "left_side",
    "prove",
    "regions",
    "rewritten",
    "rule_table",
    "same_bits",
    "scalar_case",
]

Proof: TypeAlias = Literal["SymPy", "50 digits at points", "random arrays"]

# Left sides --------------------------------------------------------------------------------------


def _kind_of(name: str, shape: Any, dtype: str) -> tuple[Any, Any]:
    """dtype and shape of what a parameter of an example stands for."""
    vector = ("n",) if shape == ("n",) else (3,)
    floats = dtype if np.dtype(dtype).kind in "fc" else "float64"
    return {
        **dict.fromkeys("xyz", (dtype, shape)),
        **dict.fromkeys("abc", (dtype, ())),
        **dict.fromkeys("uv", (dtype, vector)),
        **dict.fromkeys("AB", (floats, (vector[0], vector[0]))),
        "m": ("bool", shape),
        "k": ("int64", vector),
    }[name]


def left_side(
    rule: Rule, number: int = 0, shape: Any = ("n",), dtype: str = "float64"
) -> tuple[list[Node], Node] | None:
    """Placeholders and the node of an example; ``None`` where it cannot be built so.

    Parameters
    ----------
    rule : Rule
    number : int
        Which of its examples.
    shape : shape
        Of x, y, z; the other parameters have shapes of their own (see `Rule`).
    dtype : str
    """
    build: Any = rule.examples[number]
    nodes: list[Node] = []
    for name in inspect.signature(build).parameters:
        kind, dims = _kind_of(name, shape, dtype)
        nodes.append(placeholder(name, dims, kind))
    try:
        return nodes, build(*nodes)
    except (SymgraphError, TypeError, OverflowError):
        return None


def rewritten(rule: Rule, node: Node) -> Node | None:
    """What a rule puts in the place of a node, in its type; ``None`` if it does not fire."""
    if not rule.begins(node.op):
        return None
    after = rule.apply(node)
    after = None if after is None else fitted(after, node)
    return None if after is node else after


# Accuracy by region ------------------------------------------------------------------------------

BANDS = (-1100, -900, -500, -100, -20, -6, -2, 1, 4, 7, 20, 100, 500, 1100)
"""Exponents of two between which, for either sign, a region of an operand lies."""

_BANDS = tuple(itertools.pairwise(BANDS))
_MANY, _FEW = 8, 2
_Sample: TypeAlias = "tuple[Mapping[Node, Any], Errors]"
_HALF = log2(1.5)
"""Bits of error of what is correctly rounded."""


@record
class Region:
    """The bits of error where one operand has one sign and exponents in one band.

    Attributes
    ----------
    operand : str
    low, high : float
    points : int
        Where the left side is defined and in range.
    average_before, average_after, worst_before, worst_after : float
    """

    operand: str
    low: float
    high: float
    points: int
    average_before: float
    average_after: float
    worst_before: float
    worst_after: float

    @property
    def lost(self) -> float:
        """By how many bits the right side is worse, in the worst case or on average."""
        return max(
            self.worst_after - max(self.worst_before, _HALF),
            self.average_after - max(self.average_before, _HALF),
        )

    def __str__(self) -> str:
        return (
            f"{self.low:.3g} <= {self.operand} <= {self.high:.3g}: bits of error on average "
            f"{self.average_before:.2f} before, {self.average_after:.2f} after; at worst "
            f"{self.worst_before:.2f} before, {self.worst_after:.2f} after"
        )


def regions(
    nodes: Sequence[Node],
    before: Node,
    after: Node,
    rng: np.random.Generator,
    headroom: Headroom = 0,
) -> list[Region]:
    """Errors of two formulas of scalars, by sign and exponent of each operand.

    Parameters
    ----------
    nodes : sequence of Node
        Placeholders of shape ().
    before, after : Node
    rng : numpy.random.Generator
    headroom : int or "half"
        Binary orders of magnitude to stay clear of both ends of the range (see `Rule`).
    """
    floats = [node for node in nodes if node.dtype.kind == "f"]
    most = _MOST_GROWING if _grows(before) else None

    def measured(chosen: Node, bands: Sequence[tuple[int, int]], times: int) -> _Sample:
        draw = _by_band(rng, nodes, chosen, headroom, most, bands, times)
        values = {node: draw[node].astype(node.dtype) for node in nodes}
        return values, errors_of(before, after, values)

    samples = [measured(node, _BANDS, 1) for node in floats]
    found: list[Region] = []
    for node in floats:
        for band in _BANDS:
            for sign in (-1.0, 1.0):
                region = _region(node, samples, band, sign)
                if region is not None and region.lost > 1:
                    # The worst of a few points is a matter of chance where the sides cancel.
                    more = measured(node, [band], _MORE)
                    region = _region(node, [*samples, more], band, sign)
                if region is not None:
                    found.append(region)
    return found


_MORE = 40
"""How many times as many points decide about a region that seems to lose more than a bit."""

_MOST_GROWING = 12


def _grows(node: Node) -> bool:
    """Whether large values give numbers of thousands of digits, or none within the range."""
    return any(part.op.name in GROWING for part in topological([node]))


def _by_band(
    rng: np.random.Generator,
    nodes: Sequence[Node],
    chosen: Node,
    headroom: Headroom,
    limit: int | None,
    bands: Sequence[tuple[int, int]],
    times: int,
) -> Mapping[Node, np.ndarray[Any, Any]]:
    """Points where one operand runs through some bands, and the others are anything."""
    info = np.finfo(chosen.dtype)
    least, most = info.minexp - info.nmant, info.maxexp
    if headroom:
        clear = headroom_of(headroom, chosen.dtype)
        least, most = info.minexp + clear, info.maxexp - clear
    most = most if limit is None else min(most, limit)
    exponents = np.concatenate(
        [
            rng.integers(
                max(low, least), min(high, most), times * (_MANY if abs(low + 1) <= 20 else _FEW)
            )
            for low, high in bands
            if max(low, least) < min(high, most)
        ]
    )
    sizes = np.ldexp(rng.uniform(1, 2, exponents.size), exponents)
    values = np.concatenate([sizes, -sizes])
    result = {chosen: values}
    for node in nodes:
        if node is chosen:
            continue
        if node.dtype.kind == "f":
            other = doubles(rng, values.size, node.dtype)
            if limit is not None:
                other = np.where(np.abs(other) < 2.0**limit, other, 1.5)
            if headroom:
                _, power = np.frexp(other)
                other = np.where((power > least) & (power < most), other, 1.5)
            # Equal sizes are where sums cancel.
            close = rng.uniform(size=values.size) < 0.4
            result[node] = np.where(close, values * rng.uniform(0.5, 1, values.size), other)
        else:
            result[node] = rng.integers(0, 2, values.size)
    return result


def _region(
    node: Node, samples: Sequence[_Sample], band: tuple[int, int], sign: float
) -> Region | None:
    sizes: list[Any] = []
    before: list[Any] = []
    after: list[Any] = []
    for values, errors in samples:
        _, exponents = np.frexp(values[node])
        inside = (exponents > band[0]) & (exponents <= band[1]) & (values[node] * sign > 0)
        inside &= errors.defined
        sizes.append(values[node][inside])
        before.append(errors.before[inside])
        after.append(errors.after[inside])
    at = np.concatenate(sizes)
    if not at.size:
        return None
    old, new = [bits(np.concatenate(part), node.dtype) for part in (before, after)]
    return Region(
        node.op.label,
        float(at.min()),
        float(at.max()),
        at.size,
        float(old.mean()),
        float(new.mean()),
        float(old.max()),
        float(new.max()),
    )


# Proofs ------------------------------------------------------------------------------------------

MOST_OPERATIONS = 5
"""SymPy's simplify takes minutes over longer formulas; those are compared at points alone."""

_POINTS = ("3/7", "-2/5", "9/4", "-7/3", "1/11")
"""Of both signs, inside and outside of the unit interval."""


def scalar_case(
    rule: Rule, number: int = 0, dtype: str = "float64"
) -> tuple[list[Node], Node, Node] | None:
    """Operands and both sides on scalars; ``None`` where they are no formulas of scalars."""
    found = left_side(rule, number, (), dtype)
    if found is None or not found[0] or not is_pointwise([found[1]]):
        return None
    after = rewritten(rule, found[1]) if found[1].dtype == dtype else None
    return None if after is None or not is_pointwise([after]) else (*found, after)


def prove(rule: Rule, number: int = 0) -> Proof | None:
    """How the law of an example is shown: by SymPy's simplification, or at points to 50 digits.

    Returns
    -------
    str or None
        ``None`` where the sides are no formulas of scalars, or an operation has no formula.

    Raises
    ------
    AssertionError
        If the sides differ at a point.
    """
    case = scalar_case(rule, number)
    if case is None:
        return None
    nodes, before, after = case
    sympy: Any = import_module("sympy")
    symbols = {node: sympy.Symbol(node.op.label, **{rule.domain: True}) for node in nodes}
    try:
        left, right = [_formula(side, symbols) for side in (before, after)]
    except UnsupportedError:
        return None
    difference = left - right
    if sympy.count_ops(difference) <= MOST_OPERATIONS and sympy.simplify(difference) == 0:
        return "SymPy"
    _compare_at_points(rule, left, right, symbols)
    return "50 digits at points"


def _formula(node: Node, symbols: Mapping[Node, Any]) -> Any:
    """A node as a SymPy expression from the formulas of its operations."""
    sympy: Any = import_module("sympy")
    rounded = {log2(e): 1 / sympy.log(2), log10(e): 1 / sympy.log(10)}
    known: dict[Node, Any] = dict(symbols)
    for n in topological([node]):
        if n in known:
            continue
        if isinstance(n.op, Constant) and n.ndim == 0 and np.isfinite(n.op.value):
            value = n.op.value.item()
            known[n] = (
                value if isinstance(value, bool) else rounded.get(value, sympy.Rational(value))
            )
        elif isinstance(n.op, Elementwise):
            names = dict(zip(n.op.symbols, [known[i] for i in n.inputs], strict=True))
            known[n] = n.op.sympy_formula.subs(names, simultaneous=True)
        elif n.op.name == "where":
            mask, first, second = [known[i] for i in n.inputs]
            known[n] = sympy.Piecewise((first, mask), (second, True))
        else:
            raise UnsupportedError(f"{n.op.name} has no formula")
    return known[node]


def _compare_at_points(rule: Rule, left: Any, right: Any, symbols: Mapping[Node, Any]) -> None:
    sympy: Any = import_module("sympy")
    tolerance = 1e-15 if rule.rounds else 1e-40
    compared = 0
    for i in range(len(_POINTS)):
        at: dict[Any, Any] = {}
        for k, (node, symbol) in enumerate(symbols.items()):
            number = sympy.Rational(_POINTS[(i + k) % len(_POINTS)])
            at[symbol] = sympy.sympify((i + k) % 2 == 0) if node.dtype.kind == "b" else number
        one, other = _complex_value(left, at), _complex_value(right, at)
        # Where the left side is not real, nothing is claimed.
        if one is None or abs(one.imag) > 1e-45:
            continue
        assert other is not None, f"{rule.name}: no value at {at}"
        assert abs(one - other) <= tolerance * (1 + abs(one)), f"{rule.name}: differs at {at}"
        compared += 1
    assert compared, f"{rule.name}: its left side is real at no point"


def _complex_value(expression: Any, at: Mapping[Any, Any]) -> Any:
    """To 50 digits; ``None`` for a pole."""
    sympy: Any = import_module("sympy")
    value = sympy.N(expression.subs(at), 50)
    if not value.is_finite:
        return None
    with mpmath().workdps(60):
        return mpmath().mpc(*[mpmath().mpf(str(part)) for part in value.as_real_imag()])


# A rule as a whole -------------------------------------------------------------------------------


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
    return values


def _run(node: Node, values: Mapping[Node, Any]) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(interpret([node], values, SIZES)[0])


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


# The table ---------------------------------------------------------------------------------------


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
