"""Graphs inside operations: the bodies of branches and loops.

A body is closed: it reads its inputs and nothing else. What the user's function takes from around
it becomes an input too. Its inputs are numbered, so that equal bodies are the same nodes and equal
loops are one operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from symgraph.errors import DTypeError, ShapeError
from symgraph.graph.graph import replace
from symgraph.graph.leaves import Constant, Item, Placeholder, SizeValue
from symgraph.graph.node import Node, as_node, make, placeholder, topological
from symgraph.graph.op import Op
from symgraph.graph.record import record
from symgraph.graph.registry import apply
from symgraph.graph.sizes import Dim
from symgraph.graph.tree import Tree, flatten, leaf_paths, unflatten
from symgraph.graph.types import TensorType, TupleType
from symgraph.ops.elementwise import zeros_like

__all__: list[str] = []

INDENT = "    "
_LONG = 64


@record
class Body:
    """A closed graph.

    Attributes
    ----------
    inputs : tuple of Node
        Placeholders.
    outputs : tuple of Node
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    @property
    def types(self) -> tuple[TensorType, ...]:
        """Types of the results."""
        return tuple([node.type for node in self.outputs])

    def flops(self) -> Dim:
        """Operations on numbers that one run takes."""
        return sum([node.op.flops(node) for node in topological(self.outputs)], start=0)

    def allocated(self) -> Dim:
        """The bytes of the arrays that one run makes."""
        return sum([node.op.allocated(node) for node in topological(self.outputs)], start=0)

    def used(self) -> set[Node]:
        """The inputs that a result depends on."""
        return set(topological(self.outputs)) & set(self.inputs)

    def __repr__(self) -> str:
        return f"({', '.join(map(_label, self.inputs))}) -> {len(self.outputs)} results"


def memory_of(result: Node) -> set[Node]:
    """The nodes of a body whose memory a result may be in."""
    seen: set[Node] = set()
    stack = [result]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node.op, Item):
            stack += node.inputs if node.inputs[0].op.views else ()
        else:
            stack += [node.inputs[i] for i in node.op.views]
    return seen


def bodies_of(op: Op) -> list[Body]:
    """The graphs inside of an operation."""
    names: tuple[str, ...] = getattr(op, "__match_args__", ())
    fields = [getattr(op, name) for name in names]
    return [value for value in fields if isinstance(value, Body)]


def _label(node: Node) -> str:
    return f"{node.op.label}: {node.result_type}"


class Slots:
    """New inputs for a body, distinct from those that it has."""

    def __init__(self, taken: Sequence[Node] = ()) -> None:
        numbers = [node.op.key[1] for node in taken if isinstance(node.op, Placeholder)]
        self.next = max(numbers, default=-1) + 1

    def new(self, name: str, type_: TensorType) -> Node:
        """An input of this type."""
        number, self.next = self.next, self.next + 1
        return make(Placeholder(name, type_, ("body", number, 0)))

    def like(self, prefix: str, node: Node) -> Node:
        """An input of the type of another, called after it."""
        return self.new(f"{prefix}{node.op.label}", node.type)


def close(
    own: Sequence[Node], results: Sequence[Sequence[Node]], kept: Iterable[Node] = ()
) -> tuple[list[Body], list[Node]]:
    """Bodies for alternative results of the same inputs, and what they take from around.

    Parameters
    ----------
    own : sequence of Node
        Placeholders that stand for the arguments.
    results : sequence of sequence of Node
        For each body its results.
    kept : iterable of Node
        Nodes that belong inside although they do not depend on the arguments.

    Returns
    -------
    bodies : list of Body
        All with the same inputs: what is taken from around, then the arguments.
    around : list of Node
        The values taken from around. All that neither depends on the arguments nor is kept is
        among them: what does not change in a loop is computed before it.
    """
    outputs = [node for group in results for node in group]
    order = topological(outputs)
    # A placeholder belongs to whoever made it, also where a function brought it in.
    inside = {*own, *[node for node in kept if not isinstance(node.op, Placeholder)]}
    for node in order:
        if any(operand in inside for operand in node.inputs):
            inside.add(node)
    read = {operand for node in order if node in inside for operand in node.inputs}
    read.update(outputs)
    around = [
        node
        for node in order
        if node in read and node not in inside and not isinstance(node.op, Constant | SizeValue)
    ]
    slots = Slots()
    names = [_called(node) for node in around]
    inputs = [slots.new(name, node.type) for name, node in zip(names, around, strict=True)]
    inputs += [slots.new(node.op.label, node.type) for node in own]
    mapping = dict(zip([*around, *own], inputs, strict=True))
    bodies = [Body(tuple(inputs), tuple(replace(group, mapping))) for group in results]
    return bodies, around


