"""What a call costs beside its computation: two scalar arguments, checks included.

``python -m tests.benchmarks.bench_call``: the figure to reach is 5 µs over the bare arithmetic.
"""

import numpy as np

import symgraph as sg
from tests.benchmarks.harness import paired, quantity, table


def main() -> None:
    """Print the cost of a call with floats, and with 0-d arrays."""
    x, y = sg.placeholder("x"), sg.placeholder("y")
    function = sg.function([x, y], x * y + x)

    def plain(x, y):
        return x * y + x

    rows = []
    for label, a, b in (
        ("Python floats", 2.0, 3.0),
        ("NumPy scalars", np.float64(2), np.float64(3)),
        ("0-d arrays", np.array(2.0), np.array(3.0)),
    ):
        timings = paired(
            {
                "plain": lambda a=a, b=b: plain(a, b),
                "symgraph": lambda a=a, b=b: function(a, b),
            }
        )
        base, ours = timings["plain"].median, timings["symgraph"].median
        rows.append([label, quantity(base), quantity(ours), quantity(ours - base)])
    print(table(("x * y + x", "plain function", "sg.function", "overhead"), rows))


if __name__ == "__main__":
    main()
