"""The hand-written gradients are right, and what symgraph emits agrees with them."""

import numpy as np
import pytest

from tests.benchmarks.harness import count_lines, paired
from tests.benchmarks.models import MODELS

every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
EXTENDED = np.finfo(np.longdouble).eps < 1e-18

every_spelling = pytest.mark.parametrize(
    ("model", "spelling"),
    [(m, s) for m in MODELS for s in (m.loss, *m.spellings.values())],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)


def differences(model, arguments, name):
    """Take central differences of the loss in extended precision, one entry at a time."""
    step = np.longdouble(1e-6 if EXTENDED else 1e-5)
    exact = {
        key: value.astype(np.longdouble) if value.dtype.kind == "f" else value
        for key, value in arguments.items()
    }
    gradient = np.empty(exact[name].shape)
    for index in np.ndindex(gradient.shape):
        values = []
        for sign in (1, -1):
            moved = exact[name].copy()
            moved[index] += sign * step
            values.append(model.loss(*(exact | {name: moved}).values()))
        gradient[index] = (values[0] - values[1]) / (2 * step)
    return gradient


def assert_close(actual, expected, tolerance):
    """Compare to within a fraction of the largest entry."""
    assert np.shape(actual) == np.shape(expected)
    scale = np.max(np.abs(expected))
    assert np.max(np.abs(np.asarray(actual) - expected)) <= tolerance * scale


@every_model
def test_hand_written_gradients_are_right(model):
    arguments = model.arguments(model.small)
    value, *gradients = model.hand(*arguments.values())
    assert_close(value, model.loss(*arguments.values()), 1e-14)
    for name, gradient in zip(model.wrt, gradients, strict=True):
        assert_close(gradient, differences(model, arguments, name), 1e-9 if EXTENDED else 1e-5)


@every_model
def test_hand_written_code_leaves_its_arguments_alone(model):
    arguments = model.arguments(model.small)
    model.hand(*arguments.values())
    for name, value in model.arguments(model.small).items():
        assert np.array_equal(arguments[name], value)


@every_spelling
def test_emitted_agrees_with_hand_written(model, spelling):
    arguments = model.arguments(model.small)
    emitted = model.emitted(spelling)(*arguments.values())
    for actual, expected in zip(emitted, model.hand(*arguments.values()), strict=True):
        assert_close(actual, expected, 1e-12)


def test_lines_of_a_function():
    def f(x):
        """Not counted."""
        # Nor this.
        y = x + 1

        return y

    assert count_lines(f) == 2


def test_lines_of_a_named_function():
    assert count_lines("def f(): return 1\ndef g():\n    x = 1\n    return x\n", "g") == 2


def test_paired_sees_which_is_faster():
    timings = paired(
        {"short": lambda: sum(range(100)), "long": lambda: sum(range(10_000))},
        rounds=5,
        sample_seconds=1e-3,
    )
    assert timings["long"].ratio_to(timings["short"]) > 10
