"""Cards: valid, escaped, the same every time; and the pictures of graphs."""

import base64
import pickle
import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import symgraph as sg
from symgraph.notebook.pictures import picture_of

VOID = {"img", "br"}
HOSTILE = [
    "</td></table><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "&lt;b&gt;",
    "a\x00b\ud800\u202e",
    "$</script>$",
    "]]>",
]


class Checker(HTMLParser):
    """Tags are closed in order, and nothing is there that runs."""

    def __init__(self):
        super().__init__()
        self.open, self.images, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert tag not in {"script", "iframe", "object", "style", "link", "svg"}
        for name, value in attrs:
            assert not name.startswith("on")
            assert "javascript:" not in (value or "")
            if name in {"src", "href"}:
                assert value.startswith("data:image/svg+xml;base64,")
                self.images.append(base64.b64decode(value.split(",")[1]).decode())
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(html):
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    for image in checker.images:
        ET.fromstring(image)
    return checker


def model(name="x"):
    x = sg.placeholder(name, ("n", 3))
    w, y = sg.placeholder("w", 3), sg.placeholder("y", "n")
    loss = sg.mean((x @ w - y) ** 2).named("loss")
    return [x, w, y], loss


def shown(value):
    bundle = value._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"] == repr(value)
    return bundle["text/html"]


def everything(name="x"):
    inputs, loss = model(name)
    gradient = sg.grad(loss, inputs[1])
    yield loss
    yield sg.Graph(inputs, [loss, gradient])
    yield sg.function(inputs, [loss, gradient])
    yield sg.forward_backward(inputs, loss, wrt=inputs[1])


def test_cards_are_valid_html():
    for value in everything():
        html = shown(value)
        assert check(html).images
        for part in ("formula", "picture", "source"):
            assert f">{part}</th>" in html


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_are_text(name):
    for value in everything(name):
        check(shown(value))
        if hasattr(value, "explain"):
            check(value.explain()._repr_html_())
    _, loss = model(name)
    check(shown((loss * 2.0).named(name)))


def test_cards_are_the_same_every_time():
    first, second = ([shown(value) for value in everything()] for _ in range(2))
    assert first == second


def test_a_function_shows_its_rewrites():
    inputs, loss = model()
    html = shown(sg.function(inputs, [loss, sg.grad(loss, inputs[1])]))
    assert "<details><summary>" in html
    assert "<li" in html
    assert "rewrites</summary>" in html


def test_an_explanation_is_a_derivation():
    inputs, loss = model()
    html = sg.function(inputs, [loss, sg.grad(loss, inputs[1])]).explain()._repr_html_()
    check(html)
    order = [html.index(f">{part}") for part in ("expression<", "with its gradient", "rewrites<")]
    assert order == sorted(order)
    assert r"\nabla_{\!w}" in html


def test_a_pickled_function_keeps_its_card():
    inputs, loss = model()
    f = sg.function(inputs, loss)
    assert shown(pickle.loads(pickle.dumps(f))) == shown(f)


def test_without_pygments(monkeypatch):
    inputs, loss = model()
    monkeypatch.setitem(sys.modules, "pygments", None)
    html = shown(sg.function(inputs, loss))
    check(html)
    assert "def compute_loss(" in html


def test_with_pygments_colours_stand_on_the_words():
    pytest.importorskip("pygments")
    inputs, loss = model()
    assert '<span style="color' in shown(sg.function(inputs, loss))


def test_what_cannot_be_compiled_has_a_card_without_source():
    pair = sg.placeholder("x", 4)
    several = sg.split(pair, 2)[0].inputs[0]
    html = several._repr_mimebundle_()["text/html"]
    check(html)
    assert "source" not in html


def test_a_huge_graph_has_a_card():
    x = sg.placeholder("x")
    node = x
    for _ in range(30_000):
        node = sg.sin(node)
    html = node._repr_mimebundle_()["text/html"]
    assert "too many to draw" in html


# Pictures ----------------------------------------------------------------------------------------


