"""What a ruler measures on a noiseless ECG: amplitudes and durations of Q, R, S and T in each lead."""

from __future__ import annotations

import numpy as np

from monai_jdl.phantoms.ecg import ECGCase


def mean_beat(case: ECGCase, before: float = 0.12, after: float = 0.45) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the beats of sinus origin, ``[12, N]``, and its times in seconds from the QRS onset, ``[N]``."""
    t = np.arange(round((before + after) * case.rate)) / case.rate - before
    starts = np.round((case.qrs_onsets[~case.ectopic] - before) * case.rate).astype(int)
    whole = [s for s in starts if s >= 0 and s + t.size <= case.clean.shape[1]]
    return np.mean([case.clean[:, s : s + t.size] for s in whole], axis=0), t


def measure(case: ECGCase) -> dict[str, np.ndarray]:
    """Amplitudes in mV and durations in ms, each ``[12]``: q, q_ms, r, s, t. Depths of Q and S are positive."""
    beat, t = mean_beat(case)
    beat = beat - beat[:, (t > -0.03) & (t < -0.01)].mean(1, keepdims=True)
    inside = (t >= 0) & (t <= case.qrs_duration / 1000)
    qrs, after = beat[:, inside], beat[:, (t > case.qrs_duration / 1000 + 0.06)]
    columns = np.arange(qrs.shape[1])
    peak = np.where(qrs.max(1) > 0.05, qrs.argmax(1), columns[-1])[:, None]  # no R: the complex is one Q (QS)
    early, late = columns < peak, columns > peak
    return {
        "q": np.maximum(-np.where(early, qrs, 0).min(1), 0),
        "q_ms": ((qrs < -0.03) & early).sum(1) * 1000 / case.rate,
        "r": np.maximum(qrs.max(1), 0),
        "s": np.maximum(-np.where(late, qrs, 0).min(1), 0),
        "t": np.take_along_axis(after, np.abs(after).argmax(1)[:, None], 1)[:, 0],
    }


def features(case: ECGCase) -> np.ndarray:
    """What a reader would write down, ``[87]``.

    All of :func:`measure`; for each lead whether Q is pathological (30 ms and 0.1 mV) and whether T is inverted (0.1 mV); QRS
    duration in ms and the axis as its sine and cosine.
    """
    m, axis = measure(case), np.deg2rad(case.qrs_axis)
    pathological = (m["q_ms"] >= 30) & (m["q"] >= 0.1)
    return np.concatenate([*m.values(), pathological, m["t"] < -0.1, [case.qrs_duration, np.sin(axis), np.cos(axis)]])
