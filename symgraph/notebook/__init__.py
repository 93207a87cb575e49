"""Ways to look at a graph: pictures, formulas, cards.

Importing this enters the views for `Node`, `Graph` and the compiled functions. A module that
draws is loaded when something is first looked at, so that ``import symgraph`` stays light.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from symgraph.graph.registry import VIEWS

__all__: list[str] = []


def _on_use(module: str, function: str) -> Callable[..., Any]:
    def view(value: Any) -> Any:
        return getattr(import_module(module, __package__), function)(value)

    return view


VIEWS.update(
    svg=_on_use(".pictures", "svg"),
    dot=_on_use(".pictures", "dot"),
    mermaid=_on_use(".pictures", "mermaid"),
    latex=_on_use(".latex", "latex"),
    card=_on_use(".card", "card"),
    cost=_on_use(".card", "cost_html"),
    explanation=_on_use(".card", "explanation_html"),
)
