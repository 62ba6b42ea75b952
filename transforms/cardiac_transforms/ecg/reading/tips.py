"""Tips of waves that a followed trace left out.

Where a QRS complex is so narrow that the feet of its flanks touch, a trace that goes on along the feet is as continuous
as one that goes up and down again. What is left of the wave then hangs on the trace: taller than letters, narrow, and on
one row only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.rows import RowTraces
from cardiac_transforms.ecg.reading.text import trace_mask

SHORTEST = 4.5
"""mm: letters are shorter."""
WIDEST = 3.0
"""mm: the widest rest of a QRS complex."""


def with_tips(rows: RowTraces, ink: NDArray[np.float32], pixels_per_mm: float) -> RowTraces:
    """``rows`` whose runs reach to the ends of the strokes that hang on them.

    Args:
        rows: from :func:`cardiac_transforms.ecg.reading.rows.find_rows`.
        ink: ``[H, W]``, the same that they were found in.
        pixels_per_mm: of the page.
    """
    top, bottom, centre = rows.top.copy(), rows.bottom.copy(), rows.centre.copy()
    labels, _ = ndimage.label((ink > 0.5) & ~trace_mask(rows, ink.shape), np.ones((3, 3)))
    for index, (ys, xs) in enumerate(ndimage.find_objects(labels), 1):
        if ys.stop - ys.start < SHORTEST * pixels_per_mm or xs.stop - xs.start > WIDEST * pixels_per_mm:
            continue
        part = labels[ys, xs] == index
        first = ys.start + part.argmax(axis=0)
        last = ys.stop - 1 - part[::-1].argmax(axis=0)
        at = np.arange(xs.start, xs.stop)
        near = (rows.top[:, at] <= last + 3.0) & (rows.bottom[:, at] >= first - 3.0)
        hung = np.flatnonzero(near.any(axis=1))
        if hung.size == 1:
            row = hung[0]
            top[row, at] = np.fmin(top[row, at], first - 0.5)
            bottom[row, at] = np.fmax(bottom[row, at], last + 0.5)
            centre[row, at] = 0.5 * (top[row, at] + bottom[row, at])
    return RowTraces(rows.zero, top, bottom, centre, rows.start, rows.stop)
