"""Time from a file of an ECG page to its probabilities on one thread, as inference.yaml does it, and the network's part alone.

    python scripts/benchmark_screening.py [--pages 12] [--folder OUT]

Pages of 1700x2200 pixels, JPEG, six layouts, as printed and as photographed or scanned; every page another patient. Medians
over the pages; heat maps are not drawn. ``--folder`` keeps the pages, to be looked at.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from make_page_table import LAYOUTS, pictured
from monai.bundle import ConfigParser
from monai.networks.utils import convert_to_torchscript

from cardiac_transforms.ecg import canonical_page
from cardiac_transforms.ecg.capture import RandCapturePage
from cardiac_transforms.ecg.reading import read_page
from monai_jdl import bundles
from monai_jdl.data import load_page, write_page_image
from monai_jdl.errors import find_input_error
from monai_jdl.phantoms import random_header, random_style, render_page, simulate_ecg

BUNDLE = "ecg_image_classification"


def main() -> None:
    """Make the pages, time, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=12, help="of each kind")
    parser.add_argument("--folder", type=Path, help="where to keep the pages")
    options = parser.parse_args()
    torch.set_num_threads(1)
    root = bundles.find(BUNDLE)
    config = ConfigParser()
    config.read_config(root / "configs" / "inference.yaml")
    config["bundle_root"] = str(root)
    load, network = config.get_parsed_content("preprocessing"), config.get_parsed_content("network").eval()
    with tempfile.TemporaryDirectory() as folder:
        pages = make_pages(options.folder or Path(folder), options.pages)
        for kind, paths in pages.items():
            report(kind, paths, load, network)
    _, height, width = canonical_page(np.zeros((12, 2)), 500.0, config["pixels_per_mm"]).shape
    image = torch.zeros(1, config["channels"], height, width)
    with torch.inference_mode():
        script = convert_to_torchscript(network, inputs=[image], use_trace=True)
        eager, traced = (median(lambda model=model: model(image)) for model in (network, script))
    print(f"network alone, page of {image.shape[-2]} x {image.shape[-1]}: {eager:.1f} ms, TorchScript {traced:.1f} ms")


def make_pages(folder: Path, number: int) -> dict[str, list[Path]]:
    """Pages by kind."""
    pages: dict[str, list[Path]] = {"printed": [], "captured": []}
    for kind, paths in pages.items():
        for seed in range(number):
            rng = np.random.default_rng([seed, kind == "captured"])
            case = simulate_ecg(700_000 + seed)
            style = replace(random_style(rng, layout=LAYOUTS[seed % 6]), width=215.9, height=279.4, dpi=200)
            image = render_page(
                case.signals, case.rate, layout=LAYOUTS[seed % 6], style=style, header=random_header(rng)
            ).image
            if kind == "captured":
                capture = RandCapturePage(1.0, severity=(0.0, 1.0)).set_random_state(seed)
                image = pictured(image, capture)
            paths.append(folder / f"{kind}_{seed}.jpg")
            write_page_image(paths[-1], image, style.dpi)
    return pages


def report(kind: str, paths: list[Path], load: Callable[[dict], Any], network: torch.nn.Module) -> None:
    """Print the medians of the steps and of the whole."""
    steps: dict[str, list[float]] = {"decode": [], "read": [], "whole": []}
    refused = 0
    for path in [paths[0], *paths]:  # the first warms up
        start = time.perf_counter()
        page = load_page(path)
        decoded = time.perf_counter()
        read_page(page.image, None if page.dpi is None else page.dpi / 25.4)
        read = time.perf_counter()
        try:
            with torch.inference_mode():
                torch.sigmoid(network(load({"image": str(path)})["image"][None]))
        except Exception as error:  # MONAI wraps what a transform raises
            if find_input_error(error) is None:
                raise
            refused += path is not paths[0]
        whole = time.perf_counter()
        for name, seconds in zip(steps, (decoded - start, read - decoded, whole - read), strict=True):
            steps[name].append(seconds)
    times = {name: 1e3 * float(np.median(values[1:])) for name, values in steps.items()}
    print(
        f"{kind}: {times['whole']:.0f} ms from file to probability, {1e3 / times['whole']:.2f} pages/s"
        f" (decoding {times['decode']:.0f} ms, reading {times['read']:.0f} ms); {refused} of {len(paths)} refused"
    )


def median(call: Callable[[], object], times: int = 30) -> float:
    """Milliseconds."""
    call()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return 1e3 * float(np.median(found))


if __name__ == "__main__":
    main()
