"""Optimisers, schedules and clipping, on trees of arrays and on nodes alike.

An optimiser is its rule for one parameter. On arrays it computes; on nodes it builds the graph of
a whole training step, which ``sg.function(..., updates=...)`` makes one function of that changes
parameters and state in place. `symgraph.tape.optim` has the same rules for tensors.

Examples
--------
>>> import numpy as np
>>> import symgraph as sg
>>> w, target = sg.placeholder("w", 2), sg.placeholder("target", 2)
>>> loss = np.sum((w - target) ** 2)
>>> rule = sg.optim.sgd(0.25)
>>> updates = rule.updates([w], [sg.grad(loss, w)], rule.init([w]))
>>> step = sg.function([w, target], loss, updates=updates)
>>> weights = np.zeros(2)
>>> step(weights, np.ones(2)), weights
(np.float64(2.0), array([0.5, 0.5]))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias, cast

import numpy as np

from symgraph.errors import InputError, UnsupportedError
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, placeholder
from symgraph.graph.record import record
from symgraph.graph.refusal import public
from symgraph.graph.side import NAMES
from symgraph.graph.tree import Tree, flatten, leaf_paths, unflatten

__all__ = [
    "Optimizer",
    "adagrad",
    "adam",
    "adamw",
    "clip_by_norm",
    "clip_by_value",
    "constant",
    "cosine",
    "exponential",
    "global_norm",
    "lbfgs",
    "rmsprop",
    "sgd",
    "stepwise",
    "warmup",
]

Schedule: TypeAlias = "Callable[[Any], Any]"
"""From the number of steps made so far to the learning rate."""
Rule: TypeAlias = "Callable[[Any, Any, dict[str, Any], Any, Any], tuple[Any, dict[str, Any]]]"
"""From parameter, gradient, its state, the number of this step and the rate to the new ones."""


@record
class Optimizer:
    """A rule that turns parameters and gradients into new parameters.

    Attributes
    ----------
    name : str
    rate : float, node or callable
        The learning rate, or a schedule of it.
    rule : callable
        For one parameter.
    slots : tuple of str
        What it remembers of each parameter.
    counts : bool
        Whether it needs to know how many steps were made.
    """

    name: str
    rate: Any
    rule: Rule
    slots: tuple[str, ...] = ()
    counts: bool = False

    @property
    def counting(self) -> bool:
        """Whether the state holds the number of steps."""
        return self.counts or callable(self.rate)

    @public
    def init(self, params: Any) -> dict[str, Any]:
        """The state before the first step.

        Parameters
        ----------
        params : tree of array or Node

        Returns
        -------
        dict
            For arrays zeros; for nodes placeholders, called after the parameters: arguments of
            the function to be compiled, which takes zeros at first (`zeros`).
        """
        leaves, form = flatten(params)
        names = _names(leaves, form)
        state: dict[str, Any] = {
            slot: unflatten(
                form,
                [_slot(p, f"{name}_{slot}") for p, name in zip(leaves, names, strict=True)],
            )
            for slot in self.slots
        }
        if self.counting:
            symbolic = any(isinstance(leaf, Node) for leaf in leaves)
            state["count"] = placeholder("count") if symbolic else np.zeros(())
        return state

    @public
    def update(self, params: Any, grads: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The parameters and the state after one step.

        Parameters
        ----------
        params, grads : tree
            Of one form.
        state : dict
            From `init`, or from the step before.

        Raises
        ------
        InputError
            If the forms or shapes differ, or the state is not this rule's.
        """
        leaves, form = flatten(params)
        slopes, other = flatten(grads)
        if other != form:
            raise InputError(f"{self.name}: the gradients have not the form of the parameters")
        for p, g in zip(leaves, slopes, strict=True):
            if np.shape(g) != np.shape(p):
                raise InputError(
                    f"{self.name}: a gradient has another shape than its parameter",
                    expected=str(np.shape(p)),
                    got=str(np.shape(g)),
                )
        wanted = {*self.slots, *(["count"] if self.counting else [])}
        if set(state) != wanted:
            raise InputError(
                f"{self.name}: this is not its state",
                expected=", ".join(sorted(wanted)) or "nothing",
                got=", ".join(sorted(state)) or "nothing",
                hint="state = rule.init(params)",
            )
        count = state["count"] + 1.0 if self.counting else None
        rate = self.rate(state["count"]) if callable(self.rate) else self.rate
        kept = {slot: flatten(state[slot])[0] for slot in self.slots}
        fresh: list[Any] = []
        after: dict[str, list[Any]] = {slot: [] for slot in self.slots}
        for i, (p, g) in enumerate(zip(leaves, slopes, strict=True)):
            own = {slot: kept[slot][i] for slot in self.slots}
            new, own = self.rule(
                p, g, own, None if count is None else _like(count, p), _like(rate, p)
            )
            fresh.append(new)
            for slot in self.slots:
                after[slot].append(own[slot])
        new_state: dict[str, Any] = {slot: unflatten(form, after[slot]) for slot in self.slots}
        if self.counting:
            new_state["count"] = count
        return unflatten(form, fresh), new_state

    def updates(self, params: Any, grads: Any, state: dict[str, Any]) -> dict[Node, Node]:
        """What ``sg.function(..., updates=...)`` takes: parameters and state to their new values.

        Parameters
        ----------
        params, grads : tree of Node
        state : dict
            From `init`.
        """
        after = self.update(params, grads, state)
        return dict(zip(flatten([params, state])[0], flatten(list(after))[0], strict=True))

    def __repr__(self) -> str:
        rate = "schedule" if callable(self.rate) else self.rate
        return f"<{self.name}, rate {rate}>"


