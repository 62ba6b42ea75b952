"""Small ECG pages drawn with Pillow, and signals to draw, for the tests of reading."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cardiac_transforms.ecg.leads import DURATION, LEADS, Layout, LeadBox
from cardiac_transforms.ecg.reading.rows import RowTraces


@dataclass
class DrawnPage:
    """A page and what is true of it; boxes as :class:`cardiac_transforms.ecg.LeadBox` defines them, in pixels."""

    image: NDArray[np.uint8]
    boxes: list[LeadBox]
    pixels_per_mm: float
    grid_origin: tuple[float, float]
    texts: list[tuple[float, float, float, float]] = field(default_factory=list)


def made_up_signals(rate: float = 500.0, seconds: float = DURATION, heart_rate: float = 72.0, seed: int = 0):
    """``[12, T]`` mV: P, QRS and T waves in eight leads, the other four by Einthoven and Goldberger."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(rate * seconds)) / rate
    waves = (  # centre (s), width (s), then mV in I, II, V1..V6
        (-0.16, 0.022, (0.07, 0.12, 0.05, 0.05, 0.06, 0.06, 0.06, 0.06)),
        (-0.025, 0.009, (-0.06, -0.05, 0.15, 0.2, -0.02, -0.05, -0.08, -0.08)),
        (0.0, 0.012, (0.7, 1.0, 0.2, 0.4, 0.8, 1.6, 1.4, 1.0)),
        (0.03, 0.012, (-0.1, -0.25, -0.9, -1.5, -1.0, -0.6, -0.2, -0.1)),
        (0.27, 0.045, (0.2, 0.3, -0.05, 0.45, 0.4, 0.35, 0.3, 0.2)),
    )
    basis = np.zeros((8, t.size))
    beat = 0.35 + 0.3 * rng.random()
    while beat < seconds + 0.4:
        for centre, width, gains in waves:
            basis += np.outer(
                np.array(gains) * rng.uniform(0.9, 1.1), np.exp(-0.5 * ((t - beat - centre) / width) ** 2)
            )
        beat += 60.0 / heart_rate * rng.uniform(0.93, 1.07)
    one, two = basis[:2]
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.vstack([np.array(limbs), basis[2:]]).astype(np.float32)


