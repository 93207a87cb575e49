"""PyTorch's namespaces: ``autograd``, ``linalg``, ``special``, ``fft`` and ``nn.functional``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from symgraph import fft, linalg, nn, special
from symgraph.tape.backward import backward as _backward
from symgraph.tape.functional import FUNCTIONAL, RENAMED
from symgraph.tape.gradient_tape import GradientTape, grad
from symgraph.tape.mode import enable_grad
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
            outer.unwatch()
        found = tape.jacobian(y, sources, unconnected_gradients="zero")
    results = found if create_graph else [item.detach() for item in found]
    return results[0] if isinstance(inputs, Tensor) else tuple(results)


def _hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """The Hessian of a scalar function: at several tensors a tuple of tuples."""

    def slopes(*xs: Any) -> Any:
        found = grad(func(*xs), list(xs), create_graph=True, allow_unused=True)
        return [x * 0 if slope is None else slope for x, slope in zip(xs, found, strict=True)]

    def row(place: int) -> Callable[..., Any]:
        return lambda *xs: slopes(*xs)[place]

    if isinstance(inputs, Tensor):
        return _jacobian(row(0), inputs, create_graph)
    several = tuple(inputs)
    return tuple([_jacobian(row(i), several, create_graph) for i in range(len(several))])


def _sources(inputs: Any, create_graph: bool) -> list[Any]:
    several = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    return [x if create_graph and x.requires_grad else x.detach().requires_grad_() for x in several]


def _as_given(found: Sequence[Any], sources: Sequence[Any], inputs: Any, create_graph: bool) -> Any:
    """Gradients in the form of the inputs, zeros where there are none."""
    full = [x.detach() * 0 if g is None else g for x, g in zip(sources, found, strict=True)]
    full = full if create_graph else [g.detach() for g in full]
    return full[0] if isinstance(inputs, Tensor) else tuple(full)


def _vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """The value of a function, and its Jacobian transposed times a vector."""
    sources = _sources(inputs, create_graph)
    with enable_grad():
        y = func(*sources)
    found = grad(y, sources, v, create_graph=create_graph, allow_unused=True)
    return y if create_graph else y.detach(), _as_given(found, sources, inputs, create_graph)


def _jvp(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool = False) -> Any:
    """The value of a function, and its Jacobian times a vector: the transpose's derivative."""
    sources = _sources(inputs, create_graph)
    with enable_grad():
        y = func(*sources)
        start = (y.detach() * 0).requires_grad_()
        back = grad(y, sources, start, create_graph=True, allow_unused=True)
    tangents = [v] if isinstance(inputs, Tensor) else list(v)
    pairs = [(g, t) for g, t in zip(back, tangents, strict=True) if g is not None]
    found = grad(
        [g for g, _ in pairs], [start], [t for _, t in pairs], create_graph=create_graph,
        allow_unused=True,
    ) if pairs else [None]  # fmt: skip
    value = y if create_graph else y.detach()
    return value, _as_given(found, [start], start, create_graph)


def _hvp(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool = False) -> Any:
    """The value of a scalar function, and its Hessian times a vector."""
    sources = _sources(inputs, create_graph)
    with enable_grad():
        y = func(*sources)
        slopes = grad(y, sources, create_graph=True, allow_unused=True)
    vectors = [v] if isinstance(inputs, Tensor) else list(v)
    pairs = [
        (g, t) for g, t in zip(slopes, vectors, strict=True) if g is not None and g.requires_grad
    ]
    found = (
        grad(
            [g for g, _ in pairs],
            sources,
            [t for _, t in pairs],
            create_graph=create_graph,
            allow_unused=True,
        )
        if pairs
        else [None] * len(sources)
    )
    value = y if create_graph else y.detach()
    return value, _as_given(found, sources, inputs, create_graph)


# nn.functional ----------------------------------------------------------------------------------


def _functional(on_arrays: Any) -> Space:
    names = {name: on_arrays(torch_words(getattr(nn, own))) for name, own in RENAMED.items()}
    for name in ("tanh", "sigmoid", "relu"):
        names[name] = on_arrays(FUNCTIONS[name])
    return Space(
        "nn.functional",
        nn,
        on_arrays,
        **names,
        **{name: on_arrays(function) for name, function in FUNCTIONAL.items()},
    )


SPACES: dict[str, Callable[[Any], Space]] = {
    "autograd": lambda on_arrays: Space(
        "autograd",
        None,
        on_arrays,
        grad=_grad,
        backward=_backward_all,
        functional=Space(
            "autograd.functional",
            None,
            on_arrays,
            jacobian=_jacobian,
            hessian=_hessian,
            vjp=_vjp,
            jvp=_jvp,
            hvp=_hvp,
            vhp=_hvp,
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
