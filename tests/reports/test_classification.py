"""Tables, summary and figures of classifiers."""

import io
import json
import math
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from monai_jdl.analysis import Predictions, apply_thresholds, calibration_scores, choose_thresholds
from monai_jdl.analysis import statistics as statistics_module
from monai_jdl.errors import InputError
from monai_jdl.reports import (
    classification_report,
    decision_figure,
    histogram_figure,
    precision_recall_figure,
    read_csv,
    reliability_figure,
    roc_figure,
    threshold_figure,
)
from monai_jdl.reports.classification_figures import describe

pytest.importorskip("matplotlib")

FIGURES = ["roc", "precision_recall", "thresholds", "histograms", "reliability", "decision_curve"]


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    monkeypatch.setattr(statistics_module, "RESAMPLES", 199)


def sample(seed, n=160):
    """Two cases of each patient; one label in ten of ``scar`` is missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        row = {"case": f"case{i}", "patient": f"p{i // 2}", "layout": "3x4" if i % 3 else "6x2"}
        for task, share in (("scar", 0.4), ("lvef50", 0.25)):
            truth = rng.random() < share
            row |= {task: float(stats.norm.cdf(rng.normal() + 1.5 * truth - 1)), f"{task}_true": int(truth)}
        if rng.random() < 0.1:
            row["scar_true"] = math.nan
        rows.append(row)
    return rows


def predictions(rows, task):
    return Predictions.from_arrays([row[f"{task}_true"] for row in rows], [row[task] for row in rows])


def thresholds():
    development = sample(0)
    return {task: choose_thresholds(predictions(development, task)) for task in ("scar", "lvef50")}


def readers(rows):
    return [
        {"reader": name, "case": row["case"], "scar": str(int(row["scar"] > level)), "lvef50": ""}
        for name, level in (("Dr A", 0.5), ("Dr B", 0.8))
        for row in rows[:100]
    ]


def test_the_files_of_an_evaluation(tmp_path):
    """The rows are those of a CSV file: text, and nothing where a label is missing."""
    rows, rules = sample(1), thresholds()
    text = [{name: "" if value != value else str(value) for name, value in row.items()} for row in rows]
    controls = [{"case": i, "patient": i, "scar": 0.1 * i, "lvef50": 0.05} for i in range(10)]
    files = classification_report(text, tmp_path / "out", rules, "f1", ["layout"], readers(rows), controls)
    names = ["metrics.csv", "subgroups.csv", "readers.csv", "summary.json", *(f"{name}.png" for name in FIGURES)]
    assert [file.name for file in files] == names
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(names)
    for file in files[4:]:
        assert min(Image.open(file).size) > 300

    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["cases"], summary["patients"], summary["operating_point"]) == (160, 80, "f1")
    scar = summary["tasks"]["scar"]
    known = [row for row in rows if not math.isnan(row["scar_true"])]
    truth, probability = (np.array([row[key] for row in known]) for key in ("scar_true", "scar"))
    assert scar["n"] == len(known) and scar["missing_labels"] == 160 - len(known) > 0
    assert scar["auc"] == pytest.approx(roc_auc_score(truth, probability))
    assert list(scar["readers"]) == ["Dr A", "Dr B"] and summary["tasks"]["lvef50"]["readers"] == {}
    assert scar["controls"][1]["false_positive"] == sum(0.1 * i >= rules["scar"]["f1"] for i in range(10))
    assert {"ece", "brier_ci95", "reliability", "at_prevalence"} <= set(scar)

    table = read_csv(tmp_path / "out" / "metrics.csv")
    assert [(row["task"], row["operating_point"]) for row in table] == [
        (task, name) for task in rules for name in (*rules[task], "all_negative")
    ]
    row = table[1]
    assert float(row["f1"]) == pytest.approx(f1_score(truth, probability >= rules["scar"]["f1"]), rel=1e-5)
    assert float(row["sensitivity_low"]) < float(row["sensitivity"]) < float(row["sensitivity_high"])
    assert (table[6]["sensitivity"], table[6]["ppv"]) == ("0", "")

    groups = read_csv(tmp_path / "out" / "subgroups.csv")
    assert [(row["task"], row["group"]) for row in groups] == [(t, g) for t in rules for g in ("3x4", "6x2")]
    people = read_csv(tmp_path / "out" / "readers.csv")
    assert [(row["task"], row["reader"], row["n"]) for row in people] == [
        ("scar", name, str(sum(not math.isnan(row["scar_true"]) for row in rows[:100]))) for name in ("Dr A", "Dr B")
    ]


def test_a_task_without_positives_is_reported_with_its_reason(tmp_path):
    rows = [row | {"lvef50_true": 0} for row in sample(3, n=40)]
    rules = {"lvef50": thresholds()["lvef50"], "scar": dict.fromkeys(("youden", "f1"))}
    classification_report(rows, tmp_path, rules, readers=readers(sample(3, n=40)))
    summary = json.loads((tmp_path / "summary.json").read_text())["tasks"]
    assert summary["lvef50"]["auc"] is None and summary["lvef50"]["reason"] == "no positive cases"
    table = read_csv(tmp_path / "metrics.csv")
    assert (table[0]["reason"], table[0]["sensitivity"]) == ("no positive cases", "")
    assert (table[-2]["reason"], table[-2]["f1"]) == ("no threshold: the development data lacked a class", "")
    assert (tmp_path / "roc.png").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[3].pop("scar_true"), r"case3: there is no scar_true"),
        (lambda rows: rows[3].update(case="case2"), "case2: occurs twice"),
        (lambda rows: rows[3].update(scar="high"), "scar: case3: scar is 'high'; give a number"),
        (lambda rows: rows[3].update(scar=1.5), r"scar: probability: 1\.5 lies outside 0\.\.1"),
        (lambda rows: rows[3].update(lvef50_true=2), "lvef50: truth: 2 is neither 0 nor 1"),
    ],
)
def test_wrong_rows_are_named_and_nothing_is_written(tmp_path, change, message):
    rows = sample(4, n=20)
    change(rows)
    with pytest.raises(InputError, match=message):
        classification_report(rows, tmp_path, thresholds())
    assert not list(tmp_path.iterdir())


def test_unknown_rules_and_strange_cases_are_refused(tmp_path):
    rows = sample(4, n=20)
    with pytest.raises(InputError, match="scar: has no threshold 'best'; choose one of youden, f1"):
        classification_report(rows, tmp_path, thresholds(), "best")
    call = {"reader": "Dr A", "case": "case1", "scar": 1}
    with pytest.raises(InputError, match="x: was read by Dr A but is not among the cases"):
        classification_report(rows, tmp_path, thresholds(), readers=[call | {"case": "x"}])
    with pytest.raises(InputError, match="case1: was read by Dr A 2 times"):
        classification_report(rows, tmp_path, thresholds(), readers=[call, call | {"scar": 0}])
    with pytest.raises(InputError, match="case1: there is no reader"):
        classification_report(rows, tmp_path, thresholds(), readers=[{"case": "case1", "scar": 1}])
    with pytest.raises(InputError, match="y: there is no patient, lvef50"):
        classification_report(rows, tmp_path, thresholds(), controls=[{"case": "y", "scar": 0.1}])


def test_matplotlib_missing_is_one_sentence_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install 'monai_jdl\[reports\]'"):
        classification_report(sample(4, n=20), tmp_path, thresholds())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def tasks():
    return {"scar": predictions(sample(5), "scar"), "lvef50": Predictions.from_arrays([0, 0], [0.1, 0.4])}


def texts(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_the_roc_figure(tasks):
    points = {task: apply_thresholds(found, thresholds()[task]) for task, found in tasks.items()}
    people = {"scar": {"Dr A": {"sensitivity": 0.5, "specificity": 0.9}}, "lvef50": {}}
    panel, empty = roc_figure(tasks, points, people).axes
    assert panel.get_title() == "scar"
    assert [text.get_text() for text in empty.texts] == ["no positive cases"]
    area = roc_auc_score(tasks["scar"].truth, tasks["scar"].probability)
    assert texts(panel)[0].startswith(f"AUC {area:.3f} (")
    assert texts(panel)[1:] == ["Youden's index", "best F1", "sensitivity in development (%)", "Dr A"]
    lines = {line.get_label(): line for line in panel.get_lines()}
    x, y = lines[texts(panel)[0]].get_data()
    assert np.trapezoid(y, x) == pytest.approx(area)
    youden = points["scar"][0]
    assert lines["Youden's index"].get_xydata()[0] == pytest.approx([1 - youden["specificity"], youden["sensitivity"]])
    assert lines["Dr A"].get_xydata()[0] == pytest.approx([0.1, 0.5])


def test_a_perfect_model_has_a_curve_without_a_band():
    perfect = {"scar": Predictions.from_arrays([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])}
    (panel,) = roc_figure(perfect, {"scar": []}, {"scar": {}}).axes
    assert texts(panel) == ["AUC 1.000"]
    assert not panel.collections


def test_panels_are_titled_by_what_the_tasks_tell(tasks):
    figure = threshold_figure(tasks, {"scar": 0.4, "lvef50": None})
    describe(figure, {"scar": {}, "lvef50": {"condition": "reduced LVEF", "trained_on": None}})
    assert [panel.get_title() for panel in figure.axes] == ["Scar", "Reduced LVEF"]
    assert figure.get_supxlabel() == ""


def test_figures_say_below_what_the_model_was_trained_on(tasks):
    figure = roc_figure({"lvef50": tasks["lvef50"]}, {"lvef50": []}, {"lvef50": {}})
    describe(figure, {"lvef50": {"condition": "LVEF < 50 %", "trained_on": "simulated ECGs only"}})
    assert figure.get_supxlabel() == "LVEF < 50 %: trained on simulated ECGs only"
    describe(figure, {"lvef50": {"condition": "LVEF < 50 %", "trained_on": "ECGs of many hospitals " * 20}})
    figure.savefig(io.BytesIO())
    (caption,) = figure.texts
    box = caption.get_window_extent()
    assert box.x0 > 0 and box.x1 < figure.bbox.width


def test_the_other_figures_show_what_was_computed(tasks):
    found = tasks["scar"]
    points = {task: apply_thresholds(found, thresholds()[task]) for task, found in tasks.items()}
    panel = precision_recall_figure(tasks, points).axes[0]
    assert texts(panel)[0] == f"chance {found.truth.mean():.3f}"

    panel = threshold_figure(tasks, {"scar": 0.4, "lvef50": None}).axes[0]
    assert texts(panel) == ["sensitivity", "false-positive rate", "threshold 0.40"]
    grid, sensitivity = panel.get_lines()[0].get_data()
    assert sensitivity[40] == pytest.approx((found.probability[found.truth] >= grid[40]).mean())

    panel = histogram_figure(tasks, {"scar": 0.4, "lvef50": None}).axes[0]
    assert texts(panel)[:2] == [
        f"{name} (n = {count})" for name, count in zip(("negative", "positive"), np.bincount(found.truth), strict=True)
    ]
    assert [patch.get_data().values.sum() for patch in panel.patches] == pytest.approx([100] * 4)

    scores = {task: calibration_scores(found) for task, found in tasks.items()}
    panel = reliability_figure(tasks, scores).axes[0]
    assert f"Brier {scores['scar']['brier']:.3f}" in panel.texts[0].get_text()

    panel = decision_figure(tasks).axes[0]
    assert panel.get_lines()[2].get_ydata()[0] == pytest.approx(found.truth.mean(), abs=0.02)
