"""What is known of values before they are computed: bounds, and what a user states."""

from __future__ import annotations

from math import inf
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from symgraph.errors import InputError
from symgraph.graph.leaves import Constant, Item, SizeValue
from symgraph.graph.node import Node, constant
from symgraph.graph.op import Op
from symgraph.graph.refusal import public
from symgraph.graph.side import FACTS
from symgraph.graph.types import TupleType
from symgraph.ops.create import Eye
from symgraph.ops.delta import Delta
from symgraph.ops.diagonals import Diag, Diagonal, Triangle
from symgraph.ops.kinds import Elementwise
from symgraph.ops.reduce import Reduction
from symgraph.ops.shape import ExpandDims
from symgraph.simplify.common import is_op, number, unbroadcast

__all__ = ["Fact", "assume", "bounds", "diagonal_of", "states"]

Fact: TypeAlias = Literal[
    "positive",
    "nonnegative",
    "negative",
    "nonzero",
    "integer",
    "symmetric",
    "positive_definite",
    "positive_semidefinite",
    "diagonal",
    "lower_triangular",
    "upper_triangular",
    "orthogonal",
]
_SIGNS: dict[Fact, tuple[float, float]] = {
    "positive": (0.0, inf),
    "nonnegative": (0.0, inf),
    "negative": (-inf, 0.0),
}
_ELEMENTWISE: tuple[Fact, ...] = (*_SIGNS, "nonzero", "integer")
_IMPLIED_BY: dict[Fact, tuple[Fact, ...]] = {
    "nonnegative": ("positive",),
    "symmetric": ("positive_definite", "positive_semidefinite", "diagonal"),
    "positive_semidefinite": ("positive_definite",),
    "lower_triangular": ("diagonal",),
    "upper_triangular": ("diagonal",),
}
_TURNED: dict[Fact, Fact] = {
    "lower_triangular": "upper_triangular",
    "upper_triangular": "lower_triangular",
}
_OF_REAL_MATRICES: tuple[Fact, ...] = ("orthogonal", "positive_semidefinite", "positive_definite")
_KEPT_BY_SUMS: tuple[Fact, ...] = ("symmetric", "lower_triangular", "upper_triangular")
_KEPT_BY_INVERSE: tuple[Fact, ...] = (
    *_KEPT_BY_SUMS,
    "diagonal",
    "positive_definite",
    "orthogonal",
)
_INTEGERS = ("floor", "ceil", "rint", "trunc", "sign", "heaviside")
_KEEP_INTEGERS = (
    *("add", "subtract", "multiply", "negative", "absolute", "square", "maximum", "minimum"),
    *("sum", "max", "min", "transpose", "reshape", "expand_dims", "squeeze", "broadcast_to"),
    *("where", "getitem", "matmul"),
)
_MOST_STEPS = 6
_DEEPEST = 12
_MOST_ELEMENTS = 10_000


@public
def assume(node: Node, *facts: Fact) -> Node:
    """State what is known of a value, for the rewrites that follow from it.

    Parameters
    ----------
    node : Node
        Often a placeholder. The statement is about the value, wherever it stands in a graph.
    *facts : str
        ``positive``, ``nonnegative``, ``negative``, ``nonzero`` (finite, and not 0) or ``integer``
        elements; a matrix that is
        ``symmetric``, ``positive_definite``, ``positive_semidefinite``, ``diagonal``,
        ``lower_triangular``, ``upper_triangular`` or ``orthogonal``. They are not checked when a
        function is called: with other values its result is wrong.

    Returns
    -------
    Node
        The same.

    Raises
    ------
    InputError
        If there is no such fact, or a fact of matrices is stated of something else.

    Examples
    --------
    >>> import numpy as np, symgraph as sg
    >>> x = sg.assume(sg.placeholder("x"), "positive")
    >>> sg.simplify(np.sqrt(x**2)) is x
    True
    """
    for fact in facts:
        if fact not in get_args(Fact):
            raise InputError(
                "assume: no such fact", expected=", ".join(get_args(Fact)), got=repr(fact)
            )
        if fact not in _ELEMENTWISE and (node.ndim < 2 or node.shape[-1] != node.shape[-2]):
            raise InputError(f"assume: {fact}", expected="a square matrix", got=repr(node))
        FACTS[node] = (FACTS.get(node) or frozenset()) | {fact}
    return node


class _Walk(NamedTuple):
    """How much deeper to look, and what was found on the way."""

    left: int
    found: dict[tuple[int, Fact], bool]

    def on(self) -> _Walk:
        return _Walk(self.left - 1, self.found)


