"""Tables of what an ECG network said: rows of good and refused ECGs, and the calibration of the best network."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from scipy.special import expit

from monai_jdl.analysis import Temperature
from monai_jdl.engines import BestModelSaver
from monai_jdl.errors import InputError
from monai_jdl.networks import fingerprint
from monai_jdl.reports import Calibration, CalibrationTable, EvaluationTable, PredictionTable, load_calibration

CALIBRATION = Calibration(
    {"scar": Temperature(2.0), "lvef50": Temperature(1.0)},
    {"scar": {"youden": 0.6, "f1": 0.2}, "lvef50": {"youden": None, "f1": None}},
    "0123456789ab",
    {"scar": "PTB-XL", "lvef50": "simulation"},
    lvef_threshold=50,
)


class Refusing:
    """A data set as far as the tables look at it: the second of its ECGs was refused."""

    def __init__(self, items):
        self.data = items
        self.errors = []

    def write_errors(self):
        self.errors = [{"case": "b", "image": self.data[1]["image"], "error": "b.png shows no ECG."}]


def items(count: int = 3):
    """ECGs a, b, c... with their labels."""
    return [
        {
            "case": chr(97 + k),
            "image": f"/{chr(97 + k)}.png",
            "patient": f"p{k // 2}",
            "label": np.array([k % 2, np.nan if k == 2 else 0], np.float32),
            "clinical": np.array([45 + 12 * k, k % 2, *[np.nan] * 4], np.float32),
            "row": {"qrs_duration": str(100 + 15 * k)},
        }
        for k in range(count)
    ]


def run(table, logits, data):
    """One epoch of an evaluator over the ECGs that were not refused."""
    good = [item for item in data if item["case"] != "b"]
    meta = {"quality": 0.9, "kind": "page", "layout": "3x4", "notes": "turned", "page": 0}
    meta |= {"lead_quality": np.r_[np.linspace(0, 1, 11), np.nan].astype(np.float32)}
    batches = [
        [item | {"image": MetaTensor(torch.zeros(3, 4, 4), meta=meta | {"filename_or_obj": item["image"]})}]
        for item in good
    ]
    outputs = [
        [{"pred": MetaTensor(torch.tensor(value)), "label": item["label"]}]
        for value, item in zip(logits, good, strict=True)
    ]
    engine = Engine(lambda engine, batch: outputs[engine.state.iteration - 1])
    engine.state.metrics = {}
    table.attach(engine)
    engine.run(batches)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def test_predictions_are_calibrated_and_the_refused_have_their_reason(tmp_path):
    data = items()
    run(PredictionTable(tmp_path, CALIBRATION, "youden", Refusing(data)), [[2.0, -1.0], [0.0, 3.0]], data)
    found = rows(tmp_path / "predictions.csv")
    assert list(found) == ["a", "b", "c"]
    assert float(found["a"]["scar"]) == pytest.approx(expit(1.0), abs=1e-5) and found["a"]["scar_positive"] == "1"
    assert float(found["c"]["scar"]) == 0.5 and found["c"]["scar_positive"] == "0"
    assert float(found["a"]["lvef50"]) == pytest.approx(expit(-1.0), abs=1e-5)
    assert found["a"]["lvef50_threshold"] == found["a"]["lvef50_positive"] == ""  # no development data, no call
    assert found["b"]["scar"] == found["b"]["quality"] == "" and found["b"]["reason"] == "b.png shows no ECG."
    assert {row["model_version"] for row in found.values()} == {"0123456789ab"}
    assert {(row["scar_trained_on"], row["lvef50_trained_on"]) for row in found.values()} == {("PTB-XL", "simulation")}
    page = json.loads((tmp_path / "a/a.json").read_text())
    assert page["tasks"]["scar"] | {"probability": 0} == {
        "condition": "myocardial scar",
        "probability": 0,
        "operating_point": "youden",
        "threshold": 0.6,
        "positive": True,
        "thresholds": {"youden": 0.6, "f1": 0.2},
        "trained_on": "PTB-XL",
    }
    assert page["tasks"]["lvef50"]["condition"] == "LVEF < 50 %"
    assert page["tasks"]["lvef50"]["positive"] is None and page["layout"] == "3x4"
    assert page["lead_quality"]["I"] == 0 and page["lead_quality"]["V5"] == 1 and page["lead_quality"]["V6"] is None
    assert "Not for clinical use" in page["disclaimer"]
    assert not (tmp_path / "b").exists()


def test_predictions_name_the_patient_that_a_table_names(tmp_path):
    data = items()
    data[0] |= {"row": {"path": "a.png", "patient": "p0"}}
    data[1] |= {"row": {"path": "b.png", "patient id": "p0"}}
    data[2] |= {"patient": "c", "row": {"path": "c.png"}}  # the case stands in for a patient that is not known
    run(PredictionTable(tmp_path, CALIBRATION, "youden", Refusing(data)), [[0.0, 0.0]] * 2, data)
    assert [row["patient"] for row in rows(tmp_path / "predictions.csv").values()] == ["p0", "p0", ""]


def test_all_refused_still_gives_a_table(tmp_path):
    PredictionTable(tmp_path, CALIBRATION, "youden", Refusing(items(2))).finish()
    assert rows(tmp_path / "predictions.csv")["b"]["reason"] == "b.png shows no ECG."


def test_an_evaluation_counts_the_refused_and_knows_the_groups(tmp_path):
    data = items(10)
    rng = np.random.default_rng(0)
    logits = [[float(4 * item["label"][0] - 2 + rng.normal()), 0.0] for item in data if item["case"] != "b"]
    run(EvaluationTable(tmp_path, CALIBRATION, "youden", Refusing(data)), logits, data)
    found = rows(tmp_path / "predictions.csv")
    assert found["b"]["scar_true"] == "1" and found["b"]["scar"] == "" and found["c"]["lvef50_true"] == ""
    assert [found[case]["age_band"] for case in "abd"] == ["under 50", "under 65", "80 and over"]
    assert [found[case]["qrs"] for case in "abd"] == ["up to 120 ms", "up to 120 ms", "over 120 ms"]
    assert found["d"]["sex"] == "female" and found["a"]["layout"] == "3x4"
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["cases"] == 10 and summary["patients"] == 5
    scar = summary["tasks"]["scar"]
    assert scar["missing_probabilities"] == 1 and scar["n"] == 9
    truth, score = zip(*((row["scar_true"], float(row["scar"])) for row in found.values() if row["scar"]), strict=True)
    wins = [
        (p > q) + 0.5 * (p == q)
        for p, a in zip(score, truth, strict=True)
        for q, b in zip(score, truth, strict=True)
        if a == "1" and b == "0"
    ]
    assert scar["auc"] == pytest.approx(np.mean(wins))
    assert "no positive" in summary["tasks"]["lvef50"]["reason"]
    groups = {row["column"] for row in csv.DictReader((tmp_path / "subgroups.csv").open())}
    assert groups == {"sex", "age_band", "qrs"}
    assert not (tmp_path / "a").exists()


def test_readers_and_controls_come_from_files(tmp_path):
    data = items(6)
    (tmp_path / "readers.csv").write_text("reader,case,scar\nan,a,0\nan,d,1\nan,f,0\n")
    (tmp_path / "controls.csv").write_text("case,scar,lvef50,model_version\nx,0.7,0.1,0123456789ab\n")
    table = EvaluationTable(
        tmp_path / "out", CALIBRATION, "youden", Refusing(data), tmp_path / "readers.csv", tmp_path / "controls.csv"
    )
    run(table, [[float(k), 0.0] for k in range(5)], data)
    (reader,) = csv.DictReader((tmp_path / "out/readers.csv").open())
    assert (reader["reader"], reader["n"], float(reader["sensitivity"])) == ("an", "3", 0.5)
    controls = json.loads((tmp_path / "out/summary.json").read_text())["tasks"]["scar"]["controls"]
    assert {row["operating_point"]: row["false_positive"] for row in controls} == {"youden": 1, "f1": 1}
    # before the first ECG is read
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        EvaluationTable(tmp_path, CALIBRATION, "youden", Refusing(data), tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"readers\.csv, row 4, column case: 'f' is not among the ECGs"):
        EvaluationTable(tmp_path, CALIBRATION, "youden", Refusing(items(5)), tmp_path / "readers.csv")


def test_a_network_is_evaluated_for_the_lvef_that_it_was_trained_for(tmp_path):
    data = items(6)
    trained = replace(CALIBRATION, lvef_threshold=40.0, lvef_rule="le")
    with pytest.raises(InputError, match=r"LVEF <= 40 %.* LVEF < 50 %; .*--lvef_threshold 40 --lvef_rule le\."):
        EvaluationTable(tmp_path, trained, "youden", Refusing(data))
    unknown = replace(CALIBRATION, lvef_threshold=None)
    scar_alone = replace(trained, thresholds={"scar": trained.thresholds["scar"]})
    EvaluationTable(tmp_path, scar_alone, "youden", Refusing(data))
    for calibration in (trained, unknown):
        table = EvaluationTable(tmp_path, calibration, "youden", Refusing(data), lvef_threshold=40, lvef_rule="le")
        run(table, [[float(k), 0.0] for k in range(5)], data)
        tasks = json.loads((tmp_path / "summary.json").read_text())["tasks"]
        assert [tasks[task]["condition"] for task in ("scar", "lvef50")] == ["myocardial scar", "LVEF <= 40 %"]
        assert [tasks[task]["trained_on"] for task in ("scar", "lvef50")] == ["PTB-XL", "simulation"]


def test_the_best_network_is_calibrated_and_a_worse_one_leaves_it_alone(tmp_path):
    network = torch.nn.Linear(1, 1)
    best = BestModelSaver(tmp_path / "model.pt", network)
    table = CalibrationTable(best, {"scar": "simulation", "lvef50": None}, lvef_threshold=40)
    data = [item for item in items(20) if item["case"] != "b"]

    def validate(score: float, spread: float) -> None:
        logits = [[spread * (item["label"][0] - 0.3), float(k % 5)] for k, item in enumerate(data)]
        outputs = [
            [{"pred": MetaTensor(torch.tensor(value)), "label": torch.from_numpy(item["label"])}]
            for value, item in zip(logits, data, strict=True)
        ]
        engine = Engine(lambda engine, batch: outputs[engine.state.iteration - 1])
        engine.state.metrics, engine.state.key_metric_name, engine.state.rank = {"auc": score}, "auc", 0
        engine.add_event_handler("STARTED", lambda: engine.state.metrics.update(auc=score))
        best.attach(engine)
        table.attach(engine)
        engine.run([[item] for item in data])

    validate(0.8, 4.0)
    first = load_calibration(tmp_path / "model.pt")
    assert first.model == fingerprint(tmp_path / "model.pt") and first.trained_on == {"scar": "simulation"}
    assert first.condition("lvef50") == "LVEF < 40 %"
    assert not math.isnan(first.threshold("scar", "youden"))
    validate(0.7, 1.0)
    assert load_calibration(tmp_path / "model.pt") == first
    torch.nn.init.zeros_(network.weight)
    validate(0.9, 1.0)
    again = load_calibration(tmp_path / "model.pt")
    assert again.model != first.model and again.threshold("scar", "youden") != first.threshold("scar", "youden")
