"""Importing symgraph is light."""

import subprocess
import sys

import pytest

LEFT_OUT = ["sympy", "scipy", "matplotlib", "IPython", "symgraph.emit", "symgraph.ops.families"]


@pytest.mark.parametrize("package", LEFT_OUT)
def test_import_leaves_out(package):
    code = f"import sys, symgraph; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
