"""Probability distributions under SciPy's names; see `symgraph.stats`."""
