"""Thresholds chosen on development data, and their metrics elsewhere."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from monai_jdl.analysis import (
    Predictions,
    apply_thresholds,
    call_metrics,
    choose_thresholds,
    control_cohort,
    threshold_curves,
)
from monai_jdl.analysis import statistics as statistics_module

RULES = ["youden", "f1", "sensitivity_80", "sensitivity_90", "sensitivity_95", "sensitivity_99"]
probabilities = st.one_of(st.integers(0, 10).map(lambda level: level / 10), st.floats(0, 1))
cases = st.lists(st.tuples(st.booleans(), probabilities), min_size=2, max_size=40).filter(
    lambda items: 0 < sum(truth for truth, _ in items) < len(items)
)


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 999)


def sample(seed=0, n=400):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    return Predictions.from_arrays(truth, stats.norm.cdf(rng.normal(size=n) + 1.3 * truth - 0.8))


def sensitivity_and_specificity(predictions, threshold):
    call = predictions.probability >= threshold
    return call[predictions.truth].mean(), (~call)[~predictions.truth].mean()


@settings(deadline=None, max_examples=60)
@given(cases)
def test_thresholds_keep_their_word_on_the_development_data(items):
    development = Predictions.from_arrays(*zip(*items, strict=True))
    found = choose_thresholds(development)
    assert list(found) == RULES
    everywhere = np.unique(development.probability)
    for name, target in (("sensitivity_80", 0.8), ("sensitivity_90", 0.9), ("sensitivity_99", 0.99)):
        assert sensitivity_and_specificity(development, found[name])[0] >= target - 1e-9
        higher = everywhere[everywhere > found[name]]
        if len(higher) > 1:  # the next group of cases would be missed: too few are found then
            assert sensitivity_and_specificity(development, higher[1])[0] < target
    youden = sum(sensitivity_and_specificity(development, found["youden"]))
    assert youden == pytest.approx(max(sum(sensitivity_and_specificity(development, t)) for t in everywhere))
    f1 = [metrics.f1_score(development.truth, development.probability >= t) for t in (found["f1"], *everywhere)]
    assert f1[0] == pytest.approx(max(f1[1:]))


def test_a_threshold_lies_between_cases_and_survives_rounding():
    development = Predictions.from_arrays([0, 0, 1, 1, 1], [0.1, 0.3, 0.5, 0.7, 0.9])
    assert choose_thresholds(development) == pytest.approx(dict.fromkeys(RULES, 0.4))
    lowest = Predictions.from_arrays([1, 0], [0.2, 0.6])
    assert choose_thresholds(lowest)["sensitivity_99"] == pytest.approx(0.1)


def test_of_equals_the_more_sensitive_threshold_is_chosen():
    """0.8 finds half without false alarm, 0.4 all at one false alarm of two: Youden's index is 0.5 at both."""
    development = Predictions.from_arrays([1, 0, 1, 0], [0.8, 0.6, 0.4, 0.2])
    assert choose_thresholds(development)["youden"] == pytest.approx(0.3)


@pytest.mark.parametrize("label", [0, 1])
def test_development_data_of_one_class_give_no_thresholds(label):
    found = choose_thresholds(Predictions.from_arrays([label] * 3, [0.1, 0.2, 0.3]))
    assert found == dict.fromkeys(RULES)
    rows = apply_thresholds(sample(), found)
    assert rows[0]["reason"] == "no threshold: the development data lacked a class"
    assert "f1" not in rows[0]


def test_thresholds_are_stored_and_applied_to_other_cases():
    stored = json.loads(json.dumps(choose_thresholds(sample(0))))
    test = sample(1)
    rows = {row["operating_point"]: row for row in apply_thresholds(test, stored)}
    assert list(rows) == [*RULES, "all_negative"]
    row, call = rows["youden"], test.probability >= stored["youden"]
    assert row["threshold"] == stored["youden"]
    tn, fp, fn, tp = metrics.confusion_matrix(test.truth, call).ravel()
    counts = ("true_negative", "false_positive", "false_negative", "true_positive")
    assert tuple(row[name] for name in counts) == (tn, fp, fn, tp)
    for name, hits, of in (
        ("sensitivity", tp, tp + fn),
        ("specificity", tn, tn + fp),
        ("ppv", tp, tp + fp),
        ("npv", tn, tn + fn),
        ("accuracy", tp + tn, len(test)),
    ):
        assert row[name] == pytest.approx(hits / of)
        wilson = stats.binomtest(int(hits), int(of)).proportion_ci(method="wilson")
        assert row[f"{name}_ci95"] == pytest.approx(tuple(wilson))
    assert row["f1"] == pytest.approx(metrics.f1_score(test.truth, call))
    low, high = row["f1_ci95"]
    assert low < row["f1"] < high


