"""What a notebook shows of a node, a graph or a function: one table, as static HTML.

Pictures are images with their data inside and formulas are typeset by the page, which is what
shows in JupyterLab, Notebook 7 and exported pages, trusted or not.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from html import escape
from importlib import import_module
from typing import Any, Protocol, TypeAlias

from symgraph.compile import Function, compile_graph
from symgraph.errors import SymgraphError
from symgraph.explanation import Explanation, Rewrite
from symgraph.graph.cost import Cost
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node
from symgraph.notebook.latex import latex
from symgraph.notebook.pictures import picture_of
from symgraph.notebook.svg import img_tag, render
from symgraph.notebook.views import gradient_of, graph_of, graph_of_nodes, is_gradient
from symgraph.pipeline import Options

__all__ = ["card", "cost_html", "explanation_html"]


class Emitted(Protocol):
    """A function or a pair of them, compiled: what has a source and can say how it came about."""

    @property
    def source(self) -> str:
        """The text of the module."""
        ...

    def explain(self) -> Explanation:
        """The rewrites that fired."""
        ...


Shown: TypeAlias = "Node | Graph | Emitted"

COMPILED_BELOW = 300
"""Number of nodes up to which a card of a graph shows its source: a fraction of a second."""
DRAWN_BELOW = 20_000
FOLDED_ABOVE = 60
"""Lines of source above which it is shown on a click."""
REWRITES_SHOWN = 200

_TABLE = "border-collapse:collapse;border:1px solid #7f8a99;text-align:left;max-width:100%"
_HEAD = "text-align:left;vertical-align:top;padding:6px 12px;color:#7f8a99;font-weight:normal"
_CELL = "text-align:left;vertical-align:top;padding:6px 12px;border-top:1px solid #7f8a9955"
_FORMULA = "text-align:left;overflow-x:auto;overflow-y:hidden;padding:2px 0"
_CODE = "background:#f6f8fa;color:#24292f;border-radius:6px;padding:8px 12px;overflow-x:auto"
_PRE = (
    "margin:0;font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "font-size:12px;line-height:1.4;background:transparent;color:inherit;white-space:pre"
)


def card(value: Shown) -> dict[str, str]:
    """The card of a node, a graph or a function, as a bundle of representations.

    Examples
    --------
    >>> import symgraph as sg
    >>> x = sg.placeholder("x", "n")
    >>> bundle = card(sg.function([x], sg.sum(x)))
    >>> sorted(bundle), bundle["text/html"].count("<tr>")
    (['text/html', 'text/plain'], 5)
    """
    return {"text/plain": repr(value), "text/html": _table(_title(value), _rows(value))}


def explanation_html(explanation: Explanation) -> str:
    """The chain rule as a derivation: expression, gradient, each rewrite with its law, source."""
    rows: list[_Row] = []
    graph = explanation.graph
    if graph is not None and len(graph) <= DRAWN_BELOW:
        values = [node for node in graph.outputs if not _is_derivative(node)]
        if 0 < len(values) < len(graph.outputs):
            rows.append(("expression", _formula(graph_of_nodes(values, graph.names))))
            rows.append(("with its gradient, by the chain rule", _formula(graph)))
        else:
            rows.append(("expression", _formula(graph)))
    rows.append(("rewrites", _rewrite_list(explanation.rewrites)))
    if explanation.cost_text:
        rows.append(("cost", escape(explanation.cost_text)))
    if explanation.source:
        rows.append(("source", _source(explanation.source)))
        rows.append(("line by line", _line_list(explanation.lines)))
    return _table(f"<b>{escape(explanation.summary)}</b>", rows)


def cost_html(cost: Cost) -> str:
    """The table of operations, the costliest first."""
    head, *rows = cost.rows()
    title = "".join([f'<th style="{_HEAD}">{escape(text)}</th>' for text in head])
    lines = [
        "".join([f'<td style="{_CELL}"><code>{escape(text)}</code></td>' for text in row])
        for row in rows
    ]
    body = "".join([f"<tr>{line}</tr>" for line in [title, *lines]])
    foot = f'<tr><td colspan="4" style="{_CELL}">{escape(cost.peak_text)}</td></tr>'
    return f'<table style="{_TABLE}">{body}{foot}</table>'


_Row = tuple[str, str]


def _is_derivative(node: Node) -> bool:
    return is_gradient(node) or bool(gradient_of(node))


def _title(value: Shown) -> str:
    text = escape(repr(value).removeprefix("<").removesuffix(">"))
    if isinstance(value, Function):
        text = text.replace(value.__name__, f"<b>{value.__name__}</b>", 1)
    return f'<code style="background:transparent;color:inherit">{text}</code>'


def _rows(value: Shown) -> list[_Row]:
    explanation: Explanation | None = None
    if isinstance(value, Node | Graph):
        graph = graph_of(value)
        source = _compiled_source(graph)
    else:
        explanation = value.explain()
        graph, source = explanation.graph, value.source
    rows: list[_Row] = []
    if graph is not None and len(graph) <= DRAWN_BELOW:
        rows += [("formula", _formula(graph)), ("picture", _picture(graph))]
    elif graph is not None:
        rows.append(("picture", f"{len(graph)} nodes are too many to draw"))
    if source:
        rows.append(("source", _source(_without_docstring(source))))
    if explanation is not None:
        rows.append(("rewrites", _rewrites(explanation)))
    return rows


def _compiled_source(graph: Graph) -> str:
    """The source, if it is had at once."""
    if len(graph) > COMPILED_BELOW:
        return ""
    try:
        return compile_graph(graph, name=None, options=Options()).source
    except SymgraphError:
        # Not every graph can be a function: an output may have several results.
        return ""


# Pieces of HTML ---------------------------------------------------------------------------------


def _table(title: str, rows: Sequence[_Row]) -> str:
    body = "".join(
        f'<tr><th style="{_HEAD}">{escape(head)}</th><td style="{_CELL}">{content}</td></tr>'
        for head, content in rows
    )
    head = f'<tr><td colspan="2" style="{_HEAD};color:inherit">{title}</td></tr>'
    return f'<table style="{_TABLE}">{head}{body}</table>'


def _formula(graph: Graph) -> str:
    text = escape(latex(graph))
    return rf'<div style="{_FORMULA}">$\displaystyle {text}$</div>'


def _picture(graph: Graph) -> str:
    picture = picture_of(graph)
    return img_tag(render(picture), picture.title)


def _without_docstring(source: str) -> str:
    """The code of a module; its docstring says what the rest of the card does."""
    tree = ast.parse(source)
    first = tree.body[0]
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return source
    lines = source.splitlines(keepends=True)
    return "".join(lines[first.end_lineno :]).lstrip("\n")


def _source(source: str) -> str:
    lines = source.count("\n")
    block = f'<div style="{_CODE}"><pre style="{_PRE}">{_highlighted(source)}</pre></div>'
    if lines <= FOLDED_ABOVE:
        return block
    return f"<details><summary>{lines} lines</summary>{block}</details>"


def _highlighted(source: str) -> str:
    try:
        pygments: Any = import_module("pygments")
        formatters: Any = import_module("pygments.formatters")
        lexers: Any = import_module("pygments.lexers")
    except ImportError:
        return escape(source)
    # Colours stand on the words themselves: a notebook drops style sheets.
    formatter = formatters.HtmlFormatter(noclasses=True, nowrap=True, style="default")
    return str(pygments.highlight(source, lexers.PythonLexer(), formatter))


def _rewrites(explanation: Explanation) -> str:
    summary = escape(explanation.summary)
    if not explanation.rewrites:
        return summary
    return f"<details><summary>{summary}</summary>{_rewrite_list(explanation.rewrites)}</details>"


def _rewrite_list(rewrites: Sequence[Rewrite]) -> str:
    items = "".join(map(_rewrite_item, rewrites[:REWRITES_SHOWN]))
    missing = len(rewrites) - REWRITES_SHOWN
    rest = f"<p>and {missing} more</p>" if missing > 0 else ""
    return f'<ol style="margin:4px 0">{items}</ol>{rest}' if items else "none"


def _line_list(lines: Sequence[tuple[str, str]]) -> str:
    """Statements and, beside each, the user's line."""
    style = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px;text-align:left"
    shown = [
        f'<tr style="{style}"><td style="white-space:pre">{escape(line)}</td>'
        f'<td style="color:#7f8a99">{escape(where)}</td></tr>'
        for line, where in lines
        if where
    ]
    if not shown:
        return "none"
    return (
        f"<details><summary>{len(shown)} lines</summary><table>{''.join(shown)}</table></details>"
    )


def _rewrite_item(row: Rewrite) -> str:
    saved = f"<br>{escape(row.saved)}" if row.saved else ""
    where = f'<br><code style="color:#7f8a99">{escape(row.where)}</code>' if row.where else ""
    return (
        f'<li style="margin:4px 0"><b><code>{escape(row.rule)}</code></b>: '
        f"<code>{escape(row.law)}</code> ({row.keeps})<br>"
        f"<code>{escape(row.before)}</code> → <code>{escape(row.after)}</code>{saved}{where}</li>"
    )
