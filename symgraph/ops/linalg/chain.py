"""The product of several matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.node import Node, as_node
from symgraph.ops.calls import of_numpy
from symgraph.ops.kinds import Example
from symgraph.ops.linalg.solve import turned
from symgraph.ops.products import array, matmul

__all__ = ["multi_dot"]


@of_numpy(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices in the cheapest order, as ``np.linalg.multi_dot``.

    Parameters
    ----------
    arrays : sequence of array_like
        Matrices; the first may be a vector, which is a row, and the last one, a column. Where
        sizes are symbolic the order is from a vector on, or from the left.

    Raises
    ------
    DTypeError
        If there are fewer than two.
    ShapeError
        If neighbours do not fit.
    """
    nodes = [as_node(x) for x in arrays]
    if len(nodes) < 2:
        raise DTypeError("multi_dot needs two arrays", got=str(len(nodes)))
    for place, node in enumerate(nodes):
        if node.ndim != 2 and not (node.ndim == 1 and place in (0, len(nodes) - 1)):
            raise ShapeError("multi_dot takes matrices", got=repr(node.type))
    sizes = [nodes[0].shape[0] if nodes[0].ndim == 2 else 1]
    sizes += [node.shape[-1] for node in nodes[:-1]]
    sizes += [nodes[-1].shape[1] if nodes[-1].ndim == 2 else 1]
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) == len(sizes):
        return _product(nodes, _splits(known))
    from_right = nodes[-1].ndim == 1 and nodes[0].ndim == 2
    result = nodes.pop() if from_right else nodes.pop(0)
    while nodes:
        result = matmul(nodes.pop(), result) if from_right else matmul(result, nodes.pop(0))
    return result


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to divide each run of factors: of all ways the one with the fewest multiplications."""
    count = len(sizes) - 1
    costs = {(i, i): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            ways = [
                (
                    costs[first, k]
                    + costs[k + 1, last]
                    + sizes[first] * sizes[k + 1] * sizes[last + 1],
                    k,
                )
                for k in range(first, last)
            ]
            costs[first, last], splits[first, last] = min(ways)
    return splits


def _product(nodes: Sequence[Node], splits: dict[tuple[int, int], int]) -> Node:
    waiting: list[tuple[int, int]] = [(0, len(nodes) - 1)]
    order: list[tuple[int, int]] = []
    while waiting:
        first, last = waiting.pop()
        order.append((first, last))
        if first < last:
            middle = splits[first, last]
            waiting += [(first, middle), (middle + 1, last)]
    made = {(i, i): node for i, node in enumerate(nodes)}
    for first, last in reversed(order):
        if first < last:
            middle = splits[first, last]
            made[first, last] = matmul(made[first, middle], made[middle + 1, last])
    return made[0, len(nodes) - 1]


EXAMPLES: dict[str, list[Example]] = {
    "multi_dot": [
        Example(lambda a, b, c: multi_dot([a, b, c]), (array(2, 3), array(3, 4), array(4, 1))),
        Example(lambda a, b, c: multi_dot([a, b, c]), (array(3), array(3, 2), array(2, 2))),
        Example(lambda a, b: multi_dot([a, b, b, a]), (array(3), turned(array(3, 3)))),
    ],
}
