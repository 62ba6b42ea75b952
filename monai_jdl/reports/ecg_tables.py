"""Ignite handlers that write what an ECG network found: predictions, their calibration, and heat maps.

They belong on every rank: rows are gathered and the first rank writes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import convert_data_type

from cardiac_transforms.ecg import LEADS
from monai_jdl.data.cases import CaseDataset
from monai_jdl.engines import BestModelSaver
from monai_jdl.networks import ECG_TASKS, fingerprint
from monai_jdl.reports.calibration import CALIBRATION_FILE, Calibration, write_calibration
from monai_jdl.reports.case_tables import CaseTable
from monai_jdl.reports.tables import write_csv, write_json

PREDICTION_COLUMNS = (
    *("case", "path", "patient"),
    *(column for task in ECG_TASKS for column in (task, f"{task}_threshold", f"{task}_positive")),
    *("quality", "reason", "model_version"),
    *(f"{task}_trained_on" for task in ECG_TASKS),
)
"""Of ``predictions.csv``."""
DISCLAIMER = "For research. Not for clinical use."


class CalibrationTable(CaseTable):
    """Attached to the evaluator of a training: calibrates the network on the validation data whenever it was the best so far.

    Items of the engine's output have ``pred``, logits [2], and ``label`` [2], 0, 1 or NaN.

    Args:
        best: saves the network; the calibration is written beside its file. Attach it before.
        trained_on: by task, on what data, in words.
        task_weights: of the losses of the tasks; one of 0 is not trained, so that it is not calibrated.
        lvef_threshold, lvef_rule: of the labels, as for :func:`monai_jdl.data.load_ecg_table`.
    """

    def __init__(
        self,
        best: BestModelSaver,
        trained_on: Mapping[str, str | None],
        task_weights: Sequence[float] = (1.0, 1.0),
        lvef_threshold: float = 50,
        lvef_rule: str = "lt",
    ) -> None:
        super().__init__(best.path.parent)
        self.best = best
        self.tasks = [task for task, weight in zip(ECG_TASKS, task_weights, strict=True) if weight]
        self.trained_on = {task: str(text) for task, text in trained_on.items() if text}
        self.lvef_threshold, self.lvef_rule = float(lvef_threshold), lvef_rule

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """Logits and labels."""
        return {"logits": _numbers(output["pred"]), "labels": _numbers(output["label"])}

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write ``calibration.json`` if this network was saved."""
        if not self.best.improved:
            return []
        logits, labels = (np.array([row[name] for row in rows], dtype=float) for name in ("logits", "labels"))
        model = fingerprint(self.best.path)
        calibration = Calibration.fit(
            logits, labels, model, self.trained_on, self.tasks, self.lvef_threshold, self.lvef_rule
        )
        return [write_calibration(self.output_dir / CALIBRATION_FILE, calibration)]


class ECGTable(CaseTable):
    """What an ECG network said of each ECG, refused ones included: the rows of ``predictions.csv``.

    ``patient`` is empty where no table names one.

    Items of the engine's output have ``pred``, logits [2]; the batch's ``image`` has the meta data of
    :class:`monai_jdl.data.LoadECG`.

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
        self.operating_point = operating_point
        self.dataset = dataset

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """The row of an ECG."""
        meta = batch["image"].meta
        row: dict[str, Any] = {"path": str(meta["filename_or_obj"]), "patient": _patient(batch)}
        row |= {"quality": float(meta["quality"]), "reason": ""}
        probabilities = self.calibration.probabilities(_numbers(output["pred"])).tolist()
        for task, probability in zip(ECG_TASKS, probabilities, strict=True):
            threshold = self.calibration.threshold(task, self.operating_point)
            positive = "" if math.isnan(threshold) else int(probability >= threshold)
            row |= {task: probability, f"{task}_threshold": threshold, f"{task}_positive": positive}
        return row | self._model()

    def refused(self, item: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """The row of an ECG of the data set that was refused."""
        return {
            "case": item["case"],
            "path": item["image"],
            "patient": _patient(item),
            "reason": reason,
        } | self._model()

    def _model(self) -> dict[str, Any]:
        trained_on = {f"{task}_trained_on": self.calibration.trained_on.get(task) for task in ECG_TASKS}
        return {"model_version": self.calibration.model, **trained_on}

    def finish(self) -> None:
        """Add the ECGs that were refused, and write the tables."""
        self.dataset.write_errors()  # gathers those of all ranks
        items = {item["case"]: item for item in self.dataset.data}
        self.rows += [self.refused(items[error["case"]], error["error"]) for error in self.dataset.errors]
        super().finish()


class PredictionTable(ECGTable):
    """Writes ``predictions.csv``, and for every ECG ``OUT/<case>/<case>.json`` with more of it; see :class:`ECGTable`."""

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """The row of an ECG; writes its JSON."""
        row, meta = super().measure(case, output, batch), batch["image"].meta
        page = {"case": case} | {name: row[name] for name in ("path", "model_version", "quality")}
        page |= {name: str(meta[name]) for name in ("kind", "layout", "notes")}
        page["lead_quality"] = dict(zip(LEADS, _numbers(meta["lead_quality"]), strict=True))
        page["tasks"] = {
            task: {
                **self.calibration.about(task),
                "probability": row[task],
                "operating_point": self.operating_point,
                "threshold": row[f"{task}_threshold"],
                "positive": None if row[f"{task}_positive"] == "" else bool(row[f"{task}_positive"]),
                "thresholds": self.calibration.thresholds[task],
            }
            for task in self.calibration.temperatures
        }
        write_json(self.output_dir / case / f"{case}.json", page | {"disclaimer": DISCLAIMER})
        return row

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write ``predictions.csv``."""
        return [write_csv(self.output_dir / "predictions.csv", rows, PREDICTION_COLUMNS)]


def _patient(item: Mapping[str, Any]) -> str:
    """The patient of an item where its row says it: else it is the case that stands in for one."""
    patient = str(item.get("patient", ""))
    return patient if patient in item.get("row", {}).values() else ""


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in convert_data_type(values, np.ndarray)[0].ravel()]
