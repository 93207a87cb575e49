"""Calls of builders with tensors: run at once, and recorded where a gradient is wanted.

The builder itself runs only once for each kind of call, on stand-ins; what it built is kept as a
`Template`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import local
from types import FunctionType
from typing import Any, cast

import numpy as np

from symgraph.errors import DTypeError, ShapeError, SymgraphError
from symgraph.graph.evaluate import stand_in
from symgraph.graph.node import Node, constant
from symgraph.graph.record import record
from symgraph.graph.sizes import Size
from symgraph.graph.tree import Tree, flatten, unflatten
from symgraph.graph.types import TensorType
from symgraph.ops.kinds import ELEMENTWISE, Elementwise, Multilinear, operands
from symgraph.tape.mode import MODE
from symgraph.tape.values import KINDS, Template, Value, data_value, user_line

__all__ = ["perform", "values_of"]


class Handle:
    """Base of what holds a value that can be an operand: the tensors."""

    def current(self) -> Value:
        """The value as it is now."""
        raise NotImplementedError


@record
class Call:
    """What a kind of call comes down to: a template, and how its results are put together."""

    template: Template
    form: Tree
    fixed: tuple[Any, ...]
    """For each leaf of the result what it is, or `_RESULT`."""

    def run(self, values: Sequence[Value]) -> list[Value]:
        """The values of the results."""
        if MODE.recording:
            for value in values:
                if value.active:
                    return self.template.record(values, user_line())
        return self.template.compute(values)

    def tree(self, results: Sequence[Any]) -> Any:
        """The results in the form that the builder gives."""
        stream = iter(results)
        return unflatten(
            self.form, [next(stream) if leaf is _RESULT else leaf for leaf in self.fixed]
        )


_RESULT = object()
_CALLS: dict[Any, Call] = {}
_STATIC: set[Any] = set()
"""Calls whose arrays must be known to the builder, because shapes depend on them."""
_FAMILIES: dict[Any, int | None] = {}
"""How many numbers calls of a form were seen with; ``None`` once they are treated as data."""

MOST_NUMBERS = 8
"""Different numbers in one place of a call after which they are data, and not part of the
structure: a factor that changes with every step must not make every step another program."""


def perform(
    function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]
) -> tuple[Call, list[Value], list[Value]]:
    """Run a builder on arguments among which there are tensors.

    Returns
    -------
    call : Call
    values : list of Value
        Its operands.
    results : list of Value
    """
    found: list[Value] = []
    key: Any = (function, _key(args, found, None), _key(keywords, found, None) if keywords else ())
    call = _CALLS.get(key)
    if call is None:
        call, found = _first(function, args, keywords, key, found)
    return call, found, call.run(found)


def _first(
    function: Callable[..., Any], args: Any, keywords: Any, key: Any, found: list[Value]
) -> tuple[Call, list[Value]]:
    """A call of a kind that was not seen before."""
    numbers = _as_data(function, args) if not keywords else None
    if numbers is not None:
        found = []
        key = (function, _key(numbers, found, None), ())
        args = numbers
        known = _CALLS.get(key)
        if known is not None:
            return known, found
    first: SymgraphError | None = None
    if key not in _STATIC:
        try:
            return _remember(key, function, args, keywords, found), found
        except SymgraphError as error:
            if not any(_may_be_static(value) for value in found):
                raise
            first = error
    bytes_: list[Any] = []
    found = []
    exact = (key, _key(args, found, bytes_), _key(keywords, found, bytes_), tuple(bytes_))
    call = _CALLS.get(exact)
    if call is None:
        try:
            call = _remember(exact, function, args, keywords, None)
        except SymgraphError as error:
            raise first or error from None
    _STATIC.add(key)
    return call, found


class _Lifting:
    """A builder at work on stand-ins, which takes more operands where functions bring them in.

    The branches of ``sg.cond`` and the rounds of ``sg.scan`` may use tensors from around them:
    where one meets a node it becomes an operand, too.
    """

    def __init__(self, nodes: list[Node], found: list[Value]) -> None:
        self.nodes, self.found = nodes, found

    def call(self, function: Callable[..., Any], args: Any, keywords: Any) -> Any:
        """The result of a builder on nodes and tensors, as nodes."""
        return function(*self.lifted(args), **self.lifted(keywords))

    def lifted(self, value: Any) -> Any:
        """The arguments with stand-ins for tensors."""
        if isinstance(value, Handle):
            current = value.current()
            for node, known in zip(self.nodes, self.found, strict=True):
                if known is current:
                    return node
            type_ = KINDS[current.kind]
            assert isinstance(type_, TensorType)
            self.found.append(current)
            self.nodes.append(stand_in(len(self.nodes), type_))
            return self.nodes[-1]
        if isinstance(value, tuple | list):
            sequence = cast("Sequence[Any]", value)
            return _like(sequence, [self.lifted(item) for item in sequence])
        if isinstance(value, Mapping):
            table = cast("Mapping[Any, Any]", value)
            return {name: self.lifted(item) for name, item in table.items()}
        return value


class _Lifted(local):
    current: _Lifting | None = None


LIFTED = _Lifted()


def _remember(
    key: Any, function: Callable[..., Any], args: Any, keywords: Any, found: list[Value] | None
) -> Call:
    """Build a call; without `found` its plain data is known to the builder."""
    nodes: list[Node] = []
    static = found is None
    given = _rebuilt(args, nodes, static), _rebuilt(keywords, nodes, static)
    before = LIFTED.current
    if found is not None:
        LIFTED.current = _Lifting(nodes, found)
    try:
        built = function(*given[0], **given[1])
    finally:
        LIFTED.current = before
    leaves, form = flatten(built)
    arrays = np.ndarray | np.generic
    leaves = [constant(leaf) if isinstance(leaf, arrays) else leaf for leaf in leaves]
    fixed = tuple([_RESULT if isinstance(leaf, Node) else leaf for leaf in leaves])
    template = Template(nodes, [leaf for leaf in leaves if isinstance(leaf, Node)])
    for step, _ in template.steps:
        if isinstance(step.op, Multilinear):
            _one_dtype(step.op.name, step.operands)
    for node in template.outputs:
        _known_sizes(node)
    call = Call(template, form, fixed)
    if not _holds_function(args, keywords):
        if len(_CALLS) > MOST_CALLS:
            _CALLS.clear()
        _CALLS[key] = call
    return call


MOST_CALLS = 20_000


def _known_sizes(node: Node) -> None:
    if not all(isinstance(size, int) for size in node.shape):
        raise ShapeError(
            "a size of a tensor is a number", expected="integers", got=f"shape {node.shape}"
        )


def _one_dtype(name: str, nodes: Sequence[Node]) -> None:
    dtypes = {node.dtype for node in nodes if node.dtype.kind in "fc"}
    if len(dtypes) > 1:
        raise DTypeError(
            f"{name}: the operands have different dtypes",
            expected="one dtype",
            got=" and ".join(sorted(dtype.name for dtype in dtypes)),
            hint="convert one of them with .astype(), or .to()",
        )


# Arguments ------------------------------------------------------------------------------------


def _key(value: Any, found: list[Value], exact: list[Any] | None) -> Any:
    """What decides the meaning of a call; operands are appended to `found`.

    With `exact`, integers are no operands: their bytes are appended there.
    """
    if isinstance(value, Handle) or type(value) is np.ndarray or isinstance(value, np.generic):
        current = value.current() if isinstance(value, Handle) else data_value(value)
        if exact is not None and _may_be_static(current):
            exact.append(np.asarray(current.data).tobytes())
            return ("bytes", current.kind)
        found.append(current)
        return current.kind
    kind = cast("type[Any]", type(value))
    if kind is int or kind is float or kind is complex or kind is bool:
        if value == value and (value or kind is not float):
            return (kind, value)
        return (kind, repr(value))  # nan is equal to nothing, and the zeros to each other
    if isinstance(value, tuple | list):
        return (kind, *[_key(item, found, exact) for item in cast("Sequence[Any]", value)])
    if kind is slice:
        parts = (value.start, value.stop, value.step)
        return (slice, *[_key(part, found, exact) for part in parts])
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return (dict, *[(name, _key(item, found, exact)) for name, item in items])
    if isinstance(value, Node | Size):
        raise mixed(value)
    if isinstance(value, np.ndarray):
        return _key(np.asarray(cast("Any", value)), found, exact)
    try:
        hash(value)
    except TypeError:
        raise DTypeError(
            "an argument that is neither a tensor nor an array", got=repr(value)[:60]
        ) from None
    return (kind, value)


def _may_be_static(value: Value) -> bool:
    """Whether a shape may depend on a value: it is integers or booleans."""
    type_ = KINDS[value.kind]
    return isinstance(type_, TensorType) and type_.dtype.kind in "biu"


def mixed(value: object) -> DTypeError:
    """The error for a tensor and a node in one operation."""
    return DTypeError(
        "a tensor and a node of a graph in one operation",
        got=repr(value),
        hint="tape.function(y, [x]) makes a graph of what was recorded; sg.function makes "
        "arrays of nodes",
    )


def _rebuilt(value: Any, nodes: list[Node], static: bool) -> Any:
    """The arguments with stand-ins for operands, in the order of `_key`."""
    if isinstance(value, Handle | np.ndarray | np.generic):
        current = value.current() if isinstance(value, Handle) else data_value(value)
        if static and _may_be_static(current):
            return np.asarray(current.data)
        type_ = KINDS[current.kind]
        assert isinstance(type_, TensorType)
        nodes.append(stand_in(len(nodes), type_))
        return nodes[-1]
    if isinstance(value, tuple | list):
        sequence = cast("Sequence[Any]", value)
        return _like(sequence, [_rebuilt(item, nodes, static) for item in sequence])
    if isinstance(value, slice):
        cut = cast("Any", value)
        parts = (cut.start, cut.stop, cut.step)
        return slice(*[_rebuilt(part, nodes, static) for part in parts])
    if isinstance(value, Mapping):
        table = cast("Mapping[Any, Any]", value)
        return {name: _rebuilt(item, nodes, static) for name, item in table.items()}
    return value


def _like(sequence: Sequence[Any], items: list[Any]) -> Any:
    """A list, tuple or named tuple of other items."""
    kind: Any = type(sequence)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def _holds_function(*values: Any) -> bool:
    """Whether a function is among the arguments: it may mean something else the next time."""
    return any(isinstance(leaf, FunctionType) for leaf in flatten(list(values))[0])


def _as_data(function: Callable[..., Any], args: Sequence[Any]) -> list[Any] | None:
    """The arguments with numbers as arrays, where too many different ones have been seen."""
    op = ELEMENTWISE.get(function.__name__)
    places = [i for i, arg in enumerate(args) if type(arg) is float or type(arg) is int]
    if not isinstance(op, Elementwise) or not places or any(arg is None for arg in args):
        return None
    shown: list[Value] = []
    family: Any = (
        function,
        *[
            cast("Any", type(arg)) if i in places else _key(arg, shown, None)
            for i, arg in enumerate(args)
        ],
    )
    seen = _FAMILIES.get(family, 0)
    if seen is not None:
        _FAMILIES[family] = None if seen + 1 >= MOST_NUMBERS else seen + 1
        return None
    nodes: list[Node] = []
    typed = operands(op, _rebuilt(list(args), nodes, False))
    return [
        np.asarray(arg, typed[i].dtype)[()] if i in places else arg for i, arg in enumerate(args)
    ]


def values_of(args: Sequence[Any]) -> Iterator[Value]:
    """The values of tensors and arrays."""
    for arg in args:
        yield arg.current() if isinstance(arg, Handle) else data_value(arg)


def check_shape(what: str, expected: Any, got: Any) -> None:
    """Raise `ShapeError` unless two shapes are equal."""
    if tuple(expected) != tuple(got):
        raise ShapeError(what, expected=str(tuple(expected)), got=str(tuple(got)))