def states(node: Node, fact: Fact, walk: _Walk | None = None) -> bool:
    """Whether a user stated a fact of a node, or it follows from what the node is."""
    if fact in (FACTS.get(node) or ()):
        return True
    if walk is None:
        walk = _Walk(_DEEPEST, {})
    if not walk.left or isinstance(node.result_type, TupleType):
        return False
    key = id(node), fact
    if key not in walk.found:
        walk.found[key] = False
        walk.found[key] = _holds(node, fact, walk.on())
    return walk.found[key]


def _holds(node: Node, fact: Fact, walk: _Walk) -> bool:
    if any(states(node, stronger, walk) for stronger in _IMPLIED_BY.get(fact, ())):
        return True
    if fact in _SIGNS:
        return fact == "positive" and _is_positive(node, walk)
    if fact == "integer":
        return _is_integer(node, walk)
    if fact == "nonzero":
        return _is_nonzero(node, walk)
    if fact == "diagonal" and all(states(node, side, walk) for side in _TURNED):
        return True
    return node.ndim == 2 and _follows(node, fact, walk)


def _follows(node: Node, fact: Fact, walk: _Walk) -> bool:
    """Whether a fact of a matrix follows from its operation and the facts of the operands."""
    op, operands = node.op, node.inputs
    if node.dtype.kind == "c" and fact in _OF_REAL_MATRICES:
        return False  # it would take the conjugate as well
    if isinstance(op, Constant):
        return bool(op.value.size <= _MOST_ELEMENTS) and _of_array(op.value, fact)
    if isinstance(op, Item):
        return fact == "orthogonal" and op.index == 0 and is_op(operands[0], "qr")
    if isinstance(op, Triangle):
        return _of_triangle(op, fact) or (fact in _TURNED and states(operands[0], fact, walk))
    if is_op(node, "cholesky"):
        return fact == "lower_triangular"
    if diagonal_of(node) is not None:
        return _of_diagonal(node, fact, walk)
    if is_op(node, "transpose"):
        return states(operands[0], _TURNED.get(fact, fact), walk)
    if is_op(node, "inv"):
        return fact in _KEPT_BY_INVERSE and states(operands[0], fact, walk)
    return _of_arithmetic(node, fact, walk)


def _of_triangle(op: Triangle, fact: Fact) -> bool:
    if op.side == "triu":
        return fact == "upper_triangular" and op.k >= 0
    return fact == "lower_triangular" and op.k <= 0


def _of_arithmetic(node: Node, fact: Fact, walk: _Walk) -> bool:
    if is_op(node, "matmul"):
        return _of_product(node, fact, walk)
    kept = is_op(node, "add", "subtract", "negative") and fact in _KEPT_BY_SUMS
    if kept and not (is_op(node, "add") and _are_turned(*node.inputs)):
        return all(states(operand, fact, walk) for operand in node.inputs)
    if is_op(node, "add"):
        both = fact == "symmetric" and _are_turned(*node.inputs)
        return both or _of_sum(node, fact, walk)
    if is_op(node, "multiply", "divide"):
        return _of_multiple(node, fact, walk)
    if fact != "symmetric":
        return False
    return _is_pairwise(node, walk) or (
        isinstance(node.op, Elementwise) and _all_symmetric(node, walk)
    )


_EVEN = ("square", "absolute", "norm", "cos", "cosh")
_OF_PAIRS = ("add", "multiply", "maximum", "minimum", "hypot")


def _is_pairwise(node: Node, walk: _Walk) -> bool:
    """Whether the first two axes may change places, as of distances: of ``x[:, None] - x``."""
    op, operands = node.op, node.inputs
    if not walk.left:
        return False
    if is_op(node, *_OF_PAIRS) and _are_pair(*operands):
        return True
    if is_op(node, *_EVEN) and is_op(operands[0], "subtract") and _are_pair(*operands[0].inputs):
        return not isinstance(op, Reduction) or min(op.axes, default=2) > 1
    if isinstance(op, Reduction):
        return min(op.axes, default=2) > 1 and _is_pairwise(operands[0], walk.on())
    return isinstance(op, Elementwise) and all(
        not unbroadcast(x).ndim or (x.ndim == node.ndim and _is_pairwise(x, walk.on()))
        for x in operands
    )


