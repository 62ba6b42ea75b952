"""Pages whose printed words cannot be read any more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.ink import local_paper
from cardiac_transforms.ecg.reading.layout import PageLayout
from cardiac_transforms.ecg.reading.rows import without_specks
from cardiac_transforms.ecg.reading.text import trace_mask


def mask_text(
    image: NDArray[np.uint8],
    ink: NDArray[np.float32],
    layout: PageLayout,
    pixels_per_mm: float,
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """The page as it looks, grid and all, with paper painted over everything printed that is no trace.

    Outside the lead boxes nothing is left but waves that reach out of them; inside, lead names and other writing are
    painted over. Writing that a trace runs through stays where they touch.

    Args:
        image: uint8 ``[H, W, 3]``, the rectified page.
        ink: its :func:`cardiac_transforms.ecg.reading.ink.trace_ink`.
        layout: found on it. A page without a layout comes back all paper.
        pixels_per_mm: of the page.
        valid: as for :func:`cardiac_transforms.ecg.reading.ink.trace_ink`.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    shape = image.shape[:2]
    near = round(0.6 * pixels_per_mm)
    traces = (
        ndimage.maximum_filter(trace_mask(layout.rows, shape), 2 * near + 1) if layout.layout else np.zeros(shape, bool)
    )
    inside = np.zeros(shape, bool)
    for box in layout.boxes:
        x1, y1, x2, y2 = (max(0, round(value + 0.5)) for value in box.box)
        inside[y1:y2, x1:x2] = True
    # letters, their grey edges and dots, but not what is left of grid lines, which is paler and in crumbs
    writing = ndimage.maximum_filter(without_specks(ink > 0.5, pixels_per_mm), 2 * near + 1)
    record = np.zeros(shape, bool)
    if layout.boxes:
        record[
            :, max(0, round(min(b.box[0] for b in layout.boxes))) : round(max(b.box[2] for b in layout.boxes)) + 1
        ] = True
    keep = (traces & record) | (inside & ~writing)
    return np.where(keep[..., None], image, local_paper(image, pixels_per_mm, valid))
