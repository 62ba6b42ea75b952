"""Data lists: layouts, defaults, splits by patient, and wrong lists."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import default_collate

from monai_jdl.data import check_shared_out, load_datalist, write_datalist
from monai_jdl.data.datalist import deal_folds
from monai_jdl.errors import InputError
from tests.data.conftest import write_pair, write_series

LABEL = np.zeros((8, 6, 5), np.uint8)
SECTIONS = ("training", "validation", "testing")


def fill(folder, names):
    for name in names:
        write_pair(folder, name, LABEL)


def entries(names, **more):
    return [{"image": f"images/{name}.nii.gz", "label": f"labels/{name}.nii.gz", **more} for name in names]


def dump(path, content):
    path.write_text(json.dumps(content))
    return path


def cases(path, section, **options):
    return [item["case"] for item in load_datalist(path, section, **options)]


def test_given_sections_are_kept_with_defaults(tmp_path):
    fill(tmp_path, "abcde")
    path = write_datalist(
        tmp_path / "datalist.json",
        {
            "training": [*entries("a", patient="P1", tasks=["scar"]), *entries("b", patient="P1")],
            "validation": entries("c"),
            "testing": [*entries("d"), {"image": "images/e.nii.gz"}],
        },
        "emidec",
    )
    for where in (path, tmp_path, str(tmp_path)):
        assert [cases(where, section) for section in SECTIONS] == [["a", "b"], ["c"], ["d"]]
    first = load_datalist(path, "training")[0]
    assert first == {
        "image": str(tmp_path / "images/a.nii.gz"),
        "label": str(tmp_path / "labels/a.nii.gz"),
        "case": "a",
        "patient": "P1",
        "fold": first["fold"],
        "tasks": ["scar"],
        "label_scheme": "emidec",
    }
    assert load_datalist(path, "testing")[0]["tasks"] == ["myocardium", "scar"]
    default_collate([load_datalist(path, section)[0] for section in ("validation", "testing")])  # nothing is None


def test_a_bare_list(tmp_path):
    fill(tmp_path, ["a", "b"])
    path = dump(tmp_path / "list.json", entries(["a", "b"]))
    assert sorted(cases(path, "training") + cases(path, "validation")) == ["a", "b"]
    assert {item["label_scheme"] for item in load_datalist(path, "testing")} == {"jdl"}


def test_msd_dataset_json(tmp_path):
    fill(tmp_path, "abcdef")
    content = {
        "labels": {"0": "background"},
        "numTraining": 5,
        "training": entries("abcde"),
        "test": ["./images/f.nii.gz"],
    }
    dump(tmp_path / "dataset.json", content)
    assert sorted(cases(tmp_path, "training") + cases(tmp_path, "validation")) == list("abcde")
    assert len(cases(tmp_path, "validation")) == 1
    assert cases(tmp_path, "testing") == cases(tmp_path, "validation")  # the test list has no labels


@pytest.mark.parametrize("tr", ["", "Tr"])
def test_image_and_label_folders(tmp_path, tr):
    for number, (image, label) in enumerate([("A_0000", "a"), ("b", "B_seg"), ("c", "c-label")]):
        write_pair(tmp_path / "raw", str(number), LABEL)
        for kind, name in (("images", image), ("labels", label)):
            target = tmp_path / f"data/{kind}{tr}/{name}.nii.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / f"raw/{kind}/{number}.nii.gz").rename(target)
    write_series(tmp_path / f"data/images{tr}/d")
    write_pair(tmp_path / "raw", "d", LABEL)[1].rename(tmp_path / f"data/labels{tr}/d.nii.gz")
    (tmp_path / f"data/images{tr}/unlabelled.nii.gz").write_text("")
    if tr:  # nnU-Net's file of the same name, which lists no cases
        dump(tmp_path / "data/dataset.json", {"labels": {"background": 0}, "numTraining": 4, "file_ending": ".nii.gz"})
    pairs = {
        item["image"].split("/")[-1]: item["label"].split("/")[-1]
        for section in ("training", "validation")
        for item in load_datalist(tmp_path / "data", section)
    }
    assert pairs == {
        "A_0000.nii.gz": "a.nii.gz", "b.nii.gz": "B_seg.nii.gz", "c.nii.gz": "c-label.nii.gz", "d": "d.nii.gz",
    }  # fmt: skip


def test_emidec_layout(tmp_path):
    for name in ("Case_N001", "Case_P002", "Case_P003"):
        image, label = write_pair(tmp_path / "raw", name, LABEL)
        for path, kind in ((image, "Images"), (label, "Contours")):
            (tmp_path / f"data/{name}/{kind}").mkdir(parents=True)
            path.rename(tmp_path / f"data/{name}/{kind}/{name}.nii.gz")
    items = load_datalist(tmp_path / "data", "training") + load_datalist(tmp_path / "data", "validation")
    assert sorted(item["case"] for item in items) == ["Case_N001", "Case_P002", "Case_P003"]
    assert {item["label_scheme"] for item in items} == {"emidec"}
    assert all(f"{item['case']}/Contours/{item['case']}.nii.gz" in item["label"] for item in items)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=30), st.integers(0, 2**31), st.data())
def test_splits_are_by_patient_and_whole(tmp_path_factory, scans, seed, data):
    folder = tmp_path_factory.mktemp("list")
    (folder / "x").write_text("")
    listed = [
        {"image": "x", "label": "x", "case": f"{patient}-{scan}", "patient": str(patient)}
        for patient, count in enumerate(scans)
        for scan in range(count)
    ]
    path = dump(folder / "datalist.json", data.draw(st.permutations(listed)))
    training, validation = (load_datalist(path, section, seed=seed) for section in SECTIONS[:2])
    assert len(training) + len(validation) == len(listed)
    held_out = {item["patient"] for item in validation}
    assert not held_out & {item["patient"] for item in training}
    assert len(held_out) == -(-len(scans) // 5)
    again = load_datalist(path, "validation", seed=seed)
    assert again == validation
    folds = [
        {item["patient"] for item in load_datalist(path, "validation", seed=seed, fold=k)}
        for k in range(min(5, len(scans)))
    ]
    assert sum(map(len, folds)) == len(set().union(*folds)) == len(scans)
    assert folds[0] == held_out


def test_the_seed_changes_the_split(tmp_path):
    fill(tmp_path, "abcdefghij")
    splits = {tuple(cases(tmp_path, "validation", seed=seed)) for seed in range(8)}
    assert len(splits) > 3


@given(st.lists(st.integers(0, 12), min_size=1, max_size=3), st.integers(0, 99))
def test_strata_are_dealt_evenly(sizes, seed):
    strata = [[f"{stratum}/{name}" for name in range(size)] for stratum, size in enumerate(sizes)]
    folds = deal_folds(strata, seed)
    for stratum in [*strata, list(folds)]:
        counts = [sum(folds[name] == fold for name in stratum) for fold in range(5)]
        assert max(counts) - min(counts) <= 1


def test_given_folds_are_used(tmp_path):
    fill(tmp_path, "abcd")
    listed = [*entries("a", fold=1), *entries("b", fold=1), *entries("c", fold=2)]
    path = dump(tmp_path / "l.json", {"training": listed, "validation": entries("d", fold=0)})
    assert cases(path, "validation") == ["d"]
    assert cases(path, "validation", fold=1) == cases(path, "testing", fold=1) == ["a", "b"]
    assert cases(path, "training", fold=1) == ["c", "d"]
    with pytest.raises(InputError, match=r"no case in fold 3; its folds are 0, 1, 2"):
        load_datalist(path, "training", fold=3)


def test_testing_falls_back(tmp_path):
    fill(tmp_path, "abc")
    path = dump(tmp_path / "l.json", {"training": entries("ab"), "validation": entries("c")})
    assert cases(path, "testing") == ["c"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"training": []}, "lists no case; it needs"),
        ("text", "is no datalist"),
        ({"training": [{"label": "labels/a.nii.gz"}]}, "entry without an image in training"),
        ({"training": entries("abx")}, r"x\.nii\.gz, the image of case x in .*, does not exist"),
        ({"training": [{"image": "images/a.nii.gz"}]}, "lists no case with a label map"),
        ({"training": entries("ab"), "testing": entries("c", patient="a")}, "patient 'a' in both training and testing"),
        ({"training": [*entries("a", patient="P", fold=0), *entries("bc", patient="P", fold=1)]}, "'P' in two folds"),
        ({"training": [*entries("a", fold=0), *entries("bc")]}, "a fold to some cases only"),
        (
            {"training": entries("ab", label_scheme="mine")},
            "names the label scheme 'mine' for a; it must be jdl or emidec",
        ),
        ({"training": entries("ab", tasks=["lesion"])}, r"names the tasks \['lesion'\] for a"),
        (entries("a"), "leaves no labelled case for training; it takes cases of at least two patients"),
    ],
)
def test_wrong_lists_give_one_sentence(tmp_path, content, sentence):
    fill(tmp_path, "abc")
    path = dump(tmp_path / "l.json", content)
    with pytest.raises(InputError, match=sentence) as refusal:
        for section in ("training", "validation"):
            load_datalist(path, section)
    assert str(path) in str(refusal.value)


def test_wrong_folders_give_one_sentence(tmp_path):
    with pytest.raises(InputError, match=f"^{tmp_path} holds no datalist.json.*monai-jdl prepare"):
        load_datalist(tmp_path, "training")
    with pytest.raises(InputError, match="nowhere does not exist"):
        load_datalist(tmp_path / "nowhere", "training")
    write_pair(tmp_path, "a", LABEL)[1].rename(tmp_path / "labels/b.nii.gz")
    with pytest.raises(InputError, match=r"No image in .*images has a label map of the same name in .*labels"):
        load_datalist(tmp_path, "training")
    (tmp_path / "datalist.json").write_text("{")
    with pytest.raises(InputError, match=r"datalist\.json cannot be read as a datalist"):
        load_datalist(tmp_path, "training")
    with pytest.raises(ValueError, match="section must be"):
        load_datalist(tmp_path, "train")


def test_a_written_list_moves_with_its_folder(tmp_path):
    fill(tmp_path / "here", "ab")
    elsewhere = write_pair(tmp_path / "other", "c", LABEL)[0]
    listed = [{**entry, "image": str(tmp_path / "here" / entry["image"])} for entry in entries("ab")]
    write_datalist(tmp_path / "here/datalist.json", {"training": [*listed, {"image": elsewhere, "label": None}]}, "jdl")
    (tmp_path / "here").rename(tmp_path / "there")
    assert sorted(cases(tmp_path / "there", "training") + cases(tmp_path / "there", "validation")) == ["a", "b"]
    assert json.loads((tmp_path / "there/datalist.json").read_text())["training"][2]["image"] == str(elsewhere)


def test_every_process_needs_a_case():
    check_shared_out([{}, {}], 2)
    with pytest.raises(InputError, match="1 cases to validate for 2 processes"):
        check_shared_out([{}], 2)
