"""Whether operations are recorded: a setting of each thread."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import wraps
from inspect import isgeneratorfunction
from threading import local
from types import TracebackType
from typing import Any, TypeVar, cast

__all__ = ["MODE", "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]

_F = TypeVar("_F", bound=Callable[..., Any])


class _Mode(local):
    recording: bool = True


MODE = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require a gradient are recorded in this thread."""
    return MODE.recording


class _Block:
    """Recording is on, or off, for the length of a block or of a decorated function."""

    mode: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(MODE.recording)
        MODE.recording = self.mode

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        MODE.recording = self._before.pop()

    def __call__(self, function: _F) -> _F:
        """The function, run inside such a block; of a generator, every stretch of it."""
        return _decorated(function, self.mode)


def _decorated(function: _F, mode: bool) -> _F:
    if isgeneratorfunction(function):
        generator = cast("Callable[..., Generator[Any, Any, Any]]", function)

        @wraps(function)
        def resume(*args: Any, **keywords: Any) -> Any:
            return _stretches(generator(*args, **keywords), mode)

        return resume  # pyright: ignore[reportReturnType]

    @wraps(function)
    def run(*args: Any, **keywords: Any) -> Any:
        with _Set(mode):
            return function(*args, **keywords)

    return run  # pyright: ignore[reportReturnType]


def _stretches(generator: Generator[Any, Any, Any], mode: bool) -> Generator[Any, Any, Any]:
    """The generator; what lies between its items, the user's own code, keeps its setting."""
    resume, sent = generator.send, None
    while True:
        try:
            with _Set(mode):
                item = resume(sent)
        except StopIteration as end:
            return end.value
        try:
            sent = yield item
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:  # noqa: BLE001 - handed on
            resume, sent = cast("Any", generator.throw), cast("Any", error)
        else:
            resume = generator.send


class _Set(_Block):
    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode


class set_grad_enabled(_Block):  # noqa: N801 - PyTorch's name
    """Record, or do not: from now on, or for a block or a decorated function.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    >>> _ = set_grad_enabled(True)
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = bool(mode)
        self._at_first: bool | None = MODE.recording
        MODE.recording = self.mode

    def __enter__(self) -> None:
        super().__enter__()
        if self._at_first is not None:
            self._before[-1], self._at_first = self._at_first, None

    def __call__(self, function: _F) -> _F:
        """The function, run inside such a block."""
        if self._at_first is not None:
            MODE.recording, self._at_first = self._at_first, None
        return super().__call__(function)


class no_grad(_Block):  # noqa: N801 - PyTorch's name
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

    mode = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """A block; given a function, that function decorated."""
        return super().__new__(cls) if function is None else _decorated(function, cls.mode)

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        super().__init__()


class enable_grad(no_grad):  # noqa: N801 - PyTorch's name
    """Record again inside a block of `no_grad`."""

    mode = True
