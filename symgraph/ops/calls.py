"""How a function takes nodes as well as arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from symgraph.graph.evaluate import interpret
from symgraph.graph.node import Node
from symgraph.graph.registry import builder
from symgraph.graph.tree import flatten, unflatten
from symgraph.ops.kinds import any_node

__all__ = ["evaluated", "of_numpy", "over_axes"]

_F = TypeVar("_F", bound=Callable[..., Any])


def of_numpy(function: Callable[..., Any], *others: Callable[..., Any]) -> Callable[[_F], _F]:
    """Register what builds the nodes of a function of NumPy.

    The registered function hands a call without nodes to NumPy as it came, so that it is NumPy's
    there in every keyword and in every corner.

    Parameters
    ----------
    function : callable
        NumPy's function.
    *others : callable
        Further functions of NumPy that mean the same.
    """

    def register(build: _F) -> _F:
        @wraps(build)
        def call(*args: Any, **keywords: Any) -> Any:
            if any_node(*args, *keywords.values()):
                return build(*args, **keywords)
            return function(*args, **keywords)

        return builder(function, *others)(cast("_F", call))

    return register


_PARAMETERS = {
    "a": "array_like",
    "axis": """int or tuple of int, optional
        All axes by default.""",
    "dtype": """data-type, optional
        Of the result.""",
    "keepdims": """bool, optional
        Whether the axes stay, with size one.""",
    "initial": """scalar, optional
        Where the reduction begins.""",
    "where": """array_like of bool, optional
        The elements that count; broadcasts to `a`.""",
    "ddof": """int, optional
        The sum of squares is divided by the number of elements less this.""",
    "correction": """int, optional
        The Array API's name of `ddof`.""",
    "mean": """array_like, optional
        The mean, if it is known already, with axes of size one.""",
}
"""The parameters that reductions share, as numpydoc describes them."""


def over_axes(function: Callable[..., Any], *others: Callable[..., Any]) -> Callable[[_F], _F]:
    """As `of_numpy`, for a reduction, whose parameters need no description of their own."""

    def register(build: _F) -> _F:
        lines = [f"{name} : {_PARAMETERS[name]}" for name in inspect.signature(build).parameters]
        text = "\n    ".join(["Parameters", "----------", *lines])
        summary, errors, rest = (build.__doc__ or "").partition("\n\n    Raises\n")
        build.__doc__ = f"{summary.rstrip()}\n\n    {text}{errors}{rest}"
        return of_numpy(function, *others)(build)

    return register


def evaluated(name: str = "") -> Callable[[_F], _F]:
    """Register what builds the nodes of a function that NumPy has not; of arrays it gives arrays.

    Parameters
    ----------
    name : str, optional
        Another name than the function's own.
    """

    def register(build: _F) -> _F:
        @wraps(build)
        def call(*args: Any, **keywords: Any) -> Any:
            result = build(*args, **keywords)
            if any_node(*args, *keywords.values()):
                return result
            leaves, form = flatten(result)
            values = [interpret([x], {})[0] if isinstance(x, Node) else x for x in leaves]
            return unflatten(form, values)

        return builder(name=name)(cast("_F", call))

    return register
