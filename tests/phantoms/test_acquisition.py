"""K-space, noise and display."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ive

from monai_jdl.phantoms import acquisition
from monai_jdl.phantoms.acquisition import Protocol, acquired_lines, phase_encode, read_out, reconstruct, store

SIZE = 64
FULL = Protocol("magnitude", 900.0, 2, 1.45, 8.0, 9.0, SIZE, SIZE, 1.0, 16, True, 0.0)
REDUCED = replace(FULL, lines=50, readout=56, partial_fourier=0.75, apodisation=0.6)


def acquire(image: np.ndarray, protocol: Protocol, noise_sd: float, seed: int = 0) -> np.ndarray:
    kspace = read_out(phase_encode(image, protocol), protocol)
    return reconstruct(kspace, protocol, SIZE, noise_sd, np.random.default_rng(seed))


def test_a_full_noiseless_acquisition_returns_the_object():
    scene = np.random.default_rng(0).normal(size=(2, SIZE, SIZE)).astype(np.float32)
    np.testing.assert_allclose(acquire(scene, replace(FULL, display="psir"), 0.0), scene, atol=1e-5)
    np.testing.assert_allclose(acquire(scene, FULL, 0.0), np.abs(scene), atol=1e-5)


def test_a_smaller_matrix_keeps_the_mean_and_loses_only_high_frequencies():
    scene = np.random.default_rng(0).normal(size=(1, SIZE, SIZE)).astype(np.float32)
    low = acquire(scene, replace(FULL, display="psir", lines=32, readout=40), 0.0)
    np.testing.assert_allclose(low.mean(), scene.mean(), atol=1e-6)
    change = np.fft.fft2(low[0] - scene[0])
    frequency = np.abs(np.fft.fftfreq(SIZE, 1 / SIZE))
    kept = (frequency[:, None] < 20) & (frequency < 16)
    assert np.abs(change[kept]).max() < 1e-3 * np.abs(change[~kept]).max()


def test_partial_fourier_leaves_out_the_stated_share_and_never_the_centre():
    measured = acquired_lines(REDUCED)
    assert measured.sum() == pytest.approx(0.75 * REDUCED.lines, abs=1)
    assert measured[REDUCED.lines // 2 - 8 :].all()


@pytest.mark.parametrize("protocol", [FULL, REDUCED])
@pytest.mark.parametrize("signal", [0.0, 1.0, 3.0])
def test_magnitude_noise_is_rician(protocol, signal):
    """Mean against sigma sqrt(pi/2) L_1/2(-s^2 / 2 sigma^2) with Bessel functions, whatever the matrix and filter."""
    image = acquire(np.full((8, SIZE, SIZE), signal, dtype=np.float32), protocol, noise_sd=1.0, seed=1)
    x = signal**2 / 4
    expected = np.sqrt(np.pi / 2) * ((1 + 2 * x) * ive(0, x) + 2 * x * ive(1, x))
    assert image.mean() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("protocol", [FULL, REDUCED])
def test_phase_sensitive_noise_is_gaussian_about_the_signed_signal(protocol):
    image = acquire(np.full((8, SIZE, SIZE), -2.0, dtype=np.float32), replace(protocol, display="psir"), 0.5, seed=2)
    assert image.mean() == pytest.approx(-2.0, abs=0.01)
    assert image.std() == pytest.approx(0.5, rel=0.02)


def test_protocols_follow_the_recommendations():
    for seed in range(200):
        protocol = acquisition.draw_protocol(np.random.default_rng(seed), "psir", 256)
        assert 1.40 <= protocol.pixel <= 1.50 and protocol.thickness == 8 and 8 <= protocol.spacing <= 10
        field = 256 * protocol.pixel
        assert 1.4 <= field / protocol.readout <= 1.7 and 1.4 <= field / protocol.lines <= 1.82
        assert 1150 <= protocol.repetition <= 2400  # every beat, every second or every third


def test_stored_values_are_12_bit_and_psir_has_its_zero_at_2048():
    picture = np.array([-1.0, 0.0, 1.0, 1e6], dtype=np.float32)
    assert store(picture, "psir", 100.0).tolist() == [1948, 2048, 2148, 4095]
    assert store(np.abs(picture), "magnitude", 100.0).tolist() == [100, 0, 100, 4095]
    assert store(picture, "psir", 1.0).dtype == np.int16


def test_coil_shading_is_smooth_and_near_one():
    for seed in range(20):
        field = acquisition.coil_shading(np.random.default_rng(seed), 3, 64)
        assert 0.2 < field.min() and field.max() < 2.5 and field.mean() == pytest.approx(1, abs=0.1)
        assert np.abs(np.diff(field, axis=1)).max() < 0.05
