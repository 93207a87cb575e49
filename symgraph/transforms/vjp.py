"""Reverse mode: one walk over the graph from the outputs to what they are differentiated by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

import numpy as np

from symgraph.errors import DerivativeError, DisconnectedError, ShapeError
from symgraph.graph.collect import without_collection
from symgraph.graph.graph import flatten_nodes
from symgraph.graph.leaves import Item, Placeholder
from symgraph.graph.node import Node, as_node, constant, topological
from symgraph.graph.side import (
    NAMES,
    ORIGINS,
    current_origin,
    note_gradient,
    origin_as,
    origin_at,
    set_origin,
)
from symgraph.graph.tree import Tree, unflatten
from symgraph.graph.types import TupleType
from symgraph.ops.elementwise import zeros_like
from symgraph.transforms import local
from symgraph.transforms.local import add_up, differentiable_operands, fit

__all__ = ["Unconnected", "grad", "pull_back", "value_and_grad", "vjp"]

Unconnected = Literal["raise", "zero"]


def varying(order: Sequence[Node], by: Iterable[Node]) -> set[Node]:
    """The nodes of `order` that a change of `by` reaches through differentiable operands."""
    found = set(by)
    for node in order:
        if node not in found and any(
            node.inputs[i] in found for i in differentiable_operands(node)
        ):
            found.add(node)
    return found


@without_collection
def pull_back(
    outputs: Sequence[Node], cotangents: Sequence[Node], by: Sequence[Node]
) -> list[Node | None]:
    """Cotangents of `by`, ``None`` for those that no derivative reaches.

    The walk is pruned to what depends on `by` before a rule is asked for.
    """
    order = topological(outputs)
    vary = varying(order, by)
    pending: dict[Node, list[Any]] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output in vary:
            pending.setdefault(output, []).append(cotangent)
    totals: dict[Node, Node] = {}
    value = outputs[0] if len(outputs) == 1 else None
    with origin_as(current_origin()):
        for node in reversed(order):
            terms = pending.pop(node, None)
            if terms is None:
                continue
            _set_gradient_origin(node)
            total = _total(node, terms)
            if isinstance(total, Node):
                totals[node] = total
                note_gradient(total, node, value)
            wanted = [i for i in differentiable_operands(node) if node.inputs[i] in vary]
            if wanted:
                _hand_on(node, total, wanted, pending)
    for node in by:  # last, so that they come first
        if node in totals:
            note_gradient(totals[node], node, value, first=True)
    return [totals.get(node) for node in by]


def _set_gradient_origin(node: Node) -> None:
    origin = ORIGINS.get(node)
    if origin is not None and node.inputs:
        set_origin(origin_at(origin.location, gradient=True))


def _total(node: Node, terms: list[Any]) -> Any:
    kind = node.result_type
    if not isinstance(kind, TupleType):
        return add_up(terms)
    slots: list[list[Node]] = [[] for _ in kind.items]
    index: int
    for index, cotangent in terms:
        slots[index].append(cotangent)
    return [add_up(slot) if slot else None for slot in slots]


def _hand_on(node: Node, total: Any, wanted: Sequence[int], pending: dict[Node, list[Any]]) -> None:
    if isinstance(node.op, Item):
        pending.setdefault(node.inputs[0], []).append((node.op.index, total))
        return
    for i, contribution in zip(wanted, local.reverse(node, total, wanted, pull_back), strict=True):
        if contribution is not None:
            pending.setdefault(node.inputs[i], []).append(contribution)


def describe(node: Node) -> str:
    """A node's name, or what it is."""
    if isinstance(node.op, Placeholder):
        return node.op.name_
    return NAMES.get(node) or repr(node)


def check_differentiable(node: Node, role: str) -> None:
    """Raise `DerivativeError` for integers and booleans."""
    if not node.type.inexact:
        raise DerivativeError(
            f"{role} {describe(node)} is {node.dtype}: it has no derivative",
            expected="a floating or complex dtype",
            got=repr(node.type),
            hint="declare the placeholder with dtype='float64', or convert with .astype(float)",
        )


def check_connected(outputs: Any, wrt: Any, unconnected: Unconnected) -> None:
    """Raise unless the outputs depend on every node of `wrt`, or zeros were asked for.

    Raises
    ------
    DisconnectedError
        It names the node.
    """
    if unconnected not in ("raise", "zero"):
        raise DerivativeError("unconnected", expected="'raise' or 'zero'", got=repr(unconnected))
    if unconnected == "zero":
        return
    ys = flatten_nodes(outputs, "output")[0]
    reached = set(topological(ys))
    for node in flatten_nodes(wrt, "wrt")[0]:
        if node not in reached:
            raise DisconnectedError(
                f"{', '.join(map(describe, ys[:3]))} does not depend on {describe(node)}",
                hint="unconnected='zero' gives zeros instead",
            )


def or_zeros(found: Sequence[Node | None], like: Sequence[Node]) -> list[Node]:
    """Derivatives, with zeros for what only constant pieces connect."""
    return [
        zeros_like(node) if item is None else item for node, item in zip(like, found, strict=True)
    ]


