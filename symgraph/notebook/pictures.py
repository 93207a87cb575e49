"""From graphs to pictures: what each node looks like as a box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Constant, Item, Placeholder, SizeValue
from symgraph.graph.node import Node
from symgraph.graph.sizes import Shape
from symgraph.graph.types import TensorType, Type
from symgraph.notebook.picture import Kind, Picture, PictureEdge, PictureNode
from symgraph.notebook.svg import render
from symgraph.notebook.text_formats import to_dot, to_mermaid
from symgraph.notebook.views import (
    Viewable,
    gradient_of,
    graph_of,
    is_gradient,
    source_line,
    source_names,
)
from symgraph.ops.kinds import Elementwise

__all__ = ["dot", "drawn_nodes", "mermaid", "picture_of", "svg"]


def svg(value: Viewable) -> str:
    """The picture of a node, a graph or a function as an SVG document.

    Examples
    --------
    >>> import symgraph as sg
    >>> svg(sg.exp(sg.placeholder("x")) * 2.0)[:4]
    '<svg'
    """
    return render(picture_of(value))


def dot(value: Viewable) -> str:
    """The picture in Graphviz's language."""
    return to_dot(picture_of(value))


def mermaid(value: Viewable) -> str:
    """The picture in Mermaid's language."""
    return to_mermaid(picture_of(value))


def picture_of(value: Viewable) -> Picture:
    """What to draw of a node, a graph or a function.

    Numbers and sizes stand in the boxes that use them, element-wise runs may be folded, and the
    placeholders that an output is the gradient by are parameters.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> [(node.label, node.detail) for node in picture_of(sg.sum(x * 2.0)).nodes]
    [('x', '(n,)'), ('* 2.0', '(n,)'), ('sum', 'scalar')]
    """
    graph = graph_of(value)
    names = source_names(graph)
    parameters = {by for output in graph.outputs for _, by in gradient_of(output)}
    outputs = set(graph.outputs)
    hidden = _hidden(graph, outputs, names)
    drawn = drawn_nodes(graph)
    ids = {node: f"n{number}" for number, node in enumerate(drawn)}
    boxes: list[PictureNode] = []
    edges: list[PictureEdge] = []
    for node in drawn:
        label, words = _label(node, names)
        named = node in names and not isinstance(node.op, Placeholder)
        boxes.append(
            PictureNode(
                id=ids[node],
                label=f"{names[node]} = {label}" if named else label,
                detail=type_text(node.result_type),
                kind=_kind(node, parameters, outputs),
                output=node in outputs,
                tooltip=_tooltip(node),
                foldable=isinstance(node.op, Elementwise) and not named,
            )
        )
        for operand, word in zip(node.inputs, words, strict=True):
            source = operand
            while source in hidden and source.inputs:
                (source,) = source.inputs
            if source in ids:
                edges.append(PictureEdge(ids[source], ids[node], word))
    return Picture(tuple(boxes), tuple(edges), title=_title(graph, names))


def drawn_nodes(graph: Graph) -> list[Node]:
    """The nodes that are boxes of the picture of a graph, in the order of the boxes."""
    hidden = _hidden(graph, set(graph.outputs), source_names(graph))
    drawn = [node for node in graph.nodes if node not in hidden]
    return drawn + [node for node in graph.inputs if node not in graph.users]


def _title(graph: Graph, names: Mapping[Node, str]) -> str:
    outputs = [names.get(node, node.op.name) for node in graph.outputs[:4]]
    rest = f" and {len(graph.outputs) - 4} more" if len(graph.outputs) > 4 else ""
    return f"graph of {', '.join(outputs)}{rest}"


def _hidden(graph: Graph, outputs: set[Node], names: Mapping[Node, str]) -> set[Node]:
    """What stands in the boxes that use it: numbers, sizes, and ``x.T`` in products."""
    inside: set[Node] = set()
    for node in graph.nodes:
        if node in outputs:
            continue
        if _inside_its_user(node) or (
            _is_free(node)
            and node not in names
            and all(user.op.name == "matmul" for user in graph.users[node])
        ):
            inside.add(node)
    return inside


def _inside_its_user(node: Node) -> bool:
    if isinstance(node.op, Constant):
        return node.op.value.ndim == 0
    return isinstance(node.op, SizeValue)


def _kind(node: Node, parameters: set[Node], outputs: set[Node]) -> Kind:
    if isinstance(node.op, Placeholder):
        return "parameter" if node in parameters else "input"
    if not node.inputs:
        return "constant"
    if is_gradient(node) or (node in outputs and gradient_of(node)):
        return "gradient"
    return "output" if node in outputs else "forward"


