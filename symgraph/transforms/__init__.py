"""Passes from graph to graph that know no operation by name: differentiation and its kin."""
