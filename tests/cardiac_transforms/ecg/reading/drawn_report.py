"""The reports of the mtecg study, drawn with Pillow."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.ecg.reading.fixed import FIXED_LAYOUTS, FIXED_SCALES, PAPER_SIZES
from tests.cardiac_transforms.ecg.reading.drawn_page import made_up_signals

RATE = 500.0
SIGNALS = made_up_signals(RATE, seed=11)


def draw_report(name, lower=0.0, paper="A4"):
    """The report with :data:`SIGNALS`, its rows ``lower`` mm below the middle of the boxes; pink grid, names of the leads."""
    scale, (width, height) = FIXED_SCALES[name], PAPER_SIZES[paper]
    canvas = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(canvas)
    for index in range(round(max(width, height) / scale)):
        colour, at = ((235, 150, 150) if index % 5 == 0 else (250, 215, 215)), index * scale
        pen.line([(at, 0), (at, height)], fill=colour, width=2)
        pen.line([(0, at), (width, at)], fill=colour, width=2)
    for box in FIXED_LAYOUTS[name]:
        time = np.arange(round(box.start * RATE), round(box.stop * RATE)) / RATE
        x = box.box[0] + (time - box.start) * 25.0 * scale
        zero = 0.5 * (box.box[1] + box.box[3]) + lower * scale
        y = zero - SIGNALS[LEADS.index(box.lead), np.round(time * RATE).astype(int)] * 10.0 * scale
        pen.line([*zip(x, y, strict=True)], fill=(20, 20, 20), width=4, joint="curve")
        pen.text((box.box[0] + 12, zero - 75), box.lead, fill=(20, 20, 20), font_size=32)
    return np.asarray(canvas)
