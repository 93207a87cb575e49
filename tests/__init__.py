"""The tests mirror the layout of symgraph/."""
