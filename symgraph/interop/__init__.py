"""Ways in from other packages, and out to them."""

from symgraph.graph.registry import VIEWS
from symgraph.interop.sympy_bridge import from_sympy, to_sympy

__all__ = ["from_sympy", "to_sympy"]

VIEWS["sympy"] = to_sympy
