"""Calibration: fitted on development data, kept with the weights it belongs to."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from monai_jdl.errors import InputError
from monai_jdl.networks import fingerprint
from monai_jdl.reports import Calibration, load_calibration, write_calibration


def development(count: int = 4000, temperature: float = 2.5):
    """Logits that are too extreme by ``temperature``, and labels drawn from what they should have been."""
    rng = np.random.default_rng(0)
    logits = rng.normal(-0.5, 1.5, (count, 2))
    labels = (rng.random((count, 2)) < expit(logits)).astype(float)
    labels[rng.random((count, 2)) < 0.2] = np.nan
    return temperature * logits, labels


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"w": torch.ones(2)}, path)
    return path


def test_the_temperature_is_found_and_thresholds_are_on_calibrated_probabilities():
    logits, labels = development()
    found = Calibration.fit(logits, labels)
    for task in ("scar", "lvef50"):
        assert found.temperatures[task].value == pytest.approx(2.5, rel=0.1)
    probability = found.probabilities(logits)
    for task, column in (("scar", 0), ("lvef50", 1)):
        positive = probability[labels[:, column] == 1, column]
        reached = np.mean(positive >= found.threshold(task, "sensitivity_90"))
        assert 0.9 <= reached < 0.902
    assert found.probabilities(logits[3]).shape == (2,)


def test_it_comes_back_from_its_file(weights):
    logits, labels = development()
    labels[:, 1] = np.nan  # nobody knows the LVEF
    made = Calibration.fit(logits, labels, fingerprint(weights), {"scar": "PTB-XL"})
    write_calibration(weights.parent / "calibration.json", made)
    found = load_calibration(weights)
    assert found == made
    np.testing.assert_allclose(found.probabilities(logits), made.probabilities(logits))
    assert math.isnan(found.threshold("lvef50", "youden")) and found.temperatures["lvef50"].value == 1.0


def test_the_lvef_that_was_trained_for_comes_back(weights):
    path = weights.parent / "calibration.json"
    made = Calibration.fit(*development(100), fingerprint(weights), lvef_threshold=40, lvef_rule="le")
    assert made.condition("scar") == "myocardial scar" and made.condition("lvef50") == "LVEF <= 40 %"
    write_calibration(path, made)
    assert load_calibration(weights) == made
    tree = json.loads(path.read_text())
    path.write_text(json.dumps(tree | {"lvef_rule": "<"}))
    with pytest.raises(InputError, match=r"calibration\.json: this is no calibration \(the LVEF rule is '<'\)"):
        load_calibration(weights)
    del tree["lvef_threshold"]
    path.write_text(json.dumps(tree))
    with pytest.raises(InputError, match=r"this is no calibration \('lvef_threshold'\)"):
        load_calibration(weights)


def test_without_a_file_nothing_is_called_and_a_warning_says_so(weights, caplog):
    found = load_calibration(weights)
    assert "not calibrated" in caplog.text
    np.testing.assert_allclose(found.probabilities([0.0, 2.0]), expit([0.0, 2.0]))
    assert math.isnan(found.threshold("scar", "youden"))
    assert found.condition("lvef50") == "reduced LVEF"


def test_a_calibration_of_other_weights_is_refused(weights):
    made = Calibration.fit(*development(100), "0123456789ab")
    path = write_calibration(weights.parent / "calibration.json", made)
    with pytest.raises(InputError, match=r"calibration\.json: this calibration belongs to the weights 0123456789ab"):
        load_calibration(weights)
    for damaged in ("{", "[]", json.dumps({"temperatures": {}}), path.read_text().replace('"value": ', '"value": -')):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"calibration|temperature"):
            load_calibration(weights)


def test_an_operating_point_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="'best'; choose one of youden"):
        Calibration.fit(*development(100)).threshold("scar", "best")


def test_a_task_that_was_not_trained_has_no_probability(weights):
    made = Calibration.fit(*development(200), fingerprint(weights), tasks=("lvef50",))
    write_calibration(weights.parent / "calibration.json", made)
    found = load_calibration(weights)
    assert found == made and math.isnan(found.threshold("scar", "youden"))
    probability = found.probabilities([1.0, 1.0])
    assert np.isnan(probability[0]) and 0.5 < probability[1] < 1
