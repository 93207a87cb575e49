"""A graph: inputs, outputs and what lies between, with verification and a text listing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from symgraph.errors import DTypeError, InputError, SymgraphError
from symgraph.graph.collect import without_collection
from symgraph.graph.cost import Cost, cost_of
from symgraph.graph.leaves import Constant, Placeholder
from symgraph.graph.node import (
    Node,
    apply_view,
    make,
    nodes_from_rows,
    one_line,
    to_rows,
    topological,
)
from symgraph.graph.refusal import public, short
from symgraph.graph.side import NAMES, NOTES, ORIGINS
from symgraph.graph.sizes import dim_names
from symgraph.graph.tree import Tree, flatten, leaf_paths, unflatten

__all__ = ["Graph", "flatten_nodes", "rebuild", "replace"]


def flatten_nodes(tree: Any, what: str) -> tuple[list[Node], Tree]:
    """The nodes of a tree and its form.

    Raises
    ------
    InputError
        If a leaf is not a node; the message names `what` and the leaf's place.
    """
    leaves, form = flatten(tree)
    for leaf, path in zip(leaves, leaf_paths(form), strict=True):
        if not isinstance(leaf, Node):
            raise InputError(
                f"{what}{f' [{path}]' if path else ''} is not a node",
                expected="nodes, or dicts, lists and tuples of nodes",
                got=f"{type(leaf).__name__}: {leaf!r:.60}",
                hint="sg.constant(value) makes a node of an array",
            )
    return leaves, form


class Graph:
    """Inputs, outputs, and the nodes between them.

    Parameters
    ----------
    inputs : tree of Node
        Placeholders, in the order of the arguments.
    outputs : tree of Node
        Results in any tree form.
    names : mapping, optional
        Names for nodes that have none of their own.

    Raises
    ------
    InputError
        If an input is not a placeholder, stands there twice, or one that the outputs need is
        missing.

    Examples
    --------
    >>> from symgraph.graph.node import placeholder
    >>> x = placeholder("x", 3)
    >>> print(Graph([x], x * x + 1.0))
    x: float64[3] = placeholder
    1: float64[3] = multiply(x, x)...
    2: float64[3] = add(%1, 1.0)...
    return %2
    """

    def __init__(self, inputs: Any, outputs: Any, names: Mapping[Node, str] | None = None) -> None:
        self.inputs, self.input_tree = flatten_nodes(inputs, "input")
        self.outputs, self.output_tree = flatten_nodes(outputs, "output")
        if not isinstance(names, Mapping | None):
            raise DTypeError(
                "names of nodes", expected="a mapping from nodes to names", got=short(names)
            )
        self.names: dict[Node, str] = dict(names or {})
        self._check_inputs()

    def _check_inputs(self) -> None:
        for node, count in Counter(self.inputs).items():
            if not isinstance(node.op, Placeholder):
                raise InputError(
                    "an input must be a placeholder",
                    expected="a placeholder",
                    got=repr(node),
                    hint="sg.placeholder(name, shape); any node may be an output or wrt",
                )
            if count > 1:
                raise InputError(
                    f"the placeholder {one_line(node.op.name_)} is given {count} times"
                )
        known = set(self.inputs)
        missing = [n for n in self.placeholders if n not in known]
        if missing:
            raise InputError(
                "the outputs need placeholders that are not among the inputs",
                expected=", ".join(_name(node) for node in missing),
                got=", ".join(_name(node) for node in self.inputs) or "no inputs",
                hint="add them to the list of inputs",
            )

    @property
    def placeholders(self) -> list[Node]:
        """The placeholders that the outputs need."""
        return [node for node in self.nodes if isinstance(node.op, Placeholder)]

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node the outputs need, operands first."""
        return topological(self.outputs)

    @cached_property
    def users(self) -> dict[Node, list[Node]]:
        """For every node those that take it as an operand, once for each time."""
        users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for operand in node.inputs:
                users[operand].append(node)
        return users

    @property
    def output(self) -> Any:
        """The outputs in the form they were given."""
        return unflatten(self.output_tree, self.outputs)

    @property
    def input(self) -> Any:
        """The inputs in the form they were given."""
        return unflatten(self.input_tree, self.inputs)

    @property
    def size_names(self) -> list[str]:
        """The symbolic sizes of the inputs, in order of appearance."""
        names: dict[str, None] = {}
        for node in self.inputs:
            for dim in node.shape:
                names.update(dict.fromkeys(sorted(dim_names(dim))))
        return list(names)

    @public
    def name(self, node: Node) -> str | None:
        """The user's name for a node, if there is one."""
        if isinstance(node.op, Placeholder):
            return node.op.name_
        return NAMES.get(node) or self.names.get(node)

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        inputs = ", ".join(map(_name, self.inputs))
        return f"<Graph({inputs}): {len(self.nodes)} nodes, {len(self.outputs)} outputs>"

    def __str__(self) -> str:
        return "\n".join(self._listing())

    def _listing(self) -> Iterable[str]:
        labels: dict[Node, str] = {}
        rows: list[tuple[str, str]] = []
        # The inputs first, in the order of the arguments.
        for node in dict.fromkeys([*self.inputs, *self.nodes]):
            if isinstance(node.op, Constant) and node.op.value.ndim == 0:
                labels[node] = node.op.label
                continue
            name = self.name(node)
            labels[node] = one_line(name) if name else f"%{len(rows)}"
            args = ", ".join([labels[i] for i in node.inputs])
            right = f"{node.op.label}({args})" if node.inputs else node.op.label
            if isinstance(node.op, Placeholder):
                right = "placeholder"
            left = f"{labels[node].removeprefix('%')}: {node.result_type} = {right}"
            origin = ORIGINS.get(node)
            where = "" if origin is None or not node.inputs else _origin_text(origin)
            rows.append((left, where))
        width = min(60, max((len(left) for left, where in rows if where), default=0))
        for left, where in rows:
            yield f"{left:<{width}}  # {where}" if where else left
        yield f"return {', '.join([labels[node] for node in self.outputs])}"

    def verify(self) -> None:
        """Raise if a node's type is not the one its operation infers (a defect of a pass)."""
        for node in self.nodes:
            inferred = node.op.infer(*[i.result_type for i in node.inputs])  # pyright: ignore[reportArgumentType]
            if inferred != node.result_type:
                raise SymgraphError(
                    f"{node.op.name}: type {node.result_type}, inferred {inferred}",
                    hint="this is a defect of symgraph: please report it",
                )

    def __reduce__(self) -> tuple[object, ...]:
        rows = to_rows([*self.inputs, *self.outputs])
        place = {node: i for i, node in enumerate(topological([*self.inputs, *self.outputs]))}
        names = {place[node]: name for node, name in self.names.items() if node in place}
        return (
            _rebuild,
            (
                rows,
                [place[node] for node in self.inputs],
                [place[node] for node in self.outputs],
                self.input_tree,
                self.output_tree,
                names,
            ),
        )

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        return apply_view("card", self)

    def cost(self) -> Cost:
        """Operations and memory of the graph as it is, as polynomials in the symbolic sizes.

        Returns
        -------
        Cost
            ``flops``, ``bytes``, ``by_operation``; ``at(n=100)`` gives numbers.

        Examples
        --------
        >>> from symgraph.graph.node import placeholder
        >>> x = placeholder("x", "n")
        >>> Graph([x], x * x + 1.0).cost().flops
        2 * n
        """
        return cost_of(self.nodes, self.outputs)

    @public
    def to_svg(self) -> str:
        """The picture of the graph as a standalone SVG document."""
        return apply_view("svg", self)

    @public
    def to_dot(self) -> str:
        """The graph in Graphviz's language."""
        return apply_view("dot", self)

    @public
    def to_mermaid(self) -> str:
        """The graph in Mermaid's language."""
        return apply_view("mermaid", self)

    @public
    def to_latex(self) -> str:
        """The formulas of the outputs; named values stand in lines of their own."""
        return apply_view("latex", self)


