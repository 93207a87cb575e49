"""Pictures as text: valid whatever the labels, the same each time, and small enough to look at."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.notebook.fold import contract_chains, fold, keep_near_outputs
from symgraph.notebook.picture import KINDS, PALETTES, plain_text
from symgraph.notebook.svg import (
    Picture,
    PictureEdge,
    PictureNode,
    img_tag,
    render,
    to_data_uri,
)
from symgraph.notebook.text_formats import to_dot, to_mermaid
from symgraph.notebook.text_width import shortened, text_width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    "a & b \"quoted\" 'single'",
    "\x00\x07\x1b[31m\ud800\ufffe",
    "]]> <!-- &lt; &#0;",
    "line\nbreak\r\n\ttab",
    "\u202eright to left",
    "<tip>",
    '\\N "\\',
    '"]; n0 --> n1["',
    "`**bold**`",
    "1. list",
    "%%{init: {}}%%",
    "∂L/∂W₁ · 日本語",
    "w" * 500,
    "",
]


def picture(*nodes, edges=(), **texts):
    return Picture(tuple(nodes), tuple(PictureEdge(*edge) for edge in edges), **texts)


def hostile_picture():
    nodes = [
        PictureNode(text, text, text, KINDS[i % len(KINDS)], i % 3 == 0, text)
        for i, text in enumerate(HOSTILE)
    ]
    edges = [(a, b, a) for a, b in pairwise(HOSTILE)]
    return picture(*nodes, edges=edges, title=HOSTILE[0], note=HOSTILE[1])


def run_of(count, *, foldable=True, outputs=()):
    nodes = [PictureNode(f"n{i}", f"op{i}", foldable=foldable) for i in range(count)]
    nodes += [PictureNode(f"out{i}", "out", kind="output") for i in range(len(outputs))]
    edges = [(f"n{i}", f"n{i + 1}") for i in range(count - 1)]
    edges += [(f"n{at}", f"out{i}") for i, at in enumerate(outputs)]
    return picture(*nodes, edges=edges)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def titles(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}title")]


def test_hostile_labels_are_only_text():
    svg = render(hostile_picture())
    root = ET.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "defs", "marker", "path", "g", "rect", "text")
    }
    assert not re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\u202e]", svg)
    assert HOSTILE[0] in texts(svg)
    assert any("w" * 500 in title for title in titles(svg) if title)


@settings(max_examples=50)
@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=40))
def test_any_text_makes_valid_xml(label, tooltip):
    node = PictureNode(label, label, tooltip, "input", True, tooltip)
    svg = render(picture(node, title=tooltip, note=label))
    ET.fromstring(svg)
    assert svg.encode()
    assert plain_text(plain_text(label)) == plain_text(label)


def test_same_picture_same_text_and_no_shared_ids():
    first, again = render(hostile_picture()), render(hostile_picture())
    other = render(picture(PictureNode("a", "x"), PictureNode("b", "y"), edges=[("a", "b")]))
    assert first == again
    assert not set(re.findall(r' id="([^"]*)"', first)) & set(re.findall(r' id="([^"]*)"', other))
    for svg in (first, other):
        assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(re.findall(r' id="([^"]*)"', svg))


@pytest.mark.parametrize("nodes", [(), (PictureNode("a", ""),)], ids=["empty", "one"])
def test_small_pictures(nodes):
    root = ET.fromstring(render(picture(*nodes)))
    assert float(root.get("width", 0)) > 0
    assert float(root.get("height", 0)) > 0


def test_page_is_transparent_and_colours_are_opaque():
    svg = render(hostile_picture())
    assert "opacity" not in svg
    assert "rgba" not in svg
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg)) <= {"none", "#7f8a99"} | {
        colour for p in PALETTES.values() for colour in (p.fill, p.line, p.text)
    }


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_lines_stand_out(kind):
    # WCAG: 7 for text at its best level, 3 for lines; a frame need only show on white.
    palette = PALETTES[kind]
    assert contrast(palette.fill, palette.text) >= 7
    assert contrast(palette.fill, "#111111") >= 7


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_edges_are_visible_on_any_page(page):
    assert contrast("#7f8a99", page) >= 3


def test_a_picture_is_checked_when_it_is_made():
    nodes = (PictureNode("a", "x"), PictureNode("a", "y"))
    with pytest.raises(ValueError, match="got 2 named 'a'"):
        Picture(nodes)
    with pytest.raises(ValueError, match="names 'b', which is no node"):
        Picture(nodes[:1], (PictureEdge("a", "b"),))
    with pytest.raises(ValueError, match="without cycles"):
        render(Picture(nodes[:1], (PictureEdge("a", "a"),)))


def test_legend_names_the_kinds_present():
    nodes = [PictureNode("a", "", kind="input"), PictureNode("b", "", kind="gradient", output=True)]
    assert texts(render(picture(*nodes))) == ["input", "gradient", "output"]


def test_an_output_of_another_kind_has_a_ring():
    plain = render(picture(PictureNode("a", "L")))
    ringed = render(picture(PictureNode("a", "L", output=True)))
    assert ringed.count("<rect") == plain.count("<rect") + 2  # and a word in the legend


def test_labels_fit_their_boxes():
    labels = ["i", "matmul", "W" * 12, "日本語の名前", "x" * 300]
    root = ET.fromstring(render(picture(*(PictureNode(text, text) for text in labels))))
    widths = [
        (group.find(f"{SVG}rect"), group.find(f"{SVG}text"))
        for group in root.iter(f"{SVG}g")
        if group.find(f"{SVG}rect") is not None and group.get("transform") is None
    ]
    assert len(widths) == len(labels)
    for box, text in widths:
        assert text_width(text.text, 13) + 12 <= float(box.get("width")) <= 260


def test_shortened_lines_keep_their_full_text_in_the_title():
    svg = render(picture(PictureNode("a", "long " * 30, tooltip="from line 3")))
    assert any(text.endswith("…") for text in texts(svg))
    assert any("long " * 29 in title and "line 3" in title for title in titles(svg))
    assert shortened("abc", 10, 5) == "…"


def test_edge_labels_are_shown():
    nodes = [PictureNode("a", "x"), PictureNode("b", "y")]
    assert "first" in texts(render(picture(*nodes, edges=[("a", "b", "first")])))


def test_data_uri_and_image():
    svg = render(hostile_picture())
    uri = to_data_uri(svg)
    head, _, body = uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(body).decode() == svg
    tag = ET.fromstring(img_tag(svg, 'a "b" <c>').replace(">", "/>"))
    assert (tag.get("alt"), tag.get("src")) == ('a "b" <c>', uri)


def test_a_picture_that_would_be_too_small_scrolls():
    names = [f"operand {i}" for i in range(30)]
    boxes = [PictureNode(name, name) for name in names]
    edges = [(name, "sum") for name in names]
    assert "overflow-x:auto" not in img_tag(render(run_of(3)), "")
    wide = render(picture(*boxes, PictureNode("sum", "+"), edges=edges))
    assert "overflow-x:auto" in img_tag(wide, "")


def test_words_beside_arrows_do_not_hide_each_other():
    ends = [PictureNode(f"v{i}", "x", "0.604, ∇ -0.502") for i in range(2)]
    edges = [(node.id, "sum", "↑ -0.502") for node in ends]
    total = PictureNode("sum", "+", "0.604, ∇ -0.502")
    drawn = ET.fromstring(render(picture(*ends, total, edges=edges)))
    chips = [r for r in drawn.iter(SVG + "rect") if r.get("height") == "17"][:2]
    (ax, ay, aw), (bx, by, bw) = [
        tuple(float(chip.get(key)) for key in ("x", "y", "width")) for chip in chips
    ]
    assert abs(ax - bx) >= (aw + bw) / 2 or abs(ay - by) >= 17


def test_boxes_keep_room_for_what_other_pictures_show():
    small = render(picture(PictureNode("a", "x", room="much more than there is", pill=True)))
    full = render(picture(PictureNode("a", "x", "much more than there is", "input")))
    assert ET.fromstring(small).get("viewBox").split()[2] == ET.fromstring(full).get("width")


class TestFold:
    def test_small_pictures_stay(self):
        original = run_of(10)
        assert fold(original) is original

    def test_a_run_becomes_one_box(self):
        folded = contract_chains(run_of(12))
        assert [node.label for node in folded.nodes] == ["12 operations folded"]
        assert folded.nodes[0].tooltip.startswith("op0 → op1")
        assert folded.edges == ()
        assert folded.note == "12 nodes folded into 1 box"

    def test_a_run_ends_at_branches_and_other_kinds(self):
        labels = [node.label for node in contract_chains(run_of(9, outputs=[4])).nodes]
        assert labels == ["5 operations folded", "4 operations folded", "out"]
        assert contract_chains(run_of(9, foldable=False)).nodes == run_of(9, foldable=False).nodes
        mixed = run_of(4)
        nodes = [
            PictureNode(n.id, n.label, kind="gradient", foldable=True) for n in mixed.nodes[2:]
        ]
        both = Picture((*mixed.nodes[:2], *nodes), mixed.edges)
        assert [node.kind for node in contract_chains(both).nodes] == ["forward", "gradient"]

    def test_constants_of_a_run_disappear_with_it(self):
        base = run_of(4)
        constant = PictureNode("c", "2", kind="constant")
        with_constant = Picture(
            (*base.nodes, constant), (*base.edges, PictureEdge("c", "n2")), note="so far"
        )
        folded = contract_chains(with_constant)
        assert [node.label for node in folded.nodes] == ["4 operations folded"]
        assert folded.note == "so far; 5 nodes folded into 1 box"

    def test_what_is_near_the_outputs_is_kept(self):
        kept = keep_near_outputs(run_of(50, foldable=False, outputs=[49]), 10)
        assert {node.id for node in kept.nodes} == {"out0", *(f"n{i}" for i in range(41, 50))}
        assert kept.note == "41 of 51 boxes are not shown"
        first = next(node for node in kept.nodes if node.id == "n41")
        assert first.detail == "1 operand not shown"

    def test_many_outputs_are_not_cut_to_slivers(self):
        kept = keep_near_outputs(run_of(900, outputs=range(0, 900, 9)), 120)
        assert len(kept.nodes) == 120
        shown = sum(node.is_output for node in kept.nodes)
        assert f"{100 - shown} of 100 outputs among them" in kept.note

    def test_a_large_picture_is_drawn_small_and_says_so(self):
        svg = render(run_of(2_000, foldable=False))
        assert svg.count("<rect") < 320
        assert "1700 of 2000 boxes are not shown" in texts(svg)


class TestDot:
    def test_ids_are_opaque_and_labels_escaped(self):
        dot = to_dot(hostile_picture())
        statement = re.compile(r'  n\d+( -> n\d+)?( \[(\w+=("([^"\\]|\\.)*"|\d+)(, )?)+\])?;')
        lines = dot.split("\n")[4:-1]
        note = 'label="a &amp; b \\"quoted\\" \'single\'"'
        assert lines[0].strip().startswith(note)
        assert all(statement.fullmatch(line) for line in lines[1:])
        assert "&amp;lt; &amp;#0;" in dot

    def test_backslashes_are_not_escapes(self):
        assert r'label="\\N \"\\"' in to_dot(picture(PictureNode("a", '\\N "\\')))


class TestMermaid:
    def test_ids_are_opaque_and_arrows_have_spaces(self):
        lines = to_mermaid(hostile_picture()).split("\n")
        assert lines[0] == "flowchart TD"
        box = re.compile(r'  n\d+(\(\[)?\[?"[^"]*"\]?(\]\))?:::\w+')
        arrow = re.compile(r'  n\d+ --> (\|"[^"]*"\| )?n\d+')
        assert all(box.fullmatch(line) for line in lines[1 : 1 + len(HOSTILE)])
        count = len(HOSTILE)
        assert all(arrow.fullmatch(line) for line in lines[1 + count : 2 * count])

    @pytest.mark.parametrize(
        ("label", "expected"),
        [
            ('say "x"', "say #34;x#34;"),
            ("a[0] <b> {c} | `d`", "a#91;0#93; #60;b#62; #123;c#125; #124; #96;d#96;"),
            ("50% #1 & \\n;", "50#37; #35;1 #38; #92;n#59;"),
            ("1. first", "1#46; first"),
            ("- item", "#45; item"),
            ("x\ny", "x y"),
            ("σ(z) = 1/2", "σ(z) = 1/2"),
        ],
    )
    def test_labels_are_escaped(self, label, expected):
        assert f'n0["{expected}"]' in to_mermaid(picture(PictureNode("a", label)))
