"""Net benefit by its definition."""

import numpy as np
import pytest
from scipy import special

from monai_jdl.analysis import Predictions, net_benefit


def test_net_benefit_by_hand():
    """At 0.25 a false positive weighs 1/3: of 4 cases 2 true and 1 false positive."""
    predictions = Predictions.from_arrays([1, 1, 0, 0], [0.9, 0.25, 0.3, 0.1])
    (row,) = net_benefit(predictions, np.array([0.25]))
    assert row["net_benefit"] == pytest.approx((2 - 1 / 3) / 4)
    assert row["treat_all"] == pytest.approx((2 - 2 / 3) / 4)
    assert (row["threshold"], row["treat_none"]) == (0.25, 0)


def test_treating_everyone_breaks_even_at_the_prevalence():
    truth = np.arange(100) < 30
    (row,) = net_benefit(Predictions.from_arrays(truth, truth * 0.5), np.array([0.3]))
    assert row["treat_all"] == pytest.approx(0)
    assert row["net_benefit"] == pytest.approx(0.3)  # all found, no false alarm


def test_calibrated_probabilities_beat_everyone_and_nobody():
    rng = np.random.default_rng(0)
    probability = special.expit(rng.normal(-1, 1.5, 20000))
    predictions = Predictions.from_arrays(rng.random(20000) < probability, probability)
    for row in net_benefit(predictions, np.linspace(0.05, 0.8, 16)):
        assert row["net_benefit"] >= max(row["treat_all"], 0) - 0.002
    overconfident = Predictions.from_arrays(predictions.truth, special.expit(3 * special.logit(probability)))
    assert (
        net_benefit(overconfident, np.array([0.8]))[0]["net_benefit"]
        < net_benefit(predictions, np.array([0.8]))[0]["net_benefit"]
    )


def test_no_cases():
    assert net_benefit(Predictions.from_arrays([], []))[0]["net_benefit"] is None
