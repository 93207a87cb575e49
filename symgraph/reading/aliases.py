"""Whether binding a name to a changed array is the same as writing into the array.

It is unless another name of the same memory is read afterwards.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import count

from symgraph.errors import Location, UnsupportedError

__all__ = ["check_writes"]

_ATTRIBUTES = {"T", "mT", "real", "imag", "flat"}
_METHODS = {"reshape", "ravel", "transpose", "swapaxes", "squeeze", "diagonal", "view"}
_FUNCTIONS = _METHODS | {
    *("expand_dims", "moveaxis", "broadcast_to", "flip", "asarray", "sliding_window_view"),
    *("permute_dims", "matrix_transpose", "atleast_1d", "atleast_2d", "atleast_3d"),
}


def check_writes(definition: ast.FunctionDef, file: str) -> None:
    """Raise `UnsupportedError` if a function reads through another name what it wrote to.

    Parameters
    ----------
    definition : ast.FunctionDef
    file : str
        For the message.
    """
    _Memory(file).run(definition)


class _Memory:
    """Which memory names stand for, statement by statement."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._new = count()
        self._places: dict[str, frozenset[int]] = {}
        self._counters: set[str] = set()
        self._stale: dict[str, str] = {}
        """Names whose memory was written to by another, with that one."""

    def run(self, definition: ast.FunctionDef) -> None:
        for argument in definition.args.args:
            self._places[argument.arg] = frozenset({next(self._new)})
        self._block(definition.body)

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.If():
                self._read(node.test)
                before, stale = dict(self._places), dict(self._stale)
                self._block(node.body)
                places, self._places = self._places, before
                first, self._stale = self._stale, stale
                self._block(node.orelse)
                for name, own in places.items():
                    self._places[name] = own | self._places.get(name, frozenset())
                self._stale |= first
            case ast.For():
                self._read(node.iter)
                self._counters |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
                self._block(node.body)
                self._block(node.body)  # what one round writes to, the next one may read
            case ast.AugAssign(target=target):
                self._read(node.value)
                self._write(target)
            case ast.Assign(targets=[ast.Subscript() as target]):
                self._read(node.value)
                self._write(target)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                self._read(node.value)
                owned = [self._memory(value) for value in values]
                for target, own in zip(targets, owned, strict=False):
                    self._bind(target, own)
            case (
                ast.Assign(value=ast.Call(keywords=[ast.keyword(arg="out", value=place)]))
                | ast.Expr(value=ast.Call(keywords=[ast.keyword(arg="out", value=place)]))
            ):
                self._read(node.value)
                self._write(place)
                if isinstance(node, ast.Assign):
                    self._move(place, node.targets[0])
            case ast.Assign(targets=[target], value=value):
                self._read(value)
                self._bind(target, self._memory(value))
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="at"), args=[target, *_])):
                self._read(node.value)
                self._write(target)
            case _:
                self._read(node)

    def _move(self, place: ast.expr, target: ast.expr) -> None:
        """Let a name stand for memory that was written to under another one."""
        own = self._memory(place)
        match place, target:
            case ast.Name(id=old), ast.Name(id=new) if old != new:
                self._stale[old] = new
            case _:
                pass
        self._bind(target, own)

    def _read(self, tree: ast.AST) -> None:
        for inner in ast.walk(tree):
            if isinstance(inner, ast.Name) and inner.id in self._stale:
                raise UnsupportedError(
                    f"{inner.id} shares memory with {self._stale[inner.id]}, which was written to",
                    hint="only what symgraph emitted can be read; in what was edited, write "
                    "y = x.copy() before y is changed",
                    where=Location(self._file, inner.lineno),
                )

    def _bind(self, target: ast.expr, own: frozenset[int]) -> None:
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name):
                self._places[inner.id] = own
                self._stale.pop(inner.id, None)

    def _write(self, target: ast.expr) -> None:
        while isinstance(target, ast.Subscript):
            self._read(target.slice)
            target = target.value
        self._read(target)
        if isinstance(target, ast.Name):
            own = self._places.get(target.id, frozenset())
            for name, places in self._places.items():
                if name != target.id and places & own:
                    self._stale[name] = target.id

    def _memory(self, value: ast.expr) -> frozenset[int]:
        """What a name that is bound to an expression may share."""
        match value:
            case ast.Name(id=name):
                return self._places.get(name, frozenset())
            case ast.Attribute(value=inner, attr=attribute) if attribute in _ATTRIBUTES:
                return self._memory(inner)
            case ast.Subscript(value=inner) if self._is_basic(value.slice):
                return self._memory(inner)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=[inner, *_]):
                own = inner if name in _FUNCTIONS else None
                return frozenset({next(self._new)}) if own is None else self._memory(own)
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _METHODS:
                return self._memory(inner)
            case _:
                return frozenset({next(self._new)})

    def _is_basic(self, index: ast.expr) -> bool:
        """Whether an index picks a view: slices and numbers, no arrays."""
        match index:
            case ast.Tuple(elts=elements):
                return all(map(self._is_basic, elements))
            case ast.Slice() | ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
                return True
            case ast.Name(id=name):
                return name in self._counters
            case _:
                return False
