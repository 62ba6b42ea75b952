"""Where something is printed that is no trace: letters and words, without reading them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardiac_transforms.ecg.reading.connected import connected, counted, joined, thinned
from cardiac_transforms.ecg.reading.rows import RowTraces

TALLEST, WIDEST = 7.0, 14.0
"""mm: the largest letter and the longest lead name."""


def trace_mask(rows: RowTraces, shape: tuple[int, int], margin: int = 1) -> NDArray[np.bool_]:
    """``[H, W]``: the runs of ink that the rows' traces go through, ``margin`` pixels longer at either end."""
    row, x = np.nonzero(np.isfinite(rows.top))
    first = np.clip(np.ceil(rows.top[row, x]).astype(int) - margin, 0, shape[0])
    stop = np.clip(np.floor(rows.bottom[row, x]).astype(int) + margin + 1, 0, shape[0])
    length = np.maximum(stop - first, 0)
    mask = np.zeros(shape, bool)
    mask[counted(first, length), np.repeat(x, length)] = True
    return mask


def find_words(ink: NDArray[np.float32], rows: RowTraces, pixels_per_mm: float) -> NDArray[np.float64]:
    """Boxes ``[N, 4]``, ``(x1, y1, x2, y2)`` in pixels, of blobs of the size of a lead name that no trace goes
    through."""
    dark = (ink > 0.5) & ~trace_mask(rows, ink.shape)
    size = max(1, round(pixels_per_mm / 4.0))
    scale = pixels_per_mm / size
    # letters of one word are less than a millimetre apart
    _, pieces = connected(joined(thinned(dark, size), 2 * round(0.4 * scale)))
    boxes = []
    for ys, xs in pieces:
        tall, wide = (ys.stop - ys.start) / scale, (xs.stop - xs.start) / scale
        if 1.2 <= tall <= TALLEST and 0.3 <= wide <= WIDEST and tall * wide >= 1.0:
            boxes.append((xs.start * size, ys.start * size, xs.stop * size - 1, ys.stop * size - 1))
    return np.array(boxes, np.float64).reshape(-1, 4)
