"""Sparse Jacobians and Hessians: only what is not zero, with a pattern that is known now."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal, NamedTuple, cast

import numpy as np

from symgraph.differentiate import grad, jvp, vjp
from symgraph.errors import DerivativeError, InputError
from symgraph.graph.graph import flatten_nodes
from symgraph.graph.leaves import Placeholder
from symgraph.graph.node import Node, constant, made_since, make, placeholder
from symgraph.graph.refusal import public
from symgraph.graph.registry import apply
from symgraph.graph.side import NAMES
from symgraph.graph.sizes import Dim
from symgraph.graph.tree import unflatten
from symgraph.ops.create import Arange
from symgraph.simplify import simplify
from symgraph.transforms.colouring import (
    colour_acyclic,
    colour_columns,
    colour_star,
    readable,
    trees,
)
from symgraph.transforms.parametric import Found, coordinates, is_symbolic
from symgraph.transforms.sparsity import (
    Entries,
    Indices,
    as_index,
    closed_entries,
    is_range,
    length_of,
    pattern,
)
from symgraph.transforms.vjp import Unconnected, check_connected, check_differentiable
from symgraph.transforms.vmap import vmap

__all__ = ["Compressed", "Coordinates", "sparse_hessian", "sparse_jacobian"]

Format = Literal["coo", "csr", "csc"]


class Coordinates(NamedTuple):
    """A sparse matrix by its entries, each once; of nodes or, from a function, of arrays."""

    data: Any
    rows: Any
    cols: Any

    def to_scipy(self, shape: tuple[int, int]) -> Any:
        """The arrays as a ``scipy.sparse.coo_array``; needs SciPy."""
        sparse: Any = import_module("scipy.sparse")
        return sparse.coo_array((self.data, (self.rows, self.cols)), shape=shape)


class Compressed(NamedTuple):
    """A sparse matrix by rows (CSR) or columns (CSC), in the order that SciPy takes."""

    data: Any
    indices: Any
    indptr: Any

    def to_scipy(self, shape: tuple[int, int], format: Literal["csr", "csc"] = "csr") -> Any:
        """The arrays as a ``scipy.sparse.csr_array`` or ``csc_array``; needs SciPy."""
        sparse: Any = import_module("scipy.sparse")
        kind = {"csr": sparse.csr_array, "csc": sparse.csc_array}[format]
        return kind((self.data, self.indices, self.indptr), shape=shape)


@public
def sparse_jacobian(
    y: Any, wrt: Any, *, format: Format = "coo", unconnected: Unconnected = "raise"
) -> Any:
    """The entries of a Jacobian that may not be zero.

    Its rows are the elements of ``ravel(y)``, its columns those of ``ravel(wrt)``. The pattern
    follows from the graph. Where only element-wise operations, moves of elements (slices, joins,
    sums, scatters) and products with other arrays lie between, the entries are formulas; else they
    come from products with groups of columns or rows that have nothing in common, as few as a
    greedy colouring finds.

    Where a size is symbolic the rows and columns are computed from the sizes, and all that is said
    of them holds for every size with which the function may be called: diagonals, dense rows,
    columns and blocks, stencils on grids. What cannot be followed for all sizes counts as dense,
    along the axes that it works along. For sizes too small for the pattern a call is an error
    (a ring of no elements). Two formulas that meet in some places only (an antidiagonal
    that crosses the diagonal if there is a middle, a ring of two) name these twice, and the values
    add up, as everywhere in this format; with sizes that are numbers each place stands once.

    Parameters
    ----------
    y, wrt : tree of Node
        Real; of any shape.
    format : {"coo", "csr", "csc"}
        The data with rows and columns, or with indices and index pointers as SciPy takes them.
    unconnected : {"raise", "zero"}
        What to do if `y` does not depend on one of `wrt`.

    Returns
    -------
    Coordinates or Compressed, or tree of them
        Named tuples of nodes; a compiled function returns them with arrays. In the form of `y`,
        where for each output there stands a tree in the form of `wrt`.

    Raises
    ------
    DerivativeError, DisconnectedError
        As `jacobian`.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> J = sg.function([x], sg.sparse_jacobian(x[1:] * x[:-1], x))(np.arange(4.0))
    >>> J.to_scipy((3, 4)).toarray()
    array([[1., 0., 0., 0.],
           [0., 2., 1., 0.],
           [0., 0., 3., 2.]])
    """
    ys, form = flatten_nodes(y, "output")
    xs, wrt_form = flatten_nodes(wrt, "wrt")
    check_connected(y, wrt, unconnected)
    _check(ys, xs, format)
    if all(isinstance(x.op, Placeholder) for x in xs):
        ys = simplify(ys).outputs
    rows = [[_block(out, x, format, symmetric=False) for x in xs] for out in ys]
    return unflatten(form, [unflatten(wrt_form, row) for row in rows])


def _check(ys: Sequence[Node], xs: Sequence[Node], format: Format) -> None:
    for node, role in [*[(y, "the output") for y in ys], *[(x, "wrt:") for x in xs]]:
        check_differentiable(node, role)
        if node.dtype.kind == "c":
            raise DerivativeError(f"the sparse derivative of or by complex values: {node!r}")
    if format not in ("coo", "csr", "csc"):
        raise InputError("format", expected="'coo', 'csr' or 'csc'", got=repr(format))


def _block(
    y: Node, wrt: Node, format: Format, *, symmetric: bool, substitution: bool = False
) -> Coordinates | Compressed:
    before = placeholder("before", ())
    if is_symbolic(y, wrt):
        result = _formatted_nodes(coordinates(y, wrt), y.size, wrt.size, format)
    else:
        entries = closed_entries(y, wrt)
        if entries is not None:
            found = _assembled(entries, y, wrt)
        else:
            found = _compressed_products(y, wrt, symmetric=symmetric, substitution=substitution)
        result = _formatted(found, length_of(y), length_of(wrt), format)
    new = made_since(before)
    for name, node in zip(result._fields, result, strict=True):
        if node in new and node.inputs:
            NAMES.setdefault(node, name)
    return result


@public
def sparse_hessian(
    loss: Node,
    wrt: Any,
    *,
    format: Format = "coo",
    unconnected: Unconnected = "raise",
    substitution: bool = False,
) -> Any:
    """The entries of a Hessian that may not be zero: `sparse_jacobian` of the gradient.

    Parameters
    ----------
    loss : Node
        Shape ``()``, real.
    wrt, format, unconnected
        As in `sparse_jacobian`.
    substitution : bool
        Where the entries are no formulas and sizes are numbers: whether some may be found as
        differences, if that takes fewer products (two instead of three for a tridiagonal Hessian:
        an acyclic colouring instead of a star colouring). By default every entry is read as it
        stands in a product, exact to rounding. A difference has the rounding error of the sums
        that it is taken of: small entries beside large ones lose digits, and an infinity spoils
        its neighbours.

    Returns
    -------
    Coordinates or Compressed, or tree of them
        Both triangles. In the form of `wrt`, where for each variable there stands a tree in the
        form of `wrt`: the second derivatives by the two.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> H = sg.function([x], sg.sparse_hessian(np.sum(x[1:] * x[:-1] ** 2), x))(np.ones(3))
    >>> H.to_scipy((3, 3)).toarray()
    array([[2., 2., 0.],
           [2., 2., 2.],
           [0., 2., 0.]])
    """
    gradient = grad(loss, wrt, unconnected=unconnected)
    ys, _ = flatten_nodes(gradient, "gradient")
    xs, form = flatten_nodes(wrt, "wrt")
    _check(ys, xs, format)
    if all(isinstance(x.op, Placeholder) for x in xs):
        ys = simplify(ys).outputs
    rows = [
        [
            _block(y, x, format, symmetric=i == j, substitution=substitution)
            for j, x in enumerate(xs)
        ]
        for i, y in enumerate(ys)
    ]
    return unflatten(form, [unflatten(form, row) for row in rows])


class _Found(NamedTuple):
    """Entries each once, in any order."""

    data: Node
    rows: Indices
    columns: Indices


def _assembled(entries: list[Entries], y: Node, x: Node) -> _Found:
    """Closed formulas put together, in the order in which most of them are slices."""
    height = max(length_of(y), 1)
    # A number for each place: diagonals one after the other, each from the top.
    keys = [(e.columns - e.rows + height) * height + e.rows for e in entries]
    if not keys:
        nothing = np.zeros(0, np.int64)
        return _Found(constant(np.zeros(0, y.dtype)), nothing, nothing)
    values = [cast("Node", e.value).astype(y.dtype) for e in entries]
    order, places = min([_by_diagonals(keys), _by_formulas(keys)], key=_scattered)
    rows = order % height
    return _Found(_summed(list(zip(places, values, strict=True)), len(order), y), rows,
                  order // height - height + rows)  # fmt: skip


def _by_diagonals(keys: list[Indices]) -> tuple[Indices, list[Indices]]:
    """Every key once, the smallest first, and where each list of keys went."""
    order = np.unique(np.concatenate(keys))
    return order, [np.searchsorted(order, key) for key in keys]


def _by_formulas(keys: list[Indices]) -> tuple[Indices, list[Indices]]:
    """Every key once, in the order in which the longest lists name them."""
    longest = sorted(keys, key=len, reverse=True)
    joined, first = np.unique(np.concatenate(longest), return_index=True)
    rank = np.empty(len(joined), np.int64)
    rank[np.argsort(first)] = np.arange(len(joined))
    order = joined[np.argsort(rank)]
    return order, [rank[np.searchsorted(joined, key)] for key in keys]


def _scattered(found: tuple[Indices, list[Indices]]) -> int:
    """How many entries are not written by slices."""
    return sum([len(p) for p in found[1] if not isinstance(as_index(p), slice)])


def _summed(pieces: list[tuple[Indices, Node]], total: int, like: Node) -> Node:
    """A vector with values added at known places."""
    joined: list[tuple[Indices, Node]] = []
    for places, value in sorted(pieces, key=lambda piece: piece[0][0]):
        if joined and joined[-1][1] is value and not value.ndim:
            both = np.concatenate([joined[-1][0], places])
            if is_range(both):
                joined[-1] = (both, value)
                continue
        joined.append((places, value))
    ends = np.cumsum([0, *[len(places) for places, _ in joined]])
    if all(is_range(p) and p[0] == end for (p, _), end in zip(joined, ends, strict=False)):
        parts = [apply("broadcast_to", value, (len(places),)) for places, value in joined]
        return parts[0] if len(parts) == 1 else apply("concatenate", parts)
    data = apply("broadcast_to", constant(np.zeros((), like.dtype)), (total,))
    for places, value in joined:
        data = data.at[as_index(places)].add(value)
    return data


def _compressed_products(y: Node, x: Node, *, symmetric: bool, substitution: bool) -> _Found:
    """Products with groups of columns or rows, whichever are fewer, and the entries in them."""
    rows, columns = pattern(y, x)
    height, width = length_of(y), length_of(x)
    by_column = colour_columns(rows, columns, width)
    by_row = colour_columns(columns, rows, height)
    forward = by_column.max(initial=0) <= by_row.max(initial=0)
    colours = by_column if forward else by_row
    star = trees_of = None
    if symmetric and _is_symmetric(rows, columns):
        star = _fewer(colour_star(rows, columns, width), colours)
        colours = colours if star is None else star
        if substitution:
            trees_of = _fewer(colour_acyclic(rows, columns, width), colours)
            colours = colours if trees_of is None else trees_of
    forward = forward or star is not None or trees_of is not None
    products = _products(y, x, colours, forward=forward)
    if trees_of is not None:
        return _substituted(products, rows, columns, colours)
    places = colours[columns] * height + rows if forward else colours[rows] * width + columns
    if star is not None:
        # What is not alone in its row is read where it stands in the other triangle.
        alone = readable(rows, columns, colours)
        places = np.where(alone, places, colours[rows] * height + columns)
    return _Found(products[as_index(places)], rows, columns)


def _fewer(colours: Indices, than: Indices) -> Indices | None:
    return colours if colours.max(initial=0) < than.max(initial=0) else None


def _products(y: Node, x: Node, colours: Indices, *, forward: bool) -> Node:
    """The products with all groups, one after the other."""
    like, other = (x, y) if forward else (y, x)
    count = int(colours.max(initial=-1)) + 1
    groups = _range(0, count)[:, None] == _numbers(colours)
    seeds = apply("reshape", groups.astype(like.dtype), (count, *like.shape))

    def product(seed: Node) -> Node:
        transform = jvp if forward else vjp
        return transform(y, x, seed, unconnected="zero")

    return apply("reshape", vmap(product)(seeds), (count * length_of(other),))


def _substituted(products: Node, rows: Indices, columns: Indices, colours: Indices) -> _Found:
    """The entries of an acyclic colouring: read where they are alone, the others by differences."""
    count = len(colours)
    alone = readable(rows, columns, colours)
    found = trees(rows, columns, colours)
    keys = rows * count + columns
    mirrored = alone[np.searchsorted(keys, columns * count + rows)]
    direct = alone | mirrored
    r, c = np.where(alone, rows, columns)[direct], np.where(alone, columns, rows)[direct]
    kept = ~direct[np.searchsorted(keys, found.rows * count + found.columns)]
    terms = products[as_index(found.colours * count + found.vertices)] * found.signs
    zero = constant(np.zeros(1, products.dtype))
    totals = apply("concatenate", [zero, apply("cumsum", terms.astype(products.dtype))])
    last, first = (totals[as_index(ends[kept])] for ends in (found.last, found.first))
    edges = (last - first) * constant(found.factors[kept]).astype(products.dtype)
    read = products[as_index(colours[c] * count + r)]
    i, j = found.rows[kept], found.columns[kept]
    return _Found(
        apply("concatenate", [read, edges, edges]),
        np.concatenate([rows[direct], i, j]),
        np.concatenate([columns[direct], j, i]),
    )


def _is_symmetric(rows: Indices, columns: Indices) -> bool:
    entries = set(zip(rows.tolist(), columns.tolist(), strict=True))
    return all((column, row) in entries for row, column in entries)


_SHORT, _MOST_RANGES = 12, 16


def _numbers(values: Indices, short: int = _SHORT) -> Node:
    """Known integers: as ranges and grids of them, if they are some, else as they are."""
    if len(values) <= short:
        return constant(values)
    steps = np.diff(values)
    breaks = np.flatnonzero(steps != steps[0]) + 1
    if not len(breaks):
        return _progression(values)
    table = values.reshape(-1, breaks[0]) if len(values) % breaks[0] == 0 else values[None]
    if len(table) > 1 and np.all(table - table[:, :1] == table[0] - table[0, 0]):
        return _grid(table[:, 0], table[0])
    breaks = np.flatnonzero(steps != 1) + 1
    if len(breaks) >= _MOST_RANGES:
        return constant(values)
    return apply("concatenate", [_progression(run) for run in np.split(values, breaks)])


def _progression(values: Indices) -> Node:
    """Integers with one distance from each to the next."""
    start, step = int(values[0]), int(values[1] - values[0]) if len(values) > 1 else 1
    if step < 1:
        same = apply("broadcast_to", constant(start, np.int64), (len(values),))
        return same if step == 0 else constant(values)
    return make(Arange(start, int(values[-1]) + 1, step, np.dtype(np.int64)))


def _grid(starts: Indices, inner: Indices) -> Node:
    """Runs of one form from several starts on."""
    if np.all(starts == starts[0]):
        return apply("tile", _numbers(inner, 1), len(starts))
    if np.all(inner == inner[0]):
        return apply("repeat", _numbers(starts, 1), len(inner))
    return apply("ravel", _numbers(starts - starts[0], 1)[:, None] + _numbers(inner, 1))


def _range(start: int, stop: int) -> Node:
    return make(Arange(start, stop, 1, np.dtype(np.int64)))


def _formatted(found: _Found, height: int, width: int, format: Format) -> Coordinates | Compressed:
    if format == "coo":
        return Coordinates(found.data, _numbers(found.rows), _numbers(found.columns))
    outer, inner = (found.rows, found.columns)[:: 1 if format == "csr" else -1]
    order = np.lexsort((inner, outer))
    count = height if format == "csr" else width
    pointers = np.searchsorted(outer[order], np.arange(count + 1))
    data = found.data[as_index(order)]
    return Compressed(data, _numbers(inner[order]), _numbers(pointers))


def _formatted_nodes(
    found: Found, height: Dim, width: Dim, format: Format
) -> Coordinates | Compressed:
    """Sorted when the function runs: the order depends on the sizes."""
    if format == "coo":
        return Coordinates(*found)
    outer, inner = (found.rows, found.columns)[:: 1 if format == "csr" else -1]
    count, length = (height, width) if format == "csr" else (width, height)
    order = apply("argsort", outer * constant(length) + inner, kind="stable")
    ends = apply("arange", count + 1)
    pointers = apply("searchsorted", outer[order], ends)
    return Compressed(found.data[order], inner[order], pointers)