def test_a_case_at_the_threshold_is_called():
    test = Predictions.from_arrays([1, 0], [0.5, 0.25])
    row = apply_thresholds(test, {"f1": 0.5})[0]
    assert (row["true_positive"], row["false_positive"]) == (1, 0)
    curves = threshold_curves(test, np.array([0.25, 0.5]))
    assert [row["value"] for row in curves["sensitivity"]] == [1, 1]
    assert [row["value"] for row in curves["false_positive_rate"]] == [1, 0]
    assert control_cohort([0.5], {"f1": 0.5})[0]["false_positive"] == 1


def test_the_interval_of_f1_covers_the_truth():
    """Sensitivity 0.7, specificity 0.9 at prevalence 0.3: F1 of the population is 0.7241."""
    rng = np.random.default_rng(2)
    true = 2 * 0.3 * 0.7 / (0.3 + 0.3 * 0.7 + 0.7 * 0.1)
    hits = 0
    for _ in range(200):
        truth = rng.random(150) < 0.3
        call = rng.random(150) < np.where(truth, 0.7, 0.1)
        low, high = call_metrics(Predictions.from_arrays(truth, call.astype(float)), call)["f1_ci95"]
        hits += low <= true <= high
    assert 0.90 <= hits / 200 <= 0.985


def test_calling_everyone_negative_is_the_baseline():
    row = apply_thresholds(sample(), {})[0]
    assert row["operating_point"] == "all_negative"
    assert (row["sensitivity"], row["specificity"], row["ppv"], row["ppv_ci95"]) == (0, 1, None, None)
    assert row["npv"] == row["accuracy"] == pytest.approx(1 - sample().truth.mean())
    assert (row["f1"], row["f1_ci95"]) == (0, None)


def test_swapping_the_classes_swaps_the_metrics():
    predictions = sample(3)
    call = predictions.probability > 0.4
    found = call_metrics(predictions, call)
    swapped = call_metrics(Predictions.from_arrays(~predictions.truth, 1 - predictions.probability), ~call)
    for name, other in (("sensitivity", "specificity"), ("ppv", "npv"), ("accuracy", "accuracy")):
        assert swapped[name] == pytest.approx(found[other])
        assert swapped[f"{name}_ci95"] == pytest.approx(found[f"{other}_ci95"])


def test_one_class_alone():
    found = call_metrics(Predictions.from_arrays([0, 0], [0.2, 0.8]), np.array([False, True]))
    assert (found["sensitivity"], found["specificity"], found["f1"]) == (None, 0.5, 0)
    assert found["reason"] == "no positive cases"
    nobody = call_metrics(Predictions.from_arrays([0, 0], [0.2, 0.8]), np.array([False, False]))
    assert (nobody["f1"], nobody["ppv"]) == (None, None)


def test_false_alarms_in_a_control_cohort():
    rows = control_cohort([0.1, 0.2, 0.6, math.nan], {"youden": 0.5, "f1": 0.9, "sensitivity_90": None})
    assert [row["operating_point"] for row in rows] == ["youden", "f1"]
    assert (rows[0]["n"], rows[0]["missing_probabilities"], rows[0]["false_positive"]) == (3, 1, 1)
    assert rows[0]["false_positive_rate"] == pytest.approx(1 / 3)
    for row, hits in zip(rows, (1, 0), strict=True):
        wilson = stats.binomtest(hits, 3).proportion_ci(method="wilson")
        assert row["false_positive_rate_ci95"] == pytest.approx(tuple(wilson), abs=1e-12)


def test_curves_over_the_threshold():
    predictions = sample(4)
    curves = threshold_curves(predictions, np.array([0.0, 0.4]))
    expected = sensitivity_and_specificity(predictions, 0.4)
    assert curves["sensitivity"][1]["value"] == pytest.approx(expected[0])
    assert curves["false_positive_rate"][1]["value"] == pytest.approx(1 - expected[1])
    assert [curve[0]["value"] for curve in curves.values()] == [1, 1]
    low, high = curves["sensitivity"][1]["ci95"]
    assert low < expected[0] < high
    assert threshold_curves(Predictions.from_arrays([0], [0.5]), np.array([0.3]))["sensitivity"][0]["value"] is None
