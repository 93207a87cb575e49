"""The scoreboard: naive formulas where they are wrong, and what becomes of them.

``python -m tests.simplify.scoreboard`` prints the tables of the README.
"""

import sys

import mpmath
import numpy as np

import symgraph as sg
from symgraph.graph.evaluate import interpret
from symgraph.transforms import vjp


class Exact:
    """NumPy's names for mpmath's functions."""

    exp, log, sqrt, sin, cos = mpmath.exp, mpmath.log, mpmath.sqrt, mpmath.sin, mpmath.cos
    cosh, tanh, log10 = mpmath.cosh, mpmath.tanh, mpmath.log10

    @staticmethod
    def log2(x):
        return mpmath.log(x) / mpmath.log(2)


SCOREBOARD = {
    "log(1 + x)": (lambda m, x: m.log(1 + x), [1e-20]),
    "exp(x) - 1": (lambda m, x: m.exp(x) - 1, [1e-20]),
    "log(1 + exp(x))": (lambda m, x: m.log(1 + m.exp(x)), [800.0, -40.0]),
    "1 / (1 + exp(-x))": (lambda m, x: 1 / (1 + m.exp(-x)), [-800.0]),
    "log(1 / (1 + exp(-x)))": (lambda m, x: m.log(1 / (1 + m.exp(-x))), [-800.0]),
    "log(1 - 1 / (1 + exp(-x)))": (lambda m, x: m.log(1 - 1 / (1 + m.exp(-x))), [50.0]),
    "log(exp(x) + exp(2 * x))": (lambda m, x: m.log(m.exp(x) + m.exp(2 * x)), [500.0]),
    "exp(x) / (exp(x) + 1)": (lambda m, x: m.exp(x) / (m.exp(x) + 1), [800.0]),
    "sqrt(x * x + 1) - 1": (lambda m, x: m.sqrt(x * x + 1) - 1, [1e-9]),
    "(1 - cos(x)) / (x * x)": (lambda m, x: (1 - m.cos(x)) / (x * x), [1e-9]),
    "log(cosh(x))": (lambda m, x: m.log(m.cosh(x)), [800.0]),
    "log(exp(x))": (lambda m, x: m.log(m.exp(x)), [800.0]),
    "1 - tanh(x)**2": (lambda m, x: 1 - m.tanh(x) ** 2, [30.0]),
    "log(1 - exp(x))": (lambda m, x: m.log(1 - m.exp(x)), [-1e-20]),
    "sqrt(x * x)": (lambda m, x: m.sqrt(x * x), [0.0]),
    "x / sqrt(x * x)": (lambda m, x: x / m.sqrt(x * x), [1e200]),
}


def exact(formula, at, order=0):
    """The derivative of that order; ``None`` where it is not real or does not exist."""
    with mpmath.workdps(1500 if abs(at) < 1e-30 else 900):
        x = mpmath.mpf(float(at))
        h = min(abs(x), 1) * mpmath.mpf(10) ** -60
        try:
            result = formula(Exact, x)
            if order == 1:
                result = (formula(Exact, x + h) - formula(Exact, x - h)) / (2 * h)
            elif order == 2:
                result = (formula(Exact, x - h) - 2 * result + formula(Exact, x + h)) / h**2
        except (ZeroDivisionError, ValueError):
            return None
        if isinstance(result, mpmath.mpc):
            return None
        return mpmath.mpf(result)


PEERS = {
    "PyTensor": (13, 10),
    "SymPy, `optims_numpy`": (11, 12),
    "SymPy, `simplify`": (7, 12),
    "CasADi": (4, 7),
    "JAX": (4, 5),
    "autograd": (2, 6),
    "PyTorch": (2, 5),
}
"""Right values and gradients, measured once at the same points."""


def row(formula, at):
    """For value and gradient: what is right, as it is written, and as it is compiled."""
    x = sg.placeholder("x")
    y = formula(np, x)
    # The subgradient of a root at 0 is 0.
    right = [exact(formula, at, order) if at or not order else 0 for order in (0, 1)]
    written = [y, vjp.grad(y, x, unconnected="zero")]
    with np.errstate(all="ignore"):
        before = interpret(written, {x: np.float64(at)}, {})
        after = sg.function([x], [y, sg.grad(y, x, unconnected="zero")])(at)
    return [(float(a), float(b), float(c)) for a, b, c in zip(right, before, after, strict=True)]


def is_right(value, wanted):
    return bool(abs(value - wanted) <= 1e-8 * abs(wanted))


def tables():
    """Two tables: each formula with what it gives, and how many are right by whom."""
    lines = [
        "| formula | at | value | as NumPy has it | compiled | gradient | as written | compiled |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    counts = np.zeros((2, 2), int)
    for name, (formula, points) in SCOREBOARD.items():
        for at in points:
            cells = row(formula, at)
            shown = [f"{value:.4g}" for triple in cells for value in triple]
            lines.append(f"| `{name}` | {at:g} | {' | '.join(shown)} |")
            counts += [[is_right(v, right) for right, *rest in cells for v in [rest[i]]]
                       for i in (0, 1)]  # fmt: skip
    written, ours = [tuple(map(int, pair)) for pair in counts]
    lines += ["", "| of 17 right to eight digits | values | gradients |", "| --- | --- | --- |"]
    for name, (values, slopes) in {"**symgraph**": ours, **PEERS, "as written": written}.items():
        lines.append(f"| {name} | {values} | {slopes} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(tables())