def _are_pair(a: Node, b: Node) -> bool:
    """Whether two nodes are ``x[:, None]`` and ``x[None]`` or ``x``, in any order."""
    for column, row in ((a, b), (b, a)):
        if isinstance(column.op, ExpandDims) and column.op.axes == (1,) and column.inputs[0] is row:
            return True
    if not (isinstance(a.op, ExpandDims) and isinstance(b.op, ExpandDims)):
        return False
    return a.inputs[0] is b.inputs[0] and {a.op.axes, b.op.axes} == {(0,), (1,)}


def _of_array(a: np.ndarray[Any, Any], fact: Fact) -> bool:
    """What is seen of a matrix that is known."""
    if a.dtype.kind not in "iuf" or a.shape[0] != a.shape[1] or not np.isfinite(a).all():
        return False
    match fact:
        case "lower_triangular":
            return not np.triu(a, 1).any()
        case "upper_triangular":
            return not np.tril(a, -1).any()
        case "symmetric":
            return np.array_equal(a, a.T)
        case "orthogonal":
            return np.array_equal(a @ a.T, np.eye(len(a)))
        case _:
            # Of other matrices rounding would decide.
            diagonal = np.diagonal(a)
            only = np.array_equal(a, np.diag(diagonal))
            least = diagonal.min(initial=inf)
            return only and bool(least > 0 if fact == "positive_definite" else least >= 0)


def _all_symmetric(node: Node, walk: _Walk) -> bool:
    return all(
        not unbroadcast(operand).ndim or states(operand, "symmetric", walk)
        for operand in node.inputs
    )


def diagonal_of(node: Node) -> Node | None:
    """The vector or number on the diagonal of a matrix that is built of it."""
    op = node.op
    if isinstance(op, Diag) and op.k == 0:
        return node.inputs[0]
    if isinstance(op, Delta) and node.ndim == 2 and not op.starts and not op.lengths:
        square = len(set(op.outer)) == 1 and node.shape[0] == node.shape[1]
        return node.inputs[0] if square else None
    if isinstance(op, Eye) and node.shape[0] == node.shape[1] and op.k == 0:
        return constant(np.ones((), node.dtype))
    return None


def _of_diagonal(node: Node, fact: Fact, walk: _Walk) -> bool:
    values = diagonal_of(node)
    assert values is not None
    if fact == "positive_definite":
        return states(values, "positive", walk)
    if fact == "positive_semidefinite":
        return bounds(values)[0] >= 0
    return fact == "diagonal" or (fact == "orthogonal" and bounds(values) == (1, 1))


def _of_product(node: Node, fact: Fact, walk: _Walk) -> bool:
    a, b = node.inputs
    if fact in (*_TURNED, "orthogonal"):
        return states(a, fact, walk) and states(b, fact, walk)
    if fact not in ("symmetric", "positive_semidefinite", "positive_definite"):
        return False
    if a.ndim != 2 or b.ndim != 2:
        return False
    if _are_turned(a, b):
        # A Cholesky factor has an inverse; of another matrix that is not known.
        factor = a.inputs[0] if is_op(a, "transpose") else a
        return fact != "positive_definite" or is_op(factor, "cholesky")
    weights = _weights_between(a, b)
    if weights is not None:
        return fact == "symmetric" or (fact != "positive_definite" and bounds(weights)[0] >= 0)
    middle = _between(a, b)
    return middle is not None and fact != "positive_definite" and states(middle, fact, walk)


def _are_turned(a: Node, b: Node) -> bool:
    return any(is_op(x, "transpose") and x.inputs[0] is y for x, y in ((a, b), (b, a)))


def _between(a: Node, b: Node) -> Node | None:
    """The S of ``A.T @ S @ A``, however it is grouped."""
    if is_op(a, "matmul") and a.inputs[0].ndim == 2 and _are_turned(a.inputs[0], b):
        return a.inputs[1]
    if is_op(b, "matmul") and b.inputs[1].ndim == 2 and _are_turned(a, b.inputs[1]):
        return b.inputs[0]
    return None


def _weights_between(a: Node, b: Node) -> Node | None:
    """The w of ``(A.T * w) @ A`` and of ``A.T @ (w[:, None] * A)``."""
    for whole, other, axis in ((a, b, 1), (b, a, 0)):
        if not is_op(whole, "multiply"):
            continue
        for x, w in (whole.inputs, whole.inputs[::-1]):
            along = w.shape[1 - axis] == 1 if w.ndim == 2 else axis == 1 and w.ndim < 2
            if x.shape == whole.shape and along and _are_turned(x, other):
                return w
    return None


