"""Accuracy by region: bits of error by sign and exponent of each operand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from math import log2
from typing import Any, TypeAlias

import numpy as np

from symgraph.exact import GROWING
from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node, topological
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.measure import Errors, bits, doubles, errors_of
from symgraph.simplify.common import Headroom, headroom_of
from symgraph.testing.sides import as_stated

__all__ = ["BANDS", "Region", "regions"]


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


@public
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
        values = {node: as_stated(node, draw[node].astype(node.dtype)) for node in nodes}
        if headroom:
            values = _clear(before, values, headroom_of(headroom, chosen.dtype))
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


def _clear(
    before: Node, values: Mapping[Node, np.ndarray[Any, Any]], clear: int
) -> dict[Node, np.ndarray[Any, Any]]:
    """The points where all that a formula computes stays clear of both ends of the range."""
    parts = [part for part in topological([before]) if part.dtype.kind == "f"]
    inside = np.ones(len(next(iter(values.values()))), dtype=bool)
    with np.errstate(all="ignore"):
        for part, found in zip(parts, interpret(parts, values, {}), strict=True):
            info = np.finfo(part.dtype)
            size = np.abs(np.asarray(found))
            low, high = np.ldexp(1.0, [info.minexp + clear, info.maxexp - clear - 1])
            inside &= (size == 0) | ((size >= low) & (size <= high)) | np.isnan(size)
    return {node: array[inside] for node, array in values.items()}


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
