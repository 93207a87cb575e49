"""`symgraph.optim` for tensors, with PyTorch's classes.

A step is one compiled function that changes the parameters and their state in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np

from symgraph import optim
from symgraph.compile import Function, compile_graph
from symgraph.errors import InputError
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node, placeholder
from symgraph.graph.refusal import public
from symgraph.graph.tree import flatten
from symgraph.pipeline import Options
from symgraph.tape.mode import enable_grad, no_grad
from symgraph.tape.tensor import Tensor
from symgraph.tape.words import instead_of

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm_",
    "clip_grad_value_",
]


class Optimizer:
    """Changes tensors by their gradients; base of the classes of this module.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves that require a gradient.
    rule : callable
        From a learning rate to an `symgraph.optim.Optimizer`.
    lr : float
        May be changed at any time.

    Examples
    --------
    >>> from symgraph import tape
    >>> w = tape.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tape.optim.SGD([w], lr=0.25)
    >>> for _ in range(20):
    ...     optimizer.zero_grad()
    ...     ((w - 3.0) ** 2).sum().backward()
    ...     optimizer.step()
    >>> w.detach().round()
    tensor([3., 3.])
    """

    def __init__(
        self, params: Iterable[Tensor], rule: Callable[[Any], optim.Optimizer], lr: Any
    ) -> None:
        self.params = list(params)
        for tensor in self.params:
            if not isinstance(tensor, Tensor) or not (tensor.is_leaf and tensor.requires_grad):
                raise InputError(
                    "an optimizer takes leaves that require a gradient",
                    got=repr(tensor)[:60],
                    hint="groups of parameters are an optimizer each",
                )
        rule(lr.item() if isinstance(lr, Tensor) else lr)  # which refuses what cannot be meant
        self.param_groups: list[dict[str, Any]] = [{"params": self.params, "lr": lr}]
        self._rule = rule
        self._functions: dict[tuple[int, ...], tuple[Function, list[str]]] = {}
        self._state: dict[tuple[str, int], Any] = {}
        self._steps = 0

    @property
    def lr(self) -> Any:
        """The learning rate, a number or a schedule; also ``param_groups[0]["lr"]``."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, rate: Any) -> None:
        self.param_groups[0]["lr"] = rate

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or make them zero."""
        for tensor in self.params:
            if set_to_none or tensor.grad is None:
                tensor.grad = None
            else:
                tensor.grad.zero_()

    @public
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters that have a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients first, and gives the loss.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        present = tuple([i for i, tensor in enumerate(self.params) if tensor.grad is not None])
        if present:
            self._apply(present)
        self._steps += 1
        return loss

    @public
    def apply_gradients(self, pairs: Iterable[tuple[Any, Tensor]]) -> None:
        """Take gradients and tensors in pairs, as in TensorFlow, and make a step."""
        for gradient, tensor in pairs:
            tensor.grad = gradient
        self.step()

    def _apply(self, present: tuple[int, ...]) -> None:
        known = self._functions.get(present)
        if known is None:
            known = self._functions[present] = self._compiled(present)
        function, slots = known
        chosen = [self.params[i] for i in present]
        arrays = [tensor.writable() for tensor in chosen]
        gradients = [np.asarray(cast("Tensor", tensor.grad).array_now()) for tensor in chosen]
        state = [self._slot(slot, i) for slot in slots for i in present]
        rate = self.lr(self._steps) if callable(self.lr) else self.lr
        function(*arrays, *gradients, *state, float(self._steps), float(cast("Any", rate)))
        for tensor in chosen:
            tensor.written()

    def _slot(self, name: str, place: int) -> Any:
        known = self._state.get((name, place))
        if known is None:
            tensor = self.params[place]
            known = self._state[name, place] = np.zeros(tensor.shape, tensor.dtype)
        return known

    def _compiled(self, present: tuple[int, ...]) -> tuple[Function, list[str]]:
        """The step as one function of parameters, gradients, state, number and rate."""
        shapes = [(self.params[i].shape, self.params[i].dtype) for i in present]
        params = [placeholder(f"w{i}", *shapes[k]) for k, i in enumerate(present)]
        grads = [placeholder(f"d_w{i}", *shapes[k]) for k, i in enumerate(present)]
        rate, count = placeholder("learning_rate"), placeholder("count")
        rule = self._rule(rate)
        state = rule.init(params)
        if "count" in state:
            state["count"] = count
        updates = rule.updates(params, grads, state)
        updates.pop(count, None)  # counted here
        kept: list[Node] = [node for slot in rule.slots for node in flatten(state[slot])[0]]
        inputs = [*params, *grads, *kept, count, rate]
        function = compile_graph(
            Graph(inputs, []), name=f"{rule.name}_step", options=Options(), updates=updates
        )
        return function, list(rule.slots)

    @property
    def source(self) -> str:
        """The text of the step, once there was one."""
        return "\n".join([function.source for function, _ in self._functions.values()])


class SGD(Optimizer):
    """As `symgraph.optim.sgd`."""

    @public
    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Any = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        def rule(rate: Any) -> optim.Optimizer:
            return optim.sgd(rate, momentum, nesterov=nesterov, weight_decay=weight_decay)

        super().__init__(params, rule, lr)


class Adam(Optimizer):
    """As `symgraph.optim.adam`."""

    @public
    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        def rule(rate: Any) -> optim.Optimizer:
            return optim.adam(rate, betas, eps, weight_decay=weight_decay)

        super().__init__(params, rule, lr)


class AdamW(Optimizer):
    """As `symgraph.optim.adamw`."""

    @public
    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        def rule(rate: Any) -> optim.Optimizer:
            return optim.adamw(rate, betas, eps, weight_decay=weight_decay)

        super().__init__(params, rule, lr)


class RMSprop(Optimizer):
    """As `symgraph.optim.rmsprop`."""

    @public
    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        def rule(rate: Any) -> optim.Optimizer:
            return optim.rmsprop(rate, alpha, eps, momentum=momentum, weight_decay=weight_decay)

        super().__init__(params, rule, lr)


class Adagrad(Optimizer):
    """As `symgraph.optim.adagrad`."""

    @public
    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Any = 1e-2,
        weight_decay: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        def rule(rate: Any) -> optim.Optimizer:
            return optim.adagrad(rate, eps, weight_decay=weight_decay)

        super().__init__(params, rule, lr)


class LBFGS(Optimizer):
    """SciPy's L-BFGS-B on all parameters: each step minimises anew from where they are.

    Parameters
    ----------
    params : iterable of Tensor
    max_iter : int
        Steps of the method in one `step`.
    history_size : int
    tolerance_grad : float
    """

    @public
    def __init__(
        self,
        params: Iterable[Tensor],
        max_iter: int = 20,
        history_size: int = 10,
        tolerance_grad: float = 1e-7,
    ) -> None:
        super().__init__(params, optim.sgd, 1.0)
        self._options: dict[str, Any] = {
            "max_steps": max_iter,
            "history": history_size,
            "tolerance": tolerance_grad,
        }

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise what the closure computes; gives the last loss."""
        if closure is None:
            raise InputError("LBFGS.step needs a closure that computes the loss")

        def evaluate(values: list[Any]) -> tuple[Any, list[Any]]:
            self._put(values)
            self.zero_grad()
            with enable_grad():
                loss = closure()
            slopes = [
                np.zeros(t.shape) if t.grad is None else np.asarray(t.grad.array_now())
                for t in self.params
            ]
            return loss.item(), slopes

        start = [np.array(tensor.detach().numpy()) for tensor in self.params]
        best, value = optim.lbfgs(evaluate, start, **self._options)
        self._put(best)
        return value

    def _put(self, values: list[Any]) -> None:
        with no_grad():
            for tensor, value in zip(self.params, values, strict=True):
                tensor.copy_(value)


@public
def clip_grad_norm_(params: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scale the gradients down together if their norm is larger than `max_norm`.

    Returns
    -------
    Tensor
        The norm as it was.
    """
    chosen = [tensor for tensor in params if tensor.grad is not None]
    gradients = [cast("Tensor", tensor.grad) for tensor in chosen]
    with no_grad():
        norm = optim.global_norm(gradients)
        for tensor, clipped in zip(chosen, optim.clip_by_norm(gradients, max_norm), strict=True):
            tensor.grad = clipped
    return norm


@public
def clip_grad_value_(params: Iterable[Tensor], clip_value: float) -> None:
    """Bring every element of the gradients between two bounds."""
    with no_grad():
        for tensor in params:
            if tensor.grad is not None:
                tensor.grad = optim.clip_by_value(tensor.grad, clip_value)


def __getattr__(name: str) -> Any:
    hint = "; a schedule is a rate: SGD(params, lr=symgraph.optim.stepwise(0.1, 0.5, 10))"
    raise AttributeError(
        f"tape.optim has no {name!r}{hint if name == 'lr_scheduler' else instead_of(name)}"
    )
