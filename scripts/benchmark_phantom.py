"""How fast the phantom is: median slices per second over some patients on one thread, without and with motion."""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from tqdm import tqdm

from monai_jdl.phantoms import simulate


def slices_per_second(seeds: range, motion_mm: float) -> tuple[float, float]:
    """Median over ``seeds`` of slices per second of wall clock and of processor time."""
    wall, processor = [], []
    for seed in tqdm(seeds, desc=f"motion {motion_mm:g} mm", leave=False):
        start = time.perf_counter(), time.process_time()
        slices = simulate(seed, motion_mm=motion_mm).image.shape[2]
        wall.append(slices / (time.perf_counter() - start[0]))
        processor.append(slices / (time.process_time() - start[1]))
    return statistics.median(wall), statistics.median(processor)


def main() -> None:
    """Print one line for each amount of motion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=12, help="patients per line (default 12)")
    parser.add_argument("--motion_mm", type=float, nargs="+", default=[0.0, 4.0], help="RMS heart displacement in mm")
    args = parser.parse_args()
    torch.set_num_threads(1)
    simulate(0)  # imports and caches
    for motion_mm in args.motion_mm:
        wall, processor = slices_per_second(range(1, 1 + args.patients), motion_mm)
        print(f"motion {motion_mm:g} mm: {wall:.1f} slices/s of wall clock, {processor:.1f} of processor time")


if __name__ == "__main__":
    main()
