"""Finding cases, and going through them although some are bad."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from monai.inferers import SliceInferer
from monai.transforms import Compose, EnsureChannelFirstd, Invertd, LoadImaged, SaveImaged, Spacingd
from pydicom.data import get_testdata_file

from monai_jdl.data import (
    AtomicNibabelWriter,
    CaseDataset,
    LGEReader,
    case_output_name,
    check_output_dir,
    find_cases,
    save_nifti,
    write_datalist,
)
from monai_jdl.errors import InputError
from tests.data.conftest import OBLIQUE, edit, stack, write_series

LOAD = Compose([LoadImaged(keys="image", reader=LGEReader()), EnsureChannelFirstd(keys="image")])


def names(folder, **options):
    return sorted(item["case"] for item in find_cases(folder, **options))


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def nifti(path, slices=5):
    return save_nifti(path, stack(slices), OBLIQUE)


def test_any_mixture_nested_at_will(tmp_path):
    nifti(tmp_path / "deep/er/one.nii.gz")
    nifti(tmp_path / "two.nii")
    nifti(tmp_path / "labels/one.nii.gz")
    nifti(tmp_path / "two_seg.nii.gz")
    nifti(tmp_path / "two_prob.nii.gz")
    nifti(tmp_path / "._two.nii.gz")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "contours").mkdir()
    write_series(tmp_path / "patients/p1/series 1", patient="1")
    write_series(tmp_path / "patients/p1/series 2", patient="1", series_number=2, display="psir")
    write_series(tmp_path / "patients/p2", patient="2")
    for path in (tmp_path / "patients/p2").iterdir():
        path.rename(path.with_suffix(""))  # no suffix: recognised by its content
    items = {item["case"]: item["image"] for item in find_cases(tmp_path)}
    assert sorted(items) == ["one", "p1", "p2", "two"]
    assert items["one"] == str(tmp_path / "deep/er/one.nii.gz")
    assert len(items["p1"]) == 5 and all("series 2" in path for path in items["p1"])
    volume, _ = LGEReader().get_data(items["p1"])
    np.testing.assert_array_equal(volume, stack())
    assert all("series 1" in path for path in find_cases(tmp_path, series="1")[-2]["image"])


def test_names_are_unique_and_safe(tmp_path):
    for name in ("Case_1", "Case_2"):
        nifti(tmp_path / f"emidec/{name}/Images/{name}.nii.gz")
        nifti(tmp_path / f"emidec/{name}/Contours/{name}.nii.gz")
        nifti(tmp_path / f"same/{name}/lge.nii.gz")
        nifti(tmp_path / f"twice/{name}/a/lge.nii.gz")
        nifti(tmp_path / f"twice/{name}/b/lge.nii.gz")
    assert names(tmp_path / "emidec") == ["Case_1", "Case_2"]
    assert names(tmp_path / "same") == ["Case_1", "Case_2"]
    assert names(tmp_path / "twice") == ["Case_1_a_lge", "Case_1_b_lge", "Case_2_a_lge", "Case_2_b_lge"]
    nifti(tmp_path / "odd/ä b:c.nii.gz")
    nifti(tmp_path / "odd/_ b c.nii.gz")
    assert names(tmp_path / "odd") == ["b_c", "b_c_2"]


def test_two_patients_in_one_folder_are_two_cases(tmp_path):
    for patient in ("A", "B"):
        for file in write_series(tmp_path / patient, patient=patient):
            file.rename(tmp_path / f"{patient}{file.name}")
        (tmp_path / patient).rmdir()
    assert names(tmp_path) == ["A", "B"]
    for item in find_cases(tmp_path):
        assert LGEReader().get_data(item["image"])[0].shape == (8, 6, 5)


def test_one_file_or_a_datalist(tmp_path):
    image = nifti(tmp_path / "a.nii.gz")
    assert find_cases(image) == [{"image": str(image), "case": "a"}]
    slice_file = write_series(tmp_path / "study")[2]
    assert find_cases(slice_file) == [{"image": str(slice_file), "case": slice_file.stem}]
    both = write_datalist(
        tmp_path / "both.json", {"training": [{"image": image}], "testing": [{"image": "b.nii"}]}, "jdl"
    )
    assert names(both) == ["b"]
    one = write_datalist(tmp_path / "one.json", {"training": [{"image": image, "case": "first"}]}, "jdl")
    assert find_cases(one) == [{"image": str(image), "case": "first"}]


def test_nothing_to_do_is_said(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        find_cases(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is empty; give --dataset_dir"):
        find_cases(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=f"^{tmp_path} holds no image"):
        find_cases(tmp_path)
    (tmp_path / "list.json").write_text("{")
    with pytest.raises(InputError, match=r"list\.json cannot be read as a datalist"):
        find_cases(tmp_path / "list.json")


@pytest.fixture
def mixed(tmp_path):
    """Two good cases among five bad ones."""
    folder = tmp_path / "data"
    nifti(folder / "good.nii.gz")
    (folder / "text.nii.gz").write_text("text")
    nifti(folder / "flat.nii.gz", slices=1)
    write_series(folder / "study", patient="study")
    for file in write_series(folder / "gap", patient="gap")[2:3]:
        file.unlink()
    for file in write_series(folder / "cine", patient="cine"):
        edit(file, lambda image: setattr(image, "TriggerTime", "900"), file.with_name(f"x{file.name}"))
    (folder / "report").mkdir()
    shutil.copy(get_testdata_file("test-SR.dcm"), folder / "report")
    return folder


def test_bad_cases_are_recorded_and_the_others_finished(mixed, tmp_path):
    dataset = CaseDataset(find_cases(mixed), LOAD, tmp_path / "out/errors.csv")
    loaded = {item["image"].meta["case"]: item["image"] for item in dataset}
    assert sorted(loaded) == ["good", "study"] and loaded["study"].shape == (1, 8, 6, 5)
    with pytest.raises(InputError, match=r"5 of 7 cases failed \(.*\), see .*errors\.csv; the first: .*"):
        dataset.raise_if_any()
    rows = {row["case"]: row["error"] for row in table(tmp_path / "out/errors.csv")}
    assert sorted(rows) == ["cine", "flat", "gap", "report", "text"]
    for case, words in {"cine": "choose one with --phase", "gap": "slice missing", "report": "no image placed"}.items():
        assert words in rows[case] and str(mixed / case) in rows[case]
    dataset.data = [item for item in dataset.data if item["case"] in loaded]
    assert len(list(dataset)) == 2
    dataset.raise_if_any()
    assert not (tmp_path / "out/errors.csv").exists()  # of the earlier run


def test_other_errors_of_a_transform_are_recorded(mixed):
    def broken(item):
        try:
            raise ZeroDivisionError("by\nzero")
        except ZeroDivisionError as error:
            raise RuntimeError("applying transform") from error

    dataset = CaseDataset(find_cases(mixed / "good.nii.gz"), broken)
    assert list(dataset) == []
    with pytest.raises(InputError, match=r"^ZeroDivisionError: by zero$"):
        dataset.raise_if_any()


def test_workers_are_refused(mixed, monkeypatch):
    monkeypatch.setattr("monai_jdl.data.cases.get_worker_info", lambda: "a worker")
    with pytest.raises(RuntimeError, match="num_workers to 0"):
        next(iter(CaseDataset(find_cases(mixed), LOAD)))


class Threshold(torch.nn.Module):
    def forward(self, x):
        return (x > 2000).float()


def evaluate(data, out):
    """The way of the bundle's inference: load, resample, network on slices, invert, save."""
    before = Compose([*LOAD.transforms, Spacingd(keys="image", pixdim=(1.0, 1.0, -1.0))])
    after = Compose(
        [
            Invertd(keys="pred", transform=before, orig_keys="image", nearest_interp=True),
            SaveImaged(
                keys="pred",
                output_dir=out,
                output_postfix="seg",
                output_dtype=np.uint8,
                resample=False,
                print_log=False,
                writer="monai_jdl.data.AtomicNibabelWriter",
                output_name_formatter=case_output_name,
            ),
        ]
    )
    dataset = CaseDataset(data, before, out / "errors.csv")
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(dataset, batch_size=1, num_workers=0),
        network=Threshold(),
        inferer=SliceInferer(roi_size=(-1, -1), spatial_dim=2),
        postprocessing=after,
    )
    evaluator.run()
    return dataset, evaluator


