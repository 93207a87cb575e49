"""SymPy's matrices, indexed sums and products as nodes of whole arrays.

Each index of a sum becomes an axis, that of the innermost sum the last but for the axes of arrays
that stand for symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from symgraph.errors import ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node, constant
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim, Size
from symgraph.graph.types import DType
from symgraph.ops.formula import load_sympy, to_node

__all__ = ["Reader"]

_UNEVALUATED = ("Derivative", "Integral", "Limit", "Subs")


@dataclass(frozen=True)
class _Index:
    """The index of a sum: its first value, how many there are, and how many sums are around it."""

    first: Dim
    count: Dim
    level: int


@dataclass(frozen=True)
class _Walk:
    """Equal steps along an axis, one for each value of a sum's index."""

    start: Dim
    step: int
    count: Dim
    level: int

    @property
    def last(self) -> Dim:
        """Where it ends."""
        return self.start + self.step * (self.count - 1)

    @property
    def ahead(self) -> slice:
        """The slice of the positions, the lowest first."""
        low, high = (self.start, self.last) if self.step > 0 else (self.last, self.start)
        return slice(low, high + 1, abs(self.step))

    @property
    def turn(self) -> slice:
        """What puts them in the order of the index."""
        return slice(None, None, 1 if self.step > 0 else -1)

    def check(self, part: Any, size: Dim) -> None:
        """That it stays in the array, as far as is known."""
        over = [end - size for end in (self.start, self.last)]
        if any(isinstance(end, int) and end < 0 for end in (self.start, self.last)) or any(
            isinstance(end, int) and end >= 0 for end in over
        ):
            raise ShapeError(
                f"{part} runs out of the array",
                expected=f"indices of 0 to {size - 1}",
                got=f"{self.start} to {self.last}",
                hint="indices start at 0, and the last of a sum in SymPy is included",
            )


