"""Where something is printed that is no trace: letters and words, without reading them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.rows import RowTraces

TALLEST, WIDEST = 7.0, 14.0
"""mm: the largest letter and the longest lead name."""


def trace_mask(rows: RowTraces, shape: tuple[int, int], margin: int = 1) -> NDArray[np.bool_]:
    """``[H, W]``: the runs of ink that the rows' traces go through, ``margin`` pixels longer at either end."""
    height, width = shape
    change = np.zeros((height + 1, width), np.int8)
    for top, bottom in zip(rows.top, rows.bottom, strict=True):
        x = np.flatnonzero(np.isfinite(top))
        np.add.at(change, (np.clip(np.ceil(top[x]).astype(int) - margin, 0, height), x), 1)
        np.add.at(change, (np.clip(np.floor(bottom[x]).astype(int) + margin + 1, 0, height), x), -1)
    return np.cumsum(change, axis=0, dtype=np.int8)[:height] > 0


def find_words(ink: NDArray[np.float32], rows: RowTraces, pixels_per_mm: float) -> NDArray[np.float64]:
    """Boxes ``[N, 4]``, ``(x1, y1, x2, y2)`` in pixels, of blobs of the size of a lead name that no trace goes
    through."""
    dark = (ink > 0.5) & ~trace_mask(rows, ink.shape)
    size = max(1, round(pixels_per_mm / 4.0))
    height, width = (count // size * size for count in dark.shape)
    coarse = dark[:height, :width].reshape(height // size, size, width // size, size).any(axis=(1, 3))
    scale = pixels_per_mm / size
    # letters of one word are less than a millimetre apart
    joined = ndimage.binary_closing(np.pad(coarse, 4), np.ones((1, 2 * round(0.4 * scale) + 1)))[4:-4, 4:-4]
    labels, _ = ndimage.label(joined, np.ones((3, 3)))
    boxes = []
    for ys, xs in ndimage.find_objects(labels):
        tall, wide = (ys.stop - ys.start) / scale, (xs.stop - xs.start) / scale
        if 1.2 <= tall <= TALLEST and 0.3 <= wide <= WIDEST and tall * wide >= 1.0:
            boxes.append((xs.start * size, ys.start * size, xs.stop * size - 1, ys.stop * size - 1))
    return np.array(boxes, np.float64).reshape(-1, 4)
