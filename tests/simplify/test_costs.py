"""Rewrites that sizes decide, and that others' need of a value prevents."""

import numpy as np
import pytest

import symgraph as sg

A, B, V = sg.placeholder("A", ("m", "n")), sg.placeholder("B", ("n", "k")), sg.placeholder("v", "k")
X, S, W = sg.placeholder("X", ("n", "d")), sg.placeholder("s", "d"), sg.placeholder("w", "d")
Y, TALL = sg.placeholder("y", "n"), sg.placeholder("tall", (1000, 3))
WIDE, SQUARE = sg.placeholder("wide", (3, 1000)), sg.placeholder("square", (1000, 1000))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (A @ B @ V, A @ (B @ V)),
        (Y @ (A.T @ A), (Y @ A.T) @ A),
        ((A @ B).T @ sg.sum(A, 1), B.T @ (A.T @ sg.sum(A, 1))),
        (TALL @ WIDE @ SQUARE, TALL @ (WIDE @ SQUARE)),
        (WIDE @ (TALL @ WIDE), (WIDE @ TALL) @ WIDE),
        ((X * S) @ W, X @ (S * W)),
        ((Y[:, None] * X) @ W, Y * (X @ W)),
        ((X * S).T @ Y, S * (X.T @ Y)),
        (np.exp(X) - S - W, np.exp(X) - (S + W)),
        (np.exp(X) - S + 2.0, np.exp(X) - (S - 2.0)),
    ],
)
def test_the_cheaper_form(before, after):
    before_cost, after_cost = (sg.explain(node).graph.cost() for node in (before, after))
    assert sg.simplify(before) is sg.simplify(after)
    sizes = {"m": 50, "n": 40, "k": 30, "d": 20}
    assert after_cost.at(**sizes).flops < before_cost.at(**sizes).flops


@pytest.mark.parametrize(
    "node",
    [
        A @ B @ sg.placeholder("C", ("k", "p")),  # which is cheaper is not known
        X - S - W,  # X has no error of its own
        np.exp(X) - S - Y[:, None],  # the sum of the small terms is no smaller
    ],
)
def test_as_it_is(node):
    assert sg.simplify(node) is node


def test_a_product_that_is_needed_itself_is_made_once():
    gram = X.T @ X
    assert sg.simplify([gram, gram @ W])[1] is gram @ W
    powers = W
    for _ in range(40):
        powers = gram @ powers
    assert sg.simplify(powers) is powers
    scaled = X * S
    assert sg.simplify([np.exp(scaled), scaled @ W])[1] is scaled @ W


def test_a_gradient_uses_the_cheap_products():
    loss = np.sum((A @ B @ V) ** 2)
    f = sg.function([A, B, V], [loss, *sg.grad(loss, [A, B, V])])
    assert "= A @ B" not in f.source
    assert ".T @ (" in sg.function([A, B, V], sg.grad(loss, V)).source


# What is written down -----------------------------------------------------------------------------

Q, K = sg.placeholder("q", ("n", 64)), sg.placeholder("k", ("n", 64))
HEADS, OTHERS = sg.placeholder("heads", ("b", "n", 64)), sg.placeholder("others", ("b", "n", 64))
C, D, Z = sg.placeholder("c"), sg.placeholder("e"), sg.placeholder("z", "n")
XX, YY = sg.placeholder("XX", ("n", "d")), sg.placeholder("YY", ("n", "d"))
SQUARES = sg.placeholder("S", ("n", "n")), sg.placeholder("R", ("n", "n"))
HIDDEN, WEIGHTS = sg.placeholder("h", ("n", 512)), sg.placeholder("W", (512, 10))


