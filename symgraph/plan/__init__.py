"""From a graph to a plan: what is computed in which order, into which variable."""
