"""The calibration pulse as a shape, where nothing tells yet how many pixels a millimetre has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.pulse import GAINS

SPEEDS = (25.0, 50.0)
"""mm/s that machines print."""
PULSE_SECONDS = 0.2
_ASPECTS = tuple(sorted({PULSE_SECONDS * speed / gain for speed in SPEEDS for gain in GAINS}))
"""Width over height of the pulses that there are."""
_SLACK = 0.07
"""Relative deviation from these, for search in whole pixels."""
_BEFORE, _BEHIND = 16.0, 28.0
"""mm outside of the ends of the rows and inside of them where a pulse may be."""
_HEIGHTS, _WIDTHS = (3.0, 28.0), (2.5, 14.0)
"""mm: the lowest and highest, narrowest and widest pulse, if the scale is guessed too low or too high by a fifth."""
_BELOW = 4.0
"""mm below the zero lines that are looked at."""
_ACCEPT = 0.95
"""Least score of a pulse; pages without one reach 0.87, pages with one 1.05 to 1.9."""
_WIDTH_ERROR, _HEIGHT_ERROR = 0.05, 0.6
"""mm by which the measures are usually off; a height has the pen's thickness in it, and close rows hide their feet."""


@dataclass(frozen=True)
class PulseShape:
    """A pulse of 1 mV and 200 ms, the same in all rows; in pixels.

    Attributes:
        left: x of its rising edge, the middle of the stroke.
        right: x of its falling edge.
        height: from the middle of the foot to the middle of the top.
        before: whether it precedes the traces.
    """

    left: float
    right: float
    height: float
    before: bool

    def scales(self) -> list[tuple[float, float, float]]:
        """The (pixels per mm, speed in mm/s, gain in mm/mV) that would make it a pulse of a usual machine."""
        width = self.right - self.left
        found = []
        for speed in SPEEDS:
            for gain in GAINS:
                wide = PULSE_SECONDS * speed
                by_width, by_height = width / wide, self.height / gain
                if abs(np.log(by_width / by_height)) < 2 * _SLACK:
                    weights = np.square([wide / _WIDTH_ERROR, gain / _HEIGHT_ERROR])
                    found.append((float(np.average([by_width, by_height], weights=weights)), speed, gain))
        return found


def find_pulse_shape(
    ink: NDArray[np.float32], zero: NDArray[np.float64], start: float, stop: float, rough: float
) -> PulseShape | None:
    """The pulse in front of or behind the traces of a straight page.

    The rows laid over each other by their zero lines, whatever is in the same place in all of them stays: two uprights, a
    level top between them, nothing below it.

    Args:
        ink: ``[H, W]``, 0 to 1.
        zero: ``[R]`` y of the zero lines.
        start: first column of the traces.
        stop: last column.
        rough: pixels per mm, known to about a quarter.
    """
    up, down = round((_HEIGHTS[1] + 2.0) * rough), round(_BELOW * rough)
    padded = np.pad(ink, ((up, down), (0, 0)))
    best: tuple[float, PulseShape] | None = None
    for before in (True, False):
        ends = (start - _BEFORE * rough, start + _BEHIND * rough)
        if not before:
            ends = (stop - _BEHIND * rough, stop + _BEFORE * rough)
        first, last = max(0, int(ends[0])), min(ink.shape[1], int(ends[1]))
        if last - first < _WIDTHS[1] * rough:
            continue
        # [height above the zero line + down, column]
        mean = np.mean([padded[round(y) : round(y) + up + down + 1, first:last] for y in zero], axis=0)[::-1]
        found = _best_rectangle(mean, down, rough)
        if found is not None and (best is None or found[0] > best[0]):
            score, left, right, height = found
            best = score, PulseShape(first + left, first + right, height, before)
    return best[1] if best is not None and best[0] > _ACCEPT else None


def _best_rectangle(mean: NDArray[np.float32], foot: int, rough: float) -> tuple[float, float, float, float] | None:
    """Score, left, right and height of the best pulse in the mean of the rows, zero line in row ``foot``, upwards."""
    # uprights and tops of the rows may be a pixel apart
    beside, above = ndimage.maximum_filter(mean, (1, 3)), ndimage.maximum_filter(mean, (3, 1))
    strokes, bare = (np.pad(np.cumsum(part, axis=0), ((1, 0), (0, 0))) for part in (beside, mean))
    columns = mean.shape[1]
    best, place = 0.0, (0, 0, 0)
    for height in range(int(_HEIGHTS[0] * rough), int(_HEIGHTS[1] * rough)):
        low, high = foot + max(1, round(0.15 * height)), foot + max(3, round(0.85 * height))
        upright = (strokes[high] - strokes[low]) / (high - low)
        if upright.max() < 0.4:
            continue
        inner = np.pad(np.cumsum((bare[high] - bare[low]) / (high - low)), (1, 0))
        top = np.pad(np.cumsum(above[foot + height]), (1, 0))
        for width in _widths(height, rough, columns):
            x, edge = np.arange(columns - width), max(2, width // 6)
            level = (top[x + width + 1] - top[x]) / (width + 1)
            between = (inner[x + width - edge] - inner[x + edge]) / (width - 2 * edge)
            score = np.minimum(upright[x], upright[x + width]) + level - between
            index = int(score.argmax())
            if score[index] > best:
                best, place = float(score[index]), (index, width, height)
    return (best, *_measured(mean, foot, *place)) if best else None


def _widths(height: int, rough: float, columns: int) -> list[int]:
    """Widths in pixels that a pulse of this height may have."""
    found: set[int] = set()
    for aspect in _ASPECTS:
        narrow = max(5, int(_WIDTHS[0] * rough), int(height * aspect * (1 - _SLACK)))
        wide = min(columns - 1, int(_WIDTHS[1] * rough), int(np.ceil(height * aspect * (1 + _SLACK))))
        found.update(range(narrow, wide + 1))
    return sorted(found)


def _measured(mean: NDArray[np.float32], foot: int, left: int, width: int, height: int) -> tuple[float, float, float]:
    """Left and right edge and height to a fraction of a pixel, from the middles and ends of the strokes."""
    edge, right = max(2, width // 6), left + width
    uprights = mean[foot + round(0.2 * height) : foot + round(0.8 * height)].mean(axis=0)
    level = mean[:, left + edge : right + 1 - edge].mean(axis=1)
    top, reach = foot + height, 3
    pen = float(level[max(0, top - reach) : top + reach + 1].sum())
    # the uprights end half a pen below the middle of the foot
    ends = sum(mean[:, max(0, x - 1) : x + 2].max(axis=1) for x in (left, right))
    inside = ends[foot + round(0.2 * height) : foot + round(0.8 * height)]
    half = 0.5 * float(np.median(inside)) if inside.size else 0.0
    below = foot + round(0.3 * height)
    while below > 0 and ends[below - 1] > half:
        below -= 1
    bottom = below - 0.5
    if below > 0:
        bottom = below - (ends[below] - half) / max(ends[below] - ends[below - 1], 1e-6)
    measured = _middle(level, top) - (bottom + 0.5 * pen)
    # a neighbouring row's pulse may go on below: then the zero line is the foot
    sure = abs(measured - height) < max(2.0, 0.08 * height)
    return _middle(uprights, left), _middle(uprights, right), measured if sure else float(height)


def _middle(values: NDArray[np.floating], near: int) -> float:
    """Centre of gravity of the two pixels on either side of one."""
    place = np.arange(max(0, near - 2), min(len(values), near + 3))
    weight = values[place]
    return float((place * weight).sum() / weight.sum()) if weight.sum() > 0 else float(near)
