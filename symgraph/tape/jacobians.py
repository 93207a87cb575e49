"""Whole derivatives of what was recorded: all rows at once, compiled once for each structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import DerivativeError
from symgraph.graph.node import Node
from symgraph.graph.registry import apply
from symgraph.tape.backward import (
    MOST_COMPILED,
    STRUCTURES,
    compiled,
    gradients,
    nodes_for,
    placeholder_for,
    recorded,
    run_compiled,
    structure,
)
from symgraph.tape.tensor import Tensor
from symgraph.tape.values import Template, Value, data_value
from symgraph.transforms.jacobian import jacobian

__all__ = ["batch_of", "jacobians", "whole"]

Derivative = Callable[[Node, list[Node]], list[Node]]


def whole(target: Node, sources: list[Node]) -> list[Node]:
    """By every element of the sources the derivative of every element of the target."""
    return cast("list[Node]", jacobian(target, sources, unconnected="zero"))


def batch_of(target: Node, sources: list[Node]) -> list[Node]:
    """For each element of a batch its own derivative; other ones do not depend on it."""
    total = cast("Node", apply("sum", target, axis=0))
    return [apply("moveaxis", rows, total.ndim, 0) for rows in whole(total, sources)]


def jacobians(
    target: Tensor, wrt: Sequence[Value], derivative: Derivative, *, record: bool
) -> dict[Value, Value]:
    """Derivatives of a target by values that it was computed from; others are missing.

    Parameters
    ----------
    target : Tensor
    wrt : sequence of Value
    derivative : callable
        `whole` or `batch_of`.
    record : bool
        Whether the derivatives are recorded, to be differentiated again.
    """
    root = target.current()
    order = recorded([root])
    if not root.active:
        return {}
    if root.step is None:
        return _of_itself(target, root, wrt, derivative)
    key, places = structure(order)
    table = list(places)
    chosen = [value for value in dict.fromkeys(wrt) if value in places and value.active]
    if not chosen:
        return {}
    if not record and len(order) > MOST_COMPILED:
        return _by_rows(target, chosen) if derivative is whole else _too_long(order)
    wanted = [places[value] for value in chosen]

    def found(nodes: Sequence[Node]) -> dict[int, Node]:
        rows = derivative(nodes[places[root]], [nodes[place] for place in wanted])
        return dict(zip(wanted, rows, strict=True))

    if record:
        inputs = [i for i, v in enumerate(table) if v.step is None or not v.active or v in chosen]
        nodes = nodes_for(table, placeholder_for)
        template = Template([nodes[i] for i in inputs], list(found(nodes).values()))
        results = template.record([table[i] for i in inputs], root.line)
        return dict(zip(chosen, results, strict=True))
    name = tuple(key), derivative, places[root], tuple(wanted)

    def compile_() -> Any:
        nodes = nodes_for(table, placeholder_for)
        return compiled(table, nodes, found(nodes), [])

    known = STRUCTURES.get(name, compile_)
    if known is None:
        known = compile_()
    results = run_compiled(known, order, table, [])
    return {value: data_value(data) for value, data in zip(chosen, results, strict=True)}


def _of_itself(
    target: Tensor, root: Value, wrt: Sequence[Value], derivative: Derivative
) -> dict[Value, Value]:
    if not any(value is root for value in wrt):
        return {}
    node = placeholder_for(root, 0)
    template = Template([node], derivative(node, [node]))
    return {root: template.compute([root])[0]}


def _by_rows(target: Tensor, wrt: Sequence[Value]) -> dict[Value, Value]:
    """One pass for each element: what is too long to be compiled."""
    rows: list[dict[Value, Value]] = []
    for seed in np.eye(target.numel(), dtype=target.dtype):
        start = seed.reshape(target.shape)
        rows.append(gradients([target], [start], wrt, retain_graph=True, create_graph=False))
    answer: dict[Value, Value] = {}
    for value in wrt:
        zero = np.zeros_like(value.data)
        stacked = np.stack([row[value].data if value in row else zero for row in rows])
        answer[value] = data_value(stacked.reshape(target.shape + zero.shape))
    return answer


def _too_long(order: Sequence[Value]) -> dict[Value, Value]:
    raise DerivativeError(
        "the recording is too long for batch_jacobian",
        expected=f"at most {MOST_COMPILED} operations",
        got=str(len(order)),
        hint="gradient(target, sources, output_gradients=...) for one row at a time",
    )
