"""What a node takes part in as an array does: NumPy's protocols, operators and methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self
from warnings import catch_warnings, simplefilter

import numpy as np

from symgraph.errors import (
    DTypeError,
    ShapeError,
    SymgraphError,
    UnsupportedError,
)
from symgraph.graph.refusal import refusal
from symgraph.graph.registry import apply, builder_for, builder_named
from symgraph.graph.sizes import READ_BACK, Dim, Size, product
from symgraph.graph.tree import flatten, unflatten

if TYPE_CHECKING:
    from symgraph.graph.node import ArrayLike, Node
    from symgraph.graph.op import Op
    from symgraph.graph.sizes import Shape
    from symgraph.graph.types import TensorType

__all__ = ["ArrayMethods", "meaningful", "recorded"]


def _refuse(what: str, instead: str) -> NoReturn:
    raise DTypeError(f"{what} of a node: its value is not known in a graph", hint=instead)


class ArrayMethods:
    """The part of `Node` that is the same for every operation, because it asks the registry."""

    __slots__ = ()

    op: Op

    if TYPE_CHECKING:

        @property
        def type(self) -> TensorType:
            """dtype and shape."""
            ...

        @property
        def shape(self) -> Shape:
            """Sizes."""
            ...

        @property
        def ndim(self) -> int:
            """How many of them."""
            ...

    __hash__ = object.__hash__  # by identity; __eq__ builds a node

    # What Python asks and a graph cannot answer -------------------------------------------------

    def __bool__(self) -> NoReturn:
        _refuse(
            "the truth",
            "choose element by element with np.where(condition, a, b), or in a "
            f"graph with sg.cond(condition, if_true, if_false); {READ_BACK}",
        )

    def __float__(self) -> NoReturn:
        _refuse("float()", "keep the node; compile with sg.function to get numbers")

    def __int__(self) -> NoReturn:
        _refuse("int()", "use node.astype(int), or node.shape for sizes")

    def __complex__(self) -> NoReturn:
        _refuse("complex()", "use node.astype(complex)")

    def __index__(self) -> NoReturn:
        _refuse("an index", "index with the node itself, x[node], or use a Python integer")

    def __array__(self, *args: object, **keywords: object) -> NoReturn:
        _refuse(
            "np.array()",
            "np.stack([...]) builds an array of nodes; sg.function gives arrays; sg.take(array, "
            "node) takes elements of an array; SciPy's functions are in sg.special, sg.linalg, "
            "sg.fft, sg.stats, sg.signal and sg.integrate",
        )

    def __format__(self, spec: str) -> str:
        if spec:
            _refuse(f"the format {spec!r}", "format what the compiled function returns")
        return str(self)

    def __contains__(self, item: object) -> NoReturn:
        _refuse("'in'", "use (node == value).any()")

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise DTypeError(
            "nodes are immutable: item assignment",
            hint="y = x.at[index].set(value), or .add(value), .multiply(value), .min, .max; "
            + READ_BACK,
        )

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("len() of a 0-d node")
        length = self.shape[0]
        if isinstance(length, Size):
            raise DTypeError(
                f"len() of a node whose length {length} is symbolic",
                hint="node.shape[0] is the symbolic size and may stand in formulas",
            )
        return length

    def __iter__(self) -> Iterator[Node]:
        if self.shape and isinstance(self.shape[0], Size):
            raise DTypeError(
                f"a loop over a node whose length {self.shape[0]} is symbolic",
                hint=f"use array operations over the axis, or sg.scan; {READ_BACK}",
            )
        return (self[i] for i in range(len(self)))

    # NumPy's protocols --------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *args: Any, **keywords: Any) -> Any:
        if kind in ("at", "reduceat"):
            raise UnsupportedError(
                f"np.{ufunc.__name__}.{kind} cannot be recorded in a graph",
                hint="y = x.at[i].add(values) adds at positions, np.bincount(segment, x) sums "
                f"them; {READ_BACK}",
            )
        if kind != "__call__":
            return apply(f"ufunc_{kind}", ufunc, *args, **keywords)
        keywords = meaningful(keywords)
        if keywords.get("out") is not None:
            raise DTypeError(
                f"np.{ufunc.__name__}: out= (or an in-place operator on an array) with a node",
                hint="write y = x + node instead of x += node",
            )
        if keywords and ufunc.signature is not None:
            return recorded(
                lambda *a, **k: apply("ufunc_call", ufunc, *a, **k),
                ufunc,
                f"np.{ufunc.__name__}",
                args,
                keywords,
            )
        if keywords:
            return apply("ufunc_call", ufunc, *args, **keywords)
        return apply(ufunc.__name__, *args)

    def __array_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: Any, keywords: Any
    ) -> Any:
        ours = builder_for(function)
        if ours is None:
            raise UnsupportedError(
                f"{function.__module__}.{function.__name__} cannot be recorded in a graph",
                hint="compose it from operations that exist (see dir(sg))",
            )
        return recorded(ours, function, f"np.{function.__name__}", args, keywords)

    # Operators ----------------------------------------------------------------------------------

    def __add__(self, other: ArrayLike) -> Node:
        return apply("add", self, other)

    def __radd__(self, other: ArrayLike) -> Node:
        return apply("add", other, self)

    def __sub__(self, other: ArrayLike) -> Node:
        return apply("subtract", self, other)

    def __rsub__(self, other: ArrayLike) -> Node:
        return apply("subtract", other, self)

    def __mul__(self, other: ArrayLike) -> Node:
        return apply("multiply", self, other)

    def __rmul__(self, other: ArrayLike) -> Node:
        return apply("multiply", other, self)

    def __truediv__(self, other: ArrayLike) -> Node:
        return apply("divide", self, other)

    def __rtruediv__(self, other: ArrayLike) -> Node:
        return apply("divide", other, self)

    def __floordiv__(self, other: ArrayLike) -> Node:
        return apply("floor_divide", self, other)

    def __rfloordiv__(self, other: ArrayLike) -> Node:
        return apply("floor_divide", other, self)

    def __mod__(self, other: ArrayLike) -> Node:
        return apply("remainder", self, other)

    def __rmod__(self, other: ArrayLike) -> Node:
        return apply("remainder", other, self)

    def __divmod__(self, other: ArrayLike) -> tuple[Node, Node]:
        return apply("divmod", self, other)

    def __rdivmod__(self, other: ArrayLike) -> tuple[Node, Node]:
        return apply("divmod", other, self)

    def __pow__(self, other: ArrayLike) -> Node:
        return apply("power", self, other)

    def __rpow__(self, other: ArrayLike) -> Node:
        return apply("power", other, self)

    def __matmul__(self, other: ArrayLike) -> Node:
        return apply("matmul", self, other)

    def __rmatmul__(self, other: ArrayLike) -> Node:
        return apply("matmul", other, self)

    def __neg__(self) -> Node:
        return apply("negative", self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Node:
        return apply("absolute", self)

    def __round__(self, ndigits: int | None = None) -> Node:
        rounded = apply("round", self, ndigits or 0)
        return rounded if ndigits is not None else apply("astype", rounded, np.int64)

    def __invert__(self) -> Node:
        return apply("invert", self)

    def __and__(self, other: ArrayLike) -> Node:
        return apply("bitwise_and", self, other)

    def __rand__(self, other: ArrayLike) -> Node:
        return apply("bitwise_and", other, self)

    def __or__(self, other: ArrayLike) -> Node:
        return apply("bitwise_or", self, other)

    def __ror__(self, other: ArrayLike) -> Node:
        return apply("bitwise_or", other, self)

    def __xor__(self, other: ArrayLike) -> Node:
        return apply("bitwise_xor", self, other)

    def __rxor__(self, other: ArrayLike) -> Node:
        return apply("bitwise_xor", other, self)

    def __lshift__(self, other: ArrayLike) -> Node:
        return apply("left_shift", self, other)

    def __rlshift__(self, other: ArrayLike) -> Node:
        return apply("left_shift", other, self)

    def __rshift__(self, other: ArrayLike) -> Node:
        return apply("right_shift", self, other)

    def __rrshift__(self, other: ArrayLike) -> Node:
        return apply("right_shift", other, self)

    def __eq__(self, other: object) -> Node:  # pyright: ignore[reportIncompatibleMethodOverride]
        return apply("equal", self, other)

    def __ne__(self, other: object) -> Node:  # pyright: ignore[reportIncompatibleMethodOverride]
        return apply("not_equal", self, other)

    def __lt__(self, other: ArrayLike) -> Node:
        return apply("less", self, other)

    def __le__(self, other: ArrayLike) -> Node:
        return apply("less_equal", self, other)

    def __gt__(self, other: ArrayLike) -> Node:
        return apply("greater", self, other)

    def __ge__(self, other: ArrayLike) -> Node:
        return apply("greater_equal", self, other)

    def _augmented(self, name: str, other: ArrayLike) -> Node:
        # On an array this would write through a view; on a node it could only rebind the name,
        # and what the view was taken of would silently keep its value.
        if self.op.views:
            raise DTypeError(
                f"an in-place operator on a view ({self.op.name})",
                hint="y = x.at[index].add(value) gives x with the change; or write v = v + w; "
                + READ_BACK,
            )
        return apply(name, self, other)

    def __iadd__(self, other: ArrayLike) -> Node:
        return self._augmented("add", other)

    def __isub__(self, other: ArrayLike) -> Node:
        return self._augmented("subtract", other)

    def __imul__(self, other: ArrayLike) -> Node:
        return self._augmented("multiply", other)

    def __itruediv__(self, other: ArrayLike) -> Node:
        return self._augmented("divide", other)

    def __ipow__(self, other: ArrayLike) -> Node:
        return self._augmented("power", other)

    def __getitem__(self, index: Any) -> Node:
        return apply("getitem", self, index)

    # Methods, with NumPy's names and defaults ---------------------------------------------------

    @property
    def at(self) -> Any:
        """``x.at[index].set(v)``, ``add``, ``multiply``, ``min``, ``max``: x with a change."""
        return apply("at", self)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.type.dtype.itemsize

    @property
    def nbytes(self) -> Dim:
        """Bytes of all elements."""
        return product(self.shape) * self.itemsize

    @property
    def device(self) -> str:
        """``"cpu"``, as the Array API asks for it."""
        return "cpu"

    @property
    def T(self) -> Node:  # noqa: N802 - NumPy's name
        """All axes reversed."""
        return apply("transpose", self)

    @property
    def mT(self) -> Node:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        if self.ndim < 2:
            raise ShapeError("mT needs two dimensions", got=repr(self.type))
        return apply("swapaxes", self, -1, -2)

    @property
    def real(self) -> Node:
        """The real part; of real values they themselves."""
        return apply("real", self)

    @property
    def imag(self) -> Node:
        """The imaginary part; of real values zeros."""
        return apply("imag", self)

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not defined above: NumPy's methods are its functions.
        if name in _METHODS:
            return _Method(self, name)
        if name in _INSTEAD:
            raise MissingAttributeError(f"a node has no attribute {name!r}", hint=_INSTEAD[name])
        raise AttributeError(f"a node has no attribute {name!r}; NumPy's functions are sg.<name>")

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *_METHODS})

    def reshape(self, *shape: Any, order: str = "C") -> Node:
        """The same elements in another shape: ``reshape(2, 3)`` or ``reshape((2, 3))``."""
        return apply("reshape", self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Node:
        """Permuted axes: ``transpose(1, 0)``, ``transpose((1, 0))`` or ``transpose()``."""
        if not axes:
            return apply("transpose", self)
        return apply("transpose", self, axes[0] if len(axes) == 1 else axes)

    def flatten(self, order: str = "C") -> Node:
        """One dimension."""
        return apply("ravel", self, order)

    def conj(self) -> Node:
        """The complex conjugate; of real values and of booleans they themselves."""
        return apply("conjugate", self) if self.type.dtype.kind == "c" else self[...]

    conjugate = conj

    def compress(self, condition: Any, axis: Any = None) -> Node:
        """Slices where a mask that is known now is true."""
        return apply("compress", condition, self, axis)

    def copy(self, order: str = "C") -> Self:
        """This node: values are immutable, and lie in no memory."""
        return self


_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "out": (None,),
    "subok": (True, False),
    "device": (None, "cpu"),
    "like": (None,),
    "copy": (True, False, None),
    "order": (None, "C", "F", "A", "K"),
    "casting": ("same_kind",),
}
"""Values of keywords that say nothing of the result: where it lies, and what is the default."""


def meaningful(
    keywords: dict[str, Any], taken: Callable[[], Container[str]] = tuple
) -> dict[str, Any]:
    """The keywords that change the result; those that `taken` names are left to their function."""
    neutral = [
        name
        for name, value in keywords.items()
        if value is np._NoValue  # pyright: ignore[reportPrivateUsage]
        or (isinstance(value, str | bool | None) and value in _NEUTRAL.get(name, ()))
    ]
    if not neutral:
        return keywords
    kept = taken()
    dropped = {name for name in neutral if name not in kept or keywords[name] is np._NoValue}  # pyright: ignore[reportPrivateUsage]
    return {name: value for name, value in keywords.items() if name not in dropped}


def recorded(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    what: str,
    args: Sequence[Any],
    keywords: dict[str, Any],
) -> Any:
    """Call one of our functions in the place of NumPy's.

    Raises
    ------
    DTypeError
        For a keyword that only NumPy's function has.
    DTypeError, InputError
        For arguments that NumPy's function does not take either, with its own words.
    """
    keywords = meaningful(keywords, lambda: inspect.signature(ours).parameters)
    try:
        return ours(*args, **keywords)
    except SymgraphError as refused:
        error = refused.original
        if error is None:
            raise
        by_name = _by_name(ours, theirs, args, keywords) if "positional" in str(error) else None
        if by_name is not None:
            return ours(**by_name)
        # The stand-ins cannot be written to.
        others = {name: value for name, value in keywords.items() if name != "out"}
        theirs_too = _refusal(theirs, args, others)
        hint = "NumPy refuses this call, too"
        if theirs_too is None:
            unknown = isinstance(error, TypeError) and "argument" in str(error)
            hint = "this argument of NumPy's is not supported on nodes" if unknown else ""
        raise refusal(theirs_too or error, what, ours, args, keywords, hint) from None


def _by_name(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    args: Sequence[Any],
    keywords: dict[str, Any],
) -> dict[str, Any] | None:
    """The arguments by NumPy's names for them: ``np.sum(x, 0, None, None, True)``."""
    mine = inspect.signature(ours)
    # A method takes what the function of its name takes, which says more of itself.
    for known in (theirs, getattr(np, theirs.__name__, theirs)):
        try:
            given = inspect.signature(known).bind(*args, **keywords).arguments
            named = meaningful(given, lambda: mine.parameters)
            mine.bind(**named)
        except (TypeError, ValueError):
            continue
        return named
    return None


