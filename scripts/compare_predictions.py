"""Predictions of several evaluations on the same ECGs: AUC with DeLong's 95 % interval, paired difference to the first, p.

Usage: compare_predictions.py EVAL EVAL ... [--mean]
EVAL are output folders of evaluate.yaml. ECGs that one of a pair lacks, e.g. refused pages, are left out of its difference.
Prints a Markdown table; with --mean also of the mean of all logits, which is what the networks are worth together.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from monai_jdl.analysis import auc_interval, compare_auc
from monai_jdl.analysis.predictions import Predictions
from monai_jdl.errors import plain_errors
from monai_jdl.networks import ECG_TASKS
from monai_jdl.reports import read_csv

Rows = Mapping[str, Mapping[str, str]]
"""Rows of ``predictions.csv`` by case."""


def main() -> None:
    """Read, compare, print."""
    plain_errors()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluations", type=Path, nargs="+", metavar="EVAL")
    parser.add_argument("--mean", action="store_true", help="also of the mean of all logits")
    options = parser.parse_args()
    found = {str(folder): predictions(folder) for folder in options.evaluations}
    first = next(iter(found.values()))
    if options.mean:
        found["mean of all"] = {case: row | together(case, list(found.values())) for case, row in first.items()}
    print("| task | evaluation | AUC | difference to the first | p |\n|---|---|---|---|---|")
    for task in ECG_TASKS:
        for name, rows in found.items():
            row = compared(task, name, rows, first)
            if row["auc"]:
                print("| {task} | {name} | {auc} | {difference} | {p} |".format(**row))


def predictions(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of an evaluation by case."""
    return {row["case"]: row for row in read_csv(folder / "predictions.csv")}


def together(case: str, tables: list[Rows]) -> dict[str, str]:
    """A case's probabilities of the mean logits; empty where one evaluation has none."""
    mean = {}
    for task in ECG_TASKS:
        cells = [table[case][task] if case in table else "" for table in tables]
        if all(cells):
            probability = np.clip(np.array(cells, float), 1e-6, 1 - 1e-6)
            mean[task] = str(1 / (1 + np.exp(-np.mean(np.log(probability / (1 - probability))))))
        else:
            mean[task] = ""
    return mean


def compared(task: str, name: str, rows: Rows, reference: Rows) -> dict[str, str]:
    """AUC, and its difference to that of ``reference``, as text; empty where the task has no predictions or no truth."""
    patients = [row["patient"] for row in rows.values()]
    truth, scores = (
        np.array([float(row[column] or "nan") for row in rows.values()]) for column in (f"{task}_true", task)
    )
    result = {"task": task, "name": name, "auc": "", "difference": "", "p": ""}
    if np.isnan(scores + truth).all():
        return result
    area, interval = auc_interval(Predictions.from_arrays(truth, scores, patients))
    result["auc"] = f"{area:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")
    if rows is not reference:
        others = np.array([float(reference[case][task] or "nan") if case in reference else np.nan for case in rows])
        paired = compare_auc(truth, scores, others, patients)
        if paired["p"] is not None:
            low, high = paired["difference_ci95"]
            result |= {
                "difference": f"{paired['difference']:+.3f} ({low:+.3f} to {high:+.3f})",
                "p": f"{paired['p']:.3f}",
            }
    return result


if __name__ == "__main__":
    main()
