"""Whether operations are recorded: a setting of each thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import local
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["MODE", "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]

_F = TypeVar("_F", bound=Callable[..., Any])


class _Mode(local):
    recording: bool = True


MODE = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require a gradient are recorded in this thread."""
    return MODE.recording


class set_grad_enabled:  # noqa: N801 - PyTorch's name
    """Record, or do not, for the length of a block or of a decorated function.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        self._mode = bool(mode)
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(MODE.recording)
        MODE.recording = self._mode

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        MODE.recording = self._before.pop()

    def __call__(self, function: _F) -> _F:
        """The function, run inside such a block."""
        mode = self._mode

        @wraps(function)
        def run(*args: Any, **keywords: Any) -> Any:
            with set_grad_enabled(mode):
                return function(*args, **keywords)

        return run  # pyright: ignore[reportReturnType]


class no_grad(set_grad_enabled):  # noqa: N801 - PyTorch's name
    """Compute without recording: ``with no_grad():``, or ``@no_grad()`` above a function.

    Examples
    --------
    >>> from symgraph import tape
    >>> x = tape.tensor(2.0, requires_grad=True)
    >>> with tape.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(set_grad_enabled):  # noqa: N801 - PyTorch's name
    """Record again inside a block of `no_grad`."""

    def __init__(self) -> None:
        super().__init__(True)
