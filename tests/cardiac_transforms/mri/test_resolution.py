"""Low resolution: thick slices average what they cover and no more; large voxels blur by the stated width."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels.resolution import average_slices, large_voxels, thick_slices
from cardiac_transforms.mri.resolution import InPlaneResolution, RandInPlaneResolution, RandThickSlices, ThickSlices


@pytest.mark.parametrize("spacing", [1.0, 1.5])
@pytest.mark.parametrize("factor", [2, 3, 5])
def test_thick_slices_without_gap_keep_the_sum(spacing, factor):
    mean, back = thick_slices(30, spacing, factor * spacing)
    torch.testing.assert_close(mean.sum(0) * factor, torch.ones(30, dtype=torch.float64))  # every impulse, once
    impulse = torch.zeros(1, 2, 2, 30, dtype=torch.float64)
    impulse[..., 14] = 1
    torch.testing.assert_close(average_slices(impulse, mean, back).sum(-1), impulse.sum(-1))


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(1, 40),
    spacing=st.floats(0.5, 10),
    thickness=st.floats(0.5, 30),
    gap=st.floats(0, 10),
    profile=st.sampled_from(["rectangular", "gaussian"]),
)
def test_both_matrices_are_symmetric_averages(size, spacing, thickness, gap, profile):
    mean, back = thick_slices(size, spacing, thickness, gap, profile)
    for matrix in (mean, back):
        assert (matrix >= 0).all()
        torch.testing.assert_close(matrix.sum(1), torch.ones(len(matrix), dtype=torch.float64))
        torch.testing.assert_close(matrix.flip(0, 1), matrix)


def test_a_gap_is_not_seen():
    mean, _ = thick_slices(12, spacing=1, thickness=2, gap=2)
    assert [row.nonzero().flatten().tolist() for row in mean] == [[1, 2], [5, 6], [9, 10]]


def test_a_gaussian_profile_has_its_half_maximum_at_the_edges_of_the_slice():
    mean, _ = thick_slices(401, spacing=0.05, thickness=4.0, gap=6.0, profile="gaussian")
    middle = mean[len(mean) // 2]
    half = (middle > middle.max() / 2).sum() * 0.05
    assert len(mean) % 2 == 0 or float(half) == pytest.approx(4.0, abs=0.06)
    mean, _ = thick_slices(401, spacing=0.05, thickness=4.0, gap=3.0, profile="gaussian")
    middle = mean[len(mean) // 2]
    assert float((middle > middle.max() / 2).sum() * 0.05) == pytest.approx(4.0, abs=0.06)
    assert (middle > 0).sum() * 0.05 > 8  # its tails reach over the gap


def test_a_ramp_stays_a_ramp_between_the_outermost_thick_slices():
    ramp = torch.arange(24, dtype=torch.float64).expand(1, 2, 3, 24)
    result = ThickSlices(4.0).apply(ramp, (1.0, 1.0, 1.0))
    torch.testing.assert_close(result[..., 2:-2], ramp[..., 2:-2])
    torch.testing.assert_close(ThickSlices(4.0).apply(torch.ones_like(ramp), (1, 1, 1)), torch.ones_like(ramp))


@pytest.mark.parametrize(("spacing", "thickness", "gap"), [(8.0, 8.0, 0.0), (8.0, 6.0, 2.0), (8.0, 5.0, 0.0)])
def test_a_stack_that_is_already_this_coarse_stays_as_it_is(spacing, thickness, gap):
    image = torch.rand(1, 5, 6, 7)
    for profile in ("rectangular", "gaussian"):
        assert torch.equal(ThickSlices(thickness, gap, profile).apply(image, (1.0, 1.0, spacing)), image)
    assert torch.equal(ThickSlices(20.0).apply(image[..., :1], (1.0, 1.0, spacing)), image[..., :1])


@pytest.mark.parametrize("thickness", [2.0, 12.0])
def test_thick_slices_without_shift_equal_those_shifted_by_nothing(thickness):
    image = torch.rand(2, 5, 6, 14, dtype=torch.float64)
    still = ThickSlices(thickness, shifts=[(0, 0)] * 14).apply(image, (1.0, 1.0, 1.0))
    torch.testing.assert_close(ThickSlices(thickness).apply(image, (1.0, 1.0, 1.0)), still)


def test_each_thick_slice_moves_by_its_own_mm_before_going_back_to_the_grid():
    image = torch.zeros(1, 20, 20, 8, dtype=torch.float64)
    image[0, 10, 10] = 1
    result = ThickSlices(4.0, shifts=[(3.0, 0.0), (0.0, -4.0)]).apply(image, (1.5, 2.0, 1.0))
    first, last = result[0, :, :, 0].nonzero().tolist(), result[0, :, :, -1].nonzero().tolist()
    assert first == [[12, 10]] and last == [[10, 8]]
    assert result[0, 12, 10, 3] == pytest.approx(0.625) and result[0, 10, 8, 3] == pytest.approx(0.375)
    with pytest.raises(ValueError, match="shifts"):
        ThickSlices(4.0, shifts=[(3.0, 0.0)]).apply(image, (1.5, 2.0, 1.0))


def test_random_thick_slices_always_draw_enough_displacements():
    image = torch.rand(1, 6, 6, 20)
    thick = RandThickSlices(1.0, (1.01, 12), misalignment=2.0, spacing=(1.0, 1.0, 1.0)).set_random_state(0)
    for _ in range(20):
        assert thick(image).shape == image.shape
        assert 1.01 <= thick.drawn.thickness <= 12 and 0 <= thick.drawn.gap <= 2 and len(thick.drawn.shifts) == 20


@pytest.mark.parametrize(("spacing", "voxel"), [(0.5, 2.0), (1.0, 3.0)])
def test_a_point_becomes_1_8_acquired_voxels_wide(spacing, voxel):
    point = torch.zeros(1, 256, 1, 1, dtype=torch.float64)
    point[:, 128] = 1
    spread = InPlaneResolution(voxel).apply(point, (spacing, spacing, 1.0))[0, :, 0, 0].numpy()
    right = spread[128:] / spread[128]
    half = np.interp(-0.5, -right[:40], np.arange(40.0)) * 2 * spacing
    assert half == pytest.approx(1.81 * voxel, rel=0.02)


def test_an_edge_blurs_without_visible_ringing_and_the_mean_stays():
    edge = torch.zeros(1, 255, 8, 2, dtype=torch.float64)
    edge[:, 64:192] = 1
    result = large_voxels(edge, (0.3, 1.0))
    assert float(result.max()) < 1.01 and float(result[:, 120:130].sub(1).abs().max()) < 0.005
    assert float(result.mean()) == pytest.approx(float(edge.mean()), rel=0.01)
    assert 0.3 < float(result[0, 64, 0, 0]) < 0.7
    constant = torch.full((1, 9, 10, 2), 2.0)
    torch.testing.assert_close(large_voxels(constant, (0.1, 0.05)), constant)


def test_voxels_that_are_already_that_large_stay_and_axes_are_separate():
    image = torch.rand(1, 16, 18, 3)
    assert torch.equal(InPlaneResolution(1.5).apply(image, (1.5, 2.0, 8.0)), image)
    one = InPlaneResolution((3.0, 2.0)).apply(image, (1.5, 2.0, 8.0))
    torch.testing.assert_close(one, large_voxels(image, (0.5, 1.0)))
    alone = torch.cat([InPlaneResolution(3.0).apply(image[..., z : z + 1], (1.5, 2.0, 8.0)) for z in range(3)], -1)
    torch.testing.assert_close(InPlaneResolution(3.0).apply(image, (1.5, 2.0, 8.0)), alone)


def test_random_voxels_are_drawn_for_each_axis_within_the_range():
    drawn = RandInPlaneResolution(1.0, (2, 3), spacing=(1, 1)).set_random_state(0).draw((1, 8, 8, 1)).voxel_mm
    assert drawn[0] != drawn[1] and all(2 <= v <= 3 for v in drawn)


@pytest.mark.parametrize("transform", [ThickSlices(), InPlaneResolution()])
def test_without_spacing_the_transform_says_what_it_needs(transform):
    with pytest.raises(ValueError, match=f"{type(transform).__name__} works in mm"):
        transform(torch.rand(1, 8, 8, 4))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ThickSlices(0), "thickness"),
        (lambda: ThickSlices(gap=-1), "gap"),
        (lambda: ThickSlices(profile="sinc"), "profile"),
        (lambda: ThickSlices(shifts=[(1.0,)]), "shifts"),
        (lambda: RandThickSlices(misalignment=-1), "misalignment"),
        (lambda: RandThickSlices(profile="sinc"), "profile"),
        (lambda: InPlaneResolution((1.0, 2.0, 3.0)), "voxel_mm"),
        (lambda: thick_slices(4, 1, 2, profile="sinc"), "profile"),
    ],
)
def test_bad_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
