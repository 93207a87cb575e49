"""Symbolic static graphs whose gradients are emitted as plain NumPy source."""

from symgraph import notebook as notebook  # the views of nodes and graphs
from symgraph.check import CheckReport
from symgraph.compile import Function, function
from symgraph.differentiate import grad, hvp, jvp, value_and_grad, vjp
from symgraph.errors import (
    DerivativeError,
    DisconnectedError,
    DTypeError,
    InputError,
    ShapeError,
    SymgraphError,
    UnsupportedError,
)
from symgraph.graph.graph import Graph
from symgraph.graph.node import Node, constant, placeholder
from symgraph.graph.sizes import Size
from symgraph.interop import from_sympy
from symgraph.ops import *
from symgraph.ops.declared import elementwise
from symgraph.pair import ForwardBackward, forward_backward
from symgraph.trace import spec, trace

__version__ = "0.1.0"
