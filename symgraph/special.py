"""SciPy's special functions by SciPy's names: ``sg.special``.

Examples
--------
>>> import symgraph as sg
>>> sg.special.logsumexp(sg.placeholder("x", ("n", 3)), axis=1).shape
(n,)
"""

from symgraph.ops.elementwise import cbrt, exp2, expm1, log1p
from symgraph.ops.normalised import log_softmax, logsumexp, softmax
from symgraph.ops.special import expit, log_expit

__all__ = [
    "cbrt",
    "exp2",
    "expit",
    "expm1",
    "log1p",
    "log_expit",
    "log_softmax",
    "logsumexp",
    "softmax",
]
