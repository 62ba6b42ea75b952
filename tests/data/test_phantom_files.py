"""Phantoms on disk: the same voxels, places and bytes, in NIfTI and DICOM."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from monai_jdl.data import CheckLabelGridd, LabelReader, LGEReader, find_cases, load_datalist, write_phantoms
from monai_jdl.errors import InputError
from monai_jdl.phantoms import simulate


@pytest.fixture(scope="module")
def examinations():
    """Both displays, and slices stored in both directions."""
    drawn = [simulate(seed, size=64, display=("psir", "magnitude")[seed % 2]) for seed in range(1, 5)]
    assert {np.linalg.det(case.affine[:3, :3]) > 0 for case in drawn} == {True, False}
    return drawn


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("file_format", ["nifti", "dicom"])
def test_signal_and_truth_come_back_on_the_same_places(tmp_path, examinations, file_format):
    path = write_phantoms(
        tmp_path, {"training": examinations[:2], "testing": examinations[2:]}, file_format=file_format
    )
    load = Compose(
        [
            LoadImaged(keys="image", reader=LGEReader()),
            LoadImaged(keys="label", reader=LabelReader()),
            EnsureChannelFirstd(keys=["image", "label"]),
            CheckLabelGridd(keys="label"),
        ]
    )
    items = load_datalist(path, "training") + load_datalist(path, "validation") + load_datalist(path, "testing")
    assert sorted(item["case"] for item in items) == [f"phantom_{case.seed}" for case in examinations]
    assert [item["case"] for item in load_datalist(path, "testing")] == ["phantom_3", "phantom_4"]
    for item in items:
        case = examinations[int(item["case"].removeprefix("phantom_")) - 1]
        loaded = load(item)
        flipped = file_format == "dicom" and np.linalg.det(case.affine[:3, :3]) < 0
        image, label = (loaded[key][0].numpy()[..., :: -1 if flipped else 1] for key in ("image", "label"))
        np.testing.assert_array_equal(image, case.image + case.rescale_intercept)
        np.testing.assert_array_equal(label, case.label)
        corner = np.array([3, 5, case.image.shape[2] - 1 if flipped else 0, 1])
        np.testing.assert_allclose(loaded["image"].affine @ corner, case.affine @ [3, 5, 0, 1], atol=1e-3)
    told = json.loads(path.read_text())["testing"][0]
    assert (told["seed"], told["kind"], told["display"]) == (3, examinations[2].kind, examinations[2].display)


@pytest.mark.parametrize("file_format", ["nifti", "dicom"])
def test_the_same_cases_give_the_same_bytes(tmp_path, examinations, file_format):
    for name in ("a", "b"):
        write_phantoms(tmp_path / name, examinations[:2], file_format=file_format)
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    write_phantoms(tmp_path / "a", examinations[:2], file_format=file_format)
    assert first == contents(tmp_path / "a")


def test_dicom_is_as_a_scanner_would_export_it(tmp_path, examinations):
    write_phantoms(tmp_path, examinations[:2], file_format="dicom")
    for case in examinations[:2]:
        files = sorted((tmp_path / f"images/phantom_{case.seed}").iterdir())
        headers = [pydicom.dcmread(file) for file in files]
        assert all(header.SOPClassUID.name == "MR Image Storage" for header in headers)
        assert len({header.SOPInstanceUID for header in headers}) == len(files) == case.image.shape[2]
        assert len({header.SeriesInstanceUID for header in headers}) == 1
        assert ("PSIR" in headers[0].ImageType) == (case.display == "psir")
        by_number = sorted(headers, key=lambda header: header.InstanceNumber)
        assert [float(header.InversionTime) for header in by_number] == case.inversion_times.tolist()
        assert headers != by_number  # names do not follow position
        positions = np.array([header.ImagePositionPatient for header in by_number], float)
        np.testing.assert_allclose(np.linalg.norm(np.diff(positions, axis=0), axis=1), case.spacing[2], atol=1e-4)
        assert float(headers[0].SliceThickness) == case.slice_thickness
        assert float(headers[0].SpacingBetweenSlices) == pytest.approx(case.spacing[2], abs=1e-4)
        for header, z in zip(by_number, range(len(files)), strict=True):
            np.testing.assert_array_equal(header.pixel_array.T, case.image[..., z])
    uids = {pydicom.dcmread(path).StudyInstanceUID for path in (tmp_path / "images").rglob("*.dcm")}
    assert len(uids) == 2
    assert sorted(item["case"] for item in find_cases(tmp_path)) == ["phantom_1", "phantom_2"]


def test_fewer_slices_than_an_earlier_run_leave_none_behind(tmp_path, examinations):
    folder = tmp_path / "images/phantom_1"
    folder.mkdir(parents=True)
    (folder / "IM9999.dcm").write_text("old")
    (folder / "notes.txt").write_text("mine")
    write_phantoms(tmp_path, examinations[:1], file_format="dicom")
    assert not (folder / "IM9999.dcm").exists() and (folder / "notes.txt").exists()


def test_a_relative_folder_and_any_working_directory(tmp_path, examinations, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_phantoms("here/out", examinations[:2])
    monkeypatch.chdir("/")
    assert len(load_datalist(path, "training") + load_datalist(path, "validation")) == 2


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match="file_format"):
        write_phantoms(tmp_path, [], file_format="png")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_phantoms(tmp_path / "file", [])
