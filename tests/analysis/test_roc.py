"""Areas against scikit-learn, DeLong against its definition, and coverage of the intervals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from monai_jdl.analysis import (
    Predictions,
    area_under_roc,
    auc_interval,
    average_precision,
    brier,
    compare_auc,
    compare_metrics,
    discrimination,
    f1_score,
    precision_recall_curve,
    roc_band,
    roc_curve,
)
from monai_jdl.analysis import statistics as statistics_module
from monai_jdl.errors import InputError

# coarse probabilities: ties within and across the classes
cases = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=4, max_size=40).filter(
    lambda items: 0 < sum(truth for truth, _ in items) < len(items)
)


def unpack(items):
    return np.array([truth for truth, _ in items]), np.array([level / 20 for _, level in items])


def simulated(seed, patients=60, most=1, shift=1.0):
    """Truth by patient, probabilities that a patient's cases share in part."""
    rng = np.random.default_rng(seed)
    count = rng.integers(1, most + 1, patients)
    patient = np.repeat(np.arange(patients), count)
    truth = np.repeat(rng.random(patients) < 0.4, count)
    noise = np.repeat(rng.normal(size=patients), count) * 0.8 + rng.normal(size=len(patient)) * 0.6
    return truth, stats.norm.cdf(shift * truth + noise - 0.5), patient


@settings(deadline=None)
@given(cases)
def test_areas_are_scikit_learns(items):
    truth, probability = unpack(items)
    found = Predictions.from_arrays(truth, probability)
    assert area_under_roc(found) == pytest.approx(metrics.roc_auc_score(truth, probability))
    assert auc_interval(found)[0] == pytest.approx(metrics.roc_auc_score(truth, probability))
    assert average_precision(found) == pytest.approx(metrics.average_precision_score(truth, probability))


@settings(deadline=None)
@given(cases)
def test_curves_are_scikit_learns(items):
    truth, probability = unpack(items)
    found = Predictions.from_arrays(truth, probability)
    fall_out, sensitivity, threshold = metrics.roc_curve(truth, probability, drop_intermediate=False)
    curve = roc_curve(found)
    assert curve["false_positive_rate"] == pytest.approx(fall_out)
    assert curve["sensitivity"] == pytest.approx(sensitivity)
    assert curve["threshold"] == pytest.approx(threshold)
    precision, recall, threshold = metrics.precision_recall_curve(truth, probability)
    curve = precision_recall_curve(found)
    assert curve["precision"][::-1] == pytest.approx(precision[:-1])
    assert curve["recall"][::-1] == pytest.approx(recall[:-1])
    assert curve["threshold"][::-1] == pytest.approx(threshold)


@settings(deadline=None)
@given(cases)
def test_a_monotone_map_changes_nothing_and_the_complement_mirrors(items):
    truth, probability = unpack(items)
    found = discrimination_of(truth, probability)
    assert discrimination_of(truth, probability**3) == pytest.approx(found)
    area, low, high = discrimination_of(truth, 1 - probability)
    assert (1 - area, 1 - high, 1 - low) == pytest.approx(found, nan_ok=True)
    assert discrimination_of(~truth, 1 - probability) == pytest.approx(found)


def discrimination_of(truth, probability):
    area, interval = auc_interval(Predictions.from_arrays(truth, probability))
    return area, *(interval or (-1, 2))


def test_weights_count_cases():
    truth, probability, _ = simulated(0)
    weight = np.random.default_rng(1).integers(0, 4, (5, len(truth))).astype(float)
    found = Predictions.from_arrays(truth, probability)
    for statistic, reference in (
        (area_under_roc, metrics.roc_auc_score),
        (average_precision, metrics.average_precision_score),
    ):
        expected = [reference(truth, probability, sample_weight=row) for row in weight]
        assert statistic(found, weight) == pytest.approx(expected)


def delong_by_definition(truth, scores):
    """Covariance of AUCs from all comparisons of a positive with a negative case (DeLong 1988, equations 4-6)."""
    wins = (np.sign(scores[:, truth][:, :, None] - scores[:, ~truth][:, None, :]) + 1) / 2
    return np.cov(wins.mean(axis=2)) / truth.sum() + np.cov(wins.mean(axis=1)) / (~truth).sum()


