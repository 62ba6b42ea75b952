"""What turns an ECG network's logits into probabilities and calls, as a file beside its weights."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_jdl.analysis import Predictions, Temperature, choose_thresholds
from monai_jdl.errors import InputError
from monai_jdl.networks import ECG_TASKS, fingerprint
from monai_jdl.reports.tables import write_json

logger = logging.getLogger(__name__)

CALIBRATION_FILE = "calibration.json"
_SIGNS = {"lt": "<", "le": "<="}


@dataclass(frozen=True)
class Calibration:
    """Temperature and thresholds of every task that a network was trained for, from development data.

    Attributes:
        temperatures: by task.
        thresholds: by task and operating point, on calibrated probabilities; None where development data lack a class.
        model: fingerprint of the weights that it belongs to; empty where that is not known.
        trained_on: by task, on what data, in words that are shown with every result.
        lvef_threshold: per cent, below which the training called an LVEF reduced; None where that is not known.
        lvef_rule: ``lt``, or ``le`` where an LVEF equal to the threshold was reduced, too.
    """

    temperatures: Mapping[str, Temperature]
    thresholds: Mapping[str, Mapping[str, float | None]]
    model: str = ""
    trained_on: Mapping[str, str] = field(default_factory=dict)
    lvef_threshold: float | None = None
    lvef_rule: str = "lt"

    @classmethod
    def fit(
        cls,
        logits: ArrayLike,
        labels: ArrayLike,
        model: str = "",
        trained_on: Mapping[str, str] | None = None,
        tasks: Sequence[str] = ECG_TASKS,
        lvef_threshold: float | None = None,
        lvef_rule: str = "lt",
    ) -> Calibration:
        """Calibrate on development data.

        Args:
            logits: [N, 2] in the order of :data:`monai_jdl.networks.ECG_TASKS`.
            labels: [N, 2], 0, 1, or NaN where missing.
            model, trained_on, lvef_threshold, lvef_rule: as the attributes.
            tasks: that the network was trained for.
        """
        scores, truth = np.asarray(logits, dtype=float), np.asarray(labels, dtype=float)
        temperatures, thresholds = {}, {}
        for name in tasks:
            task = ECG_TASKS.index(name)
            temperatures[name] = Temperature.fit(truth[:, task], scores[:, task])
            probability = temperatures[name].probability(scores[:, task])
            thresholds[name] = choose_thresholds(Predictions.from_arrays(truth[:, task], probability))
        return cls(temperatures, thresholds, model, trained_on or {}, lvef_threshold, lvef_rule)

    def probabilities(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities [..., 2] of logits [..., 2]; NaN for a task that the network was not trained for."""
        scores = np.asarray(logits, dtype=float)
        out = np.full(scores.shape, np.nan)
        for name, temperature in self.temperatures.items():
            task = ECG_TASKS.index(name)
            out[..., task] = temperature.probability(scores[..., task])
        return out

    def condition(self, task: str) -> str:
        """What a task tells, in words, e.g. ``LVEF < 50 %``."""
        if task == "scar":
            return "myocardial scar"
        if self.lvef_threshold is None:
            return "reduced LVEF"
        return f"LVEF {_SIGNS[self.lvef_rule]} {self.lvef_threshold:g} %"

    def about(self, task: str) -> dict[str, str | None]:
        """What every result of a task says: its ``condition``, and what the network was ``trained_on``."""
        return {"condition": self.condition(task), "trained_on": self.trained_on.get(task)}

    def threshold(self, task: str, operating_point: str) -> float:
        """The threshold of a task; NaN where development data gave none, or the network was not trained for it.

        Raises:
            InputError: there is no such operating point.
        """
        known = self.thresholds.get(task)
        if known is None:
            return math.nan
        if operating_point not in known:
            raise InputError(f"There is no operating point {operating_point!r}; choose one of {', '.join(known)}.")
        value = known[operating_point]
        return math.nan if value is None else value


def write_calibration(path: str | Path, calibration: Calibration) -> Path:
    """Write a calibration as JSON, the whole file or nothing.

    Raises:
        InputError: the folder cannot be written.
    """
    return write_json(path, asdict(calibration))


def load_calibration(ckpt_path: str | Path) -> Calibration:
    """The calibration beside a weight file.

    Without one, probabilities are the network's own, and there are no thresholds: a warning says so.

    Args:
        ckpt_path: of the weights; ``calibration.json`` in their folder.

    Raises:
        InputError: the file is damaged, or belongs to other weights.
    """
    model = fingerprint(ckpt_path)
    path = Path(ckpt_path).parent / CALIBRATION_FILE
    if not path.is_file():
        logger.warning("%s: no such file; probabilities are not calibrated, and nothing is called positive.", path)
        return Calibration.fit(np.zeros((0, len(ECG_TASKS))), np.zeros((0, len(ECG_TASKS))), model)
    try:
        found = _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: this is no calibration ({error}); train again, or remove the file.") from error
    if found.model != model:
        raise InputError(
            f"{path}: this calibration belongs to the weights {found.model}, not to {ckpt_path} ({model}); put the weights and"
            " the calibration of one training together, or remove the calibration."
        )
    return found


def _parsed(tree: Mapping[str, Any]) -> Calibration:
    tasks = [name for name in ECG_TASKS if name in tree["temperatures"]]
    temperatures = {name: Temperature(**tree["temperatures"][name]) for name in tasks}
    thresholds = {
        name: {point: None if value is None else float(value) for point, value in tree["thresholds"][name].items()}
        for name in tasks
    }
    threshold, rule = tree["lvef_threshold"], str(tree["lvef_rule"])
    if rule not in _SIGNS:
        raise ValueError(f"the LVEF rule is {rule!r}")
    return Calibration(
        temperatures,
        thresholds,
        str(tree["model"]),
        dict(tree["trained_on"]),
        None if threshold is None else float(threshold),
        rule,
    )
