"""Pages made alike: one arrangement for every layout, and pages whose printed words cannot be read any more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.ecg.reading.curve import trace_points
from cardiac_transforms.ecg.reading.digitize import row_indices
from cardiac_transforms.ecg.reading.ink import local_paper
from cardiac_transforms.ecg.reading.layout import GAIN, SPEED, PageLayout
from cardiac_transforms.ecg.reading.rows import without_specks
from cardiac_transforms.ecg.reading.text import trace_mask

TILE = (62.5, 25.0)
"""mm: width and height of one lead on the canonical page; 2.5 s at 25 mm/s."""
PEN = 0.4
"""mm: thickness of the lines on the canonical page."""


def canonical_page(layout: PageLayout, pixels_per_mm: float, out_pixels_per_mm: float = 4.0) -> NDArray[np.uint8]:
    """The twelve leads drawn anew, always in the same places, whatever page they were read from.

    Six rows and two columns of tiles, I to aVF on the left and V1 to V6 on the right, each with the first 2.5 s of its
    lead that are on the page, at 25 mm/s and 10 mm/mV. Nothing but traces is drawn, black on white with a pen of 0.4
    mm: no grid, no names, no machine's diagnosis. Tall waves reach into the next tiles as they do on paper; a lead
    that is not on the page stays white.

    Args:
        layout: from :func:`cardiac_transforms.ecg.reading.layout.find_leads`.
        pixels_per_mm: of the page that ``layout`` was found on.
        out_pixels_per_mm: of the result.

    Returns:
        uint8 ``[3, H, W]``; 600 x 500 at 4 pixels per mm.
    """
    scale = out_pixels_per_mm
    wide, tall = round(TILE[0] * scale), round(TILE[1] * scale)
    ink = np.zeros((6 * tall, 2 * wide), np.float32)
    lines = trace_points(layout.rows, pixels_per_mm) if layout.layout else []
    drawn = set()
    for row, box in sorted(zip(row_indices(layout), layout.boxes, strict=True), key=lambda item: item[1].rhythm):
        lead = LEADS.index(box.lead.removeprefix("-"))
        if lead in drawn:
            continue
        drawn.add(lead)
        x, y = lines[row]
        zero = 0.5 * (box.box[1] + box.box[3])
        sign = -1.0 if box.lead.startswith("-") else 1.0
        # tile pixels: time at the standard speed, height at the standard gain
        u = (x - box.box[0]) / pixels_per_mm * (SPEED / layout.speed) * scale - 0.5
        v = (lead % 6 + 0.5) * tall - 0.5 + sign * (y - zero) / pixels_per_mm * (GAIN / layout.gain) * scale
        last = min(float(wide), (box.box[2] - box.box[0]) / pixels_per_mm * (SPEED / layout.speed) * scale)
        inside = (u >= -0.5) & (u <= last)
        column = slice(lead // 6 * wide, (lead // 6 + 1) * wide)
        ink[:, column] = np.maximum(
            ink[:, column], _drawn(u[inside], v[inside], (6 * tall, wide), PEN * scale, 3.0 * scale)
        )
    page = np.rint(255.0 * (1.0 - ink)).astype(np.uint8)
    return np.repeat(page[None], 3, axis=0)


def _drawn(
    u: NDArray[np.float64], v: NDArray[np.float64], shape: tuple[int, int], pen: float, longest_gap: float
) -> NDArray[np.float32]:
    """``[H, W]`` share of every pixel that a pen covers which follows the points ``(u, v)``."""
    height, width = shape
    if u.size < 2:
        return np.zeros(shape, np.float32)
    fine = 4
    places = (np.arange(fine * width) + 0.5) / fine - 0.5
    after = np.clip(np.searchsorted(u, places), 1, u.size - 1)
    missing = (u[after] - u[after - 1] > longest_gap) | (places < u[0] - 1) | (places > u[-1] + 1)
    line = np.interp(places, u, v)
    reach = max(1, round(pen * fine / 2))
    top = ndimage.minimum_filter1d(np.where(missing, np.inf, line), 2 * reach + 1)[fine // 2 :: fine]
    bottom = ndimage.maximum_filter1d(np.where(missing, -np.inf, line), 2 * reach + 1)[fine // 2 :: fine]
    pixel = np.arange(height, dtype=np.float64)[:, None]
    covered = np.minimum(pixel + 0.5, bottom + pen / 2) - np.maximum(pixel - 0.5, top - pen / 2)
    return np.clip(covered, 0.0, 1.0).astype(np.float32)


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
