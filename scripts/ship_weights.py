"""A trained ECG network goes into its bundle: weights in half precision, with their calibration.

Usage: ship_weights.py RUN BUNDLE    e.g. ship_weights.py RUN bundles/ecg_signal_classification
RUN is the output folder of a training (model.pt, calibration.json).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from monai_jdl.atomic import atomic_path
from monai_jdl.networks import fingerprint
from monai_jdl.reports import load_calibration, write_calibration


def main() -> None:
    """Convert and copy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("bundle", type=Path)
    options = parser.parse_args()
    calibration = load_calibration(options.run / "model.pt")
    state = torch.load(options.run / "model.pt", map_location="cpu", weights_only=True)
    # the imputer's moments stay as exact as they were fitted
    half = {name: value.half() if value.dtype == torch.float32 else value for name, value in state.items()}
    target = options.bundle / "models" / "model.pt"
    with atomic_path(target) as temporary:
        torch.save(half, temporary)
    write_calibration(target.parent / "calibration.json", replace(calibration, model=fingerprint(target)))
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
