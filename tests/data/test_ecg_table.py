"""Tables of ECGs: every way to write one down, what is refused, and how patients are divided."""

from __future__ import annotations

import logging
import os

import numpy as np
import pytest

from monai_jdl.data import find_ecgs, load_ecg_table, write_ecg_csv, write_ecg_phantoms, write_ecg_table
from monai_jdl.errors import InputError
from monai_jdl.phantoms import simulate_ecg
from tests.data.ecg_tables import COLUMNS, ROWS, files, patients_of, refused, table


def test_what_a_row_becomes(tmp_path):
    path = table(tmp_path)
    training = load_ecg_table(tmp_path, "training")
    assert training[0]["image"] == str(tmp_path / "pages/a.png")
    assert [(item["case"], item["patient"]) for item in training] == [("a", "A"), ("b", "B")]
    np.testing.assert_array_equal(training[0]["label"], np.array([1, 0], np.float32))  # 50 is not below 50
    np.testing.assert_array_equal(training[1]["label"], np.array([0, 1], np.float32))
    np.testing.assert_array_equal(training[0]["clinical"], np.array([71.5, 1, 0, 1, 0, 1], np.float32))
    np.testing.assert_array_equal(training[1]["clinical"], [np.nan, 0, *[np.nan] * 4])
    assert training[0]["label"].dtype == training[0]["clinical"].dtype == np.float32
    assert training[1]["row"]["lvef"] == "49.9" and list(training[1]["row"]) == COLUMNS
    np.testing.assert_array_equal(load_ecg_table(path, "validation")[0]["label"], [0, np.nan])
    np.testing.assert_array_equal(load_ecg_table(path, "testing")[0]["label"], [np.nan, 1])


@pytest.mark.parametrize(
    ("threshold", "rule", "reduced"),
    [(50, "lt", [0, 1, 1]), (50, "le", [1, 1, 1]), (40, "lt", [0, 0, 0]), ("40", "le", [0, 0, 1])],
)
def test_the_rule_of_reduced_lvef(tmp_path, threshold, rule, reduced):
    table(tmp_path, [["a.png", 50, "test"], ["b.png", 49.9, "test"], ["c.png", 40, "test"]], ["path", "lvef", "split"])
    items = load_ecg_table(tmp_path, "testing", lvef_threshold=threshold, lvef_rule=rule)
    assert [item["label"][1] for item in items] == reduced and all(np.isnan(item["label"][0]) for item in items)


def test_the_mtecg_table_is_understood(tmp_path):
    columns = ["File_Name", "run_num", "SCAR CAD", "lvef", "age", "female_gender", "DM", "HT", "smoke", "dlp", "split"]
    clinical = [70, 1, 0, 1, 0, 1]
    rows = [
        [f"ecg {k}", k, k % 2, 30 + k, *clinical, split]
        for k, split in enumerate(("old_train", "new_valid", "old_test"))
    ]
    table(tmp_path, rows, columns)
    files(tmp_path, "images/ecg 0_0.jpg", "images/ecg 1_1.jpg", "images/ecg 2_2.jpg", "images/notes.txt")
    found = {section: load_ecg_table(tmp_path, section) for section in ("training", "validation", "testing")}
    for k, (item,) in enumerate(found.values()):
        assert item["image"] == str(tmp_path / f"images/ecg {k}_{k}.jpg")
        np.testing.assert_array_equal(item["clinical"], clinical)
        assert item["label"][0] == k % 2


def test_the_mtecg_split_by_year(tmp_path):
    wanted = {
        2009: "training",
        2015: "validation",
        2016: "testing",
        2017: "training",
        2018: "validation",
        2019: "testing",
    }
    flags = {2017: (1, 0), 2018: (0, 1), 2019: (0, 0)}
    rows = [[f"{year}.png", 1, year, *flags.get(year, ("", ""))] for year in wanted]
    table(tmp_path, rows, ["path", "scar_cad", "year", "train_80_percent", "develop_10_percent"])
    for section in ("training", "validation", "testing"):
        found = {int(item["case"]) for item in load_ecg_table(tmp_path, section)}
        assert found == {year for year, of_year in wanted.items() if of_year == section}


