"""Pictures as SVG: one self-contained text that reads on a light and on a dark page.

Nothing but shapes, text and tooltips: no script, no style sheet, no link. All colours
are opaque except for the page itself, which shows through.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from symgraph.notebook.fold import FOLD_ABOVE, fold
from symgraph.notebook.layout import Box, Drawing, Point, Spacing, lay_out
from symgraph.notebook.layout_routes import straight_runs
from symgraph.notebook.picture import (
    KINDS,
    LINE_COLOUR,
    PALETTES,
    Kind,
    Palette,
    Picture,
    PictureEdge,
    PictureNode,
    plain_text,
)
from symgraph.notebook.text_width import shortened, text_width

__all__ = [
    "Kind",
    "Picture",
    "PictureEdge",
    "PictureNode",
    "img_tag",
    "render",
    "to_data_uri",
]

_FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_LABEL_SIZE = 13.0
_DETAIL_SIZE = 10.5
_NOTE_SIZE = 11.0
_LABEL_ROOM = 210.0
_EDGE_LABEL_ROOM = 100.0
_NOTE_ROOM = 800.0
_MARGIN = 14.0
_PADDING = 12.0
_ARROW = 6.0
_OVERLAP = 6.0
_PILLS = ("input", "parameter")
_OUTPUT = PALETTES["output"]


@dataclass(frozen=True, slots=True)
class _Face:
    """What a box shows: its lines as they fit, and its size."""

    label: str
    detail: str
    title: str
    width: float
    height: float


def render(picture: Picture, fold_above: int = FOLD_ABOVE) -> str:
    """Draw a picture.

    Parameters
    ----------
    picture
        What to draw.
    fold_above
        The number of nodes above which the picture is folded; it then says so.

    Returns
    -------
    str
        An SVG document. The same picture gives the same text.

    Raises
    ------
    ValueError
        If the edges form a cycle.

    Examples
    --------
    >>> nodes = (PictureNode("a", "x", kind="input"), PictureNode("b", "exp"))
    >>> render(Picture(nodes, (PictureEdge("a", "b"),))).startswith("<svg")
    True
    """
    picture = fold(picture, fold_above)
    arrows = Counter(edge.target for edge in picture.edges)
    faces = {node.id: _face(node, arrows[node.id]) for node in picture.nodes}
    drawing = lay_out(
        [Box(node.id, faces[node.id].width, faces[node.id].height) for node in picture.nodes],
        [(edge.source, edge.target) for edge in picture.edges],
        Spacing(layers=44.0)
        if picture.labelled or any(edge.label for edge in picture.edges)
        else Spacing(),
    )
    note = _note(picture.note)
    legend = _legend(picture.nodes, max(drawing.width, 320.0))
    body = _body(picture, drawing, faces)
    return _document(picture, [note, (drawing.width, drawing.height, body), legend])


def to_data_uri(svg: str) -> str:
    """Encode a picture as an address that holds the whole of it.

    Examples
    --------
    >>> to_data_uri("<svg/>")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def img_tag(svg: str, alt: str) -> str:
    """Give an HTML image of a picture, as wide as its page, or wider where it would not be legible.

    Examples
    --------
    >>> img_tag("<svg/>", 'a "graph"')[:31]
    '<img alt="a &quot;graph&quot;" '
    """
    size = re.search(r'<svg [^>]*width="([\d.]+)"', svg)
    least = round(float(size[1]) * _LEGIBLE) if size else 0
    wide = least > _PAGE
    style = f"max-width:100%;{f'min-width:{least}px;' if wide else ''}height:auto"
    image = f'<img alt="{_escaped(alt)}" style="{style}" src="{to_data_uri(svg)}">'
    # Such a block asks for no width of its own, and takes what there is.
    return f'<div style="overflow-x:auto;width:0;min-width:100%">{image}</div>' if wide else image


_PAGE = 700.0
_LEGIBLE = 0.6
"""The scale below which labels are too small to read: a picture that is wider than a page even so
scrolls instead."""


# A band of the document: its width, its height and its elements.
_Band = tuple[float, float, list[str]]


