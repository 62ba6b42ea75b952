"""ECGs that were classified, as a section of a page."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from monai_jdl.networks import ECG_TASKS
from monai_jdl.reports.page import Section
from monai_jdl.reports.tables import read_csv

TASK_NAMES = {"scar": "scar", "lvef50": "reduced LVEF"}
_WIDTH = 900
"""Of the pictures in pixels."""


def screening_section(folder: str | Path, heading: str, text: str) -> Section:
    """Probabilities and heat maps of the ECGs in the output folder of ``monai-jdl classify``.

    What the network was trained on is said below the pictures of each task.

    Args:
        folder: holds ``predictions.csv``, and for each ECG ``<case>/<case>.json`` and perhaps ``<case>/<case>_<task>.jpg``.
        heading: of the section.
        text: its paragraph.

    Raises:
        InputError: there is no ``predictions.csv``.
    """
    folder = Path(folder)
    rows, pictures = [], {}
    for row in read_csv(folder / "predictions.csv"):
        case, shown = row["case"], {"ECG": row["case"]}
        for task in ECG_TASKS:
            called = {"1": "positive", "0": "negative"}.get(row[f"{task}_positive"], "")
            shown |= {
                TASK_NAMES[task]: f"{float(row[task]):.0%}" if row[task] else "",
                f"{TASK_NAMES[task]}: call": called,
            }
        rows.append(
            shown | {"quality": f"{float(row['quality']):.2f}" if row["quality"] else "", "reason": row["reason"]}
        )
        for task in ECG_TASKS:
            picture = folder / case / f"{case}_{task}.jpg"
            if picture.is_file():
                said = json.loads((folder / case / f"{case}.json").read_text(encoding="utf-8"))["tasks"][task]
                origin = f"; trained on {said['trained_on']}" if said["trained_on"] else ""
                spoken = f"{said['condition']} ({said['probability']:.0%}){origin}"
                pictures[f"{case}: what speaks for {spoken}"] = _png(picture)
    return Section(heading, text, rows, pictures)


def _png(picture: Path) -> bytes:
    with Image.open(picture) as image:
        scale = min(1.0, _WIDTH / image.width)
        small = image.resize((round(image.width * scale), round(image.height * scale)), reducing_gap=3.0)
    file = io.BytesIO()
    small.quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()
