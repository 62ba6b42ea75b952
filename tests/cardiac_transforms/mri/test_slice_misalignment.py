"""Slice misalignment: slices move as stated, labels with them, and the inverse brings them back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, RandFlipd

from cardiac_transforms.mri.kernels.slice_shift import misalign_slices, realign_slices
from cardiac_transforms.mri.slice_misalignment import (
    RandSliceMisalignment,
    RandSliceMisalignmentd,
    SliceMisalignment,
    SliceMisalignmentd,
)

SPACING = (1.5, 2.0, 8.0)


def stack(nx: int = 30, ny: int = 26, nz: int = 5, margin: int = 8) -> torch.Tensor:
    """Random ``(1, X, Y, Z)`` that is zero within ``margin`` of the border."""
    volume = torch.zeros(1, nx, ny, nz, dtype=torch.float64)
    inside = volume[:, margin : nx - margin, margin : ny - margin]
    inside += torch.rand(inside.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return volume


def with_affine(image: torch.Tensor) -> MetaTensor:
    return MetaTensor(image, affine=torch.diag(torch.tensor([*SPACING, 1.0])))


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_whole_voxels_roll_each_slice_by_its_own(mode, data):
    image = stack()
    voxels = np.array(data.draw(st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=5, max_size=5)))
    shift = torch.from_numpy(np.column_stack([voxels, np.zeros(5)]))
    rolled = torch.stack([image[..., z].roll(tuple(voxels[z]), (1, 2)) for z in range(5)], dim=-1)
    moved = misalign_slices(image, shift, mode)
    assert torch.equal(moved, rolled)
    assert torch.equal(realign_slices(moved, shift, mode), image)


def test_parts_of_a_voxel_move_the_centre_of_mass():
    image = stack(nz=2)
    shift = torch.tensor([[1.25, -2.5, 0.0], [-0.4, 3.7, 0.0]])
    moved = misalign_slices(image, shift)
    for axis in (1, 2):
        index = torch.arange(image.shape[axis], dtype=torch.float64)
        centre = [t.sum(dim=(0, 3 - axis)).T @ index / t.sum(dim=(0, 1, 2)) for t in (image, moved)]
        assert (centre[1] - centre[0]).tolist() == pytest.approx(shift[:, axis - 1].tolist(), abs=1e-6)
    torch.testing.assert_close(moved.sum(), image.sum())


def test_zero_enters_from_outside_the_field():
    image = torch.ones(1, 6, 7, 1)
    moved = misalign_slices(image, torch.tensor([[2.0, -3.0, 0.0]]))
    assert not moved[:, :2].any() and not moved[:, :, 4:].any() and bool((moved[:, 2:, :4] == 1).all())
    assert not misalign_slices(image, torch.tensor([[60.0, 0.0, 0.0]])).any()


def test_a_slice_shows_the_height_from_which_the_object_came():
    """On a linear stack the value is the height itself; beyond the stack the outermost slices go on."""
    image = torch.arange(5.0, dtype=torch.float64).expand(1, 4, 4, 5)
    shift = torch.zeros(5, 3)
    shift[:, 2] = torch.tensor([0.5, -0.25, 1.0, 0.0, -2.0])
    assert misalign_slices(image, shift)[0, 0, 0].tolist() == pytest.approx([0, 1.25, 1, 3, 4])
    assert misalign_slices(image, shift, "nearest")[0, 0, 0].tolist() == [0, 1, 1, 3, 4]


@settings(deadline=None, max_examples=30)
@given(heights=st.lists(st.floats(-0.9, 0.9), min_size=2, max_size=8))
def test_the_inverse_interpolates_between_the_heights_taken(heights):
    """What is linear along Z comes back wherever it was seen on both sides."""
    nz = len(heights)
    image = torch.arange(nz, dtype=torch.float64).expand(1, 3, 3, nz)
    shift = torch.zeros(nz, 3, dtype=torch.float64)
    shift[:, 2] = torch.tensor(heights)
    taken = (torch.arange(nz) - shift[:, 2]).clamp(0, nz - 1)
    back = realign_slices(misalign_slices(image, shift), shift)[0, 0, 0]
    expected = torch.arange(nz, dtype=torch.float64).clamp(taken.min(), taken.max())
    torch.testing.assert_close(back, expected, atol=1e-6, rtol=0)


def test_shift_is_in_mm_and_its_size_is_recorded():
    image = stack()
    mm = np.zeros((5, 3))
    mm[1] = (3.0, 0, 0)
    mm[3] = (0, -4.0, 0)
    mm[4] = (0, 0, 12)
    out = SliceMisalignment(mm)(with_affine(image))
    voxels = torch.from_numpy(mm / SPACING)
    torch.testing.assert_close(out.as_tensor(), misalign_slices(image, voxels))
    assert torch.equal(out.as_tensor()[..., 1], image[..., 1].roll(2, 1))
    assert out.applied_operations[-1]["extra_info"]["rms_mm"] == pytest.approx(np.sqrt((9 + 16 + 144) / 5))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64])
def test_integer_labels_keep_their_type_and_values(dtype):
    label = (5 * stack()).to(dtype)
    move = RandSliceMisalignment(1, (6, 6), mode="nearest").set_random_state(0)
    out = move(with_affine(label))
    assert out.dtype == dtype and set(out.unique().tolist()) <= set(label.unique().tolist())
    assert not torch.equal(out.as_tensor(), label)
    assert move.inverse(out).dtype == dtype
    assert SliceMisalignment(np.zeros((5, 3)), spacing=SPACING)(label).dtype == torch.float32


def test_the_label_follows_the_image():
    """The same thing in both: what is bright is what is labelled, before and after."""
    image = torch.zeros(1, 40, 36, 6)
    image[:, 14:26, 12:24] = 1
    data = {"image": with_affine(image), "label": with_affine(image.to(torch.uint8))}
    move = RandSliceMisalignmentd(("image", "label"), 1.0, (6, 6), mode=("bilinear", "nearest")).set_random_state(4)
    out = move(data)
    bright, labelled = out["image"].as_tensor() > 0.5, out["label"].as_tensor() == 1
    assert out["label"].dtype == torch.uint8
    assert float((bright & labelled).sum()) / float((bright | labelled).sum()) > 0.95
    assert not torch.equal(labelled, image == 1)


@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_compose_brings_image_and_label_back(prob):
    data = {"image": with_affine(stack(margin=12)), "label": with_affine((3 * stack(margin=12)).to(torch.uint8))}
    keys = ("image", "label")
    mm = (3.0, 0.0, 0.0)
    chain = Compose(
        [
            SliceMisalignmentd(keys, [mm, (0, 4, 0), mm, (0, 0, 0), (-3, -4, 0)], ("bilinear", "nearest")),
            RandFlipd(keys, 1.0, spatial_axis=0),
            RandSliceMisalignmentd(keys, prob, (1, 1), through_plane=(0, 0), mode=("bilinear", "nearest")),
        ]
    ).set_random_state(1)
    out = chain(data)
    back = chain.inverse(out)
    assert not torch.equal(out["label"].as_tensor(), data["label"].as_tensor())
    assert torch.equal(back["label"].as_tensor(), data["label"].as_tensor())
    assert float((back["image"] - data["image"]).abs().mean()) < (0.05 if prob else 1e-12)
    assert back["image"].applied_operations == []


def test_invertd_brings_a_prediction_back_without_mixing_classes():
    label = (3 * stack(margin=12)).to(torch.uint8)
    move = SliceMisalignmentd("image", [(3.0, 4.0, 0.0)] * 5)
    moved = move({"image": with_affine(label.float())})
    moved["pred"] = moved["image"].clone()
    back = Invertd("pred", move, orig_keys="image", nearest_interp=True)(moved)["pred"]
    assert torch.equal(back.as_tensor(), label.float())


def test_a_plain_slice_and_its_inverse():
    image = stack(nz=1)[..., 0]
    move = SliceMisalignment([(3.0, -4.0, 5.0)], spacing=SPACING[:2])
    out = move(image)
    assert torch.equal(out.as_tensor(), image.roll((2, -2), (1, 2)))
    assert torch.equal(move.inverse(out).as_tensor(), image)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), rms=st.floats(0.1, 6), slices=st.integers(1, 12), through=st.floats(0, 1))
def test_the_drawn_severity_is_realised_over_the_slices(seed, rms, slices, through):
    move = RandSliceMisalignment(1, (rms, rms), (through, through)).set_random_state(seed)
    drawn = move.draw((1, 8, 8, slices))
    assert drawn.shift.shape == (slices, 3)
    assert drawn.severity()["rms_mm"] == pytest.approx(rms)
    assert np.sqrt((drawn.shift[:, 2] ** 2).mean()) == pytest.approx(rms * through, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"shift": [(1, 2)]}, "shift"),
        ({"shift": [(1, 2, np.nan)]}, "shift"),
        ({"shift": [(1, 2, 3)], "mode": "cubic"}, "mode"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        SliceMisalignment(**arguments)


def test_shifts_modes_and_spacing_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="shift"):
        SliceMisalignment([(1, 2, 3)])(with_affine(stack()))
    with pytest.raises(ValueError, match="spacing"):
        SliceMisalignment([(1, 2, 3)])(torch.ones(1, 4, 4, 1))
    with pytest.raises(ValueError, match="mode"):
        SliceMisalignmentd(("image", "label"), [(1, 2, 3)], mode=("bilinear", "cubic"))
    with pytest.raises(ValueError, match="mode"):
        misalign_slices(torch.ones(1, 4, 4, 1), torch.zeros(1, 3), "cubic")
