"""The rules, in the order in which they are tried."""

from symgraph.simplify.rules import (
    algebra,
    constants,
    contractions,
    costs,
    deltas,
    differences,
    formulas,
    identities,
    idioms,
    known,
    masks,
    powers,
    products,
    shapes,
    stability,
    structure,
)

__all__ = [
    "algebra",
    "constants",
    "contractions",
    "costs",
    "deltas",
    "differences",
    "formulas",
    "identities",
    "idioms",
    "known",
    "masks",
    "powers",
    "products",
    "shapes",
    "stability",
    "structure",
]
