"""Nodes: interned, immutable values of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from sys import modules
from threading import RLock
from typing import Any, NoReturn, TypeAlias, cast
from weakref import ref

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.collect import without_collection
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.op import Op
from symgraph.graph.operators import ArrayMethods
from symgraph.graph.registry import VIEWS, Eager, apply
from symgraph.graph.side import NAMES, ORIGINS, STEPS, SideTable, current_origin
from symgraph.graph.size_numbers import SizeNumber
from symgraph.graph.sizes import Dim, Shape, Size, product
from symgraph.graph.types import DType, TensorType, TupleType, Type

__all__ = [
    "ArrayLike",
    "Node",
    "as_node",
    "constant",
    "is_masked",
    "make",
    "masked_refusal",
    "placeholder",
]

ArrayLike: TypeAlias = "Node | np.ndarray[Any, Any] | np.generic | complex | Size | Sequence[Any]"
"""What may stand where a node is taken."""


class _Entry(ref["Node"]):
    """A weak reference in the table of all nodes, which knows what to remove."""

    __slots__ = ("identity", "key")
    key: tuple[object, ...]
    identity: int


_TABLE: dict[tuple[object, ...], _Entry] = {}
_LOCK = RLock()


def _forget(entry: ref[Node]) -> None:
    assert isinstance(entry, _Entry)
    if _TABLE.get(entry.key) is entry:
        del _TABLE[entry.key]
    identity = entry.identity
    for forget in SideTable.forgetters:
        forget(identity, None)


def make(op: Op, *inputs: Node) -> Node:
    """The node that applies `op` to `inputs`; the same arguments give the same object.

    Raises
    ------
    ShapeError, DTypeError
        If the operation does not take such inputs.
    """
    key = (op, *map(id, inputs))
    entry = _TABLE.get(key)
    node = None if entry is None else entry()
    if node is not None:
        return node
    kind = op.infer(*[node.result_type for node in inputs])  # pyright: ignore[reportArgumentType]
    with _LOCK:
        entry = _TABLE.get(key)
        node = None if entry is None else entry()
        if node is not None:
            return node
        node = object.__new__(Node)
        object.__setattr__(node, "op", op)
        object.__setattr__(node, "inputs", inputs)
        object.__setattr__(node, "result_type", kind)
        entry = _Entry(node, _forget)
        entry.key, entry.identity = key, id(node)
        _TABLE[key] = entry
    _note_origin(node)
    return node


def _note_origin(node: Node) -> None:
    """Remember the line of a node, and which operands are only steps on the way to it.

    What depends on no placeholder (``1 / n``) has no line: equal nodes of other graphs are this
    node, and a graph must not show another's lines.
    """
    inputs = node.inputs
    origins = [ORIGINS.get(operand) for operand in inputs]
    if not any(origins) and not isinstance(node.op, Placeholder):
        return
    origin = current_origin()
    if origin is None:
        return
    ORIGINS[node] = origin
    if not origin.gradient:
        for operand, before in zip(inputs, origins, strict=True):
            if before == origin:
                STEPS[operand] = True


class Node(ArrayMethods):
    """A value of a graph: an operation applied to other nodes.

    Nodes are made by `placeholder`, `constant`, operators and NumPy's functions, never by this
    class. The same expression is the same object: ask with ``is``, because ``==`` compares
    element by element and builds a node, as in NumPy. Nodes hash by identity.

    Attributes
    ----------
    op : Op
        The operation with its static attributes.
    inputs : tuple of Node
        Its operands.
    shape, dtype, ndim, size
        As of an array; sizes may be symbolic.

    Examples
    --------
    >>> x = placeholder("x", ("n", 3))
    >>> (x.T @ x).shape
    (3, 3)
    >>> x.T @ x is x.T @ x
    True
    """

    __slots__ = ("__weakref__", "inputs", "op", "result_type")

    op: Op
    inputs: tuple[Node, ...]
    result_type: Type

    def __init__(self) -> None:
        raise TypeError("nodes are made by placeholder(), constant(), operators and functions")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"nodes are immutable: cannot set {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"nodes are immutable: cannot delete {name}")

    # What is known ------------------------------------------------------------------------------

    @property
    def type(self) -> TensorType:
        """dtype and shape together."""
        kind = self.result_type
        if isinstance(kind, TupleType):
            raise ShapeError(f"{self.op.name} has {len(kind.items)} results; take one of them")
        return kind

    @property
    def shape(self) -> Shape:
        """Sizes of the dimensions."""
        kind = self.result_type
        return kind.shape if type(kind) is TensorType else self.type.shape

    @property
    def dtype(self) -> DType:
        """dtype of the elements."""
        kind = self.result_type
        return kind.dtype if type(kind) is TensorType else self.type.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """Number of elements."""
        return product(self.type.shape)

    def named(self, name: str) -> Node:
        """This node, called `name` in listings, pictures and emitted source.

        Parameters
        ----------
        name : str
            Any text; what is not an identifier is made one in the source.
        """
        if not isinstance(name, str) or not name:
            raise DTypeError("a name must be a text that is not empty", got=repr(name))
        NAMES[self] = name
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # Flat rows, so that the depth of the graph does not matter.
        return (_last_from_rows, (to_rows([self]),))

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: object) -> Node:
        return self

    # Looking ------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        name = NAMES.get(self)
        if isinstance(self.op, Placeholder):
            return f"<{_short_name(self)}: {self.result_type} placeholder>"
        args = ", ".join([_short_name(node) for node in self.inputs])
        prefix = f"{one_line(name)} = " if name else ""
        inner = f"{self.op.label}({args})" if self.inputs else self.op.label
        return f"<{prefix}{inner}: {self.result_type}>"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        return apply_view("card", self)

    def to_latex(self) -> str:
        """LaTeX of this value in terms of the placeholders and of named values."""
        return apply_view("latex", self)

    def to_sympy(self) -> Any:
        """A SymPy expression of an element-wise graph of scalars."""
        return apply_view("sympy", self)


def apply_view(name: str, value: Any) -> Any:
    """Call a way to look at a graph or a node, which a package above has entered."""
    view = VIEWS.get(name)
    if view is None:
        raise UnsupportedError(f"no {name} view is loaded", hint="import symgraph")
    return view(value)


def one_line(name: str) -> str:
    """A name as listings show it: what does not print is written as an escape."""
    return name if name.isprintable() else repr(name)[1:-1]


def _short_name(node: Node) -> str:
    name = node.op.name_ if isinstance(node.op, Placeholder) else NAMES.get(node)
    if name:
        return one_line(name)
    if isinstance(node.op, Constant):
        return node.op.label
    return f"{node.op.name}(…)" if node.inputs else node.op.label


# Making nodes ------------------------------------------------------------------------------------


def placeholder(name: str, shape: object = (), dtype: object = "float64") -> Node:
    """An argument of the functions to be compiled.

    Parameters
    ----------
    name : str
        Its name in the emitted source and in error messages; any text is made safe.
    shape : int, str, Size or tuple of them
        Sizes: integers, names (``"n"``) or expressions of names (``"2 * n"``). The same name is
        the same size wherever it appears.
    dtype : data-type
        Boolean, integer, floating or complex.

    Returns
    -------
    Node
        A new node; two placeholders of one name are two nodes.

    Raises
    ------
    ShapeError, DTypeError
        If shape or dtype is not one.

    Examples
    --------
    >>> placeholder("x", ("n", 3))
    <x: float64[n, 3] placeholder>
    """
    if not isinstance(name, str):
        raise DTypeError("the name of a placeholder must be a text", got=repr(name))
    return make(Placeholder.new(name, TensorType.of(shape, dtype)))


def is_masked(value: object) -> bool:
    """Whether a value is a masked array; ``numpy.ma`` is not loaded for this question.

    Who has a masked array has loaded it, and loading takes longer than a gradient of a model.
    """
    loaded: Any = modules.get("numpy.ma")
    return loaded is not None and isinstance(value, loaded.MaskedArray)


def masked_refusal() -> DTypeError:
    """What is said of a masked array: there is nothing that its mask could become."""
    return DTypeError(
        "a masked array",
        expected="an array of numbers",
        got="numpy.ma.MaskedArray",
        hint="fill it first, value.filled(0.0), or take np.where(value.mask, 0.0, value.data)",
    )


def constant(value: ArrayLike, dtype: object = None) -> Node:
    """A value that is known now, as a node.

    Parameters
    ----------
    value : array_like
        Copied: later changes of the array do not reach the graph.
    dtype : data-type, optional
        As in ``np.asarray``.

    Raises
    ------
    DTypeError
        If the value is not numeric.

    Examples
    --------
    >>> constant([1.0, 2.0])
    <[1.0, 2.0]: float64[2]>
    """
    if isinstance(value, Node):
        return value if dtype is None else apply("astype", value, dtype)
    wanted: Any = dtype
    if isinstance(value, SizeNumber):
        return constant(value.as_node(), dtype)
    if isinstance(value, Size):
        return make(SizeValue(value, np.dtype(wanted or np.int64)))
    if is_masked(value):
        raise masked_refusal()
    try:
        array: Any = np.asarray(value, dtype=wanted)
    except (ValueError, TypeError, OverflowError) as error:
        if isinstance(error, DTypeError):
            raise
        raise DTypeError(
            "a constant must be an array of numbers", got=f"{type(value).__name__}: {error}"
        ) from None
    return make(Constant(array))


def as_node(value: object) -> Node:
    """A node from anything array-like; lists may hold nodes.

    Python scalars become constants of NumPy's default dtype; where a weak scalar must adapt to
    another operand (element-wise operations) the operation sees to it.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, list | tuple) and _holds_node(value):
        return apply("stack", value)
    if isinstance(value, Eager):
        return value.as_node()
    return constant(cast("Any", value))