def draw_page(
    signals: NDArray[np.float32],
    rate: float,
    layout: Layout,
    *,
    pixels_per_mm: float = 8.0,
    speed: float = 25.0,
    gain: float = 10.0,
    grid: tuple[int, int, int] = (240, 170, 170),
    ink: tuple[int, int, int] = (20, 20, 30),
    paper: tuple[int, int, int] = (255, 250, 245),
    line_mm: float = 0.3,
    row_pitch: float | None = None,
    pulse: bool = True,
    labels: bool = True,
    label_below: bool = False,
    separators: str = "none",
    header: bool = True,
    column_gap: float = 0.0,
    margin: float = 12.0,
    seconds: float = DURATION,
) -> DrawnPage:
    """The page of ``signals`` (mV) in ``layout``; lengths in mm, drawn at twice the resolution and averaged down."""
    scale = 2 * pixels_per_mm
    pitch = row_pitch or {2: 60.0, 3: 40.0, 4: 34.0, 6: 27.0, 7: 24.0}.get(layout.row_count, 20.0)
    top = 42.0 if header else 14.0
    left = margin + (12.0 if pulse else 0.0)
    width = left + seconds * speed + margin
    height = top + layout.row_count * pitch + 10.0
    canvas = Image.new("RGB", (round(width * scale), round(height * scale)), paper)
    pen = ImageDraw.Draw(canvas)
    origin = (3.0, 4.0)
    for axis, length in enumerate((width, height)):
        for index in range(-6, int(length) + 1):
            at = (origin[axis] + index) * scale
            thick = index % 5 == 0
            colour = grid if thick else tuple((g + p) // 2 for g, p in zip(grid, paper, strict=True))
            ends = [(at, 0), (at, height * scale)] if axis == 0 else [(0, at), (width * scale, at)]
            pen.line(ends, fill=colour, width=max(1, round((0.22 if thick else 0.12) * scale)))
    stroke = max(1, round(line_mm * scale))
    font = ImageFont.load_default(size=3.2 * scale)
    texts = []

    def write(x: float, y: float, text: str) -> None:
        pen.text((x * scale, y * scale), text, fill=ink, font=font)
        texts.append(tuple(v / 2 for v in pen.textbbox((x * scale, y * scale), text, font=font)))

    if header:
        left_column = ("Name: A. Nonymous", "Vent. rate 72 bpm", "PR interval 160 ms", "QRS 90 ms", "QT 380")
        right_column = ("Sinus rhythm", "Anterior infarct, age undetermined", "Abnormal ECG", "", "25 mm/s")
        for line, (first, second) in enumerate(zip(left_column, right_column, strict=True)):
            write(15, 6 + 5 * line, first)
            write(110, 6 + 5 * line, second)
    boxes = []
    for row, lead, start, stop, rhythm in layout.stretches():
        if start >= seconds:
            continue
        stop = min(stop, seconds)
        zero = top + (row + 0.5) * pitch
        sign = -1.0 if lead.startswith("-") else 1.0
        first, last = round(start * rate), round(stop * rate)
        values = sign * signals[LEADS.index(lead.removeprefix("-"))][first:last]
        x = left + (np.arange(first, last) / rate) * speed
        if column_gap and start:
            keep = x > left + start * speed + column_gap
            x, values = x[keep], values[keep]
        points = [*zip(x * scale, (zero - values * gain) * scale, strict=True)]
        pen.line(points, fill=ink, width=stroke, joint="curve")
        for end in (points[0], points[-1]):  # a pen is round
            pen.circle(end, stroke / 2, fill=ink)
        edge = left + start * speed
        boxes.append(
            LeadBox(
                lead,
                (
                    edge * pixels_per_mm - 0.5,
                    (zero - pitch / 2) * pixels_per_mm - 0.5,
                    (left + stop * speed) * pixels_per_mm - 0.5,
                    (zero + pitch / 2) * pixels_per_mm - 0.5,
                ),
                start,
                stop,
                rhythm,
            )
        )
        if labels:
            write(edge + 1.5, zero + (3.0 if label_below else -10.5), lead)
        if separators == "ticks" and start:
            pen.line([(edge * scale, (zero - 8) * scale), (edge * scale, (zero - 4) * scale)], fill=ink, width=stroke)
        if pulse and start == 0:
            step = 0.2 * speed
            corners = [(-step - 3, 0), (-step - 1.5, 0), (-step - 1.5, gain), (-1.5, gain), (-1.5, 0), (-0.5, 0)]
            pen.line([((left + u) * scale, (zero - v) * scale) for u, v in corners], fill=ink, width=stroke)
    if separators == "bars":
        for column in range(1, layout.columns):
            edge = left + column * DURATION / layout.columns * speed
            bottom = top + len(layout.rows) * pitch
            pen.line([(edge * scale, top * scale), (edge * scale, bottom * scale)], fill=ink, width=stroke)
    image = np.asarray(canvas.reduce(2))
    return DrawnPage(
        image, boxes, pixels_per_mm, (origin[0] * pixels_per_mm - 0.5, origin[1] * pixels_per_mm - 0.5), texts
    )


def level_rows(*zeros):
    """The ink of level traces 3 pixels thick, and their rows."""
    ink = np.zeros((300, 400), np.float32)
    for zero in zeros:
        ink[zero - 1 : zero + 2] = 1.0
    centre = np.repeat(np.array(zeros, np.float32)[:, None], 400, axis=1)
    ends = np.zeros(len(zeros), np.intp)
    return ink, RowTraces(np.array(zeros, float), centre - 1.5, centre + 1.5, centre, ends, ends + 399)