def boxes(value):
    return {node.label: node for node in picture_of(value).nodes}


def test_kinds():
    inputs, loss = model()
    gradient = sg.grad(loss, inputs[1])
    drawn = boxes(sg.function(inputs, [loss, gradient]))
    assert drawn["x"].kind == drawn["y"].kind == "input"
    assert drawn["w"].kind == "parameter"
    assert drawn["x @ w"].kind == "forward"
    assert drawn["loss = mean"].kind == "output"
    assert drawn["d_w = x.T @ ·"].kind == "gradient"
    assert drawn["d_w = x.T @ ·"].output


def test_labels():
    x, m = sg.placeholder("x", ("n", 3)), sg.placeholder("m", (3, 3), "float32")
    pairs = {
        "* 2.0": x * 2.0,
        "1.0 -": 1.0 - sg.sin(x),
        "1.0 / x": 1.0 / x,
        "** 2.0": sg.sin(x) ** 2.0,
        "-": -x,
        "sum axis=0": x.sum(axis=0),
        "sum": x.sum(),
        "[1:, 0]": x[1:, 0],
        ".T": x.T,
        "transpose (0, 2, 1)": sg.placeholder("c", (2, 3, 4)).transpose(0, 2, 1),
        "maximum(·, 0.0)": sg.maximum(x, 0.0),
        "astype float32": x.astype("float32"),
        "x @ m": x @ m,
        "a - b": sg.sin(x) - sg.cos(x),
        "where(·, ·, 0.0)": sg.where(x > 0, x, 0.0),
        "reshape": x.reshape(-1),
        "/ n": x / x.shape[0],
    }
    for label, node in pairs.items():
        assert label in boxes(node)


def test_details():
    drawn = boxes(sg.placeholder("m", (3, "k"), "float32").sum() + sg.placeholder("b"))
    assert drawn["m"].detail == "float32 (3, k)"
    assert drawn["b"].detail == "scalar"


def test_arrows_tell_the_order():
    x = sg.placeholder("x")
    picture = picture_of(sg.sin(x) - sg.cos(x))
    assert sorted(edge.label for edge in picture.edges) == ["", "", "a", "b"]


def test_tooltips_quote_the_line():
    x = sg.placeholder("x")
    node = sg.tan(x)  # this very line
    assert any("this very line" in box.tooltip for box in boxes(node).values())


def test_constants_and_unused_inputs_are_drawn():
    x, unused = sg.placeholder("x", 2), sg.placeholder("unused")
    graph = sg.Graph([x, unused], [x + sg.constant([1.0, 2.0]), sg.constant(3.0)])
    drawn = boxes(graph)
    assert drawn["[1.0, 2.0]"].kind == drawn["3.0"].kind == "constant"
    assert "unused" in drawn


def test_several_results():
    first, second = sg.split(sg.placeholder("x", 4), 2)
    drawn = boxes(first + second)
    assert drawn["[0]"].detail == "(2,)"
    assert drawn["split axis=0"].detail == "2 results"


def test_views_of_graphs():
    inputs, loss = model()
    graph = sg.Graph(inputs, loss)
    ET.fromstring(graph.to_svg())
    assert graph.to_dot().startswith("digraph {")
    assert graph.to_mermaid().startswith("flowchart TD")
    assert graph.to_latex().startswith(r"\begin{aligned}")


def test_large_pictures_fold():
    x = sg.placeholder("x", "n")
    node = x
    for _ in range(1000):
        node = sg.sin(node)
    svg = sg.Graph([x], node).to_svg()
    assert "operations folded" in svg
    assert len(re.findall("<rect", svg)) < 60


def test_nothing_is_computed_by_looking():
    x = sg.placeholder("x", 2)
    before = sg.Graph([x], np.sum(x))
    shown(before)
    assert str(before) == str(sg.Graph([x], np.sum(x)))


def test_a_gradient_alone_does_not_take_its_values_name():
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    loss = np.mean((x - y) ** 2)
    assert not any("loss =" in label for label in boxes(sg.grad(loss, x)))
