"""The heart's dipole over one beat as sums of Gaussians, after Sameni et al. 2007.

Source of the tables: R. Sameni, G. D. Clifford, C. Jutten, M. B. Shamsollahi, "Multichannel ECG and noise modeling:
application to maternal and fetal ECG signals", EURASIP Journal on Advances in Signal Processing 2007, 43407, Table 1. Their
phases, where 2 pi is one beat, are read at 60 beats per minute and kept as seconds from the R wave, because a QRS complex does
not shorten with the RR interval. Axes: +X left, +Y inferior, +Z posterior; amplitudes in mV as they go into the Dower matrix.
The last Gaussian of each axis (phase 2.8 or 2.9, a slow offset between the beats) is left out: the line between T and P is the
zero of an ECG.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEP = 0.001  # seconds; of the grid on which onsets and ends are found, before interpolation


@dataclass(frozen=True)
class Waves:
    """A vector-valued sum of Gaussians of time, ``sum_g amplitude[g] exp(-((t - time[g]) / width[g])^2 / 2)``.

    Attributes:
        time: centres in seconds from the R wave, ``[G]``.
        width: standard deviations in seconds, ``[G]``.
        amplitude: dipole in mV, ``[G, 3]``.
    """

    time: np.ndarray
    width: np.ndarray
    amplitude: np.ndarray

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The dipole at times ``t`` (seconds, ``[N]``): mV, ``[N, 3]``."""
        return np.exp(-0.5 * ((t[:, None] - self.time) / self.width) ** 2) @ self.amplitude

    def __add__(self, other: Waves) -> Waves:
        return Waves(
            np.concatenate([self.time, other.time]),
            np.concatenate([self.width, other.width]),
            np.concatenate([self.amplitude, other.amplitude]),
        )

    def stretched(self, factor: float) -> Waves:
        """The same shape with all times and widths multiplied by ``factor``."""
        return Waves(self.time * factor, self.width * factor, self.amplitude)

    def shifted(self, seconds: float) -> Waves:
        """The same shape later by ``seconds``."""
        return Waves(self.time + seconds, self.width, self.amplitude)

    def mapped(self, matrix: np.ndarray) -> Waves:
        """The same shape with every dipole multiplied by ``matrix``, ``[3, 3]``."""
        return Waves(self.time, self.width, self.amplitude @ matrix.T)

    def varied(self, rng: np.random.Generator, amplitude: float, width: float, time: float) -> Waves:
        """A patient's own variant: relative spread of amplitudes and widths, and spread of the centres in seconds."""
        draws = rng.normal(size=(self.time.size, 3))  # by rows: waves added at the end leave the others' draws alone
        return Waves(
            self.time + time * draws[:, 0],
            self.width * np.exp(width * draws[:, 1]),
            self.amplitude * (1 + amplitude * draws[:, 2:]),
        )

    @property
    def area(self) -> np.ndarray:
        """Integral over time, mV s, ``[3]``."""
        return np.sqrt(2 * np.pi) * self.width @ self.amplitude

    def extent(self, share: float) -> tuple[float, float, float]:
        """Onset, peak and end in seconds: where the dipole's magnitude first and last exceeds ``share`` of its maximum."""
        t = np.arange((self.time - 4 * self.width).min(), (self.time + 4 * self.width).max(), _STEP)
        magnitude = np.linalg.norm(self(t), axis=1)
        level = share * magnitude.max()
        above = np.flatnonzero(magnitude >= level)
        first, last = max(above[0], 1), min(above[-1], t.size - 2)
        onset = np.interp(level, magnitude[first - 1 : first + 1], t[first - 1 : first + 1])
        end = np.interp(-level, -magnitude[last : last + 2], t[last : last + 2])
        return float(onset), float(t[magnitude.argmax()]), float(end)


def _sameni(*axes: tuple[list[float], list[float], list[float]]) -> Waves:
    """Waves from (phase in rad, mV, width in rad) of X, Y and Z."""
    phase, alpha, width = (np.concatenate([axis[k] for axis in axes]) for k in range(3))
    axis_of = np.repeat(np.arange(3), [len(axis[0]) for axis in axes])
    second = 1 / (2 * np.pi)
    return Waves(phase * second, width * second, alpha[:, None] * np.eye(3)[axis_of])


def _milliseconds(rows: list[tuple[float, float, tuple[float, float, float]]]) -> Waves:
    """Waves from rows of (centre in ms, width in ms, dipole in mV)."""
    return Waves(
        np.array([row[0] for row in rows]) / 1000,
        np.array([row[1] for row in rows]) / 1000,
        np.array([row[2] for row in rows], dtype=float),
    )


P = _sameni(
    ([-1.09, -0.83], [0.03, 0.08], [0.0906, 0.1057]),
    ([-1.1, -0.9, -0.76], [0.035, 0.015, -0.019], [0.07, 0.07, 0.04]),
    ([-1.1, -0.93, -0.7], [-0.03, -0.14, -0.035], [0.03, 0.12, 0.04]),
)
"""Atrial depolarisation. (The atrial repolarisation of the table, Z at -0.4, is left out: it would tilt the PR segment.)"""

QRS = _sameni(
    ([-0.19, -0.07, 0.0, 0.06, 0.22], [-0.13, 0.85, 1.11, 0.75, 0.06], [0.0453, 0.0378, 0.0332, 0.0302, 0.0378]),
    ([-0.11, -0.01, 0.065], [0.32, 0.51, -0.32], [0.055, 0.037, 0.0604]),
    ([-0.15, 0.095], [-0.4, 0.46], [0.045, 0.05]),
)
"""Ventricular depolarisation with normal conduction."""

T = _sameni(
    ([1.2, 1.42, 1.68], [0.1, 0.17, 0.39], [0.604, 0.302, 0.1812]),
    ([0.8, 1.58], [0.04, 0.08], [0.45, 0.3]),
    ([1.05, 1.25, 1.55], [-0.12, -0.2, -0.35], [0.8, 0.4, 0.2]),
)
"""Ventricular repolarisation."""

RBBB_TERMINAL = _milliseconds([(50, 13, (-0.30, 0.02, -0.34)), (72, 15, (-0.32, -0.04, -0.42))])
"""Late slow activation of the right ventricle, rightward and anterior: R' in V1, broad S in I and V6 [design]."""

RBBB_T = _milliseconds([(120, 40, (0.03, 0.0, 0.16)), (215, 45, (0.06, 0.0, 0.42))])
"""Secondary repolarisation of right bundle branch block: T inverted in V1 and V2 [design]."""

LBBB_QRS = _milliseconds(
    [
        (-28, 9, (0.05, -0.02, -0.07)),
        (-2, 16, (0.78, 0.30, 0.18)),
        (26, 14, (0.45, 0.12, 0.62)),
        (52, 15, (0.92, 0.02, 0.60)),
        (80, 13, (0.25, -0.08, 0.22)),
    ]
)
"""Activation from the right: no septal q, leftward and posterior forces with a notch on a plateau [design]."""

LBBB_T = _milliseconds([(190, 60, (-0.10, 0.02, -0.16)), (255, 36, (-0.22, 0.0, -0.30))])
"""Secondary repolarisation of left bundle branch block: against the QRS [design]."""
