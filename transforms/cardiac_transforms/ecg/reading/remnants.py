"""What a threshold left of a flat page's grid: broken lines, dots at crossings, lines in some places only.

No small part of such a picture shows lines. But all remnants of the page lie on two combs of one spacing, and across the
whole page their spectra stand out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.skew import profiles
from cardiac_transforms.ecg.reading.spectrum import HARMONICS
from cardiac_transforms.ecg.reading.tiles import LEAST_SPACING, NARROWEST_MM, WIDEST_MM

_SPECK = 3.5
"""mm, if the longer side shows 300 mm: larger connected ink is a trace, or a net of lines."""
_PAD = 2**15
"""Length of the Fourier transforms, so that a bin is much narrower than a peak."""
_STEP = 0.0005
"""Relative step of the spacings."""
_WIDE = 15
"""Pixels: wider bumps of a profile are no lines."""
_SURROUNDINGS = 40
"""Peaks' widths that a spectrum is compared with on either side."""
_HIGHEST = 3.0
"""Log power over its surroundings from which a peak counts no more."""
_APART = 0.02
"""Relative distance from which another spacing is a rival."""
_ACCEPT = ((0.65, 1.4), (0.9, 1.4))
"""For specks and for all ink the mean log power over the surroundings, and its ratio to the best rival's, that tell a grid.
Pages without any grid reach 0.66 (and no more than 1.1 times a rival's) and 0.7."""

_REGULAR = 0.65
"""Least coherence; grids have 0.79 and more, the rows and beats of a page that happened to be combs 0.46."""


@dataclass(frozen=True)
class Remnants:
    """A grid of which little is left.

    Attributes:
        spacing: of 5 mm lines, in pixels.
        origin: (x, y) of a crossing of 5 mm lines.
        coherence: how well the remnants lie on lines, 0 to 1.
    """

    spacing: float
    origin: tuple[float, float]
    coherence: float


def find_remnants(dark: NDArray[np.bool_], angle: float) -> Remnants | None:
    """The grid of a flat page from what is left of it.

    Args:
        dark: ``[H, W]``, the longer side 90 to 430 mm.
        angle: by which the page is turned clockwise, in radians.

    Returns:
        The grid, ``None`` where nothing of it stands out.
    """
    side = max(dark.shape)
    labels, count = ndimage.label(dark, np.ones((3, 3)))
    extents = [max(part.stop - part.start for part in place) for place in ndimage.find_objects(labels)]
    small = np.array([0, *extents]) < _SPECK * side / 300
    small[0] = False
    narrow, wide = max(5 * side / WIDEST_MM, LEAST_SPACING), 5 * side / NARROWEST_MM
    if not count or narrow >= wide:
        return None
    spacings = np.exp(np.arange(np.log(narrow), np.log(wide), _STEP))
    for view, (least, lead) in zip((small[labels], dark), _ACCEPT, strict=True):
        ys, xs = np.nonzero(view)
        if len(xs) < 50:
            continue
        lines = [(_fine(counts), first) for counts, first in profiles(np.stack([xs, ys], axis=1), angle)]
        heights = np.stack([_heights(line, spacings) for line, _ in lines])
        score = heights.mean(axis=2).min(axis=0)
        best = int(score.argmax())
        rivals = score[np.abs(spacings / spacings[best] - 1) > _APART]
        if score[best] >= least and score[best] > lead * rivals.max(initial=0.0):
            spacing = float(spacings[best])
            places = [_phase(line, spacing, weight) for (line, _), weight in zip(lines, heights[:, best], strict=True)]
            coherence = min(clear for _, clear in places)
            if coherence < _REGULAR:
                continue
            u, v = (first + place for (_, first), (place, _) in zip(lines, places, strict=True))
            cos, sin = np.cos(angle), np.sin(angle)
            origin = float(u * cos - v * sin), float(u * sin + v * cos)
            return Remnants(spacing, origin, coherence)
    return None


def _fine(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """A profile without broad bumps, strong lines held down to what a grid's may be."""
    fine = counts - ndimage.median_filter(counts.astype(float), _WIDE)
    limit = 3 * max(float(np.median(np.abs(fine[fine != 0]))) if fine.any() else 0.0, 1.0)
    return np.clip(fine, -limit, limit)


def _heights(line: NDArray[np.float64], spacings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log power over its surroundings at the multiples of each spacing's frequency, ``[S, HARMONICS]``."""
    power = np.square(np.abs(np.fft.rfft(line * np.hanning(len(line)), _PAD)))
    width = round(_SURROUNDINGS * _PAD / len(line)) | 1
    around = ndimage.uniform_filter1d(np.log(ndimage.uniform_filter1d(power, width) + 1e-3), width)
    height = np.clip(np.log(power + 1e-3) - around, -1.0, _HIGHEST)
    place = np.rint(np.multiply.outer(_PAD / spacings, np.arange(1, HARMONICS + 1))).astype(np.intp)
    return np.where(place < len(height), height[np.minimum(place, len(height) - 1)], 0.0)


def _phase(line: NDArray[np.float64], spacing: float, weight: NDArray[np.float64]) -> tuple[float, float]:
    """Where the first line lies that repeats by ``spacing``, in pixels from the profile's first; how clear that is, 0 to 1."""
    orders = np.arange(1, HARMONICS + 1)
    share = np.maximum(weight, 0.0) / max(np.maximum(weight, 0.0).sum(), 1e-9)
    # phases are told from the middle, where an error of the spacing matters least
    middle = len(line) // 2
    wave = np.exp(-2j * np.pi / spacing * np.multiply.outer(orders, np.arange(len(line)) - middle))
    amplitude = wave @ line
    shifts = np.arange(0.0, spacing, spacing / 250)
    turned = np.exp(2j * np.pi / spacing * np.multiply.outer(orders, shifts))
    match = share @ (amplitude[:, None] / (np.abs(amplitude[:, None]) + 1e-9) * turned).real
    best = int(match.argmax())
    return float((middle + shifts[best]) % spacing), float(np.clip(match[best], 0.0, 1.0))
