"""Who is in a data set: counts, ages and prevalences by section."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_jdl.networks import CLINICAL_FEATURES, ECG_TASKS

COHORT_COLUMNS = (
    *("section", "ecgs", "patients", "age_mean", "age_sd"),
    *(f"{name}_percent" for name in (*CLINICAL_FEATURES[1:], *ECG_TASKS)),
    *(f"{name}_missing" for name in (*CLINICAL_FEATURES, *ECG_TASKS)),
)


def cohort_table(sections: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The first table of a paper.

    Args:
        sections: items by section, each with ``patient``, ``clinical`` and ``label`` as of
            :func:`monai_jdl.data.load_ecg_table`.

    Returns:
        A row for each section and one for all: numbers of ECGs and patients, mean and SD of the age in years, the share of
        ECGs in per cent with each binary feature and label among those where it is known, and how many lack it
        (:data:`COHORT_COLUMNS`). What nobody has is NaN.
    """
    everyone = [item for items in sections.values() for item in items]
    rows = []
    for name, items in (*sections.items(), ("all", everyone)):
        values = np.array([[*item["clinical"], *item["label"]] for item in items], dtype=float)
        values = values.reshape(-1, len(CLINICAL_FEATURES) + len(ECG_TASKS))
        known = [column[np.isfinite(column)] for column in values.T]
        row: dict[str, Any] = {
            "section": name,
            "ecgs": len(items),
            "patients": len({item["patient"] for item in items}),
            "age_mean": float(known[0].mean()) if known[0].size else math.nan,
            "age_sd": float(known[0].std(ddof=1)) if known[0].size > 1 else math.nan,
        }
        for feature, column in zip((*CLINICAL_FEATURES, *ECG_TASKS), known, strict=True):
            if feature != "age":
                row[f"{feature}_percent"] = 100.0 * float(column.mean()) if column.size else math.nan
            row[f"{feature}_missing"] = len(items) - column.size
        rows.append(row)
    return rows
