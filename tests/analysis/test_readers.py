"""A model beside a reader of the same cases."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from monai_jdl.analysis import Predictions, call_metrics, compare_reader
from monai_jdl.analysis import statistics as statistics_module
from monai_jdl.errors import InputError


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 999)


def sample(seed=0, n=300, skill=2.2):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.35
    probability = stats.norm.cdf(rng.normal(size=n) + skill * truth - 0.8)
    call = rng.random(n) < np.where(truth, 0.5, 0.1)
    return truth, probability, call.astype(float)


def test_the_model_at_the_readers_specificity_and_sensitivity():
    truth, probability, call = sample()
    found = compare_reader(truth, probability, call)
    assert found["reader"] == call_metrics(Predictions.from_arrays(truth, probability), call == 1)
    specificity, sensitivity = found["reader"]["specificity"], found["reader"]["sensitivity"]
    fall_out, recall, _ = metrics.roc_curve(truth, probability, drop_intermediate=False)
    best = recall[1 - fall_out >= specificity - 1e-12].max()
    at_specificity = found["sensitivity_at_reader_specificity"]
    assert at_specificity["model"] == pytest.approx(best)
    assert at_specificity["difference"] == pytest.approx(best - sensitivity)
    low, high = at_specificity["difference_ci95"]
    assert 0 < low < at_specificity["difference"] < high
    best = (1 - fall_out)[recall >= sensitivity - 1e-12].max()
    assert found["specificity_at_reader_sensitivity"]["model"] == pytest.approx(best)
    assert "model" not in found


def test_swapping_the_classes_swaps_the_comparisons():
    truth, probability, call = sample(1)
    found, swapped = compare_reader(truth, probability, call), compare_reader(~truth, 1 - probability, 1 - call)
    for name, other in (
        ("sensitivity_at_reader_specificity", "specificity_at_reader_sensitivity"),
        ("specificity_at_reader_sensitivity", "sensitivity_at_reader_specificity"),
    ):
        assert swapped[name]["model"] == pytest.approx(found[other]["model"])
        assert swapped[name]["difference_ci95"] == pytest.approx(found[other]["difference_ci95"])


def test_a_reader_who_is_the_model():
    truth, probability, _ = sample(2)
    found = compare_reader(truth, probability, (probability >= 0.6).astype(float), 0.6)
    for name in ("sensitivity_at_reader_specificity", "specificity_at_reader_sensitivity"):
        assert 0 <= found[name]["difference"] < 0.05  # up to the next case of the other class
    assert found["model"] == found["reader"]
    assert found["at_threshold"]["sensitivity"] == {"difference": 0, "difference_ci95": None, "p": 1}


def test_at_the_threshold_pairs_are_compared_by_mcnemar():
    truth, probability, call = sample(3)
    found = compare_reader(truth, probability, call, 0.4)["at_threshold"]
    for name, members, right in (
        ("sensitivity", truth, probability >= 0.4),
        ("specificity", ~truth, probability < 0.4),
    ):
        reader = (call == truth)[members]
        better, worse = (right[members] & ~reader).sum(), (~right[members] & reader).sum()
        assert found[name]["difference"] == pytest.approx(right[members].mean() - reader.mean())
        assert found[name]["p"] == pytest.approx(min(1, 2 * stats.binom.cdf(min(better, worse), better + worse, 0.5)))
        low, high = found[name]["difference_ci95"]
        share = (better - worse) / members.sum()
        error = math.sqrt((better + worse) / members.sum() - share**2) / math.sqrt(members.sum())
        assert (low, high) == pytest.approx((share - 1.96 * error, share + 1.96 * error), abs=0.2 * error)


def test_patients_with_several_cases_have_no_mcnemar_p():
    truth, probability, call = sample(4, n=120)
    patients = (np.arange(120) // 2).tolist()
    found = compare_reader(truth, probability, call, 0.4, patients)["at_threshold"]["specificity"]
    assert found["p"] is None and found["difference_ci95"] is not None


def test_cases_that_were_not_read_are_left_out():
    truth, probability, call = (values.astype(float) for values in sample(5, n=100))
    call[:20], truth[20:25], probability[25:28] = math.nan, math.nan, math.nan
    found = compare_reader(truth, probability, call, 0.5)
    assert (found["not_read"], found["missing_labels"], found["missing_probabilities"], found["n"]) == (20, 5, 3, 72)
    assert found["reader"] == compare_reader(truth[28:], probability[28:], call[28:], 0.5)["reader"]


def test_one_class_alone():
    found = compare_reader([0, 0, 0], [0.1, 0.6, 0.2], [0, 0, 1], 0.5)
    assert found["reason"] == "no positive cases"
    assert found["sensitivity_at_reader_specificity"] is None
    assert found["at_threshold"]["sensitivity"] == {"difference": None, "difference_ci95": None, "p": None}
    assert found["at_threshold"]["specificity"]["difference"] == 0


def test_wrong_calls_are_refused():
    with pytest.raises(InputError, match="call: 2 is neither 0 nor 1"):
        compare_reader([0, 1], [0.1, 0.2], [0, 2])
    with pytest.raises(InputError, match=r"call \[1\] and truth \[2\] differ"):
        compare_reader([0, 1], [0.1, 0.2], [0])
