"""PyTorch's names for NumPy's functions, and its keywords ``dim`` and ``keepdim``.

The operations are those of the registry; this is only what else they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, partial, wraps
from inspect import signature
from typing import Any

from symgraph.graph.registry import BUILDERS, complete
from symgraph.tape.names import NAMES
from symgraph.tape.twofold import TWOFOLD

__all__ = ["FUNCTIONS", "METHODS", "instead_of", "torch_words"]


def torch_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ``dim``, ``keepdim`` and ``input`` for ``axis``, ``keepdims`` and x."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if keywords:
            args = _before(args, keywords)
            keywords = {_KEYWORDS.get(name, name): value for name, value in keywords.items()}
        if len(args) > 2 and type(args[2]) is bool and _reduces(function):
            # PyTorch's x.sum(1, True); what comes third in NumPy is no flag.
            keywords["keepdims"] = args[2]
            args = (*args[:2], *args[3:])
        return function(*args, **keywords)

    return call


def _before(args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments with those that PyTorch calls ``input`` and ``other``."""
    if "input" in keywords:
        args = (keywords.pop("input"), *args)
    return (*args, keywords.pop("other")) if "other" in keywords else args


@cache
def _reduces(function: Callable[..., Any]) -> bool:
    return "keepdims" in signature(function).parameters


def _with_input(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ``input`` for its first argument."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        return function(*_before(args, keywords), **keywords)

    return call


_KEYWORDS = {
    "dim": "axis",
    "diagonal": "k",
    "keepdim": "keepdims",
    "dims": "axis",
    "dim1": "axis1",
    "dim2": "axis2",
    "shifts": "shift",
    "correction": "ddof",
}


_CONSTRUCTORS = frozenset(
    "arange at cond einsum empty_like eye full full_like identity meshgrid ndim ones ones_like "
    "scan shape size tril_indices triu_indices zeros zeros_like vmap".split()
)
_ALIASES = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bmm": "matmul",
    "broadcast_tensors": "broadcast_arrays",
    "cat": "concatenate",
    "concat": "concatenate",
    "conj": "conjugate",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "igamma": "gammainc",
    "igammac": "gammaincc",
    "le": "less_equal",
    "lt": "less",
    "matrix_exp": "expm",
    "mm": "matmul",
    "movedim": "moveaxis",
    "mul": "multiply",
    "mv": "matmul",
    "mvlgamma": "multigammaln",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "permute_dims",
    "pow": "power",
    "trapz": "trapezoid",
    "true_divide": "divide",
    "repeat_interleave": "repeat",
    "swapdims": "swapaxes",
    "unsqueeze": "expand_dims",
}

# Tensors have every operation as a function and as a method.
complete()

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: torch_words(builder) for name, builder in BUILDERS.items() if name.isidentifier()},
    **{name: torch_words(BUILDERS[other]) for name, other in _ALIASES.items()},
    **{name: _with_input(function) for name, function in {**NAMES, **TWOFOLD}.items()},
}
"""Every operation by NumPy's and by PyTorch's name."""

METHODS = {name: function for name, function in FUNCTIONS.items() if name not in _CONSTRUCTORS}
"""Those that are methods of a tensor as well."""
for _name, _dtype in {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "bool": "bool",
}.items():
    METHODS[_name] = partial(BUILDERS["astype"], dtype=_dtype)


def instead_of(name: str) -> str:
    """What to write for a name that there is not."""
    bare = name.removesuffix("_")
    if bare in _INSTEAD:
        return f": {_INSTEAD[bare]}"
    if bare[:1].isupper():
        return ": a layer is any object that holds tensors, and a function of sg.nn"
    near = get_close_matches(bare, FUNCTIONS, n=3, cutoff=0.7)
    return f"; operations have NumPy's names{': ' + ', '.join(near) if near else ''}"


_INSTEAD = {
    "Parameter": "tape.tensor(data, requires_grad=True)",
    "FloatTensor": "tape.tensor(data, dtype=tape.float32)",
    "Function": "sg.custom_derivative gives a function a derivative of its own",
    "compile": "tape.function(y, inputs) compiles what was recorded",
    "cast": "x.to(dtype)",
    "constant": "tape.tensor(data)",
    "reduce_max": "tape.max",
    "reduce_mean": "tape.mean",
    "reduce_min": "tape.min",
    "reduce_sum": "tape.sum",
    "LongTensor": "tape.tensor(data, dtype=tape.int64)",
    "cuda": "memory is the processor's",
    "device": "memory is the processor's",
    "func": "sg.grad, sg.hessian, sg.jacobian and sg.vmap of nodes; tape.autograd.functional",
    "jit": "tape.function(y, inputs) compiles what was recorded",
    "load": "np.load, or pickle",
    "resize": "np.resize gives a new one",
    "save": "np.savez of x.detach().numpy(), or pickle",
    "utils": "tape.optim.clip_grad_norm_ and clip_grad_value_; batches are slices, x[i:i + n]",
}
