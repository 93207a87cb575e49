"""Checks of a call: every argument is looked at before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from symgraph.errors import InputError
from symgraph.graph.node import Node, is_masked
from symgraph.graph.record import record
from symgraph.graph.sizes import Dim, dim_names, evaluate, solve
from symgraph.graph.tree import Tree, leaf_paths
from symgraph.graph.types import TensorType

__all__ = ["Argument", "ArgumentChecker", "ArgumentCollector", "top_names"]

_ARRAY = np.ndarray
_SCALARS = (int, float, complex, bool)


@record
class Argument:
    """What is declared of an argument."""

    name: str
    type: TensorType

    def describe(self) -> str:
        """``x: float64, shape (n, 3)``."""
        return f"{self.type.dtype.name}, shape {self.type.shape}"


class ArgumentChecker:
    """Checks and converts the arguments of one function.

    Parameters
    ----------
    arguments : sequence of Argument
    requirements : sequence of Dim
        Sizes that must not be negative.
    """

    def __init__(self, arguments: Sequence[Argument], requirements: Sequence[Dim]) -> None:
        self.arguments = list(arguments)
        self.requirements = list(requirements)
        self._rows = [self._row(argument) for argument in arguments]
        self._expressions = any(row[4] for row in self._rows)

    @staticmethod
    def _row(argument: Argument) -> tuple[Any, ...]:
        shape = argument.type.shape
        fixed = tuple([(i, d) for i, d in enumerate(shape) if isinstance(d, int)])
        plain = tuple(
            [
                (i, str(d))
                for i, d in enumerate(shape)
                if not isinstance(d, int) and d.names == {str(d)}
            ]
        )
        rest = tuple(
            [(i, d) for i, d in enumerate(shape) if not isinstance(d, int) and d.names != {str(d)}]
        )
        dtype = argument.type.dtype
        return (dtype, len(shape), fixed, plain, rest, dtype.type, _python_kind(dtype), argument)

    def __call__(
        self, values: Sequence[Any], given: Mapping[str, tuple[int, str]] | None = None
    ) -> list[Any]:
        """The arguments as arrays and scalars of the declared dtypes.

        Parameters
        ----------
        values : sequence
            One for each argument.
        given : mapping, optional
            Sizes that are fixed already, with the name of what fixed them.

        Raises
        ------
        InputError
            If one does not fit its declaration, or two disagree on a size.
        """
        result: list[Any] = []
        sizes = {name: size for name, (size, _) in given.items()} if given else {}
        fixed_by = {name: origin for name, (_, origin) in given.items()} if given else {}
        for value, row in zip(values, self._rows, strict=True):
            dtype, ndim, fixed, plain, _, scalar, python, argument = row
            if ndim == 0 and (type(value) is python or type(value) is scalar):
                result.append(scalar(value))
                continue
            if type(value) is not _ARRAY or value.dtype is not dtype or value.ndim != ndim:
                value = _convert(value, argument)
            if ndim == 0:
                result.append(value[()])
                continue
            shape = value.shape
            if any(shape[axis] != length for axis, length in fixed):
                raise _wrong_shape(argument, shape)
            for axis, name in plain:
                size = sizes.setdefault(name, shape[axis])
                if size is not shape[axis] and size != shape[axis]:
                    raise _disagreement(argument, shape, name, size, fixed_by[name])
                if name not in fixed_by:
                    fixed_by[name] = argument.name
            result.append(value)
        if self._expressions:
            self._check_expressions(result, sizes, fixed_by)
        if self.requirements:
            self._check_requirements(sizes)
        return result

    def _check_expressions(
        self, values: Sequence[Any], sizes: dict[str, int], fixed_by: dict[str, str]
    ) -> None:
        pending = [
            (value.shape[axis], dim, row[7], value.shape)
            for value, row in zip(values, self._rows, strict=True)
            for axis, dim in row[4]
        ]
        while pending:
            later: list[Any] = []
            for length, dim, argument, shape in pending:
                unknown = dim_names(dim) - sizes.keys()
                if not unknown:
                    if evaluate(dim, sizes) != length:
                        raise _wrong_expression(argument, shape, dim, sizes, fixed_by)
                elif not self._solve(dim, unknown, length, argument, sizes, fixed_by, shape):
                    later.append((length, dim, argument, shape))
            if len(later) == len(pending):
                return  # the head of the function could not be written either: never reached
            pending = later

    @staticmethod
    def _solve(
        dim: Any,
        unknown: frozenset[str],
        length: int,
        argument: Argument,
        sizes: dict[str, int],
        fixed_by: dict[str, str],
        shape: tuple[int, ...],
    ) -> bool:
        if len(unknown) != 1:
            return False
        (name,) = unknown
        value = solve(dim, name, length, sizes)
        if value is None:
            raise _wrong_expression(argument, shape, dim, sizes, fixed_by)
        sizes[name] = value
        fixed_by[name] = argument.name
        return True

    def _check_requirements(self, sizes: Mapping[str, int]) -> None:
        for dim in self.requirements:
            if not dim_names(dim) <= sizes.keys():
                continue
            if evaluate(dim, sizes) < 0:
                values = ", ".join(f"{n} = {sizes[n]}" for n in sorted(dim_names(dim)))
                raise InputError(
                    "an argument is too short for the function", expected=f"{dim} >= 0", got=values
                )


def _python_kind(dtype: np.dtype[Any]) -> type:
    return {"f": float, "c": complex, "b": bool}.get(dtype.kind, dtype.type)


def _convert(value: Any, argument: Argument) -> Any:
    """An array of the declared dtype, if the conversion loses nothing."""
    dtype = argument.type.dtype
    if isinstance(value, Node):
        raise InputError(
            f"argument {argument.name} is a node",
            expected=argument.describe(),
            got=repr(value),
            hint="a compiled function takes arrays; build nodes with the NumPy functions instead",
        )
    if is_masked(value):
        raise InputError(
            f"argument {argument.name} is a masked array",
            expected=argument.describe(),
            got="numpy.ma.MaskedArray",
            hint="fill it first: value.filled(0.0)",
        )
    kind = cast("type[Any]", type(value))
    weak = issubclass(kind, (*_SCALARS, list, tuple)) and not issubclass(kind, np.generic)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"argument {argument.name} is not an array",
            expected=argument.describe(),
            got=f"{type(value).__name__}: {error}",
        ) from None
    if weak and array.size == 0:
        array = array.astype(dtype)
    if not _fits(array, dtype, weak):
        raise InputError(
            f"argument {argument.name} has the wrong dtype",
            expected=argument.describe(),
            got=_came(array) if array.dtype.kind in "biufc" else _what_came(value, array),
            hint=_conversion(argument.name, array, dtype),
        )
    if array.ndim != argument.type.ndim:
        raise InputError(
            f"argument {argument.name} has the wrong number of dimensions",
            expected=argument.describe(),
            got=_came(array),
        )
    try:
        with np.errstate(over="ignore"):
            return array.astype(dtype, copy=False).view(np.ndarray)
    except OverflowError:
        raise InputError(
            f"argument {argument.name} is out of range",
            expected=argument.describe(),
            got=_came(array),
        ) from None


def _fits(array: np.ndarray[Any, Any], dtype: np.dtype[Any], weak: bool) -> bool:
    if array.dtype.kind not in "biufc":
        return False
    if np.can_cast(array.dtype, dtype, "safe"):
        return True
    if not weak:
        return False
    # Python's own numbers adapt to the declared dtype, as in NumPy's promotion.
    order = "biufc"
    kind = "i" if array.dtype.kind == "u" else array.dtype.kind
    wanted = "i" if dtype.kind == "u" else dtype.kind
    if kind == "i" and wanted == "i" and array.size:
        limits = np.iinfo(dtype)
        return bool(array.min() >= limits.min and array.max() <= limits.max)
    return order.index(kind) <= order.index(wanted)


def _what_came(value: Any, array: np.ndarray[Any, Any]) -> str:
    """What is no array of numbers: its own type, and what its elements are."""
    kind = cast("type[Any]", type(value))
    if issubclass(kind, np.ndarray | list | tuple) and array.size:
        return f"{kind.__name__} of {array.dtype.name}, shape {array.shape}"
    return kind.__name__


def _conversion(name: str, array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> str:
    """How an argument of the wrong dtype may become one of the right dtype."""
    wanted = f"np.{dtype.name}"
    if array.dtype.kind not in "biufc":
        return f"pass an array of numbers: np.asarray({name}, dtype={wanted})"
    if array.dtype.kind == "c":
        return f"take {name}.real if that is meant, or declare the placeholder as complex"
    return f"convert it: {name}.astype({wanted})"


def _came(array: np.ndarray[Any, Any]) -> str:
    return f"{array.dtype.name}, shape {array.shape}"


def _wrong_shape(argument: Argument, shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"argument {argument.name} has the wrong shape",
        expected=argument.describe(),
        got=f"shape {shape}",
    )


def _disagreement(
    argument: Argument, shape: tuple[int, ...], name: str, known: int, other: str
) -> InputError:
    same = other == argument.name
    return InputError(
        f"argument {argument.name} has the wrong shape: the size {name} differs",
        expected=f"{argument.describe()} with {name} = {known}"
        + (" (from its own first such axis)" if same else f", which {other} fixed"),
        got=f"shape {shape}",
    )


def _wrong_expression(
    argument: Argument,
    shape: tuple[int, ...],
    dim: Dim,
    sizes: Mapping[str, int],
    fixed_by: Mapping[str, str],
) -> InputError:
    known = [
        f"{n} = {sizes[n]} fixed by {fixed_by[n]}"
        for n in sorted(dim_names(dim))
        if n in sizes and n in fixed_by and fixed_by[n] != argument.name
    ]
    return InputError(
        f"argument {argument.name} has the wrong shape: {dim} cannot be its size",
        expected=argument.describe() + (f" with {', '.join(known)}" if known else ""),
        got=f"shape {shape}",
    )


class ArgumentCollector:
    """Brings arguments given by position, by name and as trees into one flat list.

    Parameters
    ----------
    name : str
        Of the function, for messages.
    arguments : sequence of Argument
        The leaves.
    form : Tree
        How they are grouped.
    """

    def __init__(self, name: str, arguments: Sequence[Argument], form: Tree) -> None:
        self.name = name
        self.names = top_names(arguments, form)
        self.children = form.children if form.kind is not None else (form,)

    def __call__(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """The flat arguments.

        Raises
        ------
        InputError
            If one is missing, unknown, given twice, or not in the declared form.
        """
        names, children = self.names, self.children
        if len(args) > len(children):
            raise InputError(
                f"{self.name}() got too many arguments",
                expected=f"{len(children)}: {', '.join(names)}",
                got=f"{len(args)}",
            )
        given: dict[int, Any] = dict(enumerate(args))
        for key, value in keywords.items():
            if names.count(key) != 1:
                raise InputError(
                    f"{self.name}() has no argument {key!r}"
                    if key not in names
                    else f"{self.name}() has several arguments named {key!r}",
                    expected=", ".join(names),
                    got=key,
                    hint="give it by position" if key in names else "",
                )
            place = names.index(key)
            if place in given:
                raise InputError(f"{self.name}() got argument {key!r} twice")
            given[place] = value
        missing = [names[i] for i in range(len(children)) if i not in given]
        if missing:
            raise InputError(
                f"{self.name}() is missing {', '.join(missing)}",
                expected=", ".join(names),
                got=", ".join(names[i] for i in sorted(given)) or "nothing",
            )
        flat: list[Any] = []
        for i, child in enumerate(children):
            flat += _branch(child, given[i], names[i])
        return flat


def _branch(form: Tree, value: Any, name: str) -> list[Any]:
    if form.kind is None:
        return [value]
    leaves, found = flatten_like(value, form)
    if leaves is None:
        raise InputError(
            f"{name if ' ' in name else f'argument {name}'} has not the form that was declared",
            expected=describe_tree(form),
            got=found,
        )
    return leaves


def top_names(arguments: Sequence[Argument], form: Tree) -> list[str]:
    """Names of the top-level arguments: keys of a dict, or the placeholders' own."""
    if form.kind is None:
        return [arguments[0].name]
    if form.keys:
        return [str(key) for key in form.keys]
    names: list[str] = []
    place = 0
    for i, child in enumerate(form.children):
        names.append(arguments[place].name if child.kind is None else f"argument {i}")
        place += child.leaves
    return names


def flatten_like(value: Any, form: Tree) -> tuple[list[Any] | None, str]:
    """The leaves of a value that has this form, dicts by key; otherwise what came instead."""
    if form.kind is None:
        return [value], ""
    name = type(value).__name__
    items: list[Any]
    if form.keys or issubclass(form.kind, dict):
        if not isinstance(value, dict):
            return None, name
        mapping = cast("dict[Any, Any]", value)
        if set(mapping) != set(form.keys):
            return None, f"{name} {list(mapping)}"
        items = [mapping[key] for key in form.keys]
    else:
        if not isinstance(value, list | tuple):
            return None, name
        items = list(cast("Sequence[Any]", value))
        if len(items) != len(form.children):
            return None, f"{name} of {len(items)}"
    leaves: list[Any] = []
    for item, child in zip(items, form.children, strict=True):
        below, problem = flatten_like(item, child)
        if below is None:
            return None, problem
        leaves += below
    return leaves, ""


def describe_tree(form: Tree) -> str:
    """A form in words."""
    kind = "a value" if form.kind is None else form.kind.__name__
    return f"{kind} with the leaves {', '.join(leaf_paths(form))}"
