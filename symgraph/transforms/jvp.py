"""Forward mode: one walk over the graph from what varies to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import DTypeError
from symgraph.graph.graph import flatten_nodes
from symgraph.graph.node import Node, constant, topological
from symgraph.graph.side import ORIGINS, current_origin, origin_as, origin_at, set_origin
from symgraph.graph.tree import unflatten
from symgraph.transforms import local
from symgraph.transforms.local import differentiable_operands, fit
from symgraph.transforms.vjp import (
    Unconnected,
    check_connected,
    check_differentiable,
    grad,
    matching,
    or_zeros,
    varying,
)

__all__ = ["hvp", "jvp", "push_forward"]


def push_forward(
    outputs: Sequence[Node], by: Sequence[Node], tangents: Sequence[Node]
) -> list[Node | None]:
    """Tangents of the outputs, ``None`` for those that no derivative reaches."""
    order = topological(outputs)
    vary = varying(order, by)
    known: dict[Node, Any] = dict(zip(by, tangents, strict=True))
    with origin_as(current_origin()):
        for node in order:
            if node in known or node not in vary:
                continue
            origin = ORIGINS.get(node)
            if origin is not None:
                set_origin(origin_at(origin.location, gradient=True))
            allowed = differentiable_operands(node)
            known[node] = local.forward(
                node,
                [
                    known.get(operand) if i in allowed else None
                    for i, operand in enumerate(node.inputs)
                ],
                push_forward,
            )
    return [known.get(output) for output in outputs]


def jvp(outputs: Any, wrt: Any, tangents: Any = None, *, unconnected: Unconnected = "raise") -> Any:
    """Jacobian-vector product: the tangents of the outputs for given tangents of `wrt`.

    Parameters
    ----------
    outputs : tree of Node
    wrt : tree of Node
        Any nodes of the graph.
    tangents : tree of array_like, optional
        In the form of `wrt`, each with its node's shape; ones by default.
    unconnected : {"raise", "zero"}
        What to do if the outputs do not depend on one of `wrt`.

    Returns
    -------
    tree of Node
        In the form of `outputs`.

    Raises
    ------
    ShapeError
        If a tangent has not its node's shape.
    DerivativeError, DisconnectedError
        As `grad`.

    Examples
    --------
    >>> import symgraph as sg
    >>> x, t = sg.placeholder("x", 3), sg.placeholder("t", 3)
    >>> sg.jvp(np.sin(x), x, t) is t * np.cos(x)
    True
    """
    ys, form = flatten_nodes(outputs, "output")
    xs, wrt_form = flatten_nodes(wrt, "wrt")
    for node in ys:
        check_differentiable(node, "the output")
    for node in xs:
        check_differentiable(node, "wrt:")
    if tangents is None:
        seeds = [fit(constant(np.ones((), x.dtype)), x.type) for x in xs]
    else:
        seeds = matching(tangents, xs, wrt_form, "tangent")
    check_connected(ys, xs, unconnected)
    return unflatten(form, or_zeros(push_forward(ys, xs, seeds), ys))


def hvp(loss: Node, wrt: Any, vector: Any, *, unconnected: Unconnected = "raise") -> Any:
    """Hessian-vector product, forward over reverse: the tangent of the gradient.

    Parameters
    ----------
    loss : Node
        Shape ``()``.
    wrt, vector : tree
        Nodes, and a vector in their form and shapes.

    Returns
    -------
    tree of Node
        In the form of `wrt`.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> float(sg.function([x], sg.hvp(x**3, x, 1.0))(2.0))
    12.0
    """
    if vector is None:
        raise DTypeError("hvp: the vector", expected="a tree in the form of wrt", got="None")
    gradient = grad(loss, wrt, unconnected=unconnected)
    return jvp(gradient, wrt, vector, unconnected="zero")
