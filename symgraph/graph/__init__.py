"""What a graph is made of: sizes, types, nodes, and what stands beside them."""
