"""Batching: a function of one example made one of a whole stack of them, without a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast

from symgraph.errors import InputError, ShapeError
from symgraph.graph.evaluate import interpret
from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Item, Placeholder
from symgraph.graph.node import Node, as_node, placeholder, topological
from symgraph.graph.refusal import public
from symgraph.graph.registry import apply
from symgraph.graph.side import (
    GRADIENT_OF,
    NAMES,
    ORIGINS,
    current_origin,
    note_gradient,
    origin_as,
    set_origin,
)
from symgraph.graph.sizes import Dim, as_dim
from symgraph.graph.tree import Tree, flatten, leaf_paths, unflatten
from symgraph.graph.types import TensorType, TupleType, normalize_axis
from symgraph.ops.bodies import items, repeated
from symgraph.ops.kinds import ControlFlow, any_node
from symgraph.ops.loops import looped

__all__ = ["push_batch", "vmap"]


def push_batch(
    outputs: Sequence[Node], by: Sequence[Node], stacks: Sequence[Node], size: Dim
) -> list[Node | None]:
    """Stacks of the outputs for stacks of the nodes `by`, the batch in front.

    Only what depends on `by` is batched; ``None`` stands for an output that does not.
    """
    known: dict[Node, Any] = dict(zip(by, stacks, strict=True))
    with origin_as(current_origin()):
        for node in topological(outputs, stop=known.__contains__):
            if node in known or not any(operand in known for operand in node.inputs):
                continue
            origin = ORIGINS.get(node)
            if origin is not None:
                set_origin(origin)
            found = known[node] = _batched(node, known, size)
            if isinstance(found, Node):
                _hand_on_names(node, found, known)
    return [known.get(output) for output in outputs]


def _batched(node: Node, known: dict[Node, Any], size: Dim) -> Any:
    op = node.op
    if isinstance(op, Item):
        return known[node.inputs[0]][op.index]
    mapped = [operand in known for operand in node.inputs]
    operands: list[Node] = [known.get(operand, operand) for operand in node.inputs]
    if isinstance(op, ControlFlow):
        return op.batch_bodies(node, operands, mapped, size, push_batch)
    found = op.batch(node, operands, mapped, size)
    if found is None:
        found = looped(node, operands, mapped, size)
    if isinstance(found, Node) and isinstance(found.result_type, TupleType):
        return items(found)
    return found


def _hand_on_names(node: Node, stack: Node, known: dict[Node, Any]) -> None:
    name = NAMES.get(node)
    if name:
        NAMES.setdefault(stack, name)
    for entry in GRADIENT_OF.get(node) or ():
        by = entry.by()
        if by is not None:
            note_gradient(stack, known.get(by, by), None)


# Functions and graphs --------------------------------------------------------------------------


@public
def vmap(
    fn: Callable[..., Any] | Graph, in_axes: Any = 0, out_axes: Any = 0, *, axis_size: Any = None
) -> Any:
    """A function of stacks that does what `fn` does for each of their elements.

    No loop is run: every operation takes all elements at once. Only an operation that has no
    batched form is put in a loop, and `explain` says so.

    Parameters
    ----------
    fn : callable or Graph
        A function of nodes, or a graph (of `trace`, say).
    in_axes : int, None, or tree of them
        Along which axis each argument is a stack; ``None`` for one that all elements share. One
        number for all arguments, or a tuple with an entry for each; an entry may be a tree for
        the leaves of its argument.
    out_axes : int, None, or tree of them
        Where the batch stands in the results, in the same way. ``None`` is for a result that does
        not depend on the stacks.
    axis_size : size, optional
        How many elements there are; it follows from the arguments. For a graph it may be given:
        by default it is a new symbolic size, ``"batch"``.

    Returns
    -------
    callable or Graph
        The function takes nodes or arrays, and gives nodes if one of them is a node or `fn` uses
        nodes from around it. Arguments given by name are stacks along their first axis. The graph
        has the inputs of `fn` with the batch.

    Raises
    ------
    ShapeError
        If the sizes along the axes differ, or there is no such axis.
    InputError
        If nothing is mapped, or the form of `in_axes` is not that of the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> import symgraph as sg
    >>> X, w = sg.placeholder("X", ("n", 3)), sg.placeholder("w", 3)
    >>> per_example = sg.vmap(lambda x: sg.grad(np.tanh(x @ w), w))
    >>> per_example(X).shape
    (n, 3)
    """
    if isinstance(fn, Graph):
        return _batched_graph(fn, in_axes, out_axes, axis_size)
    if not callable(fn):
        raise InputError("vmap", expected="a function or a graph", got=repr(fn))

    @wraps(fn)
    def batched(*args: Any, **keywords: Any) -> Any:
        axes = [*_axes_of(in_axes, args), *[0] * len(flatten(keywords)[0])]
        leaves, form = flatten((args, keywords))
        names = leaf_paths(form)
        nodes = [as_node(leaf) for leaf in leaves]
        size, places = _checked(nodes, axes, names, axis_size)
        stacks = [
            node if place is None else apply("moveaxis", node, place, 0)
            for node, place in zip(nodes, places, strict=True)
        ]
        own = [
            node if place is None else _element(path, node.type, place)
            for path, node, place in zip(names, nodes, places, strict=True)
        ]
        # What is not mapped stays as it was given: an axis or a flag may be an argument.
        given = [
            leaf if place is None else x for leaf, x, place in zip(leaves, own, places, strict=True)
        ]
        arguments, named = unflatten(form, given)
        results = _run(fn(*arguments, **named), own, stacks, places, size, out_axes)
        if any_node(*leaves):
            return results
        found, result_form = flatten(results)
        if any(isinstance(n.op, Placeholder) for n in topological(found)):
            return results
        return unflatten(result_form, interpret(found, {}))

    return batched


def _element(path: str, type_: TensorType, axis: int) -> Node:
    """A placeholder for one element of a stack."""
    name = path.split("_", 1)[1]
    name = f"x{name}" if name[:1].isdigit() else name
    return placeholder(name, (*type_.shape[:axis], *type_.shape[axis + 1 :]), type_.dtype)


def _run(
    results: Any,
    own: Sequence[Node],
    stacks: Sequence[Node],
    places: Sequence[int | None],
    size: Dim,
    out_axes: Any,
) -> Any:
    """The results for one element, made results for all."""
    leaves, form = flatten(results)
    outputs = [as_node(leaf) for leaf in leaves]
    mapped = [i for i, place in enumerate(places) if place is not None]
    found = push_batch(outputs, [own[i] for i in mapped], [stacks[i] for i in mapped], size)
    return unflatten(
        form,
        [
            _placed(output, stack, axis, size, path)
            for output, stack, axis, path in zip(
                outputs, found, _spread(out_axes, form, "out_axes"), leaf_paths(form), strict=True
            )
        ],
    )


def _placed(output: Node, stack: Node | None, axis: int | None, size: Dim, path: str) -> Node:
    """The stack of a result with the batch where it was asked for."""
    if axis is None:
        if stack is None:
            return output
        raise InputError(
            f"vmap: out_axes is None for the result{f' [{path}]' if path else ''}, which depends "
            "on the stacks",
            hint="say along which axis it is to be a stack",
        )
    result = repeated(output, stack, size)
    return apply("moveaxis", result, 0, normalize_axis(axis, result.ndim, "vmap: out_axes"))


def _axes_of(in_axes: Any, args: tuple[Any, ...]) -> list[int | None]:
    """An axis for every leaf of the arguments."""
    if isinstance(in_axes, list):
        in_axes = tuple(cast("Sequence[Any]", in_axes))
    return _spread(in_axes, flatten(args)[1], "in_axes")


def _is_axis(value: object) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _spread(axes: Any, form: Tree, what: str) -> list[int | None]:
    """An axis for every leaf of a tree, from one for a part of it."""
    if axes is None or _is_axis(axes):
        return [None if axes is None else int(axes)] * form.leaves
    children: Any = axes
    if isinstance(axes, dict):
        table = cast("dict[Any, Any]", axes)
        children = [table[key] for key in form.keys] if set(table) == set(form.keys) else None
    if not isinstance(children, list | tuple) or len(cast("Any", children)) != len(form.children):
        raise InputError(
            f"vmap: {what} does not have the form of what it belongs to",
            expected="an axis, None, or a tree of them in the form of the values",
            got=repr(cast("Any", axes)),
        )
    found: list[int | None] = []
    for child, below in zip(cast("Any", children), form.children, strict=True):
        found += _spread(child, below, what)
    return found


def _checked(
    nodes: Sequence[Node], axes: Sequence[int | None], names: Sequence[str], axis_size: Any
) -> tuple[Dim, list[int | None]]:
    """The size of the batch, and the axes counted from the front."""
    places: list[int | None] = []
    size: Dim | None = None if axis_size is None else as_dim(axis_size)
    first = "axis_size"
    for node, axis, name in zip(nodes, axes, names, strict=True):
        if axis is None:
            places.append(None)
            continue
        what = f"vmap: in_axes of argument {name.split('_', 1)[1]}"
        place = normalize_axis(axis, node.ndim, what)
        places.append(place)
        found = node.shape[place]
        if size is None:
            size, first = found, name.split("_", 1)[1]
        elif found != size:
            raise ShapeError(
                "vmap: the sizes along the mapped axes differ",
                expected=f"{size}, as of argument {first}",
                got=f"{found} of argument {name.split('_', 1)[1]}",
            )
    if size is None or all(place is None for place in places):
        raise InputError(
            "vmap: no argument is mapped",
            expected="at least one argument with an axis in in_axes",
            hint="call the function itself",
        )
    return size, places


def _batched_graph(graph: Graph, in_axes: Any, out_axes: Any, axis_size: Any) -> Graph:
    """A graph with stacks for inputs."""
    if axis_size is None:
        taken, count = set(graph.size_names), 1
        axis_size = "batch"
        while axis_size in taken:
            count += 1
            axis_size = f"batch_{count}"
    size = as_dim(axis_size)
    single = graph.input_tree.kind is None
    arguments = (graph.input,) if single else tuple(cast("Sequence[Any]", graph.input))
    axes = _axes_of(in_axes, arguments)
    inputs: list[Node] = []
    for node, axis in zip(graph.inputs, axes, strict=True):
        if axis is None:
            inputs.append(node)
            continue
        name = node.op.label
        place = normalize_axis(axis, node.ndim + 1, f"vmap: in_axes of {name}")
        shape = (*node.shape[:place], size, *node.shape[place:])
        inputs.append(placeholder(name, shape, node.dtype))
    _, places = _checked(inputs, axes, [f"_{node.op.label}" for node in inputs], size)
    stacks = [
        node if place is None else apply("moveaxis", node, place, 0)
        for node, place in zip(inputs, places, strict=True)
    ]
    outputs = _run(graph.output, graph.inputs, stacks, places, size, out_axes)
    return Graph(unflatten(graph.input_tree, inputs), outputs)
