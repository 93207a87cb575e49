"""Gradients as functions of tensors: PyTorch's ``autograd.grad``, and TensorFlow's tape."""

from __future__ import annotations

from threading import local
from types import TracebackType
from typing import Any

import numpy as np

from symgraph.errors import (
    DerivativeError,
    DisconnectedError,
    InputError,
    ShapeError,
    UnsupportedError,
)
from symgraph.graph.refusal import public
from symgraph.graph.tree import flatten, unflatten
from symgraph.tape.backward import gradients
from symgraph.tape.holder import make_leaf, wrap
from symgraph.tape.jacobians import batch_of, jacobians, whole
from symgraph.tape.mode import no_grad
from symgraph.tape.tensor import Tensor, array_of
from symgraph.tape.values import Value

__all__ = ["GradientTape", "Variable", "grad"]


def _tensors(tree: Any, what: str) -> tuple[list[Tensor], Any]:
    leaves, form = flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise InputError(f"{what} must be tensors", got=f"{type(leaf).__name__}")
    return leaves, form


@public
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any:
    """Gradients of outputs by any tensors that they were computed from, as ``torch.autograd.grad``.

    Parameters
    ----------
    outputs : tree of Tensor
        Their gradients are summed.
    inputs : tree of Tensor
        Leaves, or results of recorded operations.
    grad_outputs : tree of array_like, optional
        What to start with, in the form of `outputs`; needed unless each has one element.
    retain_graph, create_graph : bool, optional
        As for `Tensor.backward`.
    allow_unused : bool, optional
        Give ``None`` for what the outputs do not depend on.

    Returns
    -------
    tree of Tensor
        In the form of `inputs`.

    Raises
    ------
    DisconnectedError
        If the outputs do not depend on an input.

    Examples
    --------
    >>> from symgraph import tape
    >>> x = tape.tensor(3.0, requires_grad=True)
    >>> slope = tape.grad(x**3, x, create_graph=True)
    >>> slope.item(), tape.grad(slope, x).item()
    (27.0, 18.0)
    """
    ys, form = _tensors(outputs, "outputs")
    xs, wrt_form = _tensors(inputs, "inputs")
    seeds = [None] * len(ys) if grad_outputs is None else _seeds(grad_outputs, form)
    wrt = [tensor.current() for tensor in xs]
    found = gradients(
        ys,
        seeds,
        wrt,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
    )
    missing = [i for i, value in enumerate(wrt) if value not in found]
    if missing and not allow_unused:
        raise DisconnectedError(
            f"the outputs do not depend on input {missing[0]}",
            got=repr(xs[missing[0]])[:60],
            hint="allow_unused=True gives None; an input must require a gradient, or be computed "
            "from what does",
        )
    return unflatten(wrt_form, [wrap(found[v]) if v in found else None for v in wrt])


def _seeds(tree: Any, form: Any) -> list[Any]:
    if form.kind is None:
        return [tree]
    leaves, own = flatten(tree)
    if own != form:
        raise InputError("grad_outputs has not the form of the outputs")
    return leaves


class Variable(Tensor):
    """A tensor that requires a gradient and is changed by assignment, as in TensorFlow.

    Examples
    --------
    >>> w = Variable([1.0, 2.0])
    >>> with GradientTape() as t:
    ...     loss = (w * w).sum()
    >>> _ = w.assign_sub(0.5 * t.gradient(loss, w))
    >>> w.numpy()
    array([0., 0.])
    """

    def __init__(self, initial_value: Any, trainable: bool = True, dtype: Any = None) -> None:
        data = array_of(initial_value, dtype)
        make_leaf(self, data, False)
        self.trainable = trainable
        if trainable and data.dtype.kind in "fc":
            self.requires_grad_()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Variable, (np.asarray(self.array_now()), self.trainable))

    @public
    def assign(self, value: Any) -> Variable:
        """Take other numbers, of this shape."""
        with no_grad():
            self.copy_(value)
        return self

    @public
    def assign_add(self, delta: Any) -> Variable:
        """Add to the numbers."""
        with no_grad():
            self += delta
        return self

    @public
    def assign_sub(self, delta: Any) -> Variable:
        """Subtract from the numbers."""
        with no_grad():
            self -= delta
        return self


class _Open(local):
    tapes: int = 0


_OPEN = _Open()
"""How many tapes record in this thread: within one, gradients are recorded as well."""


