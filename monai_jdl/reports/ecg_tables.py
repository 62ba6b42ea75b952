"""Ignite handlers that write what an ECG network found: predictions, their calibration, and heat maps.

They belong on every rank: rows are gathered and the first rank writes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import convert_data_type

from monai_jdl.data.cases import CaseDataset
from monai_jdl.engines import BestModelSaver
from monai_jdl.networks import ECG_TASKS, fingerprint
from monai_jdl.reports.calibration import CALIBRATION_FILE, Calibration, write_calibration
from monai_jdl.reports.case_tables import CaseTable
from monai_jdl.reports.tables import write_csv, write_json

PREDICTION_COLUMNS = (
    *("case", "path"),
    *(column for task in ECG_TASKS for column in (task, f"{task}_threshold", f"{task}_positive")),
    *("quality", "reason", "model_version"),
)
"""Of ``predictions.csv``."""
DISCLAIMER = "For research. Not for clinical use."


class CalibrationTable(CaseTable):
    """Attached to the evaluator of a training: calibrates the network on the validation data whenever it was the best so far.

    Items of the engine's output have ``pred``, logits [2], and ``label`` [2], 0, 1 or NaN.

    Args:
        best: saves the network; the calibration is written beside its file. Attach it before.
        trained_on: by task, on what data, in words.
    """

    def __init__(self, best: BestModelSaver, trained_on: Mapping[str, str | None]) -> None:
        super().__init__(best.path.parent)
        self.best = best
        self.trained_on = {task: str(text) for task, text in trained_on.items() if text}

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """Logits and labels."""
        return {"logits": _numbers(output["pred"]), "labels": _numbers(output["label"])}

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write ``calibration.json`` if this network was saved."""
        if not self.best.improved:
            return []
        logits, labels = (np.array([row[name] for row in rows], dtype=float) for name in ("logits", "labels"))
        calibration = Calibration.fit(logits, labels, fingerprint(self.best.path), self.trained_on)
        return [write_calibration(self.output_dir / CALIBRATION_FILE, calibration)]


class PredictionTable(CaseTable):
    """Writes ``predictions.csv``, and for every ECG ``OUT/<case>/<case>.json`` with more of it.

    Items of the engine's output have ``pred``, logits [2]; the batch's ``image`` has the meta data of
    :class:`monai_jdl.data.LoadECG`. An ECG that was refused has a row with its reason.

    Args:
        output_dir: folder of the tables.
        calibration: of the network.
        operating_point: whose thresholds decide what is called positive.
        dataset: the ECGs, for those that were refused.
    """

    def __init__(
        self, output_dir: str | Path, calibration: Calibration, operating_point: str, dataset: CaseDataset
    ) -> None:
        super().__init__(output_dir)
        self.calibration = calibration
        self.thresholds = {task: calibration.threshold(task, operating_point) for task in ECG_TASKS}
        self.operating_point = operating_point
        self.dataset = dataset

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """The row of an ECG; writes its JSON."""
        meta = batch["image"].meta
        probabilities = self.calibration.probabilities(_numbers(output["pred"]))
        row: dict[str, Any] = {"path": str(meta["filename_or_obj"]), "quality": float(meta["quality"]), "reason": ""}
        for task, probability in zip(ECG_TASKS, probabilities.tolist(), strict=True):
            row |= {task: probability, **self._call(task, probability)}
        tasks = {
            task: {
                "probability": row[task],
                "threshold": self.thresholds[task],
                "positive": row[f"{task}_positive"] == 1 if row[f"{task}_positive"] != "" else None,
                "thresholds": self.calibration.thresholds[task],
                "trained_on": self.calibration.trained_on.get(task),
            }
            for task in ECG_TASKS
        }
        details = {name: str(meta.get(name, "")) for name in ("kind", "layout", "notes")}
        page = {"case": case, "path": row["path"], "model_version": self.calibration.model, "quality": row["quality"]}
        page |= details | {"operating_point": self.operating_point, "tasks": tasks, "note": DISCLAIMER}
        write_json(self.output_dir / case / f"{case}.json", page)
        return row | self.more(output, batch)

    def more(self, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """Further cells of a row; none unless a subclass has some."""
        return {}

    def finish(self) -> None:
        """Add the ECGs that were refused, and write the tables."""
        self.dataset.write_errors()  # gathers those of all ranks
        self.rows += [
            {"case": error["case"], "path": error["image"], "reason": error["error"]} for error in self.dataset.errors
        ]
        super().finish()

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write ``predictions.csv``."""
        version = {"model_version": self.calibration.model}
        return [write_csv(self.output_dir / "predictions.csv", [row | version for row in rows], PREDICTION_COLUMNS)]

    def _call(self, task: str, probability: float) -> dict[str, Any]:
        threshold = self.thresholds[task]
        called: int | str = "" if math.isnan(threshold) else int(probability >= threshold)
        return {f"{task}_threshold": threshold, f"{task}_positive": called}


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in convert_data_type(values, np.ndarray)[0].ravel()]
