"""Pages and pictures from files."""

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from monai_jdl.analysis import (
    EXTRA_COLUMNS,
    METRICS_COLUMNS,
    SCAR_COLUMNS,
    case_detection,
    case_metrics,
    scar_burden,
    summarise,
)
from monai_jdl.data import save_nifti, write_datalist
from monai_jdl.errors import InputError
from monai_jdl.reports import (
    PREDICTION_COLUMNS,
    Section,
    agreement_figure,
    case_figure,
    case_report,
    read_csv,
    read_summary,
    summary_table,
    write_csv,
    write_demo_page,
    write_json,
    write_page,
)

pytest.importorskip("matplotlib")
AFFINE = np.diag([-1.5, -1.5, -8.0, 1.0])  # slices run down, from base to apex
SHAPE = (48, 40, 6)


@pytest.fixture(scope="module")
def heart():
    """An image with its label map of scheme jdl: a ring in slices 1 to 4 that narrows, scar on its low-x side."""
    x, y, z = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    radius = np.hypot(x - 24, y - 20) + z
    wall = (radius > 9) & (radius < 14) & (z > 0) & (z < 5)
    label = (wall.astype(np.uint8) + (wall & (x < 18))).astype(np.uint8)
    image = np.random.default_rng(0).normal(100, 10, SHAPE) + 200 * (label == 2)
    return image.astype(np.float32), label


class Page(HTMLParser):
    """Balance of tags, addresses and text of a page."""

    def __init__(self, path) -> None:
        super().__init__()
        self.open, self.sources, self.links, self.text = [], [], [], ""
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.sources += [attributes[key] for key in ("src",) if key in attributes]
        self.links += [attributes["href"]] if "href" in attributes else []
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_page_needs_nothing_but_itself(tmp_path):
    section = Section("A < B", "5 % & more", [{"x_y": 0.123456, "z": None}], {"a picture": b"png"}, {"file": "t.csv"})
    page = Page(write_page(tmp_path / "p.html", "Title", [section], "Trained on simulation."))
    assert "Not for clinical use. Trained on simulation." in page.text
    assert "A < B" in page.text
    assert "5 % & more" in page.text
    assert "x y" in page.text
    assert "0.123" in page.text
    assert "–" in page.text
    assert page.sources == ["data:image/png;base64,cG5n"]
    assert page.links == ["t.csv"]
    assert not re.search(r"https?://", (tmp_path / "p.html").read_text())


def test_slices_run_from_base_to_apex_and_keep_their_numbers(heart):
    image, label = heart
    titles = [panel.get_title() for panel in case_figure(image, AFFINE, {"mask": label}).axes[:4]]
    assert titles == [f"slice {number}" for number in (2, 3, 4, 5)]
    upwards = AFFINE @ np.diag([1, 1, -1, 1])
    titles = [panel.get_title() for panel in case_figure(image, upwards, {"mask": label}).axes[:4]]
    assert titles == [f"slice {number}" for number in (5, 4, 3, 2)]


def test_pictures_are_shown_as_viewers_do(heart):
    """The patient's left is on the right: where X runs to the right of the patient, the picture is mirrored."""
    image, label = heart
    as_stored = case_figure(image, AFFINE, {"mask": label}).axes[0].images[0].get_array()
    mirrored = case_figure(image, AFFINE @ np.diag([-1, 1, 1, 1]), {"mask": label}).axes[0].images[0].get_array()
    assert np.array_equal(mirrored, as_stored[:, ::-1])


def test_contours_lie_on_the_mask(heart):
    image, label = heart
    figure = case_figure(image, AFFINE, {"mask": label})
    panel = figure.axes[4]
    outline = np.concatenate([path.vertices for path in panel.collections[0].get_paths()])
    shown = panel.images[0].get_array().shape
    inside = label[..., 1] > 0
    x0 = np.flatnonzero(inside.any(axis=1))[0] - 8  # 12 mm of margin
    y0 = np.flatnonzero(inside.any(axis=0))[0] - 8
    assert shown[0] <= SHAPE[1]
    assert outline[:, 0].min() == pytest.approx(np.flatnonzero(inside.any(axis=1))[0] - max(x0, 0) - 0.5)
    assert outline[:, 1].max() == pytest.approx(np.flatnonzero(inside.any(axis=0))[-1] - max(y0, 0) + 0.5)
    tint = panel.images[1].get_array()[..., 3] > 0
    assert tint.sum() == (label[..., 1] == 2).sum()


def test_a_case_without_any_mask_is_shown_whole(heart):
    image, label = heart
    figure = case_figure(image, AFFINE, {"mask": 0 * label})
    assert len(figure.axes) == 2 * SHAPE[2]
    assert figure.axes[0].images[0].get_array().shape == SHAPE[1::-1]


def test_agreement_lines(heart):
    lines = agreement_figure([10, 20, 30, np.nan], [11, 23, 32, 5]).axes[0].get_lines()
    assert [line.get_ydata()[0] for line in lines] == pytest.approx([2, 2 + 1.96, 2 - 1.96])


