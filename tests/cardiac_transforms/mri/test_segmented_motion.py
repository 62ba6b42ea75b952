"""Motion between shots: severity is what was asked, the object stays in its place, lines at rest stay at rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from cardiac_transforms.mri.kernels.shots import ORDERS, time_of_line
from cardiac_transforms.mri.segmented_motion import (
    RandSegmentedMotion,
    SegmentedMotion,
    SegmentedMotiond,
)

SPACING = (1.5, 1.5, 8.0)


def spots(nx: int, ny: int, nz: int, seed: int = 0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    x, y = torch.arange(nx)[:, None], torch.arange(ny)
    image = torch.zeros(1, nx, ny, nz)
    for z in range(nz):
        for a, b in 0.3 + 0.4 * torch.rand(4, 2, generator=g):
            image[0, :, :, z] += torch.exp(-((x - nx * a) ** 2 + (y - ny * b) ** 2) / (2 * 2.2**2))
    return image


def plain(image: MetaTensor) -> torch.Tensor:
    return image.as_tensor()


def spectrum(image: torch.Tensor, axis: int) -> torch.Tensor:
    return torch.fft.fftshift(torch.fft.fft(image, dim=axis), dim=axis)


def centroid(image: torch.Tensor) -> torch.Tensor:
    """Energy-weighted, ``(2,)`` voxels."""
    energy = image.double().square().sum((0, 3))
    index = [torch.arange(n, dtype=torch.float64) for n in energy.shape]
    return torch.stack([(energy.sum(1) * index[0]).sum(), (energy.sum(0) * index[1]).sum()]) / energy.sum()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("phase_axis", [0, 1])
def test_one_pose_for_all_shots_is_that_move_in_mm(order, phase_axis):
    image, spacing = spots(40, 36, 2), (1.5, 2.0, 8.0)
    still = SegmentedMotion([[3.0, -4.0, 0.0]] * 5, phase_axis, order, anchor=False, spacing=spacing)
    torch.testing.assert_close(plain(still(image)), torch.roll(image, (2, -2), (1, 2)), atol=1e-5, rtol=0)
    turn = SegmentedMotion([[0.0, 0.0, 180.0]] * 5, phase_axis, order, anchor=False, spacing=spacing)
    assert (plain(turn(image)) - image.flip(1, 2)).abs().max() < 3e-4


@pytest.mark.parametrize("poses", [np.zeros((4, 3)), np.ones((4, 3))])
def test_no_motion_or_an_anchored_rest_is_the_identity(poses):
    image = spots(20, 22, 2)
    moved = SegmentedMotion(poses, spacing=SPACING)(image)
    torch.testing.assert_close(plain(moved), image)
    assert moved.applied_operations[-1]["extra_info"] == {"rms_mm": 0.0, "rms_degrees": 0.0}


@pytest.mark.parametrize("order", ORDERS)
def test_a_stack_equals_its_slices_one_by_one(order):
    image, rng = spots(24, 21, 3), np.random.default_rng(0)
    common = rng.normal(size=(5, 3))
    own = rng.normal(size=(3, 5, 3))
    for poses in (common, own):
        stack = plain(SegmentedMotion(poses, 1, order, spacing=SPACING)(image))
        for z in range(3):
            one = SegmentedMotion(poses if poses.ndim == 2 else poses[z], 1, order, spacing=SPACING[:2])
            torch.testing.assert_close(plain(one(image[..., z])), stack[..., z])


def test_the_result_scales_with_the_image():
    image, motion = spots(24, 20, 2), SegmentedMotion(np.random.default_rng(1).normal(size=(6, 3)), spacing=SPACING)
    torch.testing.assert_close(plain(motion(50 * image)), 50 * plain(motion(image)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", ORDERS)
def test_anchored_the_centroid_stays_and_otherwise_it_moves(order):
    """A move of 6 mm = 4 voxels half way through: the anchored object is where its label is."""
    image = spots(64, 64, 1)
    poses = np.array([[0.0, 0.0, 0.0]] * 4 + [[0.0, 6.0, 0.0]] * 4)
    away = {
        anchor: (centroid(plain(SegmentedMotion(poses, 1, order, anchor=anchor, spacing=SPACING)(image)))
                 - centroid(image)).norm()
        for anchor in (True, False)
    }  # fmt: skip
    assert away[True] < 0.75
    if order != "centric":  # whose first shots, at rest, already hold the centre
        assert away[False] > 1.2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("phase_axis", [0, 1])
def test_lines_outside_the_affected_range_are_left_alone(order, phase_axis):
    """On a high offset the magnitude is the real part, whose line k changes if line k or -k was read during motion."""
    image = 1e4 + spots(24, 24, 1).double()
    poses, affected = np.array([[0.0, 0.0, 0.0]] * 3 + [[2.0, 1.0, 0.0]] * 3), (0.6, 0.8)
    time = time_of_line(24, 6, order)
    moving = (time >= 0.6) & (time <= 0.8)
    touched = moving | moving[-torch.arange(24) % 24]
    assert 0 < touched.sum() < 24
    moved = plain(SegmentedMotion(poses, phase_axis, order, affected, anchor=False, spacing=SPACING)(image))
    change = (spectrum(moved, phase_axis + 1) - spectrum(image, phase_axis + 1)).abs().amax((0, 2 - phase_axis, 3))
    assert change[~touched].max() < 1e-4 * change[touched].max()


def test_severity_is_the_rms_over_the_lines_as_applied():
    poses = np.array([[3.0, 4.0, 1.0], [0.0, 0.0, 0.0]])
    moved = SegmentedMotion(poses, order="sequential", anchor=False, spacing=SPACING)(spots(16, 16, 1))
    recorded = moved.applied_operations[-1]["extra_info"]
    assert recorded["rms_mm"] == pytest.approx(5 / math.sqrt(2))
    assert recorded["rms_degrees"] == pytest.approx(1 / math.sqrt(2))


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6), nx=st.integers(8, 30), ny=st.integers(8, 30), order=st.sampled_from(ORDERS),
    mm=st.floats(0.1, 8), degrees=st.floats(0, 5), per_slice=st.booleans(), anchor=st.booleans(),
)  # fmt: skip
def test_random_motion_realises_the_drawn_severity(seed, nx, ny, order, mm, degrees, per_slice, anchor):
    rand = RandSegmentedMotion(1, (mm, mm), (degrees, degrees), orders=[order], per_slice=per_slice, anchor=anchor,
                               spacing=SPACING)  # fmt: skip
    rand.set_random_state(seed)
    moved = rand(spots(nx, ny, 2))
    recorded = moved.applied_operations[-1]["extra_info"]
    assert recorded["rms_mm"] == pytest.approx(mm) and recorded["rms_degrees"] == pytest.approx(degrees)
    assert rand.drawn.poses.shape[:-2] == ((2,) if per_slice else ())


@pytest.mark.parametrize("order", ORDERS)
def test_random_motion_leaves_the_object_in_its_place(order):
    image = spots(64, 64, 1)
    rand = RandSegmentedMotion(1, 3.0, 0.0, orders=[order], spacing=SPACING).set_random_state(0)
    away = [float((centroid(plain(rand(image))) - centroid(image)).norm()) for _ in range(12)]
    assert np.median(away) < 0.35 and max(away) < 1.4  # voxels; 3 mm are 2 voxels


def test_the_centre_of_rotation_is_the_given_one_else_the_mask_else_the_image():
    image = torch.zeros(1, 33, 33, 1)
    x = torch.arange(33)
    image[0, :, :, 0] = torch.exp(-((x[:, None] - 22.0) ** 2 + (x - 12.0) ** 2) / (2 * 2.0**2))
    mask = torch.zeros(1, 33, 33, 1)
    mask[0, 21:24, 11:14] = 1
    turn = dict(poses=[[0.0, 0.0, 90.0]] * 2, anchor=False, spacing=SPACING)

    def place(img, **companions):
        return centroid(plain(img(image, **companions)))

    torch.testing.assert_close(place(SegmentedMotion(**turn), mask=mask), centroid(image), atol=1e-3, rtol=0)
    by_key = SegmentedMotiond("image", mask_key="heart", **turn)({"image": image, "heart": mask})["image"]
    torch.testing.assert_close(centroid(plain(by_key)), centroid(image), atol=1e-3, rtol=0)
    about_image = torch.tensor([20.0, 22.0], dtype=torch.float64)  # 16 - (12 - 16), 16 + (22 - 16)
    torch.testing.assert_close(place(SegmentedMotion(**turn)), about_image, atol=1e-3, rtol=0)
    torch.testing.assert_close(place(SegmentedMotion(**turn), mask=0 * mask), about_image, atol=1e-3, rtol=0)
    given = SegmentedMotion(centre=(22, 16), **turn)
    torch.testing.assert_close(
        place(given, mask=mask), torch.tensor([26.0, 16.0], dtype=torch.float64), atol=1e-3, rtol=0
    )


def test_tiny_images_have_at_most_one_shot_for_each_line():
    rand = RandSegmentedMotion(1, shots=(30, 30), phase_axes=(1,), spacing=SPACING).set_random_state(3)
    rand(spots(12, 6, 1))
    assert rand.drawn.poses.shape == (6, 3)
    with pytest.raises(ValueError, match="30 shots, more than the 6"):
        SegmentedMotion(np.zeros((30, 3)), spacing=SPACING)(spots(12, 6, 1))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"poses": np.zeros((4, 2))}, "poses"), ({"poses": [[0, math.nan, 0]]}, "poses"),
    ({"poses": np.zeros((0, 3))}, "poses"), ({"phase_axis": 2}, "phase_axis"), ({"order": "spiral"}, "order"),
    ({"affected": (0.5, 1.5)}, "affected"), ({"affected": (0.8, 0.2)}, "affected"), ({"centre": (1, 2, 3)}, "centre"),
    ({"spacing": (1, -1)}, "spacing"),
])  # fmt: skip
def test_wrong_arguments_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        SegmentedMotion(**{"poses": np.zeros((4, 3)), **arguments})


@pytest.mark.parametrize(("arguments", "message"), [
    ({"rms_mm": (-1, 2)}, "rms_mm"), ({"rms_degrees": (3, 2)}, "rms_degrees"), ({"shots": (0, 4)}, "shots"),
    ({"shots": (2.5, 4)}, "shots"), ({"phase_axes": (2,)}, "phase_axes"), ({"orders": ["spiral"]}, "orders"),
    ({"orders": "centric"}, "orders"), ({"affected": (0, 2)}, "affected"), ({"prob": 2}, "prob"),
])  # fmt: skip
def test_wrong_ranges_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandSegmentedMotion(**arguments)


def test_poses_for_another_number_of_slices_or_no_spacing_are_refused():
    with pytest.raises(ValueError, match="2 slices"):
        SegmentedMotion(np.zeros((2, 4, 3)), spacing=SPACING)(spots(8, 8, 3))
    with pytest.raises(ValueError, match="works in mm"):
        SegmentedMotion(np.zeros((4, 3)))(spots(8, 8, 3))
