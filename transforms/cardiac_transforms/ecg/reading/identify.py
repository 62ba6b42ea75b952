"""Which leads rows can be, by what electricity demands of them.

The six limb leads are views of two: II = I + III (Einthoven) and the Goldberger leads are their combinations. So leads
that are printed side by side in time obey linear relations, which hold for the right names only, and a rhythm strip
repeats the lead of its name.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.linalg import null_space

from cardiac_transforms.ecg.leads import LEADS

_LIMBS = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}


def lead_vector(lead: str) -> NDArray[np.float64]:
    """``[8]``: a lead (``-`` for upside down) as a combination of I, II, V1 to V6."""
    name = lead.removeprefix("-")
    vector = np.zeros(8)
    if name in _LIMBS:
        vector[:2] = _LIMBS[name]
    else:
        vector[2 + LEADS[6:].index(name)] = 1.0
    return -vector if lead.startswith("-") else vector


def contradictions(leads: tuple[str, ...]) -> NDArray[np.float64]:
    """``[D, N]``: the combinations of ``N`` simultaneous leads that must vanish, orthonormal; D may be 0."""
    return null_space(np.stack([lead_vector(lead) for lead in leads]).T).T


def comparable(heights: NDArray[np.float64], pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R, W]`` heights for comparing rows: gaps closed, without wander, blunted as far as rows may be misplaced in
    time."""
    columns = np.arange(heights.shape[1])
    filled = np.zeros_like(heights)
    for row, values in enumerate(heights):
        known = np.isfinite(values)
        if known.any():
            filled[row] = np.interp(columns, columns[known], values[known])
    filled = ndimage.gaussian_filter1d(filled, 0.5 * pixels_per_mm, axis=1)
    return filled - ndimage.gaussian_filter1d(filled, 6.0 * pixels_per_mm, axis=1)


class Contradiction:
    """How far rows of a page are from being given leads, over any stretch of columns.

    Args:
        signals: ``[R, W]`` from :func:`comparable`.
    """

    def __init__(self, signals: NDArray[np.float64]) -> None:
        self.signals = signals
        self._known: dict[tuple[tuple[int, ...], tuple[str, ...]], tuple[int, NDArray, NDArray]] = {}

    def __call__(self, rows: tuple[int, ...], leads: tuple[str, ...], first: int, last: int) -> tuple[int, float]:
        """Number of relations, and the share of the signals' energy in columns ``first`` to ``last`` that breaks them.

        The share is 0 for leads that obey, about 1 for signals that have nothing to do with each other.
        """
        key = (rows, leads)
        if key not in self._known:
            relations = contradictions(leads)
            signals = self.signals[list(rows)]
            wrong = np.square(relations @ signals).sum(axis=0)
            energy = np.square(signals).sum(axis=0) * (len(relations) / len(rows))
            sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (wrong, energy)]
            self._known[key] = (len(relations), sums[0], sums[1])
        count, wrong, energy = self._known[key]
        first, last = max(0, first), min(wrong.size - 1, last)
        if not count or last <= first:
            return 0, 1.0
        return count, float((wrong[last] - wrong[first]) / max(energy[last] - energy[first], 1e-9))

    def unlike(self, row: int, other: int, first: int, last: int, lag: int) -> float:
        """The share of two rows' energy in columns ``first`` to ``last`` that speaks against their being the same lead.

        0 for equal rows, about 1 for rows that have nothing to do with each other; the least of all shifts of ``other`` by
        up to ``lag`` columns.
        """
        first, last = max(lag, first), min(self.signals.shape[1] - lag, last)
        if last <= first:
            return 1.0
        one = self.signals[row, first:last]
        shares = []
        for shift in range(-lag, lag + 1):
            two = self.signals[other, first + shift : last + shift]
            shares.append(np.square(one - two).sum() / max(np.square(one).sum() + np.square(two).sum(), 1e-9))
        return float(min(shares))
