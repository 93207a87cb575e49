"""``python -m symgraph``: the same as the command ``symgraph``."""

import sys

from symgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
