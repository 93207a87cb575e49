"""Loops that one operation was emitted as, recognised by their form."""

from __future__ import annotations

import ast
from typing import NamedTuple

__all__ = ["Form", "form_of"]


class Form(NamedTuple):
    """A statement that is one operation.

    Attributes
    ----------
    function : str
        Of `symgraph.reading.statements`; it takes the target's value, and then the arguments.
    target : str
        The name that it binds.
    arguments : list of ast.expr
    """

    function: str
    target: str
    arguments: list[ast.expr]


def form_of(node: ast.For) -> Form | None:
    """The operation that a loop stands for, if it has such a form."""
    return _recurrence(node) or _windows(node)


def _recurrence(node: ast.For) -> Form | None:
    """``for k in range(1, n): h[:, k] += a[:, k] * h[:, k - 1]``, or the other way.

    Backwards it is ``for k in range(n - 1, 0, -1): h[k - 1] += a[k] * h[k]``.
    """
    match node:
        case ast.For(
            target=ast.Name(id=k),
            iter=ast.Call(func=ast.Name(id="range"), args=steps),
            body=[
                ast.AugAssign(
                    target=ast.Subscript(value=ast.Name(id=h), slice=here),
                    op=ast.Add(),
                    value=ast.BinOp(
                        left=ast.Subscript(value=ast.Name(id=a), slice=there),
                        op=ast.Mult(),
                        right=ast.Subscript(value=ast.Name(id=again), slice=before),
                    ),
                )
            ],
        ) if h == again and a != h:
            prefix = ":, " * (len(_entries(here)) - 1)
            texts = [ast.unparse(index).strip("()") for index in (here, there, before)]
            backwards = [ast.unparse(step) for step in steps[1:]] == ["0", "-1"]
            if not backwards and [ast.unparse(step) for step in steps[:-1]] != ["1"]:
                return None
            own, last = f"{prefix}{k}", f"{prefix}{k} - 1"
            if texts != ([last, own, own] if backwards else [own, own, last]):
                return None
            axis = ast.Constant(len(_entries(here)) - 1)
            return Form("recurrence", h, [ast.Name(a, ast.Load()), axis, ast.Constant(backwards)])
        case _:
            return None


def _windows(node: ast.For) -> Form | None:
    """Nested loops over positions, around ``y[..., i : i + 3] += windows[..., i]``."""
    sizes: dict[str, ast.expr] = {}
    inner: ast.stmt = node
    while True:
        match inner:
            case ast.For(
                target=ast.Name(id=name),
                iter=ast.Call(func=ast.Name(id="range"), args=[size]),
                body=[only],
                orelse=[],
            ) if name not in sizes:
                sizes[name] = size
                inner = only
            case _:
                break
    match inner:
        case (
            ast.AugAssign(
                target=ast.Subscript(value=ast.Name(id=y), slice=places),
                op=ast.Add(),
                value=ast.Subscript(
                    value=ast.Name(id=windows), slice=ast.Tuple(elts=[start, *own])
                ),
            )
            | ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=y), slice=places)],
                value=ast.Subscript(
                    value=ast.Name(id=windows), slice=ast.Tuple(elts=[start, *own])
                ),
            )
        ) if _is_ellipsis(start) and windows != y:
            pass
        case _:
            return None
    if [element.id for element in own if isinstance(element, ast.Name)] != list(sizes):
        return None
    entries = _entries(places)
    backwards = _is_ellipsis(entries[0])
    found: dict[str, tuple[int, int, int]] = {}
    for axis, entry in enumerate(entries):
        if _is_ellipsis(entry) or (isinstance(entry, ast.Slice) and ast.unparse(entry) == ":"):
            continue
        position = _position(entry)
        if position is None:
            return None
        name, gap, step = position
        found[name] = (axis - len(entries) if backwards else axis, gap, step)
    if found.keys() != sizes.keys():
        return None
    rows = [found[name] for name in sizes]
    table = [ast.parse(repr(column), mode="eval").body for column in zip(*rows, strict=True)]
    own_sizes = ast.Tuple(list(sizes.values()), ast.Load())
    return Form("windows_added", y, [ast.Name(windows, ast.Load()), own_sizes, *table])


def _position(entry: ast.expr) -> tuple[str, int, int] | None:
    """Name, gap and step of ``gap * i : gap * i + length : step``."""
    match entry:
        case ast.Slice(lower=ast.Name(id=name) as lower, upper=ast.BinOp() as left, step=step):
            gap = 1
        case ast.Slice(
            lower=ast.BinOp(
                left=ast.Constant(value=int(gap)), op=ast.Mult(), right=ast.Name(id=name)
            ) as lower,
            upper=ast.BinOp() as left,
            step=step,
        ):
            pass
        case _:
            return None
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add | ast.Sub):
        left = left.left  # i + n - 1 adds from the left
    if ast.unparse(left) != ast.unparse(lower):
        return None
    match step:
        case None:
            return name, gap, 1
        case ast.Constant(value=int(number)):
            return name, gap, number
        case _:
            return None


def _entries(index: ast.expr) -> list[ast.expr]:
    return index.elts if isinstance(index, ast.Tuple) else [index]


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
