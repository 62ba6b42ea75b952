"""The table of a cohort, against counting by hand."""

import math

import numpy as np
import pytest

from monai_jdl.analysis import COHORT_COLUMNS, cohort_table

NAN = math.nan


def item(patient, clinical, label):
    return {"patient": patient, "clinical": np.array(clinical, np.float32), "label": np.array(label, np.float32)}


def test_counts_shares_and_what_is_missing():
    training = [
        item("a", [60, 1, 0, 1, NAN, 0], [1, NAN]),
        item("a", [62, 1, 0, 1, NAN, 0], [0, 1]),
        item("b", [70, 0, NAN, 0, NAN, 1], [0, 0]),
    ]
    testing = [item("c", [NAN, 0, 1, 1, NAN, 0], [1, 0])]
    rows = {row["section"]: row for row in cohort_table({"training": training, "testing": testing})}
    assert list(rows) == ["training", "testing", "all"] and all(
        set(row) == set(COHORT_COLUMNS) for row in rows.values()
    )
    first, last, everyone = rows.values()
    assert (first["ecgs"], first["patients"], everyone["patients"]) == (3, 2, 3)
    assert first["age_mean"] == 64 and first["age_sd"] == pytest.approx(np.std([60, 62, 70], ddof=1))
    assert first["female_percent"] == pytest.approx(200 / 3) and first["diabetes_percent"] == 0
    assert (first["diabetes_missing"], first["smoke_missing"], everyone["smoke_missing"]) == (1, 3, 4)
    assert math.isnan(first["smoke_percent"]) and math.isnan(last["age_mean"]) and math.isnan(last["age_sd"])
    assert (first["lvef50_percent"], everyone["scar_percent"]) == (50, 50)


def test_an_empty_section():
    row, _ = cohort_table({"testing": []})
    assert row["ecgs"] == 0 and math.isnan(row["scar_percent"])
