"""Source as functions that run, and as files."""

from __future__ import annotations

import itertools
import linecache
import os
from collections.abc import Callable, Mapping
from typing import Any

from symgraph.errors import InputError
from symgraph.graph.collect import without_collection
from symgraph.graph.types import TensorType

__all__ = ["constant_arguments", "load_source", "write_module"]


def constant_arguments(extra: Mapping[str, Any]) -> list[tuple[str, TensorType]]:
    """The constant arrays that an exported function takes as its last arguments."""
    return [(name, TensorType(array.dtype, array.shape)) for name, array in extra.items()]


_NUMBERS = itertools.count(1)


@without_collection
def load_source(source: str, extra: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Run the text of a module; its lines show in tracebacks and debuggers."""
    filename = f"<symgraph {next(_NUMBERS)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    space: dict[str, Any] = {"__name__": filename.strip("<>").replace(" ", "_")}
    exec(compile(source, filename, "exec"), space)
    functions = {k: v for k, v in space.items() if callable(v) and not k.startswith("__")}
    if extra:
        functions = {k: _with_constants(v, extra) for k, v in functions.items()}
    return functions


def _with_constants(inner: Callable[..., Any], extra: Mapping[str, Any]) -> Callable[..., Any]:
    names = inner.__code__.co_varnames[: inner.__code__.co_argcount]
    used = {name: value for name, value in extra.items() if name in names}
    free = [name for name in names if name not in used]

    def call(*args: Any) -> Any:
        given = args[: len(free)]  # the module's own check gives stand-ins for the constants
        return inner(**dict(zip(free, given, strict=False)), **used)

    call.__wrapped__ = inner  # pyright: ignore[reportFunctionMemberAccess]
    return call if used else inner


def write_module(path: str | os.PathLike[str], text: str, force: bool) -> str:
    """Write a module; the same bytes on every system."""
    target = os.fspath(path)
    if os.path.exists(target) and not force:
        raise InputError(f"{target} exists", hint="force=True (--force) replaces it")
    try:
        with open(target, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written",
            expected="a file in a folder that exists and that you may write to",
            got=error.strerror or type(error).__name__,
        ) from None
    return target
