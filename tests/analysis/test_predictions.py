"""What is left out, what is refused, and intervals of shares."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monai_jdl.analysis import Predictions, average_precision, proportion
from monai_jdl.analysis import predictions as module
from monai_jdl.errors import InputError


def test_missing_labels_and_refused_pages_are_left_out_and_counted():
    found = Predictions.from_arrays(
        [1, 0, math.nan, None, 1, math.nan], [0.9, 0.2, 0.5, 0.5, math.nan, math.nan], "aabbcc"
    )
    assert found.truth.tolist() == [True, False]
    assert found.probability.tolist() == [0.9, 0.2]
    assert found.patient.tolist() == [0, 0]
    expected = {"n": 2, "patients": 1, "positive": 1, "negative": 1, "missing_labels": 3, "missing_probabilities": 1}
    assert found.counts() == expected


@pytest.mark.parametrize(
    ("truth", "probability", "patients", "message"),
    [
        ([1, 0], [0.5, 1.2], None, r"probability: 1\.2 lies outside 0\.\.1"),
        ([1, 0], [-0.1, 0.5], None, r"-0\.1 lies outside"),
        ([1, 0], [math.inf, 0.5], None, "inf lies outside"),
        ([1, 2], [0.1, 0.5], None, "truth: 2 is neither 0 nor 1"),
        ([1, 0], [0.1], None, "of one length"),
        ([1, 0], [0.1, 0.2], "abc", r"patients \[3\] must be lists of one length"),
    ],
)
def test_wrong_input_is_refused(truth, probability, patients, message):
    with pytest.raises(InputError, match=message):
        Predictions.from_arrays(truth, probability, patients)


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        ([1, 1], "no negative cases"),
        ([0, 0], "no positive cases"),
        ([], "no positive and no negative cases"),
        ([0, 1], None),
    ],
)
def test_absent_classes_are_named(truth, reason):
    assert Predictions.from_arrays(truth, [0.5] * len(truth)).reason == reason


def test_cases_of_equal_probability_are_called_together():
    found = Predictions.from_arrays([1, 0, 1, 0, 0], [0.2, 0.7, 0.7, 0.7, 0.1])
    thresholds, true, false = found.cumulative()
    assert thresholds.tolist() == [math.inf, 0.7, 0.2, 0.1]
    assert true.tolist() == [0, 1, 2, 2]
    assert false.tolist() == [0, 2, 2, 3]


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 30))
def test_with_one_case_per_patient_the_interval_is_wilsons(hits, misses):
    hit = np.arange(hits + misses) < hits
    share, interval = proportion(hit, np.arange(len(hit)))
    assert share == pytest.approx(hits / len(hit))
    assert interval == pytest.approx(tuple(stats.binomtest(hits, len(hit)).proportion_ci(method="wilson")), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_misses_mirror_hits(cases):
    hit, patient = np.array([case[0] for case in cases]), np.array([case[1] for case in cases])
    share, (low, high) = proportion(hit, patient)
    mirrored, mirror = proportion(~hit, patient)
    assert mirrored == pytest.approx(1 - share)
    assert mirror == pytest.approx((1 - high, 1 - low))


def test_equal_cases_of_a_patient_bring_nothing_new():
    hit = np.random.default_rng(0).random(40) < 0.7
    once = proportion(hit, np.arange(40))
    assert proportion(np.repeat(hit, 3), np.repeat(np.arange(40), 3))[1] == pytest.approx(once[1], abs=0.004)
    all_hit = np.ones(12, dtype=bool)
    assert proportion(all_hit, np.repeat(np.arange(4), 3)) == proportion(np.ones(4, dtype=bool), np.arange(4))


def test_intervals_of_patients_with_several_cases_cover_the_truth():
    """Patients differ in how well they are read: counted as single cases, intervals cover 86 % of the time."""
    rng = np.random.default_rng(1)
    hits = naive = 0
    for _ in range(1000):
        ease = rng.beta(1.6, 0.4, 60)  # mean 0.8
        patient = np.repeat(np.arange(60), rng.integers(1, 6, 60))
        hit = rng.random(len(patient)) < ease[patient]
        (low, high), (naive_low, naive_high) = proportion(hit, patient)[1], proportion(hit, np.arange(len(hit)))[1]
        hits += low <= 0.8 <= high
        naive += naive_low <= 0.8 <= naive_high
    assert 0.93 <= hits / 1000 <= 0.97
    assert naive / 1000 < 0.88


def test_the_bootstrap_draws_patients_with_all_their_cases():
    """Four equal cases of a patient leave the interval as it is."""
    rng = np.random.default_rng(2)
    truth = rng.random(30) < 0.5
    probability = np.clip(truth * 0.2 + 0.7 * rng.random(30), 0, 1)
    once = Predictions.from_arrays(truth, probability)
    fourfold = Predictions.from_arrays(*(np.repeat(x, 4) for x in (truth, probability)), np.repeat(np.arange(30), 4))
    interval = once.bootstrap(lambda weight: weight @ once.probability / weight.sum(axis=-1))
    again = fourfold.bootstrap(lambda weight: weight @ fourfold.probability / weight.sum(axis=-1))
    assert again == pytest.approx(interval)
    low, high = stats.bootstrap((probability,), np.mean, rng=1).confidence_interval
    assert interval == pytest.approx((low, high), abs=0.003)


def test_no_interval_where_no_draw_differs():
    perfect = Predictions.from_arrays([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert perfect.bootstrap(lambda weight: average_precision(perfect, weight)) is None
    one_patient = Predictions.from_arrays([0, 1], [0.1, 0.2], "aa")
    assert one_patient.bootstrap(lambda weight: weight @ one_patient.probability) is None


def test_a_band_is_that_of_each_point():
    values = np.random.default_rng(3).random(50)
    found = Predictions.from_arrays(np.zeros(50), values)
    low, high = found.band(lambda weight: np.stack([weight @ values, weight @ values**2], axis=-1) / 50)
    for i, power in enumerate((1, 2)):
        error = (values**power).std() / math.sqrt(50)
        assert (low[i], high[i]) == pytest.approx(
            ((values**power).mean() - 1.96 * error, (values**power).mean() + 1.96 * error), abs=0.25 * error
        )


def test_of_many_patients_the_percentile_interval_says_the_same(monkeypatch):
    truth = np.random.default_rng(4).random(400) < 0.3
    found = Predictions.from_arrays(truth, np.linspace(0, 1, 400))
    bca = found.bootstrap(lambda weight: weight @ truth / weight.sum(axis=-1))
    monkeypatch.setattr(module, "_MOST_FOR_BCA", 399)
    percentile = found.bootstrap(lambda weight: weight @ truth / weight.sum(axis=-1))
    assert percentile != bca
    assert percentile == pytest.approx(bca, abs=0.01)