def test_names_with_dots_stay_apart(tmp_path):
    for uid in ("1.2.840.1", "1.2.840.2"):
        nifti(tmp_path / "data" / f"{uid}.nii.gz")
    evaluate(find_cases(tmp_path / "data"), tmp_path / "out")
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.gz"))
    assert files == [f"{uid}/{uid}_seg.nii.gz" for uid in ("1.2.840.1", "1.2.840.2")]


def test_monais_evaluator_runs_over_it_and_names_files_by_case(mixed, tmp_path):
    dataset, evaluator = evaluate(find_cases(mixed), tmp_path / "out")
    assert evaluator.state.iteration == 2
    dataset.write_errors()
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["errors.csv", "good/good_seg.nii.gz", "study/study_seg.nii.gz"]
    for case in ("good", "study"):
        image = nib.load(tmp_path / f"out/{case}/{case}_seg.nii.gz")
        assert image.shape == (8, 6, 5) and image.get_data_dtype() == np.uint8
        np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-3)


def test_monais_evaluator_ends_when_every_case_fails(mixed, tmp_path):
    bad = [item for item in find_cases(mixed) if item["case"] not in ("good", "study")]
    dataset, evaluator = evaluate(bad, tmp_path / "out")
    assert evaluator.state.iteration == 0
    with pytest.raises(InputError, match="5 of 5 cases failed"):
        dataset.raise_if_any()


def rank_main(rank, folder, out, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    dataset = CaseDataset(find_cases(folder), LOAD, out / "errors.csv")
    mine = [item["case"] for item in dataset]
    dataset.write_errors()
    (out / f"{rank}.json").write_text(json.dumps([mine, [error["case"] for error in dataset.errors]]))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_ranks_share_the_cases_and_gather_the_errors(mixed, tmp_path):
    port = 20000 + os.getpid() % 20000
    spawn = multiprocessing.get_context("spawn")
    ranks = [spawn.Process(target=rank_main, args=(rank, mixed, tmp_path, port)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(120)
        assert rank.exitcode == 0
    (first, errors), (second, same) = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert sorted(first + second) == ["good", "study"]
    assert errors == same == [row["case"] for row in table(tmp_path / "errors.csv")]
    assert sorted(errors) == ["cine", "flat", "gap", "report", "text"]


def test_a_file_that_fails_while_written_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(nib, "save", lambda image, path: (open(path, "w").write("half"), 1 / 0))
    writer = AtomicNibabelWriter(output_dtype=np.uint8)
    writer.set_data_array(torch.zeros(1, 4, 4, 2))
    writer.set_metadata({"affine": torch.eye(4)}, resample=False)
    with pytest.raises(ZeroDivisionError):
        writer.write(tmp_path / "a.nii.gz")
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_written(tmp_path):
    assert check_output_dir(tmp_path / "a/b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/out cannot be written .*; give another folder"):
        check_output_dir(tmp_path / "file/out")
