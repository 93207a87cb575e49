"""Tensors out of nothing, and out of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError
from symgraph.graph.refusal import public
from symgraph.graph.types import as_dtype, as_integer
from symgraph.tape.holder import make_leaf
from symgraph.tape.tensor import Tensor, array_of

__all__ = [
    "arange",
    "as_tensor",
    "bernoulli",
    "empty",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "linspace",
    "manual_seed",
    "multinomial",
    "normal",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "tensor",
    "zeros",
    "zeros_like",
]


def _new(data: Any, dtype: Any, requires_grad: bool) -> Tensor:
    array = np.asarray(data) if dtype is None else np.asarray(data).astype(as_dtype(dtype))
    tensor = make_leaf(Tensor.__new__(Tensor), array, False)
    return tensor.requires_grad_() if requires_grad else tensor


@public
def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of its own copy of some data.

    Parameters
    ----------
    data : array_like
        Numbers; NumPy's dtype for them (float64 for Python's floats) unless `dtype` is given.
    dtype : data-type, optional
    requires_grad : bool, optional
        Whether operations on it are recorded.

    Raises
    ------
    DTypeError
        If the data is not numeric.
    DerivativeError
        If a gradient is wanted of integers.

    Examples
    --------
    >>> tensor([1.0, 2.0], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    return _new(array_of(data, dtype), None, requires_grad)


@public
def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """A tensor in the memory of an array where that is possible; tensors stay as they are."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    array: Any = data
    if isinstance(data, np.ndarray) and (dtype is None or array.dtype == as_dtype(dtype)):
        return from_numpy(array)
    return tensor(data, dtype)


@public
def from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor in the memory of an array: what is written to one is seen in the other.

    Raises
    ------
    DTypeError
        If it is not a NumPy array of numbers.
    """
    if not isinstance(array, np.ndarray):
        raise DTypeError("from_numpy takes an array", got=type(array).__name__)
    as_dtype(array.dtype)
    return make_leaf(Tensor.__new__(Tensor), array, False)


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    nested = len(sizes) == 1 and isinstance(sizes[0], tuple | list)
    flat = cast("Sequence[Any]", sizes[0] if nested else sizes)
    return tuple([int(size) for size in flat])


@public
def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return _new(np.zeros(_shape(size)), dtype, requires_grad)


@public
def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones: ``ones(2, 3)`` or ``ones((2, 3))``."""
    return _new(np.ones(_shape(size)), dtype, requires_grad)


@public
def empty(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros: nothing here is uninitialised."""
    return zeros(*size, dtype=dtype, requires_grad=requires_grad)


@public
def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One number in every place."""
    return _new(np.full(_shape((size,)), array_of(fill_value)), dtype, requires_grad)


@public
def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of a matrix."""
    return _new(np.eye(n, m), dtype, requires_grad)


@public
def arange(
    *bounds: Any,
    dtype: Any = None,
    requires_grad: bool = False,
    start: Any = 0,
    end: Any = None,
    step: Any = None,
) -> Tensor:
    """Evenly spaced numbers, as ``np.arange``; the bounds also by PyTorch's names."""
    given = (*bounds, *[word for word in (step,) if word is not None])
    return _new(np.arange(*(given if end is None else (start, end, *given))), dtype, requires_grad)


@public
def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """A number of evenly spaced values from `start` to `end`, both included."""
    return _new(np.linspace(start, end, steps), dtype, requires_grad)


def _like(array: np.ndarray[Any, Any], like: Any, dtype: Any, requires_grad: bool) -> Tensor:
    return _new(array, like.dtype if dtype is None else dtype, requires_grad)


@public
def zeros_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of another tensor."""
    return _like(np.zeros(input.shape), input, dtype, requires_grad)


@public
def ones_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of another tensor."""
    return _like(np.ones(input.shape), input, dtype, requires_grad)


@public
def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number in the shape and dtype of another tensor."""
    return _like(np.full(input.shape, fill_value), input, dtype, requires_grad)


# Random numbers --------------------------------------------------------------------------------


class _Source:
    generator: Any = np.random.default_rng()


@public
def manual_seed(seed: int) -> None:
    """Let the random numbers that follow be the same whenever this is called.

    Examples
    --------
    >>> manual_seed(0)
    >>> first = randn(2)
    >>> manual_seed(0)
    >>> bool((randn(2) == first).all())
    True
    """
    _Source.generator = np.random.default_rng(as_integer(seed, "a seed"))


@public
def rand(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform random numbers from 0 to 1."""
    return _new(_Source.generator.random(_shape(size)), dtype, requires_grad)


@public
def randn(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal random numbers."""
    return _new(_Source.generator.standard_normal(_shape(size)), dtype, requires_grad)


@public
def rand_like(input: Any, *, requires_grad: bool = False) -> Tensor:
    """Uniform random numbers in the shape and dtype of another tensor."""
    return _like(_Source.generator.random(input.shape), input, None, requires_grad)


@public
def randn_like(input: Any, *, requires_grad: bool = False) -> Tensor:
    """Normal random numbers in the shape and dtype of another tensor."""
    return _like(_Source.generator.standard_normal(input.shape), input, None, requires_grad)


@public
def randint(low: int, high: int | None = None, size: Any = (), *, dtype: Any = None) -> Tensor:
    """Random integers from `low` to below `high`; from 0 with one bound."""
    return _new(_Source.generator.integers(low, high, size=_shape((size,))), dtype, False)


@public
def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None) -> Tensor:
    """Normal random numbers of given means and standard deviations."""
    mean, std = array_of(mean, np.float64), array_of(std, np.float64)
    shape = np.broadcast_shapes(mean.shape, std.shape) if size is None else _shape((size,))
    return _new(mean + std * _Source.generator.standard_normal(shape), None, False)


@public
def bernoulli(input: Any) -> Tensor:
    """One with the probability that an element says, or else zero."""
    return _like(_Source.generator.random(input.shape) < array_of(input), input, None, False)


@public
def multinomial(input: Any, num_samples: int, replacement: bool = False) -> Tensor:
    """Positions along the last axis, drawn by the weights that stand there."""
    weights = array_of(input, np.float64)
    rows = [
        _Source.generator.choice(row.size, num_samples, replacement, row / row.sum())
        for row in weights.reshape(-1, weights.shape[-1])
    ]
    return _new(np.reshape(rows, (*weights.shape[:-1], num_samples)), None, False)


@public
def randperm(n: int) -> Tensor:
    """The integers below `n` in a random order."""
    return _new(_Source.generator.permutation(n), None, False)
