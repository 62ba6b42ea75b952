"""Random numbers of the phantoms: one generator per subject, and smooth random fields on the ventricle's surface."""

from __future__ import annotations

import numpy as np

# A subject's place in the list is part of every seed's meaning: add new ones at the end.
_SUBJECTS = (
    *("protocol", "anatomy", "scar", "tissue", "thorax", "chest", "coil", "noise", "motion"),
    *("ecg kind", "ecg disease", "clinical", "ecg rate", "ecg rhythm kind"),
    *("ecg torso", "ecg waves", "ecg rhythm", "ecg noise", "ecg page"),
)


def generator(seed: int, subject: str) -> np.random.Generator:
    """The generator of one subject of one patient, so that a draw more in one subject changes nothing in another.

    Args:
        seed: the patient's seed, >= 0.
        subject: one of ``protocol, anatomy, scar, tissue, thorax, chest, coil, noise, motion``, and of an ECG ``ecg kind,
            ecg disease, clinical, ecg rate, ecg rhythm kind, ecg torso, ecg waves, ecg rhythm, ecg noise, ecg page``.
    """
    return np.random.default_rng([seed, _SUBJECTS.index(subject)])


def truncated_normal(rng: np.random.Generator, mean: float, sd: float, low: float, high: float) -> float:
    """A normal draw clipped to ``[low, high]`` (clipped, not redrawn: one number is consumed in any case)."""
    return float(np.clip(rng.normal(mean, sd), low, high))


class SurfaceNoise:
    """A smooth random function of angle and height with zero mean and unit standard deviation.

    It is a sum of cosines with random phases, so it has a value at every point and does not depend on the grid on which
    it is evaluated:  ``sum_mn a_mn cos(m phi + p_mn) cos(pi n h + q_mn)``.

    Args:
        rng: source of the phases and amplitudes.
        waves: highest angular wave number; the lowest is 1.
        heights: highest wave number over ``h`` in [0, 1]; the lowest is 0.
    """

    def __init__(self, rng: np.random.Generator, waves: int, heights: int) -> None:
        m, n = np.meshgrid(np.arange(1, waves + 1), np.arange(heights + 1), indexing="ij")
        self.m, self.n = m.ravel(), n.ravel()
        self.p, self.q = rng.uniform(0, 2 * np.pi, (2, self.m.size))
        amplitude = rng.normal(size=self.m.size) / np.hypot(self.m, self.n)
        # cos^2 averages to 1/2 over the angle and over the random phase of the height
        self.amplitude = amplitude / np.sqrt(np.sum(amplitude**2) / 4)

    def __call__(self, phi: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Values of shape ``[h.size, phi.size]`` (float32) at angles ``phi`` in radians and heights ``h``."""
        angle = np.cos(np.multiply.outer(self.m, phi) + self.p[:, None])
        height = np.cos(np.pi * np.multiply.outer(self.n, h) + self.q[:, None])
        return np.einsum("k,kh,kp->hp", self.amplitude, height, angle).astype(np.float32)
