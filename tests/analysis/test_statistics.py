"""Intervals over patients, agreement and detection."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from monai_jdl.analysis import (
    EXTRA_COLUMNS,
    METRICS_COLUMNS,
    agreement,
    bootstrap_interval,
    detection,
    finite,
    summarise,
)
from monai_jdl.analysis import statistics as module


def row(case="a", patient=None, **values):
    """A row with Dice 0.9 and 0.6 unless said otherwise."""
    base = dict.fromkeys((*METRICS_COLUMNS, *EXTRA_COLUMNS), math.nan)
    base |= {"dice_myocardium": 0.9, "dice_scar": 0.6, "hd95_myocardium_mm": 2.0, "hd95_scar_mm": 5.0}
    base |= {"volume_error_myocardium_ml": 1.0, "volume_error_scar_ml": -1.0, "scar_percent_true": 10.0}
    base |= {"scar_percent_pred": 9.0, "true_scar_empty": False, "pred_scar_empty": False}
    return base | {"case": case, "patient": patient or case} | values


def mean_interval(values, patients):
    return agreement(values, patients)["bias_ci95"]


def test_the_mean_and_its_interval_are_scipys():
    values = np.random.default_rng(3).normal(0.7, 0.1, 40)
    summary = summarise([row(str(i), dice_scar=v) for i, v in enumerate(values)])["metrics"]["dice_scar"]
    assert summary["n"] == 40
    assert summary["mean"] == pytest.approx(values.mean())
    assert summary["median"] == pytest.approx(np.median(values))
    low, high = stats.bootstrap((values,), np.mean, rng=1, n_resamples=9999).confidence_interval
    assert summary["mean_ci95"] == pytest.approx([low, high], abs=0.002)
    assert summary["median_ci95"][0] < summary["median"] < summary["median_ci95"][1]


def test_intervals_cover_the_truth_as_often_as_they_say(monkeypatch):
    monkeypatch.setattr(module, "RESAMPLES", 999)
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        low, high = mean_interval(rng.normal(0, 1, 40), range(40))
        hits += low < 0 < high
    assert 0.90 <= hits / 200 <= 0.985


def test_the_same_rows_give_the_same_interval():
    values = np.random.default_rng(1).normal(size=20)
    assert mean_interval(values, range(20)) == mean_interval(values, range(20))


def test_cases_of_a_patient_are_drawn_together():
    """Four equal cases of each patient bring nothing new; taken for patients they would halve the interval."""
    values = np.random.default_rng(2).normal(size=15)
    once = mean_interval(values, range(15))
    repeated = mean_interval(np.repeat(values, 4), np.repeat(np.arange(15), 4).tolist())
    apart = mean_interval(np.repeat(values, 4), range(60))
    assert repeated == pytest.approx(once)
    assert np.diff(apart) < 0.6 * np.diff(once)


def test_patients_with_different_numbers_of_cases():
    found = agreement([1.0, 2.0, 3.0, 10.0], ["a", "a", "a", "b"])
    assert found["bias"] == pytest.approx(4)
    assert found["bias_ci95"] == pytest.approx([2, 10])  # a twice, or b twice


def test_limits_of_agreement_by_the_formula():
    difference = np.array([1.0, -2.0, 0.5, 3.0, -1.0, math.nan])
    found = agreement(difference, range(6))
    bias, sd = difference[:5].mean(), difference[:5].std(ddof=1)
    assert found["n"] == 5
    assert found["bias"] == pytest.approx(bias)
    assert found["lower_limit"] == pytest.approx(bias - 1.96 * sd)
    assert found["upper_limit"] == pytest.approx(bias + 1.96 * sd)
    for name in ("bias", "lower_limit", "upper_limit"):
        low, high = found[f"{name}_ci95"]
        assert low < found[name] < high


def test_predicted_minus_true_scar_percent():
    rows = [row("a", scar_percent_true=10, scar_percent_pred=12), row("b", scar_percent_true=20, scar_percent_pred=24)]
    assert summarise(rows)["scar_percent_agreement"]["bias"] == pytest.approx(3)


def items(score, truth, patients, call=None):
    call = np.asarray(score) > 0.5 if call is None else call
    return [
        (patient, {"score": float(s), "truth": bool(t), "call": bool(c)})
        for patient, s, t, c in zip(patients, score, truth, call, strict=True)
    ]


def test_auc_is_scikit_learns_with_ties_and_several_slices_of_a_patient():
    rng = np.random.default_rng(4)
    truth = rng.random(200) < 0.4
    score = np.round(truth * 0.3 + rng.random(200), 1)
    found = detection(items(score, truth, rng.integers(0, 25, 200).tolist()))
    assert found["auc"] == pytest.approx(roc_auc_score(truth, score))
    low, high = found["auc_ci95"]
    assert 0 < low < found["auc"] < high < 1


def test_auc_of_a_draw_is_that_of_the_drawn_slices():
    rng = np.random.default_rng(5)
    truth, score, patients = rng.random(60) < 0.5, rng.random(60), np.repeat(np.arange(10), 6)
    drawn = rng.integers(0, 10, (7, 10))
    found = module._auc(score, truth, patients.tolist())(drawn)
    for draw, auc in zip(drawn, found, strict=True):
        chosen = np.concatenate([np.flatnonzero(patients == patient) for patient in draw])
        assert auc == pytest.approx(roc_auc_score(truth[chosen], score[chosen]))


def test_sensitivity_and_specificity():
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    call = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], bool)
    found = detection(items(call.astype(float), truth, range(10), call))
    assert found["sensitivity"] == pytest.approx(3 / 4)
    assert found["specificity"] == pytest.approx(5 / 6)
    assert (found["n"], found["positive"], found["negative"]) == (10, 4, 6)
    assert found["sensitivity_ci95"][0] < 3 / 4 < found["sensitivity_ci95"][1]
    assert "reason" not in found


def test_a_perfect_score_has_wilsons_interval_over_patients():
    """All 12 slices of 4 patients found: that is 4 of 4, not 12 of 12."""
    found = detection(items(np.ones(12), np.ones(12), np.repeat(np.arange(4), 3).tolist()))
    assert found["sensitivity"] == 1
    assert found["sensitivity_ci95"] == pytest.approx([4 / (4 + 1.96**2), 1], abs=1e-3)


def test_a_perfect_auc_claims_no_certainty():
    found = detection(items([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], "abcd"))
    assert (found["auc"], found["auc_ci95"]) == (1, None)


@pytest.mark.parametrize(("truth", "absent"), [(True, "negative"), (False, "positive")])
def test_one_class_alone_gives_null_and_a_reason(truth, absent):
    found = detection(items([0.2, 0.8], [truth] * 2, "ab"))
    assert found["auc"] is None
    assert found["specificity" if truth else "sensitivity"] is None
    assert found["sensitivity" if truth else "specificity"] == 0.5
    assert found["reason"] == f"no {absent} cases"


def test_a_patients_cases_are_one_patient():
    part = {"truth": False, "call": False, "score": 0.1}
    found = [
        {"truth": False, "call": True, "score": 0.3, "slices": [part]},
        {"truth": True, "call": False, "score": 0.2, "slices": [part, part]},
        {"truth": False, "call": False, "score": 0.0, "slices": [part]},
        None,
    ]
    summary = summarise([row("1", "a"), row("2", "a"), row("3", "b"), row("4", "c")], found)["detection"]
    assert (summary["patient"]["positive"], summary["patient"]["negative"]) == (1, 1)
    assert summary["patient"]["auc"] == summary["patient"]["sensitivity"] == summary["patient"]["specificity"] == 1
    assert summary["slice"]["n"] == 4


def test_empty_masks_are_counted_apart_and_true_negatives_stay_out_of_means():
    nan = math.nan
    rows = [
        row("both"),
        row(
            "negative",
            dice_scar=nan,
            hd95_scar_mm=nan,
            volume_error_scar_ml=0.0,
            true_scar_empty=True,
            pred_scar_empty=True,
        ),
        row("missed", dice_scar=0.0, hd95_scar_mm=nan, volume_error_scar_ml=-3.0, pred_scar_empty=True),
        row("missed too", dice_scar=0.0, hd95_scar_mm=nan, volume_error_scar_ml=-1.0, pred_scar_empty=True),
        row("false", dice_scar=0.0, hd95_scar_mm=nan, volume_error_scar_ml=3.0, true_scar_empty=True),
        row("unknown", dice_scar=nan, hd95_scar_mm=nan, volume_error_scar_ml=nan, true_scar_empty=nan),
    ]
    summary = summarise(rows)
    expected = {"both_present": 1, "true_negative": 1, "false_positive": 1, "missed": 2, "not_annotated": 1}
    assert summary["empty"]["scar"] == expected
    assert summary["empty"]["myocardium"]["both_present"] == 6
    assert summary["metrics"]["dice_scar"]["n"] == 4
    assert summary["metrics"]["dice_scar"]["mean"] == pytest.approx(0.15)
    assert summary["metrics"]["dice_scar_of_cases_with_scar"]["mean"] == pytest.approx(0.2)
    assert summary["metrics"]["volume_error_scar_ml"]["mean"] == pytest.approx(-0.4)
    assert summary["metrics"]["volume_error_scar_ml"]["mean_absolute"] == pytest.approx(1.6)


@pytest.mark.parametrize("rows", [[], [row()], [row("a"), row("b")]])
def test_the_summary_is_json_however_few_the_cases(rows):
    summary = summarise(rows, [None] * len(rows))
    json.dumps(summary, allow_nan=False)
    assert (summary["cases"], summary["patients"]) == (len(rows), len(rows))
    if len(rows) < 2:
        assert summary["metrics"]["dice_scar"]["mean_ci95"] is None


def test_no_interval_from_one_patient():
    assert bootstrap_interval(1, lambda drawn: drawn.mean(axis=-1)) is None


def test_finite_replaces_what_json_has_not():
    tree = {"a": [math.nan, np.float32(0.5), np.int64(3)], "b": (math.inf, "x", True), 3: None}
    assert finite(tree) == {"a": [None, 0.5, 3], "b": [None, "x", True], "3": None}
