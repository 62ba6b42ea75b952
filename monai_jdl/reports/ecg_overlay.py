"""Pictures of ECG pages with what was read from them drawn on top, to be judged by eye."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.ecg.reading import PageGrid, PageLayout, PageReading, RectifiedPage

GRID_COLOR = (0, 90, 255)
BOX_COLOR = (225, 95, 0)
TRACE_COLOR = (0, 170, 60)
_STRIP_COLORS = {True: (28, 36, 48), False: (150, 30, 20)}
"""Of the caption: pages that were read, and pages that were refused."""
_LINE_MM, _STRONG_MM = 5, 25
_STEP_MM = 2.0
"""Between the points of a drawn line, which bends with the paper."""


def draw_reading(image: np.ndarray, reading: PageReading, *, width: int = 1600) -> np.ndarray:
    """A picture with the grid, the lead boxes and the digitised traces that were found in it, and a caption below.

    The grid is blue, a line every 5 mm and a stronger one every 25 mm; it should lie on the printed thick lines. Boxes are
    orange with the lead's name. Traces are green, drawn from the digitised millivolts back through the layout and the map of
    the paper, so that every error on the way shows. A lead with a rhythm strip is drawn on the strip. A refused page has its
    grid alone, where there is one, and the reason below.

    Args:
        image: uint8 ``[H, W, 3]``, the picture that was read.
        reading: from :func:`cardiac_transforms.ecg.reading.read_page`.
        width: of the result in pixels; the picture is scaled to it.

    Returns:
        uint8 ``[H', width, 3]``.
    """
    scale = width / image.shape[1]
    picture = Image.fromarray(image).resize((width, max(1, round(image.shape[0] * scale))), reducing_gap=3.0)
    font_size = max(13, width // 70)
    if reading.page is not None and reading.page.grid.coherence > 0:  # 0 where the size is given
        fine, strong = _grid_lines(reading.page.grid)
        _stroke(picture, fine, scale, GRID_COLOR, 0.35, 1.0)
        _stroke(picture, strong, scale, GRID_COLOR, 0.65, 1.5)
    if reading.page is not None and reading.layout is not None and reading.found:
        outlines = [_outline(reading.page, box.box) for box in reading.layout.boxes]
        _stroke(picture, outlines, scale, BOX_COLOR, 0.8, 1.5)
        traces = _traces(reading.page, reading.layout, reading.signals.signals, reading.signals.rate)
        _stroke(picture, traces, scale, TRACE_COLOR, 1.0, max(1.0, width / 1200))
        draw, font = ImageDraw.Draw(picture), ImageFont.load_default(font_size)
        for box, outline in zip(reading.layout.boxes, outlines, strict=True):
            x, y = np.maximum(outline[0] * scale, 0) + 3  # boxes may begin above a cropped picture
            draw.rectangle(draw.textbbox((x, y), box.lead, font=font), fill="white")
            draw.text((x, y), box.lead, fill=BOX_COLOR, font=font)
    strip = caption_strip(reading_summary(reading), width, font_size, _STRIP_COLORS[reading.found])
    return np.concatenate([np.asarray(picture), strip])


def reading_summary(reading: PageReading) -> str:
    """One line on a page: layout, pixels per mm, speed, gain, confidence and quality; or why it was refused."""
    size = "no grid"
    if reading.page is not None:
        size = "{:.2f} x {:.2f} px/mm".format(*reading.page.grid.pixels_per_mm)
        if reading.page.grid.coherence == 0:
            size += f" by {reading.scale_from}, no grid"
    layout = reading.layout
    if layout is None or layout.layout is None or not reading.found:
        return f"not read: {reading.reason} ({size})"
    origin = "measured" if layout.calibrated else "assumed"
    quality = reading.signals.quality
    median = float(np.median(quality[quality > 0])) if (quality > 0).any() else 0.0
    return (
        f"{layout.layout.name}, {size}, {layout.speed:g} mm/s and {layout.gain:g} mm/mV {origin}, "
        f"confidence {layout.confidence:.2f}, quality {median:.2f}"
    )


def contact_sheet(images: Sequence[np.ndarray], captions: Sequence[str], columns: int, width: int) -> np.ndarray:
    """Pictures side by side with a caption above each.

    Args:
        images: uint8 ``[H, W, 3]`` each, of any size; at least one.
        captions: one for each.
        columns: pictures in a row.
        width: of each picture in pixels; it is scaled to it.

    Returns:
        uint8 ``[H', columns * width, 3]``; a row is as high as its highest picture.
    """
    cells = []
    for image, caption in zip(images, captions, strict=True):
        size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
        picture = np.asarray(Image.fromarray(image).resize(size, reducing_gap=3.0))
        cells.append(np.concatenate([caption_strip(caption, width, 13, (90, 90, 90)), picture]))
    rows = []
    for first in range(0, len(cells), columns):
        row = cells[first : first + columns]
        sheet = np.full((max(cell.shape[0] for cell in row), columns * width, 3), 255, dtype=np.uint8)
        for column, cell in enumerate(row):
            sheet[: cell.shape[0], column * width : (column + 1) * width] = cell
        rows.append(sheet)
    return np.concatenate(rows)


def _grid_lines(grid: PageGrid) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Polylines (x, y) in the picture of the lines every 5 mm, and of those every 25 mm, where the grid was seen."""
    seen = grid.millimetres[:, grid.area]
    low, high = seen.min(axis=1), seen.max(axis=1)
    lines: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for axis in (0, 1):
        along = np.arange(low[1 - axis], high[1 - axis], _STEP_MM)
        for place in range(int(np.ceil(low[axis] / _LINE_MM)) * _LINE_MM, int(high[axis]) + 1, _LINE_MM):
            points = np.stack([np.full(along.size, float(place)), along], axis=1)
            pixels = grid.to_pixels(points if axis == 0 else points[:, ::-1])
            lines[place % _STRONG_MM == 0].extend(_pieces(pixels, grid.sees(pixels)))
    return lines


def _outline(page: RectifiedPage, box: tuple[float, float, float, float]) -> np.ndarray:
    """Closed polyline in the picture of a box on the rectified page, from its top left corner on."""
    x1, y1, x2, y2 = box
    corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)])
    along = np.arange(0, 4.01, 1 / 16)
    return page.to_picture(np.stack([np.interp(along, np.arange(5), corner) for corner in corners.T], axis=1))


