"""What a picture of a graph shows, whatever it is drawn with."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Kind = Literal["input", "parameter", "constant", "forward", "gradient", "output", "not yet"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class PictureNode:
    """A box of a picture.

    Attributes
    ----------
    id
        A name of its own; it is not shown.
    label
        The main line.
    detail
        A second line, such as a shape.
    kind
        Decides the colour and the form.
    output
        Whether the node is an output besides being of its kind.
    tooltip
        Shown when the pointer rests on the box.
    foldable
        Whether the node may disappear in a fold of a large picture.
    room
        A second line that the box has room for, as it has in another picture of a strip.
    pill
        Whether it is as round as an input, whatever its kind.
    """

    id: str
    label: str
    detail: str = ""
    kind: Kind = "forward"
    output: bool = False
    tooltip: str = ""
    foldable: bool = False
    room: str = ""
    pill: bool = False

    @property
    def is_output(self) -> bool:
        """Whether the node is an output, by its kind or besides it."""
        return self.output or self.kind == "output"


@dataclass(frozen=True, slots=True)
class PictureEdge:
    """An arrow of a picture, from a value to what uses it.

    Attributes
    ----------
    source, target
        The ids of the two nodes.
    label
        A word beside the arrow.
    """

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A directed acyclic graph to look at.

    Attributes
    ----------
    nodes
        The boxes.
    edges
        The arrows; the same pair may occur more than once, as in ``x * x``.
    title
        What the picture is of, for those who cannot see it.
    note
        What the reader has to know, such as that parts are not shown.
    labelled
        Whether there is room for words beside the arrows though this picture has none.

    Raises
    ------
    ValueError
        If two nodes share an id or an edge names no node.
    """

    nodes: tuple[PictureNode, ...] = ()
    edges: tuple[PictureEdge, ...] = ()
    title: str = "graph"
    note: str = ""
    labelled: bool = False

    def __post_init__(self) -> None:
        ids = Counter(node.id for node in self.nodes)
        for key, count in ids.items():
            if count > 1:
                raise ValueError(f"expected nodes with different ids, got {count} named {key!r}")
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in ids:
                    raise ValueError(f"{edge} names {end!r}, which is no node of the picture")


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a kind, opaque so that they hold on any page."""

    fill: str
    line: str
    text: str


PALETTES: Mapping[Kind, Palette] = MappingProxyType(
    {
        "input": Palette("#d8e8fd", "#3a7bd5", "#12325e"),
        "parameter": Palette("#e9e1fb", "#8559d6", "#3a1d75"),
        "constant": Palette("#e6e9ed", "#7b8694", "#343c46"),
        "not yet": Palette("#f9fafb", "#7b8694", "#454f5b"),
        "forward": Palette("#d9f2e6", "#2e9e72", "#0d4430"),
        "gradient": Palette("#ffe8cc", "#e08a1e", "#5f3503"),
        "output": Palette("#fddfe4", "#d6336c", "#6b1133"),
    }
)
# Between black and white, about equally far from both.
LINE_COLOUR = "#7f8a99"

# Marks that reverse or isolate the direction of the text around them.
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def plain_text(text: str) -> str:
    r"""Put a text on one line and strip what cannot stand in an XML document or misleads.

    Examples
    --------
    >>> plain_text("a\tb\x00\n")
    'a b'
    """
    fit = "".join(c for c in text if c.isspace() or not _unfit(c))
    return " ".join(fit.split())


def _unfit(character: str) -> bool:
    # Cc: control characters, Cs: half of a pair, Cn: not assigned, with U+FFFE and U+FFFF.
    return character in _DIRECTION_MARKS or unicodedata.category(character) in ("Cc", "Cs", "Cn")
