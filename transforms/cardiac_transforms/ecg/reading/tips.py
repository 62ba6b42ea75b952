"""Tips of waves that a followed trace left out.

Where a QRS complex is so narrow that the feet of its flanks touch, or its flanks are so faint that they have gaps, a trace
that goes on along the feet is as continuous as one that goes up and down again. What is left of the wave then hangs on
the trace: taller than letters and narrow; or it stands near it at a moment at which other traces are steep too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.connected import Box, connected, joined
from cardiac_transforms.ecg.reading.rows import RowTraces
from cardiac_transforms.ecg.reading.text import trace_mask

TALL, WIDE = 4.5, 3.0
"""mm: letters are shorter; and the widest rest of a QRS complex. Such strokes touch the trace, within 3 pixels."""
SHORT, THIN, SLIM = 2.0, 1.5, 2.0
"""mm: the shortest stroke that stands apart from its trace, the thickest one, and its height in thicknesses at least."""
GAP, BESIDE = 1.5, 0.4
"""mm from such a stroke to the trace, upwards and sideways."""
STEEP, AROUND, TOGETHER = 2.5, 2.0, 0.3
"""mm that a trace rises in one column in a QRS complex; mm around that; share of the rows that do so at the same time."""
LETTER_GAP = 0.8
"""mm between two letters of a word at most."""
ROUNDS = 2
"""Tips may hang on tips."""


def with_tips(rows: RowTraces, ink: NDArray[np.float32], pixels_per_mm: float) -> RowTraces:
    """``rows`` whose runs reach to the ends of the strokes that belong to them.

    Args:
        rows: from :func:`cardiac_transforms.ecg.reading.rows.find_rows`.
        ink: ``[H, W]``, the same that they were found in.
        pixels_per_mm: of the page.
    """
    dark = ink > 0.5
    for _ in range(ROUNDS):
        before, rows = rows, _with_strokes(rows, dark, pixels_per_mm)
        if all(np.array_equal(getattr(rows, end), getattr(before, end), equal_nan=True) for end in ("top", "bottom")):
            break
    return rows


def distances(rows: RowTraces, ys: slice, xs: slice, beside: int) -> NDArray[np.float32]:
    """``[R]``: pixels from the box ``ys``, ``xs`` up or down to every row's trace, of what is ``beside`` pixels to its left
    or right at most; negative where they overlap, infinite where there is no trace."""
    near = slice(max(0, xs.start - beside), xs.stop + beside)
    apart = np.maximum(rows.top[:, near] - ys.stop, ys.start - rows.bottom[:, near])
    return np.nan_to_num(apart, nan=np.inf).min(axis=1)


def words(rest: NDArray[np.bool_], pixels_per_mm: float) -> tuple[NDArray[np.int32], list[Box]]:
    """:func:`~cardiac_transforms.ecg.reading.connected.connected` where letters of a word count as connected."""
    return connected(joined(rest, 2 * round(0.5 * LETTER_GAP * pixels_per_mm)))


def _with_strokes(rows: RowTraces, dark: NDArray[np.bool_], pixels_per_mm: float) -> RowTraces:
    """``rows`` with the strokes that belong to them as they are."""
    rest = dark & ~trace_mask(rows, dark.shape)
    labels, pieces = connected(rest)
    steep = np.nan_to_num(rows.bottom - rows.top) > STEEP * pixels_per_mm
    together = ndimage.maximum_filter1d(steep, 2 * round(AROUND * pixels_per_mm) + 1, axis=1).mean(axis=0) >= TOGETHER
    beside = round(BESIDE * pixels_per_mm)
    letters: NDArray[np.int32] | None = None
    grown = rows.keep(np.arange(len(rows)))
    for index, (ys, xs) in enumerate(pieces, 1):
        tall = ys.stop - ys.start >= TALL * pixels_per_mm and xs.stop - xs.start <= WIDE * pixels_per_mm
        if not tall and not _slim(ys, xs, pixels_per_mm):
            continue
        part = labels[ys, xs] == index
        first = ys.start + part.argmax(axis=0) - 0.5
        last = ys.stop - part[::-1].argmax(axis=0) - 0.5
        at = np.arange(xs.start, xs.stop)
        touching = (grown.top[:, at] <= last + 2.5) & (grown.bottom[:, at] >= first - 2.5)
        owners = np.flatnonzero(touching.any(axis=1)) if tall else np.zeros(0, np.intp)
        if owners.size != 1 and together[xs].any():
            if letters is None:  # seldom needed
                letters, outlines = words(rest, pixels_per_mm)
            word = outlines[letters[ys, xs][part][0] - 1]
            if _slim(word[0], word[1], pixels_per_mm):
                owners = np.flatnonzero(distances(grown, ys, xs, beside) < GAP * pixels_per_mm)
        if owners.size != 1:
            continue
        top, bottom, centre = (getattr(grown, name)[owners[0]] for name in ("top", "bottom", "centre"))
        # down or up to the trace, or to where it is beside the stroke
        near = np.arange(max(0, xs.start - beside), min(top.size, xs.stop + beside))
        closest = near[np.nanargmin(np.maximum(top[near] - ys.stop, ys.start - bottom[near]))]
        upper, lower = top[closest], bottom[closest]
        top[at] = np.fmin(top[at], np.minimum(first, lower))
        bottom[at] = np.fmax(bottom[at], np.maximum(last, upper))
        centre[at] = 0.5 * (top[at] + bottom[at])
    return grown


def _slim(ys: slice, xs: slice, pixels_per_mm: float) -> bool:
    """Whether a box has the shape of a stroke of a wave."""
    tall, wide = ys.stop - ys.start, xs.stop - xs.start
    return SHORT * pixels_per_mm <= tall >= SLIM * wide and wide <= THIN * pixels_per_mm
