"""PTB-XL, made up in its official layout, as a table of ECGs."""

from __future__ import annotations

import csv
import logging
import shutil
from collections import Counter

import numpy as np
import pytest

from monai_jdl import cli
from monai_jdl.data import load_ecg_table, prepare_ptbxl
from monai_jdl.errors import InputError

COLUMNS = ["ecg_id", "patient_id", "age", "sex", "report", "scp_codes", "infarction_stadium1", "strat_fold"]
NORMAL = "{'NORM': 100.0, 'SR': 0.0}"


def ptbxl(folder, rows, columns=COLUMNS, rates=("lr", "hr")):
    """The data set with these rows, whose ecg_id is the first, and empty records."""
    with_names = [[*row, *(f"records{rate}00/00000/{int(row[0]):05d}_{rate}" for rate in ("lr", "hr"))] for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*columns, "filename_lr", "filename_hr"], *with_names])
    for rate in rates:
        (folder / f"records{rate}00/00000").mkdir(parents=True, exist_ok=True)
        for row in rows:
            (folder / f"records{rate}00/00000/{int(row[0]):05d}_{rate}.hea").touch()
    return folder


def row(ecg, patient=1.0, codes=NORMAL, fold=1, age=60.0, sex=1, stadium=""):
    return [ecg, patient, age, sex, "sinusrhythmus, lage; normal", codes, stadium, fold]


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("codes", "scar", "injury_alone", "conduction"),
    [
        (NORMAL, 0, 0, "normal"),
        ("{'IMI': 35.0, 'ABQRS': 0.0}", 1, 0, "normal"),
        ("{'ASMI': 0.0}", 1, 0, "normal"),  # 0 is an unknown likelihood
        ("{'INJAS': 50.0}", 1, 1, "normal"),
        ("{'INJAS': 50.0, 'PMI': 50.0, 'CLBBB': 100.0}", 1, 0, "LBBB"),
        ("{'ISCAL': 100.0, 'QWAVE': 0.0, 'CRBBB': 100.0}", 0, 0, "RBBB"),
        ("{'ILBBB': 100.0, 'LAFB': 100.0}", 0, 0, "normal"),
        ("{}", 0, 0, "normal"),
    ],
)
def test_infarction_by_the_statements(tmp_path, codes, scar, injury_alone, conduction):
    (found,) = read(prepare_ptbxl(ptbxl(tmp_path, [row(7, codes=codes, stadium="Stadium II")]), tmp_path / "out"))
    assert (found["scar"], found["injury_alone"]) == (str(scar), str(injury_alone))
    assert found["conduction"] == conduction and found["infarction_stadium1"] == "Stadium II"
    assert set(found["scp_codes"].split()) == {
        code.strip("{}' ") for code in codes.replace(":", ",").split(",")[::2]
    } - {""}


def test_who_the_patients_are(tmp_path):
    rows = [row(1, 11.0, age=300.0, sex=0), row(2, 11.0, age="", sex=1), row(3, 12.0, age=89.0, sex="")]
    path = prepare_ptbxl(ptbxl(tmp_path / "data", rows), tmp_path / "out")
    found = read(path)
    assert [(r["patient"], r["age"], r["female"], r["lvef"]) for r in found] == [
        ("11", "90", "0", ""),
        ("11", "", "1", ""),
        ("12", "89", "", ""),
    ]
    assert [int(r["ecg_id"]) for r in found] == [1, 2, 3]


def test_the_recommended_folds_are_kept(tmp_path):
    data = ptbxl(tmp_path, [row(k, float(100 + k), fold=k) for k in range(1, 11)])
    path = prepare_ptbxl(data, tmp_path / "out")
    cases = {section: [int(item["row"]["ecg_id"]) for item in load_ecg_table(path, section)]
             for section in ("training", "validation", "testing")}  # fmt: skip
    assert cases == {"training": list(range(1, 9)), "validation": [9], "testing": [10]}


