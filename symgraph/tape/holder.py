"""What holds a value: the part of a tensor that the other parts build on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast
from weakref import ref

import numpy as np

from symgraph.graph.types import TensorType
from symgraph.tape.mode import MODE, set_grad_enabled
from symgraph.tape.perform import Handle, perform
from symgraph.tape.values import KINDS, LEAF, Value, data_value, kind_of

__all__ = ["Holder", "View", "make_leaf", "wrap"]


class View:
    """How a tensor was taken out of another one, so that a change of one reaches the other."""

    __slots__ = ("args", "base", "function", "keywords", "place", "recorded", "seen")

    def __init__(
        self,
        base: Holder,
        seen: Value,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        place: int,
    ) -> None:
        self.base, self.seen = base, seen
        self.function, self.args, self.keywords = function, args, keywords
        self.place = place
        self.recorded = MODE.recording


class Holder(Handle):
    """Holds a value, its memory, and what it is a view of.

    Attributes
    ----------
    held : Value
    memory : array or scalar
        The value's data, also when the value has given it up.
    taken : View or None
    """

    made: ClassVar[type[Holder]]
    """The class of results."""

    held: Value
    memory: Any
    taken: View | None = None
    twin: tuple[ref[Holder], ref[Value], int] | None = None
    """What this has the memory of without history, its value when that was looked at, and how
    often it had moved; none of it is kept alive by this."""
    moves: int = 0
    """How often the tensor was given other memory by assignment to ``.data``."""

    def current(self) -> Value:
        """The value as it is now: that of a view follows what it is a view of."""
        view = self.taken
        if view is not None and view.base.current() is not view.seen:
            view.seen = view.base.current()
            if self.held.mark != LEAF:
                with set_grad_enabled(view.recorded):  # as when the view was taken
                    _, _, results = perform(view.function, view.args, view.keywords)
                self.put(results[view.place])
                self.share(view.seen)
        if self.twin is not None:
            self._follow(*self.twin)
        value = self.held
        if value.overwritten:
            # By what has the same memory; what is computed from now on sees what is there now.
            value = self.held = value.after_write(self.memory)
        if value.spent:
            value.data = self.memory  # backward has passed, and freed what only it needed
        return value

    def _follow(self, whose: ref[Holder], seen: ref[Value], moves: int) -> None:
        """Look at the memory that another tensor has now: a recorded change gave it a new one."""
        other = whose()
        now = None if other is None or other.moves != moves else other.current()
        if other is None or now is None:
            self.twin = None
        elif now is not seen():
            self.twin = whose, ref(now), moves
            if other.memory is not self.memory:
                self.put(Value(other.memory, now.kind))
                self.share(now)

    def now(self) -> Value:
        """As `current`, in a hurry."""
        value = self.held
        plain = self.taken is None and value.storage is None and not value.spent
        return value if plain else self.current()

    def share(self, other: Value) -> None:
        """Stand on the memory of another value: a change of one is a change of both."""
        self.held.storage = other.shared()
        self.held.version = self.held.storage.version

    def put(self, value: Value) -> None:
        """Hold another value."""
        self.held = value
        self.memory = value.data

    def move(self, array: Any) -> None:
        """Stand on other memory."""
        before, fresh = self.held, data_value(array)
        fresh.step, fresh.inputs, fresh.active = before.step, before.inputs, before.active
        fresh.mark, fresh.tensor = before.mark, before.tensor
        self.put(fresh)

    def array_now(self) -> Any:
        """The data as it is now."""
        self.current()
        return self.memory

    @property
    def tensor_type(self) -> TensorType:
        """dtype and shape."""
        type_ = KINDS[self.held.kind]
        assert isinstance(type_, TensorType)
        return type_

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""
        return cast("tuple[int, ...]", self.tensor_type.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """dtype of the elements."""
        return self.tensor_type.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.tensor_type.shape)


def wrap(value: Value) -> Any:
    """A tensor that holds a value."""
    tensor = object.__new__(Holder.made)
    tensor.held = value
    tensor.memory = value.data
    return tensor


def make_leaf(tensor: Any, data: Any, requires_grad: bool) -> Any:
    """Let a tensor hold an array, as a leaf."""
    value = Value(data, kind_of(data), active=requires_grad)
    if requires_grad:
        value.mark = LEAF
        value.tensor = ref(tensor)
    tensor.held = value
    tensor.memory = data
    return tensor
