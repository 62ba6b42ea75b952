"""An ECG page as a machine prints it, with its exact truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS, Layout, LeadBox
from monai_jdl.errors import InputError
from monai_jdl.phantoms.page.grid import page_background
from monai_jdl.phantoms.page.header import PageHeader
from monai_jdl.phantoms.page.plan import LINE_SPACING, PULSE_SECONDS, PagePlan, plan_page
from monai_jdl.phantoms.page.stroke import stroke_coverage
from monai_jdl.phantoms.page.style import Color, PageStyle
from monai_jdl.phantoms.page.text import Lettering, PageText


@dataclass(frozen=True)
class RenderedPage:
    """A page and where everything on it is. Pixel coordinates are (x, y), the first pixel's centre at (0, 0).

    Attributes:
        image: uint8 ``[H, W, 3]``, RGB.
        boxes: where each stretch of a lead is, with its times.
        mask: uint8 ``[H, W]``: ``k + 1`` where the ink of ``boxes[k]``'s trace is, else 0. Where traces cross, the one that
            covers more of the pixel.
        traces: per box the trace as float32 ``[N, 2]`` vertices (x, y); y is NaN where the signal is not known.
        pulses: boxes of the calibration pulses: x of rise and fall, y of the top and of the zero line (lines' centres).
        texts: all texts with their kind and box.
        pixels_per_mm: pixels per mm of paper, the same in both directions.
        speed: mm/s.
        gain: mm/mV.
        grid_origin: (x, y) of a crossing of two 5 mm lines.
    """

    image: np.ndarray
    boxes: list[LeadBox]
    mask: np.ndarray
    traces: list[np.ndarray]
    pulses: list[tuple[float, float, float, float]]
    texts: list[PageText]
    pixels_per_mm: float
    speed: float
    gain: float
    grid_origin: tuple[float, float]


def render_page(
    signals: np.ndarray,
    rate: float,
    *,
    layout: str | Layout = "3x4+1",
    style: PageStyle | None = None,
    header: PageHeader | None = None,
    names: Mapping[str, str] | None = None,
) -> RenderedPage:
    """Print 12 leads on a page.

    A row shows 10 s where they fit on the page at its speed, else as many half seconds as fit; :attr:`RenderedPage.boxes`
    tell the times. What the record does not hold (NaN, or beyond its end) stays blank.

    Args:
        signals: ``[12, T]`` in mV, leads in the order of :data:`cardiac_transforms.ecg.leads.LEADS`.
        rate: samples per second.
        layout: arrangement of the leads, or its name in :data:`cardiac_transforms.ecg.leads.LAYOUTS`.
        style: how the page looks.
        header: texts above the traces.
        names: printed names of leads that are not printed as in ``LEADS``, e.g. ``{"aVR": "AVR"}``; empty for none.

    Raises:
        InputError: the signals, the rate or the layout cannot be printed, or the page is too small.

    Example:
        >>> page = render_page(np.zeros((12, 5000), dtype=np.float32), 500.0, layout="6x2", style=PageStyle(dpi=150))
        >>> page.image.shape, page.boxes[1].lead, page.boxes[1].start
        ((1275, 1650, 3), 'V1', 5.0)
    """
    signals = np.asarray(signals, dtype=np.float64)
    if signals.ndim != 2 or signals.shape[0] != len(LEADS) or signals.shape[1] < 2:
        raise InputError(f"A page needs signals of shape [12, T] with T >= 2, not {list(signals.shape)}.")
    if not 0 < rate < float("inf"):
        raise InputError(f"The rate must be greater than 0 Hz, not {rate}.")
    if isinstance(layout, str):
        if layout not in LAYOUTS:
            raise InputError(f"There is no layout {layout!r}; the layouts are {', '.join(LAYOUTS)}.")
        layout = LAYOUTS[layout]
    style, header = style or PageStyle(), header or PageHeader()
    plan = plan_page(style, layout, header.line_count)
    scale = style.pixels_per_mm
    pen = style.trace_width * scale
    ink = _Ink(style.shape)
    traces = []
    for index, box in enumerate(plan.boxes):
        zero = (box.box[1] + box.box[3]) / 2
        line = _trace(signals, rate, box, zero, style)
        ink.stroke(line, pen, label=index + 1)
        traces.append(line)
    pulses = _draw_pulses(ink, plan, style)
    _draw_separators(ink, plan, style)
    lettering = Lettering(style.shape, style.font)
    _write_names(lettering, plan, style, names or {})
    _write_header(lettering, plan, style, header)
    if style.footer:
        text = f"{style.speed:g} mm/s   {style.gain:g} mm/mV   {style.filter}"
        lettering.write(
            "footer", text, (style.margin * scale, plan.footer_bottom), style.text_size * scale, anchor="ld"
        )
    image = page_background(style, plan).copy()
    _print(image, ink.coverage, style.trace_color)
    _print(image, lettering.coverage(), style.text_color)
    return RenderedPage(
        image,
        list(plan.boxes),
        ink.labels,
        traces,
        pulses,
        lettering.texts,
        scale,
        style.speed,
        style.gain,
        plan.grid_origin,
    )


_MARKS = {"tick": (2.5, 0.25), "bar": (4.0, 0.8)}
"""Half height and width in mm of the marks between columns."""


class _Ink:
    """Coverage of the page by the pen, 0-255, and whose trace it is."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.coverage = np.zeros(shape, dtype=np.uint8)
        self.labels = np.zeros(shape, dtype=np.uint8)

    def stroke(self, line: np.ndarray, width: float, label: int = 0) -> None:
        """Draw a polyline with a pen of ``width`` pixels; note ``label`` where it is ink, unless 0."""
        drawn = stroke_coverage(line, width, self.coverage.shape)
        if drawn is None:
            return
        part, top, left = drawn
        amount = np.rint(part * 255).astype(np.uint8)
        window = (slice(top, top + part.shape[0]), slice(left, left + part.shape[1]))
        if label:
            # a thin line between two rows of pixels covers half of its width in each: both are its ink
            own = (part > 0.45 * min(width, 1.0)) & (amount > self.coverage[window])
            self.labels[window][own] = label
        np.maximum(self.coverage[window], amount, out=self.coverage[window])

    def upright(self, x: float, top: float, bottom: float, width: float, dot: float | None = None) -> None:
        """Draw a vertical bar, whole or as dots with equal gaps, all in pixels."""
        height, pixels = self.coverage.shape
        across = np.diff(np.clip(np.arange(pixels + 1) - 0.5, x - width / 2, x + width / 2))
        edge = np.clip(np.arange(height + 1) - 0.5, top, bottom) - top
        if dot is not None:  # length of dots up to the edge
            edge = edge // (2 * dot) * dot + np.minimum(edge % (2 * dot), dot)
        rows, columns = (slice(*np.flatnonzero(part)[[0, -1]] + (0, 1)) for part in (np.diff(edge), across))
        amount = np.rint(255 * np.diff(edge)[rows, None] * across[columns]).astype(np.uint8)
        np.maximum(self.coverage[rows, columns], amount, out=self.coverage[rows, columns])


def _print(image: np.ndarray, coverage: np.ndarray, color: Color) -> None:
    """Mix ``color`` into ``image`` [H, W, 3] by ``coverage`` [H, W], 0-255, in place."""
    where = np.flatnonzero(coverage > 0)
    pixels = image.reshape(-1, 3)
    below = pixels[where]
    share = coverage.reshape(-1)[where].astype(np.float32)[:, None] / 255
    pixels[where] = below + share * (np.array(color, dtype=np.float32) - below) + 0.5


def _trace(signals: np.ndarray, rate: float, box: LeadBox, zero: float, style: PageStyle) -> np.ndarray:
    """Vertices of a box's trace: the samples in its time, and the values at its edges between samples."""
    lead = box.lead.removeprefix("-")
    signal = signals[LEADS.index(lead)] * (-1 if box.lead != lead else 1)
    signal = np.where(np.isfinite(signal), signal, np.nan)
    first, last = int(np.floor(box.start * rate)) + 1, int(np.ceil(box.stop * rate)) - 1
    position = np.concatenate([[box.start * rate], np.arange(first, last + 1), [box.stop * rate]])
    value = np.interp(position, np.arange(signal.size), signal)
    value[position > signal.size] = np.nan  # the last sample lasts as long as the others
    scale = style.pixels_per_mm
    x = box.box[0] + (position / rate - box.start) * style.speed * scale
    return np.stack([x, zero - value * style.gain * scale], axis=1).astype(np.float32)


def _draw_pulses(ink: _Ink, plan: PagePlan, style: PageStyle) -> list[tuple[float, float, float, float]]:
    """Draw a pulse of 1 mV and 200 ms in every row; returns their boxes."""
    if plan.pulse_left is None:
        return []
    scale = style.pixels_per_mm
    rise, fall = plan.pulse_left, plan.pulse_left + PULSE_SECONDS * style.speed * scale
    feet = style.pulse_feet * scale
    boxes = []
    for zero in plan.zero_lines:
        top = zero - style.gain * scale
        line = [(rise - feet, zero), (rise, zero), (rise, top), (fall, top), (fall, zero), (fall + feet, zero)]
        ink.stroke(np.array(line), style.trace_width * scale)
        boxes.append((rise, top, fall, zero))
    return boxes


def _draw_separators(ink: _Ink, plan: PagePlan, style: PageStyle) -> None:
    """Mark where one lead ends and the next begins."""
    scale = style.pixels_per_mm
    columns = [box for box in plan.boxes if not box.rhythm and box.start > 0]
    if style.separator == "line" and columns:
        top, bottom = columns[0].box[1], columns[-1].box[3]
        for x in {box.box[0] for box in columns}:
            ink.upright(x, top, bottom, 0.25 * scale, dot=0.6 * scale)
    elif style.separator in _MARKS:
        half, width = _MARKS[style.separator]
        for box in columns:
            zero = (box.box[1] + box.box[3]) / 2
            ink.upright(box.box[0], zero - half * scale, zero + half * scale, width * scale)


def _write_names(lettering: Lettering, plan: PagePlan, style: PageStyle, names: Mapping[str, str]) -> None:
    scale = style.pixels_per_mm
    side, anchor = (-1, "ls") if style.name_place == "above" else (1, "lt")
    for box in plan.boxes:
        zero = (box.box[1] + box.box[3]) / 2
        place = (box.box[0] + 1.0 * scale, zero + side * style.name_distance * scale)
        lettering.write(
            "lead_name", names.get(box.lead, box.lead), place, style.name_size * scale,
            anchor=anchor, bold=style.bold * scale,
        )  # fmt: skip


def _write_header(lettering: Lettering, plan: PagePlan, style: PageStyle, header: PageHeader) -> None:
    """Print the header's blocks side by side, each at a third of the page or where the one before it ends."""
    scale = style.pixels_per_mm
    room, gap = (style.width - 2 * style.margin) * scale, 3.0 * scale
    blocks = [(kind, getattr(header, kind)) for kind in style.header_columns]
    size = style.text_size * scale
    widths = [max((lettering.length(text, size) for text in lines), default=0.0) + gap for _, lines in blocks]
    shrink = min(1.0, room / sum(widths))
    size, widths = size * shrink, [width * shrink for width in widths]
    left = 0.0
    for column, (kind, lines) in enumerate(blocks):
        left = max(left, min(column * room / 3, room - sum(widths[column:])))
        for row, text in enumerate(lines):
            xy = (style.margin * scale + left, plan.header_top + row * LINE_SPACING * style.text_size * scale)
            lettering.write(kind, text, xy, size, anchor="la")
        left += widths[column]
