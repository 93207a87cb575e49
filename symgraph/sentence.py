"""What a command says when it cannot do its work: one sentence on one line, no traceback."""

from __future__ import annotations

import traceback
from pathlib import Path

from symgraph.errors import Location, SymgraphError
from symgraph.notebook.picture import plain_text

__all__ = ["CommandError", "printable", "sentence"]


class CommandError(Exception):
    """Why a command stops; its message is one sentence."""


def sentence(error: BaseException, model: Path | None = None) -> str:
    r"""An error on one line, with the user's line where it lies in the model's folder.

    Parameters
    ----------
    error : BaseException
    model : Path, optional
        The user's file.

    Examples
    --------
    >>> sentence(ZeroDivisionError("division\nby zero"))
    'ZeroDivisionError: division by zero'
    >>> sentence(SymgraphError("sizes differ", expected="3", got="4", hint="count again"))
    'sizes differ: expected 3, got 4; count again'
    """
    if isinstance(error, CommandError):
        return plain_text(str(error))
    if isinstance(error, SymgraphError):
        return plain_text(_place(error.where, model) + _summary(error))
    if isinstance(error, SyntaxError) and error.filename and model is not None:
        location = Location(error.filename, error.lineno or 1)
        return plain_text(f"{_place(location, model)}{type(error).__name__}: {error.msg}")
    if isinstance(error, OSError) and model is None:
        return plain_text(f"{error.filename or 'the output'}: {error.strerror or error}")
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = _place(_line_of(error, model), model) or (f"{model}: " if model else "")
    return plain_text(place + text)


def printable(text: str) -> str:
    r"""A text without what would command the terminal; its lines and spaces stay.

    Examples
    --------
    >>> printable("a  b\x1b[31m\n")
    'a  b[31m\n'
    """
    return "".join(c for c in text if c == "\n" or c.isprintable())


def _summary(error: SymgraphError) -> str:
    details = [
        f"{label} {text}"
        for label, text in (("expected", error.expected), ("got", error.got))
        if text
    ]
    text = error.summary + (f": {', '.join(details)}" if details else "")
    return text + (f"; {error.hint}" if error.hint else "")


def _place(location: Location | None, model: Path | None) -> str:
    """``model.py:3: ``; nothing for a line that is not the user's."""
    if location is None or model is None:
        return ""
    file = Path(location.file)
    # What is not absolute is no file: `<frozen runpy>`, whose parent would be the folder itself.
    if not file.is_absolute() or file.parent.resolve() != model.parent.resolve():
        return ""
    return f"{model.parent / file.name}:{location.line}: "


def _line_of(error: BaseException, model: Path | None) -> Location | None:
    """The innermost line of the traceback in the model's folder."""
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        location = Location(frame.filename, frame.lineno or 1)
        if _place(location, model):
            found = location
    return found