def _traces(page: RectifiedPage, layout: PageLayout, signals: np.ndarray, rate: float) -> Iterator[np.ndarray]:
    """Polylines in the picture of the millivolts, where their stretches are printed."""
    strips = {box.lead for box in layout.boxes if box.rhythm}
    for box in layout.boxes:
        if box.lead in strips and not box.rhythm:
            continue
        first, last = int(np.ceil(box.start * rate)), int(np.ceil(box.stop * rate))
        sign = -1.0 if box.lead.startswith("-") else 1.0
        millivolts = sign * signals[LEADS.index(box.lead.removeprefix("-")), first:last]
        known = np.isfinite(millivolts)
        seconds = np.arange(first, first + millivolts.size) / rate - box.start
        x = box.box[0] + seconds * layout.speed * page.pixels_per_mm
        y = (box.box[1] + box.box[3]) / 2 - np.where(known, millivolts, 0) * layout.gain * page.pixels_per_mm
        yield from _pieces(page.to_picture(np.stack([x, y], axis=1)), known)


def _pieces(points: np.ndarray, keep: np.ndarray) -> list[np.ndarray]:
    """The runs of ``points`` [N, 2] that ``keep`` [N] marks."""
    borders = np.flatnonzero(np.diff(keep)) + 1
    return [points[run] for run in np.split(np.arange(keep.size), borders) if run.size > 1 and keep[run[0]]]


def _stroke(
    picture: Image.Image,
    lines: Iterable[np.ndarray],
    scale: float,
    color: tuple[int, int, int],
    opacity: float,
    thickness: float,
) -> None:
    """Draw smooth polylines (x, y), given in pixels of the picture before it was scaled, in place."""
    size = np.array(picture.size)
    mask = Image.new("L", tuple(2 * size))
    draw = ImageDraw.Draw(mask)
    for line in lines:
        points = np.clip((line + 0.5) * 2 * scale - 0.5, -2 * size, 4 * size)
        draw.line(points.ravel().tolist(), fill=round(255 * opacity), width=round(2 * thickness))
    picture.paste(color, mask=mask.reduce(2))


def caption_strip(text: str, width: int, font_size: int, color: tuple[int, int, int]) -> np.ndarray:
    """White text on a strip, uint8 ``[h, width, 3]``, with as many lines as it needs."""
    font = ImageFont.load_default(font_size)
    lines = textwrap.wrap(text, max(10, int(width / (0.56 * font_size)))) or [""]
    pitch = round(1.35 * font_size)
    strip = Image.new("RGB", (width, pitch * len(lines) + font_size // 2), color)
    draw = ImageDraw.Draw(strip)
    for index, line in enumerate(lines):
        draw.text((font_size // 2, font_size // 4 + index * pitch), line, fill="white", font=font)
    return np.asarray(strip)
