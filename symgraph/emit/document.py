"""The docstring of a module, and the check that an exported file makes of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from string import Template
from textwrap import wrap
from typing import Any, cast

import numpy as np

from symgraph.emit.layout import WIDTH, assign, bracketed
from symgraph.emit.module import Signature
from symgraph.emit.names import Names
from symgraph.graph.code import Code
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, dim_names, evaluate
from symgraph.graph.types import TensorType

__all__ = ["SIGNATURE", "CheckPlan", "describe_module", "self_check"]

SIGNATURE = "Written by symgraph."
"""The last words of an exported module's docstring."""

SIZES = (5, 4, 3, 6, 7, 2, 8)
"""Small and different, so that a mistaken axis is noticed."""


def describe_module(
    signatures: Sequence[Signature], imports: Sequence[str], large: Sequence[str] = ()
) -> list[str]:
    """Lines of the docstring: what each function takes and gives, in a table."""
    lines = [f"{_title(signatures)}."]
    for signature in signatures:
        head = f"{signature.name}({', '.join(signature.shown)})"
        lines += ["", *wrap(head, WIDTH, subsequent_indent="    "), ""]
        rows = [("argument", "dtype", "shape"), *map(_row, signature.arguments)]
        if signature.results:
            rows += [("", "", ""), ("result", "dtype", "shape"), *map(_row, signature.results)]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        for row in rows:
            text = "  ".join([row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2]])
            lines.append(f"    {text}".rstrip())
        if signature.changed:
            lines += ["", *wrap(f"Changes {', '.join(signature.changed)} in place.", WIDTH)]
    lines += ["", *(f"The constant array {name} is an argument as well." for name in large)]
    lines.append(f"Needs {' and '.join(['NumPy', *imports])} only. {SIGNATURE}")
    return lines


def _title(signatures: Sequence[Signature]) -> str:
    results = [name for name, _ in signatures[0].results]
    if not results and signatures[0].changed:
        return "Changes arguments in place"
    shown = ", ".join(results[:4]) + (" and more" if len(results) > 4 else "")
    text = f"Computes {shown}" if results else "Computes nothing"
    return text if len(text) < 80 else f"Computes {len(results)} results"


def _row(item: tuple[str, TensorType]) -> tuple[str, str, str]:
    name, kind = item
    shape = ", ".join(map(str, kind.shape))
    return (name, kind.dtype.name, f"({shape}{',' if kind.ndim == 1 else ''})")


SLOPE = '''def slope(value, *given):
    """The derivative of value(step, *given) by step at 0, and what it may be off by.

    Central differences, the step smaller each time, extrapolated (Ridders, 1982).
    """
    step, row = 0.0625, []
    best, doubt = np.nan, np.inf
    for _ in range(9):
        ahead = np.asarray(value(step, *given))
        behind = np.asarray(value(-step, *given))
        noise = 4 * np.finfo(ahead.dtype).eps * (np.abs(ahead) + np.abs(behind)) / step
        before, row = row, [(ahead - behind) / (2 * step)]
        for k, coarse in enumerate(before, 1):
            finer = row[-1] + (row[-1] - coarse) / (16.0**k - 1)
            error = np.maximum(np.abs(finer - row[-1]), np.abs(finer - coarse)) + noise
            best = np.where(error < doubt, finer, best)
            doubt = np.where(error < doubt, error, doubt)
            row.append(finer)
        step /= 4
    return best, doubt'''
"""The numerical derivative that `symgraph.differences` runs, and exported modules carry."""

CAUTION, ROUNDINGS, MOST = 20.0, 1e4, 1e-3
"""By how much an estimate of an error may be too small; how many roundings a derivative may be
off by; and how much of its size, however uncertain the numerical one is."""


# The check ---------------------------------------------------------------------------------------


