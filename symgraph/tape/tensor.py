"""Tensors: arrays that do every operation at once, and remember how they came about."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn, cast
from weakref import ref

import numpy as np

from symgraph.errors import DerivativeError, DTypeError, InputError, ShapeError, UnsupportedError
from symgraph.graph.node import Node
from symgraph.graph.registry import BUILDERS, NUMPY_FUNCTIONS, Eager
from symgraph.graph.types import TensorType, as_dtype
from symgraph.ops.at import at
from symgraph.ops.kinds import any_node
from symgraph.tape.mode import MODE
from symgraph.tape.perform import LIFTED, Call, Handle, mixed, perform
from symgraph.tape.values import (
    KINDS,
    LEAF,
    Value,
    data_value,
    kind_of,
    location_of,
    user_line,
)
from symgraph.tape.words import METHODS

__all__ = ["Tensor", "apply", "array_of", "make_leaf", "wrap"]


class View:
    """How a tensor was taken out of another one, so that a change of one reaches the other."""

    __slots__ = ("args", "base", "function", "keywords", "place", "seen")

    def __init__(
        self,
        base: Tensor,
        seen: Value,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        place: int,
    ) -> None:
        self.base, self.seen = base, seen
        self.function, self.args, self.keywords = function, args, keywords
        self.place = place


def wrap(value: Value) -> Tensor:
    """A tensor that holds a value."""
    tensor = Tensor.__new__(Tensor)
    tensor._value = value
    tensor._data = value.data
    return tensor


def apply(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The result of a builder as tensors."""
    quick = None if keywords else _quick_key(function, args)
    if quick is not None:
        key, values = quick
        run = _QUICK.get(key)
        if run is not None:
            return run(*values)
    elif LIFTED.current is not None and any_node(*args, *keywords.values()):
        return LIFTED.current.call(function, args, keywords)
    call, _, results = perform(function, args, keywords)
    tensors = [wrap(value) for value in results]
    for place, source in enumerate(call.template.sources):
        if source is not None:
            _note_view(tensors[place], call, place, source, function, args, keywords)
    if quick is not None:
        _learn(quick[0], call, len(quick[1]))
    return tensors[0] if call.form.kind is None and tensors else call.tree(tensors)


# Calls that come down to one operation on one or two values are most of them.

_QUICK: dict[Any, Callable[..., Tensor]] = {}


