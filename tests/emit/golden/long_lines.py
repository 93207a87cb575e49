"""Computes value, step, d_learning_rate_of_the_optimiser, d_gradient_of_the_loss.

value_and_grad(learning_rate_of_the_optimiser, momentum_of_the_optimiser,
    gradient_of_the_loss)

    argument                          dtype    shape
    learning_rate_of_the_optimiser    float64  (parameters,)
    momentum_of_the_optimiser         float64  (parameters,)
    gradient_of_the_loss              float64  (parameters,)

    result                            dtype    shape
    value                             float64  ()
    step                              float64  (parameters,)
    d_learning_rate_of_the_optimiser  float64  (parameters,)
    d_gradient_of_the_loss            float64  (parameters,)

Needs NumPy only. Written by symgraph.
"""

import numpy as np


def value_and_grad(
    learning_rate_of_the_optimiser, momentum_of_the_optimiser, gradient_of_the_loss
):
    # step = np.where(np.abs(gradient) > rate, np.tanh(gradient - momentum) * np.exp(...
    greater = np.abs(gradient_of_the_loss) > learning_rate_of_the_optimiser
    difference = gradient_of_the_loss - momentum_of_the_optimiser
    tanh_difference = np.tanh(difference)
    exp = np.exp(np.where(greater, learning_rate_of_the_optimiser, 0.0))
    step = np.where(greater, tanh_difference * exp, momentum_of_the_optimiser)
    # value = np.sum(step * np.maximum(rate + momentum, gradient))
    plus = learning_rate_of_the_optimiser + momentum_of_the_optimiser
    larger = np.maximum(plus, gradient_of_the_loss)
    value = step @ larger
    # gradient of: value = np.sum(step * np.maximum(rate + momentum, gradient))
    equal = plus == gradient_of_the_loss
    chosen = np.where(equal, 0.5, (plus > gradient_of_the_loss).astype(np.float64))
    product = step * chosen
    greater_equal = plus >= gradient_of_the_loss
    d_learning_rate_of_the_optimiser = np.where(greater_equal, product, 0.0)
    # gradient of: step = np.where(np.abs(gradient) > rate, np.tanh(gradient - moment...
    chosen_2 = np.where(greater, larger * tanh_difference * exp, 0.0)
    d_learning_rate_of_the_optimiser += chosen_2
    exp_2 = np.exp(-2 * np.abs(difference))
    product_2 = larger * exp * (4 * exp_2 / (1 + exp_2) ** 2)
    d_gradient_of_the_loss = np.where(greater, product_2, 0.0)
    chosen_3 = np.where(equal, 0.5, (gradient_of_the_loss > plus).astype(np.float64))
    product_3 = step * chosen_3
    chosen_4 = np.where(gradient_of_the_loss >= plus, product_3, 0.0)
    d_gradient_of_the_loss += chosen_4
    return value, step, d_learning_rate_of_the_optimiser, d_gradient_of_the_loss


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
    return value_and_grad(*shifted)[which]


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    parameters = 5
    learning_rate_of_the_optimiser = rng.standard_normal((parameters,))
    momentum_of_the_optimiser = rng.standard_normal((parameters,))
    gradient_of_the_loss = rng.standard_normal((parameters,))
    arguments = [
        learning_rate_of_the_optimiser,
        momentum_of_the_optimiser,
        gradient_of_the_loss,
    ]
    results = value_and_grad(*arguments)
    good = True
    gradients = [
        ("learning_rate_of_the_optimiser", 0, results[2], 0),
        ("gradient_of_the_loss", 2, results[3], 0),
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
