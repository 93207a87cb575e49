"""Frozen dataclasses that cost nothing to define.

``dataclasses.dataclass`` compiles several methods for each class, half a millisecond each; there
is one class for every operation, and importing the library should not take longer than importing
NumPy.
"""

from __future__ import annotations

from inspect import get_annotations  # NumPy has imported it
from typing import Any, NoReturn, TypeVar, cast, dataclass_transform

__all__ = ["record", "with_fields"]

_T = TypeVar("_T", bound=type)
_R = TypeVar("_R")


@dataclass_transform(frozen_default=True)
def record(cls: _T) -> _T:
    """Make a class a frozen record of its annotated fields, as ``dataclass(frozen=True)`` would.

    Two records are equal if their class and fields are; the hash is computed once, when it is
    first asked for.

    Examples
    --------
    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(x=1, y=0), Point(1) == Point(2)
    (Point(x=1, y=0), True, False)
    """
    names = [
        name
        for base in reversed(cls.__mro__)
        for name, kind in get_annotations(base).items()
        if "ClassVar" not in str(kind) and not name.startswith("__")
    ]
    fields = tuple(dict.fromkeys(names))
    defaults = {name: getattr(cls, name) for name in fields if hasattr(cls, name)}
    members: dict[str, Any] = {
        "__init__": _init(cls.__name__, fields, defaults, hasattr(cls, "__post_init__")),
        "__eq__": _equal,
        "__hash__": _hash,
        "__repr__": _repr,
        "__setattr__": _frozen,
        "__delattr__": _frozen,
        "__reduce__": _reduce,
        "__match_args__": fields,
        "record_defaults": defaults,
    }
    for name, member in members.items():
        if name not in cls.__dict__:
            setattr(cls, name, member)
    return cls


def with_fields(value: _R, **fields: Any) -> _R:
    """A record with some of its fields changed.

    Examples
    --------
    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> with_fields(Point(1), y=2)
    Point(x=1, y=2)
    """
    names: tuple[str, ...] = getattr(value, "__match_args__", ())
    cls: Any = type(value)
    return cls(*[fields.pop(n) if n in fields else getattr(value, n) for n in names], **fields)


def _init(owner: str, fields: tuple[str, ...], defaults: dict[str, Any], checked: bool) -> Any:
    count = len(fields)

    def __init__(self: Any, *args: Any, **keywords: Any) -> None:  # noqa: N807
        if len(args) < count:
            given = len(args)
            args = (*args, *[_value(owner, n, keywords, defaults) for n in fields[given:]])
        if len(args) > count or keywords:
            raise TypeError(f"{owner} takes {', '.join(fields)}; got {args} {keywords}")
        values = self.__dict__
        values.update(zip(fields, args, strict=True))
        values["_key"] = args
        if checked:
            self.__post_init__()

    return __init__


def _value(owner: str, name: str, keywords: dict[str, Any], defaults: dict[str, Any]) -> Any:
    if name in keywords:
        return keywords.pop(name)
    try:
        return defaults[name]
    except KeyError:
        raise TypeError(f"{owner} needs {name}") from None


def _equal(self: Any, other: Any) -> bool:
    if self is other:
        return True
    return type(self) is type(other) and self._key == getattr(other, "_key", None)


def _hash(self: Any) -> int:
    values = self.__dict__
    known = values.get("_hash")
    if known is None:
        known = values["_hash"] = hash((type(self).__name__, self._key))
    return known


def _repr(self: Any) -> str:
    fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__match_args__])
    return f"{type(self).__name__}({fields})"


def _frozen(self: Any, name: str, *value: object) -> NoReturn:
    raise AttributeError(f"{type(self).__name__} is frozen: cannot change {name}")


def _reduce(self: Any) -> tuple[object, ...]:
    cls = cast("type[Any]", type(self))
    return (cls, tuple([getattr(self, name) for name in self.__match_args__]))