def _quick_key(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """What tells calls of one or two tensors, or of a tensor and a number, apart; the values."""
    count = len(args)
    if count == 1:
        if isinstance(args[0], Tensor):
            first = args[0]._now()
            return (function, first.kind), (first,)
    elif count == 2:
        left, right = args
        if isinstance(left, Tensor):
            first = left._now()
            if isinstance(right, Tensor):
                second = right._now()
                return (function, first.kind, second.kind), (first, second)
            kind = type(right)
            if (kind is float or kind is int) and right:
                return (function, first.kind, kind, right), (first,)
        elif isinstance(right, Tensor):
            kind = type(left)
            if (kind is float or kind is int) and left:
                first = right._now()
                return (function, kind, left, first.kind), (first,)
    return None


def _learn(key: Any, call: Call, count: int) -> None:
    """Keep a call as a function of values, if it is one operation on them and constants."""
    template = call.template
    if len(template.steps) != 1 or call.form.kind is not None or template.sources[0] is not None:
        return
    step, places = template.steps[0]
    inexact = {i for i, node in enumerate(step.operands) if node.type.inexact}
    if step.several or not (step.differentiable >= inexact or not step.differentiable):
        return
    if len(_QUICK) >= MOST_QUICK:
        _QUICK.clear()
    smooth, kind, run = bool(step.differentiable), step.kind, step.run
    if count == 2 and places == (0, 1):

        def two(a: Value, b: Value) -> Tensor:
            data = run(a.data, b.data)
            if smooth and (a.active or b.active) and MODE.recording:
                return wrap(Value(data, kind, step, (a, b), True, user_line()))
            return wrap(Value(data, kind))

        _QUICK[key] = two
    elif count == 1 and places == (0,):

        def one(a: Value) -> Tensor:
            data = run(a.data)
            if smooth and a.active and MODE.recording:
                return wrap(Value(data, kind, step, (a,), True, user_line()))
            return wrap(Value(data, kind))

        _QUICK[key] = one
    elif count == 1 and sorted(places) == [0, 1] and len(template.constants) == 1:
        other, after = template.constants[0], places == (0, 1)

        def with_constant(a: Value) -> Tensor:
            inputs = (a, other) if after else (other, a)
            data = run(inputs[0].data, inputs[1].data)
            if smooth and a.active and MODE.recording:
                return wrap(Value(data, kind, step, inputs, True, user_line()))
            return wrap(Value(data, kind))

        _QUICK[key] = with_constant


MOST_QUICK = 20_000


def _note_view(
    tensor: Tensor,
    call: Call,
    place: int,
    source: int,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    keywords: dict[str, Any],
) -> None:
    """Remember that a result shares the memory of the operand at the place `source`."""
    operands = _tensors_in((args, keywords))
    if source >= len(operands):
        return
    base = operands[source]
    if base is None:
        return
    seen = base.current()
    if tensor._value is not seen:
        tensor._value.storage = seen.shared()
        tensor._value.version = tensor._value.storage.version
        tensor._view = View(base, seen, function, args, keywords, place)


def _tensors_in(value: Any) -> list[Tensor | None]:
    """The operands of a call in order, ``None`` for arrays."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, np.ndarray | np.generic):
        return [None]
    if isinstance(value, slice):
        value = (value.start, value.stop, value.step)
    if isinstance(value, dict):
        value = list(cast("dict[Any, Any]", value).values())
    if isinstance(value, list | tuple):
        return [found for item in cast("Sequence[Any]", value) for found in _tensors_in(item)]
    return []


class Tensor(Eager, Handle):
    """An array that computes at once and, where a gradient is wanted, records.

    Made by `tensor`, `zeros`, ... and by operations. ``Tensor(data)`` is an array of floats, and
    ``Tensor(2, 3)`` zeros of that shape.

    Attributes
    ----------
    grad : Tensor or None
        Of a leaf: the sum of the gradients of all backward passes since it was last cleared.
    shape, dtype, ndim, T, mT
        As of an array.

    Notes
    -----
    A change in place (``x += 1``, ``x[1:3] = v``) of a recorded tensor gives it a new value; what
    was computed from the old one keeps that, and its gradient. Views follow, as in NumPy. Without
    recording the memory itself is overwritten, and backward refuses to use what was overwritten.

    Examples
    --------
    >>> from symgraph import tape
    >>> x = tape.tensor([2.0], requires_grad=True)
    >>> y = 3 * x**2 + 2 * x + 1
    >>> y.backward()
    >>> x.grad
    tensor([14.])
    """

    __array_priority__ = 1000
    grad: Tensor | None = None
    _value: Value
    _data: Any
    _view: View | None = None
    _hooks: dict[int, Callable[[Tensor], Any]] | None = None

    def __init__(self, *args: Any, requires_grad: bool = False) -> None:
        if args and all(type(arg) is int for arg in args):
            data: Any = np.zeros(args)
        elif len(args) > 1:
            raise InputError("Tensor takes data or sizes", got=f"{len(args)} arguments")
        else:
            data = array_of(args[0] if args else [], np.float64)
        make_leaf(self, data, requires_grad)

    # The value ------------------------------------------------------------------------------

    def current(self) -> Value:
        """The value as it is now: that of a view follows what it is a view of."""
        view = self._view
        if view is not None and view.base.current() is not view.seen:
            _, _, results = perform(view.function, view.args, view.keywords)
            view.seen = view.base.current()
            self._put(results[view.place])
            self._value.storage = view.seen.shared()
            self._value.version = self._value.storage.version
        value = self._value
        if value.spent:
            value.data = self._data  # backward has passed, and freed what only it needed
        return value

    def _now(self) -> Value:
        """As `current`, in a hurry."""
        value = self._value
        return value if self._view is None and not value.spent else self.current()

    def _put(self, value: Value) -> None:
        self._value = value
        self._data = value.data

    @property
    def data(self) -> Tensor:
        """The same memory without history, as `detach`."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        self._move(np.array(_plain(value)))

    def _move(self, array: Any) -> None:
        """Stand on other memory."""
        before, fresh = self._value, data_value(array)
        fresh.step, fresh.inputs, fresh.active = before.step, before.inputs, before.active
        fresh.mark, fresh.tensor = before.mark, before.tensor
        self._put(fresh)

    def _array(self) -> Any:
        self.current()
        return self._data

    @property
    def _type(self) -> TensorType:
        type_ = KINDS[self._value.kind]
        assert isinstance(type_, TensorType)
        return type_

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""
        return cast("tuple[int, ...]", self._type.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """dtype of the elements."""
        return self._type.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._type.shape)

    def dim(self) -> int:
        """Number of dimensions."""
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def item(self) -> Any:
        """The only element, as a Python number."""
        return self._array().item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return np.asarray(self._array()).tolist()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array: the tensor's own memory.

        It cannot be written to where a gradient is wanted of the tensor; `detach` gives one that
        can.
        """
        array = np.asarray(self._array())
        if self._value.active:
            array = array.view()
            array.flags.writeable = False
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self._value.active:
            raise DTypeError(
                "an array of a tensor that requires a gradient: the history would be lost",
                hint="x.detach().numpy(), or x.numpy() to look at it",
            )
        return np.array(self._array(), dtype=dtype, copy=copy)

    def detach(self) -> Tensor:
        """The same memory without history."""
        current = self.current()
        value = Value(self._data, current.kind)
        value.storage, value.version = current.shared(), current.version
        return wrap(value)

    def clone(self) -> Tensor:
        """The same numbers in memory of their own, with history."""
        if self.current().active and MODE.recording:
            return self * self._data.dtype.type(1)
        return wrap(data_value(np.array(self._data)))

    def copy(self) -> Tensor:
        """As `clone`."""
        return self.clone()

    def contiguous(self) -> Tensor:
        """The tensor itself."""
        return self

    def cpu(self) -> Tensor:
        """The tensor itself: its memory is the processor's."""
        return self

    def to(self, dtype: Any) -> Tensor:
        """In another dtype; ``"cpu"`` is where every tensor is."""
        if isinstance(dtype, str) and dtype == "cpu":
            return self
        return self if self.dtype == as_dtype(dtype) else apply(BUILDERS["astype"], (self, dtype), {})

    # Gradients ------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        return self._value.active

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    @property
    def is_leaf(self) -> bool:
        """Whether it is not the result of a recorded operation."""
        return self._value.step is None

    @property
    def version(self) -> int:
        """How often its memory was overwritten."""
        return self._value.version

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Record operations on this leaf from now on, or no longer; returns the tensor.

        Raises
        ------
        DerivativeError
            If its dtype has no derivative, or it is the result of a recorded operation.
        """
        value = self.current()
        if value.step is not None:
            if requires_grad:
                return self
            raise DerivativeError(
                "requires_grad can only be changed of a leaf",
                got="the result of a recorded operation",
                hint="x.detach() is the same memory without history",
            )
        if requires_grad and self.dtype.kind not in "fc":
            raise DerivativeError(
                "only floating and complex tensors have gradients",
                got=str(self.dtype),
                hint="tape.tensor(data, dtype=float)",
            )
        if requires_grad != value.active:
            make_leaf(self, self._data, requires_grad)
            self._value.storage, self._value.version = value.storage, value.version
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor, which is no leaf, in ``.grad`` as well."""
        value = self.current()
        if value.step is not None:
            value.tensor = ref(self)
            value.extra = _extras(value)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Callable[[], None]:
        """Call `hook` with the gradient of this tensor whenever one is computed.

        Returns
        -------
        callable
            Removes the hook. What the hook returns, if anything, takes the gradient's place.
        """
        value = self.current()
        if not value.active:
            raise DerivativeError("a hook on a tensor that does not require a gradient")
        if value.step is None:
            if self._hooks is None:
                self._hooks = {}
            hooks = self._hooks
        else:
            value.extra = hooks = _extras(value)
        name = max(hooks, default=-1) + 1
        hooks[name] = hook
        return lambda: cast("None", hooks.pop(name, None))

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add the gradients of this tensor to ``.grad`` of the leaves that it depends on.

        Parameters
        ----------
        gradient : array_like, optional
            What to start with, in this tensor's shape; needed unless it has one element.
        retain_graph : bool, optional
            Whether there will be another pass through the same recording; by default as
            `create_graph`.
        create_graph : bool, optional
            Whether the gradients are recorded, to be differentiated again.
        inputs : sequence of Tensor, optional
            Add to these leaves only.

        Raises
        ------
        DerivativeError
            If it has no history, has several elements and no `gradient` was given, was passed
            through before, or something that the pass needs was overwritten since.
        """
        RUN_BACKWARD(self, gradient, retain_graph, create_graph, inputs)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

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
        out = keywords.pop("out", None)
        if kind == "reduce" and out is None:
            reducer = _REDUCERS.get(ufunc.__name__)
            if reducer is not None:
                return BUILDERS[reducer](*args, **{"axis": 0, **keywords})
        ours = _PLAIN.get(ufunc)
        if ours is None:
            if ufunc.__name__ not in BUILDERS:
                raise UnsupportedError(f"np.{ufunc.__name__} cannot be recorded")
            ours = _PLAIN[ufunc] = inspect.unwrap(BUILDERS[ufunc.__name__])
        if kind != "__call__" or keywords:
            raise UnsupportedError(
                f"np.{ufunc.__name__}: {kind if kind != '__call__' else ', '.join(keywords)} "
                "cannot be recorded"
            )
        if out is None:
            return apply(ours, args, keywords)
        (target,) = out
        if not isinstance(target, Tensor):
            raise DTypeError(
                "an in-place operator on an array with a tensor", hint="write y = x + tensor"
            )
        return target._change(apply(ours, args, keywords))

    def __array_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: Any, keywords: Any
    ) -> Any:
        ours = _PLAIN.get(function)
        if ours is None:
            if function not in NUMPY_FUNCTIONS:
                raise UnsupportedError(
                    f"{function.__module__}.{function.__name__} cannot be recorded",
                    hint="compose it from operations that exist, or call it on x.detach().numpy()",
                )
            ours = _PLAIN[function] = inspect.unwrap(NUMPY_FUNCTIONS[function])
        return apply(ours, args, keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith("_") and name[:-1] in METHODS:
            return _InPlace(self, name[:-1])
        if name in METHODS:
            return _Method(self, name)
        raise AttributeError(f"a tensor has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *METHODS})

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """All axes reversed."""
        return BUILDERS["transpose"](self)

    @property
    def mT(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return BUILDERS["swapaxes"](self, -1, -2)

    def t(self) -> Tensor:
        """A matrix transposed."""
        return self.T

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """The same elements in another shape."""
        return BUILDERS["reshape"](self, _sizes(shape), order=order)

    def view(self, *shape: Any) -> Tensor:
        """As `reshape`."""
        return BUILDERS["reshape"](self, _sizes(shape))

    def view_as(self, other: Tensor) -> Tensor:
        """In the shape of another tensor."""
        return BUILDERS["reshape"](self, other.shape)

    def flatten(self) -> Tensor:
        """One dimension."""
        return BUILDERS["reshape"](self, -1)

    def transpose(self, *axes: Any) -> Tensor:
        """Permuted axes as in NumPy; two of more than two axes are exchanged, as in PyTorch."""
        if len(axes) == 2 and (self.ndim != 2 or sorted(axes) != [0, 1]):
            return BUILDERS["swapaxes"](self, *axes)
        return BUILDERS["transpose"](self, *([_sizes(axes)] if axes else []))

    def permute(self, *axes: Any) -> Tensor:
        """Permuted axes."""
        return BUILDERS["transpose"](self, _sizes(axes))

    def expand(self, *shape: Any) -> Tensor:
        """Repeated along axes of size one; -1 keeps a size."""
        sizes = _sizes(shape)
        own = (1,) * (len(sizes) - self.ndim) + self.shape
        wanted = tuple([o if s == -1 else s for s, o in zip(sizes, own, strict=True)])
        return BUILDERS["broadcast_to"](self, wanted)

    # Control flow: the value is known ---------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self._array())

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
        return np.asarray(self._array()).reshape(())[()]

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("len() of a tensor without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.numel() == 1 else format(str(self), spec)

    __hash__ = object.__hash__  # by identity; __eq__ compares element by element

    # Changes in place -----------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        return BUILDERS["getitem"](self, _without_masks(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        key = _without_masks(key)
        if isinstance(value, Tensor) and self._holds(value, key):
            return  # x[key] += v has changed x through the view already
        if self._records(value):
            self._change(apply(_set_item, (self, value, key), {}))
        else:
            self._check_change()
            plain = _indices(key)
            self._array()[plain] = _plain(value)
            self._written()

    def _holds(self, value: Tensor, key: Any) -> bool:
        """Whether a tensor is the up-to-date view of this one at `key`."""
        view = value._view
        return (
            view is not None
            and view.base is self
            and view.seen is self.current()
            and len(view.args) == 2
            and view.args[1] is key
        )

    def _records(self, *others: Any) -> bool:
        """Whether an operation on this tensor and others is recorded."""
        if not MODE.recording:
            return False
        tensors = [other for other in (self, *others) if isinstance(other, Tensor)]
        return any(tensor.current().active for tensor in tensors)

    def _check_change(self) -> None:
        """Raise if this is a leaf whose gradient is wanted, or a view of one, and not under no_grad.

        Its gradient would be by a value that is gone.
        """
        holder: Tensor | None = self
        while holder is not None and MODE.recording:
            if holder._value.active and holder._value.step is None:
                raise DerivativeError(
                    "a leaf that requires a gradient is changed in place",
                    got="a view of the leaf" if holder is not self else "the leaf itself",
                    hint="with tape.no_grad(): x += ...; or y = x + ...; or change x.clone()",
                )
            holder = None if holder._view is None else holder._view.base

    def _change(self, result: Any) -> Tensor:
        """Give this tensor the value that an operation on it had; the dtype stays."""
        self._check_change()
        if result.shape != self.shape:
            raise ShapeError(
                "a change in place cannot change the shape",
                expected=str(self.shape),
                got=str(result.shape),
            )
        if result.dtype != self.dtype and not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise DTypeError(
                "a change in place cannot change the kind of number",
                expected=str(self.dtype),
                got=str(result.dtype),
            )
        if result._value.active or self._value.active and MODE.recording:
            self._assign(result.to(self.dtype))
        else:
            np.copyto(self._writable(), _plain(result), casting="same_kind")
            self._written()
        return self

    def _writable(self) -> Any:
        """The memory, an array also where there are no dimensions."""
        data = self._array()
        if not isinstance(data, np.ndarray) or not data.flags.writeable:
            self._move(np.array(data))
        return self._data

    def _written(self) -> None:
        """Note that the memory was overwritten."""
        line = user_line()
        holder: Tensor | None = self
        while holder is not None:
            value = holder._value.after_write(line)
            holder._value = value
            if holder._view is not None:
                holder._view.seen = holder._view.base._value
            holder = None if holder._view is None else holder._view.base

    def _assign(self, result: Tensor) -> None:
        """Take another tensor's value, and change what this one is a view of."""
        view = self._view
        if view is not None and view.base.current() is view.seen:
            base = view.base
            if view.function is _GETITEM:
                changed = apply(_set_item, (base, result, view.args[1]), {})
            else:
                changed = _with_part(base, view, result)
            base._assign(changed)
            view.seen = base.current()
        self._put(result.current())

    def _operated(self, name: str, other: Any) -> Tensor:
        return self._change(BUILDERS[name](self, other))

    def __iadd__(self, other: Any) -> Tensor:
        return self._operated("add", other)

    def __isub__(self, other: Any) -> Tensor:
        return self._operated("subtract", other)

    def __imul__(self, other: Any) -> Tensor:
        return self._operated("multiply", other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._operated("divide", other)

    def __ipow__(self, other: Any) -> Tensor:
        return self._operated("power", other)

    def __imatmul__(self, other: Any) -> Tensor:
        return self._operated("matmul", other)

    def copy_(self, other: Any) -> Tensor:
        """Take the numbers of another tensor or array."""
        return self._change(BUILDERS["broadcast_to"](_tensor(other), self.shape))

    def fill_(self, value: Any) -> Tensor:
        """Make all elements one number."""
        return self.copy_(np.asarray(value, self.dtype))

    def zero_(self) -> Tensor:
        """Make all elements zero."""
        return self.fill_(0)

    @property
    def at(self) -> _At:
        """``x.at[index].set(v)``, ``add``, ``multiply``, ``min``, ``max``: x with a change."""
        return _At(self, None)

    # Looking ------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self._array()), separator=", ", prefix="tensor(")
        if self.dtype not in (np.float64, np.int64, np.bool_):
            text += f", dtype={self.dtype.name}"
        if self._value.active:
            text += ", requires_grad=True" if self.is_leaf else f", made by {self._made_by()}"
        return f"tensor({text})"

    def _made_by(self) -> str:
        step = self._value.step
        return "" if step is None else step.op.name

    def __reduce__(self) -> tuple[Any, ...]:
        if self._value.step is not None:
            raise InputError(
                "a tensor with history cannot be pickled", hint="pickle x.detach() instead"
            )
        return (_unpickled, (np.asarray(self._array()), self._value.active))

    def __deepcopy__(self, memo: Any) -> Tensor:
        rebuild, args = self.__reduce__()
        return rebuild(np.array(args[0]), args[1])


def _unpickled(data: Any, requires_grad: bool) -> Tensor:
    return make_leaf(Tensor.__new__(Tensor), data, requires_grad)


def _backward_is_missing(*args: Any) -> NoReturn:
    raise NotImplementedError("symgraph.tape is not loaded")


RUN_BACKWARD: Callable[..., None] = _backward_is_missing
"""The pass, which lies in a module above; entered when that is loaded."""


def make_leaf(tensor: Tensor, data: Any, requires_grad: bool) -> Tensor:
    """Let a tensor hold an array, as a leaf."""
    value = Value(data, kind_of(data), active=requires_grad)
    if requires_grad:
        value.mark = LEAF
        value.tensor = ref(tensor)
    tensor._value = value
    tensor._data = data
    return tensor


def array_of(data: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """A copy of what the user gave as an array of numbers.

    Raises
    ------
    DTypeError
        If it is not numeric.
    """
    try:
        array = np.array(_plain_tree(data), dtype=None if dtype is None else as_dtype(dtype))
    except (ValueError, TypeError, OverflowError) as error:
        if isinstance(error, DTypeError):
            raise
        raise DTypeError("a tensor is an array of numbers", got=f"{error}") from None
    as_dtype(array.dtype)
    return array


def _plain_tree(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain_tree(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, Node):
        raise DTypeError(
            "a tensor of a node: its value is not known",
            hint="np.stack([...]) builds an array of nodes; sg.function gives arrays",
        )
    return value._array() if isinstance(value, Tensor) else value


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else wrap(data_value(value))


def _plain(value: Any) -> Any:
    return value._array() if isinstance(value, Tensor) else value


def _extras(value: Value) -> dict[int, Any]:
    return {} if value.extra is None else value.extra


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    flat = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    return tuple([int(size) for size in cast("Sequence[Any]", flat)])


def _without_masks(key: Any) -> Any:
    """An index with masks as the positions where they are true: shapes must be known."""
    if isinstance(key, tuple):
        parts: list[Any] = []
        for item in cast("tuple[Any, ...]", key):
            found = _without_masks(item)
            parts += found if isinstance(found, tuple) else [found]
        return tuple(parts) if any(a is not b for a, b in zip(parts, key, strict=False)) else key
    if isinstance(key, Tensor) and key.dtype.kind == "b":
        return np.nonzero(np.asarray(key._array()))
    if isinstance(key, np.ndarray) and key.dtype.kind == "b":
        return np.nonzero(key)
    return key


def _indices(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple([_plain(item) for item in cast("tuple[Any, ...]", key)])
    return _plain(key)


def _set_item(x: Any, value: Any, key: Any) -> Any:
    return at(x)[key].set(value)


def _with_part(base: Tensor, view: View, part: Tensor) -> Tensor:
    """`base` with the elements that `view` shows changed."""
    positions = np.arange(base.numel()).reshape(base.shape)
    args = tuple([positions if arg is base else arg for arg in view.args])
    _, _, results = perform(view.function, [wrap(data_value(args[0])), *args[1:]], view.keywords)
    places = np.asarray(results[view.place].data).ravel()
    flat = BUILDERS["reshape"](base, -1)
    changed = apply(_set_item, (flat, BUILDERS["reshape"](part, -1), places), {})
    return BUILDERS["reshape"](changed, base.shape)


class _At:
    """``x.at`` of a tensor."""

    def __init__(self, tensor: Tensor, key: Any) -> None:
        self._tensor, self._key = tensor, key

    def __getitem__(self, key: Any) -> _At:
        return _At(self._tensor, _without_masks(key))

    def __getattr__(self, name: str) -> Any:
        change = _CHANGES.get(name)
        if change is None:
            raise AttributeError(name)
        return lambda value: apply(change, (self._tensor, value, self._key), {})


def _changing(name: str) -> Callable[..., Any]:
    def change(x: Any, value: Any, key: Any) -> Any:
        return getattr(at(x)[key], name)(value)

    return change


_CHANGES = {name: _changing(name) for name in ("add", "multiply", "min", "max")} | {
    "set": _set_item
}


class _Method:
    """A bound method that is one of the builders."""

    __slots__ = ("_name", "_tensor")

    def __init__(self, tensor: Tensor, name: str) -> None:
        self._tensor, self._name = tensor, name

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return METHODS[self._name](self._tensor, *args, **keywords)

    def __repr__(self) -> str:
        return f"<method {self._name} of a tensor>"


class _InPlace(_Method):
    """``x.add_(1)``: the operation, and its result in place of the tensor."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._tensor._change(METHODS[self._name](self._tensor, *args, **keywords))


_REDUCERS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}


_PLAIN: dict[Any, Callable[..., Any]] = {}
"""NumPy's functions to the builders that take their place."""
_AT = inspect.unwrap(BUILDERS["at"])
_GETITEM = inspect.unwrap(BUILDERS["getitem"])


# Operators --------------------------------------------------------------------------------------


def _binary(name: str, swapped: bool = False) -> Callable[[Tensor, Any], Any]:
    function = inspect.unwrap(BUILDERS[name])
    if swapped:
        return lambda self, other: apply(function, (other, self), {})
    return lambda self, other: apply(function, (self, other), {})


def _unary(name: str) -> Callable[[Tensor], Any]:
    function = inspect.unwrap(BUILDERS[name])
    return lambda self: apply(function, (self,), {})


_BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}
_COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
for _short, _name in {**_BINARY, **_COMPARISONS}.items():
    setattr(Tensor, f"__{_short}__", _binary(_name))
for _short, _name in _BINARY.items():
    setattr(Tensor, f"__r{_short}__", _binary(_name, swapped=True))
for _short, _name in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
    setattr(Tensor, f"__{_short}__", _unary(_name))
Tensor.__pos__ = lambda self: self