@record
class CheckPlan:
    """What the check of a module compares.

    Attributes
    ----------
    arguments : list of (str, TensorType)
    results : str
        An expression of ``$arguments``: the value and the gradients, as a list or tuple.
    gradients : list of (int, int, int)
        Which argument, which result is the gradient by it, and which of the values it is of.
    values : str
        An expression of ``$arguments``: the values, as a list or tuple.
    extra : str
        Source of helper functions, whose names begin with ``$``: ``$_results``.
    """

    arguments: Sequence[tuple[str, TensorType]]
    results: str
    gradients: Sequence[tuple[int, int, int]] = ()
    values: str = ""
    extra: str = ""


def self_check(
    plan: CheckPlan, source: str, run: Callable[..., Any], requirements: Sequence[Dim]
) -> str:
    """Source of ``_check`` and of the main guard.

    The inputs are random and of small sizes; which distribution makes the function finite is
    found out here, by running it.

    Parameters
    ----------
    plan : CheckPlan
    source : str
        The module so far; no name of the check hides one of its names.
    run : callable
        The function, on the arguments.
    requirements : sequence of Dim
        Sizes that must not be negative.
    """
    names = Names({"np", "sys", *re.findall(r"^(?:def )?([^\W\d]\w*)(?: =|\()", source, re.M)})
    local = {"_check": "_check", **{word: names.fresh(word) for word in _WORDS}}
    sizes = choose_sizes(plan.arguments, requirements)
    sample = _Sample(plan.arguments, sizes, local["rng"], names)
    kind = next((k for k in GENERATORS if sample.is_finite(k, run)), "normal")
    single = any(t.dtype in (np.float32, np.complex64) for _, t in plan.arguments)
    lines = _check_lines(plan, sample.lines(kind), sample.names, single)
    return Template("\n".join([*lines, "", "", *_MAIN])).substitute(local)


_WORDS = (
    "_results _slope _value _value_at arguments difference direction doubt error exact good "
    "gradient gradients name place results rng scale seed shifted step tolerance values which"
).split()
"""Every other name that the text of the check uses; there they stand behind a ``$``."""


_MAIN = """if __name__ == "__main__":
    import sys

    if sys.argv[1:] != ["--check"]:
        sys.exit(f"usage: python {sys.argv[0]} --check")
    sys.exit(0 if $_check() else 1)""".split("\n")


