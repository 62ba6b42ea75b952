"""The calibration pulse, from which a page's gain and paper speed are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

GAINS = (5.0, 10.0, 20.0)
"""mm/mV that machines print."""
SEARCHED = 32.0
"""mm from either end of the rows in which a pulse is looked for."""
AHEAD = 12.0
"""mm of trace or writing beyond a pulse at most: what lies deeper in the rows is part of the leads."""
WIDTHS = (1.8, 12.5)
"""mm: the narrowest and the widest pulse; 200 ms are 5 mm at 25 mm/s and 10 mm at 50 mm/s."""


@dataclass(frozen=True)
class Pulse:
    """A 1 mV pulse of 200 ms beside the traces, at the same place in all rows.

    Attributes:
        start: x of its rising edge in pixels.
        stop: x of its falling edge.
        gain: mm/mV, one of :data:`GAINS`.
        speed: mm/s, 25 or 50.
        before: whether it precedes the traces (it follows them otherwise).
        tops: ``[R]`` y of its plateau in every row, NaN where it could not be told.
    """

    start: float
    stop: float
    gain: float
    speed: float
    before: bool
    tops: NDArray[np.float64]


def find_pulse(
    ink: NDArray[np.float32], zero: NDArray[np.float64], start: float, stop: float, pixels_per_mm: float
) -> Pulse | None:
    """The calibration pulse in front of or behind the traces.

    A pulse is a plateau one of the usual heights above the zero lines, with strokes down at both ends (or cut off by
    the edge of the page) and no ink between them. Rows whose plateau would lie on another row's zero line are not
    asked.

    Args:
        ink: ``[H, W]`` as from :func:`cardiac_transforms.ecg.reading.ink.trace_ink`.
        zero: ``[R]`` y of the zero lines.
        start: first column of the traces, the pulse included.
        stop: last column.
        pixels_per_mm: of the page.
    """
    found = []
    reach = SEARCHED * pixels_per_mm
    for gain in GAINS:
        tolerance = max(1.0, 0.12 * gain) * pixels_per_mm
        level = zero - gain * pixels_per_mm
        others = np.abs(level[:, None] - zero)
        asked = np.flatnonzero((level > tolerance) & (others.min(axis=1) > tolerance + 0.5 * pixels_per_mm))
        for before, first, last in ((True, start - 1, start + reach), (False, stop - reach, stop + 2)):
            a, b = max(0, int(first)), min(ink.shape[1], int(last))
            if not asked.size or b - a < WIDTHS[0] * pixels_per_mm:
                continue
            plateau = _presence(ink[:, a:b], level[asked], tolerance)
            middle = _presence(ink[:, a:b], level[asked] + 0.5 * gain * pixels_per_mm, 0.1 * gain * pixels_per_mm)
            labels, count = ndimage.label(ndimage.binary_closing(plateau.mean(axis=0) >= 0.55, np.ones(3)))
            for index in range(1, count + 1):
                columns = np.flatnonzero(labels == index)
                left, right = columns[0], columns[-1]
                width = (right - left) / pixels_per_mm
                edges = _edges(middle, left, right, round(0.7 * pixels_per_mm))
                cut = (a + left < start + pixels_per_mm, a + right > stop - pixels_per_mm)
                upright = all(edge > 0.5 or off for edge, off in zip(edges[:2], cut, strict=True))
                beyond = (a + left - start if before else stop - a - right) / pixels_per_mm
                fits = WIDTHS[0] <= width <= WIDTHS[1] and beyond <= AHEAD
                if fits and upright and edges[2] < 0.4:
                    speed = 50.0 if width > 7.5 else 25.0
                    half = round(0.5 * pixels_per_mm)
                    tops = _tops(ink[:, a + left + half : a + right + 1 - half], level, 0.7 * gain * pixels_per_mm)
                    score = plateau[:, columns].mean() + sum(edges[:2]) - edges[2]
                    found.append((score, Pulse(float(a + left), float(a + right), gain, speed, before, tops)))
    return max(found, key=lambda item: item[0])[1] if found else None


def _presence(ink: NDArray[np.float32], levels: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """``[len(levels), W]``: whether a column has ink within ``tolerance`` pixels of a level."""
    bands = [ink[max(0, round(y - tolerance)) : max(1, round(y + tolerance) + 1)] for y in levels]
    return np.stack([band.max(axis=0, initial=0.0) > 0.5 for band in bands])


def _edges(middle: NDArray[np.bool_], left: int, right: int, near: int) -> tuple[float, float, float]:
    """Share of rows with ink half-way up at the left and the right end of a plateau, and the share of ink between
    them."""
    sides = [middle[:, max(0, x - near) : x + near + 1].any(axis=1).mean() for x in (left, right)]
    between = middle[:, left + near + 1 : max(left + near + 2, right - near)]
    return float(sides[0]), float(sides[1]), float(between.mean()) if between.size else 0.0


def _tops(ink: NDArray[np.float32], level: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """``[R]``: y of the plateaus, where ink crosses all of ``ink``'s columns, nearest to where each is expected.

    A row whose signal wanders has its zero line somewhere else than its trace, so the plateau is looked for within
    ``reach``; NaN where there is none, or where it is nearer to another row's.
    """
    crossed = np.flatnonzero((ink > 0.5).mean(axis=1) > 0.8) if ink.shape[1] else np.zeros(0, np.intp)
    tops = np.full(level.size, np.nan)
    lines = np.split(crossed, np.flatnonzero(np.diff(crossed) > 1) + 1) if crossed.size else []
    for line in lines:
        y = float(np.average(line, weights=ink[line].sum(axis=1)))
        row = int(np.abs(level - y).argmin())
        if abs(level[row] - y) < min(reach, abs(level[row] - tops[row]) if np.isfinite(tops[row]) else np.inf):
            tops[row] = y
    return tops
