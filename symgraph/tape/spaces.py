"""PyTorch's namespaces: ``autograd``, ``linalg``, ``special``, ``fft`` and ``nn.functional``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any

from symgraph import fft, linalg, nn, special
from symgraph.errors import DerivativeError
from symgraph.graph.registry import BUILDERS
from symgraph.tape.backward import backward as _backward
from symgraph.tape.gradient_tape import GradientTape, grad
from symgraph.tape.optim import clip_grad_norm_, clip_grad_value_
from symgraph.tape.tensor import Tensor
from symgraph.tape.words import FUNCTIONS, instead_of, torch_words

__all__ = ["SPACES"]


class Space:
    """Functions by name: those that are given, and those of a module of the library."""

    def __init__(
        self, name: str, module: ModuleType | None, on_arrays: Any, **functions: Any
    ) -> None:
        self.__name__ = name
        self._module, self._on_arrays = module, on_arrays
        for key, function in functions.items():
            setattr(self, key, function)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name, None)
        if name.startswith("_") or not callable(found):
            raise AttributeError(f"{self.__name__} has no {name!r}{instead_of(name)}")
        function = self._on_arrays(torch_words(found))
        setattr(self, name, function)
        return function

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *getattr(self._module, "__all__", ())})

    def __repr__(self) -> str:
        return f"<namespace {self.__name__}>"


# autograd -----------------------------------------------------------------------------------------


def _grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """As `symgraph.tape.grad`, but always a tuple."""
    single = isinstance(inputs, Tensor)
    found = grad(
        outputs,
        [inputs] if single else list(inputs),
        grad_outputs,
        retain_graph,
        create_graph,
        allow_unused,
    )
    return tuple(found)


def _backward_all(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradients of the sum of some tensors to their leaves."""
    several = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    seeds = [grad_tensors] if isinstance(grad_tensors, Tensor) else grad_tensors
    pairs = list(zip(several, seeds or [None] * len(several), strict=True))
    for i, (tensor, seed) in enumerate(pairs):
        # What they share is passed through again, up to the last of them.
        keep = True if i < len(pairs) - 1 else retain_graph
        _backward(tensor, seed, keep, create_graph)


def _jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """The Jacobian of a function at some tensors, which are a tensor or a tuple of them."""
    several = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    with GradientTape() as outer:
        with GradientTape() as tape:
            sources = [x if create_graph and x.requires_grad else x.detach() for x in several]
            tape.watch(sources)
            y = func(*sources)
        if not create_graph:
            outer.reset()
        found = tape.jacobian(y, sources, unconnected_gradients="zero")
    results = found if create_graph else [item.detach() for item in found]
    return results[0] if isinstance(inputs, Tensor) else tuple(results)


def _hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """The Hessian of a scalar function at a tensor."""
    if not isinstance(inputs, Tensor):
        raise DerivativeError("hessian takes one tensor", got=type(inputs).__name__)

    def slope(x: Any) -> Any:
        value = func(x)
        return grad(value, x, create_graph=True, allow_unused=True)

    return _jacobian(slope, inputs, create_graph)


# nn.functional ----------------------------------------------------------------------------------

_LAYERS = {
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "hardtanh": "hard_tanh",
    "huber_loss": "huber",
    "l1_loss": "mae",
    "logsigmoid": "log_sigmoid",
    "mse_loss": "mse",
    "nll_loss": "nll",
    "smooth_l1_loss": "smooth_l1",
}


def _linear(input: Any, weight: Any, bias: Any = None) -> Any:
    product = input @ weight.T
    return product if bias is None else product + bias


def _gelu(input: Any, approximate: str = "none") -> Any:
    return nn.gelu(input, approximate=approximate == "tanh")


def _functional(on_arrays: Any) -> Space:
    names = {name: on_arrays(torch_words(getattr(nn, own))) for name, own in _LAYERS.items()}
    for name in ("tanh", "softmax", "log_softmax", "sigmoid", "relu"):
        names[name] = on_arrays(FUNCTIONS[name])
    one_hot = torch_words(nn.one_hot)

    @wraps(nn.one_hot)
    def integers(x: Any, num_classes: int) -> Any:
        return BUILDERS["astype"](one_hot(x, num_classes), "int64")

    return Space(
        "nn.functional", nn, on_arrays, linear=_linear, gelu=_gelu, one_hot=integers, **names
    )


SPACES: dict[str, Callable[[Any], Space]] = {
    "autograd": lambda on_arrays: Space(
        "autograd",
        None,
        on_arrays,
        grad=_grad,
        backward=_backward_all,
        functional=Space(
            "autograd.functional", None, on_arrays, jacobian=_jacobian, hessian=_hessian
        ),
    ),
    "fft": lambda on_arrays: Space("fft", fft, on_arrays),
    "linalg": lambda on_arrays: Space("linalg", linalg, on_arrays),
    "nn": lambda on_arrays: Space(
        "nn",
        None,
        on_arrays,
        functional=_functional(on_arrays),
        utils=Space(
            "nn.utils",
            None,
            on_arrays,
            clip_grad_norm_=clip_grad_norm_,
            clip_grad_value_=clip_grad_value_,
        ),
    ),
    "special": lambda on_arrays: Space("special", special, on_arrays),
}
"""By name how each is made: with the wrapper that gives tensors also for arrays."""
