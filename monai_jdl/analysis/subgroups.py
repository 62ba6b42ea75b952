"""The same model and threshold in parts of the test set."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from monai_jdl.analysis.predictions import Predictions, proportion
from monai_jdl.analysis.roc import auc_interval

MISSING = "missing"
_RESULTS = ("auc", "auc_ci95", "sensitivity", "sensitivity_ci95", "specificity", "specificity_ci95")


def subgroup_table(
    truth: ArrayLike,
    probability: ArrayLike,
    columns: Mapping[str, Sequence[Any]],
    threshold: float | None,
    patients: Sequence[Hashable] | None = None,
) -> list[dict[str, Any]]:
    """AUC, and sensitivity and specificity at one fixed threshold, in each group of cases.

    Args:
        truth: [n], 0 or 1, NaN where missing.
        probability: [n], 0..1.
        columns: name -> [n] values that name the groups (layout, sex, age band ...); None, NaN and "" form the group
            ``missing``.
        threshold: chosen on development data, the same for all; None gives neither sensitivity nor specificity.
        patients: [n] names; by default every case is a patient's only one.

    Returns:
        A row per column and group, groups sorted: ``column``, ``group``, the counts, ``auc``, ``auc_ci95`` (DeLong, logit),
        ``sensitivity``, ``specificity`` with ``_ci95`` (Wilson). A group that lacks a class has None, and ``reason``.

    Raises:
        InputError: see :meth:`Predictions.from_arrays`.
    """
    labels, scores = np.asarray(truth, dtype=float), np.asarray(probability, dtype=float)
    names = list(range(len(labels)) if patients is None else patients)
    rows = []
    for column, values in columns.items():
        groups = np.array([_name(value) for value in values], dtype=str)
        for group in sorted(set(groups.tolist()), key=lambda name: (name == MISSING, name)):
            members = np.flatnonzero(groups == group)
            predictions = Predictions.from_arrays(labels[members], scores[members], [names[i] for i in members])
            row: dict[str, Any] = {"column": column, "group": group, **predictions.counts()}
            row |= dict.fromkeys(_RESULTS)
            if not predictions.reason:
                row["auc"], row["auc_ci95"] = auc_interval(predictions)
            if threshold is not None:
                right = (predictions.probability >= threshold) == predictions.truth
                for name, of_class in (("sensitivity", predictions.truth), ("specificity", ~predictions.truth)):
                    row[name], row[f"{name}_ci95"] = proportion(right[of_class], predictions.patient[of_class])
            rows.append(row)
    return rows


def _name(value: Any) -> str:
    return MISSING if value is None or value == "" or value != value else str(value)
