"""Nodes: interned, immutable values of a graph, with NumPy's operators and methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import RLock
from typing import Any, NoReturn, TypeAlias, cast
from weakref import ref

import numpy as np

from symgraph.errors import DTypeError, ShapeError, UnsupportedError
from symgraph.graph.collect import without_collection
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.op import Op
from symgraph.graph.registry import VIEWS, Eager, apply, builder_for, builder_named
from symgraph.graph.side import NAMES, ORIGINS, STEPS, SideTable, current_origin
from symgraph.graph.sizes import READ_BACK, Dim, Shape, Size, product
from symgraph.graph.types import DType, TensorType, TupleType, Type

__all__ = ["ArrayLike", "Node", "as_node", "constant", "make", "placeholder", "recorded"]

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


def _refuse(what: str, instead: str) -> NoReturn:
    raise DTypeError(f"{what} of a node: its value is not known in a graph", hint=instead)


class Node:
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

    __hash__ = object.__hash__  # by identity; __eq__ builds a node

    def __reduce__(self) -> tuple[object, ...]:
        # Flat rows, so that the depth of the graph does not matter.
        return (_last_from_rows, (to_rows([self]),))

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: object) -> Node:
        return self

    # What Python asks and a graph cannot answer -------------------------------------------------

    def __bool__(self) -> NoReturn:
        _refuse(
            "the truth",
            "choose element by element with np.where(condition, a, b), or in a "
            f"graph with sg.cond(condition, if_true, if_false); {READ_BACK}",
        )

    def __float__(self) -> NoReturn:
        _refuse("float()", "keep the node; compile with sg.function to get numbers")

    def __int__(self) -> NoReturn:
        _refuse("int()", "use node.astype(int), or node.shape for sizes")

    def __complex__(self) -> NoReturn:
        _refuse("complex()", "use node.astype(complex)")

    def __index__(self) -> NoReturn:
        _refuse("an index", "index with the node itself, x[node], or use a Python integer")

    def __array__(self, *args: object, **keywords: object) -> NoReturn:
        _refuse("np.array()", "np.stack([...]) builds an array of nodes; sg.function gives arrays")

    def __contains__(self, item: object) -> NoReturn:
        _refuse("'in'", "use (node == value).any()")

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise DTypeError(
            "nodes are immutable: item assignment",
            hint="y = x.at[index].set(value), or .add(value), .multiply(value), .min, .max; "
            + READ_BACK,
        )

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("len() of a 0-d node")
        length = self.shape[0]
        if isinstance(length, Size):
            raise DTypeError(
                f"len() of a node whose length {length} is symbolic",
                hint="node.shape[0] is the symbolic size and may stand in formulas",
            )
        return length

    def __iter__(self) -> Iterator[Node]:
        if self.shape and isinstance(self.shape[0], Size):
            raise DTypeError(
                f"a loop over a node whose length {self.shape[0]} is symbolic",
                hint=f"use array operations over the axis, or sg.scan; {READ_BACK}",
            )
        return (self[i] for i in range(len(self)))

    # NumPy's protocols --------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *args: Any, **keywords: Any) -> Any:
        if kind in ("at", "reduceat"):
            raise UnsupportedError(
                f"np.{ufunc.__name__}.{kind} cannot be recorded in a graph",
                hint="y = x.at[i].add(values) adds at positions, np.bincount(segment, x) sums "
                f"them; {READ_BACK}",
            )
        if kind != "__call__":
            return apply(f"ufunc_{kind}", ufunc, *args, **keywords)
        if keywords.get("out") is not None:
            raise DTypeError(
                f"np.{ufunc.__name__}: out= (or an in-place operator on an array) with a node",
                hint="write y = x + node instead of x += node",
            )
        keywords.pop("out", None)
        if keywords and ufunc.signature is not None:
            return recorded(
                lambda *a, **k: apply(ufunc.__name__, *a, **k),
                f"np.{ufunc.__name__}",
                args,
                keywords,
            )
        if keywords:
            raise UnsupportedError(
                f"np.{ufunc.__name__}: keyword {', '.join(keywords)} is not supported on nodes",
                hint="use .astype() for dtype=, np.where() for where=",
            )
        return apply(ufunc.__name__, *args)

    def __array_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: Any, keywords: Any
    ) -> Any:
        ours = builder_for(function)
        if ours is None:
            raise UnsupportedError(
                f"{function.__module__}.{function.__name__} cannot be recorded in a graph",
                hint="compose it from operations that exist (see dir(sg))",
            )
        return recorded(ours, f"np.{function.__name__}", args, keywords)

    # Operators ----------------------------------------------------------------------------------

    def __add__(self, other: ArrayLike) -> Node:
        return apply("add", self, other)

    def __radd__(self, other: ArrayLike) -> Node:
        return apply("add", other, self)

    def __sub__(self, other: ArrayLike) -> Node:
        return apply("subtract", self, other)

    def __rsub__(self, other: ArrayLike) -> Node:
        return apply("subtract", other, self)

    def __mul__(self, other: ArrayLike) -> Node:
        return apply("multiply", self, other)

    def __rmul__(self, other: ArrayLike) -> Node:
        return apply("multiply", other, self)

    def __truediv__(self, other: ArrayLike) -> Node:
        return apply("divide", self, other)

    def __rtruediv__(self, other: ArrayLike) -> Node:
        return apply("divide", other, self)

    def __floordiv__(self, other: ArrayLike) -> Node:
        return apply("floor_divide", self, other)

    def __rfloordiv__(self, other: ArrayLike) -> Node:
        return apply("floor_divide", other, self)

    def __mod__(self, other: ArrayLike) -> Node:
        return apply("remainder", self, other)

    def __rmod__(self, other: ArrayLike) -> Node:
        return apply("remainder", other, self)

    def __divmod__(self, other: ArrayLike) -> tuple[Node, Node]:
        return apply("divmod", self, other)

    def __pow__(self, other: ArrayLike) -> Node:
        return apply("power", self, other)

    def __rpow__(self, other: ArrayLike) -> Node:
        return apply("power", other, self)

    def __matmul__(self, other: ArrayLike) -> Node:
        return apply("matmul", self, other)

    def __rmatmul__(self, other: ArrayLike) -> Node:
        return apply("matmul", other, self)

    def __neg__(self) -> Node:
        return apply("negative", self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return apply("absolute", self)

    def __invert__(self) -> Node:
        return apply("invert", self)

    def __and__(self, other: ArrayLike) -> Node:
        return apply("bitwise_and", self, other)

    def __rand__(self, other: ArrayLike) -> Node:
        return apply("bitwise_and", other, self)

    def __or__(self, other: ArrayLike) -> Node:
        return apply("bitwise_or", self, other)

    def __ror__(self, other: ArrayLike) -> Node:
        return apply("bitwise_or", other, self)

    def __xor__(self, other: ArrayLike) -> Node:
        return apply("bitwise_xor", self, other)

    def __rxor__(self, other: ArrayLike) -> Node:
        return apply("bitwise_xor", other, self)

    def __lshift__(self, other: ArrayLike) -> Node:
        return apply("left_shift", self, other)

    def __rlshift__(self, other: ArrayLike) -> Node:
        return apply("left_shift", other, self)

    def __rshift__(self, other: ArrayLike) -> Node:
        return apply("right_shift", self, other)

    def __rrshift__(self, other: ArrayLike) -> Node:
        return apply("right_shift", other, self)

    def __eq__(self, other: object) -> Node:  # pyright: ignore[reportIncompatibleMethodOverride]
        return apply("equal", self, other)

    def __ne__(self, other: object) -> Node:  # pyright: ignore[reportIncompatibleMethodOverride]
        return apply("not_equal", self, other)

    def __lt__(self, other: ArrayLike) -> Node:
        return apply("less", self, other)

    def __le__(self, other: ArrayLike) -> Node:
        return apply("less_equal", self, other)

    def __gt__(self, other: ArrayLike) -> Node:
        return apply("greater", self, other)

    def __ge__(self, other: ArrayLike) -> Node:
        return apply("greater_equal", self, other)

    def _augmented(self, name: str, other: ArrayLike) -> Node:
        # On an array this would write through a view; on a node it could only rebind the name,
        # and what the view was taken of would silently keep its value.
        if self.op.views:
            raise DTypeError(
                f"an in-place operator on a view ({self.op.name})",
                hint="y = x.at[index].add(value) gives x with the change; or write v = v + w; "
                + READ_BACK,
            )
        return apply(name, self, other)

    def __iadd__(self, other: ArrayLike) -> Node:
        return self._augmented("add", other)

    def __isub__(self, other: ArrayLike) -> Node:
        return self._augmented("subtract", other)

    def __imul__(self, other: ArrayLike) -> Node:
        return self._augmented("multiply", other)

    def __itruediv__(self, other: ArrayLike) -> Node:
        return self._augmented("divide", other)

    def __ipow__(self, other: ArrayLike) -> Node:
        return self._augmented("power", other)

    def __getitem__(self, index: Any) -> Node:
        return apply("getitem", self, index)

    # Methods, with NumPy's names and defaults ---------------------------------------------------

    @property
    def at(self) -> Any:
        """``x.at[index].set(v)``, ``add``, ``multiply``, ``min``, ``max``: x with a change."""
        return apply("at", self)

    @property
    def T(self) -> Node:  # noqa: N802 - NumPy's name
        """All axes reversed."""
        return apply("transpose", self)

    @property
    def mT(self) -> Node:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        if self.ndim < 2:
            raise ShapeError("mT needs two dimensions", got=repr(self.type))
        return apply("swapaxes", self, -1, -2)

    @property
    def real(self) -> Node:
        """The real part; of real values they themselves."""
        return apply("real", self)

    @property
    def imag(self) -> Node:
        """The imaginary part; of real values zeros."""
        return apply("imag", self)

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not defined above: NumPy's methods are its functions.
        if name in _METHODS:
            return _Method(self, name)
        hint = _INSTEAD.get(name, "NumPy's functions are sg.<name>")
        raise AttributeError(f"a node has no attribute {name!r}; {hint}")

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *_METHODS})

    def reshape(self, *shape: Any, order: str = "C") -> Node:
        """The same elements in another shape: ``reshape(2, 3)`` or ``reshape((2, 3))``."""
        return apply("reshape", self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Node:
        """Permuted axes: ``transpose(1, 0)``, ``transpose((1, 0))`` or ``transpose()``."""
        if not axes:
            return apply("transpose", self)
        return apply("transpose", self, axes[0] if len(axes) == 1 else axes)

    def flatten(self, order: str = "C") -> Node:
        """One dimension."""
        return apply("ravel", self, order)

    def compress(self, condition: Any, axis: Any = None) -> Node:
        """Slices where a mask that is known now is true."""
        return apply("compress", condition, self, axis)

    def copy(self) -> Node:
        """This node: values are immutable."""
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


def recorded(
    ours: Callable[..., Any], what: str, args: Sequence[Any], keywords: dict[str, Any]
) -> Any:
    """Call one of our functions; a keyword that only NumPy's has is an error that says so."""
    if "out" in keywords and keywords["out"] is None:
        keywords = {name: value for name, value in keywords.items() if name != "out"}
    try:
        return ours(*args, **keywords)
    except TypeError as error:
        if isinstance(error, DTypeError) or "argument" not in str(error):
            raise
        raise DTypeError(
            f"{what}: {error}", hint="this keyword of NumPy is not supported on nodes"
        ) from None