def test_matplotlib_missing_is_one_sentence(heart, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install 'monai_jdl\[reports\]'"):
        case_figure(heart[0], AFFINE, {})


@pytest.mark.parametrize("scheme", ["jdl", "emidec"])
def test_report_of_a_mask(tmp_path, heart, scheme):
    image, label = heart
    stored = label if scheme == "jdl" else np.array([0, 2, 4], np.uint8)[label]
    save_nifti(tmp_path / "lge.nii.gz", image, AFFINE)
    save_nifti(tmp_path / "mask.nii.gz", stored, AFFINE)
    page = case_report(tmp_path / "lge.nii.gz", tmp_path / "mask.nii.gz", tmp_path / "out", label_scheme=scheme)
    (row,) = read_csv(tmp_path / "out" / "scar.csv")
    assert tuple(row) == SCAR_COLUMNS
    assert row["case"] == "lge"
    assert float(row["scar_ml"]) == pytest.approx((label == 2).sum() * 0.018, rel=1e-5)
    assert (row["slices"], row["slices_with_scar"], row["detection_score"]) == ("6", "4", "")
    found = Page(page)
    assert page.name == "report.html"
    assert "Not for clinical use." in found.text
    assert len(found.sources) == 1
    assert found.links == ["scar.csv"]


def test_report_refuses_a_mask_on_another_grid(tmp_path, heart):
    image, label = heart
    save_nifti(tmp_path / "lge.nii.gz", image, AFFINE)
    save_nifti(tmp_path / "mask.nii.gz", label[..., :5], AFFINE)
    with pytest.raises(InputError, match=r"mask\.nii\.gz"):
        case_report(tmp_path / "lge.nii.gz", tmp_path / "mask.nii.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def runs(tmp_path, heart):
    """What the bundle's workflows leave of two cases."""
    image, label = heart
    rows, detections, items = [], [], []
    for number, case in enumerate(("one", "two")):
        save_nifti(tmp_path / "data" / f"{case}.nii.gz", image, AFFINE)
        save_nifti(tmp_path / "data" / f"{case}_seg.nii.gz", label, AFFINE)
        items.append({"image": tmp_path / "data" / f"{case}.nii.gz", "label": tmp_path / "data" / f"{case}_seg.nii.gz"})
        predicted = np.roll(label, number, axis=0)
        save_nifti(tmp_path / "infer" / case / f"{case}_seg.nii.gz", predicted, AFFINE)
        truth = np.stack([label > 0, label == 2])
        rows.append({"case": case, "patient": case, **case_metrics(predicted, truth, AFFINE)})
        detections.append(case_detection(predicted, truth))
    write_datalist(tmp_path / "data" / "datalist.json", {"testing": items}, "jdl")
    write_csv(tmp_path / "eval" / "metrics.csv", rows, (*METRICS_COLUMNS, *EXTRA_COLUMNS))
    write_json(tmp_path / "eval" / "summary.json", summarise(rows, detections))
    write_csv(tmp_path / "infer" / "scar.csv", [{"case": "one", **scar_burden(label, AFFINE)}], SCAR_COLUMNS)
    write_csv(tmp_path / "train" / "loss.csv", [{"epoch": i, "loss": 1 / i} for i in (1, 2, 3)], ("epoch", "loss"))
    ecgs = [
        {"case": "page", "path": "page.png", "scar": 0.714, "scar_positive": 1, "lvef50": 0.2, "quality": 0.9},
        {"case": "text", "path": "text.png", "reason": "text.png shows no ECG."},
    ]
    write_csv(tmp_path / "screen" / "predictions.csv", ecgs, PREDICTION_COLUMNS)
    tasks = {
        "scar": {"condition": "myocardial scar", "probability": 0.714, "trained_on": "PTB-XL"},
        "lvef50": {"condition": "LVEF < 40 %", "probability": 0.2, "trained_on": "simulation only"},
    }
    write_json(tmp_path / "screen" / "page" / "page.json", {"tasks": tasks})
    for task in tasks:
        Image.new("RGB", (1500, 900), "white").save(tmp_path / "screen" / "page" / f"page_{task}.jpg")
    return tmp_path


def demo_page(runs, name="index.html"):
    return write_demo_page(runs / name, runs / "eval", runs / "infer", runs / "data", runs / "train", runs / "screen")


def test_demo_page(runs):
    path = demo_page(runs, "page/index.html")
    page = Page(path)
    assert "Not for clinical use. The LGE network was trained on simulation alone" in page.text
    assert "The ECG network was trained on infarction as cardiologists read it" in page.text
    assert len(page.sources) == 6  # two cases, agreement, loss, two heat maps
    for link in page.links:
        assert (path.parent / link).is_file(), link
    assert {link.split("/")[-1] for link in page.links} == {"metrics.csv", "summary.json", "scar.csv", "loss.csv"}
    for name in ("one", "two", "Dice, myocardium", "scar detection by slice, AUC"):
        assert name in page.text
    for said in ("71%", "positive", "LVEF < 40 % (20%); trained on simulation only", "text.png shows no ECG."):
        assert said in page.text


def test_demo_page_says_which_workflow_has_not_run(runs):
    (runs / "train" / "loss.csv").unlink()
    with pytest.raises(InputError, match=r"loss\.csv: cannot be read"):
        demo_page(runs)
    (runs / "eval" / "summary.json").write_text("{")
    with pytest.raises(InputError, match=r"summary\.json: cannot be read"):
        read_summary(runs / "eval")


def test_summary_table_shows_what_is_there(runs):
    summary = json.loads((runs / "eval" / "summary.json").read_text())
    lines = {line["metric"]: line for line in summary_table(summary)}
    dice = summary["metrics"]["dice_myocardium"]
    low, high = dice["mean_ci95"]
    assert lines["Dice, myocardium"]["mean"] == f"{dice['mean']:.3g} ({low:.3g} to {high:.3g})"
    assert lines["Dice, myocardium"]["n"] == 2
    assert lines["scar detection by patient, specificity"] == {
        "metric": "scar detection by patient, specificity",
        "mean": "",
        "median": "",
        "n": 0,
    }
