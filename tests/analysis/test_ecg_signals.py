import numpy as np
import pytest

from monai_jdl.analysis.ecg_signals import reconstruction_snr

RATE = 500.0
TIME = np.arange(5000) / RATE
SIGNAL = np.stack([np.sin(2 * np.pi * f * TIME) for f in (1.0, 2.3)])


def test_ratio_is_signal_power_over_error_power():
    noise = np.tile([0.1, -0.1], 2500)  # alternating, so that no shift removes it
    snr = reconstruction_snr(SIGNAL, SIGNAL + noise, RATE, max_shift=0.0)
    power = np.square(SIGNAL).sum(axis=1)
    assert snr == pytest.approx(10 * np.log10(power / (5000 * 0.01)), abs=0.01)


def test_shifts_in_time_and_height_are_forgiven_but_not_in_scale():
    padded = SIGNAL.copy()
    padded[:, :50] = padded[:, -50:] = np.nan
    moved = np.roll(SIGNAL, 20, axis=1) + 0.5
    assert reconstruction_snr(padded, moved, RATE).min() > 100
    assert reconstruction_snr(padded, np.roll(SIGNAL, 100, axis=1), RATE, max_shift=0.05).max() < 5
    assert reconstruction_snr(SIGNAL, 0.9 * SIGNAL, RATE) == pytest.approx(20.0, abs=0.01)


def test_what_is_missing_counts_as_zero_and_what_was_not_printed_does_not_count():
    half = SIGNAL.copy()
    half[:, 2500:] = np.nan
    assert np.isinf(reconstruction_snr(half, SIGNAL, RATE)).all()
    assert reconstruction_snr(SIGNAL, half, RATE) == pytest.approx(10 * np.log10(2), abs=0.1)
    assert reconstruction_snr(SIGNAL, np.full_like(SIGNAL, np.nan), RATE) == pytest.approx(0.0)
    assert np.isnan(reconstruction_snr(np.full_like(SIGNAL, np.nan), SIGNAL, RATE)).all()


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="same"):
        reconstruction_snr(SIGNAL, SIGNAL[:, :10], RATE)