def _document(picture: Picture, bands: Sequence[_Band]) -> str:
    """Stack the bands that are not empty, and wrap them up."""
    shown = [band for band in bands if band[2]]
    width = max((band[0] for band in shown), default=0.0) + 2 * _MARGIN
    lines: list[str] = []
    y = _MARGIN
    for _, height, elements in shown:
        lines += [f'<g transform="translate({_number(_MARGIN)} {_number(y)})">', *elements, "</g>"]
        y += height + _MARGIN
    height = max(y, 2 * _MARGIN)
    # Two pictures on one page must not share ids, and the same picture must not change.
    prefix = "g" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:10]
    title = _escaped(picture.title) or "graph"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_number(width)}" '
        f'height="{_number(height)}" viewBox="0 0 {_number(width)} {_number(height)}" '
        f'role="img" aria-label="{title}" font-family="{_FONT}" text-anchor="middle">'
    )
    marker = (
        f'<defs><marker id="{prefix}-tip" markerUnits="userSpaceOnUse" markerWidth="8" '
        f'markerHeight="8" refX="1" refY="4" orient="auto">'
        f'<path d="M0 0.6L7 4L0 7.4z" fill="{LINE_COLOUR}"/></marker></defs>'
    )
    text = "\n".join([head, f"<title>{title}</title>", marker, *lines, "</svg>", ""])
    return text.replace(_TIP, f"url(#{prefix}-tip)")


# Stands for the reference to the arrow head until the content, and so the id, is known. The angle
# brackets keep it apart from every label, where they are escaped.
_TIP = "<tip>"


def _body(picture: Picture, drawing: Drawing, faces: dict[str, _Face]) -> list[str]:
    paths = [_path(route.points) for route in drawing.routes]
    arrows = f'<g fill="none" stroke="{LINE_COLOUR}" stroke-width="1.3" marker-end="{_TIP}">'
    lines = [arrows, *(f'<path d="{path}"/>' for path in paths), "</g>"] if paths else []
    for node in picture.nodes:
        lines += _box(node, faces[node.id], drawing.centres[node.id])
    for label, centre in _placed_labels(picture.edges, drawing):
        lines += _chip(label, centre, PALETTES["constant"])
    return lines


def _face(node: PictureNode, arrows: int) -> _Face:
    label, detail = plain_text(node.label), plain_text(node.detail)
    short = shortened(label, _LABEL_SIZE, _LABEL_ROOM)
    short_detail = shortened(detail, _DETAIL_SIZE, _LABEL_ROOM)
    title = plain_text(node.tooltip)
    if (short, short_detail) != (label, detail):
        # What the box could not show in full.
        title = " — ".join(part for part in (label, detail, title) if part)
    details = [short_detail, shortened(plain_text(node.room), _DETAIL_SIZE, _LABEL_ROOM)]
    content = max(
        text_width(short, _LABEL_SIZE), *[text_width(line, _DETAIL_SIZE) for line in details]
    )
    height = 40.0 if any(details) else 28.0
    padding = height * 0.4 if _is_pill(node) else _PADDING
    # Wide enough for the arrows that end here, within reason.
    least = min(max(44.0, 10.0 * arrows), _LABEL_ROOM)
    return _Face(short, short_detail, title, max(least, round(content + 2 * padding)), height)


def _is_pill(node: PictureNode) -> bool:
    return node.pill or node.kind in _PILLS


def _box(node: PictureNode, face: _Face, centre: Point) -> list[str]:
    palette = PALETTES[node.kind]
    lines = [f"<g><title>{_escaped(face.title)}</title>"] if face.title else ["<g>"]
    radius = face.height / 2 if _is_pill(node) else 6.0
    if node.output and node.kind != "output":
        # A ring in the colour of outputs round the box in the colour of its kind.
        lines.append(_rectangle(centre, face, 3.0, radius + 3, "none", _OUTPUT.line, 1.8))
    lines.append(_rectangle(centre, face, 0.0, radius, palette.fill, palette.line, 1.2))
    baselines = (-3.0, 12.0) if face.detail else (4.5, 0.0)
    if face.label:
        y = centre.y + baselines[0]
        lines.append(_text(face.label, centre.x, y, _LABEL_SIZE, palette.text))
    if face.detail:
        y = centre.y + baselines[1]
        lines.append(_text(face.detail, centre.x, y, _DETAIL_SIZE, palette.text))
    return [*lines, "</g>"]


def _rectangle(
    centre: Point, face: _Face, grown: float, radius: float, fill: str, line: str, stroke: float
) -> str:
    width, height = face.width + 2 * grown, face.height + 2 * grown
    return (
        f'<rect x="{_number(centre.x - width / 2)}" y="{_number(centre.y - height / 2)}" '
        f'width="{_number(width)}" height="{_number(height)}" rx="{_number(radius)}" '
        f'fill="{fill}" stroke="{line}" stroke-width="{_number(stroke)}"/>'
    )