def _names(leaves: Sequence[Any], form: Tree) -> list[str]:
    names: list[str] = []
    for leaf, path in zip(leaves, leaf_paths(form), strict=True):
        own = ""
        if isinstance(leaf, Node):
            is_input = isinstance(leaf.op, Placeholder)
            own = leaf.op.label if is_input else NAMES.get(leaf) or ""
        names.append(own or path or "w")
    return names


def _slot(param: Any, name: str) -> Any:
    if isinstance(param, Node):
        return placeholder(name, param.shape, param.dtype)
    return np.zeros(np.shape(param), np.asarray(param).dtype)


def _like(number: Any, param: Any) -> Any:
    """A number in the dtype of a parameter; Python's own adapt by themselves."""
    if isinstance(number, int | float) and not isinstance(number, np.generic):
        return number
    return number.astype(param.dtype)


# The rules -------------------------------------------------------------------------------------


def _check(name: str, learning_rate: Any, **numbers: Any) -> None:
    """Refuse a rate or another number that no rule can mean; those of `_PARTS` are below 1."""
    if not callable(learning_rate):
        _check_number(name, "learning_rate", learning_rate)
    for label, value in numbers.items():
        _check_number(name, label, value)


def _check_number(name: str, label: str, value: Any) -> None:
    if isinstance(value, Node):
        return
    most = 1.0 if label in _PARTS else np.inf
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "iuf" or not 0 <= array < most:
        raise InputError(
            f"{name}: {label}",
            expected="a number from 0 to below 1" if most == 1 else "a number that is not negative",
            got=repr(value),
        )


_PARTS = ("betas[0]", "betas[1]")


def _check_moments(name: str, learning_rate: Any, betas: Any, eps: Any, weight_decay: Any) -> None:
    got = repr(betas)
    pair = cast("Sequence[Any]", betas) if isinstance(betas, tuple | list) else ()
    if len(pair) != 2:
        raise InputError(f"{name}: betas", expected="a pair of numbers", got=got)
    parts = {f"betas[{i}]": value for i, value in enumerate(pair)}
    _check(name, learning_rate, **parts, eps=eps, weight_decay=weight_decay)


@public
def sgd(
    learning_rate: Any, momentum: float = 0.0, *, nesterov: bool = False, weight_decay: float = 0.0
) -> Optimizer:
    """Gradient descent, with momentum: ``m = momentum * m + g``, ``w = w - rate * m``.

    Parameters
    ----------
    learning_rate : float, node or schedule
    momentum : float
    nesterov : bool
        Take the gradient where the momentum leads: the step is ``g + momentum * m``. Nesterov
        1983, in the form of Sutskever et al. 2013 that deep learning uses.
    weight_decay : float
        Added to the gradient, times the parameter.

    Raises
    ------
    InputError
        If `nesterov` is asked for without momentum, or a number is negative.
    """
    _check("sgd", learning_rate, momentum=momentum, weight_decay=weight_decay)
    if nesterov and not momentum:
        raise InputError("sgd: nesterov=True needs a momentum")

    def rule(p: Any, g: Any, own: dict[str, Any], count: Any, rate: Any) -> Any:
        g = g + weight_decay * p if weight_decay else g
        if not momentum:
            return p - rate * g, own
        m = momentum * own["momentum"] + g
        return p - rate * (g + momentum * m if nesterov else m), {"momentum": m}

    return Optimizer("sgd", learning_rate, rule, ("momentum",) if momentum else ())


