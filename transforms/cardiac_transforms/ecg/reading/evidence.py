"""What is measured on a rectified page before anything is known of its leads: traces' ends and breaks, zero lines, words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import theilslopes

from cardiac_transforms.ecg.reading.curve import stroke_width, trace_points
from cardiac_transforms.ecg.reading.identify import Contradiction, comparable
from cardiac_transforms.ecg.reading.pulse import Pulse
from cardiac_transforms.ecg.reading.rows import RowTraces
from cardiac_transforms.ecg.reading.text import find_words

PEN_END = 0.43
"""Distance from the middle of a round pen, in its thicknesses, at which its end is half as tall as its line."""


@dataclass
class Evidence:
    """What was measured on the page, for the scores of the hypotheses; lengths in pixels."""

    rows: RowTraces
    pulse: Pulse | None
    start: float
    stop: float
    words: NDArray[np.float64]
    breaks: NDArray[np.float64]
    contradiction: Contradiction
    pixels_per_mm: float

    def of(self, chosen: NDArray[np.intp]) -> Evidence:
        """The same for some of the rows."""
        pulse = replace(self.pulse, tops=self.pulse.tops[chosen]) if self.pulse else None
        contradiction = Contradiction(self.contradiction.signals[chosen])
        return replace(self, rows=self.rows.keep(chosen), pulse=pulse, contradiction=contradiction)

    @cached_property
    def zero(self) -> NDArray[np.float64]:
        """``[R]`` y of the lines that the machine drew the rows about."""
        return _zero_lines(self.rows, self.pulse, self.pixels_per_mm)

    @cached_property
    def name_places(self) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """x at which words begin that may be names of leads, and the row that each is nearest to."""
        zero = self.rows.zero
        middle = 0.5 * (self.words[:, 1] + self.words[:, 3])
        row = np.abs(middle[:, None] - zero).argmin(axis=1)
        pitch = float(np.median(np.diff(zero))) if zero.size > 1 else 40.0 * self.pixels_per_mm
        near = np.abs(middle - zero[row]) < min(0.75 * pitch, 20.0 * self.pixels_per_mm)
        return self.words[near, 0], row[near]


def row_heights(rows: RowTraces, pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R, W]``: mm of every row's trace above its zero line at every pixel column; NaN where its ink is missing."""
    columns = np.arange(rows.centre.shape[1])
    heights = np.full(rows.centre.shape, np.nan)
    for row, (x, y) in enumerate(trace_points(rows, pixels_per_mm)):
        if x.size:
            heights[row] = (rows.zero[row] - np.interp(columns, x, y)) / pixels_per_mm
    heights[~np.isfinite(rows.centre)] = np.nan
    return heights


def gather(
    ink: NDArray[np.float32],
    rows: RowTraces,
    heights: NDArray[np.float64],
    likely: NDArray[np.bool_],
    pulse: Pulse | None,
    pixels_per_mm: float,
) -> Evidence:
    """Measure everything that the hypotheses are judged by; ``likely``, ``[R]``, are the rows to measure it on."""
    start, stop = float(np.median(rows.start[likely])), float(np.median(rows.stop[likely]))
    seen = np.isfinite(rows.centre[likely]).mean(axis=0)
    if pulse is not None:
        tops = np.full(len(rows), np.nan)
        tops[likely] = pulse.tops
        pulse = replace(pulse, tops=tops)
        # the record begins at the gap behind the pulse, or where its falling edge ends
        near = round(4.0 * pixels_per_mm)
        if pulse.before:
            behind = round(pulse.stop + 0.5 * pixels_per_mm)
            empty = np.flatnonzero(seen[behind : behind + near] < 0.4)
            start = float(behind + (empty[-1] + 1 if empty.size else 0.5 * pixels_per_mm))
        else:
            ahead = round(pulse.start - 0.5 * pixels_per_mm)
            empty = np.flatnonzero(seen[max(0, ahead - near) : ahead] < 0.4)
            stop = float(max(0, ahead - near) + empty[0] - 1 if empty.size else ahead - 0.5 * pixels_per_mm)
    # the ink begins before the first place of the pen's middle, which is where the signal is, and ends after the last
    half_pen = PEN_END * stroke_width(rows)
    start, stop = start + half_pen, stop - half_pen
    top, bottom = rows.top[likely], rows.bottom[likely]
    touching = (top[:, 1:] <= bottom[:, :-1] + 0.5) & (bottom[:, 1:] >= top[:, :-1] - 0.5)
    breaks = np.concatenate([[0.0], 1.0 - touching.mean(axis=0)])
    breaks = ndimage.maximum_filter1d(breaks, 2 * round(0.75 * pixels_per_mm) + 1)
    return Evidence(
        rows,
        pulse,
        start,
        stop,
        find_words(ink, rows.keep(likely), pixels_per_mm),
        breaks - np.median(breaks),
        Contradiction(comparable(heights, pixels_per_mm)),
        pixels_per_mm,
    )


def _zero_lines(rows: RowTraces, pulse: Pulse | None, pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R]`` y of the lines that the machine drew the rows about.

    A signal that wanders spends its time elsewhere. The foot of the calibration pulse lies on the line; without it the
    lines are taken to be equally spaced if most of the rows are.
    """
    zero = rows.zero.copy()
    if pulse is not None:
        feet = pulse.tops + pulse.gain * pixels_per_mm
        zero = np.where(np.isfinite(feet), feet, zero)
    if zero.size < 3:
        return zero
    index = np.arange(zero.size)
    slope, intercept = theilslopes(zero, index)[:2]
    regular = intercept + slope * index
    off = np.abs(zero - regular) > 2.5 * pixels_per_mm
    return np.where(off, regular, zero) if off.mean() <= 0.4 else zero