def test_a_single_fold_is_divided_by_patient(tmp_path):
    rows = [row(k, float(k // 2), codes="{'IMI': 100.0}" if k // 2 % 4 == 0 else NORMAL, fold=10) for k in range(400)]
    data = ptbxl(tmp_path / "data", rows)
    found = read(prepare_ptbxl(data, tmp_path / "out"))
    ecgs = Counter(r["split"] for r in found)
    assert ecgs == {"train": 240, "validation": 60, "test": 100}
    for split, count in ecgs.items():  # a quarter of the patients, who have two ECGs each
        assert abs(sum(int(r["scar"]) for r in found if r["split"] == split) - count / 4) <= 2
    splits = {}
    for r in found:
        assert splits.setdefault(r["patient"], r["split"]) == r["split"]
    assert read(prepare_ptbxl(data, tmp_path / "out")) == found
    assert [r["split"] for r in read(prepare_ptbxl(data, tmp_path / "out", seed=1))] != [r["split"] for r in found]


def test_without_patient_id_each_ecg_is_a_patient(tmp_path, caplog):
    columns = [name for name in COLUMNS if name not in ("patient_id", "report")]
    rows = [[k, 60, 1, NORMAL, "", k] for k in range(1, 11)]
    with caplog.at_level(logging.WARNING):
        found = read(prepare_ptbxl(ptbxl(tmp_path, rows, columns), tmp_path / "out"))
    assert [r["patient"] for r in found] == [str(k) for k in range(1, 11)]
    assert "names no patients" in caplog.text


def test_records_of_the_higher_rate_that_are_there(tmp_path, caplog):
    data = ptbxl(tmp_path / "data", [row(k, float(k)) for k in (1, 2, 3)])
    (data / "recordshr00/00000/00002_hr.hea").unlink()
    for rate in ("hr", "lr"):
        (data / f"records{rate}00/00000/00003_{rate}.hea").unlink()
    with caplog.at_level(logging.WARNING):
        found = read(prepare_ptbxl(data, data))
    assert [r["path"] for r in found] == ["recordshr00/00000/00001_hr.hea", "recordslr00/00000/00002_lr.hea"]
    assert "1 of 3 records are not there" in caplog.text
    moved = shutil.copytree(data, tmp_path / "moved")
    assert load_ecg_table(moved, "testing", seed=3)[0]["image"].startswith(str(moved))
    assert read(prepare_ptbxl(data, tmp_path / "out"))[0]["path"] == str(data / "recordshr00/00000/00001_hr.hea")


def test_what_is_not_ptbxl_is_refused(tmp_path):
    def refused(words, folder=tmp_path / "data"):
        with pytest.raises(InputError, match=words):
            prepare_ptbxl(folder, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    refused("ptbxl_database.csv does not exist; give the folder of the unpacked PTB-XL")
    ptbxl(tmp_path / "data", [row(1)], rates=())
    refused("holds none of the 1 records")
    ptbxl(tmp_path / "data", [row(1)[:5] + row(1)[6:]], [name for name in COLUMNS if name != "scp_codes"])
    refused("lacks the column scp_codes")
    for bad in (row(1), row(2, codes="__import__('os')"), row(2, fold=""), row(2, sex=2), row(2, codes="")):
        if bad[0] == 2:
            ptbxl(tmp_path / "data", [row(1), bad])
            refused("row 3: it is not as in PTB-XL")


def test_from_the_command_line(tmp_path, capsys):
    data = ptbxl(tmp_path / "data", [row(k, float(k)) for k in range(20)])
    cli.main(["prepare", "ptbxl", str(data), str(tmp_path / "out"), "--seed", "3"])
    assert capsys.readouterr().out.strip() == str(tmp_path / "out/patients.csv")
    cli.main(["prepare", "ptbxl", str(data)])
    assert (
        len(read(data / "patients.csv")) == 20
        and np.unique([r["split"] for r in read(data / "patients.csv")]).size == 3
    )
    with pytest.raises(SystemExit) as end:
        cli.main(["prepare", "ptbxl", str(tmp_path / "out")])
    assert str(end.value.code).startswith("error: ")
