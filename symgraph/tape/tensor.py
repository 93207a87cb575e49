"""Tensors: arrays that do every operation at once, and remember how they came about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NoReturn, cast
from weakref import ref

import numpy as np

from symgraph.errors import DerivativeError, DTypeError, InputError, ShapeError
from symgraph.graph.node import Node, is_masked, masked_refusal
from symgraph.graph.refusal import public
from symgraph.graph.registry import BUILDERS
from symgraph.graph.types import as_dtype
from symgraph.tape.changes import Changes, plain
from symgraph.tape.holder import Holder, make_leaf, wrap
from symgraph.tape.mode import MODE
from symgraph.tape.operators import sizes_of
from symgraph.tape.quick import apply
from symgraph.tape.values import Value, data_value

__all__ = ["Tensor", "array_of"]


class Tensor(Changes):
    """An array that computes at once and, where a gradient is wanted, records.

    Made by `tensor`, `zeros`, ... and by operations. ``Tensor(data)`` is an array of floats, and
    ``Tensor(2, 3)`` zeros of that shape.

    Attributes
    ----------
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

    _grad: Tensor | None = None
    hooks: dict[int, Callable[[Tensor], Any]] | None = None

    def __init__(self, *args: Any, requires_grad: bool = False) -> None:
        if args and all(type(arg) is int for arg in args):
            data: Any = np.zeros(args)
        elif len(args) > 1:
            raise InputError("Tensor takes data or sizes", got=f"{len(args)} arguments")
        else:
            data = array_of(args[0] if args else [], np.float64)
        make_leaf(self, data, requires_grad)

    @property
    def data(self) -> Tensor:
        """The same memory without history, as `detach`."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        self.moves += 1
        self.move(np.array(plain(value)))

    def dim(self) -> int:
        """Number of dimensions."""
        return self.ndim

    @public
    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.shape[dim]

    def nelement(self) -> int:
        """Number of elements."""
        return self.numel()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return np.asarray(self.array_now()).tolist()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array: the tensor's own memory.

        It cannot be written to where a gradient is wanted of the tensor; `detach` gives one that
        can.
        """
        array = np.asarray(self.array_now())
        if self.held.active:
            array = array.view()
            array.flags.writeable = False
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self.held.active:
            raise DTypeError(
                "an array of a tensor that requires a gradient: the history would be lost",
                hint="x.detach().numpy(), or x.numpy() to look at it",
            )
        return np.array(self.array_now(), dtype=dtype, copy=copy)

    def detach(self) -> Tensor:
        """The same memory without history."""
        current = self.current()
        value = Value(self.memory, current.kind)
        value.storage, value.version = current.shared(), current.version
        alias = wrap(value)
        alias.twin = ref(self), ref(current), self.moves
        return alias

    def detach_(self) -> Tensor:
        """Give up the history; returns the tensor."""
        if self.taken is not None:
            raise InputError("detach_ of a view", hint="x.detach() is the same memory")
        if self.current().active:
            make_leaf(self, self.memory, False)
        return self

    def clone(self) -> Tensor:
        """The same numbers in memory of their own, with history."""
        if self.current().active and MODE.recording:
            return self * self.memory.dtype.type(1)
        return wrap(data_value(np.array(self.memory)))

    def copy(self) -> Tensor:
        """As `clone`."""
        return self.clone()

    def contiguous(self) -> Tensor:
        """The tensor itself, or a copy if its elements do not follow one another in memory."""
        return self if np.asarray(self.array_now()).flags.c_contiguous else self.clone()

    def cpu(self) -> Tensor:
        """The tensor itself: its memory is the processor's."""
        return self

    @public
    def type_as(self, other: Any) -> Tensor:
        """In the dtype of another tensor."""
        return self.to(other.dtype)

    @public
    def type(self, dtype: Any) -> Tensor:
        """In another dtype."""
        return self.to(dtype)

    @public
    def new_zeros(self, *size: Any, requires_grad: bool = False) -> Tensor:
        """Zeros of this dtype."""
        return _leaf(np.zeros(sizes_of(size), self.dtype), requires_grad)

    @public
    def new_ones(self, *size: Any, requires_grad: bool = False) -> Tensor:
        """Ones of this dtype."""
        return _leaf(np.ones(sizes_of(size), self.dtype), requires_grad)

    @public
    def new_full(self, size: Any, fill_value: Any, requires_grad: bool = False) -> Tensor:
        """One number in every place, of this dtype."""
        return _leaf(np.full(sizes_of((size,)), array_of(fill_value), self.dtype), requires_grad)

    @public
    def new_tensor(self, data: Any, requires_grad: bool = False) -> Tensor:
        """Data in this dtype."""
        return _leaf(array_of(data, self.dtype), requires_grad)

    def is_floating_point(self) -> bool:
        """Whether the dtype is one of real floating numbers."""
        return self.dtype.kind == "f"

    @public
    def to(self, dtype: Any) -> Tensor:
        """In another dtype, or in that of another tensor; ``"cpu"`` is where every tensor is."""
        if isinstance(dtype, str) and dtype == "cpu":
            return self
        if isinstance(dtype, str) and dtype.startswith("cuda"):
            raise InputError("there is no other device", got=dtype, hint="leave .to() out")
        if isinstance(dtype, Tensor):
            dtype = dtype.dtype
        return (
            self if self.dtype == as_dtype(dtype) else apply(BUILDERS["astype"], (self, dtype), {})
        )

    # Gradients ------------------------------------------------------------------------------

    @property
    def grad(self) -> Tensor | None:
        """Of a leaf: the sum of the gradients of all passes since it was last cleared."""
        return self._grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        if gradient is not None and not isinstance(gradient, Tensor):
            raise InputError("a gradient is a tensor or None", got=type(gradient).__name__)
        if (
            gradient is not None
            and gradient.held.kind != self.held.kind
            and gradient.shape != self.shape
        ):
            raise ShapeError(
                "a gradient has the shape of its tensor",
                expected=str(self.shape),
                got=str(gradient.shape),
            )
        self._grad = gradient

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        return self.held.active

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    @property
    def grad_fn(self) -> str | None:
        """Name of the recorded operation that made it; ``None`` for a leaf."""
        return self._made_by() or None

    @property
    def is_leaf(self) -> bool:
        """Whether it is not the result of a recorded operation."""
        return self.held.step is None

    @property
    def version(self) -> int:
        """How often its memory was overwritten."""
        return self.held.version

    @public
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
            self.twin = None
            make_leaf(self, self.memory, requires_grad)
            self.held.storage, self.held.version = value.storage, value.version
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor, which is no leaf, in ``.grad`` as well."""
        value = self.current()
        if value.step is not None:
            value.tensor = ref(self)
            value.extra = _extras(value)

    @public
    def register_hook(self, hook: Callable[[Tensor], Any]) -> Removal:
        """Call `hook` with the gradient of this tensor whenever one is computed.

        Returns
        -------
        Removal
            Called, or its method ``remove``, removes the hook. What the hook returns, if
            anything, takes the gradient's place.
        """
        value = self.current()
        if not value.active:
            raise DerivativeError("a hook on a tensor that does not require a gradient")
        if value.step is None:
            if self.hooks is None:
                self.hooks = {}
            hooks = self.hooks
        else:
            value.extra = hooks = _extras(value)
        name = max(hooks, default=-1) + 1
        hooks[name] = hook
        return Removal(hooks, name)

    @public
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
        self._grad = None

    # Looking ------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.array_now()), separator=", ", prefix="tensor(")
        if self.dtype not in (np.float64, np.int64, np.bool_):
            text += f", dtype={self.dtype.name}"
        if self.held.active:
            text += ", requires_grad=True" if self.is_leaf else f", made by {self._made_by()}"
        return f"tensor({text})"

    def _made_by(self) -> str:
        step = self.held.step
        return "" if step is None else step.op.name

    def __reduce__(self) -> tuple[Any, ...]:
        if self.held.step is not None:
            raise InputError(
                "a tensor with history cannot be pickled", hint="pickle x.detach() instead"
            )
        return (_leaf, (np.asarray(self.array_now()), self.held.active))

    def __deepcopy__(self, memo: Any) -> Tensor:
        if self.held.step is not None:
            raise InputError("a tensor with history cannot be copied", hint="x.detach().clone()")
        twin = type(self).__new__(type(self))
        make_leaf(twin, np.array(self.array_now()), self.held.active)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name not in _OWN:
                setattr(twin, name, deepcopy(value, memo))
        twin._grad = deepcopy(self._grad, memo)
        return twin


_OWN = frozenset(["_grad", "held", "hooks", "memory", "moves", "taken", "twin"])
"""What is not copied with a tensor as it is."""
Holder.made = Tensor


class Removal:
    """Takes a hook away again."""

    def __init__(self, hooks: dict[int, Any], name: int) -> None:
        self._hooks, self._name = hooks, name

    def remove(self) -> None:
        """Take it away, if it is still there."""
        self._hooks.pop(self._name, None)

    def __call__(self) -> None:
        self.remove()


def _leaf(data: Any, requires_grad: bool = False) -> Tensor:
    return make_leaf(Tensor.__new__(Tensor), data, requires_grad)


def _backward_is_missing(*args: Any) -> NoReturn:
    raise NotImplementedError("symgraph.tape is not loaded")


RUN_BACKWARD: Callable[..., None] = _backward_is_missing
"""The pass, which lies in a module above; entered when that is loaded."""


def array_of(data: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """A copy of what the user gave as an array of numbers.

    Raises
    ------
    DTypeError
        If it is not numeric.
    """
    if is_masked(data):
        raise masked_refusal()
    try:
        plain = _plain_tree(data)
        if dtype is not None:
            _check_numbers(plain)
        array = np.array(plain, dtype=None if dtype is None else as_dtype(dtype))
    except (ValueError, TypeError, OverflowError) as error:
        if isinstance(error, DTypeError):
            raise
        raise DTypeError("a tensor is an array of numbers", got=f"{error}") from None
    as_dtype(array.dtype)
    return array


def _check_numbers(plain: Any) -> None:
    """Refuse what NumPy would make a number of: None, and text that reads like one."""
    found = np.asarray(plain)
    if found.dtype.kind != "O" or not all(isinstance(x, int) for x in found.ravel().tolist()):
        as_dtype(found.dtype)  # Python's integers have no bounds


def _plain_tree(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain_tree(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, Node):
        raise DTypeError(
            "a tensor of a node: its value is not known",
            hint="np.stack([...]) builds an array of nodes; sg.function gives arrays",
        )
    return value.array_now() if isinstance(value, Tensor) else value


def _extras(value: Value) -> dict[int, Any]:
    return {} if value.extra is None else value.extra
