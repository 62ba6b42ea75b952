"""Read every ECG page of a folder and draw what was found on one sheet, to be judged by eye.

    python scripts/make_ecg_contact_sheet.py FOLDER OUT.jpg [--columns 5] [--width 480]

Prints a table with the numbers of each page. The drawn grid should lie on the printed thick lines, the names on their leads,
and the green traces on the printed ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from cardiac_transforms.ecg.reading import read_page
from monai_jdl.atomic import atomic_path
from monai_jdl.data import find_pages, load_page
from monai_jdl.errors import InputError
from monai_jdl.reports import contact_sheet, draw_reading, text_table


def main() -> None:
    """Write the sheet, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("output", type=Path, metavar="OUT.jpg")
    parser.add_argument("--columns", type=int, default=5, help="pictures in a row (default 5)")
    parser.add_argument("--width", type=int, default=480, help="of each picture in pixels (default 480)")
    options = parser.parse_args()
    pictures, rows = [], []
    for path in tqdm(find_pages(options.folder), "pages"):
        row = {"file": path.name, "px/mm": "", "layout": "", "confidence": np.nan, "reason": ""}
        rows.append(row)
        try:
            page = load_page(path)
        except InputError as error:
            pictures.append(np.full((options.width // 2, options.width, 3), 255, dtype=np.uint8))
            row["reason"] = str(error)
            continue
        reading = read_page(page.image, page.dpi and page.dpi / 25.4)
        pictures.append(draw_reading(page.image, reading, width=options.width))
        row["reason"] = reading.reason
        if reading.page is not None:
            row["px/mm"] = "{:.2f} x {:.2f}".format(*reading.page.grid.pixels_per_mm)
        if reading.layout is not None and reading.layout.layout is not None:
            row |= {"layout": reading.layout.layout.name, "confidence": round(reading.layout.confidence, 2)}
    sheet = contact_sheet(pictures, [row["file"] for row in rows], options.columns, options.width)
    with atomic_path(options.output) as temporary:
        Image.fromarray(sheet).save(temporary, quality=80, optimize=True)
    print(text_table(rows))


if __name__ == "__main__":
    main()
