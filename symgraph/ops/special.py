"""SciPy's names for what exists under another one."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph.registry import builder
from symgraph.ops.elementwise import sigmoid
from symgraph.ops.kinds import Example
from symgraph.ops.nn import log_sigmoid

__all__: list[str] = []  # they stand in `sg.special`


@builder()
def expit(x: Any) -> Any:
    """Logistic function, as ``scipy.special.expit``; accurate in both tails."""
    return sigmoid(x)


@builder()
def log_expit(x: Any) -> Any:
    """Logarithm of the logistic function, as ``scipy.special.log_expit``."""
    return log_sigmoid(x)


_VALUES = np.linspace(-3.0, 3.0, 5)

EXAMPLES: dict[str, list[Example]] = {
    "expit": [Example(expit, (_VALUES,), lambda x: 1 / (1 + np.exp(-x)))],
    "log_expit": [Example(log_expit, (_VALUES,), lambda x: -np.log1p(np.exp(-x)))],
}
