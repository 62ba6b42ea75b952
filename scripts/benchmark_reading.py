"""How well printed and photographed ECG pages are read: grid, lead boxes and signals, on records whose truth is known.

Every page is a real record of PTB-XL printed in the style of a random machine. The clean arm reads the printed page, the
captured arm a picture of it as ``RandCapturePage`` makes them (scan, black-and-white scan, phone, screen, crumpled, stained;
severities 0 to 1). A page that is refused counts: its grid and boxes as not found, its leads with 0 dB.

Usage: benchmark_reading.py PTBXL [--pages N] [--seed S] [--workers W]
PTBXL is the folder of the official layout (ptbxl_database.csv, WFDB records). Prints tables in markdown.
"""

from __future__ import annotations

import argparse
import csv
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.signal import resample_poly
from tqdm import tqdm

from cardiac_transforms.ecg import LEADS
from cardiac_transforms.ecg.capture import RandCapturePaged
from cardiac_transforms.ecg.reading import PageReading, read_page
from monai_jdl.analysis import reconstruction_snr
from monai_jdl.data import read_record
from monai_jdl.phantoms import RenderedPage, random_header, random_style, render_page

LAYOUTS = ("3x4", "3x4+1", "3x4+3", "6x2", "6x2+1", "12x1")
RATE = 500


class Job(NamedTuple):
    """One page to make and read."""

    record: Path
    number: int
    seed: int
    captured: bool


class Row(NamedTuple):
    """What came of it."""

    captured: bool
    layout: str
    kind: str
    grid_error: float
    overlaps: tuple[float, ...]
    snr: tuple[float, ...]
    reason: str


def main() -> None:
    """Make and read the pages; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ptbxl", type=Path)
    parser.add_argument("--pages", type=int, default=300, help="pages of each arm (default 300)")
    parser.add_argument("--seed", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with open(options.ptbxl / "ptbxl_database.csv", newline="") as file:
        records = [options.ptbxl / row["filename_hr"] for row in csv.DictReader(file)]
    rng = np.random.default_rng(options.seed)
    jobs = [
        Job(records[rng.integers(len(records))], number, options.seed, captured)
        for captured in (False, True)
        for number in range(options.pages)
    ]
    with ProcessPoolExecutor(options.workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        rows = list(tqdm(pool.map(run, jobs), "pages", total=len(jobs)))
    print_table("arm", {"clean": False, "captured": True}, rows, lambda row: row.captured)
    print_table("layout (captured)", {n: n for n in LAYOUTS}, [r for r in rows if r.captured], lambda r: r.layout)
    kinds = sorted({row.kind for row in rows if row.captured})
    print_table("capture", {kind: kind for kind in kinds}, [r for r in rows if r.captured], lambda r: r.kind)


def run(job: Job) -> Row:
    """Print, photograph and read one page."""
    rng = np.random.default_rng([job.seed, job.number, job.captured])
    layout = LAYOUTS[job.number % len(LAYOUTS)]
    record = read_record(job.record)
    header = random_header(rng) if rng.random() < 0.7 else None
    page = render_page(
        record.signals, record.rate, layout=layout, style=random_style(rng, layout=layout), header=header
    )
    height, width = page.image.shape[:2]
    picture = {
        "image": torch.from_numpy(page.image.copy()).permute(2, 0, 1),
        "boxes": torch.tensor([box.box for box in page.boxes]),
        "centre": torch.tensor([[(width - 1) / 2, (height - 1) / 2]]),
        "scale": torch.full((2,), page.pixels_per_mm),
    }
    kind = ""
    if job.captured:
        capture = RandCapturePaged(
            "image", prob=1.0, severity=(0, 1), boxes_key="boxes", points_key="centre", pixels_per_mm_key="scale"
        ).set_random_state(int(rng.integers(2**31)))
        picture = capture(picture)
        kind = capture.transform.drawn.kind
    image = picture["image"].round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    reading = read_page(image)
    return Row(
        job.captured,
        layout,
        kind,
        _grid_error(reading, picture["centre"].numpy(), picture["scale"].numpy()),
        _overlaps(reading, page, picture["boxes"].numpy()),
        _snr(reading, page, record.signals, record.rate),
        reading.reason,
    )


def _grid_error(reading: PageReading, centre: np.ndarray, scale: np.ndarray) -> float:
    """Relative error of the pixels per mm at the centre of the page, the worse of both directions."""
    if reading.page is None:
        return np.inf
    step = np.array([[4.0, 0.0], [-4.0, 0.0], [0.0, 4.0], [0.0, -4.0]])
    to_right, to_left, below, above = reading.page.grid.to_mm(centre + step)
    found = np.linalg.inv(np.stack([to_right - to_left, below - above], axis=1) / 8.0)
    return float(np.abs(np.linalg.norm(found, axis=0) / scale - 1).max())


def _overlaps(reading: PageReading, page: RenderedPage, boxes: np.ndarray) -> tuple[float, ...]:
    """Intersection over union of every printed stretch with the one found for the same lead."""
    found = {(box.lead, box.rhythm): box.box for box in reading.boxes}
    result = []
    for truth, place in zip(page.boxes, boxes, strict=True):
        other = found.get((truth.lead, truth.rhythm))
        result.append(0.0 if other is None else _overlap(place, np.array(other)))
    return tuple(result)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(inner / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner))


def _snr(reading: PageReading, page: RenderedPage, signals: np.ndarray, rate: float) -> tuple[float, ...]:
    """Signal-to-noise ratio in dB of every lead over the time that is printed; 0 for what was not read."""
    truth = resample_poly(np.nan_to_num(signals), RATE, round(rate), axis=1)[:, : 10 * RATE]
    printed = np.full(truth.shape, np.nan)
    for box in page.boxes:
        lead, time = LEADS.index(box.lead.removeprefix("-")), slice(round(box.start * RATE), round(box.stop * RATE))
        printed[lead, time] = truth[lead, time]
    read = reading.signals.signals if reading.found else np.full(printed.shape, np.nan)
    return tuple(np.nan_to_num(reconstruction_snr(printed, read, RATE)))


def print_table(title, groups, rows, key) -> None:
    """One line for each group."""
    print(
        f"\n| {title} | pages | read | grid within 2 % | boxes IoU >= 0.8 | pages with all boxes | SNR dB (quartiles) |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, value in groups.items():
        chosen = [row for row in rows if key(row) == value]
        overlaps = np.concatenate([row.overlaps for row in chosen])
        snr = np.percentile(np.concatenate([row.snr for row in chosen]), [25, 50, 75])
        print(
            f"| {name} | {len(chosen)} | {np.mean([not r.reason for r in chosen]):.1%} "
            f"| {np.mean([r.grid_error <= 0.02 for r in chosen]):.1%} | {np.mean(overlaps >= 0.8):.1%} "
            f"| {np.mean([min(r.overlaps) >= 0.8 for r in chosen]):.1%} "
            f"| {snr[1]:.1f} ({snr[0]:.1f} to {snr[2]:.1f}) |"
        )


if __name__ == "__main__":
    main()
