"""Functions as `trace` runs them.

They see a NumPy that takes symbolic sizes; in modules that symgraph wrote, writes into arrays,
loops and branches are read back as the operations that they stand for.
"""

from __future__ import annotations

from symgraph.reading.functions import readable

__all__ = ["readable"]
