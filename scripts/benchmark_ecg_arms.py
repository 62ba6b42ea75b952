"""The published comparison on ECGs of known truth: one and two tasks, with and without clinical features, pictures and signals.

Every arm is trained, evaluated and compared with the first one (two tasks, page, equal losses) on the same test ECGs: AUC with
DeLong's 95 % interval, difference with its interval and p (DeLong, paired). Arms that are already in OUT are not trained again;
the rival without an ECG is scripts/benchmark_clinical.py.

Usage: benchmark_ecg_arms.py TABLE OUT [--arms NAME ...] [--epochs 8] [--seed 0]
Prints a Markdown table and writes OUT/arms.csv.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compare_predictions import compared, predictions

from monai_jdl.networks import ECG_TASKS
from monai_jdl.reports import write_csv

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Arm:
    """A bundle, and the overlay of its train.yaml if any."""

    bundle: str
    overlay: str = ""


ARMS = {
    "page, two tasks": Arm("ecg_image_classification"),
    "page, losses 70:30": Arm("ecg_image_classification", "loss_70_30"),
    "page, losses 60:40": Arm("ecg_image_classification", "loss_60_40"),
    "page, scar alone": Arm("ecg_image_classification", "scar_only"),
    "page, LVEF alone": Arm("ecg_image_classification", "lvef_only"),
    "page, two tasks, LVEF < 40 %": Arm("ecg_image_classification", "lvef40"),
    "page and clinical, FiLM": Arm("ecg_image_clinical_classification"),
    "page and clinical, recurrent": Arm("ecg_image_clinical_classification", "recurrent"),
    "page and clinical, scar alone": Arm("ecg_image_clinical_classification", "scar_only"),
    "page and clinical, LVEF alone": Arm("ecg_image_clinical_classification", "lvef_only"),
    "signals, two tasks": Arm("ecg_signal_classification"),
    "signals, scar alone": Arm("ecg_signal_classification", "scar_only"),
    "signals, LVEF alone": Arm("ecg_signal_classification", "lvef_only"),
}


def main() -> None:
    """Train, evaluate, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), metavar="NAME")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = {}
    for number, name in enumerate(options.arms, 1):
        folder = options.output / name.replace(",", "").replace(" ", "_").replace(":", "_")
        if not (folder / "evaluation" / "summary.json").exists():
            print(f"{number} of {len(options.arms)}: {name}", flush=True)
            train_and_evaluate(ARMS[name], options.table, folder, options.epochs, options.seed)
        found[name] = predictions(folder / "evaluation")
    first = options.arms[0]
    rows = [compared(task, name, found[name], found[first]) for task in ECG_TASKS for name in options.arms]
    rows = [row for row in rows if row["auc"]]
    write_csv(options.output / "arms.csv", rows, list(rows[0]))
    print(f"\n| task | arm | AUC | difference to {first} | p |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['task']} | {row['name']} | {row['auc']} | {row['difference']} | {row['p']} |")


def train_and_evaluate(arm: Arm, table: Path, folder: Path, epochs: int, seed: int) -> None:
    """Run both workflows of the bundle as a user would."""
    bundle = ROOT / "bundles" / arm.bundle
    overlay = [f"{bundle}/configs/methods/{arm.overlay}.yaml"] if arm.overlay else []
    common = ["--bundle_root", bundle, "--dataset_dir", table, "--seed", seed]
    if arm.overlay == "lvef40":
        common += ["--lvef_threshold", 40]
    training = ["--output_dir", folder, "--epochs", epochs, "--patience", epochs]
    run([f"{bundle}/configs/train.yaml", *overlay], [*common, *training])
    network = [file for file in overlay if arm.overlay == "recurrent"]
    evaluation = ["--output_dir", folder / "evaluation", "--ckpt_path", folder / "model.pt"]
    run([f"{bundle}/configs/evaluate.yaml", *network], [*common, *evaluation])


def run(configs: Sequence[str], options: Sequence[object], check: bool = True) -> None:
    """``python -m monai.bundle run``; with ``check`` an error if it fails."""
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(list(configs)), *map(str, options)]
    subprocess.run(command, check=check)


if __name__ == "__main__":
    main()
