"""Pictures as text for other programs: Graphviz and Mermaid."""

from __future__ import annotations

import re

from symgraph.notebook.picture import (
    KINDS,
    LINE_COLOUR,
    PALETTES,
    Picture,
    PictureNode,
    plain_text,
)

__all__ = ["to_dot", "to_mermaid"]

_OUTPUT_LINE = PALETTES["output"].line
_PILLS = ("input", "parameter")


def to_dot(picture: Picture) -> str:
    r"""Write a picture in Graphviz's language.

    Examples
    --------
    >>> print(to_dot(Picture((PictureNode("a", 'say "x"'),))))
    digraph {...
      n0 [label="say \"x\"", ...];
    }
    """
    ids = {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    lines = [
        "digraph {",
        '  graph [rankdir=TB, bgcolor="transparent"];',
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
        f'  edge [color="{LINE_COLOUR}", fontname="Helvetica", fontsize=9, arrowsize=0.7];',
    ]
    if plain_text(picture.note):
        lines.append(f'  label="{_dot(picture.note)}"; fontname="Helvetica"; fontsize=10;')
    lines += [f"  {ids[node.id]} [{_dot_attributes(node)}];" for node in picture.nodes]
    for edge in picture.edges:
        label = f' [label="{_dot(edge.label)}"]' if plain_text(edge.label) else ""
        lines.append(f"  {ids[edge.source]} -> {ids[edge.target]}{label};")
    return "\n".join([*lines, "}"])


def _dot_attributes(node: PictureNode) -> str:
    palette = PALETTES[node.kind]
    label = "\\n".join(_dot(line) for line in _lines(node))
    attributes = [
        f'label="{label}"',
        f'fillcolor="{palette.fill}"',
        f'color="{_OUTPUT_LINE if node.output else palette.line}"',
        f'fontcolor="{palette.text}"',
    ]
    if plain_text(node.tooltip):
        attributes.append(f'tooltip="{_dot(node.tooltip)}"')
    if node.output:
        attributes.append("penwidth=2")
    return ", ".join(attributes)


def _dot(text: str) -> str:
    # Graphviz reads escapes and HTML's character names in a quoted label.
    escaped = plain_text(text).replace("&", "&amp;")
    return escaped.replace("\\", "\\\\").replace('"', '\\"')


def to_mermaid(picture: Picture) -> str:
    """Write a picture as a Mermaid flowchart.

    Examples
    --------
    >>> nodes = (PictureNode("a", "x", "(n, 3)", "input"), PictureNode("b", "exp"))
    >>> print(to_mermaid(Picture(nodes)))
    flowchart TD
      n0(["x<br/>(n, 3)"]):::input
      n1["exp"]:::forward
    ...
    """
    ids = {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    lines = ["flowchart TD"]
    lines += [f"  {ids[node.id]}{_mermaid_box(node)}" for node in picture.nodes]
    for edge in picture.edges:
        # Without the spaces, "x-->d" or "o--" would be read as another arrow.
        label = f'|"{_mermaid(edge.label)}"| ' if plain_text(edge.label) else ""
        lines.append(f"  {ids[edge.source]} --> {label}{ids[edge.target]}")
    if plain_text(picture.note):
        lines.append(f'  note["{_mermaid(picture.note)}"]:::constant')
    lines += _mermaid_styles(picture, ids)
    return "\n".join(lines)


def _mermaid_box(node: PictureNode) -> str:
    label = "<br/>".join(_mermaid(line) for line in _lines(node)) or " "
    opening, closing = ("([", "])") if node.kind in _PILLS else ("[", "]")
    return f'{opening}"{label}"{closing}:::{node.kind.replace(" ", "_")}'


def _mermaid_styles(picture: Picture, ids: dict[str, str]) -> list[str]:
    present = {node.kind for node in picture.nodes}
    if plain_text(picture.note):
        present.add("constant")
    lines = [
        f"  classDef {kind.replace(' ', '_')} fill:{PALETTES[kind].fill},"
        f"stroke:{PALETTES[kind].line},color:{PALETTES[kind].text}"
        for kind in KINDS
        if kind in present
    ]
    ring = f"stroke:{_OUTPUT_LINE},stroke-width:3px"
    return lines + [f"  style {ids[node.id]} {ring}" for node in picture.nodes if node.output]


# What Mermaid reads as text, wherever it stands in a quoted label.
_SAFE = re.compile(r"[^A-Za-z0-9 _.,:=+*/()\-\u00a1-\U0010ffff]")
# A label that starts like a list is read as Markdown.
_LIST = re.compile(r"^(\d+)([.)])|^([-+*])")


def _mermaid(text: str) -> str:
    escaped = _SAFE.sub(lambda match: _entity(match[0]), plain_text(text))
    return _LIST.sub(lambda match: (match[1] or "") + _entity(match[2] or match[3]), escaped)


def _entity(character: str) -> str:
    return f"#{ord(character)};"


def _lines(node: PictureNode) -> list[str]:
    return [line for line in (node.label, node.detail) if plain_text(line)]
