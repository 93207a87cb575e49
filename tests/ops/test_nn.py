"""Functions of neural networks: against SciPy, at extremes, at ties, and where they refuse."""

import itertools

import numpy as np
import pytest
import scipy.signal

import symgraph as sg
from symgraph import nn
from symgraph.errors import DTypeError, ShapeError, UnsupportedError

RNG = np.random.default_rng(3)


def value_and_gradient(function, x, dtype="float64"):
    """The value of a function, and the gradient of its sum, by emitted source."""
    node = sg.placeholder("x", np.shape(x), dtype)
    result = function(node)
    f = sg.function([node], [result, sg.grad(sg.sum(result), node)])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        return f(np.asarray(x, dtype))


def correlated(x, w, mode="valid"):
    """Every output channel as SciPy's correlation, summed over input channels."""

    def one(image, kernel):
        return sum(scipy.signal.correlate(*pair, mode) for pair in zip(image, kernel, strict=True))

    return np.array([[one(image, kernel) for kernel in w] for image in x])


# Convolutions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convolve", "sizes", "kernel"),
    [(nn.conv1d, (9,), (4,)), (nn.conv2d, (6, 5), (3, 2)), (nn.conv3d, (4, 5, 3), (2, 3, 1))],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_convolution_is_the_sum_of_correlations(convolve, sizes, kernel, dtype):
    x = RNG.standard_normal((2, 3, *sizes)).astype(dtype)
    w = RNG.standard_normal((4, 3, *kernel)).astype(dtype)
    found = convolve(x, w)
    assert found.dtype == dtype
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found, correlated(x, w), rtol=tolerance, atol=tolerance)
    apart = found[(..., *[slice(None, None, 2)] * len(sizes))]
    np.testing.assert_allclose(convolve(x, w, stride=2), apart, rtol=tolerance, atol=tolerance)


def test_padding_same_keeps_the_size():
    x, w = RNG.standard_normal((1, 2, 7, 6)), RNG.standard_normal((3, 2, 3, 5))
    np.testing.assert_allclose(nn.conv2d(x, w, padding="same"), correlated(x, w, "same"))


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2}, {"padding": (1, 2)}, {"dilation": 2}, {"groups": 2, "stride": 3}],
)
def test_transposed_convolution_is_the_transpose(options):
    """<conv(x), y> = <x, conv_transpose(y)>."""
    groups = options.get("groups", 1)
    x, w = RNG.standard_normal((2, 4, 9, 8)), RNG.standard_normal((6, 4 // groups, 3, 2))
    forward = nn.conv2d(x, w, **options)
    y = RNG.standard_normal(forward.shape)
    back = nn.conv_transpose2d(y, w, **options)
    # What no window reached got nothing.
    reached = x[:, :, : back.shape[2], : back.shape[3]]
    back = back[:, :, : x.shape[2], : x.shape[3]]
    np.testing.assert_allclose(np.sum(forward * y), np.sum(reached * back), rtol=1e-12)


def test_one_graph_serves_every_batch_and_every_image():
    x = sg.placeholder("x", ("n", 2, "h", "w"))
    k = sg.placeholder("k", (3, 2, 3, 3))
    y = nn.avg_pool2d(nn.max_pool2d(nn.conv2d(x, k, padding=1), 2), 2, 1)
    f = sg.function([x, k], [y, sg.grad(np.sum(y**2), k)])
    for n, h, w in [(1, 4, 4), (2, 7, 6), (0, 5, 5)]:
        image, kernel = RNG.standard_normal((n, 2, h, w)), RNG.standard_normal((3, 2, 3, 3))
        fixed = sg.placeholder("x", image.shape)
        z = nn.avg_pool2d(nn.max_pool2d(nn.conv2d(fixed, k, padding=1), 2), 2, 1)
        g = sg.function([fixed, k], [z, sg.grad(np.sum(z**2), k)])
        for found, wanted in zip(f(image, kernel), g(image, kernel), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert "for i in range(2):" in f.source  # over positions of a window, not over pixels
    assert "np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))" in f.source


def test_pooling_without_padding_pads_nothing():
    x = sg.placeholder("x", ("n", 8))
    f = sg.function([x], nn.max_pool1d(nn.avg_pool1d(x, 3), 2))
    assert "np.pad" not in f.source


def test_tied_maxima_of_a_window_share_the_derivative():
    _, gradient = value_and_gradient(lambda x: nn.max_pool2d(x, 2), np.ones((2, 4)))
    np.testing.assert_array_equal(gradient, np.full((2, 4), 0.25))


# Extremes ----------------------------------------------------------------------------------------

BIG = np.array([-1e4, -800.0, -40.0, 0.5, 40.0, 800.0, 1e4])


def step(x):
    return (x > 0).astype(float)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("function", "left", "slopes"),
    [
        (nn.silu, lambda x: 0 * x, (0.0, 1.0)),
        (nn.mish, lambda x: 0 * x, (0.0, 1.0)),
        (nn.gelu, lambda x: 0 * x, (0.0, 1.0)),
        (lambda x: nn.gelu(x, approximate=False), lambda x: 0 * x, (0.0, 1.0)),
        (nn.elu, lambda x: 0 * x - 1, (0.0, 1.0)),
        (nn.celu, lambda x: 0 * x - 1, (0.0, 1.0)),
        (nn.softplus, lambda x: 0 * x, (0.0, 1.0)),
        (lambda x: -nn.log_sigmoid(-x), lambda x: 0 * x, (0.0, 1.0)),
        (nn.leaky_relu, lambda x: 0.01 * x, (0.01, 1.0)),
    ],
)
def test_activations_far_out(function, left, slopes, dtype):
    x = BIG[[0, 1, -2, -1]]
    value, gradient = value_and_gradient(function, x, dtype)
    np.testing.assert_allclose(value[:2], left(x[:2]), atol=1e-30, rtol=1e-6)
    np.testing.assert_allclose(value[2:], x[2:])
    np.testing.assert_allclose(gradient, np.repeat(slopes, 2), atol=1e-30, rtol=1e-6)


def test_bounded_activations_far_out():
    value, gradient = value_and_gradient(nn.softsign, BIG)
    np.testing.assert_allclose(value, BIG / (1 + abs(BIG)), rtol=1e-15)
    np.testing.assert_allclose(gradient, (1 + abs(BIG)) ** -2.0, rtol=1e-14)


@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_of_extreme_logits(soft):
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [800.0, 0.0, -800.0]])
    labels = np.array([1, 0, 0])
    target = np.eye(3)[labels] if soft else labels
    value, gradient = value_and_gradient(
        lambda x: nn.cross_entropy(x, target, reduction="none"), logits
    )
    np.testing.assert_allclose(value, [2e4, 2e4 + np.log(2), 0.0], rtol=1e-15)
    np.testing.assert_allclose(
        gradient, [[1.0, -1.0, 0.0], [-1.0, 0.5, 0.5], [0.0, 0.0, 0.0]], atol=1e-300
    )


