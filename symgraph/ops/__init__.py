"""What exists: one declaration for each operation, in families; leaf families first.

Importing this package fills the registry: elementwise < shape < index < reduce < products <
linalg < control. A new file is one line here.
"""

from symgraph.ops import (
    arrange,
    at,
    branches,
    contract,
    create,
    declared,
    diagonals,
    elementwise,
    extend,
    index,
    join,
    linalg,
    loops,
    nn,
    normalised,
    products,
    quantiles,
    reduce,
    reduce_moments,
    reduce_order,
    shape,
    sorting,
    special,
    windows,
)

__all__ = [
    "arrange",
    "at",
    "branches",
    "contract",
    "create",
    "declared",
    "diagonals",
    "elementwise",
    "extend",
    "index",
    "join",
    "linalg",
    "loops",
    "nn",
    "normalised",
    "products",
    "quantiles",
    "reduce",
    "reduce_moments",
    "reduce_order",
    "shape",
    "sorting",
    "special",
    "windows",
]
