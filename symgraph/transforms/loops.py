"""Loops that run over the same become one, and what does not vary leaves them.

The reverse of a loop needs the carries with which its rounds began. It asks another loop for them,
which differs from the first in what it stacks only.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph.graph import images, replace
from symgraph.graph.leaves import Constant, Placeholder
from symgraph.graph.node import Node, topological
from symgraph.graph.side import ORIGINS, origin_as
from symgraph.ops.bodies import Slots, items
from symgraph.ops.elementwise import is_zero
from symgraph.ops.loops import Scan, make_scan, paired
from symgraph.ops.reduce import BroadcastTo, broadcast_to

__all__ = ["tidy_loops"]

Step = tuple[list[Node], dict[Node, Node]]


def tidy_loops(outputs: Sequence[Node]) -> list[Step]:
    """Merge loops with the same carries; take out what does not vary, and what no one wants.

    Parameters
    ----------
    outputs : sequence of Node

    Returns
    -------
    list of (outputs, image)
        Each with the outputs after one change, and from every node before to what stands for it.
    """
    steps: list[Step] = []
    now = list(outputs)
    while True:
        order = topological(now)
        loops = [node for node in order if isinstance(node.op, Scan)]
        mapping = _merged(loops) or next(filter(None, map(_without_invariants, loops)), None)
        if mapping is None:
            wanted = set(order)
            mapping = next(filter(None, [_without_idle(node, wanted) for node in loops]), None)
        if mapping is None:
            return steps
        image = images(now, mapping)
        now = [image[node] for node in now]
        steps.append((now, image))


def _merged(loops: Sequence[Node]) -> dict[Node, Node] | None:
    """Two loops with the same rounds and carries as one: from their results to its."""
    first: dict[object, list[Node]] = {}
    for node in loops:
        known = first.setdefault(_key(node), [])
        for other in known:
            if _agree(other, node) and not _depends(node, other):
                return _union(other, node)
        known.append(node)
    return None


def _op(node: Node) -> Scan:
    assert isinstance(node.op, Scan)
    return node.op


def _key(node: Node) -> object:
    """What loops have in common that can be one."""
    op = _op(node)
    _, carries, _ = op.parts(op.body.inputs)
    _, starts, _ = op.parts(node.inputs)
    ends = op.body.outputs[: op.carries]
    return op.length, op.reverse, tuple([id(x) for x in (*carries, *starts, *ends)])


def _agree(a: Node, b: Node) -> bool:
    """Whether an input of both bodies stands for the same value."""
    known = dict(zip(_op(a).body.inputs, a.inputs, strict=True))
    pairs = zip(_op(b).body.inputs, b.inputs, strict=True)
    return all(known.get(x, operand) is operand for x, operand in pairs)


def _depends(later: Node, earlier: Node) -> bool:
    return earlier in set(topological([later]))


def _union(a: Node, b: Node) -> dict[Node, Node]:
    op = _op(a)
    groups = [dict([*_inputs(a)[k], *_inputs(b)[k]]) for k in range(3)]
    rows = {row: None for node in (a, b) for row in _op(node).body.outputs[op.carries :]}
    with origin_as(ORIGINS.get(a)):
        ends = op.body.outputs[: op.carries]
        results = make_scan(op, [group.items() for group in groups], ends, list(rows))
    place = {row: op.carries + i for i, row in enumerate(rows)}
    mapping: dict[Node, Node] = {}
    for node in (a, b):
        outputs = _op(node).body.outputs
        for i, item in enumerate(items(node)):
            mapping[item] = results[i if i < op.carries else place[outputs[i]]]
    return mapping


def _inputs(node: Node) -> list[list[tuple[Node, Node]]]:
    """Constants, carries and rows: the body's input and the operand."""
    op = _op(node)
    parts = zip(op.parts(op.body.inputs), op.parts(node.inputs), strict=True)
    return [paired(inputs, operands) for inputs, operands in parts]


def _without_invariants(node: Node) -> dict[Node, Node] | None:
    """A loop from which all is taken that does not vary.

    Rows that are all alike, constants, and what a round computes from nothing else.
    """
    op = _op(node)
    constants, carries, rows = _inputs(node)
    alike = [(x, row) for x, array in rows if (row := _row(array)) is not None]
    fixed = [*constants, *alike]
    known = {x: value for x, value in fixed if isinstance(value.op, Constant) and not value.ndim}
    fixed = [pair for pair in fixed if pair[0] not in known]
    gone = {x for x, _ in alike}
    rows = [pair for pair in rows if pair[0] not in gone]
    outputs = replace(op.body.outputs, known)
    early = _early(outputs, [x for x, _ in (*carries, *rows)])
    if not (alike or known or early):
        return None
    slots = Slots(op.body.inputs)
    inner = {value: slots.like("", value) for value in early}
    outer = replace(early, dict(fixed))
    fixed += zip(inner.values(), outer, strict=True)
    outputs = replace(outputs, inner)
    with origin_as(ORIGINS.get(node)):
        ends, stacked = outputs[: op.carries], outputs[op.carries :]
        results = make_scan(op, (fixed, carries, rows), ends, stacked)
    return dict(zip(items(node), results, strict=True))


def _without_idle(node: Node, wanted: set[Node]) -> dict[Node, Node] | None:
    """A loop without carries that stay what they are, and without what is for nothing."""
    op = _op(node)
    constants, carries, rows = _inputs(node)
    outputs = op.body.outputs
    still = [i for i, (x, _) in enumerate(carries) if outputs[i] is x]
    zeros = {x: start for x, start in [carries[i] for i in still] if is_zero(start)}
    constants += [carries[i] for i in still if carries[i][0] not in zeros]
    outputs = replace(outputs, zeros)
    results = items(node)
    live = [result in wanted and i not in still for i, result in enumerate(results)]
    asked = -1
    while asked != sum(live):  # a carry that another or a row needs is needed
        asked = sum(live)
        used = set(topological([x for x, alive in zip(outputs, live, strict=True) if alive]))
        for i, (x, _) in enumerate(carries):
            live[i] |= x in used and i not in still
    if all(live):
        return None
    same = {results[i]: carries[i][1] for i in still}
    if not any(live):
        return same
    kept = [i for i, alive in enumerate(live) if alive]
    ends, stacked = ([i for i in kept if (i < op.carries) == first] for first in (True, False))
    with origin_as(ORIGINS.get(node)):
        found = make_scan(
            op,
            (constants, [carries[i] for i in ends], rows),
            [outputs[i] for i in ends],
            [outputs[i] for i in stacked],
        )
    return same | {results[i]: new for i, new in zip(kept, found, strict=True)}


def _early(outputs: Sequence[Node], varying: Sequence[Node]) -> list[Node]:
    """The largest parts of a body that could be computed before the loop."""
    late = set(varying)
    order = topological(outputs)
    for node in order:
        if any(operand in late for operand in node.inputs):
            late.add(node)
    read = [operand for node in order if node in late for operand in node.inputs]
    read += outputs
    return [
        node
        for node in dict.fromkeys(read)
        if node not in late and node.inputs and not (node.op.free or _is_leaf_like(node))
    ]


def _is_leaf_like(node: Node) -> bool:
    """Whether it is made of constants and sizes alone."""
    return not any(isinstance(part.op, Placeholder) for part in topological([node]))


def _row(array: Node) -> Node | None:
    """The row that an array repeats."""
    if not isinstance(array.op, BroadcastTo):
        return None
    (source,) = array.inputs
    if source.ndim == array.ndim:
        return None
    return source if source.shape == array.shape[1:] else broadcast_to(source, array.shape[1:])
