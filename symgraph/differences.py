"""Numerical derivatives: the oracle that knows nothing of rules.

By a complex step, which is exact to rounding, where every operation between is analytic
(J. N. Lyness and C. B. Moler, 1967); elsewhere by central differences whose step is halved and
whose limit is extrapolated (C. J. F. Ridders, 1982), with an estimate of the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from symgraph.emit.document import SLOPE
from symgraph.graph.evaluate import bind_sizes, evaluate_node, interpret
from symgraph.graph.node import Node, topological
from symgraph.graph.record import record
from symgraph.ops.kinds import Linear
from symgraph.plan.lower import lower

__all__ = ["Differences", "Method", "Slope"]

Method = Literal["complex step", "differences"]
Array = np.ndarray[Any, Any]


@record
class Slope:
    """A numerical derivative along a direction.

    Attributes
    ----------
    values : array
    errors : array
        What each element may be off by, as far as the method can tell.
    method : {"complex step", "differences"}
    """

    values: Array
    errors: Array
    method: Method


class Differences:
    """Derivatives of some nodes at one point, along any direction.

    Parameters
    ----------
    outputs : sequence of Node
        As the user wrote them: they are evaluated node by node.
    point : mapping
        From every placeholder to its value.
    """

    def __init__(self, outputs: Sequence[Node], point: Mapping[Node, Any]) -> None:
        self.outputs = list(outputs)
        self.point = {node: np.asarray(value)[()] for node, value in point.items()}
        self.sizes = bind_sizes(self.point)
        self._lowered = lower(outputs)[0]
        self._order = topological(self._lowered)

    def values(self) -> list[Array]:
        """The outputs at the point."""
        return self._at(self.point)

    def along(self, direction: Mapping[Node, Any]) -> list[Slope]:
        """Derivatives of the outputs when the placeholders move in a direction."""
        if self._is_analytic(direction):
            try:
                return self._by_complex_step(direction)
            except (TypeError, ValueError):
                pass  # an operation that NumPy has for real numbers only
        return self._by_differences(direction)

    def _is_analytic(self, direction: Mapping[Node, Any]) -> bool:
        if any(node.dtype != np.float64 for node in direction):
            return False
        moved = set(direction)
        for node in self._order:
            if any(operand in moved for operand in node.inputs) and _is_inexact(node):
                moved.add(node)
                op = node.op
                moves = isinstance(op, Linear) and op.moves
                if not (op.analytic or moves) or node.dtype != np.float64:
                    return False
        return True

    def _by_complex_step(self, direction: Mapping[Node, Any]) -> list[Slope]:
        known: dict[Node, Any] = dict(self.point)
        for node, tangent in direction.items():
            known[node] = (known[node] + 1j * _TINY_STEP * np.asarray(tangent))[()]
        with np.errstate(all="ignore"):
            for node in self._order:
                if node not in known:
                    operands = [known[operand] for operand in node.inputs]
                    if not _is_inexact(node):  # a condition asks for the point itself
                        operands = [np.real(operand)[()] for operand in operands]
                    known[node] = evaluate_node(node, operands, self.sizes)
        found: list[Slope] = []
        for node in self._lowered:
            value = np.asarray(np.imag(known[node]) / _TINY_STEP)
            size = np.maximum(np.abs(value), np.max(np.abs(value), initial=0.0))
            found.append(Slope(value, _ROUNDINGS * np.finfo(float).eps * size, "complex step"))
        return found

    def _by_differences(self, direction: Mapping[Node, Any]) -> list[Slope]:
        size = max([float(np.max(np.abs(d), initial=0.0)) for d in direction.values()], default=1.0)
        single = any(node.dtype in (np.float32, np.complex64) for node in direction)
        shapes = [np.shape(value) for value in self.values()]

        def value(step: float) -> Array:
            moved = self._at(self._moved(direction, step / size if size else step))
            flat = np.concatenate([np.ravel(v) for v in moved])
            return flat.astype(np.float32) if single else flat

        slope, doubt = _SLOPE(value)
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        return [
            Slope(np.reshape(v, shape) * size, np.reshape(e, shape) * size, "differences")
            for v, e, shape in zip(
                np.split(slope, ends), np.split(doubt, ends), shapes, strict=True
            )
        ]

    def _moved(self, direction: Mapping[Node, Any], step: float) -> dict[Node, Any]:
        moved = dict(self.point)
        for node, tangent in direction.items():
            value = np.asarray(moved[node])
            moved[node] = (value + step * np.asarray(tangent)).astype(value.dtype)[()]
        return moved

    def _at(self, point: Mapping[Node, Any]) -> list[Array]:
        with np.errstate(all="ignore"):
            return [np.asarray(v) for v in interpret(self._lowered, point, self.sizes)]


_TINY_STEP = 1e-150
_ROUNDINGS = 1e3


def _is_inexact(node: Node) -> bool:
    kind = node.result_type
    return getattr(kind, "inexact", True)


def _run(source: str) -> Callable[..., tuple[Array, Array]]:
    """The function that exported modules carry with them."""
    space: dict[str, Any] = {"np": np}
    exec(source, space)
    return space["slope"]


_SLOPE = _run(SLOPE)
