"""The docstring of a module, and the check that an exported file makes of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.emit.layout import assign, bracketed
from symgraph.emit.module import Signature
from symgraph.graph.code import Code
from symgraph.graph.sizes import Dim, dim_names, evaluate
from symgraph.graph.types import TensorType

__all__ = ["CheckPlan", "describe_module", "self_check"]

SIZES = (5, 4, 3, 6, 7, 2, 8)
"""Small and different, so that a mistaken axis is noticed."""


def describe_module(
    signatures: Sequence[Signature], imports: Sequence[str], large: Sequence[str] = ()
) -> list[str]:
    """Lines of the docstring: what each function takes and gives, in a table."""
    lines = [f"{_title(signatures)}."]
    for signature in signatures:
        lines += ["", f"{signature.name}({', '.join(signature.shown)})", ""]
        rows = [("argument", "dtype", "shape"), *map(_row, signature.arguments)]
        rows += [("", "", ""), ("result", "dtype", "shape"), *map(_row, signature.results)]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        for row in rows:
            text = "  ".join([row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2]])
            lines.append(f"    {text}".rstrip())
    lines += ["", *(f"The constant array {name} is an argument as well." for name in large)]
    lines.append(f"Needs {' and '.join(['NumPy', *imports])} only. Written by symgraph.")
    return lines


def _title(signatures: Sequence[Signature]) -> str:
    results = [name for name, _ in signatures[0].results]
    shown = ", ".join(results[:4]) + (", ..." if len(results) > 4 else "")
    text = f"Computes {shown}" if results else "Computes nothing"
    return text if len(text) < 80 else f"Computes {len(results)} results"


def _row(item: tuple[str, TensorType]) -> tuple[str, str, str]:
    name, kind = item
    shape = ", ".join(map(str, kind.shape))
    return (name, kind.dtype.name, f"({shape}{',' if kind.ndim == 1 else ''})")


# The check ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What the check of a module compares.

    Attributes
    ----------
    arguments : list of (str, TensorType)
    call : str
        Name of a function of the arguments that gives the value and the gradients as a list.
    gradients : list of (int, int)
        Which argument, and which result is the gradient by it; result 0 is the value.
    extra : str
        Source that must stand before the check.
    """

    arguments: Sequence[tuple[str, TensorType]]
    call: str
    gradients: Sequence[tuple[int, int]]
    value: str
    extra: str = ""


def self_check(
    plan: CheckPlan, run: Callable[..., Any], requirements: Sequence[Dim]
) -> str:
    """Source of ``_check`` and of the main guard.

    The inputs are random and of small sizes; which distribution makes the function finite is
    found out here, by running it.

    Parameters
    ----------
    plan : CheckPlan
    run : callable
        The function, on the arguments.
    requirements : sequence of Dim
        Sizes that must not be negative.
    """
    sizes = choose_sizes(plan.arguments, requirements)
    kind = next((k for k in GENERATORS if _is_finite(plan, k, sizes, run)), "normal")
    body = [*_size_lines(sizes), *_argument_lines(plan, kind)]
    single = any(t.dtype in (np.float32, np.complex64) for _, t in plan.arguments)
    return "\n".join([*_check_lines(plan, body, single), "", "", *_MAIN])


_MAIN = '''if __name__ == "__main__":
    import sys

    if sys.argv[1:] != ["--check"]:
        sys.exit(f"usage: python {sys.argv[0]} --check")
    sys.exit(0 if _check() else 1)'''.split("\n")


def _check_lines(plan: CheckPlan, body: Sequence[str], single: bool) -> list[str]:
    names = [name for name, _ in plan.arguments]
    step, tolerance = ("1e-2", "2e-2") if single else ("1e-6", "1e-6")
    head = [
        *([*plan.extra.split("\n"), "", ""] if plan.extra else []),
        "def _check(seed=0):",
        '    """Compare every gradient with central differences on random inputs."""',
        "    rng = np.random.default_rng(seed)",
        *[f"    {line}" for line in body],
        *bracketed("arguments = [", names, "]", "    "),
    ]
    if not plan.gradients:
        return [
            *head,
            f"    {plan.call}(*arguments)",
            '    print("runs; there is no gradient to compare")',
            "    return True",
        ]
    table = [
        f'("{names[argument]}", {argument}, results[{place}])'
        for argument, place in plan.gradients
    ]
    return [
        *head,
        f"    results = {plan.call}(*arguments)",
        "    good = True",
        *bracketed("gradients = [", table, "]", "    "),
        "    for name, place, gradient in gradients:",
        "        direction = rng.standard_normal(np.shape(gradient))",
        "        values = []",
        f"        for step in ({step}, -{step}):",
        "            shifted = list(arguments)",
        "            shifted[place] = arguments[place] + step * direction",
        f"            values.append({plan.value})",
        f"        difference = (values[0] - values[1]) / (2 * {step})",
        "        exact = np.real(np.sum(gradient * direction))",
        "        scale = max(1.0, abs(exact), abs(values[0]))",
        "        error = abs(difference - exact) / scale",
        '        print(f"gradient by {name}: relative error {error:.1e}")',
        f"        good = good and bool(error <= {tolerance})",
        '    print("passed" if good else "FAILED")',
        "    return good",
    ]


