"""Every config of the LGE bundle run for real, through the runner, on tiny data."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml

from monai_jdl import bundles, cli
from monai_jdl.data import write_phantoms
from monai_jdl.phantoms import simulate
from tests.bundles.conftest import ROOT, bundle_run, two_ranks_run

QUICK = {"epochs": 2, "val_interval": 1, "num_workers": 0, "batch_size": 1, "samples_per_case": 2, "device": "cpu"}


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trained(phantoms, tmp_path_factory):
    """A short training from another working directory."""
    folder = tmp_path_factory.mktemp("trained")
    bundle_run("train.yaml", cwd=folder, dataset_dir=phantoms, output_dir=folder / "out", **QUICK)
    return folder / "out"


@pytest.fixture(scope="module")
def evaluated(phantoms, trained, tmp_path_factory):
    """What one process says of those weights."""
    folder = tmp_path_factory.mktemp("evaluated")
    options = {"dataset_dir": phantoms, "ckpt_path": trained / "model.pt", "device": "cpu"}
    bundle_run("evaluate.yaml", cwd=folder, output_dir=folder / "out", **options)
    return folder / "out"


def test_training_leaves_weights_losses_and_its_config(trained):
    state = torch.load(trained / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert [int(row["epoch"]) for row in table(trained / "loss.csv")] == [1, 2]
    config = yaml.safe_load((trained / "train_config.yaml").read_text())
    assert config["epochs"] == 2 and config["network_def"]["message"]["_target_"].startswith("monai_jdl.networks.")
    assert not list(trained.glob("*.tmp"))


def test_evaluate_alone_and_laid_over_train_give_the_same(phantoms, trained, evaluated, tmp_path):
    options = {"dataset_dir": phantoms, "ckpt_path": trained / "model.pt", "device": "cpu"}
    bundle_run("train.yaml", "evaluate.yaml", cwd=tmp_path, output_dir=tmp_path / "zoo", **options)
    assert (evaluated / "metrics.csv").read_text() == (tmp_path / "zoo/metrics.csv").read_text()
    summary = json.loads((evaluated / "summary.json").read_text())
    assert summary == json.loads((tmp_path / "zoo/summary.json").read_text())


def test_inference_writes_label_maps_on_the_source_grid(phantoms, tmp_path):
    bundle_run(
        "inference.yaml",
        cwd=tmp_path,
        dataset_dir=phantoms / "images",
        output_dir=tmp_path / "out",
        save_probabilities=True,
        device="cpu",
    )
    rows = table(tmp_path / "out/scar.csv")
    images = sorted((phantoms / "images").iterdir())
    assert len(rows) == len(images)
    for image in images:
        case = image.name.removesuffix(".nii.gz")
        source, label = nib.load(image), nib.load(tmp_path / "out" / case / f"{case}_seg.nii.gz")
        assert label.shape == source.shape
        np.testing.assert_allclose(label.affine, source.affine, atol=1e-4)
        values = np.asarray(label.dataobj)
        assert values.dtype == np.uint8 and set(np.unique(values)) <= {0, 1, 2}
        millilitres = (values > 0).sum() * abs(np.linalg.det(source.affine[:3, :3])) / 1000
        row = next(row for row in rows if row["case"] == case)
        assert float(row["myocardium_ml"]) == pytest.approx(millilitres, rel=1e-3, abs=1e-3)
        assert nib.load(tmp_path / "out" / case / f"{case}_prob.nii.gz").shape[:3] == source.shape


def test_one_bad_case_is_reported_and_the_others_are_finished(phantoms, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    good = sorted((phantoms / "images").iterdir())[0]
    (data / good.name).symlink_to(good)
    (data / "broken.nii.gz").write_text("this is text")
    result = bundle_run(
        "inference.yaml", cwd=tmp_path, check=False, dataset_dir=data, output_dir=tmp_path / "out", device="cpu"
    )
    assert result.returncode != 0 and "Traceback" not in result.stderr
    assert "broken.nii.gz" in result.stdout and "errors.csv" in result.stderr
    assert [row["case"] for row in table(tmp_path / "out/errors.csv")] == ["broken"]
    assert [row["case"] for row in table(tmp_path / "out/scar.csv")] == [good.name.removesuffix(".nii.gz")]


@pytest.mark.parametrize("config", ["train.yaml", "evaluate.yaml", "inference.yaml"])
def test_a_folder_without_images_gives_one_sentence(config, tmp_path):
    empty = tmp_path / "nothing"
    empty.mkdir()
    result = bundle_run(config, cwd=tmp_path, check=False, dataset_dir=empty, output_dir=tmp_path / "out", device="cpu")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert f"error: {empty}" in result.stderr


def test_shipped_weights_find_the_heart_where_it_is(tmp_path):
    """A mirrored, shifted or empty label map would not overlap with the truth."""
    write_phantoms(tmp_path / "data", {"testing": [simulate(4000, kind="ischaemic")]}, file_format="dicom")
    bundles.run("lge_scar_jdl", "evaluate", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", device="cpu")
    (row,) = table(tmp_path / "out/metrics.csv")
    assert float(row["dice_myocardium"]) > 0.8


def test_neighbouring_slices_go_through_all_workflows(phantoms, tmp_path):
    options = {"dataset_dir": phantoms, "neighbours": 1, "device": "cpu"}
    bundles.run("lge_scar_jdl", "train", output_dir=tmp_path, **QUICK | options | {"epochs": 1})
    bundles.run("lge_scar_jdl", "evaluate", output_dir=tmp_path / "out", ckpt_path=tmp_path / "model.pt", **options)
    assert len(table(tmp_path / "out/metrics.csv")) == 2


def test_evaluation_reports_a_bad_label_and_finishes_the_others(phantoms, tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for file in sorted((phantoms / folder).iterdir())[:2]:
            (tmp_path / "data" / folder / file.name).symlink_to(file)
    bad = tmp_path / "data/labels/phantom_0.nii.gz"
    bad.unlink()
    nib.save(nib.Nifti1Image(np.zeros((5, 5, 5), np.uint8), np.eye(4)), bad)
    items = [
        {"image": f"images/phantom_{k}.nii.gz", "label": f"labels/phantom_{k}.nii.gz", "patient": f"{k}"}
        for k in (0, 1)
    ]
    for name, testing in (("some", items), ("all", items[:1])):
        path = tmp_path / "data" / f"{name}.json"
        path.write_text(json.dumps({"label_scheme": "emidec", "testing": testing}))
        out = tmp_path / name
        result = bundle_run("evaluate.yaml", cwd=tmp_path, check=False, dataset_dir=path, output_dir=out, device="cpu")
        assert result.returncode == 1 and "Traceback" not in result.stderr
        assert [row["case"] for row in table(out / "errors.csv")] == ["phantom_0"]
        assert (out / "metrics.csv").exists() == (name == "some")


def test_training_on_a_bad_label_gives_one_sentence(phantoms, tmp_path):
    bad = tmp_path / "bad.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((5, 5, 5), np.uint8), np.eye(4)), bad)
    items = [
        {"image": str(phantoms / f"images/phantom_{k}.nii.gz"), "label": str(bad), "patient": f"{k}"} for k in range(4)
    ]
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"label_scheme": "emidec", "training": items}))
    out = tmp_path / "out"
    result = bundle_run("train.yaml", cwd=tmp_path, check=False, dataset_dir=path, output_dir=out, **QUICK)
    assert result.returncode == 1 and "Traceback" not in result.stderr and "bad.nii.gz" in result.stderr
    assert not any(out.iterdir())


@pytest.mark.parametrize("content", [None, b"text", {"weight": torch.zeros(3)}])
def test_a_missing_or_foreign_checkpoint_gives_one_sentence(content, phantoms, tmp_path, capfd):
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(SystemExit) as end:
        cli.main(["segment", str(phantoms / "images"), str(tmp_path / "out"), "--weights", str(path)])
    assert str(end.value.code).startswith(f"error: {path}") and "Traceback" not in capfd.readouterr().err
    assert not (tmp_path / "out/scar.csv").exists()


@pytest.mark.parametrize("command", ["train", "evaluate", "segment"])
def test_an_output_folder_that_cannot_be_written_gives_one_sentence(command, phantoms, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as end:
        cli.main([command, str(phantoms), str(tmp_path / "file/out")])
    assert str(end.value.code).startswith("error: ") and "file/out" in str(end.value.code)
    assert "Traceback" not in capfd.readouterr().err


def test_killed_training_resumes_from_the_last_whole_checkpoint(phantoms, tmp_path):
    out = tmp_path / "out"
    options = QUICK | {"epochs": 30, "val_interval": 10}
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(ROOT / "configs/train.yaml")]
    command += ["--bundle_root", str(ROOT), "--dataset_dir", str(phantoms), "--output_dir", str(out)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.time() + 120
    while not (out / "loss.csv").exists() or len((out / "loss.csv").read_text().splitlines()) < 4:
        assert time.time() < limit and process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    reached = torch.load(out / "last.pt", weights_only=True)["epoch"]
    bundle_run("train.yaml", cwd=tmp_path, dataset_dir=phantoms, output_dir=out, **options | {"epochs": reached + 2})
    assert torch.load(out / "last.pt", weights_only=True)["epoch"] == reached + 2
    epochs = [int(row["epoch"]) for row in table(out / "loss.csv")]
    assert epochs[-2:] == [reached + 1, reached + 2] and epochs.count(1) == 1


def test_weight_averaging_overlay(phantoms, tmp_path):
    bundles.run(
        "lge_scar_jdl", "train", methods=("ema",), dataset_dir=phantoms, output_dir=tmp_path, **QUICK | {"epochs": 1}
    )
    best, last = (torch.load(tmp_path / name, weights_only=True) for name in ("model.pt", "last.pt"))
    name = next(name for name in best if name.endswith("conv.weight"))
    assert torch.equal(best[name], last["ema"][name]) and not torch.equal(best[name], last["network"][name])


@pytest.mark.slow
@pytest.mark.parametrize("workflow", ["train", "evaluate", "inference"])
def test_two_ranks_on_processors(workflow, phantoms, trained, evaluated, tmp_path):
    options = {name: value for name, value in (QUICK | {"epochs": 1}).items() if name != "device"}
    if workflow != "train":
        options = {"ckpt_path": trained / "model.pt"}
    two_ranks_run(ROOT, workflow, tmp_path, dataset_dir=phantoms, output_dir=tmp_path / "out", **options)
    if workflow == "train":
        assert not any(name.startswith("module.") for name in torch.load(tmp_path / "out/model.pt", weights_only=True))
    elif workflow == "evaluate":
        assert (evaluated / "metrics.csv").read_text() == (tmp_path / "out/metrics.csv").read_text()
    else:
        assert len(table(tmp_path / "out/scar.csv")) == 2
