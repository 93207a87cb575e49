"""NumPy's functions that no static graph can record, each with what takes its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from symgraph.errors import UnsupportedError
from symgraph.graph.registry import NUMPY_FUNCTIONS

__all__: list[str] = []  # they are reached through NumPy only

_MASK = "np.where(mask, x, 0) keeps the shape; x.at[mask].set(value) changes by a mask"
_SETS = "np.sort(x) keeps the shape; np.isin(x, y) says what is in both"
_COUNTS = "np.bincount(np.digitize(x, edges), minlength=count) has a known number of bins"
_INDEX = "y = x.at[indices].set(values)"

_SHAPES: dict[str, str] = {
    "nonzero": _MASK,
    "argwhere": _MASK,
    "flatnonzero": _MASK,
    "trim_zeros": "x[start:stop] with positions that are known now",
    "unique": _SETS,
    "unique_all": _SETS,
    "unique_counts": _SETS,
    "unique_inverse": _SETS,
    "unique_values": _SETS,
    "intersect1d": _SETS,
    "setdiff1d": _SETS,
    "setxor1d": _SETS,
    "union1d": _SETS,
    "histogram": _COUNTS,
    "histogram2d": _COUNTS,
    "histogramdd": _COUNTS,
    "histogram_bin_edges": "np.linspace(np.min(x), np.max(x), count + 1)",
}
"""The shape of the result, or what is counted, depends on values."""

_IN_PLACE: dict[str, str] = {
    "copyto": "y = np.where(mask, values, x)",
    "place": "y = np.where(mask, value, x), or " + _INDEX,
    "putmask": "y = np.where(mask, values, x)",
    "put": "y = x.reshape(-1).at[indices].set(values).reshape(x.shape)",
    "put_along_axis": "y = sg.put_along_axis(x, indices, values, axis)",
    "fill_diagonal": "y = sg.fill_diagonal(x, value)",
}
"""They change an argument."""


_FILES = "compile it with sg.function, and keep the arrays that it returns"
_TYPES = "node.dtype says what it is; node.astype(dtype) converts"

_VALUES: dict[str, str] = {
    **dict.fromkeys(("save", "savetxt", "savez", "savez_compressed"), _FILES),
    **dict.fromkeys(("array2string", "array_repr", "array_str"), "print(node), or " + _FILES),
    **dict.fromkeys(("may_share_memory", "shares_memory"), "values are immutable in a graph"),
    **dict.fromkeys(("can_cast", "common_type", "min_scalar_type"), _TYPES),
    "roots": "np.linalg.eigvals of the companion matrix, as many as the degree",
    "polydiv": "a division by a known polynomial is np.linalg.solve with shifted rows",
    "sort_complex": "np.sort(x.astype(complex))",
}
"""They need the values, or have no meaning for what has none yet."""


def _refusal(name: str, why: str, hint: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **keywords: Any) -> NoReturn:
        raise UnsupportedError(f"np.{name} {why}", hint=hint)

    return refuse


for _table, _why in (
    (_SHAPES, "cannot be recorded in a graph: its result depends on values in shape or number"),
    (_IN_PLACE, "changes its argument, and nodes are immutable"),
    (_VALUES, "needs values, which a node does not have"),
):
    for _name, _hint in _table.items():
        NUMPY_FUNCTIONS[getattr(np, _name)] = _refusal(_name, _why, _hint)
