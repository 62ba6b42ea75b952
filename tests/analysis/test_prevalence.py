"""Studies of a stated size and prevalence, drawn from a test set."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from monai_jdl.analysis import Predictions, at_prevalence
from monai_jdl.analysis import prevalence as module


def sample(rng, positives, negatives, shift=1.2):
    truth = np.arange(positives + negatives) < positives
    return truth, stats.norm.cdf(rng.normal(size=len(truth)) + shift * truth - 0.8)


def test_the_published_draw_is_39_of_500():
    truth, probability = sample(np.random.default_rng(0), 300, 700)
    found = at_prevalence(Predictions.from_arrays(truth, probability), 0.6, draws=200)
    assert (found["positive"], found["size"], found["draws"]) == (39, 500, 200)
    # the area does not depend on prevalence, F1 does
    assert found["auc_mean"] == pytest.approx(roc_auc_score(truth, probability), abs=0.01)
    assert found["f1_mean"] < f1_score(truth, probability >= 0.6) - 0.1
    for name in ("auc", "f1"):
        low, high = found[f"{name}_percentiles95"]
        assert low < found[f"{name}_mean"] < high


def test_draws_hold_the_stated_numbers_without_repeats():
    truth, probability = sample(np.random.default_rng(1), 30, 60)
    predictions = Predictions.from_arrays(truth, probability)
    weight = module._draw(predictions, (10, 40), 20, replace=False)
    assert weight.max() == 1
    assert (weight @ truth == 10).all() and (weight @ ~truth == 40).all()
    assert len(np.unique(weight, axis=0)) == 20
    again = module._draw(predictions, (10, 40), 20, replace=True)
    assert again.max() > 1
    assert (again @ truth == 10).all() and (again @ ~truth == 40).all()


def test_a_draw_has_one_case_of_each_patient():
    rng = np.random.default_rng(2)
    truth, probability = sample(rng, 40, 80)
    predictions = Predictions.from_arrays(
        *(np.repeat(values, 3) for values in (truth, probability)), np.arange(360) // 3
    )
    weight = module._draw(predictions, (20, 60), 30, replace=False)
    by_patient = weight.reshape(30, 120, 3).sum(axis=2)
    assert by_patient.max() == 1
    assert weight.reshape(30, 120, 3).any(axis=(0, 1)).all()  # not always the first


def test_the_spread_is_that_of_studies_of_this_size():
    """500 people from a test set of 600: the draws without replacement know only a part of the spread of real studies."""
    rng = np.random.default_rng(3)
    studies = [roc_auc_score(*sample(rng, 40, 460)) for _ in range(400)]
    spread = np.diff(np.quantile(studies, [0.025, 0.975]))[0]
    widths = []
    for _ in range(8):
        found = at_prevalence(Predictions.from_arrays(*sample(rng, 60, 540)), None, prevalence=0.08, draws=400)
        widths.append([np.diff(found[f"auc_{kind}"])[0] for kind in ("study95", "percentiles95")])
    study, apart = np.mean(widths, axis=0)
    assert study == pytest.approx(spread, rel=0.15)
    assert apart < 0.75 * spread
    # a t interval of the mean of 1,000 draws would be a hundredth of that
    assert spread > 0.1


def test_the_same_cases_give_the_same_numbers():
    predictions = Predictions.from_arrays(*sample(np.random.default_rng(4), 60, 540))
    assert at_prevalence(predictions, 0.5, draws=20) == at_prevalence(predictions, 0.5, draws=20)


def test_too_few_people_of_a_class():
    found = at_prevalence(Predictions.from_arrays(*sample(np.random.default_rng(5), 20, 900)), 0.5)
    assert found["auc_mean"] is found["f1_study95"] is None
    assert found["reason"] == "a draw takes 39 positive and 461 negative patients, but there are 20 and 900"
    one_class = at_prevalence(Predictions.from_arrays([0] * 600, [0.5] * 600), 0.5)
    assert "there are 0 and 600" in one_class["reason"]


def test_patients_of_both_classes_may_leave_too_few():
    truth, patient = np.tile([True, False], 50), np.arange(100) // 2
    predictions = Predictions.from_arrays(truth, np.linspace(0, 1, 100), patient)
    assert "both classes" in at_prevalence(predictions, 0.5, prevalence=0.8, size=50, draws=10)["reason"]


def test_without_a_threshold_there_is_no_f1():
    found = at_prevalence(Predictions.from_arrays(*sample(np.random.default_rng(6), 60, 540)), None, draws=10)
    assert found["f1_mean"] is None and found["auc_mean"] is not None
