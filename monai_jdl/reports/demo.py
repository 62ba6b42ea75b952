"""The page on which the demonstration ends: training, scores and pictures of phantom patients."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_jdl.data import load_datalist
from monai_jdl.errors import InputError
from monai_jdl.reports.case import load_case
from monai_jdl.reports.figures import agreement_figure, case_figure, curves_figure, png
from monai_jdl.reports.page import Section, write_page
from monai_jdl.reports.screening import screening_section
from monai_jdl.reports.tables import read_csv

NOTICE = (
    "The LGE network was trained on simulation alone and does not work on patients. The ECG network was trained on infarction "
    "as cardiologists read it in ECGs (PTB-XL) and on simulated ECGs, for LVEF on simulated ECGs alone."
)
MOST_PICTURES = 6
NAMES = {
    "dice_myocardium": "Dice, myocardium",
    "dice_scar_of_cases_with_scar": "Dice, scar (cases with scar)",
    "hd95_myocardium_mm": "HD95, myocardium (mm)",
    "hd95_scar_mm": "HD95, scar (mm)",
    "assd_myocardium_mm": "ASSD, myocardium (mm)",
    "assd_scar_mm": "ASSD, scar (mm)",
    "volume_error_myocardium_ml": "volume error, myocardium (mL)",
    "volume_error_scar_ml": "volume error, scar (mL)",
    "scar_recall_of_myocardium": "share of true scar that the myocardium mask covers",
    "scar_outside_myocardium": "share of predicted scar outside the true myocardium",
}
CASE_COLUMNS = (
    "case",
    "dice_myocardium",
    "dice_scar",
    "hd95_myocardium_mm",
    "hd95_scar_mm",
    "volume_error_myocardium_ml",
    "volume_error_scar_ml",
    "scar_percent_true",
    "scar_percent_pred",
)


def write_demo_page(
    output: str | Path,
    evaluate_dir: str | Path,
    inference_dir: str | Path,
    dataset_dir: str | Path,
    train_dir: str | Path,
    screening_dir: str | Path,
) -> Path:
    """Write the page from the folders that the workflows of the bundles leave.

    Args:
        output: the ``.html`` file.
        evaluate_dir: holds ``metrics.csv`` and ``summary.json``.
        inference_dir: holds ``scar.csv`` and ``<case>/<case>_seg.nii.gz``.
        dataset_dir: the evaluated data set; its testing list gives images and truth.
        train_dir: holds ``loss.csv``.
        screening_dir: holds ``predictions.csv`` of simulated ECG pages, and their heat maps.

    Returns:
        ``output``.

    Raises:
        InputError: a workflow has not left its files, matplotlib is missing, or the page cannot be written.
    """
    output, evaluate_dir, inference_dir, train_dir = map(Path, (output, evaluate_dir, inference_dir, train_dir))
    rows = read_csv(evaluate_dir / "metrics.csv")
    losses = [float(row["loss"]) for row in read_csv(train_dir / "loss.csv")]
    truth, predicted = ([_number(row[f"scar_percent_{which}"]) for row in rows] for which in ("true", "pred"))
    here = output.absolute().parent
    files = {
        path.name: os.path.relpath(path.absolute(), here)
        for path in (
            evaluate_dir / "metrics.csv",
            evaluate_dir / "summary.json",
            inference_dir / "scar.csv",
            train_dir / "loss.csv",
        )
    }
    cases = [{name: row[name] if name == "case" else _number(row[name]) for name in CASE_COLUMNS} for row in rows]
    return write_page(
        output,
        "monai_jdl: demonstration",
        [
            Section(
                "Scores of the network that the bundle ships",
                "Phantom patients that it was not trained on; means and 95 % bootstrap intervals over patients.",
                summary_table(read_summary(evaluate_dir)),
                links=files,
            ),
            Section(
                "Truth and prediction",
                "Myocardium outlined in blue, scar in orange; base to apex.",
                pictures=_pictures(Path(dataset_dir), inference_dir),
            ),
            Section("Case by case", table=cases),
            Section(
                "Agreement of the scar fraction",
                pictures={"One point for each case.": png(agreement_figure(truth, predicted))},
            ),
            Section(
                "A short training from scratch",
                "Shows that training works; its network is not the one scored above.",
                pictures={"Mean loss of each epoch.": png(curves_figure({"loss": losses}))},
            ),
            screening_section(
                screening_dir,
                "ECG pages, screened",
                "Simulated patients, each ECG printed by another machine, read and classified by the page bundle's network.",
            ),
        ],
        NOTICE,
    )


def read_summary(evaluate_dir: str | Path) -> dict[str, Any]:
    """``summary.json`` of an evaluation.

    Raises:
        InputError: it is not there or damaged.
    """
    path = Path(evaluate_dir) / "summary.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); has the evaluation finished?") from error


def summary_table(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The main lines of :func:`monai_jdl.analysis.summarise`, for people: metric, mean with interval, median, cases."""
    lines = [
        {
            "metric": name,
            "mean": _with_interval(entry, "mean"),
            "median": _with_interval(entry, "median", interval=False),
            "n": entry["n"],
        }
        for column, name in NAMES.items()
        for entry in [summary["metrics"][column]]
    ]
    agreement = summary["scar_percent_agreement"]
    for key, name in (
        ("bias", "bias"),
        ("lower_limit", "lower limit of agreement"),
        ("upper_limit", "upper limit of agreement"),
    ):
        text = _with_interval(agreement, key)
        lines.append({"metric": f"scar % of LV mass, {name}", "mean": text, "median": "", "n": agreement["n"]})
    for level, found in summary.get("detection", {}).items():
        for key, count in (("auc", "n"), ("sensitivity", "positive"), ("specificity", "negative")):
            name = f"scar detection by {level}, {key.upper() if key == 'auc' else key}"
            lines.append({"metric": name, "mean": _with_interval(found, key), "median": "", "n": found[count]})
    return lines


def _pictures(dataset_dir: Path, inference_dir: Path) -> dict[str, bytes]:
    pictures: dict[str, bytes] = {}
    for item in load_datalist(dataset_dir, "testing"):
        predicted = inference_dir / item["case"] / f"{item['case']}_seg.nii.gz"
        if predicted.is_file() and len(pictures) < MOST_PICTURES:
            masks = {"truth": item["label"], "prediction": predicted}
            pictures[item["case"]] = png(case_figure(*load_case(item["image"], masks, {"truth": item["label_scheme"]})))
    return pictures


def _with_interval(entry: Mapping[str, Any], key: str, interval: bool = True) -> str:
    if entry[key] is None:
        return ""
    text = f"{entry[key]:.3g}"
    limits: Sequence[float] | None = entry[f"{key}_ci95"]
    return f"{text} ({limits[0]:.3g} to {limits[1]:.3g})" if interval and limits else text


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
