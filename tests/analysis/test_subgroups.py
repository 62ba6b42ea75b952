"""The same threshold in parts of the test set."""

import math

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from monai_jdl.analysis import Predictions, auc_interval, proportion, subgroup_table


def test_each_group_is_what_it_would_be_alone():
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.4
    probability = np.clip(0.3 * truth + 0.7 * rng.random(200), 0, 1)
    layout, patients = rng.choice(["3x4", "6x2"], 200), rng.integers(0, 120, 200)
    rows = subgroup_table(truth, probability, {"layout": layout, "all": ["yes"] * 200}, 0.5, patients.tolist())
    assert [(row["column"], row["group"]) for row in rows] == [("layout", "3x4"), ("layout", "6x2"), ("all", "yes")]
    row, mask = rows[0], layout == "3x4"
    assert (row["n"], row["positive"]) == (mask.sum(), truth[mask].sum())
    assert row["patients"] == len(set(patients[mask].tolist()))
    assert row["auc"] == pytest.approx(roc_auc_score(truth[mask], probability[mask]))
    assert row["auc_ci95"] == auc_interval(Predictions.from_arrays(truth[mask], probability[mask], patients[mask]))[1]
    assert row["sensitivity"] == pytest.approx(recall_score(truth[mask], probability[mask] >= 0.5))
    assert row["specificity"] == pytest.approx(recall_score(~truth[mask], probability[mask] < 0.5))
    found = proportion((probability < 0.5)[mask & ~truth], patients[mask & ~truth])
    assert row["specificity_ci95"] == pytest.approx(found[1])


def test_a_group_without_a_class_says_so():
    rows = subgroup_table([0, 0, 1, math.nan], [0.1, 0.6, 0.8, 0.5], {"sex": ["f", "f", "m", "f"]}, 0.5)
    female, male = rows
    assert (female["n"], female["missing_labels"], female["reason"]) == (2, 1, "no positive cases")
    assert (female["auc"], female["auc_ci95"], female["sensitivity"], female["specificity"]) == (None, None, None, 0.5)
    assert (male["reason"], male["sensitivity"], male["specificity"]) == ("no negative cases", 1, None)


def test_missing_values_are_a_group_at_the_end():
    rows = subgroup_table([0, 1, 0, 1], [0.1, 0.6, 0.8, 0.5], {"qrs": [None, math.nan, "", "wide"]}, None)
    assert [(row["group"], row["n"]) for row in rows] == [("wide", 1), ("missing", 3)]
    assert rows[1]["auc"] == pytest.approx(0.5)
    assert rows[1]["sensitivity"] is None  # no threshold
