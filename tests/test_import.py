"""Importing symgraph is light."""

import subprocess
import sys

import pytest

LEFT_OUT = ["sympy", "scipy", "matplotlib", "IPython", "symgraph.emit", "symgraph.ops.families"]


@pytest.mark.parametrize("package", LEFT_OUT)
def test_import_leaves_out(package):
    code = f"import sys, symgraph; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_gradient_leaves_out():
    code = """
import sys, symgraph as sg
x = sg.placeholder("x", 3)
sg.function([x], sg.grad((x**2).sum(), x))([1.0, 2.0, 3.0])
sys.exit(not {"sympy", "scipy", "numpy.ma"}.isdisjoint(sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