def _of_sum(node: Node, fact: Fact, walk: _Walk) -> bool:
    """Of what is definite and what is semidefinite."""
    if fact not in ("positive_definite", "positive_semidefinite"):
        return False
    if not all(states(operand, "positive_semidefinite", walk) for operand in node.inputs):
        return False
    return fact == "positive_semidefinite" or any(
        states(operand, "positive_definite", walk) for operand in node.inputs
    )


def _of_multiple(node: Node, fact: Fact, walk: _Walk) -> bool:
    """Of a number times a matrix, and of products element by element."""
    a, b = node.inputs
    pairs = ((a, b), (b, a)) if is_op(node, "multiply") else ((b, a),)
    for scale, x in pairs:
        if unbroadcast(scale).ndim or x.shape != node.shape:
            continue
        if fact == "positive_definite" and not states(scale, "positive", walk):
            return False
        if fact == "positive_semidefinite" and not bounds(scale)[0] >= 0:
            return False
        return fact != "orthogonal" and states(x, fact, walk)
    if fact == "symmetric":
        return _are_pair(a, b) or _all_symmetric(node, walk)
    return fact in _TURNED and any(states(x, fact, walk) for _, x in pairs if x.ndim == 2)


def _is_positive(node: Node, walk: _Walk) -> bool:
    low = bounds(node)[0]
    if low > 0 or is_op(node, "exp", "exp2", "sigmoid", "softplus"):
        return True
    if is_op(node, "add"):
        some = any(states(operand, "positive", walk) for operand in node.inputs)
        return some and all(bounds(operand)[0] >= 0 for operand in node.inputs)
    kept = is_op(node, "multiply", "divide", "sqrt", "square", "broadcast_to", "expand_dims")
    return kept and all(states(operand, "positive", walk) for operand in node.inputs)


_NONZERO_OF_NONZERO = (
    *("multiply", "divide", "negative", "absolute", "fabs", "square", "sqrt", "cbrt", "sign"),
    *("reciprocal", "power", "prod", "broadcast_to", "expand_dims", "squeeze", "reshape"),
    *("transpose", "getitem", "gather", "flip", "roll", "max", "min", "maximum", "minimum"),
)


def _is_pivots(node: Node) -> bool:
    """The diagonal of a Cholesky factor: where one is not positive there is no factor."""
    diagonal = isinstance(node.op, Diagonal) and node.op.offset == 0 and node.dtype.kind == "f"
    return diagonal and is_op(node.inputs[0], "cholesky")


def _is_nonzero(node: Node, walk: _Walk) -> bool:
    """Whether no element is 0 as a real number, nor anything but a number."""
    if _is_pivots(node):
        return True
    if isinstance(node.op, Constant):
        value = node.op.value
        small = value.size <= _MOST_ELEMENTS and value.dtype.kind in "biuf"
        return bool(small and np.isfinite(value).all() and (value != 0).all())
    if _is_pivots(node):
        return True
    # A sign is stated of numbers, too.
    if not {"positive", "negative"}.isdisjoint(FACTS.get(node) or ()):
        return True
    return is_op(node, *_NONZERO_OF_NONZERO) and all(
        x.dtype.kind not in "fc" or states(x, "nonzero", walk) for x in node.inputs
    )


def _is_integer(node: Node, walk: _Walk) -> bool:
    """Whether all elements are integers, of whatever dtype."""
    op = node.op
    if node.dtype.kind in "biu" or isinstance(op, SizeValue) or is_op(node, *_INTEGERS):
        return True
    if isinstance(op, Constant):
        with np.errstate(invalid="ignore"):
            return node.dtype.kind == "f" and bool(np.all(op.value % 1 == 0))
    if is_op(node, "astype"):
        return states(node.inputs[0], "integer", walk)
    return is_op(node, *_KEEP_INTEGERS) and all(
        states(operand, "integer", walk) for operand in node.inputs
    )


def bounds(node: Node, steps: int = _MOST_STEPS) -> tuple[float, float]:
    """Between what values every element lies, as far as operations and statements tell."""
    stated = FACTS.get(node)
    if stated:
        for fact, pair in _SIGNS.items():
            if fact in stated:
                return pair
    value = number(node)
    if isinstance(node.op, SizeValue):
        return 0.0, inf
    if isinstance(node.op, Constant):
        if value is None or value.dtype.kind not in "biuf":
            return -inf, inf
        return float(value), float(value)
    op = node.op
    if not steps or isinstance(node.result_type, TupleType) or type(op).bounds is Op.bounds:
        return -inf, inf
    return op.bounds([bounds(operand, steps - 1) for operand in node.inputs])
