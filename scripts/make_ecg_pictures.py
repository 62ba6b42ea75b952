"""The pictures of docs/ecg-pages.md: a twin patient, captures of one page, and the steps of reading.

Usage: make_ecg_pictures.py [OUT]   (default docs/images)
Everything in them is simulated.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from cardiac_transforms.ecg import LEADS, canonical_page
from cardiac_transforms.ecg.capture import CAPTURE_KINDS, RandCapturePage
from cardiac_transforms.ecg.reading import read_page
from monai_jdl.phantoms import GRID_COLORS, PageStyle, RenderedPage, random_header, render_page, simulate_twin
from monai_jdl.reports import contact_sheet

SEED = 24
WIDTH = 1500
FONT = ImageFont.load_default(17)


def main() -> None:
    """Draw all three."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/images")
    twin = simulate_twin(SEED, kind="ischaemic")
    style = PageStyle(dpi=150, colors=GRID_COLORS["pink"], grid_margin=4.0, separator="tick")
    page = render_page(twin.ecg.signals, twin.ecg.rate, style=style, header=random_header(np.random.default_rng(SEED)))
    save(out / "ecg-twin.jpg", twin_picture(twin, page))
    captured = captures(page)
    save(out / "ecg-captures.jpg", sheet(captured, 3))
    save(out / "ecg-reading.jpg", sheet(steps(captured["phone"]), 2))


def save(path: Path, picture: Image.Image) -> None:
    """As JPEG, small enough for a repository."""
    picture.save(path, quality=80, optimize=True)
    print(path)


def sheet(pictures: dict[str, Image.Image], columns: int) -> Image.Image:
    """Pictures in rows, each with its caption above."""
    images = [np.asarray(picture.convert("RGB")) for picture in pictures.values()]
    return Image.fromarray(contact_sheet(images, list(pictures), columns, WIDTH // columns))


def twin_picture(twin, page: RenderedPage) -> Image.Image:
    """Three slices of the stack with the scar outlined, above the ECG of the same patient."""
    lge = twin.lge
    scarred = np.argsort(-(lge.label >= 3).sum(axis=(0, 1)))[:3]
    shown = []
    for z in sorted(scarred):
        heart = np.argwhere(lge.label[..., z] > 0)
        x, y = (np.clip(heart.mean(axis=0).astype(int) - 48, 0, 160)).tolist()
        grey = lge.image[x : x + 96, y : y + 96, z].T.astype(float)
        grey = np.clip((grey - np.percentile(grey, 1)) / np.ptp(np.percentile(grey, [1, 99.5])), 0, 1)
        picture = Image.fromarray(np.uint8(255 * grey)).resize((480, 480), Image.Resampling.BICUBIC).convert("RGB")
        scar = Image.fromarray(np.uint8(255 * (lge.label[x : x + 96, y : y + 96, z].T >= 3))).resize((480, 480))
        inner = np.asarray(scar) > 127
        edge = inner & ~(np.roll(inner, 3, 0) & np.roll(inner, -3, 0) & np.roll(inner, 3, 1) & np.roll(inner, -3, 1))
        picture.paste((255, 80, 60), mask=Image.fromarray(np.uint8(255 * edge)))
        shown.append(picture)
    ecg = Image.fromarray(page.image)
    ecg = ecg.resize((WIDTH, round(ecg.height * WIDTH / ecg.width)), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (WIDTH, 480 + 34 + ecg.height), "white")
    for k, picture in enumerate(shown):
        whole.paste(picture, (k * (WIDTH - 480) // 2, 0))
    most = [LEADS[k] for k in np.argsort(-twin.ecg.lead_change)[:4]]
    text = (
        f"One simulated patient: scar {lge.scar_percent:.0f} % of LV mass ({lge.territory}), LVEF {twin.ecg.lvef:.0f} %; "
        f"leads that the scar changes most: {', '.join(most)}"
    )
    ImageDraw.Draw(whole).text((8, 486), text, "black", FONT)
    whole.paste(ecg, (0, 514))
    return whole


def captures(page: RenderedPage) -> dict[str, Image.Image]:
    """One picture of each kind, at a severity of 0.7."""
    image = torch.from_numpy(page.image.copy()).permute(2, 0, 1)
    found = {}
    for kind in CAPTURE_KINDS:
        capture = RandCapturePage(prob=1.0, kinds=(kind,), severity=(0.7, 0.7)).set_random_state(SEED)
        found[kind] = Image.fromarray(capture(image).clamp(0, 255).byte().permute(1, 2, 0).numpy())
    return found


def steps(picture: Image.Image) -> dict[str, Image.Image]:
    """What the reader makes of a picture, step by step."""
    reading = read_page(np.asarray(picture))
    if reading.page is None or reading.ink is None or reading.layout is None:
        raise SystemExit(f"The picture of the example cannot be read: {reading.reason}")
    boxes = Image.fromarray(reading.page.image)
    draw = ImageDraw.Draw(boxes)
    for box in reading.layout.boxes:
        draw.rectangle(box.box, outline=(200, 30, 30), width=4)
        draw.text((box.box[0] + 10, box.box[1] + 6), box.lead, (200, 30, 30), ImageFont.load_default(48))
    ink = Image.fromarray(np.uint8(255 - 255 * reading.ink))
    arranged = Image.fromarray(canonical_page(reading.signals.signals, reading.signals.rate)[0])
    return {
        "the picture": picture,
        "laid flat by its own grid; leads found": boxes,
        "ink without the grid": ink,
        "arranged for a classifier": arranged,
    }


if __name__ == "__main__":
    main()
