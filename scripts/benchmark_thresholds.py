"""The network against thresholding: scar Dice of 2 to 6 SD, FWHM and Otsu given true and predicted myocardium.

    monai-jdl phantom TEST --test-set
    monai-jdl evaluate TEST OUT && monai-jdl segment TEST OUT
    python scripts/benchmark_thresholds.py TEST OUT

Thresholding is given the myocardium that is named; the network finds its own. Mean Dice over the cases with scar, with 95 %
bootstrap intervals over patients (one case each), and the paired difference to the network. Prints a Markdown table and writes
OUT/thresholds.csv with every case.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from cardiac_transforms.mri import ScarScheme
from monai_jdl.analysis import bootstrap_interval, fwhm, n_sd, otsu
from monai_jdl.analysis.metrics import dice_score
from monai_jdl.data import load_datalist, read_volume
from monai_jdl.reports import write_csv

METHODS = {f"{n} SD": partial(n_sd, n=n) for n in range(2, 7)} | {
    "FWHM, seed per slice": fwhm,
    "FWHM, seed per stack": partial(fwhm, per_slice=False),
    "Otsu": otsu,
}


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the mean; every case is another patient."""
    found = bootstrap_interval(len(values), lambda drawn: values[drawn].mean(-1))
    return (np.nan, np.nan) if found is None else (found[0], found[1])


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="datalist.json or its folder; its testing cases are used")
    parser.add_argument("output", type=Path, help="folder where `monai-jdl segment` has put its label maps")
    options = parser.parse_args()

    rows = []
    for item in tqdm(load_datalist(options.dataset, "testing"), "cases"):
        image = read_volume([item["image"]]).array
        truth = np.asarray(ScarScheme()(read_volume([item["label"]]).array, item["label_scheme"]))
        found = read_volume([options.output / item["case"] / f"{item['case']}_seg.nii.gz"]).array
        if not (truth == 2).any():
            continue
        row = {"case": item["case"], "network": dice_score(found == 2, truth == 2)}
        for contour, wall in (("true", truth >= 1), ("network's", found >= 1)):
            for name, method in METHODS.items():
                row[f"{name}, {contour}"] = dice_score(method(image, wall), truth == 2)
        rows.append(row)

    columns = [name for name in rows[0] if name != "case"]
    write_csv(options.output / "thresholds.csv", rows, ("case", *columns))
    network = np.array([row["network"] for row in rows])
    print(f"Scar Dice over {len(rows)} cases with scar, mean (95 % interval)\n")
    print("| method, myocardium | scar Dice | network minus method |\n|---|---|---|")
    for name in columns:
        dice = np.array([row[name] for row in rows])
        low, high = interval(dice)
        line = f"| {name} | {dice.mean():.3f} ({low:.3f} to {high:.3f}) |"
        if name == "network":
            print(f"{line} |")
        else:
            low, high = interval(network - dice)
            print(f"{line} {np.mean(network - dice):+.3f} ({low:+.3f} to {high:+.3f}) |")


if __name__ == "__main__":
    main()
