"""Changes in place: functional updates where they are recorded, writes where they are not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from symgraph.errors import DerivativeError, DTypeError, ShapeError, SymgraphError
from symgraph.graph.refusal import public
from symgraph.graph.registry import BUILDERS
from symgraph.ops.at import Change, at
from symgraph.tape.holder import Holder, View, wrap
from symgraph.tape.mode import MODE
from symgraph.tape.operators import Operators
from symgraph.tape.perform import perform
from symgraph.tape.quick import apply
from symgraph.tape.values import data_value, user_line

__all__ = ["Changes", "plain"]

_GETITEM = inspect.unwrap(BUILDERS["getitem"])


class Changes(Operators):
    """Item assignment and augmented operators."""

    def __getitem__(self, key: Any) -> Any:
        return BUILDERS["getitem"](self, _without_masks(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        key = _without_masks(key)
        if isinstance(value, Holder) and self._holds(value, key):
            return  # x[key] += v has changed x through the view already
        if self._records(value):
            self.change(apply(_set_item, (self, value, key), {}))
        else:
            self._check_change()
            memory = self.writable()
            try:
                memory[_indices(key)] = plain(value)
            except (TypeError, ValueError) as error:
                raise _refused(error, memory, key, value) from None
            self.written()

    def _holds(self, value: Any, key: Any) -> bool:
        """Whether a tensor is the up-to-date view of this one at `key`."""
        view = value.taken
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
        tensors = [other for other in (self, *others) if isinstance(other, Holder)]
        return any(tensor.current().active for tensor in tensors)

    def _check_change(self) -> None:
        """Raise if this is a leaf whose gradient is wanted, or a view of one, while recording.

        Its gradient would be by a value that is gone.
        """
        holder: Holder | None = self
        while holder is not None and MODE.recording:
            if holder.held.active and holder.held.step is None:
                raise DerivativeError(
                    "a leaf that requires a gradient is changed in place",
                    got="a view of the leaf" if holder is not self else "the leaf itself",
                    hint="with tape.no_grad(): x += ...; or y = x + ...; or change x.clone()",
                )
            holder = None if holder.taken is None else holder.taken.base

    def change(self, result: Any) -> Any:
        """Give this tensor the value that an operation on it had; the dtype stays."""
        self.current()  # a view must be up to date to reach what it is a view of
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
        if result.held.active or (self.held.active and MODE.recording):
            if self.twin is not None and self.twin[0]() is not None:
                np.copyto(self.writable(), plain(result), casting="same_kind")
                self.written()  # what this was detached from sees the numbers
            self._assign(result.to(self.dtype))
        else:
            np.copyto(self.writable(), plain(result), casting="same_kind")
            self.written()
        return self

    def writable(self) -> Any:
        """The memory, an array also where there are no dimensions."""
        data: Any = self.array_now()
        base = None if self.taken is None else cast("Changes", self.taken.base)
        if type(data) is np.ndarray and data.flags.writeable and self._is_part(data, base):
            return data
        self.move(np.array(data) if self.taken is None else self._part(self.taken))
        return self.memory

    def _is_part(self, data: Any, base: Changes | None) -> bool:
        """Whether an array is in the memory of what this is a view of.

        A recorded change gave both new memory, each its own.
        """
        return base is None or not data.size or np.may_share_memory(data, base.writable())

    def _part(self, view: View) -> Any:
        """The memory that this tensor shares with another, where NumPy gives numbers for it."""
        base = cast("Changes", view.base)
        array = base.writable()
        if view.function is _GETITEM:
            key = _indices(view.args[1])
            items = cast("tuple[Any, ...]", key if isinstance(key, tuple) else (key,))
            rest = () if any(item is Ellipsis for item in items) else (...,)
            part = array[(*items, *rest)]
        elif self.ndim == 0:
            part = array.reshape(-1)[_positions(base, view).item() :][:1].reshape(())
        else:
            part = self.memory.view()
            part.flags.writeable = np.unique(_positions(base, view)).size == part.size
        if not part.flags.writeable or not np.may_share_memory(part, array):
            raise _shared_elements(view)
        return part

    def written(self) -> None:
        """Note that the memory was overwritten."""
        self.held.shared().written(user_line())
        holder: Holder | None = self
        holders: list[Holder] = []
        while holder is not None:
            holder.held = holder.held.after_write(holder.memory)
            holders.append(holder)
            holder = None if holder.taken is None else holder.taken.base
        for holder in holders:
            if holder.taken is not None:
                holder.taken.seen = holder.taken.base.held

    def _assign(self, result: Any) -> None:
        """Take another tensor's value, and change what this one is a view of."""
        self.twin = None
        view = self.taken
        if view is not None and view.base.current() is view.seen:
            base = cast("Changes", view.base)
            if view.function is _GETITEM:
                changed = apply(_set_item, (base, result, view.args[1]), {})
            else:
                changed = _with_part(base, view, result)
            base._assign(changed)
            view.seen = base.current()
        self.put(result.current())

    def _operated(self, name: str, other: Any) -> Any:
        return self.change(BUILDERS[name](self, other))

    def __iadd__(self, other: Any) -> Any:
        return self._operated("add", other)

    def __isub__(self, other: Any) -> Any:
        return self._operated("subtract", other)

    def __imul__(self, other: Any) -> Any:
        return self._operated("multiply", other)

    def __itruediv__(self, other: Any) -> Any:
        return self._operated("divide", other)

    def __ipow__(self, other: Any) -> Any:
        return self._operated("power", other)

    def __imatmul__(self, other: Any) -> Any:
        return self._operated("matmul", other)

    @public
    def copy_(self, other: Any) -> Any:
        """Take the numbers of another tensor or array."""
        wanted = BUILDERS["broadcast_to"](_tensor(other), self.shape)
        # What has the shape already is the other's own memory, which must not become this one's.
        return self.change(wanted.clone())

    @public
    def fill_(self, value: Any) -> Any:
        """Make all elements one number."""
        return self.copy_(np.asarray(value, self.dtype))

    def zero_(self) -> Any:
        """Make all elements zero."""
        return self.fill_(0)

    @property
    def at(self) -> _At:
        """``x.at[index].set(v)``, ``add``, ``multiply``, ``min``, ``max``: x with a change."""
        return _At(self, None)