def written(node):
    """The expression that the emitted function returns."""
    f = sg.function(list(sg.explain(node).graph.inputs), [node], name="f")
    lines = [line.strip() for line in f.source[f.source.index("def f(") :].splitlines()]
    shown = [line for line in lines[1:] if line and not line.startswith(("#", "n =", "return"))]
    sizes = {"n": 5, "d": 3, "b": 2, "m": 4, "k": 3}
    rng = np.random.default_rng(0)
    values = [rng.normal(size=[sizes.get(str(d), d) for d in x.shape]) for x in f.graph.inputs]
    plain = sg.function(f.graph, strictness="bitwise")
    np.testing.assert_allclose(f(*values)[0], plain(*values)[0], rtol=1e-12, atol=1e-12)
    return "; ".join(line.partition(" = ")[2] for line in shown)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        # The scale of a product: on the smallest of its operands and itself.
        ((Q @ K.T) / np.sqrt(64), "0.125 * q @ k.T"),
        (np.einsum("id,jd->ij", Q, K) * C, "c * q @ k.T"),
        (HEADS @ OTHERS.mT * 0.3, "0.3 * heads @ others.mT"),
        ((0.5 * HIDDEN) @ WEIGHTS, "0.5 * (h @ W)"),
        ((C * XX).T @ Y, "c * (XX.T @ y)"),
        ((XX / C) @ W, "XX @ w / c"),
        (HIDDEN @ WEIGHTS * 0.5, "h @ W * 0.5"),  # which is smaller is not known
        # Common factors, divisors and operands.
        (C * Y + D * Y, "(c + e) * y"),
        (np.exp(Y) * Z - Y * np.exp(Y), "np.exp(y) * (z - y)"),
        (Y - C * Y, "(1 - c) * y"),
        (0.9 * Y + 0.1 * Y, ""),
        (XX * W + XX * S, "XX * (w + s)"),
        (Y / C - Z / C, "(y - z) / c"),
        (A @ B - A @ np.exp(B), "A @ (B - np.exp(B))"),
        (XX @ W + XX @ S, "XX @ (w + s)"),
        (SQUARES[0] @ XX + SQUARES[1] @ XX, "(S + R) @ XX"),
        (SQUARES[0] @ Y + SQUARES[1] @ Y, "S @ y + R @ y"),  # a sum of matrices is no cheaper
        # Sums of products of several, of stacks, and of matrix products.
        (np.sum(Y[:, None] * XX * W), "y @ XX @ w"),
        (np.sum(2.0 * XX * W * C, 1), "2 * c * (XX @ w)"),
        ((XX * Y[:, None] * YY).sum(0), "(XX * YY).T @ y"),
        (np.sum(HEADS[:, :, None] * OTHERS[:, None], -1), "heads @ others.mT"),
        (np.sum(HEADS * OTHERS, -1), "np.vecdot(heads, others)"),
        ((XX[:, :, None] @ YY[:, None]).sum(0), "XX.T @ YY"),
        (np.mean(XX @ YY.T, axis=1) * 3.0, None),
        (np.sum(XX @ YY.T, axis=0), "XX.sum(axis=0) @ YY.T"),
        (np.sum(XX @ YY.T), "XX.sum(axis=0) @ YY.sum(axis=0)"),
        # Powers and repeated factors.
        (Y * Y * Y * Y * Y, "(y**2) ** 2 * y"),
        (Y**3 * Y**3, "(y**2 * y) ** 2"),
        ((1 + Y**2) ** -1.5, "1 + y**2; 1 / plus / np.sqrt(plus)"),
        (Y**-3, "1 / y**2 / y"),
        # Diagonals and traces without the product.
        (np.diag(XX @ YY.T), "np.vecdot(XX, YY)"),
        (np.einsum("ii->i", XX @ YY.T), "np.vecdot(XX, YY)"),
        (np.einsum("ii", XX @ YY.T), "XX.ravel() @ YY.ravel()"),
        (np.diag(np.exp(SQUARES[0]) - XX @ XX.T), None),
    ],
)
def test_the_form_that_is_written(node, text):
    found = written(node)
    assert text is None or found == text
    assert "XX @ YY.T" not in found.replace("(axis=0) @ YY.T", "")


def test_attention_by_hand_is_attention():
    scores = Q @ K.T / np.sqrt(64)
    scores = scores - scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    found = sg.simplify(weights / weights.sum(axis=1, keepdims=True))
    assert found is sg.simplify(sg.nn.softmax(Q @ K.T / 8.0, axis=1))
