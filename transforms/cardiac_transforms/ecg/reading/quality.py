"""How far a trace may be from what is printed, told from the page alone.

What a trace lost is still there as ink: strokes on it or near it that are neither it, nor another row's, nor letters.
And ink that two rows share may be the wave of either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardiac_transforms.ecg.reading.curve import stroke_width
from cardiac_transforms.ecg.reading.rows import RowTraces
from cardiac_transforms.ecg.reading.text import trace_mask
from cardiac_transforms.ecg.reading.tips import distances, words

FAINT = 0.3
"""Ink from which a stroke is seen; traces are followed from 0.5 on."""
SHORTEST, WIDEST, SLIMMEST = 1.0, 3.0, 1.5
"""mm: the shortest and the widest rest of a wave; its height in widths at least, for words are rounder."""
REACH, BESIDE = 4.0, 0.6
"""mm from a trace to a stroke that may be its own, upwards and sideways."""
SHARED = 0.5
"""Share of a run of ink by which a trace is uncertain that has it together with another."""


def doubts(rows: RowTraces, ink: NDArray[np.float32], pixels_per_mm: float) -> NDArray[np.float32]:
    """``[R, W]``: mm by which every row's trace may be wrong in every column; 0 where nothing speaks against it.

    Args:
        rows: the record's.
        ink: ``[H, W]`` that they were found in.
        pixels_per_mm: of the page.
    """
    doubt = _left_out(rows, ink, pixels_per_mm)
    runs = rows.bottom - rows.top - stroke_width(rows)
    for row, top in enumerate(rows.top):
        shared = np.sum(rows.top == top, axis=0) > 1
        doubt[row, shared] = np.maximum(doubt[row, shared], SHARED * runs[row, shared])
    return doubt / pixels_per_mm


def _left_out(rows: RowTraces, ink: NDArray[np.float32], pixels_per_mm: float) -> NDArray[np.float32]:
    """``[R, W]``: pixels by which strokes that no trace took reach beyond the trace that they are nearest to."""
    doubt = np.zeros(rows.top.shape, np.float32)
    rest = (ink > FAINT) & ~trace_mask(rows, ink.shape, margin=2)
    beside = round(BESIDE * pixels_per_mm)
    for ys, xs in words(rest, pixels_per_mm)[1]:
        tall, wide = ys.stop - ys.start, xs.stop - xs.start
        if tall < SHORTEST * pixels_per_mm or wide > WIDEST * pixels_per_mm or tall < SLIMMEST * wide:
            continue
        apart = distances(rows, ys, xs, beside)
        row = int(apart.argmin())
        if apart[row] < REACH * pixels_per_mm:
            near = slice(max(0, xs.start - beside), xs.stop + beside)
            above = np.nanmin(rows.top[row, near]) - ys.start
            below = ys.stop - np.nanmax(rows.bottom[row, near])
            doubt[row, xs] = np.maximum(doubt[row, xs], max(above, below, 0.0))
    return doubt
