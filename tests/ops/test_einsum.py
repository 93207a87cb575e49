"""einsum: random subscripts against NumPy, what it amounts to, and whose memory it is."""

import random

import numpy as np
import pytest

import symgraph as sg

RNG = np.random.default_rng(0)


def random_call(seed):
    """Subscripts with repeated, traced and broadcast indices, and operands that fit."""
    choose = random.Random(seed)
    sizes = {letter: choose.choice([1, 2, 3]) for letter in "abcde"}
    groups = [
        "".join(choose.choices("abcde", k=choose.choice([0, 1, 2, 3])))
        for _ in range(choose.choice([1, 2, 2, 3, 4]))
    ]
    used = sorted(set("".join(groups)))
    text = ",".join(groups)
    if choose.random() < 0.8:
        text += "->" + "".join(choose.sample(used, choose.randint(0, len(used))))
    arrays = [RNG.standard_normal([sizes[letter] for letter in group]) for group in groups]
    return text, arrays


@pytest.mark.parametrize("seed", range(40))
def test_random_subscripts(seed):
    text, arrays = random_call(seed)
    inputs = [sg.placeholder(f"x{i}", array.shape) for i, array in enumerate(arrays)]
    y = np.einsum(text, *inputs)
    cotangent = RNG.standard_normal(y.shape)
    gradients = sg.vjp(y, inputs, sg.constant(cotangent))
    value, *found = sg.function(inputs, [y, *gradients])(*arrays)
    np.testing.assert_allclose(value, np.einsum(text, *arrays), rtol=1e-12, atol=1e-13)
    for i, gradient in enumerate(found):
        direction = RNG.standard_normal(arrays[i].shape)
        moved = np.einsum(text, *[*arrays[:i], direction, *arrays[i + 1 :]])
        np.testing.assert_allclose(
            np.sum(gradient * direction), np.sum(cotangent * moved), rtol=1e-10, atol=1e-12
        )


def test_a_diagonal_is_not_written_to():
    x, v = sg.placeholder("x", (3, 3)), sg.placeholder("v", 3)
    y = np.einsum("ii,i", x, v)
    f = sg.function([x, v], [y, *sg.vjp(y, [x, v], sg.constant(2.0))])
    array = RNG.standard_normal((3, 3))
    kept = array.copy()
    _, _, d_v = f(array, np.ones(3))
    np.testing.assert_array_equal(array, kept)
    np.testing.assert_array_equal(d_v, 2 * np.diag(kept))


@pytest.mark.parametrize(
    ("text", "shapes", "line"),
    [
        ("bij,bjk->bki", [("n", 3, 4), ("n", 4, 5)], "y = x1.mT @ x0.mT"),
        ("ij,ij->", [("n", 4), ("n", 4)], "y = x0.ravel() @ x1.ravel()"),
        ("bi,bi->b", [("n", 4), ("n", 4)], "y = np.vecdot(x0, x1)"),
        ("bij,bj->bi", [("n", 3, 4), ("n", 4)], "y = (x0 @ x1[..., None]).squeeze(axis=2)"),
        ("ijk,jkl->il", [(2, 3, 4), (3, 4, 5)], "y = np.tensordot(x0, x1, axes=2)"),
        # First the product that makes the least: the queries come last.
        ("qd,kd,ke->qe", [("n", 8), ("n", 8), ("n", 8)], "y = x0 @ (x1.T @ x2)"),
    ],
)
def test_it_is_written_as_what_it_amounts_to(text, shapes, line):
    inputs = [sg.placeholder(f"x{i}", shape) for i, shape in enumerate(shapes)]
    y = np.einsum(text, *inputs)
    assert line in sg.function(inputs, y).source


def test_the_path_needs_shapes_only():
    a, b, c = (
        sg.placeholder(name, s) for name, s in zip("abc", ((9, 2), (2, 9), (9, 3)), strict=True)
    )
    path, text = np.einsum_path("ij,jk,kl->il", a, b, c)
    assert path == np.einsum_path("ij,jk,kl->il", *map(np.zeros, (a.shape, b.shape, c.shape)))[0]
    assert "Optimized" in text
