"""Computes loss, d_kernel.

deconvolution(signal, kernel)

    argument  dtype    shape
    signal    float64  (4, 9)
    kernel    float64  (9,)

    result    dtype    shape
    loss      float64  ()
    d_kernel  float64  (9,)

Needs NumPy only. Written by symgraph.
"""

import numpy as np

CONSTANT = np.array([1.0, 2.0, 2.0, 2.0, 2.0])


def deconvolution(signal, kernel):
    # spectrum = np.fft.rfft(signal) * np.fft.rfft(kernel)
    rfft_signal = np.fft.rfft(signal)
    spectrum = rfft_signal * np.fft.rfft(kernel)
    # loss = np.mean((np.fft.irfft(spectrum, 9) - signal) ** 2)
    difference = np.fft.irfft(spectrum, n=9) - signal
    flat_difference = difference.ravel()
    loss = flat_difference @ flat_difference / 36
    # gradient of: loss = np.mean((np.fft.irfft(spectrum, 9) - signal) ** 2)
    conjugate = np.conj(np.fft.rfft(0.05555555555555555 * difference, norm="forward"))
    d_spectrum = conjugate * CONSTANT
    # gradient of: spectrum = np.fft.rfft(signal) * np.fft.rfft(kernel)
    ratio = np.conj((d_spectrum * rfft_signal).sum(axis=0)) / CONSTANT
    d_kernel = np.fft.irfft(ratio, n=9, norm="forward")
    return loss, d_kernel


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
    return deconvolution(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((4, 9))
    kernel = rng.standard_normal((9,))
    arguments = [signal, kernel]
    results = deconvolution(*arguments)
    good = True
    gradients = [("kernel", 1, results[1], 0)]
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
