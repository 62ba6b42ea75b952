"""The canonical page: twelve leads drawn anew, always in the same places, whatever they come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.leads import LEADS, LeadBox

SECONDS = 2.5
"""What the canonical page shows of every lead."""
SPEED, GAIN = 25.0, 10.0
"""mm/s and mm/mV."""
TILE = (SPEED * SECONDS, 25.0)
"""mm: width and height of one lead."""
PEN = 0.4
"""mm: thickness of the lines."""
_FINE = 4
"""Places per pixel column at which a line is computed."""


def canonical_page(signals: NDArray[np.floating], rate: float, pixels_per_mm: float = 4.0) -> NDArray[np.uint8]:
    """Draw twelve leads on the canonical page.

    Six rows and two columns of tiles, I to aVF on the left and V1 to V6 on the right, each with the first 2.5 s of its
    lead that are known, at 25 mm/s and 10 mm/mV. Nothing but traces is drawn, black on white with a pen of 0.4 mm: no grid,
    no names, no machine's diagnosis. Tall waves reach into the next tiles as they do on paper; what is not known stays
    white.

    Args:
        signals: ``[12, T]`` mV, order :data:`~cardiac_transforms.ecg.LEADS`; NaN where nothing is known.
        rate: Hz.
        pixels_per_mm: of the result.

    Returns:
        uint8 ``[3, H, W]``; 600 x 500 at 4 pixels per mm.

    Raises:
        ValueError: ``signals`` are not of twelve leads.
    """
    if signals.ndim != 2 or signals.shape[0] != len(LEADS):
        raise ValueError(f"The canonical page shows 12 leads [12, T]; the signals are {list(signals.shape)}.")
    wide, tall = (round(side * pixels_per_mm) for side in TILE)
    ink = np.zeros((6 * tall, 2 * wide), np.float32)
    # seconds from the first known sample of each place in a tile, and the line's height there
    times = (np.arange(_FINE * wide) + 0.5) / _FINE / (SPEED * pixels_per_mm)
    for lead, signal in enumerate(signals):
        known = np.isfinite(signal)
        if not known.any():
            continue
        place = np.minimum(int(known.argmax()) + times * rate, signal.size - 1)
        line = np.interp(place, np.flatnonzero(known), signal[known])
        there = known[np.round(place).astype(int)] & (times * rate < signal.size - int(known.argmax()))
        zero = (lead % 6 + 0.5) * tall - 0.5
        column = ink[:, lead // 6 * wide : (lead // 6 + 1) * wide]
        _draw(column, zero - line * GAIN * pixels_per_mm, there, pixels_per_mm)
    return np.repeat(np.rint(255.0 * (1.0 - ink)).astype(np.uint8)[None], 3, axis=0)


def canonical_boxes(pixels_per_mm: float = 4.0) -> tuple[LeadBox, ...]:
    """Where the leads are on the canonical page, in the order of :data:`~cardiac_transforms.ecg.LEADS`."""
    wide, tall = (round(side * pixels_per_mm) for side in TILE)
    boxes = []
    for lead, name in enumerate(LEADS):
        left, top = lead // 6 * wide - 0.5, lead % 6 * tall - 0.5
        boxes.append(LeadBox(name, (left, top, left + wide, top + tall), 0.0, SECONDS))
    return tuple(boxes)


def _draw(ink: NDArray[np.float32], line: NDArray[np.float64], there: NDArray[np.bool_], pixels_per_mm: float) -> None:
    """Raise ``ink``, [H, W], to the share of every pixel that the pen covers which follows ``line``, y in pixels, [4 W]."""
    radius = 0.5 * PEN * pixels_per_mm
    reach = max(1, round(radius * _FINE))
    top = ndimage.minimum_filter1d(np.where(there, line, np.inf), 2 * reach + 1)[_FINE // 2 :: _FINE] - radius
    bottom = ndimage.maximum_filter1d(np.where(there, line, -np.inf), 2 * reach + 1)[_FINE // 2 :: _FINE] + radius
    first, last = np.clip([top.min() - 1, bottom.max() + 2], 0, len(ink)).astype(int)  # rows that the pen reaches
    pixel = np.arange(first, last, dtype=np.float32)[:, None]
    covered = np.minimum(pixel + 0.5, bottom.astype(np.float32)) - np.maximum(pixel - 0.5, top.astype(np.float32))
    np.maximum(ink[first:last], np.clip(covered, 0.0, 1.0), out=ink[first:last])
