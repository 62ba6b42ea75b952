"""Public layouts and own files into datalists: EMIDEC, folders, DICOM studies, record sheets."""

from __future__ import annotations

import csv
import pickle

import nibabel as nib
import numpy as np
import openpyxl
import pytest
import scipy.io

from monai_jdl.data import LGEReader, load_datalist, prepare_dicom, prepare_emidec, prepare_folder, prepare_records
from monai_jdl.errors import InputError
from tests.data.conftest import OBLIQUE, stack, write_pair, write_series

SECTIONS = ("training", "validation", "testing")


def emidec(folder, infarcts, normals):
    for name in [f"Case_P{i:03d}" for i in range(infarcts)] + [f"Case_N{i:03d}" for i in range(normals)]:
        label = np.zeros((8, 6, 5))
        label[2:4, 2, 2] = [2, 3 if "P" in name else 1]
        image, mask = write_pair(folder / "raw", name, label)
        for path, kind in ((image, "Images"), (mask, "Contours")):
            (folder / f"data/{name}/{kind}").mkdir(parents=True)
            path.rename(folder / f"data/{name}/{kind}/{name}.nii.gz")
    return folder / "data"


def test_emidec_is_split_by_patient_and_stratified(tmp_path):
    data = emidec(tmp_path, 20, 10)
    path = prepare_emidec(data, tmp_path / "out", seed=3)
    assert path == tmp_path / "out/datalist.json"
    split = {section: load_datalist(path, section) for section in SECTIONS}
    counts = {section: (len(items), sum("P" in item["case"] for item in items)) for section, items in split.items()}
    assert counts["testing"] == (6, 4)
    assert counts["validation"][0] in (4, 5) and counts["validation"][1] in (3, 4)
    assert sum(count for count, _ in counts.values()) == 30
    for fold in range(5):
        infarcts = [("P" in item["case"]) for item in load_datalist(path, "validation", fold=fold)]
        assert 4 <= len(infarcts) <= 5 and 3 <= sum(infarcts) <= 4
        assert not {item["case"] for item in split["testing"]} & {
            item["case"] for item in load_datalist(path, "training", fold=fold)
        }
    assert {item["label_scheme"] for item in split["training"]} == {"emidec"}
    same, other = (prepare_emidec(data, tmp_path / f"{seed}/d.json", seed=seed).read_text() for seed in (3, 4))
    assert path.read_text() == same != other


def test_a_folder_that_is_not_emidec(tmp_path):
    with pytest.raises(InputError, match=r"holds no Case_X/Images/.*give the unpacked EMIDEC training set"):
        prepare_emidec(tmp_path, tmp_path / "out")
    data = emidec(tmp_path, 2, 2)
    (data / "Case_P001/Contours/Case_P001.nii.gz").write_text("")
    with pytest.raises(InputError, match=r"Contours/Case_P001\.nii\.gz cannot be read as NIfTI"):
        prepare_emidec(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder(tmp_path):
    for name in ("a", "b", "c"):
        write_pair(tmp_path / "data", name, np.zeros((8, 6, 5)))
    path = prepare_folder(tmp_path / "data", tmp_path / "list.json", label_scheme="emidec")
    assert {item["label_scheme"] for item in load_datalist(path, "testing")} == {"emidec"}
    assert prepare_folder(tmp_path / "data", tmp_path / "data").parent == tmp_path / "data"


def test_dicom_studies_become_nifti_with_their_geometry(tmp_path):
    write_series(tmp_path / "in/p1", patient="1")
    write_series(tmp_path / "in/p2", stack(seed=1), patient="2", rescale_intercept=-2048.0, display="psir")
    path = prepare_dicom(tmp_path / "in", tmp_path / "out")
    for case, expected in (("p1", stack()), ("p2", stack(seed=1) - 2048.0)):
        image = nib.load(tmp_path / f"out/images/{case}.nii.gz")
        np.testing.assert_array_equal(image.dataobj, expected)
        np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-4)
    write_series(tmp_path / "in/p0", stack(1), patient="0")
    with pytest.raises(InputError, match=r"1 of 3 cases failed \(p0\)"):
        prepare_dicom(tmp_path / "in", tmp_path / "out")
    assert path.exists() and "single slice" in (tmp_path / "out/errors.csv").read_text()


