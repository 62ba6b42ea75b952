"""Simulated ECGs and twins on disk."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl.data import read_record, write_ecg_phantoms, write_twin_phantoms
from monai_jdl.errors import InputError
from monai_jdl.phantoms import simulate_ecg, simulate_twin

pytest.importorskip("wfdb")


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_records_and_truth_come_back(tmp_path):
    cases = [simulate_ecg(seed) for seed in range(20, 24)]
    path = write_ecg_phantoms(tmp_path, {"training": cases[:3], "testing": cases[3:]})
    table = rows(path)
    assert [row["split"] for row in table] == ["training"] * 3 + ["testing"]
    for row, case in zip(table, cases, strict=True):
        record = read_record(tmp_path / row["path"])
        assert record.rate == 500 and record.leads == LEADS
        np.testing.assert_allclose(record.signals, case.signals, atol=0.0006)  # steps of 1 uV
        assert record.sex == ("female" if case.clinical.female else "male")
        assert row["patient"] == f"phantom_{case.seed}" and int(row["scar"]) == case.scar
        assert float(row["lvef"]) == pytest.approx(case.lvef, abs=0.06)
        assert float(row["age"]) == case.clinical.age and int(row["smoke"]) == case.clinical.smoke
        assert float(row["scar_percent"]) == pytest.approx(case.scar_percent, abs=0.001)
        assert [float(row[f"segment_{k}"]) for k in range(1, 18)] == pytest.approx(list(case.segments), abs=1e-4)
        assert tuple(row["changed_leads"].split()) == case.changed_leads
        assert (row["pr"] == "") == (case.rhythm == "fibrillation")


def test_pages_are_the_path_where_there_are_some_and_bytes_repeat(tmp_path):
    cases = [simulate_ecg(seed) for seed in (30, 31)]
    for name in ("a", "b"):
        path = write_ecg_phantoms(tmp_path / name, {"training": cases}, pages=True)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    for row in rows(path):
        with Image.open(tmp_path / "b" / row["path"]) as page:
            assert page.mode == "RGB" and min(page.size) > 400 and page.info["dpi"][0] > 50
        assert (tmp_path / "b" / "ecg" / f"{row['patient']}.dat").exists()


def test_twins_have_the_same_patients_in_both_lists(tmp_path):
    twins = [simulate_twin(seed, size=64) for seed in (40, 41)]
    path = write_twin_phantoms(tmp_path, {"training": twins[:1], "testing": twins[1:]})
    table, datalist = rows(path), json.loads((tmp_path / "datalist.json").read_text())
    for row, section in zip(table, ("training", "testing"), strict=True):
        (item,) = datalist[section]
        assert (row["patient"], row["split"]) == (item["patient"], section)
        assert float(row["scar_percent"]) == item["scar_percent"]
        assert (tmp_path / row["path"]).exists() and (tmp_path / item["image"]).exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_ecg_phantoms(tmp_path / "file", {})
