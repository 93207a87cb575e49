"""einsum, and what is spelled with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_letters
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.node import Node, as_node
from symgraph.graph.registry import builder
from symgraph.graph.types import as_dtype
from symgraph.ops.contract import contract, label_sizes, stand_in
from symgraph.ops.elementwise import astype
from symgraph.ops.kinds import Example, any_node, promote
from symgraph.ops.products import array, matmul
from symgraph.ops.shape import (
    expand_dims,
    normalize_axis_list,
    reshape,
    shape_text,
    squeeze,
)

__all__ = ["dot", "einsum", "einsum_path", "inner", "kron", "tensordot"]


# Reading subscripts ----------------------------------------------------------------------------


def _parse(subscripts: str, nodes: Sequence[Node]) -> tuple[list[str], str]:
    """A letter for each axis of the operands, and the letters of the result."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    texts = left.split(",")
    if len(texts) != len(nodes):
        raise ShapeError(
            "einsum: one group of indices is needed for each operand",
            expected=f"{len(nodes)} groups",
            got=repr(subscripts),
        )
    free = [letter for letter in reversed(ascii_letters) if letter not in text]
    ranks = [
        _ellipsis_rank(part, node, subscripts) for part, node in zip(texts, nodes, strict=True)
    ]
    if max(ranks) > len(free):
        raise UnsupportedError("einsum: too many indices", got=repr(subscripts))
    dots = "".join(reversed(free[: max(ranks)]))
    named = [
        part.replace("...", dots[len(dots) - rank :])
        for part, rank in zip(texts, ranks, strict=True)
    ]
    if not arrow:
        counts = Counter("".join(texts).replace(".", ""))
        return named, dots + "".join(sorted([label for label, n in counts.items() if n == 1]))
    if dots and "..." not in right:
        raise ShapeError(
            "einsum: the result must hold the axes of the ellipsis",
            expected="... after ->",
            got=repr(subscripts),
        )
    output = right.replace("...", dots)
    if len(set(output)) < len(output) or not set(output) <= set("".join(named)):
        raise ShapeError(
            "einsum: an index of the result stands there twice or in no operand",
            got=repr(subscripts),
        )
    return named, output


def _ellipsis_rank(part: str, node: Node, subscripts: str) -> int:
    """How many axes an ellipsis stands for."""
    letters = part.replace("...", "", 1)
    rank = node.ndim - len(letters)
    if not all(letter in ascii_letters for letter in letters):
        raise ShapeError(
            "einsum: indices are letters",
            expected="letters, one '...' a group, ',' and '->'",
            got=repr(subscripts),
        )
    if rank < 0 or (rank and "..." not in part):
        raise ShapeError(
            "einsum: one index is needed for each axis",
            expected=f"{node.ndim} indices for shape {shape_text(node.shape)}",
            got=f"{part!r} in {subscripts!r}",
        )
    return rank


_SUBLIST_LETTERS = ascii_letters[26:] + ascii_letters[:26]
"""NumPy's letters for the numbers of sublists: in the order in which letters are sorted."""


def _sublist(numbers: Any) -> str:
    letters: list[str] = []
    for number in numbers:
        if number is Ellipsis:
            letters.append("...")
        elif hasattr(number, "__index__") and 0 <= int(number) < len(_SUBLIST_LETTERS):
            letters.append(_SUBLIST_LETTERS[int(number)])
        else:
            raise ShapeError(
                "einsum: an index in a list",
                expected=f"a number from 0 to {len(_SUBLIST_LETTERS) - 1}, or ...",
                got=repr(number),
            )
    return "".join(letters)