def _refusal(
    theirs: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]
) -> Exception | None:
    """What NumPy says to the same call with arrays; ``None`` if it takes them."""
    leaves, form = flatten([list(args), keywords])
    stand_ins = [_stand_in(x) for x in leaves]
    plain, named = unflatten(form, stand_ins)
    try:
        with np.errstate(all="ignore"), catch_warnings():
            simplefilter("ignore")
            theirs(*plain, **named)
    except Exception as refusal:  # noqa: BLE001 - whatever NumPy raises is its answer
        return refusal
    return None


def _stand_in(value: Any) -> Any:
    """For a node an array of its type, which takes no memory; 3 for a symbolic size."""
    if isinstance(value, ArrayMethods):
        shape = [_stand_in(dim) for dim in value.shape]
        return np.broadcast_to(np.ones((), value.type.dtype), shape)
    return 3 if isinstance(value, Size) else value


class MissingAttributeError(UnsupportedError, AttributeError):
    """What arrays have and nodes cannot have."""


class _Method:
    """A bound method of a node that is one of our functions."""

    __slots__ = ("_name", "_node")

    def __init__(self, node: ArrayMethods, name: str) -> None:
        self._node = node
        self._name = name

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        function = builder_named(_METHODS[self._name])
        if function is None:
            return apply(self._name)
        theirs = getattr(np.ndarray, self._name)
        return recorded(function, theirs, f"node.{self._name}", (self._node, *args), keywords)

    def __repr__(self) -> str:
        return f"<method {self._name} of {self._node!r}>"