@pytest.mark.parametrize(
    ("separator", "encoding", "decimal"),
    [(",", "utf-8", "."), (",", "utf-8-sig", "."), (";", "utf-8-sig", ","), ("\t", "utf-8", ","), ("\t", "utf-8", ".")],
)
def test_dialects_of_csv(tmp_path, separator, encoding, decimal):
    rows = [["ä.png", "Jürgen, M.", f"49{decimal}5", "test"]]
    rows[0][1] = f'"{rows[0][1]}"'
    table(tmp_path, rows, ["path", "patient", "LVEF", "split"], separator=separator, encoding=encoding)
    (item,) = load_ecg_table(tmp_path, "testing")
    assert item["patient"] == "Jürgen, M." and item["label"][1] == 1 and item["row"]["path"] == "ä.png"


def test_a_workbook_is_read_as_a_csv_is(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in (COLUMNS, *ROWS):
        book.active.append([float(cell) if str(cell).replace(".", "").isdigit() else cell or None for cell in line])
    (tmp_path / "book").mkdir()
    book.save(tmp_path / "book/patients.xlsx")
    table(tmp_path)
    files(tmp_path / "book", *(row[0] for row in ROWS))
    for section in ("training", "validation", "testing"):
        for one, other in zip(
            load_ecg_table(tmp_path, section), load_ecg_table(tmp_path / "book", section), strict=True
        ):
            for key in ("label", "clinical"):
                np.testing.assert_array_equal(one[key], other[key])
            assert one["patient"] == other["patient"]


def test_words_for_yes_no_and_sex(tmp_path):
    rows = [["a.png", "yes", "m", "test"], ["b.png", "No", "Female", "test"], ["c.png", "TRUE", "", "test"]]
    table(tmp_path, rows, ["path", "scar", "sex", "split"])
    items = load_ecg_table(tmp_path, "testing")
    assert [item["label"][0] for item in items] == [1, 0, 1]
    np.testing.assert_array_equal([item["clinical"][1] for item in items], [0, 1, np.nan])


def cell(column, value, row=1):
    """The rows of the table above with another value in one cell."""
    changed = [list(line) for line in ROWS]
    changed[row][COLUMNS.index(column)] = value
    return changed


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("age", "old", ["row 3, column age: 'old' is no number; write years"]),
        ("age", "-1", ["row 3, column age: '-1' cannot be"]),
        ("age", "300", ["row 3, column age: '300' cannot be; write years, 0 to 120"]),
        ("lvef", "101", ["row 3, column lvef: '101' cannot be; write per cent"]),
        ("lvef", "inf", ["row 3, column lvef"]),
        ("scar", "0.4", ["row 3, column scar: '0.4' is neither 0 nor 1"]),
        ("smoke", "2", ["row 3, column smoke: '2' is neither 0 nor 1"]),
        ("split", "holdout", ["row 3, column split: 'holdout' is no split; write train, validation or test"]),
        ("split", "", ["row 3: it has no split, but other rows do"]),
        ("path", "", ["row 3, column path: it is empty"]),
        ("path", "pages/a.png", ["lists", "a.png in rows 2 and 3", "once"]),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(tmp_path, column, value, words):
    table(tmp_path, cell(column, value))
    refused(tmp_path, *words)


def test_a_patient_in_two_splits_is_refused(tmp_path):
    rows = [[f"{k}.png", patient, split, 1] for k, (patient, split) in enumerate(
        [("A", "train"), ("B", "train"), ("A", "test"), ("C", "valid"), ("B", "train"), ("C", "test"), ("D", "test")]
    )]  # fmt: skip
    table(tmp_path, rows, ["path", "patient", "split", "scar"])
    sentence = refused(tmp_path, "A (row 2 training, row 4 testing), C (row 5 validation, row 7 testing)", "one split")
    assert "B (" not in sentence and "D (" not in sentence
    for section in ("validation", "testing"):
        refused(tmp_path, "A (row 2", section=section)


def test_a_table_that_names_no_patients_is_taken_with_a_warning(tmp_path, caplog):
    table(tmp_path, [[f"{k}.png", 1, "train"] for k in range(3)] + [["v.png", 0, "val"]], ["path", "scar", "split"])
    with caplog.at_level(logging.WARNING):
        items = load_ecg_table(tmp_path, "training")
    assert len(patients_of(items)) == 3
    assert "4 of 4 rows name no patient" in caplog.text and "better than they are" in caplog.text
    caplog.clear()
    (tmp_path / "named").mkdir()
    table(tmp_path / "named")
    load_ecg_table(tmp_path / "named", "training")
    assert not caplog.text


def test_what_is_no_table_is_refused(tmp_path):
    refused(tmp_path, "holds no table of ECGs; give a CSV with the columns path, patient, scar, lvef and split")
    refused(tmp_path / "nothing", "does not exist")
    table(tmp_path, [["a", 1]], ["ecg", "scar"])
    refused(tmp_path, "has no column path", "its columns are ecg, scar, and path, patient", "expected")
    table(tmp_path, [])
    refused(tmp_path, "has no row below")
    (tmp_path / "patients.csv").write_text("")
    refused(tmp_path, "is empty")
    for encoding in ("cp1252", "utf-16", "utf-16-le"):
        table(tmp_path, [["a.png", "Jürgen", 1]], ["path", "patient", "scar"], encoding=encoding)
        refused(tmp_path, "not in UTF-8; save it as 'CSV UTF-8' or as .xlsx")
    table(tmp_path, [["a.png", "A", "49,5", 1]], ["path", "patient", "lvef", "scar"])  # shifts all cells after it
    refused(tmp_path, "row 2: it has 5 cells, but only 4 columns have a name", "semicolons")
    table(tmp_path, [["a.png", 1, 0]], ["path", "female", "sex"])
    refused(tmp_path, "says female in the columns 'female' and 'sex'")
    table(tmp_path, [["a.png", 1]], ["path", "sex"])
    refused(tmp_path, "row 2, column sex: '1' is neither m nor f")
    table(tmp_path, [["a.png", 0.55], ["b.png", 0.6]], ["path", "lvef"])
    refused(tmp_path, "no LVEF above 1", "per cent")
    table(tmp_path, [["a.png", "", 70]], ["path", "scar", "age"])
    refused(tmp_path, "gives no ECG a label", "scar (0 or 1) or lvef", "its columns are path, scar, age")
    table(tmp_path)
    (tmp_path / "patients.csv").rename(tmp_path / "one.csv")
    table(tmp_path, name="two.csv")
    refused(tmp_path, "holds the tables one.csv and two.csv")
    assert len(load_ecg_table(tmp_path / "two.csv", "training")) == 2
    for options in ({"lvef_rule": "<="}, {"lvef_threshold": 0}):
        refused(tmp_path / "two.csv", "The LVEF", **options)
    with pytest.raises(ValueError, match="section"):
        load_ecg_table(tmp_path / "two.csv", "train")


def test_an_unclosed_quote_does_not_swallow_rows(tmp_path):
    path = table(tmp_path, [['"a.png', 1], ["b.png", 0]], ["path", "scar"], make=False)
    refused(path, "cannot be read as CSV")


def test_empty_rows_count_as_a_spreadsheet_counts(tmp_path):
    rows = cell("age", "x", row=2)
    table(tmp_path, [rows[0], [""] * len(COLUMNS), rows[1], [], rows[2], rows[3]], make=False)
    refused(tmp_path, "row 6, column age")


def test_missing_files(tmp_path):
    table(tmp_path)
    os.remove(tmp_path / "pages/b.png")
    refused(tmp_path, "1 of 2 ECGs", str(tmp_path / "pages/b.png"), "relative to the table")
    assert len(load_ecg_table(tmp_path, "validation")) == 1
    rows = [[f"{k}.png", "test", 1] for k in range(3)]
    table(tmp_path, rows, ["path", "split", "scar"])
    os.remove(tmp_path / "1.png")
    assert len(load_ecg_table(tmp_path, "testing")) == 3  # loading tells of it, so that the others are done
    os.remove(tmp_path / "0.png"), os.remove(tmp_path / "2.png")
    refused(tmp_path, "3 of 3 ECGs", section="testing")


def test_file_names_must_be_found_and_be_one_file(tmp_path):
    table(tmp_path, [["x", 1, 1, "train"], ["y", 2, 0, "val"]], ["file_name", "run_num", "scar", "split"])
    files(tmp_path, "x_1.txt")
    refused(tmp_path, "1 of 1 ECGs", "x_1.*")
    files(tmp_path, "x_1.png", "old/x_1.jpg")
    refused(tmp_path, "row 2, column file_name: 'x' is", "x_1.png", "x_1.jpg")
    os.remove(tmp_path / "x_1.png")
    assert load_ecg_table(tmp_path, "training")[0]["image"] == str(tmp_path / "old/x_1.jpg")


def test_our_own_phantoms_are_read_as_they_are(tmp_path):
    pytest.importorskip("wfdb")
    cases = [simulate_ecg(seed) for seed in range(50, 54)]
    path = write_ecg_phantoms(tmp_path, {"training": cases[:2], "validation": cases[2:3], "testing": cases[3:]})
    items = [item for section in ("training", "validation", "testing") for item in load_ecg_table(path, section)]
    for item, case in zip(items, cases, strict=True):
        assert item["image"] == str(tmp_path / f"ecg/phantom_{case.seed}.hea")
        np.testing.assert_array_equal(item["label"], [case.scar, case.lvef < 50])
        assert item["clinical"][0] == np.float32(case.clinical.age) and item["clinical"][4] == case.clinical.smoke
        assert item["row"]["conduction"] == case.conduction
    (tested,) = find_ecgs(tmp_path)
    assert tested["case"] == items[3]["case"] and "label" not in tested


def test_a_record_may_be_listed_without_suffix(tmp_path):
    files(tmp_path, "r/1.hea", "r/1.dat", "r/2.hea", "r/2.dat")
    path = table(tmp_path, [["r/1", 1, "train"], ["r\\2", 0, "val"]], ["path", "scar", "split"], make=False)
    assert load_ecg_table(path, "training")[0]["image"] == str(tmp_path / "r/1")
    assert load_ecg_table(path, "validation")[0]["case"] == "2"


def test_ecgs_of_a_folder_or_file_without_labels(tmp_path):
    files(
        tmp_path,
        "a.png",
        "b/a.JPG",
        "b/scan.pdf",
        "b/r.hea",
        "b/r.dat",
        "b/notes.txt",
        "x/x_found.jpg",
        "b/.hidden.png",
    )
    write_ecg_csv(tmp_path / "signals.csv", np.zeros((12, 500)), 500)
    write_ecg_table(tmp_path / "pages.csv", [{"case": "a", "path": "a.png", "quality": 1}])
    write_ecg_table(tmp_path / "predictions.csv", [{"case": "a", "path": "a.png", "scar": 0.4, "model_version": 1}])
    items = find_ecgs(tmp_path)
    found = {os.path.relpath(item["image"], tmp_path).replace(os.sep, "/"): item["case"] for item in items}
    assert set(found) == {"a.png", "b/a.JPG", "b/scan.pdf", "b/r.hea", "signals.csv"}
    assert len(set(found.values())) == 5 and found["b/scan.pdf"] == "scan"
    assert all(np.isnan(item["clinical"]).all() and item["patient"] == item["case"] for item in items)
    for name in ("a.png", "signals.csv", "b/r", "b/r.hea", "b/notes.txt"):
        (item,) = find_ecgs(tmp_path / name)
        assert item["image"] == str(tmp_path / name)
    for name, words in {"nothing": "does not exist", "empty": "is empty"}.items():
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=words):
            find_ecgs(tmp_path / name)


def test_a_table_for_inference_needs_no_label(tmp_path):
    table(tmp_path, [["a.png", 70], ["b.png", ""]], ["path", "age"])
    items = find_ecgs(tmp_path)
    np.testing.assert_array_equal([item["clinical"][0] for item in items], [70, np.nan])
    assert all(np.isnan(item["clinical"][1:]).all() and "label" not in item for item in items)
