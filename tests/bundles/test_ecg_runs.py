"""The workflows of the ECG bundles, run for real on tiny data."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

from cardiac_transforms.ecg import LEADS
from monai_jdl import bundles
from monai_jdl.data import write_ecg_csv, write_ecg_phantoms, write_ecg_table, write_page_image
from monai_jdl.errors import InputError
from monai_jdl.networks import CLINICAL_FEATURES
from monai_jdl.phantoms import PageStyle, render_page, simulate_ecg
from tests.bundles.conftest import two_ranks_run

BUNDLES = ("ecg_image_classification", "ecg_image_clinical_classification", "ecg_signal_classification")
SMALL = {
    "network_def#encoder#encoder#block_inplanes": [4, 4, 8, 8],
    "network_def#encoder#encoder#layers": [1, 1, 1, 1],
    "device": "cpu",
}
QUICK = SMALL | {"epochs": 2, "num_workers": 0, "batch_size": 8}
every_bundle = pytest.mark.parametrize("bundle", BUNDLES)


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory):
    """Thirty simulated patients, ten of them for validation and ten for testing."""
    folder = tmp_path_factory.mktemp("ecgs")
    cases = [simulate_ecg(seed) for seed in range(30)]
    write_ecg_phantoms(folder, {"validation": cases[:10], "training": cases[10:20], "testing": cases[20:]})
    return folder


@pytest.fixture(scope="module")
def trained(ecgs, tmp_path_factory):
    """A short training of every bundle."""
    out = tmp_path_factory.mktemp("trained")
    for bundle in BUNDLES:
        options = QUICK | {"trained_on": {"scar": "ten simulated ECGs", "lvef50": "simulation"}}
        bundles.run(bundle, "train", dataset_dir=ecgs, output_dir=out / bundle, **options)
    return out


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A page, a record, and a picture of nothing."""
    folder, case = tmp_path_factory.mktemp("inputs"), simulate_ecg(5)
    page = render_page(case.signals, case.rate, layout="3x4+1", style=PageStyle(dpi=100))
    write_page_image(folder / "page.png", page.image, 100)
    write_ecg_csv(folder / "record.csv", case.signals, case.rate)
    write_page_image(folder / "nothing.png", np.full((300, 400, 3), 255, np.uint8), 100)
    return folder