@pytest.mark.parametrize("digits", [1, 12])
def test_delongs_variance_is_that_of_its_definition(digits):
    rng = np.random.default_rng(4)
    truth = rng.random(50) < 0.4
    first, second = (np.round(np.clip(0.3 * truth + 0.7 * rng.random(50), 0, 1), digits) for _ in range(2))
    covariance = delong_by_definition(truth, np.stack([first, second]))

    area, (low, high) = auc_interval(Predictions.from_arrays(truth, first))
    error = math.sqrt(covariance[0, 0]) / (area * (1 - area))
    for edge, sign in ((low, -1), (high, 1)):
        assert math.log(edge / (1 - edge)) == pytest.approx(
            math.log(area / (1 - area)) + sign * 1.959964 * error, rel=1e-6
        )

    found = compare_auc(truth, first, second)
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    difference = metrics.roc_auc_score(truth, first) - metrics.roc_auc_score(truth, second)
    assert found["difference"] == pytest.approx(difference)
    assert found["difference_ci95"] == pytest.approx([difference - 1.959964 * error, difference + 1.959964 * error])
    assert found["p"] == pytest.approx(2 * stats.norm.sf(abs(difference) / error))


def test_equal_cases_of_a_patient_bring_nothing_new():
    truth, probability, patient = simulated(5)
    once = auc_interval(Predictions.from_arrays(truth, probability))
    thrice = [np.repeat(values, 3) for values in (truth, probability, patient)]
    assert auc_interval(Predictions.from_arrays(*thrice)) == (once[0], pytest.approx(once[1]))
    alone = auc_interval(Predictions.from_arrays(*thrice[:2]))
    assert np.diff(alone[1]) < 0.7 * np.diff(once[1])


def test_a_patient_with_cases_of_both_classes_agrees_with_the_bootstrap():
    """Patients who score high in all their cases: the covariance of both classes narrows the interval."""
    rng = np.random.default_rng(6)
    patient = np.repeat(np.arange(80), 4)
    truth = np.tile([True, False], 160)
    probability = stats.norm.cdf(rng.normal(size=80)[patient] + 0.6 * rng.normal(size=320) + truth)
    found = discrimination(Predictions.from_arrays(truth, probability, patient.tolist()))
    width = np.diff(found["auc_ci95"])[0]
    assert width == pytest.approx(np.diff(found["auc_bootstrap_ci95"])[0], rel=0.08)
    alone = auc_interval(Predictions.from_arrays(truth, probability))[1]
    assert width < 0.9 * np.diff(alone)[0]


@pytest.mark.parametrize(("most", "shift"), [(1, 1.8), (4, 1.2)])
def test_delongs_interval_covers_the_truth(most, shift):
    """AUC of one ECG of a positive against one of a negative patient: normal scores with variance 1."""
    true = stats.norm.cdf(shift / math.sqrt(2))
    hits = 0
    for seed in range(600):
        truth, probability, patient = simulated(seed, patients=70, most=most, shift=shift)
        low, high = auc_interval(Predictions.from_arrays(truth, probability, patient.tolist()))[1]
        hits += low <= true <= high
    assert 0.925 <= hits / 600 <= 0.975


def test_bootstrap_intervals_cover_the_truth(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 499)
    true = stats.norm.cdf(1.2 / math.sqrt(2))
    hits = 0
    for seed in range(150):
        truth, probability, patient = simulated(seed, patients=70, most=4, shift=1.2)
        found = Predictions.from_arrays(truth, probability, patient.tolist())
        low, high = found.bootstrap(lambda weight, found=found: area_under_roc(found, weight))
        hits += low <= true <= high
    assert 0.89 <= hits / 150 <= 0.99


def test_the_table_of_a_task(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 999)
    truth, probability, patient = simulated(7, most=3)
    found = discrimination(Predictions.from_arrays(truth, probability, patient.tolist()))
    assert found["patients"] == 60 < found["n"] == found["positive"] + found["negative"]
    for name in ("auc", "auc_bootstrap", "average_precision"):
        low, high = found[f"{name}_ci95"]
        assert 0 < low < found[name.removesuffix("_bootstrap")] < high < 1
    assert found["auc_ci95"] == pytest.approx(found["auc_bootstrap_ci95"], abs=0.02)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_gives_none_and_a_reason(label):
    found = discrimination(Predictions.from_arrays([label] * 3, [0.1, 0.2, 0.3]))
    assert found["auc"] is found["auc_ci95"] is found["average_precision"] is None
    assert found["reason"] == f"no {'negative' if label else 'positive'} cases"
    assert compare_auc([label] * 3, [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])["p"] is None


