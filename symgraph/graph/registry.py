"""How a node's operators and NumPy's functions find the operations, which lie a layer above.

The operations fill these tables when `symgraph.ops` is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from symgraph.errors import UnsupportedError
from symgraph.graph.refusal import in_our_words

__all__ = [
    "BUILDERS",
    "NUMPY_FUNCTIONS",
    "ON_DEMAND",
    "VIEWS",
    "Eager",
    "apply",
    "builder",
    "builder_for",
    "builder_named",
    "complete",
    "first_eager",
]

BUILDERS: dict[str, Callable[..., Any]] = {}
"""Public functions that build nodes, by name: a ufunc's ``__name__``, or ours."""

NUMPY_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's own function to the one of ours that takes its place for nodes."""

VIEWS: dict[str, Callable[..., Any]] = {}
"""Ways to look at a graph or a node (``svg``, ``latex``), filled by the packages that draw."""

ON_DEMAND: list[Callable[[], object]] = []
"""What loads the families of operations that not every program needs: see `complete`."""

_F = TypeVar("_F", bound=Callable[..., Any])


class Eager:
    """Base of values that are no nodes, but take every operation that nodes take.

    Builders hand themselves over to the first such argument, which decides what to do.
    """

    def apply_builder(
        self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """The result of a builder with this value among its arguments."""
        raise NotImplementedError

    def as_node(self) -> Any:
        """The node that stands for this value in a graph that is being built of it."""
        raise NotImplementedError


def first_eager(values: Iterable[Any]) -> Eager | None:
    """The first value, also in lists, tuples and dicts, that does operations its own way."""
    for value in values:
        if isinstance(value, Eager):
            return value
        if isinstance(value, list | tuple | dict):
            inner = cast("Any", value)
            found = first_eager(inner.values() if isinstance(value, dict) else inner)
            if found is not None:
                return found
    return None


def builder(*numpy_functions: Callable[..., Any], name: str = "") -> Callable[[_F], _F]:
    """Register a public function under its name and for the given functions of NumPy.

    Parameters
    ----------
    *numpy_functions : callable
        Functions of NumPy that call this one when an argument is a node.
    name : str, optional
        Another name than the function's own.
    """

    def register(function: _F) -> _F:
        @wraps(function)
        def build(*args: Any, **keywords: Any) -> Any:
            try:
                eager = first_eager((*args, *keywords.values()))
                if eager is None:
                    return function(*args, **keywords)
                return eager.apply_builder(function, args, keywords)
            except Exception as error:
                in_our_words(error, function, args, keywords)
                raise

        BUILDERS[name or function.__name__] = build
        for numpy_function in numpy_functions:
            NUMPY_FUNCTIONS[numpy_function] = build
        return build  # pyright: ignore[reportReturnType]

    return register


def complete() -> bool:
    """Load every operation that there is; whether some were missing."""
    missing = bool(ON_DEMAND)
    while ON_DEMAND:
        ON_DEMAND.pop()()
    return missing


def builder_named(name: str) -> Callable[..., Any] | None:
    """The public function of that name, if there is one."""
    found = BUILDERS.get(name)
    return BUILDERS.get(name) if found is None and complete() else found


def builder_for(numpy_function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The public function that takes the place of NumPy's, if there is one."""
    found = NUMPY_FUNCTIONS.get(numpy_function)
    return NUMPY_FUNCTIONS.get(numpy_function) if found is None and complete() else found


def apply(name: str, *args: Any, **keywords: Any) -> Any:
    """Call the builder of that name.

    Raises
    ------
    UnsupportedError
        If there is none.
    """
    found = builder_named(name)
    if found is None:
        raise UnsupportedError(
            f"{name} cannot be recorded in a graph",
            hint="compose it from operations that exist, or declare it with sg.elementwise",
        )
    return found(*args, **keywords)
