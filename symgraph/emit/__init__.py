"""From a plan to source: names, expressions, statements, functions, modules."""
