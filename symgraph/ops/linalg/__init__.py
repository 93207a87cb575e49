"""Linear algebra: one file for each operation; `symgraph.ops.linalg.names` has all of them."""