@pytest.mark.parametrize("weight", [None, 3.0])
def test_binary_cross_entropy_of_extreme_logits(weight):
    for target, factor in ((0.0, 1.0), (1.0, weight or 1.0)):
        value, gradient = value_and_gradient(
            lambda x, t=target: nn.binary_cross_entropy_with_logits(
                x, np.full(BIG.shape, t), pos_weight=weight, reduction="none"
            ),
            BIG,
        )
        sign = 1 - 2 * target
        np.testing.assert_allclose(value, factor * np.logaddexp(0, sign * BIG), rtol=1e-14)
        with np.errstate(over="ignore"):
            wanted = factor * sign / (1 + np.exp(-sign * BIG))
        np.testing.assert_allclose(gradient, wanted, rtol=1e-13, atol=1e-300)


def test_binary_cross_entropy_of_certain_predictions():
    p = np.array([0.0, 1.0, 1e-300, 0.25])
    value, gradient = value_and_gradient(
        lambda x: nn.binary_cross_entropy(x, np.array([0.0, 1.0, 1.0, 0.0]), reduction="none"), p
    )
    np.testing.assert_allclose(value, [0, 0, -np.log(1e-300), -np.log(0.75)], rtol=1e-15)
    np.testing.assert_allclose(gradient, [1, -1, -1e300, 1 / 0.75], rtol=1e-15)


def test_divergence_from_targets_that_are_zero():
    target, log_p = np.array([[0.0, 1.0]]), np.array([[-2.0, -0.5]])
    value, gradient = value_and_gradient(
        lambda x: nn.kl_div(x, target, reduction="batchmean"), log_p
    )
    assert value == 0.5
    np.testing.assert_array_equal(gradient, -target)


def test_normalisation_of_constant_and_of_huge_rows():
    x = np.array([[2.0, 2.0, 2.0], [1e150, -1e150, 0.0]])
    value, gradient = value_and_gradient(nn.layer_norm, x)
    np.testing.assert_allclose(value, [[0, 0, 0], [1.5**0.5, -(1.5**0.5), 0]], atol=1e-15)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


# Attention ---------------------------------------------------------------------------------------


def attention(mask, **options):
    q, k, v = (RNG.standard_normal(s) for s in ((3, 4), (5, 4), (5, 2)))
    return value_and_gradient(
        lambda x: nn.scaled_dot_product_attention(x[:3], x[3:], v, mask, **options),
        np.concatenate([q, k]),
    ), v


def test_a_key_that_is_masked_has_no_influence():
    mask = np.array([[True, False, True, True, False]] * 3)
    (_, gradient), _ = attention(mask)
    np.testing.assert_array_equal(gradient[[4, 7]], 0)
    assert np.all(gradient[[3, 5, 6]] != 0)
    q, kv = RNG.standard_normal((3, 4)), RNG.standard_normal((5, 4))
    found = nn.scaled_dot_product_attention(q, kv, kv, mask)
    kept = kv[[0, 2, 3]]
    np.testing.assert_allclose(found, nn.scaled_dot_product_attention(q, kept, kept))
    added = nn.scaled_dot_product_attention(q, kv, kv, np.where(mask, 0.0, -np.inf))
    np.testing.assert_allclose(found, added)