def _called(node: Node) -> str:
    """What the input should be called that stands for a value from around."""
    if node.op.suffix and isinstance(node.inputs[0].op, Placeholder):
        return node.inputs[0].op.label + node.op.suffix
    return node.op.label if isinstance(node.op, Placeholder) else node.op.name


def nodes_of(tree: Any) -> tuple[list[Node], Tree, list[bool]]:
    """Nodes for the leaves of a tree, its form, and which leaves are there (``None`` is not)."""
    leaves, form = flatten(tree)
    there = [leaf is not None for leaf in leaves]
    return [as_node(leaf) for leaf in leaves if leaf is not None], form, there


def tree_of(form: Tree, there: Sequence[bool], nodes: Sequence[Any]) -> Any:
    """The tree that `nodes_of` took apart, with other leaves."""
    stream = iter(nodes)
    return unflatten(form, [next(stream) if present else None for present in there])


def items(node: Node) -> list[Node]:
    """All results of an operation with several."""
    kind = node.result_type
    assert isinstance(kind, TupleType)
    return [make(Item(i), node) for i in range(len(kind.items))]


def or_zeros(value: Node | None, like: Node) -> Node:
    """A derivative, or zeros in the type of what it belongs to."""
    return zeros_like(like) if value is None else value


def repeated(node: Node, stack: Node | None, size: Dim) -> Node:
    """The stack of a result, or the result repeated where it does not depend on the batch."""
    return apply("broadcast_to", node, (size, *node.shape)) if stack is None else stack


def assigned(targets: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Statements that assign all at once; nothing for a target of its own name.

    Examples
    --------
    >>> assigned(["a", "b"], ["b", "a"]), assigned(["c", "d"], ["np.float64(0.0)", "b"])
    (['a, b = b, a'], ['c = np.float64(0.0)', 'd = b'])
    """
    pairs = [(t, s) for t, s in zip(targets, sources, strict=True) if t not in ("_", s)]
    if not pairs:
        return []
    names = [t for t, _ in pairs]
    apart = not any(set(re.findall(r"\w+", s)) & set(names[:i]) for i, (_, s) in enumerate(pairs))
    one = f"{', '.join(names)} = {', '.join([s for _, s in pairs])}"
    if apart and (len(one) > _LONG or not all(s.isidentifier() for _, s in pairs)):
        return [f"{t} = {s}" for t, s in pairs]
    return [one]


def stand_ins(name: str, tree: Any, types: Sequence[TensorType]) -> list[Node]:
    """Placeholders for the leaves of a tree, called after their places."""
    leaves, form = flatten(tree)
    paths = [p for p, leaf in zip(leaf_paths(form), leaves, strict=True) if leaf is not None]
    return [
        placeholder(f"{name}_{path}" if path else name, t.shape, t.dtype)
        for path, t in zip(paths, types, strict=True)
    ]


def same_types(
    what: str, first: str, nodes: Sequence[Node], second: str, others: Sequence[Node]
) -> None:
    """Raise `ShapeError` or `DTypeError` unless two lists of results have the same types."""
    for i, (a, b) in enumerate(zip(nodes, others, strict=True)):
        if a.type != b.type:
            raise (ShapeError if a.shape != b.shape else DTypeError)(
                f"{what} give different types",
                expected=f"{a.type!r}, as result {i} of {first}",
                got=f"{b.type!r} of {second}",
                hint="convert with .astype() or np.broadcast_to",
            )
