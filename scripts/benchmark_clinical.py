"""What age, sex and risk factors tell without any ECG: gradient boosting on the clinical features, and the cohort's table.

The rival of the clinical bundle (scikit-learn's histogram gradient boosting, which takes missing values as they are). It is
fitted on the training rows, calibrated on the validation rows and scored on the testing rows of a table, as the bundles are.

Usage: benchmark_clinical.py TABLE OUT [--seed S]
Writes OUT/cohort.csv, metrics.csv, summary.json and figures, and prints the areas under the ROC curve.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier

from monai_jdl.analysis import COHORT_COLUMNS, cohort_table
from monai_jdl.data import load_ecg_table
from monai_jdl.networks import ECG_TASKS
from monai_jdl.reports import Calibration, classification_report, read_summary, write_csv

SECTIONS = ("training", "validation", "testing")


def main() -> None:
    """Fit, calibrate, score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    items = {section: load_ecg_table(options.table, section, seed=options.seed) for section in SECTIONS}
    write_csv(options.output / "cohort.csv", cohort_table(items), COHORT_COLUMNS)
    features, labels = (
        {section: np.stack([item[key] for item in listed]) for section, listed in items.items()}
        for key in ("clinical", "label")
    )
    logits = {section: np.full(labels[section].shape, np.nan) for section in SECTIONS}
    tasks = []
    for task, name in enumerate(ECG_TASKS):
        known = ~np.isnan(labels["training"][:, task])
        if np.unique(labels["training"][known, task]).size < 2:
            continue
        tasks.append(name)
        model = HistGradientBoostingClassifier(early_stopping=False, max_iter=50, random_state=options.seed)
        model.fit(features["training"][known], labels["training"][known, task])
        for section in SECTIONS:
            logits[section][:, task] = logit(np.clip(model.predict_proba(features[section])[:, 1], 1e-6, 1 - 1e-6))
    calibration = Calibration.fit(logits["validation"], labels["validation"], tasks=tasks)
    probability = calibration.probabilities(logits["testing"])
    rows = [
        {"case": item["case"], "patient": item["patient"]}
        | dict(zip(ECG_TASKS, map(float, scores), strict=True))
        | {f"{name}_true": float(label) for name, label in zip(ECG_TASKS, item["label"], strict=True)}
        for item, scores in zip(items["testing"], probability, strict=True)
    ]
    classification_report(rows, options.output, calibration.thresholds)
    for name, found in read_summary(options.output)["tasks"].items():
        low, high = found["auc_ci95"] or (np.nan, np.nan)
        print(f"{name}: AUC {found['auc']:.3f} ({low:.3f} to {high:.3f}), {found['positive']} of {found['n']} positive")


if __name__ == "__main__":
    main()
