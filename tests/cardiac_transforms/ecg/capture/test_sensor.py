"""Lens and sensor: blur of the stated width, noise of the stated SD, moire of the stated waves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from cardiac_transforms.ecg.capture import Moire, PageBlur, RandMoire, RandPageBlur, RandSensorNoise, SensorNoise

from .pages import gridded, plain


def test_blur_is_scipys_gaussian_also_across_the_bands_and_at_the_edges():
    page = torch.from_numpy(np.random.RandomState(0).uniform(0, 255, (3, 150, 70)).astype(np.float32))
    for sigma in (0.7, 1.3, 4.0):
        expected = gaussian_filter(page.numpy(), (0, sigma, sigma), mode="nearest", truncate=4)
        found = PageBlur(sigma)(page).numpy()
        # kernels end at 2.5 sigma: what is left out is 1 % of the weight
        assert np.abs(found - expected).max() < 0.03 * 255
        assert np.abs(found - expected).mean() < 0.7


@settings(deadline=None, max_examples=20)
@given(length=st.floats(1, 20), direction=st.floats(0, 180))
def test_motion_spreads_a_point_along_its_path(length, direction):
    page = plain(81, 81, 0.0, 1)
    page[:, 40, 40] = 200.0
    picture = PageBlur(0.0, length, direction)(page).as_tensor()[0].double()
    assert float(picture.sum()) == pytest.approx(200, rel=1e-4)
    at = torch.arange(81, dtype=torch.float64) - 40
    y, x = torch.meshgrid(at, at, indexing="ij")
    angle = math.radians(direction)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    spread = [float((picture * d**2).sum() / 200) for d in (along, across)]
    steps = math.ceil(length) + 1
    path = length**2 / 12 * (steps + 1) / (steps - 1)  # of that many points
    assert path - 0.01 < spread[0] < path + 0.27 and spread[1] < 0.27  # bilinear weights add up to a quarter


def test_no_blur_is_the_identity():
    page = gridded()
    torch.testing.assert_close(PageBlur(0.0)(page).as_tensor(), page)
    torch.testing.assert_close(PageBlur(0.2)(page).as_tensor(), page)


@pytest.mark.parametrize("value", [30.0, 120.0, 220.0])
def test_noise_has_the_stated_sd_by_brightness_and_is_white(value):
    page = plain(300, 400, value)
    noise = (SensorNoise(6.0, 2.0, seed=3)(page).as_tensor() - page).double()
    expected = math.sqrt(2.0**2 + 6.0**2 * value / 255)
    assert float(noise.std()) == pytest.approx(expected, rel=0.02) and abs(float(noise.mean())) < 0.05
    unit = noise / noise.std()
    for shift in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 32, 0), (0, 64, 0), (0, 5, 9)):
        rolled = torch.roll(unit, shift, dims=(0, 1, 2))
        assert abs(float((unit * rolled).mean())) < 0.01, shift


def test_noise_depends_on_its_seed_only():
    page = plain(100, 100, 128.0)
    assert torch.equal(SensorNoise(seed=1)(page), SensorNoise(seed=1)(page))
    assert not torch.equal(SensorNoise(seed=1)(page), SensorNoise(seed=2)(page))
    torch.testing.assert_close(SensorNoise(0, 0)(page).as_tensor(), page)


def test_a_wave_of_moire_has_its_period_direction_strength_and_its_colours_a_third_apart():
    page = plain(256, 256, 100.0)
    gain = (Moire(((16.0, 0.0, 0.0),), strength=0.2, colour=1.0)(page).as_tensor() / 100).double()
    spectra = torch.fft.fft2(gain)
    for spectrum in spectra:
        size = spectrum.abs()
        size[0, 0] = 0
        row, column = divmod(int(size.argmax()), 256)
        assert (row, column) in ((0, 16), (0, 240))
    phases = torch.angle(spectra[:, 0, 16])
    apart = torch.remainder(phases[1:] - phases[:-1], 2 * math.pi)
    torch.testing.assert_close(apart, torch.full_like(apart, 2 * math.pi / 3), atol=1e-3, rtol=0)
    assert float(gain.max()) == pytest.approx(1.2, abs=1e-3) and float(gain.min()) == pytest.approx(0.8, abs=1e-3)
    assert float(gain.mean()) == pytest.approx(1, abs=1e-3)
    grey = Moire(((9.0, 40.0, 3.0),), colour=0.0)(page).as_tensor()
    torch.testing.assert_close(grey[0], grey[2])


def test_bending_turns_the_phase_by_that_many_periods_at_the_edge():
    gain = Moire(((32.0, 90.0, 2.0),), strength=0.5, colour=0.0)(plain(256, 512, 100.0)).as_tensor()[0] / 100
    row = gain[0]  # across the wave only the bending is left: 2 periods from the middle to the edge
    peaks = int(((row[1:-1] > row[:-2]) & (row[1:-1] >= row[2:])).sum())
    assert peaks in (3, 4, 5)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: PageBlur(-1), "sigma"),
        (lambda: PageBlur(1, 50), "motion"),
        (lambda: RandPageBlur(sigma=(0, 20)), "sigma"),
        (lambda: SensorNoise(-1), "shot"),
        (lambda: RandSensorNoise(read=(-1, 1)), "read"),
        (lambda: Moire(((1.0, 0, 0),)), "waves"),
        (lambda: Moire(()), "waves"),
        (lambda: Moire(strength=2), "strength"),
        (lambda: RandMoire(period=(1, 5)), "period"),
    ],
)
def test_impossible_arguments_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