def _subscripts(args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The letters and the operands, from either form of the arguments."""
    if not args:
        raise ShapeError("einsum without operands")
    if isinstance(args[0], str):
        return args[0], args[1:]
    operands, lists = args[0::2], [_sublist(numbers) for numbers in args[1::2]]
    if len(operands) == len(lists):
        return ",".join(lists), operands
    # An odd number of arguments: the last is the list of the result.
    return f"{','.join(lists)}->{_sublist(args[-1])}", operands[:-1]


@builder(np.einsum)
def einsum(*operands: Any, dtype: Any = None, casting: Any = "safe", optimize: Any = True) -> Any:
    """Sum of products over named indices, as ``np.einsum``.

    Parameters
    ----------
    *operands : str and array_like, or array_like and list of int in turn
        ``"ij,jk->ik", a, b`` or ``a, [0, 1], b, [1, 2], [0, 2]``; without an arrow (or a last
        list) the result has the indices that occur once, in order. ``...`` stands for axes that
        broadcast.
    dtype : data-type, optional
        What it computes in; by default the common one.
    casting : str, optional
        Which conversions of the operands to it are allowed.
    optimize : bool, str or path, optional
        Taken as in NumPy; several operands are multiplied in pairs, in the order that
        ``np.einsum_path`` finds, whatever it says.

    Raises
    ------
    ShapeError
        If the subscripts do not fit the operands.
    DTypeError
        If an operand may not become the `dtype`.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> a, b = placeholder("a", ("n", 3)), placeholder("b", (4, 3))
    >>> einsum("ij,kj->ik", a, b) is a @ b.T
    True
    """
    if not any_node(*operands):
        return np.einsum(*operands, dtype=dtype, casting=casting, optimize=optimize)
    text, values = _subscripts(operands)
    nodes = [as_node(value) for value in values]
    if not nodes:
        raise ShapeError("einsum without operands")
    labels, output = _parse(text, nodes)
    common = promote([node.dtype for node in nodes]) if dtype is None else as_dtype(dtype)
    for node in nodes:
        if not np.can_cast(node.dtype, common, casting):
            raise DTypeError(
                f"einsum: an operand of {node.dtype} does not become {common}",
                expected=f"what casting={casting!r} allows",
                hint="casting='unsafe', or convert it with .astype()",
            )
    if dtype is not None:
        nodes = [astype(node, common) for node in nodes]
    found = _with_broadcasting(labels, nodes, output)
    # Sums of small integers and of booleans on the way are wider; NumPy's are not.
    return astype(found, common)


@builder(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy") -> Any:
    """The order in which operands are multiplied, and a text about it, as ``np.einsum_path``.

    Parameters
    ----------
    *operands : str and array_like, or array_like and list of int in turn
        As for `einsum`; of nodes only the shapes count, and a symbolic size counts as 64.
    optimize : bool, str or tuple, optional
        As in NumPy.

    Returns
    -------
    list, str

    Raises
    ------
    ShapeError
        If the subscripts do not fit the operands.
    """
    if not any_node(*operands):
        return np.einsum_path(*operands, optimize=optimize)
    text, values = _subscripts(operands)
    nodes = [as_node(value) for value in values]
    labels, _ = _parse(text, nodes)
    label_sizes(labels, [node.type for node in nodes])  # raises for what einsum does not take
    stand_ins = [stand_in(node.shape) for node in nodes]
    return np.einsum_path(text, *stand_ins, optimize=optimize)


def _with_broadcasting(labels: Sequence[str], nodes: Sequence[Node], output: str) -> Node:
    """The contraction; axes of size one whose letter has another size elsewhere are dropped."""
    sizes = label_sizes(labels, [node.type for node in nodes])
    common = promote([node.dtype for node in nodes])
    pairs: list[tuple[str, Node]] = []
    for text, node in zip(labels, nodes, strict=True):
        stretched = [
            i
            for i, (label, dim) in enumerate(zip(text, node.shape, strict=True))
            if dim == 1 and sizes[label] != 1
        ]
        kept = "".join([label for i, label in enumerate(text) if i not in stretched])
        pairs.append((kept, squeeze(node, tuple(stretched)) if stretched else node))
    held = Counter("".join(["".join(set(text)) for text in (output, *[t for t, _ in pairs])]))
    if common.kind in "fc":
        # What is summed by itself, before it meets the others, is summed in their precision.
        pairs = [
            (text, astype(node, common) if any(held[label] == 1 for label in text) else node)
            for text, node in pairs
        ]
    return contract(pairs, output)


# Spelled with it -------------------------------------------------------------------------------


@builder(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over some axes of each, as ``np.tensordot``.

    Parameters
    ----------
    a, b : array_like
    axes : int or pair of (int or sequence of int)
        The last so many axes of `a` with the first of `b`, or lists of axes of each.

    Raises
    ------
    ShapeError
        If the sizes of the axes differ.
    """
    if not any_node(a, b):
        return np.tensordot(a, b, axes)
    first, second = as_node(a), as_node(b)
    if hasattr(axes, "__index__"):
        pair: Sequence[Any] = (tuple(range(-axes, 0)), tuple(range(axes)))
    else:
        pair = tuple(axes)
    if len(pair) != 2:
        raise ShapeError("tensordot: axes must be a number or a pair", got=repr(axes))
    left = normalize_axis_list(_as_tuple(pair[0]), first.ndim, "tensordot")
    right = normalize_axis_list(_as_tuple(pair[1]), second.ndim, "tensordot")
    if [first.shape[i] for i in left] != [second.shape[i] for i in right]:
        raise ShapeError(
            "tensordot: the sizes along the axes differ",
            got=f"{shape_text(first.shape)} and {shape_text(second.shape)}, axes={axes}",
        )
    names = iter(_LETTERS)
    labels = [next(names) for _ in range(first.ndim)]
    others = [next(names) for _ in range(second.ndim)]
    for i, j in zip(left, right, strict=True):
        others[j] = labels[i]
    kept = [label for i, label in enumerate(labels) if i not in left]
    kept += [label for j, label in enumerate(others) if j not in right]
    return contract([("".join(labels), first), ("".join(others), second)], "".join(kept))


_LETTERS = ascii_letters[8:] + ascii_letters[:8]
"""As mathematics names indices: i, j, k first."""


def _as_tuple(axes: Any) -> tuple[Any, ...]:
    several = isinstance(axes, list | tuple | np.ndarray)
    return tuple(cast("Sequence[Any]", axes)) if several else (axes,)


@builder(np.dot)
def dot(a: Any, b: Any) -> Any:
    """As ``np.dot``: products of vectors and matrices; for more axes, last with last but one.

    Raises
    ------
    ShapeError
        If the inner sizes differ.
    """
    if not any_node(a, b):
        return np.dot(a, b)
    first, second = as_node(a), as_node(b)
    if not first.ndim or not second.ndim:
        return first * second
    if second.ndim <= 2 or first.ndim == 1:
        return matmul(first, second)
    return tensordot(first, second, (-1, -2))


@builder(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Sums of products over the last axes, as ``np.inner``.

    Raises
    ------
    ShapeError
        If the last sizes differ.
    """
    if not any_node(a, b):
        return np.inner(a, b)
    first, second = as_node(a), as_node(b)
    if not first.ndim or not second.ndim:
        return first * second
    return tensordot(first, second, (-1, -1))


@builder(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Kronecker product, as ``np.kron``: every element of `a` times the whole of `b`."""
    if not any_node(a, b):
        return np.kron(a, b)  # pyright: ignore[reportUnknownVariableType]
    first, second = as_node(a), as_node(b)
    rank = max(first.ndim, second.ndim)
    first, second = (expand_dims(x, tuple(range(rank - x.ndim))) for x in (first, second))
    blocks = expand_dims(first, tuple(range(1, 2 * rank, 2)))
    blocks = blocks * expand_dims(second, tuple(range(0, 2 * rank, 2)))
    return reshape(blocks, tuple([m * n for m, n in zip(first.shape, second.shape, strict=True)]))


# Examples for the tests ------------------------------------------------------------------------

_A, _B, _SQUARE = array(2, 3), array(3, 4, shift=1.0), array(3, 3, shift=2.0)
_CUBE, _BATCH = array(2, 3, 4), array(2, 4, 5, shift=3.0)


def _einsum(subscripts: str, *args: Any) -> Example:
    if len(args) == 1:
        return Example(lambda x: np.einsum(subscripts, x), args)
    if len(args) == 2:
        return Example(lambda x, y: np.einsum(subscripts, x, y), args)
    return Example(lambda x, y, z: np.einsum(subscripts, x, y, z), args)


EXAMPLES: dict[str, list[Example]] = {
    "einsum": [
        _einsum("ij,jk->ik", _A, _B),
        _einsum("ij,jk->ki", _A, _B),
        _einsum("ij,jk", _A, _B),
        _einsum("ij->ji", _A),
        _einsum("ji", _A),
        _einsum("ij->", _A),
        _einsum("ii", _SQUARE),
        _einsum("ii->i", _SQUARE),
        _einsum("iij->j", array(3, 3, 2)),
        _einsum("iii->i", array(2, 2, 2)),
        _einsum("ij,ij->", _A, _A + 1),
        _einsum("ij,ij->ij", _A, _A + 1),
        _einsum("ij,j->ij", _A, array(3)),
        _einsum("i,j->ji", array(2), array(3)),
        _einsum("i,i->", array(3), array(3)),
        _einsum("i,->i", array(3), np.float64(2.0)),
        _einsum("ij,k->k", _A, array(4)),
        _einsum("ii,ij->j", _SQUARE, _B),
        _einsum("bij,bjk->bik", _CUBE, _BATCH),
        _einsum("bij,bjk->kbi", _CUBE, _BATCH),
        _einsum("bqhd,bkhd->bhqk", array(2, 3, 2, 4), array(2, 5, 2, 4, shift=1.0)),
        _einsum("bij,bj->bi", _CUBE, array(2, 4)),
        _einsum("ijk,kjl->il", _CUBE, array(4, 3, 2)),
        _einsum("ijk,jkl->li", _CUBE, array(3, 4, 2)),
        _einsum("ijk,ljk->il", _CUBE, array(5, 3, 4)),
        _einsum("ijkl,jkml->im", array(2, 3, 2, 2), array(3, 2, 2, 2)),
        _einsum("bijk,bjkl->bil", array(2, 3, 2, 2), array(2, 2, 2, 4)),
        _einsum("...ij,...jk->...ik", _CUBE, array(4, 2)),
        _einsum("...i,...i", _CUBE, array(3, 1)[:, [0, 0, 0, 0]]),
        _einsum("i...->...", _CUBE),
        _einsum("ij,ij->ij", _A, array(1, 3)),
        _einsum("ij,jk,kl->il", _A, _B, array(4, 2)),
        _einsum("i,ij,j->", array(2), _A, array(3)),
        _einsum("ij,jk,ki->", _A, _B, array(4, 2)),
        _einsum("ij,jk->ik", _A.astype(np.float32), _B.astype(np.float32)),
        _einsum("ij,jk->ik", np.ones((0, 3)), _B),
        _einsum("ijj,jk->ik", np.ones((2, 2, 2), bool), array(1, 1)),
        _einsum("bij,bijk->bk", _CUBE, array(2, 3, 4, 2)),
        _einsum("bij,bij->b", _CUBE, _CUBE + 1),
        _einsum("ibj,bij->b", array(3, 2, 4), _CUBE),
        _einsum("kbi,bi->kb", array(5, 2, 3), _A),
        _einsum("abi,cbi->cab", _CUBE, array(5, 3, 4)),
        _einsum("bij,bjk->bik", (_CUBE * 4).astype(np.int64), (_BATCH * 4).astype(np.int64)),
        _einsum("ijk,ijl,ikl->", _CUBE, array(2, 3, 5), array(2, 4, 5)),
        _einsum("...i,ij,...j->...", _CUBE, array(4, 4), _CUBE + 1),
        _einsum("i,i,i->i", array(3), array(3), array(3)),
        _einsum("ij,jj,j", _A, _SQUARE, array(3)),
        Example(lambda x, y: einsum(x, [0, 1], y, [1, 2], [2, 0]), (_A, _B)),
        Example(lambda x, y: einsum(x, [..., 27], y, [27, 3]), (_CUBE, array(4, 2))),
        Example(lambda x, y, z: np.einsum("ij,jk,kl,lm->im", x, y, z, z.T), (_A, _B, array(4, 2))),
    ],
    "einsum_path": [
        Example(
            lambda x, y: x * len(np.einsum_path("ij,jk,kl", x, y, np.ones((4, 2)))[0]), (_A, _B)
        ),
    ],
    "tensordot": [
        Example(np.tensordot, (_CUBE, array(3, 4, 2))),
        Example(lambda x, y: np.tensordot(x, y, 1), (_A, _B)),
        Example(lambda x, y: np.tensordot(x, y, 0), (_A, array(2))),
        Example(lambda x, y: np.tensordot(x, y, ([2, 0], [1, 0])), (_CUBE, array(2, 4, 3))),
        Example(lambda x, y: np.tensordot(x, y, (-1, 0)), (_CUBE, array(4))),
    ],
    "dot": [
        Example(np.dot, (array(3), array(3))),
        Example(np.dot, (_A, _B)),
        Example(np.dot, (_A, np.float64(3.0))),
        Example(np.dot, (_CUBE, array(4))),
        Example(np.dot, (_A, array(2, 3, 4))),
        Example(lambda x, y: x.dot(y), (_A, array(3))),
    ],
    "inner": [
        Example(np.inner, (array(3), array(3))),
        Example(np.inner, (_A, array(4, 3))),
        Example(np.inner, (_CUBE, array(4))),
        Example(np.inner, (array(3), np.float64(2.0))),
    ],
    "kron": [
        Example(np.kron, (_A, array(2, 2))),
        Example(np.kron, (array(2), _A)),
    ],
}
