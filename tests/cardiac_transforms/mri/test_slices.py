"""Neighbouring slices as channels."""

import pytest
import torch

from cardiac_transforms.mri import NeighbouringSlices, NeighbouringSlicesd


def test_each_slice_stands_between_its_neighbours():
    stack = torch.arange(4.0).expand(1, 2, 2, 4)
    channels = NeighbouringSlices(1)(stack)
    assert channels[:, 0, 0].tolist() == [[0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 3]]


def test_no_neighbours_is_the_stack_itself():
    stack = torch.rand(1, 3, 3, 5)
    torch.testing.assert_close(NeighbouringSlicesd("image", 0)({"image": stack})["image"], stack)


@pytest.mark.parametrize("shape", [(2, 4, 4, 4), (1, 4, 4)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        NeighbouringSlices()(torch.zeros(shape))
