"""The two reports of the mtecg study: pages whose lead boxes are known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cardiac_transforms.ecg.leads import LAYOUTS, LeadBox
from cardiac_transforms.ecg.reading.grid import flat_grid
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import GAIN, SPEED, PageLayout
from cardiac_transforms.ecg.reading.page import PageReading
from cardiac_transforms.ecg.reading.rectify import RectifiedPage
from cardiac_transforms.ecg.reading.rows import follow, ink_runs


def _tiles(
    layout: str,
    corner: tuple[int, int],
    size: tuple[int, int],
    xs: tuple[int, ...],
    ys: tuple[int, ...],
    seconds: float,
) -> tuple[LeadBox, ...]:
    """Boxes of equal size at ``corner`` plus every ``xs`` and ``ys``, all in pixels."""
    return tuple(
        LeadBox(
            lead,
            (
                corner[0] + xs[column] - 0.5,
                corner[1] + ys[row] - 0.5,
                corner[0] + xs[column] + size[0] - 0.5,
                corner[1] + ys[row] + size[1] - 0.5,
            ),
            column * seconds,
            (column + 1) * seconds,
        )
        for row, leads in enumerate(LAYOUTS[layout].rows)
        for column, lead in enumerate(leads)
    )


FIXED_LAYOUTS = {
    "mtecg 6x2": _tiles("6x2", (176, 258), (1472, 240), (0, 1472), (0, 240, 480, 720, 960, 1080), 5.0),
    "mtecg 3x4": _tiles("3x4", (82, 950), (701, 350), (0, 740, 1478, 2217), (0, 350, 700), 2.5),
}
"""Lead boxes of the two reports of Siriraj Hospital that the mtecg study (Sci Rep 2024, s41598-024-58131-6) cuts its
tiles from, on pages rasterised at 300 dots per inch. The sixth row of the first overlaps the fifth, as it does
there."""
FIXED_SCALES = {"mtecg 6x2": 294.0 / SPEED, "mtecg 3x4": 280.0 / SPEED}
"""Pixels per mm along these pages: the report's pixels per second over 25 mm/s."""
PAPER_SIZES = {"A4": (3508, 2480), "Letter": (3300, 2550)}
"""Width and height in pixels, at 300 dots per inch, of the sheets that hold the boxes; the study does not name its own."""
_ROUNDING = 3
"""Pixels by which programs that rasterise pages differ."""
_ENOUGH = 0.5
"""Share of the boxes' width that traces run through at least."""


def read_fixed_page(image: NDArray[np.uint8], name: str) -> PageReading:
    """Read a page whose boxes are known beforehand, whatever its grid looks like.

    Args:
        image: uint8 ``[H, W, 3]``: an upright landscape page of :data:`PAPER_SIZES`, rasterised at 300 dots per inch (a PDF,
            not a photograph).
        name: key of :data:`FIXED_LAYOUTS`.

    Returns:
        The leads; its ``page`` is the picture itself. Where no trace runs through a box, the reason.

    Raises:
        ValueError: no such layout, or a picture of another size.
    """
    if name not in FIXED_LAYOUTS:
        raise ValueError(f"There is no fixed layout {name!r}; the fixed layouts are {', '.join(FIXED_LAYOUTS)}.")
    height, width = image.shape[:2]
    if not any(max(abs(width - w), abs(height - h)) <= _ROUNDING for w, h in PAPER_SIZES.values()):
        sizes = " or ".join(f"{w} x {h} ({paper})" for paper, (w, h) in PAPER_SIZES.items())
        raise ValueError(
            f"The layout {name} is for pages of {sizes} pixels, landscape at 300 dpi, and the picture has {width} x {height}; "
            "give the PDF of the report, or let the leads be found."
        )
    scale = FIXED_SCALES[name]
    grid = flat_grid((height, width), scale)
    page = RectifiedPage(image, np.ones((height, width), bool), scale, (0.0, 0.0), (0.0, 0.0), grid)
    ink = trace_ink(image, scale)
    layout = fixed_layout(ink, name)
    return PageReading(page, ink, layout, layout.reason, "resolution")


def fixed_layout(ink: NDArray[np.float32], name: str) -> PageLayout:
    """A page whose boxes are known beforehand; nothing is looked for but the heights of the traces in them.

    The boxes move up or down with their row, since half-way between their edges is the zero line of digitising.

    Args:
        ink: ``[H, W]`` of the whole page at 300 dots per inch.
        name: key of :data:`FIXED_LAYOUTS`.

    Returns:
        The layout, ``name`` its name; its confidence is the share of the boxes' width that traces run through.

    Raises:
        KeyError: no such layout.
    """
    boxes = FIXED_LAYOUTS[name]
    arrangement = replace(LAYOUTS[name.split()[1]], name=name)
    middle = np.array([0.5 * (b.box[1] + b.box[3]) for b in boxes[:: arrangement.columns]])
    left, right = round(boxes[0].box[0]), round(boxes[-1].box[2])
    # what is printed beside the boxes must not draw the traces to it
    inside = np.zeros_like(ink)
    inside[:, left:right] = ink[:, left:right]
    rows = follow(ink_runs(inside, inside > 0.5), middle, FIXED_SCALES[name])
    seen = np.isfinite(rows.centre[:, left:right])
    confidence = float(seen.mean())
    if confidence < _ENOUGH:
        reason = f"In the boxes of {name} there are traces along {confidence:.0%} of their width alone."
        return PageLayout(None, [], SPEED, GAIN, False, confidence, reason, rows)
    zero = np.array(
        [
            np.median(row[known]) if known.any() else m
            for row, known, m in zip(rows.centre[:, left:right], seen, middle, strict=True)
        ]
    )
    moved = np.repeat(zero - middle, arrangement.columns)
    placed = [
        replace(b, box=(b.box[0], b.box[1] + by, b.box[2], b.box[3] + by)) for b, by in zip(boxes, moved, strict=True)
    ]
    return PageLayout(arrangement, placed, SPEED, GAIN, False, confidence, "", replace(rows, zero=zero))
