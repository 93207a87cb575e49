"""The passes, in the order in which they run, and the options that reach them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from symgraph.errors import InputError, Location
from symgraph.graph.graph import Graph
from symgraph.graph.leaves import Constant, Placeholder, SizeValue
from symgraph.graph.node import Node
from symgraph.graph.record import record
from symgraph.graph.registry import BUILDERS
from symgraph.graph.side import GRADIENT_OF, NAMES, ORIGINS, STEPS
from symgraph.ops.reduce_order import taken_anyway
from symgraph.plan.lower import lower, unwrap
from symgraph.simplify import Firing, known_rules, simplify
from symgraph.transforms.guards import choices, decide, guard
from symgraph.transforms.loops import tidy_loops

__all__ = ["PASSES", "Options", "Prepared", "Strictness", "prepare", "wishes"]

Strictness = Literal["bitwise", "accurate", "real"]


@record
class Options:
    """What a user may choose.

    Attributes
    ----------
    strictness : {"bitwise", "accurate", "real"}
        Which rewrites the simplifier may use.
    without : frozenset of str
        Names of rules that it may not use.
    """

    strictness: Strictness = "accurate"
    without: frozenset[str] = frozenset()

    @classmethod
    def of(cls, strictness: Strictness, without: Collection[str]) -> Options:
        """From what a user gave.

        Raises
        ------
        InputError
            If there is no such strictness, or no such rule.
        """
        return cls(strictness, known_rules(without))

    def __post_init__(self) -> None:
        if self.strictness not in ("bitwise", "accurate", "real"):
            raise InputError(
                "strictness", expected="'bitwise', 'accurate' or 'real'", got=repr(self.strictness)
            )


@dataclass
class Prepared:
    """A graph on its way through the passes.

    Attributes
    ----------
    outputs : list of Node
        The outputs as they are now.
    image : dict
        From every node of the user's graph that was replaced to what stands for it.
    firings : list of Firing
        The rewrites that fired, in order.
    """

    outputs: list[Node]
    image: dict[Node, Node] = field(default_factory=dict[Node, Node])
    firings: list[Firing] = field(default_factory=list[Firing])

    def follow(self, mapping: Mapping[Node, Node], outputs: Sequence[Node]) -> None:
        """Take the result of a pass."""
        get = mapping.get
        image = {node: get(current, current) for node, current in self.image.items()}
        image |= {node: new for node, new in mapping.items() if node not in image}
        self.image = image
        self.outputs = list(outputs)


Pass = Callable[[Prepared, Options], None]


def unwrap_pass(prepared: Prepared, options: Options) -> None:
    """Put graphs in the place of what only gives them a derivative of their own."""
    outputs, image = unwrap(prepared.outputs)
    prepared.follow(image, outputs)


def simplify_pass(prepared: Prepared, options: Options) -> None:
    """Fold, stabilise and tidy up."""
    result = simplify(prepared.outputs, options.strictness, without=options.without)
    prepared.firings += result.firings
    prepared.follow(result.mapping, result.outputs)


def loop_pass(prepared: Prepared, options: Options) -> None:
    """Merge loops, and take out of them what does not vary."""
    for outputs, image in tidy_loops(prepared.outputs):
        prepared.follow(image, outputs)


def lower_pass(prepared: Prepared, options: Options) -> None:
    """Expand what NumPy has no function for."""
    outputs, image = lower(prepared.outputs)
    prepared.follow(image, outputs)


def idiom_pass(prepared: Prepared, options: Options) -> None:
    """Say it as NumPy is best told."""
    result = simplify(prepared.outputs, options.strictness, stage="numpy", without=options.without)
    prepared.firings += result.firings
    prepared.follow(result.mapping, result.outputs)


def guard_pass(prepared: Prepared, options: Options) -> None:
    """Drop branches that are never taken; make operands safe where a choice drops the result."""
    known = choices(prepared.outputs)
    outputs, image = ([], {}) if known is None else decide(known)
    if image:
        prepared.follow(image, outputs)
        simplify_pass(prepared, options)
        known = choices(prepared.outputs)
    if known is not None:
        outputs, image = guard(known)
        prepared.follow(image, outputs)


PASSES: tuple[Pass, ...] = (
    unwrap_pass,
    loop_pass,
    simplify_pass,
    loop_pass,
    guard_pass,
    lower_pass,
    idiom_pass,
)
"""Every pass takes and leaves a valid graph."""


def prepare(outputs: Sequence[Node], options: Options) -> Prepared:
    """Run all passes."""
    prepared = Prepared(list(outputs))
    with taken_anyway(outputs):
        for run in PASSES:
            run(prepared, options)
    return prepared


def wishes(graph: Graph, image: Mapping[Node, Node]) -> dict[Node, str]:
    """The names that the nodes of a prepared graph should have in the source.

    In this order: names given with ``named``; ``d_<name>`` for gradients by what has a name of
    its own; the variables to which the caller bound nodes, or the line that made them assigns;
    ``d_<name>`` for the rest.

    Parameters
    ----------
    graph : Graph
        The user's.
    image : mapping
        What stands for its nodes now.
    """
    given: dict[Node, str] = {}
    bound: dict[Node, str] = {}
    for node in graph.nodes:
        now = image.get(node, node)
        name = node.op.name_ if isinstance(node.op, Placeholder) else NAMES.get(node)
        if name:
            given.setdefault(now, name)
        elif node in graph.names:
            bound.setdefault(now, graph.names[node])
    for node, name in assigned_names(graph).items():
        bound.setdefault(image.get(node, node), name)
    first: dict[Node, str] = {}
    last: dict[Node, str] = {}
    outputs = set(graph.outputs)
    for node in graph.nodes:
        origin = ORIGINS.get(node)
        if node not in outputs and origin is not None and not origin.gradient:
            continue  # the user's own value, which is also a gradient, maybe of another graph
        for entry in GRADIENT_OF.get(node) or ():
            by = entry.by()
            if by is None or _is_fixed(node):
                continue
            by = image.get(by, by)
            if by in given:
                first.setdefault(image.get(node, node), f"d_{given[by]}")
            elif by in bound:
                last.setdefault(image.get(node, node), f"d_{bound[by]}")
    found = {**last, **bound, **first, **given}
    return {node: name for node, name in found.items() if not _is_fixed(node)}


def assigned_names(graph: Graph) -> dict[Node, str]:
    """Names of nodes from the lines that made them: ``z`` for the result of ``z = x @ w + b``.

    The variables of a function that has returned are gone; its source is not.
    """
    made: dict[Location, list[Node]] = {}
    for node in graph.nodes:
        origin = ORIGINS.get(node)
        # Only what a line leaves is bound to the name, not the steps on the way to it.
        if origin is None or origin.gradient or not node.inputs or STEPS.get(node):
            continue
        made.setdefault(origin.location, []).append(node)
    names: dict[Node, str] = {}
    for location, nodes in made.items():
        targets = assigned_by(location.text)
        if len(targets) == 1:
            names |= dict.fromkeys(nodes, targets[0])
        elif targets and len(nodes) == len(targets):
            names |= dict(zip(ORIGINS.in_order(nodes), targets, strict=True))
    return names


def assigned_by(line: str) -> list[str]:
    """The variables that a line of source binds to the nodes that it makes, in order.

    Examples
    --------
    >>> [assigned_by(line) for line in ("z = x @ w", "f = sg.function([x], -x)", "y = np.exp(")]
    [['z'], [], ['y']]
    >>> assigned_by("c, s, last = np.cos(x), np.sin(x), x")
    ['c', 's']
    """
    opened = [c for c in line if c in "([{"]
    closed = sum(c in ")]}" for c in line)
    missing = "".join([_CLOSING[c] for c in reversed(opened)])[: max(0, len(opened) - closed)]
    try:
        tree = ast.parse(line + missing)
    except (SyntaxError, ValueError):
        return []
    match tree.body:
        case [ast.Assign(targets=[ast.Tuple(targets)], value=ast.Tuple(values))]:
            if len(targets) != len(values):
                return []
            pairs = list(zip(targets, values, strict=True))
        case [ast.Assign(targets=[target], value=value)]:
            pairs = [(target, value)]
        case [ast.AnnAssign(target=target, value=value)] if value is not None:
            pairs = [(target, value)]
        case _:
            return []
    made = [(t, v) for t, v in pairs if not isinstance(v, ast.Name | ast.Constant)]
    names = [t.id for t, v in made if isinstance(t, ast.Name) and _makes_node(v)]
    return names if len(names) == len(made) else []


def _makes_node(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)):
            # Nodes made in the arguments of anything else are not what the name is bound to.
            return called in {key.rpartition(".")[2] for key in BUILDERS}
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.Subscript() | ast.Attribute():
            return True
        case _:
            return False


_CLOSING = {"(": ")", "[": "]", "{": "}"}


def _is_fixed(node: Node) -> bool:
    return isinstance(node.op, Constant | SizeValue | Placeholder)