_METHODS = {
    name: name
    for name in (
        "sum mean prod var std max min argmax argmin all any cumsum cumprod ravel squeeze "
        "swapaxes clip astype dot take repeat diagonal trace argsort round choose searchsorted "
        "argpartition"
    ).split()
}


_NOT_KNOWN = "its value is not known in a graph: compile it with sg.function"
_IMMUTABLE = "nodes are immutable: "
_INSTEAD = {
    **dict.fromkeys(
        ("item", "tolist", "tobytes", "tofile", "dump", "dumps", "data", "flat"), _NOT_KNOWN
    ),
    **dict.fromkeys(
        ("flags", "strides", "base", "ctypes", "setflags", "to_device"), "it lies in no memory"
    ),
    **dict.fromkeys(
        ("view", "byteswap", "getfield", "setfield"), "x.astype(dtype) converts; bits are not seen"
    ),
    "ptp": "np.ptp(x) is a function, as in NumPy 2",
    "nonzero": "its shape would depend on values: np.where(mask, x, 0) keeps the shape",
    "sort": _IMMUTABLE + "np.sort(x) gives a sorted one",
    "partition": _IMMUTABLE + "np.partition(x, kth) gives another one",
    "resize": _IMMUTABLE + "np.resize(x, shape) gives another one",
    "fill": _IMMUTABLE + "np.full_like(x, value) gives another one",
    "put": _IMMUTABLE + "x.at[indices].set(values) gives another one",
    "itemset": _IMMUTABLE + "x.at[index].set(value) gives another one",
}
"""Attributes of arrays that nodes cannot have, and what takes their place."""
