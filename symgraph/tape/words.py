"""PyTorch's names for NumPy's functions, and its keywords ``dim`` and ``keepdim``.

The operations are those of the registry; this is only what else they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial, wraps
from typing import Any, NamedTuple

from symgraph.errors import UnsupportedError
from symgraph.graph.registry import BUILDERS, complete
from symgraph.tape.names import NAMES

__all__ = ["FUNCTIONS", "METHODS", "instead_of", "torch_words"]


def torch_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ``dim``, ``keepdim`` and ``input`` for ``axis``, ``keepdims`` and x."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if keywords:
            if "input" in keywords:
                args = (keywords.pop("input"), *args)
            keywords = {_KEYWORDS.get(name, name): value for name, value in keywords.items()}
        return function(*args, **keywords)

    return call


def _with_input(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ``input`` for its first argument."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if "input" in keywords:
            args = (keywords.pop("input"), *args)
        return function(*args, **keywords)

    return call


_KEYWORDS = {
    "dim": "axis",
    "diagonal": "k",
    "keepdim": "keepdims",
    "dims": "axis",
    "correction": "ddof",
}


class Extreme(NamedTuple):
    """What ``x.max(dim=1)`` gives: the elements and where they are."""

    values: Any
    indices: Any


def _extreme(name: str) -> Callable[..., Any]:
    """``max`` and ``min``: with ``dim=`` also the positions, of two tensors the larger elements."""
    builder, position, both = BUILDERS[name], BUILDERS[f"arg{name}"], BUILDERS[f"{name}imum"]

    @wraps(builder)
    def call(x: Any, *args: Any, **keywords: Any) -> Any:
        if len(args) == 1 and not keywords and hasattr(args[0], "dtype"):
            return both(x, args[0])
        if "dim" not in keywords:
            return builder(x, *args, **keywords)
        axis, keep = keywords.pop("dim"), keywords.pop("keepdim", False)
        if args or keywords:
            raise UnsupportedError(f"{name}: arguments besides dim= and keepdim=")
        return Extreme(builder(x, axis=axis, keepdims=keep), position(x, axis=axis, keepdims=keep))

    return call


def _moment(name: str) -> Callable[..., Any]:
    """``std`` and ``var``: PyTorch divides by n - 1, NumPy by n, so the words are kept apart."""
    builder = torch_words(BUILDERS[name])

    @wraps(builder)
    def call(x: Any, *args: Any, **keywords: Any) -> Any:
        if "unbiased" in keywords:
            keywords["ddof"] = int(bool(keywords.pop("unbiased")))
        elif "dim" in keywords and not keywords.keys() & {"ddof", "correction"}:
            raise UnsupportedError(
                f"{name}: dim= means PyTorch's estimate, which divides by n - 1",
                hint=f"{name}(dim=..., correction=1) for that, correction=0 for NumPy's",
            )
        return builder(x, *args, **keywords)

    return call


_CONSTRUCTORS = frozenset(
    "arange at cond einsum empty_like eye full full_like identity ndim ones ones_like scan shape "
    "size zeros zeros_like vmap".split()
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
    "cat": "concatenate",
    "concat": "concatenate",
    "conj": "conjugate",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lt": "less",
    "mm": "matmul",
    "movedim": "moveaxis",
    "mul": "multiply",
    "mv": "matmul",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "permute_dims",
    "pow": "power",
    "round": "rint",
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
    **{name: _extreme(name) for name in ("max", "min")},
    **{name: _moment(name) for name in ("std", "var")},
    **{name: _with_input(function) for name, function in NAMES.items()},
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
