"""The other way in: operations run at once, with Python's own control flow, and are recorded.

PyTorch's names, and TensorFlow's `GradientTape` and `Variable`, on NumPy's operations. What was
recorded is an ordinary graph: `graph` and `function` give it, and its source.

What PyTorch and NumPy read differently (``x.max(1)``, ``x.std()``, ``x.sort()``) is refused unless
a word says who is meant: ``axis=`` is NumPy's, ``dim=`` PyTorch's.

Examples
--------
>>> from symgraph import tape as torch
>>> x = torch.tensor([2.0], requires_grad=True)
>>> y = 3 * x**2 + 2 * x + 1
>>> y.backward()
>>> x.grad
tensor([14.])
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from symgraph.graph import refusal as _refusal
from symgraph.graph import tree as _tree
from symgraph.tape import backward as _backward
from symgraph.tape import optim
from symgraph.tape import tensor as _tensors
from symgraph.tape.create import (
    arange,
    as_tensor,
    bernoulli,
    empty,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    manual_seed,
    multinomial,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from symgraph.tape.export import function, graph
from symgraph.tape.gradient_tape import GradientTape, Variable, grad
from symgraph.tape.mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from symgraph.tape.spaces import SPACES
from symgraph.tape.tensor import Tensor
from symgraph.tape.words import FUNCTIONS, instead_of

_tensors.RUN_BACKWARD = _backward.backward

float16, float32, float64 = np.float16, np.float32, np.float64
int32, int64, complex128 = np.int32, np.int64, np.complex128
pi, inf, nan = np.pi, np.inf, np.nan
inference_mode = no_grad
asarray, finfo, iinfo = as_tensor, np.finfo, np.iinfo
_DTYPES = {
    "bool": np.bool_,
    "complex64": np.complex64,
    "double": np.float64,
    "float": np.float32,
    "half": np.float16,
    "int": np.int32,
    "int8": np.int8,
    "int16": np.int16,
    "long": np.int64,
    "uint8": np.uint8,
}


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(value, Tensor)


def _on_arrays(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """The function, which gives tensors also where it is given arrays only."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        try:
            result = function(*args, **keywords)
        except Exception as error:
            _refusal.in_our_words(error, function, args, keywords, name and f"tape.{name}")
            raise
        leaves, form = _tree.flatten(result)
        arrays = [
            tensor(leaf) if isinstance(leaf, np.ndarray | np.generic) else leaf for leaf in leaves
        ]
        return _tree.unflatten(form, arrays)

    return call


def __getattr__(name: str) -> Any:
    if name in SPACES:
        value = globals()[name] = SPACES[name](_on_arrays)
        return value
    if name in _DTYPES:
        return _DTYPES[name]
    if name not in FUNCTIONS:
        raise AttributeError(f"module 'symgraph.tape' has no attribute {name!r}{instead_of(name)}")
    value = globals()[name] = _on_arrays(FUNCTIONS[name], name)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *FUNCTIONS, *SPACES, *_DTYPES})


__all__ = [
    "GradientTape",
    "Tensor",
    "Variable",
    "arange",
    "as_tensor",
    "bernoulli",
    "empty",
    "enable_grad",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "function",
    "grad",
    "graph",
    "is_grad_enabled",
    "is_tensor",
    "linspace",
    "manual_seed",
    "multinomial",
    "no_grad",
    "normal",
    "ones",
    "ones_like",
    "optim",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "set_grad_enabled",
    "tensor",
    "zeros",
    "zeros_like",
]
