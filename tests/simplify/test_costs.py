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
