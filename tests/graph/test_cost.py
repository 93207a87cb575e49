"""What a graph costs: polynomials against counts that are known."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.amounts import at_most, greatest
from symgraph.graph.sizes import as_dim

N, M, K = sg.placeholder("x", "n"), sg.placeholder("a", ("m", "n")), sg.placeholder("b", ("n", "k"))
S = sg.placeholder("s", ("n", "n"))
B = sg.placeholder("stack", (5, "n", "n"))
F = sg.placeholder("fixed", 1000)


def cost(*outputs):
    graph = sg.Graph([N, M, K, S, B, F], list(outputs))
    return graph.cost()


@pytest.mark.parametrize(
    ("output", "flops"),
    [
        (M @ K, "2 * k * m * n"),
        (M @ N, "2 * m * n"),
        (B @ S, "10 * n**3"),
        (np.einsum("mn,nk->mk", M, K), "2 * k * m * n"),
        (np.einsum("i,j->ij", N, F), "1000 * n"),
        (np.sum(M), "m * n"),
        (np.var(M, axis=0), "4 * m * n"),
        (M + N, "m * n"),
        (np.sort(F), 10_000),
        (np.linalg.solve(S, K), "(2 * n**3) // 3 + 2 * k * n**2"),
        (np.linalg.cholesky(B), "5 * (n**3 // 3)"),
        (np.linalg.inv(S), "2 * n**3"),
        (np.fft.fft(F), 50_000),
        (M.T[:, :1], 0),
        (np.concatenate([N, N]), 0),
        (np.convolve(F, np.ones(3)), 6000),
        (sg.scan(lambda c, _: (S @ c, None), N, length=7)[0], "14 * n**2"),
    ],
    ids=lambda value: value.op.name if hasattr(value, "op") else "",
)
def test_flops(output, flops):
    assert cost(output).flops == (as_dim(flops) if isinstance(flops, str) else flops)


def test_of_a_branch_the_costlier_side_counts():
    small, large = (lambda x: x + 1.0), (lambda x: np.sum(S @ S) * x)
    assert cost(sg.cond(N[0] > 0, small, large, N)).by_operation["cond"].flops == as_dim(
        "2 * n**3 + n**2 + n"
    )


def test_memory_alive_is_that_of_a_chain():
    chain = N
    for _ in range(10):
        chain = np.sin(chain)
    found = cost(chain, chain.reshape((-1, 1)))
    assert (found.bytes, found.peaks) == (as_dim("80 * n"), (as_dim("16 * n"),))
    both = cost(N + 1.0, F + 1.0)
    assert both.peaks == (as_dim("8 * n + 8000"),)


def test_sizes_and_looks():
    found = cost(M @ K, np.exp(N))
    at = found.at(n=10, m=20, k=30)
    assert (at.flops, at.bytes, at.peaks) == (12_010, 4880, (4880,))
    assert list(at.by_operation) == ["matmul", "exp"]
    assert "matmul" in str(at)
    assert "2 * k * m * n" in found._repr_html_()
    with pytest.raises(sg.InputError, match=r"(?s)missing.*k, m, n.*m, n"):
        found.at(n=1, m=2)
    assert cost(N).at(n=1).flops == 0


def test_order_of_sizes():
    n, m = as_dim("n"), as_dim("m")
    assert greatest([n, m, n * m, n // 2]) == (n * m, n // 2)
    assert not at_most(n * m, n + m)
    assert at_most(3, n + 2)