def _origin_text(origin: Any) -> str:
    location = origin.location
    # The last part only: a listing must be the same on every machine.
    file = location.file.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{'gradient of ' if origin.gradient else ''}{file}:{location.line}"


def _name(node: Node) -> str:
    return one_line(node.op.name_) if isinstance(node.op, Placeholder) else repr(node)


@without_collection
def _rebuild(
    rows: Sequence[tuple[Any, ...]],
    inputs: Sequence[int],
    outputs: Sequence[int],
    input_tree: Tree,
    output_tree: Tree,
    names: Mapping[int, str],
) -> Graph:
    nodes = nodes_from_rows(rows)
    return Graph(
        unflatten(input_tree, [nodes[i] for i in inputs]),
        unflatten(output_tree, [nodes[i] for i in outputs]),
        {nodes[i]: name for i, name in names.items()},
    )


def replace(outputs: Sequence[Node], mapping: Mapping[Node, Node]) -> list[Node]:
    """`outputs` with nodes replaced by others, and what depends on them built anew.

    Parameters
    ----------
    outputs : sequence of Node
    mapping : mapping
        From nodes to what stands in their place.
    """
    image = images(outputs, mapping)
    return [image[node] for node in outputs]


def images(outputs: Sequence[Node], mapping: Mapping[Node, Node]) -> dict[Node, Node]:
    """As `replace`, from every node to what stands for it."""
    image: dict[Node, Node] = dict(mapping)
    for node in topological(outputs, stop=lambda n: n in mapping):
        if node in image:
            continue
        inputs = [image[i] for i in node.inputs]
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        image[node] = node if same else rebuild(node, inputs)
    return image


def rebuild(node: Node, inputs: Sequence[Node]) -> Node:
    """The operation of `node` on other operands, with its origin."""
    fresh = make(node.op, *inputs)
    origin = ORIGINS.get(node)
    if origin:
        ORIGINS[fresh] = origin
    note = NOTES.get(node)
    if note:
        NOTES[fresh] = note
    return fresh
