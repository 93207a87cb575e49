"""Derivatives of the simplified graph.

A formula is simplified before it is differentiated, and its gradient again when it is compiled:
the derivative of an unstable formula is as unstable, and seldom recognisable afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from symgraph.graph.collect import without_collection
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node
from symgraph.graph.refusal import public
from symgraph.graph.side import note_gradient
from symgraph.graph.tree import flatten, unflatten
from symgraph.graph.types import TupleType
from symgraph.simplify import simplify
from symgraph.transforms import jacobian as whole
from symgraph.transforms import jvp as forward
from symgraph.transforms import vjp as reverse

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _simplified(outputs: Any, wrt: Any) -> Any:
    """The outputs after stabilising, where `wrt` are placeholders.

    Other nodes to differentiate by must stay in the graph as they are.
    """
    by, _ = flatten(wrt)
    nodes, form = flatten(outputs)
    plain = all(isinstance(node, Node) and isinstance(node.op, Placeholder) for node in by)
    if not plain or not all(
        isinstance(node, Node) and not isinstance(node.result_type, TupleType) for node in nodes
    ):
        return outputs
    return unflatten(form, simplify(nodes).outputs)


def _stabilised(transform: _F) -> _F:
    @public
    @wraps(transform)
    @without_collection
    def run(outputs: Any, wrt: Any, *args: Any, **keywords: Any) -> Any:
        simpler = _simplified(outputs, wrt)
        if simpler is not outputs:
            # What a rewrite removed is still connected: its derivative is zero.
            reverse.check_connected(outputs, wrt, keywords.get("unconnected", "raise"))
            keywords["unconnected"] = "zero"
        return transform(simpler, wrt, *args, **keywords)

    return run  # pyright: ignore[reportReturnType]


vjp = _stabilised(reverse.vjp)
jvp = _stabilised(forward.jvp)
hvp = _stabilised(forward.hvp)
jacobian = _stabilised(whole.jacobian)


@public
@wraps(reverse.grad)
def grad(loss: Node, wrt: Any, *, unconnected: reverse.Unconnected = "raise") -> Any:
    """As `transforms.vjp.grad`, of the simplified graph."""
    reverse.check_scalar(loss)
    gradients = vjp(loss, wrt, unconnected=unconnected)
    for gradient, by in zip(flatten(gradients)[0], flatten(wrt)[0], strict=True):
        # By the value as the user wrote it, which is what the outputs of a function hold.
        note_gradient(gradient, by, loss, first=True)
    return gradients


@public
@wraps(reverse.value_and_grad)
def value_and_grad(
    loss: Node, wrt: Any, *, unconnected: reverse.Unconnected = "raise"
) -> tuple[Node, Any]:
    """As `transforms.vjp.value_and_grad`, of the simplified graph."""
    return loss, grad(loss, wrt, unconnected=unconnected)


@public
@wraps(whole.hessian)
def hessian(
    loss: Node,
    wrt: Any,
    *,
    mode: whole.Mode = "forward",
    unconnected: reverse.Unconnected = "raise",
) -> Any:
    """As `transforms.jacobian.hessian`, of the simplified graph and its simplified gradient."""
    gradient = _simplified(grad(loss, wrt, unconnected=unconnected), wrt)
    return whole.jacobian_of_gradient(gradient, wrt, mode=mode)