HEADER = [
    "Set Name", "Patient Name", "Slice Name", "LGE Data Path under Patient Directory",
    "Allow to Use (Myocardium Segmentation)", "Allow to Use (Scar Segmentation)", "Scar Exisits", "Scar Mask Exisits",
]  # fmt: skip
MYOCARDIUM = np.zeros((8, 6))
MYOCARDIUM[2:6, 1:5] = 1
SCAR = np.zeros((8, 6))
SCAR[2:4, 1:3] = 1


def slice_file(folder, name, myocardium=MYOCARDIUM, scar=SCAR, shape=(8, 6)):
    folder.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(len(name)).normal(size=shape)
    if name.endswith(".mat"):
        masks = {"myocardium_mask": myocardium, "scar_mask": scar}
        scipy.io.savemat(folder / name, {"img_PSIR": image} | {k: v for k, v in masks.items() if v is not None})
    elif myocardium is None:
        np.save(folder / name, image)
    else:
        np.save(folder / name, np.stack([image, myocardium, scar]))
    return image


def sheet(path, rows, header=HEADER):
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in [header, *rows]:
            book.active.append(row)
        book.save(path)
    else:
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return path


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
@pytest.mark.parametrize("kind", [".mat", ".npy"])
def test_slices_of_a_patient_are_stacked(tmp_path, suffix, kind):
    rows, images = [], []
    for patient in ("p 1", "p 2"):
        for z in range(3):
            images.append(slice_file(tmp_path / f"data/S/{patient}/lge", f"{z}{kind}"))
            rows.append(
                ["S", patient, f"slice {z}", f"lge\\{z}{kind}", 1, "yes", True if suffix == ".xlsx" else "True", 1]
            )
    header = [name.replace("Exisits", "Exists") if suffix == ".csv" else name for name in HEADER]
    path = prepare_records(
        sheet(tmp_path / f"s{suffix}", rows, header),
        tmp_path / "data",
        tmp_path / "out",
        pixel_spacing=(1.5, 1.25),
        slice_spacing=8.0,
        testing_patients=["S-p 2"],
    )
    (item,) = load_datalist(path, "testing")
    assert (item["case"], item["patient"], item["tasks"]) == ("S-p_2", "S-p 2", ["myocardium", "scar"])
    image, label = nib.load(item["image"]), np.asarray(nib.load(item["label"]).dataobj)
    assert image.shape == (6, 8, 3) and image.header.get_zooms() == (1.5, 1.25, 8.0)
    np.testing.assert_allclose(image.dataobj[..., 1], images[4].T.astype(np.float32))
    np.testing.assert_array_equal(label[..., 0].T, np.where(SCAR, 2, MYOCARDIUM))
    LGEReader().get_data([item["image"]])


def test_what_was_not_annotated_is_not_trained_as_absent(tmp_path):
    """Slices go into volumes by the tasks that they can train."""
    folder = tmp_path / "data/S/p"
    kinds = {
        "both": [1, 1, 1, 1],
        "no scar": [1, 1, 0, 0],  # an empty scar mask is the truth here
        "scar not drawn": [1, 1, 1, 0],
        "scar unknown": [1, 1, "", ""],
        "scar not allowed": [1, 0, 1, 1],
        "wall not allowed": [0, 1, 1, 1],
        "nothing": [0, 0, 1, 1],
    }
    rows = []
    for number, flags in enumerate(kinds.values()):
        for copy in "ab":
            slice_file(folder, f"{number}{copy}.mat", scar=0 * SCAR if flags[3] == 0 else SCAR)
            rows.append(["S", "p", "", f"{number}{copy}.mat", *flags])
    slice_file(folder, "missing.mat", myocardium=None)  # allowed, but there is no mask in the file
    slice_file(folder, "wider.npy", myocardium=None, shape=(9, 9))  # of another size: alone, so left out
    rows += [["S", "p", "", "missing.mat", 1, 1, 1, 1], ["S", "p", "", "wider.npy", 0, 0, 0, 0]]
    path = prepare_records(sheet(tmp_path / "s.csv", rows), tmp_path / "data", tmp_path / "out")
    items = load_datalist(path, "testing")
    slices = {tuple(item["tasks"]): nib.load(item["image"]).shape[2] for item in items}
    assert slices == {("myocardium", "scar"): 4, ("myocardium",): 6, ("scar",): 3}
    assert {item["patient"] for item in items} == {"S-p"}
    assert len(list((tmp_path / "out/labels").iterdir())) == 3  # none for the slices of no task
    labels = {tuple(item["tasks"]): np.asarray(nib.load(item["label"]).dataobj) for item in items}
    both, wall, scar = labels[("myocardium", "scar")], labels[("myocardium",)], labels[("scar",)]
    assert [(both[..., z] == 2).any() for z in range(4)] == [True, True, False, False]
    assert set(np.unique(wall)) == {0, 1} and (wall[..., 0].T == MYOCARDIUM).all()
    assert set(np.unique(scar)) == {0, 2}