class GradientTape:
    """Records what is done to watched tensors inside a ``with`` block, as in TensorFlow.

    Parameters
    ----------
    persistent : bool, optional
        Whether gradients may be asked for more than once.
    watch_accessed_variables : bool, optional
        Whether variables are watched without being asked for; only true is supported.

    Examples
    --------
    >>> from symgraph import tape
    >>> x = tape.tensor(3.0)
    >>> with tape.GradientTape() as t:
    ...     t.watch(x)
    ...     y = x * x
    >>> t.gradient(y, x).item()
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        if not watch_accessed_variables:
            raise InputError(
                "watch_accessed_variables=False", hint="Variable(value, trainable=False)"
            )
        self._persistent = persistent
        self._watched: list[tuple[Tensor, Value]] = []
        self._sources: dict[int, tuple[Tensor, Value]] = {}
        self._used = False

    def __enter__(self) -> GradientTape:
        self._sources, self._used = {}, False
        _OPEN.tapes += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _OPEN.tapes -= 1
        self._unwatch()

    def _unwatch(self) -> None:
        for tensor, watched in self._watched:
            if tensor.current() is watched:
                # What comes after the block is not recorded.
                fresh = Value(watched.data, watched.kind)
                fresh.storage, fresh.version = watched.storage, watched.version
                tensor.held = fresh
        self._watched.clear()

    @public
    def watch(self, tensor: Any) -> None:
        """Record what is done to a tensor, or a tree of them."""
        for leaf in _tensors(tensor, "what is watched")[0]:
            if leaf.requires_grad:
                continue
            leaf.requires_grad_()
            value = leaf.current()
            self._watched.append((leaf, value))
            self._sources[id(leaf)] = leaf, value

    def stop_recording(self) -> no_grad:
        """A block that is not recorded."""
        return no_grad()

    def reset(self) -> None:
        """Raise: what was recorded belongs to the tensors, and a tape cannot forget it.

        Raises
        ------
        UnsupportedError
        """
        raise UnsupportedError(
            "GradientTape.reset", hint="open another tape, and record there what is wanted again"
        )

    def unwatch(self) -> None:
        """Record nothing more of what was watched."""
        self._unwatch()
        self._sources = {}

    @public
    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """Gradients of the sum of a target by sources.

        Parameters
        ----------
        target, sources : tree of Tensor
        output_gradients : tree of array_like, optional
            In the form of `target`; ones by default.
        unconnected_gradients : {"none", "zero"}
            What stands for sources that the target does not depend on.

        Returns
        -------
        tree of Tensor or None
            In the form of `sources`.

        Raises
        ------
        DerivativeError
            If this tape was used already and is not persistent.
        """
        self._once()
        ys, form = _tensors(target, "the target")
        if output_gradients is None:
            seeds: list[Any] = [np.ones(y.shape, y.dtype) for y in ys]
        else:
            seeds = _seeds(output_gradients, form)
        xs, wrt_form = _tensors(sources, "the sources")
        wrt = [self._source(x) for x in xs]
        pairs = [(y, seed) for y, seed in zip(ys, seeds, strict=True) if y.requires_grad]
        found = (
            gradients(
                [y for y, _ in pairs],
                [seed for _, seed in pairs],
                wrt,
                retain_graph=True,
                create_graph=_OPEN.tapes > 0,
            )
            if pairs
            else {}
        )
        return unflatten(
            wrt_form,
            [
                wrap(found[value]) if value in found else _missing(x, unconnected_gradients)
                for value, x in zip(wrt, xs, strict=True)
            ],
        )

    @public
    def jacobian(self, target: Any, sources: Any, unconnected_gradients: str = "none") -> Any:
        """Derivatives of every element of a target: shape ``target.shape + source.shape``.

        Parameters
        ----------
        target : Tensor
        sources : tree of Tensor
        unconnected_gradients : {"none", "zero"}

        Returns
        -------
        tree of Tensor or None
            In the form of `sources`.

        Examples
        --------
        >>> from symgraph import tape
        >>> x = tape.Variable([1.0, 2.0])
        >>> with tape.GradientTape() as t:
        ...     y = x * x * x
        >>> t.jacobian(y, x)
        tensor([[ 3.,  0.],
                [ 0., 12.]])
        """
        return self._rows(target, sources, whole, unconnected_gradients)

    @public
    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: str = "none") -> Any:
        """For each element of a batch its own Jacobian, where elements do not mix.

        Parameters
        ----------
        target, source : Tensor
            The batch is the leading axis of both.
        unconnected_gradients : {"none", "zero"}

        Returns
        -------
        Tensor or None
            Of shape ``(batch, *target.shape[1:], *source.shape[1:])``.

        Raises
        ------
        ShapeError
            If the batches have different sizes.

        Examples
        --------
        >>> from symgraph import tape
        >>> x = tape.Variable([[1.0, 2.0], [3.0, 4.0]])
        >>> with tape.GradientTape() as t:
        ...     y = (x * x).sum(axis=1, keepdims=True)
        >>> t.batch_jacobian(y, x).shape
        (2, 1, 2)
        """
        (y,), _ = _tensors(target, "the target")
        (x,), _ = _tensors(source, "the source")
        if not (y.ndim and x.ndim and y.shape[0] == x.shape[0]):
            raise ShapeError(
                "batch_jacobian: target and source are batches of one size",
                got=f"shapes {y.shape} and {x.shape}",
            )
        return self._rows(y, x, batch_of, unconnected_gradients)

    def _rows(self, target: Any, sources: Any, derivative: Any, unconnected: str) -> Any:
        self._once()
        ys, _ = _tensors(target, "the target")
        if len(ys) != 1:
            raise InputError("a Jacobian has one target", got=f"{len(ys)}")
        (y,) = ys
        xs, wrt_form = _tensors(sources, "the sources")
        wrt = [self._source(x) for x in xs]
        found = jacobians(y, wrt, derivative, record=_OPEN.tapes > 0)
        batch = derivative is batch_of
        return unflatten(
            wrt_form,
            [
                wrap(found[value])
                if value in found
                else _missing(x, unconnected, y.shape, x.shape[1:] if batch else x.shape)
                for value, x in zip(wrt, xs, strict=True)
            ],
        )

    def _source(self, tensor: Tensor) -> Value:
        """The value that a source had while this tape recorded."""
        known = self._sources.get(id(tensor))
        return tensor.current() if known is None else known[1]

    def _once(self) -> None:
        if self._used and not self._persistent:
            raise DerivativeError(
                "a second gradient of one tape", hint="tape.GradientTape(persistent=True)"
            )
        self._used = True


def _missing(
    x: Tensor, what: str, outer: tuple[int, ...] = (), inner: tuple[int, ...] | None = None
) -> Tensor | None:
    if what not in ("none", "zero"):
        raise InputError("unconnected_gradients", expected="'none' or 'zero'", got=repr(what))
    if what == "none":
        return None
    shape = outer + (x.shape if inner is None else inner)
    return make_leaf(Tensor.__new__(Tensor), np.zeros(shape, x.dtype), False)
