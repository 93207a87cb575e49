"""Automatic garbage collection, paused while a pass makes many objects.

Nodes are free of cycles: reference counting frees them. A pass over a large graph only makes the
collector look again and again at objects that live on, which takes longer the more there are.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

__all__ = ["without_collection"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Pauses:
    """How many passes are under way, in all threads, and whether the first one paused it."""

    lock = Lock()
    depth = 0
    paused = False


def _pause() -> None:
    with _Pauses.lock:
        if not _Pauses.depth:
            _Pauses.paused = gc.isenabled()
            gc.disable()
        _Pauses.depth += 1


def _resume() -> None:
    with _Pauses.lock:
        _Pauses.depth -= 1
        if not _Pauses.depth and _Pauses.paused:
            gc.enable()


def without_collection(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Run a function while automatic collection is paused; afterwards it is as it was.

    Examples
    --------
    >>> without_collection(gc.isenabled)(), gc.isenabled()
    (False, True)
    """

    @wraps(function)
    def run(*args: _P.args, **keywords: _P.kwargs) -> _T:
        _pause()
        try:
            return function(*args, **keywords)
        finally:
            _resume()

    return run
