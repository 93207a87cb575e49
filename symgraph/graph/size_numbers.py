"""Numbers made of symbolic sizes and Python's numbers: ``0.5 * n``, ``1 / n``, ``n**0.5``."""

from __future__ import annotations

from typing import Any, NoReturn

from symgraph.errors import DTypeError
from symgraph.graph.registry import apply

__all__ = ["SizeNumber", "Symbolic", "of_numbers"]

_WRITTEN = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}


class Symbolic:
    """What has a value when sizes have theirs, and is weak in promotion like a Python number."""

    __slots__ = ()


class SizeNumber(Symbolic):
    """A number that is no size: with nodes it adapts to their dtype, as in NumPy for known sizes.

    Examples
    --------
    >>> from symgraph.graph.sizes import as_dim
    >>> (as_dim("n") + 1) * 0.5
    (n + 1) * 0.5
    """

    __slots__ = ("kind", "operands", "ufunc")

    def __init__(self, ufunc: str, operands: tuple[Any, Any]) -> None:
        kinds = [v.kind if isinstance(v, SizeNumber) else _kind(v) for v in operands]
        below = operands[1]
        whole = ufunc not in ("divide", "power") or (
            ufunc == "power" and not (isinstance(below, int) and below < 0)
        )
        self.kind: type = complex if complex in kinds else float
        if whole and float not in kinds and complex not in kinds:
            self.kind = int
        self.ufunc = ufunc
        self.operands = operands

    def as_node(self) -> Any:
        """The node, in the dtype that NumPy has for the number alone."""
        parts = [v.as_node() if isinstance(v, SizeNumber) else v for v in self.operands]
        return apply(self.ufunc, *parts)

    # Arithmetic ----------------------------------------------------------------------------------

    def __add__(self, other: object) -> Any:
        return of_numbers("add", self, other)

    def __radd__(self, other: object) -> Any:
        return of_numbers("add", other, self)

    def __sub__(self, other: object) -> Any:
        return of_numbers("subtract", self, other)

    def __rsub__(self, other: object) -> Any:
        return of_numbers("subtract", other, self)

    def __mul__(self, other: object) -> Any:
        return of_numbers("multiply", self, other)

    def __rmul__(self, other: object) -> Any:
        return of_numbers("multiply", other, self)

    def __truediv__(self, other: object) -> Any:
        return of_numbers("divide", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return of_numbers("divide", other, self)

    def __pow__(self, other: object) -> Any:
        return of_numbers("power", self, other)

    def __rpow__(self, other: object) -> Any:
        return of_numbers("power", other, self)

    def __neg__(self) -> Any:
        return of_numbers("multiply", self, -1)

    def __abs__(self) -> Any:
        return apply("absolute", self)

    def __array_ufunc__(self, ufunc: Any, kind: str, *args: Any, **keywords: Any) -> Any:
        """A node: what NumPy makes of a number is no Python number any more."""
        if kind != "__call__" or keywords:
            return NotImplemented
        return apply(ufunc.__name__, *args)

    def __array__(self, *args: object, **keywords: object) -> NoReturn:
        raise self._unknown()

    # Comparison ----------------------------------------------------------------------------------

    def __lt__(self, other: Any) -> Any:
        return apply("less", self, other)

    def __le__(self, other: Any) -> Any:
        return apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return apply("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return apply("greater_equal", self, other)

    def __eq__(self, other: object) -> Any:
        return apply("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return apply("not_equal", self, other)

    __hash__ = object.__hash__

    def _unknown(self) -> DTypeError:
        return DTypeError(
            f"{self} has no value until the function is called",
            hint="sg.constant() makes a node of it",
        )

    def __bool__(self) -> bool:
        raise self._unknown()

    def __float__(self) -> NoReturn:
        raise self._unknown()

    def __int__(self) -> NoReturn:
        raise self._unknown()

    def __repr__(self) -> str:
        first, second = [
            str(v) if isinstance(v, int | float | complex) or str(v).isidentifier() else f"({v})"
            for v in self.operands
        ]
        return f"{first} {_WRITTEN[self.ufunc]} {second}"


def _kind(value: object) -> type:
    return int if isinstance(value, Symbolic) else type(value)


def of_numbers(ufunc: str, first: object, second: object) -> Any:
    """A number of sizes where one meets a Python number; NumPy's numbers see to themselves."""
    if all(
        isinstance(value, Symbolic) or type(value) in (bool, int, float, complex)
        for value in (first, second)
    ):
        return SizeNumber(ufunc, (first, second))
    return NotImplemented