@dataclass(frozen=True)
class Reader:
    """What the symbols of an expression stand for, and the indices of the sums around it.

    Attributes
    ----------
    nodes : mapping
        By symbol, by name, or by any other subexpression.
    sizes : mapping of str to Size
        Symbolic sizes, which a symbol of the same name means unless it is among the nodes.
    dtype : dtype
        Of what is a number alone.
    rank : int
        Of the arrays that stand for symbols.
    """

    nodes: Mapping[Any, Node]
    sizes: Mapping[str, Size]
    dtype: DType
    rank: int
    indices: Mapping[Any, _Index] = field(default_factory=dict[Any, _Index])

    def read(self, part: Any) -> Node:
        """The node of an expression, a matrix or an array of expressions."""
        sympy = load_sympy()
        if type(part).__name__ == "MatrixSymbol":
            return self.symbol(part)
        found = self.known(part)
        if found is not None:
            return found
        if isinstance(part, sympy.matrices.MatrixBase | sympy.NDimArray):
            return self._entries(part)
        return self._matrix(part) if part.is_Matrix else self._scalar(part)

    def known(self, part: Any) -> Node | None:
        """What the caller put in its place."""
        found = self.nodes.get(part)
        named = getattr(part, "name", None) if found is None else None
        return self.nodes.get(named) if isinstance(named, str) else found

    # Scalars -----------------------------------------------------------------------------------

    def _scalar(self, part: Any) -> Node:
        nodes = dict(self.nodes)
        for inner in self._parts_of_arrays(part):
            nodes[inner] = self._part_of_array(inner)
        return to_node(part, nodes, self.dtype)

    def _parts_of_arrays(self, part: Any) -> Iterator[Any]:
        """The outermost parts that are no operations on numbers alone."""
        stack, seen = [part], dict[int, Any]()
        while stack:
            inner = stack.pop()
            if id(inner) in seen or self.known(inner) is not None:
                continue
            seen[id(inner)] = inner  # kept, so that no other gets its id
            if type(inner).__name__ in _PARTS or (
                inner.is_Symbol and (inner in self.indices or inner.name in self.sizes)
            ):
                yield inner
            else:
                stack += inner.args

    def _part_of_array(self, part: Any) -> Node:
        if part.is_Symbol:
            index = self.indices.get(part)
            return self._values(index) if index else constant(self.sizes[part.name])
        return _PARTS[type(part).__name__](self, part)

    def _values(self, index: _Index, dtype: Any = None) -> Node:
        """An index as numbers along its axis: floats, because powers of integers overflow."""
        dtype = self.dtype if dtype is None else dtype
        numbers = as_node(apply("arange", index.first, index.first + index.count, dtype=dtype))
        return numbers[(slice(None), *[None] * (len(self.indices) - 1 - index.level + self.rank))]

    def evaluated(self, part: Any) -> Node:
        """A derivative or an integral, where SymPy has its value."""
        value = part.doit()
        if value == part or value.has(type(part)):
            raise UnsupportedError(
                f"SymPy leaves {part} as it is",
                hint="put a node in its place by env, or write a quadrature",
            )
        return self.read(value)

    # Sums --------------------------------------------------------------------------------------

    def folded(self, part: Any) -> Node:
        """A sum or a product over indices, the last of which is the outermost."""
        name, neutral = ("sum", 0.0) if type(part).__name__ == "Sum" else ("prod", 1.0)
        reader, conditions = self, list[Any]()
        for symbol, *limits in reversed(part.limits):
            if len(limits) != 2:
                raise UnsupportedError(
                    f"the sum over {symbol} has no limits", hint=f"({symbol}, first, last)"
                )
            (first, _), (_, last) = [reader._range(limit) for limit in limits]
            if reader._moves(limits[0]):
                conditions.append(symbol >= limits[0])
            if reader._moves(limits[1]):
                conditions.append(symbol <= limits[1])
            index = _Index(first, last - first + 1, len(reader.indices))
            reader = replace(reader, indices={**reader.indices, symbol: index})
        value = reader.read(part.function)
        if conditions:
            inside = reader.counting(load_sympy().And(*conditions))
            value = apply("where", inside, value, neutral)
        return reader.reduced(name, value, len(part.limits))

    def reduced(self, name: str, value: Node, count: int) -> Node:
        """Without the axes of so many innermost indices."""
        indices = list(self.indices.values())[-count:]
        places = {index.level - len(self.indices) - self.rank: index for index in indices}
        given = {axis: index for axis, index in places.items() if value.ndim >= -axis}
        along = [axis for axis, index in given.items() if value.shape[axis] == index.count]
        spare = tuple([axis for axis in given if axis not in along])
        repeats = [index.count for axis, index in places.items() if axis not in along]
        if along:
            value = apply(name, value, axis=tuple(along), keepdims=bool(spare))
        if spare:
            value = apply("squeeze", value, axis=(*along, *spare))
        for repeat in repeats:
            value = value * repeat if name == "sum" else value**repeat
        return value

    def _moves(self, limit: Any) -> bool:
        """Whether a limit depends on the indices of the sums around it."""
        return limit.has(*self.indices)

    def _range(self, limit: Any) -> tuple[Dim, Dim]:
        """The least and the greatest value of a limit."""
        ends: list[Any] = [limit, limit]
        for symbol, index in self.indices.items():
            slope = limit.diff(symbol)
            if not slope.is_Integer:
                raise UnsupportedError(
                    f"the limit {limit} of a sum is not linear in {symbol}",
                    hint="sum over a fixed range, with a Piecewise of what counts",
                )
            steps: list[Dim] = [0, index.count - 1]
            for i, step in enumerate(steps if slope > 0 else reversed(steps)):
                ends[i] = ends[i].xreplace({symbol: _symbolic(index.first + step)})
        low, high = [self._dim(end) for end in ends]
        return low, high

    def _dim(self, expression: Any) -> Dim:
        """An integer expression of sizes."""
        sympy = load_sympy()
        if expression.is_Integer:
            return int(expression)
        if expression.is_Symbol and expression.name in self.sizes:
            return self.sizes[expression.name]
        if isinstance(expression, sympy.floor):
            over, under = expression.args[0].as_numer_denom()
            return self._dim(over) // self._dim(under)
        args = expression.args if expression.is_Add or expression.is_Mul else ()
        if not args:
            raise UnsupportedError(
                f"{expression} is no size",
                expected=f"integers and sizes of the arrays: {', '.join(self.sizes) or 'none'}",
                hint="a symbolic size is what placeholders have in their shapes",
            )
        combine: Callable[[Any, Any], Any] = (
            (lambda a, b: a + b) if expression.is_Add else lambda a, b: a * b
        )
        return reduce(combine, map(self._dim, args))

    # Elements ----------------------------------------------------------------------------------

    def element(self, part: Any) -> Node:
        """``x[i, j]`` with indices of sums, numbers or nodes."""
        base, *indices = part.args
        array = self.read(base) if base.is_Matrix else self._given(base)
        if array.ndim != len(indices):
            raise ShapeError(
                f"{part} has {len(indices)} indices",
                expected=f"{array.ndim}, because {base} has shape {array.type.shape}",
                hint="an index for every axis",
            )
        places = [self._place(index) for index in indices]
        levels = [place.level for place in places if isinstance(place, _Walk)]
        if len(set(levels)) < len(levels) or any(place is None for place in places):
            return array[tuple([self._position(index) for index in indices])]
        for place, size in zip(places, array.shape, strict=True):
            if isinstance(place, _Walk):
                place.check(part, size)
        array = array[tuple([p.ahead if isinstance(p, _Walk) else p for p in places])]
        turned = [place.turn for place in places if isinstance(place, _Walk)]
        order = sorted(range(len(levels)), key=lambda i: levels[i])
        array = apply("transpose", array[tuple(turned)], order)
        inner = range(min(levels, default=len(self.indices)), len(self.indices))
        axes = [slice(None) if level in levels else None for level in inner]
        return array[(*axes, *[None] * (self.rank if levels else 0))]

    def _given(self, base: Any) -> Node:
        found = self.known(base)
        if found is None:
            raise UnsupportedError(
                f"the array {base} of the formula stands for nothing",
                hint=f"give it a node in env: {{{str(base)!r}: node}}",
            )
        return found

    def _place(self, index: Any) -> Any:
        """A size, a walk along the axis with the index of a sum, or nothing so simple."""
        moving = [symbol for symbol in self.indices if index.has(symbol)]
        try:
            if not moving:
                return self._dim(index)
            (symbol,) = moving
            step = index.diff(symbol)
            if not step.is_Integer:
                return None
            found = self.indices[symbol]
            start = self._dim((index - step * symbol).expand()) + int(step) * found.first
        except (UnsupportedError, ValueError):
            return None
        return _Walk(start, int(step), found.count, found.level)

    def _position(self, index: Any) -> Any:
        """Integers along the axes of the sums."""
        return int(index) if index.is_Integer else self.counting(index)

    def counting(self, part: Any) -> Node:
        """An expression of indices, in integers."""
        whole = np.dtype(np.int64)
        values = {s: self._values(i, whole) for s, i in self.indices.items() if part.has(s)}
        return replace(self, nodes={**self.nodes, **values}, dtype=whole).read(part)

    # Matrices ----------------------------------------------------------------------------------

    def _entries(self, array: Any) -> Node:
        """An array of expressions, after the axes of arrays that stand for symbols."""
        sympy = load_sympy()
        flat = (
            array.flat()
            if isinstance(array, sympy.matrices.MatrixBase)
            else [*sympy.flatten(array)]
        )
        if not flat:
            return constant(np.zeros(array.shape, self.dtype))
        nodes = [self.read(entry) for entry in flat]
        dtype = np.result_type(*[node.dtype for node in nodes])
        return _nested([apply("astype", node, dtype) for node in _one_shape(nodes)], array.shape)

    def _matrix(self, part: Any) -> Node:
        kind = type(part).__name__
        if kind in _MATRICES:
            return _MATRICES[kind](self, part)
        value = part.doit()
        if value == part:
            raise UnsupportedError(
                f"SymPy's {kind} has no counterpart here",
                hint="put a node in its place by env",
            )
        return self.read(value)

    def symbol(self, part: Any) -> Node:
        """A matrix symbol, whose sizes are checked; one column may be a vector."""
        node = self._given(part)
        declared: tuple[Any, Any] = part.shape
        rows, columns = declared
        if node.ndim == 1 and columns == 1:
            node = node[:, None]
        elif node.ndim == 1 and rows == 1:
            node = node[None, :]
        wrong = node.ndim < 2 or any(
            wanted.is_Integer and isinstance(size, int) and int(wanted) != size
            for wanted, size in zip(declared, node.shape[-2:], strict=True)
        )
        if wrong:
            raise ShapeError(
                f"the matrix {part} of the formula stands for another shape",
                expected=f"({rows}, {columns})",
                got=str(node.type),
            )
        return node

    def product(self, part: Any) -> Node:
        """Numbers times a product of matrices."""
        factors = [self.read(arg) for arg in part.args]
        matrices = [f for f, arg in zip(factors, part.args, strict=True) if arg.is_Matrix]
        numbers = [f for f, arg in zip(factors, part.args, strict=True) if not arg.is_Matrix]
        result = reduce(lambda a, b: a @ b, matrices)
        return reduce(lambda a, b: b * a, numbers, result)

    def power(self, part: Any) -> Node:
        """An integer power of a matrix."""
        base, exponent = part.args
        if not exponent.is_Integer:
            raise UnsupportedError(f"{part}: only integer powers of a matrix", got=str(exponent))
        return apply("matrix_power", self.read(base), int(exponent))

    def applied(self, part: Any) -> Node:
        """A function of each element."""
        (symbol,) = part.function.variables
        nodes = {**self.nodes, symbol: self.read(part.expr)}
        return replace(self, nodes=nodes, rank=2).read(part.function.expr)

    def filled(self, part: Any) -> Node:
        """A matrix of known elements."""
        rows, columns = [self._dim(size) for size in part.shape]
        kind = type(part).__name__
        if kind == "Identity":
            return apply("eye", rows, dtype=self.dtype)
        return apply("zeros" if kind == "ZeroMatrix" else "ones", (rows, columns), self.dtype)

    def sliced(self, part: Any) -> Node:
        """Rows and columns of a matrix."""
        key = [
            slice(*[self._dim(limit) for limit in limits])
            for limits in (part.rowslice, part.colslice)
        ]
        return self.read(part.parent)[(..., *key)]

    def blocks(self, part: Any) -> Node:
        """A matrix of matrices."""
        rows, columns = part.blocks.shape
        return apply(
            "block", [[self.read(part.blocks[i, j]) for j in range(columns)] for i in range(rows)]
        )


