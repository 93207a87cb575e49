"""Functions as `trace` runs them: with a NumPy that takes symbolic sizes, and our own modules
with their writes into arrays, loops and branches read back as the operations they stand for.
"""

from __future__ import annotations

from symgraph.reading.functions import readable

__all__ = ["readable"]