@every_bundle
def test_training_leaves_weights_losses_and_their_calibration(bundle, trained):
    state = torch.load(trained / bundle / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert [int(row["epoch"]) for row in table(trained / bundle / "loss.csv")] == [1, 2]
    calibration = json.loads((trained / bundle / "calibration.json").read_text())
    assert calibration["trained_on"]["lvef50"] == "simulation" and set(calibration["temperatures"]) == {
        "scar",
        "lvef50",
    }
    assert ("fusion.imputer.mean" in state) == ("clinical" in bundle)


def test_the_imputer_is_fitted_on_the_training_patients_alone(ecgs, trained):
    state = torch.load(trained / BUNDLES[1] / "model.pt", weights_only=True)
    rows = [row for row in table(ecgs / "patients.csv") if row["split"] == "training"]
    for name, mean in zip(CLINICAL_FEATURES, state["fusion.imputer.mean"].tolist(), strict=True):
        assert mean == pytest.approx(np.mean([float(row[name]) for row in rows]), abs=0.02)


@every_bundle
def test_evaluate_alone_and_laid_over_train_give_the_same(bundle, ecgs, trained, tmp_path):
    options = SMALL | {"dataset_dir": ecgs, "ckpt_path": trained / bundle / "model.pt"}
    bundles.run(bundle, "evaluate", output_dir=tmp_path / "alone", **options)
    bundles.run(bundle, "train", methods=("../evaluate",), output_dir=tmp_path / "zoo", **options)
    for name in ("predictions.csv", "metrics.csv", "summary.json", "subgroups.csv"):
        assert (tmp_path / "alone" / name).read_text() == (tmp_path / "zoo" / name).read_text()
    rows = table(tmp_path / "alone/predictions.csv")
    assert len(rows) == 10 and all(0 < float(row["scar"]) < 1 for row in rows)
    truth = {row["patient"]: row["scar"] for row in table(ecgs / "patients.csv")}
    assert all(row["scar_true"] == truth[row["patient"]] for row in rows)
    assert (tmp_path / "alone/roc.png").stat().st_size > 10_000


@every_bundle
def test_inference_on_pages_and_records(bundle, trained, inputs, tmp_path):
    weights = trained / bundle / "model.pt"
    with pytest.raises(InputError, match=r"1 of 3 cases failed \(nothing\).*nothing\.png"):
        bundles.run(bundle, "inference", dataset_dir=inputs, output_dir=tmp_path, ckpt_path=weights, **SMALL)
    rows = {row["case"]: row for row in table(tmp_path / "predictions.csv")}
    assert rows["nothing"]["scar"] == "" and "nothing.png" in rows["nothing"]["reason"]
    assert float(rows["page"]["quality"]) > 0.5 and rows["record"]["quality"] == ""
    # the same ECG, read from its picture and as it was recorded
    for task in ("scar", "lvef50"):
        assert float(rows["page"][task]) == pytest.approx(float(rows["record"][task]), abs=0.1)
    details = json.loads((tmp_path / "page/page.json").read_text())
    assert details["layout"] == "3x4+1" and details["tasks"]["lvef50"]["trained_on"] == "simulation"
    pictures = sorted(path.name for path in tmp_path.rglob("*.jpg"))
    drawn = [f"{case}_{task}.jpg" for case in ("page", "record") for task in ("lvef50", "scar")]
    assert pictures == ([] if "signal" in bundle else drawn)


@every_bundle
def test_the_ecg_decides(bundle, trained, inputs, tmp_path):
    """Another ECG, another answer; a mirrored one, too."""
    case = simulate_ecg(5)
    (tmp_path / "in").mkdir()
    write_ecg_csv(tmp_path / "in/same.csv", case.signals, case.rate)
    write_ecg_csv(tmp_path / "in/upside_down.csv", -case.signals, case.rate)
    weights = trained / bundle / "model.pt"
    bundles.run(bundle, "inference", dataset_dir=tmp_path / "in", output_dir=tmp_path, ckpt_path=weights, **SMALL)
    rows = {row["case"]: row for row in table(tmp_path / "predictions.csv")}
    assert rows["same"]["scar"] != rows["upside_down"]["scar"]


def test_clinical_features_of_a_table_decide_and_may_be_missing(ecgs, trained, tmp_path):
    case = simulate_ecg(5)
    write_ecg_csv(tmp_path / "a.csv", case.signals, case.rate)
    bundle, found = BUNDLES[1], {}
    for patient in ("old,90,0", "young,30,1", "unknown,,"):
        (tmp_path / "patients.csv").write_text(f"path,patient,age,female\na.csv,{patient}\n")
        out = tmp_path / patient.split(",")[0]
        weights = trained / bundle / "model.pt"
        bundles.run(
            bundle,
            "inference",
            dataset_dir=tmp_path / "patients.csv",
            output_dir=out,
            ckpt_path=weights,
            **SMALL,
        )
        found[out.name] = float(table(out / "predictions.csv")[0]["scar"])
    assert len(set(found.values())) == 3


def test_cohorts_with_other_columns_are_trained_on_together(ecgs, tmp_path):
    rows = [
        {"path": str(ecgs / row["path"]), "patient": row["patient"], "split": row["split"], "scar": row["scar"]}
        for row in table(ecgs / "patients.csv")
    ]
    write_ecg_table(tmp_path / "patients.csv", rows)
    options = QUICK | {
        "dataset_dir": [str(ecgs), str(tmp_path)],
        "output_dir": tmp_path / "out",
        "epochs": 1,
    }
    bundles.run(BUNDLES[1], "train", **options)
    calibration = json.loads((tmp_path / "out/calibration.json").read_text())
    assert [calibration["temperatures"][task]["n"] for task in ("scar", "lvef50")] == [20, 10]


@pytest.mark.parametrize(
    ("bundle", "method"),
    [(BUNDLES[0], "scar_only"), (BUNDLES[0], "lvef_only"), (BUNDLES[1], "recurrent"), (BUNDLES[2], "lvef40")],
)
def test_overlays(bundle, method, ecgs, tmp_path):
    options = QUICK | {"dataset_dir": ecgs, "output_dir": tmp_path, "epochs": 1}
    bundles.run(bundle, "train", methods=(method,), **options)
    calibration = json.loads((tmp_path / "calibration.json").read_text())
    tasks = {"scar_only": ["scar"], "lvef_only": ["lvef50"]}.get(method, ["scar", "lvef50"])
    assert list(calibration["temperatures"]) == tasks
    if method == "lvef40":
        weights = {"ckpt_path": tmp_path / "model.pt", "output_dir": tmp_path / "out"}
        with pytest.raises(InputError, match=r"trained for LVEF < 40 %, .* LVEF < 50 %; .* --lvef_threshold 40"):
            bundles.run(bundle, "evaluate", dataset_dir=ecgs, **weights, **SMALL)
        bundles.run(bundle, "evaluate", dataset_dir=ecgs, lvef_threshold=40, **weights, **SMALL)
        summary = json.loads((tmp_path / "out/summary.json").read_text())
        assert summary["tasks"]["lvef50"]["condition"] == "LVEF < 40 %"
    if method == "recurrent":
        assert "fusion.recurrent.weight_ih_l0" in torch.load(tmp_path / "model.pt", weights_only=True)


def test_an_encoder_for_colour_pictures(ecgs, inputs, tmp_path):
    """EfficientNet-lite0 by its overlay, in training and in inference, here without its ImageNet weights."""
    options = {"methods": ("efficientnet_lite0",), "device": "cpu"}
    quickly = {"epochs": 1, "num_workers": 0, "batch_size": 8, "encoder_weights": None}
    bundles.run(BUNDLES[0], "train", dataset_dir=ecgs, output_dir=tmp_path, **options, **quickly)
    bundles.run(
        *(BUNDLES[0], "inference"),
        dataset_dir=inputs / "page.png",
        output_dir=tmp_path / "out",
        ckpt_path=tmp_path / "model.pt",
        **options,
    )
    assert (tmp_path / "out/page/page_scar.jpg").is_file()


def test_pages_are_kept_and_those_that_cannot_be_read_are_left_out_of_training(ecgs, inputs, tmp_path):
    rows = [row | {"path": str(ecgs / row["path"])} for row in table(ecgs / "patients.csv")]
    for name in ("page", "nothing"):
        rows.append(rows[-1] | {"path": str(inputs / f"{name}.png"), "patient": name, "split": "training"})
    write_ecg_table(tmp_path / "patients.csv", rows)
    options = QUICK | {"epochs": 1, "cache_dir": tmp_path / "kept"}
    bundles.run(BUNDLES[0], "train", dataset_dir=tmp_path, output_dir=tmp_path / "out", **options)
    (left_out,) = table(tmp_path / "out/errors_training.csv")
    assert left_out["case"] == "nothing" and not (tmp_path / "out/errors_validation.csv").exists()
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 2  # a page and a refusal


def test_a_frozen_encoder_stays_as_it_was(ecgs, trained, tmp_path):
    first = trained / BUNDLES[0] / "model.pt"
    options = QUICK | {"dataset_dir": ecgs, "output_dir": tmp_path, "initial_weights": first, "epochs": 1}
    bundles.run(BUNDLES[0], "train", methods=("transfer_frozen",), **options)
    before, after = (torch.load(path, weights_only=True) for path in (first, tmp_path / "model.pt"))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"heads"}


