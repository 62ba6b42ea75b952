"""Time the ECG page renderer on one thread: every layout, drawn styles, two page sizes; medians and pages per second.

    python scripts/benchmark_pages.py [--pages 5] [--folder OUT]

Every page has another style, so nothing is reused from page to page, and a header. ``--folder`` writes the pages of the
first round as PNG, to be looked at.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from cardiac_transforms.ecg.leads import LAYOUTS
from monai_jdl.data import write_page_image
from monai_jdl.phantoms import random_header, random_style, render_page

SIZES = {"1100x850": (279.4, 215.9, 100.0), "1700x2200": (215.9, 279.4, 200.0)}
RATE = 500.0


def signals() -> np.ndarray:
    """Twelve leads of 10 s with a wave per second, noise and wander: as much ink as a real record."""
    rng = np.random.default_rng(0)
    time_s = np.arange(int(10 * RATE)) / RATE
    phase = time_s % 0.8
    beat = np.exp(-(((phase - 0.30) / 0.012) ** 2)) + 0.25 * np.exp(-(((phase - 0.55) / 0.06) ** 2))
    scale = rng.uniform(-1.5, 1.5, size=(12, 1))
    wander = 0.1 * np.sin(2 * np.pi * (0.3 * time_s + rng.uniform(size=(12, 1))))
    return (scale * beat + wander + rng.normal(0, 0.01, (12, time_s.size))).astype(np.float32)


def main() -> None:
    """Print one line per layout and size, and the medians over all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=5, help="pages per layout and size")
    parser.add_argument("--folder", type=Path, help="where to write a page of each layout and size")
    args = parser.parse_args()
    record = signals()
    render_page(record, RATE, header=random_header(np.random.default_rng(0)))  # fonts and imports
    print(f"{'size':<10} {'layout':<14} {'median ms':>9} {'pages/s':>8}")
    for size, (width, height, dpi) in SIZES.items():
        total: list[float] = []
        for layout in LAYOUTS:
            times = []
            for seed in range(args.pages):
                rng = np.random.default_rng(seed)
                style = replace(random_style(rng, layout=layout), width=width, height=height, dpi=dpi)
                header = random_header(rng)
                start = time.perf_counter()
                page = render_page(record, RATE, layout=layout, style=style, header=header)
                times.append(time.perf_counter() - start)
                if args.folder and seed == 0:
                    write_page_image(args.folder / f"{layout}_{size}.png", page.image, dpi)
            total += times
            print(f"{size:<10} {layout:<14} {1e3 * np.median(times):>9.1f} {1 / np.median(times):>8.1f}")
        print(f"{size:<10} {'all':<14} {1e3 * np.median(total):>9.1f} {1 / np.median(total):>8.1f}")


if __name__ == "__main__":
    main()
