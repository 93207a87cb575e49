"""A wrong call in our words: what Python, NumPy or SciPy refuse below a public function.

Each function checks what only it knows. Whatever else is wrong with a call shows as somebody
else's error on a line that is not the user's; it is said here, in one place, what was called
with what.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import FrameType
from typing import Any, TypeVar, cast

import numpy as np

from symgraph.errors import DTypeError, InputError, ShapeError, SymgraphError

__all__ = ["in_our_words", "public", "refusal", "short"]

_F = TypeVar("_F", bound=Callable[..., Any])

_OF_CALLS = (TypeError, ValueError, AttributeError, LookupError, OverflowError, ZeroDivisionError)
"""What a wrong argument causes; anything else is for the user as it came."""
_SHAPES = re.compile("dimension|square|empty|requirement")
_LIBRARIES = {*sys.stdlib_module_names, "symgraph", "numpy", "scipy", "sympy", "mpmath"}
_LONGEST = 60


def public(function: _F) -> _F:
    """A public function whose wrong calls are refused in our words."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        try:
            return function(*args, **keywords)
        except Exception as error:
            in_our_words(error, function, args, keywords)
            raise

    return cast("_F", call)


def in_our_words(
    error: Exception,
    function: Callable[..., Any],
    args: Sequence[Any],
    keywords: dict[str, Any],
    name: str = "",
) -> None:
    """Raise what an error on its way through a public function means.

    Nothing happens to one that is ours already and says what came, that says something of values
    (a singular matrix), or that comes from code of the user which the function called.

    Parameters
    ----------
    error : Exception
        In its handler.
    function : callable
        The public function.
    args, keywords
        What it was called with.
    name : str, optional
        What the user called, if that is not the function's own name.
    """
    name = name or _name(function)
    if isinstance(error, SymgraphError) and error.original is None:
        if not (error.expected or error.got or error.hint):
            expected, got = _signature(name, function), _call(name, args, keywords)
            raise type(error)(
                error.summary, expected=expected, got=got, where=error.where
            ) from None
        return
    original = error.original if isinstance(error, SymgraphError) else error
    if (
        isinstance(original, _OF_CALLS)
        and not _of_values(original)
        and not _through_the_user(error)
    ):
        hint = _IF_RIGHT if _stumbled(original) and not _CALLED.match(str(original)) else ""
        raise refusal(original, name, function, args, keywords, hint) from None


_IF_RIGHT = "if the call is right, report this with the traceback of error.original"


def refusal(
    original: Exception,
    name: str,
    function: Callable[..., Any],
    args: Sequence[Any],
    keywords: dict[str, Any],
    hint: str = "",
) -> SymgraphError:
    """An error that says with what a function was called, and what it takes.

    Parameters
    ----------
    original : Exception
        Why not, in the words of somebody else.
    name : str
        What the user called.
    function : callable
        What has the signature and the docstring.
    args, keywords
        What it was called with.
    hint : str, optional
    """
    if isinstance(original, np.exceptions.AxisError | np.linalg.LinAlgError):
        kind = ShapeError
    else:
        kind = DTypeError if isinstance(original, TypeError | AttributeError) else InputError
    if args and next(iter(_parameters(function)), "") == "self":
        name = ".".join([type(args[0]).__name__, *name.split(".")[1:]]).removesuffix(".__init__")
        args = args[1:]
    refused = kind(
        f"{name}: {_reason(original)}",
        expected=_signature(name, function),
        got=_call(name, args, keywords),
        hint=hint,
    )
    refused.original = original
    return refused


def _call(name: str, args: Sequence[Any], keywords: dict[str, Any]) -> str:
    given = [*map(short, args), *[f"{key}={short(value)}" for key, value in keywords.items()]]
    return f"{name}({', '.join(given)})"


def _of_values(error: Exception) -> bool:
    """Whether the call is right, and the numbers are not: a singular matrix, no convergence."""
    return isinstance(error, np.linalg.LinAlgError) and _SHAPES.search(str(error)) is None


def _through_the_user(error: Exception) -> bool:
    """Whether a frame below the handler is no library's."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
        if not _of_library(traceback.tb_frame):
            return True
    return False


def _stumbled(error: Exception) -> bool:
    """Whether code of ours raised it that meant to compute: a check that is missing, or a bug."""
    traceback = error.__traceback__
    depth = 0
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
        depth += 1
    module = "" if traceback is None else str(traceback.tb_frame.f_globals.get("__name__", ""))
    return depth > 0 and module.partition(".")[0] == "symgraph"


def _of_library(frame: FrameType) -> bool:
    top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return top in _LIBRARIES or top.startswith("symgraph_")  # emitted functions


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, LookupError) and not isinstance(error, IndexError):
        text = f"there is no {text}"
    return _CALLED.sub("", text) or type(error).__name__


_CALLED = re.compile(r"^[\w.<>]*\(\) (?=missing|takes|got)")
"""The function as Python names it, which may be a wrapper of ours."""


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", "") or getattr(function, "__name__", "the function")
    return name.rpartition("<locals>.")[2]


_PARAMETER = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.+)")


def _signature(name: str, function: Callable[..., Any]) -> str:
    """``norm(x: array_like, ord: int or str = None)``, with the kinds that the docstring says."""
    parameters = _parameters(function)
    section = (inspect.getdoc(function) or "").partition("Parameters\n")[2]
    kinds = {
        each.lstrip("*"): kind.removesuffix(", optional")
        for line in section.partition("\n\n")[0].splitlines()
        if (found := _PARAMETER.fullmatch(line))
        for each, kind in [(part, found[2]) for part in found[1].split(", ")]
    }
    texts = [
        str(
            parameter.replace(
                annotation=_Bare(kinds[parameter.name])
                if parameter.name in kinds
                else inspect.Parameter.empty,
                default=parameter.default
                if parameter.default is inspect.Parameter.empty
                else _Bare(short(parameter.default)),
            )
        )
        for parameter in parameters.values()
        if parameter.name != "self"
    ]
    return f"{name}({', '.join(texts)})"


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


class _Bare:
    """A text that `inspect` shows without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def short(value: Any, depth: int = 3) -> str:
    """A value in a message: never longer than half a line, and never by the user's ``repr``."""
    kind = cast("type[Any]", type(value))
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray[Any, Any]", value)
        return f"{array.dtype.name} array, shape {array.shape}"
    if isinstance(value, _PLAIN):
        text = repr(value)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    if isinstance(value, list | tuple | dict | set):
        return _collection(cast("Any", value), depth)
    if isinstance(value, type):
        return f"the type {value.__name__}"
    if kind.__module__.partition(".")[0] in _LIBRARIES - sys.stdlib_module_names:
        text = repr(value)
        if " at 0x" not in text and "\n" not in text and len(text) <= _LONGEST:
            return text
    if callable(value):
        return f"the function {getattr(value, '__name__', kind.__name__)}"
    return kind.__name__


_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))


def _collection(value: Any, depth: int) -> str:
    count = len(value)
    if depth and count <= _LONGEST // 3:
        parts = [short(item, depth - 1) for item in value]
        if isinstance(value, dict):
            values = [short(item, depth - 1) for item in cast("Any", value).values()]
            parts = [f"{key}: {item}" for key, item in zip(parts, values, strict=True)]
        text = ", ".join(parts)
        if len(text) <= _LONGEST:
            if isinstance(value, tuple):
                return f"({text}{',' * (count == 1)})"
            return f"[{text}]" if isinstance(value, list) else f"{{{text}}}"
    return f"{type(cast('Any', value)).__name__} of {count}"