@pytest.mark.parametrize("workflow", ["train", "evaluate", "inference"])
def test_a_folder_without_ecgs_gives_one_sentence(workflow, trained, tmp_path):
    (tmp_path / "empty").mkdir()
    options = SMALL | ({} if workflow == "train" else {"ckpt_path": trained / BUNDLES[0] / "model.pt"})
    with pytest.raises(InputError, match=f"{tmp_path}/empty"):
        bundles.run(BUNDLES[0], workflow, dataset_dir=tmp_path / "empty", output_dir=tmp_path / "out", **options)


def test_weights_of_another_bundle_are_refused(ecgs, trained, tmp_path):
    weights = trained / BUNDLES[2] / "model.pt"
    with pytest.raises(InputError, match="belong to another network"):
        bundles.run(BUNDLES[0], "evaluate", dataset_dir=ecgs, output_dir=tmp_path, ckpt_path=weights, **SMALL)
    assert not (tmp_path / "predictions.csv").exists()


def test_a_page_without_some_leads_is_still_an_ecg(trained, tmp_path):
    case = simulate_ecg(5)
    signals = case.signals.copy()
    signals[LEADS.index("V4") :] = np.nan
    write_ecg_csv(tmp_path / "nine.csv", signals, case.rate)
    weights = trained / BUNDLES[0] / "model.pt"
    bundles.run(
        BUNDLES[0],
        "inference",
        dataset_dir=tmp_path / "nine.csv",
        output_dir=tmp_path / "out",
        ckpt_path=weights,
        **SMALL,
    )
    (row,) = table(tmp_path / "out/predictions.csv")
    assert 0 < float(row["scar"]) < 1


