"""Noise of magnitude images against the closed forms of the Rice and non-central chi distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from cardiac_transforms.mri.kernels.noise import magnitude_noise, reference_signal
from cardiac_transforms.mri.noise import MagnitudeNoise, RandMagnitudeNoise

N = 40_000


def noisy(signal: float, sigma: float, coils: int, seed: int = 0) -> np.ndarray:
    image = torch.full((1, N // 100, 100, 1), signal, dtype=torch.float64)
    return magnitude_noise(image, sigma, coils, torch.Generator().manual_seed(seed)).flatten().numpy()


@pytest.mark.parametrize("signal", [0.0, 1.0, 3.0, 20.0])
def test_one_coil_has_the_mean_and_second_moment_of_the_rice_distribution(signal):
    sigma, m = 0.8, noisy(signal, 0.8, 1)
    x = -(signal**2) / (2 * sigma**2)
    laguerre = (1 - x) * special.ive(0, -x / 2) - x * special.ive(1, -x / 2)
    mean = sigma * math.sqrt(math.pi / 2) * laguerre
    assert m.mean() == pytest.approx(mean, abs=5 * sigma / math.sqrt(N))
    assert (m**2).mean() == pytest.approx(signal**2 + 2 * sigma**2, abs=5 * (m**2).std() / math.sqrt(N))


@pytest.mark.parametrize("coils", [1, 2, 4, 16])
@pytest.mark.parametrize("signal", [0.0, 2.5])
def test_several_coils_follow_the_non_central_chi_distribution(coils, signal):
    sigma, m = 0.5, noisy(signal, 0.5, coils, seed=1)
    assert (m**2).mean() == pytest.approx(signal**2 + 2 * coils * sigma**2, abs=5 * (m**2).std() / math.sqrt(N))
    squared = stats.ncx2(2 * coils, (signal / sigma) ** 2) if signal else stats.chi2(2 * coils)
    assert stats.kstest((m / sigma) ** 2, squared.cdf).pvalue > 1e-3


def test_the_distribution_is_that_of_explicitly_drawn_channels():
    rng = np.random.default_rng(0)
    channels = rng.normal(size=(3, 2, N)) * 0.7
    channels[:, 0] += np.array([1.0, 2.0, 2.0])[:, None]  # root sum of squares 3
    explicit = np.sqrt((channels**2).sum((0, 1)))
    assert stats.ks_2samp(explicit, noisy(3.0, 0.7, 3)).pvalue > 1e-3


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_the_stated_snr_is_realised_whatever_the_intensity_scale_and_the_air_around(scale):
    image = torch.zeros(2, 60, 60, 5)
    image[0, 20:50, 20:50], image[1, 5:30, :40] = 3 * scale, 7 * scale
    difference = MagnitudeNoise(snr=25, seed=3).apply(image, None) - image
    for channel, signal in enumerate((3, 7)):
        assert scale * signal / float(difference[channel][image[channel] > 0].std()) == pytest.approx(25, rel=0.05)
        rayleigh = float(difference[channel][image[channel] == 0].mean())
        assert rayleigh == pytest.approx(scale * signal / 25 * math.sqrt(math.pi / 2), rel=0.05)


def test_a_stated_signal_sets_sigma():
    difference = MagnitudeNoise(snr=10, signal=5.0).apply(torch.full((1, 50, 50, 4), 100.0), None) - 100
    assert float(difference.std()) == pytest.approx(0.5, rel=0.05)


def test_the_reference_is_the_tissue_signal():
    image = torch.zeros(3, 6, 6, 2)
    image[0, 2:4, 2:4], image[1] = 5, 5
    assert reference_signal(image).flatten().tolist() == [5, 5, 0]
    assert torch.equal(MagnitudeNoise().apply(image[2:], None), image[2:])  # nothing to refer to: no noise


def test_noise_is_independent_between_voxels_and_channels():
    noise = MagnitudeNoise(snr=1, signal=1.0).apply(torch.full((2, 40, 40, 10), 50.0), None) - 50
    flat = noise.flatten(1).double()
    assert abs(float(torch.corrcoef(flat)[0, 1])) < 0.04
    assert abs(float(torch.corrcoef(torch.stack([flat[0, :-1], flat[0, 1:]]))[0, 1])) < 0.04


@pytest.mark.parametrize("coils", [1, 3])
def test_a_seed_decides_the_noise_whatever_the_memory_layout(coils):
    image = torch.rand(1, 12, 10, 3, generator=torch.Generator().manual_seed(0))
    transform = MagnitudeNoise(coils=coils, seed=5)
    first = transform.apply(image, None)
    other_layout = image.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    assert torch.equal(first, transform.apply(image, None))
    torch.testing.assert_close(first, transform.apply(other_layout, None))
    assert not torch.equal(first, MagnitudeNoise(coils=coils, seed=6).apply(image, None))


def test_random_noise_draws_a_ratio_and_a_new_seed_each_time():
    noise = RandMagnitudeNoise(1.0, (10, 12), coils=2).set_random_state(0)
    drawn = [noise.draw((1, 4, 4, 1)) for _ in range(10)]
    assert len({d.seed for d in drawn}) == 10 and all(10 <= d.snr <= 12 and d.coils == 2 for d in drawn)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: MagnitudeNoise(snr=0), "snr"),
        (lambda: MagnitudeNoise(coils=0), "coils"),
        (lambda: MagnitudeNoise(signal=-1), "signal"),
        (lambda: RandMagnitudeNoise(snr=(0, 10)), "snr"),
        (lambda: RandMagnitudeNoise(coils=0), "coils"),
        (lambda: RandMagnitudeNoise(signal=-1), "signal"),
    ],
)
def test_bad_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
