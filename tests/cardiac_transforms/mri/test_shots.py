"""Segmented acquisition: lines partition, composed k-space is the object's, poses do what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels.shots import (
    ORDERS,
    centre_pose,
    compose_kspace,
    move_in_plane,
    shot_of_line,
    time_of_line,
)


def image_of(kspace: torch.Tensor, axis: int) -> torch.Tensor:
    """The picture of a fully acquired, phase-encoded signal."""
    return torch.fft.ifft(torch.fft.ifftshift(kspace, dim=axis), dim=axis, norm="ortho")


def smooth_object(nx: int, ny: int, nz: int, seed: int = 0) -> torch.Tensor:
    """A positive object ``(1, X, Y, Z)`` of a few Gaussian spots that vanishes at the border."""
    rng = np.random.default_rng(seed)
    x, y = np.mgrid[:nx, :ny]
    volume = np.zeros((1, nx, ny, nz))
    for z in range(nz):
        for _ in range(4):
            cx, cy = rng.uniform(0.35, 0.65, 2) * (nx, ny)
            volume[0, :, :, z] += np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * rng.uniform(1.5, 3) ** 2))
    volume[volume < 0.01] = 0
    return torch.from_numpy(volume).float()


@settings(deadline=None, max_examples=40)
@given(lines=st.integers(1, 300), data=st.data(), order=st.sampled_from(ORDERS))
def test_every_line_belongs_to_exactly_one_shot_and_shots_are_even(lines, data, order):
    shots = data.draw(st.integers(1, lines))
    shot = shot_of_line(lines, shots, order)
    counts = torch.bincount(shot, minlength=shots)
    assert shot.shape == (lines,) and len(counts) == shots and counts.sum() == lines
    assert counts.min() >= 1 and counts.max() - counts.min() <= 1


def test_order_decides_which_lines_a_shot_reads():
    assert torch.equal(torch.nonzero(shot_of_line(20, 4, "interleaved") == 1)[:, 0], torch.arange(1, 20, 4))
    assert torch.equal(torch.nonzero(shot_of_line(20, 4, "sequential") == 1)[:, 0], torch.arange(5, 10))


def test_centric_shots_are_rings_from_the_centre_outwards():
    shot = shot_of_line(20, 4, "centric")
    distance = (torch.arange(20) - 10).abs()
    for s in range(3):
        assert distance[shot == s].max() <= distance[shot == s + 1].min()
    assert shot[10] == 0 and shot[0] == 3


@settings(deadline=None, max_examples=40)
@given(lines=st.integers(2, 200), data=st.data(), order=st.sampled_from(ORDERS))
def test_time_runs_from_start_to_end_and_shots_follow_one_another(lines, data, order):
    shots = data.draw(st.integers(2, lines))
    shot, time = shot_of_line(lines, shots, order), time_of_line(lines, shots, order)
    assert time.min() == 0 and time.max() == 1
    for s in range(shots - 1):
        assert time[shot == s].max() < time[shot == s + 1].min()
    moments = torch.unique(time)
    if order == "segmented":  # time stands still within a heartbeat
        assert len(moments) == shots
    else:
        torch.testing.assert_close(moments, torch.linspace(0, 1, lines, dtype=torch.float64))


def test_a_single_line_or_beat_is_read_at_the_start():
    assert time_of_line(1, 1).tolist() == [0.0] and time_of_line(3, 1, "segmented").tolist() == [0.0] * 3


@pytest.mark.parametrize(("lines", "shots", "order"), [(8, 9, "sequential"), (8, 0, "sequential"), (8, 2, "spiral")])
def test_impossible_orders_are_refused(lines, shots, order):
    with pytest.raises(ValueError, match="must be"):
        shot_of_line(lines, shots, order)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("nx", "ny", "nz"), [(24, 18, 3), (15, 16, 1)])
def test_a_still_object_gives_its_own_spectrum(axis, nx, ny, nz):
    still = torch.randn(2, nx, ny, nz, generator=torch.Generator().manual_seed(1))
    shot = shot_of_line((nx, ny)[axis - 1], 5)
    kspace = compose_kspace(still.expand(5, -1, -1, -1, -1), shot, axis)
    expected = torch.fft.fftshift(torch.fft.fft(still, dim=axis, norm="ortho"), dim=axis)
    torch.testing.assert_close(kspace, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(image_of(kspace, axis).real, still, atol=1e-5, rtol=1e-5)


def test_each_line_comes_from_the_shot_that_reads_it():
    images = torch.randn(3, 1, 8, 12, 2, generator=torch.Generator().manual_seed(2))
    shot = shot_of_line(12, 3, "sequential")
    spectra = torch.fft.fftshift(torch.fft.fft(images, dim=3, norm="ortho"), dim=3)
    kspace = compose_kspace(images, shot, 2)
    for line in range(12):
        torch.testing.assert_close(kspace[:, :, line], spectra[shot[line]][:, :, line], atol=1e-5, rtol=1e-5)


def test_complex_objects_and_a_part_of_the_field_with_fewer_lines():
    g = torch.Generator().manual_seed(3)
    part = torch.complex(torch.randn(2, 1, 6, 7, 1, generator=g), torch.randn(2, 1, 6, 7, 1, generator=g))
    full = torch.zeros(2, 1, 6, 20, 1, dtype=torch.complex64)
    full[:, :, :, 9:16] = part
    shot = shot_of_line(10, 2)
    kspace = compose_kspace(part, shot, 2, size=20, start=9, first_line=-4)
    spectra = torch.fft.fftshift(torch.fft.fft(full, dim=3, norm="ortho"), dim=3)[:, :, :, 6:16]  # frequencies -4 to 5
    expected = torch.where((shot == 0)[:, None], spectra[0], spectra[1])
    torch.testing.assert_close(kspace, expected, atol=1e-5, rtol=1e-5)


def test_unknown_axis_or_missing_shot_is_refused():
    images = torch.zeros(2, 1, 8, 8, 1)
    with pytest.raises(ValueError, match="axis must be 1 or 2"):
        compose_kspace(images, shot_of_line(8, 2), 3)
    with pytest.raises(ValueError, match="names shot 2"):
        compose_kspace(images, shot_of_line(8, 3), 2)


@pytest.mark.parametrize("order", ["interleaved", "sequential"])
@pytest.mark.parametrize("axis", [1, 2])
def test_the_same_whole_voxel_shift_in_all_shots_rolls_the_image(order, axis):
    still = smooth_object(40, 32, 2)
    shots, nz = 4, still.shape[3]
    slices = still.permute(3, 0, 1, 2)  # one image per slice
    moved = move_in_plane(slices, torch.tensor([[3.0, -2.0]]).expand(nz, 2), torch.ones(nz))
    moved = moved.permute(1, 2, 3, 0)
    kspace = compose_kspace(moved.expand(shots, -1, -1, -1, -1), shot_of_line(still.shape[axis], shots, order), axis)
    picture = image_of(kspace, axis)
    torch.testing.assert_close(picture.real, torch.roll(still, (3, -2), (1, 2)), atol=1e-5, rtol=0)
    assert picture.imag.abs().max() < 1e-5


def test_movement_of_one_shot_spreads_along_phase_encoding_only():
    still = torch.zeros(1, 32, 32, 1)
    still[0, 12:20, 12:20] = 1
    poses = torch.tensor([[0.0, 0.0], [0.0, 4.0], [0.0, 0.0], [0.0, 0.0]])
    images = move_in_plane(still.permute(3, 0, 1, 2).expand(4, -1, -1, -1), poses, torch.ones(4))[:, :, :, :, None]
    change = image_of(compose_kspace(images, shot_of_line(32, 4), 2), 2).abs() - still
    rows = change[0, :, :, 0].abs().amax(1)
    assert rows[12:20].min() > 0.05 and rows[:12].max() < 1e-5 and rows[20:].max() < 1e-5
    # every fourth line is changed, so ghosts lie a quarter of the field away from the edges that moved
    assert change[0, 15, :8].abs().max() > 0.05


def test_a_subvoxel_shift_moves_the_centre_of_mass_and_keeps_the_mass():
    still = smooth_object(40, 40, 1, seed=5).permute(3, 0, 1, 2)
    moved = move_in_plane(still, torch.tensor([[1.3, -0.4]]), torch.ones(1))
    index = torch.arange(40.0)

    def centre(a: torch.Tensor) -> torch.Tensor:
        plane = a[0, 0] / a.sum()
        return torch.stack([(plane.sum(1) * index).sum(), (plane.sum(0) * index).sum()])

    torch.testing.assert_close(centre(moved) - centre(still), torch.tensor([1.3, -0.4]), atol=1e-3, rtol=0)
    torch.testing.assert_close(moved.sum(), still.sum(), rtol=1e-5, atol=0)


def test_scale_magnifies_the_area():
    disc = torch.zeros(1, 1, 65, 65)
    x = torch.arange(65) - 32.0
    disc[0, 0] = ((x[:, None] ** 2 + x**2) < 15**2).float()
    larger = move_in_plane(disc, torch.zeros(1, 2), torch.tensor([1.2]))
    assert float(larger.sum() / disc.sum()) == pytest.approx(1.44, rel=0.01)


def test_pose_at_the_centre_is_the_shot_of_the_central_lines():
    poses = torch.arange(8.0)[:, None] * torch.ones(3)
    assert torch.equal(centre_pose(poses, shot_of_line(64, 8, "interleaved")), torch.full((3,), 3.5))
    band = centre_pose(poses, shot_of_line(64, 8, "sequential"))  # line 32 opens shot 4
    assert torch.all((band > 3) & (band <= 4.5))
    late = centre_pose(poses, shot_of_line(64, 8, "sequential"), centre=11)  # partial Fourier: the centre is early
    assert torch.all(late == 1.0)


@pytest.mark.parametrize("order", ["interleaved", "sequential"])
def test_the_object_appears_in_the_pose_at_the_centre(order):
    """The picture of an object that drifts along phase encoding lies where its anchored pose says: at rest."""
    still = smooth_object(48, 48, 1, seed=7)
    shots = 8
    shot = shot_of_line(48, shots, order)
    course = torch.linspace(-1.5, 2.5, shots)[:, None] * torch.tensor([0.0, 1.0])
    poses = course - centre_pose(course, shot)
    images = move_in_plane(still.permute(3, 0, 1, 2).expand(shots, -1, -1, -1), poses, torch.ones(shots))
    picture = image_of(compose_kspace(images[..., None], shot, 2), 2).abs()
    shifts = range(-3, 4)
    errors = [float((torch.roll(picture, s, 2) - still).square().sum()) for s in shifts]
    assert shifts[int(np.argmin(errors))] == 0
