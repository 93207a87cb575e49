"""Ways to look at a graph: pictures and what surrounds them."""
