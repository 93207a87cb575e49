"""The digits are the published ones, and their split is a partition."""

import hashlib

import numpy as np
import pytest

from symgraph.data import load_digits, split_digits

# Of the values as scikit-learn and the UCI repository publish them: images, then labels, as bytes.
PUBLISHED = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_values_are_the_published_ones():
    images, labels = load_digits()
    counts = (images * 16).astype(np.uint8)
    assert (counts == images * 16).all()
    data = counts.tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(data).hexdigest() == PUBLISHED


def test_types():
    images, labels = load_digits()
    assert (images.dtype, images.shape) == (np.float64, (1797, 64))
    assert (labels.dtype, labels.shape) == (np.int64, (1797,))


def test_arrays_are_the_callers_own():
    load_digits().images[:] = -1
    assert load_digits().images.min() == 0


@pytest.mark.parametrize("unseen_writers", [False, True])
def test_split_is_a_partition(unseen_writers):
    digits = load_digits()
    # The row number in place of the image shows where each example went.
    numbered = digits._replace(images=np.arange(1797.0)[:, None])
    train, test = split_digits(numbered, unseen_writers=unseen_writers)
    rows = np.concatenate([train.images, test.images]).ravel()
    assert sorted(rows) == list(range(1797))
    for part in (train, test):
        assert (digits.labels[part.images.ravel().astype(int)] == part.labels).all()


def test_split_is_stratified():
    train, test = split_digits(load_digits())
    share = np.bincount(test.labels) / (np.bincount(test.labels) + np.bincount(train.labels))
    assert (abs(share - 0.2) < 0.01).all()


def test_split_by_writers_keeps_the_order():
    digits = load_digits()
    test = split_digits(digits, unseen_writers=True).test
    assert (test.images == digits.images[-359:]).all()
