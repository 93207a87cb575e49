"""The error classes, and how a message is put together.

Every error says what was expected, what came, where the user wrote it and what to do.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
from typing import NamedTuple

PACKAGE_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARIES = tuple(
    f"-packages{os.sep}{name}{os.sep}" for name in ("numpy", "scipy", "sympy", "mpmath")
)

__all__ = [
    "DTypeError",
    "DerivativeError",
    "DisconnectedError",
    "InputError",
    "Location",
    "ShapeError",
    "SymgraphError",
    "UnsupportedError",
    "user_location",
]


class Location(NamedTuple):
    """A line of the user's code.

    Examples
    --------
    >>> Location("not_there.py", 3).describe()
    'not_there.py:3'
    """

    file: str
    line: int

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def in_notebook(self) -> bool:
        """Whether the file is a notebook's cell, whose name means nothing to a reader."""
        folder, _, file = self.file.replace("\\", "/").rpartition("/")
        return file.removesuffix(".py").isdigit() and "ipykernel_" in folder

    def describe(self) -> str:
        """``file:line`` and, where it can be read, the line."""
        text = self.text
        place = f"cell, line {self.line}" if self.in_notebook else f"{self.file}:{self.line}"
        return place + (f": {text}" if text else "")


def user_location() -> Location | None:
    """The innermost frame of neither Python, a library of numbers, nor a dataclass's ``__init__``.

    Returns
    -------
    Location or None
        ``None`` if every frame is ours (our own code run as a script).
    """
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        inside = _INSIDE.get(file)
        if inside is None:
            if len(_INSIDE) > _MOST_FILES:
                _INSIDE.clear()
            inside = (
                file.startswith(PACKAGE_FOLDER)
                or (file.startswith(_STANDARD) and "-packages" not in file)
                or any(name in file for name in _LIBRARIES)
            )
            _INSIDE[file] = inside
        if not inside and not (file == "<string>" and code.co_name == "__init__"):
            return Location(file, frame.f_lineno)
        frame = frame.f_back
    return None


_INSIDE: dict[str, bool] = {}
"""Whether files are the package's, or a library's that calls back into it."""
_MOST_FILES = 4096


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where Python keeps an object, which tells a reader nothing."""


class SymgraphError(Exception):
    """Base of every error that the library raises on purpose.

    Parameters
    ----------
    message : str
        One sentence: what is wrong.
    expected, got, hint : str, optional
        What was expected, what came, and what to do.
    where : Location, optional
        The user's line; by default the innermost line outside the library.

    Examples
    --------
    >>> print(ShapeError("sizes differ", expected="3", got="4", where=Location("m.py", 1)))
    sizes differ
      expected: 3
      got:      4
      at:       m.py:1
    """

    original: Exception | None = None
    """What Python or a library raised, where this says it in our words."""

    def __init__(
        self,
        message: str,
        *,
        expected: str = "",
        got: str = "",
        hint: str = "",
        where: Location | None = None,
    ) -> None:
        got = _ADDRESS.sub("", got)
        self.summary = message
        self.expected = expected
        self.got = got
        self.hint = hint
        self.where = where if where is not None else user_location()
        lines = [message]
        rows = [
            ("expected", expected),
            ("got", got),
            ("at", self.where.describe() if self.where else ""),
            ("try", hint),
        ]
        lines += [f"  {label + ':':<9} {text}" for label, text in rows if text]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle by their positional arguments, which here are not enough.
        given = (self.summary, self.expected, self.got, self.hint, self.where)
        return (_rebuild, (type(self), *given))


def _rebuild(
    kind: type[SymgraphError],
    summary: str,
    expected: str,
    got: str,
    hint: str,
    where: Location | None,
) -> SymgraphError:
    return kind(summary, expected=expected, got=got, hint=hint, where=where)


class ShapeError(SymgraphError, ValueError):
    """Shapes do not fit together."""


class DTypeError(SymgraphError, TypeError):
    """A dtype, or a kind of value, that an operation does not take."""


class DerivativeError(SymgraphError, TypeError):
    """A derivative that does not exist: of an integer, of a non-scalar, of a step."""


class DisconnectedError(SymgraphError, ValueError):
    """The result does not depend on what it should be differentiated by."""


class UnsupportedError(SymgraphError, NotImplementedError):
    """A call that cannot be recorded in a graph."""


class InputError(SymgraphError, ValueError):
    """A compiled function was called with the wrong arguments."""
