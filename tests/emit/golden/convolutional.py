"""Computes loss, d_w1, d_b1, d_w2 and more.

loss_and_grad(x, labels, w1, b1, w2, b2, w3)

    argument  dtype    shape
    x         float64  (n, 1, 8, 8)
    labels    int64    (n,)
    w1        float64  (4, 1, 3, 3)
    b1        float64  (4,)
    w2        float64  (6, 4, 3, 3)
    b2        float64  (6,)
    w3        float64  (6, 10)

    result    dtype    shape
    loss      float64  ()
    d_w1      float64  (4, 1, 3, 3)
    d_b1      float64  (4,)
    d_w2      float64  (6, 4, 3, 3)
    d_b2      float64  (6,)
    d_w3      float64  (6, 10)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loss_and_grad(x, labels, w1, b1, w2, b2, w3):
    n = x.shape[0]
    # second = sg.nn.relu(sg.nn.conv2d(first, w2, b2, stride=2, padding=1))
    flat_w2 = w2.reshape(6, 36)
    # first = sg.nn.max_pool2d(sg.nn.relu(sg.nn.conv2d(x, w1, b1)), 2)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, 9, 36)
    product = w1.reshape(4, 9) @ columns
    product += b1[:, None]
    flat_product = product.reshape(n, 4, 6, 6)
    relu_flat_product = np.maximum(flat_product, 0.0)
    windows_2 = np.lib.stride_tricks.sliding_window_view(
        relu_flat_product, (2, 2), axis=(2, 3)
    )
    windows_2 = windows_2[:, :, ::2, ::2]
    stacked = windows_2.transpose(4, 5, 0, 1, 2, 3).reshape(4, n, 4, 3, 3)
    first = stacked.max(axis=0)
    # second = sg.nn.relu(sg.nn.conv2d(first, w2, b2, stride=2, padding=1))
    pad = np.pad(first, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows_3 = np.lib.stride_tricks.sliding_window_view(pad, (3, 3), axis=(2, 3))
    windows_3 = windows_3[:, :, ::2, ::2]
    columns_2 = windows_3.transpose(0, 1, 4, 5, 2, 3).reshape(n, 36, 4)
    product_2 = flat_w2 @ columns_2
    product_2 += b2[:, None]
    flat_product_2 = product_2.reshape(n, 6, 2, 2)
    second = np.maximum(flat_product_2, 0.0)
    # loss = sg.nn.cross_entropy(np.mean(second, axis=(2, 3)) @ w3, labels)
    ratio = second.sum(axis=(2, 3)) / 4
    product_3 = ratio @ w3
    product_3 -= product_3.max(axis=1, keepdims=True)
    exp_product_3 = np.exp(product_3)
    total = exp_product_3.sum(axis=1, keepdims=True)
    product_3 -= np.log(total)
    arange = np.arange(n)
    loss = -(product_3[arange, labels].sum() / n)
    # gradient of: first = sg.nn.max_pool2d(sg.nn.relu(sg.nn.conv2d(x, w1, b1)), 2)
    equal = stacked == first
    # gradient of: loss = sg.nn.cross_entropy(np.mean(second, axis=(2, 3)) @ w3, labels)
    exp_product_3 /= total
    scattered = exp_product_3 / n
    scattered[arange, labels] -= np.float64(1.0) / n
    # gradient of: second = sg.nn.relu(sg.nn.conv2d(first, w2, b2, stride=2, padding=1))
    astype = (flat_product_2 > 0).astype(np.float64)
    astype *= (scattered @ (0.25 * w3).T)[..., None, None]
    flat_astype = astype.reshape(n, 6, 4)
    d_columns = flat_w2.T @ flat_astype
    d_windows = d_columns.reshape(n, 4, 3, 3, 2, 2).transpose(0, 1, 4, 5, 2, 3)
    summed = np.zeros((n, 4, 5, 5))
    for i in range(3):
        for j in range(3):
            summed[..., i : i + 3 : 2, j : j + 3 : 2] += d_windows[..., i, j]
    d_first = summed[..., 1:4, 1:4]
    # gradient of: first = sg.nn.max_pool2d(sg.nn.relu(sg.nn.conv2d(x, w1, b1)), 2)
    d_stacked = np.where(equal, d_first / np.count_nonzero(equal, axis=0), 0.0)
    d_windows_2 = d_stacked.reshape(2, 2, n, 4, 3, 3).transpose(2, 3, 4, 5, 0, 1)
    summed_2 = np.zeros((n, 4, 6, 6))
    for i in range(2):
        for j in range(2):
            summed_2[..., i : i + 5 : 2, j : j + 5 : 2] = d_windows_2[..., i, j]
    reshaped = (summed_2 * (flat_product > 0).astype(np.float64)).reshape(n, 4, 36)
    d_w1 = (reshaped @ columns.mT).sum(axis=0).reshape(4, 1, 3, 3)
    d_b1 = reshaped.sum(axis=(0, 2))
    # gradient of: second = sg.nn.relu(sg.nn.conv2d(first, w2, b2, stride=2, padding=1))
    einsum = np.tensordot(flat_astype, columns_2, axes=([0, 2], [0, 2]))
    d_w2 = einsum.reshape(6, 4, 3, 3)
    d_b2 = flat_astype.sum(axis=(0, 2))
    # gradient of: loss = sg.nn.cross_entropy(np.mean(second, axis=(2, 3)) @ w3, labels)
    d_w3 = ratio.T @ scattered
    return loss, d_w1, d_b1, d_w2, d_b2, d_w3


def _slope(value, *given):
    """The derivative of value(step, *given) by step at 0, and what it may be off by.

    Central differences, the step smaller each time, extrapolated (Ridders, 1982).
    """
    step, row = 0.0625, []
    best, doubt = np.nan, np.inf
    for _ in range(9):
        ahead = np.asarray(value(step, *given))
        behind = np.asarray(value(-step, *given))
        noise = 4 * np.finfo(ahead.dtype).eps * (np.abs(ahead) + np.abs(behind)) / step
        before, row = row, [(ahead - behind) / (2 * step)]
        for k, coarse in enumerate(before, 1):
            finer = row[-1] + (row[-1] - coarse) / (16.0**k - 1)
            error = np.maximum(np.abs(finer - row[-1]), np.abs(finer - coarse)) + noise
            best = np.where(error < doubt, finer, best)
            doubt = np.where(error < doubt, error, doubt)
            row.append(finer)
        step /= 4
    return best, doubt


def _value_at(step, arguments, place, direction, which):
    shifted = list(arguments)
    shifted[place] = arguments[place] + step * direction
    return loss_and_grad(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    n = 5
    x = rng.standard_normal((n, 1, 8, 8))
    labels = rng.integers(0, 2, (n,)).astype(np.int64)
    w1 = rng.standard_normal((4, 1, 3, 3))
    b1 = rng.standard_normal((4,))
    w2 = rng.standard_normal((6, 4, 3, 3))
    b2 = rng.standard_normal((6,))
    w3 = rng.standard_normal((6, 10))
    arguments = [x, labels, w1, b1, w2, b2, w3]
    results = loss_and_grad(*arguments)
    good = True
    gradients = [
        ("w1", 2, results[1], 0),
        ("b1", 3, results[2], 0),
        ("w2", 4, results[3], 0),
        ("b2", 5, results[4], 0),
        ("w3", 6, results[5], 0),
    ]
    for name, place, gradient, which in gradients:
        direction = rng.standard_normal(np.shape(gradient))
        difference, doubt = _slope(_value_at, arguments, place, direction, which)
        exact = np.real(np.sum(gradient * direction))
        error = abs(difference - exact)
        scale = max(1.0, abs(exact), np.sum(np.abs(gradient * direction)))
        tolerance = min(20.0 * doubt, 0.001 * scale)
        tolerance += 10000 * np.finfo(float).eps * scale
        print(f"gradient by {name}: error {error:.1e}")
        good = good and bool(error <= tolerance)
    print("passed" if good else "FAILED")
    return good


if __name__ == "__main__":
    import sys

    if sys.argv[1:] != ["--check"]:
        sys.exit(f"usage: python {sys.argv[0]} --check")
    sys.exit(0 if _check() else 1)
