"""NumPy as a traced function sees it: what takes a size takes a symbolic one, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from types import ModuleType
from typing import Any, cast

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.operators import recorded
from symgraph.graph.registry import BUILDERS, NUMPY_FUNCTIONS, apply, complete
from symgraph.graph.sizes import Size

__all__ = ["viewed"]


class View(ModuleType):
    """A module of NumPy, with functions that take symbolic sizes.

    Everything is looked up in the module when it is asked for; nothing of it is changed.
    """

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__wrapped__ = module

    def __getattr__(self, name: str) -> Any:
        return viewed(getattr(self.__wrapped__, name))

    def __dir__(self) -> list[str]:
        return dir(self.__wrapped__)


@cache
def _view(module: Any) -> View:
    return View(module)


def viewed(value: Any) -> Any:
    """A module or function of NumPy as a traced function should see it; other values as they are.

    Examples
    --------
    >>> from symgraph.graph.sizes import as_dim
    >>> viewed(np.zeros)((as_dim("n"), 2)).shape
    (n, 2)
    >>> viewed(np.zeros)(2)
    array([0., 0.])
    """
    if isinstance(value, ModuleType):
        return _view(value) if _is_viewed(value.__name__) and not isinstance(value, View) else value
    if callable(value) and not isinstance(value, type | np.ufunc):
        module = getattr(value, "__module__", None)
        if isinstance(module, str) and _is_viewed(module):
            return _taking_sizes(value)
    return value


def _is_viewed(module: str) -> bool:
    return module.partition(".")[0] == "numpy" or module == "scipy" or _is_special(module)


def _is_special(module: str) -> bool:
    return module == _SPECIAL or module.startswith(f"{_SPECIAL}.")


_SPECIAL = "scipy.special"
"""Some of its functions are no ufuncs, and ask for arrays: the Riemann zeta function does."""


@cache
def _taking_sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, which gives way to ours where a size is symbolic."""
    complete()
    creates = _creators().get(function)
    if creates is not None:
        return _taking_nodes(function, creates)
    ours = NUMPY_FUNCTIONS.get(function)
    if ours is None and _is_special(function.__module__):
        return _taking_nodes(function, BUILDERS.get(function.__name__))
    if ours is None:
        return function

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        values = (*args, *keywords.values())
        if _holds(values, Node):
            # Of arrays in a list NumPy asks nobody in some functions: in np.lexsort([a, b]).
            ask = any(isinstance(value, Node) for value in values)
        else:
            # The first argument is the array: np.prod(x.shape) is NumPy's product of sizes.
            ask = not _holds((*args[1:], *keywords.values()), Size)
        if ask:
            return function(*args, **keywords)
        return recorded(ours, function, f"np.{function.__name__}", args, keywords)

    return call


def _taking_nodes(
    function: Callable[..., Any], ours: Callable[..., Any] | None
) -> Callable[..., Any]:
    if ours is None:
        return function

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        known = not _holds((*args, *keywords.values()), (Size, Node))
        return (function if known else ours)(*args, **keywords)

    return call


@cache
def _creators() -> dict[Callable[..., Any], Callable[..., Any]]:
    """NumPy's functions that take sizes and no array, to ours."""
    found = {np.empty: _empty}
    for module in (np, np.fft):
        for name in dir(module):
            function, ours = getattr(module, name), BUILDERS.get(name)
            if ours is None or isinstance(function, ModuleType | np.ufunc | type):
                continue
            if function not in NUMPY_FUNCTIONS:
                found[function] = ours
    return found


def _empty(shape: Any, dtype: Any = "float64") -> Any:
    return apply("zeros", shape, dtype)


def _holds(values: Iterable[Any], kinds: Any) -> bool:
    """Whether a value is of one of the kinds, also inside lists and tuples."""
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, kinds):
            return True
        if isinstance(value, list | tuple):
            stack += cast("list[Any]", value)
    return False
