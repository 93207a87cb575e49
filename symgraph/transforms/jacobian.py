"""Whole derivatives: the pull-back or the push-forward of an identity, all directions at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from symgraph.errors import DerivativeError
from symgraph.graph.graph import flatten_nodes
from symgraph.graph.node import Node, constant, placeholder
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, dim_names, evaluate
from symgraph.graph.tree import unflatten
from symgraph.ops.delta import identity
from symgraph.transforms.jvp import push_forward
from symgraph.transforms.vjp import (
    Unconnected,
    check_connected,
    check_differentiable,
    describe,
    grad,
    pull_back,
)
from symgraph.transforms.vmap import push_batch

__all__ = ["Mode", "hessian", "jacobian", "jacobian_of_gradient"]

Mode = Literal["forward", "reverse"]


def jacobian(
    outputs: Any, wrt: Any, *, mode: Mode | None = None, unconnected: Unconnected = "raise"
) -> Any:
    """Jacobian: the derivative of every element of the outputs by every element of `wrt`.

    Parameters
    ----------
    outputs : tree of Node
        Real floating values.
    wrt : tree of Node
        What to differentiate by: placeholders or any other nodes of the graph.
    mode : {"reverse", "forward"}, optional
        Row by row or column by column; both at once for all of them. By default for each output
        what takes fewer: rows, unless the output has more elements than `wrt`. (Symbolic sizes
        count as large and equal.)
    unconnected : {"raise", "zero"}
        What to do if the outputs do not depend on one of `wrt`.

    Returns
    -------
    tree of Node
        In the form of `outputs`, where for each output there stands a tree in the form of `wrt`;
        its nodes have shape ``output.shape + variable.shape``.

    Raises
    ------
    DerivativeError
        For integers, booleans and complex values.
    DisconnectedError
        If the outputs do not depend on a node of `wrt`.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> A, x = sg.placeholder("A", (2, 3)), sg.placeholder("x", 3)
    >>> sg.function([A, x], sg.jacobian(A @ x, x))(np.ones((2, 3)), np.zeros(3))
    array([[1., 1., 1.],
           [1., 1., 1.]])
    >>> {name: J.shape for name, J in sg.jacobian(A @ x, {"A": A, "x": x}).items()}
    {'A': (2, 2, 3), 'x': (2, 3)}
    """
    ys, form = flatten_nodes(outputs, "output")
    xs, wrt_form = flatten_nodes(wrt, "wrt")
    _check(ys, xs, mode)
    if not xs:
        return unflatten(form, [unflatten(wrt_form, []) for _ in ys])
    check_connected(outputs, wrt, unconnected)
    columns: Dim = 0
    for x in xs:
        columns = columns + x.size
    reverse = [mode == "reverse" or (mode is None and not _larger(y.size, columns)) for y in ys]
    pushed = _columns([y for y, back in zip(ys, reverse, strict=True) if not back], xs)
    forward = iter(zip(*pushed, strict=True) if pushed else ())
    rows = [
        _rows(y, xs)
        if back
        else [_columns_last(block, x) for block, x in zip(next(forward), xs, strict=True)]
        for y, back in zip(ys, reverse, strict=True)
    ]
    return unflatten(form, [unflatten(wrt_form, row) for row in rows])


def _check(ys: Sequence[Node], xs: Sequence[Node], mode: Mode | None) -> None:
    if mode not in (None, "forward", "reverse"):
        raise DerivativeError("mode", expected="'forward', 'reverse' or None", got=repr(mode))
    for node, role in [*[(y, "the output") for y in ys], *[(x, "wrt:") for x in xs]]:
        check_differentiable(node, role)
        if node.dtype.kind == "c":
            raise DerivativeError(
                f"the Jacobian of or by complex values: {describe(node)}",
                expected="a real dtype",
                got=str(node.dtype),
                hint="split it into np.real and np.imag, or use sg.jvp and sg.vjp",
            )


def _larger(rows: Dim, columns: Dim) -> bool:
    """Whether there are more rows than columns, if every symbolic size is large."""
    large = dict.fromkeys(dim_names(rows) | dim_names(columns), _LARGE)
    return evaluate(rows, large) > evaluate(columns, large)


_LARGE = 1000


def _for_every_unit(
    like: Node, linear: Callable[[Node], Sequence[Node | None]]
) -> list[Node | None]:
    """What a linear map gives for every unit array of a node's type, whose axes come first."""
    if not like.ndim:
        return list(linear(constant(np.ones((), like.dtype))))
    seed = placeholder("seed", like.shape, like.dtype)
    found = list(linear(seed))
    for axis in reversed(range(like.ndim)):
        whole = identity(like.shape, like.dtype)
        size = like.shape[axis]
        stack = placeholder("seed", (size, *seed.shape), seed.dtype) if axis else whole
        places = [i for i, node in enumerate(found) if node is not None]
        stacks = push_batch([n for n in found if n is not None], [seed], [stack], size)
        for i, value in zip(places, stacks, strict=True):
            found[i] = value
        seed = stack
    return found


