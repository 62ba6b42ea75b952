"""Speed of cardiac_transforms.ecg.capture beside albumentations 2.0.8 on a page of 1700 x 2200 pixels, one thread.

    python scripts/benchmark_capture.py [--environments DIR] [--seeds N]

Writes a page of Markdown to standard output. albumentations is no dependency: it is installed into DIR (by default a temporary
folder) and runs in a process of its own. Takes about five minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from albumentations_rival import RELEASE, Albumentations, Chain
from PIL import Image
from tqdm import tqdm

import cardiac_transforms.ecg.capture as capture
from cardiac_transforms.ecg.page_transform import RandomPageTransform
from monai_jdl.phantoms import render_page, simulate_ecg

HEIGHT, WIDTH = 2200, 1700
LIMIT = 300
"""Milliseconds that a whole capture with geometry, light and JPEG may take."""

CHAIN: Chain = [
    ("Perspective", {"scale": (0.02, 0.08)}),
    ("RandomShadow", {}),
    ("GaussianBlur", {"sigma_limit": (0.5, 1.2)}),
    ("ISONoise", {}),
    ("ImageCompression", {"quality_range": (40, 92)}),
]
"""The rival's closest to a photograph by hand."""
EFFECTS: dict[str, tuple[RandomPageTransform, Chain]] = {
    "perspective": (capture.RandPagePerspective(1.0), [("Perspective", {"scale": (0.02, 0.08)})]),
    "curl (rival: thin-plate spline)": (capture.RandPageCurl(1.0), [("ThinPlateSpline", {})]),
    "fold": (capture.RandPageFold(1.0), []),
    "crumple": (capture.RandPageCrumple(1.0), []),
    "shadow": (capture.RandPageShadow(1.0), [("RandomShadow", {})]),
    "shadow (rival: plasma)": (capture.RandPageShadow(1.0), [("PlasmaShadow", {})]),
    "uneven light (rival: illumination)": (capture.RandUnevenLight(1.0), [("Illumination", {})]),
    "blur": (capture.RandPageBlur(1.0, (0.5, 1.2)), [("GaussianBlur", {"sigma_limit": (0.5, 1.2)})]),
    "motion blur": (capture.RandPageBlur(1.0, 0.0, (3, 7)), [("MotionBlur", {"blur_limit": (3, 7)})]),
    "sensor noise": (capture.RandSensorNoise(1.0), [("ISONoise", {})]),
    "moire": (capture.RandMoire(1.0), []),
    "JPEG": (capture.RandJPEGCompression(1.0, (40, 92)), [("ImageCompression", {"quality_range": (40, 92)})]),
    "lower resolution": (capture.RandLowResolution(1.0, (0.5, 0.5)), [("Downscale", {"scale_range": (0.5, 0.5)})]),
    "black-and-white scan": (capture.RandBlackAndWhiteScan(1.0), []),
    "grid colour": (capture.RandGridColour(1.0), []),
    "handwriting": (capture.RandHandwriting(1.0), []),
    "stains": (capture.RandStains(1.0), []),
}


