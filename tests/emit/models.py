"""Models whose emitted modules are kept in ``golden/``: each exercises another part of emission."""

import numpy as np

import symgraph as sg


def linear_regression():
    x, y = sg.placeholder("x", ("n", "d")), sg.placeholder("y", "n")
    w, b = sg.placeholder("w", "d"), sg.placeholder("b")
    loss = np.mean((x @ w + b - y) ** 2)
    return sg.function([x, y, w, b], [loss, *sg.grad(loss, [w, b])], name="loss_and_grad")


def logistic_regression():
    x, y = sg.placeholder("x", ("n", "d")), sg.placeholder("y", "n")
    w, b = sg.placeholder("w", "d"), sg.placeholder("b")
    z = x @ w + b
    loss = np.mean(np.logaddexp(0, z) - y * z)
    return sg.function([x, y, w, b], [loss, *sg.grad(loss, [w, b])], name="loss_and_grad")


def classifier():
    x = sg.placeholder("x", ("n", 64))
    labels = sg.placeholder("labels", "n", "int64")
    w1, b1 = sg.placeholder("w1", (64, 32)), sg.placeholder("b1", 32)
    w2, b2 = sg.placeholder("w2", (32, 10)), sg.placeholder("b2", 10)
    hidden = np.maximum(x @ w1 + b1, 0)
    log_p = sg.nn.log_softmax(hidden @ w2 + b2, axis=1)
    loss = -np.mean(np.take_along_axis(log_p, labels[:, None], axis=1))
    gradients = sg.grad(loss, [w1, b1, w2, b2])
    return sg.function([x, labels, w1, b1, w2, b2], [loss, *gradients], name="loss_and_grad")


def gaussian():
    x = sg.placeholder("x", ("n", "d"))
    mean, log_sigma = sg.placeholder("mean", "d"), sg.placeholder("log_sigma", "d")
    z = (x - mean) / np.exp(log_sigma)
    loglik = np.sum(-0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi))
    gradients = sg.grad(loglik, [mean, log_sigma])
    return sg.function([x, mean, log_sigma], [loglik, *gradients], name="loglik_and_grad")


def factorisation():
    u, v = sg.placeholder("u", ("n", "k")), sg.placeholder("v", ("m", "k"))
    ratings = sg.placeholder("ratings", ("n", "m"))
    loss = np.mean((u @ v.T - ratings) ** 2)
    return sg.function([u, v, ratings], {"loss": loss, "grad": sg.grad(loss, {"u": u, "v": v})})


def attention():
    q, k = sg.placeholder("q", ("n", 64)), sg.placeholder("k", ("m", 64))
    v, target = sg.placeholder("v", ("m", "e")), sg.placeholder("target", ("n", "e"))
    p = sg.nn.softmax(q @ k.T / np.sqrt(q.shape[1]), axis=1)
    loss = np.mean((p @ v - target) ** 2)
    return sg.function([q, k, v, target], [loss, *sg.grad(loss, [q, k, v])], name="loss_and_grad")


def convolutional():
    x, labels = sg.placeholder("x", ("n", 1, 8, 8)), sg.placeholder("labels", "n", "int64")
    w1, b1 = sg.placeholder("w1", (4, 1, 3, 3)), sg.placeholder("b1", 4)
    w2, b2 = sg.placeholder("w2", (6, 4, 3, 3)), sg.placeholder("b2", 6)
    w3 = sg.placeholder("w3", (6, 10))
    first = sg.nn.max_pool2d(sg.nn.relu(sg.nn.conv2d(x, w1, b1)), 2)
    second = sg.nn.relu(sg.nn.conv2d(first, w2, b2, stride=2, padding=1))
    loss = sg.nn.cross_entropy(np.mean(second, axis=(2, 3)) @ w3, labels)
    weights = [w1, b1, w2, b2, w3]
    return sg.function([x, labels, *weights], [loss, *sg.grad(loss, weights)], name="loss_and_grad")


def transformer():
    x, target = sg.placeholder("x", ("n", 6, 8)), sg.placeholder("target", ("n", 6, 8))
    gain, bias = sg.placeholder("gain", 8), sg.placeholder("bias", 8)
    wq, wk, wv, wo = [sg.placeholder(name, (8, 8)) for name in ("wq", "wk", "wv", "wo")]
    w1, w2 = sg.placeholder("w1", (8, 32)), sg.placeholder("w2", (32, 8))
    a = sg.nn.layer_norm(x, gain, bias)
    h = x + sg.nn.multi_head_attention(a, a, a, wq, wk, wv, wo, 2, is_causal=True)
    out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    loss = sg.nn.mse(out, target)
    weights = [gain, bias, wq, wk, wv, wo, w1, w2]
    return sg.function([x, target, *weights], [loss, *sg.grad(loss, weights)], name="loss_and_grad")


