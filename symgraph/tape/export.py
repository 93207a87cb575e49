"""From what was recorded to a static graph, and to the source of a function."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from symgraph.compile import Function, compile_graph
from symgraph.differentiate import vjp
from symgraph.errors import PACKAGE_FOLDER, DisconnectedError, InputError
from symgraph.graph.collect import without_collection
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node, placeholder
from symgraph.graph.refusal import public
from symgraph.graph.tree import flatten, unflatten
from symgraph.pipeline import Options, Strictness
from symgraph.tape.backward import recorded
from symgraph.tape.loops import Ref, listed, rolled
from symgraph.tape.rebuild import Rebuilt, outside_node
from symgraph.tape.tensor import Tensor
from symgraph.tape.values import LEAF, Value

__all__ = ["function", "graph"]


@public
def graph(outputs: Any, inputs: Any = None, *, roll: bool = True) -> Graph:
    """What was recorded on the way to some tensors, as a static graph.

    Parameters
    ----------
    outputs : tree of Tensor
    inputs : tree of Tensor, optional
        What becomes an argument; its names are the keys of a dict, or the caller's variables. By
        default all leaves that require a gradient. Everything else that was data is a constant.
    roll : bool, optional
        Whether equal steps that follow one another become a loop (`symgraph.scan`).

    Returns
    -------
    Graph

    Raises
    ------
    DisconnectedError
        If an output does not depend on an input, as far as was recorded: operations on tensors
        that do not require a gradient are not.

    Examples
    --------
    >>> from symgraph import tape
    >>> x = tape.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> print(tape.graph(y, [x]))  # doctest: +ELLIPSIS
    x: float64[2] = placeholder
    1: float64[2] = multiply(x, x)...
    y: float64[] = sum[axes=(0,)](%1)...
    return y
    """
    return _Export(outputs, inputs, roll).graph


@public
def function(
    outputs: Any,
    inputs: Any = None,
    *,
    wrt: Any = None,
    name: str | None = None,
    strictness: Strictness = "accurate",
    roll: bool = True,
) -> Function:
    """What was recorded, compiled: its source is plain NumPy.

    Parameters
    ----------
    outputs, inputs, roll
        As for `graph`.
    wrt : tree of Tensor, optional
        Inputs to differentiate a scalar output by: the function then gives the value and the
        gradients, ``[value, gradients]``.
    name, strictness
        As for `symgraph.function`.

    Returns
    -------
    Function

    Examples
    --------
    >>> import numpy as np
    >>> from symgraph import tape
    >>> x = tape.tensor([2.0], requires_grad=True)
    >>> y = (3 * x**2 + 2 * x + 1).sum()
    >>> tape.function(y, [x], wrt=x)(np.array([1.0]))
    [np.float64(6.0), array([8.])]
    """
    export = _Export(outputs, inputs, roll)
    found = export.graph
    if wrt is not None:
        leaves, form = flatten(wrt)
        by = [export.argument(tensor) for tensor in leaves]
        gradients = vjp(found.outputs[0], by) if len(found.outputs) == 1 else None
        if gradients is None or found.outputs[0].shape != ():
            raise InputError("wrt= needs one output of shape ()")
        found = Graph(found.input, [found.outputs[0], unflatten(form, gradients)], found.names)
    return compile_graph(found, name=name, options=Options(strictness))


class _Export:
    """The nodes of a recording."""

    def __init__(self, outputs: Any, inputs: Any, roll: bool) -> None:
        leaves, self._form = flatten(outputs)
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise InputError("what was recorded is a tensor", got=type(leaf).__name__)
        self._roots = [tensor.current() for tensor in leaves]
        self._order = recorded(self._roots)
        self._names = _variables()
        self._nodes: dict[Value, Node] = {}
        self._arguments: dict[Tensor, Node] = {}
        self.graph = self._build(self._leaves() if inputs is None else inputs, roll)

    def argument(self, tensor: Tensor) -> Node:
        """The placeholder of an input."""
        found = self._arguments.get(tensor)
        if found is None:
            raise InputError("wrt: not among the inputs", got=repr(tensor)[:60])
        return found

    def _leaves(self) -> list[Tensor]:
        found = [v.tensor() for v in self._order if v.mark == LEAF and v.tensor is not None]
        return [tensor for tensor in found if tensor is not None]

    @without_collection
    def _build(self, inputs: Any, roll: bool) -> Graph:
        tensors, form = flatten(inputs)
        given = [self._place(tensor, i, form.keys) for i, tensor in enumerate(tensors)]
        order = [v for v in self._order if v.step is not None and v not in self._nodes]
        items, roots, parts = listed(order, self._roots, self._nodes)
        if roll and items:
            items, roots = rolled(items, roots)
        built = Rebuilt(items, roots, outside_node)
        outputs = [built.node(root) for root in roots]
        result = Graph(unflatten(form, given), unflatten(self._form, outputs))
        self._nodes.update(zip(self._roots, outputs, strict=True))
        self._nodes.update(
            {item.value: built.node(Ref(i)) for i, item in enumerate(items) if item.loop is None}
        )
        if all(item.loop is None for item in items):
            self._nodes.update({value: built.node(ref) for value, ref in parts.items()})
        for tensor, name in self._names.items():
            node = self._nodes.get(tensor.held)
            if node is not None:
                result.names.setdefault(node, name)
        for node, name in built.names.items():
            if name:
                result.names.setdefault(node, name)
        return result

    def _place(self, tensor: Any, number: int, keys: Sequence[Any]) -> Node:
        """A placeholder for an input, in the place of every value that it had."""
        if not isinstance(tensor, Tensor):
            raise InputError("an input is a tensor", got=type(tensor).__name__)
        name = str(keys[number]) if len(keys) > number else self._names.get(tensor, f"x{number}")
        node = placeholder(name, tensor.shape, tensor.dtype)
        own = tensor.current()
        found = False
        for value in self._order:
            for candidate in (value, *value.inputs):
                same = candidate is own or (
                    candidate.step is None
                    and (
                        (candidate.tensor is not None and candidate.tensor() is tensor)
                        or (not candidate.active and candidate.data is tensor.memory)
                    )
                )
                if same:
                    self._nodes[candidate] = node
                    found = True
        if not found:
            raise DisconnectedError(
                f"the outputs do not depend on the input {name}, as far as was recorded",
                hint="operations on it are recorded after x.requires_grad_()",
            )
        self._arguments[tensor] = node
        return node


def _variables() -> dict[Tensor, str]:
    """The caller's variables that are tensors."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDER):
        frame = frame.f_back
    names: dict[Tensor, str] = {}
    if frame is not None:
        for name, value in list(frame.f_locals.items()):
            if isinstance(value, Tensor) and not name.startswith("_"):
                names.setdefault(value, name)
    return names