def choose_sizes(
    arguments: Sequence[tuple[str, TensorType]], requirements: Sequence[Dim]
) -> dict[str, int]:
    """Values for the symbolic sizes that make every shape and requirement valid."""
    dims = [dim for _, kind in arguments for dim in kind.shape]
    names: dict[str, None] = {}
    for dim in (*dims, *requirements):
        names.update(dict.fromkeys(sorted(dim_names(dim))))
    for scale in (1, 2, 4, 12):
        sizes = {name: scale * SIZES[i % len(SIZES)] for i, name in enumerate(names)}
        if all(evaluate(dim, sizes) >= 0 for dim in (*dims, *requirements)):
            return sizes
    return dict.fromkeys(names, 64)


def _size_lines(sizes: Mapping[str, int]) -> list[str]:
    return [f"{name} = {value}" for name, value in sizes.items()]


GENERATORS = ("normal", "positive", "unit", "spd")


def _argument_lines(plan: CheckPlan, kind: str) -> list[str]:
    lines: list[str] = []
    for name, type_ in plan.arguments:
        lines += assign(name, Code(_sample_text(name, type_, kind)), "")
        if _is_matrix(type_) and kind == "spd":
            lines.append(
                f"{name} = {name} @ {name}.swapaxes(-1, -2) + {type_.shape[-1]} * "
                f"np.eye({type_.shape[-1]})"
            )
    return lines


def _is_matrix(kind: TensorType) -> bool:
    return kind.ndim >= 2 and kind.shape[-1] == kind.shape[-2] and kind.dtype.kind == "f"


def _sample_text(name: str, type_: TensorType, kind: str) -> str:
    shape = ", ".join(map(str, type_.shape)) + ("," if type_.ndim == 1 else "")
    if type_.dtype.kind in "biu":
        return f"rng.integers(0, 2, ({shape})).astype(np.{_scalar_name(type_)})" if (
            type_.ndim
        ) else f"np.{_scalar_name(type_)}(rng.integers(0, 2))"
    size = f"({shape})" if type_.ndim else ""
    text = {
        "positive": f"rng.uniform(0.5, 1.5, {size})" if size else "rng.uniform(0.5, 1.5)",
        "unit": f"rng.uniform(0.1, 0.9, {size})" if size else "rng.uniform(0.1, 0.9)",
    }.get(kind, f"rng.standard_normal({size})")
    if type_.dtype.kind == "c":
        text = f"{text} + 1j * {text}"
    if type_.dtype in (np.float64, np.complex128):
        return text if type_.ndim else f"np.{_scalar_name(type_)}({text})"
    if type_.ndim:
        return f"({text}).astype(np.{_scalar_name(type_)})"
    return f"np.{_scalar_name(type_)}({text})"


def _scalar_name(kind: TensorType) -> str:
    return "bool_" if kind.dtype.kind == "b" else kind.dtype.name


def _is_finite(
    plan: CheckPlan, kind: str, sizes: Mapping[str, int], run: Callable[..., Any]
) -> bool:
    space: dict[str, Any] = {"np": np, "rng": np.random.default_rng(0), **sizes}
    exec("\n".join(_argument_lines(plan, kind)), space)
    try:
        with np.errstate(all="ignore"):
            results = run(*[space[name] for name, _ in plan.arguments])
    except (ArithmeticError, np.linalg.LinAlgError, IndexError, ValueError):
        return False
    several = isinstance(results, tuple)
    return all(bool(np.all(np.isfinite(r))) for r in (results if several else (results,)))