def page_image() -> np.ndarray:
    """A rendered page, uint8 ``(H, W, 3)``: a landscape page turned upright, enlarged to the size."""
    case = simulate_ecg(0)
    page = Image.fromarray(render_page(case.signals, case.rate).image)
    return np.asarray(page.transpose(Image.Transpose.ROTATE_90).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def ours(transform: RandomPageTransform, page: torch.Tensor, seed: int) -> float:
    """Processor time in ms of one call, draws included; the second of two, so that nobody pays for others' caches."""
    for _ in range(2):
        transform.set_random_state(seed)
        begin = time.process_time()
        transform(page)
        taken = time.process_time() - begin
    return 1e3 * taken


def theirs(rival: Albumentations, chain: Chain, seed: int) -> float:
    """The same of the rival."""
    for _ in range(2):
        taken = rival.ask("seconds", chain, abs(seed))
    return 1e3 * taken


def whole_captures(page: torch.Tensor, rival: Albumentations, seeds: int) -> str:
    """Markdown table of the kinds of capture and of the rival's chain; in every round each is called once, in turn."""
    kinds = {kind: capture.RandCapturePage(1.0, (kind,), (0, 1)) for kind in capture.CAPTURE_KINDS}
    times: dict[str, list[float]] = {name: [] for name in (*kinds, "rival")}
    for seed in tqdm(range(-1, seeds), "captures"):
        for kind, transform in kinds.items():
            times[kind].append(ours(transform, page, abs(seed)))
        times["rival"].append(theirs(rival, CHAIN, seed))
    chain = statistics.median(times["rival"][1:])
    lines = ["| capture | median ms | 90 % below | albumentations takes | at most 300 ms |", "|---|---|---|---|---|"]
    for kind in kinds:
        measured = sorted(times[kind][1:])
        middle, high = statistics.median(measured), measured[int(0.9 * len(measured))]
        verdict = "met" if middle <= LIMIT else "**missed**"
        lines.append(f"| {kind} | {middle:.0f} | {high:.0f} | {chain / middle:.1f} x | {verdict} |")
    names = ", ".join(name for name, _ in CHAIN)
    lines.append(f"| albumentations: {names} | {chain:.0f} | {sorted(times['rival'][1:])[int(0.9 * seeds)]:.0f} | | |")
    return "\n".join(lines)


def single_effects(page: torch.Tensor, rival: Albumentations, seeds: int) -> str:
    """Markdown table of the effects one by one."""
    lines = ["| effect | ms | albumentations ms | ratio |", "|---|---|---|---|"]
    for name, (transform, chain) in tqdm(EFFECTS.items(), "effects"):
        own: list[float] = []
        other: list[float] = []
        for seed in range(-1, seeds):
            own.append(ours(transform, page, abs(seed)))
            if chain:
                other.append(theirs(rival, chain, seed))
        middle = statistics.median(own[1:])
        rest = statistics.median(other[1:]) if other else None
        cells = ("", "") if rest is None else (f"{rest:.0f}", f"{rest / middle:.2g}")
        lines.append(f"| {name} | {middle:.0f} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


TEXT = """# Speed of the page captures

Made by `python scripts/benchmark_capture.py` on {processor} with torch {torch}, Pillow and albumentations {release} (MIT).

A rendered page of {width} x {height} RGB pixels, uint8 in; processor time of one thread, medians over {seeds} seeds after a
warm-up; all contestants in one run, each called twice with a seed, and the second call counts. Ours are random transforms with
`prob=1`: draws, conversion to float32 and the picture as a MetaTensor are included. albumentations works on uint8 arrays with
OpenCV, one thread too.

## Whole captures

Severity 0 to 1; the picture has 0.6 to 1 times the page's width and height where the kind says so, as drawn.

{captures}

## Single effects

A single effect also pays for the way in and out (about a float copy of the page), which a whole capture pays once.

{effects}

ecg-image-kit (BSD-3) has rotation, wrinkles and creases, handwriting, noise, crop and colour temperature, but in its code no
perspective, blur, JPEG or shadow; it works from file to file with TensorFlow and imgaug and cannot be installed beside current
releases, so it was not timed.
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=None, help="folder for albumentations")
    parser.add_argument("--seeds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    image = page_image()
    page = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    with tempfile.TemporaryDirectory() as temporary:
        rival = Albumentations(options.environments or Path(temporary))
        rival.ask("take", image)
        values: dict[str, Any] = {
            "captures": whole_captures(page, rival, options.seeds),
            "effects": single_effects(page, rival, max(5, options.seeds // 2)),
        }
        rival.close()
    print(
        TEXT.format(
            processor=processor(),
            torch=torch.__version__,
            release=RELEASE,
            width=WIDTH,
            height=HEIGHT,
            seeds=options.seeds,
            **values,
        )
    )


if __name__ == "__main__":
    main()
