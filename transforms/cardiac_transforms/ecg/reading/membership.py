"""Which of the rows that were followed on a page are rows of the record.

A line of the header, handwriting or the dark edge of the paper can be long and smooth enough to be followed like a
trace. But all leads show the same heart: where one row has a QRS complex, the others have one too, and all rows begin
and end together and are equally spaced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import find_peaks

from cardiac_transforms.ecg.reading.rows import RowTraces

LIKELY = 0.5
"""Likeness from which a row is taken to show the same heart as the others; writing and edges seldom reach 0.3."""


def likeness(rows: RowTraces, heights: NDArray[np.float64], pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R]``: how well a row's fast waves come at the times of the other rows', -1 to 1.

    It is the correlation of how steep the trace is with the median of the other rows, less a little for a row that
    begins or ends elsewhere than most.

    Args:
        rows: ``R`` rows.
        heights: ``[R, W]`` mm, NaN where there is no ink.
        pixels_per_mm: of the page.
    """
    steepness = _steepness(heights, pixels_per_mm)
    found = np.ones(len(rows))
    for row in range(len(rows)) if len(rows) > 1 else ():
        others = np.median(np.delete(steepness, row, axis=0), axis=0)
        both = np.stack([steepness[row], others])
        found[row] = np.corrcoef(both)[0, 1] if both.std(axis=1).min() > 0.0 else 0.0
    for ends in (rows.start, rows.stop):
        found -= 0.1 * (np.abs(ends - np.median(ends)) > 5.0 * pixels_per_mm)
    return found


def beat_distance(heights: NDArray[np.float64], pixels_per_mm: float) -> float:
    """Usual distance of the QRS complexes in mm, NaN where there are none; ``heights`` as for :func:`likeness`."""
    steepness = ndimage.gaussian_filter1d(np.median(_steepness(heights, pixels_per_mm), axis=0), pixels_per_mm)
    # 8 mm are 190 beats per minute at 25 mm/s
    high = 0.5 * float(np.percentile(steepness, 98))
    peaks, _ = find_peaks(steepness, height=high, distance=max(1, round(8.0 * pixels_per_mm)))
    return float(np.median(np.diff(peaks))) / pixels_per_mm if peaks.size > 1 else np.nan


def _steepness(heights: NDArray[np.float64], pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R, W]``: how fast every row's trace goes up or down, blurred by a millimetre."""
    columns = np.arange(heights.shape[1])
    steepness = np.zeros_like(heights)
    for row, values in enumerate(heights):
        known = np.isfinite(values)
        if known.any():
            line = ndimage.gaussian_filter1d(np.interp(columns, columns[known], values[known]), 0.25 * pixels_per_mm)
            # above 5 mm per mm a QRS complex is no more one than below
            steepness[row] = np.sqrt(np.minimum(np.abs(np.gradient(line)) * pixels_per_mm, 5.0))
    return ndimage.gaussian_filter1d(steepness, pixels_per_mm, axis=1)


def row_choices(
    rows: RowTraces, similar: NDArray[np.float64], counts: Collection[int]
) -> Iterator[tuple[NDArray[np.intp], float]]:
    """Sets of rows that may be the record, and what speaks against each.

    Args:
        rows: all that were found, from the top.
        similar: ``[R]`` their :func:`likeness`.
        counts: how many rows a record may have.

    Yields:
        Indices of the rows and a penalty: 0 if all rows are alike, none is left out and they are equally spaced; about
        1 for each row that is plainly a trace and is left out, or plainly none and is not.
    """
    total = len(rows)
    left_out = 1.2 * np.clip((similar - 0.25) / 0.45, 0.0, 1.0)
    taken = 0.8 * np.clip((0.5 - similar) / 0.4, 0.0, 1.0)
    order = np.argsort(-similar, kind="stable")
    for count in sorted({count for count in counts if count <= total}):
        sets = {tuple(range(first, first + count)) for first in range(total - count + 1)}
        sets.add(tuple(sorted(order[:count])))
        for members in sorted(sets):
            chosen = np.array(members, np.intp)
            gaps = np.diff(rows.zero[chosen])
            uneven = float(np.mean(np.abs(gaps / np.median(gaps) - 1.0))) if gaps.size > 1 else 0.0
            penalty = left_out.sum() - left_out[chosen].sum() + taken[chosen].sum() + min(1.5 * uneven, 0.6)
            yield chosen, float(penalty)
