"""Integrals of samples by the names of ``scipy.integrate``: ``sg.integrate``.

Examples
--------
>>> import symgraph as sg
>>> sg.integrate.simpson(sg.placeholder("y", ("n", 5)), dx=0.1).shape
(n,)
"""

from symgraph.ops.differences import trapezoid
from symgraph.ops.quadrature import cumulative_trapezoid, romb, simpson

__all__ = ["cumulative_trapezoid", "romb", "simpson", "trapezoid"]
