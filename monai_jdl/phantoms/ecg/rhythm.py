"""When the heart beats: sinus rhythm with respiratory and slow variability, atrial fibrillation, ventricular ectopics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RHYTHMS = ("sinus", "ectopics", "fibrillation")
"""Sinus rhythm, sinus rhythm with ventricular ectopic beats, atrial fibrillation."""
_MARGIN = 1.5  # seconds of beats before and after the record, whose waves reach into it


@dataclass(frozen=True)
class Beats:
    """Beats of a record and just outside it.

    Attributes:
        time: of the R waves in seconds, ``[B]``.
        rr: RR interval in seconds to which repolarisation has adapted (mean of the three before the beat), ``[B]``.
        ectopic: whether the beat arises in the ventricles, ``[B]``.
        breath: phase of breathing at the beats, rad, ``[B]``.
        breathing_rate: Hz.
    """

    time: np.ndarray
    rr: np.ndarray
    ectopic: np.ndarray
    breath: np.ndarray
    breathing_rate: float


def draw_beats(rng: np.random.Generator, rhythm: str, heart_rate: float, duration: float) -> Beats:
    """Draw the beats of a record of ``duration`` seconds at a mean rate of ``heart_rate`` beats per minute.

    RR in sinus rhythm: respiratory arrhythmia of 1 to 5 %, a wave near 0.1 Hz of 1 to 3 % and 0.8 % from beat to beat (in
    the range of resting adults). In fibrillation RR is independent from beat to beat with a coefficient of variation of 15
    to 25 %. One or two ectopic beats come 35 % early, with a compensatory pause. The mean over the record is the asked one.
    """
    breathing = rng.uniform(0.18, 0.33)
    phases = rng.uniform(0, 2 * np.pi, 2)
    respiratory, slow = rng.uniform(0.01, 0.05), rng.uniform(0.01, 0.03)
    first = rng.random()
    spread = rng.uniform(0.15, 0.25)
    mean = 60 / heart_rate
    count = int((duration + 2 * _MARGIN) / mean * 1.6) + 8
    jitter = rng.normal(size=count)
    chosen = rng.permutation(np.arange(3, max(4, int(duration / mean))))[: 1 + int(rng.random() < 0.4)]
    if rhythm == "fibrillation":
        rr = np.maximum(np.exp(spread * jitter), 0.33 / mean)
    else:
        at = mean * np.arange(count)
        wave = respiratory * np.sin(2 * np.pi * breathing * at + phases[0])
        rr = 1 + wave + slow * np.sin(2 * np.pi * 0.1 * at + phases[1]) + 0.008 * jitter
    before = int(np.ceil(_MARGIN / mean)) + 1
    inside = max(2, round(duration / mean))
    rr *= mean / rr[before : before + inside].mean()
    time = np.concatenate([[0.0], np.cumsum(rr)])
    time += first * mean - time[before]
    ectopic = np.zeros(time.size, dtype=bool)
    if rhythm == "ectopics":
        ectopic[before + chosen] = True
        time[ectopic] -= 0.35 * mean
    padded = np.pad(np.diff(time), (3, 0), mode="edge")
    adapted = np.convolve(padded, np.ones(3) / 3, "valid")
    kept = (time > -_MARGIN) & (time < duration + _MARGIN)
    breath = 2 * np.pi * breathing * time + phases[0]
    return Beats(time[kept], adapted[kept], ectopic[kept], breath[kept], breathing)


def fibrillatory_waves(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Dipole in mV of the fibrillating atria, ``[T, 3]``: 5 to 8 Hz, wandering in frequency and size, largest in V1.

    Args:
        rng: source of the draws.
        t: times in seconds, ``[T]``.
    """
    frequency, size = rng.uniform(5, 8), rng.uniform(0.03, 0.09)
    drift = rng.uniform(0.1, 0.4, 2)
    start = rng.uniform(0, 2 * np.pi, 3)
    phase = 2 * np.pi * frequency * t + 1.2 * np.sin(2 * np.pi * drift[0] * t + start[0]) + start[1]
    envelope = size * (1 + 0.4 * np.sin(2 * np.pi * drift[1] * t + start[2]))
    wave = envelope * (np.sin(phase) + 0.3 * np.sin(2 * phase + 0.8))
    direction = np.array([-0.2, 0.5, -0.8]) + 0.2 * rng.normal(size=3)
    return np.outer(wave, direction / np.linalg.norm(direction))
