"""Translation line by line: rolls, agreement with the definition, one slice at a time, magnitude."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels import translation
from cardiac_transforms.mri.kernels.translation import translate_lines


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def without_nyquist(image: torch.Tensor) -> torch.Tensor:
    spectrum = torch.fft.fft2(image, dim=(1, 2))
    for axis in (1, 2):
        if image.shape[axis] % 2 == 0:
            spectrum.select(axis, image.shape[axis] // 2).zero_()
    return torch.fft.ifft2(spectrum, dim=(1, 2)).real


def by_definition(image: torch.Tensor, shift: torch.Tensor, axis: int) -> torch.Tensor:
    """Every line of the full complex spectrum, one after the other, times its ramp."""
    nx, ny = image.shape[1:3]
    kspace = torch.fft.fftshift(torch.fft.fft2(image, dim=(1, 2)), dim=(1, 2))
    kx, ky = (torch.arange(n, dtype=torch.float64) - n // 2 for n in (nx, ny))
    for line in range(image.shape[axis]):
        phase = torch.outer(torch.exp(-2j * math.pi * kx * shift[line, 0] / nx),
                            torch.exp(-2j * math.pi * ky * shift[line, 1] / ny))  # fmt: skip
        kspace.select(axis, line).mul_(phase.select(axis - 1, line)[None, :, None])
    return torch.fft.ifft2(torch.fft.ifftshift(kspace, dim=(1, 2)), dim=(1, 2)).abs()


@settings(deadline=None, max_examples=40)
@given(
    nx=st.integers(2, 13), ny=st.integers(2, 13), nz=st.integers(1, 3), axis=st.sampled_from([1, 2]),
    along=st.sampled_from(["both", "phase", "readout"]), seed=st.integers(0, 99),
)  # fmt: skip
def test_agrees_with_a_phase_ramp_on_every_line(nx, ny, nz, axis, along, seed):
    image = without_nyquist(noise(2, nx, ny, nz, seed=seed))
    shift = 6 * noise(image.shape[axis], 2, seed=seed + 1) - 3
    if along != "both":
        shift[:, 2 - axis if along == "phase" else axis - 1] = 0
    torch.testing.assert_close(translate_lines(image, shift, axis), by_definition(image, shift, axis))


@settings(deadline=None, max_examples=20)
@given(nx=st.integers(1, 12), ny=st.integers(1, 12), dx=st.integers(-9, 9), dy=st.integers(-9, 9),
       axis=st.sampled_from([1, 2]))  # fmt: skip
def test_the_same_whole_voxel_shift_in_all_lines_is_a_roll(nx, ny, dx, dy, axis):
    image = noise(1, nx, ny, 2)
    shift = torch.tensor([[dx, dy]]).expand(image.shape[axis], 2)
    torch.testing.assert_close(translate_lines(image, shift, axis), torch.roll(image, (dx, dy), (1, 2)))


@pytest.mark.parametrize("axis", [1, 2])
def test_without_movement_the_magnitude_comes_back(axis):
    image = noise(1, 6, 7, 2) - 0.5
    assert torch.equal(translate_lines(image, torch.zeros(image.shape[axis], 2), axis), image.abs())


@pytest.mark.parametrize("axis", [1, 2])
def test_an_object_displaced_alike_in_all_lines_stays_real_at_the_nyquist_frequency(axis):
    stripes = 1 + 0.5 * torch.tensor([1.0, -1.0]).repeat(4)
    image = (stripes[:, None] if axis == 1 else stripes).expand(8, 8)[None, ..., None]
    moved = translate_lines(image, torch.full((8, 2), 0.25), axis)
    torch.testing.assert_close(moved, 1 + (image - 1) * math.cos(math.pi / 4))


def test_movement_along_the_readout_does_not_spread_when_all_lines_share_it():
    image = torch.zeros(1, 16, 16, 1)
    image[0, 4:8, 5:9] = 1
    moved = translate_lines(image, torch.tensor([[0.5, 0.0]]).expand(16, 2), axis=2)
    assert moved[0, :, :5].abs().max() < 1e-5 and moved[0, :, 9:].abs().max() < 1e-5


@pytest.mark.parametrize("axis", [1, 2])
def test_blocks_of_work_do_not_show(axis, monkeypatch):
    image, shift = noise(2, 10, 9, 5).float(), 4 * noise((10, 9)[axis - 1], 2, seed=3)
    whole, phase_only = translate_lines(image, shift, axis), shift * torch.eye(2)[axis - 1]
    whole_phase = translate_lines(image, phase_only, axis)
    monkeypatch.setattr(translation, "BLOCK", 64)
    torch.testing.assert_close(translate_lines(image, shift, axis), whole)
    torch.testing.assert_close(translate_lines(image, phase_only, axis), whole_phase)


def test_float32_is_as_good_as_it_can_be_for_far_shifts():
    image, shift = noise(1, 32, 32, 1), 200 * noise(32, 2, seed=4)
    exact = translate_lines(image, shift, 2)
    assert (translate_lines(image.float(), shift, 2) - exact).abs().max() < 2e-6


@pytest.mark.parametrize(("shift", "axis", "message"), [
    (torch.zeros(8, 2), 3, "axis must be 1 or 2"), (torch.zeros(7, 2), 2, "shift must be"),
    (torch.zeros(8), 2, "shift must be"),
])  # fmt: skip
def test_wrong_arguments_are_refused(shift, axis, message):
    with pytest.raises(ValueError, match=message):
        translate_lines(torch.zeros(1, 8, 8, 1), shift, axis)
