"""How a function of NumPy becomes one that takes nodes as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from symgraph.graph.registry import builder
from symgraph.ops.kinds import any_node

__all__ = ["of_numpy"]

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