class _Method:
    """A bound method of a node that is one of our functions."""

    __slots__ = ("_name", "_node")

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._name = name

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        function = builder_named(_METHODS[self._name])
        if function is None:
            return apply(self._name)
        return recorded(function, f"node.{self._name}", (self._node, *args), keywords)

    def __repr__(self) -> str:
        return f"<method {self._name} of {self._node!r}>"


_METHODS = {
    name: name
    for name in (
        "sum mean prod var std max min argmax argmin all any cumsum cumprod ravel squeeze "
        "swapaxes clip astype dot take repeat diagonal trace argsort round choose searchsorted "
        "argpartition"
    ).split()
} | {"conj": "conjugate", "conjugate": "conjugate"}


_NOT_KNOWN = "its value is not known in a graph: compile it with sg.function"
_IMMUTABLE = "nodes are immutable: "
_INSTEAD = {
    **dict.fromkeys(("item", "tolist", "tobytes", "tofile", "data", "flat"), _NOT_KNOWN),
    "ptp": "np.ptp(x) is a function, as in NumPy 2",
    "nonzero": "its shape would depend on values: np.where(mask, x, 0) keeps the shape",
    "sort": _IMMUTABLE + "np.sort(x) gives a sorted one",
    "partition": _IMMUTABLE + "np.partition(x, kth) gives another one",
    "resize": _IMMUTABLE + "np.resize(x, shape) gives another one",
    "fill": _IMMUTABLE + "np.full_like(x, value) gives another one",
    "put": _IMMUTABLE + "x.at[indices].set(values) gives another one",
    "itemset": _IMMUTABLE + "x.at[index].set(value) gives another one",
}
"""Attributes of arrays that nodes cannot have, and what takes their place."""


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
    if isinstance(value, Size):
        return make(SizeValue(value, np.dtype(wanted or np.int64)))
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
