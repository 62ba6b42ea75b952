"""From a picture to a page that is read: grid, rectified page, leads, and signals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from cardiac_transforms.ecg.leads import LeadBox
from cardiac_transforms.ecg.page_transform import hulls
from cardiac_transforms.ecg.reading.digitize import DigitizedECG, digitize
from cardiac_transforms.ecg.reading.grid import PageGrid, black_and_white, find_grid
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import PageLayout, find_leads
from cardiac_transforms.ecg.reading.rectify import RectifiedPage, rectify
from cardiac_transforms.ecg.reading.scan import SizedPage, find_scan

_SURE = 0.6
"""Confidence in the leads from which on no other orientation of the page is tried, and nothing needs to be looked at."""
_LEAST = 0.2
"""Confidence below which a picture is refused."""
_LEAST_WITHOUT_GRID = 0.35
"""The same where no grid says that the picture shows an ECG; staves of music reach 0.2."""
_BETTER = 0.15
"""How much more confident a turned page must be; pages are upright more often than not."""

_SMALLEST = 64
"""Pixels along the shorter side; a strip that is 30 mm high needs more."""

_WHOLE = 0.7
"""Share of a picture from which on its grid is seen on all of the page."""
_AGREES = 0.03
"""Relative difference up to which two measurements of a scale agree."""


@dataclass(frozen=True)
class PageReading:
    """What was found in a picture.

    Attributes:
        page: the page laid flat and upright; ``None`` where no page was found.
        ink: float32 ``[H, W]`` on it, traces and text.
        layout: leads and boxes on it; ``None`` where no page was found.
        reason: why the picture cannot be read; empty where it can.
        scale_from: what told how large a millimetre is: ``grid``; where none was seen, ``resolution`` (the file's dots per
            inch), ``pulse`` (the calibration pulse) or ``rows`` (their usual length); empty where no page was found.
    """

    page: RectifiedPage | None
    ink: np.ndarray | None
    layout: PageLayout | None
    reason: str
    scale_from: str = ""

    @property
    def found(self) -> bool:
        """Whether leads were found."""
        return not self.reason

    @property
    def doubtful(self) -> bool:
        """Whether the leads that were found may be others: the picture should be looked at."""
        return self.found and self.layout is not None and self.layout.confidence < _SURE

    @property
    def boxes(self) -> list[LeadBox]:
        """The lead boxes in pixels of the picture: upright hulls of their outlines there."""
        if self.page is None or self.layout is None:
            return []
        page = self.page
        flat = torch.tensor([box.box for box in self.layout.boxes], dtype=torch.float64).reshape(-1, 4)
        found = hulls(flat, lambda points: torch.from_numpy(page.to_picture(points.numpy()))).tolist()
        return [replace(box, box=tuple(place)) for box, place in zip(self.layout.boxes, found, strict=True)]

    @cached_property
    def signals(self) -> DigitizedECG:
        """The twelve leads at 500 Hz.

        Raises:
            ValueError: nothing was found; the message is the reason.
        """
        if self.page is None or self.layout is None or self.ink is None or self.reason:
            raise ValueError(self.reason)
        return digitize(self.layout, self.ink, self.page.pixels_per_mm)


def read_page(image: np.ndarray, pixels_per_mm: float | None = None) -> PageReading:
    """Find the page, the grid and the leads in a picture of an ECG.

    Args:
        image: uint8 ``[H, W, 3]``: a photograph, scan, screenshot or rendering, the page up to 30 degrees from upright or
            from lying on a side or on its head. Its longer side shows 130 to 430 mm.
        pixels_per_mm: of the picture, for flat scans whose grid cannot be seen, from their dots per inch; where there is a
            grid, the grid counts.

    Returns:
        What was found; where that is no ECG, the reason.

    Raises:
        ValueError: ``image`` is not uint8 of that shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"The picture is {image.dtype} {list(image.shape)}; read_page expects uint8 [H, W, 3].")
    if min(image.shape[:2]) < _SMALLEST:
        return PageReading(None, None, None, f"A picture of {image.shape[1]} x {image.shape[0]} pixels shows no ECG.")
    grid = find_grid(image)
    sized = find_scan(image, pixels_per_mm) if grid is None else _sized_by(grid, image)
    if sized is None:
        return PageReading(
            None, None, None, "No millimetre grid was found, and no ECG traces that would tell the size of the waves."
        )
    flat = rectify(image, sized.grid)
    crossing = flat.grid_origin if sized.grid.coherence > 0 and black_and_white(image) else None
    flat_ink = trace_ink(
        flat.image,
        flat.pixels_per_mm,
        flat.valid,
        black_crossing=crossing,
        picture_scale=min(sized.grid.pixels_per_mm),
    )
    best: tuple[RectifiedPage, np.ndarray, PageLayout] | None = None
    for turns in sized.turns:
        ink = np.ascontiguousarray(np.rot90(flat_ink, turns))
        layout = find_leads(ink, flat.pixels_per_mm)
        if best is None or layout.confidence > best[2].confidence + _BETTER:
            best = flat.turned(turns), ink, layout
        if best[2].confidence >= _SURE:
            break
    assert best is not None
    page, ink, layout = best
    reason = layout.reason
    if not reason and layout.confidence < (_LEAST if grid is not None else _LEAST_WITHOUT_GRID):
        reason = "The traces on the page are in no arrangement of leads that is known."
    return PageReading(page, ink, layout, reason, sized.scale_from)


def _sized_by(grid: PageGrid, image: np.ndarray) -> SizedPage:
    """The page by its grid; a scan in black and white that shows little of it by the whole page, if that agrees."""
    if grid.area.mean() * np.ptp(grid.xs) * np.ptp(grid.ys) > _WHOLE * grid.scale**2 * np.prod(grid.shape):
        return SizedPage(grid)
    if not black_and_white(image):
        return SizedPage(grid)
    scan = find_scan(image)
    agrees = scan is not None and np.allclose(scan.grid.pixels_per_mm, grid.pixels_per_mm, rtol=_AGREES)
    return scan if scan is not None and agrees else SizedPage(grid)