def pair():
    x, w = sg.placeholder("x", ("n", 3)), sg.placeholder("w", (3, "h"))
    hidden = np.tanh(x @ w)
    return sg.forward_backward([x, w], {"hidden": hidden, "norm": np.sum(hidden**2)}, wrt=[w, x])


def pair_of_a_scalar():
    x, w = sg.placeholder("x", ("n", 3)), sg.placeholder("w", 3)
    loss = np.mean(np.exp(x @ w))
    return sg.forward_backward([x, w], loss, wrt=w)


def symbolic_sizes():
    a, b = sg.placeholder("a", "n"), sg.placeholder("b", "m")
    grid = sg.placeholder("grid", ("n", "2 * m"))
    joined = np.concatenate([a, b])
    flat = grid.reshape(-1)
    value = np.sum(joined**2) / joined.shape[0] + np.mean(flat[1:] * flat[:-1])
    return sg.function([a, b, grid], [value, *sg.grad(value, [a, b, grid])], name="value_and_grad")


def constants():
    x = sg.placeholder("x", 40)
    single = sg.placeholder("single", 40, "float32")
    table = sg.constant(np.arange(40.0) ** 2 / 7)
    small = sg.constant([[0.1, -0.0], [np.inf, 1e-320]])
    return sg.function(
        [x, single],
        {
            "table": x * table,
            "ones": x + sg.constant(np.full(40, 0.1)),
            "small": x[:2] * small,
            "mask": np.where(sg.constant(np.arange(40) % 3 == 0), x, np.nan),
            "strong": single * np.float64(0.1),
            "weak": single * 0.1,
            "power": (-2.0) ** np.floor(x),
            "numbers": [sg.constant(v) for v in (1, 1.0, True, -0.0, 2**62, 1e-320, 1j)],
        },
        name="constants",
    )


def awkward_names():
    first, second = sg.placeholder("class", "n"), sg.placeholder("np", "n")
    third = sg.placeholder('"""; import os', "n")
    product = (first * second).named("a'b\nc")
    loss = np.sum(product * third).named("θ")
    return sg.function(
        [first, second, third], [loss, *sg.grad(loss, [first, third])], name="lambda"
    )


def long_lines():
    names = ["learning_rate_of_the_optimiser", "momentum_of_the_optimiser", "gradient_of_the_loss"]
    rate, momentum, gradient = [sg.placeholder(name, "parameters") for name in names]
    step = np.where(np.abs(gradient) > rate, np.tanh(gradient - momentum) * np.exp(rate), momentum)
    value = np.sum(step * np.maximum(rate + momentum, gradient))
    return sg.function([rate, momentum, gradient], [value, step, *sg.grad(value, [rate, gradient])])


def gaussian_process():
    x, y = sg.placeholder("x", "n"), sg.placeholder("y", "n")
    length, noise = sg.placeholder("length"), sg.placeholder("noise")
    distances = (x[:, None] - x) / length
    covariance = np.exp(-0.5 * distances**2) + (0.1 + noise**2) * sg.eye(x.shape[0])
    factor = sg.linalg.cho_factor(covariance, lower=True)
    weights = sg.linalg.cho_solve(factor, y)
    loss = 0.5 * y @ weights + np.sum(np.log(np.diagonal(factor[0])))
    gradients = sg.grad(loss, [length, noise])
    return sg.function([x, y, length, noise], [loss, *gradients], name="gaussian_process")


def deconvolution():
    signal, kernel = sg.placeholder("signal", (4, 9)), sg.placeholder("kernel", 9)
    spectrum = np.fft.rfft(signal) * np.fft.rfft(kernel)
    loss = np.mean((np.fft.irfft(spectrum, 9) - signal) ** 2)
    return sg.function([signal, kernel], [loss, sg.grad(loss, kernel)], name="deconvolution")


MODELS = [
    linear_regression, logistic_regression, classifier, gaussian, factorisation, attention,
    convolutional, transformer, pair, pair_of_a_scalar, symbolic_sizes, constants, awkward_names,
    long_lines, gaussian_process, deconvolution,
]  # fmt: skip
