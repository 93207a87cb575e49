"""The links of products over named indices: each element times those with the same letters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symgraph.graph.leaves import Constant
from symgraph.graph.links import Link, along, fixed
from symgraph.graph.node import Node
from symgraph.graph.sizes import Dim

__all__ = ["lettered"]


def lettered(node: Node, texts: Sequence[str], output: str, operand: int) -> list[Link]:
    """Where the elements of an operand go, with letters for the axes of all and of the result."""
    lengths: dict[str, Dim] = dict.fromkeys("".join([*texts, output]), 1)
    for text, x in zip([*texts, output], [*node.inputs, node], strict=True):
        lengths |= {c: dim for c, dim in zip(text, x.shape, strict=True) if dim != 1}
    number = {c: i for i, c in enumerate(lengths)}
    sources = [
        tuple(
            [
                fixed(0) if dim == 1 else along(number[c])
                for c, dim in zip(text, x.shape, strict=True)
            ]
        )
        for text, x in zip([*texts, output], [*node.inputs, node], strict=True)
    ]
    factors = tuple([(x, sources[i]) for i, x in enumerate(node.inputs) if i != operand])
    whole = Link(tuple(lengths.values()), sources[operand], sources[-1], factors)
    return _without_zeros(whole) or [whole]


_MOST_DIAGONALS = 32


def _without_zeros(link: Link) -> list[Link] | None:
    """The link along each diagonal of a factor that is known, where it has few; else ``None``."""
    if len(link.factors) != 1:
        return None
    ((factor, places),) = link.factors
    if not isinstance(factor.op, Constant) or factor.op.value.ndim != 2:
        return None
    if len({p for place in places for p in place.parameters}) != 2:
        return None
    rows, columns = np.nonzero(factor.op.value)
    offsets = np.unique(columns - rows).tolist()
    if not 0 < len(offsets) <= min(_MOST_DIAGONALS, max(factor.op.value.shape) // 2):
        return None
    (first,), (second,) = (place.parameters for place in places)
    found: list[Link] = []
    for offset in offsets:
        run = rows[columns - rows == offset]
        low = int(run.min())
        lengths = list(link.lengths)
        lengths[first], lengths[second] = int(run.max()) + 1 - low, 1
        found.append(
            link.replaced({first: along(first, low), second: along(first, low + offset)}, lengths)
        )
    return found
