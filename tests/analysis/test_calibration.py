"""Scores of calibration against scikit-learn, reliability, temperature scaling."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn import calibration, metrics

from monai_jdl.analysis import Predictions, Temperature, brier, calibration_scores, log_loss, reliability_curve
from monai_jdl.analysis import statistics as statistics_module
from monai_jdl.errors import InputError


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 999)


def calibrated(n=3000, seed=0):
    """Logits whose probabilities are right, and truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 2, n)
    return rng.random(n) < special.expit(logits), logits


def test_scores_are_scikit_learns():
    truth, logits = calibrated(500)
    probability = special.expit(2 * logits)
    found = calibration_scores(Predictions.from_arrays(truth, probability))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, probability))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, probability))
    assert found["prevalence"] == pytest.approx(truth.mean())
    assert found["mean_probability"] == pytest.approx(probability.mean())
    losses = (probability - truth) ** 2
    low, high = stats.bootstrap((losses,), np.mean, rng=1).confidence_interval
    assert found["brier_ci95"] == pytest.approx((low, high), abs=0.1 * (high - low))
    assert found["log_loss_ci95"][0] < found["log_loss"] < found["log_loss_ci95"][1]


def test_a_certain_error_costs_much_but_not_everything():
    wrong = Predictions.from_arrays([0, 1], [1.0, 1.0])
    assert log_loss(wrong) == pytest.approx(metrics.log_loss([0, 1], [1.0, 1.0]))
    assert brier(wrong) == 0.5


def test_weights_count_cases():
    truth, logits = calibrated(50)
    predictions = Predictions.from_arrays(truth, special.expit(logits))
    weight = np.random.default_rng(1).integers(0, 3, (4, 50)).astype(float)
    expected = [metrics.brier_score_loss(truth, predictions.probability, sample_weight=row) for row in weight]
    assert brier(predictions, weight) == pytest.approx(expected)


def test_the_calibration_error_by_hand():
    """Bins of 1/15: two cases at 0.10 (none positive), two at 0.90 (one positive)."""
    found = calibration_scores(Predictions.from_arrays([0, 0, 1, 0], [0.1, 0.1, 0.9, 0.9]))
    assert found["ece"] == pytest.approx((2 * 0.1 + 2 * 0.4) / 4)


def test_calibration_error_is_small_where_probabilities_are_right_and_large_where_not():
    truth, logits = calibrated(6000)
    right, wrong = (calibration_scores(Predictions.from_arrays(truth, special.expit(k * logits))) for k in (1, 3))
    assert right["ece"] < 0.03 < 0.08 < wrong["ece"]


def test_the_reliability_curve_is_scikit_learns():
    truth, logits = calibrated(400)
    probability = np.append(special.expit(logits), [0.0, 1.0])
    truth = np.append(truth, [False, True])
    rows = [row for row in reliability_curve(Predictions.from_arrays(truth, probability)) if row["n"]]
    observed, said = calibration.calibration_curve(truth, probability, n_bins=15)
    assert [row["observed"] for row in rows] == pytest.approx(observed)
    assert [row["mean_probability"] for row in rows] == pytest.approx(said)
    assert sum(row["n"] for row in rows) == 402
    for row in rows:
        assert row["low"] <= row["mean_probability"] <= row["high"]
        wilson = stats.binomtest(round(row["observed"] * row["n"]), row["n"]).proportion_ci(method="wilson")
        assert row["observed_ci95"] == pytest.approx(tuple(wilson), abs=1e-9)


def test_empty_bins_and_no_cases():
    rows = reliability_curve(Predictions.from_arrays([1], [1.0]), bins=2)
    assert (rows[0]["n"], rows[0]["observed"], rows[0]["mean_probability"]) == (0, None, None)
    assert (rows[1]["n"], rows[1]["observed"]) == (1, 1)
    assert set(calibration_scores(Predictions.from_arrays([], [])).values()) == {None}


@pytest.mark.parametrize("factor", [0.4, 1, 3])
def test_temperature_scaling_finds_the_factor(factor):
    truth, logits = calibrated()
    found = Temperature.fit(truth, logits * factor)
    assert found.value == pytest.approx(factor, rel=0.08)
    assert found.n == len(truth)
    expected = metrics.log_loss(truth, special.expit(logits * factor / found.value))
    assert found.log_loss_after == pytest.approx(expected)
    assert found.log_loss_before == pytest.approx(metrics.log_loss(truth, special.expit(logits * factor)))
    for other in (found.value * 0.99, found.value * 1.01):
        assert metrics.log_loss(truth, special.expit(logits * factor / other)) > found.log_loss_after


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(-300, 300)), min_size=2, max_size=30).filter(
        lambda items: 0 < sum(truth for truth, _ in items) < len(items)
    )
)
def test_temperature_scaling_keeps_the_order_and_never_hurts(items):
    truth, logits = np.array([truth for truth, _ in items]), np.array([logit / 100 for _, logit in items])
    found = Temperature.fit(truth, logits)
    assert found.value > 0
    assert found.log_loss_after <= found.log_loss_before + 1e-9
    order = np.argsort(logits, kind="stable")
    assert (np.diff(found.probability(logits)[order]) >= 0).all()
    # both classes renamed
    assert Temperature.fit(~truth, -logits).value == pytest.approx(found.value, rel=1e-4)


def test_the_ends_of_the_search():
    separated = Temperature.fit([0, 0, 1, 1], [-2.0, -1.0, 1.0, 2.0])
    assert separated.value == pytest.approx(0.05, rel=0.01)
    assert Temperature.fit([1, 1, 0, 0], [-2.0, -1.0, 1.0, 2.0]).value == pytest.approx(20, rel=0.01)
    assert np.isfinite(Temperature.fit([0, 1, 1], [800.0, -800.0, 900.0]).log_loss_after)


def test_a_temperature_is_stored_as_json():
    found = Temperature.fit(*calibrated(200))
    again = Temperature(**json.loads(json.dumps(dataclasses.asdict(found))))
    assert again == found
    assert again.probability([[0.0, 2.0]]).tolist() == [[0.5, special.expit(2 / found.value)]]


def test_missing_labels_and_logits_are_left_out():
    truth, logits = calibrated(300)
    gaps = Temperature.fit([*truth, math.nan, 1], [*logits, 50.0, math.nan])
    assert gaps == Temperature.fit(truth, logits)


def test_one_class_alone_leaves_probabilities_as_they_are():
    found = Temperature.fit([0, 0, math.nan], [1.0, 2.0, 3.0])
    assert found == Temperature(1.0, 2, reason="no positive cases")
    assert found.probability([1.0]) == pytest.approx(special.expit([1.0]))


def test_wrong_temperatures_and_labels_are_refused():
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="is not a positive number"):
            Temperature(value)
    with pytest.raises(InputError, match="truth: 3 is neither"):
        Temperature.fit([0, 3], [1.0, 2.0])