def _moments(
    g: Any, own: dict[str, Any], count: Any, betas: tuple[float, float], eps: float
) -> tuple[Any, dict[str, Any]]:
    """Adam's direction: the mean of gradients by the root of the mean of their squares."""
    first, second = betas
    m = first * own["m"] + (1 - first) * g
    v = second * own["v"] + (1 - second) * g**2
    root = np.sqrt(v / (1 - second**count)) + eps
    return m / (1 - first**count) / root, {"m": m, "v": v}


@public
def adam(
    learning_rate: Any = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.

    Parameters
    ----------
    learning_rate : float, node or schedule
    betas : pair of float
        How much of the means of gradients and of their squares is kept.
    eps : float
    weight_decay : float
        Added to the gradient, times the parameter.

    Raises
    ------
    InputError
        If a number is negative, or one of `betas` not below 1.
    """
    _check_moments("adam", learning_rate, betas, eps, weight_decay)

    def rule(p: Any, g: Any, own: dict[str, Any], count: Any, rate: Any) -> Any:
        g = g + weight_decay * p if weight_decay else g
        direction, own = _moments(g, own, count, betas, eps)
        return p - rate * direction, own

    return Optimizer("adam", learning_rate, rule, ("m", "v"), counts=True)


@public
def adamw(
    learning_rate: Any = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    *,
    weight_decay: float = 1e-2,
) -> Optimizer:
    """Adam with the decay of weights apart from the gradient: Loshchilov and Hutter 2019.

    Parameters
    ----------
    learning_rate : float, node or schedule
    betas : pair of float
    eps : float
    weight_decay : float
        Each step shrinks the parameters by ``learning_rate * weight_decay`` as well.

    Raises
    ------
    InputError
        If a number is negative, or one of `betas` not below 1.
    """
    _check_moments("adamw", learning_rate, betas, eps, weight_decay)

    def rule(p: Any, g: Any, own: dict[str, Any], count: Any, rate: Any) -> Any:
        direction, own = _moments(g, own, count, betas, eps)
        return p - rate * (direction + weight_decay * p), own

    return Optimizer("adamw", learning_rate, rule, ("m", "v"), counts=True)


@public
def rmsprop(
    learning_rate: Any = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    *,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Gradients by the root of the mean of their squares: Tieleman and Hinton 2012.

    Parameters
    ----------
    learning_rate : float, node or schedule
    alpha : float
        How much of the mean is kept.
    eps : float
    momentum, weight_decay : float
        As for `sgd`.

    Raises
    ------
    InputError
        If a number is negative.
    """
    _check(
        "rmsprop", learning_rate, alpha=alpha, eps=eps, momentum=momentum, weight_decay=weight_decay
    )

    def rule(p: Any, g: Any, own: dict[str, Any], count: Any, rate: Any) -> Any:
        g = g + weight_decay * p if weight_decay else g
        v = alpha * own["v"] + (1 - alpha) * g**2
        direction = g / (np.sqrt(v) + eps)
        if not momentum:
            return p - rate * direction, {"v": v}
        m = momentum * own["momentum"] + direction
        return p - rate * m, {"v": v, "momentum": m}

    return Optimizer("rmsprop", learning_rate, rule, ("v", "momentum") if momentum else ("v",))


@public
def adagrad(
    learning_rate: Any = 1e-2, eps: float = 1e-10, *, weight_decay: float = 0.0
) -> Optimizer:
    """Gradients by the root of the sum of their squares: Duchi et al. 2011.

    Parameters
    ----------
    learning_rate : float, node or schedule
    eps, weight_decay : float

    Raises
    ------
    InputError
        If a number is negative.
    """
    _check("adagrad", learning_rate, eps=eps, weight_decay=weight_decay)

    def rule(p: Any, g: Any, own: dict[str, Any], count: Any, rate: Any) -> Any:
        g = g + weight_decay * p if weight_decay else g
        total = own["total"] + g**2
        return p - rate * g / (np.sqrt(total) + eps), {"total": total}

    return Optimizer("adagrad", learning_rate, rule, ("total",))


@public
def lbfgs(
    function: Callable[[Any], tuple[Any, Any]],
    params: Any,
    *,
    max_steps: int = 100,
    tolerance: float = 1e-8,
    history: int = 10,
) -> tuple[Any, float]:
    """Minimise a smooth function of all parameters at once, by SciPy's L-BFGS-B.

    Parameters
    ----------
    function : callable
        From the tree of parameters to the value and its gradients, in the same form.
    params : tree of array
        Where to start.
    max_steps : int
    tolerance : float
        Of the largest element of the gradient.
    history : int
        How many steps the approximation of the Hessian remembers.

    Returns
    -------
    params : tree of array
    value : float

    Raises
    ------
    UnsupportedError
        If SciPy is not installed.

    Examples
    --------
    >>> best, value = lbfgs(lambda w: (((w - 3.0) ** 2).sum(), 2 * (w - 3.0)), np.zeros(2))
    >>> best.round(6), round(value, 6)
    (array([3., 3.]), 0.0)
    """
    try:
        optimize: Any = import_module("scipy.optimize")
    except ImportError:
        raise UnsupportedError("lbfgs needs SciPy", hint="pip install scipy") from None
    leaves, form = flatten(params)
    arrays = [np.asarray(leaf) for leaf in leaves]
    ends = np.cumsum([array.size for array in arrays])[:-1]

    def tree(vector: Any) -> Any:
        parts = [
            part.reshape(array.shape).astype(array.dtype)
            for part, array in zip(np.split(vector, ends), arrays, strict=True)
        ]
        return unflatten(form, parts)

    def value_and_slope(vector: Any) -> tuple[float, Any]:
        value, slopes = function(tree(vector))
        flat = [np.ravel(slope) for slope in flatten(slopes)[0]]
        return float(value), np.concatenate(flat).astype(np.float64)

    start = np.concatenate([array.ravel() for array in arrays]).astype(np.float64)
    options = {"maxiter": max_steps, "gtol": tolerance, "ftol": 0.0, "maxcor": history}
    found = optimize.minimize(value_and_slope, start, jac=True, method="L-BFGS-B", options=options)
    return tree(found.x), float(found.fun)


# Clipping --------------------------------------------------------------------------------------


@public
def global_norm(tree: Any) -> Any:
    """The Euclidean norm of all leaves of a tree together."""
    leaves = flatten(tree)[0]
    total: Any = np.sum(leaves[0] ** 2)
    for leaf in leaves[1:]:
        total = total + np.sum(leaf**2)
    return np.sqrt(total)


@public
def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """Gradients, scaled down together if their norm is larger than `max_norm`.

    Parameters
    ----------
    grads : tree of array or Node
    max_norm : float

    Examples
    --------
    >>> clip_by_norm([np.array([3.0, 4.0])], 1.0)
    [array([0.6, 0.8])]
    """
    leaves, form = flatten(grads)
    factor = max_norm / np.maximum(global_norm(leaves), max_norm)
    return unflatten(form, [leaf * _like(factor, leaf) for leaf in leaves])


@public
def clip_by_value(grads: Any, limit: float) -> Any:
    """Gradients with every element between ``-limit`` and ``limit``.

    Examples
    --------
    >>> clip_by_value(np.array([-3.0, 0.5]), 1.0)
    array([-1. ,  0.5])
    """
    leaves, form = flatten(grads)
    return unflatten(form, [np.clip(leaf, -limit, limit) for leaf in leaves])


# Schedules -------------------------------------------------------------------------------------


@public
def constant(learning_rate: float) -> Schedule:
    """The same rate at every step."""
    return lambda count: learning_rate + 0.0 * count


@public
def exponential(learning_rate: float, decay: float, steps: float = 1.0) -> Schedule:
    """``learning_rate * decay ** (count / steps)``.

    Examples
    --------
    >>> float(exponential(1.0, 0.5, steps=10)(20.0))
    0.25
    """
    return lambda count: learning_rate * decay ** (count / steps)


@public
def stepwise(learning_rate: float, decay: float, steps: float) -> Schedule:
    """The rate times `decay` after every so many steps."""
    return lambda count: learning_rate * decay ** np.floor(count / steps)


@public
def cosine(learning_rate: float, steps: float, final: float = 0.0) -> Schedule:
    """Half a cosine from the rate to `final`: Loshchilov and Hutter 2017, arXiv:1608.03983.

    Examples
    --------
    >>> schedule = cosine(1.0, steps=10)
    >>> [round(float(schedule(i)), 3) for i in (0.0, 5.0, 10.0, 20.0)]
    [1.0, 0.5, 0.0, 0.0]
    """

    def rate(count: Any) -> Any:
        part = np.minimum(count / steps, 1.0)
        return final + 0.5 * (learning_rate - final) * (1.0 + np.cos(np.pi * part))

    return rate


@public
def warmup(schedule: Any, steps: float) -> Schedule:
    """A schedule, or a rate, that rises from 0 over the first steps."""

    def rate(count: Any) -> Any:
        inner: Any = cast("Schedule", schedule)(count) if callable(schedule) else schedule
        return inner * np.minimum(count / steps, 1.0)

    return rate
