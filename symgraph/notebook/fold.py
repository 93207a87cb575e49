"""Large pictures made small: runs of operations become one box, and the picture says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symgraph.notebook.picture import Picture, PictureEdge, PictureNode

FOLD_ABOVE = 300
# How many names the tooltip of a fold lists, and how many nodes an output is worth at least.
_LISTED = 30
_LEAST_SHARE = 60


def fold(picture: Picture, limit: int = FOLD_ABOVE) -> Picture:
    """Bring a picture down to a number of nodes that a person can look at.

    First each run of foldable operations, one after the other, becomes one box. If
    that does not do, only the nodes nearest to the outputs are kept.

    Parameters
    ----------
    picture
        What to fold.
    limit
        The number of nodes that need no folding.

    Returns
    -------
    Picture
        The picture itself if it is small enough, else a smaller one whose note
        tells what is missing.
    """
    if len(picture.nodes) <= limit:
        return picture
    return keep_near_outputs(contract_chains(picture), limit)


@dataclass(frozen=True, slots=True)
class _Links:
    """The distinct neighbours of each node, in the order of the edges."""

    before: Mapping[str, Sequence[str]]
    after: Mapping[str, Sequence[str]]


def _links(picture: Picture) -> _Links:
    before: dict[str, dict[str, None]] = {node.id: {} for node in picture.nodes}
    after: dict[str, dict[str, None]] = {node.id: {} for node in picture.nodes}
    for edge in picture.edges:
        before[edge.target][edge.source] = None
        after[edge.source][edge.target] = None
    return _Links(
        {key: tuple(others) for key, others in before.items()},
        {key: tuple(others) for key, others in after.items()},
    )


def contract_chains(picture: Picture) -> Picture:
    """Replace each run of foldable nodes by one box.

    In a run each node is the only consumer of the one before it, and has no other
    operand; the first may have several operands, the last several consumers. A
    constant that only one node uses does not count as an operand, and is folded with
    it. A run keeps to one kind, and ends at an output.
    """
    nodes = {node.id: node for node in picture.nodes}
    links = _links(picture)
    private = {key for key, node in nodes.items() if _private_constant(node, links)}
    runs = _runs(nodes, links, private)
    home: dict[str, str] = {}
    folded: dict[str, PictureNode] = {}
    for run in runs:
        constants = [u for key in run for u in links.before[key] if u in private]
        home |= dict.fromkeys([*run, *constants], run[0])
        folded[run[0]] = _folded_box([nodes[key] for key in run])
    kept = tuple(folded.get(key, node) for key, node in nodes.items() if home.get(key, key) == key)
    edges = tuple(
        replace(edge, source=home.get(edge.source, edge.source), target=target)
        for edge in picture.edges
        if (target := home.get(edge.target, edge.target)) != home.get(edge.source, edge.source)
    )
    hidden = len(nodes) - len(kept) + len(folded)
    boxes = "1 box" if len(folded) == 1 else f"{len(folded)} boxes"
    note = f"{hidden} nodes folded into {boxes}" if folded else ""
    return replace(picture, nodes=kept, edges=edges, note=_joined(picture.note, note))


def _private_constant(node: PictureNode, links: _Links) -> bool:
    alone = len(links.after[node.id]) == 1 and not links.before[node.id]
    return node.kind == "constant" and alone and not node.output


def _runs(nodes: Mapping[str, PictureNode], links: _Links, private: set[str]) -> list[list[str]]:
    """Find the longest runs of at least two nodes."""
    following: dict[str, str] = {}
    for key, node in nodes.items():
        for other in links.after[key][:1]:
            operands = [u for u in links.before[other] if u not in private]
            alike = node.kind == nodes[other].kind and not node.is_output
            fit = node.foldable and nodes[other].foldable and alike
            if fit and len(links.after[key]) == 1 and len(operands) == 1:
                following[key] = other
    inside = set(following.values())
    starts = [key for key in following if key not in inside]
    runs: list[list[str]] = []
    for start in starts:
        run = [start]
        while run[-1] in following:
            run.append(following[run[-1]])
        runs.append(run)
    return runs


def _folded_box(run: Sequence[PictureNode]) -> PictureNode:
    names = [node.label for node in run]
    listed = names if len(names) <= _LISTED else [*names[:_LISTED], "…"]
    return PictureNode(
        id=run[0].id,
        label=f"{len(run)} operations folded",
        detail=run[-1].detail,
        kind=run[0].kind,
        output=run[-1].output,
        tooltip=" → ".join(listed),
    )


def keep_near_outputs(picture: Picture, limit: int) -> Picture:
    """Keep at most so many nodes: what is nearest to the outputs, one output after the other.

    A node whose operands are left out says how many. A picture that marks no outputs
    is kept near the nodes that nothing uses.
    """
    if len(picture.nodes) <= limit:
        return picture
    links = _links(picture)
    outputs = [node.id for node in picture.nodes if node.is_output]
    ends = outputs or [node.id for node in picture.nodes if not links.after[node.id]]
    kept = _near(ends, links.before, limit)
    nodes = tuple(_with_gaps(node, links, kept) for node in picture.nodes if node.id in kept)
    edges: tuple[PictureEdge, ...] = tuple(
        edge for edge in picture.edges if edge.source in kept and edge.target in kept
    )
    missing = len(picture.nodes) - len(nodes)
    lost = sum(key not in kept for key in outputs)
    some_outputs = f", {lost} of {len(outputs)} outputs among them" if lost else ""
    note = f"{missing} of {len(picture.nodes)} boxes are not shown{some_outputs}"
    return replace(picture, nodes=nodes, edges=edges, note=_joined(picture.note, note))


def _near(ends: Sequence[str], neighbours: Mapping[str, Sequence[str]], limit: int) -> set[str]:
    """Choose nodes round some outputs rather than a sliver of every one of many."""
    share = max(limit // max(len(ends), 1), _LEAST_SHARE)
    kept: set[str] = set()
    for end in ends:
        _grow(kept, [end], neighbours, min(limit, len(kept) + share))
    _grow(kept, [end for end in ends if end in kept], neighbours, limit)
    return kept


def _grow(
    kept: set[str], starts: Sequence[str], neighbours: Mapping[str, Sequence[str]], size: int
) -> None:
    """Add the nodes with the fewest steps to the starts, until there are so many."""
    queue = deque(starts)
    seen = set(starts)
    while queue and len(kept) < size:
        key = queue.popleft()
        kept.add(key)
        for other in neighbours[key]:
            if other not in seen:
                seen.add(other)
                queue.append(other)


def _with_gaps(node: PictureNode, links: _Links, kept: set[str]) -> PictureNode:
    missing = sum(u not in kept for u in links.before[node.id])
    if not missing:
        return node
    operands = "1 operand" if missing == 1 else f"{missing} operands"
    detail = f"{node.detail} · " if node.detail else ""
    return replace(node, detail=f"{detail}{operands} not shown")


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