@pytest.mark.parametrize(
    ("truth", "probability", "area"),
    [([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 1), ([0, 0, 1, 1], [0.5] * 4, 0.5), ([0, 0, 1], [0.1, 0.5, 0.3], 0.5)],
)
def test_no_interval_where_the_variance_is_not_known(truth, probability, area):
    assert auc_interval(Predictions.from_arrays(truth, probability)) == (area, None)


def test_the_test_of_equal_models():
    truth, probability, _ = simulated(8)
    same = compare_auc(truth, probability, probability**2)
    assert same["difference"] == 0
    assert (same["difference_ci95"], same["p"]) == (None, None)
    assert "equal rankings" in same["reason"]


def test_p_values_are_uniform_where_models_are_equally_good():
    rng = np.random.default_rng(9)
    p = []
    for _ in range(400):
        truth = rng.random(80) < 0.4
        shared = truth + rng.normal(size=80)
        first, second = (stats.norm.cdf(shared + rng.normal(size=80)) for _ in range(2))
        p.append(compare_auc(truth, first, second)["p"])
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_pairs_need_both_models():
    truth = [1, 0, 1, 0, 1, math.nan]
    found = compare_auc(truth, [0.9, 0.2, math.nan, 0.1, 0.0, 0.5], [0.8, 0.9, 0.3, 0.2, math.nan, 0.5])
    assert (found["n"], found["missing_probabilities"], found["missing_labels"]) == (3, 2, 1)
    assert (found["first"], found["second"]) == (1, 0.5)
    with pytest.raises(InputError, match=r"first \[2\] and second \[3\] differ"):
        compare_auc([0, 1], [0.1, 0.2], [0.1, 0.2, 0.3])


def test_other_metrics_are_compared_in_pairs(monkeypatch):
    """A model that is worse by the same amount everywhere: the pairs know it exactly, two single intervals do not."""
    monkeypatch.setattr(statistics_module, "RESAMPLES", 999)
    truth, probability, patient = simulated(10, most=3)
    worse = np.where(truth, probability * 0.9, 1 - (1 - probability) * 0.9)
    rows = compare_metrics(truth, worse, probability, {"brier": brier, "ap": average_precision}, patient.tolist())
    row = rows[0]
    assert (row["metric"], rows[1]["metric"]) == ("brier", "ap")
    assert row["first"] == pytest.approx(metrics.brier_score_loss(truth, worse))
    assert row["difference"] == pytest.approx(row["first"] - row["second"])
    low, high = row["difference_ci95"]
    assert 0 < low < row["difference"] < high
    single = Predictions.from_arrays(truth, worse, patient.tolist())
    assert high - low < 0.6 * np.diff(single.bootstrap(lambda weight: brier(single, weight)))[0]


def test_f1_of_two_models_at_their_own_thresholds(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 999)
    truth, probability, _ = simulated(12, patients=150, shift=2)

    def f1(model, weight):
        return f1_score(model, model.probability >= 0.5, weight)

    (row,) = compare_metrics(truth, probability, 1 - probability, {"f1": f1})
    expected = [metrics.f1_score(truth, model >= 0.5) for model in (probability, 1 - probability)]
    assert [row["first"], row["second"]] == pytest.approx(expected)
    assert row["difference_ci95"][0] > 0


def test_metrics_that_are_not_defined_are_none():
    (row,) = compare_metrics([0, 0], [0.1, 0.2], [0.2, 0.3], {"ap": average_precision})
    assert row == {"metric": "ap", "first": None, "second": None, "difference": None, "difference_ci95": None}


def test_the_band_of_a_roc_curve_lies_around_it():
    truth, probability, patient = simulated(11, patients=150)
    found = Predictions.from_arrays(truth, probability, patient.tolist())
    low, high = roc_band(found)
    curve = roc_curve(found)
    sensitivity = np.interp(np.linspace(0, 1, 101), curve["false_positive_rate"], curve["sensitivity"])
    assert (low <= sensitivity + 1e-9).all() and (sensitivity <= high + 1e-9).all()
    assert low[-1] == 1
    # at one false-positive rate, about as wide as the binomial interval of the sensitivity there
    middle = sensitivity[30]
    binomial = 2 * 1.96 * math.sqrt(middle * (1 - middle) / truth.sum())
    assert binomial * 0.8 < high[30] - low[30] < binomial * 1.8
