"""Computes loss, d_gain, d_bias, d_wq and more.

loss_and_grad(x, target, gain, bias, wq, wk, wv, wo, w1, w2)

    argument  dtype    shape
    x         float64  (n, 6, 8)
    target    float64  (n, 6, 8)
    gain      float64  (8,)
    bias      float64  (8,)
    wq        float64  (8, 8)
    wk        float64  (8, 8)
    wv        float64  (8, 8)
    wo        float64  (8, 8)
    w1        float64  (8, 32)
    w2        float64  (32, 8)

    result    dtype    shape
    loss      float64  ()
    d_gain    float64  (8,)
    d_bias    float64  (8,)
    d_wq      float64  (8, 8)
    d_wk      float64  (8, 8)
    d_wv      float64  (8, 8)
    d_wo      float64  (8, 8)
    d_w1      float64  (8, 32)
    d_w2      float64  (32, 8)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def loss_and_grad(x, target, gain, bias, wq, wk, wv, wo, w1, w2):
    n = x.shape[0]
    arange = np.arange(6)
    greater_equal = arange[:, None] >= arange
    # a = sg.nn.layer_norm(x, gain, bias)
    difference = x - x.sum(axis=2, keepdims=True) / 8
    sqrt = np.sqrt((difference**2).sum(axis=2, keepdims=True) / 8 + 1e-05)
    difference /= sqrt
    a = difference * gain
    a += bias
    # h = x + sg.nn.multi_head_attention(a, a, a, wq, wk, wv, wo, 2, is_causal=True)
    product = (a @ wq).reshape(n, 6, 2, 4).swapaxes(1, 2) * 0.5
    reshaped = (a @ wk).reshape(n, 6, 2, 4)
    chosen = np.where(greater_equal, product @ reshaped.transpose(0, 2, 3, 1), -1e308)
    chosen -= chosen.max(axis=3, keepdims=True)
    exp = np.exp(chosen, out=chosen)
    exp /= exp.sum(axis=3, keepdims=True)
    reshaped_2 = (a @ wv).reshape(n, 6, 2, 4)
    product_2 = exp @ reshaped_2.swapaxes(1, 2)
    h = x + product_2.swapaxes(1, 2).reshape(n, 6, 8) @ wo
    # gradient of: out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    sqrt_2 = np.sqrt((h**2).sum(axis=2, keepdims=True) / 8 + 1e-06)
    # out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    ratio = h / sqrt_2
    product_3 = ratio @ w1
    plus = 1.5957691216057308 + 0.07135481627260025 * product_3**2
    product_4 = product_3 * plus
    # gradient of: out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    exp_2 = -np.abs(product_4)
    np.exp(exp_2, out=exp_2)
    # out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    exp_3 = np.minimum(product_4, 0.0, out=product_4)
    np.exp(exp_3, out=exp_3)
    # gradient of: out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    plus_2 = 1 + exp_2
    # out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    exp_3 /= plus_2
    product_5 = product_3 * exp_3
    out = h + product_5 @ w2
    # loss = sg.nn.mse(out, target)
    difference_2 = np.subtract(out, target, out=out)
    flat_difference_2 = difference_2.ravel()
    loss = flat_difference_2 @ flat_difference_2 / (48 * n)
    # gradient of: loss = sg.nn.mse(out, target)
    d_out = np.multiply(np.float64(2.0) / (48 * n), difference_2, out=difference_2)
    # gradient of: out = h + sg.nn.gelu(sg.nn.rms_norm(h) @ w1) @ w2
    product_6 = d_out @ w2.T
    product_7 = product_6 * product_3 * (exp_2 / plus_2**2)
    product_8 = 0.1427096325452005 * (product_7 * product_3 * product_3)
    plus_3 = product_6 * exp_3 + product_7 * plus + product_8
    product_9 = plus_3 @ w1.T
    d_w1 = ratio.reshape(6 * n, 8).T @ plus_3.reshape(6 * n, 32)
    ratio *= np.vecdot(ratio, product_9)[..., None] / 8
    np.subtract(product_9, ratio, out=ratio)
    ratio /= sqrt_2
    d_w2 = product_5.reshape(6 * n, 32).T @ d_out.reshape(6 * n, 8)
    # gradient of: h = x + sg.nn.multi_head_attention(a, a, a, wq, wk, wv, wo, 2, is_...
    d_h = np.add(d_out, ratio, out=ratio)
    reshaped_3 = (d_h @ wo.T).reshape(n, 6, 2, 4)
    product_10 = exp.mT @ reshaped_3.swapaxes(1, 2)
    d_a = product_10.swapaxes(1, 2).reshape(n, 6, 8) @ wv.T
    product_11 = reshaped_3.swapaxes(1, 2) @ reshaped_2.transpose(0, 2, 3, 1)
    product_11 -= np.vecdot(exp, product_11)[..., None]
    chosen_2 = np.where(greater_equal, exp * product_11, 0.0)
    product_12 = product.mT @ chosen_2
    # gradient of: a = sg.nn.layer_norm(x, gain, bias)
    d_a += product_12.transpose(0, 3, 1, 2).reshape(n, 6, 8) @ wk.T
    # gradient of: h = x + sg.nn.multi_head_attention(a, a, a, wq, wk, wv, wo, 2, is_...
    product_13 = 0.5 * (chosen_2 @ reshaped.swapaxes(1, 2))
    # gradient of: a = sg.nn.layer_norm(x, gain, bias)
    d_a += product_13.swapaxes(1, 2).reshape(n, 6, 8) @ wq.T
    d_gain = (d_a * difference).sum(axis=(0, 1))
    d_bias = d_a.sum(axis=(0, 1))
    # gradient of: h = x + sg.nn.multi_head_attention(a, a, a, wq, wk, wv, wo, 2, is_...
    flat_a = a.reshape(6 * n, 8)
    d_wq = flat_a.T @ product_13.swapaxes(1, 2).reshape(6 * n, 8)
    d_wk = flat_a.T @ product_12.transpose(0, 3, 1, 2).reshape(6 * n, 8)
    d_wv = flat_a.T @ product_10.swapaxes(1, 2).reshape(6 * n, 8)
    d_wo = product_2.swapaxes(1, 2).reshape(6 * n, 8).T @ d_h.reshape(6 * n, 8)
    return loss, d_gain, d_bias, d_wq, d_wk, d_wv, d_wo, d_w1, d_w2


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
    x = rng.standard_normal((n, 6, 8))
    target = rng.standard_normal((n, 6, 8))
    gain = rng.standard_normal((8,))
    bias = rng.standard_normal((8,))
    wq = rng.standard_normal((8, 8))
    wk = rng.standard_normal((8, 8))
    wv = rng.standard_normal((8, 8))
    wo = rng.standard_normal((8, 8))
    w1 = rng.standard_normal((8, 32))
    w2 = rng.standard_normal((32, 8))
    arguments = [x, target, gain, bias, wq, wk, wv, wo, w1, w2]
    results = loss_and_grad(*arguments)
    good = True
    gradients = [
        ("gain", 2, results[1], 0),
        ("bias", 3, results[2], 0),
        ("wq", 4, results[3], 0),
        ("wk", 5, results[4], 0),
        ("wv", 6, results[5], 0),
        ("wo", 7, results[6], 0),
        ("w1", 8, results[7], 0),
        ("w2", 9, results[8], 0),
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