def test_a_validation_that_cannot_tell_the_best_network_is_refused(ecgs, tmp_path):
    rows = table(ecgs / "patients.csv")
    for row in rows:
        row |= {
            "path": str(ecgs / row["path"]),
            "scar": "0" if row["split"] == "validation" else row["scar"],
            "lvef": "",
        }
    write_ecg_table(tmp_path / "patients.csv", rows)
    with pytest.raises(InputError, match="of no task that is trained"):
        bundles.run(BUNDLES[2], "train", dataset_dir=tmp_path, output_dir=tmp_path / "out", **QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("workflow", ["train", "evaluate", "inference"])
def test_two_ranks_on_processors(workflow, ecgs, trained, inputs, tmp_path):
    bundle = BUNDLES[1]
    options = (SMALL if workflow != "train" else QUICK | {"epochs": 1}) | {"output_dir": tmp_path / "out"}
    options.pop("device")
    if workflow == "train":
        two_ranks_run(bundles.find(bundle), workflow, tmp_path, dataset_dir=ecgs, **options)
        state = torch.load(tmp_path / "out/model.pt", weights_only=True)
        assert not any(name.startswith("module.") for name in state) and float(state["fusion.imputer.mean"][0]) > 40
        assert json.loads((tmp_path / "out/calibration.json").read_text())["temperatures"]["scar"]["n"] == 10
        return
    options |= {"ckpt_path": trained / bundle / "model.pt"}
    if workflow == "inference":
        (tmp_path / "in").mkdir()
        for name in ("page.png", "record.csv"):
            (tmp_path / "in" / name).symlink_to(inputs / name)
        ecgs = tmp_path / "in"
    two_ranks_run(bundles.find(bundle), workflow, tmp_path, dataset_dir=ecgs, **options)
    bundles.run(bundle, workflow, **options | {"dataset_dir": ecgs, "output_dir": tmp_path / "one"})
    assert (tmp_path / "one/predictions.csv").read_text() == (tmp_path / "out/predictions.csv").read_text()


@every_bundle
def test_shipped_weights_tell_scar_in_patients_they_have_not_seen(bundle, tmp_path):
    cases = [simulate_ecg(seed) for seed in range(900_000, 900_060)]
    write_ecg_phantoms(tmp_path / "data", {"testing": cases})
    bundles.run(bundle, "evaluate", dataset_dir=tmp_path / "data", output_dir=tmp_path, device="cpu")
    tasks = json.loads((tmp_path / "summary.json").read_text())["tasks"]
    assert tasks["scar"]["auc"] > 0.75 and tasks["lvef50"]["auc"] > 0.7
    assert json.loads((bundles.find(bundle) / "models/calibration.json").read_text())["trained_on"]["lvef50"].endswith(
        "only"
    )
