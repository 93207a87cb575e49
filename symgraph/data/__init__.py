"""The data set of the demonstration: 1 797 handwritten digits of 8 × 8 pixels.

E. Alpaydin and C. Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49, CC BY 4.0 (``digits.LICENSE.txt`` beside this file).
"""

from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits", "DigitsSplit", "load_digits", "split_digits"]

FULL_INK = 16
"""The count of a block of 4 × 4 pixels that are all black."""

FOLDS = 5
"""One part in five is held out."""


class Digits(NamedTuple):
    """Images and what they show.

    Attributes
    ----------
    images
        Shape ``(n, 64)``, float64: the ink of each pixel in [0, 1], row by row.
    labels
        Shape ``(n,)``, int64: the digit, 0 to 9.
    """

    images: NDArray[np.float64]
    labels: NDArray[np.int64]


class DigitsSplit(NamedTuple):
    """A part to learn from and a part to be judged by; no image is in both."""

    train: Digits
    test: Digits


def load_digits() -> Digits:
    """Read the 1 797 digits, in their original order.

    Returns
    -------
    Digits
        New arrays, the caller's own.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.images.shape, float(digits.images.min()), float(digits.images.max())
    ((1797, 64), 0.0, 1.0)
    >>> digits.labels[:10].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    with files(__name__).joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        images: NDArray[np.uint8] = arrays["images"]
        labels: NDArray[np.uint8] = arrays["labels"]
    return Digits(images / float(FULL_INK), labels.astype(np.int64))


def split_digits(digits: Digits, *, unseen_writers: bool = False) -> DigitsSplit:
    """Hold out a fifth of the digits, the same ones on every run and machine.

    The 1 797 digits are the *test* part of the original set; the split is ours, and results on it
    are not comparable with published ones. A writer's digits stand together in the file.

    Parameters
    ----------
    digits
        What `load_digits` returned.
    unseen_writers
        False, the default: every fifth example of each digit is held out, so that both parts have
        the same digits by the same writers. Such a score says nothing of writers not yet seen.
        True: the last fifth of the file is held out, most of it by writers who are not in the
        other part. A harder question: a small network that gets 97 % of the first kind right gets
        about 91 % of these.

    Returns
    -------
    DigitsSplit
        New arrays, the caller's own.

    Examples
    --------
    >>> train, test = split_digits(load_digits())
    >>> len(train.labels), len(test.labels)
    (1442, 355)
    >>> [int((test.labels == digit).sum()) for digit in range(10)]
    [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    """
    held_out = _last_fifth(digits) if unseen_writers else _every_fifth_of_each_digit(digits)
    return DigitsSplit(*(Digits(digits.images[i], digits.labels[i]) for i in (~held_out, held_out)))


def _last_fifth(digits: Digits) -> NDArray[np.bool_]:
    """Mark the last examples of the file."""
    count = len(digits.labels)
    return np.arange(count) >= count - count // FOLDS


def _every_fifth_of_each_digit(digits: Digits) -> NDArray[np.bool_]:
    """Mark every fifth example among those with the same label."""
    held_out = np.zeros(len(digits.labels), np.bool_)
    for digit in np.unique(digits.labels):
        (where,) = np.nonzero(digits.labels == digit)
        held_out[where[FOLDS - 1 :: FOLDS]] = True
    return held_out
