"""The ignite handler that evaluates an ECG network on labelled ECGs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_jdl.data.cases import CaseDataset
from monai_jdl.errors import InputError
from monai_jdl.networks import CLINICAL_FEATURES, ECG_TASKS
from monai_jdl.reports.calibration import Calibration
from monai_jdl.reports.classification import classification_report
from monai_jdl.reports.ecg_comparisons import read_calls, read_controls
from monai_jdl.reports.ecg_tables import PREDICTION_COLUMNS, ECGTable
from monai_jdl.reports.tables import write_csv

SUBGROUPS = ("layout", "sex", "age_band", "qrs")
"""Groups that an evaluation is divided into, where the data tell them apart."""
_AGES = (50, 65, 80)
_WIDE_QRS = 120.0
"""ms."""


class EvaluationTable(ECGTable):
    """Writes ``predictions.csv`` with the truth, and what :func:`monai_jdl.reports.classification_report` makes of it.

    Items of the engine's output and of the data set have, beside those of :class:`ECGTable`, ``label`` [2] (0, 1, or
    NaN where missing), ``patient``, ``clinical`` and ``row``, as of :func:`monai_jdl.data.load_ecg_table`. An ECG that was
    refused counts as one without a probability.

    Args:
        output_dir, calibration, operating_point, dataset: as for :class:`ECGTable`.
        readers: table of calls by people: ``reader``, ``case``, and ``scar`` or ``lvef50``, 0 or 1.
        controls: ``predictions.csv`` of the same network for people who are known to have neither scar nor a reduced LVEF.
        lvef_threshold, lvef_rule: of the labels, as for :func:`monai_jdl.data.load_ecg_table`.

    Raises:
        InputError: the network was trained for another LVEF than the labels tell; see :mod:`monai_jdl.reports.ecg_comparisons`.
    """

    def __init__(
        self,
        output_dir: str | Path,
        calibration: Calibration,
        operating_point: str,
        dataset: CaseDataset,
        readers: str | Path | None = None,
        controls: str | Path | None = None,
        lvef_threshold: float = 50,
        lvef_rule: str = "lt",
    ) -> None:
        labelled = replace(calibration, lvef_threshold=float(lvef_threshold), lvef_rule=lvef_rule)
        if calibration.lvef_threshold is None:
            calibration = labelled
        trained, asked = calibration.condition("lvef50"), labelled.condition("lvef50")
        if "lvef50" in calibration.thresholds and trained != asked:
            raise InputError(
                f"The network was trained for {trained}, but the ECGs are labelled for {asked}; evaluate it with "
                f"--lvef_threshold {calibration.lvef_threshold:g} --lvef_rule {calibration.lvef_rule}."
            )
        super().__init__(output_dir, calibration, operating_point, dataset)
        tasks, cases = list(calibration.thresholds), {item["case"] for item in dataset.data}
        self.readers = [] if readers is None else read_calls(readers, tasks, cases)
        self.controls = [] if controls is None else read_controls(controls, tasks, calibration.model)

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """The row of an ECG with its truth and its groups."""
        return super().measure(case, output, batch) | _known(batch, str(batch["image"].meta["layout"]))

    def refused(self, item: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """The row of an ECG that was refused, with its truth."""
        return super().refused(item, reason) | dict.fromkeys(ECG_TASKS, math.nan) | _known(item, "")

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write the tables, the summary and the figures."""
        columns = (*PREDICTION_COLUMNS, *(f"{task}_true" for task in ECG_TASKS), *SUBGROUPS)
        table = write_csv(self.output_dir / "predictions.csv", rows, columns)
        groups = [column for column in SUBGROUPS if len({row[column] for row in rows} - {""}) > 1]
        report = classification_report(
            rows,
            self.output_dir,
            self.calibration.thresholds,
            self.operating_point,
            groups,
            self.readers,
            self.controls,
            {task: self.calibration.about(task) for task in self.calibration.thresholds},
        )
        return [table, *report]


def _known(item: Mapping[str, Any], layout: str) -> dict[str, Any]:
    """Patient, truth and groups of an item."""
    clinical = dict(zip(CLINICAL_FEATURES, map(float, item["clinical"]), strict=True))
    truth = {f"{task}_true": float(label) for task, label in zip(ECG_TASKS, item["label"], strict=True)}
    return {"patient": str(item["patient"]), **truth} | {
        "layout": layout,
        "sex": "" if math.isnan(clinical["female"]) else "female" if clinical["female"] else "male",
        "age_band": _band(clinical["age"]),
        "qrs": _qrs(str(item["row"].get("qrs_duration", ""))),
    }


def _band(age: float) -> str:
    if math.isnan(age):
        return ""
    above = [limit for limit in _AGES if age >= limit]
    return f"{above[-1]} and over" if above == list(_AGES) else f"under {_AGES[len(above)]}"


def _qrs(duration: str) -> str:
    try:
        return f"{'over' if float(duration) > _WIDE_QRS else 'up to'} {_WIDE_QRS:g} ms"
    except ValueError:
        return ""
