"""Importing symgraph is light."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["sympy", "scipy", "matplotlib", "IPython"])
def test_import_leaves_out(package):
    code = f"import sys, symgraph; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