def vjp(
    outputs: Any, wrt: Any, cotangents: Any = None, *, unconnected: Unconnected = "raise"
) -> Any:
    """Vector-Jacobian product: the cotangents of `wrt` for given cotangents of the outputs.

    Parameters
    ----------
    outputs : tree of Node
    wrt : tree of Node
        Any nodes of the graph, not only placeholders.
    cotangents : tree of array_like, optional
        In the form of `outputs`, each with its output's shape; ones by default.
    unconnected : {"raise", "zero"}
        What to do if the outputs do not depend on one of `wrt`.

    Returns
    -------
    tree of Node
        In the form of `wrt`, each with its shape and dtype.

    Raises
    ------
    ShapeError
        If a cotangent has not its output's shape.
    DerivativeError
        For integers and booleans.
    DisconnectedError
        If nothing connects them.

    Examples
    --------
    >>> import symgraph as sg
    >>> x, ct = sg.placeholder("x", 3), sg.placeholder("ct", 3)
    >>> sg.vjp(x * x, x, ct).shape
    (3,)
    """
    ys, form = flatten_nodes(outputs, "output")
    xs, wrt_form = flatten_nodes(wrt, "wrt")
    for node in ys:
        check_differentiable(node, "the output")
    for node in xs:
        check_differentiable(node, "wrt:")
    if cotangents is None:
        seeds = [constant(np.ones((), y.dtype)) for y in ys]
        seeds = [fit(seed, y.type) for seed, y in zip(seeds, ys, strict=True)]
    else:
        seeds = matching(cotangents, ys, form, "cotangent")
    check_connected(ys, xs, unconnected)
    return unflatten(wrt_form, or_zeros(pull_back(ys, seeds, xs), xs))


def matching(values: Any, nodes: Sequence[Node], form: Any, what: str) -> list[Node]:
    """Nodes for tangents or cotangents, each of the type of what it belongs to.

    Raises
    ------
    ShapeError
        If the form of the tree or a shape differs.
    """
    leaves = flatten_like(form, values, what)
    result: list[Node] = []
    for leaf, node in zip(leaves, nodes, strict=True):
        value = as_node(leaf)
        if value.shape != node.shape:
            raise ShapeError(
                f"the {what} of {describe(node)} has the wrong shape",
                expected=str(node.shape),
                got=str(value.shape),
            )
        result.append(fit(value, node.type))
    return result


def flatten_like(form: Tree, values: Any, what: str) -> list[Any]:
    """The leaves of a tree that has the form of another; keys of a dict in any order.

    Raises
    ------
    ShapeError
        If the form differs.
    """
    if form.kind is None:
        return [values]
    children: Any = values
    if isinstance(values, dict):
        table = cast("dict[Any, Any]", values)
        children = [table[key] for key in form.keys] if set(table) == set(form.keys) else None
    if not isinstance(children, list | tuple) or len(cast("Any", children)) != len(form.children):
        raise ShapeError(
            f"one {what} is needed for each node",
            expected=f"{form.leaves} in the form of the nodes",
            got=f"{cast('Any', values)!r:.80}",
        )
    found: list[Any] = []
    for child, below in zip(cast("Any", children), form.children, strict=True):
        found += flatten_like(below, child, what)
    return found


def check_scalar(loss: Any) -> Node:
    """The node itself, if it can be the start of a gradient.

    Raises
    ------
    DerivativeError
        If it is not a node of shape () with a real floating dtype.
    """
    if not isinstance(loss, Node):
        raise DerivativeError(
            "a gradient is taken of one node",
            expected="a node of shape ()",
            got=type(loss).__name__,
        )
    if loss.shape != ():
        raise DerivativeError(
            f"the gradient of {describe(loss)}, which is not a scalar",
            expected="shape ()",
            got=str(loss.shape),
            hint="reduce it first, np.sum(y) or np.mean(y); sg.vjp(y, wrt, cotangent) takes arrays",
        )
    check_differentiable(loss, "the value")
    if loss.dtype.kind == "c":
        raise DerivativeError(
            "the gradient of a complex value",
            expected="a real dtype",
            got=str(loss.dtype),
            hint="take np.real(y), np.abs(y) ** 2, or sg.vjp(y, wrt, cotangent)",
        )
    return loss


def grad(loss: Node, wrt: Any, *, unconnected: Unconnected = "raise") -> Any:
    """Gradient of a scalar node: nodes like any other, to be differentiated again or compiled.

    Parameters
    ----------
    loss : Node
        Shape ``()``, real.
    wrt : tree of Node
        What to differentiate by: placeholders or any other nodes of the graph.
    unconnected : {"raise", "zero"}
        What to do if `loss` does not depend on one of `wrt`.

    Returns
    -------
    tree of Node
        In the form of `wrt`; each gradient has the shape and dtype of its variable.

    Raises
    ------
    DerivativeError
        If `loss` is not a real scalar, or a node of `wrt` is an integer or boolean.
    DisconnectedError
        If `loss` does not depend on a node of `wrt`; it names the node.

    Notes
    -----
    Where no derivative exists the conventions are: 0 for ``abs`` at 0, steps and roundings; half
    to each at a tie of ``maximum``; the branch taken of ``where`` and ``clip``.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x")
    >>> float(sg.function([x], sg.grad(3 * x**2 + 2 * x + 1, x))(2.0))
    14.0
    """
    node = check_scalar(loss)
    return vjp(node, wrt, None, unconnected=unconnected)


def value_and_grad(loss: Node, wrt: Any, *, unconnected: Unconnected = "raise") -> tuple[Node, Any]:
    """A scalar node and its gradient, as `grad` gives it.

    Examples
    --------
    >>> import symgraph as sg
    >>> w = sg.placeholder("w", 3)
    >>> value, gradient = sg.value_and_grad((w**2).sum(), {"w": w})
    >>> value.shape, gradient["w"].shape
    ((), (3,))
    """
    return loss, grad(loss, wrt, unconnected=unconnected)
