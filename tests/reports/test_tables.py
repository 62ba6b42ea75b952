"""Small files, whole or not at all."""

import json
import math
import os

import pytest

from monai_jdl.errors import InputError
from monai_jdl.reports import read_csv, text_table, write_csv, write_json, write_text


def test_csv_cells(tmp_path):
    rows = [{"case": "a, b", "x": 1 / 3, "n": 2, "yes": True, "more": 1}, {"case": "c", "x": math.nan, "n": None}]
    path = write_csv(tmp_path / "deep" / "t.csv", rows, ("case", "x", "n", "yes"))
    assert path.read_text() == 'case,x,n,yes\n"a, b",0.333333,2,True\nc,,,\n'
    assert read_csv(path)[0] == {"case": "a, b", "x": "0.333333", "n": "2", "yes": "True"}


def test_json_has_null_for_nan(tmp_path):
    path = write_json(tmp_path / "s.json", {"a": [math.nan, 1.5], "b": (math.inf,)})
    assert json.loads(path.read_text()) == {"a": [None, 1.5], "b": [None]}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_text(tmp_path / "t.txt", "old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    expected = pytest.raises(InputError, match=r"t\.txt: cannot be written \(No space left on device\); choose")
    with expected, monkeypatch.context() as patch:
        patch.setattr(os, "replace", full_disk)
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["t.txt"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_csv(tmp_path / "file" / "t.csv", [], ("a",))


def test_a_missing_or_foreign_table_says_which(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_csv(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("case\nMüller\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.csv: is not in UTF-8"):
        read_csv(tmp_path / "latin.csv")


def test_text_table_lines_up():
    text = text_table([{"metric": "Dice", "mean": 0.5}, {"metric": "x", "mean": None}])
    assert text.splitlines() == ["metric  mean", "Dice    0.5", "x       None"]