def _symbolic(size: Dim) -> Any:
    return load_sympy().Integer(size) if isinstance(size, int) else size.to_sympy()


def _one_shape(nodes: Sequence[Node]) -> Sequence[Node]:
    if len({node.shape for node in nodes}) == 1:
        return nodes
    return apply("broadcast_arrays", *nodes)


def _nested(nodes: Sequence[Node], shape: Sequence[int]) -> Node:
    """A stack for every axis: nested lists in the source."""
    axis = nodes[0].ndim
    for size in reversed(shape):
        nodes = [apply("stack", nodes[i : i + size], axis=axis) for i in range(0, len(nodes), size)]
    return nodes[0]


def _of(name: str) -> Callable[[Reader, Any], Node]:
    """One of our functions of the same operands."""
    return lambda reader, part: apply(name, *[reader.read(arg) for arg in part.args])


def _folded(name: str) -> Callable[[Reader, Any], Node]:
    """One of our functions of two operands, for any number of them."""
    return lambda reader, part: reduce(
        lambda a, b: apply(name, a, b), [reader.read(arg) for arg in part.args]
    )


_PARTS: Mapping[str, Callable[[Reader, Any], Node]] = {
    "Sum": Reader.folded,
    "Product": Reader.folded,
    "Indexed": Reader.element,
    "MatrixElement": Reader.element,
    "Trace": _of("trace"),
    "Determinant": _of("det"),
    **dict.fromkeys(_UNEVALUATED, Reader.evaluated),
}
"""Numbers that are read off arrays, by SymPy's classes."""

_MATRICES: Mapping[str, Callable[[Reader, Any], Node]] = {
    "MatAdd": _folded("add"),
    "MatMul": Reader.product,
    "MatPow": Reader.power,
    "Inverse": lambda reader, part: apply("inv", reader.read(part.arg)),
    "Transpose": lambda reader, part: reader.read(part.arg).mT,
    "Adjoint": lambda reader, part: apply("conjugate", reader.read(part.arg)).mT,
    "HadamardProduct": _folded("multiply"),
    "HadamardPower": _of("power"),
    "KroneckerProduct": _folded("kron"),
    "ElementwiseApplyFunction": Reader.applied,
    "DiagMatrix": lambda reader, part: apply("diag", reader.read(part.args[0])[:, 0]),
    "BlockMatrix": Reader.blocks,
    "MatrixSlice": Reader.sliced,
    **dict.fromkeys(("Identity", "ZeroMatrix", "OneMatrix"), Reader.filled),
}
"""Matrix expressions, by SymPy's classes."""
