"""Operators, methods and NumPy's protocols of tensors: other ways to say a builder's name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.node import Node
from symgraph.graph.operators import meaningful
from symgraph.graph.refusal import in_our_words, public
from symgraph.graph.registry import BUILDERS, NUMPY_FUNCTIONS, Eager
from symgraph.tape.holder import Holder, wrap
from symgraph.tape.perform import LIFTED, mixed
from symgraph.tape.quick import apply
from symgraph.tape.values import data_value
from symgraph.tape.words import METHODS, instead_of

__all__ = ["Operators", "sizes_of"]


def _binary(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    function = inspect.unwrap(BUILDERS[name])

    def operate(self: Any, other: Any) -> Any:
        return apply(function, (self, other), {})

    def operate_swapped(self: Any, other: Any) -> Any:
        return apply(function, (other, self), {})

    return operate_swapped if swapped else operate


def _unary(name: str) -> Callable[[Any], Any]:
    function = inspect.unwrap(BUILDERS[name])

    def operate(self: Any) -> Any:
        return apply(function, (self,), {})

    return operate


class Operators(Eager, Holder):
    """Every operation, spelled as operators, as methods, and as NumPy's functions."""

    __array_priority__ = 1000

    __add__ = _binary("add")
    __radd__ = _binary("add", swapped=True)
    __sub__ = _binary("subtract")
    __rsub__ = _binary("subtract", swapped=True)
    __mul__ = _binary("multiply")
    __rmul__ = _binary("multiply", swapped=True)
    __truediv__ = _binary("divide")
    __rtruediv__ = _binary("divide", swapped=True)
    __floordiv__ = _binary("floor_divide")
    __rfloordiv__ = _binary("floor_divide", swapped=True)
    __mod__ = _binary("remainder")
    __rmod__ = _binary("remainder", swapped=True)
    __pow__ = _binary("power")
    __rpow__ = _binary("power", swapped=True)
    __matmul__ = _binary("matmul")
    __rmatmul__ = _binary("matmul", swapped=True)
    __and__ = _binary("bitwise_and")
    __rand__ = _binary("bitwise_and", swapped=True)
    __or__ = _binary("bitwise_or")
    __ror__ = _binary("bitwise_or", swapped=True)
    __xor__ = _binary("bitwise_xor")
    __rxor__ = _binary("bitwise_xor", swapped=True)
    __lt__ = _binary("less")
    __le__ = _binary("less_equal")
    __gt__ = _binary("greater")
    __ge__ = _binary("greater_equal")
    __neg__ = _unary("negative")
    __abs__ = _unary("absolute")
    __invert__ = _unary("invert")

    def __eq__(self, other: object) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return other is not None and apply(_EQUAL, (self, other), {})

    def __ne__(self, other: object) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return other is None or apply(_NOT_EQUAL, (self, other), {})

    __hash__ = object.__hash__  # by identity; __eq__ compares element by element

    def __pos__(self) -> Any:
        return self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __round__(self, ndigits: int = 0) -> Any:
        return BUILDERS["round"](self, ndigits)

    # NumPy's protocols ------------------------------------------------------------------------

    def apply_builder(
        self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """A builder was called with this tensor."""
        return self.at if function is _AT else apply(function, args, keywords)

    def as_node(self) -> Node:
        """The operand that stands for this tensor in the branch or loop that is being built."""
        if LIFTED.current is None:
            raise mixed(self)
        return LIFTED.current.lifted(self)

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *args: Any, **keywords: Any) -> Any:
        (target,) = keywords.pop("out", None) or (None,)
        if kind == "at":
            return _change_at(ufunc, *args)
        name = ufunc.__name__
        if name not in BUILDERS or (kind != "__call__" and f"ufunc_{kind}" not in BUILDERS):
            what = name if kind == "__call__" else f"{name}.{kind}"
            raise UnsupportedError(f"np.{what} cannot be recorded")
        if target is not None and not isinstance(target, Operators):
            raise DTypeError(
                "an in-place operator on an array with a tensor", hint="write y = x + tensor"
            )
        if kind != "__call__":
            result = BUILDERS[f"ufunc_{kind}"](ufunc, *args, **keywords)
        elif keywords and meaningful(keywords) and ufunc.signature is None:
            result = apply(_CALL, (ufunc, *args), meaningful(keywords))
        else:
            ours = _PLAIN.get(ufunc)
            if ours is None:
                ours = _PLAIN[ufunc] = inspect.unwrap(BUILDERS[name])
            result = apply(ours, args, keywords)
        return result if target is None else target.change(result)

    def __array_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: Any, keywords: Any
    ) -> Any:
        ours = _PLAIN.get(function)
        if ours is None:
            if function in _ON_DATA:
                return _on_data(function, args, keywords)
            if function not in NUMPY_FUNCTIONS:
                raise UnsupportedError(
                    f"{function.__module__}.{function.__name__} cannot be recorded",
                    hint="compose it from operations that exist, or call it on x.detach().numpy()",
                )
            ours = _PLAIN[function] = inspect.unwrap(NUMPY_FUNCTIONS[function])
        return apply(ours, args, _known(ours, keywords) if keywords else keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith("_") and name[:-1] in METHODS:
            return _InPlace(self, name[:-1])
        if name in METHODS:
            return _Method(self, name)
        raise AttributeError(f"a tensor has no attribute {name!r}{instead_of(name)}")

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *METHODS})

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """All axes reversed."""
        return BUILDERS["transpose"](self)

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return BUILDERS["swapaxes"](self, -1, -2)

    @property
    def real(self) -> Any:
        """The real part: the tensor itself if that is all there is."""
        return self if self.dtype.kind != "c" else BUILDERS["real"](self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return BUILDERS["imag"](self)

    def t(self) -> Any:
        """A matrix transposed."""
        return self.T

    @public
    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same elements in another shape."""
        return BUILDERS["reshape"](self, sizes_of(shape), order=order)

    @public
    def view(self, *shape: Any) -> Any:
        """As `reshape`."""
        return BUILDERS["reshape"](self, sizes_of(shape))

    @public
    def view_as(self, other: Any) -> Any:
        """In the shape of another tensor."""
        return BUILDERS["reshape"](self, other.shape)

    @public
    def transpose(self, *axes: Any) -> Any:
        """Permuted axes as in NumPy; two of more than two axes are exchanged, as in PyTorch."""
        if len(axes) == 2 and (self.ndim != 2 or sorted(axes) != [0, 1]):
            return BUILDERS["swapaxes"](self, *axes)
        return BUILDERS["transpose"](self, *([sizes_of(axes)] if axes else []))

    @public
    def permute(self, *axes: Any) -> Any:
        """Permuted axes."""
        return BUILDERS["transpose"](self, sizes_of(axes))

    @public
    def expand(self, *shape: Any) -> Any:
        """Repeated along axes of size one; -1 keeps a size."""
        sizes = sizes_of(shape)
        own = (1,) * (len(sizes) - self.ndim) + self.shape
        wanted = tuple([o if s == -1 else s for s, o in zip(sizes, own, strict=True)])
        return BUILDERS["broadcast_to"](self, wanted)

    # Control flow: the value is known ---------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self.array_now())

    def __float__(self) -> float:
        return float(self._only("float()"))

    def __int__(self) -> int:
        return int(self._only("int()"))

    def __complex__(self) -> complex:
        return complex(self._only("complex()"))

    def __index__(self) -> int:
        return self._only("an index").__index__()

    def _only(self, what: str) -> Any:
        if self.numel() != 1:
            raise ShapeError(f"{what} of a tensor of several elements", got=str(self.shape))
        return np.asarray(self.array_now()).reshape(())[()]

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("len() of a tensor without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.numel() == 1 else format(str(self), spec)

    # What the classes below have -------------------------------------------------------------

    @property
    def at(self) -> Any:
        """``x.at[index]``, whose methods give x with a change."""
        raise NotImplementedError

    def change(self, result: Any) -> Any:
        """Give this tensor the value that an operation on it had."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        raise NotImplementedError

    def numel(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def item(self) -> Any:
        """The only element, as a Python number."""
        return self._only("item()").item()


def sizes_of(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape from ``(2, 3)`` or ``((2, 3),)``."""
    nested = len(shape) == 1 and isinstance(shape[0], tuple | list)
    flat = cast("Sequence[Any]", shape[0] if nested else shape)
    return tuple([int(size) for size in flat])


_EQUAL = inspect.unwrap(BUILDERS["equal"])
_NOT_EQUAL = inspect.unwrap(BUILDERS["not_equal"])
_AT = inspect.unwrap(BUILDERS["at"])
_CALL = inspect.unwrap(BUILDERS["ufunc_call"])
_PLAIN: dict[Any, Callable[..., Any]] = {}
"""NumPy's functions to the builders that take their place."""


def _known(ours: Callable[..., Any], keywords: dict[str, Any]) -> dict[str, Any]:
    """The keywords that say something; they must be known to the builder."""
    names = _WORDS.get(ours)
    if names is None:
        found = inspect.signature(ours).parameters
        several = any(word.kind is inspect.Parameter.VAR_KEYWORD for word in found.values())
        names = _WORDS[ours] = None if several else frozenset(found)
    if names is None or keywords.keys() <= names:
        return keywords
    keywords = meaningful(keywords, lambda: names)
    if not keywords.keys() <= names:
        raise UnsupportedError(
            f"np.{ours.__name__}: {', '.join(sorted(keywords.keys() - names))}= of a tensor"
        )
    return keywords


_WORDS: dict[Any, frozenset[str] | None] = {}
"""The keywords of builders; ``None`` for those that take any."""


def _change_at(ufunc: np.ufunc, target: Any, index: Any, *values: Any) -> None:
    """``np.add.at(x, index, values)``: a change of a tensor in place."""
    change = _CHANGES.get(ufunc)
    if change is None or not isinstance(target, Operators):
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at cannot be recorded",
            expected=f"a tensor to change, and one of {', '.join([f.__name__ for f in _CHANGES])}",
            hint="y = x.at[index].add(values) adds at positions",
        )
    value = -values[0] if ufunc is np.subtract else values[0]
    target.change(getattr(target.at[index], change)(value))


_CHANGES: dict[Any, str] = {
    np.add: "add",
    np.subtract: "add",
    np.multiply: "multiply",
    np.minimum: "min",
    np.maximum: "max",
}

_ON_DATA = frozenset([np.argwhere, np.flatnonzero, np.nonzero])
"""NumPy's functions whose results have a shape that depends on values, which are known here."""


def _on_data(function: Callable[..., Any], args: Any, keywords: Any) -> Any:
    plain = [arg.array_now() if isinstance(arg, Holder) else arg for arg in args]
    found = function(*plain, **keywords)
    if isinstance(found, tuple):
        return tuple([wrap(data_value(part)) for part in cast("tuple[Any, ...]", found)])
    return wrap(data_value(found))


class _Method:
    """A bound method that is one of the builders."""

    __slots__ = ("_name", "_tensor")

    def __init__(self, tensor: Operators, name: str) -> None:
        self._tensor, self._name = tensor, name

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        function = METHODS[self._name]
        try:
            return function(self._tensor, *args, **keywords)
        except Exception as error:
            given = (self._tensor, *args)
            in_our_words(error, function, given, keywords, f"tensor.{self._name}")
            raise

    def __repr__(self) -> str:
        return f"<method {self._name} of a tensor>"


class _InPlace(_Method):
    """``x.add_(1)``: the operation, and its result in place of the tensor."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._tensor.change(super().__call__(*args, **keywords))
