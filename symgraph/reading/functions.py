"""Copies of functions that see another NumPy; the functions and their modules stay as they are."""

from __future__ import annotations

import dis
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from symgraph.emit.document import SIGNATURE
from symgraph.errors import PACKAGE_FOLDER
from symgraph.graph.code import HELPERS
from symgraph.graph.registry import builder_named
from symgraph.reading.rewrite import rewritten
from symgraph.reading.view import viewed

__all__ = ["readable"]


def readable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function to run on placeholders in the place of another.

    The copy of a Python function sees a NumPy whose ``zeros``, ``arange`` and so on take symbolic
    sizes, and copies of the other functions of its module. A function of a module that symgraph
    wrote is read: see `symgraph.reading.rewrite`. Functions that assign to globals, and callables
    that are no Python functions, stay as they are.

    Parameters
    ----------
    function : callable

    Raises
    ------
    UnsupportedError
        If it stands in a module that symgraph wrote, but that was changed.
    """
    return _Copies().of(function)


class _Copies:
    """The copies that belong to one call of `readable`: each function has one."""

    def __init__(self) -> None:
        self._copies: dict[FunctionType, Any] = {}
        self._spaces: dict[int, _Globals] = {}

    def of(self, function: Any) -> Any:
        if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
            return MethodType(self._copy(function.__func__), function.__self__)
        return self._copy(function) if isinstance(function, FunctionType) else function

    def seen(self, value: Any, home: dict[str, Any]) -> Any:
        """A value as code whose globals are `home` should see it."""
        if isinstance(value, FunctionType) and (
            value.__globals__ is home or _is_exported(vars_of=value.__globals__)
        ):
            return self._copy(value)
        if isinstance(value, ModuleType) and _is_exported(vars_of=vars(value)):
            return _Module(value, self)
        return viewed(value)

    def _copy(self, function: FunctionType) -> Any:
        if function not in self._copies:
            if _is_exported(vars_of=function.__globals__):
                self._copies[function] = self._read(function)
            elif function.__code__.co_filename.startswith(PACKAGE_FOLDER) or _assigns_globals(
                function.__code__
            ):
                self._copies[function] = function
            else:
                self._duplicate(function, function.__code__, self._space(function))
        return self._copies[function]

    def _space(self, function: FunctionType) -> _Globals:
        home = function.__globals__
        return self._spaces.setdefault(id(home), _Globals(home, self))

    def _read(self, function: FunctionType) -> Any:
        """A function of a module that we wrote; what NumPy lacks there is an operation here."""
        if function.__name__ in HELPERS:
            return builder_named(function.__name__)
        space = self._space(function)
        return rewritten(function, space) or self._duplicate(function, function.__code__, space)

    def _duplicate(self, function: FunctionType, code: CodeType, space: dict[str, Any]) -> Any:
        cells = function.__closure__ or ()
        # A cell is replaced only where what it holds is: the others may be assigned to.
        copies = [CellType() if self._differs(cell, function) else cell for cell in cells]
        copy = FunctionType(
            code, space, function.__name__, function.__defaults__, tuple(copies) or None
        )
        copy.__kwdefaults__ = function.__kwdefaults__
        copy.__qualname__, copy.__doc__ = function.__qualname__, function.__doc__
        copy.__dict__.update(function.__dict__)
        self._copies[function] = copy
        for cell, own in zip(cells, copies, strict=True):
            if own is not cell:
                own.cell_contents = self.seen(cell.cell_contents, function.__globals__)
        return copy

    def _differs(self, cell: CellType, function: FunctionType) -> bool:
        try:
            value = cell.cell_contents
        except ValueError:  # nothing is in it yet
            return False
        if isinstance(value, FunctionType) and value in self._copies:
            return self._copies[value] is not value
        if isinstance(value, FunctionType) and value.__globals__ is function.__globals__:
            return True
        return self.seen(value, function.__globals__) is not value


class _Globals(dict[str, Any]):
    """The globals of a module, as they are when they are asked for, seen by copies."""

    def __init__(self, home: dict[str, Any], copies: _Copies) -> None:
        # The interpreter looks these two up past `__missing__`.
        super().__init__({k: home[k] for k in ("__name__", "__builtins__") if k in home})
        self._home, self._copies = home, copies

    def __missing__(self, name: str) -> Any:
        return self._copies.seen(self._home[name], self._home)


class _Module(ModuleType):
    """A module that we wrote, whose functions are read."""

    def __init__(self, module: ModuleType, copies: _Copies) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__wrapped__, self._copies = module, copies

    def __getattr__(self, name: str) -> Any:
        return self._copies.seen(getattr(self.__wrapped__, name), {})


def _is_exported(*, vars_of: dict[str, Any]) -> bool:
    text = vars_of.get("__doc__")
    return isinstance(text, str) and text.rstrip().endswith(SIGNATURE)


def _assigns_globals(code: CodeType) -> bool:
    """Whether a function, or one inside it, has a ``global`` statement that it uses."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return any(
        instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")
        for instruction in dis.get_instructions(code)
    ) or any(map(_assigns_globals, inner))