def _tooltip(node: Node) -> str:
    line = source_line(node)
    return f"{node.op.label}: {node.result_type}" + (f" — {line}" if line else "")


def type_text(kind: Type) -> str:
    """Shape, and dtype where it is not float64.

    Examples
    --------
    >>> type_text(TensorType.of(("n", 3))), type_text(TensorType.of((), "int32"))
    ('(n, 3)', 'int32 scalar')
    """
    if not isinstance(kind, TensorType):
        return f"{len(kind.items)} results"
    shape = _shape_text(kind.shape) if kind.shape else "scalar"
    return shape if kind.dtype.name == "float64" else f"{kind.dtype.name} {shape}"


def _shape_text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


# Labels ----------------------------------------------------------------------------------------


def _label(node: Node, names: Mapping[Node, str]) -> tuple[str, Sequence[str]]:
    """The operation in short form, and a word for each of its arrows."""
    op = node.op
    silent = [""] * len(node.inputs)
    if isinstance(op, Placeholder):
        return op.name_, silent
    if isinstance(op, Item):
        return f"[{op.index}]", silent
    known = [_known(operand) for operand in node.inputs]
    symbol = op.symbol if isinstance(op, Elementwise) else "@" if op.name == "matmul" else ""
    if symbol:
        if len(known) == 2:
            return _infix(node, symbol, known, names)
        return symbol + known[0].replace(_DOT, ""), silent
    if op.name == "where":
        words = ("if", "then", "else")
        silent = [word if text == _DOT else "" for word, text in zip(words, known, strict=True)]
    short = _short(node)
    if any(text != _DOT for text in known):
        short = f"{short}({', '.join(known)})"
    return short, silent


_DOT = "·"
"""Stands for what an arrow leads from."""


def _known(operand: Node) -> str:
    """The text of a number or a size."""
    if not _inside_its_user(operand):
        return _DOT
    return str(operand.op.size) if isinstance(operand.op, SizeValue) else operand.op.label


def _infix(
    node: Node, symbol: str, known: Sequence[str], names: Mapping[Node, str]
) -> tuple[str, Sequence[str]]:
    """``* 2.0``, ``x.T @ w``; where order matters and no name tells it, the arrows do."""
    left, right = known
    silent = ("", "")
    facts = getattr(node.op, "facts", None)
    if facts is not None and facts.commutative and _DOT in known:
        other = right if left == _DOT else left
        return (symbol if other == _DOT else f"{symbol} {other}"), silent
    if left == _DOT != right:
        return f"{symbol} {right}", silent
    first, second = [
        _operand_name(operand, names) if text == _DOT else text
        for operand, text in zip(node.inputs, known, strict=True)
    ]
    if first.strip(".T") == second.strip(".T") == _DOT and node.inputs[0] is not node.inputs[1]:
        return f"{first.replace(_DOT, 'a')} {symbol} {second.replace(_DOT, 'b')}", ("a", "b")
    if left != _DOT == second:
        return f"{first} {symbol}", silent
    return f"{first} {symbol} {second}", silent


def _operand_name(operand: Node, names: Mapping[Node, str]) -> str:
    if _is_free(operand):
        return f"{_operand_name(operand.inputs[0], names)}.T"
    return names.get(operand, _DOT)


def _is_free(node: Node) -> bool:
    """Whether it is ``x.T``, which is written where it is used."""
    axes = getattr(node.op, "axes", None)
    return node.op.name == "transpose" and axes == tuple(reversed(range(node.ndim)))


def _short(node: Node) -> str:
    """The name with the attributes that matter to a reader."""
    op: Any = node.op
    if op.name == "transpose":
        return ".T" if _is_free(node) else f"transpose {_shape_text(op.axes)}"
    if op.name in ("getitem", "select", "gather"):
        return op.label.removeprefix(op.name)
    if op.name in ("reshape", "broadcast_to"):
        return op.name.removesuffix("_to")
    if op.name == "astype":
        return f"astype {op.dtype.name}"
    if op.name == "einsum":
        return f"einsum {','.join(op.operands)}->{op.output}"
    if isinstance(op, Constant):
        return op.label
    axes = getattr(op, "axes", getattr(op, "axis", None))
    if axes is None or axes == tuple(range(node.inputs[0].ndim if node.inputs else 0)):
        return op.name
    several = cast("tuple[Any, ...]", axes if isinstance(axes, tuple) else (axes,))
    return f"{op.name} axis={several[0] if len(several) == 1 else several}"
