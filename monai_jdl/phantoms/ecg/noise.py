"""What the electrodes pick up besides the heart: breathing, muscle, mains and bad contact."""

from __future__ import annotations

import numpy as np
import scipy.fft

from monai_jdl.phantoms.ecg.torso import ELECTRODES


def electrode_noise(rng: np.random.Generator, t: np.ndarray, rate: float, breathing_rate: float) -> np.ndarray:
    """Noise of the nine electrodes in mV, ``[9, T]``.

    Baseline wander (breathing, and slow drift below 0.4 Hz), muscle noise (20 to 150 Hz, stronger on the limbs, with bursts),
    mains hum of 50 or 60 Hz in a third of the records, and in one record of twelve a contact that jumps and recovers.

    Args:
        rng: source of the draws.
        t: times in seconds, ``[T]``.
        rate: samples per second.
        breathing_rate: Hz.
    """
    count, size = len(ELECTRODES), t.size
    wander, muscle = rng.lognormal(np.log(0.035), 0.6), rng.lognormal(np.log(0.0045), 0.6)
    gain = rng.uniform(0.3, 1.0, (count, 1))
    noise = 0.6 * wander * gain * np.sin(2 * np.pi * breathing_rate * t + rng.uniform(0, 0.8, (count, 1)))
    noise += wander * _band(rng, count, size, rate, 0.02, 0.4)
    envelope = 1 + 0.5 * np.abs(_band(rng, count, size, rate, 0.05, 1.0))
    limb = np.where(np.arange(count) < 3, 1.4, 1.0)[:, None]
    noise += muscle * limb * envelope * _band(rng, count, size, rate, 20, 150)
    hum, mains = rng.random() < 1 / 3, (50.0, 60.0)[int(rng.integers(2))]
    level, phase = rng.uniform(0.002, 0.012), rng.uniform(0, 2 * np.pi)
    if hum:
        noise += level * rng.uniform(0, 1, (count, 1)) * np.sin(2 * np.pi * mains * t + phase)
    jumps, electrode = rng.random() < 1 / 12, int(rng.integers(count))
    at, step, recovery = rng.uniform(0, t[-1]), rng.choice([-1, 1]) * rng.uniform(0.2, 0.6), rng.uniform(0.2, 1.0)
    if jumps:
        noise[electrode] += step * np.where(t >= at, np.exp(-np.maximum(t - at, 0) / recovery), 0)
    return noise


def _band(rng: np.random.Generator, count: int, size: int, rate: float, low: float, high: float) -> np.ndarray:
    """Gaussian noise of unit standard deviation between ``low`` and ``high`` Hz, ``[count, size]``."""
    length = scipy.fft.next_fast_len(size, real=True)
    frequency = scipy.fft.rfftfreq(length, 1 / rate)
    inside = np.flatnonzero((frequency >= low) & (frequency <= high))
    if inside.size == 0:  # the record is too short for so slow a band
        return np.repeat(rng.normal(size=(count, 1)), size, 1)
    spectrum = np.zeros((count, frequency.size), dtype=complex)
    real, imaginary = rng.normal(size=(2, count, inside.size))
    spectrum[:, inside] = (real + 1j * imaginary) * length / (2 * np.sqrt(inside.size))
    return scipy.fft.irfft(spectrum, length, axis=1)[:, :size]