def _holds_node(value: Any) -> bool:
    """Whether a value is a node, or a list or tuple that holds one."""
    if isinstance(value, list | tuple):
        return any(_holds_node(item) for item in cast("Sequence[Any]", value))
    return isinstance(value, Node)


def made_since(marker: Node) -> set[Node]:
    """The nodes that were made after another one.

    An equal node that was there before is not among them.
    """
    found: set[Node] = set()
    # Of a copy: nodes that are freed meanwhile leave the table.
    for entry in reversed(list(_TABLE.values())):
        node = entry()
        if node is marker:
            break
        if node is not None:
            found.add(node)
    return found


# Rows and walks: flat and iterative, so that the depth of a graph does not matter ---------------


@without_collection
def to_rows(outputs: Sequence[Node]) -> list[tuple[Any, ...]]:
    """Nodes as plain rows ``(op, input positions, name, origin)``, operands first."""
    position: dict[Node, int] = {}
    rows: list[tuple[Any, ...]] = []
    for node in topological(outputs):
        position[node] = len(rows)
        places = tuple([position[i] for i in node.inputs])
        rows.append((node.op, places, NAMES.get(node), ORIGINS.get(node)))
    return rows


@without_collection
def nodes_from_rows(rows: Sequence[tuple[Any, ...]]) -> list[Node]:
    """The nodes that `to_rows` wrote down."""
    nodes: list[Node] = []
    places: tuple[int, ...]
    for op, places, name, origin in rows:
        node = make(op, *[nodes[i] for i in places])
        if name:
            NAMES.setdefault(node, name)
        if origin:
            ORIGINS[node] = origin
        nodes.append(node)
    return nodes


def _last_from_rows(rows: Sequence[tuple[Any, ...]]) -> Node:
    return nodes_from_rows(rows)[-1]


def topological(outputs: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """All nodes that `outputs` need, operands before their users.

    Parameters
    ----------
    outputs : iterable of Node
        Where to begin; their order decides the order of what is independent.
    stop : callable, optional
        Nodes for which it is true are listed, and their operands not looked at.
    """
    order: list[Node] = []
    done: set[Node] = set()
    for output in outputs:
        stack = [output]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            if node.inputs and (stop is None or not stop(node)):
                waiting = len(stack)
                for operand in node.inputs[::-1]:
                    if operand not in done:
                        stack.append(operand)
                if len(stack) > waiting:
                    continue
            done.add(node)
            order.append(node)
            stack.pop()
    return order