def _rows(y: Node, xs: Sequence[Node]) -> list[Node]:
    """The Jacobians of one output by all variables, from the reverse walk."""
    found = _for_every_unit(y, lambda seed: pull_back([y], [seed], xs))
    return [_or_zeros(node, y, x) for node, x in zip(found, xs, strict=True)]


def _columns(ys: Sequence[Node], xs: Sequence[Node]) -> list[list[Node]]:
    """For each variable the tangents of all outputs, the axes of the variable in front."""
    if not ys:
        return []
    pushed = [_for_every_unit(x, lambda seed, x=x: push_forward(ys, [x], [seed])) for x in xs]
    return [
        [_or_zeros(node, x, y) for node, y in zip(found, ys, strict=True)]
        for found, x in zip(pushed, xs, strict=True)
    ]


def _or_zeros(node: Node | None, first: Node, second: Node) -> Node:
    shape = first.shape + second.shape
    if node is None:
        return apply("broadcast_to", constant(np.zeros((), second.dtype)), shape)
    return node


def _columns_last(block: Node, x: Node) -> Node:
    """A block with the axes of the variable behind those of the output."""
    count = x.ndim
    return apply(
        "moveaxis", block, tuple(range(count)), tuple(range(block.ndim - count, block.ndim))
    )


def jacobian_of_gradient(gradient: Any, wrt: Any, *, mode: Mode = "forward") -> Any:
    """Second derivatives from the gradient: a tree in the form of `wrt` of such trees."""
    gradients, _ = flatten_nodes(gradient, "gradient")
    xs, form = flatten_nodes(wrt, "wrt")
    _check(gradients, xs, mode)
    if mode == "reverse":
        rows = [_rows(g, xs) for g in gradients]
    else:
        # Second derivatives do not depend on their order: the axes need no exchange.
        rows = _columns(gradients, xs)
    return unflatten(form, [unflatten(form, row) for row in rows])


def hessian(
    loss: Node, wrt: Any, *, mode: Mode = "forward", unconnected: Unconnected = "raise"
) -> Any:
    """Hessian: the second derivatives of a scalar.

    Parameters
    ----------
    loss : Node
        Shape ``()``, real.
    wrt : tree of Node
        Placeholders or any other nodes of the graph.
    mode : {"forward", "reverse"}, optional
        How the gradient is differentiated. Forward over reverse does the least work.
    unconnected : {"raise", "zero"}
        What to do if `loss` does not depend on one of `wrt`.

    Returns
    -------
    tree of Node
        In the form of `wrt`, where for each variable v there stands a tree in the form of `wrt`;
        its nodes have shape ``v.shape + w.shape``.

    Raises
    ------
    DerivativeError, DisconnectedError
        As `grad`, and for complex variables.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", 2)
    >>> sg.function([x], sg.hessian(np.sum(x**3), x))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    gradient = grad(loss, wrt, unconnected=unconnected)
    return jacobian_of_gradient(gradient, wrt, mode=mode)
