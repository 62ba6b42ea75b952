"""Dice of myocardium and scar against motion, for several weights of the LGE bundle, on simulated patients.

    python scripts/benchmark_motion.py OUT --weights with=MODEL.pt without=OTHER.pt [--figure docs/images/motion.png]

The patients are the frozen test set, each with its heart moving by 0 to 8 mm RMS between the shots (anatomy, scar and noise
stay the same). Means over patients with 95 % bootstrap bands, and the paired difference of the first to the last weights.
What is already in OUT is not computed again. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from tqdm import tqdm

from monai_jdl import bundles
from monai_jdl.analysis import bootstrap_interval
from monai_jdl.data import write_phantoms
from monai_jdl.phantoms import frozen_test_set
from monai_jdl.reports import read_csv

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SEVERITIES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
TASKS = ("myocardium", "scar")


def mean_and_band(values: np.ndarray) -> tuple[float, float, float]:
    """Mean with its 95 % bootstrap interval; every value is another patient, NaN where there is nothing to score."""
    values = values[np.isfinite(values)]
    low, high, *_ = bootstrap_interval(len(values), lambda drawn: values[drawn].mean(-1))
    return float(values.mean()), float(low), float(high)


def scores(out: Path, name: str, weights: Path) -> dict[str, np.ndarray]:
    """Dice of every patient at every severity, ``[severities, patients]`` for each task."""
    found: dict[str, list[list[float]]] = {task: [] for task in TASKS}
    for mm in tqdm(SEVERITIES, name):
        phantoms, results = out / "phantoms" / f"{mm:g}mm", out / name / f"{mm:g}mm"
        if not (phantoms / "datalist.json").exists():
            write_phantoms(phantoms, {"testing": frozen_test_set(mm)})
        if not (results / "summary.json").exists():
            bundles.run("lge_scar_jdl", "evaluate", dataset_dir=phantoms, output_dir=results, ckpt_path=weights)
        rows = sorted(read_csv(results / "metrics.csv"), key=lambda row: row["case"])
        for task in TASKS:
            # patients without scar have no scar Dice
            empty = [task == "scar" and row["true_scar_empty"].lower() in ("1", "true") for row in rows]
            dice = [float(row[f"dice_{task}"] or "nan") for row in rows]
            found[task].append([np.nan if skip else d for skip, d in zip(empty, dice, strict=True)])
    return {task: np.array(values) for task, values in found.items()}


def main() -> None:
    """Evaluate, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the patients and the results")
    parser.add_argument("--weights", nargs="+", required=True, metavar="NAME=FILE", help="what to compare")
    parser.add_argument("--figure", type=Path, default=None, help="picture to write (default OUT/motion.png)")
    options = parser.parse_args()
    weights = {name: Path(file) for name, file in (item.split("=", 1) for item in options.weights)}
    dice = {name: scores(options.out, name, file) for name, file in weights.items()}

    figure, panels = plt.subplots(1, len(TASKS), figsize=(9, 3.6), layout="constrained")
    names = list(weights)
    first, last = names[0], names[-1]
    for task, panel in zip(TASKS, panels, strict=True):
        print(f"\n| motion, mm RMS | {' | '.join(weights)} | {first} minus {last} |\n|---|{'---|' * len(weights)}---|")
        bands = {name: np.array([mean_and_band(d) for d in dice[name][task]]) for name in weights}
        for i, mm in enumerate(SEVERITIES):
            cells = [f"{m:.3f} ({low:.3f} to {high:.3f})" for m, low, high in (bands[name][i] for name in weights)]
            difference = mean_and_band(dice[first][task][i] - dice[last][task][i])
            cells.append("{:+.3f} ({:+.3f} to {:+.3f})".format(*difference))
            print(f"| {mm:g} | {' | '.join(cells)} |")
        for name in weights:
            mean, low, high = bands[name].T
            (line,) = panel.plot(range(len(SEVERITIES)), mean, marker="o", label=name)
            panel.fill_between(range(len(SEVERITIES)), low, high, color=line.get_color(), alpha=0.2)
        panel.set(title=task, xlabel="motion, mm RMS", ylabel="Dice", ylim=(0, 1))
        panel.set_xticks(range(len(SEVERITIES)), [f"{mm:g}" for mm in SEVERITIES])
        panel.grid(alpha=0.3)
    panels[0].legend()
    target = options.figure or options.out / "motion.png"
    figure.savefig(target, dpi=110)
    print(f"\n{target}")


if __name__ == "__main__":
    main()
