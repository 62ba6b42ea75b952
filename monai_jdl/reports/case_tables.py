"""Ignite handlers that measure each case as it is finished and write the tables of a run.

They belong on every rank: rows are gathered and the first rank writes. Masks are measured on the source grid, so they come
after the post-processing that inverts to it.
"""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events
from monai.utils import convert_data_type, string_list_all_gather

from cardiac_transforms.mri.scar_label import TASKS
from monai_jdl.analysis import (
    EXTRA_COLUMNS,
    METRICS_COLUMNS,
    SCAR_COLUMNS,
    case_detection,
    case_metrics,
    detection_score,
    scar_burden,
    summarise,
)
from monai_jdl.errors import InputError
from monai_jdl.reports.tables import write_csv, write_json

logger = logging.getLogger(__name__)


class CaseTable(ABC):
    """Collects one row for every item of the engine's decollated output, sorted by case at the end.

    An item is a dictionary with ``pred``, a MetaTensor [1, X, Y, Z] with the label map of scheme ``jdl``, whose meta data
    holds ``affine`` and ``case`` (the case may also be an item of the batch), and perhaps ``prob`` [2, X, Y, Z].

    Args:
        output_dir: folder of the tables.
    """

    def __init__(self, output_dir: str | Path) -> None:
        self.output_dir = Path(output_dir)
        self.rows: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Attach to an evaluator."""
        engine.add_event_handler(Events.STARTED, lambda: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def collect(self, engine: Engine) -> None:
        """Measure the cases of this iteration."""
        for batch, output in zip(engine.state.batch, engine.state.output, strict=True):
            case = str(output["pred"].meta.get("case") or batch["case"])
            self.rows.append({"case": case, **self.measure(case, output, batch)})

    def finish(self) -> None:
        """Gather the rows of all ranks, and write them on the first."""
        rows = self.rows
        if idist.get_world_size() > 1:
            gathered = string_list_all_gather([json.dumps(row) for row in rows])
            # A sampler that fills up the last batch gives a case to two ranks: it counts once.
            rows = list({row["case"]: row for row in map(json.loads, filter(None, gathered))}.values())
        if rows and idist.get_rank() == 0:
            for path in self.write(sorted(rows, key=lambda row: row["case"])):
                logger.info("wrote %s", path)

    @abstractmethod
    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """The row of one case, in what JSON can hold."""

    @abstractmethod
    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write the tables of all cases; the paths."""


class ScarTable(CaseTable):
    """Writes ``scar.csv``: the scar burden of each case, see :func:`monai_jdl.analysis.scar_burden`."""

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """Volumes, masses and the detection score (where there are probabilities)."""
        label, prob = _label(output), _array(output.get("prob"))
        score = None if prob is None else detection_score(prob[TASKS.index("scar")], label >= 1)
        return scar_burden(label, _affine(output), score)

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write ``scar.csv``."""
        return [write_csv(self.output_dir / "scar.csv", rows, SCAR_COLUMNS)]


class MetricsTable(CaseTable):
    """Writes ``metrics.csv`` and ``summary.json``: each case against its truth, and the statistics of all.

    Needs in addition ``label`` [2, X, Y, Z] in each item, the truth (0 myocardium, 1 scar) with the channel of a task that
    was not annotated NaN throughout, and ``patient`` in the batch (default: the case).

    Args:
        output_dir: folder of the tables.
        thresholds: on the probabilities of myocardium and scar, for the raw channels: those of the label map.
    """

    def __init__(self, output_dir: str | Path, thresholds: Sequence[float] = (0.5, 0.5)) -> None:
        super().__init__(output_dir)
        self.thresholds = np.reshape(thresholds, (len(TASKS), 1, 1, 1))

    def measure(self, case: str, output: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        """Metrics, and under ``detection`` what the statistics of detection need.

        Raises:
            InputError: the truth does not lie on the grid of the prediction.
        """
        prediction, prob = _label(output), _array(output.get("prob"))
        truth = convert_data_type(output["label"], np.ndarray)[0]
        if truth.shape[1:] != prediction.shape:
            raise InputError(
                f"{case}: the label has shape {truth.shape[1:]} but its image {prediction.shape};"
                " draw it on the image's own grid, or resample it to that."
            )
        tasks = [task for channel, task in enumerate(TASKS) if not np.isnan(truth[channel]).all()]
        raw = None if prob is None else prob > self.thresholds
        return {
            "patient": str(batch.get("patient", case)),
            **case_metrics(prediction, truth, _affine(output), tasks, raw),
            "detection": case_detection(prediction, truth, tasks, None if prob is None else prob[TASKS.index("scar")]),
        }

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write ``metrics.csv`` and ``summary.json``."""
        summary = summarise(rows, [row["detection"] for row in rows])
        return [
            write_csv(self.output_dir / "metrics.csv", rows, (*METRICS_COLUMNS, *EXTRA_COLUMNS)),
            write_json(self.output_dir / "summary.json", summary),
        ]


def _array(data: Any) -> np.ndarray | None:
    return None if data is None else convert_data_type(data, np.ndarray)[0]


def _label(output: Mapping[str, Any]) -> np.ndarray:
    return np.rint(convert_data_type(output["pred"][0], np.ndarray)[0]).astype(np.uint8)


def _affine(output: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(output["pred"].affine.cpu(), dtype=float)
