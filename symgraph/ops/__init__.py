"""What exists: one declaration for each operation, in families; leaf families first.

Importing this package fills the registry with what almost every program uses: elementwise < shape
< index < reduce < products < control. The other families wait in `symgraph.ops.families` until a
name is asked for that is not here. A new file is one line in one of the two.
"""

from importlib import import_module

from symgraph.graph.registry import ON_DEMAND
from symgraph.ops import (
    arrange,
    at,
    branches,
    contract,
    create,
    declared,
    diagonals,
    einsum,
    elementwise,
    extend,
    index,
    join,
    loops,
    normalised,
    products,
    reduce,
    reduce_moments,
    reduce_order,
    refused,
    shape,
)

__all__ = [
    "arrange",
    "at",
    "branches",
    "contract",
    "create",
    "declared",
    "diagonals",
    "einsum",
    "elementwise",
    "extend",
    "index",
    "join",
    "loops",
    "normalised",
    "products",
    "reduce",
    "reduce_moments",
    "reduce_order",
    "refused",
    "shape",
]

ON_DEMAND.append(lambda: import_module("symgraph.ops.families"))