def _tensor(value: Any) -> Any:
    return value if isinstance(value, Holder) else wrap(data_value(value))


def plain(value: Any) -> Any:
    """An array or number, also of a tensor."""
    return value.array_now() if isinstance(value, Holder) else value


def _without_masks(key: Any) -> Any:
    """An index with masks as the positions where they are true: shapes must be known."""
    if isinstance(key, tuple):
        items = cast("tuple[Any, ...]", key)
        parts: list[Any] = []
        for item in items:
            found = _without_masks(item)
            parts += found if isinstance(found, tuple) else [found]
        same = all(a is b for a, b in zip(parts, items, strict=False))
        return items if same else tuple(parts)
    array: Any = key.array_now() if isinstance(key, Operators) else key
    mask = type(array) is np.ndarray and array.ndim and array.dtype.kind == "b"
    return np.nonzero(array) if mask else key


def _indices(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple([plain(item) for item in cast("tuple[Any, ...]", key)])
    return plain(key)


def _set_item(x: Any, value: Any, key: Any) -> Any:
    return at(x)[key].set(value)


def _with_part(base: Operators, view: View, part: Any) -> Any:
    """`base` with the elements that `view` shows changed."""
    places = _positions(base, view).ravel()
    if np.unique(places).size < places.size:
        raise _shared_elements(view)
    flat = BUILDERS["reshape"](base, -1)
    changed = apply(_set_item, (flat, BUILDERS["reshape"](part, -1), places), {})
    return BUILDERS["reshape"](changed, base.shape)


def _shared_elements(view: View) -> DerivativeError:
    return DerivativeError(
        "a change in place of a tensor whose elements share memory",
        got=f"the result of {view.function.__name__}",
        hint="change x.clone()",
    )


def _positions(base: Operators, view: View) -> Any:
    """Which elements of another tensor a view shows."""
    positions = wrap(data_value(np.arange(base.numel()).reshape(base.shape)))
    args = [positions if arg is base else arg for arg in view.args]
    _, _, results = perform(view.function, args, view.keywords)
    return np.asarray(results[view.place].data)


def _refused(error: Exception, memory: Any, key: Any, value: Any) -> SymgraphError:
    """NumPy's error at an assignment, in our words."""
    try:
        given: Any = np.asarray(plain(value))
        wanted = np.shape(memory[_indices(key)])
    except (TypeError, ValueError):
        given = wanted = None
    if given is None or given.dtype.kind not in "biufc":
        return DTypeError("what is assigned is not numeric", got=repr(value)[:60])
    if given.dtype.kind == "c" and memory.dtype.kind != "c":
        return DTypeError(str(error), expected=str(memory.dtype), got=str(given.dtype))
    return ShapeError(
        "what is assigned has another shape", expected=str(wanted), got=str(given.shape)
    )


class _At:
    """``x.at`` of a tensor."""

    def __init__(self, tensor: Operators, key: Any) -> None:
        self._tensor, self._key = tensor, key

    def __getitem__(self, key: Any) -> _At:
        return _At(self._tensor, _without_masks(key))

    def __getattr__(self, name: str) -> Any:
        change = _CHANGES.get(name)
        if change is None:
            raise AttributeError(name)

        def changed(*values: Any) -> Any:
            return apply(change, (self._tensor, self._key, *values), {})

        return changed


def _changing(name: str) -> Callable[..., Any]:
    def change(x: Any, key: Any, *values: Any) -> Any:
        return getattr(at(x)[key], name)(*values)

    return change


_CHANGES = {name: _changing(name) for name in vars(Change) if not name.startswith("_")}