def test_a_query_that_sees_nothing_gets_the_mean():
    (value, gradient), v = attention(np.zeros((3, 5), bool))
    np.testing.assert_allclose(value, np.tile(v.mean(0), (3, 1)))
    np.testing.assert_array_equal(gradient, 0)


def test_causal_attention_is_that_of_a_triangular_mask():
    x = RNG.standard_normal((2, 4, 6, 3))
    causal = nn.scaled_dot_product_attention(x, x, x, is_causal=True)
    np.testing.assert_allclose(
        causal, nn.scaled_dot_product_attention(x, x, x, np.tri(6, dtype=bool))
    )
    np.testing.assert_allclose(causal[:, :, 0], x[:, :, 0])


def test_heads_are_attention_of_parts_of_the_features():
    x, w = RNG.standard_normal((2, 5, 6)), [RNG.standard_normal((6, 6)) for _ in range(4)]
    found = nn.multi_head_attention(x, x, x, *w, 3)
    q, k, v = (x @ m for m in w[:3])
    parts = [slice(i, i + 2) for i in (0, 2, 4)]
    heads = [nn.scaled_dot_product_attention(q[..., s], k[..., s], v[..., s]) for s in parts]
    np.testing.assert_allclose(found, np.concatenate(heads, -1) @ w[3])


# What does not fit -------------------------------------------------------------------------------

X, W = sg.placeholder("x", ("n", 2, 5, 5)), sg.placeholder("w", (3, 2, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.conv2d(X, W[:, :1]), ShapeError, ["channels", "groups=1"]),
        (lambda: nn.conv2d(X, W, groups=3), ShapeError, ["6 channels"]),
        (lambda: nn.conv2d(X[0], W), ShapeError, ["4 axes"]),
        (lambda: nn.conv2d(X, W, stride=0), ShapeError, ["stride"]),
        (lambda: nn.conv2d(X, W, padding=-1), ShapeError, ["'same'"]),
        (lambda: nn.conv2d(X[:, :, :2], W), ShapeError, ["window of 3", "size 2"]),
        (lambda: nn.conv2d(X, W, padding_mode="zeros"), TypeError, ["padding_mode"]),
        (lambda: nn.conv_transpose2d(X, W), ShapeError, ["3 channels"]),
        (lambda: nn.conv_transpose2d(X, W[:2], output_padding=1), ShapeError, ["stride"]),
        (lambda: nn.max_pool2d(X, (2, 2, 2)), ShapeError, ["kernel_size"]),
        (
            lambda: nn.adaptive_avg_pool1d(sg.placeholder("s", "n"), 2),
            UnsupportedError,
            ["2 * n"],
        ),
        (lambda: nn.glu(X), ShapeError, ["two halves", "axis=-1"]),
        (lambda: nn.group_norm(X, 3), ShapeError, ["2 channels", "3 groups"]),
        (lambda: nn.batch_norm(X, running_mean=np.zeros(2)), ShapeError, ["both"]),
        (lambda: nn.dropout(X, X > 0, 1.0), DTypeError, ["p < 1"]),
        (lambda: nn.embedding(X, W[0, 0]), DTypeError, ["integers"]),
        (lambda: nn.huber(X, X[0]), ShapeError, ["huber", "differ"]),
        (lambda: nn.mae(X, X, reduction="max"), UnsupportedError, ["'max'"]),
        (lambda: nn.cross_entropy(X, X, label_smoothing=2.0), DTypeError, ["label_smoothing"]),
        (lambda: sg.sliding_window_view(X, (2, 2)), ShapeError, ["one size", "4 sizes"]),
        (lambda: sg.sliding_window_view(X, 0, axis=1), ShapeError, ["no positions"]),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_so(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_a_window_longer_than_a_symbolic_axis_is_found_by_the_call():
    x = sg.placeholder("x", "n")
    f = sg.function([x], sg.sliding_window_view(x, 4))
    assert f(np.arange(5.0)).shape == (2, 4)
    with pytest.raises(ValueError, match="n"):
        f(np.arange(3.0))


def test_random_convolutions_agree_with_their_definition():
    """Stride, padding, dilation and groups together, by the gradient's inner product."""
    for stride, padding, dilation, groups in itertools.product((1, 2), (0, 2), (1, 2), (1, 2)):
        x, w = sg.placeholder("x", (2, 4, 7, 6)), sg.placeholder("w", (2, 4 // groups, 2, 3))
        y = nn.conv2d(x, w, None, stride, padding, dilation, groups)
        f = sg.function([x, w], [np.sum(y**2), *sg.grad(np.sum(y**2), [x, w])])
        values = RNG.standard_normal(x.shape), RNG.standard_normal(w.shape)
        total, d_x, d_w = f(*values)
        # Of degree two in each: Euler's formula.
        np.testing.assert_allclose(np.sum(d_x * values[0]), 2 * total)
        np.testing.assert_allclose(np.sum(d_w * values[1]), 2 * total)
