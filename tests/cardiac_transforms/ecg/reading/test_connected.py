"""Connected ink: the same as SciPy finds, at the borders too."""

import numpy as np
import pytest
from scipy import ndimage

from cardiac_transforms.ecg.reading.connected import connected, joined, thinned


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (37, 53)])
def test_pieces_are_those_that_scipy_labels(shape, share):
    dark = np.random.default_rng(0).random(shape) < share
    labels, pieces = connected(dark)
    expected, count = ndimage.label(dark, np.ones((3, 3)))
    assert len(pieces) == count
    assert np.array_equal(labels, expected)
    assert pieces == ndimage.find_objects(expected)


def test_the_end_of_a_row_does_not_touch_the_beginning_of_the_next():
    dark = np.zeros((3, 4), bool)
    dark[0, 3] = dark[2, 0] = dark[1, 0] = True
    assert len(connected(dark)[1]) == 2


def test_pieces_of_a_turned_page_are_found_as_well():
    dark = np.random.default_rng(1).random((30, 50)) < 0.3
    labels, _ = connected(dark.T)
    assert np.array_equal(labels, ndimage.label(dark.T, np.ones((3, 3)))[0])


def test_short_gaps_in_a_row_are_closed_and_long_ones_are_not():
    dark = np.array([[1, 0, 0, 1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0, 0, 0, 1]], bool)
    closed = joined(dark, 2)
    assert closed.astype(int).tolist() == [[1, 1, 1, 1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_block_is_dark_where_any_of_its_pixels_is(size):
    dark = np.random.default_rng(2).random((10, 14)) < 0.2
    height, width = 10 // size, 14 // size
    blocks = dark[: height * size, : width * size].reshape(height, size, width, size)
    assert np.array_equal(thinned(dark, size), blocks.any(axis=(1, 3)))
