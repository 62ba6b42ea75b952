"""Where everything lies on a page, in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardiac_transforms.ecg.leads import DURATION, Layout, LeadBox
from monai_jdl.errors import InputError
from monai_jdl.phantoms.page.style import PageStyle

LINE_SPACING = 1.25
"""Distance of text lines in units of the lettering's height."""
PULSE_SECONDS = 0.2
_PULSE_GAP = 1.0  # mm between pulse and trace
_SQUARE = 5.0  # mm
_MIN_PITCH = 6.0  # mm; below, neighbouring lead names would run into each other


@dataclass(frozen=True)
class PagePlan:
    """Positions on a page in pixels, (x, y).

    Attributes:
        boxes: where each stretch of a lead is, in reading order.
        zero_lines: y of the zero line of each row.
        pulse_left: x of the pulse's rise, ``None`` without a pulse.
        grid_box: ``(x1, y1, x2, y2)`` that the grid covers.
        grid_origin: a crossing of two 5 mm lines.
        header_top: y of the header's upper edge.
        footer_bottom: y of the footer's lower edge.
    """

    boxes: tuple[LeadBox, ...]
    zero_lines: tuple[float, ...]
    pulse_left: float | None
    grid_box: tuple[float, float, float, float]
    grid_origin: tuple[float, float]
    header_top: float
    footer_bottom: float


def plan_page(style: PageStyle, layout: Layout, header_lines: int) -> PagePlan:
    """Place rows, columns, pulse and grid.

    A row shows :data:`~cardiac_transforms.ecg.leads.DURATION` seconds where they fit at the page's speed, else as many
    whole half seconds as fit; the columns share them evenly.

    Args:
        style: the page's measures.
        layout: arrangement of the leads.
        header_lines: lines of text above the traces.

    Raises:
        InputError: the page is too small for the layout.
    """
    pulse = 0.0
    if style.pulse != "none":
        pulse = PULSE_SECONDS * style.speed + 2 * style.pulse_feet + _PULSE_GAP
    seconds = (style.width - 2 * style.margin - pulse) / style.speed
    seconds = min(DURATION, math.floor(2 * seconds + 1e-6) / 2)
    if seconds < 1:
        raise InputError(
            f"A page {style.width:g} mm wide shows less than 1 s of ECG at {style.speed:g} mm/s; make it wider."
        )
    header = header_lines * LINE_SPACING * style.text_size + (2.0 if header_lines else 0.0)
    footer = 2 * style.text_size if style.footer else 0.0
    top, bottom = style.margin + header, style.height - style.margin - footer
    pitch = (bottom - top) / layout.row_count
    if style.row_pitch is not None:
        pitch = min(pitch, style.row_pitch)
    if pitch < _MIN_PITCH:
        raise InputError(
            f"A page {style.height:g} mm high has no room for {layout.row_count} rows and {header_lines} lines of text; "
            "make it higher."
        )
    content = seconds * style.speed
    left = (style.width - content - pulse) / 2 + (pulse if style.pulse == "left" else 0.0)
    rise = left + (content + _PULSE_GAP if style.pulse == "right" else -pulse) + style.pulse_feet
    first = (top + bottom - pitch * layout.row_count) / 2 + pitch / 2

    def pixel(mm: float) -> float:  # the page's edge is half a pixel before the first pixel's centre
        return mm * style.pixels_per_mm - 0.5

    boxes = []
    for row, lead, start, stop, rhythm in layout.stretches():
        start, stop = start * seconds / DURATION, stop * seconds / DURATION
        x1, x2 = pixel(left + start * style.speed), pixel(left + stop * style.speed)
        y1, y2 = (pixel(first + (row + side) * pitch) for side in (-0.5, 0.5))
        boxes.append(LeadBox(lead, (x1, y1, x2, y2), start, stop, rhythm))
    grid_left, grid_top, grid_right, grid_bottom, origin_x, origin_y = map(
        pixel, _grid(style, top if header_lines else None)
    )
    return PagePlan(
        boxes=tuple(boxes),
        zero_lines=tuple(pixel(first + row * pitch) for row in range(layout.row_count)),
        pulse_left=None if style.pulse == "none" else pixel(rise),
        grid_box=(grid_left, grid_top, grid_right, grid_bottom),
        grid_origin=(origin_x, origin_y),
        header_top=pixel(style.margin),
        footer_bottom=pixel(style.height - style.margin),
    )


def _grid(style: PageStyle, header_bottom: float | None) -> tuple[float, float, float, float, float, float]:
    """Left, top, right and bottom of the grid, and x and y of a crossing of its thick lines, in mm."""
    if style.grid_margin is None:
        return 0.0, 0.0, style.width + 1, style.height + 1, *style.grid_phase
    width = _SQUARE * math.floor((style.width - 2 * style.grid_margin) / _SQUARE)
    left = (style.width - width) / 2
    top = style.grid_margin if header_bottom is None else header_bottom
    height = _SQUARE * math.floor((style.height - style.grid_margin - top) / _SQUARE)
    return left, top, left + width, top + height, left, top
