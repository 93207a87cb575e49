"""The operations without operands, and the one that takes a result out of several."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np

from symgraph.graph.code import UNARY, Code, Scope, atom
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim
from symgraph.graph.types import TensorType, TupleType, Type, as_dtype

__all__ = ["Constant", "Item", "Placeholder", "SizeValue", "float_text", "scalar_code"]

_COUNTER = itertools.count()
_PROCESS = os.urandom(6).hex()


@dataclass(frozen=True, slots=True)
class Placeholder(Op):
    """An argument. Two placeholders of one name are two nodes: each has its own `key`."""

    name_: str
    type: TensorType
    key: tuple[str, int, int] = field(repr=False)
    name: ClassVar[str] = "placeholder"

    @classmethod
    def new(cls, name: str, type: TensorType) -> Placeholder:
        """A placeholder that is equal to no other, in this process or one it is sent to."""
        return cls(name, type, (_PROCESS, os.getpid(), next(_COUNTER)))

    def infer(self, *types: TensorType) -> Type:
        """The declared type."""
        return self.type

    def work(self, node: object) -> float:
        """Nothing: it is given."""
        return 0.0

    @property
    def label(self) -> str:
        """The user's name."""
        return self.name_


class Constant(Op):
    """A value known now. Its key is dtype, shape and bytes.

    As dictionary keys ``1``, ``1.0`` and ``True`` collide, so do the two zeros, and ``nan`` is
    equal to nothing: the bytes tell them apart.
    """

    __slots__ = ("_hash", "_key", "value")
    name = "constant"

    value: np.ndarray[Any, np.dtype[Any]]

    def __init__(self, value: object) -> None:
        array = np.asarray(value)
        as_dtype(array.dtype)
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        # The bytes are a copy, so the graph does not change with the user's array; the array is a
        # view of them, which cannot be written to.
        data = array.tobytes()
        self.value = np.frombuffer(data, array.dtype).reshape(array.shape)
        self._key = (array.dtype.str, array.shape, data)
        self._hash = hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return (Constant, (self.value,))

    def __repr__(self) -> str:
        return f"Constant({self.label})"

    def infer(self, *types: TensorType) -> Type:
        """Type of the array."""
        return TensorType(self.value.dtype, self.value.shape)

    def work(self, node: object) -> float:
        """Nothing: it is computed before the call."""
        return 0.0

    @property
    def label(self) -> str:
        """The number, or a summary of the array."""
        value = self.value
        if value.ndim == 0:
            return repr(value.item())
        if value.size <= 4:
            return " ".join(str(value.tolist()).split())
        return f"{value.dtype.name}{list(value.shape)}"

    def code(self, node: Any, args: Sequence[Code], scope: Scope) -> Code:
        """A Python number; arrays are written by the emitter."""
        return scalar_code(self.value[()])


def scalar_code(value: Any) -> Code:
    """A scalar as a Python number of the same value.

    Examples
    --------
    >>> [scalar_code(np.float64(v)).text for v in (2.0, -0.0, np.inf, np.nan)]
    ['2.0', '-0.0', 'np.inf', 'np.nan']
    """
    kind = cast("type[Any]", type(value))
    if issubclass(kind, np.bool_):
        return Code(str(bool(value)), literal=True)
    if issubclass(kind, np.integer):
        text = str(int(value))
    elif issubclass(kind, np.floating):
        text = _float_text(value)
    else:
        return _complex_code(value)
    if text.startswith("-"):
        return Code(text, UNARY, literal=True)
    return Code(text, literal=True)


def float_text(value: float) -> str:
    """A float as source, infinities and NaN included."""
    return _float_text(np.float64(value))


def _float_text(value: Any) -> str:
    if np.isnan(value):
        return "np.nan"
    if np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    if value.dtype.itemsize > 8:
        value = np.float64(value)
    # The shortest digits that give back this value in its own precision.
    text = repr(value.item()) if value.dtype == np.float64 else _short(value)
    return text.replace("e+", "e")  # as a formatter leaves it


def _short(value: Any) -> str:
    text = np.format_float_positional(value, unique=True, trim="0")
    if len(text) > 12:
        text = np.format_float_scientific(value, unique=True, trim="-")
    return text


def _complex_code(value: Any) -> Code:
    real, imag = _float_text(value.real), _float_text(value.imag)
    if real == "0.0" and "n" not in imag and not imag.startswith("-"):
        return Code(f"{imag}j", literal=True)
    # 1 - 0j is 1 + 0j, -1j is -0 - 1j, inf * 1j is nan + infj: only this form keeps every part.
    return Code(f"complex({real}, {imag})", literal=True)


@record
class SizeValue(Op):
    """A symbolic size as a number, weak in promotion like a Python integer."""

    size: Dim
    dtype: np.dtype[Any] = np.dtype(np.int64)
    name: ClassVar[str] = "size"

    def infer(self, *types: TensorType) -> Type:
        """A 0-d array."""
        return TensorType(self.dtype, ())

    def work(self, node: object) -> float:
        """Nothing: shapes are known."""
        return 0.0

    @property
    def label(self) -> str:
        """The expression."""
        return f"size {self.size}"

    def code(self, node: Any, args: Sequence[Code], scope: Scope) -> Code:
        """The expression in the names bound at the head of the function."""
        text = scope.dim(self.size)
        return Code(text, 15 if text.isidentifier() else 10, literal=True)


@record
class Item(Op):
    """One of the results of an operation with several."""

    index: int
    name: ClassVar[str] = "item"

    def infer(self, *types: Any) -> Type:
        """Type of that result."""
        (several,) = types
        assert isinstance(several, TupleType)
        return several.items[self.index]

    def work(self, node: object) -> float:
        """Nothing: it is a name."""
        return 0.0

    def code(self, node: Any, args: Sequence[Code], scope: Scope) -> Code:
        """Only where the tuple has a name of its own."""
        return atom(f"{args[0].text}[{self.index}]")
