"""From one layout of pages to another: the published transfer comparison on printed pages of known truth.

Half of the training patients are printed as 6x2 pages ("old"), the others as 3x4 pages with a rhythm strip ("new"), by random
machines, and read. Networks see the old pages, the new ones, both, or go from the old to the new ones, whole or with a frozen
encoder; all are scored on the same test patients, printed both ways: AUC with DeLong's 95 % interval, and the paired difference
to the network that saw both.

Usage: benchmark_ecg_transfer.py TABLE OUT [--patients 1000] [--epochs 15] [--seed 0]
Prints a Markdown table and writes OUT/transfer.csv. What is already in OUT is not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark_ecg_arms import ROOT, run
from compare_predictions import compared, predictions
from make_page_table import print_rows

from monai_jdl.data import write_ecg_table
from monai_jdl.data.sheets import read_sheet
from monai_jdl.networks import ECG_TASKS
from monai_jdl.reports import write_csv

BUNDLE = ROOT / "bundles" / "ecg_image_classification"
LAYOUTS = {"old": "6x2", "new": "3x4+1"}
ARMS = {  # the data, the overlay, the arm it goes on from
    "both layouts": (("old", "new"), "", ""),
    "old alone": (("old",), "", ""),
    "new alone": (("new",), "", ""),
    "old, then new": (("new",), "transfer", "old alone"),
    "old, then new with a frozen encoder": (("new",), "transfer_frozen", "old alone"),
}


def main() -> None:
    """Print, train, evaluate, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--patients", type=int, default=1000, help="to train on; a fifth as many validate")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    out = options.output.absolute()
    print_pages(options.table, out, options.patients)
    common = ["--bundle_root", BUNDLE, "--seed", options.seed, "--cache_dir", out / "cache"]
    found = {}
    for name, (layouts, overlay, before) in ARMS.items():
        folder = out / name.replace(",", "").replace(" ", "_")
        if not (folder / "model.pt").exists():
            print(name, flush=True)
            tables = str([str(out / layout) for layout in layouts])
            training = ["--dataset_dir", tables, "--output_dir", folder, "--epochs", options.epochs, "--patience", 99]
            if before:
                training += ["--initial_weights", out / before.replace(" ", "_") / "model.pt"]
            configs = [f"{BUNDLE}/configs/train.yaml"] + [f"{BUNDLE}/configs/methods/{overlay}.yaml"] * bool(overlay)
            run(configs, [*common, *training])
        for layout in LAYOUTS:
            result = folder / f"evaluation_{layout}"
            if not (result / "summary.json").exists():
                evaluation = ["--dataset_dir", out / layout, "--output_dir", result, "--ckpt_path", folder / "model.pt"]
                run([f"{BUNDLE}/configs/evaluate.yaml"], [*common, *evaluation], check=False)  # refused pages: exit 1
            found[name, layout] = predictions(result)
    reference = next(iter(ARMS))
    rows = [
        {"pages": layout} | compared(task, name, found[name, layout], found[reference, layout])
        for task in ECG_TASKS
        for layout in LAYOUTS
        for name in ARMS
    ]
    write_csv(out / "transfer.csv", rows, list(rows[0]))
    print(f"\n| task | test pages | trained on | AUC | difference to {reference} | p |\n|---|---|---|---|---|---|")
    for row in rows:
        print("| {task} | {pages} | {name} | {auc} | {difference} | {p} |".format(**row))


def print_pages(table: Path, out: Path, patients: int) -> None:
    """Write a table of pages for each layout: its half of the training and validation patients, all test patients."""
    sheet = read_sheet(table)
    names = next(sheet)
    rows = [dict(zip(names, cells, strict=True)) for cells in sheet]
    training, validation, testing = (
        [row for row in rows if row["split"] == split] for split in ("training", "validation", "testing")
    )
    training, validation = training[:patients], validation[: patients // 5]
    for part, (layout, name) in enumerate(LAYOUTS.items()):
        if (out / layout / "patients.csv").exists():
            continue
        pages = print_rows(training[part::2] + validation[part::2] + testing, table.parent, out / layout, (name,))
        write_ecg_table(out / layout / "patients.csv", pages)


if __name__ == "__main__":
    main()