def test_a_single_slice_joins_a_volume_of_fewer_tasks(tmp_path):
    for name in "abc":
        slice_file(tmp_path / "data/S/p", f"{name}.mat")
    rows = [
        ["S", "p", "", "a.mat", 1, 1, 1, 1],
        ["S", "p", "", "b.mat", 1, 0, 1, 1],
        ["S", "p", "", "c.mat", 1, 0, 1, 1],
    ]
    path = prepare_records(sheet(tmp_path / "s.csv", rows), tmp_path / "data", tmp_path / "out")
    (item,) = load_datalist(path, "testing")
    assert item["tasks"] == ["myocardium"] and nib.load(item["image"]).shape[2] == 3


def test_filters(tmp_path):
    rows = []
    for number, flags in enumerate(
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 0]]
    ):
        slice_file(tmp_path / "data/S/p", f"{number}.mat")
        rows.append(["S", "p", "", f"{number}.mat", *flags])
    records = sheet(tmp_path / "s.csv", rows)
    path = prepare_records(
        records,
        tmp_path / "data",
        tmp_path / "out",
        must_allow_myocardium=True,
        must_allow_scar=True,
        must_have_scar=True,
        must_have_scar_mask=True,
    )
    (item,) = load_datalist(path, "testing")
    assert nib.load(item["image"]).shape[2] == 2  # the seed's own choice
    sheet(tmp_path / "s.csv", rows[2:3])
    with pytest.raises(InputError, match="no row that passes the filters"):
        prepare_records(records, tmp_path / "data", tmp_path / "out", must_have_scar=True)


def test_wrong_sheets_and_slices_give_one_sentence(tmp_path):
    data = tmp_path / "data"
    row = ["S", "p", "", "a.mat", 1, 1, 1, 1]

    def refused(sentence, rows=(row,), header=HEADER, **options):
        with pytest.raises(InputError, match=sentence):
            prepare_records(sheet(tmp_path / "s.csv", rows, header), data, tmp_path / "out", **options)

    with pytest.raises(InputError, match=r"The record sheet .*no\.csv does not exist"):
        prepare_records(tmp_path / "no.csv", data, tmp_path / "out")
    (tmp_path / "s.xlsx").write_text("text")
    with pytest.raises(InputError, match=r"s\.xlsx cannot be read as \.xlsx"):
        prepare_records(tmp_path / "s.xlsx", data, tmp_path / "out")
    refused("lacks the column 'scarexists'", header=[*HEADER[:6], "?", HEADER[7]])
    refused("row 2: 'maybe' is neither yes nor no", rows=[[*row[:4], "maybe", 1, 1, 1]])
    refused(r"a\.mat, named in the record sheet, does not exist")
    refused("has no patient 'S-q'", testing_patients=["S-q"])
    folder = data / "S/p"
    folder.mkdir(parents=True)
    (folder / "a.mat").write_text("text")
    refused(r"a\.mat cannot be read")
    scipy.io.savemat(folder / "a.mat", {"scar_mask": SCAR})
    refused(r"a\.mat has no array img_PSIR")
    slice_file(folder, "a.mat", scar=np.zeros((4, 4)))
    refused(r"a\.mat has scar_mask of type float64 and shape \(4, 4\)")
    scipy.io.savemat(folder / "a.mat", {"img_PSIR": np.array([["a", "b"]], dtype=object)})
    refused(r"a\.mat has img_PSIR of type object")
    with open(folder / "p.npy", "wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refused(r"p\.npy cannot be read .*allow_pickle=False", rows=[[*row[:3], "p.npy", 1, 1, 1, 1]])
    (folder / "q.pkl").write_bytes(pickle.dumps(SCAR))
    refused(r"q\.pkl is neither \.mat nor \.npy", rows=[[*row[:3], "q.pkl", 1, 1, 1, 1]])