def _check_lines(
    plan: CheckPlan, body: Sequence[str], names: Sequence[str], single: bool
) -> list[str]:
    results = plan.results.replace("$arguments", "*$arguments")
    values = plan.values.replace("$arguments", "*$shifted")
    precision = "np.float32" if single else "float"
    slope = SLOPE.replace("def slope", "def $_slope").split("\n")
    value = [
        "def $_value_at($step, $arguments, $place, $direction, $which):",
        "    $shifted = list($arguments)",
        "    $shifted[$place] = $arguments[$place] + $step * $direction",
        f"    return {values}[$which]",
    ]
    head = [
        *([*plan.extra.split("\n"), "", ""] if plan.extra else []),
        *([*slope, "", "", *value, "", ""] if plan.gradients else []),
        "def $_check($seed=0):",
        '    """Compare every gradient with a numerical one on random inputs."""',
        "    $rng = np.random.default_rng($seed)",
        *[f"    {line}" for line in body],
        *bracketed("$arguments = [", names, "]", "    ", explode=True),
    ]
    if not plan.gradients:
        return [
            *head,
            f"    {results}",
            '    print("runs; there is no gradient to compare")',
            "    return True",
        ]
    table = [
        f'("{plan.arguments[argument][0]}", {argument}, $results[{place}], {value})'
        for argument, place, value in plan.gradients
    ]
    return [
        *head,
        f"    $results = {results}",
        "    $good = True",
        *bracketed("$gradients = [", table, "]", "    ", explode=True),
        "    for $name, $place, $gradient, $which in $gradients:",
        "        $direction = $rng.standard_normal(np.shape($gradient))",
        "        $difference, $doubt = $_slope($_value_at, $arguments, $place, $direction, $which)",
        "        $exact = np.real(np.sum($gradient * $direction))",
        "        $error = abs($difference - $exact)",
        "        $scale = max(1.0, abs($exact), np.sum(np.abs($gradient * $direction)))",
        f"        $tolerance = min({CAUTION} * $doubt, {MOST} * $scale)",
        f"        $tolerance += {ROUNDINGS:g} * np.finfo({precision}).eps * $scale",
        '        print(f"gradient by {$name}: error {$error:.1e}")',
        "        $good = $good and bool($error <= $tolerance)",
        '    print("passed" if $good else "FAILED")',
        "    return $good",
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


GENERATORS = {
    "normal": "",
    "positive": "0.5, 1.5",
    "unit": "0.1, 0.9",
    "above one": "1.5, 3.0",
    "spd": "",
}
"""Ranges of uniform distributions; normal where there is none."""


class _Sample:
    """Source that draws arguments, in names of the check."""

    def __init__(
        self,
        arguments: Sequence[tuple[str, TensorType]],
        sizes: Mapping[str, int],
        rng: str,
        names: Names,
    ) -> None:
        self.types = [kind for _, kind in arguments]
        self.names = [names.fresh(name) for name, _ in arguments]
        self.sizes = sizes
        self.dims = {size: names.fresh(size) for size in sizes}
        self.rng = rng

    def lines(self, kind: str) -> list[str]:
        """The statements."""
        found = [f"{self.dims[size]} = {value}" for size, value in self.sizes.items()]
        for name, type_ in zip(self.names, self.types, strict=True):
            found += assign(name, Code(self._text(type_, kind)), "")
            if _is_matrix(type_) and kind == "spd":
                size = self._dim(type_.shape[-1])
                found.append(f"{name} = {name} @ {name}.swapaxes(-1, -2) + {size} * np.eye({size})")
        return found

    def is_finite(self, kind: str, run: Callable[..., Any]) -> bool:
        """Whether the function gives finite results for such arguments."""
        space: dict[str, Any] = {"np": np, self.rng: np.random.default_rng(0)}
        exec("\n".join(self.lines(kind)), space)
        try:
            with np.errstate(all="ignore"):
                results = run(*[space[name] for name in self.names])
        except (ArithmeticError, np.linalg.LinAlgError, IndexError, RuntimeError, ValueError):
            return False
        several = cast("tuple[Any, ...]", results if isinstance(results, tuple) else (results,))
        return all(bool(np.all(np.isfinite(r))) for r in several)

    def _dim(self, dim: Dim) -> str:
        return str(dim) if isinstance(dim, int) else dim.render(self.dims)

    def _text(self, type_: TensorType, kind: str) -> str:
        shape = ", ".join(map(self._dim, type_.shape)) + ("," if type_.ndim == 1 else "")
        size = f"({shape})" if type_.ndim else ""
        scalar = "bool_" if type_.dtype.kind == "b" else type_.dtype.name
        if type_.dtype.kind == "b" and type_.ndim:  # of a mask both sides: a mean of each is one
            return f"{self.rng}.permuted(np.resize([True, False], {size}))"
        if type_.dtype.kind in "biu":
            text = f"{self.rng}.integers(0, 2{size and ', '}{size})"
        elif GENERATORS[kind]:
            text = f"{self.rng}.uniform({GENERATORS[kind]}{size and ', '}{size})"
        else:
            text = f"{self.rng}.standard_normal({size})"
        if type_.dtype.kind == "c":
            text = f"{text} + 1j * {text}"
        if not type_.ndim:
            return f"np.{scalar}({text})"
        if type_.dtype in (np.float64, np.complex128):
            return text
        text = f"({text})" if type_.dtype.kind == "c" else text
        return f"{text}.astype(np.{scalar})"


def _is_matrix(kind: TensorType) -> bool:
    return kind.ndim >= 2 and kind.shape[-1] == kind.shape[-2] and kind.dtype.kind == "f"
