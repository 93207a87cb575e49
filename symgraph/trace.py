"""Plain NumPy functions run on placeholders: the graph of what they compute."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError, InputError
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node, as_node, placeholder
from symgraph.graph.refusal import public
from symgraph.graph.sizes import Size
from symgraph.graph.tree import flatten, leaf_paths, unflatten
from symgraph.graph.types import TensorType

__all__ = ["spec", "trace"]


@public
def spec(shape: object = (), dtype: object = "float64") -> TensorType:
    """What `trace` should assume of an argument.

    Parameters
    ----------
    shape : size or tuple of sizes
        May be symbolic: ``("n", 3)``.
    dtype : data-type

    Examples
    --------
    >>> spec(("n", 3))
    float64[n, 3]
    """
    return TensorType.of(shape, dtype)


@public
def trace(fn: Callable[..., Any], *specs: Any, **named_specs: Any) -> Graph:
    """Run a plain NumPy function on placeholders.

    What runs is a copy that sees a NumPy whose ``np.zeros(n)``, ``np.arange(n)`` and so on take
    symbolic sizes; so do the functions of the same module that it calls. The function of a module
    that symgraph exported is read back whole, with its writes into arrays, its loops and
    branches; arguments that it changes in place come as further results.

    Parameters
    ----------
    fn : callable
        Uses operators, NumPy's functions and ``sg``'s; returns nodes in any tree form.
    *specs, **named_specs
        For each argument a `spec`, an example array, or a tree of them.

    Returns
    -------
    Graph
        Its inputs are the placeholders, named as the arguments.

    Raises
    ------
    InputError
        If the arguments do not fit the function's signature.
    UnsupportedError
        If an exported module was edited into what symgraph does not write, or has a loop of
        symbolic length that no operation stands for.

    Examples
    --------
    >>> def loss(w, X):
    ...     z = X @ w
    ...     return np.sum(z**2)
    >>> print(trace(loss, spec(3), spec(("n", 3))))  # doctest: +ELLIPSIS
    w: float64[3] = placeholder
    X: float64[n, 3] = placeholder
    2: float64[n] = matmul(X, w)...
    >>> trace(lambda x: np.eye(x.shape[0]) * x, spec("n")).output.shape
    (n, n)
    """
    try:
        bound = inspect.signature(fn).bind(*specs, **named_specs)
    except TypeError as error:
        raise InputError(f"trace: {error}", hint="one spec for each argument") from None
    inputs: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        inputs[name] = _placeholders(name, value)
    bound.arguments.update(inputs)
    # It brings the emitter, which importing symgraph should not.
    from symgraph.reading import readable

    leaves, form = flatten(readable(fn)(*bound.args, **bound.kwargs))
    outputs = unflatten(form, [_output(leaf) for leaf in leaves])
    return Graph(list(inputs.values()), outputs)


def _output(leaf: Any) -> Node:
    if leaf is None:
        raise InputError("trace: the function returned None", expected="nodes or numbers")
    return as_node(leaf)


def _placeholders(name: str, value: Any) -> Any:
    leaves, form = flatten(value, is_leaf=_is_example)
    names = [name] if form.kind is None else [f"{name}_{path}" for path in leaf_paths(form)]
    return unflatten(form, [_placeholder(n, leaf) for n, leaf in zip(names, leaves, strict=True)])


def _is_example(value: Any) -> bool:
    # A list of numbers is an example array; a list of specs or arrays is a tree.
    if not isinstance(value, list | tuple):
        return False
    items = cast("Sequence[Any]", value)
    return bool(items) and all(isinstance(item, int | float | complex) for item in items)


def _placeholder(name: str, value: Any) -> Node:
    if isinstance(value, TensorType):
        return placeholder(name, value.shape, value.dtype)
    if isinstance(value, Node | Size):
        raise InputError(
            f"trace: the argument {name} is a node", expected="sg.spec(shape) or an example array"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in "biufc":
        raise DTypeError(
            f"trace: the argument {name}",
            expected="sg.spec(shape, dtype) or an example array",
            got=type(value).__name__,
        )
    return placeholder(name, array.shape, array.dtype)
