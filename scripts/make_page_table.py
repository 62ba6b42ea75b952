"""A table of ECG records becomes a table of pages: each record printed by a random machine and, if wanted, photographed.

Everything else in the table stays, so the networks can be trained and scored on pictures whose truth is known. Layout, look and
capture of an ECG depend on the name of its file and the seed alone.

Usage: make_page_table.py TABLE OUT [--captured] [--layouts 3x4 ...] [--splits test ...] [--seed S] [--workers W]
Writes OUT/pages/*.jpg and OUT/patients.csv.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cardiac_transforms.ecg.capture import RandCapturePage
from monai_jdl.data import read_record, write_ecg_table, write_page_image
from monai_jdl.data.sheets import read_sheet
from monai_jdl.phantoms import random_header, random_style, render_page

LAYOUTS = ("3x4", "3x4+1", "3x4+3", "6x2", "6x2+1", "12x1")


def main() -> None:
    """Print the records of a table and write the table of the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="CSV with the columns path and patient")
    parser.add_argument("output", type=Path)
    parser.add_argument("--captured", action="store_true", help="photograph or scan each page (default: as printed)")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS, help="to draw from")
    parser.add_argument("--splits", nargs="*", help="only rows with these words in the column split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    sheet = read_sheet(options.table)
    names = next(sheet)
    rows = [dict(zip(names, cells, strict=True)) for cells in sheet]
    rows = [row for row in rows if not options.splits or row["split"] in options.splits]
    pages = print_rows(
        *(rows, options.table.parent, options.output, options.layouts, options.captured, options.seed, options.workers)
    )
    print(write_ecg_table(options.output / "patients.csv", pages))


def print_rows(
    rows: Sequence[dict[str, str]],
    folder: Path,
    out: Path,
    layouts: Sequence[str] = LAYOUTS,
    captured: bool = False,
    seed: int = 0,
    workers: int = 2,
) -> list[dict[str, str]]:
    """Print the records of ``rows``, whose paths are relative to ``folder``; returns the rows of the pages."""
    make = partial(page_of, folder=folder, out=out, layouts=layouts, captured=captured, seed=seed)
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(tqdm(pool.map(make, rows, chunksize=4), "pages", total=len(rows)))


def page_of(
    row: dict[str, str], folder: Path, out: Path, layouts: Sequence[str], captured: bool, seed: int
) -> dict[str, str]:
    """Print the record of a row; returns the row with the page's path, layout and capture."""
    rng = np.random.default_rng([seed, zlib.crc32(Path(row["path"]).name.encode())])
    record = read_record(folder / row["path"])
    layout = layouts[rng.integers(len(layouts))]
    style = random_style(rng, layout=layout)
    header = random_header(rng) if rng.random() < 0.7 else None
    image = render_page(record.signals, record.rate, layout=layout, style=style, header=header).image
    kind = ""
    if captured:
        capture = RandCapturePage(1.0, severity=(0.0, 1.0)).set_random_state(int(rng.integers(2**31)))
        image = pictured(image, capture)
        kind = capture.drawn.kind
    name = f"pages/{Path(row['path']).stem}.jpg"
    write_page_image(out / name, image, style.dpi)
    return row | {"path": name, "printed_layout": layout, "capture": kind}


def pictured(page: np.ndarray, capture: RandCapturePage) -> np.ndarray:
    """A page, uint8 [H, W, 3], as a camera or scanner sees it."""
    picture = capture(torch.from_numpy(page.copy()).permute(2, 0, 1))
    return np.ascontiguousarray(picture.round().clamp(0, 255).byte().permute(1, 2, 0).numpy())


if __name__ == "__main__":
    main()