def _text(text: str, x: float, y: float, size: float, colour: str) -> str:
    return (
        f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" '
        f'fill="{colour}">{_escaped(text)}</text>'
    )


def _path(points: Sequence[Point]) -> str:
    """Write a route as path data; its end leaves room for the arrow head."""
    end = points[-1]
    shorter = [*points[:-1], Point(end.x, end.y - _ARROW)]
    start = points[0]
    # The line begins under its box, whose corners are round.
    pieces = [f"M{_number(start.x)} {_number(start.y - _OVERLAP)}V{_number(start.y)}"]
    for i, straight in enumerate(straight_runs(points)):
        first, second, last = shorter[3 * i + 1 : 3 * i + 4]
        if straight:
            pieces.append(f"V{_number(last.y)}")
        else:
            pieces.append(f"C{_pair(first)} {_pair(second)} {_pair(last)}")
    return "".join(pieces)


_CHIP_PADDING = 14.0
_CHIP_HEIGHT = 17.0
_PLACES = (0.5, 0.27, 0.75)
"""How far along its arrow a label may stand, the best first."""


def _placed_labels(edges: Sequence[PictureEdge], drawing: Drawing) -> list[tuple[str, Point]]:
    """Each where it hides the others least: on the last bend, as a trunk may be shared."""
    shown = [
        (label, text_width(label, _NOTE_SIZE) + _CHIP_PADDING, route.points[-4:])
        for edge, route in zip(edges, drawing.routes, strict=True)
        if (label := shortened(plain_text(edge.label), _NOTE_SIZE, _EDGE_LABEL_ROOM))
    ]
    centres = [_on_curve(points, _PLACES[0]) for _, _, points in shown]

    def hidden(i: int, centre: Point) -> float:
        shared = 0.0
        for j, other in enumerate(centres):
            down = _CHIP_HEIGHT - abs(centre.y - other.y)
            if j != i and down > 0:
                across = (shown[i][1] + shown[j][1]) / 2 + 1.0 - abs(centre.x - other.x)
                shared += max(across, 0.0) * down
        return shared

    for i, (_, _, points) in reversed(list(enumerate(shown))):
        if hidden(i, centres[i]):
            places = [_on_curve(points, t) for t in _PLACES]
            centres[i] = min(places, key=lambda centre, i=i: hidden(i, centre))
    return [(label, centre) for (label, _, _), centre in zip(shown, centres, strict=True)]


def _on_curve(points: Sequence[Point], t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return Point(
        sum(w * point.x for w, point in zip(weights, points, strict=True)),
        sum(w * point.y for w, point in zip(weights, points, strict=True)),
    )


def _chip(text: str, centre: Point, palette: Palette) -> list[str]:
    """Draw a small opaque label, which reads on any page."""
    face = _Face("", "", "", text_width(text, _NOTE_SIZE) + _CHIP_PADDING, _CHIP_HEIGHT)
    return [
        _rectangle(centre, face, 0.0, 8.5, palette.fill, palette.line, 0.8),
        _text(text, centre.x, centre.y + 3.8, _NOTE_SIZE, palette.text),
    ]


def _note(note: str) -> _Band:
    text = shortened(plain_text(note), _NOTE_SIZE, _NOTE_ROOM)
    if not text:
        return 0.0, 0.0, []
    width = text_width(text, _NOTE_SIZE) + 14
    return width, 17.0, _chip(text, Point(width / 2, 8.5), PALETTES["constant"])


def _legend(nodes: Sequence[PictureNode], room: float) -> _Band:
    """Name the kinds that occur, in rows no wider than the room."""
    present: set[Kind] = {node.kind for node in nodes}
    if any(node.is_output for node in nodes):
        present.add("output")
    kinds: list[Kind] = [kind for kind in KINDS if kind in present]
    x = y = width = 0.0
    elements: list[str] = []
    for kind in kinds:
        chip = text_width(kind, _NOTE_SIZE) + 14
        if x > 0 and x + chip > room:
            x, y = 0.0, y + 23
        elements += _chip(kind, Point(x + chip / 2, y + 8.5), PALETTES[kind])
        width = max(width, x + chip)
        x += chip + 8
    return width, y + 17.0, elements


def _escaped(text: str) -> str:
    return escape(plain_text(text), quote=True)


def _pair(point: Point) -> str:
    return f"{_number(point.x)} {_number(point.y)}"


def _number(value: float) -> str:
    """Write a length with at most one decimal; a pixel has no use for more."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text
