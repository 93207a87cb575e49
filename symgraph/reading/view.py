"""NumPy as a traced function sees it: what takes a size takes a symbolic one, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from types import ModuleType
from typing import Any, cast

import numpy as np

from symgraph.graph.node import Node
from symgraph.graph.registry import BUILDERS, NUMPY_FUNCTIONS, apply, complete
from symgraph.graph.sizes import Size

__all__ = ["NUMPY", "viewed"]


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
def _view(module: ModuleType) -> View:
    return View(module)


NUMPY = _view(np)


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
        ours = value.__name__ == "numpy" or value.__name__.startswith("numpy.")
        return _view(value) if ours and not isinstance(value, View) else value
    if callable(value) and not isinstance(value, type | np.ufunc):
        module = getattr(value, "__module__", None)
        if isinstance(module, str) and (module == "numpy" or module.startswith("numpy.")):
            return _taking_sizes(value)
    return value


@cache
def _taking_sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, which gives way to ours where a size is symbolic."""
    complete()
    creates = _CREATORS().get(function)
    if creates is not None:

        @wraps(function)
        def create(*args: Any, **keywords: Any) -> Any:
            known = not _holds((*args, *keywords.values()), (Size, Node))
            return (function if known else creates)(*args, **keywords)

        return create
    ours = NUMPY_FUNCTIONS.get(function)
    if ours is None:
        return function

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        # The first argument is the array: np.prod(x.shape) is NumPy's product of sizes. With a
        # node among the arguments NumPy asks the node.
        symbolic = _holds((*args[1:], *keywords.values()), Size)
        known = not symbolic or _holds((*args, *keywords.values()), Node)
        return (function if known else ours)(*args, **keywords)

    return call


@cache
def _CREATORS() -> dict[Callable[..., Any], Callable[..., Any]]:  # noqa: N802 - a table
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
