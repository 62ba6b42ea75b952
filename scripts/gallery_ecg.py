"""The gallery of transforms/ecg-pages.md: a simulated page, or a part of it, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from gallery_examples import DOCUMENTS, Gallery
from PIL import Image, ImageDraw

from cardiac_transforms.ecg import LEADS, capture, reading, signals
from monai_jdl.phantoms import PageStyle, random_header, render_page, simulate_ecg
from monai_jdl.reports import contact_sheet

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SEED, PHOTOGRAPH_SEED = 4, 2
WIDTH = 864
"""Of a picture, in pixels."""
PARTS = {
    "BlackAndWhiteScan": (560, 90, 1),
    "GreyScan": (560, 90, 1),
    "GridColour": (560, 90, 1),
    "Handwriting": (560, 60, 1),
    "JPEGCompression": (700, 30, 3),
    "LowResolution": (560, 100, 2),
    "Moire": (560, 90, 1),
    "PageBlur": (560, 100, 2),
    "SensorNoise": (560, 100, 3),
}
"""Left and top in pixels, and magnification, of the part that is shown; of all others the whole page."""
HEIGHT = 280
"""Of such a part in the picture, in pixels."""
FROM_PHOTOGRAPH = ("DigitizeECGPage", "RectifyECGPage", "StandardizeECGPage")
FROM_LEADS = ("DrawCanonicalPage", "ECGReadingErrors", "ECGWindow")
QUALITY = 72


def page() -> dict[str, Any]:
    """What the examples work on: ``page`` with ``boxes`` and ``points``, ``photograph``, a picture of it, and its ``leads``."""
    case = simulate_ecg(SEED)
    style = PageStyle(dpi=100, grid_margin=4.0, separator="tick")
    rendered = render_page(case.signals, case.rate, style=style, header=random_header(np.random.default_rng(SEED)))
    image = torch.from_numpy(rendered.image).permute(2, 0, 1)
    leads = torch.full((len(LEADS), 5000), torch.nan)
    for box in rendered.boxes:
        lead, time = LEADS.index(box.lead), slice(round(500 * box.start), round(500 * box.stop))
        leads[lead, time] = torch.from_numpy(case.signals[lead, time]).float()
    phone = capture.RandCapturePage(1.0, ["phone"], severity=(0.7, 0.7)).set_random_state(PHOTOGRAPH_SEED)
    return {
        "capture": capture,
        "reading": reading,
        "signals": signals,
        "page": image,
        "boxes": torch.tensor([box.box for box in rendered.boxes], dtype=torch.float32),
        "points": torch.from_numpy(rendered.traces[-1]),
        "photograph": phone(image).as_tensor().round().byte(),
        "leads": leads,
    }


def draw(name: str, names: dict[str, Any], target: Path) -> None:
    """Before and after side by side, or ``out`` as a sheet where it holds several pictures; written as a JPEG."""
    out = names["out"]
    if isinstance(out, dict):
        panels = {caption: as_picture(picture) for caption, picture in out.items()}
        sheet(panels, columns=3).save(target, quality=QUALITY, optimize=True)
        return
    subject = "photograph" if name in FROM_PHOTOGRAPH else "leads" if name in FROM_LEADS else "page"
    before, after = (
        plot(values) if len(values) == len(LEADS) else as_picture(values) for values in (names[subject], out)
    )
    if "moved" in names:
        outline(before, names["boxes"])
        outline(after, names["moved"])
    if name in PARTS:
        before, after = (part(picture, *PARTS[name]) for picture in (before, after))
    sheet({"before": before, "after": after}, columns=2).save(target, quality=QUALITY, optimize=True)


def as_picture(values: torch.Tensor) -> Image.Image:
    """``(3, H, W)``, 0 to 255."""
    return Image.fromarray(torch.as_tensor(values).round().clamp(0, 255).byte().permute(1, 2, 0).numpy())


def outline(picture: Image.Image, boxes: torch.Tensor) -> None:
    """Draw boxes ``(N, 4)`` on a picture."""
    for box in boxes.tolist():
        ImageDraw.Draw(picture).rectangle(box, outline=(30, 90, 200), width=2)


def part(picture: Image.Image, left: int, top: int, zoom: int) -> Image.Image:
    """A part of a picture as wide as half of :data:`WIDTH`, each pixel ``zoom`` times as large."""
    width, height = WIDTH // 2, HEIGHT
    box = (left, top, left + width / zoom, top + height / zoom)
    return picture.resize((width, height), Image.Resampling.NEAREST, box)


def plot(leads: torch.Tensor) -> Image.Image:
    """The twelve leads ``(12, T)`` in mV, one above the other."""
    figure, axes = plt.subplots(figsize=(8.6, 6.64), layout="constrained")
    for row, signal in enumerate(leads.tolist()):
        axes.plot(np.arange(len(signal)) / 500, np.asarray(signal) - 2.5 * row, color="black", linewidth=1)
    axes.set_yticks([-2.5 * row for row in range(len(LEADS))], LEADS, fontsize=15)
    axes.tick_params("x", labelsize=15)
    axes.set_xlabel("s", fontsize=15)
    axes.set_xlim(0, leads.shape[1] / 500)
    axes.grid(axis="x", color="0.85")
    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    plt.close(figure)
    return drawn


def sheet(pictures: dict[str, Image.Image], columns: int) -> Image.Image:
    """Pictures in rows, each with its caption above."""
    images = [np.asarray(picture) for picture in pictures.values()]
    return Image.fromarray(contact_sheet(images, list(pictures), columns, WIDTH // columns))


GALLERY = Gallery(DOCUMENTS / "ecg-pages.md", "images/ecg/{}.jpg", page, draw)
